/*
 * fuzz_tcp.c - libFuzzer target: whole streams of segments and of user's calls into live TCP connections.
 *
 * The input is a program: each step is a segment from the peer, whose numbers lie near those that the
 * connection waits for, a call of the user, or time that passes. After each step tcp_check() must find every
 * connection sound; at the end no memory may be left.
 */
#include <stdio.h>
#include <stdlib.h>

#include "netstack/transport/tcp_info.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/tcp_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define US        0x0a000001U
#define PEER      0x0a000002U
#define SOCKS     4
#define PEER_ISN  0x7ffffff0U /* numbers wrap soon */
#define BYTES_MAX 100000U

struct fuzz {
	u64 now, seed, deadline;
	u64 blocks;
	struct netstack *ns;
	struct netif *nif;
	struct net_sock *listener, *socks[SOCKS];
	const uint8_t *at, *end;
	u32 last_seq, last_ack, last_ts; /* of what was sent last */
};

static u64 env_now(void *ctx)
{
	return ((struct fuzz *)ctx)->now;
}

static void env_random(void *ctx, void *buf, size_t size)
{
	struct fuzz *f = ctx;

	for (size_t i = 0; i < size; i++) {
		f->seed = f->seed * 6364136223846793005ULL + 1442695040888963407ULL;
		((u8 *)buf)[i] = (u8)(f->seed >> 33);
	}
}

static void *env_alloc(void *ctx, size_t size, const char *type)
{
	(void)type;
	((struct fuzz *)ctx)->blocks++;
	return malloc(size);
}

static void env_free(void *ctx, void *p)
{
	((struct fuzz *)ctx)->blocks--;
	free(p);
}

static void env_timer(void *ctx, u64 deadline)
{
	((struct fuzz *)ctx)->deadline = deadline;
}

static int wire_send(struct netif *nif, struct pkt *p)
{
	struct fuzz *f = nif->link;
	u8 h[60];

	/* IPv4 header, then TCP's */
	if (pkt_copy(p, 0, h, 40) == 40 && h[9] == PROTO_TCP) {
		f->last_seq = get_be32(h + 24);
		f->last_ack = get_be32(h + 28);
	}
	pkt_free(p);
	return 0;
}

static const struct netif_ops wire_ops = {.send = wire_send};

static u32 byte(struct fuzz *f)
{
	return f->at < f->end ? *f->at++ : 0;
}

static u32 word(struct fuzz *f)
{
	u32 lo = byte(f);

	return lo | byte(f) << 8;
}

/* ---- the peer ---- */

/* A number near `base`: mostly itself. */
static u32 near(struct fuzz *f, u32 base)
{
	u32 how = byte(f);

	if (how < 128)
		return base;
	if (how < 200)
		return base + word(f);
	if (how < 240)
		return base - word(f);
	return base + (word(f) << 16);
}

static u32 options(struct fuzz *f, u8 *o, bool syn, u32 una)
{
	u32 how = byte(f), n = 0;

	if (how & 1) {
		n += tcp_put_timestamps(o, (u32)(f->now / MS) + (how & 64 ? word(f) : 0),
					how & 128 ? word(f) : 0);
	}
	if (how & 2) {
		u32 blocks = 1 + (how >> 4 & 1);
		o[n] = o[n + 1] = TCP_OPT_NOP;
		o[n + 2] = TCP_OPT_SACK;
		o[n + 3] = (u8)(2 + 8 * blocks);
		n += 4;
		for (u32 i = 0; i < blocks; i++, n += 8) {
			u32 start = una + word(f) - (byte(f) == 0 ? 40000 : 0);
			put_be32(o + n, start);
			put_be32(o + n + 4, start + word(f));
		}
	}
	if (syn && (how & 4)) {
		memcpy(o + n, "\2\4\5\xb4\1\3\3\7\1\1\4\2", 12);
		n += 12;
	}
	if ((how & 8) && n <= 28) { /* garbage */
		for (u32 i = 0; i < 12; i++)
			o[n + i] = (u8)byte(f);
		n += 12;
	}
	return n > 40 ? 40 : n;
}

static struct net_sock *some_socket(struct fuzz *f)
{
	return f->socks[byte(f) % SOCKS];
}

static void segment(struct fuzz *f)
{
	u8 b[2200] = {0x45}, *h = b + 20;
	struct net_sock *sk = some_socket(f);
	struct ip_addr src = ip_v4(PEER), dst = ip_v4(US);
	u32 flags = byte(f), n = 0, opts, total, seq = f->last_ack, ack = f->last_seq, una = f->last_seq;
	u16 sport = (u16)(1000 + byte(f) % 3), dport = 80;
	struct pkt *p;

	if (flags < 128) /* mostly what a connection sees */
		flags = TCP_ACK | (flags & 1 ? TCP_PSH : 0);
	if (sk && tcp_synchronized(tcp_of(sk)) && tcp_of(sk)->state != TCPS_CLOSE) {
		const struct tcp_sock *tp = tcp_of(sk);
		sport = sk->ep.rport;
		dport = sk->ep.lport;
		seq = tp->rcv_nxt;
		una = tp->snd_una;
		ack = byte(f) & 1 ? tp->snd_nxt : tp->snd_una + byte(f) * 100;
	} else if (sk && tcp_of(sk)->state == TCPS_SYN_SENT) {
		sport = sk->ep.rport;
		dport = sk->ep.lport;
		seq = PEER_ISN;
		ack = tcp_of(sk)->snd_nxt;
		flags |= TCP_SYN;
	}
	opts = options(f, h + 20, flags & TCP_SYN, una);
	if (flags != TCP_ACK || byte(f) & 1)
		n = byte(f) < 200 ? word(f) % 1461 : byte(f);
	total = 40 + opts + n;
	put_be16(b + 2, total);
	b[1] = byte(f) > 240 ? 3 : 0;
	b[8] = 64;
	b[9] = PROTO_TCP;
	put_be32(b + 12, PEER);
	put_be32(b + 16, US);
	csum_put(b + 10, csum_add(0, b, 20, false));
	put_be16(h, sport);
	put_be16(h + 2, dport);
	put_be32(h + 4, near(f, seq));
	put_be32(h + 8, near(f, ack));
	h[12] = (u8)((20 + opts) / 4 << 4);
	h[13] = (u8)flags;
	put_be16(h + 14, byte(f) < 64 ? byte(f) : word(f));
	if (flags & TCP_URG)
		put_be16(h + 18, word(f));
	csum_put(h + 16, csum_add(csum_pseudo(&src, &dst, PROTO_TCP, total - 20), h, total - 20, false));
	p = pkt_from(f->ns, b, total);
	if (p) {
		netif_receive(f->nif, p);
		netstack_run(f->ns);
	}
}

/* ---- the user ---- */

static s64 copy_any(struct net_iter *it, void *stack_side, size_t n)
{
	(void)stack_side;
	it->left -= n;
	return (s64)n;
}

static s64 copy_zero(struct net_iter *it, void *stack_side, size_t n)
{
	memset(stack_side, 0x5a, n);
	it->left -= n;
	return (s64)n;
}

static void new_socket(struct fuzz *f, u32 i)
{
	struct ip_addr peer = ip_v4(PEER);

	if (tcp_new(f->ns, false, &f->socks[i]) == 0)
		(void)!tcp_connect(f->socks[i], &peer, 1000 + byte(f) % 3);
}

static void option(struct fuzz *f, struct net_sock *sk)
{
	int name = (int)(byte(f) % 40), v = (int)word(f);
	struct tcp_info_linux info;
	static const char *const cc[] = {"cubic", "reno", "bbr"};

	if (name == TCPO_CONGESTION)
		(void)!tcp_setsockopt(sk, name, cc[v % 3], strlen(cc[v % 3]));
	else
		(void)!tcp_setsockopt(sk, name, &v, sizeof(v));
	(void)!tcp_getsockopt(sk, TCPO_INFO, &info, sizeof(info));
	if (name == 38)
		tcp_set_keepalive(sk, v & 1);
	else if (name == 39)
		tcp_set_rcvbuf(sk, (u32)v * 4);
	else if (name == 37)
		tcp_set_sndbuf(sk, (u32)v * 4);
}

static void call(struct fuzz *f)
{
	u32 i = byte(f) % SOCKS, what = byte(f);
	struct net_sock *sk = f->socks[i];
	struct net_iter it = {.copy = copy_any, .left = word(f) % BYTES_MAX};
	u8 oob;

	if (!sk) {
		if (what & 1)
			new_socket(f, i);
		else if (f->listener)
			(void)!tcp_accept(f->listener, &f->socks[i]);
		return;
	}
	switch (what % 10) {
	case 0:
	case 1:
	case 2:
		it.copy = copy_zero;
		(void)!tcp_send(sk, &it, what >> 4 & 3);
		break;
	case 3:
	case 4:
		(void)!tcp_receive(sk, &it, what & 64, 0);
		break;
	case 5:
		(void)!tcp_shutdown(sk, what & 16, what & 32);
		break;
	case 6:
		tcp_close(sk, what & 16);
		f->socks[i] = NULL;
		break;
	case 7:
		option(f, sk);
		break;
	case 8:
		(void)!tcp_receive_oob(sk, what & 16, &oob);
		(void)!tcp_poll(sk);
		(void)!tcp_discard(sk, word(f));
		break;
	default:
		if (what & 16)
			(void)!tcp_disconnect(sk);
		(void)!sock_take_error(sk);
		break;
	}
}

static void time_passes(struct fuzz *f)
{
	u64 to = f->now + ((u64)word(f) << (byte(f) % 24)) * 1000;

	for (int i = 0; i < 200 && f->deadline <= to; i++) {
		f->now = max_t(u64, f->now, f->deadline);
		netstack_run(f->ns);
	}
	f->now = max_t(u64, to, f->now);
	netstack_run(f->ns);
}

static void check(struct net_ep *ep, void *arg)
{
	const char *e;

	(void)arg;
	if (ep->kind != EP_TCP)
		return;
	e = tcp_check(tcp_of(container_of(ep, struct net_sock, ep)));
	if (e) {
		fprintf(stderr, "%s\n", e);
		abort();
	}
}

static void start(struct fuzz *f)
{
	struct net_env env = {.ctx = f,
			      .monotonic = env_now,
			      .realtime = env_now,
			      .random = env_random,
			      .alloc = env_alloc,
			      .free = env_free,
			      .timer = env_timer};
	struct netif_config c = {.name = "p0", .ops = &wire_ops, .link = f, .mtu = 1500};
	struct ip_addr any = IP4_ANY;
	bool ok = netstack_new(&env, &f->ns) == 0 && netif_add(f->ns, &c, &f->nif) == 0;

	f->nif->no_ipv6 = true;
	ok = ok && netif_addr_add(f->nif, ip_v4(US), 24, IFA_PERMANENT) == 0 &&
	     netif_set_up(f->nif, true) == 0 && tcp_new(f->ns, false, &f->listener) == 0 &&
	     sock_bind(f->listener, &any, 80) == 0 && tcp_listen(f->listener, (int)(byte(f) % 4)) == 0;
	if (!ok)
		abort();
	f->ns->config.tcp_ecn = (u8)(byte(f) % 3);
	f->ns->config.tcp_congestion = (u8)(byte(f) % CC_COUNT);
}

static void finish(struct fuzz *f)
{
	for (int i = 0; i < SOCKS; i++)
		if (f->socks[i])
			tcp_close(f->socks[i], i & 1);
	tcp_close(f->listener, false);
	netstack_free(f->ns);
	if (f->blocks) {
		fprintf(stderr, "%llu allocations are left\n", (unsigned long long)f->blocks);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {
	    .now = 1000 * NSEC_PER_SEC, .seed = 42, .deadline = TIME_NEVER, .at = data, .end = data + size};

	start(&f);
	for (int i = 0; i < 2000 && f.at < f.end; i++) {
		u32 what = byte(&f) % 8;
		if (what < 4)
			segment(&f);
		else if (what < 7)
			call(&f);
		else
			time_passes(&f);
		sock_walk(f.ns, check, NULL);
	}
	finish(&f);
	return 0;
}

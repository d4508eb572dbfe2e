/*
 * fixture.c - see fixture.h.
 */
#include "tests/unit/netstack/fixture.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <stdlib.h>

#include "netstack/wire/checksum.h"

const u8 mac_us[6] = {2, 0, 0, 0, 0, 1}, mac_peer[6] = {2, 0, 0, 0, 0, 2},
	 mac_all[6] = {255, 255, 255, 255, 255, 255};

/* ---- environment ---- */

static u64 env_now(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static u64 env_real(void *ctx)
{
	return ((struct world *)ctx)->now + 1700000000 * NSEC_PER_SEC;
}

static void env_random(void *ctx, void *buf, size_t size)
{
	struct world *w = ctx;
	u8 *p = buf;

	for (size_t i = 0; i < size; i++) {
		w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
		p[i] = (u8)(w->seed >> 33);
	}
}

static void *env_alloc(void *ctx, size_t size, const char *type)
{
	struct world *w = ctx;
	void *p;

	(void)type;
	if (w->fail_after == 0)
		return NULL;
	if (w->fail_after > 0)
		w->fail_after--;
	p = malloc(size);
	ck_assert_ptr_nonnull(p);
	memset(p, 0xa5, size); /* the stack must not count on zeros */
	w->blocks++;
	w->bytes += malloc_usable_size(p);
	return p;
}

static void env_free(void *ctx, void *p)
{
	struct world *w = ctx;

	ck_assert_ptr_nonnull(p);
	w->blocks--;
	w->bytes -= malloc_usable_size(p);
	free(p);
}

static void tell(struct world *w, int which, u64 deadline)
{
	w->deadline[which] = deadline;
}
static void timer_a(void *ctx, u64 deadline)
{
	tell(ctx, 0, deadline);
}
static void timer_b(void *ctx, u64 deadline)
{
	tell(ctx, 1, deadline);
}
static void timer_w(void *ctx, u64 deadline)
{
	tell(ctx, 2, deadline);
}

struct netstack *world_stack(struct world *w, int which)
{
	static void (*const timers[])(void *, u64) = {timer_a, timer_b, timer_w};
	struct net_env env = {.ctx = w,
			      .monotonic = env_now,
			      .realtime = env_real,
			      .random = env_random,
			      .alloc = env_alloc,
			      .free = env_free,
			      .timer = timers[which]};
	struct netstack *ns = NULL;

	ck_assert_int_eq(netstack_new(&env, &ns), 0);
	ck_assert_int_eq(netif_set_up(ns->lo, true), 0);
	return ns;
}

void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->now = 1000 * NSEC_PER_SEC;
	w->seed = 0x5eed;
	w->fail_after = -1;
	w->deadline[0] = w->deadline[1] = w->deadline[2] = TIME_NEVER;
	memlink_init(&w->cable, 1, env_now, w);
}

static void address(struct netif *nif, u32 v4, const char *v6)
{
	nif->no_ipv6 = true; /* no link-local address, no solicitations: tests of those switch it on */
	ck_assert_int_eq(netif_addr_add(nif, ip_v4(v4), 24, IFA_PERMANENT), 0);
	ck_assert_int_eq(netif_addr_add(nif, a6(v6), 64, IFA_PERMANENT | IFA_NODAD), 0);
	ck_assert_int_eq(netif_set_up(nif, true), 0);
}

void world_pair_with(struct world *w, u32 mtu, u32 features)
{
	world_init(w);
	w->a = world_stack(w, 0);
	w->b = world_stack(w, 1);
	ck_assert_int_eq(memlink_attach(&w->cable, 0, w->a, "eth0", mtu, features, &w->an), 0);
	ck_assert_int_eq(memlink_attach(&w->cable, 1, w->b, "eth0", mtu, features, &w->bn), 0);
	address(w->an, IP_A, "fd00::1");
	address(w->bn, IP_B, "fd00::2");
	settle(w);
}

void world_pair(struct world *w)
{
	world_pair_with(w, 1500, 0);
}

static int wire_send(struct netif *nif, struct pkt *p)
{
	struct world *w = nif->link;
	struct frame *f;

	ck_assert_int_lt(w->sent_count, FRAMES_MAX);
	f = &w->sent[w->sent_count++];
	ck_assert_int_le(p->size, sizeof(f->bytes));
	f->size = pkt_copy(p, 0, f->bytes, sizeof(f->bytes));
	ck_assert_int_eq(f->size, p->size);
	f->at = w->now;
	pkt_free(p);
	return 0;
}

static const struct netif_ops wire_ops = {.send = wire_send};

void world_wire_with(struct world *w, u32 mtu, u32 features)
{
	struct netif_config c = {.name = "eth0",
				 .ops = &wire_ops,
				 .link = w,
				 .mtu = mtu,
				 .features = features,
				 .ethernet = true,
				 .hwaddr = {2, 0, 0, 0, 0, 1}};

	world_init(w);
	w->sent = calloc(FRAMES_MAX, sizeof(*w->sent));
	ck_assert_ptr_nonnull(w->sent);
	w->w = world_stack(w, 2);
	ck_assert_int_eq(netif_add(w->w, &c, &w->wn), 0);
	address(w->wn, IP_A, "fd00::1");
	run_for(w, 60 * NSEC_PER_SEC); /* membership reports */
	wire_skip(w);
}

void world_wire(struct world *w)
{
	world_wire_with(w, 1500, 0);
}

static void end(struct netstack *ns)
{
	if (!ns)
		return;
	/* every packet that lives is on a queue that netstack_free() empties, or was forgotten */
	ck_assert_int_eq(ns->sock_count, 0);
	netstack_free(ns);
}

void world_end(struct world *w)
{
	end(w->a);
	end(w->b);
	end(w->w);
	free(w->sent);
	ck_assert_int_eq(w->blocks, 0);
}

void settle(struct world *w)
{
	memlink_run(&w->cable);
	if (w->a)
		netstack_run(w->a);
	if (w->b)
		netstack_run(w->b);
	if (w->w)
		netstack_run(w->w);
	memlink_run(&w->cable);
}

void run_for(struct world *w, u64 ns)
{
	u64 end_at = w->now + ns;

	for (;;) {
		u64 next = memlink_next(&w->cable);
		for (int i = 0; i < 3; i++)
			next = min_t(u64, next, w->deadline[i]);
		if (next > end_at)
			break;
		w->now = max_t(u64, w->now, next);
		settle(w);
	}
	w->now = end_at;
	settle(w);
}

/* ---- the wire ---- */

void wire_in(struct world *w, const void *frame, u32 size)
{
	struct pkt *p = pkt_from(w->w, frame, size);

	ck_assert_ptr_nonnull(p);
	netif_receive(w->wn, p);
	netstack_run(w->w);
}

const struct frame *wire_out(struct world *w)
{
	return w->taken < w->sent_count ? &w->sent[w->taken++] : NULL;
}

const struct frame *wire_must(struct world *w)
{
	const struct frame *f = wire_out(w);

	ck_assert_msg(f, "nothing was sent");
	return f;
}

void wire_quiet(struct world *w)
{
	const struct frame *f = wire_out(w);

	if (f)
		ck_abort_msg("a frame was sent: type %02x%02x, %u bytes", f->bytes[12], f->bytes[13],
			     f->size);
	wire_skip(w);
}

void wire_skip(struct world *w)
{
	w->sent_count = w->taken = 0;
}

u8 *b_add(struct build *f, const void *bytes, u32 size)
{
	u8 *at = f->b + f->size;

	ck_assert_int_le(f->size + size, sizeof(f->b));
	if (bytes)
		memcpy(at, bytes, size);
	else
		memset(at, 0, size);
	f->size += size;
	return at;
}

void b_eth(struct build *f, const u8 dst[6], const u8 src[6], u32 type)
{
	f->size = f->net = f->l4 = 0;
	f->v6 = type == ETH_IPV6;
	b_add(f, dst, 6);
	b_add(f, src, 6);
	put_be16(b_add(f, NULL, 2), type);
}

u8 *b_ip4(struct build *f, u32 src, u32 dst, u32 proto)
{
	u8 *h = b_add(f, NULL, 20);

	f->net = f->size - 20;
	f->l4 = f->size;
	h[0] = 0x45;
	h[8] = 64;
	h[9] = (u8)proto;
	put_be32(h + 12, src);
	put_be32(h + 16, dst);
	return h;
}

u8 *b_ip6(struct build *f, const char *src, const char *dst, u32 next)
{
	struct ip_addr s = a6(src), d = a6(dst);
	u8 *h = b_add(f, NULL, 40);

	f->net = f->size - 40;
	f->l4 = f->size;
	h[0] = 0x60;
	h[6] = (u8)next;
	h[7] = 64;
	memcpy(h + 8, s.b, 16);
	memcpy(h + 24, d.b, 16);
	return h;
}

u8 *b_udp(struct build *f, u32 sport, u32 dport, const void *data, u32 size)
{
	u8 *h = b_add(f, NULL, 8);

	f->l4 = f->size - 8;
	put_be16(h, sport);
	put_be16(h + 2, dport);
	put_be16(h + 4, size + 8);
	b_add(f, data, size);
	return h;
}

static void sum_l4(struct build *f, u32 proto, const struct ip_addr *src, const struct ip_addr *dst)
{
	u8 *l4 = f->b + f->l4;
	u32 size = f->size - f->l4;

	if (proto == PROTO_UDP && size >= 8) {
		put_be16(l4 + 6, 0);
		csum_put_nonzero(l4 + 6, csum_add(csum_pseudo(src, dst, proto, size), l4, size, false));
	} else if (proto == PROTO_ICMPV6 && size >= 4) {
		put_be16(l4 + 2, 0);
		csum_put(l4 + 2, csum_add(csum_pseudo(src, dst, proto, size), l4, size, false));
	} else if ((proto == PROTO_ICMP || proto == PROTO_IGMP) && size >= 4) {
		put_be16(l4 + 2, 0);
		csum_put(l4 + 2, csum_add(0, l4, size, false));
	}
}

void b_finish(struct build *f)
{
	u8 *h = f->b + f->net;
	struct ip_addr src, dst;
	u32 proto, header;

	if (f->v6) {
		put_be16(h + 4, f->size - f->net - 40);
		memcpy(src.b, h + 8, 16);
		memcpy(dst.b, h + 24, 16);
		proto = h[6];
		header = 40;
		while (proto == PROTO_HOPOPTS || proto == PROTO_DSTOPTS || proto == PROTO_ROUTING) {
			proto = h[header];
			header += 8U + 8U * h[header + 1];
		}
		sum_l4(f, proto, &src, &dst);
		return;
	}
	header = (h[0] & 0xf) * 4U;
	put_be16(h + 2, f->size - f->net);
	put_be16(h + 10, 0);
	csum_put(h + 10, csum_add(0, h, header, false));
	src = ip_v4(get_be32(h + 12));
	dst = ip_v4(get_be32(h + 16));
	if (!(get_be16(h + 6) & (IPV4_MF | IPV4_OFFSET)))
		sum_l4(f, h[9], &src, &dst);
}

void b_send(struct world *w, struct build *f)
{
	b_finish(f);
	wire_in(w, f->b, f->size);
}

void send_udp4(struct world *w, u32 sport, u32 dport, const void *data, u32 size)
{
	struct build f;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, sport, dport, data, size);
	b_send(w, &f);
}

void send_udp6(struct world *w, u32 sport, u32 dport, const void *data, u32 size)
{
	struct build f;

	b_eth(&f, mac_us, mac_peer, ETH_IPV6);
	b_ip6(&f, "fd00::2", "fd00::1", PROTO_UDP);
	b_udp(&f, sport, dport, data, size);
	b_send(w, &f);
}

void know_peer(struct world *w)
{
	struct ip_addr v4 = ip_v4(IP_B), v6 = a6("fd00::2");

	ck_assert_int_eq(neigh_set(w->wn, &v4, mac_peer, NUD_PERMANENT), 0);
	ck_assert_int_eq(neigh_set(w->wn, &v6, mac_peer, NUD_PERMANENT), 0);
}

/* ---- sockets ---- */

struct ip_addr a4(const char *text)
{
	u8 b[4];

	ck_assert_int_eq(inet_pton(AF_INET, text, b), 1);
	return ip_v4(get_be32(b));
}

struct ip_addr a6(const char *text)
{
	struct ip_addr a;

	ck_assert_int_eq(inet_pton(AF_INET6, text, a.b), 1);
	return a;
}

struct net_sock *udp_open(struct netstack *ns, bool v6)
{
	struct net_sock *sk = NULL;

	ck_assert_int_eq(udp_new(ns, v6, &sk), 0);
	return sk;
}

struct net_sock *udp_bound(struct netstack *ns, struct ip_addr addr, u32 port)
{
	struct net_sock *sk = udp_open(ns, !ip_is_v4(&addr));

	ck_assert_int_eq(sock_bind(sk, &addr, port), 0);
	return sk;
}

static s64 copy_in(struct net_iter *it, void *to, size_t n)
{
	struct mem_iter *m = container_of(it, struct mem_iter, it);

	ck_assert_int_le(n, it->left);
	memcpy(to, m->at, n);
	m->at += n;
	it->left -= n;
	return (s64)n;
}

void mem_in(struct mem_iter *m, const void *from, size_t size)
{
	*m = (struct mem_iter){.it = {.copy = copy_in, .left = size}, .at = (u8 *)(uintptr_t)from};
}

struct dgram_msg msg_to(struct mem_iter *m, const struct ip_addr *dst, u32 port)
{
	return (struct dgram_msg){.iter = &m->it, .dst = dst, .dport = port, .ttl = -1, .tos = -1};
}

s64 udp_put(struct net_sock *sk, const struct ip_addr *dst, u32 port, const void *data, size_t size)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, data, size);
	msg = msg_to(&m, dst, port);
	return udp_send(sk, &msg);
}

s64 dgram_get(struct net_sock *sk, void *buf, size_t size, struct ip_addr *from, u16 *port)
{
	struct pkt *p;
	s64 n;
	int err = dgram_receive(sk, false, &p);

	if (err)
		return err;
	n = p->size;
	(void)pkt_copy(p, 0, buf, (u32)size);
	if (from)
		*from = p->src;
	if (port)
		*port = p->sport;
	pkt_free(p);
	return n;
}

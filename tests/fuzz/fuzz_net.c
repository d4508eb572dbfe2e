/*
 * fuzz_net.c: libFuzzer targets for what comes from the network, one per parser, each fed into a live stack
 * with sockets of all kinds open. -DTARGET=… chooses what of the headers is made here (and so right) and what
 * is the fuzzer's.
 *
 * The input is a row of steps: one byte says what (feed a packet, let time pass, let a socket send, read the
 * sockets), two how long. After each input the stack is taken down, and nothing may be left; what was sent
 * must be well formed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/link/tap.h"
#include "netstack/net/ip.h"
#include "netstack/stack/stack_priv.h"
#include "netstack/transport/sock.h"
#include "netstack/transport/tcp.h"
#include "netstack/wire/checksum.h"

enum { ETHER, ARP, IP4, IP6, OPT4, EXT6, FRAG4, FRAG6, ICMP4, ICMP6, NDP, IGMP, MLD, UDP4, UDP6, TCP4, TAP };
#ifndef TARGET
#define TARGET ETHER
#endif

#define REQUIRE(x)                                                                                           \
	do {                                                                                                 \
		if (!(x))                                                                                    \
			__builtin_trap();                                                                    \
	} while (0)

struct fuzz {
	uint64_t now, seed, deadline;
	long blocks;
	struct netstack *ns;
	struct netif *nif;
	struct tap *tap;
	struct net_sock *socks[8];
	unsigned sock_count;
	struct net_sock *listener, *client;
	struct packet_sock *packet;
};

static u64 now(void *ctx)
{
	return ((struct fuzz *)ctx)->now;
}
static void randomly(void *ctx, void *buf, size_t size)
{
	struct fuzz *f = ctx;
	u8 *p = buf;

	for (size_t i = 0; i < size; i++) {
		f->seed = f->seed * 6364136223846793005ULL + 1;
		p[i] = (u8)(f->seed >> 40);
	}
}
static void *take(void *ctx, size_t size, const char *type)
{
	(void)type;
	((struct fuzz *)ctx)->blocks++;
	return malloc(size);
}
static void give(void *ctx, void *p)
{
	((struct fuzz *)ctx)->blocks--;
	free(p);
}
static void timer(void *ctx, u64 deadline)
{
	((struct fuzz *)ctx)->deadline = deadline;
}

/* What goes out must be what a receiver would take. */
static void check_frame(const u8 *p, u32 size)
{
	u32 type, header;

	REQUIRE(size >= 14);
	type = get_be16(p + 12);
	p += 14;
	size -= 14;
	if (type == ETH_ARP) {
		REQUIRE(size == 28);
	} else if (type == ETH_IPV4) {
		REQUIRE(size >= 20 && size <= 1500 && p[0] >> 4 == 4);
		header = (p[0] & 0xf) * 4U;
		REQUIRE(header >= 20 && header <= size && get_be16(p + 2) == size);
		REQUIRE(csum_ok(csum_add(0, p, header, false)));
		if (!(get_be16(p + 6) & 0x3fff) && (p[9] == PROTO_UDP || p[9] == PROTO_TCP)) {
			struct ip_addr s = ip_v4(get_be32(p + 12)), d = ip_v4(get_be32(p + 16));
			u32 sum = csum_pseudo(&s, &d, p[9], size - header);
			REQUIRE(csum_ok(csum_add(sum, p + header, size - header, false)));
		}
	} else if (type == ETH_IPV6) {
		REQUIRE(size >= 40 && size <= 1500 && p[0] >> 4 == 6 && get_be16(p + 4) == size - 40);
	}
}

static int link_send(struct netif *nif, struct pkt *p)
{
	u8 buf[2048];
	u32 n = pkt_copy(p, 0, buf, sizeof(buf));

	(void)nif;
	REQUIRE(n == p->size);
	check_frame(buf, n);
	pkt_free(p);
	return 0;
}
static const struct netif_ops ops = {.send = link_send};

static bool tap_may_wait(void *ctx, u32 frames, u32 bytes)
{
	(void)ctx;
	return frames < 4 && bytes < 3000;
}

static int tap_write(void *ctx, const struct iovec *iov, u32 count)
{
	struct fuzz *f = ctx;
	size_t n = 0;

	for (u32 i = 0; i < count; i++)
		n += iov[i].iov_len;
	REQUIRE(n >= 24 && n <= 65536 + 64);
	f->seed++;
	return f->seed % 7 ? 0 : -11;
}

static const struct ip_addr any4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255}}, any6;

static void add_sock(struct fuzz *f, struct net_sock *sk)
{
	sk->recverr = true;
	f->socks[f->sock_count++] = sk;
}

static void open_sockets(struct fuzz *f)
{
	struct net_sock *sk;
	struct ip_addr g = ip_v4(0xef010203), g6 = {{0xff, 5, [15] = 0x77}}, peer = ip_v4(0x0a000002);

	REQUIRE(!udp_new(f->ns, true, &sk));
	add_sock(f, sk);
	REQUIRE(!sock_bind(sk, &any6, 9) && !sock_join(sk, &g, f->nif->index) &&
		!sock_join(sk, &g6, f->nif->index));
	REQUIRE(!udp_new(f->ns, false, &sk));
	add_sock(f, sk);
	REQUIRE(!sock_bind(sk, &any4, 1000) && !dgram_connect(sk, &peer, 2000));
	for (int i = 0; i < 4; i++) {
		REQUIRE(!raw_new(f->ns, i & 1, i & 1 ? PROTO_ICMPV6 : PROTO_ICMP, i & 2, &sk));
		add_sock(f, sk);
	}
	REQUIRE(!packet_new(f->ns, false, ETH_ALL, &f->packet));
	f->packet->rcvbuf = 20000;
	REQUIRE(!tcp_new(f->ns, true, &f->listener));
	REQUIRE(!sock_bind(f->listener, &any6, 80) && !tcp_listen(f->listener, 4));
	REQUIRE(!tcp_new(f->ns, false, &f->client));
	REQUIRE(!sock_bind(f->client, &any4, 1001));
	(void)!tcp_connect(f->client, &peer, 80);
}

static void start(struct fuzz *f)
{
	struct net_env env = {f, now, now, randomly, take, give, timer};
	struct netif_config c = {
	    .name = "eth0", .ops = &ops, .mtu = 1500, .ethernet = true, .hwaddr = {2, 0, 0, 0, 0, 1}};
	struct tap_config t = {.name = "eth0",
			       .mtu = 1500,
			       .hwaddr = {2, 0, 0, 0, 0, 1},
			       .vnet_size = 10,
			       .ctx = f,
			       .write = tap_write,
			       .may_wait = tap_may_wait,
			       .features = LINK_CSUM_OUT | LINK_GSO_TCP4 | LINK_GSO_TCP6 | LINK_GSO_UDP};
	struct ip_addr six = {{0xfd, [15] = 1}}, peer = ip_v4(0x0a000002), peer6 = {{0xfd, [15] = 2}};
	u8 mac[6] = {2, 0, 0, 0, 0, 2};

	*f = (struct fuzz){.now = 1000 * NSEC_PER_SEC, .seed = 1, .deadline = TIME_NEVER};
	REQUIRE(!netstack_new(&env, &f->ns) && !netif_set_up(f->ns->lo, true));
	if (TARGET == TAP) {
		REQUIRE(!tap_add(f->ns, &t, &f->tap));
		f->nif = tap_netif(f->tap);
	} else {
		REQUIRE(!netif_add(f->ns, &c, &f->nif));
	}
	REQUIRE(!netif_addr_add(f->nif, ip_v4(0x0a000001), 24, IFA_PERMANENT));
	REQUIRE(!netif_addr_add(f->nif, six, 64, IFA_PERMANENT | IFA_NODAD));
	REQUIRE(!netif_set_up(f->nif, true));
	if (TARGET != ARP && TARGET != NDP)
		REQUIRE(!neigh_set(f->nif, &peer, mac, NUD_REACHABLE) &&
			!neigh_set(f->nif, &peer6, mac, NUD_REACHABLE));
	open_sockets(f);
}

static void drain(struct fuzz *f)
{
	struct pkt *p;
	struct sock_error *e;

	for (unsigned i = 0; i < f->sock_count; i++) {
		for (int k = 0, err; k < 100 && (err = dgram_receive(f->socks[i], false, &p)) != -11; k++)
			if (!err)
				pkt_free(p);
		while ((e = sock_next_error(f->socks[i])))
			sock_error_free(f->ns, e);
	}
	while (!packet_receive(f->packet, false, &p))
		pkt_free(p);
}

static void stop(struct fuzz *f)
{
	struct net_sock *sk;

	drain(f);
	for (unsigned i = 0; i < f->sock_count; i++)
		dgram_close(f->socks[i]);
	while (!tcp_accept(f->listener, &sk))
		tcp_close(sk, true);
	tcp_close(f->listener, false);
	tcp_close(f->client, true);
	packet_close(f->packet);
	netstack_free(f->ns);
	REQUIRE(f->blocks == 0);
}

/* ---- packets ---- */

static void ip4(u8 *h, u32 size, u32 proto)
{
	h[0] = 0x45;
	put_be16(h + 2, size);
	h[8] = 64;
	h[9] = (u8)proto;
	put_be32(h + 12, 0x0a000002);
	put_be32(h + 16, 0x0a000001);
}

static void ip4_sum(u8 *h, u32 size)
{
	u32 header = min_t(u32, (h[0] & 0xf) * 4U, size);

	put_be16(h + 10, 0);
	csum_put(h + 10, csum_add(0, h, header, false));
}

static void ip6(u8 *h, u32 payload, u32 next)
{
	static const u8 src[16] = {0xfd, [15] = 2}, dst[16] = {0xfd, [15] = 1};

	h[0] = 0x60;
	put_be16(h + 4, payload);
	h[6] = (u8)next;
	h[7] = next == PROTO_ICMPV6 && TARGET == NDP ? 255 : next == PROTO_HOPOPTS && TARGET == MLD ? 1 : 64;
	memcpy(h + 8, src, 16);
	memcpy(h + 24, dst, 16);
}

static void l4_sum(const u8 *ip, bool v6, u32 proto, u8 *l4, u32 size, u32 at)
{
	struct ip_addr s, d;
	u32 sum = 0;

	if (size < at + 2)
		return;
	memset(l4 + at, 0, 2);
	if (v6) {
		memcpy(s.b, ip + 8, 16);
		memcpy(d.b, ip + 24, 16);
	} else {
		s = ip_v4(get_be32(ip + 12));
		d = ip_v4(get_be32(ip + 16));
	}
	if (proto != PROTO_ICMP && proto != PROTO_IGMP)
		sum = csum_pseudo(&s, &d, proto, size);
	csum_put(l4 + at, csum_add(sum, l4, size, false));
}

/* A whole IPv4 packet with a transport of the fuzzer's, its checksums right. */
static u32 over4(u8 *h, const u8 *data, u32 n, u32 proto, u32 at)
{
	memset(h, 0, 20);
	ip4(h, 20 + n, proto);
	memcpy(h + 20, data, n);
	if (proto == PROTO_UDP && n >= 8 && !(data[4] & 0x80))
		put_be16(h + 24, n);
	l4_sum(h, false, proto, h + 20, n, at);
	ip4_sum(h, 20 + n);
	return 20 + n;
}

static u32 over6(u8 *h, const u8 *data, u32 n, u32 proto, u32 at)
{
	memset(h, 0, 40);
	ip6(h, n, proto);
	if (TARGET == NDP && n > 1 && data[1] & 1) { /* from a router, to all; the code is 0 again */
		static const u8 router[16] = {0xfe, 0x80, [15] = 9}, all[16] = {0xff, 2, [15] = 1};
		memcpy(h + 8, router, 16);
		memcpy(h + 24, all, 16);
	}
	memcpy(h + 40, data, n);
	if (TARGET == NDP && n > 1) {
		h[40] = (u8)(133 + data[0] % 5);
		h[41] = 0;
	}
	l4_sum(h, true, proto, h + 40, n, at);
	return 40 + n;
}

static u32 mld(u8 *h, const u8 *data, u32 n)
{
	static const u8 src[16] = {0xfe, 0x80, [15] = 9}, all[16] = {0xff, 2, [15] = 1};
	static const u8 hop[8] = {PROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};

	memset(h, 0, 48);
	ip6(h, n + 8, PROTO_HOPOPTS);
	memcpy(h + 8, src, 16);
	memcpy(h + 24, all, 16);
	memcpy(h + 40, hop, 8);
	memcpy(h + 48, data, n);
	if (n)
		h[48] = (u8)(130 + data[0] % 3);
	l4_sum(h, true, PROTO_ICMPV6, h + 48, n, 2);
	return 48 + n;
}

/* Headers with an options area of the fuzzer's, and a right datagram behind. */
static u32 opt4(u8 *h, const u8 *data, u32 n)
{
	u32 size = min_t(u32, n & ~3U, 40);
	u8 udp[12] = {0, 5, 0, 9, 0, 12, 0, 0, 'd', 'a', 't', 'a'};

	memset(h, 0, 20);
	ip4(h, 20 + size + 12, PROTO_UDP);
	h[0] = (u8)(0x45 + size / 4);
	memcpy(h + 20, data, size);
	memcpy(h + 20 + size, udp, 12);
	l4_sum(h, false, PROTO_UDP, h + 20 + size, 12, 6);
	ip4_sum(h, 20 + size);
	return 32 + size;
}

static u32 frag4(u8 *h, const u8 *data, u32 n)
{
	if (n < 4)
		return 0;
	memset(h, 0, 20);
	ip4(h, 20 + n - 4, PROTO_UDP);
	put_be16(h + 4, data[0] & 3);
	put_be16(h + 6, (data[1] & 1 ? IPV4_MF : 0) | (get_be16(data + 2) & 0x1fff));
	memcpy(h + 20, data + 4, n - 4);
	ip4_sum(h, 20);
	return 16 + n;
}

static u32 frag6(u8 *h, const u8 *data, u32 n)
{
	if (n < 4)
		return 0;
	memset(h, 0, 48);
	ip6(h, 8 + n - 4, PROTO_FRAGMENT);
	h[40] = data[0] & 8 ? PROTO_UDP : data[0] & 16 ? PROTO_DSTOPTS : PROTO_ICMPV6;
	put_be16(h + 42, get_be16(data + 2) & 0xfff9);
	h[47] = data[1] & 3;
	memcpy(h + 48, data + 4, n - 4);
	return 44 + n;
}

static u32 network(u8 *h, const u8 *data, u32 n, u32 *type)
{
	*type = ETH_IPV4;
	switch (TARGET) {
	case ARP:
		*type = ETH_ARP;
		memcpy(h, data, n);
		if (n >= 8)
			memcpy(h, "\0\1\10\0\6\4\0", 7);
		return n;
	case IP4:
		memcpy(h, data, n);
		if (n >= 20)
			ip4_sum(h, n);
		return n;
	case IP6:
		*type = ETH_IPV6;
		memcpy(h, data, n);
		return n;
	case OPT4:
		return opt4(h, data, n);
	case FRAG4:
		return frag4(h, data, n);
	case ICMP4:
		return over4(h, data, n, PROTO_ICMP, 2);
	case IGMP:
		return over4(h, data, n, PROTO_IGMP, 2);
	case UDP4:
		return over4(h, data, n, PROTO_UDP, 6);
	case TCP4:
		return over4(h, data, n, PROTO_TCP, 16);
	default:
		break;
	}
	*type = ETH_IPV6;
	switch (TARGET) {
	case EXT6:
		memset(h, 0, 40);
		ip6(h, n, n ? data[0] % 64 : 0);
		memcpy(h + 40, data, n);
		return 40 + n;
	case FRAG6:
		return frag6(h, data, n);
	case UDP6:
		return over6(h, data, n, PROTO_UDP, 6);
	case MLD:
		return mld(h, data, n);
	default:
		return over6(h, data, n, PROTO_ICMPV6, 2);
	}
}

static void feed(struct fuzz *f, const u8 *data, u32 n)
{
	u8 frame[14 + 60 + 2048] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	struct pkt *p;
	u32 type = 0;

	n = min_t(u32, n, 2000);
	if (TARGET == TAP) {
		struct iovec iov[TAP_RX_IOV];
		if (tap_rx_space(f->tap, iov) && n && n <= iov[0].iov_len) {
			memcpy(iov[0].iov_base, data, n);
			tap_rx_done(f->tap, n);
		}
		if (!n || data[0] & 1)
			tap_rx_end(f->tap);
		if (n & 1)
			tap_tx_flush(f->tap);
		else
			tap_tx_ready(f->tap);
		return;
	}
	if (TARGET == ETHER) {
		memcpy(frame, data, n);
	} else {
		n = 14 + network(frame + 14, data, n, &type);
		put_be16(frame + 12, type);
	}
	p = pkt_new(f->ns);
	REQUIRE(p);
	/* in two pieces, so that headers lie across */
	REQUIRE(!pkt_append(p, frame, n / 2));
	if (n - n / 2) {
		struct net_data *d = net_data_new(f->ns, n - n / 2);
		memcpy(d->bytes, frame + n / 2, n - n / 2);
		d->used = n - n / 2;
		REQUIRE(pkt_add(p, d, 0, n - n / 2));
		net_data_put(f->ns, d);
	}
	netif_receive(f->nif, p);
	netstack_run(f->ns);
}

struct bytes {
	struct net_iter it;
	const u8 *at;
};
static s64 copy(struct net_iter *it, void *to, size_t n)
{
	struct bytes *b = container_of(it, struct bytes, it);

	memcpy(to, b->at, n);
	b->at += n;
	it->left -= n;
	return (s64)n;
}

static void send_some(struct fuzz *f, const u8 *data, u32 n)
{
	struct bytes b = {{copy, n}, data};
	struct ip_addr dst = ip_v4(0x0a000002 + (n & 1));
	struct dgram_msg m = {
	    .iter = &b.it, .dst = &dst, .dport = 2000, .ttl = -1, .tos = -1, .gso_size = n & 2 ? 100 : 0};

	(void)!udp_send(f->socks[0], &m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz f;
	unsigned steps = 0;

	start(&f);
	while (size >= 3 && steps++ < 64) {
		u32 op = data[0] & 7, n = data[1] | (data[2] & 7U) << 8;
		data += 3;
		size -= 3;
		n = min_t(u32, n, (u32)size);
		if (op < 5) {
			feed(&f, data, n);
		} else if (op == 5) {
			f.now += (u64)n * 50000000;
			netstack_run(f.ns);
			n = 0;
		} else if (op == 6) {
			send_some(&f, data, n);
		} else {
			drain(&f);
			n = 0;
		}
		data += n;
		size -= n;
	}
	stop(&f);
	return 0;
}

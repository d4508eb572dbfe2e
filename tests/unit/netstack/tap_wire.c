/* tap_wire.c - see tap_wire.h. */
#include "tests/unit/netstack/tap_wire.h"

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"

struct tap_wire tw;

int on_write(void *ctx, const struct iovec *iov, u32 count)
{
	u32 n = 0;

	(void)ctx;
	if (tw.result)
		return tw.result;
	ck_assert_uint_le(count, TAP_TX_IOV);
	for (u32 i = 0; i < count; i++) {
		ck_assert_uint_le(tw.at + n + iov[i].iov_len, sizeof(tw.written));
		memcpy(tw.written + tw.at + n, iov[i].iov_base, iov[i].iov_len);
		n += (u32)iov[i].iov_len;
	}
	ck_assert_uint_lt(tw.count, 64);
	tw.sizes[tw.count++] = n;
	tw.at += n;
	return 0;
}

static bool may_wait(void *ctx, u32 frames, u32 bytes)
{
	(void)ctx;
	ck_assert_uint_ge(bytes, frames * 14);
	return frames <= tw.wait_frames;
}

void nothing_written(void)
{
	tw.count = tw.at = 0;
}

void open_tap(u32 vnet, u32 features, bool no_gro)
{
	struct tap_config c = {.name = "eth0",
			       .mtu = 1500,
			       .features = features,
			       .hwaddr = {2, 0, 0, 0, 0, 1},
			       .vnet_size = vnet,
			       .no_gro = no_gro,
			       .write = on_write,
			       .may_wait = may_wait};
	struct ip_addr peer = ip_v4(IP_B), peer6 = a6("fd00::2");

	tw.result = 0;
	tw.wait_frames = 0;
	world_init(&tw.w);
	tw.w.w = world_stack(&tw.w, 2);
	ck_assert_int_eq(tap_add(tw.w.w, &c, &tw.tap), 0);
	tw.nif = tap_netif(tw.tap);
	tw.nif->no_ipv6 = true;
	ck_assert_int_eq(netif_addr_add(tw.nif, ip_v4(IP_A), 24, IFA_PERMANENT), 0);
	ck_assert_int_eq(netif_addr_add(tw.nif, a6("fd00::1"), 64, IFA_PERMANENT | IFA_NODAD), 0);
	ck_assert_int_eq(netif_set_up(tw.nif, true), 0);
	ck_assert_int_eq(neigh_set(tw.nif, &peer, mac_peer, NUD_PERMANENT), 0);
	ck_assert_int_eq(neigh_set(tw.nif, &peer6, mac_peer, NUD_PERMANENT), 0);
	run_for(&tw.w, 60 * NSEC_PER_SEC);
	nothing_written();
	ck_assert_int_eq(packet_new(tw.w.w, false, ETH_ALL, &tw.seen), 0);
	tw.seen->rcvbuf = 100000000;
}

void close_tap(void)
{
	packet_close(tw.seen);
	world_end(&tw.w);
}

/* As the owner of the descriptor reads a frame. */
void rx(const void *vnet, u32 vnet_size, const void *frame, u32 size)
{
	struct iovec iov[TAP_RX_IOV];
	u32 n = tap_rx_space(tw.tap, iov), at = 0, total = vnet_size + size;
	static u8 whole[70000];

	memcpy(whole, vnet, vnet_size);
	memcpy(whole + vnet_size, frame, size);
	for (u32 i = 0; i < n && at < total; i++) {
		u32 k = min_t(u32, total - at, iov[i].iov_len);
		memcpy(iov[i].iov_base, whole + at, k);
		at += k;
	}
	ck_assert_uint_eq(at, total);
	tap_rx_done(tw.tap, total);
}

struct pkt *next_seen(void)
{
	struct pkt *p;

	while (!packet_receive(tw.seen, false, &p)) {
		if (p->l2_type != PKT_L2_OUTGOING)
			return p;
		pkt_free(p);
	}
	return NULL;
}

/* ---- TCP segments, built by hand ---- */

u8 stream[200000];

void tcp_frame(struct build *f, struct tseg s)
{
	struct ip_addr src, dst;
	u8 *h;

	for (u32 i = 0; stream[1] == 0 && i < sizeof(stream); i++)
		stream[i] = (u8)(i * 7 + (i >> 8) + 1);
	b_eth(f, mac_us, mac_peer, s.v6 ? ETH_IPV6 : ETH_IPV4);
	if (s.v6) {
		h = b_ip6(f, "fd00::2", "fd00::1", PROTO_TCP);
		put_be32(h, 6U << 28 | (u32)s.tos << 20);
	} else {
		h = b_ip4(f, IP_B, IP_A, PROTO_TCP);
		h[1] = s.tos;
		h[8] = s.ttl ? s.ttl : 64;
		put_be16(h + 6, IPV4_DF);
	}
	h = b_add(f, NULL, 32);
	put_be16(h, s.sport ? s.sport : 4000);
	put_be16(h + 2, 80);
	put_be32(h + 4, s.seq);
	put_be32(h + 8, s.ack ? s.ack : 99);
	h[12] = 0x80;
	h[13] = s.flags ? s.flags : TCP_ACK;
	put_be16(h + 14, s.window ? s.window : 500);
	memcpy(h + 20, "\1\1\10\12", 4);
	put_be32(h + 24, s.ts ? s.ts : 1234);
	b_add(f, stream + s.seq % 100000, s.size);
	b_finish(f);
	src = s.v6 ? a6("fd00::2") : ip_v4(IP_B);
	dst = s.v6 ? a6("fd00::1") : ip_v4(IP_A);
	h = f->b + f->l4;
	csum_put(h + 16,
		 csum_add(csum_pseudo(&src, &dst, PROTO_TCP, f->size - f->l4), h, f->size - f->l4, false));
	if (s.bad)
		h[17] ^= 1;
}

void seg_in(struct tseg s)
{
	static struct build f;

	tcp_frame(&f, s);
	rx("", 0, f.b, f.size);
}

/* What the stack was given next: its payload, and the size of pieces if it was joined. */
void expect_seg(u32 seq, u32 size, u32 gso)
{
	struct pkt *p = next_seen();
	static u8 b[70000];
	u32 n, off;

	ck_assert_msg(p, "nothing came up");
	n = pkt_copy(p, 0, b, sizeof(b));
	off = get_be16(b + 12) == ETH_IPV6 ? 54 : 34;
	ck_assert_uint_eq(get_be32(b + off + 4), seq);
	ck_assert_uint_eq(n - off - 32, size);
	ck_assert_mem_eq(b + off + 32, stream + seq % 100000, size);
	ck_assert_uint_eq(p->gso ? p->gso_size : 0, gso);
	if (off == 54) {
		ck_assert_uint_eq(get_be16(b + 18), n - 54);
	} else {
		ck_assert_uint_eq(get_be16(b + 16), n - 14);
		ck_assert(csum_ok(csum_add(0, b + 14, 20, false)));
	}
	pkt_free(p);
}

void expect_no_seg(void)
{
	ck_assert_ptr_null(next_seen());
}

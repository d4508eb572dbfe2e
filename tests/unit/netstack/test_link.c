/* test_link.c: cutting and joining of segments, interfaces over a descriptor, captures. */
#include "netstack/link/gro.h"
#include "netstack/link/pcap.h"
#include "netstack/link/tap.h"

#include <errno.h>
#include <stdlib.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;

/* ---- a wire whose received packets are looked at before the stack: a packet socket sees what GRO made ----
 */

static struct tap *tap;
static struct netif *nif;
static struct packet_sock *seen;
static u8 written[200000];
static u32 written_sizes[64], written_count, written_at;
static int write_result;

static int on_write(void *ctx, const struct iovec *iov, u32 count)
{
	u32 n = 0;

	(void)ctx;
	if (write_result)
		return write_result;
	ck_assert_uint_le(count, TAP_TX_IOV);
	for (u32 i = 0; i < count; i++) {
		ck_assert_uint_le(written_at + n + iov[i].iov_len, sizeof(written));
		memcpy(written + written_at + n, iov[i].iov_base, iov[i].iov_len);
		n += (u32)iov[i].iov_len;
	}
	ck_assert_uint_lt(written_count, 64);
	written_sizes[written_count++] = n;
	written_at += n;
	return 0;
}

static void nothing_written(void)
{
	written_count = written_at = 0;
}

static void open_tap(u32 vnet, u32 features, bool no_gro)
{
	struct tap_config c = {.name = "eth0",
			       .mtu = 1500,
			       .features = features,
			       .hwaddr = {2, 0, 0, 0, 0, 1},
			       .vnet_size = vnet,
			       .no_gro = no_gro,
			       .write = on_write};
	struct ip_addr peer = ip_v4(IP_B), peer6 = a6("fd00::2");

	write_result = 0;
	world_init(&w);
	w.w = world_stack(&w, 2);
	ck_assert_int_eq(tap_add(w.w, &c, &tap), 0);
	nif = tap_netif(tap);
	nif->no_ipv6 = true;
	ck_assert_int_eq(netif_addr_add(nif, ip_v4(IP_A), 24, IFA_PERMANENT), 0);
	ck_assert_int_eq(netif_addr_add(nif, a6("fd00::1"), 64, IFA_PERMANENT | IFA_NODAD), 0);
	ck_assert_int_eq(netif_set_up(nif, true), 0);
	ck_assert_int_eq(neigh_set(nif, &peer, mac_peer, NUD_PERMANENT), 0);
	ck_assert_int_eq(neigh_set(nif, &peer6, mac_peer, NUD_PERMANENT), 0);
	run_for(&w, 60 * NSEC_PER_SEC);
	nothing_written();
	ck_assert_int_eq(packet_new(w.w, false, ETH_ALL, &seen), 0);
	seen->rcvbuf = 100000000;
}

static void close_tap(void)
{
	packet_close(seen);
	world_end(&w);
}

/* As the owner of the descriptor reads a frame. */
static void rx(const void *vnet, u32 vnet_size, const void *frame, u32 size)
{
	struct iovec iov[TAP_RX_IOV];
	u32 n = tap_rx_space(tap, iov), at = 0, total = vnet_size + size;
	static u8 whole[70000];

	memcpy(whole, vnet, vnet_size);
	memcpy(whole + vnet_size, frame, size);
	for (u32 i = 0; i < n && at < total; i++) {
		u32 k = min_t(u32, total - at, iov[i].iov_len);
		memcpy(iov[i].iov_base, whole + at, k);
		at += k;
	}
	ck_assert_uint_eq(at, total);
	tap_rx_done(tap, total);
}

static struct pkt *next_seen(void)
{
	struct pkt *p;

	while (!packet_receive(seen, false, &p)) {
		if (p->l2_type != PKT_L2_OUTGOING)
			return p;
		pkt_free(p);
	}
	return NULL;
}

/* ---- TCP segments, built by hand ---- */

struct tseg {
	u32 seq, size, ack, ts;
	u16 sport, window;
	u8 flags, tos, ttl;
	bool v6, bad;
};

static u8 stream[200000];

static void tcp_frame(struct build *f, struct tseg s)
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

static void seg_in(struct tseg s)
{
	static struct build f;

	tcp_frame(&f, s);
	rx("", 0, f.b, f.size);
}

/* What the stack was given next: its payload, and the size of pieces if it was joined. */
static void expect_seg(u32 seq, u32 size, u32 gso)
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

static void expect_no_seg(void)
{
	ck_assert_ptr_null(next_seen());
}

START_TEST(gro_joins_a_stream)
{
	open_tap(0, 0, false);
	for (u32 i = 0; i < 5; i++)
		seg_in((struct tseg){.seq = 1000 + i * 1448, .size = 1448, .v6 = _i});
	expect_no_seg();
	tap_rx_end(tap);
	expect_seg(1000, 5 * 1448, 1448);
	expect_no_seg();
	close_tap();
}
END_TEST

START_TEST(gro_short_last_piece)
{
	open_tap(0, 0, false);
	seg_in((struct tseg){.seq = 1000, .size = 1000});
	seg_in((struct tseg){.seq = 2000, .size = 1000});
	seg_in((struct tseg){.seq = 3000, .size = 10});
	seg_in((struct tseg){.seq = 3010, .size = 1000});
	tap_rx_end(tap);
	expect_seg(1000, 2010, 1000);
	expect_seg(3010, 1000, 0);
	close_tap();
}
END_TEST

START_TEST(gro_push_ends_it)
{
	open_tap(0, 0, false);
	seg_in((struct tseg){.seq = 1000, .size = 1000});
	seg_in((struct tseg){.seq = 2000, .size = 1000, .flags = TCP_ACK | TCP_PSH});
	seg_in((struct tseg){.seq = 3000, .size = 1000});
	tap_rx_end(tap);
	expect_seg(1000, 2000, 1000);
	expect_seg(3000, 1000, 0);
	close_tap();
}
END_TEST

/* Two segments that differ in this are not joined, and keep their order. */
static const struct tseg differing[] = {
    {.seq = 2000, .size = 1000, .ack = 100},
    {.seq = 2000, .size = 1000, .window = 501},
    {.seq = 2000, .size = 1000, .ts = 1235},
    {.seq = 2000, .size = 1000, .tos = 3},
    {.seq = 2000, .size = 1000, .ttl = 63},
    {.seq = 2001, .size = 1000},
    {.seq = 1000, .size = 1000},
    {.seq = 2000, .size = 1001},
    {.seq = 2000, .size = 1000, .flags = TCP_ACK | TCP_URG},
    {.seq = 2000, .size = 1000, .flags = TCP_ACK | TCP_CWR},
    {.seq = 2000, .size = 1000, .flags = TCP_ACK | TCP_ECE},
    {.seq = 2000, .size = 1000, .flags = TCP_SYN | TCP_ACK},
    {.seq = 2000, .size = 1000, .flags = TCP_RST},
    {.seq = 2000, .size = 0},
};

START_TEST(gro_does_not_join)
{
	open_tap(0, 0, false);
	seg_in((struct tseg){.seq = 1000, .size = 1000});
	seg_in(differing[_i]);
	tap_rx_end(tap);
	expect_seg(1000, 1000, 0);
	expect_seg(differing[_i].seq, differing[_i].size, 0);
	close_tap();
}
END_TEST

START_TEST(gro_bad_checksum_is_not_hidden)
{
	open_tap(0, 0, false);
	seg_in((struct tseg){.seq = 1000, .size = 1000});
	seg_in((struct tseg){.seq = 2000, .size = 1000, .bad = true});
	seg_in((struct tseg){.seq = 3000, .size = 1000});
	tap_rx_end(tap);
	expect_seg(1000, 1000, 0);
	{
		struct pkt *p = next_seen();
		ck_assert_ptr_nonnull(p);
		ck_assert(!p->csum_valid);
		pkt_free(p);
	}
	expect_seg(3000, 1000, 0);
	close_tap();
}
END_TEST

START_TEST(gro_many_flows)
{
	open_tap(0, 0, false);
	for (u32 i = 0; i < 3; i++)
		for (u16 k = 0; k < 12; k++)
			seg_in((struct tseg){.seq = 1000 + 500 * i, .size = 500, .sport = (u16)(5000 + k)});
	tap_rx_end(tap);
	{
		u32 total = 0;
		struct pkt *p;
		while ((p = next_seen())) {
			total += p->size - 66;
			pkt_free(p);
		}
		ck_assert_uint_eq(total, 3 * 12 * 500);
	}
	close_tap();
}
END_TEST

START_TEST(gro_never_past_64k)
{
	u32 seq = 0;

	open_tap(0, 0, false);
	for (u32 i = 0; i < 200; i++)
		seg_in((struct tseg){.seq = 1000 + 1400 * i, .size = 1400});
	tap_rx_end(tap);
	while (1) {
		struct pkt *p = next_seen();
		if (!p)
			break;
		ck_assert_uint_le(p->size, 14 + 65535);
		seq += p->size - 66;
		pkt_free(p);
	}
	ck_assert_uint_eq(seq, 200 * 1400);
	close_tap();
}
END_TEST

START_TEST(gro_other_frames_pass)
{
	struct net_sock *u;
	struct build f;

	open_tap(0, 0, false);
	u = udp_bound(w.w, IP4_ANY, 9);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 9, "x", 1);
	b_finish(&f);
	rx("", 0, f.b, f.size);
	for (u32 n = 0; n < f.size; n++)
		rx("", 0, f.b, n);
	tap_rx_end(tap);
	expect_datagram(u, "x");
	expect_nothing(u);
	dgram_close(u);
	close_tap();
}
END_TEST

/* What GRO joins, GSO cuts into the same. */
START_TEST(cut_undoes_join)
{
	struct pkt *p, *whole;
	struct list_head out;
	struct build f;
	u32 n = 0;

	open_tap(0, 0, false);
	for (u32 i = 0; i < 5; i++)
		seg_in((struct tseg){.seq = 1000 + i * 700,
				     .size = i == 4 ? 33 : 700,
				     .v6 = _i,
				     .flags = i == 4 ? TCP_ACK | TCP_PSH | TCP_FIN : TCP_ACK});
	tap_rx_end(tap);
	whole = next_seen();
	ck_assert_ptr_nonnull(whole);
	ck_assert_uint_eq(whole->gso_size, 700);
	whole->nif = nif;
	whole->csum_start = _i ? 54 : 34;
	list_init(&out);
	ck_assert_int_eq(gso_cut(whole, &out), 0);
	while (!list_empty(&out)) {
		u8 b[2048];
		p = list_first_entry(&out, struct pkt, node);
		list_del_init(&p->node);
		tcp_frame(&f, (struct tseg){.seq = 1000 + n * 700,
					    .size = n == 4 ? 33 : 700,
					    .v6 = _i,
					    .flags = n == 4 ? TCP_ACK | TCP_PSH | TCP_FIN : TCP_ACK});
		ck_assert_uint_eq(pkt_copy(p, 0, b, sizeof(b)), f.size);
		if (!_i) { /* each has its own ident */
			put_be16(b + 18, 0);
			put_be16(b + 24, 0);
			csum_put(b + 24, csum_add(0, b + 14, 20, false));
		}
		ck_assert_mem_eq(b, f.b, f.size);
		pkt_free(p);
		n++;
	}
	ck_assert_uint_eq(n, 5);
	close_tap();
}
END_TEST

/* ---- TAP ---- */

START_TEST(tap_plain_out)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);

	open_tap(0, LINK_CSUM_OUT | LINK_GSO_UDP, false); /* without the header it can do nothing */
	ck_assert_uint_eq(nif->features, 0);
	u = udp_open(w.w, false);
	ck_assert_int_eq(udp_put(u, &b, 9, "hello", 5), 5);
	ck_assert_uint_eq(written_count, 1);
	ck_assert_uint_eq(written_sizes[0], 14 + 28 + 5);
	ck_assert_mem_eq(written, mac_peer, 6);
	ck_assert_mem_eq(written + 42, "hello", 5);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_checksum_left_to_the_host)
{
	struct net_sock *u;
	struct ip_addr a = ip_v4(IP_A), b = ip_v4(IP_B);
	struct vnet_hdr h;
	u16 part;

	open_tap(10, LINK_CSUM_OUT, false);
	u = udp_open(w.w, false);
	ck_assert_int_eq(udp_put(u, &b, 9, "hello", 5), 5);
	ck_assert_uint_eq(written_sizes[0], 10 + 14 + 28 + 5);
	memcpy(&h, written, sizeof(h));
	ck_assert_uint_eq(h.flags, VNET_F_NEEDS_CSUM);
	ck_assert_uint_eq(h.gso_type, VNET_GSO_NONE);
	ck_assert_uint_eq(h.csum_start, 34);
	ck_assert_uint_eq(h.csum_offset, 6);
	memcpy(&part, written + 10 + 40, 2);
	ck_assert_uint_eq(part, csum_fold(csum_pseudo(&a, &b, PROTO_UDP, 13)));
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_segments_left_to_the_host)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);
	struct vnet_hdr h;
	static u8 big[5000];

	open_tap(12, LINK_CSUM_OUT | LINK_GSO_UDP, false);
	u = udp_open(w.w, false);
	u->gso_size = 1000;
	ck_assert_int_eq(udp_put(u, &b, 9, big, sizeof(big)), sizeof(big));
	ck_assert_uint_eq(written_count, 1);
	ck_assert_uint_eq(written_sizes[0], 12 + 42 + 5000);
	memcpy(&h, written, sizeof(h));
	ck_assert_uint_eq(h.flags, VNET_F_NEEDS_CSUM);
	ck_assert_uint_eq(h.gso_type, VNET_GSO_UDP_L4);
	ck_assert_uint_eq(h.gso_size, 1000);
	ck_assert_uint_eq(h.hdr_size, 42);
	ck_assert_uint_eq(h.csum_start, 34);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_full_device)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);
	struct tap_stats st;
	u64 before;

	open_tap(0, 0, false);
	u = udp_open(w.w, false);
	tap_stats(tap, &st);
	before = st.tx_frames;
	write_result = -EAGAIN;
	for (u32 i = 0; i < 5; i++)
		ck_assert_int_eq(udp_put(u, &b, 9, &"abcde"[i], 1), 1);
	write_result = 0;
	ck_assert_int_eq(udp_put(u, &b, 9, "f", 1), 1); /* not before those that wait */
	ck_assert_uint_eq(written_count, 0);
	tap_tx_ready(tap);
	ck_assert_uint_eq(written_count, 6);
	for (u32 i = 0; i < 6; i++)
		ck_assert_uint_eq(written[43 * i + 42], "abcdef"[i]);
	tap_stats(tap, &st);
	ck_assert_uint_eq(st.tx_queued, 6);
	ck_assert_uint_eq(st.tx_frames - before, 6);
	ck_assert_uint_eq(st.tx_lost, 0);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_queue_is_bounded)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);
	struct tap_stats st;

	open_tap(0, 0, false);
	u = udp_open(w.w, false);
	write_result = -EAGAIN;
	for (u32 i = 0; i < 1500; i++)
		ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	tap_stats(tap, &st);
	ck_assert_uint_eq(st.tx_queued, 1000);
	ck_assert_uint_eq(st.tx_lost, 500);
	ck_assert_uint_eq(nif->stats.tx_dropped, 500);
	dgram_close(u);
	close_tap(); /* with frames waiting */
}
END_TEST

START_TEST(tap_write_errors)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);

	open_tap(0, 0, false);
	u = udp_open(w.w, false);
	write_result = -EIO; /* the host's end is down: lost, as on a wire */
	ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	ck_assert_uint_eq(nif->stats.tx_dropped, 1);
	write_result = 0;
	ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	dgram_close(u);
	close_tap();
}
END_TEST

static void udp_frame(struct build *f, const void *data, u32 size)
{
	b_eth(f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(f, IP_B, IP_A, PROTO_UDP);
	b_udp(f, 5, 9, data, size);
	b_finish(f);
}

START_TEST(tap_says_what_no_reader_had_room_for)
{
	struct net_sock *u;
	static struct build f;
	struct vnet_hdr h = {.flags = VNET_F_DATA_VALID};
	u32 got = 0;

	open_tap(10, 0, false);
	u = udp_bound(w.w, IP4_ANY, 9);
	u->rcvbuf = 8000;
	udp_frame(&f, "hello", 5);
	for (u32 i = 0; i < 40; i++)
		rx(&h, 10, f.b, f.size);
	for (u32 lost = tap_rx_end(tap); dgram_get(u, NULL, 0, NULL, NULL) >= 0; got++)
		ck_assert_uint_eq(lost, u->drops);
	ck_assert_uint_gt(got, 0);
	ck_assert_uint_eq(got + u->drops, 40);
	rx(&h, 10, f.b, f.size);
	ck_assert_uint_eq(tap_rx_end(tap), 0);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_in_with_partial_checksum)
{
	struct net_sock *u;
	static struct build f;
	struct vnet_hdr h = {.flags = VNET_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};

	open_tap(10, 0, false);
	u = udp_bound(w.w, IP4_ANY, 9);
	udp_frame(&f, "hello", 5);
	memset(f.b + 40, 0x5a, 2); /* whatever stands there */
	rx(&h, 10, f.b, f.size);
	tap_rx_end(tap);
	expect_datagram(u, "hello");
	h = (struct vnet_hdr){.flags = VNET_F_DATA_VALID};
	rx(&h, 10, f.b, f.size);
	tap_rx_end(tap);
	expect_datagram(u, "hello");
	h = (struct vnet_hdr){0};
	rx(&h, 10, f.b, f.size);
	tap_rx_end(tap);
	expect_nothing(u); /* nobody vouches for it */
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_in_segments)
{
	struct net_sock *u;
	static struct build f;
	static u8 big[40000];
	struct vnet_hdr h = {.flags = VNET_F_NEEDS_CSUM,
			     .gso_type = VNET_GSO_UDP_L4,
			     .gso_size = 1000,
			     .hdr_size = 42,
			     .csum_start = 34,
			     .csum_offset = 6};

	open_tap(10, 0, false);
	u = udp_bound(w.w, IP4_ANY, 9);
	u->rcvbuf = 1000000;
	udp_frame(&f, big, sizeof(big));
	rx(&h, 10, f.b, f.size);
	tap_rx_end(tap);
	for (u32 i = 0; i < 40; i++)
		ck_assert_int_eq(dgram_get(u, NULL, 0, NULL, NULL), 1000);
	expect_nothing(u);
	dgram_close(u);
	close_tap();
}
END_TEST

static const struct vnet_hdr bad_vnet[] = {
    {.flags = VNET_F_NEEDS_CSUM, .csum_start = 60000, .csum_offset = 6},
    {.flags = VNET_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 60000},
    {.flags = VNET_F_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535},
    {.gso_type = VNET_GSO_TCPV4, .gso_size = 100}, /* no checksum */
    {.flags = VNET_F_NEEDS_CSUM,
     .csum_start = 34,
     .csum_offset = 6,
     .gso_type = VNET_GSO_TCPV4}, /* no size */
    {.gso_type = 77},
    {.gso_type = VNET_GSO_UDP}, /* fragments: nobody was asked to send those */
};

START_TEST(tap_bad_header_dropped)
{
	struct net_sock *u;
	static struct build f;
	struct tap_stats st;

	open_tap(10, 0, false);
	u = udp_bound(w.w, IP4_ANY, 9);
	udp_frame(&f, "hello", 5);
	rx(&bad_vnet[_i], 10, f.b, f.size);
	tap_rx_end(tap);
	expect_nothing(u);
	tap_stats(tap, &st);
	ck_assert_uint_eq(st.rx_bad, 1);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_short_reads)
{
	static const u8 zero[12];

	open_tap(12, 0, false);
	for (u32 n = 0; n < 12; n++)
		rx(zero, n, "", 0);
	rx(zero, 12, "", 0);
	tap_rx_end(tap);
	close_tap();
}
END_TEST

/* Frames of all sizes, one after another: nothing is overwritten while a socket still has it. */
START_TEST(tap_blocks_are_shared_safely)
{
	static u8 data[60000];
	static struct build f;
	struct net_sock *u;

	open_tap(0, 0, false);
	u = udp_bound(w.w, IP4_ANY, 9);
	u->rcvbuf = 100000000;
	for (u32 i = 0; i < 300; i++) {
		u32 size = (i * 977) % 9000;
		memset(data, (int)(i & 0xff), size);
		udp_frame(&f, data, size);
		rx("", 0, f.b, f.size);
		if (i % 7 == 0)
			tap_rx_end(tap);
	}
	tap_rx_end(tap);
	for (u32 i = 0; i < 300; i++) {
		u32 size = (i * 977) % 9000;
		ck_assert_int_eq(dgram_get(u, data, sizeof(data), NULL, NULL), size);
		ck_assert(size < 2 || (data[0] == (i & 0xff) && !memcmp(data, data + 1, size - 1)));
	}
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_without_memory)
{
	struct iovec iov[TAP_RX_IOV];

	open_tap(0, 0, false);
	w.fail_after = 0;
	ck_assert_uint_eq(tap_rx_space(tap, iov), 0);
	w.fail_after = -1;
	ck_assert_uint_ge(tap_rx_space(tap, iov), 3);
	close_tap();
}
END_TEST

/* Whatever frames came before, there is room for the largest. */
START_TEST(tap_has_room_after_large_frames)
{
	static u8 frame[65549];
	struct iovec iov[TAP_RX_IOV];
	struct pkt *p;

	open_tap(10, LINK_CSUM_OUT, false);
	frame[12] = 0x88; /* of no protocol that we know */
	frame[13] = 0xb5;
	for (u32 i = 0; i < 300; i++) {
		u32 n = tap_rx_space(tap, iov), room = 0;
		u8 vnet[10] = {0};
		for (u32 k = 0; k < n; k++)
			room += (u32)iov[k].iov_len;
		ck_assert_uint_ge(room, 10 + sizeof(frame));
		rx(vnet, 10, frame, i % 3 ? (u32)sizeof(frame) - i : 1200 + 97 * i);
		tap_rx_end(tap);
		while ((p = next_seen()) != NULL)
			pkt_free(p);
	}
	ck_assert_uint_eq(tap_netif(tap)->stats.rx_dropped, 0);
	close_tap();
}
END_TEST

START_TEST(tap_refused)
{
	struct tap_config c = {.name = "t0", .mtu = 1500, .vnet_size = 11, .write = on_write};
	struct tap *t;

	open_tap(0, 0, false);
	ck_assert_int_eq(tap_add(w.w, &c, &t), -EINVAL);
	c.vnet_size = 0;
	c.name = "eth0";
	ck_assert_int_eq(tap_add(w.w, &c, &t), -EEXIST);
	close_tap();
}
END_TEST

/* ---- captures ---- */

static u8 file[300000];
static u32 file_size;

static void to_file(void *ctx, const void *bytes, size_t size)
{
	(void)ctx;
	ck_assert_uint_le(file_size + size, sizeof(file));
	memcpy(file + file_size, bytes, size);
	file_size += (u32)size;
}

static u32 word(u32 at)
{
	u32 v;

	memcpy(&v, file + at, 4);
	return v;
}

START_TEST(capture)
{
	struct pcap c;
	struct ip_addr b = ip_v4(IP_B);
	struct net_sock *u;

	file_size = 0;
	world_wire(&w);
	know_peer(&w);
	u = udp_bound(w.w, IP4_ANY, 9);
	pcap_start(&c, w.wn, 0, to_file, NULL);
	ck_assert_uint_eq(file_size, 24);
	ck_assert_uint_eq(word(0), 0xa1b23c4d);
	ck_assert_uint_eq(word(4), 4U << 16 | 2);
	ck_assert_uint_eq(word(20), 1);
	ck_assert_int_eq(udp_put(u, &b, 5, "hello", 5), 5);
	ck_assert_uint_eq(file_size, 24 + 16 + 47);
	ck_assert_uint_eq(word(24), 1700001060);
	ck_assert_uint_eq(word(32), 47);
	ck_assert_uint_eq(word(36), 47);
	ck_assert_mem_eq(file + 40, w.sent[0].bytes, 47);
	send_udp4(&w, 5, 9, "in", 2);
	ck_assert_uint_eq(file_size, 24 + 16 + 47 + 16 + 44);
	ck_assert_mem_eq(file + file_size - 2, "in", 2);
	ck_assert_uint_eq(c.frames, 2);
	pcap_stop(&c);
	send_udp4(&w, 5, 9, "in", 2);
	ck_assert_uint_eq(file_size, 24 + 16 + 47 + 16 + 44);
	dgram_close(u);
	world_end(&w);
}
END_TEST

START_TEST(capture_cut_short)
{
	struct pcap c;

	file_size = 0;
	world_wire(&w);
	pcap_start(&c, w.wn, 20, to_file, NULL);
	send_udp4(&w, 5, 9, "in", 2);
	ck_assert_uint_eq(word(16), 20);
	ck_assert_uint_eq(word(32), 20);
	ck_assert_uint_eq(word(36), 44);
	pcap_stop(&c);
	world_end(&w);
}
END_TEST

START_TEST(capture_of_loopback)
{
	struct pcap c;
	struct ip_addr lo = ip_v4(0x7f000001);
	struct net_sock *u;
	static u8 big[60000];

	file_size = 0;
	world_wire(&w);
	u = udp_bound(w.w, IP4_ANY, 9);
	pcap_start(&c, w.w->lo, 0, to_file, NULL);
	ck_assert_uint_eq(word(20), 101);
	ck_assert_int_eq(udp_put(u, &lo, 9, big, sizeof(big)), sizeof(big));
	ck_assert_uint_eq(file_size, 24 + 2 * (16 + 60028)); /* out, and in again */
	pcap_stop(&c);
	dgram_close(u);
	world_end(&w);
}
END_TEST

TCase *case_link(void)
{
	TCase *t = tcase_create("link");

	tcase_add_loop_test(t, gro_joins_a_stream, 0, 2);
	tcase_add_test(t, gro_short_last_piece);
	tcase_add_test(t, gro_push_ends_it);
	tcase_add_loop_test(t, gro_does_not_join, 0, ARRAY_COUNT(differing));
	tcase_add_test(t, gro_bad_checksum_is_not_hidden);
	tcase_add_test(t, gro_many_flows);
	tcase_add_test(t, gro_never_past_64k);
	tcase_add_test(t, gro_other_frames_pass);
	tcase_add_loop_test(t, cut_undoes_join, 0, 2);
	tcase_add_test(t, tap_plain_out);
	tcase_add_test(t, tap_checksum_left_to_the_host);
	tcase_add_test(t, tap_segments_left_to_the_host);
	tcase_add_test(t, tap_full_device);
	tcase_add_test(t, tap_queue_is_bounded);
	tcase_add_test(t, tap_write_errors);
	tcase_add_test(t, tap_says_what_no_reader_had_room_for);
	tcase_add_test(t, tap_in_with_partial_checksum);
	tcase_add_test(t, tap_in_segments);
	tcase_add_loop_test(t, tap_bad_header_dropped, 0, ARRAY_COUNT(bad_vnet));
	tcase_add_test(t, tap_short_reads);
	tcase_add_test(t, tap_blocks_are_shared_safely);
	tcase_add_test(t, tap_without_memory);
	tcase_add_test(t, tap_refused);
	tcase_add_test(t, tap_has_room_after_large_frames);
	tcase_add_test(t, capture);
	tcase_add_test(t, capture_cut_short);
	tcase_add_test(t, capture_of_loopback);
	return t;
}

/* test_gro.c: joining segments of a stream, and cutting them again. */
#include "netstack/link/gro.h"

#include <errno.h>
#include <stdlib.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/tap_wire.h"

START_TEST(gro_joins_a_stream)
{
	open_tap(0, 0, false);
	for (u32 i = 0; i < 5; i++)
		seg_in((struct tseg){.seq = 1000 + i * 1448, .size = 1448, .v6 = _i});
	expect_no_seg();
	tap_rx_end(tw.tap);
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
	tap_rx_end(tw.tap);
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
	tap_rx_end(tw.tap);
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
	tap_rx_end(tw.tap);
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
	tap_rx_end(tw.tap);
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
	tap_rx_end(tw.tap);
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
	tap_rx_end(tw.tap);
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
	u = udp_bound(tw.w.w, IP4_ANY, 9);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 9, "x", 1);
	b_finish(&f);
	rx("", 0, f.b, f.size);
	for (u32 n = 0; n < f.size; n++)
		rx("", 0, f.b, n);
	tap_rx_end(tw.tap);
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
	tap_rx_end(tw.tap);
	whole = next_seen();
	ck_assert_ptr_nonnull(whole);
	ck_assert_uint_eq(whole->gso_size, 700);
	whole->nif = tw.nif;
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

TCase *case_gro(void)
{
	TCase *t = tcase_create("gro");

	tcase_add_loop_test(t, gro_joins_a_stream, 0, 2);
	tcase_add_test(t, gro_short_last_piece);
	tcase_add_test(t, gro_push_ends_it);
	tcase_add_loop_test(t, gro_does_not_join, 0, ARRAY_COUNT(differing));
	tcase_add_test(t, gro_bad_checksum_is_not_hidden);
	tcase_add_test(t, gro_many_flows);
	tcase_add_test(t, gro_never_past_64k);
	tcase_add_test(t, gro_other_frames_pass);
	tcase_add_loop_test(t, cut_undoes_join, 0, 2);
	return t;
}

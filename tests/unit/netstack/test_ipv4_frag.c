/* test_ipv4_frag.c: fragments of IPv4 and their reassembly (RFC 791, 815, 1122). */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/netstack/ipv4_wire.h"

/* ---- reassembly ---- */

static u8 big[65535];

static void fill_big(void)
{
	for (u32 i = 0; i < sizeof(big); i++)
		big[i] = (u8)(i * 31 + (i >> 8));
}

/* A datagram of 8 bytes of header and `size` of payload, whose pieces are sent by frag(). */
static u8 whole[70000];
static u32 whole_size;
struct piece {
	u32 off, size;
	bool last;
};

static void make_whole(u32 size)
{
	struct ip_addr src = ip_v4(IP_B), dst = ip_v4(IP_A);

	fill_big();
	put_be16(whole, 5);
	put_be16(whole + 2, 9);
	put_be16(whole + 4, size + 8);
	put_be16(whole + 6, 0);
	memcpy(whole + 8, big, min_t(u32, size, sizeof(big)));
	whole_size = size + 8;
	csum_put_nonzero(whole + 6,
			 csum_add(csum_pseudo(&src, &dst, PROTO_UDP, whole_size), whole, whole_size, false));
}

static u32 frag_src = IP_B, frag_ident = 77;
static u8 frag_tos;

static void frag_with(u32 off, u32 size, bool more, const u8 *opts, u32 opt_size)
{
	static struct build f;
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	h = b_ip4(&f, frag_src, IP_A, PROTO_UDP);
	h[0] = (u8)(0x45 + opt_size / 4);
	h[1] = frag_tos;
	put_be16(h + 4, frag_ident);
	put_be16(h + 6, off / 8 | (more ? IPV4_MF : 0));
	b_add(&f, opts, opt_size);
	b_add(&f, whole + off, size);
	put_be16(h + 2, f.size - f.net);
	put_be16(h + 10, 0);
	csum_put(h + 10, csum_add(0, h, 20 + opt_size, false));
	wire_in(&w, f.b, f.size);
}

static void frag(u32 off, u32 size)
{
	frag_with(off, size, off + size < whole_size, NULL, 0);
}

static void expect_whole_and_more(void)
{
	static u8 got[70000];

	ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), whole_size - 8);
	ck_assert_mem_eq(got, whole + 8, whole_size - 8);
}

static void expect_whole(void)
{
	expect_whole_and_more();
	ck_assert_uint_eq(w.w->frag_bytes, 0);
}

START_TEST(reassembly_in_order)
{
	make_whole(92);
	frag(0, 40);
	frag(40, 40);
	expect_nothing(sk);
	frag(80, 20);
	expect_whole();
}
END_TEST

START_TEST(reassembly_backwards)
{
	make_whole(92);
	frag(80, 20);
	frag(40, 40);
	frag(0, 40);
	expect_whole();
}
END_TEST

START_TEST(reassembly_any_order)
{
	static const u32 order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	make_whole(92);
	for (u32 i = 0; i < 3; i++)
		frag(order[_i][i] * 40, order[_i][i] == 2 ? 20 : 40);
	expect_whole();
}
END_TEST

START_TEST(reassembly_many_small_pieces)
{
	make_whole(2000);
	for (u32 i = 0; i < 251; i++) {
		u32 k = (i * 97) % 251;
		frag(k * 8, min_t(u32, 8, whole_size - k * 8));
	}
	expect_whole();
}
END_TEST

START_TEST(duplicate_fragments_dropped)
{
	make_whole(92);
	frag(0, 40);
	frag(0, 40);
	frag(80, 20);
	frag(80, 20);
	frag(40, 40);
	expect_whole();
	expect_nothing(sk);
}
END_TEST

static const struct {
	struct piece p[3];
} overlaps[] = {
    {{{0, 48, 0}, {40, 40, 0}, {80, 20, 0}}}, /* the end of one */
    {{{40, 40, 0}, {0, 48, 0}, {80, 20, 0}}}, /* the start of one */
    {{{0, 80, 0}, {40, 16, 0}, {80, 20, 0}}}, /* one within another */
    {{{40, 16, 0}, {0, 80, 0}, {80, 20, 0}}}, /* one around another */
    {{{0, 40, 0}, {0, 48, 0}, {48, 52, 0}}},  /* the same start */
    {{{0, 40, 0}, {32, 8, 0}, {40, 60, 0}}},  /* the same end */
};

START_TEST(overlap_kills_the_packet)
{
	make_whole(92);
	for (u32 i = 0; i < 3; i++)
		frag(overlaps[_i].p[i].off, overlaps[_i].p[i].size);
	expect_nothing(sk);
	ck_assert_uint_ge(w.w->mib[MIB_IpReasmFails], 1);
}
END_TEST

START_TEST(overlap_does_not_hurt_others)
{
	make_whole(92);
	frag(0, 48);
	frag_ident++;
	frag(0, 40);
	frag_ident--;
	frag(40, 40);
	frag_ident++;
	frag(40, 60);
	expect_whole_and_more();
}
END_TEST

START_TEST(two_ends_contradict)
{
	make_whole(92);
	frag(80, 20);
	frag_with(80, 16, false, NULL, 0);
	frag(0, 80);
	expect_nothing(sk);
}
END_TEST

START_TEST(fragment_past_the_end)
{
	make_whole(192);
	frag_with(80, 16, false, NULL, 0);
	frag(96, 40);
	frag(0, 80);
	expect_nothing(sk);
}
END_TEST

START_TEST(end_before_what_is_there)
{
	make_whole(192);
	frag(96, 40);
	frag_with(80, 16, false, NULL, 0);
	frag(0, 80);
	expect_nothing(sk);
}
END_TEST

START_TEST(fragment_of_odd_size_dropped)
{
	make_whole(92);
	frag_with(0, 41, true, NULL, 0);
	frag(48, 52);
	frag(0, 48);
	expect_whole(); /* the bad piece left nothing */
}
END_TEST

START_TEST(empty_fragment_dropped)
{
	make_whole(92);
	frag_with(40, 0, true, NULL, 0);
	frag(0, 40);
	frag(40, 60);
	expect_whole();
}
END_TEST

START_TEST(ping_of_death)
{
	make_whole(65000);
	frag_with(65528, 100, false, NULL, 0); /* would end past 64 KiB */
	ck_assert_uint_eq(w.w->frag_bytes, 0);
	ck_assert_uint_eq(w.w->mib[MIB_IpReasmFails], 1);
}
END_TEST

START_TEST(largest_reassembly)
{
	make_whole(65535 - 28);
	for (u32 off = 0; off < whole_size; off += 8000)
		frag(off, min_t(u32, 8000, whole_size - off));
	expect_whole();
}
END_TEST

START_TEST(options_only_in_the_first)
{
	static const u8 opts[8] = {7, 7, 4, 0, 0, 0, 0, 0};

	make_whole(92);
	frag_with(0, 40, true, opts, 8);
	frag(40, 60);
	expect_whole();
	frag_ident++;
	frag(40, 60);
	frag_with(0, 40, true, opts, 8);
	expect_whole();
}
END_TEST

START_TEST(keyed_by_source_ident_and_protocol)
{
	make_whole(92);
	frag(0, 40);
	frag_src++;
	frag(40, 60);
	frag_src--;
	expect_nothing(sk);
	frag_ident++;
	frag(40, 60);
	frag_ident--;
	expect_nothing(sk);
	frag(40, 60);
	expect_whole_and_more();
}
END_TEST

START_TEST(timeout_with_the_first_tells)
{
	const struct frame *f;

	make_whole(92);
	frag(0, 40);
	run_for(&w, 29 * NSEC_PER_SEC);
	wire_quiet(&w);
	run_for(&w, 2 * NSEC_PER_SEC);
	f = wire_must(&w);
	ck_assert_uint_eq(f->bytes[34], ICMP_TIME_EXCEEDED);
	ck_assert_uint_eq(f->bytes[35], 1);
	ck_assert_uint_eq(w.w->frag_bytes, 0);
	ck_assert_uint_eq(w.w->mib[MIB_IpReasmTimeout], 1);
	frag(40, 60);
	expect_nothing(sk);
}
END_TEST

START_TEST(timeout_without_the_first_is_silent)
{
	make_whole(92);
	frag(40, 60);
	run_for(&w, 31 * NSEC_PER_SEC);
	wire_quiet(&w);
	ck_assert_uint_eq(w.w->frag_bytes, 0);
}
END_TEST

START_TEST(memory_for_fragments_is_bounded)
{
	make_whole(1400);
	for (u32 i = 0; i < 20000; i++) {
		frag_ident = i & 0xffff;
		frag_src = IP_B + i / 65536;
		frag(0, 1400);
		ck_assert_uint_le(w.w->frag_bytes, (4U << 20) + 70000);
	}
	/* and the newest still can be finished */
	frag(1400, 8);
	frag_src = IP_B;
	expect_whole_and_more();
}
END_TEST

START_TEST(one_byte_pieces_of_many_packets_are_bounded)
{
	make_whole(92);
	for (u32 i = 0; i < 30000; i++) {
		frag_ident = i & 0xffff;
		frag(8, 8);
		ck_assert_uint_le(w.w->frag_bytes, (4U << 20) + 70000);
	}
	frag_ident = 77;
}
END_TEST

START_TEST(interface_gone_with_fragments_waiting)
{
	make_whole(92);
	frag(0, 40);
	netif_remove(w.wn);
	ck_assert_uint_eq(w.w->frag_bytes, 0);
	run_for(&w, 31 * NSEC_PER_SEC);
}
END_TEST

/* RFC 3168, 5.3: congestion marked on one piece is congestion of the whole; mixed with "not capable" it is an
 * attack. */
static const struct {
	u8 a, b;
	bool whole;
	u8 ecn;
} ecn_cases[] = {{0, 0, true, 0}, {2, 2, true, 2},  {2, 3, true, 3},  {3, 2, true, 3}, {1, 3, true, 3},
		 {3, 3, true, 3}, {0, 3, false, 0}, {3, 0, false, 0}, {0, 2, false, 0}};

START_TEST(ecn_of_fragments)
{
	struct pkt *p;
	int r;

	make_whole(92);
	frag_tos = ecn_cases[_i].a;
	frag(0, 40);
	frag_tos = ecn_cases[_i].b;
	frag(40, 60);
	frag_tos = 0;
	r = dgram_receive(sk, false, &p);
	ck_assert_int_eq(r, ecn_cases[_i].whole ? 0 : -EAGAIN);
	if (r)
		return;
	ck_assert_uint_eq(p->tos & 3, ecn_cases[_i].ecn);
	pkt_free(p);
}
END_TEST

START_TEST(fragments_without_memory)
{
	make_whole(92);
	for (s64 i = 0; i < 10; i++) {
		frag_ident++;
		for (u32 k = 0; k < 2; k++) {
			struct build f;
			struct pkt *p;
			u8 *h;
			b_eth(&f, mac_us, mac_peer, ETH_IPV4);
			h = b_ip4(&f, IP_B, IP_A, PROTO_UDP);
			put_be16(h + 4, frag_ident);
			put_be16(h + 6, k ? 5 : IPV4_MF);
			b_add(&f, whole + 40 * k, k ? 60 : 40);
			put_be16(h + 2, f.size - f.net);
			csum_put(h + 10, csum_add(0, h, 20, false));
			p = pkt_from(w.w, f.b, f.size);
			w.fail_after = i;
			netif_receive(w.wn, p);
			netstack_run(w.w);
			w.fail_after = -1;
		}
		while (dgram_get(sk, NULL, 0, NULL, NULL) > 0)
			;
	}
	run_for(&w, 60 * NSEC_PER_SEC);
	wire_skip(&w);
	ck_assert_uint_eq(w.w->frag_bytes, 0);
}
END_TEST

TCase *case_ipv4_frag(void)
{
	TCase *t = tcase_create("ipv4_frag");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, reassembly_in_order);
	tcase_add_test(t, reassembly_backwards);
	tcase_add_loop_test(t, reassembly_any_order, 0, 6);
	tcase_add_test(t, reassembly_many_small_pieces);
	tcase_add_test(t, duplicate_fragments_dropped);
	tcase_add_loop_test(t, overlap_kills_the_packet, 0, ARRAY_COUNT(overlaps));
	tcase_add_test(t, overlap_does_not_hurt_others);
	tcase_add_test(t, two_ends_contradict);
	tcase_add_test(t, fragment_past_the_end);
	tcase_add_test(t, end_before_what_is_there);
	tcase_add_test(t, fragment_of_odd_size_dropped);
	tcase_add_test(t, empty_fragment_dropped);
	tcase_add_test(t, ping_of_death);
	tcase_add_test(t, largest_reassembly);
	tcase_add_test(t, options_only_in_the_first);
	tcase_add_test(t, keyed_by_source_ident_and_protocol);
	tcase_add_test(t, timeout_with_the_first_tells);
	tcase_add_test(t, timeout_without_the_first_is_silent);
	tcase_add_test(t, memory_for_fragments_is_bounded);
	tcase_add_test(t, one_byte_pieces_of_many_packets_are_bounded);
	tcase_add_test(t, interface_gone_with_fragments_waiting);
	tcase_add_loop_test(t, ecn_of_fragments, 0, ARRAY_COUNT(ecn_cases));
	tcase_add_test(t, fragments_without_memory);
	return t;
}

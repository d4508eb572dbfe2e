/* test_wire.c: numbers, addresses, checksums and packets. */
#include "netstack/wire/checksum.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/netstack/fixture.h"

/* ---- numbers and addresses ---- */

START_TEST(be_round_trip)
{
	u8 b[4];

	ck_assert_uint_eq(be16_get(be16_of(0x1234)), 0x1234);
	ck_assert_uint_eq(be32_get(be32_of(0xfedcba98)), 0xfedcba98);
	ck_assert_uint_eq(be32_of(0xfedcba98).b[0], 0xfe);
	put_be32(b, 0x80000001);
	ck_assert_uint_eq(get_be32(b), 0x80000001);
	ck_assert_uint_eq(b[3], 1);
	put_be16(b, 0x1ff02);
	ck_assert_uint_eq(get_be16(b), 0xff02);
}
END_TEST

static const struct {
	const char *text;
	bool any, loop, multi, link, unicast;
} kinds[] = {
    {"0.0.0.0", true, false, false, false, false},
    {"127.0.0.1", false, true, false, false, true},
    {"127.255.0.9", false, true, false, false, true},
    {"10.1.2.3", false, false, false, false, true},
    {"169.254.1.1", false, false, false, true, true},
    {"224.0.0.1", false, false, true, false, false},
    {"239.255.255.255", false, false, true, false, false},
    {"240.0.0.1", false, false, false, false, false},
    {"255.255.255.255", false, false, false, false, false},
    {"::", true, false, false, false, false},
    {"::1", false, true, false, false, true},
    {"::2", false, false, false, false, true},
    {"fe80::1", false, false, false, true, true},
    {"febf::1", false, false, false, true, true},
    {"fec0::1", false, false, false, false, true},
    {"ff02::1", false, false, true, false, false},
    {"2001:db8::1", false, false, false, false, true},
};

START_TEST(address_kind)
{
	const char *t = kinds[_i].text;
	struct ip_addr a = strchr(t, ':') ? a6(t) : a4(t);

	ck_assert_int_eq(ip_is_v4(&a), !strchr(t, ':'));
	ck_assert_int_eq(ip_is_any(&a), kinds[_i].any);
	ck_assert_int_eq(ip_is_loopback(&a), kinds[_i].loop);
	ck_assert_int_eq(ip_is_multicast(&a), kinds[_i].multi);
	ck_assert_int_eq(ip_is_linklocal(&a), kinds[_i].link);
	ck_assert_int_eq(ip_is_unicast(&a), kinds[_i].unicast);
}
END_TEST

static const struct {
	const char *a, *b;
	u32 len;
	bool same;
} prefixes[] = {
    {"10.0.0.1", "10.0.0.2", 24, true},      {"10.0.0.1", "10.0.1.1", 24, false},
    {"10.0.0.1", "10.0.0.2", 31, false},     {"10.0.0.2", "10.0.0.3", 31, true},
    {"1.2.3.4", "200.0.0.0", 0, true},       {"1.2.3.4", "1.2.3.4", 32, true},
    {"128.0.0.0", "0.0.0.0", 1, false},      {"fd00::1", "fd00::ffff", 64, true},
    {"fd00::1", "fd00:0:0:1::1", 64, false}, {"fd00:0:0:1::", "fd00::", 63, true},
    {"2001:db8::1", "::", 0, true},          {"fd00::1", "fd00::1", 128, true},
    {"fd00::1", "fd00::", 128, false},
};

START_TEST(prefix_compare)
{
	const char *t = prefixes[_i].a;
	struct ip_addr a = strchr(t, ':') ? a6(t) : a4(t), p;
	struct ip_addr b = strchr(t, ':') ? a6(prefixes[_i].b) : a4(prefixes[_i].b);

	ck_assert_int_eq(ip_prefix_eq(&a, &b, prefixes[_i].len), prefixes[_i].same);
	p = ip_prefix_of(a, prefixes[_i].len);
	ck_assert(ip_prefix_eq(&a, &p, prefixes[_i].len));
	ck_assert_int_eq(ip_is_v4(&p), ip_is_v4(&a));
}
END_TEST

START_TEST(prefix_families_differ)
{
	struct ip_addr four = a4("0.0.0.0"), six = a6("::1");

	ck_assert(!ip_prefix_eq(&six, &four, 0));
	ck_assert(!ip_prefix_eq(&four, &six, 0));
}
END_TEST

START_TEST(solicited_node_group)
{
	struct ip_addr a = a6("fd00::12:3456:789a"), g = a6("ff02::1:ff56:789a"), got = ip_solicited_node(&a);

	ck_assert(ip_eq(&got, &g));
}
END_TEST

START_TEST(any_of_v4_is_v4)
{
	ck_assert(ip_is_v4(&IP4_ANY));
	ck_assert(!ip_is_v4(&IP6_ANY));
	ck_assert(!ip_eq(&IP4_ANY, &IP6_ANY));
}
END_TEST

/* ---- checksums ---- */

/* RFC 1071 as it is written, two bytes at a time. */
static u16 slow_sum(const u8 *p, u32 size)
{
	u32 sum = 0;

	for (u32 i = 0; i < size; i++)
		sum += i % 2 ? p[i] : (u32)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

START_TEST(checksum_of_rfc1071)
{
	/* the example of RFC 1071, section 3 */
	static const u8 d[8] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	u8 out[2];

	csum_put(out, csum_add(0, d, 8, false));
	ck_assert_uint_eq(get_be16(out), 0xffff & ~0xddf2U);
}
END_TEST

START_TEST(checksum_of_known_header)
{
	u8 h[20] = {0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7};

	csum_put(h + 10, csum_add(0, h, 20, false));
	ck_assert_uint_eq(get_be16(h + 10), 0xb861);
	ck_assert(csum_ok(csum_add(0, h, 20, false)));
	h[3] ^= 1;
	ck_assert(!csum_ok(csum_add(0, h, 20, false)));
}
END_TEST

/* All sizes to 200 from all alignments, in one piece and in two, agree with the slow way. */
START_TEST(checksum_sizes_and_pieces)
{
	u8 d[256], out[2];

	for (u32 i = 0; i < sizeof(d); i++)
		d[i] = (u8)(i * 37 + (i >> 3) * 101 + 0x80);
	for (u32 off = 0; off < 8; off++) {
		for (u32 n = 0; n <= 200; n++) {
			u32 cut = n / 3, sum;
			csum_put(out, csum_add(0, d + off, n, false));
			ck_assert_uint_eq(get_be16(out), 0xffff & ~(u32)slow_sum(d + off, n));
			sum = csum_add(0, d + off, cut, false);
			csum_put(out, csum_add(sum, d + off + cut, n - cut, cut & 1));
			ck_assert_uint_eq(get_be16(out), 0xffff & ~(u32)slow_sum(d + off, n));
		}
	}
}
END_TEST

START_TEST(checksum_carries)
{
	u8 d[64], out[2];

	memset(d, 0xff, sizeof(d));
	csum_put(out, csum_add(0xffffffff, d, sizeof(d), false));
	ck_assert_uint_eq(get_be16(out), 0);
	csum_put_nonzero(out, csum_add(0, d, sizeof(d), false));
	ck_assert_uint_eq(get_be16(out), 0xffff);
}
END_TEST

START_TEST(pseudo_header4)
{
	struct ip_addr s = a4("10.0.0.1"), d = a4("10.0.0.2");
	static const u8 h[12] = {10, 0, 0, 1, 10, 0, 0, 2, 0, 17, 0x12, 0x34};
	u16 got = csum_fold(csum_pseudo(&s, &d, 17, 0x1234)), want = csum_fold(csum_add(0, h, 12, false));

	ck_assert_uint_eq(got, want);
}
END_TEST

START_TEST(pseudo_header6)
{
	struct ip_addr s = a6("fd00::1"), d = a6("fd00::2");
	u8 h[40] = {0};

	memcpy(h, s.b, 16);
	memcpy(h + 16, d.b, 16);
	put_be32(h + 32, 70000);
	h[39] = 58;
	ck_assert_uint_eq(csum_fold(csum_pseudo(&s, &d, 58, 70000)), csum_fold(csum_add(0, h, 40, false)));
}
END_TEST

/* ---- packets ---- */

static struct world w;

static void start(void)
{
	world_init(&w);
	w.a = world_stack(&w, 0);
}

static void stop(void)
{
	ck_assert_int_eq(w.a->packets_live, 0);
	world_end(&w);
}

/* A packet of `n` pieces of 10 bytes: 0 1 2 3 … */
static struct pkt *pieces(u32 n)
{
	struct pkt *p = pkt_new(w.a);

	ck_assert_ptr_nonnull(p);
	for (u32 i = 0; i < n; i++) {
		struct net_data *d = net_data_new(w.a, 10);
		ck_assert_ptr_nonnull(d);
		for (u32 k = 0; k < 10; k++)
			d->bytes[k] = (u8)(10 * i + k);
		d->used = 10;
		ck_assert(pkt_add(p, d, 0, 10));
		net_data_put(w.a, d);
	}
	return p;
}

static void expect_bytes(const struct pkt *p, u32 first, u32 n)
{
	u8 buf[256];

	ck_assert_uint_eq(p->size, n);
	ck_assert_uint_eq(pkt_copy(p, 0, buf, sizeof(buf)), n);
	for (u32 i = 0; i < n; i++)
		ck_assert_uint_eq(buf[i], (u8)(first + i));
}

START_TEST(pkt_header_in_one_piece_is_no_copy)
{
	struct pkt *p = pieces(3);
	u8 s[10];

	ck_assert_ptr_eq(pkt_header(p, 10, 10, s), p->frags[1].data->bytes);
	pkt_free(p);
}
END_TEST

START_TEST(pkt_header_over_pieces_is_gathered)
{
	struct pkt *p = pieces(3);
	u8 s[12];
	const u8 *h = pkt_header(p, 9, 12, s);

	ck_assert_ptr_eq(h, s);
	for (u32 i = 0; i < 12; i++)
		ck_assert_uint_eq(h[i], 9 + i);
	pkt_free(p);
}
END_TEST

START_TEST(pkt_header_bounds)
{
	struct pkt *p = pieces(3);
	u8 s[40];

	ck_assert_ptr_nonnull(pkt_header(p, 0, 30, s));
	ck_assert_ptr_null(pkt_header(p, 0, 31, s));
	ck_assert_ptr_null(pkt_header(p, 30, 1, s));
	ck_assert_ptr_null(pkt_header(p, 31, 0, s));
	ck_assert_ptr_null(pkt_header(p, 0xffffffff, 2, s));
	ck_assert_ptr_null(pkt_header(p, 1, 0xffffffff, s));
	pkt_free(p);
}
END_TEST

START_TEST(pkt_push_until_full)
{
	struct pkt *p = pkt_new(w.a);

	ck_assert_ptr_nonnull(pkt_push(p, PKT_HEAD_ROOM));
	ck_assert_ptr_null(pkt_push(p, 1));
	ck_assert_uint_eq(p->size, PKT_HEAD_ROOM);
	pkt_free(p);
}
END_TEST

START_TEST(pkt_pull_over_pieces)
{
	struct pkt *p = pieces(4);
	u8 *h = pkt_push(p, 2);

	h[0] = h[1] = 0xee;
	pkt_pull(p, 2 + 10 + 5);
	expect_bytes(p, 15, 25);
	ck_assert_uint_eq(p->frag_count, 3);
	pkt_pull(p, 100);
	ck_assert_uint_eq(p->size, 0);
	ck_assert_uint_eq(p->frag_count, 0);
	pkt_free(p);
}
END_TEST

START_TEST(pkt_trim_over_pieces)
{
	struct pkt *p = pieces(4);

	pkt_trim(p, 100);
	expect_bytes(p, 0, 40);
	pkt_trim(p, 15);
	expect_bytes(p, 0, 15);
	ck_assert_uint_eq(p->frag_count, 2);
	pkt_trim(p, 0);
	ck_assert_uint_eq(p->frag_count, 0);
	pkt_free(p);
}
END_TEST

START_TEST(pkt_trim_into_head)
{
	struct pkt *p = pieces(1);
	u8 *h = pkt_push(p, 4);

	memcpy(h, "abcd", 4);
	pkt_trim(p, 3);
	ck_assert_uint_eq(p->size, 3);
	ck_assert_uint_eq(p->head_size, 3);
	ck_assert_mem_eq(pkt_data(p), "abc", 3);
	pkt_free(p);
}
END_TEST

START_TEST(pkt_pull_head_gathers)
{
	struct pkt *p = pieces(3);

	p->csum_start = 12;
	ck_assert_int_eq(pkt_pull_head(p, 15), 0);
	ck_assert_uint_ge(p->head_size, 15);
	expect_bytes(p, 0, 30);
	ck_assert_uint_eq(p->csum_start, 12);
	ck_assert_int_eq(pkt_pull_head(p, 31), -EINVAL);
	pkt_data(p)[0] = 77; /* the head is ours alone */
	pkt_free(p);
}
END_TEST

START_TEST(pkt_pull_head_without_room)
{
	struct pkt *p = pieces(20);

	ck_assert_int_eq(pkt_pull_head(p, PKT_HEAD_ROOM + 1), -ENOMEM);
	ck_assert_int_eq(pkt_pull_head(p, PKT_HEAD_ROOM), 0);
	expect_bytes(p, 0, 200);
	pkt_free(p);
}
END_TEST

START_TEST(pkt_clone_shares_payload_not_head)
{
	struct pkt *p = pieces(2), *c;
	u8 *h = pkt_push(p, 1);

	*h = 1;
	c = pkt_clone(p);
	ck_assert_ptr_nonnull(c);
	*pkt_data(c) = 2;
	ck_assert_uint_eq(*pkt_data(p), 1);
	ck_assert_ptr_eq(c->frags[0].data, p->frags[0].data);
	ck_assert_uint_eq(p->frags[0].data->refs, 2);
	pkt_free(p);
	pkt_pull(c, 1);
	expect_bytes(c, 0, 20);
	pkt_free(c);
}
END_TEST

START_TEST(pkt_append_does_not_touch_shared_blocks)
{
	struct pkt *p = pkt_from(w.a, "abc", 3), *c = pkt_clone(p);
	u8 b[8];

	ck_assert_int_eq(pkt_append(p, "def", 3), 0);
	ck_assert_int_eq(pkt_append(c, "xyz", 3), 0);
	ck_assert_uint_eq(pkt_copy(p, 0, b, 8), 6);
	ck_assert_mem_eq(b, "abcdef", 6);
	ck_assert_uint_eq(pkt_copy(c, 0, b, 8), 6);
	ck_assert_mem_eq(b, "abcxyz", 6);
	pkt_free(p);
	pkt_free(c);
}
END_TEST

START_TEST(pkt_append_64k)
{
	static u8 in[65535], out[65535];
	struct pkt *p = pkt_new(w.a);

	for (u32 i = 0; i < sizeof(in); i++)
		in[i] = (u8)(i * 7 + (i >> 8));
	for (u32 off = 0; off < sizeof(in); off += 1000)
		ck_assert_int_eq(pkt_append(p, in + off, min_t(u32, 1000, sizeof(in) - off)), 0);
	ck_assert_uint_eq(pkt_copy(p, 0, out, sizeof(out)), sizeof(out));
	ck_assert_mem_eq(in, out, sizeof(in));
	pkt_free(p);
}
END_TEST

START_TEST(pkt_add_merges_neighbours)
{
	struct pkt *p = pkt_new(w.a);
	struct net_data *d = net_data_new(w.a, 100);

	for (u32 i = 0; i < 50; i++)
		ck_assert(pkt_add(p, d, 2 * i, 2));
	ck_assert_uint_eq(p->frag_count, 1);
	ck_assert_uint_eq(d->refs, 2);
	for (u32 i = 0; i < PKT_FRAG_MAX - 1; i++)
		ck_assert(pkt_add(p, d, 0, 1));
	ck_assert(!pkt_add(p, d, 0, 1));
	ck_assert(pkt_add(p, d, 0, 0));
	ck_assert_uint_eq(p->size, 100 + PKT_FRAG_MAX - 1);
	net_data_put(w.a, d);
	pkt_free(p);
}
END_TEST

START_TEST(pkt_add_range_any_place)
{
	for (u32 off = 0; off <= 35; off++) {
		for (u32 n = 0; n + off <= 35; n++) {
			struct pkt *p = pieces(3), *to = pkt_new(w.a);
			u8 *h = pkt_push(p, 5), got[40];
			for (u32 i = 0; i < 5; i++)
				h[i] = (u8)(0xfb + i);
			ck_assert(pkt_add_range(to, p, off, n));
			ck_assert_uint_eq(to->size, n);
			ck_assert_uint_eq(pkt_copy(to, 0, got, sizeof(got)), n);
			for (u32 i = 0; i < n; i++)
				ck_assert_uint_eq(got[i], (u8)(0xfb + off + i));
			pkt_free(p);
			pkt_free(to);
		}
	}
}
END_TEST

START_TEST(pkt_add_range_past_the_end)
{
	struct pkt *p = pieces(3), *to = pkt_new(w.a);

	ck_assert(!pkt_add_range(to, p, 25, 6));
	pkt_free(p);
	pkt_free(to);
}
END_TEST

START_TEST(pkt_csum_over_pieces)
{
	for (u32 off = 0; off < 35; off++) {
		for (u32 n = 0; n + off <= 35; n++) {
			struct pkt *p = pieces(3);
			u8 *h = pkt_push(p, 5), flat[35], out[2];
			memset(h, 0x9c, 5);
			pkt_copy(p, 0, flat, 35);
			csum_put(out, pkt_csum(p, off, n, 0));
			ck_assert_uint_eq(get_be16(out), 0xffff & ~(u32)slow_sum(flat + off, n));
			pkt_free(p);
		}
	}
}
END_TEST

START_TEST(pkt_csum_finish_fills_field)
{
	struct pkt *p = pieces(3);
	u8 flat[30];

	/* checksum at 16, over [10, 30), the pseudo header's part in the field */
	ck_assert_int_eq(pkt_pull_head(p, 18), 0);
	put_be16(pkt_data(p) + 16, 0x1234);
	pkt_copy(p, 0, flat, 30);
	p->csum_partial = true;
	p->csum_start = 10;
	p->csum_offset = 6;
	ck_assert_int_eq(pkt_csum_finish(p), 0);
	ck_assert(!p->csum_partial);
	ck_assert_uint_eq(get_be16(pkt_data(p) + 16), 0xffff & ~(u32)slow_sum(flat + 10, 20));
	pkt_free(p);
}
END_TEST

START_TEST(pkt_csum_finish_out_of_bounds)
{
	struct pkt *p = pieces(1);

	p->csum_partial = true;
	p->csum_start = 9;
	p->csum_offset = 0;
	ck_assert_int_eq(pkt_csum_finish(p), -EINVAL);
	pkt_free(p);
}
END_TEST

/* Without memory at any step, nothing leaks and the error is told. */
START_TEST(pkt_without_memory)
{
	u8 buf[100] = {0};

	for (s64 i = 0; i < 2; i++) {
		struct pkt *p;
		w.fail_after = i;
		p = pkt_from(w.a, buf, sizeof(buf));
		w.fail_after = -1;
		ck_assert_ptr_null(p);
	}
}
END_TEST

TCase *case_wire(void)
{
	TCase *t = tcase_create("wire");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, be_round_trip);
	tcase_add_loop_test(t, address_kind, 0, ARRAY_COUNT(kinds));
	tcase_add_loop_test(t, prefix_compare, 0, ARRAY_COUNT(prefixes));
	tcase_add_test(t, prefix_families_differ);
	tcase_add_test(t, solicited_node_group);
	tcase_add_test(t, any_of_v4_is_v4);
	tcase_add_test(t, checksum_of_rfc1071);
	tcase_add_test(t, checksum_of_known_header);
	tcase_add_test(t, checksum_sizes_and_pieces);
	tcase_add_test(t, checksum_carries);
	tcase_add_test(t, pseudo_header4);
	tcase_add_test(t, pseudo_header6);
	tcase_add_test(t, pkt_header_in_one_piece_is_no_copy);
	tcase_add_test(t, pkt_header_over_pieces_is_gathered);
	tcase_add_test(t, pkt_header_bounds);
	tcase_add_test(t, pkt_push_until_full);
	tcase_add_test(t, pkt_pull_over_pieces);
	tcase_add_test(t, pkt_trim_over_pieces);
	tcase_add_test(t, pkt_trim_into_head);
	tcase_add_test(t, pkt_pull_head_gathers);
	tcase_add_test(t, pkt_pull_head_without_room);
	tcase_add_test(t, pkt_clone_shares_payload_not_head);
	tcase_add_test(t, pkt_append_does_not_touch_shared_blocks);
	tcase_add_test(t, pkt_append_64k);
	tcase_add_test(t, pkt_add_merges_neighbours);
	tcase_add_test(t, pkt_add_range_any_place);
	tcase_add_test(t, pkt_add_range_past_the_end);
	tcase_add_test(t, pkt_csum_over_pieces);
	tcase_add_test(t, pkt_csum_finish_fills_field);
	tcase_add_test(t, pkt_csum_finish_out_of_bounds);
	tcase_add_test(t, pkt_without_memory);
	return t;
}

/* test_ipv6.c: IPv6 in and out (RFC 8200): extension headers, options, fragments. */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct net_sock *sk;

static void start(void)
{
	world_wire(&w);
	know_peer(&w);
	sk = udp_bound(w.w, IP6_ANY, 9);
}

static void stop(void)
{
	dgram_close(sk);
	world_end(&w);
}

/* A frame with a chain of extension headers before a UDP header with 3 bytes of payload. */
static struct build f;

static void begin(u32 next)
{
	b_eth(&f, mac_us, mac_peer, ETH_IPV6);
	b_ip6(&f, "fd00::2", "fd00::1", next);
}

static void ext(u32 next, const void *body, u32 size)
{
	u8 h[2] = {(u8)next, (u8)((size + 2) / 8 - 1)};

	ck_assert_uint_eq((size + 2) % 8, 0);
	b_add(&f, h, 2);
	b_add(&f, body, size);
}

static void finish(void)
{
	b_udp(&f, 5, 9, "ext", 3);
	b_send(&w, &f);
}

/* The ICMPv6 error that was sent. */
static void expect_error(u8 type, u8 code, u32 info)
{
	const struct frame *r = wire_must(&w);
	const u8 *ip = r->bytes + 14;
	struct ip_addr src, dst;
	u32 n = get_be16(ip + 4);

	ck_assert_uint_eq(ip[6], PROTO_ICMPV6);
	ck_assert_uint_eq(ip[40], type);
	ck_assert_uint_eq(ip[41], code);
	ck_assert_uint_eq(get_be32(ip + 44), info);
	memcpy(src.b, ip + 8, 16);
	memcpy(dst.b, ip + 24, 16);
	ck_assert(csum_ok(csum_add(csum_pseudo(&src, &dst, PROTO_ICMPV6, n), ip + 40, n, false)));
	/* what it is about is quoted from its IP header on */
	ck_assert_mem_eq(ip + 48, f.b + f.net, min_t(u32, n - 8, f.size - f.net));
	ck_assert_uint_le(n + 40, IPV6_MIN_MTU);
}

/* ---- in ---- */

START_TEST(plain)
{
	begin(PROTO_UDP);
	finish();
	expect_datagram(sk, "ext");
}
END_TEST

static const struct {
	u32 off;
	u8 value;
} bad6[] = {{0, 0x45}, {5, 200}, {8, 0xff} /* from a group */};

START_TEST(bad_header6_dropped)
{
	begin(PROTO_UDP);
	b_udp(&f, 5, 9, "bad", 3);
	b_finish(&f);
	f.b[f.net + bad6[_i].off] = bad6[_i].value;
	wire_in(&w, f.b, f.size);
	expect_nothing(sk);
	wire_quiet(&w);
}
END_TEST

static const struct {
	const char *src, *dst;
} martians6[] = {{"::1", "fd00::1"},      {"fd00::1", "fd00::1"}, {"fd00::2", "::1"},
		 {"fd00::2", "fd00::77"}, {"ff02::1", "fd00::1"}, {"::ffff:10.0.0.2", "fd00::1"},
		 {"fd00::2", "ff02::77"}};

START_TEST(martian6_dropped)
{
	b_eth(&f, mac_us, mac_peer, ETH_IPV6);
	b_ip6(&f, martians6[_i].src, martians6[_i].dst, PROTO_UDP);
	b_udp(&f, 5, 9, "x", 1);
	b_send(&w, &f);
	expect_nothing(sk);
	wire_quiet(&w);
}
END_TEST

START_TEST(truncated6_at_every_byte)
{
	static const u8 opts[6] = {1, 4};

	begin(PROTO_HOPOPTS);
	ext(PROTO_DSTOPTS, opts, 6);
	ext(PROTO_UDP, opts, 6);
	b_udp(&f, 5, 9, "ext", 3);
	b_finish(&f);
	for (u32 n = 0; n < f.size; n++)
		wire_in(&w, f.b, n);
	/* and cut with a length that agrees */
	for (u32 n = 0; n < f.size - f.net - 40; n++) {
		put_be16(f.b + f.net + 4, n);
		wire_in(&w, f.b, f.size);
	}
	expect_nothing(sk);
}
END_TEST

START_TEST(hop_by_hop_and_destination_options)
{
	static const u8 padn[6] = {1, 4}, pad1[6] = {0}, alert[6] = {5, 2, 0, 0, 1, 0};

	begin(PROTO_HOPOPTS);
	ext(PROTO_DSTOPTS, alert, 6);
	ext(PROTO_DSTOPTS, padn, 6);
	ext(PROTO_UDP, pad1, 6);
	finish();
	expect_datagram(sk, "ext");
	wire_quiet(&w);
}
END_TEST

START_TEST(hop_by_hop_only_first)
{
	static const u8 pad[6] = {1, 4};

	begin(PROTO_DSTOPTS);
	ext(PROTO_HOPOPTS, pad, 6);
	ext(PROTO_UDP, pad, 6);
	finish();
	expect_nothing(sk);
	expect_error(ICMP6_PARAM, 1, 40);
}
END_TEST

/* Unknown options do what their upper two bits say. */
START_TEST(unknown_option_skipped)
{
	static const u8 o[6] = {0x1e, 4};

	begin(PROTO_DSTOPTS);
	ext(PROTO_UDP, o, 6);
	finish();
	expect_datagram(sk, "ext");
}
END_TEST
START_TEST(unknown_option_dropped)
{
	static const u8 o[6] = {0x5e, 4};

	begin(PROTO_DSTOPTS);
	ext(PROTO_UDP, o, 6);
	finish();
	expect_nothing(sk);
	wire_quiet(&w);
}
END_TEST
START_TEST(unknown_option_told)
{
	static const u8 o[6] = {0, 0, 0x9e, 2};

	begin(PROTO_DSTOPTS);
	ext(PROTO_UDP, o, 6);
	finish();
	expect_nothing(sk);
	expect_error(ICMP6_PARAM, 2, 40 + 4);
}
END_TEST
START_TEST(unknown_option_told_to_unicast)
{
	static const u8 o[6] = {0xde, 4};

	begin(PROTO_DSTOPTS);
	ext(PROTO_UDP, o, 6);
	finish();
	expect_nothing(sk);
	expect_error(ICMP6_PARAM, 2, 40 + 2);
}
END_TEST

START_TEST(option_past_its_header)
{
	static const u8 o[6] = {1, 5};

	begin(PROTO_DSTOPTS);
	ext(PROTO_UDP, o, 6);
	finish();
	expect_nothing(sk);
}
END_TEST

START_TEST(routing_header_used_up_passed)
{
	static const u8 rh[6] = {0, 0};

	begin(PROTO_ROUTING);
	ext(PROTO_UDP, rh, 6);
	finish();
	expect_datagram(sk, "ext");
}
END_TEST

START_TEST(routing_header_with_segments_refused)
{
	static const u8 rh[22] = {0, 1};

	begin(PROTO_ROUTING);
	ext(PROTO_UDP, rh, 22);
	finish();
	expect_nothing(sk);
	expect_error(ICMP6_PARAM, 0, 40 + 2);
}
END_TEST

START_TEST(no_next_header_dropped_silently)
{
	begin(PROTO_NONE);
	b_send(&w, &f);
	wire_quiet(&w);
}
END_TEST

START_TEST(unknown_next_header_told)
{
	static const u8 pad[6] = {1, 4};

	begin(200);
	b_add(&f, "whatever", 8);
	b_send(&w, &f);
	expect_error(ICMP6_PARAM, 1, 6);
	begin(PROTO_DSTOPTS);
	ext(200, pad, 6);
	b_add(&f, "whatever", 8);
	b_send(&w, &f);
	expect_error(ICMP6_PARAM, 1, 40);
}
END_TEST

START_TEST(too_many_headers_dropped)
{
	static const u8 pad[6] = {1, 4};

	begin(PROTO_DSTOPTS);
	for (u32 i = 0; i < 20; i++)
		ext(i == 19 ? PROTO_UDP : PROTO_DSTOPTS, pad, 6);
	finish();
	expect_nothing(sk);
}
END_TEST

START_TEST(udp_without_checksum_dropped)
{
	begin(PROTO_UDP);
	b_udp(&f, 5, 9, "ext", 3);
	b_finish(&f);
	memset(f.b + f.l4 + 6, 0, 2);
	wire_in(&w, f.b, f.size);
	expect_nothing(sk);
}
END_TEST

/* ---- out ---- */

START_TEST(header6_out)
{
	struct ip_addr dst = a6("fd00::2"), src = a6("fd00::1");
	const struct frame *r;
	const u8 *h;

	sk->tclass = 0x2e;
	ck_assert_int_eq(udp_put(sk, &dst, 7, "12345", 5), 5);
	r = wire_must(&w);
	h = r->bytes + 14;
	ck_assert_uint_eq(get_be32(h), 0x62e00000);
	ck_assert_uint_eq(get_be16(h + 4), 13);
	ck_assert_uint_eq(h[6], PROTO_UDP);
	ck_assert_uint_eq(h[7], 64);
	ck_assert_mem_eq(h + 8, src.b, 16);
	ck_assert_mem_eq(h + 24, dst.b, 16);
	ck_assert(csum_ok(csum_add(csum_pseudo(&src, &dst, PROTO_UDP, 13), h + 40, 13, false)));
}
END_TEST

static u8 big[65535];

START_TEST(fragments6_out)
{
	struct ip_addr dst = a6("fd00::2");
	static u8 joined[4000];
	const struct frame *r;
	u32 at = 0, ident = 0, n = 0;

	for (u32 i = 0; i < sizeof(big); i++)
		big[i] = (u8)(i * 13 + (i >> 7));
	ck_assert_int_eq(udp_put(sk, &dst, 7, big, 3500), 3500);
	while ((r = wire_out(&w))) {
		const u8 *h = r->bytes + 14;
		u32 size = get_be16(h + 4) - 8U, off = get_be16(h + 42);
		ck_assert_uint_le(r->size, 14 + 1500);
		ck_assert_uint_eq(h[6], PROTO_FRAGMENT);
		ck_assert_uint_eq(h[40], PROTO_UDP);
		ck_assert_uint_eq(off & ~7U, at);
		ck_assert_int_eq(!(off & 1), at + size == 3508);
		if (n++)
			ck_assert_uint_eq(get_be32(h + 44), ident);
		ident = get_be32(h + 44);
		memcpy(joined + at, h + 48, size);
		at += size;
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(joined + 8, big, 3500);
}
END_TEST

START_TEST(largest_datagram6)
{
	struct world p;
	struct net_sock *s, *c;
	struct ip_addr dst = a6("fd00::2");
	static u8 got[65535];

	world_pair(&p);
	s = udp_bound(p.b, IP6_ANY, 9);
	c = udp_open(p.a, true);
	ck_assert_int_eq(udp_put(c, &dst, 9, big, 65528), -EMSGSIZE);
	ck_assert_int_eq(udp_put(c, &dst, 9, big, 65527), 65527);
	settle(&p);
	ck_assert_int_eq(dgram_get(s, got, sizeof(got), NULL, NULL), 65527);
	ck_assert_mem_eq(got, big, 65527);
	dgram_close(s);
	dgram_close(c);
	world_end(&p);
}
END_TEST

START_TEST(mtu_of_1280)
{
	struct world p;
	struct net_sock *s, *c;
	struct ip_addr dst = a6("fd00::2");
	static u8 got[65535];

	world_pair_with(&p, 1280, 0);
	s = udp_bound(p.b, IP6_ANY, 9);
	c = udp_open(p.a, true);
	ck_assert_int_eq(udp_put(c, &dst, 9, big, 1232), 1232);
	ck_assert_int_eq(udp_put(c, &dst, 9, big, 1233), 1233);
	settle(&p);
	ck_assert_uint_eq(p.b->mib[MIB_IpReasmOKs], 1);
	ck_assert_int_eq(dgram_get(s, got, sizeof(got), NULL, NULL), 1232);
	ck_assert_int_eq(dgram_get(s, got, sizeof(got), NULL, NULL), 1233);
	dgram_close(s);
	dgram_close(c);
	world_end(&p);
}
END_TEST

/* ---- reassembly ---- */

static u8 whole[3000];
static u32 whole_size, ident = 99;

static void make_whole(u32 size)
{
	struct ip_addr src = a6("fd00::2"), dst = a6("fd00::1");

	put_be16(whole, 5);
	put_be16(whole + 2, 9);
	put_be16(whole + 4, size + 8);
	put_be16(whole + 6, 0);
	for (u32 i = 0; i < size; i++)
		whole[8 + i] = (u8)(i * 29);
	whole_size = size + 8;
	csum_put_nonzero(whole + 6,
			 csum_add(csum_pseudo(&src, &dst, PROTO_UDP, whole_size), whole, whole_size, false));
}

/* `pre` bytes of destination options stand before the fragment header. */
static void frag_full(u32 off, u32 size, bool more, u32 pre, u8 next)
{
	u8 h[8] = {next};

	begin(pre ? PROTO_DSTOPTS : PROTO_FRAGMENT);
	if (pre) {
		static const u8 pad[6] = {1, 4};
		ext(PROTO_FRAGMENT, pad, 6);
	}
	put_be16(h + 2, off | more);
	put_be32(h + 4, ident);
	b_add(&f, h, 8);
	b_add(&f, whole + off, size);
	put_be16(f.b + f.net + 4, f.size - f.net - 40);
	wire_in(&w, f.b, f.size);
}

static void frag(u32 off, u32 size)
{
	frag_full(off, size, off + size < whole_size, 0, PROTO_UDP);
}

static void expect_whole(void)
{
	static u8 got[3000];

	ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), whole_size - 8);
	ck_assert_mem_eq(got, whole + 8, whole_size - 8);
}

START_TEST(reassembly6_any_order)
{
	static const u32 order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	make_whole(92);
	for (u32 i = 0; i < 3; i++)
		frag(order[_i][i] * 40, order[_i][i] == 2 ? 20 : 40);
	expect_whole();
	ck_assert_uint_eq(w.w->frag_bytes, 0);
}
END_TEST

START_TEST(atomic_fragment)
{
	make_whole(92);
	frag_full(0, 100, false, 0, PROTO_UDP);
	expect_whole();
	ck_assert_uint_eq(w.w->mib[MIB_IpReasmReqds], 0);
}
END_TEST

/* RFC 6946: it is not mixed with fragments of the same ident */
START_TEST(atomic_fragment_beside_others)
{
	make_whole(92);
	frag(0, 40);
	frag_full(0, 100, false, 0, PROTO_UDP);
	expect_whole();
	frag(40, 60);
	expect_whole();
}
END_TEST

START_TEST(atomic_fragment_with_options_behind)
{
	u8 h[8] = {PROTO_DSTOPTS};
	static const u8 pad[6] = {1, 4};

	begin(PROTO_FRAGMENT);
	b_add(&f, h, 8);
	ext(PROTO_UDP, pad, 6);
	b_udp(&f, 5, 9, "ext", 3);
	{
		struct ip_addr src = a6("fd00::2"), dst = a6("fd00::1");
		put_be16(f.b + f.net + 4, f.size - f.net - 40);
		csum_put_nonzero(f.b + f.l4 + 6,
				 csum_add(csum_pseudo(&src, &dst, PROTO_UDP, 11), f.b + f.l4, 11, false));
	}
	wire_in(&w, f.b, f.size);
	expect_datagram(sk, "ext");
}
END_TEST

START_TEST(options_before_the_fragment_header)
{
	make_whole(92);
	frag_full(0, 40, true, 8, PROTO_UDP);
	frag_full(40, 60, false, 8, PROTO_UDP);
	expect_whole();
	/* also if only the first has them (RFC 8200: the first counts) */
	ident++;
	frag_full(40, 60, false, 0, PROTO_UDP);
	frag_full(0, 40, true, 8, PROTO_UDP);
	expect_whole();
}
END_TEST

START_TEST(next_header_of_the_first_counts)
{
	make_whole(92);
	frag_full(40, 60, false, 0, 200);
	frag_full(0, 40, true, 0, PROTO_UDP);
	expect_whole();
}
END_TEST

START_TEST(overlap6_kills)
{
	make_whole(92);
	frag(0, 48);
	frag(40, 40);
	frag(80, 20);
	expect_nothing(sk);
}
END_TEST

START_TEST(odd_fragment6_told)
{
	make_whole(92);
	frag_full(0, 41, true, 0, PROTO_UDP);
	expect_error(ICMP6_PARAM, 0, 4);
}
END_TEST

START_TEST(fragment6_past_64k_told)
{
	u8 h[8] = {PROTO_UDP};

	begin(PROTO_FRAGMENT);
	put_be16(h + 2, 65528);
	b_add(&f, h, 8);
	b_add(&f, NULL, 100);
	put_be16(f.b + f.net + 4, f.size - f.net - 40);
	wire_in(&w, f.b, f.size);
	expect_error(ICMP6_PARAM, 0, 42);
}
END_TEST

/* RFC 7112: the whole chain of headers is in the first fragment, or it is refused */
START_TEST(first_fragment_without_the_transport)
{
	static const u8 pad[6] = {1, 4};
	u8 h[8] = {PROTO_DSTOPTS};

	begin(PROTO_FRAGMENT);
	put_be16(h + 2, 1);
	b_add(&f, h, 8);
	ext(PROTO_UDP, pad, 6);
	put_be16(f.b + f.net + 4, f.size - f.net - 40);
	wire_in(&w, f.b, f.size);
	expect_error(ICMP6_PARAM, 3, 0);
	ck_assert_uint_eq(w.w->frag_bytes, 0);
}
END_TEST

START_TEST(timeout6_tells)
{
	make_whole(92);
	frag(0, 40);
	run_for(&w, 61 * NSEC_PER_SEC);
	expect_error(ICMP6_TIME_EXCEEDED, 1, 0);
	ck_assert_uint_eq(w.w->frag_bytes, 0);
}
END_TEST

START_TEST(nested_fragment_headers)
{
	/* a fragment whose payload is again a fragment header: no endless work, nothing delivered twice */
	u8 h[8] = {PROTO_FRAGMENT};

	begin(PROTO_FRAGMENT);
	for (u32 i = 0; i < 30; i++)
		b_add(&f, h, 8);
	put_be16(f.b + f.net + 4, f.size - f.net - 40);
	wire_in(&w, f.b, f.size);
	expect_nothing(sk);
}
END_TEST

TCase *case_ipv6(void)
{
	TCase *t = tcase_create("ipv6");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, plain);
	tcase_add_loop_test(t, bad_header6_dropped, 0, ARRAY_COUNT(bad6));
	tcase_add_loop_test(t, martian6_dropped, 0, ARRAY_COUNT(martians6));
	tcase_add_test(t, truncated6_at_every_byte);
	tcase_add_test(t, hop_by_hop_and_destination_options);
	tcase_add_test(t, hop_by_hop_only_first);
	tcase_add_test(t, unknown_option_skipped);
	tcase_add_test(t, unknown_option_dropped);
	tcase_add_test(t, unknown_option_told);
	tcase_add_test(t, unknown_option_told_to_unicast);
	tcase_add_test(t, option_past_its_header);
	tcase_add_test(t, routing_header_used_up_passed);
	tcase_add_test(t, routing_header_with_segments_refused);
	tcase_add_test(t, no_next_header_dropped_silently);
	tcase_add_test(t, unknown_next_header_told);
	tcase_add_test(t, too_many_headers_dropped);
	tcase_add_test(t, udp_without_checksum_dropped);
	tcase_add_test(t, header6_out);
	tcase_add_test(t, fragments6_out);
	tcase_add_test(t, largest_datagram6);
	tcase_add_test(t, mtu_of_1280);
	tcase_add_loop_test(t, reassembly6_any_order, 0, 6);
	tcase_add_test(t, atomic_fragment);
	tcase_add_test(t, atomic_fragment_beside_others);
	tcase_add_test(t, atomic_fragment_with_options_behind);
	tcase_add_test(t, options_before_the_fragment_header);
	tcase_add_test(t, next_header_of_the_first_counts);
	tcase_add_test(t, overlap6_kills);
	tcase_add_test(t, odd_fragment6_told);
	tcase_add_test(t, fragment6_past_64k_told);
	tcase_add_test(t, first_fragment_without_the_transport);
	tcase_add_test(t, timeout6_tells);
	tcase_add_test(t, nested_fragment_headers);
	return t;
}

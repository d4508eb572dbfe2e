/* test_ipv4.c: IPv4 in and out (RFC 791, 1122). Reassembly: test_ipv4_frag.c. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/netstack/ipv4_wire.h"

/* ---- in: headers ---- */

static const struct {
	const char *what;
	u32 off;
	u8 value;
	bool fix; /* the checksum is made right again */
} bad_headers[] = {
    {"version 6", 0, 0x65, true},
    {"header of 16 bytes", 0, 0x44, true},
    {"header past the end", 0, 0x4f, true},
    {"length past the end", 3, 200, true},
    {"length below the header", 3, 19, true},
    {"checksum", 10, 0x99, false},
    {"checksum by the ttl", 8, 63, false},
    {"checksum by the address", 15, 77, false},
};

START_TEST(bad_header_dropped)
{
	struct build f;
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 9, "bad", 3);
	b_finish(&f);
	h = f.b + f.net;
	h[bad_headers[_i].off] = bad_headers[_i].value;
	if (bad_headers[_i].fix) {
		put_be16(h + 10, 0);
		csum_put(h + 10, csum_add(0, h, 20, false));
	}
	wire_in(&w, f.b, f.size);
	expect_nothing(sk);
	wire_quiet(&w);
	ck_assert_msg(w.w->mib[MIB_IpInHdrErrors] == 1, "%s", bad_headers[_i].what);
}
END_TEST

START_TEST(truncated_at_every_byte)
{
	struct build f;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 9, "data", 4);
	b_finish(&f);
	for (u32 n = 0; n < f.size; n++)
		wire_in(&w, f.b, n);
	expect_nothing(sk);
	wire_quiet(&w);
	wire_in(&w, f.b, f.size);
	expect_datagram(sk, "data");
}
END_TEST

START_TEST(ethernet_padding_is_cut)
{
	struct build f;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 9, "ab", 2);
	b_finish(&f);
	b_add(&f, "PADDINGPADDINGPAD", 16);
	wire_in(&w, f.b, f.size);
	expect_datagram(sk, "ab");
}
END_TEST

static const struct {
	u32 src, dst;
} martians[] = {
    {0x7f000001, IP_A}, /* from loopback */
    {0xe0000005, IP_A}, /* from a group */
    {0xffffffff, IP_A}, /* from everybody */
    {IP_A, IP_A},       /* from ourselves */
    {0x0a0000ff, IP_A}, /* from our network's broadcast address */
    {IP_B, 0x7f000001}, /* to loopback, from outside */
    {IP_B, 0x0a000063}, /* to another */
    {IP_B, 0xe0000005}, /* to a group nobody joined */
    {0x7f000001, 0x7f000001},
};

START_TEST(martian_dropped)
{
	struct build f;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, martians[_i].src, martians[_i].dst, PROTO_UDP);
	b_udp(&f, 5, 9, "x", 1);
	b_send(&w, &f);
	expect_nothing(sk);
	wire_quiet(&w);
	ck_assert_uint_eq(w.w->mib[MIB_IpInAddrErrors], 1);
}
END_TEST

static void with_options(const u8 *opts, u32 n)
{
	struct build f;
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	h = b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	h[0] = (u8)(0x45 + n / 4);
	b_add(&f, opts, n);
	b_udp(&f, 5, 9, "opt", 3);
	b_send(&w, &f);
}

static const struct {
	u8 b[40];
	u32 n;
} good_options[] = {
    {{1, 1, 1, 1}, 4},              /* nothing, four times */
    {{0, 9, 9, 9}, 4},              /* the end; the rest is padding */
    {{7, 7, 4, 0, 0, 0, 0, 0}, 8},  /* record route */
    {{68, 8, 5, 0, 0, 0, 0, 0}, 8}, /* timestamps */
    {{148, 4, 0, 0}, 4},            /* router alert */
    {{0x9e, 3, 1, 0}, 4},           /* one nobody knows */
    {{1, 7, 3, 4}, 4},              /* record route without room */
};

START_TEST(options_passed_over)
{
	with_options(good_options[_i].b, good_options[_i].n);
	expect_datagram(sk, "opt");
	wire_quiet(&w);
}
END_TEST

static const struct {
	u8 b[8];
	u32 n, pointer;
} bad_options[] = {
    {{7, 0, 0, 0}, 4, 20}, /* no length */
    {{7, 1, 0, 0}, 4, 20}, /* too short for itself */
    {{7, 5, 0, 0}, 4, 20}, /* past the header */
    {{1, 1, 1, 7}, 4, 23}, /* its length is past the header */
};

START_TEST(malformed_options_are_told)
{
	const struct frame *f;

	with_options(bad_options[_i].b, bad_options[_i].n);
	expect_nothing(sk);
	f = wire_must(&w);
	ck_assert_uint_eq(f->bytes[34], ICMP_PARAM);
	ck_assert_uint_eq(f->bytes[38], bad_options[_i].pointer);
}
END_TEST

START_TEST(source_route_refused)
{
	static const u8 lsrr[8] = {131, 7, 4, 10, 0, 0, 3, 0}, ssrr[8] = {137, 7, 4, 10, 0, 0, 3, 0};

	with_options(lsrr, 8);
	expect_nothing(sk);
	ck_assert_uint_eq(wire_must(&w)->bytes[35], ICMP_UNREACH_SRC_ROUTE);
	with_options(ssrr, 8);
	expect_nothing(sk);
}
END_TEST

START_TEST(unknown_protocol_is_told)
{
	struct build f;
	const struct frame *r;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, 200);
	b_add(&f, "whatever", 8);
	b_send(&w, &f);
	r = wire_must(&w);
	ck_assert_uint_eq(r->bytes[34], ICMP_UNREACH);
	ck_assert_uint_eq(r->bytes[35], ICMP_UNREACH_PROTO);
	ck_assert_uint_eq(w.w->mib[MIB_IpInUnknownProtos], 1);
}
END_TEST

/* ---- out ---- */

START_TEST(header_out)
{
	struct ip_addr dst = ip_v4(IP_B);
	const struct frame *f;
	const u8 *h;

	ck_assert_int_eq(udp_put(sk, &dst, 7, "12345", 5), 5);
	f = wire_must(&w);
	h = f->bytes + 14;
	ck_assert_uint_eq(f->size, 14 + 20 + 8 + 5);
	ck_assert_mem_eq(f->bytes, mac_peer, 6);
	ck_assert_mem_eq(f->bytes + 6, mac_us, 6);
	ck_assert_uint_eq(h[0], 0x45);
	ck_assert_uint_eq(h[1], 0);
	ck_assert_uint_eq(get_be16(h + 2), 33);
	ck_assert_uint_eq(get_be16(h + 6), IPV4_DF); /* as Linux: the path's MTU is being looked for */
	ck_assert_uint_eq(h[8], 64);
	ck_assert_uint_eq(h[9], PROTO_UDP);
	ck_assert(csum_ok(csum_add(0, h, 20, false)));
	ck_assert_uint_eq(get_be32(h + 12), IP_A);
	ck_assert_uint_eq(get_be32(h + 16), IP_B);
}
END_TEST

START_TEST(ttl_and_tos_of_the_socket)
{
	struct ip_addr dst = ip_v4(IP_B);
	const struct frame *f;

	sk->ttl = 5;
	sk->tos = 0xb8;
	ck_assert_int_eq(udp_put(sk, &dst, 7, "x", 1), 1);
	f = wire_must(&w);
	ck_assert_uint_eq(f->bytes[14 + 8], 5);
	ck_assert_uint_eq(f->bytes[14 + 1], 0xb8);
}
END_TEST

START_TEST(ttl_and_tos_of_the_message)
{
	struct ip_addr dst = ip_v4(IP_B);
	struct dgram_msg msg;
	struct mem_iter m;
	const struct frame *f;

	mem_in(&m, "x", 1);
	msg = msg_to(&m, &dst, 7);
	msg.ttl = 3;
	msg.tos = 0x10;
	ck_assert_int_eq(udp_send(sk, &msg), 1);
	f = wire_must(&w);
	ck_assert_uint_eq(f->bytes[14 + 8], 3);
	ck_assert_uint_eq(f->bytes[14 + 1], 0x10);
}
END_TEST

static const struct {
	u8 pmtudisc;
	bool df;
} df_cases[] = {{PMTUDISC_DONT, false}, {PMTUDISC_WANT, true},       {PMTUDISC_DO, true},
		{PMTUDISC_PROBE, true}, {PMTUDISC_INTERFACE, false}, {PMTUDISC_OMIT, false}};

START_TEST(dont_fragment_bit)
{
	struct ip_addr dst = ip_v4(IP_B);

	sk->pmtudisc = df_cases[_i].pmtudisc;
	ck_assert_int_eq(udp_put(sk, &dst, 7, "x", 1), 1);
	ck_assert_uint_eq(get_be16(wire_must(&w)->bytes + 14 + 6), df_cases[_i].df ? IPV4_DF : 0);
}
END_TEST

START_TEST(two_packets_have_two_idents)
{
	struct ip_addr dst = ip_v4(IP_B);
	u32 first;

	ck_assert_int_eq(udp_put(sk, &dst, 7, "x", 1), 1);
	ck_assert_int_eq(udp_put(sk, &dst, 7, "x", 1), 1);
	first = get_be16(wire_must(&w)->bytes + 18);
	ck_assert_uint_ne(get_be16(wire_must(&w)->bytes + 18), first);
}
END_TEST

static u8 big[65535];

static void fill_big(void)
{
	for (u32 i = 0; i < sizeof(big); i++)
		big[i] = (u8)(i * 31 + (i >> 8));
}

START_TEST(fragments_out)
{
	struct ip_addr dst = ip_v4(IP_B);
	u32 at = 0, ident = 0, n = 0;
	const struct frame *f;
	static u8 joined[4000];

	fill_big();
	ck_assert_int_eq(udp_put(sk, &dst, 7, big, 3500), 3500);
	while ((f = wire_out(&w))) {
		const u8 *h = f->bytes + 14;
		u32 size = get_be16(h + 2) - 20U, frag = get_be16(h + 6);
		ck_assert_uint_le(f->size, 14 + 1500);
		ck_assert_uint_eq((frag & IPV4_OFFSET) * 8, at);
		ck_assert(!(frag & IPV4_DF));
		ck_assert_int_eq(!(frag & IPV4_MF), at + size == 3508);
		ck_assert(at + size == 3508 || size % 8 == 0);
		ck_assert(csum_ok(csum_add(0, h, 20, false)));
		if (n++)
			ck_assert_uint_eq(get_be16(h + 4), ident);
		ident = get_be16(h + 4);
		memcpy(joined + at, h + 20, size);
		at += size;
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(at, 3508);
	ck_assert_mem_eq(joined + 8, big, 3500);
	ck_assert_uint_eq(w.w->mib[MIB_IpFragOKs], 1);
	ck_assert_uint_eq(w.w->mib[MIB_IpFragCreates], 3);
}
END_TEST

START_TEST(just_fits_the_mtu)
{
	struct ip_addr dst = ip_v4(IP_B);

	ck_assert_int_eq(udp_put(sk, &dst, 7, big, 1472), 1472);
	ck_assert_uint_eq(wire_must(&w)->size, 1514);
	wire_quiet(&w);
	ck_assert_int_eq(udp_put(sk, &dst, 7, big, 1473), 1473);
	ck_assert_uint_eq(wire_must(&w)->size, 14 + 1500);
	ck_assert_uint_eq(wire_must(&w)->size, 14 + 20 + 1);
	wire_quiet(&w);
}
END_TEST

START_TEST(too_big_to_cut_with_df)
{
	struct ip_addr dst = ip_v4(IP_B);
	struct sock_error *e;

	sk->pmtudisc = PMTUDISC_DO;
	ck_assert_int_eq(udp_put(sk, &dst, 7, big, 1473), -EMSGSIZE);
	sk->recverr = true;
	ck_assert_int_eq(udp_put(sk, &dst, 7, big, 1473), -EMSGSIZE);
	wire_quiet(&w);
	e = sock_next_error(sk);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->error, EMSGSIZE);
	ck_assert_uint_eq(e->origin, 1);
	ck_assert_uint_eq(e->info, 1500);
	sock_error_free(w.w, e);
}
END_TEST

START_TEST(largest_datagram)
{
	struct ip_addr dst = ip_v4(0x7f000001);
	static u8 got[65535];

	fill_big();
	ck_assert_int_eq(udp_put(sk, &dst, 9, big, 65508), -EMSGSIZE);
	ck_assert_int_eq(udp_put(sk, &dst, 9, big, 65507), 65507);
	ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), 65507);
	ck_assert_mem_eq(got, big, 65507);
}
END_TEST

START_TEST(largest_datagram_in_fragments)
{
	struct world p;
	struct net_sock *s, *c;
	struct ip_addr dst = ip_v4(IP_B);
	static u8 got[65535];

	fill_big();
	world_pair(&p);
	s = udp_bound(p.b, IP4_ANY, 9);
	c = udp_open(p.a, false);
	ck_assert_int_eq(udp_put(c, &dst, 9, big, 65507), 65507);
	settle(&p);
	ck_assert_int_eq(dgram_get(s, got, sizeof(got), NULL, NULL), 65507);
	ck_assert_mem_eq(got, big, 65507);
	ck_assert_uint_eq(p.b->mib[MIB_IpReasmOKs], 1);
	dgram_close(s);
	dgram_close(c);
	world_end(&p);
}
END_TEST

START_TEST(smallest_mtu)
{
	struct world p;
	struct net_sock *s, *c;
	struct ip_addr dst = ip_v4(IP_B);
	static u8 got[2048];

	fill_big();
	world_pair_with(&p, IPV4_MIN_MTU, 0);
	s = udp_bound(p.b, IP4_ANY, 9);
	c = udp_open(p.a, false);
	ck_assert_int_eq(udp_put(c, &dst, 9, big, 1500), 1500);
	settle(&p);
	ck_assert_int_eq(dgram_get(s, got, sizeof(got), NULL, NULL), 1500);
	ck_assert_mem_eq(got, big, 1500);
	dgram_close(s);
	dgram_close(c);
	world_end(&p);
}
END_TEST

TCase *case_ipv4(void)
{
	TCase *t = tcase_create("ipv4");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, bad_header_dropped, 0, ARRAY_COUNT(bad_headers));
	tcase_add_test(t, truncated_at_every_byte);
	tcase_add_test(t, ethernet_padding_is_cut);
	tcase_add_loop_test(t, martian_dropped, 0, ARRAY_COUNT(martians));
	tcase_add_loop_test(t, options_passed_over, 0, ARRAY_COUNT(good_options));
	tcase_add_loop_test(t, malformed_options_are_told, 0, ARRAY_COUNT(bad_options));
	tcase_add_test(t, source_route_refused);
	tcase_add_test(t, unknown_protocol_is_told);
	tcase_add_test(t, header_out);
	tcase_add_test(t, ttl_and_tos_of_the_socket);
	tcase_add_test(t, ttl_and_tos_of_the_message);
	tcase_add_loop_test(t, dont_fragment_bit, 0, ARRAY_COUNT(df_cases));
	tcase_add_test(t, two_packets_have_two_idents);
	tcase_add_test(t, fragments_out);
	tcase_add_test(t, just_fits_the_mtu);
	tcase_add_test(t, too_big_to_cut_with_df);
	tcase_add_test(t, largest_datagram);
	tcase_add_test(t, largest_datagram_in_fragments);
	tcase_add_test(t, smallest_mtu);
	return t;
}

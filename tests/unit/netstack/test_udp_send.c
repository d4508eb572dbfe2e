/* test_udp_send.c: what UDP sockets send: segments, corked datagrams, checksums. */
#include "tests/unit/netstack/udp_pair.h"

/* ---- segments ---- */

static s64 put_segments(struct net_sock *sk, const struct ip_addr *dst, u32 port, const void *data,
			size_t size, u32 seg)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, data, size);
	msg = msg_to(&m, dst, port);
	msg.gso_size = seg;
	return udp_send(sk, &msg);
}

static u8 big[65535];

static void expect_segments(struct net_sock *s, u32 size, u32 seg)
{
	static u8 got[65535];

	for (u32 off = 0; off < size; off += seg) {
		u32 n = min_t(u32, seg, size - off);
		ck_assert_int_eq(dgram_get(s, got, sizeof(got), NULL, NULL), n);
		ck_assert_mem_eq(got, big + off, n);
	}
	expect_nothing(s);
}

static const struct {
	u32 size, seg;
} gso_cases[] = {{3000, 1000}, {3001, 1000},  {2999, 1000}, {1000, 1000},
		 {999, 1000},  {50000, 1472}, {128, 1},     {60000, 1400}};

/* Cut above the link, by the link, and not at all (loopback). */
static void segments(u32 features, bool v6, u32 size, u32 seg)
{
	struct world p;
	struct net_sock *s, *c;

	for (u32 i = 0; i < sizeof(big); i++)
		big[i] = (u8)(i * 11 + (i >> 8));
	world_pair_with(&p, 1500, features);
	s = udp_bound(p.b, IP6_ANY, 53);
	s->rcvbuf = 10000000;
	c = udp_open(p.a, true);
	ck_assert_int_eq(put_segments(c, v6 ? &b_6 : &b, 53, big, size, seg), size);
	settle(&p);
	expect_segments(s, size, seg);
	ck_assert_uint_eq(p.b->mib[MIB_UdpInErrors], 0);
	dgram_close(s);
	dgram_close(c);
	world_end(&p);
}

START_TEST(segments_cut_in_software)
{
	segments(0, false, gso_cases[_i].size, gso_cases[_i].seg);
}
END_TEST
START_TEST(segments_cut_in_software6)
{
	segments(0, true, gso_cases[_i].size, gso_cases[_i].seg > 1452 ? 1452 : gso_cases[_i].seg);
}
END_TEST
START_TEST(segments_cut_by_the_link)
{
	segments(LINK_CSUM_OUT | LINK_GSO_UDP, false, gso_cases[_i].size, gso_cases[_i].seg);
}
END_TEST
START_TEST(segments_with_checksum_offload_only)
{
	segments(LINK_CSUM_OUT, true, gso_cases[_i].size,
		 gso_cases[_i].seg > 1452 ? 1452 : gso_cases[_i].seg);
}
END_TEST

START_TEST(segments_over_loopback)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	s->rcvbuf = 10000000;
	ck_assert_int_eq(put_segments(c, &lo, 53, big, gso_cases[_i].size, gso_cases[_i].seg),
			 gso_cases[_i].size);
	expect_segments(s, gso_cases[_i].size, gso_cases[_i].seg);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(segments_received_whole)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);
	struct pkt *p;

	s->gro = true;
	ck_assert_int_eq(put_segments(c, &lo, 53, big, 5000, 1000), 5000);
	ck_assert_int_eq(dgram_receive(s, false, &p), 0);
	ck_assert_uint_eq(p->size, 5000);
	ck_assert_uint_eq(p->gso_size, 1000);
	pkt_free(p);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(segments_of_the_socket)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	c->gso_size = 100;
	ck_assert_int_eq(udp_put(c, &lo, 53, big, 250), 250);
	expect_segments(s, 250, 100);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(segments_refused)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(put_segments(c, &b, 53, big, 3000, 1473), -EMSGSIZE); /* one does not fit */
	ck_assert_int_eq(put_segments(c, &b, 53, big, 1300, 10), -EINVAL);     /* more than 128 */
	ck_assert_int_eq(put_segments(c, &b, 53, big, 1280, 10), 1280);
	dgram_close(c);
}
END_TEST

/* ---- corking ---- */

static s64 put_more(struct net_sock *sk, const struct ip_addr *dst, u32 port, const char *text, bool more)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, text, strlen(text));
	msg = msg_to(&m, dst, port);
	msg.more = more;
	return udp_send(sk, &msg);
}

START_TEST(more_gathers_one_datagram)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	ck_assert_int_eq(put_more(c, &lo, 53, "one ", true), 4);
	ck_assert_int_eq(put_more(c, &lo, 53, "two ", true), 4);
	expect_nothing(s);
	ck_assert_int_eq(put_more(c, &lo, 53, "three", false), 5);
	expect_datagram(s, "one two three");
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(cork_gathers_until_released)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &lo, 53), 0);
	c->udp_corked = true;
	ck_assert_int_eq(udp_put(c, NULL, 0, "one ", 4), 4);
	ck_assert_int_eq(udp_put(c, NULL, 0, "two", 3), 3);
	expect_nothing(s);
	c->udp_corked = false;
	ck_assert_int_eq(udp_flush(c), 0);
	expect_datagram(s, "one two");
	ck_assert_int_eq(udp_flush(c), 0);
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(corked_too_much)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, big, 65000);
	msg = msg_to(&m, &lo, 53);
	msg.more = true;
	ck_assert_int_eq(udp_send(c, &msg), 65000);
	mem_in(&m, big, 1000);
	msg.more = false;
	ck_assert_int_eq(udp_send(c, &msg), -EMSGSIZE);
	expect_nothing(s); /* as Linux: all is lost */
	ck_assert_int_eq(put_more(c, &lo, 53, "new", false), 3);
	expect_datagram(s, "new");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(closed_while_corked)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(put_more(c, &lo, 53, "one", true), 3);
	dgram_close(c);
	ck_assert_uint_eq(w.a->packets_live, 0);
}
END_TEST

/* ---- checksums ---- */

static const struct {
	u32 off;
	u8 value;
} bad_udp[] = {
    {4, 0xff} /* length past the end */, {5, 7} /* below the header */, {6, 0x99}, {8, 'z'}, {0, 9}};

START_TEST(bad_udp_dropped)
{
	struct world p;
	struct net_sock *s;
	struct build f;

	world_wire(&p);
	s = udp_bound(p.w, IP4_ANY, 53);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 53, "data", 4);
	b_finish(&f);
	f.b[f.l4 + bad_udp[_i].off] = bad_udp[_i].value;
	wire_in(&p, f.b, f.size);
	expect_nothing(s);
	wire_quiet(&p);
	ck_assert_uint_eq(p.w->mib[MIB_UdpInErrors], 1);
	dgram_close(s);
	world_end(&p);
}
END_TEST

START_TEST(udp_shorter_than_its_packet)
{
	struct world p;
	struct net_sock *s;
	struct build f;
	struct ip_addr src = ip_v4(IP_B), dst = ip_v4(IP_A);

	world_wire(&p);
	s = udp_bound(p.w, IP4_ANY, 53);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 53, "data and more", 13);
	b_finish(&f);
	put_be16(f.b + f.l4 + 4, 12);
	put_be16(f.b + f.l4 + 6, 0);
	csum_put_nonzero(f.b + f.l4 + 6,
			 csum_add(csum_pseudo(&src, &dst, PROTO_UDP, 12), f.b + f.l4, 12, false));
	wire_in(&p, f.b, f.size);
	expect_datagram(s, "data");
	dgram_close(s);
	world_end(&p);
}
END_TEST

START_TEST(checksum_of_zero_is_none)
{
	struct world p;
	struct net_sock *s;
	struct build f;

	world_wire(&p);
	know_peer(&p);
	s = udp_bound(p.w, IP4_ANY, 53);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 53, "data", 4);
	b_finish(&f);
	put_be16(f.b + f.l4 + 6, 0);
	wire_in(&p, f.b, f.size);
	expect_datagram(s, "data");
	s->no_check = true; /* SO_NO_CHECK */
	ck_assert_int_eq(udp_put(s, &b, 5, "x", 1), 1);
	ck_assert_uint_eq(get_be16(wire_must(&p)->bytes + 40), 0);
	dgram_close(s);
	world_end(&p);
}
END_TEST

/* A sum that comes out as 0 is sent as 0xffff, since 0 says "none". */
START_TEST(sum_of_zero_is_sent_as_ones)
{
	struct world p;
	struct net_sock *s;
	u32 found = 0;

	world_wire(&p);
	know_peer(&p);
	s = udp_bound(p.w, IP4_ANY, 53);
	for (u32 i = 0; i < 65536; i++) {
		u8 d[2] = {(u8)(i >> 8), (u8)i};
		u32 sum;
		wire_skip(&p);
		ck_assert_int_eq(udp_put(s, &b, 5, d, 2), 2);
		sum = get_be16(wire_must(&p)->bytes + 40);
		ck_assert_uint_ne(sum, 0);
		found += sum == 0xffff;
	}
	ck_assert_uint_eq(found, 1);
	wire_skip(&p);
	dgram_close(s);
	world_end(&p);
}
END_TEST

START_TEST(corrupted_never_arrives)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, false);
	u32 n = 0;

	ck_assert_int_eq(udp_put(c, &b, 53, "first", 5), 5);
	settle(&w);
	expect_datagram(s, "first");
	w.cable.side[0].corrupt_ppm = 1000000;
	for (u32 i = 0; i < 2000; i++) {
		ck_assert_int_eq(udp_put(c, &b, 53, "payload", 7), 7);
		settle(&w);
		while (1) {
			char buf[16];
			if (dgram_get(s, buf, sizeof(buf), NULL, NULL) < 0)
				break;
			ck_assert_mem_eq(buf, "payload", 7); /* the Ethernet header was hit */
			n++;
		}
	}
	ck_assert_uint_lt(n, 1000);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(udp_without_memory)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	for (s64 i = 0; i < 8; i++) {
		s64 r;
		w.fail_after = i;
		r = udp_put(c, &lo, 53, big, 3000);
		w.fail_after = -1;
		ck_assert(r == 3000 || r == -ENOBUFS);
		while (dgram_get(s, NULL, 0, NULL, NULL) > 0)
			;
	}
	ck_assert_uint_eq(w.a->packets_live, 0);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(interface_removed_under_a_socket)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &b, 53), 0);
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), 1);
	netif_remove(w.an);
	ck_assert_int_lt(udp_put(c, NULL, 0, "x", 1), 0);
	dgram_close(c);
}
END_TEST

TCase *case_udp_send(void)
{
	TCase *t = tcase_create("udp_send");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, segments_cut_in_software, 0, ARRAY_COUNT(gso_cases));
	tcase_add_loop_test(t, segments_cut_in_software6, 0, ARRAY_COUNT(gso_cases));
	tcase_add_loop_test(t, segments_cut_by_the_link, 0, ARRAY_COUNT(gso_cases));
	tcase_add_loop_test(t, segments_with_checksum_offload_only, 0, ARRAY_COUNT(gso_cases));
	tcase_add_loop_test(t, segments_over_loopback, 0, ARRAY_COUNT(gso_cases));
	tcase_add_test(t, segments_received_whole);
	tcase_add_test(t, segments_of_the_socket);
	tcase_add_test(t, segments_refused);
	tcase_add_test(t, more_gathers_one_datagram);
	tcase_add_test(t, cork_gathers_until_released);
	tcase_add_test(t, corked_too_much);
	tcase_add_test(t, closed_while_corked);
	tcase_add_loop_test(t, bad_udp_dropped, 0, ARRAY_COUNT(bad_udp));
	tcase_add_test(t, udp_shorter_than_its_packet);
	tcase_add_test(t, checksum_of_zero_is_none);
	tcase_add_test(t, sum_of_zero_is_sent_as_ones);
	tcase_add_test(t, corrupted_never_arrives);
	tcase_add_test(t, udp_without_memory);
	tcase_add_test(t, interface_removed_under_a_socket);
	return t;
}

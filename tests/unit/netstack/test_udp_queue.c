/* test_udp_queue.c: what waits in a UDP socket: limits, peeking, events; and datagrams to everybody. */
#include "tests/unit/netstack/udp_pair.h"

/* ---- queues ---- */

START_TEST(receive_buffer_is_a_limit)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);
	static u8 big[1000];
	u32 n = 0;

	s->rcvbuf = 20000;
	for (u32 i = 0; i < 100; i++)
		ck_assert_int_eq(udp_put(c, &lo, 53, big, sizeof(big)), sizeof(big));
	while (dgram_get(s, NULL, 0, NULL, NULL) == sizeof(big))
		n++;
	ck_assert_uint_ge(n, 5);
	ck_assert_uint_le(n, 20);
	ck_assert_uint_eq(s->drops, 100 - n);
	ck_assert_uint_eq(w.a->mib[MIB_UdpRcvbufErrors], 100 - n);
	ck_assert_uint_eq(s->queued, 0);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(one_datagram_fits_any_buffer)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	s->rcvbuf = 1;
	ck_assert_int_eq(udp_put(c, &lo, 53, "x", 1), 1);
	expect_datagram(s, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(peek_leaves_it)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);
	struct pkt *p;

	ck_assert_int_eq(udp_put(c, &lo, 53, "x", 1), 1);
	ck_assert_int_eq(dgram_receive(s, true, &p), 0);
	ck_assert_uint_eq(p->size, 1);
	expect_datagram(s, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(close_with_things_queued)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	for (u32 i = 0; i < 10; i++)
		ck_assert_int_eq(udp_put(c, &lo, 53, "x", 1), 1);
	dgram_close(s);
	dgram_close(c);
	ck_assert_uint_eq(w.a->packets_live, 0);
}
END_TEST

START_TEST(packet_knows_its_interface)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, false);
	struct pkt *p;

	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	ck_assert_int_eq(dgram_receive(s, false, &p), 0);
	ck_assert_uint_eq(p->ifindex, w.bn->index);
	ck_assert_uint_eq(p->ttl, 64);
	ck_assert(ip_eq(&p->dst, &b));
	ck_assert_uint_eq(p->stamp, w.now + 1700000000 * NSEC_PER_SEC);
	pkt_free(p);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

static u32 seen;
static void on_event(struct net_sock *sk, u32 ev)
{
	(void)sk;
	seen |= ev;
}

START_TEST(events)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	seen = 0;
	s->event = on_event;
	ck_assert_uint_eq(dgram_poll(s), SOCK_OUT);
	ck_assert_int_eq(udp_put(c, &lo, 53, "x", 1), 1);
	ck_assert_uint_eq(seen, SOCK_IN);
	ck_assert_uint_eq(dgram_poll(s), SOCK_OUT | SOCK_IN);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

/* ---- broadcast ---- */

START_TEST(broadcast_needs_permission)
{
	struct net_sock *c = udp_open(w.a, false);
	struct ip_addr all = a4("10.0.0.255"), every = a4("255.255.255.255"), lo_all = a4("127.255.255.255");

	ck_assert_int_eq(udp_put(c, &all, 53, "x", 1), -EACCES);
	ck_assert_int_eq(dgram_connect(c, &all, 53), -EACCES);
	ck_assert_int_eq(udp_put(c, &lo_all, 53, "x", 1), -EACCES);
	c->broadcast = true;
	ck_assert_int_eq(udp_put(c, &all, 53, "x", 1), 1);
	ck_assert_int_eq(put_if(c, &every, 53, w.an->index), 1);
	dgram_close(c);
}
END_TEST

START_TEST(broadcast_reaches_all_sockets_and_ourselves)
{
	struct net_sock *s1 = udp_open(w.b, false), *s2 = udp_open(w.b, false),
			*s0 = udp_bound(w.a, IP4_ANY, 53);
	struct net_sock *c = udp_open(w.a, false), *bound = udp_open(w.b, false);
	struct ip_addr all = a4("10.0.0.255");

	s1->ep.reuseaddr = s2->ep.reuseaddr = bound->ep.reuseaddr = true;
	ck_assert_int_eq(sock_bind(s1, &IP4_ANY, 53), 0);
	ck_assert_int_eq(sock_bind(s2, &IP4_ANY, 53), 0);
	ck_assert_int_eq(sock_bind(bound, &b, 53), 0);
	c->broadcast = true;
	ck_assert_int_eq(udp_put(c, &all, 53, "all", 3), 3);
	settle(&w);
	expect_datagram(s1, "all");
	expect_datagram(s2, "all");
	expect_datagram(s0, "all");
	expect_nothing(bound); /* bound to an address that it was not for */
	dgram_close(s0);
	dgram_close(s1);
	dgram_close(s2);
	dgram_close(bound);
	dgram_close(c);
}
END_TEST

START_TEST(limited_broadcast)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, false);
	struct ip_addr every = a4("255.255.255.255");

	c->broadcast = true;
	ck_assert_int_eq(udp_put(c, &every, 53, "x", 1), -ENETUNREACH);
	ck_assert_int_eq(put_if(c, &every, 53, w.an->index), 1);
	settle(&w);
	expect_datagram(s, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

/* As a DHCP client: no address yet, bound to the device. */
START_TEST(broadcast_without_an_address)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 67), *c = udp_open(w.a, false);
	struct ip_addr every = a4("255.255.255.255"), from = b;

	ck_assert_int_eq(netif_addr_del(w.an, a, 24), 0);
	c->broadcast = true;
	c->ep.bound_if = w.an->index;
	ck_assert_int_eq(sock_bind(c, &IP4_ANY, 68), 0);
	ck_assert_int_eq(udp_put(c, &every, 67, "discover", 8), 8);
	settle(&w);
	{
		char buf[16];
		ck_assert_int_eq(dgram_get(s, buf, sizeof(buf), &from, NULL), 8);
		ck_assert(ip_is_any(&from));
	}
	s->broadcast = true;
	ck_assert_int_eq(put_if(s, &every, 68, w.bn->index), 1);
	settle(&w);
	expect_datagram(c, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(loopback_broadcast)
{
	struct net_sock *s = udp_bound(w.a, IP4_ANY, 53), *c = udp_open(w.a, false);
	struct ip_addr all = a4("127.255.255.255");

	c->broadcast = true;
	ck_assert_int_eq(udp_put(c, &all, 53, "x", 1), 1);
	expect_datagram(s, "x");
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

TCase *case_udp_queue(void)
{
	TCase *t = tcase_create("udp_queue");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, receive_buffer_is_a_limit);
	tcase_add_test(t, one_datagram_fits_any_buffer);
	tcase_add_test(t, peek_leaves_it);
	tcase_add_test(t, close_with_things_queued);
	tcase_add_test(t, packet_knows_its_interface);
	tcase_add_test(t, events);
	tcase_add_test(t, broadcast_needs_permission);
	tcase_add_test(t, broadcast_reaches_all_sockets_and_ourselves);
	tcase_add_test(t, limited_broadcast);
	tcase_add_test(t, broadcast_without_an_address);
	tcase_add_test(t, loopback_broadcast);
	return t;
}

/* test_basic.c: whole ways through the stack: loopback, two instances on a cable, ping. */
#include <errno.h>

#include "tests/unit/netstack/fixture.h"

START_TEST(udp_over_loopback)
{
	struct world w;
	struct net_sock *s, *c;
	struct ip_addr lo = a4("127.0.0.1"), from;
	u16 port;
	char buf[16];

	world_init(&w);
	w.a = world_stack(&w, 0);
	s = udp_bound(w.a, lo, 53);
	c = udp_open(w.a, false);
	ck_assert_int_eq(udp_put(c, &lo, 53, "hello", 5), 5);
	ck_assert_int_eq(dgram_get(s, buf, sizeof(buf), &from, &port), 5);
	ck_assert_mem_eq(buf, "hello", 5);
	ck_assert(ip_eq(&from, &lo));
	ck_assert_int_eq(port, c->ep.lport);
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
	world_end(&w);
}
END_TEST

START_TEST(udp6_over_loopback)
{
	struct world w;
	struct net_sock *s, *c;
	struct ip_addr lo = a6("::1");

	world_init(&w);
	w.a = world_stack(&w, 0);
	s = udp_bound(w.a, lo, 53);
	c = udp_open(w.a, true);
	ck_assert_int_eq(udp_put(c, &lo, 53, "hello", 5), 5);
	expect_datagram(s, "hello");
	dgram_close(s);
	dgram_close(c);
	world_end(&w);
}
END_TEST

/* The first datagram waits for ARP; the answer finds the neighbour known. */
START_TEST(udp_between_two)
{
	struct world w;
	struct net_sock *s, *c;
	struct ip_addr dst = ip_v4(IP_B), back = ip_v4(IP_A);

	world_pair(&w);
	s = udp_bound(w.b, IP4_ANY, 53);
	c = udp_bound(w.a, IP4_ANY, 1000);
	ck_assert_int_eq(udp_put(c, &dst, 53, "ask", 3), 3);
	settle(&w);
	expect_datagram(s, "ask");
	ck_assert_int_eq(udp_put(s, &back, 1000, "answer", 6), 6);
	settle(&w);
	expect_datagram(c, "answer");
	dgram_close(s);
	dgram_close(c);
	world_end(&w);
}
END_TEST

START_TEST(udp6_between_two)
{
	struct world w;
	struct net_sock *s, *c;
	struct ip_addr dst = a6("fd00::2"), back = a6("fd00::1");

	world_pair(&w);
	s = udp_bound(w.b, IP6_ANY, 53);
	c = udp_bound(w.a, IP6_ANY, 1000);
	ck_assert_int_eq(udp_put(c, &dst, 53, "ask", 3), 3);
	settle(&w);
	expect_datagram(s, "ask");
	ck_assert_int_eq(udp_put(s, &back, 1000, "answer", 6), 6);
	settle(&w);
	expect_datagram(c, "answer");
	dgram_close(s);
	dgram_close(c);
	world_end(&w);
}
END_TEST

static void ping(bool v6)
{
	struct world w;
	struct net_sock *sk = NULL;
	struct ip_addr dst = v6 ? a6("fd00::2") : ip_v4(IP_B);
	struct mem_iter m;
	struct dgram_msg msg;
	u8 echo[12] = {v6 ? 128 : 8, 0, 0, 0, 0, 0, 0, 7, 'd', 'a', 't', 'a'}, got[12];

	world_pair(&w);
	ck_assert_int_eq(raw_new(w.a, v6, v6 ? PROTO_ICMPV6 : PROTO_ICMP, true, &sk), 0);
	mem_in(&m, echo, sizeof(echo));
	msg = msg_to(&m, &dst, 0);
	ck_assert_int_eq(raw_send(sk, &msg), sizeof(echo));
	settle(&w);
	ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), 12);
	ck_assert_int_eq(got[0], v6 ? 129 : 0);
	ck_assert_int_eq(get_be16(got + 4), sk->ep.lport);
	ck_assert_int_eq(get_be16(got + 6), 7);
	ck_assert_mem_eq(got + 8, "data", 4);
	dgram_close(sk);
	world_end(&w);
}

START_TEST(ping_is_answered)
{
	ping(false);
}
END_TEST

START_TEST(ping6_is_answered)
{
	ping(true);
}
END_TEST

TCase *case_basic(void)
{
	TCase *t = tcase_create("basic");

	tcase_add_test(t, udp_over_loopback);
	tcase_add_test(t, udp6_over_loopback);
	tcase_add_test(t, udp_between_two);
	tcase_add_test(t, udp6_between_two);
	tcase_add_test(t, ping_is_answered);
	tcase_add_test(t, ping6_is_answered);
	return t;
}

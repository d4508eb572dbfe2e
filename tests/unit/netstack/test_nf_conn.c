/* test_nf_conn.c: connections that are tracked, and translation. */
#include "tests/unit/netstack/nf_world.h"

/* ---- connections ---- */

static void state_rule(u32 states)
{
	struct xt_conntrack_info m = {.match = XT_CT_STATE, .state_mask = (u16)states};

	tb_rule(&t);
	tb_match(&t, "conntrack", 3, &m, sizeof(m));
}

START_TEST(answers_are_established)
{
	struct net_sock *u = udp_bound(w.b, b, 53), *c = udp_bound(w.a, a, 1000), *x = udp_open(w.b, false);

	filter_input(false);
	state_rule(XT_STATE_ESTABLISHED | XT_STATE_RELATED);
	tb_verdict(&t, XT_ACCEPT);
	ck_assert_int_eq(finish_input(w.a, XT_DROP), 0);
	say(x, a, 1000, "stranger");
	expect_nothing(c);
	say(c, b, 53, "question");
	expect_datagram(u, "question");
	say(u, a, 1000, "answer");
	expect_datagram(c, "answer");
	say(x, a, 1000, "stranger");
	expect_nothing(c);
	ck_assert_uint_eq(nf_conn_count(w.a), 1);
	/* after its time it is a stranger too */
	run_for(&w, 200000 * MS);
	ck_assert_uint_eq(nf_conn_count(w.a), 0);
	say(u, a, 1000, "late");
	expect_nothing(c);
	dgram_close(u);
	dgram_close(c);
	dgram_close(x);
}
END_TEST

START_TEST(errors_are_related)
{
	struct net_sock *c = udp_bound(w.a, a, 1000);

	c->recverr = true;
	ck_assert_int_eq(dgram_connect(c, &b, 7), 0);
	filter_input(false);
	state_rule(XT_STATE_RELATED);
	tb_verdict(&t, XT_ACCEPT);
	ck_assert_int_eq(finish_input(w.a, XT_DROP), 0);
	say(c, b, 7, "x");
	run_for(&w, 10 * MS);
	ck_assert_int_eq(c->error, ECONNREFUSED);
	dgram_close(c);
}
END_TEST

static void count_one(const struct nf_conn *c, void *arg)
{
	(*(u32 *)arg)++;
}

START_TEST(connections_are_limited)
{
	struct net_sock *c = udp_open(w.a, false), *d = udp_open(w.a, false);
	u32 seen = 0;

	nat_hook(false, H_PRE);
	ck_assert_int_eq(finish_nat(w.a, H_PRE), 0);
	for (u32 i = 0; i < nf_conn_max() + 500; i++) {
		ck_assert_int_eq(udp_put(i < 65535 ? c : d, &b, 1 + i % 65535, "x", 1), 1);
		if (i % 1000 == 0)
			settle(&w);
		if (i > 65000)
			ck_assert_uint_le(nf_conn_count(w.a), nf_conn_max());
	}
	settle(&w);
	nf_conn_walk(w.a, count_one, &seen);
	ck_assert_uint_gt(seen, 60000);
	run_for(&w, 60000 * MS);
	ck_assert_uint_eq(nf_conn_count(w.a), 0);
	dgram_close(c);
	dgram_close(d);
}
END_TEST

/* ---- translation ---- */

START_TEST(redirect_and_its_answers)
{
	struct net_sock *u = udp_bound(w.b, IP4_ANY, 5353), *c = udp_bound(w.a, a, 1000);
	struct ip_addr from;
	u16 port;
	char buf[16];

	nat_hook(false, H_PRE);
	tb_rule(&t);
	tb_ports(&t, false, 53);
	nat4("REDIRECT", XT_NAT_PORTS, 0, 5353);
	ck_assert_int_eq(finish_nat(w.b, H_PRE), 0);
	say(c, b, 53, "question");
	ck_assert_int_eq(dgram_get(u, buf, sizeof(buf), &from, &port), 8);
	ck_assert(ip_eq(&from, &a) && port == 1000);
	say(u, a, 1000, "answer");
	ck_assert_int_eq(dgram_get(c, buf, sizeof(buf), &from, &port), 6);
	ck_assert(ip_eq(&from, &b));
	ck_assert_uint_eq(port, 53);
	/* what does not match goes its way */
	say(c, b, 5353, "direct");
	expect_datagram(u, "direct");
	dgram_close(u);
	dgram_close(c);
}
END_TEST

START_TEST(dnat_on_the_way_out)
{
	struct ip_addr far = ip_v4(0xc6336407);
	struct net_sock *u = udp_bound(w.b, IP4_ANY, 8080), *c = udp_open(w.a, false);
	struct net_route r = {.dst = IP4_ANY,
			      .gateway = b,
			      .source = IP4_ANY,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .protocol = RTPROTO_STATIC,
			      .nif = w.an,
			      .expires = TIME_NEVER};
	struct ip_addr from;
	u16 port;
	char buf[16];

	ck_assert_int_eq(net_route_add(w.a, &r), 0);
	nat_hook(false, H_OUT);
	tb_rule(&t);
	tb_ports(&t, false, 80);
	nat4("DNAT", XT_NAT_IPS | XT_NAT_PORTS, IP_B, 8080);
	ck_assert_int_eq(finish_nat(w.a, H_OUT), 0);
	say(c, far, 80, "question");
	ck_assert_int_eq(dgram_get(u, buf, sizeof(buf), &from, &port), 8);
	ck_assert(ip_eq(&from, &a));
	say(u, from, port, "answer");
	ck_assert_int_eq(dgram_get(c, buf, sizeof(buf), &from, &port), 6);
	ck_assert(ip_eq(&from, &far));
	ck_assert_uint_eq(port, 80);
	dgram_close(u);
	dgram_close(c);
}
END_TEST

START_TEST(redirect_to_ourselves_over_loopback)
{
	bool v6 = _i;
	struct ip_addr far = v6 ? a6("fd00::2") : b, from;
	struct net_sock *u, *c = udp_open(w.a, v6);
	struct xt_nat_info n = {.flags = XT_NAT_PORTS, .min_port = be16_of(5353), .max_port = be16_of(5353)};
	u16 port;
	char buf[16];

	ck_assert_int_eq(netif_set_up(w.a->lo, true), 0);
	/* one bound to no address would answer from another, on Linux as well */
	u = udp_bound(w.a, v6 ? IP6_LOOP : ip_v4(0x7f000001), 5353);
	nat_hook(v6, H_OUT);
	tb_rule(&t);
	tb_ports(&t, false, 53);
	if (v6)
		tb_ext(&t, "REDIRECT", 0, &n, 40);
	else
		nat4("REDIRECT", XT_NAT_PORTS, 0, 5353);
	ck_assert_int_eq(finish_nat(w.a, H_OUT), 0);
	say(c, far, 53, "question");
	ck_assert_int_eq(dgram_get(u, buf, sizeof(buf), &from, &port), 8);
	ck_assert_int_eq(udp_put(u, &from, port, "answer", 6), 6);
	settle(&w);
	ck_assert_int_eq(dgram_get(c, buf, sizeof(buf), &from, &port), 6);
	ck_assert(ip_eq(&from, &far));
	ck_assert_uint_eq(port, 53);
	ck_assert_uint_eq(nf_conn_count(w.a), 1);
	dgram_close(u);
	dgram_close(c);
}
END_TEST

START_TEST(masquerade_keeps_ports_apart)
{
	/* two sockets with the same port, two addresses; both become 10.0.0.1 */
	struct ip_addr second = ip_v4(0x0a000009), from[2];
	struct net_sock *u = udp_bound(w.b, b, 53), *c, *d;
	u16 port[2];
	char buf[16];

	ck_assert_int_eq(netif_addr_add(w.an, second, 32, IFA_PERMANENT), 0);
	c = udp_bound(w.a, a, 4000);
	d = udp_bound(w.a, second, 4000);
	nat_hook(false, H_POST);
	tb_rule(&t);
	nat4(_i ? "SNAT" : "MASQUERADE", _i ? XT_NAT_IPS : 0, _i ? IP_A : 0, 0);
	ck_assert_int_eq(finish_nat(w.a, H_POST), 0);
	say(c, b, 53, "one");
	say(d, b, 53, "two");
	ck_assert_int_eq(dgram_get(u, buf, sizeof(buf), &from[0], &port[0]), 3);
	ck_assert_int_eq(dgram_get(u, buf, sizeof(buf), &from[1], &port[1]), 3);
	ck_assert(ip_eq(&from[0], &a) && ip_eq(&from[1], &a));
	ck_assert_uint_eq(port[0], 4000);
	ck_assert_uint_ne(port[1], 4000);
	ck_assert_uint_ge(port[1], 1024);
	say(u, a, port[1], "to two");
	say(u, a, port[0], "to one");
	expect_datagram(c, "to one");
	expect_datagram(d, "to two");
	/* the device goes down: what was masqueraded behind it is forgotten */
	ck_assert_int_eq(netif_set_up(w.an, false), 0);
	ck_assert_uint_eq(nf_conn_count(w.a), _i ? 2 : 0);
	dgram_close(u);
	dgram_close(c);
	dgram_close(d);
}
END_TEST

START_TEST(errors_come_back_translated)
{
	struct ip_addr far = ip_v4(0xc6336407);
	struct net_sock *c = udp_open(w.a, false);
	struct net_route r = {.dst = IP4_ANY,
			      .gateway = b,
			      .source = IP4_ANY,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .protocol = RTPROTO_STATIC,
			      .nif = w.an,
			      .expires = TIME_NEVER};

	ck_assert_int_eq(net_route_add(w.a, &r), 0);
	nat_hook(false, H_OUT);
	tb_rule(&t);
	tb_ports(&t, false, 80);
	nat4("DNAT", XT_NAT_IPS | XT_NAT_PORTS, IP_B, 8080);
	ck_assert_int_eq(finish_nat(w.a, H_OUT), 0);
	ck_assert_int_eq(dgram_connect(c, &far, 80), 0);
	say(c, far, 80, "x"); /* nobody listens at 8080: port unreachable, about 10.0.0.2:8080 */
	run_for(&w, 10 * MS);
	ck_assert_int_eq(c->error, ECONNREFUSED);
	dgram_close(c);
}
END_TEST

START_TEST(fragments_are_filtered_whole)
{
	bool v6 = _i;
	struct ip_addr to = v6 ? a6("fd00::2") : b;
	struct net_sock *u = udp_bound(w.b, v6 ? IP6_ANY : IP4_ANY, 5353), *c = udp_open(w.a, v6);
	struct xt_nat_info n = {.flags = XT_NAT_PORTS, .min_port = be16_of(5353), .max_port = be16_of(5353)};
	static char big[6000];
	static char got[8000];

	memset(big, 'x', sizeof(big));
	nat_hook(v6, H_PRE);
	tb_rule(&t);
	tb_ports(&t, false, 53);
	if (v6)
		tb_ext(&t, "REDIRECT", 0, &n, 40);
	else
		nat4("REDIRECT", XT_NAT_PORTS, 0, 5353);
	ck_assert_int_eq(finish_nat(w.b, H_PRE), 0);
	nat_hook(v6, H_OUT); /* the sender tracks as well */
	ck_assert_int_eq(finish_nat(w.a, H_OUT), 0);
	ck_assert_int_eq(udp_put(c, &to, 53, big, sizeof(big)), sizeof(big));
	settle(&w);
	ck_assert_int_eq(dgram_get(u, got, sizeof(got), NULL, NULL), sizeof(big));
	ck_assert_mem_eq(got, big, sizeof(big));
	dgram_close(u);
	dgram_close(c);
}
END_TEST

TCase *case_nf_conn(void)
{
	TCase *c = tcase_create("nf_conn");

	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, answers_are_established);
	tcase_add_test(c, errors_are_related);
	tcase_add_test(c, connections_are_limited);
	tcase_add_test(c, redirect_and_its_answers);
	tcase_add_test(c, dnat_on_the_way_out);
	tcase_add_loop_test(c, redirect_to_ourselves_over_loopback, 0, 2);
	tcase_add_loop_test(c, masquerade_keeps_ports_apart, 0, 2);
	tcase_add_test(c, errors_come_back_translated);
	tcase_add_loop_test(c, fragments_are_filtered_whole, 0, 2);
	return c;
}

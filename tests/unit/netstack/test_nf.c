/* test_nf.c: packet filters: what rules do to packets. Tables themselves: test_nf_tables.c; connections:
 * test_nf_conn.c. */
#include "tests/unit/netstack/nf_world.h"

START_TEST(drop_and_policy)
{
	bool v6 = _i;
	struct ip_addr to = v6 ? a6("fd00::2") : b;
	struct net_sock *u = udp_bound(w.b, v6 ? IP6_ANY : IP4_ANY, 53),
			*v = udp_bound(w.b, v6 ? IP6_ANY : IP4_ANY, 54), *c = udp_open(w.a, v6);

	filter_input(v6);
	tb_rule(&t);
	tb_ports(&t, false, 53);
	tb_verdict(&t, XT_DROP);
	tb_rule(&t);
	tb_ports(&t, false, 55);
	tb_verdict(&t, XT_ACCEPT);
	ck_assert_int_eq(finish_input(w.b, XT_ACCEPT), 0);
	say(c, to, 53, "no");
	say(c, to, 54, "yes");
	expect_nothing(u);
	expect_datagram(v, "yes");
	ck_assert_uint_eq(counters(w.b, v6, "filter", 0).packets, 1);
	ck_assert_uint_eq(counters(w.b, v6, "filter", 1).packets, 0);
	dgram_close(u);
	dgram_close(v);
	dgram_close(c);
}
END_TEST

START_TEST(dropped_on_the_way_out_is_eperm)
{
	struct net_sock *c = udp_open(w.a, false);

	filter_input(false);
	filter_output(XT_ACCEPT);
	tb_rule(&t);
	tb_ports(&t, false, 53);
	tb_verdict(&t, XT_DROP);
	ck_assert_int_eq(finish_filter(w.a), 0);
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), -EPERM);
	ck_assert_int_eq(udp_put(c, &b, 54, "x", 1), 1);
	settle(&w);
	dgram_close(c);
}
END_TEST

START_TEST(chains_jump_return_and_goto)
{
	struct net_sock *u = udp_bound(w.b, b, 1), *c = udp_open(w.a, false);
	u32 jump;
	s32 chain;

	/* INPUT: jump mine; drop all of port 1 if it comes back. mine: port 2 is dropped, else falls off the
	 * end. */
	filter_input(false);
	jump = t.r.size + XT_IP4_ENTRY + sizeof(struct xt_ext_head);
	tb_rule(&t);
	if (_i)
		t.e[t.rule + 82] = XT4_F_GOTO;
	tb_verdict(&t, 0);
	tb_rule(&t);
	tb_ports(&t, false, 1);
	tb_verdict(&t, XT_DROP);
	filter_output(XT_ACCEPT);
	tb_policy(&t, H_OUT, XT_ACCEPT);
	tb_error(&t, "mine");
	chain = (s32)t.r.size;
	memcpy(t.e + jump, &chain, sizeof(chain));
	tb_rule(&t);
	tb_ports(&t, false, 2);
	tb_verdict(&t, XT_DROP);
	tb_rule(&t);
	tb_verdict(&t, XT_RETURN);
	tb_error(&t, "ERROR");
	ck_assert_int_eq(tb_commit(&t, w.b), 0);
	say(c, b, 1, "x");
	if (_i)
		expect_datagram(u, "x"); /* goto: it does not come back, the policy decides */
	else
		expect_nothing(u);
	dgram_close(u);
	dgram_close(c);
}
END_TEST

START_TEST(reject_says_so)
{
	static const u8 kinds4[] = {0, 1, 2, 3, 5, 6, 8}, codes4[] = {0, 1, 2, 3, 9, 10, 13};
	static const u8 kinds6[] = {0, 1, 2, 3, 4, 7, 8}, codes6[] = {0, 1, 2, 3, 4, 5, 6};
	bool v6 = _i >= 7;
	u32 with = v6 ? kinds6[_i - 7] : kinds4[_i];
	struct ip_addr to = v6 ? a6("fd00::2") : b;
	struct net_sock *c = udp_open(w.a, v6);
	struct sock_error *e;

	c->recverr = true;
	filter_input(v6);
	tb_rule(&t);
	tb_proto(&t, PROTO_UDP);
	tb_ext(&t, "REJECT", 0, &with, sizeof(with));
	ck_assert_int_eq(finish_input(w.b, XT_ACCEPT), 0);
	say(c, to, 53, "x");
	run_for(&w, 10 * MS);
	e = sock_next_error(c);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->type, v6 ? ICMP6_UNREACH : ICMP_UNREACH);
	ck_assert_uint_eq(e->code, v6 ? codes6[_i - 7] : codes4[_i]);
	sock_error_free(w.a, e);
	dgram_close(c);
}
END_TEST

START_TEST(owner_matches_the_socket)
{
	struct net_sock *c = udp_open(w.a, false), *d = udp_open(w.a, false);
	struct xt_owner_info o = {.uid_min = 1000, .uid_max = 1000, .match = XT_OWNER_UID};

	c->ep.uid = 1000;
	d->ep.uid = 1001;
	filter_input(false);
	filter_output(XT_ACCEPT);
	tb_rule(&t);
	tb_match(&t, "owner", 1, &o, sizeof(o));
	tb_verdict(&t, XT_DROP);
	ck_assert_int_eq(finish_filter(w.a), 0);
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), -EPERM);
	ck_assert_int_eq(udp_put(d, &b, 53, "x", 1), 1);
	settle(&w);
	dgram_close(c);
	dgram_close(d);
}
END_TEST

START_TEST(multiport)
{
	static const struct {
		u16 port;
		bool hit;
	} cases[] = {{53, true}, {52, false}, {100, true}, {150, true}, {200, true}, {201, false}};
	struct xt_multiport_info m = {.kind = XT_MULTIPORT_DST,
				      .count = 3,
				      .ports = {53, 100, 200},
				      .range = {0, 1, 0},
				      .invert = (u8)_i};
	struct net_sock *c = udp_open(w.a, false);

	filter_input(false);
	filter_output(XT_ACCEPT);
	tb_rule(&t);
	tb_proto(&t, PROTO_UDP);
	tb_match(&t, "multiport", 1, &m, sizeof(m));
	tb_verdict(&t, XT_DROP);
	ck_assert_int_eq(finish_filter(w.a), 0);
	for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
		ck_assert_int_eq(udp_put(c, &b, cases[i].port, "x", 1), cases[i].hit != !!_i ? -EPERM : 1);
	settle(&w);
	dgram_close(c);
}
END_TEST

START_TEST(interfaces_and_addresses)
{
	struct net_sock *u = udp_bound(w.b, IP4_ANY, 1), *c = udp_open(w.a, false);

	filter_input(false);
	tb_rule(&t); /* -i other */
	memcpy(t.e + t.rule + 16, "other", 6);
	memset(t.e + t.rule + 48, 0xff, 6);
	tb_verdict(&t, XT_DROP);
	tb_rule(&t); /* ! -s 10.0.0.0/24 */
	put_be32(t.e + t.rule, 0x0a000000);
	put_be32(t.e + t.rule + 8, 0xffffff00);
	t.e[t.rule + 83] = XT_INV_SRC;
	tb_verdict(&t, XT_DROP);
	tb_rule(&t); /* -i NAME -d 10.0.0.2 -p udp */
	memcpy(t.e + t.rule + 16, w.bn->name, strlen(w.bn->name) + 1);
	memset(t.e + t.rule + 48, 0xff, strlen(w.bn->name) + 1);
	put_be32(t.e + t.rule + 4, IP_B);
	put_be32(t.e + t.rule + 12, 0xffffffff);
	tb_proto(&t, PROTO_UDP);
	tb_verdict(&t, XT_ACCEPT);
	ck_assert_int_eq(finish_input(w.b, XT_DROP), 0);
	say(c, b, 1, "x");
	expect_datagram(u, "x");
	ck_assert_uint_eq(counters(w.b, false, "filter", 2).packets, 1);
	dgram_close(u);
	dgram_close(c);
}
END_TEST

START_TEST(limit_fills_again)
{
	struct xt_limit_info l = {.average = 10000, .burst = 3}; /* one a second */
	struct net_sock *u = udp_bound(w.b, b, 1), *c = udp_open(w.a, false);

	filter_input(false);
	tb_rule(&t);
	tb_match(&t, "limit", 0, &l, sizeof(l));
	tb_verdict(&t, XT_ACCEPT);
	ck_assert_int_eq(finish_input(w.b, XT_DROP), 0);
	for (int i = 0; i < 5; i++)
		say(c, b, 1, "x");
	for (int i = 0; i < 3; i++)
		expect_datagram(u, "x");
	expect_nothing(u);
	run_for(&w, 1100 * MS);
	say(c, b, 1, "y");
	say(c, b, 1, "y");
	expect_datagram(u, "y");
	expect_nothing(u);
	dgram_close(u);
	dgram_close(c);
}
END_TEST

TCase *case_nf(void)
{
	TCase *c = tcase_create("nf");

	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, drop_and_policy, 0, 2);
	tcase_add_test(c, dropped_on_the_way_out_is_eperm);
	tcase_add_loop_test(c, chains_jump_return_and_goto, 0, 2);
	tcase_add_loop_test(c, reject_says_so, 0, 14);
	tcase_add_test(c, owner_matches_the_socket);
	tcase_add_loop_test(c, multiport, 0, 2);
	tcase_add_test(c, interfaces_and_addresses);
	tcase_add_test(c, limit_fills_again);
	return c;
}

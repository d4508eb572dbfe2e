/* test_nf_tables.c: packet filters' tables as iptables reads and writes them, and those that are refused. */
#include "tests/unit/netstack/nf_world.h"

/* ---- tables ---- */

START_TEST(tables_come_when_asked_for)
{
	struct xt_getinfo info = {.name = "filter"};
	u8 entries[1024];

	ck_assert_ptr_null(w.a->nf);
	ck_assert_int_eq(nf_table_info(w.a, false, &info), 0);
	ck_assert_uint_eq(info.valid_hooks, FILTER_HOOKS);
	ck_assert_uint_eq(info.entry_count, 4);
	ck_assert_uint_eq(info.size, 3 * (112 + 40) + 112 + 64);
	ck_assert_uint_eq(info.hook_entry[H_OUT], 2 * (112 + 40));
	ck_assert_int_eq(nf_table_entries(w.a, false, "filter", entries, info.size), 0);
	ck_assert_int_eq(nf_table_entries(w.a, false, "filter", entries, info.size - 8), -EAGAIN);
	strcpy(info.name, "nat");
	ck_assert_int_eq(nf_table_info(w.a, true, &info), 0);
	ck_assert_uint_eq(info.entry_count, 5);
	ck_assert_uint_eq(info.size, 4 * (168 + 40) + 168 + 64);
	ck_assert_str_eq(nf_table_name(w.a, true, 0), "nat");
	ck_assert_ptr_null(nf_table_name(w.a, true, 1));
	for (u32 i = 0; i < 3; i++) {
		static const char *const names[] = {"raw", "mangle", ""};
		strcpy(info.name, names[i]);
		ck_assert_int_eq(nf_table_info(w.a, false, &info), -ENOENT);
	}
	ck_assert_ptr_null(w.b->nf);
}
END_TEST

START_TEST(what_was_written_is_read)
{
	u8 entries[2048];

	filter_input(false);
	tb_rule(&t);
	tb_ports(&t, false, 53);
	tb_verdict(&t, XT_DROP);
	ck_assert_int_eq(finish_input(w.a, XT_DROP), 0);
	ck_assert_int_eq(nf_table_entries(w.a, false, "filter", entries, t.r.size), 0);
	ck_assert_mem_eq(entries, t.e, 92); /* then "comefrom" */
	ck_assert_mem_eq(entries + 112, t.e + 112, 88);
}
END_TEST

START_TEST(counters_are_handed_over_and_added)
{
	struct xt_counters old[4], add[4] = {{1, 100}, {2, 200}, {3, 300}, {4, 400}};
	struct net_sock *u = udp_bound(w.b, b, 9), *c = udp_open(w.a, false);

	filter_input(false);
	ck_assert_int_eq(finish_input(w.b, XT_ACCEPT), 0);
	say(c, b, 9, "hello");
	expect_datagram(u, "hello");
	ck_assert_uint_eq(counters(w.b, false, "filter", 0).packets, 1);
	ck_assert_uint_eq(counters(w.b, false, "filter", 0).bytes, 20 + 8 + 5);
	ck_assert_int_eq(nf_table_add_counters(w.b, false, "filter", add, 4), 0);
	ck_assert_uint_eq(counters(w.b, false, "filter", 0).packets, 2);
	ck_assert_int_eq(nf_table_add_counters(w.b, false, "filter", add, 3), -EINVAL);
	t.r.counter_count = 4;
	ck_assert_int_eq(nf_table_replace(w.b, false, &t.r, t.e, old), 0);
	ck_assert_uint_eq(old[0].packets, 2);
	ck_assert_uint_eq(old[0].bytes, 133);
	ck_assert_uint_eq(old[3].bytes, 400);
	t.r.counter_count = 3;
	ck_assert_int_eq(nf_table_replace(w.b, false, &t.r, t.e, old), -EAGAIN);
	dgram_close(u);
	dgram_close(c);
}
END_TEST

START_TEST(revisions)
{
	ck_assert_int_eq(nf_revision(false, "conntrack", 3, false), 3);
	ck_assert_int_eq(nf_revision(false, "conntrack", 1, false), 3);
	ck_assert_int_eq(nf_revision(false, "conntrack", 4, false), -EPROTONOSUPPORT);
	ck_assert_int_eq(nf_revision(false, "icmp6", 0, false), -ENOENT);
	ck_assert_int_eq(nf_revision(true, "icmp6", 0, false), 0);
	ck_assert_int_eq(nf_revision(false, "nosuch", 0, false), -ENOENT);
	ck_assert_int_eq(nf_revision(false, "DNAT", 0, true), 2);
	ck_assert_int_eq(nf_revision(true, "DNAT", 0, true), -EPROTONOSUPPORT);
	ck_assert_int_eq(nf_revision(true, "tcp", 0, true), -ENOENT);
}
END_TEST

/* ---- tables that are refused ---- */

static void good(void)
{
	u32 with = 3;

	filter_input(false);
	tb_rule(&t);
	tb_ports(&t, false, 53);
	tb_verdict(&t, XT_DROP);
	tb_rule(&t);
	tb_proto(&t, PROTO_UDP);
	tb_ext(&t, "REJECT", 0, &with, sizeof(with));
	filter_output(XT_ACCEPT);
	tb_policy(&t, H_OUT, XT_ACCEPT);
	tb_error(&t, "mine");
	tb_rule(&t);
	tb_verdict(&t, XT_RETURN);
	tb_error(&t, "ERROR");
}

#define MATCH_AT  112 /* in the first rule of good() */
#define TARGET_AT (112 + 48)

START_TEST(bad_tables)
{
	static const struct {
		u32 at, size, value;
		int err;
	} cases[] = {
	    {88, 2, 0, -EINVAL},                     /* the target within the head */
	    {88, 2, 111, -EINVAL},                   /* likewise */
	    {88, 2, 0xffff, -EINVAL},                /* behind the entry */
	    {88, 2, 112, -ENOENT},                   /* a match as the target */
	    {90, 2, 0, -EINVAL},                     /* an entry of no size */
	    {90, 2, 8, -EINVAL},                     /* smaller than a head */
	    {90, 2, 0xfff8, -EINVAL},                /* larger than what is there */
	    {90, 2, 201, -EINVAL},                   /* not aligned */
	    {82, 1, 0xfc, -EINVAL},                  /* unknown flags */
	    {83, 1, 0x80, -EINVAL},                  /* unknown inversion */
	    {80, 2, 6, -EINVAL},                     /* udp's match with tcp */
	    {MATCH_AT, 2, 0, -EINVAL},               /* a match of no size */
	    {MATCH_AT, 2, 40, -EINVAL},              /* two matches, the second without a head */
	    {MATCH_AT, 2, 0xfff8, -EINVAL},          /* beyond the target */
	    {MATCH_AT + 2, 1, 'x', -ENOENT},         /* "xdp" */
	    {MATCH_AT + 31, 1, 7, -ENOENT},          /* a revision that is not there */
	    {MATCH_AT + 32 + 8, 1, 0xff, -EINVAL},   /* udp's unknown inversion */
	    {TARGET_AT, 2, 0, -EINVAL},              /* a target of no size */
	    {TARGET_AT, 2, 32, -EINVAL},             /* without a verdict */
	    {TARGET_AT, 2, 0xffff, -EINVAL},         /* beyond the entry */
	    {TARGET_AT + 2, 1, 'Z', -ENOENT},        /* "Z" */
	    {TARGET_AT + 32, 4, 4, -ELOOP},          /* a jump into the middle */
	    {TARGET_AT + 32, 4, 0, -EINVAL},         /* no verdict and no jump */
	    {TARGET_AT + 32, 4, 0x7fffffff, -ELOOP}, /* to nowhere */
	    {TARGET_AT + 32, 4, (u32)-3, -EINVAL},   /* no such verdict */
	    {TARGET_AT + 32, 4, (u32)-100, -EINVAL},
	};

	good();
	ck_assert_int_eq(tb_commit(&t, w.a), 0);
	good();
	if (cases[_i].size == 2)
		tb_u16(t.e + cases[_i].at, cases[_i].value);
	else
		memcpy(t.e + cases[_i].at, &cases[_i].value, cases[_i].size);
	ck_assert_int_eq(tb_commit(&t, w.a), cases[_i].err);
	good();
	ck_assert_int_eq(tb_commit(&t, w.a), 0);
}
END_TEST

START_TEST(bad_heads)
{
	good();
	t.r.hook_entry[H_IN] = 8;
	ck_assert_int_eq(tb_commit(&t, w.a), -EINVAL);
	good();
	t.r.underflow[H_IN] = 0; /* a rule with conditions */
	ck_assert_int_eq(tb_commit(&t, w.a), -EINVAL);
	good();
	t.r.entry_count++;
	ck_assert_int_eq(tb_commit(&t, w.a), -EINVAL);
	good();
	t.r.size -= 8;
	ck_assert_int_eq(tb_commit(&t, w.a), -EINVAL);
	good();
	t.r.size = 0;
	ck_assert_int_eq(tb_commit(&t, w.a), -EINVAL);
	good();
	t.r.valid_hooks = 1U << H_IN;
	ck_assert_int_eq(tb_commit(&t, w.a), -EINVAL);
	good();
	strcpy(t.r.name, "nosuch");
	ck_assert_int_eq(tb_commit(&t, w.a), -ENOENT);
}
END_TEST

START_TEST(targets_have_their_places)
{
	u32 reset = XT4_REJECT_RESET;

	/* REJECT in nat, REDIRECT in POSTROUTING, MASQUERADE in OUTPUT, DNAT in filter, a reset without TCP
	 */
	nat_hook(false, H_OUT);
	tb_rule(&t);
	tb_ext(&t, "REJECT", 0, &reset, 4);
	ck_assert_int_eq(finish_nat(w.a, H_OUT), -EINVAL);
	nat_hook(false, H_POST);
	tb_rule(&t);
	nat4("REDIRECT", 0, 0, 0);
	ck_assert_int_eq(finish_nat(w.a, H_POST), -EINVAL);
	nat_hook(false, H_OUT);
	tb_rule(&t);
	nat4("MASQUERADE", 0, 0, 0);
	ck_assert_int_eq(finish_nat(w.a, H_OUT), -EINVAL);
	filter_input(false);
	tb_rule(&t);
	nat4("DNAT", XT_NAT_IPS, IP_B, 0);
	ck_assert_int_eq(finish_input(w.a, XT_ACCEPT), -EINVAL);
	filter_input(false);
	tb_rule(&t);
	tb_ext(&t, "REJECT", 0, &reset, 4);
	ck_assert_int_eq(finish_input(w.a, XT_ACCEPT), -EINVAL);
	nat_hook(false, H_OUT);
	tb_rule(&t);
	{
		struct xt_nat4_info two = {.count = 2};
		tb_ext(&t, "DNAT", 0, &two, sizeof(two));
	}
	ck_assert_int_eq(finish_nat(w.a, H_OUT), -EINVAL);
}
END_TEST

static u64 next_random(u64 *s)
{
	*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
	return *s >> 33;
}

/* Any table that is taken can be run; nothing is left behind by one that is not. */
START_TEST(mutated_tables)
{
	struct net_sock *c = udp_open(w.a, false), *d = udp_open(w.b, false);
	u64 seed = 1 + (u64)_i;
	u32 taken = 0;

	for (int round = 0; round < 4000; round++) {
		good();
		for (u64 n = next_random(&seed) % 4; n < 4; n++) {
			u32 at = (u32)(next_random(&seed) % t.r.size);
			if (next_random(&seed) & 1)
				t.e[at] = (u8)next_random(&seed);
			else
				t.e[at] ^= (u8)(1U << next_random(&seed) % 8);
		}
		if (tb_commit(&t, w.a))
			continue;
		taken++;
		(void)!udp_put(c, &b, 53, "x", 1);
		(void)!udp_put(d, &a, 53, "x", 1);
		settle(&w);
	}
	ck_assert_uint_gt(taken, 100);
	dgram_close(c);
	dgram_close(d);
}
END_TEST

/* Memory fails at each step: an error, nothing left, the old table stays. */
START_TEST(without_memory)
{
	struct net_sock *u = udp_bound(w.b, b, 53), *c = udp_open(w.a, false);
	int err = -ENOMEM;

	ck_assert_int_eq(net_route_lookup(w.a, &b, &IP4_ANY, 0, &(struct net_path){0}), 0);
	for (s64 step = 0; err; step++) {
		ck_assert_int_lt(step, 50);
		nat_hook(false, H_OUT);
		tb_rule(&t);
		tb_ports(&t, false, 80);
		nat4("DNAT", XT_NAT_IPS | XT_NAT_PORTS, IP_B, 53);
		w.fail_after = step;
		err = finish_nat(w.a, H_OUT);
		w.fail_after = -1;
		ck_assert(!err || err == -ENOMEM);
	}
	for (s64 step = 0; step < 12; step++) {
		w.fail_after = step;
		(void)!udp_put(c, &b, 80 + (u32)step % 2, "x", 1);
		w.fail_after = -1;
		settle(&w);
	}
	say(c, b, 80, "last");
	while (dgram_get(u, NULL, 0, NULL, NULL) >= 0)
		;
	dgram_close(u);
	dgram_close(c);
}
END_TEST

TCase *case_nf_tables(void)
{
	TCase *c = tcase_create("nf_tables");

	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, tables_come_when_asked_for);
	tcase_add_test(c, what_was_written_is_read);
	tcase_add_test(c, counters_are_handed_over_and_added);
	tcase_add_test(c, revisions);
	tcase_add_loop_test(c, bad_tables, 0, 26);
	tcase_add_test(c, bad_heads);
	tcase_add_test(c, targets_have_their_places);
	tcase_add_loop_test(c, mutated_tables, 0, 4);
	tcase_add_test(c, without_memory);
	return c;
}

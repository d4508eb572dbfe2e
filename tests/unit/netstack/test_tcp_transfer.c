/*
 * test_tcp_transfer.c - streams over loopback and over an unharmed cable.
 */
#include <stdio.h>

#include "tests/unit/netstack/tcp_flow.h"

#define MIB_ (1U << 20)

START_TEST(loopback_one_mib)
{
	struct world w;
	struct flow f;

	world_init(&w);
	w.a = world_stack(&w, 0);
	flow_open(&f, &w, w.a, w.a, a4("127.0.0.1"), 80);
	flow_run(&f, MIB_, 0, 10 * NSEC_PER_SEC);
	flow_close(&f);
	flow_drained(&w);
	world_end(&w);
}
END_TEST

START_TEST(loopback_both_ways_v6)
{
	struct world w;
	struct flow f;

	world_init(&w);
	w.a = world_stack(&w, 0);
	flow_open(&f, &w, w.a, w.a, a6("::1"), 80);
	flow_run(&f, 8 * MIB_, 8 * MIB_, 10 * NSEC_PER_SEC);
	flow_close(&f);
	flow_drained(&w);
	world_end(&w);
}
END_TEST

START_TEST(cable_one_mib)
{
	struct world w;
	struct flow f;

	world_pair(&w);
	flow_open(&f, &w, w.a, w.b, a4("10.0.0.2"), 80);
	flow_run(&f, MIB_, 0, 10 * NSEC_PER_SEC);
	flow_close(&f);
	flow_drained(&w);
	world_end(&w);
}
END_TEST

START_TEST(cable_both_ways_v6_with_delay)
{
	struct world w;
	struct flow f;

	world_pair(&w);
	w.cable.side[0].delay_ns = w.cable.side[1].delay_ns = 5 * MS;
	flow_open(&f, &w, w.a, w.b, a6("fd00::2"), 80);
	flow_run(&f, 4 * MIB_, 4 * MIB_, 60 * NSEC_PER_SEC);
	flow_close(&f);
	flow_drained(&w);
	world_end(&w);
}
END_TEST

/* The link cuts segments itself: 64 KiB at once. */
START_TEST(cable_with_offloads)
{
	struct world w;
	struct flow f;

	world_pair_with(&w, 1500, LINK_CSUM_OUT | LINK_GSO_TCP4 | LINK_GSO_TCP6);
	w.cable.side[0].delay_ns = w.cable.side[1].delay_ns = MS;
	flow_open(&f, &w, w.a, w.b, a4("10.0.0.2"), 80);
	flow_run(&f, 16 * MIB_, 0, 60 * NSEC_PER_SEC);
	ck_assert_int_lt(w.cable.side[0].frames, 16 * MIB_ / 10000);
	flow_close(&f);
	flow_drained(&w);
	world_end(&w);
}
END_TEST

TCase *case_tcp_transfer(void)
{
	TCase *tc = tcase_create("tcp_transfer");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, loopback_one_mib);
	tcase_add_test(tc, loopback_both_ways_v6);
	tcase_add_test(tc, cable_one_mib);
	tcase_add_test(tc, cable_both_ways_v6_with_delay);
	tcase_add_test(tc, cable_with_offloads);
	return tc;
}

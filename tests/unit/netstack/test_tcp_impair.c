/*
 * test_tcp_impair.c - streams over a cable that loses, delays, reorders, doubles and corrupts, in virtual
 * time: the bytes arrive whole, and what they take is told (WARREN_REPORT=1 prints the table, WARREN_MB the
 * size, WARREN_SEED another seed for all, WARREN_CC=NAME leaves out the other congestion controls).
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/netstack/tcp_case.h"
#include "tests/unit/netstack/tcp_flow.h"

struct impair {
	const char *name;
	u64 delay_ms; /* of the round trip */
	u32 loss_ppm, reorder_ppm, duplicate_ppm, corrupt_ppm;
	u64 bits_per_sec;
	double least; /* Mbit/s, CUBIC with SACK: far below what is reached, but above what a broken repair
			 reaches */
};

static const struct impair impairs[] = {
    {"clean 10 ms", 10, 0, 0, 0, 0, 1700000000, 100},
    {"clean 50 ms", 50, 0, 0, 0, 0, 1700000000, 20},
    {"loss 1% 10 ms", 10, 10000, 0, 0, 0, 1700000000, 5},
    {"loss 5% 10 ms", 10, 50000, 0, 0, 0, 1700000000, 0.5},
    {"loss 1% 50 ms", 50, 10000, 0, 0, 0, 1700000000, 0.5},
    {"loss 5% 50 ms", 50, 50000, 0, 0, 0, 1700000000, 0.1},
    {"reorder 25% 10 ms", 10, 0, 250000, 0, 0, 1700000000, 20},
    {"duplicate 1% 10 ms", 10, 0, 0, 10000, 0, 1700000000, 100},
    {"corrupt 0.1% 10 ms", 10, 0, 0, 0, 1000, 1700000000, 20},
    {"all at once 10 ms", 10, 10000, 250000, 10000, 1000, 1700000000, 1},
};

static u64 megabytes(void)
{
	const char *s = getenv("WARREN_MB");

	return s ? strtoul(s, NULL, 10) : 4;
}

static double run_bytes(const struct impair *m, enum tcp_cc cc, bool sack, u64 seed, u64 bytes)
{
	const char *other = getenv("WARREN_SEED"), *only = getenv("WARREN_CC");
	struct world w;
	struct flow f;
	u64 took;

	if (only && strcmp(only, tcp_cc_table[cc]->name)) /* a report by hand */
		return m->least;
	world_pair(&w);
	w.a->config.tcp_congestion = w.b->config.tcp_congestion = (u8)cc;
	w.a->config.tcp_sack = sack;
	for (int i = 0; i < 2; i++)
		w.cable.side[i].delay_ns = m->delay_ms * MS / 2;
	w.cable.seed = other ? strtoul(other, NULL, 10) : seed;
	flow_open(&f, &w, w.a, w.b, a4("10.0.0.2"), 80);
	for (int i = 0; i < 2; i++) {
		struct memlink_side *s = &w.cable.side[i];
		s->loss_ppm = i ? 0 : m->loss_ppm;
		s->reorder_ppm = m->reorder_ppm;
		s->reorder_ns = MS;
		s->duplicate_ppm = m->duplicate_ppm;
		s->corrupt_ppm = m->corrupt_ppm;
		s->bits_per_sec = m->bits_per_sec;
		s->queue_limit = 5000;
	}
	took = flow_run(&f, bytes, 0, 100000 * NSEC_PER_SEC);
	if (getenv("WARREN_REPORT")) {
		struct tcp_info_linux i = get_info(f.client);
		printf("%-20s %-5s sack %d: %8.1f Mbit/s  retransmitted %llu of %llu KiB, timeouts %u, "
		       "dsacks %u\n",
		       m->name, tcp_cc_table[cc]->name, sack, mbit(bytes, took),
		       (unsigned long long)i.bytes_retrans >> 10, (unsigned long long)i.bytes_sent >> 10,
		       i.total_rto, i.dsack_dups);
		fflush(stdout);
	}
	flow_close(&f);
	for (int i = 0; i < 2; i++) {
		struct memlink_side *s = &w.cable.side[i];
		s->loss_ppm = s->reorder_ppm = s->duplicate_ppm = s->corrupt_ppm = 0;
	}
	flow_drained(&w);
	world_end(&w);
	return mbit(bytes, took);
}

static double run(const struct impair *m, enum tcp_cc cc, bool sack, u64 seed)
{
	return run_bytes(m, cc, sack, seed, megabytes() << 20);
}

START_TEST(cubic)
{
	const struct impair *m = &impairs[_i];

	ck_assert_msg(run(m, CC_CUBIC, true, 7) >= m->least, "%s", m->name);
}
END_TEST

START_TEST(reno)
{
	run(&impairs[_i], CC_RENO, true, 11);
}
END_TEST

START_TEST(bbr)
{
	const struct impair *m = &impairs[_i];

	ck_assert_msg(run(m, CC_BBR, true, 13) >= m->least, "%s", m->name);
}
END_TEST

START_TEST(cubic_without_sack)
{
	run(&impairs[_i], CC_CUBIC, false, 17);
}
END_TEST

START_TEST(bbr3)
{
	const struct impair *m = &impairs[_i];

	ck_assert_msg(run(m, CC_BBR3, true, 13) >= m->least, "%s", m->name);
}
END_TEST

#define SEEDS 4

/* What makes BBR worth its while: it does not take loss for congestion. */
START_TEST(bbr_does_not_mind_loss)
{
	double clean = run_bytes(&impairs[0], CC_BBR, true, 100 + (u64)_i, 20 << 20),
	       one = run_bytes(&impairs[2], CC_BBR, true, 200 + (u64)_i, 20 << 20),
	       five = run_bytes(&impairs[3], CC_BBR, true, 300 + (u64)_i, 20 << 20);

	ck_assert_msg(one > clean * 0.5, "1 %%: %.1f of %.1f Mbit/s", one, clean);
	ck_assert_msg(five > clean * 0.15, "5 %%: %.1f of %.1f Mbit/s", five, clean);
}
END_TEST

/* Version 3 does so up to 2 % in a probe; above, it gives way as its draft says, but not as far as CUBIC. */
START_TEST(bbr3_does_not_mind_less_than_its_threshold)
{
	double clean = run_bytes(&impairs[0], CC_BBR3, true, 100 + (u64)_i, 20 << 20),
	       one = run_bytes(&impairs[2], CC_BBR3, true, 200 + (u64)_i, 20 << 20),
	       five = run_bytes(&impairs[3], CC_BBR3, true, 300 + (u64)_i, 5 << 20),
	       loser = run_bytes(&impairs[3], CC_CUBIC, true, 300 + (u64)_i, 5 << 20);

	ck_assert_msg(one > clean * 0.15, "1 %%: %.1f of %.1f Mbit/s", one, clean);
	ck_assert_msg(five > loser * 1.2, "5 %%: %.1f Mbit/s, CUBIC %.1f", five, loser);
}
END_TEST

/* HyStart sees the queue grow, wherever the sequence numbers began. */
START_TEST(cubic_leaves_slow_start_in_time)
{
	struct impair m = {.name = "queue of 2000", .delay_ms = 10, .bits_per_sec = 500000000};
	struct world w;
	struct flow f;

	world_pair(&w);
	run_for(&w, (u64)_i * 1200 * NSEC_PER_SEC); /* initial numbers follow the clock */
	for (int i = 0; i < 2; i++)
		w.cable.side[i].delay_ns = m.delay_ms * MS / 2;
	flow_open(&f, &w, w.a, w.b, a4("10.0.0.2"), 80);
	w.cable.side[0].bits_per_sec = m.bits_per_sec;
	w.cable.side[0].queue_limit = 2000;
	flow_run(&f, 20 << 20, 0, 100 * NSEC_PER_SEC);
	ck_assert_int_eq(w.cable.side[0].dropped, 0);
	flow_close(&f);
	flow_drained(&w);
	world_end(&w);
}
END_TEST

/* One connection, data in both directions, losses in both: all arrives. (That neither side's data hides what
 * it has to tell of holes is shown in test_tcp_early.c.) */
START_TEST(data_both_ways_over_losses)
{
	struct world w;
	struct flow f;
	u64 took;

	world_pair(&w);
	w.a->config.tcp_congestion = w.b->config.tcp_congestion = CC_BBR;
	for (int i = 0; i < 2; i++)
		w.cable.side[i].delay_ns = 5 * MS;
	w.cable.seed = 400 + (u64)_i;
	flow_open(&f, &w, w.a, w.b, a4("10.0.0.2"), 80);
	for (int i = 0; i < 2; i++) {
		w.cable.side[i].loss_ppm = 10000;
		w.cable.side[i].bits_per_sec = 500000000;
		w.cable.side[i].queue_limit = 2000;
	}
	took = flow_run(&f, 20 << 20, 20 << 20, 1000 * NSEC_PER_SEC);
	if (getenv("WARREN_REPORT")) {
		struct tcp_info_linux i = get_info(f.client);
		printf("both ways, 1 %% each: %.1f Mbit/s, retransmitted %llu KiB, timeouts %u\n",
		       mbit(20 << 20, took), (unsigned long long)i.bytes_retrans >> 10, i.total_rto);
		fflush(stdout);
	}
	flow_close(&f);
	for (int i = 0; i < 2; i++)
		w.cable.side[i].loss_ppm = 0;
	flow_drained(&w);
	world_end(&w);
}
END_TEST

START_TEST(sack_is_worth_its_while)
{
	double with = run(&impairs[3], CC_CUBIC, true, 3), without = run(&impairs[3], CC_CUBIC, false, 3);

	ck_assert_msg(without < with, "%.1f with, %.1f without", with, without);
}
END_TEST

TCase *case_tcp_impair(void)
{
	TCase *tc = tcase_create("tcp_impair");

	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, cubic, 0, ARRAY_COUNT(impairs));
	tcase_add_loop_test(tc, reno, 0, ARRAY_COUNT(impairs));
	tcase_add_loop_test(tc, bbr, 0, ARRAY_COUNT(impairs));
	tcase_add_loop_test(tc, cubic_without_sack, 0, ARRAY_COUNT(impairs));
	tcase_add_loop_test(tc, bbr3, 0, ARRAY_COUNT(impairs));
	tcase_add_loop_test(tc, bbr_does_not_mind_loss, 0, SEEDS);
	tcase_add_loop_test(tc, bbr3_does_not_mind_less_than_its_threshold, 0, SEEDS);
	tcase_add_loop_test(tc, cubic_leaves_slow_start_in_time, 0, 8);
	tcase_add_loop_test(tc, data_both_ways_over_losses, 0, SEEDS);
	tcase_add_test(tc, sack_is_worth_its_while);
	return tc;
}

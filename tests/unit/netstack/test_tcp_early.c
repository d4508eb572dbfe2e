/*
 * test_tcp_early.c - segments that come early: order, SACK and DSACK blocks, and which of them are answered
 * at once.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/netstack/tcp_case.h"

#define OPTS "mss 1000"
#define SACK "mss 1000, sackOK"

/* The n-th segment of 1000 bytes, from 0. */
static void nth(struct tt *t, u32 n)
{
	char text[64];

	snprintf(text, sizeof(text), ". %u:%u(1000) ack 1", n * 1000 + 1, n * 1000 + 1001);
	in(t, text);
}

/* ---- order ---- */

TT(hole_is_answered_at_once)
{
	tt_passive(t, SACK, 65535);
	in(t, ". 1001:2001(1000) ack 1");
	out(t, ". 1:1(0) ack 1 <sack 1001:2001>");
	ck_assert_int_eq(get(t, 1), -EAGAIN);
	in(t, ". 1:1001(1000) ack 1");
	out(t, ". 1:1(0) ack 2001 <none>");
	expect_get(t, 2000);
}
TT_END

TT(hole_without_sack_gives_duplicate_acks)
{
	tt_passive(t, OPTS, 65535);
	for (u32 i = 1; i <= 3; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(1000) ack 1", i * 1000 + 1, i * 1000 + 1001);
		in(t, text);
		out(t, ". 1:1(0) ack 1 <none>");
	}
	in(t, ". 1:1001(1000) ack 1");
	out(t, ". 1:1(0) ack 4001");
}
TT_END

TT(latest_block_comes_first)
{
	tt_passive(t, SACK, 65535);
	in(t, ". 1001:2001(1000) ack 1");
	out(t, ". 1:1(0) ack 1 <sack 1001:2001>");
	in(t, ". 3001:4001(1000) ack 1");
	out(t, ". 1:1(0) ack 1 <sack 3001:4001 1001:2001>");
	in(t, ". 5001:6001(1000) ack 1");
	out(t, ". 1:1(0) ack 1 <sack 5001:6001 3001:4001 1001:2001>");
	in(t, ". 2001:3001(1000) ack 1");
	wait_ms(t, 1);
	out(t, ". 1:1(0) ack 1 <sack 1001:4001 5001:6001>");
	in(t, ". 1:1001(1000) ack 1");
	out(t, ". 1:1(0) ack 4001 <sack 5001:6001>");
	tt_tp(t)->quickacks = 0; /* those of the start */
	in(t, ". 4001:5001(1000) ack 1");
	out(t, ". 1:1(0) ack 6001 <none>");
	expect_get(t, 6000);
}
TT_END

TT(three_blocks_beside_timestamps)
{
	tt_passive(t, "mss 1000, sackOK, ts 1 0", 65535);
	for (u32 i = 1; i <= 4; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(100) ack 1", i * 200 + 1, i * 200 + 101);
		in(t, text);
	}
	for (int i = 0; i < 3; i++)
		take(t);
	wait_ms(t, 1);
	out(t, ". 1:1(0) ack 1 <ts * *, sack 801:901 601:701 401:501>");
}
TT_END

TT(four_blocks_without_timestamps)
{
	tt_passive(t, SACK, 65535);
	for (u32 i = 1; i <= 5; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(100) ack 1", i * 200 + 1, i * 200 + 101);
		in(t, text);
	}
	for (int i = 0; i < 4; i++)
		take(t);
	wait_ms(t, 1);
	out(t, ". 1:1(0) ack 1 <sack 1001:1101 801:901 601:701 401:501>");
}
TT_END

TT(duplicate_of_an_early_segment)
{
	tt_passive(t, SACK, 65535);
	in(t, ". 1001:2001(1000) ack 1");
	skip(t);
	in(t, ". 1001:2001(1000) ack 1");
	/* RFC 2883: the duplicate first, then the block it lies in */
	out(t, ". 1:1(0) ack 1 <sack 1001:2001 1001:2001>");
}
TT_END

TT(overlap_of_early_segments)
{
	tt_passive(t, SACK, 65535);
	in(t, ". 1001:2001(1000) ack 1");
	skip(t);
	in(t, ". 1501:2501(1000) ack 1");
	out(t, ". 1:1(0) ack 1 <sack 1501:2001 1001:2501>");
	in(t, ". 501:1501(1000) ack 1");
	out(t, ". 1:1(0) ack 1 <sack 1001:1501 501:2501>");
	in(t, ". 1:501(500) ack 1");
	out(t, ". 1:1(0) ack 2501");
	expect_get(t, 2500);
}
TT_END

TT(early_segment_swallows_others)
{
	tt_passive(t, SACK, 65535);
	in(t, ". 201:301(100) ack 1");
	in(t, ". 401:501(100) ack 1");
	skip(t);
	in(t, ". 101:601(500) ack 1");
	skip(t);
	in(t, ". 1:101(100) ack 1");
	out(t, ". 1:1(0) ack 601");
	expect_get(t, 600);
	ck_assert_int_eq(tt_tp(t)->ooo_size, 0);
}
TT_END

TT(hole_filled_by_a_longer_segment)
{
	tt_passive(t, SACK, 65535);
	in(t, ". 101:201(100) ack 1");
	skip(t);
	in(t, ". 1:301(300) ack 1");
	skip(t);
	ck_assert_int_eq(tcp_inq(t->s), 300);
	expect_get(t, 300);
	ck_assert(list_empty(&tt_tp(t)->ooo));
	ck_assert_int_eq(tt_tp(t)->sack_count, 0);
}
TT_END

TT(early_data_is_bounded_by_the_buffer)
{
	tt_listen(t, 5);
	tcp_set_rcvbuf(t->listener, 20000);
	tt_passive(t, SACK, 65535);
	for (u32 i = 1; i < 60; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(1000) ack 1", i * 1000 + 1, i * 1000 + 1001);
		in(t, text);
	}
	ck_assert_int_le(tt_tp(t)->ooo_size, 20000);
	skip(t);
}
TT_END

/* ---- answers held back ----
 *
 * The round trip is 100 ms, so a held answer waits for tcp_comp_sack_delay_ns, a millisecond. */

/* The first segment is missing, the three after it are answered each. */
static void hole(struct tt *t, const char *options)
{
	open_rtt(t, options);
	for (u32 i = 1; i <= 3; i++) {
		nth(t, i);
		out(t, ". 1:1(0) ack 1");
	}
}

TT(answers_after_the_third_go_together)
{
	u64 begin, before;

	hole(t, SACK);
	begin = t->w.now;
	before = mib_of(t->w.w, MIB_TCPAckCompressed);
	for (u32 i = 4; i <= 20; i++)
		nth(t, i);
	quiet(t);
	wait_ms(t, 5);
	out_after(t, ". 1:1(0) ack 1 <sack 1001:21001>", begin, 1, 0);
	quiet(t);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPAckCompressed) - before, 17);
}
TT_END

TT(answers_are_held_for_a_part_of_the_round_trip)
{
	u64 begin;

	tt_listen(t, 5);
	in(t, "S 0:0(0) <" SACK ">");
	out(t, "S. 0:0(0) ack 1");
	wait_ms(t, 10);
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	for (u32 i = 1; i <= 3; i++)
		nth(t, i);
	skip(t);
	nth(t, 4);
	quiet(t);
	begin = t->w.now;
	run_for(&t->w, 499000);
	quiet(t);
	run_for(&t->w, 2000);
	ck_assert_int_eq(take(t).at - begin, 500000);
}
TT_END

TT(no_more_are_held_than_allowed)
{
	hole(t, SACK);
	t->w.w->config.tcp_comp_sack_nr = 5;
	for (u32 i = 4; i < 9; i++)
		nth(t, i);
	quiet(t);
	nth(t, 9);
	out(t, ". 1:1(0) ack 1 <sack 1001:10001>");
	quiet(t);
}
TT_END

TT(none_is_held_when_switched_off)
{
	hole(t, SACK);
	t->w.w->config.tcp_comp_sack_nr = 0;
	nth(t, 4);
	out(t, ". 1:1(0) ack 1 <sack 1001:5001>");
	t->w.w->config.tcp_comp_sack_nr = 44;
	t->w.w->config.tcp_comp_sack_delay_ns = 0;
	nth(t, 5);
	out(t, ". 1:1(0) ack 1 <sack 1001:6001>");
}
TT_END

TT(none_is_held_without_sack)
{
	hole(t, OPTS);
	for (u32 i = 4; i < 10; i++) {
		nth(t, i);
		out(t, ". 1:1(0) ack 1 <none>");
	}
}
TT_END

TT(duplicate_is_told_at_once)
{
	hole(t, SACK);
	nth(t, 4);
	quiet(t);
	nth(t, 2);
	out(t, ". 1:1(0) ack 1 <sack 2001:3001 1001:5001>");
	wait_ms(t, 5);
	quiet(t);
}
TT_END

TT(block_is_told_before_another_takes_its_place)
{
	hole(t, SACK);
	nth(t, 5);
	nth(t, 7);
	nth(t, 9);
	quiet(t);
	nth(t, 11); /* the fifth */
	out(t, ". 1:1(0) ack 1 <sack 9001:10001 7001:8001 5001:6001 1001:4001>");
	quiet(t);
	wait_ms(t, 5);
	out(t, ". 1:1(0) ack 1 <sack 11001:12001 9001:10001 7001:8001 5001:6001>");
}
TT_END

TT(next_hole_has_three_of_its_own)
{
	hole(t, SACK);
	nth(t, 5);
	quiet(t);
	nth(t, 0);
	out(t, ". 1:1(0) ack 4001 <sack 5001:6001>");
	tt_tp(t)->quickacks = 0; /* those of the start */
	for (u32 i = 6; i <= 7; i++) {
		nth(t, i);
		out(t, ". 1:1(0) ack 4001");
	}
	nth(t, 8);
	out(t, ". 1:1(0) ack 4001");
	nth(t, 9);
	quiet(t);
	skip(t);
}
TT_END

TT(filled_hole_is_told_at_once)
{
	hole(t, SACK);
	nth(t, 4);
	quiet(t);
	nth(t, 0);
	out(t, ". 1:1(0) ack 5001 <none>");
	wait_ms(t, 5);
	quiet(t);
	expect_get(t, 5000);
}
TT_END

TT(data_of_ours_carries_a_held_answer)
{
	hole(t, SACK);
	nth(t, 4);
	quiet(t);
	expect_put(t, 100);
	out(t, "P. 1:101(100) ack 1 <sack 1001:5001>");
	wait_ms(t, 5);
	quiet(t);
}
TT_END

/* RFC 2018: blocks go with every ACK that does not acknowledge all that is here. */
TT(full_segment_has_no_room_for_blocks)
{
	hole(t, SACK);
	nth(t, 4);
	quiet(t);
	expect_put(t, 1000);
	out(t, "P. 1:1001(1000) ack 1 <none>");
	wait_ms(t, 5);
	out(t, ". 1001:1001(0) ack 1 <sack 1001:5001>");
	quiet(t);
}
TT_END

/* A duplicate comes with an ACK that opens our window: the data that goes then does not hide the DSACK. */
TT(duplicate_is_told_beside_full_segments)
{
	hole(t, SACK);
	expect_put(t, 20000);
	drain(t);
	in(t, ". 2001:3001(1000) ack 5001");
	for (u32 i = 0;; i++) {
		struct tseg s = take(t);
		if (!s.size) {
			ck_assert_int_eq(s.sack_count, 2);
			ck_assert_int_eq(s.sacks[0].end - s.sacks[0].start, 1000);
			break;
		}
		ck_assert_int_lt(i, 30);
	}
	drain(t);
}
TT_END

TT(end_of_the_stream_is_not_held)
{
	hole(t, SACK);
	nth(t, 4);
	quiet(t);
	in(t, "F. 5001:5001(0) ack 1");
	out(t, ". 1:1(0) ack 1 <sack 1001:5001>");
}
TT_END

CASE(case_tcp_early, "tcp_early", hole_is_answered_at_once, hole_without_sack_gives_duplicate_acks,
     latest_block_comes_first, three_blocks_beside_timestamps, four_blocks_without_timestamps,
     duplicate_of_an_early_segment, overlap_of_early_segments, early_segment_swallows_others,
     hole_filled_by_a_longer_segment, early_data_is_bounded_by_the_buffer,
     answers_after_the_third_go_together, answers_are_held_for_a_part_of_the_round_trip,
     no_more_are_held_than_allowed, none_is_held_when_switched_off, none_is_held_without_sack,
     duplicate_is_told_at_once, block_is_told_before_another_takes_its_place, next_hole_has_three_of_its_own,
     filled_hole_is_told_at_once, data_of_ours_carries_a_held_answer, full_segment_has_no_room_for_blocks,
     duplicate_is_told_beside_full_segments, end_of_the_stream_is_not_held)

/*
 * test_tcp_early.c - segments that come early: order, SACK and DSACK blocks, and what is told beside data.
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
		nth(t, i);
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
	out(t, ". 1:1(0) ack 1 <sack 1001:4001 5001:6001>");
	in(t, ". 1:1001(1000) ack 1");
	out(t, ". 1:1(0) ack 4001 <sack 5001:6001>");
	in(t, ". 4001:5001(1000) ack 1");
	out(t, ". 1:1(0) ack 6001 <none>");
	expect_get(t, 6000);
}
TT_END

/* So many segments with a hole before each; the answer to the last is left to be taken. */
static void blocks(struct tt *t, u32 n)
{
	for (u32 i = 1; i <= n; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(100) ack 1", i * 200 + 1, i * 200 + 101);
		in(t, text);
	}
	for (u32 i = 1; i < n; i++)
		take(t);
}

TT(three_blocks_beside_timestamps)
{
	tt_passive(t, "mss 1000, sackOK, ts 1 0", 65535);
	blocks(t, 4);
	out(t, ". 1:1(0) ack 1 <ts * *, sack 801:901 601:701 401:501>");
}
TT_END

TT(four_blocks_without_timestamps)
{
	tt_passive(t, SACK, 65535);
	blocks(t, 5);
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
	for (u32 i = 1; i < 60; i++)
		nth(t, i);
	ck_assert_int_le(tt_tp(t)->ooo_size, 20000);
	skip(t);
}
TT_END

/* ---- with data of ours ---- */

/* The first segment is missing. */
static void hole(struct tt *t)
{
	open_rtt(t, SACK);
	nth(t, 1);
	out(t, ". 1:1(0) ack 1 <sack 1001:2001>");
}

/* Ten segments are out, `more` bytes wait for the window. */
static void busy(struct tt *t, u32 more)
{
	hole(t);
	expect_put(t, 10000 + more);
	ck_assert_int_eq(drain(t), 10);
}

TT(small_data_carries_the_blocks)
{
	hole(t);
	expect_put(t, 100);
	out(t, "P. 1:101(100) ack 1 <sack 1001:2001>");
	wait_ms(t, 5);
	quiet(t);
}
TT_END

TT(full_segments_have_no_room_for_blocks)
{
	hole(t);
	expect_put(t, 1000);
	out(t, "P. 1:1001(1000) ack 1 <none>");
	quiet(t);
}
TT_END

/* RFC 2018: blocks go with every ACK that does not acknowledge all that is here. The segment opens our
 * window: the data that goes then does not hide what it told us. */
TT(blocks_make_the_next_segment_shorter)
{
	busy(t, 10000);
	in(t, ". 2001:3001(1000) ack 2001");
	out(t, ". 10001:10989(988) ack 1 <sack 1001:3001>");
	out(t, ". 10989:11989(1000) ack 1 <none>");
	skip(t);
}
TT_END

TT(duplicate_makes_the_next_segment_shorter)
{
	busy(t, 10000);
	in(t, ". 1001:2001(1000) ack 2001");
	out(t, ". 10001:10981(980) ack 1 <sack 1001:2001 1001:2001>");
	skip(t);
}
TT_END

TT(bare_ack_follows_the_last_full_segment)
{
	busy(t, 1000);
	in(t, ". 2001:3001(1000) ack 2001");
	out(t, "P. 10001:11001(1000) ack 1 <none>");
	out(t, ". 11001:11001(0) ack 1 <sack 1001:3001>");
	quiet(t);
}
TT_END

/* A segment that blocks made shorter is none that Nagle's algorithm waits for. */
TT(shorter_segment_is_not_small)
{
	busy(t, 2100);
	in(t, ". 2001:3001(1000) ack 4001");
	out(t, ". 10001:10989(988) ack 1 <sack 1001:3001>");
	out(t, ". 10989:11989(1000) ack 1 <none>");
	out(t, "P. 11989:12101(112) ack 1");
	quiet(t);
}
TT_END

CASE(case_tcp_early, "tcp_early", hole_is_answered_at_once, hole_without_sack_gives_duplicate_acks,
     latest_block_comes_first, three_blocks_beside_timestamps, four_blocks_without_timestamps,
     duplicate_of_an_early_segment, overlap_of_early_segments, early_segment_swallows_others,
     hole_filled_by_a_longer_segment, early_data_is_bounded_by_the_buffer, small_data_carries_the_blocks,
     full_segments_have_no_room_for_blocks, blocks_make_the_next_segment_shorter,
     duplicate_makes_the_next_segment_shorter, bare_ack_follows_the_last_full_segment,
     shorter_segment_is_not_small)

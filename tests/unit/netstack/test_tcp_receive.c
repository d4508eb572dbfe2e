/*
 * test_tcp_receive.c - the receiver: trimming, delayed ACKs, windows, urgent data, ECN, large frames.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/netstack/tcp_case.h"

#define OPTS "mss 1000"
#define SACK "mss 1000, sackOK"

/* After the quick ACKs of the start. */
static void slow(struct tt *t)
{
	tt_tp(t)->quickacks = 0;
	tt_tp(t)->bytes_received = tt_tp(t)->bytes_received ? tt_tp(t)->bytes_received : 1;
}

/* ---- in order ---- */

TT(data_is_read)
{
	tt_passive(t, OPTS, 65535);
	in(t, "P. 1:101(100) ack 1");
	ck_assert(t->events & SOCK_IN);
	ck_assert(tcp_poll(t->s) & SOCK_IN);
	ck_assert_int_eq(tcp_inq(t->s), 100);
	expect_get(t, 60);
	expect_get(t, 40);
	ck_assert_int_eq(get(t, 1), -EAGAIN);
	skip(t);
}
TT_END

TT(peek_does_not_take)
{
	u8 b[100];
	struct mem_iter m;

	tt_passive(t, OPTS, 65535);
	in(t, "P. 1:101(100) ack 1");
	for (u32 off = 0; off < 100; off += 30) {
		tt_iter(&m, b, 30);
		ck_assert_int_eq(tcp_receive(t->s, &m.it, true, off), off < 90 ? 30 : 10);
		ck_assert(pattern_is(b, off, off < 90 ? 30 : 10));
	}
	expect_get(t, 100);
	skip(t);
}
TT_END

TT(discard)
{
	tt_passive(t, OPTS, 65535);
	in(t, "P. 1:101(100) ack 1");
	ck_assert_int_eq(tcp_discard(t->s, 40), 40);
	t->got = 40;
	expect_get(t, 60);
	ck_assert_int_eq(tcp_discard(t->s, 40), -EAGAIN);
	skip(t);
}
TT_END

TT(lowat)
{
	tt_passive(t, OPTS, 65535);
	tcp_set_lowat(t->s, 50);
	t->events = 0;
	in(t, "P. 1:41(40) ack 1");
	ck_assert(!(t->events & SOCK_IN));
	ck_assert(!(tcp_poll(t->s) & SOCK_IN));
	in(t, "P. 41:51(10) ack 1");
	ck_assert(t->events & SOCK_IN);
	ck_assert(tcp_poll(t->s) & SOCK_IN);
	skip(t);
}
TT_END

TT(old_data_is_trimmed)
{
	tt_passive(t, SACK, 65535);
	in(t, "P. 1:101(100) ack 1");
	skip(t);
	in(t, "P. 51:151(100) ack 1");
	out(t, ". 1:1(0) ack 151 <sack 51:101>");
	expect_get(t, 150);
}
TT_END

TT(wholly_old_data_is_told)
{
	tt_passive(t, SACK, 65535);
	in(t, "P. 1:101(100) ack 1");
	skip(t);
	in(t, "P. 1:101(100) ack 1");
	out(t, ". 1:1(0) ack 101 <sack 1:101>");
	ck_assert_int_eq(tcp_inq(t->s), 100);
	/* only once */
	in(t, "P. 101:201(100) ack 1");
	out(t, ". 1:1(0) ack 201 <none>");
}
TT_END

TT(data_beyond_the_window_is_cut)
{
	tt_listen(t, 5);
	tcp_set_rcvbuf(t->listener, 6000);
	tt_passive(t, OPTS, 65535);
	in(t, ". 1:1001(1000) ack 1");
	in(t, ". 1001:2001(1000) ack 1");
	in(t, ". 2001:3001(1000) ack 1");
	skip(t);
	in(t, ". 3001:3501(500) ack 1");
	skip(t);
	ck_assert_int_eq(tcp_inq(t->s), 3000);
	expect_get(t, 3000);
	skip(t);
}
TT_END

/* ---- delayed ACKs ---- */

TT(first_segments_are_acknowledged_at_once)
{
	tt_passive(t, OPTS, 65535);
	in(t, ". 1:1001(1000) ack 1");
	out(t, ". 1:1(0) ack 1001");
	in(t, ". 1001:2001(1000) ack 1");
	out(t, ". 1:1(0) ack 2001");
}
TT_END

TT(single_segment_is_acknowledged_after_40_ms)
{
	u64 begin;

	tt_passive(t, OPTS, 65535);
	slow(t);
	begin = t->w.now;
	in(t, ". 1:1001(1000) ack 1");
	quiet(t);
	wait_ms(t, 200);
	out_after(t, ". 1:1(0) ack 1001", begin, 40, 1);
}
TT_END

TT(second_full_segment_is_acknowledged_at_once)
{
	tt_passive(t, OPTS, 65535);
	slow(t);
	in(t, ". 1:1001(1000) ack 1");
	quiet(t);
	in(t, ". 1001:2001(1000) ack 1");
	out(t, ". 1:1(0) ack 2001");
	wait_ms(t, 200);
	quiet(t);
}
TT_END

TT(quickack_option)
{
	tt_passive(t, OPTS, 65535);
	slow(t);
	set_opt(t->s, TCPO_QUICKACK, 1);
	in(t, ". 1:101(100) ack 1");
	out(t, ". 1:1(0) ack 101");
}
TT_END

TT(quickack_sends_what_is_due)
{
	tt_passive(t, OPTS, 65535);
	slow(t);
	in(t, ". 1:101(100) ack 1");
	quiet(t);
	set_opt(t->s, TCPO_QUICKACK, 1);
	out(t, ". 1:1(0) ack 101");
}
TT_END

TT(fin_is_acknowledged_at_once)
{
	tt_passive(t, OPTS, 65535);
	slow(t);
	in(t, "F. 1:101(100) ack 1");
	out(t, ". 1:1(0) ack 102");
}
TT_END

TT(answer_carries_the_ack)
{
	tt_passive(t, OPTS, 65535);
	slow(t);
	in(t, "P. 1:101(100) ack 1");
	expect_get(t, 100);
	expect_put(t, 200);
	out(t, "P. 1:201(200) ack 101");
	wait_ms(t, 100);
	quiet(t);
}
TT_END

/* ---- the window ---- */

TT(window_closes_and_opens)
{
	tt_listen(t, 5);
	tcp_set_rcvbuf(t->listener, 8000);
	tt_passive(t, OPTS, 65535);
	in(t, ". 1:1001(1000) ack 1");
	out(t, ". 1:1(0) ack 1001 win 3000");
	in(t, ". 1001:2001(1000) ack 1");
	out(t, ". 1:1(0) ack 2001 win 2000");
	in(t, ". 2001:3001(1000) ack 1");
	out(t, ". 1:1(0) ack 3001 win 1000");
	in(t, ". 3001:4001(1000) ack 1");
	out(t, ". 1:1(0) ack 4001 win 0");
	/* a probe of one byte is not taken */
	in(t, ". 4001:4002(1) ack 1");
	out(t, ". 1:1(0) ack 4001 win 0");
	expect_get(t, 500);
	quiet(t); /* less than a segment is not worth an update */
	expect_get(t, 3500);
	out(t, ". 1:1(0) ack 4001 win 4000");
}
TT_END

TT(right_edge_never_moves_back)
{
	u32 edge = 0;

	tt_listen(t, 5);
	tcp_set_rcvbuf(t->listener, 20000);
	tt_passive(t, OPTS, 65535);
	for (u32 i = 0; i < 30; i++) {
		char text[64];
		struct tseg s;
		snprintf(text, sizeof(text), ". %u:%u(300) ack 1", i * 300 + 1, i * 300 + 301);
		in(t, text);
		wait_ms(t, 50);
		while (take_any(t, &s)) {
			ck_assert_int_ge(s.ack + s.win, edge);
			edge = s.ack + s.win;
		}
	}
}
TT_END

TT(keepalive_probe_of_the_peer_is_answered)
{
	tt_passive(t, OPTS, 65535);
	in(t, ". 1:101(100) ack 1");
	skip(t);
	in(t, ". 100:100(0) ack 1");
	out(t, ". 1:1(0) ack 101");
}
TT_END

TT(window_clamp)
{
	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_WINDOW_CLAMP, 5000);
	in(t, ". 1:1001(1000) ack 1");
	expect_get(t, 1000);
	for (u32 i = 1; i < 70; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(1000) ack 1", i * 1000 + 1, i * 1000 + 1001);
		in(t, text);
		expect_get(t, 1000);
	}
	wait_ms(t, 100);
	ck_assert_int_le(get_info(t->s).rcv_wnd, 6000);
	skip(t);
}
TT_END

TT(receive_buffer_grows_with_a_fast_reader)
{
	u32 before, at = 1;

	tt_passive(t, "mss 1400, wscale 7, ts 1 0", 65535);
	before = t->s->rcvbuf;
	for (int round = 0; round < 12; round++) {
		/* a window of data each 10 ms */
		u32 edge = tt_tp(t)->rcv_adv - t->peer_isn;
		while (at + 1400 <= edge) {
			char text[64];
			snprintf(text, sizeof(text), ". %u:%u(1400) ack 1", at, at + 1400);
			in(t, text);
			at += 1400;
			expect_get(t, 1400);
			skip(t);
		}
		wait_ms(t, 10);
		skip(t);
	}
	ck_assert_int_gt(t->s->rcvbuf, 4 * before);
	ck_assert_int_le(t->s->rcvbuf, t->w.w->config.tcp_rmem[2]);
}
TT_END

TT(receive_buffer_does_not_grow_for_a_sleeping_reader)
{
	u32 before, at = 1;

	tt_passive(t, "mss 1400, wscale 7, ts 1 0", 65535);
	before = t->s->rcvbuf;
	for (int round = 0; round < 12; round++) {
		u32 edge = tt_tp(t)->rcv_adv - t->peer_isn;
		while (at + 1400 <= edge) {
			char text[64];
			snprintf(text, sizeof(text), ". %u:%u(1400) ack 1", at, at + 1400);
			in(t, text);
			at += 1400;
			skip(t);
		}
		wait_ms(t, 10);
		skip(t);
	}
	ck_assert_int_eq(t->s->rcvbuf, before);
}
TT_END

TT(set_receive_buffer_does_not_grow)
{
	u32 at = 1;

	tt_passive(t, "mss 1400, wscale 7, ts 1 0", 65535);
	tcp_set_rcvbuf(t->s, 100000);
	for (int round = 0; round < 12; round++) {
		u32 edge = tt_tp(t)->rcv_adv - t->peer_isn;
		while (at + 1400 <= edge) {
			char text[64];
			snprintf(text, sizeof(text), ". %u:%u(1400) ack 1", at, at + 1400);
			in(t, text);
			at += 1400;
			expect_get(t, 1400);
			skip(t);
		}
		wait_ms(t, 10);
		skip(t);
	}
	ck_assert_int_eq(t->s->rcvbuf, 100000);
}
TT_END

/* ---- urgent data ---- */

TT(urgent_byte_is_taken_out_of_the_stream)
{
	u8 b = 0;

	tt_passive(t, OPTS, 65535);
	t->events = 0;
	in(t, "UP. 1:11(10) ack 1 urg 5");
	ck_assert(t->events & SOCK_PRI);
	ck_assert(tcp_poll(t->s) & SOCK_PRI);
	expect_get(t, 4); /* up to the mark, also of more */
	ck_assert_int_eq(tcp_at_mark(t->s), true);
	ck_assert_int_eq(tcp_receive_oob(t->s, true, &b), 1);
	ck_assert_int_eq(tcp_receive_oob(t->s, false, &b), 1);
	ck_assert(pattern_is(&b, 4, 1));
	ck_assert_int_eq(tcp_receive_oob(t->s, false, &b), -EINVAL);
	t->got = 5;
	expect_get(t, 5);
	ck_assert_int_eq(tcp_at_mark(t->s), false);
	skip(t);
}
TT_END

TT(read_stops_at_the_mark)
{
	tt_passive(t, OPTS, 65535);
	in(t, "UP. 1:11(10) ack 1 urg 5");
	ck_assert_int_eq(get(t, 100), 4);
	t->got = 5;
	ck_assert_int_eq(get(t, 100), 5);
	skip(t);
}
TT_END

TT(urgent_byte_inline)
{
	u8 b;

	tt_passive(t, OPTS, 65535);
	tcp_set_oobinline(t->s, true);
	in(t, "UP. 1:11(10) ack 1 urg 5");
	ck_assert_int_eq(tcp_receive_oob(t->s, false, &b), -EINVAL);
	expect_get(t, 4);
	ck_assert_int_eq(tcp_at_mark(t->s), true);
	expect_get(t, 6);
	skip(t);
}
TT_END

TT(urgent_pointer_before_its_byte)
{
	u8 b;

	tt_passive(t, OPTS, 65535);
	in(t, "UP. 1:11(10) ack 1 urg 20");
	ck_assert(t->events & SOCK_PRI);
	ck_assert_int_eq(tcp_receive_oob(t->s, false, &b), -EAGAIN);
	in(t, "UP. 11:31(20) ack 1 urg 10");
	ck_assert_int_eq(tcp_receive_oob(t->s, false, &b), 1);
	ck_assert(pattern_is(&b, 19, 1));
	skip(t);
}
TT_END

TT(no_urgent_data)
{
	u8 b;

	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_receive_oob(t->s, false, &b), -EINVAL);
	ck_assert_int_eq(tcp_at_mark(t->s), false);
}
TT_END

/* ---- ECN (RFC 3168) ---- */

TT(ecn_is_answered_but_not_asked_for)
{
	tt_listen(t, 5);
	in(t, "SEC 0:0(0) <mss 1000>");
	out(t, "SE. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	ck_assert(get_info(t->s).options & TCPI_OPT_ECN);
	expect_put(t, 10);
	out(t, "P. 1:11(10) ack 1 ect0");
	tcp_close(t->s, true);
	t->s = NULL;
	skip(t);
	t->isn_known = false;
	tt_connect(t);
	out(t, "S 0:0(0)");
}
TT_END

TT(no_ecn_when_switched_off)
{
	t->w.w->config.tcp_ecn = 0;
	tt_listen(t, 5);
	in(t, "SEC 0:0(0) <mss 1000>");
	out(t, "S. 0:0(0) ack 1");
}
TT_END

TT(ce_is_echoed_until_cwr)
{
	tt_listen(t, 5);
	in(t, "SEC 0:0(0) <mss 1000>");
	out(t, "SE. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	in(t, ". 1:1001(1000) ack 1 ce");
	out(t, "E. 1:1(0) ack 1001");
	in(t, ". 1001:2001(1000) ack 1 ect0");
	out(t, "E. 1:1(0) ack 2001");
	in(t, "C. 2001:3001(1000) ack 1 ect0");
	out(t, ". 1:1(0) ack 3001");
}
TT_END

TT(ecn_of_our_own)
{
	t->w.w->config.tcp_ecn = 1;
	tt_connect(t);
	out(t, "SEC 0:0(0) not-ect");
	in(t, "SE. 0:0(0) ack 1 <mss 1000>");
	out(t, ". 1:1(0) ack 1 not-ect");
	expect_put(t, 5000);
	for (int i = 0; i < 4; i++)
		take(t);
	out(t, "P. 4001:5001(1000) ack 1 ect0");
	/* ECE halves once a round trip, and CWR says so */
	u32 before = tt_tp(t)->cwnd;
	in(t, "E. 1:1(0) ack 1001");
	in(t, "E. 1:1(0) ack 5001");
	ck_assert_int_le(tt_tp(t)->ssthresh, before * 7 / 10);
	ck_assert_int_ge(tt_tp(t)->ssthresh, before / 2);
	expect_put(t, 1000);
	out(t, "CP. 5001:6001(1000) ack 1 ect0");
}
TT_END

TT(retransmission_is_not_ect)
{
	t->w.w->config.tcp_ecn = 1;
	tt_connect(t);
	skip(t);
	in(t, "SE. 0:0(0) ack 1 <mss 1000>");
	skip(t);
	expect_put(t, 1000);
	out(t, "P. 1:1001(1000) ack 1 ect0");
	wait_ms(t, 1100);
	out(t, "P. 1:1001(1000) ack 1 not-ect");
}
TT_END

/* ---- frames of 64 KiB ---- */

/* A connection whose window is large, after 40,000 bytes. */
static void wide(struct tt *t)
{
	tt_listen(t, 10);
	tcp_set_rcvbuf(t->listener, 4 << 20);
	tt_passive(t, "mss 1000, wscale 7", 65535);
	in(t, "P. 1:40001(40000) ack 1");
	expect_get(t, 40000);
	drain(t);
	slow(t);
	ck_assert_int_gt(tt_tp(t)->rcv_adv - tt_tp(t)->rcv_nxt, 1 << 20);
	t->events = 0;
}

TT(large_frames_are_answered_together)
{
	wide(t);
	in(t, "P. 40001:90001(50000) ack 1");
	ck_assert(t->events & SOCK_IN);
	in(t, "P. 90001:140001(50000) ack 1");
	quiet(t);
	in(t, "P. 140001:190001(50000) ack 1");
	out(t, ". 1:1(0) ack 190001");
	quiet(t);
}
TT_END

TT(large_frame_alone_is_answered_soon)
{
	wide(t);
	in(t, "P. 40001:90001(50000) ack 1");
	quiet(t);
	wait_ms(t, 1);
	out(t, ". 1:1(0) ack 90001");
	quiet(t);
}
TT_END

TT(large_frame_after_a_hole_is_answered_at_once)
{
	wide(t);
	in(t, "P. 50001:90001(40000) ack 1");
	out(t, ". 1:1(0) ack 40001");
	in(t, "P. 40001:50001(10000) ack 1");
	out(t, ". 1:1(0) ack 90001");
	quiet(t);
}
TT_END

TT(user_is_told_of_the_end_of_a_large_write)
{
	wide(t);
	in(t, ". 40001:90001(50000) ack 1");
	ck_assert(!(t->events & SOCK_IN));
	ck_assert(tcp_poll(t->s) & SOCK_IN); /* but may have it */
	in(t, "P. 90001:140001(50000) ack 1");
	ck_assert(t->events & SOCK_IN);
	t->events = 0;
	wait_ms(t, 1);
	ck_assert(!(t->events & SOCK_IN));
	skip(t);
}
TT_END

TT(user_is_told_soon_of_a_write_without_end)
{
	wide(t);
	in(t, ". 40001:90001(50000) ack 1");
	ck_assert(!(t->events & SOCK_IN));
	wait_ms(t, 1);
	ck_assert(t->events & SOCK_IN);
	t->events = 0;
	in(t, ". 90001:140001(50000) ack 1");
	in(t, ". 140001:190001(50000) ack 1"); /* the second is enough */
	ck_assert(t->events & SOCK_IN);
	expect_get(t, 150000);
	t->events = 0;
	in(t, "F. 190001:240001(50000) ack 1");
	ck_assert(t->events & SOCK_IN);
	skip(t);
}
TT_END

CASE(case_tcp_receive, "tcp_receive", data_is_read, peek_does_not_take, discard, lowat, old_data_is_trimmed,
     wholly_old_data_is_told, data_beyond_the_window_is_cut,

     first_segments_are_acknowledged_at_once, single_segment_is_acknowledged_after_40_ms,
     second_full_segment_is_acknowledged_at_once, quickack_option, quickack_sends_what_is_due,
     fin_is_acknowledged_at_once, answer_carries_the_ack, window_closes_and_opens,
     right_edge_never_moves_back, keepalive_probe_of_the_peer_is_answered, window_clamp,
     receive_buffer_grows_with_a_fast_reader, receive_buffer_does_not_grow_for_a_sleeping_reader,
     set_receive_buffer_does_not_grow, urgent_byte_is_taken_out_of_the_stream, read_stops_at_the_mark,
     urgent_byte_inline, urgent_pointer_before_its_byte, no_urgent_data, ecn_is_answered_but_not_asked_for,
     no_ecn_when_switched_off, ce_is_echoed_until_cwr, ecn_of_our_own, retransmission_is_not_ect,
     large_frames_are_answered_together, large_frame_alone_is_answered_soon,
     large_frame_after_a_hole_is_answered_at_once, user_is_told_of_the_end_of_a_large_write,
     user_is_told_soon_of_a_write_without_end)

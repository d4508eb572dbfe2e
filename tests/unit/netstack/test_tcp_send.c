/*
 * test_tcp_send.c - the sender: windows, Nagle and CORK, silly windows, zero windows and probes, buffers,
 * urgent data.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/netstack/tcp_case.h"

#define OPTS "mss 1000"

/* ---- segments and the congestion window ---- */

TT(one_segment)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 500);
	out(t, "P. 1:501(500) ack 1");
	in(t, ". 1:1(0) ack 501");
	quiet(t);
	ck_assert_int_eq(tcp_outq(t->s), 0);
}
TT_END

TT(several_segments_push_only_the_last)
{
	struct tseg s;

	tt_passive(t, OPTS, 65535);
	expect_put(t, 2500);
	s = take(t);
	ck_assert(!(s.flags & TCP_PSH));
	s = take(t);
	ck_assert(!(s.flags & TCP_PSH));
	out(t, "P. 2001:2501(500) ack 1");
}
TT_END

TT(congestion_window_holds_data_back)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 16000);
	ck_assert_int_eq(drain(t), 10);
	in(t, ". 1:1(0) ack 2001");
	/* two acknowledged, and two more by slow start */
	ck_assert_int_eq(drain(t), 4);
}
TT_END

TT(peer_window_holds_data_back)
{
	tt_passive(t, OPTS, 3000);
	expect_put(t, 10000);
	out(t, ". 1:1001(1000) ack 1");
	out(t, ". 1001:2001(1000) ack 1");
	out(t, ". 2001:3001(1000) ack 1");
	quiet(t);
	in(t, ". 1:1(0) ack 1001 win 3000");
	out(t, ". 3001:4001(1000) ack 1");
	quiet(t);
}
TT_END

TT(window_opens_without_an_ack)
{
	tt_passive(t, OPTS, 2000);
	expect_put(t, 4000);
	out(t, ". 1:1001(1000) ack 1");
	out(t, ". 1001:2001(1000) ack 1");
	quiet(t);
	in(t, ". 1:1(0) ack 1 win 4000");
	out(t, ". 2001:3001(1000) ack 1");
	out(t, "P. 3001:4001(1000) ack 1");
}
TT_END

TT(old_window_update_does_not_shrink_the_window)
{
	tt_passive(t, OPTS, 5000);
	in(t, ". 1:11(10) ack 1 win 6000");
	skip(t);
	in(t, ". 1:1(0) ack 1 win 100");
	ck_assert_int_eq(tt_tp(t)->snd_wnd, 6000);
	skip(t);
}
TT_END

TT(shrunken_window)
{
	tt_passive(t, OPTS, 5000);
	expect_put(t, 8000);
	ck_assert_int_eq(drain(t), 5);
	in(t, ". 1:1(0) ack 1001 win 2000");
	quiet(t); /* 4000 are out, 2000 are allowed */
	in(t, ". 1:1(0) ack 4001 win 4000");
	ck_assert_int_eq(drain(t), 3);
}
TT_END

/* ---- Nagle, NODELAY, CORK, MSG_MORE ---- */

TT(nagle_holds_the_second_small_segment)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 10);
	out(t, "P. 1:11(10) ack 1");
	expect_put(t, 10);
	expect_put(t, 10);
	quiet(t);
	in(t, ". 1:1(0) ack 11");
	out(t, "P. 11:31(20) ack 1");
}
TT_END

TT(nagle_lets_full_segments_through)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 10);
	out(t, "P. 1:11(10) ack 1");
	expect_put(t, 1500);
	out(t, ". 11:1011(1000) ack 1");
	quiet(t);
	in(t, ". 1:1(0) ack 11");
	out(t, "P. 1011:1511(500) ack 1");
}
TT_END

/* Minshall: only a small segment in flight holds back, not a full one. */
TT(small_segment_after_full_ones_goes)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 2000);
	skip(t);
	expect_put(t, 10);
	out(t, "P. 2001:2011(10) ack 1");
}
TT_END

TT(nodelay)
{
	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_NODELAY, 1);
	for (int i = 0; i < 5; i++)
		expect_put(t, 10);
	ck_assert_int_eq(drain(t), 5);
}
TT_END

TT(nodelay_pushes_what_nagle_held)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 10);
	expect_put(t, 10);
	skip(t);
	set_opt(t->s, TCPO_NODELAY, 1);
	out(t, "P. 11:21(10) ack 1");
}
TT_END

TT(cork_sends_full_segments_only)
{
	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_CORK, 1);
	expect_put(t, 400);
	quiet(t);
	expect_put(t, 400);
	quiet(t);
	expect_put(t, 400);
	out(t, ". 1:1001(1000) ack 1");
	quiet(t);
	set_opt(t->s, TCPO_CORK, 0);
	out(t, "P. 1001:1201(200) ack 1");
}
TT_END

TT(cork_gives_in_after_200_ms)
{
	u64 begin;

	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_CORK, 1);
	begin = t->w.now;
	expect_put(t, 400);
	quiet(t);
	wait_ms(t, 1000);
	out_after(t, "P. 1:401(400) ack 1", begin, 200, 10);
}
TT_END

TT(more_holds_until_the_next_write)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(put_flags(t, 100, TCP_SEND_MORE), 100);
	quiet(t);
	expect_put(t, 100);
	out(t, "P. 1:201(200) ack 1");
}
TT_END

TT(cork_with_nodelay_still_holds)
{
	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_NODELAY, 1);
	set_opt(t->s, TCPO_CORK, 1);
	expect_put(t, 10);
	quiet(t);
	set_opt(t->s, TCPO_CORK, 0);
	out(t, "P. 1:11(10) ack 1");
}
TT_END

TT(shutdown_uncorks)
{
	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_CORK, 1);
	expect_put(t, 10);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "FP. 1:11(10) ack 1");
}
TT_END

/* ---- silly windows (RFC 1122, 4.2.3.4) ---- */

TT(small_window_is_not_used_at_once)
{
	tt_passive(t, OPTS, 8000);
	expect_put(t, 16000);
	ck_assert_int_eq(drain(t), 8);
	in(t, ". 1:1(0) ack 8001 win 100");
	quiet(t);
	/* half of the largest window is enough */
	in(t, ". 1:1(0) ack 8001 win 4000");
	ck_assert_int_eq(drain(t), 4);
}
TT_END

TT(small_window_is_used_when_the_timer_fires)
{
	tt_passive(t, OPTS, 8000);
	expect_put(t, 16000);
	ck_assert_int_eq(drain(t), 8);
	in(t, ". 1:1(0) ack 8001 win 100");
	quiet(t);
	wait_ms(t, 300);
	out(t, ". 8001:8101(100) ack 1");
}
TT_END

TT(always_small_window_is_used)
{
	tt_passive(t, OPTS, 1200);
	expect_put(t, 3000);
	/* segments of half of the largest window ever seen */
	out(t, ". 1:601(600) ack 1");
	out(t, ". 601:1201(600) ack 1");
	quiet(t);
	in(t, ". 1:1(0) ack 1201 win 1200");
	out(t, ". 1201:1801(600) ack 1");
	skip(t);
	/* and more once it has grown */
	in(t, ". 1:1(0) ack 2401 win 3000");
	out(t, "P. 2401:3001(600) ack 1");
	ck_assert_int_eq(tt_tp(t)->mss, 1000);
}
TT_END

/* ---- zero windows ---- */

TT(zero_window_is_probed)
{
	u64 begin;

	tt_passive(t, OPTS, 2000);
	expect_put(t, 4000);
	ck_assert_int_eq(drain(t), 2);
	in(t, ". 1:1(0) ack 2001 win 0");
	quiet(t);
	begin = t->w.now;
	/* probes carry an old number, and the pause doubles */
	wait_ms(t, 210);
	out_after(t, ". 2000:2000(0) ack 1", begin, 200, 5);
	wait_ms(t, 400);
	out_after(t, ". 2000:2000(0) ack 1", begin, 600, 10);
	wait_ms(t, 800);
	out_after(t, ". 2000:2000(0) ack 1", begin, 1400, 20);
	in(t, ". 1:1(0) ack 2001 win 5000");
	out(t, ". 2001:3001(1000) ack 1");
	out(t, "P. 3001:4001(1000) ack 1");
}
TT_END

TT(zero_window_for_hours)
{
	tt_passive(t, OPTS, 2000);
	expect_put(t, 4000);
	ck_assert_int_eq(drain(t), 2);
	in(t, ". 1:1(0) ack 2001 win 0");
	for (int i = 0; i < 360; i++) {
		wait_ms(t, 20000);
		if (drain(t))
			in(t, ". 1:1(0) ack 2001 win 0");
	}
	expect_state(t, TCPS_ESTABLISHED);
	in(t, ". 1:1(0) ack 2001 win 2000");
	ck_assert_int_eq(drain(t), 2);
}
TT_END

TT(zero_window_of_a_dead_peer_ends)
{
	tt_passive(t, OPTS, 2000);
	expect_put(t, 4000);
	skip(t);
	in(t, ". 1:1(0) ack 2001 win 0");
	for (int i = 0; i < 100 && tt_tp(t)->state == TCPS_ESTABLISHED; i++) {
		wait_ms(t, 60000);
		skip(t);
	}
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -ETIMEDOUT);
}
TT_END

TT(user_timeout_ends_a_zero_window)
{
	tt_passive(t, OPTS, 2000);
	set_opt(t->s, TCPO_USER_TIMEOUT, 3000);
	expect_put(t, 4000);
	skip(t);
	in(t, ". 1:1(0) ack 2001 win 0");
	for (int i = 0; i < 60 && tt_tp(t)->state == TCPS_ESTABLISHED; i++) {
		wait_ms(t, 100);
		if (drain(t))
			in(t, ". 1:1(0) ack 2001 win 0");
	}
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -ETIMEDOUT);
}
TT_END

TT(window_zero_from_the_start)
{
	tt_passive(t, OPTS, 0);
	expect_put(t, 10);
	quiet(t);
	wait_ms(t, 1100);
	ck_assert_int_ge(drain(t), 1);
	in(t, ". 1:1(0) ack 1 win 1000");
	out(t, "P. 1:11(10) ack 1");
}
TT_END

TT(lost_window_update_is_found_by_the_probe)
{
	tt_passive(t, OPTS, 2000);
	expect_put(t, 3000);
	skip(t);
	in(t, ". 1:1(0) ack 2001 win 0");
	wait_ms(t, 250);
	out(t, ". 2000:2000(0) ack 1");
	in(t, ". 1:1(0) ack 2001 win 2000");
	out(t, "P. 2001:3001(1000) ack 1");
}
TT_END

TT(fin_waits_for_the_window)
{
	tt_passive(t, OPTS, 2000);
	expect_put(t, 2000);
	skip(t);
	in(t, ". 1:1(0) ack 2001 win 0");
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	skip(t);
	in(t, ". 1:1(0) ack 2001 win 1000");
	wait_ms(t, 1);
	in(t, "F. 1:1(0) ack 2002 win 1000");
	ck_assert_int_eq(t->w.w->tw_count, 1);
	skip(t);
}
TT_END

/* ---- buffers ---- */

TT(send_buffer_fills)
{
	s64 n;

	tt_passive(t, OPTS, 65535);
	tcp_set_sndbuf(t->s, 20000);
	n = put(t, 100000);
	ck_assert_int_eq(n, 20000);
	ck_assert_int_eq(put(t, 1), -EAGAIN);
	ck_assert(!(tcp_poll(t->s) & SOCK_OUT));
	ck_assert_int_eq(drain(t), 10);
	t->events = 0;
	in(t, ". 1:1(0) ack 3001");
	ck_assert(!(t->events & SOCK_OUT)); /* a third must be free */
	in(t, ". 1:1(0) ack 9001");
	ck_assert(t->events & SOCK_OUT);
	ck_assert(tcp_poll(t->s) & SOCK_OUT);
	skip(t);
}
TT_END

TT(send_buffer_grows_with_the_window)
{
	u32 before;

	tt_passive(t, "mss 1000, wscale 7", 65535);
	before = t->s->sndbuf;
	for (u32 acked = 1, i = 0; i < 40 && t->s->sndbuf <= 4 * before; i++) {
		struct tseg s;
		(void)put(t, 60000);
		while (take_any(t, &s))
			acked = s.end;
		char text[64];
		snprintf(text, sizeof(text), ". 1:1(0) ack %u win 60000", acked);
		in(t, text);
	}
	ck_assert_int_gt(t->s->sndbuf, 4 * before);
	ck_assert_int_le(t->s->sndbuf, t->w.w->config.tcp_wmem[2]);
	skip(t);
}
TT_END

TT(set_send_buffer_does_not_grow)
{
	tt_passive(t, OPTS, 65535);
	tcp_set_sndbuf(t->s, 10000);
	for (u32 i = 0; i < 10; i++) {
		char text[64];
		(void)put(t, 100000);
		skip(t);
		snprintf(text, sizeof(text), ". 1:1(0) ack %u", tt_tp(t)->snd_nxt - t->isn);
		in(t, text);
	}
	ck_assert_int_eq(t->s->sndbuf, 10000);
	skip(t);
}
TT_END

TT(notsent_lowat)
{
	tt_passive(t, OPTS, 2000);
	set_opt(t->s, TCPO_NOTSENT_LOWAT, 3000);
	ck_assert(tcp_poll(t->s) & SOCK_OUT);
	expect_put(t, 5000); /* 2000 go, 3000 wait */
	skip(t);
	ck_assert(!(tcp_poll(t->s) & SOCK_OUT));
	t->events = 0;
	in(t, ". 1:1(0) ack 2001 win 2000");
	skip(t);
	ck_assert(t->events & SOCK_OUT);
	ck_assert(tcp_poll(t->s) & SOCK_OUT);
}
TT_END

TT(counts_of_queues)
{
	tt_passive(t, OPTS, 1000);
	expect_put(t, 2500);
	skip(t);
	ck_assert_int_eq(tcp_outq(t->s), 2500);
	ck_assert_int_eq(tcp_unsent(t->s), 1500);
	in(t, ". 1:1(0) ack 501 win 0");
	ck_assert_int_eq(tcp_outq(t->s), 2000);
	in(t, ". 1:1(0) ack 1001 win 0");
	ck_assert_int_eq(tcp_outq(t->s), 1500);
}
TT_END

TT(write_without_connection)
{
	t->s = tt_socket(t);
	ck_assert_int_eq(put(t, 1), -EPIPE);
	ck_assert_int_eq(get(t, 1), -ENOTCONN);
}
TT_END

TT(empty_write)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(put(t, 0), 0);
	quiet(t);
}
TT_END

/* ---- urgent data ---- */

TT(urgent_byte_out)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(put_flags(t, 5, TCP_SEND_OOB), 5);
	out(t, "UP. 1:6(5) ack 1 urg 5");
	in(t, ". 1:1(0) ack 6");
	expect_put(t, 5);
	out(t, "P. 6:11(5) ack 1");
}
TT_END

TT(urgent_pointer_stays_until_its_place_is_sent)
{
	tt_passive(t, OPTS, 1000);
	expect_put(t, 1000);
	skip(t);
	ck_assert_int_eq(put_flags(t, 500, TCP_SEND_OOB), 500);
	quiet(t);
	in(t, ". 1:1(0) ack 1001 win 1000");
	out(t, "UP. 1001:1501(500) ack 1 urg 500");
}
TT_END

TT(idle_connection_restarts_slowly)
{
	tt_passive(t, OPTS, 65535);
	tt_tp(t)->cwnd = 60000;
	expect_put(t, 100);
	skip(t);
	in(t, ". 1:1(0) ack 101");
	wait_ms(t, 20000);
	expect_put(t, 16000);
	ck_assert_int_eq(drain(t), 10);
}
TT_END

TT(piggybacked_ack)
{
	tt_passive(t, OPTS, 65535);
	tt_tp(t)->quickacks = 0;
	in(t, "P. 1:11(10) ack 1");
	skip(t);
	tt_tp(t)->quickacks = 0;
	in(t, "P. 11:21(10) ack 1");
	quiet(t);
	expect_put(t, 10);
	out(t, "P. 1:11(10) ack 21");
	wait_ms(t, 100);
	quiet(t);
}
TT_END

TT(sequence_numbers_wrap)
{
	char text[64];

	/* find the time at which our initial number lies just below the end */
	tt_listen(t, 5);
	in(t, "S 0:0(0) <mss 1000>");
	skip(t);
	in(t, "R 1:1(0)");
	t->w.now += (u64)(u32)(0xfffffc00U - t->isn) << 6;
	t->isn_known = false;
	t->peer_isn = 0xfffffe00U;
	tt_passive(t, OPTS, 65535);
	ck_assert_uint_ge(t->isn, 0xfffffb00U);
	for (u32 i = 0; i < 20; i++) {
		expect_put(t, 1000);
		snprintf(text, sizeof(text), ". %u:%u(1000) ack %u", i * 1000 + 1, i * 1000 + 1001,
			 i * 300 + 1);
		out(t, text);
		snprintf(text, sizeof(text), "P. %u:%u(300) ack %u", i * 300 + 1, i * 300 + 301,
			 i * 1000 + 1001);
		in(t, text);
		expect_get(t, 300);
		skip(t);
	}
}
TT_END

CASE(case_tcp_send, "tcp_send", one_segment, several_segments_push_only_the_last,
     congestion_window_holds_data_back, peer_window_holds_data_back, window_opens_without_an_ack,
     old_window_update_does_not_shrink_the_window, shrunken_window, nagle_holds_the_second_small_segment,
     nagle_lets_full_segments_through, small_segment_after_full_ones_goes, nodelay,
     nodelay_pushes_what_nagle_held, cork_sends_full_segments_only, cork_gives_in_after_200_ms,
     more_holds_until_the_next_write, cork_with_nodelay_still_holds, shutdown_uncorks,
     small_window_is_not_used_at_once, small_window_is_used_when_the_timer_fires, always_small_window_is_used,
     zero_window_is_probed, zero_window_for_hours, zero_window_of_a_dead_peer_ends,
     user_timeout_ends_a_zero_window, window_zero_from_the_start, lost_window_update_is_found_by_the_probe,
     fin_waits_for_the_window, send_buffer_fills, send_buffer_grows_with_the_window,
     set_send_buffer_does_not_grow, notsent_lowat, counts_of_queues, write_without_connection, empty_write,
     urgent_byte_out, urgent_pointer_stays_until_its_place_is_sent, idle_connection_restarts_slowly,
     piggybacked_ack, sequence_numbers_wrap)

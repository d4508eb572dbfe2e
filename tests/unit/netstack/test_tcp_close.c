/*
 * test_tcp_close.c - ends of connections: every way through RFC 9293's states, half-close, TIME_WAIT and its
 * reuse.
 */
#include <errno.h>

#include "tests/unit/netstack/tcp_case.h"

#define OPTS "mss 1460"
#define TS   "mss 1460, ts 1 0"

/* ---- we close first ---- */

TT(active_close)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 1");
	expect_state(t, TCPS_FIN_WAIT1);
	in(t, ". 1:1(0) ack 2");
	expect_state(t, TCPS_FIN_WAIT2);
	in(t, "F. 1:1(0) ack 2");
	out(t, ". 2:2(0) ack 2");
	expect_state(t, TCPS_CLOSE); /* the socket is done; TIME_WAIT is a thing of its own */
	ck_assert_int_eq(t->w.w->tw_count, 1);
	ck_assert_int_eq(get(t, 10), 0);
	wait_ms(t, 61000);
	ck_assert_int_eq(t->w.w->tw_count, 0);
	quiet(t);
}
TT_END

TT(fin_and_ack_in_one)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 1");
	in(t, "F. 1:1(0) ack 2");
	out(t, ". 2:2(0) ack 2");
	ck_assert_int_eq(t->w.w->tw_count, 1);
}
TT_END

TT(simultaneous_close)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 1");
	in(t, "F. 1:1(0) ack 1");
	expect_state(t, TCPS_CLOSING);
	out(t, ". 2:2(0) ack 2");
	in(t, ". 2:2(0) ack 2");
	ck_assert_int_eq(t->w.w->tw_count, 1);
	expect_state(t, TCPS_CLOSE);
	quiet(t);
}
TT_END

TT(half_close_still_receives)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 1");
	in(t, ". 1:1(0) ack 2");
	in(t, ". 1:1001(1000) ack 2");
	out(t, ". 2:2(0) ack 1001");
	expect_get(t, 1000);
	in(t, "F. 1001:1001(0) ack 2");
	out(t, ". 2:2(0) ack 1002");
	ck_assert_int_eq(get(t, 1), 0);
}
TT_END

TT(data_with_the_fin)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 1");
	in(t, "F. 1:101(100) ack 2");
	out(t, ". 2:2(0) ack 102");
	expect_get(t, 100);
	ck_assert_int_eq(get(t, 1), 0);
}
TT_END

TT(fin_follows_the_data)
{
	tt_passive(t, "mss 1000", 65535);
	tt_tp(t)->cwnd = 1000;
	expect_put(t, 2500);
	out(t, ". 1:1001(1000) ack 1");
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	quiet(t);
	in(t, ". 1:1(0) ack 1001");
	out(t, ". 1001:2001(1000) ack 1");
	out(t, "FP. 2001:2501(500) ack 1");
	in(t, ". 1:1(0) ack 2502");
	expect_state(t, TCPS_FIN_WAIT2);
}
TT_END

TT(fin_goes_with_small_data_despite_nagle)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 10);
	out(t, "P. 1:11(10) ack 1");
	expect_put(t, 10);
	quiet(t);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "FP. 11:21(10) ack 1");
}
TT_END

TT(write_after_shutdown)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	ck_assert_int_eq(put(t, 1), -EPIPE);
	skip(t);
}
TT_END

TT(shutdown_twice_sends_one_fin)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 1");
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	quiet(t);
}
TT_END

TT(fin_is_sent_again)
{
	u64 begin;

	tt_passive(t, OPTS, 65535);
	begin = t->w.now;
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 1");
	wait_ms(t, 1000);
	out_after(t, "F. 1:1(0) ack 1", begin, 200, 250);
	in(t, ". 1:1(0) ack 2");
	expect_state(t, TCPS_FIN_WAIT2);
	skip(t);
	wait_ms(t, 10000);
	quiet(t);
}
TT_END

TT(shutdown_of_reading_only)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, true, false), 0);
	quiet(t);
	ck_assert_int_eq(get(t, 1), 0);
	ck_assert(tcp_poll(t->s) & SOCK_RDHUP);
	/* as on Linux what comes is still taken */
	in(t, ". 1:11(10) ack 1");
	expect_get(t, 10);
	skip(t);
}
TT_END

TT(shutdown_of_nothing)
{
	t->s = tt_socket(t);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), -ENOTCONN);
}
TT_END

/* ---- the peer closes first ---- */

TT(passive_close)
{
	tt_passive(t, OPTS, 65535);
	in(t, "F. 1:1(0) ack 1");
	out(t, ". 1:1(0) ack 2");
	expect_state(t, TCPS_CLOSE_WAIT);
	ck_assert_int_eq(get(t, 10), 0);
	ck_assert(tcp_poll(t->s) & SOCK_IN);
	ck_assert(tcp_poll(t->s) & SOCK_RDHUP);
	ck_assert(!(tcp_poll(t->s) & SOCK_HUP));
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 2");
	expect_state(t, TCPS_LAST_ACK);
	in(t, ". 2:2(0) ack 2");
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(t->w.w->tw_count, 0);
	ck_assert(tcp_poll(t->s) & SOCK_HUP);
}
TT_END

TT(close_wait_still_sends)
{
	tt_passive(t, OPTS, 65535);
	in(t, "F. 1:1(0) ack 1");
	out(t, ". 1:1(0) ack 2");
	expect_put(t, 100);
	out(t, "P. 1:101(100) ack 2");
	in(t, ". 2:2(0) ack 101");
	ck_assert_int_eq(tcp_outq(t->s), 0);
}
TT_END

TT(fin_again_is_acknowledged_again)
{
	tt_passive(t, OPTS, 65535);
	in(t, "F. 1:1(0) ack 1");
	out(t, ". 1:1(0) ack 2");
	in(t, "F. 1:1(0) ack 1");
	out(t, ". 1:1(0) ack 2");
	expect_state(t, TCPS_CLOSE_WAIT);
}
TT_END

TT(data_before_the_fin_is_read_first)
{
	tt_passive(t, OPTS, 65535);
	in(t, "FP. 1:51(50) ack 1");
	out(t, ". 1:1(0) ack 52");
	expect_get(t, 50);
	ck_assert_int_eq(get(t, 1), 0);
}
TT_END

TT(early_fin_waits_for_the_data)
{
	tt_passive(t, "mss 1460, sackOK", 65535);
	in(t, "FP. 101:201(100) ack 1");
	out(t, ". 1:1(0) ack 1 <sack 101:201>");
	expect_state(t, TCPS_ESTABLISHED);
	in(t, ". 1:101(100) ack 1");
	out(t, ". 1:1(0) ack 202");
	expect_state(t, TCPS_CLOSE_WAIT);
	expect_get(t, 200);
	ck_assert_int_eq(get(t, 1), 0);
}
TT_END

TT(early_fin_alone_waits)
{
	tt_passive(t, "mss 1460, sackOK", 65535);
	in(t, "F. 101:101(0) ack 1");
	out(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
	in(t, ". 1:101(100) ack 1");
	skip(t);
	in(t, "F. 101:101(0) ack 1");
	out(t, ". 1:1(0) ack 102");
	expect_state(t, TCPS_CLOSE_WAIT);
}
TT_END

TT(last_ack_sends_its_fin_again)
{
	tt_passive(t, OPTS, 65535);
	in(t, "F. 1:1(0) ack 1");
	out(t, ". 1:1(0) ack 2");
	tcp_close(t->s, false);
	t->s = NULL;
	out(t, "F. 1:1(0) ack 2");
	wait_ms(t, 500);
	out(t, "F. 1:1(0) ack 2");
	in(t, ". 2:2(0) ack 2");
	ck_assert_int_eq(t->w.w->flows.count, 0);
	ck_assert_int_eq(t->w.w->orphan_count, 0);
}
TT_END

TT(data_after_the_peers_fin_is_not_taken)
{
	tt_passive(t, OPTS, 65535);
	in(t, "F. 1:1(0) ack 1");
	out(t, ". 1:1(0) ack 2");
	in(t, ". 2:12(10) ack 1");
	out(t, ". 1:1(0) ack 2");
	ck_assert_int_eq(get(t, 1), 0);
}
TT_END

/* ---- close(2) ---- */

TT(close_sends_what_is_queued)
{
	tt_passive(t, "mss 1000", 65535);
	tt_tp(t)->cwnd = 1000;
	expect_put(t, 2000);
	out(t, ". 1:1001(1000) ack 1");
	tcp_close(t->s, false);
	t->s = NULL;
	quiet(t);
	in(t, ". 1:1(0) ack 1001");
	out(t, "FP. 1001:2001(1000) ack 1");
	in(t, "F. 1:1(0) ack 2002");
	out(t, ". 2002:2002(0) ack 2");
	ck_assert_int_eq(t->w.w->tw_count, 1);
}
TT_END

TT(close_with_unread_data_resets)
{
	tt_passive(t, OPTS, 65535);
	in(t, "P. 1:11(10) ack 1");
	skip(t);
	tcp_close(t->s, false);
	t->s = NULL;
	out(t, "R. 1:1(0) ack 11");
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPAbortOnClose), 1);
}
TT_END

TT(close_with_linger_zero_resets)
{
	tt_passive(t, OPTS, 65535);
	tcp_close(t->s, true);
	t->s = NULL;
	out(t, "R. 1:1(0) ack 1");
	ck_assert_int_eq(t->w.w->flows.count, 0);
}
TT_END

TT(data_for_an_orphan_is_reset)
{
	tt_passive(t, OPTS, 65535);
	tcp_close(t->s, false);
	t->s = NULL;
	out(t, "F. 1:1(0) ack 1");
	in(t, ". 1:11(10) ack 2");
	out(t, "R. 2:2(0)");
	ck_assert_int_eq(t->w.w->flows.count, 0);
}
TT_END

TT(orphan_in_fin_wait2_ends)
{
	tt_passive(t, OPTS, 65535);
	tcp_close(t->s, false);
	t->s = NULL;
	out(t, "F. 1:1(0) ack 1");
	in(t, ". 1:1(0) ack 2");
	wait_ms(t, 59000);
	ck_assert_int_ge(t->w.w->flows.count, 1);
	wait_ms(t, 3000);
	ck_assert_int_eq(t->w.w->flows.count, 0);
	ck_assert_int_eq(t->w.w->orphan_count, 0);
}
TT_END

TT(owned_socket_stays_in_fin_wait2)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	out(t, "F. 1:1(0) ack 1");
	in(t, ". 1:1(0) ack 2");
	wait_ms(t, 600000);
	expect_state(t, TCPS_FIN_WAIT2);
}
TT_END

TT(linger2_bounds_fin_wait2)
{
	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_LINGER2, 5);
	tcp_close(t->s, false);
	t->s = NULL;
	out(t, "F. 1:1(0) ack 1");
	in(t, ". 1:1(0) ack 2");
	wait_ms(t, 4500);
	ck_assert_int_eq(t->w.w->flows.count, 1);
	wait_ms(t, 1000);
	ck_assert_int_eq(t->w.w->flows.count, 0);
}
TT_END

TT(negative_linger2_ends_at_once)
{
	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_LINGER2, -1);
	tcp_close(t->s, false);
	t->s = NULL;
	out(t, "F. 1:1(0) ack 1");
	in(t, ". 1:1(0) ack 2");
	out(t, "R. 2:2(0) ack 1");
	ck_assert_int_eq(t->w.w->flows.count, 0);
}
TT_END

TT(orphan_whose_peer_is_gone_gives_up)
{
	tt_passive(t, OPTS, 65535);
	tcp_close(t->s, false);
	t->s = NULL;
	wait_ms(t, 200000);
	ck_assert_int_ge(drain(t), 8);
	ck_assert_int_eq(t->w.w->flows.count, 0);
	ck_assert_int_eq(t->w.w->orphan_count, 0);
}
TT_END

TT(drained_tells_when_all_is_acknowledged)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 10);
	ck_assert_int_eq(tcp_shutdown(t->s, true, true), 0);
	ck_assert(!tcp_drained(t->s));
	skip(t);
	in(t, ". 1:1(0) ack 12");
	ck_assert(tcp_drained(t->s));
}
TT_END

/* ---- TIME_WAIT ---- */

static void to_time_wait(struct tt *t, const char *options)
{
	tt_passive(t, options, 65535);
	tcp_close(t->s, false);
	t->s = NULL;
	out(t, "F. 1:1(0) ack 1");
	in(t, "F. 1:1(0) ack 2");
	out(t, ". 2:2(0) ack 2");
	ck_assert_int_eq(t->w.w->tw_count, 1);
}

TT(time_wait_answers_the_fin_again)
{
	to_time_wait(t, OPTS);
	wait_ms(t, 30000);
	in(t, "F. 1:1(0) ack 2");
	out(t, ". 2:2(0) ack 2");
	/* and begins anew */
	wait_ms(t, 50000);
	ck_assert_int_eq(t->w.w->tw_count, 1);
	wait_ms(t, 11000);
	ck_assert_int_eq(t->w.w->tw_count, 0);
}
TT_END

TT(time_wait_ignores_resets)
{
	to_time_wait(t, OPTS);
	in(t, "R 2:2(0)");
	ck_assert_int_eq(t->w.w->tw_count, 1);
	quiet(t);
}
TT_END

TT(time_wait_acknowledges_old_data)
{
	to_time_wait(t, OPTS);
	in(t, ". 1:11(10) ack 2");
	out(t, ". 2:2(0) ack 2");
	ck_assert_int_eq(t->w.w->tw_count, 1);
}
TT_END

TT(time_wait_ignores_a_bare_ack)
{
	to_time_wait(t, OPTS);
	in(t, ". 2:2(0) ack 2");
	quiet(t);
}
TT_END

TT(time_wait_is_reopened_by_a_later_sequence_number)
{
	to_time_wait(t, OPTS);
	t->isn_known = false;
	in(t, "S 100000:100000(0) win 1000 <mss 1460>");
	ck_assert_int_eq(t->w.w->tw_count, 0);
	t->peer_isn += 100000;
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	ck_assert_ptr_nonnull(t->s);
}
TT_END

TT(time_wait_is_not_reopened_by_an_old_sequence_number)
{
	to_time_wait(t, OPTS);
	in(t, "S 1:1(0) win 1000 <mss 1460>");
	ck_assert_int_eq(t->w.w->tw_count, 1);
	out(t, ". 2:2(0) ack 2");
}
TT_END

TT(time_wait_is_reopened_by_a_newer_timestamp)
{
	to_time_wait(t, TS);
	wait_ms(t, 2000);
	t->isn_known = false;
	in(t, "S 1:1(0) win 1000 <mss 1460>");
	ck_assert_int_eq(t->w.w->tw_count, 0);
	out(t, "S. 0:0(0)");
}
TT_END

TT(time_wait_is_not_reopened_by_an_older_timestamp)
{
	to_time_wait(t, TS);
	in(t, "S 100000:100000(0) win 1000 <mss 1460, ts 1 0>");
	ck_assert_int_eq(t->w.w->tw_count, 1);
	skip(t);
}
TT_END

TT(initial_number_is_beyond_the_old_connection)
{
	u32 old;

	to_time_wait(t, TS);
	old = t->isn;
	wait_ms(t, 1000);
	t->isn_known = false;
	in(t, "S 100000:100000(0) win 1000 <mss 1460>");
	take(t);
	ck_assert(seq_after(t->isn, old));
}
TT_END

TT(binding_beside_time_wait_needs_reuseaddr)
{
	struct ip_addr any = IP4_ANY;

	to_time_wait(t, OPTS);
	tcp_close(t->listener, false);
	t->listener = NULL;
	t->s = tt_socket(t);
	ck_assert_int_eq(sock_bind(t->s, &any, 80), -EADDRINUSE);
	t->s->ep.reuseaddr = true;
	ck_assert_int_eq(sock_bind(t->s, &any, 80), 0);
	ck_assert_int_eq(tcp_listen(t->s, 1), 0);
}
TT_END

TT(disconnect_resets_and_can_be_used_again)
{
	tt_active(t, OPTS, 65535);
	ck_assert_int_eq(tcp_disconnect(t->s), 0);
	out(t, "R. 1:1(0) ack 1");
	expect_state(t, TCPS_CLOSE);
	t->isn_known = false;
	t->put = t->got = 0;
	tt_active(t, OPTS, 65535);
	expect_put(t, 10);
	out(t, "P. 1:11(10) ack 1");
	in(t, "P. 1:6(5) ack 11");
	expect_get(t, 5);
	skip(t);
}
TT_END

TT(second_connection_knows_nothing_of_the_first)
{
	struct tcp_info_linux i;

	tt_active(t, "mss 1460, sackOK", 65535);
	expect_put(t, 14600);
	skip(t);
	in(t, ". 1:1(0) ack 1 <sack 1461:8761>");
	skip(t);
	in(t, "P. 1:101(100) ack 1");
	skip(t);
	ck_assert_int_eq(tcp_disconnect(t->s), 0);
	skip(t);
	t->isn_known = false;
	t->put = t->got = 0;
	tt_active(t, OPTS, 65535);
	i = get_info(t->s);
	ck_assert_int_eq(i.bytes_sent + i.bytes_received + i.total_retrans + i.sacked + i.lost + i.retrans,
			 0);
	ck_assert_int_eq(i.snd_cwnd, 10);
	ck_assert_int_eq(i.ca_state, 0);
	ck_assert_uint_eq(i.snd_ssthresh, 0x7fffffff);
	ck_assert_int_eq(get(t, 1), -EAGAIN);
}
TT_END

CASE(case_tcp_close, "tcp_close", active_close, fin_and_ack_in_one, simultaneous_close,
     half_close_still_receives, data_with_the_fin, fin_follows_the_data,
     fin_goes_with_small_data_despite_nagle, write_after_shutdown, shutdown_twice_sends_one_fin,
     fin_is_sent_again, shutdown_of_reading_only, shutdown_of_nothing, passive_close, close_wait_still_sends,
     fin_again_is_acknowledged_again, data_before_the_fin_is_read_first, early_fin_waits_for_the_data,
     early_fin_alone_waits, last_ack_sends_its_fin_again, data_after_the_peers_fin_is_not_taken,
     close_sends_what_is_queued, close_with_unread_data_resets, close_with_linger_zero_resets,
     data_for_an_orphan_is_reset, orphan_in_fin_wait2_ends, owned_socket_stays_in_fin_wait2,
     linger2_bounds_fin_wait2, negative_linger2_ends_at_once, orphan_whose_peer_is_gone_gives_up,
     drained_tells_when_all_is_acknowledged, time_wait_answers_the_fin_again, time_wait_ignores_resets,
     time_wait_acknowledges_old_data, time_wait_ignores_a_bare_ack,
     time_wait_is_reopened_by_a_later_sequence_number, time_wait_is_not_reopened_by_an_old_sequence_number,
     time_wait_is_reopened_by_a_newer_timestamp, time_wait_is_not_reopened_by_an_older_timestamp,
     initial_number_is_beyond_the_old_connection, binding_beside_time_wait_needs_reuseaddr,
     disconnect_resets_and_can_be_used_again, second_connection_knows_nothing_of_the_first)

/*
 * test_tcp_loss.c - loss and its repair: the retransmission timer (RFC 6298), fast retransmit and NewReno
 * (5681, 6582), SACK (6675), RACK and tail loss probes (8985), PRR (6937). What turns out to have been no
 * loss is in test_tcp_undo.c.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/netstack/tcp_case.h"

#define OPTS "mss 1000"
#define SACK "mss 1000, sackOK"

/* ---- the timer ---- */

TT(rto_doubles)
{
	static const u64 at[] = {300, 900, 2100, 4500, 9300, 18900};
	u64 begin;

	open_rtt(t, OPTS);
	begin = t->w.now;
	expect_put(t, 1000);
	out(t, "P. 1:1001(1000) ack 1");
	for (u32 i = 0; i < ARRAY_COUNT(at); i++) {
		run_for(&t->w, begin + at[i] * MS - t->w.now + 2 * MS);
		out_after(t, ". 1:1001(1000) ack 1", begin, at[i], 2);
		quiet(t);
	}
	ck_assert_int_eq(get_info(t->s).backoff, ARRAY_COUNT(at));
	ck_assert_int_eq(get_info(t->s).retransmits, ARRAY_COUNT(at));
	in(t, ". 1:1(0) ack 1001");
	ck_assert_int_eq(tt_tp(t)->backoff, 0);
	wait_ms(t, 10000);
	quiet(t);
}
TT_END

TT(rto_is_bounded_by_two_minutes)
{
	u64 last = 0, gap = 0;
	struct tseg s;

	open_rtt(t, OPTS);
	expect_put(t, 1000);
	for (int i = 0; i < 80; i++) {
		wait_ms(t, 10000);
		while (take_any(t, &s)) {
			gap = s.at - last;
			last = s.at;
		}
	}
	ck_assert_int_ge(gap / MS, 119000);
	ck_assert_int_le(gap / MS, 121000);
	expect_state(t, TCPS_ESTABLISHED);
}
TT_END

/* Linux: tcp_retries2 of 15 is 924.6 s of a timer of 200 ms. */
TT(connection_times_out)
{
	u64 begin;

	open_rtt(t, OPTS);
	begin = t->w.now;
	expect_put(t, 1000);
	while (tt_tp(t)->state == TCPS_ESTABLISHED) {
		wait_ms(t, 1000);
		skip(t);
		ck_assert_int_lt((t->w.now - begin) / NSEC_PER_SEC, 1200);
	}
	ck_assert_int_ge((t->w.now - begin) / NSEC_PER_SEC, 924);
	ck_assert_int_eq(get(t, 1), -ETIMEDOUT);
	ck_assert_int_eq(put(t, 1), -EPIPE);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPAbortOnTimeout), 1);
}
TT_END

TT(user_timeout)
{
	open_rtt(t, OPTS);
	set_opt(t->s, TCPO_USER_TIMEOUT, 5000);
	expect_put(t, 1000);
	wait_ms(t, 4900);
	expect_state(t, TCPS_ESTABLISHED);
	wait_ms(t, 300);
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -ETIMEDOUT);
	skip(t);
}
TT_END

TT(rto_is_srtt_and_four_variances)
{
	open_rtt(t, OPTS);
	for (u32 i = 0; i < 20; i++) {
		char text[64];
		expect_put(t, 1000);
		skip(t);
		wait_ms(t, i % 2 ? 50 : 250);
		snprintf(text, sizeof(text), ". 1:1(0) ack %u", i * 1000 + 1001);
		in(t, text);
	}
	ck_assert_int_ge(tt_tp(t)->rttvar / MS, 60);
	ck_assert_int_eq(tt_tp(t)->rto, tt_tp(t)->srtt + 4 * tt_tp(t)->rttvar);
}
TT_END

TT(rto_is_at_least_200_ms_over_srtt)
{
	open_rtt(t, OPTS);
	for (u32 i = 0; i < 30; i++) {
		char text[64];
		expect_put(t, 1000);
		skip(t);
		wait_ms(t, 1);
		snprintf(text, sizeof(text), ". 1:1(0) ack %u", i * 1000 + 1001);
		in(t, text);
	}
	ck_assert_int_le(tt_tp(t)->srtt / MS, 5);
	ck_assert_int_ge(tt_tp(t)->rto / MS, 200);
}
TT_END

/* The timer waits for the oldest; the path is as long as the newest says, whatever was overtaken on it. */
TT(least_round_trip_is_of_what_was_sent_last)
{
	open_rtt(t, SACK);
	expect_put(t, 1000);
	skip(t);
	wait_ms(t, 60);
	expect_put(t, 1000);
	skip(t);
	wait_ms(t, 40);
	in(t, ". 1:1(0) ack 2001");
	ck_assert_int_eq(tt_tp(t)->last_rtt / MS, 100);
	ck_assert_int_eq(tt_tp(t)->min_rtt / MS, 40);
	/* and so with a hole: the first comes late */
	expect_put(t, 1000);
	skip(t);
	wait_ms(t, 5);
	expect_put(t, 1000);
	skip(t);
	wait_ms(t, 30);
	in(t, ". 1:1(0) ack 2001 <sack 3001:4001>");
	ck_assert_int_eq(tt_tp(t)->min_rtt / MS, 30);
	wait_ms(t, 1);
	in(t, ". 1:1(0) ack 4001");
	ck_assert_int_eq(tt_tp(t)->last_rtt / MS, 36);
	ck_assert_int_eq(tt_tp(t)->min_rtt / MS, 30);
}
TT_END

/* Karn: without timestamps an ACK of what was sent twice says nothing about time. */
TT(no_sample_from_a_retransmission)
{
	u64 srtt;

	open_rtt(t, OPTS);
	srtt = tt_tp(t)->srtt;
	expect_put(t, 1000);
	wait_ms(t, 310);
	wait_ms(t, 50);
	skip(t);
	in(t, ". 1:1(0) ack 1001");
	ck_assert_int_eq(tt_tp(t)->srtt, srtt);
}
TT_END

TT(after_the_timer_slow_start)
{
	open_rtt(t, OPTS);
	send_n(t, 10);
	wait_ms(t, 310);
	out(t, ". 1:1001(1000) ack 1");
	quiet(t);
	ck_assert_int_eq(tt_tp(t)->ca, CA_LOSS);
	ck_assert_int_eq(tt_tp(t)->cwnd, 1000);
	ck_assert_int_eq(tt_tp(t)->ssthresh, 7000); /* CUBIC's 0.7 of ten */
	in(t, ". 1:1(0) ack 1001");
	out(t, ". 1001:2001(1000) ack 1");
	out(t, ". 2001:3001(1000) ack 1");
	quiet(t);
	in(t, ". 1:1(0) ack 3001");
	ck_assert_int_eq(drain(t), 4);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	quiet(t);
}
TT_END

TT(what_arrived_after_the_timer_is_not_sent_again)
{
	open_rtt(t, SACK);
	send_n(t, 5);
	wait_ms(t, 350); /* probe and timer */
	wait_ms(t, 400);
	skip(t);
	in(t, ". 1:1(0) ack 5001");
	wait_ms(t, 2000);
	quiet(t);
	ck_assert_int_eq(tt_tp(t)->lost, 0);
	ck_assert_int_eq(tt_tp(t)->retrans, 0);
}
TT_END

/* ---- without SACK ---- */

TT(three_duplicate_acks)
{
	open_rtt(t, OPTS);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	quiet(t); /* limited transmit would send new data, but there is none */
	in(t, ". 1:1(0) ack 1");
	out(t, ". 1:1001(1000) ack 1");
	quiet(t);
	ck_assert_int_eq(tt_tp(t)->ca, CA_RECOVERY);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPRenoRecovery), 1);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	ck_assert_int_eq(tt_tp(t)->cwnd, 7000);
}
TT_END

TT(limited_transmit)
{
	open_rtt(t, OPTS);
	expect_put(t, 14000);
	ck_assert_int_eq(drain(t), 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1");
	out(t, ". 10001:11001(1000) ack 1");
	in(t, ". 1:1(0) ack 1");
	out(t, ". 11001:12001(1000) ack 1");
	quiet(t);
}
TT_END

TT(partial_ack_repairs_the_next_hole)
{
	open_rtt(t, OPTS);
	send_n(t, 10);
	wait_ms(t, 100);
	for (int i = 0; i < 6; i++)
		in(t, ". 1:1(0) ack 1");
	out(t, ". 1:1001(1000) ack 1");
	skip(t);
	in(t, ". 1:1(0) ack 4001");
	out(t, ". 4001:5001(1000) ack 1");
	ck_assert_int_eq(tt_tp(t)->ca, CA_RECOVERY);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
}
TT_END

TT(window_updates_are_no_duplicates)
{
	open_rtt(t, OPTS);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1001 win 30000");
	for (int i = 1; i < 7; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". 1:1(0) ack 1001 win %d", 30000 + i);
		in(t, text);
	}
	quiet(t);
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
}
TT_END

TT(data_segments_are_no_duplicates)
{
	open_rtt(t, OPTS);
	send_n(t, 10);
	wait_ms(t, 100);
	for (u32 i = 0; i < 6; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(10) ack 1", i * 10 + 1, i * 10 + 11);
		in(t, text);
	}
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	skip(t);
}
TT_END

/* ---- SACK and RACK ---- */

TT(sack_recovery_sends_only_the_hole)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:2001>");
	in(t, ". 1:1(0) ack 1 <sack 1001:3001>");
	quiet(t);
	in(t, ". 1:1(0) ack 1 <sack 1001:4001>");
	out(t, ". 1:1001(1000) ack 1");
	quiet(t);
	ck_assert_int_eq(tt_tp(t)->ca, CA_RECOVERY);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPSackRecovery), 1);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	quiet(t);
}
TT_END

TT(two_holes)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	/* 1 and 4 are lost */
	in(t, ". 1:1(0) ack 1 <sack 1001:3001>");
	in(t, ". 1:1(0) ack 1 <sack 4001:5001 1001:3001>");
	out(t, ". 1:1001(1000) ack 1");
	in(t, ". 1:1(0) ack 1 <sack 4001:8001 1001:3001>");
	out(t, ". 3001:4001(1000) ack 1");
	in(t, ". 1:1(0) ack 1 <sack 4001:10001 1001:3001>");
	quiet(t);
	in(t, ". 1:1(0) ack 3001 <sack 4001:10001>");
	quiet(t);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
}
TT_END

TT(sacked_part_of_a_segment_splits_it)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 501:1001>");
	ck_assert_int_eq(tt_tp(t)->sacked, 500);
	in(t, ". 1:1(0) ack 1 <sack 501:5001>");
	out(t, ". 1:501(500) ack 1");
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->sacked, 0);
}
TT_END

TT(small_reordering_is_not_loss)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:2001>");
	wait_ms(t, 5); /* a quarter of the round trip is 25 ms */
	in(t, ". 1:1(0) ack 2001");
	wait_ms(t, 30);
	quiet(t);
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	skip(t);
}
TT_END

TT(rack_timer_finds_the_loss)
{
	u64 begin;

	open_rtt(t, SACK);
	send_n(t, 3);
	wait_ms(t, 100);
	begin = t->w.now;
	in(t, ". 1:1(0) ack 1 <sack 1001:2001>");
	quiet(t);
	wait_ms(t, 60);
	out_after(t, ". 1:1001(1000) ack 1", begin, 25, 3);
	skip(t);
}
TT_END

/* An ACK of what was sent earlier still does not stop the wait for a hole. */
TT(reordering_timer_outlives_older_sacks)
{
	open_rtt(t, SACK);
	tt_tp(t)->rack.reordering = true;
	expect_put(t, 1000); /* the hole */
	skip(t);
	wait_ms(t, 1);
	expect_put(t, 1000);
	skip(t);
	wait_ms(t, 1);
	expect_put(t, 1000);
	skip(t);
	wait_ms(t, 98);
	in(t, ". 1:1(0) ack 1 <sack 2001:3001>");
	ck_assert_int_eq(tt_tp(t)->rtx_kind, RTX_RACK);
	in(t, ". 1:1(0) ack 1 <sack 1001:3001>");
	ck_assert_int_eq(tt_tp(t)->rtx_kind, RTX_RACK);
	wait_ms(t, 40);
	out(t, ". 1:1001(1000) ack 1");
}
TT_END

TT(lost_retransmission_is_found_by_rack)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:5001>");
	out(t, ". 1:1001(1000) ack 1");
	expect_put(t, 3000);
	in(t, ". 1:1(0) ack 1 <sack 1001:10001>");
	ck_assert_int_ge(drain(t), 1);
	wait_ms(t, 100);
	/* what was sent after the retransmission has arrived */
	in(t, ". 1:1(0) ack 1 <sack 1001:13001>");
	wait_ms(t, 30);
	out(t, ". 1:1001(1000) ack 1");
	in(t, ". 1:1(0) ack 13001");
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPLostRetransmit), 1);
}
TT_END

TT(sack_of_what_was_never_sent_is_ignored)
{
	open_rtt(t, SACK);
	send_n(t, 3);
	in(t, ". 1:1(0) ack 1 <sack 1001:9001>");
	in(t, ". 1:1(0) ack 1 <sack 3001:1001>");
	ck_assert_int_eq(tt_tp(t)->sacked, 0);
}
TT_END

TT(sack_below_the_ack_is_a_duplicate)
{
	open_rtt(t, SACK);
	send_n(t, 3);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 3001 <sack 1:1001>");
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPDSACKRecv), 1);
	ck_assert_int_eq(get_info(t->s).dsack_dups, 1);
}
TT_END

TT(reneging_is_survived)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:10001>");
	out(t, ". 1:1001(1000) ack 1");
	/* the peer throws away what it had told of, and forgets */
	for (u32 i = 1; i < 10; i++) {
		char text[64];
		struct tseg s;
		snprintf(text, sizeof(text), ". 1:1(0) ack %u", i * 1000 + 1);
		in(t, text);
		wait_ms(t, 10000);
		ck_assert_msg(take_any(t, &s), "nothing was sent again from %u", i * 1000 + 1);
		ck_assert_int_eq(s.seq, i * 1000 + 1);
		skip(t);
	}
	in(t, ". 1:1(0) ack 10001");
}
TT_END

TT(prr_halves_the_flow_smoothly)
{
	u32 sent = 0;

	open_rtt(t, SACK);
	tt_tp(t)->cwnd = 20000;
	tcp_set_sndbuf(t->s, 200000);
	expect_put(t, 16000);
	put(t, 60000);
	drain(t);
	wait_ms(t, 100);
	/* the first is lost; each of 19 ACKs tells of one more */
	for (u32 i = 2; i <= 20; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". 1:1(0) ack 1 <sack 1001:%u>", i * 1000 + 1);
		in(t, text);
		sent += drain(t);
	}
	/* 0.7 of what was delivered, and not all at its end */
	ck_assert_int_ge(sent, 12);
	ck_assert_int_le(sent, 16);
	in(t, ". 1:1(0) ack 20001");
	ck_assert_int_le(tt_tp(t)->cwnd, 14000);
	skip(t);
}
TT_END

TT(fast_recovery_does_not_wait_for_the_timer)
{
	u64 begin;

	open_rtt(t, SACK);
	send_n(t, 10);
	begin = t->w.now;
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:10001>");
	out_after(t, ". 1:1001(1000) ack 1", begin, 100, 0);
}
TT_END

/* ---- tail loss probes ---- */

TT(probe_after_two_round_trips)
{
	u64 begin;

	open_rtt(t, SACK);
	send_n(t, 3);
	begin = t->w.now;
	wait_ms(t, 250);
	out_after(t, ". 2001:3001(1000) ack 1", begin, 202, 3);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPLossProbes), 1);
	/* its SACK tells of the losses before it */
	wait_ms(t, 60);
	in(t, ". 1:1(0) ack 1 <sack 2001:3001>");
	wait_ms(t, 50);
	out(t, ". 1:1001(1000) ack 1");
	skip(t);
}
TT_END

TT(probe_sends_new_data_if_there_is)
{
	open_rtt(t, SACK);
	expect_put(t, 12000);
	ck_assert_int_eq(drain(t), 10);
	wait_ms(t, 250);
	out(t, ". 10001:11001(1000) ack 1");
	quiet(t);
}
TT_END

TT(probe_that_repaired_a_loss_halves_the_window)
{
	u32 before;

	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 9001");
	before = tt_tp(t)->cwnd;
	wait_ms(t, 500);
	ck_assert_int_ge(drain(t), 1);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_lt(tt_tp(t)->cwnd, before);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPLossProbeRecovery), 1);
}
TT_END

TT(probe_that_was_not_needed_changes_nothing)
{
	u32 before;

	open_rtt(t, SACK);
	send_n(t, 5);
	before = tt_tp(t)->cwnd;
	wait_ms(t, 220);
	out(t, ". 4001:5001(1000) ack 1");
	in(t, ". 1:1(0) ack 5001 <sack 4001:5001>");
	ck_assert_int_ge(tt_tp(t)->cwnd, before);
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
}
TT_END

TT(one_probe_a_flight)
{
	open_rtt(t, SACK);
	send_n(t, 3);
	wait_ms(t, 290);
	ck_assert_int_eq(drain(t), 1);
	wait_ms(t, 300); /* then the timer */
	ck_assert_int_eq(drain(t), 1);
	ck_assert_int_eq(tt_tp(t)->ca, CA_LOSS);
}
TT_END

/* ---- the fate of the counters ---- */

TT(counters_return_to_zero)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:2001 4001:5001 7001:9001>");
	in(t, ". 1:1(0) ack 2001 <sack 4001:5001 7001:9001>");
	wait_ms(t, 2000);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->sacked, 0);
	ck_assert_int_eq(tt_tp(t)->lost, 0);
	ck_assert_int_eq(tt_tp(t)->retrans, 0);
	ck_assert_int_eq(tcp_pipe(tt_tp(t)), 0);
	skip(t);
}
TT_END

TT(retransmissions_are_counted)
{
	struct tcp_info_linux i;

	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:10001>");
	skip(t);
	i = get_info(t->s);
	ck_assert_int_eq(i.retrans, 1);
	ck_assert_int_eq(i.lost, 1);
	ck_assert_int_eq(i.sacked, 9);
	ck_assert_int_eq(i.unacked, 10);
	ck_assert_int_eq(i.total_retrans, 1);
	ck_assert_int_eq(i.bytes_retrans, 1000);
	ck_assert_int_eq(i.ca_state, CA_RECOVERY);
	in(t, ". 1:1(0) ack 10001");
	i = get_info(t->s);
	ck_assert_int_eq(i.retrans, 0);
	ck_assert_int_eq(i.total_retrans, 1);
	ck_assert_int_eq(i.bytes_acked, 10000);
}
TT_END

TT(retransmission_of_segments_that_stood_together)
{
	/* ten segments, all lost but the last: sent again as the window allows */
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 9001:10001>");
	wait_ms(t, 30);
	ck_assert_int_ge(drain(t), 1);
	in(t, ". 1:1(0) ack 1001 <sack 9001:10001>");
	in(t, ". 1:1(0) ack 2001 <sack 9001:10001>");
	in(t, ". 1:1(0) ack 4001 <sack 9001:10001>");
	in(t, ". 1:1(0) ack 9001 <sack 9001:10001>");
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	skip(t);
}
TT_END

TT(head_that_was_told_of_is_sent_again)
{
	struct tseg s;

	open_rtt(t, SACK);
	send_n(t, 5);
	wait_ms(t, 100);
	/* the peer says that it has all, yet acknowledges nothing */
	in(t, ". 1:1(0) ack 1 <sack 1:5001>");
	wait_ms(t, 1000);
	s = take(t);
	ck_assert_int_eq(s.seq, 1);
	ck_assert_int_eq(tt_tp(t)->sacked, 0);
	skip(t);
	in(t, ". 1:1(0) ack 5001");
}
TT_END

TT(thin_stream_does_not_double)
{
	u64 begin;

	open_rtt(t, OPTS);
	set_opt(t->s, TCPO_THIN_LINEAR_TIMEOUTS, 1);
	begin = t->w.now;
	expect_put(t, 1000);
	skip(t);
	for (u64 i = 1; i <= 6; i++) {
		wait_ms(t, 301);
		out_after(t, ". 1:1001(1000) ack 1", begin, i * 300, 5);
	}
}
TT_END

TT(time_in_timeouts_is_told)
{
	open_rtt(t, OPTS);
	expect_put(t, 1000);
	wait_ms(t, 1000);
	skip(t);
	in(t, ". 1:1(0) ack 1001");
	ck_assert_int_ge(get_info(t->s).total_rto_time, 600);
	ck_assert_int_le(get_info(t->s).total_rto_time, 750);
	ck_assert_int_eq(get_info(t->s).total_rto_recoveries, 1);
}
TT_END

CASE(case_tcp_loss, "tcp_loss", rto_doubles, rto_is_bounded_by_two_minutes, connection_times_out,
     user_timeout, rto_is_srtt_and_four_variances, rto_is_at_least_200_ms_over_srtt,
     least_round_trip_is_of_what_was_sent_last, no_sample_from_a_retransmission, after_the_timer_slow_start,
     what_arrived_after_the_timer_is_not_sent_again, three_duplicate_acks, limited_transmit,
     partial_ack_repairs_the_next_hole, window_updates_are_no_duplicates, data_segments_are_no_duplicates,
     sack_recovery_sends_only_the_hole, two_holes, sacked_part_of_a_segment_splits_it,
     small_reordering_is_not_loss, rack_timer_finds_the_loss, reordering_timer_outlives_older_sacks,
     lost_retransmission_is_found_by_rack, sack_of_what_was_never_sent_is_ignored,
     sack_below_the_ack_is_a_duplicate, reneging_is_survived, prr_halves_the_flow_smoothly,
     fast_recovery_does_not_wait_for_the_timer, probe_after_two_round_trips, probe_sends_new_data_if_there_is,
     probe_that_repaired_a_loss_halves_the_window, probe_that_was_not_needed_changes_nothing,
     one_probe_a_flight, counters_return_to_zero, retransmissions_are_counted,
     retransmission_of_segments_that_stood_together, head_that_was_told_of_is_sent_again,
     thin_stream_does_not_double, time_in_timeouts_is_told)

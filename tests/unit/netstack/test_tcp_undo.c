/*
 * test_tcp_undo.c - what looked like loss and was none, and what was in spite of such looks: Eifel by
 * timestamps (RFC 3522), F-RTO (5682), duplicate SACKs (2883).
 */
#include "tests/unit/netstack/tcp_case.h"

#define SACK "mss 1000, sackOK"

TT(eifel_undoes_a_false_timeout)
{
	u32 cwnd, ssthresh;

	open_rtt(t, "mss 1012, sackOK, ts 1 0");
	expect_put(t, 5000);
	skip(t);
	cwnd = tt_tp(t)->cwnd;
	ssthresh = tt_tp(t)->ssthresh;
	u32 first = t->last_tsval;
	wait_ms(t, 700);
	ck_assert_int_eq(tt_tp(t)->ca, CA_LOSS);
	skip(t);
	/* the ACK of the originals was only late */
	t->last_tsval = first;
	in(t, ". 1:1(0) ack 5001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	ck_assert_int_ge(tt_tp(t)->cwnd, cwnd);
	ck_assert_int_eq(tt_tp(t)->ssthresh, ssthresh);
}
TT_END

/* Two holes, both sent again. The original of the first comes late: of the second that says nothing. */
TT(eifel_does_not_undo_while_others_are_out)
{
	u32 first;

	open_rtt(t, "mss 1012, sackOK, ts 1 0");
	send_n(t, 8);
	first = t->last_tsval;
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:4001>");
	in(t, ". 1:1(0) ack 1 <sack 5001:8001 1001:4001>");
	ck_assert_int_eq(tt_tp(t)->ca, CA_RECOVERY);
	out(t, ". 1:1001(1000) ack 1");
	in(t, ". 1:1(0) ack 1 <sack 5001:8001 1001:4001>");
	wait_ms(t, 50);
	skip(t);
	ck_assert_int_eq(tt_tp(t)->retrans, 2000);
	t->last_tsval = first;
	in(t, ". 1:1(0) ack 4001 <sack 5001:8001>");
	ck_assert_int_eq(tt_tp(t)->ca, CA_RECOVERY);
	ck_assert_int_eq(tt_tp(t)->retrans, 1000);
	/* nor is there a reason when the retransmission has filled the second */
	t->last_tsval = (u32)(t->w.now / MS) + 1000000;
	in(t, ". 1:1(0) ack 8001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	ck_assert_int_lt(tt_tp(t)->ssthresh, TCP_INFINITE);
}
TT_END

TT(dsack_undoes_a_false_recovery)
{
	u32 cwnd;

	open_rtt(t, SACK);
	send_n(t, 10);
	cwnd = tt_tp(t)->cwnd;
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:5001>");
	out(t, ". 1:1001(1000) ack 1");
	in(t, ". 1:1(0) ack 5001");
	in(t, ". 1:1(0) ack 10001 <sack 1:1001>");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	ck_assert_int_ge(tt_tp(t)->cwnd, cwnd);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPDSACKUndo), 1);
}
TT_END

TT(dsack_widens_the_reordering_window)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:5001>");
	skip(t);
	in(t, ". 1:1(0) ack 10001 <sack 1:1001>");
	ck_assert_int_eq(tt_tp(t)->rack.steps, 2);
}
TT_END

/* What the network has doubled says nothing of us. */
TT(dsack_of_what_was_sent_once_is_ignored)
{
	open_rtt(t, SACK);
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 5001 <sack 1:1001>");
	ck_assert_int_eq(tt_tp(t)->rack.steps, 1);
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(get_info(t->s).dsack_dups, 1);
}
TT_END

TT(frto_undoes_without_timestamps)
{
	u32 cwnd;

	open_rtt(t, SACK);
	expect_put(t, 14000);
	skip(t);
	cwnd = tt_tp(t)->cwnd;
	wait_ms(t, 800);
	ck_assert_int_eq(tt_tp(t)->ca, CA_LOSS);
	skip(t);
	in(t, ". 1:1(0) ack 1001");
	/* new data instead of more retransmissions */
	ck_assert_int_ge(take(t).seq, 10001);
	skip(t);
	/* segments that were never sent again arrive: the originals are all there */
	in(t, ". 1:1(0) ack 5001");
	ck_assert_int_eq(tt_tp(t)->ca, CA_OPEN);
	ck_assert_int_ge(tt_tp(t)->cwnd, cwnd);
	skip(t);
}
TT_END

TT(true_loss_is_not_undone)
{
	open_rtt(t, "mss 1012, sackOK, ts 1 0");
	send_n(t, 10);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1 <sack 1001:5001>");
	skip(t);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->cwnd, 7000);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPFullUndo), 0);
}
TT_END

TT(frto_goes_on_when_the_loss_was_real)
{
	open_rtt(t, SACK);
	expect_put(t, 14000);
	skip(t);
	wait_ms(t, 800);
	skip(t);
	in(t, ". 1:1(0) ack 1001");
	skip(t);
	in(t, ". 1:1(0) ack 1001 <sack 11001:12001>");
	ck_assert_int_eq(take(t).seq, 1001);
	ck_assert_int_eq(tt_tp(t)->ca, CA_LOSS);
	skip(t);
}
TT_END

CASE(case_tcp_undo, "tcp_undo", eifel_undoes_a_false_timeout, eifel_does_not_undo_while_others_are_out,
     dsack_undoes_a_false_recovery, dsack_widens_the_reordering_window,
     dsack_of_what_was_sent_once_is_ignored, frto_undoes_without_timestamps, true_loss_is_not_undone,
     frto_goes_on_when_the_loss_was_real)

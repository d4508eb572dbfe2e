/*
 * test_tcp_reset.c - segments that do not fit: resets in and out of the window, SYNs, ACKs of what was never
 * sent (RFC 5961), old timestamps (RFC 7323), and the limit on answers to them.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/netstack/tcp_case.h"

#define OPTS "mss 1460"
#define TS   "mss 1460, ts 1 0"

TT(reset_at_the_expected_number)
{
	tt_passive(t, OPTS, 65535);
	in(t, "R 1:1(0)");
	expect_state(t, TCPS_CLOSE);
	quiet(t);
	ck_assert(t->events & SOCK_ERR);
	ck_assert(tcp_poll(t->s) & SOCK_HUP);
	ck_assert_int_eq(get(t, 10), -ECONNRESET);
	ck_assert_int_eq(get(t, 10), 0);
	ck_assert_int_eq(put(t, 10), -EPIPE);
}
TT_END

TT(reset_with_ack)
{
	tt_passive(t, OPTS, 65535);
	in(t, "R. 1:1(0) ack 1");
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(put(t, 10), -ECONNRESET);
}
TT_END

TT(reset_inside_of_the_window_is_challenged)
{
	tt_passive(t, OPTS, 65535);
	in(t, "R 100:100(0)");
	out(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPChallengeACK), 1);
	/* a real peer answers with the number we wait for */
	in(t, "R 1:1(0)");
	expect_state(t, TCPS_CLOSE);
}
TT_END

TT(reset_outside_of_the_window_is_dropped)
{
	tt_passive(t, OPTS, 65535);
	in(t, "R 200000:200000(0)");
	in(t, "R 0:0(0)");
	quiet(t);
	expect_state(t, TCPS_ESTABLISHED);
}
TT_END

TT(reset_at_the_edge_of_a_sacked_block)
{
	tt_passive(t, "mss 1460, sackOK", 65535);
	in(t, ". 101:201(100) ack 1");
	skip(t);
	in(t, "R 201:201(0)");
	expect_state(t, TCPS_CLOSE);
}
TT_END

TT(unread_data_survives_a_reset)
{
	tt_passive(t, OPTS, 65535);
	in(t, "P. 1:11(10) ack 1");
	skip(t);
	in(t, "R 11:11(0)");
	expect_get(t, 10);
	ck_assert_int_eq(get(t, 10), -ECONNRESET);
}
TT_END

TT(reset_in_close_wait_is_epipe)
{
	tt_passive(t, OPTS, 65535);
	in(t, "F. 1:1(0) ack 1");
	skip(t);
	in(t, "R 2:2(0)");
	ck_assert_int_eq(sock_take_error(t->s), -EPIPE);
}
TT_END

TT(reset_in_fin_wait2)
{
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	skip(t);
	in(t, ". 1:1(0) ack 2");
	in(t, "R 1:1(0)");
	ck_assert_int_eq(sock_take_error(t->s), -ECONNRESET);
	expect_state(t, TCPS_CLOSE);
}
TT_END

TT(syn_inside_of_the_window_is_challenged)
{
	tt_passive(t, OPTS, 65535);
	in(t, "S 50:50(0)");
	out(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TCPSYNChallenge), 1);
}
TT_END

TT(syn_outside_of_the_window_is_challenged)
{
	tt_passive(t, OPTS, 65535);
	in(t, "S 500000:500000(0)");
	out(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
}
TT_END

TT(the_first_syn_again_is_challenged)
{
	tt_passive(t, OPTS, 65535);
	in(t, "S 0:0(0) <mss 1460>");
	out(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
}
TT_END

TT(syn_ack_again_is_acknowledged)
{
	tt_active(t, OPTS, 65535);
	in(t, "S. 0:0(0) ack 1 <mss 1460>");
	out(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
}
TT_END

TT(challenges_are_limited)
{
	tt_passive(t, OPTS, 65535);
	for (int i = 0; i < 50; i++)
		in(t, "S 50:50(0)");
	ck_assert_int_eq(drain(t), 1);
	wait_ms(t, 501);
	in(t, "S 50:50(0)");
	ck_assert_int_eq(drain(t), 1);
}
TT_END

TT(ack_of_what_was_never_sent)
{
	tt_passive(t, OPTS, 65535);
	in(t, ". 1:11(10) ack 100");
	out(t, ". 1:1(0) ack 1");
	ck_assert_int_eq(tcp_inq(t->s), 0);
	expect_state(t, TCPS_ESTABLISHED);
}
TT_END

TT(very_old_ack_is_challenged)
{
	tt_passive(t, OPTS, 65535);
	t->isn -= 200000;
	in(t, ". 1:11(10) ack 1");
	t->isn += 200000;
	out(t, ". 1:1(0) ack 1");
	ck_assert_int_eq(tcp_inq(t->s), 0);
}
TT_END

TT(slightly_old_ack_is_fine)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 100);
	skip(t);
	in(t, ". 1:1(0) ack 101");
	in(t, ". 1:11(10) ack 50");
	ck_assert_int_eq(tcp_inq(t->s), 10);
	skip(t);
}
TT_END

TT(segment_without_ack_is_dropped)
{
	tt_passive(t, OPTS, 65535);
	in(t, "P 1:11(10)");
	quiet(t);
	ck_assert_int_eq(tcp_inq(t->s), 0);
}
TT_END

TT(segment_beyond_the_window_is_answered)
{
	tt_passive(t, OPTS, 65535);
	in(t, ". 200001:200011(10) ack 1");
	out(t, ". 1:1(0) ack 1");
	ck_assert_int_eq(tcp_inq(t->s), 0);
}
TT_END

TT(segment_without_socket)
{
	in(t, ". 5:5(0) ack 7");
	out(t, "R 7:7(0)");
	in(t, "S 0:0(0)");
	out(t, "R. 0:0(0) ack 1");
	in(t, "F 10:15(5)");
	out(t, "R. 0:0(0) ack 16");
	in(t, "R 5:5(0)");
	in(t, "R. 5:5(0) ack 7");
	quiet(t);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TcpOutRsts), 3);
}
TT_END

TT(wrong_checksum_is_dropped)
{
	struct build f;

	tt_passive(t, OPTS, 65535);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_TCP);
	put_be16(b_add(&f, NULL, 2), t->peer_port);
	put_be16(b_add(&f, NULL, 2), 80);
	put_be32(b_add(&f, NULL, 4), t->peer_isn + 1);
	b_add(&f, NULL, 4);
	b_add(&f, "\x50\x04\x00\x00\x12\x34\x00\x00", 8); /* RST with the right number */
	b_send(&t->w, &f);
	expect_state(t, TCPS_ESTABLISHED);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TcpInCsumErrors), 1);
	quiet(t);
}
TT_END

TT(header_longer_than_the_segment)
{
	struct build f;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_TCP);
	b_add(&f, NULL, 12);
	b_add(&f, "\xf0\x02\x00\x00\x00\x00\x00\x00", 8);
	b_send(&t->w, &f);
	quiet(t);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TcpInErrs), 1);
}
TT_END

/* ---- PAWS ---- */

/* Ten bytes are read in with a timestamp of now, which is returned: the one that counts from here on. */
static u32 ten_bytes(struct tt *t)
{
	wait_ms(t, 100);
	in(t, "P. 1:11(10) ack 1");
	skip(t);
	return tt_tp(t)->ts_recent;
}

TT(old_timestamp_is_rejected)
{
	u32 now;

	tt_passive(t, TS, 65535);
	now = ten_bytes(t);
	ck_assert_uint_ne(now, 1);
	in(t, "P. 11:21(10) ack 1 <ts 1 0>");
	out(t, ". 1:1(0) ack 11");
	ck_assert_int_eq(tcp_inq(t->s), 10);
	ck_assert_int_eq(mib_of(t->w.w, MIB_PAWSEstab), 1);
	ck_assert_uint_eq(tt_tp(t)->ts_recent, now);
}
TT_END

/* What fills a hole was sent after what the path still holds. */
TT(timestamp_older_by_one_tick_is_taken)
{
	char text[100];
	u32 now;

	tt_passive(t, TS, 65535);
	now = ten_bytes(t);
	snprintf(text, sizeof(text), "P. 11:21(10) ack 1 <ts %u 0>", now - 1);
	in(t, text);
	ck_assert_int_eq(tcp_inq(t->s), 20);
	ck_assert_uint_eq(tt_tp(t)->ts_recent, now);
	skip(t);
	snprintf(text, sizeof(text), "P. 21:31(10) ack 1 <ts %u 0>", now - 2);
	in(t, text);
	out(t, ". 1:1(0) ack 21");
	ck_assert_int_eq(tcp_inq(t->s), 20);
}
TT_END

TT(overtaken_ack_is_heard)
{
	char text[100];
	u32 now;

	tt_passive(t, "mss 1460, sackOK, ts 1 0", 65535);
	expect_put(t, 6000);
	skip(t);
	now = ten_bytes(t);
	snprintf(text, sizeof(text), ". 11:11(0) ack 1 <ts %u 0, sack 3001:4001>", now - 20);
	in(t, text);
	ck_assert_int_eq(tt_tp(t)->sacked, 1000);
	/* not what acknowledges, nor what is older than a retransmission timeout */
	snprintf(text, sizeof(text), ". 11:11(0) ack 1001 <ts %u 0>", now - 20);
	in(t, text);
	snprintf(text, sizeof(text), ". 11:11(0) ack 1 <ts %u 0, sack 4001:5001>", now - 20000);
	in(t, text);
	ck_assert_int_eq(tt_tp(t)->sacked, 1000);
	ck_assert_int_eq(tt_tp(t)->snd_nxt - tt_tp(t)->snd_una, 6000);
	skip(t);
}
TT_END

TT(reset_with_an_old_timestamp_counts)
{
	tt_passive(t, TS, 65535);
	(void)ten_bytes(t);
	in(t, "R. 11:11(0) ack 1 <ts 1 0>");
	expect_state(t, TCPS_CLOSE);
}
TT_END

TT(after_24_days_old_timestamps_count)
{
	tt_passive(t, TS, 65535);
	tt_tp(t)->ts_recent = 0x80000000U;
	t->w.now += 25ULL * 24 * 3600 * NSEC_PER_SEC;
	in(t, "P. 1:11(10) ack 1 <ts 5 0>");
	ck_assert_int_eq(tcp_inq(t->s), 10);
	skip(t);
}
TT_END

TT(echo_is_of_the_segment_that_moves_the_window)
{
	tt_passive(t, TS, 65535);
	/* RFC 7323, 4.3: an early segment's timestamp is not echoed */
	in(t, ". 11:21(10) ack 1 <ts 900000000 0>");
	out(t, ". 1:1(0) ack 1");
	ck_assert_uint_ne(tt_tp(t)->ts_recent, 900000000);
	in(t, ". 1:11(10) ack 1 <ts 900000005 0>");
	ck_assert_uint_eq(tt_tp(t)->ts_recent, 900000005);
	skip(t);
}
TT_END

TT(timestamps_wrap)
{
	tt_passive(t, TS, 65535);
	tt_tp(t)->ts_recent = 0xfffffff0U;
	in(t, "P. 1:11(10) ack 1 <ts 16 0>");
	ck_assert_int_eq(tcp_inq(t->s), 10);
	ck_assert_uint_eq(tt_tp(t)->ts_recent, 16);
	skip(t);
}
TT_END

/* ---- ICMP ---- */

static void icmp_about_us(struct tt *t, u8 type, u8 code, u32 info, u32 seq)
{
	struct build f;
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_ICMP);
	f.l4 = f.size;
	h = b_add(&f, NULL, 8);
	h[0] = type;
	h[1] = code;
	put_be32(h + 4, info);
	h = b_add(&f, NULL, 20);
	h[0] = 0x45;
	put_be16(h + 2, 40);
	h[8] = 64;
	h[9] = PROTO_TCP;
	put_be32(h + 12, IP_A);
	put_be32(h + 16, IP_B);
	h = b_add(&f, NULL, 8);
	put_be16(h, t->port);
	put_be16(h + 2, t->peer_port);
	put_be32(h + 4, t->isn + seq);
	/* b_finish() wants our own header's place */
	f.net = 14;
	f.l4 = 34;
	b_send(&t->w, &f);
}

TT(unreachable_ends_an_attempt)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	icmp_about_us(t, 3, 1, 0, 0);
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -EHOSTUNREACH);
}
TT_END

TT(port_unreachable_ends_an_attempt)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	icmp_about_us(t, 3, 3, 0, 0);
	ck_assert_int_eq(sock_take_error(t->s), -ECONNREFUSED);
}
TT_END

TT(unreachable_does_not_end_a_connection)
{
	tt_active(t, OPTS, 65535);
	expect_put(t, 10);
	skip(t);
	icmp_about_us(t, 3, 1, 0, 1);
	expect_state(t, TCPS_ESTABLISHED);
	ck_assert_int_eq(sock_take_error(t->s), 0);
	/* but it is the reason told when it times out */
	wait_ms(t, 2000000);
	ck_assert_int_eq(sock_take_error(t->s), -EHOSTUNREACH);
	skip(t);
}
TT_END

TT(icmp_about_another_number_is_ignored)
{
	tt_active(t, OPTS, 65535);
	expect_put(t, 10);
	skip(t);
	icmp_about_us(t, 3, 1, 0, 5000);
	ck_assert_int_eq(tt_tp(t)->soft_error, 0);
}
TT_END

TT(too_big_cuts_segments_and_sends_again)
{
	tt_active(t, OPTS, 65535);
	expect_put(t, 2920);
	out(t, ". 1:1461(1460) ack 1");
	out(t, "P. 1461:2921(1460) ack 1");
	icmp_about_us(t, 3, 4, 1000, 1);
	ck_assert_int_eq(tt_tp(t)->mss, 960);
	out(t, ". 1:961(960) ack 1");
	in(t, ". 1:1(0) ack 961");
	skip(t);
	in(t, ". 1:1(0) ack 2921");
	expect_put(t, 960);
	out(t, "P. 2921:3881(960) ack 1");
}
TT_END

TT(too_big_below_the_least_is_not_believed)
{
	tt_active(t, OPTS, 65535);
	expect_put(t, 1460);
	skip(t);
	icmp_about_us(t, 3, 4, 60, 1);
	ck_assert_int_ge(tt_tp(t)->mss, 512);
	skip(t);
}
TT_END

CASE(case_tcp_reset, "tcp_reset", reset_at_the_expected_number, reset_with_ack,
     reset_inside_of_the_window_is_challenged, reset_outside_of_the_window_is_dropped,
     reset_at_the_edge_of_a_sacked_block, unread_data_survives_a_reset, reset_in_close_wait_is_epipe,
     reset_in_fin_wait2, syn_inside_of_the_window_is_challenged, syn_outside_of_the_window_is_challenged,
     the_first_syn_again_is_challenged, syn_ack_again_is_acknowledged, challenges_are_limited,
     ack_of_what_was_never_sent, very_old_ack_is_challenged, slightly_old_ack_is_fine,
     segment_without_ack_is_dropped, segment_beyond_the_window_is_answered, segment_without_socket,
     wrong_checksum_is_dropped, header_longer_than_the_segment, old_timestamp_is_rejected,
     timestamp_older_by_one_tick_is_taken, overtaken_ack_is_heard, reset_with_an_old_timestamp_counts,
     after_24_days_old_timestamps_count, echo_is_of_the_segment_that_moves_the_window, timestamps_wrap,
     unreachable_ends_an_attempt, port_unreachable_ends_an_attempt, unreachable_does_not_end_a_connection,
     icmp_about_another_number_is_ignored, too_big_cuts_segments_and_sends_again,
     too_big_below_the_least_is_not_believed)

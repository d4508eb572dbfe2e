/*
 * test_tcp_open.c - opening a connection from our side (RFC 9293, 3.5 and 3.10.7.3), and what the options of
 * a SYN agree on.
 */
#include <errno.h>

#include "tests/unit/netstack/tcp_case.h"

#define ALL "mss 1460, sackOK, ts 1 0, wscale 7"

TT(syn_carries_our_options)
{
	tt_connect(t);
	out(t, "S 0:0(0) <mss 1460, sackOK, ts * 0, wscale 10>");
	quiet(t);
	expect_state(t, TCPS_SYN_SENT);
}
TT_END

TT(syn_of_ipv6_has_a_smaller_mss)
{
	t->v6 = true;
	tt_connect(t);
	out(t, "S 0:0(0) <mss 1440, sackOK, ts * 0, wscale 10>");
}
TT_END

TT(syn_without_what_is_switched_off)
{
	t->w.w->config.tcp_sack = t->w.w->config.tcp_timestamps = t->w.w->config.tcp_wscale = false;
	tt_connect(t);
	out(t, "S 0:0(0) <mss 1460>");
}
TT_END

TT(syn_with_sack_but_without_timestamps)
{
	t->w.w->config.tcp_timestamps = false;
	tt_connect(t);
	out(t, "S 0:0(0) <mss 1460, sackOK, wscale 10>");
}
TT_END

TT(user_mss_is_announced)
{
	t->s = tt_socket(t);
	set_opt(t->s, TCPO_MAXSEG, 1000);
	tt_connect(t);
	out(t, "S 0:0(0) <mss 1000, sackOK, ts * 0, wscale 10>");
}
TT_END

TT(window_of_a_syn_is_not_scaled)
{
	t->s = tt_socket(t);
	tcp_set_rcvbuf(t->s, 60000);
	tt_connect(t);
	out(t, "S 0:0(0) win 30000");
}
TT_END

TT(handshake)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	ck_assert_int_eq(tcp_poll(t->s), 0);
	in(t, "S. 0:0(0) ack 1 win 5000 <" ALL ">");
	t->ts = true;
	out(t, ". 1:1(0) ack 1");
	quiet(t);
	expect_state(t, TCPS_ESTABLISHED);
	ck_assert(t->events & SOCK_OUT);
	ck_assert(tcp_poll(t->s) & SOCK_OUT);
	ck_assert_int_eq(tt_tp(t)->snd_wnd, 5000);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TcpActiveOpens), 1);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TcpCurrEstab), 1);
}
TT_END

TT(handshake_over_ipv6)
{
	t->v6 = true;
	tt_active(t, ALL, 65535);
	expect_put(t, 100);
	out(t, "P. 1:101(100) ack 1");
}
TT_END

TT(window_is_scaled_after_the_handshake)
{
	tt_active(t, "mss 1460, wscale 4", 1000);
	ck_assert_int_eq(tt_tp(t)->snd_wnd, 1000);
	in(t, ". 1:1(0) ack 1 win 2000");
	ck_assert_int_eq(tt_tp(t)->snd_wnd, 32000);
}
TT_END

TT(no_scale_unless_both)
{
	tt_active(t, "mss 1460", 1000);
	ck_assert_int_eq(tt_tp(t)->rcv_wscale, 0);
	in(t, ". 1:1(0) ack 1 win 2000");
	ck_assert_int_eq(tt_tp(t)->snd_wnd, 2000);
}
TT_END

TT(scale_above_14_is_14)
{
	tt_active(t, "mss 1460, wscale 15", 1000);
	ck_assert_int_eq(tt_tp(t)->snd_wscale, 14);
}
TT_END

TT(without_mss_option_536)
{
	tt_active(t, "none", 65535);
	ck_assert_int_eq(tt_tp(t)->mss, 536);
	expect_put(t, 1000);
	out(t, ". 1:537(536) ack 1");
	out(t, "P. 537:1001(464) ack 1");
}
TT_END

TT(peer_mss_bounds_segments)
{
	tt_active(t, "mss 600", 65535);
	expect_put(t, 1300);
	out(t, ". 1:601(600) ack 1");
	out(t, ". 601:1201(600) ack 1");
	in(t, ". 1:1(0) ack 1201");
	out(t, "P. 1201:1301(100) ack 1");
}
TT_END

TT(timestamps_take_12_bytes_of_each_segment)
{
	tt_active(t, ALL, 65535);
	expect_put(t, 1448);
	out(t, "P. 1:1449(1448) ack 1 <ts * *>");
	quiet(t);
}
TT_END

TT(timestamp_echo)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "S. 0:0(0) ack 1 <mss 1460, ts 4711 *>");
	t->ts = true;
	out(t, ". 1:1(0) ack 1 <ts * 4711>");
}
TT_END

TT(no_timestamps_unless_both)
{
	tt_active(t, "mss 1460", 65535);
	expect_put(t, 10);
	ck_assert(!take(t).ts);
}
TT_END

TT(tiny_mss_is_raised)
{
	tt_active(t, "mss 8", 65535);
	ck_assert_int_eq(tt_tp(t)->mss, TCP_MSS_MIN);
}
TT_END

/* Linux 6.5 and later: four retries a second apart, then doubling (tcp_syn_linear_timeouts). */
TT(syn_is_sent_again)
{
	static const u64 at[] = {1, 2, 3, 4, 5, 7, 11, 19, 35, 67};
	u64 begin;

	tt_connect(t);
	begin = t->w.now;
	out(t, "S 0:0(0)");
	for (u32 i = 0; i < ARRAY_COUNT(at); i++) {
		run_for(&t->w, begin + at[i] * NSEC_PER_SEC - t->w.now + MS);
		out_after(t, "S 0:0(0)", begin, at[i] * 1000, 1);
		quiet(t);
	}
	expect_state(t, TCPS_SYN_SENT);
	wait_ms(t, 65000);
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -ETIMEDOUT);
	ck_assert_int_eq(mib_of(t->w.w, MIB_TcpAttemptFails), 1);
}
TT_END

TT(syncnt_bounds_retries)
{
	t->s = tt_socket(t);
	set_opt(t->s, TCPO_SYNCNT, 1);
	tt_connect(t);
	wait_ms(t, 15000);
	ck_assert_int_eq(drain(t), 6);
	expect_state(t, TCPS_CLOSE);
}
TT_END

TT(user_timeout_bounds_connect)
{
	t->s = tt_socket(t);
	set_opt(t->s, TCPO_USER_TIMEOUT, 2500);
	tt_connect(t);
	wait_ms(t, 3500);
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -ETIMEDOUT);
	skip(t);
}
TT_END

TT(late_answer_after_retries)
{
	tt_connect(t);
	wait_ms(t, 1500);
	skip(t);
	in(t, "S. 0:0(0) ack 1 <mss 1460>");
	out(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
	ck_assert_int_eq(tt_tp(t)->backoff, 0);
}
TT_END

TT(refused)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "R. 0:0(0) ack 1");
	quiet(t);
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -ECONNREFUSED);
	ck_assert(tcp_poll(t->s) & SOCK_HUP);
}
TT_END

TT(reset_without_ack_does_not_refuse)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "R 0:0(0)");
	expect_state(t, TCPS_SYN_SENT);
}
TT_END

TT(reset_with_wrong_ack_does_not_refuse)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "R. 0:0(0) ack 2");
	in(t, "R. 0:0(0) ack 0");
	quiet(t);
	expect_state(t, TCPS_SYN_SENT);
}
TT_END

TT(wrong_ack_is_reset)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "S. 0:0(0) ack 500");
	out(t, "R 500:500(0)");
	in(t, ". 0:0(0) ack 0");
	out(t, "R 0:0(0)");
	expect_state(t, TCPS_SYN_SENT);
	in(t, "S. 0:0(0) ack 1");
	out(t, ". 1:1(0) ack 1");
}
TT_END

TT(ack_without_syn_changes_nothing)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, ". 1:1(0) ack 1");
	quiet(t);
	expect_state(t, TCPS_SYN_SENT);
}
TT_END

TT(echo_from_the_future_is_reset)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	t->last_tsval += 100000;
	in(t, "S. 0:0(0) ack 1 <mss 1460, ts 7 *>");
	out(t, "R 1:1(0)");
	expect_state(t, TCPS_SYN_SENT);
}
TT_END

TT(data_with_the_syn_ack)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "S. 0:5(5) ack 1 <mss 1460>");
	/* the SYN has number 0: its data begins with 1 */
	out(t, ". 1:1(0) ack 6");
	ck_assert_int_eq(tcp_inq(t->s), 5);
}
TT_END

TT(connecting_twice)
{
	struct ip_addr dst = ip_v4(IP_B);

	tt_connect(t);
	ck_assert_int_eq(tcp_connect(t->s, &dst, 80), -EALREADY);
	out(t, "S 0:0(0)");
	in(t, "S. 0:0(0) ack 1");
	ck_assert_int_eq(tcp_connect(t->s, &dst, 80), -EISCONN);
	skip(t);
}
TT_END

TT(connect_after_refusal)
{
	struct ip_addr dst = ip_v4(IP_B);

	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "R. 0:0(0) ack 1");
	ck_assert_int_eq(sock_take_error(t->s), -ECONNREFUSED);
	t->isn_known = false;
	t->port = 0;
	ck_assert_int_eq(tcp_connect(t->s, &dst, 80), -EINPROGRESS);
	out(t, "S 0:0(0)");
	in(t, "S. 0:0(0) ack 1 <mss 1460>");
	out(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
}
TT_END

TT(connect_tells_a_pending_error_first)
{
	struct ip_addr dst = ip_v4(IP_B);

	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "R. 0:0(0) ack 1");
	ck_assert_int_eq(tcp_connect(t->s, &dst, 80), -ECONNREFUSED);
	skip(t);
}
TT_END

TT(no_route)
{
	struct ip_addr far = a4("192.0.2.1");

	t->s = tt_socket(t);
	ck_assert_int_eq(tcp_connect(t->s, &far, 80), -ENETUNREACH);
	ck_assert_int_eq(t->s->ep.lport, 0);
	expect_state(t, TCPS_CLOSE);
}
TT_END

TT(groups_and_broadcast_are_refused)
{
	struct ip_addr group = a4("224.0.0.5"), all = a4("255.255.255.255"), net = a4("10.0.0.255");

	t->s = tt_socket(t);
	ck_assert_int_eq(tcp_connect(t->s, &group, 80), -ENETUNREACH);
	ck_assert_int_eq(tcp_connect(t->s, &all, 80), -ENETUNREACH);
	ck_assert_int_eq(tcp_connect(t->s, &net, 80), -EACCES);
}
TT_END

TT(simultaneous_open)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "S 0:0(0) win 4000 <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	expect_state(t, TCPS_SYN_RECV);
	in(t, "S. 0:0(0) ack 1 win 4000 <mss 1460>");
	/* the SYN in it is old: it is acknowledged again */
	expect_state(t, TCPS_ESTABLISHED);
	skip(t);
	expect_put(t, 10);
	out(t, "P. 1:11(10) ack 1");
}
TT_END

TT(simultaneous_open_ends_with_a_bare_ack)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_ESTABLISHED);
	quiet(t);
}
TT_END

TT(simultaneous_open_is_reset)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	in(t, "R 1:1(0)");
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -ECONNREFUSED);
}
TT_END

TT(simultaneous_open_sends_its_syn_ack_again)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	wait_ms(t, 1001);
	out(t, "S. 0:0(0) ack 1");
}
TT_END

TT(connection_to_oneself)
{
	struct ip_addr lo = a4("127.0.0.1");

	t->s = tt_socket(t);
	ck_assert_int_eq(sock_bind(t->s, &lo, 5555), 0);
	ck_assert_int_eq(tcp_connect(t->s, &lo, 5555), 0);
	expect_state(t, TCPS_ESTABLISHED);
	expect_put(t, 1000);
	expect_get(t, 1000);
}
TT_END

TT(shutdown_while_connecting)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	expect_state(t, TCPS_CLOSE);
	wait_ms(t, 5000);
	quiet(t);
}
TT_END

TT(close_while_connecting)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	tcp_close(t->s, false);
	t->s = NULL;
	wait_ms(t, 5000);
	quiet(t);
	in(t, "S. 0:0(0) ack 1");
	out(t, "R 1:1(0)");
}
TT_END

TT(write_while_connecting_waits)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	ck_assert_int_eq(put(t, 10), -EAGAIN);
	ck_assert_int_eq(get(t, 10), -EAGAIN);
}
TT_END

TT(first_rtt_is_the_handshakes)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	wait_ms(t, 80);
	in(t, "S. 0:0(0) ack 1 <mss 1460>");
	out(t, ". 1:1(0) ack 1");
	ck_assert_int_eq(tt_tp(t)->srtt / MS, 80);
	ck_assert_int_eq(tt_tp(t)->rto / MS, 280);
}
TT_END

TT(initial_window_is_ten_segments)
{
	tt_active(t, "mss 1000", 65535);
	expect_put(t, 15000);
	ck_assert_int_eq(drain(t), 10);
}
TT_END

TT(ports_are_of_the_range)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	ck_assert_int_ge(t->port, 32768);
	ck_assert_int_le(t->port, 60999);
}
TT_END

TT(initial_sequence_numbers_differ)
{
	u32 first;

	tt_connect(t);
	out(t, "S 0:0(0)");
	first = t->isn;
	tcp_close(t->s, false);
	t->s = NULL;
	t->isn_known = false;
	wait_ms(t, 10);
	tt_connect(t);
	out(t, "S 0:0(0)");
	ck_assert_uint_ne(first, t->isn);
}
TT_END

TT(shutdown_within_simultaneous_open)
{
	tt_connect(t);
	out(t, "S 0:0(0)");
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	ck_assert_int_eq(tcp_shutdown(t->s, false, true), 0);
	quiet(t);
	in(t, ". 1:1(0) ack 1");
	expect_state(t, TCPS_FIN_WAIT1);
	out(t, "F. 1:1(0) ack 1");
	in(t, ". 1:1(0) ack 2");
	expect_state(t, TCPS_FIN_WAIT2);
}
TT_END

CASE(case_tcp_open, "tcp_open", syn_carries_our_options, syn_of_ipv6_has_a_smaller_mss,
     syn_without_what_is_switched_off, syn_with_sack_but_without_timestamps, user_mss_is_announced,
     window_of_a_syn_is_not_scaled, handshake, handshake_over_ipv6, window_is_scaled_after_the_handshake,
     no_scale_unless_both, scale_above_14_is_14, without_mss_option_536, peer_mss_bounds_segments,
     timestamps_take_12_bytes_of_each_segment, timestamp_echo, no_timestamps_unless_both, tiny_mss_is_raised,
     syn_is_sent_again, syncnt_bounds_retries, user_timeout_bounds_connect, late_answer_after_retries,
     refused, reset_without_ack_does_not_refuse, reset_with_wrong_ack_does_not_refuse, wrong_ack_is_reset,
     ack_without_syn_changes_nothing, echo_from_the_future_is_reset, data_with_the_syn_ack, connecting_twice,
     connect_after_refusal, connect_tells_a_pending_error_first, no_route, groups_and_broadcast_are_refused,
     simultaneous_open, simultaneous_open_ends_with_a_bare_ack, simultaneous_open_is_reset,
     simultaneous_open_sends_its_syn_ack_again, connection_to_oneself, shutdown_while_connecting,
     close_while_connecting, write_while_connecting_waits, first_rtt_is_the_handshakes,
     initial_window_is_ten_segments, ports_are_of_the_range, initial_sequence_numbers_differ,
     shutdown_within_simultaneous_open)

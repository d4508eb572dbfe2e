/*
 * test_tcp_listen.c - listeners: handshakes from the peer's side, queues, cookies under flood, deferred
 * accept, groups.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/netstack/tcp_case.h"

#define OPTS "mss 1460"
#define ALL  "mss 1460, sackOK, ts 1 0, wscale 7"

TT(syn_ack_offers_what_the_syn_asked_for)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" ALL ">");
	out(t, "S. 0:0(0) ack 1 <mss 1460, sackOK, ts * 1, wscale 10>");
	quiet(t);
	ck_assert_int_eq(tcp_poll(t->listener), 0);
}
TT_END

TT(syn_ack_offers_nothing_else)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1 <mss 1460>");
}
TT_END

TT(syn_ack_with_scale_only)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <mss 1460, wscale 3>");
	out(t, "S. 0:0(0) ack 1 <mss 1460, wscale 10>");
}
TT_END

TT(listener_mss_is_announced)
{
	tt_listen(t, 5);
	set_opt(t->listener, TCPO_MAXSEG, 700);
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1 <mss 700>");
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	ck_assert_int_eq(tt_tp(t)->mss, 700);
}
TT_END

TT(handshake)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	ck_assert_ptr_null(tt_accept(t));
	in(t, ". 1:1(0) ack 1");
	ck_assert(t->events & SOCK_IN);
	ck_assert_int_eq(tcp_poll(t->listener), SOCK_IN);
	t->s = tt_accept(t);
	expect_state(t, TCPS_ESTABLISHED);
	ck_assert_ptr_null(tt_accept(t));
	ck_assert_int_eq(mib_of(t->w.w, MIB_TcpPassiveOpens), 1);
	ck_assert(
	    ip_eq(&t->s->ep.raddr, &(struct ip_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 2}}));
	ck_assert_int_eq(t->s->ep.rport, 40000);
}
TT_END

TT(handshake_ipv6)
{
	t->v6 = true;
	tt_passive(t, "mss 1440", 65535);
	in(t, "P. 1:11(10) ack 1");
	expect_get(t, 10);
	skip(t);
}
TT_END

TT(ipv4_at_an_ipv6_listener)
{
	struct ip_addr any = IP6_ANY;

	ck_assert_int_eq(tcp_new(t->w.w, true, &t->listener), 0);
	ck_assert_int_eq(sock_bind(t->listener, &any, 80), 0);
	ck_assert_int_eq(tcp_listen(t->listener, 5), 0);
	tt_passive(t, OPTS, 65535);
	ck_assert(t->s->ep.v6);
	ck_assert(ip_is_v4(&t->s->ep.raddr));
}
TT_END

TT(ipv4_at_an_ipv6_only_listener)
{
	struct ip_addr any = IP6_ANY;

	ck_assert_int_eq(tcp_new(t->w.w, true, &t->listener), 0);
	t->listener->ep.v6only = true;
	ck_assert_int_eq(sock_bind(t->listener, &any, 80), 0);
	ck_assert_int_eq(tcp_listen(t->listener, 5), 0);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "R. 0:0(0) ack 1");
}
TT_END

TT(data_with_the_last_ack)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, "P. 1:11(10) ack 1");
	out(t, ". 1:1(0) ack 11");
	t->s = tt_accept(t);
	expect_get(t, 10);
}
TT_END

TT(fin_with_the_last_ack)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, "FP. 1:11(10) ack 1");
	out(t, ". 1:1(0) ack 12");
	t->s = tt_accept(t);
	expect_state(t, TCPS_CLOSE_WAIT);
	expect_get(t, 10);
	ck_assert_int_eq(get(t, 1), 0);
}
TT_END

TT(lost_last_ack_is_replaced_by_data)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	wait_ms(t, 1100);
	out(t, "S. 0:0(0) ack 1");
	in(t, "P. 1:11(10) ack 1");
	t->s = tt_accept(t);
	expect_get(t, 10);
	skip(t);
}
TT_END

TT(syn_again_is_answered_again)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	ck_assert_int_eq(tcp_of(t->listener)->request_count, 1);
}
TT_END

TT(syn_ack_is_sent_five_times_more)
{
	static const u64 at[] = {1, 3, 7, 15, 31};
	u64 begin = t->w.now;

	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	for (u32 i = 0; i < ARRAY_COUNT(at); i++) {
		run_for(&t->w, begin + at[i] * NSEC_PER_SEC - t->w.now + MS);
		out_after(t, "S. 0:0(0) ack 1", begin, at[i] * 1000, 1);
	}
	wait_ms(t, 33000);
	quiet(t);
	ck_assert_int_eq(tcp_of(t->listener)->request_count, 0);
	ck_assert_int_eq(t->w.w->flows.count, 0);
}
TT_END

TT(wrong_last_ack_is_reset)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 77");
	out(t, "R 77:77(0)");
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	ck_assert_ptr_nonnull(t->s);
}
TT_END

TT(reset_ends_a_handshake)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, "R 1:1(0)");
	ck_assert_int_eq(tcp_of(t->listener)->request_count, 0);
	wait_ms(t, 5000);
	quiet(t);
}
TT_END

TT(reset_with_another_number_does_not)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, "R 5000:5000(0)");
	ck_assert_int_eq(tcp_of(t->listener)->request_count, 1);
}
TT_END

TT(another_syn_resets_the_handshake)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, "S 100:100(0) <" OPTS ">");
	skip(t);
	ck_assert_int_eq(tcp_of(t->listener)->request_count, 0);
}
TT_END

TT(ack_out_of_window_is_answered)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 900000:900000(0) ack 1");
	out(t, ". 1:1(0) ack 1");
	ck_assert_int_eq(tcp_of(t->listener)->request_count, 1);
}
TT_END

TT(stray_segments_at_a_listener)
{
	tt_listen(t, 5);
	in(t, ". 1:1(0) ack 5");
	out(t, "R 5:5(0)");
	in(t, "S. 1:1(0) ack 5");
	out(t, "R 5:5(0)");
	in(t, "R 1:1(0)");
	in(t, "F 1:1(0)");
	in(t, "SF 1:1(0)");
	quiet(t);
	ck_assert_int_eq(t->w.w->flows.count, 0);
}
TT_END

TT(listener_that_closes_forgets_handshakes)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	tcp_close(t->listener, false);
	t->listener = NULL;
	wait_ms(t, 3000);
	quiet(t);
	in(t, ". 1:1(0) ack 1");
	out(t, "R 1:1(0)");
}
TT_END

TT(listener_that_closes_resets_what_nobody_accepted)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	tcp_close(t->listener, false);
	t->listener = NULL;
	out(t, "R. 1:1(0) ack 1");
	ck_assert_int_eq(t->w.w->flows.count, 0);
}
TT_END

TT(shutdown_of_a_listener)
{
	tt_listen(t, 5);
	ck_assert_int_eq(tcp_shutdown(t->listener, true, false), 0);
	ck_assert_int_eq(tcp_of(t->listener)->state, TCPS_CLOSE);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "R. 0:0(0) ack 1");
	ck_assert_int_eq(tcp_listen(t->listener, 5), 0);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
}
TT_END

TT(reset_before_accept)
{
	tt_listen(t, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	in(t, "R 1:1(0)");
	t->s = tt_accept(t);
	ck_assert_ptr_nonnull(t->s);
	ck_assert_int_eq(get(t, 1), -ECONNRESET);
}
TT_END

TT(options_are_inherited)
{
	tt_listen(t, 5);
	set_opt(t->listener, TCPO_NODELAY, 1);
	set_opt(t->listener, TCPO_KEEPIDLE, 77);
	set_opt(t->listener, TCPO_KEEPINTVL, 7);
	set_opt(t->listener, TCPO_KEEPCNT, 3);
	set_opt(t->listener, TCPO_USER_TIMEOUT, 9000);
	ck_assert_int_eq(tcp_setsockopt(t->listener, TCPO_CONGESTION, "reno", 4), 0);
	tcp_set_rcvbuf(t->listener, 30000);
	tt_passive(t, OPTS, 65535);
	ck_assert_int_eq(get_opt(t->s, TCPO_NODELAY), 1);
	ck_assert_int_eq(get_opt(t->s, TCPO_KEEPIDLE), 77);
	ck_assert_int_eq(get_opt(t->s, TCPO_KEEPINTVL), 7);
	ck_assert_int_eq(get_opt(t->s, TCPO_KEEPCNT), 3);
	ck_assert_int_eq(get_opt(t->s, TCPO_USER_TIMEOUT), 9000);
	ck_assert_ptr_eq(tt_tp(t)->cc, &tcp_reno);
	ck_assert_int_eq(t->s->rcvbuf, 30000);
}
TT_END

/* ---- queues ---- */

/* The peer's port i opens a connection; true if it got so far. */
static bool open_from(struct tt *t, u16 port, bool finish)
{
	struct tseg s;

	t->peer_port = port;
	t->isn_known = false;
	in(t, "S 0:0(0) <" OPTS ">");
	if (!take_any(t, &s))
		return false;
	ck_assert(s.flags == (TCP_SYN | TCP_ACK));
	if (finish)
		in(t, ". 1:1(0) ack 1");
	return true;
}

static u32 accept_all(struct tt *t)
{
	struct net_sock *sk;
	u32 n = 0;

	while ((sk = tt_accept(t))) {
		tcp_close(sk, true);
		n++;
	}
	skip(t);
	return n;
}

/* As Linux a backlog of n lets n + 1 wait. */
TT(accept_queue_is_bounded)
{
	tt_listen(t, 2);
	for (u16 i = 0; i < 3; i++)
		ck_assert(open_from(t, (u16)(1000 + i), true));
	ck_assert_int_eq(get_info(t->listener).unacked, 3);
	ck_assert_int_eq(get_info(t->listener).sacked, 2);
	ck_assert(!open_from(t, 2000, true));
	ck_assert_int_eq(mib_of(t->w.w, MIB_ListenOverflows), 1);
	ck_assert_int_eq(accept_all(t), 3);
	ck_assert(open_from(t, 2000, true));
	ck_assert_int_eq(accept_all(t), 1);
}
TT_END

TT(backlog_zero_lets_one_wait)
{
	tt_listen(t, 0);
	ck_assert(open_from(t, 1000, true));
	ck_assert(!open_from(t, 1001, true));
	ck_assert_int_eq(accept_all(t), 1);
}
TT_END

TT(last_ack_at_a_full_queue_is_taken_later)
{
	tt_listen(t, 0);
	ck_assert(open_from(t, 1000, false));
	u32 isn = t->isn;
	ck_assert(open_from(t, 1001, true));
	t->peer_port = 1000;
	t->isn = isn;
	in(t, ". 1:1(0) ack 1");
	quiet(t);
	ck_assert_int_eq(accept_all(t), 1);
	wait_ms(t, 1100);
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	ck_assert_int_eq(accept_all(t), 1);
}
TT_END

TT(backlog_changes)
{
	tt_listen(t, 0);
	ck_assert(open_from(t, 1000, true));
	ck_assert(!open_from(t, 1001, true));
	ck_assert_int_eq(tcp_listen(t->listener, 5), 0);
	ck_assert(open_from(t, 1001, true));
	ck_assert_int_eq(accept_all(t), 2);
}
TT_END

TT(listen_needs_a_closed_socket)
{
	tt_active(t, OPTS, 65535);
	ck_assert_int_eq(tcp_listen(t->s, 5), -EINVAL);
}
TT_END

TT(accept_needs_a_listener)
{
	struct net_sock *sk;

	t->s = tt_socket(t);
	ck_assert_int_eq(tcp_accept(t->s, &sk), -EINVAL);
}
TT_END

TT(listen_without_bind_chooses_a_port)
{
	t->listener = tt_socket(t);
	ck_assert_int_eq(tcp_listen(t->listener, 5), 0);
	ck_assert_int_ge(t->listener->ep.lport, 32768);
	t->port = t->listener->ep.lport;
	tt_passive(t, OPTS, 65535);
}
TT_END

TT(two_listeners_of_one_port)
{
	struct ip_addr any = IP4_ANY;

	tt_listen(t, 5);
	t->s = tt_socket(t);
	ck_assert_int_eq(sock_bind(t->s, &any, 80), -EADDRINUSE);
	t->s->ep.reuseaddr = true; /* not while one listens */
	ck_assert_int_eq(sock_bind(t->s, &any, 80), -EADDRINUSE);
}
TT_END

TT(reuseport_spreads_connections)
{
	struct net_sock *l[2];
	struct ip_addr any = IP4_ANY;
	u32 n[2] = {0, 0};

	for (int i = 0; i < 2; i++) {
		l[i] = tt_socket(t);
		l[i]->ep.reuseport = true;
		ck_assert_int_eq(sock_bind(l[i], &any, 80), 0);
		ck_assert_int_eq(tcp_listen(l[i], 100), 0);
	}
	for (u16 i = 0; i < 60; i++)
		ck_assert(open_from(t, (u16)(1000 + i), true));
	for (int i = 0; i < 2; i++) {
		t->listener = l[i];
		n[i] = accept_all(t);
		tcp_close(l[i], false);
	}
	t->listener = NULL;
	ck_assert_int_eq(n[0] + n[1], 60);
	ck_assert_int_ge(n[0], 10);
	ck_assert_int_ge(n[1], 10);
}
TT_END

TT(the_more_special_listener_wins)
{
	struct net_sock *special = tt_socket(t);
	struct ip_addr us = a4("10.0.0.1");

	tt_listen(t, 5);
	special->ep.reuseaddr = true;
	/* Linux refuses this with a listener on any; with SO_REUSEPORT on both it is allowed */
	t->listener->ep.reuseport = special->ep.reuseport = true;
	ck_assert_int_eq(sock_bind(special, &us, 80), 0);
	ck_assert_int_eq(tcp_listen(special, 5), 0);
	ck_assert(open_from(t, 1000, true));
	ck_assert_int_eq(accept_all(t), 0);
	tcp_close(t->listener, false);
	t->listener = special;
	ck_assert_int_eq(accept_all(t), 1);
}
TT_END

/* ---- cookies ---- */

static void flood(struct tt *t, u32 n)
{
	for (u16 i = 0; i < n; i++) {
		t->peer_port = (u16)(1000 + i);
		in(t, "S 0:0(0) <" ALL ">");
		skip(t);
	}
	t->isn_known = false;
}

TT(flood_is_answered_with_cookies)
{
	tt_listen(t, 16);
	flood(t, 200);
	ck_assert_int_le(tcp_of(t->listener)->request_count, 16);
	ck_assert_int_ge(mib_of(t->w.w, MIB_SyncookiesSent), 180);
	t->peer_port = 9999;
	in(t, "S 0:0(0) <" ALL ">");
	out(t, "S. 0:0(0) ack 1 <mss 1460, sackOK, ts * 1, wscale 10>");
	t->ts = true;
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	ck_assert_ptr_nonnull(t->s);
	ck_assert_int_eq(mib_of(t->w.w, MIB_SyncookiesRecv), 1);
	/* what the SYN agreed on came back in the timestamp */
	ck_assert(tt_tp(t)->sack_ok);
	ck_assert(tt_tp(t)->wscale_ok);
	ck_assert_int_eq(tt_tp(t)->snd_wscale, 7);
	ck_assert_int_eq(tt_tp(t)->peer_mss, 1460);
	in(t, "P. 1:1001(1000) ack 1");
	expect_get(t, 1000);
	expect_put(t, 1000);
	skip(t);
}
TT_END

TT(cookie_without_timestamps_has_no_options)
{
	tt_listen(t, 8);
	flood(t, 20);
	t->peer_port = 9999;
	in(t, "S 0:0(0) <mss 1300, sackOK, wscale 7>");
	out(t, "S. 0:0(0) ack 1 <mss 1460>");
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	ck_assert_ptr_nonnull(t->s);
	ck_assert(!tt_tp(t)->sack_ok);
	ck_assert(!tt_tp(t)->wscale_ok);
	ck_assert_int_eq(tt_tp(t)->peer_mss, 1300);
}
TT_END

TT(data_with_the_cookie)
{
	tt_listen(t, 8);
	flood(t, 20);
	t->peer_port = 9999;
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	in(t, "P. 1:101(100) ack 1");
	t->s = tt_accept(t);
	expect_get(t, 100);
	skip(t);
}
TT_END

TT(guessed_cookie)
{
	tt_listen(t, 8);
	flood(t, 20);
	t->peer_port = 9999;
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 5000");
	out(t, "R 5000:5000(0)");
	ck_assert_ptr_null(tt_accept(t));
	ck_assert_int_eq(mib_of(t->w.w, MIB_SyncookiesFailed), 1);
}
TT_END

TT(cookie_of_another_port)
{
	tt_listen(t, 8);
	flood(t, 20);
	t->peer_port = 9999;
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	t->peer_port = 9998;
	in(t, ". 1:1(0) ack 1");
	out(t, "R 1:1(0)");
}
TT_END

TT(old_cookie)
{
	tt_listen(t, 8);
	flood(t, 20);
	t->peer_port = 9999;
	in(t, "S 0:0(0) <mss 1460>");
	out(t, "S. 0:0(0) ack 1");
	wait_ms(t, 200000);
	skip(t);
	in(t, ". 1:1(0) ack 1");
	out(t, "R 1:1(0)");
}
TT_END

TT(without_cookies_syns_are_dropped)
{
	t->w.w->config.tcp_cookies = false;
	tt_listen(t, 8);
	flood(t, 20);
	t->peer_port = 9999;
	in(t, "S 0:0(0) <mss 1460>");
	quiet(t);
	ck_assert_int_eq(mib_of(t->w.w, MIB_SyncookiesSent), 0);
}
TT_END

TT(server_works_through_a_flood)
{
	tt_listen(t, 64);
	for (u16 i = 0; i < 2000; i++) {
		t->peer_port = (u16)(1000 + i);
		t->peer_isn = PEER_ISN + i * 77777U;
		in(t, "S 0:0(0) <" ALL ">");
		skip(t);
		if (i % 100 == 99) {
			t->ts = false;
			ck_assert(open_from(t, (u16)(20000 + i), true));
			ck_assert_int_eq(accept_all(t), 1);
		}
	}
	ck_assert_int_le(t->w.w->flows.count, 64);
}
TT_END

/* ---- TCP_DEFER_ACCEPT ---- */

TT(defer_accept_waits_for_data)
{
	tt_listen(t, 5);
	set_opt(t->listener, TCPO_DEFER_ACCEPT, 5);
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	ck_assert_ptr_null(tt_accept(t));
	in(t, "P. 1:11(10) ack 1");
	t->s = tt_accept(t);
	ck_assert_ptr_nonnull(t->s);
	expect_get(t, 10);
	skip(t);
}
TT_END

TT(defer_accept_gives_in)
{
	tt_listen(t, 5);
	set_opt(t->listener, TCPO_DEFER_ACCEPT, 3); /* two SYN-ACKs more: at one and three seconds */
	in(t, "S 0:0(0) <" OPTS ">");
	out(t, "S. 0:0(0) ack 1");
	in(t, ". 1:1(0) ack 1");
	for (int i = 0; i < 5 && !t->s; i++) {
		struct tseg s;
		wait_ms(t, 1000);
		if (take_any(t, &s))
			in(t, ". 1:1(0) ack 1");
		t->s = tt_accept(t);
	}
	ck_assert_ptr_nonnull(t->s);
}
TT_END

TT(defer_accept_counts_as_linux)
{
	tt_listen(t, 5);
	set_opt(t->listener, TCPO_DEFER_ACCEPT, 1);
	ck_assert_int_eq(get_opt(t->listener, TCPO_DEFER_ACCEPT), 1);
	set_opt(t->listener, TCPO_DEFER_ACCEPT, 5);
	ck_assert_int_eq(get_opt(t->listener, TCPO_DEFER_ACCEPT), 7);
	set_opt(t->listener, TCPO_DEFER_ACCEPT, 0);
	ck_assert_int_eq(get_opt(t->listener, TCPO_DEFER_ACCEPT), 0);
}
TT_END

CASE(case_tcp_listen, "tcp_listen", syn_ack_offers_what_the_syn_asked_for, syn_ack_offers_nothing_else,
     syn_ack_with_scale_only, listener_mss_is_announced, handshake, handshake_ipv6, ipv4_at_an_ipv6_listener,
     ipv4_at_an_ipv6_only_listener, data_with_the_last_ack, fin_with_the_last_ack,
     lost_last_ack_is_replaced_by_data, syn_again_is_answered_again, syn_ack_is_sent_five_times_more,
     wrong_last_ack_is_reset, reset_ends_a_handshake, reset_with_another_number_does_not,
     another_syn_resets_the_handshake, ack_out_of_window_is_answered, stray_segments_at_a_listener,
     listener_that_closes_forgets_handshakes, listener_that_closes_resets_what_nobody_accepted,
     shutdown_of_a_listener, reset_before_accept, options_are_inherited, accept_queue_is_bounded,
     backlog_zero_lets_one_wait, last_ack_at_a_full_queue_is_taken_later, backlog_changes,
     listen_needs_a_closed_socket, accept_needs_a_listener, listen_without_bind_chooses_a_port,
     two_listeners_of_one_port, reuseport_spreads_connections, the_more_special_listener_wins,
     flood_is_answered_with_cookies, cookie_without_timestamps_has_no_options, data_with_the_cookie,
     guessed_cookie, cookie_of_another_port, old_cookie, without_cookies_syns_are_dropped,
     server_works_through_a_flood, defer_accept_waits_for_data, defer_accept_gives_in,
     defer_accept_counts_as_linux)

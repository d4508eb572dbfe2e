/*
 * test_tcp_options.c - socket options, keep-alive, TCP_INFO, lines of /proc/net/tcp, congestion control's
 * choice.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/netstack/tcp_case.h"

#define OPTS "mss 1000"
#define ALL  "mss 1012, sackOK, ts 1 0, wscale 7"

static int set_raw(struct net_sock *sk, int name, int v)
{
	return tcp_setsockopt(sk, name, &v, sizeof(v));
}

TT(defaults)
{
	static const struct {
		int name, value;
	} all[] = {{TCPO_NODELAY, 0},      {TCPO_MAXSEG, 536},        {TCPO_CORK, 0},
		   {TCPO_KEEPIDLE, 7200},  {TCPO_KEEPINTVL, 75},      {TCPO_KEEPCNT, 9},
		   {TCPO_SYNCNT, 6},       {TCPO_LINGER2, 60},        {TCPO_DEFER_ACCEPT, 0},
		   {TCPO_WINDOW_CLAMP, 0}, {TCPO_QUICKACK, 1},        {TCPO_USER_TIMEOUT, 0},
		   {TCPO_FASTOPEN, 0},     {TCPO_NOTSENT_LOWAT, 0},   {TCPO_INQ, 0},
		   {TCPO_REPAIR, 0},       {TCPO_FASTOPEN_CONNECT, 0}};

	t->s = tt_socket(t);
	for (u32 i = 0; i < ARRAY_COUNT(all); i++)
		ck_assert_msg(get_opt(t->s, all[i].name) == all[i].value, "option %d: %d", all[i].name,
			      get_opt(t->s, all[i].name));
}
TT_END

TT(bounds)
{
	static const struct {
		int name, value, err;
	} all[] = {{TCPO_MAXSEG, 87, -EINVAL},
		   {TCPO_MAXSEG, 32768, -EINVAL},
		   {TCPO_MAXSEG, 0, 0},
		   {TCPO_KEEPIDLE, 0, -EINVAL},
		   {TCPO_KEEPIDLE, 32768, -EINVAL},
		   {TCPO_KEEPIDLE, 32767, 0},
		   {TCPO_KEEPINTVL, 0, -EINVAL},
		   {TCPO_KEEPINTVL, 1, 0},
		   {TCPO_KEEPCNT, 128, -EINVAL},
		   {TCPO_KEEPCNT, 127, 0},
		   {TCPO_SYNCNT, 0, -EINVAL},
		   {TCPO_SYNCNT, 128, -EINVAL},
		   {TCPO_USER_TIMEOUT, -1, -EINVAL},
		   {TCPO_REPAIR, 1, -EPERM},
		   {TCPO_INQ, 2, -EINVAL},
		   {TCPO_FASTOPEN, -1, -EINVAL},
		   {TCPO_FASTOPEN, 5, 0},
		   {TCPO_FASTOPEN_CONNECT, 1, -EOPNOTSUPP},
		   {TCPO_MD5SIG, 1, -ENOPROTOOPT},
		   {999, 1, -ENOPROTOOPT},
		   {TCPO_WINDOW_CLAMP, 0, 0}};

	t->s = tt_socket(t);
	for (u32 i = 0; i < ARRAY_COUNT(all); i++)
		ck_assert_msg(set_raw(t->s, all[i].name, all[i].value) == all[i].err, "option %d to %d: %d",
			      all[i].name, all[i].value, set_raw(t->s, all[i].name, all[i].value));
}
TT_END

TT(short_values)
{
	char c = 1;
	int v = 0;

	t->s = tt_socket(t);
	ck_assert_int_eq(tcp_setsockopt(t->s, TCPO_NODELAY, &c, 1), -EINVAL);
	set_opt(t->s, TCPO_KEEPIDLE, 0x1234);
	ck_assert_int_eq(tcp_getsockopt(t->s, TCPO_KEEPIDLE, &v, 2), 2);
	ck_assert_int_eq(v, 0x1234);
	ck_assert_int_eq(tcp_getsockopt(t->s, TCPO_KEEPIDLE, &v, 100), 4);
	ck_assert_int_eq(tcp_getsockopt(t->s, 999, &v, 4), -ENOPROTOOPT);
}
TT_END

TT(congestion_by_name)
{
	char name[32] = {0};

	t->s = tt_socket(t);
	ck_assert_int_eq(tcp_getsockopt(t->s, TCPO_CONGESTION, name, sizeof(name)), 16);
	ck_assert_str_eq(name, "cubic");
	ck_assert_int_eq(tcp_setsockopt(t->s, TCPO_CONGESTION, "bbr", 3), 0);
	ck_assert_int_eq(tcp_getsockopt(t->s, TCPO_CONGESTION, name, 16), 16);
	ck_assert_str_eq(name, "bbr");
	ck_assert_int_eq(tcp_setsockopt(t->s, TCPO_CONGESTION, "reno\0x", 6), 0);
	ck_assert_int_eq(tcp_setsockopt(t->s, TCPO_CONGESTION, "vegas", 5), -ENOENT);
	ck_assert_int_eq(tcp_setsockopt(t->s, TCPO_CONGESTION, "", 0), -EINVAL);
	ck_assert_int_eq(tcp_getsockopt(t->s, TCPO_CONGESTION, name, 3), 3);
}
TT_END

TT(congestion_changes_while_connected)
{
	tt_passive(t, OPTS, 65535);
	expect_put(t, 10000);
	skip(t);
	ck_assert_int_eq(tcp_setsockopt(t->s, TCPO_CONGESTION, "bbr", 3), 0);
	in(t, ". 1:1(0) ack 5001");
	ck_assert_int_eq(tcp_setsockopt(t->s, TCPO_CONGESTION, "cubic", 5), 0);
	in(t, ". 1:1(0) ack 10001");
	expect_put(t, 1000);
	wait_ms(t, 10);
	out(t, "P. 10001:11001(1000) ack 1");
}
TT_END

TT(maxseg_of_a_connection)
{
	tt_passive(t, ALL, 65535);
	ck_assert_int_eq(get_opt(t->s, TCPO_MAXSEG), 1000);
}
TT_END

TT(ulp_is_unknown)
{
	t->s = tt_socket(t);
	ck_assert_int_eq(tcp_setsockopt(t->s, TCPO_ULP, "tls", 4), -ENOENT);
}
TT_END

TT(buffers_have_least_sizes)
{
	t->s = tt_socket(t);
	tcp_set_rcvbuf(t->s, 1);
	tcp_set_sndbuf(t->s, 1);
	ck_assert_int_eq(t->s->rcvbuf, 2304);
	ck_assert_int_eq(t->s->sndbuf, 4608);
}
TT_END

/* ---- keep-alive ---- */

static void keep(struct tt *t)
{
	tt_passive(t, OPTS, 65535);
	set_opt(t->s, TCPO_KEEPIDLE, 10);
	set_opt(t->s, TCPO_KEEPINTVL, 2);
	set_opt(t->s, TCPO_KEEPCNT, 3);
	tcp_set_keepalive(t->s, true);
}

TT(keepalive_probes_and_gives_up)
{
	u64 begin;

	keep(t);
	begin = t->w.now;
	wait_ms(t, 9900);
	quiet(t);
	wait_ms(t, 200);
	out_after(t, ". 0:0(0) ack 1", begin, 10000, 10);
	wait_ms(t, 2000);
	out_after(t, ". 0:0(0) ack 1", begin, 12000, 10);
	wait_ms(t, 2000);
	out_after(t, ". 0:0(0) ack 1", begin, 14000, 10);
	expect_state(t, TCPS_ESTABLISHED);
	wait_ms(t, 2000);
	out(t, "R. 1:1(0) ack 1");
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(get(t, 1), -ETIMEDOUT);
}
TT_END

TT(keepalive_that_is_answered_goes_on)
{
	keep(t);
	for (int i = 0; i < 5; i++) {
		wait_ms(t, 10100);
		out(t, ". 0:0(0) ack 1");
		in(t, ". 1:1(0) ack 1");
		quiet(t);
	}
	expect_state(t, TCPS_ESTABLISHED);
}
TT_END

TT(traffic_puts_keepalive_off)
{
	keep(t);
	for (u32 i = 0; i < 4; i++) {
		char text[64];
		wait_ms(t, 8000);
		snprintf(text, sizeof(text), "P. %u:%u(10) ack 1", i * 10 + 1, i * 10 + 11);
		in(t, text);
		ck_assert_int_eq(drain(t), 1);
	}
	quiet(t);
}
TT_END

TT(keepalive_off_again)
{
	keep(t);
	tcp_set_keepalive(t->s, false);
	wait_ms(t, 60000);
	quiet(t);
}
TT_END

TT(keepalive_of_a_listener_is_inherited)
{
	tt_listen(t, 5);
	set_opt(t->listener, TCPO_KEEPIDLE, 5);
	tcp_set_keepalive(t->listener, true);
	tt_passive(t, OPTS, 65535);
	wait_ms(t, 5100);
	out(t, ". 0:0(0) ack 1");
}
TT_END

TT(keepalive_waits_while_data_is_out)
{
	keep(t);
	expect_put(t, 1000);
	skip(t);
	wait_ms(t, 11000);
	for (;;) {
		struct tseg s;
		if (!take_any(t, &s))
			break;
		ck_assert_int_eq(s.size, 1000); /* retransmissions, no probes */
	}
}
TT_END

TT(user_timeout_ends_keepalive)
{
	keep(t);
	set_opt(t->s, TCPO_USER_TIMEOUT, 11000);
	wait_ms(t, 10100);
	ck_assert_int_eq(drain(t), 1);
	wait_ms(t, 2100);
	expect_state(t, TCPS_CLOSE);
	ck_assert_int_eq(sock_take_error(t->s), -ETIMEDOUT);
	skip(t);
}
TT_END

TT(idle_connection_without_keepalive_lives)
{
	tt_passive(t, OPTS, 65535);
	wait_ms(t, 24ULL * 3600 * 1000);
	quiet(t);
	expect_state(t, TCPS_ESTABLISHED);
	in(t, "P. 1:11(10) ack 1");
	expect_get(t, 10);
	skip(t);
}
TT_END

/* ---- TCP_INFO ---- */

TT(info_of_a_fresh_socket)
{
	struct tcp_info_linux i;

	t->s = tt_socket(t);
	i = get_info(t->s);
	ck_assert_int_eq(i.state, TCPS_CLOSE);
	ck_assert_int_eq(i.snd_mss, 536);
	ck_assert_uint_eq(i.rto, 1000000);
	ck_assert_int_eq(i.snd_cwnd, 10);
	ck_assert_uint_eq(i.snd_ssthresh, 0x7fffffff);
}
TT_END

TT(info_of_a_connection)
{
	struct tcp_info_linux i;

	tt_passive(t, ALL, 600);
	expect_put(t, 3000);
	skip(t);
	wait_ms(t, 1);
	in(t, "P. 1:501(500) ack 3001 win 600");
	skip(t);
	i = get_info(t->s);
	ck_assert_int_eq(i.state, TCPS_ESTABLISHED);
	ck_assert_int_eq(i.options, TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE);
	ck_assert_int_eq(i.wscales, 7 | 10 << 4);
	ck_assert_int_eq(i.snd_mss, 1000);
	ck_assert_int_eq(i.advmss, 1460);
	ck_assert_int_eq(i.pmtu, 1500);
	ck_assert_int_eq(i.bytes_acked, 3000);
	ck_assert_int_eq(i.bytes_sent, 3000);
	ck_assert_int_eq(i.bytes_received, 500);
	ck_assert_int_eq(i.data_segs_out, 3);
	ck_assert_int_eq(i.data_segs_in, 1);
	ck_assert_int_eq(i.unacked, 0);
	ck_assert_int_eq(i.notsent_bytes, 0);
	ck_assert_int_eq(i.snd_wnd, 600 << 7);
	ck_assert_int_ge(i.rtt, 100);
	ck_assert_int_le(i.rtt, 1000);
	ck_assert_int_ge(i.rto, 200000);
	ck_assert_int_eq(i.busy_time, 1000);
	ck_assert_int_eq(i.delivered, 3);
	wait_ms(t, 500);
	i = get_info(t->s);
	ck_assert_int_ge(i.last_data_sent, 501);
	ck_assert_int_ge(i.last_data_recv, 500);
	ck_assert_int_ge(i.last_ack_recv, 500);
}
TT_END

TT(info_tells_what_the_window_costs)
{
	struct tcp_info_linux i;

	tt_passive(t, OPTS, 2000);
	expect_put(t, 6000);
	skip(t);
	wait_ms(t, 70);
	in(t, ". 1:1(0) ack 2001 win 10000");
	skip(t);
	i = get_info(t->s);
	ck_assert_int_ge(i.rwnd_limited, 69000);
	ck_assert_int_le(i.rwnd_limited, 71000);
}
TT_END

TT(info_is_cut_to_size)
{
	u8 b[300];

	t->s = tt_socket(t);
	memset(b, 0xee, sizeof(b));
	ck_assert_int_eq(tcp_getsockopt(t->s, TCPO_INFO, b, 104), 104);
	ck_assert_int_eq(b[104], 0xee);
	ck_assert_int_eq(tcp_getsockopt(t->s, TCPO_INFO, b, 300), sizeof(struct tcp_info_linux));
}
TT_END

/* ---- lines of /proc/net/tcp ---- */

static void first_line(struct net_ep *ep, void *arg)
{
	struct tcp_line *l = arg;

	if (!ep->listening)
		tcp_line(ep, l);
}

TT(line_of_a_listener)
{
	struct tcp_line l;

	tt_listen(t, 5);
	tcp_line(&t->listener->ep, &l);
	ck_assert_int_eq(l.state, TCPS_LISTEN);
	ck_assert_int_eq(l.backlog_max, 5);
	ck_assert_ptr_eq(l.owner, t);
}
TT_END

TT(line_of_a_request)
{
	struct tcp_line l = {0};

	tt_listen(t, 5);
	in(t, "S 0:0(0) <mss 1460>");
	skip(t);
	wait_ms(t, 1500);
	skip(t);
	sock_walk(t->w.w, first_line, &l);
	ck_assert_int_eq(l.state, TCPS_SYN_RECV);
	ck_assert_int_eq(l.retransmits, 1);
	ck_assert_int_eq(l.timer, 1);
}
TT_END

TT(line_of_a_connection)
{
	struct tcp_line l;

	tt_passive(t, OPTS, 65535);
	expect_put(t, 1500);
	in(t, "P. 1:101(100) ack 1");
	skip(t);
	tcp_line(&t->s->ep, &l);
	ck_assert_int_eq(l.state, TCPS_ESTABLISHED);
	ck_assert_int_eq(l.tx_queue, 1500);
	ck_assert_int_eq(l.rx_queue, 100);
	ck_assert_int_eq(l.timer, 1);
	ck_assert_int_gt(l.timer_left_ns, 0);
	ck_assert_int_eq(l.cwnd, 10);
}
TT_END

TT(line_of_time_wait)
{
	struct tcp_line l = {0};

	tt_passive(t, OPTS, 65535);
	tcp_close(t->s, false);
	t->s = NULL;
	skip(t);
	in(t, ". 1:1(0) ack 2");
	sock_walk(t->w.w, first_line, &l);
	ck_assert_int_eq(l.state, TCPS_FIN_WAIT2);
	in(t, "F. 1:1(0) ack 2");
	skip(t);
	sock_walk(t->w.w, first_line, &l);
	ck_assert_int_eq(l.state, TCPS_TIME_WAIT);
	ck_assert_int_eq(l.timer, 3);
	ck_assert_int_le(l.timer_left_ns / NSEC_PER_SEC, 60);
}
TT_END

TT(line_of_a_zero_window)
{
	struct tcp_line l;

	tt_passive(t, OPTS, 0);
	expect_put(t, 10);
	tcp_line(&t->s->ep, &l);
	ck_assert_int_eq(l.timer, 4);
	skip(t);
}
TT_END

/* ---- growth and reduction of the window ---- */

/* One round: everything is sent, waits, and is acknowledged by ACKs for two segments each. */
static u32 one_round(struct tt *t, u32 ms)
{
	struct tseg s;
	u32 first = 0, last = 0;
	char text[64];

	(void)put(t, 200000);
	for (bool any = false; take_any(t, &s); any = true) {
		if (!any)
			first = s.seq;
		last = s.end;
	}
	wait_ms(t, ms);
	for (u32 at = first + 2000; at < last + 2000; at += 2000) {
		snprintf(text, sizeof(text), ". 1:1(0) ack %u win 65535", at < last ? at : last);
		in(t, text);
	}
	return (last - first) / 1000;
}

static void grow(struct tt *t, const char *cc)
{
	t->w.w->config.tcp_congestion = !strcmp(cc, "reno") ? CC_RENO : CC_CUBIC;
	tt_passive(t, "mss 1000, wscale 7", 65535);
	tcp_set_sndbuf(t->s, 100000);
}

TT(slow_start_doubles)
{
	grow(t, "reno");
	ck_assert_int_eq(one_round(t, 50), 10);
	ck_assert_int_eq(one_round(t, 50), 20);
	ck_assert_int_eq(one_round(t, 50), 40);
	skip(t);
}
TT_END

TT(reno_adds_one_a_round)
{
	u32 before;

	grow(t, "reno");
	tt_tp(t)->ssthresh = 10000;
	before = tt_tp(t)->cwnd;
	for (u32 i = 1; i <= 5; i++) {
		one_round(t, 50);
		ck_assert_int_ge(tt_tp(t)->cwnd, before + (i - 1) * 1000);
		ck_assert_int_le(tt_tp(t)->cwnd, before + (i + 1) * 1000);
	}
	skip(t);
}
TT_END

/* RFC 9438: after a loss at W the window is W again after K = cbrt(0.3 W / 0.4) seconds, flat there, then
 * faster. */
TT(cubic_returns_in_k_seconds)
{
	u64 begin;
	u32 at_half, at_k = 0;

	grow(t, "cubic");
	tt_tp(t)->cwnd = 60000;
	tt_tp(t)->ssthresh = tt_tp(t)->cc->ssthresh(tt_tp(t));
	tt_tp(t)->cwnd = tt_tp(t)->ssthresh;
	ck_assert_int_eq(tt_tp(t)->cwnd, 42000);
	begin = t->w.now;
	while (t->w.now - begin < 1780 * MS)
		one_round(t, 200);
	at_half = tt_tp(t)->cwnd;
	while (t->w.now - begin < 3560 * MS)
		one_round(t, 200);
	at_k = tt_tp(t)->cwnd;
	ck_assert_int_ge(at_half, 55000); /* 60 - 0.4 * 1.78^3 = 57.7 */
	ck_assert_int_le(at_half, 60000);
	ck_assert_int_ge(at_k, 57000);
	ck_assert_int_le(at_k, 63000);
	skip(t);
}
TT_END

TT(window_does_not_grow_unused)
{
	tt_passive(t, OPTS, 65535);
	for (u32 i = 0; i < 30; i++) {
		char text[64];
		expect_put(t, 1000);
		skip(t);
		wait_ms(t, 10);
		snprintf(text, sizeof(text), ". 1:1(0) ack %u", i * 1000 + 1001);
		in(t, text);
	}
	ck_assert_int_le(tt_tp(t)->cwnd, 20000);
}
TT_END

TT(stretched_ack_grows_by_what_it_covers)
{
	grow(t, "reno");
	(void)put(t, 10000);
	ck_assert_int_eq(drain(t), 10);
	wait_ms(t, 50);
	in(t, ". 1:1(0) ack 10001");
	ck_assert_int_eq(tt_tp(t)->cwnd, 20000);
}
TT_END

TT(bbr_paces)
{
	struct tseg s;
	u64 last = 0;
	u32 bursts = 0, n = 0;

	t->w.w->config.tcp_congestion = CC_BBR;
	t->w.w->config.tcp_gso = false;
	tt_listen(t, 5);
	in(t, "S 0:0(0) <mss 1000, sackOK>");
	take(t);
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	tcp_set_sndbuf(t->s, 100000);
	expect_put(t, 20000);
	for (int i = 0; i < 100; i++) {
		wait_ms(t, 1);
		while (take_any(t, &s)) {
			bursts += s.at != last;
			last = s.at;
			n++;
		}
	}
	/* ten segments over about a third of the round trip */
	ck_assert_int_eq(n, 10);
	ck_assert_int_ge(bursts, 5);
}
TT_END

CASE(case_tcp_options, "tcp_options", defaults, bounds, short_values, congestion_by_name,
     congestion_changes_while_connected, maxseg_of_a_connection, ulp_is_unknown, buffers_have_least_sizes,
     keepalive_probes_and_gives_up, keepalive_that_is_answered_goes_on, traffic_puts_keepalive_off,
     keepalive_off_again, keepalive_of_a_listener_is_inherited, keepalive_waits_while_data_is_out,
     user_timeout_ends_keepalive, idle_connection_without_keepalive_lives, info_of_a_fresh_socket,
     info_of_a_connection, info_tells_what_the_window_costs, info_is_cut_to_size, line_of_a_listener,
     line_of_a_request, line_of_a_connection, line_of_time_wait, line_of_a_zero_window, slow_start_doubles,
     reno_adds_one_a_round, cubic_returns_in_k_seconds, window_does_not_grow_unused,
     stretched_ack_grows_by_what_it_covers, bbr_paces)

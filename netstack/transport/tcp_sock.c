/*
 * tcp_sock.c - the life of a TCP socket: making, closing, states, what poll sees.
 *
 * Owner and connection end separately. tcp_close() makes the connection an orphan that frees itself in
 * tcp_done(); while an owner is there, a dead connection stays as a socket in state CLOSE.
 */
#include "netstack/transport/tcp_priv.h"

#include <errno.h>

struct tcp_sock *tcp_sock_new(struct netstack *ns, bool v6)
{
	struct tcp_sock *tp = net_new(ns, struct tcp_sock);

	if (!tp)
		return NULL;
	sock_init(&tp->sk, ns, EP_TCP, PROTO_TCP, v6);
	tp->state = TCPS_CLOSE;
	tp->sk.rcvbuf = ns->config.tcp_rmem[1];
	tp->sk.sndbuf = ns->config.tcp_wmem[1];
	tp->rto = TCP_RTO_INIT;
	tp->cwnd = TCP_INIT_CWND * TCP_MSS_DEFAULT;
	tp->ssthresh = TCP_INFINITE;
	tp->mss = TCP_MSS_DEFAULT;
	tp->rcv_mss = TCP_MSS_DEFAULT;
	tp->min_rtt = TIME_NEVER;
	tp->rack.steps = 1;
	tp->max_pacing_rate = UINT64_MAX;
	tp->rcvlowat = 1;
	tp->keep_idle = 7200 * NSEC_PER_SEC;
	tp->keep_interval = 75 * NSEC_PER_SEC;
	tp->keep_count = 9;
	tp->linger2 = ns->config.tcp_fin_timeout_s * NSEC_PER_SEC;
	list_init(&tp->segs);
	list_init(&tp->ooo);
	list_init(&tp->accept_queue);
	list_init(&tp->accept_node);
	list_init(&tp->requests);
	tcp_timers_init(tp);
	tcp_set_cc(tp, tcp_cc_table[ns->config.tcp_congestion]);
	return tp;
}

int tcp_new(struct netstack *ns, bool v6, struct net_sock **out)
{
	struct tcp_sock *tp = tcp_sock_new(ns, v6);

	if (!tp)
		return -ENOMEM;
	*out = &tp->sk;
	return 0;
}

void tcp_init_buffers(struct tcp_sock *tp)
{
	struct netstack *ns = tcp_ns(tp);
	u32 want = 2 * max_t(u32, TCP_INIT_CWND * tp->mss, tp->cwnd);

	if (!tp->sndbuf_locked)
		tp->sk.sndbuf = min_t(u32, ns->config.tcp_wmem[2], max_t(u32, tp->sk.sndbuf, want));
	if (!tp->rcvbuf_locked && tp->sk.rcvbuf < 8 * tp->mss)
		tp->sk.rcvbuf = min_t(u32, ns->config.tcp_rmem[2], 8 * tp->mss);
	tp->drs.space = 0;
	tp->drs.seq = tp->copied_seq;
	tp->drs.since = tcp_now(tp);
}

void tcp_set_state(struct tcp_sock *tp, enum tcp_state state)
{
	struct netstack *ns = tcp_ns(tp);
	bool was = tp->state == TCPS_ESTABLISHED || tp->state == TCPS_CLOSE_WAIT;
	bool is = state == TCPS_ESTABLISHED || state == TCPS_CLOSE_WAIT;

	if (is && !was)
		ns->mib[MIB_TcpCurrEstab]++;
	else if (was && !is)
		ns->mib[MIB_TcpCurrEstab]--;
	tp->state = (u8)state;
}

void tcp_free(struct tcp_sock *tp)
{
	struct netstack *ns = tcp_ns(tp);

	if (tp->orphan)
		ns->orphan_count--;
	tcp_listen_stop(tp);
	tcp_timers_done(tp);
	tcp_segs_free(tp);
	datq_clear(ns, &tp->sndq);
	datq_clear(ns, &tp->rcvq);
	tcp_ooo_free(tp);
	list_del_init(&tp->accept_node);
	sock_done(&tp->sk);
	net_free(ns, tp);
}

/* A child that nobody accepted leaves its listener's queue. */
static void leave_listener(struct tcp_sock *tp)
{
	if (!tp->parent)
		return;
	list_del_init(&tp->accept_node);
	tp->parent->accept_count--;
	tp->parent = NULL;
}

void tcp_done(struct tcp_sock *tp, int error)
{
	struct netstack *ns = tcp_ns(tp);

	if (tp->state == TCPS_SYN_SENT || tp->state == TCPS_SYN_RECV)
		MIB(ns, TcpAttemptFails);
	tcp_set_state(tp, TCPS_CLOSE);
	tcp_timers_done(tp);
	tcp_timers_init(tp);
	tcp_segs_free(tp);
	datq_clear(ns, &tp->sndq);
	tp->snd_nxt = tp->write_seq = tp->snd_una;
	tp->sacked = tp->lost = tp->retrans = 0;
	tcp_ooo_free(tp);
	sock_flow_del(&tp->sk.ep);
	if (!tp->sk.ep.bound)
		sock_unbind(&tp->sk.ep);
	tp->sk.shut_read = tp->sk.shut_write = true;
	if (tp->orphan) {
		tcp_free(tp);
		return;
	}
	if (error)
		tp->sk.error = error;
	sock_event(&tp->sk, SOCK_IN | SOCK_OUT | SOCK_HUP | SOCK_RDHUP | (error ? SOCK_ERR : 0));
}

void tcp_free_orphan(struct net_ep *ep)
{
	if (ep->kind == EP_TCP_REQUEST)
		tcp_request_free(container_of(ep, struct tcp_request, ep));
	else if (ep->kind == EP_TCP_TIME_WAIT)
		tcp_time_wait_free(container_of(ep, struct tcp_time_wait, ep));
	else
		tcp_free(container_of(container_of(ep, struct net_sock, ep), struct tcp_sock, sk));
}

/* Queues our FIN. */
static void send_fin(struct tcp_sock *tp)
{
	if (tp->fin_wanted)
		return;
	tp->fin_wanted = true;
	tp->more = tp->cork = false;
	tcp_output(tp);
}

/* The state after our side has closed; false if no FIN is to be sent. */
static bool close_state(struct tcp_sock *tp)
{
	switch (tp->state) {
	case TCPS_SYN_RECV: /* our SYN comes first: FIN_WAIT1 when it is acknowledged */
		return true;
	case TCPS_ESTABLISHED:
		tcp_set_state(tp, TCPS_FIN_WAIT1);
		return true;
	case TCPS_CLOSE_WAIT:
		tcp_set_state(tp, TCPS_LAST_ACK);
		return true;
	default:
		return false;
	}
}

int tcp_shutdown(struct net_sock *sk, bool read, bool write)
{
	struct tcp_sock *tp = tcp_of(sk);

	if (tp->state == TCPS_CLOSE)
		return -ENOTCONN;
	net_tick(sk->ep.ns);
	if (tp->state == TCPS_LISTEN) {
		if (read) {
			tcp_listen_stop(tp);
			tcp_set_state(tp, TCPS_CLOSE);
			if (!sk->ep.bound)
				sock_unbind(&sk->ep);
			sock_event(sk, SOCK_IN | SOCK_OUT | SOCK_HUP | SOCK_RDHUP);
		}
		net_leave(sk->ep.ns);
		return 0;
	}
	sk->shut_read |= read;
	if (tp->state == TCPS_SYN_SENT) {
		if (write) {
			sk->shut_write = true;
			tcp_done(tp, 0);
		}
		net_leave(sk->ep.ns);
		return 0;
	}
	if (write && !sk->shut_write) {
		sk->shut_write = true;
		if (close_state(tp))
			send_fin(tp);
	}
	sock_event(sk, SOCK_IN | SOCK_OUT | SOCK_RDHUP | (sk->shut_read && sk->shut_write ? SOCK_HUP : 0));
	net_leave(sk->ep.ns);
	return 0;
}

/* In FIN_WAIT2 as an orphan: only so long is the peer waited for, at the end by a smaller object. `fin`: the
 * segment that acknowledges ours brings its own. False if tp is gone. */
bool tcp_fin_wait2(struct tcp_sock *tp, bool fin)
{
	u64 wait = max_t(u64, tp->linger2, tp->rto * 7 / 2);

	if (!tp->orphan)
		return true;
	if (tp->linger2_off) {
		tcp_send_reset(tp);
		tcp_done(tp, 0);
		return false;
	}
	if (fin) {
		tcp_keep_arm(tp, wait); /* should it not fit after all */
		return true;
	}
	if (wait > TCP_TIME_WAIT_NS) {
		tcp_keep_arm(tp, wait - TCP_TIME_WAIT_NS);
		return true;
	}
	tcp_time_wait(tp, true, wait);
	return false;
}

void tcp_fin_wait2_over(struct tcp_sock *tp)
{
	if (tp->linger2 > TCP_TIME_WAIT_NS)
		tcp_time_wait(tp, true, TCP_TIME_WAIT_NS);
	else
		tcp_done(tp, 0);
}

static void reset_now(struct tcp_sock *tp)
{
	if (tcp_synchronized(tp) && tp->state != TCPS_TIME_WAIT)
		tcp_send_reset(tp);
	tcp_done(tp, 0);
}

void tcp_close(struct net_sock *sk, bool reset)
{
	struct tcp_sock *tp = tcp_of(sk);
	struct netstack *ns = sk->ep.ns;
	bool unread = tp->rcvq.size - (tp->urg_state == 2 && tp->rcvq.size ? 1 : 0) > 0;

	net_tick(ns);
	sk->owner = NULL;
	sk->event = NULL;
	sk->shut_read = sk->shut_write = true;
	tp->orphan = true;
	ns->orphan_count++;
	leave_listener(tp);
	if (tp->state == TCPS_CLOSE || tp->state == TCPS_LISTEN || tp->state == TCPS_SYN_SENT) {
		tcp_free(tp);
	} else if (unread || reset) {
		/* RFC 2525, 2.17: data that nobody will read is refused */
		if (unread)
			MIB(ns, TCPAbortOnClose);
		else
			MIB(ns, TCPAbortOnData);
		reset_now(tp);
	} else {
		datq_clear(ns, &tp->rcvq);
		if (close_state(tp))
			send_fin(tp);
		else if (tp->state == TCPS_FIN_WAIT2)
			(void)!tcp_fin_wait2(tp, false); /* gone or not, it is not ours any more */
	}
	net_leave(ns);
}

bool tcp_drained(const struct net_sock *sk)
{
	const struct tcp_sock *tp = tcp_of_const(sk);

	return tp->state == TCPS_CLOSE || tp->state == TCPS_FIN_WAIT2 || tp->state == TCPS_TIME_WAIT ||
	       (!tp->sndq.size && tp->fin_sent && tp->snd_una == tp->snd_nxt);
}

int tcp_disconnect(struct net_sock *sk)
{
	struct tcp_sock *tp = tcp_of(sk);
	struct netstack *ns = sk->ep.ns;

	net_tick(ns);
	tcp_listen_stop(tp);
	if (tcp_synchronized(tp))
		tcp_send_reset(tp);
	tcp_done(tp, 0);
	datq_clear(ns, &tp->rcvq);
	sk->ep.raddr = sk->ep.v6 ? IP6_ANY : IP4_ANY;
	sk->ep.rport = 0;
	if (!sk->ep.bound) {
		sk->ep.laddr = sk->ep.raddr;
		sk->ep.lport = 0;
	}
	sk->shut_read = sk->shut_write = false;
	sk->error = 0;
	tp->fin_wanted = tp->fin_sent = tp->fin_received = false;
	tp->iss = tp->irs = 0;
	net_leave(ns);
	return 0;
}

static bool writable(struct tcp_sock *tp)
{
	u32 queued = tp->sndq.size, limit = tp->sk.sndbuf;

	if (tp->notsent_lowat && tcp_unsent(&tp->sk) >= tp->notsent_lowat)
		return false;
	return queued < limit && limit - queued >= queued / 2;
}

u32 tcp_poll(struct net_sock *sk)
{
	struct tcp_sock *tp = tcp_of(sk);
	u32 ev = 0;

	if (tp->state == TCPS_LISTEN)
		return list_empty(&tp->accept_queue) ? 0 : SOCK_IN;
	if ((sk->shut_read && sk->shut_write) || tp->state == TCPS_CLOSE)
		ev |= SOCK_HUP;
	if (sk->shut_read || tp->fin_received)
		ev |= SOCK_IN | SOCK_RDHUP;
	if (tp->state != TCPS_SYN_SENT && (tp->state != TCPS_SYN_RECV)) {
		if (tp->rcvq.size >= tp->rcvlowat)
			ev |= SOCK_IN;
		if (sk->shut_write || writable(tp))
			ev |= SOCK_OUT;
		else
			tp->nospace = true;
		if (tp->urg_state == 2)
			ev |= SOCK_PRI;
	}
	if (sk->error || !list_empty(&sk->errors))
		ev |= SOCK_ERR;
	return ev;
}

enum tcp_state tcp_state_of(const struct net_sock *sk)
{
	return (enum tcp_state)tcp_of_const(sk)->state;
}

u32 tcp_inq(const struct net_sock *sk)
{
	return tcp_of_const(sk)->rcvq.size;
}

u32 tcp_outq(const struct net_sock *sk)
{
	return tcp_of_const(sk)->sndq.size;
}

u32 tcp_unsent(const struct net_sock *sk)
{
	const struct tcp_sock *tp = tcp_of_const(sk);

	return seq_before(tp->snd_nxt, tp->write_seq) ? tp->write_seq - tp->snd_nxt : 0;
}

/*
 * tcp_connect.c - opening a connection: the SYN, its answer, simultaneous open.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"

/* RFC 6528: a clock of 64 ns steps plus a secret hash of the two ends. */
u32 tcp_isn(struct netstack *ns, const struct net_ep *ep)
{
	return (u32)sock_flow_hash(ns, PROTO_TCP, &ep->laddr, ep->lport, &ep->raddr, ep->rport) +
	       (u32)(ns->now >> 6);
}

u32 tcp_ts_offset(struct netstack *ns, const struct net_ep *ep)
{
	return (u32)(sock_flow_hash(ns, PROTO_TCP, &ep->laddr, 0, &ep->raddr, 0) >> 32);
}

static int check_connect(struct tcp_sock *tp)
{
	struct net_sock *sk = &tp->sk;

	switch (tp->state) {
	case TCPS_CLOSE:
		/* how the last attempt ended, if nobody has asked; an error of tcp_disconnect() is none of
		 * them */
		return sk->error && tp->iss ? sock_take_error(sk) : 0;
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECV:
		return -EALREADY;
	case TCPS_LISTEN:
		return -EISCONN;
	default:
		return -EISCONN;
	}
}

static int choose_ends(struct tcp_sock *tp, const struct ip_addr *addr, u32 port)
{
	struct net_sock *sk = &tp->sk;
	struct net_ep *ep = &sk->ep;
	struct netstack *ns = ep->ns;
	struct ip_addr dst = *addr, src = ep->bound ? ep->laddr : ip_is_v4(addr) ? IP4_ANY : IP6_ANY;
	int err;

	if (ip_is_any(&dst))
		dst = ip_is_v4(&dst) ? ip_v4(0x7f000001) : IP6_LOOP;
	if (ip_is_multicast(&dst) || ip_is_broadcast(&dst))
		return -ENETUNREACH;
	if (ip_is_v4(&dst) != ip_is_v4(&src)) {
		if (!ip_is_any(&src))
			return ip_is_v4(&dst) ? -ENETUNREACH : -EAFNOSUPPORT;
		src = ip_is_v4(&dst) ? IP4_ANY : IP6_ANY;
	}
	err = net_route_lookup(ns, &dst, &src, ep->bound_if, &sk->path);
	if (err)
		return err;
	if (sk->path.type == ROUTE_BROADCAST)
		return -EACCES;
	ep->raddr = dst;
	ep->rport = (u16)port;
	ep->laddr = sk->path.src;
	if (!ep->lport)
		return sock_connect_port(sk);
	if (sock_flow_find(ns, PROTO_TCP, &ep->laddr, ep->lport, &ep->raddr, ep->rport, 0))
		return -EADDRNOTAVAIL;
	return 0;
}

/* A socket may have been a connection before: nothing of that holds. What the user set stays. */
static void forget_last(struct tcp_sock *tp)
{
	datq_clear(tcp_ns(tp), &tp->rcvq);
	tp->fin_wanted = tp->fin_sent = tp->fin_received = tp->nospace = tp->urg_send = false;
	tp->snd_wnd = tp->max_wnd = tp->peer_mss = 0;
	tp->sacked = tp->lost = tp->retrans = tp->high_sacked = tp->dupacks = 0;
	tp->srtt = tp->rttvar = tp->min_rtt_at = tp->last_rtt = 0;
	tp->min_rtt = TIME_NEVER;
	tp->rto = TCP_RTO_INIT;
	tp->retries = tp->backoff = tp->probes = 0;
	tp->first_retry = tp->last_data_send = tp->last_data_recv = tp->pace_next = 0;
	tp->ca = CA_OPEN;
	tp->frto = FRTO_OFF;
	tp->undo_marked = tp->tlp_out = false;
	tp->prior_cwnd = tp->cwnd_used = tp->retrans_tsval = 0;
	tp->ssthresh = TCP_INFINITE;
	memset(&tp->rack, 0, sizeof(tp->rack));
	tp->rack.steps = 1;
	tp->delivered = tp->delivered_at = tp->first_sent = tp->lost_total = tp->app_limited = 0;
	tp->rate_delivered = tp->rate_interval = tp->pacing_rate = 0;
	tp->ecn = tp->sack_count = tp->urg_state = tp->quickacks = tp->pingpong = 0;
	tp->dsack_ok = tp->ack_now = tp->ack_wanted = tp->ecn_seen = false;
	memset(&tp->drs, 0, sizeof(tp->drs));
	tp->soft_error = 0;
	tp->bytes_acked = tp->bytes_received = tp->bytes_sent = tp->bytes_retrans = 0;
	tp->segs_in = tp->segs_out = tp->data_segs_in = tp->data_segs_out = 0;
	tp->total_retrans = tp->dsack_dups = tp->reord_seen = tp->ooo_packets = 0;
	tp->total_rto = tp->total_rto_recoveries = 0;
	tp->total_rto_time = tp->delivered_ce = 0;
	memset(tp->chrono, 0, sizeof(tp->chrono));
	tp->chrono_kind = CHRONO_NONE;
}

int tcp_connect(struct net_sock *sk, const struct ip_addr *addr, u32 port)
{
	struct tcp_sock *tp = tcp_of(sk);
	struct net_ep *ep = &sk->ep;
	struct netstack *ns = ep->ns;
	struct ip_addr old = ep->laddr;
	int err = check_connect(tp);

	if (err)
		return err;
	net_tick(ns);
	err = choose_ends(tp, addr, port);
	if (err) {
		ep->laddr = old;
		ep->raddr = ep->v6 ? IP6_ANY : IP4_ANY;
		ep->rport = 0;
		return err;
	}
	sk->shut_read = sk->shut_write = false;
	sk->error = 0;
	sock_flow_add(ep);
	forget_last(tp);
	tp->iss = tcp_isn(ns, ep);
	tp->ts_offset = tcp_ts_offset(ns, ep);
	tp->snd_una = tp->snd_nxt = tp->iss;
	tp->write_seq = tp->iss + 1;
	tp->ts_ok = ns->config.tcp_timestamps;
	tp->sack_ok = ns->config.tcp_sack;
	tp->wscale_ok = ns->config.tcp_wscale;
	tcp_update_mss(tp);
	tcp_initial_window(ns, tp->sk.rcvbuf, tp->rcvbuf_locked, tp->mss, tp->wscale_ok, &tp->rcv_adv,
			   &tp->rcv_wscale);
	tcp_set_state(tp, TCPS_SYN_SENT);
	MIB(ns, TcpActiveOpens);
	tcp_send_syn(tp);
	tp->snd_nxt = tp->iss + 1;
	tcp_arm(tp, RTX_RTO, tp->rto);
	net_leave(ns);
	if (tp->state == TCPS_ESTABLISHED || tp->state == TCPS_CLOSE_WAIT)
		return 0;
	if (tp->state == TCPS_CLOSE)
		return sk->error ? sock_take_error(sk) : -ECONNABORTED;
	return -EINPROGRESS;
}

/* The answer fits: take its options, and the connection is there. */
static void take_options(struct tcp_sock *tp, const struct tcp_in *in)
{
	tp->irs = in->seq;
	tp->rcv_nxt = in->seq + 1;
	tp->rcv_wup = tp->copied_seq = tp->last_ack_sent = tp->rcv_nxt;
	tp->rcv_adv = tp->rcv_nxt + tp->rcv_adv; /* held the size of the window until now */
	tp->peer_mss = in->o.mss_ok ? in->o.mss : TCP_MSS_DEFAULT;
	tp->ts_ok = tp->ts_ok && in->o.ts_ok;
	tp->sack_ok = tp->sack_ok && in->o.sack_ok;
	tp->wscale_ok = tp->wscale_ok && in->o.wscale_ok;
	tp->snd_wscale = tp->wscale_ok ? in->o.wscale : 0;
	if (!tp->wscale_ok)
		tp->rcv_wscale = 0;
	if (in->o.ts_ok) {
		tp->ts_recent = in->o.tsval;
		tp->ts_recent_at = tcp_now(tp);
	}
	tp->snd_wl1 = in->seq;
	tp->snd_wnd = in->window; /* never scaled in a SYN */
	tp->max_wnd = tp->snd_wnd;
	tcp_update_mss(tp);
	if ((in->flags & (TCP_ECE | TCP_CWR)) == TCP_ECE && tcp_ns(tp)->config.tcp_ecn == 1)
		tp->ecn |= 1;
}

void tcp_established(struct tcp_sock *tp)
{
	tp->cwnd = TCP_INIT_CWND * tp->mss;
	if (tp->total_retrans > 1 && !tp->srtt) /* the SYN was lost, and not by our impatience */
		tp->cwnd = tp->mss;
	tp->pushed_seq = tp->write_seq;
	tp->snd_sml = tp->snd_una;
	tp->rack.dsack_round = tp->high_sacked = tp->recovery_point =
	    tp->snd_una; /* numbers may begin anywhere */
	tp->delivered_at = tp->first_sent = tcp_now(tp);
	tp->last_recv = tp->last_ack_recv = tcp_now(tp);
	tp->rcv_mss = max_t(u32, min_t(u32, tp->mss, tp->window_clamp ? tp->window_clamp / 2 : tp->mss),
			    TCP_MSS_DEFAULT);
	tcp_init_buffers(tp);
	tcp_set_state(tp, TCPS_ESTABLISHED);
	tp->cc->init(tp);
	tcp_update_pacing(tp);
	if (tp->keepalive)
		tcp_keep_arm(tp, tp->keep_idle);
	if (tp->sk.path.nif)
		neigh_confirm(tp->sk.path.nif, &tp->sk.path.next_hop);
}

static void rtt_of_syn(struct tcp_sock *tp, const struct tcp_in *in)
{
	u64 rtt;

	if (tp->ts_ok && in->o.ts_ok && in->o.tsecr)
		rtt = (u64)(tcp_ts_now(tp) - in->o.tsecr) * MS + (tp->retries ? 0 : 1000);
	else if (!tp->retries)
		rtt = tcp_now(tp) - tp->last_send;
	else
		return;
	tcp_rtt_sample(tp, rtt, rtt);
}

void tcp_syn_sent(struct tcp_sock *tp, struct tcp_in *in)
{
	struct netstack *ns = tcp_ns(tp);

	if (in->flags & TCP_ACK) {
		if (seq_after(in->ack, tp->snd_nxt) || !seq_after(in->ack, tp->snd_una)) {
			if (!(in->flags & TCP_RST))
				tcp_reply_reset(ns, in);
			return;
		}
		if (tp->ts_ok && in->o.ts_ok && in->o.tsecr && seq_after(in->o.tsecr, tcp_ts_now(tp))) {
			MIB(ns, PAWSActive);
			tcp_reply_reset(ns, in);
			return;
		}
		if (in->flags & TCP_RST) {
			tcp_done(tp, ECONNREFUSED);
			return;
		}
		if (!(in->flags & TCP_SYN))
			return;
		take_options(tp, in);
		tp->snd_una = in->ack;
		rtt_of_syn(tp, in);
		net_timer_cancel(&tp->rtx);
		tp->rtx_kind = RTX_NONE;
		tp->retries = tp->backoff = 0;
		tp->first_retry = 0;
		tcp_established(tp);
		if (in->size) { /* data with the SYN: legal, and kept */
			in->seq++;
			in->flags &= (u8)~TCP_SYN;
			tcp_data_in(tp, in);
		}
		tp->ack_now = true;
		sock_event(&tp->sk, SOCK_OUT);
		/* as Linux: with data waiting or a deferred peer the ACK may ride on it; else at once */
		if (tp->write_seq != tp->snd_nxt)
			tcp_output(tp);
		if (tp->ack_now)
			tcp_send_ack(tp);
		return;
	}
	if (in->flags & TCP_RST)
		return;
	if (in->flags & TCP_SYN) { /* both opened at once */
		take_options(tp, in);
		tp->snd_una = tp->iss;
		tcp_set_state(tp, TCPS_SYN_RECV);
		tp->retries = 0;
		tcp_send_syn(tp);
		tcp_arm(tp, RTX_RTO, tp->rto);
	}
}

void tcp_send_syn(struct tcp_sock *tp)
{
	struct netstack *ns = tcp_ns(tp);
	u8 flags = tp->state == TCPS_SYN_RECV ? TCP_SYN | TCP_ACK : TCP_SYN;

	if (flags == TCP_SYN && ns->config.tcp_ecn == 1 && tp->retries < 2)
		flags |= TCP_ECE | TCP_CWR;
	if (tp->retries) {
		MIB(ns, TCPSynRetrans);
		MIB(ns, TcpRetransSegs);
		tp->total_retrans++;
	}
	/* a packet that cannot be sent is tried again by the timer; "unreachable" comes back as an error
	 * there */
	(void)tcp_transmit(tp, tp->iss, 0, flags, false);
	tp->last_send = ns->now;
}

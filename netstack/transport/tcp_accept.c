/*
 * tcp_accept.c - listening: SYNs, handshakes, the queue of finished connections.
 *
 * A SYN makes a struct tcp_request, found by its flow like a socket. The final ACK turns it into a connection
 * in the listener's accept queue, unless that is full: then the ACK is forgotten and the SYN-ACK sent again
 * later. When there are as many requests as the backlog allows, no more state is kept: the SYN-ACK carries a
 * cookie.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"

#define TS_OPTION_BITS 6U /* of the timestamp in a cookie: window scale 4, SACK 1, ECN 1 */
#define TS_NO_WSCALE   15U

int tcp_listen(struct net_sock *sk, int backlog)
{
	struct tcp_sock *tp = tcp_of(sk);
	struct netstack *ns = sk->ep.ns;
	int err;

	if (tp->state != TCPS_CLOSE && tp->state != TCPS_LISTEN)
		return -EINVAL;
	tp->backlog = min_t(u32, (u32)backlog, ns->config.somaxconn);
	if (tp->state == TCPS_LISTEN)
		return 0;
	if (!sk->ep.port_node.at) {
		err = sock_bind(sk, &sk->ep.laddr, 0);
		if (err)
			return err;
		sk->ep.bound = false;
	} else {
		/* two may share a port while neither listens */
		struct ip_addr addr = sk->ep.laddr;
		u32 port = sk->ep.lport;
		bool was = sk->ep.bound;
		sock_unbind(&sk->ep);
		sk->ep.listening = true;
		err = sock_bind(sk, &addr, port);
		sk->ep.bound = was;
		if (err) {
			sk->ep.listening = false;
			sk->ep.laddr = addr;
			sk->ep.lport = (u16)port;
			sock_share_port(&sk->ep);
			return err;
		}
	}
	sk->ep.listening = true;
	sk->shut_read = sk->shut_write = false;
	tcp_set_state(tp, TCPS_LISTEN);
	net_hash_add(ns, &ns->listeners, &sk->ep.flow_node, sock_port_hash(PROTO_TCP, sk->ep.lport));
	return 0;
}

void tcp_listen_stop(struct tcp_sock *tp)
{
	struct netstack *ns = tcp_ns(tp);

	if (tp->state != TCPS_LISTEN)
		return;
	net_hash_del(&ns->listeners, &tp->sk.ep.flow_node);
	tp->sk.ep.listening = false;
	while (!list_empty(&tp->requests))
		tcp_request_free(list_first_entry(&tp->requests, struct tcp_request, node));
	while (!list_empty(&tp->accept_queue)) {
		struct tcp_sock *child = list_first_entry(&tp->accept_queue, struct tcp_sock, accept_node);
		list_del_init(&child->accept_node);
		tp->accept_count--;
		child->parent = NULL;
		if (!child->orphan) {
			child->orphan = true;
			ns->orphan_count++;
		}
		if (tcp_synchronized(child))
			tcp_send_reset(child);
		tcp_done(child, 0);
	}
}

int tcp_accept(struct net_sock *sk, struct net_sock **out)
{
	struct tcp_sock *tp = tcp_of(sk), *child;

	if (tp->state != TCPS_LISTEN)
		return -EINVAL;
	if (list_empty(&tp->accept_queue))
		return -EAGAIN;
	child = list_first_entry(&tp->accept_queue, struct tcp_sock, accept_node);
	list_del_init(&child->accept_node);
	tp->accept_count--;
	child->parent = NULL;
	*out = &child->sk;
	return 0;
}

void tcp_request_free(struct tcp_request *r)
{
	net_timer_done(&r->timer);
	if (r->listener) {
		list_del_init(&r->node);
		r->listener->request_count--;
	}
	sock_flow_del(&r->ep);
	net_free(r->ep.ns, r);
}

static void fill_ep(struct net_ep *ep, const struct tcp_sock *listener, const struct tcp_in *in, u8 kind)
{
	const struct net_ep *l = &listener->sk.ep;
	/* a link-local peer means nothing without its device */
	bool local = !ip_is_v4(&in->p->src) && ip_is_linklocal(&in->p->src);

	*ep = (struct net_ep){.ns = l->ns,
			      .kind = kind,
			      .proto = PROTO_TCP,
			      .v6 = l->v6,
			      .v6only = l->v6only,
			      .reuseaddr = l->reuseaddr,
			      .reuseport = l->reuseport,
			      .lport = in->p->dport,
			      .rport = in->p->sport,
			      .bound_if = local && !l->bound_if ? in->p->ifindex : l->bound_if,
			      .uid = l->uid,
			      .gid = l->gid,
			      .laddr = in->p->dst,
			      .raddr = in->p->src};
}

static u16 our_mss(struct netstack *ns, const struct net_ep *ep, u16 user_mss)
{
	struct net_path path;

	if (net_route_lookup(ns, &ep->raddr, &ep->laddr, ep->bound_if, &path))
		return TCP_MSS_DEFAULT;
	return (u16)tcp_advertised_mss(ns, &path, user_mss);
}

static void send_syn_ack(struct tcp_request *r)
{
	struct netstack *ns = r->ep.ns;
	u32 ts = (u32)(ns->now / MS) + r->ts_offset;
	u8 opts[40], flags = TCP_SYN | TCP_ACK | (r->ecn_ok ? TCP_ECE : 0);
	u32 n = tcp_syn_options(opts, our_mss(ns, &r->ep, r->listener ? r->listener->user_mss : 0),
				r->wscale_ok ? r->rcv_wscale : -1, r->sack_ok, r->ts_ok, ts, r->ts_recent);
	struct pkt about = {.ns = ns,
			    .nif = netif_by_index(ns, r->ep.bound_if),
			    .src = r->ep.raddr,
			    .dst = r->ep.laddr,
			    .sport = r->ep.rport,
			    .dport = r->ep.lport};
	struct tcp_in in = {.p = &about};

	tcp_reply(ns, &in, r->snd_isn, r->rcv_isn + 1, flags, min_t(u32, r->rcv_wnd, 65535), opts, n,
		  r->listener ? r->listener->sk.tos : 0);
}

static void request_timer(struct net_timer *t)
{
	struct tcp_request *r = container_of(t, struct tcp_request, timer);
	struct netstack *ns = t->ns;
	u32 limit = r->listener->syn_count ? r->listener->syn_count : ns->config.tcp_synack_retries;

	/* a bare ACK came and is held back (TCP_DEFER_ACCEPT): once more, then it is taken as it is */
	if (r->tries >= limit) {
		MIB(ns, TcpAttemptFails);
		tcp_request_free(r);
		return;
	}
	r->tries++;
	MIB(ns, TcpRetransSegs);
	send_syn_ack(r);
	net_timer_arm(t, ns->now + (NSEC_PER_SEC << min_t(u32, r->tries, 6)));
}

static void take_syn(struct tcp_request *r, const struct tcp_sock *l, const struct tcp_in *in)
{
	struct netstack *ns = r->ep.ns;
	u32 mss = our_mss(ns, &r->ep, l->user_mss);

	r->rcv_isn = in->seq;
	r->mss = in->o.mss_ok ? in->o.mss : TCP_MSS_DEFAULT;
	r->sack_ok = in->o.sack_ok && ns->config.tcp_sack;
	r->ts_ok = in->o.ts_ok && ns->config.tcp_timestamps;
	r->wscale_ok = in->o.wscale_ok && ns->config.tcp_wscale;
	r->snd_wscale = in->o.wscale;
	r->ts_recent = in->o.tsval;
	r->ts_offset = tcp_ts_offset(ns, &r->ep);
	r->ecn_ok = (in->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR) && ns->config.tcp_ecn && !in->ce;
	tcp_initial_window(ns, max_t(u32, l->sk.rcvbuf, l->rcvbuf_locked ? 0 : 8 * mss), l->rcvbuf_locked,
			   mss, r->wscale_ok, &r->rcv_wnd, &r->rcv_wscale);
}

/* Answers a SYN without keeping anything. */
static void send_cookie(struct tcp_sock *l, const struct tcp_in *in)
{
	struct netstack *ns = tcp_ns(l);
	struct tcp_request r = {0};
	u32 now = (u32)(ns->now / MS), bits;

	fill_ep(&r.ep, l, in, EP_TCP_REQUEST);
	take_syn(&r, l, in);
	r.listener = l;
	r.snd_isn = tcp_cookie_make(ns, &r.ep, in->seq, &r.mss);
	if (r.ts_ok) {
		/* options in the lower bits, and never ahead of the clock */
		bits = (r.wscale_ok ? r.snd_wscale : TS_NO_WSCALE) | (u32)r.sack_ok << 4 | (u32)r.ecn_ok << 5;
		r.ts_offset = 0;
		now = ((now >> TS_OPTION_BITS) << TS_OPTION_BITS) | bits;
		if (now > (u32)(ns->now / MS))
			now -= 1U << TS_OPTION_BITS;
		r.ts_offset = now - (u32)(ns->now / MS);
	} else {
		r.wscale_ok = r.sack_ok = r.ecn_ok = false;
	}
	MIB(ns, SyncookiesSent);
	send_syn_ack(&r);
}

static void new_request(struct tcp_sock *l, struct tcp_in *in)
{
	struct netstack *ns = tcp_ns(l);
	struct tcp_request *r;

	if (l->accept_count > l->backlog) {
		MIB(ns, ListenOverflows);
		MIB(ns, ListenDrops);
		return;
	}
	if (l->request_count >= max_t(u32, l->backlog, 8)) {
		if (ns->config.tcp_cookies) {
			MIB(ns, TCPReqQFullDoCookies);
			send_cookie(l, in);
		} else {
			MIB(ns, TCPReqQFullDrop);
			MIB(ns, ListenDrops);
		}
		return;
	}
	r = net_new(ns, struct tcp_request);
	if (!r) {
		MIB(ns, ListenDrops);
		return;
	}
	fill_ep(&r->ep, l, in, EP_TCP_REQUEST);
	take_syn(r, l, in);
	r->listener = l;
	r->snd_isn = tcp_isn(ns, &r->ep);
	r->started = ns->now;
	net_timer_init(&r->timer, ns, request_timer);
	list_add_tail(&r->node, &l->requests);
	l->request_count++;
	sock_flow_add(&r->ep);
	net_timer_arm(&r->timer, ns->now + NSEC_PER_SEC);
	send_syn_ack(r);
}

static void rtt_of_handshake(struct tcp_sock *tp, const struct tcp_request *r, const struct tcp_in *in)
{
	u64 rtt;

	if (!r->started)
		return;
	if (!r->tries)
		rtt = tcp_now(tp) - r->started;
	else if (r->ts_ok && in->o.ts_ok && in->o.tsecr)
		rtt = (u64)(tcp_ts_now(tp) - in->o.tsecr) * MS;
	else
		return;
	tcp_rtt_sample(tp, rtt, rtt);
}

/* The connection that a finished handshake makes, in the accept queue; NULL without memory. */
static struct tcp_sock *make_child(struct tcp_sock *l, struct tcp_request *r, const struct tcp_in *in)
{
	struct netstack *ns = tcp_ns(l);
	struct tcp_sock *tp = tcp_sock_new(ns, l->sk.ep.v6);

	if (!tp)
		return NULL;
	fill_ep(&tp->sk.ep, l, in, EP_TCP);
	tp->sk.ep.flow_node = (struct net_hnode){0};
	tp->sk.sndbuf = l->sk.sndbuf;
	tp->sk.rcvbuf = l->sk.rcvbuf;
	tp->sndbuf_locked = l->sndbuf_locked;
	tp->rcvbuf_locked = l->rcvbuf_locked;
	tp->sk.tos = l->sk.tos;
	tp->sk.tclass = l->sk.tclass;
	tp->sk.ttl = l->sk.ttl;
	tp->sk.hops = l->sk.hops;
	tp->sk.pmtudisc = l->sk.pmtudisc;
	tp->sk.opts = l->sk.opts;
	tp->sk.recverr = l->sk.recverr;
	tp->sk.filter = net_filter_get(l->sk.filter);
	tp->nodelay = l->nodelay;
	tp->cork = l->cork;
	tp->keepalive = l->keepalive;
	tp->keep_idle = l->keep_idle;
	tp->keep_interval = l->keep_interval;
	tp->keep_count = l->keep_count;
	tp->user_timeout = l->user_timeout;
	tp->linger2 = l->linger2;
	tp->user_mss = l->user_mss;
	tp->rcvlowat = l->rcvlowat;
	tp->oobinline = l->oobinline;
	tp->notsent_lowat = l->notsent_lowat;
	tcp_set_cc(tp, l->cc);
	tp->iss = r->snd_isn;
	tp->snd_una = tp->snd_nxt = tp->write_seq = r->snd_isn + 1;
	tp->irs = r->rcv_isn;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = tp->last_ack_sent = r->rcv_isn + 1;
	tp->rcv_adv = tp->rcv_nxt + r->rcv_wnd;
	tp->snd_wl1 = in->seq;
	tp->ts_ok = r->ts_ok;
	tp->sack_ok = r->sack_ok;
	tp->wscale_ok = r->wscale_ok;
	tp->snd_wscale = r->wscale_ok ? r->snd_wscale : 0;
	tp->rcv_wscale = r->wscale_ok ? r->rcv_wscale : 0;
	tp->snd_wnd = in->window << tp->snd_wscale;
	tp->max_wnd = tp->snd_wnd;
	tp->ts_recent = r->ts_ok && in->o.ts_ok ? in->o.tsval : r->ts_recent;
	tp->ts_recent_at = ns->now;
	tp->ts_offset = r->ts_offset;
	tp->peer_mss = r->mss;
	tp->ecn = r->ecn_ok;
	tp->total_retrans = r->tries;
	if (tcp_route(tp) == 0) /* without a way there are no segments either */
		tcp_update_mss(tp);
	rtt_of_handshake(tp, r, in);
	tcp_established(tp);
	sock_share_port(&tp->sk.ep);
	MIB(ns, TcpPassiveOpens);
	return tp;
}

static void enqueue_child(struct tcp_sock *l, struct tcp_sock *tp)
{
	sock_flow_add(&tp->sk.ep);
	tp->parent = l;
	list_add_tail(&tp->accept_node, &l->accept_queue);
	l->accept_count++;
	sock_event(&l->sk, SOCK_IN);
}

void tcp_request_input(struct tcp_request *r, struct tcp_in *in)
{
	struct netstack *ns = r->ep.ns;
	struct tcp_sock *l = r->listener, *tp;
	bool old_ts = r->ts_ok && in->o.ts_ok && seq_before(in->o.tsval, r->ts_recent);

	if ((in->flags & TCP_SYN) && in->seq == r->rcv_isn && !(in->flags & (TCP_ACK | TCP_RST))) {
		if (!old_ts)
			send_syn_ack(r); /* our answer was lost */
		return;
	}
	if (in->flags & TCP_RST) {
		if (in->seq == r->rcv_isn + 1) {
			MIB(ns, TcpAttemptFails);
			tcp_request_free(r);
		}
		return;
	}
	if (old_ts || seq_before(in->seq, r->rcv_isn + 1) ||
	    seq_after(in->seq, r->rcv_isn + 1 + r->rcv_wnd)) {
		u8 opts[12];
		u32 n =
		    r->ts_ok ? tcp_put_timestamps(opts, (u32)(ns->now / MS) + r->ts_offset, r->ts_recent) : 0;
		tcp_reply(ns, in, r->snd_isn + 1, r->rcv_isn + 1, TCP_ACK, r->rcv_wnd >> r->rcv_wscale, opts,
			  n, 0);
		return;
	}
	if (in->flags & TCP_SYN) {
		tcp_reply_reset(ns, in);
		tcp_request_free(r);
		return;
	}
	if (!(in->flags & TCP_ACK))
		return;
	if (in->ack != r->snd_isn + 1) {
		tcp_reply_reset(ns, in);
		return;
	}
	if (l->defer_accept && !in->size && !(in->flags & TCP_FIN) && r->tries < l->defer_accept) {
		r->acked = true;
		MIB(ns, TCPDeferAcceptDrop);
		return;
	}
	if (l->accept_count > l->backlog) {
		r->acked = true;
		MIB(ns, ListenOverflows);
		return;
	}
	tp = make_child(l, r, in);
	if (!tp) {
		MIB(ns, ListenDrops);
		return;
	}
	tcp_request_free(r);
	enqueue_child(l, tp);
	tcp_process(tp, in);
}

/* An ACK without a request: perhaps the answer to a cookie. */
static bool cookie_ack(struct tcp_sock *l, struct tcp_in *in)
{
	struct netstack *ns = tcp_ns(l);
	struct tcp_request r = {0};
	struct tcp_sock *tp;
	u32 bits, mss;

	if (!ns->mib[MIB_SyncookiesSent])
		return false;
	fill_ep(&r.ep, l, in, EP_TCP_REQUEST);
	r.rcv_isn = in->seq - 1;
	r.snd_isn = in->ack - 1;
	r.mss = tcp_cookie_check(ns, &r.ep, r.rcv_isn, r.snd_isn);
	if (!r.mss) {
		MIB(ns, SyncookiesFailed);
		return false;
	}
	MIB(ns, SyncookiesRecv);
	r.ts_ok = in->o.ts_ok && ns->config.tcp_timestamps;
	if (r.ts_ok) {
		bits = in->o.tsecr & ((1U << TS_OPTION_BITS) - 1);
		r.wscale_ok = (bits & 15) != TS_NO_WSCALE && ns->config.tcp_wscale;
		r.snd_wscale = bits & 15;
		r.sack_ok = (bits >> 4 & 1) && ns->config.tcp_sack;
		r.ecn_ok = bits >> 5 & 1;
	}
	mss = our_mss(ns, &r.ep, l->user_mss);
	tcp_initial_window(ns, max_t(u32, l->sk.rcvbuf, l->rcvbuf_locked ? 0 : 8 * mss), l->rcvbuf_locked,
			   mss, r.wscale_ok, &r.rcv_wnd, &r.rcv_wscale);
	if (l->accept_count > l->backlog) {
		MIB(ns, ListenOverflows);
		return true;
	}
	tp = make_child(l, &r, in);
	if (!tp)
		return true;
	enqueue_child(l, tp);
	tcp_process(tp, in);
	return true;
}

void tcp_listen_input(struct tcp_sock *l, struct tcp_in *in)
{
	struct netstack *ns = tcp_ns(l);

	if (in->flags & TCP_RST)
		return;
	if (in->flags & TCP_ACK) {
		if ((in->flags & TCP_SYN) || !cookie_ack(l, in))
			tcp_reply_reset(ns, in);
		return;
	}
	if (!(in->flags & TCP_SYN) || (in->flags & TCP_FIN))
		return;
	if (in->p->broadcast || !ip_is_unicast(&in->p->src) || !ip_is_unicast(&in->p->dst))
		return;
	new_request(l, in);
}

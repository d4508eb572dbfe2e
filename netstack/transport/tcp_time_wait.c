/*
 * tcp_time_wait.c - connections that are over, for a minute more: so that a lost last ACK can be sent again
 * and old segments meet somebody who knows them. A small object takes the socket's place.
 *
 * It also waits for the FIN of a peer whose connection nobody here owns any more (fin_wait2); data is reset
 * then.
 *
 * A new SYN may open the connection anew if its timestamp is newer, or its sequence number is beyond the old
 * ones (RFC 6191). A RST is ignored (RFC 1337).
 */
#include "netstack/transport/tcp_priv.h"

#define TIME_WAIT_MAX 65536U

static void expire(struct net_timer *t)
{
	tcp_time_wait_free(container_of(t, struct tcp_time_wait, timer));
}

void tcp_time_wait_free(struct tcp_time_wait *tw)
{
	struct netstack *ns = tw->ep.ns;

	net_timer_done(&tw->timer);
	sock_flow_del(&tw->ep);
	sock_unbind(&tw->ep);
	ns->tw_count--;
	net_free(ns, tw);
}

void tcp_time_wait(struct tcp_sock *tp, bool fin_wait2, u64 wait)
{
	struct netstack *ns = tcp_ns(tp);
	struct tcp_time_wait *tw = ns->tw_count < TIME_WAIT_MAX ? net_new(ns, struct tcp_time_wait) : NULL;

	if (tw) {
		tw->ep = tp->sk.ep;
		tw->ep.kind = EP_TCP_TIME_WAIT;
		tw->ep.listening = false;
		tw->ep.flow_node = tw->ep.port_node = (struct net_hnode){0};
		tw->rcv_nxt = tp->rcv_nxt;
		tw->snd_nxt = tp->snd_nxt;
		tw->rcv_wnd = tcp_select_window(tp);
		tw->ts_recent = tp->ts_recent;
		tw->ts_recent_at = tp->ts_recent_at;
		tw->ts_offset = tp->ts_offset;
		tw->ts_ok = tp->ts_ok;
		tw->rcv_wscale = tp->rcv_wscale;
		tw->tos = tp->sk.tos;
		tw->fin_wait2 = fin_wait2;
		net_timer_init(&tw->timer, ns, expire);
		ns->tw_count++;
		sock_flow_del(&tp->sk.ep);
		sock_flow_add(&tw->ep);
		sock_share_port(&tw->ep);
		net_timer_arm(&tw->timer, ns->now + wait);
		MIB(ns, TW);
	}
	tcp_done(tp, 0);
}

static void ack_again(struct tcp_time_wait *tw, struct tcp_in *in)
{
	struct netstack *ns = tw->ep.ns;
	u8 opts[12];
	u32 n = 0;

	if (tw->ts_ok)
		n = tcp_put_timestamps(opts, (u32)(ns->now / MS) + tw->ts_offset, tw->ts_recent);
	tcp_reply(ns, in, tw->snd_nxt, tw->rcv_nxt, TCP_ACK, tw->rcv_wnd >> tw->rcv_wscale, opts, n, tw->tos);
}

/* The peer has not closed yet. */
static void fin_wait2_input(struct tcp_time_wait *tw, struct tcp_in *in, bool paws)
{
	struct netstack *ns = tw->ep.ns;

	if (paws || seq_before(in->end, tw->rcv_nxt) || seq_after(in->seq, tw->rcv_nxt + tw->rcv_wnd)) {
		if (!(in->flags & TCP_RST) && tcp_oow_ack_ok(ns, &tw->oow_ack_at))
			ack_again(tw, in);
		return;
	}
	if (in->flags & TCP_RST) {
		tcp_time_wait_free(tw);
		return;
	}
	if (!(in->flags & TCP_SYN) &&
	    (!(in->flags & TCP_ACK) || in->end == in->seq || !seq_after(in->end, tw->rcv_nxt)))
		return;
	if ((in->flags & TCP_SYN) || !(in->flags & TCP_FIN) || in->end != tw->rcv_nxt + 1) {
		if (!(in->flags & TCP_SYN))
			MIB(ns, TCPAbortOnData);
		tcp_reply_reset(ns, in);
		tcp_time_wait_free(tw);
		return;
	}
	tw->fin_wait2 = false;
	tw->rcv_nxt = in->end;
	if (tw->ts_ok && in->o.ts_ok) {
		tw->ts_recent = in->o.tsval;
		tw->ts_recent_at = ns->now;
	}
	net_timer_arm(&tw->timer, ns->now + TCP_TIME_WAIT_NS);
	ack_again(tw, in);
}

bool tcp_time_wait_input(struct tcp_time_wait *tw, struct tcp_in *in)
{
	struct netstack *ns = tw->ep.ns;
	bool paws = tw->ts_ok && in->o.ts_ok && seq_before(in->o.tsval, tw->ts_recent);

	if (tw->fin_wait2) {
		fin_wait2_input(tw, in, paws);
		return false;
	}
	if (in->flags & TCP_RST)
		return false;
	if ((in->flags & TCP_SYN) && !(in->flags & TCP_ACK) && !paws &&
	    (seq_after(in->seq, tw->rcv_nxt) ||
	     (tw->ts_ok && in->o.ts_ok && seq_before(tw->ts_recent, in->o.tsval)))) {
		MIB(ns, TWRecycled);
		tcp_time_wait_free(tw);
		return true;
	}
	if (!paws && tw->ts_ok && in->o.ts_ok && !seq_after(in->seq, tw->rcv_nxt)) {
		tw->ts_recent = in->o.tsval;
		tw->ts_recent_at = ns->now;
	}
	if ((in->flags & TCP_FIN) && in->end == tw->rcv_nxt)
		net_timer_arm(&tw->timer, ns->now + TCP_TIME_WAIT_NS); /* it did not get our ACK */
	if (in->size || (in->flags & (TCP_SYN | TCP_FIN)) || in->seq != tw->rcv_nxt) {
		if (in->flags & TCP_FIN || tcp_oow_ack_ok(ns, &tw->oow_ack_at))
			ack_again(tw, in);
	}
	return false;
}

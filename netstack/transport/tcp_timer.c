/*
 * tcp_timer.c - TCP's timers: one for everything that may be sent again (retransmission, tail loss probe,
 * RACK's reordering, zero-window probe), delayed ACK, keep-alive (also FIN_WAIT2's end), pacing.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"

#define PROBE_MAX       TCP_RTO_MAX
#define ORPHAN_RETRIES  8U
#define THIN_RETRIES    6U
#define SYN_RETRIES_MAX 127U
#define SYN_LINEAR      4U /* as Linux 6.5 and later: so many retries of a SYN before the pause doubles */

void tcp_arm(struct tcp_sock *tp, enum tcp_rtx kind, u64 after)
{
	tp->rtx_kind = (u8)kind;
	net_timer_arm(&tp->rtx, tcp_now(tp) + after);
}

/* RFC 6298, 5.1 to 5.3: while something is out the timer runs, from the last progress on. */
void tcp_rearm_rto(struct tcp_sock *tp)
{
	struct tcp_seg *s;
	u64 rto = tp->rto << min_t(u32, tp->backoff, 16), gone;

	if (tp->snd_una == tp->snd_nxt) {
		net_timer_cancel(&tp->rtx);
		tp->rtx_kind = RTX_NONE;
		return;
	}
	rto = min_t(u64, rto, TCP_RTO_MAX);
	if (tp->rtx_kind == RTX_RACK || tp->rtx_kind == RTX_TLP) {
		/* counted from when the oldest was sent */
		s = list_empty(&tp->segs) ? NULL : list_first_entry(&tp->segs, struct tcp_seg, node);
		gone = s ? tcp_now(tp) - s->sent : 0;
		rto = rto > gone ? rto - gone : 1;
	}
	tcp_arm(tp, RTX_RTO, rto);
}

/* Nothing is out, and what waits cannot be sent: the peer's window, or Nagle. */
void tcp_check_probe(struct tcp_sock *tp)
{
	bool waits = seq_before(tp->snd_nxt, tp->write_seq) || (tp->fin_wanted && !tp->fin_sent);

	if (tp->snd_una != tp->snd_nxt || !waits) {
		if (tp->rtx_kind == RTX_PROBE) {
			net_timer_cancel(&tp->rtx);
			tp->rtx_kind = RTX_NONE;
			if (tp->snd_una != tp->snd_nxt)
				tcp_rearm_rto(tp);
		}
		return;
	}
	if (tp->rtx_kind == RTX_NONE && !net_timer_armed(&tp->pace))
		tcp_arm(tp, RTX_PROBE, min_t(u64, tp->rto << min_t(u32, tp->backoff, 9), PROBE_MAX));
}

/* ---- giving up ---- */

static void timed_out(struct tcp_sock *tp)
{
	MIB(tcp_ns(tp), TCPAbortOnTimeout);
	tcp_done(tp, tp->soft_error ? tp->soft_error : ETIMEDOUT);
}

/* Has the user's patience, or the usual one, ended? */
static bool too_long(struct tcp_sock *tp, u32 tries, u32 limit)
{
	u64 since = tp->first_retry ? tcp_now(tp) - tp->first_retry : 0;
	u64 bound = 0;

	if (tp->user_timeout)
		return since >= tp->user_timeout;
	if (tries < 3)
		return false;
	/* as long as `limit` doublings of the least timer would take: that is how Linux counts retries */
	for (u32 i = 0; i <= limit; i++)
		bound += min_t(u64, TCP_RTO_MIN << min_t(u32, i, 20), TCP_RTO_MAX);
	return since >= bound;
}

/* The user's patience may end before the timer would fire. */
static u64 within_patience(const struct tcp_sock *tp, u64 after)
{
	u64 since = tp->first_retry ? tcp_now(tp) - tp->first_retry : 0;

	if (!tp->user_timeout)
		return after;
	return min_t(u64, after, tp->user_timeout > since ? tp->user_timeout - since : 1);
}

static void syn_timeout(struct tcp_sock *tp)
{
	struct netstack *ns = tcp_ns(tp);
	u32 limit = tp->syn_count ? tp->syn_count : ns->config.tcp_syn_retries;
	u32 linear = tp->state == TCPS_SYN_SENT ? SYN_LINEAR : 0;

	if (tp->retries >= min_t(u32, limit, SYN_RETRIES_MAX) + linear ||
	    (tp->user_timeout && tp->first_retry && ns->now - tp->first_retry >= tp->user_timeout)) {
		timed_out(tp);
		return;
	}
	if (!tp->first_retry)
		tp->first_retry = tp->last_send;
	tp->retries++;
	if (tp->retries > linear)
		tp->backoff++;
	tcp_send_syn(tp);
	tcp_arm(tp, RTX_RTO, min_t(u64, tp->rto << min_t(u32, tp->backoff, 16), TCP_RTO_MAX));
}

static void rto_fired(struct tcp_sock *tp)
{
	struct netstack *ns = tcp_ns(tp);
	struct tcp_seg *s;
	bool thin; /* TCP_THIN_LINEAR_TIMEOUTS */

	tp->rtx_kind = RTX_NONE;
	if (tp->state == TCPS_SYN_SENT || tp->state == TCPS_SYN_RECV) {
		syn_timeout(tp);
		return;
	}
	if (list_empty(&tp->segs))
		return;
	if (!tp->first_retry)
		tp->first_retry = list_first_entry(&tp->segs, struct tcp_seg, node)->sent;
	if (too_long(tp, tp->retries, tp->orphan ? ORPHAN_RETRIES : ns->config.tcp_retries2)) {
		timed_out(tp);
		return;
	}
	MIB(ns, TCPTimeouts);
	tp->total_rto++;
	if (tp->ca != CA_LOSS) {
		tp->total_rto_recoveries++;
		tp->rto_since = ns->now;
	}
	tp->tlp_out = false;
	s = list_first_entry(&tp->segs, struct tcp_seg, node);
	if (tp->snd_wnd == 0 && tp->retries > 0 && !(s->flags & SEG_SACKED))
		tp->ca = CA_LOSS; /* the peer closed its window on what is out: only probe */
	else
		tcp_enter_loss(tp);
	tp->retries = (u8)min_t(u32, tp->retries + 1U, 255);
	/* a failure to send is no reason to double the timer's pause twice */
	thin = tp->thin_linear && tp->snd_nxt - tp->snd_una < 4 * tp->mss && tp->retries <= THIN_RETRIES;
	if (tcp_retransmit(tp, s, tp->mss) == 0 && !thin)
		tp->backoff = (u8)min_t(u32, tp->backoff + 1U, 30);
	if (tp->retries == 3)
		tp->sk.path.nif = NULL; /* perhaps there is another way */
	tcp_arm(tp, RTX_RTO,
		within_patience(tp, min_t(u64, tp->rto << min_t(u32, tp->backoff, 16), TCP_RTO_MAX)));
}

static void probe_fired(struct tcp_sock *tp)
{
	struct netstack *ns = tcp_ns(tp);
	u32 wnd = seq_after(tcp_wnd_end(tp), tp->snd_nxt) ? tcp_wnd_end(tp) - tp->snd_nxt : 0;

	tp->rtx_kind = RTX_NONE;
	if (!tp->first_retry)
		tp->first_retry = ns->now;
	if ((tp->user_timeout && ns->now - tp->first_retry >= tp->user_timeout) ||
	    (tp->orphan && tp->probes > ORPHAN_RETRIES) ||
	    (tp->probes > ns->config.tcp_retries2 && ns->now - tp->last_ack_recv > 10 * TCP_RTO_MAX)) {
		timed_out(tp);
		return;
	}
	if (wnd) { /* there is room, but less than a segment: send what fits */
		u32 max = tp->max_wnd;
		bool more = tp->more, cork = tp->cork;
		tp->max_wnd = 0;
		tp->more = tp->cork = false;
		tcp_output(tp);
		tp->max_wnd = max;
		tp->more = more;
		tp->cork = cork;
		if (tp->snd_nxt != tp->snd_una)
			return;
	}
	/* an old byte: the peer answers with its window */
	(void)tcp_transmit(tp, tp->snd_una - 1, 0, TCP_ACK, true);
	tp->probes = (u8)min_t(u32, tp->probes + 1U, 255);
	tp->backoff = (u8)min_t(u32, tp->backoff + 1U, 30);
	tcp_arm(tp, RTX_PROBE,
		within_patience(tp, min_t(u64, tp->rto << min_t(u32, tp->backoff, 9), PROBE_MAX)));
}

static void rtx_timer(struct net_timer *t)
{
	struct tcp_sock *tp = container_of(t, struct tcp_sock, rtx);
	u8 kind = tp->rtx_kind;

	tp->rtx_kind = RTX_NONE;
	switch (kind) {
	case RTX_RTO:
		rto_fired(tp);
		break;
	case RTX_TLP:
		tcp_tlp_send(tp);
		break;
	case RTX_RACK:
		tcp_rack_timer(tp);
		break;
	case RTX_PROBE:
		probe_fired(tp);
		break;
	default:
		break;
	}
}

static void delack_timer(struct net_timer *t)
{
	struct tcp_sock *tp = container_of(t, struct tcp_sock, delack);

	if (tp->event_held) {
		tp->event_held = false;
		sock_event(&tp->sk, SOCK_IN);
	}
	if (!tp->ack_wanted)
		return;
	tp->pingpong = 0;
	tcp_send_ack(tp);
}

void tcp_keep_arm(struct tcp_sock *tp, u64 after)
{
	net_timer_arm(&tp->keep, tcp_now(tp) + after);
}

static void keep_timer(struct net_timer *t)
{
	struct tcp_sock *tp = container_of(t, struct tcp_sock, keep);
	u64 idle = tcp_now(tp) - tp->last_recv, since = tp->keep_idle + tp->probes * tp->keep_interval;

	if (tp->orphan) {
		if (tp->state == TCPS_FIN_WAIT2)
			tcp_fin_wait2_over(tp);
		return;
	}
	if (!tp->keepalive || tp->state == TCPS_CLOSE || tp->state == TCPS_LISTEN ||
	    tp->state == TCPS_SYN_SENT)
		return;
	if (tp->snd_una != tp->snd_nxt || seq_before(tp->snd_nxt, tp->write_seq)) {
		tcp_keep_arm(tp, tp->keep_idle);
		return;
	}
	if (idle < since && !tp->probes) {
		tcp_keep_arm(tp, since - idle);
		return;
	}
	if ((tp->user_timeout && tp->probes && idle >= tp->user_timeout) ||
	    (!tp->user_timeout && tp->probes >= tp->keep_count)) {
		tcp_send_reset(tp);
		timed_out(tp);
		return;
	}
	MIB(tcp_ns(tp), TCPKeepAlive);
	(void)tcp_transmit(tp, tp->snd_una - 1, 0, TCP_ACK, true);
	tp->probes++;
	tcp_keep_arm(tp, tp->keep_interval);
}

static void pace_timer(struct net_timer *t)
{
	tcp_output(container_of(t, struct tcp_sock, pace));
}

void tcp_timers_init(struct tcp_sock *tp)
{
	struct netstack *ns = tcp_ns(tp);

	net_timer_init(&tp->rtx, ns, rtx_timer);
	net_timer_init(&tp->delack, ns, delack_timer);
	net_timer_init(&tp->keep, ns, keep_timer);
	net_timer_init(&tp->pace, ns, pace_timer);
	tp->rtx_kind = RTX_NONE;
}

void tcp_timers_done(struct tcp_sock *tp)
{
	net_timer_done(&tp->rtx);
	net_timer_done(&tp->delack);
	net_timer_done(&tp->keep);
	net_timer_done(&tp->pace);
}

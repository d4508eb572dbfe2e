/*
 * tcp_window.c - what the receiver tells: the window it offers, and when an ACK goes out.
 *
 * The right edge of the window never moves back. An ACK goes at once (a second full segment, a hole, RFC
 * 5681), with the next one (large frames from close by), or after the delay of RFC 1122.
 */
#include "netstack/transport/tcp_priv.h"

/* ---- the window ---- */

/* Of a receive buffer that the user set, half is offered: as on Linux the number counts overhead, which for
 * small segments is large. One that grows by itself has hardly any with us; an eighth is kept for what early
 * segments cost. */
u32 tcp_window_of(u32 rcvbuf, bool locked)
{
	return locked ? rcvbuf / 2 : rcvbuf - rcvbuf / 8;
}

u32 tcp_full_space(const struct tcp_sock *tp)
{
	u32 full = tcp_window_of(tp->sk.rcvbuf, tp->rcvbuf_locked);

	return tp->window_clamp ? min_t(u32, full, tp->window_clamp) : full;
}

void tcp_initial_window(const struct netstack *ns, u32 rcvbuf, bool locked, u32 mss, bool wscale_ok,
			u32 *window, u8 *wscale)
{
	u32 space = max_t(u32, tcp_window_of(rcvbuf, locked), mss),
	    most = max_t(u32, space, ns->config.tcp_rmem[2]);

	*wscale = 0;
	if (wscale_ok)
		while (*wscale < 14 && most >> *wscale > 65535)
			(*wscale)++;
	*window = min_t(u32, space, 65535);
}

u32 tcp_select_window(struct tcp_sock *tp)
{
	u32 full = tcp_full_space(tp), used = tp->rcvq.size + tp->ooo_size,
	    space = full > used ? full - used : 0;
	u32 now = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0, window, unit;
	u32 mss = min_t(u32, tp->rcv_mss, full);

	if (space < full / 2 && (space < full / 16 || space < mss))
		space = 0;
	unit = 1U << tp->rcv_wscale;
	if (tp->rcv_wscale)
		window = (space + unit - 1) & ~(unit - 1);
	else if (now <= space && now > space - min_t(u32, mss, space) && now)
		window = now; /* not worth a change of less than a segment */
	else
		window = mss ? space / mss * mss : space;
	window = min_t(u32, window, 65535U << tp->rcv_wscale);
	if (window < now)
		window =
		    now; /* not rounded up again: the edge would creep on with each ACK, past the buffer */
	return window;
}

/* Dynamic right-sizing: twice of what the user took in one round trip. */
static void adjust_space(struct tcp_sock *tp)
{
	u64 now = tcp_now(tp), rtt = tp->drs.rtt ? tp->drs.rtt : tp->srtt;
	u32 copied = tp->copied_seq - tp->drs.seq, want;

	if (!rtt || now - tp->drs.since < rtt)
		return;
	if (copied > tp->drs.space && !tp->rcvbuf_locked) {
		want = 2 * copied + 16 * tp->rcv_mss;
		if (tp->drs.space)
			want += (u32)((u64)want * (copied - tp->drs.space) / tp->drs.space);
		want = (u32)min_t(u64, (u64)want + want / 4, tcp_ns(tp)->config.tcp_rmem[2]);
		tp->sk.rcvbuf = max_t(u32, tp->sk.rcvbuf, want);
	}
	tp->drs.space = max_t(u32, copied, tp->drs.space);
	tp->drs.seq = tp->copied_seq;
	tp->drs.since = now;
}

/* The receiver's own round trip: how long a window takes, or the echo of a timestamp. */
void tcp_measure_rcv_rtt(struct tcp_sock *tp, const struct tcp_in *in)
{
	u64 now = tcp_now(tp), sample = 0;

	if (tp->ts_ok && in->o.ts_ok && in->o.tsecr && in->size >= tp->rcv_mss &&
	    tp->drs.rtt_seq != in->o.tsecr) {
		tp->drs.rtt_seq = in->o.tsecr;
		sample = max_t(u64, (u64)(tcp_ts_now(tp) - in->o.tsecr) * MS, MS / 4);
		if (sample > 300 * NSEC_PER_SEC)
			return;
	}
	if (!sample)
		return;
	tp->drs.rtt = tp->drs.rtt ? (sample < tp->drs.rtt ? sample : (7 * tp->drs.rtt + sample) / 8) : sample;
	tp->drs.rtt_since = now;
}

/* ---- when an ACK goes out ---- */

/* A frame of this size comes from close by, from a sender with a large window. An ACK's way up the sender's
 * stack costs us as much as the frame, and so does waking a reader on another CPU: two frames are answered
 * together, and a reader is woken for the last one of a write (PSH), if they come soon. */
#define FRAME_LARGE 32768U
#define FRAMES_MOST 131072U /* no waiting with this much */
#define FRAMES_SOON 50000U  /* ns */

static void answer_soon(struct tcp_sock *tp)
{
	u64 at = tcp_now(tp) + FRAMES_SOON;

	if (!net_timer_armed(&tp->delack) || tp->delack.deadline > at)
		net_timer_arm(&tp->delack, at);
}

bool tcp_more_follows(struct tcp_sock *tp, const struct tcp_in *in)
{
	bool follows = in->size >= FRAME_LARGE && in->p->ifindex != 1 && !(in->flags & (TCP_PSH | TCP_FIN)) &&
		       tp->rcvq.size < 2 * FRAMES_MOST && tp->rcvq.size < tcp_full_space(tp) / 4 &&
		       !tp->event_held;

	if (follows)
		answer_soon(tp);
	return follows;
}

static bool ack_may_wait(const struct tcp_sock *tp, u32 pending, u32 window)
{
	return pending >= FRAME_LARGE && pending < FRAMES_MOST && window > 4 * FRAMES_MOST && !tp->ack_now &&
	       !tp->quickack_set && list_empty(&tp->ooo) && !(tp->quickacks && !tp->pingpong);
}

void tcp_ack_check(struct tcp_sock *tp)
{
	u32 pending = tp->rcv_nxt - tp->rcv_wup;
	u32 now = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;

	if (tp->state == TCPS_CLOSE || (!tp->ack_wanted && !tp->ack_now))
		return;
	if (ack_may_wait(tp, pending, now)) {
		answer_soon(tp);
		return;
	}
	if (tp->ack_now || (pending > tp->rcv_mss && tcp_select_window(tp) >= now) ||
	    (tp->quickacks && !tp->pingpong) || tp->quickack_set || !list_empty(&tp->ooo)) {
		tcp_send_ack(tp);
		return;
	}
	MIB(tcp_ns(tp), DelayedACKs);
	if (!net_timer_armed(&tp->delack))
		net_timer_arm(&tp->delack, tcp_now(tp) + TCP_DELACK_MIN);
}

/* The user took data: perhaps the window opens enough to say so. */
void tcp_window_after_read(struct tcp_sock *tp)
{
	u32 now, pending, window;

	if (tp->state == TCPS_CLOSE)
		return;
	adjust_space(tp);
	now = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;
	pending = tp->rcv_nxt - tp->rcv_wup;
	if (tp->ack_wanted && !ack_may_wait(tp, pending, now) &&
	    (pending > tp->rcv_mss || (pending && !tp->rcvq.size && !tp->pingpong && tp->quickacks))) {
		tcp_send_ack(tp);
		return;
	}
	if (tp->fin_received || 2 * now > tcp_full_space(tp))
		return;
	window = tcp_select_window(tp);
	if (window && window >= 2 * now)
		tcp_send_ack(tp);
}

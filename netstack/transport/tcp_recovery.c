/*
 * tcp_recovery.c - the states of loss recovery: OPEN, DISORDER, CWR, RECOVERY, LOSS.
 *
 * RECOVERY: losses found by RACK (or three duplicate ACKs without SACK); the window shrinks by PRR (RFC 6937,
 * 9937) while lost segments are sent again. LOSS: the timer fired; all is deemed lost, slow start from one
 * segment. Both end when what was out at their start is acknowledged, or are undone when it turns out that
 * nothing was lost: by timestamps (Eifel, RFC 3522), by duplicate SACKs for all that was sent again, or
 * because the originals are acknowledged after the timer fired (F-RTO, RFC 5682).
 */
#include "netstack/transport/tcp_priv.h"

static void start_reduction(struct tcp_sock *tp, u32 pipe)
{
	tp->recovery_point = tp->snd_nxt;
	tp->prior_cwnd = tp->cwnd;
	tp->prr_cwnd = max_t(u32, pipe, tp->mss);
	tp->prr_delivered = tp->prr_out = 0;
	tp->prior_ssthresh = tp->ssthresh;
	tp->ssthresh = max_t(u32, tp->cc->ssthresh(tp), 2 * tp->mss);
}

static void start_undo(struct tcp_sock *tp)
{
	tp->undo_marked = true;
	tp->undo_una = tp->snd_una;
	tp->undo_retrans = 0;
	tp->retrans_tsval = 0;
}

void tcp_enter_cwr(struct tcp_sock *tp)
{
	if (tp->ca >= CA_CWR)
		return;
	tp->undo_marked = false;
	start_reduction(tp, tcp_pipe(tp));
	tp->ca = CA_CWR;
	if (tp->ecn & 1)
		tp->ecn |= 4;
	if (tp->cc->event)
		tp->cc->event(tp, CC_EVENT_RECOVERY);
}

static void enter_recovery(struct tcp_sock *tp, u32 pipe)
{
	if (tp->sack_ok)
		MIB(tcp_ns(tp), TCPSackRecovery);
	else
		MIB(tcp_ns(tp), TCPRenoRecovery);
	start_undo(tp);
	if (tp->ca < CA_CWR) {
		start_reduction(tp, pipe);
		if (tp->ecn & 1)
			tp->ecn |= 4;
	} else {
		tp->recovery_point = tp->snd_nxt;
	}
	tp->ca = CA_RECOVERY;
	if (tp->cc->event)
		tp->cc->event(tp, CC_EVENT_RECOVERY);
}

/* The oldest segment is there by the peer's word, yet is not acknowledged: the word is not kept (RFC 2018,
 * 8). */
static void forget_sacks(struct tcp_sock *tp)
{
	struct tcp_seg *s;

	list_for_each_entry (s, &tp->segs, node)
		s->flags &= (u8)~SEG_SACKED;
	tp->sacked = 0;
	tp->high_sacked = tp->snd_una;
}

void tcp_enter_loss(struct tcp_sock *tp)
{
	struct tcp_seg *s;
	bool fresh = tp->ca < CA_LOSS || !tp->retries;

	if (tp->ca < CA_LOSS ||
	    (tp->ca == CA_LOSS && !seq_before(tp->snd_una, tp->recovery_point) && !tp->retries)) {
		if (tp->ca < CA_RECOVERY || !tp->undo_marked)
			tp->prior_ssthresh = tp->ssthresh;
		if (tp->ca < CA_CWR)
			tp->prior_cwnd = tp->cwnd;
		tp->ssthresh = max_t(u32, tp->cc->ssthresh(tp), 2 * tp->mss);
		start_undo(tp);
	}
	tp->frto = fresh && tp->sack_ok ? FRTO_WAIT : FRTO_OFF;
	tp->dupacks = 0;
	if (!tp->sack_ok)
		tp->sacked = 0;
	else if (!list_empty(&tp->segs) &&
		 (list_first_entry(&tp->segs, struct tcp_seg, node)->flags & SEG_SACKED))
		forget_sacks(tp);
	list_for_each_entry (s, &tp->segs, node) {
		/* RFC 8985, 6.3: what was sent only just now may still come; without RACK's word all is lost
		 */
		if (s->node.prev != &tp->segs && tp->rack.rtt && tp->sack_ok && !(s->flags & SEG_LOST) &&
		    s->sent + tp->rack.rtt + tp->srtt > tcp_now(tp) && tp->retries == 0)
			continue;
		tcp_mark_lost(tp, s);
	}
	if (tp->cc->event)
		tp->cc->event(tp, CC_EVENT_LOSS);
	if (!tp->cc->control)
		tp->cwnd = max_t(u32, tp->mss, tcp_pipe(tp) + tp->mss);
	tp->recovery_point = tp->snd_nxt;
	tp->ca = CA_LOSS;
	tp->rack.reordering &= tp->retries == 0;
	if (tp->ecn & 1)
		tp->ecn |= 4;
}

/* ---- undoing ---- */

static void undo_cwnd(struct tcp_sock *tp)
{
	struct tcp_seg *s;

	if (tp->prior_cwnd) {
		tp->cwnd = tp->cc->undo ? tp->cc->undo(tp) : max_t(u32, tp->cwnd, tp->prior_cwnd);
		tp->ssthresh = max_t(u32, tp->ssthresh, tp->prior_ssthresh);
	}
	list_for_each_entry (s, &tp->segs, node) {
		if (s->flags & SEG_LOST) {
			tp->lost -= s->end - s->seq;
			s->flags &= (u8)~SEG_LOST;
		}
	}
	tp->ecn &= (u8)~4U;
	tp->undo_marked = false;
}

/* Was the ACK's echo made before our first retransmission? Then the original arrived. */
static bool eifel(const struct tcp_sock *tp, const struct tcp_in *in)
{
	return in && tp->ts_ok && in->o.ts_ok && in->o.tsecr && tp->retrans_tsval &&
	       seq_before(in->o.tsecr, tp->retrans_tsval);
}

static bool try_undo(struct tcp_sock *tp, const struct tcp_in *in, const struct tcp_ack_state *st)
{
	bool part = tp->ca == CA_RECOVERY && seq_before(tp->snd_una, tp->recovery_point);

	if (!tp->undo_marked || !tp->retrans_tsval)
		return false;
	if (st->advanced && eifel(tp, in)) {
		/* one hole was filled by what came late: what else was sent again may well have been lost */
		if (part && tp->retrans)
			return false;
		if (part)
			MIB(tcp_ns(tp), TCPPartialUndo);
		else
			MIB(tcp_ns(tp), TCPFullUndo);
	} else if (st->dsack && tp->undo_retrans == 0) {
		MIB(tcp_ns(tp), TCPDSACKUndo);
	} else if (tp->ca == CA_LOSS && tp->frto && st->orig_acked) {
		MIB(tcp_ns(tp), TCPSpuriousRTOs);
	} else {
		return false;
	}
	undo_cwnd(tp);
	return true;
}

/* ---- the window during recovery ---- */

static void prr(struct tcp_sock *tp, u32 delivered, bool progress)
{
	u32 pipe = tcp_pipe(tp);
	s64 sndcnt;

	if (!delivered || tp->cc->control)
		return;
	tp->prr_delivered += delivered;
	if (pipe > tp->ssthresh) {
		sndcnt = (s64)((u64)tp->ssthresh * tp->prr_delivered + tp->prr_cwnd - 1) / tp->prr_cwnd -
			 tp->prr_out;
	} else {
		s64 limit = max_t(s64, (s64)tp->prr_delivered - tp->prr_out, delivered);
		if (progress)
			limit += tp->mss;
		sndcnt = min_t(s64, (s64)tp->ssthresh - pipe, limit);
	}
	/* the first retransmission goes out at once */
	sndcnt = max_t(s64, sndcnt, tp->prr_out ? 0 : tp->mss);
	tp->cwnd = pipe + (u32)sndcnt;
}

static void leave(struct tcp_sock *tp)
{
	if (tp->ca == CA_LOSS)
		tp->total_rto_time += tcp_now(tp) - tp->rto_since;
	if (!tp->cc->control && tp->ssthresh < TCP_INFINITE && (tp->ca == CA_CWR || tp->ca == CA_RECOVERY) &&
	    tp->prior_cwnd)
		tp->cwnd = tp->ssthresh;
	if (tp->rack.persist && tp->ca == CA_RECOVERY)
		tp->rack.persist--;
	tp->ca = CA_OPEN;
	tp->undo_marked = false;
	tp->frto = FRTO_OFF;
	tp->prior_cwnd = 0;
	tp->dupacks = 0;
	if (tp->cc->event)
		tp->cc->event(tp, CC_EVENT_OPEN);
}

/* Without SACK: duplicate ACKs stand for segments received. */
static void reno_dupack(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_ack_state *st)
{
	u32 out = tp->snd_nxt - tp->snd_una;

	if (st->advanced) {
		u32 acked = tp->snd_una - st->prior_una;
		u32 counted = min_t(u32, tp->sacked, acked > tp->mss ? acked - tp->mss : 0);
		tp->sacked -= counted;
		tp->delivered -= counted; /* as duplicates they were counted already */
		if (tp->ca < CA_RECOVERY || !seq_before(tp->snd_una, tp->recovery_point)) {
			tp->dupacks = 0;
			tp->sacked = 0;
		} else if (tp->ca == CA_RECOVERY && !list_empty(&tp->segs)) {
			/* a partial ACK: the next hole */
			struct tcp_seg *s = list_first_entry(&tp->segs, struct tcp_seg, node);
			if (s->end - s->seq > tp->mss)
				(void)tcp_seg_split(tp, s,
						    s->seq + tp->mss); /* else all of it is sent again */
			tcp_mark_lost(tp, s);
		}
		return;
	}
	if (!in || in->size || st->window_changed || (in->flags & TCP_FIN) || !out)
		return;
	tp->dupacks++;
	tp->sacked = min_t(u32, tp->sacked + tp->mss, out > tp->mss ? out - tp->mss : 0);
	tp->delivered += tp->mss;
	st->newly_sacked += tp->mss;
	if (tp->dupacks == 3 && tp->ca < CA_RECOVERY && !list_empty(&tp->segs)) {
		struct tcp_seg *s = list_first_entry(&tp->segs, struct tcp_seg, node);
		if (s->end - s->seq > tp->mss)
			(void)tcp_seg_split(tp, s, s->seq + tp->mss);
		tcp_mark_lost(tp, s);
	}
}

/* RFC 5682, the SACK-enhanced steps 2 and 3; that originals arrived was looked at before. */
static void frto(struct tcp_sock *tp, const struct tcp_ack_state *st)
{
	if (tp->frto == FRTO_NEW_DATA) {
		if (st->newly_sacked || !st->advanced)
			tp->frto = FRTO_OFF; /* the loss was real */
	} else if (st->advanced) {
		bool may = tcp_unsent(&tp->sk) && seq_after(tcp_wnd_end(tp), tp->snd_nxt);
		tp->recovery_point = tp->snd_nxt;
		tp->frto = may ? FRTO_NEW_DATA : FRTO_OFF;
	}
}

void tcp_recover(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_ack_state *st)
{
	u32 lost_before = tp->lost, delivered;
	bool looked = !tp->sack_ok;
	u64 timeout = 0;

	if (!tp->sack_ok) {
		reno_dupack(tp, in, st);
	} else {
		tcp_rack_update_window(tp, st->dsack);
		if (tp->rack.advanced || (in && tp->lost)) {
			tp->rack.advanced = false;
			looked = true;
			tcp_rack_detect(tp, &timeout);
		} else if (!in) {
			lost_before = 0; /* the timer has marked them */
		}
	}
	delivered = st->newly_sacked + (st->advanced ? tp->snd_una - st->prior_una : 0);
	if (!tp->sack_ok && st->advanced)
		delivered = min_t(u32, delivered, 2 * tp->mss);
	if (tp->ca >= CA_CWR && try_undo(tp, in, st)) {
		if (tp->ca == CA_LOSS || !seq_before(tp->snd_una, tp->recovery_point)) {
			tp->prior_cwnd = 0;
			leave(tp);
		} else {
			tp->prior_cwnd = 0;
			tp->ca = CA_DISORDER;
		}
	}
	/* CWR is held until something beyond is acknowledged, so that its flag has reached the peer */
	if (tp->ca >= CA_CWR && st->advanced &&
	    (tp->ca == CA_CWR ? seq_after(tp->snd_una, tp->recovery_point)
			      : !seq_before(tp->snd_una, tp->recovery_point)))
		leave(tp);
	if (st->ece && tp->ca < CA_CWR && !tp->lost)
		tcp_enter_cwr(tp);
	if (tp->lost > lost_before && tp->ca < CA_RECOVERY)
		enter_recovery(tp, st->prior_pipe ? st->prior_pipe : tcp_pipe(tp) + tp->lost);
	else if (tp->ca == CA_OPEN && tp->sacked)
		tp->ca = CA_DISORDER;
	else if (tp->ca == CA_DISORDER && !tp->sacked)
		tp->ca = CA_OPEN;
	if (tp->ca == CA_RECOVERY || tp->ca == CA_CWR)
		prr(tp, delivered, st->advanced && tp->lost <= lost_before);
	if (tp->ca == CA_LOSS && tp->frto && in)
		frto(tp, st);
	if (timeout)
		tcp_arm(tp, RTX_RACK, timeout + MS);
	else if (tp->rtx_kind == RTX_RACK && in && looked) /* else what it waits for is still to come */
		tcp_rearm_rto(tp);
}

/* The path takes less than we thought: all that is out is too large. */
void tcp_mtu_reduced(struct tcp_sock *tp)
{
	u32 old = tp->mss;
	struct tcp_seg *s;

	if (tcp_route(tp))
		return;
	tcp_update_mss(tp);
	if (tp->mss >= old)
		return;
	list_for_each_entry (s, &tp->segs, node) {
		if (s->end - s->seq > tp->mss)
			tcp_mark_lost(tp, s);
	}
	if (!tp->lost)
		return;
	if (tp->ca < CA_CWR) { /* not congestion: the window stays */
		tp->recovery_point = tp->snd_nxt;
		tp->prior_cwnd = 0;
		tp->ssthresh = tp->cwnd;
		tp->undo_marked = false;
		tp->ca = CA_RECOVERY;
		tp->prr_cwnd = tp->cwnd;
		tp->prr_delivered = tp->prr_out = 0;
	}
	tcp_output(tp);
}

/*
 * tcp_rack.c - loss found by time (RACK) and tail loss probes (RFC 8985).
 *
 * A segment is lost when one sent a reordering window later has been delivered. The window is a quarter of
 * the least round-trip time, grows while duplicate SACKs say that it is too short, and is zero while no
 * reordering has been seen and enough was SACKed. When the end of a flight is lost nothing comes back at all:
 * after two round trips its last segment is sent again, which makes the peer tell.
 */
#include "netstack/transport/tcp_priv.h"

#define TLP_DELACK   (200 * MS)
#define TLP_SLACK    (2 * MS)
#define PERSIST      16U
#define DUP_SEGMENTS 3U

static bool sent_after(u64 t1, u32 end1, u64 t2, u32 end2)
{
	return t1 > t2 || (t1 == t2 && seq_after(end1, end2));
}

void tcp_rack_advance(struct tcp_sock *tp, const struct tcp_seg *s, struct tcp_ack_state *st)
{
	u64 rtt = st->now - s->sent;

	/* an answer that came too fast is the original's, not the retransmission's */
	if ((s->flags & SEG_EVER_RETRANS) && tp->min_rtt != TIME_NEVER && rtt < tp->min_rtt)
		return;
	if (!sent_after(s->sent, s->end, tp->rack.sent, tp->rack.end) && tp->rack.sent)
		return;
	tp->rack.sent = s->sent;
	tp->rack.end = s->end;
	tp->rack.rtt = rtt;
	tp->rack.advanced = true;
}

static u64 reorder_window(const struct tcp_sock *tp)
{
	u64 base = tp->min_rtt == TIME_NEVER ? 0 : tp->min_rtt / 4;

	if (!tp->rack.reordering && (tp->ca >= CA_RECOVERY || tp->sacked >= DUP_SEGMENTS * tp->mss))
		return 0;
	return min_t(u64, base * tp->rack.steps, tp->srtt ? tp->srtt : TCP_RTO_INIT);
}

void tcp_rack_detect(struct tcp_sock *tp, u64 *timeout)
{
	u64 now = tcp_now(tp), window = reorder_window(tp), wait;
	struct tcp_seg *s;

	*timeout = 0;
	if (!tp->rack.sent)
		return;
	list_for_each_entry (s, &tp->segs, node) {
		if (s->flags & SEG_SACKED)
			continue;
		if ((s->flags & SEG_LOST) && !(s->flags & SEG_RETRANS))
			continue;
		if (!sent_after(tp->rack.sent, tp->rack.end, s->sent, s->end)) {
			/* later ones were sent later still, unless something was sent again */
			if (!tp->retrans && !tp->lost)
				break;
			continue;
		}
		wait = s->sent + tp->rack.rtt + window;
		if (wait <= now)
			tcp_mark_lost(tp, s);
		else
			*timeout = max_t(u64, *timeout, wait - now);
	}
}

void tcp_rack_update_window(struct tcp_sock *tp, bool dsack)
{
	if (dsack && !seq_before(tp->snd_una, tp->rack.dsack_round)) {
		/* once a round trip */
		tp->rack.dsack_round = tp->snd_nxt;
		tp->rack.steps = (u8)min_t(u32, 255, tp->rack.steps + 1U);
		tp->rack.persist = PERSIST;
		return;
	}
	if (!tp->rack.persist)
		tp->rack.steps = 1;
	if (seq_after(tp->snd_una, tp->rack.dsack_round)) /* does not fall behind by half of the numbers */
		tp->rack.dsack_round = tp->snd_una;
}

void tcp_rack_timer(struct tcp_sock *tp)
{
	u32 lost = tp->lost;
	u64 timeout;

	tcp_rack_detect(tp, &timeout);
	if (tp->lost != lost && tp->ca < CA_RECOVERY) {
		struct tcp_ack_state st = {.now = tcp_now(tp)};
		tcp_recover(tp, NULL, &st);
	}
	tcp_output(tp);
	if (tp->rtx_kind == RTX_NONE && tp->snd_una != tp->snd_nxt)
		tcp_rearm_rto(tp);
}

/* ---- tail loss probes ---- */

bool tcp_tlp_schedule(struct tcp_sock *tp)
{
	u64 pto, rto_left;

	if (tp->tlp_out || !tp->sack_ok || tp->ca != CA_OPEN || tp->sacked || list_empty(&tp->segs) ||
	    !tp->srtt)
		return false;
	pto = 2 * tp->srtt;
	if (tp->snd_nxt - tp->snd_una <= tp->mss)
		pto += TLP_DELACK; /* the peer may delay its only ACK */
	else
		pto += TLP_SLACK;
	rto_left = tp->rto;
	if (pto >= rto_left)
		pto = rto_left;
	tcp_arm(tp, RTX_TLP, pto);
	return true;
}

void tcp_tlp_send(struct tcp_sock *tp)
{
	u32 before = tp->snd_nxt, unsent = tcp_unsent(&tp->sk);
	struct tcp_seg *last;
	bool sent = false;

	tp->tlp_retrans = false;
	/* new data if the window has room for some */
	if (unsent && seq_after(tcp_wnd_end(tp), tp->snd_nxt)) {
		u32 n = min_t(u32, min_t(u32, unsent, tp->mss), tcp_wnd_end(tp) - tp->snd_nxt);
		u32 cwnd = tp->cwnd;
		tp->cwnd = tcp_pipe(tp) + n;
		tcp_output(tp);
		tp->cwnd = cwnd;
		sent = tp->snd_nxt != before;
	}
	if (!sent && !list_empty(&tp->segs)) {
		last = list_last_entry(&tp->segs, struct tcp_seg, node);
		if (last->end - last->seq > tp->mss) {
			struct tcp_seg *tail = tcp_seg_split(tp, last, last->end - tp->mss);
			last = tail ? tail : last;
		}
		if (!(last->flags & (SEG_SACKED | SEG_RETRANS)) && tcp_retransmit(tp, last, tp->mss) == 0) {
			sent = true;
			tp->tlp_retrans = true;
		}
	}
	if (sent) {
		MIB(tcp_ns(tp), TCPLossProbes);
		tp->tlp_out = true;
		tp->tlp_end = tp->snd_nxt;
	}
	tcp_arm(tp, RTX_RTO, tp->rto);
}

void tcp_tlp_ack(struct tcp_sock *tp, const struct tcp_in *in, const struct tcp_ack_state *st)
{
	if (!tp->tlp_out || seq_before(in->ack, tp->tlp_end))
		return;
	if (!tp->tlp_retrans || st->dsack) {
		tp->tlp_out = false; /* nothing was lost: the probe was new, or came twice */
	} else if (seq_after(in->ack, tp->tlp_end) || st->advanced) {
		/* the probe repaired a loss: it counts as a congestion signal */
		tp->tlp_out = false;
		if (tp->ca == CA_OPEN) {
			tcp_enter_cwr(tp);
			tp->ca = CA_OPEN;
			tp->cwnd = min_t(u32, tp->cwnd, max_t(u32, tp->ssthresh, 2 * tp->mss));
			MIB(tcp_ns(tp), TCPLossProbeRecovery);
		}
	}
}

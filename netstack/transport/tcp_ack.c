/*
 * tcp_ack.c - what an ACK says: the window, what is delivered, how long it took.
 *
 * Order matters: SACK blocks mark segments first, then the cumulative part takes acknowledged ones off the
 * list; both feed RACK and the delivery rate; then loss recovery and congestion control decide, and
 * tcp_output() acts.
 */
#include "netstack/transport/tcp_priv.h"

/* ---- round-trip time (RFC 6298, with Linux's lower bound on the variance term) ---- */

void tcp_rto_update(struct tcp_sock *tp)
{
	u64 var = max_t(u64, 4 * tp->rttvar, TCP_RTO_MIN);

	tp->rto = tp->srtt ? min_t(u64, tp->srtt + var, TCP_RTO_MAX) : TCP_RTO_INIT;
}

void tcp_rtt_sample(struct tcp_sock *tp, u64 rtt, u64 least)
{
	u64 now = tcp_now(tp), diff;

	rtt = max_t(u64, rtt, 1000);
	least = max_t(u64, least, 1000);
	tp->last_rtt = rtt;
	if (least <= tp->min_rtt || now - tp->min_rtt_at > 300 * NSEC_PER_SEC) {
		tp->min_rtt = least;
		tp->min_rtt_at = now;
	}
	if (!tp->srtt) {
		tp->srtt = rtt;
		tp->rttvar = rtt / 2;
	} else {
		diff = rtt > tp->srtt ? rtt - tp->srtt : tp->srtt - rtt;
		tp->rttvar = (3 * tp->rttvar + diff) / 4;
		tp->srtt = (7 * tp->srtt + rtt) / 8;
	}
	tcp_rto_update(tp);
	if (tp->cc->rtt)
		tp->cc->rtt(tp, least);
}

/* ---- the window ---- */

static void update_window(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_ack_state *st)
{
	u32 window = in->window << tp->snd_wscale;

	if (!seq_after(in->ack, tp->snd_una) && !seq_after(in->seq, tp->snd_wl1) &&
	    !(in->seq == tp->snd_wl1 && (window > tp->snd_wnd || !window)))
		return;
	tp->snd_wl1 = in->seq;
	if (window != tp->snd_wnd) {
		st->window_changed = true;
		tp->snd_wnd = window;
		if (window > tp->max_wnd) {
			tp->max_wnd = window;
			tcp_update_mss(tp); /* half of the largest window bounds it */
		}
	}
}

/* ---- taking acknowledged segments off ---- */

static void segment_acked(struct tcp_sock *tp, struct tcp_seg *s, struct tcp_ack_state *st)
{
	u64 rtt = max_t(u64, st->now - s->sent, 1);

	if (s->flags & SEG_EVER_RETRANS) {
		st->retrans_acked = true;
	} else {
		if (!(s->flags & SEG_SACKED)) {
			if (!st->rtt)
				st->rtt = rtt; /* the oldest: includes the peer's delay */
			tcp_note_rtt(st, rtt);
			if (!seq_after(s->end, tp->recovery_point))
				st->orig_acked = true;
			if (tp->sacked && seq_before(s->seq, tp->high_sacked))
				tp->rack.reordering = true;
		}
	}
	if (!(s->flags & SEG_SACKED)) {
		tp->delivered += s->end - s->seq;
		tcp_rate_delivered(tp, s, &st->rs);
		tcp_rack_advance(tp, s, st);
	}
	tcp_seg_uncount(tp, s);
	list_del_init(&s->node);
	net_free(tcp_ns(tp), s);
}

static void clean_queue(struct tcp_sock *tp, u32 ack, struct tcp_ack_state *st)
{
	struct netstack *ns = tcp_ns(tp);
	u32 data = ack - tp->snd_una;

	while (!list_empty(&tp->segs)) {
		struct tcp_seg *s = list_first_entry(&tp->segs, struct tcp_seg, node);
		if (!seq_after(ack, s->seq))
			break;
		if (seq_before(ack, s->end)) {
			if (!tcp_seg_split(tp, s, ack))
				s->seq = ack; /* without memory: no sample from its first part */
			else
				segment_acked(tp, s, st);
			break;
		}
		segment_acked(tp, s, st);
	}
	if (tp->fin_sent && ack == tp->snd_nxt)
		data--; /* the FIN is not in the queue */
	st->newly_acked = data;
	tp->bytes_acked += data;
	datq_pop(ns, &tp->sndq, data);
	tp->snd_una = ack;
	if (tp->urg_send && !seq_after(tp->snd_up, ack))
		tp->urg_send = false;
	if (tp->sk.path.nif && tp->sk.path.nif->ethernet)
		neigh_confirm(tp->sk.path.nif, &tp->sk.path.next_hop);
}

void tcp_write_space(struct tcp_sock *tp)
{
	u32 queued = tp->sndq.size, limit = tp->sk.sndbuf;

	if (!tp->nospace || queued >= limit || limit - queued < queued / 2)
		return;
	if (tp->notsent_lowat && tcp_unsent(&tp->sk) >= tp->notsent_lowat)
		return;
	tp->nospace = false;
	sock_event(&tp->sk, SOCK_OUT);
}

static void grow_sndbuf(struct tcp_sock *tp)
{
	u32 want = 2 * max_t(u32, tp->cwnd, TCP_INIT_CWND * tp->mss);

	if (!tp->sndbuf_locked && want > tp->sk.sndbuf)
		tp->sk.sndbuf = min_t(u32, want, tcp_ns(tp)->config.tcp_wmem[2]);
}

/* ---- the whole ---- */

/* An ACK for nothing new: it may still carry SACK blocks. */
static bool old_ack(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_ack_state *st)
{
	if (seq_before(in->ack, tp->snd_una - max_t(u32, tp->max_wnd, 65535))) {
		tcp_challenge_ack(tp); /* RFC 5961, 5 */
		return false;
	}
	if (in->o.sack_count && tp->sack_ok) {
		tcp_sack_tag(tp, in, st);
		tcp_recover(tp, in, st);
	}
	return true;
}

static void congestion_control(struct tcp_sock *tp, struct tcp_ack_state *st, u64 lost_before)
{
	u32 delivered = (u32)(tp->delivered - st->rs.acked_sacked);

	st->rs.acked_sacked = delivered;
	st->rs.losses = tp->lost_total - lost_before;
	st->rs.rtt = st->least_rtt;
	st->rs.prior_pipe = st->prior_pipe;
	tcp_rate_done(tp, &st->rs, delivered, tp->lost_total - lost_before);
	if (tp->cc->control) {
		tp->cc->control(tp, &st->rs);
		return;
	}
	if (tp->ca == CA_OPEN || tp->ca == CA_DISORDER || tp->ca == CA_LOSS) {
		/* duplicate ACKs alone do not open the window, unless reordering is usual here */
		bool progress = st->advanced || (tp->rack.reordering && st->newly_sacked);
		/* an ACK that fills a hole tells of much more than one window has delivered */
		if (delivered && progress && (tp->cwnd_limited || tp->ca == CA_LOSS))
			tp->cc->avoid(tp, min_t(u32, delivered, max_t(u32, tp->cwnd, 2 * tp->mss)));
	}
	tcp_update_pacing(tp);
}

bool tcp_ack(struct tcp_sock *tp, const struct tcp_in *in)
{
	struct netstack *ns = tcp_ns(tp);
	struct tcp_ack_state st = {.prior_una = tp->snd_una,
				   .prior_sacked = tp->sacked,
				   .prior_pipe = tcp_pipe(tp),
				   .now = ns->now,
				   .ece = (in->flags & TCP_ECE) && (tp->ecn & 1)};
	u64 lost_before = tp->lost_total, delivered_before = tp->delivered, ts_rtt;
	bool had_data = tp->snd_nxt != tp->snd_una;

	st.rs.acked_sacked = tp->delivered; /* where we begin; the difference is taken below */
	if (seq_before(in->ack, tp->snd_una))
		return old_ack(tp, in, &st);
	if (seq_after(in->ack, tp->snd_nxt)) {
		tcp_challenge_ack(tp);
		return false;
	}
	tp->last_ack_recv = ns->now;
	st.advanced = in->ack != tp->snd_una;
	update_window(tp, in, &st);
	if (st.advanced) {
		tp->probes = 0;
		tp->soft_error = 0;
	} else if (tp->snd_wnd) {
		tp->probes = 0;
	}
	if (!had_data) {
		tcp_check_probe(tp);
		tcp_write_space(tp);
		return true;
	}
	if (in->size == 0)
		MIB(ns, TCPPureAcks);
	if (tp->sack_ok && in->o.sack_count)
		tcp_sack_tag(tp, in, &st);
	if (st.advanced)
		clean_queue(tp, in->ack, &st);
	if (st.least_rtt) {
		tcp_rtt_sample(tp, st.rtt ? st.rtt : st.sack_rtt, st.least_rtt);
	} else if (st.advanced && tp->ts_ok && in->o.ts_ok && in->o.tsecr) {
		ts_rtt = (u64)(tcp_ts_now(tp) - in->o.tsecr) * MS;
		ts_rtt = max_t(u64, ts_rtt, MS);
		if (ts_rtt < 300 * NSEC_PER_SEC)
			tcp_rtt_sample(tp, ts_rtt, ts_rtt);
	}
	if (st.advanced) {
		tp->retries = tp->backoff = 0;
		tp->first_retry = 0;
		tcp_rto_update(tp);
	}
	tcp_tlp_ack(tp, in, &st);
	tcp_recover(tp, in, &st);
	if (st.ece)
		tp->delivered_ce += tp->delivered - delivered_before;
	congestion_control(tp, &st, lost_before);
	if ((st.advanced || st.sack_new) && tp->rtx_kind != RTX_RACK)
		tcp_rearm_rto(tp); /* RACK has armed its own just now */
	if ((st.advanced || st.sack_new) && tp->ca == CA_OPEN && tp->rtx_kind != RTX_RACK)
		(void)tcp_tlp_schedule(tp); /* else the retransmission timer stands */
	grow_sndbuf(tp);
	tcp_write_space(tp);
	tcp_check_probe(tp);
	tcp_chrono(tp);
	return true;
}

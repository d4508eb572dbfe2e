/*
 * tcp_rate.c - the delivery rate (draft-ietf-ccwg-bbr, 4.1): how much was delivered between the sending of a
 * segment and its acknowledgement, and how long that took at the slower of both ends; and what both versions
 * of BBR make of it.
 */
#include "netstack/transport/tcp_priv.h"

void tcp_rate_sent(struct tcp_sock *tp, struct tcp_seg *s)
{
	u64 now = tcp_now(tp);

	if (tp->snd_nxt == tp->snd_una)
		tp->first_sent = tp->delivered_at = now;
	s->first_sent = tp->first_sent;
	s->delivered_at = tp->delivered_at;
	s->delivered = tp->delivered;
	s->lost = tp->lost_total;
	s->tx_in_flight = tcp_pipe(tp) + (s->flags & SEG_RETRANS ? 0 : s->end - s->seq);
	if (tp->app_limited)
		s->flags |= SEG_APP_LIMITED;
	else
		s->flags &= (u8)~SEG_APP_LIMITED;
}

void tcp_rate_delivered(struct tcp_sock *tp, const struct tcp_seg *s, struct tcp_rate *rs)
{
	if (!s->delivered_at || (rs->prior_at && s->delivered < rs->prior_delivered))
		return;
	rs->prior_delivered = s->delivered;
	rs->prior_at = s->delivered_at;
	rs->app_limited = s->flags & SEG_APP_LIMITED;
	rs->is_retrans = s->flags & SEG_EVER_RETRANS;
	rs->interval = s->sent - s->first_sent;
	rs->tx_in_flight = s->tx_in_flight;
	rs->lost = (u32)min_t(u64, tp->lost_total - s->lost, UINT32_MAX);
	tp->first_sent = s->sent;
}

void tcp_rate_done(struct tcp_sock *tp, struct tcp_rate *rs, u32 delivered, u64 lost)
{
	u64 now = tcp_now(tp), acks;

	if (tp->app_limited && tp->delivered > tp->app_limited)
		tp->app_limited = 0;
	if (delivered)
		tp->delivered_at = now;
	rs->valid = false;
	if (!rs->prior_at)
		return;
	rs->delivered = tp->delivered - rs->prior_delivered;
	acks = now - rs->prior_at;
	rs->interval = max_t(u64, rs->interval, acks);
	/* faster than the least round trip cannot be true */
	if (!rs->interval || (tp->min_rtt != TIME_NEVER && rs->interval < tp->min_rtt))
		return;
	rs->valid = true;
	if (!rs->app_limited || rs->delivered * tp->rate_interval >= tp->rate_delivered * rs->interval) {
		tp->rate_delivered = rs->delivered;
		tp->rate_interval = rs->interval;
	}
}

void tcp_rate_app_limited(struct tcp_sock *tp)
{
	u32 left = seq_before(tp->snd_nxt, tp->write_seq) ? tp->write_seq - tp->snd_nxt : 0;

	if (left < tp->mss && tcp_pipe(tp) < tp->cwnd && tp->lost <= tp->retrans) {
		tp->app_limited = tp->delivered + tcp_pipe(tp);
		if (!tp->app_limited)
			tp->app_limited = 1;
	}
}

/* ---- for BBR ---- */

u64 tcp_rate_of(const struct tcp_rate *rs)
{
	/* up to 4 GiB in one interval: no overflow */
	return rs->valid ? min_t(u64, rs->delivered, UINT32_MAX) * NSEC_PER_SEC / rs->interval : 0;
}

u32 tcp_bdp(u64 bw, u64 rtt, u32 gain)
{
	/* microseconds, lest a fast and long path overflow */
	u64 v = min_t(u64, bw * (rtt / 1000) / 1000000, TCP_WINDOW_MAX);

	return (u32)min_t(u64, v * gain >> 8, TCP_WINDOW_MAX);
}

u32 tcp_send_quantum(const struct tcp_sock *tp)
{
	return (u32)max_t(u64, min_t(u64, tp->pacing_rate / 1000, 65536), 2ULL * tp->mss);
}

void tcp_aggregation_restart(struct tcp_sock *tp, struct tcp_aggregation *a)
{
	a->since = tcp_now(tp);
	a->delivered = 0;
}

void tcp_aggregation(struct tcp_sock *tp, struct tcp_aggregation *a, const struct tcp_rate *rs, u64 bw,
		     bool round_start, u32 rounds)
{
	u64 now = tcp_now(tp), us = (now - a->since) / 1000;
	u64 expected = bw * min_t(u64, us, 1000000) / 1000000;

	if (round_start && ++a->rounds >= rounds) {
		a->rounds = 0;
		a->extra[0] = a->extra[1];
		a->extra[1] = 0;
	}
	if (a->delivered <= expected) {
		a->delivered = 0;
		a->since = now;
		expected = 0;
	}
	a->delivered += (u32)rs->acked_sacked;
	a->extra[1] = max_t(u32, a->extra[1],
			    (u32)min_t(u64, a->delivered > expected ? a->delivered - expected : 0, tp->cwnd));
}

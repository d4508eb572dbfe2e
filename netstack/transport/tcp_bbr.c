/*
 * tcp_bbr.c - BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): what "bbr" is in Linux. "bbr3"
 * is version 3.
 *
 * The model is that of version 3: the most bandwidth of the last ten rounds, the least round-trip time of the
 * last ten seconds. Loss is no part of it. That is unfair to others where queues are short, and it is why it
 * keeps its rate on a path that loses more than 2 %, where version 3 by its draft does not. ProbeBW goes
 * through eight phases of a round-trip time each: one a quarter faster, one a quarter slower, six as they
 * are. In the first round of a recovery as much is sent as is delivered; after it the window goes back.
 *
 * Not here: the detection of policers (losses above 20 %).
 */
#include "netstack/transport/tcp_priv.h"

#define GAIN(x)           ((u32)((x)*256 + 0.5))
#define HIGH_GAIN         GAIN(2.885)
#define CWND_GAIN         GAIN(2)
#define CYCLE_LENGTH      8U
#define BW_ROUNDS         10U
#define PACING_MARGIN     99U /* percent of the rate */
#define FULL_BW_ROUNDS    3U
#define MIN_RTT_FILTER    (10 * NSEC_PER_SEC)
#define PROBE_RTT_TIME    (200 * MS)
#define AGGREGATION_MOST  (100 * MS) /* of the bandwidth */
#define AGGREGATION_ROUND 5U

enum bbr_state { STARTUP, DRAIN, PROBE_BW, PROBE_RTT };

struct bbr {
	u64 bw[BW_ROUNDS]; /* the most of each of the last rounds; bw[round % BW_ROUNDS] is the present one's
			    */
	u64 min_rtt, min_rtt_at, probe_rtt_done, next_round, cycle_at, full_bw;
	struct tcp_aggregation extra;
	u32 prior_cwnd, round;
	u8 state, cycle, full_bw_count, prior_ca;
	bool round_start, full_bw_reached, idle_restart, probe_rtt_round_done, conserve;
};
static_assert(sizeof(struct bbr) <= sizeof(((struct tcp_sock *)0)->cc_state), "cc_state");

static struct bbr *bbr_of(struct tcp_sock *tp)
{
	return (struct bbr *)(void *)tp->cc_state;
}

static u64 max_bw(const struct bbr *b)
{
	u64 most = 0;

	for (u32 i = 0; i < BW_ROUNDS; i++)
		most = max_t(u64, most, b->bw[i]);
	return most;
}

static u32 pacing_gain(const struct bbr *b)
{
	switch (b->state) {
	case STARTUP:
		return HIGH_GAIN;
	case DRAIN:
		return GAIN(1 / 2.885);
	case PROBE_BW:
		return b->cycle == 0 ? GAIN(1.25) : b->cycle == 1 ? GAIN(0.75) : GAIN(1);
	default:
		return GAIN(1);
	}
}

static u32 inflight(struct tcp_sock *tp, u32 gain)
{
	struct bbr *b = bbr_of(tp);
	u32 n;

	if (b->min_rtt == TIME_NEVER)
		return TCP_INIT_CWND * tp->mss;
	/* what waits in offloads and in a delayed ACK must not hold the pipe up */
	n = tcp_bdp(max_bw(b), b->min_rtt, gain) + 3 * tcp_send_quantum(tp);
	n += b->state == PROBE_BW && b->cycle == 0 ? 2 * tp->mss : 0;
	return min_t(u32, n, TCP_WINDOW_MAX);
}

static void set_pacing(struct tcp_sock *tp, u32 gain)
{
	struct bbr *b = bbr_of(tp);
	u64 rate = min_t(u64, max_bw(b), UINT32_MAX * 64ULL) * gain / 256 * PACING_MARGIN / 100;

	rate = min_t(u64, rate, tp->max_pacing_rate);
	if (rate && (b->full_bw_reached || rate > tp->pacing_rate))
		tp->pacing_rate = rate;
}

static void save_cwnd(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	if (b->prior_ca < CA_RECOVERY && b->state != PROBE_RTT)
		b->prior_cwnd = tp->cwnd;
	else
		b->prior_cwnd = max_t(u32, b->prior_cwnd, tp->cwnd);
}

/* ---- the model ---- */

static void update_bw(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u64 rate = tcp_rate_of(rs);

	b->round_start = false;
	if (!rs->valid)
		return;
	if (rs->prior_delivered >= b->next_round) {
		b->next_round = tp->delivered;
		b->round_start = true;
		b->conserve = false;
		b->bw[++b->round % BW_ROUNDS] = 0;
	}
	if (!rs->app_limited || rate >= max_bw(b))
		b->bw[b->round % BW_ROUNDS] = max_t(u64, b->bw[b->round % BW_ROUNDS], rate);
}

static void next_phase(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	b->cycle = (u8)((b->cycle + 1U) % CYCLE_LENGTH);
	b->cycle_at = tcp_now(tp);
}

static void update_cycle(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u32 gain = pacing_gain(b);
	bool whole = tcp_now(tp) - b->cycle_at > b->min_rtt, over = whole;

	if (b->state != PROBE_BW)
		return;
	if (gain > GAIN(1)) /* until it has shown what it does: losses, or as much on its way as it wants */
		over = whole && (rs->losses || rs->prior_pipe >= inflight(tp, gain));
	else if (gain < GAIN(1)) /* no longer than the queue that the phase before made */
		over = whole || rs->prior_pipe <= inflight(tp, GAIN(1));
	if (over)
		next_phase(tp);
}

static void check_full_bw(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u64 bw = max_bw(b);

	if (b->full_bw_reached || !b->round_start || rs->app_limited)
		return;
	if (bw >= b->full_bw / 4 * 5) {
		b->full_bw = bw;
		b->full_bw_count = 0;
		return;
	}
	b->full_bw_reached = ++b->full_bw_count >= FULL_BW_ROUNDS;
}

static void start_probe_bw(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	b->state = PROBE_BW;
	/* any phase but the slow one comes first */
	b->cycle = (u8)(CYCLE_LENGTH - 1 - net_random(tcp_ns(tp)) % (CYCLE_LENGTH - 1));
	next_phase(tp);
}

static void check_drain(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	if (b->state == STARTUP && b->full_bw_reached)
		b->state = DRAIN;
	if (b->state == DRAIN && tcp_pipe(tp) <= inflight(tp, GAIN(1)))
		start_probe_bw(tp);
}

/* ---- the least round-trip time ---- */

static void leave_probe_rtt(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	if (!b->probe_rtt_done || tcp_now(tp) <= b->probe_rtt_done)
		return;
	b->min_rtt_at = tcp_now(tp);
	tp->cwnd = max_t(u32, tp->cwnd, b->prior_cwnd);
	if (b->full_bw_reached)
		start_probe_bw(tp);
	else
		b->state = STARTUP;
}

static u32 least_cwnd(const struct tcp_sock *tp)
{
	return 4 * tp->mss;
}

static void in_probe_rtt(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	tp->app_limited = max_t(u64, tp->delivered + tcp_pipe(tp), 1); /* such rates say nothing */
	if (!b->probe_rtt_done) {
		if (tcp_pipe(tp) <= least_cwnd(tp)) {
			b->probe_rtt_done = tcp_now(tp) + PROBE_RTT_TIME;
			b->probe_rtt_round_done = false;
			b->next_round = tp->delivered;
		}
		return;
	}
	b->probe_rtt_round_done |= b->round_start;
	if (b->probe_rtt_round_done)
		leave_probe_rtt(tp);
}

static void update_min_rtt(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u64 now = tcp_now(tp);
	bool expired = now > b->min_rtt_at + MIN_RTT_FILTER;

	if (rs->rtt && (rs->rtt < b->min_rtt || expired)) {
		b->min_rtt = rs->rtt;
		b->min_rtt_at = now;
	}
	if (expired && !b->idle_restart && b->state != PROBE_RTT) {
		save_cwnd(tp);
		b->state = PROBE_RTT;
		b->probe_rtt_done = 0;
	}
	if (b->state == PROBE_RTT)
		in_probe_rtt(tp);
	if (rs->delivered)
		b->idle_restart = false;
}

/* ---- the window ---- */

/* True if recovery alone decides now. */
static bool cwnd_in_recovery(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u32 acked = (u32)rs->acked_sacked, losses = (u32)min_t(u64, rs->losses, TCP_WINDOW_MAX);
	u8 prior = b->prior_ca;

	if (losses)
		tp->cwnd = tp->cwnd > losses + tp->mss ? tp->cwnd - losses : tp->mss;
	b->prior_ca = tp->ca;
	if (tp->ca == CA_RECOVERY && prior != CA_RECOVERY) {
		b->conserve = true;
		b->next_round = tp->delivered;
		tp->cwnd = tcp_pipe(tp) + acked;
	} else if (tp->ca < CA_RECOVERY && prior >= CA_RECOVERY) {
		tp->cwnd = max_t(u32, tp->cwnd, b->prior_cwnd);
		b->conserve = false;
	}
	if (b->conserve)
		tp->cwnd = max_t(u32, tp->cwnd, tcp_pipe(tp) + acked);
	return b->conserve;
}

static void set_cwnd(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u32 acked = (u32)rs->acked_sacked, target;

	if (acked && !cwnd_in_recovery(tp, rs)) {
		target = inflight(tp, b->state == STARTUP || b->state == DRAIN ? HIGH_GAIN : CWND_GAIN);
		if (b->full_bw_reached) {
			target += min_t(u32, tcp_aggregation_most(&b->extra),
					tcp_bdp(max_bw(b), AGGREGATION_MOST, GAIN(1)));
			tp->cwnd = min_t(u32, tp->cwnd + acked, target);
		} else if (tp->cwnd < target || tp->delivered < TCP_INIT_CWND * tp->mss) {
			tp->cwnd += acked;
		}
	}
	tp->cwnd = min_t(u32, max_t(u32, tp->cwnd, least_cwnd(tp)), TCP_WINDOW_MAX);
	if (b->state == PROBE_RTT)
		tp->cwnd = min_t(u32, tp->cwnd, least_cwnd(tp));
}

static void bbr_control(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);

	update_bw(tp, rs);
	tcp_aggregation(tp, &b->extra, rs, max_bw(b), b->round_start,
			b->full_bw_reached ? AGGREGATION_ROUND : 1);
	update_cycle(tp, rs);
	check_full_bw(tp, rs);
	check_drain(tp);
	update_min_rtt(tp, rs);
	set_pacing(tp, pacing_gain(b));
	set_cwnd(tp, rs);
}

/* ---- the rest ---- */

static u32 bbr_ssthresh(struct tcp_sock *tp)
{
	save_cwnd(tp);
	return TCP_INFINITE;
}

static u32 bbr_undo(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	b->full_bw = 0; /* a slow-down that was none is no reason to end startup */
	b->full_bw_count = 0;
	return max_t(u32, tp->cwnd, b->prior_cwnd);
}

static void bbr_event(struct tcp_sock *tp, enum tcp_cc_event ev)
{
	struct bbr *b = bbr_of(tp);

	if (ev == CC_EVENT_TX_START && tp->app_limited) {
		b->idle_restart = true;
		tcp_aggregation_restart(tp, &b->extra);
		if (b->state == PROBE_BW)
			set_pacing(tp, GAIN(1));
		else if (b->state == PROBE_RTT)
			leave_probe_rtt(tp);
	} else if (ev == CC_EVENT_LOSS) { /* the timer fired */
		save_cwnd(tp);
		b->prior_ca = CA_LOSS;
		b->full_bw = 0;
		b->conserve = false;
		tp->cwnd = tcp_pipe(tp) + tp->mss;
	}
}

static void bbr_init(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);
	u64 rtt = tp->srtt ? tp->srtt : MS;

	memset(b, 0, sizeof(*b));
	b->min_rtt = tp->srtt && tp->min_rtt != TIME_NEVER ? tp->min_rtt : TIME_NEVER;
	b->min_rtt_at = b->cycle_at = tcp_now(tp);
	tcp_aggregation_restart(tp, &b->extra);
	b->next_round = tp->delivered;
	b->prior_cwnd = tp->cwnd;
	b->state = STARTUP;
	tp->pacing_rate =
	    min_t(u64, (u64)tp->cwnd * NSEC_PER_SEC / rtt * HIGH_GAIN / 256, tp->max_pacing_rate);
	tp->ssthresh = TCP_INFINITE;
}

const struct tcp_cc_ops tcp_bbr = {.name = "bbr",
				   .init = bbr_init,
				   .ssthresh = bbr_ssthresh,
				   .control = bbr_control,
				   .undo = bbr_undo,
				   .event = bbr_event};

/*
 * tcp_bbr3.c - BBR version 3 (draft-ietf-ccwg-bbr), by the names of the draft. "bbr3"; "bbr" is version 1, as
 * on Linux.
 *
 * The path is modelled by two numbers, the most bandwidth seen lately and the least round-trip time. Data is
 * paced at about that bandwidth with about one product of both on its way. Startup doubles the rate each
 * round until the bandwidth stops growing, Drain empties the queue that this made. Then ProbeBW goes round:
 * DOWN (a little less than the bandwidth), CRUISE (just it), REFILL (a round to fill the pipe), UP (a quarter
 * more, to see whether there is more). ProbeRTT drains the pipe every five seconds if no smaller round-trip
 * time was seen by itself.
 *
 * Loss matters only as a bound: when more than 2 % of what was sent in a probe is lost, inflight_hi says how
 * much is too much; bw_lo and inflight_lo are what a round with loss delivered, until the next probe.
 *
 * Rates are bytes per second, amounts bytes, gains in 1/256.
 */
#include "netstack/transport/tcp_priv.h"

#define GAIN(x)            ((u32)((x)*256 + 0.5))
#define STARTUP_PACING     GAIN(2.77)
#define STARTUP_CWND       GAIN(2.0)
#define DRAIN_PACING       GAIN(0.5)
#define LOSS_THRESH        5U /* of 256: 2 % */
#define BETA               GAIN(0.7)
#define HEADROOM           GAIN(0.15)
#define PACING_MARGIN      99U /* percent of the rate */
#define FULL_LOSSES        6U
#define FULL_BW_ROUNDS     3U
#define MIN_RTT_FILTER     (10 * NSEC_PER_SEC)
#define PROBE_RTT_INTERVAL (5 * NSEC_PER_SEC)
#define PROBE_RTT_DURATION (200 * MS)
#define EXTRA_ACKED_ROUNDS 10U
#define RENO_ROUNDS_MAX    63U
#define INFINITE           UINT32_MAX

enum bbr_state { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT };
enum ack_phase { ACKS_INIT, ACKS_REFILLING, ACKS_PROBE_STARTING, ACKS_PROBE_FEEDBACK, ACKS_PROBE_STOPPING };

static const struct {
	u32 pacing, cwnd;
} gains[] = {
    [STARTUP] = {STARTUP_PACING, STARTUP_CWND},
    [DRAIN] = {DRAIN_PACING, STARTUP_CWND},
    [DOWN] = {GAIN(0.9), GAIN(2)},
    [CRUISE] = {GAIN(1), GAIN(2)},
    [REFILL] = {GAIN(1), GAIN(2)},
    [UP] = {GAIN(1.25), GAIN(2.25)},
    [PROBE_RTT] = {GAIN(1), GAIN(0.5)},
};

struct bbr {
	u64 max_bw[2]; /* of this probing cycle and the one before */
	u64 bw, bw_lo, bw_latest, full_bw;
	u64 min_rtt, min_rtt_at, probe_rtt_min, probe_rtt_at, probe_rtt_done;
	u64 next_round, loss_round; /* tp->delivered at which they begin */
	u64 cycle_at, probe_wait;
	struct tcp_aggregation extra;
	u32 inflight_hi, inflight_lo, inflight_latest, prior_cwnd;
	u32 probe_up_cnt, probe_up_acks, rounds_since_probe;
	u8 state, ack_phase, full_bw_count, probe_up_rounds, loss_events, undo_state;
	bool round_start, loss_round_start, loss_in_round, full_bw_now, full_bw_reached, probe_samples,
	    idle_restart, probe_rtt_round_done, saved;
	u64 undo_bw_lo;
	u32 undo_inflight_lo, undo_inflight_hi;
};
static_assert(sizeof(struct bbr) <= sizeof(((struct tcp_sock *)0)->cc_state), "cc_state");

static struct bbr *bbr_of(struct tcp_sock *tp)
{
	return (struct bbr *)(void *)tp->cc_state;
}

static u32 scale(u64 v, u32 gain)
{
	return (u32)min_t(u64, v * gain >> 8, TCP_WINDOW_MAX);
}

static u64 max_bw(const struct bbr *b)
{
	return max_t(u64, b->max_bw[0], b->max_bw[1]);
}

static bool in_probe_bw(const struct bbr *b)
{
	return b->state >= DOWN && b->state <= UP;
}

/* ---- amounts in flight ---- */

static u32 min_pipe(const struct tcp_sock *tp)
{
	return 4 * tp->mss;
}

static u32 bdp(struct tcp_sock *tp, u64 bw, u32 gain)
{
	struct bbr *b = bbr_of(tp);

	return b->min_rtt == TIME_NEVER ? TCP_INIT_CWND * tp->mss : tcp_bdp(bw, b->min_rtt, gain);
}

static u32 inflight(struct tcp_sock *tp, u64 bw, u32 gain)
{
	u32 cap = max_t(u32, bdp(tp, bw, gain), 3 * tcp_send_quantum(tp));

	cap = max_t(u32, cap, min_pipe(tp));
	return bbr_of(tp)->state == UP ? cap + 2 * tp->mss : cap;
}

static u32 inflight_with_headroom(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);
	u32 room;

	if (b->inflight_hi == INFINITE)
		return INFINITE;
	room = max_t(u32, tp->mss, scale(b->inflight_hi, HEADROOM));
	return max_t(u32, b->inflight_hi > room ? b->inflight_hi - room : 0, min_pipe(tp));
}

static u32 target_inflight(struct tcp_sock *tp)
{
	return min_t(u32, bdp(tp, bbr_of(tp)->bw, GAIN(1)), tp->cwnd);
}

/* ---- small changes of state ---- */

static void start_round(struct tcp_sock *tp)
{
	bbr_of(tp)->next_round = tp->delivered;
}

static void reset_full_bw(struct bbr *b)
{
	b->full_bw = 0;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

static void reset_short_term(struct bbr *b)
{
	b->bw_lo = UINT64_MAX;
	b->inflight_lo = INFINITE;
}

static void save_cwnd(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	if (tp->ca < CA_RECOVERY && b->state != PROBE_RTT)
		b->prior_cwnd = tp->cwnd;
	else
		b->prior_cwnd = max_t(u32, b->prior_cwnd, tp->cwnd);
}

static void set_pacing(struct tcp_sock *tp, u32 gain)
{
	struct bbr *b = bbr_of(tp);
	u64 rate = min_t(u64, b->bw, UINT32_MAX * 64ULL) * gain / 256 * PACING_MARGIN / 100;

	rate = min_t(u64, rate, tp->max_pacing_rate);
	if (rate && (b->full_bw_reached || rate > tp->pacing_rate))
		tp->pacing_rate = rate;
}

/* ---- ProbeBW ---- */

static void start_down(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	b->loss_in_round = false;
	b->loss_events = 0;
	b->bw_latest = 0;
	b->inflight_latest = 0;
	b->probe_up_cnt = INFINITE;
	b->rounds_since_probe = net_random(tcp_ns(tp)) & 1;
	b->probe_wait = 2 * NSEC_PER_SEC + net_random(tcp_ns(tp)) % NSEC_PER_SEC;
	b->cycle_at = tcp_now(tp);
	b->ack_phase = ACKS_PROBE_STOPPING;
	start_round(tp);
	b->state = DOWN;
}

static void raise_slope(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);
	u32 growth = 1U << b->probe_up_rounds;

	b->probe_up_rounds = (u8)min_t(u32, b->probe_up_rounds + 1U, 30);
	b->probe_up_cnt = max_t(u32, tp->cwnd / growth, tp->mss);
}

static void start_up(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);

	b->ack_phase = ACKS_PROBE_STARTING;
	start_round(tp);
	reset_full_bw(b);
	b->full_bw = tcp_rate_of(rs);
	b->state = UP;
	raise_slope(tp);
}

static void start_refill(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	reset_short_term(b);
	b->probe_up_rounds = 0;
	b->probe_up_acks = 0;
	b->ack_phase = ACKS_REFILLING;
	start_round(tp);
	b->state = REFILL;
}

static bool time_to_probe(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);
	u32 reno = min_t(u32, target_inflight(tp) / tp->mss, RENO_ROUNDS_MAX);

	if (tcp_now(tp) - b->cycle_at <= b->probe_wait && b->rounds_since_probe < max_t(u32, reno, 1))
		return false;
	start_refill(tp);
	return true;
}

static bool too_high(const struct tcp_rate *rs)
{
	return rs->lost > (u64)rs->tx_in_flight * LOSS_THRESH / 256;
}

static void handle_too_high(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);

	b->probe_samples = false;
	if (!rs->app_limited)
		b->inflight_hi = max_t(u32, rs->tx_in_flight, scale(target_inflight(tp), BETA));
	if (b->state == UP)
		start_down(tp);
}

static void probe_upward(struct tcp_sock *tp, u32 acked)
{
	struct bbr *b = bbr_of(tp);

	if (!tp->cwnd_limited || tp->cwnd < b->inflight_hi)
		return;
	b->probe_up_acks += acked;
	if (b->probe_up_acks >= b->probe_up_cnt) {
		u32 n = b->probe_up_acks / b->probe_up_cnt;
		b->probe_up_acks -= n * b->probe_up_cnt;
		b->inflight_hi = min_t(u32, b->inflight_hi + n * tp->mss, TCP_WINDOW_MAX);
	}
	if (b->round_start)
		raise_slope(tp);
}

static void adapt_long_term(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);

	if (b->ack_phase == ACKS_PROBE_STARTING && b->round_start)
		b->ack_phase = ACKS_PROBE_FEEDBACK;
	if (b->ack_phase == ACKS_PROBE_STOPPING && b->round_start) {
		b->probe_samples = false;
		b->ack_phase = ACKS_INIT;
		if (in_probe_bw(b) && !rs->app_limited && b->max_bw[1]) { /* the next cycle's filter */
			b->max_bw[0] = b->max_bw[1];
			b->max_bw[1] = 0;
		}
	}
	if (too_high(rs)) {
		if (b->probe_samples)
			handle_too_high(tp, rs);
		return;
	}
	if (b->inflight_hi == INFINITE)
		return;
	if (rs->tx_in_flight > b->inflight_hi)
		b->inflight_hi = rs->tx_in_flight;
	if (b->state == UP)
		probe_upward(tp, (u32)rs->acked_sacked);
}

static void probe_bw_phase(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u32 pipe = tcp_pipe(tp);

	if (!b->full_bw_reached)
		return;
	adapt_long_term(tp, rs);
	switch (b->state) {
	case DOWN:
		if (!time_to_probe(tp) && pipe <= inflight_with_headroom(tp) &&
		    pipe <= inflight(tp, max_bw(b), GAIN(1)))
			b->state = CRUISE;
		break;
	case CRUISE:
		(void)time_to_probe(tp); /* else on as before */
		break;
	case REFILL:
		/* after one round without bounds, what comes back is the probe's */
		if (b->round_start) {
			b->probe_samples = true;
			start_up(tp, rs);
		}
		break;
	case UP:
		if (tp->cwnd_limited && tp->cwnd >= b->inflight_hi) {
			reset_full_bw(b);
			b->full_bw = tcp_rate_of(rs);
		} else if (b->full_bw_now) {
			start_down(tp);
		}
		break;
	default:
		break;
	}
}

/* ---- signals ---- */

static void update_round(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u64 rate = tcp_rate_of(rs);

	b->round_start = false;
	if (rs->prior_delivered >= b->next_round) {
		start_round(tp);
		b->rounds_since_probe++;
		b->round_start = true;
	}
	if (rate && (rate >= max_bw(b) || !rs->app_limited))
		b->max_bw[1] = max_t(u64, b->max_bw[1], rate);
}

static void latest_signals(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);

	b->loss_round_start = false;
	b->bw_latest = max_t(u64, b->bw_latest, tcp_rate_of(rs));
	b->inflight_latest = (u32)min_t(u64, max_t(u64, b->inflight_latest, rs->delivered), TCP_WINDOW_MAX);
	if (rs->prior_delivered >= b->loss_round) {
		b->loss_round = tp->delivered;
		b->loss_round_start = true;
	}
}

/* A round with loss outside of a probe: what it delivered bounds us until the next probe. */
static void congestion_signals(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);

	update_round(tp, rs);
	if (!b->loss_round_start)
		return;
	if (b->loss_in_round && b->state != STARTUP && b->state != REFILL && b->state != UP) {
		if (b->bw_lo == UINT64_MAX)
			b->bw_lo = max_bw(b);
		if (b->inflight_lo == INFINITE)
			b->inflight_lo = tp->cwnd;
		b->bw_lo = max_t(u64, b->bw_latest, b->bw_lo / 256 * BETA);
		b->inflight_lo = max_t(u32, b->inflight_latest, scale(b->inflight_lo, BETA));
	}
}

static void full_bw(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u64 rate = tcp_rate_of(rs);

	if (b->full_bw_now || !b->round_start || rs->app_limited || !rate)
		return;
	if (rate >= b->full_bw / 4 * 5) {
		reset_full_bw(b);
		b->full_bw = rate;
		return;
	}
	if (++b->full_bw_count < FULL_BW_ROUNDS)
		return;
	b->full_bw_now = true;
	b->full_bw_reached = true;
}

static void startup_and_drain(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);

	if (b->state == STARTUP && !b->full_bw_reached && b->loss_round_start && tp->ca == CA_RECOVERY &&
	    b->loss_events >= FULL_LOSSES && too_high(rs)) {
		b->full_bw_reached = true;
		b->inflight_hi = max_t(u32, bdp(tp, max_bw(b), GAIN(1)), b->inflight_latest);
	}
	if (b->state == STARTUP && b->full_bw_reached)
		b->state = DRAIN;
	if (b->state == DRAIN && tcp_pipe(tp) <= inflight(tp, max_bw(b), GAIN(1)))
		start_down(tp);
}

/* ---- the least round-trip time ---- */

static void leave_probe_rtt(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	b->probe_rtt_at = tcp_now(tp);
	tp->cwnd = max_t(u32, tp->cwnd, b->prior_cwnd);
	reset_short_term(b);
	if (b->full_bw_reached) {
		start_down(tp);
		b->state = CRUISE;
	} else {
		b->state = STARTUP;
	}
}

static u32 probe_rtt_cwnd(struct tcp_sock *tp)
{
	return max_t(u32, bdp(tp, bbr_of(tp)->bw, gains[PROBE_RTT].cwnd), min_pipe(tp));
}

static void in_probe_rtt(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);
	u64 now = tcp_now(tp);

	tp->app_limited = max_t(u64, tp->delivered + tcp_pipe(tp), 1); /* such rates say nothing */
	if (!b->probe_rtt_done) {
		if (tcp_pipe(tp) <= probe_rtt_cwnd(tp)) {
			b->probe_rtt_done = now + PROBE_RTT_DURATION;
			b->probe_rtt_round_done = false;
			start_round(tp);
		}
		return;
	}
	b->probe_rtt_round_done |= b->round_start;
	if (b->probe_rtt_round_done && now > b->probe_rtt_done)
		leave_probe_rtt(tp);
}

static void min_rtt(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u64 now = tcp_now(tp);
	bool expired = now > b->probe_rtt_at + PROBE_RTT_INTERVAL;

	if (rs->rtt && (rs->rtt < b->probe_rtt_min || expired)) {
		b->probe_rtt_min = rs->rtt;
		b->probe_rtt_at = now;
	}
	if (b->probe_rtt_min < b->min_rtt || now > b->min_rtt_at + MIN_RTT_FILTER) {
		b->min_rtt = b->probe_rtt_min;
		b->min_rtt_at = b->probe_rtt_at;
	}
	if (b->state != PROBE_RTT && expired && !b->idle_restart) {
		save_cwnd(tp);
		b->state = PROBE_RTT;
		b->probe_rtt_done = 0;
		b->ack_phase = ACKS_PROBE_STOPPING;
		start_round(tp);
	}
	if (b->state == PROBE_RTT)
		in_probe_rtt(tp);
	if (rs->acked_sacked)
		b->idle_restart = false;
}

/* ---- what is set of it ---- */

static void set_cwnd(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	u32 most = inflight(tp, b->bw, gains[b->state].cwnd), cap = INFINITE;
	u32 acked = (u32)rs->acked_sacked, cwnd = tp->cwnd;

	if (b->min_rtt == TIME_NEVER)
		most = max_t(u32, most, TCP_INIT_CWND * tp->mss);
	most += tcp_aggregation_most(&b->extra);
	if (rs->losses && tp->ca >= CA_RECOVERY)
		cwnd = cwnd > rs->losses + tp->mss ? cwnd - (u32)rs->losses : tp->mss;
	if (tp->ca == CA_LOSS)
		cwnd = max_t(u32, cwnd, tcp_pipe(tp) + acked);
	if (b->full_bw_reached)
		cwnd = min_t(u32, cwnd + acked, most);
	else if (cwnd < most || tp->delivered < TCP_INIT_CWND * tp->mss)
		cwnd += acked;
	cwnd = max_t(u32, cwnd, min_pipe(tp));
	if (b->state == PROBE_RTT)
		cwnd = min_t(u32, cwnd, probe_rtt_cwnd(tp));
	if (in_probe_bw(b) && b->state != CRUISE)
		cap = b->inflight_hi;
	else if (b->state == PROBE_RTT || b->state == CRUISE)
		cap = inflight_with_headroom(tp);
	cap = max_t(u32, min_t(u32, cap, b->inflight_lo), min_pipe(tp));
	tp->cwnd = min_t(u32, min_t(u32, cwnd, cap), TCP_WINDOW_MAX);
}

static void bbr3_control(struct tcp_sock *tp, const struct tcp_rate *rs)
{
	struct bbr *b = bbr_of(tp);
	bool loss_round;

	latest_signals(tp, rs);
	congestion_signals(tp, rs);
	tcp_aggregation(tp, &b->extra, rs, b->bw, b->round_start,
			b->full_bw_reached ? EXTRA_ACKED_ROUNDS / 2 : 1);
	full_bw(tp, rs);
	startup_and_drain(tp, rs);
	loss_round = b->loss_round_start;
	probe_bw_phase(tp, rs);
	min_rtt(tp, rs);
	if (loss_round) {
		b->bw_latest = tcp_rate_of(rs);
		b->inflight_latest = (u32)min_t(u64, rs->delivered, TCP_WINDOW_MAX);
		b->loss_in_round = false;
		b->loss_events = 0;
	}
	b->bw = min_t(u64, max_bw(b), b->bw_lo);
	set_pacing(tp, gains[b->state].pacing);
	set_cwnd(tp, rs);
}

/* ---- losses ---- */

static void save_state(struct bbr *b)
{
	b->undo_state = b->state;
	b->undo_bw_lo = b->bw_lo;
	b->undo_inflight_lo = b->inflight_lo;
	b->undo_inflight_hi = b->inflight_hi;
	b->saved = true;
}

static void bbr3_lost(struct tcp_sock *tp, const struct tcp_seg *s)
{
	struct bbr *b = bbr_of(tp);
	struct tcp_rate rs = {.tx_in_flight = s->tx_in_flight,
			      .lost = (u32)min_t(u64, tp->lost_total - s->lost, UINT32_MAX),
			      .app_limited = s->flags & SEG_APP_LIMITED};
	u32 size = s->end - s->seq, before, lost;

	if (!b->loss_in_round) {
		b->loss_round = tp->delivered;
		b->loss_in_round = true;
		save_state(b);
	}
	b->loss_events = (u8)min_t(u32, b->loss_events + 1U, 255);
	if (!b->probe_samples || !too_high(&rs))
		return;
	/* where in the flight did the losses become too many? */
	before = rs.tx_in_flight > size ? rs.tx_in_flight - size : 0;
	lost = rs.lost > size ? rs.lost - size : 0;
	rs.tx_in_flight = before;
	if ((u64)before * LOSS_THRESH / 256 > lost)
		rs.tx_in_flight += (u32)(((u64)before * LOSS_THRESH - (u64)lost * 256) / (256 - LOSS_THRESH));
	handle_too_high(tp, &rs);
}

static u32 bbr3_ssthresh(struct tcp_sock *tp)
{
	save_cwnd(tp);
	return TCP_INFINITE;
}

static u32 bbr3_undo(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	b->loss_in_round = false;
	reset_full_bw(b);
	if (b->saved) {
		b->bw_lo = max_t(u64, b->bw_lo, b->undo_bw_lo);
		b->inflight_lo = max_t(u32, b->inflight_lo, b->undo_inflight_lo);
		b->inflight_hi = max_t(u32, b->inflight_hi, b->undo_inflight_hi);
		if (b->state != PROBE_RTT && b->state != b->undo_state) {
			struct tcp_rate none = {0};
			if (b->undo_state == STARTUP) {
				b->state = STARTUP;
				b->full_bw_reached = false;
			} else if (b->undo_state == UP) {
				start_up(tp, &none);
			}
		}
		b->saved = false;
	}
	return max_t(u32, tp->cwnd, b->prior_cwnd);
}

static void bbr3_event(struct tcp_sock *tp, enum tcp_cc_event ev)
{
	struct bbr *b = bbr_of(tp);

	switch (ev) {
	case CC_EVENT_TX_START:
		if (!tp->app_limited)
			break;
		b->idle_restart = true;
		tcp_aggregation_restart(tp, &b->extra);
		if (in_probe_bw(b))
			set_pacing(tp, GAIN(1));
		else if (b->state == PROBE_RTT && b->probe_rtt_done && tcp_now(tp) > b->probe_rtt_done)
			leave_probe_rtt(tp);
		break;
	case CC_EVENT_LOSS: /* the timer fired */
		save_cwnd(tp);
		reset_full_bw(b);
		tp->cwnd = tcp_pipe(tp) + tp->mss;
		break;
	case CC_EVENT_OPEN:
		tp->cwnd = max_t(u32, tp->cwnd, b->prior_cwnd);
		break;
	default:
		break;
	}
}

static void bbr3_init(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);
	u64 rtt = tp->srtt ? tp->srtt : MS;

	memset(b, 0, sizeof(*b));
	b->min_rtt = b->probe_rtt_min = tp->srtt && tp->min_rtt != TIME_NEVER ? tp->min_rtt : TIME_NEVER;
	b->min_rtt_at = b->probe_rtt_at = b->cycle_at = tcp_now(tp);
	tcp_aggregation_restart(tp, &b->extra);
	b->next_round = b->loss_round = tp->delivered;
	b->prior_cwnd = tp->cwnd;
	b->inflight_hi = INFINITE;
	b->probe_up_cnt = INFINITE;
	reset_short_term(b);
	b->state = STARTUP;
	tp->pacing_rate =
	    min_t(u64, (u64)tp->cwnd * NSEC_PER_SEC / rtt * STARTUP_PACING / 256, tp->max_pacing_rate);
	tp->ssthresh = TCP_INFINITE;
}

const struct tcp_cc_ops tcp_bbr3 = {.name = "bbr3",
				    .init = bbr3_init,
				    .ssthresh = bbr3_ssthresh,
				    .control = bbr3_control,
				    .lost = bbr3_lost,
				    .undo = bbr3_undo,
				    .event = bbr3_event};

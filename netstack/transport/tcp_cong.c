/*
 * tcp_cong.c - congestion control: the table, slow start, NewReno (RFC 5681), CUBIC (RFC 9438) with HyStart's
 * delay test.
 */
#include "netstack/transport/tcp_priv.h"

const struct tcp_cc_ops *const tcp_cc_table[CC_COUNT] = {&tcp_cubic, &tcp_reno, &tcp_bbr, &tcp_bbr3};

const struct tcp_cc_ops *tcp_cc_by_name(const char *name, size_t n)
{
	for (u32 i = 0; i < CC_COUNT; i++)
		if (strlen(tcp_cc_table[i]->name) == n && !memcmp(tcp_cc_table[i]->name, name, n))
			return tcp_cc_table[i];
	return NULL;
}

void tcp_set_cc(struct tcp_sock *tp, const struct tcp_cc_ops *cc)
{
	if (tp->cc == cc)
		return;
	tp->cc = cc;
	memset(tp->cc_state, 0, sizeof(tp->cc_state));
	tp->pacing = cc->control || tp->max_pacing_rate != UINT64_MAX;
	if (tcp_synchronized(tp))
		cc->init(tp);
}

/* Grows by what was acknowledged, up to the threshold; what is left of it. */
u32 tcp_slow_start(struct tcp_sock *tp, u32 acked)
{
	u32 cwnd = min_t(u32, tp->cwnd + acked, tp->ssthresh);

	acked -= cwnd - tp->cwnd;
	tp->cwnd = min_t(u32, cwnd, TCP_WINDOW_MAX);
	return acked;
}

/* One segment for every `per` bytes acknowledged. */
void tcp_cong_avoid_ai(struct tcp_sock *tp, u32 per, u32 acked)
{
	tp->cwnd_used += acked;
	if (tp->cwnd_used >= per) {
		u32 times = tp->cwnd_used / max_t(u32, per, 1);
		tp->cwnd_used -= times * per;
		tp->cwnd = min_t(u32, tp->cwnd + times * tp->mss, TCP_WINDOW_MAX);
	}
}

void tcp_update_pacing(struct tcp_sock *tp)
{
	u64 rate;

	if (!tp->srtt)
		return;
	rate = (u64)max_t(u32, tp->cwnd, tcp_pipe(tp)) * NSEC_PER_SEC / tp->srtt;
	rate = tp->cwnd < tp->ssthresh / 2 ? 2 * rate : rate * 6 / 5;
	tp->pacing_rate = min_t(u64, rate, tp->max_pacing_rate);
}

/* ---- NewReno ---- */

static void reno_init(struct tcp_sock *tp)
{
	tp->cwnd_used = 0;
}

static u32 reno_ssthresh(struct tcp_sock *tp)
{
	return max_t(u32, tp->cwnd / 2, 2 * tp->mss);
}

static void reno_avoid(struct tcp_sock *tp, u32 acked)
{
	if (tp->cwnd < tp->ssthresh) {
		acked = tcp_slow_start(tp, acked);
		if (!acked)
			return;
	}
	tcp_cong_avoid_ai(tp, tp->cwnd, acked);
}

const struct tcp_cc_ops tcp_reno = {
    .name = "reno", .init = reno_init, .ssthresh = reno_ssthresh, .avoid = reno_avoid};

/* ---- CUBIC: windows in segments, times in seconds ---- */

#define CUBIC_C         0.4
#define CUBIC_BETA      0.7
#define HYSTART_SAMPLES 8U
#define HYSTART_MIN     (4 * MS)
#define HYSTART_MAX     (16 * MS)

struct cubic {
	double w_max, k, origin, w_est;
	u64 epoch;
	/* HyStart */
	u32 round_end, samples;
	u64 round_rtt, least_rtt;
	bool found;
};
static_assert(sizeof(struct cubic) <= sizeof(((struct tcp_sock *)0)->cc_state), "cc_state");

static struct cubic *cubic_of(struct tcp_sock *tp)
{
	return (struct cubic *)(void *)tp->cc_state;
}

static double cube_root(double x)
{
	double r = x > 1 ? x / 3 : 1;

	if (x <= 0)
		return 0;
	for (int i = 0; i < 40; i++)
		r = (2 * r + x / (r * r)) / 3;
	return r;
}

static void cubic_init(struct tcp_sock *tp)
{
	memset(cubic_of(tp), 0, sizeof(struct cubic));
	cubic_of(tp)->round_end =
	    tp->snd_una; /* the first round begins with the next ACK, wherever numbers began */
	tp->cwnd_used = 0;
}

static u32 cubic_ssthresh(struct tcp_sock *tp)
{
	struct cubic *c = cubic_of(tp);
	double w = (double)tp->cwnd / tp->mss;

	c->epoch = 0;
	/* fast convergence: who lost earlier than last time gives way */
	c->w_max = w < c->w_max ? w * (1 + CUBIC_BETA) / 2 : w;
	return max_t(u32, (u32)(tp->cwnd * CUBIC_BETA), 2 * tp->mss);
}

static void start_epoch(struct tcp_sock *tp, struct cubic *c, double w)
{
	c->epoch = tcp_now(tp);
	c->w_est = w;
	if (w < c->w_max) {
		c->k = cube_root((c->w_max - w) / CUBIC_C);
		c->origin = c->w_max;
	} else {
		c->k = 0;
		c->origin = w;
	}
}

static void cubic_avoid(struct tcp_sock *tp, u32 acked)
{
	struct cubic *c = cubic_of(tp);
	double w = (double)tp->cwnd / tp->mss, t, target, alpha, per;

	if (tp->cwnd < tp->ssthresh) {
		acked = tcp_slow_start(tp, acked);
		if (!acked)
			return;
	}
	if (!c->epoch)
		start_epoch(tp, c, w);
	t = (double)(tcp_now(tp) - c->epoch + (tp->min_rtt == TIME_NEVER ? 0 : tp->min_rtt)) / 1e9;
	target = c->origin + CUBIC_C * (t - c->k) * (t - c->k) * (t - c->k);
	target = target > 1.5 * w ? 1.5 * w : target;
	per = target > w ? w / (target - w) : 100 * w;
	/* not slower than Reno would be */
	alpha = c->w_est >= c->w_max ? 1 : 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA);
	c->w_est += alpha * acked / tp->cwnd;
	if (c->w_est > w && w / (c->w_est - w) < per)
		per = w / (c->w_est - w);
	per = per < 2 ? 2 : per;
	tcp_cong_avoid_ai(tp, (u32)min_t(u64, (u64)(per * tp->mss), TCP_WINDOW_MAX), acked);
}

static u32 cubic_undo(struct tcp_sock *tp)
{
	return max_t(u32, tp->cwnd, tp->prior_cwnd);
}

static void cubic_event(struct tcp_sock *tp, enum tcp_cc_event ev)
{
	struct cubic *c = cubic_of(tp);

	if (ev == CC_EVENT_LOSS) {
		c->epoch = 0;
		c->found = false;
		c->least_rtt = 0;
	} else if (ev == CC_EVENT_TX_START && c->epoch) {
		/* idle time is no reason to have grown */
		u64 idle = tcp_now(tp) - tp->last_data_send;
		c->epoch = min_t(u64, c->epoch + idle, tcp_now(tp));
	}
}

/* HyStart: a round trip whose least delay grew by an eighth means that a queue builds up. */
static void cubic_rtt(struct tcp_sock *tp, u64 rtt)
{
	struct cubic *c = cubic_of(tp);
	u64 threshold;

	if (!c->least_rtt || rtt < c->least_rtt)
		c->least_rtt = rtt;
	if (tp->cwnd >= tp->ssthresh || tp->cwnd < 16 * tp->mss || c->found)
		return;
	if (!seq_before(tp->snd_una, c->round_end)) {
		c->round_end = tp->snd_nxt;
		c->round_rtt = TIME_NEVER;
		c->samples = 0;
	}
	c->round_rtt = min_t(u64, c->round_rtt, rtt);
	threshold = max_t(u64, HYSTART_MIN, min_t(u64, HYSTART_MAX, c->least_rtt / 8));
	if (++c->samples == HYSTART_SAMPLES && c->round_rtt > c->least_rtt + threshold) {
		c->found = true;
		tp->ssthresh = tp->cwnd;
	}
}

const struct tcp_cc_ops tcp_cubic = {.name = "cubic",
				     .init = cubic_init,
				     .ssthresh = cubic_ssthresh,
				     .avoid = cubic_avoid,
				     .undo = cubic_undo,
				     .event = cubic_event,
				     .rtt = cubic_rtt};

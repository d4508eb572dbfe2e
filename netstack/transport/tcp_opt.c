/*
 * tcp_opt.c - options of a TCP socket: level IPPROTO_TCP by Linux's numbers, and those of SOL_SOCKET that TCP
 * has to know of.
 */
#include <errno.h>

#include "netstack/transport/tcp_info.h"
#include "netstack/transport/tcp_priv.h"

#define KEEP_MAX        32767
#define KEEP_COUNT_MAX  127
#define SYN_COUNT_MAX   127
#define FIN_TIMEOUT_MAX 120
#define USER_MSS_MIN    88
#define USER_MSS_MAX    32767
#define WINDOW_LEAST    1152U
#define RCVBUF_LEAST    2304U
#define SNDBUF_LEAST    4608U
#define CC_NAME         16U

/* ---- what SOL_SOCKET hands over ---- */

void tcp_set_rcvbuf(struct net_sock *sk, u32 size)
{
	sk->rcvbuf = max_t(u32, min_t(u32, size, INT32_MAX), RCVBUF_LEAST);
	tcp_of(sk)->rcvbuf_locked = true;
}

void tcp_set_sndbuf(struct net_sock *sk, u32 size)
{
	struct tcp_sock *tp = tcp_of(sk);

	sk->sndbuf = max_t(u32, min_t(u32, size, INT32_MAX), SNDBUF_LEAST);
	tp->sndbuf_locked = true;
	tp->nospace = true;
	tcp_write_space(tp);
}

void tcp_set_keepalive(struct net_sock *sk, bool on)
{
	struct tcp_sock *tp = tcp_of(sk);
	bool was = tp->keepalive;

	tp->keepalive = on;
	if (tp->state == TCPS_CLOSE || tp->state == TCPS_LISTEN || on == was)
		return;
	net_tick(sk->ep.ns);
	if (on)
		tcp_keep_arm(tp, tp->keep_idle);
	else
		net_timer_cancel(&tp->keep);
	tp->probes = 0;
	net_leave(sk->ep.ns);
}

void tcp_set_lowat(struct net_sock *sk, u32 n)
{
	struct tcp_sock *tp = tcp_of(sk);
	u32 most = tcp_ns(tp)->config.tcp_rmem[2] / 2;

	tp->rcvlowat = n ? min_t(u32, n, most) : 1;
	/* the mark must be reachable */
	if (!tp->rcvbuf_locked && sk->rcvbuf < 2 * tp->rcvlowat)
		sk->rcvbuf = 2 * tp->rcvlowat;
	if (tp->rcvq.size >= tp->rcvlowat)
		sock_event(sk, SOCK_IN);
}

void tcp_set_oobinline(struct net_sock *sk, bool on)
{
	tcp_of(sk)->oobinline = on;
}

bool tcp_wants_inq(const struct net_sock *sk)
{
	return tcp_of_const(sk)->recv_inq;
}

/* ---- TCP_DEFER_ACCEPT counts SYN-ACKs, the user counts seconds ---- */

static u32 seconds_to_tries(u32 seconds)
{
	u32 tries = 0, period = 0, step = 1;

	while (period < seconds && tries < 255) {
		period += step;
		tries++;
		step = min_t(u32, 2 * step, 120);
	}
	return tries;
}

static u32 tries_to_seconds(u32 tries)
{
	u32 period = 0, step = 1;

	for (; tries; tries--) {
		period += step;
		step = min_t(u32, 2 * step, 120);
	}
	return period;
}

/* ---- set ---- */

/* Something that held data back is off. */
static void push(struct tcp_sock *tp)
{
	net_tick(tcp_ns(tp));
	tp->more = false;
	tcp_output(tp);
	net_leave(tcp_ns(tp));
}

static int set_congestion(struct tcp_sock *tp, const char *name, size_t size)
{
	const struct tcp_cc_ops *cc;

	size = strnlen(name, min_t(size_t, size, CC_NAME - 1));
	if (!size)
		return -EINVAL;
	cc = tcp_cc_by_name(name, size);
	if (!cc)
		return -ENOENT;
	net_tick(tcp_ns(tp));
	tcp_set_cc(tp, cc);
	return 0;
}

static void set_quickack(struct tcp_sock *tp, int v)
{
	tp->pingpong = v ? 0 : 1;
	tp->quickack_set = v;
	if (!v || (tp->state != TCPS_ESTABLISHED && tp->state != TCPS_CLOSE_WAIT) || !tp->ack_wanted)
		return;
	net_tick(tcp_ns(tp));
	tcp_send_ack(tp);
	if (!(v & 1)) {
		tp->quickack_set = false;
		tp->pingpong = 1;
	}
	net_leave(tcp_ns(tp));
}

static int set_keep(struct tcp_sock *tp, int name, int v)
{
	if (v < 1 || v > (name == TCPO_KEEPCNT ? KEEP_COUNT_MAX : KEEP_MAX))
		return -EINVAL;
	if (name == TCPO_KEEPCNT) {
		tp->keep_count = (u32)v;
	} else if (name == TCPO_KEEPINTVL) {
		tp->keep_interval = (u64)v * NSEC_PER_SEC;
	} else {
		u64 idle;
		tp->keep_idle = (u64)v * NSEC_PER_SEC;
		if (!tp->keepalive || tp->state == TCPS_CLOSE || tp->state == TCPS_LISTEN)
			return 0;
		net_tick(tcp_ns(tp));
		idle = tcp_now(tp) - tp->last_recv;
		tcp_keep_arm(tp, tp->keep_idle > idle ? tp->keep_idle - idle : 0);
		net_leave(tcp_ns(tp));
	}
	return 0;
}

static int set_clamp(struct tcp_sock *tp, int v)
{
	if (!v && tp->state != TCPS_CLOSE)
		return -EINVAL;
	tp->window_clamp = v > 0 ? max_t(u32, (u32)v, WINDOW_LEAST) : 0;
	return 0;
}

static int set_linger2(struct tcp_sock *tp, int v)
{
	tp->linger2_off = v < 0;
	tp->linger2 = (u64)(v > FIN_TIMEOUT_MAX ? FIN_TIMEOUT_MAX : v < 0 ? 0 : v) * NSEC_PER_SEC;
	if (!v)
		tp->linger2 = tcp_ns(tp)->config.tcp_fin_timeout_s * NSEC_PER_SEC;
	return 0;
}

static int set_bool(bool *to, int v)
{
	if (v < 0 || v > 1)
		return -EINVAL;
	*to = v;
	return 0;
}

static int set_int(struct tcp_sock *tp, int name, int v)
{
	switch (name) {
	case TCPO_NODELAY:
		tp->nodelay = v;
		if (v)
			push(tp);
		return 0;
	case TCPO_CORK:
		tp->cork = v;
		if (!v)
			push(tp);
		return 0;
	case TCPO_MAXSEG:
		if (v && (v < USER_MSS_MIN || v > USER_MSS_MAX))
			return -EINVAL;
		tp->user_mss = (u16)v;
		return 0;
	case TCPO_KEEPIDLE:
	case TCPO_KEEPINTVL:
	case TCPO_KEEPCNT:
		return set_keep(tp, name, v);
	case TCPO_SYNCNT:
		if (v < 1 || v > SYN_COUNT_MAX)
			return -EINVAL;
		tp->syn_count = (u32)v;
		return 0;
	case TCPO_LINGER2:
		return set_linger2(tp, v);
	case TCPO_DEFER_ACCEPT:
		tp->defer_accept = v > 0 ? seconds_to_tries((u32)v) : 0;
		return 0;
	case TCPO_WINDOW_CLAMP:
		return set_clamp(tp, v);
	case TCPO_QUICKACK:
		set_quickack(tp, v);
		return 0;
	case TCPO_THIN_LINEAR_TIMEOUTS:
		return set_bool(&tp->thin_linear, v);
	case TCPO_THIN_DUPACK: /* of no effect on Linux either, since RACK */
		return v < 0 || v > 1 ? -EINVAL : 0;
	case TCPO_USER_TIMEOUT:
		if (v < 0)
			return -EINVAL;
		tp->user_timeout = (u64)v * MS;
		return 0;
	case TCPO_FASTOPEN: /* a queue length; as with net.ipv4.tcp_fastopen=0 nobody is ever put into it */
		if (v < 0 || (tp->state != TCPS_CLOSE && tp->state != TCPS_LISTEN))
			return -EINVAL;
		tp->fastopen = (u32)v;
		return 0;
	case TCPO_FASTOPEN_CONNECT:
		return v < 0 || v > 1 ? -EINVAL : -EOPNOTSUPP;
	case TCPO_NOTSENT_LOWAT:
		tp->notsent_lowat = (u32)v;
		tcp_write_space(tp);
		return 0;
	case TCPO_INQ:
		return set_bool(&tp->recv_inq, v);
	case TCPO_REPAIR:
	case TCPO_TIMESTAMP:
		return -EPERM;
	default:
		return -ENOPROTOOPT;
	}
}

int tcp_setsockopt(struct net_sock *sk, int name, const void *value, size_t size)
{
	int v;

	if (name == TCPO_CONGESTION)
		return size ? set_congestion(tcp_of(sk), value, size) : -EINVAL;
	if (name == TCPO_ULP)
		return size ? -ENOENT : -EINVAL;
	if (size < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	return set_int(tcp_of(sk), name, v);
}

/* ---- get ---- */

static u32 option_value(struct tcp_sock *tp, int name, bool *known)
{
	switch (name) {
	case TCPO_NODELAY:
		return tp->nodelay;
	case TCPO_CORK:
		return tp->cork;
	case TCPO_MAXSEG:
		return tp->user_mss && (tp->state == TCPS_CLOSE || tp->state == TCPS_LISTEN) ? tp->user_mss
											     : tp->mss;
	case TCPO_KEEPIDLE:
		return (u32)(tp->keep_idle / NSEC_PER_SEC);
	case TCPO_KEEPINTVL:
		return (u32)(tp->keep_interval / NSEC_PER_SEC);
	case TCPO_KEEPCNT:
		return tp->keep_count;
	case TCPO_SYNCNT:
		return tp->syn_count ? tp->syn_count : tcp_ns(tp)->config.tcp_syn_retries;
	case TCPO_LINGER2:
		return tp->linger2_off ? (u32)-1 : (u32)(tp->linger2 / NSEC_PER_SEC);
	case TCPO_DEFER_ACCEPT:
		return tries_to_seconds(tp->defer_accept);
	case TCPO_WINDOW_CLAMP:
		return tp->window_clamp;
	case TCPO_QUICKACK:
		return !tp->pingpong;
	case TCPO_THIN_LINEAR_TIMEOUTS:
		return tp->thin_linear;
	case TCPO_THIN_DUPACK:
	case TCPO_REPAIR:
	case TCPO_FASTOPEN_CONNECT:
		return 0;
	case TCPO_USER_TIMEOUT:
		return (u32)(tp->user_timeout / MS);
	case TCPO_FASTOPEN:
		return tp->fastopen;
	case TCPO_TIMESTAMP:
		net_tick(tcp_ns(tp));
		return tcp_ts_now(tp);
	case TCPO_NOTSENT_LOWAT:
		return tp->notsent_lowat;
	case TCPO_INQ:
		return tp->recv_inq;
	default:
		*known = false;
		return 0;
	}
}

s64 tcp_getsockopt(struct net_sock *sk, int name, void *value, size_t size)
{
	struct tcp_sock *tp = tcp_of(sk);
	struct tcp_info_linux info;
	char cc[CC_NAME] = {0};
	const void *from = &info;
	bool known = true;
	u32 v;

	if (name == TCPO_INFO) {
		net_tick(sk->ep.ns);
		tcp_info_fill(tp, &info);
		size = min_t(size_t, size, sizeof(info));
	} else if (name == TCPO_CONGESTION) {
		memcpy(cc, tp->cc->name, strlen(tp->cc->name));
		from = cc;
		size = min_t(size_t, size, sizeof(cc));
	} else if (name == TCPO_CC_INFO || name == TCPO_ULP) {
		size = 0; /* there is none */
	} else {
		v = option_value(tp, name, &known);
		if (!known)
			return -ENOPROTOOPT;
		from = &v;
		size = min_t(size_t, size, sizeof(v));
	}
	if (size)
		memcpy(value, from, size);
	return (s64)size;
}

/*
 * tcp_info.c - what a connection tells about itself: TCP_INFO, and a line of /proc/net/tcp.
 *
 * Linux counts segments where we count bytes; a count is the bytes over the segment size, rounded up.
 */
#include "netstack/transport/tcp_info.h"

#include "netstack/transport/tcp_priv.h"

#define TIMER_NONE  0U
#define TIMER_RTX   1U
#define TIMER_KEEP  2U
#define TIMER_TW    3U
#define TIMER_PROBE 4U

/* ---- where the time of sending went ---- */

void tcp_chrono(struct tcp_sock *tp)
{
	u64 now = tcp_now(tp);
	enum tcp_chrono kind = CHRONO_NONE;

	if (tp->sndq.size) {
		u32 left = tcp_unsent(&tp->sk);
		bool closed = seq_after(tp->snd_nxt + min_t(u32, left, tp->mss), tcp_wnd_end(tp));
		kind = CHRONO_BUSY;
		if (left && closed)
			kind = CHRONO_RWND;
		else if (!left && tp->nospace && tcp_pipe(tp) < tp->cwnd)
			kind = CHRONO_SNDBUF;
	}
	if (tp->chrono_kind != CHRONO_NONE)
		tp->chrono[tp->chrono_kind] += now - tp->chrono_at;
	tp->chrono_kind = (u8)kind;
	tp->chrono_at = now;
}

static u64 chrono_us(const struct tcp_sock *tp, enum tcp_chrono kind)
{
	return (tp->chrono[kind] + (tp->chrono_kind == kind ? tcp_now(tp) - tp->chrono_at : 0)) / 1000;
}

/* ---- TCP_INFO ---- */

static u32 segments(const struct tcp_sock *tp, u64 bytes)
{
	return (u32)min_t(u64, (bytes + tp->mss - 1) / tp->mss, UINT32_MAX);
}

static u32 ms_since(const struct tcp_sock *tp, u64 t)
{
	return t ? (u32)min_t(u64, (tcp_now(tp) - t) / MS, UINT32_MAX) : 0;
}

static u32 us(u64 ns)
{
	return (u32)min_t(u64, ns / 1000, UINT32_MAX);
}

static u64 delivery_rate(const struct tcp_sock *tp)
{
	return tp->rate_interval
		   ? min_t(u64, tp->rate_delivered, UINT32_MAX) * NSEC_PER_SEC / tp->rate_interval
		   : 0;
}

static u8 options(const struct tcp_sock *tp)
{
	return (u8)((tp->ts_ok ? TCPI_OPT_TIMESTAMPS : 0) | (tp->sack_ok ? TCPI_OPT_SACK : 0) |
		    (tp->wscale_ok ? TCPI_OPT_WSCALE : 0) | (tp->ecn & 1 ? TCPI_OPT_ECN : 0) |
		    (tp->ecn_seen ? TCPI_OPT_ECN_SEEN : 0));
}

static void fill_sending(const struct tcp_sock *tp, struct tcp_info_linux *i)
{
	i->rto = us(tp->rto << min_t(u32, tp->backoff, 16));
	i->snd_mss = tp->mss;
	i->unacked = segments(tp, tp->snd_nxt - tp->snd_una);
	i->sacked = segments(tp, tp->sacked);
	i->lost = segments(tp, tp->lost);
	i->retrans = segments(tp, tp->retrans);
	i->last_data_sent = ms_since(tp, tp->last_data_send);
	i->last_ack_recv = ms_since(tp, tp->last_ack_recv);
	i->rtt = us(tp->srtt);
	i->rttvar = us(tp->rttvar);
	i->snd_ssthresh = tp->ssthresh == TCP_INFINITE ? TCP_INFINITE : segments(tp, tp->ssthresh);
	i->snd_cwnd = max_t(u32, tp->cwnd / tp->mss, 1);
	i->reordering = 3;
	i->total_retrans = tp->total_retrans;
	i->pacing_rate = tp->pacing || tp->pacing_rate ? tp->pacing_rate : UINT64_MAX;
	i->max_pacing_rate = tp->max_pacing_rate;
	i->bytes_acked = tp->bytes_acked;
	i->segs_out = tp->segs_out;
	i->notsent_bytes = tcp_unsent(&tp->sk);
	i->min_rtt = tp->min_rtt == TIME_NEVER ? UINT32_MAX : us(tp->min_rtt);
	i->data_segs_out = tp->data_segs_out;
	i->delivery_rate = delivery_rate(tp);
	i->app_limited = tp->app_limited != 0;
	i->busy_time = chrono_us(tp, CHRONO_BUSY) + chrono_us(tp, CHRONO_RWND) + chrono_us(tp, CHRONO_SNDBUF);
	i->rwnd_limited = chrono_us(tp, CHRONO_RWND);
	i->sndbuf_limited = chrono_us(tp, CHRONO_SNDBUF);
	i->delivered = segments(tp, tp->delivered);
	i->delivered_ce = segments(tp, tp->delivered_ce);
	i->bytes_sent = tp->bytes_sent;
	i->bytes_retrans = tp->bytes_retrans;
	i->dsack_dups = tp->dsack_dups;
	i->reord_seen = tp->reord_seen;
	i->snd_wnd = tp->snd_wnd;
	i->total_rto = tp->total_rto;
	i->total_rto_recoveries = tp->total_rto_recoveries;
	i->total_rto_time = us(tp->total_rto_time) / 1000;
}

static void fill_receiving(const struct tcp_sock *tp, struct tcp_info_linux *i)
{
	i->ato = us(TCP_DELACK_MIN);
	i->rcv_mss = tp->rcv_mss;
	i->last_data_recv = ms_since(tp, tp->last_data_recv);
	i->rcv_ssthresh = tcp_window_of(tp->sk.rcvbuf, tp->rcvbuf_locked);
	i->rcv_rtt = us(tp->drs.rtt);
	i->rcv_space = tp->drs.space;
	i->bytes_received = tp->bytes_received;
	i->segs_in = tp->segs_in;
	i->data_segs_in = tp->data_segs_in;
	i->rcv_ooopack = tp->ooo_packets;
	i->rcv_wnd = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;
}

void tcp_info_fill(const struct tcp_sock *tp, struct tcp_info_linux *i)
{
	memset(i, 0, sizeof(*i));
	i->state = tp->state;
	if (tp->state == TCPS_LISTEN) { /* as Linux: the accept queue and its limit */
		i->unacked = tp->accept_count;
		i->sacked = tp->backlog;
		return;
	}
	i->ca_state = tp->ca;
	i->retransmits = tp->retries;
	i->probes = tp->probes;
	i->backoff = tp->backoff;
	i->options = options(tp);
	i->wscales = (u8)(tp->snd_wscale | tp->rcv_wscale << 4);
	i->pmtu = tp->sk.path.nif ? tp->sk.path.mtu : 0;
	i->advmss =
	    tp->sk.path.nif ? tcp_advertised_mss(tcp_ns(tp), &tp->sk.path, tp->user_mss) : TCP_MSS_DEFAULT;
	fill_sending(tp, i);
	fill_receiving(tp, i);
}

/* ---- /proc/net/tcp ---- */

static u64 left(const struct netstack *ns, const struct net_timer *t)
{
	return net_timer_armed(t) && t->deadline > ns->now ? t->deadline - ns->now : 0;
}

static void line_of_socket(const struct tcp_sock *tp, struct tcp_line *l)
{
	const struct netstack *ns = tcp_ns(tp);

	l->state = tp->state;
	l->owner = tp->sk.owner;
	l->tx_queue = tp->write_seq - tp->snd_una;
	l->rx_queue = tp->state == TCPS_LISTEN ? tp->accept_count : tp->rcvq.size;
	l->backlog = tp->accept_count;
	l->backlog_max = tp->backlog;
	l->retransmits = tp->retries;
	l->timeout_probes = tp->probes;
	l->cwnd = tp->cwnd / max_t(u32, tp->mss, 1);
	l->ssthresh = tp->ssthresh == TCP_INFINITE ? UINT32_MAX : segments(tp, tp->ssthresh);
	l->rto_ns = tp->rto;
	l->ato_ns = TCP_DELACK_MIN;
	if (net_timer_armed(&tp->rtx)) {
		l->timer = tp->rtx_kind == RTX_PROBE ? TIMER_PROBE : TIMER_RTX;
		l->timer_left_ns = left(ns, &tp->rtx);
	} else if (net_timer_armed(&tp->keep)) {
		l->timer = TIMER_KEEP;
		l->timer_left_ns = left(ns, &tp->keep);
	}
}

void tcp_line(const struct net_ep *ep, struct tcp_line *l)
{
	memset(l, 0, sizeof(*l));
	if (ep->kind == EP_TCP_REQUEST) {
		const struct tcp_request *r = container_of(ep, const struct tcp_request, ep);
		l->state = TCPS_SYN_RECV;
		l->timer = TIMER_RTX;
		l->timer_left_ns = left(ep->ns, &r->timer);
		l->retransmits = r->tries;
	} else if (ep->kind == EP_TCP_TIME_WAIT) {
		const struct tcp_time_wait *tw = container_of(ep, const struct tcp_time_wait, ep);
		l->state = tw->fin_wait2 ? TCPS_FIN_WAIT2 : TCPS_TIME_WAIT;
		l->timer = TIMER_TW;
		l->timer_left_ns = left(ep->ns, &tw->timer);
	} else {
		line_of_socket(tcp_of_const(container_of(ep, const struct net_sock, ep)), l);
	}
}

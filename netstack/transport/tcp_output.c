/*
 * tcp_output.c - what may be sent now.
 *
 * tcp_output() sends what the congestion window, the peer's window, Nagle's rule and pacing allow: lost
 * segments first. New data goes out in pieces of up to 64 KiB when the way to the link can cut them; each
 * piece is one struct tcp_seg.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"

/* ---- retransmission ---- */

int tcp_retransmit(struct tcp_sock *tp, struct tcp_seg *s, u32 max)
{
	u32 size = s->end - s->seq, n;
	bool fin;
	int err;

	if (seq_after(s->seq, tcp_wnd_end(tp)) && s->seq != tp->snd_una)
		return -EAGAIN; /* the window shrank before it */
	if (size > max) {
		max = max >= tp->mss ? max - max % tp->mss : max;
		if (tcp_seg_split(tp, s, s->seq + max))
			size = max;
	}
	fin = s->flags & SEG_FIN;
	n = size - fin;
	err = tcp_transmit(tp, s->seq, min_t(u32, n, TCP_GSO_MAX),
			   (u8)(TCP_ACK | TCP_PSH | (fin ? TCP_FIN : 0)), true);
	if (s->flags & SEG_RETRANS)
		tp->retrans -= size;
	s->flags |= SEG_RETRANS | SEG_EVER_RETRANS;
	s->sent = tcp_now(tp);
	s->tries++;
	tp->retrans += size;
	tp->prr_out += size;
	if (!tp->retrans_tsval)
		tp->retrans_tsval = tcp_ts_now(tp) ? tcp_ts_now(tp) : 1;
	tp->undo_retrans += (s32)size;
	tp->total_retrans += 1 + n / (tp->mss + 1);
	tp->bytes_retrans += n;
	MIB_ADD(tcp_ns(tp), TcpRetransSegs, 1 + n / (tp->mss + 1));
	tcp_rate_sent(tp, s);
	return err;
}

static void send_lost(struct tcp_sock *tp)
{
	struct tcp_seg *s, *next;

	list_for_each_entry_safe (s, next, &tp->segs, node) {
		u32 pipe = tcp_pipe(tp), room;
		if (!(s->flags & SEG_LOST) || (s->flags & (SEG_SACKED | SEG_RETRANS)))
			continue;
		room = tp->cwnd > pipe ? tp->cwnd - pipe : 0;
		if (room < tp->mss && room < s->end - s->seq && pipe)
			return;
		if (tp->pacing && tp->pace_next > tcp_now(tp)) {
			net_timer_arm(&tp->pace, tp->pace_next);
			return;
		}
		if (tcp_retransmit(tp, s, max_t(u32, room, tp->mss)))
			return;
		if (tp->ca == CA_LOSS)
			MIB(tcp_ns(tp), TCPSlowStartRetrans);
		else
			MIB(tcp_ns(tp), TCPFastRetrans);
		next = list_entry(s->node.next, struct tcp_seg, node);
		if (tp->rtx_kind == RTX_NONE || tp->rtx_kind == RTX_TLP || s->node.prev == &tp->segs)
			tcp_arm(tp, RTX_RTO, tp->rto);
	}
}

/* ---- new data ---- */

static u32 unsent(const struct tcp_sock *tp)
{
	return seq_before(tp->snd_nxt, tp->write_seq) ? tp->write_seq - tp->snd_nxt : 0;
}

/* How much one packet may carry now. */
static u32 size_goal(struct tcp_sock *tp)
{
	u32 goal;

	if (!tcp_ns(tp)->config.tcp_gso)
		return tp->mss;
	goal = (u32)min_t(u64, max_t(u64, tp->pacing_rate >> 10, 2ULL * tp->mss), TCP_GSO_MAX);
	goal -= goal % tp->mss;
	return max_t(u32, goal, tp->mss);
}

static bool nagle_holds(const struct tcp_sock *tp)
{
	if (tp->fin_wanted)
		return false;
	if (tp->cork || tp->more)
		return true;
	return !tp->nodelay && tp->snd_nxt != tp->snd_una && seq_after(tp->snd_sml, tp->snd_una) &&
	       !seq_after(tp->snd_sml, tp->snd_nxt);
}

/* Bytes of the next segment; 0: nothing may be sent. */
static u32 next_size(struct tcp_sock *tp, u32 left)
{
	u32 pipe = tcp_pipe(tp), room = tp->cwnd > pipe ? tp->cwnd - pipe : 0;
	u32 wnd = seq_after(tcp_wnd_end(tp), tp->snd_nxt) ? tcp_wnd_end(tp) - tp->snd_nxt : 0;
	u32 n = min_t(u32, left, size_goal(tp));

	if (!pipe && room < tp->mss)
		room = tp->mss;
	if (n > room) {
		tp->cwnd_limited = true;
		n = room;
	}
	n = min_t(u32, n, wnd);
	if (n >= tp->mss && n < left)
		return n - n % tp->mss;
	if (n < tp->mss && n < left) {
		/* cut short by a window: only if it is half of the largest we saw (RFC 1122, 4.2.3.4) */
		return n == wnd && n && n >= tp->max_wnd / 2 && n <= room ? n : 0;
	}
	if (n % tp->mss && nagle_holds(tp))
		return n - n % tp->mss;
	return n;
}

static bool pace(struct tcp_sock *tp)
{
	if (!tp->pacing || tp->pace_next <= tcp_now(tp))
		return true;
	net_timer_arm(&tp->pace, tp->pace_next);
	return false;
}

static void paced(struct tcp_sock *tp, u32 size)
{
	u64 now = tcp_now(tp), credit;

	if (!tp->pacing || !tp->pacing_rate)
		return;
	credit = tp->pace_next > now ? 0 : min_t(u64, now - tp->pace_next, MS / 2);
	tp->pace_next = max_t(u64, now, tp->pace_next) + (u64)size * NSEC_PER_SEC / tp->pacing_rate;
	tp->pace_next -= min_t(u64, credit, tp->pace_next - now);
}

/* Where more follows, the next segment is made shorter by the blocks that are owed, instead of a bare ACK
 * after it. */
static u32 cut_for_blocks(const struct tcp_sock *tp, u32 n, u32 left)
{
	u32 blocks = tp->ack_now || tp->ack_wanted ? tcp_blocks_size(tp) : 0;

	return blocks && n >= tp->mss && left >= 2 * tp->mss && tp->mss >= 4 * blocks ? tp->mss - blocks : n;
}

/* Sends [snd_nxt, +n), with FIN if it is the end. False if it could not be described. */
static bool send_segment(struct tcp_sock *tp, u32 n, bool fin)
{
	struct tcp_seg *s = net_alloc(tcp_ns(tp), sizeof(*s), "struct tcp_seg");
	u8 flags = TCP_ACK;
	u32 seq = tp->snd_nxt;

	if (!s)
		return false;
	*s = (struct tcp_seg){
	    .seq = seq, .end = seq + n + fin, .flags = fin ? SEG_FIN : 0, .sent = tcp_now(tp)};
	if (fin)
		flags |= TCP_FIN;
	if (n && (seq + n == tp->write_seq || seq + n - tp->pushed_seq > tp->max_wnd / 2)) {
		flags |= TCP_PSH;
		tp->pushed_seq = seq + n;
	}
	tcp_rate_sent(tp, s);
	list_add_tail(&s->node, &tp->segs);
	/* an error of the way down is a loss like any other: the timer finds it */
	(void)tcp_transmit(tp, seq, n, flags, false);
	tp->snd_nxt = s->end;
	tp->prr_out += n;
	tp->fin_sent |= fin;
	if (n % tp->mss && !(seq + n != tp->write_seq && tcp_blocks_size(tp)))
		tp->snd_sml = seq + n;
	paced(tp, n);
	MIB(tcp_ns(tp), TCPOrigDataSent);
	return true;
}

static bool can_send(const struct tcp_sock *tp)
{
	return tp->state == TCPS_ESTABLISHED || tp->state == TCPS_CLOSE_WAIT || tp->state == TCPS_FIN_WAIT1 ||
	       tp->state == TCPS_CLOSING || tp->state == TCPS_LAST_ACK;
}

/* What fits into one packet's fragments. */
static u32 fit(struct tcp_sock *tp, u32 n)
{
	u32 off = tp->snd_nxt - tp->snd_una, got = 0;

	if (n <= 4 * NET_BLOCK_ROOM && tp->sndq.count <= PKT_FRAG_MAX - 2)
		return n;
	for (u32 i = 0; i < PKT_FRAG_MAX - 1 && got < n; i++) {
		struct net_frag f = datq_at(&tp->sndq, off + got);
		got += f.size;
	}
	if (got >= n)
		return n;
	return got > tp->mss ? got - got % tp->mss : got;
}

/* After a pause as long as the timer the old window says nothing (RFC 2861, as Linux does it). */
static void restart_after_idle(struct tcp_sock *tp)
{
	u64 idle = tcp_now(tp) - tp->last_data_send;

	if (tp->snd_nxt != tp->snd_una || !tp->last_data_send)
		return;
	if (tp->cc->control) { /* its model outlasts a pause */
		if (tp->cc->event)
			tp->cc->event(tp, CC_EVENT_TX_START);
		return;
	}
	if (idle < tp->rto)
		return;
	tp->ssthresh = max_t(u32, tp->ssthresh, tp->cwnd / 4 * 3);
	for (u64 t = idle; t > tp->rto && tp->cwnd > TCP_INIT_CWND * tp->mss; t -= tp->rto)
		tp->cwnd = max_t(u32, tp->cwnd / 2, TCP_INIT_CWND * tp->mss);
	if (tp->cc->event)
		tp->cc->event(tp, CC_EVENT_TX_START);
}

void tcp_output(struct tcp_sock *tp)
{
	bool fin, sent = false;
	u32 left, n;

	if (!can_send(tp))
		return;
	if (tp->lost && tp->frto != FRTO_NEW_DATA)
		send_lost(tp);
	if (unsent(tp))
		restart_after_idle(tp);
	tp->cwnd_limited = false;
	for (;;) {
		left = unsent(tp);
		fin = tp->fin_wanted && !tp->fin_sent;
		if (!left && !fin)
			break;
		if (!pace(tp))
			break;
		if (!left) {
			if (seq_after(tp->snd_nxt, tcp_wnd_end(tp)))
				break;
			sent |= send_segment(tp, 0, true);
			break;
		}
		n = next_size(tp, left);
		if (n)
			n = fit(tp, cut_for_blocks(tp, n, left));
		if (!n)
			break;
		if (!send_segment(tp, n, fin && n == left && seq_before(tp->snd_nxt + n, tcp_wnd_end(tp))))
			break;
		sent = true;
	}
	if (!tp->cwnd_limited && tp->cwnd < tp->ssthresh && tp->cwnd < 2 * tcp_pipe(tp))
		tp->cwnd_limited = true;
	tcp_rate_app_limited(tp);
	if (sent && tp->rtx_kind != RTX_RTO && tp->rtx_kind != RTX_RACK)
		tcp_rearm_rto(tp);
	if (sent && tp->rtx_kind == RTX_RTO && tp->ca == CA_OPEN && tp->retries == 0)
		(void)tcp_tlp_schedule(tp); /* else the timer stands as it is */
	tcp_check_probe(tp);
	tcp_chrono(tp);
}

/*
 * tcp_check.h - what must be true of a TCP connection between any two events. For the unit tests and the
 * fuzzer.
 */
#ifndef WARREN_TESTS_NETSTACK_TCP_CHECK_H
#define WARREN_TESTS_NETSTACK_TCP_CHECK_H

#include "netstack/transport/tcp_priv.h"

/* NULL, or what is wrong. */
static inline const char *tcp_check_sending(const struct tcp_sock *tp)
{
	u32 sacked = 0, lost = 0, retrans = 0, at = tp->snd_una;
	const struct tcp_seg *s;

	if (tp->state == TCPS_CLOSE || tp->state == TCPS_LISTEN || tp->state == TCPS_SYN_SENT ||
	    tp->state == TCPS_SYN_RECV)
		return NULL;
	list_for_each_entry (s, &tp->segs, node) {
		u32 n = s->end - s->seq;
		if (s->seq != at || !seq_before(s->seq, s->end))
			return "the list of segments has a hole";
		at = s->end;
		if ((s->flags & SEG_SACKED) && (s->flags & (SEG_LOST | SEG_RETRANS)))
			return "a segment is sacked and lost";
		sacked += s->flags & SEG_SACKED ? n : 0;
		lost += s->flags & SEG_LOST ? n : 0;
		retrans += s->flags & SEG_RETRANS ? n : 0;
	}
	if (at != tp->snd_nxt)
		return "the list of segments does not end at snd_nxt";
	if ((tp->sack_ok && sacked != tp->sacked) || lost != tp->lost || retrans != tp->retrans)
		return "counts of sacked, lost or retransmitted bytes are wrong";
	if (tp->sndq.size !=
	    tp->write_seq - tp->snd_una -
		(tp->fin_sent && tp->snd_una == tp->snd_nxt && tp->snd_una == tp->write_seq + 1 ? -1U : 0))
		return "the send queue does not begin at snd_una";
	if (tp->cwnd < 1 || tp->cwnd > TCP_WINDOW_MAX || !tp->mss)
		return "the congestion window is out of its bounds";
	if (tp->snd_una != tp->snd_nxt && !net_timer_armed(&tp->rtx) && !net_timer_armed(&tp->pace))
		return "data is out and no timer runs";
	return NULL;
}

static inline const char *tcp_check_receiving(const struct tcp_sock *tp)
{
	u32 size = 0, count = 0, after = tp->rcv_nxt;
	const struct pkt *p;

	if (tp->state == TCPS_CLOSE || tp->state == TCPS_LISTEN || tp->state == TCPS_SYN_SENT)
		return NULL;
	if (!tp->orphan && tp->rcvq.size != tp->rcv_nxt - tp->copied_seq - tp->fin_received)
		return "the receive queue does not end at rcv_nxt";
	list_for_each_entry (p, &tp->ooo, node) {
		if (!seq_after(p->seq, tp->rcv_nxt) || seq_before(p->seq, after))
			return "early segments are not in order";
		if (p->seq_end - p->seq != p->size)
			return "an early segment has another size";
		after = p->seq_end;
		size += p->size;
		count++;
	}
	if (size != tp->ooo_size || count != tp->ooo_count)
		return "early bytes are counted wrongly";
	for (u32 i = 0; i < tp->sack_count; i++)
		if (!seq_before(tp->sacks[i].start, tp->sacks[i].end) ||
		    !seq_after(tp->sacks[i].start, tp->rcv_nxt))
			return "a SACK block is wrong";
	return NULL;
}

static inline const char *tcp_check(const struct tcp_sock *tp)
{
	const char *e = tcp_check_sending(tp);

	return e ? e : tcp_check_receiving(tp);
}

#endif

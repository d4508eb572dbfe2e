/*
 * tcp_sack.c - the scoreboard: SACK blocks (RFC 2018) and duplicate SACKs (RFC 2883) against the list of
 * segments.
 */
#include "netstack/transport/tcp_priv.h"

void tcp_segs_free(struct tcp_sock *tp)
{
	while (!list_empty(&tp->segs)) {
		struct tcp_seg *s = list_first_entry(&tp->segs, struct tcp_seg, node);
		list_del_init(&s->node);
		net_free(tcp_ns(tp), s);
	}
}

/* Takes a segment's bytes out of the counts of its states. */
void tcp_seg_uncount(struct tcp_sock *tp, const struct tcp_seg *s)
{
	u32 n = s->end - s->seq;

	if (s->flags & SEG_SACKED)
		tp->sacked -= n;
	if (s->flags & SEG_LOST)
		tp->lost -= n;
	if (s->flags & SEG_RETRANS)
		tp->retrans -= n;
}

/* Cuts s at seq: s keeps the first part; the rest is returned. NULL without memory. */
struct tcp_seg *tcp_seg_split(struct tcp_sock *tp, struct tcp_seg *s, u32 seq)
{
	struct tcp_seg *rest = net_alloc(tcp_ns(tp), sizeof(*rest), "struct tcp_seg");

	if (!rest)
		return NULL;
	*rest = *s;
	rest->seq = seq;
	s->end = seq;
	s->flags &= (u8)~SEG_FIN;
	list_add(&rest->node, &s->node);
	return rest;
}

void tcp_mark_lost(struct tcp_sock *tp, struct tcp_seg *s)
{
	u32 n = s->end - s->seq;

	if (s->flags & SEG_SACKED)
		return;
	if (s->flags & SEG_RETRANS) {
		s->flags &= (u8)~SEG_RETRANS;
		tp->retrans -= n;
		MIB(tcp_ns(tp), TCPLostRetransmit);
	} else if (s->flags & SEG_LOST) {
		return;
	}
	if (!(s->flags & SEG_LOST)) {
		s->flags |= SEG_LOST;
		tp->lost += n;
	}
	tp->lost_total += n;
	if (tp->cc->lost)
		tp->cc->lost(tp, s);
}

static void mark_sacked(struct tcp_sock *tp, struct tcp_seg *s, struct tcp_ack_state *st)
{
	u32 n = s->end - s->seq;

	tcp_rack_advance(tp, s, st);
	if (!(s->flags & SEG_EVER_RETRANS)) {
		st->sack_rtt = max_t(u64, st->now - s->sent, 1);
		tcp_note_rtt(st, st->sack_rtt);
		if (seq_before(s->seq, tp->high_sacked) && tp->sacked)
			tp->rack.reordering = true, tp->reord_seen++;
		if (!seq_after(s->end, tp->recovery_point))
			st->orig_acked = true;
	} else {
		st->retrans_acked = true;
	}
	tcp_seg_uncount(tp, s);
	s->flags = (u8)((s->flags & ~(SEG_LOST | SEG_RETRANS)) | SEG_SACKED);
	tp->sacked += n;
	tp->delivered += n;
	st->newly_sacked += n;
	st->sack_new = true;
	tcp_rate_delivered(tp, s, &st->rs);
	if (tp->sacked == n || seq_after(s->end, tp->high_sacked))
		tp->high_sacked = s->end;
}

static void tag_range(struct tcp_sock *tp, struct tcp_range r, struct tcp_ack_state *st)
{
	struct tcp_seg *s, *next;

	list_for_each_entry_safe (s, next, &tp->segs, node) {
		if (!seq_after(s->end, r.start))
			continue;
		if (!seq_before(s->seq, r.end))
			break;
		if (s->flags & SEG_SACKED)
			continue;
		if (seq_before(s->seq, r.start)) {
			struct tcp_seg *rest = tcp_seg_split(tp, s, r.start);
			if (!rest)
				continue;
			s = rest;
		}
		if (seq_after(s->end, r.end)) {
			struct tcp_seg *rest = tcp_seg_split(tp, s, r.end);
			if (!rest)
				break;
			next = rest;
		}
		mark_sacked(tp, s, st);
	}
}

/* Is the first block a report of something received twice? */
static bool check_dsack(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_ack_state *st)
{
	const struct tcp_range *b = in->o.sacks;
	bool below = seq_before(b[0].start, in->ack);
	bool inside =
	    in->o.sack_count > 1 && !seq_after(b[0].end, b[1].end) && !seq_before(b[0].start, b[1].start);

	if (!below && !inside)
		return false;
	if (seq_before(b[0].end, b[0].start) || b[0].end - b[0].start > max_t(u32, tp->max_wnd, 65535))
		return false;
	MIB(tcp_ns(tp), TCPDSACKRecv);
	tp->dsack_dups += max_t(u32, (b[0].end - b[0].start + tp->mss - 1) / tp->mss, 1);
	/* more than was ever sent twice: the network doubles, and says nothing of our losses */
	if (tp->dsack_dups > tp->total_retrans)
		return true;
	st->dsack = true;
	if (tp->undo_marked && tp->undo_retrans > 0 && seq_after(b[0].end, tp->undo_una))
		tp->undo_retrans -= (s32)min_t(u32, b[0].end - b[0].start, (u32)tp->undo_retrans);
	return true;
}

void tcp_sack_tag(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_ack_state *st)
{
	u32 first = check_dsack(tp, in, st);

	for (u32 i = first; i < in->o.sack_count; i++) {
		struct tcp_range r = in->o.sacks[i];
		/* only what is on its way can be meant */
		if (!seq_before(r.start, r.end) || seq_after(r.end, tp->snd_nxt) ||
		    seq_before(r.start, tp->snd_una))
			continue;
		tag_range(tp, r, st);
	}
}

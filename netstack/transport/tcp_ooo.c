/*
 * tcp_ooo.c - segments that came early: they wait as packets, ordered, without overlaps.
 *
 * The blocks told in SACK options (RFC 2018) begin with the one that changed last; a duplicate is told by a
 * DSACK (RFC 2883). What the packets cost is bounded by the receive buffer.
 */
#include "netstack/transport/tcp_priv.h"

#define OOO_COPY  512U
#define OOO_LEAST 32768U

/* ---- SACK blocks of ours ---- */

void tcp_set_dsack(struct tcp_sock *tp, u32 start, u32 end)
{
	if (!tp->sack_ok)
		return;
	tp->dsack_ok = true;
	tp->dsack = (struct tcp_range){start, end};
}

static void drop_block(struct tcp_sock *tp, u32 i)
{
	tp->sack_count--;
	memmove(tp->sacks + i, tp->sacks + i + 1, (tp->sack_count - i) * sizeof(tp->sacks[0]));
}

static void add_block(struct tcp_sock *tp, u32 start, u32 end)
{
	for (u32 i = 0; i < tp->sack_count;) {
		struct tcp_range b = tp->sacks[i];
		if (seq_after(start, b.end) || seq_before(end, b.start)) {
			i++;
			continue;
		}
		start = seq_before(b.start, start) ? b.start : start;
		end = seq_after(b.end, end) ? b.end : end;
		drop_block(tp, i);
	}
	if (tp->sack_count == TCP_SACKS)
		tp->sack_count--;
	memmove(tp->sacks + 1, tp->sacks, tp->sack_count * sizeof(tp->sacks[0]));
	tp->sacks[0] = (struct tcp_range){start, end};
	tp->sack_count++;
}

static void remove_blocks(struct tcp_sock *tp)
{
	for (u32 i = 0; i < tp->sack_count;) {
		if (!seq_after(tp->sacks[i].end, tp->rcv_nxt))
			drop_block(tp, i);
		else
			i++;
	}
}

/* ---- out of order ---- */

void tcp_ooo_free(struct tcp_sock *tp)
{
	while (!list_empty(&tp->ooo)) {
		struct pkt *p = list_first_entry(&tp->ooo, struct pkt, node);
		list_del_init(&p->node);
		pkt_free(p);
	}
	tp->ooo_size = tp->ooo_count = 0;
	tp->sack_count = 0;
}

/* A small segment that follows q directly is copied into it: a packet each would cost much more than its
 * bytes. */
static bool ooo_join(struct pkt *q, struct pkt *c)
{
	u8 b[OOO_COPY];

	if (q->seq_end != c->seq || q->mark || c->size > sizeof(b) || pkt_copy(c, 0, b, c->size) != c->size ||
	    pkt_append(q, b, c->size))
		return false;
	q->seq_end = c->seq_end;
	q->mark = c->mark;
	pkt_free(c);
	return true;
}

/* Keeps [seq, end) of a segment that came early. Takes c over. */
static void ooo_insert(struct tcp_sock *tp, struct pkt *c, u32 seq, u32 end)
{
	struct list_head *where = &tp->ooo;
	struct pkt *q, *before = NULL;

	while (where->prev != &tp->ooo) {
		q = list_entry(where->prev, struct pkt, node);
		if (!seq_after(q->seq, seq)) {
			if (!seq_before(q->seq_end, end)) { /* all of it is here */
				tcp_set_dsack(tp, seq, end);
				MIB(tcp_ns(tp), TCPDSACKOfoSent);
				MIB(tcp_ns(tp), TCPOFOMerge);
				pkt_free(c);
				return;
			}
			if (seq_after(q->seq_end, seq)) {
				tcp_set_dsack(tp, seq, q->seq_end);
				pkt_pull(c, q->seq_end - seq);
				seq = q->seq_end;
			}
			before = q;
			break;
		}
		where = &q->node;
	}
	c->seq = seq;
	c->seq_end = end;
	tp->ooo_size += c->size;
	if (before && ooo_join(before, c)) {
		c = before;
	} else {
		list_add_tail(&c->node, where);
		tp->ooo_count++;
	}
	/* what follows and is covered goes; the last one it touches is cut */
	while (c->node.next != &tp->ooo) {
		q = list_entry(c->node.next, struct pkt, node);
		if (!seq_after(end, q->seq))
			break;
		tcp_set_dsack(tp, q->seq, seq_before(end, q->seq_end) ? end : q->seq_end);
		if (seq_before(end, q->seq_end)) {
			tp->ooo_size -= end - q->seq;
			pkt_pull(q, end - q->seq);
			q->seq = end;
			break;
		}
		list_del_init(&q->node);
		tp->ooo_size -= q->size;
		tp->ooo_count--;
		pkt_free(q);
	}
	add_block(tp, seq, end);
}

void tcp_ooo_in(struct tcp_sock *tp, struct tcp_in *in)
{
	struct pkt *c;
	u32 end = in->seq + in->size;

	tp->ack_now = true; /* RFC 5681: the peer counts these answers */
	MIB(tcp_ns(tp), TCPOFOQueue);
	tp->ooo_packets++;
	if (!in->size) /* a FIN alone: it comes again */
		return;
	/* also with what the packets themselves take, lest holes between single bytes fill the memory */
	if (tp->ooo_size + tp->rcvq.size + in->size > tp->sk.rcvbuf ||
	    tp->ooo_size + tp->ooo_count * sizeof(struct pkt) > max_t(u32, 2 * tp->sk.rcvbuf, OOO_LEAST)) {
		MIB(tcp_ns(tp), TCPOFODrop);
		return;
	}
	c = pkt_clone(in->p);
	if (!c)
		return;
	pkt_pull(c, in->data_off);
	pkt_trim(c, in->size);
	c->mark = in->flags & TCP_FIN;
	ooo_insert(tp, c, in->seq, end);
}

/* Moves what has become in order to the queue. */
void tcp_ooo_take(struct tcp_sock *tp)
{
	bool fin = false;

	while (!list_empty(&tp->ooo)) {
		struct pkt *p = list_first_entry(&tp->ooo, struct pkt, node);
		u32 skip;
		if (seq_after(p->seq, tp->rcv_nxt))
			break;
		list_del_init(&p->node);
		tp->ooo_size -= p->size;
		tp->ooo_count--;
		skip = tp->rcv_nxt - p->seq;
		if (skip < p->size) {
			if (datq_push_pkt(tcp_ns(tp), &tp->rcvq, p, skip, p->size - skip)) {
				pkt_free(p); /* without memory: the peer sends it again */
				tcp_ooo_free(tp);
				return;
			}
			tp->rcv_nxt = p->seq_end;
			fin = p->mark;
		}
		pkt_free(p);
	}
	remove_blocks(tp);
	if (fin)
		tcp_fin_in(tp);
}

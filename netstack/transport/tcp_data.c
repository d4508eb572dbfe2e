/*
 * tcp_data.c - the receiver: data in order and out of order, windows, ACKs, and the user's send and receive.
 *
 * Data in order goes to the receive queue by reference. Segments that came early wait as packets, ordered;
 * the blocks told in SACK options begin with the one that changed last. The right edge of the window never
 * moves back.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"

#define OOO_COPY  512U
#define OOO_LEAST 32768U

/* ---- the window ---- */

/* Of a receive buffer that the user set, half is offered: as on Linux the number counts overhead, which for
 * small segments is large. One that grows by itself has hardly any with us; an eighth is kept for what early
 * segments cost. */
u32 tcp_window_of(u32 rcvbuf, bool locked)
{
	return locked ? rcvbuf / 2 : rcvbuf - rcvbuf / 8;
}

static u32 full_space(const struct tcp_sock *tp)
{
	u32 full = tcp_window_of(tp->sk.rcvbuf, tp->rcvbuf_locked);

	return tp->window_clamp ? min_t(u32, full, tp->window_clamp) : full;
}

void tcp_initial_window(const struct netstack *ns, u32 rcvbuf, bool locked, u32 mss, bool wscale_ok,
			u32 *window, u8 *wscale)
{
	u32 space = max_t(u32, tcp_window_of(rcvbuf, locked), mss),
	    most = max_t(u32, space, ns->config.tcp_rmem[2]);

	*wscale = 0;
	if (wscale_ok)
		while (*wscale < 14 && most >> *wscale > 65535)
			(*wscale)++;
	*window = min_t(u32, space, 65535);
}

u32 tcp_select_window(struct tcp_sock *tp)
{
	u32 full = full_space(tp), used = tp->rcvq.size + tp->ooo_size, space = full > used ? full - used : 0;
	u32 now = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0, window, unit;
	u32 mss = min_t(u32, tp->rcv_mss, full);

	if (space < full / 2 && (space < full / 16 || space < mss))
		space = 0;
	unit = 1U << tp->rcv_wscale;
	if (tp->rcv_wscale)
		window = (space + unit - 1) & ~(unit - 1);
	else if (now <= space && now > space - min_t(u32, mss, space) && now)
		window = now; /* not worth a change of less than a segment */
	else
		window = mss ? space / mss * mss : space;
	window = min_t(u32, window, 65535U << tp->rcv_wscale);
	if (window < now)
		window =
		    now; /* not rounded up again: the edge would creep on with each ACK, past the buffer */
	return window;
}

/* Dynamic right-sizing: twice of what the user took in one round trip. */
static void adjust_space(struct tcp_sock *tp)
{
	u64 now = tcp_now(tp), rtt = tp->drs.rtt ? tp->drs.rtt : tp->srtt;
	u32 copied = tp->copied_seq - tp->drs.seq, want;

	if (!rtt || now - tp->drs.since < rtt)
		return;
	if (copied > tp->drs.space && !tp->rcvbuf_locked) {
		want = 2 * copied + 16 * tp->rcv_mss;
		if (tp->drs.space)
			want += (u32)((u64)want * (copied - tp->drs.space) / tp->drs.space);
		want = (u32)min_t(u64, (u64)want + want / 4, tcp_ns(tp)->config.tcp_rmem[2]);
		tp->sk.rcvbuf = max_t(u32, tp->sk.rcvbuf, want);
	}
	tp->drs.space = max_t(u32, copied, tp->drs.space);
	tp->drs.seq = tp->copied_seq;
	tp->drs.since = now;
}

/* The receiver's own round trip: how long a window takes, or the echo of a timestamp. */
static void measure_rtt(struct tcp_sock *tp, const struct tcp_in *in)
{
	u64 now = tcp_now(tp), sample = 0;

	if (tp->ts_ok && in->o.ts_ok && in->o.tsecr && in->size >= tp->rcv_mss &&
	    tp->drs.rtt_seq != in->o.tsecr) {
		tp->drs.rtt_seq = in->o.tsecr;
		sample = max_t(u64, (u64)(tcp_ts_now(tp) - in->o.tsecr) * MS, MS / 4);
		if (sample > 300 * NSEC_PER_SEC)
			return;
	}
	if (!sample)
		return;
	tp->drs.rtt = tp->drs.rtt ? (sample < tp->drs.rtt ? sample : (7 * tp->drs.rtt + sample) / 8) : sample;
	tp->drs.rtt_since = now;
}

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

static void receive_early(struct tcp_sock *tp, struct tcp_in *in)
{
	struct pkt *c;
	u32 end = in->seq + in->size;

	tp->ack_now = true;
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
static void take_early(struct tcp_sock *tp)
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

/* ---- in order ---- */

void tcp_fin_in(struct tcp_sock *tp)
{
	if (tp->fin_received)
		return;
	tp->rcv_nxt++;
	tp->fin_received = true;
	tp->ack_now = true;
	tcp_ooo_free(tp);
	switch (tp->state) {
	case TCPS_SYN_RECV:
	case TCPS_ESTABLISHED:
		tcp_set_state(tp, TCPS_CLOSE_WAIT);
		break;
	case TCPS_FIN_WAIT1:
		tcp_set_state(tp, TCPS_CLOSING);
		break;
	case TCPS_FIN_WAIT2:
		tcp_send_ack(tp);
		tcp_set_state(tp, TCPS_TIME_WAIT);
		break;
	default:
		break;
	}
	sock_event(&tp->sk, SOCK_IN | SOCK_RDHUP | (tp->sk.shut_write ? SOCK_HUP : 0));
}

static void note_data(struct tcp_sock *tp, const struct tcp_in *in)
{
	u64 now = tcp_now(tp);

	/* the peer's segment size: the largest seen; small ones at the end of a burst do not count */
	if (in->size > tp->rcv_mss) {
		u32 most = in->p->gso == PKT_GSO_TCP ? in->p->gso_size : in->size;
		tp->rcv_mss = max_t(u32, tp->rcv_mss, min_t(u32, most, 65535));
	}
	if (!tp->bytes_received)
		tp->quickacks = 16;
	else if (now - tp->last_recv > tp->rto)
		tp->quickacks = max_t(u8, tp->quickacks, 2);
	measure_rtt(tp, in);
	tp->last_data_recv = now;
	tp->ack_wanted = true;
}

/* Cuts the segment to what is new and inside of the window; false if nothing is left. */
static bool trim(struct tcp_sock *tp, struct tcp_in *in)
{
	u32 window = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;
	u32 end = in->seq + in->size, old;

	if (!seq_after(in->end, tp->rcv_nxt) ||
	    (seq_before(in->seq, tp->rcv_nxt) && !seq_after(end, tp->rcv_nxt) && !(in->flags & TCP_FIN))) {
		MIB(tcp_ns(tp), DelayedACKLost);
		tcp_set_dsack(tp, in->seq, in->end);
		tp->quickacks = 16;
		tp->ack_now = true;
		return false;
	}
	if (seq_before(in->seq, tp->rcv_nxt)) {
		old = min_t(u32, tp->rcv_nxt - in->seq, in->size);
		tcp_set_dsack(tp, in->seq, in->seq + old);
		in->seq += old;
		in->size -= old;
		in->data_off += old;
		tp->ack_now = true;
	}
	if (in->size && !window) {
		MIB(tcp_ns(tp), TCPWantZeroWindowAdv);
		tp->ack_now = true;
		return false;
	}
	if (seq_after(in->seq + in->size, tp->rcv_nxt + window)) {
		u32 over = in->seq + in->size - (tp->rcv_nxt + window);
		if (over >= in->size && in->size) {
			tp->ack_now = true;
			return false;
		}
		in->size -= over;
		in->flags &= (u8)~TCP_FIN;
	}
	return true;
}

/* A frame of this size comes from close by, from a sender with a large window. An ACK's way up the sender's
 * stack costs us as much as the frame, and so does waking a reader on another CPU: two frames are answered
 * together, and a reader is woken for the last one of a write (PSH), if they come soon. */
#define FRAME_LARGE 32768U
#define FRAMES_MOST 131072U /* no waiting with this much */
#define FRAMES_SOON 50000U  /* ns */

static void arm_soon(struct tcp_sock *tp)
{
	u64 at = tcp_now(tp) + FRAMES_SOON;

	if (!net_timer_armed(&tp->delack) || tp->delack.deadline > at)
		net_timer_arm(&tp->delack, at);
}

static bool more_follows(const struct tcp_sock *tp, const struct tcp_in *in)
{
	return in->size >= FRAME_LARGE && in->p->ifindex != 1 && !(in->flags & (TCP_PSH | TCP_FIN)) &&
	       tp->rcvq.size < 2 * FRAMES_MOST && tp->rcvq.size < full_space(tp) / 4 && !tp->event_held;
}

static bool ack_may_wait(const struct tcp_sock *tp, u32 pending, u32 window)
{
	return pending >= FRAME_LARGE && pending < FRAMES_MOST && window > 4 * FRAMES_MOST && !tp->ack_now &&
	       !tp->quickack_set && list_empty(&tp->ooo) && !(tp->quickacks && !tp->pingpong);
}

void tcp_data_in(struct tcp_sock *tp, struct tcp_in *in)
{
	bool had_hole = !list_empty(&tp->ooo);
	u32 before;

	if (!in->size && !(in->flags & TCP_FIN))
		return;
	if (tp->state != TCPS_ESTABLISHED && tp->state != TCPS_FIN_WAIT1 && tp->state != TCPS_FIN_WAIT2) {
		/* after the peer's FIN nothing can follow but what we have seen */
		tp->ack_now = true;
		return;
	}
	if (!trim(tp, in))
		return;
	if (in->seq != tp->rcv_nxt) {
		receive_early(tp, in);
		return;
	}
	before = tp->rcv_nxt;
	if (in->size) {
		if (datq_push_pkt(tcp_ns(tp), &tp->rcvq, in->p, in->data_off, in->size)) {
			MIB(tcp_ns(tp), TCPRcvPruned);
			return; /* without memory it was never here */
		}
		note_data(tp, in);
		tp->rcv_nxt += in->size;
	}
	if (in->flags & TCP_FIN)
		tcp_fin_in(tp);
	if (had_hole) {
		take_early(tp);
		tp->ack_now = true; /* RFC 5681: a hole was filled */
	}
	tp->bytes_received += tp->rcv_nxt - before;
	if (more_follows(tp, in)) {
		tp->event_held = true;
		arm_soon(tp);
	} else if (tp->rcvq.size >= tp->rcvlowat || tp->rcvq.size >= full_space(tp) / 2) {
		tp->event_held = false;
		sock_event(&tp->sk, SOCK_IN);
	}
}

void tcp_ack_check(struct tcp_sock *tp)
{
	u32 pending = tp->rcv_nxt - tp->rcv_wup;
	u32 now = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;

	if (tp->state == TCPS_CLOSE || (!tp->ack_wanted && !tp->ack_now))
		return;
	if (ack_may_wait(tp, pending, now)) {
		arm_soon(tp);
		return;
	}
	if (tp->ack_now || (pending > tp->rcv_mss && tcp_select_window(tp) >= now) ||
	    (tp->quickacks && !tp->pingpong) || tp->quickack_set || !list_empty(&tp->ooo)) {
		tcp_send_ack(tp);
		return;
	}
	MIB(tcp_ns(tp), DelayedACKs);
	if (!net_timer_armed(&tp->delack))
		net_timer_arm(&tp->delack, tcp_now(tp) + TCP_DELACK_MIN);
}

/* The user took data: perhaps the window opens enough to say so. */
static void after_read(struct tcp_sock *tp)
{
	u32 now, pending, window;

	if (tp->state == TCPS_CLOSE)
		return;
	adjust_space(tp);
	now = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;
	pending = tp->rcv_nxt - tp->rcv_wup;
	if (tp->ack_wanted && !ack_may_wait(tp, pending, now) &&
	    (pending > tp->rcv_mss || (pending && !tp->rcvq.size && !tp->pingpong && tp->quickacks))) {
		tcp_send_ack(tp);
		return;
	}
	if (tp->fin_received || 2 * now > full_space(tp))
		return;
	window = tcp_select_window(tp);
	if (window && window >= 2 * now)
		tcp_send_ack(tp);
}

/* ---- the user's side ---- */

/* What a read says when there is nothing. */
static s64 nothing(struct tcp_sock *tp)
{
	if (tp->sk.error)
		return sock_take_error(&tp->sk);
	if (tp->fin_received || tp->sk.shut_read)
		return tp->state == TCPS_CLOSE && !tp->iss && !tp->irs ? -ENOTCONN : 0;
	if (tp->state == TCPS_CLOSE || tp->state == TCPS_LISTEN)
		return -ENOTCONN;
	return -EAGAIN;
}

/* Bytes up to the urgent one, which a read does not cross; 0: it is next. */
static u32 until_mark(const struct tcp_sock *tp, u32 off, u32 size)
{
	u32 at = tp->copied_seq + off;

	if (tp->urg_state && !tp->oobinline && !seq_before(tp->urg_seq, at) && tp->urg_seq - at < size)
		return tp->urg_seq - at;
	return size;
}

static void consume(struct tcp_sock *tp, u32 n)
{
	datq_pop(tcp_ns(tp), &tp->rcvq, n);
	tp->copied_seq += n;
	if (tp->urg_state >= 2 && seq_after(tp->copied_seq, tp->urg_seq))
		tp->urg_state = 0;
}

s64 tcp_receive(struct net_sock *sk, struct net_iter *it, bool peek, u32 peek_off)
{
	struct tcp_sock *tp = tcp_of(sk);
	struct netstack *ns = sk->ep.ns;
	s64 done = 0, n = 0;

	if (tp->rcvq.size <= peek_off)
		return nothing(tp);
	while (it->left && tp->rcvq.size > peek_off) {
		struct net_frag f = datq_at(&tp->rcvq, peek_off);
		u32 want =
		    until_mark(tp, peek_off, min_t(u32, f.size, (u32)min_t(size_t, it->left, UINT32_MAX)));
		if (!want) { /* the urgent byte is not part of the stream */
			if (done)
				break;
			if (peek)
				peek_off++;
			else
				consume(tp, 1);
			continue;
		}
		net_data_get(f.data);
		n = it->copy(it, f.data->bytes + f.off, want);
		net_data_put(ns, f.data);
		if (n <= 0)
			break;
		done += n;
		if (peek)
			peek_off += (u32)n;
		else
			consume(tp, (u32)n);
	}
	if (!peek && done) {
		net_tick(ns);
		after_read(tp);
		net_leave(ns);
	}
	return done ? done : n < 0 ? n : tp->rcvq.size > peek_off || !it->left ? 0 : nothing(tp);
}

u32 tcp_taken(const struct net_sock *sk)
{
	return tcp_of_const(sk)->copied_seq;
}

s64 tcp_discard(struct net_sock *sk, size_t size)
{
	struct tcp_sock *tp = tcp_of(sk);
	u32 n = (u32)min_t(size_t, size, tp->rcvq.size);

	if (!n)
		return size ? nothing(tp) : 0;
	net_tick(sk->ep.ns);
	consume(tp, n);
	after_read(tp);
	net_leave(sk->ep.ns);
	return n;
}

int tcp_receive_oob(struct net_sock *sk, bool peek, u8 *out)
{
	struct tcp_sock *tp = tcp_of(sk);

	if (tp->oobinline || !tp->urg_state || tp->urg_state == 3)
		return -EINVAL;
	if (tp->state == TCPS_CLOSE)
		return -ENOTCONN;
	if (tp->urg_state == 1)
		return -EAGAIN;
	*out = tp->urg_byte;
	if (!peek)
		tp->urg_state = 3;
	return 1;
}

bool tcp_at_mark(const struct net_sock *sk)
{
	const struct tcp_sock *tp = tcp_of_const(sk);

	return tp->urg_state && tp->copied_seq == tp->urg_seq;
}

static s64 cannot_send(struct tcp_sock *tp)
{
	if (tp->sk.error)
		return sock_take_error(&tp->sk);
	if (tp->state == TCPS_SYN_SENT || tp->state == TCPS_SYN_RECV)
		return -EAGAIN;
	if (tp->state == TCPS_LISTEN || (tp->state == TCPS_CLOSE && !tp->iss && !tp->irs))
		return -EPIPE;
	return tp->sk.shut_write || (tp->state != TCPS_ESTABLISHED && tp->state != TCPS_CLOSE_WAIT) ? -EPIPE
												    : 0;
}

/* Copies up to one block's worth from the user to the end of the queue. */
static s64 append(struct tcp_sock *tp, struct net_iter *it, size_t most)
{
	struct netstack *ns = tcp_ns(tp);
	struct net_data *d = datq_tail(&tp->sndq);
	u32 start, room;
	s64 n;
	int err;

	if (d)
		net_data_get(d);
	else
		d = net_data_new(ns, most > 8192 ? NET_BLOCK_ROOM : (u32)max_t(size_t, most, 2000));
	if (!d)
		return -ENOBUFS;
	start = d->used;
	room = (u32)min_t(size_t, d->capacity - start, most);
	d->used += room; /* ours, whoever runs while we copy */
	n = it->copy(it, d->bytes + start, room);
	if (n < (s64)room && d->used == start + room)
		d->used = start + (n > 0 ? (u32)n : 0);
	if (n > 0) {
		s64 bad = cannot_send(tp);
		err = bad ? (int)bad : datq_push(ns, &tp->sndq, d, start, (u32)n);
		if (err)
			n = err;
		else
			tp->write_seq += (u32)n;
	}
	net_data_put(ns, d);
	return n;
}

s64 tcp_send(struct net_sock *sk, struct net_iter *it, u32 flags)
{
	struct tcp_sock *tp = tcp_of(sk);
	struct netstack *ns = sk->ep.ns;
	s64 done = 0, n = cannot_send(tp);

	if (n)
		return n;
	tp->more = flags & TCP_SEND_MORE;
	while (it->left) {
		u32 queued = tp->sndq.size, limit = tp->sk.sndbuf;
		if (queued >= limit || (tp->notsent_lowat && seq_before(tp->snd_nxt, tp->write_seq) &&
					tp->write_seq - tp->snd_nxt >= tp->notsent_lowat)) {
			tp->nospace = true;
			n = -EAGAIN;
			if (!done)
				break;
			/* what is queued must go, whatever follows */
			tp->more = false;
			break;
		}
		n = append(tp, it, min_t(size_t, it->left, limit - queued));
		if (n <= 0)
			break;
		done += n;
		/* a large write flows while it is copied */
		if (tcp_unsent(sk) >= 2 * max_t(u32, tp->mss, 32768) && it->left) {
			net_tick(ns);
			tcp_output(tp);
			net_leave(ns);
			n = cannot_send(tp);
			if (n)
				break;
		}
	}
	if (done) {
		net_tick(ns);
		if (flags & TCP_SEND_OOB) {
			tp->snd_up = tp->write_seq;
			tp->urg_send = true;
		}
		tcp_output(tp);
		net_leave(ns);
	}
	return done ? done : n;
}

/*
 * tcp_data.c - the stream: segments in order, and the user's send and receive.
 *
 * Data in order goes to the receive queue by reference. What comes early waits in tcp_ooo.c; what the peer is
 * told of all that, and when, is in tcp_window.c.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"

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
	tcp_measure_rcv_rtt(tp, in);
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
		tcp_ooo_in(tp, in);
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
		tcp_ooo_take(tp);
		tp->ack_now = true; /* RFC 5681: a hole was filled */
	}
	tp->bytes_received += tp->rcv_nxt - before;
	if (tcp_more_follows(tp, in)) {
		tp->event_held = true;
	} else if (tp->rcvq.size >= tp->rcvlowat || tp->rcvq.size >= tcp_full_space(tp) / 2) {
		tp->event_held = false;
		sock_event(&tp->sk, SOCK_IN);
	}
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
		tcp_window_after_read(tp);
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
	tcp_window_after_read(tp);
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

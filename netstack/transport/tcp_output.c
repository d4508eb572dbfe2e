/*
 * tcp_output.c - segments out: what may be sent now, headers, retransmissions, resets.
 *
 * tcp_output() sends what the congestion window, the peer's window, Nagle's rule and pacing allow: lost
 * segments first. New data goes out in pieces of up to 64 KiB when the way to the link can cut them; each
 * piece is one struct tcp_seg.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"
#include "netstack/wire/checksum.h"

#define GSO_MAX (65535U - 120U)

int tcp_route(struct tcp_sock *tp)
{
	u32 mtu = tp->sk.path.nif ? tp->sk.path.mtu : 0;
	int err = sock_route(&tp->sk);

	if (!err && tp->sk.path.mtu != mtu && tp->last_mtu)
		tcp_update_mss(tp);
	return err;
}

static u32 ip_header(const struct tcp_sock *tp)
{
	return ip_is_v4(&tp->sk.ep.raddr) ? 20 : 40;
}

u32 tcp_advertised_mss(struct netstack *ns, const struct net_path *path, u16 user_mss)
{
	u32 header = ip_is_v4(&path->next_hop) ? 40 : 60;
	u32 mss = path->nif->mtu > header + TCP_MSS_MIN ? path->nif->mtu - header : TCP_MSS_DEFAULT;

	mss = min_t(u32, mss, 65535 - 40);
	return user_mss ? min_t(u32, mss, user_mss) : mss;
}

void tcp_update_mss(struct tcp_sock *tp)
{
	u32 mtu = tp->sk.path.nif ? tp->sk.path.mtu : 576, mss;

	tp->last_mtu = mtu;
	mss = mtu > ip_header(tp) + 20 + TCP_MSS_MIN ? mtu - ip_header(tp) - 20 : TCP_MSS_MIN;
	if (tp->peer_mss)
		mss = min_t(u32, mss, tp->peer_mss);
	if (tp->user_mss)
		mss = min_t(u32, mss, tp->user_mss);
	mss = min_t(u32, mss, GSO_MAX);
	if (tp->ts_ok)
		mss -= 12;
	/* a window smaller than two segments would stall on silly-window rules */
	if (tp->max_wnd && tp->max_wnd < 2 * mss)
		mss =
		    max_t(u32, min_t(u32, mss, tp->max_wnd > TCP_MSS_DEFAULT ? tp->max_wnd / 2 : tp->max_wnd),
			  TCP_MSS_MIN);
	tp->mss = max_t(u32, mss, TCP_MSS_MIN);
}

/* ---- one segment ---- */

static bool blocks_to_tell(const struct tcp_sock *tp)
{
	return tp->sack_ok && (tp->sack_count || tp->dsack_ok);
}

/* So many go beside the other options. */
static u32 blocks_fit(const struct tcp_sock *tp)
{
	return min_t(u32, tp->ts_ok ? 3 : 4, tp->sack_count + tp->dsack_ok);
}

/* A full segment has no room for blocks: then the answer is still owed, and follows by itself. */
static bool blocks_beside(const struct tcp_sock *tp, u32 size)
{
	return blocks_to_tell(tp) && (!size || size + 4 + 8 * blocks_fit(tp) <= tp->mss);
}

static u32 put_options(struct tcp_sock *tp, u8 *o, u8 flags, u32 size)
{
	u32 n = 0, room;

	if (flags & TCP_SYN)
		return tcp_syn_options(o, (u16)tcp_advertised_mss(tcp_ns(tp), &tp->sk.path, tp->user_mss),
				       tp->wscale_ok ? tp->rcv_wscale : -1, tp->sack_ok, tp->ts_ok,
				       tcp_ts_now(tp), flags & TCP_ACK ? tp->ts_recent : 0);
	if (tp->ts_ok)
		n = tcp_put_timestamps(o, tcp_ts_now(tp), tp->ts_recent);
	if (!blocks_beside(tp, size))
		return n;
	room = blocks_fit(tp);
	o[n] = o[n + 1] = TCP_OPT_NOP;
	o[n + 2] = TCP_OPT_SACK;
	u32 at = n + 4, count = 0;
	if (tp->dsack_ok) {
		put_be32(o + at, tp->dsack.start);
		put_be32(o + at + 4, tp->dsack.end);
		at += 8;
		count++;
		tp->dsack_ok = false;
	}
	for (u32 i = 0; i < tp->sack_count && count < room; i++, count++, at += 8) {
		put_be32(o + at, tp->sacks[i].start);
		put_be32(o + at + 4, tp->sacks[i].end);
	}
	o[n + 3] = (u8)(2 + 8 * count);
	return at;
}

static void fill_tx(const struct tcp_sock *tp, struct ip_tx *tx)
{
	const struct net_sock *sk = &tp->sk;
	bool v4 = ip_is_v4(&sk->ep.raddr);

	*tx = (struct ip_tx){.src = sk->ep.laddr,
			     .dst = sk->ep.raddr,
			     .proto = PROTO_TCP,
			     .owner = &sk->ep,
			     .tos = v4 ? sk->tos : sk->tclass,
			     .ttl = (u8)sock_ttl(sk, &sk->ep.raddr),
			     .flow_label = sk->flow_label,
			     .dont_frag = v4 && sk->pmtudisc != PMTUDISC_DONT};
}

static void seal(struct pkt *p, struct tcp_hdr *h, const struct ip_addr *src, const struct ip_addr *dst)
{
	u16 part = csum_fold(csum_pseudo(src, dst, PROTO_TCP, p->size));

	memcpy(&h->csum, &part, 2);
	p->csum_partial = true;
	p->csum_start = 0;
	p->csum_offset = offsetof(struct tcp_hdr, csum);
}

/* The window field, and what it promises. */
static u32 window_field(struct tcp_sock *tp, u8 flags)
{
	u32 old = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0, window;

	if (flags & TCP_SYN) /* the window of a SYN is not scaled */
		return tp->state == TCPS_SYN_SENT ? min_t(u32, tp->rcv_adv, 65535) : min_t(u32, old, 65535);
	if (tp->state == TCPS_CLOSE)
		return 0;
	window = tcp_select_window(tp);
	if (!window && old)
		MIB(tcp_ns(tp), TCPToZeroWindowAdv);
	else if (window && !old)
		MIB(tcp_ns(tp), TCPFromZeroWindowAdv);
	tp->rcv_wup = tp->rcv_nxt;
	tp->rcv_adv = tp->rcv_nxt + window;
	return min_t(u32, window >> tp->rcv_wscale, 65535);
}

/* told: with all that there is to tell. */
static void ack_sent(struct tcp_sock *tp, bool told)
{
	if (tp->quickacks)
		tp->quickacks--;
	tp->last_ack_sent = tp->rcv_nxt;
	if (!told)
		return;
	tp->ack_now = tp->ack_wanted = false;
	if (!tp->event_held)
		net_timer_cancel(&tp->delack);
}

int tcp_transmit(struct tcp_sock *tp, u32 seq, u32 size, u8 flags, bool retransmission)
{
	struct netstack *ns = tcp_ns(tp);
	struct pkt *p;
	struct tcp_hdr *h;
	struct ip_tx tx;
	u8 opts[40];
	u32 opt_size, segs;
	bool told;
	int err = tcp_route(tp);

	if (err)
		return err;
	p = pkt_new(ns);
	if (!p)
		return -ENOBUFS;
	if (size && datq_to_pkt(&tp->sndq, seq - tp->snd_una, size, p) != size) {
		pkt_free(p);
		return -ENOBUFS;
	}
	told = !blocks_to_tell(tp) || blocks_beside(tp, size);
	opt_size = put_options(tp, opts, flags, size);
	h = pkt_push(p, (u32)sizeof(*h) + opt_size);
	if (!h) {
		pkt_free(p);
		return -ENOBUFS;
	}
	fill_tx(tp, &tx);
	if ((tp->ecn & 1) && !(flags & TCP_SYN)) {
		if (tp->ecn & 2)
			flags |= TCP_ECE;
		if (size && !retransmission) {
			tx.tos = (u8)((tx.tos & ~3) | 2);
			if (tp->ecn & 4) {
				flags |= TCP_CWR;
				tp->ecn &= (u8)~4U;
			}
		}
	}
	*h = (struct tcp_hdr){.sport = be16_of(tp->sk.ep.lport),
			      .dport = be16_of(tp->sk.ep.rport),
			      .seq = be32_of(seq),
			      .ack = be32_of(flags & TCP_ACK ? tp->rcv_nxt : 0),
			      .off = (u8)((sizeof(*h) + opt_size) / 4 << 4),
			      .flags = flags,
			      .window = be16_of(window_field(tp, flags))};
	if (tp->urg_send && seq_after(tp->snd_up, seq) && tp->snd_up - seq <= 65535) {
		h->flags |= TCP_URG;
		h->urg = be16_of(tp->snd_up - seq);
	}
	memcpy(h + 1, opts, opt_size);
	seal(p, h, &tx.src, &tx.dst);
	if (size > tp->mss) {
		p->gso = PKT_GSO_TCP;
		p->gso_size = (u16)tp->mss;
	}
	segs = p->gso ? (size + tp->mss - 1) / tp->mss : 1;
	tp->segs_out += segs;
	MIB_ADD(ns, TcpOutSegs, segs);
	if (size) {
		tp->data_segs_out += segs;
		tp->bytes_sent += size;
		tp->last_data_send = ns->now;
		tp->pingpong = tcp_now(tp) - tp->last_recv < TCP_DELACK_MIN ? 1 : tp->pingpong;
	}
	if (flags & TCP_ACK)
		ack_sent(tp, told);
	return ip_send(ns, p, &tx, &tp->sk.path);
}

void tcp_send_ack(struct tcp_sock *tp)
{
	if (tp->state == TCPS_CLOSE)
		return;
	/* without memory or a way: the timer tries again */
	if (tcp_transmit(tp, tp->snd_nxt, 0, TCP_ACK, false) && !net_timer_armed(&tp->delack)) {
		tp->ack_wanted = true;
		net_timer_arm(&tp->delack, tcp_now(tp) + TCP_DELACK_MAX);
	}
}

void tcp_send_reset(struct tcp_sock *tp)
{
	MIB(tcp_ns(tp), TcpOutRsts);
	(void)tcp_transmit(tp, tp->snd_nxt, 0, TCP_RST | TCP_ACK,
			   false); /* once; the peer will ask if it is lost */
}

/* ---- answers without a socket ---- */

void tcp_reply(struct netstack *ns, const struct tcp_in *in, u32 seq, u32 ack, u8 flags, u32 window,
	       const u8 *opts, u32 opt_size, u8 tos)
{
	struct pkt *p = pkt_new(ns);
	struct tcp_hdr *h = p ? pkt_push(p, (u32)sizeof(*h) + opt_size) : NULL;
	struct ip_tx tx = {
	    .proto = PROTO_TCP, .src = in->p->dst, .dst = in->p->src, .tos = tos, .dont_frag = true};
	u32 oif = ip_is_linklocal(&tx.dst) && !ip_is_v4(&tx.dst) && in->p->nif ? in->p->nif->index : 0;

	if (!h)
		return;
	*h = (struct tcp_hdr){.sport = be16_of(in->p->dport),
			      .dport = be16_of(in->p->sport),
			      .seq = be32_of(seq),
			      .ack = be32_of(ack),
			      .off = (u8)((sizeof(*h) + opt_size) / 4 << 4),
			      .flags = flags,
			      .window = be16_of(window)};
	if (opt_size)
		memcpy(h + 1, opts, opt_size);
	seal(p, h, &tx.src, &tx.dst);
	MIB(ns, TcpOutSegs);
	(void)ip_send_routed(ns, p, &tx, oif); /* the peer asks again if it is lost */
}

void tcp_reply_reset(struct netstack *ns, const struct tcp_in *in)
{
	if (in->p->broadcast || !ip_is_unicast(&in->p->src) || !ip_is_unicast(&in->p->dst))
		return;
	MIB(ns, TcpOutRsts);
	if (in->flags & TCP_ACK)
		tcp_reply(ns, in, in->ack, 0, TCP_RST, 0, NULL, 0, 0);
	else
		tcp_reply(ns, in, 0, in->end, TCP_RST | TCP_ACK, 0, NULL, 0, 0);
}

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
	err = tcp_transmit(tp, s->seq, min_t(u32, n, GSO_MAX), (u8)(TCP_ACK | TCP_PSH | (fin ? TCP_FIN : 0)),
			   true);
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
	goal = (u32)min_t(u64, max_t(u64, tp->pacing_rate >> 10, 2ULL * tp->mss), GSO_MAX);
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
	u32 blocks = 4 + 8 * blocks_fit(tp);

	if (!(tp->ack_now || tp->ack_wanted) || !blocks_to_tell(tp) || n < tp->mss || left < 2 * tp->mss ||
	    tp->mss < 4 * blocks)
		return n;
	return tp->mss - blocks;
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
	if (n % tp->mss && !(seq + n != tp->write_seq && blocks_to_tell(tp)))
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

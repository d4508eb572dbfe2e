/*
 * tcp_segment.c - one segment: how large it may be, its options and header, and its way down.
 *
 * Whatever is sent for a connection goes through tcp_transmit(), which also notes that the peer has its ACK.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"
#include "netstack/wire/checksum.h"

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
	mss = min_t(u32, mss, TCP_GSO_MAX);
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

/* So many SACK blocks there are to tell, and go beside the other options. */
static u32 blocks(const struct tcp_sock *tp)
{
	return tp->sack_ok ? min_t(u32, tp->ts_ok ? 3 : 4, tp->sack_count + tp->dsack_ok) : 0;
}

u32 tcp_blocks_size(const struct tcp_sock *tp)
{
	return blocks(tp) ? 4 + 8 * blocks(tp) : 0;
}

/* A full segment has no room for blocks: then the answer is still owed, and follows by itself. */
static bool room_for_blocks(const struct tcp_sock *tp, u32 size)
{
	return !size || size + tcp_blocks_size(tp) <= tp->mss;
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
	room = blocks(tp);
	if (!room || !room_for_blocks(tp, size))
		return n;
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
	told = !blocks(tp) || room_for_blocks(tp, size);
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

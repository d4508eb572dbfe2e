/*
 * tcp_input.c - segments in: finding whose they are, and the checks of RFC 9293, 3.10.7, with RFC 5961's
 * answers to blind attacks and RFC 7323's protection against old segments.
 */
#include <errno.h>

#include "netstack/transport/tcp_priv.h"
#include "netstack/wire/checksum.h"

#define PAWS_TICKS 1
#define OOW_ACK_NS (NSEC_PER_SEC / 2)

/* ---- whose is it ---- */

static struct tcp_sock *find_listener(struct netstack *ns, const struct pkt *p)
{
	u32 hash = sock_port_hash(PROTO_TCP, p->dport), same = 0;
	struct net_ep *found = NULL;
	int best = -1;

	for (struct net_hnode *n = net_hash_first(&ns->listeners, hash); n; n = n->next) {
		struct net_ep *ep = container_of(n, struct net_ep, flow_node);
		int score;
		if (n->hash != hash || ep->lport != p->dport)
			continue;
		score = sock_score(ep, &p->dst, &p->src, p->sport, p->nif->index);
		if (score > best) {
			best = score;
			found = ep;
			same = 1;
		} else if (score >= 0 && score == best && ep->reuseport) {
			u32 pick = (u32)sock_flow_hash(ns, PROTO_TCP, &p->dst, p->dport, &p->src, p->sport);
			if (pick % ++same == 0)
				found = ep;
		}
	}
	return found ? container_of(container_of(found, struct net_sock, ep), struct tcp_sock, sk) : NULL;
}

static bool parse(struct netstack *ns, struct pkt *p, struct tcp_in *in)
{
	struct tcp_hdr scratch;
	const struct tcp_hdr *h = pkt_header(p, p->l4_off, sizeof(*h), &scratch);
	u32 off, size = p->size - p->l4_off;

	if (!h)
		return false;
	off = (h->off >> 4) * 4U;
	if (off < sizeof(*h) || off > size)
		return false;
	if (!p->csum_valid && !p->csum_partial &&
	    !csum_ok(pkt_csum(p, p->l4_off, size, csum_pseudo(&p->src, &p->dst, PROTO_TCP, size)))) {
		MIB(ns, TcpInCsumErrors);
		return false;
	}
	p->sport = be16_get(h->sport);
	p->dport = be16_get(h->dport);
	in->p = p;
	in->seq = be32_get(h->seq);
	in->ack = be32_get(h->ack);
	in->flags = h->flags;
	in->window = be16_get(h->window);
	in->urg = be16_get(h->urg);
	in->data_off = p->l4_off + off;
	in->size = size - off;
	in->end = in->seq + in->size + !!(h->flags & TCP_SYN) + !!(h->flags & TCP_FIN);
	in->ce = (p->tos & 3) == 3;
	tcp_parse_options(p, p->l4_off + (u32)sizeof(*h), off - (u32)sizeof(*h), &in->o, h->flags & TCP_SYN);
	return true;
}

/* A filter may shorten a segment; its header stays. */
static bool filter_segment(struct net_sock *sk, struct tcp_in *in)
{
	u32 header = in->data_off - in->p->l4_off;

	if (!sock_filter(sk, in->p, in->p->l4_off, header))
		return false;
	in->end -= in->size;
	in->size = in->p->size - in->data_off;
	in->end += in->size;
	return true;
}

void tcp_input(struct netstack *ns, struct pkt *p)
{
	struct tcp_in in;
	struct net_ep *ep;
	struct tcp_sock *l;

	MIB(ns, TcpInSegs);
	if (!parse(ns, p, &in)) {
		MIB(ns, TcpInErrs);
		pkt_free(p);
		return;
	}
	ep = sock_flow_find(ns, PROTO_TCP, &p->dst, p->dport, &p->src, p->sport, p->nif->index);
	if (ep && ep->kind == EP_TCP) {
		struct net_sock *sk = container_of(ep, struct net_sock, ep);
		if (!sk->filter || filter_segment(sk, &in))
			tcp_segment(container_of(sk, struct tcp_sock, sk), &in);
	} else if (ep && ep->kind == EP_TCP_REQUEST) {
		tcp_request_input(container_of(ep, struct tcp_request, ep), &in);
	} else if (!ep || tcp_time_wait_input(container_of(ep, struct tcp_time_wait, ep), &in)) {
		l = find_listener(ns, p);
		if (l && l->sk.filter && !filter_segment(&l->sk, &in))
			MIB(ns, TcpInErrs);
		else if (l)
			tcp_listen_input(l, &in);
		else if (!(in.flags & TCP_RST))
			tcp_reply_reset(ns, &in);
	}
	pkt_free(p);
}

/* ---- checks ---- */

/* At most two answers a second to segments that do not fit: they must not make two ends fight. */
bool tcp_oow_ack_ok(struct netstack *ns, u64 *last)
{
	if (*last && ns->now - *last < OOW_ACK_NS)
		return false;
	*last = ns->now;
	return true;
}

void tcp_challenge_ack(struct tcp_sock *tp)
{
	if (!tcp_oow_ack_ok(tcp_ns(tp), &tp->oow_ack_at))
		return;
	MIB(tcp_ns(tp), TCPChallengeACK);
	tcp_send_ack(tp);
}

void tcp_update_ts_recent(struct tcp_sock *tp, const struct tcp_in *in)
{
	if (!tp->ts_ok || !in->o.ts_ok || seq_after(in->seq, tp->last_ack_sent))
		return;
	if (seq_before(in->o.tsval, tp->ts_recent) && tcp_now(tp) - tp->ts_recent_at < TCP_PAWS_24DAYS)
		return;
	tp->ts_recent = in->o.tsval;
	tp->ts_recent_at = tcp_now(tp);
}

/* Old in the eyes of PAWS, but a duplicate ACK that was overtaken: what it SACKs is worth knowing. */
static bool overtaken_ack(const struct tcp_sock *tp, const struct tcp_in *in, u32 age)
{
	return in->end == in->seq && in->seq == tp->rcv_nxt && in->ack == tp->snd_una &&
	       in->window << tp->snd_wscale <= tp->snd_wnd && age <= tp->rto / MS;
}

/* As in Linux one tick is no age: a hole is filled by what was sent again, later than what the path has
 * delayed, and all that would be thrown away. */
static bool paws_reject(const struct tcp_sock *tp, const struct tcp_in *in)
{
	u32 age = tp->ts_recent - in->o.tsval;

	return tp->ts_ok && in->o.ts_ok && !(in->flags & TCP_RST) && (s32)age > PAWS_TICKS &&
	       tcp_now(tp) - tp->ts_recent_at < TCP_PAWS_24DAYS && !overtaken_ack(tp, in, age);
}

/* Answers a segment outside of the window, telling of duplicates. */
static void duplicate_ack(struct tcp_sock *tp, const struct tcp_in *in)
{
	if (in->end != in->seq && seq_before(in->seq, tp->rcv_nxt)) {
		MIB(tcp_ns(tp), DelayedACKLost);
		tp->quickacks = 16;
		if (tp->sack_ok) {
			MIB(tcp_ns(tp), TCPDSACKOldSent);
			tcp_set_dsack(tp, in->seq, seq_after(in->end, tp->rcv_nxt) ? tp->rcv_nxt : in->end);
		}
	}
	if ((in->size == 0 && !(in->flags & (TCP_SYN | TCP_FIN))) &&
	    !tcp_oow_ack_ok(tcp_ns(tp), &tp->oow_ack_at))
		return;
	tcp_send_ack(tp);
}

static void reset_in(struct tcp_sock *tp)
{
	int error = ECONNRESET;

	if (tp->state == TCPS_SYN_RECV)
		error = ECONNREFUSED;
	else if (tp->state == TCPS_CLOSE_WAIT)
		error = EPIPE;
	if (tp->state == TCPS_ESTABLISHED || tp->state == TCPS_CLOSE_WAIT)
		MIB(tcp_ns(tp), TcpEstabResets);
	tcp_done(tp, error);
}

static bool reset_exact(const struct tcp_sock *tp, const struct tcp_in *in)
{
	/* the peer's idea of our rcv_nxt: also the end of what we SACKed last */
	if (in->seq == tp->rcv_nxt)
		return true;
	for (u32 i = 0; i < tp->sack_count; i++)
		if (in->seq == tp->sacks[i].end)
			return true;
	return false;
}

/* The checks of sequence numbers, RST and SYN; false: the segment ends here (tp may be gone). */
static bool validate(struct tcp_sock *tp, struct tcp_in *in)
{
	u32 window = seq_after(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;

	if (paws_reject(tp, in)) {
		MIB(tcp_ns(tp), PAWSEstab);
		duplicate_ack(tp, in);
		return false;
	}
	if (seq_before(in->end, tp->rcv_wup) || seq_after(in->seq, tp->rcv_nxt + window)) {
		if (in->flags & TCP_RST)
			return false;
		if (in->flags & TCP_SYN)
			tcp_challenge_ack(tp);
		else
			duplicate_ack(tp, in);
		return false;
	}
	if (in->flags & TCP_RST) {
		if (reset_exact(tp, in))
			reset_in(tp);
		else
			tcp_challenge_ack(tp);
		return false;
	}
	if (in->flags & TCP_SYN) {
		/* of a simultaneous open the SYN-ACK repeats the SYN we know */
		if (tp->state == TCPS_SYN_RECV && (in->flags & TCP_ACK) && in->seq + 1 == tp->rcv_nxt) {
			in->seq++;
			in->flags &= (u8)~TCP_SYN;
			return true;
		}
		MIB(tcp_ns(tp), TCPSYNChallenge);
		tcp_challenge_ack(tp);
		return false;
	}
	return true;
}

/* ---- urgent data (RFC 6093: the pointer means the byte before it) ---- */

static void urgent(struct tcp_sock *tp, const struct tcp_in *in)
{
	u32 at;
	u8 b;

	if (!(in->flags & TCP_URG) || !in->urg)
		return;
	at = in->seq + in->urg - 1;
	if (tp->urg_state && !seq_after(at, tp->urg_seq))
		goto byte;
	if (seq_before(at, tp->copied_seq))
		return;
	tp->urg_state = 1;
	tp->urg_seq = at;
	sock_event(&tp->sk, SOCK_PRI);
byte:
	if (tp->urg_state == 1 && in->urg <= in->size &&
	    pkt_copy(in->p, in->data_off + in->urg - 1U, &b, 1) == 1 &&
	    in->seq + in->urg - 1 == tp->urg_seq) {
		tp->urg_state = 2;
		tp->urg_byte = b;
		sock_event(&tp->sk, SOCK_PRI);
	}
}

/* ---- after the checks ---- */

/* Our FIN is acknowledged: what follows. False: tp is gone. */
static bool fin_acked(struct tcp_sock *tp, const struct tcp_in *in)
{
	switch (tp->state) {
	case TCPS_FIN_WAIT1:
		tcp_set_state(tp, TCPS_FIN_WAIT2);
		sock_event(&tp->sk, SOCK_OUT | SOCK_HUP); /* who lingers waits for this */
		return (tp->orphan && in->size) || tcp_fin_wait2(tp, in->flags & TCP_FIN);
	case TCPS_CLOSING:
		tcp_time_wait(tp, false, TCP_TIME_WAIT_NS);
		return false;
	case TCPS_LAST_ACK:
		tcp_done(tp, 0);
		return false;
	default:
		return true;
	}
}

static void ecn_in(struct tcp_sock *tp, const struct tcp_in *in)
{
	if (!(tp->ecn & 1))
		return;
	if (in->flags & TCP_CWR)
		tp->ecn &= (u8)~2U;
	tp->ecn_seen |= (in->p->tos & 3) != 0;
	if (in->ce && in->size) {
		tp->ecn |= 2;
		tp->ack_now = true;
	}
}

void tcp_process(struct tcp_sock *tp, struct tcp_in *in)
{
	struct netstack *ns = tcp_ns(tp);
	bool orphan_data;

	if (!(in->flags & TCP_ACK))
		return;
	if (tp->state == TCPS_SYN_RECV) {
		if (in->ack != tp->snd_nxt) {
			tcp_reply_reset(ns, in);
			return;
		}
		tp->snd_una = in->ack;
		tp->snd_wnd = in->window << tp->snd_wscale;
		tp->max_wnd = tp->snd_wnd;
		net_timer_cancel(&tp->rtx);
		tp->rtx_kind = RTX_NONE;
		tp->retries = tp->backoff = 0;
		tcp_established(tp);
		sock_event(&tp->sk, SOCK_OUT);
		if (tp->fin_wanted)
			tcp_set_state(tp, TCPS_FIN_WAIT1);
	}
	ecn_in(tp, in);
	if (!tcp_ack(tp, in))
		return;
	if (tp->fin_sent && tp->snd_una == tp->snd_nxt && !fin_acked(tp, in))
		return;
	tp->last_recv = ns->now;
	if (tp->keepalive && tp->probes == 0 && net_timer_armed(&tp->keep) && !tp->orphan)
		tcp_keep_arm(tp, tp->keep_idle);
	urgent(tp, in);
	orphan_data = tp->orphan && in->size && seq_after(in->end - !!(in->flags & TCP_FIN), tp->rcv_nxt);
	if (orphan_data && tp->state != TCPS_CLOSING && tp->state != TCPS_LAST_ACK) {
		MIB(ns, TCPAbortOnData);
		tcp_send_reset(tp);
		tcp_done(tp, 0);
		return;
	}
	tcp_data_in(tp, in);
	if (tp->state == TCPS_TIME_WAIT) {
		tcp_time_wait(tp, false, TCP_TIME_WAIT_NS);
		return;
	}
	tcp_output(tp);
	tcp_write_space(tp);
	tcp_ack_check(tp);
}

void tcp_segment(struct tcp_sock *tp, struct tcp_in *in)
{
	u32 segs = in->p->gso && in->p->gso_size ? (in->size + in->p->gso_size - 1U) / in->p->gso_size : 1;

	tp->segs_in += max_t(u32, segs, 1);
	if (in->size)
		tp->data_segs_in += segs;
	if (tp->state == TCPS_SYN_SENT) {
		tcp_syn_sent(tp, in);
		return;
	}
	if (tp->state == TCPS_CLOSE) {
		if (!(in->flags & TCP_RST))
			tcp_reply_reset(tcp_ns(tp), in);
		return;
	}
	if (!validate(tp, in))
		return;
	tcp_update_ts_recent(tp, in);
	tcp_process(tp, in);
}

/* ---- ICMP about our segments ---- */

void tcp_icmp(struct netstack *ns, const struct icmp_event *e)
{
	u32 seq = get_be32(e->l4 + 4);
	struct net_ep *ep = sock_flow_find(ns, PROTO_TCP, &e->src, get_be16(e->l4), &e->dst,
					   get_be16(e->l4 + 2), e->p->nif ? e->p->nif->index : 0);
	struct tcp_sock *tp;
	bool big = e->v6 ? e->type == ICMP6_TOO_BIG : e->type == ICMP_UNREACH && e->code == ICMP_UNREACH_FRAG;

	if (!ep || ep->kind != EP_TCP)
		return;
	tp = container_of(container_of(ep, struct net_sock, ep), struct tcp_sock, sk);
	/* what we sent and is not acknowledged: else anybody could say it (RFC 5927) */
	if (tp->state == TCPS_CLOSE || seq_before(seq, tp->snd_una) || seq_after(seq, tp->snd_nxt))
		return;
	if (big) {
		net_pmtu_learn(ns, &e->dst, e->info);
		tcp_mtu_reduced(tp);
		return;
	}
	if (tp->state == TCPS_SYN_SENT || tp->state == TCPS_SYN_RECV) {
		if (e->fatal || e->type == (e->v6 ? ICMP6_UNREACH : ICMP_UNREACH))
			tcp_done(tp, e->error);
		return;
	}
	if (tp->sk.recverr && e->fatal)
		sock_set_error(&tp->sk, e->error);
	else
		tp->soft_error = e->error; /* told if the connection times out */
}

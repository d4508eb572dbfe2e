/*
 * frag.c - putting fragments together again, for both families.
 *
 * A queue per (source, destination, protocol, ident, interface). Fragments that overlap kill the whole packet
 * (RFC 5722; Linux does the same for IPv4), exact duplicates are dropped. Limits: 4 MiB in all, the oldest
 * queue goes first; 30 seconds for IPv4, 60 for IPv6; 64 KiB a packet.
 */
#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"

#define FRAG_BYTES_MAX (4U << 20)
#define FRAG_PIECES    512U

struct ip_frag_queue {
	struct list_head node; /* oldest first */
	struct ip_addr src, dst;
	u32 ident, ifindex;
	u8 proto, ecn_seen;        /* ecn_seen: a bit for each value of the ECN field */
	u32 header_size, next_off; /* of the first */
	u64 expires;
	u32 total; /* bytes of the payload; 0: last fragment not seen */
	u32 got, bytes, count;
	struct list_head pieces; /* by offset: pkt.seq to pkt.seq_end */
	struct pkt *first;       /* the one at offset 0, or NULL */
};

static void queue_free(struct netstack *ns, struct ip_frag_queue *q)
{
	while (!list_empty(&q->pieces)) {
		struct pkt *p = list_first_entry(&q->pieces, struct pkt, node);
		list_del_init(&p->node);
		pkt_free(p);
	}
	ns->frag_bytes -= q->bytes;
	list_del_init(&q->node);
	net_free(ns, q);
}

void ip_frags_free(struct netstack *ns)
{
	while (!list_empty(&ns->frags))
		queue_free(ns, list_first_entry(&ns->frags, struct ip_frag_queue, node));
}

void ip_frag_timeout(struct net_timer *t)
{
	struct netstack *ns = t->ns;
	struct ip_frag_queue *q, *next;
	u64 soonest = TIME_NEVER;

	list_for_each_entry_safe (q, next, &ns->frags, node) {
		if (q->expires > ns->now) {
			soonest = min_t(u64, soonest, q->expires);
			continue;
		}
		MIB(ns, IpReasmTimeout);
		MIB(ns, IpReasmFails);
		if (q->first && ip_is_v4(&q->src))
			icmp_error(ns, q->first, ICMP_TIME_EXCEEDED, 1, 0);
		else if (q->first)
			icmpv6_error(ns, q->first, ICMP6_TIME_EXCEEDED, 1, 0);
		queue_free(ns, q);
	}
	net_timer_arm(t, soonest);
}

static struct ip_frag_queue *find(struct netstack *ns, const struct pkt *p, u32 ident, u32 ifindex)
{
	bool v4 = ip_is_v4(&p->src);
	struct ip_frag_queue *q;

	list_for_each_entry (q, &ns->frags, node) {
		if (q->ident == ident && q->ifindex == ifindex && ip_eq(&q->src, &p->src) &&
		    ip_eq(&q->dst, &p->dst) && (!v4 || q->proto == p->l4_proto))
			return q;
	}
	while (ns->frag_bytes > FRAG_BYTES_MAX && !list_empty(&ns->frags)) {
		MIB(ns, IpReasmFails);
		queue_free(ns, list_first_entry(&ns->frags, struct ip_frag_queue, node));
	}
	q = net_new(ns, struct ip_frag_queue);
	if (!q)
		return NULL;
	q->src = p->src;
	q->dst = p->dst;
	q->ident = ident;
	q->ifindex = ifindex;
	q->proto = p->l4_proto;
	q->expires = ns->now + (v4 ? 30 : 60) * NSEC_PER_SEC;
	list_init(&q->pieces);
	list_add_tail(&q->node, &ns->frags);
	if (!net_timer_armed(&ns->frag_timer) || ns->frag_timer.deadline > q->expires)
		net_timer_arm(&ns->frag_timer, q->expires);
	return q;
}

/* Puts p where it belongs. 0, 1 (a duplicate: dropped), -1 (overlap, or it contradicts the others). */
static int insert(struct ip_frag_queue *q, struct pkt *p, bool more)
{
	struct list_head *where = &q->pieces;

	if (!more) {
		if ((q->total && q->total != p->seq_end) ||
		    (!list_empty(&q->pieces) &&
		     list_last_entry(&q->pieces, struct pkt, node)->seq_end > p->seq_end))
			return -1;
		q->total = p->seq_end;
	} else if (q->total && p->seq_end > q->total) {
		return -1;
	}
	while (where->prev != &q->pieces) {
		struct pkt *before = list_entry(where->prev, struct pkt, node);
		if (before->seq == p->seq && before->seq_end == p->seq_end)
			return 1;
		if (before->seq < p->seq_end && p->seq < before->seq_end)
			return -1;
		if (before->seq < p->seq)
			break;
		where = &before->node;
	}
	list_add_tail(&p->node, where);
	return 0;
}

/* The ECN field of the whole (RFC 3168, 5.3); false if the pieces contradict each other. */
static bool join_ecn(const struct ip_frag_queue *q, u8 *h)
{
	u32 shift = ip_is_v4(&q->src) ? 0 : 4; /* in the second byte, IPv6's four bits higher */

	if ((q->ecn_seen & 1) && q->ecn_seen != 1)
		return false;
	if (q->ecn_seen & 8)
		h[1] |= (u8)(3U << shift);
	return true;
}

/* Puts the payload of all pieces behind `whole`. */
static bool join_payload(const struct ip_frag_queue *q, struct pkt *whole)
{
	struct pkt *p;

	list_for_each_entry (p, &q->pieces, node) {
		u32 n = p->seq_end - p->seq, skip = p->size - n;
		u8 buf[1024];
		if (q->count < PKT_FRAG_MAX / 2) {
			if (!pkt_add_range(whole, p, skip, n))
				return false;
			continue;
		}
		for (u32 off = 0, k; off < n; off += k) { /* too many pieces to refer to: copy */
			k = pkt_copy(p, skip + off, buf, min_t(u32, sizeof(buf), n - off));
			if (!k || pkt_append(whole, buf, k))
				return false;
		}
	}
	return true;
}

/* All there: one packet with the first one's network header, without the fragment header. */
static struct pkt *join(struct netstack *ns, struct ip_frag_queue *q)
{
	const struct pkt *first = q->first;
	struct pkt *whole = pkt_new(ns);
	u8 *h = whole ? pkt_push(whole, q->header_size) : NULL;

	if (!h || pkt_copy(first, 0, h, q->header_size) != q->header_size || !join_payload(q, whole) ||
	    whole->size != q->header_size + q->total || !join_ecn(q, h))
		goto fail;
	whole->nif = first->nif;
	whole->ifindex = first->ifindex;
	whole->eth_type = first->eth_type;
	whole->l2_type = first->l2_type;
	memcpy(whole->l2_src, first->l2_src, sizeof(whole->l2_src));
	whole->src = first->src;
	whole->dst = first->dst;
	whole->ttl = first->ttl;
	whole->looped = first->looped;
	whole->broadcast = first->broadcast;
	whole->stamp = first->stamp;
	whole->l4_proto = q->proto;
	whole->l4_off = (u16)q->header_size;
	if (ip_is_v4(&q->src)) {
		put_be16(h + 2, whole->size);
		put_be16(h + 6, 0);
		put_be16(h + 10, 0);
		csum_put(h + 10, csum_add(0, h, q->header_size, false));
		whole->tos = h[1];
	} else {
		put_be16(h + 4, whole->size - 40);
		h[q->next_off] = q->proto;
		whole->tos = (u8)(get_be16(h) >> 4);
	}
	return whole;
fail:
	if (whole)
		pkt_free(whole);
	return NULL;
}

static u32 ecn_of(const struct pkt *p)
{
	u8 b[2];
	const u8 *h = pkt_header(p, 0, 2, b);

	if (!h)
		return 0;
	return (ip_is_v4(&p->src) ? h[1] : h[1] >> 4) & 3;
}

/* Sizes that no fragment may have; IPv6 says so to the sender (RFC 8200, 4.5). */
static bool size_ok(struct netstack *ns, struct pkt *p, u32 offset, u32 size, bool more, u32 header_size)
{
	bool v4 = ip_is_v4(&p->src);

	if (more && (size % 8 || !size)) {
		if (!v4)
			icmpv6_error(ns, p, ICMP6_PARAM, 0, 4);
		return false;
	}
	if (offset + size + header_size > 65535U + (v4 ? 0 : 40)) {
		if (!v4)
			icmpv6_error(ns, p, ICMP6_PARAM, 0, header_size + 2);
		return false;
	}
	return true;
}

static struct pkt *refuse(struct netstack *ns, struct pkt *p)
{
	MIB(ns, IpReasmFails);
	pkt_free(p);
	return NULL;
}

struct pkt *ip_reassemble(struct netif *nif, struct pkt *p, u32 ident, u32 offset, bool more, u32 header_size,
			  u32 next_off)
{
	struct netstack *ns = nif->ns;
	u32 size = p->size - p->l4_off, cost = pkt_truesize(p);
	struct ip_frag_queue *q;
	struct pkt *whole;
	int r;

	MIB(ns, IpReasmReqds);
	if (pkt_csum_finish(p) || !size_ok(ns, p, offset, size, more, header_size))
		return refuse(ns, p);
	q = find(ns, p, ident, nif->index);
	if (!q)
		return refuse(ns, p);
	p->seq = offset;
	p->seq_end = offset + size;
	r = q->count >= FRAG_PIECES ? -1 : insert(q, p, more);
	if (r) {
		pkt_free(p);
		if (r < 0) {
			MIB(ns, IpReasmFails);
			queue_free(ns, q);
		}
		return NULL;
	}
	q->count++;
	q->got += size;
	q->bytes += cost;
	q->ecn_seen |= (u8)(1U << ecn_of(p));
	ns->frag_bytes += cost;
	if (offset == 0) {
		q->first = p;
		q->proto = p->l4_proto;
		q->header_size = header_size;
		q->next_off = next_off;
	}
	if (!q->total || q->got != q->total || !q->first)
		return NULL;
	whole = join(ns, q);
	if (whole)
		MIB(ns, IpReasmOKs);
	else
		MIB(ns, IpReasmFails);
	queue_free(ns, q);
	return whole;
}

void ip_frags_drop(struct netstack *ns, const struct netif *nif)
{
	struct ip_frag_queue *q, *next;

	list_for_each_entry_safe (q, next, &ns->frags, node) {
		if (q->ifindex == nif->index)
			queue_free(ns, q);
	}
}

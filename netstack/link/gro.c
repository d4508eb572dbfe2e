/*
 * gro.c - joining TCP segments. See gro.h.
 *
 * Only what could be cut again into exactly the same segments is joined: one flow, the next sequence number,
 * headers alike but for length, checksum, ident, FIN and PSH, all pieces of one size but the last. Checksums
 * are looked at before, so that a bad segment cannot hide in a good one. Whatever is not joined goes up after
 * what is held of its flow: the order within a flow stays.
 */
#include "netstack/link/gro.h"

#include <errno.h>

#include "netstack/stack/stack_priv.h"
#include "netstack/wire/checksum.h"

#define ETH_SIZE 14U

/* What a frame is, as far as joining goes. */
struct seg {
	u32 l4, payload, size; /* offsets of the TCP header and the payload; bytes of payload */
	u32 seq;
	u8 flags;
	bool v6;
	struct ip_addr src, dst;
	u8 h[PKT_HEAD_ROOM]; /* the headers */
};

void gro_init(struct gro *g)
{
	list_init(&g->held);
	g->count = 0;
}

static bool read_ip(struct pkt *p, struct seg *s)
{
	u32 total;

	if (pkt_copy(p, 0, s->h, ETH_SIZE + 40) < ETH_SIZE + 40)
		return false;
	s->v6 = get_be16(s->h + 12) == ETH_IPV6;
	if (s->v6) {
		if (s->h[ETH_SIZE] >> 4 != 6 || s->h[ETH_SIZE + 6] != PROTO_TCP)
			return false;
		s->l4 = ETH_SIZE + 40;
		total = 40U + get_be16(s->h + ETH_SIZE + 4);
		memcpy(s->src.b, s->h + ETH_SIZE + 8, 16);
		memcpy(s->dst.b, s->h + ETH_SIZE + 24, 16);
	} else {
		if (get_be16(s->h + 12) != ETH_IPV4 || s->h[ETH_SIZE] != 0x45 ||
		    s->h[ETH_SIZE + 9] != PROTO_TCP ||
		    (get_be16(s->h + ETH_SIZE + 6) & (IPV4_MF | IPV4_OFFSET)) ||
		    !csum_ok(csum_add(0, s->h + ETH_SIZE, 20, false)))
			return false;
		s->l4 = ETH_SIZE + 20;
		total = get_be16(s->h + ETH_SIZE + 2);
		s->src = ip_v4(get_be32(s->h + ETH_SIZE + 12));
		s->dst = ip_v4(get_be32(s->h + ETH_SIZE + 16));
	}
	if (ETH_SIZE + total > p->size || total < s->l4 - ETH_SIZE + 20)
		return false;
	pkt_trim(p, ETH_SIZE + total);
	return true;
}

static bool checksum_right(const struct pkt *p, const struct seg *s)
{
	u32 size = p->size - s->l4;

	return p->csum_valid || p->csum_partial ||
	       csum_ok(pkt_csum(p, s->l4, size, csum_pseudo(&s->src, &s->dst, PROTO_TCP, size)));
}

/* Reads the headers; false if it is not a TCP segment with sound headers. */
static bool read_seg(struct pkt *p, struct seg *s)
{
	u32 words;

	if (!read_ip(p, s) || pkt_copy(p, s->l4, s->h + s->l4, 20) != 20)
		return false;
	words = s->h[s->l4 + 12] >> 4;
	s->payload = s->l4 + words * 4;
	if (words < 5 || s->payload > p->size || pkt_copy(p, s->l4, s->h + s->l4, words * 4) != words * 4)
		return false;
	s->size = p->size - s->payload;
	s->seq = get_be32(s->h + s->l4 + 4);
	s->flags = s->h[s->l4 + 13];
	return true;
}

static bool same_flow(const struct seg *a, const struct seg *b)
{
	return a->v6 == b->v6 && ip_eq(&a->src, &b->src) && ip_eq(&a->dst, &b->dst) &&
	       !memcmp(a->h + a->l4, b->h + b->l4, 4);
}

/* May a plain segment be held, to be joined by others? */
static bool joinable(const struct pkt *p, const struct seg *s)
{
	return s->size && !p->gso && (s->flags & ~(TCP_ACK | TCP_PSH | TCP_FIN)) == 0 && (s->flags & TCP_ACK);
}

static bool headers_alike(const struct seg *a, const struct seg *b)
{
	u32 ip = ETH_SIZE, l4 = a->l4;

	if (a->payload != b->payload || memcmp(a->h, b->h, ETH_SIZE))
		return false;
	if (a->v6) {
		if (memcmp(a->h + ip, b->h + ip, 4) || memcmp(a->h + ip + 6, b->h + ip + 6, 34))
			return false;
	} else if (a->h[ip + 1] != b->h[ip + 1] || get_be16(a->h + ip + 6) != get_be16(b->h + ip + 6) ||
		   a->h[ip + 8] != b->h[ip + 8]) {
		return false;
	}
	/* acknowledgement number, header size, window, options */
	return !memcmp(a->h + l4 + 8, b->h + l4 + 8, 5) && !memcmp(a->h + l4 + 14, b->h + l4 + 14, 2) &&
	       !memcmp(a->h + l4 + 20, b->h + l4 + 20, a->payload - l4 - 20);
}

/* Adds the payload of p to `to`, whose headers then say so; true if it was done (p is gone then). */
static bool join(struct pkt *to, const struct seg *a, struct pkt *p, const struct seg *b)
{
	u32 old = to->size, step = to->gso_size ? to->gso_size : a->size;
	u8 *h;

	if ((a->flags & (TCP_FIN | TCP_PSH)) || a->size % step || b->size > step ||
	    a->seq + a->size != b->seq || to->size + b->size > 65535 || !headers_alike(a, b) ||
	    pkt_pull_head(to, a->payload))
		return false;
	if (!pkt_add_range(to, p, b->payload, b->size)) {
		pkt_trim(to, old);
		return false;
	}
	h = pkt_data(to);
	h[a->l4 + 13] |= b->flags;
	if (a->v6) {
		put_be16(h + ETH_SIZE + 4, to->size - ETH_SIZE - 40);
	} else {
		put_be16(h + ETH_SIZE + 2, to->size - ETH_SIZE);
		put_be16(h + ETH_SIZE + 10, 0);
		csum_put(h + ETH_SIZE + 10, csum_add(0, h + ETH_SIZE, 20, false));
	}
	to->gso = PKT_GSO_TCP;
	to->gso_size = (u16)step;
	to->csum_valid = true;
	to->csum_partial = false;
	pkt_free(p);
	return true;
}

static void release(struct gro *g, struct netif *nif, struct pkt *p)
{
	list_del_init(&p->node);
	g->count--;
	netif_receive(nif, p);
}

static struct pkt *find(struct gro *g, const struct seg *s, struct seg *held)
{
	struct pkt *p;

	list_for_each_entry (p, &g->held, node) {
		if (read_seg(p, held) && same_flow(held, s))
			return p;
	}
	return NULL;
}

bool gro_receive(struct gro *g, struct netif *nif, struct pkt *p)
{
	struct seg s, held;
	struct pkt *other;

	if (!read_seg(p, &s)) {
		netif_receive(nif, p);
		return false;
	}
	other = g->count ? find(g, &s, &held) : NULL;
	if (!joinable(p, &s) || !checksum_right(p, &s)) {
		if (other)
			release(g, nif, other);
		netif_receive(nif, p);
		return false;
	}
	if (other) {
		if (join(other, &held, p, &s))
			return true;
		release(g, nif, other);
	}
	if (g->count >= GRO_FLOWS)
		release(g, nif, list_first_entry(&g->held, struct pkt, node));
	p->csum_valid = true;
	list_add_tail(&p->node, &g->held);
	g->count++;
	return false;
}

void gro_flush(struct gro *g, struct netif *nif)
{
	while (g->count)
		release(g, nif, list_first_entry(&g->held, struct pkt, node));
}

void gro_drop(struct gro *g)
{
	while (!list_empty(&g->held)) {
		struct pkt *p = list_first_entry(&g->held, struct pkt, node);
		list_del_init(&p->node);
		pkt_free(p);
	}
	g->count = 0;
}

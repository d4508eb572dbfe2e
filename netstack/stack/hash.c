/*
 * hash.c - chained hash tables, and the keyed hash that outsiders cannot aim at (SipHash-2-4, Aumasson and
 * Bernstein).
 */
#include <errno.h>

#include "netstack/stack/stack_priv.h"

static u64 rotl(u64 v, int n)
{
	return v << n | v >> (64 - n);
}

static void sip_round(u64 v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

u64 net_siphash(struct netstack *ns, const void *data, size_t size)
{
	u64 v[4] = {ns->secret[0] ^ 0x736f6d6570736575ULL, ns->secret[1] ^ 0x646f72616e646f6dULL,
		    ns->secret[0] ^ 0x6c7967656e657261ULL, ns->secret[1] ^ 0x7465646279746573ULL};
	const u8 *p = data;
	u64 last = (u64)size << 56, w;

	for (size_t n = size; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		v[3] ^= w;
		sip_round(v);
		sip_round(v);
		v[0] ^= w;
	}
	w = 0;
	memcpy(&w, p, size % 8);
	last |= w;
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int net_hash_init(struct netstack *ns, struct net_hash *h, u32 buckets)
{
	h->buckets = net_zalloc(ns, buckets * sizeof(h->buckets[0]), "net hash");
	h->mask = buckets - 1;
	h->count = 0;
	return h->buckets ? 0 : -ENOMEM;
}

void net_hash_done(struct netstack *ns, struct net_hash *h)
{
	net_free(ns, h->buckets);
	h->buckets = NULL;
}

static void link_at(struct net_hnode *n, struct net_hnode **bucket)
{
	n->next = *bucket;
	n->at = bucket;
	if (n->next)
		n->next->at = &n->next;
	*bucket = n;
}

static void grow(struct netstack *ns, struct net_hash *h)
{
	u32 n = 2 * (h->mask + 1);
	struct net_hnode **b = net_zalloc(ns, n * sizeof(*b), "net hash");

	if (!b)
		return;
	for (u32 i = 0; i <= h->mask; i++) {
		struct net_hnode *e = h->buckets[i];
		while (e) {
			struct net_hnode *next = e->next;
			link_at(e, &b[e->hash & (n - 1)]);
			e = next;
		}
	}
	net_free(ns, h->buckets);
	h->buckets = b;
	h->mask = n - 1;
}

void net_hash_add(struct netstack *ns, struct net_hash *h, struct net_hnode *n, u32 hash)
{
	if (h->count > 2 * h->mask)
		grow(ns, h);
	n->hash = hash;
	link_at(n, &h->buckets[hash & h->mask]);
	h->count++;
}

void net_hash_del(struct net_hash *h, struct net_hnode *n)
{
	if (!n->at)
		return;
	*n->at = n->next;
	if (n->next)
		n->next->at = n->at;
	n->next = NULL;
	n->at = NULL;
	h->count--;
}

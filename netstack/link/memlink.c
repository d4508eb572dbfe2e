/*
 * memlink.c - a cable in memory. See memlink.h.
 *
 * A frame is copied when it is sent, as a real link would: the two instances share no memory. A link that
 * takes segments to be cut (features) carries them whole, as a TAP device does.
 */
#include "netstack/link/memlink.h"

#include <errno.h>

#include "netstack/stack/stack_priv.h"

struct flying {
	struct list_head node;
	u64 at;
	int to;
	struct pkt *p;
};

void memlink_init(struct memlink *m, u64 seed, u64 (*now)(void *), void *ctx)
{
	memset(m, 0, sizeof(*m));
	list_init(&m->flying);
	m->seed = seed ? seed : 1;
	m->now = now;
	m->ctx = ctx;
}

static u64 draw(struct memlink *m) /* xorshift64* */
{
	m->seed ^= m->seed >> 12;
	m->seed ^= m->seed << 25;
	m->seed ^= m->seed >> 27;
	return m->seed * 0x2545f4914f6cdd1dULL;
}

static bool chance(struct memlink *m, u32 ppm)
{
	return ppm && draw(m) % 1000000 < ppm;
}

/* The frame as the other instance's. */
static struct pkt *copy_to(struct memlink *m, const struct pkt *p, int to)
{
	struct netstack *ns = m->ends[to]->ns;
	struct pkt *c = pkt_new(ns);
	u8 buf[2048];

	if (!c)
		return NULL;
	for (u32 off = 0; off < p->size; off += sizeof(buf)) {
		u32 n = pkt_copy(p, off, buf, sizeof(buf));
		if (pkt_append(c, buf, n)) {
			pkt_free(c);
			return NULL;
		}
	}
	c->gso = p->gso;
	c->gso_size = p->gso_size;
	c->csum_partial = p->csum_partial;
	c->csum_start = p->csum_start;
	c->csum_offset = p->csum_offset;
	return c;
}

static void corrupt(struct memlink *m, struct pkt *p)
{
	u32 at = (u32)(draw(m) % p->size);

	for (u32 i = 0; i < p->frag_count; i++) {
		struct net_frag *f = &p->frags[i];
		if (at < f->size) {
			f->data->bytes[f->off + at] ^= (u8)(1U << draw(m) % 8);
			return;
		}
		at -= f->size;
	}
}

static void launch(struct memlink *m, struct pkt *p, int from, u64 at)
{
	struct netstack *ns = m->ends[!from]->ns;
	struct flying *f = net_new(ns, struct flying), *pos;
	struct list_head *where = &m->flying;

	if (!f) {
		pkt_free(p);
		return;
	}
	f->at = at;
	f->to = !from;
	f->p = p;
	while (where->prev != &m->flying) {
		pos = list_entry(where->prev, struct flying, node);
		if (pos->at <= at)
			break;
		where = &pos->node;
	}
	list_add_tail(&f->node, where);
	m->flying_count[from]++;
}

static void mark_ce(struct pkt *p)
{
	u8 tos;

	if (p->size < 34 || p->eth_type != ETH_IPV4 || pkt_pull_head(p, 34))
		return;
	tos = pkt_data(p)[15];
	if (tos & 3) {
		u32 sum = 0;
		pkt_data(p)[15] = tos | 3;
		put_be16(pkt_data(p) + 24, 0);
		for (u32 i = 14; i < 34; i += 2)
			sum += get_be16(pkt_data(p) + i);
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		put_be16(pkt_data(p) + 24, ~sum & 0xffff);
	}
}

static int memlink_send(struct netif *nif, struct pkt *p)
{
	struct memlink *m = nif->link;
	int from = m->ends[1] == nif;
	struct memlink_side *s = &m->side[from];
	u64 now = m->now(m->ctx), at;
	struct pkt *c;

	s->frames++;
	if (!m->ends[!from] || (s->filter && !s->filter(s->filter_ctx, p)) || chance(m, s->loss_ppm) ||
	    (s->queue_limit && m->flying_count[from] >= s->queue_limit)) {
		s->dropped++;
		pkt_free(p);
		return 0;
	}
	if (s->ecn_mark && m->flying_count[from] > s->queue_limit / 2)
		mark_ce(p);
	at = now;
	if (s->bits_per_sec) {
		at = max_t(u64, now, s->free_at) + (u64)p->size * 8 * NSEC_PER_SEC / s->bits_per_sec;
		s->free_at = at;
	}
	at += s->delay_ns;
	if (s->jitter_ns)
		at += draw(m) % s->jitter_ns;
	if (chance(m, s->reorder_ppm))
		at += s->reorder_ns;
	c = copy_to(m, p, !from);
	pkt_free(p);
	if (!c)
		return -ENOMEM;
	if (chance(m, s->corrupt_ppm)) {
		c->csum_partial = false;
		corrupt(m, c);
	}
	if (chance(m, s->duplicate_ppm)) {
		struct pkt *again = pkt_clone(c);
		if (again)
			launch(m, again, from, at);
	}
	launch(m, c, from, at);
	return 0;
}

static void memlink_remove(struct netif *nif)
{
	struct memlink *m = nif->link;
	int end = m->ends[1] == nif;
	struct flying *f, *next;

	list_for_each_entry_safe (f, next, &m->flying, node) {
		if (f->to != end)
			continue;
		list_del_init(&f->node);
		m->flying_count[!end]--;
		pkt_free(f->p);
		net_free(nif->ns, f);
	}
	m->ends[end] = NULL;
}

static const struct netif_ops memlink_ops = {.send = memlink_send, .remove = memlink_remove};

int memlink_attach(struct memlink *m, int end, struct netstack *ns, const char *name, u32 mtu, u32 features,
		   struct netif **out)
{
	struct netif_config c = {.name = name,
				 .ops = &memlink_ops,
				 .link = m,
				 .mtu = mtu,
				 .features = features,
				 .ethernet = true,
				 .hwaddr = {2, 0, 0, 0, 0, (u8)(end + 1)}};
	int err = netif_add(ns, &c, out);

	if (!err)
		m->ends[end] = *out;
	return err;
}

u64 memlink_next(const struct memlink *m)
{
	return list_empty(&m->flying) ? TIME_NEVER : list_first_entry(&m->flying, struct flying, node)->at;
}

void memlink_run(struct memlink *m)
{
	u64 now = m->now(m->ctx);

	while (memlink_next(m) <= now) {
		struct flying *f = list_first_entry(&m->flying, struct flying, node);
		struct netif *nif = m->ends[f->to];
		list_del_init(&f->node);
		m->flying_count[!f->to]--;
		netif_receive(nif, f->p);
		net_free(nif->ns, f);
		netstack_run(nif->ns);
	}
}

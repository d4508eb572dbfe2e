/*
 * conntrack.c - the table of connections.
 *
 * A connection is made by its first packet, which holds it; it is found by others only when that packet has
 * passed all hooks ("confirmed"). Both directions stand in one hash table, each as the packets of that
 * direction look when they arrive, so an answer is found although it goes to a translated address. Over
 * loopback a packet keeps its connection from the way out to the way in.
 *
 * Who holds a reference: the table, and each packet on its way between hooks. Connections end by time: looked
 * at when found, and by a sweep.
 */
#include "netstack/nf/nf_priv.h"

#define CONNS_MAX   65536U
#define SWEEP_EVERY (5 * NSEC_PER_SEC)

void nf_conn_get(struct nf_conn *c)
{
	c->refs++;
}

void nf_conn_put(struct netstack *ns, struct nf_conn *c)
{
	if (--c->refs)
		return;
	ns->nf->ct.count--;
	net_free(ns, c);
}

void nf_ct_release(struct pkt *p)
{
	if (p->ct)
		nf_conn_put(p->ns, p->ct);
	p->ct = NULL;
	p->ct_info = NF_CT_NONE;
	p->ct_reply = false;
}

static struct nf_conn *conn_of(struct nf_node *n)
{
	return container_of(n - n->dir, struct nf_conn, node[0]);
}

static u32 tuple_hash(struct netstack *ns, const struct nf_tuple *t)
{
	return (u32)net_siphash(ns, t, sizeof(*t));
}

/* Takes it out of the table. */
void nf_ct_forget(struct netstack *ns, struct nf_conn *c)
{
	if (!(c->status & NF_CONFIRMED) || (c->status & NF_DYING))
		return;
	c->status |= NF_DYING;
	for (int dir = 0; dir < 2; dir++)
		net_hash_del(&ns->nf->ct.hash, &c->node[dir].hash);
	nf_conn_put(ns, c);
}

static struct nf_node *find(struct netstack *ns, const struct nf_tuple *t)
{
	u32 hash = tuple_hash(ns, t);

	for (struct net_hnode *h = net_hash_first(&ns->nf->ct.hash, hash); h; h = h->next) {
		struct nf_node *n = container_of(h, struct nf_node, hash);
		if (h->hash != hash || !nf_tuple_eq(&n->tuple, t))
			continue;
		if (conn_of(n)->expires > ns->now)
			return n;
		nf_ct_forget(ns, conn_of(n));
		return NULL;
	}
	return NULL;
}

bool nf_ct_taken(struct netstack *ns, const struct nf_tuple *t, const struct nf_conn *but)
{
	struct nf_node *n = find(ns, t);

	return n && conn_of(n) != but;
}

/* ---- the sweep ---- */

static void sweep(struct net_timer *timer)
{
	struct netstack *ns = timer->ns;
	struct net_hash *h = &ns->nf->ct.hash;

	for (u32 i = 0; i <= h->mask; i++)
		for (struct net_hnode *n = h->buckets[i]; n;) {
			struct nf_conn *c = conn_of(container_of(n, struct nf_node, hash));
			bool over = c->expires <= ns->now;
			if (over)
				nf_ct_forget(ns, c);
			/* both of its nodes may have stood in this row */
			n = over ? h->buckets[i] : n->next;
		}
	if (h->count)
		net_timer_arm(timer, ns->now + SWEEP_EVERY);
}

/* Makes room: a connection that has not been answered, of the same row or the next ones. */
static bool drop_one(struct netstack *ns, u32 hash)
{
	struct net_hash *h = &ns->nf->ct.hash;

	for (u32 i = 0; i < 8 && i <= h->mask; i++)
		for (struct net_hnode *n = h->buckets[(hash + i) & h->mask]; n; n = n->next) {
			struct nf_conn *c = conn_of(container_of(n, struct nf_node, hash));
			if (c->expires > ns->now && (c->status & NF_ASSURED))
				continue;
			nf_ct_forget(ns, c);
			return true;
		}
	return false;
}

/* ---- packets ---- */

static struct nf_conn *begin(struct nf_packet *k, const struct nf_tuple *t)
{
	struct netstack *ns = k->ns;
	struct nf_ct *ct = &ns->nf->ct;
	struct nf_tuple back;
	struct nf_conn *c;

	if (!nf_tuple_invert(t, &back))
		return NULL;
	if (!ct->hash.buckets) {
		if (net_hash_init(ns, &ct->hash, 64))
			return NULL;
		net_timer_init(&ct->gc, ns, sweep);
	}
	if (ct->count >= CONNS_MAX && !drop_one(ns, tuple_hash(ns, t)))
		return NULL;
	c = net_new(ns, struct nf_conn);
	if (!c)
		return NULL;
	ct->count++;
	c->refs = 1;
	c->node[NF_ORIGINAL].tuple = *t;
	c->node[NF_REPLY].tuple = back;
	c->node[NF_REPLY].dir = NF_REPLY;
	c->expires = TIME_NEVER;
	return c;
}

/* An ICMP error belongs to the connection whose packet it quotes. */
static void track_error(struct nf_packet *k, u32 l4)
{
	struct nf_tuple quoted, answer;
	struct nf_node *n;
	u32 inner_l4;

	if (!nf_tuple_of(k->p, l4 + 8, k->v6, &quoted, &inner_l4) || !nf_tuple_invert(&quoted, &answer))
		return;
	n = find(k->ns, &answer);
	if (!n)
		return;
	/* it goes the way of the answers to the packet that it is about */
	k->p->ct = conn_of(n);
	nf_conn_get(k->p->ct);
	k->p->ct_reply = n->dir == NF_REPLY;
	k->p->ct_info = NF_CT_RELATED;
}

static bool never_tracked(const struct nf_packet *k, u32 l4)
{
	u8 b;
	const u8 *type = k->v6 && k->p->l4_proto == PROTO_ICMPV6 ? pkt_header(k->p, l4, 1, &b) : NULL;

	return type && ((*type >= ICMP6_MLD_QUERY && *type <= ICMP6_REDIRECT) || *type == ICMP6_MLD2_REPORT);
}

bool nf_ct_track(struct nf_packet *k)
{
	struct netstack *ns = k->ns;
	struct pkt *p = k->p;
	struct nf_tuple t;
	struct nf_node *n;
	u32 l4;

	if (p->ct || p->ct_info == NF_CT_UNTRACKED || k->later_fragment)
		return true;
	if (never_tracked(k, p->l4_off)) {
		p->ct_info = NF_CT_UNTRACKED;
		return true;
	}
	if (nf_is_icmp_error(p, k->v6, p->l4_off)) {
		if (ns->nf->ct.hash.buckets)
			track_error(k, p->l4_off);
		return true;
	}
	if (!nf_tuple_of(p, 0, k->v6, &t, &l4))
		return true;
	n = ns->nf->ct.hash.buckets ? find(ns, &t) : NULL;
	if (n && !nf_proto_update(ns, conn_of(n), p, l4, n->dir)) {
		nf_ct_forget(ns, conn_of(n));
		n = NULL;
	}
	if (n) {
		p->ct = conn_of(n);
		nf_conn_get(p->ct);
		p->ct_reply = n->dir == NF_REPLY;
		p->ct_info = p->ct->status & NF_SEEN_REPLY ? NF_CT_ESTABLISHED : NF_CT_NEW;
		return true;
	}
	if (!nf_proto_may_begin(p, l4, t.proto))
		return true;
	p->ct = begin(k, &t);
	if (!p->ct)
		return false;
	p->ct_info = NF_CT_NEW;
	return nf_proto_update(ns, p->ct, p, l4, NF_ORIGINAL);
}

bool nf_ct_confirm(struct nf_packet *k)
{
	struct netstack *ns = k->ns;
	struct nf_conn *c = k->p->ct;
	struct nf_ct *ct = &ns->nf->ct;

	if (!c || k->p->ct_info == NF_CT_RELATED || (c->status & (NF_CONFIRMED | NF_DYING)))
		return true;
	if (find(ns, &c->node[0].tuple) || find(ns, &c->node[1].tuple))
		return false;
	c->status |= NF_CONFIRMED;
	nf_conn_get(c);
	for (int dir = 0; dir < 2; dir++)
		net_hash_add(ns, &ct->hash, &c->node[dir].hash, tuple_hash(ns, &c->node[dir].tuple));
	if (!net_timer_armed(&ct->gc))
		net_timer_arm(&ct->gc, ns->now + SWEEP_EVERY);
	return true;
}

/* ---- all of them ---- */

void nf_conn_walk(struct netstack *ns, void (*fn)(const struct nf_conn *c, void *arg), void *arg)
{
	const struct net_hash *h = ns->nf ? &ns->nf->ct.hash : NULL;

	for (u32 i = 0; h && h->buckets && i <= h->mask; i++)
		for (struct net_hnode *n = h->buckets[i]; n; n = n->next) {
			struct nf_node *node = container_of(n, struct nf_node, hash);
			if (node->dir == NF_ORIGINAL && conn_of(node)->expires > ns->now)
				fn(conn_of(node), arg);
		}
}

bool nf_original_dst(struct netstack *ns, const struct nf_tuple *answers, struct ip_addr *addr, u16 *port)
{
	struct nf_node *n = ns->nf && ns->nf->ct.hash.buckets ? find(ns, answers) : NULL;

	if (!n)
		return false;
	*addr = conn_of(n)->node[NF_ORIGINAL].tuple.dst;
	*port = conn_of(n)->node[NF_ORIGINAL].tuple.dport;
	return true;
}

u32 nf_conn_count(const struct netstack *ns)
{
	return ns->nf ? ns->nf->ct.count : 0;
}

u32 nf_conn_max(void)
{
	return CONNS_MAX;
}

void nf_netif_down(struct netstack *ns, const struct netif *nif)
{
	struct net_hash *h = &ns->nf->ct.hash;

	for (u32 i = 0; h->buckets && i <= h->mask; i++)
		for (struct net_hnode *n = h->buckets[i]; n;) {
			struct nf_conn *c = conn_of(container_of(n, struct nf_node, hash));
			bool over = c->masq_if == nif->index;
			if (over)
				nf_ct_forget(ns, c);
			n = over ? h->buckets[i] : n->next;
		}
}

void nf_ct_drop_all(struct netstack *ns)
{
	struct nf_ct *ct = &ns->nf->ct;

	for (u32 i = 0; ct->hash.buckets && i <= ct->hash.mask; i++)
		while (ct->hash.buckets[i])
			nf_ct_forget(ns, conn_of(container_of(ct->hash.buckets[i], struct nf_node, hash)));
	if (ct->hash.buckets)
		net_timer_done(&ct->gc);
	net_hash_done(ns, &ct->hash);
}

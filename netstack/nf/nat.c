/*
 * nat.c - which address and port a connection gets, and the translation of its packets.
 *
 * The nat table is asked once for each connection and kind of change (source, destination); what it says is
 * kept in the tuple of the answers: they come from where the packets really went. A packet is then given the
 * inverse of the other direction's tuple, which can be done any number of times. No two connections may have
 * the same answers, so a port that would clash is replaced even if no rule wants it (Linux's null binding).
 */
#include "netstack/nf/nf_priv.h"

#define TRIES 4096U /* ports looked at */

static bool addr_in(const struct ip_addr *a, const struct nf_range *r)
{
	return memcmp(a->b, r->min.b, 16) >= 0 && memcmp(a->b, r->max.b, 16) <= 0;
}

/* The address of a range for this source: the same every time. */
static struct ip_addr choose_addr(struct netstack *ns, const struct nf_tuple *t, const struct nf_range *r,
				  enum nf_manip manip)
{
	struct {
		struct ip_addr src, dst;
	} key = {t->src, manip == NF_MANIP_SRC && !(r->flags & XT_NAT_PERSISTENT) ? t->dst : IP6_ANY};
	u32 min = get_be32(r->min.b + 12), max = get_be32(r->max.b + 12), h;
	struct ip_addr a = r->min;

	if (ip_eq(&r->min, &r->max) || memcmp(r->min.b, r->max.b, 12) || max <= min)
		return a;
	h = (u32)net_siphash(ns, &key, sizeof(key));
	put_be32(a.b + 12, min + (u32)(((u64)h * ((u64)max - min + 1)) >> 32));
	return a;
}

static bool is_free(struct nf_packet *k, const struct nf_tuple *t)
{
	struct nf_tuple back;

	return nf_tuple_invert(t, &back) && !nf_ct_taken(k->ns, &back, k->p->ct);
}

/* The port (or identifier) that may change; NULL: none may. */
static u16 *port_of(struct nf_tuple *t, enum nf_manip manip)
{
	switch (t->proto) {
	case PROTO_TCP:
	case PROTO_UDP:
		return manip == NF_MANIP_SRC ? &t->sport : &t->dport;
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return manip == NF_MANIP_SRC ? &t->sport : NULL;
	default:
		return NULL;
	}
}

static void ports_of(const struct nf_tuple *t, const struct nf_range *r, u16 now, u32 *min, u32 *max)
{
	if (r->flags & XT_NAT_PORTS) {
		*min = r->min_port;
		*max = r->max_port;
	} else if (t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6) {
		*min = 0;
		*max = 65535;
	} else { /* a privileged port stays one */
		*min = now < 512 ? 1 : now < 1024 ? 600 : 1024;
		*max = now < 512 ? 511 : now < 1024 ? 1023 : 65535;
	}
}

static void choose_port(struct nf_packet *k, struct nf_tuple *t, const struct nf_range *r,
			enum nf_manip manip)
{
	u16 *port = port_of(t, manip), first;
	u32 min, max, count, off;
	bool random = r->flags & (XT_NAT_RANDOM | XT_NAT_RANDOM_FULLY);

	if (!port || (manip == NF_MANIP_DST && !(r->flags & XT_NAT_PORTS)))
		return;
	first = *port;
	if (!random && (r->flags & XT_NAT_PORTS)) {
		if (r->flags & XT_NAT_OFFSET)
			*port = (u16)(r->min_port + (u16)(first - r->base_port));
		if (*port >= r->min_port && *port <= r->max_port && is_free(k, t))
			return;
		if (r->min_port == r->max_port) {
			*port = r->min_port;
			return; /* if it is taken, the connection does not come to be */
		}
	} else if (!random && is_free(k, t)) {
		return;
	}
	ports_of(t, r, first, &min, &max);
	if (max < min)
		return;
	count = max - min + 1;
	off = random || manip == NF_MANIP_SRC ? net_random(k->ns) % count : 0;
	for (u32 i = 0; i < min_t(u32, count, TRIES); i++) {
		*port = (u16)(min + (off + i) % count);
		if (is_free(k, t))
			return;
	}
	*port = first;
}

bool nf_nat_setup(struct nf_packet *k, const struct nf_range *range, enum nf_manip manip)
{
	struct nf_conn *c = k->p->ct;
	struct nf_tuple now, wanted, back;

	if (!nf_tuple_invert(&c->node[NF_REPLY].tuple, &now))
		return false;
	wanted = now;
	if (range->flags & XT_NAT_IPS) {
		struct ip_addr *a = manip == NF_MANIP_SRC ? &wanted.src : &wanted.dst;
		if (!addr_in(a, range) || !ip_eq(&range->min, &range->max))
			*a = choose_addr(k->ns, &wanted, range, manip);
	}
	choose_port(k, &wanted, range, manip);
	if (!nf_tuple_eq(&wanted, &now)) {
		if (!nf_tuple_invert(&wanted, &back))
			return false;
		c->node[NF_REPLY].tuple = back;
		c->status |= manip == NF_MANIP_SRC ? NF_SRC_NAT : NF_DST_NAT;
	}
	c->status |= manip == NF_MANIP_SRC ? NF_SRC_DONE : NF_DST_DONE;
	return true;
}

static bool bind_new(struct nf_packet *k, enum nf_manip manip)
{
	static const struct nf_range none;
	struct nf_conn *c = k->p->ct;
	u32 done = manip == NF_MANIP_SRC ? NF_SRC_DONE : NF_DST_DONE;
	struct nf_table *t = k->ns->nf->tables[k->v6][NF_NAT];

	if ((c->status & done) || k->p->ct_info != NF_CT_NEW || k->p->ct_reply)
		return true;
	if (t && !nf_table_run(t, k))
		return false;
	return (c->status & done) || nf_nat_setup(k, &none, manip);
}

static bool translate(struct nf_packet *k, enum nf_manip manip)
{
	struct pkt *p = k->p;
	struct nf_conn *c = p->ct;
	enum nf_dir dir = nf_ct_dir(p);
	/* answers are changed the other way round */
	bool source = (manip == NF_MANIP_SRC) == (dir == NF_ORIGINAL);
	struct nf_tuple to;

	if (!(c->status & (source ? NF_SRC_NAT : NF_DST_NAT)))
		return true;
	if (!nf_tuple_invert(&c->node[!dir].tuple, &to))
		return false;
	if (p->ct_info == NF_CT_RELATED)
		return nf_nat_write_error(p, k->v6, p->l4_off, &c->node[!dir].tuple,
					  manip == NF_MANIP_SRC ? NF_MANIP_DST : NF_MANIP_SRC, &to,
					  manip) == 0;
	return nf_nat_write(p, k->v6, p->l4_off, &to, manip) == 0;
}

bool nf_nat_hook(struct nf_packet *k, enum nf_manip manip)
{
	if (!k->p->ct || k->later_fragment)
		return true;
	return bind_new(k, manip) && translate(k, manip);
}

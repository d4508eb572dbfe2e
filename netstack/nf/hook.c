/*
 * hook.c - the hooks, in Linux's order: tracking, translation of the destination, filter, translation of the
 * source, and the confirmation of a new connection at the last of them.
 *
 *     in:   PREROUTING (track, nat) → is it ours? → INPUT (filter, nat) → socket
 *     out:  OUTPUT (track, nat, filter) → does it go elsewhere now? → POSTROUTING (nat) → link
 */
#include "netstack/nf/nf_priv.h"

static struct nf_table *table(const struct nf_packet *k, enum nf_table_kind kind)
{
	return k->ns->nf->tables[k->v6][kind];
}

static bool filter(struct nf_packet *k)
{
	struct nf_table *t = table(k, NF_FILTER);
	bool ok = !t || nf_table_run(t, k);

	if (!ok)
		nf_reject(k);
	return ok;
}

bool nf_prerouting(struct netif *nif, struct pkt *p)
{
	struct nf_packet k = {
	    .ns = nif->ns, .p = p, .hook = NF_PREROUTING, .v6 = !ip_is_v4(&p->dst), .in = nif};

	if (!k.ns->nf->tracking[k.v6])
		return true;
	return nf_ct_track(&k) && (!table(&k, NF_NAT) || nf_nat_hook(&k, NF_MANIP_DST));
}

bool nf_input(struct netif *nif, struct pkt *p)
{
	struct nf_packet k = {.ns = nif->ns, .p = p, .hook = NF_INPUT, .v6 = !ip_is_v4(&p->dst), .in = nif};

	if (!filter(&k) || (table(&k, NF_NAT) && !nf_nat_hook(&k, NF_MANIP_SRC)) || !nf_ct_confirm(&k))
		return false;
	nf_ct_release(p);
	return true;
}

/* What the network layer knows of a packet that came in, of one that goes out. */
static bool read_headers(struct nf_packet *k)
{
	struct pkt *p = k->p;
	u8 b[40];
	const u8 *h = pkt_header(p, 0, k->v6 ? 40 : 20, b);
	struct nf_tuple t;
	u32 l4;

	if (!h)
		return false;
	if (k->v6) {
		memcpy(p->src.b, h + 8, 16);
		memcpy(p->dst.b, h + 24, 16);
		p->tos = (u8)(get_be16(h) >> 4);
		k->later_fragment = !nf_tuple_of(p, 0, true, &t, &l4) && h[6] == PROTO_FRAGMENT;
		p->l4_off = (u16)(k->later_fragment ? 40 : l4);
		p->l4_proto = (u8)(k->later_fragment ? h[6] : t.proto);
	} else {
		p->src = ip_v4(get_be32(h + 12));
		p->dst = ip_v4(get_be32(h + 16));
		p->tos = h[1];
		p->l4_proto = h[9];
		p->l4_off = (u16)((h[0] & 0xf) * 4);
		k->later_fragment = get_be16(h + 6) & IPV4_OFFSET;
	}
	return true;
}

static bool goes_elsewhere(struct nf_packet *k, const struct ip_addr *before, struct net_path *path)
{
	if (ip_eq(&k->p->dst, before))
		return true;
	return net_route_lookup(k->ns, &k->p->dst, &k->p->src, 0, path) == 0;
}

bool nf_output(struct netstack *ns, struct pkt *p, const struct net_ep *owner, struct net_path *path)
{
	struct nf_packet k = {.ns = ns,
			      .p = p,
			      .hook = NF_OUTPUT,
			      .v6 = !ip_is_v4(&path->next_hop),
			      .out = path->nif,
			      .owner = owner};
	struct ip_addr dst;
	bool nat;

	if (!ns->nf->tables[k.v6][NF_FILTER] && !ns->nf->tables[k.v6][NF_NAT])
		return true;
	if (!read_headers(&k))
		return false;
	dst = p->dst;
	nat = table(&k, NF_NAT);
	if (ns->nf->tracking[k.v6] && !nf_ct_track(&k))
		return false;
	if ((nat && !nf_nat_hook(&k, NF_MANIP_DST)) || !filter(&k) || !goes_elsewhere(&k, &dst, path))
		return false;
	k.hook = NF_POSTROUTING;
	k.out = path->nif;
	if ((nat && !nf_nat_hook(&k, NF_MANIP_SRC)) || !nf_ct_confirm(&k))
		return false;
	/* over loopback it meets us again */
	if (!(path->nif->flags & NETIF_LOOPBACK))
		nf_ct_release(p);
	return true;
}

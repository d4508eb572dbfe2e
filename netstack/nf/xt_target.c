/*
 * xt_target.c - what targets do: bind a connection's translation, refuse with an answer.
 */
#include "netstack/nf/nf_priv.h"
#include "netstack/transport/sock.h"
#include "netstack/wire/checksum.h"

/* ---- translation ---- */

static void range4(const u8 *data, struct nf_range *out)
{
	struct xt_nat4_info n;

	memcpy(&n, data, sizeof(n));
	out->flags = n.count == 1 ? n.flags : UINT32_MAX;
	out->min = ip_v4(get_be32(n.min));
	out->max = ip_v4(get_be32(n.max));
	out->min_port = be16_get(n.min_port);
	out->max_port = be16_get(n.max_port);
}

bool nf_range_of(const struct nf_ext *x, bool v6, struct nf_range *out)
{
	struct xt_nat_info n = {0};
	bool by4 = !v6 && !x->revision;

	memset(out, 0, sizeof(*out));
	if (by4) {
		range4(x->data, out);
	} else {
		memcpy(&n, x->data, x->revision == 2 ? sizeof(n) : 40);
		out->flags = n.flags;
		if (v6) {
			memcpy(out->min.b, n.min, 16);
			memcpy(out->max.b, n.max, 16);
		} else {
			out->min = ip_v4(get_be32(n.min));
			out->max = ip_v4(get_be32(n.max));
		}
		out->min_port = be16_get(n.min_port);
		out->max_port = be16_get(n.max_port);
		out->base_port = be16_get(n.base_port);
	}
	return !(out->flags & ~(XT_NAT_IPS | XT_NAT_PORTS | XT_NAT_RANDOM | XT_NAT_PERSISTENT |
				XT_NAT_RANDOM_FULLY | XT_NAT_OFFSET));
}

static s32 bind(struct nf_packet *k, struct nf_range *r, enum nf_manip manip)
{
	u32 done = manip == NF_MANIP_SRC ? NF_SRC_DONE : NF_DST_DONE;

	/* only new connections come here, but a program's rule may lead one here twice */
	if (!k->p->ct || (k->p->ct->status & done))
		return XT_ACCEPT;
	return nf_nat_setup(k, r, manip) ? XT_ACCEPT : XT_DROP;
}

/* As Linux: an address of the way out, but IPv4's of loopback are for nobody else; then any other. */
static bool masquerade_addr(struct nf_packet *k, struct ip_addr *out)
{
	struct netif *nif;

	if (k->v6 || !(k->out->flags & NETIF_LOOPBACK))
		return net_pick_source(k->ns, (struct netif *)k->out, &k->p->dst, out);
	list_for_each_entry (nif, &k->ns->netifs, node)
		if ((nif->flags & NETIF_UP) && !(nif->flags & NETIF_LOOPBACK) &&
		    net_pick_source(k->ns, nif, &k->p->dst, out) && !ip_is_loopback(out))
			return true;
	return false;
}

static s32 masquerade(struct nf_packet *k, struct nf_range *r)
{
	struct ip_addr a;

	if (!masquerade_addr(k, &a))
		return XT_DROP;
	r->min = r->max = a;
	r->flags |= XT_NAT_IPS;
	if (k->p->ct)
		k->p->ct->masq_if = k->out->index;
	return bind(k, r, NF_MANIP_SRC);
}

static s32 redirect(struct nf_packet *k, struct nf_range *r)
{
	struct ip_addr a = k->v6 ? IP6_LOOP : ip_v4(0x7f000001);

	if (k->hook == NF_PREROUTING && !net_pick_source(k->ns, (struct netif *)k->in, &k->p->src, &a))
		return XT_DROP;
	r->min = r->max = a;
	r->flags |= XT_NAT_IPS;
	return bind(k, r, NF_MANIP_DST);
}

s32 nf_target(struct nf_table *t, struct nf_rule *r, struct nf_packet *k)
{
	struct nf_range range;

	switch ((enum nf_target_kind)r->target.kind) {
	case NF_TARGET_REJECT:
		k->reject = r;
		return XT_DROP;
	case NF_TARGET_STANDARD:
	case NF_TARGET_ERROR:
		return XT_DROP;
	default:
		break;
	}
	if (!nf_range_of(&r->target, t->v6, &range))
		return XT_DROP;
	switch ((enum nf_target_kind)r->target.kind) {
	case NF_TARGET_DNAT:
		return bind(k, &range, NF_MANIP_DST);
	case NF_TARGET_SNAT:
		return bind(k, &range, NF_MANIP_SRC);
	case NF_TARGET_MASQUERADE:
		return masquerade(k, &range);
	case NF_TARGET_REDIRECT:
		return redirect(k, &range);
	default:
		return XT_DROP;
	}
}

/* ---- REJECT ---- */

/* A reset from where the packet was to go (RFC 9293, 3.10.7.1). */
static void reset(struct nf_packet *k)
{
	struct netstack *ns = k->ns;
	struct pkt *in = k->p, *p;
	struct ip_tx tx = {.proto = PROTO_TCP, .src = in->dst, .dst = in->src, .dont_frag = true};
	struct tcp_hdr *h;
	u8 b[20];
	const u8 *t = pkt_header(in, in->l4_off, 20, b);
	u32 size;

	if (!t || k->later_fragment || (t[13] & TCP_RST) || !ip_is_unicast(&in->src) ||
	    !ip_is_unicast(&in->dst))
		return;
	p = pkt_new(ns);
	h = p ? pkt_push(p, sizeof(*h)) : NULL;
	if (!h)
		return;
	*h = (struct tcp_hdr){.off = 5 << 4, .flags = TCP_RST};
	memcpy(&h->sport, t + 2, 2);
	memcpy(&h->dport, t, 2);
	if (t[13] & TCP_ACK) {
		memcpy(&h->seq, t + 8, 4);
	} else {
		size = in->size - in->l4_off - min_t(u32, (t[12] >> 4) * 4U, in->size - in->l4_off);
		h->ack = be32_of(get_be32(t + 4) + !!(t[13] & TCP_SYN) + !!(t[13] & TCP_FIN) + size);
		h->flags |= TCP_ACK;
	}
	csum_put(&h->csum, pkt_csum(p, 0, p->size, csum_pseudo(&tx.src, &tx.dst, PROTO_TCP, p->size)));
	(void)ip_send_routed(ns, p, &tx, 0); /* as lost as any packet may be */
}

void nf_reject(struct nf_packet *k)
{
	static const u8 codes4[] = {0, 1, 2, 3, 0, 9, 10, 0, 13}, codes6[] = {0, 1, 2, 3, 4, 0, 0, 5, 6};
	u32 with;

	if (!k->reject)
		return;
	memcpy(&with, k->reject->target.data, sizeof(with));
	k->reject = NULL;
	if (with == (k->v6 ? (u32)XT6_REJECT_RESET : (u32)XT4_REJECT_RESET))
		reset(k);
	else if (k->v6)
		icmpv6_error(k->ns, k->p, ICMP6_UNREACH, codes6[with], 0);
	else
		icmp_error(k->ns, k->p, ICMP_UNREACH, codes4[with], 0);
}

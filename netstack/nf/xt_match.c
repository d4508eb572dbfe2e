/*
 * xt_match.c - what each match asks of a packet. Data was checked by xt_ext.c; its bytes may lie anywhere, so
 * they are copied before they are looked at.
 */
#include "netstack/nf/nf_priv.h"
#include "netstack/transport/sock.h"

static bool in_range(u16 v, u16 from, u16 to)
{
	return v >= from && v <= to;
}

/* The ports of a TCP or UDP packet. */
static bool ports_of(const struct nf_packet *k, u16 *sport, u16 *dport, bool *drop)
{
	u8 b[4];
	const u8 *h;

	if (k->later_fragment)
		return false;
	h = pkt_header(k->p, k->p->l4_off, 4, b);
	if (!h) {
		*drop = true;
		return false;
	}
	*sport = get_be16(h);
	*dport = get_be16(h + 2);
	return true;
}

/* Is the option in the header? */
static bool has_option(const struct pkt *p, u8 wanted, u32 header_size)
{
	u8 opts[40];
	u32 size = header_size - 20;

	if (pkt_copy(p, p->l4_off + 20U, opts, size) != size)
		return false;
	for (u32 i = 0; i < size;) {
		if (opts[i] == wanted)
			return true;
		i += opts[i] < 2 || i + 1 >= size || !opts[i + 1] ? 1 : opts[i + 1];
	}
	return false;
}

static bool match_tcp(const u8 *data, const struct nf_packet *k, bool *drop)
{
	struct xt_tcp_info t;
	u16 sport, dport;
	u8 b[20];
	const u8 *h;

	memcpy(&t, data, sizeof(t));
	if (!ports_of(k, &sport, &dport, drop))
		return false;
	h = pkt_header(k->p, k->p->l4_off, 20, b);
	if (!h) {
		*drop = true;
		return false;
	}
	if (in_range(sport, t.sports[0], t.sports[1]) == !!(t.invert & XT_TCP_INV_SPORTS) ||
	    in_range(dport, t.dports[0], t.dports[1]) == !!(t.invert & XT_TCP_INV_DPORTS) ||
	    ((h[13] & t.flag_mask) == t.flag_value) == !!(t.invert & XT_TCP_INV_FLAGS))
		return false;
	if (!t.option)
		return true;
	if (h[12] >> 4 < 5) {
		*drop = true;
		return false;
	}
	return has_option(k->p, t.option, (h[12] >> 4) * 4U) != !!(t.invert & XT_TCP_INV_OPTION);
}

static bool match_udp(const u8 *data, const struct nf_packet *k, bool *drop)
{
	struct xt_udp_info u;
	u16 sport, dport;

	memcpy(&u, data, sizeof(u));
	return ports_of(k, &sport, &dport, drop) &&
	       in_range(sport, u.sports[0], u.sports[1]) != !!(u.invert & 1) &&
	       in_range(dport, u.dports[0], u.dports[1]) != !!(u.invert & 2);
}

static bool match_icmp(const u8 *data, const struct nf_packet *k, bool *drop)
{
	u8 b[2], type = data[0], low = data[1], high = data[2];
	const u8 *h;
	bool yes;

	if (k->later_fragment)
		return false;
	h = pkt_header(k->p, k->p->l4_off, 2, b);
	if (!h) {
		*drop = true;
		return false;
	}
	/* 255 is any type, of IPv4 */
	yes = (!k->v6 && type == 0xff) || (h[0] == type && h[1] >= low && h[1] <= high);
	return yes != !!data[3];
}

static bool match_multiport(const u8 *data, const struct nf_packet *k, bool *drop)
{
	struct xt_multiport_info m;
	u16 sport, dport;
	bool yes = false;

	memcpy(&m, data, sizeof(m));
	if (!ports_of(k, &sport, &dport, drop))
		return false;
	for (u32 i = 0; i < m.count && !yes; i++) {
		u16 from = m.ports[i], to = from;
		if (m.range[i] && i + 1 < m.count)
			to = m.ports[++i];
		yes = (m.kind != XT_MULTIPORT_DST && in_range(sport, from, to)) ||
		      (m.kind != XT_MULTIPORT_SRC && in_range(dport, from, to));
	}
	return yes != !!m.invert;
}

static bool match_owner(const u8 *data, const struct nf_packet *k)
{
	const struct net_ep *ep = k->owner;
	struct xt_owner_info o;

	memcpy(&o, data, sizeof(o));
	if (!ep)
		return !(o.match ^ o.invert);
	if ((o.match & o.invert) & XT_OWNER_SOCKET)
		return false; /* there is one, and none was wanted */
	if ((o.match & XT_OWNER_UID) &&
	    (ep->uid >= o.uid_min && ep->uid <= o.uid_max) == !!(o.invert & XT_OWNER_UID))
		return false;
	return !(o.match & XT_OWNER_GID) ||
	       (ep->gid >= o.gid_min && ep->gid <= o.gid_max) != !!(o.invert & XT_OWNER_GID);
}

/* ---- connections ---- */

static u32 state_bits(const struct pkt *p)
{
	u32 bits;

	switch (p->ct_info) {
	case NF_CT_UNTRACKED:
		return XT_STATE_UNTRACKED;
	case NF_CT_NEW:
		bits = XT_STATE_NEW;
		break;
	case NF_CT_ESTABLISHED:
		bits = XT_STATE_ESTABLISHED;
		break;
	case NF_CT_RELATED:
		bits = XT_STATE_RELATED;
		break;
	default:
		return XT_STATE_INVALID;
	}
	if (p->ct && (p->ct->status & NF_SRC_NAT))
		bits |= XT_STATE_SNAT;
	if (p->ct && (p->ct->status & NF_DST_NAT))
		bits |= XT_STATE_DNAT;
	return bits;
}

static bool match_state(const u8 *data, const struct nf_packet *k)
{
	u32 mask, bits = state_bits(k->p);

	memcpy(&mask, data, sizeof(mask));
	if (bits & XT_STATE_UNTRACKED)
		bits = XT_STATE0_UNTRACKED;
	else
		bits &= 0xf;
	return mask & bits;
}

static bool masked_eq(const struct ip_addr *a, const u8 want[2][16], bool v6)
{
	const u8 *b = v6 ? a->b : a->b + 12;

	for (u32 i = 0; i < (v6 ? 16U : 4U); i++)
		if ((b[i] ^ want[0][i]) & want[1][i])
			return false;
	return true;
}

static bool ct_addrs(const struct xt_conntrack_info *m, const struct nf_conn *c, bool v6)
{
	const struct nf_tuple *t[2] = {&c->node[0].tuple, &c->node[1].tuple};
	const struct ip_addr *addrs[4] = {&t[0]->src, &t[0]->dst, &t[1]->src, &t[1]->dst};
	const u16 ports[4] = {t[0]->sport, t[0]->dport, t[1]->sport, t[1]->dport};

	for (u32 i = 0; i < 4; i++) {
		u32 addr = XT_CT_ADDR0 << i, port = XT_CT_PORT0 << i;
		if ((m->match & addr) && masked_eq(addrs[i], m->addrs[i], v6) == !!(m->invert & addr))
			return false;
		/* revision 3 says ranges, in the machine's order; before, be16 and no range */
		if ((m->match & port) &&
		    in_range(ports[i], be16_get(m->ports[i]), m->ports_high[i]) == !!(m->invert & port))
			return false;
	}
	return true;
}

/* Revisions 1 and 2 as 3. */
static void read_conntrack(const struct nf_ext *x, struct xt_conntrack_info *m)
{
	static const u32 sizes[] = {0, 150, 154, sizeof(*m)};

	memset(m, 0, sizeof(*m));
	memcpy(m, x->data, sizes[x->revision]);
	if (x->revision == 1) {
		m->state_mask = x->data[150];
		m->status_mask = x->data[151];
	}
	for (u32 i = 0; i < 4; i++)
		if (x->revision == 3) { /* in the machine's order there */
			u16 low;
			memcpy(&low, &m->ports[i], 2);
			m->ports[i] = be16_of(low);
		} else {
			m->ports_high[i] = be16_get(m->ports[i]);
		}
}

static bool match_conntrack(const struct nf_ext *x, const struct nf_packet *k)
{
	const struct nf_conn *c = k->p->ct;
	struct xt_conntrack_info m;
	u64 left;

	read_conntrack(x, &m);
	if ((m.match & XT_CT_STATE) && !!(state_bits(k->p) & m.state_mask) == !!(m.invert & XT_CT_STATE))
		return false;
	if (!c)
		return m.match & XT_CT_STATE;
	/* set: original; asked for with inversion: replies */
	if ((m.match & XT_CT_DIRECTION) && (nf_ct_dir(k->p) == NF_ORIGINAL) == !!(m.invert & XT_CT_DIRECTION))
		return false;
	if ((m.match & XT_CT_PROTO) && (c->node[0].tuple.proto == m.proto) == !!(m.invert & XT_CT_PROTO))
		return false;
	if ((m.match & XT_CT_STATUS) && !!(c->status & m.status_mask) == !!(m.invert & XT_CT_STATUS))
		return false;
	if (m.match & XT_CT_EXPIRES) {
		left = c->expires > k->ns->now ? (c->expires - k->ns->now) / NSEC_PER_SEC : 0;
		if ((left >= m.expires_min && left <= m.expires_max) == !!(m.invert & XT_CT_EXPIRES))
			return false;
	}
	return ct_addrs(&m, c, k->v6);
}

/* ---- the rest ---- */

/* RTN_* as a bit; what is not ours is unicast. */
static u32 type_of(const struct nf_packet *k, const struct ip_addr *a, const struct netif *only)
{
	struct net_ifaddr *ours;

	if (ip_is_multicast(a))
		return 1U << 5;
	if (net_is_broadcast(k->ns, a) || ip_is_broadcast(a))
		return 1U << 3;
	ours = net_local_addr(k->ns, a);
	if (ours && (!only || ours->nif == only))
		return 1U << 2;
	return ip_is_any(a) ? 1U << 0 : 1U << 1;
}

static bool match_addrtype(const u8 *data, const struct nf_packet *k)
{
	struct xt_addrtype_info m;
	const struct netif *only;

	memcpy(&m, data, sizeof(m));
	only = m.flags & XT_ADDRTYPE_IN ? k->in : m.flags & XT_ADDRTYPE_OUT ? k->out : NULL;
	if (m.source && !!(type_of(k, &k->p->src, only) & m.source) == !!(m.flags & XT_ADDRTYPE_INV_SRC))
		return false;
	return !m.dest || !!(type_of(k, &k->p->dst, only) & m.dest) != !!(m.flags & XT_ADDRTYPE_INV_DST);
}

/* A bucket of `burst` packets that fills by one each `average` ten-thousandths of a second. */
static bool match_limit(struct nf_ext *x, const struct nf_packet *k)
{
	struct xt_limit_info l;
	u64 cost, full;

	memcpy(&l, x->data, sizeof(l));
	cost = (u64)l.average * (NSEC_PER_SEC / 10000);
	full = cost * l.burst;
	if (!x->since)
		x->credit = full;
	else
		x->credit = min_t(u64, full, x->credit + (k->ns->now - x->since));
	x->since = k->ns->now;
	if (x->credit < cost)
		return false;
	x->credit -= cost;
	return true;
}

bool nf_match(struct nf_ext *m, const struct nf_packet *k, bool *drop)
{
	switch ((enum nf_match_kind)m->kind) {
	case NF_MATCH_ADDRTYPE:
		return match_addrtype(m->data, k);
	case NF_MATCH_COMMENT:
		return true;
	case NF_MATCH_CONNTRACK:
		return match_conntrack(m, k);
	case NF_MATCH_ICMP:
	case NF_MATCH_ICMP6:
		return match_icmp(m->data, k, drop);
	case NF_MATCH_LIMIT:
		return match_limit(m, k);
	case NF_MATCH_MULTIPORT:
		return match_multiport(m->data, k, drop);
	case NF_MATCH_OWNER:
		return match_owner(m->data, k);
	case NF_MATCH_STATE:
		return match_state(m->data, k);
	case NF_MATCH_TCP:
		return match_tcp(m->data, k, drop);
	case NF_MATCH_UDP:
		return match_udp(m->data, k, drop);
	}
	return false;
}

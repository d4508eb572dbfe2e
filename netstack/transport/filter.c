/*
 * filter.c - classic BPF (sandbox/base/bpf.h) on packets.
 *
 * Loads may name any offset: one beyond the packet ends the program with 0, the packet is dropped. Offsets
 * from the end of the numbers name what is not in the packet's data (SKF_AD_OFF), or count from its network
 * or link header (SKF_NET_OFF, SKF_LL_OFF).
 */
#include "netstack/transport/filter.h"

#include <errno.h>

#define AD_OFF  0xfffff000U
#define NET_OFF 0xfff00000U
#define LL_OFF  0xffe00000U

enum { /* what SKF_AD_OFF + n loads */
       AD_PROTOCOL = 0,
       AD_PKTTYPE = 4,
       AD_IFINDEX = 8,
       AD_HATYPE = 28,
       AD_XOR_X = 40,
       AD_PAY_OFFSET = 52,
       AD_RANDOM = 56,
       AD_MAX = 64
};

/* What is not of the packet must be something that there is. */
static bool allowed(const struct bpf_insn *f)
{
	return (f->code & 7) != BPF_LD || (f->code & 0xe0) != BPF_ABS || f->k < AD_OFF ||
	       (f->k - AD_OFF < AD_MAX && f->k % 4 == 0);
}

int net_filter_new(struct netstack *ns, const struct bpf_insn *insn, u32 len, struct net_filter **out)
{
	struct net_filter *f;
	u16 *known;
	bool ok;

	if (!bpf_code_ok(insn, len, NET_FILTER_MAX, allowed))
		return -EINVAL;
	known = net_alloc(ns, len * sizeof(*known), "filter check");
	f = known ? net_alloc(ns, sizeof(*f) + len * sizeof(*insn), "struct net_filter") : NULL;
	ok = f && bpf_scratch_ok(insn, len, known);
	net_free(ns, known);
	if (!ok) {
		net_free(ns, f);
		return f ? -EINVAL : -ENOMEM;
	}
	f->ns = ns;
	f->refs = 1;
	f->len = len;
	memcpy(f->insn, insn, len * sizeof(*insn));
	*out = f;
	return 0;
}

/* Where the payload begins, counted from `start` (SKF_AD_PAY_OFFSET). */
static u32 pay_offset(const struct net_filter_view *v)
{
	u8 b[40], t[14];
	const u8 *h = pkt_header(v->p, v->net, 20, b), *l4;
	u32 at, proto;

	if (!h || (h[0] >> 4 != 4 && h[0] >> 4 != 6))
		return 0;
	at = v->net + (h[0] >> 4 == 6 ? 40U : (h[0] & 0xf) * 4U);
	proto = h[0] >> 4 == 6 ? h[6] : h[9];
	l4 = pkt_header(v->p, at, 14, t);
	if (proto == PROTO_TCP && l4)
		at += (l4[12] >> 4) * 4U;
	else if (proto == PROTO_UDP || proto == PROTO_ICMP || proto == PROTO_ICMPV6)
		at += 8;
	return at > v->start ? at - v->start : 0;
}

static u32 ancillary(const struct net_filter *f, const struct net_filter_view *v, u32 which, u32 a, u32 x)
{
	switch (which) {
	case AD_PROTOCOL:
		return v->p->eth_type;
	case AD_PKTTYPE:
		return v->pkttype;
	case AD_IFINDEX:
		return v->nif ? v->nif->index : 0;
	case AD_HATYPE:
		return v->nif && !v->nif->ethernet ? 772 : 1;
	case AD_XOR_X:
		return a ^ x;
	case AD_PAY_OFFSET:
		return pay_offset(v);
	case AD_RANDOM:
		return net_random(f->ns);
	default: /* marks, queues, VLANs, hashes: there are none */
		return 0;
	}
}

struct machine {
	struct bpf_machine m;
	const struct net_filter *f;
	const struct net_filter_view *v;
};

static bool load(const struct bpf_machine *base, const struct bpf_insn *i, u32 size, u32 *out)
{
	const struct machine *m = container_of(base, struct machine, m);
	const struct net_filter_view *v = m->v;
	u32 off = (i->code & 0xe0) == BPF_IND ? base->x + i->k : i->k;
	u64 at = off >= NET_OFF  ? (u64)v->net + (off - NET_OFF)
		 : off >= LL_OFF ? (u64)off - LL_OFF
				 : (u64)v->start + off;
	u8 b[4];
	const u8 *p;

	if ((i->code & 0xe0) == BPF_ABS && off >= AD_OFF) {
		*out = ancillary(m->f, v, off - AD_OFF, base->a, base->x);
		return true;
	}
	p = at < v->p->size ? pkt_header(v->p, (u32)at, size, b) : NULL;
	if (!p)
		return false;
	*out = size == 4 ? get_be32(p) : size == 2 ? get_be16(p) : *p;
	return true;
}

u32 net_filter_run(const struct net_filter *f, const struct net_filter_view *v)
{
	struct machine m = {.m = {.len = v->p->size - v->start, .load = load}, .f = f, .v = v};

	return bpf_run(&m.m, f->insn);
}

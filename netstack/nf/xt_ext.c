/*
 * xt_ext.c - which matches and targets there are, and where each may stand.
 *
 * Their data is used as it was written, so what its use relies on is checked here: its size, and values that
 * are counts or kinds.
 */
#include <errno.h>

#include "netstack/nf/nf_priv.h"

enum { V4 = 1, V6 = 2, BOTH = 3 };
#define HOOK(h) (1U << NF_##h)

struct ext {
	const char *name;
	u8 kind, families, revision;
	u16 size;
	s16 table; /* -1: any */
	u32 hooks; /* 0: any */
	u16 proto; /* that the rule must ask for; 0: any */
};

static const struct ext matches[] = {
    {"addrtype", NF_MATCH_ADDRTYPE, BOTH, 1, sizeof(struct xt_addrtype_info), -1, 0, 0},
    {"comment", NF_MATCH_COMMENT, BOTH, 0, 256, -1, 0, 0},
    {"conntrack", NF_MATCH_CONNTRACK, BOTH, 1, 152, -1, 0, 0},
    {"conntrack", NF_MATCH_CONNTRACK, BOTH, 2, 156, -1, 0, 0},
    {"conntrack", NF_MATCH_CONNTRACK, BOTH, 3, sizeof(struct xt_conntrack_info), -1, 0, 0},
    {"icmp", NF_MATCH_ICMP, V4, 0, sizeof(struct xt_icmp_info), -1, 0, PROTO_ICMP},
    {"icmp6", NF_MATCH_ICMP6, V6, 0, sizeof(struct xt_icmp_info), -1, 0, PROTO_ICMPV6},
    {"limit", NF_MATCH_LIMIT, BOTH, 0, sizeof(struct xt_limit_info), -1, 0, 0},
    {"multiport", NF_MATCH_MULTIPORT, BOTH, 1, sizeof(struct xt_multiport_info), -1, 0, 0},
    {"owner", NF_MATCH_OWNER, BOTH, 1, sizeof(struct xt_owner_info), -1, HOOK(OUTPUT) | HOOK(POSTROUTING), 0},
    {"state", NF_MATCH_STATE, BOTH, 0, 4, -1, 0, 0},
    {"tcp", NF_MATCH_TCP, BOTH, 0, sizeof(struct xt_tcp_info), -1, 0, PROTO_TCP},
    {"udp", NF_MATCH_UDP, BOTH, 0, sizeof(struct xt_udp_info), -1, 0, PROTO_UDP},
};

#define REJECT_HOOKS (HOOK(INPUT) | HOOK(FORWARD) | HOOK(OUTPUT))
#define DST_HOOKS    (HOOK(PREROUTING) | HOOK(OUTPUT))
#define SRC_HOOKS    (HOOK(POSTROUTING) | HOOK(INPUT))
#define RANGE1       40 /* struct nf_nat_range */
static const struct ext targets[] = {
    {"DNAT", NF_TARGET_DNAT, V4, 0, sizeof(struct xt_nat4_info), NF_NAT, DST_HOOKS, 0},
    {"DNAT", NF_TARGET_DNAT, BOTH, 1, RANGE1, NF_NAT, DST_HOOKS, 0},
    {"DNAT", NF_TARGET_DNAT, BOTH, 2, sizeof(struct xt_nat_info), NF_NAT, DST_HOOKS, 0},
    {"ERROR", NF_TARGET_ERROR, BOTH, 0, 0, -1, 0, 0},
    {"MASQUERADE", NF_TARGET_MASQUERADE, V4, 0, sizeof(struct xt_nat4_info), NF_NAT, HOOK(POSTROUTING), 0},
    {"MASQUERADE", NF_TARGET_MASQUERADE, V6, 0, RANGE1, NF_NAT, HOOK(POSTROUTING), 0},
    {"REDIRECT", NF_TARGET_REDIRECT, V4, 0, sizeof(struct xt_nat4_info), NF_NAT, DST_HOOKS, 0},
    {"REDIRECT", NF_TARGET_REDIRECT, V6, 0, RANGE1, NF_NAT, DST_HOOKS, 0},
    {"REJECT", NF_TARGET_REJECT, BOTH, 0, 4, NF_FILTER, REJECT_HOOKS, 0},
    {"SNAT", NF_TARGET_SNAT, V4, 0, sizeof(struct xt_nat4_info), NF_NAT, SRC_HOOKS, 0},
    {"SNAT", NF_TARGET_SNAT, BOTH, 1, RANGE1, NF_NAT, SRC_HOOKS, 0},
    {"SNAT", NF_TARGET_SNAT, BOTH, 2, sizeof(struct xt_nat_info), NF_NAT, SRC_HOOKS, 0},
};

static const struct ext *list_of(bool target, u32 *count)
{
	*count = target ? ARRAY_COUNT(targets) : ARRAY_COUNT(matches);
	return target ? targets : matches;
}

int nf_revision(bool v6, const char *name, u32 revision, bool target)
{
	u32 count;
	const struct ext *list = list_of(target, &count);
	int best = -ENOENT;
	bool have = false;

	if (target && !*name) /* the standard target */
		return revision ? -EPROTONOSUPPORT : 0;
	for (u32 i = 0; i < count; i++) {
		if (!(list[i].families & (v6 ? V6 : V4)) || strncmp(list[i].name, name, XT_EXT_NAME_MAX))
			continue;
		best = list[i].revision > best ? list[i].revision : best;
		have |= list[i].revision == revision;
	}
	return best < 0 || have ? best : -EPROTONOSUPPORT;
}

const char *nf_ext_name(bool v6, u32 n, bool target)
{
	u32 count;
	const struct ext *list = list_of(target, &count);

	for (u32 i = 0; i < count; i++)
		if ((list[i].families & (v6 ? V6 : V4)) && !n--)
			return list[i].name;
	return NULL;
}

/* ---- values ---- */

static bool has_ports(const struct nf_rule *r)
{
	return !r->any_proto && !(r->invert & XT_INV_PROTO) &&
	       (r->proto == PROTO_TCP || r->proto == PROTO_UDP);
}

static bool multiport_ok(const struct nf_rule *r, const u8 *data)
{
	struct xt_multiport_info m;

	memcpy(&m, data, sizeof(m));
	return has_ports(r) && m.kind <= XT_MULTIPORT_EITHER && m.count <= XT_MULTIPORTS;
}

static bool limit_ok(const u8 *data)
{
	struct xt_limit_info l;

	memcpy(&l, data, sizeof(l));
	return l.burst && (u64)l.average * l.burst <= UINT32_MAX;
}

static bool reject_ok(const struct nf_rule *r, bool v6, const u8 *data)
{
	u32 with, reset = v6 ? XT6_REJECT_RESET : XT4_REJECT_RESET;

	memcpy(&with, data, sizeof(with));
	if (with == (v6 ? XT6_REJECT_ECHO : XT4_REJECT_ECHO) ||
	    with > (v6 ? (u32)XT6_REJECT_ROUTE : (u32)XT4_REJECT_ADMIN))
		return false;
	return with != reset || (!r->any_proto && r->proto == PROTO_TCP && !(r->invert & XT_INV_PROTO));
}

static bool nat_ok(bool v6, u32 kind, u32 revision, const u8 *data)
{
	struct nf_ext x = {.kind = (u8)kind, .revision = (u8)revision, .data = data};
	struct nf_range r;

	if (!nf_range_of(&x, v6, &r))
		return false; /* several ranges */
	/* these choose the address themselves */
	return (kind != NF_TARGET_MASQUERADE && kind != NF_TARGET_REDIRECT) || !(r.flags & XT_NAT_IPS);
}

static bool addrtype_ok(const struct nf_ext_check *c, const u8 *data)
{
	struct xt_addrtype_info a;

	memcpy(&a, data, sizeof(a));
	if ((a.flags & XT_ADDRTYPE_IN) && (a.flags & XT_ADDRTYPE_OUT))
		return false;
	if ((c->hooks & (HOOK(PREROUTING) | HOOK(INPUT))) && (a.flags & XT_ADDRTYPE_OUT))
		return false;
	return !((c->hooks & (HOOK(POSTROUTING) | HOOK(OUTPUT))) && (a.flags & XT_ADDRTYPE_IN));
}

static bool values_ok(const struct nf_ext_check *c, const struct ext *x, const u8 *data, bool target)
{
	if (target) {
		if (x->kind == NF_TARGET_REJECT)
			return reject_ok(c->rule, c->table->v6, data);
		return x->kind == NF_TARGET_ERROR || nat_ok(c->table->v6, x->kind, x->revision, data);
	}
	switch (x->kind) {
	case NF_MATCH_MULTIPORT:
		return multiport_ok(c->rule, data);
	case NF_MATCH_LIMIT:
		return limit_ok(data);
	case NF_MATCH_ADDRTYPE:
		return addrtype_ok(c, data);
	case NF_MATCH_ICMP:
	case NF_MATCH_ICMP6:
		return data[3] <= 1;
	case NF_MATCH_OWNER:
		return !(data[offsetof(struct xt_owner_info, match)] &
			 ~(XT_OWNER_UID | XT_OWNER_GID | XT_OWNER_SOCKET));
	case NF_MATCH_TCP:
		return !(data[offsetof(struct xt_tcp_info, invert)] & ~0xf);
	case NF_MATCH_UDP:
		return !(data[offsetof(struct xt_udp_info, invert)] & ~3);
	default:
		return true;
	}
}

int nf_ext_find(const struct nf_ext_check *c, const struct xt_ext_head *head, const u8 *data, u32 size,
		bool target)
{
	u32 count;
	const struct ext *list = list_of(target, &count);
	const struct nf_rule *r = c->rule;

	for (u32 i = 0; i < count; i++) {
		const struct ext *x = &list[i];
		if (!(x->families & (c->table->v6 ? V6 : V4)) || x->revision != head->revision ||
		    strcmp(x->name, head->name) != 0)
			continue;
		if (size != ((x->size + 7U) & ~7U) || (x->table >= 0 && x->table != (s16)c->table->kind) ||
		    (x->hooks && (c->hooks & ~x->hooks)) ||
		    (x->proto && (r->any_proto || r->proto != x->proto || (r->invert & XT_INV_PROTO))) ||
		    !values_ok(c, x, data, target))
			return -EINVAL;
		return x->kind;
	}
	return -ENOENT;
}

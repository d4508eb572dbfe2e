/*
 * xt_table.c - the tables of a stack: made when first asked for, replaced as a whole, run.
 *
 * Running a table never waits and changes nothing but counters: what a rule wants sent (REJECT) is noted in
 * the packet's context and done by the hook afterwards, so a table is not entered twice at once.
 */
#include <errno.h>

#include "netstack/nf/nf_priv.h"

/* Chains that call each other twice, level upon level, would otherwise keep the whole sandbox for hours: such
 * a packet is dropped. */
#define STEPS_MAX (1U << 20)

const struct nf_kind_info nf_kinds[NF_TABLE_KINDS] = {
    [NF_FILTER] = {"filter", 1U << NF_INPUT | 1U << NF_FORWARD | 1U << NF_OUTPUT},
    [NF_NAT] = {"nat", 1U << NF_PREROUTING | 1U << NF_INPUT | 1U << NF_OUTPUT | 1U << NF_POSTROUTING},
};

/* ---- the rules ---- */

static bool iface_matches(const struct netif *nif, const char *name, const u8 *mask)
{
	u8 mine[16] = {0};

	if (nif)
		memcpy(mine, nif->name, strnlen(nif->name, sizeof(mine)));
	for (u32 i = 0; i < sizeof(mine); i++)
		if ((mine[i] ^ (u8)name[i]) & mask[i])
			return false;
	return true;
}

static bool addr_matches(const struct ip_addr *a, const struct ip_addr *want, const struct ip_addr *mask)
{
	for (int i = 0; i < 2; i++)
		if ((ip_word(a, i) & ip_word(mask, i)) != ip_word(want, i))
			return false;
	return true;
}

static bool inverted(const struct nf_rule *r, u32 bit, bool matches)
{
	return matches != !!(r->invert & bit);
}

static bool head_matches(const struct nf_rule *r, const struct nf_packet *k)
{
	const struct pkt *p = k->p;

	if (r->plain)
		return true;
	if (!inverted(r, XT_INV_SRC, addr_matches(&p->src, &r->src, &r->src_mask)) ||
	    !inverted(r, XT_INV_DST, addr_matches(&p->dst, &r->dst, &r->dst_mask)) ||
	    !inverted(r, XT_INV_VIA_IN, iface_matches(k->in, r->in, r->in_mask)) ||
	    !inverted(r, XT_INV_VIA_OUT, iface_matches(k->out, r->out, r->out_mask)))
		return false;
	if (!r->any_proto && !inverted(r, XT_INV_PROTO, p->l4_proto == r->proto))
		return false;
	if (r->tos_set && !inverted(r, XT_INV_TOS, p->tos == r->tos))
		return false;
	return !r->fragments || inverted(r, XT_INV_FRAG, k->later_fragment);
}

static bool rule_matches(struct nf_table *t, const struct nf_rule *r, const struct nf_packet *k, bool *drop)
{
	if (!head_matches(r, k))
		return false;
	for (u32 m = 0; m < r->match_count; m++)
		if (!nf_match(&t->matches[r->first_match + m], k, drop) || *drop)
			return false;
	return true;
}

bool nf_table_run(struct nf_table *t, struct nf_packet *k)
{
	u32 at = t->hook_rule[k->hook], depth = 0, steps = 0;
	bool drop = false;

	if (!(t->valid_hooks & 1U << k->hook))
		return true;
	for (;;) {
		struct nf_rule *r = &t->rules[at];
		s32 v;
		if (++steps > STEPS_MAX)
			return false;
		if (!rule_matches(t, r, k, &drop)) {
			if (drop)
				return false;
			at++;
			continue;
		}
		r->counters.packets++;
		r->counters.bytes += k->p->size;
		v = r->target.kind == NF_TARGET_STANDARD ? r->verdict : nf_target(t, r, k);
		if (r->target.kind != NF_TARGET_STANDARD) {
			if (v)
				return v == XT_ACCEPT;
			at++;
		} else if (v >= 0) {
			if (!r->is_goto) {
				if (depth == t->stack_size)
					return false;
				t->stack[depth++] = at + 1;
			}
			at = (u32)v;
		} else if (v == XT_RETURN) {
			at = depth ? t->stack[--depth] : t->underflow_rule[k->hook];
		} else {
			return v == XT_ACCEPT; /* nobody takes packets from a queue */
		}
	}
}

/* ---- by name ---- */

static int kind_of(const char *name)
{
	for (int k = 0; k < NF_TABLE_KINDS; k++)
		if (!strncmp(name, nf_kinds[k].name, XT_NAME_MAX))
			return k;
	return -ENOENT;
}

static void put_u16(u8 *p, u16 v)
{
	memcpy(p, &v, sizeof(v));
}

/* One entry that matches everything; its size. */
static u32 put_entry(u8 *e, bool v6, const char *target, s32 verdict)
{
	u32 head = v6 ? XT_IP6_ENTRY : XT_IP4_ENTRY, at = v6 ? 140 : 88;
	u32 size = *target ? XT_ERROR_SIZE : XT_STANDARD_SIZE;
	struct xt_ext_head h = {.size = (u16)size};

	memset(e, 0, head + size);
	put_u16(e + at, (u16)head);
	put_u16(e + at + 2, (u16)(head + size));
	memcpy(h.name, target, strlen(target));
	memcpy(e + head, &h, sizeof(h));
	if (*target)
		memcpy(e + head + sizeof(h), target, strlen(target));
	else
		memcpy(e + head + sizeof(h), &verdict, sizeof(verdict));
	return head + size;
}

static int make_default(struct netstack *ns, bool v6, enum nf_table_kind kind, struct nf_table **out)
{
	u8 entries[6 * (XT_IP6_ENTRY + XT_ERROR_SIZE)];
	struct xt_replace r = {.valid_hooks = nf_kinds[kind].hooks};

	for (u32 h = 0; h < XT_HOOKS; h++) {
		if (!(r.valid_hooks & 1U << h))
			continue;
		r.hook_entry[h] = r.underflow[h] = r.size;
		r.size += put_entry(entries + r.size, v6, "", XT_ACCEPT);
		r.entry_count++;
	}
	r.size += put_entry(entries + r.size, v6, "ERROR", 0);
	r.entry_count++;
	return nf_table_new(ns, v6, kind, &r, entries, out);
}

static void update_tracking(struct netstack *ns)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct nf_table **t = ns->nf->tables[v6];
		ns->nf->tracking[v6] = t[NF_NAT] || (t[NF_FILTER] && t[NF_FILTER]->tracks);
	}
}

/* The table of that name, made if it is the first time that somebody asks. */
static int table_of(struct netstack *ns, bool v6, const char *name, struct nf_table **out)
{
	int kind = kind_of(name), err;

	if (kind < 0)
		return kind;
	if (!ns->nf) {
		ns->nf = net_new(ns, struct nf);
		if (!ns->nf)
			return -ENOMEM;
	}
	if (!ns->nf->tables[v6][kind]) {
		err = make_default(ns, v6, (enum nf_table_kind)kind, &ns->nf->tables[v6][kind]);
		if (err)
			return err;
		update_tracking(ns);
	}
	*out = ns->nf->tables[v6][kind];
	return 0;
}

/* ---- what programs ask ---- */

int nf_table_info(struct netstack *ns, bool v6, struct xt_getinfo *info)
{
	struct nf_table *t;
	int err = table_of(ns, v6, info->name, &t);

	if (err)
		return err;
	info->valid_hooks = t->valid_hooks;
	memcpy(info->hook_entry, t->hook_entry, sizeof(t->hook_entry));
	memcpy(info->underflow, t->underflow, sizeof(t->underflow));
	info->entry_count = t->rule_count;
	info->size = t->size;
	return 0;
}

int nf_table_entries(struct netstack *ns, bool v6, const char *name, void *out, u32 size)
{
	struct nf_table *t;
	int err = table_of(ns, v6, name, &t);

	if (err)
		return err;
	if (size != t->size)
		return -EAGAIN;
	memcpy(out, t->entries, t->size);
	for (u32 i = 0; i < t->rule_count; i++) {
		u8 *e = (u8 *)out + t->rules[i].offset;
		memcpy(e + (v6 ? 148 : 92), &t->rules[i].hooks, sizeof(u32)); /* "comefrom" */
		memcpy(e + (v6 ? 152 : 96), &t->rules[i].counters, sizeof(struct xt_counters));
	}
	return 0;
}

int nf_table_replace(struct netstack *ns, bool v6, const struct xt_replace *r, const void *entries,
		     struct xt_counters *old)
{
	struct nf_table *t, *made;
	int kind = kind_of(r->name), err;

	/* as Linux: first what is wrong with the entries, then whether there is such a table */
	err = nf_table_new(ns, v6, kind < 0 ? NF_TABLE_KINDS : (enum nf_table_kind)kind, r, entries, &made);
	if (err)
		return err;
	err = table_of(ns, v6, r->name, &t);
	if (!err && r->valid_hooks != t->valid_hooks)
		err = -EINVAL;
	else if (!err && r->counter_count != t->rule_count)
		err = -EAGAIN; /* somebody else has changed it meanwhile */
	if (err) {
		nf_table_free(made);
		return err;
	}
	for (u32 i = 0; i < t->rule_count; i++)
		old[i] = t->rules[i].counters;
	ns->nf->tables[v6][t->kind] = made;
	nf_table_free(t);
	update_tracking(ns);
	return 0;
}

int nf_table_add_counters(struct netstack *ns, bool v6, const char *name, const struct xt_counters *add,
			  u32 count)
{
	struct nf_table *t;
	int err = table_of(ns, v6, name, &t);

	if (err)
		return err;
	if (count != t->rule_count)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		t->rules[i].counters.packets += add[i].packets;
		t->rules[i].counters.bytes += add[i].bytes;
	}
	return 0;
}

const char *nf_table_name(struct netstack *ns, bool v6, u32 n)
{
	for (u32 k = 0; ns->nf && k < NF_TABLE_KINDS; k++)
		if (ns->nf->tables[v6][k] && !n--)
			return nf_kinds[k].name;
	return NULL;
}

void nf_free(struct netstack *ns)
{
	if (!ns->nf)
		return;
	nf_ct_drop_all(ns);
	for (int v6 = 0; v6 < 2; v6++)
		for (u32 k = 0; k < NF_TABLE_KINDS; k++)
			if (ns->nf->tables[v6][k])
				nf_table_free(ns->nf->tables[v6][k]);
	net_free(ns, ns->nf);
	ns->nf = NULL;
}

/*
 * xt_check.c - entries of a table, as a program hands them over, into rules.
 *
 * Nothing is believed. The entries are copied first and never change again; each size and offset is checked
 * against what is left before it is used; jumps must lead to the beginning of an entry. What can be reached
 * from which hook is found by walking all ways from the hooks, which also finds loops: a rule that is come to
 * again while one of its own followers is being looked at. Matches and targets are asked last, since they
 * must know from where they can be reached. Errors are Linux's.
 */
#include <errno.h>

#include "netstack/nf/nf_priv.h"

#define ENTRIES_MAX (64U << 20)
#define RULES_MAX   (1U << 20)

/* ---- the layout of one entry ---- */

struct layout {
	u32 head,
	    target_at; /* the size of the head; where in it the target's offset stands, next the entry's */
};

static struct layout layout_of(bool v6)
{
	return v6 ? (struct layout){XT_IP6_ENTRY, 140} : (struct layout){XT_IP4_ENTRY, 88};
}

static u16 get_u16(const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void offsets_of(const u8 *e, const struct layout *l, u32 *target, u32 *next)
{
	*target = get_u16(e + l->target_at);
	*next = get_u16(e + l->target_at + 2);
}

static void ext_head(const u8 *at, struct xt_ext_head *head)
{
	memcpy(head, at, sizeof(*head));
	head->name[XT_EXT_NAME_MAX - 1] = 0;
}

static bool zero(const u8 *p, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

static struct ip_addr addr4(const u8 *p)
{
	return ip_v4(get_be32(p));
}

static struct ip_addr mask4(const u8 *p)
{
	struct ip_addr a;

	memset(a.b, 0xff, 12);
	memcpy(a.b + 12, p, 4);
	return a;
}

static int head4(const u8 *e, struct nf_rule *r)
{
	u8 flags = e[82];

	if ((flags & ~(XT4_F_FRAG | XT4_F_GOTO)) || (e[83] & 0x80))
		return -EINVAL;
	r->src = addr4(e);
	r->dst = addr4(e + 4);
	r->src_mask = mask4(e + 8);
	r->dst_mask = mask4(e + 12);
	memcpy(r->in, e + 16, 16);
	memcpy(r->out, e + 32, 16);
	memcpy(r->in_mask, e + 48, 16);
	memcpy(r->out_mask, e + 64, 16);
	r->proto = get_u16(e + 80);
	r->any_proto = !r->proto;
	r->fragments = flags & XT4_F_FRAG;
	r->is_goto = flags & XT4_F_GOTO;
	r->invert = e[83];
	r->plain = zero(e, 84);
	return 0;
}

static int head6(const u8 *e, struct nf_rule *r)
{
	u8 flags = e[131];

	if ((flags & ~(XT6_F_PROTO | XT6_F_TOS | XT6_F_GOTO)) || (e[132] & 0x80))
		return -EINVAL;
	memcpy(r->src.b, e, 16);
	memcpy(r->dst.b, e + 16, 16);
	memcpy(r->src_mask.b, e + 32, 16);
	memcpy(r->dst_mask.b, e + 48, 16);
	memcpy(r->in, e + 64, 16);
	memcpy(r->out, e + 80, 16);
	memcpy(r->in_mask, e + 96, 16);
	memcpy(r->out_mask, e + 112, 16);
	r->proto = get_u16(e + 128);
	r->any_proto = !(flags & XT6_F_PROTO);
	r->tos_set = flags & XT6_F_TOS;
	r->tos = e[130];
	r->is_goto = flags & XT6_F_GOTO;
	r->invert = e[132];
	r->plain = zero(e, 133);
	return 0;
}

/* The matches between the head and the target: their number, or -EINVAL. */
static int count_matches(const u8 *e, u32 at, u32 target)
{
	struct xt_ext_head head;
	int count = 0;

	while (at < target) {
		if (target - at < sizeof(head))
			return -EINVAL;
		ext_head(e + at, &head);
		if (head.size < sizeof(head) || head.size > target - at || head.size % XT_ENTRY_ALIGN)
			return -EINVAL;
		at += head.size;
		count++;
	}
	return count;
}

static bool is_standard(const u8 *e, u32 target)
{
	return !e[target + 2]; /* the empty name */
}

static bool verdict_ok(s32 v)
{
	return v > 0 || v == XT_DROP || v == XT_ACCEPT || v == XT_QUEUE || v == XT_RETURN;
}

/* Sizes and offsets of the entry at `at`. Its size, or -EINVAL. */
static int check_sizes(const u8 *entries, u32 size, u32 at, const struct layout *l, u32 *matches)
{
	const u8 *e = entries + at;
	struct xt_ext_head head;
	u32 target, next;
	s32 verdict;
	int n;

	if (size - at <= l->head)
		return -EINVAL;
	offsets_of(e, l, &target, &next);
	if (next < l->head + sizeof(head) || next > size - at || next % XT_ENTRY_ALIGN || target < l->head ||
	    target > next || next - target < sizeof(head))
		return -EINVAL;
	n = count_matches(e, l->head, target);
	if (n < 0)
		return n;
	*matches += (u32)n;
	ext_head(e + target, &head);
	if (head.size < sizeof(head) || head.size > next - target)
		return -EINVAL;
	if (is_standard(e, target)) {
		if (next - target != XT_STANDARD_SIZE || head.size < sizeof(head) + sizeof(verdict))
			return -EINVAL;
		memcpy(&verdict, e + target + sizeof(head), sizeof(verdict));
		if (!verdict_ok(verdict))
			return -EINVAL;
	} else if (!strcmp(head.name, "ERROR") &&
		   (next - target != XT_ERROR_SIZE || head.size > XT_ERROR_SIZE)) {
		return -EINVAL;
	}
	return (int)next;
}

/* ---- rules ---- */

static u32 rule_at(const struct nf_table *t, u32 offset)
{
	u32 low = 0, high = t->rule_count;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		if (t->rules[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->rule_count && t->rules[low].offset == offset ? low : NF_NO_RULE;
}

/* Everything of a rule but what matches and targets have to say, and jumps as offsets. Counters begin at 0:
 * who keeps old ones adds them (IPT_SO_SET_ADD_COUNTERS). */
static int make_rule(struct nf_table *t, u32 index, u32 at, const struct layout *l, u32 *match)
{
	struct nf_rule *r = &t->rules[index];
	const u8 *e = t->entries + at;
	struct xt_ext_head head;
	u32 target, next;
	int err = t->v6 ? head6(e, r) : head4(e, r);

	if (err)
		return err;
	offsets_of(e, l, &target, &next);
	r->offset = at;
	r->first_match = *match;
	for (u32 m = l->head; m < target; m += head.size, r->match_count++) {
		ext_head(e + m, &head);
		t->matches[(*match)++].data = e + m;
	}
	r->target.data = e + target;
	ext_head(e + target, &head);
	if (is_standard(e, target)) {
		r->target.kind = NF_TARGET_STANDARD;
		memcpy(&r->verdict, e + target + sizeof(head), sizeof(r->verdict));
	} else if (!strcmp(head.name, "ERROR")) {
		r->target.kind = NF_TARGET_ERROR;
		t->stack_size++;
	} else {
		r->target.kind = 0xff; /* not known yet */
	}
	return 0;
}

static int make_rules(struct nf_table *t)
{
	struct layout l = layout_of(t->v6);
	u32 match = 0, index = 0, next, target;
	int err = 0;

	for (u32 at = 0; at < t->size && !err; at += next) {
		offsets_of(t->entries + at, &l, &target, &next);
		err = make_rule(t, index++, at, &l, &match);
	}
	for (u32 i = 0; i < t->rule_count && !err; i++) {
		struct nf_rule *r = &t->rules[i];
		if (r->target.kind != NF_TARGET_STANDARD || r->verdict < 0)
			continue;
		next = rule_at(t, (u32)r->verdict);
		/* nowhere: that is an error if it can be reached, which the walk sees */
		r->verdict = (s32)min_t(u32, next, t->rule_count);
	}
	return err;
}

static bool unconditional(const struct nf_rule *r)
{
	return r->plain && !r->match_count;
}

static int find_hooks(struct nf_table *t)
{
	for (u32 h = 0; h < XT_HOOKS; h++) {
		const struct nf_rule *r;
		if (!(t->valid_hooks & 1U << h))
			continue;
		t->hook_rule[h] = rule_at(t, t->hook_entry[h]);
		t->underflow_rule[h] = rule_at(t, t->underflow[h]);
		if (t->hook_rule[h] == NF_NO_RULE || t->underflow_rule[h] == NF_NO_RULE)
			return -EINVAL;
		/* what is left over must be decided */
		r = &t->rules[t->underflow_rule[h]];
		if (!unconditional(r) || r->target.kind != NF_TARGET_STANDARD ||
		    (r->verdict != XT_DROP && r->verdict != XT_ACCEPT))
			return -EINVAL;
	}
	return 0;
}

/* ---- ways through the table ---- */

enum { UNSEEN, ON_PATH, SEEN };
struct walk {
	u8 *state;
	u32 *path, depth;
};

/* The k-th rule (0, 1) that may follow r; NF_NO_RULE: there is none. */
static u32 follower(const struct nf_table *t, u32 i, int k)
{
	const struct nf_rule *r = &t->rules[i];
	bool jumps = r->target.kind == NF_TARGET_STANDARD && r->verdict >= 0;

	if (k == 0)
		return jumps ? (u32)r->verdict : NF_NO_RULE;
	if (r->target.kind == NF_TARGET_STANDARD && r->verdict < 0 && unconditional(r))
		return NF_NO_RULE;
	return i + 1;
}

/* All that can be reached from a hook. A rule's state counts its followers that have been looked at. */
static int walk_from(struct nf_table *t, u32 start, u32 hook, struct walk *w)
{
	w->depth = 0;
	memset(w->state, 0, t->rule_count);
	w->path[w->depth++] = start;
	w->state[start] = 1;
	while (w->depth) {
		u32 i = w->path[w->depth - 1], next = NF_NO_RULE;
		t->rules[i].hooks |= 1U << hook;
		while (w->state[i] <= 2 && next == NF_NO_RULE)
			next = follower(t, i, w->state[i]++ - 1);
		if (next == NF_NO_RULE) {
			w->state[i] = 4; /* done */
			w->depth--;
			continue;
		}
		if (next >= t->rule_count)
			return -ELOOP; /* falls off the end, or jumps to nowhere: Linux's word for it */
		if (w->state[next] == 4)
			continue;
		if (w->state[next])
			return -ELOOP;
		w->state[next] = 1;
		w->path[w->depth++] = next;
	}
	return 0;
}

static int walk_all(struct nf_table *t)
{
	struct walk w = {.state = net_alloc(t->ns, t->rule_count, "nf walk"),
			 .path = net_alloc(t->ns, t->rule_count * sizeof(u32), "nf walk")};
	int err = w.state && w.path ? 0 : -ENOMEM;

	for (u32 h = 0; h < XT_HOOKS && !err; h++)
		if (t->valid_hooks & 1U << h)
			err = walk_from(t, t->hook_rule[h], h, &w);
	net_free(t->ns, w.state);
	net_free(t->ns, w.path);
	return err;
}

/* ---- matches and targets ---- */

static int ask(struct nf_table *t, struct nf_rule *r, struct nf_ext *x, bool target)
{
	struct nf_ext_check c = {t, r, r->hooks};
	struct xt_ext_head head;
	int kind;

	ext_head(x->data, &head);
	kind = nf_ext_find(&c, &head, x->data + sizeof(head), head.size - (u32)sizeof(head), target);
	if (kind < 0)
		return kind;
	x->kind = (u8)kind;
	x->revision = head.revision;
	x->data += sizeof(head);
	if (!target && (kind == NF_MATCH_CONNTRACK || kind == NF_MATCH_STATE))
		t->tracks = true;
	return 0;
}

static int ask_all(struct nf_table *t)
{
	int err = 0;

	for (u32 i = 0; i < t->rule_count && !err; i++) {
		struct nf_rule *r = &t->rules[i];
		for (u32 m = 0; m < r->match_count && !err; m++)
			err = ask(t, r, &t->matches[r->first_match + m], false);
		if (!err && r->target.kind == 0xff)
			err = ask(t, r, &r->target, true);
		else
			r->target.data += sizeof(struct xt_ext_head);
	}
	return err;
}

/* ---- a table ---- */

static int count_rules(struct nf_table *t, const struct xt_replace *r)
{
	struct layout l = layout_of(t->v6);
	u32 at = 0;

	while (at < t->size) {
		int n = check_sizes(t->entries, t->size, at, &l, &t->match_count);
		if (n < 0)
			return n;
		at += (u32)n;
		t->rule_count++;
	}
	return t->rule_count == r->entry_count && t->rule_count && t->rule_count <= RULES_MAX ? 0 : -EINVAL;
}

static void *table_array(struct nf_table *t, u32 count, size_t size)
{
	return net_zalloc(t->ns, max_t(size_t, (size_t)count * size, 1), "nf table");
}

static int compile(struct nf_table *t, const struct xt_replace *r)
{
	int err = count_rules(t, r);

	if (err)
		return err;
	t->rules = table_array(t, t->rule_count, sizeof(*t->rules));
	t->matches = table_array(t, t->match_count, sizeof(*t->matches));
	if (!t->rules || !t->matches)
		return -ENOMEM;
	err = make_rules(t);
	if (!err)
		err = find_hooks(t);
	if (!err)
		err = walk_all(t);
	if (!err)
		err = ask_all(t);
	if (err)
		return err;
	t->stack = table_array(t, t->stack_size, sizeof(u32));
	return t->stack ? 0 : -ENOMEM;
}

int nf_table_new(struct netstack *ns, bool v6, enum nf_table_kind kind, const struct xt_replace *r,
		 const void *entries, struct nf_table **out)
{
	struct nf_table *t;
	int err;

	if (!r->size || r->size > ENTRIES_MAX)
		return r->size ? -ENOMEM : -EINVAL;
	t = net_new(ns, struct nf_table);
	if (!t)
		return -ENOMEM;
	t->ns = ns;
	t->kind = kind;
	t->v6 = v6;
	t->size = r->size;
	t->valid_hooks = r->valid_hooks;
	memcpy(t->hook_entry, r->hook_entry, sizeof(t->hook_entry));
	memcpy(t->underflow, r->underflow, sizeof(t->underflow));
	t->entries = net_alloc(ns, r->size, "nf entries");
	err = t->entries ? 0 : -ENOMEM;
	if (!err) {
		memcpy(t->entries, entries, r->size);
		err = compile(t, r);
	}
	if (err) {
		nf_table_free(t);
		return err;
	}
	*out = t;
	return 0;
}

void nf_table_free(struct nf_table *t)
{
	struct netstack *ns = t->ns;

	net_free(ns, t->entries);
	net_free(ns, t->rules);
	net_free(ns, t->matches);
	net_free(ns, t->stack);
	net_free(ns, t);
}

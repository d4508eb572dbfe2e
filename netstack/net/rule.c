/*
 * rule.c - which table of routes is asked for a packet: `ip rule`.
 *
 * The rules of both families lie in one list by priority. A new instance has those of Linux: local, main and
 * (IPv4) default. The local table is built in (route.c looks at the interfaces' addresses before everything),
 * so its rule is there to be seen and cannot be moved.
 */
#include <errno.h>

#include "netstack/net/ip.h"

static bool same(const struct net_rule *a, const struct net_rule *b)
{
	return a->v6 == b->v6 && a->priority == b->priority && a->src_len == b->src_len &&
	       a->dst_len == b->dst_len && ip_eq(&a->src, &b->src) && ip_eq(&a->dst, &b->dst) &&
	       a->oif == b->oif && a->table == b->table && a->action == b->action;
}

int net_rule_add(struct netstack *ns, const struct net_rule *rule)
{
	u32 most = rule->v6 ? 128 : 32;
	struct list_head *where = &ns->rules;
	struct net_rule *r, *pos;

	if (rule->src_len > most || rule->dst_len > most || ip_is_v4(&rule->src) == rule->v6 ||
	    ip_is_v4(&rule->dst) == rule->v6 || (rule->action == RULE_TO_TABLE && !rule->table) ||
	    (rule->action != RULE_TO_TABLE && rule->action != RULE_BLACKHOLE &&
	     rule->action != RULE_UNREACHABLE && rule->action != RULE_PROHIBIT))
		return -EINVAL;
	list_for_each_entry (pos, &ns->rules, node) {
		if (same(pos, rule))
			return -EEXIST;
	}
	list_for_each_entry (pos, &ns->rules, node) {
		if (pos->priority > rule->priority) {
			where = &pos->node;
			break;
		}
	}
	r = net_new(ns, struct net_rule);
	if (!r)
		return -ENOMEM;
	*r = *rule;
	list_add_tail(&r->node, where);
	ns->route_gen++;
	net_notify(ns, NOTIFY_RULE_NEW, r);
	return 0;
}

int net_rule_del(struct netstack *ns, const struct net_rule *w)
{
	struct net_rule *r;

	list_for_each_entry (r, &ns->rules, node) {
		if (r->v6 != w->v6 || (w->priority && r->priority != w->priority) ||
		    r->src_len != w->src_len || r->dst_len != w->dst_len ||
		    (w->src_len && !ip_eq(&r->src, &w->src)) || (w->dst_len && !ip_eq(&r->dst, &w->dst)) ||
		    (w->table && r->table != w->table) || (w->action && r->action != w->action))
			continue;
		list_del_init(&r->node);
		ns->route_gen++;
		net_notify(ns, NOTIFY_RULE_DEL, r);
		net_free(ns, r);
		return 0;
	}
	return -ENOENT;
}

const struct net_rule *net_rule_next(struct netstack *ns, bool v6, const struct net_rule *prev)
{
	struct list_head *n = prev ? prev->node.next : ns->rules.next;

	for (; n != &ns->rules; n = n->next)
		if (list_entry(n, struct net_rule, node)->v6 == v6)
			return list_entry(n, struct net_rule, node);
	return NULL;
}

int net_rules_init(struct netstack *ns)
{
	static const struct {
		u32 priority, table;
		bool v6;
	} first[] = {{0, RT_TABLE_LOCAL, false},
		     {0, RT_TABLE_LOCAL, true},
		     {32766, RT_TABLE_MAIN, false},
		     {32766, RT_TABLE_MAIN, true},
		     {32767, RT_TABLE_DEFAULT, false}};
	int err = 0;

	for (u32 i = 0; i < ARRAY_COUNT(first) && !err; i++) {
		struct net_rule r = {.priority = first[i].priority,
				     .table = first[i].table,
				     .v6 = first[i].v6,
				     .action = RULE_TO_TABLE,
				     .src = first[i].v6 ? IP6_ANY : IP4_ANY,
				     .dst = first[i].v6 ? IP6_ANY : IP4_ANY};
		err = net_rule_add(ns, &r);
	}
	return err;
}

void net_rules_free(struct netstack *ns)
{
	while (!list_empty(&ns->rules)) {
		struct net_rule *r = list_first_entry(&ns->rules, struct net_rule, node);
		list_del_init(&r->node);
		net_free(ns, r);
	}
}

bool net_rule_matches(const struct net_rule *r, const struct ip_addr *dst, const struct ip_addr *src, u32 oif)
{
	return r->v6 == !ip_is_v4(dst) && (!r->src_len || ip_prefix_eq(src, &r->src, r->src_len)) &&
	       (!r->dst_len || ip_prefix_eq(dst, &r->dst, r->dst_len)) && (!r->oif || r->oif == oif);
}

/*
 * rtnl_rule.c - RTM_*RULE: which table is asked for whom. Rules by mark, interface of arrival or port are
 * refused: the stack knows them not.
 */
#include <errno.h>

#include "netstack/stack/stack_priv.h"
#include "sandbox/abi/inet.h"
#include "sandbox/abi/socket.h"
#include "sandbox/socket/netlink.h"

static void put_ip(struct nl_buf *b, u16 type, const struct ip_addr *a)
{
	bool v4 = ip_is_v4(a);

	nl_put(b, type, v4 ? a->b + 12 : a->b, v4 ? 4 : 16);
}

void rtnl_put_rule(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, struct netstack *ns,
		   const struct net_rule *rule)
{
	struct linux_fib_rule_hdr *h = nl_begin(b, type, flags, seq, pid, sizeof(*h));
	struct netif *nif = rule->oif ? netif_by_index(ns, rule->oif) : NULL;

	h->family = rule->v6 ? LINUX_AF_INET6 : LINUX_AF_INET;
	h->dst_len = (u8)rule->dst_len;
	h->src_len = (u8)rule->src_len;
	h->table = (u8)rule->table;
	h->action = rule->action;
	nl_put_u32(b, LINUX_FRA_TABLE, rule->table);
	if (rule->priority)
		nl_put_u32(b, LINUX_FRA_PRIORITY, rule->priority);
	if (rule->src_len)
		put_ip(b, LINUX_FRA_SRC, &rule->src);
	if (rule->dst_len)
		put_ip(b, LINUX_FRA_DST, &rule->dst);
	if (nif)
		nl_put_str(b, LINUX_FRA_OIFNAME, nif->name);
	nl_put_u8(b, LINUX_FRA_PROTOCOL, rule->protocol);
	nl_end(b);
}

static int dump(struct nl_request *r, u8 family)
{
	struct netstack *ns = net_ns_stack(r->from->net);

	for (u32 v6 = 0; v6 < 2; v6++) {
		const struct net_rule *rule = NULL;
		if (family && family != (v6 ? LINUX_AF_INET6 : LINUX_AF_INET))
			continue;
		while ((rule = net_rule_next(ns, v6, rule)))
			rtnl_put_rule(r->out, LINUX_RTM_NEWRULE, LINUX_NLM_F_MULTI, r->h.seq, r->from->portid,
				      ns, rule);
	}
	return 0;
}

static bool ip_attr(const struct nl_request *r, u16 type, bool v6, struct ip_addr *out)
{
	u8 v4[4];

	if (v6)
		return nl_attr_copy(r, sizeof(struct linux_fib_rule_hdr), type, out->b, sizeof(out->b));
	if (!nl_attr_copy(r, sizeof(struct linux_fib_rule_hdr), type, v4, sizeof(v4)))
		return false;
	*out = ip_v4(get_be32(v4));
	return true;
}

static int parse(const struct nl_request *r, const struct linux_fib_rule_hdr *h, struct net_rule *out)
{
	static const u16 unknown[] = {LINUX_FRA_IIFNAME,  LINUX_FRA_FWMARK, LINUX_FRA_UID_RANGE,
				      LINUX_FRA_IP_PROTO, LINUX_FRA_SPORT,  LINUX_FRA_DPORT};
	bool v6 = h->family == LINUX_AF_INET6;
	struct netif *nif;
	char name[NETIF_NAME] = "";
	const char *oif;
	u32 size = 0;

	for (u32 k = 0; k < ARRAY_COUNT(unknown); k++)
		if (nl_attr(r, sizeof(*h), unknown[k], &size))
			return -EOPNOTSUPP;
	*out = (struct net_rule){.src_len = h->src_len,
				 .dst_len = h->dst_len,
				 .table = h->table,
				 .v6 = v6,
				 .action = h->action,
				 .src = v6 ? IP6_ANY : IP4_ANY,
				 .dst = v6 ? IP6_ANY : IP4_ANY};
	if ((h->src_len && !ip_attr(r, LINUX_FRA_SRC, v6, &out->src)) ||
	    (h->dst_len && !ip_attr(r, LINUX_FRA_DST, v6, &out->dst)))
		return -EINVAL;
	nl_attr_copy(r, sizeof(*h), LINUX_FRA_TABLE, &out->table, sizeof(out->table));
	nl_attr_copy(r, sizeof(*h), LINUX_FRA_PRIORITY, &out->priority, sizeof(out->priority));
	nl_attr_copy(r, sizeof(*h), LINUX_FRA_PROTOCOL, &out->protocol, sizeof(out->protocol));
	oif = nl_attr(r, sizeof(*h), LINUX_FRA_OIFNAME, &size);
	if (oif) {
		memcpy(name, oif, min_t(u32, size, sizeof(name) - 1));
		nif = netif_by_name(net_ns_stack(r->from->net), name);
		if (!nif)
			return -ENODEV;
		out->oif = nif->index;
	}
	return 0;
}

/* As Linux: just before the second one that there is. */
static u32 default_priority(struct netstack *ns, bool v6)
{
	const struct net_rule *first = net_rule_next(ns, v6, NULL),
			      *second = first ? net_rule_next(ns, v6, first) : NULL;

	return second && second->priority ? second->priority - 1 : 0;
}

/* Removes the first that agrees in all that is given. */
static int remove_rule(struct netstack *ns, const struct net_rule *w, bool by_priority)
{
	const struct net_rule *rule = NULL;
	struct net_rule exact;

	while ((rule = net_rule_next(ns, w->v6, rule))) {
		if ((by_priority && rule->priority != w->priority) || (w->table && rule->table != w->table) ||
		    (w->action && rule->action != w->action) || (w->oif && rule->oif != w->oif) ||
		    (w->src_len && (rule->src_len != w->src_len || !ip_eq(&rule->src, &w->src))) ||
		    (w->dst_len && (rule->dst_len != w->dst_len || !ip_eq(&rule->dst, &w->dst))))
			continue;
		exact = *rule;
		return net_rule_del(ns, &exact);
	}
	return -ENOENT;
}

int rtnl_rule(struct nl_request *r)
{
	u32 priority;
	struct netstack *ns = net_ns_stack(r->from->net);
	struct linux_fib_rule_hdr h;
	struct net_rule rule;
	int err;

	if (!nl_header(r, &h, sizeof(h), r->dump ? 1 : sizeof(h)))
		return -EINVAL;
	if (r->dump)
		return dump(r, h.family);
	if (r->h.type == LINUX_RTM_GETRULE)
		return -EOPNOTSUPP;
	if (h.family != LINUX_AF_INET && h.family != LINUX_AF_INET6)
		return -EAFNOSUPPORT;
	err = parse(r, &h, &rule);
	if (err)
		return err;
	if (r->h.type == LINUX_RTM_DELRULE)
		return remove_rule(
		    ns, &rule, nl_attr_copy(r, sizeof(h), LINUX_FRA_PRIORITY, &priority, sizeof(priority)));
	if (!nl_attr_copy(r, sizeof(h), LINUX_FRA_PRIORITY, &priority, sizeof(priority)))
		rule.priority = default_priority(ns, rule.v6);
	return net_rule_add(ns, &rule);
}

/*
 * nf_priv.h - netfilter as its own parts see it.
 */
#ifndef WARREN_NETSTACK_NF_PRIV_H
#define WARREN_NETSTACK_NF_PRIV_H

#include "netstack/nf/nf.h"

enum nf_hook { NF_PREROUTING, NF_INPUT, NF_FORWARD, NF_OUTPUT, NF_POSTROUTING };
enum nf_table_kind { NF_FILTER, NF_NAT, NF_TABLE_KINDS };
#define NF_NO_RULE 0xffffffffU

/* A packet at a hook. */
struct nf_packet {
	struct netstack *ns;
	struct pkt *p;
	enum nf_hook hook;
	bool v6, later_fragment; /* a fragment but the first: there is no transport header */
	const struct netif *in, *out;
	const struct net_ep *owner;
	/* what a rule has asked for that is done when the table has been left */
	const struct nf_rule *reject;
};

/* ---- connections: conntrack.c, ct_proto.c ---- */
struct nf_ct {
	struct net_hash hash; /* both directions of each */
	u32 count;
	struct net_timer gc;
};
/* Finds or makes the connection of a packet: p->ct and p->ct_info. False: no room, the packet is dropped. */
bool nf_ct_track(struct nf_packet *k) must_check;
/* The packet goes its way, and with it a new connection into the table. False: somebody was quicker. */
bool nf_ct_confirm(struct nf_packet *k) must_check;
void nf_ct_release(struct pkt *p);
/* Is a connection known that answers to this? */
bool nf_ct_taken(struct netstack *ns, const struct nf_tuple *t, const struct nf_conn *but);
void nf_ct_forget(struct netstack *ns, struct nf_conn *c);
void nf_ct_drop_all(struct netstack *ns);
static inline enum nf_dir nf_ct_dir(const struct pkt *p)
{
	return p->ct_reply ? NF_REPLY : NF_ORIGINAL;
}

/* The tuple of a packet, or of one that an ICMP error quotes, whose network header stands at `at`. False: it
 * has none. `l4`: where its transport header stands. */
bool nf_tuple_of(const struct pkt *p, u32 at, bool v6, struct nf_tuple *out, u32 *l4);
bool nf_tuple_invert(const struct nf_tuple *t, struct nf_tuple *out);
bool nf_is_icmp_error(const struct pkt *p, bool v6, u32 l4);
static inline bool nf_tuple_eq(const struct nf_tuple *a, const struct nf_tuple *b)
{
	return ip_eq(&a->src, &b->src) && ip_eq(&a->dst, &b->dst) && a->sport == b->sport &&
	       a->dport == b->dport && a->proto == b->proto;
}
enum nf_tcp {
	NF_TCP_NONE,
	NF_TCP_SYN_SENT,
	NF_TCP_SYN_RECV,
	NF_TCP_ESTABLISHED,
	NF_TCP_FIN_WAIT,
	NF_TCP_CLOSE_WAIT,
	NF_TCP_LAST_ACK,
	NF_TCP_TIME_WAIT,
	NF_TCP_CLOSE
};
/* May a connection begin with this packet? */
bool nf_proto_may_begin(const struct pkt *p, u32 l4, u16 proto);
/* A packet of a known connection: false if the connection is over and this begins another. */
bool nf_proto_update(struct netstack *ns, struct nf_conn *c, const struct pkt *p, u32 l4, enum nf_dir dir);

/* ---- translation: nat.c, nat_pkt.c ---- */
enum nf_manip { NF_MANIP_SRC, NF_MANIP_DST };
struct nf_range {
	u32 flags; /* XT_NAT_* */
	struct ip_addr min, max;
	u16 min_port, max_port, base_port;
};
/* Binds a new connection. */
bool nf_nat_setup(struct nf_packet *k, const struct nf_range *range, enum nf_manip manip) must_check;
/* At a hook: binds what is new (asking the table), translates. False: drop. */
bool nf_nat_hook(struct nf_packet *k, enum nf_manip manip) must_check;
/* Writes the addresses and ports of `to` into a packet. -ENOMEM, -EINVAL. */
int nf_nat_write(struct pkt *p, bool v6, u32 l4, const struct nf_tuple *to, enum nf_manip manip) must_check;
/* The same for an ICMP error: what it quotes, and itself. */
int nf_nat_write_error(struct pkt *p, bool v6, u32 l4, const struct nf_tuple *inner,
		       enum nf_manip inner_manip, const struct nf_tuple *outer,
		       enum nf_manip manip) must_check;

/* ---- tables ---- */
enum nf_match_kind {
	NF_MATCH_ADDRTYPE,
	NF_MATCH_COMMENT,
	NF_MATCH_CONNTRACK,
	NF_MATCH_ICMP,
	NF_MATCH_ICMP6,
	NF_MATCH_LIMIT,
	NF_MATCH_MULTIPORT,
	NF_MATCH_OWNER,
	NF_MATCH_STATE,
	NF_MATCH_TCP,
	NF_MATCH_UDP
};
enum nf_target_kind {
	NF_TARGET_STANDARD,
	NF_TARGET_ERROR,
	NF_TARGET_DNAT,
	NF_TARGET_MASQUERADE,
	NF_TARGET_REDIRECT,
	NF_TARGET_REJECT,
	NF_TARGET_SNAT
};

struct nf_ext { /* a match or target of a rule; data lies in the table's own copy of the entries */
	u8 kind, revision;
	const u8 *data;
	u64 credit, since; /* LIMIT */
};

struct nf_rule {
	struct ip_addr src, dst, src_mask, dst_mask;
	char in[16], out[16];
	u8 in_mask[16], out_mask[16];
	u16 proto;
	bool any_proto, fragments, is_goto, tos_set, plain; /* plain: matches everything */
	u8 tos, invert;
	u32 first_match, match_count;
	struct nf_ext target;
	s32 verdict; /* standard target: below 0 as XT_*, else the rule to go on with */
	u32 offset;  /* of its entry */
	u32 hooks;   /* from where it can be reached */
	struct xt_counters counters;
};

struct nf_table {
	struct netstack *ns;
	enum nf_table_kind kind;
	bool v6, tracks; /* tracks: some rule asks about connections */
	u32 valid_hooks, hook_rule[XT_HOOKS], underflow_rule[XT_HOOKS];
	u32 hook_entry[XT_HOOKS], underflow[XT_HOOKS];
	u32 rule_count, size, match_count;
	u8 *entries;
	struct nf_rule *rules;
	struct nf_ext *matches;
	u32 *stack, stack_size; /* rules to come back to */
};

struct nf {
	struct nf_table *tables[2][NF_TABLE_KINDS]; /* by family */
	struct nf_ct ct;
	bool tracking[2];
};
struct nf_kind_info {
	const char *name;
	u32 hooks;
};
extern const struct nf_kind_info nf_kinds[NF_TABLE_KINDS];

/* Checks and compiles entries, which are copied: xt_check.c. */
int nf_table_new(struct netstack *ns, bool v6, enum nf_table_kind kind, const struct xt_replace *r,
		 const void *entries, struct nf_table **out) must_check;
void nf_table_free(struct nf_table *t);
/* Lets a packet through a table's chain of its hook: xt_table.c. False: drop. */
bool nf_table_run(struct nf_table *t, struct nf_packet *k) must_check;

/* xt_ext.c: which matches and targets there are. */
struct nf_ext_check {
	const struct nf_table *table;
	const struct nf_rule *rule;
	u32 hooks;
};
/* Kind of a match or target by name; -ENOENT; -EINVAL: it cannot stand here. */
int nf_ext_find(const struct nf_ext_check *c, const struct xt_ext_head *head, const u8 *data, u32 size,
		bool target) must_check;
/* xt_match.c. *drop: the packet is malformed. */
bool nf_match(struct nf_ext *m, const struct nf_packet *k, bool *drop);
/* xt_target.c: XT_ACCEPT, XT_DROP, or 0: go on with the next rule. */
s32 nf_target(struct nf_table *t, struct nf_rule *r, struct nf_packet *k);
/* What a REJECT rule says to the sender. */
void nf_reject(struct nf_packet *k);
/* The range that a target of nat means. */
bool nf_range_of(const struct nf_ext *target, bool v6, struct nf_range *out);

#endif

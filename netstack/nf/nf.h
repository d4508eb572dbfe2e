/*
 * nf.h - packet filtering and address translation (Linux's netfilter): what the network layer calls, and what
 * the owner of a stack does with its tables.
 *
 * A stack has none of it (ns->nf is NULL) until a table is first asked for. From then on packets of that
 * family pass the tables at four of Linux's five hooks: a stack does not forward, so FORWARD can be written
 * and is never reached. Connections are tracked while there is a nat table or a rule that asks about them.
 *
 * The stack keeps tables as programs wrote them, checked once (xt_check.c) and compiled into rules.
 */
#ifndef WARREN_NETSTACK_NF_H
#define WARREN_NETSTACK_NF_H

#include "netstack/net/ip.h"
#include "netstack/nf/xt_abi.h"

struct net_ep;

/* ---- for the network layer; only with ns->nf ---- */

/* A packet of ours that begins with its network header: OUTPUT, a new path if it now goes elsewhere,
 * POSTROUTING. `owner`: whose it is, or NULL. False: it is not to be sent, and remains the caller's. */
bool nf_output(struct netstack *ns, struct pkt *p, const struct net_ep *owner, struct net_path *path);
/* A whole packet that came in, with src, dst, l4_off and l4_proto set; before anybody asks whether it is
 * ours. */
bool nf_prerouting(struct netif *nif, struct pkt *p);
/* It is ours. */
bool nf_input(struct netif *nif, struct pkt *p);

/* ---- for the stack itself ---- */
void nf_free(struct netstack *ns);
/* An address or interface is gone: masqueraded connections of it end. */
void nf_netif_down(struct netstack *ns, const struct netif *nif);

/* ---- tables ---- */

/* IPT_SO_GET_INFO. -ENOENT: there is no such table. */
int nf_table_info(struct netstack *ns, bool v6, struct xt_getinfo *info) must_check;
/* IPT_SO_GET_ENTRIES: the entries with their counters, info->size bytes. -ENOENT. */
int nf_table_entries(struct netstack *ns, bool v6, const char *name, void *out, u32 size) must_check;
/* IPT_SO_SET_REPLACE: `entries` are r->size bytes and copied. On success the counters of the old table are
 * put into `old` (r->counter_count of them). -EINVAL, -ENOENT, -ELOOP, -EAGAIN, -ENOMEM. */
int nf_table_replace(struct netstack *ns, bool v6, const struct xt_replace *r, const void *entries,
		     struct xt_counters *old) must_check;
/* IPT_SO_SET_ADD_COUNTERS. */
int nf_table_add_counters(struct netstack *ns, bool v6, const char *name, const struct xt_counters *add,
			  u32 count) must_check;
/* IPT_SO_GET_REVISION_*: the highest there is, or -EPROTONOSUPPORT; -ENOENT: no such match or target. */
int nf_revision(bool v6, const char *name, u32 revision, bool target) must_check;
/* The name of the n-th table that is in use, or NULL; of the n-th match or target, in alphabetic order. */
const char *nf_table_name(struct netstack *ns, bool v6, u32 n);
const char *nf_ext_name(bool v6, u32 n, bool target);

/* ---- connections ---- */

enum nf_dir { NF_ORIGINAL, NF_REPLY };
struct nf_tuple { /* of ICMP: sport is the identifier, dport type << 8 | code */
	struct ip_addr src, dst;
	u16 sport, dport, proto;
};
enum { /* nf_conn.status, as Linux's IPS_ */
       NF_SEEN_REPLY = 0x2,
       NF_ASSURED = 0x4,
       NF_CONFIRMED = 0x8,
       NF_SRC_NAT = 0x10,
       NF_DST_NAT = 0x20,
       NF_SRC_DONE = 0x80,
       NF_DST_DONE = 0x100,
       NF_DYING = 0x200
};
enum {             /* pkt.ct_info */
       NF_CT_NONE, /* not looked at, or no connection's */
       NF_CT_NEW,
       NF_CT_ESTABLISHED,
       NF_CT_RELATED,
       NF_CT_UNTRACKED
};
struct nf_conn {
	struct nf_node {
		struct net_hnode hash;
		struct nf_tuple tuple;
		u8 dir;
	} node[2];
	u32 refs, status, masq_if;
	u8 state; /* TCP: enum nf_tcp */
	u64 expires;
};
/* Calls fn for each confirmed connection (/proc/net/nf_conntrack). */
void nf_conn_walk(struct netstack *ns, void (*fn)(const struct nf_conn *c, void *arg), void *arg);
/* Where the connection whose answers look like this was going before it was translated. False: it is not
 * known. */
bool nf_original_dst(struct netstack *ns, const struct nf_tuple *answers, struct ip_addr *addr, u16 *port);
const char *nf_tcp_name(u8 state);
u32 nf_conn_count(const struct netstack *ns);
u32 nf_conn_max(void);

#endif

/*
 * stack_priv.h - the instance as its own parts see it.
 */
#ifndef WARREN_NETSTACK_STACK_PRIV_H
#define WARREN_NETSTACK_STACK_PRIV_H

#include "netstack/stack/mib.h"
#include "netstack/stack/netstack.h"
#include "netstack/wire/headers.h"
#include "netstack/wire/pkt.h"

/* ---- timers: a heap by deadline ---- */
struct net_timer {
	u64 deadline; /* what is wanted; TIME_NEVER: nothing */
	u64 key;      /* where it stands in the heap: never later than the deadline */
	u32 index;    /* place in the heap, 0: not in it */
	bool late;    /* on ns->late_timers: there was no memory for a place in the heap */
	struct net_timer *next_late;
	void (*fire)(struct net_timer *t);
	struct netstack *ns;
};
void net_timer_init(struct net_timer *t, struct netstack *ns, void (*fire)(struct net_timer *));
/* Pushing a deadline back is free: the heap is put right when the old one comes. Arming cannot fail: without
 * memory for the heap a timer waits in a plain list. */
void net_timer_arm(struct net_timer *t, u64 deadline);
static inline void net_timer_cancel(struct net_timer *t)
{
	t->deadline = TIME_NEVER;
}
static inline bool net_timer_armed(const struct net_timer *t)
{
	return t->deadline != TIME_NEVER;
}
/* Before its memory goes. */
void net_timer_done(struct net_timer *t);

/* ---- hash tables of sockets ---- */
struct net_hnode {
	struct net_hnode *next, **at; /* at: what points here; NULL: in no table */
	u32 hash;
};
struct net_hash {
	struct net_hnode **buckets;
	u32 mask, count;
};
int net_hash_init(struct netstack *ns, struct net_hash *h, u32 buckets) must_check;
void net_hash_done(struct netstack *ns, struct net_hash *h);
/* Grows when it can; without memory the chains get longer. */
void net_hash_add(struct netstack *ns, struct net_hash *h, struct net_hnode *n, u32 hash);
void net_hash_del(struct net_hash *h, struct net_hnode *n);
static inline struct net_hnode *net_hash_first(const struct net_hash *h, u32 hash)
{
	return h->buckets[hash & h->mask];
}

struct net_pmtu;
struct net_neigh;
struct ip_frag_queue;

struct netstack {
	struct net_env env;
	u64 now; /* ns; taken when the stack is entered */
	/* timers */
	struct net_timer **heap;
	u32 heap_count, heap_capacity;
	struct net_timer *late_timers;
	u64 told_deadline;
	/* memory */
	struct net_data *free_blocks;
	u32 free_block_count;
	struct list_head free_packets;
	u32 free_packet_count;
	u64 packets_live, data_bytes;
	/* received, not yet looked at */
	struct list_head work;
	u32 work_count;
	bool working;
	/* interfaces and routes */
	struct list_head netifs;
	struct netif *lo;
	u32 next_ifindex;
	struct list_head routes;
	struct net_timer route_timer; /* the next that expires */
	u32 route_gen;                /* cached paths of an older generation are stale */
	struct list_head rules;
	struct list_head pmtus, redirects;
	u32 pmtu_count, redirect_count;
	struct list_head neighs;
	u32 neigh_count;
	/* sockets */
	struct net_hash flows;     /* connected: by both ends */
	struct net_hash ports;     /* bound: by protocol and local port */
	struct net_hash listeners; /* TCP: by local port */
	struct list_head raws, packets;
	u64 secret[2]; /* of hashes, sequence numbers and cookies */
	u32 port_hint, ip_id, sock_count;
	u64 icmp_credit; /* the time up to which errors have been spent */
	/* reassembly */
	struct list_head frags;
	u32 frag_bytes;
	struct net_timer frag_timer;
	/* TCP */
	u32 tw_count, orphan_count, cookie_time;
	struct net_config {
		u32 ttl, port_min, port_max, tcp_syn_retries, tcp_synack_retries, tcp_retries2,
		    tcp_fin_timeout_s;
		u32 tcp_rmem[3], tcp_wmem[3], udp_mem, somaxconn;
		u8 tcp_congestion; /* enum tcp_cc */
		bool tcp_sack, tcp_timestamps, tcp_wscale, tcp_cookies, ip_forward;
		u8 tcp_ecn; /* 0 never, 1 ask and answer, 2 answer (Linux's default) */
		bool tcp_gso;
	} config;
	u64 mib[MIB_COUNT];
	u64 overflows; /* datagrams that found their socket's buffer full */
	struct nf *nf; /* packet filters and translation; NULL: none were ever asked for */
	/* told of changes to links, addresses, routes and neighbours: netlink's notifications */
	void (*notify)(void *ctx, int what, const void *object);
	void *notify_ctx;
};

static inline void *net_alloc(struct netstack *ns, size_t size, const char *type)
{
	return ns->env.alloc(ns->env.ctx, size, type);
}

static inline void *net_zalloc(struct netstack *ns, size_t size, const char *type)
{
	void *p = net_alloc(ns, size, type);

	if (p)
		memset(p, 0, size);
	return p;
}
#define net_new(ns, type) ((type *)net_zalloc((ns), sizeof(type), #type))

static inline void net_free(struct netstack *ns, void *p)
{
	if (p)
		ns->env.free(ns->env.ctx, p);
}

static inline void net_tick(struct netstack *ns)
{
	ns->now = ns->env.monotonic(ns->env.ctx);
}

static inline u32 net_random(struct netstack *ns)
{
	u32 v;

	ns->env.random(ns->env.ctx, &v, sizeof(v));
	return v;
}

#define MIB(ns, which)        ((ns)->mib[MIB_##which]++)
#define MIB_ADD(ns, which, n) ((ns)->mib[MIB_##which] += (u64)(n))

/* A keyed hash (SipHash-2-4) of bytes. */
u64 net_siphash(struct netstack *ns, const void *data, size_t size);

/* nf/conntrack.c: a packet's reference to its connection. */
struct nf_conn;
void nf_conn_get(struct nf_conn *c);
void nf_conn_put(struct netstack *ns, struct nf_conn *c);

/* Empties the work queue and tells the environment when to come again: the end of every entry point. */
void net_leave(struct netstack *ns);
/* Puts a received packet into the work queue. */
void net_queue_work(struct netstack *ns, struct pkt *p);

/* ---- interfaces ---- */
struct net_ifaddr {
	struct list_head node;
	struct netif *nif;
	struct ip_addr addr;
	u32 prefix_len, flags;
	u8 scope;
	u32 dad_left;
	struct net_timer timer; /* duplicate address detection, or the end of its life */
	u64 valid_until, preferred_until, created;
};

struct net_membership {
	struct list_head node;
	struct netif *nif;
	struct ip_addr group;
	u32 users;               /* 0: left, which is still being told */
	struct net_timer report; /* IGMP or MLD: a report is due */
	u32 reports_left;        /* of a change */
	bool asked;              /* the next report answers a query */
};

struct netif {
	struct list_head node;
	struct netstack *ns;
	char name[NETIF_NAME];
	u32 index, mtu, flags, features;
	bool ethernet, removed;
	u8 hwaddr[6];
	const struct netif_ops *ops;
	void *link;
	struct list_head addrs;            /* struct net_ifaddr */
	struct list_head groups;           /* struct net_membership */
	u64 old_igmp_until, old_mld_until; /* a router of an older version was heard: spoken to in its own */
	u8 old_igmp;                       /* that version: 1 or 2 */
	struct netif_stats stats;
	void (*tap)(void *ctx, const struct pkt *p, bool out);
	void *tap_ctx;
	u32 promisc_users;
	/* IPv6 on it */
	struct net_timer rs_timer;
	u32 rs_left, hop_limit;
	u32 mtu6; /* what a router said, at most mtu; 0: nothing */
	bool no_ipv6;
};

/* Sends a packet that begins with its network header to the neighbour `next`. Takes it over. */
int netif_output(struct netif *nif, struct pkt *p, const struct ip_addr *next) must_check;
/* Sends a whole frame: cuts and checksums what the link cannot. Takes it over. */
int netif_xmit(struct netif *nif, struct pkt *p);
struct net_ifaddr *netif_find_addr(struct netif *nif, const struct ip_addr *a);
/* Is it an address of ours, on any interface that is up? Its interface, or NULL. */
struct net_ifaddr *net_local_addr(struct netstack *ns, const struct ip_addr *a);
void netif_receive_now(struct netif *nif, struct pkt *p);
int loopback_add(struct netstack *ns) must_check;
/* Cuts a packet with gso set into a list of frames with finished checksums. Takes it over. */
int gso_cut(struct pkt *p, struct list_head *out) must_check;
enum {
	NOTIFY_LINK,
	NOTIFY_ADDR_NEW,
	NOTIFY_ADDR_DEL,
	NOTIFY_ROUTE_NEW,
	NOTIFY_ROUTE_DEL,
	NOTIFY_LINK_DEL,
	NOTIFY_RULE_NEW,
	NOTIFY_RULE_DEL
};
static inline void net_notify(struct netstack *ns, int what, const void *object)
{
	if (ns->notify)
		ns->notify(ns->notify_ctx, what, object);
}

#endif

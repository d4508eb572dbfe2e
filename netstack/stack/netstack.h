/*
 * netstack.h - a TCP/IP stack as a library: instances, their environment, interfaces, addresses, routes.
 *
 * An instance (struct netstack) is what Linux calls a network namespace: interfaces, addresses, routes,
 * neighbours, sockets, counters. It has no globals and no threads. Everything it needs from outside comes
 * through struct net_env: clocks, random bytes, memory, and one call that says when netstack_run() is wanted
 * next. All of its state lies in memory from env->alloc and holds no pointers elsewhere but to code and to
 * the owner's objects, so whoever checkpoints that memory has checkpointed the stack.
 *
 * How a packet goes: a socket call or a link hands something in; output reaches a link at once; what loopback
 * receives is put into the instance's work queue, which every entry point empties before it returns. So
 * nothing recurses, and a request over loopback is answered within the call that sent it.
 *
 * Functions return 0 (or a count) or a negative errno. Nothing blocks: -EAGAIN, and sock->event says when to
 * come again.
 */
#ifndef WARREN_NETSTACK_NETSTACK_H
#define WARREN_NETSTACK_NETSTACK_H

#include "netstack/wire/addr.h"
#include "sandbox/base/list.h"

struct netstack;
struct netif;
struct pkt;

struct net_env {
	void *ctx;
	u64 (*monotonic)(void *ctx); /* ns */
	u64 (*realtime)(void *ctx);
	void (*random)(void *ctx, void *buf, size_t size);
	void *(*alloc)(void *ctx, size_t size, const char *type); /* NULL without memory; not cleared */
	void (*free)(void *ctx, void *p);
	/* netstack_run() is due at this time of the monotonic clock (TIME_NEVER: not at all) */
	void (*timer)(void *ctx, u64 deadline_ns);
};

/* A stack with a loopback interface (index 1, down as in a new network namespace). */
int netstack_new(const struct net_env *env, struct netstack **out) must_check;
/* Frees everything; no socket of it may be left with its owner. */
void netstack_free(struct netstack *ns);
/* Due timers and waiting packets. */
void netstack_run(struct netstack *ns);

/* Bytes on their way between a caller's buffers and the stack. `copy` moves up to n bytes and returns how
 * many or a negative errno; it may let other users of the stack run. */
struct net_iter {
	s64 (*copy)(struct net_iter *it, void *stack_side, size_t n);
	size_t left;
};

/* ---- interfaces ---- */
#define NETIF_NAME 16U
enum {
	NETIF_UP = 0x1,
	NETIF_BROADCAST = 0x2,
	NETIF_LOOPBACK = 0x8,
	NETIF_RUNNING = 0x40,
	NETIF_NOARP = 0x80,
	NETIF_PROMISC = 0x100,
	NETIF_ALLMULTI = 0x200,
	NETIF_MULTICAST = 0x1000,
	NETIF_LOWER_UP = 0x10000
};
/* What a link can do by itself. */
enum {
	LINK_CSUM_OUT = 1, /* takes packets whose checksum is partial */
	LINK_GSO_TCP4 = 2, /* cuts TCP segments of up to 64 KiB */
	LINK_GSO_TCP6 = 4,
	LINK_GSO_UDP = 8,
	LINK_CSUM_TRUST = 16 /* received checksums need no look (loopback) */
};

struct netif_stats {
	u64 rx_packets, rx_bytes, rx_errors, rx_dropped, tx_packets, tx_bytes, tx_errors, tx_dropped,
	    multicast;
};

/* A link: what stands below an interface. */
struct netif_ops {
	/* Takes a whole frame over. 0 or -errno (it is counted as dropped). */
	int (*send)(struct netif *nif, struct pkt *p);
	/* The interface goes; may be NULL. */
	void (*remove)(struct netif *nif);
};

struct netif_config {
	const char *name;
	const struct netif_ops *ops;
	void *link; /* the link's own */
	u32 mtu, features;
	bool ethernet; /* else packets begin with the IP header */
	u8 hwaddr[6];
};

int netif_add(struct netstack *ns, const struct netif_config *config, struct netif **out) must_check;
void netif_remove(struct netif *nif);
struct netif *netif_by_index(struct netstack *ns, u32 index);
struct netif *netif_by_name(struct netstack *ns, const char *name);
/* The one after `prev` (NULL: the first), or NULL. */
struct netif *netif_next(struct netstack *ns, struct netif *prev);
int netif_set_up(struct netif *nif, bool up) must_check;
int netif_set_mtu(struct netif *nif, u32 mtu) must_check;
/* The link hands a received frame over. Call netstack_run() after a batch. */
void netif_receive(struct netif *nif, struct pkt *p);
/* Has every frame in and out shown to `tap` (NULL: no more): captures. */
void netif_set_tap(struct netif *nif, void (*tap)(void *ctx, const struct pkt *p, bool out), void *ctx);

/* ---- addresses ---- */
enum {
	IFA_PERMANENT = 0x80,
	IFA_TENTATIVE = 0x40,
	IFA_DADFAILED = 0x08,
	IFA_NODAD = 0x02,
	IFA_DEPRECATED = 0x20
};
enum { SCOPE_UNIVERSE = 0, SCOPE_SITE = 200, SCOPE_LINK = 253, SCOPE_HOST = 254, SCOPE_NOWHERE = 255 };
int netif_addr_add(struct netif *nif, struct ip_addr addr, u32 prefix_len, u32 flags) must_check;
int netif_addr_del(struct netif *nif, struct ip_addr addr, u32 prefix_len) must_check;

/* ---- routes ---- */
enum {
	ROUTE_UNICAST = 1,
	ROUTE_LOCAL = 2,
	ROUTE_BROADCAST = 3,
	ROUTE_BLACKHOLE = 6,
	ROUTE_UNREACHABLE = 7,
	ROUTE_PROHIBIT = 8
};
enum { RTPROTO_KERNEL = 2, RTPROTO_BOOT = 3, RTPROTO_STATIC = 4, RTPROTO_RA = 9 };
#define RT_TABLE_DEFAULT 253U
#define RT_TABLE_MAIN    254U
#define RT_TABLE_LOCAL   255U
struct net_route {
	struct list_head node;
	struct ip_addr dst, gateway, source; /* any: none */
	u32 prefix_len, metric, table;
	u8 type, protocol, scope;
	struct netif *nif; /* NULL for types without one */
	u64 expires;       /* TIME_NEVER, or when a router's word ends */
};
int net_route_add(struct netstack *ns, const struct net_route *route) must_check;
/* Removes the first that agrees in all that is given (metric 0, NULL nif, any gateway: whatever). -ESRCH. */
int net_route_del(struct netstack *ns, const struct net_route *route) must_check;

/* ---- rules: which table is asked ---- */
enum { RULE_TO_TABLE = 1, RULE_BLACKHOLE = 6, RULE_UNREACHABLE = 7, RULE_PROHIBIT = 8 }; /* as FR_ACT_* */
struct net_rule {
	struct list_head node;
	u32 priority, src_len, dst_len, oif, table;
	bool v6;
	u8 action, protocol;
	struct ip_addr src, dst; /* any of the family with a length of 0 */
};
int net_rule_add(struct netstack *ns, const struct net_rule *rule) must_check;
/* The first that agrees in all that is given (priority, table, action 0: whatever). -ENOENT. */
int net_rule_del(struct netstack *ns, const struct net_rule *rule) must_check;
/* In order of priority; NULL at the end. */
const struct net_rule *net_rule_next(struct netstack *ns, bool v6, const struct net_rule *prev);

#endif

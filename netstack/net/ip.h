/*
 * ip.h - the network layer: routes to paths, sending and receiving of IPv4 and IPv6, ICMP, neighbours.
 */
#ifndef WARREN_NETSTACK_IP_H
#define WARREN_NETSTACK_IP_H

#include "netstack/stack/stack_priv.h"

struct net_ep;

/* Where packets to one destination go. Valid while gen == ns->route_gen. */
struct net_path {
	struct netif *nif;
	struct ip_addr next_hop, src;
	u32 mtu, gen;
	u8 type; /* ROUTE_UNICAST, ROUTE_LOCAL or ROUTE_BROADCAST; multicast is unicast with a multicast next
		    hop */
};

/* Finds the path to dst. src: any, or an address the sender insists on; oif: 0 or an interface. -ENETUNREACH,
 * -EHOSTUNREACH, -EACCES, -EINVAL. */
int net_route_lookup(struct netstack *ns, const struct ip_addr *dst, const struct ip_addr *src, u32 oif,
		     struct net_path *out) must_check;
/* Is it the broadcast address of a network of ours? */
bool net_is_broadcast(struct netstack *ns, const struct ip_addr *a);
/* The best source on an interface for a destination; false if there is none. */
bool net_pick_source(struct netstack *ns, struct netif *nif, const struct ip_addr *dst, struct ip_addr *out);
/* A route that ends some day lives on until `expires`. */
void net_route_renew(struct netstack *ns, struct net_route *r, u64 expires);
void net_route_timer(struct net_timer *t);
void net_routes_drop(struct netstack *ns, struct netif *nif, const struct ip_addr *source);

/* ---- rules ---- */
int net_rules_init(struct netstack *ns) must_check;
void net_rules_free(struct netstack *ns);
bool net_rule_matches(const struct net_rule *r, const struct ip_addr *dst, const struct ip_addr *src,
		      u32 oif);

/* ---- path MTU ---- */
void net_pmtu_learn(struct netstack *ns, const struct ip_addr *dst, u32 mtu);
u32 net_pmtu_get(struct netstack *ns, const struct ip_addr *dst, u32 link_mtu);
void net_pmtu_free(struct netstack *ns);

/* ---- redirects: redirect.c ---- */
/* `from` says that `dst` is better reached by `to`. True if it is believed. */
bool net_redirect_learn(struct netif *nif, const struct ip_addr *dst, const struct ip_addr *from,
			const struct ip_addr *to);
/* A path by a router, as it was redirected. */
void net_redirect_apply(struct netstack *ns, const struct ip_addr *dst, struct net_path *path);
/* Forgets what is over; when the next one is. */
u64 net_redirects_expire(struct netstack *ns);
/* Those of an interface, or (NULL) all. */
void net_redirects_drop(struct netstack *ns, const struct netif *nif);

/* What a transport wants of the network header. */
struct ip_tx {
	struct ip_addr src, dst;
	u8 proto, tos, ttl;  /* ttl 0: the default */
	bool dont_frag;      /* -EMSGSIZE if it does not fit */
	bool want_df;        /* forbid routers to cut it, if it fits */
	bool host_only;      /* a group's packet that does not leave the machine (TTL 0) */
	bool local_only_mtu; /* fragment to the link's MTU, not the path's (IP_PMTUDISC_PROBE) */
	u32 flow_label, oif;
	const u8 *options; /* IPv4, padded to 4 */
	u32 option_size;
	const struct net_ep *owner; /* whose it is, for filters; NULL: the stack's own */
};
/* Sends a packet that begins with its transport header. Takes it over. -EMSGSIZE with dont_frag. */
int ip_send(struct netstack *ns, struct pkt *p, const struct ip_tx *tx, const struct net_path *path);
/* Finds the path and sends. */
int ip_send_routed(struct netstack *ns, struct pkt *p, const struct ip_tx *tx, u32 oif);
int ipv4_send(struct netstack *ns, struct pkt *p, const struct ip_tx *tx, const struct net_path *path);
int ipv6_send(struct netstack *ns, struct pkt *p, const struct ip_tx *tx, const struct net_path *path);
/* Sends a packet that has its network header; whole, or in fragments if `may_frag`. */
int ipv4_emit(struct netstack *ns, struct pkt *p, const struct net_path *path, u32 mtu, bool may_frag,
	      const struct net_ep *owner);

/* Filters and translation for a packet that has its header; on an error it is freed. */
int ipv6_filter_out(struct netstack *ns, struct pkt *p, const struct net_ep *owner,
		    struct net_path *path) must_check;

/* Received packets that begin with a network header; they take the packet over. */
void ipv4_input(struct netif *nif, struct pkt *p);
void ipv6_input(struct netif *nif, struct pkt *p);
/* To the transport: src, dst, l4_off, l4_proto are set. True if some transport knows the protocol. */
bool ip_deliver(struct netstack *ns, struct pkt *p);

/* A fragment comes in (src, dst, ident, place known); the whole packet or NULL. `p` begins with its network
 * header and is taken over. */
struct pkt *ip_reassemble(struct netif *nif, struct pkt *p, u32 ident, u32 offset, bool more, u32 header_size,
			  u32 next_off);
void ip_frags_drop(struct netstack *ns, const struct netif *nif);
void ip_frags_free(struct netstack *ns);
void ip_frag_timeout(struct net_timer *t);

/* ---- ICMP ---- */
void icmp_input(struct netif *nif, struct pkt *p);
void icmpv6_input(struct netif *nif, struct pkt *p);
/* An error about `p`, which begins with its network header and stays the caller's. */
void icmp_error(struct netstack *ns, struct pkt *p, u8 type, u8 code, u32 info);
void icmpv6_error(struct netstack *ns, struct pkt *p, u8 type, u8 code, u32 info);
/* "Port unreachable" in the packet's family. */
void icmp_port_unreachable(struct netstack *ns, struct pkt *p);
bool icmp_may_send(struct netstack *ns);

/* What an ICMP error said about a packet of ours, for the transport. */
struct icmp_event {
	struct ip_addr src, dst; /* of our packet */
	struct ip_addr offender; /* who says so */
	u8 proto, type, code;
	bool v6, fatal; /* fatal: ends connection attempts and is told as errno */
	int error;      /* positive errno */
	u32 info;       /* the MTU */
	const u8 *l4;   /* the first 8 bytes of our transport header */
	struct pkt *p;  /* the error; l4_at: where our transport header stands in it */
	u32 l4_at;
};
void ip_error_deliver(struct netstack *ns, const struct icmp_event *e);

/* ---- neighbours ---- */
enum {
	NUD_INCOMPLETE = 0x01,
	NUD_REACHABLE = 0x02,
	NUD_STALE = 0x04,
	NUD_DELAY = 0x08,
	NUD_PROBE = 0x10,
	NUD_FAILED = 0x20,
	NUD_NOARP = 0x40,
	NUD_PERMANENT = 0x80
};
struct net_neigh {
	struct list_head node;
	struct netif *nif;
	struct ip_addr addr;
	u8 mac[6];
	u8 state;
	bool router;
	u32 probes;
	u64 used, confirmed, updated;
	struct net_timer timer;
	struct list_head waiting; /* packets */
	u32 waiting_count;
};
/* Sends to a neighbour, asking for its address first if need be. Takes p over. */
int neigh_output(struct netif *nif, struct pkt *p, const struct ip_addr *next);
struct net_neigh *neigh_find(struct netif *nif, const struct ip_addr *addr);
/* Somebody said what the address of a neighbour is. `create`: also if we never asked. */
void neigh_update(struct netif *nif, const struct ip_addr *addr, const u8 mac[6], bool solicited,
		  bool override, bool create);
int neigh_set(struct netif *nif, const struct ip_addr *addr, const u8 mac[6], u8 state) must_check;
int neigh_del(struct netif *nif, const struct ip_addr *addr) must_check;
/* It answered a solicitation without repeating its address. */
void neigh_heard(struct netif *nif, const struct ip_addr *addr);
/* The transport heard from it: it is there. */
void neigh_confirm(struct netif *nif, const struct ip_addr *addr);
void neigh_flush(struct netstack *ns, struct netif *nif);
void arp_input(struct netif *nif, struct pkt *p);
void arp_ask(struct netif *nif, const struct ip_addr *target, const u8 *mac);
void arp_announce(struct netif *nif, const struct ip_addr *addr);
void ndp_ask(struct netif *nif, const struct ip_addr *target, const u8 *mac);
void ndp_input(struct netif *nif, struct pkt *p, u8 type);
/* An IPv6 address was added: duplicate address detection. */
void ndp_addr_start(struct net_ifaddr *a);
/* The interface came up: link-local address, router solicitation. */
void ndp_link_up(struct netif *nif);
void ndp_netif_init(struct netif *nif);
void ndp_netif_done(struct netif *nif);
void ether_multicast(const struct ip_addr *group, u8 mac[6]);
/* Sends a frame to a known address. Takes it over. */
int ether_send(struct netif *nif, struct pkt *p, const u8 dst[6], u32 type);

/* ---- multicast membership ---- */
int mcast_join(struct netif *nif, const struct ip_addr *group) must_check;
int mcast_leave(struct netif *nif, const struct ip_addr *group) must_check;
bool mcast_member(const struct netif *nif, const struct ip_addr *group);
void mcast_link_up(struct netif *nif);
void mcast_free(struct netif *nif);
void igmp_input(struct netif *nif, struct pkt *p);
void mld_input(struct netif *nif, struct pkt *p, u8 type);

#endif

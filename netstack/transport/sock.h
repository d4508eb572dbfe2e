/*
 * sock.h - sockets of the stack: what all protocols share, and the calls of each.
 *
 * A struct net_ep says which packets belong to something: a socket, but also a connection request or a
 * connection in TIME_WAIT, which are much smaller than a socket. Connected ones are found by both ends
 * (ns->flows), TCP's listeners and UDP's unconnected ones by local port.
 *
 * A socket belongs to its owner until sock_close(); a TCP connection may live on after that until its data is
 * delivered. sock->event tells the owner of changes; it must not call back into the stack.
 */
#ifndef WARREN_NETSTACK_SOCK_H
#define WARREN_NETSTACK_SOCK_H

#include "netstack/net/ip.h"
#include "netstack/transport/filter.h"

enum ep_kind { EP_TCP, EP_TCP_REQUEST, EP_TCP_TIME_WAIT, EP_UDP, EP_RAW, EP_PING };

struct net_ep {
	struct net_hnode flow_node, port_node;
	struct netstack *ns;
	u8 kind, proto;
	bool v6, v6only;           /* an AF_INET6 socket; without IPv4 */
	bool reuseaddr, reuseport; /* SO_REUSEADDR, SO_REUSEPORT */
	bool bound;                /* by bind(2), not by connect(2) */
	bool listening;
	u16 lport, rport;
	u32 bound_if, uid, gid;
	struct ip_addr laddr, raddr;
};

/* events for sock->event: as poll(2)'s bits */
enum { SOCK_IN = 0x1, SOCK_PRI = 0x2, SOCK_OUT = 0x4, SOCK_ERR = 0x8, SOCK_HUP = 0x10, SOCK_RDHUP = 0x2000 };

/* An error as IP_RECVERR tells it. */
struct sock_error {
	struct list_head node;
	u32 error;
	u8 origin, type, code; /* origin: 1 local, 2 ICMP, 3 ICMPv6 */
	u32 info;
	struct ip_addr offender, dst;
	u16 dport;
	struct pkt *p; /* what the error quotes of our payload; may be NULL */
};

struct sock_membership {
	struct list_head node;
	struct ip_addr group;
	u32 ifindex;
};

struct net_sock {
	struct net_ep ep;
	void *owner;
	void (*event)(struct net_sock *sk, u32 events);
	int error; /* positive errno, told once */
	bool shut_read, shut_write;
	/* options */
	u32 sndbuf, rcvbuf;
	u8 tos, tclass;
	s16 ttl, hops, mcast_ttl, mcast_hops; /* -1: the default */
	bool mcast_all;                       /* IP_MULTICAST_ALL */
	bool mcast_loop, mcast6_loop, broadcast, no_check, freebind;
	u8 pmtudisc; /* IP_PMTUDISC_* */
	u32 mcast_if, flow_label;
	bool recverr;
	u32 opts;                /* for the owner: what to tell of each packet received */
	struct net_path path;    /* cached */
	struct list_head queue;  /* received packets (not TCP) */
	u32 queued;              /* their truesize */
	u32 sending;             /* bytes on their way that still count against sndbuf (not TCP) */
	struct list_head errors; /* struct sock_error */
	u32 error_count;
	struct list_head groups; /* struct sock_membership */
	u64 drops;
	struct net_filter *filter; /* SO_ATTACH_FILTER, owned; NULL: none */
	/* raw and packet sockets */
	struct list_head raw_node;
	bool hdrincl;
	u8 icmp_filter[32]; /* ICMPv6: bit set: blocked; ICMP: the first four bytes */
	s32 csum_offset;    /* IPV6_CHECKSUM, -1: none */
	/* UDP */
	u16 gso_size;
	bool gro, udp_corked;
	struct udp_cork *cork; /* a datagram being gathered */
};

enum { PMTUDISC_DONT, PMTUDISC_WANT, PMTUDISC_DO, PMTUDISC_PROBE, PMTUDISC_INTERFACE, PMTUDISC_OMIT };

/* ---- all kinds ---- */
void sock_init(struct net_sock *sk, struct netstack *ns, enum ep_kind kind, u32 proto, bool v6);
void sock_event(struct net_sock *sk, u32 events);
/* Sets an error and tells the owner. */
void sock_set_error(struct net_sock *sk, int error);
/* The error, once, as negative errno; 0 if there is none. */
int sock_take_error(struct net_sock *sk);
/* Queues an error for IP_RECVERR; takes p over. */
void sock_queue_error(struct net_sock *sk, const struct sock_error *e, struct pkt *p);
struct sock_error *sock_next_error(struct net_sock *sk);
void sock_error_free(struct netstack *ns, struct sock_error *e);
/* Gives a local address and port; port 0: any. -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL (bound already). */
int sock_bind(struct net_sock *sk, const struct ip_addr *addr, u32 port) must_check;
/* Chooses a port for a socket that has none. */
int sock_autobind(struct net_sock *sk) must_check;
void sock_unbind(struct net_ep *ep);
/* Puts into the table of ports without questions (children of a listener). */
void sock_share_port(struct net_ep *ep);
u64 sock_flow_hash(struct netstack *ns, u32 proto, const struct ip_addr *l, u32 lport,
		   const struct ip_addr *r, u32 rport);
void sock_flow_add(struct net_ep *ep);
void sock_flow_del(struct net_ep *ep);
u32 sock_port_hash(u32 proto, u32 port);
/* The endpoint connected this way, or NULL. */
struct net_ep *sock_flow_find(struct netstack *ns, u32 proto, const struct ip_addr *l, u32 lport,
			      const struct ip_addr *r, u32 rport, u32 ifindex);
/* Chooses a source port for a TCP connection whose ends are set but for lport. -EADDRNOTAVAIL. */
int sock_connect_port(struct net_sock *sk) must_check;
/* How well an unconnected endpoint fits a packet; -1: not at all. */
int sock_score(const struct net_ep *ep, const struct ip_addr *l, const struct ip_addr *r, u32 rport,
	       u32 ifindex);
/* Brings sk->path up to date for its peer. */
int sock_route(struct net_sock *sk) must_check;
u32 sock_ttl(const struct net_sock *sk, const struct ip_addr *dst);
int sock_join(struct net_sock *sk, const struct ip_addr *group, u32 ifindex) must_check;
int sock_leave(struct net_sock *sk, const struct ip_addr *group, u32 ifindex) must_check;
bool sock_in_group(const struct net_sock *sk, const struct pkt *p);
/* Lets the socket's filter look at a packet from `start` on, whose first `keep` bytes stay whatever it says.
 * False: the packet is not for this socket. */
bool sock_filter(struct net_sock *sk, struct pkt *p, u32 start, u32 keep);
/* Queues a received packet; drops it if the receive buffer is full. Takes it over. */
void sock_queue(struct net_sock *sk, struct pkt *p);
/* What every kind frees. */
void sock_done(struct net_sock *sk);
void sock_netif_gone(struct netstack *ns, struct netif *nif);
void sock_free_orphans(struct netstack *ns);
/* Calls fn for each endpoint in the tables of flows and ports (proc, netlink). */
void sock_walk(struct netstack *ns, void (*fn)(struct net_ep *ep, void *arg), void *arg);

/* ---- datagrams: UDP, raw, ping ---- */
struct dgram_msg {
	struct net_iter *iter;
	const struct ip_addr *dst; /* NULL: the connected one */
	u32 dport;
	u32 scope_if; /* sin6_scope_id */
	/* control messages */
	const struct ip_addr *src; /* IP_PKTINFO; NULL: ours */
	u32 oif;
	s32 ttl, tos; /* -1: the socket's */
	u32 gso_size; /* UDP_SEGMENT; 0: the socket's */
	bool dont_route;
	bool more; /* MSG_MORE: the datagram is not whole yet (UDP) */
};
int udp_new(struct netstack *ns, bool v6, struct net_sock **out) must_check;
int dgram_connect(struct net_sock *sk, const struct ip_addr *addr, u32 port) must_check;
int dgram_disconnect(struct net_sock *sk) must_check;
s64 udp_send(struct net_sock *sk, struct dgram_msg *m) must_check;
/* Sends what UDP_CORK or MSG_MORE has gathered; 0 if there is nothing. */
int udp_flush(struct net_sock *sk) must_check;
void udp_uncork(struct net_sock *sk);
/* The next packet received: beginning with its payload (raw IPv4: with its IP header); the caller frees it,
 * or looks only (peek). -EAGAIN, or the socket's error. */
int dgram_receive(struct net_sock *sk, bool peek, struct pkt **out) must_check;
int dgram_shutdown(struct net_sock *sk, bool read, bool write) must_check;
void dgram_close(struct net_sock *sk);
u32 dgram_poll(const struct net_sock *sk);
/* proto: the IP protocol; EP_PING for unprivileged echo sockets. */
int raw_new(struct netstack *ns, bool v6, u32 proto, bool ping, struct net_sock **out) must_check;
s64 raw_send(struct net_sock *sk, struct dgram_msg *m) must_check;

/* For the protocols: the way of a message, its bytes into a packet. */
int dgram_way(struct net_sock *sk, const struct dgram_msg *m, struct ip_tx *tx,
	      struct net_path *path) must_check;
/* Brings a way up to date that was found before something else could run. */
int dgram_refresh(struct netstack *ns, const struct ip_tx *tx, struct net_path *path) must_check;
int dgram_fill(struct pkt *p, struct net_iter *it) must_check;

void udp_input(struct netstack *ns, struct pkt *p);
void udp_icmp(struct netstack *ns, const struct icmp_event *e);
bool sock_raw_input(struct netstack *ns, struct pkt *p);
void sock_raw_icmp(struct netstack *ns, const struct icmp_event *e);
void sock_ping_input(struct netstack *ns, struct pkt *p, u32 ident);

/* ---- packet sockets ---- */
struct packet_sock {
	struct list_head node;
	struct netstack *ns;
	void *owner;
	void (*event)(struct packet_sock *ps);
	/* Given every frame that would be queued, at its begin as this socket sees it, and how much of it is
	 * wanted; false: it is lost. It must not call back. NULL: they are queued. */
	bool (*take)(struct packet_sock *ps, const struct netif *nif, struct pkt *frame, u32 keep);
	bool ignore_outgoing;
	bool cooked; /* SOCK_DGRAM: without the link header */
	u32 ifindex; /* 0: all */
	u16 protocol;
	u32 rcvbuf, queued;
	u64 packets, drops;
	bool promisc; /* PACKET_MR_PROMISC, on promisc_if */
	u32 promisc_if;
	bool sending;              /* within packet_send() */
	int error;                 /* positive errno, told once */
	struct net_filter *filter; /* owned; NULL: none */
	struct list_head queue;
};
int packet_new(struct netstack *ns, bool cooked, u32 protocol, struct packet_sock **out) must_check;
int packet_receive(struct packet_sock *ps, bool peek, struct pkt **out) must_check;
/* A whole frame, or with `dst` (cooked) what follows the link header. */
s64 packet_send(struct packet_sock *ps, struct net_iter *it, u32 ifindex, u32 protocol,
		const u8 *dst) must_check;
void packet_close(struct packet_sock *ps);
/* What is queued is thrown away. */
void packet_forget(struct packet_sock *ps);
/* -ENODEV; -EADDRNOTAVAIL if it was not on. */
int packet_set_promisc(struct packet_sock *ps, u32 ifindex, bool on) must_check;
void packet_netif_gone(struct netstack *ns, struct netif *nif);
void sock_packet_input(struct netif *nif, struct pkt *p, u32 link_size);
void sock_packet_output(struct netif *nif, struct pkt *p);

/* ---- TCP ---- */
void tcp_input(struct netstack *ns, struct pkt *p);
void tcp_icmp(struct netstack *ns, const struct icmp_event *e);

#endif

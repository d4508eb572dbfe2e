/*
 * inet_priv.h - AF_INET and AF_INET6 sockets: a struct socket in front of a socket of the TCP/IP library.
 *
 * The library's calls never wait; here is the waiting, the guest's view of addresses, options and control
 * messages, and what Linux checks before the protocol sees a call. The library's socket tells of changes by
 * its event, which wakes `wait`.
 */
#ifndef WARREN_SOCKET_INET_PRIV_H
#define WARREN_SOCKET_INET_PRIV_H

#include "netstack/transport/sock.h"
#include "netstack/transport/tcp.h"
#include "sandbox/abi/inet.h"
#include "sandbox/kernel/wait.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/socket/net_ns.h"
#include "sandbox/socket/socket.h"

/* What the owner wants to be told of each datagram (inet_sock.tell), beside level IPPROTO_IP or IPPROTO_IPV6
 */
enum {
	TELL_PKTINFO = 0x1,
	TELL_TTL = 0x2,
	TELL_TOS = 0x4,
	TELL_ORIGDST = 0x8,
	TELL6_PKTINFO = 0x10,
	TELL6_HOPLIMIT = 0x20,
	TELL6_TCLASS = 0x40,
	TELL_TIMESTAMP = 0x80,
	TELL_TIMESTAMPNS = 0x100,
	TELL_DROPS = 0x200,
	TELL_GRO = 0x400,
	TELL_NEW = 0x800 /* timestamps by the types of 2038 */
};

struct inet_sock {
	struct socket sock;
	struct list_head node; /* in net_state.inet_socks */
	struct net_ns *net;    /* counted */
	struct net_sock *sk;
	struct wait_queue wait;
	u32 tell;
	bool connecting; /* TCP: a connect(2) was begun and its end not yet told */
	bool dontroute, oobinline, recverr4, recverr6, transparent;
	bool late_port; /* IP_BIND_ADDRESS_NO_PORT */
	u32 mark;
	u64 last_stamp_ns;         /* of the last datagram received: SIOCGSTAMP */
	struct ip_addr mcast_addr; /* IP_MULTICAST_IF as it was given */
};

static inline struct inet_sock *inet_of(struct socket *s)
{
	return container_of(s, struct inet_sock, sock);
}

static inline struct netstack *inet_stack(const struct inet_sock *i)
{
	return net_ns_stack(i->net);
}

static inline bool inet_is_v6(const struct inet_sock *i)
{
	return i->sock.family == LINUX_AF_INET6;
}

/* A library socket's bytes from or to the guest. */
struct inet_iter {
	struct net_iter it;
	struct uio *u;
};
void inet_iter_init(struct inet_iter *it, struct uio *u);

/* poll(2)'s bits of the library's events. */
u32 inet_poll_events(u32 events);
/* A socket around `sk`, which it takes over; NULL without memory (sk is closed). */
struct inet_sock *inet_wrap(struct net_ns *net, struct net_sock *sk, const struct socket_ops *ops, int family,
			    int type, int protocol) must_check;
/* Frees what inet_wrap() made; sk is closed already. */
void inet_free(struct inet_sock *i);

/* ---- addresses: inet_addr.c ---- */
struct inet_name {
	struct ip_addr addr;
	u32 port, scope, flowinfo;
};
/* An address to connect or send to. -EINVAL, -EAFNOSUPPORT, -ENETUNREACH. */
int inet_name_in(const struct inet_sock *i, const struct sockaddr_k *from, struct inet_name *out) must_check;
void inet_name_out(const struct inet_sock *i, const struct ip_addr *addr, u32 port, u32 ifindex,
		   struct sockaddr_k *out);
int inet_bind(struct socket *s, const struct sockaddr_k *addr);
int inet_name(struct socket *s, bool peer, struct sockaddr_k *out);
/* The family of an address, 0 if it is too short to have one. */
u16 sockaddr_family(const struct sockaddr_k *a);

/* ---- options: inet_opt.c, inet_opt_ip.c, inet_opt_ip6.c ---- */
s64 inet_getsockopt(struct socket *s, int level, int name, void *value, size_t size);
int inet_setsockopt(struct socket *s, int level, int name, const void *value, size_t size);
s64 inet_get_ip(struct inet_sock *i, int name, void *value, size_t size) must_check;
int inet_set_ip(struct inet_sock *i, int name, const void *value, size_t size) must_check;
s64 inet_get_ip6(struct inet_sock *i, int name, void *value, size_t size) must_check;
int inet_set_ip6(struct inet_sock *i, int name, const void *value, size_t size) must_check;
/* An int option's value; a byte will do where Linux takes one. */
int inet_opt_int(const void *value, size_t size, bool byte_ok, s32 *out) must_check;

/* iptables' options: inet_nf.c. -ENOPROTOOPT: not one of them. */
int inet_nf_set(struct inet_sock *i, int level, int name, const void *value, size_t size) must_check;

/* ---- control messages: inet_cmsg.c ---- */
/* What a sender's control messages say; IP addresses point into `store`. */
struct inet_cmsg_in {
	struct ip_addr src;
};
int inet_cmsg_in(struct inet_sock *i, const struct socket_control *c, struct dgram_msg *m,
		 struct inet_cmsg_in *store) must_check;
/* What the receiver of p wants to know. 0 or -ENOMEM. */
int inet_cmsg_out(struct inet_sock *i, const struct pkt *p, struct socket_control *c) must_check;
/* MSG_ERRQUEUE. */
s64 inet_receive_error(struct inet_sock *i, struct socket_msg *m) must_check;

/* ---- ioctls: inet_ioctl.c ---- */
s64 inet_ioctl(struct socket *s, u32 cmd, u64 arg);

/* Payload of a packet from `off` on to a guest. Bytes or -errno. */
s64 pkt_to_uio(const struct pkt *p, u32 off, struct uio *u, size_t n) must_check;
/* A datagram's sender: EPIPE with its signal, unless MSG_NOSIGNAL. */
s64 inet_broken_pipe(const struct socket_msg *m);

extern const struct socket_ops inet_tcp_ops, inet_dgram_ops;

#endif

/*
 * net_ns.h - what a network namespace holds: an instance of the TCP/IP stack, and who listens to its changes.
 *
 * The stack's memory comes from the arena and its clock and timer from the loop, so a checkpoint holds it
 * whole. Sockets count the namespace they were made in: it cannot go while they are there.
 */
#ifndef WARREN_SOCKET_NET_NS_H
#define WARREN_SOCKET_NET_NS_H

#include "netstack/stack/netstack.h"
#include "sandbox/kernel/ns.h"
#include "sandbox/kernel/sched.h"

struct net_state {
	struct net_ns *ns; /* borrowed: it owns us */
	struct netstack *stack;
	struct timer timer;
	struct list_head inet_socks;    /* struct inet_sock.node: all of them */
	struct list_head packet_socks;  /* struct packet_socket.node */
	struct list_head taps;          /* struct net_tap.node */
	struct list_head netlink_socks; /* struct netlink_sock.node */
	u32 unprivileged_port;          /* the first that needs no capability */
	u32 ping_gid_min, ping_gid_max;
};

/* The stack of the namespace that the current task is in. */
struct net_ns *net_ns_current(void);
static inline struct netstack *net_ns_stack(const struct net_ns *n)
{
	return n->state->stack;
}
/* May the current task govern it? */
bool net_ns_capable(const struct net_ns *n, int cap);

/* netdevice(7), for sockets of every family; -ENOTTY. net_ioctl.c */
s64 net_device_ioctl(struct net_ns *net, u32 cmd, u64 arg) must_check;

#endif

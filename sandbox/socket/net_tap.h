/*
 * net_tap.h - a network interface of the guest over a TAP device that the supervisor has opened.
 */
#ifndef WARREN_SOCKET_NET_TAP_H
#define WARREN_SOCKET_NET_TAP_H

#include "netstack/wire/addr.h"
#include "sandbox/base/host_fd.h"
#include "sandbox/kernel/sched.h"
#include "sandbox/socket/net_ns.h"

struct tap;

struct net_tap {
	struct list_head node; /* in net_state.taps */
	struct net_ns *ns;     /* borrowed: it owns us */
	struct tap *tap;
	struct host_fd *fd; /* counted */
	struct host_poll poll;
	struct timer again;   /* more frames wait than one turn takes, or the end of a pause */
	struct put_off flush; /* frames wait in the library for others */
	u32 batch;            /* frames in a turn */
	bool paused;          /* guests do not read as fast as frames come */
};

struct net_tap_config {
	const char *name;
	u32 mtu, vnet_size;
	u8 mac[6];
	struct ip_addr address, gateway; /* gateway any: none */
	u32 prefix_len;
	struct ip_addr address6, gateway6; /* any: none */
	u32 prefix_len6;
};
/* Adds the interface, up, with its addresses and default routes. `fd` is counted. */
int net_tap_attach(struct net_ns *ns, struct host_fd *fd, const struct net_tap_config *config) must_check;
/* What waits goes out: before the stack goes. */
void net_tap_flush(struct net_tap *t);
/* After the stack is gone. */
void net_tap_free(struct net_tap *t);

#endif

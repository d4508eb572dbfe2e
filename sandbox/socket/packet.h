/*
 * packet.h - AF_PACKET sockets: a struct socket in front of the library's packet socket.
 */
#ifndef WARREN_SOCKET_PACKET_H
#define WARREN_SOCKET_PACKET_H

#include "netstack/transport/sock.h"
#include "sandbox/abi/netlink.h"
#include "sandbox/socket/net_ns.h"
#include "sandbox/socket/socket.h"

struct packet_socket {
	struct socket sock;
	struct list_head node; /* in net_state.packet_socks */
	struct net_ns *net;    /* counted */
	struct packet_sock *ps;
	struct wait_queue wait;
	u32 uid;
	u64 told_packets, told_drops; /* of the statistics, what has been read */
	u64 last_stamp_ns;
	u32 tell;                 /* timestamps, as inet_sock.tell */
	struct packet_ring *ring; /* owned; NULL: none */
	u32 ring_version, ring_reserve;
};
/* Where a frame came from, or went to. */
void packet_address(const struct pkt *frame, const struct netif *nif, struct linux_sockaddr_ll *out);

#endif

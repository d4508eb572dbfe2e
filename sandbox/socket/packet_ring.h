/*
 * packet_ring.h - the memory in which a packet socket hands frames to its program (PACKET_RX_RING).
 */
#ifndef WARREN_SOCKET_PACKET_RING_H
#define WARREN_SOCKET_PACKET_RING_H

#include "sandbox/abi/packet.h"
#include "sandbox/socket/packet.h"

/* setsockopt(PACKET_RX_RING): -EINVAL, -EBUSY while there is one or it is mapped, -ENOMEM. A request for no
 * blocks takes the ring away. */
int packet_ring_set(struct packet_socket *p, const void *value, size_t size) must_check;
void packet_ring_free(struct packet_socket *p);
/* A block or a frame is the program's. */
bool packet_ring_readable(const struct packet_socket *p);
int packet_ring_mmap(struct packet_socket *p, u64 offset, u64 size, bool shared,
		     struct host_fd **backing) must_check;
/* The size of a version's header, as PACKET_HDRLEN says it; 0: no such version. */
u32 packet_ring_header_size(s32 version);
/* How often version 3 found no block free since this was asked last. */
u32 packet_ring_freezes(struct packet_socket *p);
/* The library's sockets are given away to this. False: the frame is lost. */
bool packet_ring_take(struct packet_sock *ps, const struct netif *nif, struct pkt *frame, u32 keep);

#endif

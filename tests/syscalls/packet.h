/*
 * packet.h - packet sockets (packet(7)) that listen on loopback, in a network namespace of their own.
 */
#ifndef WARREN_TESTS_PACKET_H
#define WARREN_TESTS_PACKET_H

#include "inet.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>

static inline struct sockaddr_ll lo_of(int protocol)
{
	return (struct sockaddr_ll){.sll_family = AF_PACKET,
				    .sll_protocol = htons((uint16_t)protocol),
				    .sll_ifindex = 1,
				    .sll_halen = 6};
}

static inline void listen_on_lo(int fd, int protocol)
{
	struct sockaddr_ll a = lo_of(protocol);

	OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
}

#endif

/* network.h: a sandbox's way to the world: a TAP device of this host, addresses, masquerading, published
 * ports.
 *
 * The device lives as long as its descriptor, which the sandbox's kernel holds: however a sandbox ends, its
 * device, the addresses and the routes on it are gone with it. What stays is one nftables table for all,
 * which names devices by their prefix and so holds nothing of any one sandbox. Published ports have a lease
 * of their own (publish.h).
 */
#ifndef WARREN_SERVER_NETWORK_H
#define WARREN_SERVER_NETWORK_H

#include <jansson.h>

#include "server/error.h"
#include "server/publish.h"

#define NETWORK_DNS_MAX 3

struct network {
	int tap_fd;   /* -1: none */
	int lease_fd; /* what the sandbox's keeper holds for its published ports; -1: there are none */
	unsigned int index;
	char device[16], address[16], gateway[16], mac[18];
	char address6[INET6_ADDRSTRLEN], gateway6[INET6_ADDRSTRLEN]; /* empty: this host has no IPv6 */
	char dns[NETWORK_DNS_MAX][46];
	unsigned int dns_count;
};

/* Makes the device, lets its traffic out and the published ports in. Needs CAP_NET_ADMIN; the message says
 * what is missing. */
int network_open(struct network *network, const struct publish_port *ports, unsigned int port_count,
		 struct error *error);
/* Closes what has not been handed on. */
void network_close(struct network *network);
/* For the request that creates the container; its descriptor is number `fd_index` of the message. */
json_t *network_describe(const struct network *network, unsigned int fd_index);

#endif

/* network.h: a sandbox's way to the world: a TAP device of this host, an address, masquerading.
 *
 * The device lives as long as its descriptor, which the sandbox's kernel holds: however a sandbox ends, its
 * device, the addresses and the routes on it are gone with it. What stays is one nftables table for all,
 * which names devices by their prefix and so holds nothing of any one sandbox.
 */
#ifndef WARREN_SERVER_NETWORK_H
#define WARREN_SERVER_NETWORK_H

#include <jansson.h>

#include "server/error.h"

#define NETWORK_DNS_MAX 3

struct network {
	int tap_fd; /* -1: none */
	unsigned int index;
	char device[16], address[16], gateway[16], mac[18];
	char dns[NETWORK_DNS_MAX][46];
	unsigned int dns_count;
};

/* Makes the device and lets its traffic out. Needs CAP_NET_ADMIN; the message says what is missing. */
int network_open(struct network *network, struct error *error);
/* For the request that creates the container; its descriptor is number `fd_index` of the message. */
json_t *network_describe(const struct network *network, unsigned int fd_index);

#endif

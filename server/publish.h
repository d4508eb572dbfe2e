/* publish.h: ports of this host that lead into a sandbox.
 *
 * Each published port is a socket that keeps the port from others (it never listens) and a rule that turns
 * connections over to the sandbox. The rules stand in an nftables table of the sandbox's own that the kernel
 * removes when the socket that made it is closed (Linux 5.12). All these descriptors are put into one message
 * that nobody reads, on a socket that the sandbox's keeper holds, the "lease": whoever is killed, when the
 * keeper is gone the ports are free and the rules are gone, and not before.
 */
#ifndef WARREN_SERVER_PUBLISH_H
#define WARREN_SERVER_PUBLISH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/error.h"

#define PUBLISH_MAX 64

struct publish_port {
	bool udp;
	bool any;             /* on every address of this host, else on `host` only */
	struct in6_addr host; /* an IPv4 address as ::ffff:a.b.c.d */
	uint16_t host_port, guest_port;
};

/* Reads "[HOSTIP:]HOSTPORT:GUESTPORT[/tcp|/udp]"; an IPv6 address stands in brackets. */
bool publish_parse(const char *text, struct publish_port *port);
/* NULL: every address. False if the text is no address. */
bool publish_parse_host(const char *text, struct publish_port *port);

struct publish_target {
	const char *name; /* of the sandbox's device: makes the table's name */
	struct in_addr v4;
	struct in6_addr v6; /* unspecified: it has none */
	int device_fd; /* held by the lease as well, so that the address is not another's before the end */
};
/* Publishes the ports; *lease is then what the keeper has to hold. -EADDRINUSE, -EADDRNOTAVAIL, … */
int publish_open(const struct publish_port *ports, unsigned int count, const struct publish_target *target,
		 int *lease, struct error *error);

#endif

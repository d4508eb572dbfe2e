/* ipv4_wire.h - a host on a wire whose peer it knows, and a UDP socket at port 9, for the tests of IPv4. */
#ifndef WARREN_TESTS_IPV4_WIRE_H
#define WARREN_TESTS_IPV4_WIRE_H

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct net_sock *sk;

static inline void start(void)
{
	world_wire(&w);
	know_peer(&w);
	sk = udp_bound(w.w, IP4_ANY, 9);
}

static inline void stop(void)
{
	dgram_close(sk);
	world_end(&w);
}

#endif

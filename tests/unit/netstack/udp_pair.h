/* udp_pair.h - two hosts on a wire, for the tests of UDP. */
#ifndef WARREN_TESTS_UDP_PAIR_H
#define WARREN_TESTS_UDP_PAIR_H

#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct ip_addr a, b, lo, a_6, b_6;

static inline void start(void)
{
	world_pair(&w);
	a = ip_v4(IP_A);
	b = ip_v4(IP_B);
	lo = ip_v4(0x7f000001);
	a_6 = a6("fd00::1");
	b_6 = a6("fd00::2");
}

static inline void stop(void)
{
	world_end(&w);
}

static inline s64 put_if(struct net_sock *sk, const struct ip_addr *dst, u32 port, u32 oif)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, "x", 1);
	msg = msg_to(&m, dst, port);
	msg.oif = oif;
	return udp_send(sk, &msg);
}

#endif

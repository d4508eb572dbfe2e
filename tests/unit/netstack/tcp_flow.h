/*
 * tcp_flow.h - a stream between two sockets of the stack in virtual time, checked byte for byte.
 */
#ifndef WARREN_TESTS_NETSTACK_TCP_FLOW_H
#define WARREN_TESTS_NETSTACK_TCP_FLOW_H

#include "tests/unit/netstack/tcp_fixture.h"

struct flow {
	struct world *w;
	struct net_sock *listener, *client, *server;
	u64 sent, received, total; /* bytes, client to server */
	u64 sent_back, received_back, total_back;
	u64 chunk;                           /* of one write or read */
	bool shut, shut_back, eof, eof_back; /* FINs sent and seen */
	bool idle_reader;                    /* the server does not read */
	u64 wake;                            /* look again at this time although nothing happened */
	u32 wakeups;
};

/* Connects: a listener in `to`, a client in `from` (the same for loopback). */
void flow_open(struct flow *f, struct world *w, struct netstack *from, struct netstack *to,
	       struct ip_addr addr, u16 port);
/* Lets both sides write and read until all is there and both have seen the end, at most `limit_ns` of virtual
 * time. The virtual time it took; aborts the test if it did not end. */
u64 flow_run(struct flow *f, u64 total, u64 total_back, u64 limit_ns);
/* One look at both sides: whatever can be written or read is. True if something moved. */
bool flow_step(struct flow *f);
/* Time passes until the next thing happens, at most until `end`. False if that has come. */
bool flow_wait(struct world *w, u64 end);
void flow_close(struct flow *f);
/* After the sockets are gone: TIME_WAIT and orphans too. */
void flow_drained(struct world *w);
static inline double mbit(u64 bytes, u64 ns)
{
	return (double)bytes * 8 * 1e3 / (double)(ns ? ns : 1);
}

#endif

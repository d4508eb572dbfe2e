/*
 * tap_wire.h - an interface over a descriptor of the tests' own: what the stack writes is kept, and what
 * comes in is looked at before the stack, by a packet socket: it sees what GRO made. For test_gro.c and
 * test_tap.c.
 */
#ifndef WARREN_TESTS_TAP_WIRE_H
#define WARREN_TESTS_TAP_WIRE_H

#include "netstack/link/tap.h"
#include "tests/unit/netstack/fixture.h"

struct tap_wire {
	struct world w;
	struct tap *tap;
	struct netif *nif;
	struct packet_sock *seen;
	u8 written[200000]; /* the frames one behind the other */
	u32 sizes[64], count, at;
	int result;      /* of a write */
	u32 wait_frames; /* so many frames may wait; 0: none */
};
extern struct tap_wire tw;
extern u8 stream[200000]; /* what TCP segments carry, by sequence number */

int on_write(void *ctx, const struct iovec *iov, u32 count);
void open_tap(u32 vnet, u32 features, bool no_gro);
void close_tap(void);
void nothing_written(void);
/* As the owner of the descriptor reads a frame. */
void rx(const void *vnet, u32 vnet_size, const void *frame, u32 size);
struct pkt *next_seen(void);

/* ---- TCP segments, built by hand ---- */
struct tseg {
	u32 seq, size, ack, ts;
	u16 sport, window;
	u8 flags, tos, ttl;
	bool v6, bad;
};

void tcp_frame(struct build *f, struct tseg s);
void seg_in(struct tseg s);
/* What the stack was given next: its payload, and the size of pieces if it was joined. */
void expect_seg(u32 seq, u32 size, u32 gso);
void expect_no_seg(void);

#endif

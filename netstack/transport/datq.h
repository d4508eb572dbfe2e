/*
 * datq.h - a queue of stream bytes by reference: a ring of fragments.
 *
 * TCP's send queue holds everything from the oldest unacknowledged byte on; segments are made of it by
 * offset, so a retransmission copies nothing. The place of the last look-up is remembered: sending goes
 * forward.
 */
#ifndef WARREN_NETSTACK_DATQ_H
#define WARREN_NETSTACK_DATQ_H

#include "netstack/wire/pkt.h"

struct datq {
	struct net_frag *ring;
	u32 capacity, head, count;
	u32 size; /* bytes */
	u32 hint, hint_off;
};

/* Adds a reference to [off, off+size) of d. 0 or -ENOMEM. */
int datq_push(struct netstack *ns, struct datq *q, struct net_data *d, u32 off, u32 size) must_check;
/* Adds [off, off+size) of a packet; small pieces are copied behind what the last block holds. */
int datq_push_pkt(struct netstack *ns, struct datq *q, const struct pkt *p, u32 off, u32 size) must_check;
void datq_pop(struct netstack *ns, struct datq *q, u32 bytes);
void datq_clear(struct netstack *ns, struct datq *q);
/* Adds up to `size` bytes from `off` to a packet by reference; how many fitted. */
u32 datq_to_pkt(struct datq *q, u32 off, u32 size, struct pkt *p);
/* The piece at `off`: its block, place and size (size 0: there is none). */
struct net_frag datq_at(struct datq *q, u32 off);
/* The last block if bytes may be appended to it, else NULL. */
struct net_data *datq_tail(struct datq *q);

#endif

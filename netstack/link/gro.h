/*
 * gro.h - joining TCP segments that come in one after another, before the stack looks at them.
 */
#ifndef WARREN_NETSTACK_GRO_H
#define WARREN_NETSTACK_GRO_H

#include "netstack/stack/netstack.h"

#define GRO_FLOWS 8U

struct gro {
	struct list_head held; /* oldest first */
	u32 count;
};

void gro_init(struct gro *g);
/* Takes a frame (from its Ethernet header on): holds it, joins it to a held one (true), or hands it to
 * netif_receive(). */
bool gro_receive(struct gro *g, struct netif *nif, struct pkt *p);
/* Hands over everything held. */
void gro_flush(struct gro *g, struct netif *nif);
/* Frees everything held. */
void gro_drop(struct gro *g);

#endif

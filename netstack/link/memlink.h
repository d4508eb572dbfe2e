/*
 * memlink.h - a cable in memory between two instances, for tests: delay, jitter, loss, duplicates,
 * reordering, corruption, bandwidth and queue length, all from a seed, on a fake clock that the test moves.
 */
#ifndef WARREN_NETSTACK_MEMLINK_H
#define WARREN_NETSTACK_MEMLINK_H

#include "netstack/stack/netstack.h"

struct memlink_side {
	u64 delay_ns, jitter_ns;
	u32 loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm; /* of a million */
	u64 reorder_ns;                                        /* how much later a reordered frame comes */
	u64 bits_per_sec;                                      /* 0: no limit */
	u32 queue_limit;                                       /* frames on their way; 0: no limit */
	bool ecn_mark;       /* mark instead of drop when the queue is over half of its limit */
	u64 frames, dropped; /* counted */
	u64 free_at;         /* when the line is free again */
	/* sees each frame before anything else; false: dropped */
	bool (*filter)(void *ctx, const struct pkt *p);
	void *filter_ctx;
};

struct memlink {
	struct netif *ends[2]; /* frames sent by ends[i] obey side[i] */
	struct memlink_side side[2];
	struct list_head flying; /* by time of arrival */
	u64 seed;
	u32 flying_count[2];
	u64 (*now)(void *ctx);
	void *ctx;
};

void memlink_init(struct memlink *m, u64 seed, u64 (*now)(void *), void *ctx);
/* Makes an Ethernet interface that is end 0 or 1. */
int memlink_attach(struct memlink *m, int end, struct netstack *ns, const char *name, u32 mtu, u32 features,
		   struct netif **out) must_check;
/* When the next frame arrives; TIME_NEVER: none is on its way. */
u64 memlink_next(const struct memlink *m);
/* Hands over what has arrived. */
void memlink_run(struct memlink *m);

#endif

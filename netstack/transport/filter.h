/*
 * filter.h - classic BPF on received packets (SO_ATTACH_FILTER).
 */
#ifndef WARREN_NETSTACK_FILTER_H
#define WARREN_NETSTACK_FILTER_H

#include "netstack/stack/stack_priv.h"
#include "sandbox/base/bpf.h"

#define NET_FILTER_MAX 4096U

struct net_filter {
	struct netstack *ns;
	u32 refs, len;
	struct bpf_insn insn[];
};

/* Checks and copies a program. -EINVAL, -ENOMEM. */
int net_filter_new(struct netstack *ns, const struct bpf_insn *insn, u32 len,
		   struct net_filter **out) must_check;
static inline struct net_filter *net_filter_get(struct net_filter *f)
{
	if (f)
		f->refs++;
	return f;
}
static inline void net_filter_put(struct net_filter *f)
{
	if (f && --f->refs == 0)
		net_free(f->ns, f);
}

/* What a program looks at: where in a packet its data begins, where the network header stands. */
struct net_filter_view {
	const struct pkt *p;
	const struct netif *nif; /* NULL: not known any more */
	u32 start, net;
	u8 pkttype;
};
/* How many bytes from `start` on are to be kept; 0: none, the packet is not for this socket. */
u32 net_filter_run(const struct net_filter *f, const struct net_filter_view *v);

#endif

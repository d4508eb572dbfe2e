/*
 * syncookie.c - initial sequence numbers that hold what a full queue cannot (D. J. Bernstein).
 *
 * The number is a hash of the ends and a counter of minutes, in its lower 24 bits plus the index of the MSS.
 * Window scale, SACK and ECN travel in the lower six bits of the timestamp, if the peer uses timestamps: see
 * tcp_accept.c.
 */
#include "netstack/transport/tcp_priv.h"

static const u16 mss_table[] = {536, 1220, 1300, 1440, 1460, 4312, 8960, 65495};
#define COOKIE_MINUTES 2U

static u32 hash(struct netstack *ns, const struct net_ep *ep, u32 count, u32 which)
{
	struct {
		struct ip_addr l, r;
		u16 lport, rport;
		u32 count, which, zero;
	} key = {ep->laddr, ep->raddr, ep->lport, ep->rport, count, which, 0};

	return (u32)net_siphash(ns, &key, sizeof(key));
}

u32 tcp_cookie_make(struct netstack *ns, const struct net_ep *ep, u32 seq, u16 *mss)
{
	u32 count = (u32)(ns->now / (60 * NSEC_PER_SEC)), index = ARRAY_COUNT(mss_table) - 1;

	while (index && mss_table[index] > *mss)
		index--;
	*mss = mss_table[index];
	return hash(ns, ep, 0, 1) + seq + (count << 24) + ((hash(ns, ep, count, 2) + index) & 0xffffff);
}

u16 tcp_cookie_check(struct netstack *ns, const struct net_ep *ep, u32 seq, u32 cookie)
{
	u32 now = (u32)(ns->now / (60 * NSEC_PER_SEC)), rest = cookie - hash(ns, ep, 0, 1) - seq;
	u32 age = (now - (rest >> 24)) & 0xff, index;

	if (age >= COOKIE_MINUTES)
		return 0;
	index = (rest - hash(ns, ep, now - age, 2)) & 0xffffff;
	return index < ARRAY_COUNT(mss_table) ? mss_table[index] : 0;
}

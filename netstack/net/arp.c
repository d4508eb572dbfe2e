/*
 * arp.c - ARP for IPv4 over Ethernet (RFC 826, 5227).
 *
 * As Linux by default: requests for any address of ours are answered on any interface; an entry is made from
 * a request that asks for us; gratuitous packets only change entries that exist.
 */
#include "netstack/net/ip.h"

static void arp_send(struct netif *nif, u32 op, const struct ip_addr *spa, const struct ip_addr *tpa,
		     const u8 *tha, const u8 dst[6])
{
	struct pkt *p = pkt_new(nif->ns);
	struct arp_hdr *h;

	h = p ? pkt_push(p, sizeof(*h)) : NULL;
	if (!h)
		return;
	h->hrd = be16_of(1);
	h->pro = be16_of(ETH_IPV4);
	h->hln = 6;
	h->pln = 4;
	h->op = be16_of(op);
	memcpy(h->sha, nif->hwaddr, 6);
	memcpy(h->spa, spa->b + 12, 4);
	memset(h->tha, 0, 6);
	if (tha)
		memcpy(h->tha, tha, 6);
	memcpy(h->tpa, tpa->b + 12, 4);
	(void)ether_send(nif, p, dst, ETH_ARP); /* as lost as any frame may be */
}

void arp_ask(struct netif *nif, const struct ip_addr *target, const u8 *mac)
{
	static const u8 all[6] = {255, 255, 255, 255, 255, 255};
	struct ip_addr src;

	if (!net_pick_source(nif->ns, nif, target, &src))
		return;
	arp_send(nif, ARP_REQUEST, &src, target, NULL, mac ? mac : all);
}

void arp_announce(struct netif *nif, const struct ip_addr *addr)
{
	static const u8 all[6] = {255, 255, 255, 255, 255, 255};

	arp_send(nif, ARP_REQUEST, addr, addr, NULL, all);
}

void arp_input(struct netif *nif, struct pkt *p)
{
	struct arp_hdr scratch;
	const struct arp_hdr *h = pkt_header(p, 0, sizeof(*h), &scratch);
	struct ip_addr spa, tpa;
	bool for_us;
	u32 op;

	if (!h || be16_get(h->hrd) != 1 || be16_get(h->pro) != ETH_IPV4 || h->hln != 6 || h->pln != 4)
		goto out;
	op = be16_get(h->op);
	spa = ip_v4(get_be32(h->spa));
	tpa = ip_v4(get_be32(h->tpa));
	if ((op != ARP_REQUEST && op != ARP_REPLY) || ip_is_multicast(&spa) || ip_is_loopback(&spa) ||
	    ip_is_loopback(&tpa) || net_local_addr(nif->ns, &spa))
		goto out;
	for_us = net_local_addr(nif->ns, &tpa);
	if (!ip_is_any(&spa))
		neigh_update(nif, &spa, h->sha, op == ARP_REPLY && for_us, true, op == ARP_REQUEST && for_us);
	if (op == ARP_REQUEST && for_us)
		arp_send(nif, ARP_REPLY, &tpa, &spa, h->sha, h->sha);
out:
	pkt_free(p);
}

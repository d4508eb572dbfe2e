/*
 * ether.c - Ethernet frames out, and the addresses of multicast groups (RFC 1112, RFC 2464).
 */
#include <errno.h>

#include "netstack/net/ip.h"

void ether_multicast(const struct ip_addr *group, u8 mac[6])
{
	if (ip_is_v4(group)) {
		mac[0] = 1;
		mac[1] = 0;
		mac[2] = 0x5e;
		mac[3] = group->b[13] & 0x7f;
		mac[4] = group->b[14];
		mac[5] = group->b[15];
	} else {
		mac[0] = mac[1] = 0x33;
		memcpy(mac + 2, group->b + 12, 4);
	}
}

int ether_send(struct netif *nif, struct pkt *p, const u8 dst[6], u32 type)
{
	struct eth_hdr *eth = pkt_push(p, sizeof(*eth));

	if (!eth) {
		pkt_free(p);
		return -ENOBUFS;
	}
	memcpy(eth->dst, dst, 6);
	memcpy(eth->src, nif->hwaddr, 6);
	eth->type = be16_of(type);
	p->eth_type = (u16)type;
	p->nif = nif;
	return netif_xmit(nif, p);
}

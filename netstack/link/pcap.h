/*
 * pcap.h - what passes an interface, as a pcap file (nanoseconds): for tcpdump -r and wireshark.
 */
#ifndef WARREN_NETSTACK_PCAP_H
#define WARREN_NETSTACK_PCAP_H

#include "netstack/stack/netstack.h"

#define PCAP_SNAPLEN 262144U

struct pcap {
	struct netif *nif;
	u32 snaplen;
	u64 frames;
	void *ctx;
	/* Takes the next bytes of the file. */
	void (*write)(void *ctx, const void *bytes, size_t size);
};

/* Writes the file's header at once and a record for each frame in and out from then on; `c` stays the
 * caller's and must live until pcap_stop(). snaplen 0: all of each frame. */
void pcap_start(struct pcap *c, struct netif *nif, u32 snaplen,
		void (*write)(void *ctx, const void *bytes, size_t size), void *ctx);
void pcap_stop(struct pcap *c);

#endif

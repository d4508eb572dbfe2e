/*
 * pcap.c - captures. See pcap.h.
 *
 * Segments are shown as they pass the interface: uncut, and with the checksum field half done where the link
 * does the rest.
 */
#include "netstack/link/pcap.h"

#include "netstack/stack/stack_priv.h"

#define MAGIC_NS      0xa1b23c4dU /* in the host's byte order: readers swap */
#define LINK_ETHERNET 1U
#define LINK_RAW      101U

struct file_header {
	u32 magic;
	u16 major, minor;
	u32 zone, sigfigs, snaplen, link;
};
struct record {
	u32 sec, nsec, kept, size;
};
static_assert(sizeof(struct file_header) == 24 && sizeof(struct record) == 16, "pcap");

static void tap(void *ctx, const struct pkt *p, bool out)
{
	struct pcap *c = ctx;
	struct netstack *ns = c->nif->ns;
	u64 now = ns->env.realtime(ns->env.ctx);
	struct record r = {.sec = (u32)(now / NSEC_PER_SEC),
			   .nsec = (u32)(now % NSEC_PER_SEC),
			   .kept = min_t(u32, p->size, c->snaplen),
			   .size = p->size};
	u8 buf[2048];

	(void)out;
	c->write(c->ctx, &r, sizeof(r));
	for (u32 off = 0, n; off < r.kept; off += n) {
		n = pkt_copy(p, off, buf, min_t(u32, sizeof(buf), r.kept - off));
		c->write(c->ctx, buf, n);
	}
	c->frames++;
}

void pcap_start(struct pcap *c, struct netif *nif, u32 snaplen,
		void (*write)(void *ctx, const void *bytes, size_t size), void *ctx)
{
	struct file_header h = {.magic = MAGIC_NS,
				.major = 2,
				.minor = 4,
				.snaplen = snaplen ? snaplen : PCAP_SNAPLEN,
				.link = nif->ethernet ? LINK_ETHERNET : LINK_RAW};

	*c = (struct pcap){.nif = nif, .snaplen = h.snaplen, .ctx = ctx, .write = write};
	write(ctx, &h, sizeof(h));
	netif_set_tap(nif, tap, c);
}

void pcap_stop(struct pcap *c)
{
	netif_set_tap(c->nif, NULL, NULL);
}

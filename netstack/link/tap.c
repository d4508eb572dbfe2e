/*
 * tap.c - an interface over a descriptor of somebody else's. See tap.h.
 *
 * A frame is read into the rest of a block, and behind it into two spare ones: enough for 64 KiB. A large
 * frame stays there and is referred to; of a small one a copy is made, since a reference would keep the whole
 * block from being freed for as long as some socket does not read a few bytes. Frames that the device does
 * not take wait in a queue as long as a device's usual one. Small frames may wait there too, for others to go
 * with them: a peer that is woken by each of them takes the CPU from whoever makes the next.
 */
#include "netstack/link/tap.h"

#include <errno.h>

#include "netstack/link/gro.h"
#include "netstack/stack/stack_priv.h"

#define TX_QUEUE   1000U
#define COPY_BELOW 1100U
#define VNET_MAX   12U

struct tap {
	struct netif *nif;
	struct netstack *ns;
	u32 vnet_size;
	bool no_gro;
	void *ctx;
	int (*write)(void *ctx, const struct iovec *iov, u32 count);
	struct net_data *rx[TAP_RX_IOV]; /* the first from its `used` on, the others whole */
	bool (*may_wait)(void *ctx, u32 frames, u32 bytes);
	struct list_head txq;
	u32 txq_count, txq_bytes;
	bool full; /* the device has taken no more */
	struct gro gro;
	struct tap_stats stats;
};

/* ---- out ---- */

static void make_vnet(const struct pkt *p, u8 out[VNET_MAX])
{
	struct vnet_hdr h = {0};

	memset(out, 0, VNET_MAX);
	if (p->csum_partial) {
		h.flags = VNET_F_NEEDS_CSUM;
		h.csum_start = p->csum_start;
		h.csum_offset = p->csum_offset;
	}
	if (p->gso) {
		u8 b = 0x50;
		const u8 *off = p->gso == PKT_GSO_TCP ? pkt_header(p, p->csum_start + 12U, 1, &b) : NULL;
		h.gso_type = p->gso == PKT_GSO_UDP     ? VNET_GSO_UDP_L4
			     : p->eth_type == ETH_IPV6 ? VNET_GSO_TCPV6
						       : VNET_GSO_TCPV4;
		if (p->gso_ecn)
			h.gso_type |= VNET_GSO_ECN;
		h.gso_size = p->gso_size;
		h.hdr_size = (u16)(p->csum_start + (off ? (*off >> 4) * 4U : 8U));
	}
	memcpy(out, &h, sizeof(h));
}

static int write_frame(struct tap *tap, struct pkt *p)
{
	struct iovec iov[TAP_TX_IOV];
	u8 vnet[VNET_MAX];
	u32 n = 0;

	if (tap->vnet_size) {
		make_vnet(p, vnet);
		iov[n++] = (struct iovec){vnet, tap->vnet_size};
	}
	if (p->head_size)
		iov[n++] = (struct iovec){pkt_data(p), p->head_size};
	for (u32 i = 0; i < p->frag_count; i++)
		iov[n++] = (struct iovec){p->frags[i].data->bytes + p->frags[i].off, p->frags[i].size};
	return tap->write(tap->ctx, iov, n);
}
static_assert(PKT_FRAG_MAX + 2 <= TAP_TX_IOV, "a frame's pieces");

static void enqueue(struct tap *tap, struct pkt *p)
{
	list_add_tail(&p->node, &tap->txq);
	tap->txq_count++;
	tap->txq_bytes += p->size;
}

static struct pkt *dequeue(struct tap *tap)
{
	struct pkt *p = list_first_entry(&tap->txq, struct pkt, node);

	list_del_init(&p->node);
	tap->txq_count--;
	tap->txq_bytes -= p->size;
	return p;
}

void tap_tx_flush(struct tap *tap)
{
	while (tap->txq_count && !tap->full) {
		int err = write_frame(tap, list_first_entry(&tap->txq, struct pkt, node));
		if (err == -EAGAIN) {
			tap->full = true;
			return;
		}
		if (err) {
			tap->stats.tx_lost++;
			tap->nif->stats.tx_errors++;
		} else {
			tap->stats.tx_frames++;
		}
		pkt_free(dequeue(tap));
	}
}

void tap_tx_ready(struct tap *tap)
{
	tap->full = false;
	tap_tx_flush(tap);
}

static int tap_send(struct netif *nif, struct pkt *p)
{
	struct tap *tap = nif->link;
	int err = -EAGAIN;

	if (!tap->full && tap->may_wait &&
	    tap->may_wait(tap->ctx, tap->txq_count + 1, tap->txq_bytes + p->size)) {
		enqueue(tap, p);
		return 0;
	}
	tap_tx_flush(tap);
	if (!tap->full)
		err = write_frame(tap, p);
	if (err == -EAGAIN) {
		tap->full = true;
		if (tap->txq_count < TX_QUEUE) {
			enqueue(tap, p);
			tap->stats.tx_queued++;
			return 0;
		}
	}
	if (err)
		tap->stats.tx_lost++;
	else
		tap->stats.tx_frames++;
	pkt_free(p);
	return err == -EAGAIN ? -ENOBUFS : err;
}

/* ---- in ---- */

u32 tap_rx_space(struct tap *tap, struct iovec iov[TAP_RX_IOV])
{
	u32 n = 0, room = 0;

	/* a large frame may have filled more than one */
	while (tap->rx[0] && tap->rx[0]->capacity - tap->rx[0]->used < tap->nif->mtu + 100) {
		net_data_put(tap->ns, tap->rx[0]);
		tap->rx[0] = tap->rx[1];
		tap->rx[1] = tap->rx[2];
		tap->rx[2] = NULL;
	}
	for (; n < TAP_RX_IOV && room < PKT_MAX_SIZE + VNET_MAX; n++) {
		struct net_data *d = tap->rx[n];
		if (!d)
			d = tap->rx[n] = net_data_new(tap->ns, NET_BLOCK_ROOM);
		if (!d)
			return n;
		iov[n] = (struct iovec){d->bytes + d->used, d->capacity - d->used};
		room += d->capacity - d->used;
	}
	return n;
}

/* Reads the virtio-net header that p begins with, and drops it; false if it makes no sense. */
static bool take_vnet(struct tap *tap, struct pkt *p)
{
	struct vnet_hdr h;

	if (!tap->vnet_size)
		return true;
	if (p->size < tap->vnet_size || pkt_copy(p, 0, &h, sizeof(h)) != sizeof(h))
		return false;
	pkt_pull(p, tap->vnet_size);
	if (h.flags & VNET_F_NEEDS_CSUM) {
		if ((u32)h.csum_start + h.csum_offset + 2 > p->size)
			return false;
		p->csum_partial = true;
		p->csum_start = h.csum_start;
		p->csum_offset = h.csum_offset;
	}
	p->csum_valid = h.flags & VNET_F_DATA_VALID;
	switch (h.gso_type & ~VNET_GSO_ECN) {
	case VNET_GSO_NONE:
		return true;
	case VNET_GSO_TCPV4:
	case VNET_GSO_TCPV6:
		p->gso = PKT_GSO_TCP;
		break;
	case VNET_GSO_UDP_L4:
		p->gso = PKT_GSO_UDP;
		break;
	default:
		return false;
	}
	p->gso_ecn = h.gso_type & VNET_GSO_ECN;
	p->gso_size = h.gso_size;
	return h.gso_size && p->csum_partial;
}

/* The frame that lies in the blocks of rx. */
static struct pkt *frame_of(struct tap *tap, u32 size)
{
	struct pkt *p;
	u32 left = size;

	if (size <= COPY_BELOW && size <= tap->rx[0]->capacity - tap->rx[0]->used)
		return pkt_from(tap->ns, tap->rx[0]->bytes + tap->rx[0]->used, size);
	p = pkt_new(tap->ns);
	for (u32 i = 0; p && left; i++) {
		struct net_data *d = i < TAP_RX_IOV ? tap->rx[i] : NULL;
		u32 n = d ? min_t(u32, left, d->capacity - d->used) : 0;
		if (!n || !pkt_add(p, d, d->used, n)) {
			pkt_free(p);
			return NULL;
		}
		d->used += n;
		left -= n;
	}
	return p;
}

void tap_rx_done(struct tap *tap, size_t size)
{
	struct pkt *p = size && size <= PKT_MAX_SIZE + VNET_MAX ? frame_of(tap, (u32)size) : NULL;

	tap->stats.rx_frames++;
	if (!p) {
		tap->nif->stats.rx_dropped++;
		return;
	}
	if (!take_vnet(tap, p)) {
		tap->stats.rx_bad++;
		tap->nif->stats.rx_errors++;
		pkt_free(p);
		return;
	}
	if (tap->no_gro) {
		netif_receive(tap->nif, p);
		return;
	}
	if (gro_receive(&tap->gro, tap->nif, p))
		tap->stats.rx_joined++;
}

u32 tap_rx_end(struct tap *tap)
{
	u64 before = tap->ns->overflows;

	gro_flush(&tap->gro, tap->nif);
	netstack_run(tap->ns);
	return (u32)(tap->ns->overflows - before);
}

/* ---- life ---- */

static void tap_remove(struct netif *nif)
{
	struct tap *tap = nif->link;

	gro_drop(&tap->gro);
	while (tap->txq_count)
		pkt_free(dequeue(tap));
	for (u32 i = 0; i < TAP_RX_IOV; i++)
		if (tap->rx[i])
			net_data_put(tap->ns, tap->rx[i]);
	net_free(tap->ns, tap);
}

static const struct netif_ops tap_ops = {.send = tap_send, .remove = tap_remove};

int tap_add(struct netstack *ns, const struct tap_config *c, struct tap **out)
{
	struct netif_config nc = {.name = c->name,
				  .ops = &tap_ops,
				  .mtu = c->mtu,
				  .features = c->vnet_size ? c->features : 0,
				  .ethernet = true};
	struct tap *tap;
	int err;

	if (c->vnet_size && c->vnet_size != sizeof(struct vnet_hdr) && c->vnet_size != VNET_MAX)
		return -EINVAL;
	tap = net_new(ns, struct tap);
	if (!tap)
		return -ENOMEM;
	tap->ns = ns;
	tap->vnet_size = c->vnet_size;
	tap->no_gro = c->no_gro;
	tap->ctx = c->ctx;
	tap->write = c->write;
	tap->may_wait = c->may_wait;
	list_init(&tap->txq);
	gro_init(&tap->gro);
	memcpy(nc.hwaddr, c->hwaddr, 6);
	nc.link = tap;
	err = netif_add(ns, &nc, &tap->nif);
	if (err) {
		net_free(ns, tap);
		return err;
	}
	*out = tap;
	return 0;
}

struct netif *tap_netif(struct tap *tap)
{
	return tap->nif;
}

void tap_stats(const struct tap *tap, struct tap_stats *out)
{
	*out = tap->stats;
}

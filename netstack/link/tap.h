/*
 * tap.h - an interface over a TAP device or a packet socket that somebody else has opened.
 *
 * The library opens nothing and does no input or output: the owner of the descriptor does. Outgoing frames
 *are given to config->write as pieces, with a virtio-net header first if the device takes one; incoming
 *frames are read by the owner straight into blocks of the stack:
 *
 *	do {
 *		n = tap_rx_space(tap, iov);
 *		size = readv(fd, iov, n);
 *		if (size > 0)
 *			tap_rx_done(tap, size);
 *	} while (size > 0 && --budget);
 *	tap_rx_end(tap);
 *
 * so that several frames are taken per wake-up and small segments of one stream are joined (gro.h) before the
 * stack sees them. With the virtio-net header segments of up to 64 KiB pass both ways uncut and checksums
 *that never left the machine are not computed.
 */
#ifndef WARREN_NETSTACK_TAP_H
#define WARREN_NETSTACK_TAP_H

#include <sys/uio.h>

#include "netstack/stack/netstack.h"

#define TAP_TX_IOV 24U /* most pieces of a frame given to write() */
#define TAP_RX_IOV 3U

struct tap;

struct tap_config {
	const char *name;
	u32 mtu, features; /* LINK_*: what the device does by itself; with vnet_size only */
	u8 hwaddr[6];
	u32 vnet_size; /* bytes of the virtio-net header before each frame: 0 (none), 10 or 12 */
	bool no_gro;
	void *ctx;
	/* Writes one frame. 0; -EAGAIN: not now, tap_tx_ready() will be called; else it is lost. */
	int (*write)(void *ctx, const struct iovec *iov, u32 count);
	/* May a frame wait, so that there are so many frames and bytes waiting? Then the owner calls
	 * tap_tx_flush() soon. NULL: none waits. */
	bool (*may_wait)(void *ctx, u32 frames, u32 bytes);
};

struct tap_stats {
	u64 rx_frames, rx_joined, rx_bad, tx_frames, tx_queued, tx_lost;
};

int tap_add(struct netstack *ns, const struct tap_config *config, struct tap **out) must_check;
struct netif *tap_netif(struct tap *tap);
/* Another descriptor of the same kind behind it (after a checkpoint): what was queued is sent again. */
void tap_tx_ready(struct tap *tap);
/* Frames that wait for others are written. */
void tap_tx_flush(struct tap *tap);
/* Where the next frame may be read to; the number of pieces, 0 without memory. */
u32 tap_rx_space(struct tap *tap, struct iovec iov[TAP_RX_IOV]) must_check;
/* `size` bytes were read there, header included. */
void tap_rx_done(struct tap *tap, size_t size);
/* No more for now: what was read goes up. How many datagrams found no room with a socket: while readers fall
 * behind it is better to let the device lose frames than to read them and do so here. */
u32 tap_rx_end(struct tap *tap);
void tap_stats(const struct tap *tap, struct tap_stats *out);

#endif

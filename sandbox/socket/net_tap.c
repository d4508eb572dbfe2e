/*
 * net_tap.c - frames between the guest's stack and a TAP device. See net_tap.h.
 *
 * The device never blocks. Frames are read when epoll says so, at most a batch in one turn of the loop, so
 * that a flood leaves time for the guest's calls; the timer brings us back for the rest. A full device makes
 * the library keep frames until epoll says that there is room.
 */
#include "sandbox/socket/net_tap.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "netstack/link/tap.h"
#include "netstack/stack/stack_priv.h"
#include "sandbox/base/arena.h"
#include "sandbox/base/log.h"
#include "sandbox/kernel/kernel.h"

#define BATCH       64U /* frames of up to 64 KiB */
#define BATCH_LEAST 16U
#define BATCH_BYTES                                                                                          \
	262144U /* of large ones: the window opens while the next come, and they stay in the cache */
#define PAUSE_NS    500000ULL
#define HOLD_FRAMES 32U
#define HOLD_BYTES  32768U

static int write_frame(void *ctx, const struct iovec *iov, u32 count)
{
	struct net_tap *t = ctx;
	ssize_t n = writev(t->fd->fd, iov, (int)count);

	return n < 0 ? -errno : 0;
}

/* What a guest's call sends may wait for what its next calls send. What answers a frame, and what is large,
 * goes at once. */
static bool may_wait(void *ctx, u32 frames, u32 bytes)
{
	struct net_tap *t = ctx;

	if (!current_task() || frames > HOLD_FRAMES || bytes > HOLD_BYTES)
		return false;
	sched_put_off(&t->flush);
	return true;
}

static void flush(struct put_off *w)
{
	tap_tx_flush(container_of(w, struct net_tap, flush)->tap);
}

void net_tap_flush(struct net_tap *t)
{
	put_off_cancel(&t->flush);
	tap_tx_flush(t->tap);
}

/* Datagrams were lost because guests did not read as fast as we do: with our time, which they would have
 * needed. So the device waits, and loses the rest itself, cheaply. A socket that nobody reads is no reason.
 */
static void after_batch(struct net_tap *t, u32 taken, u32 lost)
{
	if (!taken || 2 * lost < taken || !sched_guests_run()) {
		t->batch = min_t(u32, 2 * t->batch, BATCH);
		return;
	}
	t->batch = BATCH_LEAST;
	t->paused = !timer_arm(&t->again, clock_monotonic() + PAUSE_NS); /* or nothing would end it */
}

static void take_frames(struct net_tap *t)
{
	u32 left = t->batch, taken;
	size_t bytes = 0;
	ssize_t size = 0;

	while (left && bytes < BATCH_BYTES) {
		struct iovec iov[TAP_RX_IOV];
		u32 count = tap_rx_space(t->tap, iov);
		if (!count)
			break;
		size = readv(t->fd->fd, iov, (int)count);
		if (size <= 0)
			break;
		tap_rx_done(t->tap, (size_t)size);
		bytes += (size_t)size;
		left--;
	}
	taken = t->batch - left;
	after_batch(t, taken, tap_rx_end(t->tap));
	if (!t->paused && (!left || size > 0)) /* it did not say that it is empty */
		(void)!timer_arm(&t->again, clock_monotonic());
}

static void more(struct timer *timer)
{
	struct net_tap *t = container_of(timer, struct net_tap, again);

	t->paused = false;
	take_frames(t);
}

static void ready(struct host_poll *p, u32 events)
{
	struct net_tap *t = container_of(p, struct net_tap, poll);

	if (events & EPOLLOUT)
		tap_tx_ready(t->tap);
	if (events & EPOLLIN && !t->paused)
		take_frames(t);
}

void net_tap_free(struct net_tap *t)
{
	host_poll_remove(&t->poll);
	timer_cancel(&t->again);
	put_off_cancel(&t->flush);
	list_del_init(&t->node);
	host_fd_put(t->fd);
	kfree(t);
}

static int default_route(struct netif *nif, const struct ip_addr *gateway)
{
	struct net_route r = {.dst = ip_is_v4(gateway) ? IP4_ANY : IP6_ANY,
			      .gateway = *gateway,
			      .source = ip_is_v4(gateway) ? IP4_ANY : IP6_ANY,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .protocol = RTPROTO_BOOT,
			      .metric = ip_is_v4(gateway) ? 0 : 1024, /* as ip(8) and Linux give it */
			      .nif = nif,
			      .expires = TIME_NEVER};

	return ip_is_any(gateway) ? 0 : net_route_add(nif->ns, &r);
}

static int configure(struct netif *nif, const struct net_tap_config *c)
{
	int err = netif_set_up(nif, true);

	if (!err)
		err = netif_addr_add(nif, c->address, c->prefix_len, IFA_PERMANENT);
	if (!err)
		err = default_route(nif, &c->gateway);
	/* the supervisor gives it to nobody else */
	if (!err && !ip_is_any(&c->address6))
		err = netif_addr_add(nif, c->address6, c->prefix_len6, IFA_PERMANENT | IFA_NODAD);
	return err ? err : default_route(nif, &c->gateway6);
}

int net_tap_attach(struct net_ns *ns, struct host_fd *fd, const struct net_tap_config *c)
{
	struct net_tap *t = knew(struct net_tap);
	struct tap_config tc = {.name = c->name,
				.mtu = c->mtu,
				.vnet_size = c->vnet_size,
				.write = write_frame,
				.may_wait = may_wait,
				.ctx = t};
	int err;

	if (!t)
		return -ENOMEM;
	memcpy(tc.hwaddr, c->mac, sizeof(tc.hwaddr));
	if (c->vnet_size)
		tc.features = LINK_CSUM_OUT | LINK_GSO_TCP4 | LINK_GSO_TCP6;
	t->ns = ns;
	t->fd = host_fd_get(fd);
	t->batch = BATCH;
	t->poll.fd = fd;
	t->poll.ready = ready;
	timer_init(&t->again, more);
	put_off_init(&t->flush, flush);
	err = tap_add(net_ns_stack(ns), &tc, &t->tap);
	if (err) {
		host_fd_put(t->fd);
		kfree(t);
		return err;
	}
	list_add_tail(&t->node, &ns->state->taps);
	err = host_poll_add(&t->poll, EPOLLIN | EPOLLOUT);
	/* on failure the namespace goes, and takes the interface along */
	return err ? err : configure(tap_netif(t->tap), c);
}

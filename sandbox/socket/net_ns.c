/*
 * net_ns.c - the stack of a network namespace and what it gets from the sentry. See net_ns.h.
 */
#include "sandbox/socket/net_ns.h"

#include <errno.h>
#include <sys/random.h>

#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/net_tap.h"
#include "sandbox/socket/netlink.h"

static u64 env_monotonic(void *ctx)
{
	return clock_monotonic();
}

static u64 env_realtime(void *ctx)
{
	return clock_realtime();
}

static void env_random(void *ctx, void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = getrandom((char *)buf + done, size - done, 0);
		if (n > 0)
			done += (size_t)n;
	}
}

static void *env_alloc(void *ctx, size_t size, const char *type)
{
	return kmalloc_typed(size, type);
}

static void env_free(void *ctx, void *p)
{
	kfree(p);
}

static void env_timer(void *ctx, u64 deadline_ns)
{
	struct net_state *st = ctx;

	/* without memory for the loop's heap it comes late: with the next call into the stack that tells a
	 * time */
	(void)!timer_arm(&st->timer, deadline_ns);
}

static void timer_fired(struct timer *t)
{
	netstack_run(container_of(t, struct net_state, timer)->stack);
}

int net_state_new(struct net_ns *n)
{
	struct net_state *st = knew(struct net_state);
	struct net_env env = {st, env_monotonic, env_realtime, env_random, env_alloc, env_free, env_timer};
	int err;

	if (!st)
		return -ENOMEM;
	st->ns = n;
	list_init(&st->inet_socks);
	list_init(&st->packet_socks);
	list_init(&st->netlink_socks);
	list_init(&st->taps);
	st->unprivileged_port = 1024;
	st->ping_gid_max = INT32_MAX; /* as systemd sets it */
	timer_init(&st->timer, timer_fired);
	err = netstack_new(&env, &st->stack);
	if (err) {
		timer_cancel(&st->timer);
		kfree(st);
		return err;
	}
	n->state = st;
	rtnl_listen(st);
	return 0;
}

void net_state_free(struct net_ns *n)
{
	struct net_state *st = n->state;
	struct net_tap *t;

	if (!st)
		return;
	list_for_each_entry (t, &st->taps, node)
		net_tap_flush(t);
	netstack_free(st->stack);
	while (!list_empty(&st->taps))
		net_tap_free(list_first_entry(&st->taps, struct net_tap, node));
	timer_cancel(&st->timer);
	kfree(st);
}

int net_ns_loopback_up(struct net_ns *n)
{
	struct netif *lo = netif_by_name(n->state->stack, "lo");

	return lo ? netif_set_up(lo, true) : -ENODEV;
}

struct net_ns *net_ns_current(void)
{
	return current_task()->ns->net;
}

bool net_ns_capable(const struct net_ns *n, int cap)
{
	return ns_capable(n->common.owner, cap);
}

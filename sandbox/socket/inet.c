/*
 * inet.c - AF_INET and AF_INET6 sockets: which there are, their life, their events.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/sched.h"
#include "sandbox/abi/signal.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/signal.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"

u32 inet_poll_events(u32 events)
{
	u32 ev = events & (SOCK_PRI | SOCK_ERR | SOCK_HUP | SOCK_RDHUP);

	if (events & SOCK_IN)
		ev |= LINUX_POLLIN | LINUX_POLLRDNORM;
	if (events & SOCK_OUT)
		ev |= LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND;
	return ev;
}

static void changed(struct net_sock *sk, u32 events)
{
	struct inet_sock *i = sk->owner;

	wake_up(&i->wait, inet_poll_events(events));
}

static s64 iter_copy(struct net_iter *it, void *stack_side, size_t n)
{
	struct uio *u = container_of(it, struct inet_iter, it)->u;
	s64 done = uio_copy(u, stack_side, n);

	if (done > 0)
		it->left -= (size_t)done;
	return done;
}

void inet_iter_init(struct inet_iter *it, struct uio *u)
{
	it->it = (struct net_iter){iter_copy, u->left};
	it->u = u;
}

struct inet_sock *inet_wrap(struct net_ns *net, struct net_sock *sk, const struct socket_ops *ops, int family,
			    int type, int protocol)
{
	struct inet_sock *i = knew(struct inet_sock);

	if (!i) {
		if (type == LINUX_SOCK_STREAM)
			tcp_close(sk, true);
		else
			dgram_close(sk);
		return NULL;
	}
	socket_init(&i->sock, ops, family, type, protocol);
	i->net = net_ns_get(net);
	i->sk = sk;
	wait_queue_init(&i->wait);
	list_add_tail(&i->node, &net->state->inet_socks);
	sk->owner = i;
	sk->event = changed;
	return i;
}

void inet_free(struct inet_sock *i)
{
	list_del_init(&i->node);
	net_ns_put(i->net);
	kfree(i);
}

s64 inet_broken_pipe(const struct socket_msg *m)
{
	if (!(m->flags & LINUX_MSG_NOSIGNAL))
		(void)!send_signal_task(current_task(), LINUX_SIGPIPE, NULL);
	return -EPIPE;
}

/* ICMP echo without privileges, for the groups of net.ipv4.ping_group_range. */
static bool may_ping(const struct net_ns *net)
{
	const struct cred *c = current_task()->cred;
	const struct net_state *st = net->state;

	if (c->egid >= st->ping_gid_min && c->egid <= st->ping_gid_max)
		return true;
	for (u32 k = 0; k < c->group_count; k++)
		if (c->groups[k] >= st->ping_gid_min && c->groups[k] <= st->ping_gid_max)
			return true;
	return false;
}

static int make(struct net_ns *net, int family, int type, int *protocol, struct net_sock **out)
{
	struct netstack *ns = net_ns_stack(net);
	bool v6 = family == LINUX_AF_INET6;
	int echo = v6 ? LINUX_IPPROTO_ICMPV6 : LINUX_IPPROTO_ICMP;

	switch (type) {
	case LINUX_SOCK_STREAM:
		if (*protocol && *protocol != LINUX_IPPROTO_TCP)
			return -EPROTONOSUPPORT;
		*protocol = LINUX_IPPROTO_TCP;
		return tcp_new(ns, v6, out);
	case LINUX_SOCK_DGRAM:
		if (*protocol == echo)
			return may_ping(net) ? raw_new(ns, v6, (u32)echo, true, out) : -EACCES;
		if (*protocol && *protocol != LINUX_IPPROTO_UDP)
			return -EPROTONOSUPPORT;
		*protocol = LINUX_IPPROTO_UDP;
		return udp_new(ns, v6, out);
	case LINUX_SOCK_RAW:
		if (!*protocol)
			return -EPROTONOSUPPORT;
		return net_ns_capable(net, LINUX_CAP_NET_RAW) ? raw_new(ns, v6, (u32)*protocol, false, out)
							      : -EPERM;
	default:
		return -ESOCKTNOSUPPORT;
	}
}

int inet_create(int family, int type, int protocol, struct socket **out)
{
	struct net_ns *net = net_ns_current();
	struct net_sock *sk;
	struct inet_sock *i;
	int err;

	if (protocol < 0 || protocol >= LINUX_IPPROTO_MAX)
		return -EINVAL;
	err = make(net, family, type, &protocol, &sk);
	if (err)
		return err;
	sk->ep.uid = current_task()->cred->euid;
	sk->ep.gid = current_task()->cred->egid;
	if (type == LINUX_SOCK_RAW && protocol == LINUX_IPPROTO_RAW)
		sk->hdrincl = true;
	i = inet_wrap(net, sk, type == LINUX_SOCK_STREAM ? &inet_tcp_ops : &inet_dgram_ops, family, type,
		      protocol);
	if (!i)
		return -ENOMEM;
	*out = &i->sock;
	return 0;
}

/*
 * inet_dgram.c - datagram sockets: UDP, raw IP and unprivileged ICMP echo.
 */
#include <errno.h>

#include "netstack/wire/headers.h"
#include "sandbox/abi/poll.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"

static bool connected(const struct inet_sock *i)
{
	return !ip_is_any(&i->sk->ep.raddr) || i->sk->ep.rport;
}

static int dgram_do_connect(struct socket *s, const struct sockaddr_k *addr, bool nonblock)
{
	struct inet_sock *i = inet_of(s);
	struct inet_name n;
	int err;

	if (addr->len < 2)
		return -EINVAL;
	if (sockaddr_family(addr) == LINUX_AF_UNSPEC)
		return dgram_disconnect(i->sk);
	err = inet_name_in(i, addr, &n);
	if (err)
		return err;
	if (n.scope && ip_is_linklocal(&n.addr)) {
		if (i->sk->ep.bound_if && i->sk->ep.bound_if != n.scope)
			return -EINVAL;
		i->sk->ep.bound_if = n.scope;
	}
	i->sk->broadcast = s->broadcast;
	err = dgram_connect(i->sk, &n.addr, n.port);
	if (!err)
		wake_up_all(&i->wait, 0);
	return err;
}

static int dgram_listen(struct socket *s, int backlog)
{
	return -EOPNOTSUPP;
}

static int dgram_accept(struct socket *s, bool nonblock, struct socket **out)
{
	return -EOPNOTSUPP;
}

/* ---- sending ---- */

static s64 dgram_send(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct inet_sock *i = inet_of(s);
	struct dgram_msg d = {
	    .ttl = -1, .tos = -1, .dont_route = i->dontroute || (m->flags & LINUX_MSG_DONTROUTE)};
	bool udp = s->type == LINUX_SOCK_DGRAM && s->protocol == LINUX_IPPROTO_UDP;
	struct inet_cmsg_in store;
	struct inet_iter it;
	struct inet_name n;
	s64 ret;

	if (m->flags & LINUX_MSG_OOB)
		return -EOPNOTSUPP;
	if (m->uio->left > 65535)
		return -EMSGSIZE;
	if (m->name && m->name->len &&
	    !(inet_is_v6(i) && sockaddr_family(m->name) == LINUX_AF_UNSPEC && m->name->len >= 2)) {
		ret = inet_name_in(i, m->name, &n);
		if (ret)
			return ret;
		d.dst = &n.addr;
		d.dport = n.port;
		d.scope_if = n.scope;
		if (udp && !n.port)
			return -EINVAL;
	} else if (!connected(i)) {
		return -EDESTADDRREQ;
	}
	ret = m->control ? inet_cmsg_in(i, m->control, &d, &store) : 0;
	if (ret)
		return ret;
	i->sk->broadcast = s->broadcast;
	inet_iter_init(&it, m->uio);
	d.iter = &it.it;
	d.more = m->flags & LINUX_MSG_MORE;
	ret = udp ? udp_send(i->sk, &d) : raw_send(i->sk, &d);
	return ret == -EPIPE ? inet_broken_pipe(m) : ret;
}

/* ---- receiving ---- */

s64 pkt_to_uio(const struct pkt *p, u32 off, struct uio *u, size_t n)
{
	size_t done = 0;
	u32 at = 0;

	n = min_t(size_t, n, p->size > off ? p->size - off : 0);
	for (s32 k = -1; k < (s32)p->frag_count && done < n; k++) {
		u32 size = k < 0 ? p->head_size : p->frags[k].size;
		const u8 *bytes = k < 0 ? p->head + p->head_off : p->frags[k].data->bytes + p->frags[k].off;
		if (off < at + size) {
			u32 skip = off > at ? off - at : 0;
			size_t part = min_t(size_t, size - skip, n - done);
			/* not written to: the direction is towards the guest */
			s64 got = uio_copy(u, (void *)(uintptr_t)(bytes + skip), part);
			if (got != (s64)part)
				return got < 0 && !done ? got : -EFAULT;
			done += part;
		}
		at += size;
	}
	return (s64)done;
}

/* The next packet; waits for it. */
static int next_packet(struct inet_sock *i, bool peek, bool nonblock, struct pkt **out)
{
	u64 deadline = socket_deadline(i->sock.rcvtimeo_ns);
	int err;

	for (;;) {
		err = dgram_receive(i->sk, peek, out);
		if (err != -EAGAIN || nonblock)
			return err;
		if (i->sk->shut_read)
			return 1;
		err = wait_event(&i->wait, dgram_poll(i->sk) & (SOCK_IN | SOCK_ERR | SOCK_HUP), deadline);
		if (err)
			return socket_wait_error(err, i->sock.rcvtimeo_ns);
	}
}

static s64 hand_over(struct inet_sock *i, struct pkt *p, struct socket_msg *m)
{
	bool want_size = m->flags & LINUX_MSG_TRUNC;
	s64 n = pkt_to_uio(p, 0, m->uio, m->uio->left);

	m->flags = 0;
	if (n < 0)
		return n;
	if ((u32)n < p->size)
		m->flags |= LINUX_MSG_TRUNC;
	i->last_stamp_ns = p->stamp;
	if (m->name)
		inet_name_out(i, &p->src, i->sk->ep.kind == EP_UDP ? p->sport : 0, p->ifindex, m->name);
	if (m->control) {
		int err = inet_cmsg_out(i, p, m->control);
		if (err)
			return err;
	}
	return want_size ? (s64)p->size : n;
}

static s64 dgram_do_receive(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct inet_sock *i = inet_of(s);
	bool peek = m->flags & LINUX_MSG_PEEK;
	struct pkt *p, *mine;
	s64 n;

	if (m->flags & LINUX_MSG_ERRQUEUE)
		return inet_receive_error(i, m);
	if (m->flags & LINUX_MSG_OOB)
		return -EOPNOTSUPP;
	n = next_packet(i, peek, nonblock || (m->flags & LINUX_MSG_DONTWAIT), &p);
	if (n) {
		if (n > 0) {
			m->flags = 0;
			if (m->name)
				m->name->len = 0;
		}
		return n < 0 ? n : 0;
	}
	/* somebody else may take it while we copy what we only look at */
	mine = peek ? pkt_clone(p) : p;
	if (!mine)
		return -ENOBUFS;
	n = hand_over(i, mine, m);
	pkt_free(mine);
	return n;
}

/* ---- the rest ---- */

static int dgram_do_shutdown(struct socket *s, int how)
{
	if (how < 0 || how > 2)
		return -EINVAL;
	return dgram_shutdown(inet_of(s)->sk, how != 1, how != 0);
}

static u32 dgram_do_poll(struct socket *s, struct poll_table *pt)
{
	struct inet_sock *i = inet_of(s);

	poll_wait(pt, &i->wait);
	return inet_poll_events(dgram_poll(i->sk));
}

static void dgram_release(struct socket *s)
{
	struct inet_sock *i = inet_of(s);

	s->file = NULL;
	dgram_close(i->sk);
	inet_free(i);
}

const struct socket_ops inet_dgram_ops = {
    .bind = inet_bind,
    .connect = dgram_do_connect,
    .listen = dgram_listen,
    .accept = dgram_accept,
    .send = dgram_send,
    .receive = dgram_do_receive,
    .shutdown = dgram_do_shutdown,
    .name = inet_name,
    .poll = dgram_do_poll,
    .ioctl = inet_ioctl,
    .getsockopt = inet_getsockopt,
    .setsockopt = inet_setsockopt,
    .release = dgram_release,
};

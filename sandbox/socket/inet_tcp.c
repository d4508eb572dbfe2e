/*
 * inet_tcp.c - stream sockets: connecting, accepting, sending and receiving with the waits that the library
 * leaves to its users.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"

/* ---- connecting ---- */

static bool under_way(const struct inet_sock *i)
{
	enum tcp_state state = tcp_state_of(i->sk);

	return state == TCPS_SYN_SENT || state == TCPS_SYN_RECV;
}

/* How the connection that was begun has ended. */
static int connect_end(struct inet_sock *i)
{
	int err;

	i->connecting = false;
	if (tcp_state_of(i->sk) != TCPS_CLOSE)
		return 0;
	err = sock_take_error(i->sk);
	return err ? err : -ECONNABORTED;
}

static int connect_begin(struct inet_sock *i, const struct sockaddr_k *addr)
{
	struct inet_name n;
	int err = inet_name_in(i, addr, &n);

	if (err)
		return err;
	if (tcp_state_of(i->sk) != TCPS_CLOSE)
		return -EISCONN;
	if (n.scope && ip_is_linklocal(&n.addr)) {
		if (i->sk->ep.bound_if && i->sk->ep.bound_if != n.scope)
			return -EINVAL;
		i->sk->ep.bound_if = n.scope;
	}
	(void)sock_take_error(i->sk); /* of the connection before */
	err = tcp_connect(i->sk, &n.addr, n.port);
	if (err == -EINPROGRESS)
		i->connecting = true;
	return err;
}

/* connect(AF_UNSPEC). Who still reads or writes hears that the connection is gone; the next connect forgets
 * it. */
static int dissolve(struct inet_sock *i)
{
	enum tcp_state state = tcp_state_of(i->sk);
	int err;

	i->connecting = false;
	err = tcp_disconnect(i->sk);
	if (!err && state != TCPS_CLOSE && state != TCPS_LISTEN)
		i->sk->error = ECONNRESET;
	return err;
}

static int tcp_do_connect(struct socket *s, const struct sockaddr_k *addr, bool nonblock)
{
	struct inet_sock *i = inet_of(s);
	bool again = i->connecting;
	int err;

	if (addr->len < 2)
		return -EINVAL;
	if (sockaddr_family(addr) == LINUX_AF_UNSPEC)
		return dissolve(i);
	if (!again) {
		err = connect_begin(i, addr);
		/* Over loopback the answer may be here already. On Linux it comes when the caller has let go
		 * of the socket, and programs are written for that. */
		if (nonblock && (!err || err == -ECONNREFUSED)) {
			i->sk->error = -err;
			i->connecting = true;
			return -EINPROGRESS;
		}
		if (err != -EINPROGRESS)
			return err;
	}
	if (under_way(i)) {
		if (nonblock)
			return again ? -EALREADY : -EINPROGRESS;
		err = wait_event(&i->wait, !under_way(i), socket_deadline(s->sndtimeo_ns));
		if (err)
			return err == -ETIMEDOUT ? (again ? -EALREADY : -EINPROGRESS)
						 : socket_wait_error(err, s->sndtimeo_ns);
	}
	return connect_end(i);
}

static int tcp_do_listen(struct socket *s, int backlog)
{
	struct inet_sock *i = inet_of(s);

	i->sk->ep.reuseaddr = s->reuseaddr;
	return tcp_listen(i->sk, backlog);
}

/* What an accepted socket has of its listener. */
static void inherit(struct inet_sock *i, const struct inet_sock *from)
{
	const struct socket *l = &from->sock;
	struct socket *s = &i->sock;

	s->sndtimeo_ns = l->sndtimeo_ns;
	s->rcvtimeo_ns = l->rcvtimeo_ns;
	s->rcvlowat = l->rcvlowat;
	s->reuseaddr = l->reuseaddr;
	s->keepalive = l->keepalive;
	s->broadcast = l->broadcast;
	s->priority = l->priority;
	memcpy(s->linger, l->linger, sizeof(s->linger));
	i->tell = from->tell;
	i->mark = from->mark;
	i->dontroute = from->dontroute;
	i->oobinline = from->oobinline;
}

static int tcp_do_accept(struct socket *s, bool nonblock, struct socket **out)
{
	struct inet_sock *l = inet_of(s), *i;
	u64 deadline = socket_deadline(s->rcvtimeo_ns);
	struct net_sock *sk;
	int err;

	for (;;) {
		err = tcp_accept(l->sk, &sk);
		if (err != -EAGAIN || nonblock)
			break;
		err = wait_event(&l->wait, tcp_state_of(l->sk) != TCPS_LISTEN || (tcp_poll(l->sk) & SOCK_IN),
				 deadline);
		if (err)
			return socket_wait_error(err, s->rcvtimeo_ns);
	}
	if (err)
		return err;
	i = inet_wrap(l->net, sk, &inet_tcp_ops, s->family, s->type, s->protocol);
	if (!i)
		return -ENOMEM;
	inherit(i, l);
	*out = &i->sock;
	return 0;
}

/* ---- sending ---- */

static s64 send_failed(const struct socket_msg *m, s64 err, s64 done)
{
	if (done)
		return done;
	return err == -EPIPE ? inet_broken_pipe(m) : err;
}

static s64 tcp_do_send(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct inet_sock *i = inet_of(s);
	u64 deadline = socket_deadline(s->sndtimeo_ns);
	u32 flags =
	    (m->flags & LINUX_MSG_MORE ? TCP_SEND_MORE : 0) | (m->flags & LINUX_MSG_OOB ? TCP_SEND_OOB : 0);
	struct inet_iter it;
	s64 done = 0, n;

	nonblock |= !!(m->flags & LINUX_MSG_DONTWAIT);
	if ((m->flags & LINUX_MSG_FASTOPEN) && m->name && tcp_state_of(i->sk) == TCPS_CLOSE) {
		/* without a cookie of the server it is connect and send */
		int err = tcp_do_connect(s, m->name, nonblock);
		if (err)
			return err;
	}
	inet_iter_init(&it, m->uio);
	for (;;) {
		n = tcp_send(i->sk, &it.it, flags);
		if (n > 0)
			done += n;
		if (!it.it.left && n >= 0)
			return done;
		if (n < 0 && n != -EAGAIN)
			return send_failed(m, n, done);
		if (n >= 0 && (tcp_poll(i->sk) & SOCK_OUT))
			continue;
		if (nonblock)
			return done ? done : -EAGAIN;
		n = wait_event(&i->wait, tcp_poll(i->sk) & (SOCK_OUT | SOCK_HUP | SOCK_ERR), deadline);
		if (n)
			return done ? done : socket_wait_error((int)n, s->sndtimeo_ns);
	}
}

/* ---- receiving ---- */

static s64 receive_oob(struct inet_sock *i, struct socket_msg *m)
{
	u8 byte;
	int n = tcp_receive_oob(i->sk, m->flags & LINUX_MSG_PEEK, &byte);
	bool cut = m->flags & LINUX_MSG_TRUNC;

	m->flags = 0;
	if (n <= 0)
		return n;
	m->flags = LINUX_MSG_OOB;
	if (!m->uio->left) {
		m->flags |= LINUX_MSG_TRUNC;
		return 0;
	}
	return cut ? 1 : uio_copy(m->uio, &byte, 1);
}

/* Is there something for a reader who has `have` bytes, or nothing to come? */
static bool more_to_read(const struct inet_sock *i, u32 have)
{
	return tcp_inq(i->sk) > have || i->sk->error || (tcp_poll(i->sk) & (SOCK_HUP | SOCK_RDHUP)) ||
	       tcp_state_of(i->sk) == TCPS_LISTEN;
}

/* Takes what is there, up to the size of the uio, in parts for which there are windows. Between two of them
 * another reader can take what comes next: then this is all. */
static s64 take_parts(struct inet_sock *i, struct inet_iter *it)
{
	s64 done = 0, n = 0;
	u32 at = 0;

	do {
		int err = uio_next_window(it->u, &it->it.left);
		if (err)
			return err;
		if (done && tcp_taken(i->sk) != at)
			break;
		n = tcp_receive(i->sk, &it->it, false, 0);
		if (n > 0)
			done += n;
		at = tcp_taken(i->sk);
	} while (n > 0 && !it->it.left && it->u->left && tcp_inq(i->sk));
	return done ? done : n;
}

static s64 receive_stream(struct inet_sock *i, struct socket_msg *m, bool nonblock)
{
	struct socket *s = &i->sock;
	u64 deadline = socket_deadline(s->rcvtimeo_ns);
	bool peek = m->flags & LINUX_MSG_PEEK, drop = m->flags & LINUX_MSG_TRUNC;
	u32 from = peek && s->peek_off > 0 ? (u32)s->peek_off : 0;
	size_t want = m->uio->left,
	       target = m->flags & LINUX_MSG_WAITALL ? want : min_t(size_t, want, s->rcvlowat);
	struct inet_iter it;
	s64 done = 0, n;

	inet_iter_init(&it, m->uio);
	for (;;) {
		if (done && i->sk->error)
			break;
		if (peek)
			n = tcp_receive(i->sk, &it.it, true, from + (u32)done);
		else if (drop)
			n = tcp_discard(i->sk, want - (size_t)done);
		else
			n = take_parts(i, &it);
		if (n > 0)
			done += n;
		if (n == 0 || (n < 0 && n != -EAGAIN) || (done && (size_t)done >= target))
			break;
		if (n > 0)
			continue;
		if (nonblock)
			break;
		n = wait_event(&i->wait, more_to_read(i, peek ? from + (u32)done : 0), deadline);
		if (n) {
			n = socket_wait_error((int)n, s->rcvtimeo_ns);
			break;
		}
	}
	if (s->peek_off >= 0 && done > 0)
		s->peek_off = peek ? s->peek_off + (s32)done : max_t(s32, 0, s->peek_off - (s32)done);
	return done ? done : n;
}

static s64 tcp_do_receive(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct inet_sock *i = inet_of(s);
	s64 n;

	if (m->name)
		m->name->len = 0;
	if (m->flags & LINUX_MSG_ERRQUEUE)
		return inet_receive_error(i, m);
	if (m->flags & LINUX_MSG_OOB)
		return receive_oob(i, m);
	n = receive_stream(i, m, nonblock || (m->flags & LINUX_MSG_DONTWAIT));
	m->flags = 0;
	if (n >= 0 && m->control && tcp_wants_inq(i->sk)) {
		s32 left = (s32)tcp_inq(i->sk);
		int err =
		    socket_control_add(m->control, LINUX_IPPROTO_TCP, LINUX_TCP_CM_INQ, &left, sizeof(left));
		if (err && !n)
			return err;
	}
	return n;
}

/* ---- the rest ---- */

static int tcp_do_shutdown(struct socket *s, int how)
{
	if (how < 0 || how > 2)
		return -EINVAL;
	return tcp_shutdown(inet_of(s)->sk, how != 1, how != 0);
}

static u32 tcp_do_poll(struct socket *s, struct poll_table *pt)
{
	struct inet_sock *i = inet_of(s);

	poll_wait(pt, &i->wait);
	return inet_poll_events(tcp_poll(i->sk)) & ~LINUX_POLLWRBAND;
}

/* SO_LINGER: close(2) waits until what was sent has arrived; not when the process is being killed. */
static void linger(struct inet_sock *i)
{
	u64 ns = (u64)(u32)i->sock.linger[1] * NSEC_PER_SEC;
	struct task *t = current_task();

	if (!t || t->state != TASK_ALIVE || tcp_state_of(i->sk) == TCPS_LISTEN ||
	    tcp_shutdown(i->sk, false, true))
		return;
	(void)!wait_event(&i->wait, tcp_drained(i->sk), clock_monotonic() + ns); /* closed in any case */
}

static void tcp_release(struct socket *s)
{
	struct inet_sock *i = inet_of(s);
	bool lingers = s->linger[0];

	s->file = NULL;
	if (lingers && s->linger[1] > 0)
		linger(i);
	tcp_close(i->sk, lingers && !s->linger[1]);
	inet_free(i);
}

const struct socket_ops inet_tcp_ops = {
    .bind = inet_bind,
    .connect = tcp_do_connect,
    .listen = tcp_do_listen,
    .accept = tcp_do_accept,
    .send = tcp_do_send,
    .receive = tcp_do_receive,
    .shutdown = tcp_do_shutdown,
    .name = inet_name,
    .poll = tcp_do_poll,
    .ioctl = inet_ioctl,
    .getsockopt = inet_getsockopt,
    .setsockopt = inet_setsockopt,
    .release = tcp_release,
};

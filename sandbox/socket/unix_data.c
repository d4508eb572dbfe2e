/*
 * unix_data.c - sending and receiving on unix sockets.
 *
 * A stream's writes of one sender are glued together in the queue unless ancillary data keeps them apart: it
 * belongs to the first byte sent with it, and a read never goes across it. Datagrams and packets stay whole.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/socket/unix_priv.h"
#include "sandbox/vfs/mount.h"

#define STREAM_CHUNK 65536U
#define IN_EVENTS    (LINUX_POLLIN | LINUX_POLLRDNORM)
#define OUT_EVENTS   (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND)

void unix_packet_free(struct unix_packet *p)
{
	socket_control_free(&p->control);
	kfree(p->data);
	kfree(p);
}

static bool has_room(const struct unix_endpoint *to, size_t size)
{
	return list_empty(&to->packets) || to->queued + size <= to->sock.rcvbuf;
}

/* Takes the message's ancillary data over, and the sender's credentials if anybody may ask for them. */
static void take_control(struct unix_endpoint *from, struct unix_endpoint *to, struct unix_packet *p,
			 struct socket_msg *m)
{
	struct task *t = current_task();

	if (m->control) {
		p->control = *m->control;
		*m->control = (struct socket_control){0};
	}
	if (!p->control.has_cred && (from->sock.passcred || to->sock.passcred || p->control.cred_given)) {
		p->control.has_cred = true;
		p->control.pid = pid_get(t->tg->leader->pid);
		p->control.uid = t->cred->uid;
		p->control.gid = t->cred->gid;
	}
}

static int make_packet(struct unix_endpoint *from, struct unix_endpoint *to, struct socket_msg *m, size_t n,
		       struct unix_packet **out)
{
	struct unix_packet *p = knew(struct unix_packet);
	s64 got = 0;

	if (!p)
		return -ENOBUFS;
	list_init(&p->node);
	p->data = kmalloc_typed(n ? n : 1, "unix data");
	if (p->data && n)
		got = uio_copy(m->uio, p->data, n);
	if (!p->data || got < 0 || ((size_t)got < n && !unix_is_stream(from))) {
		int err = p->data ? -EFAULT : -ENOBUFS;
		unix_packet_free(p);
		return err;
	}
	p->size = p->capacity = (u32)got;
	take_control(from, to, p, m);
	if (from->addr.len)
		p->from = from->addr;
	else
		p->from = (struct sockaddr_k){.len = 0};
	*out = p;
	return 0;
}

static s64 broken_pipe(const struct socket_msg *m, s64 done)
{
	if (done)
		return done;
	if (!(m->flags & LINUX_MSG_NOSIGNAL))
		(void)!send_signal_task(current_task(), LINUX_SIGPIPE, NULL);
	return -EPIPE;
}

/* ---- streams ---- */

static bool cannot_send(const struct unix_endpoint *e)
{
	return e->shut_write || !e->peer || e->peer->shut_read || !e->peer->open;
}

/* Small pieces go behind what the last packet of the same sender holds, if it has room. */
static s64 glue(struct unix_endpoint *to, struct socket_msg *m, size_t n)
{
	struct unix_packet *p;
	s64 got;

	if (list_empty(&to->packets) || (m->control && (m->control->file_count || m->control->has_cred)) ||
	    to->sock.passcred)
		return 0;
	p = list_last_entry(&to->packets, struct unix_packet, node);
	if (p->control.has_cred || p->size + n > 4096)
		return 0;
	if (p->capacity < 4096) {
		char *bigger = krealloc(p->data, 4096);
		if (!bigger)
			return 0;
		p->data = bigger;
		p->capacity = 4096;
	}
	got = uio_copy(m->uio, p->data + p->size, n);
	if (got > 0) {
		p->size += (u32)got;
		to->queued += (u32)got;
	}
	return got;
}

static s64 send_stream(struct unix_endpoint *e, struct socket_msg *m, bool nonblock)
{
	u64 deadline = socket_deadline(e->sock.sndtimeo_ns);
	s64 done = 0;

	if (m->name && m->name->len)
		return e->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (e->state != UNIX_CONNECTED && !e->peer_gone)
		return -ENOTCONN;
	while (m->uio->left) {
		struct unix_endpoint *to = e->peer;
		size_t n = min_t(size_t, m->uio->left, STREAM_CHUNK);
		struct unix_packet *p;
		s64 glued;
		int err;
		if (cannot_send(e))
			return broken_pipe(m, done);
		if (!has_room(to, 1)) {
			if (nonblock)
				return done ? done : -EAGAIN;
			unix_get(to);
			err = wait_event(&to->wait, has_room(to, 1) || cannot_send(e), deadline);
			unix_put(to);
			if (err)
				return done ? done : socket_wait_error(err, e->sock.sndtimeo_ns);
			continue;
		}
		n = min_t(size_t, n,
			  max_t(size_t, to->sock.rcvbuf - min_t(u32, to->queued, to->sock.rcvbuf), 1));
		glued = glue(to, m, n);
		if (glued < 0)
			return done ? done : glued;
		if (!glued) {
			err = make_packet(e, to, m, n, &p);
			if (err)
				return done ? done : err;
			glued = p->size;
			to->queued += p->size;
			list_add_tail(&p->node, &to->packets);
		}
		done += glued;
		wake_up(&to->wait, IN_EVENTS);
	}
	return done;
}

static bool has_ancillary(const struct unix_packet *p)
{
	return p->control.file_count != 0;
}

/* Gives the packet's ancillary data away (with PEEK: a copy). */
static int give_control(struct unix_packet *p, struct socket_msg *m, bool peek)
{
	struct socket_control *c = m->control;

	if (!c)
		return 0;
	if (!peek) {
		*c = p->control;
		p->control = (struct socket_control){.has_cred = c->has_cred,
						     .pid = c->pid ? pid_get(c->pid) : NULL,
						     .uid = c->uid,
						     .gid = c->gid};
		return 0;
	}
	*c = p->control;
	c->files = NULL;
	if (c->pid)
		pid_get(c->pid);
	if (c->file_count) {
		c->files = knew_array(struct file *, c->file_count);
		if (!c->files) {
			c->file_count = 0;
			socket_control_free(c);
			return -ENOMEM;
		}
		for (u32 i = 0; i < c->file_count; i++)
			c->files[i] = file_get(p->control.files[i]);
	}
	return 0;
}

static void consume(struct unix_endpoint *e, struct unix_packet *p, u32 n)
{
	p->off += n;
	e->queued -= n;
	if (p->off >= p->size) {
		list_del_init(&p->node);
		unix_packet_free(p);
	}
	/* writers wait on the receiver's queue, pollers for POLLOUT on the sender's own */
	wake_up(&e->wait, OUT_EVENTS);
	if (e->peer)
		wake_up(&e->peer->wait, OUT_EVENTS);
}

/* Waits for data: 1 there is some, 0 end of stream, -errno. */
static int wait_for_data(struct unix_endpoint *e, bool nonblock, u64 deadline)
{
	int err;

	while (list_empty(&e->packets)) {
		if (e->sock.error) {
			err = -e->sock.error;
			e->sock.error = 0;
			return err;
		}
		if (e->shut_read)
			return 0;
		if (nonblock)
			return -EAGAIN;
		err =
		    wait_event(&e->wait, !list_empty(&e->packets) || e->shut_read || e->sock.error, deadline);
		if (err)
			return socket_wait_error(err, e->sock.rcvtimeo_ns);
	}
	return 1;
}

static s64 receive_stream(struct unix_endpoint *e, struct socket_msg *m, bool nonblock)
{
	u64 deadline = socket_deadline(e->sock.rcvtimeo_ns);
	bool peek = m->flags & LINUX_MSG_PEEK, took_control = false;
	u32 peeked = 0; /* bytes of the queue already looked at */
	s64 done = 0;

	if (m->name)
		m->name->len = 0;
	if (e->state == UNIX_OPEN || e->state == UNIX_LISTENING)
		return -EINVAL;
	if (!m->uio->left)
		return 0;
	for (;;) {
		struct unix_packet *p;
		u32 skip = peeked;
		s64 n;
		int more = wait_for_data(e, nonblock || (done && !(m->flags & LINUX_MSG_WAITALL)), deadline);
		if (more <= 0)
			return done ? done : more;
		p = list_first_entry(&e->packets, struct unix_packet, node);
		while (peek && skip >= p->size - p->off) {
			skip -= p->size - p->off;
			if (p->node.next == &e->packets)
				return done;
			p = list_entry(p->node.next, struct unix_packet, node);
		}
		if (done && has_ancillary(p))
			return done; /* that is the next read's */
		if (!took_control) {
			int err = give_control(p, m, peek);
			if (err)
				return err;
			took_control = true;
		}
		n = uio_copy(m->uio, p->data + p->off + skip,
			     min_t(size_t, m->uio->left, p->size - p->off - skip));
		if (n < 0)
			return done ? done : n;
		done += n;
		if (peek)
			peeked += (u32)n;
		else
			consume(e, p, (u32)n);
		if (!m->uio->left || n == 0)
			return done;
	}
}

/* ---- datagrams and packets ---- */

static int find_target(struct unix_endpoint *e, const struct socket_msg *m, struct unix_endpoint **out)
{
	if (m->name && m->name->len) {
		if (e->sock.type == LINUX_SOCK_SEQPACKET)
			return e->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
		return unix_find(m->name, e->sock.type, out);
	}
	if (!e->peer)
		return e->peer_gone ? -EPIPE : -ENOTCONN;
	*out = unix_get(e->peer);
	return 0;
}

static s64 send_packet(struct unix_endpoint *e, struct socket_msg *m, bool nonblock)
{
	size_t n = m->uio->left;
	struct unix_endpoint *to;
	struct unix_packet *p;
	int err = find_target(e, m, &to);

	if (err == -EPIPE || (!err && e->shut_write)) {
		if (!err)
			unix_put(to);
		return broken_pipe(m, 0);
	}
	if (err)
		return err;
	if (n > e->sock.sndbuf)
		err = -EMSGSIZE;
	else if (e->sock.type == LINUX_SOCK_DGRAM && to->peer && to->peer != e)
		err = -EPERM;
	while (!err && to->open && !to->shut_read && !has_room(to, n)) {
		if (nonblock)
			err = -EAGAIN;
		else
			err = socket_wait_error(wait_event(&to->wait,
							   has_room(to, n) || !to->open || to->shut_read,
							   socket_deadline(e->sock.sndtimeo_ns)),
						e->sock.sndtimeo_ns);
	}
	if (!err && !to->open)
		err = e->sock.type == LINUX_SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
	else if (!err && to->shut_read)
		err = -EPIPE;
	if (!err)
		err = make_packet(e, to, m, n, &p);
	if (!err) {
		to->queued += p->size;
		list_add_tail(&p->node, &to->packets);
		wake_up(&to->wait, IN_EVENTS);
	}
	unix_put(to);
	if (err == -EPIPE)
		return broken_pipe(m, 0);
	return err ? err : (s64)n;
}

static s64 receive_packet(struct unix_endpoint *e, struct socket_msg *m, bool nonblock)
{
	bool peek = m->flags & LINUX_MSG_PEEK, want_size = m->flags & LINUX_MSG_TRUNC;
	struct unix_packet *p;
	s64 n;
	int err;

	if (e->sock.type == LINUX_SOCK_SEQPACKET && e->state != UNIX_CONNECTED &&
	    e->state != UNIX_DISCONNECTED)
		return -ENOTCONN;
	err = wait_for_data(e, nonblock, socket_deadline(e->sock.rcvtimeo_ns));
	if (err <= 0)
		return err;
	p = list_first_entry(&e->packets, struct unix_packet, node);
	n = p->size && m->uio->left ? uio_copy(m->uio, p->data, min_t(size_t, m->uio->left, p->size)) : 0;
	if (n < 0)
		return n;
	m->flags = (u32)n < p->size ? LINUX_MSG_TRUNC : 0;
	if (e->sock.type == LINUX_SOCK_SEQPACKET)
		m->flags |= LINUX_MSG_EOR;
	if (want_size)
		n = p->size;
	if (m->name)
		*m->name = p->from;
	err = give_control(p, m, peek);
	if (err)
		return err;
	if (!peek) {
		u32 size = p->size;
		p->off = p->size;
		e->queued -= size;
		list_del_init(&p->node);
		unix_packet_free(p);
		wake_up_all(&e->wait, OUT_EVENTS);
		if (e->peer)
			wake_up(&e->peer->wait, OUT_EVENTS);
	}
	return n;
}

/* ---- the operations ---- */

s64 unix_send(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct unix_endpoint *e = unix_of(s);

	if (m->flags & LINUX_MSG_OOB)
		return -EOPNOTSUPP;
	nonblock |= m->flags & LINUX_MSG_DONTWAIT;
	if (s->passcred && s->type == LINUX_SOCK_DGRAM && !e->addr.len) {
		int err = unix_autobind(e);
		if (err)
			return err;
	}
	return unix_is_stream(e) ? send_stream(e, m, nonblock) : send_packet(e, m, nonblock);
}

s64 unix_receive(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct unix_endpoint *e = unix_of(s);
	s64 n;

	if (m->flags & LINUX_MSG_OOB)
		return -EOPNOTSUPP;
	nonblock |= m->flags & LINUX_MSG_DONTWAIT;
	if (!unix_is_stream(e))
		return receive_packet(e, m, nonblock);
	n = receive_stream(e, m, nonblock);
	m->flags = 0;
	return n;
}

u32 unix_poll(struct socket *s, struct poll_table *pt)
{
	struct unix_endpoint *e = unix_of(s);
	u32 ev = 0;

	poll_wait(pt, &e->wait);
	if (e->state == UNIX_LISTENING)
		return list_empty(&e->backlog) ? 0 : IN_EVENTS;
	if (!list_empty(&e->packets) || e->shut_read)
		ev |= IN_EVENTS;
	if (e->shut_read)
		ev |= LINUX_POLLRDHUP;
	if (e->shut_read && e->shut_write)
		ev |= LINUX_POLLHUP;
	if (s->type != LINUX_SOCK_DGRAM && e->state == UNIX_OPEN)
		return ev | LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLHUP;
	if (!e->peer || has_room(e->peer, 1 + e->peer->sock.rcvbuf / 4) || !e->peer->open)
		ev |= OUT_EVENTS;
	return ev;
}

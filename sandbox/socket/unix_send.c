/*
 * unix_send.c - sending on unix sockets.
 *
 * A stream's writes of one sender are glued together in the queue unless ancillary data keeps them apart.
 * Datagrams and packets stay whole. What is sent counts in the sender's SO_SNDBUF until it is received, with
 * something for each packet's own weight.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/socket/unix_priv.h"
#include "sandbox/vfs/mount.h"

#define STREAM_CHUNK  65536U
#define GLUE_SIZE     4096U
#define PACKET_WEIGHT 512U
#define IN_EVENTS     (LINUX_POLLIN | LINUX_POLLRDNORM)

static bool has_room(const struct unix_endpoint *e)
{
	return e->sent < e->sock.sndbuf;
}

bool unix_queue_full(const struct unix_endpoint *e, const struct unix_endpoint *to)
{
	return e->sock.type == LINUX_SOCK_DGRAM && to->peer != e && to->packet_count > UNIX_DGRAM_QUEUE;
}

/* Takes the message's ancillary data over, and the sender's credentials if anybody may ask for them. */
static void take_control(struct unix_endpoint *from, struct unix_endpoint *to, struct unix_packet *p,
			 struct socket_msg *m)
{
	struct task *t = current_task();
	bool asked = from->sock.passcred || to->sock.passcred || from->sock.passpidfd || to->sock.passpidfd ||
		     !to->sock.file;

	if (m->control) {
		p->control = *m->control;
		*m->control = (struct socket_control){0};
	}
	if (!p->control.has_cred && asked) {
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
	int err = 0;

	if (!p)
		return -ENOBUFS;
	list_init(&p->node);
	p->data = kmalloc_typed(n ? n : 1, "unix data");
	if (p->data && n)
		got = uio_copy(m->uio, p->data, n);
	if (!p->data)
		err = -ENOBUFS;
	else if (got < 0 || (size_t)got < n) /* as on Linux: a packet is whole, in a stream too */
		err = -EFAULT;
	if (!err) {
		p->size = p->capacity = (u32)got;
		take_control(from, to, p, m);
		err = unix_take_off(p);
	}
	if (err) {
		unix_packet_free(p);
		return err;
	}
	if (from->addr.len)
		p->from = from->addr;
	p->sender = unix_get(from);
	p->charge = p->size + PACKET_WEIGHT;
	from->sent += p->charge;
	*out = p;
	return 0;
}

static void enqueue(struct unix_endpoint *to, struct unix_packet *p)
{
	to->queued += p->size;
	to->packet_count++;
	list_add_tail(&p->node, &to->packets);
	wake_up(&to->wait, IN_EVENTS);
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
static s64 glue(struct unix_endpoint *e, struct unix_endpoint *to, struct socket_msg *m, size_t n)
{
	struct unix_packet *p;
	s64 got;

	if (list_empty(&to->packets) || (m->control && (m->control->file_count || m->control->has_cred)) ||
	    to->sock.passcred || to->sock.passpidfd)
		return 0;
	p = list_last_entry(&to->packets, struct unix_packet, node);
	if (p->control.has_cred || p->control.file_count || p->size + n > GLUE_SIZE)
		return 0;
	if (p->capacity < GLUE_SIZE) {
		char *bigger = krealloc(p->data, GLUE_SIZE);
		if (!bigger)
			return 0;
		p->data = bigger;
		p->capacity = GLUE_SIZE;
	}
	got = uio_copy(m->uio, p->data + p->size, n);
	if (got < (s64)n)
		return -EFAULT;
	p->size += (u32)n;
	p->charge += (u32)n;
	e->sent += (u32)n;
	to->queued += (u32)n;
	wake_up(&to->wait, IN_EVENTS);
	return (s64)n;
}

static s64 send_stream(struct unix_endpoint *e, struct socket_msg *m, bool nonblock)
{
	u64 deadline = socket_deadline(e->sock.sndtimeo_ns);
	s64 done = 0;

	if (m->name && m->name->len)
		return e->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (!e->peer)
		return -ENOTCONN;
	while (m->uio->left) {
		struct unix_endpoint *to = e->peer;
		size_t n = min_t(size_t, min_t(size_t, m->uio->left, STREAM_CHUNK), e->sock.sndbuf / 2 - 64);
		struct unix_packet *p;
		s64 glued;
		int err;
		if (cannot_send(e))
			return broken_pipe(m, done);
		if (!has_room(e)) {
			if (nonblock)
				return done ? done : -EAGAIN;
			err = wait_event(&e->wait, has_room(e) || cannot_send(e), deadline);
			if (err)
				return done ? done : socket_wait_error(err, e->sock.sndtimeo_ns);
			continue;
		}
		glued = glue(e, to, m, n);
		if (glued < 0)
			return done ? done : glued;
		if (!glued) {
			err = make_packet(e, to, m, n, &p);
			if (err)
				return done ? done : err;
			glued = p->size;
			enqueue(to, p);
		}
		done += glued;
	}
	return done;
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
		return -ENOTCONN;
	*out = unix_get(e->peer);
	return 0;
}

static bool is_gone(const struct unix_endpoint *to)
{
	return !to->open || to->shut_read;
}

static int wait_for_room(struct unix_endpoint *e, struct unix_endpoint *to, bool nonblock)
{
	u64 deadline = socket_deadline(e->sock.sndtimeo_ns);
	int err = 0;

	while (!err && !is_gone(to) && (!has_room(e) || unix_queue_full(e, to))) {
		if (nonblock)
			return -EAGAIN;
		if (!has_room(e))
			err = wait_event(&e->wait, has_room(e) || is_gone(to), deadline);
		else
			err = wait_event(&to->wait, !unix_queue_full(e, to) || is_gone(to), deadline);
	}
	return socket_wait_error(err, e->sock.sndtimeo_ns);
}

/* May this be sent there now? */
static int admit(struct unix_endpoint *e, struct unix_endpoint *to, size_t n, bool nonblock)
{
	int err;

	if (e->shut_write)
		return -EPIPE;
	if (n > e->sock.sndbuf - 32)
		return -EMSGSIZE;
	if (e->sock.type == LINUX_SOCK_DGRAM && to->peer && to->peer != e)
		return -EPERM;
	err = wait_for_room(e, to, nonblock);
	if (err)
		return err;
	if (!to->open) {
		if (e->sock.type != LINUX_SOCK_DGRAM)
			return -EPIPE;
		if (e->peer == to)
			unix_disconnect(e);
		return -ECONNREFUSED;
	}
	return to->shut_read ? -EPIPE : 0;
}

static s64 send_packet(struct unix_endpoint *e, struct socket_msg *m, bool nonblock)
{
	size_t n = m->uio->left;
	struct unix_endpoint *to;
	struct unix_packet *p;
	int err = find_target(e, m, &to);

	if (err)
		return err;
	err = admit(e, to, n, nonblock);
	if (!err)
		err = make_packet(e, to, m, n, &p);
	if (!err)
		enqueue(to, p);
	unix_put(to);
	if (err == -EPIPE)
		return broken_pipe(m, 0);
	return err ? err : (s64)n;
}

s64 unix_send(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct unix_endpoint *e = unix_of(s);

	if (m->flags & LINUX_MSG_OOB)
		return -EOPNOTSUPP;
	nonblock |= m->flags & LINUX_MSG_DONTWAIT;
	if ((s->passcred || s->passpidfd) && s->type == LINUX_SOCK_DGRAM && !e->addr.len) {
		int err = unix_autobind(e);
		if (err)
			return err;
	}
	return unix_is_stream(e) ? send_stream(e, m, nonblock) : send_packet(e, m, nonblock);
}

/*
 * unix_receive.c - receiving and polling on unix sockets.
 *
 * Ancillary data belongs to the first byte sent with it. A stream's read goes on into a packet with
 * descriptors, but never beyond it, and with SO_PASSCRED never into what another process has sent.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/socket/unix_priv.h"
#include "sandbox/vfs/mount.h"

#define IN_EVENTS  (LINUX_POLLIN | LINUX_POLLRDNORM)
#define OUT_EVENTS (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND)

void unix_packet_free(struct unix_packet *p)
{
	struct unix_endpoint *sender = p->sender;

	if (sender) {
		sender->sent -= p->charge;
		wake_up(&sender->wait, OUT_EVENTS);
		unix_put(sender);
	}
	unix_land(p);
	socket_control_free(&p->control);
	kfree(p->data);
	kfree(p);
}

/* The packet is taken out of the queue. */
static void take_out(struct unix_endpoint *e, struct unix_packet *p)
{
	struct unix_endpoint *client;

	list_del_init(&p->node);
	e->packet_count--;
	unix_packet_free(p);
	if (e->sock.type != LINUX_SOCK_DGRAM || e->packet_count != UNIX_DGRAM_QUEUE)
		return;
	wake_up_all(&e->wait, OUT_EVENTS); /* senders that wait for the queue, and pollers of such */
	list_for_each_entry (client, &e->clients, client_node)
		wake_up_all(&client->wait, OUT_EVENTS);
}

/* Gives the packet's descriptors away (with PEEK: copies). */
static int give_files(struct unix_packet *p, struct socket_control *c, bool peek)
{
	if (!c || !p->control.file_count)
		return 0;
	if (!peek) {
		unix_land(p);
		c->files = p->control.files;
		c->file_count = p->control.file_count;
		p->control.files = NULL;
		p->control.file_count = 0;
		return 0;
	}
	c->files = knew_array(struct file *, p->control.file_count);
	if (!c->files)
		return -ENOMEM;
	for (; c->file_count < p->control.file_count; c->file_count++)
		c->files[c->file_count] = file_get(p->control.files[c->file_count]);
	return 0;
}

static void give_cred(const struct unix_packet *p, struct socket_control *c)
{
	if (!c || !p->control.has_cred)
		return;
	c->has_cred = true;
	c->pid = pid_get(p->control.pid);
	c->uid = p->control.uid;
	c->gid = p->control.gid;
}

static bool same_sender(const struct socket_control *a, const struct socket_control *b)
{
	return a->has_cred == b->has_cred && a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

static void peek_forward(struct unix_endpoint *e, size_t n)
{
	if (e->sock.peek_off >= 0)
		e->sock.peek_off += (s32)n;
}

static void peek_back(struct unix_endpoint *e, size_t n)
{
	if (e->sock.peek_off >= 0)
		e->sock.peek_off = max_t(s32, e->sock.peek_off - (s32)n, 0);
}

/* Waits until there are more than `beyond` bytes, or a packet if packets are meant (beyond 0): 1 there is
 * some, 0 end of stream, -errno. */
static int wait_for_data(struct unix_endpoint *e, bool nonblock, u64 deadline, u32 beyond)
{
	int err;

	while (list_empty(&e->packets) || (beyond && e->queued <= beyond)) {
		if (e->sock.error) {
			err = -e->sock.error;
			e->sock.error = 0;
			return err;
		}
		if (e->shut_read)
			return 0;
		if (nonblock)
			return -EAGAIN;
		err = wait_event(&e->wait,
				 (!list_empty(&e->packets) && (!beyond || e->queued > beyond)) ||
				     e->shut_read || e->sock.error,
				 deadline);
		if (err)
			return socket_wait_error(err, e->sock.rcvtimeo_ns);
	}
	return 1;
}

/* ---- streams ---- */

/* The packet `skip` bytes into the queue, and where in it; NULL beyond the end. */
static struct unix_packet *packet_at(struct unix_endpoint *e, u32 *skip)
{
	struct unix_packet *p;

	list_for_each_entry (p, &e->packets, node) {
		u32 left = p->size - p->off;
		if (*skip < left)
			return p;
		*skip -= left;
	}
	return NULL;
}

/* One packet's share of a read: 1 go on, 0 enough, -errno. */
static int read_packet(struct unix_endpoint *e, struct unix_packet *p, u32 skip, struct socket_msg *m,
		       bool peek, s64 *done)
{
	u32 left = p->size - p->off - skip;
	s64 n = uio_copy(m->uio, p->data + p->off + skip, min_t(size_t, m->uio->left, left));
	bool files = p->control.file_count != 0;
	int err;

	if (n < 0)
		return (int)n;
	err = give_files(p, m->control, peek);
	if (err)
		return err;
	*done += n;
	if (peek) {
		peek_forward(e, (size_t)n);
		return !files;
	}
	peek_back(e, (size_t)n);
	if (files && !m->control) { /* read(2) drops them */
		unix_land(p);
		socket_control_free(
		    &(struct socket_control){.files = p->control.files, .file_count = p->control.file_count});
		p->control.files = NULL;
		p->control.file_count = 0;
	}
	p->off += (u32)n;
	e->queued -= (u32)n;
	if (p->off < p->size)
		return 0;
	take_out(e, p);
	return !files;
}

static s64 receive_stream(struct unix_endpoint *e, struct socket_msg *m, bool nonblock)
{
	u64 deadline = socket_deadline(e->sock.rcvtimeo_ns);
	bool peek = m->flags & LINUX_MSG_PEEK, first = true;
	bool apart = e->sock.passcred || e->sock.passpidfd;
	u32 peek_from = peek && e->sock.peek_off > 0 ? (u32)e->sock.peek_off : 0;
	s64 target = (s64)m->uio->left, done = 0;
	struct socket_control sender = {0};
	int more = 1;

	if (m->name)
		m->name->len = 0;
	if (e->state == UNIX_OPEN || e->state == UNIX_LISTENING)
		return -EINVAL;
	if (!(m->flags & LINUX_MSG_WAITALL))
		target = min_t(s64, target, e->sock.rcvlowat);
	target = max_t(s64, target, 1);
	while (more > 0) {
		u32 skip = peek ? peek_from + (u32)done : 0;
		struct unix_packet *p = packet_at(e, &skip);
		if (!p) {
			if (done >= target)
				break;
			more = wait_for_data(e, nonblock, deadline, peek ? peek_from + (u32)done : 0);
			continue;
		}
		if (first) {
			sender = p->control;
			give_cred(p, m->control);
			if (m->name)
				*m->name = p->from;
		} else if (apart && !same_sender(&sender, &p->control)) {
			break;
		}
		first = false;
		more = read_packet(e, p, skip, m, peek, &done);
		if (!m->uio->left)
			break;
	}
	return done || more > 0 ? done : more;
}

/* ---- datagrams and packets ---- */

/* The packet to be received or, with SO_PEEK_OFF, looked at. */
static struct unix_packet *choose(struct unix_endpoint *e, bool peek, u32 *skip)
{
	struct unix_packet *p;

	*skip = 0;
	if (peek && e->sock.peek_off > 0) {
		*skip = (u32)e->sock.peek_off;
		p = packet_at(e, skip);
		return p;
	}
	return list_first_entry(&e->packets, struct unix_packet, node);
}

static s64 receive_packet(struct unix_endpoint *e, struct socket_msg *m, bool nonblock)
{
	bool peek = m->flags & LINUX_MSG_PEEK, want_size = m->flags & LINUX_MSG_TRUNC;
	struct unix_packet *p;
	u32 skip, size;
	s64 n;
	int err;

	if (e->sock.type == LINUX_SOCK_SEQPACKET && e->state != UNIX_CONNECTED &&
	    e->state != UNIX_DISCONNECTED)
		return -ENOTCONN;
	err = wait_for_data(e, nonblock, socket_deadline(e->sock.rcvtimeo_ns),
			    peek && e->sock.peek_off > 0 ? (u32)e->sock.peek_off : 0);
	if (err <= 0)
		return err;
	p = choose(e, peek, &skip);
	if (!p)
		return -EAGAIN;
	size = p->size - skip;
	n = size && m->uio->left ? uio_copy(m->uio, p->data + skip, min_t(size_t, m->uio->left, size)) : 0;
	if (n < 0)
		return n;
	m->flags = (u32)n < size ? LINUX_MSG_TRUNC : 0;
	if (e->sock.type == LINUX_SOCK_SEQPACKET)
		m->flags |= LINUX_MSG_EOR;
	if (m->name)
		*m->name = p->from;
	err = give_files(p, m->control, peek);
	if (err)
		return err;
	give_cred(p, m->control);
	if (peek) {
		peek_forward(e, (size_t)n);
	} else {
		peek_back(e, p->size);
		e->queued -= p->size;
		take_out(e, p);
	}
	return want_size ? (s64)size : n;
}

/* ---- the operations ---- */

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
		ev |= LINUX_POLLHUP;
	/* as Linux: writable while three quarters are free */
	if (e->sent * 4ULL <= s->sndbuf && !(e->peer && e->peer->open && unix_queue_full(e, e->peer)))
		ev |= OUT_EVENTS;
	return ev;
}

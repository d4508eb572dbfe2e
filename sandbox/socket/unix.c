/*
 * unix.c - the life of unix sockets: making, listening, connecting, accepting, shutting down, closing.
 *
 * connect() makes the accepted end itself and puts it into the listener's backlog, as Linux does: the client
 * is connected before accept() is called. Two connected stream ends count each other; closing one breaks
 * both.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/termios.h"
#include "sandbox/socket/unix_priv.h"
#include "sandbox/vfs/mount.h"

static const struct socket_ops unix_ops;

static void unix_release_object(struct object *obj)
{
	struct unix_endpoint *e = container_of(obj, struct unix_endpoint, obj);

	pid_put(e->cred_pid);
	kfree(e);
}

struct unix_endpoint *unix_new(int type)
{
	struct unix_endpoint *e = knew(struct unix_endpoint);

	if (!e)
		return NULL;
	object_init(&e->obj, unix_release_object);
	socket_init(&e->sock, &unix_ops, LINUX_AF_UNIX, type, 0);
	e->open = true;
	list_init(&e->abstract_node);
	list_init(&e->packets);
	list_init(&e->backlog);
	list_init(&e->backlog_node);
	wait_queue_init(&e->wait);
	return e;
}

void unix_set_cred(struct unix_endpoint *e)
{
	struct task *t = current_task();

	pid_put(e->cred_pid);
	e->cred_pid = pid_get(t->tg->leader->pid);
	e->cred_uid = t->cred->euid;
	e->cred_gid = t->cred->egid;
}

static int check_kind(int *type, int protocol)
{
	if (protocol && protocol != LINUX_AF_UNIX)
		return -EPROTONOSUPPORT;
	if (*type == LINUX_SOCK_RAW) /* as Linux: it means datagrams */
		*type = LINUX_SOCK_DGRAM;
	return *type == LINUX_SOCK_STREAM || *type == LINUX_SOCK_DGRAM || *type == LINUX_SOCK_SEQPACKET
		   ? 0
		   : -ESOCKTNOSUPPORT;
}

int unix_create(int type, int protocol, struct socket **out)
{
	struct unix_endpoint *e;
	int err = check_kind(&type, protocol);

	if (err)
		return err;
	e = unix_new(type);
	if (!e)
		return -ENOMEM;
	*out = &e->sock;
	return 0;
}

static void join(struct unix_endpoint *a, struct unix_endpoint *b)
{
	a->peer = unix_get(b);
	b->peer = unix_get(a);
	a->state = b->state = UNIX_CONNECTED;
}

int unix_create_pair(int type, int protocol, struct socket *out[2])
{
	struct unix_endpoint *a, *b;
	int err = check_kind(&type, protocol);

	if (err)
		return err;
	a = unix_new(type);
	b = a ? unix_new(type) : NULL;
	if (!b) {
		unix_put(a);
		return -ENOMEM;
	}
	unix_set_cred(a);
	unix_set_cred(b);
	join(a, b);
	out[0] = &a->sock;
	out[1] = &b->sock;
	return 0;
}

/* ---- connections ---- */

static int unix_listen(struct socket *s, int backlog)
{
	struct unix_endpoint *e = unix_of(s);

	if (s->type == LINUX_SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (!e->addr.len || (e->state != UNIX_OPEN && e->state != UNIX_LISTENING))
		return -EINVAL;
	e->state = UNIX_LISTENING;
	e->backlog_max = backlog < 0 || backlog > 4096 ? 4096 : (u32)backlog;
	unix_set_cred(e);
	wake_up_all(&e->wait, 0);
	return 0;
}

static int connect_datagram(struct unix_endpoint *e, const struct sockaddr_k *addr)
{
	struct unix_endpoint *target = NULL, *old = e->peer;
	u16 family = 0;
	int err = 0;

	memcpy(&family, addr->data, 2);
	if (addr->len >= 2 && family == LINUX_AF_UNSPEC) {
		e->state = UNIX_OPEN;
	} else {
		err = unix_find(addr, e->sock.type, &target);
		if (!err && target->peer && target->peer != e) {
			unix_put(target);
			err = -EPERM; /* it takes from its own peer only */
		}
		if (!err)
			e->state = UNIX_CONNECTED;
	}
	if (err)
		return err;
	if (target)
		unix_set_cred(e);
	e->peer = target;
	unix_put(old);
	return 0;
}

static bool can_queue(const struct unix_endpoint *l)
{
	return !l->open || l->state != UNIX_LISTENING || l->backlog_count <= l->backlog_max;
}

static int unix_connect(struct socket *s, const struct sockaddr_k *addr, bool nonblock)
{
	struct unix_endpoint *e = unix_of(s), *l, *server;
	int err;

	if (s->type == LINUX_SOCK_DGRAM)
		return connect_datagram(e, addr);
	if (e->state != UNIX_OPEN)
		return e->state == UNIX_LISTENING ? -EINVAL : -EISCONN;
	err = unix_find(addr, s->type, &l);
	if (err)
		return err;
	if (!can_queue(l)) {
		err =
		    nonblock ? -EAGAIN : wait_event(&l->wait, can_queue(l), socket_deadline(s->sndtimeo_ns));
		if (err) {
			unix_put(l);
			return socket_wait_error(err, s->sndtimeo_ns);
		}
	}
	server = l->open && l->state == UNIX_LISTENING ? unix_new(s->type) : NULL;
	if (!server) {
		err = l->open && l->state == UNIX_LISTENING ? -ENOMEM : -ECONNREFUSED;
		unix_put(l);
		return err;
	}
	unix_set_cred(e);
	server->addr = l->addr; /* its name, though it is not what finds it */
	server->cred_pid = l->cred_pid ? pid_get(l->cred_pid) : NULL;
	server->cred_uid = l->cred_uid;
	server->cred_gid = l->cred_gid;
	server->sock.passcred = l->sock.passcred;
	join(e, server);
	list_add_tail(&server->backlog_node, &l->backlog); /* the list holds the first reference */
	l->backlog_count++;
	wake_up(&l->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
	wake_up_all(&e->wait, 0);
	unix_put(l);
	return 0;
}

static int unix_accept(struct socket *s, bool nonblock, struct socket **out)
{
	struct unix_endpoint *l = unix_of(s), *e;
	int err = 0;

	if (s->type == LINUX_SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (l->state != UNIX_LISTENING)
		return -EINVAL;
	if (list_empty(&l->backlog)) {
		if (nonblock)
			return -EAGAIN;
		err = wait_event(&l->wait, !list_empty(&l->backlog) || l->shut_read,
				 socket_deadline(s->rcvtimeo_ns));
	}
	if (err)
		return socket_wait_error(err, s->rcvtimeo_ns);
	if (list_empty(&l->backlog))
		return -EINVAL;
	e = list_first_entry(&l->backlog, struct unix_endpoint, backlog_node);
	list_del_init(&e->backlog_node);
	l->backlog_count--;
	wake_up(&l->wait, LINUX_POLLOUT);
	*out = &e->sock;
	return 0;
}

static int unix_shutdown(struct socket *s, int how)
{
	struct unix_endpoint *e = unix_of(s), *p = e->peer;

	if (how < 0 || how > 2)
		return -EINVAL;
	e->shut_read |= how != 1;
	e->shut_write |= how != 0;
	if (p && s->type != LINUX_SOCK_DGRAM) {
		p->shut_read |= how != 0;
		p->shut_write |= how != 1;
		wake_up_all(&p->wait, 0);
	}
	wake_up_all(&e->wait, 0);
	return 0;
}

/* ---- the end ---- */

static void drop_packets(struct unix_endpoint *e)
{
	struct unix_packet *p, *next;
	struct list_head gone;

	list_init(&gone);
	list_splice_tail_init(&e->packets, &gone);
	e->queued = 0;
	list_for_each_entry_safe (p, next, &gone, node) {
		list_del_init(&p->node);
		unix_packet_free(p); /* may close files, and with them sockets */
	}
}

static void unix_close(struct unix_endpoint *e)
{
	struct unix_endpoint *p = e->peer;
	bool unread = e->queued || !list_empty(&e->packets);

	e->open = false;
	unix_unbind(e);
	while (!list_empty(&e->backlog)) {
		struct unix_endpoint *waiting =
		    list_first_entry(&e->backlog, struct unix_endpoint, backlog_node);
		list_del_init(&waiting->backlog_node);
		unix_close(waiting);
	}
	e->peer = NULL;
	if (p && e->sock.type != LINUX_SOCK_DGRAM) {
		if (unread || e->state != UNIX_CONNECTED)
			p->sock.error = ECONNRESET;
		p->state = UNIX_DISCONNECTED;
		p->shut_read = p->shut_write = true;
	}
	if (p) {
		wake_up_all(&p->wait, 0);
		if (p->peer == e && e->sock.type != LINUX_SOCK_DGRAM) {
			p->peer_gone = true;
			p->peer = NULL;
			unix_put(e);
		}
		unix_put(p);
	}
	wake_up_all(&e->wait, 0);
	drop_packets(e);
	unix_put(e);
}

static void unix_release(struct socket *s)
{
	unix_close(unix_of(s));
}

/* ---- small questions ---- */

static s64 unix_ioctl(struct socket *s, u32 cmd, u64 arg)
{
	struct unix_endpoint *e = unix_of(s);
	s32 n;

	switch (cmd) {
	case LINUX_FIONREAD:
		if (e->state == UNIX_LISTENING)
			return -EINVAL;
		n = (s32)e->queued;
		if (!unix_is_stream(e))
			n = list_empty(&e->packets)
				? 0
				: (s32)list_first_entry(&e->packets, struct unix_packet, node)->size;
		return put_user(&n, uaddr(arg));
	case LINUX_SIOCOUTQ:
		n = e->peer ? (s32)e->peer->queued : 0;
		return put_user(&n, uaddr(arg));
	default:
		return -ENOTTY;
	}
}

static s64 unix_getsockopt(struct socket *s, int level, int name, void *value, size_t size)
{
	struct unix_endpoint *e = unix_of(s), *p = e->peer;
	struct linux_ucred cred = {0, (u32)-1, (u32)-1};
	s32 listening = e->state == UNIX_LISTENING;
	const void *from = &cred;
	size_t n = sizeof(cred);

	if (level != LINUX_SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case LINUX_SO_PEERCRED:
		if (p && p->cred_pid)
			cred = (struct linux_ucred){pid_vnr(p->cred_pid), uid_seen(p->cred_uid),
						    gid_seen(p->cred_gid)};
		break;
	case LINUX_SO_ACCEPTCONN:
		from = &listening;
		n = sizeof(listening);
		break;
	default:
		return -ENOPROTOOPT;
	}
	memcpy(value, from, min_t(size_t, size, n));
	return (s64)min_t(size_t, size, n);
}

static const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .send = unix_send,
    .receive = unix_receive,
    .shutdown = unix_shutdown,
    .name = unix_name,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .getsockopt = unix_getsockopt,
    .release = unix_release,
};

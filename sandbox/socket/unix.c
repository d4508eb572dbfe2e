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
#include "sandbox/socket/net_ns.h"
#include "sandbox/socket/unix_priv.h"
#include "sandbox/vfs/mount.h"

static const struct socket_ops unix_ops;

static void ident_clear(struct unix_ident *id)
{
	pid_put(id->pid);
	cred_put(id->cred);
	*id = (struct unix_ident){0};
}

/* The current process. */
static void ident_self(struct unix_ident *id)
{
	struct task *t = current_task();

	ident_clear(id);
	id->pid = pid_get(t->tg->leader->pid);
	id->cred = cred_get(t->cred);
}

static void ident_copy(struct unix_ident *to, const struct unix_ident *from)
{
	ident_clear(to);
	to->pid = from->pid ? pid_get(from->pid) : NULL;
	to->cred = from->cred ? cred_get(from->cred) : NULL;
}

static void unix_release_object(struct object *obj)
{
	struct unix_endpoint *e = container_of(obj, struct unix_endpoint, obj);

	ident_clear(&e->peer_ident);
	list_del_init(&e->all_node);
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
	list_init(&e->all_node);
	if (unix_sockets()) /* without memory it is not listed */
		list_add_tail(&e->all_node, &unix_sockets()->all);
	list_init(&e->abstract_node);
	list_init(&e->clients);
	list_init(&e->client_node);
	list_init(&e->in_flight_node);
	list_init(&e->gc_node);
	list_init(&e->packets);
	list_init(&e->backlog);
	list_init(&e->backlog_node);
	wait_queue_init(&e->wait);
	return e;
}

struct unix_endpoint *unix_of_file(const struct file *f)
{
	struct socket *s = socket_of(f);

	return s && s->ops == &unix_ops ? unix_of(s) : NULL;
}

void unix_disconnect(struct unix_endpoint *e)
{
	struct unix_endpoint *old = e->peer;

	list_del_init(&e->client_node);
	e->peer = NULL;
	e->state = UNIX_OPEN;
	unix_put(old);
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
	unix_collect();
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
	ident_self(&a->peer_ident);
	ident_self(&b->peer_ident);
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
	ident_self(&e->peer_ident);
	wake_up_all(&e->wait, 0);
	return 0;
}

static int connect_datagram(struct unix_endpoint *e, const struct sockaddr_k *addr)
{
	struct unix_endpoint *target;
	u16 family = 0;
	int err;

	memcpy(&family, addr->data, 2);
	if (addr->len >= 2 && family == LINUX_AF_UNSPEC) {
		unix_disconnect(e);
		return 0;
	}
	err = unix_find(addr, e->sock.type, &target);
	if (err)
		return err;
	if (target->peer && target->peer != e) {
		unix_put(target);
		return -EPERM; /* it takes from its own peer only */
	}
	if (e->sock.passcred && !e->addr.len) {
		err = unix_autobind(e);
		if (err) {
			unix_put(target);
			return err;
		}
	}
	unix_disconnect(e);
	e->peer = target;
	e->state = UNIX_CONNECTED;
	list_add_tail(&e->client_node, &target->clients);
	return 0;
}

static bool can_queue(const struct unix_endpoint *l)
{
	return !l->open || l->shut_read || l->state != UNIX_LISTENING || l->backlog_count <= l->backlog_max;
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
	err = l->open && !l->shut_read && l->state == UNIX_LISTENING ? 0 : -ECONNREFUSED;
	server = err ? NULL : unix_new(s->type);
	if (!server) {
		err = err ? err : -ENOMEM;
		unix_put(l);
		return err;
	}
	server->addr = l->addr; /* its name, though it is not what finds it */
	ident_self(&server->peer_ident);
	ident_copy(&e->peer_ident, &l->peer_ident);
	server->sock.passcred = l->sock.passcred;
	server->sock.passpidfd = l->sock.passpidfd;
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
	e->queued = e->packet_count = 0;
	list_for_each_entry_safe (p, next, &gone, node) {
		list_del_init(&p->node);
		unix_packet_free(p); /* may close files, and with them sockets */
	}
}

/* The other end of a connection hears of it; it goes on pointing at us, for our name. */
static void tell_peer(struct unix_endpoint *e, struct unix_endpoint *p, bool unread)
{
	if (e->sock.type == LINUX_SOCK_DGRAM)
		return;
	if (unread)
		p->sock.error = ECONNRESET;
	p->state = UNIX_DISCONNECTED;
	p->shut_read = p->shut_write = true;
	wake_up_all(&p->wait, 0);
}

static void close_backlog(struct unix_endpoint *l);

static void unix_close(struct unix_endpoint *e, bool unaccepted)
{
	struct unix_endpoint *client, *next;

	e->open = false;
	e->sock.file = NULL;
	unix_unbind(e);
	close_backlog(e);
	if (e->peer)
		tell_peer(e, e->peer, unaccepted || !list_empty(&e->packets));
	list_for_each_entry_safe (client, next, &e->clients, client_node) {
		list_del_init(&client->client_node);
		wake_up_all(&client->wait, 0);
	}
	unix_disconnect(e);
	wake_up_all(&e->wait, 0);
	drop_packets(e);
	unix_put(e);
}

static void close_backlog(struct unix_endpoint *l)
{
	while (!list_empty(&l->backlog)) {
		struct unix_endpoint *e = list_first_entry(&l->backlog, struct unix_endpoint, backlog_node);
		list_del_init(&e->backlog_node);
		unix_close(e, true);
	}
}

/* What a queue holds may be sockets whose queues hold sockets, as deep as a guest likes: one that is closed
 * while another is being closed waits for its turn. */
static void unix_release(struct socket *s)
{
	struct unix_endpoint *e = unix_of(s);
	struct socket_state *st = unix_sockets();

	s->file = NULL;
	if (!st) { /* no memory was ever there to send a descriptor */
		unix_close(e, false);
		return;
	}
	list_add_tail(&e->gc_node, &st->to_close);
	if (st->closing)
		return;
	st->closing = true;
	while (!list_empty(&st->to_close)) {
		e = list_first_entry(&st->to_close, struct unix_endpoint, gc_node);
		list_del_init(&e->gc_node);
		unix_close(e, false);
	}
	st->closing = false;
	unix_collect();
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
		if (s->type == LINUX_SOCK_DGRAM)
			n = list_empty(&e->packets)
				? 0
				: (s32)list_first_entry(&e->packets, struct unix_packet, node)->size;
		return put_user(&n, uaddr(arg));
	case LINUX_SIOCOUTQ:
		n = (s32)e->sent;
		return put_user(&n, uaddr(arg));
	default:
		return net_device_ioctl(net_ns_current(), cmd, arg);
	}
}

static s64 put_value(void *value, size_t size, const void *from, size_t n)
{
	memcpy(value, from, min_t(size_t, size, n));
	return (s64)min_t(size_t, size, n);
}

static s64 unix_getsockopt(struct socket *s, int level, int name, void *value, size_t size)
{
	struct unix_endpoint *e = unix_of(s);
	const struct unix_ident *id = &e->peer_ident;
	struct linux_ucred cred = {0, (u32)-1, (u32)-1};
	s32 v;

	if (level != LINUX_SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case LINUX_SO_PEERCRED:
		if (id->cred)
			cred = (struct linux_ucred){pid_vnr(id->pid), uid_seen(id->cred->euid),
						    gid_seen(id->cred->egid)};
		return put_value(value, size, &cred, sizeof(cred));
	case LINUX_SO_ACCEPTCONN:
		v = e->state == UNIX_LISTENING;
		break;
	case LINUX_SO_PEEK_OFF:
		v = s->peek_off;
		break;
	case LINUX_SO_PASSPIDFD:
		v = s->passpidfd;
		break;
	default:
		return -ENOPROTOOPT;
	}
	return put_value(value, size, &v, sizeof(v));
}

static int unix_setsockopt(struct socket *s, int level, int name, const void *value, size_t size)
{
	s32 v;

	if (level != LINUX_SOL_SOCKET)
		return -EOPNOTSUPP;
	if (size < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	switch (name) {
	case LINUX_SO_PEEK_OFF:
		s->peek_off = v < 0 ? -1 : v;
		return 0;
	case LINUX_SO_PASSPIDFD:
		s->passpidfd = v;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int unix_peer_pid(struct socket *s, struct pid **out)
{
	*out = unix_of(s)->peer_ident.pid;
	return *out ? 0 : -ENODATA;
}

static s64 unix_peer_groups(struct socket *s, const u32 **out)
{
	const struct cred *c = unix_of(s)->peer_ident.cred;

	if (!c)
		return -ENODATA;
	*out = c->groups;
	return c->group_count;
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
    .setsockopt = unix_setsockopt,
    .peer_pid = unix_peer_pid,
    .peer_groups = unix_peer_groups,
    .release = unix_release,
};

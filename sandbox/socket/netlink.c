/*
 * netlink.c - netlink sockets: names, queue, acknowledgements, notifications. See netlink.h.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/sched.h"
#include "sandbox/abi/termios.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/socket/netlink.h"

#define NL_ALIGN(n) (((n) + 3U) & ~3U)
#define HEAD        ((u32)sizeof(struct linux_nlmsghdr))
#define PIECE       3712U /* of a dump in one datagram: readers have buffers of a page */
#define PACKET_COST 256U  /* what a queued packet counts beside its bytes */
#define GROUP_MAX   63U

/* ---- the queue ---- */

static bool full(const struct netlink_sock *n)
{
	return n->queued > n->sock.rcvbuf;
}

static void overrun(struct netlink_sock *n)
{
	if (n->no_enobufs)
		return;
	n->sock.error = ENOBUFS;
	wake_up(&n->wait, LINUX_POLLERR);
}

static void enqueue(struct netlink_sock *n, const u8 *data, u32 size, u32 group, bool dump)
{
	struct netlink_packet *p =
	    full(n) && !dump ? NULL : kmalloc_typed(sizeof(*p) + size, "struct netlink_packet");

	if (!p) {
		overrun(n);
		return;
	}
	p->size = size;
	p->group = group;
	p->dump = dump;
	memcpy(p->data, data, size);
	list_add_tail(&p->node, &n->queue);
	n->queued += size + PACKET_COST;
	wake_up(&n->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
}

static u32 message_size(const u8 *at)
{
	struct linux_nlmsghdr h;

	memcpy(&h, at, sizeof(h));
	return NL_ALIGN(h.len);
}

/* Messages go into datagrams of at most a piece, each whole. */
static void enqueue_pieces(struct netlink_sock *n, const struct nl_buf *b)
{
	u32 start = 0, end = 0;

	while (end < b->size) {
		u32 size = message_size(b->data + end);
		if (end > start && end + size - start > PIECE) {
			enqueue(n, b->data + start, end - start, 0, true);
			start = end;
		}
		end += size;
	}
	if (end > start)
		enqueue(n, b->data + start, end - start, 0, true);
}

static void drop(struct netlink_sock *n, struct netlink_packet *p)
{
	list_del_init(&p->node);
	n->queued -= p->size + PACKET_COST;
	kfree(p);
}

/* ---- names ---- */

static struct netlink_sock *find_port(struct net_state *st, int protocol, u32 portid)
{
	struct netlink_sock *n;

	list_for_each_entry (n, &st->netlink_socks, node)
		if (n->sock.protocol == protocol && n->portid == portid)
			return n;
	return NULL;
}

/* The process's id, and if another socket has it, something from the top. */
static void autobind(struct netlink_sock *n)
{
	struct net_state *st = n->net->state;
	u32 id = (u32)pid_vnr(current_task()->tg->leader->pid), other = (u32)-4096;

	while (find_port(st, n->sock.protocol, id))
		id = other--;
	n->portid = id;
}

static int netlink_bind(struct socket *s, const struct sockaddr_k *addr)
{
	struct netlink_sock *n = netlink_of(s);
	struct linux_sockaddr_nl a;

	if (addr->len < sizeof(a))
		return -EINVAL;
	memcpy(&a, addr->data, sizeof(a));
	if (a.family != LINUX_AF_NETLINK)
		return -EINVAL;
	if (n->portid && a.pid != n->portid)
		return -EINVAL;
	if (!n->portid) {
		if (!a.pid)
			autobind(n);
		else if (find_port(n->net->state, s->protocol, a.pid))
			return -EADDRINUSE;
		else
			n->portid = a.pid;
	}
	n->groups = (n->groups & ~0xffffffffULL) | a.groups;
	return 0;
}

static int netlink_connect(struct socket *s, const struct sockaddr_k *addr, bool nonblock)
{
	struct netlink_sock *n = netlink_of(s);
	struct linux_sockaddr_nl a = {0};

	if (addr->len < 2)
		return -EINVAL;
	memcpy(&a, addr->data, min_t(u32, addr->len, sizeof(a)));
	if (a.family == LINUX_AF_UNSPEC) {
		n->dst_portid = n->dst_groups = 0;
		return 0;
	}
	if (a.family != LINUX_AF_NETLINK || addr->len < sizeof(a))
		return -EINVAL;
	if ((a.pid || a.groups) && !net_ns_capable(n->net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	if (!n->portid)
		autobind(n);
	n->dst_portid = a.pid;
	n->dst_groups = a.groups;
	return 0;
}

static void name_out(u32 portid, u32 groups, struct sockaddr_k *out)
{
	struct linux_sockaddr_nl a = {LINUX_AF_NETLINK, 0, portid, groups};

	memcpy(out->data, &a, sizeof(a));
	out->len = sizeof(a);
}

static int netlink_name(struct socket *s, bool peer, struct sockaddr_k *out)
{
	struct netlink_sock *n = netlink_of(s);

	if (peer)
		name_out(n->dst_portid, n->dst_groups, out);
	else
		name_out(n->portid, (u32)n->groups, out);
	return 0;
}

/* ---- requests ---- */

static void acknowledge(struct nl_request *r, int err)
{
	bool whole = err && !r->from->cap_ack;
	struct {
		s32 error;
		struct linux_nlmsghdr h;
	} *ack = nl_begin(r->out, LINUX_NLMSG_ERROR, whole ? 0 : LINUX_NLM_F_CAPPED, r->h.seq,
			  r->from->portid, sizeof(*ack));

	ack->error = err;
	ack->h = r->h;
	if (whole) /* the rest of the request, as it came */
		nl_raw(r->out, r->body, r->size);
	nl_end(r->out);
}

static void dump_done(struct nl_request *r)
{
	s32 *status =
	    nl_begin(r->out, LINUX_NLMSG_DONE, LINUX_NLM_F_MULTI, r->h.seq, r->from->portid, sizeof(*status));

	*status = 0;
	nl_end(r->out);
}

static bool dump_under_way(const struct netlink_sock *n)
{
	const struct netlink_packet *p;

	list_for_each_entry (p, &n->queue, node)
		if (p->dump)
			return true;
	return false;
}

static void request(struct netlink_sock *n, const struct linux_nlmsghdr *h, const u8 *body)
{
	struct nl_buf out = {0};
	struct nl_request r = {n, *h, body, h->len - HEAD, &out, false};
	int err;

	if (!(h->flags & LINUX_NLM_F_REQUEST))
		return;
	if (h->type < LINUX_NLMSG_MIN_TYPE) {
		if (h->flags & LINUX_NLM_F_ACK)
			acknowledge(&r, 0);
	} else {
		err = n->sock.protocol == LINUX_NETLINK_ROUTE ? rtnl_request(&r) : diag_request(&r);
		if (r.dump && !err && dump_under_way(n))
			err = -EBUSY;
		if (r.dump && !err) {
			dump_done(&r);
			if (out.failed)
				err = -ENOBUFS;
			else
				enqueue_pieces(n, &out);
			out.size = 0;
		}
		if (err || ((h->flags & LINUX_NLM_F_ACK) && !r.dump)) {
			if (err)
				out.size = 0;
			out.failed = false;
			acknowledge(&r, err);
		}
	}
	if (out.failed)
		overrun(n);
	else if (out.size)
		enqueue(n, out.data, out.size, 0, false);
	nl_free(&out);
}

static int to_whom(struct netlink_sock *n, const struct sockaddr_k *name)
{
	struct linux_sockaddr_nl a = {LINUX_AF_NETLINK, 0, n->dst_portid, n->dst_groups};

	if (name && name->len) {
		if (name->len < sizeof(a))
			return -EINVAL;
		memcpy(&a, name->data, sizeof(a));
		if (a.family != LINUX_AF_NETLINK)
			return -EINVAL;
	}
	if ((a.pid || a.groups) && !net_ns_capable(n->net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	return a.pid ? -ECONNREFUSED : 0; /* the kernel is the one who answers */
}

static s64 netlink_send(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct netlink_sock *n = netlink_of(s);
	auto_cleanup(kfreep) u8 *data = NULL;
	u32 size = (u32)min_t(size_t, m->uio->left, UINT32_MAX);
	s64 got;
	int err;

	if (m->flags & LINUX_MSG_OOB)
		return -EOPNOTSUPP;
	err = to_whom(n, m->name);
	if (err)
		return err;
	if (size > s->sndbuf)
		return -EMSGSIZE;
	if (!n->portid)
		autobind(n);
	data = kmalloc(size + 1UL);
	if (!data)
		return -ENOBUFS;
	got = size ? uio_copy(m->uio, data, size) : 0;
	if (got != (s64)size)
		return got < 0 ? got : -EFAULT;
	for (u32 at = 0; size - at >= HEAD;) {
		struct linux_nlmsghdr h;
		memcpy(&h, data + at, sizeof(h));
		if (h.len < HEAD || h.len > size - at)
			break;
		request(n, &h, data + at + HEAD);
		if (NL_ALIGN(h.len) >= size - at || h.len > UINT32_MAX - 3)
			break;
		at += NL_ALIGN(h.len);
	}
	return size;
}

static s64 netlink_receive(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct netlink_sock *n = netlink_of(s);
	bool want_size = m->flags & LINUX_MSG_TRUNC, peek = m->flags & LINUX_MSG_PEEK;
	struct netlink_packet *p;
	u32 size, part;
	s64 got;
	int err;

	if (m->flags & LINUX_MSG_OOB)
		return -EOPNOTSUPP;
	while (list_empty(&n->queue) || s->error) {
		if (s->error) {
			err = -s->error;
			s->error = 0;
			return err;
		}
		if (nonblock || (m->flags & LINUX_MSG_DONTWAIT))
			return -EAGAIN;
		err =
		    wait_event(&n->wait, !list_empty(&n->queue) || s->error, socket_deadline(s->rcvtimeo_ns));
		if (err)
			return socket_wait_error(err, s->rcvtimeo_ns);
	}
	p = list_first_entry(&n->queue, struct netlink_packet, node);
	size = p->size;
	part = (u32)min_t(size_t, m->uio->left, size);
	got = part ? uio_copy(m->uio, p->data, part) : 0;
	if (got < 0)
		return got;
	m->flags = part < size ? LINUX_MSG_TRUNC : 0;
	if (m->name)
		name_out(0, p->group && p->group <= 32 ? 1U << (p->group - 1) : 0, m->name);
	if (n->pktinfo && m->control) {
		err = socket_control_add(m->control, LINUX_SOL_NETLINK, LINUX_NETLINK_PKTINFO, &p->group,
					 sizeof(p->group));
		if (err)
			return err;
	}
	if (!peek)
		drop(n, p);
	return want_size ? (s64)size : got;
}

/* ---- options ---- */

static bool *flag_of(struct netlink_sock *n, int name)
{
	switch (name) {
	case LINUX_NETLINK_PKTINFO:
		return &n->pktinfo;
	case LINUX_NETLINK_BROADCAST_ERROR:
		return &n->broadcast_error;
	case LINUX_NETLINK_NO_ENOBUFS:
		return &n->no_enobufs;
	case LINUX_NETLINK_CAP_ACK:
		return &n->cap_ack;
	case LINUX_NETLINK_EXT_ACK:
		return &n->ext_ack;
	case LINUX_NETLINK_GET_STRICT_CHK:
		return &n->strict;
	default:
		return NULL;
	}
}

static s64 netlink_getsockopt(struct socket *s, int level, int name, void *value, size_t size)
{
	struct netlink_sock *n = netlink_of(s);
	bool *flag;
	s32 v;

	if (level != LINUX_SOL_NETLINK)
		return -ENOPROTOOPT;
	if (name == LINUX_NETLINK_LIST_MEMBERSHIPS)
		return socket_put_value(value, size & ~3UL, &n->groups, sizeof(n->groups));
	flag = flag_of(n, name);
	if (!flag)
		return -ENOPROTOOPT;
	if (size < sizeof(v))
		return -EINVAL;
	v = *flag;
	return socket_put_value(value, size, &v, sizeof(v));
}

static int netlink_setsockopt(struct socket *s, int level, int name, const void *value, size_t size)
{
	struct netlink_sock *n = netlink_of(s);
	bool *flag;
	u32 v;

	if (level != LINUX_SOL_NETLINK)
		return -ENOPROTOOPT;
	if (size < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	if (name == LINUX_NETLINK_ADD_MEMBERSHIP || name == LINUX_NETLINK_DROP_MEMBERSHIP) {
		if (!v || v > GROUP_MAX)
			return -EINVAL;
		if (name == LINUX_NETLINK_ADD_MEMBERSHIP)
			n->groups |= 1ULL << (v - 1);
		else
			n->groups &= ~(1ULL << (v - 1));
		return 0;
	}
	flag = flag_of(n, name);
	if (!flag)
		return -ENOPROTOOPT;
	if (name == LINUX_NETLINK_NO_ENOBUFS && v)
		s->error = 0;
	*flag = v;
	return 0;
}

/* ---- the rest ---- */

static int netlink_listen(struct socket *s, int backlog)
{
	return -EOPNOTSUPP;
}

static int netlink_accept(struct socket *s, bool nonblock, struct socket **out)
{
	return -EOPNOTSUPP;
}

static int netlink_shutdown(struct socket *s, int how)
{
	return -EOPNOTSUPP;
}

static u32 netlink_poll(struct socket *s, struct poll_table *pt)
{
	struct netlink_sock *n = netlink_of(s);

	poll_wait(pt, &n->wait);
	return LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND |
	       (list_empty(&n->queue) ? 0 : LINUX_POLLIN | LINUX_POLLRDNORM);
}

static s64 netlink_ioctl(struct socket *s, u32 cmd, u64 arg)
{
	return net_device_ioctl(netlink_of(s)->net, cmd, arg);
}

static void netlink_release(struct socket *s)
{
	struct netlink_sock *n = netlink_of(s);

	while (!list_empty(&n->queue))
		drop(n, list_first_entry(&n->queue, struct netlink_packet, node));
	list_del_init(&n->node);
	net_ns_put(n->net);
	kfree(n);
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .listen = netlink_listen,
    .accept = netlink_accept,
    .send = netlink_send,
    .receive = netlink_receive,
    .shutdown = netlink_shutdown,
    .name = netlink_name,
    .poll = netlink_poll,
    .ioctl = netlink_ioctl,
    .getsockopt = netlink_getsockopt,
    .setsockopt = netlink_setsockopt,
    .release = netlink_release,
};

int netlink_create(int type, int protocol, struct socket **out)
{
	struct netlink_sock *n;

	if (type != LINUX_SOCK_RAW && type != LINUX_SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	/* no devices come and go, nothing is audited or filtered here: there is nobody at the other end */
	if (protocol != LINUX_NETLINK_ROUTE && protocol != LINUX_NETLINK_SOCK_DIAG)
		return -EPROTONOSUPPORT;
	n = knew(struct netlink_sock);
	if (!n)
		return -ENOMEM;
	socket_init(&n->sock, &netlink_ops, LINUX_AF_NETLINK, type, protocol);
	n->net = net_ns_get(net_ns_current());
	list_init(&n->queue);
	wait_queue_init(&n->wait);
	list_add_tail(&n->node, &n->net->state->netlink_socks);
	*out = &n->sock;
	return 0;
}

void netlink_notify(struct net_state *st, u32 group, struct nl_buf *b)
{
	struct netlink_sock *n;

	if (b->failed)
		return;
	list_for_each_entry (n, &st->netlink_socks, node)
		if (n->sock.protocol == LINUX_NETLINK_ROUTE && (n->groups & (1ULL << (group - 1))))
			enqueue(n, b->data, b->size, group, false);
}

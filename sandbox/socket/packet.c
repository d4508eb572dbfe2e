/*
 * packet.c - AF_PACKET sockets (packet(7)): frames as they pass an interface. What they hear goes into a
 * queue, or into a ring (packet_ring.c). There is no ring for sending: who asks for one hears ENOPROTOOPT.
 */
#include "sandbox/socket/packet.h"

#include <errno.h>
#include <stddef.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/sched.h"
#include "sandbox/abi/termios.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/packet_ring.h"
#include "sandbox/socket/sock_filter.h"

static inline struct packet_socket *packet_of(struct socket *s)
{
	return container_of(s, struct packet_socket, sock);
}

static void changed(struct packet_sock *ps)
{
	struct packet_socket *p = ps->owner;

	wake_up(&p->wait, LINUX_POLLIN | LINUX_POLLRDNORM | (ps->error ? LINUX_POLLERR : 0));
}

static int packet_bind(struct socket *s, const struct sockaddr_k *addr)
{
	struct packet_socket *p = packet_of(s);
	struct linux_sockaddr_ll a;

	if (addr->len < sizeof(a))
		return -EINVAL;
	memcpy(&a, addr->data, sizeof(a));
	if (a.family != LINUX_AF_PACKET)
		return -EINVAL;
	if (a.ifindex && !netif_by_index(net_ns_stack(p->net), (u32)a.ifindex))
		return -ENODEV;
	p->ps->ifindex = (u32)a.ifindex;
	if (get_be16(a.protocol))
		p->ps->protocol = get_be16(a.protocol);
	return 0;
}

static int packet_connect(struct socket *s, const struct sockaddr_k *addr, bool nonblock)
{
	return -EOPNOTSUPP;
}

static int packet_listen(struct socket *s, int backlog)
{
	return -EOPNOTSUPP;
}

static int packet_accept(struct socket *s, bool nonblock, struct socket **out)
{
	return -EOPNOTSUPP;
}

static int packet_shutdown(struct socket *s, int how)
{
	return -EOPNOTSUPP;
}

static s64 packet_do_send(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct packet_socket *p = packet_of(s);
	struct linux_sockaddr_ll a = {0};
	struct inet_iter it;

	if (m->flags & LINUX_MSG_OOB)
		return -EOPNOTSUPP;
	if (m->name && m->name->len) {
		if (m->name->len < sizeof(a))
			return -EINVAL;
		memcpy(&a, m->name->data, sizeof(a));
		if (m->name->len <
		    offsetof(struct linux_sockaddr_ll, addr) + a.halen) /* the family is not asked */
			return -EINVAL;
	}
	inet_iter_init(&it, m->uio);
	return packet_send(p->ps, &it.it, (u32)a.ifindex, get_be16(a.protocol),
			   m->name && a.halen >= 6 ? a.addr : NULL);
}

void packet_address(const struct pkt *frame, const struct netif *nif, struct linux_sockaddr_ll *out)
{
	*out = (struct linux_sockaddr_ll){.family = LINUX_AF_PACKET,
					  .ifindex = (s32)frame->ifindex,
					  .hatype = nif && nif->ethernet ? LINUX_ARPHRD_ETHER
									 : LINUX_ARPHRD_LOOPBACK,
					  .pkttype = frame->l2_type,
					  .halen = 6};
	put_be16(out->protocol, frame->eth_type);
	memcpy(out->addr, frame->l2_src, 6);
}

static void name_of_frame(const struct packet_socket *p, const struct pkt *f, struct sockaddr_k *out)
{
	struct linux_sockaddr_ll a;

	packet_address(f, netif_by_index(net_ns_stack(p->net), f->ifindex), &a);
	memcpy(out->data, &a, sizeof(a));
	out->len = sizeof(a);
}

static int stamp(const struct packet_socket *p, struct socket_control *c)
{
	bool ns = p->tell & TELL_TIMESTAMPNS;
	s64 t[2] = {(s64)(p->last_stamp_ns / NSEC_PER_SEC), (s64)(p->last_stamp_ns % NSEC_PER_SEC)};

	if (!ns)
		t[1] /= 1000;
	return socket_control_add(c, LINUX_SOL_SOCKET, ns ? LINUX_SO_TIMESTAMPNS : LINUX_SO_TIMESTAMP, t,
				  sizeof(t));
}

static int next_frame(struct packet_socket *p, bool peek, bool nonblock, struct pkt **out)
{
	u64 deadline = socket_deadline(p->sock.rcvtimeo_ns);
	int err;

	for (;;) {
		err = packet_receive(p->ps, peek, out);
		if (err != -EAGAIN || nonblock)
			return err;
		err = wait_event(&p->wait, !list_empty(&p->ps->queue) || p->ps->error, deadline);
		if (err)
			return socket_wait_error(err, p->sock.rcvtimeo_ns);
	}
}

static s64 packet_do_receive(struct socket *s, struct socket_msg *m, bool nonblock)
{
	struct packet_socket *p = packet_of(s);
	bool peek = m->flags & LINUX_MSG_PEEK, want_size = m->flags & LINUX_MSG_TRUNC;
	struct pkt *f;
	s64 n, size;
	int err;

	if (m->flags & ~(LINUX_MSG_PEEK | LINUX_MSG_DONTWAIT | LINUX_MSG_TRUNC | LINUX_MSG_CMSG_CLOEXEC |
			 LINUX_MSG_ERRQUEUE))
		return -EINVAL;
	if (m->flags & LINUX_MSG_ERRQUEUE)
		return -EAGAIN; /* nothing is ever queued there */
	err = next_frame(p, peek, nonblock || (m->flags & LINUX_MSG_DONTWAIT), &f);
	if (err)
		return err;
	if (peek) {
		f = pkt_clone(f);
		if (!f)
			return -ENOBUFS;
	}
	size = (s64)f->size;
	p->last_stamp_ns = f->stamp;
	n = pkt_to_uio(f, 0, m->uio, m->uio->left);
	if (n >= 0) {
		m->flags = n < size ? LINUX_MSG_TRUNC : 0;
		if (m->name)
			name_of_frame(p, f, m->name);
		err =
		    m->control && (p->tell & (TELL_TIMESTAMP | TELL_TIMESTAMPNS)) ? stamp(p, m->control) : 0;
		n = err ? err : want_size ? size : n;
	}
	pkt_free(f);
	return n;
}

static int packet_name(struct socket *s, bool peer, struct sockaddr_k *out)
{
	struct packet_socket *p = packet_of(s);
	struct netif *nif = netif_by_index(net_ns_stack(p->net), p->ps->ifindex);
	struct linux_sockaddr_ll a = {.family = LINUX_AF_PACKET, .ifindex = (s32)p->ps->ifindex};

	if (peer)
		return -EOPNOTSUPP;
	put_be16(a.protocol, p->ps->protocol);
	if (nif) {
		a.hatype = nif->ethernet ? LINUX_ARPHRD_ETHER : LINUX_ARPHRD_LOOPBACK;
		a.halen = 6;
		memcpy(a.addr, nif->hwaddr, 6);
	}
	memcpy(out->data, &a, sizeof(a));
	out->len = sizeof(a);
	return 0;
}

static s64 get_statistics(struct packet_socket *p, void *value, size_t size)
{
	u32 stats[3] = {(u32)(p->ps->packets - p->told_packets), (u32)(p->ps->drops - p->told_drops),
			packet_ring_freezes(p)};

	p->told_packets = p->ps->packets;
	p->told_drops = p->ps->drops;
	return socket_put_value(value, size, stats, p->ring_version == LINUX_TPACKET_V3 ? 12 : 8);
}

/* Options of SOL_PACKET. */
static s64 get_own(struct packet_socket *p, int name, void *value, size_t size)
{
	s32 v = 0;

	switch (name) {
	case LINUX_PACKET_STATISTICS:
		return get_statistics(p, value, size);
	case LINUX_PACKET_VERSION:
		v = (s32)p->ring_version;
		break;
	case LINUX_PACKET_RESERVE:
		v = (s32)p->ring_reserve;
		break;
	case LINUX_PACKET_IGNORE_OUTGOING:
		v = p->ps->ignore_outgoing;
		break;
	case LINUX_PACKET_HDRLEN: /* of the version that the value is */
		if (size < sizeof(v))
			return -EINVAL;
		memcpy(&v, value, sizeof(v));
		v = (s32)packet_ring_header_size(v);
		if (!v)
			return -EINVAL;
		break;
	default:
		return -ENOPROTOOPT;
	}
	return socket_put_value(value, size, &v, sizeof(v));
}

static s64 packet_getsockopt(struct socket *s, int level, int name, void *value, size_t size)
{
	struct packet_socket *p = packet_of(s);
	s32 v;

	if (level == LINUX_SOL_SOCKET && name == LINUX_SO_RCVBUF) {
		v = (s32)p->ps->rcvbuf;
		return socket_put_value(value, size, &v, sizeof(v));
	}
	if (level == LINUX_SOL_SOCKET && (name == LINUX_SO_TIMESTAMP || name == LINUX_SO_TIMESTAMPNS)) {
		v = !!(p->tell & (name == LINUX_SO_TIMESTAMP ? TELL_TIMESTAMP : TELL_TIMESTAMPNS));
		return socket_put_value(value, size, &v, sizeof(v));
	}
	if (level == LINUX_SOL_SOCKET && name == LINUX_SO_LOCK_FILTER) {
		v = s->filter_locked;
		return socket_put_value(value, size, &v, sizeof(v));
	}
	return level == LINUX_SOL_PACKET ? get_own(p, name, value, size) : -ENOPROTOOPT;
}

static int membership(struct packet_socket *p, bool add, const void *value, size_t size)
{
	struct linux_packet_mreq r;

	if (size < sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	if (r.alen > sizeof(r.address))
		return -EINVAL;
	if (r.type != LINUX_PACKET_MR_PROMISC)
		return -EOPNOTSUPP;
	return packet_set_promisc(p->ps, (u32)r.ifindex, add);
}

/* What a ring shall look like can be said only before there is one. */
static int set_ring_option(struct packet_socket *p, int name, const void *value, size_t size)
{
	s32 v;

	if (size != sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	if (v < 0 || (name == LINUX_PACKET_VERSION && v > LINUX_TPACKET_V3))
		return -EINVAL;
	if (p->ring)
		return -EBUSY;
	if (name == LINUX_PACKET_VERSION)
		p->ring_version = (u32)v;
	else
		p->ring_reserve = (u32)v;
	return 0;
}

static int set_own(struct packet_socket *p, int name, const void *value, size_t size)
{
	s32 v;

	switch (name) {
	case LINUX_PACKET_ADD_MEMBERSHIP:
	case LINUX_PACKET_DROP_MEMBERSHIP:
		return membership(p, name == LINUX_PACKET_ADD_MEMBERSHIP, value, size);
	case LINUX_PACKET_RX_RING:
		return packet_ring_set(p, value, size);
	case LINUX_PACKET_VERSION:
	case LINUX_PACKET_RESERVE:
		return set_ring_option(p, name, value, size);
	case LINUX_PACKET_IGNORE_OUTGOING:
		if (size != sizeof(v))
			return -EINVAL;
		memcpy(&v, value, sizeof(v));
		if (v < 0 || v > 1)
			return -EINVAL;
		p->ps->ignore_outgoing = v;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int packet_setsockopt(struct socket *s, int level, int name, const void *value, size_t size)
{
	struct packet_socket *p = packet_of(s);
	u32 stamp_kind = name == LINUX_SO_TIMESTAMP ? TELL_TIMESTAMP : TELL_TIMESTAMPNS;
	s32 v;

	if (level == LINUX_SOL_PACKET)
		return set_own(p, name, value, size);
	if (level == LINUX_SOL_SOCKET && sock_filter_option(name))
		return sock_filter_set(s, net_ns_stack(p->net), &p->ps->filter, name, value, size);
	if (level != LINUX_SOL_SOCKET ||
	    (name != LINUX_SO_RCVBUF && name != LINUX_SO_TIMESTAMP && name != LINUX_SO_TIMESTAMPNS))
		return -ENOPROTOOPT;
	if (inet_opt_int(value, size, false, &v))
		return -EINVAL;
	if (name == LINUX_SO_RCVBUF)
		p->ps->rcvbuf = socket_buf_size(v, false, false);
	else
		p->tell = v ? stamp_kind : p->tell & ~stamp_kind;
	return 0;
}

static u32 packet_poll(struct socket *s, struct poll_table *pt)
{
	struct packet_socket *p = packet_of(s);

	poll_wait(pt, &p->wait);
	return LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND | (p->ps->error ? LINUX_POLLERR : 0) |
	       (!list_empty(&p->ps->queue) || (p->ring && packet_ring_readable(p))
		    ? LINUX_POLLIN | LINUX_POLLRDNORM
		    : 0);
}

static int packet_mmap(struct socket *s, u64 offset, u64 size, bool shared, struct host_fd **backing)
{
	return packet_ring_mmap(packet_of(s), offset, size, shared, backing);
}

static s64 packet_ioctl(struct socket *s, u32 cmd, u64 arg)
{
	struct packet_socket *p = packet_of(s);
	s32 n;

	if (cmd != LINUX_FIONREAD)
		return net_device_ioctl(p->net, cmd, arg);
	n = list_empty(&p->ps->queue) ? 0 : (s32)list_first_entry(&p->ps->queue, struct pkt, node)->size;
	return put_user(&n, uaddr(arg));
}

static void packet_release(struct socket *s)
{
	struct packet_socket *p = packet_of(s);

	packet_ring_free(p);
	packet_close(p->ps);
	list_del_init(&p->node);
	net_ns_put(p->net);
	kfree(p);
}

static const struct socket_ops packet_ops = {
    .bind = packet_bind,
    .connect = packet_connect,
    .listen = packet_listen,
    .accept = packet_accept,
    .send = packet_do_send,
    .receive = packet_do_receive,
    .shutdown = packet_shutdown,
    .name = packet_name,
    .poll = packet_poll,
    .mmap = packet_mmap,
    .ioctl = packet_ioctl,
    .getsockopt = packet_getsockopt,
    .setsockopt = packet_setsockopt,
    .release = packet_release,
};

int packet_create(int type, int protocol, struct socket **out)
{
	struct net_ns *net = net_ns_current();
	struct packet_socket *p;
	int err;

	if (!net_ns_capable(net, LINUX_CAP_NET_RAW))
		return -EPERM;
	if (type != LINUX_SOCK_RAW && type != LINUX_SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	p = knew(struct packet_socket);
	if (!p)
		return -ENOMEM;
	socket_init(&p->sock, &packet_ops, LINUX_AF_PACKET, type, protocol);
	/* the protocol comes in the network's order */
	err =
	    packet_new(net_ns_stack(net), type == LINUX_SOCK_DGRAM, __builtin_bswap16((u16)protocol), &p->ps);
	if (err) {
		kfree(p);
		return err;
	}
	p->uid = current_task()->cred->euid;
	p->net = net_ns_get(net);
	p->ps->owner = p;
	p->ps->event = changed;
	wait_queue_init(&p->wait);
	list_add_tail(&p->node, &net->state->packet_socks);
	*out = &p->sock;
	return 0;
}

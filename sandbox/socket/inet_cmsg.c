/*
 * inet_cmsg.c - control messages (cmsg(3), ip(7), ipv6(7), RFC 3542) and the error queue.
 */
#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"
#include "sandbox/abi/poll.h"
#include "sandbox/socket/inet_priv.h"

#define CMSG_HEAD  ((u32)sizeof(struct linux_cmsghdr))
#define CMSG_UP(n) (((n) + 7) & ~7U)

/* ---- from the sender ---- */

static int pktinfo_in(struct inet_sock *i, const void *data, size_t size, struct dgram_msg *m,
		      struct inet_cmsg_in *store)
{
	struct linux_in_pktinfo info;

	if (size != sizeof(info))
		return -EINVAL;
	memcpy(&info, data, sizeof(info));
	if (info.ifindex)
		m->oif = (u32)info.ifindex;
	store->src = ip_v4(get_be32(info.spec_dst));
	if (!ip_is_any(&store->src))
		m->src = &store->src;
	return 0;
}

static int pktinfo6_in(struct inet_sock *i, const void *data, size_t size, struct dgram_msg *m,
		       struct inet_cmsg_in *store)
{
	struct linux_in6_pktinfo info;

	if (size < sizeof(info))
		return -EINVAL;
	memcpy(&info, data, sizeof(info));
	if (info.ifindex) {
		if (i->sk->ep.bound_if && i->sk->ep.bound_if != info.ifindex)
			return -EINVAL;
		if (!netif_by_index(inet_stack(i), info.ifindex))
			return -ENODEV;
		m->oif = info.ifindex;
	}
	memcpy(store->src.b, info.addr, 16);
	if (!ip_is_any(&store->src))
		m->src = &store->src;
	return 0;
}

/* Only an address of ours may be given as source, unless the socket may use any. */
static int check_source(struct inet_sock *i, const struct dgram_msg *m)
{
	if (!m->src || i->sk->freebind || net_local_addr(inet_stack(i), m->src))
		return 0;
	return -EINVAL;
}

static int int_in(const void *data, size_t size, bool byte_ok, s32 min, s32 max, s32 *out)
{
	s32 v;

	if (size == sizeof(v))
		memcpy(&v, data, sizeof(v));
	else if (byte_ok && size == 1)
		v = *(const u8 *)data;
	else
		return -EINVAL;
	if (v < min || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int ip_in(struct inet_sock *i, int type, const void *data, size_t size, struct dgram_msg *m,
		 struct inet_cmsg_in *store)
{
	switch (type) {
	case LINUX_IP_PKTINFO:
		return pktinfo_in(i, data, size, m, store);
	case LINUX_IP_TTL:
		return int_in(data, size, false, 1, 255, &m->ttl);
	case LINUX_IP_TOS:
		return int_in(data, size, true, 0, 255, &m->tos);
	default:
		return -EINVAL;
	}
}

static int ip6_in(struct inet_sock *i, int type, const void *data, size_t size, struct dgram_msg *m,
		  struct inet_cmsg_in *store)
{
	s32 v = -1;
	int err = 0;

	switch (type) {
	case LINUX_IPV6_PKTINFO:
		return pktinfo6_in(i, data, size, m, store);
	case LINUX_IPV6_HOPLIMIT:
		err = int_in(data, size, false, -1, 255, &v);
		m->ttl = v;
		return err;
	case LINUX_IPV6_TCLASS:
		err = int_in(data, size, false, -1, 255, &v);
		m->tos = v;
		return err;
	default:
		return -EINVAL;
	}
}

int inet_cmsg_in(struct inet_sock *i, const struct socket_control *c, struct dgram_msg *m,
		 struct inet_cmsg_in *store)
{
	struct linux_cmsghdr h;
	int err = 0;

	for (u32 at = 0; !err && c->raw_size - at >= CMSG_HEAD; at += CMSG_UP((u32)h.len)) {
		const u8 *data = c->raw + at + CMSG_HEAD;
		size_t size;
		memcpy(&h, c->raw + at, sizeof(h));
		size = h.len - CMSG_HEAD; /* checked when it was copied in */
		if (h.level == LINUX_IPPROTO_IP && !inet_is_v6(i))
			err = ip_in(i, h.type, data, size, m, store);
		else if (h.level == LINUX_IPPROTO_IPV6 && inet_is_v6(i))
			err = ip6_in(i, h.type, data, size, m, store);
		else if (h.level == LINUX_IPPROTO_IPV6 && h.type == LINUX_IPV6_PKTINFO)
			err = -EINVAL;
		else if (h.level == LINUX_IPPROTO_UDP && h.type == LINUX_UDP_SEGMENT) {
			u16 v;
			err = size == sizeof(v) ? 0 : -EINVAL;
			memcpy(&v, data, err ? 0 : sizeof(v));
			m->gso_size = err ? 0 : v;
		}
		if (CMSG_UP((u32)h.len) > c->raw_size - at)
			break;
	}
	return err ? err : check_source(i, m);
}

/* ---- to the receiver ---- */

static int add_int(struct socket_control *c, int level, int type, s32 v)
{
	return socket_control_add(c, level, type, &v, sizeof(v));
}

static int add_stamp(struct inet_sock *i, u64 ns, struct socket_control *c)
{
	s64 t[2] = {(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC)};
	bool new_type = i->tell & TELL_NEW;

	if (i->tell & TELL_TIMESTAMP) {
		t[1] /= 1000;
		return socket_control_add(c, LINUX_SOL_SOCKET,
					  new_type ? LINUX_SO_TIMESTAMP_NEW : LINUX_SO_TIMESTAMP, t,
					  sizeof(t));
	}
	return socket_control_add(c, LINUX_SOL_SOCKET,
				  new_type ? LINUX_SO_TIMESTAMPNS_NEW : LINUX_SO_TIMESTAMPNS, t, sizeof(t));
}

static int ip_out(struct inet_sock *i, const struct pkt *p, struct socket_control *c)
{
	struct linux_in_pktinfo info = {.ifindex = (s32)p->ifindex};
	struct linux_sockaddr_in to = {.family = LINUX_AF_INET};
	u8 tos = p->tos;
	int err = 0;

	if (i->tell & TELL_PKTINFO) {
		memcpy(info.addr, p->dst.b + 12, 4);
		if (net_local_addr(inet_stack(i), &p->dst))
			memcpy(info.spec_dst, p->dst.b + 12, 4);
		err = socket_control_add(c, LINUX_IPPROTO_IP, LINUX_IP_PKTINFO, &info, sizeof(info));
	}
	if (!err && (i->tell & TELL_TTL))
		err = add_int(c, LINUX_IPPROTO_IP, LINUX_IP_TTL, p->ttl);
	if (!err && (i->tell & TELL_TOS))
		err = socket_control_add(c, LINUX_IPPROTO_IP, LINUX_IP_TOS, &tos, 1);
	if (!err && (i->tell & TELL_ORIGDST)) {
		put_be16(to.port, p->dport);
		memcpy(to.addr, p->dst.b + 12, 4);
		err = socket_control_add(c, LINUX_IPPROTO_IP, LINUX_IP_RECVORIGDSTADDR, &to, sizeof(to));
	}
	return err;
}

static int ip6_out(struct inet_sock *i, const struct pkt *p, struct socket_control *c)
{
	struct linux_in6_pktinfo info = {.ifindex = p->ifindex};
	int err = 0;

	if (i->tell & TELL6_PKTINFO) {
		memcpy(info.addr, p->dst.b, 16);
		err = socket_control_add(c, LINUX_IPPROTO_IPV6, LINUX_IPV6_PKTINFO, &info, sizeof(info));
	}
	if (ip_is_v4(&p->src))
		return err;
	if (!err && (i->tell & TELL6_HOPLIMIT))
		err = add_int(c, LINUX_IPPROTO_IPV6, LINUX_IPV6_HOPLIMIT, p->ttl);
	if (!err && (i->tell & TELL6_TCLASS))
		err = add_int(c, LINUX_IPPROTO_IPV6, LINUX_IPV6_TCLASS, p->tos);
	return err;
}

/* What is told of an arrived packet whatever it was: a datagram or an error. */
static int packet_out(struct inet_sock *i, const struct pkt *p, struct socket_control *c)
{
	int err = inet_is_v6(i) ? ip6_out(i, p, c) : 0;

	return !err && ip_is_v4(&p->src) ? ip_out(i, p, c) : err;
}

int inet_cmsg_out(struct inet_sock *i, const struct pkt *p, struct socket_control *c)
{
	u32 drops = (u32)i->sk->drops;
	int err = 0;

	if (!i->tell)
		return 0;
	if (i->tell & (TELL_TIMESTAMP | TELL_TIMESTAMPNS))
		err = add_stamp(i, p->stamp, c);
	if (!err && (i->tell & TELL_DROPS) && drops)
		err = socket_control_add(c, LINUX_SOL_SOCKET, LINUX_SO_RXQ_OVFL, &drops, sizeof(drops));
	if (!err && (i->tell & TELL_GRO) && p->gso == PKT_GSO_UDP)
		err = add_int(c, LINUX_IPPROTO_UDP, LINUX_UDP_GRO, p->gso_size);
	return err ? err : packet_out(i, p, c);
}

/* ---- errors ---- */

/* When and how the error came, as of a datagram, goes before the error itself. */
static int error_arrival(struct inet_sock *i, const struct sock_error *e, struct socket_control *c)
{
	u64 now = clock_realtime();
	int err = 0;

	if (i->tell & (TELL_TIMESTAMP | TELL_TIMESTAMPNS))
		err = add_stamp(i, e->p && e->p->stamp ? e->p->stamp : now, c);
	return !err && e->p && e->origin != 1 ? packet_out(i, e->p, c) : err;
}

static int error_cmsg(struct inet_sock *i, const struct sock_error *e, struct socket_control *c)
{
	struct {
		struct linux_sock_extended_err ee;
		struct linux_sockaddr_in offender;
	} v4 = {.ee = {e->error, e->origin, e->type, e->code, 0, e->info, 0}};
	struct {
		struct linux_sock_extended_err ee;
		struct linux_sockaddr_in6 offender;
	} v6 = {.ee = v4.ee};

	if (!inet_is_v6(i)) {
		if (e->origin == 2) {
			v4.offender.family = LINUX_AF_INET;
			memcpy(v4.offender.addr, e->offender.b + 12, 4);
		}
		return socket_control_add(c, LINUX_IPPROTO_IP, LINUX_IP_RECVERR, &v4, sizeof(v4));
	}
	if (e->origin != 1) {
		v6.offender.family = LINUX_AF_INET6;
		memcpy(v6.offender.addr, e->offender.b, 16);
	}
	return socket_control_add(c, LINUX_IPPROTO_IPV6, LINUX_IPV6_RECVERR, &v6, sizeof(v6));
}

s64 inet_receive_error(struct inet_sock *i, struct socket_msg *m)
{
	struct sock_error *e = sock_next_error(i->sk);
	u32 size;
	s64 n = 0;

	if (!e)
		return -EAGAIN;
	size = e->p ? e->p->size : 0;
	if (e->p)
		n = pkt_to_uio(e->p, 0, m->uio, m->uio->left);
	m->flags = LINUX_MSG_ERRQUEUE | (n >= 0 && (u32)n < size ? LINUX_MSG_TRUNC : 0);
	if (m->name)
		inet_name_out(i, &e->dst, e->dport, 0, m->name);
	if (n >= 0 && m->control) {
		int err = error_arrival(i, e, m->control);
		if (!err)
			err = error_cmsg(i, e, m->control);
		n = err ? err : n;
	}
	sock_error_free(inet_stack(i), e);
	return n;
}

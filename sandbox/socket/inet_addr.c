/*
 * inet_addr.c - struct sockaddr_in and sockaddr_in6: what a guest may bind to, connect to and is told.
 *
 * An AF_INET6 socket meets IPv4 as ::ffff:a.b.c.d, unless it is IPV6_V6ONLY.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"

u16 sockaddr_family(const struct sockaddr_k *a)
{
	u16 family = LINUX_AF_UNSPEC;

	if (a->len >= sizeof(family))
		memcpy(&family, a->data, sizeof(family));
	return family;
}

static int name_in4(const struct sockaddr_k *from, struct inet_name *out)
{
	struct linux_sockaddr_in in;

	if (from->len < sizeof(in))
		return -EINVAL;
	memcpy(&in, from->data, sizeof(in));
	*out = (struct inet_name){.addr = ip_v4(get_be32(in.addr)), .port = get_be16(in.port)};
	return 0;
}

static int name_in6(const struct sockaddr_k *from, struct inet_name *out)
{
	struct linux_sockaddr_in6 in = {0};

	if (from->len < LINUX_SIN6_LEN_RFC2133)
		return -EINVAL;
	memcpy(&in, from->data, min_t(u32, from->len, sizeof(in)));
	*out = (struct inet_name){.port = get_be16(in.port),
				  .scope = from->len >= sizeof(in) ? in.scope_id : 0,
				  .flowinfo = get_be32(in.flowinfo)};
	memcpy(out->addr.b, in.addr, sizeof(in.addr));
	return 0;
}

int inet_name_in(const struct inet_sock *i, const struct sockaddr_k *from, struct inet_name *out)
{
	u16 family = sockaddr_family(from);
	int err;

	if (from->len < sizeof(family))
		return -EINVAL;
	if (!inet_is_v6(i)) {
		if (from->len < sizeof(struct linux_sockaddr_in))
			return -EINVAL;
		/* sendto(2) takes AF_UNSPEC for AF_INET; connect(2) has dealt with it before */
		if (family != LINUX_AF_INET && family != LINUX_AF_UNSPEC)
			return -EAFNOSUPPORT;
		return name_in4(from, out);
	}
	if (family == LINUX_AF_INET && i->sock.type != LINUX_SOCK_STREAM) {
		err = name_in4(from, out);
		if (!err && i->sk->ep.v6only)
			err = -ENETUNREACH;
		return err;
	}
	err = from->len < LINUX_SIN6_LEN_RFC2133 ? -EINVAL
	      : family != LINUX_AF_INET6         ? -EAFNOSUPPORT
						 : name_in6(from, out);
	if (!err && ip_is_v4(&out->addr) && i->sk->ep.v6only)
		err = -ENETUNREACH;
	if (!err && !ip_is_v4(&out->addr) && ip_is_linklocal(&out->addr) && !out->scope &&
	    !i->sk->ep.bound_if)
		err = -EINVAL;
	return err;
}

void inet_name_out(const struct inet_sock *i, const struct ip_addr *addr, u32 port, u32 ifindex,
		   struct sockaddr_k *out)
{
	struct linux_sockaddr_in in = {.family = LINUX_AF_INET};
	struct linux_sockaddr_in6 in6 = {.family = LINUX_AF_INET6};

	if (!inet_is_v6(i)) {
		put_be16(in.port, (u16)port);
		memcpy(in.addr, addr->b + 12, 4);
		memcpy(out->data, &in, sizeof(in));
		out->len = sizeof(in);
		return;
	}
	put_be16(in6.port, (u16)port);
	memcpy(in6.addr, addr->b, 16);
	if (ip_is_v4(addr) && ip_is_any(addr))
		memset(in6.addr, 0, 16);
	if (!ip_is_v4(addr) && (ip_is_linklocal(addr) || (ip_is_multicast(addr) && (addr->b[1] & 0xf) <= 2)))
		in6.scope_id = ifindex;
	memcpy(out->data, &in6, sizeof(in6));
	out->len = sizeof(in6);
}

/* bind(2)'s address, with what it allows itself: AF_UNSPEC for 0.0.0.0, of old. */
static int bind_name(const struct inet_sock *i, const struct sockaddr_k *from, struct inet_name *out)
{
	u16 family = sockaddr_family(from);
	int err;

	if (inet_is_v6(i)) {
		if (from->len < LINUX_SIN6_LEN_RFC2133)
			return -EINVAL;
		if (family != LINUX_AF_INET6)
			return -EAFNOSUPPORT;
		err = name_in6(from, out);
		if (!err && ip_is_v4(&out->addr) && i->sk->ep.v6only)
			err = -EINVAL;
		if (!err && ip_is_linklocal(&out->addr) && !ip_is_v4(&out->addr) && !out->scope &&
		    !i->sk->ep.bound_if)
			err = -EINVAL;
		return err;
	}
	err = name_in4(from, out);
	if (!err && family != LINUX_AF_INET && !(family == LINUX_AF_UNSPEC && ip_is_any(&out->addr)))
		err = -EAFNOSUPPORT;
	return err;
}

int inet_bind(struct socket *s, const struct sockaddr_k *addr)
{
	struct inet_sock *i = inet_of(s);
	struct inet_name n;
	int err = bind_name(i, addr, &n);

	if (err)
		return err;
	if (s->type == LINUX_SOCK_STREAM && tcp_state_of(i->sk) != TCPS_CLOSE)
		return -EINVAL;
	if (s->type == LINUX_SOCK_RAW)
		n.port = 0;
	if (n.port && n.port < i->net->state->unprivileged_port &&
	    !net_ns_capable(i->net, LINUX_CAP_NET_BIND_SERVICE))
		return -EACCES;
	if (n.scope && ip_is_linklocal(&n.addr))
		i->sk->ep.bound_if = n.scope;
	i->sk->ep.reuseaddr = s->reuseaddr;
	err = sock_bind(i->sk, &n.addr, n.port);
	if (!err && i->late_port && !n.port && s->type == LINUX_SOCK_STREAM) {
		sock_unbind(&i->sk->ep); /* the address stays; the port comes with connect or listen */
		i->sk->ep.lport = 0;
	}
	return err;
}

int inet_name(struct socket *s, bool peer, struct sockaddr_k *out)
{
	struct inet_sock *i = inet_of(s);
	const struct net_ep *ep = &i->sk->ep;

	if (!peer) {
		inet_name_out(i, &ep->laddr, ep->lport, ep->bound_if, out);
		return 0;
	}
	if (s->type == LINUX_SOCK_STREAM) {
		enum tcp_state state = tcp_state_of(i->sk);
		if (state == TCPS_CLOSE || state == TCPS_LISTEN || state == TCPS_SYN_SENT || !ep->rport)
			return -ENOTCONN;
	} else if (ip_is_any(&ep->raddr) && !ep->rport) {
		return -ENOTCONN;
	}
	inet_name_out(i, &ep->raddr, ep->rport, ep->bound_if, out);
	return 0;
}

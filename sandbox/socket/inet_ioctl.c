/*
 * inet_ioctl.c - ioctls of internet sockets: what waits in them (tcp(7), udp(7), socket(7)).
 */
#include <errno.h>

#include "sandbox/abi/termios.h"
#include "sandbox/socket/inet_priv.h"

static s64 put_s32(u64 arg, s32 v)
{
	return put_user(&v, uaddr(arg));
}

static s64 tcp_queue(struct inet_sock *i, u32 cmd, u64 arg)
{
	if (cmd == LINUX_SIOCATMARK)
		return put_s32(arg, tcp_at_mark(i->sk));
	if (tcp_state_of(i->sk) == TCPS_LISTEN)
		return -EINVAL;
	switch (cmd) {
	case LINUX_FIONREAD:
		return put_s32(arg, (s32)tcp_inq(i->sk));
	case LINUX_SIOCOUTQ:
		return put_s32(arg, (s32)tcp_outq(i->sk));
	default:
		return put_s32(arg, (s32)tcp_unsent(i->sk));
	}
}

static s64 dgram_queue(struct inet_sock *i, u32 cmd, u64 arg)
{
	const struct list_head *q = &i->sk->queue;

	switch (cmd) {
	case LINUX_FIONREAD:
		return put_s32(arg, list_empty(q) ? 0 : (s32)list_first_entry(q, struct pkt, node)->size);
	case LINUX_SIOCOUTQ:
		return put_s32(arg, (s32)i->sk->sending);
	default:
		return -ENOTTY;
	}
}

static s64 last_stamp(struct inet_sock *i, bool ns, u64 arg)
{
	s64 t[2] = {(s64)(i->last_stamp_ns / NSEC_PER_SEC), (s64)(i->last_stamp_ns % NSEC_PER_SEC)};

	if (!i->last_stamp_ns)
		return -ENOENT;
	if (!ns)
		t[1] /= 1000;
	return copy_out(uaddr(arg), t, sizeof(t));
}

s64 inet_ioctl(struct socket *s, u32 cmd, u64 arg)
{
	struct inet_sock *i = inet_of(s);

	switch (cmd) {
	case LINUX_FIONREAD:
	case LINUX_SIOCOUTQ:
	case LINUX_SIOCATMARK:
	case LINUX_SIOCOUTQNSD:
		return s->type == LINUX_SOCK_STREAM ? tcp_queue(i, cmd, arg) : dgram_queue(i, cmd, arg);
	case LINUX_SIOCGSTAMP:
	case LINUX_SIOCGSTAMPNS:
		return last_stamp(i, cmd == LINUX_SIOCGSTAMPNS, arg);
	default:
		return net_device_ioctl(i->net, cmd, arg);
	}
}

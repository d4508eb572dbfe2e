/*
 * sock_filter.c - see sock_filter.h. Programs of extended BPF do not exist here: whoever names one hears that
 * his descriptor is none.
 */
#include "sandbox/socket/sock_filter.h"

#include <errno.h>

#include "sandbox/abi/seccomp.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/packet.h"
#include "sandbox/vfs/fdtable.h"

bool sock_filter_option(int name)
{
	return name == LINUX_SO_ATTACH_FILTER || name == LINUX_SO_DETACH_FILTER ||
	       name == LINUX_SO_LOCK_FILTER || name == LINUX_SO_ATTACH_BPF;
}

static int attach(const struct socket *s, struct netstack *ns, struct net_filter **filter, const void *value,
		  size_t size)
{
	auto_cleanup(kfreep) struct bpf_insn *insn = NULL;
	struct linux_sock_fprog prog;
	struct net_filter *made;
	int err;

	if (size != sizeof(prog))
		return -EINVAL;
	memcpy(&prog, value, sizeof(prog));
	if (s->filter_locked)
		return -EPERM;
	if (!prog.filter || !prog.len || prog.len > NET_FILTER_MAX)
		return -EINVAL;
	insn = kmalloc(prog.len * sizeof(*insn));
	if (!insn)
		return -ENOMEM;
	if (copy_in(insn, uaddr(prog.filter), prog.len * sizeof(*insn)))
		return -EFAULT;
	err = net_filter_new(ns, insn, prog.len, &made);
	if (err)
		return err;
	net_filter_put(*filter);
	*filter = made;
	return 0;
}

static int attach_extended(const void *value, size_t size)
{
	struct file *f;
	s32 fd;

	if (size != sizeof(fd))
		return -EINVAL;
	memcpy(&fd, value, sizeof(fd));
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	file_put(f);
	return -EINVAL;
}

int sock_filter_set(struct socket *s, struct netstack *ns, struct net_filter **filter, int name,
		    const void *value, size_t size)
{
	s32 v;

	/* as Linux: every option but one of these must at least be an int */
	if (size < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	switch (name) {
	case LINUX_SO_ATTACH_FILTER:
		return attach(s, ns, filter, value, size);
	case LINUX_SO_ATTACH_BPF:
		return s->filter_locked && size == sizeof(v) ? -EPERM : attach_extended(value, size);
	case LINUX_SO_DETACH_FILTER:
		if (s->filter_locked)
			return -EPERM;
		if (!*filter)
			return -ENOENT;
		net_filter_put(*filter);
		*filter = NULL;
		return 0;
	case LINUX_SO_LOCK_FILTER:
		if (s->filter_locked && !v)
			return -EPERM;
		s->filter_locked = v;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

s64 sock_filter_get(struct socket *s, int level, int name, u64 user, s32 *size)
{
	const struct net_filter *f;

	if (level != LINUX_SOL_SOCKET || name != LINUX_SO_ATTACH_FILTER)
		return -ENOPROTOOPT;
	if (s->ops == &inet_tcp_ops || s->ops == &inet_dgram_ops)
		f = inet_of(s)->sk->filter;
	else if (s->family == LINUX_AF_PACKET)
		f = container_of(s, struct packet_socket, sock)->ps->filter;
	else
		return -ENOPROTOOPT;
	/* the size is a number of instructions, both ways */
	if (f && *size && (u32)*size < f->len)
		return -EINVAL;
	if (f && *size && copy_out(uaddr(user), f->insn, f->len * sizeof(f->insn[0])))
		return -EFAULT;
	*size = f ? (s32)f->len : 0;
	return 0;
}

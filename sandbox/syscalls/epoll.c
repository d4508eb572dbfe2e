/*
 * syscalls/epoll.c - epoll_create, epoll_ctl, epoll_wait and their kin.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/anon/poll.h"
#include "sandbox/kernel/task.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

s64 sys_epoll_create1(struct task *t, const u64 *a)
{
	struct file *f;
	int err;

	if ((u32)a[0] & ~(u32)O_CLOEXEC)
		return -EINVAL;
	err = epoll_create_file(&f);
	return err ? err : fd_install(f, 0, a[0] & O_CLOEXEC);
}

s64 sys_epoll_create(struct task *t, const u64 *a)
{
	static const u64 no_flags[6];

	return arg_int(a[0]) <= 0 ? -EINVAL : sys_epoll_create1(t, no_flags);
}

s64 sys_epoll_ctl(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *ep = NULL;
	auto_cleanup(filep_put) struct file *target = NULL;
	struct linux_epoll_event ev = {0, 0};
	int op = arg_int(a[1]);

	if (op != LINUX_EPOLL_CTL_DEL && copy_in(&ev, uaddr(a[3]), sizeof(ev)))
		return -EFAULT;
	ep = fd_get(arg_int(a[0]));
	if (!ep)
		return -EBADF;
	target = fd_get(arg_int(a[2]));
	if (!target)
		return -EBADF;
	return epoll_control(ep, op, arg_int(a[2]), target, &ev);
}

#define EPOLL_FEW 64U /* events that are collected on the stack */

/* An address that may be bad is an error only when there are events, and leaves them there. */
static s64 probe(struct file *ep, uaddr_t out, u64 deadline)
{
	struct poll_entry e = {.file = ep, .events = LINUX_POLLIN};
	s64 n = poll_entries(&e, 1, deadline);

	if (n == -ERESTARTSYS)
		return -EINTR;
	return n > 0 && clear_user(out, sizeof(struct linux_epoll_event)) ? -EFAULT : n;
}

/* Collects until the deadline, at most as many events as there are items now: one that is added meanwhile may
 * have to wait for the next call. */
static s64 do_wait(int epfd, uaddr_t out, int max, u64 deadline)
{
	auto_cleanup(filep_put) struct file *ep = NULL;
	auto_cleanup(kfreep) struct linux_epoll_event *many = NULL;
	struct linux_epoll_event few[EPOLL_FEW], *ev = few;
	u32 room;
	s64 n;

	if (max <= 0 || max > (int)(INT32_MAX / sizeof(ev[0])))
		return -EINVAL;
	ep = fd_get(epfd);
	if (!ep)
		return -EBADF;
	room = min_t(u32, (u32)max, max_t(u32, epoll_item_count(ep), EPOLL_FEW));
	if (room > EPOLL_FEW) {
		many = kmalloc(room * sizeof(*many));
		if (!many)
			return -ENOMEM;
		ev = many;
	}
	n = guest_may_write(out, sizeof(ev[0])) ? 1 : probe(ep, out, deadline);
	if (n <= 0)
		return n;
	n = epoll_collect(ep, ev, room, deadline);
	if (n > 0 && copy_out(out, ev, (size_t)n * sizeof(ev[0])))
		return -EFAULT;
	return n;
}

static u64 deadline_ms(int ms)
{
	if (ms < 0)
		return TIME_NEVER;
	return ms ? clock_monotonic() + (u64)ms * 1000000 : 0;
}

static int take_mask(struct task *t, u64 addr, u64 size)
{
	sigset64 mask;

	if (!addr)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(&mask, uaddr(addr)))
		return -EFAULT;
	set_temporary_mask(t, mask & ~SIG_UNBLOCKABLE);
	return 0;
}

s64 sys_epoll_wait(struct task *t, const u64 *a)
{
	return do_wait(arg_int(a[0]), uaddr(a[1]), arg_int(a[2]), deadline_ms(arg_int(a[3])));
}

s64 sys_epoll_pwait(struct task *t, const u64 *a)
{
	int err = take_mask(t, a[4], a[5]);

	return err ? err : do_wait(arg_int(a[0]), uaddr(a[1]), arg_int(a[2]), deadline_ms(arg_int(a[3])));
}

s64 sys_epoll_pwait2(struct task *t, const u64 *a)
{
	u64 deadline = TIME_NEVER;
	int err;

	if (a[3]) {
		struct linux_timespec ts;

		if (get_user(&ts, uaddr(a[3])))
			return -EFAULT;
		err = poll_deadline(&ts, &deadline);
		if (err)
			return err;
	}
	err = take_mask(t, a[4], a[5]);
	return err ? err : do_wait(arg_int(a[0]), uaddr(a[1]), arg_int(a[2]), deadline);
}

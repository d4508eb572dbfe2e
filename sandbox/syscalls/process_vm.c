/*
 * syscalls/process_vm.c - another process's memory: process_vm_readv, process_vm_writev, process_madvise.
 */
#include <errno.h>

#include "sandbox/abi/mman.h"
#include "sandbox/abi/sched.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/ptrace.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

#define CHUNK                   65536U
#define PIDFD_SELF_THREAD       (-10000)
#define PIDFD_SELF_THREAD_GROUP (-10001)

static void mmp_put(struct mm **mm)
{
	mm_put(*mm);
}

/* Its address space, counted, if the current task may look into it. */
static int mm_of(struct task *t, struct mm **out)
{
	int err;

	if (!t || !t->mm)
		return -ESRCH;
	err = ptrace_may_access(t, false);
	if (err)
		return err;
	*out = mm_get(t->mm);
	return 0;
}

/* Between the local side and one remote range: bytes moved, short at a fault on either side. */
static s64 move(struct mm *mm, struct uio *local, char *buf, u64 addr, u64 size, bool write)
{
	u64 done = 0;

	if (aspace_flush(mm->as))
		return 0;
	while (done < size) {
		u64 part = min_t(u64, size - done, CHUNK);
		/* the host stops at the page where the copy fails: so do both sides */
		s64 n = write ? uio_copy(local, buf, part)
			      : aspace_read(mm->as, buf, uaddr(addr + done), part),
		    moved;
		if (n <= 0)
			break;
		moved = write ? aspace_write(mm->as, uaddr(addr + done), buf, (size_t)n)
			      : uio_copy(local, buf, (size_t)n);
		if (moved > 0)
			done += (u64)moved;
		if (moved != (s64)part)
			break;
	}
	return (s64)done;
}

static s64 transfer(struct mm *mm, struct uio *local, struct uio *remote, bool write)
{
	char *buf = kmalloc(CHUNK);
	u64 done = 0;

	if (!buf)
		return -ENOMEM;
	for (u32 i = 0; i < remote->seg_left && local->left; i++) {
		u64 size = min_t(u64, remote->seg[i].size, local->left);
		s64 n = move(mm, local, buf, remote->seg[i].base.v, size, write);
		done += (u64)n;
		if ((u64)n < size) {
			kfree(buf);
			return done ? (s64)done : -EFAULT;
		}
	}
	kfree(buf);
	return (s64)done;
}

static s64 process_vm(const u64 *a, bool write)
{
	auto_cleanup(mmp_put) struct mm *mm = NULL;
	struct uio local, remote;
	s64 n;

	if (a[5])
		return -EINVAL;
	n = uio_init_iovec(&local, write ? UIO_FROM_USER : UIO_TO_USER, uaddr(a[1]), a[2]);
	if (n || !local.left) {
		if (!n)
			uio_done(&local);
		return n;
	}
	n = uio_init_iovec(&remote, UIO_TO_USER, uaddr(a[3]), a[4]);
	if (!n && remote.left)
		n = mm_of(task_find(arg_int(a[0])), &mm);
	if (!n && mm)
		n = transfer(mm, &local, &remote, write);
	uio_done(&local);
	uio_done(&remote);
	return n;
}

s64 sys_process_vm_readv(struct task *t, const u64 *a)
{
	return process_vm(a, false);
}

s64 sys_process_vm_writev(struct task *t, const u64 *a)
{
	return process_vm(a, true);
}

/* ---- process_madvise ---- */

/* What may be advised about somebody else's memory: nothing that changes what he reads there. */
static bool harmless(int advice)
{
	return advice == LINUX_MADV_COLD || advice == LINUX_MADV_PAGEOUT || advice == LINUX_MADV_WILLNEED ||
	       advice == LINUX_MADV_COLLAPSE;
}

/* Whom a pidfd, or a number that stands for one, means. Borrowed. */
static int pidfd_task(struct task *t, int fd, struct task **out)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct pid *p;

	*out = t;
	if (fd == PIDFD_SELF_THREAD || fd == PIDFD_SELF_THREAD_GROUP)
		return 0;
	f = fd_get(fd);
	p = f ? pidfd_pid(f) : NULL;
	if (!p)
		return -EBADF;
	*out = p->task;
	return *out ? 0 : -ESRCH;
}

static s64 advise(struct task *t, struct mm *mm, const struct uio *ranges, int advice)
{
	u64 done = 0;
	int err = 0;

	if (mm != t->mm && !harmless(advice))
		return -EINVAL;
	if (mm != t->mm && !capable(LINUX_CAP_SYS_NICE))
		return -EPERM;
	for (u32 i = 0; i < ranges->seg_left && !err; i++) {
		const struct uio_segment *s = &ranges->seg[i];
		err = mm_madvise(mm, NULL, s->base.v, s->size, advice);
		if (!err)
			done += s->size;
	}
	return done ? (s64)done : err;
}

s64 sys_process_madvise(struct task *t, const u64 *a)
{
	auto_cleanup(mmp_put) struct mm *mm = NULL;
	struct task *of;
	struct uio ranges;
	s64 n;

	if (a[4])
		return -EINVAL;
	n = uio_init_iovec(&ranges, UIO_TO_USER, uaddr(a[1]), a[2]);
	if (n)
		return n;
	n = pidfd_task(t, arg_int(a[0]), &of);
	if (!n)
		n = mm_of(of, &mm);
	if (n == -EPERM)
		n = -EACCES;
	if (!n)
		n = advise(t, mm, &ranges, arg_int(a[3]));
	uio_done(&ranges);
	return n;
}

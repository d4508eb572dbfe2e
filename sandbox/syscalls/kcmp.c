/*
 * syscalls/kcmp.c - kcmp(2): do two tasks share something?
 *
 * The order that comes back is of the objects' addresses after an odd multiplication, so that it is stable
 * and says nothing of where they are.
 */
#include <errno.h>

#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM, KCMP_EPOLL_TFD };

static s64 order(const void *x, const void *y)
{
	u64 a = (u64)(uintptr_t)x * 0x9e3779b97f4a7c15ULL, b = (u64)(uintptr_t)y * 0x9e3779b97f4a7c15ULL;

	return x == y ? 0 : a < b ? 1 : 2;
}

static struct file *file_of(struct task *t, u64 fd)
{
	return t->files && fd < t->files->capacity ? t->files->entries[fd].file : NULL;
}

static s64 compare_files(struct task *x, struct task *y, u64 i, u64 j)
{
	struct file *a = file_of(x, i), *b = file_of(y, j);

	return a && b ? order(a, b) : -EBADF;
}

/* Is x's descriptor `fd` the n-th target called tfd in y's epoll instance? */
static s64 compare_epoll(struct task *x, struct task *y, u64 fd, u64 slot_user)
{
	struct {
		u32 efd, tfd, toff;
	} slot;
	struct file *f = file_of(x, fd), *ep, *target;

	if (get_user(&slot, uaddr(slot_user)))
		return -EFAULT;
	ep = file_of(y, slot.efd);
	if (!f || !ep)
		return -EBADF;
	if (!epoll_is_file(ep))
		return -EINVAL;
	target = epoll_target(ep, (int)slot.tfd, slot.toff);
	return target ? order(f, target) : -ENOENT;
}

s64 sys_kcmp(struct task *t, const u64 *a)
{
	struct task *x = task_find(arg_int(a[0])), *y = task_find(arg_int(a[1]));

	if (!x || !y || !x->tg || !y->tg)
		return -ESRCH;
	if (!task_may_access(x) || !task_may_access(y))
		return -EPERM;
	switch (arg_int(a[2])) {
	case KCMP_FILE:
		return compare_files(x, y, a[3], a[4]);
	case KCMP_VM:
		return order(x->mm, y->mm);
	case KCMP_FILES:
		return order(x->files, y->files);
	case KCMP_FS:
		return order(x->fs, y->fs);
	case KCMP_SIGHAND:
		return order(x->sighand, y->sighand);
	case KCMP_IO: /* nobody has an I/O context or a list of semaphore undos: as two NULLs compare */
	case KCMP_SYSVSEM:
		return 0;
	case KCMP_EPOLL_TFD:
		return compare_epoll(x, y, a[3], a[4]);
	default:
		return -EINVAL;
	}
}

/*
 * syscalls/mm.c - mmap, munmap, mprotect, mremap, brk, madvise, msync, mincore, mlock and memfd_create.
 */
#include "sandbox/mm/mm.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/mman.h"
#include "sandbox/fs/tmpfs/tmpfs.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

s64 sys_mmap(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	u32 flags = (u32)a[3];

	if (a[5] & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & LINUX_MAP_ANONYMOUS)) {
		f = fd_get(arg_int(a[4]));
		if (!f)
			return -EBADF;
	}
	return mm_mmap(t->mm, t->ut, a[0], a[1], (u32)a[2], flags, f, f ? a[5] : 0);
}

s64 sys_munmap(struct task *t, const u64 *a)
{
	return mm_munmap(t->mm, t->ut, a[0], a[1]);
}

s64 sys_mprotect(struct task *t, const u64 *a)
{
	return mm_mprotect(t->mm, t->ut, a[0], a[1], (u32)a[2]);
}

s64 sys_mremap(struct task *t, const u64 *a)
{
	return mm_mremap(t->mm, t->ut, a[0], a[1], a[2], (u32)a[3], a[4]);
}

s64 sys_brk(struct task *t, const u64 *a)
{
	return mm_brk(t->mm, t->ut, a[0]);
}

s64 sys_madvise(struct task *t, const u64 *a)
{
	return mm_madvise(t->mm, t->ut, a[0], a[1], arg_int(a[2]));
}

/* Is all of [start, end) mapped? */
static bool all_mapped(struct mm *mm, u64 start, u64 end)
{
	for (struct vma *v = vma_find(mm, start); v && v->start <= start; v = vma_next(v)) {
		start = v->end;
		if (start >= end)
			return true;
	}
	return start >= end;
}

static int check_range(struct mm *mm, u64 start, u64 size)
{
	u64 end;

	if (start & ~PAGE_MASK)
		return -EINVAL;
	if (__builtin_add_overflow(start, PAGE_UP(size), &end) || PAGE_UP(size) < size)
		return -ENOMEM;
	return all_mapped(mm, start, end) ? 0 : -ENOMEM;
}

/* Mappings are the host's own pages of the file, so another mapping or read sees a write at once; what is
 * left of MS_SYNC is to reach the disk. */
s64 sys_msync(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[2];
	int err;

	if ((flags & ~7U) || (flags & 5) == 5)
		return -EINVAL;
	err = check_range(t->mm, a[0], a[1]);
	if (err || !(flags & 4))
		return err;
	for (struct vma *v = vma_find(t->mm, a[0]); v && v->start < a[0] + a[1] && !err; v = vma_next(v)) {
		if (v->file && (v->flags & VMA_SHARED) && v->file->ops->fsync) {
			auto_cleanup(filep_put) struct file *f = file_get(v->file);
			err = f->ops->fsync(f, true);
			v = vma_find(t->mm, a[0]); /* the call slept: the tree may have changed */
			while (v && v->file != f && v->start < a[0] + a[1])
				v = vma_next(v);
			if (!v)
				break;
		}
	}
	return err;
}

/* mlock family: the pages are the host's; limits and bookkeeping are Linux's. */
static s64 lock_range(struct task *t, u64 start, u64 size, bool lock)
{
	u64 end, limit = task_rlimit(t, 8 /* RLIMIT_MEMLOCK */);

	if (__builtin_add_overflow(start, size, &end) || PAGE_UP(end) < end)
		return -EINVAL;
	end = PAGE_UP(end);
	start = PAGE_DOWN(start);
	if (start == end)
		return 0;
	if (lock && !capable(14 /* CAP_IPC_LOCK */)) {
		if (!limit)
			return -EPERM;
		if (t->mm->locked_pages * PAGE_SIZE + (end - start) > limit)
			return -ENOMEM;
	}
	if (!all_mapped(t->mm, start, end))
		return -ENOMEM;
	return mm_set_locked(t->mm, start, end, lock);
}

s64 sys_mlock(struct task *t, const u64 *a)
{
	return lock_range(t, a[0], a[1], true);
}

s64 sys_mlock2(struct task *t, const u64 *a)
{
	return (u32)a[2] & ~1U ? -EINVAL : lock_range(t, a[0], a[1], true);
}

s64 sys_munlock(struct task *t, const u64 *a)
{
	return lock_range(t, a[0], a[1], false);
}

s64 sys_mlockall(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[0];

	if (!flags || (flags & ~7U) || flags == 4)
		return -EINVAL;
	if (!capable(14) && (flags & 1) && t->mm->total_pages * PAGE_SIZE > task_rlimit(t, 8))
		return task_rlimit(t, 8) ? -ENOMEM : -EPERM;
	return flags & 1 ? mm_set_locked(t->mm, 0, PLATFORM_USER_END, true) : 0;
}

s64 sys_munlockall(struct task *t, const u64 *a)
{
	return mm_set_locked(t->mm, 0, PLATFORM_USER_END, false);
}

s64 sys_memfd_create(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[1], seals = flags & 2 /* MFD_ALLOW_SEALING */ ? 0 : 1;
	char name[250];
	struct file *f;
	s64 n;
	int err;

	if (flags & ~(1U | 2U | 8U | 16U)) /* huge pages: none here */
		return -EINVAL;
	n = copy_in_str(name, uaddr(a[0]), sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	if (flags & 8) /* MFD_NOEXEC_SEAL */
		seals = 0x20;
	err = tmpfs_memfd(name, O_RDWR | O_LARGEFILE, seals, &f);
	return err ? err : fd_install(f, 0, flags & 1);
}

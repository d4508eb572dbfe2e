/*
 * syscalls/mm.c - mmap and its kin, mlock, membarrier, protection keys, memfd_create.
 */
#include "sandbox/mm/mm.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/mman.h"
#include "sandbox/fs/tmpfs/tmpfs.h"
#include "sandbox/kernel/sysctl.h"
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

s64 sys_msync(struct task *t, const u64 *a)
{
	return mm_msync(t->mm, a[0], a[1], (u32)a[2]);
}

/* The host's own answer for the stub's memory, written straight into the guest's array. */
s64 sys_mincore(struct task *t, const u64 *a)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(t->mm);
	u64 size = PAGE_UP(a[1]);

	if (a[0] & ~PAGE_MASK)
		return -EINVAL;
	if (size < a[1] || a[0] > PLATFORM_USER_END || size > PLATFORM_USER_END - a[0])
		return -ENOMEM;
	if (!uaddr_range_ok(uaddr(a[2]), size / PAGE_SIZE))
		return -EFAULT;
	return size ? aspace_mincore(t->mm->as, t->ut, uaddr(a[0]), a[1], uaddr(a[2])) : 0;
}

s64 sys_membarrier(struct task *t, const u64 *a)
{
	return mm_membarrier(t->mm, t->ut, arg_int(a[0]), (u32)a[1]);
}

s64 sys_mseal(struct task *t, const u64 *a)
{
	return a[2] ? -EINVAL : mm_mseal(t->mm, a[0], a[1]);
}

s64 sys_remap_file_pages(struct task *t, const u64 *a)
{
	return a[2] ? -EINVAL : mm_remap_file_pages(t->mm, t->ut, a[0], a[1], a[3], (u32)a[4]);
}

/* ---- locking ---- */

s64 sys_mlock(struct task *t, const u64 *a)
{
	return mm_mlock(t->mm, a[0], a[1], VMA_LOCKED);
}

s64 sys_mlock2(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[2];

	if (flags & ~1U /* MLOCK_ONFAULT */)
		return -EINVAL;
	return mm_mlock(t->mm, a[0], a[1], VMA_LOCKED | (flags ? VMA_LOCKONFAULT : 0));
}

s64 sys_munlock(struct task *t, const u64 *a)
{
	return mm_mlock(t->mm, a[0], a[1], 0);
}

s64 sys_mlockall(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[0];

	if (!flags || (flags & ~7U) || flags == LINUX_MCL_ONFAULT)
		return -EINVAL;
	return mm_mlockall(t->mm, flags);
}

s64 sys_munlockall(struct task *t, const u64 *a)
{
	return mm_mlockall(t->mm, 0);
}

/* ---- protection keys: as on a CPU without them ---- */

s64 sys_pkey_alloc(struct task *t, const u64 *a)
{
	return a[0] || (a[1] & ~3ULL) ? -EINVAL : -ENOSPC;
}

s64 sys_pkey_free(struct task *t, const u64 *a)
{
	return -EINVAL; /* none is allocated */
}

s64 sys_pkey_mprotect(struct task *t, const u64 *a)
{
	return arg_int(a[3]) == -1 ? mm_mprotect(t->mm, t->ut, a[0], a[1], (u32)a[2]) : -EINVAL;
}

/* ---- what is refused ---- */

/* As where vm.unprivileged_userfaultfd is 0: a guest's page faults are the host's affair. */
s64 sys_userfaultfd(struct task *t, const u64 *a)
{
	return -EPERM;
}

s64 sys_memfd_create(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[1], seals = flags & LINUX_MFD_ALLOW_SEALING ? 0 : LINUX_F_SEAL_SEAL;
	u64 noexec = sysctl(SYSCTL_MEMFD_NOEXEC);
	char name[250];
	struct file *f;
	s64 n;
	int err;

	if (flags & LINUX_MFD_HUGETLB)
		return flags & ~(LINUX_MFD_HUGETLB | 31U | 63U << 26) ? -EINVAL : -ENODEV; /* no such pages */
	if ((flags & ~31U) ||
	    (flags & (LINUX_MFD_EXEC | LINUX_MFD_NOEXEC_SEAL)) == (LINUX_MFD_EXEC | LINUX_MFD_NOEXEC_SEAL))
		return -EINVAL;
	if (!(flags & (LINUX_MFD_EXEC | LINUX_MFD_NOEXEC_SEAL)))
		flags |= noexec ? LINUX_MFD_NOEXEC_SEAL : LINUX_MFD_EXEC;
	if ((flags & LINUX_MFD_EXEC) && noexec == 2)
		return -EACCES;
	n = copy_in_str(name, uaddr(a[0]), sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	if (flags & LINUX_MFD_NOEXEC_SEAL)
		seals = LINUX_F_SEAL_EXEC;
	err = tmpfs_memfd(name, O_RDWR | O_LARGEFILE, seals, &f);
	return err ? err : fd_install(f, 0, flags & LINUX_MFD_CLOEXEC);
}

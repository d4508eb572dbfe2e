/*
 * ptrace_mem.c - reading and writing another task's memory as a debugger may: what is mapped, whatever its
 * protection (FOLL_FORCE).
 *
 * The host refuses a copy against the protection. It is lifted for the copy then, by the stub's memory
 * thread: a write makes a private copy of the page, as Linux's break of copy-on-write does. Other threads may
 * write such a page in that moment too; they harm nobody but themselves. A shared mapping that its owner may
 * not write is not written.
 */
#include <errno.h>

#include "sandbox/abi/mman.h"
#include "sandbox/kernel/ptrace.h"
#include "sandbox/mm/mm.h"

static s64 copy(struct mm *mm, u64 addr, void *buf, size_t size, bool write)
{
	return write ? aspace_write(mm->as, uaddr(addr), buf, size)
		     : aspace_read(mm->as, buf, uaddr(addr), size);
}

/* Within one VMA. */
static s64 copy_forced(struct mm *mm, struct vma *v, u64 addr, void *buf, size_t size, bool write)
{
	u64 low = PAGE_DOWN(addr), high = PAGE_UP(addr + size);
	u32 prot = v->prot, need = write ? LINUX_PROT_WRITE : LINUX_PROT_READ;
	s64 n;

	if ((prot & need) || (write && (v->flags & VMA_SHARED)))
		return -EFAULT;
	if (aspace_protect(mm->as, NULL, uaddr(low), high - low, (int)(prot | LINUX_PROT_READ | need)))
		return -EFAULT;
	n = copy(mm, addr, buf, size, write);
	if (aspace_protect(mm->as, NULL, uaddr(low), high - low, (int)prot))
		return -EFAULT;
	return n;
}

static s64 copy_mapped(struct mm *mm, u64 addr, void *buf, size_t size, bool write)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	size_t done = 0;

	if (aspace_flush(mm->as))
		return -EFAULT;
	while (done < size && addr + done >= addr) {
		struct vma *v = vma_at(mm, addr + done);
		size_t part;
		s64 n;
		if (!v)
			break;
		part = min_t(u64, size - done, v->end - (addr + done));
		n = copy(mm, addr + done, (char *)buf + done, part, write);
		if (n <= 0)
			n = copy_forced(mm, v, addr + done, (char *)buf + done, part, write);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done ? (s64)done : -EFAULT;
}

s64 ptrace_access_mm(struct mm *mm, u64 addr, void *buf, size_t size, bool write)
{
	if (!write && addr - platform_vdso_addr() < platform_vdso_size())
		return aspace_read(mm->as, buf, uaddr(addr), size); /* it is no VMA here */
	return copy_mapped(mm, addr, buf, size, write);
}

/*
 * mmap.c - mmap(2), munmap(2), brk(2), remap_file_pages(2): places, limits, backings.
 *
 * The host is always asked for memory without reservation: what may be promised is decided here, by the
 * sandbox's own overcommit rules, and a host that refused later would leave tree and map apart.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/sysctl.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm_priv.h"
#include "sandbox/mm/usage.h"
#include "sandbox/vfs/mount.h"

#define KNOWN_FLAGS                                                                                          \
	(LINUX_MAP_TYPE | LINUX_MAP_FIXED | LINUX_MAP_ANONYMOUS | LINUX_MAP_32BIT | LINUX_MAP_GROWSDOWN |    \
	 LINUX_MAP_DENYWRITE | LINUX_MAP_EXECUTABLE | LINUX_MAP_LOCKED | LINUX_MAP_NORESERVE |               \
	 LINUX_MAP_POPULATE | LINUX_MAP_NONBLOCK | LINUX_MAP_STACK | LINUX_MAP_HUGETLB |                     \
	 LINUX_MAP_FIXED_NOREPLACE | 63U << 26 /* sizes of huge pages */)

/* ---- limits ---- */

static u64 limit_of(int resource)
{
	struct task *t = current_task();

	return t ? task_rlimit(t, resource) : UINT64_MAX;
}

static u64 data_bytes(struct mm *mm)
{
	return mm->vmas.root ? vma_of(mm->vmas.root)->below.data : 0;
}

bool memory_would_overcommit(u64 size)
{
	struct memory_usage m;
	u64 limit;

	switch (sysctl(SYSCTL_OVERCOMMIT_MEMORY)) {
	case 0: /* only what could never be */
		return size > kernel_memory_total();
	case 1:
		return false;
	default:
		memory_committed(&m);
		limit = sysctl(SYSCTL_OVERCOMMIT_KBYTES) << 10;
		if (!limit)
			limit = m.total / 100 * sysctl(SYSCTL_OVERCOMMIT_RATIO);
		return m.committed + size > limit;
	}
}

int mm_may_commit(struct mm *mm, u64 size, u32 flags)
{
	/* in mode 2 MAP_NORESERVE is not heard */
	if ((flags & VMA_NORESERVE) && sysctl(SYSCTL_OVERCOMMIT_MEMORY) != 2)
		return 0;
	return current_task() && memory_would_overcommit(size) ? -ENOMEM : 0;
}

int mm_may_have_data(struct mm *mm, u64 size)
{
	u64 limit = limit_of(LINUX_RLIMIT_DATA);

	return limit != UINT64_MAX && data_bytes(mm) + size > limit ? -ENOMEM : 0;
}

int mm_may_grow(struct mm *mm, u64 size, u64 replaced, u32 prot, u32 flags)
{
	u64 bytes = (mm->total_pages << PAGE_SHIFT) + size - replaced;

	if (mm->vma_count >= sysctl(SYSCTL_MAX_MAP_COUNT) || bytes > limit_of(LINUX_RLIMIT_AS))
		return -ENOMEM;
	if (vma_is_data(prot, flags) && mm_may_have_data(mm, size - replaced))
		return -ENOMEM;
	if ((flags & VMA_LOCKED) && current_task() && !capable(LINUX_CAP_IPC_LOCK) &&
	    mm_locked_bytes(mm) + size > limit_of(LINUX_RLIMIT_MEMLOCK))
		return -EAGAIN;
	return 0;
}

u64 mm_mapped_in(struct mm *mm, u64 start, u64 end)
{
	u64 sum = 0;

	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		sum += min_t(u64, v->end, end) - max_t(u64, v->start, start);
	return sum;
}

/* ---- unmap ---- */

void mm_tree_unmap(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start), *next;

	for (; v && v->start < end; v = next) {
		next = vma_next(v);
		vma_remove(mm, v);
	}
}

int mm_munmap(struct mm *mm, struct uthread *by, u64 addr, u64 size)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	bool text;
	int err;

	if ((addr & ~PAGE_MASK) || !size || !mm_range_ok(addr, size))
		return -EINVAL;
	size = PAGE_UP(size);
	if (!mm_range_ok(addr, size))
		return -EINVAL;
	if (!vma_find(mm, addr) || vma_find(mm, addr)->start >= addr + size)
		return 0;
	if (vma_sealed_in(mm, addr, addr + size))
		return -EPERM;
	err = callsite_before_change(mm, addr, addr + size, false);
	if (err)
		return err;
	text = callsite_has_text(mm, addr, addr + size);
	err = vma_isolate(mm, addr, addr + size);
	if (!err)
		err = aspace_unmap(mm->as, by, uaddr(addr), size);
	if (!err)
		mm_tree_unmap(mm, addr, addr + size);
	if (!err && text)
		callsite_collect(mm);
	return err;
}

/* ---- mmap ---- */

s64 mm_choose_place(struct mm *mm, u64 addr, u64 size, u32 flags)
{
	u64 at;

	if (flags & (LINUX_MAP_FIXED | LINUX_MAP_FIXED_NOREPLACE)) {
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		if (!mm_range_ok(addr, size))
			return -ENOMEM;
		if (addr < MMAP_MIN_ADDR)
			return -EPERM;
		if (flags & LINUX_MAP_FIXED_NOREPLACE) {
			struct vma *v = vma_find(mm, addr);
			if (v && v->start < addr + size)
				return -EEXIST;
		}
		return (s64)addr;
	}
	addr = PAGE_DOWN(addr);
	if (addr >= MMAP_MIN_ADDR && mm_range_ok(addr, size)) {
		struct vma *v = vma_find(mm, addr);
		if (!v || vma_gap_start(v) >= addr + size)
			return (s64)addr;
	}
	if (flags & LINUX_MAP_32BIT)
		at = vma_find_gap(mm, 0x40000000, 0x80000000, size);
	else
		at = vma_find_gap(mm, MMAP_MIN_ADDR, mm->mmap_base, size);
	if (!at && !(flags & LINUX_MAP_32BIT))
		at = vma_find_gap(mm, MMAP_MIN_ADDR, PLATFORM_USER_END, size);
	return at ? (s64)at : -ENOMEM;
}

/* mmap(2)'s rules about the file and its mode; fills backing, offset and max_prot. */
static int file_backing(struct vma *v, struct file *file, u64 offset, u64 size, u32 prot, bool shared)
{
	bool no_exec = file->path.mnt && (file->path.mnt->flags & MNT_NOEXEC);
	u64 host_offset = 0;
	int err;

	if (!(file->mode & FMODE_READ) || (file->mode & FMODE_PATH))
		return file->mode & FMODE_PATH ? -EBADF : -EACCES;
	if (shared && (prot & LINUX_PROT_WRITE) && !(file->mode & FMODE_WRITE))
		return -EACCES;
	if ((prot & LINUX_PROT_EXEC) && no_exec)
		return -EPERM;
	if (!file->ops->mmap)
		return -ENODEV;
	if (v->flags & VMA_GROWSDOWN)
		return -EINVAL;
	err = file->ops->mmap(file, offset, size, prot, shared, &v->backing, &host_offset);
	if (err < 0)
		return err;
	v->file = file_get(file);
	v->offset = offset;
	v->host_delta = host_offset - offset;
	if (!shared && (prot & LINUX_PROT_WRITE))
		v->flags |= VMA_WRITTEN;
	if (shared && v->backing && (!(file->mode & FMODE_WRITE) || err == FILE_MMAP_NO_WRITE))
		v->max_prot &= ~LINUX_PROT_WRITE;
	if (no_exec)
		v->max_prot &= ~LINUX_PROT_EXEC;
	return 0;
}

int mm_host_map(struct mm *mm, struct uthread *by, const struct vma *v)
{
	if (v->backing)
		return aspace_map_fd(mm->as, uaddr(v->start), v->end - v->start, (int)v->prot,
				     v->flags & VMA_SHARED, v->backing, v->offset + v->host_delta);
	return aspace_map_anon(mm->as, by, uaddr(v->start), v->end - v->start, (int)v->prot, true);
}

static int vma_flags_for(struct mm *mm, u32 f, bool anonymous, u32 *flags)
{
	u32 type = f & LINUX_MAP_TYPE;

	*flags = mm->lock_future;
	if (type == LINUX_MAP_SHARED || type == LINUX_MAP_SHARED_VALIDATE)
		*flags |= VMA_SHARED;
	else if (type != LINUX_MAP_PRIVATE)
		return -EINVAL;
	if (type == LINUX_MAP_SHARED_VALIDATE && (f & ~KNOWN_FLAGS))
		return -EOPNOTSUPP;
	if (f & LINUX_MAP_HUGETLB)
		return anonymous ? -ENOMEM : -EINVAL; /* there are no huge pages in the pool */
	if (f & LINUX_MAP_NORESERVE)
		*flags |= VMA_NORESERVE;
	if (f & LINUX_MAP_GROWSDOWN)
		*flags |= VMA_GROWSDOWN;
	if (f & LINUX_MAP_LOCKED) {
		if (current_task() && !capable(LINUX_CAP_IPC_LOCK) && !limit_of(LINUX_RLIMIT_MEMLOCK))
			return -EPERM;
		*flags |= VMA_LOCKED;
	}
	if ((*flags & VMA_SHARED) && (*flags & VMA_GROWSDOWN))
		return -EINVAL;
	return 0;
}

/* Maps v and, if v is text of which a patched copy exists, that with its trampolines. */
static int host_map_with_trampolines(struct mm *mm, struct uthread *by, struct vma *v,
				     struct vma **trampolines)
{
	int err;

	callsite_map(mm, v, trampolines);
	if (!*trampolines)
		return mm_host_map(mm, by, v);
	aspace_batch_begin(mm->as);
	err = mm_host_map(mm, by, *trampolines);
	if (!err)
		err = mm_host_map(mm, by, v);
	err = aspace_batch_end(mm->as) ?: err;
	if (err) {
		vma_free(*trampolines);
		*trampolines = NULL;
	}
	return err;
}

/* Puts v, complete but for the host's map, at its place; it is then the tree's. `now`: the host's map too. */
static int map_vma(struct mm *mm, struct uthread *by, struct vma *v, bool now)
{
	struct vma *trampolines = NULL;
	u64 start = v->start, end = v->end;
	int err = vma_sealed_in(mm, start, end) ? -EPERM : callsite_before_change(mm, start, end, false);
	bool later = !err && !now && mm_may_defer(mm, by, v), text;

	if (!err)
		err = vma_isolate(mm, start, end);
	if (!err && later)
		mm_defer_begin(mm, v);
	if (!err)
		err = host_map_with_trampolines(mm, by, v, &trampolines);
	if (later)
		aspace_defer_end(mm->as);
	if (err) {
		vma_free(v);
		return err;
	}
	text = callsite_has_text(mm, start, end);
	mm_tree_unmap(mm, start, end);
	vma_insert(mm, v);
	if (trampolines)
		vma_insert(mm, trampolines);
	if (text)
		callsite_collect(mm);
	vma_merge_around(mm, start, end);
	return 0;
}

static bool wants_pages(u32 linux_flags, u32 flags)
{
	if ((flags & VMA_LOCKED) && !(flags & VMA_LOCKONFAULT))
		return true;
	return (linux_flags & (LINUX_MAP_POPULATE | LINUX_MAP_NONBLOCK)) == LINUX_MAP_POPULATE;
}

s64 mm_mmap(struct mm *mm, struct uthread *by, u64 addr, u64 size, u32 prot, u32 linux_flags,
	    struct file *file, u64 offset)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	bool fixed = linux_flags & LINUX_MAP_FIXED;
	struct vma *v;
	u64 room;
	u32 flags;
	s64 at;
	int err;

	if (!size || (offset & ~PAGE_MASK))
		return -EINVAL;
	err = vma_flags_for(mm, linux_flags, !file, &flags);
	if (err)
		return err;
	if (size > PLATFORM_USER_END)
		return -ENOMEM;
	size = PAGE_UP(size);
	if (offset + size < offset)
		return -EOVERFLOW;
	prot &= 7;
	/* room below a program or library: its call sites may be patched one day */
	room = file && !offset && !addr && !(flags & VMA_SHARED) && !(prot & LINUX_PROT_WRITE) ? CALLSITE_ROOM
											       : 0;
	at = mm_choose_place(mm, addr, size + room, linux_flags);
	if (at < 0)
		return at;
	at += (s64)room;
	if (mm_denies_exec(mm, prot, prot))
		return -EACCES;
	err = mm_may_grow(mm, size, fixed ? mm_mapped_in(mm, (u64)at, (u64)at + size) : 0, prot, flags);
	if (!err && (vma_is_data(prot, flags) || (!file && (flags & VMA_SHARED))))
		err = mm_may_commit(mm, size, flags);
	if (err)
		return err;
	v = vma_new((u64)at, (u64)at + size, prot, flags);
	if (!v)
		return -ENOMEM;
	if (file)
		err = file_backing(v, file, offset, size, prot, flags & VMA_SHARED);
	else if (flags & VMA_SHARED)
		err = shm_create("shared", size, &v->backing);
	if (err) {
		vma_free(v);
		return err;
	}
	err = map_vma(mm, by, v, wants_pages(linux_flags, flags));
	if (!err && wants_pages(linux_flags, flags) && mm_populate(mm, (u64)at, (u64)at + size))
		return at; /* as Linux: what cannot be brought in now faults later */
	return err ? err : at;
}

s64 mm_map_named(struct mm *mm, u64 addr, u64 size, u32 prot, u32 linux_flags, const char *name)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	s64 at = mm_mmap(mm, NULL, addr, size, prot, linux_flags, NULL, 0);
	struct vma *v;

	if (at >= 0 && !vma_isolate(mm, (u64)at, (u64)at + PAGE_UP(size))) {
		v = vma_at(mm, (u64)at);
		v->name = name;
	}
	return at;
}

/* ---- brk ---- */

s64 mm_brk(struct mm *mm, struct uthread *by, u64 brk)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	u64 old = PAGE_UP(mm->brk), new = PAGE_UP(brk), data = mm->end_data - mm->start_data;
	struct vma *v;

	if (brk < mm->brk_start || !mm_range_ok(mm->brk_start, brk - mm->brk_start))
		return (s64)mm->brk;
	if (brk - mm->brk_start + data > limit_of(LINUX_RLIMIT_DATA))
		return (s64)mm->brk;
	if (new > old) {
		s64 at;
		v = vma_find(mm, old);
		if (v && vma_gap_start(v) < new + PAGE_SIZE)
			return (s64)mm->brk;
		at = mm_mmap(mm, by, old, new - old, 3,
			     LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_FIXED, NULL, 0);
		if (at < 0)
			return (s64)mm->brk;
		v = vma_at(mm, old);
		if (v && v->start >= PAGE_UP(mm->brk_start))
			v->name = "[heap]";
		vma_merge_around(mm, old, new);
	} else if (new < old && mm_munmap(mm, by, new, old - new)) {
		return (s64)mm->brk;
	}
	mm->brk = brk;
	return (s64)brk;
}

/* ---- remap_file_pages ---- */

/* Emulated by a mapping of its own, as Linux has done since 4.0. */
s64 mm_remap_file_pages(struct mm *mm, struct uthread *by, u64 addr, u64 size, u64 page, u32 flags)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	struct vma *v, *n;
	int err;

	addr = PAGE_DOWN(addr);
	size = PAGE_DOWN(size);
	if (!size || !mm_range_ok(addr, size) || page + (size >> PAGE_SHIFT) < page ||
	    page > UINT64_MAX >> PAGE_SHIFT)
		return -EINVAL;
	v = vma_at(mm, addr);
	if (!v || !(v->flags & VMA_SHARED) || v->end < addr + size)
		return -EINVAL;
	n = vma_dup(v);
	if (!n)
		return -ENOMEM;
	n->start = addr;
	n->end = addr + size;
	n->offset = page << PAGE_SHIFT;
	err = map_vma(mm, by, n, true);
	if (!err && !(flags & LINUX_MAP_NONBLOCK) && mm_populate(mm, addr, addr + size))
		return 0; /* beyond the end of the file: faults when it is touched */
	return err;
}

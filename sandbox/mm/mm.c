/*
 * mm.c - the life of an address space, and mmap, munmap, mprotect, brk, mremap, madvise over the VMA tree.
 *
 * Each call first makes the tree ready for the change (splits, new VMAs allocated), then asks the platform,
 * then changes the tree: a failure leaves both as they were. With `by`, the platform carries the change out
 * as the last step of the caller's trap, after the tree has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm_priv.h"

#define RLIMIT_DATA_INDEX 2
#define RLIMIT_AS_INDEX   9
#define MMAP_TOP          (PLATFORM_USER_END - (1UL << 30)) /* the stack and its growth lie above */

/* ---- life ---- */

static void mm_release(struct object *obj)
{
	struct mm *mm = container_of(obj, struct mm, obj);
	struct tree_node *n;

	while ((n = tree_first(&mm->vmas)))
		vma_remove(mm, vma_of(n));
	mm_set_exe(mm, NULL);
	if (mm->as)
		aspace_destroy(mm->as);
	kfree(mm);
}

void mm_set_exe(struct mm *mm, struct file *f)
{
	if (f && f->inode)
		f->inode->exec_count++;
	if (mm->exe && mm->exe->inode)
		mm->exe->inode->exec_count--;
	if (f)
		file_get(f);
	file_put(mm->exe);
	mm->exe = f;
}

static struct mm *mm_alloc(void)
{
	struct mm *mm = knew(struct mm);
	u64 random = 0;

	if (!mm)
		return NULL;
	object_init(&mm->obj, mm_release);
	list_init(&mm->aio);
	wait_queue_init(&mm->lock_waiters);
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = 0;
	mm->mmap_base = MMAP_TOP - (random & 0xfffffff) * PAGE_SIZE;
	return mm;
}

struct mm *mm_get(struct mm *mm)
{
	object_get(&mm->obj);
	return mm;
}

void mm_put(struct mm *mm)
{
	if (mm)
		object_put(&mm->obj);
}

int mm_new(struct mm **out)
{
	struct mm *mm = mm_alloc();
	int err;

	if (!mm)
		return -ENOMEM;
	err = aspace_new(&mm->as, mm);
	if (err) {
		mm_put(mm);
		return err;
	}
	*out = mm;
	return 0;
}

static int copy_vmas(struct mm *from, struct mm *to)
{
	for (struct tree_node *n = tree_first(&from->vmas); n; n = tree_next(n)) {
		struct vma *v = vma_of(n), *copy;
		if (v->flags & VMA_DONTFORK)
			continue;
		copy = vma_dup(v);
		if (!copy)
			return -ENOMEM;
		copy->flags &= ~(u32)VMA_LOCKED;
		vma_insert(to, copy);
	}
	return 0;
}

/* What the host's fork has copied but Linux would not: DONTFORK ranges go, WIPEONFORK ranges are emptied. */
static int fix_forked(struct mm *from, struct mm *to)
{
	int err = 0;

	aspace_batch_begin(to->as);
	for (struct tree_node *n = tree_first(&from->vmas); n && !err; n = tree_next(n)) {
		struct vma *v = vma_of(n);
		if (v->flags & VMA_DONTFORK)
			err = aspace_unmap(to->as, NULL, uaddr(v->start), v->end - v->start);
		else if (v->flags & VMA_WIPEONFORK)
			err = aspace_map_anon(to->as, NULL, uaddr(v->start), v->end - v->start, (int)v->prot,
					      true);
	}
	if (aspace_batch_end(to->as) && !err)
		err = -ENOMEM;
	return err;
}

int mm_fork(struct mm *parent, struct mm **out)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(parent);
	struct mm *mm = mm_alloc();
	int err;

	if (!mm)
		return -ENOMEM;
	err = copy_vmas(parent, mm);
	if (!err)
		err = aspace_fork(parent->as, &mm->as, mm);
	if (!err)
		err = fix_forked(parent, mm);
	if (err) {
		mm_put(mm);
		return err;
	}
	mm->mmap_base = parent->mmap_base;
	mm->brk_start = parent->brk_start;
	mm->brk = parent->brk;
	mm->start_code = parent->start_code;
	mm->end_code = parent->end_code;
	mm->start_data = parent->start_data;
	mm->end_data = parent->end_data;
	mm->start_stack = parent->start_stack;
	mm->arg_start = parent->arg_start;
	mm->arg_end = parent->arg_end;
	mm->env_start = parent->env_start;
	mm->env_end = parent->env_end;
	mm_set_exe(mm, parent->exe);
	memcpy(mm->auxv, parent->auxv, sizeof(mm->auxv));
	mm->auxv_count = parent->auxv_count;
	*out = mm;
	return 0;
}

int mm_clear(struct mm *mm)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	int err = aspace_clear(mm->as);
	struct tree_node *n;

	if (err)
		return err;
	while ((n = tree_first(&mm->vmas)))
		vma_remove(mm, vma_of(n));
	mm_set_exe(mm, NULL);
	mm->brk_start = mm->brk = 0;
	mm->callsites_off = false;
	memset(mm->callsites, 0, sizeof(mm->callsites));
	return 0;
}

int shm_create(const char *name, u64 size, struct host_fd **out)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size)) {
		int err = -errno;
		close(fd);
		return err;
	}
	*out = host_fd_new(fd, HOST_FD_MEMFD, true);
	return *out ? 0 : -ENOMEM;
}

/* ---- limits ---- */

static int may_grow(struct mm *mm, u64 size)
{
	struct task *t = current_task();
	u64 bytes = (mm->total_pages << PAGE_SHIFT) + size;

	if (mm->vma_count >= VMA_MAX)
		return -ENOMEM;
	if (t && bytes > task_rlimit(t, RLIMIT_AS_INDEX))
		return -ENOMEM;
	return 0;
}

static bool range_valid(u64 addr, u64 size)
{
	return addr < PLATFORM_USER_END && size <= PLATFORM_USER_END - addr;
}

/* ---- unmap, in the tree ---- */

static void tree_unmap(struct mm *mm, u64 start, u64 end)
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

	if ((addr & ~PAGE_MASK) || !size || !range_valid(addr, size))
		return -EINVAL;
	size = PAGE_UP(size);
	if (!range_valid(addr, size))
		return -EINVAL;
	if (!vma_find(mm, addr) || vma_find(mm, addr)->start >= addr + size)
		return 0;
	err = callsite_before_change(mm, addr, addr + size, false);
	if (err)
		return err;
	text = callsite_has_text(mm, addr, addr + size);
	err = vma_isolate(mm, addr, addr + size);
	if (!err)
		err = aspace_unmap(mm->as, by, uaddr(addr), size);
	if (!err)
		tree_unmap(mm, addr, addr + size);
	if (!err && text)
		callsite_collect(mm);
	return err;
}

/* ---- mmap ---- */

static s64 choose_place(struct mm *mm, u64 addr, u64 size, u32 flags)
{
	u64 at;

	if (flags & (LINUX_MAP_FIXED | LINUX_MAP_FIXED_NOREPLACE)) {
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		if (!range_valid(addr, size))
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
	if (addr >= MMAP_MIN_ADDR && range_valid(addr, size)) {
		struct vma *v = vma_find(mm, addr);
		if (!v || v->start >= addr + size)
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
	u64 host_offset = 0;
	int err;

	if (!(file->mode & FMODE_READ) || (file->mode & FMODE_PATH))
		return file->mode & FMODE_PATH ? -EBADF : -EACCES;
	if (shared && (prot & LINUX_PROT_WRITE) && !(file->mode & FMODE_WRITE))
		return -EACCES;
	if (!file->ops->mmap)
		return -ENODEV;
	err = file->ops->mmap(file, offset, size, prot, shared, &v->backing, &host_offset);
	if (err)
		return err;
	v->file = file_get(file);
	v->offset = offset;
	v->host_delta = host_offset - offset;
	if (!shared && (prot & LINUX_PROT_WRITE))
		v->flags |= VMA_WRITTEN;
	if (shared && v->backing && !(file->mode & FMODE_WRITE))
		v->max_prot = LINUX_PROT_READ | LINUX_PROT_EXEC;
	return 0;
}

static int host_map(struct mm *mm, struct uthread *by, const struct vma *v)
{
	if (v->backing)
		return aspace_map_fd(mm->as, uaddr(v->start), v->end - v->start, (int)v->prot,
				     v->flags & VMA_SHARED, v->backing, v->offset + v->host_delta);
	return aspace_map_anon(mm->as, by, uaddr(v->start), v->end - v->start, (int)v->prot,
			       v->flags & VMA_NORESERVE);
}

static int vma_flags_for(u32 linux_flags, u32 *flags)
{
	u32 type = linux_flags & LINUX_MAP_TYPE;

	*flags = 0;
	if (type == LINUX_MAP_SHARED || type == LINUX_MAP_SHARED_VALIDATE)
		*flags |= VMA_SHARED;
	else if (type != LINUX_MAP_PRIVATE)
		return -EINVAL;
	if (linux_flags & LINUX_MAP_NORESERVE)
		*flags |= VMA_NORESERVE;
	if (linux_flags & LINUX_MAP_GROWSDOWN)
		*flags |= VMA_GROWSDOWN;
	return 0;
}

/* Maps v and, if v is text of which a patched copy exists, that with its trampolines. */
static int host_map_with_trampolines(struct mm *mm, struct uthread *by, struct vma *v,
				     struct vma **trampolines)
{
	int err;

	callsite_map(mm, v, trampolines);
	if (!*trampolines)
		return host_map(mm, by, v);
	aspace_batch_begin(mm->as);
	err = host_map(mm, by, *trampolines);
	if (!err)
		err = host_map(mm, by, v);
	err = aspace_batch_end(mm->as) ?: err;
	if (err) {
		vma_free(*trampolines);
		*trampolines = NULL;
	}
	return err;
}

s64 mm_mmap(struct mm *mm, struct uthread *by, u64 addr, u64 size, u32 prot, u32 linux_flags,
	    struct file *file, u64 offset)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	struct vma *v, *trampolines = NULL;
	u64 room;
	bool text;
	u32 flags;
	s64 at;
	int err = vma_flags_for(linux_flags, &flags);

	if (err || !size || (offset & ~PAGE_MASK))
		return -EINVAL;
	if (size > PLATFORM_USER_END)
		return -ENOMEM;
	size = PAGE_UP(size);
	if (offset + size < offset)
		return -EOVERFLOW;
	err = may_grow(mm, size);
	if (err)
		return err;
	/* room below a program or library: its call sites may be patched one day */
	room = file && !offset && !addr && !(flags & VMA_SHARED) && !(prot & LINUX_PROT_WRITE) ? CALLSITE_ROOM
											       : 0;
	at = choose_place(mm, addr, size + room, linux_flags);
	if (at < 0)
		return at;
	at += (s64)room;
	err = callsite_before_change(mm, (u64)at, (u64)at + size, false);
	if (err)
		return err;
	v = vma_new((u64)at, (u64)at + size, prot & 7, flags);
	if (!v)
		return -ENOMEM;
	if (file)
		err = file_backing(v, file, offset, size, prot, flags & VMA_SHARED);
	else if (flags & VMA_SHARED)
		err = shm_create("shared", size, &v->backing);
	if (!err)
		err = vma_isolate(mm, (u64)at, (u64)at + size);
	if (!err)
		err = host_map_with_trampolines(mm, by, v, &trampolines);
	if (err) {
		vma_free(v);
		return err;
	}
	text = callsite_has_text(mm, (u64)at, (u64)at + size);
	tree_unmap(mm, (u64)at, (u64)at + size);
	vma_insert(mm, v);
	if (trampolines)
		vma_insert(mm, trampolines);
	if (text)
		callsite_collect(mm);
	vma_merge_around(mm, (u64)at, (u64)at + size);
	return at;
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

/* ---- mprotect ---- */

int mm_mprotect(struct mm *mm, struct uthread *by, u64 addr, u64 size, u32 prot)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	u64 at = addr, end;
	struct vma *v;
	int err;

	if ((addr & ~PAGE_MASK) || (prot & ~7U))
		return -EINVAL;
	if (!size)
		return 0;
	if (size > PLATFORM_USER_END) /* before rounding, which could wrap */
		return -ENOMEM;
	size = PAGE_UP(size);
	if (!range_valid(addr, size))
		return -ENOMEM;
	end = addr + size;
	for (v = vma_find(mm, addr); at < end; v = vma_next(v)) {
		if (!v || v->start > at)
			return -ENOMEM;
		if (prot & ~v->max_prot)
			return -EACCES;
		at = v->end;
	}
	/* who may write text shall see, and write, what the file says */
	err = callsite_before_change(mm, addr, end, prot & LINUX_PROT_WRITE);
	if (err)
		return err;
	err = vma_isolate(mm, addr, end);
	if (!err)
		err = aspace_protect(mm->as, by, uaddr(addr), size, (int)prot);
	if (err)
		return err;
	for (v = vma_find(mm, addr); v && v->start < end; v = vma_next(v)) {
		v->prot = prot;
		if (v->file && (prot & LINUX_PROT_WRITE) && !(v->flags & VMA_SHARED))
			v->flags |= VMA_WRITTEN;
	}
	vma_merge_around(mm, addr, end);
	return 0;
}

/* ---- brk ---- */

s64 mm_brk(struct mm *mm, struct uthread *by, u64 brk)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	u64 old = PAGE_UP(mm->brk), new = PAGE_UP(brk);
	struct vma *v;

	if (brk < mm->brk_start || !range_valid(mm->brk_start, brk - mm->brk_start))
		return (s64)mm->brk;
	if (brk - mm->brk_start > task_rlimit(current_task(), RLIMIT_DATA_INDEX))
		return (s64)mm->brk;
	if (new > old) {
		s64 at;
		v = vma_find(mm, old);
		if (v && v->start < new + PAGE_SIZE)
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

/* ---- mremap ---- */

/* Maps the part of v's continuation [start, end) that growth adds, at the same place in the backing. */
static int grow_in_place(struct mm *mm, struct uthread *by, struct vma *v, u64 new_end)
{
	struct vma tail = *v;
	int err;

	tail.start = v->end;
	tail.end = new_end;
	tail.offset = v->offset + (v->end - v->start);
	err = host_map(mm, by, &tail);
	if (err)
		return err;
	mm->total_pages += (new_end - v->end) >> PAGE_SHIFT;
	v->end = new_end;
	return 0;
}

static s64 move_vma(struct mm *mm, struct uthread *by, struct vma *v, u64 old_size, u64 to, u64 new_size)
{
	u64 from = v->start, kept = min_t(u64, old_size, new_size);
	struct vma *n = vma_dup(v);
	int err;

	if (!n)
		return -ENOMEM;
	n->start = to;
	n->end = to + kept;
	err = vma_isolate(mm, to, to + new_size);
	if (!err)
		err = aspace_move(mm->as, by, uaddr(from), old_size, uaddr(to), kept);
	if (err) {
		vma_free(n);
		return err;
	}
	tree_unmap(mm, to, to + new_size);
	tree_unmap(mm, from, from + old_size);
	vma_insert(mm, n);
	if (new_size > kept)
		err = grow_in_place(mm, by, n, to + new_size);
	return err ? err : (s64)to;
}

s64 mm_mremap(struct mm *mm, struct uthread *by, u64 addr, u64 old_size, u64 new_size, u32 flags,
	      u64 new_addr)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	struct vma *v, *next;
	u64 end;
	s64 to;
	int err;

	if (old_size > PLATFORM_USER_END) /* before rounding, which could wrap */
		return -EINVAL;
	if ((addr & ~PAGE_MASK) || (flags & ~7U) || !new_size || !range_valid(addr, PAGE_UP(old_size)) ||
	    new_size > PLATFORM_USER_END)
		return -EINVAL;
	if ((flags & (LINUX_MREMAP_FIXED | LINUX_MREMAP_DONTUNMAP)) && !(flags & LINUX_MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & LINUX_MREMAP_DONTUNMAP) || !old_size)
		return -EINVAL; /* see table.def */
	old_size = PAGE_UP(old_size);
	new_size = PAGE_UP(new_size);
	end = addr + old_size;
	v = vma_at(mm, addr);
	if (!v || v->end < end)
		return -EFAULT;
	if (flags & LINUX_MREMAP_FIXED) {
		if ((new_addr & ~PAGE_MASK) || !range_valid(new_addr, new_size) || new_addr < MMAP_MIN_ADDR ||
		    (new_addr < end && addr < new_addr + new_size))
			return -EINVAL;
	} else if (new_size <= old_size) {
		return new_size == old_size
			   ? (s64)addr
			   : (mm_munmap(mm, by, addr + new_size, old_size - new_size) ?: (s64)addr);
	}
	err = callsite_before_change(mm, addr, end, true);
	if (!err && (flags & LINUX_MREMAP_FIXED))
		err = callsite_before_change(mm, new_addr, new_addr + new_size, true);
	if (err)
		return err;
	err = may_grow(mm, new_size > old_size ? new_size - old_size : 0);
	if (!err)
		err = vma_isolate(mm, addr, end);
	if (err)
		return err;
	v = vma_at(mm, addr);
	if (flags & LINUX_MREMAP_FIXED)
		return move_vma(mm, by, v, old_size, new_addr, new_size);
	next = vma_next(v);
	if (range_valid(addr, new_size) && (!next || next->start >= addr + new_size)) {
		err = grow_in_place(mm, by, v, addr + new_size);
		if (!err)
			vma_merge_around(mm, addr, addr + new_size);
		return err ? err : (s64)addr;
	}
	if (!(flags & LINUX_MREMAP_MAYMOVE))
		return -ENOMEM;
	to = choose_place(mm, 0, new_size, 0);
	return to < 0 ? to : move_vma(mm, by, v, old_size, (u64)to, new_size);
}

/* ---- madvise ---- */

static int advise_flags(int advice, u32 *set, u32 *clear)
{
	*set = *clear = 0;
	switch (advice) {
	case LINUX_MADV_DONTFORK:
		*set = VMA_DONTFORK;
		return 1;
	case LINUX_MADV_DOFORK:
		*clear = VMA_DONTFORK;
		return 1;
	case LINUX_MADV_WIPEONFORK:
		*set = VMA_WIPEONFORK;
		return 1;
	case LINUX_MADV_KEEPONFORK:
		*clear = VMA_WIPEONFORK;
		return 1;
	case LINUX_MADV_DONTDUMP:
		*set = VMA_DONTDUMP;
		return 1;
	case LINUX_MADV_DODUMP:
		*clear = VMA_DONTDUMP;
		return 1;
	case LINUX_MADV_NORMAL:
	case LINUX_MADV_RANDOM:
	case LINUX_MADV_SEQUENTIAL:
	case LINUX_MADV_WILLNEED:
	case LINUX_MADV_DONTNEED:
	case LINUX_MADV_FREE:
	case LINUX_MADV_HUGEPAGE:
	case LINUX_MADV_NOHUGEPAGE:
	case LINUX_MADV_COLD:
	case LINUX_MADV_PAGEOUT:
	case LINUX_MADV_POPULATE_READ:
	case LINUX_MADV_POPULATE_WRITE:
		return 0;
	default:
		return -EINVAL;
	}
}

int mm_madvise(struct mm *mm, struct uthread *by, u64 addr, u64 size, int advice)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	u32 set, clear;
	int kind = advise_flags(advice, &set, &clear), err;
	u64 end, at = addr;
	bool hole = false;
	struct vma *v;

	if (kind < 0 || (addr & ~PAGE_MASK) || size > PLATFORM_USER_END || !range_valid(addr, PAGE_UP(size)))
		return -EINVAL;
	size = PAGE_UP(size);
	if (!size)
		return 0;
	end = addr + size;
	for (v = vma_find(mm, addr); v && v->start < end; v = vma_next(v)) {
		hole |= v->start > at;
		at = v->end;
		if ((set & VMA_WIPEONFORK) && (v->file || (v->flags & VMA_SHARED)))
			return -EINVAL;
		if (advice == LINUX_MADV_FREE && (v->file || v->backing))
			return -EINVAL;
	}
	hole |= at < end;
	if (kind) {
		err = vma_isolate(mm, addr, end);
		if (err)
			return err;
		for (v = vma_find(mm, addr); v && v->start < end; v = vma_next(v))
			v->flags = (v->flags | set) & ~clear;
		vma_merge_around(mm, addr, end);
	} else {
		err = aspace_advise(mm->as, by, uaddr(addr), size, advice);
		if (err)
			return err;
	}
	return hole ? -ENOMEM : 0;
}

/* ---- futex keys ---- */

int mm_futex_key(struct mm *mm, u64 addr, bool is_private, struct futex_key *key)
{
	struct vma *v;

	if (addr & 3)
		return -EINVAL;
	if (!range_valid(addr, 4))
		return -EFAULT;
	v = is_private ? NULL : vma_at(mm, addr);
	if (!is_private && !v)
		return -EFAULT;
	if (v && (v->flags & VMA_SHARED)) {
		bool named = v->file && v->file->inode;
		key->object = named ? (void *)v->file->inode : (void *)v->backing;
		key->kind = named ? FUTEX_KEY_INODE : FUTEX_KEY_BACKING;
		key->offset = v->offset + (addr - v->start);
	} else {
		key->object = mm;
		key->kind = FUTEX_KEY_MM;
		key->offset = addr;
	}
	return 0;
}

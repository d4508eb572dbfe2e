/*
 * mremap.c - mremap(2) in all its forms: shrink, grow in place, move, move and leave an empty mapping behind
 * (MREMAP_DONTUNMAP), map shared pages a second time (old size 0).
 *
 * The host may only move pages, never grow (platform/filter.c), so growth is a mapping of the tail. A move
 * maps the tail first: if that fails, nothing has moved.
 */
#include <errno.h>

#include "sandbox/mm/mm_priv.h"

struct remap {
	struct mm *mm;
	struct uthread *by;
	u64 addr, old_size, new_size, new_addr;
	u32 flags;
};

static struct vma tail_of(const struct vma *v, u64 start, u64 end, u64 offset)
{
	struct vma tail = *v;

	tail.start = start;
	tail.end = end;
	tail.offset = v->offset + offset;
	return tail;
}

/* Maps what growth adds behind v, at the same place in the backing. */
static int grow_in_place(struct remap *r, struct vma *v, u64 new_end)
{
	struct vma tail = tail_of(v, v->end, new_end, v->end - v->start);
	int err = mm_host_map(r->mm, r->by, &tail);

	if (err)
		return err;
	r->mm->total_pages += (new_end - v->end) >> PAGE_SHIFT;
	v->end = new_end;
	vma_changed(r->mm, v);
	return 0;
}

/* Empties [to, to + size) in host and tree. */
static int clear_target(struct remap *r, u64 to, u64 size)
{
	if (mm_mapped_in(r->mm, to, to + size) == 0)
		return 0;
	return mm_munmap(r->mm, r->by, to, size);
}

/* Shared pages a second time, at `to`; v stays. */
static s64 map_again(struct remap *r, struct vma *v, u64 to)
{
	struct vma *n = vma_dup(v);
	int err;

	if (!n)
		return -ENOMEM;
	n->offset = v->offset + (r->addr - v->start);
	n->start = to;
	n->end = to + r->new_size;
	n->name = NULL;
	err = clear_target(r, to, r->new_size);
	if (!err)
		err = mm_host_map(r->mm, r->by, n);
	if (err) {
		vma_free(n);
		return err;
	}
	vma_insert(r->mm, n);
	return (s64)to;
}

static int move_on_host(struct remap *r, struct vma *v, u64 to, u64 kept)
{
	struct vma tail = tail_of(v, to + kept, to + r->new_size, kept);
	int err = r->new_size > kept ? mm_host_map(r->mm, r->by, &tail) : 0;

	if (err)
		return err;
	err = aspace_move(r->mm->as, r->by, uaddr(r->addr), r->old_size, uaddr(to), kept);
	if (err && r->new_size > kept && aspace_unmap(r->mm->as, r->by, uaddr(to + kept), r->new_size - kept))
		return -EFAULT; /* the stub is gone */
	return err;
}

/* v is exactly the old range. */
static s64 move_vma(struct remap *r, struct vma *v, u64 to)
{
	u64 kept = min_t(u64, r->old_size, r->new_size);
	struct vma *n = vma_dup(v);
	int err;

	if (!n)
		return -ENOMEM;
	n->start = to;
	n->end = to + r->new_size;
	n->name = NULL;
	err = clear_target(r, to, r->new_size);
	if (!err)
		err = move_on_host(r, v, to, kept);
	if (err) {
		vma_free(n);
		return err;
	}
	if (r->flags & LINUX_MREMAP_DONTUNMAP) {
		v->flags &= ~(u32)(VMA_LOCKED | VMA_LOCKONFAULT);
		vma_changed(r->mm, v);
		err = mm_host_map(r->mm, r->by, v); /* empty again */
	} else {
		mm_tree_unmap(r->mm, r->addr, r->addr + r->old_size);
	}
	vma_insert(r->mm, n);
	vma_merge_around(r->mm, to, to + r->new_size);
	return err ? err : (s64)to;
}

static int check_arguments(const struct remap *r)
{
	u32 f = r->flags;

	if (r->old_size > PLATFORM_USER_END || r->new_size > PLATFORM_USER_END) /* rounding could wrap */
		return -EINVAL;
	if ((f & ~7U) || (r->addr & ~PAGE_MASK) || !r->new_size)
		return -EINVAL;
	if ((f & (LINUX_MREMAP_FIXED | LINUX_MREMAP_DONTUNMAP)) && !(f & LINUX_MREMAP_MAYMOVE))
		return -EINVAL;
	if ((f & LINUX_MREMAP_DONTUNMAP) && PAGE_UP(r->old_size) != PAGE_UP(r->new_size))
		return -EINVAL;
	if (!mm_range_ok(r->addr, PAGE_UP(r->old_size)))
		return -EINVAL;
	if (!(f & LINUX_MREMAP_FIXED))
		return 0;
	if ((r->new_addr & ~PAGE_MASK) || !mm_range_ok(r->new_addr, PAGE_UP(r->new_size)))
		return -EINVAL;
	if (r->new_addr < r->addr + PAGE_UP(r->old_size) && r->addr < r->new_addr + PAGE_UP(r->new_size))
		return -EINVAL;
	return r->new_addr < MMAP_MIN_ADDR ? -EPERM : 0;
}

/* May v change as asked, and by how much does the address space grow? */
static int check_vma(const struct remap *r, const struct vma *v)
{
	u64 more = r->flags & LINUX_MREMAP_DONTUNMAP ? r->new_size
		   : r->new_size > r->old_size       ? r->new_size - r->old_size
						     : 0;
	int err;

	if (!v)
		return -EFAULT;
	if (vma_sealed_in(r->mm, r->addr, r->addr + max_t(u64, r->old_size, 1)))
		return -EPERM;
	if ((r->flags & LINUX_MREMAP_FIXED) && vma_sealed_in(r->mm, r->new_addr, r->new_addr + r->new_size))
		return -EPERM;
	if (!r->old_size && !(v->flags & VMA_SHARED))
		return -EINVAL;
	if (r->old_size > v->end - r->addr)
		return -EFAULT;
	if (!more)
		return 0;
	if (v->file && v->offset + (r->addr - v->start) + r->new_size < v->offset)
		return -EINVAL;
	err = mm_may_grow(r->mm, more, 0, v->prot, v->flags);
	if (!err && vma_is_data(v->prot, v->flags))
		err = mm_may_commit(r->mm, more, v->flags);
	return err;
}

static s64 remap(struct remap *r)
{
	struct vma *v = vma_at(r->mm, r->addr), *next;
	u64 end = r->addr + r->old_size;
	s64 to;
	int err = check_vma(r, v);

	if (err)
		return err;
	if (!(r->flags & (LINUX_MREMAP_FIXED | LINUX_MREMAP_DONTUNMAP)) && r->old_size &&
	    r->new_size <= r->old_size) {
		if (r->new_size == r->old_size)
			return (s64)r->addr;
		err = mm_munmap(r->mm, r->by, r->addr + r->new_size, r->old_size - r->new_size);
		return err ? err : (s64)r->addr;
	}
	if (!r->old_size) {
		if (!(r->flags & LINUX_MREMAP_MAYMOVE))
			return -ENOMEM;
		to = r->flags & LINUX_MREMAP_FIXED ? (s64)r->new_addr
						   : mm_choose_place(r->mm, 0, r->new_size, 0);
		return to < 0 ? to : map_again(r, v, (u64)to);
	}
	err = callsite_before_change(r->mm, r->addr, end, true);
	if (!err && (r->flags & LINUX_MREMAP_FIXED))
		err = callsite_before_change(r->mm, r->new_addr, r->new_addr + r->new_size, true);
	if (!err)
		err = vma_isolate(r->mm, r->addr, end);
	if (err)
		return err;
	v = vma_at(r->mm, r->addr);
	if (r->flags & LINUX_MREMAP_FIXED)
		return move_vma(r, v, r->new_addr);
	next = vma_next(v);
	if (!(r->flags & LINUX_MREMAP_DONTUNMAP) && mm_range_ok(r->addr, r->new_size) &&
	    (!next || vma_gap_start(next) >= r->addr + r->new_size)) {
		err = grow_in_place(r, v, r->addr + r->new_size);
		if (!err)
			vma_merge_around(r->mm, r->addr, r->addr + r->new_size);
		return err ? err : (s64)r->addr;
	}
	if (!(r->flags & LINUX_MREMAP_MAYMOVE))
		return -ENOMEM;
	to = mm_choose_place(r->mm, r->flags & LINUX_MREMAP_DONTUNMAP ? r->new_addr : 0, r->new_size, 0);
	return to < 0 ? to : move_vma(r, v, (u64)to);
}

s64 mm_mremap(struct mm *mm, struct uthread *by, u64 addr, u64 old_size, u64 new_size, u32 flags,
	      u64 new_addr)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	struct remap r = {mm, by, addr, old_size, new_size, new_addr, flags};
	struct vma *v;
	s64 at;
	int err = check_arguments(&r);

	if (err)
		return err;
	r.old_size = PAGE_UP(old_size);
	r.new_size = PAGE_UP(new_size);
	at = remap(&r);
	if (at < 0)
		vma_merge_around(mm, addr, addr + r.old_size);
	v = at >= 0 ? vma_at(mm, (u64)at) : NULL;
	if (v && (v->flags & VMA_LOCKED) && !(v->flags & VMA_LOCKONFAULT) && r.new_size > r.old_size &&
	    mm_populate(mm, (u64)at + r.old_size, (u64)at + r.new_size))
		return at;
	return at;
}

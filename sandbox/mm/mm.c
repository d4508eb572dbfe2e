/*
 * mm.c - the life of an address space: new, fork, clear; shared memory objects; futex keys.
 *
 * What all changes of an address space (mmap.c, mprotect.c, mremap.c, madvise.c, mlock.c, stack.c) have in
 * common: each first makes the tree ready (splits, new VMAs allocated), then asks the platform, then changes
 * the tree, so that a failure leaves both as they were. With `by`, the platform carries the change out as the
 * last step of the caller's trap, after the tree has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm_priv.h"

#define STACK_GAP_MIN (128UL << 20)
#define REUSE_PAGES   (64UL << 8) /* 64 MiB: the child of a shell or of make, not of a JVM */
#define REUSE_VMAS    128U
#define STACK_RANDOM  (16UL << 30) /* how much lower than the end the stack's top may be */

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

	if (!mm)
		return NULL;
	object_init(&mm->obj, mm_release);
	mm->serial = ++kernel()->next_cookie;
	list_init(&mm->aio);
	wait_queue_init(&mm->lock_waiters);
	mm->vmas.augment = vma_sum_up;
	mm_layout(mm, STACK_GAP_MIN, true);
	return mm;
}

/* Where things go (as Linux's arch_pick_mmap_layout): the stack's top is random below the end; mappings begin
 * below the room that its limit lets it grow to. */
void mm_layout(struct mm *mm, u64 stack_limit, bool randomize)
{
	const u64 end = PLATFORM_USER_END;
	u64 random[2] = {0, 0}, gap = min_t(u64, max_t(u64, stack_limit, STACK_GAP_MIN), end / 6 * 5);

	if (randomize && getrandom(random, sizeof(random), 0) != sizeof(random))
		random[0] = random[1] = 0;
	mm->stack_top = end - random[0] % (STACK_RANDOM / PAGE_SIZE) * PAGE_SIZE;
	mm->mmap_base = PAGE_DOWN(end - gap - (randomize ? STACK_RANDOM : 0) - STACK_GUARD_GAP) -
			(random[1] & 0xfffffff) * PAGE_SIZE;
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

static u32 inherited_mdwe(const struct mm *from)
{
	return from->mdwe & MDWE_NO_INHERIT ? 0 : from->mdwe;
}

int mm_new(struct mm **out, struct aspace *spare)
{
	struct mm *mm = mm_alloc();
	int err = 0;

	if (!mm) {
		if (spare)
			aspace_destroy(spare);
		return -ENOMEM;
	}
	mm->as = spare;
	if (spare)
		aspace_adopt(spare, mm);
	else
		err = aspace_new(&mm->as, mm);
	if (err) {
		mm_put(mm);
		return err;
	}
	if (current_task() && current_task()->mm) /* execve(2) */
		mm->mdwe = inherited_mdwe(current_task()->mm);
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
	mm->stack_top = parent->stack_top;
	mm->membarrier = parent->membarrier;
	mm->mdwe = inherited_mdwe(parent);
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

bool mm_stub_reusable(const struct mm *mm)
{
	u64 pages = 0;

	if (mm->obj.refs != 1 || mm->users != 1 || mm->dying || !list_empty(&mm->aio) || mm->lock_owner)
		return false;
	for (struct tree_node *n = tree_first(&mm->vmas); n; n = tree_next(n))
		if (vma_of(n)->prot & LINUX_PROT_WRITE)
			pages += (vma_of(n)->end - vma_of(n)->start) / PAGE_SIZE;
	return pages <= REUSE_PAGES && mm->vma_count <= REUSE_VMAS;
}

int mm_reuse_stub(struct mm *old, struct mm **out)
{
	struct mm *mm = mm_alloc();

	if (!mm)
		return -ENOMEM;
	mm->as = old->as;
	old->as = NULL;
	mm->mdwe = inherited_mdwe(old);
	aspace_set_owner(mm->as, mm);
	*out = mm;
	return 0;
}

/* a build for tests may have no control groups */
#pragma weak cgroup_charge_fd

int shm_create_own(const char *name, u64 size, struct host_fd **out)
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

int shm_create(const char *name, u64 size, struct host_fd **out)
{
	int err = shm_create_own(name, size, out);

	if (err)
		return err;
	err = cgroup_charge_fd ? cgroup_charge_fd(*out) : 0;
	if (err)
		host_fd_put(*out);
	return err;
}

int shm_punch(struct host_fd *shm, u64 offset, u64 size)
{
	return fallocate(shm->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size)
		   ? -errno
		   : 0;
}

bool mm_inode_mapped_writable(const struct inode *inode)
{
	u64 visit = ++kernel()->next_cookie;
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node) {
		if (!t->mm || t->mm->visit == visit)
			continue;
		t->mm->visit = visit;
		for (struct vma *v = vma_find(t->mm, 0); v; v = vma_next(v))
			if (v->file && v->file->inode == inode && (v->flags & VMA_SHARED) &&
			    (v->max_prot & LINUX_PROT_WRITE))
				return true;
	}
	return false;
}

/* ---- futex keys ---- */

int mm_futex_key(struct mm *mm, u64 addr, bool is_private, struct futex_key *key)
{
	struct vma *v;

	if (addr & 3)
		return -EINVAL;
	if (!mm_range_ok(addr, 4))
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

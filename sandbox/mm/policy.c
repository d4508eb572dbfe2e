/*
 * policy.c - see policy.h.
 */
#include "sandbox/mm/policy.h"

#include <errno.h>
#include <unistd.h>

#include "sandbox/base/host_fd.h"
#include "sandbox/mm/mm_priv.h"

#define PAGEMAP_PRESENT (1ULL << 63)

int policy_check_mode(u32 mode)
{
	u32 flags = mode & LINUX_MPOL_MODE_FLAGS, kind = mode & ~LINUX_MPOL_MODE_FLAGS;

	if (kind >= LINUX_MPOL_MAX)
		return -EINVAL;
	if ((flags & LINUX_MPOL_F_STATIC_NODES) && (flags & LINUX_MPOL_F_RELATIVE_NODES))
		return -EINVAL;
	if ((flags & LINUX_MPOL_F_NUMA_BALANCING) && kind != LINUX_MPOL_BIND &&
	    kind != LINUX_MPOL_PREFERRED_MANY)
		return -EINVAL;
	return 0;
}

int policy_make(u32 mode, struct node_set nodes, u32 *out)
{
	u32 flags = mode & LINUX_MPOL_MODE_FLAGS, kind = mode & ~LINUX_MPOL_MODE_FLAGS;
	bool empty = !nodes.node0 && !nodes.others;

	*out = 0;
	switch (kind) {
	case LINUX_MPOL_DEFAULT:
		return empty ? 0 : -EINVAL;
	case LINUX_MPOL_LOCAL:
		if (!empty || (flags & (LINUX_MPOL_F_STATIC_NODES | LINUX_MPOL_F_RELATIVE_NODES)))
			return -EINVAL;
		*out = mode;
		return 0;
	case LINUX_MPOL_PREFERRED:
		if (empty) {
			*out = LINUX_MPOL_LOCAL | flags;
			return flags & (LINUX_MPOL_F_STATIC_NODES | LINUX_MPOL_F_RELATIVE_NODES) ? -EINVAL
												 : 0;
		}
		break;
	default:
		break;
	}
	/* relative nodes are folded onto those there are */
	if (empty || (!nodes.node0 && !(flags & LINUX_MPOL_F_RELATIVE_NODES)))
		return -EINVAL;
	*out = mode | POLICY_NODE0;
	return 0;
}

int mm_set_policy(struct mm *mm, u64 addr, u64 size, u32 policy)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	u64 end = addr + size;
	int err;

	if (!mm_range_ok(addr, size) || !vma_covers(mm, addr, end))
		return -EFAULT;
	err = vma_isolate(mm, addr, end);
	if (err)
		return err;
	for (struct vma *v = vma_find(mm, addr); v && v->start < end; v = vma_next(v))
		v->policy = policy;
	vma_merge_around(mm, addr, end);
	return 0;
}

int mm_set_home_node(struct mm *mm, u64 addr, u64 size)
{
	int err = -ENOENT;

	for (struct vma *v = vma_find(mm, addr); v && v->start < addr + size; v = vma_next(v)) {
		u32 kind = v->policy & ~(LINUX_MPOL_MODE_FLAGS | POLICY_NODE0);
		if (!v->policy)
			continue;
		if (kind != LINUX_MPOL_BIND && kind != LINUX_MPOL_PREFERRED_MANY)
			return -EOPNOTSUPP;
		err = 0;
	}
	return err;
}

int mm_policy_at(struct mm *mm, u64 addr, u32 *out)
{
	struct vma *v = vma_at(mm, addr);

	if (!v)
		return -EFAULT;
	*out = v->policy;
	return 0;
}

int mm_page_node(struct mm *mm, u64 addr)
{
	struct host_fd *fd;
	u64 entry = PAGEMAP_PRESENT;
	int err;

	if (!vma_at(mm, addr))
		return -EFAULT;
	err = aspace_account_open(mm->as, ACCOUNT_PAGEMAP, &fd);
	if (err)
		return err == -ENOSYS ? 0 : err; /* what cannot be known is taken to be there */
	if (pread(fd->fd, &entry, sizeof(entry), (off_t)(addr / PAGE_SIZE * sizeof(entry))) != sizeof(entry))
		entry = 0;
	host_fd_put(fd);
	return entry & PAGEMAP_PRESENT ? 0 : -ENOENT;
}

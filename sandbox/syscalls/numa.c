/*
 * syscalls/numa.c - memory policies and moving pages between nodes, of which there is one.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/ptrace.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/policy.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

#define NODES_MAX     1024U /* that a mask may name; one exists */
#define NODES_KNOWN   1U
#define MASK_BITS     (PAGE_SIZE * 8)
#define GET_F_NODE    1U
#define GET_F_ADDR    2U
#define GET_F_ALLOWED 4U

/* A mask of `max_node` - 1 bits. */
static int get_nodes(u64 user, u64 max_node, struct node_set *out)
{
	*out = (struct node_set){0};
	max_node--;
	if (!max_node || !user)
		return 0;
	if (max_node > MASK_BITS)
		return -EINVAL;
	for (u64 bit = 0; bit < max_node; bit += 64) {
		u64 word;
		if (get_user(&word, uaddr(user + bit / 8)))
			return -EFAULT;
		if (max_node - bit < 64)
			word &= (1ULL << (max_node - bit)) - 1;
		if (bit >= NODES_MAX && word)
			return -EINVAL;
		out->node0 |= !bit && (word & 1);
		out->others |= (bit ? word : word & ~1ULL) != 0;
	}
	return 0;
}

static int put_nodes(u64 user, u64 max_node, bool node0)
{
	u64 size = (max_node - 1 + 63) / 64 * 8, word = node0;

	if (size > PAGE_SIZE)
		return -EINVAL;
	if (size > sizeof(word) && clear_user(uaddr(user + sizeof(word)), size - sizeof(word)))
		return -EFAULT;
	return size && put_user(&word, uaddr(user)) ? -EFAULT : 0;
}

s64 sys_set_mempolicy(struct task *t, const u64 *a)
{
	struct node_set nodes;
	u32 policy;
	int err = policy_check_mode((u32)a[0]);

	if (!err)
		err = get_nodes(a[1], a[2], &nodes);
	if (!err)
		err = policy_make((u32)a[0], nodes, &policy);
	if (!err)
		t->mempolicy = policy;
	return err;
}

s64 sys_mbind(struct task *t, const u64 *a)
{
	u32 policy, flags = (u32)a[5];
	u64 size = PAGE_UP(a[1]);
	struct node_set nodes;
	int err = policy_check_mode((u32)a[2]);

	if (!err)
		err = get_nodes(a[3], a[4], &nodes);
	if (err)
		return err;
	if (flags & ~(LINUX_MPOL_MF_STRICT | LINUX_MPOL_MF_MOVE | LINUX_MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & LINUX_MPOL_MF_MOVE_ALL) && !capable(LINUX_CAP_SYS_NICE))
		return -EPERM;
	if ((a[0] & ~PAGE_MASK) || a[0] + size < a[0])
		return -EINVAL;
	if (!size)
		return 0;
	err = policy_make((u32)a[2], nodes, &policy);
	return err ? err : mm_set_policy(t->mm, a[0], size, policy);
}

/* What get_mempolicy(2) says: the mode, or with MPOL_F_NODE a node. */
static int look_up(struct task *t, u64 addr, u32 flags, u32 *result, bool *node0)
{
	u32 policy = t->mempolicy, kind;
	int err;

	*node0 = true;
	*result = 0;
	if (flags & GET_F_ALLOWED)
		return flags & (GET_F_NODE | GET_F_ADDR) ? -EINVAL : 0;
	if (flags & GET_F_ADDR) {
		err = mm_policy_at(t->mm, addr, &policy);
		if (err)
			return err;
	} else if (addr) {
		return -EINVAL;
	}
	kind = policy & ~(LINUX_MPOL_MODE_FLAGS | POLICY_NODE0);
	*node0 = policy & POLICY_NODE0;
	if (!(flags & GET_F_NODE))
		*result = policy & ~POLICY_NODE0;
	else if (!(flags & GET_F_ADDR) && kind != LINUX_MPOL_INTERLEAVE &&
		 kind != LINUX_MPOL_WEIGHTED_INTERLEAVE)
		return -EINVAL;
	return 0;
}

s64 sys_get_mempolicy(struct task *t, const u64 *a)
{
	u32 result, flags = (u32)a[4];
	bool node0;
	int err;

	if (a[1] && a[2] < NODES_KNOWN)
		return -EINVAL;
	if (a[4] & ~(u64)(GET_F_NODE | GET_F_ADDR | GET_F_ALLOWED))
		return -EINVAL;
	err = look_up(t, a[3], flags, &result, &node0);
	if (err)
		return err;
	if (a[0] && put_user(&result, uaddr(a[0])))
		return -EFAULT;
	return a[1] ? put_nodes(a[1], a[2], node0) : 0;
}

s64 sys_set_mempolicy_home_node(struct task *t, const u64 *a)
{
	u64 size = PAGE_UP(a[1]);

	if ((a[0] & ~PAGE_MASK) || a[3] || a[2] >= NODES_KNOWN || a[0] + size < a[0])
		return -EINVAL;
	return size ? mm_set_home_node(t->mm, a[0], size) : 0;
}

/* 0: the caller. */
static int find_target(struct task *t, s32 nr, struct task **out)
{
	*out = nr ? task_find(nr) : t;
	if (!*out)
		return -ESRCH;
	return ptrace_may_access(*out, false);
}

s64 sys_migrate_pages(struct task *t, const u64 *a)
{
	struct node_set from, to;
	struct task *of;
	int err = get_nodes(a[2], a[1], &from);

	if (!err)
		err = get_nodes(a[3], a[1], &to);
	if (!err)
		err = find_target(t, arg_int(a[0]), &of);
	if (err)
		return err;
	if (to.others && !capable(LINUX_CAP_SYS_NICE))
		return -EPERM;
	if (!to.node0)
		return -EINVAL;
	return of->mm ? 0 : -EINVAL; /* all pages are there already */
}

/* May the i-th page go where it is to go? */
static int check_target(u64 nodes_user, u64 i)
{
	s32 node;

	if (!nodes_user)
		return 0;
	if (get_user(&node, uaddr(nodes_user + i * sizeof(node))))
		return -EFAULT;
	return node < 0 || node >= (s32)NODES_KNOWN ? -ENODEV : 0;
}

static s64 move_pages(struct mm *mm, const u64 *a)
{
	for (u64 i = 0; i < a[1]; i++) {
		u64 addr;
		s32 status;
		int err;
		if (get_user(&addr, uaddr(a[2] + i * sizeof(addr))))
			return -EFAULT;
		err = check_target(a[3], i);
		if (err)
			return err;
		status = mm_page_node(mm, addr);
		if (put_user(&status, uaddr(a[4] + i * sizeof(status))))
			return -EFAULT;
		if (fatal_signal_pending(current_task()))
			return -EINTR;
		if (i % 64 == 63)
			sched_yield_now();
	}
	return 0;
}

s64 sys_move_pages(struct task *t, const u64 *a)
{
	struct task *of;
	struct mm *mm;
	s64 r;

	if ((u32)a[5] & ~(LINUX_MPOL_MF_MOVE | LINUX_MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if (((u32)a[5] & LINUX_MPOL_MF_MOVE_ALL) && !capable(LINUX_CAP_SYS_NICE))
		return -EPERM;
	r = find_target(t, arg_int(a[0]), &of);
	if (r)
		return r;
	if (!of->mm)
		return -EINVAL;
	mm = mm_get(of->mm);
	r = move_pages(mm, a);
	mm_put(mm);
	return r;
}

/*
 * policy.h - NUMA memory policies, set_mempolicy(2), mbind(2). A sandbox shows one node, 0, so a policy has
 * no work to do: it is checked as Linux checks it, kept per task and per VMA, inherited, and told back.
 *
 * A policy is a u32: the mode with its flags, and POLICY_NODE0 if node 0 is in its set; 0 is the default.
 */
#ifndef WARREN_MM_POLICY_H
#define WARREN_MM_POLICY_H

#include "sandbox/base/types.h"

struct mm;
struct task;

enum {
	LINUX_MPOL_DEFAULT,
	LINUX_MPOL_PREFERRED,
	LINUX_MPOL_BIND,
	LINUX_MPOL_INTERLEAVE,
	LINUX_MPOL_LOCAL,
	LINUX_MPOL_PREFERRED_MANY,
	LINUX_MPOL_WEIGHTED_INTERLEAVE,
	LINUX_MPOL_MAX
};
#define LINUX_MPOL_F_NUMA_BALANCING 0x2000U
#define LINUX_MPOL_F_RELATIVE_NODES 0x4000U
#define LINUX_MPOL_F_STATIC_NODES   0x8000U
#define LINUX_MPOL_MODE_FLAGS       0xe000U
#define LINUX_MPOL_MF_STRICT        1U
#define LINUX_MPOL_MF_MOVE          2U
#define LINUX_MPOL_MF_MOVE_ALL      4U
#define POLICY_NODE0                0x80000000U

/* A set of nodes as a guest gave it: only node 0 exists. */
struct node_set {
	bool node0, others;
};

/* The mode and its flags alone: -EINVAL. */
int policy_check_mode(u32 mode) must_check;
int policy_make(u32 mode, struct node_set nodes, u32 *out) must_check;
/* mbind(2)'s work and set_mempolicy_home_node(2)'s. */
int mm_set_policy(struct mm *mm, u64 addr, u64 size, u32 policy) must_check;
int mm_set_home_node(struct mm *mm, u64 addr, u64 size) must_check;
/* The policy at an address, 0 if it has none of its own: -EFAULT. */
int mm_policy_at(struct mm *mm, u64 addr, u32 *out) must_check;
/* Where a page is: its node 0, -EFAULT nothing is mapped, -ENOENT it is not in memory. [sleeps] */
int mm_page_node(struct mm *mm, u64 addr) must_check;

#endif

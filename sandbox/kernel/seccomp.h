/*
 * seccomp.h - seccomp(2): the guest's own filters, run by this kernel before each of the task's calls.
 */
#ifndef WARREN_KERNEL_SECCOMP_H
#define WARREN_KERNEL_SECCOMP_H

#include "sandbox/base/types.h"

struct task;
struct seccomp_filter;

struct seccomp_task {
	u8 mode; /* LINUX_SECCOMP_MODE_* */
	u32 filter_count;
	struct seccomp_filter *filter; /* counted; the newest, whose `prev` are the older ones */
};

#endif

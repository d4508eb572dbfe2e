/*
 * waitpid.h - waiting for children: the work of wait4(2) and waitid(2).
 */
#ifndef WARREN_KERNEL_WAITPID_H
#define WARREN_KERNEL_WAITPID_H

#include "sandbox/kernel/task.h"

enum wait_type { WAIT_ALL, WAIT_PID, WAIT_PGRP };

struct wait_args {
	enum wait_type type;
	struct pid *pid; /* borrowed; NULL: no such process, so no such child */
	u32 options;     /* LINUX_W*_BIT */
};

struct wait_result {
	s32 pid; /* 0: WNOHANG and nothing to report */
	u32 uid;
	int code;   /* LINUX_CLD_* */
	int status; /* as wait4(2) encodes it */
	struct rusage_k usage;
};

/* 0, -ECHILD, -ERESTARTSYS. [sleeps] */
int task_wait(const struct wait_args *a, struct wait_result *r) must_check;

#endif

/*
 * exec.h - replacing a task's image: kernel/exec.c.
 */
#ifndef WARREN_KERNEL_EXEC_H
#define WARREN_KERNEL_EXEC_H

#include "sandbox/kernel/task.h"

/* The first image of a task that task_spawn made; its mm is fresh. argv[0] is looked up in envp's PATH if it
 * has no slash. [sleeps] */
int exec_first(struct task *t, char **argv, char **envp) must_check;

/* Who the process is after execve(2) of `file`. */
struct exec_cred {
	struct cred *cred;
	bool secure;            /* AT_SECURE */
	bool clear_personality; /* it gained something: flags that help an attacker go */
	u32 dumpable;
};
int exec_cred(struct task *t, struct file *file, struct exec_cred *out) must_check;

#endif

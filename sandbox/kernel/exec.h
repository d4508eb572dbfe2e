/*
 * exec.h - replacing a task's image: kernel/exec.c.
 */
#ifndef WARREN_KERNEL_EXEC_H
#define WARREN_KERNEL_EXEC_H

#include "sandbox/kernel/task.h"

/* The first image of a task that task_spawn made; its mm is fresh. argv[0] is looked up in envp's PATH if it
 * has no slash. [sleeps] */
int exec_first(struct task *t, char **argv, char **envp) must_check;

#endif

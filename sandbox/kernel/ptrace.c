/*
 * ptrace.c - ptrace(2): see ptrace.h.
 */
#include "sandbox/kernel/ptrace.h"

#include "sandbox/kernel/task.h"

bool task_sees_all_calls(const struct task *t)
{
	return t->pt.tracer || t->seccomp.mode;
}

/* The platform's fast path hangs in here: it asks task_sees_all_calls() and tells the stub. */
void task_sees_changed(struct task *t)
{
	(void)t;
}

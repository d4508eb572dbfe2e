/*
 * ptrace.c - ptrace(2): see ptrace.h.
 */
#include "sandbox/kernel/ptrace.h"

#include <errno.h>

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

/* ---- permission ---- */

#define CAP_SYS_PTRACE 19

int ptrace_may_access(struct task *t, bool fsuid)
{
	const struct cred *own = current_task()->cred, *c = t->cred;
	u32 uid = fsuid ? own->fsuid : own->uid, gid = fsuid ? own->fsgid : own->gid;

	if (t->tg == current_task()->tg)
		return 0;
	if ((uid != c->euid || uid != c->suid || uid != c->uid || gid != c->egid || gid != c->sgid ||
	     gid != c->gid) &&
	    !capable(CAP_SYS_PTRACE))
		return -EPERM;
	if (t->ut && !t->tg->dumpable && !capable(CAP_SYS_PTRACE))
		return -EPERM;
	/* what it may do must not be more than what we may */
	if ((c->cap_permitted & ~own->cap_permitted) && !capable(CAP_SYS_PTRACE))
		return -EPERM;
	return 0;
}

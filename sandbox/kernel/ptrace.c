/*
 * ptrace.c - ptrace(2): see ptrace.h.
 */
#include "sandbox/kernel/ptrace.h"

#include <errno.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/callsite.h"
#include "sandbox/mm/mm.h"

bool task_sees_all_calls(const struct task *t)
{
	return t->pt.tracer || t->seccomp.mode;
}

void task_sees_changed(struct task *t)
{
	if (t->ut)
		uthread_set_slow(t->ut, task_sees_all_calls(t));
}

void task_show_all(struct task *t)
{
	if (!task_sees_all_calls(t))
		return;
	if (t->pt.tracer && !t->mm->callsites_off && callsite_restore(t->mm, true))
		klog(LOG_WARN, "the text of a traced process keeps its patched call sites");
	if (uthread_full_frame(t->ut))
		t->killed = true;
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

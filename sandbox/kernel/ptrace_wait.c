/*
 * ptrace_wait.c - what wait(2) tells a tracer: stops and ends of single threads, whoever's children they are.
 */
#include <errno.h>

#include "sandbox/abi/wait.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/kernel/waitpid.h"

static bool matches(const struct task *t, const struct wait_args *a)
{
	if (a->type == WAIT_PID && t->pid != a->pid)
		return false;
	return a->type != WAIT_PGRP || t->tg->pgrp == a->pid;
}

static void fill(struct wait_result *r, struct task *t, int code, int status)
{
	*r = (struct wait_result){
	    .pid = pid_vnr(t->pid), .uid = t->cred->uid, .code = code, .status = status, .usage = t->usage};
}

/* The end of a thread; that of a leader only when no other thread lives. */
static bool take_end(struct task *t, bool keep, struct wait_result *r)
{
	int s = t->exit_code;

	if (t == t->tg->leader) {
		if (t->tg->live)
			return false;
		s = t->tg->group_exit_code;
	}
	fill(r, t, !(s & 0x7f) ? LINUX_CLD_EXITED : s & 0x80 ? LINUX_CLD_DUMPED : LINUX_CLD_KILLED, s);
	if (!keep) {
		ptrace_unlink(t);
		task_release_zombie(t);
	}
	return true;
}

static bool take_news(struct task *t, const struct wait_args *a, struct wait_result *r)
{
	bool keep = a->options & LINUX_WNOWAIT_BIT;

	if (t->state != TASK_ALIVE)
		return (a->options & LINUX_WEXITED_BIT) && ptrace_holds_zombie(t) && take_end(t, keep, r);
	if (t->pt.stopped && !t->pt.reported && !t->pt.listening &&
	    (t->pt.exiting || !fatal_signal_pending(t))) {
		fill(r, t, LINUX_CLD_TRAPPED, t->pt.code << 8 | 0x7f);
		t->pt.reported = !keep;
		return true;
	}
	return false;
}

static int look_at(struct task *tracer, const struct wait_args *a, struct wait_result *r, bool *any)
{
	struct task *t, *next;

	list_for_each_entry_safe (t, next, &tracer->pt.tracees, pt.node) {
		if (!matches(t, a))
			continue;
		*any = true;
		if (take_news(t, a, r))
			return 1;
	}
	return 0;
}

int ptrace_look(struct task *self, const struct wait_args *a, struct wait_result *r)
{
	struct task *t;
	bool any = false;

	if (look_at(self, a, r, &any))
		return 1;
	if (!(a->options & LINUX_WNOTHREAD_BIT))
		list_for_each_entry (t, &self->tg->threads, group_node)
			if (t != self && look_at(t, a, r, &any))
				return 1;
	return any ? 0 : -ECHILD;
}

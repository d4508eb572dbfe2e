/*
 * jobctl.c - controlling terminals: who owns a tty, who may use it, and what happens when a session ends.
 */
#include <errno.h>

#include "sandbox/fs/devpts/tty.h"
#include "sandbox/kernel/task.h"

int tty_check_job_control(struct tty *t, int sig)
{
	struct task *task = current_task();
	struct thread_group *tg;

	if (!task)
		return 0;
	tg = task->tg;
	if (tg->tty != t || !t->pgrp || tg->pgrp == t->pgrp)
		return 0;
	if ((task->local.sigmask & sigmask_of(sig)) ||
	    task->sighand->action[sig - 1].handler == LINUX_SIG_IGN)
		return sig == LINUX_SIGTTIN ? -EIO : 0;
	if (pgrp_is_orphaned(tg->pgrp, NULL))
		return -EIO;
	(void)send_signal_pgrp(tg->pgrp, sig, NULL);
	return -ERESTARTSYS;
}

void tty_set_session(struct tty *t, struct pid *session, struct pid *pgrp)
{
	struct pid *old_session = t->session, *old_pgrp = t->pgrp;

	t->session = pid_get(session);
	t->pgrp = pid_get(pgrp);
	if (old_session)
		pid_put(old_session);
	if (old_pgrp)
		pid_put(old_pgrp);
}

int tty_set_controlling(struct tty *t, struct thread_group *tg, bool steal)
{
	if (tg->tty == t && t->session == tg->session)
		return 0;
	if (tg->tty || !tg->session || tg->session->task != tg->leader || (t->session && !steal))
		return -EPERM;
	tty_clear_session(t);
	tg->tty = tty_get(t);
	tty_set_session(t, tg->session, tg->pgrp);
	return 0;
}

void tty_clear_session(struct tty *t)
{
	struct thread_group *member;

	if (!t->session)
		return;
	tty_get(t); /* through the loop */
	list_for_each_entry (member, &t->session->session_members, session_node) {
		if (member->tty == t) {
			member->tty = NULL;
			tty_put(t);
		}
	}
	pid_put(t->session);
	t->session = NULL;
	if (t->pgrp)
		pid_put(t->pgrp);
	t->pgrp = NULL;
	tty_put(t);
}

void tty_disassociate(struct thread_group *tg, bool at_exit)
{
	bool leader = tg->session && tg->session->task == tg->leader;
	struct tty *t = tg->tty;

	if (leader && at_exit && !t && tg->tty_old_pgrp) { /* the terminal was hung up: now its jobs end */
		(void)send_signal_pgrp(tg->tty_old_pgrp, LINUX_SIGHUP, NULL);
		(void)send_signal_pgrp(tg->tty_old_pgrp, LINUX_SIGCONT, NULL);
		pid_put(tg->tty_old_pgrp);
		tg->tty_old_pgrp = NULL;
	}
	if (!t)
		return;
	if (!leader || tg->session != t->session) {
		tg->tty = NULL;
		tty_put(t);
		return;
	}
	tty_get(t); /* until it is cleared */
	if (t->pgrp) {
		(void)send_signal_pgrp(t->pgrp, LINUX_SIGHUP, NULL);
		if (!at_exit)
			(void)send_signal_pgrp(t->pgrp, LINUX_SIGCONT, NULL);
	}
	tty_clear_session(t);
	tty_put(t);
}

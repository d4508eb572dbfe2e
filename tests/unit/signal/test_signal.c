/* test_signal.c - signal(7): queues, order, masks, actions, stop and continue, restarts. */
#include "tests/unit/signal/fixture.h"

#define RT(n)  (LINUX_SIGRTMIN + 2 + (n))
#define BIT(s) sigmask_of(s)

static int send_value(struct task *t, int sig, u64 value)
{
	struct linux_siginfo info = from_user(sig, LINUX_SI_QUEUE, value);

	return send_signal_group(t->tg, sig, &info);
}

/* ---- queues ---- */

START_TEST(standard_signals_do_not_queue)
{
	struct task *t = new_process();
	struct linux_siginfo info;

	t->local.sigmask = ~0UL;
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 1), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 2), 0);
	ck_assert_int_eq(signal_dequeue(t, ~0UL, &info), LINUX_SIGUSR1);
	ck_assert_uint_eq(info.rt.value, 1); /* the first one's details */
	ck_assert_int_eq(signal_dequeue(t, ~0UL, &info), 0);
	/* a thread's own queue is another one */
	info = from_user(LINUX_SIGUSR1, LINUX_SI_TKILL, 3);
	ck_assert_int_eq(send_signal_task(t, LINUX_SIGUSR1, &info), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 4), 0);
	ck_assert_int_eq(signal_dequeue(t, ~0UL, &info), LINUX_SIGUSR1);
	ck_assert_uint_eq(info.rt.value, 3); /* the thread's own first */
	ck_assert_int_eq(signal_dequeue(t, ~0UL, &info), LINUX_SIGUSR1);
	ck_assert_uint_eq(info.rt.value, 4);
}
END_TEST

START_TEST(real_time_order)
{
	struct task *t = new_process();
	struct linux_siginfo info;
	static const struct {
		int sig;
		u64 value;
	} in[] = {{RT(3), 1}, {RT(1), 2}, {RT(3), 3}, {RT(1), 4}, {LINUX_SIGUSR2, 5}, {RT(1), 6}},
	  out[] = {{LINUX_SIGUSR2, 5}, {RT(1), 2}, {RT(1), 4}, {RT(1), 6}, {RT(3), 1}, {RT(3), 3}};

	t->local.sigmask = ~0UL;
	for (size_t i = 0; i < ARRAY_COUNT(in); i++)
		ck_assert_int_eq(send_value(t, in[i].sig, in[i].value), 0);
	for (size_t i = 0; i < ARRAY_COUNT(out); i++) {
		ck_assert_int_eq(signal_dequeue(t, ~0UL, &info), out[i].sig);
		ck_assert_uint_eq(info.rt.value, out[i].value);
	}
	ck_assert_uint_eq(t->tg->pending.set, 0);
}
END_TEST

START_TEST(faults_come_first)
{
	struct task *t = new_process();
	struct linux_siginfo info;

	t->local.sigmask = ~0UL;
	ck_assert_int_eq(send_value(t, LINUX_SIGHUP, 0), 0);
	info = from_user(LINUX_SIGSEGV, LINUX_SI_TKILL, 0);
	ck_assert_int_eq(send_signal_task(t, LINUX_SIGHUP, &info), 0);
	ck_assert_int_eq(send_signal_task(t, LINUX_SIGSEGV, &info), 0);
	ck_assert_int_eq(signal_dequeue(t, ~0UL, &info), LINUX_SIGSEGV);
	ck_assert_int_eq(signal_dequeue(t, ~0UL, &info), LINUX_SIGHUP);
}
END_TEST

START_TEST(only_what_is_allowed_is_taken)
{
	struct task *t = new_process();
	struct linux_siginfo info;

	t->local.sigmask = ~0UL;
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 0), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGTERM, 0), 0);
	ck_assert_int_eq(signal_dequeue(t, BIT(LINUX_SIGTERM), &info), LINUX_SIGTERM);
	ck_assert_int_eq(signal_dequeue(t, BIT(LINUX_SIGTERM), &info), 0);
	ck_assert_uint_eq(t->tg->pending.set, BIT(LINUX_SIGUSR1));
}
END_TEST

START_TEST(queue_is_limited_per_user)
{
	struct task *t = new_process();
	struct linux_siginfo info;
	int sent = 0;

	t->local.sigmask = ~0UL;
	t->tg->rlimits[LINUX_RLIMIT_SIGPENDING] = (struct rlimit64){10, 10};
	while (!send_value(t, RT(0), (u64)sent))
		ck_assert_int_lt(++sent, 20);
	ck_assert_int_eq(sent, 10);
	ck_assert_int_eq(send_value(t, RT(1), 0), -EAGAIN);
	/* kill(2) and standard signals get through, without details */
	info = from_user(RT(2), LINUX_SI_USER, 7);
	ck_assert_int_eq(send_signal_group(t->tg, RT(2), &info), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGTERM, 7), 0);
	ck_assert_int_eq(signal_dequeue(t, BIT(RT(2)), &info), RT(2));
	ck_assert_uint_eq(info.rt.value, 0);
	ck_assert_int_eq(signal_dequeue(t, BIT(LINUX_SIGTERM), &info), LINUX_SIGTERM);
	/* one taken makes room for one */
	ck_assert_int_eq(signal_dequeue(t, ~0UL, &info), RT(0));
	ck_assert_int_eq(send_value(t, RT(0), 0), 0);
	ck_assert_int_eq(send_value(t, RT(0), 0), -EAGAIN);
	sigpending_clear(&t->tg->pending);
	ck_assert_int_eq(send_value(t, RT(0), 0), 0);
}
END_TEST

/* ---- ignoring ---- */

START_TEST(ignored_signals_are_dropped)
{
	struct task *t = new_process();

	set_action(t, LINUX_SIGUSR1, LINUX_SIG_IGN, 0, 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 0), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGCHLD, 0), 0); /* ignored by default */
	ck_assert_int_eq(send_value(t, LINUX_SIGWINCH, 0), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGURG, 0), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGCONT, 0), 0);
	ck_assert_uint_eq(t->tg->pending.set, 0);
	ck_assert(!signal_pending(t));
	/* blocked, they wait: the action may change */
	t->local.sigmask = BIT(LINUX_SIGUSR1) | BIT(LINUX_SIGCHLD);
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 0), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGCHLD, 0), 0);
	ck_assert_uint_eq(t->tg->pending.set, BIT(LINUX_SIGUSR1) | BIT(LINUX_SIGCHLD));
	set_blocked(t, 0);
	deliver(t, false, 0);
	ck_assert(!noted.exited);
	ck_assert_uint_eq(t->tg->pending.set, 0);
}
END_TEST

START_TEST(a_new_action_drops_what_it_ignores)
{
	struct task *t = new_process(), *other = new_thread(t->tg);
	struct linux_siginfo info = from_user(LINUX_SIGUSR1, LINUX_SI_TKILL, 0);

	t->local.sigmask = other->local.sigmask = BIT(LINUX_SIGUSR1) | BIT(LINUX_SIGCHLD);
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 0), 0);
	ck_assert_int_eq(send_signal_task(other, LINUX_SIGUSR1, &info), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGCHLD, 0), 0);
	set_action(t, LINUX_SIGUSR1, HANDLER, 0, 0);
	ck_assert_uint_ne(t->tg->pending.set & BIT(LINUX_SIGUSR1), 0);
	set_action(t, LINUX_SIGUSR1, LINUX_SIG_IGN, 0, 0);
	ck_assert_uint_eq(t->tg->pending.set, BIT(LINUX_SIGCHLD));
	ck_assert_uint_eq(other->pending.set, 0);
	set_action(t, LINUX_SIGCHLD, LINUX_SIG_DFL, 0, 0); /* as good as ignored */
	ck_assert_uint_eq(t->tg->pending.set, 0);
}
END_TEST

START_TEST(a_waited_for_signal_is_not_dropped)
{
	struct task *t = new_process();

	t->sigwait = BIT(LINUX_SIGCHLD);
	ck_assert_int_eq(send_value(t, LINUX_SIGCHLD, 0), 0);
	ck_assert_uint_eq(t->tg->pending.set, BIT(LINUX_SIGCHLD));
}
END_TEST

START_TEST(init_is_protected)
{
	struct task *t = new_process();

	kernel()->root_pid_ns->init = t;
	ck_assert_int_eq(send_value(t, LINUX_SIGTERM, 0), 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGKILL, 0), 0);
	ck_assert_uint_eq(t->tg->pending.set, 0);
	set_action(t, LINUX_SIGTERM, HANDLER, 0, 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGTERM, 0), 0);
	ck_assert_uint_eq(t->tg->pending.set, BIT(LINUX_SIGTERM));
	ck_assert_int_eq(send_signal_group(t->tg, LINUX_SIGHUP, NULL), 0); /* the kernel itself may */
	ck_assert_uint_ne(t->tg->pending.set & BIT(LINUX_SIGHUP), 0);
}
END_TEST

/* ---- masks ---- */

START_TEST(blocked_signals_wait)
{
	struct task *t = new_process();

	set_action(t, LINUX_SIGUSR1, HANDLER, 0, 0);
	set_blocked(t, ~0UL);
	ck_assert_uint_eq(t->local.sigmask & SIG_UNBLOCKABLE, 0);
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 0), 0);
	ck_assert(!signal_pending(t));
	deliver(t, false, 0);
	ck_assert_int_eq(noted.frames, 0);
	set_blocked(t, 0);
	ck_assert(signal_pending(t));
	deliver(t, false, 0);
	ck_assert_int_eq(noted.frames, 1);
	ck_assert_uint_eq(t->local.sigmask, BIT(LINUX_SIGUSR1)); /* while its handler runs */
	ck_assert_uint_eq(noted.frame[0].saved, 0);
}
END_TEST

START_TEST(masks_of_handlers)
{
	struct task *t = new_process();

	set_action(t, LINUX_SIGUSR1, HANDLER, LINUX_SA_NODEFER, BIT(LINUX_SIGHUP) | BIT(LINUX_SIGKILL));
	t->local.sigmask = BIT(LINUX_SIGPIPE);
	ck_assert_int_eq(send_value(t, LINUX_SIGUSR1, 0), 0);
	deliver(t, false, 0);
	ck_assert_uint_eq(t->local.sigmask, BIT(LINUX_SIGPIPE) | BIT(LINUX_SIGHUP));
	ck_assert_uint_eq(noted.frame[0].saved, BIT(LINUX_SIGPIPE));
}
END_TEST

START_TEST(handlers_nest_by_mask)
{
	struct task *t = new_process();

	/* both pending: the second's frame lies over the first's unless the first blocks it */
	set_action(t, LINUX_SIGUSR1, HANDLER, 0, 0);
	set_action(t, LINUX_SIGUSR2, HANDLER + 1, 0, 0);
	send_value(t, LINUX_SIGUSR2, 0);
	send_value(t, LINUX_SIGUSR1, 0);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.frames, 2);
	ck_assert_int_eq(noted.frame[0].sig, LINUX_SIGUSR1);
	ck_assert_int_eq(noted.frame[1].sig, LINUX_SIGUSR2);
	ck_assert_uint_eq(noted.frame[1].saved, BIT(LINUX_SIGUSR1));
	reset();
	set_blocked(t, 0);
	set_action(t, LINUX_SIGUSR1, HANDLER, 0, BIT(LINUX_SIGUSR2));
	send_value(t, LINUX_SIGUSR2, 0);
	send_value(t, LINUX_SIGUSR1, 0);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.frames, 1);
	ck_assert_uint_eq(t->tg->pending.set, BIT(LINUX_SIGUSR2));
}
END_TEST

START_TEST(temporary_mask)
{
	struct task *t = new_process();

	set_action(t, LINUX_SIGUSR1, HANDLER, 0, 0);
	t->local.sigmask = BIT(LINUX_SIGUSR1) | BIT(LINUX_SIGHUP);
	send_value(t, LINUX_SIGUSR1, 0);
	set_temporary_mask(t, 0); /* sigsuspend */
	ck_assert(signal_pending(t));
	deliver(t, true, -ERESTARTNOHAND);
	ck_assert_int_eq(noted.frames, 1);
	ck_assert_uint_eq(noted.frame[0].saved, BIT(LINUX_SIGUSR1) | BIT(LINUX_SIGHUP)); /* sigreturn's */
	ck_assert_int_eq(noted.result, -EINTR);
	/* without a handler it is put back here */
	reset();
	t->local.sigmask = BIT(LINUX_SIGHUP);
	set_temporary_mask(t, BIT(LINUX_SIGUSR2));
	deliver(t, true, 5);
	ck_assert_uint_eq(t->local.sigmask, BIT(LINUX_SIGHUP));
}
END_TEST

START_TEST(one_shot_handler)
{
	struct task *t = new_process();

	set_action(t, LINUX_SIGUSR1, HANDLER, LINUX_SA_RESETHAND, 0);
	send_value(t, LINUX_SIGUSR1, 0);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.frames, 1);
	ck_assert_uint_eq(noted.frame[0].handler, HANDLER);
	set_blocked(t, 0);
	send_value(t, LINUX_SIGUSR1, 0);
	deliver(t, false, 0);
	ck_assert(noted.exited);
	ck_assert_int_eq(noted.exit_status, LINUX_SIGUSR1);
}
END_TEST

/* ---- who gets it ---- */

START_TEST(a_group_signal_goes_to_a_thread_that_takes_it)
{
	struct task *a = new_process(), *b = new_thread(a->tg);

	set_action(a, LINUX_SIGUSR1, HANDLER, 0, 0);
	a->local.sigmask = BIT(LINUX_SIGUSR1);
	guest_runs = true;
	send_value(a, LINUX_SIGUSR1, 0);
	ck_assert_int_eq(noted.interrupts, 1); /* b only */
	ck_assert(!signal_pending(a));
	ck_assert(signal_pending(b));
	deliver(b, false, 0);
	ck_assert_int_eq(noted.frames, 1);
	ck_assert(!signal_pending(b));
	b->local.sigmask = BIT(LINUX_SIGUSR1);
	send_value(a, LINUX_SIGUSR1, 0);
	ck_assert_int_eq(noted.interrupts, 1); /* nobody is disturbed */
	set_blocked(a, 0);
	ck_assert(signal_pending(a)); /* whoever unblocks it first */
}
END_TEST

START_TEST(a_kill_wakes_all)
{
	struct task *a = new_process(), *b = new_thread(a->tg);

	a->local.sigmask = b->local.sigmask = ~SIG_UNBLOCKABLE;
	guest_runs = true;
	send_value(a, LINUX_SIGKILL, 0);
	ck_assert_int_eq(noted.interrupts, 2);
	ck_assert(fatal_signal_pending(a) && fatal_signal_pending(b));
	deliver(b, false, 0);
	ck_assert(noted.exited);
	ck_assert_int_eq(noted.exit_status, LINUX_SIGKILL);
}
END_TEST

START_TEST(process_groups)
{
	struct task *a = new_process(), *b = new_process();

	list_del_init(&b->tg->pgrp_node);
	list_add_tail(&b->tg->pgrp_node, &a->tg->pgrp->pgrp_members);
	ck_assert_int_eq(send_signal_pgrp(a->tg->pgrp, 0, NULL), 0);
	ck_assert_int_eq(send_signal_pgrp(a->tg->pgrp, LINUX_SIGINT, NULL), 0);
	ck_assert(signal_pending(a) && signal_pending(b));
	ck_assert_int_eq(send_signal_pgrp(b->pid, LINUX_SIGINT, NULL), -ESRCH);
}
END_TEST

/* fork(2) is atomic: what is sent to the group while a member forks reaches parent and child, though the
 * parent blocks it (shells do around their forks). */
START_TEST(process_groups_and_forks)
{
	struct task *a = new_process();
	struct fork_signals forking;

	set_action(a, LINUX_SIGINT, HANDLER, 0, 0);
	a->local.sigmask = BIT(LINUX_SIGINT);
	fork_signals_begin(a->tg, &forking);
	ck_assert_int_eq(send_signal_pgrp(a->tg->pgrp, LINUX_SIGINT, NULL), 0);
	send_value(a, LINUX_SIGTERM, 0); /* to the process alone: not the child's */
	ck_assert_int_eq(send_signal_pgrp(a->tg->pgrp, LINUX_SIGTSTP, NULL), 0);
	ck_assert_int_eq(send_signal_pgrp(a->tg->pgrp, LINUX_SIGCONT, NULL), 0); /* cancels the stop */
	ck_assert_uint_eq(fork_signals_end(&forking), BIT(LINUX_SIGINT));
	ck_assert_int_eq(send_signal_pgrp(a->tg->pgrp, LINUX_SIGUSR1, NULL), 0);
	ck_assert_uint_ne(a->tg->pending.set & BIT(LINUX_SIGINT), 0);
	ck_assert_uint_eq(forking.set, BIT(LINUX_SIGINT));
}
END_TEST

/* ---- default actions ---- */

START_TEST(death_and_core)
{
	struct task *t = new_process();

	send_value(t, LINUX_SIGTERM, 0);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.exit_status, LINUX_SIGTERM);
	t = new_process();
	send_value(t, LINUX_SIGQUIT, 0);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.exit_status, LINUX_SIGQUIT); /* no core allowed */
	t = new_process();
	t->tg->rlimits[LINUX_RLIMIT_CORE].cur = 1 << 20;
	send_value(t, LINUX_SIGQUIT, 0);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.exit_status, LINUX_SIGQUIT | 0x80);
	t = new_process();
	send_value(t, RT(0), 0);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.exit_status, RT(0));
}
END_TEST

START_TEST(forced_signals)
{
	struct task *t = new_process();

	/* blocked or ignored, a fault kills all the same */
	set_action(t, LINUX_SIGSEGV, LINUX_SIG_IGN, 0, 0);
	force_signal_fault(t, LINUX_SIGSEGV, LINUX_SEGV_MAPERR, 0x123);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.exit_status, LINUX_SIGSEGV);
	t = new_process();
	set_action(t, LINUX_SIGSEGV, HANDLER, 0, 0);
	t->local.sigmask = BIT(LINUX_SIGSEGV);
	force_signal_fault(t, LINUX_SIGSEGV, LINUX_SEGV_MAPERR, 0x123);
	deliver(t, false, 0);
	ck_assert_int_eq(noted.exit_status, LINUX_SIGSEGV);
	t = new_process();
	set_action(t, LINUX_SIGSEGV, HANDLER, 0, 0);
	force_signal_fault(t, LINUX_SIGSEGV, LINUX_SEGV_ACCERR, 0x123);
	deliver(t, false, 0);
	ck_assert(!noted.exited);
	ck_assert_uint_eq(noted.frame[0].info.fault.addr, 0x123);
	ck_assert_int_eq(noted.frame[0].info.si_code, LINUX_SEGV_ACCERR);
}
END_TEST

START_TEST(no_room_for_the_frame)
{
	struct task *t = new_process();

	set_action(t, LINUX_SIGUSR1, HANDLER, 0, 0);
	set_action(t, LINUX_SIGSEGV, HANDLER, 0, 0);
	send_value(t, LINUX_SIGUSR1, 0);
	bad_stack = true;
	deliver(t, false, 0);
	ck_assert(noted.exited); /* SIGSEGV for SIGUSR1, SIGSEGV for that: the end */
	ck_assert_int_eq(noted.exit_status, LINUX_SIGSEGV);
}
END_TEST

/* ---- stop and continue ---- */

static void run_stopped(void *arg)
{
	deliver(arg, false, 0);
}

/* The task's coroutine: delivers, and sleeps while stopped. */
static void run_coro(struct task *t)
{
	ck_assert_int_eq(coro_start(run_stopped, t, t, &t->coro), 0);
	while (sched_run_ready())
		;
}

START_TEST(stop_and_continue)
{
	struct task *t = new_process();

	ck_assert_int_eq(sched_init(), 0);
	send_value(t, LINUX_SIGSTOP, 0);
	run_coro(t);
	ck_assert(t->tg->stopped && t->in_stop);
	ck_assert_int_eq(t->tg->stop_signal, LINUX_SIGSTOP);
	ck_assert_int_eq(noted.told_count, 1);
	ck_assert_int_eq(noted.told[0], LINUX_CLD_STOPPED);
	send_value(t, LINUX_SIGUSR1, 0); /* waits */
	while (sched_run_ready())
		;
	ck_assert(t->in_stop);
	set_action(t, LINUX_SIGCONT, LINUX_SIG_IGN, 0, 0);
	t->tg->pending.set &= ~BIT(LINUX_SIGUSR1);
	send_value(t, LINUX_SIGCONT, 0); /* continues though ignored */
	while (sched_run_ready())
		;
	ck_assert(!t->tg->stopped && !t->in_stop);
	ck_assert(t->tg->continue_pending);
	ck_assert_int_eq(noted.told[1], LINUX_CLD_CONTINUED);
	ck_assert(!noted.exited);
}
END_TEST

START_TEST(stop_and_continue_cancel_each_other)
{
	struct task *t = new_process();

	t->local.sigmask = BIT(LINUX_SIGTSTP) | BIT(LINUX_SIGTTIN) | BIT(LINUX_SIGCONT);
	set_action(t, LINUX_SIGCONT, HANDLER, 0, 0);
	send_value(t, LINUX_SIGTSTP, 0);
	send_value(t, LINUX_SIGTTIN, 0);
	send_value(t, LINUX_SIGCONT, 0);
	ck_assert_uint_eq(t->tg->pending.set, BIT(LINUX_SIGCONT));
	send_value(t, LINUX_SIGTSTP, 0);
	ck_assert_uint_eq(t->tg->pending.set, BIT(LINUX_SIGTSTP));
	{
		struct linux_siginfo info = from_user(LINUX_SIGCONT, LINUX_SI_TKILL, 0);
		send_signal_task(t, LINUX_SIGCONT, &info); /* to a thread: the same */
	}
	ck_assert_uint_eq(t->tg->pending.set, 0);
	ck_assert_uint_eq(t->pending.set, BIT(LINUX_SIGCONT));
}
END_TEST

START_TEST(a_kill_ends_a_stop)
{
	struct task *t = new_process();

	ck_assert_int_eq(sched_init(), 0);
	send_value(t, LINUX_SIGSTOP, 0);
	run_coro(t);
	ck_assert(t->in_stop);
	send_value(t, LINUX_SIGKILL, 0);
	while (sched_run_ready())
		;
	ck_assert(noted.exited);
	ck_assert_int_eq(noted.exit_status, LINUX_SIGKILL);
}
END_TEST

START_TEST(orphaned_groups_do_not_stop)
{
	struct task *t = new_process();

	orphaned = true;
	send_value(t, LINUX_SIGTSTP, 0);
	send_value(t, LINUX_SIGTTIN, 0);
	send_value(t, LINUX_SIGTTOU, 0);
	deliver(t, false, 0);
	ck_assert(!t->tg->stopped && !noted.exited);
	ck_assert_uint_eq(t->tg->pending.set, 0);
	ck_assert_int_eq(sched_init(), 0);
	send_value(t, LINUX_SIGSTOP, 0); /* this one does */
	run_coro(t);
	ck_assert(t->tg->stopped);
}
END_TEST

/* ---- restarts ---- */

/* A call with this result was interrupted by SIGUSR1 with a handler (or by nothing, flags -1). */
static void interrupted(s64 ret, s64 flags)
{
	struct task *t = new_process();

	t->trap.nr = 17;
	noted.regs.rax = 0;
	if (flags >= 0) {
		set_action(t, LINUX_SIGUSR1, HANDLER, (u64)flags, 0);
		send_value(t, LINUX_SIGUSR1, 0);
	}
	deliver(t, true, ret);
	ck_assert_int_eq(noted.frames, flags >= 0);
}

#define AGAIN(nr)                                                                                            \
	do {                                                                                                 \
		ck_assert(noted.regs_set);                                                                   \
		ck_assert_uint_eq(noted.regs.rip, 0x400100);                                                 \
		ck_assert_uint_eq(noted.regs.rax, nr);                                                       \
	} while (0)
#define EINTR_GIVEN                                                                                          \
	do {                                                                                                 \
		ck_assert(!noted.regs_set);                                                                  \
		ck_assert_int_eq(noted.result, -EINTR);                                                      \
	} while (0)

START_TEST(restart_decisions)
{
	interrupted(-ERESTARTSYS, LINUX_SA_RESTART);
	AGAIN(17);
	interrupted(-ERESTARTSYS, 0);
	EINTR_GIVEN;
	interrupted(-ERESTARTSYS, -1);
	AGAIN(17);
	interrupted(-ERESTARTNOHAND, LINUX_SA_RESTART);
	EINTR_GIVEN;
	interrupted(-ERESTARTNOHAND, -1);
	AGAIN(17);
	interrupted(-ERESTARTNOINTR, 0);
	AGAIN(17);
	interrupted(-ERESTARTNOINTR, -1);
	AGAIN(17);
	interrupted(-ERESTART_RESTARTBLOCK, LINUX_SA_RESTART);
	EINTR_GIVEN;
	interrupted(-ERESTART_RESTARTBLOCK, -1);
	AGAIN(219);
	interrupted(-EINTR, LINUX_SA_RESTART); /* an ordinary result stays as it is */
	ck_assert(!noted.regs_set && !noted.result_set);
	interrupted(7, LINUX_SA_RESTART);
	ck_assert(!noted.regs_set && !noted.result_set);
}
END_TEST

START_TEST(the_first_handler_decides)
{
	struct task *t = new_process();

	t->trap.nr = 17;
	set_action(t, LINUX_SIGUSR1, HANDLER, LINUX_SA_RESTART, 0);
	set_action(t, LINUX_SIGUSR2, HANDLER, 0, 0);
	send_value(t, LINUX_SIGUSR1, 0);
	send_value(t, LINUX_SIGUSR2, 0);
	deliver(t, true, -ERESTARTSYS);
	ck_assert_int_eq(noted.frames, 2);
	AGAIN(17);
}
END_TEST

START_TEST(an_ignored_signal_restarts)
{
	struct task *t = new_process();

	t->trap.nr = 17;
	t->local.sigmask = BIT(LINUX_SIGWINCH);
	send_value(t, LINUX_SIGWINCH, 0);
	set_blocked(t, 0);
	deliver(t, true, -ERESTARTSYS);
	ck_assert_int_eq(noted.frames, 0);
	AGAIN(17);
}
END_TEST

#define T(name) tcase_add_test(c, name)
int main(void)
{
	Suite *s = suite_create("signals");
	TCase *c = tcase_create("signals");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	T(standard_signals_do_not_queue);
	T(real_time_order);
	T(faults_come_first);
	T(only_what_is_allowed_is_taken);
	T(queue_is_limited_per_user);
	T(ignored_signals_are_dropped);
	T(a_new_action_drops_what_it_ignores);
	T(a_waited_for_signal_is_not_dropped);
	T(init_is_protected);
	T(blocked_signals_wait);
	T(masks_of_handlers);
	T(handlers_nest_by_mask);
	T(temporary_mask);
	T(one_shot_handler);
	T(a_group_signal_goes_to_a_thread_that_takes_it);
	T(a_kill_wakes_all);
	T(process_groups);
	T(process_groups_and_forks);
	T(death_and_core);
	T(forced_signals);
	T(no_room_for_the_frame);
	T(stop_and_continue);
	T(stop_and_continue_cancel_each_other);
	T(a_kill_ends_a_stop);
	T(orphaned_groups_do_not_stop);
	T(restart_decisions);
	T(the_first_handler_decides);
	T(an_ignored_signal_restarts);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

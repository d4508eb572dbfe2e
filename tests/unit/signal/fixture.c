/* fixture.c - see fixture.h. */
#include "tests/unit/signal/fixture.h"

#include "sandbox/kernel/ptrace.h"

#include <setjmp.h>
#include <stdlib.h>

struct noted noted;
bool orphaned, bad_stack, guest_runs;
static jmp_buf ended;

/* ---- what signal.c calls ---- */

void uthread_interrupt(struct uthread *ut)
{
	noted.interrupts++;
}
int uthread_full_frame(struct uthread *ut)
{
	return 0;
}
/* nobody is traced here */
bool ptrace_group_trap_due(const struct task *t)
{
	return false;
}
bool ptrace_group_trap(struct task *t)
{
	return false;
}
bool ptrace_by_own_parent(const struct task *t)
{
	return false;
}
int ptrace_signal(struct task *t, struct linux_siginfo *info)
{
	return info->si_signo;
}
void ptrace_reread_result(struct task *t, bool *from_syscall, s64 *ret)
{
}
void ptrace_handler_begin(struct task *t)
{
}
void ptrace_handler_step(struct task *t)
{
}
void task_show_all(struct task *t)
{
}
u64 uthread_sigmask(const struct uthread *ut)
{
	return ((const struct task *)(const void *)ut)->local.sigmask; /* see new_thread() */
}
void uthread_hold_local(struct uthread *ut)
{
}
bool uthread_running(const struct uthread *ut)
{
	return guest_runs;
}
void uthread_set_result(struct uthread *ut, s64 ret)
{
	noted.result_set = true;
	noted.result = ret;
}
void uthread_get_regs(struct uthread *ut, struct uregs *regs)
{
	*regs = noted.regs;
}
int uthread_set_regs(struct uthread *ut, const struct uregs *regs)
{
	noted.regs = *regs;
	noted.regs_set = true;
	return 0;
}
u64 task_rlimit(const struct task *t, int resource)
{
	return t->tg->rlimits[resource].cur;
}
int uthread_settle(struct uthread *ut)
{
	return 0;
}

int uthread_stage_flush(struct uthread *ut)
{
	return 0;
}

int sigframe_setup(struct task *t, int sig, const struct linux_siginfo *info, const struct sigaction_k *act,
		   sigset64 saved)
{
	if (bad_stack)
		return -EFAULT;
	ck_assert_int_lt(noted.frames, MAX_FRAMES);
	noted.frame[noted.frames].sig = sig;
	noted.frame[noted.frames].info = *info;
	noted.frame[noted.frames].handler = act->handler;
	noted.frame[noted.frames].saved = saved;
	noted.frame[noted.frames].blocked = t->local.sigmask;
	noted.frames++;
	return 0;
}

void task_exit_group(struct task *t, int wait_status)
{
	noted.exited = true;
	noted.exit_status = wait_status;
	longjmp(ended, 1);
}
void task_exit(struct task *t, int wait_status)
{
	task_exit_group(t, wait_status);
}
void child_notify(struct thread_group *tg, int code)
{
	noted.told[noted.told_count++ % 8] = code;
}
bool pgrp_is_orphaned(struct pid *pgrp, struct thread_group *ignore)
{
	return orphaned;
}

s32 pid_vnr(const struct pid *p)
{
	return 1;
}
s32 pid_nr(const struct pid *p, const struct pid_ns *ns)
{
	return p->links[0].ns == ns;
}
struct pid_ns *task_pid_ns(const struct task *t)
{
	return t->pid->links[0].ns;
}
u32 uid_in(const struct user_ns *ns, u32 kuid)
{
	return kuid;
}

/* ---- making ---- */

static struct pid *new_pid(void)
{
	struct pid *p = kzalloc(sizeof(*p) + sizeof(struct pid_link));

	object_init(&p->obj, NULL);
	list_init(&p->pgrp_members);
	p->links[0].ns = kernel()->root_pid_ns;
	return p;
}

struct task *new_thread(struct thread_group *tg)
{
	struct task *t = knew(struct task), *first = tg->leader;

	object_init(&t->obj, NULL);
	list_init(&t->pending.queue);
	t->tg = tg;
	t->ut = (struct uthread *)(void *)t; /* only its address is used */
	t->sighand = first ? sighand_get(first->sighand) : sighand_dup(NULL);
	t->cred = knew(struct cred);
	t->pid = new_pid();
	list_add_tail(&t->group_node, &tg->threads);
	tg->live++;
	if (!first)
		tg->leader = t;
	return t;
}

struct task *new_process(void)
{
	struct thread_group *tg;
	struct task *t;

	if (!g_arena) {
		struct kernel *k;
		ck_assert_int_eq(arena_create(0), 0);
		k = knew(struct kernel);
		arena_set_root(k);
		list_init(&k->tasks);
		k->root_pid_ns = knew(struct pid_ns);
	}
	tg = knew(struct thread_group);
	object_init(&tg->obj, NULL);
	list_init(&tg->threads);
	list_init(&tg->pgrp_node);
	list_init(&tg->pending.queue);
	list_init(&tg->forks);
	t = new_thread(tg);
	for (int i = 0; i < RLIM_COUNT; i++)
		tg->rlimits[i] = (struct rlimit64){UINT64_MAX, UINT64_MAX};
	tg->rlimits[LINUX_RLIMIT_CORE].cur = 0;
	tg->pgrp = t->pid;
	list_add_tail(&tg->pgrp_node, &tg->pgrp->pgrp_members);
	reset();
	return t;
}

void set_action(struct task *t, int sig, u64 handler, u64 flags, sigset64 mask)
{
	t->sighand->action[sig - 1] = (struct sigaction_k){.handler = handler, .flags = flags, .mask = mask};
	signal_action_changed(t, sig);
}

void deliver(struct task *t, bool from_syscall, s64 ret)
{
	if (!setjmp(ended))
		signal_deliver(t, from_syscall, ret);
}

struct linux_siginfo from_user(int sig, int code, u64 value)
{
	struct linux_siginfo info = {.si_signo = sig, .si_code = code};

	info.rt.value = value;
	return info;
}

void reset(void)
{
	memset(&noted, 0, sizeof(noted));
	noted.regs.rip = 0x400102;
	noted.regs.rax = 42;
	orphaned = bad_stack = guest_runs = false;
}

/*
 * cgroup_freeze.c - the gate that tasks pass before guest code runs, the freezer, and kill.
 *
 * A group may not run for four reasons: it is frozen (cgroup.freeze, here or above), it has used its CPU
 * time (cpu.max), it is over memory.high, or it is the turn of its siblings (cpu.weight). Its guest threads
 * are interrupted then and sleep at the gate, in their own coroutines, until it opens. Only frozen groups
 * also call in those who sleep in a system call: as after a stop signal such a call begins again later (or
 * ends with EINTR, where Linux's does). So nothing a frozen process does takes effect, and SIGKILL still ends
 * it.
 */
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/task.h"

void cgroup_gates_change(struct cgroup *c, int by)
{
	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		at->gates += (u32)by;
}

void cgroup_call_to_gate(struct task *t)
{
	if (t->state != TASK_ALIVE || !t->ut)
		return;
	if (uthread_running(t->ut))
		uthread_interrupt(t->ut);
	else
		signal_wake(t);
}

void cgroup_call_all(struct cgroup *c)
{
	struct thread_group *tg;
	struct task *t;

	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			list_for_each_entry (t, &tg->threads, group_node)
				cgroup_call_to_gate(t);
}

void cgroup_gate_open(struct cgroup *c)
{
	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		wake_up_all(&at->gate, 0);
}

bool cgroup_stopped(const struct cgroup *c)
{
	if (c->freezers)
		return true;
	for (; c; c = c->parent)
		if (c->cpu.throttled || c->memory.held)
			return true;
	return false;
}

static bool may_run(struct task *t, struct cgroup *c)
{
	return !cgroup_stopped(c) && cgroup_weight_lets(t, c);
}

/* Once. The group may change meanwhile: the task is woken then. */
static bool wait_at(struct task *t, struct cgroup *c)
{
	struct waiter w;
	bool killed;

	cgroup_get(c);
	waiter_init(&w);
	wait_queue_add(&c->gate, &w);
	killed = sched_sleep(TIME_NEVER, SLEEP_KILLABLE) != 0;
	wait_queue_remove(&w);
	cgroup_put(c);
	return !killed;
}

bool cgroup_gate_slow(struct task *t, struct cgroup *c)
{
	bool slept = false;

	while (c && !may_run(t, c) && !fatal_signal_pending(t)) {
		slept = t->at_gate = true;
		if (c->freezers)
			cgroup_update_frozen(c);
		if (!wait_at(t, c))
			break;
		c = t->tg->cgroup;
	}
	t->at_gate = false;
	if (c && may_run(t, c)) {
		cgroup_cpu_enter(c);
		cgroup_weight_enter();
		cgroup_memory_enter(c);
	}
	return slept;
}

/* ---- freezer ---- */

/* At the gate, or in a sleep that only SIGKILL ends: a stop, a vfork whose child stands still. */
static bool stands_still(const struct task *t)
{
	return t->state != TASK_ALIVE || t->at_gate ||
	       (t->coro && t->coro->sleeping && t->coro->sleep_state == SLEEP_KILLABLE);
}

static bool all_at_rest(struct cgroup *c)
{
	struct thread_group *tg;
	struct task *t;

	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			list_for_each_entry (t, &tg->threads, group_node)
				if (!stands_still(t))
					return false;
	return true;
}

static void update_one(struct cgroup *c)
{
	bool now = c->freezers && all_at_rest(c);

	if (now == c->frozen)
		return;
	c->frozen = now;
	if (c->parent)
		cgroup_event(c, &c->events, "cgroup.events");
}

void cgroup_update_frozen(struct cgroup *c)
{
	for (; c; c = c->parent)
		update_one(c);
}

void cgroup_set_freeze(struct cgroup *c, bool freeze)
{
	int by = freeze ? 1 : -1;

	if (c->freeze == freeze)
		return;
	c->freeze = freeze;
	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		at->freezers += (u32)by;
	cgroup_gates_change(c, by);
	if (freeze)
		cgroup_call_all(c);
	else
		cgroup_gate_open(c);
	for (struct cgroup *at = c; (at = cgroup_next(c, at));)
		update_one(at);
	cgroup_update_frozen(c);
}

void cgroup_kill(struct cgroup *c)
{
	struct thread_group *tg;

	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			group_kill(tg, LINUX_SIGKILL);
}

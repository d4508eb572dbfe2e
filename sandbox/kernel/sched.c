/*
 * sched.c - coroutines: creation, sleep, wake. See sched.h.
 *
 * A coroutine that is neither running nor on the run queue sleeps. A wake that comes while it is awake is
 * kept in `woken`, so that it cannot be lost between a check of a condition and the sleep.
 */
#include <errno.h>

#include "sandbox/base/cycles.h"
#include "sandbox/kernel/sched_priv.h"
#include "sandbox/kernel/signal.h"
#include "sandbox/platform/platform.h"

#define BREATH_CYCLES 2400000 /* some ms */

#define STACK_CANARY  0x5741525245ULL

void coro_switch(void **save_sp, void *load_sp);
void coro_entry(void);
void coro_main(struct coro *c);
/* signals and the platform are not below us; unit tests link without them */
#pragma weak signal_pending
#pragma weak fatal_signal_pending

int sched_init(void)
{
	struct sched *s = knew(struct sched);

	if (!s)
		return -ENOMEM;
	list_init(&s->run_queue);
	list_init(&s->batch);
	list_init(&s->waiting);
	list_init(&s->turns);
	list_init(&s->polls);
	list_init(&s->held);
	list_init(&s->put_off);
	s->epoll_fd = -1;
	s->boot_ns = clock_monotonic();
	s->boot_cycles = cycles();
	kernel()->sched = s;
	return 0;
}

static char *stack_get(struct sched *s)
{
	char *stack =
	    s->stack_count ? s->stack_cache[--s->stack_count] : kmalloc_typed(CORO_STACK_SIZE, "stack");

	if (stack)
		*(u64 *)(void *)stack = STACK_CANARY;
	return stack;
}

static void stack_put(struct sched *s, char *stack)
{
	if (*(u64 *)(void *)stack != STACK_CANARY)
		panic("a coroutine overran its stack");
	if (s->stack_count < STACK_CACHE)
		s->stack_cache[s->stack_count++] = stack;
	else
		kfree(stack);
}

int coro_start(void (*fn)(void *), void *arg, struct task *task, struct coro **out)
{
	struct sched *s = sched();
	struct coro *c = knew(struct coro);
	u64 *sp;

	if (!c)
		return -ENOMEM;
	c->stack = stack_get(s);
	if (!c->stack) {
		kfree(c);
		return -ENOMEM;
	}
	c->fn = fn;
	c->arg = arg;
	c->task = task;
	c->generation = s->generation;
	sp = (u64 *)(void *)(c->stack + CORO_STACK_SIZE - 16);
	*--sp = (u64)(uintptr_t)coro_entry; /* coro_entry calls: its stack is then aligned as the ABI wants */
	*--sp = 0;                          /* rbp */
	*--sp = (u64)(uintptr_t)c;          /* rbx */
	for (int i = 0; i < 4; i++)
		*--sp = 0;
	*--sp = 0x1f80 | 0x37fULL << 32; /* mxcsr, x87 control word */
	c->sp = sp;
	list_init(&c->run_node);
	list_init(&c->turn_node);
	list_add_tail(&c->run_node, &s->run_queue);
	*out = c;
	return 0;
}

struct coro *coro_current(void)
{
	return kernel()->current;
}

static void switch_to_loop(struct coro *c)
{
	coro_switch(&c->sp, sched()->loop_sp);
}

void coro_exit(void)
{
	struct coro *c = coro_current();

	c->ended = true;
	turn_end(c);
	list_del_init(&c->run_node);
	sched()->dead = c;
	switch_to_loop(c);
	panic("an ended coroutine was resumed");
}

void coro_main(struct coro *c)
{
	c->fn(c->arg);
	coro_exit();
}

void coro_wake(struct coro *c)
{
	c->woken = true;
	if (!c->sleeping || !list_empty(&c->run_node))
		return;
	if (turn_must_wait(c))
		turn_await(c);
	else
		list_add_tail(&c->run_node, &sched()->run_queue);
}

void sched_yield_now(void)
{
	struct coro *c = coro_current();

	if (!list_empty(&sched()->waiting)) /* or they would wait for as long as it goes on so */
		turn_end(c);
	list_add_tail(&c->run_node, &sched()->run_queue);
	switch_to_loop(c);
}

void sched_breathe(u64 *since)
{
	if (cycles_since(*since) < BREATH_CYCLES)
		return;
	sched_yield_now();
	*since = cycles();
}

struct sleep_timer {
	struct timer timer;
	struct coro *coro;
	bool fired;
};

static void sleep_timeout(struct timer *t)
{
	struct sleep_timer *st = container_of(t, struct sleep_timer, timer);

	st->fired = true;
	coro_wake(st->coro);
}

bool sched_killed(void)
{
	const struct coro *c = coro_current();

	return c && c->task && fatal_signal_pending && fatal_signal_pending(c->task);
}

static bool must_not_sleep(struct coro *c, enum sleep_state state)
{
	if (!c->task || state == SLEEP_UNINTERRUPTIBLE)
		return false;
	if (state == SLEEP_KILLABLE || state == SLEEP_ANSWER)
		return fatal_signal_pending && fatal_signal_pending(c->task);
	return signal_pending && signal_pending(c->task);
}

void sched_pause(void)
{
	struct coro *c = coro_current();

	c->sleep_state = SLEEP_UNINTERRUPTIBLE;
	c->sleeping = true;
	kernel()->switches++;
	switch_to_loop(c);
	c->sleeping = false;
}

int sched_sleep(u64 deadline_ns, enum sleep_state state)
{
	struct coro *c = coro_current();
	struct sleep_timer st = {.coro = c};
	int err;

	if (!c)
		panic("the loop itself tried to sleep");
	if (must_not_sleep(c, state))
		return -ERESTARTSYS;
	if (c->woken) {
		c->woken = false;
		return 0;
	}
	timer_init(&st.timer, sleep_timeout);
	if (deadline_ns != TIME_NEVER) {
		err = timer_arm(&st.timer, deadline_ns);
		if (err)
			return err;
	}
	c->sleep_state = state;
	c->sleeping = true;
	c->sleeps += state == SLEEP_INTERRUPTIBLE;
	kernel()->switches++;
	switch_to_loop(c);
	c->sleeping = false;
	c->woken = false;
	timer_cancel(&st.timer);
	return st.fired ? -ETIMEDOUT : 0;
}

bool sched_run_ready(void)
{
	struct sched *s = sched();
	struct list_head *batch = &s->batch; /* in the arena, where those in it can be looked at */
	bool ran = false;
	u64 since = list_empty(&s->run_queue) ? 0 : cycles();

	/* only what is ready now: what becomes ready meanwhile waits for the next turn */
	list_splice_tail_init(&s->run_queue, batch);
	while (!list_empty(batch)) {
		struct coro *c = list_first_entry(batch, struct coro, run_node);
		list_del_init(&c->run_node);
		if (s->holding && !c->service && c->generation != s->generation) {
			list_add_tail(&c->run_node, &s->held);
			continue;
		}
		kernel()->current = c;
		coro_switch(&s->loop_sp, c->sp);
		kernel()->current = NULL;
		ran = true;
		if (!list_empty(&s->waiting))
			turn_next(batch); /* now, while its thread still spins: they get its CPU */
		if (s->dead) {
			list_del_init(&s->dead->run_node);
			stack_put(s, s->dead->stack);
			kfree(s->dead);
			s->dead = NULL;
		} else {
			c->busy_cycles += cycles_since(since);
			since = cycles();
		}
	}
	return ran;
}

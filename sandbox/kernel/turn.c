/*
 * turn.c - guests take turns while there are fewer CPUs than threads that talk to each other.
 *
 * Two guest threads that talk, and the loop that stands between them, want three CPUs. With fewer, each call
 * of one puts another off its CPU, and a switch costs more than ten calls. So at most turn_limit tasks (one
 * less than there are CPUs) have a *turn* at a time. Who has one goes on from call to call; others wait, in
 * the order in which they came, at the two places where Linux too would have them wait for a CPU:
 *
 *  - woken from a sleep in a call: the coroutine waits in sched.waiting instead of the run queue, so that an
 *    epoll_wait finds all that has come meanwhile, a read all that was written meanwhile;
 *  - on the way back to guest code (turn_gate), if it lost its turn meanwhile.
 *
 * A turn ends when its task sleeps; when guest code has not called for PAUSE_CYCLES, or has called so seldom
 * SLOW_CALLS times (it then goes on running, but nobody waits for it); when a long call lets the others run
 * while somebody waits (sched_yield_now); or after TURN_CYCLES while others wait. So nobody waits for longer
 * than TURN_CYCLES + PAUSE_CYCLES per place in the queue. Who comes back from a pause (perhaps the host had
 * something else to do on its CPU) has what is left of its turn before those who have had none, or it would
 * make one call where others make a hundred.
 *
 * Whoever waits is nothing but a coroutine that sleeps: signals, kills, freezing and tracing find it as they
 * find one in a system call, and it meets them when its turn comes. While somebody waits the loop does not
 * sleep. Only tasks in interruptible sleeps wait: the kernel's own coroutines, and calls that wait for
 * platform or gofer, never do; nor does a thread whose answer is to change the map (others may need that).
 */
#include "sandbox/base/cycles.h"
#include "sandbox/kernel/sched_priv.h"

#define TURN_CYCLES  480000  /* some 200 µs */
#define PAUSE_CYCLES 48000   /* some 20 µs */
#define WOKEN_CYCLES 96000   /* more for a thread that has to wake up first */
#define TAKEN_CYCLES 4800000 /* some 2 ms */
#define SLOW_CALLS   8

static bool has_turn(const struct coro *c)
{
	return !list_empty(&c->turn_node);
}

static void take_turn(struct sched *s, struct coro *c)
{
	if (has_turn(c))
		return;
	list_add_tail(&c->turn_node, &s->turns);
	s->turn_count++;
	c->turn_since = cycles();
}

/* Of one turn, with its pauses left out. */
static bool used_up(const struct coro *c)
{
	return c->turn_used + (has_turn(c) ? cycles_since(c->turn_since) : 0) > TURN_CYCLES;
}

void turn_end(struct coro *c)
{
	if (!has_turn(c))
		return;
	list_del_init(&c->turn_node);
	c->turn_used += cycles_since(c->turn_since);
	sched()->turn_count--;
}

static bool turn_is_over(const struct coro *c)
{
	if (c->in_guest)
		return c->slow_calls >= SLOW_CALLS ||
		       cycles_since(c->guest_since) > PAUSE_CYCLES + (c->guest_woken ? WOKEN_CYCLES : 0);
	return c->sleeping && list_empty(&c->run_node);
}

static bool all_taken(struct sched *s)
{
	struct coro *c, *next;

	if (s->turn_count < s->turn_limit || s->holding)
		return false;
	list_for_each_entry_safe (c, next, &s->turns, turn_node)
		if (turn_is_over(c))
			turn_end(c);
	return s->turn_count >= s->turn_limit;
}

bool turn_must_wait(struct coro *c)
{
	struct sched *s = sched();

	if (!s->turn_limit || s->holding || !c->task || c->sleep_state != SLEEP_INTERRUPTIBLE)
		return false;
	c->turn_used = 0;
	if (!has_turn(c) && (!list_empty(&s->waiting) || all_taken(s)))
		return true;
	take_turn(s, c);
	return false;
}

void turn_await(struct coro *c)
{
	struct sched *s = sched();

	list_add_tail(&c->run_node, &s->waiting);
	s->waited = cycles();
}

bool turns_are_taken(void)
{
	return sched()->waited && cycles_since(sched()->waited) < TAKEN_CYCLES;
}

bool turn_gate(void)
{
	struct sched *s = sched();
	struct coro *c = coro_current();

	if (!s->turn_limit || s->holding)
		return false;
	if (has_turn(c)) {
		if (list_empty(&s->waiting) || !used_up(c))
			return false;
		turn_end(c);
	} else if (list_empty(&s->waiting) && !all_taken(s)) {
		take_turn(s, c);
		return false;
	}
	turn_await(c);
	if (used_up(c)) {
		c->turn_used = 0;
	} else { /* it ended by a pause: what is left of it comes next */
		list_del_init(&c->run_node);
		list_add(&c->run_node, &s->waiting);
	}
	sched_pause();
	return true;
}

bool turn_next(struct list_head *to)
{
	struct sched *s = sched();
	bool any = false;

	while (!list_empty(&s->waiting) && !all_taken(s)) {
		struct coro *c = list_first_entry(&s->waiting, struct coro, run_node);
		list_del_init(&c->run_node);
		list_add_tail(&c->run_node, to);
		take_turn(s, c);
		any = true;
	}
	return any;
}

void turns_end(void)
{
	struct sched *s = sched();

	while (!list_empty(&s->turns))
		turn_end(list_first_entry(&s->turns, struct coro, turn_node));
	s->waited = 0;
}

void turn_in_guest(struct coro *c, u64 since, bool woken)
{
	c->in_guest = true;
	c->guest_since = since;
	c->guest_woken = woken;
}

void turn_trapped(struct coro *c)
{
	u64 pace = cycles_since(c->guest_since);

	c->in_guest = false;
	if (pace < PAUSE_CYCLES)
		c->slow_calls = 0;
	else if (c->slow_calls < SLOW_CALLS)
		c->slow_calls++;
}

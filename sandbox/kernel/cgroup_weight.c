/*
 * cgroup_weight.c - cpu.weight and cpu.idle: how sibling groups share the CPUs while these are short.
 *
 * The host schedules all guest threads alike, so the share is made by holding threads at the gate. Each child
 * of a group with weights has a clock of its own (`vtime`): the CPU time that it has used, divided by its
 * weight. A timer looks at the clocks. While more threads want to run than there are CPUs, the CPUs are given
 * to the children in the order of their clocks, as many threads of each as want to run; those whose clocks
 * are ahead of the slowest, and for whom nothing is left, wait until the others have caught up, or do not
 * want to run any more. So no CPU is idle that somebody wants, apart from what changes between two looks.
 *
 * A child that comes back from idleness has the clock of the slowest: it has no claim on the time it slept
 * through. One that is ahead is never further ahead than what it can use between a few looks: so one that
 * cannot use its share (one thread, many CPUs) does not collect a claim either.
 *
 * Only children of a group of which at least one has another weight than the default are compared; the others
 * share by threads, as the host does. A thread that was let in at a look stays until the next, when those who
 * waited go first. Everything is in the arena.
 */
#include <errno.h>

#include "sandbox/kernel/account.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/task.h"

#define LOOK_NS       10000000ULL
#define LOOK_SHARE    20 /* of the time at most 1/20 is spent on looking */
#define LEAD_FREE_NS  (LOOK_NS / 2)
#define LEAD_LOOKS    4
#define DEFAULT_SCALE 1024 /* a clock's weight where cpu.weight is 100 */
#define IDLE_SCALE    3    /* as Linux */

struct cgroup_shares {
	struct timer timer;
	bool active;
	u64 look;      /* number of the last one */
	u64 looked_ns; /* when */
	u32 watched;   /* groups whose children have weights */
};

static struct cgroup_shares *shares(void)
{
	return kernel()->cpu_shares;
}

static u64 scale(const struct cgroup *c)
{
	return c->cpu.idle ? IDLE_SCALE : max_t(u64, c->cpu.weight * DEFAULT_SCALE / 100, IDLE_SCALE);
}

static u64 usage(struct cgroup *c)
{
	struct cgroup_times t;

	cgroup_cpu_usage(c, &t);
	return t.user_ns + t.system_ns;
}

/* ---- who wants to run ---- */

static bool wants(const struct task *t)
{
	return t->state == TASK_ALIVE && t->ut &&
	       (t->at_gate || uthread_running(t->ut) || (t->coro && coro_runnable(t->coro)));
}

static void count_wants(void)
{
	struct cgroup *root = kernel()->root_cgroup, *c = NULL;
	struct thread_group *tg;
	struct task *t;

	while ((c = cgroup_next(root, c)))
		c->cpu.want = c->cpu.run = 0;
	while ((c = cgroup_next(root, c))) {
		u32 want = 0, run = 0;
		if (list_empty(&c->members) || cgroup_stopped(c))
			continue;
		list_for_each_entry (tg, &c->members, cgroup_node)
			list_for_each_entry (t, &tg->threads, group_node) {
				want += wants(t);
				run += wants(t) && !t->at_gate;
			}
		for (struct cgroup *up = c; up; up = up->parent) {
			up->cpu.want += want;
			up->cpu.run += run;
		}
	}
}

/* ---- the clocks ---- */

/* Brings the children's clocks up to date; how many want to run. Who is in short calls when we look wants to
 * run too: that shows in what it has used. */
static u32 advance(struct cgroup *parent, u64 passed_ns)
{
	struct cgroup *c;
	u64 slowest = UINT64_MAX;
	u32 active = 0;

	list_for_each_entry (c, &parent->children, node) {
		u64 used = usage(c), delta = used > c->cpu.shared_ns ? used - c->cpu.shared_ns : 0;
		c->cpu.shared_ns = used;
		c->cpu.vtime += delta * DEFAULT_SCALE / scale(c);
		c->cpu.want = max_t(u32, c->cpu.want, (u32)((delta + passed_ns / 2) / passed_ns));
		if (c->cpu.want && c->cpu.sharing)
			slowest = min_t(u64, slowest, c->cpu.vtime);
		active += c->cpu.want > 0;
	}
	list_for_each_entry (c, &parent->children, node) {
		if (c->cpu.want && !c->cpu.sharing && slowest != UINT64_MAX)
			c->cpu.vtime = max_t(u64, c->cpu.vtime, slowest);
		c->cpu.sharing = c->cpu.want > 0;
	}
	return active;
}

static u64 slowest_clock(struct cgroup *parent)
{
	struct cgroup *c;
	u64 slowest = UINT64_MAX;

	list_for_each_entry (c, &parent->children, node)
		if (c->cpu.want)
			slowest = min_t(u64, slowest, c->cpu.vtime);
	return slowest;
}

/* ---- giving the CPUs ---- */

/* The child with the slowest clock among those that want to run and were not given anything yet. */
static struct cgroup *next_in_order(struct cgroup *parent)
{
	struct cgroup *c, *best = NULL;

	list_for_each_entry (c, &parent->children, node)
		if (c->cpu.want && c->cpu.may == 0 && (!best || c->cpu.vtime < best->cpu.vtime))
			best = c;
	return best;
}

static void give(struct cgroup *parent, u32 cpus, u64 passed_ns)
{
	u64 slowest = slowest_clock(parent);
	struct cgroup *c;

	list_for_each_entry (c, &parent->children, node) {
		u64 most = slowest + LEAD_LOOKS * platform_cpu_count() * passed_ns * DEFAULT_SCALE / scale(c);
		c->cpu.may = c->cpu.want ? 0 : CGROUP_MAY_ALL;
		if (c->cpu.want)
			c->cpu.vtime = min_t(u64, c->cpu.vtime, most);
	}
	while ((c = next_in_order(parent))) {
		if (!cpus && c->cpu.vtime - slowest > LEAD_FREE_NS)
			break; /* and all that come after it */
		c->cpu.may =
		    c->cpu.want <= cpus || c->cpu.vtime - slowest <= LEAD_FREE_NS ? CGROUP_MAY_ALL : cpus;
		cpus -= min_t(u32, cpus, c->cpu.want);
	}
}

/* Those who run come to the gate, unless all may go on. */
static void call_running(struct cgroup *c)
{
	struct thread_group *tg;
	struct task *t;

	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			list_for_each_entry (t, &tg->threads, group_node)
				if (t->state == TASK_ALIVE && t->ut && uthread_running(t->ut))
					uthread_interrupt(t->ut);
}

static void apply(struct cgroup *parent)
{
	struct cgroup *c;

	list_for_each_entry (c, &parent->children, node) {
		c->cpu.let_in = 0;
		if (c->cpu.run < c->cpu.want && c->cpu.may)
			cgroup_gate_open(c);
		if (c->cpu.may < c->cpu.want && c->cpu.run)
			call_running(c);
	}
}

/* True if anybody wants to run. */
static bool share_out(struct cgroup *parent, u64 passed_ns)
{
	u32 cpus = platform_cpu_count(), total = max_t(u32, kernel()->root_cgroup->cpu.want, 1);
	u32 active = advance(parent, passed_ns);
	struct cgroup *c;

	if (active > 1 && total > cpus) {
		/* what threads elsewhere have of the CPUs is not ours to give */
		give(parent, max_t(u32, 1, (cpus * parent->cpu.want + total - 1) / total), passed_ns);
	} else {
		list_for_each_entry (c, &parent->children, node)
			c->cpu.may = CGROUP_MAY_ALL;
	}
	apply(parent);
	return active;
}

static void release(struct cgroup *parent)
{
	struct cgroup *c;

	list_for_each_entry (c, &parent->children, node) {
		c->cpu.may = CGROUP_MAY_ALL;
		cgroup_gate_open(c);
	}
}

static void look(struct timer *timer)
{
	struct cgroup_shares *s = shares();
	struct cgroup *root = kernel()->root_cgroup, *c = NULL;
	u64 now = clock_monotonic(), passed = max_t(u64, now - s->looked_ns, 1), next;

	s->look++;
	s->looked_ns = now;
	s->active = false;
	count_wants();
	while ((c = cgroup_next(root, c)))
		if (c->cpu.weights && share_out(c, passed))
			s->active = true;
	next = clock_monotonic() + max_t(u64, LOOK_NS, (clock_monotonic() - now) * LOOK_SHARE);
	if (!s->active || !timer_arm(timer, next))
		return;
	klog(LOG_WARN, "no memory to watch cpu.weight");
	s->active = false;
	while ((c = cgroup_next(root, c)))
		if (c->cpu.weights)
			release(c);
}

static void begin(void)
{
	struct cgroup_shares *s = shares();
	struct cgroup *child;

	if (s->active)
		return;
	for (struct cgroup *c = NULL; (c = cgroup_next(kernel()->root_cgroup, c));)
		if (c->cpu.weights)
			list_for_each_entry (child, &c->children, node)
				child->cpu.shared_ns = usage(child);
	s->looked_ns = clock_monotonic();
	s->active = timer_arm(&s->timer, s->looked_ns + LOOK_NS) == 0;
}

void cgroup_weight_enter(void)
{
	if (shares() && shares()->watched && !shares()->active)
		begin();
}

/* ---- the gate ---- */

bool cgroup_weight_lets(struct task *t, struct cgroup *c)
{
	if (!shares() || !shares()->watched || t->let_in_at == shares()->look)
		return true;
	for (struct cgroup *up = c; up; up = up->parent)
		if (up->cpu.let_in >= up->cpu.may)
			return false;
	for (struct cgroup *up = c; up; up = up->parent)
		up->cpu.let_in += up->cpu.may != CGROUP_MAY_ALL;
	t->let_in_at = shares()->look;
	return true;
}

/* ---- weights ---- */

static bool has_weight(const struct cgroup *c)
{
	return c->cpu.weight != CGROUP_WEIGHT || c->cpu.idle;
}

int cgroup_weight_set(struct cgroup *c, u64 weight, bool idle)
{
	bool before = has_weight(c);
	struct cgroup *parent = c->parent, *child;

	if (!shares()) {
		kernel()->cpu_shares = knew(struct cgroup_shares);
		if (!shares())
			return -ENOMEM;
		timer_init(&shares()->timer, look);
		shares()->look = 1; /* tasks begin with 0 */
	}
	c->cpu.weight = weight;
	c->cpu.idle = idle;
	if (has_weight(c) == before)
		return 0;
	parent->cpu.weights += before ? -1U : 1U;
	if (before && !parent->cpu.weights) {
		shares()->watched--;
		cgroup_gates_change(parent, -1);
		release(parent);
	} else if (!before && parent->cpu.weights == 1) {
		shares()->watched++;
		cgroup_gates_change(parent, 1);
		list_for_each_entry (child, &parent->children, node) {
			child->cpu.shared_ns = usage(child);
			child->cpu.sharing = false;
		}
		begin();
	}
	return 0;
}

void cgroup_weight_end(struct cgroup *c)
{
	if (has_weight(c) && cgroup_weight_set(c, CGROUP_WEIGHT, false))
		klog(LOG_WARN, "no memory to forget cpu.weight of %s", c->name);
	c->cpu.may = CGROUP_MAY_ALL; /* also if it had the default among others */
	cgroup_gate_open(c);
}

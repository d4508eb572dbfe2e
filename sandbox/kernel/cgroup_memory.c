/*
 * cgroup_memory.c - memory of control groups: what is charged, and the limits.
 *
 * Charged to a group are
 *   - the private memory of its processes (their stubs' anonymous pages as the host counts them, and what of
 *     them is in the host's swap); pages that forked processes still share are divided among them;
 *   - the contents of tmpfs and memfd files, and anonymous shared memory, to the group of whoever made the
 *     first page of it (struct cgroup_charge), until it is freed or the group is removed: then to its parent.
 * Not charged: pages of host files (the host's page cache, shared by all sandboxes), and the kernel's objects
 * in the arena.
 *
 * Guests touch their memory natively, so the limits are watched, not met: one coroutine looks at the groups
 * that have one, the oftener the closer they are to it, and not at all while nobody runs in them. Over
 * memory.max the process of the group with the highest score is killed (oom_score_adj counts as on Linux), or
 * with memory.oom.group all of them; the next one only when that one is gone. There is nothing to reclaim, so
 * memory.min and memory.low hold by themselves, and memory.high holds the group back: it runs for HIGH_RUN_NS
 * of each HIGH_PERIOD_NS.
 */
#include "sandbox/kernel/cgroup.h"

#include <errno.h>
#include <sys/stat.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/usage.h"

#define LOOK_MIN_NS    (4 * 1000000ULL)
#define LOOK_MAX_NS    (200 * 1000000ULL)
#define TOUCH_RATE     4ULL /* bytes per ns that guests can touch at most */
#define HIGH_PERIOD_NS (100 * 1000000ULL)
#define HIGH_RUN_NS    (10 * 1000000ULL)

/* ---- charges ---- */

static void charge_begin(struct cgroup_charge *ch)
{
	struct task *t = current_task();
	struct cgroup *c = t && t->tg && t->tg->cgroup ? t->tg->cgroup : kernel()->root_cgroup;

	ch->cgroup = cgroup_get(c);
	list_add_tail(&ch->node, &c->memory.charges);
}

void cgroup_charge_set(struct cgroup_charge *ch, u64 bytes)
{
	if (bytes && !ch->cgroup)
		charge_begin(ch);
	ch->bytes = bytes;
}

int cgroup_charge_fd(struct host_fd *fd)
{
	struct cgroup_charge *ch = knew(struct cgroup_charge);

	if (!ch)
		return -ENOMEM;
	ch->fd = fd;
	charge_begin(ch);
	fd->charge = ch;
	return 0;
}

void cgroup_charge_free(struct cgroup_charge *ch)
{
	cgroup_charge_end(ch);
	kfree(ch);
}

void cgroup_charge_end(struct cgroup_charge *ch)
{
	if (!ch->cgroup)
		return;
	list_del_init(&ch->node);
	cgroup_put(ch->cgroup);
	*ch = (struct cgroup_charge){0};
}

void cgroup_memory_init(struct cgroup *c)
{
	list_init(&c->memory.charges);
	c->memory.max = c->memory.high = c->memory.swap_max = c->memory.swap_high = CGROUP_NO_LIMIT;
}

void cgroup_memory_end(struct cgroup *c)
{
	struct cgroup_charge *ch, *next;

	list_for_each_entry_safe (ch, next, &c->memory.charges, node) {
		list_del_init(&ch->node);
		list_add_tail(&ch->node, &c->parent->memory.charges);
		ch->cgroup = cgroup_get(c->parent);
		cgroup_put(c);
	}
	tg_put(c->memory.victim);
	c->memory.victim = NULL;
}

static u64 held_by(struct cgroup_charge *ch)
{
	struct stat st;

	if (ch->fd && ch->fd->fd >= 0 && !fstat(ch->fd->fd, &st))
		ch->bytes = (u64)st.st_blocks * 512;
	return ch->bytes;
}

/* ---- looking ---- */

/* The address spaces of everybody in c and below, each once and counted. */
static int list_mms(struct cgroup *c, struct mm ***out, u32 *count)
{
	u64 visit = ++kernel()->next_cookie;
	struct mm **list = knew_array(struct mm *, kernel()->task_count + 1);
	struct thread_group *tg;
	struct task *t;

	*count = 0;
	if (!list)
		return -ENOMEM;
	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			list_for_each_entry (t, &tg->threads, group_node)
				if (t->mm && t->mm->visit != visit) {
					t->mm->visit = visit;
					list[(*count)++] = mm_get(t->mm);
				}
	*out = list;
	return 0;
}

void cgroup_memory_look(struct cgroup *c)
{
	struct cgroup_memory *m = &c->memory;
	struct cgroup_charge *ch;
	u64 anon = 0, file = 0, shmem = 0;
	struct mm **list;
	u32 count;

	if (!list_mms(c, &list, &count)) {
		for (u32 i = 0; i < count; i++) {
			struct mm_usage u;
			mm_usage(list[i], &u);
			anon += u.anon + u.swap;
			file += u.file;
		}
		/* forked processes share pages, which the quick figures count for each: only near a limit or
		 * for a reader is it worth the walk through page tables */
		if (count > 1)
			anon = mm_list_anon(list, count, anon);
		mm_list_free(list, count);
	}
	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (ch, &at->memory.charges, node)
			shmem += held_by(ch);
	m->anon = anon;
	m->file = file;
	m->shmem = shmem;
	m->current = anon + shmem;
	m->peak = max_t(u64, m->peak, m->current);
}

/* ---- events ---- */

static void count_event(struct cgroup *c, int which)
{
	c->memory.local_events[which]++;
	cgroup_event(c, &c->memory_local_events, "memory.events.local");
	for (; c; c = c->parent) {
		c->memory.events[which]++;
		cgroup_event(c, &c->memory_events, "memory.events");
	}
}

/* ---- out of memory ---- */

/* As Linux: pages held, and oom_score_adj in thousandths of what there is. 0: not to be killed. */
static u64 badness(struct thread_group *tg, u64 limit)
{
	s64 adj = (s32)tg->oom_score_adj, score;
	struct mm_usage u = {0};
	struct task *t;

	if (adj == -1000 || tg->group_exit || !tg->live)
		return 0;
	t = tg->leader;
	if (task_pid_ns(t)->init == t && !t->ut)
		return 0; /* a container's idle init */
	if (t->mm) {      /* it may end while we ask */
		struct mm *mm = mm_get(t->mm);
		mm_usage(mm, &u);
		mm_put(mm);
	}
	score = (s64)(u.anon + u.swap + u.shmem) + adj * (s64)(limit / 1000);
	return score > 0 ? (u64)score : 1;
}

static struct thread_group *choose(struct cgroup *c)
{
	struct thread_group **list = knew_array(struct thread_group *, kernel()->task_count + 1);
	struct thread_group *tg, *worst = NULL;
	u64 points, most = 0;
	u32 n = 0;

	if (!list)
		return NULL;
	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			list[n++] = tg_get(tg);
	for (u32 i = 0; i < n; i++) { /* asking the host may sleep */
		points = badness(list[i], c->memory.max);
		if (points > most) {
			most = points;
			worst = list[i];
		}
	}
	if (worst)
		tg_get(worst);
	for (u32 i = 0; i < n; i++)
		tg_put(list[i]);
	kfree(list);
	return worst;
}

static void kill_one(struct thread_group *tg)
{
	if (tg->cgroup)
		count_event(tg->cgroup, MEMCG_OOM_KILL);
	klog(LOG_WARN, "out of memory in a control group: killed process %d (%s)",
	     pid_nr(tg->leader->pid, task_pid_ns(tg->leader)), tg->leader->comm);
	group_kill(tg, LINUX_SIGKILL);
}

/* The highest group up to `top` that wants to be killed as a whole; or NULL. */
static struct cgroup *whole_group(struct cgroup *c, struct cgroup *top)
{
	struct cgroup *found = NULL;

	for (; c; c = c->parent) {
		if (c->memory.oom_group)
			found = c;
		if (c == top)
			break;
	}
	return found;
}

static void kill_whole(struct cgroup *c)
{
	struct thread_group *tg;

	count_event(c, MEMCG_OOM_GROUP_KILL);
	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			if ((s32)tg->oom_score_adj != -1000 && !tg->group_exit)
				kill_one(tg);
}

static void out_of_memory(struct cgroup *c)
{
	struct cgroup *whole;
	struct thread_group *victim;

	count_event(c, MEMCG_MAX);
	victim = choose(c);
	if (victim && !victim->live) { /* it has ended while others were looked at */
		tg_put(victim);
		return;
	}
	if (!victim)
		return;
	count_event(c, MEMCG_OOM);
	tg_put(c->memory.victim);
	c->memory.victim = victim;
	whole = victim->cgroup ? whole_group(victim->cgroup, c) : NULL;
	if (whole)
		kill_whole(whole);
	else
		kill_one(victim);
}

/* ---- the watch ---- */

static bool limited(const struct cgroup *c)
{
	return c->memory.max != CGROUP_NO_LIMIT || c->memory.high != CGROUP_NO_LIMIT;
}

static void set_held(struct cgroup *c, bool held)
{
	if (c->memory.held == held)
		return;
	c->memory.held = held;
	cgroup_gates_change(c, held ? 1 : -1);
	if (held)
		cgroup_call_all(c);
	else
		cgroup_gate_open(c);
}

static bool anybody_runs(struct cgroup *c)
{
	struct thread_group *tg;
	struct task *t;

	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			list_for_each_entry (t, &tg->threads, group_node)
				if (t->ut && uthread_running(t->ut))
					return true;
	return false;
}

static void set_idle(struct cgroup *c, bool idle)
{
	if (c->memory.idle == idle)
		return;
	c->memory.quiet = false;
	c->memory.idle = idle;
	cgroup_gates_change(c, idle ? 1 : -1);
}

void cgroup_memory_enter(struct cgroup *c)
{
	for (; c; c = c->parent)
		if (c->memory.idle) {
			set_idle(c, false);
			if (kernel()->memory_watch)
				coro_wake(kernel()->memory_watch);
		}
}

static u64 headroom(u64 limit, u64 used)
{
	return limit > used ? (limit - used) / TOUCH_RATE : 0;
}

/* Looks at one group; in how many ns again. */
static u64 watch_one(struct cgroup *c)
{
	struct cgroup_memory *m = &c->memory;
	u64 next = LOOK_MAX_NS;

	if (m->victim && !m->victim->live) {
		tg_put(m->victim);
		m->victim = NULL;
	}
	set_idle(c, false);
	if (!c->populated || !limited(c)) {
		set_held(c, false);
		return TIME_NEVER; /* cgroup_memory_joined says when somebody comes */
	}
	cgroup_memory_look(c);
	if (m->current > m->max) {
		if (!m->victim && !c->dead)
			out_of_memory(c);
		return LOOK_MIN_NS;
	}
	next = min_t(u64, next, headroom(m->max, m->current));
	if (m->current <= m->high) {
		set_held(c, false);
		if (anybody_runs(c)) {
			m->quiet = false;
		} else if (m->quiet) { /* twice: nobody has grown between the look and this */
			set_idle(c, true);
			return TIME_NEVER;
		} else {
			m->quiet = true;
		}
		next = min_t(u64, next, headroom(m->high, m->current));
	} else if (m->held) {
		set_held(c, false);
		next = min_t(u64, next, HIGH_RUN_NS);
	} else {
		count_event(c, MEMCG_HIGH);
		set_held(c, true);
		next = HIGH_PERIOD_NS - HIGH_RUN_NS;
	}
	return max_t(u64, next, LOOK_MIN_NS);
}

/* The limited groups now, counted: looking at one sleeps, and they may go meanwhile. */
static u32 list_limited(struct cgroup ***out)
{
	struct cgroup *root = kernel()->root_cgroup;
	struct cgroup **list = knew_array(struct cgroup *, root->descendants + 1);
	u32 n = 0;

	for (struct cgroup *at = NULL; list && (at = cgroup_next(root, at));)
		if (limited(at) || at->memory.held || at->memory.idle)
			list[n++] = cgroup_get(at);
	*out = list;
	return n;
}

static void watch_main(void *arg)
{
	struct cgroup **list;
	u32 n;

	while ((n = list_limited(&list))) {
		u64 next = TIME_NEVER;
		for (u32 i = 0; i < n; i++) {
			next = min_t(u64, next, watch_one(list[i]));
			cgroup_put(list[i]);
		}
		kfree(list);
		if (next != TIME_NEVER)
			next += clock_monotonic();
		if (sched_sleep(next, SLEEP_UNINTERRUPTIBLE) == -ENOMEM)
			klog(LOG_WARN, "no memory to watch the limits of control groups");
	}
	kfree(list);
	kernel()->memory_watch = NULL;
}

void cgroup_memory_joined(struct cgroup *c)
{
	/* the next look may be due only when an empty group could not have grown to its limit */
	while (kernel()->memory_watch && c && !limited(c))
		c = c->parent;
	if (kernel()->memory_watch && c && c->populated == 1)
		coro_wake(kernel()->memory_watch);
}

int cgroup_memory_watch(void)
{
	struct kernel *k = kernel();

	if (k->memory_watch) {
		coro_wake(k->memory_watch);
		return 0;
	}
	return coro_start(watch_main, NULL, NULL, &k->memory_watch);
}

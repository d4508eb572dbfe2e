/*
 * loop.c - the sentry's one loop: context slots, ready coroutines, timers, and a sleep in epoll when nothing
 * moves.
 *
 * Before it sleeps it spins for a while if that pays (guest code runs and a CPU is left for us): a trap is
 * then taken within a hundred nanoseconds instead of after a wake-up across CPUs. Work that gains by company
 * (frames of a guest's calls) is put off for a moment: sched_put_off().
 */
#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/base/cycles.h"
#include "sandbox/kernel/sched_priv.h"
#include "sandbox/platform/platform.h"

#define EPOLL_CYCLES 100000 /* between looks at host descriptors while busy */
#define EVENT_COUNT  32
#define PATIENCE_MAX 480000 /* some 200 µs */
#define IDLE_CYCLES  60000  /* nothing to do for so long: idle */
#define GAP_CYCLES   10000  /* between a call's answer and the next call: less */
#define PUT_OFF_MAX  260000 /* some 100 µs */
#define EARLY_CYCLES 200000 /* before a trap that is expected: to be awake by then, */
#define AWAIT_CYCLES 400000 /* and for how long to stay so */

static int epoll_wait_ns(int fd, struct epoll_event *ev, int max, u64 timeout_ns)
{
	struct timespec ts = {(time_t)(timeout_ns / NSEC_PER_SEC), (long)(timeout_ns % NSEC_PER_SEC)};

	return (int)syscall(SYS_epoll_pwait2, fd, ev, max, timeout_ns == TIME_NEVER ? NULL : &ts, NULL, 0);
}

static void take_events(struct sched *s, u64 timeout_ns)
{
	struct epoll_event ev[EVENT_COUNT];
	int n = epoll_wait_ns(s->epoll_fd, ev, EVENT_COUNT, timeout_ns);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 & PLATFORM_EVENT_BIT) {
			platform_epoll_event(ev[i].data.u64);
		} else {
			struct host_poll *p = (struct host_poll *)(uintptr_t)ev[i].data.u64;
			p->ready(p, ev[i].events);
		}
	}
}

static void sleep_until(struct sched *s, u64 deadline)
{
	u64 now, timeout = TIME_NEVER;

	if (deadline != TIME_NEVER) {
		now = clock_monotonic();
		timeout = deadline > now ? deadline - now : 0;
	}
	take_events(s, timeout);
}

/* A pause of the loop is over. Whether the next is likely to be as short is foretold by the last ones. */
static void pause_ended(struct sched *s, u64 since)
{
	if (cycles_since(since) < 2 * CROWDED_CYCLES)
		s->short_pauses += s->short_pauses < 3;
	else
		s->short_pauses -= s->short_pauses > 0;
}

/* For how long to spin. While guest threads want all CPUs it pays for no longer than a sleep and a waking
 * cost, and if traps follow close on each other: two processes that talk to each other would otherwise have
 * us asleep at each word. */
static u64 spin_cycles(const struct sched *s)
{
	u64 spin = platform_spin_cycles();

	if (s->await_until > cycles())
		return TIME_NEVER;
	if (!spin && s->short_pauses >= 2 && platform_guests_run())
		spin = CROWDED_CYCLES;
	return platform_cpu_is_left() ? max_t(u64, spin, s->patience) : spin;
}

/* Patience grows as long as sleeps turn out to be so short that it would have paid to spin instead. */
static void learn_patience(struct sched *s, u64 slept)
{
	if (!platform_guests_run())
		return;
	if (cycles_since(slept) < PATIENCE_MAX)
		s->patience = min_t(u64, 2 * s->patience + SPIN_CYCLES / 2, PATIENCE_MAX);
	else
		s->patience /= 2;
}

/* What the loop remembers from turn to turn. */
struct pause {
	u64 since;  /* nothing has moved; 0: something has */
	u64 looked; /* at host descriptors */
	bool told;  /* when_idle has been called */
};

/* ---- work that is put off ---- */

void put_off_init(struct put_off *w, void (*fn)(struct put_off *))
{
	list_init(&w->node);
	w->fn = fn;
}

void sched_put_off(struct put_off *w)
{
	struct sched *s = sched();

	if (!list_empty(&w->node))
		return;
	if (list_empty(&s->put_off))
		s->put_off_since = cycles();
	list_add_tail(&w->node, &s->put_off);
}

void put_off_cancel(struct put_off *w)
{
	list_del_init(&w->node);
}

static void do_put_off(struct sched *s)
{
	while (!list_empty(&s->put_off)) {
		struct put_off *w = list_first_entry(&s->put_off, struct put_off, node);
		list_del_init(&w->node);
		w->fn(w);
	}
}

static bool put_off_is_due(const struct sched *s, const struct pause *p, bool moved)
{
	if (list_empty(&s->put_off))
		return false;
	if (!moved && (!platform_guests_run() || (p->since && cycles_since(p->since) > GAP_CYCLES)))
		return true;
	return cycles_since(s->put_off_since) > PUT_OFF_MAX;
}

/* ---- the loop ---- */

/* Nothing moves. True: look again; false: sleep. */
static bool linger(struct sched *s, struct pause *p)
{
	u64 idle;

	if (!p->since) {
		p->since = cycles();
		p->told = false;
	}
	if (!list_empty(&s->waiting)) { /* somebody's turn is over soon */
		__builtin_ia32_pause();
		return true;
	}
	if (s->at_rest && s->at_rest(s->at_rest_arg)) {
		s->at_rest = NULL;
		return true;
	}
	idle = cycles_since(p->since);
	if (idle < spin_cycles(s) && (p->told || idle < IDLE_CYCLES)) {
		if (platform_in_the_way())
			sched_yield();
		__builtin_ia32_pause();
		__builtin_ia32_pause(); /* the guest may run on the other half of this core */
		return true;
	}
	if (p->told)
		return false;
	p->told = true;
	if (s->when_idle)
		s->when_idle();
	return true;
}

/* The trap that is expected is some time away: how long to sleep until shortly before it, in cycles. 0: none.
 */
static u64 nap_cycles(void)
{
	u64 trap = platform_next_trap(), early = cycles() + EARLY_CYCLES;

	return trap > early + SPIN_CYCLES / 2 ? trap - early : 0;
}

static void sleep_for_events(struct sched *s, struct pause *p, u64 next_timer)
{
	u64 slept, nap, end = next_timer;

	do_put_off(s);
	platform_idle();
	if (!list_empty(&s->run_queue) || !platform_sleep_prepare())
		return;
	slept = cycles();
	nap = nap_cycles();
	if (nap)
		end = min_t(u64, end, clock_monotonic() + cycles_to_ns(nap));
	sleep_until(s, end);
	if (nap)
		s->await_until = cycles() + AWAIT_CYCLES;
	else
		learn_patience(s, slept);
	platform_sleep_done();
	pause_ended(s, p->since);
	p->since = 0;
	p->looked = cycles();
}

int sched_loop(void)
{
	struct sched *s = sched();
	struct pause p = {.looked = cycles()};
	int err;

	s->epoll_fd = s->epoll_fd >= 0 ? s->epoll_fd : epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		return -errno;
	err = platform_epoll_setup(s->epoll_fd);
	if (err)
		return err;
	s->turn_limit = platform_cpu_count() - 1;
	while (!s->stopping) {
		bool moved = platform_poll();
		u64 next;
		moved |= turn_next(&s->run_queue);
		moved |= sched_run_ready();
		if (put_off_is_due(s, &p, moved))
			do_put_off(s);
		next = timers_run();
		if (cycles_since(p.looked) > EPOLL_CYCLES) {
			take_events(s, 0);
			p.looked = cycles();
		}
		if (moved || !list_empty(&s->run_queue)) {
			if (p.since)
				pause_ended(s, p.since);
			p.since = s->await_until = 0;
		} else if (!linger(s, &p)) {
			sleep_for_events(s, &p, next);
		}
	}
	do_put_off(s);
	return s->stop_code;
}

void sched_stop(int code)
{
	sched()->stopping = true;
	sched()->stop_code = code;
}

static int poll_arm(struct host_poll *p)
{
	struct epoll_event ev = {.events = p->events | EPOLLET, .data.u64 = (u64)(uintptr_t)p};

	return epoll_ctl(sched()->epoll_fd, EPOLL_CTL_ADD, p->fd->fd, &ev) ? -errno : 0;
}

int host_poll_add(struct host_poll *p, u32 epoll_events)
{
	struct sched *s = sched();
	int err;

	if (s->epoll_fd < 0) {
		s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		if (s->epoll_fd < 0)
			return -errno;
	}
	p->events = epoll_events;
	if (!p->node.next)
		list_init(&p->node);
	list_del_init(&p->node);
	list_add_tail(&p->node, &s->polls);
	err = poll_arm(p);
	if (err)
		list_del_init(&p->node);
	return err;
}

void host_poll_remove(struct host_poll *p)
{
	if (p->events && p->fd->fd >= 0 && epoll_ctl(sched()->epoll_fd, EPOLL_CTL_DEL, p->fd->fd, NULL))
		klog(LOG_WARN, "epoll_ctl: errno %d", errno);
	p->events = 0;
	if (p->node.next)
		list_del_init(&p->node);
}

int host_poll_renew(struct host_fd *fd)
{
	struct host_poll *p;
	int err = 0;

	list_for_each_entry (p, &sched()->polls, node)
		if (p->fd == fd && p->events && !err)
			err = poll_arm(p);
	return err == -EPERM ? 0 : err; /* always ready, as hostfd.c knows */
}

void sched_when_idle(void (*fn)(void))
{
	sched()->when_idle = fn;
}

void sched_when_at_rest(bool (*fn)(void *arg), void *arg)
{
	sched()->at_rest = fn;
	sched()->at_rest_arg = arg;
}

void sched_restore(u64 then)
{
	struct sched *s = sched();

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		panic("epoll_create1: errno %d", errno);
	s->boot_cycles = cycles() - (then - s->boot_cycles);
	s->timers_looked = 0;
	s->at_rest = NULL;
	s->dead = NULL;
	kernel()->current = NULL;
	turns_end();
	s->holding = true;
	s->generation++;
}

void sched_release(void)
{
	struct sched *s = sched();

	s->holding = false;
	list_splice_tail_init(&s->held, &s->run_queue);
}

bool sched_alone(void)
{
	return list_empty(&sched()->run_queue);
}

bool sched_guests_run(void)
{
	return platform_guests_run();
}

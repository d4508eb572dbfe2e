/*
 * trap.c - a guest thread's answer, and its next trap.
 *
 * Between the two the slot is the stub's. What stands in it is copied once when the trap is taken, and
 * checked; the answer is made up in the uthread and copied into the slot at the last moment. Also here: the
 * state that the stub may change by itself meanwhile, and what the loop may expect of a thread that runs.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/base/cycles.h"
#include "sandbox/platform/platform_priv.h"

#define HABIT_MIN  SPIN_CYCLES
#define HABIT_MAX  (50 * SPIN_CYCLES) /* some 2.5 ms */
#define HABIT_SURE 3

/* ---- running ---- */

void leave_running(struct uthread *ut)
{
	struct platform *p = platform();

	if (list_empty(&ut->run_node))
		return;
	list_del_init(&ut->run_node);
	p->running_count--;
	p->soon_count -= ut->soon;
	p->delayed_count -= ut->soon && ut->delayed;
	p->near_count -= ut->near;
	ut->soon = ut->near = false;
}

/* A guest that has worked equally long several times does so again: the loop can sleep until shortly before
 * its next trap. Shorter pauses are spun through, before longer ones nobody waits for a wake-up. */
static void learn_habit(struct habit *h, u64 length)
{
	u64 differs = length > h->length ? length - h->length : h->length - length;

	if (length < HABIT_MIN || length > HABIT_MAX) {
		h->sure = 0;
	} else if (differs < h->length / 8) {
		h->length = (u32)((3 * (u64)h->length + length) / 4);
		h->sure += h->sure < HABIT_SURE;
	} else {
		h->length = (u32)length;
		h->sure = 0;
	}
}

u64 platform_next_trap(void)
{
	const struct platform *p = platform();
	const struct uthread *ut;
	const struct habit *h;

	if (p->running_count != 1 || !list_empty(&p->busy) || p->cpu_count < 2)
		return 0;
	ut = list_first_entry(&p->running, struct uthread, run_node);
	h = &p->habit[ut->nr % LATE_COUNT];
	return h->sure == HABIT_SURE ? ut->run_since + h->length : 0;
}

/* Whether the loop spins for a thread's next trap is foretold by the call that was answered last, as a CPU
 * foretells branches: after an mmap the guest works on the memory, after a read from a pipe it soon writes.
 * The time that an idle CPU takes to wake up for a thread that slept, or the host to unmap much, says nothing
 * of what the guest does.
 */
static void predict(const struct uthread *ut)
{
	u8 *late = &platform()->late[ut->nr % LATE_COUNT];

	learn_habit(&platform()->habit[ut->nr % LATE_COUNT], cycles_since(ut->run_since));
	if (cycles_since(ut->run_since) < SPIN_CYCLES + (ut->delayed ? WAKE_CYCLES : 0))
		*late -= *late > 0;
	else
		*late += *late < 3;
}

/* ---- what the stub may change by itself ---- */

void uthread_set_local(struct uthread *ut, struct uthread_local *home)
{
	ut->local = home;
}

static void local_to_slot(struct uthread *ut)
{
	if (!ut->local)
		return;
	ut->slot->sigmask = ut->local->sigmask;
	ut->slot->robust_list = ut->local->robust_list;
	ut->slot->clear_tid = ut->local->clear_tid;
	shared_store(&ut->slot->local_ok, ut->local->local_ok && !shared_load(&ut->slot->slow));
}

static void local_from_slot(struct uthread *ut)
{
	if (!ut->local)
		return;
	ut->local->sigmask = *(volatile u64 *)&ut->slot->sigmask & ~SIGMASK_NEVER;
	ut->local->robust_list = *(volatile u64 *)&ut->slot->robust_list;
	ut->local->clear_tid = *(volatile u64 *)&ut->slot->clear_tid;
}

u64 uthread_sigmask(const struct uthread *ut)
{
	return *(const volatile u64 *)&ut->slot->sigmask & ~SIGMASK_NEVER;
}

u64 uthread_robust_list(const struct uthread *ut)
{
	return *(const volatile u64 *)&ut->slot->robust_list;
}

void uthread_hold_local(struct uthread *ut)
{
	if (!ut->running)
		return;
	shared_store(&ut->slot->local_ok, 0);
	full_fence();
}

/* ---- answers ---- */

void uthread_set_result(struct uthread *ut, s64 ret)
{
	ut->result = ret;
	ut->regs_set = false;
	ut->out_flags |= OUT_RESULT;
}

void uthread_put(struct uthread *ut, uaddr_t addr, u32 value)
{
	ut->put_addr = addr.v;
	ut->put_value = value;
	ut->out_flags |= OUT_PUT;
}

#define MUCH_MEMORY (64 * PAGE_SIZE) /* munmap takes some 0.2 µs a page */

static bool unmaps_much(const struct uthread *ut)
{
	for (u32 i = 0; i < ut->op_count; i++)
		if (ut->op[i].nr == SYS_munmap && ut->op[i].arg[1] >= MUCH_MEMORY)
			return true;
	return false;
}

static void fill_answer(struct uthread *ut)
{
	struct slot *s = ut->slot;

	s->result = ut->result;
	s->put_addr = ut->put_addr;
	s->put_value = ut->put_value;
	s->push_addr = ut->push_addr;
	s->push_size = ut->push_size;
	s->op_count = ut->op_count;
	ut->delayed = unmaps_much(ut);
	for (u32 i = 0; i < ut->op_count; i++)
		s->op[i] = ut->op[i];
	if (ut->op_count) {
		ut->op_generation++;
		s->ops_generation = ut->op_generation;
		ut->op_state = OPS_SENT;
		ut->op_count = 0;
	}
	if (ut->out_flags & OUT_STAGED) {
		for (int i = 0; i < 6; i++) {
			s->out[i].low = ut->out[i].low;
			s->out[i].high = ut->out[i].high;
		}
		s->out_shift = ut->out_shift;
	}
	if (ut->spawning && !(ut->out_flags & OUT_OPERATION)) { /* an operation is no way out of the trap */
		struct uthread *child = ut->spawning;
		s->spawn = slot_address(child->index);
		ut->out_flags |= OUT_SPAWN;
		child->started = true;
		place_spawned(ut, child);
		child->spawner = NULL;
		ut->spawning = NULL;
	}
	s->out_flags = ut->out_flags;
	s->staged = 0;
}

static void send_answer(struct uthread *ut)
{
	struct slot *s = ut->slot;
	u32 asleep;

	list_del_init(&ut->serving_node);
	local_to_slot(ut);
	ut->running = true;
	ut->kicked = false;
	list_add_tail(&ut->run_node, &platform()->running);
	platform()->running_count++;
	ut->soon = platform()->late[ut->nr % LATE_COUNT] < 2;
	platform()->soon_count += ut->soon;
	ut->run_since = cycles();
	shared_store(&s->state, SLOT_REPLY);
	full_fence();
	asleep = shared_load(&s->asleep);
	ut->woken = asleep != 0;
	ut->delayed |= ut->woken;
	if (ut->woken)
		place_woken(ut, asleep);
	/* perhaps a memory thread that is to begin it waits there, too */
	ut->near = (asleep == 1 + this_cpu() && ut->beside != asleep) || shared_load(&s->live) <= 1;
	platform()->near_count += ut->near;
	platform()->delayed_count += ut->soon && ut->delayed;
	if (ut->woken)
		shared_wake(&s->state);
	turn_in_guest(ut->coro, ut->run_since, ut->woken);
}

/* The thread has no host thread, and nobody's answer will start it: the memory thread does. */
static int start_host_thread(struct uthread *ut)
{
	u64 at = slot_address(ut->index);
	int err;

	if (ut->spawner) {
		ut->spawner->spawning = NULL;
		ut->spawner = NULL;
	}
	ut->started = true;
	err = stub_request_begin(ut->as);
	if (err)
		return err;
	ut->as->req->call[0] = (struct host_call){
	    .nr = SYS_clone, .arg = {CLONE_FLAGS_FIRST, 0, at + SLOT_O_LIVE, at + SLOT_O_LIVE, 0, at}};
	err = stub_request(ut->as, 1);
	if (!err && ut->as->res->ret[0] < 0)
		err = (int)ut->as->res->ret[0];
	return err;
}

/* ---- traps ---- */

void uthread_ops_done(struct uthread *ut)
{
	ut->op_state = OPS_NONE;
	list_del_init(&ut->op_node);
}

void mark_gone(struct uthread *ut)
{
	ut->gone = true;
	ut->ready = true;
	leave_running(ut);
	ut->running = false;
	if (ut->coro) {
		turn_trapped(ut->coro);
		coro_wake(ut->coro);
	}
}

void uthread_lost(struct uthread *ut)
{
	mark_gone(ut);
}

/* Takes the trap out of the slot, once. */
static void take_trap(struct uthread *ut)
{
	struct slot *s = ut->slot;

	predict(ut);
	leave_running(ut);
	ut->running = false;
	ut->guest_cycles += cycles_since(ut->run_since);
	ut->traps++;
	if (ut->op_state == OPS_SENT)
		uthread_ops_done(ut);
	local_from_slot(ut);
	ut->event = s->event;
	ut->nr = s->nr;
	memcpy(ut->arg, s->arg, sizeof(ut->arg));
	ut->staged = s->staged;
	ut->push_size = ut->out_flags & OUT_PUSH ? ut->push_size : 0;
	ut->out_flags = 0;
	ut->regs_set = false;
	stage_reset(ut);
	if (!frame_check(ut, *(volatile u64 *)&s->frame))
		ut->gone = true; /* only a guest that writes into slots gets here */
	ut->ready = true;
	list_add_tail(&ut->serving_node, &platform()->serving);
	if (ut->coro) {
		turn_trapped(ut->coro);
		coro_wake(ut->coro);
	}
}

static void kick(struct uthread *ut)
{
	u32 tid = shared_load(&ut->slot->live);

	if (tid <= 1) /* its host thread is just being started: again at the next turn */
		return;
	ut->kick_wanted = false;
	ut->kicked = true;
	/* tgkill reaches only threads of that very stub, whatever number the guest has written there */
	if (syscall(SYS_tgkill, ut->as->pid, tid, SIGURG) && errno == ESRCH)
		mark_gone(ut);
}

bool uthread_poll_all(struct platform *p)
{
	struct uthread *ut, *next;
	bool moved = false;

	list_for_each_entry_safe (ut, next, &p->running, run_node) {
		if (shared_load(&ut->slot->state) == SLOT_TRAP) {
			take_trap(ut);
			moved = true;
		} else if (ut->kick_wanted) {
			kick(ut);
		}
	}
	return moved;
}

void uthread_interrupt(struct uthread *ut)
{
	if (!ut->running || ut->gone || ut->kicked)
		return;
	ut->kick_wanted = true;
	kick(ut);
}

bool uthread_changes_map(const struct uthread *ut)
{
	return ut->op_state == OPS_QUEUED;
}

u64 uthread_trap_count(const struct uthread *ut)
{
	return ut->traps;
}

bool uthread_running(const struct uthread *ut)
{
	return ut->running && !ut->gone;
}

void describe_trap(struct uthread *ut, struct trap *t)
{
	struct slot *s = ut->slot;

	memset(t, 0, sizeof(*t));
	if (ut->gone) {
		t->kind = TRAP_GONE;
		return;
	}
	switch (ut->event) {
	case EVENT_SYSCALL:
	case EVENT_FOREIGN:
		t->kind = TRAP_SYSCALL;
		t->foreign_arch = ut->event == EVENT_FOREIGN;
		t->nr = ut->nr;
		memcpy(t->args, ut->arg, sizeof(t->args));
		break;
	case EVENT_FAULT:
		t->kind = TRAP_FAULT;
		t->signo = s->signo;
		t->code = s->code;
		t->addr = s->fault_addr;
		t->error_code = s->error_code;
		t->trapno = s->trapno;
		if (t->signo < 1 || t->signo > 31)
			t->signo = SIGSEGV;
		break;
	case EVENT_UNPUSHED:
		t->kind = TRAP_FAULT;
		t->signo = SIGSEGV;
		t->code = SEGV_MAPERR;
		t->addr = ut->push_addr;
		t->error_code = 6; /* a write by the guest */
		t->trapno = 14;    /* a page fault */
		break;
	default: /* EVENT_KICK, or nonsense */
		t->kind = TRAP_KICK;
		break;
	}
}

/* Answers and sleeps until the next trap has been taken. */
void go_on(struct uthread *ut)
{
	struct platform *p = platform();

	if (p->frozen)
		wait_event_uninterruptible(&p->thaw, !p->frozen);
	while (ut->as->moved && ut->as->state == ASPACE_UP)
		sched_yield_now();
	if (ut->gone || ut->aside || ut->as->state != ASPACE_UP) {
		ut->gone = true;
		return;
	}
	fill_answer(ut);
	ut->ready = false;
	ut->coro = coro_current();
	send_answer(ut);
	if (!ut->started && start_host_thread(ut))
		mark_gone(ut);
	while (!ut->ready)
		if (sched_sleep(TIME_NEVER, SLEEP_UNINTERRUPTIBLE))
			continue;
	ut->coro = NULL;
}

/* The thread could not write what it should; perhaps the host can. False: there was nothing, or it cannot. */
static bool push_after_all(struct uthread *ut)
{
	if (ut->gone || ut->event != EVENT_UNPUSHED)
		return false;
	if (!ut->push_size) { /* forged */
		ut->event = EVENT_KICK;
		return false;
	}
	return !push_flush(ut);
}

void uthread_run(struct uthread *ut, struct trap *out)
{
	do
		go_on(ut);
	while (push_after_all(ut));
	if (ut->fast && !ut->gone && (ut->event != EVENT_SYSCALL || stage_needs_frame(ut->nr)))
		uthread_redo_full(ut, out); /* forged: the stub makes such calls by a full trap */
	else
		describe_trap(ut, out);
}

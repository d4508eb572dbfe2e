/*
 * membarrier.c - membarrier(2).
 *
 * The private commands concern the threads of one address space, which are the threads of one host process:
 * the host's own membarrier, made by the calling thread as the last step of its trap, is exact for them
 * (those that wait for the sentry included: they passed a full fence when they handed over).
 *
 * The global commands concern other processes too, and the host's would not stop at the sandbox's border.
 * Each thread that runs guest code is interrupted; when it has trapped, it has passed the fence of the
 * hand-over, and whoever was trapped already has passed it before the call began. A thread that went on
 * meanwhile did so after the call began, from a trap: also past its fence.
 */
#include <errno.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm_priv.h"

enum {
	CMD_QUERY = 0,
	CMD_GLOBAL = 1,
	CMD_GLOBAL_EXPEDITED = 2,
	CMD_REGISTER_GLOBAL_EXPEDITED = 4,
	CMD_PRIVATE_EXPEDITED = 8,
	CMD_REGISTER_PRIVATE_EXPEDITED = 16,
	CMD_PRIVATE_EXPEDITED_SYNC_CORE = 32,
	CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64,
	CMD_GET_REGISTRATIONS = 512
};
/* The commands for restartable sequences are refused as by a kernel without them. */
#define COMMANDS                                                                                             \
	(CMD_GLOBAL | CMD_GLOBAL_EXPEDITED | CMD_REGISTER_GLOBAL_EXPEDITED | CMD_PRIVATE_EXPEDITED |         \
	 CMD_REGISTER_PRIVATE_EXPEDITED | CMD_PRIVATE_EXPEDITED_SYNC_CORE |                                  \
	 CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | CMD_GET_REGISTRATIONS)
#define PATIENCE_NS NSEC_PER_SEC

struct seen {
	struct task *task; /* counted */
	u64 traps;
};

/* Those that run guest code now and are meant, each interrupted. */
static int interrupt_all(bool registered_only, struct seen **out, u32 *count)
{
	struct seen *list = knew_array(struct seen, kernel()->task_count + 1);
	struct task *t;
	u32 n = 0;

	if (!list)
		return -ENOMEM;
	list_for_each_entry (t, &kernel()->tasks, all_node) {
		if (!t->ut || !t->mm || !uthread_running(t->ut) || n > kernel()->task_count)
			continue;
		if (registered_only && !(t->mm->membarrier & CMD_REGISTER_GLOBAL_EXPEDITED))
			continue;
		list[n++] = (struct seen){task_get(t), uthread_trap_count(t->ut)};
		uthread_interrupt(t->ut);
	}
	*out = list;
	*count = n;
	return 0;
}

static bool has_trapped(const struct seen *s)
{
	return !s->task->ut || !uthread_running(s->task->ut) || uthread_trap_count(s->task->ut) != s->traps;
}

static int barrier_everywhere(bool registered_only)
{
	u64 deadline = clock_monotonic() + PATIENCE_NS;
	struct seen *list;
	u32 count;
	int err = interrupt_all(registered_only, &list, &count);

	if (err)
		return err;
	for (u32 i = 0; i < count; i++) {
		/* one that does not come in time can only have blocked the host's signal by force: it harms
		 * its own sandbox alone */
		while (!has_trapped(&list[i]) && clock_monotonic() < deadline)
			sched_yield_now();
		task_put(list[i].task);
	}
	kfree(list);
	return 0;
}

static int on_host(struct mm *mm, struct uthread *by, int cmd)
{
	return aspace_membarrier(mm->as, by, cmd);
}

s64 mm_membarrier(struct mm *mm, struct uthread *by, int cmd, u32 flags)
{
	int err;

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case CMD_QUERY:
		return COMMANDS;
	case CMD_GET_REGISTRATIONS:
		return mm->membarrier;
	case CMD_GLOBAL:
		return barrier_everywhere(false);
	case CMD_GLOBAL_EXPEDITED:
		return barrier_everywhere(true);
	case CMD_REGISTER_GLOBAL_EXPEDITED:
		mm->membarrier |= CMD_REGISTER_GLOBAL_EXPEDITED;
		return 0;
	case CMD_REGISTER_PRIVATE_EXPEDITED:
	case CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		err = on_host(mm, by, cmd);
		if (!err)
			mm->membarrier |= (u32)cmd;
		return err;
	case CMD_PRIVATE_EXPEDITED:
		return mm->membarrier & CMD_REGISTER_PRIVATE_EXPEDITED ? on_host(mm, by, cmd) : -EPERM;
	case CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		return mm->membarrier & CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE ? on_host(mm, by, cmd)
										 : -EPERM;
	default:
		return -EINVAL;
	}
}

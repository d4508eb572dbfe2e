/*
 * dispatch.c - from a trap to its handler, and the count of what is missing.
 *
 * A call without a handler is ENOSYS and counted by number; `stats` on the control socket names it.
 */
#include <errno.h>

#include "sandbox/kernel/task.h"
#include "sandbox/syscalls/syscalls.h"

struct syscall_stats {
	u64 missing[512];
	u64 unknown; /* numbers outside the table */
};

static void count_missing(u64 nr)
{
	struct kernel *k = kernel();

	if (!k->stats)
		k->stats = knew(struct syscall_stats);
	if (!k->stats)
		return;
	if (nr < ARRAY_COUNT(k->stats->missing))
		k->stats->missing[nr]++;
	else
		k->stats->unknown++;
}

void syscall_stats_walk(void (*fn)(const char *name, u64 count, void *arg), void *arg)
{
	struct syscall_stats *s = kernel()->stats;

	if (!s)
		return;
	for (u32 i = 0; i < ARRAY_COUNT(s->missing); i++)
		if (s->missing[i])
			fn(i < syscall_table_count && syscall_table[i].name ? syscall_table[i].name
									    : "unknown",
			   s->missing[i], arg);
	if (s->unknown)
		fn("unknown", s->unknown, arg);
}

s64 syscall_dispatch(struct task *t)
{
	const struct syscall_desc *d = NULL;
	u64 args[6]; /* a copy: the handler may sleep, and the trap belongs to the next call then */
	s64 ret;

	t->syscall_count++;
	if (!t->trap.foreign_arch && t->trap.nr < syscall_table_count)
		d = &syscall_table[t->trap.nr];
	memcpy(args, t->trap.args, sizeof(args));
	if (!d || !d->fn) {
		count_missing(t->trap.nr);
		ret = -ENOSYS;
	} else {
		if (kernel()->strace)
			strace_enter(t, d, args);
		ret = d->fn(t, args);
	}
	if (kernel()->strace)
		strace_log(t, d, args, ret);
	return ret;
}

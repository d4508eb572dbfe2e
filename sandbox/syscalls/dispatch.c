/*
 * dispatch.c - from a trap to its handler, and the count of what was called and how it ended.
 *
 * A call without a handler is ENOSYS and counted by number; `stats` on the control socket names it. The
 * others are counted by success and failure: the tests' evidence that both were seen
 * (tests/checks/coverage.py).
 */
#include <errno.h>

#include "sandbox/kernel/task.h"
#include "sandbox/syscalls/syscalls.h"

#define NUMBERS 512

struct syscall_stats {
	u64 missing[NUMBERS];
	u64 unknown; /* numbers outside the table */
	struct syscall_ends ends[NUMBERS];
};

static struct syscall_stats *stats(void)
{
	struct kernel *k = kernel();

	if (!k->stats)
		k->stats = knew(struct syscall_stats);
	return k->stats;
}

static void count_missing(u64 nr)
{
	struct syscall_stats *s = stats();

	if (!s)
		return;
	if (nr < NUMBERS)
		s->missing[nr]++;
	else
		s->unknown++;
}

/* What a signal cut short, to be begun again or not, is neither. */
static void count_end(u64 nr, s64 ret)
{
	struct syscall_stats *s = stats();

	if (!s || nr >= NUMBERS || (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK))
		return;
	if (ret < 0 && ret >= -4095)
		s->ends[nr].failed++;
	else
		s->ends[nr].done++;
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

void syscall_ends_walk(void (*fn)(const char *name, const struct syscall_ends *ends, void *arg), void *arg)
{
	struct syscall_stats *s = kernel()->stats;

	for (u32 i = 0; s && i < NUMBERS && i < syscall_table_count; i++)
		if (s->ends[i].done || s->ends[i].failed)
			fn(syscall_table[i].name, &s->ends[i], arg);
}

s64 syscall_dispatch(struct task *t)
{
	const struct syscall_desc *d = NULL;
	u64 nr = t->trap.nr;
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
		count_end(nr, ret);
	}
	if (kernel()->strace)
		strace_log(t, d, args, ret);
	return ret;
}

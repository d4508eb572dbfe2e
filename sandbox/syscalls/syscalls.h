/*
 * syscalls.h - the system-call table and its dispatcher.
 *
 * A handler sys_NAME(t, a) lives in the file of its family in this folder. It decodes the six raw arguments,
 * copies in, makes one call into the object's own module, copies out, and returns the result or -errno. It
 * holds no semantics of its own. It may sleep. It may set t->regs_changed if it has set the registers itself.
 */
#ifndef WARREN_SYSCALLS_SYSCALLS_H
#define WARREN_SYSCALLS_SYSCALLS_H

#include "sandbox/base/types.h"

struct task;

enum arg_kind {
	ARG_FD,
	ARG_AT_FD,
	ARG_INT,
	ARG_UINT,
	ARG_LONG,
	ARG_SIZE,
	ARG_OFF,
	ARG_HEX,
	ARG_PTR,
	ARG_STR,
	ARG_IN,
	ARG_OUT,
	ARG_INF,
	ARG_OUTF,
	ARG_INA,
	ARG_OUTA,
	ARG_BOTHA,
	ARG_BOTHF,
	ARG_FDSET,
	ARG_OPENFLAGS,
	ARG_MODE,
	ARG_SIGNAL,
	ARG_PID,
	ARG_PROT,
	ARG_MAPFLAGS,
	ARG_CLONEFLAGS,
	ARG_FUTEXOP,
	ARG_WHENCE,
	ARG_CLOCK,
	ARG_FLAGS
};

enum syscall_level { LEVEL_UNKNOWN, LEVEL_FULL, LEVEL_PARTIAL, LEVEL_NONE };

struct syscall_desc {
	const char *name; /* NULL: no such number */
	s64 (*fn)(struct task *t, const u64 *a);
	u8 level, arg_count;
	struct {
		u8 kind;
		u16 param;
	} arg[6];
};

extern const struct syscall_desc syscall_table[];
extern const unsigned syscall_table_count;

/* Serves the system call in t->trap; returns the result (may be an internal -ERESTART*). [sleeps] */
s64 syscall_dispatch(struct task *t);
/* How often an unimplemented call was asked for; NULL-safe, for `stats`. */
void syscall_stats_walk(void (*fn)(const char *name, u64 count, void *arg), void *arg);
struct syscall_ends {
	u64 done, failed;
};
/* How often each call that was made succeeded and failed. */
void syscall_ends_walk(void (*fn)(const char *name, const struct syscall_ends *ends, void *arg), void *arg);
/* For --strace: announces a call that may not come back. */
void strace_enter(struct task *t, const struct syscall_desc *d, const u64 *args);
/* One decoded line with its result for --strace. */
void strace_log(struct task *t, const struct syscall_desc *d, const u64 *args, s64 ret);

/* Argument decoding: the low 32 bits as Linux takes them. */
static inline int arg_int(u64 v)
{
	return (int)(u32)v;
}

#endif

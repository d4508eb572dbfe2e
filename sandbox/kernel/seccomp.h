/*
 * seccomp.h - seccomp(2): the guest's own filters, run by this kernel before each of the task's calls.
 *
 * A filter is immutable; a task points at its newest, whose `prev` are the older ones, so filters form a tree
 * that tasks share after fork. `users` counts tasks (and younger filters) that a call can still come from:
 * when it is 0 a listener hears a hang-up.
 */
#ifndef WARREN_KERNEL_SECCOMP_H
#define WARREN_KERNEL_SECCOMP_H

#include "sandbox/abi/seccomp.h"
#include "sandbox/base/bpf.h"
#include "sandbox/base/types.h"

struct task;
struct file;
struct seccomp_filter;

struct seccomp_task {
	u8 mode; /* LINUX_SECCOMP_MODE_*; 0 none */
	u32 filter_count;
	struct seccomp_filter *filter; /* counted */
};

/* ---- classic BPF (seccomp_bpf.c) ---- */
#define SECCOMP_INSNS_MAX 4096U
/* Is it a program that Linux would take as a seccomp filter? 0 or -EINVAL; -ENOMEM. */
int seccomp_bpf_check(const struct bpf_insn *f, u32 len) must_check;
/* Runs a checked program: its SECCOMP_RET_* value. */
u32 seccomp_bpf_run(const struct bpf_insn *f, const struct linux_seccomp_data *d);

/* ---- modes ---- */
int seccomp_set_strict(struct task *t) must_check;
/* Adds the filter at guest address `fprog`. 0; a descriptor with NEW_LISTENER; with TSYNC the id of a thread
 * that cannot follow; -errno. */
s64 seccomp_set_filter(struct task *t, u32 flags, uaddr_t fprog) must_check;
/* -EOPNOTSUPP for an action Linux does not know. */
int seccomp_action_known(u32 action) must_check;

/* A new task inherits; a task that ends lets go. */
void seccomp_fork(struct task *parent, struct task *child);
void seccomp_exit(struct task *t);

/* Before the task's pending call: true, go on (its number may be another now); false: it is answered by *ret,
 * or the thread's registers are set. Does not return if the filter kills. [sleeps] */
bool seccomp_enter(struct task *t, s64 *ret);

/* ptrace(2): filter `index` counted from the oldest. Its program to be copied: *len instructions; NULL none.
 */
const struct bpf_insn *seccomp_nth_filter(struct task *t, u64 index, u32 *len, bool *log);

#endif

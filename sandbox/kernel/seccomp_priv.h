/*
 * seccomp_priv.h - what seccomp.c and seccomp_notify.c share.
 */
#ifndef WARREN_KERNEL_SECCOMP_PRIV_H
#define WARREN_KERNEL_SECCOMP_PRIV_H

#include "sandbox/kernel/task_priv.h"

struct seccomp_notify; /* seccomp_notify.c */

struct seccomp_filter {
	struct object obj;
	u32 users;
	struct seccomp_filter *prev; /* counted */
	struct seccomp_notify *notify;
	bool log, wait_killable;
	u32 len;
	struct bpf_insn insn[];
};

struct seccomp_filter *seccomp_filter_get(struct seccomp_filter *f);
void seccomp_filter_put(struct seccomp_filter *f);

/* Gives the filter a listener and its file. */
int seccomp_listener_new(struct seccomp_filter *f, struct file **out) must_check;
void seccomp_listener_free(struct seccomp_filter *f);
/* Asks the listener about a call: true, let it run; false, *ret is the answer. [sleeps] */
bool seccomp_listener_ask(struct task *t, struct seccomp_filter *f, const struct linux_seccomp_data *d,
			  s64 *ret);
/* No call can come from it any more. */
void seccomp_listener_hangup(struct seccomp_filter *f);
bool seccomp_has_listener(const struct seccomp_filter *f);

#endif

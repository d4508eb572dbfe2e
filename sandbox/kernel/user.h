/*
 * user.h - what is counted per user of the sandbox: queued signals, tasks, descriptors in flight, for
 * RLIMIT_SIGPENDING, RLIMIT_NPROC and unix(7)'s ETOOMANYREFS. A user exists while something is charged to it.
 * Keyed by the id in the root user namespace.
 */
#ifndef WARREN_KERNEL_USER_H
#define WARREN_KERNEL_USER_H

#include "sandbox/base/object.h"
#include "sandbox/base/tree.h"

struct key;

struct user {
	struct object obj;
	struct tree_node node; /* in kernel()->users */
	u32 uid;
	u64 sigpending, tasks;
	u64 mqueue_bytes;                      /* RLIMIT_MSGQUEUE */
	u64 unix_inflight;                     /* descriptors on their way through unix sockets */
	struct key *keyring, *session_keyring; /* _uid.N, _uid_ses.N; NULL until somebody asks */
	u64 keys, key_bytes;                   /* quota: kernel/key.c */
};

/* The user with this id, counted; NULL without memory. */
struct user *user_get(u32 uid) must_check;
void user_put(struct user *u);

#endif

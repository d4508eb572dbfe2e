/*
 * account.h - how the sentry asks the keeper for files about a stub: the messages between the two.
 *
 * The sentry opens no path. The keeper (main/keeper.c), init of the sandbox's PID namespace, has a proc mount
 * of that namespace which is attached nowhere; on request it opens one of four files of one process and hands
 * the descriptor over. Where no proc can be mounted (masked in a container), the kernel's calls give -ENOSYS.
 *
 * Survives a checkpoint: nothing of it is needed. Descriptors are dropped and asked for anew.
 */
#ifndef WARREN_PLATFORM_ACCOUNT_H
#define WARREN_PLATFORM_ACCOUNT_H

#include "sandbox/platform/platform.h" /* enum account_file */

/* A restored sentry's socket; -1: there is none. */
void account_restore(int fd);
/* The stub of `as` is a new one: its clock goes on where the old one's stood. */
void account_respawned(struct aspace *as);

/* One message each way, in order. */
struct account_request {
	u32 file; /* enum account_file */
	s32 pid;
};
struct account_reply {
	s32 error; /* 0: a descriptor comes with it */
};

#endif

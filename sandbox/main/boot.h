/*
 * boot.h - how a sandbox's processes come to be: the started process, the keeper, the sentry.
 *
 *     warrend ── starts ──> starter ── forks ──> keeper (pid 1 of the PID namespace) ── forks ──> sentry
 *
 * The starter makes the namespaces, waits until the sentry says that it stands, writes the ready line and
 * ends. The keeper reaps, and ends when the sentry ends; its end is the end of everything in the namespace.
 * Both keeper and sentry live in an empty root without rights; the sentry's stubs are the keeper's children.
 *
 * Everything here runs before the kernel: libc may be used freely until sentry_main() enters the loop.
 */
#ifndef WARREN_MAIN_BOOT_H
#define WARREN_MAIN_BOOT_H

#include <sys/types.h>

#include "sandbox/base/types.h"

struct boot_options {
	int control_fd, ready_fd, log_fd; /* log_fd -1: silent */
	const char *id;
	u64 memory_bytes, task_limit; /* 0: none given */
	bool strace;
	int lease_fd;                  /* what the keeper holds and nobody reads, or -1: keeper.c */
	int manifest_fd, pages_fd;     /* of the image to go on from, or -1 */
	u64 monotonic_ns, boottime_ns; /* what clocks said when it was made */

	/* found out while booting */
	bool own_uid; /* uid is this sandbox's alone */
	bool
	    may_ptrace; /* the host's Yama lets only a privileged process read its siblings: keep the right */
	uid_t uid;      /* what keeper, sentry and stubs run as */
	gid_t gid;
	int report_fd; /* boot's outcome, read by the starter: "+", or why not */
	int proc_fd;   /* the host's /proc, until the sentry has opened its own map */
	int null_fd;
	int account_fd; /* the sentry's end of the socket to the keeper (platform/account.h), or -1 */
};

/* The keeper's descriptors. */
enum { KEEPER_LOG_FD = 3, KEEPER_SOCK_FD, KEEPER_PROC_FD, KEEPER_SIGNAL_FD, KEEPER_LEASE_FD };

/* Says why boot fails, to the starter, and ends the process. */
void boot_fail(const struct boot_options *o, const char *fmt, ...) printf_like(2, 3)
    __attribute__((noreturn));

/* base.c: the first thing main() does: goes on at a load address of its own, `wanted` or a random one (0). */
void base_choose(int argc, char **argv, u64 wanted);
/* Where that is; 0 if it could not be done. */
u64 base_address(void);
bool base_is_own(void);

/* crash.c: a fault of the sentry says where it was. */
void crash_install(void);

/* confine.c */
/* Chooses the sandbox's uid and enters new namespaces; the next fork's child is init of the PID namespace. */
void confine_namespaces(struct boot_options *o);
/* Makes an empty read-only tree the root, for good. */
void confine_root(const struct boot_options *o);
/* Gives up users, groups and capabilities. `keep_ptrace`: but CAP_SYS_PTRACE in our own user namespace. */
void confine_rights(const struct boot_options *o, bool keep_ptrace);

/* filter.c */
/* The system calls a running sentry / a keeper needs, everything else kills the process. 0 or -errno. */
int filter_install_sentry(void) must_check;
int filter_install_keeper(void) must_check;

/* keeper.c: init of the PID namespace. Forks the sentry; does not return. */
void keeper_main(struct boot_options *o) __attribute__((noreturn));
/* sentry.c: does not return. */
void sentry_main(struct boot_options *o) __attribute__((noreturn));

#endif

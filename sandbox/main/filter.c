/*
 * filter.c - the system calls that keeper and sentry may make once they stand; any other ends the process.
 *
 * The sentry opens no path, makes no socket, starts no process and maps nothing executable. Whoever adds a
 * host call to the sentry adds it here, with the narrowest arguments.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sandbox/main/boot.h"

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#endif

struct rule {
	int call;
	int arg; /* -1: any arguments */
	u64 mask, value;
};

#define ANY(name)                                                                                            \
	{                                                                                                    \
		__NR_##name, -1, 0, 0                                                                        \
	}
#define WHEN(name, arg, m, v)                                                                                \
	{                                                                                                    \
		__NR_##name, arg, m, v                                                                       \
	}
#define EQUALS(name, arg, v) WHEN(name, arg, 0xffffffff, v)

static const struct rule sentry_rules[] = {
    /* the loop: epoll, doorbell, hand-over */
    ANY(epoll_pwait2),
    ANY(epoll_pwait),
    ANY(epoll_wait),
    ANY(epoll_ctl),
    ANY(epoll_create1),
    ANY(poll),
    ANY(ppoll),
    ANY(futex),
    ANY(sched_yield),
    ANY(clock_gettime),
    ANY(clock_getres),
    ANY(gettimeofday),
    ANY(restart_syscall),
    ANY(rt_sigreturn),

    /* moving data over descriptors it was given */
    ANY(read),
    ANY(write),
    ANY(readv),
    ANY(writev),
    ANY(pread64),
    ANY(pwrite64),
    ANY(preadv),
    ANY(pwritev),
    ANY(preadv2),
    ANY(pwritev2),
    ANY(lseek),
    ANY(fsync),
    ANY(fdatasync),
    ANY(sync_file_range),
    ANY(ftruncate),
    ANY(fallocate),
    ANY(copy_file_range),
    ANY(fstat),
    ANY(fstatfs),
    EQUALS(newfstatat, 3, AT_EMPTY_PATH),
    ANY(close),
    ANY(dup),
    ANY(sendmsg),
    ANY(recvmsg),
    ANY(sendto),
    ANY(recvfrom),
    ANY(shutdown),
    EQUALS(accept4, 3, SOCK_NONBLOCK | SOCK_CLOEXEC),
    EQUALS(getsockopt, 1, SOL_SOCKET),
    EQUALS(fcntl, 1, F_GETFL),
    EQUALS(fcntl, 1, F_SETFL),
    EQUALS(fcntl, 1, F_GETFD),
    EQUALS(fcntl, 1, F_SETFD),
    EQUALS(fcntl, 1, F_DUPFD_CLOEXEC),
    EQUALS(fcntl, 1, F_ADD_SEALS),
    EQUALS(fcntl, 1, F_GET_SEALS),
    EQUALS(ioctl, 1, FIONREAD),

    /* its own memory: nothing executable */
    WHEN(mmap, 2, PROT_EXEC, 0),
    WHEN(mprotect, 2, PROT_EXEC, 0),
    ANY(munmap),
    ANY(mremap),
    ANY(madvise),
    ANY(mincore),
    ANY(brk),
    ANY(memfd_create),
    ANY(eventfd2),

    /* the stubs, known by pidfd; process_vm_* reach only processes of the sandbox's own uid */
    ANY(process_vm_readv),
    ANY(process_vm_writev),
    ANY(pidfd_open),
    ANY(pidfd_send_signal),
    EQUALS(kill, 1, SIGKILL),
    ANY(tgkill), /* kicks to guest threads, and abort */
    ANY(getpid),
    ANY(gettid),
    ANY(sched_getaffinity),
    ANY(sched_setaffinity),
    ANY(getrandom),
    ANY(getrusage),
    ANY(rt_sigprocmask),
    ANY(rt_sigaction), /* abort restores the default */
    ANY(exit),
    ANY(exit_group),
};

static const struct rule keeper_rules[] = {
    ANY(wait4),
    ANY(write),
    ANY(rt_sigreturn),
    ANY(restart_syscall),
    ANY(exit),
    ANY(exit_group),

    /* the sentry's requests: see keeper.c */
    ANY(poll),
    EQUALS(read, 0, KEEPER_SIGNAL_FD),
    EQUALS(recvfrom, 0, KEEPER_SOCK_FD),
    EQUALS(sendmsg, 0, KEEPER_SOCK_FD),
    EQUALS(openat, 0, KEEPER_PROC_FD),
    ANY(close),
};

static int install(const struct rule *rules, size_t count)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < count; i++) {
		const struct rule *r = &rules[i];

		if (r->arg < 0)
			err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, r->call, 0);
		else
			err = seccomp_rule_add(
			    ctx, SCMP_ACT_ALLOW, r->call, 1,
			    SCMP_CMP((unsigned)r->arg, SCMP_CMP_MASKED_EQ, r->mask, r->value));
	}
	/* a binary tree: the loop's calls are answered after a few comparisons */
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return err;
}

int filter_install_sentry(void)
{
	return install(sentry_rules, ARRAY_COUNT(sentry_rules));
}

int filter_install_keeper(void)
{
	return install(keeper_rules, ARRAY_COUNT(keeper_rules));
}

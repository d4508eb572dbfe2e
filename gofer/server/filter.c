/*
 * The system calls that a gofer may make once it serves; everything else kills it. Nothing here opens a
 * socket that leads anywhere, executes, maps executable memory, signals, or looks at another process.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "gofer/server/server.h"

static const int g_plain[] = {
    /* the connection */
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(close),
    /* names */
    SCMP_SYS(openat),
    SCMP_SYS(readlinkat),
    SCMP_SYS(mkdirat),
    SCMP_SYS(symlinkat),
    SCMP_SYS(linkat),
    SCMP_SYS(unlinkat),
    SCMP_SYS(renameat2),
    SCMP_SYS(renameat), /* what renameat2() makes of no flags */
    /* nodes */
    SCMP_SYS(statx),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fchownat),
    SCMP_SYS(fchmodat),
    SCMP_SYS(utimensat),
    SCMP_SYS(truncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(syncfs),
    SCMP_SYS(getdents64),
    SCMP_SYS(lseek),
    /* attributes */
    SCMP_SYS(getxattr),
    SCMP_SYS(setxattr),
    SCMP_SYS(listxattr),
    SCMP_SYS(llistxattr),
    SCMP_SYS(removexattr),
    /* the process: memory, fork of a clone, the end */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(futex),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(wait4),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static int add_checked(scmp_filter_ctx f, int log_fd)
{
	const scmp_datum_t fork_flags = CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD;
	int err = 0;

	/* Only what fork() is: no namespaces, no shared memory. */
	err |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_EQ, fork_flags));
	/* Where we run ourselves. */
	err |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sched_setaffinity), 1, SCMP_A0(SCMP_CMP_EQ, 0));
	/* Anonymous private memory, never executable. */
	err |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
				SCMP_A2(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(PROT_READ | PROT_WRITE), 0),
				SCMP_A3(SCMP_CMP_EQ, MAP_PRIVATE | MAP_ANONYMOUS));
	/* A pair of our own, for a clone of the connection; no other socket. */
	err |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
				SCMP_A1(SCMP_CMP_EQ, SOCK_SEQPACKET | SOCK_CLOEXEC));
	/* FIFOs and socket names; with a device number there would be nothing to gain without MKNOD either.
	 */
	err |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mknodat), 2,
				SCMP_A2(SCMP_CMP_MASKED_EQ, 0170000, 0010000), SCMP_A3(SCMP_CMP_EQ, 0));
	err |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mknodat), 2,
				SCMP_A2(SCMP_CMP_MASKED_EQ, 0170000, 0140000), SCMP_A3(SCMP_CMP_EQ, 0));
	if (log_fd >= 0)
		err |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
					SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)log_fd));
	return err;
}

int filter_install(int sock, int log_fd)
{
#ifdef __SANITIZE_ADDRESS__
	(void)sock;
	(void)log_fd;
	(void)g_plain;
	(void)add_checked;
	return 0; /* the sanitizer's own calls are not on the list */
#else
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = f ? 0 : -ENOMEM;

	(void)sock;
	for (size_t i = 0; !err && i < sizeof(g_plain) / sizeof(g_plain[0]); i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, g_plain[i], 0);
	if (!err)
		err = add_checked(f, log_fd) ? -EINVAL : 0;
	if (!err)
		err =
		    seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list, of comparisons */
	if (!err)
		err = seccomp_load(f);
	seccomp_release(f);
	return err;
#endif
}

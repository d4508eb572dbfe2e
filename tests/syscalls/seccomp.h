/*
 * seccomp.h - filters as lists of instructions, and their installation.
 */
#ifndef WARREN_TESTS_SECCOMP_H
#define WARREN_TESTS_SECCOMP_H

#include "case.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV 32
#endif
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NR       BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ARG(n)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define RET(v)   BPF_STMT(BPF_RET | BPF_K, (v))
/* Call `call` gets action `act`, all others are allowed. */
#define ONLY(call, act)                                                                                      \
	NR, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), RET(act), RET(SECCOMP_RET_ALLOW)

static inline long seccomp(unsigned op, unsigned flags, void *arg)
{
	return syscall(SYS_seccomp, op, flags, arg);
}
static inline long install_n(struct sock_filter *f, size_t n, unsigned flags)
{
	struct sock_fprog p = {(unsigned short)n, f};

	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &p);
}
#define INSTALL(f, flags) install_n((f), COUNT(f), (flags))
static inline void nnp(void)
{
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

#endif

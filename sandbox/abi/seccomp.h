/*
 * abi/seccomp.h - seccomp(2): classic BPF, actions, user notification.
 */
#ifndef WARREN_ABI_SECCOMP_H
#define WARREN_ABI_SECCOMP_H

#include "sandbox/base/types.h"

#define LINUX_SECCOMP_MODE_STRICT              1
#define LINUX_SECCOMP_MODE_FILTER              2

#define LINUX_SECCOMP_SET_MODE_STRICT          0
#define LINUX_SECCOMP_SET_MODE_FILTER          1
#define LINUX_SECCOMP_GET_ACTION_AVAIL         2
#define LINUX_SECCOMP_GET_NOTIF_SIZES          3

#define LINUX_SECCOMP_FLAG_TSYNC               1U
#define LINUX_SECCOMP_FLAG_LOG                 2U
#define LINUX_SECCOMP_FLAG_SPEC_ALLOW          4U
#define LINUX_SECCOMP_FLAG_NEW_LISTENER        8U
#define LINUX_SECCOMP_FLAG_TSYNC_ESRCH         16U
#define LINUX_SECCOMP_FLAG_WAIT_KILLABLE_RECV  32U

#define LINUX_SECCOMP_RET_KILL_PROCESS         0x80000000U
#define LINUX_SECCOMP_RET_KILL_THREAD          0x00000000U
#define LINUX_SECCOMP_RET_TRAP                 0x00030000U
#define LINUX_SECCOMP_RET_ERRNO                0x00050000U
#define LINUX_SECCOMP_RET_USER_NOTIF           0x7fc00000U
#define LINUX_SECCOMP_RET_TRACE                0x7ff00000U
#define LINUX_SECCOMP_RET_LOG                  0x7ffc0000U
#define LINUX_SECCOMP_RET_ALLOW                0x7fff0000U
#define LINUX_SECCOMP_RET_ACTION_FULL          0xffff0000U
#define LINUX_SECCOMP_RET_DATA                 0x0000ffffU

#define LINUX_AUDIT_ARCH_X86_64                0xc000003eU
#define LINUX_AUDIT_ARCH_I386                  0x40000003U
#define LINUX_SYS_SECCOMP                      1 /* si_code of its SIGSYS */

#define LINUX_SECCOMP_USER_NOTIF_FLAG_CONTINUE 1U
#define LINUX_SECCOMP_ADDFD_FLAG_SETFD         1U
#define LINUX_SECCOMP_ADDFD_FLAG_SEND          2U

/* struct sock_filter is struct bpf_insn, base/bpf.h */
struct linux_sock_fprog {
	u16 len, pad[3];
	u64 filter;
};
struct linux_seccomp_data {
	s32 nr;
	u32 arch;
	u64 instruction_pointer, args[6];
};
static_assert(sizeof(struct linux_seccomp_data) == 64, "struct seccomp_data");

struct linux_seccomp_notif {
	u64 id;
	u32 pid, flags;
	struct linux_seccomp_data data;
};
static_assert(sizeof(struct linux_seccomp_notif) == 80, "struct seccomp_notif");
struct linux_seccomp_notif_resp {
	u64 id;
	s64 val;
	s32 error;
	u32 flags;
};
struct linux_seccomp_notif_addfd {
	u64 id;
	u32 flags, srcfd, newfd, newfd_flags;
};
static_assert(sizeof(struct linux_seccomp_notif_addfd) == 24, "struct seccomp_notif_addfd");

#define LINUX_SECCOMP_IOCTL_RECV         0xc0502100U
#define LINUX_SECCOMP_IOCTL_SEND         0xc0182101U
#define LINUX_SECCOMP_IOCTL_ID_VALID     0x40082102U
#define LINUX_SECCOMP_IOCTL_ID_VALID_OLD 0x80082102U /* as first published, with the wrong direction */
#define LINUX_SECCOMP_IOCTL_SET_FLAGS    0x40082104U

#endif

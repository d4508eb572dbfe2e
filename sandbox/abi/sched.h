/*
 * abi/sched.h - clone(2) flags, capability numbers and prctl(2) options.
 */
#ifndef WARREN_ABI_SCHED_H
#define WARREN_ABI_SCHED_H

#include "sandbox/base/types.h"

#define LINUX_CLONE_VM             0x00000100UL
#define LINUX_CLONE_FS             0x00000200UL
#define LINUX_CLONE_FILES          0x00000400UL
#define LINUX_CLONE_SIGHAND        0x00000800UL
#define LINUX_CLONE_PIDFD          0x00001000UL
#define LINUX_CLONE_PTRACE         0x00002000UL
#define LINUX_CLONE_VFORK          0x00004000UL
#define LINUX_CLONE_PARENT         0x00008000UL
#define LINUX_CLONE_THREAD         0x00010000UL
#define LINUX_CLONE_NEWNS          0x00020000UL
#define LINUX_CLONE_SETTLS         0x00080000UL
#define LINUX_CLONE_PARENT_SETTID  0x00100000UL
#define LINUX_CLONE_CHILD_CLEARTID 0x00200000UL
#define LINUX_CLONE_CHILD_SETTID   0x01000000UL
#define LINUX_CLONE_DETACHED       0x00400000UL
#define LINUX_CLONE_UNTRACED       0x00800000UL
#define LINUX_CLONE_NEWTIME        0x00000080UL
#define LINUX_CLONE_NEWCGROUP      0x02000000UL
#define LINUX_CLONE_NEWUTS         0x04000000UL
#define LINUX_CLONE_NEWIPC         0x08000000UL
#define LINUX_CLONE_NEWUSER        0x10000000UL
#define LINUX_CLONE_NEWPID         0x20000000UL
#define LINUX_CLONE_NEWNET         0x40000000UL
#define LINUX_CLONE_SYSVSEM        0x00040000UL
/* clone3(2) only */
#define LINUX_CLONE_CLEAR_SIGHAND 0x100000000UL
#define LINUX_CLONE_INTO_CGROUP   0x200000000UL
#define LINUX_CLONE_NEW_ALL                                                                                  \
	(LINUX_CLONE_NEWNS | LINUX_CLONE_NEWCGROUP | LINUX_CLONE_NEWUTS | LINUX_CLONE_NEWIPC |               \
	 LINUX_CLONE_NEWUSER | LINUX_CLONE_NEWPID | LINUX_CLONE_NEWNET | LINUX_CLONE_NEWTIME)

#define LINUX_CAP_CHOWN              0
#define LINUX_CAP_DAC_OVERRIDE       1
#define LINUX_CAP_DAC_READ_SEARCH    2
#define LINUX_CAP_FOWNER             3
#define LINUX_CAP_FSETID             4
#define LINUX_CAP_KILL               5
#define LINUX_CAP_SETGID             6
#define LINUX_CAP_SETUID             7
#define LINUX_CAP_SETPCAP            8
#define LINUX_CAP_NET_BIND_SERVICE   10
#define LINUX_CAP_NET_ADMIN          12
#define LINUX_CAP_NET_RAW            13
#define LINUX_ADDR_NO_RANDOMIZE      0x0040000U /* personality(2) */
#define LINUX_CAP_IPC_LOCK           14
#define LINUX_CAP_IPC_OWNER          15
#define LINUX_CAP_SYS_MODULE         16
#define LINUX_CAP_SYS_RAWIO          17
#define LINUX_CAP_SYS_CHROOT         18
#define LINUX_CAP_SYS_PTRACE         19
#define LINUX_CAP_SYS_PACCT          20
#define LINUX_CAP_SYS_ADMIN          21
#define LINUX_CAP_SYS_BOOT           22
#define LINUX_CAP_SYS_NICE           23
#define LINUX_CAP_SYS_RESOURCE       24
#define LINUX_CAP_SYS_TIME           25
#define LINUX_CAP_SYS_TTY_CONFIG     26
#define LINUX_CAP_MKNOD              27
#define LINUX_CAP_SETFCAP            31
#define LINUX_CAP_SYSLOG             34
#define LINUX_CAP_PERFMON            38
#define LINUX_CAP_BPF                39
#define LINUX_CAP_CHECKPOINT_RESTORE 40
#define LINUX_CAP_LAST               40

#endif

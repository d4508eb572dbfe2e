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
#define LINUX_CLONE_VFORK          0x00004000UL
#define LINUX_CLONE_PARENT         0x00008000UL
#define LINUX_CLONE_THREAD         0x00010000UL
#define LINUX_CLONE_NEWNS          0x00020000UL
#define LINUX_CLONE_SETTLS         0x00080000UL
#define LINUX_CLONE_PARENT_SETTID  0x00100000UL
#define LINUX_CLONE_CHILD_CLEARTID 0x00200000UL
#define LINUX_CLONE_CHILD_SETTID   0x01000000UL
/* NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET NEWTIME */
#define LINUX_CLONE_NEW_ALL       0x7e020080UL

#define LINUX_CAP_CHOWN           0
#define LINUX_CAP_DAC_OVERRIDE    1
#define LINUX_CAP_DAC_READ_SEARCH 2
#define LINUX_CAP_FOWNER          3
#define LINUX_CAP_FSETID          4
#define LINUX_CAP_KILL            5
#define LINUX_CAP_SETGID          6
#define LINUX_CAP_SETUID          7
#define LINUX_CAP_MKNOD           27
#define LINUX_CAP_SYS_CHROOT      18
#define LINUX_CAP_SYS_ADMIN       21
#define LINUX_CAP_SYS_RESOURCE    24

#endif

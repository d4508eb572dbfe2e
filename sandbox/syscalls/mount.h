/*
 * syscalls/mount.h - what the calls on mounts share.
 */
#ifndef WARREN_SYSCALLS_MOUNT_H
#define WARREN_SYSCALLS_MOUNT_H

#include "sandbox/base/types.h"

/* CAP_SYS_ADMIN over the task's mount namespace. */
bool may_mount(void);

#endif

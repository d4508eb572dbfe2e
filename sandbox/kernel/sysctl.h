/*
 * sysctl.h - the numbers below /proc/sys that root in the sandbox may read and set, one line each: this list
 * makes the files (fs/proc) and the values, which the parts of the kernel read by sysctl(SYSCTL_NAME).
 *
 *   X(NAME, "directory below /proc/sys", "file", mode, at boot, least, greatest)
 */
#ifndef WARREN_KERNEL_SYSCTL_H
#define WARREN_KERNEL_SYSCTL_H

#include "sandbox/base/types.h"

#define SYSCTL_LIST(X)                                                                                       \
	X(AIO_MAX_NR, "fs", "aio-max-nr", 0644, 65536, 0, INT64_MAX)                                         \
	X(DIR_NOTIFY, "fs", "dir-notify-enable", 0644, 1, 0, 1)                                              \
	X(FILE_MAX, "fs", "file-max", 0644, INT64_MAX, 0, INT64_MAX)                                         \
	X(FANOTIFY_EVENTS, "fs/fanotify", "max_queued_events", 0644, 16384, 0, INT32_MAX)                    \
	X(FANOTIFY_GROUPS, "fs/fanotify", "max_user_groups", 0644, 128, 0, INT32_MAX)                        \
	X(FANOTIFY_MARKS, "fs/fanotify", "max_user_marks", 0644, 65536, 0, INT32_MAX)                        \
	X(INOTIFY_EVENTS, "fs/inotify", "max_queued_events", 0644, 16384, 0, INT32_MAX)                      \
	X(INOTIFY_INSTANCES, "fs/inotify", "max_user_instances", 0644, 128, 0, INT32_MAX)                    \
	X(INOTIFY_WATCHES, "fs/inotify", "max_user_watches", 0644, 1048576, 0, INT32_MAX)                    \
	X(EPOLL_WATCHES, "fs/epoll", "max_user_watches", 0644, 3500000, 0, INT64_MAX)                        \
	X(LEASE_BREAK_TIME, "fs", "lease-break-time", 0644, 45, 0, INT32_MAX)                                \
	X(LEASES_ENABLE, "fs", "leases-enable", 0644, 1, 0, 1)                                               \
	X(MOUNT_MAX, "fs", "mount-max", 0644, 100000, 1, INT32_MAX)                                          \
	X(NR_OPEN, "fs", "nr_open", 0644, 1048576, 64, 1048576)                                              \
	X(PIPE_MAX_SIZE, "fs", "pipe-max-size", 0644, 1048576, 4096, INT32_MAX)                              \
	X(PROTECTED_FIFOS, "fs", "protected_fifos", 0600, 1, 0, 2)                                           \
	X(PROTECTED_HARDLINKS, "fs", "protected_hardlinks", 0600, 1, 0, 1)                                   \
	X(PROTECTED_REGULAR, "fs", "protected_regular", 0600, 2, 0, 2)                                       \
	X(OVERFLOWGID, "fs", "overflowgid", 0444, 65534, 0, 65535)                                           \
	X(OVERFLOWUID, "fs", "overflowuid", 0444, 65534, 0, 65535)                                           \
	X(SUID_DUMPABLE, "fs", "suid_dumpable", 0644, 0, 0, 2)                                               \
	X(PROTECTED_SYMLINKS, "fs", "protected_symlinks", 0600, 1, 0, 1)                                     \
	X(OVERCOMMIT_MEMORY, "vm", "overcommit_memory", 0644, 0, 0, 2)                                       \
	X(OVERCOMMIT_RATIO, "vm", "overcommit_ratio", 0644, 50, 0, INT32_MAX)                                \
	X(OVERCOMMIT_KBYTES, "vm", "overcommit_kbytes", 0644, 0, 0, INT64_MAX)                               \
	X(MAX_MAP_COUNT, "vm", "max_map_count", 0644, 65530, 0, 65530)                                       \
	X(MEMFD_NOEXEC, "vm", "memfd_noexec", 0644, 0, 0, 2)

#define SYSCTL_ENUM_(name, dir, file, mode, initial, min, max) SYSCTL_##name,
enum sysctl_id { SYSCTL_LIST(SYSCTL_ENUM_) SYSCTL_COUNT };
#undef SYSCTL_ENUM_

/* Allocates the values as they are at boot. 0 or -ENOMEM. */
int sysctl_init(void);
u64 sysctl(enum sysctl_id id);
/* -EINVAL outside the limits. */
int sysctl_set(enum sysctl_id id, u64 value) must_check;

#endif

/*
 * abi/inotify.h - inotify(7) as x86-64 guests see it.
 */
#ifndef WARREN_ABI_INOTIFY_H
#define WARREN_ABI_INOTIFY_H

#include "sandbox/base/types.h"

#define LINUX_IN_ACCESS        0x001U
#define LINUX_IN_MODIFY        0x002U
#define LINUX_IN_ATTRIB        0x004U
#define LINUX_IN_CLOSE_WRITE   0x008U
#define LINUX_IN_CLOSE_NOWRITE 0x010U
#define LINUX_IN_OPEN          0x020U
#define LINUX_IN_MOVED_FROM    0x040U
#define LINUX_IN_MOVED_TO      0x080U
#define LINUX_IN_CREATE        0x100U
#define LINUX_IN_DELETE        0x200U
#define LINUX_IN_DELETE_SELF   0x400U
#define LINUX_IN_MOVE_SELF     0x800U
#define LINUX_IN_ALL_EVENTS    0xfffU
#define LINUX_IN_UNMOUNT       0x2000U
#define LINUX_IN_Q_OVERFLOW    0x4000U
#define LINUX_IN_IGNORED       0x8000U
#define LINUX_IN_ONLYDIR       0x01000000U
#define LINUX_IN_DONT_FOLLOW   0x02000000U
#define LINUX_IN_EXCL_UNLINK   0x04000000U
#define LINUX_IN_MASK_CREATE   0x10000000U
#define LINUX_IN_MASK_ADD      0x20000000U
#define LINUX_IN_ISDIR         0x40000000U
#define LINUX_IN_ONESHOT       0x80000000U
#define LINUX_IN_ALL_BITS                                                                                    \
	(LINUX_IN_ALL_EVENTS | LINUX_IN_UNMOUNT | LINUX_IN_Q_OVERFLOW | LINUX_IN_IGNORED |                   \
	 LINUX_IN_ONLYDIR | LINUX_IN_DONT_FOLLOW | LINUX_IN_EXCL_UNLINK | LINUX_IN_MASK_CREATE |             \
	 LINUX_IN_MASK_ADD | LINUX_IN_ISDIR | LINUX_IN_ONESHOT)

struct linux_inotify_event {
	s32 wd;
	u32 mask, cookie, len; /* of the name that follows, padded with NULs */
};
static_assert(sizeof(struct linux_inotify_event) == 16, "struct inotify_event");

#endif

/*
 * abi/fanotify.h - fanotify(7) as x86-64 guests see it. The event bits below 0x1000 are inotify's.
 */
#ifndef WARREN_ABI_FANOTIFY_H
#define WARREN_ABI_FANOTIFY_H

#include "sandbox/abi/inotify.h"

#define LINUX_FAN_OPEN_EXEC      0x1000U
#define LINUX_FAN_Q_OVERFLOW     0x4000U
#define LINUX_FAN_FS_ERROR       0x8000U
#define LINUX_FAN_EVENT_ON_CHILD 0x08000000U
#define LINUX_FAN_RENAME         0x10000000U
#define LINUX_FAN_ONDIR          0x40000000U

/* Events that come with a path, and those of entries. */
#define LINUX_FAN_FD_EVENTS                                                                                  \
	(LINUX_IN_ACCESS | LINUX_IN_MODIFY | LINUX_IN_CLOSE_WRITE | LINUX_IN_CLOSE_NOWRITE | LINUX_IN_OPEN | \
	 LINUX_FAN_OPEN_EXEC)
#define LINUX_FAN_ENTRY_EVENTS                                                                               \
	(LINUX_IN_MOVED_FROM | LINUX_IN_MOVED_TO | LINUX_IN_CREATE | LINUX_IN_DELETE | LINUX_FAN_RENAME)
#define LINUX_FAN_EVENT_FLAGS (LINUX_FAN_EVENT_ON_CHILD | LINUX_FAN_ONDIR)
/* Without those that ask for permission: a kernel without CONFIG_FANOTIFY_ACCESS_PERMISSIONS. */
#define LINUX_FAN_ALL_EVENTS                                                                                 \
	(LINUX_FAN_FD_EVENTS | LINUX_FAN_ENTRY_EVENTS | LINUX_IN_ATTRIB | LINUX_IN_DELETE_SELF |             \
	 LINUX_IN_MOVE_SELF | LINUX_FAN_FS_ERROR)

/* fanotify_init(2) */
#define LINUX_FAN_CLOEXEC           0x1U
#define LINUX_FAN_NONBLOCK          0x2U
#define LINUX_FAN_CLASS_BITS        0xcU
#define LINUX_FAN_UNLIMITED_QUEUE   0x10U
#define LINUX_FAN_UNLIMITED_MARKS   0x20U
#define LINUX_FAN_REPORT_PIDFD      0x80U
#define LINUX_FAN_REPORT_TID        0x100U
#define LINUX_FAN_REPORT_FID        0x200U
#define LINUX_FAN_REPORT_DIR_FID    0x400U
#define LINUX_FAN_REPORT_NAME       0x800U
#define LINUX_FAN_REPORT_TARGET_FID 0x1000U
#define LINUX_FAN_REPORT_FD_ERROR   0x2000U
#define LINUX_FAN_FID_BITS          0x1e00U
/* what only the owner of the machine may ask for */
#define LINUX_FAN_ADMIN_FLAGS                                                                                \
	(LINUX_FAN_CLASS_BITS | LINUX_FAN_REPORT_TID | LINUX_FAN_REPORT_PIDFD | LINUX_FAN_REPORT_FD_ERROR |  \
	 LINUX_FAN_UNLIMITED_QUEUE | LINUX_FAN_UNLIMITED_MARKS)
#define LINUX_FAN_INIT_FLAGS                                                                                 \
	(LINUX_FAN_ADMIN_FLAGS | LINUX_FAN_CLOEXEC | LINUX_FAN_NONBLOCK | LINUX_FAN_FID_BITS)

/* fanotify_mark(2) */
#define LINUX_FAN_MARK_ADD                 0x1U
#define LINUX_FAN_MARK_REMOVE              0x2U
#define LINUX_FAN_MARK_DONT_FOLLOW         0x4U
#define LINUX_FAN_MARK_ONLYDIR             0x8U
#define LINUX_FAN_MARK_MOUNT               0x10U
#define LINUX_FAN_MARK_IGNORED_MASK        0x20U
#define LINUX_FAN_MARK_IGNORED_SURV_MODIFY 0x40U
#define LINUX_FAN_MARK_FLUSH               0x80U
#define LINUX_FAN_MARK_FILESYSTEM          0x100U
#define LINUX_FAN_MARK_EVICTABLE           0x200U
#define LINUX_FAN_MARK_IGNORE              0x400U
#define LINUX_FAN_MARK_ALL                 0x7ffU

struct linux_fanotify_event {
	u32 event_len;
	u8 vers, reserved;
	u16 metadata_len;
	u64 mask;
	s32 fd, pid;
};
static_assert(sizeof(struct linux_fanotify_event) == 24, "struct fanotify_event_metadata");
#define LINUX_FAN_VERSION 3
#define LINUX_FAN_NOFD    (-1)

enum {
	LINUX_FAN_INFO_FID = 1,
	LINUX_FAN_INFO_DFID_NAME,
	LINUX_FAN_INFO_DFID,
	LINUX_FAN_INFO_PIDFD,
	LINUX_FAN_INFO_OLD_DFID_NAME = 10,
	LINUX_FAN_INFO_NEW_DFID_NAME = 12
};

/* A record with a file handle; a name may follow it. */
struct linux_fanotify_fid {
	u8 type, pad;
	u16 len;
	s32 fsid[2];
	u32 handle_bytes;
	s32 handle_type;
	u32 handle[4];
};
static_assert(sizeof(struct linux_fanotify_fid) == 36, "struct fanotify_event_info_fid and a handle");

struct linux_fanotify_pidfd {
	u8 type, pad;
	u16 len;
	s32 pidfd;
};

#endif

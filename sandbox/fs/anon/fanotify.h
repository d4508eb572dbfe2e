/*
 * fanotify.h - fanotify(7): groups that hear of events on inodes, mounts and file systems they have marked.
 */
#ifndef WARREN_FS_ANON_FANOTIFY_H
#define WARREN_FS_ANON_FANOTIFY_H

#include "sandbox/vfs/vfs.h"

/* Something happened. For an entry of a directory: dir, name and the number of what it names; else the object
 * and, by the name it was reached by, its directory. */
struct fs_event {
	u32 mask;                /* LINUX_IN_*, LINUX_FAN_* with LINUX_IN_ISDIR */
	const struct path *path; /* NULL: of an entry, or not by a path */
	struct inode *inode;     /* the object; NULL for entries */
	u64 ino;
	struct inode *dir; /* may be NULL */
	const char *name;
	size_t name_len;
	struct inode *new_dir; /* a rename's other side */
	const char *new_name;
	size_t new_len;
};

/* To all groups. Does not sleep. Call it only if vfs()->fanotify_marks. */
void fanotify_event(const struct fs_event *e);
/* A mount or super_block goes: its marks too. */
void fanotify_forget(const void *object);

enum fan_mark_type { FAN_INODE, FAN_MOUNT, FAN_SB };
bool is_fanotify(const struct file *f);
/* flags: of fanotify_init(2), checked. */
int fanotify_create(u32 flags, u32 event_flags, bool unprivileged, struct file **out) must_check;
u32 fanotify_flags(const struct file *f);
bool fanotify_unprivileged(const struct file *f);
/* `ignore`: the mask of events that are not told; `survive`: even after a change of content. */
int fanotify_mark_add(struct file *f, enum fan_mark_type type, const struct path *p, u32 mask, bool ignore,
		      bool survive) must_check;
int fanotify_mark_remove(struct file *f, enum fan_mark_type type, const struct path *p, u32 mask,
			 bool ignore) must_check;
void fanotify_mark_flush(struct file *f, enum fan_mark_type type);

#endif

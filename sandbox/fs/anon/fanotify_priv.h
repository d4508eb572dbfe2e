/*
 * fanotify_priv.h - groups, marks and events.
 */
#ifndef WARREN_FS_ANON_FANOTIFY_PRIV_H
#define WARREN_FS_ANON_FANOTIFY_PRIV_H

#include "sandbox/abi/fanotify.h"
#include "sandbox/base/tree.h"
#include "sandbox/fs/anon/fanotify.h"
#include "sandbox/kernel/task.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/vfs_priv.h"

struct fan_group {
	struct list_head node; /* in vfs_state.fanotify_groups */
	u32 flags, event_flags;
	bool unprivileged;
	u32 uid;
	struct tree marks; /* struct fan_mark by object; each kind of object has addresses of its own */
	u32 mark_count;
	struct list_head events;
	u32 event_count;
	struct wait_queue wait;
};

struct fan_mark {
	struct tree_node node;
	struct fan_group *group;
	enum fan_mark_type type;
	const void *object; /* struct inode, mount or super_block */
	u32 mask, ignored;
	bool ignore_survives;
	struct inode_watch watch; /* of an inode: holds it, and tells of its end */
};

struct fan_id {
	u64 dev, ino;
};

struct fan_event {
	struct list_head node;
	u32 mask;
	struct pid *pid;  /* counted; NULL: nobody */
	struct path path; /* counted; for groups that get descriptors */
	bool has_self, has_dir, has_new_dir, renamed;
	struct fan_id self, dir, new_dir;
	char *name, *new_name; /* NULL: none */
};

/* fanotify_mark.c */
struct fan_mark *fan_mark_find(struct fan_group *g, const void *object);
void fan_marks_free(struct fan_group *g);
void fan_event_free(struct fan_event *e);
/* Of a rename, what the group watches. */
enum rename_sides { RENAME_BOTH_SIDES, RENAME_OLD_SIDE, RENAME_NEW_SIDE };
void fan_event_new(struct fan_group *g, const struct fs_event *e, u32 mask, enum rename_sides rename);

#endif

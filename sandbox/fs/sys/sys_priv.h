/*
 * sys_priv.h - building the tree: it is made whole when sysfs is mounted, as pinned dentries; only the texts
 * are made when they are read.
 */
#ifndef WARREN_FS_SYS_PRIV_H
#define WARREN_FS_SYS_PRIV_H

#include "sandbox/base/arena.h"
#include "sandbox/fs/sys/sys.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/platform/platform.h"

typedef void (*sys_show)(struct text_buf *b, u32 arg);

/* A tree under construction. The first failure sticks; later calls do nothing. */
struct sys_tree {
	struct super_block *sb;
	int err;
};

/* The directory at a path below the root, made with all above it. Borrowed; NULL after a failure. */
struct dentry *sysfs_dir(struct sys_tree *t, const char *fmt, ...) printf_like(2, 3);
/* Files in it. `show` writes the text with its line feed; `text` is one without. */
void sysfs_file(struct sys_tree *t, struct dentry *dir, const char *name, sys_show show, u32 arg);
void sysfs_text(struct sys_tree *t, struct dentry *dir, const char *name, const char *text);
void sysfs_link(struct sys_tree *t, struct dentry *dir, const char *name, const char *fmt, ...)
    printf_like(4, 5);

/* "0-1" and "3": the first n CPUs as a list and as a mask. */
void sysfs_put_list(struct text_buf *b, u32 first, u32 n);
void sysfs_put_mask(struct text_buf *b, u32 first, u32 n);

void sysfs_build_cpus(struct sys_tree *t);
void sysfs_build_nodes(struct sys_tree *t);

#endif

/*
 * fdtable.h - descriptor tables. A table is shared by CLONE_FILES. Entries hold a reference to their file.
 */
#ifndef WARREN_VFS_FDTABLE_H
#define WARREN_VFS_FDTABLE_H

#include "sandbox/vfs/vfs.h"

struct fd_entry {
	struct file *file;
	bool cloexec;
};

struct fd_table {
	struct object obj;
	struct fd_entry *entries;
	u32 capacity;
	u32 next_hint; /* no free number below it */
	u64 id;        /* names it as an owner of locks to those outside */
};

struct fd_table *fd_table_new(void) must_check;
struct fd_table *fd_table_dup(struct fd_table *t) must_check;
struct fd_table *fd_table_get(struct fd_table *t);
void fd_table_put(struct fd_table *t);

/* The file behind a descriptor of the current task; reference taken; NULL = -EBADF. O_PATH files are given
 * only by fd_get_path. */
struct file *fd_get(int fd);
struct file *fd_get_path(int fd);
/* The lowest free number >= min, installed; steals the reference also on failure. fd or -EMFILE, -ENOMEM. */
s64 fd_install(struct file *f, u32 min, bool cloexec) must_check;
/* Is there a free number? For calls that must not take something and then have no place for it. */
bool fd_have_room(void);
/* In any table (spawn). */
s64 fd_table_install_at(struct fd_table *t, int fd, struct file *f) must_check;
int fd_close(struct task *t, int fd);
/* At exactly this number, closing what is there; steals the reference also on failure. fd, -EBADF, -ENOMEM.
 */
s64 fd_put_at(int fd, struct file *f, bool cloexec) must_check;
/* dup2/dup3: closes what is there. File reference taken. */
s64 fd_dup_to(int oldfd, int newfd, bool cloexec) must_check;
void fd_close_on_exec(struct fd_table *t);
int fd_close_range(struct fd_table *t, u32 first, u32 last, bool only_set_cloexec);

#endif

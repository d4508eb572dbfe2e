/*
 * proc_priv.h - what the files of fs/proc/ share.
 *
 * Everything is described by tables: a file of the system by (directory, name), a file of a process by name.
 * Inodes are made when a name is looked up; those of a process hold its struct pid, and are looked up anew
 * once the process is gone.
 */
#ifndef WARREN_FS_PROC_PRIV_H
#define WARREN_FS_PROC_PRIV_H

#include "sandbox/base/arena.h"
#include "sandbox/fs/proc/proc.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

/* A file of the system. */
struct proc_file {
	const char *dir;  /* "" for the root, else "sys/kernel" */
	const char *name; /* "": only says that the directory exists */
	u32 mode;
	void (*show)(struct text_buf *b);
	s64 (*store)(const char *data, size_t size);
	const char *link; /* a symlink's target, instead of show */
	u32 sysctl;       /* 1 + enum sysctl_id: a number, instead of show and store */
};
extern const struct proc_file proc_files[];
extern const u32 proc_file_count;

/* An entry of a process's directory. */
struct proc_entry {
	const char *name;
	u32 mode; /* with the type */
	int (*show)(struct task *t, struct text_buf *b);
	s64 (*store)(struct task *t, const char *data, size_t size);
	u64 (*generation)(struct task *t, struct poll_table *pt); /* for poll; may be NULL */
	int (*follow)(struct task *t, struct path *out);
	int (*follow_number)(struct task *t, s64 number, struct path *out); /* with the ref's number */
	const struct proc_dir *dir;
	const struct file_ops *file_ops; /* a file that is no text */
	bool leader_only;                /* not in task/TID */
};
extern const struct proc_entry proc_entries[];
extern const u32 proc_entry_count;

/* A directory of a process whose entries are not fixed. */
struct proc_dir {
	int (*lookup)(struct inode *dir, struct dentry *d, struct task *t);
	int (*readdir)(struct task *t, struct file *f, struct dir_context *ctx);
};
extern const struct file_ops proc_mem_ops; /* mem.c */
int proc_show_syscall(struct task *t, struct text_buf *b);
int proc_show_stack(struct task *t, struct text_buf *b);
extern const struct proc_dir proc_fd_dir, proc_fdinfo_dir, proc_task_dir, proc_ns_dir, proc_net_dir;

/* What the inode of anything below a process refers to. */
struct proc_ref {
	struct pid *pid; /* counted */
	const struct proc_entry *entry;
	const struct proc_dir *dir;
	s64 number;  /* fd, or kind of namespace */
	bool thread; /* below task/ */
};

/* The task behind a ref, or NULL once it is gone. Borrowed. */
struct task *proc_task(const struct proc_ref *ref);
struct proc_ref *proc_ref_of(struct inode *inode);
/* May the current task look into t (ptrace(2), "read" access)? */
bool proc_may_read(struct task *t);
/* The directory of a process or thread. */
int proc_pid_inode(struct super_block *sb, struct task *t, bool thread, struct inode **out);
/* An inode below a process: a text, a link or a directory, as the entry says. `number` for fd and ns. */
int proc_entry_inode(struct super_block *sb, struct task *t, const struct proc_entry *e, bool thread,
		     s64 number, struct inode **out);
bool proc_emit_number(struct dir_context *ctx, s64 number, u64 ino, u8 type, u64 next);
/* The PID namespace whose numbers this mount shows. */
struct pid_ns *proc_ns(struct super_block *sb);

/* pid_status.c, pid_maps.c, pid_links.c */
int proc_show_stat(struct task *t, struct text_buf *b);
int proc_show_statm(struct task *t, struct text_buf *b);
int proc_show_status(struct task *t, struct text_buf *b);
int proc_show_maps(struct task *t, struct text_buf *b);
int proc_show_smaps(struct task *t, struct text_buf *b);
int proc_show_smaps_rollup(struct task *t, struct text_buf *b);
extern const struct file_ops proc_pagemap_ops;
/* One line of maps. */
void proc_show_vma(struct task *t, const struct vma *v, struct text_buf *b);
void proc_show_vdso(struct text_buf *b);
int proc_show_mounts(struct task *t, struct text_buf *b);
int proc_show_mountinfo(struct task *t, struct text_buf *b);
int proc_show_mountstats(struct task *t, struct text_buf *b);
u64 proc_mounts_generation(struct task *t, struct poll_table *pt);

/* tables.c */
void proc_show_interrupts(struct text_buf *b);
void proc_show_softirqs(struct text_buf *b);
void proc_show_misc(struct text_buf *b);
void proc_show_consoles(struct text_buf *b);
void proc_show_execdomains(struct text_buf *b);
void proc_show_buddyinfo(struct text_buf *b);
void proc_show_locks(struct text_buf *b);
void proc_show_file_nr(struct text_buf *b);
void proc_show_inode_nr(struct text_buf *b);
void proc_show_inode_state(struct text_buf *b);
void proc_show_dentry_state(struct text_buf *b);

#endif

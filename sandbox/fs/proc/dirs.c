/*
 * dirs.c - the directories of a process whose entries come and go: fd, fdinfo, task, ns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/nsfs/nsfs.h"
#include "sandbox/fs/proc/proc_priv.h"

static bool parse_number(const char *name, u64 max, u64 *out)
{
	char *end;

	if (name[0] < '0' || name[0] > '9' || (name[0] == '0' && name[1]))
		return false;
	*out = strtoull(name, &end, 10);
	return !*end && *out <= max;
}

static int instantiate(struct dentry *d, struct inode *inode, int err)
{
	if (!err)
		dentry_set_inode(d, inode);
	return err;
}

/* ---- fd ---- */

static const struct proc_entry fd_link = {.name = "fd/N", .mode = LINUX_S_IFLNK | 0700};

static struct file *file_at(struct task *t, u64 fd)
{
	return t->files && fd < t->files->capacity ? t->files->entries[fd].file : NULL;
}

static int fd_lookup(struct inode *dir, struct dentry *d, struct task *t)
{
	struct inode *inode = NULL;
	struct file *f;
	u64 fd;
	int err;

	if (!proc_may_read(t))
		return -EACCES;
	if (!parse_number(d->name, INT32_MAX, &fd) || !(f = file_at(t, fd)))
		return 0;
	err = proc_entry_inode(dir->sb, t, &fd_link, false, (s64)fd, &inode);
	if (!err)
		inode->attr.mode =
		    LINUX_S_IFLNK | (f->mode & FMODE_READ ? 0500 : 0) | (f->mode & FMODE_WRITE ? 0300 : 0);
	return instantiate(d, inode, err);
}

static int each_fd(struct task *t, struct dir_context *ctx, u8 type)
{
	if (!proc_may_read(t))
		return -EACCES;
	for (u64 fd = ctx->pos - 2; t->files && fd < t->files->capacity; fd++) {
		if (file_at(t, fd) && !proc_emit_number(ctx, (s64)fd, 50000 + fd, type, fd + 3))
			return 0;
		ctx->pos = fd + 3;
	}
	return 0;
}

static int fd_readdir(struct task *t, struct file *f, struct dir_context *ctx)
{
	return each_fd(t, ctx, 10);
}

const struct proc_dir proc_fd_dir = {fd_lookup, fd_readdir};

/* ---- fdinfo: the number is in the name, so the entry's show finds it in the ref ---- */

struct fdinfo {
	struct pid *pid;
	u64 fd;
};

static int fdinfo_show(struct inode *inode, struct text_buf *b)
{
	const struct fdinfo *i = inode_text_private(inode);
	struct task *t = i->pid->task;
	struct file *f = t ? file_at(t, i->fd) : NULL;
	char extra[512];

	if (!f)
		return -ENOENT;
	text_printf(b, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%lu\nino:\t%lu\n", (unsigned long)f->pos,
		    f->flags | (t->files->entries[i->fd].cloexec ? O_CLOEXEC : 0),
		    f->path.mnt ? (unsigned long)f->path.mnt->id : 0, (unsigned long)f->inode->attr.ino);
	if (f->ops && f->ops->fdinfo)
		text_append(b, extra, min_t(size_t, f->ops->fdinfo(f, extra, sizeof(extra)), sizeof(extra)));
	return 0;
}

static void fdinfo_free(void *private)
{
	struct fdinfo *i = private;

	pid_put(i->pid);
	kfree(i);
}

static const struct text_file_ops fdinfo_text = {.show = fdinfo_show};

static int fdinfo_lookup(struct inode *dir, struct dentry *d, struct task *t)
{
	struct inode *inode;
	struct fdinfo *i;
	u64 fd;

	if (!proc_may_read(t))
		return -EACCES;
	if (!parse_number(d->name, INT32_MAX, &fd) || !file_at(t, fd))
		return 0;
	i = knew(struct fdinfo);
	if (!i)
		return -ENOMEM;
	i->pid = pid_get(t->pid);
	i->fd = fd;
	inode = inode_new_text(dir->sb, 0400, &fdinfo_text, i, fdinfo_free);
	if (!inode) {
		fdinfo_free(i);
		return -ENOMEM;
	}
	inode->attr.uid = t->cred->euid;
	inode->attr.gid = t->cred->egid;
	dentry_set_inode(d, inode);
	return 0;
}

static int fdinfo_readdir(struct task *t, struct file *f, struct dir_context *ctx)
{
	return each_fd(t, ctx, 8);
}

const struct proc_dir proc_fdinfo_dir = {fdinfo_lookup, fdinfo_readdir};

/* ---- task ---- */

static int task_lookup(struct inode *dir, struct dentry *d, struct task *t)
{
	struct inode *inode = NULL;
	struct task *other;
	struct pid *p;
	u64 tid;
	int err;

	if (!parse_number(d->name, INT32_MAX, &tid))
		return 0;
	p = pid_find(proc_ns(dir->sb), (s32)tid);
	other = p ? p->task : NULL;
	if (!other || other->tg != t->tg)
		return 0;
	err = proc_pid_inode(dir->sb, other, true, &inode);
	return instantiate(d, inode, err);
}

static int task_readdir(struct task *t, struct file *f, struct dir_context *ctx)
{
	struct task *other;
	u64 at = 2;

	list_for_each_entry (other, &t->tg->threads, group_node) {
		s32 tid = pid_nr(other->pid, proc_ns(f->inode->sb));
		if (++at <= ctx->pos)
			continue;
		if (!proc_emit_number(ctx, tid, 60000 + (u64)tid, 4, at))
			return 0;
		ctx->pos = at;
	}
	return 0;
}

const struct proc_dir proc_task_dir = {task_lookup, task_readdir};

/* ---- ns: magic links to namespaces ---- */

static const struct ns_entry {
	const char *name;
	u32 type;
	bool for_children;
} ns_entries[] = {{"cgroup", LINUX_CLONE_NEWCGROUP, false}, {"ipc", LINUX_CLONE_NEWIPC, false},
		  {"mnt", LINUX_CLONE_NEWNS, false},        {"net", LINUX_CLONE_NEWNET, false},
		  {"pid", LINUX_CLONE_NEWPID, false},       {"pid_for_children", LINUX_CLONE_NEWPID, true},
		  {"time", LINUX_CLONE_NEWTIME, false},     {"time_for_children", LINUX_CLONE_NEWTIME, true},
		  {"user", LINUX_CLONE_NEWUSER, false},     {"uts", LINUX_CLONE_NEWUTS, false}};

static int ns_follow(struct task *t, s64 number, struct path *out)
{
	const struct ns_entry *e = &ns_entries[number];
	struct ns_common *ns = task_ns_get(t, e->type, e->for_children);
	int err;

	/* a PID namespace that nobody is in yet cannot be entered */
	if (ns && e->type == LINUX_CLONE_NEWPID && e->for_children &&
	    !container_of(ns, struct pid_ns, common)->had_init) {
		ns_common_put(ns);
		return -ENOENT;
	}
	if (!ns)
		return -ENOENT;
	err = nsfs_path(ns, out);
	ns_common_put(ns);
	return err;
}

static const struct proc_entry ns_link = {
    .name = "ns/NAME", .mode = LINUX_S_IFLNK | 0777, .follow_number = ns_follow};

static int ns_lookup(struct inode *dir, struct dentry *d, struct task *t)
{
	struct inode *inode = NULL;

	if (!proc_may_read(t))
		return -EACCES;
	for (u32 i = 0; i < ARRAY_COUNT(ns_entries); i++)
		if (!strcmp(d->name, ns_entries[i].name)) {
			int err = proc_entry_inode(dir->sb, t, &ns_link, false, i, &inode);
			return instantiate(d, inode, err);
		}
	return 0;
}

static int ns_readdir(struct task *t, struct file *f, struct dir_context *ctx)
{
	if (!proc_may_read(t))
		return -EACCES;
	while (ctx->pos - 2 < ARRAY_COUNT(ns_entries)) {
		const char *name = ns_entries[ctx->pos - 2].name;
		if (!ctx->emit(ctx, name, strlen(name), 70000 + ctx->pos, 10, ctx->pos + 1))
			return 0;
		ctx->pos++;
	}
	return 0;
}

const struct proc_dir proc_ns_dir = {ns_lookup, ns_readdir};

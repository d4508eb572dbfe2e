/*
 * pid.c - the directory of a process or thread, and its entries.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sandbox/fs/proc/proc_priv.h"

struct task *proc_task(const struct proc_ref *ref)
{
	struct task *t = ref->pid->task;

	return t && t->tg ? t : NULL;
}

bool proc_may_read(struct task *t)
{
	return task_may_access(t);
}

bool proc_emit_number(struct dir_context *ctx, s64 number, u64 ino, u8 type, u64 next)
{
	char name[24];
	int n = snprintf(name, sizeof(name), "%ld", (long)number);

	return ctx->emit(ctx, name, (size_t)n, ino, type, next);
}

static struct proc_ref *ref_new(struct task *t, const struct proc_entry *e, bool thread, s64 number)
{
	struct proc_ref *ref = knew(struct proc_ref);

	if (ref) {
		ref->pid = pid_get(t->pid);
		ref->entry = e;
		ref->dir = e ? e->dir : NULL;
		ref->thread = thread;
		ref->number = number;
	}
	return ref;
}

static void ref_free(void *private)
{
	struct proc_ref *ref = private;

	pid_put(ref->pid);
	kfree(ref);
}

static void ref_evict(struct inode *inode)
{
	ref_free(inode->private);
}

/* ---- texts ---- */

static int text_show(struct inode *inode, struct text_buf *b)
{
	const struct proc_ref *ref = inode_text_private(inode);
	struct task *t = proc_task(ref);
	int err;

	if (!t)
		return -ESRCH;
	task_get(t); /* show may sleep */
	err = ref->entry->show ? ref->entry->show(t, b) : -EIO;
	task_put(t);
	return err;
}

static s64 text_store(struct inode *inode, const char *data, size_t size)
{
	const struct proc_ref *ref = inode_text_private(inode);
	struct task *t = proc_task(ref);

	if (!t)
		return -ESRCH;
	return ref->entry->store ? ref->entry->store(t, data, size) : -EINVAL;
}

static u64 text_generation(struct inode *inode, struct poll_table *pt)
{
	struct proc_ref *ref = inode_text_private(inode);
	struct task *t = proc_task(ref);

	return t ? ref->entry->generation(t, pt) : 0;
}

static const struct text_file_ops text_ops = {.show = text_show, .store = text_store};
static const struct text_file_ops changing_text_ops = {
    .show = text_show, .store = text_store, .generation = text_generation};

/* ---- links ---- */

static int follow_link(struct inode *inode, struct path *out)
{
	const struct proc_ref *ref = inode->private;
	struct task *t = proc_task(ref);

	if (!t)
		return -ENOENT;
	if (!proc_may_read(t))
		return -EACCES;
	if (ref->entry->follow)
		return ref->entry->follow(t, out);
	if (ref->entry->follow_number)
		return ref->entry->follow_number(t, ref->number, out);
	if (!t->files || ref->number >= t->files->capacity || !t->files->entries[ref->number].file)
		return -ENOENT;
	*out = t->files->entries[ref->number].file->path;
	path_get(out);
	return 0;
}

/* ---- files with operations of their own ---- */

static int raw_open(struct inode *inode, struct file *file)
{
	const struct proc_ref *ref = inode->private;

	file->ops = ref->entry->file_ops;
	return file->ops->open ? file->ops->open(file) : 0;
}

static const struct inode_ops raw_ops = {.open = raw_open, .evict = ref_evict};
static const struct inode_ops link_ops = {.follow = follow_link, .evict = ref_evict};

/* ---- directories ---- */

static int dir_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_ref *ref = dir->private;
	struct task *t = proc_task(ref);
	struct inode *inode = NULL;
	int err = 0;

	if (!t)
		return 0;
	if (ref->dir)
		return ref->dir->lookup(dir, d, t);
	for (u32 i = 0; i < proc_entry_count; i++) {
		const struct proc_entry *e = &proc_entries[i];
		if (strcmp(e->name, d->name) || (ref->thread && e->leader_only))
			continue;
		err = proc_entry_inode(dir->sb, t, e, ref->thread, -1, &inode);
		break;
	}
	if (!err && inode)
		dentry_set_inode(d, inode);
	return err;
}

static int dir_readdir(struct file *f, struct dir_context *ctx)
{
	struct proc_ref *ref = f->inode->private;
	struct task *t = proc_task(ref);

	if (!t)
		return -ENOENT;
	if (!dir_emit_dots(f, ctx))
		return 0;
	if (ref->dir)
		return ref->dir->readdir(t, f, ctx);
	while (ctx->pos - 2 < proc_entry_count) {
		const struct proc_entry *e = &proc_entries[ctx->pos - 2];
		if (!(ref->thread && e->leader_only) &&
		    !ctx->emit(ctx, e->name, strlen(e->name), 100 + ctx->pos, (u8)(mode_type(e->mode) >> 12),
			       ctx->pos + 1))
			return 0;
		ctx->pos++;
	}
	return 0;
}

static const struct inode_ops pid_dir_ops = {.lookup = dir_lookup, .evict = ref_evict};
static const struct file_ops pid_dir_file_ops = {.readdir = dir_readdir};

/* ---- making inodes ---- */

static void own(struct inode *inode, const struct task *t)
{
	bool root = !t->tg->dumpable;

	inode->attr.uid = root ? 0 : t->cred->euid;
	inode->attr.gid = root ? 0 : t->cred->egid;
}

int proc_entry_inode(struct super_block *sb, struct task *t, const struct proc_entry *e, bool thread,
		     s64 number, struct inode **out)
{
	struct proc_ref *ref = ref_new(t, e, thread, number);
	struct inode *inode;

	if (!ref)
		return -ENOMEM;
	if (e->file_ops) {
		inode = inode_new(sb, e->mode, &raw_ops, e->file_ops);
		if (inode)
			inode->private = ref;
	} else if (mode_is_reg(e->mode)) {
		inode = inode_new_text(sb, e->mode & 0777, e->generation ? &changing_text_ops : &text_ops,
				       ref, ref_free);
	} else {
		bool dir = mode_is_dir(e->mode);
		inode =
		    inode_new(sb, e->mode, dir ? &pid_dir_ops : &link_ops, dir ? &pid_dir_file_ops : NULL);
		if (inode)
			inode->private = ref;
		if (inode && dir)
			inode->attr.nlink = 2;
	}
	if (!inode) {
		ref_free(ref);
		return -ENOMEM;
	}
	own(inode, t);
	*out = inode;
	return 0;
}

static const struct proc_entry pid_entry = {.name = "", .mode = LINUX_S_IFDIR | 0555};

int proc_pid_inode(struct super_block *sb, struct task *t, bool thread, struct inode **out)
{
	return proc_entry_inode(sb, t, &pid_entry, thread, -1, out);
}

struct pid *proc_pid_of_dir(const struct file *f)
{
	const struct proc_ref *ref = f->inode && f->inode->ops == &pid_dir_ops ? f->inode->private : NULL;

	return ref && ref->entry == &pid_entry && !ref->thread ? ref->pid : NULL;
}

struct proc_ref *proc_ref_of(struct inode *inode)
{
	if (inode->ops == &pid_dir_ops || inode->ops == &link_ops || inode->ops == &raw_ops)
		return inode->private;
	if (inode->file_ops == &text_file_ops_generic &&
	    (inode_text_ops(inode) == &text_ops || inode_text_ops(inode) == &changing_text_ops))
		return inode_text_private(inode);
	return NULL;
}

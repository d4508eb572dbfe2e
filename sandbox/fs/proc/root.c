/*
 * root.c - the root of proc, its fixed directories, and mounting.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sandbox/fs/proc/proc_priv.h"
#include "sandbox/kernel/sysctl.h"

#define PID_POS         100000UL /* positions from here on are pids */
#define PROC_IDLE_NAMES 2048     /* kept in the dentry cache: to make one again costs nothing */

struct proc_sb {
	struct pid_ns *ns;
	struct dentry_lru lru;
};

struct pid_ns *proc_ns(struct super_block *sb)
{
	return ((struct proc_sb *)sb->private)->ns;
}

/* ---- files of the system ---- */

static int show_file(struct inode *inode, struct text_buf *b)
{
	const struct proc_file *f = inode_text_private(inode);

	if (f->sysctl)
		text_printf(b, "%lu\n", (unsigned long)sysctl((enum sysctl_id)(f->sysctl - 1)));
	else
		f->show(b);
	return 0;
}

/* A decimal number and nothing but space after it. */
static s64 store_number(enum sysctl_id id, const char *data, size_t size)
{
	char *end;
	u64 value;
	int err;

	errno = 0;
	value = strtoull(data, &end, 10);
	if (end == data || errno || *data == '-')
		return -EINVAL;
	end += strspn(end, " \t\n");
	if (*end)
		return -EINVAL;
	err = sysctl_set(id, value);
	return err ? err : (s64)size;
}

static s64 store_file(struct inode *inode, const char *data, size_t size)
{
	const struct proc_file *f = inode_text_private(inode);

	if (f->sysctl)
		return store_number((enum sysctl_id)(f->sysctl - 1), data, size);
	return f->store ? f->store(data, size) : -EACCES;
}

static const struct text_file_ops file_text_ops = {.show = show_file, .store = store_file};

static int link_readlink(struct inode *inode, char **target)
{
	const struct proc_file *f = inode->private;

	*target = kstrdup(f->link);
	return *target ? 0 : -ENOMEM;
}

static const struct inode_ops link_ops = {.readlink = link_readlink};

/* ---- self, thread-self ---- */

static int self_readlink(struct inode *inode, char **target)
{
	struct task *t = current_task();
	s32 tgid = t ? pid_nr(t->tg->leader->pid, proc_ns(inode->sb)) : 0;

	if (!tgid)
		return -ENOENT;
	*target = inode->private ? kasprintf("%d/task/%d", tgid, pid_nr(t->pid, proc_ns(inode->sb)))
				 : kasprintf("%d", tgid);
	return *target ? 0 : -ENOMEM;
}

static const struct inode_ops self_ops = {.readlink = self_readlink};

static int self_inode(struct super_block *sb, bool thread, struct inode **out)
{
	*out = inode_new(sb, LINUX_S_IFLNK | 0777, &self_ops, NULL);
	if (!*out)
		return -ENOMEM;
	(*out)->private = thread ? (void *)1 : NULL;
	(*out)->attr.uid = (*out)->attr.gid = 0;
	return 0;
}

/* ---- fixed directories ---- */

static const struct inode_ops dir_ops;
static const struct file_ops dir_file_ops;

static int dir_inode(struct super_block *sb, const char *path, struct inode **out)
{
	*out = inode_new(sb, LINUX_S_IFDIR | 0555, &dir_ops, &dir_file_ops);
	if (!*out)
		return -ENOMEM;
	(*out)->private = (void *)(uintptr_t)path;
	(*out)->attr.uid = (*out)->attr.gid = 0;
	(*out)->attr.nlink = 2;
	return 0;
}

static int file_inode(struct super_block *sb, const struct proc_file *f, struct inode **out)
{
	if (f->link) {
		*out = inode_new(sb, LINUX_S_IFLNK | 0777, &link_ops, NULL);
		if (*out) {
			(*out)->private = (void *)(uintptr_t)f;
			(*out)->attr.uid = (*out)->attr.gid = 0;
		}
	} else {
		*out = inode_new_text(sb, f->mode, &file_text_ops, (void *)(uintptr_t)f, NULL);
	}
	return *out ? 0 : -ENOMEM;
}

/* If `dir` is path or below it: what follows path and a slash ("" for path itself), else NULL. */
static const char *below(const char *dir, const char *path)
{
	size_t len = strlen(path);

	if (strncmp(dir, path, len))
		return NULL;
	if (!len || !dir[len])
		return dir + len;
	return dir[len] == '/' ? dir + len + 1 : NULL;
}

/* The path of the subdirectory `name` of `path` as a part of a table entry, which lives for ever. */
static int find_subdir(const char *path, const char *name, struct super_block *sb, struct inode **out)
{
	size_t len = strlen(name);

	for (u32 i = 0; i < proc_file_count; i++) {
		const char *rest = below(proc_files[i].dir, path);
		if (!rest || strncmp(rest, name, len) || (rest[len] && rest[len] != '/'))
			continue;
		if (rest[len]) /* deeper: a table entry whose directory is exactly it must exist, or be made
				*/
			continue;
		return dir_inode(sb, proc_files[i].dir, out);
	}
	return -ENOENT;
}

static struct task *find_leader(struct super_block *sb, const char *name)
{
	char *end;
	long nr = name[0] >= '1' && name[0] <= '9' ? strtol(name, &end, 10) : 0;
	struct pid *p;

	if (!nr || *end || nr > INT32_MAX)
		return NULL;
	p = pid_find(proc_ns(sb), (s32)nr);
	return p && p->task && p->task->tg ? p->task : NULL;
}

static int dir_lookup(struct inode *dir, struct dentry *d)
{
	const char *path = dir->private;
	struct inode *inode = NULL;
	struct task *t;
	int err = -ENOENT;

	if (!*path) {
		if (!strcmp(d->name, "self") || !strcmp(d->name, "thread-self"))
			err = self_inode(dir->sb, d->name[0] == 't', &inode);
		else if ((t = find_leader(dir->sb, d->name)))
			err = proc_pid_inode(dir->sb, t, false, &inode);
	}
	for (u32 i = 0; i < proc_file_count && !inode; i++)
		if (proc_files[i].name[0] && !strcmp(proc_files[i].dir, path) &&
		    !strcmp(proc_files[i].name, d->name))
			err = file_inode(dir->sb, &proc_files[i], &inode);
	if (!inode && err == -ENOENT)
		err = find_subdir(path, d->name, dir->sb, &inode);
	if (err && err != -ENOENT)
		return err;
	if (inode)
		dentry_set_inode(d, inode);
	return 0;
}

static bool seen_before(u32 index, const char *path, const char *name, size_t len)
{
	for (u32 i = 0; i < index; i++) {
		const char *rest = below(proc_files[i].dir, path);
		if (rest && *rest && strcspn(rest, "/") == len && !strncmp(rest, name, len))
			return true;
	}
	return false;
}

/* Entry i of the table, as an entry of `path`: itself, or the subdirectory it lies in. */
static bool emit_file(struct dir_context *ctx, const char *path, u32 i)
{
	const struct proc_file *f = &proc_files[i];
	const char *rest = below(f->dir, path);
	size_t len;

	if (!rest)
		return true;
	if (!*rest && !f->name[0])
		return true; /* the entry that stands for the directory itself */
	if (!*rest)
		return ctx->emit(ctx, f->name, strlen(f->name), 1000 + i, f->link ? 10 : 8, 3 + i);
	len = strcspn(rest, "/");
	if (seen_before(i, path, rest, len))
		return true;
	return ctx->emit(ctx, rest, len, 2000 + i, 4, 3 + i);
}

static int emit_pids(struct super_block *sb, struct dir_context *ctx)
{
	struct tree_node *n;

	for (n = tree_first(&proc_ns(sb)->pids); n; n = tree_next(n)) {
		struct pid_link *l = container_of(n, struct pid_link, node);
		struct task *t = l->pid->task;
		if (PID_POS + (u64)l->nr < ctx->pos || !t || !t->tg || t->tg->leader != t)
			continue;
		if (!proc_emit_number(ctx, l->nr, 10000 + (u64)l->nr, 4, PID_POS + (u64)l->nr + 1))
			return 0;
		ctx->pos = PID_POS + (u64)l->nr + 1;
	}
	return 0;
}

static int dir_readdir(struct file *f, struct dir_context *ctx)
{
	const char *path = f->inode->private;

	if (!dir_emit_dots(f, ctx))
		return 0;
	while (ctx->pos < 2 + proc_file_count) {
		if (!emit_file(ctx, path, (u32)(ctx->pos - 2)))
			return 0;
		ctx->pos++;
	}
	if (*path)
		return 0;
	if (ctx->pos < PID_POS) {
		static const char *const selves[] = {"self", "thread-self"};
		for (u64 i = ctx->pos - 2 - proc_file_count; i < 2; i++) {
			if (!ctx->emit(ctx, selves[i], strlen(selves[i]), 3000 + i, 10, ctx->pos + 1))
				return 0;
			ctx->pos++;
		}
		ctx->pos = PID_POS;
	}
	return emit_pids(f->inode->sb, ctx);
}

static const struct inode_ops dir_ops = {.lookup = dir_lookup};
static const struct file_ops dir_file_ops = {.readdir = dir_readdir};

/* ---- mounting ---- */

/* What belongs to a process, and what is not there (yet), is looked up anew. */
static int revalidate(struct dentry *d)
{
	struct proc_ref *ref;

	if (!d->inode)
		return 0;
	ref = proc_ref_of(d->inode);
	return !ref || proc_task(ref) ? (ref && ref->number >= 0 ? 0 : 1) : 0;
}

/* With its process everything below goes. */
static bool gone(const struct dentry *d)
{
	for (; d->parent != d; d = d->parent) {
		struct proc_ref *ref = d->inode ? proc_ref_of(d->inode) : NULL;
		if (ref && !proc_task(ref))
			return true;
	}
	return false;
}

static const struct dentry_ops proc_dentry_ops = {.revalidate = revalidate, .gone = gone};

static void proc_kill(struct super_block *sb)
{
	pid_ns_put(proc_ns(sb));
	kfree(sb->private);
}

static int proc_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct proc_sb *p = knew(struct proc_sb);
	struct super_block *sb = p ? sb_new(type, SB_NODEV, p) : NULL;
	struct inode *root;
	int err;

	if (!sb) {
		kfree(p);
		return -ENOMEM;
	}
	/* `extra` is the namespace for the kernel's own mounts; a guest's mount shows its own */
	p->ns = pid_ns_get(opt->extra       ? (struct pid_ns *)opt->extra
			   : current_task() ? task_pid_ns(current_task())
					    : kernel()->root_pid_ns);
	dentry_lru_init(&p->lru, PROC_IDLE_NAMES);
	sb->lru = &p->lru;
	sb->kill = proc_kill;
	sb->dentry_ops = &proc_dentry_ops;
	err = dir_inode(sb, "", &root);
	if (!err)
		err = sb_set_root(sb, root);
	if (err) {
		sb_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

const struct fs_type proc_fs_type = {.name = "proc", .magic = 0x9fa0, .mount = proc_mount};

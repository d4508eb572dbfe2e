/*
 * maps.c - /proc/PID/maps, mounts and mountinfo: the truth of the VMA tree and of the mount tree.
 */
#include <errno.h>

#include "sandbox/fs/proc/proc_priv.h"

static void put_escaped(struct text_buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
			text_printf(b, "\\%03o", (u8)*s);
		else
			text_append(b, s, 1);
	}
}

/* The name at column 73, as Linux pads. */
static void put_name(struct text_buf *b, size_t line_start, const char *name)
{
	while (b->size - line_start < 73 && !b->failed)
		text_append(b, " ", 1);
	text_append(b, name, strlen(name));
}

void proc_show_vma(struct task *t, const struct vma *v, struct text_buf *b)
{
	const struct inode *inode = v->file ? v->file->inode : NULL;
	u64 dev = inode && inode->sb ? inode->sb->dev : 0;
	size_t start = b->size;

	text_printf(b, "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu ", (unsigned long)v->start,
		    (unsigned long)v->end, v->prot & 1 ? 'r' : '-', v->prot & 2 ? 'w' : '-',
		    v->prot & 4 ? 'x' : '-', v->flags & VMA_SHARED ? 's' : 'p',
		    v->file ? (unsigned long)v->offset : 0, (unsigned long)(dev >> 8),
		    (unsigned long)(dev & 0xff), inode ? (unsigned long)inode->attr.ino : 0);
	if (v->file && v->file->path.dentry) {
		auto_cleanup(kfreep) char *path =
		    path_to_string(&v->file->path, current_task() ? &current_task()->fs->root : &t->fs->root);
		put_name(b, start, path ? path : "");
	} else if (v->name) {
		put_name(b, start, v->name);
	} else if (t->mm->brk_start != t->mm->brk && v->start >= PAGE_DOWN(t->mm->brk_start) &&
		   v->end <= PAGE_UP(t->mm->brk)) {
		put_name(b, start, "[heap]");
	} else if (v->flags & VMA_SHARED) {
		put_name(b, start, "/dev/zero (deleted)");
	}
	text_append(b, "\n", 1);
}

void proc_show_vdso(struct text_buf *b)
{
	size_t start = b->size;

	if (!platform_vdso_addr())
		return;
	text_printf(b, "%08lx-%08lx r-xp 00000000 00:00 0 ", (unsigned long)platform_vdso_addr(),
		    (unsigned long)(platform_vdso_addr() + platform_vdso_size()));
	put_name(b, start, "[vdso]");
	text_append(b, "\n", 1);
}

int proc_show_maps(struct task *t, struct text_buf *b)
{
	if (!proc_may_read(t))
		return -EACCES;
	if (!t->mm)
		return 0;
	for (struct vma *v = vma_find(t->mm, 0); v; v = vma_next(v))
		proc_show_vma(t, v, b);
	proc_show_vdso(b);
	return 0;
}

/* ---- mounts ---- */

static void put_options(struct text_buf *b, const struct mount *m)
{
	static const struct {
		u32 bit;
		const char *name;
	} names[] = {{MNT_NOSUID, ",nosuid"},          {MNT_NODEV, ",nodev"},
		     {MNT_NOEXEC, ",noexec"},          {MNT_NOATIME, ",noatime"},
		     {MNT_NODIRATIME, ",nodiratime"},  {MNT_RELATIME, ",relatime"},
		     {MNT_NOSYMFOLLOW, ",nosymfollow"}};

	for (u32 i = 0; i < ARRAY_COUNT(names); i++)
		if (m->flags & names[i].bit)
			text_printf(b, "%s", names[i].name);
}

static void put_sb_options(struct text_buf *b, struct super_block *sb)
{
	if (sb->type->show_options && sb->root)
		sb->type->show_options(sb, b);
}

/* Where m is seen from t's root, or NULL if it is not. */
static char *mount_path(struct task *t, struct mount *m)
{
	struct path p = {m, m->root};
	char *path = path_to_string(&p, &t->fs->root);

	if (path && path[0] != '/') {
		kfree(path);
		return NULL;
	}
	return path;
}

int proc_show_mounts(struct task *t, struct text_buf *b)
{
	struct mount *m;

	if (!t->fs || !t->ns)
		return -EINVAL;
	list_for_each_entry (m, &t->ns->mnt->mounts, ns_node) {
		auto_cleanup(kfreep) char *path = mount_path(t, m);
		if (!path)
			continue;
		put_escaped(b, m->source);
		text_append(b, " ", 1);
		put_escaped(b, path);
		text_append(b, " ", 1);
		sb_put_type(m->sb, b);
		text_printf(b, " %s",
			    (m->flags & MNT_READONLY) || (m->sb->flags & SB_READONLY) ? "ro" : "rw");
		put_options(b, m);
		put_sb_options(b, m->sb);
		text_printf(b, " 0 0\n");
	}
	return 0;
}

int proc_show_mountinfo(struct task *t, struct text_buf *b)
{
	struct mount *m;

	if (!t->fs || !t->ns)
		return -EINVAL;
	list_for_each_entry (m, &t->ns->mnt->mounts, ns_node) {
		auto_cleanup(kfreep) char *path = mount_path(t, m);
		auto_cleanup(kfreep) char *root = dentry_to_string(m->root);
		if (!path)
			continue;
		text_printf(b, "%lu %lu %lu:%lu ", (unsigned long)m->id,
			    m->parent ? (unsigned long)m->parent->id : 0, (unsigned long)(m->sb->dev >> 8),
			    (unsigned long)(m->sb->dev & 0xff));
		put_escaped(b, root ? root : "/");
		text_append(b, " ", 1);
		put_escaped(b, path);
		text_printf(b, " %s", m->flags & MNT_READONLY ? "ro" : "rw");
		put_options(b, m);
		if (m->group)
			text_printf(b, " shared:%u", m->group);
		if (m->master)
			text_printf(b, " master:%u", m->master->group);
		if (m->unbindable)
			text_printf(b, " unbindable");
		text_append(b, " - ", 3);
		sb_put_type(m->sb, b);
		text_append(b, " ", 1);
		put_escaped(b, m->source);
		text_printf(b, " %s", m->sb->flags & SB_READONLY ? "ro" : "rw");
		put_sb_options(b, m->sb);
		text_printf(b, "\n");
	}
	return 0;
}

int proc_show_mountstats(struct task *t, struct text_buf *b)
{
	struct mount *m;

	if (!t->fs || !t->ns)
		return -EINVAL;
	list_for_each_entry (m, &t->ns->mnt->mounts, ns_node) {
		auto_cleanup(kfreep) char *path = mount_path(t, m);
		if (!path)
			continue;
		text_printf(b, "device ");
		put_escaped(b, m->source);
		text_printf(b, " mounted on ");
		put_escaped(b, path);
		text_append(b, " with fstype ", 13);
		sb_put_type(m->sb, b);
		text_append(b, "\n", 1);
	}
	return 0;
}

u64 proc_mounts_generation(struct task *t, struct poll_table *pt)
{
	if (!t->ns)
		return 0;
	poll_wait(pt, &t->ns->mnt->poll);
	return t->ns->mnt->generation;
}

/*
 * cgroupfs.c - cgroup2: the directories of the tree of control groups, and their files.
 *
 * A mount shows the tree from the root of the mounter's cgroup namespace down; there is one super block for
 * each group that is such a root. Inodes are made when a name is looked up and are on the group's list while
 * they are in use, so that the group can tell them of changes; owners and modes that were changed are kept in
 * the group. The super block is found again through its group, which does not count it.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/fs/cgroup/cgroupfs_priv.h"
#include "sandbox/vfs/vfs_priv.h"

#define CGROUP2_MAGIC 0x63677270

/* An inode in use. */
struct cgroup_inode {
	struct list_head node; /* in cgroup->inodes */
	struct cgroup *cgroup; /* counted */
	struct inode *inode;   /* borrowed */
	u32 index;             /* of its file; CGROUP_FILES_MAX: the directory */
};

/* ---- control files ---- */

static const struct cgroup_file *file_at(u32 index)
{
	const struct {
		const struct cgroup_file *list;
		u32 count;
	} tables[] = {{cgroup_core_files, cgroup_core_file_count},
		      {cgroup_cpu_files, cgroup_cpu_file_count},
		      {cgroup_memory_files, cgroup_memory_file_count},
		      {cgroup_pids_files, cgroup_pids_file_count}};

	for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
		if (index < tables[i].count)
			return &tables[i].list[index];
		index -= tables[i].count;
	}
	return NULL;
}

static bool has_file(const struct cgroup *c, const struct cgroup_file *f)
{
	if (!c->parent && (f->flags & CGF_NOT_ON_ROOT))
		return false;
	return !f->controller || (cgroup_enabled(c) & f->controller);
}

static const struct cgroup_file *find_file(const struct cgroup *c, const char *name, u32 *index)
{
	const struct cgroup_file *f;

	for (*index = 0; (f = file_at(*index)); ++*index)
		if (!strcmp(f->name, name))
			return has_file(c, f) ? f : NULL;
	return NULL;
}

static int file_show(struct inode *inode, struct text_buf *b)
{
	struct cgroup_inode *ci = inode_text_private(inode);
	const struct cgroup_file *f = file_at(ci->index);

	if (ci->cgroup->dead || !has_file(ci->cgroup, f))
		return -ENODEV;
	return f->show ? f->show(ci->cgroup, b) : -EINVAL;
}

static s64 file_store(struct file *file, char *data, size_t size)
{
	struct cgroup_inode *ci = inode_text_private(file->inode);
	const struct cgroup_file *f = file_at(ci->index);
	struct cgroup *c = ci->cgroup;
	struct task *t = current_task();
	size_t len = size;
	int err;

	if (c->dead || !has_file(c, f))
		return -ENODEV;
	/* namespaces are borders of delegation (nsdelegate) */
	if (c->parent && t && t->ns->cgroup->root == c && !(f->flags & CGF_DELEGATED))
		return -EPERM;
	if (!f->store)
		return -EINVAL;
	while (len && strchr(" \t\n\r", data[len - 1]) && data[len - 1])
		len--;
	data[len] = 0;
	if (strlen(data) != len)
		return -EINVAL;
	err = f->store(c, data + strspn(data, " \t\n"), file->cred);
	return err ? err : (s64)size;
}

static u64 file_generation(struct inode *inode, struct poll_table *pt)
{
	struct cgroup_inode *ci = inode_text_private(inode);
	const struct cgroup_file *f = file_at(ci->index);
	struct cgroup_event *e = (struct cgroup_event *)((char *)ci->cgroup + f->event);

	poll_wait(pt, &e->wait);
	return e->generation;
}

static const struct text_file_ops plain_ops = {.show = file_show, .store_file = file_store};
static const struct text_file_ops event_ops = {
    .show = file_show, .store_file = file_store, .generation = file_generation};

/* ---- inodes ---- */

static struct cgroup_attr default_attr(const struct cgroup *c, u32 index)
{
	return (struct cgroup_attr){c->uid, c->gid, index == CGROUP_FILES_MAX ? 0755 : file_at(index)->mode};
}

struct cgroup_attr cgroup_attr_of(struct cgroup *c, const char *name)
{
	struct cgroup_inode *ci;
	u32 index;

	if (!find_file(c, name, &index))
		index = CGROUP_FILES_MAX;
	list_for_each_entry (ci, &c->inodes, node)
		if (ci->index == index)
			return (struct cgroup_attr){ci->inode->attr.uid, ci->inode->attr.gid,
						    ci->inode->attr.mode & 07777};
	return c->attrs[index].mode ? c->attrs[index] : default_attr(c, index);
}

static void inode_gone(void *private)
{
	struct cgroup_inode *ci = private;

	list_del_init(&ci->node);
	cgroup_put(ci->cgroup);
	kfree(ci);
}

static void remember(struct cgroup_inode *ci)
{
	const struct inode_attr *a = &ci->inode->attr;
	struct cgroup_inode *other;

	ci->cgroup->attrs[ci->index] =
	    (struct cgroup_attr){a->uid, a->gid, (a->mode & 07777) | CGROUP_ATTR_SET};
	list_for_each_entry (other, &ci->cgroup->inodes, node)
		if (other->index == ci->index && other != ci) { /* the same file in another mount */
			other->inode->attr.uid = a->uid;
			other->inode->attr.gid = a->gid;
			other->inode->attr.mode = a->mode;
		}
}

static int file_setattr(struct inode *inode, const struct attr_change *ch)
{
	struct attr_change c = *ch;

	c.mask &= ~(u32)ATTR_SIZE; /* nothing to cut off */
	inode_apply_attr(inode, &c);
	remember(inode_text_private(inode));
	return 0;
}

static int dir_setattr(struct inode *inode, const struct attr_change *ch)
{
	inode_apply_attr(inode, ch);
	remember(inode->private);
	return 0;
}

static void dir_evict(struct inode *inode)
{
	inode_gone(inode->private);
}

static int dir_lookup(struct inode *dir, struct dentry *d);
static int dir_mkdir(struct inode *dir, struct dentry *d, u32 mode);
static int dir_rmdir(struct inode *dir, struct dentry *d);
static int dir_readdir(struct file *f, struct dir_context *ctx);

static const struct inode_ops file_inode_ops = {
    .open = text_inode_open, .evict = text_inode_evict, .setattr = file_setattr};
static const struct inode_ops dir_inode_ops = {
    .lookup = dir_lookup, .mkdir = dir_mkdir, .rmdir = dir_rmdir, .setattr = dir_setattr, .evict = dir_evict};
static const struct file_ops dir_file_ops = {.readdir = dir_readdir};

static struct inode *new_inode(struct super_block *sb, struct cgroup_inode *ci)
{
	const struct cgroup_file *f;
	struct inode *inode;

	if (ci->index == CGROUP_FILES_MAX) {
		inode = inode_new(sb, LINUX_S_IFDIR, &dir_inode_ops, &dir_file_ops);
		if (inode) {
			inode->private = ci;
			inode->attr.nlink = 2;
			inode->attr.ino = ci->cgroup->id;
		}
		return inode;
	}
	f = file_at(ci->index);
	inode = inode_new_text(sb, 0, f->event ? &event_ops : &plain_ops, ci, inode_gone);
	if (inode)
		inode->ops = &file_inode_ops;
	return inode;
}

/* The inode of a file or of the directory, the one in use or a new one. */
static int get_inode(struct super_block *sb, struct cgroup *c, u32 index, struct inode **out)
{
	struct cgroup_attr attr = c->attrs[index].mode ? c->attrs[index] : default_attr(c, index);
	struct cgroup_inode *ci;
	struct inode *inode;

	list_for_each_entry (ci, &c->inodes, node)
		if (ci->index == index && ci->inode->sb == sb) {
			*out = inode_get(ci->inode);
			return 0;
		}
	ci = knew(struct cgroup_inode);
	if (!ci)
		return -ENOMEM;
	list_init(&ci->node);
	ci->index = index;
	ci->cgroup = c;
	inode = new_inode(sb, ci);
	if (!inode) {
		kfree(ci);
		return -ENOMEM;
	}
	cgroup_get(c);
	list_add_tail(&ci->node, &c->inodes);
	ci->inode = inode;
	inode->attr.uid = attr.uid;
	inode->attr.gid = attr.gid;
	inode->attr.mode |= attr.mode & 07777;
	*out = inode;
	return 0;
}

static struct cgroup *group_of(struct inode *dir)
{
	return ((struct cgroup_inode *)dir->private)->cgroup;
}

struct cgroup *cgroupfs_group(struct file *f)
{
	return f->inode && f->inode->ops == &dir_inode_ops ? group_of(f->inode) : NULL;
}

/* ---- what groups tell ---- */

void cgroupfs_modified(struct cgroup *c, const char *file)
{
	struct cgroup_inode *ci;

	list_for_each_entry (ci, &c->inodes, node)
		if (ci->index != CGROUP_FILES_MAX && !strcmp(file_at(ci->index)->name, file))
			vfs_notify_self(ci->inode, LINUX_IN_MODIFY);
}

void cgroupfs_removed(struct cgroup *c)
{
	struct cgroup_inode *ci;

	list_for_each_entry (ci, &c->inodes, node)
		ci->inode->dead |= ci->index == CGROUP_FILES_MAX;
}

/* ---- directories ---- */

/* A name is right as long as there is such a file or group; that there is none is never remembered. */
static int revalidate(struct dentry *d)
{
	struct cgroup_inode *ci;

	if (!d->inode)
		return 0;
	if (d->inode->ops == &dir_inode_ops)
		return !group_of(d->inode)->dead;
	ci = inode_text_private(d->inode);
	return !ci->cgroup->dead && has_file(ci->cgroup, file_at(ci->index));
}

static const struct dentry_ops dentry_ops = {.revalidate = revalidate};

static int dir_lookup(struct inode *dir, struct dentry *d)
{
	struct cgroup *c = group_of(dir), *child;
	struct inode *inode = NULL;
	u32 index;
	int err = 0;

	if (c->dead)
		return 0;
	child = cgroup_child(c, d->name, d->name_len);
	if (child)
		err = get_inode(dir->sb, child, CGROUP_FILES_MAX, &inode);
	else if (find_file(c, d->name, &index))
		err = get_inode(dir->sb, c, index, &inode);
	if (!err && inode)
		dentry_set_inode(d, inode);
	return err;
}

static int dir_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	struct task *t = current_task();
	struct inode *inode;
	struct cgroup *c;
	int err;

	if (strchr(d->name, '\n'))
		return -EINVAL; /* /proc/PID/cgroup could not be read any more */
	err = cgroup_new(group_of(dir), d->name, &c);
	if (err)
		return err;
	c->uid = t ? t->cred->fsuid : 0;
	c->gid = t ? t->cred->fsgid : 0;
	c->attrs[CGROUP_FILES_MAX] = (struct cgroup_attr){c->uid, c->gid, (mode & 07777) | CGROUP_ATTR_SET};
	err = get_inode(dir->sb, c, CGROUP_FILES_MAX, &inode);
	if (!err) {
		dentry_set_inode(d, inode);
		dir->attr.nlink++;
	} else {
		cgroup_remove_tree(c);
	}
	cgroup_put(c);
	return err;
}

static int dir_rmdir(struct inode *dir, struct dentry *d)
{
	int err = d->inode->ops == &dir_inode_ops ? cgroup_remove(group_of(d->inode)) : -ENOTDIR;

	if (!err)
		dir->attr.nlink--;
	return err;
}

/* Files first, then the groups below: their positions are their ids, which grow. */
static int dir_readdir(struct file *f, struct dir_context *ctx)
{
	struct cgroup *c = group_of(f->inode), *child;
	const struct cgroup_file *e;

	if (c->dead)
		return -ENOENT;
	if (!dir_emit_dots(f, ctx))
		return 0;
	while (ctx->pos < CGROUP_FILES_MAX + 2 && (e = file_at((u32)ctx->pos - 2))) {
		if (has_file(c, e) && !ctx->emit(ctx, e->name, strlen(e->name), (c->id << 8) + ctx->pos,
						 LINUX_S_IFREG >> 12, ctx->pos + 1))
			return 0;
		ctx->pos++;
	}
	list_for_each_entry (child, &c->children, node) {
		u64 pos = CGROUP_FILES_MAX + 2 + child->id;
		if (pos < ctx->pos)
			continue;
		if (!ctx->emit(ctx, child->name, strlen(child->name), child->id, LINUX_S_IFDIR >> 12,
			       pos + 1))
			return 0;
		ctx->pos = pos + 1;
	}
	return 0;
}

/* ---- mounting ---- */

static void sb_kill(struct super_block *sb)
{
	struct cgroup *root = sb->private;

	if (root->sb == sb)
		root->sb = NULL;
	cgroup_put(root);
}

static int check_options(const char *data)
{
	static const char *const known[] = {"nsdelegate", "favordynmods", "memory_localevents",
					    "memory_recursiveprot", "pids_localevents"};
	char word[64];

	while (data && *data) {
		size_t len = strcspn(data, ","), i;
		snprintf(word, sizeof(word), "%.*s", (int)min_t(size_t, len, 63), data);
		for (i = 0; i < ARRAY_COUNT(known) && strcmp(word, known[i]); i++)
			;
		if (len && i == ARRAY_COUNT(known))
			return -EINVAL;
		data += len + (data[len] == ',');
	}
	return 0;
}

static int fs_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct task *t = current_task();
	struct cgroup *root = opt->extra ? opt->extra : t ? t->ns->cgroup->root : kernel()->root_cgroup;
	struct super_block *sb = root->sb;
	struct inode *inode;
	int err = check_options(opt->data);

	if (err)
		return err;
	if (sb && sb->root) {
		object_get(&sb->obj);
		*out = sb;
		return 0;
	}
	sb = sb_new(type, SB_NODEV, root);
	if (!sb)
		return -ENOMEM;
	cgroup_get(root);
	sb->kill = sb_kill;
	sb->dentry_ops = &dentry_ops;
	err = get_inode(sb, root, CGROUP_FILES_MAX, &inode);
	if (!err)
		err = sb_set_root(sb, inode);
	if (err) {
		sb_put(sb);
		return err;
	}
	root->sb = sb;
	*out = sb;
	return 0;
}

static void show_options(struct super_block *sb, struct text_buf *b)
{
	text_printf(b, ",nsdelegate,memory_recursiveprot");
}

const struct fs_type cgroup_fs_type = {.name = "cgroup2",
				       .magic = CGROUP2_MAGIC,
				       .mount = fs_mount,
				       .check_options = check_options,
				       .show_options = show_options};

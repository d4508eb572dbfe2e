/*
 * super.c - mounting what a process serves: mount(2) with the descriptor of its /dev/fuse.
 */
#include <errno.h>
#include <stdlib.h>

#include "sandbox/fs/fuse/fuse_priv.h"
#include "sandbox/vfs/fdtable.h"

#define FUSE_MAGIC 0x65735546

struct options {
	s64 fd, root_mode, user_id, group_id, max_read;
	bool allow_other, default_permissions;
	const char *subtype;
	size_t subtype_len;
};

static bool number(const char *text, size_t len, const char *name, int base, s64 *out)
{
	size_t n = strlen(name);
	char *end;

	if (len <= n || strncmp(text, name, n))
		return false;
	*out = strtoll(text + n, &end, base);
	return end == text + len;
}

static bool is(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && !strncmp(text, name, len);
}

/* 0, or -EINVAL for what is not known or not a number. */
static int parse(const char *data, struct options *o)
{
	*o = (struct options){.fd = -1, .root_mode = -1, .user_id = -1, .group_id = -1};
	for (const char *p = data ? data : ""; *p;) {
		size_t len = strcspn(p, ",");
		s64 ignored;
		if (is(p, len, "allow_other"))
			o->allow_other = true;
		else if (is(p, len, "default_permissions"))
			o->default_permissions = true;
		else if (!o->subtype && len > 8 && !strncmp(p, "subtype=", 8)) {
			o->subtype = p + 8;
			o->subtype_len = len - 8;
		} else if (len && !number(p, len, "fd=", 10, &o->fd) &&
			   !number(p, len, "rootmode=", 8, &o->root_mode) &&
			   !number(p, len, "user_id=", 10, &o->user_id) &&
			   !number(p, len, "group_id=", 10, &o->group_id) &&
			   !number(p, len, "max_read=", 10, &o->max_read) &&
			   !number(p, len, "blksize=", 10, &ignored))
			return -EINVAL;
		p += len + (p[len] == ',');
	}
	return o->fd < 0 || o->root_mode < 0 || o->user_id < 0 || o->group_id < 0 ? -EINVAL : 0;
}

static void kill(struct super_block *sb)
{
	fuse_conn_end(sb->private);
	fuse_conn_put(sb->private);
}

static int set_up(struct fuse_conn *c, const struct options *o)
{
	struct task *t = current_task();
	u32 uid = kuid_of(t->cred->user_ns, (u32)o->user_id),
	    gid = kgid_of(t->cred->user_ns, (u32)o->group_id);

	if (uid == NO_ID || gid == NO_ID)
		return -EINVAL;
	c->user_id = uid;
	c->group_id = gid;
	c->allow_other = o->allow_other;
	if (o->max_read > 0)
		c->max_read =
		    min_t(u32, max_t(u32, (u32)min_t(s64, o->max_read, INT32_MAX), PAGE_SIZE), FUSE_READ_MAX);
	c->pid_ns = pid_ns_get(task_pid_ns(t));
	c->user_ns = user_ns_get(t->cred->user_ns);
	return 0;
}

static int fuse_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct super_block *sb;
	struct fuse_conn *c;
	struct inode *root;
	struct options o;
	int err = current_task() ? parse(opt->data, &o) : -EINVAL;

	if (err)
		return err;
	if (mode_type((u32)o.root_mode) != LINUX_S_IFDIR)
		return -EINVAL;
	f = fd_get((int)o.fd);
	if (!f || f->ops != &fuse_dev_ops)
		return -EINVAL;
	c = f->private;
	if (c->mounted || c->ended)
		return -EINVAL;
	err = set_up(c, &o);
	if (err)
		return err;
	sb = sb_new(type, SB_NODEV | (o.default_permissions ? SB_FRESH_PERMISSIONS : SB_SERVER_PERMISSIONS),
		    c);
	if (!sb)
		return -ENOMEM;
	if (o.subtype) {
		sb->subtype = kstrndup(o.subtype, o.subtype_len);
		if (!sb->subtype) {
			sb_put(sb);
			return -ENOMEM;
		}
	}
	c->mounted = true;
	c->sb = sb;
	object_get(&c->obj);
	sb->dentry_ops = &fuse_dentry_ops;
	sb->kill = kill;
	root = fuse_root_new(sb, LINUX_S_IFDIR | ((u32)o.root_mode & 07777));
	err = root ? sb_set_root(sb, root) : -ENOMEM;
	if (!err)
		err = fuse_start(c);
	if (err) {
		sb_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

static void show_options(struct super_block *sb, struct text_buf *b)
{
	const struct fuse_conn *c = sb->private;

	text_printf(b, ",user_id=%u,group_id=%u%s%s", uid_seen(c->user_id), gid_seen(c->group_id),
		    sb->flags & SB_SERVER_PERMISSIONS ? "" : ",default_permissions",
		    c->allow_other ? ",allow_other" : "");
	if (c->max_read != FUSE_READ_MAX)
		text_printf(b, ",max_read=%u", c->max_read);
}

static int check_options(const char *data)
{
	struct options o;

	return parse(data, &o);
}

const struct fs_type fuse_fs_type = {.name = "fuse",
				     .magic = FUSE_MAGIC,
				     .mount = fuse_mount,
				     .check_options = check_options,
				     .show_options = show_options};

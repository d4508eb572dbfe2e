/*
 * fsconfig.c - see fsconfig.h. Options are gathered as the text that mount(2) would take, each checked when
 * it is set, and used when the super_block is created or reconfigured. Reading the file gives the messages of
 * errors, of which there are none: ENODATA.
 */
#include "sandbox/vfs/fsconfig.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/vfs/mount_priv.h"

/* BUSY: a call is under way that may sleep and uses the options: any other is refused meanwhile. */
enum phase { CREATE_PARAMS, AWAITING_MOUNT, AWAITING_RECONF, RECONF_PARAMS, BUSY, FAILED };

struct fsconfig {
	enum phase phase;
	const struct fs_type *type;
	char *source, *data;
	bool read_only;
	struct mount *mnt; /* counted: the mount made, or picked; in no namespace if made */
};

static s64 no_messages(struct file *f, struct uio *dst, u64 *pos)
{
	return -ENODATA;
}

static void fsconfig_release(struct file *f)
{
	struct fsconfig *c = f->private;

	mount_put(c->mnt);
	kfree(c->source);
	kfree(c->data);
	kfree(c);
}

static const struct file_ops fsconfig_ops = {.read = no_messages, .release = fsconfig_release};

bool is_fsconfig(const struct file *f)
{
	return f->ops == &fsconfig_ops;
}

static int new_file(struct fsconfig *c, struct file **out)
{
	*out = anon_file_new("[fscontext]", &fsconfig_ops, c, O_RDWR, 0);
	if (*out)
		return 0;
	kfree(c);
	return -ENOMEM;
}

int fsconfig_open(const char *name, struct file **out)
{
	const struct fs_type *type = fs_type_find(name);
	struct fsconfig *c;

	if (!type)
		return -ENODEV;
	c = knew(struct fsconfig);
	if (!c)
		return -ENOMEM;
	c->type = type;
	return new_file(c, out);
}

int fsconfig_pick(const struct path *p, struct file **out)
{
	struct fsconfig *c;
	int err;

	if (p->dentry != p->mnt->root)
		return -EINVAL;
	c = knew(struct fsconfig);
	if (!c)
		return -ENOMEM;
	c->type = p->mnt->sb->type;
	c->phase = RECONF_PARAMS;
	c->read_only = p->mnt->sb->flags & SB_READONLY;
	err = new_file(c, out);
	if (!err)
		c->mnt = mount_get(p->mnt);
	return err;
}

static int add_option(struct fsconfig *c, const char *key, const char *value)
{
	auto_cleanup(kfreep) char *one = NULL;
	char *all;
	int err;

	if (value && strchr(value, ','))
		return -EINVAL; /* the text could not say it */
	one = value ? kasprintf("%s=%s", key, value) : kstrdup(key);
	if (!one)
		return -ENOMEM;
	if (!c->type->check_options)
		return -EINVAL;
	err = c->type->check_options(one);
	if (err)
		return err;
	all = c->data ? kasprintf("%s,%s", c->data, one) : kstrdup(one);
	if (!all)
		return -ENOMEM;
	kfree(c->data);
	c->data = all;
	return strlen(all) > PAGE_SIZE ? -EINVAL : 0;
}

int fsconfig_set(struct file *f, const char *key, const char *value)
{
	struct fsconfig *c = f->private;

	if (c->phase == AWAITING_RECONF)
		c->phase = RECONF_PARAMS;
	if (c->phase != CREATE_PARAMS && c->phase != RECONF_PARAMS)
		return -EBUSY;
	if (!value && (!strcmp(key, "ro") || !strcmp(key, "rw"))) {
		c->read_only = key[1] == 'o';
		return 0;
	}
	if (!value && (!strcmp(key, "sync") || !strcmp(key, "async") || !strcmp(key, "dirsync") ||
		       !strcmp(key, "lazytime") || !strcmp(key, "nolazytime") || !strcmp(key, "silent")))
		return 0; /* memory and write-through know no other way */
	if (!strcmp(key, "source")) {
		if (!value || c->source)
			return -EINVAL;
		c->source = kstrdup(value);
		return c->source ? 0 : -ENOMEM;
	}
	return add_option(c, key, value);
}

int fsconfig_create(struct file *f)
{
	struct fsconfig *c = f->private;
	struct mount_options opt = {.source = c->source, .data = c->data};
	int err;

	if (c->phase != CREATE_PARAMS)
		return -EBUSY;
	c->phase = BUSY;
	err = mount_new(c->type->name, &opt, 0, &c->mnt);
	c->phase = err ? FAILED : AWAITING_MOUNT;
	if (!err && c->read_only)
		c->mnt->sb->flags |= SB_READONLY;
	return err;
}

int fsconfig_reconfigure(struct file *f)
{
	struct fsconfig *c = f->private;
	int err;

	if (c->phase != RECONF_PARAMS)
		return -EBUSY;
	c->phase = BUSY;
	err = mount_reconfigure(c->mnt, c->read_only, c->data);
	c->phase = RECONF_PARAMS;
	kfree(c->data);
	c->data = NULL;
	return err;
}

int fsconfig_mount(struct file *f, u32 mnt_flags, struct mount **out)
{
	struct fsconfig *c = f->private;
	int err;

	if (!c->mnt)
		return -EINVAL;
	if (c->phase != AWAITING_MOUNT)
		return -EBUSY;
	err = mount_of_sb(c->mnt->sb, c->mnt->root, mnt_flags, c->source, out);
	if (err)
		return err;
	c->phase = AWAITING_RECONF;
	kfree(c->data);
	c->data = NULL;
	return 0;
}

/*
 * super.c - mounting an overlay: its options and its layers.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/overlay/overlay_priv.h"

static void layers_put(struct ovl *o)
{
	for (u32 i = 0; i < o->lower_count; i++)
		path_put(&o->lower[i]);
	kfree(o->lower);
	path_put(&o->upper);
}

static void ovl_kill(struct super_block *sb)
{
	struct ovl *o = ovl_of(sb);

	layers_put(o);
	kfree(o);
}

/* Names go one by one, and with the root what was kept for names that nobody has asked for. */
static void ovl_dentry_gone(struct dentry *d)
{
	struct ovl *o = ovl_of(d->sb);

	if (d->inode && oi(d->inode)->alias == d)
		oi(d->inode)->alias = NULL;
	if (d->parent != d)
		return;
	while (!list_empty(&o->kept)) {
		struct ovl_inode *x = list_first_entry(&o->kept, struct ovl_inode, kept_node);
		list_del_init(&x->kept_node);
		inode_put(x->inode);
	}
}

/* Always right; but the name by which an inode was known may have gone while another is there. */
static int ovl_revalidate(struct dentry *d)
{
	if (d->inode && (!oi(d->inode)->alias || oi(d->inode)->alias->unhashed))
		oi(d->inode)->alias = d;
	return 1;
}

static const struct dentry_ops ovl_dentry_ops = {.revalidate = ovl_revalidate, .release = ovl_dentry_gone};

/* ---- options ---- */

struct ovl_options {
	char *lower, *upper, *work;
};

static int take(char **slot, const char *value)
{
	kfree(*slot);
	*slot = kstrdup(value);
	return !*slot ? -ENOMEM : **slot ? 0 : -EINVAL;
}

/* "index=off" and the like: what is always so here. */
static bool is_default(const char *word)
{
	static const char *const known[] = {"index=off",      "redirect_dir=off",   "redirect_dir=nofollow",
					    "xino=off",       "xino=auto",          "metacopy=off",
					    "nfs_export=off", "userxattr",          "volatile",
					    "verity=off",     "uuid=auto",          "uuid=off",
					    "uuid=null",      "default_permissions"};

	for (u32 i = 0; i < ARRAY_COUNT(known); i++)
		if (!strcmp(word, known[i]))
			return true;
	return false;
}

static int parse(const char *data, struct ovl_options *opt)
{
	auto_cleanup(kfreep) char *copy = kstrdup(data ? data : "");
	char *word, *rest = copy, *value;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (word = strsep(&rest, ","))) {
		if (!*word || is_default(word))
			continue;
		value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = 0;
		if (!strcmp(word, "lowerdir"))
			err = take(&opt->lower, value);
		else if (!strcmp(word, "upperdir"))
			err = take(&opt->upper, value);
		else if (!strcmp(word, "workdir"))
			err = take(&opt->work, value);
		else
			err = -EINVAL;
	}
	return err;
}

static void options_free(struct ovl_options *opt)
{
	kfree(opt->lower);
	kfree(opt->upper);
	kfree(opt->work);
}

static int ovl_check(const char *data)
{
	struct ovl_options opt = {0};
	int err = parse(data, &opt);

	options_free(&opt);
	return err;
}

static int find_dir(const char *name, struct path *out)
{
	int err = path_lookup(AT_FDCWD, name, WALK_FOLLOW, out);

	if (!err && !mode_is_dir(out->dentry->inode->attr.mode)) {
		path_put(out);
		err = -EINVAL; /* as Linux says it of a layer */
	}
	return err;
}

/* The next name of a list with colons between; a backslash takes the meaning of a character away. */
static char *next_name(char **rest)
{
	char *start = *rest, *to = start, *from = start;

	if (!start)
		return NULL;
	for (; *from && *from != ':'; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*rest = *from ? from + 1 : NULL;
	*to = 0;
	return start;
}

static int add_lower(struct ovl *o, const struct path *p)
{
	struct path *more;

	if (o->lower_count >= OVL_LOWER_MAX)
		return -EINVAL;
	more = krealloc(o->lower, (o->lower_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	o->lower = more;
	more[o->lower_count++] = *p;
	path_get(&more[o->lower_count - 1]);
	return 0;
}

static int layers_by_name(struct ovl *o, struct ovl_options *opt)
{
	char *rest = opt->lower, *name;
	struct path p = {0}, work = {0};
	int err = 0;

	if (!rest || !opt->upper != !opt->work)
		return -EINVAL;
	while (!err && (name = next_name(&rest))) {
		err = *name ? find_dir(name, &p) : -EINVAL;
		if (err)
			return err;
		err = add_lower(o, &p);
		path_put(&p);
	}
	if (err || !opt->upper)
		return err;
	err = find_dir(opt->upper, &o->upper);
	if (!err)
		err = find_dir(opt->work, &work);
	if (err)
		return err;
	if (work.mnt != o->upper.mnt || dentry_is_ancestor(work.dentry, o->upper.dentry) ||
	    dentry_is_ancestor(o->upper.dentry, work.dentry))
		err = -EINVAL;
	else
		err = mount_want_write(o->upper.mnt);
	path_put(&work);
	return err;
}

static int layers_given(struct ovl *o, const struct overlay_layers *l)
{
	int err = l->lower_count ? 0 : -EINVAL;

	for (u32 i = 0; i < l->lower_count && !err; i++)
		err = add_lower(o, &l->lower[i]);
	if (!err && l->upper.mnt) {
		o->upper = l->upper;
		path_get(&o->upper);
	}
	return err;
}

/* How high the overlay stands over its highest layer. */
static u32 stack_of(const struct ovl *o)
{
	u32 most = o->upper.mnt ? o->upper.mnt->sb->stacked : 0;

	for (u32 i = 0; i < o->lower_count; i++)
		most = max_t(u32, most, o->lower[i].mnt->sb->stacked);
	return most + 1;
}

/* Does the upper tree keep the names that Linux uses? */
static void choose_names(struct ovl *o)
{
	struct inode *root = o->upper.mnt ? o->upper.dentry->inode : NULL;
	s64 n =
	    root && root->ops->getxattr ? root->ops->getxattr(root, "trusted.overlay.opaque", NULL, 0) : 0;

	o->xattr = n >= 0 || n == -ENODATA ? "trusted.overlay." : "user.overlay.";
}

static int make_root(struct super_block *sb)
{
	struct ovl *o = ovl_of(sb);
	struct inode *root;
	int err = ovl_inode_get(sb, o->upper.mnt ? &o->upper : NULL, o->lower, o->lower_count, 1, &root);

	if (err)
		return err;
	err = sb_set_root(sb, root);
	if (!err)
		oi(root)->alias = sb->root;
	return err;
}

static int ovl_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct ovl_options names = {0};
	struct ovl *o = knew(struct ovl);
	struct super_block *sb;
	int err = o ? 0 : -ENOMEM;

	if (err)
		return err;
	list_init(&o->kept);
	wait_queue_init(&o->copied);
	if (!opt->extra)
		err = parse(opt->data, &names);
	if (!err)
		err = opt->extra ? layers_given(o, opt->extra) : layers_by_name(o, &names);
	options_free(&names);
	if (!err && stack_of(o) > OVL_STACK_MAX)
		err = -EINVAL;
	sb = err ? NULL : sb_new(type, SB_POSIXACL | SB_ACL_CHMOD, o);
	if (!sb) {
		layers_put(o);
		kfree(o);
		return err ? err : -ENOMEM;
	}
	sb->kill = ovl_kill;
	sb->stacked = stack_of(o);
	sb->dentry_ops = &ovl_dentry_ops;
	choose_names(o);
	if (!o->upper.mnt)
		sb->flags |= SB_READONLY | SB_READONLY_FOREVER;
	err = make_root(sb);
	if (err) {
		sb_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

static int ovl_sync(struct super_block *sb)
{
	const struct path *upper = &ovl_of(sb)->upper;

	return upper->mnt && upper->mnt->sb->type->sync ? upper->mnt->sb->type->sync(upper->mnt->sb) : 0;
}

const struct fs_type overlay_fs_type = {
    .name = "overlay", .magic = 0x794c7630, .mount = ovl_mount, .check_options = ovl_check, .sync = ovl_sync};

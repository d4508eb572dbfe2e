/*
 * path.c - the root and working directory of processes, and paths as strings.
 */
#include <errno.h>

#include "sandbox/vfs/vfs_priv.h"

static void fs_context_release(struct object *obj)
{
	struct fs_context *fs = container_of(obj, struct fs_context, obj);

	path_put(&fs->root);
	path_put(&fs->cwd);
	kfree(fs);
}

struct fs_context *fs_context_new(struct path *root, struct path *cwd)
{
	struct fs_context *fs = knew(struct fs_context);

	if (!fs)
		return NULL;
	object_init(&fs->obj, fs_context_release);
	fs->umask = 022;
	fs->root = *root;
	fs->cwd = *cwd;
	path_get(&fs->root);
	path_get(&fs->cwd);
	return fs;
}

struct fs_context *fs_context_dup(struct fs_context *old)
{
	struct fs_context *fs = fs_context_new(&old->root, &old->cwd);

	if (fs)
		fs->umask = old->umask;
	return fs;
}

struct fs_context *fs_context_get(struct fs_context *fs)
{
	object_get(&fs->obj);
	return fs;
}

void fs_context_put(struct fs_context *fs)
{
	if (fs)
		object_put(&fs->obj);
}

int fs_context_chdir(struct fs_context *fs, const char *path)
{
	struct walk w = {.flags = WALK_FOLLOW | WALK_DIRECTORY, .root = fs->root};
	const struct path *start = *path == '/' ? &fs->root : &fs->cwd;
	int err;

	path_set(&w.cur, start->mnt, start->dentry);
	err = walk_path(&w, path);
	if (err)
		return err;
	path_put(&fs->cwd);
	fs->cwd = w.cur;
	return 0;
}

/* Puts `name` in front of what is at *at. */
static bool prepend(char *buf, char **at, const char *name, size_t len)
{
	if ((size_t)(*at - buf) < len + 1)
		return false;
	*at -= len;
	memcpy(*at, name, len);
	*--*at = '/';
	return true;
}

char *path_to_string(const struct path *path, const struct path *root)
{
	auto_cleanup(kfreep) char *buf = kmalloc(PATH_MAX_SIZE);
	const struct dentry *d = path->dentry;
	const struct mount *m = path->mnt;
	const char *suffix = d->unhashed ? " (deleted)" : "", *prefix = "";
	char *at;

	if (!buf)
		return NULL;
	if (m == vfs()->anon)
		return kstrdup(d->name);
	at = buf + PATH_MAX_SIZE - 1;
	*at = 0;
	while (!(d == root->dentry && m == root->mnt)) {
		if (d == m->root) {
			if (!m->parent) {
				prefix = !m->detached ? "" : "(unreachable)";
				break;
			}
			d = m->mountpoint;
			m = m->parent;
			continue;
		}
		if (d == d->parent || !prepend(buf, &at, d->name, d->name_len)) {
			prefix = "(unreachable)";
			break;
		}
		d = d->parent;
	}
	return kasprintf("%s%s%s", prefix, *at ? at : "/", suffix);
}

char *dentry_to_string(const struct dentry *d)
{
	auto_cleanup(kfreep) char *buf = kmalloc(PATH_MAX_SIZE);
	const char *suffix = d->unhashed ? "//deleted" : "";
	char *at;

	if (!buf)
		return NULL;
	at = buf + PATH_MAX_SIZE - 1;
	*at = 0;
	for (; d != d->parent; d = d->parent)
		if (!prepend(buf, &at, d->name, d->name_len))
			return NULL;
	return kasprintf("%s%s", *at ? at : "/", suffix);
}

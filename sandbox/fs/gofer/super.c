/*
 * super.c - mounting a gofer's tree.
 */
#include <errno.h>

#include "sandbox/fs/gofer/gofer_priv.h"

static void gofer_kill(struct super_block *sb)
{
	struct gofer_fs *fs = gofer_fs(sb);

	list_del_init(&fs->node);
	gofer_conn_free(fs->conn); /* all handles go with the connection */
	kfree(fs->clunk);
	kfree(fs);
}

static void late_handle(void *owner, u64 handle)
{
	gofer_handle_drop(owner, handle);
}

static bool has_option(const char *data, const char *option)
{
	size_t len = strlen(option);

	for (const char *p = data; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, option, len) && (p[len] == ',' || !p[len]))
			return true;
	return false;
}

int gofer_attach_root(struct super_block *sb)
{
	struct gofer_fs *fs = gofer_fs(sb);
	struct gofer_op_buf op;
	struct gofer_attr attr;
	struct inode *root;
	u64 handle;
	int err = gofer_op_begin(fs, &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_attach(&fs->conn->client, &op.call, &handle, &attr);
	if (!err)
		err = gofer_inode_get(sb, handle, &attr, NULL, 0, &root);
	gofer_op_end(&op);
	if (!err && sb->root) { /* attached again */
		if (root != sb->root->inode)
			err = -ESTALE;
		inode_put(root);
		return err;
	}
	return err ? err : sb_set_root(sb, root);
}

static int gofer_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct gofer_conn *conn = opt->extra;
	struct gofer_fs *fs;
	struct super_block *sb;
	int err;

	if (!conn)
		return -EINVAL; /* mount(2) from a guest: there is no gofer to be had */
	fs = knew(struct gofer_fs);
	sb = fs ? sb_new(type, SB_NODEV | SB_POSIXACL | SB_ACL_CHMOD, fs) : NULL;
	if (!sb) {
		kfree(fs);
		gofer_conn_free(conn);
		return -ENOMEM;
	}
	fs->conn = conn;
	fs->sb = sb;
	list_add_tail(&fs->node, &kernel()->gofers);
	list_init(&fs->listings);
	list_init(&fs->idle_fds);
	list_init(&fs->doubts);
	conn->owner = fs;
	conn->late_handle = late_handle;
	gofer_handles_init(fs);
	sb->lru = &fs->lru;
	fs->shared = has_option(opt->data, "cache=shared");
	if (has_option(opt->data, "ro") || (conn->client.server_flags & GOFER_SERVER_RO))
		sb->flags |= SB_READONLY | SB_READONLY_FOREVER;
	sb->dentry_ops = fs->shared ? &gofer_shared_dentry_ops : &gofer_dentry_ops;
	sb->kill = gofer_kill;
	err = gofer_attach_root(sb);
	if (err) {
		sb_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

static int gofer_sync(struct super_block *sb)
{
	struct inode *root = sb->root ? sb->root->inode : NULL;
	struct gofer_op_buf op;
	int err = root ? gofer_op_on(root, &op, GOFER_SMALL_BUF) : 0;

	if (err || !root)
		return err;
	err = gofer_fsync(&gofer_fs(sb)->conn->client, &op.call, gi(root)->handle, GOFER_FSYNC_FS);
	gofer_op_end(&op);
	return err;
}

const struct fs_type gofer_fs_type = {
    .name = "gofer", .magic = 0x01021997, .mount = gofer_mount, .sync = gofer_sync};

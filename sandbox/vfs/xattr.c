/*
 * xattr.c - see xattr.h. user. names for files and directories one may write, trusted. for CAP_SYS_ADMIN,
 * security. names with CAP_SYS_ADMIN (security.capability: CAP_SETFCAP), system. names only the two ACLs.
 */
#include "sandbox/vfs/xattr.h"

#include <errno.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/vfs/vfs_priv.h"

#define CAP_SYS_ADMIN_NR 21
#define CAP_SETFCAP_NR   31

static int is_acl(const char *name)
{
	if (!strcmp(name, ACL_XATTR_ACCESS))
		return 1;
	return !strcmp(name, ACL_XATTR_DEFAULT) ? 2 : 0;
}

/* Who may touch which name. */
static int allowed(const struct path *p, const char *name, bool write)
{
	struct inode *inode = p->dentry->inode;
	u32 mode = inode->attr.mode;

	if (write && mount_want_write(p->mnt))
		return -EROFS;
	if (write && (inode->flags & (INODE_IMMUTABLE | INODE_APPEND)))
		return -EPERM;
	if (!strncmp(name, "security.", 9)) {
		if (write &&
		    !capable(strcmp(name, "security.capability") ? CAP_SYS_ADMIN_NR : CAP_SETFCAP_NR))
			return -EPERM;
		return 0;
	}
	if (!strncmp(name, "trusted.", 8))
		return capable(CAP_SYS_ADMIN_NR) ? 0 : write ? -EPERM : -ENODATA;
	if (!strncmp(name, "user.", 5)) {
		if (!mode_is_reg(mode) && !mode_is_dir(mode))
			return write ? -EPERM : -ENODATA;
		if (write && mode_is_dir(mode) && (mode & LINUX_S_ISVTX) && !inode_owner_or_capable(inode))
			return -EPERM;
		return inode_permission(inode, p->mnt, write ? 2 : 4);
	}
	return is_acl(name) ? 0 : -EOPNOTSUPP;
}

#define CAPS_NAME "security.capability"

/* A name that is nothing but its prefix names nothing. */
static bool whole_name(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && dot[1];
}

int vfs_setxattr(struct path *p, const char *name, const void *value, size_t size, int flags)
{
	struct inode *inode = p->dentry->inode;
	int err = allowed(p, name, true);

	if (!err && !whole_name(name))
		err = -EINVAL;
	if (!err && (!inode->ops || !inode->ops->setxattr))
		err = -EOPNOTSUPP;
	if (err)
		return err;
	if (is_acl(name))
		err = acl_set(p, is_acl(name) == 2, value, size);
	else
		err = inode->ops->setxattr(inode, name, value, size, flags);
	if (!strcmp(name, CAPS_NAME))
		inode->no_file_caps = false;
	if (!err)
		vfs_notify(p, LINUX_IN_ATTRIB);
	return err;
}

void inode_kill_caps(struct inode *inode)
{
	char value[32];
	s64 n;

	if (inode->no_file_caps || !mode_is_reg(inode->attr.mode) || !(inode->attr.mode & 0111) ||
	    !inode->ops || !inode->ops->getxattr || !inode->ops->removexattr)
		return;
	n = inode->ops->getxattr(inode, CAPS_NAME, value, sizeof(value));
	if (n >= 0 && inode->ops->removexattr(inode, CAPS_NAME))
		klog(LOG_WARN, "file capabilities could not be removed after a change");
	else
		inode->no_file_caps = true;
}

s64 vfs_getxattr(struct path *p, const char *name, void *value, size_t size)
{
	struct inode *inode = p->dentry->inode;
	int err = allowed(p, name, false);

	if (!err && !whole_name(name))
		err = -EINVAL;
	if (!err && (!inode->ops || !inode->ops->getxattr))
		err = -EOPNOTSUPP;
	return err ? err : inode->ops->getxattr(inode, name, value, size);
}

s64 vfs_listxattr(struct path *p, char *list, size_t size)
{
	struct inode *inode = p->dentry->inode;

	return inode->ops && inode->ops->listxattr ? inode->ops->listxattr(inode, list, size) : 0;
}

int vfs_removexattr(struct path *p, const char *name)
{
	struct inode *inode = p->dentry->inode;
	int err = allowed(p, name, true);

	if (!err && !whole_name(name))
		err = -EINVAL;
	if (!err && (!inode->ops || !inode->ops->removexattr))
		err = -EOPNOTSUPP;
	if (err)
		return err;
	err = is_acl(name) ? acl_set(p, is_acl(name) == 2, NULL, 0) : inode->ops->removexattr(inode, name);
	if (!err)
		vfs_notify(p, LINUX_IN_ATTRIB);
	return err;
}

/* ---- a store in memory ---- */

struct xattr_entry {
	struct list_head node;
	size_t size;
	char *name;
	char value[];
};

static struct xattr_entry *find(const struct xattr_store *s, const char *name)
{
	struct xattr_entry *e;

	list_for_each_entry (e, &s->entries, node)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

static void drop(struct xattr_store *s, struct xattr_entry *e)
{
	s->bytes -= e->size + strlen(e->name) + sizeof(*e);
	list_del_init(&e->node);
	kfree(e->name);
	kfree(e);
}

void xattr_store_free(struct xattr_store *s)
{
	while (!list_empty(&s->entries))
		drop(s, list_first_entry(&s->entries, struct xattr_entry, node));
}

int xattr_store_set(struct xattr_store *s, const char *name, const void *value, size_t size, int flags)
{
	struct xattr_entry *old = find(s, name), *e;

	if (old && (flags & XATTR_CREATE_))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE_))
		return -ENODATA;
	e = kmalloc_typed(sizeof(*e) + size, "xattr");
	if (!e)
		return -ENOMEM;
	*e = (struct xattr_entry){.size = size, .name = kstrdup(name)};
	if (!e->name) {
		kfree(e);
		return -ENOMEM;
	}
	if (size)
		memcpy(e->value, value, size);
	if (old)
		drop(s, old);
	s->bytes += size + strlen(name) + sizeof(*e);
	list_add_tail(&e->node, &s->entries);
	return 0;
}

s64 xattr_store_get(const struct xattr_store *s, const char *name, void *value, size_t size)
{
	const struct xattr_entry *e = find(s, name);

	if (!e)
		return -ENODATA;
	if (!size)
		return (s64)e->size;
	if (size < e->size)
		return -ERANGE;
	memcpy(value, e->value, e->size);
	return (s64)e->size;
}

s64 xattr_store_list(const struct xattr_store *s, char *list, size_t size, bool trusted)
{
	const struct xattr_entry *e;
	size_t used = 0;

	list_for_each_entry (e, &s->entries, node) {
		size_t len = strlen(e->name) + 1;
		if (!trusted && !strncmp(e->name, "trusted.", 8))
			continue;
		if (size) {
			if (len > size - used)
				return -ERANGE;
			memcpy(list + used, e->name, len);
		}
		used += len;
	}
	return (s64)used;
}

int xattr_store_remove(struct xattr_store *s, const char *name)
{
	struct xattr_entry *e = find(s, name);

	if (!e)
		return -ENODATA;
	drop(s, e);
	return 0;
}

/*
 * xattr.h - extended attributes (xattr(7)) and POSIX ACLs (acl(5)): who may touch which name, and a store of
 * attributes for file systems that keep them in memory.
 *
 * An ACL is an attribute, system.posix_acl_access or _default, that the VFS understands. Its parsed form is
 * cached in the inode (struct inode.acl) once somebody has asked for it.
 */
#ifndef WARREN_VFS_XATTR_H
#define WARREN_VFS_XATTR_H

#include "sandbox/vfs/vfs.h"

#define XATTR_NAME_SIZE 256
#define XATTR_SIZE_MAX  65536U
#define XATTR_CREATE_   1 /* setxattr(2)'s flags */
#define XATTR_REPLACE_  2

/* The four calls, permission checks inside. Values are the kernel's buffers. [sleep] */
int vfs_setxattr(struct path *p, const char *name, const void *value, size_t size, int flags) must_check;
s64 vfs_getxattr(struct path *p, const char *name, void *value, size_t size) must_check;
s64 vfs_listxattr(struct path *p, char *list, size_t size) must_check;
int vfs_removexattr(struct path *p, const char *name) must_check;

/* ---- a store in memory ---- */

struct xattr_store {
	struct list_head entries;
	size_t bytes; /* of names and values */
};
static inline void xattr_store_init(struct xattr_store *s)
{
	list_init(&s->entries);
	s->bytes = 0;
}
void xattr_store_free(struct xattr_store *s);
/* What the inode operations of the same name return. */
int xattr_store_set(struct xattr_store *s, const char *name, const void *value, size_t size,
		    int flags) must_check;
s64 xattr_store_get(const struct xattr_store *s, const char *name, void *value, size_t size) must_check;
s64 xattr_store_list(const struct xattr_store *s, char *list, size_t size, bool trusted) must_check;
int xattr_store_remove(struct xattr_store *s, const char *name) must_check;

/* ---- ACLs ---- */

#define ACL_XATTR_ACCESS  "system.posix_acl_access"
#define ACL_XATTR_DEFAULT "system.posix_acl_default"

struct posix_acl;
/* May the current task have `mask` by the inode's ACL? 0, -EACCES, or -EAGAIN: there is none. [sleeps] */
int acl_permission(struct inode *inode, u32 mask) must_check;
/* The directory has a default ACL, so that umask does not count. [sleeps] */
bool acl_has_default(struct inode *dir);
/* Gives a new inode what its directory's default ACL says; `mode` is what was asked for. [sleeps] */
int acl_inherit(struct inode *dir, struct inode *inode, u32 mode) must_check;
/* After a change of the permission bits. [sleeps] */
int acl_chmod(struct inode *inode, u32 mode) must_check;
/* setxattr of an ACL attribute; value NULL removes it. [sleeps] */
int acl_set(struct path *p, bool is_default, const void *value, size_t size) must_check;
void acl_forget(struct inode *inode);

#endif

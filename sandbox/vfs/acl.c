/*
 * acl.c - POSIX access control lists (acl(5)), kept as the attributes that setfacl(1) writes. See xattr.h.
 *
 * The attribute is a version and entries of (tag, permissions, id), sorted by tag. The owner's, the mask's
 * (without a mask the group's) and the others' entries are the same thing as the nine permission bits: a
 * change of one changes the other.
 */
#include <errno.h>

#include "sandbox/vfs/vfs_priv.h"
#include "sandbox/vfs/xattr.h"

enum { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 16, ACL_OTHER = 32 };
#define ACL_VERSION     2U
#define ACL_ENTRIES_MAX 4096U

struct acl_entry { /* as in the attribute */
	u16 tag, perm;
	u32 id;
};
static_assert(sizeof(struct acl_entry) == 8, "struct posix_acl_xattr_entry");

struct posix_acl {
	u32 count;
	struct acl_entry e[];
};

/* ---- reading and checking ---- */

/* The tags in order, a mask when there are named users or groups, no duplicates of the single ones. */
static bool well_formed(const struct posix_acl *acl)
{
	u32 state = 0; /* greatest tag seen */
	bool named = false, masked = false;

	for (u32 i = 0; i < acl->count; i++) {
		u16 tag = acl->e[i].tag;
		if (acl->e[i].perm & ~7U)
			return false;
		switch (tag) {
		case ACL_USER_OBJ:
			if (state)
				return false;
			break;
		case ACL_USER:
			if (state != ACL_USER_OBJ && state != ACL_USER)
				return false;
			named = true;
			break;
		case ACL_GROUP_OBJ:
			if (state != ACL_USER_OBJ && state != ACL_USER)
				return false;
			break;
		case ACL_GROUP:
			if (state != ACL_GROUP_OBJ && state != ACL_GROUP)
				return false;
			named = true;
			break;
		case ACL_MASK:
			if (state != ACL_GROUP_OBJ && state != ACL_GROUP)
				return false;
			masked = true;
			break;
		case ACL_OTHER:
			if (state < ACL_GROUP_OBJ || state == ACL_OTHER)
				return false;
			break;
		default:
			return false;
		}
		state = tag;
	}
	return state == ACL_OTHER && (!named || masked);
}

/* *out NULL: an empty list, which is none. */
static int parse(const void *value, size_t size, struct posix_acl **out)
{
	const u8 *bytes = value;
	u32 version, count;
	struct posix_acl *acl;

	*out = NULL;
	if (!size)
		return 0;
	if (size < 4)
		return -EINVAL;
	memcpy(&version, bytes, 4);
	if (version != ACL_VERSION)
		return -EOPNOTSUPP;
	count = (u32)((size - 4) / sizeof(struct acl_entry));
	if ((size - 4) % sizeof(struct acl_entry) || count > ACL_ENTRIES_MAX)
		return -EINVAL;
	if (!count)
		return 0;
	acl = kmalloc_typed(sizeof(*acl) + count * sizeof(struct acl_entry), "struct posix_acl");
	if (!acl)
		return -ENOMEM;
	acl->count = count;
	memcpy(acl->e, bytes + 4, count * sizeof(struct acl_entry));
	if (!well_formed(acl)) {
		kfree(acl);
		return -EINVAL;
	}
	*out = acl;
	return 0;
}

/* What the nine bits say of an ACL; false: it says more than they can. */
static bool equivalent_mode(const struct posix_acl *acl, u32 *mode)
{
	bool equivalent = true;
	u32 group = 0, mask = 8, rest = 0;

	for (u32 i = 0; i < acl->count; i++) {
		const struct acl_entry *e = &acl->e[i];
		if (e->tag == ACL_USER_OBJ)
			rest |= (u32)e->perm << 6;
		else if (e->tag == ACL_OTHER)
			rest |= e->perm;
		else if (e->tag == ACL_GROUP_OBJ)
			group = e->perm;
		else if (e->tag == ACL_MASK)
			mask = e->perm;
		if (e->tag & (ACL_USER | ACL_GROUP | ACL_MASK))
			equivalent = false;
	}
	*mode = (*mode & ~0777U) | rest | (mask < 8 ? mask : group) << 3;
	return equivalent;
}

/* ---- the cache in the inode ---- */

static const char *attribute(bool is_default)
{
	return is_default ? ACL_XATTR_DEFAULT : ACL_XATTR_ACCESS;
}

void acl_forget(struct inode *inode)
{
	for (int i = 0; i < 2; i++) {
		kfree(inode->acl[i]);
		inode->acl[i] = NULL;
		inode->acl_known[i] = false;
	}
}

/* The list, NULL if there is none. Borrowed until the next sleep. */
static int get(struct inode *inode, bool is_default, struct posix_acl **out)
{
	auto_cleanup(kfreep) char *value = NULL;
	struct posix_acl *acl = NULL;
	s64 n;
	int err = 0;

	*out = inode->acl[is_default];
	if (inode->acl_known[is_default] || !inode->ops || !inode->ops->getxattr)
		return 0;
	value = kmalloc(4 + ACL_ENTRIES_MAX * sizeof(struct acl_entry));
	if (!value)
		return -ENOMEM;
	n = inode->ops->getxattr(inode, attribute(is_default), value,
				 4 + ACL_ENTRIES_MAX * sizeof(struct acl_entry));
	if (n == -ENODATA || n == -EOPNOTSUPP || n == -EPERM)
		n = 0;
	if (n > 0)
		err = parse(value, (size_t)n, &acl);
	if (n < 0 || err)
		return n < 0 ? (int)n : err;
	kfree(inode->acl[is_default]);
	*out = inode->acl[is_default] = acl;
	inode->acl_known[is_default] = true;
	return 0;
}

/* Stores a list (borrowed; NULL: none) as the inode's. */
static int put(struct inode *inode, bool is_default, const struct posix_acl *acl)
{
	auto_cleanup(kfreep) u8 *value = NULL;
	u32 version = ACL_VERSION;
	size_t size;
	int err;

	if (!inode->ops || !inode->ops->setxattr || !inode->ops->removexattr)
		return -EOPNOTSUPP;
	acl_forget(inode);
	if (!acl) {
		err = inode->ops->removexattr(inode, attribute(is_default));
		return err == -ENODATA ? 0 : err;
	}
	size = 4 + acl->count * sizeof(struct acl_entry);
	value = kmalloc(size);
	if (!value)
		return -ENOMEM;
	memcpy(value, &version, 4);
	memcpy(value + 4, acl->e, size - 4);
	return inode->ops->setxattr(inode, attribute(is_default), value, size, 0);
}

/* ---- permission ---- */

/* What the mask lets through of a named user's or a group's entry. */
static int masked(const struct posix_acl *acl, u32 from, u32 perm, u32 want)
{
	for (u32 i = from; i < acl->count; i++)
		if (acl->e[i].tag == ACL_MASK)
			perm &= acl->e[i].perm;
	return (perm & want) == want ? 0 : -EACCES;
}

int acl_permission(struct inode *inode, u32 want)
{
	const struct cred *c = current_task()->cred;
	struct posix_acl *acl;
	bool in_some_group = false;
	int err = get(inode, false, &acl);

	if (err)
		return err;
	if (!acl)
		return -EAGAIN;
	for (u32 i = 0; i < acl->count; i++) {
		const struct acl_entry *e = &acl->e[i];
		switch (e->tag) {
		case ACL_USER_OBJ:
			if (inode->attr.uid == c->fsuid)
				return (e->perm & want) == want ? 0 : -EACCES;
			break;
		case ACL_USER:
			if (e->id == c->fsuid)
				return masked(acl, i, e->perm, want);
			break;
		case ACL_GROUP_OBJ:
		case ACL_GROUP:
			if (!cred_in_group(c, e->tag == ACL_GROUP ? e->id : inode->attr.gid))
				break;
			in_some_group = true;
			if ((e->perm & want) == want)
				return masked(acl, i, e->perm, want);
			break;
		case ACL_OTHER:
			return !in_some_group && (e->perm & want) == want ? 0 : -EACCES;
		default:
			break;
		}
	}
	return -EACCES;
}

/* ---- inheritance, chmod, setfacl ---- */

bool acl_has_default(struct inode *dir)
{
	struct posix_acl *acl;

	return !get(dir, true, &acl) && acl;
}

static struct posix_acl *copy_of(const struct posix_acl *acl)
{
	size_t size = sizeof(*acl) + acl->count * sizeof(struct acl_entry);
	struct posix_acl *copy = kmalloc_typed(size, "struct posix_acl");

	if (copy)
		memcpy(copy, acl, size);
	return copy;
}

/* The entries that are the permission bits, as `mode` says; with `narrow` only taken away from. */
static void apply_mode(struct posix_acl *acl, u32 mode, bool narrow)
{
	struct acl_entry *group = NULL, *mask = NULL;

	for (u32 i = 0; i < acl->count; i++) {
		struct acl_entry *e = &acl->e[i];
		u16 keep = narrow ? e->perm : 7;
		if (e->tag == ACL_USER_OBJ)
			e->perm = keep & (mode >> 6 & 7);
		else if (e->tag == ACL_OTHER)
			e->perm = keep & (mode & 7);
		else if (e->tag == ACL_GROUP_OBJ)
			group = e;
		else if (e->tag == ACL_MASK)
			mask = e;
	}
	if (!mask)
		mask = group;
	if (mask)
		mask->perm = (u16)((narrow ? mask->perm : 7U) & (mode >> 3 & 7));
}

int acl_inherit(struct inode *dir, struct inode *inode, u32 mode)
{
	auto_cleanup(kfreep) struct posix_acl *mine = NULL, *theirs = NULL;
	struct posix_acl *acl;
	struct attr_change ch = {.mask = ATTR_MODE};
	int err = get(dir, true, &acl);

	if (err || !acl || mode_is_lnk(mode))
		return err;
	mine = copy_of(acl);
	theirs = copy_of(acl);
	if (!mine || !theirs)
		return -ENOMEM;
	apply_mode(mine, mode, true);
	ch.mode = inode->attr.mode;
	if (!equivalent_mode(mine, &ch.mode))
		err = put(inode, false, mine);
	if (!err && ch.mode != inode->attr.mode)
		err = inode->ops->setattr(inode, &ch);
	if (!err && mode_is_dir(mode))
		err = put(inode, true, theirs);
	return err;
}

int acl_chmod(struct inode *inode, u32 mode)
{
	auto_cleanup(kfreep) struct posix_acl *copy = NULL;
	struct posix_acl *acl;
	int err = get(inode, false, &acl);

	if (err || !acl)
		return err;
	copy = copy_of(acl);
	if (!copy)
		return -ENOMEM;
	apply_mode(copy, mode, false);
	return put(inode, false, copy);
}

int acl_set(struct path *p, bool is_default, const void *value, size_t size)
{
	struct inode *inode = p->dentry->inode;
	auto_cleanup(kfreep) struct posix_acl *acl = NULL;
	const struct cred *c = current_task()->cred;
	struct attr_change ch = {.mask = ATTR_MODE | ATTR_CTIME, .ctime_ns = time_now_ns()};
	int err;

	if (mode_is_lnk(inode->attr.mode))
		return -EOPNOTSUPP;
	if (!inode_owner_or_capable(inode))
		return -EPERM;
	err = parse(value, value ? size : 0, &acl);
	if (err)
		return err;
	if (is_default)
		return mode_is_dir(inode->attr.mode) ? put(inode, true, acl) : acl ? -EACCES : 0;
	if (!acl)
		return put(inode, false, NULL);
	ch.mode = inode->attr.mode;
	err = put(inode, false, equivalent_mode(acl, &ch.mode) ? NULL : acl);
	if (!cred_in_group(c, inode->attr.gid) && !capable(4 /* CAP_FSETID */))
		ch.mode &= ~(u32)LINUX_S_ISGID;
	return err ? err : inode->ops->setattr(inode, &ch);
}

/*
 * inode.c - inodes of a served tree: identity, attributes, links, extended attributes.
 *
 * An inode is known by the server's nodeid. Each answer that names it counts; when the inode goes, the server
 * is told how many times it may forget. Attributes are believed as long as the server has said.
 */
#include <errno.h>

#include "sandbox/fs/fuse/fuse_priv.h"

/* ---- identity ---- */

static struct fuse_inode *known(struct fuse_conn *c, u64 nodeid, struct tree_node **parent,
				struct tree_node ***where)
{
	*parent = NULL;
	*where = &c->inodes.root;
	while (**where) {
		struct fuse_inode *i = container_of(**where, struct fuse_inode, node);
		if (i->nodeid == nodeid)
			return i;
		*parent = **where;
		*where = nodeid < i->nodeid ? &(*parent)->left : &(*parent)->right;
	}
	return NULL;
}

u64 fuse_deadline(u64 sec, u32 nsec)
{
	u64 now = clock_monotonic();

	if (sec >= INT64_MAX / NSEC_PER_SEC - 1)
		return TIME_NEVER;
	return sec || nsec ? now + sec * NSEC_PER_SEC + min_t(u32, nsec, NSEC_PER_SEC - 1) : 0;
}

static s64 ns_of(u64 sec, u32 nsec)
{
	return sec > INT64_MAX / NSEC_PER_SEC - 1 ? INT64_MAX
						  : (s64)(sec * NSEC_PER_SEC + nsec % NSEC_PER_SEC);
}

static u32 id_of(u32 id, u32 kid)
{
	return kid == NO_ID ? OVERFLOW_ID : kid;
}

static void take_attr(struct inode *inode, const struct fuse_attr *a, u64 fresh_until)
{
	struct fuse_conn *c = fuse_c(inode);

	inode->attr = (struct inode_attr){.mode = mode_type(inode->attr.mode) | (a->mode & 07777),
					  .uid = id_of(a->uid, kuid_of(c->user_ns, a->uid)),
					  .gid = id_of(a->gid, kgid_of(c->user_ns, a->gid)),
					  .nlink = a->nlink,
					  .ino = a->ino,
					  .size = min_t(u64, a->size, INT64_MAX),
					  .blocks = a->blocks,
					  .blksize = a->blksize ? a->blksize : PAGE_SIZE,
					  .rdev = a->rdev,
					  .atime_ns = ns_of(a->atime, a->atimensec),
					  .mtime_ns = ns_of(a->mtime, a->mtimensec),
					  .ctime_ns = ns_of(a->ctime, a->ctimensec)};
	fuse_i(inode)->fresh_until = fresh_until;
	if (fuse_i(inode)->cache) /* an answer may be older than what was written since */
		inode->attr.size = fuse_cache_size(inode);
}

static struct inode *new_inode(struct super_block *sb, u64 nodeid, u32 mode)
{
	struct fuse_conn *c = sb->private;
	bool dir = mode_is_dir(mode);
	struct tree_node *parent, **where;
	struct fuse_inode *i = knew(struct fuse_inode);
	struct inode *inode;

	if (!i)
		return NULL;
	inode = inode_new(sb, mode, dir ? &fuse_dir_ops : &fuse_inode_ops,
			  dir ? &fuse_dir_file_ops : &fuse_file_ops);
	if (!inode) {
		kfree(i);
		return NULL;
	}
	i->nodeid = nodeid;
	i->inode = inode;
	inode->private = i;
	(void)known(c, nodeid, &parent, &where);
	tree_link(&c->inodes, &i->node, parent, where);
	return inode;
}

struct inode *fuse_root_new(struct super_block *sb, u32 mode)
{
	return new_inode(sb, FUSE_ROOT_ID, mode);
}

static void tell_forget(struct fuse_conn *c, u64 nodeid, u64 lookups)
{
	struct fuse_call call = {.op = FUSE_FORGET, .nodeid = nodeid, .in = {{&lookups, sizeof(lookups)}}};

	if (lookups)
		fuse_tell(c, &call, true);
}

int fuse_inode_get(struct super_block *sb, const struct fuse_entry_out *e, struct inode **out)
{
	struct fuse_conn *c = sb->private;
	u32 type = mode_type(e->attr.mode);
	struct tree_node *parent, **where;
	struct fuse_inode *i;

	if (!e->nodeid || e->nodeid == FUSE_ROOT_ID ||
	    (type != LINUX_S_IFREG && type != LINUX_S_IFDIR && type != LINUX_S_IFLNK &&
	     type != LINUX_S_IFIFO && type != LINUX_S_IFSOCK && type != LINUX_S_IFCHR &&
	     type != LINUX_S_IFBLK))
		return -EIO;
	i = known(c, e->nodeid, &parent, &where);
	if (i && mode_type(i->inode->attr.mode) != type) {
		tell_forget(c, e->nodeid, 1);
		return -EIO;
	}
	*out = i ? inode_get(i->inode) : new_inode(sb, e->nodeid, type);
	if (!*out) {
		tell_forget(c, e->nodeid, 1);
		return -ENOMEM;
	}
	fuse_i(*out)->lookups++;
	take_attr(*out, &e->attr, fuse_deadline(e->attr_valid, e->attr_valid_nsec));
	return 0;
}

static void evict(struct inode *inode)
{
	struct fuse_conn *c = fuse_c(inode);
	struct fuse_inode *i = fuse_i(inode);

	fuse_drop_handle(inode);
	fuse_cache_drop(inode);
	tree_erase(&c->inodes, &i->node);
	tell_forget(c, i->nodeid, i->lookups);
	kfree(i);
}

/* ---- attributes ---- */

int fuse_refresh(struct inode *inode, bool force)
{
	struct fuse_getattr_in in = {0};
	struct fuse_attr_out out;
	struct fuse_call call = {.op = FUSE_GETATTR,
				 .nodeid = fuse_i(inode)->nodeid,
				 .in = {{&in, sizeof(in)}},
				 .out = &out,
				 .out_room = sizeof(out),
				 .out_least = sizeof(out)};
	s64 n;

	if (!force && clock_monotonic() < fuse_i(inode)->fresh_until)
		return 0;
	n = fuse_ask(fuse_c(inode), &call);
	if (n < 0)
		return (int)n;
	if (mode_type(out.attr.mode) != mode_type(inode->attr.mode))
		return -EIO;
	take_attr(inode, &out.attr, fuse_deadline(out.attr_valid, out.attr_valid_nsec));
	return 0;
}

static int getattr(struct inode *inode, u32 mask)
{
	return fuse_refresh(inode, false);
}

static void put_time(s64 ns, u64 *sec, u32 *nsec)
{
	*sec = (u64)(ns / (s64)NSEC_PER_SEC);
	*nsec = (u32)(ns % (s64)NSEC_PER_SEC);
}

static int setattr(struct inode *inode, const struct attr_change *ch)
{
	struct fuse_conn *c = fuse_c(inode);
	struct fuse_setattr_in in = {.size = ch->size,
				     .mode = ch->mode,
				     .uid = uid_in(c->user_ns, ch->uid),
				     .gid = gid_in(c->user_ns, ch->gid)};
	struct fuse_attr_out out;
	struct fuse_call call = {.op = FUSE_SETATTR,
				 .nodeid = fuse_i(inode)->nodeid,
				 .in = {{&in, sizeof(in)}},
				 .out = &out,
				 .out_room = sizeof(out),
				 .out_least = sizeof(out)};
	s64 n;

	in.valid = (ch->mask & ATTR_MODE ? FUSE_FATTR_MODE : 0) | (ch->mask & ATTR_UID ? FUSE_FATTR_UID : 0) |
		   (ch->mask & ATTR_GID ? FUSE_FATTR_GID : 0) | (ch->mask & ATTR_SIZE ? FUSE_FATTR_SIZE : 0) |
		   (ch->mask & ATTR_ATIME ? FUSE_FATTR_ATIME : 0) |
		   (ch->mask & ATTR_MTIME ? FUSE_FATTR_MTIME : 0);
	put_time(ch->atime_ns, &in.atime, &in.atimensec);
	put_time(ch->mtime_ns, &in.mtime, &in.mtimensec);
	if (!in.valid)
		return 0;
	if ((ch->mask & ATTR_SIZE) && fuse_too_large(inode, ch->size))
		return -EFBIG;
	n = fuse_ask(c, &call);
	if (n < 0)
		return (int)n;
	if (mode_type(out.attr.mode) != mode_type(inode->attr.mode))
		return -EIO;
	if (ch->mask & ATTR_SIZE)
		fuse_cache_resize(inode, ch->size);
	take_attr(inode, &out.attr, fuse_deadline(out.attr_valid, out.attr_valid_nsec));
	return 0;
}

static int readlink(struct inode *inode, char **target)
{
	auto_cleanup(kfreep) char *buf = kzalloc(PAGE_SIZE + 1);
	struct fuse_call call = {.op = FUSE_READLINK,
				 .nodeid = fuse_i(inode)->nodeid,
				 .out = buf,
				 .out_room = PAGE_SIZE - 1,
				 .out_least = 1};
	s64 n = buf ? fuse_ask(fuse_c(inode), &call) : -ENOMEM;

	if (n < 0)
		return (int)n;
	*target = kstrndup(buf, (size_t)n);
	return *target ? 0 : -ENOMEM;
}

static int statfs(struct inode *inode, struct linux_statfs *st)
{
	struct fuse_statfs_out out;
	struct fuse_call call = {.op = FUSE_STATFS,
				 .nodeid = fuse_i(inode)->nodeid,
				 .out = &out,
				 .out_room = sizeof(out),
				 .out_least = 48};
	s64 n;

	memset(&out, 0, sizeof(out));
	n = fuse_ask(fuse_c(inode), &call);
	if (n < 0)
		return (int)n;
	st->f_blocks = out.blocks;
	st->f_bfree = out.bfree;
	st->f_bavail = out.bavail;
	st->f_files = out.files;
	st->f_ffree = out.ffree;
	st->f_bsize = out.bsize;
	st->f_frsize = out.frsize ? out.frsize : out.bsize;
	st->f_namelen = out.namelen;
	return 0;
}

/* ---- extended attributes ---- */

/* GETXATTR, LISTXATTR: with size 0 the answer is how many bytes there are. */
static s64 read_xattr(struct inode *inode, u32 op, const char *name, void *value, size_t size)
{
	struct fuse_conn *c = fuse_c(inode);
	struct fuse_xattr_in in = {.size = (u32)min_t(size_t, size, 65536)};
	struct fuse_xattr_in need = {0};
	struct fuse_call call = {.op = op,
				 .nodeid = fuse_i(inode)->nodeid,
				 .in = {{&in, sizeof(in)}, {name, name ? (u32)strlen(name) + 1 : 0}},
				 .out = size ? value : &need,
				 .out_room = size ? in.size : sizeof(need),
				 .out_least = size ? 0 : sizeof(need)};
	s64 n = c->no_xattr ? -ENOSYS : fuse_ask(c, &call);

	if (n == -ENOSYS) {
		c->no_xattr = true;
		return -EOPNOTSUPP;
	}
	if (n < 0 || size)
		return n;
	return min_t(u32, need.size, 65536);
}

static s64 getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	return read_xattr(inode, FUSE_GETXATTR, name, value, size);
}

static s64 listxattr(struct inode *inode, char *list, size_t size)
{
	s64 n = read_xattr(inode, FUSE_LISTXATTR, NULL, list, size);

	return n > 0 && size && list[n - 1] ? -EIO : n;
}

static int setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct fuse_conn *c = fuse_c(inode);
	struct fuse_xattr_in in = {(u32)size, (u32)flags};
	struct fuse_call call = {
	    .op = FUSE_SETXATTR,
	    .nodeid = fuse_i(inode)->nodeid,
	    .in = {{&in, sizeof(in)}, {name, (u32)strlen(name) + 1}, {value, (u32)size}}};
	s64 n = c->no_xattr ? -ENOSYS : fuse_ask(c, &call);

	c->no_xattr |= n == -ENOSYS;
	return n == -ENOSYS ? -EOPNOTSUPP : n < 0 ? (int)n : 0;
}

static int removexattr(struct inode *inode, const char *name)
{
	struct fuse_conn *c = fuse_c(inode);
	struct fuse_call call = {
	    .op = FUSE_REMOVEXATTR, .nodeid = fuse_i(inode)->nodeid, .in = {{name, (u32)strlen(name) + 1}}};
	s64 n = c->no_xattr ? -ENOSYS : fuse_ask(c, &call);

	c->no_xattr |= n == -ENOSYS;
	return n == -ENOSYS ? -EOPNOTSUPP : n < 0 ? (int)n : 0;
}

#define COMMON_OPS                                                                                           \
	.getattr = getattr, .setattr = setattr, .statfs = statfs, .open = fuse_open, .getxattr = getxattr,   \
	.setxattr = setxattr, .listxattr = listxattr, .removexattr = removexattr, .evict = evict

const struct inode_ops fuse_inode_ops = {COMMON_OPS, .readlink = readlink};
const struct inode_ops fuse_dir_ops = {COMMON_OPS,           .lookup = fuse_lookup, .create = fuse_create,
				       .mkdir = fuse_mkdir,  .mknod = fuse_mknod,   .symlink = fuse_symlink,
				       .link = fuse_link,    .unlink = fuse_unlink, .rmdir = fuse_rmdir,
				       .rename = fuse_rename};

/*
 * devpts.c - see devpts.h.
 *
 * The tree is the truth: a slave's name appears when its master is opened and goes when the master is closed.
 * The inode of a slave holds one reference to its tty.
 */
#include "sandbox/fs/devpts/devpts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "sandbox/abi/poll.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define PTY_MAX      4096U
#define SLAVE_MAJOR  136U
#define TIOCGPTN     0x80045430U
#define TIOCSPTLCK   0x40045431U
#define TIOCGPTPEER  0x5441U
#define TIOCGPTLCK   0x80045439U
#define IN_EVENTS    (LINUX_POLLIN | LINUX_POLLRDNORM)
#define MASTER_CHUNK 4096

struct devpts {
	u32 mode, gid, ptmxmode, max;
	u8 used[PTY_MAX / 8];
};

/* What a master's file holds. */
struct pty_master {
	struct tty *tty;
	struct dentry *name; /* counted: the slave's, in the tree */
};

static struct devpts *devpts_of(struct super_block *sb)
{
	return sb->private;
}

/* ---- slaves ---- */

static int slave_open(struct inode *inode, struct file *f)
{
	return tty_open_slave(inode->private, f);
}

static void slave_evict(struct inode *inode)
{
	struct tty *t = inode->private;
	struct devpts *fs = devpts_of(inode->sb);

	fs->used[t->index / 8] &= (u8) ~(1U << t->index % 8);
	tty_put(t);
}

static int node_setattr(struct inode *inode, const struct attr_change *ch)
{
	if (ch->mask & ATTR_SIZE)
		return -EINVAL;
	inode_apply_attr(inode, ch);
	return 0;
}

static const struct inode_ops slave_inode_ops = {
    .open = slave_open, .setattr = node_setattr, .evict = slave_evict};

static int take_index(struct devpts *fs, u32 *index)
{
	for (u32 i = 0; i < min_t(u32, fs->max, PTY_MAX); i++) {
		if (fs->used[i / 8] >> i % 8 & 1)
			continue;
		fs->used[i / 8] |= (u8)(1U << i % 8);
		*index = i;
		return 0;
	}
	return -ENOSPC;
}

/* A new tty with a name in the tree; *name is counted for the caller. */
static int make_pty(struct super_block *sb, u16 cols, u16 rows, struct tty **out, struct dentry **name)
{
	struct devpts *fs = devpts_of(sb);
	struct inode *inode;
	struct tty *t;
	char text[16];
	u32 index;
	int err = take_index(fs, &index);

	if (err)
		return err;
	t = tty_new(cols, rows);
	inode = t ? inode_new(sb, LINUX_S_IFCHR | fs->mode, &slave_inode_ops, NULL) : NULL;
	if (!inode) {
		tty_put(t);
		fs->used[index / 8] &= (u8) ~(1U << index % 8);
		return -ENOMEM;
	}
	t->index = index;
	inode->private = tty_get(t);
	inode->attr.rdev = SLAVE_MAJOR << 8 | index;
	inode->attr.gid = fs->gid;
	snprintf(text, sizeof(text), "%u", index);
	*name = dentry_add_child(sb->root, text, inode);
	if (!*name) {
		tty_put(t);
		return -ENOMEM;
	}
	dentry_get(*name);
	*out = t;
	return 0;
}

/* ---- masters ---- */

/* In packet mode a read gives a status byte alone, or a byte of 0 and data. */
static size_t read_packet(struct tty *t, u8 *buf, size_t size)
{
	size_t n;

	if (!t->packet)
		return pty_master_read(t, buf, size);
	if (t->packet_status) {
		buf[0] = t->packet_status;
		t->packet_status = 0;
		return 1;
	}
	if (!ldisc_out_pending(&t->ld))
		return 0;
	buf[0] = 0;
	n = size > 1 ? pty_master_read(t, buf + 1, size - 1) : 0;
	return n + 1;
}

static s64 set_packet(struct tty *t, u64 arg)
{
	s32 on;

	if (get_user(&on, uaddr(arg)))
		return -EFAULT;
	if (on && !t->packet)
		t->packet_status = 0;
	t->packet = on;
	return 0;
}

static s64 master_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct tty *t = ((struct pty_master *)f->private)->tty;
	u8 buf[MASTER_CHUNK];
	size_t n;
	int err;

	if (!dst->left)
		return 0;
	for (;;) {
		n = read_packet(t, buf, min_t(size_t, dst->left, sizeof(buf)));
		if (n)
			return uio_copy(dst, buf, n) == (s64)n ? (s64)n : -EFAULT;
		if (t->slave_opened && !t->slave_files)
			return -EIO;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err =
		    wait_event(&t->master_wait, pty_master_poll(t) & (IN_EVENTS | LINUX_POLLHUP), TIME_NEVER);
		if (err)
			return err;
	}
}

static s64 master_write(struct file *f, struct uio *src, u64 *pos)
{
	struct tty *t = ((struct pty_master *)f->private)->tty;
	u8 buf[MASTER_CHUNK];
	s64 done = 0, n;

	while (src->left) {
		n = uio_copy(src, buf, min_t(size_t, src->left, sizeof(buf)));
		if (n <= 0)
			return done ? done : -EFAULT;
		/* what does not fit is dropped, as a terminal's keyboard does: a master never waits here */
		size_t took = pty_master_write(t, buf, (size_t)n);
		done += (s64)took;
		if (took < (size_t)n)
			return done ? done : -EAGAIN;
	}
	return done;
}

static u32 master_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = ((struct pty_master *)f->private)->tty;

	poll_wait(pt, &t->master_wait);
	return pty_master_poll(t);
}

static s64 open_peer(struct file *f, u64 flags)
{
	struct pty_master *m = f->private;
	struct path p = {f->path.mnt, m->name};
	struct file *slave;
	int err;

	if (!m->name->inode)
		return -EIO;
	err = vfs_open_path_as_kernel(&p, (u32)flags & (u32)(O_ACCMODE | O_NONBLOCK | O_NOCTTY), &slave);
	return err ? err : fd_install(slave, 0, flags & O_CLOEXEC);
}

static s64 master_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct tty *t = ((struct pty_master *)f->private)->tty;
	s32 v;

	switch (cmd) {
	case TIOCGPTN:
		return put_user(&t->index, uaddr(arg));
	case TIOCSPTLCK:
		if (get_user(&v, uaddr(arg)))
			return -EFAULT;
		t->locked = v;
		return 0;
	case TIOCGPTLCK:
		v = t->locked;
		return put_user(&v, uaddr(arg));
	case TIOCGPTPEER:
		return open_peer(f, arg);
	case LINUX_TIOCPKT:
		return set_packet(t, arg);
	case LINUX_TIOCGPKT:
		v = t->packet;
		return put_user(&v, uaddr(arg));
	case LINUX_FIONREAD:
		v = (s32)ldisc_out_pending(&t->ld);
		return put_user(&v, uaddr(arg));
	case LINUX_TIOCSCTTY:
	case LINUX_TIOCNOTTY:
		return -ENOTTY;
	case LINUX_TIOCGPGRP:
		v = t->pgrp ? pid_vnr(t->pgrp) : 0;
		return put_user(&v, uaddr(arg));
	case LINUX_TIOCGSID:
		v = t->session ? pid_vnr(t->session) : 0;
		return t->session ? put_user(&v, uaddr(arg)) : -ENOTTY;
	default:
		return tty_ioctl_tty(t, cmd, arg);
	}
}

static void master_release(struct file *f)
{
	struct pty_master *m = f->private;

	dentry_delete(m->name);
	dentry_put(m->name);
	pty_master_close(m->tty);
	kfree(m);
}

static const struct file_ops master_ops = {
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
    .release = master_release,
};

static int ptmx_open(struct inode *inode, struct file *f)
{
	struct pty_master *m = knew(struct pty_master);
	int err = m ? make_pty(inode->sb, 0, 0, &m->tty, &m->name) : -ENOMEM;

	if (err) {
		kfree(m);
		return err;
	}
	m->tty->locked = true;
	f->ops = &master_ops;
	f->private = m;
	f->mode |= FMODE_NOSEEK | FMODE_STREAM;
	return 0;
}

static const struct inode_ops ptmx_inode_ops = {.open = ptmx_open, .setattr = node_setattr};

int devpts_open_pair(struct path *pts, u16 cols, u16 rows, struct tty **master, struct file **slave)
{
	struct path p = {.mnt = pts->mnt};
	int err;

	if (pts->dentry->sb->type != &devpts_fs_type)
		return -ENODEV;
	err = make_pty(pts->dentry->sb, cols, rows, master, &p.dentry);
	if (err)
		return err;
	err = vfs_open_path_as_kernel(&p, O_RDWR | O_NOCTTY, slave);
	if (err) {
		dentry_delete(p.dentry);
		pty_master_close(*master);
	} else {
		(*master)->name = dentry_get(p.dentry); /* goes with the master: pty_master_close */
	}
	dentry_put(p.dentry);
	return err;
}

/* ---- /dev/tty ---- */

static int open_controlling(struct file *f)
{
	struct task *t = current_task();

	if (!t || !t->tg->tty)
		return -ENXIO;
	f->open_flags |= O_NOCTTY;
	return tty_open_slave(t->tg->tty, f);
}

const struct file_ops dev_tty_ops = {.open = open_controlling};

/* ---- mounting ---- */

static const struct inode_ops dir_ops = {.setattr = node_setattr};
static const struct file_ops dir_file_ops = {.readdir = dcache_readdir};

static void devpts_kill(struct super_block *sb)
{
	kfree(sb->private);
}

static int parse_options(const char *data, struct devpts *fs)
{
	auto_cleanup(kfreep) char *copy = kstrdup(data ? data : "");
	char *word, *rest = copy;

	if (!copy)
		return -ENOMEM;
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');
		if (value)
			*value++ = 0;
		if (!*word || !strcmp(word, "newinstance"))
			continue;
		if (value && !strcmp(word, "mode"))
			fs->mode = (u32)strtoul(value, NULL, 8) & 0777;
		else if (value && !strcmp(word, "gid"))
			fs->gid = (u32)strtoul(value, NULL, 10);
		else if (value && !strcmp(word, "ptmxmode"))
			fs->ptmxmode = (u32)strtoul(value, NULL, 8) & 0777;
		else if (value && !strcmp(word, "max"))
			fs->max = (u32)strtoul(value, NULL, 10);
		else if (!value || strcmp(word, "uid"))
			return -EINVAL;
	}
	return 0;
}

static int populate(struct super_block *sb)
{
	struct inode *root = inode_new(sb, LINUX_S_IFDIR | 0755, &dir_ops, &dir_file_ops), *ptmx;
	int err = root ? sb_set_root(sb, root) : -ENOMEM;

	if (err)
		return err;
	root->attr.nlink = 2;
	root->attr.uid = root->attr.gid = 0;
	ptmx = inode_new(sb, LINUX_S_IFCHR | devpts_of(sb)->ptmxmode, &ptmx_inode_ops, NULL);
	if (!ptmx)
		return -ENOMEM;
	ptmx->attr.rdev = 5 << 8 | 2;
	ptmx->attr.uid = ptmx->attr.gid = 0;
	return dentry_add_child(sb->root, "ptmx", ptmx) ? 0 : -ENOMEM;
}

static int devpts_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct devpts *fs = knew(struct devpts);
	struct super_block *sb = fs ? sb_new(type, SB_DCACHE_TRUTH, fs) : NULL;
	int err;

	if (!sb) {
		kfree(fs);
		return -ENOMEM;
	}
	sb->kill = devpts_kill;
	fs->mode = 0620;
	fs->gid = 5;
	fs->ptmxmode = 0666;
	fs->max = PTY_MAX;
	err = parse_options(opt->data, fs);
	if (!err)
		err = populate(sb);
	if (err) {
		sb_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

const struct fs_type devpts_fs_type = {.name = "devpts", .magic = 0x1cd1, .mount = devpts_mount};

/*
 * nsfs.c - namespaces as files. See nsfs.h.
 *
 * The inode holds the namespace, whose number is the inode's: two files are of one namespace if device and
 * inode number agree. They live on the mount of files without a name, but can be mounted elsewhere
 * (`mount --bind /proc/self/ns/net /run/netns/x`) and so keep a namespace without a process.
 */
#include "sandbox/fs/nsfs/nsfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define NSFS_MAGIC       0x6e736673
#define NS_GET_USERNS    _IO(0xb7, 1)
#define NS_GET_PARENT    _IO(0xb7, 2)
#define NS_GET_NSTYPE    _IO(0xb7, 3)
#define NS_GET_OWNER_UID _IO(0xb7, 4)
#define NS_GET_MNTNS_ID  _IOR(0xb7, 5, u64)
#define NS_GET_PID_FROM  _IOR(0xb7, 6, int) /* a pid of that namespace, as the caller sees it */
#define NS_GET_TGID_FROM _IOR(0xb7, 7, int)
#define NS_GET_PID_IN    _IOR(0xb7, 8, int) /* a pid of the caller, as that namespace sees it */
#define NS_GET_TGID_IN   _IOR(0xb7, 9, int)

static const struct file_ops nsfs_file_ops;

static int nsfs_file_open(struct inode *inode, struct file *f)
{
	if (f->mode & FMODE_WRITE)
		return -EINVAL;
	f->ops = &nsfs_file_ops;
	return 0;
}

static int nsfs_statfs(struct inode *inode, struct linux_statfs *st)
{
	st->f_type = NSFS_MAGIC;
	return 0;
}

static void nsfs_evict(struct inode *inode)
{
	ns_common_put(inode->private);
}

static const struct inode_ops nsfs_inode_ops = {
    .open = nsfs_file_open, .statfs = nsfs_statfs, .evict = nsfs_evict};

struct ns_common *nsfs_ns(const struct file *f)
{
	return f->inode && f->inode->ops == &nsfs_inode_ops ? f->inode->private : NULL;
}

int nsfs_path(struct ns_common *ns, struct path *out)
{
	char label[40];

	snprintf(label, sizeof(label), "%s:[%lu]", ns_type_name(ns->type), (unsigned long)ns->ino);
	return anon_path_new(label, LINUX_S_IFREG | 0444, &nsfs_inode_ops, ns->ino, ns_common_get(ns), out);
}

int nsfs_open(struct ns_common *ns, struct file **out)
{
	struct path p;
	int err = nsfs_path(ns, &p);

	if (err)
		return err;
	err = vfs_open_path_as_kernel(&p, O_RDONLY, out);
	path_put(&p);
	return err;
}

s64 nsfs_open_fd(struct ns_common *ns)
{
	struct file *f;
	int err = nsfs_open(ns, &f);

	return err ? err : fd_install(f, 0, true);
}

/* ---- ioctls ---- */

/* The owner of a namespace, or its parent if it is a user namespace: only as far as the caller's own. */
static s64 open_user_ns(struct user_ns *ns)
{
	if (!ns || !user_ns_is_ancestor(current_task()->cred->user_ns, ns))
		return -EPERM;
	return nsfs_open_fd(&ns->common);
}

static s64 open_parent(struct ns_common *n)
{
	struct pid_ns *ns, *up;

	if (n->type == LINUX_CLONE_NEWUSER)
		return open_user_ns(container_of(n, struct user_ns, common)->parent);
	if (n->type != LINUX_CLONE_NEWPID)
		return -EINVAL;
	ns = container_of(n, struct pid_ns, common);
	for (up = ns->parent; up && up != task_pid_ns(current_task()); up = up->parent)
		;
	return up ? nsfs_open_fd(&ns->parent->common) : -EPERM;
}

static s64 owner_uid(struct ns_common *n, u64 arg)
{
	u32 uid;

	if (n->type != LINUX_CLONE_NEWUSER)
		return -EINVAL;
	uid = uid_seen(container_of(n, struct user_ns, common)->owner_uid);
	return put_user(&uid, uaddr(arg)) ? -EFAULT : 0;
}

static s64 translate_pid(struct ns_common *n, u32 cmd, s32 nr)
{
	struct pid_ns *there, *here = task_pid_ns(current_task());
	bool in = cmd == NS_GET_PID_IN || cmd == NS_GET_TGID_IN;
	struct pid *p;
	s32 seen;

	if (n->type != LINUX_CLONE_NEWPID)
		return -EINVAL;
	there = container_of(n, struct pid_ns, common);
	p = pid_find(in ? here : there, nr);
	if (!p || !p->task || !p->task->tg)
		return -ESRCH;
	if (cmd == NS_GET_TGID_IN || cmd == NS_GET_TGID_FROM)
		p = p->task->tg->leader->pid;
	seen = pid_nr(p, in ? there : here);
	return seen ? seen : -ESRCH;
}

static s64 nsfs_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct ns_common *n = nsfs_ns(f);

	switch (cmd) {
	case NS_GET_USERNS:
		return open_user_ns(n->type == LINUX_CLONE_NEWUSER
					? container_of(n, struct user_ns, common)->parent
					: n->owner);
	case NS_GET_PARENT:
		return open_parent(n);
	case NS_GET_NSTYPE:
		return n->type;
	case NS_GET_OWNER_UID:
		return owner_uid(n, arg);
	case NS_GET_MNTNS_ID:
		if (n->type != LINUX_CLONE_NEWNS)
			return -EINVAL;
		return put_user(&n->ino, uaddr(arg)) ? -EFAULT : 0;
	case NS_GET_PID_FROM:
	case NS_GET_TGID_FROM:
	case NS_GET_PID_IN:
	case NS_GET_TGID_IN:
		return translate_pid(n, cmd, (s32)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_ops nsfs_file_ops = {.ioctl = nsfs_ioctl};

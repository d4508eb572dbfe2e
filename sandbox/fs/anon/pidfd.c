/*
 * pidfd.c - a process as a descriptor: pidfd_open(2), CLONE_PIDFD.
 *
 * The file holds a struct pid, never a task: the number cannot come to mean another process. All pidfds of
 * one process are one inode as far as stat(2) tells. Whoever polls waits at the struct pid, which is woken
 * when the thread or process ends (readable) and when it has been reaped (hung up as well).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "sandbox/abi/sched.h"
#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/nsfs/nsfs.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/vfs/fdtable.h"

#define PIDFS_MAGIC 0x50494446

static const struct file_ops pidfd_ops;

struct pid *pidfd_pid(const struct file *f)
{
	return f->ops == &pidfd_ops ? f->private : NULL;
}

static u32 pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pid *p = f->private;
	struct task *t;

	poll_wait(pt, &p->exit_wait);
	t = p->task;
	if (!t || !t->tg)
		return LINUX_POLLIN | LINUX_POLLRDNORM | LINUX_POLLHUP;
	if (f->flags & PIDFD_THREAD ? t->state != TASK_ALIVE : t->tg->live == 0)
		return LINUX_POLLIN | LINUX_POLLRDNORM;
	return 0;
}

static void pidfd_release(struct file *f)
{
	pid_put(f->private);
}

static size_t pidfd_fdinfo(struct file *f, char *buf, size_t size)
{
	const struct pid *p = f->private;
	struct pid_ns *ns = task_pid_ns(current_task());
	s32 nr = p->task ? pid_nr(p, ns) : -1;
	int n = snprintf(buf, size, "Pid:\t%d\nNSpid:\t%d", nr, nr);

	for (u32 i = ns->level + 1; nr > 0 && i <= p->level && n > 0 && (size_t)n < size; i++)
		n += snprintf(buf + n, size - (size_t)n, "\t%d", p->links[i].nr);
	if (n > 0 && (size_t)n < size)
		n += snprintf(buf + n, size - (size_t)n, "\n");
	return n < 0 ? 0 : min_t(size_t, (size_t)n, size);
}

/* ---- ioctls ---- */

#define PIDFD_INFO_PID      1U
#define PIDFD_INFO_CREDS    2U
#define PIDFD_INFO_CGROUPID 4U
#define PIDFD_INFO_EXIT     8U
#define PIDFD_INFO_COREDUMP 16U
#define PIDFD_INFO_SIZE_V0  64U
#define PIDFD_COREDUMP_SKIP 4U

struct pidfd_info {
	u64 mask, cgroupid;
	u32 pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	s32 exit_code;
	u32 coredump_mask, pad;
};
static_assert(sizeof(struct pidfd_info) == 72, "struct pidfd_info");

static void info_of_task(struct pidfd_info *out, struct task *t)
{
	const struct cred *c = t->cred;

	out->mask |= PIDFD_INFO_PID | PIDFD_INFO_CREDS;
	out->pid = (u32)pid_vnr(t->pid);
	out->tgid = (u32)pid_vnr(t->tg->leader->pid);
	out->ppid = t->tg->parent ? (u32)pid_vnr(t->tg->parent->leader->pid) : 0;
	out->ruid = uid_seen(c->uid);
	out->euid = uid_seen(c->euid);
	out->suid = uid_seen(c->suid);
	out->fsuid = uid_seen(c->fsuid);
	out->rgid = gid_seen(c->gid);
	out->egid = gid_seen(c->egid);
	out->sgid = gid_seen(c->sgid);
	out->fsgid = gid_seen(c->fsgid);
	if (t->tg->cgroup) {
		out->mask |= PIDFD_INFO_CGROUPID;
		out->cgroupid = t->tg->cgroup->id;
	}
}

static s64 get_info(struct pid *p, u32 size, u64 arg)
{
	struct pidfd_info out = {0};
	u64 wanted;

	if (!arg || size < PIDFD_INFO_SIZE_V0)
		return -EINVAL;
	if (get_user(&wanted, uaddr(arg)))
		return -EFAULT;
	if ((wanted & PIDFD_INFO_EXIT) && p->exited) {
		out.mask |= PIDFD_INFO_EXIT;
		out.exit_code = p->exit_code;
		if (p->cgroup_id) {
			out.mask |= PIDFD_INFO_CGROUPID;
			out.cgroupid = p->cgroup_id;
		}
	}
	if (p->task && p->task->tg)
		info_of_task(&out, p->task);
	else if (!(out.mask & PIDFD_INFO_EXIT))
		return -ESRCH;
	if ((wanted & PIDFD_INFO_COREDUMP) && p->task && !p->task->tg->dumpable) {
		out.mask |= PIDFD_INFO_COREDUMP;
		out.coredump_mask = 2; /* PIDFD_COREDUMP_SKIP: it leaves no core */
	}
	return copy_out(uaddr(arg), &out, min_t(u32, size, sizeof(out))) ? -EFAULT : 0;
}

static s64 open_ns(struct pid *p, u32 nr)
{
	static const struct {
		u32 type;
		bool for_children;
	} kinds[] = {{LINUX_CLONE_NEWCGROUP, false}, {LINUX_CLONE_NEWIPC, false},
		     {LINUX_CLONE_NEWNS, false},     {LINUX_CLONE_NEWNET, false},
		     {LINUX_CLONE_NEWPID, false},    {LINUX_CLONE_NEWPID, true},
		     {LINUX_CLONE_NEWTIME, false},   {LINUX_CLONE_NEWTIME, true},
		     {LINUX_CLONE_NEWUSER, false},   {LINUX_CLONE_NEWUTS, false}};
	struct task *t = p->task;
	struct ns_common *ns;
	s64 fd;

	if (!t || t->state != TASK_ALIVE)
		return -ESRCH;
	if (!task_may_access(t))
		return -EACCES;
	ns = task_ns_get(t, kinds[nr - 1].type, kinds[nr - 1].for_children);
	if (!ns)
		return -ESRCH;
	fd = nsfs_open_fd(ns);
	ns_common_put(ns);
	return fd;
}

static s64 pidfd_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pid *p = f->private;
	u32 nr = _IOC_NR(cmd);

	if (_IOC_TYPE(cmd) != 0xff)
		return -ENOTTY;
	if (nr == 11 && _IOC_DIR(cmd) == (_IOC_READ | _IOC_WRITE) && _IOC_SIZE(cmd) >= PIDFD_INFO_SIZE_V0)
		return get_info(p, _IOC_SIZE(cmd), arg);
	if (cmd != _IO(0xff, nr) || nr < 1 || nr > 10)
		return -ENOTTY;
	return arg ? -EINVAL : open_ns(p, nr);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll, .ioctl = pidfd_ioctl, .release = pidfd_release, .fdinfo = pidfd_fdinfo};

static int pidfd_statfs(struct inode *inode, struct linux_statfs *st)
{
	st->f_type = PIDFS_MAGIC;
	return 0;
}

static const struct inode_ops pidfd_inode_ops = {.statfs = pidfd_statfs};

int pidfd_create(struct pid *p, u32 o_flags, struct file **out)
{
	struct file *f = anon_file_new("[pidfd]", &pidfd_ops, pid_get(p), O_RDWR | (o_flags & O_NONBLOCK), 0);

	if (!f) {
		pid_put(p);
		return -ENOMEM;
	}
	f->flags |= o_flags & PIDFD_THREAD;
	f->inode->ops = &pidfd_inode_ops;
	f->inode->attr.ino = p->ino;
	f->inode->attr.mode = 0700;
	*out = f;
	return 0;
}

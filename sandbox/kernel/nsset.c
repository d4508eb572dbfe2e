/*
 * nsset.c - how a task comes into other namespaces: clone(2) and unshare(2) make new ones, setns(2) joins.
 *
 * All is prepared first (a new nsproxy, new credentials, a private fs_context), with every check made against
 * the credentials the task will have, and installed at the end, so that a failure changes nothing.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/ipc/ipc.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define PID_NS_DEPTH_MAX 32U

/* Flags that mean a namespace in nsproxy (the user namespace is in the credentials). */
#define NSPROXY_FLAGS (LINUX_CLONE_NEW_ALL & ~LINUX_CLONE_NEWUSER)

/* ---- new ones ---- */

#define REPLACE(field, type, expr)                                                                           \
	do {                                                                                                 \
		struct type *fresh_ = (expr);                                                                \
		if (!fresh_)                                                                                 \
			return -ENOMEM;                                                                      \
		type##_put(field);                                                                           \
		field = fresh_;                                                                              \
	} while (0)

static int renew(struct task *t, u64 flags, struct user_ns *owner, struct fs_context *fs, struct nsproxy *p)
{
	if (flags & LINUX_CLONE_NEWNS) {
		struct mount_ns *mnt;
		int err = mount_ns_copy(p->mnt, owner, fs ? &fs->root : NULL, fs ? &fs->cwd : NULL, &mnt);
		if (err)
			return err;
		mount_ns_put(p->mnt);
		p->mnt = mnt;
	}
	if (flags & LINUX_CLONE_NEWUTS)
		REPLACE(p->uts, uts_ns, uts_ns_new(owner, p->uts->nodename, p->uts->domainname));
	if (flags & LINUX_CLONE_NEWIPC)
		REPLACE(p->ipc, ipc_ns, ipc_ns_new(owner));
	if (flags & LINUX_CLONE_NEWNET)
		REPLACE(p->net, net_ns, net_ns_new(owner));
	if (flags & LINUX_CLONE_NEWTIME)
		REPLACE(p->time_for_children, time_ns, time_ns_new(owner, p->time));
	if (flags & LINUX_CLONE_NEWCGROUP)
		REPLACE(p->cgroup, cgroup_ns, cgroup_ns_new(owner, t->tg->cgroup));
	if (flags & LINUX_CLONE_NEWPID) {
		/* in the middle of moving already, or too deep */
		if (task_pid_ns(t) != p->pid_for_children)
			return -EINVAL;
		if (p->pid_for_children->level >= PID_NS_DEPTH_MAX)
			return -ENOSPC;
		REPLACE(p->pid_for_children, pid_ns, pid_ns_new(owner, p->pid_for_children));
	}
	return 0;
}

int ns_copy(struct task *t, u64 flags, const struct cred *cred, struct fs_context *fs, struct nsproxy **out)
{
	struct nsproxy *p;
	int err;

	flags &= NSPROXY_FLAGS;
	if (flags && !cred_ns_capable(cred, cred->user_ns, LINUX_CAP_SYS_ADMIN))
		return -EPERM;
	p = nsproxy_dup(t->ns);
	if (!p)
		return -ENOMEM;
	err = renew(t, flags, cred->user_ns, fs, p);
	if (err)
		nsproxy_put(p);
	else
		*out = p;
	return err;
}

/* Credentials for the first process of a new user namespace: everything in it, nothing outside. */
int cred_enter_user_ns(const struct cred *old, struct user_ns *ns, struct cred **out)
{
	struct cred *c = cred_dup(old);

	if (!c) {
		user_ns_put(ns);
		return -ENOMEM;
	}
	user_ns_put(c->user_ns);
	c->user_ns = ns;
	c->securebits = 0;
	c->cap_inheritable = c->cap_ambient = 0;
	c->cap_permitted = c->cap_effective = c->cap_bounding = CAP_FULL_SET;
	*out = c;
	return 0;
}

int cred_new_user_ns(const struct cred *old, struct cred **out)
{
	struct user_ns *ns;
	int err = user_ns_new(old, &ns);

	return err ? err : cred_enter_user_ns(old, ns, out);
}

/* ---- unshare ---- */

static int may_unshare(struct task *t, u64 f)
{
	if (f & ~(LINUX_CLONE_THREAD | LINUX_CLONE_FS | LINUX_CLONE_SIGHAND | LINUX_CLONE_VM |
		  LINUX_CLONE_FILES | LINUX_CLONE_SYSVSEM | LINUX_CLONE_NEW_ALL))
		return -EINVAL;
	if ((f & (LINUX_CLONE_THREAD | LINUX_CLONE_SIGHAND | LINUX_CLONE_VM)) && t->tg->live > 1)
		return -EINVAL;
	if ((f & (LINUX_CLONE_SIGHAND | LINUX_CLONE_VM)) && t->sighand->obj.refs > 1)
		return -EINVAL;
	if ((f & LINUX_CLONE_VM) && t->mm->users > 1)
		return -EINVAL;
	return 0;
}

struct changes {
	struct cred *cred;
	struct fs_context *fs;
	struct fd_table *files;
	struct nsproxy *ns;
};

static void drop_changes(struct changes *c)
{
	cred_put(c->cred);
	fs_context_put(c->fs);
	fd_table_put(c->files);
	nsproxy_put(c->ns);
}

static void install(struct task *t, struct changes *c)
{
	struct changes old;

	if (c->cred)
		task_set_cred(t, c->cred);
	if (c->ns && c->ns->ipc != t->ns->ipc)
		ipc_task_leave(t, false);
	/* the new ones first: letting the old ones go may close files, end mounts, and sleep */
	old = (struct changes){
	    .fs = c->fs ? t->fs : NULL, .files = c->files ? t->files : NULL, .ns = c->ns ? t->ns : NULL};
	t->fs = c->fs ? c->fs : t->fs;
	t->files = c->files ? c->files : t->files;
	t->ns = c->ns ? c->ns : t->ns;
	drop_changes(&old);
}

int task_unshare(struct task *t, u64 f)
{
	struct changes c = {0};
	int err;

	if (f & LINUX_CLONE_NEWUSER)
		f |= LINUX_CLONE_THREAD | LINUX_CLONE_FS;
	if (f & LINUX_CLONE_VM)
		f |= LINUX_CLONE_SIGHAND;
	if (f & LINUX_CLONE_SIGHAND)
		f |= LINUX_CLONE_THREAD;
	if (f & LINUX_CLONE_NEWNS)
		f |= LINUX_CLONE_FS;
	err = may_unshare(t, f);
	if (!err && (f & LINUX_CLONE_FS)) {
		c.fs = fs_context_dup(t->fs);
		err = c.fs ? 0 : -ENOMEM;
	}
	if (!err && (f & LINUX_CLONE_FILES)) {
		c.files = fd_table_dup(t->files);
		err = c.files ? 0 : -ENOMEM;
	}
	if (!err && (f & LINUX_CLONE_NEWUSER))
		err = cred_new_user_ns(t->cred, &c.cred);
	if (!err && (f & NSPROXY_FLAGS))
		err = ns_copy(t, f, c.cred ? c.cred : t->cred, c.fs, &c.ns);
	if (err)
		drop_changes(&c);
	else
		install(t, &c);
	if (!err && (f & LINUX_CLONE_SYSVSEM))
		ipc_task_leave(t, true);
	return err;
}

/* ---- setns ---- */

static int join_user(struct task *t, struct user_ns *ns, struct changes *c)
{
	struct cred *old = c->cred ? c->cred : t->cred;

	if (ns == old->user_ns || t->tg->live > 1 || t->fs->obj.refs > 1)
		return -EINVAL;
	if (!cred_ns_capable(old, ns, LINUX_CAP_SYS_ADMIN))
		return -EPERM;
	return cred_enter_user_ns(t->cred, user_ns_get(ns), &c->cred);
}

static int join_mount(struct task *t, struct mount_ns *ns, struct changes *c)
{
	struct path top = {ns->root, ns->root->root};

	if (t->fs->obj.refs > 1)
		return -EINVAL;
	path_get(&top);
	path_cross_down(&top);
	c->fs = fs_context_new(&top, &top);
	path_put(&top);
	if (!c->fs)
		return -ENOMEM;
	c->fs->umask = t->fs->umask;
	mount_ns_put(c->ns->mnt);
	c->ns->mnt = mount_ns_get(ns);
	return 0;
}

static int join_pid(struct task *t, struct pid_ns *ns, struct changes *c)
{
	struct pid_ns *up = ns;

	while (up && up->level > task_pid_ns(t)->level)
		up = up->parent;
	if (up != task_pid_ns(t)) /* only down */
		return -EINVAL;
	pid_ns_put(c->ns->pid_for_children);
	c->ns->pid_for_children = pid_ns_get(ns);
	return 0;
}

static int join_time(struct task *t, struct time_ns *ns, struct changes *c)
{
	if (t->tg->live > 1)
		return -EUSERS;
	time_ns_put(c->ns->time);
	time_ns_put(c->ns->time_for_children);
	c->ns->time = time_ns_get(ns);
	c->ns->time_for_children = time_ns_get(ns);
	return 0;
}

#define NS_CAST(n, kind) container_of(n, struct kind, common)
#define JOIN(field, kind)                                                                                    \
	do {                                                                                                 \
		kind##_put(field);                                                                           \
		field = kind##_get(NS_CAST(n, kind));                                                        \
	} while (0)

static int join(struct task *t, struct ns_common *n, struct changes *c)
{
	const struct cred *cred = c->cred ? c->cred : t->cred;

	if (n->type == LINUX_CLONE_NEWUSER)
		return join_user(t, NS_CAST(n, user_ns), c);
	if (!cred_ns_capable(cred, n->owner, LINUX_CAP_SYS_ADMIN) ||
	    !cred_ns_capable(cred, cred->user_ns, LINUX_CAP_SYS_ADMIN))
		return -EPERM;
	if (n->type == LINUX_CLONE_NEWNS && !cred_ns_capable(cred, cred->user_ns, LINUX_CAP_SYS_CHROOT))
		return -EPERM;
	switch (n->type) {
	case LINUX_CLONE_NEWNS:
		return join_mount(t, NS_CAST(n, mount_ns), c);
	case LINUX_CLONE_NEWPID:
		return join_pid(t, NS_CAST(n, pid_ns), c);
	case LINUX_CLONE_NEWTIME:
		return join_time(t, NS_CAST(n, time_ns), c);
	case LINUX_CLONE_NEWUTS:
		JOIN(c->ns->uts, uts_ns);
		return 0;
	case LINUX_CLONE_NEWIPC:
		JOIN(c->ns->ipc, ipc_ns);
		return 0;
	case LINUX_CLONE_NEWNET:
		JOIN(c->ns->net, net_ns);
		return 0;
	case LINUX_CLONE_NEWCGROUP:
		JOIN(c->ns->cgroup, cgroup_ns);
		return 0;
	default:
		return -EINVAL;
	}
}

static int begin(struct task *t, struct changes *c)
{
	*c = (struct changes){.ns = nsproxy_dup(t->ns)};
	return c->ns ? 0 : -ENOMEM;
}

int task_setns(struct task *t, struct ns_common *n)
{
	struct changes c;
	int err = begin(t, &c);

	if (!err)
		err = join(t, n, &c);
	if (err)
		drop_changes(&c);
	else
		install(t, &c);
	return err;
}

int task_setns_of(struct task *t, struct task *of, u64 types)
{
	/* the user namespace first: it decides about the others */
	static const u32 order[] = {LINUX_CLONE_NEWUSER, LINUX_CLONE_NEWNS,  LINUX_CLONE_NEWUTS,
				    LINUX_CLONE_NEWIPC,  LINUX_CLONE_NEWPID, LINUX_CLONE_NEWCGROUP,
				    LINUX_CLONE_NEWNET,  LINUX_CLONE_NEWTIME};
	struct changes c;
	int err = begin(t, &c);

	for (u32 i = 0; !err && i < ARRAY_COUNT(order); i++) {
		struct ns_common *n;
		if (!(types & order[i]))
			continue;
		n = task_ns_get(of, order[i], false);
		err = n ? join(t, n, &c) : -ESRCH;
		ns_common_put(n);
	}
	if (err)
		drop_changes(&c);
	else
		install(t, &c);
	return err;
}

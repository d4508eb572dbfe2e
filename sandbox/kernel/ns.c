/*
 * ns.c - namespace objects. See ns.h.
 */
#include <stdio.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/mqueue/mqueue.h"
#include "sandbox/ipc/ipc.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/vfs/mount.h"

/* parts that a build for tests may leave out */
#pragma weak net_state_new
#pragma weak net_state_free

#define NS_INO_FIRST 0xf0000000ULL

void ns_common_end(struct ns_common *n)
{
	user_ns_put(n->owner);
}

#define NS_RELEASE(type, ...)                                                                                \
	static void type##_release(struct object *obj)                                                       \
	{                                                                                                    \
		struct type *n = container_of(obj, struct type, common.obj);                                 \
		__VA_ARGS__;                                                                                 \
		ns_common_end(&n->common);                                                                   \
		kfree(n);                                                                                    \
	}
NS_RELEASE(uts_ns, (void)0)
NS_RELEASE(ipc_ns, ipc_state_free(n->state), mqueue_ns_end(n->mqueues))
NS_RELEASE(net_ns, net_state_free ? net_state_free(n) : (void)0)
NS_RELEASE(time_ns, (void)0)
NS_RELEASE(cgroup_ns, cgroup_put(n->root))
NS_RELEASE(pid_ns, pid_ns_put(n->parent))

u64 ns_next_ino(void)
{
	return NS_INO_FIRST + kernel()->next_ino++;
}

#define NS_NEW(kind, flag)                                                                                   \
	struct kind *n = knew(struct kind);                                                                  \
	if (!n)                                                                                              \
		return NULL;                                                                                 \
	object_init(&n->common.obj, kind##_release);                                                         \
	n->common.type = (flag);                                                                             \
	n->common.owner = user_ns_get(owner);                                                                \
	n->common.ino = ns_next_ino()

struct uts_ns *uts_ns_new(struct user_ns *owner, const char *nodename, const char *domainname)
{
	NS_NEW(uts_ns, LINUX_CLONE_NEWUTS);
	snprintf(n->nodename, sizeof(n->nodename), "%s", nodename);
	snprintf(n->domainname, sizeof(n->domainname), "%s", domainname);
	return n;
}

struct ipc_ns *ipc_ns_new(struct user_ns *owner)
{
	NS_NEW(ipc_ns, LINUX_CLONE_NEWIPC);
	n->state = ipc_state_new();
	if (!n->state) {
		ipc_ns_put(n);
		return NULL;
	}
	return n;
}

struct net_ns *net_ns_new(struct user_ns *owner)
{
	NS_NEW(net_ns, LINUX_CLONE_NEWNET);
	if (net_state_new && net_state_new(n)) {
		net_ns_put(n);
		return NULL;
	}
	return n;
}

struct time_ns *time_ns_new(struct user_ns *owner, const struct time_ns *old)
{
	NS_NEW(time_ns, LINUX_CLONE_NEWTIME);
	if (old) {
		n->monotonic_ns = old->monotonic_ns;
		n->boottime_ns = old->boottime_ns;
	}
	return n;
}

struct cgroup_ns *cgroup_ns_new(struct user_ns *owner, struct cgroup *root)
{
	NS_NEW(cgroup_ns, LINUX_CLONE_NEWCGROUP);
	n->root = root ? cgroup_get(root) : NULL;
	return n;
}

struct pid_ns *pid_ns_new(struct user_ns *owner, struct pid_ns *parent)
{
	NS_NEW(pid_ns, LINUX_CLONE_NEWPID);
	n->parent = parent ? pid_ns_get(parent) : NULL;
	n->level = parent ? parent->level + 1 : 0;
	wait_queue_init(&n->empty_wait);
	return n;
}

static void nsproxy_release(struct object *obj)
{
	struct nsproxy *p = container_of(obj, struct nsproxy, obj);

	uts_ns_put(p->uts);
	ipc_ns_put(p->ipc);
	net_ns_put(p->net);
	mount_ns_put(p->mnt);
	pid_ns_put(p->pid_for_children);
	time_ns_put(p->time);
	time_ns_put(p->time_for_children);
	cgroup_ns_put(p->cgroup);
	kfree(p);
}

struct nsproxy *nsproxy_dup(const struct nsproxy *old)
{
	struct nsproxy *p = knew(struct nsproxy);

	if (!p)
		return NULL;
	object_init(&p->obj, nsproxy_release);
	if (old) {
		p->uts = uts_ns_get(old->uts);
		p->ipc = ipc_ns_get(old->ipc);
		p->net = net_ns_get(old->net);
		p->mnt = mount_ns_get(old->mnt);
		p->pid_for_children = pid_ns_get(old->pid_for_children);
		p->time = time_ns_get(old->time);
		p->time_for_children = time_ns_get(old->time_for_children);
		p->cgroup = cgroup_ns_get(old->cgroup);
	}
	return p;
}

static struct ns_common *ns_of(struct task *t, u32 type, bool for_children)
{
	struct nsproxy *p = t->ns;

	if (type == LINUX_CLONE_NEWUSER)
		return t->cred->user_ns ? &t->cred->user_ns->common : NULL;
	if (type == LINUX_CLONE_NEWPID && !for_children)
		return t->state == TASK_DEAD ? NULL : &task_pid_ns(t)->common;
	if (!p)
		return NULL;
	switch (type) {
	case LINUX_CLONE_NEWUTS:
		return &p->uts->common;
	case LINUX_CLONE_NEWIPC:
		return &p->ipc->common;
	case LINUX_CLONE_NEWNET:
		return &p->net->common;
	case LINUX_CLONE_NEWNS:
		return &p->mnt->common;
	case LINUX_CLONE_NEWCGROUP:
		return &p->cgroup->common;
	case LINUX_CLONE_NEWTIME:
		return for_children ? &p->time_for_children->common : &p->time->common;
	case LINUX_CLONE_NEWPID:
		return &p->pid_for_children->common;
	default:
		return NULL;
	}
}

struct ns_common *task_ns_get(struct task *t, u32 type, bool for_children)
{
	struct ns_common *n = ns_of(t, type, for_children);

	return n ? ns_common_get(n) : NULL;
}

const char *ns_type_name(u32 type)
{
	switch (type) {
	case LINUX_CLONE_NEWUTS:
		return "uts";
	case LINUX_CLONE_NEWIPC:
		return "ipc";
	case LINUX_CLONE_NEWNET:
		return "net";
	case LINUX_CLONE_NEWNS:
		return "mnt";
	case LINUX_CLONE_NEWCGROUP:
		return "cgroup";
	case LINUX_CLONE_NEWTIME:
		return "time";
	case LINUX_CLONE_NEWPID:
		return "pid";
	case LINUX_CLONE_NEWUSER:
		return "user";
	default:
		return "?";
	}
}

/*
 * ns.c - namespace objects. See ns.h.
 */
#include <stdio.h>

#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/ns.h"
#include "sandbox/vfs/mount.h"

#define NS_RELEASE(type, ...)                                                                                \
	static void type##_release(struct object *obj)                                                       \
	{                                                                                                    \
		struct type *n = container_of(obj, struct type, obj);                                        \
		__VA_ARGS__;                                                                                 \
		kfree(n);                                                                                    \
	}
NS_RELEASE(user_ns, user_ns_put(n->parent))
NS_RELEASE(uts_ns, (void)0)
NS_RELEASE(ipc_ns, (void)0)
NS_RELEASE(net_ns, (void)0)
NS_RELEASE(pid_ns, pid_ns_put(n->parent))

static u64 ns_ino(void)
{
	return 0xf0000000ULL + kernel()->next_ino++;
}

#define NS_NEW(type)                                                                                         \
	struct type *n = knew(struct type);                                                                  \
	if (!n)                                                                                              \
		return NULL;                                                                                 \
	object_init(&n->obj, type##_release);                                                                \
	n->ino = ns_ino()

struct user_ns *user_ns_new(struct user_ns *parent, u32 uid, u32 gid)
{
	NS_NEW(user_ns);
	n->parent = parent ? user_ns_get(parent) : NULL;
	n->owner_uid = uid;
	n->owner_gid = gid;
	return n;
}

struct uts_ns *uts_ns_new(const char *nodename, const char *domainname)
{
	NS_NEW(uts_ns);
	snprintf(n->nodename, sizeof(n->nodename), "%s", nodename);
	snprintf(n->domainname, sizeof(n->domainname), "%s", domainname);
	return n;
}

struct ipc_ns *ipc_ns_new(void)
{
	NS_NEW(ipc_ns);
	return n;
}

struct net_ns *net_ns_new(void)
{
	NS_NEW(net_ns);
	return n;
}

struct pid_ns *pid_ns_new(struct pid_ns *parent)
{
	NS_NEW(pid_ns);
	n->parent = parent ? pid_ns_get(parent) : NULL;
	n->level = parent ? parent->level + 1 : 0;
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
	}
	return p;
}

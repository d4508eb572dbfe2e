/*
 * ns.h - namespaces(7). Each is a counted object; a task reaches its own through struct nsproxy (clone(2)
 * flags). A container is one set of them plus a root. mount namespaces are in vfs/mount.h.
 */
#ifndef WARREN_KERNEL_NS_H
#define WARREN_KERNEL_NS_H

#include "sandbox/base/list.h"
#include "sandbox/base/object.h"
#include "sandbox/base/tree.h"

struct task;
struct mount_ns;

struct user_ns {
	struct object obj;
	struct user_ns *parent;
	u32 owner_uid, owner_gid;
	u64 ino;
};

struct uts_ns {
	struct object obj;
	char nodename[65], domainname[65];
	u64 ino;
};

struct ipc_ns {
	struct object obj;
	u64 ino;
};

struct net_ns {
	struct object obj;
	u64 ino;
};

/* Numbers pids. Every task has a pid in its own namespace and in each ancestor of it (struct pid). */
struct pid_ns {
	struct object obj;
	struct pid_ns *parent;
	u32 level;
	struct task *init; /* child reaper; NULL before it exists or once it is gone */
	s32 last_pid;
	struct tree pids; /* struct pid_link by number */
	bool dying;       /* init has exited: no new tasks */
	u64 ino;
};

struct nsproxy {
	struct object obj;
	struct uts_ns *uts;
	struct ipc_ns *ipc;
	struct net_ns *net;
	struct mount_ns *mnt;
	struct pid_ns *pid_for_children;
};

#define NS_GET_PUT(name)                                                                                     \
	static inline struct name *name##_get(struct name *n)                                                \
	{                                                                                                    \
		object_get(&n->obj);                                                                         \
		return n;                                                                                    \
	}                                                                                                    \
	static inline void name##_put(struct name *n)                                                        \
	{                                                                                                    \
		if (n)                                                                                       \
			object_put(&n->obj);                                                                 \
	}
NS_GET_PUT(user_ns)
NS_GET_PUT(uts_ns)
NS_GET_PUT(ipc_ns)
NS_GET_PUT(net_ns)
NS_GET_PUT(pid_ns)
NS_GET_PUT(nsproxy)

/* New namespaces with one reference; NULL without memory. */
struct user_ns *user_ns_new(struct user_ns *parent, u32 uid, u32 gid) must_check;
struct uts_ns *uts_ns_new(const char *nodename, const char *domainname) must_check;
struct ipc_ns *ipc_ns_new(void) must_check;
struct net_ns *net_ns_new(void) must_check;
struct pid_ns *pid_ns_new(struct pid_ns *parent) must_check;
struct nsproxy *nsproxy_dup(const struct nsproxy *p) must_check;

#endif

/*
 * ns.h - namespaces(7). Each is a counted object that begins with a `struct ns_common`, so that nsfs,
 * setns(2) and /proc/PID/ns can hold any of them; a task reaches its own through struct nsproxy (clone(2)
 * flags), its user namespace through its credentials and its PID namespace through its struct pid. A
 * container is one set of them plus a root. Mount namespaces are in vfs/mount.h.
 *
 * Each namespace belongs to a user namespace (`owner`): capabilities in that one govern it
 * (user_namespaces(7), "Interaction of user namespaces and other types of namespaces").
 */
#ifndef WARREN_KERNEL_NS_H
#define WARREN_KERNEL_NS_H

#include "sandbox/base/list.h"
#include "sandbox/base/object.h"
#include "sandbox/base/tree.h"
#include "sandbox/kernel/wait.h"

struct task;
struct cred;
struct mount_ns;
struct cgroup;
struct ipc_state;
struct mqueue_ns;

struct ns_common {
	struct object obj;
	u32 type; /* LINUX_CLONE_NEW* */
	u64 ino;
	struct user_ns *owner; /* counted; NULL for user namespaces, which have a parent */
};

/* A range of ids: `count` from `first` in the namespace are those from `lower` on outside. Outside means the
 * root user namespace, whatever the parent was: ids are translated once, when the map is written. */
struct id_extent {
	u32 first, lower, count;
};

struct id_map {
	struct id_extent *extents; /* NULL: nothing is mapped yet */
	u32 count;
};

/* Credentials hold ids as the root user namespace counts them ("kernel ids"); what a guest sees and gives is
 * translated by the maps of its own namespace. */
struct user_ns {
	struct ns_common common;
	struct user_ns *parent;
	u32 level;
	u32 owner_uid, owner_gid; /* kernel ids of the creator */
	struct id_map uids, gids;
	bool setgroups_denied;
	bool parent_could_setfcap;
};

struct uts_ns {
	struct ns_common common;
	char nodename[65], domainname[65];
};

struct ipc_ns {
	struct ns_common common;
	struct ipc_state *state;   /* ipc/ */
	struct mqueue_ns *mqueues; /* fs/mqueue/; NULL until they are asked for */
};

struct net_state; /* socket/net_ns.h: its TCP/IP stack */
struct net_ns {
	struct ns_common common;
	struct net_state *state;
};
/* socket/net_ns.c; absent from builds for tests that leave sockets out. The loopback interface of a new
 * namespace is down. */
int net_state_new(struct net_ns *n) must_check;
void net_state_free(struct net_ns *n);
int net_ns_loopback_up(struct net_ns *n) must_check;

/* Offsets that are added to what the monotonic and the boot-time clock show (time_namespaces(7)). */
struct time_ns {
	struct ns_common common;
	s64 monotonic_ns, boottime_ns;
	bool frozen; /* a task has entered: the offsets are fixed */
};

/* What /proc/PID/cgroup shows as its root (cgroup_namespaces(7)). */
struct cgroup_ns {
	struct ns_common common;
	struct cgroup *root; /* counted */
};

/* Numbers pids. Every task has a pid in its own namespace and in each ancestor of it (struct pid). */
struct pid_ns {
	struct ns_common common;
	struct pid_ns *parent;
	u32 level;
	struct task *init; /* child reaper; NULL before it exists or once it is gone */
	s32 last_pid;
	struct tree pids; /* struct pid_link by number */
	bool dying;       /* init has exited: no new tasks */
	bool had_init;
	struct wait_queue empty_wait; /* dying: init waits for the others to go */
};

struct nsproxy {
	struct object obj;
	struct uts_ns *uts;
	struct ipc_ns *ipc;
	struct net_ns *net;
	struct mount_ns *mnt;
	struct pid_ns *pid_for_children;
	struct time_ns *time, *time_for_children;
	struct cgroup_ns *cgroup;
};

static inline struct ns_common *ns_common_get(struct ns_common *n)
{
	object_get(&n->obj);
	return n;
}
static inline void ns_common_put(struct ns_common *n)
{
	if (n)
		object_put(&n->obj);
}

#define NS_GET_PUT(name)                                                                                     \
	static inline struct name *name##_get(struct name *n)                                                \
	{                                                                                                    \
		object_get(&n->common.obj);                                                                  \
		return n;                                                                                    \
	}                                                                                                    \
	static inline void name##_put(struct name *n)                                                        \
	{                                                                                                    \
		if (n)                                                                                       \
			object_put(&n->common.obj);                                                          \
	}
NS_GET_PUT(user_ns)
NS_GET_PUT(uts_ns)
NS_GET_PUT(ipc_ns)
NS_GET_PUT(net_ns)
NS_GET_PUT(pid_ns)
NS_GET_PUT(time_ns)
NS_GET_PUT(cgroup_ns)

static inline struct nsproxy *nsproxy_get(struct nsproxy *n)
{
	object_get(&n->obj);
	return n;
}
static inline void nsproxy_put(struct nsproxy *n)
{
	if (n)
		object_put(&n->obj);
}

/* The number of a new namespace, as stat(2) shows it. */
u64 ns_next_ino(void);
/* Frees what ns_common holds; the first thing a release function does. */
void ns_common_end(struct ns_common *n);

/* New namespaces with one reference; NULL without memory. `owner` is counted. */
struct user_ns *user_ns_new_root(void) must_check;
struct uts_ns *uts_ns_new(struct user_ns *owner, const char *nodename, const char *domainname) must_check;
struct ipc_ns *ipc_ns_new(struct user_ns *owner) must_check;
struct net_ns *net_ns_new(struct user_ns *owner) must_check;
struct pid_ns *pid_ns_new(struct user_ns *owner, struct pid_ns *parent) must_check;
struct time_ns *time_ns_new(struct user_ns *owner, const struct time_ns *old) must_check;
struct cgroup_ns *cgroup_ns_new(struct user_ns *owner, struct cgroup *root) must_check;
/* A copy that shares every namespace with `p`; NULL: all empty. */
struct nsproxy *nsproxy_dup(const struct nsproxy *p) must_check;

/* The namespace of that type which task `t` is in: LINUX_CLONE_NEW*; `for_children` asks for the one its
 * children will get (PID and time). Reference given; NULL if the task has none any more. */
struct ns_common *task_ns_get(struct task *t, u32 type, bool for_children);
/* "net", "mnt"… */
const char *ns_type_name(u32 type);

/* ---- user namespaces: userns.c ---- */

#define NO_ID       ((u32)-1)
#define OVERFLOW_ID 65534U

/* A child of the user namespace of `creator`, whose ids become its owner's. -ENOSPC too deep, -EPERM the
 * creator's ids are not mapped or it is in a chroot. */
int user_ns_new(const struct cred *creator, struct user_ns **out) must_check;
/* Guest id -> kernel id: NO_ID if not mapped. */
u32 kuid_of(const struct user_ns *ns, u32 uid);
u32 kgid_of(const struct user_ns *ns, u32 gid);
/* Kernel id -> as the namespace sees it: NO_ID if not mapped; *_seen give OVERFLOW_ID instead. */
u32 uid_in(const struct user_ns *ns, u32 kuid);
u32 gid_in(const struct user_ns *ns, u32 kgid);
u32 uid_seen(u32 kuid); /* by the current task */
u32 gid_seen(u32 kgid);
/* Given by the current task: NO_ID stays NO_ID, as does what is not mapped. */
u32 uid_given(u32 uid);
u32 gid_given(u32 gid);
/* Does `c` have the capability in `ns`? */
bool cred_ns_capable(const struct cred *c, const struct user_ns *ns, int cap);
bool ns_capable(const struct user_ns *ns, int cap); /* current task */
/* Is a an ancestor of b, or b itself? */
bool user_ns_is_ancestor(const struct user_ns *a, const struct user_ns *b);
/* Writing uid_map or gid_map of `ns`: text as user_namespaces(7) says. */
int user_ns_write_map(struct user_ns *ns, bool gids, const char *text) must_check;
int user_ns_write_setgroups(struct user_ns *ns, const char *text) must_check;
bool user_ns_may_setgroups(const struct user_ns *ns);

/* ---- changing namespaces: nsset.c ---- */

/* What clone(2) or unshare(2) with `flags` gives: new namespaces where flags ask, the task's own elsewhere,
 * owned by the user namespace of `cred`. *fs, if not NULL, is moved into the copied mount tree. */
struct fs_context;
int ns_copy(struct task *t, u64 flags, const struct cred *cred, struct fs_context *fs,
	    struct nsproxy **out) must_check;
/* unshare(2) and setns(2) for the current task. setns: `ns` is one namespace; by pidfd, those of `of` named
 * in `types`. */
int task_unshare(struct task *t, u64 flags) must_check;
int task_setns(struct task *t, struct ns_common *ns) must_check;
int task_setns_of(struct task *t, struct task *of, u64 types) must_check;

#endif

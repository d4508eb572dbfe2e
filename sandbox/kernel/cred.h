/*
 * cred.h - credentials(7) and capabilities(7). A cred is immutable once it is shared: change a copy, then
 * install it.
 */
#ifndef WARREN_KERNEL_CRED_H
#define WARREN_KERNEL_CRED_H

#include "sandbox/base/object.h"

struct user_ns;
struct task;
struct key;
struct inode;

#define CAP_FULL_SET ((1ULL << 41) - 1)

struct cred {
	struct object obj;
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u32 *groups;
	u32 group_count;
	u64 cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	u32 securebits;
	bool no_new_privs;
	struct user_ns *user_ns;     /* counted */
	struct key *session_keyring; /* counted, or NULL */
};

struct cred *cred_new_root(struct user_ns *ns) must_check;
/* A private copy, to be changed and installed; NULL without memory. */
struct cred *cred_dup(const struct cred *c) must_check;
struct cred *cred_get(struct cred *c);
void cred_put(struct cred *c);
/* Installs `c` (steals the reference) as the task's credentials. */
void task_set_cred(struct task *t, struct cred *c);
/* Does the cred have the capability (LINUX_CAP_*) in its own user namespace? */
bool cred_capable(const struct cred *c, int cap);
/* Has the current task the capability over the whole sandbox, that is in the root user namespace? What
 * belongs to a namespace is asked of its owner: ns_capable() in ns.h. */
bool capable(int cap);
/* Over an inode with this owner: the ids must mean something in the task's user namespace. */
bool cred_capable_over(const struct cred *c, u32 kuid, u32 kgid, int cap);
bool cred_in_group(const struct cred *c, u32 gid);

#endif

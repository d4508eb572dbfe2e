/*
 * exec_cred.c - who a process is after execve(2): set-id programs, file capabilities, and the rules by which
 * capabilities pass over (capabilities(7), "Transformation of capabilities during execve").
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/exec.h"
#include "sandbox/kernel/ptrace.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define SECBIT_NOROOT    1U
#define SECBIT_KEEP_CAPS 0x10U

#define CAPS_REVISION    0xff000000U
#define CAPS_EFFECTIVE   1U

/* The attribute security.capability. */
struct vfs_caps {
	u32 magic;
	struct {
		u32 permitted, inheritable;
	} word[2];
	u32 rootid; /* revision 3 */
};

struct file_caps {
	bool present, effective;
	u64 permitted, inheritable;
};

/* Does an attribute written in the name of that root count in the namespace? */
static bool root_counts(const struct user_ns *ns, u32 kroot)
{
	for (; ns; ns = ns->parent)
		if (uid_in(ns, kroot) == 0)
			return true;
	return false;
}

static void read_caps(const struct cred *c, struct inode *inode, struct file_caps *out)
{
	struct vfs_caps v = {0};
	u32 size, words;
	s64 n;

	*out = (struct file_caps){0};
	if (inode->no_file_caps || !inode->ops || !inode->ops->getxattr)
		return;
	n = inode->ops->getxattr(inode, "security.capability", &v, sizeof(v));
	if (n == -ENODATA || n == -EOPNOTSUPP)
		inode->no_file_caps = true; /* until somebody sets some */
	if (n < (s64)sizeof(v.magic))
		return;
	words = (v.magic & CAPS_REVISION) == 0x01000000U ? 1 : 2;
	size = (v.magic & CAPS_REVISION) == 0x03000000U ? 24 : 4 + 8 * words;
	if ((v.magic & CAPS_REVISION) > 0x03000000U || !(v.magic & CAPS_REVISION) || n != size ||
	    !root_counts(c->user_ns, v.rootid))
		return;
	out->present = true;
	out->effective = v.magic & CAPS_EFFECTIVE;
	for (u32 i = 0; i < words; i++) {
		out->permitted |= (u64)v.word[i].permitted << 32 * i;
		out->inheritable |= (u64)v.word[i].inheritable << 32 * i;
	}
	out->permitted &= CAP_FULL_SET;
	out->inheritable &= CAP_FULL_SET;
}

static void set_ids(const struct cred *old, struct cred *c, const struct inode *inode)
{
	u32 mode = inode->attr.mode;

	if (old->no_new_privs || uid_in(c->user_ns, inode->attr.uid) == NO_ID ||
	    gid_in(c->user_ns, inode->attr.gid) == NO_ID)
		return;
	if (mode & LINUX_S_ISUID)
		c->euid = inode->attr.uid;
	if ((mode & (LINUX_S_ISGID | 010)) == (LINUX_S_ISGID | 010))
		c->egid = inode->attr.gid;
}

/* One who may not gain keeps at most what it had. */
static void hold_back(const struct cred *old, struct cred *c)
{
	if (!cred_ns_capable(old, c->user_ns, LINUX_CAP_SETUID) || old->no_new_privs) {
		c->euid = c->uid;
		c->egid = c->gid;
	}
	c->cap_permitted &= old->cap_permitted;
}

static int pass_caps(const struct cred *old, struct cred *c, const struct file_caps *f, bool unsafe,
		     struct exec_cred *out)
{
	u32 root = kuid_of(c->user_ns, 0);
	bool effective = f->effective, set_id, gained;

	c->cap_permitted = 0;
	if (f->present) {
		c->cap_permitted = (c->cap_bounding & f->permitted) | (c->cap_inheritable & f->inheritable);
		if (effective && (f->permitted & ~c->cap_permitted))
			return -EPERM; /* it could not know that it lacks some */
	}
	if (!(c->securebits & SECBIT_NOROOT) && !(f->present && c->euid == root && c->uid != root)) {
		if (c->euid == root || c->uid == root)
			c->cap_permitted = c->cap_bounding | c->cap_inheritable;
		if (c->euid == root)
			effective = true;
	}
	set_id = c->euid != old->uid || c->egid != old->gid;
	gained = c->cap_permitted & ~old->cap_permitted;
	out->clear_personality = gained || set_id;
	if ((set_id || gained) && unsafe)
		hold_back(old, c);
	if (f->present || set_id)
		c->cap_ambient = 0;
	c->cap_permitted |= c->cap_ambient;
	c->cap_effective = effective ? c->cap_permitted : c->cap_ambient;
	c->securebits &= ~SECBIT_KEEP_CAPS;
	out->secure = set_id || (c->uid != root && (effective || (c->cap_permitted & ~c->cap_ambient)));
	return 0;
}

int exec_cred(struct task *t, struct file *file, struct exec_cred *out)
{
	const struct cred *old = t->cred;
	bool nosuid = (file->path.mnt->flags & MNT_NOSUID) || ptrace_forbids_setid(t);
	struct cred *c = cred_dup(old);
	struct file_caps caps = {0};
	int err;

	*out = (struct exec_cred){0};
	if (!c)
		return -ENOMEM;
	if (!nosuid) {
		set_ids(old, c, file->inode);
		read_caps(old, file->inode, &caps);
	}
	err = pass_caps(old, c, &caps, old->no_new_privs || (t->fs && t->tg && t->fs->obj.refs > t->tg->live),
			out);
	if (err) {
		cred_put(c);
		return err;
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	/* others may look in only if it has no more than whoever started it, and may be read at all */
	out->dumpable = c->euid == c->uid && c->egid == c->gid && c->euid == old->euid &&
			c->egid == old->egid && !(c->cap_permitted & ~old->cap_permitted) &&
			!inode_permission(file->inode, NULL, 4);
	out->cred = c;
	return 0;
}

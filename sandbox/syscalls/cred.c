/*
 * syscalls/cred.c - who a process is: user and group ids, groups, capabilities.
 *
 * Each call changes a copy and installs it; the rules are those of credentials(7) and capabilities(7).
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

#define GROUPS_MAX 65536U

s64 sys_getuid(struct task *t, const u64 *a)
{
	return uid_seen(t->cred->uid);
}

s64 sys_geteuid(struct task *t, const u64 *a)
{
	return uid_seen(t->cred->euid);
}

s64 sys_getgid(struct task *t, const u64 *a)
{
	return gid_seen(t->cred->gid);
}

s64 sys_getegid(struct task *t, const u64 *a)
{
	return gid_seen(t->cred->egid);
}

s64 sys_getresuid(struct task *t, const u64 *a)
{
	const u32 r = uid_seen(t->cred->uid), e = uid_seen(t->cred->euid), s = uid_seen(t->cred->suid);

	return put_user(&r, uaddr(a[0])) || put_user(&e, uaddr(a[1])) || put_user(&s, uaddr(a[2])) ? -EFAULT
												   : 0;
}

s64 sys_getresgid(struct task *t, const u64 *a)
{
	const u32 r = gid_seen(t->cred->gid), e = gid_seen(t->cred->egid), s = gid_seen(t->cred->sgid);

	return put_user(&r, uaddr(a[0])) || put_user(&e, uaddr(a[1])) || put_user(&s, uaddr(a[2])) ? -EFAULT
												   : 0;
}

/* "Effect of user ID changes on capabilities" */
static void fix_caps(struct cred *c, const struct cred *old)
{
	u32 root = kuid_of(c->user_ns, 0);
	bool had_root = old->uid == root || old->euid == root || old->suid == root;
	bool has_root = c->uid == root || c->euid == root || c->suid == root;

	if (c->securebits & 4) /* SECBIT_NO_SETUID_FIXUP */
		return;
	if (had_root && !has_root) {
		if (!(c->securebits & 16)) { /* not SECBIT_KEEP_CAPS */
			c->cap_permitted = c->cap_effective = 0;
		}
		c->cap_ambient = 0;
	}
	if (old->euid == root && c->euid != root)
		c->cap_effective = 0;
	else if (old->euid != root && c->euid == root)
		c->cap_effective = c->cap_permitted;
}

static s64 install(struct task *t, struct cred *c)
{
	if (c->euid != t->cred->euid || c->egid != t->cred->egid) {
		t->tg->dumpable = 0;
		t->pdeath_signal = 0;
	}
	task_set_cred(t, c);
	return 0;
}

/* Over the ids of the task's own user namespace. */
static bool own_capable(int cap)
{
	return ns_capable(current_task()->cred->user_ns, cap);
}

/* An id that the guest gives, NO_ID for "as it is"; false if it is not mapped. */
static bool take_uid(u64 arg, u32 *out)
{
	*out = (u32)arg == NO_ID ? NO_ID : uid_given((u32)arg);
	return (u32)arg == NO_ID || *out != NO_ID;
}

static bool take_gid(u64 arg, u32 *out)
{
	*out = (u32)arg == NO_ID ? NO_ID : gid_given((u32)arg);
	return (u32)arg == NO_ID || *out != NO_ID;
}

static bool is_one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == a || id == b || id == c;
}

static s64 set_uids(struct task *t, u32 r, u32 e, u32 s)
{
	struct cred *c = cred_dup(t->cred);

	if (!c)
		return -ENOMEM;
	if (r != NO_ID)
		c->uid = r;
	if (e != NO_ID)
		c->euid = e;
	if (s != NO_ID)
		c->suid = s;
	c->fsuid = c->euid;
	fix_caps(c, t->cred);
	return install(t, c);
}

static s64 set_gids(struct task *t, u32 r, u32 e, u32 s)
{
	struct cred *c = cred_dup(t->cred);

	if (!c)
		return -ENOMEM;
	if (r != NO_ID)
		c->gid = r;
	if (e != NO_ID)
		c->egid = e;
	if (s != NO_ID)
		c->sgid = s;
	c->fsgid = c->egid;
	return install(t, c);
}

s64 sys_setuid(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	u32 id = uid_given((u32)a[0]);

	if (id == NO_ID)
		return -EINVAL;
	if (own_capable(LINUX_CAP_SETUID))
		return set_uids(t, id, id, id);
	return id == c->uid || id == c->suid ? set_uids(t, NO_ID, id, NO_ID) : -EPERM;
}

s64 sys_setgid(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	u32 id = gid_given((u32)a[0]);

	if (id == NO_ID)
		return -EINVAL;
	if (own_capable(LINUX_CAP_SETGID))
		return set_gids(t, id, id, id);
	return id == c->gid || id == c->sgid ? set_gids(t, NO_ID, id, NO_ID) : -EPERM;
}

s64 sys_setreuid(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	u32 r, e;

	if (!take_uid(a[0], &r) || !take_uid(a[1], &e))
		return -EINVAL;
	if (!own_capable(LINUX_CAP_SETUID) && ((r != NO_ID && r != c->uid && r != c->euid) ||
					       (e != NO_ID && !is_one_of(e, c->uid, c->euid, c->suid))))
		return -EPERM;
	return set_uids(t, r, e,
			r != NO_ID || (e != NO_ID && e != c->uid) ? (e != NO_ID ? e : c->euid) : NO_ID);
}

s64 sys_setregid(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	u32 r, e;

	if (!take_gid(a[0], &r) || !take_gid(a[1], &e))
		return -EINVAL;
	if (!own_capable(LINUX_CAP_SETGID) && ((r != NO_ID && r != c->gid && r != c->egid) ||
					       (e != NO_ID && !is_one_of(e, c->gid, c->egid, c->sgid))))
		return -EPERM;
	return set_gids(t, r, e,
			r != NO_ID || (e != NO_ID && e != c->gid) ? (e != NO_ID ? e : c->egid) : NO_ID);
}

s64 sys_setresuid(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	u32 id[3];

	for (int i = 0; i < 3; i++)
		if (!take_uid(a[i], &id[i]))
			return -EINVAL;
	for (int i = 0; i < 3; i++)
		if (id[i] != NO_ID && !is_one_of(id[i], c->uid, c->euid, c->suid) &&
		    !own_capable(LINUX_CAP_SETUID))
			return -EPERM;
	return set_uids(t, id[0], id[1], id[2]);
}

s64 sys_setresgid(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	u32 id[3];

	for (int i = 0; i < 3; i++)
		if (!take_gid(a[i], &id[i]))
			return -EINVAL;
	for (int i = 0; i < 3; i++)
		if (id[i] != NO_ID && !is_one_of(id[i], c->gid, c->egid, c->sgid) &&
		    !own_capable(LINUX_CAP_SETGID))
			return -EPERM;
	return set_gids(t, id[0], id[1], id[2]);
}

/* setfsuid(2), setfsgid(2): the old value comes back whatever happens. */
s64 sys_setfsuid(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	u32 id = uid_given((u32)a[0]), kold = c->fsuid, old = uid_seen(kold), root = kuid_of(c->user_ns, 0);
	struct cred *n;

	if (id == NO_ID ||
	    (!is_one_of(id, c->uid, c->euid, c->suid) && id != c->fsuid && !own_capable(LINUX_CAP_SETUID)))
		return old;
	n = cred_dup(c);
	if (!n)
		return old;
	n->fsuid = id;
	if (!(n->securebits & 4)) {
		const u64 fs_caps =
		    0x1fULL | 1ULL << 9 | 1ULL << 27; /* CHOWN to FSETID, LINUX_IMMUTABLE, MKNOD */
		if (kold == root && id != root)
			n->cap_effective &= ~fs_caps;
		else if (kold != root && id == root)
			n->cap_effective |= n->cap_permitted & fs_caps;
	}
	task_set_cred(t, n);
	return old;
}

s64 sys_setfsgid(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	u32 id = gid_given((u32)a[0]), old = gid_seen(c->fsgid);
	struct cred *n;

	if (id == NO_ID ||
	    (!is_one_of(id, c->gid, c->egid, c->sgid) && id != c->fsgid && !own_capable(LINUX_CAP_SETGID)))
		return old;
	n = cred_dup(c);
	if (!n)
		return old;
	n->fsgid = id;
	task_set_cred(t, n);
	return old;
}

s64 sys_getgroups(struct task *t, const u64 *a)
{
	const struct cred *c = t->cred;
	s32 size = arg_int(a[0]);

	if (size < 0 || (size && (u32)size < c->group_count))
		return -EINVAL;
	for (u32 i = 0; size && i < c->group_count; i++) {
		u32 gid = gid_seen(c->groups[i]);
		if (put_user(&gid, uaddr(a[1] + i * sizeof(gid))))
			return -EFAULT;
	}
	return c->group_count;
}

s64 sys_setgroups(struct task *t, const u64 *a)
{
	u32 n = (u32)a[0], *groups;
	struct cred *c;

	if (!own_capable(LINUX_CAP_SETGID) || !user_ns_may_setgroups(t->cred->user_ns))
		return -EPERM;
	if (n > GROUPS_MAX)
		return -EINVAL;
	groups = knew_array(u32, n + 1);
	if (!groups)
		return -ENOMEM;
	if (n && copy_in(groups, uaddr(a[1]), n * sizeof(u32))) {
		kfree(groups);
		return -EFAULT;
	}
	for (u32 i = 0; i < n; i++) {
		groups[i] = gid_given(groups[i]);
		if (groups[i] == NO_ID) {
			kfree(groups);
			return -EINVAL;
		}
	}
	c = cred_dup(t->cred);
	if (!c) {
		kfree(groups);
		return -ENOMEM;
	}
	kfree(c->groups);
	c->groups = groups;
	c->group_count = n;
	task_set_cred(t, c);
	return 0;
}

/* ---- capabilities ---- */

struct cap_header {
	u32 version;
	s32 pid;
};
struct cap_data {
	u32 effective, permitted, inheritable;
};

/* The number of 32-bit words of the header's version; unknown ones are answered with ours. */
static int cap_words(u64 user, struct cap_header *h)
{
	if (get_user(h, uaddr(user)))
		return -EFAULT;
	switch (h->version) {
	case 0x19980330:
		return 1;
	case 0x20071026:
	case 0x20080522:
		return 2;
	default:
		h->version = 0x20080522;
		return put_user(&h->version, uaddr(user)) ? -EFAULT : -EINVAL;
	}
}

s64 sys_capget(struct task *t, const u64 *a)
{
	struct cap_data d[2] = {{0}};
	struct cap_header h;
	struct task *other;
	const struct cred *c;
	int words = cap_words(a[0], &h);

	if (words == -EINVAL && !a[1])
		return 0;
	if (words < 0)
		return words;
	if (h.pid < 0)
		return -EINVAL;
	other = h.pid ? task_find(h.pid) : t;
	if (!other)
		return -ESRCH;
	c = other->cred;
	for (int i = 0; i < words; i++)
		d[i] = (struct cap_data){(u32)(c->cap_effective >> 32 * i), (u32)(c->cap_permitted >> 32 * i),
					 (u32)(c->cap_inheritable >> 32 * i)};
	return a[1] ? copy_out(uaddr(a[1]), d, (size_t)words * sizeof(*d)) : 0;
}

s64 sys_capset(struct task *t, const u64 *a)
{
	struct cap_data d[2] = {{0}};
	struct cap_header h;
	u64 e = 0, p = 0, i = 0;
	struct cred *c;
	int words = cap_words(a[0], &h);

	if (words < 0)
		return words;
	if (h.pid && task_find(h.pid) != t)
		return -EPERM;
	if (copy_in(d, uaddr(a[1]), (size_t)words * sizeof(*d)))
		return -EFAULT;
	for (int w = 0; w < words; w++) {
		e |= (u64)d[w].effective << 32 * w;
		p |= (u64)d[w].permitted << 32 * w;
		i |= (u64)d[w].inheritable << 32 * w;
	}
	e &= CAP_FULL_SET;
	p &= CAP_FULL_SET;
	i &= CAP_FULL_SET;
	if ((p & ~t->cred->cap_permitted) || (e & ~p))
		return -EPERM;
	if ((i & ~(t->cred->cap_inheritable | t->cred->cap_permitted)) && !own_capable(LINUX_CAP_SETPCAP))
		return -EPERM;
	if (i & ~(t->cred->cap_inheritable | t->cred->cap_bounding))
		return -EPERM;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->cap_effective = e;
	c->cap_permitted = p;
	c->cap_inheritable = i;
	c->cap_ambient &= p & i;
	task_set_cred(t, c);
	return 0;
}

/*
 * cred.c - credentials. See cred.h.
 */
#include "sandbox/kernel/cred.h"
#include "sandbox/abi/sched.h"
#include "sandbox/kernel/key.h"
#include "sandbox/kernel/task.h"

static void cred_release(struct object *obj)
{
	struct cred *c = container_of(obj, struct cred, obj);

	user_ns_put(c->user_ns);
	key_put(c->session_keyring);
	kfree(c->groups);
	kfree(c);
}

struct cred *cred_new_root(struct user_ns *ns)
{
	struct cred *c = knew(struct cred);

	if (!c)
		return NULL;
	object_init(&c->obj, cred_release);
	c->cap_permitted = c->cap_effective = c->cap_bounding = CAP_FULL_SET;
	c->user_ns = user_ns_get(ns);
	return c;
}

struct cred *cred_dup(const struct cred *old)
{
	struct cred *c = knew(struct cred);

	if (!c)
		return NULL;
	*c = *old;
	object_init(&c->obj, cred_release);
	c->groups = NULL;
	if (old->group_count) {
		c->groups = knew_array(u32, old->group_count);
		if (!c->groups) {
			kfree(c);
			return NULL;
		}
		memcpy(c->groups, old->groups, old->group_count * sizeof(u32));
	}
	user_ns_get(c->user_ns);
	if (c->session_keyring)
		key_get(c->session_keyring);
	return c;
}

struct cred *cred_get(struct cred *c)
{
	object_get(&c->obj);
	return c;
}

void cred_put(struct cred *c)
{
	if (c)
		object_put(&c->obj);
}

void task_set_cred(struct task *t, struct cred *c)
{
	cred_put(t->cred);
	t->cred = c;
	task_user_changed(t);
}

bool cred_capable(const struct cred *c, int cap)
{
	return c->cap_effective >> cap & 1;
}

bool capable(int cap)
{
	struct task *t = current_task();

	return !t || (!t->cred->user_ns->parent &&
		      cred_capable(t->cred, cap)); /* kernel services may do anything */
}

bool cred_capable_over(const struct cred *c, u32 kuid, u32 kgid, int cap)
{
	return cred_capable(c, cap) && uid_in(c->user_ns, kuid) != NO_ID && gid_in(c->user_ns, kgid) != NO_ID;
}

bool task_may_access(struct task *t)
{
	struct task *me = current_task();
	const struct cred *c, *d = t->cred;
	bool same;

	if (!me || me->tg == t->tg)
		return true;
	c = me->cred;
	same = c->fsuid == d->uid && c->fsuid == d->euid && c->fsuid == d->suid && c->fsgid == d->gid &&
	       c->fsgid == d->egid && c->fsgid == d->sgid;
	if (cred_ns_capable(c, d->user_ns, LINUX_CAP_SYS_PTRACE))
		return true;
	/* nor more than what it may do, unless it can do as much itself */
	return same && t->tg->dumpable == 1 &&
	       (c->user_ns != d->user_ns || !(d->cap_permitted & ~c->cap_permitted));
}

bool task_may_signal(const struct task *from, const struct task *to, int sig)
{
	const struct cred *c = from->cred, *d = to->cred;

	if (from->tg == to->tg || c->euid == d->suid || c->euid == d->uid || c->uid == d->suid ||
	    c->uid == d->uid)
		return true;
	if (sig == LINUX_SIGCONT && from->tg->session == to->tg->session)
		return true;
	return cred_ns_capable(c, d->user_ns, LINUX_CAP_KILL);
}

bool cred_in_group(const struct cred *c, u32 gid)
{
	if (c->fsgid == gid)
		return true;
	for (u32 i = 0; i < c->group_count; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

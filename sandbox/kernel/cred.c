/*
 * cred.c - credentials. See cred.h.
 */
#include "sandbox/kernel/cred.h"
#include "sandbox/kernel/task.h"

static void cred_release(struct object *obj)
{
	struct cred *c = container_of(obj, struct cred, obj);

	user_ns_put(c->user_ns);
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
}

bool cred_capable(const struct cred *c, int cap)
{
	return c->cap_effective >> cap & 1;
}

bool capable(int cap)
{
	struct task *t = current_task();

	return !t || cred_capable(t->cred, cap); /* kernel services may do anything */
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

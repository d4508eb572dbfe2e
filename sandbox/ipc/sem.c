/*
 * sem.c - semaphore sets: semget(2), semctl(2).
 */
#include "sandbox/ipc/sem_priv.h"

static struct ipc_ids *ids(struct ipc_state *s)
{
	return &s->ids[IPC_SEM_IDS];
}

/* ---- life ---- */

static void set_release(struct object *obj)
{
	struct sem_set *s = container_of(obj, struct sem_set, perm.obj);

	for (u32 i = 0; i < s->count; i++)
		pid_put(s->sems[i].pid);
	kfree(s);
}

static void destroy(struct ipc_state *state, struct sem_set *s)
{
	sem_undo_drop_all(s);
	sem_wake_removed(s);
	state->sems_used -= s->count;
	ipc_remove(ids(state), &s->perm);
}

void sem_namespace_end(struct ipc_state *state)
{
	for (u32 i = 0; i < ids(state)->capacity; i++)
		if (ids(state)->slots[i])
			destroy(state, set_of(ids(state)->slots[i]));
}

static s64 new_set(struct ipc_state *state, s32 key, u32 count, u32 flags)
{
	struct sem_set *s;
	int err;

	if (!count)
		return -EINVAL;
	if (state->sems_used + count > state->semmns)
		return -ENOSPC;
	s = kzalloc_typed(sizeof(struct sem_set) + count * sizeof(struct sem), "struct sem_set");
	if (!s)
		return -ENOMEM;
	object_init(&s->perm.obj, set_release);
	s->count = count;
	s->ctime = ipc_now();
	list_init(&s->undos);
	list_init(&s->dirty);
	for (u32 i = 0; i < count; i++) {
		list_init(&s->sems[i].waiters);
		list_init(&s->sems[i].dirty_node);
	}
	err = ipc_add(ids(state), &s->perm, key, flags, state->semmni);
	if (err) {
		ipc_put(&s->perm);
		return err;
	}
	state->sems_used += count;
	return s->perm.id;
}

s64 sem_get(s32 key, s32 count, u32 flags)
{
	struct ipc_state *state = ipc_here();
	struct ipc_perm *p;
	int err;

	if (count < 0 || (u32)count > state->semmsl)
		return -EINVAL;
	err = ipc_get(ids(state), key, flags, &p);
	if (err < 0)
		return err;
	if (err)
		return new_set(state, key, (u32)count, flags);
	return (u32)count > set_of(p)->count ? -EINVAL : ipc_get_allowed(p, flags);
}

/* ---- semctl: the set ---- */

s64 sem_stat(s32 id, bool by_index, bool any, struct linux_semid_ds *out)
{
	struct ipc_perm *p;
	struct sem_set *s;
	int err = ipc_find(ids(ipc_here()), id, by_index, &p);

	if (err)
		return err;
	if (!any && !ipc_may(p, 0444))
		return -EACCES;
	s = set_of(p);
	*out = (struct linux_semid_ds){.otime = s->otime, .ctime = s->ctime, .nsems = s->count};
	ipc_perm_show(p, &out->perm);
	return by_index ? p->id : 0;
}

int sem_set(s32 id, const struct linux_semid_ds *in)
{
	struct ipc_perm *p;
	int err = ipc_find_owned(ids(ipc_here()), id, &p);

	if (!err)
		err = ipc_perm_set(p, &in->perm);
	if (!err)
		set_of(p)->ctime = ipc_now();
	return err;
}

int sem_remove(s32 id)
{
	struct ipc_perm *p;
	int err = ipc_find_owned(ids(ipc_here()), id, &p);

	if (!err)
		destroy(ipc_here(), set_of(p));
	return err;
}

s64 sem_limits(bool used, struct linux_seminfo *out)
{
	struct ipc_state *state = ipc_here();

	*out = (struct linux_seminfo){.semmap = (s32)state->semmns,
				      .semmni = (s32)state->semmni,
				      .semmns = (s32)state->semmns,
				      .semmnu = (s32)state->semmns,
				      .semmsl = (s32)state->semmsl,
				      .semopm = (s32)state->semopm,
				      .semume = (s32)state->semopm,
				      .semusz = used ? (s32)ids(state)->in_use : 20,
				      .semvmx = LINUX_SEMVMX,
				      .semaem = used ? (s32)state->sems_used : LINUX_SEMAEM};
	return ipc_highest(ids(state));
}

/* ---- semctl: values ---- */

/* How many wait for it to grow (or, `zero`, to become 0). */
static s64 count_waiters(const struct sem *sem, bool zero)
{
	struct sem_call *c;
	s64 n = 0;

	list_for_each_entry (c, &sem->waiters, node)
		n += zero == !c->ops[c->stopped_by].op;
	return n;
}

static int find_for(s32 id, u32 want, struct sem_set **out)
{
	struct ipc_perm *p;
	int err = ipc_find(ids(ipc_here()), id, false, &p);

	if (err)
		return err;
	*out = set_of(p);
	return ipc_may(p, want) ? 0 : -EACCES;
}

s64 sem_value(s32 id, s32 num, int cmd)
{
	struct sem_set *s;
	int err = find_for(id, 0444, &s);

	if (err)
		return err;
	if (num < 0 || (u32)num >= s->count)
		return -EINVAL;
	switch (cmd) {
	case LINUX_GETPID:
		return ipc_pid_seen(s->sems[num].pid);
	case LINUX_GETVAL:
		return s->sems[num].value;
	default:
		return count_waiters(&s->sems[num], cmd == LINUX_GETZCNT);
	}
}

static void set_one(struct sem_set *s, u32 num, s32 value)
{
	sem_undo_clear(s, num);
	s->sems[num].value = value;
	ipc_set_pid(&s->sems[num].pid);
	sem_changed(s, num);
}

int sem_set_value(s32 id, s32 num, s32 value)
{
	struct sem_set *s;
	struct ipc_perm *p;
	int err;

	if (value < 0 || value > LINUX_SEMVMX)
		return -ERANGE;
	err = ipc_find(ids(ipc_here()), id, false, &p);
	if (err)
		return err;
	s = set_of(p);
	if (num < 0 || (u32)num >= s->count)
		return -EINVAL;
	if (!ipc_may(p, 0222))
		return -EACCES;
	set_one(s, (u32)num, value);
	s->ctime = ipc_now();
	sem_update(s);
	return 0;
}

s64 sem_get_all(s32 id, u16 **values)
{
	struct sem_set *s;
	int err = find_for(id, 0444, &s);

	if (err)
		return err;
	*values = knew_array(u16, s->count);
	if (!*values)
		return -ENOMEM;
	for (u32 i = 0; i < s->count; i++)
		(*values)[i] = (u16)s->sems[i].value;
	return s->count;
}

s64 sem_count_for_set(s32 id)
{
	struct sem_set *s;
	int err = find_for(id, 0222, &s);

	return err ? err : (s64)s->count;
}

int sem_set_all(s32 id, const u16 *values, u32 count)
{
	struct sem_set *s;
	int err = find_for(id, 0222, &s);

	if (err || s->count != count) /* another set has come to this id while values were copied */
		return err ? err : -EIDRM;
	for (u32 i = 0; i < count; i++)
		if (values[i] > LINUX_SEMVMX)
			return -ERANGE;
	for (u32 i = 0; i < count; i++)
		set_one(s, i, values[i]);
	s->ctime = ipc_now();
	sem_update(s);
	return 0;
}

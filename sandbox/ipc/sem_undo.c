/*
 * sem_undo.c - SEM_UNDO: what is taken back when the last task of a list ends.
 *
 * Tasks share a list by CLONE_SYSVSEM (threads do). A record leaves with its set.
 */
#include "sandbox/ipc/sem_priv.h"

struct sem_undo_list {
	struct object obj; /* one reference per task */
	struct list_head records;
};

static void drop(struct sem_undo *u)
{
	list_del_init(&u->list_node);
	list_del_init(&u->set_node);
	kfree(u);
}

static void take_back(struct sem_undo *u)
{
	struct sem_set *s = u->set;

	for (u32 i = 0; i < s->count; i++) {
		struct sem *sem = &s->sems[i];
		if (!u->adjust[i])
			continue;
		sem->value = min_t(s32, max_t(s32, sem->value + u->adjust[i], 0), LINUX_SEMVMX);
		ipc_set_pid(&sem->pid);
		sem_changed(s, i);
	}
	s->otime = ipc_now();
	drop(u);
	sem_update(s);
}

static void list_release(struct object *obj)
{
	struct sem_undo_list *l = container_of(obj, struct sem_undo_list, obj);

	while (!list_empty(&l->records))
		take_back(list_first_entry(&l->records, struct sem_undo, list_node));
	kfree(l);
}

void sem_task_leave(struct task *t)
{
	struct sem_undo_list *l = t->sem_undo;

	t->sem_undo = NULL;
	if (l)
		object_put(&l->obj);
}

static int make_list(struct task *t)
{
	if (t->sem_undo)
		return 0;
	t->sem_undo = knew(struct sem_undo_list);
	if (!t->sem_undo)
		return -ENOMEM;
	object_init(&t->sem_undo->obj, list_release);
	list_init(&t->sem_undo->records);
	return 0;
}

int ipc_task_fork(struct task *parent, struct task *child, u64 clone_flags)
{
	int err = clone_flags & LINUX_CLONE_SYSVSEM ? make_list(parent) : 0;

	if (!err && (clone_flags & LINUX_CLONE_SYSVSEM)) {
		child->sem_undo = parent->sem_undo;
		object_get(&child->sem_undo->obj);
	}
	return err;
}

int sem_undo_find(struct task *t, struct sem_set *s, struct sem_undo **out)
{
	struct sem_undo *u;
	int err = make_list(t);

	if (err)
		return err;
	list_for_each_entry (u, &t->sem_undo->records, list_node)
		if (u->set == s) {
			*out = u;
			return 0;
		}
	u = kzalloc_typed(sizeof(struct sem_undo) + s->count * sizeof(s16), "struct sem_undo");
	if (!u)
		return -ENOMEM;
	u->set = s;
	list_add(&u->list_node, &t->sem_undo->records);
	list_add(&u->set_node, &s->undos);
	*out = u;
	return 0;
}

void sem_undo_drop_all(struct sem_set *s)
{
	while (!list_empty(&s->undos))
		drop(list_first_entry(&s->undos, struct sem_undo, set_node));
}

void sem_undo_clear(struct sem_set *s, u32 num)
{
	struct sem_undo *u;

	list_for_each_entry (u, &s->undos, set_node)
		u->adjust[num] = 0;
}

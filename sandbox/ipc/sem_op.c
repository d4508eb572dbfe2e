/*
 * sem_op.c - semop(2): operations on a set, all or none, and those who wait for them.
 */
#include "sandbox/ipc/sem_priv.h"

/* Takes back the first `n` operations. */
static void roll_back(struct sem_set *s, struct sem_call *c, u32 n)
{
	while (n--) {
		const struct linux_sembuf *op = &c->ops[n];
		s->sems[op->num].value -= op->op;
		if (op->flags & LINUX_SEM_UNDO)
			c->undo->adjust[op->num] += op->op;
	}
}

static int apply_one(struct sem_set *s, struct sem_call *c, const struct linux_sembuf *op)
{
	struct sem *sem = &s->sems[op->num];
	s32 value = sem->value + op->op;

	if (op->op ? value < 0 : sem->value != 0)
		return op->flags & LINUX_IPC_NOWAIT ? -EAGAIN : 1;
	if (value > LINUX_SEMVMX)
		return -ERANGE;
	if (op->flags & LINUX_SEM_UNDO) {
		s32 undo = c->undo->adjust[op->num] - op->op;
		if (undo < -LINUX_SEMAEM - 1 || undo > LINUX_SEMAEM)
			return -ERANGE;
		c->undo->adjust[op->num] = (s16)undo;
	}
	sem->value = value;
	return 0;
}

static void set_pid(struct sem *sem, struct pid *pid)
{
	if (sem->pid == pid)
		return;
	pid_put(sem->pid);
	sem->pid = pid_get(pid);
}

/* 0: done; 1: must wait, for ops[stopped_by]; -errno. */
static int attempt(struct sem_set *s, struct sem_call *c)
{
	for (u32 i = 0; i < c->count; i++) {
		int r = apply_one(s, c, &c->ops[i]);
		if (!r)
			continue;
		roll_back(s, c, i);
		c->stopped_by = i;
		return r;
	}
	for (u32 i = 0; i < c->count; i++) {
		set_pid(&s->sems[c->ops[i].num], c->pid);
		if (c->ops[i].op)
			sem_changed(s, c->ops[i].num);
	}
	s->otime = ipc_now();
	return 0;
}

/* Behind those who are older. */
static void queue(struct sem_set *s, struct sem_call *c)
{
	struct list_head *head = &s->sems[c->ops[c->stopped_by].num].waiters, *at = head->prev;

	while (at != head && list_entry(at, struct sem_call, node)->ticket > c->ticket)
		at = at->prev;
	list_add(&c->node, at);
}

static void finish(struct sem_call *c, int result)
{
	list_del_init(&c->node);
	c->done = true;
	c->result = result;
	wake_up_all(&c->wake, 0);
}

void sem_changed(struct sem_set *s, u32 num)
{
	struct sem *sem = &s->sems[num];

	if (list_empty(&sem->dirty_node) && !list_empty(&sem->waiters))
		list_add_tail(&sem->dirty_node, &s->dirty);
}

static void retry(struct sem_set *s, struct sem *sem)
{
	struct sem_call *c, *next;

	list_for_each_entry_safe (c, next, &sem->waiters, node) {
		int r = attempt(s, c);
		if (r != 1) {
			finish(c, r);
		} else if (&s->sems[c->ops[c->stopped_by].num] != sem) {
			list_del_init(&c->node);
			queue(s, c);
		}
	}
}

void sem_update(struct sem_set *s)
{
	while (!list_empty(&s->dirty)) {
		struct sem *sem = list_first_entry(&s->dirty, struct sem, dirty_node);
		list_del_init(&sem->dirty_node);
		retry(s, sem);
	}
}

void sem_wake_removed(struct sem_set *s)
{
	for (u32 i = 0; i < s->count; i++) {
		struct sem_call *c, *next;
		list_for_each_entry_safe (c, next, &s->sems[i].waiters, node)
			finish(c, -EIDRM);
	}
}

static int wait(struct sem_set *s, struct sem_call *c, u64 deadline)
{
	int err;

	c->ticket = s->tickets++;
	queue(s, c);
	object_get(&s->perm.obj);
	err = wait_event(&c->wake, c->done, deadline);
	list_del_init(&c->node);
	ipc_put(&s->perm);
	if (c->done)
		return c->result;
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

u32 sem_ops_max(void)
{
	return ipc_here()->semopm;
}

static int look_at_ops(const struct sem_set *s, struct sem_call *c, bool *undo)
{
	*undo = false;
	for (u32 i = 0; i < c->count; i++) {
		if (c->ops[i].num >= s->count)
			return -EFBIG;
		c->alters |= c->ops[i].op != 0;
		*undo |= (c->ops[i].flags & LINUX_SEM_UNDO) != 0;
	}
	return 0;
}

int sem_operate(struct task *t, s32 id, const struct linux_sembuf *ops, u32 count, u64 deadline)
{
	struct sem_call c = {.ops = ops, .count = count, .pid = t->tg->leader->pid};
	struct sem_set *s;
	struct ipc_perm *p;
	bool undo;
	int r = ipc_find(&ipc_here()->ids[IPC_SEM_IDS], id, false, &p);

	if (r)
		return r;
	s = set_of(p);
	list_init(&c.node);
	wait_queue_init(&c.wake);
	r = look_at_ops(s, &c, &undo);
	if (!r && !ipc_may(p, c.alters ? 0222 : 0444))
		r = -EACCES;
	if (!r && undo)
		r = sem_undo_find(t, s, &c.undo);
	if (!r)
		r = attempt(s, &c);
	if (r == 1)
		return wait(s, &c, deadline);
	if (!r)
		sem_update(s);
	return r;
}

/*
 * msg.c - message queues: msgget(2), msgctl(2), msgsnd(2), msgrcv(2).
 *
 * A message is handed straight to the receiver that has waited longest for one like it; only what nobody
 * waits for is queued. A receiver whose buffer is too small hears E2BIG, and the next one is looked for.
 */
#include "sandbox/ipc/ipc_priv.h"

enum select { ANY, EQUAL, NOT_EQUAL, LEAST, NUMBER };

struct msg_queue {
	struct ipc_perm perm;
	struct ipc_state *state; /* NULL once it is removed */
	s64 stime, rtime, ctime;
	u64 bytes, count, max_bytes;
	struct pid *lspid, *lrpid; /* counted */
	struct list_head messages;
	struct list_head receivers; /* struct msg_receiver, oldest first */
	struct wait_queue senders;
};

/* On the stack of one who waits. */
struct msg_receiver {
	struct list_head node;
	enum select select;
	s64 type;
	u64 size;
	bool truncate;
	struct msg *got;
	int result; /* 1: still waiting */
	struct wait_queue wake;
};

static struct ipc_ids *ids(struct ipc_state *s)
{
	return &s->ids[IPC_MSG_IDS];
}

static struct msg_queue *queue_of(struct ipc_perm *p)
{
	return container_of(p, struct msg_queue, perm);
}

/* ---- life ---- */

static void queue_release(struct object *obj)
{
	struct msg_queue *q = container_of(obj, struct msg_queue, perm.obj);

	pid_put(q->lspid);
	pid_put(q->lrpid);
	kfree(q);
}

static void answer(struct msg_queue *q, struct msg_receiver *r, struct msg *m, int result)
{
	list_del_init(&r->node);
	r->got = m;
	r->result = result;
	wake_up_all(&r->wake, 0);
}

static void answer_all(struct msg_queue *q, int result)
{
	while (!list_empty(&q->receivers))
		answer(q, list_first_entry(&q->receivers, struct msg_receiver, node), NULL, result);
}

static void take_out(struct msg_queue *q, struct msg *m)
{
	list_del_init(&m->node);
	q->bytes -= m->size;
	q->count--;
	q->state->msg_bytes -= m->size;
	q->state->msg_count--;
}

static void destroy(struct msg_queue *q)
{
	struct ipc_state *state = q->state;

	answer_all(q, -EIDRM);
	while (!list_empty(&q->messages)) {
		struct msg *m = list_first_entry(&q->messages, struct msg, node);
		take_out(q, m);
		kfree(m);
	}
	q->state = NULL;
	wake_up_all(&q->senders, 0);
	ipc_remove(ids(state), &q->perm);
}

void msg_namespace_end(struct ipc_state *state)
{
	for (u32 i = 0; i < ids(state)->capacity; i++)
		if (ids(state)->slots[i])
			destroy(queue_of(ids(state)->slots[i]));
}

s64 msg_get(s32 key, u32 flags)
{
	struct ipc_state *state = ipc_here();
	struct msg_queue *q;
	struct ipc_perm *p;
	int err = ipc_get(ids(state), key, flags, &p);

	if (err <= 0)
		return err ? err : ipc_get_allowed(p, flags);
	q = knew(struct msg_queue);
	if (!q)
		return -ENOMEM;
	object_init(&q->perm.obj, queue_release);
	q->ctime = ipc_now();
	q->max_bytes = state->msgmnb;
	list_init(&q->messages);
	list_init(&q->receivers);
	wait_queue_init(&q->senders);
	err = ipc_add(ids(state), &q->perm, key, flags, state->msgmni);
	if (err) {
		ipc_put(&q->perm);
		return err;
	}
	q->state = state;
	return q->perm.id;
}

/* ---- msgctl ---- */

s64 msg_stat(s32 id, bool by_index, bool any, struct linux_msqid_ds *out)
{
	struct msg_queue *q;
	struct ipc_perm *p;
	int err = ipc_find(ids(ipc_here()), id, by_index, &p);

	if (err)
		return err;
	if (!any && !ipc_may(p, 0444))
		return -EACCES;
	q = queue_of(p);
	*out = (struct linux_msqid_ds){.stime = q->stime,
				       .rtime = q->rtime,
				       .ctime = q->ctime,
				       .cbytes = q->bytes,
				       .qnum = q->count,
				       .qbytes = q->max_bytes,
				       .lspid = ipc_pid_seen(q->lspid),
				       .lrpid = ipc_pid_seen(q->lrpid)};
	ipc_perm_show(p, &out->perm);
	return by_index ? p->id : 0;
}

/* Receivers and senders look anew whether they may and can. */
int msg_set(s32 id, const struct linux_msqid_ds *in)
{
	struct ipc_perm *p;
	int err = ipc_find_owned(ids(ipc_here()), id, &p);

	if (err)
		return err;
	if (in->qbytes > ipc_here()->msgmnb && !ns_capable(ipc_owner(), LINUX_CAP_SYS_RESOURCE))
		return -EPERM;
	err = ipc_perm_set(p, &in->perm);
	if (err)
		return err;
	queue_of(p)->max_bytes = in->qbytes;
	queue_of(p)->ctime = ipc_now();
	answer_all(queue_of(p), -EAGAIN);
	wake_up_all(&queue_of(p)->senders, 0);
	return 0;
}

int msg_remove(s32 id)
{
	struct ipc_perm *p;
	int err = ipc_find_owned(ids(ipc_here()), id, &p);

	if (!err)
		destroy(queue_of(p));
	return err;
}

s64 msg_limits(bool used, struct linux_msginfo *out)
{
	struct ipc_state *s = ipc_here();

	*out = (struct linux_msginfo){.msgpool = used ? (s32)ids(s)->in_use : 512000,
				      .msgmap = used ? (s32)s->msg_count : 16384,
				      .msgmax = (s32)s->msgmax,
				      .msgmnb = (s32)s->msgmnb,
				      .msgmni = (s32)s->msgmni,
				      .msgssz = 16,
				      .msgtql = used ? (s32)s->msg_bytes : 16384,
				      .msgseg = 0xffff};
	return ipc_highest(ids(s));
}

/* ---- sending ---- */

u64 msg_size_max(void)
{
	return ipc_here()->msgmax;
}

struct msg *msg_alloc(u64 size)
{
	struct msg *m = kzalloc_typed(sizeof(struct msg) + size, "struct msg");

	if (m) {
		list_init(&m->node);
		m->size = size;
	}
	return m;
}

static bool wants(const struct msg_receiver *r, const struct msg *m)
{
	switch (r->select) {
	case EQUAL:
		return m->type == r->type;
	case NOT_EQUAL:
		return m->type != r->type;
	case LEAST:
		return m->type <= r->type;
	default:
		return true;
	}
}

/* To one who waits for it: true if it was taken. */
static bool hand_over(struct msg_queue *q, struct msg *m)
{
	struct msg_receiver *r, *next;

	list_for_each_entry_safe (r, next, &q->receivers, node) {
		if (!wants(r, m))
			continue;
		if (m->size > r->size && !r->truncate) {
			answer(q, r, NULL, -E2BIG);
			continue;
		}
		q->rtime = ipc_now();
		answer(q, r, m, 0);
		return true;
	}
	return false;
}

static bool fits(const struct msg_queue *q, const struct msg *m)
{
	return q->bytes + m->size <= q->max_bytes && q->count + 1 <= q->max_bytes;
}

/* Waits for room; -EIDRM if the queue goes meanwhile. */
static int wait_for_room(struct msg_queue *q, const struct msg *m, u32 flags)
{
	int err;

	while (!fits(q, m)) {
		if (flags & LINUX_IPC_NOWAIT)
			return -EAGAIN;
		err = wait_event(&q->senders, q->perm.removed || fits(q, m) || !ipc_may(&q->perm, 0222),
				 TIME_NEVER);
		if (q->perm.removed)
			return -EIDRM;
		if (err)
			return -EINTR;
		if (!ipc_may(&q->perm, 0222))
			return -EACCES;
	}
	return 0;
}

static int send(struct msg_queue *q, struct msg *m, u32 flags)
{
	int err = ipc_may(&q->perm, 0222) ? wait_for_room(q, m, flags) : -EACCES;

	if (err) {
		kfree(m);
		return err;
	}
	ipc_set_pid(&q->lspid);
	q->stime = ipc_now();
	if (hand_over(q, m))
		return 0;
	list_add_tail(&m->node, &q->messages);
	q->bytes += m->size;
	q->count++;
	q->state->msg_bytes += m->size;
	q->state->msg_count++;
	return 0;
}

int msg_send(struct task *t, s32 id, struct msg *m, u32 flags)
{
	struct ipc_perm *p;
	int err = ipc_find(ids(ipc_here()), id, false, &p);

	if (err) {
		kfree(m);
		return err;
	}
	object_get(&p->obj);
	err = send(queue_of(p), m, flags);
	ipc_put(p);
	return err;
}

/* ---- receiving ---- */

static void set_filter(struct msg_receiver *r, s64 type, u32 flags)
{
	r->type = type;
	if (flags & LINUX_MSG_COPY) {
		r->select = NUMBER;
	} else if (!type) {
		r->select = ANY;
	} else if (type < 0) {
		r->select = LEAST;
		r->type = type == INT64_MIN ? INT64_MAX : -type;
	} else {
		r->select = flags & LINUX_MSG_EXCEPT ? NOT_EQUAL : EQUAL;
	}
}

static struct msg *find(struct msg_queue *q, const struct msg_receiver *r)
{
	struct msg *m, *best = NULL;
	s64 at = 0;

	list_for_each_entry (m, &q->messages, node) {
		if (r->select == NUMBER ? at++ != r->type : !wants(r, m))
			continue;
		if (r->select != LEAST)
			return m;
		if (!best || m->type < best->type)
			best = m;
	}
	return best;
}

static int copy(const struct msg *m, struct msg **out)
{
	*out = msg_alloc(m->size);
	if (!*out)
		return -ENOMEM;
	(*out)->type = m->type;
	memcpy((*out)->text, m->text, m->size);
	return 0;
}

static int wait(struct msg_queue *q, struct msg_receiver *r)
{
	r->result = 1;
	list_add_tail(&r->node, &q->receivers);
	if (wait_event(&r->wake, r->result != 1, TIME_NEVER) && r->result == 1)
		r->result = -EINTR;
	list_del_init(&r->node);
	return r->result;
}

static int receive(struct msg_queue *q, struct msg_receiver *r, u32 flags)
{
	struct msg *m;
	int err;

	do {
		if (!ipc_may(&q->perm, 0444))
			return -EACCES;
		m = find(q, r);
		if (!m) {
			if (flags & LINUX_IPC_NOWAIT)
				return -ENOMSG;
			err = wait(q, r);
			if (!err)
				ipc_set_pid(&q->lrpid);
			continue;
		}
		if (m->size > r->size && !r->truncate)
			return -E2BIG;
		if (r->select == NUMBER)
			return copy(m, &r->got);
		take_out(q, m);
		q->rtime = ipc_now();
		ipc_set_pid(&q->lrpid);
		wake_up_all(&q->senders, 0);
		r->got = m;
		return 0;
	} while (err == -EAGAIN); /* IPC_SET */
	return err;
}

int msg_receive(struct task *t, s32 id, s64 type, u64 size, u32 flags, struct msg **out)
{
	struct msg_receiver r = {.size = size, .truncate = flags & LINUX_MSG_NOERROR};
	struct ipc_perm *p;
	int err;

	if ((flags & LINUX_MSG_COPY) && ((flags & LINUX_MSG_EXCEPT) || !(flags & LINUX_IPC_NOWAIT)))
		return -EINVAL;
	err = ipc_find(ids(ipc_here()), id, false, &p);
	if (err)
		return err;
	list_init(&r.node);
	wait_queue_init(&r.wake);
	set_filter(&r, type, flags);
	object_get(&p->obj);
	err = receive(queue_of(p), &r, flags);
	ipc_put(p);
	*out = r.got;
	return err;
}

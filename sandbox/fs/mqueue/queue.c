/*
 * queue.c - POSIX message queues: sending, receiving, notification.
 *
 * A message goes straight to a receiver that waits; a place that comes free goes to the sender that has
 * waited longest. So nobody who comes later gets in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/abi/poll.h"
#include "sandbox/fs/mqueue/mqueue_priv.h"

#define SI_MESGQ (-3)

/* What Linux counts besides the text: a message's header, and a tree node for each priority. */
#define MESSAGE_COST 48U
#define NODE_COST    48U
#define HARD_MSGMAX  65536
#define HARD_SIZEMAX (16 << 20)

/* ---- life ---- */

static int check_attr(const struct mqueue_ns *ns, const struct linux_mq_attr *a)
{
	bool free_of_limits = capable(LINUX_CAP_SYS_RESOURCE);

	if (a->maxmsg <= 0 || a->msgsize <= 0)
		return -EINVAL;
	if (a->maxmsg > (free_of_limits ? HARD_MSGMAX : (s64)ns->limit[MQ_MSG_MAX]) ||
	    a->msgsize > (free_of_limits ? HARD_SIZEMAX : (s64)ns->limit[MQ_MSGSIZE_MAX]))
		return -EINVAL;
	return 0;
}

int mqueue_new(struct mqueue_ns *ns, const struct linux_mq_attr *attr, struct mqueue **out)
{
	struct task *t = current_task();
	struct mqueue *q;
	int err = check_attr(ns, attr);
	u64 cost = err ? 0
		       : (u64)attr->maxmsg * (u64)(attr->msgsize + MESSAGE_COST) +
			     min_t(u64, (u64)attr->maxmsg, MQ_PRIO_MAX) * NODE_COST;

	if (err)
		return err;
	if (t->user->mqueue_bytes + cost > task_rlimit(t, LINUX_RLIMIT_MSGQUEUE))
		return -EMFILE;
	q = knew(struct mqueue);
	if (!q)
		return -ENOMEM;
	q->maxmsg = (u64)attr->maxmsg;
	q->msgsize = (u64)attr->msgsize;
	list_init(&q->messages);
	list_init(&q->senders);
	list_init(&q->receivers);
	wait_queue_init(&q->poll);
	q->user = t->user;
	object_get(&q->user->obj);
	q->charged = cost;
	q->user->mqueue_bytes += cost;
	*out = q;
	return 0;
}

void mqueue_free(struct mqueue *q)
{
	struct mq_message *m, *next;

	list_for_each_entry_safe (m, next, &q->messages, node)
		kfree(m);
	mqueue_notify_end(q);
	q->user->mqueue_bytes -= q->charged;
	user_put(q->user);
	kfree(q);
}

/* ---- notification ---- */

void mqueue_notify_end(struct mqueue *q)
{
	pid_put(q->notify);
	user_ns_put(q->notify_ns);
	q->notify = NULL;
	q->notify_ns = NULL;
}

/* The first message of an empty queue: once. */
static void notify(struct mqueue *q)
{
	struct task *t = current_task(), *to = q->notify ? q->notify->task : NULL;

	if (to && to->tg && q->notify_kind == MQ_NOTIFY_SIGNAL && q->notify_signal) {
		struct linux_siginfo info = {.si_signo = q->notify_signal, .si_code = SI_MESGQ};
		u32 uid = uid_in(q->notify_ns, t->cred->uid);
		info.rt.pid = pid_nr(t->tg->leader->pid, task_pid_ns(to));
		info.rt.uid = uid == NO_ID ? OVERFLOW_ID : uid;
		info.rt.value = q->notify_value;
		if (send_signal_group(to->tg, q->notify_signal, &info))
			klog(LOG_DEBUG, "mq_notify: the signal queue is full");
	}
	mqueue_notify_end(q);
}

int mqueue_notify(struct file *f, int kind, int sig, u64 value)
{
	struct mqueue *q = mqueue_of(f->inode);
	struct task *t = current_task();

	if (q->notify)
		return -EBUSY;
	q->notify = pid_get(t->tg->leader->pid);
	q->notify_ns = user_ns_get(t->cred->user_ns);
	q->notify_kind = kind;
	q->notify_signal = sig;
	q->notify_value = value;
	inode_touch_ctime(f->inode);
	return 0;
}

void mqueue_notify_cancel(struct file *f)
{
	struct mqueue *q = mqueue_of(f->inode);
	struct task *t = current_task();

	if (q->notify && t && t->tg && q->notify == t->tg->leader->pid)
		mqueue_notify_end(q);
}

/* ---- messages ---- */

struct mq_message *mq_message_new(u64 size)
{
	struct mq_message *m = kzalloc_typed(sizeof(struct mq_message) + size, "struct mq_message");

	if (m) {
		list_init(&m->node);
		m->size = size;
	}
	return m;
}

static void insert(struct mqueue *q, struct mq_message *m)
{
	struct list_head *at = q->messages.prev;

	while (at != &q->messages && list_entry(at, struct mq_message, node)->priority < m->priority)
		at = at->prev;
	list_add(&m->node, at);
	q->count++;
	q->bytes += m->size;
}

static struct mq_message *take(struct mqueue *q)
{
	struct mq_message *m = list_first_entry(&q->messages, struct mq_message, node);

	list_del_init(&m->node);
	q->count--;
	q->bytes -= m->size;
	return m;
}

static struct mq_waiter *first(struct list_head *waiters)
{
	return list_empty(waiters) ? NULL : list_first_entry(waiters, struct mq_waiter, node);
}

static void serve(struct mq_waiter *w, struct mq_message *m)
{
	list_del_init(&w->node);
	w->message = m;
	w->done = true;
	wake_up_all(&w->wake, 0);
}

/* Waits in the list until served: 0, -ETIMEDOUT, -ERESTARTSYS. */
static int wait(struct list_head *list, struct mq_waiter *w, u64 deadline)
{
	int err;

	w->done = false;
	wait_queue_init(&w->wake);
	list_add_tail(&w->node, list);
	err = wait_event(&w->wake, w->done, deadline);
	list_del_init(&w->node);
	return w->done ? 0 : err;
}

int mqueue_send(struct file *f, struct mq_message *m, u64 deadline)
{
	struct mqueue *q = mqueue_of(f->inode);
	struct mq_waiter self = {.message = m}, *receiver;
	int err;

	if (q->count >= q->maxmsg) {
		err = f->flags & O_NONBLOCK ? -EAGAIN : wait(&q->senders, &self, deadline);
		if (err)
			kfree(m);
		return err;
	}
	receiver = first(&q->receivers);
	inode_touch_mtime(f->inode);
	if (receiver) {
		serve(receiver, m);
		return 0;
	}
	insert(q, m);
	if (q->count == 1)
		notify(q);
	wake_up(&q->poll, LINUX_POLLIN | LINUX_POLLRDNORM);
	return 0;
}

int mqueue_receive(struct file *f, u64 deadline, struct mq_message **out)
{
	struct mqueue *q = mqueue_of(f->inode);
	struct mq_waiter self = {0}, *sender;
	int err;

	if (!q->count) {
		err = f->flags & O_NONBLOCK ? -EAGAIN : wait(&q->receivers, &self, deadline);
		*out = self.message;
		return err;
	}
	*out = take(q);
	inode_touch_mtime(f->inode);
	sender = first(&q->senders);
	if (sender) {
		insert(q, sender->message);
		serve(sender, NULL);
	} else {
		wake_up(&q->poll, LINUX_POLLOUT | LINUX_POLLWRNORM);
	}
	return 0;
}

/* ---- the file ---- */

bool file_is_mqueue(const struct file *f)
{
	return f->ops == &mqueue_file_ops;
}

u64 mqueue_message_max(const struct file *f)
{
	return mqueue_of(f->inode)->msgsize;
}

void mqueue_attr(const struct file *f, struct linux_mq_attr *out)
{
	const struct mqueue *q = mqueue_of(f->inode);

	*out = (struct linux_mq_attr){.flags = f->flags & O_NONBLOCK,
				      .maxmsg = (s64)q->maxmsg,
				      .msgsize = (s64)q->msgsize,
				      .curmsgs = (s64)q->count};
}

static s64 mqueue_read(struct file *f, struct uio *dst, u64 *pos)
{
	const struct mqueue *q = mqueue_of(f->inode);
	char text[80];
	u64 len = (u64)snprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
				(unsigned long)q->bytes, q->notify ? q->notify_kind : 0,
				q->notify && q->notify_kind == MQ_NOTIFY_SIGNAL ? q->notify_signal : 0,
				q->notify ? pid_vnr(q->notify) : 0);
	s64 n;

	len = min_t(u64, len, sizeof(text) - 1);
	if (*pos >= len)
		return 0;
	n = uio_copy(dst, text + *pos, min_t(u64, len - *pos, dst->left));
	if (n > 0)
		*pos += (u64)n;
	inode_touch_atime(f);
	return n;
}

static u32 mqueue_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = mqueue_of(f->inode);

	poll_wait(pt, &q->poll);
	return (q->count ? LINUX_POLLIN | LINUX_POLLRDNORM : 0) |
	       (q->count < q->maxmsg ? LINUX_POLLOUT | LINUX_POLLWRNORM : 0);
}

static int mqueue_flush(struct file *f, u64 owner)
{
	mqueue_notify_cancel(f);
	return 0;
}

const struct file_ops mqueue_file_ops = {.read = mqueue_read, .poll = mqueue_poll, .flush = mqueue_flush};

/*
 * mqueue_priv.h - a queue and its namespace, for the files of fs/mqueue/.
 */
#ifndef WARREN_FS_MQUEUE_MQUEUE_PRIV_H
#define WARREN_FS_MQUEUE_MQUEUE_PRIV_H

#include "sandbox/abi/sched.h"
#include "sandbox/fs/mqueue/mqueue.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/kernel/user.h"
#include "sandbox/vfs/mount.h"

/* The private part of the super_block: it lives as long as somebody has it mounted or a file of it open, the
 * namespace perhaps not so long. */
struct mqueue_ns {
	struct mount *mnt; /* the namespace's own; NULL once that has gone */
	u64 limit[MQ_SYSCTLS];
	u64 queues;
};

/* Who waits, on his own stack: a sender with the message he brings, a receiver with the one he was given. */
struct mq_waiter {
	struct list_head node;
	struct mq_message *message;
	bool done;
	struct wait_queue wake;
};

struct mqueue {
	u64 maxmsg, msgsize;
	u64 count, bytes;
	struct list_head messages;  /* highest priority first, then oldest */
	struct list_head senders;   /* struct mq_waiter; only while the queue is full */
	struct list_head receivers; /* only while it is empty */
	struct wait_queue poll;

	struct pid *notify; /* counted: the process to be told, or NULL */
	struct user_ns *notify_ns;
	int notify_kind, notify_signal;
	u64 notify_value;

	struct user *user; /* whose RLIMIT_MSGQUEUE pays `charged` */
	u64 charged;
};

extern const struct file_ops mqueue_file_ops;

static inline struct mqueue *mqueue_of(const struct inode *inode)
{
	return inode->private;
}

/* Made for the current task and charged to it; attr as checked by the namespace's limits. */
int mqueue_new(struct mqueue_ns *ns, const struct linux_mq_attr *attr, struct mqueue **out) must_check;
void mqueue_free(struct mqueue *q);
void mqueue_notify_end(struct mqueue *q);

#endif

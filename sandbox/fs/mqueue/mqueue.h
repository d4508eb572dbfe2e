/*
 * mqueue.h - POSIX message queues, mq_overview(7): a file system of one directory per IPC namespace, whose
 * files are the queues. mq_open(2) works on a mount of it that nobody sees; who mounts `mqueue` sees the same
 * files.
 */
#ifndef WARREN_FS_MQUEUE_MQUEUE_H
#define WARREN_FS_MQUEUE_MQUEUE_H

#include "sandbox/vfs/vfs.h"

#define MQ_PRIO_MAX 32768U

struct ipc_ns;
struct mqueue_ns;
struct task;

struct linux_mq_attr {
	s64 flags, maxmsg, msgsize, curmsgs, reserved[4];
};
static_assert(sizeof(struct linux_mq_attr) == 64, "struct mq_attr");

extern const struct fs_type mqueue_fs_type;

/* The IPC namespace goes. NULL-safe. */
void mqueue_ns_end(struct mqueue_ns *mq);

/* attr NULL: the namespace's defaults. [sleeps] */
int mqueue_open(const char *name, u32 o_flags, u32 mode, const struct linux_mq_attr *attr,
		struct file **out) must_check;
int mqueue_unlink(const char *name) must_check;

struct mq_message {
	struct list_head node;
	u32 priority;
	u64 size;
	char text[];
};
struct mq_message *mq_message_new(u64 size) must_check;
bool file_is_mqueue(const struct file *f);
u64 mqueue_message_max(const struct file *f);
/* m is taken over, also on failure; the deadline is on the monotonic clock. [sleeps] */
int mqueue_send(struct file *f, struct mq_message *m, u64 deadline) must_check;
/* The message is the caller's to free. [sleeps] */
int mqueue_receive(struct file *f, u64 deadline, struct mq_message **out) must_check;
void mqueue_attr(const struct file *f, struct linux_mq_attr *out);

enum { MQ_NOTIFY_SIGNAL, MQ_NOTIFY_NONE };
/* The current process wants to hear, once, that the empty queue is no longer empty. -EBUSY: another does. */
int mqueue_notify(struct file *f, int kind, int sig, u64 value) must_check;
void mqueue_notify_cancel(struct file *f);

/* /proc/sys/fs/mqueue, each namespace its own. */
enum mqueue_sysctl {
	MQ_MSG_DEFAULT,
	MQ_MSG_MAX,
	MQ_MSGSIZE_DEFAULT,
	MQ_MSGSIZE_MAX,
	MQ_QUEUES_MAX,
	MQ_SYSCTLS
};
void mqueue_sysctl_show(enum mqueue_sysctl id, struct text_buf *b);
s64 mqueue_sysctl_store(enum mqueue_sysctl id, const char *data, size_t size);

#endif

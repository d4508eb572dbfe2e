/*
 * lease.c - see lease.h. An inode's leases hang in one list with the queue of those who wait for them to be
 * broken. A lease that is asked to go keeps the type it is to have (`target`) and the time by which the
 * holder must have agreed; after it the one who waits puts the change through.
 */
#include "sandbox/vfs/lease.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/vfs/vfs_priv.h"

#define POLL_MSG_CODE 3

struct lease {
	struct list_head node;
	struct file *file; /* borrowed: lease_release takes the lease away */
	int fd;
	enum lock_type type, target;
	bool breaking;
	u64 deadline_ns;
};

struct lease_state {
	struct list_head leases;
	struct wait_queue changed;
};

/* ---- signals ---- */

void file_own(struct file *f)
{
	struct task *t = current_task();

	if (!f->owner && t)
		f->owner = pid_get(t->tg->leader->pid);
}

void file_signal(struct file *f, int fd, int code, u32 band)
{
	struct linux_siginfo info = {.si_signo = f->owner_signal, .si_code = code};
	const struct linux_siginfo *with = f->owner_signal ? &info : NULL;
	int sig = f->owner_signal ? f->owner_signal : LINUX_SIGIO;
	struct task *t = f->owner ? f->owner->task : NULL;

	info.poll.band = band;
	info.poll.fd = fd;
	if (!f->owner)
		return;
	if (f->owner_is_group)
		(void)!send_signal_pgrp(f->owner, sig, with);
	else if (t && t->tg && f->owner_is_thread)
		(void)!send_signal_task(t, sig, with);
	else if (t && t->tg)
		(void)!send_signal_group(t->tg, sig, with);
}

/* ---- leases ---- */

static struct lease *find(const struct inode *inode, const struct file *f)
{
	struct lease *l;

	if (!inode->leases)
		return NULL;
	list_for_each_entry (l, &inode->leases->leases, node)
		if (l->file == f)
			return l;
	return NULL;
}

static struct lease_state *state_of(struct inode *inode)
{
	if (inode->leases)
		return inode->leases;
	inode->leases = knew(struct lease_state);
	if (inode->leases) {
		list_init(&inode->leases->leases);
		wait_queue_init(&inode->leases->changed);
	}
	return inode->leases;
}

static void drop(struct inode *inode, struct lease *l)
{
	list_del_init(&l->node);
	kfree(l);
	wake_up_all(&inode->leases->changed, 0);
}

enum lock_type lease_get(const struct file *f)
{
	const struct lease *l = find(f->inode, f);

	return !l ? FLOCK_NONE : l->breaking ? l->target : l->type;
}

static int may_lease(struct file *f, enum lock_type type)
{
	struct inode *inode = f->inode;
	struct lease *l;

	if (!sysctl(SYSCTL_LEASES_ENABLE))
		return -EINVAL;
	if (current_task()->cred->fsuid != inode->attr.uid && !capable(28 /* CAP_LEASE */))
		return -EACCES;
	if (!mode_is_reg(inode->attr.mode))
		return -EINVAL;
	if (type == FLOCK_READ && inode->write_count)
		return -EAGAIN;
	if (type == FLOCK_WRITE && inode->write_count + inode->read_count > 1)
		return -EAGAIN;
	if (inode->leases)
		list_for_each_entry (l, &inode->leases->leases, node)
			if (l->file != f && (type == FLOCK_WRITE || l->type == FLOCK_WRITE))
				return -EAGAIN;
	return 0;
}

int lease_set(struct file *f, int fd, enum lock_type type)
{
	struct inode *inode = f->inode;
	struct lease *l = find(inode, f);
	int err;

	if (type == FLOCK_NONE) {
		if (!l)
			return mode_is_reg(inode->attr.mode) ? -EAGAIN : -EINVAL;
		drop(inode, l);
		return 0;
	}
	err = may_lease(f, type);
	if (err)
		return err;
	if (l && l->breaking && type != l->target)
		return -EAGAIN; /* it was asked to go */
	if (!l) {
		l = state_of(inode) ? knew(struct lease) : NULL;
		if (!l)
			return -ENOMEM;
		l->file = f;
		l->fd = fd;
		list_add_tail(&l->node, &inode->leases->leases);
		file_own(f);
	}
	l->type = type;
	l->breaking = false;
	wake_up_all(&inode->leases->changed, 0);
	return 0;
}

void lease_release(struct file *f)
{
	struct lease *l = find(f->inode, f);

	if (l)
		drop(f->inode, l);
}

void lease_free(struct inode *inode)
{
	kfree(inode->leases); /* the last file has released every lease */
	inode->leases = NULL;
}

/* Asks whoever is in the way, once. The time until which it may take, 0 if nobody is. */
static u64 ask(struct inode *inode, bool write)
{
	u64 until = 0;
	struct lease *l;

	list_for_each_entry (l, &inode->leases->leases, node) {
		if (!write && l->type == FLOCK_READ)
			continue;
		if (!l->breaking || (write && l->target != FLOCK_NONE)) {
			l->target = write ? FLOCK_NONE : FLOCK_READ;
			l->deadline_ns = clock_monotonic() + sysctl(SYSCTL_LEASE_BREAK_TIME) * NSEC_PER_SEC;
			if (!l->breaking)
				file_signal(l->file, l->fd, POLL_MSG_CODE,
					    LINUX_POLLIN | LINUX_POLLRDNORM | 0x400);
			l->breaking = true;
		}
		until = max_t(u64, until, l->deadline_ns);
	}
	return until;
}

static void put_through(struct inode *inode)
{
	struct lease *l, *next;

	list_for_each_entry_safe (l, next, &inode->leases->leases, node) {
		if (!l->breaking || l->deadline_ns > clock_monotonic())
			continue;
		l->type = l->target;
		l->breaking = false;
		if (l->type == FLOCK_NONE)
			drop(inode, l);
	}
}

int lease_break(struct inode *inode, u32 o_flags)
{
	bool write = (o_flags & O_ACCMODE) != O_RDONLY || (o_flags & O_TRUNC);
	u64 until;
	int err = 0;

	if (!inode->leases)
		return 0;
	inode_get(inode);
	while (!err && (until = ask(inode, write))) {
		if (o_flags & O_NONBLOCK) {
			err = -EWOULDBLOCK;
			break;
		}
		err = wait_event(&inode->leases->changed, !ask(inode, write), until);
		if (err == -ETIMEDOUT) {
			put_through(inode);
			err = 0;
		}
	}
	inode_put(inode);
	return err;
}

/*
 * inotify.c - see inotify.h.
 *
 * An instance has watches, found by their descriptor in a tree, and a queue of events. An event that says
 * what the last one in the queue says is not queued; one for which there is no room becomes IN_Q_OVERFLOW,
 * once. The limits are per user, counted over all instances, which the VFS's state lists.
 */
#include "sandbox/fs/anon/inotify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/termios.h"
#include "sandbox/base/tree.h"
#include "sandbox/kernel/task.h"
#include "sandbox/vfs/vfs_priv.h"

struct inotify_event {
	struct list_head node;
	s32 wd;
	u32 mask, cookie;
	u32 name_size; /* padded; 0: no name */
	char name[];
};

struct inotify {
	struct list_head node; /* in vfs_state.inotifies */
	struct tree watches;   /* struct watch */
	struct list_head events;
	u32 event_count, watch_count;
	s32 last_wd;
	u32 uid;
	struct wait_queue wait;
};

struct watch {
	struct inode_watch base;
	struct tree_node node;
	struct inotify *owner;
	s32 wd;
	u32 mask;
};

static const struct file_ops inotify_ops;

bool is_inotify(const struct file *f)
{
	return f->ops == &inotify_ops;
}

/* ---- events ---- */

static bool same_as_last(const struct inotify *in, s32 wd, u32 mask, u32 cookie, const char *name, size_t len)
{
	const struct inotify_event *e;

	if (list_empty(&in->events))
		return false;
	e = list_entry(in->events.prev, struct inotify_event, node);
	return e->wd == wd && e->mask == mask && e->cookie == cookie && !e->name_size == !len &&
	       (!len || (strlen(e->name) == len && !memcmp(e->name, name, len)));
}

static void queue_event(struct inotify *in, s32 wd, u32 mask, u32 cookie, const char *name, size_t len)
{
	u32 padded = len ? (u32)((len + 1 + 15) & ~15UL) : 0;
	struct inotify_event *e = NULL;

	if (same_as_last(in, wd, mask, cookie, name, len) && !(mask & LINUX_IN_IGNORED))
		return;
	if (in->event_count < sysctl(SYSCTL_INOTIFY_EVENTS))
		e = kzalloc_typed(sizeof(*e) + padded, "inotify event");
	if (!e) { /* the event that says so is one more than the limit */
		if (same_as_last(in, -1, LINUX_IN_Q_OVERFLOW, 0, NULL, 0))
			return;
		e = kzalloc_typed(sizeof(*e), "inotify event");
		if (!e)
			return;
		wd = -1;
		mask = LINUX_IN_Q_OVERFLOW;
		cookie = padded = 0;
		len = 0;
	}
	e->wd = wd;
	e->mask = mask;
	e->cookie = cookie;
	e->name_size = padded;
	if (len)
		memcpy(e->name, name, len);
	list_add_tail(&e->node, &in->events);
	in->event_count++;
	wake_up(&in->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
}

static void watch_free(struct watch *w)
{
	struct inotify *in = w->owner;

	tree_erase(&in->watches, &w->node);
	in->watch_count--;
	inode_watch_remove(&w->base);
	kfree(w);
}

static void watch_event(struct inode_watch *base, u32 mask, u32 cookie, const char *name, size_t len,
			bool unlinked)
{
	struct watch *w = container_of(base, struct watch, base);

	if (mask & LINUX_IN_IGNORED) {
		queue_event(w->owner, w->wd, LINUX_IN_IGNORED, 0, NULL, 0);
		watch_free(w);
		return;
	}
	if (!(mask & LINUX_IN_UNMOUNT) && !(mask & w->mask & LINUX_IN_ALL_EVENTS))
		return;
	if (unlinked && (w->mask & LINUX_IN_EXCL_UNLINK))
		return;
	/* what concerns the inode itself is not told with IN_ISDIR when it ends or moves */
	if (mask & (LINUX_IN_DELETE_SELF | LINUX_IN_MOVE_SELF))
		mask &= ~LINUX_IN_ISDIR;
	queue_event(w->owner, w->wd, mask & (w->mask | LINUX_IN_ISDIR | LINUX_IN_UNMOUNT), cookie, name, len);
	if (w->mask & LINUX_IN_ONESHOT) {
		queue_event(w->owner, w->wd, LINUX_IN_IGNORED, 0, NULL, 0);
		watch_free(w);
	}
}

/* ---- watches ---- */

static struct watch *find_wd(const struct inotify *in, s32 wd)
{
	struct tree_node *n = in->watches.root;

	while (n) {
		struct watch *w = container_of(n, struct watch, node);
		if (w->wd == wd)
			return w;
		n = wd < w->wd ? n->left : n->right;
	}
	return NULL;
}

static void link_wd(struct inotify *in, struct watch *w)
{
	struct tree_node *parent = NULL, **at = &in->watches.root;

	while (*at) {
		parent = *at;
		at = w->wd < container_of(parent, struct watch, node)->wd ? &parent->left : &parent->right;
	}
	tree_link(&in->watches, &w->node, parent, at);
}

static u64 watches_of_user(u32 uid)
{
	struct inotify *in;
	u64 sum = 0;

	list_for_each_entry (in, &vfs()->inotifies, node)
		if (in->uid == uid)
			sum += in->watch_count;
	return sum;
}

s64 inotify_watch(struct file *f, struct inode *inode, u32 mask)
{
	struct inotify *in = f->private;
	u32 keep = mask & (LINUX_IN_ALL_EVENTS | LINUX_IN_EXCL_UNLINK | LINUX_IN_ONESHOT);
	struct inode_watch *b;
	struct watch *w;

	list_for_each_entry (b, &inode->watches, node) {
		if (b->event != watch_event)
			continue;
		w = container_of(b, struct watch, base);
		if (w->owner != in)
			continue;
		if (mask & LINUX_IN_MASK_CREATE)
			return -EEXIST;
		w->mask = mask & LINUX_IN_MASK_ADD ? w->mask | keep : keep;
		return w->wd;
	}
	if (watches_of_user(in->uid) >= sysctl(SYSCTL_INOTIFY_WATCHES))
		return -ENOSPC;
	w = knew(struct watch);
	if (!w)
		return -ENOMEM;
	w->owner = in;
	w->mask = keep;
	do
		in->last_wd = in->last_wd == INT32_MAX ? 1 : in->last_wd + 1;
	while (find_wd(in, in->last_wd));
	w->wd = in->last_wd;
	w->base.event = watch_event;
	link_wd(in, w);
	in->watch_count++;
	inode_watch_add(&w->base, inode);
	return w->wd;
}

int inotify_unwatch(struct file *f, s32 wd)
{
	struct inotify *in = f->private;
	struct watch *w = find_wd(in, wd);

	if (!w)
		return -EINVAL;
	queue_event(in, wd, LINUX_IN_IGNORED, 0, NULL, 0);
	watch_free(w);
	return 0;
}

/* ---- the file ---- */

static void drop_event(struct inotify *in, struct inotify_event *e)
{
	list_del_init(&e->node);
	kfree(e);
	in->event_count = list_empty(&in->events) ? 0 : in->event_count - 1;
}

static s64 inotify_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct inotify *in = f->private;
	s64 done = 0;

	if (list_empty(&in->events)) {
		int err;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&in->wait, !list_empty(&in->events), TIME_NEVER);
		if (err)
			return err;
	}
	while (!list_empty(&in->events)) {
		struct inotify_event *e = list_first_entry(&in->events, struct inotify_event, node);
		struct linux_inotify_event out = {e->wd, e->mask, e->cookie, e->name_size};
		if (dst->left < sizeof(out) + e->name_size)
			return done ? done : -EINVAL;
		if (uio_copy(dst, &out, sizeof(out)) != (s64)sizeof(out) ||
		    (e->name_size && uio_copy(dst, e->name, e->name_size) != (s64)e->name_size))
			return done ? done : -EFAULT;
		done += (s64)(sizeof(out) + e->name_size);
		drop_event(in, e);
	}
	return done;
}

static u32 inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *in = f->private;

	poll_wait(pt, &in->wait);
	return list_empty(&in->events) ? 0 : LINUX_POLLIN | LINUX_POLLRDNORM;
}

static s64 inotify_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct inotify *in = f->private;
	struct inotify_event *e;
	s32 n = 0;

	if (cmd != LINUX_FIONREAD)
		return -ENOTTY;
	list_for_each_entry (e, &in->events, node)
		n += (s32)(sizeof(struct linux_inotify_event) + e->name_size);
	return put_user(&n, uaddr(arg));
}

static void inotify_release(struct file *f)
{
	struct inotify *in = f->private;

	while (in->watches.root)
		watch_free(container_of(in->watches.root, struct watch, node));
	while (!list_empty(&in->events))
		drop_event(in, list_first_entry(&in->events, struct inotify_event, node));
	list_del_init(&in->node);
	kfree(in);
}

static size_t inotify_fdinfo(struct file *f, char *buf, size_t size)
{
	struct inotify *in = f->private;
	struct tree_node *n;
	size_t used = 0;

	for (n = tree_first(&in->watches); n && used < size; n = tree_next(n)) {
		const struct watch *w = container_of(n, struct watch, node);
		const struct inode *i = w->base.inode;
		int got = snprintf(buf + used, size - used,
				   "inotify wd:%x ino:%lx sdev:%lx mask:%x ignored_mask:0\n", (u32)w->wd,
				   (unsigned long)i->attr.ino, (unsigned long)i->sb->dev, w->mask);
		if (got < 0 || (size_t)got >= size - used)
			break;
		used += (size_t)got;
	}
	return used;
}

static const struct file_ops inotify_ops = {
    .llseek = noop_llseek,
    .read = inotify_read,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .release = inotify_release,
    .fdinfo = inotify_fdinfo,
};

int inotify_create(u32 o_flags, struct file **out)
{
	struct task *t = current_task();
	struct inotify *in, *other;
	u32 count = 0, uid = t ? t->cred->euid : 0;

	list_for_each_entry (other, &vfs()->inotifies, node)
		count += other->uid == uid;
	if (count >= sysctl(SYSCTL_INOTIFY_INSTANCES))
		return -EMFILE;
	in = knew(struct inotify);
	if (!in)
		return -ENOMEM;
	in->uid = uid;
	list_init(&in->events);
	wait_queue_init(&in->wait);
	*out = anon_file_new("inotify", &inotify_ops, in, O_RDONLY | (o_flags & O_NONBLOCK), 0);
	if (!*out) {
		kfree(in);
		return -ENOMEM;
	}
	list_add_tail(&in->node, &vfs()->inotifies);
	return 0;
}

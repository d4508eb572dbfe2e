/*
 * fanotify.c - groups and their queue of events. See fanotify.h.
 *
 * A group gets either descriptors of the objects (opened when the event is read, by the reader, without
 * events of their own) or file handles. Events about the same thing by the same process that nobody has read
 * yet are one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/sched.h"
#include "sandbox/abi/termios.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/anon/fanotify_priv.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

#define MERGE_DEPTH 128
#define HANDLE_TYPE 0x81 /* as name_to_handle_at(2) gives */
#define ALIGNED(n)  (((n) + 3) & ~(size_t)3)

static const struct file_ops fanotify_ops;

/* ---- queueing ---- */

void fan_event_free(struct fan_event *e)
{
	pid_put(e->pid);
	path_put(&e->path);
	kfree(e->name);
	kfree(e->new_name);
	kfree(e);
}

static bool same_name(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_id(const struct fan_id *a, const struct fan_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

static bool merge(struct fan_group *g, const struct fan_event *n)
{
	struct list_head *at = g->events.prev;

	for (u32 i = 0; i < MERGE_DEPTH && at != &g->events; i++, at = at->prev) {
		struct fan_event *e = list_entry(at, struct fan_event, node);
		if (e->pid != n->pid || ((e->mask ^ n->mask) & LINUX_IN_ISDIR) ||
		    e->has_self != n->has_self || e->has_dir != n->has_dir || e->renamed || n->renamed ||
		    !same_id(&e->self, &n->self) || !same_id(&e->dir, &n->dir) ||
		    e->path.mnt != n->path.mnt || e->path.dentry != n->path.dentry ||
		    !same_name(e->name, n->name))
			continue;
		e->mask |= n->mask;
		return true;
	}
	return false;
}

/* One event more than the limit says that others are lost. */
static void overflow(struct fan_group *g)
{
	struct fan_event *e =
	    list_empty(&g->events) ? NULL : list_entry(g->events.prev, struct fan_event, node);

	if (e && (e->mask & LINUX_FAN_Q_OVERFLOW))
		return;
	e = knew(struct fan_event);
	if (!e)
		return;
	e->mask = LINUX_FAN_Q_OVERFLOW;
	list_add_tail(&e->node, &g->events);
	g->event_count++;
	wake_up(&g->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
}

static bool set_name(char **to, const char *name, size_t len)
{
	*to = kstrndup(name, len);
	return *to != NULL;
}

/* Which handles and names the event carries. */
static bool describe(const struct fan_group *g, struct fan_event *n, const struct fs_event *e,
		     enum rename_sides rename)
{
	u32 f = g->flags;
	bool entry = e->mask & LINUX_FAN_ENTRY_EVENTS, is_dir = e->mask & LINUX_IN_ISDIR;
	struct inode *dir = entry || !is_dir ? e->dir : e->inode;
	u64 dev = (entry ? e->dir : e->inode)->sb->dev;

	n->has_dir = (f & LINUX_FAN_REPORT_DIR_FID) && dir && !(rename == RENAME_NEW_SIDE);
	if (n->has_dir)
		n->dir = (struct fan_id){dev, dir->attr.ino};
	if (f & LINUX_FAN_REPORT_FID)
		n->has_self = entry ? !(f & LINUX_FAN_REPORT_DIR_FID) || (f & LINUX_FAN_REPORT_TARGET_FID)
				    : !n->has_dir || dir != e->inode;
	else if (!(f & LINUX_FAN_REPORT_DIR_FID))
		n->has_self = true;
	if (n->has_self)
		n->self = (struct fan_id){dev, entry && !(f & LINUX_FAN_REPORT_DIR_FID) ? e->dir->attr.ino
											: e->ino};
	if (n->has_dir && (f & LINUX_FAN_REPORT_NAME) &&
	    !(entry || !is_dir ? set_name(&n->name, e->name, e->name_len) : set_name(&n->name, ".", 1)))
		return false;
	n->renamed = e->new_dir;
	if (e->new_dir && rename != RENAME_OLD_SIDE) {
		n->has_new_dir = true;
		n->new_dir = (struct fan_id){dev, e->new_dir->attr.ino};
		return set_name(&n->new_name, e->new_name, e->new_len);
	}
	return true;
}

void fan_event_new(struct fan_group *g, const struct fs_event *e, u32 mask, enum rename_sides rename)
{
	struct task *t = current_task();
	struct fan_event *n;

	if (!(g->flags & LINUX_FAN_UNLIMITED_QUEUE) && g->event_count >= sysctl(SYSCTL_FANOTIFY_EVENTS)) {
		overflow(g);
		return;
	}
	n = knew(struct fan_event);
	if (!n) {
		overflow(g);
		return;
	}
	/* that it was a directory is told only where nobody can look */
	n->mask = g->flags & LINUX_FAN_FID_BITS ? mask : mask & ~LINUX_IN_ISDIR;
	n->pid = t && t->tg ? pid_get(g->flags & LINUX_FAN_REPORT_TID ? t->pid : t->tg->leader->pid) : NULL;
	if (g->flags & LINUX_FAN_FID_BITS) {
		if (!describe(g, n, e, rename)) {
			fan_event_free(n);
			overflow(g);
			return;
		}
	} else if (e->path) {
		n->path = *e->path;
		path_get(&n->path);
	}
	if (merge(g, n)) {
		fan_event_free(n);
		return;
	}
	list_add_tail(&n->node, &g->events);
	g->event_count++;
	wake_up(&g->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
}

/* ---- reading ---- */

static size_t record_size(const char *name)
{
	return ALIGNED(sizeof(struct linux_fanotify_fid) + (name ? strlen(name) + 1 : 0));
}

static size_t event_size(const struct fan_group *g, const struct fan_event *e)
{
	size_t size = sizeof(struct linux_fanotify_event);

	if (e->has_dir)
		size += record_size(e->name);
	if (e->has_new_dir)
		size += record_size(e->new_name);
	if (e->has_self)
		size += record_size(NULL);
	if (g->flags & LINUX_FAN_REPORT_PIDFD)
		size += sizeof(struct linux_fanotify_pidfd);
	return size;
}

static int put(struct uio *dst, const void *data, size_t size)
{
	return uio_copy(dst, (void *)(uintptr_t)data, size) == (s64)size ? 0 : -EFAULT;
}

static int put_record(struct uio *dst, u8 type, const struct fan_id *id, const char *name)
{
	static const char zeros[4];
	size_t size = record_size(name), used = sizeof(struct linux_fanotify_fid);
	struct linux_fanotify_fid r = {.type = type,
				       .len = (u16)size,
				       .fsid = {(s32)id->dev, 0},
				       .handle_bytes = sizeof(r.handle),
				       .handle_type = HANDLE_TYPE};
	int err;

	static_assert(sizeof(r.handle) == sizeof(*id), "a handle as name_to_handle_at(2) gives it");
	memcpy(r.handle, id, sizeof(*id));
	err = put(dst, &r, sizeof(r));

	if (!err && name) {
		err = put(dst, name, strlen(name) + 1);
		used += strlen(name) + 1;
	}
	return err ? err : used < size ? put(dst, zeros, size - used) : 0;
}

static s32 open_pidfd(const struct fan_event *e)
{
	struct file *f;

	if (!e->pid || !e->pid->task || pidfd_create(e->pid, 0, &f))
		return -1;
	return (s32)fd_install(f, 0, true);
}

/* The descriptor for a reader; negative if it cannot be had. */
static s32 open_object(const struct fan_group *g, const struct fan_event *e)
{
	struct file *f;
	int err;

	if (!e->path.dentry)
		return LINUX_FAN_NOFD;
	err = vfs_open_path_quietly((struct path *)(uintptr_t)&e->path, g->event_flags & ~(u32)O_CLOEXEC, &f);
	return err ? err : (s32)fd_install(f, 0, g->event_flags & O_CLOEXEC);
}

static int put_records(const struct fan_group *g, const struct fan_event *e, struct uio *dst, s32 pidfd)
{
	const struct linux_fanotify_pidfd p = {LINUX_FAN_INFO_PIDFD, 0, sizeof(p), pidfd};
	int err = 0;

	if (e->has_dir)
		err = put_record(dst,
				 e->renamed ? LINUX_FAN_INFO_OLD_DFID_NAME
				 : e->name  ? LINUX_FAN_INFO_DFID_NAME
					    : LINUX_FAN_INFO_DFID,
				 &e->dir, e->name);
	if (!err && e->has_new_dir)
		err = put_record(dst, LINUX_FAN_INFO_NEW_DFID_NAME, &e->new_dir, e->new_name);
	if (!err && e->has_self)
		err = put_record(dst, LINUX_FAN_INFO_FID, &e->self, NULL);
	if (!err && (g->flags & LINUX_FAN_REPORT_PIDFD))
		err = put(dst, &p, sizeof(p));
	return err;
}

/* The length, or -errno: the event is lost then, as on Linux. */
static s64 give(const struct fan_group *g, const struct fan_event *e, struct uio *dst)
{
	struct task *t = current_task();
	bool foreign = g->unprivileged && e->pid != t->tg->leader->pid;
	struct linux_fanotify_event m = {.event_len = (u32)event_size(g, e),
					 .vers = LINUX_FAN_VERSION,
					 .metadata_len = sizeof(m),
					 .mask = e->mask,
					 .fd = LINUX_FAN_NOFD,
					 .pid = e->pid && !foreign ? pid_vnr(e->pid) : 0};
	s32 pidfd = -1;
	int err;

	if (!(g->flags & LINUX_FAN_FID_BITS)) {
		m.fd = open_object(g, e);
		if (m.fd < LINUX_FAN_NOFD && !(g->flags & LINUX_FAN_REPORT_FD_ERROR))
			return m.fd;
	}
	if (g->flags & LINUX_FAN_REPORT_PIDFD)
		pidfd = open_pidfd(e);
	err = put(dst, &m, sizeof(m));
	if (!err)
		err = put_records(g, e, dst, pidfd);
	if (!err)
		return m.event_len;
	if (m.fd >= 0)
		err = fd_close(t, m.fd) ?: err;
	if (pidfd >= 0)
		err = fd_close(t, pidfd) ?: err;
	return err;
}

static s64 fanotify_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct fan_group *g = f->private;
	s64 done = 0, n;
	int err;

	if (list_empty(&g->events)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&g->wait, !list_empty(&g->events), TIME_NEVER);
		if (err)
			return err;
	}
	while (!list_empty(&g->events)) {
		struct fan_event *e = list_first_entry(&g->events, struct fan_event, node);
		if (dst->left < event_size(g, e))
			return done ? done : -EINVAL;
		list_del_init(&e->node); /* opening may sleep: it is nobody else's now */
		g->event_count--;
		n = give(g, e, dst);
		fan_event_free(e);
		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

/* Only answers to questions for permission are written, and there are none. */
static s64 fanotify_write(struct file *f, struct uio *src, u64 *pos)
{
	return -EINVAL;
}

static u32 fanotify_poll(struct file *f, struct poll_table *pt)
{
	struct fan_group *g = f->private;

	poll_wait(pt, &g->wait);
	return list_empty(&g->events) ? 0 : LINUX_POLLIN | LINUX_POLLRDNORM;
}

static s64 fanotify_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct fan_group *g = f->private;
	struct fan_event *e;
	s32 n = 0;

	if (cmd != LINUX_FIONREAD)
		return -ENOTTY;
	list_for_each_entry (e, &g->events, node)
		n += (s32)sizeof(struct linux_fanotify_event); /* Linux counts the heads alone */
	return put_user(&n, uaddr(arg));
}

static void fanotify_release(struct file *f)
{
	struct fan_group *g = f->private;

	fan_marks_free(g);
	while (!list_empty(&g->events)) {
		struct fan_event *e = list_first_entry(&g->events, struct fan_event, node);
		list_del_init(&e->node);
		fan_event_free(e);
	}
	list_del_init(&g->node);
	kfree(g);
}

static size_t fanotify_fdinfo(struct file *f, char *buf, size_t size)
{
	const struct fan_group *g = f->private;
	int used = snprintf(buf, size, "fanotify flags:%x event-flags:%x\n", g->flags, g->event_flags);

	for (struct tree_node *n = tree_first(&g->marks); n && used >= 0 && (size_t)used < size;
	     n = tree_next(n)) {
		const struct fan_mark *m = container_of(n, struct fan_mark, node);
		const struct inode *i = m->type == FAN_INODE ? m->object : NULL;
		const struct mount *mnt = m->type == FAN_MOUNT ? m->object : NULL;
		const struct super_block *sb = m->type == FAN_SB ? m->object : NULL;
		char what[64];
		if (i)
			snprintf(what, sizeof(what), "ino:%lx sdev:%lx", (unsigned long)i->attr.ino,
				 (unsigned long)i->sb->dev);
		else if (mnt)
			snprintf(what, sizeof(what), "mnt_id:%lx", (unsigned long)mnt->id);
		else
			snprintf(what, sizeof(what), "sdev:%lx", (unsigned long)sb->dev);
		used += snprintf(
		    buf + used, size - (size_t)used, "fanotify %s mflags:%x mask:%x ignored_mask:%x \n", what,
		    m->ignore_survives ? LINUX_FAN_MARK_IGNORED_SURV_MODIFY : 0, m->mask, m->ignored);
	}
	return used < 0 ? 0 : min_t(size_t, (size_t)used, size ? size - 1 : 0);
}

static const struct file_ops fanotify_ops = {
    .read = fanotify_read,
    .write = fanotify_write,
    .poll = fanotify_poll,
    .ioctl = fanotify_ioctl,
    .release = fanotify_release,
    .fdinfo = fanotify_fdinfo,
};

bool is_fanotify(const struct file *f)
{
	return f->ops == &fanotify_ops;
}

u32 fanotify_flags(const struct file *f)
{
	return ((const struct fan_group *)f->private)->flags;
}

bool fanotify_unprivileged(const struct file *f)
{
	return ((const struct fan_group *)f->private)->unprivileged;
}

int fanotify_create(u32 flags, u32 event_flags, bool unprivileged, struct file **out)
{
	u32 count = 0, uid = current_task()->cred->euid;
	struct fan_group *g;

	list_for_each_entry (g, &vfs()->fanotify_groups, node)
		count += g->uid == uid;
	if (count >= sysctl(SYSCTL_FANOTIFY_GROUPS))
		return -EMFILE;
	g = knew(struct fan_group);
	if (!g)
		return -ENOMEM;
	g->flags = flags;
	g->event_flags = event_flags;
	g->unprivileged = unprivileged;
	g->uid = uid;
	list_init(&g->events);
	wait_queue_init(&g->wait);
	*out = anon_file_new("[fanotify]", &fanotify_ops, g,
			     O_RDWR | (flags & LINUX_FAN_NONBLOCK ? O_NONBLOCK : 0), 0);
	if (!*out) {
		kfree(g);
		return -ENOMEM;
	}
	list_add_tail(&g->node, &vfs()->fanotify_groups);
	return 0;
}

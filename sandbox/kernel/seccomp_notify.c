/*
 * seccomp_notify.c - SECCOMP_RET_USER_NOTIF: a supervisor answers the calls of its charges through a file.
 *
 * A request stands on the caller's coroutine's stack while that waits; the listener's file only ever finds it
 * in the list, by id. Descriptors to be added are put in by the caller itself, so that they go into its
 * table. Whoever closes the listener answers everything that waits with ENOSYS.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/kernel/seccomp_priv.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/vfs/fdtable.h"

enum request_state { REQUEST_NEW, REQUEST_SENT, REQUEST_REPLIED };

struct seccomp_notify {
	struct list_head requests;
	struct wait_queue wait; /* listeners and pollers */
	u64 next_id;
	bool open;
};

struct addfd { /* on the listener's stack */
	struct list_head node;
	struct file *file; /* counted */
	struct linux_seccomp_notif_addfd args;
	s64 ret;
	bool taken, done; /* taken: the caller works on it, so it must stay */
	struct wait_queue wait;
};

struct request {
	struct list_head node;
	u64 id;
	struct task *task;
	enum request_state state;
	struct linux_seccomp_data data;
	s64 val;
	s32 error;
	u32 flags;
	struct list_head addfds;
	struct wait_queue wait; /* the caller */
};

/* ---- the caller's side ---- */

static void serve_addfd(struct request *r, struct addfd *a)
{
	bool cloexec = a->args.newfd_flags & O_CLOEXEC;
	struct file *f = a->file;

	list_del_init(&a->node);
	a->taken = true;
	a->file = NULL;
	if (a->args.flags & LINUX_SECCOMP_ADDFD_FLAG_SETFD) {
		a->ret = fd_put_at((int)a->args.newfd, f, cloexec);
	} else {
		a->ret = fd_install(f, 0, cloexec);
	}
	if (a->ret >= 0 && (a->args.flags & LINUX_SECCOMP_ADDFD_FLAG_SEND)) {
		r->val = a->ret;
		r->error = 0;
		r->flags = 0;
		r->state = REQUEST_REPLIED;
	}
	a->done = true;
	wake_up_all(&a->wait, 0);
}

/* Sleeps until there is an answer. A listener that has seen it may forbid interruption by mere signals. */
static int await_reply(struct request *r, const struct seccomp_filter *f)
{
	int err = 0;

	while (r->state != REQUEST_REPLIED && !err) {
		bool killable = f->wait_killable && r->state == REQUEST_SENT;
		err = wait_event_state(&r->wait,
				       r->state == REQUEST_REPLIED || !list_empty(&r->addfds) ||
					   killable != (f->wait_killable && r->state == REQUEST_SENT),
				       TIME_NEVER, killable ? SLEEP_KILLABLE : SLEEP_INTERRUPTIBLE);
		while (!list_empty(&r->addfds) && r->state != REQUEST_REPLIED)
			serve_addfd(r, list_first_entry(&r->addfds, struct addfd, node));
	}
	return r->state == REQUEST_REPLIED ? 0 : err;
}

bool seccomp_listener_ask(struct task *t, struct seccomp_filter *f, const struct linux_seccomp_data *d,
			  s64 *ret)
{
	struct seccomp_notify *n = f->notify;
	struct request r = {.task = t, .data = *d};
	int err;

	*ret = -ENOSYS;
	if (!n || !n->open)
		return false;
	seccomp_filter_get(f);
	r.id = n->next_id++;
	list_init(&r.addfds);
	wait_queue_init(&r.wait);
	list_add_tail(&r.node, &n->requests);
	wake_up_all(&n->wait, LINUX_POLLIN);
	err = await_reply(&r, f);
	list_del_init(&r.node);
	while (!list_empty(&r.addfds)) {
		struct addfd *a = list_first_entry(&r.addfds, struct addfd, node);
		list_del_init(&a->node);
		a->ret = -ESRCH;
		a->done = true;
		wake_up_all(&a->wait, 0);
	}
	seccomp_filter_put(f);
	if (err) {
		*ret = err;
		return false;
	}
	if (r.flags & LINUX_SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return true;
	*ret = r.error ? r.error : r.val;
	return false;
}

/* ---- the listener's side ---- */

static struct request *find(struct seccomp_notify *n, u64 id)
{
	struct request *r;

	list_for_each_entry (r, &n->requests, node)
		if (r->id == id)
			return r;
	return NULL;
}

static struct request *first_new(struct seccomp_notify *n)
{
	struct request *r;

	list_for_each_entry (r, &n->requests, node)
		if (r->state == REQUEST_NEW)
			return r;
	return NULL;
}

static s64 notify_recv(struct seccomp_filter *f, u64 arg)
{
	struct linux_seccomp_notif out, zero = {0};
	struct request *r;
	int err;

	if (get_user(&out, uaddr(arg)))
		return -EFAULT;
	if (memcmp(&out, &zero, sizeof(out)))
		return -EINVAL;
	err = wait_event(&f->notify->wait, first_new(f->notify) || !f->users, TIME_NEVER);
	if (err)
		return err;
	r = first_new(f->notify);
	if (!r)
		return -ENOENT;
	out.id = r->id;
	out.pid = (u32)pid_vnr(r->task->pid);
	out.data = r->data;
	r->state = REQUEST_SENT;
	err = put_user(&out, uaddr(arg));
	r = find(f->notify, out.id); /* the copy may have slept, and the caller been killed */
	if (err) {
		if (r && r->state == REQUEST_SENT)
			r->state = REQUEST_NEW;
		wake_up_all(&f->notify->wait, LINUX_POLLIN);
		return -EFAULT;
	}
	if (r)
		wake_up_all(&r->wait, 0);
	wake_up_all(&f->notify->wait, LINUX_POLLOUT);
	return 0;
}

static s64 notify_send(struct seccomp_filter *f, u64 arg)
{
	struct linux_seccomp_notif_resp resp;
	struct request *r;

	if (get_user(&resp, uaddr(arg)))
		return -EFAULT;
	if (resp.flags & ~LINUX_SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return -EINVAL;
	if (resp.flags && (resp.error || resp.val))
		return -EINVAL;
	r = find(f->notify, resp.id);
	if (!r)
		return -ENOENT;
	if (r->state != REQUEST_SENT)
		return -EINPROGRESS;
	r->state = REQUEST_REPLIED;
	r->val = resp.val;
	r->error = resp.error;
	r->flags = resp.flags;
	wake_up_all(&r->wait, 0);
	return 0;
}

static s64 notify_id_valid(struct seccomp_filter *f, u64 arg)
{
	struct request *r;
	u64 id;

	if (get_user(&id, uaddr(arg)))
		return -EFAULT;
	r = find(f->notify, id);
	return r && r->state == REQUEST_SENT ? 0 : -ENOENT;
}

static int read_addfd(u64 arg, u32 size, struct linux_seccomp_notif_addfd *out)
{
	char extra[64];

	if (size < sizeof(*out) || size >= PAGE_SIZE)
		return -EINVAL;
	if (get_user(out, uaddr(arg)))
		return -EFAULT;
	for (u32 at = sizeof(*out); at < size;) { /* a newer structure: what we do not know must be 0 */
		u32 n = min_t(u32, size - at, sizeof(extra));
		if (copy_in(extra, uaddr(arg + at), n))
			return -EFAULT;
		for (u32 i = 0; i < n; i++)
			if (extra[i])
				return -E2BIG;
		at += n;
	}
	if (out->newfd_flags & ~(u32)O_CLOEXEC)
		return -EINVAL;
	if (out->flags & ~(LINUX_SECCOMP_ADDFD_FLAG_SETFD | LINUX_SECCOMP_ADDFD_FLAG_SEND))
		return -EINVAL;
	return out->newfd && !(out->flags & LINUX_SECCOMP_ADDFD_FLAG_SETFD) ? -EINVAL : 0;
}

static s64 notify_addfd(struct seccomp_filter *f, u64 arg, u32 size)
{
	struct addfd a = {.ret = 0};
	struct request *r;
	int err = read_addfd(arg, size, &a.args);

	if (err)
		return err;
	a.file = fd_get((int)a.args.srcfd);
	if (!a.file)
		return -EBADF;
	r = find(f->notify, a.args.id);
	err = !r ? -ENOENT : r->state != REQUEST_SENT ? -EINPROGRESS : 0;
	/* a reply with a descriptor cannot overtake others that are on their way */
	if (!err && (a.args.flags & LINUX_SECCOMP_ADDFD_FLAG_SEND) && !list_empty(&r->addfds))
		err = -EBUSY;
	if (!err) {
		wait_queue_init(&a.wait);
		list_add_tail(&a.node, &r->addfds);
		wake_up_all(&r->wait, 0);
		err = wait_event(&a.wait, a.done, TIME_NEVER);
		if (err && a.taken) { /* the caller closes what was at that number, which may take a while */
			wait_event_uninterruptible(&a.wait, a.done);
			err = 0;
		}
		list_del_init(&a.node);
	}
	if (a.file)
		file_put(a.file);
	return err ? err : a.ret;
}

static s64 notify_ioctl(struct file *file, u32 cmd, u64 arg)
{
	struct seccomp_filter *f = file->private;

	switch (cmd) {
	case LINUX_SECCOMP_IOCTL_RECV:
		return notify_recv(f, arg);
	case LINUX_SECCOMP_IOCTL_SEND:
		return notify_send(f, arg);
	case LINUX_SECCOMP_IOCTL_ID_VALID:
	case LINUX_SECCOMP_IOCTL_ID_VALID_OLD:
		return notify_id_valid(f, arg);
	case LINUX_SECCOMP_IOCTL_SET_FLAGS: /* a hint about wake-ups that has no meaning here */
		return arg & ~1ULL ? -EINVAL : 0;
	default: /* the size of ADDFD's structure is part of the number */
		if ((cmd & 0xc000ffffU) == 0x40002103U)
			return notify_addfd(f, arg, cmd >> 16 & 0x3fff);
		return -EINVAL;
	}
}

static u32 notify_poll(struct file *file, struct poll_table *pt)
{
	struct seccomp_filter *f = file->private;
	struct request *r;
	u32 events = f->users ? 0 : LINUX_POLLHUP;

	poll_wait(pt, &f->notify->wait);
	list_for_each_entry (r, &f->notify->requests, node)
		events |= r->state == REQUEST_NEW    ? LINUX_POLLIN
			  : r->state == REQUEST_SENT ? LINUX_POLLOUT
						     : 0;
	return events;
}

static void notify_release(struct file *file)
{
	struct seccomp_filter *f = file->private;
	struct request *r;

	f->notify->open = false;
	list_for_each_entry (r, &f->notify->requests, node) {
		if (r->state == REQUEST_REPLIED)
			continue;
		r->state = REQUEST_REPLIED;
		r->error = -ENOSYS;
		r->val = 0;
		wake_up_all(&r->wait, 0);
	}
	seccomp_filter_put(f);
}

static const struct file_ops notify_ops = {
    .poll = notify_poll,
    .ioctl = notify_ioctl,
    .release = notify_release,
};

/* ---- life ---- */

int seccomp_listener_new(struct seccomp_filter *f, struct file **out)
{
	struct seccomp_notify *n = knew(struct seccomp_notify);
	u64 random = clock_monotonic() << 16;

	if (!n)
		return -ENOMEM;
	list_init(&n->requests);
	wait_queue_init(&n->wait);
	n->next_id = random; /* ids are opaque: nobody shall count on them */
	n->open = true;
	f->notify = n;
	*out = anon_file_new("seccomp notify", &notify_ops, seccomp_filter_get(f), O_RDWR, 0);
	if (!*out) {
		seccomp_filter_put(f);
		return -ENOMEM;
	}
	return 0;
}

void seccomp_listener_free(struct seccomp_filter *f)
{
	kfree(f->notify);
	f->notify = NULL;
}

void seccomp_listener_hangup(struct seccomp_filter *f)
{
	if (f->notify)
		wake_up_all(&f->notify->wait, LINUX_POLLHUP);
}

bool seccomp_has_listener(const struct seccomp_filter *f)
{
	for (; f; f = f->prev)
		if (f->notify)
			return true;
	return false;
}

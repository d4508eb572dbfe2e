/*
 * conn.c - requests to a file server, and /dev/fuse, from which it takes them. See fuse_priv.h.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/fs/fuse/fuse_priv.h"

#define ERROR_MAX 512 /* greater ones are the kernel's own */

/* ---- life ---- */

static void req_put(struct fuse_req *r)
{
	if (--r->refs)
		return;
	kfree(r->in);
	kfree(r);
}

static void conn_release(struct object *obj)
{
	struct fuse_conn *c = container_of(obj, struct fuse_conn, obj);

	pid_ns_put(c->pid_ns);
	user_ns_put(c->user_ns);
	kfree(c);
}

struct fuse_conn *fuse_conn_new(void)
{
	struct fuse_conn *c = knew(struct fuse_conn);

	if (!c)
		return NULL;
	object_init(&c->obj, conn_release);
	list_init(&c->pending);
	list_init(&c->sent);
	wait_queue_init(&c->readers);
	wait_queue_init(&c->started);
	c->max_write = PAGE_SIZE;
	c->max_read = FUSE_READ_MAX;
	return c;
}

void fuse_conn_put(struct fuse_conn *c)
{
	object_put(&c->obj);
}

/* The request leaves its list with this result; the caller, if there is one, goes on. */
static void finish(struct fuse_req *r, s32 error)
{
	list_del_init(&r->node);
	r->error = error;
	r->done = true;
	wake_up_all(&r->wake, 0);
	req_put(r);
}

void fuse_conn_end(struct fuse_conn *c)
{
	c->ended = true;
	while (!list_empty(&c->pending))
		finish(list_first_entry(&c->pending, struct fuse_req, node), -ENOTCONN);
	while (!list_empty(&c->sent))
		finish(list_first_entry(&c->sent, struct fuse_req, node), -ECONNABORTED);
	wake_up_all(&c->readers, 0);
	wake_up_all(&c->started, 0);
}

/* ---- asking ---- */

static struct fuse_req *make(struct fuse_conn *c, const struct fuse_call *call)
{
	struct task *t = current_task();
	struct fuse_in_header h = {.len = sizeof(h), .opcode = call->op, .nodeid = call->nodeid};
	struct fuse_req *r = knew(struct fuse_req);
	u8 *at;

	for (u32 i = 0; i < ARRAY_COUNT(call->in); i++)
		h.len += call->in[i].size;
	if (r)
		r->in = kmalloc(h.len);
	if (!r || !r->in) {
		kfree(r);
		return NULL;
	}
	if (t && t->cred && c->user_ns) {
		h.uid = uid_in(c->user_ns, t->cred->fsuid);
		h.gid = gid_in(c->user_ns, t->cred->fsgid);
		h.pid = (u32)pid_nr(t->pid, c->pid_ns);
	}
	h.unique = c->last_unique += 2; /* even ones: odd are for interrupts */
	r->unique = h.unique;
	r->in_size = h.len;
	memcpy(r->in, &h, sizeof(h));
	at = r->in + sizeof(h);
	for (u32 i = 0; i < ARRAY_COUNT(call->in); i++) {
		if (call->in[i].size)
			memcpy(at, call->in[i].data, call->in[i].size);
		at += call->in[i].size;
	}
	list_init(&r->node);
	wait_queue_init(&r->wake);
	r->refs = 1;
	r->out_least = call->out_least;
	return r;
}

static void queue(struct fuse_conn *c, struct fuse_req *r)
{
	list_add_tail(&r->node, &c->pending);
	wake_up(&c->readers, LINUX_POLLIN | LINUX_POLLRDNORM);
}

void fuse_tell(struct fuse_conn *c, const struct fuse_call *call, bool no_reply)
{
	struct fuse_req *r = c->ended ? NULL : make(c, call);

	if (!r)
		return;
	r->no_reply = no_reply;
	queue(c, r);
}

/* A caller was interrupted: the server may hurry. */
static void interrupt(struct fuse_conn *c, const struct fuse_req *r)
{
	u64 unique = r->unique;
	struct fuse_call call = {.op = FUSE_INTERRUPT, .in = {{&unique, sizeof(unique)}}};
	struct fuse_req *i = make(c, &call);

	if (!i)
		return;
	i->unique = r->unique | 1;
	memcpy(i->in + offsetof(struct fuse_in_header, unique), &i->unique, sizeof(u64));
	i->no_reply = true;
	queue(c, i);
}

/* Without allow_other the tree is its owner's alone, even from root. */
static bool may_use(const struct fuse_conn *c)
{
	const struct task *t = current_task();
	const struct cred *k = t ? t->cred : NULL;

	return !k || c->allow_other ||
	       (k->uid == c->user_id && k->euid == c->user_id && k->suid == c->user_id &&
		k->gid == c->group_id && k->egid == c->group_id && k->sgid == c->group_id);
}

static s64 wait(struct fuse_conn *c, struct fuse_req *r)
{
	int err = wait_event(&r->wake, r->done, TIME_NEVER);

	if (err && !r->done && r->sent)
		interrupt(c, r);
	if (err)
		err = wait_event_state(&r->wake, r->done, TIME_NEVER, SLEEP_ANSWER);
	/* killed: what the server has not seen it need not see; what it has is answered into nothing */
	if (err && !r->sent)
		finish(r, -EINTR);
	r->out = NULL; /* nobody writes there from here on */
	return err ? -EINTR : r->error ? r->error : (s64)r->out_size;
}

s64 fuse_ask(struct fuse_conn *c, const struct fuse_call *call)
{
	struct fuse_req *r;
	s64 result;
	int err;

	if (!may_use(c))
		return -EACCES;
	err = wait_event_state(&c->started, c->ready || c->ended, TIME_NEVER, SLEEP_KILLABLE);
	if (err)
		return -EINTR;
	if (c->ended)
		return -ENOTCONN;
	r = make(c, call);
	if (!r)
		return -ENOMEM;
	r->out = call->out;
	r->out_room = call->out_room;
	r->refs++; /* ours besides the list's */
	queue(c, r);
	result = wait(c, r);
	req_put(r);
	return result;
}

int fuse_start(struct fuse_conn *c)
{
	const struct fuse_init_in in = {
	    FUSE_MAJOR, FUSE_MINOR, FUSE_READ_MAX,
	    FUSE_INIT_ASYNC_READ | FUSE_INIT_POSIX_LOCKS | FUSE_INIT_BIG_WRITES | FUSE_INIT_DONT_MASK |
		FUSE_INIT_FLOCK_LOCKS | FUSE_INIT_SPLICE_WRITE | FUSE_INIT_SPLICE_MOVE |
		FUSE_INIT_SPLICE_READ | FUSE_INIT_READDIRPLUS | FUSE_INIT_READDIRPLUS_AUTO |
		FUSE_INIT_NO_OPEN | FUSE_INIT_NO_OPENDIR | FUSE_INIT_PARALLEL_DIROPS};
	struct fuse_call call = {
	    .op = FUSE_INIT, .in = {{&in, sizeof(in)}}, .out_least = FUSE_INIT_OUT_LEAST};
	struct fuse_req *r = make(c, &call);

	if (!r)
		return -ENOMEM;
	r->is_init = true;
	r->out_room = sizeof(struct fuse_init_out);
	queue(c, r);
	return 0;
}

static void started(struct fuse_conn *c, const struct fuse_init_out *o, s32 error)
{
	if (error || o->major != FUSE_MAJOR) {
		fuse_conn_end(c);
		return;
	}
	c->minor = o->minor;
	c->max_write = min_t(u32, max_t(u32, o->max_write, PAGE_SIZE), FUSE_READ_MAX);
	c->dir_plus = o->flags & FUSE_INIT_READDIRPLUS;
	c->dir_plus_auto = o->flags & FUSE_INIT_READDIRPLUS_AUTO;
	c->posix_locks = o->flags & FUSE_INIT_POSIX_LOCKS;
	c->flock_locks = o->flags & FUSE_INIT_FLOCK_LOCKS;
	if (o->flags & FUSE_INIT_DONT_MASK)
		c->sb->flags |= SB_NO_UMASK;
	c->ready = true;
	wake_up_all(&c->started, 0);
}

/* ---- the device ---- */

static int dev_open(struct file *f)
{
	f->private = fuse_conn_new();
	f->mode |= FMODE_NOSEEK | FMODE_STREAM;
	return f->private ? 0 : -ENOMEM;
}

static s64 dev_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct fuse_conn *c = f->private;
	struct fuse_req *r;
	s64 n;
	int err;

	if (!c->mounted)
		return -EPERM;
	if (dst->left < max_t(u32, FUSE_MIN_READ_BUFFER, c->max_write + 80))
		return -EINVAL;
	while (list_empty(&c->pending)) {
		if (c->ended)
			return -ENODEV;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&c->readers, !list_empty(&c->pending) || c->ended, TIME_NEVER);
		if (err)
			return err;
	}
	r = list_first_entry(&c->pending, struct fuse_req, node);
	if (r->in_size > dst->left) {
		finish(r, -EIO);
		return -EIO;
	}
	list_del_init(&r->node);
	r->sent = true;
	if (!r->no_reply)
		list_add_tail(&r->node, &c->sent);
	r->refs++; /* copying may sleep */
	n = uio_copy(dst, r->in, r->in_size);
	if (n != (s64)r->in_size) {
		n = -EFAULT;
		if (!list_empty(&r->node))
			finish(r, -EIO);
	} else if (r->no_reply) {
		req_put(r);
	}
	req_put(r);
	return n;
}

static struct fuse_req *find_sent(struct fuse_conn *c, u64 unique)
{
	struct fuse_req *r;

	list_for_each_entry (r, &c->sent, node)
		if (r->unique == unique)
			return r;
	return NULL;
}

/* What the server says of itself: that something it told is no longer so. All attributes are asked for anew.
 */
static s64 notification(struct fuse_conn *c, const struct fuse_out_header *h, u64 size)
{
	enum { INVAL_INODE = 2, INVAL_ENTRY = 3, DELETE = 6 };

	if (h->error != INVAL_INODE && h->error != INVAL_ENTRY && h->error != DELETE)
		return -EINVAL;
	c->generation++;
	return (s64)size;
}

static s64 dev_write(struct file *f, struct uio *src, u64 *pos)
{
	struct fuse_conn *c = f->private;
	struct fuse_init_out init = {0};
	struct fuse_out_header h;
	size_t total = src->left;
	struct fuse_req *r;
	u8 *body = NULL;
	u32 size;

	if (!c->mounted)
		return -EPERM;
	if (total < sizeof(h))
		return -EINVAL;
	if (uio_copy(src, &h, sizeof(h)) != (s64)sizeof(h))
		return -EFAULT;
	if (h.len != total)
		return -EINVAL;
	if (!h.unique)
		return notification(c, &h, total);
	size = (u32)(total - sizeof(h));
	if (h.error > 0 || h.error <= -ERROR_MAX || (h.error && size) || size > 2 * FUSE_READ_MAX)
		return -EINVAL;
	if (size) { /* into our own memory first: the copy may sleep, and the caller leave */
		body = kmalloc(size);
		if (!body)
			return -ENOMEM;
		if (uio_copy(src, body, size) != (s64)size) {
			kfree(body);
			return -EFAULT;
		}
	}
	r = find_sent(c, h.unique);
	if (!r || (!h.error && (size < r->out_least || (r->out_room && size > r->out_room)))) {
		if (r)
			finish(r, -EIO);
		kfree(body);
		return r ? -EINVAL : -ENOENT;
	}
	if (r->is_init && size)
		memcpy(&init, body, min_t(size_t, size, sizeof(init)));
	else if (r->out && size)
		memcpy(r->out, body, size);
	kfree(body);
	r->out_size = size;
	if (r->is_init)
		started(c, &init, h.error);
	if (!c->ended)
		finish(r, h.error);
	return (s64)total;
}

static u32 dev_poll(struct file *f, struct poll_table *pt)
{
	struct fuse_conn *c = f->private;

	poll_wait(pt, &c->readers);
	if (c->ended)
		return LINUX_POLLERR;
	return LINUX_POLLOUT | LINUX_POLLWRNORM |
	       (list_empty(&c->pending) ? 0 : LINUX_POLLIN | LINUX_POLLRDNORM);
}

static void dev_release(struct file *f)
{
	fuse_conn_end(f->private);
	fuse_conn_put(f->private);
}

const struct file_ops fuse_dev_ops = {
    .open = dev_open,
    .read = dev_read,
    .write = dev_write,
    .poll = dev_poll,
    .release = dev_release,
    .message_max = FUSE_READ_MAX + PAGE_SIZE,
};

/*
 * aio.c - asynchronous I/O as io_submit(2) has it.
 *
 * Reads, writes and syncs are done inside io_submit, as Linux does them for everything but direct I/O; what
 * really waits is IOCB_CMD_POLL, with a coroutine of its own. Finished events go into a ring in guest memory,
 * which the guest may also empty by itself: the tail is ours, the head is read from there each time and means
 * nothing to anybody but this guest.
 *
 * A context lives as long as its address space and its polls; `dead` says that the ring is gone.
 */
#include "sandbox/fs/anon/aio.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/mman.h"
#include "sandbox/abi/sched.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/anon/poll.h"
#include "sandbox/kernel/sysctl.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

#define RWF_KNOWN    0x1fU
#define RWF_DSYNC    2U
#define RWF_SYNC     4U
#define RWF_NOWAIT   8U
#define RWF_APPEND   16U
#define RW_MAX       0x7ffff000UL
#define EVENTS_MAX   0x400000U
#define HEAD_OFFSET  8
#define TAIL_OFFSET  12
#define ALWAYS_READY (LINUX_POLLERR | LINUX_POLLHUP)

struct aio_ctx {
	struct object obj;
	struct list_head node; /* in mm->aio */
	struct mm *mm;         /* while not dead */
	u64 id, size;
	u32 charged;     /* what counts against aio-max-nr */
	u32 slots, tail; /* of the ring */
	u32 active;      /* polls that wait */
	struct list_head polls;
	struct wait_queue wait;
	bool dead;
};

/* What finishing a request needs. */
struct aio_request {
	struct aio_ctx *ctx; /* counted */
	u64 user, data;
	struct file *eventfd; /* counted, or NULL */
};

struct aio_poll {
	struct list_head node;
	struct aio_request req;
	struct file *file, *cancel; /* counted; an eventfd that says it is cancelled */
	u32 events;
};

/* ---- contexts ---- */

static void ctx_release(struct object *obj)
{
	kfree(container_of(obj, struct aio_ctx, obj));
}

static struct aio_ctx *ctx_find(struct task *t, u64 id)
{
	struct aio_ctx *c;

	list_for_each_entry (c, &t->mm->aio, node)
		if (c->id == id)
			return c;
	return NULL;
}

u64 aio_in_use(void)
{
	return kernel()->aio_in_use;
}

u64 aio_capacity(struct task *t, u64 id)
{
	struct aio_ctx *c = ctx_find(t, id);

	return c ? c->slots : 0;
}

static int make_ring(struct task *t, struct aio_ctx *c, u32 count)
{
	u64 slots = (u64)max_t(u32, count, platform_cpu_count() * 4) * 2 + 2;
	struct linux_aio_ring ring = {
	    .magic = LINUX_AIO_RING_MAGIC, .compat_features = 1, .header_length = sizeof(ring)};
	s64 at;

	c->size = PAGE_UP(sizeof(ring) + slots * sizeof(struct linux_io_event));
	c->slots = (u32)((c->size - sizeof(ring)) / sizeof(struct linux_io_event));
	at = mm_mmap(t->mm, NULL, 0, c->size, LINUX_PROT_READ | LINUX_PROT_WRITE,
		     LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS, NULL, 0);
	if (at < 0)
		return (int)at;
	c->id = (u64)at;
	ring.nr = c->slots;
	return copy_out_mm(t->mm, uaddr(c->id), &ring, sizeof(ring));
}

int aio_setup(struct task *t, u32 count, u64 *id)
{
	struct aio_ctx *c;
	int err;

	if (!count || count > EVENTS_MAX)
		return -EINVAL;
	if (kernel()->aio_in_use + count > sysctl(SYSCTL_AIO_MAX_NR))
		return -EAGAIN;
	c = knew(struct aio_ctx);
	if (!c)
		return -ENOMEM;
	object_init(&c->obj, ctx_release);
	list_init(&c->polls);
	wait_queue_init(&c->wait);
	kernel()->aio_in_use += count;
	err = make_ring(t, c, count);
	if (err) {
		kernel()->aio_in_use -= count;
		object_put(&c->obj);
		return err;
	}
	c->charged = count;
	c->mm = t->mm;
	list_add_tail(&c->node, &t->mm->aio);
	*id = c->id;
	return 0;
}

static void poll_cancel(struct aio_poll *p)
{
	eventfd_signal(p->cancel);
}

static void ctx_kill(struct aio_ctx *c)
{
	struct aio_poll *p;

	list_del_init(&c->node);
	c->dead = true;
	kernel()->aio_in_use -= c->charged;
	list_for_each_entry (p, &c->polls, node)
		poll_cancel(p);
	wake_up_all(&c->wait, 0);
}

int aio_destroy(struct task *t, u64 id)
{
	struct aio_ctx *c = ctx_find(t, id);
	u64 size;
	int err;

	if (!c)
		return -EINVAL;
	size = c->size;
	ctx_kill(c);
	wait_event_uninterruptible(&c->wait, !c->active);
	object_put(&c->obj);
	err = mm_munmap(t->mm, NULL, id, size);
	return err == -EINVAL ? 0 : err; /* the guest may have unmapped it itself */
}

void aio_mm_exit(struct mm *mm)
{
	while (!list_empty(&mm->aio)) {
		struct aio_ctx *c = list_first_entry(&mm->aio, struct aio_ctx, node);
		ctx_kill(c);
		object_put(&c->obj);
	}
}

/* ---- the ring ---- */

static int ring_head(struct aio_ctx *c, u32 *head)
{
	if (copy_in_mm(c->mm, head, uaddr(c->id + HEAD_OFFSET), sizeof(*head)))
		return -EFAULT;
	*head %= c->slots;
	return 0;
}

static u64 event_address(const struct aio_ctx *c, u32 slot)
{
	return c->id + sizeof(struct linux_aio_ring) + (u64)slot * sizeof(struct linux_io_event);
}

/* One slot stays free, to tell full from empty; each waiting poll has one set aside. */
static int reserve(struct aio_ctx *c)
{
	u32 head = 0, used;
	int err = ring_head(c, &head);

	if (err)
		return err;
	used = (c->tail + c->slots - head) % c->slots;
	return used + c->active + 1 < c->slots ? 0 : -EAGAIN;
}

static void request_done(struct aio_request *r)
{
	if (r->eventfd)
		file_put(r->eventfd);
	object_put(&r->ctx->obj);
}

/* [sleeps] */
static void complete(struct aio_request *r, s64 res)
{
	struct linux_io_event ev = {.data = r->data, .obj = r->user, .res = res};
	struct aio_ctx *c = r->ctx;

	if (!c->dead) {
		struct mm *mm = mm_get(c->mm);
		u64 at = event_address(c, c->tail), tail_at = c->id + TAIL_OFFSET;
		u32 tail = c->tail = (c->tail + 1) % c->slots;
		if (copy_out_mm(mm, uaddr(at), &ev, sizeof(ev)) ||
		    copy_out_mm(mm, uaddr(tail_at), &tail, sizeof(tail)))
			klog(LOG_DEBUG, "a guest has unmapped its ring of I/O events");
		mm_put(mm);
	}
	if (r->eventfd)
		eventfd_signal(r->eventfd);
	wake_up_all(&c->wait, 0);
	request_done(r);
}

/* ---- requests ---- */

static s64 do_rw(struct file *f, const struct linux_iocb *cb, struct uio *u)
{
	u32 flags = cb->aio_rw_flags, add = 0, saved;
	u64 pos = (u64)cb->aio_offset, *at = f->mode & FMODE_NOSEEK ? NULL : &pos;
	s64 n;

	if ((flags & RWF_NOWAIT) && (f->mode & FMODE_NOSEEK) &&
	    !(file_poll(f, NULL) & (u->dir == UIO_TO_USER ? LINUX_POLLIN : LINUX_POLLOUT)))
		return -EAGAIN;
	if (u->dir == UIO_FROM_USER)
		add = (flags & RWF_DSYNC ? O_DSYNC : 0) | (flags & RWF_SYNC ? O_SYNC : 0) |
		      (flags & RWF_APPEND ? O_APPEND : 0);
	saved = f->flags & add;
	f->flags |= add;
	n = u->dir == UIO_TO_USER ? vfs_read(f, u, at) : vfs_write(f, u, at);
	f->flags = (f->flags & ~add) | saved;
	return n == -ERESTARTSYS || n == -ERESTARTNOHAND || n == -ERESTARTNOINTR ? -EINTR : n;
}

/* A priority is checked, and then the host schedules as it likes. */
static int check_priority(const struct linux_iocb *cb)
{
	u16 class = (u16)cb->aio_reqprio >> 13;

	if (!(cb->aio_flags & LINUX_IOCB_FLAG_IOPRIO))
		return 0;
	if (class > 3)
		return -EINVAL;
	return class == 1 && !capable(LINUX_CAP_SYS_ADMIN) ? -EPERM : 0;
}

static int submit_rw(struct aio_request *r, struct file *f, const struct linux_iocb *cb)
{
	bool vec = cb->aio_lio_opcode >= LINUX_IOCB_CMD_PREADV;
	bool read = cb->aio_lio_opcode == LINUX_IOCB_CMD_PREAD || cb->aio_lio_opcode == LINUX_IOCB_CMD_PREADV;
	enum uio_dir dir = read ? UIO_TO_USER : UIO_FROM_USER;
	struct uio u;
	s64 n, err;

	if (cb->aio_rw_flags & ~RWF_KNOWN)
		return -EOPNOTSUPP;
	err = check_priority(cb);
	if (err)
		return (int)err;
	if (!(f->mode & (read ? FMODE_READ : FMODE_WRITE)))
		return -EBADF;
	if (!(f->mode & FMODE_NOSEEK) && cb->aio_offset < 0)
		return -EINVAL;
	if (vec) {
		err = uio_init_iovec(&u, dir, uaddr(cb->aio_buf), cb->aio_nbytes);
		if (err)
			return (int)err;
	} else {
		if (!uaddr_range_ok(uaddr(cb->aio_buf), cb->aio_nbytes))
			return -EFAULT;
		uio_init_user(&u, dir, uaddr(cb->aio_buf), min_t(u64, cb->aio_nbytes, RW_MAX));
	}
	n = do_rw(f, cb, &u);
	if (vec)
		uio_done(&u);
	complete(r, n);
	return 0;
}

static int submit_fsync(struct aio_request *r, struct file *f, const struct linux_iocb *cb)
{
	if (cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
		return -EINVAL;
	if (!f->ops->fsync)
		return -EINVAL;
	complete(r, f->ops->fsync(f, cb->aio_lio_opcode == LINUX_IOCB_CMD_FDSYNC));
	return 0;
}

static void poll_main(void *arg)
{
	struct aio_poll *p = arg;
	struct poll_entry e[2] = {{.file = p->file, .events = p->events | ALWAYS_READY},
				  {.file = p->cancel, .events = LINUX_POLLIN}};
	s64 n = poll_entries(e, 2, TIME_NEVER);
	struct aio_ctx *c = p->req.ctx;

	list_del_init(&p->node);
	object_get(&c->obj);
	complete(&p->req, n < 0 ? n : e[0].revents);
	c->active--;
	wake_up_all(&c->wait, 0);
	object_put(&c->obj);
	file_put(p->file);
	file_put(p->cancel);
	kfree(p);
}

static int submit_poll(struct aio_request *r, struct file *f, const struct linux_iocb *cb)
{
	struct coro *coro;
	struct aio_poll *p;
	int err;

	if ((u16)cb->aio_buf != cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
		return -EINVAL;
	p = knew(struct aio_poll);
	if (!p)
		return -ENOMEM;
	err = eventfd_create(0, false, 0, &p->cancel);
	if (err) {
		kfree(p);
		return err;
	}
	p->events = (u32)cb->aio_buf;
	p->req = *r;
	p->file = file_get(f);
	list_init(&p->node);
	err = coro_start(poll_main, p, NULL, &coro);
	if (err) {
		file_put(p->file);
		file_put(p->cancel);
		kfree(p);
		return err;
	}
	list_add_tail(&p->node, &r->ctx->polls);
	r->ctx->active++;
	return 0;
}

static int submit(struct aio_request *r, const struct linux_iocb *cb)
{
	auto_cleanup(filep_put) struct file *f = fd_get((int)cb->aio_fildes);

	if (!f)
		return -EBADF;
	switch (cb->aio_lio_opcode) {
	case LINUX_IOCB_CMD_PREAD:
	case LINUX_IOCB_CMD_PWRITE:
	case LINUX_IOCB_CMD_PREADV:
	case LINUX_IOCB_CMD_PWRITEV:
		return submit_rw(r, f, cb);
	case LINUX_IOCB_CMD_FSYNC:
	case LINUX_IOCB_CMD_FDSYNC:
		return submit_fsync(r, f, cb);
	case LINUX_IOCB_CMD_POLL:
		return submit_poll(r, f, cb);
	default:
		return -EINVAL;
	}
}

int aio_submit_one(struct task *t, u64 id, u64 user)
{
	struct aio_request r = {.user = user};
	struct linux_iocb cb;
	const u32 key = 0;
	int err;

	if (get_user(&cb, uaddr(user)))
		return -EFAULT;
	if (cb.aio_reserved2 || (s64)cb.aio_nbytes < 0)
		return -EINVAL;
	r.ctx = ctx_find(t, id);
	if (!r.ctx)
		return -EINVAL;
	r.data = cb.aio_data;
	err = reserve(r.ctx);
	if (err)
		return err;
	object_get(&r.ctx->obj);
	if (cb.aio_flags & LINUX_IOCB_FLAG_RESFD) {
		r.eventfd = fd_get((int)cb.aio_resfd);
		err = !r.eventfd ? -EBADF : file_is_eventfd(r.eventfd) ? 0 : -EINVAL;
	}
	if (!err && put_user(&key, uaddr_add(uaddr(user), offsetof(struct linux_iocb, aio_key))))
		err = -EFAULT;
	if (!err)
		err = submit(&r, &cb);
	if (err)
		request_done(&r);
	return err;
}

/* ---- taking events ---- */

/* Moves what is there: how many, or -EFAULT. */
static s64 take_events(struct aio_ctx *c, s64 most, u64 user)
{
	struct linux_io_event ev;
	s64 taken = 0;
	u32 head = 0;

	if (c->dead || ring_head(c, &head))
		return c->dead ? 0 : -EFAULT;
	while (taken < most && head != c->tail && !c->dead) {
		if (copy_in_mm(c->mm, &ev, uaddr(event_address(c, head)), sizeof(ev)) ||
		    put_user(&ev, uaddr(user + (u64)taken * sizeof(ev))))
			return taken ? taken : -EFAULT;
		head = (head + 1) % c->slots;
		taken++;
		if (copy_out_mm(c->mm, uaddr(c->id + HEAD_OFFSET), &head, sizeof(head)))
			return -EFAULT;
	}
	return taken;
}

s64 aio_get_events(struct task *t, u64 id, s64 least, s64 most, u64 user, u64 deadline_ns)
{
	struct aio_ctx *c = ctx_find(t, id);
	s64 got = 0, n = 0;
	int err;

	if (!c || least > most || least < 0)
		return -EINVAL;
	object_get(&c->obj);
	err = wait_event(&c->wait,
			 ((n = take_events(c, most - got, user + (u64)got * sizeof(struct linux_io_event))),
			  n < 0 || (got += n) >= least || got == most || c->dead || !deadline_ns),
			 deadline_ns ? deadline_ns : TIME_NEVER);
	object_put(&c->obj);
	if (got)
		return got;
	if (n < 0)
		return n;
	return err == -ETIMEDOUT ? 0 : err;
}

int aio_cancel(struct task *t, u64 id, u64 user)
{
	struct aio_ctx *c;
	struct aio_poll *p;
	u32 key;

	if (get_user(&key, uaddr_add(uaddr(user), offsetof(struct linux_iocb, aio_key))))
		return -EFAULT;
	c = ctx_find(t, id);
	if (key || !c)
		return -EINVAL;
	list_for_each_entry (p, &c->polls, node) {
		if (p->req.user == user) {
			poll_cancel(p);
			return -EINPROGRESS;
		}
	}
	return -EINVAL;
}

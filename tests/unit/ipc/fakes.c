/* fakes.c - what pipes and epoll need of the rest of the sentry, over libc; a sleep is always interrupted. */
#include "tests/unit/ipc/fakes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/task.h"

static struct kernel fake_kernel;

/* an arena of which only the root is there */
static struct {
	void *root;
} fake_arena = {&fake_kernel};
struct arena *g_arena = (struct arena *)(void *)&fake_arena;

void *kmalloc_typed(size_t size, const char *type)
{
	return malloc(size);
}
void *kzalloc_typed(size_t size, const char *type)
{
	return calloc(1, size);
}
void kfree(void *p)
{
	free(p);
}
void panic(const char *fmt, ...)
{
	abort();
}
struct coro *coro_current(void)
{
	return NULL;
}
void coro_wake(struct coro *c)
{
}
int sched_sleep(u64 deadline_ns, enum sleep_state state)
{
	return -ERESTARTSYS;
}
u64 fake_now = 1;
struct timer *fake_timer;

u64 clock_monotonic(void)
{
	return fake_now;
}
u64 clock_realtime(void)
{
	return fake_now + 1000000;
}
void klog(enum log_level level, const char *fmt, ...)
{
}
void timer_init(struct timer *t, void (*fire)(struct timer *))
{
	t->fire = fire;
	t->deadline = TIME_NEVER;
}
int timer_arm(struct timer *t, u64 deadline_ns)
{
	t->deadline = deadline_ns;
	fake_timer = t;
	return 0;
}
void timer_cancel(struct timer *t)
{
	t->deadline = TIME_NEVER;
}
int send_signal_task(struct task *t, int sig, const struct linux_siginfo *info)
{
	return 0;
}
bool capable(int cap)
{
	return false;
}
int copy_out(uaddr_t dst, const void *src, size_t size)
{
	memcpy((void *)dst.v, src, size);
	return 0;
}

/* A uio over one kernel buffer. */
void uio_init_user(struct uio *u, enum uio_dir dir, uaddr_t buf, size_t size)
{
	*u = (struct uio){.dir = dir, .left = size, .kbuf = (char *)(uintptr_t)buf.v};
}
void *uio_window(struct uio *u, size_t *size)
{
	*size = min_t(size_t, *size, u->left);
	return u->kbuf;
}
void uio_advance(struct uio *u, size_t size)
{
	u->kbuf += size;
	u->left -= size;
}
s64 uio_copy(struct uio *u, void *kernel_side, size_t size)
{
	size = min_t(size_t, size, u->left);
	if (u->dir == UIO_TO_USER)
		memcpy(u->kbuf, kernel_side, size);
	else
		memcpy(kernel_side, u->kbuf, size);
	uio_advance(u, size);
	return (s64)size;
}

static void file_release(struct object *obj)
{
	struct file *f = container_of(obj, struct file, obj);

	epoll_file_released(f);
	f->ops->release(f);
	inode_put(f->inode);
	free(f);
}

struct file *fake_file(const struct file_ops *ops, u32 o_flags)
{
	static const u32 modes[4] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};
	struct file *f = calloc(1, sizeof(*f));

	object_init(&f->obj, file_release);
	f->ops = ops;
	f->flags = o_flags;
	f->mode = modes[o_flags & O_ACCMODE];
	list_init(&f->epoll_items);
	return f;
}

static void inode_release(struct object *obj)
{
	kfree(container_of(obj, struct inode, obj));
}

struct file *file_new(struct path *path, struct inode *inode, const struct file_ops *ops, u32 o_flags)
{
	struct file *f = fake_file(ops, o_flags);

	f->inode = inode_get(inode);
	return f;
}

struct file *anon_file_new(const char *name, const struct file_ops *ops, void *private, u32 o_flags,
			   u32 mode_type)
{
	struct file *f = fake_file(ops, o_flags);

	f->private = private;
	f->inode = knew(struct inode);
	object_init(&f->inode->obj, inode_release);
	return f;
}

u32 file_poll(struct file *f, struct poll_table *pt)
{
	return f->ops->poll ? f->ops->poll(f, pt) : LINUX_POLLIN | LINUX_POLLOUT;
}

s64 fake_read(struct file *f, void *buf, size_t size)
{
	struct uio u = {.dir = UIO_TO_USER, .left = size, .kbuf = buf};

	return f->ops->read(f, &u, NULL);
}

s64 fake_write(struct file *f, const void *buf, size_t size)
{
	struct uio u = {.dir = UIO_FROM_USER, .left = size, .kbuf = (char *)(uintptr_t)buf};

	return f->ops->write(f, &u, NULL);
}

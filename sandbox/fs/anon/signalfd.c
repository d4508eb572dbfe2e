/*
 * signalfd.c - signalfd(2): reading the reader's own pending signals as a file.
 *
 * The file holds only a mask. Whoever reads or polls waits on its signal actions' queue (sighand), which
 * every sender of a signal wakes.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"

struct linux_signalfd_siginfo {
	u32 signo;
	s32 err, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, value;
	u64 ptr, utime, stime, addr;
	u8 pad[48];
};
static_assert(sizeof(struct linux_signalfd_siginfo) == 128, "struct signalfd_siginfo");

struct signalfd {
	sigset64 mask;
};

static sigset64 waiting(const struct signalfd *s)
{
	struct task *t = current_task();

	return (t->pending.set | t->tg->pending.set) & s->mask;
}

static void convert(struct linux_signalfd_siginfo *out, const struct linux_siginfo *in)
{
	*out = (struct linux_signalfd_siginfo){
	    .signo = (u32)in->si_signo, .err = in->si_errno, .code = in->si_code};
	if (in->si_code == LINUX_SI_TIMER) {
		out->tid = (u32)in->timer.tid;
		out->overrun = (u32)in->timer.overrun;
		out->value = (s32)in->timer.value;
		out->ptr = in->timer.value;
		return;
	}
	out->pid = (u32)in->rt.pid;
	out->uid = in->rt.uid;
	if (in->si_signo == LINUX_SIGCHLD) {
		out->status = in->chld.status;
		out->utime = (u64)in->chld.utime;
		out->stime = (u64)in->chld.stime;
	} else {
		out->value = (s32)in->rt.value;
		out->ptr = in->rt.value;
	}
}

static s64 signalfd_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct signalfd *s = f->private;
	struct task *t = current_task();
	struct linux_signalfd_siginfo out;
	struct linux_siginfo info;
	s64 done = 0;

	if (dst->left < sizeof(out))
		return -EINVAL;
	while (dst->left >= sizeof(out)) {
		int err;
		if (signal_dequeue(t, s->mask, &info)) {
			convert(&out, &info);
			if (uio_copy(dst, &out, sizeof(out)) != (s64)sizeof(out))
				return done ? done : -EFAULT;
			done += (s64)sizeof(out);
			continue;
		}
		if (done)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&t->sighand->signalfd_wait, waiting(s), TIME_NEVER);
		if (err)
			return err;
	}
	return done;
}

static u32 signalfd_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(pt, &current_task()->sighand->signalfd_wait);
	return waiting(f->private) ? LINUX_POLLIN | LINUX_POLLRDNORM : 0;
}

static void signalfd_release(struct file *f)
{
	kfree(f->private);
}

static const struct file_ops signalfd_ops = {
    .llseek = noop_llseek, .read = signalfd_read, .poll = signalfd_poll, .release = signalfd_release};

int signalfd_create(u64 mask, u32 o_flags, struct file **out)
{
	struct signalfd *s = knew(struct signalfd);

	if (!s)
		return -ENOMEM;
	s->mask = mask & ~SIG_UNBLOCKABLE;
	*out = anon_file_new("[signalfd]", &signalfd_ops, s, O_RDWR | (o_flags & O_NONBLOCK), 0);
	if (*out)
		return 0;
	kfree(s);
	return -ENOMEM;
}

int signalfd_change(struct file *f, u64 mask)
{
	if (f->ops != &signalfd_ops)
		return -EINVAL;
	((struct signalfd *)f->private)->mask = mask & ~SIG_UNBLOCKABLE;
	wake_up_all(&current_task()->sighand->signalfd_wait, 0);
	return 0;
}

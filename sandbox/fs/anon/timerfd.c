/*
 * timerfd.c - timerfd_create(2): a timer that is read.
 *
 * `timer` is armed for the next expiry only; how many have passed is worked out from the clock when it fires
 * or is read, so a stopped sandbox catches up at once. Absolute times of CLOCK_REALTIME are turned into
 * monotonic ones when set: guests cannot set the clock, so the two never drift apart.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/sched.h"

struct timerfd {
	struct wait_queue wait;
	struct timer timer;
	u64 expiries, next_ns, interval_ns; /* next_ns TIME_NEVER: disarmed */
	bool realtime;
};

static const struct file_ops timerfd_ops;

/* Counts what has expired and arms for what comes next. */
static int update(struct timerfd *t)
{
	u64 now = clock_monotonic();

	if (t->next_ns > now)
		return 0;
	if (!t->interval_ns) {
		t->expiries++;
		t->next_ns = TIME_NEVER;
		return 0;
	}
	u64 n = 1 + (now - t->next_ns) / t->interval_ns;

	t->expiries += n;
	t->next_ns += n * t->interval_ns;
	return timer_arm(&t->timer, t->next_ns);
}

static void fired(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);

	if (update(t))
		klog(LOG_WARN, "timerfd: no memory to arm a timer again");
	if (t->expiries)
		wake_up(&t->wait, LINUX_POLLIN);
}

static s64 timerfd_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct timerfd *t = f->private;
	u64 value;
	int err;

	if (dst->left < sizeof(value))
		return -EINVAL;
	while (!t->expiries) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&t->wait, t->expiries, TIME_NEVER);
		if (err)
			return err;
	}
	value = t->expiries;
	t->expiries = 0;
	return uio_copy(dst, &value, sizeof(value)) == (s64)sizeof(value) ? (s64)sizeof(value) : -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->private;

	poll_wait(pt, &t->wait);
	return t->expiries ? LINUX_POLLIN : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;

	timer_cancel(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
    .llseek = noop_llseek,
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
};

int timerfd_create_file(bool realtime, u32 o_flags, struct file **out)
{
	struct timerfd *t = knew(struct timerfd);

	if (!t)
		return -ENOMEM;
	wait_queue_init(&t->wait);
	timer_init(&t->timer, fired);
	t->next_ns = TIME_NEVER;
	t->realtime = realtime;
	*out = anon_file_new("[timerfd]", &timerfd_ops, t, O_RDWR | (o_flags & O_NONBLOCK), 0);
	if (!*out) {
		kfree(t);
		return -ENOMEM;
	}
	return 0;
}

static int to_ns(const struct linux_timespec *ts, u64 *ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	/* beyond some 146 years: as far away as that */
	*ns = (u64)ts->tv_sec >= INT64_MAX / NSEC_PER_SEC / 2
		  ? INT64_MAX / 2
		  : (u64)ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec;
	return 0;
}

int timerfd_get(struct file *f, struct linux_itimerspec *out)
{
	struct timerfd *t = f->private;
	u64 now = clock_monotonic(), left;

	if (f->ops != &timerfd_ops)
		return -EINVAL;
	left = t->next_ns == TIME_NEVER ? 0 : t->next_ns > now ? t->next_ns - now : 1;
	out->it_value.tv_sec = (s64)(left / NSEC_PER_SEC);
	out->it_value.tv_nsec = (s64)(left % NSEC_PER_SEC);
	out->it_interval.tv_sec = (s64)(t->interval_ns / NSEC_PER_SEC);
	out->it_interval.tv_nsec = (s64)(t->interval_ns % NSEC_PER_SEC);
	return 0;
}

int timerfd_set(struct file *f, bool absolute, const struct linux_itimerspec *spec,
		struct linux_itimerspec *old)
{
	struct timerfd *t = f->private;
	u64 value, interval, now = clock_monotonic();
	int err = timerfd_get(f, old);

	if (!err)
		err = to_ns(&spec->it_value, &value);
	if (!err)
		err = to_ns(&spec->it_interval, &interval);
	if (err)
		return err;
	timer_cancel(&t->timer);
	t->expiries = 0;
	t->interval_ns = interval;
	t->next_ns = TIME_NEVER;
	if (!value)
		return 0;
	if (absolute && t->realtime) {
		u64 real = clock_realtime();

		value = value > real ? now + (value - real) : now;
	} else if (!absolute) {
		value += now;
	}
	t->next_ns = value;
	return timer_arm(&t->timer, value);
}

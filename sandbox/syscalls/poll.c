/*
 * syscalls/poll.c - poll, ppoll, select, pselect6: decoding around fs/anon/poll.c.
 *
 * A signal makes poll(2) go on with its old deadline (restart block); the others write the time left back and
 * restart only if no handler ran, as Linux does.
 */
#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/poll.h"
#include "sandbox/kernel/task.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

#define LINUX_RLIMIT_NOFILE 7

static void put_files(struct poll_entry *e, u32 count)
{
	for (u32 i = 0; i < count; i++)
		file_put(e[i].file);
}

static s64 poll_run(struct linux_pollfd *p, struct poll_entry *e, u32 count, uaddr_t user, u64 deadline)
{
	s64 n;

	for (u32 i = 0; i < count; i++) {
		e[i].events = (u16)p[i].events;
		if (p[i].fd < 0)
			continue;
		e[i].file = fd_get(p[i].fd);
		if (!e[i].file)
			e[i].revents = LINUX_POLLNVAL;
	}
	n = poll_entries(e, count, deadline);
	put_files(e, count);
	if (n < 0)
		return n;
	for (u32 i = 0; i < count; i++)
		p[i].revents = (s16)e[i].revents;
	return count && copy_out(user, p, count * sizeof(*p)) ? -EFAULT : n;
}

static s64 do_poll(struct task *t, uaddr_t user, u32 count, u64 deadline)
{
	auto_cleanup(kfreep) struct linux_pollfd *p = NULL;
	auto_cleanup(kfreep) struct poll_entry *e = NULL;

	if (count > task_rlimit(t, LINUX_RLIMIT_NOFILE))
		return -EINVAL;
	p = knew_array(struct linux_pollfd, count);
	e = knew_array(struct poll_entry, count);
	if (!p || !e)
		return -ENOMEM;
	if (count && copy_in(p, user, count * sizeof(*p)))
		return -EFAULT;
	return poll_run(p, e, count, user, deadline);
}

static s64 poll_restart(struct task *t, struct restart_block *rb)
{
	s64 n = do_poll(t, rb->user[0], (u32)rb->arg[0], rb->deadline_ns);

	if (n == -ERESTARTSYS) {
		rb->fn = poll_restart;
		return -ERESTART_RESTARTBLOCK;
	}
	return n;
}

s64 sys_poll(struct task *t, const u64 *a)
{
	int ms = arg_int(a[2]);
	u64 deadline = ms < 0 ? TIME_NEVER : ms ? clock_monotonic() + (u64)ms * 1000000 : 0;
	s64 n = do_poll(t, uaddr(a[0]), (u32)a[1], deadline);

	if (n != -ERESTARTSYS)
		return n;
	t->restart.fn = poll_restart;
	t->restart.deadline_ns = deadline;
	t->restart.user[0] = uaddr(a[0]);
	t->restart.arg[0] = (u32)a[1];
	return -ERESTART_RESTARTBLOCK;
}

static int take_mask(struct task *t, u64 addr, u64 size)
{
	sigset64 mask;

	if (!addr)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(&mask, uaddr(addr)))
		return -EFAULT;
	set_temporary_mask(t, mask & ~SIG_UNBLOCKABLE);
	return 0;
}

static u64 time_left(u64 deadline)
{
	u64 now = clock_monotonic();

	return deadline > now ? deadline - now : 0;
}

/* Writes the time left back. A read-only timeout is no error (Linux: the restart is given up instead). */
static s64 finish_timed(s64 n, u64 addr, u64 deadline, bool is_timeval)
{
	if (n == -ERESTARTSYS)
		n = -ERESTARTNOHAND;
	if (addr && deadline != TIME_NEVER) {
		u64 left = time_left(deadline);
		struct linux_timespec ts = {(s64)(left / NSEC_PER_SEC), (s64)(left % NSEC_PER_SEC)};

		if (is_timeval)
			ts.tv_nsec /= 1000;
		if (put_user(&ts, uaddr(addr)) && n == -ERESTARTNOHAND)
			n = -EINTR;
	}
	return n;
}

static int get_timeout(u64 addr, bool is_timeval, u64 *deadline)
{
	struct linux_timespec ts;

	*deadline = TIME_NEVER;
	if (!addr)
		return 0;
	if (get_user(&ts, uaddr(addr)))
		return -EFAULT;
	if (is_timeval) { /* select takes more than a million microseconds */
		if (ts.tv_sec < 0 || ts.tv_nsec < 0)
			return -EINVAL;
		if (ts.tv_sec < INT64_MAX - ts.tv_nsec / 1000000)
			ts.tv_sec += ts.tv_nsec / 1000000;
		ts.tv_nsec = ts.tv_nsec % 1000000 * 1000;
	}
	return poll_deadline(&ts, deadline);
}

s64 sys_ppoll(struct task *t, const u64 *a)
{
	u64 deadline;
	int err = get_timeout(a[2], false, &deadline);

	if (!err)
		err = take_mask(t, a[3], a[4]);
	if (err)
		return err;
	return finish_timed(do_poll(t, uaddr(a[0]), (u32)a[1], deadline), a[2], deadline, false);
}

/* ---- select ---- */

#define SEL_IN  (LINUX_POLLRDNORM | LINUX_POLLRDBAND | LINUX_POLLIN | LINUX_POLLHUP | LINUX_POLLERR)
#define SEL_OUT (LINUX_POLLWRBAND | LINUX_POLLWRNORM | LINUX_POLLOUT | LINUX_POLLERR)
#define SEL_EX  LINUX_POLLPRI

static const u32 sel_events[3] = {SEL_IN, SEL_OUT, SEL_EX};

/* `sets` holds the three bit maps in and out, `words` each; user[i] 0 = not given. */
static s64 select_run(u32 count, u64 *sets, u32 words, struct poll_entry *e, u32 *fds, u64 deadline)
{
	u32 used = 0;
	s64 n = 0;

	for (u32 fd = 0; fd < count; fd++) {
		u32 want = 0;

		for (u32 i = 0; i < 3; i++)
			if (sets[i * words + fd / 64] >> (fd % 64) & 1)
				want |= sel_events[i];
		if (!want)
			continue;
		e[used].file = fd_get((int)fd);
		if (!e[used].file) {
			put_files(e, used);
			return -EBADF;
		}
		fds[used] = fd;
		e[used++].events = want;
	}
	n = poll_entries(e, used, deadline);
	put_files(e, used);
	if (n < 0)
		return n;
	n = 0;
	for (u32 k = 0; k < used; k++) {
		for (u32 i = 0; i < 3; i++) {
			u64 bit = 1ULL << (fds[k] % 64);
			u64 *w = &sets[i * words + fds[k] / 64];

			if (!(*w & bit))
				continue;
			if (e[k].revents & sel_events[i])
				n++;
			else
				*w &= ~bit;
		}
	}
	return n;
}

static s64 do_select(struct task *t, int count, const u64 *user, u64 deadline)
{
	auto_cleanup(kfreep) u64 *sets = NULL;
	auto_cleanup(kfreep) struct poll_entry *e = NULL;
	auto_cleanup(kfreep) u32 *fds = NULL;
	u32 words;
	s64 n;

	if (count < 0)
		return -EINVAL;
	count = min_t(int, count, (int)t->files->capacity);
	words = ((u32)count + 63) / 64;
	sets = knew_array(u64, words * 3 + 1);
	e = knew_array(struct poll_entry, (u32)count);
	fds = knew_array(u32, (u32)count);
	if (!sets || !e || !fds)
		return -ENOMEM;
	for (u32 i = 0; i < 3; i++)
		if (user[i] && words && copy_in(&sets[i * words], uaddr(user[i]), words * 8))
			return -EFAULT;
	n = select_run((u32)count, sets, words, e, fds, deadline);
	if (n < 0)
		return n;
	for (u32 i = 0; i < 3; i++)
		if (user[i] && words && copy_out(uaddr(user[i]), &sets[i * words], words * 8))
			return -EFAULT;
	return n;
}

s64 sys_select(struct task *t, const u64 *a)
{
	u64 deadline;
	int err = get_timeout(a[4], true, &deadline);

	return err ? err : finish_timed(do_select(t, arg_int(a[0]), a + 1, deadline), a[4], deadline, true);
}

s64 sys_pselect6(struct task *t, const u64 *a)
{
	u64 mask[2] = {0, 0}, deadline;
	int err = get_timeout(a[4], false, &deadline);

	if (!err && a[5] && copy_in(mask, uaddr(a[5]), sizeof(mask)))
		err = -EFAULT;
	if (!err)
		err = take_mask(t, mask[0], mask[1]);
	return err ? err : finish_timed(do_select(t, arg_int(a[0]), a + 1, deadline), a[4], deadline, false);
}

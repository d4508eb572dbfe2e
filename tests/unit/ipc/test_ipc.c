/* test_ipc.c - pipes, FIFOs, eventfd and epoll over fakes. A call that would sleep gives -ERESTARTSYS. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/pipefs/pipe.h"
#include "sandbox/kernel/sched.h"
#include "sandbox/kernel/signal.h"
#include "tests/unit/ipc/fakes.h"

#define IN  (LINUX_POLLIN | LINUX_POLLRDNORM)
#define OUT (LINUX_POLLOUT | LINUX_POLLWRNORM)

static char big[1 << 17];

START_TEST(pipe_basics)
{
	struct file *r, *w;
	char buf[16];

	ck_assert_int_eq(pipe_create(0, &r, &w), 0);
	ck_assert_uint_eq(file_poll(r, NULL), 0);
	ck_assert_uint_eq(file_poll(w, NULL), OUT);
	ck_assert_int_eq(fake_read(r, buf, 16), -ERESTARTSYS);
	r->flags |= O_NONBLOCK;
	ck_assert_int_eq(fake_read(r, buf, 16), -EAGAIN);
	ck_assert_int_eq(fake_write(w, "hello", 5), 5);
	ck_assert_uint_eq(file_poll(r, NULL), IN);
	ck_assert_int_eq(fake_read(r, buf, 3), 3);
	ck_assert_int_eq(fake_read(r, buf, 16), 2);
	ck_assert_int_eq(fake_write(w, "z", 1), 1);
	file_put(w);
	ck_assert_uint_eq(file_poll(r, NULL), IN | LINUX_POLLHUP);
	ck_assert_int_eq(fake_read(r, buf, 16), 1);
	ck_assert_int_eq(fake_read(r, buf, 16), 0);
	file_put(r);
}
END_TEST

START_TEST(pipe_broken)
{
	struct file *r, *w;

	ck_assert_int_eq(pipe_create(0, &r, &w), 0);
	file_put(r);
	ck_assert_uint_eq(file_poll(w, NULL), OUT | LINUX_POLLERR);
	ck_assert_int_eq(fake_write(w, "x", 1), -EPIPE);
	ck_assert_int_eq(fake_write(w, "", 0), 0);
	file_put(w);
}
END_TEST

START_TEST(pipe_atomicity)
{
	struct file *r, *w;

	ck_assert_int_eq(pipe_create(O_NONBLOCK, &r, &w), 0);
	ck_assert_int_eq(fake_write(w, big, 65536 - 100), 65536 - 100);
	ck_assert_int_eq(fake_write(w, big, 101), -EAGAIN); /* whole or not at all */
	ck_assert_int_eq(fake_write(w, big, 4096), -EAGAIN);
	ck_assert_int_eq(fake_write(w, big, 4097), 100); /* above PIPE_BUF: what fits */
	ck_assert_uint_eq(file_poll(w, NULL), 0);
	ck_assert_int_eq(fake_read(r, big, 4095), 4095);
	ck_assert_uint_eq(file_poll(w, NULL), 0);
	ck_assert_int_eq(fake_read(r, big, 1), 1);
	ck_assert_uint_eq(file_poll(w, NULL), OUT);
	file_put(r);
	file_put(w);
}
END_TEST

START_TEST(pipe_wraps_and_resizes)
{
	struct file *r, *w;
	char got[6000], want[6000];
	size_t n = 0;

	ck_assert_int_eq(pipe_create(O_NONBLOCK, &r, &w), 0);
	ck_assert_int_eq(pipe_fcntl(w, LINUX_F_GETPIPE_SZ, 0), 65536);
	ck_assert_int_eq(pipe_fcntl(w, LINUX_F_SETPIPE_SZ, 1), 4096);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < 3000; i++)
			want[i] = (char)(n++ * 7);
		ck_assert_int_eq(fake_write(w, want, 3000), 3000);
		ck_assert_int_eq(fake_read(r, got, 6000), 3000);
		ck_assert_int_eq(memcmp(got, want, 3000), 0);
	}
	ck_assert_int_eq(fake_write(w, want, 3000), 3000);
	ck_assert_int_eq(pipe_fcntl(w, LINUX_F_SETPIPE_SZ, 8192), 8192);
	ck_assert_int_eq(fake_write(w, want, 3000), 3000);
	ck_assert_int_eq(pipe_fcntl(w, LINUX_F_SETPIPE_SZ, 4096), -EBUSY);
	ck_assert_int_eq(pipe_fcntl(w, LINUX_F_SETPIPE_SZ, 0), -EINVAL);
	ck_assert_int_eq(pipe_fcntl(w, LINUX_F_SETPIPE_SZ, 2 << 20), -EPERM);
	ck_assert_int_eq(fake_read(r, got, 6000), 6000);
	ck_assert_int_eq(memcmp(got, want, 3000) || memcmp(got + 3000, want, 3000), 0);
	file_put(r);
	file_put(w);
}
END_TEST

static void release_nothing(struct file *f)
{
}

static const struct file_ops plain_ops = {.release = release_nothing};

START_TEST(fifo_rules)
{
	struct inode inode = {.pipe = NULL};
	struct file *w = fake_file(&plain_ops, O_WRONLY | O_NONBLOCK);
	struct file *r = fake_file(&plain_ops, O_RDONLY);
	struct file *rw = fake_file(&plain_ops, O_RDWR);

	ck_assert_int_eq(fifo_open(&inode, w), -ENXIO);
	ck_assert_ptr_null(inode.pipe);
	ck_assert_int_eq(fifo_open(&inode, r), -ERESTARTSYS); /* waits for a writer */
	ck_assert_ptr_null(inode.pipe);
	r->flags |= O_NONBLOCK;
	ck_assert_int_eq(fifo_open(&inode, r), 0);
	ck_assert_uint_eq(file_poll(r, NULL), 0); /* never had a writer: no hang-up */
	ck_assert_int_eq(fifo_open(&inode, w), 0);
	ck_assert_int_eq(fake_write(w, "ab", 2), 2);
	file_put(w);
	ck_assert_uint_eq(file_poll(r, NULL), IN | LINUX_POLLHUP);
	file_put(r);
	ck_assert_ptr_null(inode.pipe);
	ck_assert_int_eq(fifo_open(&inode, rw), 0); /* O_RDWR waits for nobody */
	file_put(rw);
	ck_assert_ptr_null(inode.pipe);
}
END_TEST

START_TEST(eventfd_rules)
{
	struct file *f, *s;
	u64 v = 3;

	ck_assert_int_eq(eventfd_create(0, false, O_NONBLOCK, &f), 0);
	ck_assert_int_eq(fake_read(f, &v, 8), -EAGAIN);
	ck_assert_int_eq(fake_read(f, &v, 4), -EINVAL);
	ck_assert_int_eq(fake_write(f, &v, 8), 8);
	ck_assert_int_eq(fake_write(f, &v, 8), 8);
	ck_assert_int_eq(fake_read(f, &v, 8), 8);
	ck_assert_uint_eq(v, 6);
	v = UINT64_MAX;
	ck_assert_int_eq(fake_write(f, &v, 8), -EINVAL);
	v = UINT64_MAX - 1;
	ck_assert_int_eq(fake_write(f, &v, 8), 8);
	ck_assert_uint_eq(file_poll(f, NULL), LINUX_POLLIN);
	v = 1;
	ck_assert_int_eq(fake_write(f, &v, 8), -EAGAIN);
	file_put(f);
	ck_assert_int_eq(eventfd_create(2, true, O_NONBLOCK, &s), 0);
	ck_assert_int_eq(fake_read(s, &v, 8), 8);
	ck_assert_uint_eq(v, 1);
	ck_assert_int_eq(fake_read(s, &v, 8), 8);
	ck_assert_int_eq(fake_read(s, &v, 8), -EAGAIN);
	file_put(s);
}
END_TEST

static struct file *epoll_with(struct file *f, u32 events)
{
	struct linux_epoll_event ev = {events, 42};
	struct file *ep;

	ck_assert_int_eq(epoll_create_file(&ep), 0);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_ADD, 5, f, &ev), 0);
	return ep;
}

static s64 collect(struct file *ep)
{
	struct linux_epoll_event ev[4];

	return epoll_collect(ep, ev, 4, 0);
}

START_TEST(epoll_level_edge_oneshot)
{
	struct file *r, *w, *level, *edge, *once;
	struct linux_epoll_event ev = {LINUX_POLLIN, 7};
	char c;

	ck_assert_int_eq(pipe_create(O_NONBLOCK, &r, &w), 0);
	level = epoll_with(r, LINUX_POLLIN);
	edge = epoll_with(r, LINUX_POLLIN | LINUX_EPOLLET);
	once = epoll_with(r, LINUX_POLLIN | LINUX_EPOLLONESHOT);
	ck_assert_int_eq(collect(level) + collect(edge) + collect(once), 0);
	ck_assert_int_eq(fake_write(w, "ab", 2), 2);
	ck_assert_int_eq(collect(level), 1);
	ck_assert_int_eq(collect(level), 1);
	ck_assert_int_eq(collect(edge), 1);
	ck_assert_int_eq(collect(edge), 0);
	ck_assert_int_eq(collect(once), 1);
	ck_assert_int_eq(fake_write(w, "c", 1), 1);
	ck_assert_int_eq(collect(edge), 1); /* a new edge */
	ck_assert_int_eq(collect(once), 0); /* disarmed */
	ck_assert_int_eq(epoll_control(once, LINUX_EPOLL_CTL_MOD, 5, r, &ev), 0);
	ck_assert_int_eq(collect(once), 1);
	while (fake_read(r, &c, 1) == 1)
		;
	ck_assert_int_eq(collect(level), 0);
	ck_assert_int_eq(epoll_collect(level, &ev, 1, TIME_NEVER), -EINTR);
	file_put(w); /* a hang-up is reported without having been asked for */
	ck_assert_int_eq(epoll_collect(level, &ev, 1, 0), 1);
	ck_assert_uint_eq(ev.events, LINUX_POLLHUP);
	ck_assert_uint_eq(ev.data, 42);
	file_put(r); /* the last close removes it everywhere */
	ck_assert_int_eq(collect(level) + collect(edge) + collect(once), 0);
	file_put(level);
	file_put(edge);
	file_put(once);
}
END_TEST

START_TEST(epoll_errors)
{
	struct linux_epoll_event ev = {LINUX_POLLIN, 0}, excl = {LINUX_POLLIN | LINUX_EPOLLEXCLUSIVE, 0};
	struct file *e, *ep, *plain = fake_file(&plain_ops, O_RDONLY);

	ck_assert_int_eq(eventfd_create(1, false, 0, &e), 0);
	ep = epoll_with(e, LINUX_POLLIN);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_ADD, 5, e, &ev), -EEXIST);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_ADD, 6, e, &ev),
			 0); /* another number: another item */
	ck_assert_int_eq(collect(ep), 2);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_DEL, 6, e, NULL), 0);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_DEL, 6, e, NULL), -ENOENT);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_MOD, 6, e, &ev), -ENOENT);
	ck_assert_int_eq(epoll_control(ep, 9, 5, e, &ev), -EINVAL);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_ADD, 5, ep, &ev), -EINVAL);
	ck_assert_int_eq(epoll_control(e, LINUX_EPOLL_CTL_ADD, 5, ep, &ev), -EINVAL);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_ADD, 7, plain, &ev), -EPERM);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_MOD, 5, e, &excl), -EINVAL);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_ADD, 8, e, &excl), 0);
	ck_assert_int_eq(epoll_control(ep, LINUX_EPOLL_CTL_MOD, 8, e, &ev), -EINVAL);
	ck_assert_int_eq(epoll_collect(e, &ev, 1, 0), -EINVAL);
	file_put(ep); /* leaves e, which is used after */
	ck_assert_uint_eq(file_poll(e, NULL), LINUX_POLLIN | LINUX_POLLOUT);
	file_put(e);
	file_put(plain);
}
END_TEST

START_TEST(epoll_nested)
{
	struct linux_epoll_event ev = {LINUX_POLLIN, 0};
	struct file *e, *inner, *outer, *chain[8];
	u64 v = 1;
	int n = 0, err = 0;

	ck_assert_int_eq(eventfd_create(0, false, O_NONBLOCK, &e), 0);
	inner = epoll_with(e, LINUX_POLLIN);
	outer = epoll_with(inner, LINUX_POLLIN);
	ck_assert_int_eq(epoll_control(inner, LINUX_EPOLL_CTL_ADD, 9, outer, &ev), -ELOOP);
	ck_assert_int_eq(collect(outer), 0);
	ck_assert_int_eq(fake_write(e, &v, 8), 8);
	ck_assert_int_eq(collect(outer), 1);
	ck_assert_int_eq(fake_read(e, &v, 8), 8);
	ck_assert_int_eq(collect(outer), 0);
	file_put(inner);
	ck_assert_int_eq(collect(outer), 0);
	file_put(outer);
	file_put(e);
	for (; n < 8; n++) { /* a chain may not grow without end, in either direction */
		ck_assert_int_eq(epoll_create_file(&chain[n]), 0);
		if (n)
			err = epoll_control(chain[n - 1], LINUX_EPOLL_CTL_ADD, 3, chain[n], &ev);
		if (err) {
			n++;
			break;
		}
	}
	ck_assert_int_eq(err, -ELOOP);
	ck_assert_int_ge(n, 5);
	while (n--)
		file_put(chain[n]);
}
END_TEST

START_TEST(timerfd_rules)
{
	struct linux_itimerspec set = {{0, 100}, {0, 50}}, old;
	struct file *f;
	u64 v;

	fake_now = 1000;
	ck_assert_int_eq(timerfd_create_file(false, O_NONBLOCK, &f), 0);
	ck_assert_int_eq(fake_read(f, &v, 8), -EAGAIN);
	ck_assert_int_eq(timerfd_set(f, false, &set, &old), 0);
	ck_assert_int_eq(old.it_value.tv_nsec, 0);
	ck_assert_uint_eq(fake_timer->deadline, 1050);
	fake_now = 1255; /* 1050, 1150, 1250 have passed */
	fake_timer->fire(fake_timer);
	ck_assert_uint_eq(fake_timer->deadline, 1350);
	ck_assert_uint_eq(file_poll(f, NULL), LINUX_POLLIN);
	ck_assert_int_eq(fake_read(f, &v, 8), 8);
	ck_assert_uint_eq(v, 3);
	ck_assert_int_eq(fake_read(f, &v, 8), -EAGAIN);
	set.it_value.tv_nsec = 0; /* disarms; says what was left */
	ck_assert_int_eq(timerfd_set(f, false, &set, &old), 0);
	ck_assert_int_eq(old.it_value.tv_nsec, 95);
	set.it_value.tv_nsec = 1000000000;
	ck_assert_int_eq(timerfd_set(f, false, &set, &old), -EINVAL);
	file_put(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ipc");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, pipe_basics);
	tcase_add_test(tc, pipe_broken);
	tcase_add_test(tc, pipe_atomicity);
	tcase_add_test(tc, pipe_wraps_and_resizes);
	tcase_add_test(tc, fifo_rules);
	tcase_add_test(tc, eventfd_rules);
	tcase_add_test(tc, timerfd_rules);
	tcase_add_test(tc, epoll_level_edge_oneshot);
	tcase_add_test(tc, epoll_errors);
	tcase_add_test(tc, epoll_nested);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

/* test_pty.c - a pair without processes: bytes both ways, VMIN, hang-up, over the fakes of tests/unit/ipc. */
#include <stdlib.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/fs/devpts/tty.h"
#include "sandbox/kernel/task.h"
#include "tests/unit/ipc/fakes.h"

/* these pairs have no name in a devpts */
void dentry_delete(struct dentry *d)
{
	abort();
}
void dentry_put(struct dentry *d)
{
	abort();
}
void pid_put(struct pid *p)
{
}
struct pid *pid_get(struct pid *p)
{
	return p;
}
int send_signal_pgrp(struct pid *pgrp, int sig, const struct linux_siginfo *info)
{
	return 0;
}
int send_signal_group(struct thread_group *tg, int sig, const struct linux_siginfo *info)
{
	return 0;
}
bool pgrp_is_orphaned(struct pid *pgrp, struct thread_group *ignore)
{
	return false;
}
s64 tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	return -ENOTTY;
}

START_TEST(both_ways)
{
	struct tty *m;
	struct file *s;
	char buf[100];

	ck_assert_int_eq(pty_open_pair(80, 24, &m, &s), 0);
	ck_assert_int_eq(fake_read(s, buf, 100), -ERESTARTSYS);
	ck_assert_uint_eq(pty_master_write(m, "hi\nyo\n", 6), 6);
	ck_assert_int_eq(fake_read(s, buf, 100), 3);
	ck_assert_int_eq(fake_read(s, buf, 100), 3);
	ck_assert_uint_eq(pty_master_read(m, buf, 100), 8);
	ck_assert_int_eq(fake_write(s, "a\n", 2), 2);
	ck_assert(pty_master_poll(m) & LINUX_POLLIN);
	ck_assert_uint_eq(pty_master_read(m, buf, 100), 3);
	ck_assert_int_eq(memcmp(buf, "a\r\n", 3), 0);
	file_put(s);
	ck_assert(pty_master_poll(m) & LINUX_POLLHUP);
	pty_master_close(m);
}
END_TEST

START_TEST(raw_min)
{
	struct tty *m;
	struct file *s;
	char buf[100];

	ck_assert_int_eq(pty_open_pair(80, 24, &m, &s), 0);
	m->ld.tio.c_lflag = 0;
	m->ld.tio.c_cc[LINUX_VMIN] = 3;
	pty_master_write(m, "ab", 2);
	ck_assert_uint_eq(s->ops->poll(s, NULL) & LINUX_POLLIN, 0);
	s->flags |= O_NONBLOCK;
	ck_assert_int_eq(fake_read(s, buf, 100), 2);
	ck_assert_int_eq(fake_read(s, buf, 100), -EAGAIN);
	s->flags &= ~(u32)O_NONBLOCK;
	pty_master_write(m, "abc", 3);
	ck_assert_int_eq(fake_read(s, buf, 100), 3);
	m->ld.tio.c_cc[LINUX_VMIN] = 0;
	ck_assert_int_eq(fake_read(s, buf, 100), 0);
	file_put(s);
	pty_master_close(m);
}
END_TEST

START_TEST(hang_up)
{
	struct tty *m;
	struct file *s;
	char buf[100];

	ck_assert_int_eq(pty_open_pair(80, 24, &m, &s), 0);
	pty_master_close(m);
	ck_assert_int_eq(fake_read(s, buf, 100), 0);
	ck_assert_int_eq(fake_write(s, "x", 1), -EIO);
	ck_assert(s->ops->poll(s, NULL) & LINUX_POLLHUP);
	file_put(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pty");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(tc, both_ways);
	tcase_add_test(tc, raw_min);
	tcase_add_test(tc, hang_up);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

/*
 * test_mq.c - POSIX message queues: mq_overview(7), in an IPC namespace of the case's own.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statfs.h>

#include "case.h"

static mqd_t queue_of(long maxmsg, long msgsize, int flags)
{
	struct mq_attr a = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};
	mqd_t q;

	OK(unshare(CLONE_NEWIPC));
	q = mq_open("/q", O_RDWR | O_CREAT | flags, 0600, &a);
	OK(q);
	return q;
}

static mqd_t queue(void)
{
	return queue_of(4, 64, 0);
}

static int put(mqd_t q, unsigned prio, const char *text)
{
	return mq_send(q, text, strlen(text) + 1, prio);
}

static const char *take(mqd_t q, unsigned prio)
{
	static char buf[64];
	unsigned p = 99999;

	OK(mq_receive(q, buf, sizeof(buf), &p));
	EXPECT_EQ(p, prio);
	return buf;
}

static void become_nobody(void)
{
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
}

static void await_sleep(pid_t pid)
{
	char path[40], line[300], *p;
	int quiet = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (quiet < 5) {
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, line, sizeof(line) - 1);
		close(fd);
		EXPECT(n > 0);
		line[n] = 0;
		p = strrchr(line, ')');
		quiet = p && p[2] == 'S' ? quiet + 1 : 0;
		sleep_ms(10);
	}
}

static void set_number(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	OK(fd);
	EXPECT_EQ(write(fd, text, strlen(text)), (long)strlen(text));
	close(fd);
}

static struct timespec in_ms(long ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

/* ---- opening ---- */

CASE(a_queue_has_a_name)
{
	mqd_t q = queue(), r = mq_open("/q", O_RDONLY);

	OK(r);
	EXPECT(q != r);
	OK(put(q, 1, "by name"));
	EXPECT_STR(take(r, 1), "by name");
}

CASE(open_errors)
{
	char longname[300];

	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(mq_open("/none", O_RDWR), ENOENT);
	EXPECT_ERRNO(syscall(SYS_mq_open, "", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
	EXPECT_ERRNO(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	EXPECT_ERRNO(syscall(SYS_mq_open, ".", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	EXPECT_ERRNO(syscall(SYS_mq_open, "..", O_RDWR, 0600, NULL), EACCES);
	EXPECT_ERRNO(syscall(SYS_mq_open, (void *)8, O_RDWR, 0600, NULL), EFAULT);
	EXPECT_ERRNO(syscall(SYS_mq_open, "x", O_RDWR | O_CREAT, 0600, (void *)8), EFAULT);
	memset(longname, 'n', sizeof(longname));
	longname[0] = '/';
	longname[257] = 0;
	EXPECT_ERRNO(mq_open(longname, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
	longname[256] = 0;
	OK(mq_open(longname, O_RDWR | O_CREAT, 0600, NULL));
	EXPECT_ERRNO(mq_open(longname, O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
	EXPECT_ERRNO(mq_open(longname, 3), EINVAL);
}

CASE(attributes_are_checked)
{
	struct mq_attr bad[] = {{.mq_maxmsg = 0, .mq_msgsize = 10},
				{.mq_maxmsg = 10, .mq_msgsize = 0},
				{.mq_maxmsg = -1, .mq_msgsize = 10},
				{.mq_maxmsg = 11, .mq_msgsize = 10},
				{.mq_maxmsg = 10, .mq_msgsize = 8193}};
	struct mq_attr good = {.mq_maxmsg = 10, .mq_msgsize = 8192};

	OK(unshare(CLONE_NEWIPC));
	become_nobody();
	for (unsigned i = 0; i < 5; i++)
		EXPECT_ERRNO(mq_open("/q", O_RDWR | O_CREAT, 0600, &bad[i]), EINVAL);
	OK(mq_open("/q", O_RDWR | O_CREAT, 0600, &good));
}

CASE(default_attributes)
{
	struct mq_attr a;
	mqd_t q;

	OK(unshare(CLONE_NEWIPC));
	q = mq_open("/q", O_RDONLY | O_CREAT | O_NONBLOCK, 0600, NULL);
	OK(mq_getattr(q, &a));
	EXPECT_EQ(a.mq_maxmsg, 10);
	EXPECT_EQ(a.mq_msgsize, 8192);
	EXPECT_EQ(a.mq_curmsgs, 0);
	EXPECT_EQ(a.mq_flags, O_NONBLOCK);
}

CASE(default_attributes_by_proc)
{
	struct mq_attr a;
	mqd_t q;

	OK(unshare(CLONE_NEWIPC));
	set_number("/proc/sys/fs/mqueue/msg_default", "3");
	set_number("/proc/sys/fs/mqueue/msgsize_default", "200\n");
	q = mq_open("/q", O_RDONLY | O_CREAT, 0600, NULL);
	OK(mq_getattr(q, &a));
	EXPECT_EQ(a.mq_maxmsg, 3);
	EXPECT_EQ(a.mq_msgsize, 200);
	OK(unshare(CLONE_NEWIPC));
	q = mq_open("/q", O_RDONLY | O_CREAT, 0600, NULL);
	OK(mq_getattr(q, &a));
	EXPECT_EQ(a.mq_maxmsg, 10);
}

CASE(limits_in_proc_are_checked)
{
	int fd;

	OK(unshare(CLONE_NEWIPC));
	fd = open("/proc/sys/fs/mqueue/msgsize_max", O_RDWR);
	OK(fd);
	EXPECT_ERRNO(write(fd, "127", 3), EINVAL);
	EXPECT_ERRNO(write(fd, "16777217", 8), EINVAL);
	EXPECT_EQ(write(fd, "128", 3), 3);
	fd = open("/proc/sys/fs/mqueue/msg_max", O_RDWR);
	EXPECT_ERRNO(write(fd, "0", 1), EINVAL);
	EXPECT_ERRNO(write(fd, "65537", 5), EINVAL);
}

CASE(how_many_queues)
{
	OK(unshare(CLONE_NEWIPC));
	set_number("/proc/sys/fs/mqueue/queues_max", "2");
	become_nobody();
	OK(mq_open("/a", O_RDWR | O_CREAT, 0600, NULL));
	OK(mq_open("/b", O_RDWR | O_CREAT, 0600, NULL));
	EXPECT_ERRNO(mq_open("/c", O_RDWR | O_CREAT, 0600, NULL), ENOSPC);
	OK(mq_open("/b", O_RDWR | O_CREAT, 0600, NULL));
}

CASE(bytes_have_a_limit)
{
	/* a queue costs the messages and 48 + 48 bytes for each */
	struct mq_attr a = {.mq_maxmsg = 10, .mq_msgsize = 100};
	struct rlimit r = {2 * 10 * 196 + 100, 2 * 10 * 196 + 100};
	mqd_t q;

	OK(unshare(CLONE_NEWIPC));
	OK(setresuid(54321, 54321, 54321)); /* nobody else's queues count */
	OK(setrlimit(RLIMIT_MSGQUEUE, &r));
	q = mq_open("/a", O_RDWR | O_CREAT, 0600, &a);
	OK(q);
	OK(mq_open("/b", O_RDWR | O_CREAT, 0600, &a));
	EXPECT_ERRNO(mq_open("/c", O_RDWR | O_CREAT, 0600, &a), EMFILE);
	OK(mq_unlink("/a"));
	EXPECT_ERRNO(mq_open("/c", O_RDWR | O_CREAT, 0600, &a), EMFILE); /* still open */
	OK(mq_close(q));
	OK(mq_open("/c", O_RDWR | O_CREAT, 0600, &a));
}

CASE(permissions)
{
	OK(unshare(CLONE_NEWIPC));
	umask(0);
	OK(mq_open("/r", O_RDWR | O_CREAT, 0604, NULL));
	OK(mq_open("/n", O_RDWR | O_CREAT, 0600, NULL));
	become_nobody();
	OK(mq_open("/r", O_RDONLY));
	EXPECT_ERRNO(mq_open("/r", O_WRONLY), EACCES);
	EXPECT_ERRNO(mq_open("/r", O_RDWR), EACCES);
	EXPECT_ERRNO(mq_open("/n", O_RDONLY), EACCES);
	EXPECT_ERRNO(syscall(SYS_mq_unlink, "r"), EPERM); /* the directory is sticky */
	OK(mq_open("/mine", O_RDWR | O_CREAT, 0600, NULL));
	OK(mq_unlink("/mine"));
}

CASE(the_umask_applies)
{
	struct stat st;
	mqd_t q;

	OK(unshare(CLONE_NEWIPC));
	umask(027);
	q = mq_open("/m", O_RDWR | O_CREAT, 0666, NULL);
	OK(fstat(q, &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0640);
	EXPECT_EQ(st.st_size, 80);
	EXPECT_EQ(st.st_nlink, 1);
}

CASE(descriptors_close_on_exec)
{
	EXPECT_EQ(fcntl(queue(), F_GETFD), FD_CLOEXEC);
}

CASE(unlink_takes_the_name)
{
	mqd_t q = queue();

	OK(put(q, 0, "old"));
	OK(mq_unlink("/q"));
	EXPECT_ERRNO(mq_open("/q", O_RDWR), ENOENT);
	EXPECT_ERRNO(mq_unlink("/q"), ENOENT);
	OK(mq_open("/q", O_RDWR | O_CREAT, 0600, NULL));
	EXPECT_STR(take(q, 0), "old");
}

CASE(namespaces_have_their_own)
{
	queue();
	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(mq_open("/q", O_RDWR), ENOENT);
}

/* ---- sending and receiving ---- */

CASE(priority_then_age)
{
	mqd_t q = queue();

	OK(put(q, 1, "low"));
	OK(put(q, 5, "high"));
	OK(put(q, 1, "low again"));
	OK(put(q, 32767, "highest"));
	EXPECT_STR(take(q, 32767), "highest");
	EXPECT_STR(take(q, 5), "high");
	EXPECT_STR(take(q, 1), "low");
	EXPECT_STR(take(q, 1), "low again");
}

CASE(an_empty_message)
{
	mqd_t q = queue();
	char buf[64];

	OK(mq_send(q, "", 0, 3));
	EXPECT_EQ(mq_receive(q, buf, sizeof(buf), NULL), 0);
}

CASE(send_errors)
{
	mqd_t q = queue(), r = mq_open("/q", O_RDONLY);
	char big[100] = "";

	EXPECT_ERRNO(mq_send(q, big, 65, 0), EMSGSIZE);
	EXPECT_ERRNO(mq_send(q, big, 1, 32768), EINVAL);
	EXPECT_ERRNO(mq_send(r, big, 1, 0), EBADF);
	EXPECT_ERRNO(mq_send(99, big, 1, 0), EBADF);
	EXPECT_ERRNO(mq_send(open("/", O_RDONLY), big, 1, 0), EBADF);
	EXPECT_ERRNO(mq_send(q, (void *)8, 1, 0), EFAULT);
	OK(mq_send(q, big, 64, 0));
}

CASE(receive_errors)
{
	mqd_t q = queue(), w = mq_open("/q", O_WRONLY);
	char buf[64];

	EXPECT_ERRNO(mq_receive(q, buf, 63, NULL), EMSGSIZE);
	EXPECT_ERRNO(mq_receive(w, buf, 64, NULL), EBADF);
	EXPECT_ERRNO(mq_receive(99, buf, 64, NULL), EBADF);
	OK(put(q, 0, "x"));
	EXPECT_ERRNO(mq_receive(q, (void *)8, 64, NULL), EFAULT);
}

CASE(not_waiting)
{
	mqd_t q = queue_of(2, 8, O_NONBLOCK);
	char buf[8];

	EXPECT_ERRNO(mq_receive(q, buf, 8, NULL), EAGAIN);
	OK(put(q, 0, "1"));
	OK(put(q, 0, "2"));
	EXPECT_ERRNO(put(q, 0, "3"), EAGAIN);
}

CASE(flags_can_be_changed)
{
	struct mq_attr a = {.mq_flags = O_NONBLOCK, .mq_maxmsg = 77}, old;
	mqd_t q = queue();
	char buf[64];

	OK(mq_setattr(q, &a, &old));
	EXPECT_EQ(old.mq_flags, 0);
	EXPECT_EQ(old.mq_maxmsg, 4);
	EXPECT_ERRNO(mq_receive(q, buf, 64, NULL), EAGAIN);
	OK(mq_getattr(q, &a));
	EXPECT_EQ(a.mq_flags, O_NONBLOCK);
	EXPECT_EQ(a.mq_maxmsg, 4);
	a.mq_flags = O_APPEND;
	EXPECT_ERRNO(mq_setattr(q, &a, NULL), EINVAL);
	EXPECT_ERRNO(mq_getattr(99, &a), EBADF);
	EXPECT_ERRNO(mq_getattr(open("/", O_RDONLY), &a), EBADF);
	EXPECT_ERRNO(syscall(SYS_mq_getsetattr, q, (void *)8, NULL), EFAULT);
	EXPECT_ERRNO(syscall(SYS_mq_getsetattr, q, NULL, (void *)8), EFAULT);
}

CASE(curmsgs_counts)
{
	struct mq_attr a;
	mqd_t q = queue();

	OK(put(q, 0, "1"));
	OK(put(q, 9, "2"));
	OK(mq_getattr(q, &a));
	EXPECT_EQ(a.mq_curmsgs, 2);
	take(q, 9);
	OK(mq_getattr(q, &a));
	EXPECT_EQ(a.mq_curmsgs, 1);
}

CASE(timeouts)
{
	mqd_t q = queue_of(1, 8, 0);
	struct timespec ts = in_ms(40), past = {0, 0}, bad = {0, 1000000000};
	uint64_t before = now_ms();
	char buf[8];

	EXPECT_ERRNO(mq_timedreceive(q, buf, 8, NULL, &ts), ETIMEDOUT);
	EXPECT(now_ms() - before >= 35);
	EXPECT_ERRNO(mq_timedreceive(q, buf, 8, NULL, &past), ETIMEDOUT);
	EXPECT_ERRNO(mq_timedreceive(q, buf, 8, NULL, &bad), EINVAL);
	EXPECT_ERRNO(syscall(SYS_mq_timedreceive, q, buf, 8, NULL, (void *)8), EFAULT);
	OK(mq_timedsend(q, "1", 1, 0, &past)); /* there is room: nobody looks at the time */
	ts = in_ms(40);
	EXPECT_ERRNO(mq_timedsend(q, "2", 1, 0, &ts), ETIMEDOUT);
	EXPECT_EQ(mq_timedreceive(q, buf, 8, NULL, &past), 1);
}

CASE(a_receiver_waits)
{
	mqd_t q = queue();
	pid_t pid = fork();

	if (!pid)
		_exit(strcmp(take(q, 7), "here"));
	await_sleep(pid);
	OK(put(q, 7, "here"));
	expect_exit(pid, 0);
}

CASE(receivers_are_served_in_order)
{
	mqd_t q = queue();
	pid_t a, b;

	a = fork();
	if (!a)
		_exit(take(q, 0)[0]);
	await_sleep(a);
	b = fork();
	if (!b)
		_exit(take(q, 0)[0]);
	await_sleep(b);
	OK(put(q, 0, "\001"));
	OK(put(q, 0, "\002"));
	expect_exit(a, 1);
	expect_exit(b, 2);
}

CASE(a_sender_waits)
{
	mqd_t q = queue_of(1, 64, 0);
	struct mq_attr a;
	pid_t pid;

	OK(put(q, 0, "first"));
	pid = fork();
	if (!pid)
		_exit(put(q, 5, "second") ? 1 : 0);
	await_sleep(pid);
	EXPECT_STR(take(q, 0), "first");
	expect_exit(pid, 0);
	OK(mq_getattr(q, &a));
	EXPECT_EQ(a.mq_curmsgs, 1);
	EXPECT_STR(take(q, 5), "second");
}

static void nothing(int sig)
{
}

CASE(a_signal_interrupts_or_restarts)
{
	struct sigaction sa = {.sa_handler = nothing};
	mqd_t q = queue();
	char buf[64];
	pid_t pid = fork();

	if (!pid) {
		sigaction(SIGUSR1, &sa, NULL);
		if (mq_receive(q, buf, 64, NULL) != -1 || errno != EINTR)
			_exit(1);
		sa.sa_flags = SA_RESTART;
		sigaction(SIGUSR1, &sa, NULL);
		_exit(mq_receive(q, buf, 64, NULL) == 2 ? 0 : 2);
	}
	await_sleep(pid);
	kill(pid, SIGUSR1);
	await_sleep(pid);
	kill(pid, SIGUSR1);
	await_sleep(pid);
	OK(put(q, 0, "x"));
	expect_exit(pid, 0);
}

CASE(a_killed_waiter_is_gone)
{
	mqd_t q = queue();
	pid_t pid = fork();

	if (!pid)
		_exit(strlen(take(q, 0)));
	await_sleep(pid);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	OK(put(q, 0, "mine"));
	EXPECT_STR(take(q, 0), "mine");
}

/* ---- poll ---- */

CASE(polling)
{
	mqd_t q = queue_of(1, 8, 0);
	struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
	char buf[8];

	EXPECT_EQ(poll(&p, 1, 0), 1);
	EXPECT_EQ(p.revents, POLLOUT);
	OK(put(q, 0, "1"));
	EXPECT_EQ(poll(&p, 1, 0), 1);
	EXPECT_EQ(p.revents, POLLIN);
	OK(mq_receive(q, buf, 8, NULL));
	p.events = POLLIN;
	EXPECT_EQ(poll(&p, 1, 20), 0);
}

CASE(epoll_is_woken)
{
	mqd_t q = queue();
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET}, got;
	int e = epoll_create1(0);
	pid_t pid;

	OK(epoll_ctl(e, EPOLL_CTL_ADD, q, &ev));
	EXPECT_EQ(epoll_wait(e, &got, 1, 0), 0);
	pid = fork();
	if (!pid) {
		sleep_ms(30);
		_exit(put(q, 0, "x") ? 1 : 0);
	}
	EXPECT_EQ(epoll_wait(e, &got, 1, 5000), 1);
	EXPECT_EQ(got.events, EPOLLIN);
	expect_exit(pid, 0);
}

CASE(poll_sees_room)
{
	mqd_t q = queue_of(1, 8, 0);
	struct pollfd p = {.fd = q, .events = POLLOUT};
	char buf[8];
	pid_t pid;

	OK(put(q, 0, "1"));
	EXPECT_EQ(poll(&p, 1, 0), 0);
	pid = fork();
	if (!pid) {
		sleep_ms(30);
		_exit(mq_receive(q, buf, 8, NULL) == 2 ? 0 : 1);
	}
	EXPECT_EQ(poll(&p, 1, 5000), 1);
	expect_exit(pid, 0);
}

/* ---- notification ---- */

CASE(a_signal_tells_of_the_first_message)
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value = {.sival_int = 4711}};
	struct timespec soon = {5, 0}, now = {0, 0};
	mqd_t q = queue();
	siginfo_t si;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	OK(mq_notify(q, &ev));
	pid = fork();
	if (!pid)
		_exit(put(q, 0, "x") ? 1 : 0);
	EXPECT_EQ(sigtimedwait(&set, &si, &soon), SIGUSR1);
	EXPECT_EQ(si.si_code, SI_MESGQ);
	EXPECT_EQ(si.si_pid, pid);
	EXPECT_EQ(si.si_uid, 0);
	EXPECT_EQ(si.si_value.sival_int, 4711);
	expect_exit(pid, 0);
	take(q, 0);
	OK(put(q, 0, "again")); /* once only */
	EXPECT_ERRNO(sigtimedwait(&set, &si, &now), EAGAIN);
}

CASE(a_message_among_others_tells_nobody)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct timespec now = {0, 0};
	mqd_t q = queue();
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	OK(put(q, 0, "there"));
	OK(mq_notify(q, &ev));
	OK(put(q, 0, "more"));
	EXPECT_ERRNO(sigtimedwait(&set, NULL, &now), EAGAIN);
	take(q, 0);
	take(q, 0);
	OK(put(q, 0, "first again"));
	EXPECT_EQ(sigtimedwait(&set, NULL, &now), SIGUSR1);
}

CASE(a_waiting_receiver_comes_before_notification)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct timespec now = {0, 0};
	mqd_t q = queue();
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	OK(mq_notify(q, &ev));
	pid = fork();
	if (!pid)
		_exit(strcmp(take(q, 0), "x"));
	await_sleep(pid);
	OK(put(q, 0, "x"));
	expect_exit(pid, 0);
	EXPECT_ERRNO(sigtimedwait(&set, NULL, &now), EAGAIN);
	OK(put(q, 0, "y"));
	EXPECT_EQ(sigtimedwait(&set, NULL, &now), SIGUSR1);
}

CASE(only_one_may_wait_for_notice)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	mqd_t q = queue();
	pid_t pid;

	OK(mq_notify(q, &ev));
	EXPECT_ERRNO(mq_notify(q, &ev), EBUSY);
	pid = fork();
	if (!pid) {
		EXPECT_ERRNO(mq_notify(q, &ev), EBUSY);
		OK(mq_notify(q, NULL)); /* not ours: nothing happens */
		EXPECT_ERRNO(mq_notify(q, &ev), EBUSY);
		_exit(0);
	}
	expect_exit(pid, 0);
	OK(mq_notify(q, NULL));
	OK(mq_notify(q, &ev));
}

CASE(notice_ends_with_close_and_exit)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	mqd_t q = queue(), r = mq_open("/q", O_RDONLY);
	pid_t pid = fork();

	if (!pid)
		_exit(mq_notify(q, &ev) ? 1 : 0);
	expect_exit(pid, 0);
	OK(mq_notify(q, &ev));
	OK(mq_close(r));
	OK(mq_notify(q, &ev));
}

CASE(notify_errors)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
	mqd_t q = queue();

	EXPECT_ERRNO(mq_notify(q, &ev), EINVAL);
	ev.sigev_notify = 7;
	EXPECT_ERRNO(mq_notify(q, &ev), EINVAL);
	ev.sigev_notify = SIGEV_NONE;
	EXPECT_ERRNO(mq_notify(99, &ev), EBADF);
	EXPECT_ERRNO(mq_notify(open("/", O_RDONLY), &ev), EBADF);
	EXPECT_ERRNO(mq_notify(99, NULL), EBADF);
	EXPECT_ERRNO(syscall(SYS_mq_notify, q, (void *)8), EFAULT);
	ev.sigev_notify = SIGEV_THREAD;
	ev.sigev_value.sival_ptr = (void *)8;
	EXPECT_ERRNO(syscall(SYS_mq_notify, q, &ev), EFAULT);
	ev.sigev_value.sival_ptr = (char[32]){0};
	ev.sigev_signo = 99;
	EXPECT_ERRNO(syscall(SYS_mq_notify, q, &ev), EBADF);
	ev.sigev_signo = q;
	EXPECT_ERRNO(syscall(SYS_mq_notify, q, &ev), ENOTSOCK);
}

/* ---- the file system ---- */

static void mount_here(void)
{
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("m", 0755));
	OK(mount("none", "m", "mqueue", 0, NULL));
}

CASE(a_queue_is_a_file)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	char buf[200] = "", want[100];
	mqd_t q = queue();
	struct stat st;
	int fd;

	mount_here();
	OK(stat("m/q", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0600);
	fd = open("m/q", O_RDONLY);
	OK(fd);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 60);
	EXPECT_STR(buf, "QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 0);
	OK(put(q, 0, "123"));
	OK(put(q, 0, "12"));
	OK(mq_notify(q, &ev));
	OK(lseek(fd, 0, SEEK_SET));
	OK(read(fd, buf, sizeof(buf)));
	snprintf(want, sizeof(want), "QSIZE:7          NOTIFY:0     SIGNO:%-5d NOTIFY_PID:%-6d\n", SIGUSR1,
		 getpid());
	EXPECT_STR(buf, want);
}

CASE(a_file_is_a_queue)
{
	struct mq_attr a;
	int fd;

	OK(unshare(CLONE_NEWIPC));
	mount_here();
	fd = open("m/new", O_RDWR | O_CREAT, 0600);
	OK(fd);
	OK(put(fd, 3, "through the file"));
	OK(mq_getattr(fd, &a));
	EXPECT_EQ(a.mq_maxmsg, 10);
	EXPECT_EQ(a.mq_curmsgs, 1);
	OK(mq_open("/new", O_RDONLY));
	OK(unlink("m/new"));
	EXPECT_ERRNO(mq_open("/new", O_RDONLY), ENOENT);
	EXPECT_ERRNO(mkdir("m/dir", 0755), EPERM);
}

CASE(all_mounts_of_a_namespace_are_one)
{
	struct statfs sf;
	struct stat a, b;

	queue();
	mount_here();
	OK(mkdir("n", 0755));
	OK(mount("none", "n", "mqueue", 0, NULL));
	OK(stat("m/q", &a));
	OK(stat("n/q", &b));
	EXPECT(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	OK(statfs("n", &sf));
	EXPECT_EQ(sf.f_type, 0x19800202);
	OK(stat("m", &a));
	EXPECT_EQ(a.st_mode, S_IFDIR | 01777);
	OK(umount("n"));
	OK(stat("m/q", &a));
}

CASE(a_mount_outlives_its_namespace)
{
	queue();
	mount_here();
	OK(unshare(CLONE_NEWIPC));
	OK(access("m/q", F_OK));
	EXPECT_ERRNO(open("m/late", O_RDWR | O_CREAT, 0600), EACCES);
	EXPECT_ERRNO(mq_open("/q", O_RDWR), ENOENT);
}

static void *receive_many(void *p)
{
	char buf[8];
	intptr_t sum = 0;

	for (int i = 0; i < 1000; i++) {
		OK(mq_receive(*(mqd_t *)p, buf, 8, NULL));
		sum += buf[0];
	}
	return (void *)sum;
}

CASE(many_messages_between_threads)
{
	mqd_t q = queue_of(3, 8, 0);
	intptr_t sum = 0, want = 0;
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, receive_many, &q);
	for (int i = 0; i < 2000; i++) {
		char c = (char)(i % 100);
		want += c;
		OK(mq_send(q, &c, 1, (unsigned)i % 7));
	}
	for (int i = 0; i < 2; i++) {
		void *r;
		pthread_join(t[i], &r);
		sum += (intptr_t)r;
	}
	EXPECT_EQ(sum, want);
}

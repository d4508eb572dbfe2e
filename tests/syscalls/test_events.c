/*
 * test_events.c - epoll, poll, signalfd, timerfd and eventfd where it gets subtle.
 */
#include "case.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int modify(int ep, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

/* How many are ready now; the first in *e. */
static int ready(int ep, struct epoll_event *e)
{
	struct epoll_event all[16];
	int n = epoll_wait(ep, all, 16, 0);

	if (n > 0)
		*e = all[0];
	return n;
}

CASE(epoll_oneshot_and_again)
{
	struct epoll_event e;
	int ep = epoll_create1(0), ev = eventfd(1, 0);

	OK(add(ep, ev, EPOLLIN | EPOLLONESHOT));
	EXPECT_EQ(ready(ep, &e), 1);
	EXPECT_EQ(ready(ep, &e), 0);
	OK(modify(ep, ev, EPOLLIN | EPOLLONESHOT)); /* armed again, and it is ready */
	EXPECT_EQ(ready(ep, &e), 1);
	EXPECT_EQ(ready(ep, &e), 0);
	OK(modify(ep, ev, EPOLLIN));
	EXPECT_EQ(ready(ep, &e), 1);
	EXPECT_EQ(ready(ep, &e), 1);
}

CASE(epoll_edge_needs_a_new_edge)
{
	struct epoll_event e;
	int ep = epoll_create1(0), p[2];
	char c;

	OK(pipe(p));
	OK(add(ep, p[0], EPOLLIN | EPOLLET));
	EXPECT_EQ(ready(ep, &e), 0);
	EXPECT_EQ(write(p[1], "ab", 2), 2);
	EXPECT_EQ(ready(ep, &e), 1);
	EXPECT_EQ(read(p[0], &c, 1), 1);
	EXPECT_EQ(ready(ep, &e), 0); /* there is more, but nothing new */
	EXPECT_EQ(write(p[1], "c", 1), 1);
	EXPECT_EQ(ready(ep, &e), 1);
	OK(modify(ep, p[0], EPOLLIN | EPOLLET)); /* a change looks anew */
	EXPECT_EQ(ready(ep, &e), 1);
	close(p[1]);
	EXPECT_EQ(ready(ep, &e), 1);
	EXPECT(e.events & EPOLLHUP);
}

CASE(epoll_exclusive_rules)
{
	int ep = epoll_create1(0), ev = eventfd(0, 0), other = epoll_create1(0);

	OK(add(ep, ev, EPOLLIN | EPOLLEXCLUSIVE));
	EXPECT_ERRNO(modify(ep, ev, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	EXPECT_ERRNO(modify(ep, ev, EPOLLIN), EINVAL); /* not changed at all any more */
	OK(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL));
	EXPECT_ERRNO(add(ep, ev, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
	EXPECT_ERRNO(add(ep, other, EPOLLIN | EPOLLEXCLUSIVE), EINVAL); /* no epoll in it */
	OK(add(ep, ev, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE));
}

static int g_woken;
static int g_eps[4];

static void *waits(void *arg)
{
	struct epoll_event e;

	if (epoll_wait(*(int *)arg, &e, 1, 2000) == 1)
		__atomic_add_fetch(&g_woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

CASE(epoll_exclusive_wakes_not_all)
{
	pthread_t th[4];
	uint64_t one = 1;
	int ev = eventfd(0, 0), woken;

	for (int i = 0; i < 4; i++) {
		g_eps[i] = epoll_create1(0);
		OK(add(g_eps[i], ev, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET));
		EXPECT_EQ(pthread_create(&th[i], NULL, waits, &g_eps[i]), 0);
	}
	sleep_ms(300);
	EXPECT_EQ(write(ev, &one, 8), 8);
	for (int i = 0; i < 100 && !__atomic_load_n(&g_woken, __ATOMIC_SEQ_CST); i++)
		sleep_ms(10);
	sleep_ms(100);
	woken = __atomic_load_n(&g_woken, __ATOMIC_SEQ_CST);
	EXPECT(woken >= 1 && woken < 4); /* "one or more", never all of these */
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
}

CASE(epoll_of_epoll)
{
	struct epoll_event e;
	int outer = epoll_create1(0), inner = epoll_create1(0), ev = eventfd(0, 0), deep, last;
	uint64_t one = 1;

	OK(add(outer, inner, EPOLLIN));
	OK(add(inner, ev, EPOLLIN));
	EXPECT_EQ(ready(outer, &e), 0);
	EXPECT_EQ(write(ev, &one, 8), 8);
	EXPECT_EQ(ready(outer, &e), 1);
	EXPECT_EQ(e.data.fd, inner);
	EXPECT_ERRNO(add(inner, outer, EPOLLIN), ELOOP); /* a circle */
	EXPECT_ERRNO(add(outer, outer, EPOLLIN), EINVAL);
	last = outer;
	for (deep = 0; deep < 10; deep++) {
		int next = epoll_create1(0);
		if (add(next, last, EPOLLIN)) {
			EXPECT_EQ(errno, ELOOP);
			break;
		}
		last = next;
	}
	EXPECT(deep < 10); /* five at most */
	EXPECT_EQ(read(ev, &one, 8), 8);
	EXPECT_EQ(ready(outer, &e), 0);
}

CASE(epoll_ctl_errors)
{
	struct epoll_event e = {.events = EPOLLIN};
	int ep = epoll_create1(0), ev = eventfd(0, 0), file = make_file("f", "");

	OK(add(ep, ev, EPOLLIN));
	EXPECT_ERRNO(add(ep, ev, EPOLLIN), EEXIST);
	EXPECT_ERRNO(add(ep, file, EPOLLIN), EPERM); /* plain files are always ready */
	EXPECT_ERRNO(add(ep, open(".", O_RDONLY), EPOLLIN), EPERM);
	EXPECT_ERRNO(add(ep, 0x7000, EPOLLIN), EBADF);
	EXPECT_ERRNO(add(ev, ev, EPOLLIN), EINVAL);
	EXPECT_ERRNO(epoll_ctl(ep, 77, ev, &e), EINVAL);
	EXPECT_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, ev, (void *)8), EFAULT);
	EXPECT_ERRNO(modify(ep, file, EPOLLIN), EPERM);
	EXPECT_ERRNO(modify(ep, eventfd(0, 0), EPOLLIN), ENOENT);
	EXPECT_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, eventfd(0, 0), NULL), ENOENT);
	EXPECT_ERRNO(epoll_wait(ep, &e, 0, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_epoll_wait, ep, &e, -1L, 0), EINVAL);
	EXPECT_ERRNO(epoll_wait(ev, &e, 1, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_epoll_wait, -1, &e, 1, 0), EBADF);
}

CASE(epoll_same_file_by_two_descriptors)
{
	struct epoll_event all[4];
	int ep = epoll_create1(0), ev = eventfd(1, 0), twin = dup(ev);

	OK(add(ep, ev, EPOLLIN));
	OK(add(ep, twin, EPOLLIN)); /* another key */
	EXPECT_EQ(epoll_wait(ep, all, 4, 0), 2);
	close(ev); /* its file lives on in the twin, and so does its entry */
	EXPECT_EQ(epoll_wait(ep, all, 4, 0), 2);
	EXPECT_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL), EBADF);
	close(twin);
	EXPECT_EQ(epoll_wait(ep, all, 4, 0), 0);
}

CASE(epoll_takes_turns)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fds[4], seen = 0;

	for (int i = 0; i < 4; i++) {
		fds[i] = eventfd(1, 0);
		OK(add(ep, fds[i], EPOLLIN));
	}
	for (int i = 0; i < 4; i++) { /* with room for one, nobody starves */
		EXPECT_EQ(epoll_wait(ep, &e, 1, 0), 1);
		for (int k = 0; k < 4; k++)
			seen |= (e.data.fd == fds[k]) << k;
	}
	EXPECT_EQ(seen, 15);
}

CASE(epoll_reports_errors_unasked)
{
	struct epoll_event e;
	int ep = epoll_create1(0), p[2], s[2];

	OK(pipe(p));
	OK(add(ep, p[1], 0));
	EXPECT_EQ(ready(ep, &e), 0);
	close(p[0]);
	EXPECT_EQ(ready(ep, &e), 1);
	EXPECT_EQ(e.events, EPOLLERR);
	close(p[1]);
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(add(ep, s[0], EPOLLRDHUP));
	OK(shutdown(s[1], SHUT_WR));
	EXPECT_EQ(ready(ep, &e), 1);
	EXPECT_EQ(e.events, EPOLLRDHUP);
	close(s[1]);
	EXPECT_EQ(ready(ep, &e), 1);
	EXPECT(e.events & EPOLLHUP);
}

CASE(epoll_pwait_swaps_the_mask)
{
	struct epoll_event e;
	sigset_t all, none;
	int ep = epoll_create1(0), ev = eventfd(1, 0);

	signal(SIGUSR1, SIG_DFL);
	sigfillset(&all);
	sigemptyset(&none);
	OK(sigprocmask(SIG_BLOCK, &all, NULL));
	OK(add(ep, ev, EPOLLIN));
	EXPECT_EQ(epoll_pwait(ep, &e, 1, -1, &none), 1);
	EXPECT_ERRNO(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &none, 4), EINVAL); /* the size of a mask */
	EXPECT_ERRNO(syscall(SYS_epoll_pwait, ep, &e, 1, 0, 8, 8), EFAULT);
	EXPECT_ERRNO(epoll_pwait(ep, &e, 0, 0, NULL), EINVAL);
}

CASE(epoll_pwait2_counts_in_nanoseconds)
{
	struct timespec ts = {0, 5000000}, bad = {0, 1000000000};
	struct epoll_event e;
	int ep = epoll_create1(0);
	uint64_t from = now_ms();

	EXPECT_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, &ts, NULL, 8), 0);
	EXPECT(now_ms() - from >= 4);
	EXPECT_ERRNO(syscall(SYS_epoll_pwait2, ep, &e, 1, &bad, NULL, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_epoll_pwait2, ep, &e, 1, 8, NULL, 8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_epoll_pwait2, 0x7000, &e, 1, &ts, NULL, 8), EBADF);
}

CASE(ppoll_says_what_is_left)
{
	struct timespec ts = {5, 0}, bad = {-1, 0};
	struct pollfd p = {.fd = eventfd(1, 0), .events = POLLIN};

	EXPECT_EQ(syscall(SYS_ppoll, &p, 1, &ts, NULL, 8), 1);
	EXPECT(ts.tv_sec <= 5 && ts.tv_sec >= 1); /* the bare call writes it back */
	EXPECT_ERRNO(syscall(SYS_ppoll, &p, 1, &bad, NULL, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_ppoll, &p, 1, NULL, &ts, 4), EINVAL);
	EXPECT_ERRNO(syscall(SYS_ppoll, 8, 1, NULL, NULL, 8), EFAULT);
}

CASE(poll_edges)
{
	struct pollfd p[2] = {{.fd = -1, .events = POLLIN, .revents = 77}, {.fd = -5}};
	struct rlimit l;
	static struct pollfd many[70];

	EXPECT_EQ(poll(p, 2, 0), 0); /* negative ones are passed over, and say so */
	EXPECT_EQ(p[0].revents, 0);
	EXPECT_ERRNO(syscall(SYS_poll, 8, 1, 0), EFAULT);
	OK(getrlimit(RLIMIT_NOFILE, &l));
	l.rlim_cur = 64;
	OK(setrlimit(RLIMIT_NOFILE, &l));
	EXPECT_ERRNO(syscall(SYS_poll, many, 70, 0), EINVAL); /* more than one may have */
	EXPECT_EQ(poll(NULL, 0, 1), 0);
}

CASE(eventfd_edges)
{
	uint64_t v = 0xfffffffffffffffeULL;
	struct pollfd p;
	int fd = eventfd(0, EFD_NONBLOCK);
	char small[7];

	EXPECT_ERRNO(read(fd, &v, 8), EAGAIN);
	v = 0xffffffffffffffffULL;
	EXPECT_ERRNO(write(fd, &v, 8), EINVAL);
	EXPECT_ERRNO(write(fd, &v, 4), EINVAL);
	EXPECT_ERRNO(read(fd, small, 7), EINVAL);
	v = 0xfffffffffffffffeULL; /* the most */
	EXPECT_EQ(write(fd, &v, 8), 8);
	p = (struct pollfd){.fd = fd, .events = POLLIN | POLLOUT};
	EXPECT_EQ(poll(&p, 1, 0), 1);
	EXPECT_EQ(p.revents, POLLIN);
	v = 1;
	EXPECT_ERRNO(write(fd, &v, 8), EAGAIN);
	v = 0;
	EXPECT_EQ(write(fd, &v, 8), 8);
	EXPECT_EQ(read(fd, &v, 8), 8);
	EXPECT_EQ(v, 0xfffffffffffffffeULL);
	EXPECT_ERRNO(eventfd(0, 0x100), EINVAL);
	EXPECT_EQ(lseek(fd, 5, SEEK_SET), 0); /* goes nowhere, and says no error */
	EXPECT_ERRNO(pread(fd, &v, 8, 0), ESPIPE);
}

CASE(timerfd_edges)
{
	struct itimerspec it = {{0, 0}, {100, 0}}, got;
	uint64_t v;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), real;

	EXPECT_ERRNO(read(fd, &v, 8), EAGAIN);
	OK(timerfd_settime(fd, 0, &it, NULL));
	OK(timerfd_gettime(fd, &got));
	EXPECT(got.it_value.tv_sec >= 90 && got.it_value.tv_sec <= 100);
	it = (struct itimerspec){{0, 0}, {0, 0}};
	OK(timerfd_settime(fd, 0, &it, &got)); /* off; the old one is told */
	EXPECT(got.it_value.tv_sec >= 90);
	OK(timerfd_gettime(fd, &got));
	EXPECT(!got.it_value.tv_sec && !got.it_value.tv_nsec);
	it.it_value.tv_nsec = 1000000000;
	EXPECT_ERRNO(timerfd_settime(fd, 0, &it, NULL), EINVAL);
	it.it_value.tv_nsec = 1;
	EXPECT_ERRNO(timerfd_settime(fd, 8, &it, NULL), EINVAL);
	EXPECT_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	EXPECT_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	EXPECT_ERRNO(timerfd_gettime(eventfd(0, 0), &got), EINVAL);
	EXPECT_ERRNO(timerfd_gettime(-1, &got), EBADF);
	EXPECT_ERRNO(timerfd_gettime(fd, (void *)8), EFAULT);
	EXPECT_ERRNO(write(fd, &v, 8), EINVAL);
	real = timerfd_create(CLOCK_REALTIME, 0);
	it = (struct itimerspec){{0, 0}, {time(NULL) - 10, 0}};
	OK(timerfd_settime(real, TFD_TIMER_ABSTIME, &it, NULL)); /* past: at once */
	EXPECT_EQ(read(real, &v, 8), 8);
	EXPECT_EQ(v, 1);
}

CASE(timerfd_is_shared_after_fork)
{
	struct itimerspec it = {{0, 0}, {0, 50000000}};
	uint64_t v = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	pid_t pid = fork();

	if (!pid) {
		OK(timerfd_settime(fd, 0, &it, NULL));
		_exit(0);
	}
	EXPECT_EQ(read(fd, &v, 8), 8); /* the child's setting is ours */
	EXPECT_EQ(v, 1);
	expect_exit(pid, 0);
}

CASE(signalfd_edges)
{
	struct signalfd_siginfo si[3];
	sigset_t set;
	pid_t pid;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGKILL); /* silently left out */
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	OK(fd);
	EXPECT_ERRNO(read(fd, si, sizeof(si)), EAGAIN);
	EXPECT_ERRNO(read(fd, si, sizeof(si[0]) - 1), EINVAL);
	OK(kill(getpid(), SIGUSR1));
	OK(kill(getpid(), SIGUSR1)); /* one of a kind */
	OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5}));
	EXPECT_EQ(read(fd, si, sizeof(si)), 2 * sizeof(si[0]));
	EXPECT_EQ(si[0].ssi_signo, SIGUSR1);
	EXPECT_EQ(si[0].ssi_pid, getpid());
	EXPECT_EQ(si[1].ssi_signo, SIGRTMIN);
	EXPECT_EQ(si[1].ssi_int, 5);
	EXPECT_EQ(si[1].ssi_code, SI_QUEUE);
	/* it gives who reads their signals, not who made it */
	OK(kill(getpid(), SIGUSR1));
	pid = fork();
	if (!pid)
		_exit(read(fd, si, sizeof(si)) == -1 && errno == EAGAIN ? 0 : 1);
	expect_exit(pid, 0);
	sigemptyset(&set);
	EXPECT_EQ(signalfd(fd, &set, 0), fd); /* another set */
	EXPECT_ERRNO(read(fd, si, sizeof(si)), EAGAIN);
}

CASE(signalfd_in_epoll)
{
	struct epoll_event e;
	struct signalfd_siginfo si;
	sigset_t set;
	int ep = epoll_create1(0), fd;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = signalfd(-1, &set, 0);
	OK(add(ep, fd, EPOLLIN));
	EXPECT_EQ(ready(ep, &e), 0);
	pid = fork();
	if (!pid)
		_exit(3);
	EXPECT_EQ(epoll_wait(ep, &e, 1, 5000), 1);
	EXPECT_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	EXPECT_EQ(si.ssi_pid, pid);
	EXPECT_EQ(si.ssi_code, CLD_EXITED);
	EXPECT_EQ(si.ssi_status, 3);
	expect_exit(pid, 3);
}

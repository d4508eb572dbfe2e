/* poll(2), select(2), epoll(7), eventfd(2), timerfd_create(2), signalfd(2). */
#include "case.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static char buf[64];
static int p[2];

static void make_pipe(void)
{
	OK(pipe(p));
}

CASE(poll_pipe)
{
	struct pollfd f;
	make_pipe();
	f = (struct pollfd){p[0], POLLIN, 0};
	EXPECT_EQ(poll(&f, 1, 0), 0);
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(poll(&f, 1, 1000), 1);
	EXPECT_EQ(f.revents, POLLIN);
	EXPECT_EQ(read(p[0], buf, 1), 1);
	close(p[1]);
	EXPECT_EQ(poll(&f, 1, 0), 1);
	EXPECT_EQ(f.revents, POLLHUP);
}
CASE(poll_bad_descriptor)
{
	struct pollfd f[2] = {{99, POLLIN, 0}, {-1, POLLIN, 7}};
	EXPECT_EQ(poll(f, 2, 0), 1);
	EXPECT_EQ(f[0].revents, POLLNVAL);
	EXPECT_EQ(f[1].revents, 0);
}
CASE(poll_timeout)
{
	uint64_t start = now_ms();
	EXPECT_EQ(poll(NULL, 0, 60), 0);
	EXPECT(now_ms() - start >= 55);
}
CASE(poll_regular_file_is_ready)
{
	struct pollfd f = {make_file("f", ""), POLLIN | POLLOUT, 0};
	EXPECT_EQ(poll(&f, 1, -1), 1);
	EXPECT_EQ(f.revents, POLLIN | POLLOUT);
}
CASE(poll_writer_sees_error)
{
	struct pollfd f;
	make_pipe();
	close(p[0]);
	f = (struct pollfd){p[1], POLLOUT, 0};
	EXPECT_EQ(poll(&f, 1, 0), 1);
	EXPECT(f.revents & POLLERR);
}
CASE(poll_woken_by_child)
{
	struct pollfd f;
	make_pipe();
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(60);
		_exit(write(p[1], "x", 1) != 1);
	}
	f = (struct pollfd){p[0], POLLIN, 0};
	EXPECT_EQ(poll(&f, 1, 5000), 1);
	expect_exit(pid, 0);
}
static void on_alarm(int sig)
{
}
CASE(poll_interrupted)
{
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct timespec ts = {0, 0};
	(void)ts;
	OK(sigaction(SIGUSR1, &sa, NULL));
	pid_t parent = getpid(), pid = fork();
	if (!pid) {
		sleep_ms(60);
		_exit(kill(parent, SIGUSR1) != 0);
	}
	EXPECT_ERRNO(poll(NULL, 0, 5000), EINTR); /* never restarted */
	expect_exit(pid, 0);
}
CASE(ppoll_mask)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct timespec ts = {2, 0};
	sigset_t block, none;
	OK(sigaction(SIGUSR1, &sa, NULL));
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &block, NULL));
	OK(raise(SIGUSR1));
	EXPECT_ERRNO(ppoll(NULL, 0, &ts, &none), EINTR);
	OK(sigprocmask(SIG_BLOCK, NULL, &none));
	EXPECT(sigismember(&none, SIGUSR1));
}
CASE(select_sets)
{
	struct timeval tv = {1, 0};
	fd_set r, w;
	make_pipe();
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	EXPECT_EQ(select(p[1] + 1, &r, &w, NULL, &tv), 1);
	EXPECT(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
	FD_ZERO(&r);
	FD_SET(60, &r);
	EXPECT_ERRNO(select(61, &r, NULL, NULL, &tv), EBADF);
	EXPECT_ERRNO(select(-1, NULL, NULL, NULL, NULL), EINVAL);
}
CASE(select_time_left)
{
	struct timeval tv = {5, 0};
	fd_set r;
	make_pipe();
	EXPECT_EQ(write(p[1], "x", 1), 1);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	EXPECT_EQ(select(p[0] + 1, &r, NULL, NULL, &tv), 1);
	EXPECT(tv.tv_sec >= 4);
}
CASE(pselect_timeout)
{
	struct timespec ts = {0, 50000000};
	uint64_t start = now_ms();
	EXPECT_EQ(pselect(0, NULL, NULL, NULL, &ts, NULL), 0);
	EXPECT(now_ms() - start >= 45);
}
CASE(select_timeout_in_read_only_memory)
{
	struct timeval *tv = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd_set r;
	make_pipe();
	EXPECT_EQ(write(p[1], "x", 1), 1);
	tv->tv_sec = 5;
	OK(mprotect(tv, 4096, PROT_READ));
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	EXPECT_EQ(syscall(SYS_select, p[0] + 1, &r, NULL, NULL, tv), 1);
	EXPECT(FD_ISSET(p[0], &r));
	EXPECT_EQ(tv->tv_sec, 5);
}
CASE(select_sets_in_read_only_memory)
{
	struct timeval tv = {0, 0};
	fd_set *r = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	make_pipe();
	FD_SET(p[0], r);
	OK(mprotect(r, 4096, PROT_READ));
	EXPECT_ERRNO(syscall(SYS_select, p[0] + 1, r, NULL, NULL, &tv), EFAULT);
	OK(munmap(r, 4096));
	EXPECT_ERRNO(syscall(SYS_select, p[0] + 1, r, NULL, NULL, &tv), EFAULT);
}
CASE(select_leaves_bits_beyond)
{
	struct timeval tv = {0, 0};
	uint64_t sets[3] = {0, ~0UL, ~0UL};
	make_pipe();
	sets[0] = 1UL << p[0];
	EXPECT_EQ(syscall(SYS_select, 64, sets, NULL, NULL, &tv), 0);
	EXPECT(sets[0] == 0 && sets[1] == ~0UL && sets[2] == ~0UL);
}
CASE(poll_many)
{
	static struct pollfd many[1000];
	make_pipe();
	EXPECT_EQ(write(p[1], "x", 1), 1);
	for (int i = 0; i < 1000; i++)
		many[i] = (struct pollfd){i % 2 ? -1 : p[0], POLLIN, 77};
	EXPECT_EQ(poll(many, 1000, 0), 500);
	for (int i = 0; i < 1000; i++)
		EXPECT_EQ(many[i].revents, i % 2 ? 0 : POLLIN);
	EXPECT_ERRNO(syscall(SYS_poll, 8, 3, 0), EFAULT);
}
CASE(poll_over_a_hole)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	OK(munmap(m + 4096, 4096));
	memset(m, 0xff, 4096); /* descriptor -1 */
	EXPECT_EQ(syscall(SYS_poll, m + 4096 - 16, 2, 0), 0);
	EXPECT_ERRNO(syscall(SYS_poll, m + 4096 - 8, 2, 0), EFAULT);
}

/* ---- epoll ---- */

static int ep_add(int ep, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)fd};
	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}
static int ep_wait(int ep, int ms)
{
	struct epoll_event ev[4];
	return epoll_wait(ep, ev, 4, ms);
}

CASE(epoll_level_triggered)
{
	int ep = epoll_create1(0);
	make_pipe();
	OK(ep_add(ep, p[0], EPOLLIN));
	EXPECT_EQ(ep_wait(ep, 0), 0);
	EXPECT_EQ(write(p[1], "xy", 2), 2);
	EXPECT_EQ(ep_wait(ep, 1000), 1);
	EXPECT_EQ(ep_wait(ep, 0), 1);
	EXPECT_EQ(read(p[0], buf, 9), 2);
	EXPECT_EQ(ep_wait(ep, 0), 0);
}
CASE(epoll_keeps_what_it_could_not_give)
{
	int ep = epoll_create1(0);
	make_pipe();
	OK(ep_add(ep, p[0], EPOLLIN | EPOLLET));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_ERRNO(syscall(SYS_epoll_wait, ep, 8, 4, 0), EFAULT);
	EXPECT_EQ(ep_wait(ep, 0), 1);
	EXPECT_EQ(ep_wait(ep, 0), 0);
}
CASE(epoll_room_for_more_than_fits)
{
	static struct epoll_event ev[20000];
	int ep = epoll_create1(0);
	make_pipe();
	OK(ep_add(ep, p[0], EPOLLIN));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(epoll_wait(ep, ev, 20000, 0), 1);
	EXPECT(ev[0].events == EPOLLIN && ev[0].data.u64 == (uint64_t)p[0]);
}
CASE(epoll_edge_triggered)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	make_pipe();
	OK(ep_add(ep, p[0], EPOLLIN | EPOLLET));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(ep_wait(ep, 0), 1);
	EXPECT_EQ(ep_wait(ep, 0), 0);
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(ep_wait(ep, 0), 1);
}
CASE(epoll_oneshot)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	int ep = epoll_create1(0);
	make_pipe();
	OK(ep_add(ep, p[0], EPOLLIN | EPOLLONESHOT));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(ep_wait(ep, 0), 1);
	EXPECT_EQ(ep_wait(ep, 0), 0);
	OK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
	EXPECT_EQ(ep_wait(ep, 0), 1);
}
CASE(epoll_control_errors)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(0);
	make_pipe();
	OK(ep_add(ep, p[0], EPOLLIN));
	EXPECT_ERRNO(ep_add(ep, p[0], EPOLLIN), EEXIST);
	EXPECT_ERRNO(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &ev), ENOENT);
	EXPECT_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], &ev), ENOENT);
	EXPECT_ERRNO(ep_add(ep, ep, EPOLLIN), EINVAL);
	EXPECT_ERRNO(ep_add(ep, make_file("f", ""), EPOLLIN), EPERM);
	EXPECT_ERRNO(ep_add(ep, 99, EPOLLIN), EBADF);
	EXPECT_ERRNO(epoll_wait(p[0], &ev, 1, 0), EINVAL);
	EXPECT_ERRNO(epoll_wait(ep, &ev, 0, 0), EINVAL);
	EXPECT_ERRNO(epoll_create(0), EINVAL);
}
CASE(epoll_closed_descriptor_leaves)
{
	int ep = epoll_create1(0);
	make_pipe();
	OK(ep_add(ep, p[0], EPOLLIN));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	close(p[0]);
	EXPECT_EQ(ep_wait(ep, 0), 0);
}
CASE(epoll_nested)
{
	int inner = epoll_create1(0), outer = epoll_create1(0);
	make_pipe();
	OK(ep_add(inner, p[0], EPOLLIN));
	OK(ep_add(outer, inner, EPOLLIN));
	EXPECT_EQ(ep_wait(outer, 0), 0);
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(ep_wait(outer, 1000), 1);
	EXPECT_ERRNO(ep_add(inner, outer, EPOLLIN), ELOOP);
}
CASE(epoll_data_comes_back)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0x1122334455667788ULL}, out;
	int ep = epoll_create1(0);
	make_pipe();
	OK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	close(p[1]);
	EXPECT_EQ(epoll_wait(ep, &out, 1, 1000), 1);
	EXPECT_EQ(out.data.u64, ev.data.u64);
	EXPECT_EQ(out.events, EPOLLHUP);
}
CASE(epoll_wait_wakes)
{
	int ep = epoll_create1(0);
	make_pipe();
	OK(ep_add(ep, p[0], EPOLLIN));
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(60);
		_exit(write(p[1], "x", 1) != 1);
	}
	uint64_t start = now_ms();
	EXPECT_EQ(ep_wait(ep, 5000), 1);
	EXPECT(now_ms() - start < 4000);
	expect_exit(pid, 0);
}

CASE(epoll_wait_gives_all_that_is_ready)
{
	static struct epoll_event ev[500];
	int ep = epoll_create1(0);
	for (int i = 0; i < 300; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
		int fd = eventfd(1, 0);
		EXPECT(fd >= 0);
		EXPECT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	}
	EXPECT_EQ(epoll_wait(ep, ev, 500, 0), 300);
	bool seen[300] = {false};
	for (int i = 0; i < 300; i++)
		seen[ev[i].data.u32] = true;
	for (int i = 0; i < 300; i++)
		EXPECT(seen[i]);
	EXPECT_EQ(epoll_wait(ep, ev, 200, 0), 200);
	EXPECT_ERRNO(epoll_wait(ep, ev, 0, 0), EINVAL);
}

/* ---- eventfd, timerfd, signalfd ---- */

CASE(eventfd_counts)
{
	uint64_t v = 5;
	int fd = eventfd(3, EFD_NONBLOCK);
	EXPECT_EQ(write(fd, &v, 8), 8);
	EXPECT_EQ(read(fd, &v, 8), 8);
	EXPECT_EQ(v, 8);
	EXPECT_ERRNO(read(fd, &v, 8), EAGAIN);
	EXPECT_ERRNO(read(fd, &v, 4), EINVAL);
	v = ~0ULL;
	EXPECT_ERRNO(write(fd, &v, 8), EINVAL);
	v = ~0ULL - 1;
	EXPECT_EQ(write(fd, &v, 8), 8);
	v = 1;
	EXPECT_ERRNO(write(fd, &v, 8), EAGAIN);
}
CASE(eventfd_semaphore)
{
	uint64_t v;
	int fd = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
	EXPECT_EQ(read(fd, &v, 8), 8);
	EXPECT_EQ(v, 1);
	EXPECT_EQ(read(fd, &v, 8), 8);
	EXPECT_ERRNO(read(fd, &v, 8), EAGAIN);
	EXPECT_ERRNO(eventfd(0, 0x4000000), EINVAL);
}
CASE(timerfd_fires)
{
	struct itimerspec its = {{0, 0}, {0, 30000000}}, left;
	uint64_t n;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	OK(timerfd_settime(fd, 0, &its, NULL));
	OK(timerfd_gettime(fd, &left));
	EXPECT(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 30000000);
	EXPECT_EQ(read(fd, &n, 8), 8);
	EXPECT_EQ(n, 1);
}
CASE(timerfd_interval_accumulates)
{
	struct itimerspec its = {{0, 10000000}, {0, 10000000}};
	uint64_t n;
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	EXPECT_ERRNO(read(fd, &n, 8), EAGAIN);
	OK(timerfd_settime(fd, 0, &its, NULL));
	sleep_ms(80);
	EXPECT_EQ(read(fd, &n, 8), 8);
	EXPECT(n >= 5 && n < 50);
	its.it_value.tv_nsec = 2000000000;
	EXPECT_ERRNO(timerfd_settime(fd, 0, &its, NULL), EINVAL);
	EXPECT_ERRNO(timerfd_create(99, 0), EINVAL);
}
CASE(timerfd_absolute_past)
{
	struct itimerspec its = {{0, 0}, {1, 0}};
	uint64_t n;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
	EXPECT_EQ(read(fd, &n, 8), 8);
}
CASE(signalfd_reads_signals)
{
	struct signalfd_siginfo si;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	int fd = signalfd(-1, &set, SFD_NONBLOCK);
	OK(fd);
	EXPECT_ERRNO(read(fd, &si, sizeof(si)), EAGAIN);
	OK(kill(getpid(), SIGUSR1));
	EXPECT_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	EXPECT_EQ(si.ssi_signo, SIGUSR1);
	EXPECT_EQ(si.ssi_pid, getpid());
	EXPECT_ERRNO(read(fd, &si, 10), EINVAL);
}

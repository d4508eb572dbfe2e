/*
 * test_seccomp_notify.c - seccomp(2): user notification (seccomp_unotify(2)).
 */
#include "seccomp.h"

/* ---- user notification ---- */

/* A child whose getppid asks; the listener comes through a socket. The child exits with what it got & 0xff.
 */
static int spawn_asker(pid_t *pid, int calls, unsigned flags)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_USER_NOTIF)};
	int sv[2], fd = -1;
	char byte, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *h;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		fd = (int)INSTALL(f, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags);
		if (fd < 0)
			_exit(99);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
		sendmsg(sv[1], &m, 0);
		close(fd);
		close(sv[1]);
		close(sv[0]);
		long r = 0;
		for (int i = 0; i < calls; i++)
			r = syscall(SYS_getppid);
		_exit((int)(r == -1 ? errno : r) & 0xff);
	}
	close(sv[1]);
	EXPECT_EQ(recvmsg(sv[0], &m, 0), 1);
	h = CMSG_FIRSTHDR(&m);
	EXPECT(h != NULL);
	memcpy(&fd, CMSG_DATA(h), sizeof(int));
	close(sv[0]);
	return fd;
}
static struct seccomp_notif receive(int fd)
{
	struct seccomp_notif n = {0};

	OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n));
	return n;
}
CASE(notify_value)
{
	struct seccomp_notif_resp r = {.val = 55};
	struct seccomp_notif n;
	pid_t pid;
	int fd = spawn_asker(&pid, 1, 0);

	n = receive(fd);
	EXPECT_EQ(n.pid, pid);
	EXPECT_EQ(n.data.nr, SYS_getppid);
	EXPECT_EQ(n.data.arch, AUDIT_ARCH_X86_64);
	EXPECT_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), 0);
	r.id = n.id;
	OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	expect_exit(pid, 55);
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), ENOENT);
}
CASE(notify_error)
{
	struct seccomp_notif_resp r = {.error = -ETXTBSY};
	pid_t pid;
	int fd = spawn_asker(&pid, 1, 0);

	r.id = receive(fd).id;
	OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	expect_exit(pid, ETXTBSY);
}
CASE(notify_continue)
{
	struct seccomp_notif_resp r = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	pid_t pid;
	int fd = spawn_asker(&pid, 1, 0);

	r.id = receive(fd).id;
	r.val = 1;
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), EINVAL);
	r.val = 0;
	OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	expect_exit(pid, getpid() & 0xff);
}
CASE(notify_bad_answers)
{
	struct seccomp_notif_resp r = {.flags = 2};
	struct seccomp_notif n = {.pid = 1};
	uint64_t id = 12345;
	pid_t pid;
	int fd = spawn_asker(&pid, 1, 0);

	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), EINVAL);
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), EINVAL);
	r = (struct seccomp_notif_resp){.id = 77777};
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), ENOENT);
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id), ENOENT);
	EXPECT_ERRNO(ioctl(fd, 0x12345678, 0), EINVAL);
	r.id = receive(fd).id;
	OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	EXPECT(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r) == -1 && (errno == ENOENT || errno == EINPROGRESS));
	expect_exit(pid, 0);
}
CASE(notify_poll)
{
	struct seccomp_notif_resp r = {0};
	struct pollfd p = {.events = POLLIN | POLLOUT};
	pid_t pid;
	int fd = spawn_asker(&pid, 1, 0);

	p.fd = fd;
	EXPECT_EQ(poll(&p, 1, 5000), 1);
	EXPECT_EQ(p.revents & POLLIN, POLLIN);
	r.id = receive(fd).id;
	EXPECT_EQ(poll(&p, 1, 5000), 1);
	EXPECT_EQ(p.revents & (POLLIN | POLLOUT), POLLOUT);
	OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	expect_exit(pid, 0);
	p.events = 0;
	EXPECT_EQ(poll(&p, 1, 5000), 1);
	EXPECT(p.revents & POLLHUP);
}
CASE(notify_listener_closed)
{
	pid_t pid;
	int fd = spawn_asker(&pid, 2, 0);

	receive(fd);
	close(fd);
	expect_exit(pid, ENOSYS);
}
CASE(notify_killed_caller)
{
	struct seccomp_notif_resp r = {0};
	struct seccomp_notif n;
	pid_t pid;
	int fd = spawn_asker(&pid, 1, 0);

	n = receive(fd);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	r.id = n.id;
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), ENOENT);
}
CASE(notify_two_listeners_are_one_too_many)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_USER_NOTIF)};

	nnp();
	OK(INSTALL(f, SECCOMP_FILTER_FLAG_NEW_LISTENER));
	EXPECT_ERRNO(INSTALL(f, SECCOMP_FILTER_FLAG_NEW_LISTENER), EBUSY);
}
CASE(notify_without_listener_is_enosys)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_USER_NOTIF)};

	nnp();
	OK(INSTALL(f, 0));
	EXPECT_ERRNO(syscall(SYS_getppid), ENOSYS);
}
CASE(notify_addfd)
{
	struct seccomp_notif_addfd a = {.newfd_flags = O_CLOEXEC};
	pid_t pid;
	int fd = spawn_asker(&pid, 1, 0), file = make_file("f", "hello"), n;
	char path[64], buf[8] = "";

	a.id = receive(fd).id;
	a.srcfd = 999;
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), EBADF);
	a.srcfd = (uint32_t)file;
	a.newfd_flags = 1;
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), EINVAL);
	a.newfd_flags = 0;
	a.newfd = 50;
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), EINVAL);
	a.flags = SECCOMP_ADDFD_FLAG_SETFD;
	EXPECT_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), 50);
	a.flags = 0;
	a.newfd = 0;
	OK(n = ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, n);
	int copy = open(path, O_RDONLY);
	OK(copy);
	EXPECT_EQ(read(copy, buf, 5), 5);
	EXPECT_STR(buf, "hello");
	a.id = 4242;
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), ENOENT);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}
CASE(notify_addfd_and_send)
{
	struct seccomp_notif_addfd a = {.flags = 2 /* SECCOMP_ADDFD_FLAG_SEND */};
	pid_t pid;
	int fd = spawn_asker(&pid, 1, 0), n;

	a.id = receive(fd).id;
	a.srcfd = 1;
	OK(n = ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
	expect_exit(pid, n);
}
static void nothing(int sig)
{
}
CASE(notify_interrupted_caller_asks_again)
{
	struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART};
	struct seccomp_notif_resp r = {.val = 9};
	uint64_t first;
	pid_t pid;
	int fd;

	sigaction(SIGUSR1, &sa, NULL);
	fd = spawn_asker(&pid, 1, 0);
	first = receive(fd).id;
	kill(pid, SIGUSR1);
	r.id = receive(fd).id;
	EXPECT(r.id != first);
	OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	expect_exit(pid, 9);
}
CASE(notify_killable_caller_is_not_interrupted)
{
	struct sigaction sa = {.sa_handler = nothing};
	struct seccomp_notif_resp r = {.val = 8};
	pid_t pid;
	int fd;

	sigaction(SIGUSR1, &sa, NULL);
	fd = spawn_asker(&pid, 1, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	r.id = receive(fd).id;
	kill(pid, SIGUSR1);
	sleep_ms(50);
	EXPECT_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &r.id), 0);
	OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	expect_exit(pid, 8);
}
CASE(notify_recv_when_all_are_gone)
{
	struct seccomp_notif n = {0};
	pid_t pid;
	int fd = spawn_asker(&pid, 0, 0);

	expect_exit(pid, 0);
	EXPECT_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), ENOENT);
}
CASE(filtered_calls_are_seen_though_the_stub_could_answer)
{
	struct sock_filter f[] = {ONLY(SYS_getpid, SECCOMP_RET_ERRNO | 21)};
	struct sock_filter g[] = {ONLY(SYS_sched_yield, SECCOMP_RET_ERRNO | 22)};
	struct sock_filter h[] = {ONLY(SYS_clock_gettime, SECCOMP_RET_ERRNO | 23)};
	struct sock_filter i[] = {ONLY(SYS_gettid, SECCOMP_RET_ERRNO | 24)};
	struct timespec ts;

	for (int n = 0; n < 50; n++) {
		syscall(SYS_getpid);
		syscall(SYS_sched_yield);
		syscall(SYS_gettid);
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	}
	nnp();
	OK(INSTALL(f, 0));
	OK(INSTALL(g, 0));
	OK(INSTALL(h, 0));
	OK(INSTALL(i, 0));
	EXPECT_ERRNO(syscall(SYS_getpid), 21);
	EXPECT_ERRNO(syscall(SYS_sched_yield), 22);
	EXPECT_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts), 23);
	EXPECT_ERRNO(syscall(SYS_gettid), 24);
}

/* As many filters as a path may have: each is asked at each call, and with the process all go. */
CASE(thousands_of_filters)
{
	struct sock_filter f[] = {RET(SECCOMP_RET_ALLOW)};
	pid_t pid;
	int n = 0;

	nnp();
	pid = fork();
	if (!pid) {
		while (n < 10000 && !INSTALL(f, 0))
			n++;
		/* some 32768 instructions, of which each filter costs a few more than it has */
		_exit(errno == ENOMEM && n > 3000 && getppid() > 0 ? 0 : 1);
	}
	expect_exit(pid, 0);
}

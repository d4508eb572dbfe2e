/*
 * keeper.c - init of the sandbox's PID namespace: parent of the sentry and, by CLONE_PARENT, of every stub.
 *
 * What ends is reaped by the host itself, without waking anybody: stubs come and go often, and the sentry has
 * their pidfds. Only the sentry is waited for, and says so by a signal of its own (SENTRY_ENDED).
 *
 * The keeper opens for the sentry, which opens nothing itself, one of four files about one process of
 * the namespace (platform/account.h) in a proc mount that is attached nowhere. The sentry's part of such a
 * request are two numbers; the path is made here. It does not die with warrend: a sandbox outlives it.
 *
 * What is to last as long as the sandbox and is not the sentry's business, it holds unread: the lease
 * (--lease-fd), a socket with a message of descriptors on its way. They are closed by the keeper's end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/main/boot.h"
#include "sandbox/platform/account.h"

#define FD_ASIDE     100
#define SENTRY_ENDED SIGUSR1 /* its exit signal; stubs have SIGCHLD, as whatever was executed */
#ifndef FSCONFIG_SET_STRING
#define FSCONFIG_SET_STRING 1
#define FSCONFIG_CMD_CREATE 6
#endif

/* The sentry ended without having been told to: say so where its own words went. */
static void tell(int log_fd, int status)
{
	char line[160];
	int n = snprintf(
	    line, sizeof(line),
	    "{\"level\":\"error\",\"component\":\"keeper\",\"message\":\"the sentry ended %s %d\"}\n",
	    WIFSIGNALED(status) ? "by signal" : "with status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));

	if (log_fd >= 0 && write(log_fd, line, (size_t)n) < 0)
		return;
}

/* The namespace's own proc, processes only, attached to no tree: a path cannot lead out of it. -1 where that
 * is not allowed or not known (a masked /proc, before Linux 5.8): the sentry then knows no resident sizes. */
static int open_proc(void)
{
	int mnt = -1, fs = (int)syscall(SYS_fsopen, "proc", 1 /* FSOPEN_CLOEXEC */);

	if (fs < 0)
		return -1;
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "subset", "pid", 0) &&
	    !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mnt = (int)syscall(SYS_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */,
				   0x2 | 0x4 | 0x8 /* NOSUID NODEV NOEXEC */);
	close(fs);
	return mnt;
}

/* ---- the sentry's requests ---- */

static int open_for(const struct account_request *q)
{
	static const char *const names[ACCOUNT_FILES] = {"status", "smaps", "smaps_rollup", "pagemap"};
	char path[48];
	int fd;

	if (q->file >= ACCOUNT_FILES || q->pid <= 0)
		return -EINVAL;
	snprintf(path, sizeof(path), "%d/%s", q->pid, names[q->file]);
	fd = openat(KEEPER_PROC_FD, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* One request; false: the sentry has closed its end. */
static bool serve(void)
{
	struct account_request q;
	struct account_reply reply = {0};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&reply, sizeof(reply)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h = (struct cmsghdr *)(void *)control;
	ssize_t n = recv(KEEPER_SOCK_FD, &q, sizeof(q), MSG_DONTWAIT);
	int fd;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	fd = n == sizeof(q) ? open_for(&q) : -EINVAL;
	if (fd < 0) {
		reply.error = fd;
	} else {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	if (sendmsg(KEEPER_SOCK_FD, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
		n = 0;
	if (fd >= 0)
		close(fd);
	return n > 0;
}

/* ---- the loop ---- */

/* Ends with the sentry. */
static void look_for_end(pid_t sentry, int log_fd)
{
	int status;
	pid_t p = waitpid(sentry, &status, WNOHANG | __WALL);

	if (p == sentry) {
		if (status)
			tell(log_fd, status);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	if (p < 0 && errno != EINTR)
		_exit(1);
}

static void keep(pid_t sentry, int log_fd)
{
	struct pollfd fds[] = {{KEEPER_SIGNAL_FD, POLLIN, 0}, {KEEPER_SOCK_FD, POLLIN, 0}};
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if (fds[0].revents && read(KEEPER_SIGNAL_FD, &info, sizeof(info)) < 0 && errno != EAGAIN)
			_exit(1);
		look_for_end(sentry, log_fd);
		if (fds[1].revents && !serve())
			fds[1].fd = -1;
	}
}

/* Only the log, the requests, the proc, the news of the sentry and the lease are left open. The log's number,
 * or -1. */
static int keep_descriptors(const struct boot_options *o, int proc, int sock, int signals)
{
	int from[] = {o->log_fd, sock, proc, signals, o->lease_fd};
	static const int to[] = {KEEPER_LOG_FD, KEEPER_SOCK_FD, KEEPER_PROC_FD, KEEPER_SIGNAL_FD,
				 KEEPER_LEASE_FD};

	if (dup2(o->null_fd, 0) < 0 || dup2(0, 1) < 0 || dup2(0, 2) < 0)
		_exit(1);
	for (unsigned i = 0; i < ARRAY_COUNT(from); i++)
		if (from[i] >= 0)
			from[i] = fcntl(from[i], F_DUPFD, FD_ASIDE);
	syscall(SYS_close_range, 3, FD_ASIDE - 1, 0);
	for (unsigned i = 0; i < ARRAY_COUNT(from); i++)
		if (from[i] >= 0 && dup2(from[i], to[i]) < 0)
			_exit(1);
	syscall(SYS_close_range, KEEPER_LEASE_FD + 1, ~0U, 0);
	return from[0] >= 0 ? KEEPER_LOG_FD : -1;
}

void keeper_main(struct boot_options *o)
{
	int proc, signals, log, pair[2];
	sigset_t ended;
	pid_t sentry;

	setsid();
	prctl(PR_SET_NAME, "warren-keeper");
	o->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	o->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (o->proc_fd < 0 || o->null_fd < 0)
		boot_fail(o, "cannot open %s: errno %d", o->proc_fd < 0 ? "/proc" : "/dev/null", errno);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		boot_fail(o, "cannot make a socket pair: errno %d", errno);
	proc = open_proc();
	confine_root(o);
	o->account_fd = proc >= 0 ? pair[0] : -1;
	sentry = (pid_t)syscall(SYS_clone, SENTRY_ENDED, 0, NULL, NULL, 0);
	if (sentry < 0)
		boot_fail(o, "cannot fork: errno %d", errno);
	if (sentry == 0) {
		if (proc >= 0)
			close(proc);
		sentry_main(o);
	}
	/* the sentry speaks from here on; should we fail now, the namespace ends and the starter sees that */
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&ended);
	sigaddset(&ended, SENTRY_ENDED);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	signals = signalfd(-1, &ended, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals < 0)
		_exit(1);
	log = keep_descriptors(o, proc, pair[1], signals);
	confine_rights(o, /*keep_ptrace=*/false);
	if (filter_install_keeper())
		_exit(1);
	look_for_end(sentry, log); /* it may have ended before the signal was blocked */
	keep(sentry, log);
	_exit(1);
}

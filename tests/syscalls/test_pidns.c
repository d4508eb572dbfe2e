/*
 * test_pidns.c - PID namespaces (pid_namespaces(7)).
 */
#include "ns.h"

static char stack[65536] __attribute__((aligned(16)));

/* ---- PID namespaces ---- */

CASE(pid_namespace_starts_with_one)
{
	long pid;

	need_root();
	pid = clone_(CLONE_NEWPID);
	if (!pid)
		_exit(getpid() == 1 && getppid() == 0 ? 0 : 1);
	OK(pid);
	EXPECT(pid > 1);
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_by_unshare)
{
	pid_t me = getpid(), pid;

	need_root();
	OK(unshare(CLONE_NEWPID));
	EXPECT_EQ(getpid(), me);
	EXPECT(ns_ino("pid") > 0);
	EXPECT_EQ(access("/proc/self/ns/pid_for_children", F_OK), -1); /* nobody is in it yet */
	EXPECT_ERRNO(clone_(CLONE_NEWPID), EINVAL);
	pid = fork();
	if (!pid)
		_exit(getpid() == 1 ? 0 : 1);
	expect_exit(pid, 0);
	/* its init is gone: nothing can be made in it any more */
	EXPECT_ERRNO(fork(), ENOMEM);
}

CASE(pid_namespace_init_end_kills_all)
{
	int p[2];
	long pid;
	char c;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		for (int i = 0; i < 5; i++)
			if (!fork()) {
				for (;;)
					pause();
			}
		_exit(3);
	}
	close(p[1]);
	expect_exit((pid_t)pid, 3);
	/* the others are gone when init has been waited for: no writer is left */
	EXPECT_EQ(read(p[0], &c, 1), 0);
}

CASE(pid_namespace_init_is_protected)
{
	long pid;

	need_root();
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		pid_t child = fork();
		int status;
		if (!child) {
			kill(1, SIGTERM);
			kill(1, SIGKILL);
			kill(1, SIGSTOP);
			_exit(5);
		}
		waitpid(child, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	OK(pid);
	expect_exit((pid_t)pid, 5);
}

CASE(pid_namespace_init_takes_what_it_handles)
{
	int p[2];
	long pid;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		sigset_t set;
		int sig;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		kill(1, SIGUSR1);
		sigwait(&set, &sig);
		_exit(sig == SIGUSR1 ? 0 : 1);
	}
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_init_from_outside)
{
	int p[2];
	long pid;
	char c;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		write(p[1], "x", 1);
		for (;;)
			pause();
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	OK(kill((pid_t)pid, SIGTERM)); /* no handler: dropped even from outside */
	sleep_ms(50);
	EXPECT_EQ(waitpid((pid_t)pid, NULL, WNOHANG), 0);
	OK(kill((pid_t)pid, SIGKILL));
	expect_signal((pid_t)pid, SIGKILL);
}

static volatile int sender_pid = -1;

static void note_sender(int sig, siginfo_t *info, void *ctx)
{
	sender_pid = info->si_pid;
}

CASE(pid_namespace_sender_from_outside_is_zero)
{
	struct sigaction sa = {.sa_sigaction = note_sender, .sa_flags = SA_SIGINFO};
	int p[2];
	long pid;
	char c;

	need_root();
	OK(pipe(p));
	sigaction(SIGUSR1, &sa, NULL);
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		write(p[1], "x", 1);
		while (sender_pid < 0)
			sleep_ms(5);
		_exit(sender_pid);
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	OK(kill((pid_t)pid, SIGUSR1));
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_orphans_go_to_its_init)
{
	long pid;

	need_root();
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		pid_t child = fork(), got;
		int status, code = 0;
		if (!child) {
			if (!fork()) {
				while (getppid() != 1)
					sleep_ms(5);
				_exit(4);
			}
			_exit(0);
		}
		while ((got = wait(&status)) > 0)
			if (got != child)
				code = WEXITSTATUS(status);
		_exit(code);
	}
	expect_exit((pid_t)pid, 4);
}

CASE(pid_namespace_cannot_see_out)
{
	pid_t outside = getpid();
	long pid;

	need_root();
	while (outside < 20) { /* a number that nobody inside has */
		pid_t p = fork();
		if (!p)
			_exit(0);
		waitpid(p, NULL, 0);
		outside = p;
	}
	pid = clone_(CLONE_NEWPID);
	if (!pid)
		_exit(kill(outside, 0) == -1 && errno == ESRCH ? 0 : 1);
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_numbers_in_status)
{
	char buf[4000], *line, path[40];
	int p[2], outer = 0, inner = 0;
	long pid;
	char c;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		close(p[1]);
		read(p[0], &c, 1);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	get(path, buf, sizeof(buf));
	line = strstr(buf, "NSpid:");
	EXPECT(line);
	EXPECT_EQ(sscanf(line, "NSpid:\t%d\t%d", &outer, &inner), 2);
	EXPECT_EQ(outer, pid);
	EXPECT_EQ(inner, 1);
	close(p[1]);
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_proc_shows_its_own)
{
	long pid;

	need_root();
	mkdir("proc", 0755);
	pid = clone_(CLONE_NEWPID | CLONE_NEWNS);
	if (!pid) {
		char buf[64] = "";
		if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("proc", "proc", "proc", 0, NULL))
			_exit(1);
		if (readlink("proc/self", buf, sizeof(buf) - 1) != 1 || buf[0] != '1')
			_exit(2);
		_exit(access("proc/1/status", F_OK) ? 3 : access("proc/2", F_OK) ? 0 : 4);
	}
	OK(pid);
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_thread_cannot_have_one)
{
	need_root();
	EXPECT_ERRNO(syscall(SYS_clone, CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
			     stack + sizeof(stack), 0, 0, 0),
		     EINVAL);
}

CASE(pid_namespace_joined)
{
	int p[2], fd;
	char path[64], c;
	long pid;
	pid_t child;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		close(p[1]);
		read(p[0], &c, 1);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%ld/ns/pid", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	OK(fd);
	OK(setns(fd, CLONE_NEWPID));
	child = fork();
	if (!child)
		_exit(getpid() == 2 && getppid() == 0 ? 0 : getpid());
	expect_exit(child, 0);
	close(p[1]);
	expect_exit((pid_t)pid, 0);
	EXPECT_ERRNO(fork(), ENOMEM);
}

CASE(set_tid_in_two_namespaces)
{
	pid_t tids[2] = {1, 0}, dead = fork();
	struct clone_args a = {
	    .flags = CLONE_NEWPID, .exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids, .set_tid_size = 2};
	long pid;

	if (!dead)
		_exit(0);
	expect_exit(dead, 0);
	need_root();
	tids[1] = dead;
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (!pid)
		_exit(getpid() == 1 ? 0 : 1);
	EXPECT_EQ(pid, dead);
	expect_exit((pid_t)pid, 0);
	tids[0] = 5; /* a namespace begins with 1 */
	EXPECT_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
}

CASE(subreaper_stays_within_the_namespace)
{
	long pid;

	need_root();
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		pid_t child = fork();
		if (!child) {
			if (!fork()) {
				while (getppid() > 1)
					sleep_ms(5);
				_exit(getppid() == 1 ? 6 : 7);
			}
			_exit(0);
		}
		waitpid(child, NULL, 0);
		int status = 0;
		wait(&status);
		_exit(WEXITSTATUS(status));
	}
	expect_exit((pid_t)pid, 6);
}

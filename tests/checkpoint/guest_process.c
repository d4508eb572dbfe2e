/* guest_process.c - several processes. */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest.h"

/* A parent of one that sleeps, one that computes, a zombie, and a grandchild whose parent is dead. */
static void family(void)
{
	int status, p[2], orphan[2];
	pid_t sleeper, worker, zombie, middle, self = getpid();
	siginfo_t info;
	char c;

	CHECK(pipe(p) == 0 && pipe(orphan) == 0);
	sleeper = fork();
	if (!sleeper) {
		CHECK(read(p[0], &c, 1) == 1);
		_exit(getppid() == self ? 11 : 1);
	}
	worker = fork();
	if (!worker)
		for (volatile unsigned long x = 0;; x++)
			;
	zombie = fork();
	if (!zombie)
		_exit(13);
	middle = fork();
	if (!middle) {
		if (!fork()) {
			close(orphan[1]);
			pause();
			_exit(0);
		}
		_exit(0);
	}
	close(orphan[1]);
	CHECK(waitpid(middle, &status, 0) == middle);
	CHECK(waitid(P_PID, zombie, &info, WEXITED | WNOWAIT) == 0);
	pause_here();
	CHECK(getpid() == self);
	CHECK(waitpid(zombie, &status, WNOHANG) == zombie && WEXITSTATUS(status) == 13);
	CHECK(write(p[1], "x", 1) == 1);
	CHECK(waitpid(sleeper, &status, 0) == sleeper && WEXITSTATUS(status) == 11);
	CHECK(waitpid(worker, &status, WNOHANG) == 0 && kill(worker, SIGTERM) == 0);
	CHECK(waitpid(worker, &status, 0) == worker && WTERMSIG(status) == SIGTERM);
	close(orphan[0]);
}

/* New processes and programs can still be made. */
static void renewal(void)
{
	int status;
	pid_t pid;

	pause_here();
	for (int i = 0; i < 3; i++) {
		pid = fork();
		if (!pid) {
			execl("/guest", "guest", "none", NULL);
			_exit(1);
		}
		CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 2);
	}
}

/* A stopped child, and one that its parent vforked. */
static void stopped(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	pause_here();
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK(kill(pid, SIGCONT) == 0 && waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
}

static void vforked(void)
{
	int status;
	pid_t pid = vfork();

	if (!pid) {
		say("ready\n");
		for (char c = 0; c != '\n';)
			if (read(0, &c, 1) != 1)
				_exit(1);
		_exit(5);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
}

/* What is kept per process. */
static void attributes(void)
{
	struct rlimit limit = {100, 200}, got;
	cpu_set_t set, got_set;
	char name[16] = "";

	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 && prctl(PR_SET_NAME, "renamed") == 0);
	CHECK(nice(5) == 5);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
	pause_here();
	CHECK(getrlimit(RLIMIT_NOFILE, &got) == 0 && got.rlim_cur == 100 && got.rlim_max == 200);
	CHECK(prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "renamed"));
	CHECK(getpriority(PRIO_PROCESS, 0) == 5 && getpgrp() == getpid());
	CHECK(sched_getaffinity(0, sizeof(got_set), &got_set) == 0 && CPU_EQUAL(&set, &got_set));
}

const struct situation process_situations[] = {{"family", family},         {"renewal", renewal},
					       {"stopped", stopped},       {"vforked", vforked},
					       {"attributes", attributes}, {0}};

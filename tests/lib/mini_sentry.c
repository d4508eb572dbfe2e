/*
 * mini_sentry.c - see mini_sentry.h.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/kernel/sched_priv.h"
#include "sandbox/platform/platform.h"
#include "tests/lib/mini_sentry.h"

#define BOOT_FAILED 70
#define LOOP_FAILED 71
#define LOST        73
#define SIGNALLED   80

static int sentry(void (*fn)(void *), void *arg, int (*finish)(void))
{
	static const struct platform_ops ops;
	struct kernel *k;
	struct coro *c;

	if (arena_create(0))
		return BOOT_FAILED;
	k = knew(struct kernel);
	arena_set_root(k);
	list_init(&k->host_fds);
	if (sched_init() || platform_init(&ops) || coro_start(fn, arg, NULL, &c))
		return BOOT_FAILED;
	if (sched_loop())
		return LOOP_FAILED;
	return finish ? finish() : 0;
}

/* init of the PID namespace and parent of all stubs: reaps, and ends with the sentry */
static int keeper(void (*fn)(void *), void *arg, int (*finish)(void), unsigned seconds)
{
	int status;
	pid_t p = fork(), w;

	if (p == 0) {
		alarm(seconds);
		status = sentry(fn, arg, finish);
		fflush(stdout);
		_exit(status);
	}
	while ((w = wait(&status)) != p)
		if (w < 0)
			return LOST;
	return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED;
}

int mini_sentry_run(void (*fn)(void *arg), void *arg, int (*finish)(void), unsigned seconds)
{
	int status = 0;
	pid_t p;

	fflush(stdout);
	p = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, NULL, NULL, 0);
	if (p < 0)
		return MINI_SENTRY_NO_ROOT;
	if (p == 0)
		_exit(keeper(fn, arg, finish, seconds));
	if (waitpid(p, &status, 0) != p || !WIFEXITED(status))
		return SIGNALLED;
	return WEXITSTATUS(status);
}

/*
 * keeper.c - init of the sandbox's PID namespace: parent of the sentry and, by CLONE_PARENT, of every stub.
 *
 * It holds nothing and can do nothing but wait. It does not die with warrend: a sandbox outlives it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/main/boot.h"

#define FD_ASIDE 100

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

static void reap_until(pid_t sentry, int log_fd)
{
	int status;
	pid_t p;

	for (;;) {
		p = waitpid(-1, &status, 0);
		if (p < 0 && errno != EINTR)
			_exit(1);
		if (p != sentry)
			continue;
		if (status)
			tell(log_fd, status);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
}

/* Only the log is left open; its new number, or -1. */
static int keep_log_only(const struct boot_options *o)
{
	int log = o->log_fd >= 0 ? fcntl(o->log_fd, F_DUPFD, FD_ASIDE) : -1;

	if (dup2(o->null_fd, 0) < 0 || dup2(0, 1) < 0 || dup2(0, 2) < 0)
		_exit(1);
	if (log >= 0)
		log = dup2(log, 3);
	syscall(SYS_close_range, log >= 0 ? 4 : 3, ~0U, 0);
	return log;
}

void keeper_main(struct boot_options *o)
{
	pid_t sentry;

	setsid();
	prctl(PR_SET_NAME, "warren-keeper");
	o->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	o->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (o->proc_fd < 0 || o->null_fd < 0)
		boot_fail(o, "cannot open %s: errno %d", o->proc_fd < 0 ? "/proc" : "/dev/null", errno);
	confine_root(o);
	sentry = fork();
	if (sentry < 0)
		boot_fail(o, "cannot fork: errno %d", errno);
	if (sentry == 0)
		sentry_main(o);
	/* the sentry speaks from here on; should we fail now, the namespace ends and the starter sees that */
	o->log_fd = keep_log_only(o);
	confine_rights(o, /*keep_ptrace=*/false);
	if (filter_install_keeper())
		_exit(1);
	reap_until(sentry, o->log_fd);
	_exit(1);
}

/* lifeline.c: a small child that outlives us by a moment. When this process ends without saying so (SIGKILL,
 * a crash), it restores the terminal and ends the sandbox: by the `shutdown` request on a control connection
 * of its own, which works even before the sandbox is up, and by killing the keeper when that is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/cli/cli.h"
#include "server/spawn.h"

struct lifeline {
	int pipe;
	pid_t child;
};

struct keeper_message {
	pid_t pid;
	uint64_t start_time;
};

static _Noreturn void child_side(int pipe, int control)
{
	static const char shutdown_request[] = "\x18\0\0\0{\"id\":1,\"op\":\"shutdown\"}";
	struct keeper_message keeper = {0};
	int null = open("/dev/null", O_RDWR), pidfd;

	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Standard input stays: it may be the terminal to restore. The others must not keep a pipeline open.
	 */
	if (!terminal_is_raw())
		dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (dup2(pipe, 3) < 0 || dup2(control, 4) < 0)
		_exit(1);
	closefrom(5);
	for (;;) {
		struct keeper_message message;
		ssize_t n = read(3, &message, sizeof(message));

		if (n == sizeof(message))
			keeper = message;
		else if (n >= 0 || errno != EINTR)
			break;
	}
	terminal_restore();
	send(4, shutdown_request, sizeof(shutdown_request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (keeper.pid) {
		pidfd = process_open(keeper.pid, keeper.start_time);
		if (pidfd >= 0)
			process_kill(pidfd, SIGKILL);
	}
	_exit(0);
}

struct lifeline *lifeline_start(int control)
{
	struct lifeline *lifeline = calloc(1, sizeof(*lifeline));
	int fds[2];

	if (!lifeline || pipe2(fds, O_CLOEXEC) != 0) {
		free(lifeline);
		close(control);
		return NULL;
	}
	fflush(NULL);
	lifeline->child = fork();
	if (lifeline->child == 0) {
		/* Out of the way of the numbers that the child uses. */
		int pipe = fcntl(fds[0], F_DUPFD, 10), socket = fcntl(control, F_DUPFD, 10);

		child_side(pipe, socket);
	}
	close(fds[0]);
	close(control);
	lifeline->pipe = fds[1];
	if (lifeline->child < 0) {
		close(fds[1]);
		free(lifeline);
		return NULL;
	}
	return lifeline;
}

void lifeline_set_keeper(struct lifeline *lifeline, pid_t keeper)
{
	struct keeper_message message = {.pid = keeper, .start_time = process_start_time(keeper)};

	if (lifeline && write(lifeline->pipe, &message, sizeof(message)) != sizeof(message))
		cli_complain("the watching child is gone; a killed warren will leave its sandbox behind");
}

void lifeline_end(struct lifeline *lifeline)
{
	if (!lifeline)
		return;
	kill(lifeline->child, SIGKILL);
	waitpid(lifeline->child, NULL, 0);
	close(lifeline->pipe);
	free(lifeline);
}

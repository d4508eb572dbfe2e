/* spawn.h: starting helper programs (sentry, gofer) and watching processes by pidfd.
 *
 * Every descriptor of ours is close-on-exec; a child gets exactly those named, under the same numbers. It
 * starts in a session of its own (a Ctrl-C at our terminal is not its business), with default signal handling
 * and an empty mask, and inside the given cgroups before its first instruction.
 */
#ifndef WARREN_SERVER_SPAWN_H
#define WARREN_SERVER_SPAWN_H

#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "server/error.h"

#define SPAWN_MAX_FDS     8
#define SPAWN_MAX_CGROUPS 4

struct spawn_options {
	const char *path;
	char *const *argv;
	int fds[SPAWN_MAX_FDS]; /* inherited under their own numbers */
	unsigned int fd_count;
	int stderr_fd;                     /* becomes 1 and 2; -1: /dev/null */
	int cgroup_fds[SPAWN_MAX_CGROUPS]; /* open cgroup.procs files */
	unsigned int cgroup_count;
};

/* The path of a helper program: $WARREN_LIBEXEC/NAME, else next to the running program. */
int spawn_find_program(char *path, size_t size, const char *name, struct error *error);

/* Starts the program; returns 0 with its pid and a pidfd (close-on-exec), or a negative errno. */
int spawn_program(const struct spawn_options *options, pid_t *pid, int *pidfd, struct error *error);

/* When a process started, in clock ticks since boot: with the pid, it tells a process from a later one that
 * got the same number. 0 when there is no such process. */
uint64_t process_start_time(pid_t pid);

/* Opens a pidfd for the process `pid` that started at `start_time`; -ESRCH when it is gone. */
int process_open(pid_t pid, uint64_t start_time);

int process_kill(int pidfd, int signal);

/* Calls back once when the process has ended; `status` as from waitpid, or -1 when it was not our child. The
 * watch owns the pidfd. process_watch_stop may be called at any time before the callback, not after. */
struct process_watch;
typedef void process_ended_fn(void *opaque, int status);
struct process_watch *process_watch_start(uv_loop_t *loop, pid_t pid, int pidfd, process_ended_fn *ended,
					  void *opaque, struct error *error);
int process_watch_pidfd(const struct process_watch *watch);
void process_watch_stop(struct process_watch *watch);

/* A daemon that is a subreaper inherits orphans nobody watches: this reaps them, on SIGCHLD. The handle is
 * the caller's, initialised and started here. */
int process_reap_strangers(uv_loop_t *loop, uv_signal_t *handle);

#endif

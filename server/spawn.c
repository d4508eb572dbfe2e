/* spawn.c: starting helper programs and watching processes. See spawn.h.
 *
 * The child must enter its cgroups between fork and exec, which posix_spawn cannot do. It is made as
 * posix_spawn makes its own: sharing our memory until it execs (a fork of a large daemon is slow), but on a
 * stack of its own, for a plain vfork child may overwrite our variables. All signals are blocked meanwhile,
 * so no handler of ours runs in it.
 */
#include "server/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int spawn_find_program(char *path, size_t size, const char *name, struct error *error)
{
	const char *folder = getenv("WARREN_LIBEXEC");
	char self[PATH_MAX];

	if (!folder || !*folder) {
		ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
		char *slash;

		if (n < 0)
			return error_errno(error, errno, "cannot find where this program lies");
		self[n] = 0;
		slash = strrchr(self, '/');
		if (slash)
			*slash = 0;
		folder = self;
	}
	if ((size_t)snprintf(path, size, "%s/%s", folder, name) >= size)
		return error_set(error, ENAMETOOLONG, "the path of %s is too long", name);
	if (access(path, X_OK) != 0)
		return error_errno(error, errno, "cannot run %s (is $WARREN_LIBEXEC right?)", path);
	return 0;
}

#define CHILD_STACK_SIZE (64u << 10)

struct child_start {
	const struct spawn_options *options;
	int null_fd;
	int failure; /* errno, set by the child */
};

/* Between clone and exec. The memory is the parent's, so nothing is written but `failure` and this stack. */
__attribute__((no_sanitize("address", "undefined"))) static int child_side(void *opaque)
{
	struct child_start *start = opaque;
	const struct spawn_options *options = start->options;
	struct sigaction act = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (unsigned int i = 0; i < options->cgroup_count; i++)
		if (write(options->cgroup_fds[i], "0", 1) != 1)
			goto failed;
	setsid();
	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &act, NULL);
	for (unsigned int i = 0; i < options->fd_count; i++)
		if (fcntl(options->fds[i], F_SETFD, 0) != 0)
			goto failed;
	if (dup2(start->null_fd, 0) < 0 ||
	    dup2(options->stderr_fd >= 0 ? options->stderr_fd : start->null_fd, 1) < 0 || dup2(1, 2) < 0)
		goto failed;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(options->path, options->argv);
failed:
	start->failure = errno;
	_exit(127);
}

/* Returns the child's pid, or a negative errno. */
static pid_t start_child(struct child_start *start)
{
	char *stack = mmap(NULL, CHILD_STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	sigset_t all, old;
	pid_t child;

	if (stack == MAP_FAILED)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	child = clone(child_side, stack + CHILD_STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, start);
	if (child < 0)
		child = -errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	munmap(stack, CHILD_STACK_SIZE);
	if (child > 0 && start->failure) {
		waitpid(child, NULL, 0);
		return -start->failure;
	}
	return child;
}

int spawn_program(const struct spawn_options *options, pid_t *pid, int *pidfd, struct error *error)
{
	struct child_start start = {.options = options, .null_fd = open("/dev/null", O_RDWR | O_CLOEXEC)};
	pid_t child;

	if (start.null_fd < 0)
		return error_errno(error, errno, "cannot open /dev/null");
	child = start_child(&start);
	close(start.null_fd);
	if (child < 0)
		return error_errno(error, -child, "cannot start %s", options->path);
	*pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	if (*pidfd < 0) {
		int code = errno;

		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		return error_errno(error, code, "cannot open a pidfd for %s", options->path);
	}
	*pid = child;
	return 0;
}

uint64_t process_start_time(pid_t pid)
{
	char path[64], text[1024], *at;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strrchr(
	    text, ')'); /* field 2 is in parentheses and may hold anything; field 22 is the 20th after it */
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

int process_open(pid_t pid, uint64_t start_time)
{
	int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (pidfd < 0)
		return -ESRCH;
	if (process_start_time(pid) != start_time) {
		close(pidfd);
		return -ESRCH;
	}
	return pidfd;
}

int process_kill(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

struct process_watch {
	struct process_watch *next, **link;
	uv_poll_t poll;
	pid_t pid;
	int pidfd;
	process_ended_fn *ended;
	void *opaque;
};

/* All that are watched, so that the reaper leaves them to their watches. */
static struct process_watch *g_watches;

static void watch_closed(uv_handle_t *handle)
{
	struct process_watch *watch = handle->data;

	close(watch->pidfd);
	free(watch);
}

void process_watch_stop(struct process_watch *watch)
{
	watch->ended = NULL;
	if (uv_is_closing((uv_handle_t *)&watch->poll))
		return;
	*watch->link = watch->next;
	if (watch->next)
		watch->next->link = watch->link;
	uv_close((uv_handle_t *)&watch->poll, watch_closed);
}

static void watch_ready(uv_poll_t *poll, int uv_status, int events)
{
	struct process_watch *watch = poll->data;
	process_ended_fn *ended = watch->ended;
	siginfo_t info = {.si_pid = 0};
	int status = -1;

	if (waitid(P_PIDFD, (id_t)watch->pidfd, &info, WEXITED | WNOHANG) == 0) {
		if (info.si_pid == 0)
			return; /* not yet */
		status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : info.si_status;
	}
	process_watch_stop(watch);
	if (ended)
		ended(watch->opaque, status);
}

struct process_watch *process_watch_start(uv_loop_t *loop, pid_t pid, int pidfd, process_ended_fn *ended,
					  void *opaque, struct error *error)
{
	struct process_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch) {
		error_set(error, ENOMEM, "no memory to watch a process");
		return NULL;
	}
	r = uv_poll_init(loop, &watch->poll, pidfd);
	if (r < 0) {
		free(watch);
		error_errno(error, -r, "cannot watch a process");
		return NULL;
	}
	watch->pid = pid;
	watch->next = g_watches;
	watch->link = &g_watches;
	if (watch->next)
		watch->next->link = &watch->next;
	g_watches = watch;
	watch->pidfd = pidfd;
	watch->ended = ended;
	watch->opaque = opaque;
	watch->poll.data = watch;
	uv_poll_start(&watch->poll, UV_READABLE, watch_ready);
	return watch;
}

int process_watch_pidfd(const struct process_watch *watch)
{
	return watch->pidfd;
}

static bool is_watched(pid_t pid)
{
	for (const struct process_watch *watch = g_watches; watch; watch = watch->next)
		if (watch->pid == pid)
			return true;
	return false;
}

/* The kernel shows one ended child at a time; a watched one hides those behind it until its watch has reaped
 * it, which makes no new SIGCHLD. So the list of children is read instead. */
static void child_changed(uv_signal_t *handle, int number)
{
	char path[64];
	int pid;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &pid) == 1)
		if (!is_watched(pid))
			waitpid(pid, NULL, WNOHANG);
	if (file)
		fclose(file);
}

int process_reap_strangers(uv_loop_t *loop, uv_signal_t *handle)
{
	int r = uv_signal_init(loop, handle);

	if (!r)
		r = uv_signal_start(handle, child_changed, SIGCHLD);
	if (!r)
		uv_unref((uv_handle_t *)handle);
	return r;
}

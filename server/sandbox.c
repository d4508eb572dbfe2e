/* sandbox.c: the life of a supervised sandbox after its start. See sandbox.h.
 *
 * The keeper (init of the sandbox's PID namespace) is the sandbox: when its pidfd says that it has ended,
 * everything in the sandbox has. The control connection may be lost and made again without harm; a keeper
 * that lives without a control socket that answers is killed, for nothing could be done with it.
 */
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/endpoint.h"
#include "server/sandbox_priv.h"

#define TICK_MS           50
#define STOP_GRACE_TICKS  60 /* 3 s from the polite request to the kill */
#define GOFER_GRACE_TICKS 20 /* 1 s from the end of the keeper */
#define CGROUP_TICKS      60
#define RECONNECT_MS      100
#define RECONNECT_MAX     5

static void check_ended(struct sandbox *sandbox);
static void tick(uv_timer_t *timer);

const char *sandbox_state_name(enum sandbox_state state)
{
	static const char *const names[] = {"starting", "running", "stopping", "ended"};

	return names[state];
}

struct sandbox *sandbox_new(uv_loop_t *loop, const char *id, const char *directory,
			    const struct sandbox_hooks *hooks, struct error *error)
{
	struct sandbox *sandbox = calloc(1, sizeof(*sandbox));

	if (sandbox) {
		sandbox->id = strdup(id);
		sandbox->directory = strdup(directory);
	}
	if (!sandbox || !sandbox->id || !sandbox->directory) {
		error_set(error, ENOMEM, "no memory for a sandbox");
		if (sandbox) {
			free(sandbox->id);
			free(sandbox->directory);
		}
		free(sandbox);
		return NULL;
	}
	sandbox->loop = loop;
	sandbox->hooks = *hooks;
	sandbox->ready_fd = -1;
	uv_timer_init(loop, &sandbox->timer);
	sandbox->timer.data = sandbox;
	sandbox->open_handles = 1;
	return sandbox;
}

static void timer_closed(uv_handle_t *handle)
{
	struct sandbox *sandbox = handle->data;

	sandbox->open_handles--;
	sandbox_free(sandbox);
}

void sandbox_free(struct sandbox *sandbox)
{
	if (!sandbox->freed) {
		sandbox->freed = true;
		sandbox_close_ready(sandbox);
		control_client_free(sandbox->control);
		if (sandbox->starter.watch)
			process_watch_stop(sandbox->starter.watch);
		if (sandbox->keeper.watch)
			process_watch_stop(sandbox->keeper.watch);
		for (unsigned int i = 0; i < sandbox->gofer_count; i++)
			if (sandbox->gofers[i].watch)
				process_watch_stop(sandbox->gofers[i].watch);
		uv_close((uv_handle_t *)&sandbox->timer, timer_closed);
		return;
	}
	if (sandbox->open_handles)
		return; /* called again by the last close callback */
	cgroup_free(sandbox->cgroup);
	free(sandbox->id);
	free(sandbox->directory);
	free(sandbox);
}

static void set_reason(struct sandbox *sandbox, const char *reason)
{
	if (!sandbox->reason[0])
		snprintf(sandbox->reason, sizeof(sandbox->reason), "%s", reason);
}

static void kill_all(struct sandbox *sandbox)
{
	if (sandbox->keeper.watch)
		process_kill(process_watch_pidfd(sandbox->keeper.watch), SIGKILL);
	if (sandbox->starter.watch) /* its session is its own; not yet reaped, so the number is still its */
		kill(-sandbox->starter.pid, SIGKILL);
}

static void begin_stopping(struct sandbox *sandbox, const char *reason)
{
	set_reason(sandbox, reason);
	sandbox->state = SANDBOX_STOPPING;
	uv_timer_start(&sandbox->timer, tick, TICK_MS, TICK_MS);
}

void sandbox_kill(struct sandbox *sandbox, const char *reason)
{
	if (sandbox->state == SANDBOX_ENDED)
		return;
	if (sandbox->state != SANDBOX_STOPPING)
		begin_stopping(sandbox, reason);
	kill_all(sandbox);
	sandbox->stop_ticks = STOP_GRACE_TICKS;
	check_ended(sandbox);
}

static void shutdown_answered(void *opaque, const struct error *error, const json_t *answer)
{
	struct sandbox *sandbox = opaque;

	/* Answered or cut: it is going. A refusal is not: */
	if (error && error->code != ECONNRESET)
		kill_all(sandbox);
}

void sandbox_stop(struct sandbox *sandbox, const char *reason)
{
	bool starting = sandbox->state == SANDBOX_STARTING;

	if (sandbox->state >= SANDBOX_STOPPING)
		return;
	begin_stopping(sandbox, reason);
	if (starting || !sandbox->control ||
	    control_request(sandbox->control, "shutdown", NULL, NULL, 0, 0, shutdown_answered, sandbox,
			    NULL) != 0)
		kill_all(sandbox);
	if (starting && !sandbox->started_called) {
		struct error error;

		sandbox->started_called = true;
		error_set(&error, ECANCELED, "%s", sandbox->reason);
		sandbox->hooks.started(sandbox, &error, sandbox->hooks.opaque);
	}
	check_ended(sandbox);
}

void sandbox_start_failed(struct sandbox *sandbox, const struct error *error)
{
	if (sandbox->state != SANDBOX_STARTING)
		return;
	/* A sentry that starts in spite of all finds this in its queue. */
	if (sandbox->control)
		control_request(sandbox->control, "shutdown", NULL, NULL, 0, 0, NULL, NULL, NULL);
	begin_stopping(sandbox, error->message);
	kill_all(sandbox);
	sandbox->stop_ticks = STOP_GRACE_TICKS;
	if (!sandbox->started_called) {
		sandbox->started_called = true;
		sandbox->hooks.started(sandbox, error, sandbox->hooks.opaque);
	}
	check_ended(sandbox);
}

void sandbox_start_deadline(uv_timer_t *timer)
{
	struct error error;

	error_set(&error, ETIMEDOUT, "the sandbox's kernel did not start within %d seconds",
		  SANDBOX_START_TIMEOUT_MS / 1000);
	sandbox_start_failed(timer->data, &error);
}

void sandbox_check_started(struct sandbox *sandbox)
{
	if (sandbox->state != SANDBOX_STARTING || !sandbox->ready || !sandbox->created)
		return;
	uv_timer_stop(&sandbox->timer);
	sandbox->state = SANDBOX_RUNNING;
	sandbox->started_called = true;
	sandbox->hooks.started(sandbox, NULL, sandbox->hooks.opaque);
}

void sandbox_starter_ended(void *opaque, int status)
{
	struct sandbox *sandbox = opaque;

	sandbox->starter.watch = NULL;
	sandbox_read_ready(sandbox, true);
	check_ended(sandbox);
}

void sandbox_gofer_ended(void *opaque, int status)
{
	struct sandbox_process *gofer = opaque;

	gofer->watch = NULL;
	check_ended(gofer->owner);
}

static void keeper_ended(void *opaque, int status)
{
	struct sandbox *sandbox = opaque;
	char why[200];
	struct error error;

	sandbox->keeper.watch = NULL;
	if (cgroup_oom_kills(sandbox->cgroup))
		snprintf(why, sizeof(why), "it went beyond its memory limit and the host ended it");
	else if (status > 0 && WIFSIGNALED(status))
		snprintf(why, sizeof(why), "the sandbox's kernel was ended by signal %d (%s)",
			 WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
	else if (status > 0)
		snprintf(why, sizeof(why), "the sandbox's kernel ended unexpectedly with status %d",
			 WEXITSTATUS(status));
	else
		snprintf(why, sizeof(why), "the sandbox's kernel ended unexpectedly");
	if (sandbox->state == SANDBOX_STARTING) {
		error_set(&error, EIO, "%s", why);
		sandbox_start_failed(sandbox, &error);
		return;
	}
	if (sandbox->state == SANDBOX_RUNNING)
		begin_stopping(sandbox, why);
	check_ended(sandbox);
}

int sandbox_watch_keeper(struct sandbox *sandbox, pid_t pid, uint64_t start_time, struct error *error)
{
	int pidfd = start_time ? process_open(pid, start_time) : -ESRCH;

	if (pidfd < 0)
		return error_set(error, ESRCH, "its process %d is gone", (int)pid);
	sandbox->keeper.pid = pid;
	sandbox->keeper.start_time = start_time;
	sandbox->keeper.watch = process_watch_start(sandbox->loop, pid, pidfd, keeper_ended, sandbox, error);
	if (!sandbox->keeper.watch) {
		close(pidfd);
		return -ENOMEM;
	}
	return 0;
}

/* Ends when nothing is left. Every callback that removes something comes here. */
static void check_ended(struct sandbox *sandbox)
{
	if (sandbox->state != SANDBOX_STOPPING || sandbox->keeper.watch || sandbox->starter.watch)
		return;
	if (sandbox->control) { /* the gofers' sockets may still lie in its queue */
		control_client_free(sandbox->control);
		sandbox->control = NULL;
	}
	for (unsigned int i = 0; i < sandbox->gofer_count; i++)
		if (sandbox->gofers[i].watch)
			return;
	if (sandbox->cgroup && cgroup_remove(sandbox->cgroup) != 0 &&
	    sandbox->keeper_gone_ticks < CGROUP_TICKS)
		return;
	uv_timer_stop(&sandbox->timer);
	sandbox_close_ready(sandbox);
	sandbox->state = SANDBOX_ENDED;
	while (sandbox->listeners) {
		struct sandbox_listener *listener = sandbox->listeners;

		sandbox_unlisten(listener);
		listener->ended(listener);
	}
	sandbox->hooks.ended(sandbox, sandbox->hooks.opaque);
}

static void tick(uv_timer_t *timer)
{
	struct sandbox *sandbox = timer->data;

	if (sandbox->keeper.watch || sandbox->starter.watch) {
		if (++sandbox->stop_ticks >= STOP_GRACE_TICKS)
			kill_all(sandbox);
		return;
	}
	if (++sandbox->keeper_gone_ticks >= GOFER_GRACE_TICKS)
		for (unsigned int i = 0; i < sandbox->gofer_count; i++)
			if (sandbox->gofers[i].watch)
				process_kill(process_watch_pidfd(sandbox->gofers[i].watch), SIGKILL);
	check_ended(sandbox);
}

static void reconnect(uv_timer_t *timer)
{
	struct sandbox *sandbox = timer->data;

	if (sandbox->state != SANDBOX_RUNNING || sandbox->control)
		return;
	if (sandbox_connect(sandbox, NULL) == 0) {
		sandbox->connect_failures = 0;
		return;
	}
	if (++sandbox->connect_failures >= RECONNECT_MAX)
		sandbox_kill(sandbox, "the sandbox's kernel no longer answered on its control socket");
	else
		uv_timer_start(timer, reconnect, RECONNECT_MS, 0);
}

static void control_lost(void *opaque, const struct error *why)
{
	struct sandbox *sandbox = opaque;

	control_client_free(sandbox->control);
	sandbox->control = NULL;
	if (sandbox->state != SANDBOX_RUNNING)
		return;
	if (sandbox->private)
		sandbox_kill(sandbox, why->message);
	else
		uv_timer_start(&sandbox->timer, reconnect, RECONNECT_MS, 0);
}

int sandbox_connect(struct sandbox *sandbox, struct error *error)
{
	int fd = endpoint_connect(sandbox->directory, SANDBOX_SOCKET_NAME, error);

	if (fd < 0)
		return fd;
	sandbox->control = control_client_new(sandbox->loop, fd, control_lost, sandbox, error);
	return sandbox->control ? 0 : -ENOMEM;
}

enum sandbox_state sandbox_get_state(const struct sandbox *sandbox)
{
	return sandbox->state;
}

const char *sandbox_id(const struct sandbox *sandbox)
{
	return sandbox->id;
}

const char *sandbox_reason(const struct sandbox *sandbox)
{
	return sandbox->reason;
}

pid_t sandbox_keeper_pid(const struct sandbox *sandbox)
{
	return sandbox->keeper.pid;
}

const char *sandbox_cgroup_problem(const struct sandbox *sandbox)
{
	return sandbox->cgroup_problem[0] ? sandbox->cgroup_problem : NULL;
}

int sandbox_request(struct sandbox *sandbox, const char *op, json_t *params, const int *fds,
		    unsigned int fd_count, uint64_t timeout_ms, control_answer_fn *answered, void *opaque,
		    struct error *error)
{
	return control_request(sandbox->control, op, params, fds, fd_count, timeout_ms, answered, opaque,
			       error);
}

void sandbox_cancel(struct sandbox *sandbox, void *opaque)
{
	control_cancel(sandbox->control, opaque);
}

void sandbox_listen(struct sandbox *sandbox, struct sandbox_listener *listener)
{
	listener->next = sandbox->listeners;
	listener->link = &sandbox->listeners;
	if (listener->next)
		listener->next->link = &listener->next;
	sandbox->listeners = listener;
}

void sandbox_unlisten(struct sandbox_listener *listener)
{
	if (!listener->link)
		return;
	*listener->link = listener->next;
	if (listener->next)
		listener->next->link = listener->link;
	listener->link = NULL;
}

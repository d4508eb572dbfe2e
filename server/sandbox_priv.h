/* sandbox_priv.h: the inside of a supervised sandbox, shared by sandbox.c (life) and sandbox_launch.c
 * (start). */
#ifndef WARREN_SERVER_SANDBOX_PRIV_H
#define WARREN_SERVER_SANDBOX_PRIV_H

#include "server/cgroup.h"
#include "server/sandbox.h"
#include "server/spawn.h"

#define SANDBOX_MAX_GOFERS       128                       /* of all its containers */
#define CONTAINER_MAX_GOFERS     (SANDBOX_MAX_VOLUMES + 2) /* root, overlay */
#define SANDBOX_SOCKET_NAME      "control.sock"
#define SANDBOX_START_TIMEOUT_MS 15000

struct sandbox_process {
	struct sandbox *owner;
	pid_t pid;
	uint64_t start_time;
	struct process_watch *watch; /* NULL: ended, or never there */
};

struct sandbox {
	uv_loop_t *loop;
	char *id, *directory;
	enum sandbox_state state;
	char reason[400];
	struct sandbox_hooks hooks;
	struct sandbox_listener *listeners;
	bool private;

	struct control_client *control; /* NULL: lost */
	unsigned int connect_failures;

	struct sandbox_process starter, keeper;
	struct sandbox_process gofers[SANDBOX_MAX_GOFERS];
	unsigned int gofer_count;

	/* starting */
	uv_poll_t ready_poll;
	bool ready_polling;
	int ready_fd; /* -1: closed */
	char ready_text[2048];
	size_t ready_have;
	bool ready, created, started_called;

	struct cgroup *cgroup;
	char cgroup_problem[400];

	/* One timer: the deadline of the start, the next attempt to connect, or the steps of the end. */
	uv_timer_t timer;
	unsigned int stop_ticks, keeper_gone_ticks;
	unsigned int open_handles;
	bool freed;
};

/* sandbox.c, for sandbox_launch.c */
struct sandbox *sandbox_new(uv_loop_t *loop, const char *id, const char *directory,
			    const struct sandbox_hooks *hooks, struct error *error);
void sandbox_start_failed(struct sandbox *sandbox, const struct error *error);
void sandbox_check_started(struct sandbox *sandbox);
int sandbox_watch_keeper(struct sandbox *sandbox, pid_t pid, uint64_t start_time, struct error *error);
int sandbox_connect(struct sandbox *sandbox, struct error *error);
void sandbox_starter_ended(void *opaque, int status);
/* `opaque` is the gofer's struct sandbox_process. */
void sandbox_gofer_ended(void *opaque, int status);
void sandbox_start_deadline(uv_timer_t *timer);

/* sandbox_launch.c, for sandbox.c */
int sandbox_launch(struct sandbox *sandbox, const struct sandbox_config *config, struct error *error);
void sandbox_close_ready(struct sandbox *sandbox);
/* Reads what the starting sentry said. */
void sandbox_read_ready(struct sandbox *sandbox, bool at_end);

#endif

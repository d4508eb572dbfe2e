/* sandbox.h: one sandbox as its supervisor sees it: a folder, a control socket, a keeper process, gofers.
 *
 * Life: sandbox_start() → `started` (once, with or without an error) → `ended` (once; nothing of the sandbox
 * is left, the owner then calls sandbox_free()). A sandbox found again after a restart goes through
 * sandbox_recover() instead. Nothing here waits: all of it runs on the given libuv loop and in its thread.
 *
 * Used by warrend (many sandboxes, recorded) and by `warren run` (one, unrecorded, gone with the command).
 */
#ifndef WARREN_SERVER_SANDBOX_H
#define WARREN_SERVER_SANDBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "server/control_client.h"
#include "server/error.h"
#include "server/publish.h"

struct sandbox;

enum sandbox_state { SANDBOX_STARTING, SANDBOX_RUNNING, SANDBOX_STOPPING, SANDBOX_ENDED };
const char *sandbox_state_name(enum sandbox_state state);

#define SANDBOX_MAX_VOLUMES                                                                                  \
	13 /* with root, overlay and network they share the 16 descriptors of one message */
#define SANDBOX_CONTAINER "c1"

struct sandbox_volume {
	const char *host, *guest;
	bool read_only;
};

/* A sandbox that goes on from an image (server/image.h) instead of beginning. */
struct sandbox_restore {
	int manifest, pages;     /* borrowed */
	const json_t *resources; /* what it wants: {"gofers": [TREE], "streams": [{process, stream}]} */
	const int *stream_fds;   /* for each of its streams, in order; taken over */
	unsigned int stream_count;
};

struct sandbox_config {
	const char *id;
	const char *directory; /* exists; the control socket is made in it */
	const char *rootfs;
	bool rootfs_read_only;
	const char
	    *overlay;      /* what takes the changes of the root: NULL the root itself, "memory", a folder */
	bool files_shared; /* others change the trees too, while the sandbox runs */
	struct sandbox_volume volumes[SANDBOX_MAX_VOLUMES];
	unsigned int volume_count;
	const char *hostname; /* NULL: the id */
	uint64_t memory_bytes, pids;
	unsigned int cpu_millis;
	bool network;                           /* a way to the world (network.h), else loopback only */
	struct publish_port ports[PUBLISH_MAX]; /* of this host that lead into it; only with `network` */
	unsigned int port_count;
	bool strace;
	bool private; /* the socket's name is removed at once: nobody connects later */
	int log_fd;   /* borrowed; -1: none */
	/* Not NULL: receives a second connection to the control socket (the caller's), made before the sentry
	 * starts. */
	int *second_connection;
	const struct sandbox_restore *restore; /* NULL: a new one */
};

struct sandbox_hooks {
	void (*started)(struct sandbox *sandbox, const struct error *error, void *opaque);
	void (*ended)(struct sandbox *sandbox, void *opaque);
	void *opaque;
};

int sandbox_start(struct sandbox **sandbox, uv_loop_t *loop, const struct sandbox_config *config,
		  const struct sandbox_hooks *hooks, struct error *error);

/* Takes a sandbox up again from its folder and what sandbox_runtime() said of it. `started` is called with an
 * error when it does not answer (`error` then holds it too). An error return means that it is gone, and why;
 * nothing will be called. */
int sandbox_recover(struct sandbox **sandbox, uv_loop_t *loop, const char *id, const char *directory,
		    const json_t *runtime, const struct sandbox_hooks *hooks, struct error *error);

/* Ends a sandbox whose start was cut short before anything about it was recorded. Always an error: why it is
 * gone. */
int sandbox_abandon(const char *directory, struct error *error);

/* What must be recorded to find it again. New reference; NULL without memory. */
json_t *sandbox_runtime(const struct sandbox *sandbox);

/* Ends it: asks first, kills after a grace. `reason` is what sandbox_reason() will say. May be called in any
 * state. */
void sandbox_stop(struct sandbox *sandbox, const char *reason);
/* Kills it at once. */
void sandbox_kill(struct sandbox *sandbox, const char *reason);

/* Only after `ended`, or when warrend itself ends (`leave` it running). */
void sandbox_free(struct sandbox *sandbox);

enum sandbox_state sandbox_get_state(const struct sandbox *sandbox);
const char *sandbox_id(const struct sandbox *sandbox);
const char *sandbox_reason(const struct sandbox *sandbox);
pid_t sandbox_keeper_pid(const struct sandbox *sandbox);
/* NULL when cgroups hold its limits (or it has none), else why they do not. */
const char *sandbox_cgroup_problem(const struct sandbox *sandbox);

/* Sends a request to the sandbox's kernel; as control_request(). */
int sandbox_request(struct sandbox *sandbox, const char *op, json_t *params, const int *fds,
		    unsigned int fd_count, uint64_t timeout_ms, control_answer_fn *answered, void *opaque,
		    struct error *error);
void sandbox_cancel(struct sandbox *sandbox, void *opaque);

/* A further container in it, with trees, hostname and overlay from `config`; `namespaces` as in the control
 * protocol, borrowed, or NULL. Its processes are started by requests that name it; its trees' servers end
 * with it. `answered` as for sandbox_request. */
int sandbox_add_container(struct sandbox *sandbox, const char *name, const struct sandbox_config *config,
			  const json_t *namespaces, control_answer_fn *answered, void *opaque,
			  struct error *error);

/* Told when the sandbox has ended, before its `ended` hook; removed from the list then. Embedded by the
 * listener. */
struct sandbox_listener {
	struct sandbox_listener *next, **link; /* link NULL: not listening */
	void (*ended)(struct sandbox_listener *listener);
};
void sandbox_listen(struct sandbox *sandbox, struct sandbox_listener *listener);
void sandbox_unlisten(struct sandbox_listener *listener);

#endif

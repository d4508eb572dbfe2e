/* exec.h: one process run in a sandbox on behalf of an API client, with its streams.
 *
 * Output comes through `output` until exec_pause(); a paused process stops when its pipe is full, so memory
 * is bounded. `ended` comes last, once, when the process has ended and its output has been delivered.
 * exec_free() may be called at any time; a process that still runs then is hung up on (SIGHUP to its group;
 * without a terminal SIGKILL follows after EXEC_HANGUP_GRACE_MS).
 */
#ifndef WARREN_SERVER_EXEC_H
#define WARREN_SERVER_EXEC_H

#include "server/sandbox.h"

#define EXEC_HANGUP_GRACE_MS 5000

struct exec;

struct exec_hooks {
	/* `error` NULL: it runs. On an error `ended` does not follow. */
	void (*started)(void *opaque, const struct error *error, const char *process, int pid);
	/* stream 1: stdout or the terminal; 2: stderr. */
	void (*output)(void *opaque, int stream, const char *bytes, size_t size);
	/* `how` (borrowed): {"code":N} or {"signal":N,...}; NULL when it is not known, and `error` says why.
	 */
	void (*ended)(void *opaque, const json_t *how, const struct error *error);
	/* What exec_write queued has been taken (may be NULL). */
	void (*drained)(void *opaque);
};

/* `params` (stolen): the members of the control protocol's exec request; "tty" decides about the streams. */
int exec_start(struct exec **exec, struct sandbox *sandbox, uv_loop_t *loop, json_t *params,
	       const struct exec_hooks *hooks, void *opaque, struct error *error);
void exec_free(struct exec *exec);

/* Copies the bytes. */
int exec_write(struct exec *exec, const char *bytes, size_t size);
size_t exec_write_queued(const struct exec *exec);
/* The input ends after what was written. Not for terminals. */
void exec_close_input(struct exec *exec);
void exec_pause(struct exec *exec, bool paused);
void exec_signal(struct exec *exec, int signal);
void exec_resize(struct exec *exec, unsigned int columns, unsigned int rows);

#endif

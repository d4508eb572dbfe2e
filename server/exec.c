/* exec.c: see exec.h.
 *
 * Our ends of the streams are uv_pipe handles; the struct lives until the last handle is closed and, after
 * exec_free, until the process has been waited for, so that the hang-up can be followed up.
 */
#include "server/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXEC_TIMEOUT_MS 30000
#define READ_SIZE       (64u << 10)
/* A descendant may hold the streams open after the process has ended; its output is not waited for longer. */
#define LINGER_MS     250
#define WAIT_RETRY_MS 300

struct exec {
	struct sandbox *sandbox; /* NULL: gone */
	struct sandbox_listener listener;
	uv_loop_t *loop;
	struct exec_hooks hooks;
	void *opaque;
	bool tty, freed, paused, running, ended_told;
	char process[64];
	uv_pipe_t streams[3]; /* 0: input, or the terminal; 1, 2: output */
	bool open[3], reading_done[3];
	uv_timer_t timer;
	unsigned int handles;
	json_t *how; /* once waited for */
	struct error error;
	char buffer[READ_SIZE];
};

static void wait_for_end(struct exec *exec);
static void check_done(struct exec *exec);

static void release(struct exec *exec)
{
	if (!exec->freed || exec->running || exec->handles)
		return;
	json_decref(exec->how);
	free(exec);
}

static void handle_closed(uv_handle_t *handle)
{
	struct exec *exec = handle->data;

	exec->handles--;
	release(exec);
}

static void close_stream(struct exec *exec, int i)
{
	if (!exec->open[i])
		return;
	exec->open[i] = false;
	uv_close((uv_handle_t *)&exec->streams[i], handle_closed);
}

static void close_timer(struct exec *exec)
{
	if (!uv_is_closing((uv_handle_t *)&exec->timer))
		uv_close((uv_handle_t *)&exec->timer, handle_closed);
}

/* The process is known to be over (or its end will never be known). */
static void finished(struct exec *exec)
{
	if (!exec->running)
		return;
	exec->running = false;
	sandbox_unlisten(&exec->listener);
	if (exec->freed) {
		close_timer(exec);
		release(exec);
		return;
	}
	uv_timer_stop(&exec->timer);
	check_done(exec);
}

static void sandbox_gone(struct sandbox_listener *listener)
{
	struct exec *exec = (struct exec *)((char *)listener - offsetof(struct exec, listener));

	error_set(&exec->error, ECONNRESET, "the sandbox ended: %.300s", sandbox_reason(exec->sandbox));
	exec->sandbox = NULL;
	finished(exec);
}

static void tell_ended(struct exec *exec)
{
	if (exec->ended_told || exec->freed)
		return;
	exec->ended_told = true;
	uv_timer_stop(&exec->timer);
	exec->hooks.ended(exec->opaque, exec->how, exec->how ? NULL : &exec->error);
}

static void linger_over(uv_timer_t *timer)
{
	tell_ended(timer->data);
}

static void check_done(struct exec *exec)
{
	bool drained = true;

	if (exec->running || exec->freed || exec->ended_told)
		return;
	for (int i = exec->tty ? 0 : 1; i < (exec->tty ? 1 : 3); i++)
		drained = drained && (!exec->open[i] || exec->reading_done[i]);
	if (drained)
		tell_ended(exec);
	else if (exec->paused)
		uv_timer_stop(&exec->timer);
	else
		uv_timer_start(&exec->timer, linger_over, LINGER_MS, 0);
}

static void alloc_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct exec *exec = handle->data;

	*buffer = uv_buf_init(exec->buffer, sizeof(exec->buffer));
}

static void got_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
	struct exec *exec = stream->data;
	int i = (int)((uv_pipe_t *)stream - exec->streams);

	if (size > 0) {
		exec->hooks.output(exec->opaque, exec->tty ? 1 : i, buffer->base, (size_t)size);
		if (!exec->running)
			check_done(exec); /* as long as output comes, it is waited for */
		return;
	}
	if (size < 0) {
		exec->reading_done[i] = true;
		uv_read_stop(stream);
		if (!exec->tty)
			close_stream(exec, i);
		check_done(exec);
	}
}

static void set_reading(struct exec *exec)
{
	for (int i = exec->tty ? 0 : 1; i < (exec->tty ? 1 : 3); i++) {
		if (!exec->open[i] || exec->reading_done[i])
			continue;
		if (exec->paused)
			uv_read_stop((uv_stream_t *)&exec->streams[i]);
		else
			uv_read_start((uv_stream_t *)&exec->streams[i], alloc_buffer, got_output);
	}
}

static void retry_wait(uv_timer_t *timer)
{
	wait_for_end(timer->data);
}

static void process_ended(void *opaque, const struct error *error, const json_t *answer)
{
	struct exec *exec = opaque;
	json_t *how = json_object_get(answer, "exit");

	if (error && error->code == ECONNRESET && exec->sandbox &&
	    sandbox_get_state(exec->sandbox) <= SANDBOX_STOPPING) {
		/* Only the connection was lost; it is made again, or the sandbox ends and the listener hears
		 * of it. */
		uv_timer_start(&exec->timer, retry_wait, WAIT_RETRY_MS, 0);
		return;
	}
	if (json_is_object(how))
		exec->how = json_incref(how);
	else if (error)
		exec->error = *error;
	else
		error_set(&exec->error, EPROTO, "the sandbox's kernel did not say how the process ended");
	finished(exec);
}

static void wait_for_end(struct exec *exec)
{
	struct error error;

	if (!exec->sandbox || !exec->running)
		return;
	if (sandbox_request(exec->sandbox, "wait",
			    json_pack("{s:s,s:b}", "process", exec->process, "release", 1), NULL, 0, 0,
			    process_ended, exec, &error) != 0)
		uv_timer_start(&exec->timer, retry_wait, WAIT_RETRY_MS, 0);
}

static void send_signal(struct exec *exec, int signal)
{
	if (exec->sandbox && exec->running && exec->process[0])
		sandbox_request(
		    exec->sandbox, "signal",
		    json_pack("{s:s,s:i,s:b}", "process", exec->process, "signal", signal, "group", 1), NULL,
		    0, 0, NULL, NULL, NULL);
}

static void grace_over(uv_timer_t *timer)
{
	send_signal(timer->data, SIGKILL);
}

static void hang_up(struct exec *exec)
{
	send_signal(exec, SIGHUP);
	send_signal(exec, SIGCONT); /* a stopped process would not notice */
	if (!exec->tty)
		uv_timer_start(&exec->timer, grace_over, EXEC_HANGUP_GRACE_MS, 0);
}

static void process_started(void *opaque, const struct error *error, const json_t *answer)
{
	struct exec *exec = opaque;
	const char *process = json_string_value(json_object_get(answer, "process"));
	struct error why;

	if (!error && (!process || strlen(process) >= sizeof(exec->process))) {
		error_set(&why, EPROTO, "the sandbox's kernel sent an answer of the wrong shape");
		error = &why;
	}
	if (error) {
		exec->running = false;
		exec->ended_told = true;
		sandbox_unlisten(&exec->listener);
		if (exec->freed) {
			close_timer(exec);
			release(exec);
		} else {
			exec->hooks.started(exec->opaque, error, NULL, 0);
		}
		return;
	}
	strcpy(exec->process, process);
	wait_for_end(exec);
	if (exec->freed) {
		hang_up(exec);
		return;
	}
	exec->hooks.started(exec->opaque, NULL, process,
			    (int)json_integer_value(json_object_get(answer, "pid")));
	if (!exec->freed)
		set_reading(exec);
}

static int open_stream(struct exec *exec, int i, int fd)
{
	int r;

	uv_pipe_init(exec->loop, &exec->streams[i], 0);
	exec->streams[i].data = exec;
	exec->handles++;
	exec->open[i] = true;
	r = uv_pipe_open(&exec->streams[i], fd);
	if (r)
		close(fd);
	return r;
}

/* Fills `theirs`; returns how many, or a negative errno with nothing of theirs left open. */
static int make_streams(struct exec *exec, int theirs[3], struct error *error)
{
	int count = exec->tty ? 1 : 3, pair[2];

	for (int i = 0; i < count; i++) {
		int r = exec->tty ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)
				  : pipe2(pair, O_CLOEXEC);

		r = r ? -errno : 0;
		if (!r) {
			int ours_at = !exec->tty && i == 0;

			theirs[i] = pair[!ours_at];
			r = open_stream(exec, i, pair[ours_at]);
			if (r)
				close(theirs[i]);
		}
		if (r) {
			while (i-- > 0)
				close(theirs[i]);
			return error_errno(error, -r, "cannot make the streams of a process");
		}
	}
	return count;
}

int exec_start(struct exec **out, struct sandbox *sandbox, uv_loop_t *loop, json_t *params,
	       const struct exec_hooks *hooks, void *opaque, struct error *error)
{
	struct exec *exec = calloc(1, sizeof(*exec));
	int theirs[3], count, r;

	if (!exec) {
		json_decref(params);
		return error_set(error, ENOMEM, "no memory for a process");
	}
	exec->sandbox = sandbox;
	exec->loop = loop;
	exec->hooks = *hooks;
	exec->opaque = opaque;
	exec->tty = json_is_true(json_object_get(params, "tty"));
	exec->listener.ended = sandbox_gone;
	uv_timer_init(loop, &exec->timer);
	exec->timer.data = exec;
	exec->handles = 1;
	count = make_streams(exec, theirs, error);
	if (count < 0) {
		json_decref(params);
		r = count;
	} else {
		r = sandbox_request(sandbox, "exec", params, theirs, (unsigned int)count, EXEC_TIMEOUT_MS,
				    process_started, exec, error);
	}
	if (r) {
		exec_free(exec);
		return r;
	}
	exec->running = true;
	sandbox_listen(sandbox, &exec->listener);
	*out = exec;
	return 0;
}

void exec_free(struct exec *exec)
{
	if (!exec || exec->freed)
		return;
	exec->freed = true;
	for (int i = 0; i < 3; i++)
		close_stream(exec, i);
	if (exec->running)
		hang_up(exec);
	else
		close_timer(exec);
	/* release() follows from the close callbacks. */
}

struct write_request {
	uv_write_t request;
	char bytes[];
};

static void written(uv_write_t *request, int status)
{
	struct exec *exec = request->handle->data;

	free(request->data);
	if (!exec->freed && exec->hooks.drained)
		exec->hooks.drained(exec->opaque);
}

int exec_write(struct exec *exec, const char *bytes, size_t size)
{
	struct write_request *write = malloc(sizeof(*write) + size);
	uv_buf_t buffer;
	int r;

	if (!write)
		return -ENOMEM;
	if (!exec->open[0] || exec->reading_done[0]) {
		free(write);
		return -EPIPE;
	}
	memcpy(write->bytes, bytes, size);
	write->request.data = write;
	buffer = uv_buf_init(write->bytes, (unsigned int)size);
	r = uv_write(&write->request, (uv_stream_t *)&exec->streams[0], &buffer, 1, written);
	if (r)
		free(write);
	return r;
}

size_t exec_write_queued(const struct exec *exec)
{
	return exec->open[0] ? uv_stream_get_write_queue_size((const uv_stream_t *)&exec->streams[0]) : 0;
}

static void input_shut(uv_shutdown_t *request, int status)
{
	struct exec *exec = request->handle->data;

	free(request);
	close_stream(exec, 0);
}

void exec_close_input(struct exec *exec)
{
	uv_shutdown_t *request;

	if (!exec->open[0])
		return;
	request = malloc(sizeof(*request));
	if (!request || uv_shutdown(request, (uv_stream_t *)&exec->streams[0], input_shut) != 0) {
		free(request);
		close_stream(exec, 0);
	}
}

void exec_pause(struct exec *exec, bool paused)
{
	if (exec->paused == paused)
		return;
	exec->paused = paused;
	if (exec->process[0])
		set_reading(exec);
	check_done(exec);
}

void exec_signal(struct exec *exec, int signal)
{
	send_signal(exec, signal);
}

void exec_resize(struct exec *exec, unsigned int columns, unsigned int rows)
{
	if (exec->sandbox && exec->running && exec->process[0])
		sandbox_request(exec->sandbox, "resize",
				json_pack("{s:s,s:i,s:i}", "process", exec->process, "cols", (int)columns,
					  "rows", (int)rows),
				NULL, 0, 0, NULL, NULL, NULL);
}

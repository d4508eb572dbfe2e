/* control_client.c: a connection to a sentry's control socket. See control_client.h.
 *
 * Callbacks may free the client or send more requests. Memory goes away only in libuv's close callbacks, so
 * the code after a callback just looks at `closing`.
 */
#include "server/control_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/control/proto.h"

struct pending {
	struct pending *next;
	uint64_t id;
	uint64_t deadline_ms; /* loop time; 0: none */
	control_answer_fn *answered;
	void *opaque;
};

struct control_client {
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned int open_handles;
	int socket;
	bool closing;
	uint64_t next_id;
	struct proto_reader reader;
	struct proto_writer writer;
	struct pending *pending;
	control_lost_fn *lost;
	void *opaque;
};

static void poll_ready(uv_poll_t *poll, int status, int events);

static void handle_closed(uv_handle_t *handle)
{
	struct control_client *client = handle->data;

	if (--client->open_handles)
		return;
	close(client->socket);
	proto_reader_free(&client->reader);
	proto_writer_free(&client->writer);
	free(client);
}

static void finish(struct pending *pending, const struct error *error, const json_t *answer)
{
	control_answer_fn *answered = pending->answered;
	void *opaque = pending->opaque;

	free(pending);
	if (answered)
		answered(opaque, error, answer);
}

void control_client_free(struct control_client *client)
{
	if (!client || client->closing)
		return;
	client->closing = true;
	while (client->pending) {
		struct pending *pending = client->pending;

		client->pending = pending->next;
		free(pending);
	}
	uv_close((uv_handle_t *)&client->poll, handle_closed);
	uv_close((uv_handle_t *)&client->timer, handle_closed);
}

/* The connection is of no use any more: fail what is outstanding, tell the owner. */
static void lose(struct control_client *client, int code, const char *why)
{
	control_lost_fn *lost = client->lost;
	struct error error;

	if (client->closing)
		return;
	uv_poll_stop(&client->poll);
	uv_timer_stop(&client->timer);
	client->lost = NULL;
	error_set(&error, code, "the connection to the sandbox's kernel was lost: %s", why);
	while (!client->closing && client->pending) {
		struct pending *pending = client->pending;

		client->pending = pending->next;
		finish(pending, &error, NULL);
	}
	if (lost)
		lost(client->opaque, &error);
}

static void update_poll(struct control_client *client)
{
	uv_poll_start(&client->poll, UV_READABLE | (client->writer.head ? UV_WRITABLE : 0), poll_ready);
}

static struct pending *take_pending(struct control_client *client, uint64_t id)
{
	for (struct pending **at = &client->pending; *at; at = &(*at)->next) {
		if ((*at)->id == id) {
			struct pending *found = *at;

			*at = found->next;
			return found;
		}
	}
	return NULL;
}

static void dispatch(struct control_client *client, const struct proto_message *message)
{
	json_t *root = json_loadb(message->text, message->size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *id = json_object_get(root, "id"), *ok = json_object_get(root, "ok");
	struct pending *pending;
	struct error error;

	if (!json_is_object(root)) {
		json_decref(root);
		lose(client, EPROTO, "it sent something that is not a JSON object");
		return;
	}
	pending = json_is_integer(id) ? take_pending(client, (uint64_t)json_integer_value(id)) : NULL;
	if (pending) {
		const json_t *why = json_object_get(root, "error");
		const char *name = json_string_value(json_object_get(why, "errno"));
		const char *text = json_string_value(json_object_get(why, "message"));

		if (json_is_true(ok)) {
			finish(pending, NULL, root);
		} else if (json_is_false(ok) && name) {
			error_set(&error, error_code_of(name), "%s", text ? text : name);
			finish(pending, &error, NULL);
		} else {
			error_set(&error, EPROTO, "the sandbox's kernel sent an answer of the wrong shape");
			finish(pending, &error, NULL);
		}
	} /* else an event, or the answer to a request that was given up */
	json_decref(root);
}

static void read_messages(struct control_client *client)
{
	struct proto_message message;

	for (int i = 0; i < 64 && !client->closing; i++) {
		long got;

		while (proto_reader_next(&client->reader, &message) == 1) {
			dispatch(client, &message);
			if (client->closing || !client->lost)
				return;
		}
		got = proto_reader_fill(&client->reader, client->socket);
		if (got == -EAGAIN)
			return;
		if (got <= 0) {
			lose(client, got ? (int)-got : ECONNRESET,
			     got ? strerror((int)-got) : "it was closed");
			return;
		}
	}
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
	struct control_client *client = poll->data;

	if (status < 0) {
		lose(client, -status, uv_strerror(status));
		return;
	}
	if (events & UV_WRITABLE) {
		int r = proto_writer_flush(&client->writer, client->socket);

		if (r < 0) {
			lose(client, -r, strerror(-r));
			return;
		}
		update_poll(client);
	}
	if (events & UV_READABLE)
		read_messages(client);
}

static void set_timer(struct control_client *client);

static void timer_fired(uv_timer_t *timer)
{
	struct control_client *client = timer->data;
	uint64_t now = uv_now(timer->loop);
	struct error error;

	error_set(&error, ETIMEDOUT, "the sandbox's kernel did not answer in time");
again:
	for (struct pending **at = &client->pending; *at; at = &(*at)->next) {
		struct pending *late = *at;

		if (!late->deadline_ms || late->deadline_ms > now)
			continue;
		*at = late->next;
		finish(late, &error, NULL);
		if (client->closing || !client->lost)
			return;
		goto again; /* the callback may have changed the list */
	}
	set_timer(client);
}

static void set_timer(struct control_client *client)
{
	uint64_t now = uv_now(client->timer.loop), first = UINT64_MAX;

	for (const struct pending *p = client->pending; p; p = p->next)
		if (p->deadline_ms && p->deadline_ms < first)
			first = p->deadline_ms;
	if (first == UINT64_MAX)
		uv_timer_stop(&client->timer);
	else
		uv_timer_start(&client->timer, timer_fired, first > now ? first - now : 0, 0);
}

struct control_client *control_client_new(uv_loop_t *loop, int socket, control_lost_fn *lost, void *opaque,
					  struct error *error)
{
	struct control_client *client = calloc(1, sizeof(*client));
	int r = client ? uv_poll_init(loop, &client->poll, socket) : UV_ENOMEM;

	if (r < 0) {
		error_errno(error, -r, "cannot watch a control connection");
		close(socket);
		free(client);
		return NULL;
	}
	uv_timer_init(loop, &client->timer);
	client->poll.data = client->timer.data = client;
	client->open_handles = 2;
	client->socket = socket;
	client->next_id = 1;
	client->lost = lost;
	client->opaque = opaque;
	proto_reader_init(&client->reader, NULL);
	proto_writer_init(&client->writer, NULL, 0);
	update_poll(client);
	return client;
}

static int queue_request(struct control_client *client, const char *op, json_t *params, uint64_t id,
			 const int *fds, unsigned int fd_count, struct error *error)
{
	json_t *root = json_object();
	char *text = NULL;
	int r;

	if (json_object_set_new(root, "id", json_integer((json_int_t)id)) ||
	    json_object_set_new(root, "op", json_string(op)) ||
	    (params && json_object_update(root, params)) || !(text = json_dumps(root, JSON_COMPACT)))
		r = error_set(error, ENOMEM, "no memory for a request");
	else
		r = proto_writer_queue(&client->writer, text, strlen(text), fds, fd_count);
	if (r == -EMSGSIZE)
		error_set(error, EMSGSIZE, "the request is larger than the control protocol allows");
	else if (r == -ENOBUFS)
		error_set(error, ENOBUFS, "the sandbox's kernel does not read its control socket");
	else if (r < 0)
		error_errno(error, -r, "cannot queue a request");
	free(text);
	json_decref(root);
	return r;
}

int control_request(struct control_client *client, const char *op, json_t *params, const int *fds,
		    unsigned int fd_count, uint64_t timeout_ms, control_answer_fn *answered, void *opaque,
		    struct error *error)
{
	struct pending *pending = calloc(1, sizeof(*pending));
	int r;

	if (!client || client->closing || !client->lost)
		r = error_set(error, ECONNRESET, "there is no connection to the sandbox's kernel");
	else if (!pending)
		r = error_set(error, ENOMEM, "no memory for a request");
	else
		r = queue_request(client, op, params, client->next_id, fds, fd_count, error);
	json_decref(params);
	if (r < 0) {
		for (unsigned int i = 0; i < fd_count; i++)
			close(fds[i]);
		free(pending);
		return r;
	}
	pending->id = client->next_id++;
	pending->answered = answered;
	pending->opaque = opaque;
	pending->deadline_ms = timeout_ms ? uv_now(client->poll.loop) + timeout_ms : 0;
	pending->next = client->pending;
	client->pending = pending;
	if (timeout_ms)
		set_timer(client);
	/* What cannot be sent now, and a dead connection, are dealt with by the loop. */
	if (proto_writer_flush(&client->writer, client->socket))
		update_poll(client);
	return 0;
}

void control_cancel(struct control_client *client, void *opaque)
{
	for (struct pending *p = client ? client->pending : NULL; p; p = p->next)
		if (p->opaque == opaque)
			p->answered = NULL;
}

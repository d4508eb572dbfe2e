/* exec.c: POST /v1/sandboxes/{id}/exec: run a command, give its output back whole or as it comes (NDJSON).
 *
 * Whole: each stream is kept up to a limit; what is beyond is read and dropped, and the answer says so.
 * Streamed: lines are kept until MHD takes them; beyond STREAM_HIGH the process is paused. A client that goes
 * away hangs up on the process (exec_free).
 */
#include "server/exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/text.h"

#define DEFAULT_MAX_OUTPUT (4u << 20)
#define STREAM_HIGH        (256u << 10)
#define STREAM_LOW         (64u << 10)

struct buffer {
	char *bytes;
	size_t size, capacity;
};

struct run {
	struct request *request;
	struct exec *exec;
	bool streamed, ended;
	size_t max_output;
	struct buffer output[2];
	bool truncated[2];
	struct buffer lines; /* streamed: not yet taken */
	size_t lines_taken;
	struct text_splitter splitters[2];
	char process[64];
	uint64_t started_ns;
};

static bool append(struct buffer *buffer, const char *bytes, size_t size)
{
	if (buffer->size + size > buffer->capacity) {
		size_t capacity = buffer->capacity ? buffer->capacity * 2 : 4096;
		char *grown;

		while (capacity < buffer->size + size)
			capacity *= 2;
		grown = realloc(buffer->bytes, capacity);
		if (!grown)
			return false;
		buffer->bytes = grown;
		buffer->capacity = capacity;
	}
	if (size)
		memcpy(buffer->bytes + buffer->size, bytes, size);
	buffer->size += size;
	return true;
}

static void run_free(struct run *run)
{
	exec_free(run->exec);
	free(run->output[0].bytes);
	free(run->output[1].bytes);
	free(run->lines.bytes);
	free(run);
}

static void cancelled(struct request *request)
{
	run_free(request->state);
	request->state = NULL;
}

/* --- streamed --- */

static void add_line(struct run *run, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text && append(&run->lines, text, strlen(text)))
		append(&run->lines, "\n", 1);
	free(text);
	json_decref(object);
	if (run->lines.size - run->lines_taken > STREAM_HIGH)
		exec_pause(run->exec, true);
	request_wake(run->request);
}

static ssize_t read_lines(void *opaque, uint64_t position, char *to, size_t max)
{
	struct request *request = opaque;
	struct run *run = request->state;
	size_t left;

	if (!run)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	left = run->lines.size - run->lines_taken;
	if (left == 0) {
		if (run->ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		request_sleep(request);
		return 0;
	}
	if (left > max)
		left = max;
	memcpy(to, run->lines.bytes + run->lines_taken, left);
	run->lines_taken += left;
	if (run->lines_taken == run->lines.size)
		run->lines_taken = run->lines.size = 0;
	if (run->lines.size - run->lines_taken < STREAM_LOW) {
		memmove(run->lines.bytes, run->lines.bytes + run->lines_taken,
			run->lines.size - run->lines_taken);
		run->lines.size -= run->lines_taken;
		run->lines_taken = 0;
		exec_pause(run->exec, false);
	}
	return (ssize_t)left;
}

static void stream_piece(void *opaque, const char *bytes, size_t size, bool utf8, int stream)
{
	struct run *run = opaque;
	const char *name = stream == 2 ? "stderr" : "stdout";

	if (utf8)
		add_line(run,
			 json_pack("{s:s,s:o}", "stream", name, "data", json_stringn_nocheck(bytes, size)));
	else
		add_line(run,
			 json_pack("{s:s,s:o}", "stream", name, "data_base64", text_base64(bytes, size)));
}

/* --- events of the process --- */

static void started(void *opaque, const struct error *error, const char *process, int pid)
{
	struct run *run = opaque;
	struct request *request = run->request;

	if (error) {
		request_error(request, error);
		request->state = NULL;
		run_free(run);
		return;
	}
	strncpy(run->process, process, sizeof(run->process) - 1);
	if (run->streamed) {
		struct MHD_Response *response =
		    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32u << 10, read_lines, request, NULL);

		MHD_add_response_header(response, "Content-Type", "application/x-ndjson");
		MHD_add_response_header(response, "Cache-Control", "no-store");
		request->streaming = true;
		request_answer(request, 200, response);
		add_line(run, json_pack("{s:s,s:i}", "process", process, "pid", pid));
	}
}

static void output(void *opaque, int stream, const char *bytes, size_t size)
{
	struct run *run = opaque;
	struct buffer *buffer = &run->output[stream - 1];
	size_t room = run->max_output - buffer->size;

	if (run->streamed) {
		text_split(&run->splitters[stream - 1], bytes, size, stream_piece, run, stream);
		return;
	}
	if (size > room || !append(buffer, bytes, size)) {
		run->truncated[stream - 1] = true;
		if (size > room)
			append(buffer, bytes, room);
	}
}

static void set_output(json_t *body, const char *name, const char *encoding_name, const struct buffer *buffer)
{
	json_t *text = json_stringn(buffer->bytes ? buffer->bytes : "", buffer->size);
	bool utf8 = text;

	if (!text)
		text = text_base64(buffer->bytes, buffer->size);
	json_object_set_new(body, name, text);
	json_object_set_new(body, encoding_name, json_string(utf8 ? "utf-8" : "base64"));
}

static json_t *how_json(const json_t *how)
{
	const json_t *code = json_object_get(how, "code"), *signal = json_object_get(how, "signal");

	if (json_is_integer(code))
		return json_pack("{s:I}", "code", json_integer_value(code));
	return json_pack("{s:I,s:I}", "signal", json_integer_value(signal), "code",
			 128 + (json_integer_value(signal) & 127));
}

static void ended(void *opaque, const json_t *how, const struct error *error)
{
	struct run *run = opaque;
	struct request *request = run->request;
	json_t *body;

	run->ended = true;
	if (run->streamed) {
		text_split_end(&run->splitters[0], stream_piece, run, 1);
		text_split_end(&run->splitters[1], stream_piece, run, 2);
		add_line(run, how ? json_pack("{s:o}", "exit", how_json(how))
				  : json_pack("{s:s}", "error", error->message));
		return; /* freed when MHD has taken it all */
	}
	if (!how) {
		request_error(request, error);
	} else {
		body = json_pack("{s:s,s:o,s:I}", "process", run->process, "exit", how_json(how),
				 "duration_ms", (json_int_t)((uv_hrtime() - run->started_ns) / 1000000));
		set_output(body, "stdout", "stdout_encoding", &run->output[0]);
		set_output(body, "stderr", "stderr_encoding", &run->output[1]);
		json_object_set_new(body, "stdout_truncated", json_boolean(run->truncated[0]));
		json_object_set_new(body, "stderr_truncated", json_boolean(run->truncated[1]));
		request_answer_json(request, 200, body);
	}
	request->state = NULL;
	run_free(run);
}

static const struct exec_hooks hooks = {.started = started, .output = output, .ended = ended};

static void feed_input(struct run *run, const json_t *text)
{
	if (text && json_string_length(text))
		exec_write(run->exec, json_string_value(text), json_string_length(text));
	exec_close_input(run->exec);
}

static bool check_names(struct request *request, const json_t *env)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)env, name, value)
	{
		if (!*name || strchr(name, '=')) {
			request_problem(request, 400, "bad_format",
					"a variable's name is empty or has '=' in it");
			return false;
		}
	}
	return true;
}

void api_exec(struct request *request)
{
	const json_t *body = request->body, *max = json_object_get(body, "max_output_bytes");
	struct entry *entry;
	struct sandbox *sandbox;
	struct run *run;
	struct error error;
	json_t *params;

	if (!check_names(request, json_object_get(body, "env")))
		return;
	sandbox = request_running_sandbox(request, &entry);
	if (!sandbox)
		return;
	run = calloc(1, sizeof(*run));
	if (!run) {
		request_problem(request, 503, "out_of_memory", "no memory for a process");
		return;
	}
	run->request = request;
	run->started_ns = uv_hrtime();
	run->streamed = json_integer_value(json_object_get(request->query, "stream")) == 1;
	run->max_output = max ? (size_t)json_integer_value(max) : DEFAULT_MAX_OUTPUT;
	params = exec_params(entry, json_string_value(json_object_get(body, "container")),
			     json_incref(json_object_get(body, "argv")), json_object_get(body, "env"),
			     json_string_value(json_object_get(body, "cwd")),
			     json_string_value(json_object_get(body, "user")), false);
	if (exec_start(&run->exec, sandbox, request->api->loop, params, &hooks, run, &error) != 0) {
		free(run);
		request_error(request, &error);
		return;
	}
	request->state = run;
	request->cancel = cancelled;
	feed_input(run, json_object_get(body, "stdin"));
}

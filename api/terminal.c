/* terminal.c: GET /v1/sandboxes/{id}/terminal: a command on a terminal in the sandbox, over a WebSocket.
 *
 * Binary frames are bytes both ways. Text frames are JSON: from the client
 * {"type":"resize","cols":N,"rows":N} and
 * {"type":"signal","signal":N or "INT"}; from us {"type":"exit","code":N} or {"type":"exit","signal":N}
 * before the close. The command is started before the handshake is answered, so that a failure is an HTTP
 * problem. Both directions stop at HIGH bytes: output by pausing the process, input by not reading the
 * socket. When the client goes, the process is hung up on.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/config.h"
#include "api/routes.h"
#include "api/websocket.h"
#include "server/exec.h"
#include "server/log.h"

#define HIGH     (256u << 10)
#define PROTOCOL "warren.terminal.v1"

struct terminal {
	struct terminal *next, **link;
	struct api *api;
	struct request *request; /* until upgraded */
	struct exec *exec;
	struct websocket *websocket;
	struct MHD_UpgradeResponseHandle *upgrade;
	char accept[WEBSOCKET_ACCEPT_SIZE];
	bool ended;      /* the process has */
	json_t *goodbye; /* what to say when it ended before the upgrade was done */
	char *early;     /* output before that */
	size_t early_size;
};

/* All of the process's terminals, for the end. */
static struct terminal *g_terminals;

static void terminal_free(struct terminal *terminal)
{
	exec_free(terminal->exec);
	json_decref(terminal->goodbye);
	free(terminal->early);
	*terminal->link = terminal->next;
	if (terminal->next)
		terminal->next->link = terminal->link;
	terminal->api->websocket_count--;
	free(terminal);
}

static void say_goodbye(struct terminal *terminal)
{
	char *text = json_dumps(terminal->goodbye, JSON_COMPACT);

	if (text)
		websocket_send(terminal->websocket, true, text, strlen(text));
	free(text);
	websocket_close(terminal->websocket, 1000, "the process ended");
}

/* --- from the process --- */

static void process_output(void *opaque, int stream, const char *bytes, size_t size)
{
	struct terminal *terminal = opaque;

	if (!terminal->websocket) {
		char *early = realloc(terminal->early, terminal->early_size + size);

		if (early) {
			memcpy(early + terminal->early_size, bytes, size);
			terminal->early = early;
			terminal->early_size += size;
		}
		exec_pause(terminal->exec, true);
		return;
	}
	websocket_send(terminal->websocket, false, bytes, size);
	if (websocket_queued(terminal->websocket) > HIGH)
		exec_pause(terminal->exec, true);
}

static void process_ended(void *opaque, const json_t *how, const struct error *error)
{
	struct terminal *terminal = opaque;
	const json_t *code = json_object_get(how, "code"), *number = json_object_get(how, "signal");

	terminal->ended = true;
	if (json_is_integer(code))
		terminal->goodbye = json_pack("{s:s,s:I}", "type", "exit", "code", json_integer_value(code));
	else if (json_is_integer(number))
		terminal->goodbye =
		    json_pack("{s:s,s:I}", "type", "exit", "signal", json_integer_value(number));
	else
		terminal->goodbye =
		    json_pack("{s:s,s:s}", "type", "exit", "error", error ? error->message : "not known");
	if (terminal->websocket)
		say_goodbye(terminal);
}

static void input_taken(void *opaque)
{
	struct terminal *terminal = opaque;

	if (terminal->websocket && exec_write_queued(terminal->exec) < HIGH / 2)
		websocket_pause(terminal->websocket, false);
}

/* --- from the client --- */

static int signal_number(const json_t *value)
{
	const char *name = json_string_value(value);

	if (json_is_integer(value))
		return (int)json_integer_value(value);
	if (name && strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int number = 1; name && number < 32; number++) {
		const char *known = sigabbrev_np(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	return 0;
}

static bool control_message(struct terminal *terminal, const json_t *root)
{
	const char *type = json_string_value(json_object_get(root, "type"));
	json_int_t columns = json_integer_value(json_object_get(root, "cols"));
	json_int_t rows = json_integer_value(json_object_get(root, "rows"));
	int number = signal_number(json_object_get(root, "signal"));

	if (type && strcmp(type, "resize") == 0 && columns >= 1 && columns <= 1000 && rows >= 1 &&
	    rows <= 1000) {
		exec_resize(terminal->exec, (unsigned int)columns, (unsigned int)rows);
		return true;
	}
	if (type && strcmp(type, "signal") == 0 && number >= 1 && number <= 64) {
		exec_signal(terminal->exec, number);
		return true;
	}
	return false;
}

static void client_message(void *opaque, bool text, const uint8_t *bytes, size_t size)
{
	struct terminal *terminal = opaque;
	json_t *root;

	if (terminal->ended)
		return;
	if (text) {
		root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
		if (!root || !control_message(terminal, root))
			websocket_close(terminal->websocket, 1008, "not a resize or signal message");
		json_decref(root);
		return;
	}
	if (size && exec_write(terminal->exec, (const char *)bytes, size) == 0 &&
	    exec_write_queued(terminal->exec) > HIGH)
		websocket_pause(terminal->websocket, true);
}

static void client_drained(void *opaque)
{
	struct terminal *terminal = opaque;

	if (websocket_queued(terminal->websocket) < HIGH / 2)
		exec_pause(terminal->exec, false);
}

static void websocket_closed(void *opaque)
{
	struct terminal *terminal = opaque;

	MHD_upgrade_action(terminal->upgrade, MHD_UPGRADE_ACTION_CLOSE);
	http_poke(terminal->api);
	terminal_free(terminal);
}

static const struct websocket_hooks client_hooks = {
    .message = client_message, .drained = client_drained, .closed = websocket_closed};

/* --- the handshake --- */

static void upgraded(void *opaque, struct MHD_Connection *connection, void *state, const char *extra,
		     size_t extra_size, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle)
{
	struct terminal *terminal = opaque;

	request_upgraded(terminal->request);
	terminal->request = NULL;
	terminal->upgrade = handle;
	terminal->websocket =
	    websocket_start(terminal->api->loop, socket, extra, extra_size, &client_hooks, terminal);
	if (!terminal->websocket) {
		websocket_closed(terminal);
		return;
	}
	if (terminal->early_size)
		websocket_send(terminal->websocket, false, terminal->early, terminal->early_size);
	free(terminal->early);
	terminal->early = NULL;
	exec_pause(terminal->exec, false);
	if (terminal->ended)
		say_goodbye(terminal);
}

static void process_started(void *opaque, const struct error *error, const char *process, int pid)
{
	struct terminal *terminal = opaque;
	struct request *request = terminal->request;
	const char *protocols =
	    MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Sec-WebSocket-Protocol");
	struct MHD_Response *response;

	if (error) {
		request->state = NULL;
		terminal_free(terminal);
		request_error(request, error);
		return;
	}
	response = MHD_create_response_for_upgrade(upgraded, terminal);
	MHD_add_response_header(response, "Upgrade", "websocket");
	MHD_add_response_header(response, "Sec-WebSocket-Accept", terminal->accept);
	if (websocket_header_has(protocols, PROTOCOL))
		MHD_add_response_header(response, "Sec-WebSocket-Protocol", PROTOCOL);
	request->streaming = true; /* the client may still go before the upgrade is done */
	request_answer(request, 101, response);
}

static const struct exec_hooks process_hooks = {
    .started = process_started, .output = process_output, .ended = process_ended, .drained = input_taken};

static void request_cancelled(struct request *request)
{
	if (request->state)
		terminal_free(request->state);
	request->state = NULL;
}

static bool origin_allowed(const struct request *request)
{
	const struct config *config = request->api->config;
	const char *origin = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Origin");
	const char *host = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Host");

	if (!origin || websocket_same_origin(origin, host))
		return true; /* no browser, or our own page */
	for (unsigned int i = 0; i < config->origin_count; i++)
		if (strcasecmp(config->origins[i], origin) == 0)
			return true;
	return false;
}

static bool check_handshake(struct request *request, char accept[WEBSOCKET_ACCEPT_SIZE])
{
	struct MHD_Connection *connection = request->connection;
	const char *version =
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-WebSocket-Version");

	if (!websocket_header_has(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Upgrade"),
				  "websocket") ||
	    !websocket_header_has(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Connection"),
				  "upgrade")) {
		request_problem(request, 426, "not_a_websocket", "this path is for WebSocket connections");
		return false;
	}
	if (!version || strcmp(version, "13") != 0 ||
	    !websocket_accept_key(
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-WebSocket-Key"), accept)) {
		request_problem(request, 400, "bad_handshake",
				"Sec-WebSocket-Version 13 and a valid key are needed");
		return false;
	}
	if (!origin_allowed(request)) {
		request_problem(request, 403, "origin_not_allowed",
				"pages of this origin may not open terminals");
		return false;
	}
	return true;
}

/* cmd is a shell command line; without it the sandbox's own shell runs as a login shell. */
static json_t *command(const char *cmd)
{
	if (cmd)
		return json_pack("[s,s,s]", "/bin/sh", "-c", cmd);
	return json_pack("[s,s,s]", "/bin/sh", "-c",
			 "if [ -x /bin/bash ]; then exec /bin/bash -l; fi; exec /bin/sh -l");
}

void api_terminal(struct request *request)
{
	struct api *api = request->api;
	const json_t *columns = json_object_get(request->query, "cols"),
		     *rows = json_object_get(request->query, "rows");
	char accept[WEBSOCKET_ACCEPT_SIZE];
	struct terminal *terminal;
	struct sandbox *sandbox;
	struct entry *entry;
	struct error error;
	json_t *params;

	if (!check_handshake(request, accept) || !(sandbox = request_running_sandbox(request, &entry)))
		return;
	if (api->websocket_count >= api->config->max_terminals ||
	    !(terminal = calloc(1, sizeof(*terminal)))) {
		request_problem(request, 503, "too_many", "no more terminals can be opened");
		return;
	}
	terminal->api = api;
	terminal->request = request;
	memcpy(terminal->accept, accept, sizeof(accept));
	terminal->next = g_terminals;
	terminal->link = &g_terminals;
	if (terminal->next)
		terminal->next->link = &terminal->next;
	g_terminals = terminal;
	api->websocket_count++;
	params = exec_params(entry, json_string_value(json_object_get(request->query, "container")),
			     command(json_string_value(json_object_get(request->query, "cmd"))), NULL, NULL,
			     NULL, true);
	json_object_set_new(params, "cols", json_integer(columns ? json_integer_value(columns) : 80));
	json_object_set_new(params, "rows", json_integer(rows ? json_integer_value(rows) : 24));
	if (exec_start(&terminal->exec, sandbox, api->loop, params, &process_hooks, terminal, &error) != 0) {
		terminal_free(terminal);
		request_error(request, &error);
		return;
	}
	request->state = terminal;
	request->cancel = request_cancelled;
}

void terminals_close(struct api *api)
{
	for (struct terminal *terminal = g_terminals, *next; terminal; terminal = next) {
		next = terminal->next;
		if (terminal->websocket)
			websocket_close(terminal->websocket, 1001, "the daemon is stopping");
	}
	for (int i = 0; i < 20 && g_terminals; i++) {
		MHD_run(api->daemon);
		uv_run(api->loop, UV_RUN_NOWAIT);
	}
}

/* http.c: libmicrohttpd inside the libuv loop: requests in, answers out.
 *
 * MHD works through an epoll descriptor of its own, which the loop watches. A request that cannot be answered
 * at once is suspended; MHD then does not look at its socket, so we watch a duplicate of it for the client's
 * going away (a client that shuts down its sending side counts as gone). A request object lives until MHD
 * says it is completed.
 */
#include "api/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/log.h"
#include "server/token.h"

#define MAX_CONNECTIONS   1000
#define IDLE_TIMEOUT_S    30
#define CONNECTION_MEMORY (32u << 10)
/* How much of a body that is too large is read and dropped, so that the client gets to see the 413. */
#define MAX_DROPPED (16u << 20)

struct request_http {
	struct request request;
	struct request_http *next, **link;
	char method[8];
	char *body;
	size_t body_size, dropped;
	bool too_large, dispatched, suspended, client_gone, completed;
	struct MHD_Response *response;
	unsigned int status;
	uint64_t started_ns;
	uv_poll_t gone;
	int gone_fd; /* -1: not watched */
	bool gone_open;
};

struct http {
	uv_poll_t poll;
	uv_timer_t timer;
	struct request_http *requests;
	bool stopping;
};

/* One HTTP server a process. */
static struct http g_http;

static void timer_fired(uv_timer_t *timer);

static void run_mhd(struct api *api)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	MHD_run(api->daemon);
	if (g_http.stopping)
		return;
	if (MHD_get_timeout(api->daemon, &timeout) == MHD_YES)
		uv_timer_start(&g_http.timer, timer_fired, timeout, 0);
	else
		uv_timer_stop(&g_http.timer);
}

static void timer_fired(uv_timer_t *timer)
{
	run_mhd(timer->data);
}

void http_poke(struct api *api)
{
	if (!g_http.stopping)
		uv_timer_start(&g_http.timer, timer_fired, 0, 0);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
	run_mhd(poll->data);
}

/* --- requests: life --- */

static void maybe_free(struct request_http *http)
{
	if (!http->completed || http->gone_open)
		return;
	free(http);
}

static void gone_closed(uv_handle_t *handle)
{
	struct request_http *http = handle->data;

	close(http->gone_fd);
	http->gone_open = false;
	maybe_free(http);
}

static void cancel(struct request_http *http)
{
	void (*call)(struct request *) = http->request.cancel;

	http->request.cancel = NULL;
	if (call)
		call(&http->request);
}

static void resume(struct request_http *http)
{
	if (!http->suspended)
		return;
	http->suspended = false;
	MHD_resume_connection(http->request.connection);
	http_poke(http->request.api);
}

static void client_went(uv_poll_t *poll, int status, int events)
{
	struct request_http *http = poll->data;

	uv_poll_stop(poll);
	http->client_gone = true;
	cancel(http);
	/* MHD may have taken the edge of the event together with data, and would wait for its timeout: give
	 * it another. */
	shutdown(http->gone_fd, SHUT_RDWR);
	resume(http);
	http_poke(http->request.api);
}

/* From the head of the request to its end. Without descriptors it goes unwatched, and MHD's timeout has to
 * do. */
static void watch_client(struct request_http *http)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(http->request.connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	http->gone_fd = info ? fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (http->gone_fd < 0)
		return;
	if (uv_poll_init(http->request.api->loop, &http->gone, http->gone_fd) != 0) {
		close(http->gone_fd);
		return;
	}
	http->gone.data = http;
	http->gone_open = true;
	uv_poll_start(&http->gone, UV_DISCONNECT, client_went);
}

static void suspend(struct request_http *http)
{
	if (http->suspended)
		return;
	http->suspended = true;
	MHD_suspend_connection(http->request.connection);
}

void request_upgraded(struct request *request)
{
	request->cancel = NULL;
	request->state = NULL;
	if (request->http->gone_open && !uv_is_closing((uv_handle_t *)&request->http->gone))
		uv_close((uv_handle_t *)&request->http->gone, gone_closed);
}

void request_sleep(struct request *request)
{
	suspend(request->http);
}

void request_wake(struct request *request)
{
	resume(request->http);
}

static void completed(void *opaque, struct MHD_Connection *connection, void **state,
		      enum MHD_RequestTerminationCode how)
{
	struct request_http *http = *state;
	struct request *request;

	if (!http)
		return;
	*state = NULL;
	request = &http->request;
	cancel(http);
	log_event(LOG_DEBUG, "http.request",
		  json_pack("{s:s,s:s,s:i,s:I}", "method", http->method, "operation",
			    request->route ? request->route->operation : "none", "status", (int)http->status,
			    "duration_us", (json_int_t)((uv_hrtime() - http->started_ns) / 1000)));
	if (http->response)
		MHD_destroy_response(http->response);
	json_decref(request->query);
	json_decref(request->body);
	free(http->body);
	*http->link = http->next;
	if (http->next)
		http->next->link = http->link;
	http->completed = true;
	if (http->gone_open && !uv_is_closing((uv_handle_t *)&http->gone))
		uv_close((uv_handle_t *)&http->gone, gone_closed);
	else
		maybe_free(http);
}

/* --- answers --- */

void request_answer(struct request *request, unsigned int status, struct MHD_Response *response)
{
	struct request_http *http = request->http;

	request->cancel = request->streaming ? request->cancel : NULL;
	if (http->response)
		MHD_destroy_response(http->response);
	http->response = response;
	http->status = status;
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	resume(http);
}

static void answer_text(struct request *request, unsigned int status, char *text, const char *type)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(text ? strlen(text) : 0, text ? text : (void *)"",
					    text ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);

	if (text)
		MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (status == 401)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"warren\"");
	request_answer(request, status, response);
}

void request_answer_json(struct request *request, unsigned int status, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	bool lost = body && !text;

	json_decref(body);
	if (lost)
		request_problem(request, 503, "out_of_memory", "the answer could not be written");
	else
		answer_text(request, status, text, "application/json");
}

static void answer_problem(struct request *request, unsigned int status, json_t *more, const char *code,
			   const char *detail)
{
	char type[96];
	json_t *body;
	char *text;

	snprintf(type, sizeof(type), "urn:warren:problem:%s", code);
	body = json_pack("{s:s,s:s,s:i,s:s,s:s}", "type", type, "title", MHD_get_reason_phrase_for(status),
			 "status", (int)status, "code", code, "detail", detail);
	if (!body) /* the detail was not UTF-8 */
		body = json_pack("{s:s,s:i,s:s}", "type", type, "status", (int)status, "code", code);
	if (more)
		json_object_update(body, more);
	json_decref(more);
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	answer_text(request, status, text, "application/problem+json");
}

void request_problem(struct request *request, unsigned int status, const char *code, const char *format, ...)
{
	char detail[600];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	answer_problem(request, status, NULL, code, detail);
}

void request_error(struct request *request, const struct error *error)
{
	static const struct {
		int code;
		unsigned int status;
		const char *name;
	} known[] = {{ENOENT, 422, "not_found_in_sandbox"},
		     {ENOTDIR, 422, "not_a_directory"},
		     {EACCES, 422, "permission_denied"},
		     {ENOEXEC, 422, "cannot_execute"},
		     {EINVAL, 422, "refused"},
		     {ETIMEDOUT, 504, "timed_out"},
		     {EAGAIN, 503, "too_many"},
		     {ENOMEM, 503, "out_of_memory"},
		     {ECONNRESET, 409, "sandbox_ended"},
		     {EMSGSIZE, 413, "too_large"},
		     {EPERM, 422, "permission_denied"},
		     {ELIBBAD, 422, "cannot_execute"},
		     {ENAMETOOLONG, 422, "refused"},
		     {ELOOP, 422, "refused"},
		     {E2BIG, 422, "refused"},
		     {EMFILE, 503, "out_of_descriptors"},
		     {ENFILE, 503, "out_of_descriptors"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].code == error->code) {
			request_problem(request, known[i].status, known[i].name, "%s", error->message);
			return;
		}
	}
	request_problem(request, 502, "sandbox_failed", "%s", error->message);
}

/* --- requests: checks --- */

static bool authenticate(struct request *request)
{
	struct MHD_Connection *connection = request->connection;
	const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
	const char *token = NULL, *protocols;
	char name[64], copy[256];

	if (header && strncasecmp(header, "Bearer ", 7) == 0)
		token = header + 7 + strspn(header + 7, " ");
	else if (!header && strcmp(request->route->operation, "terminal") == 0) {
		/* A browser's WebSocket cannot set the header. */
		token = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "token");
		protocols =
		    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-WebSocket-Protocol");
		protocols = protocols ? strstr(protocols, "warren.token.") : NULL;
		if (!token && protocols) {
			size_t len;

			protocols += strlen("warren.token.");
			len = strcspn(protocols, ", \t");
			if (len < sizeof(copy)) {
				memcpy(copy, protocols, len);
				copy[len] = 0;
				token = copy;
			}
		}
	}
	if (token && token_check(supervisor_store(request->api->supervisor), token, name, sizeof(name)))
		return true;
	if (token)
		log_event(LOG_WARN, "auth.refused",
			  json_pack("{s:s}", "operation", request->route->operation));
	request_problem(request, 401, token ? "bad_token" : "no_token",
			token ? "the token is not valid"
			      : "a token is needed: Authorization: Bearer TOKEN (see the file token in the "
				"state directory)");
	return false;
}

struct query_walk {
	struct request *request;
	bool failed;
};

static enum MHD_Result check_parameter(void *opaque, enum MHD_ValueKind kind, const char *key,
				       const char *value)
{
	struct query_walk *walk = opaque;
	struct request *request = walk->request;
	const struct route *route = request->route;
	struct schema_fault fault;

	for (unsigned int i = 0; i < route->query_count; i++) {
		const struct schema_field *field = &route->query[i];
		json_t *json;

		if (strcmp(field->name, key) != 0)
			continue;
		json = schema_parse_text(field->schema, value ? value : "");
		if (!json) {
			request_problem(request, 400, "wrong_type", "the query parameter %s must be %s",
					field->name,
					field->schema->type == SCHEMA_INTEGER ? "an integer" : "UTF-8 text");
		} else if (!schema_check(field->schema, json, &fault)) {
			request_problem(request, 400, fault.code, "the query parameter %s: %s", field->name,
					fault.detail);
		} else {
			json_object_set_new(request->query, key, json);
			return MHD_YES;
		}
		json_decref(json);
		walk->failed = true;
		return MHD_NO;
	}
	request_problem(request, 400, "unknown_parameter", "this operation has no such query parameter");
	walk->failed = true;
	return MHD_NO;
}

static bool check_query(struct request *request)
{
	struct query_walk walk = {.request = request};

	request->query = json_object();
	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, check_parameter, &walk);
	return !walk.failed;
}

static bool check_body(struct request *request)
{
	struct request_http *http = request->http;
	struct schema_fault fault;
	json_error_t where;
	const char *type = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Type");

	if (!request->route->body) {
		if (http->body_size == 0)
			return true;
		request_problem(request, 400, "unexpected_body", "this operation takes no body");
		return false;
	}
	if (type && strncasecmp(type, "application/json", 16) != 0) {
		request_problem(request, 415, "wrong_content_type", "the body must be application/json");
		return false;
	}
	request->body =
	    json_loadb(http->body ? http->body : "", http->body_size, JSON_REJECT_DUPLICATES, &where);
	if (!request->body) {
		answer_problem(request, 400,
			       json_pack("{s:i,s:i,s:i}", "line", where.line, "column", where.column,
					 "position", where.position),
			       "malformed_json", http->body_size ? where.text : "the body is missing");
		return false;
	}
	if (!schema_check(request->route->body, request->body, &fault)) {
		answer_problem(request, 400, json_pack("{s:s}", "pointer", fault.pointer), fault.code,
			       fault.detail);
		return false;
	}
	return true;
}

static bool check_head(struct request *request, const char *method, const char *path)
{
	struct MHD_Connection *connection = request->connection;
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
	bool other_method;

	request->route =
	    route_find(method, path, request->parameter, sizeof(request->parameter), &other_method);
	if (!request->route) {
		if (other_method)
			request_problem(request, 405, "method_not_allowed",
					"the method %s is not for this path", request->http->method);
		else
			request_problem(request, 404, "no_such_path", "there is nothing at this path");
		return false;
	}
	if (!request->route->public && !authenticate(request))
		return false;
	if (length && strtoull(length, NULL, 10) > MAX_DROPPED) {
		request_problem(request, 413, "too_large", "the body may have at most %u bytes",
				API_MAX_BODY);
		return false;
	}
	return true;
}

static void dispatch(struct request_http *http)
{
	struct request *request = &http->request;

	http->dispatched = true;
	if (http->too_large)
		request_problem(request, 413, "too_large", "the body may have at most %u bytes",
				API_MAX_BODY);
	else if (check_query(request) && check_body(request))
		request->route->handler(request);
}

/* Keeps a piece of the body. False: the connection is to be cut. */
static bool keep_body(struct request_http *http, const char *data, size_t size)
{
	char *body;

	if (http->too_large || http->body_size + size > API_MAX_BODY) {
		http->too_large = true;
		http->dropped += size;
		return http->dropped <= MAX_DROPPED;
	}
	body = realloc(http->body, http->body_size + size);
	if (!body)
		return false;
	memcpy(body + http->body_size, data, size);
	http->body = body;
	http->body_size += size;
	return true;
}

static enum MHD_Result queue_response(struct request_http *http)
{
	enum MHD_Result r = MHD_queue_response(http->request.connection, http->status, http->response);

	MHD_destroy_response(http->response);
	http->response = NULL;
	return r;
}

static struct request_http *request_new(struct api *api, struct MHD_Connection *connection,
					const char *method)
{
	struct request_http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->request.api = api;
	http->request.connection = connection;
	http->request.http = http;
	http->gone_fd = -1;
	http->started_ns = uv_hrtime();
	snprintf(http->method, sizeof(http->method), "%s", method);
	for (char *c = http->method; *c; c++)
		if (*c < 'A' || *c > 'Z')
			*c = '?';
	http->next = g_http.requests;
	http->link = &g_http.requests;
	if (http->next)
		http->next->link = &http->next;
	g_http.requests = http;
	return http;
}

static enum MHD_Result handle(void *opaque, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *data, size_t *data_size,
			      void **state)
{
	struct request_http *http = *state;

	if (!http) {
		http = request_new(opaque, connection, method);
		if (!http)
			return MHD_NO;
		*state = http;
		if (!check_head(&http->request, method, path))
			return queue_response(http);
		watch_client(http);
		return MHD_YES;
	}
	if (*data_size) {
		bool ok = keep_body(http, data, *data_size);

		*data_size = 0;
		return ok ? MHD_YES : MHD_NO;
	}
	if (http->client_gone || g_http.stopping)
		return MHD_NO;
	if (!http->dispatched)
		dispatch(http);
	if (http->response)
		return queue_response(http);
	suspend(http);
	return MHD_YES;
}

static void mhd_log(void *opaque, const char *format, va_list args)
{
	char text[300];

	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = 0;
	log_event(LOG_DEBUG, "http.note", json_pack("{s:s*}", "text", text));
}

int http_start(struct api *api, int listen_socket, struct error *error)
{
	const union MHD_DaemonInfo *info;

	memset(&g_http, 0, sizeof(g_http));
	api->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    handle, api, MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET, listen_socket,
	    MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned int)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_TIMEOUT_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	info = api->daemon ? MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		close(listen_socket);
		return error_set(error, EIO, "cannot start the HTTP server");
	}
	uv_timer_init(api->loop, &g_http.timer);
	g_http.timer.data = api;
	uv_poll_init(api->loop, &g_http.poll, info->epoll_fd);
	g_http.poll.data = api;
	uv_poll_start(&g_http.poll, UV_READABLE, poll_ready);
	return 0;
}

void http_stop(struct api *api)
{
	g_http.stopping = true;
	for (struct request_http *http = g_http.requests; http; http = http->next) {
		cancel(http);
		http->client_gone = true;
		resume(http);
	}
	MHD_run(api->daemon);
	uv_close((uv_handle_t *)&g_http.poll, NULL);
	uv_close((uv_handle_t *)&g_http.timer, NULL);
	MHD_stop_daemon(api->daemon);
}

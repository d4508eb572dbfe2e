/* routes.h: the route table (made from openapi.yaml) and what a handler sees of a request.
 *
 * A handler answers at once (request_answer…) or later: whoever answers later sets request->cancel, which is
 * called when the client goes away first; after it, or after the answer, the request must not be touched.
 */
#ifndef WARREN_API_ROUTES_H
#define WARREN_API_ROUTES_H

#include <jansson.h>
#include <microhttpd.h>

#include "api/schema.h"
#include "server/supervisor.h"

#define API_MAX_BODY (1u << 20)

struct config;
struct websocket;
struct request;

typedef void api_handler(struct request *request);

struct route {
	const char *method, *path, *operation;
	api_handler *handler;
	bool public; /* needs no token */
	const struct schema *body;
	const struct schema_field *query;
	unsigned int query_count;
};

extern const struct route api_routes[];
extern const unsigned int api_route_count;

/* The route of a method and a path; the path's parameters go to `parameter`, each ended
 * by a 0. NULL with *other_method set
 * when the path exists for another method only. */
const struct route *route_find(const char *method, const char *path, char *parameter, size_t size,
			       bool *other_method);

struct api {
	uv_loop_t *loop;
	struct supervisor *supervisor;
	const struct config *config;
	struct MHD_Daemon *daemon;
	unsigned int websocket_count;
	struct websocket *websockets;
	struct checkpoint_request *checkpoints; /* under way */
};

struct request {
	struct api *api;
	struct MHD_Connection *connection;
	const struct route *route;
	char parameter[128];  /* of the path; a second one is behind the first's 0 */
	json_t *query, *body; /* validated */

	/* For handlers that answer later. */
	void (*cancel)(struct request *request);
	void *state;
	/* For streams: resumes the connection so that MHD asks for more. */
	bool streaming;

	struct request_http *http; /* http.c's own */
};

/* --- answers (http.c) --- */
void request_answer_json(struct request *request, unsigned int status,
			 json_t *body); /* steals body; NULL: none */
/* Takes the response over. */
void request_answer(struct request *request, unsigned int status, struct MHD_Response *response);
void request_problem(struct request *request, unsigned int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The problem of a failed operation: errno to status and code. */
void request_error(struct request *request, const struct error *error);
/* More of a streamed response is there. */
void request_wake(struct request *request);
/* From a content reader that has nothing now: the connection sleeps until request_wake(). */
void request_sleep(struct request *request);

api_handler api_page, api_asset, api_openapi, api_healthz, api_list_sandboxes, api_create_sandbox,
    api_get_sandbox, api_delete_sandbox, api_sandbox_stats, api_checkpoint_sandbox, api_list_containers,
    api_create_container, api_delete_container, api_exec, api_terminal;

/* MHD looks at what was resumed or closed only when it runs, and its epoll descriptor does not always say so:
 * it runs soon after this. */
void http_poke(struct api *api);

/* The connection is its new owner's: it is watched no more. */
void request_upgraded(struct request *request);

/* The sandbox of the path when it runs; otherwise the problem has been answered. */
struct sandbox *request_running_sandbox(struct request *request, struct entry **entry);

/* The exec request for the sandbox's kernel: default variables, the sandbox's, the request's. */
json_t *exec_params(const struct entry *entry, const char *container, json_t *argv, const json_t *env,
		    const char *cwd, const char *user, bool tty);
/* Are `rootfs` and the sources of `volumes` in the body what the configuration allows? Puts in what was
 * checked; or answers. */
bool request_check_trees(struct request *request);

/* Ends all terminals (warrend goes). */
void terminals_close(struct api *api);

#endif

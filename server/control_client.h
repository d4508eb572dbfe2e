/* control_client.h: one connection to a sentry's control socket, on a libuv loop.
 *
 * Requests are answered in any order. Each request's callback runs exactly once: with the answer, with the
 * sentry's error, with ETIMEDOUT, or with ECONNRESET when the connection is lost — except after
 * control_cancel() or control_client_free(), which drop callbacks without running them. The sentry is not
 * trusted: an answer of the wrong shape is an EPROTO error of that request.
 */
#ifndef WARREN_SERVER_CONTROL_CLIENT_H
#define WARREN_SERVER_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#include "server/error.h"

struct control_client;

/* `error` NULL: success, and `answer` (borrowed) is the answer object. */
typedef void control_answer_fn(void *opaque, const struct error *error, const json_t *answer);
typedef void control_lost_fn(void *opaque, const struct error *why);

/* Takes the connected socket over (also on failure). `lost` runs at most once; the client must then be freed.
 */
struct control_client *control_client_new(uv_loop_t *loop, int socket, control_lost_fn *lost, void *opaque,
					  struct error *error);
void control_client_free(struct control_client *client);

/* Sends `op` with the members of `params` (stolen; NULL: none; also on failure). The descriptors are taken
 * over in every case. `timeout_ms` 0: wait for ever. Returns 0, or a negative errno when nothing will be
 * called back. */
int control_request(struct control_client *client, const char *op, json_t *params, const int *fds,
		    unsigned int fd_count, uint64_t timeout_ms, control_answer_fn *answered, void *opaque,
		    struct error *error);

/* Forgets the callbacks of all outstanding requests with this `opaque`. */
void control_cancel(struct control_client *client, void *opaque);

#endif

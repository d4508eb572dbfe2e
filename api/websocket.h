/* websocket.h: RFC 6455, server side: the handshake's checks, and a connection on a libuv loop (frames by
 * wslay).
 *
 * Memory is bounded: what waits to be sent is known to the owner, who stops producing (websocket_queued);
 * what comes is read only while the owner lets it (websocket_pause). A peer that neither reads nor answers
 * pings is cut off.
 */
#ifndef WARREN_API_WEBSOCKET_H
#define WARREN_API_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "server/error.h"

#define WEBSOCKET_MAX_MESSAGE (64u << 10)
#define WEBSOCKET_ACCEPT_SIZE 29

/* The answer to a Sec-WebSocket-Key: false when the key is not one (24 characters of base64 for 16 bytes). */
bool websocket_accept_key(const char *key, char accept[WEBSOCKET_ACCEPT_SIZE]);
/* Whether a comma-separated header has the token (case is ignored). */
bool websocket_header_has(const char *header, const char *token);
/* Whether a page from `origin` may connect to the server that was asked for as `host`. */
bool websocket_same_origin(const char *origin, const char *host);

struct websocket;

struct websocket_hooks {
	void (*message)(void *opaque, bool text, const uint8_t *bytes, size_t size);
	void (*drained)(void *opaque); /* less waits than did */
	void (*closed)(void *opaque);  /* last call, once; the socket is the owner's to close */
};

/* Serves the connected socket (borrowed). `extra`: bytes already read from it. */
struct websocket *websocket_start(uv_loop_t *loop, int socket, const void *extra, size_t extra_size,
				  const struct websocket_hooks *hooks, void *opaque);
int websocket_send(struct websocket *websocket, bool text, const void *bytes, size_t size);
size_t websocket_queued(const struct websocket *websocket);
void websocket_pause(struct websocket *websocket, bool paused);
/* Sends what waits and a close frame; `closed` follows, at the latest after a few seconds. */
void websocket_close(struct websocket *websocket, uint16_t code, const char *reason);

#endif

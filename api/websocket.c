/* websocket.c: see websocket.h. */
#include "api/websocket.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <wslay/wslay.h>

#define PING_INTERVAL_MS 20000
#define PINGS_UNANSWERED 3
#define CLOSE_TIMEOUT_MS 3000

struct websocket {
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned int handles;
	int socket;
	wslay_event_context_ptr context;
	struct websocket_hooks hooks;
	void *opaque;
	uint8_t *extra;
	size_t extra_size, extra_at;
	bool paused, ended, in_callback;
	bool closing,
	    close_queued; /* the close frame would overtake the messages: it is queued when they are gone */
	bool draining; /* all is said; read until the peer closes, or it would lose our last words to a reset
			*/
	uint16_t close_code;
	char close_reason[64];
	unsigned int silent_pings;
};

bool websocket_accept_key(const char *key, char accept[WEBSOCKET_ACCEPT_SIZE])
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[24 + sizeof(magic)];

	if (!key || strlen(key) != 24 || strcmp(key + 22, "==") != 0 ||
	    strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") != 22)
		return false;
	memcpy(text, key, 24);
	memcpy(text + 24, magic, sizeof(magic));
	SHA1((const unsigned char *)text, strlen(text), digest);
	EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
	return true;
}

bool websocket_header_has(const char *header, const char *token)
{
	size_t len = strlen(token);

	while (header && *header) {
		size_t part;

		header += strspn(header, ", \t");
		part = strcspn(header, ", \t");
		if (part == len && strncasecmp(header, token, len) == 0)
			return true;
		header += part;
	}
	return false;
}

bool websocket_same_origin(const char *origin, const char *host)
{
	if (!host || !*host)
		return false;
	if (strncasecmp(origin, "http://", 7) == 0)
		return strcasecmp(origin + 7, host) == 0;
	return strncasecmp(origin, "https://", 8) == 0 && strcasecmp(origin + 8, host) == 0;
}

static void handle_closed(uv_handle_t *handle)
{
	struct websocket *websocket = handle->data;

	if (--websocket->handles)
		return;
	wslay_event_context_free(websocket->context);
	free(websocket->extra);
	websocket->hooks.closed(websocket->opaque);
	free(websocket);
}

static void end(struct websocket *websocket)
{
	if (websocket->ended)
		return;
	websocket->ended = true;
	uv_close((uv_handle_t *)&websocket->poll, handle_closed);
	uv_close((uv_handle_t *)&websocket->timer, handle_closed);
}

static ssize_t do_recv(wslay_event_context_ptr context, uint8_t *to, size_t size, int flags, void *opaque)
{
	struct websocket *websocket = opaque;
	ssize_t n;

	if (websocket->extra_at < websocket->extra_size) {
		size_t left = websocket->extra_size - websocket->extra_at;

		n = (ssize_t)(left < size ? left : size);
		memcpy(to, websocket->extra + websocket->extra_at, (size_t)n);
		websocket->extra_at += (size_t)n;
		return n;
	}
	if (websocket->paused) {
		wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	do
		n = recv(websocket->socket, to, size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	wslay_event_set_error(context,
			      n < 0 && errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t do_send(wslay_event_context_ptr context, const uint8_t *from, size_t size, int flags,
		       void *opaque)
{
	struct websocket *websocket = opaque;
	ssize_t n;

	do
		n = send(websocket->socket, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	wslay_event_set_error(context, errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void on_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message,
		       void *opaque)
{
	struct websocket *websocket = opaque;

	websocket->silent_pings = 0;
	if (websocket->closing || wslay_is_ctrl_frame(message->opcode))
		return;
	websocket->hooks.message(websocket->opaque, message->opcode == WSLAY_TEXT_FRAME, message->msg,
				 message->msg_length);
}

static void poll_ready(uv_poll_t *poll, int status, int events);
static void close_timeout(uv_timer_t *timer);

static void drain(uv_poll_t *poll, int status, int events)
{
	struct websocket *websocket = poll->data;
	char dropped[16384];

	for (int i = 0; i < 16; i++) {
		ssize_t n = recv(websocket->socket, dropped, sizeof(dropped), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN && status >= 0)
			return;
		if (n <= 0) {
			end(websocket);
			return;
		}
	}
}

static void start_draining(struct websocket *websocket)
{
	if (websocket->draining)
		return;
	websocket->draining = websocket->closing = true;
	shutdown(websocket->socket, SHUT_WR);
	uv_timer_start(&websocket->timer, close_timeout, CLOSE_TIMEOUT_MS, 0);
	uv_poll_start(&websocket->poll, UV_READABLE, drain);
}

static void progress(struct websocket *websocket)
{
	size_t before = wslay_event_get_queued_msg_length(websocket->context);
	int events = UV_DISCONNECT;

	if (websocket->ended || websocket->draining)
		return;
	if (wslay_event_want_write(websocket->context) && wslay_event_send(websocket->context) != 0) {
		end(websocket);
		return;
	}
	if (before && wslay_event_get_queued_msg_length(websocket->context) < before && !websocket->closing)
		websocket->hooks.drained(websocket->opaque);
	if (websocket->ended)
		return;
	if (websocket->closing && !websocket->close_queued &&
	    wslay_event_get_queued_msg_count(websocket->context) == 0) {
		websocket->close_queued = true;
		wslay_event_queue_close(websocket->context, websocket->close_code,
					(const uint8_t *)websocket->close_reason,
					strlen(websocket->close_reason));
		progress(websocket);
		return;
	}
	if (!wslay_event_want_read(websocket->context) && !wslay_event_want_write(websocket->context)) {
		start_draining(websocket);
		return;
	}
	if (wslay_event_want_write(websocket->context))
		events |= UV_WRITABLE;
	if (wslay_event_want_read(websocket->context) && !websocket->paused)
		events |= UV_READABLE;
	uv_poll_start(&websocket->poll, events, poll_ready);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
	struct websocket *websocket = poll->data;

	if (status < 0 || ((events & UV_DISCONNECT) && (websocket->paused || !(events & UV_READABLE)))) {
		end(websocket);
		return;
	}
	if ((events & UV_READABLE) && !websocket->paused) {
		websocket->in_callback = true;
		if (wslay_event_recv(websocket->context) != 0)
			end(websocket);
		websocket->in_callback = false;
	}
	progress(websocket);
}

static void close_timeout(uv_timer_t *timer)
{
	end(timer->data);
}

static void ping(uv_timer_t *timer)
{
	struct websocket *websocket = timer->data;
	struct wslay_event_msg message = {.opcode = WSLAY_PING};

	if (websocket->silent_pings++ >= PINGS_UNANSWERED) {
		end(websocket);
		return;
	}
	wslay_event_queue_msg(websocket->context, &message);
	progress(websocket);
}

struct websocket *websocket_start(uv_loop_t *loop, int socket, const void *extra, size_t extra_size,
				  const struct websocket_hooks *hooks, void *opaque)
{
	static const struct wslay_event_callbacks callbacks = {
	    .recv_callback = do_recv, .send_callback = do_send, .on_msg_recv_callback = on_message};
	struct websocket *websocket = calloc(1, sizeof(*websocket));

	if (!websocket)
		return NULL;
	websocket->extra = extra_size ? malloc(extra_size) : NULL;
	if ((extra_size && !websocket->extra) ||
	    wslay_event_context_server_init(&websocket->context, &callbacks, websocket) != 0) {
		free(websocket->extra);
		free(websocket);
		return NULL;
	}
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
	if (uv_poll_init(loop, &websocket->poll, socket) != 0) {
		wslay_event_context_free(websocket->context);
		free(websocket->extra);
		free(websocket);
		return NULL;
	}
	if (extra_size)
		memcpy(websocket->extra, extra, extra_size);
	websocket->extra_size = extra_size;
	wslay_event_config_set_max_recv_msg_length(websocket->context, WEBSOCKET_MAX_MESSAGE);
	uv_timer_init(loop, &websocket->timer);
	websocket->poll.data = websocket->timer.data = websocket;
	websocket->handles = 2;
	websocket->socket = socket;
	websocket->hooks = *hooks;
	websocket->opaque = opaque;
	uv_timer_start(&websocket->timer, ping, PING_INTERVAL_MS, PING_INTERVAL_MS);
	uv_poll_start(&websocket->poll, UV_READABLE | UV_WRITABLE | UV_DISCONNECT, poll_ready);
	return websocket;
}

int websocket_send(struct websocket *websocket, bool text, const void *bytes, size_t size)
{
	struct wslay_event_msg message = {
	    .opcode = text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, .msg = bytes, .msg_length = size};

	if (websocket->ended || websocket->closing ||
	    wslay_event_queue_msg(websocket->context, &message) != 0)
		return -EPIPE;
	if (!websocket->in_callback)
		uv_poll_start(&websocket->poll,
			      UV_DISCONNECT | UV_WRITABLE | (websocket->paused ? 0 : UV_READABLE),
			      poll_ready);
	return 0;
}

size_t websocket_queued(const struct websocket *websocket)
{
	return websocket->ended ? 0 : wslay_event_get_queued_msg_length(websocket->context);
}

void websocket_pause(struct websocket *websocket, bool paused)
{
	if (websocket->paused == paused || websocket->ended)
		return;
	websocket->paused = paused;
	if (!websocket->in_callback)
		progress(websocket);
}

void websocket_close(struct websocket *websocket, uint16_t code, const char *reason)
{
	if (websocket->ended || websocket->closing)
		return;
	websocket->closing = true;
	websocket->paused = false;
	websocket->close_code = code;
	snprintf(websocket->close_reason, sizeof(websocket->close_reason), "%s", reason);
	uv_timer_start(&websocket->timer, close_timeout, CLOSE_TIMEOUT_MS, 0);
	if (!websocket->in_callback)
		progress(websocket);
}

/* proto.h: framing of the control protocol between the sentry and its supervisors.
 *
 * A connection is a SOCK_STREAM unix socket. Each message is a 32-bit little-endian length (1 …
 * PROTO_MAX_MESSAGE) and that many bytes of UTF-8 JSON. Descriptors (SCM_RIGHTS, at most PROTO_MAX_FDS per
 * message) ride with the first byte of a message.
 *
 * Used by both sides, the sentry among them, so: no event loop, no globals, no blocking call, nothing about
 * JSON. Memory comes from the `resize` function given at init (NULL: libc), so that the sentry may use its
 * arena. The peer is hostile: a length is checked before memory is taken for it, memory grows only with the
 * bytes that really came, surplus or late descriptors break the connection, and every descriptor that nobody
 * took is closed.
 */
#ifndef WARREN_SANDBOX_CONTROL_PROTO_H
#define WARREN_SANDBOX_CONTROL_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTO_MAX_MESSAGE (1u << 20)
#define PROTO_MAX_FDS     16
#define PROTO_HEADER_SIZE 4u
/* A client that does not read is cut off when this much is queued for it. */
#define PROTO_MAX_QUEUED (4u << 20)

/* realloc() with a size of 0 meaning free; returns NULL when there is no memory. */
typedef void *proto_resize_fn(void *old, size_t size);

/* A received message. `text` is NUL-terminated one byte past `size` and valid until the next
 * proto_reader_next(). The reader owns the descriptors until they are taken with proto_take_fd(). */
struct proto_message {
	char *text;
	size_t size;
	int *fds;
	unsigned int fd_count;
};

struct proto_reader {
	proto_resize_fn *resize;
	uint8_t header[PROTO_HEADER_SIZE];
	size_t header_have;
	uint8_t *body; /* grows with what has come, never beyond body_size + 1 */
	size_t body_size, body_have, body_capacity;
	int fds[PROTO_MAX_FDS];
	unsigned int fd_count;
	bool complete; /* a whole message lies in body, not yet given out or still in the caller's hands */
	bool given;
	int broken; /* negative errno: framing is lost, nothing more can be read */
};

void proto_reader_init(struct proto_reader *reader, proto_resize_fn *resize);
/* Frees memory and closes descriptors nobody took. The reader may be initialised again. */
void proto_reader_free(struct proto_reader *reader);

/* Reads once from the socket, never waiting and never past the end of the current message, so that the
 * descriptors received belong to it. Returns the count of bytes (> 0), 0 at end of stream, -EAGAIN, or
 * another negative errno
 * (-EPROTO, -EMSGSIZE: the peer broke the framing). Must not be called while a message waits in
 * proto_reader_next. */
long proto_reader_fill(struct proto_reader *reader, int socket);

/* The same without a socket, for tests and fuzzing: where the next bytes go and how many are wanted; then how
 * many came, with which descriptors (taken over in every case). */
int proto_reader_want(struct proto_reader *reader, void **where, size_t *size);
int proto_reader_got(struct proto_reader *reader, size_t size, const int *fds, unsigned int fd_count);

/* Returns 1 and a message, 0 when more bytes are needed, or a negative errno when framing is lost. The
 * message before it, and its descriptors that were not taken, go away. */
int proto_reader_next(struct proto_reader *reader, struct proto_message *message);

/* Takes descriptor number `index` over; -1 when there is none (out of range, or taken already). */
int proto_take_fd(struct proto_message *message, unsigned int index);

struct proto_chunk;

struct proto_writer {
	proto_resize_fn *resize;
	struct proto_chunk *head, *tail;
	size_t queued_size;
	size_t limit;
};

/* `limit`: most bytes that may wait (0: PROTO_MAX_QUEUED). */
void proto_writer_init(struct proto_writer *writer, proto_resize_fn *resize, size_t limit);
void proto_writer_free(struct proto_writer *writer);

/* Queues one message. The descriptors are taken over when 0 is returned (closed once sent) and left to the
 * caller otherwise: -EMSGSIZE, -ENOBUFS (the limit is reached: disconnect the peer), -ENOMEM, -EINVAL. */
int proto_writer_queue(struct proto_writer *writer, const char *text, size_t size, const int *fds,
		       unsigned int fd_count);

/* Sends what the socket takes. 0: all sent; 1: some is left, wait until the socket is writable; negative
 * errno: the connection is lost. */
int proto_writer_flush(struct proto_writer *writer, int socket);

#endif

/* proto.c: framing of the control protocol. See proto.h.
 *
 * The reader asks the socket for exactly what the current message still lacks: first the rest of the header,
 * then the rest of the body. So one recvmsg never spans two messages and the descriptors that come with it
 * are this message's, however the sender cut its writes. A message in the caller's hands stays in the body
 * until the next call.
 */
#include "sandbox/control/proto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Memory for a body is taken in steps, so that a length alone costs the receiver nothing. */
#define BODY_STEP 4096u

struct proto_chunk {
	struct proto_chunk *next;
	size_t size, sent;
	int fds[PROTO_MAX_FDS];
	unsigned int fd_count;
	uint8_t bytes[];
};

static void *libc_resize(void *old, size_t size)
{
	if (size == 0) {
		free(old);
		return NULL;
	}
	return realloc(old, size);
}

static void close_all(int *fds, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static uint32_t get_le32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void proto_reader_init(struct proto_reader *reader, proto_resize_fn *resize)
{
	memset(reader, 0, sizeof(*reader));
	reader->resize = resize ? resize : libc_resize;
}

void proto_reader_free(struct proto_reader *reader)
{
	close_all(reader->fds, reader->fd_count);
	if (reader->body)
		reader->resize(reader->body, 0);
	proto_reader_init(reader, reader->resize);
}

/* Lets go of the message that was given out and makes room for the next. */
static void start_message(struct proto_reader *reader)
{
	close_all(reader->fds, reader->fd_count);
	reader->fd_count = 0;
	reader->header_have = 0;
	reader->body_have = reader->body_size = 0;
	reader->complete = reader->given = false;
	if (reader->body_capacity > 64u * 1024) {
		reader->resize(reader->body, 0);
		reader->body = NULL;
		reader->body_capacity = 0;
	}
}

int proto_reader_want(struct proto_reader *reader, void **where, size_t *size)
{
	if (reader->broken)
		return reader->broken;
	if (reader->complete) {
		if (!reader->given)
			return -EBUSY;
		start_message(reader);
	}
	if (reader->header_have < PROTO_HEADER_SIZE) {
		*where = reader->header + reader->header_have;
		*size = PROTO_HEADER_SIZE - reader->header_have;
		return 0;
	}
	if (reader->body_have + 1 >= reader->body_capacity) {
		size_t capacity = reader->body_capacity ? reader->body_capacity * 2 : BODY_STEP;
		void *body;

		if (capacity > reader->body_size + 1)
			capacity = reader->body_size + 1;
		body = reader->resize(reader->body, capacity);
		if (!body)
			return -ENOMEM;
		reader->body = body;
		reader->body_capacity = capacity;
	}
	*where = reader->body + reader->body_have;
	*size = reader->body_capacity - 1 - reader->body_have;
	if (*size > reader->body_size - reader->body_have)
		*size = reader->body_size - reader->body_have;
	return 0;
}

static int take_fds(struct proto_reader *reader, const int *fds, unsigned int fd_count)
{
	for (unsigned int i = 0; i < fd_count; i++) {
		if (reader->fd_count < PROTO_MAX_FDS) {
			reader->fds[reader->fd_count++] = fds[i];
		} else {
			close(fds[i]);
			reader->broken = -EPROTO;
		}
	}
	return reader->broken;
}

int proto_reader_got(struct proto_reader *reader, size_t size, const int *fds, unsigned int fd_count)
{
	int error = take_fds(reader, fds, fd_count);

	if (error)
		return error;
	if (reader->header_have < PROTO_HEADER_SIZE) {
		if (size > PROTO_HEADER_SIZE - reader->header_have)
			return reader->broken = -EPROTO;
		reader->header_have += size;
		if (reader->header_have < PROTO_HEADER_SIZE)
			return 0;
		reader->body_size = get_le32(reader->header);
		if (reader->body_size == 0)
			return reader->broken = -EPROTO;
		if (reader->body_size > PROTO_MAX_MESSAGE)
			return reader->broken = -EMSGSIZE;
		return 0;
	}
	if (size > reader->body_size - reader->body_have)
		return reader->broken = -EPROTO;
	reader->body_have += size;
	if (reader->body_have == reader->body_size) {
		reader->body[reader->body_size] = 0;
		reader->complete = true;
	}
	return 0;
}

long proto_reader_fill(struct proto_reader *reader, int socket)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * PROTO_MAX_FDS)];
	} control;
	struct iovec iov;
	struct msghdr header = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int error = proto_reader_want(reader, &iov.iov_base, &iov.iov_len);
	ssize_t count;

	if (error)
		return error;
	do
		count = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		int fds[PROTO_MAX_FDS];
		size_t size = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || size > sizeof(fds))
			continue;
		memcpy(fds, CMSG_DATA(c), size);
		error = take_fds(reader, fds, (unsigned int)(size / sizeof(int)));
	}
	if (header.msg_flags & MSG_CTRUNC)
		error = reader->broken = -EPROTO;
	if (error || count == 0)
		return error;
	error = proto_reader_got(reader, (size_t)count, NULL, 0);
	return error ? error : count;
}

int proto_reader_next(struct proto_reader *reader, struct proto_message *message)
{
	if (reader->complete && reader->given)
		start_message(reader);
	if (reader->broken)
		return reader->broken;
	if (!reader->complete)
		return 0;
	reader->given = true;
	message->text = (char *)reader->body;
	message->size = reader->body_size;
	message->fds = reader->fds;
	message->fd_count = reader->fd_count;
	return 1;
}

int proto_take_fd(struct proto_message *message, unsigned int index)
{
	int fd;

	if (index >= message->fd_count)
		return -1;
	fd = message->fds[index];
	message->fds[index] = -1;
	return fd;
}

void proto_writer_init(struct proto_writer *writer, proto_resize_fn *resize, size_t limit)
{
	memset(writer, 0, sizeof(*writer));
	writer->resize = resize ? resize : libc_resize;
	writer->limit = limit ? limit : PROTO_MAX_QUEUED;
}

static void drop_head(struct proto_writer *writer)
{
	struct proto_chunk *chunk = writer->head;

	writer->head = chunk->next;
	if (!writer->head)
		writer->tail = NULL;
	writer->queued_size -= chunk->size - chunk->sent;
	close_all(chunk->fds, chunk->fd_count);
	writer->resize(chunk, 0);
}

void proto_writer_free(struct proto_writer *writer)
{
	while (writer->head)
		drop_head(writer);
}

int proto_writer_queue(struct proto_writer *writer, const char *text, size_t size, const int *fds,
		       unsigned int fd_count)
{
	struct proto_chunk *chunk;

	if (size == 0 || fd_count > PROTO_MAX_FDS)
		return -EINVAL;
	if (size > PROTO_MAX_MESSAGE)
		return -EMSGSIZE;
	if (writer->queued_size + PROTO_HEADER_SIZE + size > writer->limit)
		return -ENOBUFS;
	chunk = writer->resize(NULL, sizeof(*chunk) + PROTO_HEADER_SIZE + size);
	if (!chunk)
		return -ENOMEM;
	chunk->next = NULL;
	chunk->size = PROTO_HEADER_SIZE + size;
	chunk->sent = 0;
	chunk->fd_count = fd_count;
	if (fd_count)
		memcpy(chunk->fds, fds, fd_count * sizeof(*fds));
	for (unsigned int i = 0; i < PROTO_HEADER_SIZE; i++)
		chunk->bytes[i] = (uint8_t)(size >> (8 * i));
	memcpy(chunk->bytes + PROTO_HEADER_SIZE, text, size);
	if (writer->tail)
		writer->tail->next = chunk;
	else
		writer->head = chunk;
	writer->tail = chunk;
	writer->queued_size += chunk->size;
	return 0;
}

/* One sendmsg; the descriptors go with the first byte and are ours no more after it. */
static ssize_t send_some(struct proto_chunk *chunk, int socket)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * PROTO_MAX_FDS)];
	} control;
	struct iovec iov = {.iov_base = chunk->bytes + chunk->sent, .iov_len = chunk->size - chunk->sent};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t count;

	if (chunk->fd_count) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * chunk->fd_count);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * chunk->fd_count);
		memcpy(CMSG_DATA(c), chunk->fds, sizeof(int) * chunk->fd_count);
	}
	do
		count = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

int proto_writer_flush(struct proto_writer *writer, int socket)
{
	while (writer->head) {
		struct proto_chunk *chunk = writer->head;
		ssize_t count = send_some(chunk, socket);

		if (count == -EAGAIN)
			return 1;
		if (count < 0)
			return (int)count;
		close_all(chunk->fds, chunk->fd_count);
		chunk->fd_count = 0;
		chunk->sent += (size_t)count;
		writer->queued_size -= (size_t)count;
		if (chunk->sent == chunk->size)
			drop_head(writer);
	}
	return 0;
}

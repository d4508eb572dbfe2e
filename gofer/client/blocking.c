/* A transport that blocks, over one socket: for tests and tools, where one thread has one call under way. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "gofer/client/client.h"
#include "gofer/proto/io.h"

static int blocking_send(void *ctx, const void *msg, size_t size)
{
	struct gofer_blocking *b = ctx;

	return gofer_send(b->sock, msg, size, -1, 0);
}

static int blocking_wait(void *ctx, struct gofer_call *call)
{
	struct gofer_blocking *b = ctx;
	int fds[GOFER_FDS_MAX], fd_count, n;

	while (!call->done) {
		n = gofer_recv(b->sock, b->buf, GOFER_MSG_MAX, fds, &fd_count, 0);
		if (n <= 0)
			gofer_client_break(b->client);
		else
			gofer_client_deliver(b->client, b->buf, (size_t)n, fds, fd_count);
	}
	return 0;
}

static void blocking_close(void *ctx, int fd)
{
	close(fd);
}

static bool blocking_check(void *ctx, int fd, int mode)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flags >= 0 && (flags & O_ACCMODE) == mode &&
	       !(flags & O_PATH);
}

const struct gofer_transport gofer_blocking_transport = {
    .send = blocking_send,
    .wait = blocking_wait,
    .close_fd = blocking_close,
    .check_fd = blocking_check,
};

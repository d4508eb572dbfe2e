/* pump.c: one thread copies one stream until its end.
 *
 * Our own standard streams are shared with other processes (the shell, the rest of a pipeline), so they must
 * not be made non-blocking; a thread that may block in read and write needs no mode change at all, and works
 * alike for files, pipes, sockets and terminals. A stream that came to us non-blocking is waited for with
 * poll.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/cli/cli.h"

#define PUMP_BUFFER_SIZE (128u << 10)

struct pump {
	pthread_t thread;
	int from, to;
	bool owns_from, owns_to;
	const char *eof, *name;
	bool failed;
	char buffer[PUMP_BUFFER_SIZE];
};

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	poll(&p, 1, -1);
}

/* 0, or an errno. */
static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			wait_for(fd, POLLOUT);
		} else if (n < 0 && errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

static void *pump_thread(void *opaque)
{
	struct pump *pump = opaque;
	int error = 0;

	for (;;) {
		ssize_t n = read(pump->from, pump->buffer, sizeof(pump->buffer));

		if (n < 0 && errno == EAGAIN) {
			wait_for(pump->from, POLLIN);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* EIO: our terminal was hung up. ECONNRESET: the other end of a socket went away with bytes
		 * unread. */
		if (n < 0 && errno != EIO && errno != ECONNRESET) {
			cli_complain("cannot read %s: %s", pump->name, strerror(errno));
			pump->failed = true;
		}
		if (n <= 0)
			break;
		error = write_all(pump->to, pump->buffer, (size_t)n);
		if (error)
			break;
	}
	if (error && error != EPIPE && error != ECONNRESET) {
		cli_complain("cannot write %s: %s", pump->name, strerror(error));
		pump->failed = true;
	}
	if (!error && pump->eof)
		write_all(pump->to, pump->eof, strlen(pump->eof));
	/* Closing tells each side that the other is done: end of file forwards, a broken pipe backwards. */
	if (pump->owns_to && !pump->eof)
		close(pump->to);
	if (pump->owns_from)
		close(pump->from);
	return NULL;
}

struct pump *pump_start(int from, int to, bool owns_from, bool owns_to, const char *eof, const char *name)
{
	struct pump *pump = malloc(sizeof(*pump));
	sigset_t all, old;
	int r;

	if (!pump)
		return NULL;
	pump->from = from;
	pump->to = to;
	pump->owns_from = owns_from;
	pump->owns_to = owns_to;
	pump->eof = eof;
	pump->name = name;
	pump->failed = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the main thread's */
	r = pthread_create(&pump->thread, NULL, pump_thread, pump);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		free(pump);
		return NULL;
	}
	return pump;
}

bool pump_join(struct pump *pump)
{
	bool ok;

	if (!pump)
		return true;
	pthread_join(pump->thread, NULL);
	ok = !pump->failed;
	free(pump);
	return ok;
}

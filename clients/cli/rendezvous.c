/* rendezvous.c: see rendezvous.h. One client is served at a time, another one is sent away. */
#include "clients/cli/rendezvous.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/endpoint.h"

struct rendezvous {
	uv_poll_t listener, client;
	int listen_fd, client_fd; /* -1: none */
	unsigned int open_handles;
	rendezvous_asked_fn *asked;
	void *opaque;
	char folder[PATH_MAX], name[64];
	char line[PATH_MAX + 2];
	size_t have;
	bool asking, client_closing;
};

static bool find_folder(char *folder, size_t size, bool make)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (geteuid() == 0)
		snprintf(folder, size, "/run/warren");
	else if (runtime && *runtime == '/')
		snprintf(folder, size, "%s/warren", runtime);
	else
		return false;
	if (make && mkdir(folder, 0700) != 0 && errno != EEXIST)
		return false;
	return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

static void handle_closed(uv_handle_t *handle)
{
	struct rendezvous *r = handle->data;

	if (--r->open_handles == 0)
		free(r);
}

static void client_closed(uv_handle_t *handle)
{
	struct rendezvous *r = handle->data;

	r->client_closing = false;
	handle_closed(handle);
}

static void drop_client(struct rendezvous *r)
{
	if (r->client_fd < 0)
		return;
	r->client_closing = true;
	uv_close((uv_handle_t *)&r->client, client_closed);
	close(r->client_fd);
	r->client_fd = -1;
	r->asking = false;
}

void rendezvous_answer(struct rendezvous *r, const struct error *error)
{
	char text[sizeof(error->message) + 1];
	int n = snprintf(text, sizeof(text), "%s\n", error ? error->message : "ok");

	if (!r || !r->asking)
		return;
	if (r->client_fd >= 0 && send(r->client_fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
		r->asking = false; /* it is gone */
	drop_client(r);
}

static void client_readable(uv_poll_t *poll, int status, int events)
{
	struct rendezvous *r = poll->data;
	ssize_t n = read(r->client_fd, r->line + r->have, sizeof(r->line) - 1 - r->have);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		r->have += (size_t)n;
	r->line[r->have] = 0;
	end = strchr(r->line, '\n');
	if (n <= 0 || (!end && r->have == sizeof(r->line) - 1) || (end && *r->line != '/')) {
		drop_client(r);
		return;
	}
	if (!end)
		return;
	*end = 0;
	uv_poll_stop(&r->client);
	r->asking = true;
	r->asked(r->opaque, r->line);
}

static void listener_readable(uv_poll_t *poll, int status, int events)
{
	struct rendezvous *r = poll->data;
	int fd = accept4(r->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (r->client_fd >= 0 || r->client_closing || uv_poll_init(poll->loop, &r->client, fd) != 0) {
		close(fd);
		return;
	}
	r->open_handles++;
	r->client.data = r;
	r->client_fd = fd;
	r->have = 0;
	uv_poll_start(&r->client, UV_READABLE | UV_DISCONNECT, client_readable);
}

/* What a `warren run` has left that was killed. */
static void sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int pid, end;

	while (dir && (entry = readdir(dir))) {
		end = 0;
		if (sscanf(entry->d_name, "run-%d.sock%n", &pid, &end) == 1 && end && !entry->d_name[end] &&
		    pid > 0 && kill(pid, 0) != 0 && errno == ESRCH)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

struct rendezvous *rendezvous_start(uv_loop_t *loop, const char *id, rendezvous_asked_fn *asked, void *opaque)
{
	struct rendezvous *r = calloc(1, sizeof(*r));
	struct error error;

	if (!r)
		return NULL;
	r->client_fd = r->listen_fd = -1;
	r->asked = asked;
	r->opaque = opaque;
	snprintf(r->name, sizeof(r->name), "%s.sock", id);
	if (find_folder(r->folder, sizeof(r->folder), true)) {
		sweep(r->folder);
		r->listen_fd = endpoint_listen(r->folder, r->name, &error);
	}
	if (r->listen_fd < 0 || uv_poll_init(loop, &r->listener, r->listen_fd) != 0) {
		if (r->listen_fd >= 0)
			close(r->listen_fd);
		free(r);
		return NULL;
	}
	r->open_handles = 1;
	r->listener.data = r;
	uv_poll_start(&r->listener, UV_READABLE, listener_readable);
	return r;
}

void rendezvous_end(struct rendezvous *r)
{
	char path[PATH_MAX + 80];

	if (!r)
		return;
	snprintf(path, sizeof(path), "%s/%s", r->folder, r->name);
	unlink(path);
	drop_client(r);
	uv_close((uv_handle_t *)&r->listener, handle_closed);
	close(r->listen_fd);
}

/* ---- the other side ---- */

static int exchange(int fd, const char *path, struct error *error)
{
	char line[PATH_MAX + 2], answer[500];
	size_t have = 0;
	int n = snprintf(line, sizeof(line), "%s\n", path);
	ssize_t got;

	if (n >= (int)sizeof(line) || strchr(path, '\n'))
		return error_set(error, ENAMETOOLONG, "the image's path is too long");
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		return error_errno(error, errno, "cannot ask the sandbox");
	while (have < sizeof(answer) - 1 && (got = read(fd, answer + have, sizeof(answer) - 1 - have)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			have += (size_t)got;
	}
	answer[have] = 0;
	answer[strcspn(answer, "\n")] = 0;
	if (!strcmp(answer, "ok"))
		return 0;
	return error_set(error, EIO, "%s", *answer ? answer : "the sandbox ended without an answer");
}

int rendezvous_ask(const char *id, const char *path, struct error *error)
{
	char folder[PATH_MAX], name[64];
	int fd, r;

	if (strchr(id, '/') || snprintf(name, sizeof(name), "%s.sock", id) >= (int)sizeof(name) ||
	    !find_folder(folder, sizeof(folder), false))
		return error_set(error, ENOENT, "there is no sandbox '%s' of `warren run`", id);
	fd = endpoint_connect(folder, name, error);
	if (fd < 0)
		return error_set(error, ENOENT, "there is no sandbox '%s' of `warren run`", id);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	r = exchange(fd, path, error);
	close(fd);
	return r;
}

/* See fixture.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/unit/gofer/fixture.h"

static const char *program(void)
{
	const char *p = getenv("WARREN_GOFER");

	return p ? p : "bin/warren-gofer";
}

static void spawn(struct fixture *f, int sock, bool ro)
{
	char fd[12];

	f->pid = fork();
	ck_assert_int_ge(f->pid, 0);
	if (f->pid > 0)
		return;
	snprintf(fd, sizeof(fd), "%d", sock);
	execl(program(), "warren-gofer", "--root", f->dir, "--fd", fd, ro ? "--ro" : NULL, NULL);
	fprintf(stderr, "cannot start %s: %s (run from the build directory or set WARREN_GOFER)\n", program(),
		strerror(errno));
	_exit(127);
}

void fixture_start(struct fixture *f, bool ro)
{
	int pair[2];

	memset(f, 0, sizeof(*f));
	snprintf(f->outside, sizeof(f->outside), "/tmp/gofer-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->outside));
	snprintf(f->dir, sizeof(f->dir), "%s/tree", f->outside);
	ck_assert_int_eq(mkdir(f->dir, 0755), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(fcntl(pair[0], F_SETFD, FD_CLOEXEC), 0);
	spawn(f, pair[1], ro);
	close(pair[1]);
	f->sock = pair[0];
	f->blocking = (struct gofer_blocking){.client = &f->client, .sock = f->sock, .buf = f->rx};
	gofer_client_init(&f->client, &gofer_blocking_transport, &f->blocking);
	gofer_call_init(&f->call, f->buf, sizeof(f->buf));
}

void fixture_attach(struct fixture *f)
{
	ck_assert_int_eq(gofer_hello(&f->client, &f->call), 0);
	ck_assert_int_eq(gofer_attach(&f->client, &f->call, &f->root, &f->root_attr), 0);
}

void fixture_stop(struct fixture *f)
{
	char command[96];
	int status;

	close(f->sock);
	ck_assert_int_eq(waitpid(f->pid, &status, 0), f->pid);
	snprintf(command, sizeof(command), "rm -rf %s", f->outside);
	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) <= 1, "the gofer ended with status %#x",
		      status);
}

const char *host(struct fixture *f, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

void host_write(struct fixture *f, const char *name, const char *text)
{
	FILE *file = fopen(host(f, name), "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

struct gofer_str str(const char *text)
{
	return gofer_str(text, strlen(text));
}

uint64_t walk1(struct fixture *f, uint64_t dir, const char *name, int *stop, struct gofer_attr *attr)
{
	struct gofer_str names[1] = {str(name)};
	struct gofer_list steps;
	struct gofer_step step;
	int err = gofer_walk(&f->client, &f->call, dir, names, 1, 0, stop, &steps);

	if (err) {
		*stop = err;
		return 0;
	}
	if (*stop)
		return 0;
	ck_assert(gofer_step_next(&steps, &step));
	if (attr)
		*attr = step.attr;
	return step.handle;
}

int create(struct fixture *f, uint64_t dir, const char *name, uint32_t mode, const char *target,
	   uint64_t *handle, struct gofer_attr *attr)
{
	struct gofer_request q = {.create = {.dir = dir,
					     .mode = mode,
					     .uid = geteuid() ? geteuid() : 1234,
					     .gid = geteuid() ? getegid() : 5678,
					     .name = str(name),
					     .target = str(target)}};

	return gofer_create(&f->client, &f->call, &q, handle, attr, NULL);
}

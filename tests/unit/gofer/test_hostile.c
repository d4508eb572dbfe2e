/* A sentry that has been taken over, against a real gofer; and a gofer that has been taken over, against the
 * client. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gofer/proto/io.h"
#include "tests/unit/gofer/fixture.h"

static struct fixture f;

static void setup(void)
{
	fixture_start(&f, false);
	fixture_attach(&f);
}

static void teardown(void)
{
	fixture_stop(&f);
}

/* Sends raw bytes and returns the status of the answer. */
static int raw(const void *msg, size_t size, int fd)
{
	int fds[GOFER_FDS_MAX], count, n;
	struct gofer_reply reply;

	ck_assert_int_eq(gofer_send(f.sock, msg, size, fd, 0), 0);
	n = gofer_recv(f.sock, f.rx, sizeof(f.rx), fds, &count, 0);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(count, 0);
	ck_assert_int_eq(gofer_reply_decode(f.rx, (size_t)n, &reply), 0);
	return reply.status;
}

/* Names that lead out, encoded as the client would: the gofer answers EPROTO and serves on. */
START_TEST(names_that_lead_out)
{
	static const char *const names[] = {"..", ".", "/etc", "../outside", "a/../..", ""};
	unsigned char buf[1024];
	struct gofer_attr attr;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct gofer_request q = {.tag = 9, .op = GOFER_WALK, .walk = {.handle = f.root, .count = 1}};

		q.walk.names[0] = str(names[i]);
		ck_assert_int_eq(raw(buf, (size_t)gofer_request_encode(&q, buf, sizeof(buf)), -1), -EPROTO);
		q = (struct gofer_request){.tag = 9, .op = GOFER_UNLINK, .unlink = {.dir = f.root}};
		q.unlink.name = str(names[i]);
		ck_assert_int_eq(raw(buf, (size_t)gofer_request_encode(&q, buf, sizeof(buf)), -1), -EPROTO);
	}
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, f.root, &attr), 0);
}
END_TEST

/* Links out of the tree are only links: never followed by walk, open, setattr, create or rename. */
START_TEST(links_that_lead_out)
{
	struct gofer_request q = {.setattr = {.mask = GOFER_SET_SIZE}};
	struct gofer_attr attr;
	struct gofer_str names[2] = {str("up"), str("secret")};
	struct gofer_list steps;
	uint64_t link, h;
	int stop, fd;

	host_write(&f, "../secret", "secret");
	ck_assert_int_eq(symlink("..", host(&f, "up")), 0);
	ck_assert_int_eq(symlink("/etc/passwd", host(&f, "abs")), 0);
	ck_assert_int_eq(symlink("../secret", host(&f, "rel")), 0);
	ck_assert_int_eq(symlink("/proc/self/root", host(&f, "magic")), 0);
	ck_assert_int_eq(gofer_walk(&f.client, &f.call, f.root, names, 2, 0, &stop, &steps), 0);
	ck_assert_int_eq(stop, -ENOTDIR);
	for (int i = 0; i < 3; i++) {
		link = walk1(&f, f.root, i == 0 ? "abs" : i == 1 ? "rel" : "magic", &stop, &attr);
		ck_assert(link && S_ISLNK(attr.mode));
		ck_assert_int_eq(gofer_open(&f.client, &f.call, link, GOFER_OPEN_READ, &fd, &attr),
				 -EOPNOTSUPP);
		q.setattr.handle = link;
		ck_assert_int_lt(gofer_setattr(&f.client, &f.call, &q, &attr), 0);
		ck_assert_int_eq(create(&f, link, "x", S_IFREG | 0600, "", &h, &attr), -ENOTDIR);
		ck_assert_int_eq(gofer_rename(&f.client, &f.call, f.root, str("up"), link, str("x"), 0),
				 -ENOTDIR);
		ck_assert_uint_eq(walk1(&f, link, "x", &stop, &attr), 0);
	}
	ck_assert_int_eq(create(&f, f.root, "rel", S_IFREG | 0600, "", &h, &attr), -EEXIST);
}
END_TEST

START_TEST(handles_that_are_not)
{
	uint64_t bad[] = {0, 1000, UINT64_MAX, f.root + (1ull << 32), f.root | 0xffffff00};
	struct gofer_attr attr;
	unsigned char buf[64];
	uint64_t h;
	int stop;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(gofer_getattr(&f.client, &f.call, bad[i], &attr), -EBADF);
	host_write(&f, "file", "");
	h = walk1(&f, f.root, "file", &stop, &attr);
	ck_assert_int_eq(gofer_clunk(&f.client, buf, sizeof(buf), &h, 1), 0);
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, h, &attr), -EBADF);
	ck_assert_uint_ne(walk1(&f, f.root, "file", &stop, &attr), h); /* the same slot, another generation */
	ck_assert_int_eq(gofer_clunk(&f.client, buf, sizeof(buf), bad, 5), 0);
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, f.root, &attr), 0);
}
END_TEST

START_TEST(descriptors_with_a_request)
{
	struct gofer_request q = {.tag = 4, .op = GOFER_GETATTR, .node = {f.root}};
	unsigned char buf[64];
	int n = gofer_request_encode(&q, buf, sizeof(buf));

	ck_assert_int_eq(raw(buf, (size_t)n, f.sock), -EPROTO);
	ck_assert_int_eq(raw(buf, (size_t)n, -1), 0);
}
END_TEST

/* Random bodies behind a good header: always an answer, never the end of the gofer. */
START_TEST(random_bodies)
{
	unsigned char buf[512];
	uint32_t size, tag = 1;
	uint16_t op;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		size = 16 + (uint32_t)rand() % 200;
		op = (uint16_t)(1 + rand() % (GOFER_OP_END - 1));
		if (op == GOFER_CLONE || op == GOFER_SETATTR)
			continue;
		for (uint32_t b = 16; b < size; b++)
			buf[b] = (unsigned char)(rand() % 4 ? 0 : rand());
		memset(buf, 0, 16);
		memcpy(buf, &size, 4);
		memcpy(buf + 4, &tag, 4);
		memcpy(buf + 8, &op, 2);
		raw(buf, size, -1);
	}
}
END_TEST

/* What is not even a message ends the connection. */
START_TEST(no_header)
{
	int fds[GOFER_FDS_MAX], count;

	ck_assert_int_eq(gofer_send(f.sock, "hello", 5, -1, 0), 0);
	ck_assert_int_le(gofer_recv(f.sock, f.rx, sizeof(f.rx), fds, &count, 0), 0);
}
END_TEST

/* Someone outside swaps a directory for a link out of the tree while it is walked: never is the outside
 * reached. */
START_TEST(rename_race)
{
	struct gofer_str names[2] = {str("d"), str("x")};
	struct gofer_list steps;
	struct gofer_step step;
	struct stat out;
	char dir[128], link[128];
	unsigned reached = 0;
	pid_t swapper;
	int stop;

	host_write(&f, "../x", "outside");
	ck_assert_int_eq(stat(host(&f, "../x"), &out), 0);
	ck_assert_int_eq(mkdir(host(&f, "d"), 0755), 0);
	host_write(&f, "d/x", "inside");
	ck_assert_int_eq(symlink("..", host(&f, "l")), 0);
	snprintf(dir, sizeof(dir), "%s", host(&f, "d"));
	snprintf(link, sizeof(link), "%s", host(&f, "l"));
	swapper = fork();
	if (swapper == 0) {
		alarm(20);
		for (;;)
			renameat2(AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE);
	}
	for (int i = 0; i < 20000; i++) {
		uint64_t handles[2];
		uint32_t count = 0;

		ck_assert_int_eq(gofer_walk(&f.client, &f.call, f.root, names, 2, 0, &stop, &steps), 0);
		while (gofer_step_next(&steps, &step)) {
			ck_assert_uint_ne(step.attr.ino, out.st_ino);
			reached += S_ISREG(step.attr.mode);
			handles[count++] = step.handle;
		}
		ck_assert_int_eq(gofer_clunk(&f.client, f.buf, sizeof(f.buf), handles, count), 0);
	}
	kill(swapper, SIGKILL);
	waitpid(swapper, NULL, 0);
	ck_assert_uint_gt(reached, 0);
}
END_TEST

/* The supervisor kills the process that it started: the gofer itself must go with it. */
START_TEST(killed_from_outside)
{
	int fds[GOFER_FDS_MAX], count, status;
	struct fixture *k = malloc(sizeof(*k));
	struct timeval limit = {.tv_sec = 5};

	ck_assert_ptr_nonnull(k);
	fixture_start(k, false);
	fixture_attach(k);
	ck_assert_int_eq(setsockopt(k->sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	ck_assert_int_eq(kill(k->pid, SIGKILL), 0);
	status = gofer_recv(k->sock, k->rx, sizeof(k->rx), fds, &count, 0);
	ck_assert_msg(status == 0 || status == -ECONNRESET, "the gofer is still there: %d", status);
	ck_assert_int_eq(waitpid(k->pid, &status, 0), k->pid);
	close(k->sock);
	ck_assert_int_eq(rmdir(k->dir), 0);
	ck_assert_int_eq(rmdir(k->outside), 0);
	free(k);
}
END_TEST

/* The client's side: `lie` plays the gofer for one call of GETATTR or OPEN. */
struct liar {
	struct gofer_client client;
	struct gofer_call call;
	unsigned char buf[GOFER_SMALL_BUF];
	int lie;
	int fd;
};

static int liar_send(void *ctx, const void *msg, size_t size)
{
	struct liar *l = ctx;
	unsigned char reply[GOFER_SMALL_BUF + 64];
	struct gofer_reply p = {.attr = {.mode = S_IFREG | 0600}};
	int32_t status;
	int n, fds[1] = {l->fd};

	gofer_peek(msg, size, &p.tag, &p.op, &status);
	if (l->lie == 1)
		p.tag += 5;
	if (l->lie == 2)
		p.op = GOFER_STATFS;
	if (l->lie == 3)
		p.attr.mode = 0;
	n = gofer_reply_encode(&p, reply, sizeof(reply));
	if (l->lie == 4)
		n -= 3;
	gofer_client_deliver(&l->client, reply, (size_t)n, fds, l->fd >= 0);
	return 0;
}

static int liar_wait(void *ctx, struct gofer_call *call)
{
	return -EINTR;
}

static void liar_close(void *ctx, int fd)
{
	close(fd);
}

static bool liar_check(void *ctx, int fd, int mode)
{
	return gofer_blocking_transport.check_fd(NULL, fd, mode);
}

static const struct gofer_transport g_liar = {
    .send = liar_send, .wait = liar_wait, .close_fd = liar_close, .check_fd = liar_check};

START_TEST(a_gofer_that_lies)
{
	static struct liar l;
	struct gofer_attr attr;
	int fd, pipes[2];

	for (int lie = 0; lie <= 4; lie++) {
		gofer_client_init(&l.client, &g_liar, &l);
		gofer_call_init(&l.call, l.buf, sizeof(l.buf));
		l.lie = lie;
		l.fd = -1;
		ck_assert_int_eq(gofer_getattr(&l.client, &l.call, 1, &attr), lie ? -EIO : 0);
		ck_assert_int_eq(l.client.broken, lie != 0);
		ck_assert(!gofer_client_busy(&l.client));
	}
	/* A descriptor that nobody asked for; a pipe instead of a file; the wrong mode. Each is closed. */
	for (int kind = 0; kind < 3; kind++) {
		ck_assert_int_eq(pipe(pipes), 0);
		gofer_client_init(&l.client, &g_liar, &l);
		l.lie = 0;
		l.fd = kind == 2 ? open("/etc/passwd", O_RDONLY) : pipes[0];
		if (kind == 0)
			ck_assert_int_eq(gofer_getattr(&l.client, &l.call, 1, &attr), -EIO);
		else
			ck_assert_int_eq(gofer_open(&l.client, &l.call, 1, 3, &fd, &attr), -EIO);
		ck_assert(l.client.broken && fcntl(l.fd, F_GETFD) == -1);
		close(pipes[1]);
		if (kind == 2)
			close(pipes[0]);
	}
}
END_TEST

/* A gofer that answers when it likes: what it was asked is kept. */
struct slow {
	struct gofer_client client;
	struct gofer_call call;
	unsigned char buf[GOFER_WALK_BUF];
	uint32_t tags[GOFER_GIVEN_UP_MAX + 1];
	unsigned asked;
	uint64_t returned[4]; /* handles that came late */
	unsigned returns;
};

static int slow_send(void *ctx, const void *msg, size_t size)
{
	struct slow *s = ctx;
	uint16_t op;
	int32_t status;

	ck_assert_int_eq(gofer_peek(msg, size, &s->tags[s->asked++], &op, &status), 0);
	return 0;
}

static void slow_handle(void *ctx, uint64_t handle)
{
	struct slow *s = ctx;

	s->returned[s->returns++] = handle;
}

static const struct gofer_transport g_slow = {.send = slow_send,
					      .wait = liar_wait,
					      .close_fd = liar_close,
					      .check_fd = liar_check,
					      .late_handle = slow_handle};

static int slow_answer(struct slow *s, struct gofer_reply *p, int fd)
{
	unsigned char msg[GOFER_WALK_BUF];
	int n = gofer_reply_encode(p, msg, sizeof(msg));

	ck_assert_int_gt(n, 0);
	return gofer_client_deliver(&s->client, msg, (size_t)n, &fd, fd >= 0);
}

static void slow_give_up(struct slow *s)
{
	struct gofer_attr attr;
	uint64_t handle;
	int fd;
	struct gofer_request q = {
	    .create = {.flags = GOFER_CREATE_OPEN, .dir = 1, .mode = S_IFREG | 0600, .name = str("x")}};

	gofer_call_init(&s->call, s->buf, sizeof(s->buf));
	ck_assert_int_eq(gofer_create(&s->client, &s->call, &q, &handle, &attr, &fd), -EINTR);
}

/* The late reply is for nobody: not in the caller's buffer, its descriptor closed, its handle given back. */
START_TEST(late_reply)
{
	static struct slow s;
	struct gofer_reply p = {.op = GOFER_CREATE, .node = {.handle = 77, .attr = {.mode = S_IFREG | 0600}}};
	int fd = open("/etc/passwd", O_RDONLY);

	gofer_client_init(&s.client, &g_slow, &s);
	slow_give_up(&s);
	ck_assert(s.call.given_up && gofer_client_busy(&s.client));
	memset(s.buf, 0xee, sizeof(s.buf));
	p.tag = s.tags[0];
	ck_assert_int_eq(slow_answer(&s, &p, fd), 0);
	for (size_t i = 0; i < sizeof(s.buf); i++)
		ck_assert_uint_eq(s.buf[i], 0xee);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_uint_eq(s.returns, 1);
	ck_assert_uint_eq(s.returned[0], 77);
	ck_assert(!gofer_client_busy(&s.client) && !s.client.broken);
	/* and only once */
	ck_assert_int_eq(slow_answer(&s, &p, -1), -EPROTO);
	ck_assert(s.client.broken);
	ck_assert_uint_eq(s.returns, 1);
}
END_TEST

/* Replies to calls that were given up come in any order, also while another call is under way. */
START_TEST(late_replies_out_of_order)
{
	static struct slow s;
	struct gofer_reply p = {.op = GOFER_CREATE, .node = {.handle = 5, .attr = {.mode = S_IFREG | 0600}}};

	gofer_client_init(&s.client, &g_slow, &s);
	for (int i = 0; i < 3; i++)
		slow_give_up(&s);
	p.tag = s.tags[1];
	ck_assert_int_eq(slow_answer(&s, &p, -1), 0);
	p.tag = s.tags[2];
	p.status = -EEXIST; /* has no handle */
	ck_assert_int_eq(slow_answer(&s, &p, -1), 0);
	ck_assert_uint_eq(s.returns, 1);
	p.tag = s.tags[0];
	p.status = 0;
	p.op = GOFER_ATTACH; /* not what was asked */
	ck_assert_int_eq(slow_answer(&s, &p, -1), -EPROTO);
	ck_assert(s.client.broken && !gofer_client_busy(&s.client));
}
END_TEST

/* A tag that is awaited late is not given to another call, and a gofer that owes too much is given up. */
START_TEST(late_for_ever)
{
	static struct slow s;

	gofer_client_init(&s.client, &g_slow, &s);
	slow_give_up(&s);
	s.client.next_tag = s.tags[0] - 1; /* four billion calls later */
	slow_give_up(&s);
	ck_assert_uint_ne(s.tags[1], s.tags[0]);
	while (!s.client.broken) {
		ck_assert_uint_le(s.asked, GOFER_GIVEN_UP_MAX);
		slow_give_up(&s);
	}
	ck_assert_uint_eq(s.asked, GOFER_GIVEN_UP_MAX + 1);
	ck_assert(!gofer_client_busy(&s.client));
}
END_TEST

Suite *suite_hostile(void)
{
	Suite *s = suite_create("gofer, hostile peers");
	TCase *server = tcase_create("sentry"), *client = tcase_create("gofer");

	tcase_add_checked_fixture(server, setup, teardown);
	tcase_set_timeout(server, 30);
	tcase_add_test(server, names_that_lead_out);
	tcase_add_test(server, links_that_lead_out);
	tcase_add_test(server, handles_that_are_not);
	tcase_add_test(server, descriptors_with_a_request);
	tcase_add_test(server, random_bodies);
	tcase_add_test(server, no_header);
	tcase_add_test(server, rename_race);
	suite_add_tcase(s, server);
	tcase_add_test(client, a_gofer_that_lies);
	tcase_add_test(client, late_reply);
	tcase_add_test(client, late_replies_out_of_order);
	tcase_add_test(client, late_for_ever);
	tcase_add_test(client, killed_from_outside);
	suite_add_tcase(s, client);
	return s;
}

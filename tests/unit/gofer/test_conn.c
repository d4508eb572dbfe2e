/*
 * test_conn.c - the sentry's transport against a real gofer: many coroutines with calls under way at once,
 * then a gofer that is gone. The platform does nothing.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "sandbox/base/arena.h"
#include "sandbox/base/host_fd.h"
#include "sandbox/fs/gofer/conn.h"
#include "sandbox/kernel/sched_priv.h"
#include "sandbox/platform/platform.h"
#include "tests/unit/gofer/fixture.h"

bool platform_poll(void)
{
	return false;
}
bool platform_sleep_prepare(void)
{
	return true;
}
void platform_sleep_done(void)
{
}
int platform_epoll_setup(int epoll_fd)
{
	return 0;
}
void platform_epoll_event(u64 data)
{
}
u64 platform_spin_cycles(void)
{
	return 0;
}
u64 platform_next_trap(void)
{
	return 0;
}
bool platform_in_the_way(void)
{
	return false;
}
unsigned platform_cpu_count(void)
{
	return 2;
}
bool platform_cpu_is_left(void)
{
	return false;
}
bool platform_guests_run(void)
{
	return false;
}
void platform_idle(void)
{
}

enum { CALLERS = 20, ROUNDS = 100 };

static struct fixture f;
static struct gofer_conn *conn;
static uint64_t root;
static unsigned left, good, failed;
static bool lost;

static void lose(void);

static void caller(void *arg)
{
	unsigned char *buf = kmalloc(GOFER_WALK_BUF);
	struct gofer_str names[1] = {str("file")};
	struct gofer_list steps;
	struct gofer_step step;
	struct gofer_call call;
	int stop;

	ck_assert_ptr_nonnull(buf);
	gofer_call_init(&call, buf, GOFER_WALK_BUF);
	for (int i = 0; i < ROUNDS; i++) {
		int err = gofer_walk(&conn->client, &call, root, names, 1, 0, &stop, &steps);

		if (!err && !stop && gofer_step_next(&steps, &step) && step.attr.size == 5)
			good++;
		else if (err == -EIO)
			failed++;
		if (!err)
			gofer_clunk(&conn->client, buf, GOFER_WALK_BUF, &step.handle, 1);
	}
	kfree(buf);
	if (--left == 0 && !lost)
		lose();
	else if (left == 0)
		sched_stop(0);
}

static void start(void *arg)
{
	unsigned char *buf = kmalloc(GOFER_SMALL_BUF);
	struct host_fd *sock = host_fd_new(f.sock, HOST_FD_GOFER, true);
	struct gofer_call call;
	struct gofer_attr attr;

	ck_assert_int_eq(gofer_conn_new(sock, &conn), 0);
	gofer_call_init(&call, buf, GOFER_SMALL_BUF);
	ck_assert_int_eq(gofer_attach(&conn->client, &call, &root, &attr), 0);
	kfree(buf);
	left = CALLERS;
	for (int i = 0; i < CALLERS; i++) {
		struct coro *c;

		ck_assert_int_eq(coro_start(caller, NULL, NULL, &c), 0);
	}
}

static void run(void (*fn)(void *))
{
	struct coro *c;

	ck_assert_int_eq(coro_start(fn, NULL, NULL, &c), 0);
	ck_assert_int_eq(sched_loop(), 0);
}

/* The connection is shut and calls are made again: every one of them fails, none hangs. */
static void lose(void)
{
	struct coro *c;

	lost = true;
	ck_assert_uint_eq(good, CALLERS * ROUNDS);
	ck_assert_uint_eq(failed, 0);
	shutdown(conn->sock->fd, SHUT_RDWR);
	left = 1;
	ck_assert_int_eq(coro_start(caller, NULL, NULL, &c), 0);
}

START_TEST(many_calls_then_none)
{
	struct kernel *k;

	fixture_start(&f, false);
	host_write(&f, "file", "hello");
	ck_assert_int_eq(arena_create(0), 0);
	k = knew(struct kernel);
	arena_set_root(k);
	list_init(&k->host_fds);
	ck_assert_int_eq(sched_init(), 0);
	run(start);
	ck_assert_uint_eq(good, CALLERS * ROUNDS);
	ck_assert_uint_eq(failed, ROUNDS);
	ck_assert(!gofer_client_busy(&conn->client));
	gofer_conn_free(conn);
	f.sock = -1;
	fixture_stop(&f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gofer connection");
	TCase *t = tcase_create("loop");
	SRunner *runner = srunner_create(s);
	int bad;

	tcase_set_timeout(t, 20);
	tcase_add_test(t, many_calls_then_none);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_ENV);
	bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

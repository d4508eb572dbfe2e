/* conn.c - the transport of gofer/client over the sentry's loop; see conn.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/proto/io.h"
#include "sandbox/base/arena.h"
#include "sandbox/base/host_fd.h"
#include "sandbox/fs/gofer/conn.h"
#include "sandbox/kernel/signal.h"

#define BRIEF_TRIES 2
#define BRIEF_NS    100000

/* wait_event() for what the gofer owes us: a task that is killed gives up when it is overdue. */
#define wait_for_gofer(conn, q, cond)                                                                        \
	({                                                                                                   \
		int wg_err_ = wait_event_state(q, cond, TIME_NEVER, SLEEP_ANSWER);                           \
		if (wg_err_ && !(conn)->client.given_up_count)                                               \
			wg_err_ = wait_event_state(q, cond, clock_monotonic() + GOFER_PATIENCE_NS,           \
						   SLEEP_UNINTERRUPTIBLE);                                   \
		wg_err_ ? -ERESTARTSYS : 0;                                                                  \
	})

static int conn_send(void *ctx, const void *msg, size_t size)
{
	struct gofer_conn *conn = ctx;
	int err = -EAGAIN;

	if (conn->client.given_up_count && sched_killed())
		return -ERESTARTSYS;
	if (wait_for_gofer(conn, &conn->room,
			   conn->client.broken ||
			       (err = gofer_send(conn->sock->fd, msg, size, -1, MSG_DONTWAIT)) != -EAGAIN))
		return -ERESTARTSYS;
	if (err && err != -EMSGSIZE)
		gofer_client_break(&conn->client);
	if (conn->in_the_way)
		sched_yield();
	conn->in_the_way = false;
	return err ? -EIO : 0;
}

static void conn_ready(struct host_poll *poll, u32 events);

/*
 * When nobody else wants the sentry's thread, sleep on the socket itself for a moment: the gofer, which was
 * told our CPU, is woken there and answers within microseconds. If we do not sleep it is told that, too; it
 * is still woken here then, once, and we make room.
 */
static u16 conn_cpu(void *ctx)
{
	struct gofer_conn *conn = ctx;
	int cpu = sched_getcpu();
	u16 told = conn->told_cpu;

	conn->told_cpu = sched_alone() && cpu >= 0 && cpu < UINT16_MAX ? (u16)(cpu + 1) : 0;
	conn->in_the_way = told && !conn->told_cpu;
	return conn->told_cpu;
}

static void wait_briefly(struct gofer_conn *conn, const struct gofer_call *call)
{
	struct pollfd p = {.fd = conn->sock->fd, .events = POLLIN};

	for (int i = 0; i < BRIEF_TRIES && !call->done && !conn->client.broken && sched_alone(); i++) {
		struct timespec ts = {0, BRIEF_NS};
		if (ppoll(&p, 1, &ts, NULL) > 0)
			conn_ready(&conn->poll, EPOLLIN);
	}
}

/* An operation that has been sent will happen, and its caller must hear how it ended: unless it is killed. */
static int conn_wait(void *ctx, struct gofer_call *call)
{
	struct gofer_conn *conn = ctx;

	wait_briefly(conn, call);
	return wait_for_gofer(conn, &conn->replies, call->done);
}

static void conn_wake(void *ctx, struct gofer_call *call)
{
	struct gofer_conn *conn = ctx;

	wake_up_all(&conn->replies, 0);
}

static void conn_close_fd(void *ctx, int fd)
{
	close(fd);
}

/* Only a regular file can be read, written and mapped without the sentry being made to wait for ever. */
static bool conn_check_fd(void *ctx, int fd, int mode)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) == mode && fstat(fd, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

static void conn_late_handle(void *ctx, uint64_t handle)
{
	struct gofer_conn *conn = ctx;

	if (conn->late_handle)
		conn->late_handle(conn->owner, handle);
}

static const struct gofer_transport conn_transport = {
    .send = conn_send,
    .wait = conn_wait,
    .wake = conn_wake,
    .cpu = conn_cpu,
    .close_fd = conn_close_fd,
    .check_fd = conn_check_fd,
    .late_handle = conn_late_handle,
};

static void conn_lost(struct gofer_conn *conn)
{
	gofer_client_break(&conn->client);
	wake_up_all(&conn->room, 0);
}

/* Edge triggered: receive until there is nothing. Runs on the loop's stack. */
static void conn_ready(struct host_poll *poll, u32 events)
{
	struct gofer_conn *conn = container_of(poll, struct gofer_conn, poll);
	int fds[GOFER_FDS_MAX], fd_count, n;

	while (!conn->client.broken) {
		n = gofer_recv(conn->sock->fd, conn->rx, GOFER_MSG_MAX, fds, &fd_count, MSG_DONTWAIT);
		if (n == -EAGAIN)
			break;
		if (n <= 0 || gofer_client_deliver(&conn->client, conn->rx, (size_t)n, fds, fd_count))
			conn_lost(conn);
		else if (!gofer_client_busy(&conn->client))
			break; /* nothing more can come, but the end, which the next call finds */
	}
	wake_up_all(&conn->room, 0);
}

static int conn_hello(struct gofer_conn *conn)
{
	unsigned char *buf = kmalloc(GOFER_SMALL_BUF);
	struct gofer_call call;
	int err;

	if (!buf)
		return -ENOMEM;
	gofer_call_init(&call, buf, GOFER_SMALL_BUF);
	err = gofer_hello(&conn->client, &call);
	kfree(buf);
	return err;
}

int gofer_conn_new(struct host_fd *sock, struct gofer_conn **out)
{
	struct gofer_conn *conn = knew(struct gofer_conn);
	int err = -ENOMEM;

	if (!conn) {
		host_fd_put(sock);
		return -ENOMEM;
	}
	conn->sock = sock;
	wait_queue_init(&conn->room);
	wait_queue_init(&conn->replies);
	gofer_client_init(&conn->client, &conn_transport, conn);
	conn->poll.fd = sock;
	conn->poll.ready = conn_ready;
	conn->rx = kmalloc(GOFER_MSG_MAX);
	if (conn->rx)
		err = host_poll_add(&conn->poll, EPOLLIN | EPOLLOUT);
	if (err) {
		kfree(conn->rx);
		host_fd_put(sock);
		kfree(conn);
		return err;
	}
	err = conn_hello(conn);
	if (err) {
		gofer_conn_free(conn);
		return err;
	}
	*out = conn;
	return 0;
}

int gofer_conn_renew(struct gofer_conn *conn)
{
	int err = host_poll_renew(conn->sock);

	conn->client.broken = false;
	return err ? err : conn_hello(conn);
}

void gofer_conn_free(struct gofer_conn *conn)
{
	host_poll_remove(&conn->poll);
	host_fd_put(conn->sock);
	kfree(conn->rx);
	kfree(conn);
}

/*
 * control.c - connections to the control socket. See control.h and docs/control.md.
 *
 * A coroutine accepts; each client has one that reads its messages and writes what is queued for it. Requests
 * that may sleep run in coroutines of their own, so that one does not hold up the next. Parsed JSON lives in
 * the arena, but never across a checkpoint: the connections do not survive one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/control/control_priv.h"

#define CLIENTS_MAX 64

static void *arena_resize(void *old, size_t size)
{
	if (size)
		return krealloc(old, size);
	kfree(old);
	return NULL;
}

static void *json_alloc(size_t size)
{
	return kmalloc_typed(size, "json");
}

/* ---- one client ---- */

static void client_release(struct object *obj)
{
	struct client *c = container_of(obj, struct client, obj);

	host_poll_remove(&c->poll);
	host_fd_put(c->sock);
	proto_reader_free(&c->reader);
	proto_writer_free(&c->writer);
	kfree(c);
}

static void client_ready(struct host_poll *p, u32 events)
{
	struct client *c = container_of(p, struct client, poll);

	c->changes++;
	wake_up_all(&c->wait, 0);
}

/* No more is read or written; its coroutine notices and ends. */
static void client_drop(struct client *c)
{
	if (c->gone)
		return;
	c->gone = true;
	shutdown(c->sock->fd, SHUT_RDWR);
	c->changes++;
	wake_up_all(&c->wait, 0);
}

static void client_flush(struct client *c)
{
	if (!c->gone && proto_writer_flush(&c->writer, c->sock->fd) < 0)
		client_drop(c);
}

void client_answer(struct client *c, json_int_t id, json_t *answer)
{
	char *text = NULL;
	int err = -ENOMEM;

	if (answer && !json_object_set_new(answer, "id", json_integer(id)))
		text = json_dumps(answer, JSON_COMPACT);
	if (text && !c->gone)
		err = proto_writer_queue(&c->writer, text, strlen(text), NULL, 0);
	kfree(text);
	json_decref(answer);
	if (err && !c->gone) {
		klog(LOG_WARN, "a control client is dropped: %s",
		     err == -ENOBUFS ? "it does not read its answers" : "an answer could not be made");
		client_drop(c);
	}
	client_flush(c);
}

/* Reads and handles what is there; false when the client is to be let go. */
static bool client_input(struct client *c)
{
	for (;;) {
		struct proto_message m;
		long n = proto_reader_fill(&c->reader, c->sock->fd);
		int have = 0;

		if (n == -EAGAIN)
			return true;
		if (n <= 0)
			return false;
		while (!c->gone && (have = proto_reader_next(&c->reader, &m)) > 0)
			request_handle(c, &m);
		if (c->gone || have < 0)
			return false;
	}
}

static void client_main(void *arg)
{
	struct client *c = arg;

	for (;;) {
		u32 seen = c->changes;
		client_flush(c);
		if (c->gone || !client_input(c))
			break;
		wait_event_uninterruptible(&c->wait, c->changes != seen);
	}
	client_drop(c);
	list_del_init(&c->node);
	client_put(c);
}

static int client_start(int fd)
{
	struct client *c = knew(struct client);
	struct coro *coro;
	int err = -ENOMEM;

	if (!c) {
		close(fd);
		return err;
	}
	c->sock = host_fd_new(fd, HOST_FD_CONTROL, true);
	if (!c->sock) {
		kfree(c);
		return err;
	}
	object_init(&c->obj, client_release);
	wait_queue_init(&c->wait);
	proto_reader_init(&c->reader, arena_resize);
	proto_writer_init(&c->writer, arena_resize, 0);
	list_init(&c->node);
	c->poll.fd = c->sock;
	c->poll.ready = client_ready;
	err = host_poll_add(&c->poll, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	if (!err)
		err = coro_start(client_main, c, NULL, &coro);
	if (err) {
		client_put(c);
		return err;
	}
	coro->service = true;
	list_add_tail(&c->node, &control()->clients);
	return 0;
}

/* ---- accepting ---- */

static void listener_ready(struct host_poll *p, u32 events)
{
	wake_up_all(&container_of(p, struct control, poll)->accept_wait, 0);
}

static u32 client_count(void)
{
	struct client *c;
	u32 n = 0;

	list_for_each_entry (c, &control()->clients, node)
		n++;
	return n;
}

/* False when nobody waits any more. */
static bool accept_one(struct control *ctl)
{
	int fd = accept4(ctl->listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), err;

	if (fd < 0)
		return errno != EAGAIN && errno != EMFILE && errno != ENFILE && errno != ENOMEM;
	if (client_count() >= CLIENTS_MAX) {
		klog(LOG_WARN, "more than %d control clients: one is refused", CLIENTS_MAX);
		close(fd);
		return true;
	}
	err = client_start(fd);
	if (err)
		klog(LOG_ERROR, "a control client cannot be served: errno %d", -err);
	return true;
}

static void accept_main(void *arg)
{
	struct control *ctl = arg;
	struct waiter w;

	waiter_init(&w);
	wait_queue_add(&ctl->accept_wait, &w);
	for (;;) {
		while (accept_one(ctl))
			;
		if (sched_sleep(TIME_NEVER, SLEEP_UNINTERRUPTIBLE))
			klog(LOG_ERROR, "the control service's sleep was cut short");
	}
}

int control_restore(int listen_fd)
{
	struct control *ctl = control();
	struct client *c;

	json_set_alloc_funcs(json_alloc, kfree);
	list_for_each_entry (c, &ctl->clients, node) {
		c->reader.fd_count = 0; /* the numbers mean nothing here */
		client_drop(c);
	}
	if (fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK))
		return -errno;
	ctl->listener->fd = listen_fd;
	return host_poll_renew(ctl->listener);
}

int control_start(int listen_fd)
{
	struct control *ctl = knew(struct control);
	struct coro *coro;
	int err;

	if (!ctl)
		return -ENOMEM;
	json_set_alloc_funcs(json_alloc, kfree);
	ctl->listener = host_fd_new(listen_fd, HOST_FD_CONTROL, false);
	if (!ctl->listener)
		return -ENOMEM;
	if (fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK))
		return -errno;
	list_init(&ctl->clients);
	list_init(&ctl->processes);
	wait_queue_init(&ctl->accept_wait);
	ctl->poll.fd = ctl->listener;
	ctl->poll.ready = listener_ready;
	kernel()->control = ctl;
	err = host_poll_add(&ctl->poll, EPOLLIN);
	if (!err)
		err = coro_start(accept_main, ctl, NULL, &coro);
	if (!err)
		coro->service = true;
	return err;
}

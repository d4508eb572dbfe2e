/*
 * process.c - processes that supervisors started: their names, their terminals, their ends.
 *
 * The kernel calls process_on_exit when such a process has ended; its descriptors are closed then, so what it
 * wrote to pipes has been handed over. With a terminal, the pump first brings out what still lies in the line
 * discipline. Only then are waits answered.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/abi/poll.h"
#include "sandbox/control/control_priv.h"
#include "sandbox/fs/devpts/tty.h"

#define PUMP_CHUNK        4096
#define DRAIN_PATIENCE_NS (10 * NSEC_PER_SEC) /* for a terminal whose reader stands still */

struct process_wait {
	struct list_head node;
	struct client *client; /* counted */
	json_int_t id;
	bool release;
};

struct process *process_find(const char *name)
{
	struct process *p;

	list_for_each_entry (p, &control()->processes, node)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

struct process *process_find_first(const char *container)
{
	struct process *p;

	list_for_each_entry (p, &control()->processes, node)
		if (p->first && !p->orphan && !strcmp(p->container, container))
			return p;
	return NULL;
}

int process_new(const struct container *ct, json_t *argv, struct process **out)
{
	struct process *p = knew(struct process);

	if (!p)
		return -ENOMEM;
	p->number = ++control()->next_process;
	snprintf(p->name, sizeof(p->name), "p%llu", (unsigned long long)p->number);
	snprintf(p->container, sizeof(p->container), "%s", ct->id);
	p->argv = json_incref(argv);
	p->stop_signal = LINUX_SIGTERM;
	p->starting = true;
	wait_queue_init(&p->wait);
	list_init(&p->waits);
	list_add_tail(&p->node, &control()->processes);
	*out = p;
	return 0;
}

void process_free(struct process *p)
{
	list_del_init(&p->node);
	json_decref(p->argv);
	tg_put(p->tg);
	kfree(p);
}

/* ---- the end ---- */

json_t *exit_report(int status)
{
	if (status & 0x7f)
		return json_pack("{s:i,s:b}", "signal", status & 0x7f, "core", (status & 0x80) != 0);
	return json_pack("{s:i}", "code", status >> 8 & 0xff);
}

static json_t *exit_answer(int status)
{
	return json_pack("{s:b,s:o}", "ok", 1, "exit", exit_report(status));
}

/* Answers everybody who waits; the process is forgotten if one of them said so. */
static void process_ended(struct process *p)
{
	struct process_wait *w, *next;
	bool release = false;

	p->ended = true;
	tg_put(p->tg);
	p->tg = NULL;
	list_for_each_entry_safe (w, next, &p->waits, node) {
		list_del_init(&w->node);
		release |= w->release;
		client_answer(w->client, w->id, exit_answer(p->status));
		client_put(w->client);
		kfree(w);
	}
	if (release || p->orphan)
		process_free(p);
}

void process_on_exit(struct thread_group *tg, int wait_status)
{
	struct process *p = process_find(tg->process_name);

	if (!p || p->exited)
		return;
	p->exited = true;
	p->status = wait_status;
	if (p->tty)
		wake_up_all(&p->wait, 0); /* the pump ends it */
	else if (!p->starting)
		process_ended(p);
}

void process_started(struct process *p)
{
	p->starting = false;
	if (p->exited && !p->ended && !p->tty)
		process_ended(p);
}

int process_wait_add(struct process *p, struct client *c, json_int_t id, bool release)
{
	struct process_wait *w;

	if (p->ended) {
		client_answer(c, id, exit_answer(p->status));
		if (release)
			process_free(p);
		return 0;
	}
	w = knew(struct process_wait);
	if (!w)
		return -ENOMEM;
	w->client = client_get(c);
	w->id = id;
	w->release = release;
	list_add_tail(&w->node, &p->waits);
	return 0;
}

void processes_forget(const char *container)
{
	struct process *p, *next;

	list_for_each_entry_safe (p, next, &control()->processes, node)
		if (!p->starting && !strcmp(p->container, container)) {
			p->orphan = true;
			if (p->ended)
				process_free(p);
		}
}

/* ---- the terminal ---- */

struct pump {
	char out[PUMP_CHUNK], in[PUMP_CHUNK];
	size_t out_size, out_done, in_size, in_done;
	bool sock_lost; /* nobody reads: output is thrown away */
	bool sock_eof;  /* nobody types: the terminal hangs up */
};

static void sock_ready(struct host_poll *hp, u32 events)
{
	wake_up_all(&container_of(hp, struct process, poll)->wait, 0);
}

/* Screen to socket; true if anything moved. */
static bool pump_out(struct process *p, struct pump *u)
{
	ssize_t n;

	if (u->out_done == u->out_size) {
		u->out_size = pty_master_read(p->tty, u->out, sizeof(u->out));
		u->out_done = 0;
	}
	if (u->out_done == u->out_size)
		return false;
	n = u->sock_lost ? (ssize_t)(u->out_size - u->out_done)
			 : send(p->sock->fd, u->out + u->out_done, u->out_size - u->out_done,
				MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		u->sock_lost = true;
	if (n > 0)
		u->out_done += (size_t)n;
	return n > 0 || u->sock_lost;
}

/* Keyboard to line discipline. */
static bool pump_in(struct process *p, struct pump *u)
{
	size_t taken;
	ssize_t n;

	if (u->in_done == u->in_size && !u->sock_eof) {
		u->in_done = u->in_size = 0;
		n = recv(p->sock->fd, u->in, sizeof(u->in), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			u->sock_eof = true;
		if (n > 0)
			u->in_size = (size_t)n;
	}
	if (u->in_done == u->in_size)
		return false;
	taken = pty_master_write(p->tty, u->in + u->in_done, u->in_size - u->in_done);
	u->in_done += taken;
	return taken > 0;
}

static void pump_sleep(struct process *p, u64 deadline)
{
	struct waiter on_tty, on_process;

	waiter_init(&on_tty);
	waiter_init(&on_process);
	wait_queue_add(&p->tty->master_wait, &on_tty);
	wait_queue_add(&p->wait, &on_process);
	if (sched_sleep(deadline, SLEEP_UNINTERRUPTIBLE))
		klog(LOG_WARN, "process %s: its terminal is not read", p->name);
	wait_queue_remove(&on_tty);
	wait_queue_remove(&on_process);
}

static void pump_run(struct process *p, struct pump *u)
{
	u64 deadline = TIME_NEVER;
	bool hung_up = false;

	for (;;) {
		bool moved = pump_out(p, u);
		moved |= pump_in(p, u);
		if (u->sock_eof && !hung_up && p->tg) {
			/* the person left: as when a modem loses its line */
			hung_up = true;
			(void)send_signal_group(p->tg, LINUX_SIGHUP, NULL);
			(void)send_signal_group(p->tg, LINUX_SIGCONT, NULL);
		}
		if (moved) {
			deadline = TIME_NEVER;
			continue;
		}
		if (p->exited && u->out_done == u->out_size)
			return;
		if (p->exited && deadline == TIME_NEVER)
			deadline = clock_monotonic() + DRAIN_PATIENCE_NS;
		if (p->exited && clock_monotonic() >= deadline)
			return;
		pump_sleep(p, deadline);
	}
}

static void pump_main(void *arg)
{
	struct process *p = arg;
	struct pump *u = knew(struct pump);
	struct tty *tty = p->tty;

	if (u)
		pump_run(p, u);
	kfree(u);
	p->tty = NULL;
	pty_master_close(tty);
	host_poll_remove(&p->poll);
	host_fd_put(p->sock);
	p->sock = NULL;
	if (!p->exited) /* without memory for a pump there is no terminal */
		group_kill(p->tg, LINUX_SIGKILL);
	else
		process_ended(p);
}

int process_start_pump(struct process *p, struct tty *tty, int sock)
{
	struct coro *coro;
	int err;

	p->sock = host_fd_new(sock, HOST_FD_STDIO, true);
	if (!p->sock) {
		pty_master_close(tty);
		return -ENOMEM;
	}
	p->sock->recipe_id = HOST_FD_STREAM(p->number, HOST_FD_TERMINAL);
	p->poll.fd = p->sock;
	p->poll.ready = sock_ready;
	err = host_poll_add(&p->poll, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	if (!err) {
		p->tty = tty;
		err = coro_start(pump_main, p, NULL, &coro);
	}
	if (err) {
		p->tty = NULL;
		pty_master_close(tty);
		host_poll_remove(&p->poll);
		host_fd_put(p->sock);
		p->sock = NULL;
	}
	return err;
}

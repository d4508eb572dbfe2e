/*
 * unix_gc.c - descriptors on their way, and the collection of cycles of them.
 *
 * A socket whose file lies in a queue that only that socket (or others like it) could read is unreachable
 * though it is counted. A candidate is a socket of whose file every reference lies in some queue. From each
 * candidate's count what the candidates' own queues hold is taken off: who then has something left is held
 * from outside and lives, and so does everything in its queue, and so on. The rest is garbage: its queues are
 * emptied, and the counts do what remains. A listener's queue includes those of the connections in its
 * backlog.
 *
 * Collection is driven by the making and closing of unix sockets, and costs nothing while no unix socket is
 * on its way.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/kernel/user.h"
#include "sandbox/socket/unix_priv.h"

int unix_take_off(struct unix_packet *p)
{
	struct socket_state *st = unix_sockets();
	struct task *t = current_task();

	if (!p->control.file_count)
		return 0;
	p->user = st ? user_get(t->cred->uid) : NULL;
	if (!p->user)
		return -ENOBUFS;
	if (p->user->unix_inflight > task_rlimit(t, LINUX_RLIMIT_NOFILE) &&
	    !capable(LINUX_CAP_SYS_RESOURCE) && !capable(LINUX_CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	p->in_flight = p->control.file_count;
	p->user->unix_inflight += p->in_flight;
	for (u32 i = 0; i < p->in_flight; i++) {
		struct unix_endpoint *e = unix_of_file(p->control.files[i]);
		if (e && e->in_flight++ == 0)
			list_add_tail(&e->in_flight_node, &st->in_flight);
	}
	return 0;
}

void unix_land(struct unix_packet *p)
{
	for (u32 i = 0; i < p->in_flight; i++) {
		struct unix_endpoint *e = unix_of_file(p->control.files[i]);
		if (e && --e->in_flight == 0)
			list_del_init(&e->in_flight_node);
	}
	if (p->user)
		p->user->unix_inflight -= p->in_flight;
	p->in_flight = 0;
	user_put(p->user);
	p->user = NULL;
}

/* ---- what lies in a queue ---- */

typedef void (*visit_fn)(struct unix_endpoint *found, struct list_head *arg);

static void visit_packets(struct unix_endpoint *e, visit_fn fn, struct list_head *arg)
{
	struct unix_packet *p;

	list_for_each_entry (p, &e->packets, node)
		for (u32 i = 0; i < p->in_flight; i++) {
			struct unix_endpoint *found = unix_of_file(p->control.files[i]);
			if (found && found->gc_state == GC_CANDIDATE)
				fn(found, arg);
		}
}

/* Calls fn for each candidate in e's queues. */
static void visit_queue(struct unix_endpoint *e, visit_fn fn, struct list_head *arg)
{
	struct unix_endpoint *waiting;

	visit_packets(e, fn, arg);
	list_for_each_entry (waiting, &e->backlog, backlog_node)
		visit_packets(waiting, fn, arg);
}

static void found_inside(struct unix_endpoint *e, struct list_head *arg)
{
	e->gc_refs--;
}

static void found_alive(struct unix_endpoint *e, struct list_head *live)
{
	e->gc_state = GC_LIVE;
	list_del_init(&e->gc_node);
	list_add_tail(&e->gc_node, live);
}

static void find_candidates(struct socket_state *st, struct list_head *out)
{
	struct unix_endpoint *e;

	list_for_each_entry (e, &st->in_flight, in_flight_node) {
		if (!e->sock.file || e->sock.file->obj.refs != e->in_flight)
			continue;
		e->gc_state = GC_CANDIDATE;
		e->gc_refs = e->in_flight;
		list_add_tail(&e->gc_node, out);
	}
}

static void take_packets(struct unix_endpoint *e, struct list_head *gone)
{
	list_splice_tail_init(&e->packets, gone);
	e->queued = e->packet_count = 0;
}

static void empty_queue(struct unix_endpoint *e, struct list_head *gone)
{
	struct unix_endpoint *waiting;

	take_packets(e, gone);
	list_for_each_entry (waiting, &e->backlog, backlog_node)
		take_packets(waiting, gone);
}

void unix_collect(void)
{
	struct socket_state *st = unix_sockets();
	struct list_head candidates, live, gone;
	struct unix_endpoint *e, *next;
	struct unix_packet *p, *next_packet;

	if (!st || st->collecting || list_empty(&st->in_flight))
		return;
	list_init(&candidates);
	list_init(&live);
	list_init(&gone);
	find_candidates(st, &candidates);
	list_for_each_entry (e, &candidates, gc_node)
		visit_queue(e, found_inside, NULL);
	list_for_each_entry_safe (e, next, &candidates, gc_node)
		if (e->gc_refs)
			found_alive(e, &live);
	list_for_each_entry (e, &live, gc_node) /* it grows while we walk it */
		visit_queue(e, found_alive, &live);
	list_for_each_entry_safe (e, next, &live, gc_node) {
		e->gc_state = GC_NONE;
		list_del_init(&e->gc_node);
	}
	list_for_each_entry_safe (e, next, &candidates, gc_node) {
		e->gc_state = GC_NONE;
		list_del_init(&e->gc_node);
		empty_queue(e, &gone);
	}
	st->collecting = true; /* what is freed closes sockets */
	list_for_each_entry_safe (p, next_packet, &gone, node) {
		list_del_init(&p->node);
		unix_packet_free(p);
	}
	st->collecting = false;
}

/*
 * conn.h - a connection to a gofer, as the sentry's coroutines use it.
 *
 * A coroutine that calls one of gofer/client's operations on conn->client sleeps until its reply is there,
 * while the others run; several calls may be under way. The socket is watched by the loop, which receives
 * every packet into one buffer and hands it to the client. When the gofer is gone, or has lied, every call
 * fails with EIO.
 *
 * A task that is killed gives its call up, but not at once: a gofer that is well answers within
 * GOFER_PATIENCE_NS, so that a killed task still comes to the end of what it has begun (an overlay's copy-up
 * is many calls). While a reply is overdue to somebody who gave up, killed tasks wait, and ask, for nothing
 * any more: -ERESTARTSYS.
 *
 * Lives in the arena; the socket is a host_fd whose recipe is a clone of the connection.
 */
#ifndef WARREN_FS_GOFER_CONN_H
#define WARREN_FS_GOFER_CONN_H

#include "gofer/client/client.h"
#include "sandbox/kernel/sched.h"

struct gofer_conn {
	struct gofer_client client;
	struct host_fd *sock;
	struct host_poll poll;
	struct wait_queue room;    /* for those who could not send: the gofer's queue is full */
	struct wait_queue replies; /* for those who wait for an answer */
	unsigned char *rx;         /* GOFER_MSG_MAX; only the loop uses it */
	u16 told_cpu;              /* where the gofer runs for our sake: gofer_set_cpu() */
	bool in_the_way;           /* there, and we are not going to sleep */
	/* Gives back a handle that came too late; set by whoever owns the connection. Must not sleep. */
	void (*late_handle)(void *owner, u64 handle);
	void *owner;
};

#define GOFER_PATIENCE_NS (2 * NSEC_PER_SEC)

/* Takes over the reference to `sock` (also on failure) and says HELLO; sleeps. 0 or -errno. */
int gofer_conn_new(struct host_fd *sock, struct gofer_conn **out) must_check;
/* The same for a connection that another process had: `sock` has a new descriptor. Sleeps. */
int gofer_conn_renew(struct gofer_conn *conn) must_check;
/* No call may be under way. */
void gofer_conn_free(struct gofer_conn *conn);

#endif

/* Pending calls, tags, and the judgement over what arrives; see client.h. */
#include <errno.h>
#include <string.h>
#include "gofer/client/client.h"

void gofer_client_init(struct gofer_client *c, const struct gofer_transport *transport, void *ctx)
{
	memset(c, 0, sizeof(*c));
	c->transport = transport;
	c->ctx = ctx;
}

bool gofer_client_busy(const struct gofer_client *c)
{
	return c->pending != NULL || c->given_up_count;
}

void gofer_call_init(struct gofer_call *call, void *buf, uint32_t cap)
{
	memset(call, 0, sizeof(*call));
	call->buf = buf;
	call->cap = cap;
	call->fd = -1;
}

static void pending_add(struct gofer_client *c, struct gofer_call *call)
{
	call->next = c->pending;
	call->link = &c->pending;
	if (call->next)
		call->next->link = &call->next;
	c->pending = call;
}

static void pending_del(struct gofer_call *call)
{
	if (!call->link)
		return;
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	call->next = NULL;
	call->link = NULL;
}

static void finish(struct gofer_client *c, struct gofer_call *call, int error)
{
	pending_del(call);
	call->error = error;
	call->done = true;
	if (c->transport->wake)
		c->transport->wake(c->ctx, call);
}

void gofer_client_break(struct gofer_client *c)
{
	c->broken = true;
	c->given_up_count = 0;
	while (c->pending)
		finish(c, c->pending, -EIO);
}

/* ---- calls that were given up ---- */

static void give_up(struct gofer_client *c, struct gofer_call *call)
{
	if (c->given_up_count == GOFER_GIVEN_UP_MAX) {
		gofer_client_break(c);
		return;
	}
	c->given_up[c->given_up_count++] = (struct gofer_given_up){call->tag, call->op};
	call->given_up = true;
}

static struct gofer_given_up *given_up_find(struct gofer_client *c, uint32_t tag)
{
	for (uint32_t i = 0; i < c->given_up_count; i++)
		if (c->given_up[i].tag == tag)
			return &c->given_up[i];
	return NULL;
}

/* The reply to a call that was given up: what it gives goes back. False if it is none. */
static bool late_reply(struct gofer_client *c, uint32_t tag, uint16_t op, const void *msg, size_t size)
{
	struct gofer_given_up *late = given_up_find(c, tag);
	struct gofer_reply reply;
	struct gofer_step step;

	if (!late || late->op != op || gofer_reply_decode(msg, size, &reply))
		return false;
	*late = c->given_up[--c->given_up_count];
	if (reply.status || !c->transport->late_handle)
		return true;
	if (op == GOFER_ATTACH || op == GOFER_CREATE)
		c->transport->late_handle(c->ctx, reply.node.handle);
	while (op == GOFER_WALK && gofer_step_next(&reply.walk.steps, &step))
		c->transport->late_handle(c->ctx, step.handle);
	return true;
}

int gofer_client_deliver(struct gofer_client *c, const void *msg, size_t size, const int *fds, int fd_count)
{
	struct gofer_call *call;
	uint32_t tag = 0;
	uint16_t op = 0;
	int32_t status;
	bool bad = c->broken || gofer_peek(msg, size, &tag, &op, &status) != 0;

	for (call = c->pending; call && call->tag != tag; call = call->next)
		;
	if (!bad && call)
		bad = call->op != op || size > call->cap || fd_count > 1;
	else if (!bad)
		bad = fd_count > 1 || !late_reply(c, tag, op, msg, size);
	if (bad || !call) {
		for (int i = 0; i < fd_count; i++)
			c->transport->close_fd(c->ctx, fds[i]);
		if (bad)
			gofer_client_break(c);
		return bad ? -EPROTO : 0;
	}
	memcpy(call->buf, msg, size);
	call->size = (uint32_t)size;
	call->fd = fd_count > 0 ? fds[0] : -1;
	call->fd_lost = fd_count < 0;
	finish(c, call, 0);
	return 0;
}

static uint32_t new_tag(struct gofer_client *c)
{
	do
		c->next_tag++;
	while (c->next_tag == 0 || given_up_find(c, c->next_tag));
	return c->next_tag;
}

static void drop_fd(struct gofer_client *c, struct gofer_call *call)
{
	if (call->fd >= 0)
		c->transport->close_fd(c->ctx, call->fd);
	call->fd = -1;
}

/* Which operations may bring a descriptor. */
static bool may_donate(const struct gofer_request *q)
{
	switch (q->op) {
	case GOFER_OPEN:
	case GOFER_CLONE:
		return true;
	case GOFER_WALK:
		return q->walk.flags & GOFER_WALK_OPEN;
	case GOFER_CREATE:
		return q->create.flags & GOFER_CREATE_OPEN;
	default:
		return false;
	}
}

int gofer_errno(int status)
{
	return status == -EMFILE ? -ENFILE : status;
}

int gofer_client_call(struct gofer_client *c, struct gofer_call *call, struct gofer_request *q,
		      struct gofer_reply *reply)
{
	int n, err;

	if (c->broken)
		return -EIO;
	q->tag = new_tag(c);
	n = gofer_request_encode(q, call->buf, call->cap);
	if (n < 0)
		return n;
	call->tag = q->tag;
	call->op = q->op;
	call->done = false;
	call->error = 0;
	call->fd = -1;
	call->fd_lost = false;
	call->given_up = false;
	pending_add(c, call);
	if (c->transport->cpu)
		gofer_set_cpu(call->buf, c->transport->cpu(c->ctx));
	err = c->transport->send(c->ctx, call->buf, (size_t)n);
	if (!err && !call->done) {
		err = c->transport->wait(c->ctx, call);
		if (err && !call->done)
			give_up(c, call);
	}
	if (!err)
		err = call->error;
	if (err) {
		pending_del(call);
		drop_fd(c, call);
		return err;
	}
	if (gofer_reply_decode(call->buf, call->size, reply) || (call->fd >= 0 && !may_donate(q))) {
		drop_fd(c, call);
		gofer_client_break(c);
		return -EIO;
	}
	if (reply->status)
		drop_fd(c, call);
	return gofer_errno(reply->status);
}

int gofer_clunk(struct gofer_client *c, void *buf, size_t cap, const uint64_t *handles, uint32_t count)
{
	struct gofer_request q = {.op = GOFER_CLUNK, .clunk = {.count = count, .handles = handles}};
	int n;

	if (c->broken)
		return -EIO;
	n = gofer_request_encode(&q, buf, cap);
	return n < 0 ? n : c->transport->send(c->ctx, buf, (size_t)n);
}

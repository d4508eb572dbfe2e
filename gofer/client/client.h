/*
 * The gofer's client: a library for the sentry (and for tests). It allocates nothing, has no threads, no
 * statics and no descriptors of its own; the caller gives it a transport and memory.
 *
 * A call lives in the caller's `struct gofer_call` with the caller's buffer. The client encodes the request
 * into the buffer, hands it to transport->send, enters the call in the list of pending ones and asks
 * transport->wait to come back when call->done is set (the sentry: a coroutine's wait queue; tests: receive
 * until it is). Whoever receives a packet gives it to gofer_client_deliver, which finds the call by its tag,
 * copies the reply into the call's buffer and says transport->wake.
 *
 * The other side is not trusted. A reply is fully validated before any of it is used; what does not fit
 * (unknown tag, other operation, malformed, too large, unasked-for descriptors) breaks the client for good:
 * all pending calls and all later ones return -EIO. Attributes, names and donated descriptors are still only
 * claims: names have been checked to be single components, a donated descriptor to be a regular file in the
 * mode asked for.
 *
 * A caller who is killed gives its call up (transport->wait fails). The request stays on its way and will be
 * carried out; its tag is kept until the late reply comes, which goes to nobody: the descriptor that it
 * brings is closed, the handles in it are given back by transport->late_handle. Nothing else may use such a
 * tag meanwhile, and a reply to a tag that nobody has asked with breaks the client.
 *
 * A connection must have no call pending, nor one that was given up, when the sandbox is forked
 * (gofer_client_busy).
 */
#ifndef WARREN_GOFER_CLIENT_H
#define WARREN_GOFER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gofer/proto/proto.h"

struct gofer_call {
	struct gofer_call *next, **link; /* pending list */
	void *buf;                       /* the request, then the reply */
	uint32_t cap;
	uint32_t size; /* of the reply */
	uint32_t tag;
	uint16_t op;
	bool done;
	bool fd_lost;  /* one came, but this process had no number left for it */
	bool given_up; /* it was sent, but nobody knows how it will end */
	int error;     /* transport or protocol error, else 0 */
	int fd;        /* donated; -1: none. The owner of the call closes it */
	void *waiter;  /* the transport's */
};

struct gofer_transport {
	/* Sends one packet. 0 or -errno. May wait. */
	int (*send)(void *ctx, const void *msg, size_t size);
	/* Returns when call->done; or -errno to give the call up. */
	int (*wait)(void *ctx, struct gofer_call *call);
	/* call->done has been set. May be NULL. */
	void (*wake)(void *ctx, struct gofer_call *call);
	/* What gofer_set_cpu() is to say of the next request. May be NULL. */
	uint16_t (*cpu)(void *ctx);
	/* Closes a descriptor that the client refuses. */
	void (*close_fd)(void *ctx, int fd);
	/* Whether a donated descriptor is a regular file open in that mode (O_RDONLY, O_RDWR, O_WRONLY). */
	bool (*check_fd)(void *ctx, int fd, int mode);
	/* A late reply has brought a handle that nobody wants. NULL if wait never gives up. Must not wait. */
	void (*late_handle)(void *ctx, uint64_t handle);
};

/* So many replies can be outstanding that nobody waits for; a gofer that owes more is taken for dead. */
#define GOFER_GIVEN_UP_MAX 512u

struct gofer_client {
	const struct gofer_transport *transport;
	void *ctx;
	struct gofer_call *pending;
	uint32_t next_tag;
	uint32_t server_flags; /* from HELLO */
	uint32_t max_handles;
	bool broken;
	uint32_t given_up_count;
	struct gofer_given_up {
		uint32_t tag;
		uint16_t op;
	} given_up[GOFER_GIVEN_UP_MAX];
};

/* A buffer this large holds every request with one or two names and every reply without a list. */
#define GOFER_SMALL_BUF 4608u
/* A buffer this large holds a WALK and its reply, unless there are two long symbolic links in it (the walk is
 * shorter then). */
#define GOFER_WALK_BUF 8192u

void gofer_client_init(struct gofer_client *c, const struct gofer_transport *transport, void *ctx);
bool gofer_client_busy(const struct gofer_client *c);

/* What a status of the gofer is for its client: its limit of descriptors is not the caller's. */
int gofer_errno(int status);

/*
 * A packet has arrived. Takes over the descriptors. 0, or -EPROTO if it broke the client.
 */
int gofer_client_deliver(struct gofer_client *c, const void *msg, size_t size, const int *fds, int fd_count);

/* The connection is gone: every pending call ends with -EIO, and so does every later one. */
void gofer_client_break(struct gofer_client *c);

void gofer_call_init(struct gofer_call *call, void *buf, uint32_t cap);

/*
 * One round trip: encodes `request` (its tag is chosen here), waits, decodes into `reply`, which points into
 * the call's buffer. 0 or -errno, the server's status included. On success call->fd is the donated descriptor
 * or -1. If transport->wait gives up, its error is returned and call->given_up is set: the caller must not
 * believe what it knew of the things that the call may change.
 */
int gofer_client_call(struct gofer_client *c, struct gofer_call *call, struct gofer_request *request,
		      struct gofer_reply *reply);

/* Sends a CLUNK without waiting for anything. `buf` must hold 32 + 8 * count bytes, count <= GOFER_CLUNK_MAX.
 */
int gofer_clunk(struct gofer_client *c, void *buf, size_t cap, const uint64_t *handles, uint32_t count);

/* The operations (ops.c). `call` gives the buffer; results point into it or are copied out. All: 0 or -errno.
 */
int gofer_hello(struct gofer_client *c, struct gofer_call *call);
int gofer_attach(struct gofer_client *c, struct gofer_call *call, uint64_t *handle, struct gofer_attr *attr);
/* *stop: 0, or the -errno of the first name not reached; steps: what was. call->fd with GOFER_WALK_OPEN. */
int gofer_walk(struct gofer_client *c, struct gofer_call *call, uint64_t handle,
	       const struct gofer_str *names, uint32_t count, uint32_t flags, int *stop,
	       struct gofer_list *steps);
int gofer_getattr(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_attr *attr);
/* `set`: the request's setattr fields, handle included. */
int gofer_setattr(struct gofer_client *c, struct gofer_call *call, struct gofer_request *set,
		  struct gofer_attr *attr);
/* *fd: a regular file, open as `flags` say. */
int gofer_open(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint32_t flags, int *fd,
	       struct gofer_attr *attr);
/* `create`: the request's create fields. *fd (may be NULL): an O_RDWR descriptor with GOFER_CREATE_OPEN. */
int gofer_create(struct gofer_client *c, struct gofer_call *call, struct gofer_request *create,
		 uint64_t *handle, struct gofer_attr *attr, int *fd);
int gofer_link(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint64_t dir,
	       struct gofer_str name);
int gofer_readdir(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint64_t cookie,
		  uint32_t flags, bool *eof, struct gofer_list *entries);
int gofer_readlink(struct gofer_client *c, struct gofer_call *call, uint64_t handle,
		   struct gofer_str *target);
int gofer_unlink(struct gofer_client *c, struct gofer_call *call, uint64_t dir, struct gofer_str name,
		 uint32_t flags);
int gofer_rename(struct gofer_client *c, struct gofer_call *call, uint64_t old_dir, struct gofer_str old_name,
		 uint64_t new_dir, struct gofer_str new_name, uint32_t flags);
int gofer_statfs(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_statfs *st);
int gofer_fsync(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint32_t flags);
int gofer_fallocate(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint32_t mode,
		    uint64_t offset, uint64_t size);
/* An empty name lists. max_size 0: *full_size only. */
int gofer_getxattr(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_str name,
		   uint32_t max_size, uint32_t *full_size, struct gofer_str *value);
int gofer_setxattr(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_str name,
		   struct gofer_str value, uint32_t flags);
int gofer_removexattr(struct gofer_client *c, struct gofer_call *call, uint64_t handle,
		      struct gofer_str name);
/* *fd: the socket of a second connection in which all handles are valid too. Its HELLO has been said. */
int gofer_clone(struct gofer_client *c, struct gofer_call *call, int *fd);

static inline struct gofer_str gofer_str(const char *data, size_t size)
{
	return (struct gofer_str){.data = data, .size = (uint32_t)size};
}

/* A transport that blocks in recvmsg, for tests and tools (blocking.c). ctx is a struct gofer_blocking. */
struct gofer_blocking {
	struct gofer_client *client;
	int sock;
	unsigned char *buf; /* GOFER_MSG_MAX */
};
extern const struct gofer_transport gofer_blocking_transport;

#endif

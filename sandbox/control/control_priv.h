/*
 * control_priv.h - the service's parts: connections (control.c), requests (request.c), what they ask for
 * (op_*.c), and the processes that supervisors know by name (process.c).
 */
#ifndef WARREN_CONTROL_PRIV_H
#define WARREN_CONTROL_PRIV_H

#include <jansson.h>

#include "sandbox/control/control.h"
#include "sandbox/control/proto.h"
#include "sandbox/kernel/container.h"
#include "sandbox/kernel/kernel.h"

struct tty;

/* All of it; hangs off the kernel's root. */
struct control {
	struct host_fd *listener;
	struct host_poll poll;
	struct wait_queue accept_wait;
	struct list_head clients;
	struct list_head processes; /* struct process.node */
	u64 next_process;
	u32 creates; /* requests so far: with a descriptor's index, the name of a gofer's tree */
};

static inline struct control *control(void)
{
	return kernel()->control;
}

/* ---- connections ---- */

/* One supervisor. Counted: by its coroutine, by each request under way, by each wait. */
struct client {
	struct object obj;
	struct list_head node;
	struct host_fd *sock;
	struct host_poll poll;
	struct wait_queue wait;
	u32 changes; /* edges seen on the socket */
	struct proto_reader reader;
	struct proto_writer writer;
	u32 requests; /* that sleep in coroutines of their own */
	bool gone;    /* nothing is sent any more */
};

static inline struct client *client_get(struct client *c)
{
	object_get(&c->obj);
	return c;
}
static inline void client_put(struct client *c)
{
	object_put(&c->obj);
}
/* Sends `answer` (stolen) as the answer to request `id` (JSON null: there was none). A client that cannot
 * take it is dropped. */
void client_answer(struct client *c, json_int_t id, json_t *answer);
/* {"ok":true} */
json_t *answer_ok(void);
/* {"ok":false,"error":{…}} */
json_t *answer_error(int err, const char *message);

/* ---- requests ---- */

#define REQUEST_MESSAGE 256

struct request {
	struct client *client; /* counted */
	json_int_t id;
	json_t *root;
	const struct op *op;
	int fds[PROTO_MAX_FDS]; /* -1: taken */
	u32 fd_count;
	u32 create;         /* the how manieth `create` this is */
	json_t *answer;     /* set by the operation: fields beyond "ok" */
	bool answers_later; /* the operation has taken care of the answer */
	char message[REQUEST_MESSAGE];
};

struct op {
	const char *name;
	int (*run)(struct request *r); /* 0 or -errno, with a message if request_fail was called */
	bool sleeps;
	const char *fields; /* the known ones: " a b c " */
};

/* Takes a message apart and carries it out, now or in a coroutine. */
void request_handle(struct client *c, struct proto_message *m);
/* Notes what is wrong; returns err. */
int request_fail(struct request *r, int err, const char *fmt, ...) printf_like(3, 4);
/* Fields of an object. `what` names the object in messages ("" for the request itself). Missing optional
 * fields leave *out alone. 0 or -EINVAL. */
int field_string(struct request *r, json_t *obj, const char *name, bool required,
		 const char **out) must_check;
int field_int(struct request *r, json_t *obj, const char *name, bool required, s64 min, s64 max,
	      s64 *out) must_check;
int field_bool(struct request *r, json_t *obj, const char *name, bool *out) must_check;
/* Every name in `obj` must be in `known`. */
int fields_known(struct request *r, json_t *obj, const char *known) must_check;
/* Takes a descriptor of the request; -EINVAL. */
int request_take_fd(struct request *r, s64 index, int *fd) must_check;
/* The container or process that the request names; -EINVAL, -ENOENT, -ESRCH. */
int request_container(struct request *r, struct container **out) must_check;
/* May something be started in it? -EBUSY, -ESRCH, and a message. */
int request_usable(struct request *r, const struct container *ct) must_check;
struct process;
int request_process(struct request *r, struct process **out) must_check;

/* What a container's control group is to be limited to; 0: not given, CGROUP_NO_LIMIT: no limit. */
struct container_limits {
	u64 memory, pids, cpu_quota_us, cpu_period_us, cpu_weight;
};
/* The field "limits", checked. */
int request_limits(struct request *r, struct container_limits *out) must_check;
int container_limit(struct container *ct, const struct container_limits *l) must_check;

/* ---- processes that were started from outside ---- */

struct process {
	struct list_head node;
	u64 number;
	char name[24]; /* "pNUMBER" */
	char container[64];
	json_t *argv;            /* for list */
	s32 pid;                 /* in the container */
	struct thread_group *tg; /* counted; NULL once it has ended */
	struct tty *tty;         /* master side, while the pump runs */
	struct host_fd *sock;    /* the terminal's other end */
	struct host_poll poll;
	struct wait_queue wait; /* the pump's: socket edges, the process's end */
	int stop_signal;
	bool exited;            /* the process has */
	bool ended;             /* and everything it wrote is out: wait is answered */
	bool starting;          /* the request that starts it is under way: its end is not told before that */
	bool first;             /* its container's first process */
	bool orphan;            /* its container is gone: forgotten when it has ended */
	int status;             /* wait status */
	struct list_head waits; /* struct process_wait.node */
};

/* A name for a process about to be started; its argv is kept for list. */
int process_new(const struct container *ct, json_t *argv, struct process **out) must_check;
/* Forgets it. No wait may be pending. */
void process_free(struct process *p);
struct process *process_find(const char *name);
/* The container's first process, if a supervisor has started it and it is not released; or NULL. */
struct process *process_find_first(const char *container);
/* Moves bytes between the terminal and its socket (both taken over) until the process has ended. */
int process_start_pump(struct process *p, struct tty *tty, int sock) must_check;
/* The kernel's word that it has ended. */
void process_started(struct process *p);
void process_on_exit(struct thread_group *tg, int wait_status);
/* Answers when it has ended. */
int process_wait_add(struct process *p, struct client *c, json_int_t id, bool release) must_check;
/* {"code":N} or {"signal":N,"core":B} */
json_t *exit_report(int wait_status);
/* Those of a container that goes away: waits are answered, names forgotten. */
void processes_forget(const char *container);

/* ---- users ---- */

/* The credentials of `name` ("user", "user:group", numbers allowed), or of uid and gid when name is NULL. */
int user_resolve(struct request *r, struct container *ct, const char *name, u32 uid, u32 gid,
		 struct cred **out) must_check;

/* ---- operations ---- */

int op_create(struct request *r);
/* op_network.c: what the request's field 'network' asks for, if it is there. */
int network_setup(struct request *r, struct container *ct, const char *hostname) must_check;
int op_delete(struct request *r);
int op_start(struct request *r);
int op_state(struct request *r);
int op_update(struct request *r);
int op_list(struct request *r);
int op_exec(struct request *r);
int op_wait(struct request *r);
int op_signal(struct request *r);
int op_resize(struct request *r);
int op_checkpoint(struct request *r);
int op_restore(struct request *r);
int op_stats(struct request *r);
int op_arena(struct request *r);

#endif

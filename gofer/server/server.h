/*
 * The gofer's server: answers requests about one directory tree. No threads, no paths: a node is an O_PATH
 * descriptor and every name is a single validated component used with an *at call, never following a symbolic
 * link, so the only things reachable are below the root, whatever the sentry sends. (In the real process the
 * root is also the process's own root directory, and the kernel enforces a read-only tree by its mount.)
 *
 * A node is reopened through "self/fd/N" below proc_fd, a proc mount of the gofer's own PID namespace that
 * shows nothing but the gofer.
 */
#ifndef WARREN_GOFER_SERVER_H
#define WARREN_GOFER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "gofer/proto/proto.h"

struct node {
	int fd;        /* O_PATH; -1: slot is free */
	uint32_t mode; /* S_IFMT bits; a type never changes */
	uint32_t gen;  /* raised when the slot is freed */
	uint32_t next; /* free list: index + 1, or 0 */
};

struct server {
	int sock;
	int root_fd;
	int proc_fd;
	int log_fd;
	bool ro;
	bool privileged; /* may chown */
	uint16_t cpu;    /* the client's, as it last said: where we run only; 0: anywhere */

	struct node *nodes;
	uint32_t node_cap;
	uint32_t node_end; /* slots ever used */
	uint32_t node_free;
	uint32_t node_count;
	uint32_t node_limit;

	struct { /* the directory that was read last, open for reading, at `cookie` */
		uint64_t handle;
		uint64_t cookie;
		int fd;
	} dir;

	unsigned char *list;    /* GOFER_MSG_MAX: steps, entries, values of the reply under way */
	unsigned char *scratch; /* GOFER_MSG_MAX: getdents64, names of attributes */
};

/* One request being answered. */
struct answer {
	struct gofer_reply reply;
	int fd;        /* to donate: taken over; -1: none */
	int next_sock; /* CLONE, in the child: the socket that it serves from now on; -1 otherwise */
};

/* Takes over root_fd and proc_fd (the root of a proc mount), and makes proc_fd the working directory. 0 or
 * -errno. */
int server_init(struct server *s, int root_fd, int proc_fd, bool ro, bool privileged, uint32_t node_limit);
void server_free(struct server *s);

/*
 * Answers one packet. Returns the size of the reply in out[GOFER_MSG_MAX] (0: none is wanted), or -EPROTO if
 * the packet is not even a message. *fd: descriptor to send with it, then to close; -1 if none. `fd_count`:
 * descriptors that came with the packet (closed by the caller: no request has any).
 */
int server_answer(struct server *s, const void *msg, size_t size, int fd_count, void *out, int *fd,
		  int *next_sock);

/* Serves s->sock until the peer is gone. 0, or -errno if it ended otherwise. */
int server_run(struct server *s);

/* nodes.c. node_add takes over fd and returns a handle, or 0 with errno set. node_at: NULL if there is no
 * such node. */
uint64_t node_add(struct server *s, int fd, uint32_t mode);
struct node *node_at(struct server *s, uint64_t handle);
void node_drop(struct server *s, uint64_t handle);
/* A node's path for calls that take no descriptor, relative to proc_fd and to the working directory. */
#define NODE_PATH_SIZE 24
const char *node_path(char buf[NODE_PATH_SIZE], int fd);
/* Opens a node itself (not what a symbolic link points to). Descriptor or -errno. */
int node_reopen(struct server *s, int fd, int flags);

/* A component as a C string. */
struct name {
	char text[GOFER_NAME_MAX + 1];
};
const char *name_of(struct name *name, const struct gofer_str *str);

/* Fills attr from statx on fd (or on name below it). 0 or -errno. */
/* Finds out about GOFER_ATTR_PLAIN; of the node fd itself, or with `name` of the entry below it. */
void attr_note_plain(int fd, const char *name, struct gofer_attr *attr);
int attr_get(int fd, const char *name, struct gofer_attr *attr);

/* Operations: 0 or -errno, which becomes the status. The node has been looked up where the signature has one.
 */
int op_walk(struct server *s, struct node *dir, const struct gofer_request *q, struct answer *a);
int op_open(struct server *s, struct node *node, const struct gofer_request *q, struct answer *a);
int op_create(struct server *s, struct node *dir, const struct gofer_request *q, struct answer *a);
int op_link(struct server *s, struct node *node, const struct gofer_request *q);
int op_unlink(struct server *s, struct node *dir, const struct gofer_request *q);
int op_rename(struct server *s, struct node *old_dir, const struct gofer_request *q);
int op_readdir(struct server *s, struct node *dir, const struct gofer_request *q, struct answer *a);
int op_readlink(struct server *s, struct node *node, struct answer *a);
int op_getattr(struct server *s, struct node *node, struct answer *a);
int op_setattr(struct server *s, struct node *node, const struct gofer_request *q, struct answer *a);
int op_statfs(struct server *s, struct node *node, struct answer *a);
int op_fsync(struct server *s, struct node *node, const struct gofer_request *q);
int op_fallocate(struct server *s, struct node *node, const struct gofer_request *q);
int op_getxattr(struct server *s, struct node *node, const struct gofer_request *q, struct answer *a);
int op_setxattr(struct server *s, struct node *node, const struct gofer_request *q);
int op_clone(struct server *s, struct answer *a);

/* jail.c: what a real gofer process does to itself. Each ends the process with a message if it cannot. */
struct jail {
	const char *root;
	int sock;
	int log_fd;
	bool ro;
	bool submounts;
};
/* First stage, as root: new namespaces, then this program again as their first process, from a read-only
 * mount. */
void jail_enter(const struct jail *jail, char **argv);
/* Second stage: pivot_root; gives the descriptors of tree and proc. */
void jail_pivot(const struct jail *jail, int *root_fd, int *proc_fd);
/* Without privileges: no namespaces, just the descriptors. */
void jail_unprivileged(const struct jail *jail, int *root_fd, int *proc_fd);
uint32_t jail_limits(void); /* raises RLIMIT_NOFILE; returns how many nodes may be open */
void jail_drop(const struct jail *jail, bool privileged);
void jail_fail(int log_fd, const char *what, int err) __attribute__((noreturn));

/* filter.c. 0 or -errno. */
int filter_install(int sock, int log_fd);

#endif

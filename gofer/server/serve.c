/* The loop and the dispatch. A request that cannot be decoded is answered EPROTO; a packet without a header
 * ends it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gofer/proto/io.h"
#include "gofer/server/server.h"

int server_init(struct server *s, int root_fd, int proc_fd, bool ro, bool privileged, uint32_t node_limit)
{
	memset(s, 0, sizeof(*s));
	s->sock = -1;
	s->root_fd = root_fd;
	s->proc_fd = proc_fd;
	s->log_fd = -1;
	s->ro = ro;
	s->privileged = privileged;
	s->node_limit = node_limit;
	s->dir.fd = -1;
	s->list = malloc(GOFER_MSG_MAX);
	s->scratch = malloc(GOFER_MSG_MAX);
	if (!s->list || !s->scratch)
		return -ENOMEM;
	return fchdir(proc_fd) == 0 ? 0 : -errno;
}

void server_free(struct server *s)
{
	for (uint32_t i = 0; i < s->node_end; i++)
		if (s->nodes[i].fd >= 0)
			close(s->nodes[i].fd);
	if (s->dir.fd >= 0)
		close(s->dir.fd);
	close(s->root_fd);
	close(s->proc_fd);
	free(s->nodes);
	free(s->list);
	free(s->scratch);
}

/* Whether the request would change the tree. What does not say so here must not change it. */
static bool changes(const struct gofer_request *q)
{
	switch (q->op) {
	case GOFER_SETATTR:
	case GOFER_CREATE:
	case GOFER_LINK:
	case GOFER_UNLINK:
	case GOFER_RENAME:
	case GOFER_FALLOCATE:
	case GOFER_SETXATTR:
	case GOFER_REMOVEXATTR:
		return true;
	case GOFER_OPEN:
		return q->open.flags & (GOFER_OPEN_WRITE | GOFER_OPEN_TRUNC);
	default:
		return false;
	}
}

/* The node that a request is about: the first field of all that have one. */
static uint64_t subject(const struct gofer_request *q)
{
	switch (q->op) {
	case GOFER_WALK:
		return q->walk.handle;
	case GOFER_SETATTR:
		return q->setattr.handle;
	case GOFER_OPEN:
		return q->open.handle;
	case GOFER_CREATE:
		return q->create.dir;
	case GOFER_LINK:
		return q->link.handle;
	case GOFER_READDIR:
		return q->readdir.handle;
	case GOFER_UNLINK:
		return q->unlink.dir;
	case GOFER_RENAME:
		return q->rename.old_dir;
	case GOFER_FSYNC:
		return q->fsync.handle;
	case GOFER_FALLOCATE:
		return q->fallocate.handle;
	case GOFER_GETXATTR:
	case GOFER_LISTXATTR:
		return q->getxattr.handle;
	case GOFER_SETXATTR:
	case GOFER_REMOVEXATTR:
		return q->setxattr.handle;
	default:
		return q->node.handle;
	}
}

static int op_hello(struct server *s, const struct gofer_request *q, struct answer *a)
{
	if (q->hello.version != GOFER_VERSION || q->hello.max_size < GOFER_MSG_MAX)
		return -EPROTONOSUPPORT;
	a->reply.hello.version = GOFER_VERSION;
	a->reply.hello.flags = (s->ro ? GOFER_SERVER_RO : 0) | (s->privileged ? GOFER_SERVER_PRIVILEGED : 0);
	a->reply.hello.max_size = GOFER_MSG_MAX;
	a->reply.hello.max_handles = s->node_limit;
	return 0;
}

static int op_attach(struct server *s, struct answer *a)
{
	int err = attr_get(s->root_fd, "", &a->reply.node.attr);
	int fd;

	if (err)
		return err;
	fd = node_reopen(s, s->root_fd, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd;
	a->reply.node.handle = node_add(s, fd, a->reply.node.attr.mode);
	return a->reply.node.handle ? 0 : -errno;
}

static int on_node(struct server *s, const struct gofer_request *q, struct answer *a)
{
	struct node *node = node_at(s, subject(q));

	if (!node)
		return -EBADF;
	switch ((enum gofer_op)q->op) {
	case GOFER_WALK:
		return op_walk(s, node, q, a);
	case GOFER_GETATTR:
		return op_getattr(s, node, a);
	case GOFER_SETATTR:
		return op_setattr(s, node, q, a);
	case GOFER_OPEN:
		return op_open(s, node, q, a);
	case GOFER_CREATE:
		return op_create(s, node, q, a);
	case GOFER_LINK:
		return op_link(s, node, q);
	case GOFER_READDIR:
		return op_readdir(s, node, q, a);
	case GOFER_READLINK:
		return op_readlink(s, node, a);
	case GOFER_UNLINK:
		return op_unlink(s, node, q);
	case GOFER_RENAME:
		return op_rename(s, node, q);
	case GOFER_STATFS:
		return op_statfs(s, node, a);
	case GOFER_FSYNC:
		return op_fsync(s, node, q);
	case GOFER_FALLOCATE:
		return op_fallocate(s, node, q);
	case GOFER_GETXATTR:
	case GOFER_LISTXATTR:
		return op_getxattr(s, node, q, a);
	case GOFER_SETXATTR:
	case GOFER_REMOVEXATTR:
		return op_setxattr(s, node, q);
	case GOFER_HELLO:
	case GOFER_ATTACH:
	case GOFER_CLUNK:
	case GOFER_CLONE:
	case GOFER_OP_END:
		break;
	}
	return -ENOSYS;
}

static int dispatch(struct server *s, const struct gofer_request *q, struct answer *a)
{
	if (s->ro && changes(q))
		return -EROFS;
	switch (q->op) {
	case GOFER_HELLO:
		return op_hello(s, q, a);
	case GOFER_ATTACH:
		return op_attach(s, a);
	case GOFER_CLONE:
		return op_clone(s, a);
	case GOFER_CLUNK:
		for (uint32_t i = 0; i < q->clunk.count; i++)
			node_drop(s, gofer_clunk_at(q, i));
		return 0;
	default:
		return on_node(s, q, a);
	}
}

int server_answer(struct server *s, const void *msg, size_t size, int fd_count, void *out, int *fd,
		  int *next_sock)
{
	struct gofer_request q;
	struct answer a = {.fd = -1, .next_sock = -1};
	int32_t status;
	int n;

	*fd = *next_sock = -1;
	if (gofer_peek(msg, size, &a.reply.tag, &a.reply.op, &status))
		return -EPROTO;
	if (fd_count || gofer_request_decode(msg, size, &q))
		a.reply.status = -EPROTO;
	else
		a.reply.status = dispatch(s, &q, &a);
	if (a.reply.tag == 0)
		return 0;
	n = gofer_reply_encode(&a.reply, out, GOFER_MSG_MAX);
	if (n < 0) { /* cannot happen with lists of GOFER_LIST_ROOM; an error is better than silence */
		a.reply.status = -EIO;
		n = gofer_reply_encode(&a.reply, out, GOFER_MSG_MAX);
	}
	if (a.reply.status && a.fd >= 0) {
		close(a.fd);
		a.fd = -1;
	}
	*fd = a.fd;
	*next_sock = a.next_sock;
	return n;
}

/* CLONE, in the child: from here on another process with another peer. */
static void become_clone(struct server *s, int sock)
{
	close(s->sock);
	s->sock = sock;
	if (s->dir.fd >= 0) /* its offset is shared with the parent */
		close(s->dir.fd);
	s->dir.fd = -1;
}

/* Runs where the client sleeps until we have answered. */
static void follow(struct server *s, uint16_t cpu, const cpu_set_t *all)
{
	cpu_set_t one;

	if (cpu == s->cpu)
		return;
	s->cpu = cpu;
	CPU_ZERO(&one);
	if (cpu && cpu <= CPU_SETSIZE && CPU_ISSET(cpu - 1, all))
		CPU_SET(cpu - 1, &one);
	else
		one = *all;
	(void)sched_setaffinity(0, sizeof(one), &one); /* it was a hint */
}

int server_run(struct server *s)
{
	cpu_set_t all;
	unsigned char *in = malloc(GOFER_MSG_MAX), *out = malloc(GOFER_MSG_MAX);
	int fds[GOFER_FDS_MAX], fd_count, fd, next_sock, err, n;

	if (!in || !out) {
		free(in);
		free(out);
		return -ENOMEM;
	}
	memset(&all, 0xff, sizeof(all)); /* the kernel takes those that are there and allowed */
	for (;;) {
		err = n = gofer_recv(s->sock, in, GOFER_MSG_MAX, fds, &fd_count, 0);
		if (n <= 0)
			break;
		for (int i = 0; i < fd_count; i++)
			close(fds[i]);
		if ((size_t)n >= GOFER_HEADER_SIZE)
			follow(s, gofer_get_cpu(in), &all);
		err = n = server_answer(s, in, (size_t)n, fd_count, out, &fd, &next_sock);
		if (n < 0)
			break;
		if (next_sock >= 0) {
			become_clone(s, next_sock);
			continue;
		}
		err = n ? gofer_send(s->sock, out, (size_t)n, fd, 0) : 0;
		if (fd >= 0)
			close(fd);
		if (err)
			break;
	}
	free(in);
	free(out);
	return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

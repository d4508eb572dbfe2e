/*
 * unix_priv.h - a unix socket (unix(7)) and its queue.
 *
 * An endpoint is counted: by its file, by the peer that points at it, and by the queue of a listener that has
 * not handed it out yet. `open` says that its file is still there. What somebody sends lies in the receiver's
 * queue, at most rcvbuf bytes (one message always fits).
 */
#ifndef WARREN_SOCKET_UNIX_PRIV_H
#define WARREN_SOCKET_UNIX_PRIV_H

#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/socket.h"

struct unix_packet {
	struct list_head node;
	char *data;
	u32 size, off, capacity;
	struct socket_control control;
	struct sockaddr_k from; /* datagrams */
};

enum unix_state { UNIX_OPEN, UNIX_LISTENING, UNIX_CONNECTED, UNIX_DISCONNECTED };

struct unix_endpoint {
	struct socket sock;
	struct object obj;
	bool open;
	enum unix_state state;
	struct unix_endpoint *peer; /* counted; datagrams: the connected target */
	struct sockaddr_k addr;     /* bound name, len 0: none */
	struct path path;           /* of a bound path: keeps the inode */
	struct list_head abstract_node;
	struct list_head packets;
	u32 queued;               /* bytes in packets */
	struct list_head backlog; /* of a listener: endpoints, by backlog_node */
	struct list_head backlog_node;
	u32 backlog_count, backlog_max;
	struct wait_queue wait; /* for everything that changes here */
	bool shut_read, shut_write;
	bool peer_gone; /* was connected, and the other end was closed */
	/* who was there at connect, listen or socketpair: SO_PEERCRED */
	struct pid *cred_pid;
	u32 cred_uid, cred_gid;
};

struct socket_state {
	struct list_head abstract; /* bound to abstract names */
	u32 next_auto;
};

static inline struct unix_endpoint *unix_of(struct socket *s)
{
	return container_of(s, struct unix_endpoint, sock);
}

static inline struct unix_endpoint *unix_get(struct unix_endpoint *e)
{
	object_get(&e->obj);
	return e;
}

static inline void unix_put(struct unix_endpoint *e)
{
	if (e)
		object_put(&e->obj);
}

static inline bool unix_is_stream(const struct unix_endpoint *e)
{
	return e->sock.type == LINUX_SOCK_STREAM;
}

struct unix_endpoint *unix_new(int type) must_check;
void unix_set_cred(struct unix_endpoint *e);
/* unix_name.c */
int unix_bind(struct socket *s, const struct sockaddr_k *addr);
int unix_autobind(struct unix_endpoint *e) must_check;
int unix_name(struct socket *s, bool peer, struct sockaddr_k *out);
/* The endpoint bound to a name; counted. -ECONNREFUSED, -ENOENT… */
int unix_find(const struct sockaddr_k *addr, int type, struct unix_endpoint **out) must_check;
void unix_unbind(struct unix_endpoint *e);
/* unix_data.c */
s64 unix_send(struct socket *s, struct socket_msg *m, bool nonblock);
s64 unix_receive(struct socket *s, struct socket_msg *m, bool nonblock);
void unix_packet_free(struct unix_packet *p);
u32 unix_poll(struct socket *s, struct poll_table *pt);

#endif

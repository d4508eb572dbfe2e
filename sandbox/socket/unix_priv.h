/*
 * unix_priv.h - a unix socket (unix(7)) and its queue.
 *
 * An endpoint is counted: by its file, by the peer that points at it, by the queue of a listener that has not
 * handed it out yet, and by each packet it has sent that nobody has received. `open` says that its file is
 * still there; a peer that was closed is still pointed at, for its name. What somebody sends lies in the
 * receiver's queue and counts in the sender's SO_SNDBUF; the queue of a datagram socket has a length, too,
 * for all but its own peer.
 */
#ifndef WARREN_SOCKET_UNIX_PRIV_H
#define WARREN_SOCKET_UNIX_PRIV_H

#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/socket.h"

#define UNIX_DGRAM_QUEUE 10U /* net.unix.max_dgram_qlen */

struct unix_endpoint;
struct user;

struct unix_packet {
	struct list_head node;
	struct unix_endpoint *sender; /* counted; `charge` counts in its sndbuf */
	u32 charge;
	char *data;
	u32 size, off, capacity;
	struct socket_control control;
	struct user *user; /* counted: of the sender, for control.files in flight */
	u32 in_flight;
	struct sockaddr_k from;
};

enum unix_state { UNIX_OPEN, UNIX_LISTENING, UNIX_CONNECTED, UNIX_DISCONNECTED };
enum unix_gc_state { GC_NONE, GC_CANDIDATE, GC_LIVE };

/* Who was at the other end at connect, listen or socketpair: SO_PEERCRED. Both counted or NULL. */
struct unix_ident {
	struct pid *pid;
	struct cred *cred;
};

struct unix_endpoint {
	struct socket sock;
	struct object obj;
	struct list_head all_node; /* in socket_state.all */
	bool open;
	enum unix_state state;
	struct unix_endpoint *peer; /* counted; datagrams: the connected target */
	struct list_head clients;   /* datagram sockets connected to us, by client_node */
	struct list_head client_node;
	struct sockaddr_k addr; /* bound name, len 0: none */
	struct path path;       /* of a bound path: keeps the inode */
	struct list_head abstract_node;
	struct list_head packets;
	u32 queued, packet_count; /* bytes and packets in it */
	u32 sent;                 /* of sndbuf, not received yet */
	struct list_head backlog; /* of a listener: endpoints, by backlog_node */
	struct list_head backlog_node;
	u32 backlog_count, backlog_max;
	struct wait_queue wait; /* for everything that changes here */
	bool shut_read, shut_write;
	struct unix_ident peer_ident;
	/* unix_gc.c: how often our file lies in queues */
	u32 in_flight, gc_refs;
	struct list_head in_flight_node, gc_node;
	enum unix_gc_state gc_state;
};

struct socket_state {
	struct list_head abstract; /* bound to abstract names */
	struct list_head all;      /* endpoints, for proc and sock_diag */
	u32 next_auto;
	struct list_head in_flight; /* endpoints whose files lie in queues */
	bool collecting;
	struct list_head to_close; /* endpoints by gc_node: closed while another is */
	bool closing;
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
/* The endpoint of a unix socket's file; NULL for any other file. */
struct unix_endpoint *unix_of_file(const struct file *f);
/* A datagram socket is not connected any more. */
void unix_disconnect(struct unix_endpoint *e);
/* unix_name.c */
struct socket_state *unix_sockets(void); /* NULL without memory */
int unix_bind(struct socket *s, const struct sockaddr_k *addr);
int unix_autobind(struct unix_endpoint *e) must_check;
int unix_name(struct socket *s, bool peer, struct sockaddr_k *out);
/* The endpoint bound to a name; counted. -ECONNREFUSED, -ENOENT… */
int unix_find(const struct sockaddr_k *addr, int type, struct unix_endpoint **out) must_check;
void unix_unbind(struct unix_endpoint *e);
/* unix_send.c */
s64 unix_send(struct socket *s, struct socket_msg *m, bool nonblock);
/* Has a datagram socket that is not e's own peer as much as it may have? */
bool unix_queue_full(const struct unix_endpoint *e, const struct unix_endpoint *to);
/* unix_receive.c */
s64 unix_receive(struct socket *s, struct socket_msg *m, bool nonblock);
void unix_packet_free(struct unix_packet *p);
u32 unix_poll(struct socket *s, struct poll_table *pt);
/* unix_gc.c */
/* The packet's descriptors are on their way from here on. -ETOOMANYREFS. */
int unix_take_off(struct unix_packet *p) must_check;
/* They have arrived, or are dropped. */
void unix_land(struct unix_packet *p);
/* Frees what only queues that nobody can reach still hold. */
void unix_collect(void);

#endif

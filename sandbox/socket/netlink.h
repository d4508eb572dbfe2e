/*
 * netlink.h - AF_NETLINK sockets (netlink(7)): requests to the kernel, answered at once into the socket's own
 * queue.
 *
 * send() takes a message apart and has each request carried out; answers, acknowledgements and notifications
 * lie in the queue as datagrams of whole messages. A dump is made in one go when it is asked for, so it shows
 * one state; its size is bounded by what there is to show.
 */
#ifndef WARREN_SOCKET_NETLINK_H
#define WARREN_SOCKET_NETLINK_H

#include "sandbox/abi/netlink.h"
#include "sandbox/socket/net_ns.h"
#include "sandbox/socket/socket.h"

struct netlink_packet {
	struct list_head node;
	u32 size, group; /* group: 0 for an answer, else whose notification */
	bool dump;
	u8 data[];
};

struct netlink_sock {
	struct socket sock;
	struct list_head node; /* in net_state.netlink_socks */
	struct net_ns *net;    /* counted */
	u32 portid;            /* 0: not bound */
	u32 dst_portid, dst_groups;
	u64 groups;
	struct list_head queue; /* struct netlink_packet */
	u32 queued;
	bool pktinfo, broadcast_error, no_enobufs, cap_ack, ext_ack, strict;
	struct wait_queue wait;
};

static inline struct netlink_sock *netlink_of(struct socket *s)
{
	return container_of(s, struct netlink_sock, sock);
}

/* ---- building messages: netlink_msg.c ---- */
struct nl_buf {
	u8 *data;
	u32 size, capacity;
	u32 message;  /* where the one in work begins */
	bool failed;  /* without memory */
	u8 spare[64]; /* what nl_begin() gives then: written to, never read */
};
/* Begins a message with `n` bytes of its own header, cleared; they stay valid until the next call. */
void *nl_begin(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, u32 n);
void nl_end(struct nl_buf *b);
void nl_put(struct nl_buf *b, u16 type, const void *data, size_t size);
/* Bytes that are no attribute. */
void nl_raw(struct nl_buf *b, const void *data, size_t size);
void nl_put_u8(struct nl_buf *b, u16 type, u8 v);
void nl_put_u32(struct nl_buf *b, u16 type, u32 v);
void nl_put_str(struct nl_buf *b, u16 type, const char *s);
/* An attribute that holds others; give nl_nest_end() what it returned. */
u32 nl_nest(struct nl_buf *b, u16 type);
void nl_nest_end(struct nl_buf *b, u32 at);
void nl_free(struct nl_buf *b);

/* A request, as far as it has been looked at. */
struct nl_request {
	struct netlink_sock *from;
	struct linux_nlmsghdr h;
	const u8 *body; /* after the header */
	u32 size;
	struct nl_buf *out; /* answers */
	bool dump;
};
/* The family's own header, cleared where the sender's is shorter; false if it is shorter than `least`. */
bool nl_header(const struct nl_request *r, void *out, u32 size, u32 least) must_check;
/* The attribute of that type after a family header of `header` bytes, or NULL. */
const void *nl_attr(const struct nl_request *r, u32 header, u16 type, u32 *size) must_check;
/* The same, with at least `least` bytes copied out; false if it is not there. -EINVAL never: a short one
 * counts as absent. */
bool nl_attr_copy(const struct nl_request *r, u32 header, u16 type, void *out, u32 least);
/* The attributes within one that nests. */
const void *nl_nested(const void *nest, u32 nest_size, u16 type, u32 *size) must_check;

/* ---- what is asked for ---- */
/* 0, or -errno for the acknowledgement. */
int rtnl_request(struct nl_request *r) must_check;
int rtnl_link(struct nl_request *r) must_check;
int rtnl_addr(struct nl_request *r) must_check;
int rtnl_route(struct nl_request *r) must_check;
int rtnl_neigh(struct nl_request *r) must_check;
int rtnl_rule(struct nl_request *r) must_check;
int diag_request(struct nl_request *r) must_check;

/* One object, for answers and notifications. */
struct netif;
struct net_ifaddr;
struct net_route;
void rtnl_put_link(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, const struct netif *nif);
void rtnl_put_addr(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, const struct net_ifaddr *a);
void rtnl_put_route(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, const struct net_route *r);

struct net_rule;
void rtnl_put_rule(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, struct netstack *ns,
		   const struct net_rule *rule);

/* Has the namespace's stack tell listeners of changes. */
void rtnl_listen(struct net_state *st);
/* Sends b's message to who has joined the group. */
void netlink_notify(struct net_state *st, u32 group, struct nl_buf *b);

#endif

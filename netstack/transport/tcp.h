/*
 * tcp.h - TCP sockets, for the stack's users.
 *
 * All calls return at once: -EAGAIN, and the event says when to come again. Errors of the connection are told
 * once by the next call, as by Linux.
 */
#ifndef WARREN_NETSTACK_TCP_H
#define WARREN_NETSTACK_TCP_H

#include "netstack/transport/sock.h"

enum tcp_state {
	TCPS_ESTABLISHED = 1,
	TCPS_SYN_SENT,
	TCPS_SYN_RECV,
	TCPS_FIN_WAIT1,
	TCPS_FIN_WAIT2,
	TCPS_TIME_WAIT,
	TCPS_CLOSE,
	TCPS_CLOSE_WAIT,
	TCPS_LAST_ACK,
	TCPS_LISTEN,
	TCPS_CLOSING
};

int tcp_new(struct netstack *ns, bool v6, struct net_sock **out) must_check;
/* -EINPROGRESS as a rule; -EALREADY, -EISCONN, 0 once connected by a second call. */
int tcp_connect(struct net_sock *sk, const struct ip_addr *addr, u32 port) must_check;
/* connect(AF_UNSPEC) */
int tcp_disconnect(struct net_sock *sk) must_check;
int tcp_listen(struct net_sock *sk, int backlog) must_check;
int tcp_accept(struct net_sock *sk, struct net_sock **out) must_check;
enum { TCP_SEND_MORE = 1, TCP_SEND_OOB = 2 };
/* Queues what fits: bytes, -EAGAIN, -EPIPE, -ENOTCONN or the connection's error. */
s64 tcp_send(struct net_sock *sk, struct net_iter *it, u32 flags) must_check;
/* What is there: bytes, 0 at the end, -EAGAIN, -ENOTCONN or the error. With peek, from `peek_off` on. */
s64 tcp_receive(struct net_sock *sk, struct net_iter *it, bool peek, u32 peek_off) must_check;
/* Drops bytes instead of copying them (MSG_TRUNC). */
s64 tcp_discard(struct net_sock *sk, size_t n) must_check;
/* The urgent byte. */
int tcp_receive_oob(struct net_sock *sk, bool peek, u8 *out) must_check;
bool tcp_at_mark(const struct net_sock *sk);
int tcp_shutdown(struct net_sock *sk, bool read, bool write) must_check;
/* Gives the socket up. linger 0 or more: SO_LINGER; with 0 the connection is reset. */
void tcp_close(struct net_sock *sk, bool reset);
/* All that was sent is acknowledged: SO_LINGER waits for it. */
bool tcp_drained(const struct net_sock *sk);
u32 tcp_poll(struct net_sock *sk);
enum tcp_state tcp_state_of(const struct net_sock *sk);
u32 tcp_inq(const struct net_sock *sk);
/* Moves on with each byte that a user has taken. */
u32 tcp_taken(const struct net_sock *sk);
u32 tcp_outq(const struct net_sock *sk);
u32 tcp_unsent(const struct net_sock *sk);
/* Sizes as getsockopt tells them, i. e. twice what the user asked for; from then on they do not grow by
 * themselves. */
void tcp_set_rcvbuf(struct net_sock *sk, u32 size);
void tcp_set_sndbuf(struct net_sock *sk, u32 size);
void tcp_set_keepalive(struct net_sock *sk, bool on);
void tcp_set_lowat(struct net_sock *sk, u32 n);
void tcp_set_oobinline(struct net_sock *sk, bool on);
/* TCP_INQ: recvmsg tells what is left in the queue. */
bool tcp_wants_inq(const struct net_sock *sk);
/* Level IPPROTO_TCP, by Linux's numbers. */
s64 tcp_getsockopt(struct net_sock *sk, int name, void *value, size_t size) must_check;
int tcp_setsockopt(struct net_sock *sk, int name, const void *value, size_t size) must_check;

/* For /proc/net/tcp: one line's worth. */
struct tcp_line {
	u8 state, timer, retransmits;
	u32 tx_queue, rx_queue, timeout_probes, cwnd, ssthresh;
	u64 timer_left_ns, rto_ns, ato_ns;
	void *owner;
	u32 backlog, backlog_max;
};
void tcp_line(const struct net_ep *ep, struct tcp_line *out);

#endif

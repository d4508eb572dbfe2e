/*
 * tcp_fixture.h - TCP's tests, packet for packet: one instance on the wire, and the test speaks for the peer.
 *
 * Segments are written as text:
 *
 *     FLAGS START:END(SIZE) [ack N] [win N] [urg N] [<OPTION, ...>] [ect0|ce]
 *
 * FLAGS are letters of SFRPUEC and '.' for ACK ("S.", "F.", "P."). Sequence numbers count from the initial
 * one of each side, so the first byte of data is 1. Options: "mss N", "wscale N", "sackOK", "ts V E", "sack
 * A:B C:D", "none".
 *
 * in() sends such a segment to the instance; windows are the field on the wire. Once timestamps are on
 * (t->ts), they are added to all that do not name them, with the present time and an echo of the last
 * received. out() takes the next segment that was sent and compares: PSH only if the text has a P, window and
 * options only if the text names them (in "ts" a * fits all).
 */
#ifndef WARREN_TESTS_NETSTACK_TCP_FIXTURE_H
#define WARREN_TESTS_NETSTACK_TCP_FIXTURE_H

#include "netstack/transport/tcp_info.h"
#include "netstack/transport/tcp_priv.h"
#include "tests/unit/netstack/fixture.h"

#define PEER_ISN 0x10203040U

struct tseg {
	u32 seq, end, ack, win, urg, size;
	u8 flags, tos;
	bool ack_given, win_given, opts_given, tos_given, psh_given, ts_given, any_val, any_ecr;
	int mss, wscale; /* -1: none */
	bool sack_ok, ts;
	u32 tsval, tsecr, sack_count;
	struct tcp_range sacks[4];
	u64 at;
	const u8 *data;
};

struct tt {
	struct world w;
	u16 port, peer_port; /* ours and the peer's */
	bool v6, ts;
	u32 isn, peer_isn; /* ours, once seen */
	bool isn_known;
	u32 peer_ts; /* added to the time in ms in our timestamps */
	u32 last_tsval;
	struct net_sock *listener, *s; /* s: the connection under test */
	u32 events;
	u64 put, got;  /* bytes of the pattern sent and received by the socket */
	u64 in_stream; /* where the peer's pattern stands */
};

/* The world with known peer; the MTU is 1500. */
void tt_init(struct tt *t);
void tt_init_with(struct tt *t, u32 mtu, u32 features);
/* Closes what is left, and lets all timers of closed connections end. */
void tt_end(struct tt *t);

void in(struct tt *t, const char *text);
void out(struct tt *t, const char *text);
/* Like out(), and it must have been sent `ms` (give or take `slack`) after `from`. */
void out_after(struct tt *t, const char *text, u64 from, u64 ms, u64 slack);
/* Takes the next segment, for closer looks. */
struct tseg take(struct tt *t);
bool take_any(struct tt *t, struct tseg *s);
/* Nothing was sent. */
void quiet(struct tt *t);
/* Drops what was sent. */
void skip(struct tt *t);
void wait_ms(struct tt *t, u64 ms);
/* Takes all segments that were sent; how many. */
u32 drain(struct tt *t);

/* ---- sockets ---- */
struct net_sock *tt_listen(struct tt *t, int backlog);
struct net_sock *tt_socket(struct tt *t);
/* connect() to the peer's port 80; the SYN is left to be taken. */
void tt_connect(struct tt *t);
/* A whole handshake; `options` of the peer's SYN, e. g. "mss 1460, sackOK, wscale 7". t->s is the socket. */
void tt_passive(struct tt *t, const char *options, u32 win);
void tt_active(struct tt *t, const char *options, u32 win);
struct net_sock *tt_accept(struct tt *t);
struct tcp_sock *tt_tp(struct tt *t);
/* Sends n bytes of the pattern on t->s; what was taken. */
s64 put(struct tt *t, u32 n);
s64 put_flags(struct tt *t, u32 n, u32 flags);
/* Reads up to n bytes, which must be the pattern's; what came. */
s64 get(struct tt *t, u32 n);
/* An iterator that fills b. */
void tt_iter(struct mem_iter *m, void *b, size_t n);
#define expect_put(t, n)    ck_assert_int_eq(put((t), (n)), (s64)(n))
#define expect_get(t, n)    ck_assert_int_eq(get((t), (n)), (s64)(n))
#define expect_state(t, st) ck_assert_int_eq(tt_tp(t)->state, (st))
void set_opt(struct net_sock *sk, int name, int value);
int get_opt(struct net_sock *sk, int name);
struct tcp_info_linux get_info(struct net_sock *sk);
void pattern_fill(u8 *b, u64 at, u32 n);
bool pattern_is(const u8 *b, u64 at, u32 n);
u64 mib_of(struct netstack *ns, enum net_mib which);

/* A passive connection with these options whose round-trip time is known to be 100 ms. */
void open_rtt(struct tt *t, const char *options);
/* Writes n segments of 1000 bytes, which go out at once. */
void send_n(struct tt *t, u32 n);

/* Suites. */
TCase *case_tcp_open(void);
TCase *case_tcp_close(void);
TCase *case_tcp_reset(void);
TCase *case_tcp_send(void);
TCase *case_tcp_loss(void);
TCase *case_tcp_undo(void);
TCase *case_tcp_receive(void);
TCase *case_tcp_early(void);
TCase *case_tcp_impair(void);
TCase *case_tcp_listen(void);
TCase *case_tcp_options(void);
TCase *case_tcp_scale(void);
TCase *case_tcp_transfer(void);

#endif

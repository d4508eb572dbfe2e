/*
 * fixture.h - what the netstack's tests stand on: a fake clock, memory that is counted, instances on a cable
 * in memory, and one instance on a "wire" whose frames the test writes and reads byte by byte.
 *
 * Each test makes a struct world, and world_end() checks that nothing is left: no memory, no packets.
 */
#ifndef WARREN_TESTS_NETSTACK_FIXTURE_H
#define WARREN_TESTS_NETSTACK_FIXTURE_H

#include <check.h>

#include "netstack/link/memlink.h"
#include "netstack/stack/stack_priv.h"
#include "netstack/transport/sock.h"

#define MS         1000000ULL
#define FRAMES_MAX 256

struct frame {
	u32 size;
	u64 at;
	u8 bytes[2048];
};

struct world {
	u64 now;
	u64 seed;
	u64 blocks;     /* allocations that live */
	u64 bytes;      /* in them, as malloc counts */
	s64 fail_after; /* the n-th allocation from now fails, and all after it; -1: none */
	struct memlink cable;
	struct netstack *a, *b;
	struct netif *an, *bn;
	/* the wire: an instance of its own and what it sent */
	struct netstack *w;
	struct netif *wn;
	struct frame *sent;
	u32 sent_count, taken;
	u64 deadline[3]; /* told by a, b, w */
};

/* Only the clock and the memory. */
void world_init(struct world *w);
/* Two instances, 10.0.0.1 and 10.0.0.2 (/24), fd00::1 and fd00::2 (/64, without duplicate detection). */
void world_pair(struct world *w);
void world_pair_with(struct world *w, u32 mtu, u32 features);
/* One instance on the wire: 10.0.0.1/24, fd00::1/64, 02:00:00:00:00:01; nothing of its coming up is left in
 * `sent`. */
void world_wire(struct world *w);
void world_wire_with(struct world *w, u32 mtu, u32 features);
/* Frees all, checks that nothing is left. */
void world_end(struct world *w);
struct netstack *world_stack(struct world *w, int which);

/* Lets time pass, running timers and the cable in order. */
void run_for(struct world *w, u64 ns);
/* Runs what is due now. */
void settle(struct world *w);

/* ---- the wire ---- */
/* Hands a frame (from its Ethernet header on) to the instance. */
void wire_in(struct world *w, const void *frame, u32 size);
/* The next frame sent, or NULL. */
const struct frame *wire_out(struct world *w);
/* The next frame sent, which must be there; and none must be. */
const struct frame *wire_must(struct world *w);
void wire_quiet(struct world *w);
/* Drops what was sent so far. */
void wire_skip(struct world *w);

/* Frames for wire_in(), built in a buffer: each adds to the end and returns what it added. */
struct build {
	u32 size, net, l4;
	bool v6;
	u8 b[70000];
};
extern const u8 mac_us[6], mac_peer[6], mac_all[6];
void b_eth(struct build *f, const u8 dst[6], const u8 src[6], u32 type);
u8 *b_add(struct build *f, const void *bytes, u32 size);
/* An IPv4 header (checksum and length are filled in by b_finish). */
u8 *b_ip4(struct build *f, u32 src, u32 dst, u32 proto);
u8 *b_ip6(struct build *f, const char *src, const char *dst, u32 next);
/* A UDP header and payload. */
u8 *b_udp(struct build *f, u32 sport, u32 dport, const void *data, u32 size);
/* Fills in lengths and checksums of IP, UDP, ICMP, ICMPv6 where the protocol is known. */
void b_finish(struct build *f);
void b_send(struct world *w, struct build *f);
/* Whole frames from the peer (10.0.0.2, fd00::2) to us. */
void send_udp4(struct world *w, u32 sport, u32 dport, const void *data, u32 size);
void send_udp6(struct world *w, u32 sport, u32 dport, const void *data, u32 size);
/* Makes the peer known without asking. */
void know_peer(struct world *w);

/* ---- sockets ---- */
struct ip_addr a4(const char *text);
struct ip_addr a6(const char *text);
#define IP_A 0x0a000001U
#define IP_B 0x0a000002U
struct net_sock *udp_bound(struct netstack *ns, struct ip_addr addr, u32 port);
struct net_sock *udp_open(struct netstack *ns, bool v6);
s64 udp_put(struct net_sock *sk, const struct ip_addr *dst, u32 port, const void *data, size_t size);
struct mem_iter {
	struct net_iter it;
	u8 *at;
};
void mem_in(struct mem_iter *m, const void *from, size_t size);
struct dgram_msg msg_to(struct mem_iter *m, const struct ip_addr *dst, u32 port);
/* The next datagram's bytes (size or negative errno); `from` and `port` may be NULL. */
s64 dgram_get(struct net_sock *sk, void *buf, size_t size, struct ip_addr *from, u16 *port);
#define expect_datagram(sk, text)                                                                            \
	do {                                                                                                 \
		char buf_[2048];                                                                             \
		s64 n_ = dgram_get((sk), buf_, sizeof(buf_), NULL, NULL);                                    \
		ck_assert_int_eq(n_, (s64)strlen(text));                                                     \
		ck_assert_mem_eq(buf_, (text), strlen(text));                                                \
	} while (0)
#define expect_nothing(sk) ck_assert_int_eq(dgram_get((sk), NULL, 0, NULL, NULL), -EAGAIN)

/* Suites. */
TCase *case_basic(void);
TCase *case_wire(void);
TCase *case_base(void);
TCase *case_neigh(void);
TCase *case_ndp(void);
TCase *case_ipv4(void);
TCase *case_ipv4_frag(void);
TCase *case_ipv6(void);
TCase *case_icmp(void);
TCase *case_udp(void);
TCase *case_udp_queue(void);
TCase *case_udp_send(void);
TCase *case_raw(void);
TCase *case_mcast(void);
TCase *case_route(void);
TCase *case_gro(void);
TCase *case_tap(void);
TCase *case_pcap(void);
TCase *case_edges(void);
TCase *case_nf(void);
TCase *case_nf_tables(void);
TCase *case_nf_conn(void);

#endif

/*
 * tcp_info.h - TCP's option numbers, and struct tcp_info as Linux 6.7 and later lay it out
 * (include/uapi/linux/tcp.h). Times in it are microseconds or, where the name begins with "last",
 * milliseconds; counts of segments, not bytes.
 */
#ifndef WARREN_NETSTACK_TCP_INFO_H
#define WARREN_NETSTACK_TCP_INFO_H

#include "sandbox/base/types.h"

enum tcp_sockopt {
	TCPO_NODELAY = 1,
	TCPO_MAXSEG = 2,
	TCPO_CORK = 3,
	TCPO_KEEPIDLE = 4,
	TCPO_KEEPINTVL = 5,
	TCPO_KEEPCNT = 6,
	TCPO_SYNCNT = 7,
	TCPO_LINGER2 = 8,
	TCPO_DEFER_ACCEPT = 9,
	TCPO_WINDOW_CLAMP = 10,
	TCPO_INFO = 11,
	TCPO_QUICKACK = 12,
	TCPO_CONGESTION = 13,
	TCPO_MD5SIG = 14,
	TCPO_THIN_LINEAR_TIMEOUTS = 16,
	TCPO_THIN_DUPACK = 17,
	TCPO_USER_TIMEOUT = 18,
	TCPO_REPAIR = 19,
	TCPO_FASTOPEN = 23,
	TCPO_TIMESTAMP = 24,
	TCPO_NOTSENT_LOWAT = 25,
	TCPO_CC_INFO = 26,
	TCPO_FASTOPEN_CONNECT = 30,
	TCPO_ULP = 31,
	TCPO_INQ = 36
};

enum {
	TCPI_OPT_TIMESTAMPS = 1,
	TCPI_OPT_SACK = 2,
	TCPI_OPT_WSCALE = 4,
	TCPI_OPT_ECN = 8,
	TCPI_OPT_ECN_SEEN = 16
};

struct tcp_info_linux {
	u8 state, ca_state, retransmits, probes, backoff, options;
	u8 wscales; /* ours to them in the low four bits, theirs in the high four */
	u8 app_limited;
	u32 rto, ato, snd_mss, rcv_mss;
	u32 unacked, sacked, lost, retrans, fackets;
	u32 last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	u32 pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	u32 rcv_rtt, rcv_space, total_retrans;
	u64 pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	u32 segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	u64 delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	u32 delivered, delivered_ce;
	u64 bytes_sent, bytes_retrans;
	u32 dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
	u16 total_rto, total_rto_recoveries;
	u32 total_rto_time;
};
static_assert(offsetof(struct tcp_info_linux, pacing_rate) == 104, "tcp_info");
static_assert(offsetof(struct tcp_info_linux, delivery_rate) == 160, "tcp_info");
static_assert(sizeof(struct tcp_info_linux) == 248, "tcp_info");

struct tcp_sock;
void tcp_info_fill(const struct tcp_sock *tp, struct tcp_info_linux *i);

#endif

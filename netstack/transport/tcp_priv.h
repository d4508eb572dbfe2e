/*
 * tcp_priv.h - a TCP connection as its own parts see it.
 *
 * Units: sequence numbers and windows are bytes, so is cwnd; times are ns on the monotonic clock. The send
 * queue begins at snd_una. What was sent and not yet acknowledged is described by a list of struct tcp_seg in
 * order of sequence numbers; a segment may be up to 64 KiB (cut below), and is split where a SACK block or a
 * retransmission needs it. Bytes are counted by state: sacked, lost (deemed), retrans (sent again); the pipe
 * is what is left.
 */
#ifndef WARREN_NETSTACK_TCP_PRIV_H
#define WARREN_NETSTACK_TCP_PRIV_H

#include "netstack/transport/datq.h"
#include "netstack/transport/tcp.h"

#define MS               1000000ULL
#define TCP_RTO_MIN      (200 * MS)
#define TCP_RTO_MAX      (120 * NSEC_PER_SEC)
#define TCP_RTO_INIT     NSEC_PER_SEC
#define TCP_DELACK_MIN   (40 * MS)
#define TCP_DELACK_MAX   (200 * MS)
#define TCP_TIME_WAIT_NS (60 * NSEC_PER_SEC)
#define TCP_INIT_CWND    10U
#define TCP_MSS_DEFAULT  536U
#define TCP_MSS_MIN      48U
#define TCP_SACKS        4U
#define TCP_WINDOW_MAX   (1U << 30)
#define TCP_INFINITE     0x7fffffffU
#define TCP_PAWS_24DAYS  (24ULL * 24 * 3600 * NSEC_PER_SEC)

static inline bool seq_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}
static inline bool seq_after(u32 a, u32 b)
{
	return (s32)(b - a) < 0;
}

struct tcp_range {
	u32 start, end;
};

struct tcp_opts {
	bool mss_ok, wscale_ok, sack_ok, ts_ok;
	u16 mss;
	u8 wscale, sack_count;
	u32 tsval, tsecr;
	struct tcp_range sacks[TCP_SACKS];
};

/* A received segment. */
struct tcp_in {
	struct pkt *p;
	u32 seq, end, ack, window, size; /* end counts SYN and FIN */
	u32 data_off;                    /* where the payload begins in p */
	u8 flags;
	bool ce; /* congestion experienced */
	u16 urg;
	struct tcp_opts o;
};

enum {
	SEG_SACKED = 1,
	SEG_LOST = 2,
	SEG_RETRANS = 4,
	SEG_EVER_RETRANS = 8,
	SEG_FIN = 16,
	SEG_APP_LIMITED = 32
};
struct tcp_seg {
	struct list_head node;
	u32 seq, end;
	u8 flags, tries;
	u64 sent; /* the last transmission */
	/* for the delivery rate: the connection's state when it was sent */
	u64 delivered, delivered_at, first_sent, lost;
	u32 tx_in_flight; /* with itself */
};

/* What sending waits for, for TCP_INFO. */
enum tcp_chrono { CHRONO_NONE, CHRONO_BUSY, CHRONO_RWND, CHRONO_SNDBUF, CHRONO_COUNT };
enum tcp_ca { CA_OPEN, CA_DISORDER, CA_CWR, CA_RECOVERY, CA_LOSS };
/* F-RTO: after the timer fired; new data is on its way, and nothing else is sent until an ACK says more. */
enum tcp_frto { FRTO_OFF, FRTO_WAIT, FRTO_NEW_DATA };
enum tcp_rtx { RTX_NONE, RTX_RTO, RTX_TLP, RTX_RACK, RTX_PROBE };

/* What one ACK told about delivery; bytes and ns. */
struct tcp_rate {
	u64 prior_delivered, prior_at, delivered, interval;
	u64 acked_sacked, losses;
	u64 rtt; /* of this ACK; 0: none */
	u32 prior_pipe;
	u32 tx_in_flight, lost; /* when the newest of them was sent; lost since then */
	bool app_limited, is_retrans, valid;
};

struct tcp_sock;
enum tcp_cc { CC_CUBIC, CC_RENO, CC_BBR, CC_BBR3, CC_COUNT };
enum tcp_cc_event { CC_EVENT_TX_START, CC_EVENT_LOSS, CC_EVENT_RECOVERY, CC_EVENT_OPEN };
struct tcp_cc_ops {
	const char *name;
	void (*init)(struct tcp_sock *tp);
	u32 (*ssthresh)(struct tcp_sock *tp);
	void (*avoid)(struct tcp_sock *tp, u32 acked);
	/* Takes all decisions by itself (BBR); then avoid is not used. */
	void (*control)(struct tcp_sock *tp, const struct tcp_rate *rs);
	/* A segment is deemed lost. */
	void (*lost)(struct tcp_sock *tp, const struct tcp_seg *s);
	u32 (*undo)(struct tcp_sock *tp);
	void (*event)(struct tcp_sock *tp, enum tcp_cc_event ev);
	void (*rtt)(struct tcp_sock *tp, u64 rtt);
};

struct tcp_sock {
	struct net_sock sk;
	u8 state; /* enum tcp_state */
	bool orphan, dead;
	/* ---- sending ---- */
	u32 iss, snd_una, snd_nxt, write_seq, snd_wnd, snd_wl1, max_wnd, snd_sml, pushed_seq;
	u8 snd_wscale, rcv_wscale;
	bool sack_ok, ts_ok, wscale_ok;
	u16 peer_mss;      /* what the peer allows */
	u16 user_mss;      /* TCP_MAXSEG */
	u32 mss, last_mtu; /* payload of a full segment, options counted */
	struct datq sndq;
	bool fin_wanted, fin_sent, nospace;
	struct list_head segs;
	u32 sacked, lost, retrans;
	u32 high_sacked, dupacks;
	u32 snd_up;
	bool urg_send;
	/* ---- round-trip time and retransmission ---- */
	u64 srtt, rttvar, rto, min_rtt, min_rtt_at, last_rtt;
	struct net_timer rtx, delack, keep, pace;
	u8 rtx_kind, backoff, retries, probes;
	u64 rto_since;   /* when the timer began the present recovery */
	u64 first_retry; /* when the present row of retries began; 0: none */
	u64 last_send, last_data_send, last_recv, last_ack_recv;
	/* ---- loss recovery ---- */
	u8 ca;
	u32 recovery_point, cwnd, ssthresh, prior_cwnd, prior_ssthresh, prr_delivered, prr_out, prr_cwnd;
	u32 undo_una, retrans_tsval, cwnd_used;
	s32 undo_retrans;
	bool undo_marked, cwnd_limited;
	u8 frto; /* enum tcp_frto */
	struct {
		u64 sent, rtt;
		u32 end;
		u8 steps, persist;
		bool advanced, dsack, reordering;
		u32 dsack_round;
	} rack;
	u32 tlp_end;
	bool tlp_out, tlp_retrans, no_sack_recovery;
	/* ---- delivery rate and congestion control ---- */
	const struct tcp_cc_ops *cc;
	u64 delivered, delivered_at, first_sent, lost_total, app_limited;
	u64 rate_delivered, rate_interval;
	u64 pacing_rate, max_pacing_rate, pace_next; /* bytes per second */
	bool pacing;
	u64 cc_state[36];
	u8 ecn; /* bits: 1 negotiated, 2 ECE to send, 4 CWR to send */
	/* ---- receiving ---- */
	u32 irs, rcv_nxt, rcv_wup, rcv_adv, rcv_mss, window_clamp;
	struct datq rcvq;
	u32 copied_seq;
	struct list_head ooo; /* struct pkt by seq, payload only */
	u32 ooo_size, ooo_count;
	struct tcp_range sacks[TCP_SACKS];
	u8 sack_count;
	bool dsack_ok;
	struct tcp_range dsack;
	u32 ts_recent, ts_offset, last_ack_sent;
	u64 ts_recent_at;
	bool fin_received, rcvbuf_locked, sndbuf_locked, ack_now, ack_wanted;
	u8 quickacks, pingpong;
	bool quickack_set; /* TCP_QUICKACK */
	bool event_held;   /* more data is about to follow; delack tells the user */
	u32 urg_seq;
	u8 urg_state, urg_byte; /* 0 none, 1 expected, 2 here, 3 read */
	bool oobinline;
	u32 rcvlowat;
	struct {
		u32 copied, seq, space;
		u64 since;
		u64 rtt, rtt_since;
		u32 rtt_seq;
	} drs; /* receive-buffer autotuning */
	u64 oow_ack_at;
	int soft_error;
	/* ---- options of the user ---- */
	bool nodelay, cork, keepalive, more, thin_linear, recv_inq, linger2_off;
	u64 keep_idle, keep_interval, user_timeout, linger2;
	u32 keep_count, syn_count, defer_accept, notsent_lowat, fastopen;
	/* ---- listening ---- */
	struct tcp_sock *parent; /* of a child not accepted yet */
	struct list_head accept_queue, accept_node;
	u32 accept_count, backlog, request_count;
	struct list_head requests;
	/* ---- counted for TCP_INFO ---- */
	u64 chrono[CHRONO_COUNT], chrono_at, last_data_recv, delivered_ce, total_rto_time;
	u32 ooo_packets;
	u16 total_rto, total_rto_recoveries;
	u8 chrono_kind;
	bool ecn_seen;
	u64 bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	u32 segs_in, segs_out, data_segs_in, data_segs_out, total_retrans, dsack_dups, reord_seen;
};

/* A handshake on a listener, not a socket yet. */
struct tcp_request {
	struct net_ep ep;
	struct list_head node;
	struct tcp_sock *listener;
	struct net_timer timer;
	u32 rcv_isn, snd_isn, ts_recent, ts_offset, rcv_wnd;
	u16 mss;
	u8 snd_wscale, rcv_wscale, tries;
	bool sack_ok, ts_ok, wscale_ok, ecn_ok, acked;
	u64 started;
};

struct tcp_time_wait {
	struct net_ep ep;
	struct net_timer timer;
	u32 rcv_nxt, snd_nxt, rcv_wnd, ts_recent, ts_offset;
	bool ts_ok, fin_wait2; /* fin_wait2: the peer has not closed yet, and nobody waits for its data */
	u64 ts_recent_at, oow_ack_at;
	u8 rcv_wscale, tos;
};

static inline struct tcp_sock *tcp_of(struct net_sock *sk)
{
	return container_of(sk, struct tcp_sock, sk);
}
static inline const struct tcp_sock *tcp_of_const(const struct net_sock *sk)
{
	return (const struct tcp_sock *)(const void *)sk;
}
static inline struct netstack *tcp_ns(const struct tcp_sock *tp)
{
	return tp->sk.ep.ns;
}
static inline u64 tcp_now(const struct tcp_sock *tp)
{
	return tp->sk.ep.ns->now;
}
static inline u32 tcp_pipe(const struct tcp_sock *tp)
{
	u32 out = tp->snd_nxt - tp->snd_una + tp->retrans, left = tp->sacked + tp->lost;

	return out > left ? out - left : 0;
}
static inline u32 tcp_ts_now(const struct tcp_sock *tp)
{
	return (u32)(tp->sk.ep.ns->now / MS) + tp->ts_offset;
}
/* Where the window offered to us ends. */
static inline u32 tcp_wnd_end(const struct tcp_sock *tp)
{
	return tp->snd_una + tp->snd_wnd;
}
static inline bool tcp_synchronized(const struct tcp_sock *tp)
{
	return tp->state != TCPS_CLOSE && tp->state != TCPS_LISTEN && tp->state != TCPS_SYN_SENT;
}

/* tcp_sock.c */
struct tcp_sock *tcp_sock_new(struct netstack *ns, bool v6) must_check;
void tcp_set_state(struct tcp_sock *tp, enum tcp_state state);
/* The connection is over: error (positive errno, 0: none) is told; an orphan is freed. tp may be gone after.
 */
void tcp_done(struct tcp_sock *tp, int error);
void tcp_free(struct tcp_sock *tp);
void tcp_free_orphan(struct net_ep *ep);
void tcp_init_buffers(struct tcp_sock *tp);
bool tcp_fin_wait2(struct tcp_sock *tp, bool fin) must_check;
void tcp_fin_wait2_over(struct tcp_sock *tp);
/* tcp_connect.c */
void tcp_send_syn(struct tcp_sock *tp);
void tcp_syn_sent(struct tcp_sock *tp, struct tcp_in *in);
u32 tcp_isn(struct netstack *ns, const struct net_ep *ep);
u32 tcp_ts_offset(struct netstack *ns, const struct net_ep *ep);
void tcp_established(struct tcp_sock *tp);
/* tcp_accept.c */
void tcp_listen_input(struct tcp_sock *listener, struct tcp_in *in);
void tcp_request_input(struct tcp_request *r, struct tcp_in *in);
void tcp_request_free(struct tcp_request *r);
void tcp_listen_stop(struct tcp_sock *tp);
/* syncookie.c */
u32 tcp_cookie_make(struct netstack *ns, const struct net_ep *ep, u32 seq, u16 *mss);
u16 tcp_cookie_check(struct netstack *ns, const struct net_ep *ep, u32 seq, u32 cookie);
/* tcp_time_wait.c */
/* Leaves a small object in the place of tp, which is gone then, if it has no owner. fin_wait2: the peer's FIN
 * is still to come, and is waited for so long. */
void tcp_time_wait(struct tcp_sock *tp, bool fin_wait2, u64 wait);
/* True if the segment may open a new connection in its place. */
bool tcp_time_wait_input(struct tcp_time_wait *tw, struct tcp_in *in);
void tcp_time_wait_free(struct tcp_time_wait *tw);
/* tcp_options.c */
void tcp_parse_options(const struct pkt *p, u32 off, u32 size, struct tcp_opts *o, bool syn);
u32 tcp_put_timestamps(u8 *o, u32 tsval, u32 tsecr);
u32 tcp_syn_options(u8 *o, u16 mss, int wscale, bool sack, bool ts, u32 tsval, u32 tsecr);
/* tcp_input.c */
void tcp_segment(struct tcp_sock *tp, struct tcp_in *in);
/* The state machine after the checks: ACK, data, FIN. tp may be gone after. */
void tcp_process(struct tcp_sock *tp, struct tcp_in *in);
void tcp_update_ts_recent(struct tcp_sock *tp, const struct tcp_in *in);
bool tcp_oow_ack_ok(struct netstack *ns, u64 *last);
void tcp_challenge_ack(struct tcp_sock *tp);
/* tcp_ack.c: false: the segment must not be looked at further. */
bool tcp_ack(struct tcp_sock *tp, const struct tcp_in *in);
void tcp_write_space(struct tcp_sock *tp);
/* rtt: for the timer, with all that delayed the answer; least: of the path alone, as nearly as is known. */
void tcp_rtt_sample(struct tcp_sock *tp, u64 rtt, u64 least);
void tcp_rto_update(struct tcp_sock *tp);
/* tcp_sack.c */
struct tcp_ack_state {
	u32 prior_una, prior_sacked, newly_acked, newly_sacked, prior_pipe;
	u64 rtt, sack_rtt; /* of segments never sent again; 0: none */
	u64 least_rtt; /* of the one of them that was sent last: without the wait for what overtook others */
	bool advanced, dsack, orig_acked, sack_new, ece, window_changed, retrans_acked;
	u64 now;
	struct tcp_rate rs;
};
static inline void tcp_note_rtt(struct tcp_ack_state *st, u64 rtt)
{
	st->least_rtt = st->least_rtt ? min_t(u64, st->least_rtt, rtt) : rtt;
}
void tcp_sack_tag(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_ack_state *st);
struct tcp_seg *tcp_seg_split(struct tcp_sock *tp, struct tcp_seg *s, u32 seq);
void tcp_seg_uncount(struct tcp_sock *tp, const struct tcp_seg *s);
void tcp_mark_lost(struct tcp_sock *tp, struct tcp_seg *s);
void tcp_segs_free(struct tcp_sock *tp);
/* tcp_rack.c */
void tcp_rack_advance(struct tcp_sock *tp, const struct tcp_seg *s, struct tcp_ack_state *st);
/* Marks what must be lost; arms the reordering timer for what may be. */
void tcp_rack_detect(struct tcp_sock *tp, u64 *timeout);
void tcp_rack_update_window(struct tcp_sock *tp, bool dsack);
void tcp_rack_timer(struct tcp_sock *tp);
bool tcp_tlp_schedule(struct tcp_sock *tp);
void tcp_tlp_send(struct tcp_sock *tp);
void tcp_tlp_ack(struct tcp_sock *tp, const struct tcp_in *in, const struct tcp_ack_state *st);
/* tcp_recovery.c */
void tcp_recover(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_ack_state *st);
void tcp_enter_loss(struct tcp_sock *tp);
void tcp_enter_cwr(struct tcp_sock *tp);
void tcp_mtu_reduced(struct tcp_sock *tp);
/* tcp_rate.c */
void tcp_rate_sent(struct tcp_sock *tp, struct tcp_seg *s);
void tcp_rate_delivered(struct tcp_sock *tp, const struct tcp_seg *s, struct tcp_rate *rs);
void tcp_rate_done(struct tcp_sock *tp, struct tcp_rate *rs, u32 delivered, u64 lost);
void tcp_rate_app_limited(struct tcp_sock *tp);
/* Bytes per second; 0 of what is no sample. */
u64 tcp_rate_of(const struct tcp_rate *rs);
/* What both versions of BBR ask: a product of bandwidth and delay times gain/256; what goes out at once; how
 * much more is acknowledged at once than the bandwidth explains, the most of some rounds. */
u32 tcp_bdp(u64 bw, u64 rtt, u32 gain);
u32 tcp_send_quantum(const struct tcp_sock *tp);
struct tcp_aggregation {
	u64 since;
	u32 delivered, extra[2], rounds;
};
void tcp_aggregation_restart(struct tcp_sock *tp, struct tcp_aggregation *a);
void tcp_aggregation(struct tcp_sock *tp, struct tcp_aggregation *a, const struct tcp_rate *rs, u64 bw,
		     bool round_start, u32 rounds);
static inline u32 tcp_aggregation_most(const struct tcp_aggregation *a)
{
	return max_t(u32, a->extra[0], a->extra[1]);
}
/* tcp_cong.c */
extern const struct tcp_cc_ops *const tcp_cc_table[CC_COUNT];
const struct tcp_cc_ops *tcp_cc_by_name(const char *name, size_t n);
void tcp_set_cc(struct tcp_sock *tp, const struct tcp_cc_ops *cc);
u32 tcp_slow_start(struct tcp_sock *tp, u32 acked);
void tcp_cong_avoid_ai(struct tcp_sock *tp, u32 per, u32 acked);
void tcp_update_pacing(struct tcp_sock *tp);
extern const struct tcp_cc_ops tcp_cubic, tcp_reno, tcp_bbr, tcp_bbr3;
/* tcp_output.c */
/* Sends whatever may be sent now. */
void tcp_output(struct tcp_sock *tp);
int tcp_retransmit(struct tcp_sock *tp, struct tcp_seg *s, u32 max) must_check;
/* tcp_segment.c */
#define TCP_GSO_MAX (65535U - 120U)
/* Sends [seq, seq+size) (size 0: a bare segment). 0 or -errno. */
int tcp_transmit(struct tcp_sock *tp, u32 seq, u32 size, u8 flags, bool retransmission);
void tcp_send_ack(struct tcp_sock *tp);
void tcp_send_reset(struct tcp_sock *tp);
/* Bytes of options that the SACK blocks take which there are to tell; 0: none. */
u32 tcp_blocks_size(const struct tcp_sock *tp);
/* An answer without a socket. */
void tcp_reply(struct netstack *ns, const struct tcp_in *in, u32 seq, u32 ack, u8 flags, u32 window,
	       const u8 *opts, u32 opt_size, u8 tos);
void tcp_reply_reset(struct netstack *ns, const struct tcp_in *in);
int tcp_route(struct tcp_sock *tp) must_check;
void tcp_update_mss(struct tcp_sock *tp);
u32 tcp_advertised_mss(struct netstack *ns, const struct net_path *path, u16 user_mss);
/* tcp_data.c */
void tcp_data_in(struct tcp_sock *tp, struct tcp_in *in);
void tcp_fin_in(struct tcp_sock *tp);
/* tcp_ooo.c */
/* A segment that does not begin where we are, trimmed to the window. */
void tcp_ooo_in(struct tcp_sock *tp, struct tcp_in *in);
/* Moves what has become in order to the receive queue. */
void tcp_ooo_take(struct tcp_sock *tp);
void tcp_ooo_free(struct tcp_sock *tp);
/* The next ACK says that these have come twice. */
void tcp_set_dsack(struct tcp_sock *tp, u32 start, u32 end);
/* tcp_window.c */
/* The part of a receive buffer that is offered as window. */
u32 tcp_window_of(u32 rcvbuf, bool locked);
/* What is offered when nothing waits to be read. */
u32 tcp_full_space(const struct tcp_sock *tp);
void tcp_initial_window(const struct netstack *ns, u32 rcvbuf, bool locked, u32 mss, bool wscale_ok,
			u32 *window, u8 *wscale);
u32 tcp_select_window(struct tcp_sock *tp);
void tcp_measure_rcv_rtt(struct tcp_sock *tp, const struct tcp_in *in);
/* An ACK is due: now, or the timer is set. */
void tcp_ack_check(struct tcp_sock *tp);
/* More of the same write comes soon, so that the user need not be told yet; the timer tells it otherwise. */
bool tcp_more_follows(struct tcp_sock *tp, const struct tcp_in *in) must_check;
/* The user took data: perhaps the window opens enough to say so. */
void tcp_window_after_read(struct tcp_sock *tp);
/* tcp_info.c: time passed, or what sending waits for changed */
void tcp_chrono(struct tcp_sock *tp);
/* tcp_timer.c */
void tcp_timers_init(struct tcp_sock *tp);
void tcp_timers_done(struct tcp_sock *tp);
void tcp_rearm_rto(struct tcp_sock *tp);
void tcp_arm(struct tcp_sock *tp, enum tcp_rtx kind, u64 after);
void tcp_check_probe(struct tcp_sock *tp);
void tcp_keep_arm(struct tcp_sock *tp, u64 after);

#endif

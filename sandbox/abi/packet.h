/*
 * packet.h - rings of packet sockets: what the kernel and a capturing program share (packet(7), the kernel's
 * packet_mmap documentation).
 */
#ifndef WARREN_ABI_PACKET_H
#define WARREN_ABI_PACKET_H

#include "sandbox/base/types.h"

enum {
	LINUX_PACKET_RX_RING = 5,
	LINUX_PACKET_VERSION = 10,
	LINUX_PACKET_HDRLEN = 11,
	LINUX_PACKET_RESERVE = 12,
	LINUX_PACKET_IGNORE_OUTGOING = 23
};
enum { LINUX_TPACKET_V1, LINUX_TPACKET_V2, LINUX_TPACKET_V3 };

/* The owner and the state of a frame or block; 0: the kernel's. */
#define LINUX_TP_STATUS_USER         1
#define LINUX_TP_STATUS_LOSING       4
#define LINUX_TP_STATUS_CSUMNOTREADY 8
#define LINUX_TP_STATUS_BLK_TMO      32
#define LINUX_TP_STATUS_CSUM_VALID   128

struct linux_tpacket_req { /* versions 1 and 2 */
	u32 block_size, block_nr, frame_size, frame_nr;
};
struct linux_tpacket_req3 {
	struct linux_tpacket_req req;
	u32 retire_blk_tov; /* ms */
	u32 sizeof_priv, feature_req_word;
};
static_assert(sizeof(struct linux_tpacket_req3) == 28, "struct tpacket_req3");

struct linux_tpacket_hdr {
	u64 status;
	u32 len, snaplen;
	u16 mac, net;
	u32 sec, usec;
};
static_assert(sizeof(struct linux_tpacket_hdr) == 32, "struct tpacket_hdr");
struct linux_tpacket2_hdr {
	u32 status, len, snaplen;
	u16 mac, net;
	u32 sec, nsec;
	u16 vlan_tci, vlan_tpid;
	u8 padding[4];
};
static_assert(sizeof(struct linux_tpacket2_hdr) == 32, "struct tpacket2_hdr");
struct linux_tpacket3_hdr {
	u32 next_offset, sec, nsec, snaplen, len, status;
	u16 mac, net;
	u32 rxhash, vlan_tci;
	u16 vlan_tpid, padding;
	u8 padding2[8];
};
static_assert(sizeof(struct linux_tpacket3_hdr) == 48, "struct tpacket3_hdr");

struct linux_tpacket_block_desc {
	u32 version, offset_to_priv;
	u32 block_status, num_pkts, offset_to_first_pkt, blk_len;
	u64 seq_num;
	u32 first_sec, first_nsec, last_sec, last_nsec;
};
static_assert(sizeof(struct linux_tpacket_block_desc) == 48, "struct tpacket_block_desc");
#define LINUX_TPACKET_ALIGNMENT 16U

#endif

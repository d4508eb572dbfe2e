/*
 * headers.h - what is on the wire, as structs: Ethernet, ARP, IPv4 (791), IPv6 (8200), ICMP (792), ICMPv6
 * (4443), NDP (4861), UDP (768), TCP (9293), virtio-net.
 */
#ifndef WARREN_NETSTACK_HEADERS_H
#define WARREN_NETSTACK_HEADERS_H

#include "netstack/wire/bytes.h"

#define ETH_IPV4       0x0800U
#define ETH_ARP        0x0806U
#define ETH_IPV6       0x86ddU
#define ETH_ALL        0x0003U

#define PROTO_ICMP     1U
#define PROTO_IGMP     2U
#define PROTO_TCP      6U
#define PROTO_UDP      17U
#define PROTO_HOPOPTS  0U
#define PROTO_ROUTING  43U
#define PROTO_FRAGMENT 44U
#define PROTO_ICMPV6   58U
#define PROTO_NONE     59U
#define PROTO_DSTOPTS  60U
#define PROTO_RAW      255U

struct eth_hdr {
	u8 dst[6], src[6];
	be16 type;
};
static_assert(sizeof(struct eth_hdr) == 14, "Ethernet");

struct arp_hdr {
	be16 hrd, pro;
	u8 hln, pln;
	be16 op;
	u8 sha[6], spa[4], tha[6], tpa[4];
};
static_assert(sizeof(struct arp_hdr) == 28, "ARP");
#define ARP_REQUEST 1U
#define ARP_REPLY   2U

struct ipv4_hdr {
	u8 ver_ihl, tos;
	be16 total, id, frag;
	u8 ttl, proto;
	be16 csum;
	u8 src[4], dst[4];
};
static_assert(sizeof(struct ipv4_hdr) == 20, "IPv4");
#define IPV4_DF      0x4000U
#define IPV4_MF      0x2000U
#define IPV4_OFFSET  0x1fffU
#define IPV4_MIN_MTU 68U

struct ipv6_hdr {
	be32 ver_class_flow;
	be16 payload;
	u8 next, hops;
	u8 src[16], dst[16];
};
static_assert(sizeof(struct ipv6_hdr) == 40, "IPv6");
#define IPV6_MIN_MTU 1280U

struct ipv6_frag_hdr {
	u8 next, reserved;
	be16 off_flags; /* offset in units of 8 bytes << 3 | more */
	be32 id;
};
static_assert(sizeof(struct ipv6_frag_hdr) == 8, "IPv6 fragment");

struct icmp_hdr {
	u8 type, code;
	be16 csum;
	be16 id, seq; /* or other four bytes */
};
static_assert(sizeof(struct icmp_hdr) == 8, "ICMP");
enum {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACH = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAM = 12,
	ICMP_TIMESTAMP = 13,
	ICMP_TIMESTAMP_REPLY = 14
};
enum {
	ICMP_UNREACH_NET = 0,
	ICMP_UNREACH_HOST = 1,
	ICMP_UNREACH_PROTO = 2,
	ICMP_UNREACH_PORT = 3,
	ICMP_UNREACH_FRAG = 4,
	ICMP_UNREACH_SRC_ROUTE = 5
};
enum {
	ICMP6_UNREACH = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAM = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130,
	ICMP6_MLD_REPORT = 131,
	ICMP6_MLD_DONE = 132,
	ICMP6_RS = 133,
	ICMP6_RA = 134,
	ICMP6_NS = 135,
	ICMP6_NA = 136,
	ICMP6_REDIRECT = 137,
	ICMP6_MLD2_REPORT = 143
};

struct udp_hdr {
	be16 sport, dport, size, csum;
};
static_assert(sizeof(struct udp_hdr) == 8, "UDP");

struct tcp_hdr {
	be16 sport, dport;
	be32 seq, ack;
	u8 off; /* header words << 4 | AE */
	u8 flags;
	be16 window, csum, urg;
};
static_assert(sizeof(struct tcp_hdr) == 20, "TCP");
#define TCP_FIN           0x01U
#define TCP_SYN           0x02U
#define TCP_RST           0x04U
#define TCP_PSH           0x08U
#define TCP_ACK           0x10U
#define TCP_URG           0x20U
#define TCP_ECE           0x40U
#define TCP_CWR           0x80U
#define TCP_OPT_EOL       0U
#define TCP_OPT_NOP       1U
#define TCP_OPT_MSS       2U
#define TCP_OPT_WSCALE    3U
#define TCP_OPT_SACK_OK   4U
#define TCP_OPT_SACK      5U
#define TCP_OPT_TIMESTAMP 8U
#define TCP_HDR_MAX       60U

/* The header that TAP devices and packet sockets put before a frame; little endian, as the host. */
struct vnet_hdr {
	u8 flags, gso_type;
	u16 hdr_size, gso_size, csum_start, csum_offset;
};
static_assert(sizeof(struct vnet_hdr) == 10, "struct virtio_net_hdr");
#define VNET_F_NEEDS_CSUM 1U
#define VNET_F_DATA_VALID 2U
#define VNET_GSO_NONE     0U
#define VNET_GSO_TCPV4    1U
#define VNET_GSO_UDP      3U
#define VNET_GSO_TCPV6    4U
#define VNET_GSO_UDP_L4   5U
#define VNET_GSO_ECN      0x80U

#endif

/*
 * abi/netlink.h - netlink(7), rtnetlink(7), sock_diag(7), packet(7) as x86-64 guests see them.
 */
#ifndef WARREN_ABI_NETLINK_H
#define WARREN_ABI_NETLINK_H

#include "sandbox/base/types.h"

#define LINUX_NETLINK_ROUTE     0
#define LINUX_NETLINK_SOCK_DIAG 4
#define LINUX_MAX_LINKS         32

struct linux_sockaddr_nl {
	u16 family, pad;
	u32 pid, groups;
};
static_assert(sizeof(struct linux_sockaddr_nl) == 12, "struct sockaddr_nl");

struct linux_nlmsghdr {
	u32 len;
	u16 type, flags;
	u32 seq, pid;
};
static_assert(sizeof(struct linux_nlmsghdr) == 16, "struct nlmsghdr");

struct linux_nlattr {
	u16 len, type;
};

enum {
	LINUX_NLM_F_REQUEST = 0x1,
	LINUX_NLM_F_MULTI = 0x2,
	LINUX_NLM_F_ACK = 0x4,
	LINUX_NLM_F_ROOT = 0x100, /* GET */
	LINUX_NLM_F_MATCH = 0x200,
	LINUX_NLM_F_DUMP = 0x300,
	LINUX_NLM_F_REPLACE = 0x100, /* NEW */
	LINUX_NLM_F_EXCL = 0x200,
	LINUX_NLM_F_CREATE = 0x400,
	LINUX_NLM_F_APPEND = 0x800,
	LINUX_NLM_F_CAPPED = 0x100, /* ACK */
	LINUX_NLMSG_ERROR = 2,
	LINUX_NLMSG_DONE = 3,
	LINUX_NLMSG_MIN_TYPE = 16
};
#define LINUX_NLA_TYPE_MASK 0x3fffU
#define LINUX_NLA_F_NESTED  0x8000U

#define LINUX_SOL_NETLINK   270
enum {
	LINUX_NETLINK_ADD_MEMBERSHIP = 1,
	LINUX_NETLINK_DROP_MEMBERSHIP,
	LINUX_NETLINK_PKTINFO,
	LINUX_NETLINK_BROADCAST_ERROR,
	LINUX_NETLINK_NO_ENOBUFS,
	LINUX_NETLINK_LIST_MEMBERSHIPS = 9,
	LINUX_NETLINK_CAP_ACK,
	LINUX_NETLINK_EXT_ACK,
	LINUX_NETLINK_GET_STRICT_CHK
};

/* ---- rtnetlink ---- */
enum {
	LINUX_RTM_NEWLINK = 16,
	LINUX_RTM_DELLINK,
	LINUX_RTM_GETLINK,
	LINUX_RTM_SETLINK,
	LINUX_RTM_NEWADDR,
	LINUX_RTM_DELADDR,
	LINUX_RTM_GETADDR,
	LINUX_RTM_NEWROUTE = 24,
	LINUX_RTM_DELROUTE,
	LINUX_RTM_GETROUTE,
	LINUX_RTM_NEWNEIGH = 28,
	LINUX_RTM_DELNEIGH,
	LINUX_RTM_GETNEIGH,
	LINUX_RTM_NEWRULE = 32,
	LINUX_RTM_DELRULE,
	LINUX_RTM_GETRULE,
	LINUX_RTM_GETQDISC = 38,
	LINUX_RTM_GETADDRLABEL = 74,
	LINUX_RTM_MAX = 123
};
enum {
	LINUX_RTNLGRP_LINK = 1,
	LINUX_RTNLGRP_NEIGH = 3,
	LINUX_RTNLGRP_IPV4_IFADDR = 5,
	LINUX_RTNLGRP_IPV4_ROUTE = 7,
	LINUX_RTNLGRP_IPV4_RULE = 8,
	LINUX_RTNLGRP_IPV6_IFADDR = 9,
	LINUX_RTNLGRP_IPV6_ROUTE = 11,
	LINUX_RTNLGRP_IPV6_RULE = 19
};

struct linux_ifinfomsg {
	u8 family, pad;
	u16 type;
	s32 index;
	u32 flags, change;
};
static_assert(sizeof(struct linux_ifinfomsg) == 16, "struct ifinfomsg");
enum {
	LINUX_IFLA_ADDRESS = 1,
	LINUX_IFLA_BROADCAST,
	LINUX_IFLA_IFNAME,
	LINUX_IFLA_MTU,
	LINUX_IFLA_QDISC = 6,
	LINUX_IFLA_STATS,
	LINUX_IFLA_TXQLEN = 13,
	LINUX_IFLA_OPERSTATE = 16,
	LINUX_IFLA_LINKMODE,
	LINUX_IFLA_LINKINFO,
	LINUX_IFLA_STATS64 = 23,
	LINUX_IFLA_GROUP = 27,
	LINUX_IFLA_PROMISCUITY = 30,
	LINUX_IFLA_NUM_TX_QUEUES,
	LINUX_IFLA_NUM_RX_QUEUES,
	LINUX_IFLA_CARRIER,
	LINUX_IFLA_ALT_IFNAME = 53,
	LINUX_IFLA_MIN_MTU = 50,
	LINUX_IFLA_MAX_MTU,
	LINUX_IFLA_INFO_KIND = 1
};

struct linux_ifaddrmsg {
	u8 family, prefixlen, flags, scope;
	u32 index;
};
static_assert(sizeof(struct linux_ifaddrmsg) == 8, "struct ifaddrmsg");
enum {
	LINUX_IFA_ADDRESS = 1,
	LINUX_IFA_LOCAL,
	LINUX_IFA_LABEL,
	LINUX_IFA_BROADCAST,
	LINUX_IFA_CACHEINFO = 6,
	LINUX_IFA_FLAGS = 8
};
struct linux_ifa_cacheinfo {
	u32 preferred, valid, created, updated;
};

struct linux_rtmsg {
	u8 family, dst_len, src_len, tos, table, protocol, scope, type;
	u32 flags;
};
static_assert(sizeof(struct linux_rtmsg) == 12, "struct rtmsg");
enum {
	LINUX_RTA_DST = 1,
	LINUX_RTA_SRC,
	LINUX_RTA_IIF,
	LINUX_RTA_OIF,
	LINUX_RTA_GATEWAY,
	LINUX_RTA_PRIORITY,
	LINUX_RTA_PREFSRC,
	LINUX_RTA_METRICS,
	LINUX_RTA_MULTIPATH,
	LINUX_RTA_CACHEINFO = 12,
	LINUX_RTA_TABLE = 15,
	LINUX_RTA_VIA = 18,
	LINUX_RTA_PREF = 20,
	LINUX_RTA_UID = 25,
	LINUX_RTM_F_CLONED = 0x200
};

struct linux_ndmsg {
	u8 family, pad1;
	u16 pad2;
	s32 ifindex;
	u16 state;
	u8 flags, type;
};
static_assert(sizeof(struct linux_ndmsg) == 12, "struct ndmsg");
enum { LINUX_NDA_DST = 1, LINUX_NDA_LLADDR, LINUX_NDA_CACHEINFO, LINUX_NDA_PROBES, LINUX_NTF_ROUTER = 0x80 };

struct linux_fib_rule_hdr {
	u8 family, dst_len, src_len, tos, table, res1, res2, action;
	u32 flags;
};
static_assert(sizeof(struct linux_fib_rule_hdr) == 12, "struct fib_rule_hdr");
enum {
	LINUX_FRA_DST = 1,
	LINUX_FRA_SRC,
	LINUX_FRA_IIFNAME,
	LINUX_FRA_PRIORITY = 6,
	LINUX_FRA_FWMARK = 10,
	LINUX_FRA_TABLE = 15,
	LINUX_FRA_OIFNAME = 17,
	LINUX_FRA_UID_RANGE = 20,
	LINUX_FRA_PROTOCOL,
	LINUX_FRA_IP_PROTO,
	LINUX_FRA_SPORT,
	LINUX_FRA_DPORT
};

/* ---- sock_diag ---- */
#define LINUX_SOCK_DIAG_BY_FAMILY 20
#define LINUX_SOCK_DESTROY        21

struct linux_inet_diag_sockid {
	u8 sport[2], dport[2], src[16], dst[16];
	u32 interface, cookie[2];
};
static_assert(sizeof(struct linux_inet_diag_sockid) == 48, "struct inet_diag_sockid");
struct linux_inet_diag_req_v2 {
	u8 family, protocol, ext, pad;
	u32 states;
	struct linux_inet_diag_sockid id;
};
static_assert(sizeof(struct linux_inet_diag_req_v2) == 56, "struct inet_diag_req_v2");
struct linux_inet_diag_msg {
	u8 family, state, timer, retrans;
	struct linux_inet_diag_sockid id;
	u32 expires, rqueue, wqueue, uid, inode;
};
static_assert(sizeof(struct linux_inet_diag_msg) == 72, "struct inet_diag_msg");
enum {
	LINUX_INET_DIAG_MEMINFO = 1,
	LINUX_INET_DIAG_INFO,
	LINUX_INET_DIAG_CONG = 4,
	LINUX_INET_DIAG_SKMEMINFO = 7,
	LINUX_INET_DIAG_SHUTDOWN = 8,
	LINUX_INET_DIAG_SKV6ONLY = 11
};
struct linux_unix_diag_req {
	u8 family, protocol;
	u16 pad;
	u32 states, ino, show, cookie[2];
};
static_assert(sizeof(struct linux_unix_diag_req) == 24, "struct unix_diag_req");
struct linux_unix_diag_msg {
	u8 family, type, state, pad;
	u32 ino, cookie[2];
};
static_assert(sizeof(struct linux_unix_diag_msg) == 16, "struct unix_diag_msg");
enum {
	LINUX_UNIX_DIAG_NAME,
	LINUX_UNIX_DIAG_PEER = 2,
	LINUX_UNIX_DIAG_RQLEN = 4,
	LINUX_UNIX_DIAG_SHUTDOWN = 6,
	LINUX_UDIAG_SHOW_NAME = 1,
	LINUX_UDIAG_SHOW_PEER = 4,
	LINUX_UDIAG_SHOW_RQLEN = 0x10
};

/* ---- packet(7) ---- */
struct linux_sockaddr_ll {
	u16 family;
	u8 protocol[2];
	s32 ifindex;
	u16 hatype;
	u8 pkttype, halen, addr[8];
};
static_assert(sizeof(struct linux_sockaddr_ll) == 20, "struct sockaddr_ll");
#define LINUX_SOL_PACKET 263
enum {
	LINUX_PACKET_ADD_MEMBERSHIP = 1,
	LINUX_PACKET_DROP_MEMBERSHIP,
	LINUX_PACKET_STATISTICS = 6,
	LINUX_PACKET_AUXDATA = 8,
	LINUX_PACKET_MR_MULTICAST = 0,
	LINUX_PACKET_MR_PROMISC,
	LINUX_PACKET_MR_ALLMULTI
};
struct linux_packet_mreq {
	s32 ifindex;
	u16 type, alen;
	u8 address[8];
};
static_assert(sizeof(struct linux_packet_mreq) == 16, "struct packet_mreq");

#endif

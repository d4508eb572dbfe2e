/*
 * abi/inet.h - ip(7), ipv6(7), udp(7), tcp(7), raw(7), netdevice(7) as x86-64 guests see them.
 */
#ifndef WARREN_ABI_INET_H
#define WARREN_ABI_INET_H

#include "sandbox/base/types.h"

struct linux_sockaddr_in {
	u16 family;
	u8 port[2], addr[4], zero[8];
};
static_assert(sizeof(struct linux_sockaddr_in) == 16, "struct sockaddr_in");

struct linux_sockaddr_in6 {
	u16 family;
	u8 port[2], flowinfo[4], addr[16];
	u32 scope_id;
};
static_assert(sizeof(struct linux_sockaddr_in6) == 28, "struct sockaddr_in6");
#define LINUX_SIN6_LEN_RFC2133 24U /* before there were scopes */

enum {
	LINUX_IPPROTO_IP = 0,
	LINUX_IPPROTO_ICMP = 1,
	LINUX_IPPROTO_TCP = 6,
	LINUX_IPPROTO_UDP = 17,
	LINUX_IPPROTO_IPV6 = 41,
	LINUX_IPPROTO_ICMPV6 = 58,
	LINUX_IPPROTO_RAW = 255,
	LINUX_IPPROTO_MAX = 263
};

/* level IPPROTO_IP */
enum {
	LINUX_IP_TOS = 1,
	LINUX_IP_TTL,
	LINUX_IP_HDRINCL,
	LINUX_IP_OPTIONS,
	LINUX_IP_ROUTER_ALERT,
	LINUX_IP_RECVOPTS,
	LINUX_IP_RETOPTS,
	LINUX_IP_PKTINFO,
	LINUX_IP_PKTOPTIONS,
	LINUX_IP_MTU_DISCOVER,
	LINUX_IP_RECVERR,
	LINUX_IP_RECVTTL,
	LINUX_IP_RECVTOS,
	LINUX_IP_MTU,
	LINUX_IP_FREEBIND,
	LINUX_IP_TRANSPARENT = 19,
	LINUX_IP_RECVORIGDSTADDR,
	LINUX_IP_MINTTL,
	LINUX_IP_NODEFRAG,
	LINUX_IP_CHECKSUM,
	LINUX_IP_BIND_ADDRESS_NO_PORT,
	LINUX_IP_MULTICAST_IF = 32,
	LINUX_IP_MULTICAST_TTL,
	LINUX_IP_MULTICAST_LOOP,
	LINUX_IP_ADD_MEMBERSHIP,
	LINUX_IP_DROP_MEMBERSHIP,
	LINUX_MCAST_JOIN_GROUP = 42,
	LINUX_MCAST_LEAVE_GROUP = 45,
	LINUX_IP_MULTICAST_ALL = 49,
	LINUX_IP_UNICAST_IF,
	LINUX_IP_LOCAL_PORT_RANGE
};

/* level IPPROTO_IPV6 */
enum {
	LINUX_IPV6_ADDRFORM = 1,
	LINUX_IPV6_2292PKTINFO,
	LINUX_IPV6_CHECKSUM = 7,
	LINUX_IPV6_2292HOPLIMIT,
	LINUX_IPV6_FLOWINFO = 11,
	LINUX_IPV6_UNICAST_HOPS = 16,
	LINUX_IPV6_MULTICAST_IF,
	LINUX_IPV6_MULTICAST_HOPS,
	LINUX_IPV6_MULTICAST_LOOP,
	LINUX_IPV6_JOIN_GROUP,
	LINUX_IPV6_LEAVE_GROUP,
	LINUX_IPV6_ROUTER_ALERT,
	LINUX_IPV6_MTU_DISCOVER,
	LINUX_IPV6_MTU,
	LINUX_IPV6_RECVERR,
	LINUX_IPV6_V6ONLY,
	LINUX_IPV6_MULTICAST_ALL = 29,
	LINUX_IPV6_FLOWLABEL_MGR = 32,
	LINUX_IPV6_FLOWINFO_SEND,
	LINUX_IPV6_RECVPKTINFO = 49,
	LINUX_IPV6_PKTINFO,
	LINUX_IPV6_RECVHOPLIMIT,
	LINUX_IPV6_HOPLIMIT,
	LINUX_IPV6_RECVPATHMTU = 60,
	LINUX_IPV6_PATHMTU,
	LINUX_IPV6_DONTFRAG,
	LINUX_IPV6_RECVTCLASS = 66,
	LINUX_IPV6_TCLASS,
	LINUX_IPV6_AUTOFLOWLABEL = 70,
	LINUX_IPV6_ADDR_PREFERENCES = 72,
	LINUX_IPV6_MINHOPCOUNT,
	LINUX_IPV6_TRANSPARENT = 75,
	LINUX_IPV6_UNICAST_IF,
	LINUX_IPV6_FREEBIND = 78
};

/* levels IPPROTO_TCP (the rest of it is the library's), IPPROTO_UDP, IPPROTO_RAW, IPPROTO_ICMPV6 */
enum {
	LINUX_TCP_CM_INQ = 36,
	LINUX_UDP_CORK = 1,
	LINUX_UDP_SEGMENT = 103,
	LINUX_UDP_GRO,
	LINUX_ICMP_FILTER = 1,
	LINUX_ICMPV6_FILTER = 1
};

struct linux_in_pktinfo {
	s32 ifindex;
	u8 spec_dst[4], addr[4];
};
static_assert(sizeof(struct linux_in_pktinfo) == 12, "struct in_pktinfo");

struct linux_in6_pktinfo {
	u8 addr[16];
	u32 ifindex;
};
static_assert(sizeof(struct linux_in6_pktinfo) == 20, "struct in6_pktinfo");

struct linux_ip_mreqn {
	u8 multiaddr[4], address[4];
	s32 ifindex;
};
static_assert(sizeof(struct linux_ip_mreqn) == 12, "struct ip_mreqn");

struct linux_ipv6_mreq {
	u8 multiaddr[16];
	s32 ifindex;
};
static_assert(sizeof(struct linux_ipv6_mreq) == 20, "struct ipv6_mreq");

struct linux_group_req {
	u32 interface, pad;
	u8 group[128];
};
static_assert(sizeof(struct linux_group_req) == 136, "struct group_req");

struct linux_sock_extended_err {
	u32 err;
	u8 origin, type, code, pad;
	u32 info, data;
};
static_assert(sizeof(struct linux_sock_extended_err) == 16, "struct sock_extended_err");

struct linux_ip6_mtuinfo {
	struct linux_sockaddr_in6 addr;
	u32 mtu;
};
static_assert(sizeof(struct linux_ip6_mtuinfo) == 32, "struct ip6_mtuinfo");

/* netdevice(7), sockets' own ioctls */
enum {
	LINUX_SIOCATMARK = 0x8905,
	LINUX_SIOCGSTAMP = 0x8906,
	LINUX_SIOCGSTAMPNS = 0x8907,
	LINUX_SIOCADDRT = 0x890b,
	LINUX_SIOCDELRT = 0x890c,
	LINUX_SIOCGIFNAME = 0x8910,
	LINUX_SIOCGIFCONF = 0x8912,
	LINUX_SIOCGIFFLAGS = 0x8913,
	LINUX_SIOCSIFFLAGS = 0x8914,
	LINUX_SIOCGIFADDR = 0x8915,
	LINUX_SIOCSIFADDR = 0x8916,
	LINUX_SIOCGIFDSTADDR = 0x8917,
	LINUX_SIOCGIFBRDADDR = 0x8919,
	LINUX_SIOCSIFBRDADDR = 0x891a,
	LINUX_SIOCGIFNETMASK = 0x891b,
	LINUX_SIOCSIFNETMASK = 0x891c,
	LINUX_SIOCGIFMETRIC = 0x891d,
	LINUX_SIOCGIFMTU = 0x8921,
	LINUX_SIOCSIFMTU = 0x8922,
	LINUX_SIOCGIFHWADDR = 0x8927,
	LINUX_SIOCGIFINDEX = 0x8933,
	LINUX_SIOCGIFTXQLEN = 0x8942,
	LINUX_SIOCETHTOOL = 0x8946,
	LINUX_SIOCOUTQNSD = 0x894b,
	LINUX_SIOCGARP = 0x8954,
	LINUX_SIOCGIFMAP = 0x8970
};

struct linux_ifreq {
	char name[16];
	union {
		struct linux_sockaddr_in addr;
		struct {
			u16 family;
			u8 data[14];
		} hwaddr;
		s16 flags;
		s32 value;
		u8 map[24];
		u64 data; /* an address */
	} u;
};
static_assert(sizeof(struct linux_ifreq) == 40, "struct ifreq");

struct linux_ifconf {
	s32 len, pad;
	u64 buf;
};
static_assert(sizeof(struct linux_ifconf) == 16, "struct ifconf");

#define LINUX_ARPHRD_ETHER    1U
#define LINUX_ARPHRD_LOOPBACK 772U

#endif

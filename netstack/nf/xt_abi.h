/*
 * xt_abi.h - iptables' tables as programs write them (linux/netfilter/x_tables.h and the headers of matches
 * and targets), by their sizes and offsets.
 *
 * A table is a row of entries. An entry is a fixed head (addresses, interfaces, protocol, counters), matches
 * and one target, each of the last two with a head that says its size, name and revision. Jumps are offsets
 * into the row. IPv4 and IPv6 differ in the fixed head only, of which struct xt_layout says where things lie.
 */
#ifndef WARREN_NETSTACK_XT_ABI_H
#define WARREN_NETSTACK_XT_ABI_H

#include "netstack/wire/bytes.h"

#define XT_NAME_MAX     32U /* of a table */
#define XT_EXT_NAME_MAX 29U /* of a match or target */
#define XT_HOOKS        5U

struct xt_ext_head { /* of a match or target */
	u16 size;
	char name[XT_EXT_NAME_MAX];
	u8 revision;
};
static_assert(sizeof(struct xt_ext_head) == 32, "struct xt_entry_match");

struct xt_counters {
	u64 packets, bytes;
};

struct xt_getinfo {
	char name[XT_NAME_MAX];
	u32 valid_hooks, hook_entry[XT_HOOKS], underflow[XT_HOOKS], entry_count, size;
};
static_assert(sizeof(struct xt_getinfo) == 84, "struct ipt_getinfo");

struct xt_replace {
	char name[XT_NAME_MAX];
	u32 valid_hooks, entry_count, size, hook_entry[XT_HOOKS], underflow[XT_HOOKS], counter_count;
	u64 counters; /* where the old table's counters are wanted */
};
static_assert(sizeof(struct xt_replace) == 96, "struct ipt_replace");

struct xt_get_entries {
	char name[XT_NAME_MAX];
	u32 size, pad;
};
static_assert(sizeof(struct xt_get_entries) == 40, "struct ipt_get_entries");

struct xt_counters_info {
	char name[XT_NAME_MAX];
	u32 count, pad;
};
static_assert(sizeof(struct xt_counters_info) == 40, "struct xt_counters_info");

struct xt_get_revision {
	char name[XT_EXT_NAME_MAX];
	u8 revision;
};
static_assert(sizeof(struct xt_get_revision) == 30, "struct xt_get_revision");

/* ---- the head of an entry ---- */
#define XT_IP4_ENTRY     112U
#define XT_IP6_ENTRY     168U
#define XT_ENTRY_ALIGN   8U
#define XT_STANDARD_SIZE 40U
#define XT_ERROR_SIZE    64U

#define XT4_F_FRAG       0x1U
#define XT4_F_GOTO       0x2U
#define XT6_F_PROTO      0x1U
#define XT6_F_TOS        0x2U
#define XT6_F_GOTO       0x4U
#define XT_INV_VIA_IN    0x01U
#define XT_INV_VIA_OUT   0x02U
#define XT_INV_TOS       0x04U
#define XT_INV_SRC       0x08U
#define XT_INV_DST       0x10U
#define XT_INV_FRAG      0x20U
#define XT_INV_PROTO     0x40U

/* verdicts of the standard target: below 0 what to do, else where to jump to */
#define XT_DROP   (-1)
#define XT_ACCEPT (-2)
#define XT_QUEUE  (-4)
#define XT_RETURN (-5)

/* ---- matches ---- */
struct xt_tcp_info {
	u16 sports[2], dports[2]; /* from, to */
	u8 option, flag_mask, flag_value, invert;
};
static_assert(sizeof(struct xt_tcp_info) == 12, "struct xt_tcp");
enum { XT_TCP_INV_SPORTS = 1, XT_TCP_INV_DPORTS = 2, XT_TCP_INV_FLAGS = 4, XT_TCP_INV_OPTION = 8 };

struct xt_udp_info {
	u16 sports[2], dports[2];
	u8 invert;
};
static_assert(sizeof(struct xt_udp_info) == 10, "struct xt_udp");

struct xt_icmp_info {
	u8 type, code[2], invert;
};

struct xt_conntrack_info {  /* revision 3; 1 and 2 are its beginnings */
	u8 addrs[4][2][16]; /* original source and destination, reply source and destination; mask */
	u32 expires_min, expires_max;
	u16 proto;
	be16 ports[4];
	u16 match, invert, state_mask, status_mask;
	u16 ports_high[4];
};
static_assert(sizeof(struct xt_conntrack_info) == 164, "struct xt_conntrack_mtinfo3");
enum {
	XT_CT_STATE = 0x1,
	XT_CT_PROTO = 0x2,
	XT_CT_ADDR0 = 0x4, /* shifted by which of the four addresses */
	XT_CT_STATUS = 0x40,
	XT_CT_EXPIRES = 0x80,
	XT_CT_PORT0 = 0x100, /* likewise */
	XT_CT_DIRECTION = 0x1000,
	XT_CT_ALIAS = 0x2000
};
enum {
	XT_STATE_INVALID = 0x1,
	XT_STATE_ESTABLISHED = 0x2,
	XT_STATE_RELATED = 0x4,
	XT_STATE_NEW = 0x8,
	XT_STATE_SNAT = 0x40,
	XT_STATE_DNAT = 0x80,
	XT_STATE_UNTRACKED = 0x100,
	XT_STATE0_UNTRACKED = 0x40 /* of match "state" */
};

struct xt_owner_info {
	u32 uid_min, uid_max, gid_min, gid_max;
	u8 match, invert;
};
static_assert(sizeof(struct xt_owner_info) == 20, "struct xt_owner_match_info");
enum { XT_OWNER_UID = 1, XT_OWNER_GID = 2, XT_OWNER_SOCKET = 4, XT_OWNER_SUPPL = 8 };

#define XT_MULTIPORTS 15U
struct xt_multiport_info {
	u8 kind, count; /* kind: sources, destinations, either */
	u16 ports[XT_MULTIPORTS];
	u8 range[XT_MULTIPORTS], invert;
};
static_assert(sizeof(struct xt_multiport_info) == 48, "struct xt_multiport_v1");
enum { XT_MULTIPORT_SRC, XT_MULTIPORT_DST, XT_MULTIPORT_EITHER };

struct xt_addrtype_info { /* revision 1 */
	u16 source, dest;
	u32 flags;
};
enum { XT_ADDRTYPE_INV_SRC = 1, XT_ADDRTYPE_INV_DST = 2, XT_ADDRTYPE_IN = 4, XT_ADDRTYPE_OUT = 8 };

struct xt_limit_info {
	u32 average, burst; /* 1/10000 s for each packet */
	u64 prev;
	u32 credit, credit_cap, cost, pad;
	u64 master;
};
static_assert(sizeof(struct xt_limit_info) == 40, "struct xt_rateinfo");

/* ---- targets ---- */
enum {
	XT4_REJECT_NET,
	XT4_REJECT_HOST,
	XT4_REJECT_PROTO,
	XT4_REJECT_PORT,
	XT4_REJECT_ECHO,
	XT4_REJECT_NET_PROHIBITED,
	XT4_REJECT_HOST_PROHIBITED,
	XT4_REJECT_RESET,
	XT4_REJECT_ADMIN
};
enum {
	XT6_REJECT_NO_ROUTE,
	XT6_REJECT_ADMIN,
	XT6_REJECT_NOT_NEIGHBOUR,
	XT6_REJECT_ADDR,
	XT6_REJECT_PORT,
	XT6_REJECT_ECHO,
	XT6_REJECT_RESET,
	XT6_REJECT_POLICY,
	XT6_REJECT_ROUTE
};

enum {
	XT_NAT_IPS = 1,
	XT_NAT_PORTS = 2,
	XT_NAT_RANDOM = 4,
	XT_NAT_PERSISTENT = 8,
	XT_NAT_RANDOM_FULLY = 16,
	XT_NAT_OFFSET = 32,
	XT_NAT_NETMAP = 64
};
struct xt_nat4_info { /* struct nf_nat_ipv4_multi_range_compat */
	u32 count;    /* 1 */
	u32 flags;
	u8 min[4], max[4];
	be16 min_port, max_port;
};
static_assert(sizeof(struct xt_nat4_info) == 20, "nf_nat_ipv4_multi_range_compat");
struct xt_nat_info { /* struct nf_nat_range2; revision 1 is its beginning */
	u32 flags;
	u8 min[16], max[16];
	be16 min_port, max_port, base_port, pad;
};
static_assert(sizeof(struct xt_nat_info) == 44, "struct nf_nat_range2");

#endif

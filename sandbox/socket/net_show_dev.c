/*
 * net_show_dev.c - /proc/net's tables of interfaces, routes, neighbours and counters (proc_net(5)).
 */
#include "sandbox/socket/net_show.h"

#include <stdio.h>

#include "netstack/net/ip.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/netlink.h"

static u32 raw_word(const u8 *p)
{
	u32 w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static void put_hex(struct text_buf *b, const u8 *p, u32 n)
{
	for (u32 i = 0; i < n; i++)
		text_printf(b, "%02x", p[i]);
}

void net_show_dev(struct net_state *st, struct text_buf *b)
{
	text_printf(b, "Inter-|   Receive                                                |  Transmit\n"
		       " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
		       "errs drop fifo "
		       "colls carrier compressed\n");
	for (struct netif *n = netif_next(st->stack, NULL); n; n = netif_next(st->stack, n)) {
		const struct netif_stats *s = &n->stats;
		text_printf(b,
			    "%6s: %7lu %7lu %4lu %4lu %4lu %5lu %10lu %9lu %8lu %7lu %4lu %4lu %4lu %5lu "
			    "%7lu %10lu\n",
			    n->name, (unsigned long)s->rx_bytes, (unsigned long)s->rx_packets,
			    (unsigned long)s->rx_errors, (unsigned long)s->rx_dropped, 0UL, 0UL, 0UL,
			    (unsigned long)s->multicast, (unsigned long)s->tx_bytes,
			    (unsigned long)s->tx_packets, (unsigned long)s->tx_errors,
			    (unsigned long)s->tx_dropped, 0UL, 0UL, 0UL, 0UL);
	}
}

void net_show_dev_mcast(struct net_state *st, struct text_buf *b)
{
	for (struct netif *n = netif_next(st->stack, NULL); n; n = netif_next(st->stack, n)) {
		struct net_membership *m;
		list_for_each_entry (m, &n->groups, node) {
			u8 mac[6];
			if (!n->ethernet || !m->users)
				continue;
			ether_multicast(&m->group, mac);
			text_printf(b, "%-4u %-15s %-5u %-5u ", n->index, n->name, m->users, 0);
			put_hex(b, mac, sizeof(mac));
			text_printf(b, "\n");
		}
	}
}

void net_show_igmp(struct net_state *st, struct text_buf *b)
{
	text_printf(b, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
	for (struct netif *n = netif_next(st->stack, NULL); n; n = netif_next(st->stack, n)) {
		struct net_membership *m;
		u32 count = 0;
		list_for_each_entry (m, &n->groups, node)
			count += m->users && ip_is_v4(&m->group);
		text_printf(b, "%u\t%-10s: %5u %7s\n", n->index, n->name, count, "V3");
		list_for_each_entry (m, &n->groups, node)
			if (m->users && ip_is_v4(&m->group))
				text_printf(b, "\t\t\t\t%08X %5u %d:%08lX\t\t%d\n", raw_word(m->group.b + 12),
					    m->users, 0, 0UL, 0);
	}
}

void net_show_if_inet6(struct net_state *st, struct text_buf *b)
{
	for (struct netif *n = netif_next(st->stack, NULL); n; n = netif_next(st->stack, n)) {
		struct net_ifaddr *a;
		list_for_each_entry (a, &n->addrs, node) {
			/* the scope as Linux counts it for IPv6 */
			u32 scope = a->scope == SCOPE_HOST ? 0x10 : a->scope == SCOPE_LINK ? 0x20 : 0;
			if (ip_is_v4(&a->addr))
				continue;
			put_hex(b, a->addr.b, 16);
			text_printf(b, " %02x %02x %02x %02x %8s\n", n->index, a->prefix_len, scope,
				    (a->flags | (a->valid_until == TIME_NEVER ? (u32)IFA_PERMANENT : 0)) &
					0xff,
				    n->name);
		}
	}
}

void net_show_route(struct net_state *st, struct text_buf *b)
{
	struct net_route *r;

	text_printf(b, "%-127s\n",
		    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	list_for_each_entry (r, &st->stack->routes, node) {
		u32 mask = r->prefix_len ? ~0U << (32 - min_t(u32, r->prefix_len, 32)) : 0;
		bool gateway = !ip_is_any(&r->gateway);
		u8 bytes[4];
		size_t start = b->size;
		if (!ip_is_v4(&r->dst))
			continue;
		put_be32(bytes, mask);
		text_printf(b, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%u\t%08X\t%d\t%u\t%u",
			    r->nif ? r->nif->name : "*", raw_word(r->dst.b + 12),
			    gateway ? raw_word(r->gateway.b + 12) : 0,
			    1U | (gateway ? 2U : 0) | (r->prefix_len == 32 ? 4U : 0) | (r->nif ? 0 : 0x200U),
			    0, 0, r->metric, raw_word(bytes), 0, 0, 0);
		text_printf(b, "%*s\n", b->size - start < 127 ? (int)(127 - (b->size - start)) : 0, "");
	}
}

static void route6(struct text_buf *b, const struct ip_addr *dst, u32 prefix_len,
		   const struct ip_addr *gateway, u32 metric, u32 flags, const char *name)
{
	static const u8 zero[16];

	put_hex(b, dst->b, 16);
	text_printf(b, " %02x ", prefix_len);
	put_hex(b, zero, 16);
	text_printf(b, " 00 ");
	put_hex(b, gateway->b, 16);
	text_printf(b, " %08x %08x %08x %08x %8s\n", metric, 1, 0, flags, name);
}

void net_show_ipv6_route(struct net_state *st, struct text_buf *b)
{
	struct net_route *r;

	list_for_each_entry (r, &st->stack->routes, node)
		if (!ip_is_v4(&r->dst))
			route6(b, &r->dst, r->prefix_len, &r->gateway, r->metric,
			       1U | (ip_is_any(&r->gateway) ? 0 : 2U), r->nif ? r->nif->name : "lo");
	for (struct netif *n = netif_next(st->stack, NULL); n; n = netif_next(st->stack, n)) {
		struct net_ifaddr *a;
		list_for_each_entry (a, &n->addrs, node)
			if (!ip_is_v4(&a->addr))
				route6(b, &a->addr, 128, &IP6_ANY, 0, 0x80200001U, n->name);
	}
}

void net_show_arp(struct net_state *st, struct text_buf *b)
{
	struct net_neigh *n;

	text_printf(b, "IP address       HW type     Flags       HW address            Mask     Device\n");
	list_for_each_entry (n, &st->stack->neighs, node) {
		char ip[16];
		if (!ip_is_v4(&n->addr))
			continue;
		snprintf(ip, sizeof(ip), "%u.%u.%u.%u", n->addr.b[12], n->addr.b[13], n->addr.b[14],
			 n->addr.b[15]);
		text_printf(b, "%-16s 0x%-10x0x%-10x%02x:%02x:%02x:%02x:%02x:%02x     *        %s\n", ip, 1,
			    n->state & (NUD_INCOMPLETE | NUD_FAILED) ? 0U
			    : n->state & NUD_PERMANENT               ? 6U
								     : 2U,
			    n->mac[0], n->mac[1], n->mac[2], n->mac[3], n->mac[4], n->mac[5], n->nif->name);
	}
}

/* ---- counters ---- */

struct counter {
	const char *name;
	s32 mib; /* -1: of a thing that does not happen here */
	u64 fixed;
};

static void counters(struct net_state *st, struct text_buf *b, const char *head, const struct counter *c,
		     u32 n)
{
	text_printf(b, "%s:", head);
	for (u32 i = 0; i < n; i++)
		text_printf(b, " %s", c[i].name);
	text_printf(b, "\n%s:", head);
	for (u32 i = 0; i < n; i++)
		text_printf(b, " %ld", c[i].mib < 0 ? (long)c[i].fixed : (long)st->stack->mib[c[i].mib]);
	text_printf(b, "\n");
}

void net_show_snmp(struct net_state *st, struct text_buf *b)
{
	const struct counter ip[] = {{"Forwarding", -1, st->stack->config.ip_forward ? 1 : 2},
				     {"DefaultTTL", -1, st->stack->config.ttl},
				     {"InReceives", MIB_IpInReceives, 0},
				     {"InHdrErrors", MIB_IpInHdrErrors, 0},
				     {"InAddrErrors", MIB_IpInAddrErrors, 0},
				     {"ForwDatagrams", -1, 0},
				     {"InUnknownProtos", MIB_IpInUnknownProtos, 0},
				     {"InDiscards", MIB_IpInDiscards, 0},
				     {"InDelivers", MIB_IpInDelivers, 0},
				     {"OutRequests", MIB_IpOutRequests, 0},
				     {"OutDiscards", MIB_IpOutDiscards, 0},
				     {"OutNoRoutes", MIB_IpOutNoRoutes, 0},
				     {"ReasmTimeout", MIB_IpReasmTimeout, 0},
				     {"ReasmReqds", MIB_IpReasmReqds, 0},
				     {"ReasmOKs", MIB_IpReasmOKs, 0},
				     {"ReasmFails", MIB_IpReasmFails, 0},
				     {"FragOKs", MIB_IpFragOKs, 0},
				     {"FragFails", MIB_IpFragFails, 0},
				     {"FragCreates", MIB_IpFragCreates, 0}};
	const struct counter icmp[] = {{"InMsgs", MIB_IcmpInMsgs, 0},
				       {"InErrors", MIB_IcmpInErrors, 0},
				       {"InCsumErrors", MIB_IcmpInCsumErrors, 0},
				       {"InEchos", MIB_IcmpInEchos, 0},
				       {"OutMsgs", MIB_IcmpOutMsgs, 0},
				       {"OutEchoReps", MIB_IcmpOutEchoReps, 0}};
	const struct counter tcp[] = {{"RtoAlgorithm", -1, 1},
				      {"RtoMin", -1, 200},
				      {"RtoMax", -1, 120000},
				      {"MaxConn", -1, (u64)-1},
				      {"ActiveOpens", MIB_TcpActiveOpens, 0},
				      {"PassiveOpens", MIB_TcpPassiveOpens, 0},
				      {"AttemptFails", MIB_TcpAttemptFails, 0},
				      {"EstabResets", MIB_TcpEstabResets, 0},
				      {"CurrEstab", MIB_TcpCurrEstab, 0},
				      {"InSegs", MIB_TcpInSegs, 0},
				      {"OutSegs", MIB_TcpOutSegs, 0},
				      {"RetransSegs", MIB_TcpRetransSegs, 0},
				      {"InErrs", MIB_TcpInErrs, 0},
				      {"OutRsts", MIB_TcpOutRsts, 0},
				      {"InCsumErrors", MIB_TcpInCsumErrors, 0}};
	const struct counter udp[] = {{"InDatagrams", MIB_UdpInDatagrams, 0},
				      {"NoPorts", MIB_UdpNoPorts, 0},
				      {"InErrors", MIB_UdpInErrors, 0},
				      {"OutDatagrams", MIB_UdpOutDatagrams, 0},
				      {"RcvbufErrors", MIB_UdpRcvbufErrors, 0},
				      {"SndbufErrors", MIB_UdpSndbufErrors, 0},
				      {"InCsumErrors", MIB_UdpInCsumErrors, 0},
				      {"IgnoredMulti", MIB_UdpIgnoredMulti, 0},
				      {"MemErrors", -1, 0}};

	counters(st, b, "Ip", ip, ARRAY_COUNT(ip));
	counters(st, b, "Icmp", icmp, ARRAY_COUNT(icmp));
	counters(st, b, "Tcp", tcp, ARRAY_COUNT(tcp));
	counters(st, b, "Udp", udp, ARRAY_COUNT(udp));
}

/* TcpExt: everything that the stack counts and snmp does not show, by the names it has. */
void net_show_netstat(struct net_state *st, struct text_buf *b)
{
	static const char *const names[] = {
#define NAME(n) #n,
	    MIB_LIST(NAME)
#undef NAME
	};

	for (u32 values = 0; values < 2; values++) {
		text_printf(b, "TcpExt:");
		for (u32 i = MIB_SyncookiesSent; i < MIB_COUNT; i++) {
			if (values)
				text_printf(b, " %lu", (unsigned long)st->stack->mib[i]);
			else
				text_printf(b, " %s", names[i]);
		}
		text_printf(b, "\n");
	}
}

static u32 count_kind(struct net_state *st, enum ep_kind kind, bool v6)
{
	struct inet_sock *i;
	u32 n = 0;

	list_for_each_entry (i, &st->inet_socks, node)
		n += i->sk->ep.kind == kind && i->sk->ep.v6 == v6;
	return n;
}

void net_show_sockstat(struct net_state *st, struct text_buf *b)
{
	u32 tcp = count_kind(st, EP_TCP, false), udp = count_kind(st, EP_UDP, false),
	    raw = count_kind(st, EP_RAW, false);

	text_printf(b, "sockets: used %u\n", st->stack->sock_count);
	text_printf(b, "TCP: inuse %u orphan %u tw %u alloc %u mem %lu\n", tcp, st->stack->orphan_count,
		    st->stack->tw_count, tcp + st->stack->orphan_count,
		    (unsigned long)(st->stack->data_bytes / PAGE_SIZE));
	text_printf(b, "UDP: inuse %u mem 0\nUDPLITE: inuse 0\nRAW: inuse %u\nFRAG: inuse %u memory %u\n",
		    udp, raw, st->stack->frag_bytes ? 1 : 0, st->stack->frag_bytes);
}

void net_show_sockstat6(struct net_state *st, struct text_buf *b)
{
	text_printf(
	    b, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\nFRAG6: inuse 0 memory 0\n",
	    count_kind(st, EP_TCP, true), count_kind(st, EP_UDP, true), count_kind(st, EP_RAW, true));
}

void net_show_protocols(struct net_state *st, struct text_buf *b)
{
	static const struct {
		const char *name;
		enum ep_kind kind;
		bool v6;
	} list[] = {{"PINGv6", EP_PING, true}, {"RAWv6", EP_RAW, true},  {"UDPv6", EP_UDP, true},
		    {"TCPv6", EP_TCP, true},   {"PING", EP_PING, false}, {"RAW", EP_RAW, false},
		    {"UDP", EP_UDP, false},    {"TCP", EP_TCP, false}};

	text_printf(b, "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh "
		       "ss gs se re sp bi "
		       "br ha uh gp em\n");
	for (u32 k = 0; k < ARRAY_COUNT(list); k++)
		text_printf(b,
			    "%-9s %4u %6u  %6d   no     %4u   no  kernel      y  y  y  n  y  n  n  n  n  n  "
			    "n  n  n  n  n  n  n "
			    " n  n\n",
			    list[k].name, (u32)sizeof(struct net_sock),
			    count_kind(st, list[k].kind, list[k].v6), -1, 0);
}

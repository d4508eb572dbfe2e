/*
 * net_show.h - the texts below /proc/net: what each file says of a network namespace.
 *
 *   X(name of the function, "file")
 */
#ifndef WARREN_SOCKET_NET_SHOW_H
#define WARREN_SOCKET_NET_SHOW_H

#include "sandbox/socket/net_ns.h"
#include "sandbox/vfs/vfs.h"

#define NET_SHOW_LIST(X)                                                                                     \
	X(arp, "arp")                                                                                        \
	X(dev, "dev")                                                                                        \
	X(dev_mcast, "dev_mcast")                                                                            \
	X(icmp, "icmp")                                                                                      \
	X(icmp6, "icmp6")                                                                                    \
	X(if_inet6, "if_inet6")                                                                              \
	X(igmp, "igmp")                                                                                      \
	X(ipv6_route, "ipv6_route")                                                                          \
	X(netlink, "netlink")                                                                                \
	X(netstat, "netstat")                                                                                \
	X(packet, "packet")                                                                                  \
	X(protocols, "protocols")                                                                            \
	X(raw, "raw")                                                                                        \
	X(raw6, "raw6")                                                                                      \
	X(route, "route")                                                                                    \
	X(snmp, "snmp")                                                                                      \
	X(sockstat, "sockstat")                                                                              \
	X(sockstat6, "sockstat6")                                                                            \
	X(tcp, "tcp")                                                                                        \
	X(tcp6, "tcp6")                                                                                      \
	X(udp, "udp")                                                                                        \
	X(udp6, "udp6")                                                                                      \
	X(unix, "unix")

/* These are the owner's only. */
#define NET_SHOW_PRIVATE_LIST(X)                                                                             \
	X(ip_tables_matches, "ip_tables_matches")                                                            \
	X(ip_tables_names, "ip_tables_names")                                                                \
	X(ip_tables_targets, "ip_tables_targets")                                                            \
	X(ip6_tables_matches, "ip6_tables_matches")                                                          \
	X(ip6_tables_names, "ip6_tables_names")                                                              \
	X(ip6_tables_targets, "ip6_tables_targets")                                                          \
	X(nf_conntrack, "nf_conntrack")

#define NET_SHOW_DECLARE_(id, file) void net_show_##id(struct net_state *st, struct text_buf *b);
NET_SHOW_LIST(NET_SHOW_DECLARE_)
NET_SHOW_PRIVATE_LIST(NET_SHOW_DECLARE_)
#undef NET_SHOW_DECLARE_

#endif

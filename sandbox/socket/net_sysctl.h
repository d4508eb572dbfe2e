/*
 * net_sysctl.h - the files of /proc/sys/net: one line each makes the file and says what of the namespace's
 * stack it is.
 *
 *   X(NAME, "directory below /proc/sys", "file", mode)
 */
#ifndef WARREN_SOCKET_NET_SYSCTL_H
#define WARREN_SOCKET_NET_SYSCTL_H

#include "sandbox/vfs/vfs.h"

#define NET_SYSCTL_LIST(X)                                                                                   \
	X(SOMAXCONN, "net/core", "somaxconn", 0644)                                                          \
	X(RMEM_DEFAULT, "net/core", "rmem_default", 0444)                                                    \
	X(RMEM_MAX, "net/core", "rmem_max", 0444)                                                            \
	X(WMEM_DEFAULT, "net/core", "wmem_default", 0444)                                                    \
	X(WMEM_MAX, "net/core", "wmem_max", 0444)                                                            \
	X(IP_DEFAULT_TTL, "net/ipv4", "ip_default_ttl", 0644)                                                \
	X(IP_FORWARD, "net/ipv4", "ip_forward", 0444)                                                        \
	X(PORT_RANGE, "net/ipv4", "ip_local_port_range", 0644)                                               \
	X(UNPRIVILEGED_PORT, "net/ipv4", "ip_unprivileged_port_start", 0644)                                 \
	X(PING_GROUPS, "net/ipv4", "ping_group_range", 0644)                                                 \
	X(TCP_SACK, "net/ipv4", "tcp_sack", 0644)                                                            \
	X(TCP_TIMESTAMPS, "net/ipv4", "tcp_timestamps", 0644)                                                \
	X(TCP_WINDOW_SCALING, "net/ipv4", "tcp_window_scaling", 0644)                                        \
	X(TCP_SYNCOOKIES, "net/ipv4", "tcp_syncookies", 0644)                                                \
	X(TCP_ECN, "net/ipv4", "tcp_ecn", 0644)                                                              \
	X(TCP_FIN_TIMEOUT, "net/ipv4", "tcp_fin_timeout", 0644)                                              \
	X(TCP_SYN_RETRIES, "net/ipv4", "tcp_syn_retries", 0644)                                              \
	X(TCP_SYNACK_RETRIES, "net/ipv4", "tcp_synack_retries", 0644)                                        \
	X(TCP_RETRIES2, "net/ipv4", "tcp_retries2", 0644)                                                    \
	X(TCP_RMEM, "net/ipv4", "tcp_rmem", 0644)                                                            \
	X(TCP_WMEM, "net/ipv4", "tcp_wmem", 0644)                                                            \
	X(TCP_CONGESTION, "net/ipv4", "tcp_congestion_control", 0644)                                        \
	X(TCP_AVAILABLE, "net/ipv4", "tcp_available_congestion_control", 0444)                               \
	X(TCP_ALLOWED, "net/ipv4", "tcp_allowed_congestion_control", 0444)                                   \
	X(TCP_KEEPALIVE_TIME, "net/ipv4", "tcp_keepalive_time", 0444)                                        \
	X(TCP_KEEPALIVE_INTVL, "net/ipv4", "tcp_keepalive_intvl", 0444)                                      \
	X(TCP_KEEPALIVE_PROBES, "net/ipv4", "tcp_keepalive_probes", 0444)                                    \
	X(BINDV6ONLY, "net/ipv6", "bindv6only", 0444)                                                        \
	X(DISABLE_IPV6_ALL, "net/ipv6/conf/all", "disable_ipv6", 0444)                                       \
	X(DISABLE_IPV6_DEFAULT, "net/ipv6/conf/default", "disable_ipv6", 0444)                               \
	X(DISABLE_IPV6_LO, "net/ipv6/conf/lo", "disable_ipv6", 0444)

#define NET_SYSCTL_ENUM_(id, dir, file, mode) NET_##id,
enum net_sysctl { NET_SYSCTL_LIST(NET_SYSCTL_ENUM_) NET_SYSCTL_COUNT };
#undef NET_SYSCTL_ENUM_

/* Of the current task's network namespace. */
void net_sysctl_show(enum net_sysctl id, struct text_buf *b);
s64 net_sysctl_store(enum net_sysctl id, const char *data, size_t size) must_check;

#endif

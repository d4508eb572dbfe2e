/*
 * net_sysctl.c - see net_sysctl.h. What the stack does not let one change is read-only here.
 */
#include "sandbox/socket/net_sysctl.h"

#include <errno.h>
#include <stdlib.h>

#include "netstack/transport/tcp_priv.h"
#include "sandbox/abi/sched.h"
#include "sandbox/socket/net_ns.h"

enum kind { K_U32, K_BOOL, K_U8, K_FIXED };

/* One or more numbers: where they are kept, and between what they lie. */
struct numbers {
	enum kind kind;
	u32 count;
	void *at;
	u64 min, max;
};

static struct numbers one(enum kind kind, void *at, u64 min, u64 max)
{
	return (struct numbers){kind, 1, at, min, max};
}

/* For K_FIXED, `min` is the number. */
static bool numbers_of(struct net_state *st, enum net_sysctl id, struct numbers *out)
{
	struct net_config *c = &st->stack->config;
	struct numbers n;

	switch (id) {
	case NET_SOMAXCONN:
		n = one(K_U32, &c->somaxconn, 0, INT32_MAX);
		break;
	case NET_RMEM_DEFAULT:
	case NET_RMEM_MAX:
	case NET_WMEM_DEFAULT:
	case NET_WMEM_MAX:
		n = one(K_FIXED, NULL, 212992, 0);
		break;
	case NET_IP_DEFAULT_TTL:
		n = one(K_U32, &c->ttl, 1, 255);
		break;
	case NET_IP_FORWARD:
		n = one(K_FIXED, NULL, c->ip_forward, 0);
		break;
	case NET_PORT_RANGE: /* two that follow each other */
		n = (struct numbers){K_U32, 2, &c->port_min, 1, 65535};
		break;
	case NET_UNPRIVILEGED_PORT:
		n = one(K_U32, &st->unprivileged_port, 0, 65536);
		break;
	case NET_PING_GROUPS:
		n = (struct numbers){K_U32, 2, &st->ping_gid_min, 0, INT32_MAX};
		break;
	case NET_TCP_SACK:
		n = one(K_BOOL, &c->tcp_sack, 0, 1);
		break;
	case NET_TCP_TIMESTAMPS:
		n = one(K_BOOL, &c->tcp_timestamps, 0, 2);
		break;
	case NET_TCP_WINDOW_SCALING:
		n = one(K_BOOL, &c->tcp_wscale, 0, 1);
		break;
	case NET_TCP_SYNCOOKIES:
		n = one(K_BOOL, &c->tcp_cookies, 0, 2);
		break;
	case NET_TCP_ECN:
		n = one(K_U8, &c->tcp_ecn, 0, 2);
		break;
	case NET_TCP_FIN_TIMEOUT:
		n = one(K_U32, &c->tcp_fin_timeout_s, 0, INT32_MAX / 1000);
		break;
	case NET_TCP_SYN_RETRIES:
		n = one(K_U32, &c->tcp_syn_retries, 1, 127);
		break;
	case NET_TCP_SYNACK_RETRIES:
		n = one(K_U32, &c->tcp_synack_retries, 0, 255);
		break;
	case NET_TCP_RETRIES2:
		n = one(K_U32, &c->tcp_retries2, 0, 255);
		break;
	case NET_TCP_RMEM:
		n = (struct numbers){K_U32, 3, c->tcp_rmem, 1, INT32_MAX};
		break;
	case NET_TCP_WMEM:
		n = (struct numbers){K_U32, 3, c->tcp_wmem, 1, INT32_MAX};
		break;
	case NET_TCP_KEEPALIVE_TIME:
		n = one(K_FIXED, NULL, 7200, 0);
		break;
	case NET_TCP_KEEPALIVE_INTVL:
		n = one(K_FIXED, NULL, 75, 0);
		break;
	case NET_TCP_KEEPALIVE_PROBES:
		n = one(K_FIXED, NULL, 9, 0);
		break;
	case NET_BINDV6ONLY:
	case NET_DISABLE_IPV6_ALL:
	case NET_DISABLE_IPV6_DEFAULT:
	case NET_DISABLE_IPV6_LO:
		n = one(K_FIXED, NULL, 0, 0);
		break;
	default:
		return false;
	}
	*out = n;
	return true;
}

static u64 number_at(const struct numbers *n, u32 i)
{
	switch (n->kind) {
	case K_U32:
		return ((const u32 *)n->at)[i];
	case K_BOOL:
		return ((const bool *)n->at)[i];
	case K_U8:
		return ((const u8 *)n->at)[i];
	default:
		return n->min;
	}
}

static void show_names(struct text_buf *b)
{
	for (u32 i = 0; i < CC_COUNT; i++)
		text_printf(b, "%s%s", i ? " " : "", tcp_cc_table[i]->name);
	text_printf(b, "\n");
}

void net_sysctl_show(enum net_sysctl id, struct text_buf *b)
{
	struct net_state *st = net_ns_current()->state;
	struct numbers n;

	if (numbers_of(st, id, &n)) {
		for (u32 i = 0; i < n.count; i++)
			text_printf(b, "%s%lu", i ? "\t" : "", (unsigned long)number_at(&n, i));
		text_printf(b, "\n");
	} else if (id == NET_TCP_CONGESTION) {
		text_printf(b, "%s\n", tcp_cc_table[st->stack->config.tcp_congestion]->name);
	} else {
		show_names(b);
	}
}

static s64 store_congestion(struct net_state *st, const char *data, size_t size)
{
	size_t len = strcspn(data, " \t\n");

	for (u32 i = 0; i < CC_COUNT; i++)
		if (strlen(tcp_cc_table[i]->name) == len && !memcmp(tcp_cc_table[i]->name, data, len)) {
			st->stack->config.tcp_congestion = (u8)i;
			return (s64)size;
		}
	return -ENOENT;
}

s64 net_sysctl_store(enum net_sysctl id, const char *data, size_t size)
{
	struct net_ns *net = net_ns_current();
	struct net_state *st = net->state;
	struct numbers n;
	u64 v[3];
	char *end = NULL;

	if (!net_ns_capable(net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	if (id == NET_TCP_CONGESTION)
		return store_congestion(st, data, size);
	if (!numbers_of(st, id, &n) || n.kind == K_FIXED)
		return -EPERM;
	for (u32 i = 0; i < n.count; i++) {
		v[i] = strtoull(data, &end, 10);
		if (end == data || v[i] < n.min || v[i] > n.max)
			return -EINVAL;
		data = end;
	}
	if (*end && !strchr(" \t\n", *end))
		return -EINVAL;
	if (n.count == 2 && v[0] > v[1])
		return -EINVAL;
	for (u32 i = 0; i < n.count; i++) {
		if (n.kind == K_U32)
			((u32 *)n.at)[i] = (u32)v[i];
		else if (n.kind == K_BOOL)
			((bool *)n.at)[i] = v[i];
		else
			((u8 *)n.at)[i] = (u8)v[i];
	}
	return (s64)size;
}

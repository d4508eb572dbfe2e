/*
 * inet_nf.c - the options by which iptables-legacy and ip6tables-legacy work (IPT_SO_*, IP6T_SO_*),
 * SO_ORIGINAL_DST, and the files of packet filters below /proc/net.
 *
 * Values are as large as the tables, so these options are read and written in the guest's memory from here.
 * What a table may hold is the library's business (netstack/nf/xt_check.c).
 */
#include <errno.h>

#include "netstack/nf/nf.h"
#include "sandbox/abi/sched.h"
#include "sandbox/base/arena.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/net_show.h"

enum { /* linux/netfilter_ipv{4,6}/ip{,6}_tables.h */
       SO_REPLACE = 64,
       SO_ADD_COUNTERS = 65,
       SO_INFO = 64,
       SO_ENTRIES = 65,
       SO_REVISION_MATCH = 66,
       SO_REVISION_TARGET = 67,
       SO6_REVISION_MATCH = 68,
       SO6_REVISION_TARGET = 69,
       SO_ORIGINAL_DST = 80
};
#define REPLACE_MAX  (64U << 20)
#define COUNTERS_MAX (INT32_MAX / sizeof(struct xt_counters))

/* Does the level go with the socket? IPv4's options work on IPv6 sockets as well. */
static bool has_level(const struct inet_sock *i, int level)
{
	return level == LINUX_IPPROTO_IP || (level == LINUX_IPPROTO_IPV6 && inet_is_v6(i));
}

static bool is_inet(const struct socket *s)
{
	return s->ops == &inet_tcp_ops || s->ops == &inet_dgram_ops;
}

u32 inet_nf_option_max(const struct socket *s, int level, int name)
{
	const struct inet_sock *i;

	if (!is_inet(s) || !has_level(inet_of((struct socket *)s), level) ||
	    (name != SO_REPLACE && name != SO_ADD_COUNTERS))
		return 0;
	i = inet_of((struct socket *)s);
	/* who may not do it needs no room for it */
	return net_ns_capable(i->net, LINUX_CAP_NET_ADMIN) ? REPLACE_MAX : 1;
}

/* ---- set ---- */

static int set_replace(struct inet_sock *i, bool v6, const u8 *value, size_t size)
{
	auto_cleanup(kfreep) struct xt_counters *old = NULL;
	struct xt_getinfo info = {0};
	struct xt_replace r;
	u32 count;
	int err;

	if (size < sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	if (r.counter_count >= COUNTERS_MAX)
		return -ENOMEM;
	if (!r.counter_count || size - sizeof(r) < r.size)
		return -EINVAL;
	r.name[XT_NAME_MAX - 1] = 0;
	memcpy(info.name, r.name, sizeof(info.name));
	err = nf_table_info(inet_stack(i), v6, &info);
	if (err && err != -ENOENT)
		return err;
	/* a wrong number of counters is refused there before any is written, as is a table that is not there
	 */
	count = min_t(u32, r.counter_count, info.entry_count);
	old = kmalloc(max_t(size_t, count, 1) * sizeof(*old));
	if (!old)
		return -ENOMEM;
	err = nf_table_replace(inet_stack(i), v6, &r, value + sizeof(r), old);
	/* the table is in place: as on Linux, it is too late to fail */
	if (!err && copy_out(uaddr(r.counters), old, count * sizeof(*old)))
		return 0;
	return err;
}

static int add_counters(struct inet_sock *i, bool v6, const u8 *value, size_t size)
{
	auto_cleanup(kfreep) struct xt_counters *add = NULL;
	struct xt_counters_info info;

	if (size < sizeof(info))
		return -EINVAL;
	memcpy(&info, value, sizeof(info));
	info.name[XT_NAME_MAX - 1] = 0;
	if (size != sizeof(info) + (u64)info.count * sizeof(*add))
		return -EINVAL;
	/* aligned */
	add = kmalloc(max_t(size_t, info.count * sizeof(*add), 1));
	if (!add)
		return -ENOMEM;
	memcpy(add, value + sizeof(info), info.count * sizeof(*add));
	return nf_table_add_counters(inet_stack(i), v6, info.name, add, info.count);
}

int inet_nf_set(struct inet_sock *i, int level, int name, const void *value, size_t size)
{
	bool v6 = level == LINUX_IPPROTO_IPV6;

	if (name != SO_REPLACE && name != SO_ADD_COUNTERS)
		return -ENOPROTOOPT;
	if (!net_ns_capable(i->net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	return name == SO_REPLACE ? set_replace(i, v6, value, size) : add_counters(i, v6, value, size);
}

/* ---- get ---- */

static s64 get_info(struct inet_sock *i, bool v6, u64 user, size_t size)
{
	struct xt_getinfo info;
	int err;

	if (size != sizeof(info))
		return -EINVAL;
	if (copy_in(&info, uaddr(user), sizeof(info)))
		return -EFAULT;
	info.name[XT_NAME_MAX - 1] = 0;
	err = nf_table_info(inet_stack(i), v6, &info);
	if (err)
		return err;
	return copy_out(uaddr(user), &info, sizeof(info)) ? -EFAULT : 0;
}

static s64 get_entries(struct inet_sock *i, bool v6, u64 user, size_t size)
{
	auto_cleanup(kfreep) u8 *entries = NULL;
	struct xt_get_entries get;
	struct xt_getinfo info = {0};
	int err;

	if (size < sizeof(get))
		return -EINVAL;
	if (copy_in(&get, uaddr(user), sizeof(get)))
		return -EFAULT;
	if (size != sizeof(get) + (u64)get.size)
		return -EINVAL;
	get.name[XT_NAME_MAX - 1] = 0;
	memcpy(info.name, get.name, sizeof(info.name));
	err = nf_table_info(inet_stack(i), v6, &info);
	if (err)
		return err;
	if (info.size != get.size)
		return -EAGAIN;
	entries = kmalloc(info.size);
	if (!entries)
		return -ENOMEM;
	err = nf_table_entries(inet_stack(i), v6, get.name, entries, info.size);
	if (err)
		return err;
	return copy_out(uaddr(user + sizeof(get)), entries, info.size) ? -EFAULT : 0;
}

static s64 get_revision(bool v6, bool target, u64 user, size_t size)
{
	struct xt_get_revision r;
	int err;

	if (size != sizeof(r))
		return -EINVAL;
	if (copy_in(&r, uaddr(user), sizeof(r)))
		return -EFAULT;
	r.name[XT_EXT_NAME_MAX - 1] = 0;
	err = nf_revision(v6, r.name, r.revision, target);
	return err < 0 ? err : 0;
}

static s64 original_dst(struct inet_sock *i, bool v6, u64 user, size_t size)
{
	const struct net_ep *ep = &i->sk->ep;
	struct nf_tuple answers = {
	    .src = ep->laddr, .dst = ep->raddr, .sport = ep->lport, .dport = ep->rport, .proto = PROTO_TCP};
	struct sockaddr_k out;
	struct ip_addr addr;
	u16 port;

	if (i->sock.type != LINUX_SOCK_STREAM)
		return -ENOPROTOOPT;
	if (v6 == ip_is_v4(&ep->raddr))
		return v6 ? -ENOENT : -ENOPROTOOPT;
	if (size < (v6 ? sizeof(struct linux_sockaddr_in6) : sizeof(struct linux_sockaddr_in)))
		return -EINVAL;
	if (!nf_original_dst(inet_stack(i), &answers, &addr, &port))
		return -ENOENT;
	memset(&out, 0, sizeof(out));
	if (v6) {
		inet_name_out(i, &addr, port, 0, &out);
	} else { /* also on an IPv6 socket */
		struct linux_sockaddr_in a = {.family = LINUX_AF_INET};
		put_be16((u8 *)&a.port, port);
		memcpy(&a.addr, addr.b + 12, 4);
		memcpy(out.data, &a, sizeof(a));
		out.len = sizeof(a);
	}
	return copy_out(uaddr(user), out.data, out.len) ? -EFAULT : 0;
}

s64 inet_nf_get(struct socket *s, int level, int name, u64 user, s32 size)
{
	struct inet_sock *i;
	bool v6 = level == LINUX_IPPROTO_IPV6, match, target;

	if (!is_inet(s) || !has_level(inet_of(s), level))
		return -ENOPROTOOPT;
	i = inet_of(s);
	if (name == SO_ORIGINAL_DST)
		return original_dst(i, v6, user, (size_t)size);
	match = name == (v6 ? SO6_REVISION_MATCH : SO_REVISION_MATCH);
	target = name == (v6 ? SO6_REVISION_TARGET : SO_REVISION_TARGET);
	if (name != SO_INFO && name != SO_ENTRIES && !match && !target)
		return -ENOPROTOOPT;
	if (!net_ns_capable(i->net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	if (name == SO_INFO)
		return get_info(i, v6, user, (size_t)size);
	if (name == SO_ENTRIES)
		return get_entries(i, v6, user, (size_t)size);
	return get_revision(v6, target, user, (size_t)size);
}

/* ---- /proc/net ---- */

static void show_tables(struct net_state *st, struct text_buf *b, bool v6)
{
	const char *name;

	for (u32 n = 0; (name = nf_table_name(st->stack, v6, n)); n++)
		text_printf(b, "%s\n", name);
}

static void show_exts(struct text_buf *b, bool v6, bool target)
{
	const char *name;

	for (u32 n = 0; (name = nf_ext_name(v6, n, target)); n++)
		text_printf(b, "%s\n", name);
}

void net_show_ip_tables_names(struct net_state *st, struct text_buf *b)
{
	show_tables(st, b, false);
}

void net_show_ip6_tables_names(struct net_state *st, struct text_buf *b)
{
	show_tables(st, b, true);
}

void net_show_ip_tables_matches(struct net_state *st, struct text_buf *b)
{
	show_exts(b, false, false);
}

void net_show_ip6_tables_matches(struct net_state *st, struct text_buf *b)
{
	show_exts(b, true, false);
}

void net_show_ip_tables_targets(struct net_state *st, struct text_buf *b)
{
	show_exts(b, false, true);
}

void net_show_ip6_tables_targets(struct net_state *st, struct text_buf *b)
{
	show_exts(b, true, true);
}

static void put_addr(struct text_buf *b, const struct ip_addr *a)
{
	if (ip_is_v4(a))
		text_printf(b, "%u.%u.%u.%u", a->b[12], a->b[13], a->b[14], a->b[15]);
	else
		for (u32 i = 0; i < 16; i += 2)
			text_printf(b, "%s%04x", i ? ":" : "", get_be16(a->b + i));
}

static void put_tuple(struct text_buf *b, const struct nf_tuple *t)
{
	text_printf(b, "src=");
	put_addr(b, &t->src);
	text_printf(b, " dst=");
	put_addr(b, &t->dst);
	if (t->proto == PROTO_TCP || t->proto == PROTO_UDP)
		text_printf(b, " sport=%u dport=%u ", t->sport, t->dport);
	else if (t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6)
		text_printf(b, " type=%u code=%u id=%u ", t->dport >> 8, t->dport & 255, t->sport);
	else
		text_printf(b, " ");
}

static void put_connection(const struct nf_conn *c, void *arg)
{
	struct text_buf *b = arg;
	const struct nf_tuple *t = &c->node[NF_ORIGINAL].tuple;
	bool v4 = ip_is_v4(&t->src);
	u64 now = clock_monotonic();
	const char *name = t->proto == PROTO_TCP      ? "tcp"
			   : t->proto == PROTO_UDP    ? "udp"
			   : t->proto == PROTO_ICMP   ? "icmp"
			   : t->proto == PROTO_ICMPV6 ? "icmpv6"
						      : "unknown";

	text_printf(b, "ipv%d     %d %-8s %u %llu ", v4 ? 4 : 6, v4 ? 2 : 10, name, t->proto,
		    c->expires > now ? (unsigned long long)((c->expires - now) / NSEC_PER_SEC) : 0ULL);
	if (t->proto == PROTO_TCP)
		text_printf(b, "%s ", nf_tcp_name(c->state));
	put_tuple(b, t);
	if (!(c->status & NF_SEEN_REPLY))
		text_printf(b, "[UNREPLIED] ");
	put_tuple(b, &c->node[NF_REPLY].tuple);
	if (c->status & NF_ASSURED)
		text_printf(b, "[ASSURED] ");
	text_printf(b, "mark=0 zone=0 use=2\n");
}

void net_show_nf_conntrack(struct net_state *st, struct text_buf *b)
{
	nf_conn_walk(st->stack, put_connection, b);
}

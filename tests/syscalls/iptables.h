/*
 * iptables.h - building tables of rules by hand, in a network namespace of the case's own, and sockets to try
 * them with.
 */
#ifndef WARREN_TESTS_IPTABLES_H
#define WARREN_TESTS_IPTABLES_H

#include "case.h"

#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_owner.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <poll.h>
#include <stddef.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define ALIGN8(n) (((n) + 7U) & ~7U)
#ifndef SO_ORIGINAL_DST
#define SO_ORIGINAL_DST 80
#endif
enum { DROP = -NF_DROP - 1, ACCEPT = -NF_ACCEPT - 1, BACK = -NF_REPEAT - 1 };

/* ---- a namespace of our own ---- */

static int raw4, raw6;

static inline void start(void)
{
	struct ipt_getinfo info = {.name = "filter"};
	socklen_t size = sizeof(info);
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET))
		case_skip("no network namespaces");
	raw4 = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	raw6 = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	EXPECT(raw4 >= 0 && raw6 >= 0);
	EXPECT_EQ(ioctl(raw4, SIOCSIFFLAGS, &r), 0);
	if (getsockopt(raw4, SOL_IP, IPT_SO_GET_INFO, &info, &size) &&
	    (errno == ENOPROTOOPT || errno == ENOENT))
		case_skip("this kernel has no ip_tables");
}

/* ---- building tables ---- */

struct table {
	bool v6;
	struct ipt_replace r; /* of IPv6 the same */
	unsigned rule;
	_Alignas(8) unsigned char e[8192];
};
_Static_assert(sizeof(struct ipt_replace) == sizeof(struct ip6t_replace), "one head for both");

static inline struct ipt_entry *rule4(struct table *t)
{
	return (struct ipt_entry *)(void *)(t->e + t->rule);
}

static inline struct ip6t_entry *rule6(struct table *t)
{
	return (struct ip6t_entry *)(void *)(t->e + t->rule);
}

static inline void rule(struct table *t)
{
	unsigned head = t->v6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);

	t->rule = t->r.size;
	t->r.size += head;
	t->r.num_entries++;
	if (t->v6)
		rule6(t)->target_offset = rule6(t)->next_offset = (unsigned short)head;
	else
		rule4(t)->target_offset = rule4(t)->next_offset = (unsigned short)head;
}

static inline void proto(struct table *t, unsigned short p)
{
	if (t->v6) {
		rule6(t)->ipv6.proto = p;
		rule6(t)->ipv6.flags |= IP6T_F_PROTO;
	} else {
		rule4(t)->ip.proto = p;
	}
}

static inline void ext(struct table *t, const char *name, int revision, const void *data, unsigned size,
		       bool match)
{
	struct xt_entry_match *m = (void *)(t->e + t->r.size);
	unsigned short whole = (unsigned short)(sizeof(*m) + ALIGN8(size));

	m->u.user.match_size = whole;
	strcpy(m->u.user.name, name);
	m->u.user.revision = (unsigned char)revision;
	memcpy(m->data, data, size);
	t->r.size += whole;
	if (t->v6) {
		rule6(t)->next_offset += whole;
		if (match)
			rule6(t)->target_offset = rule6(t)->next_offset;
	} else {
		rule4(t)->next_offset += whole;
		if (match)
			rule4(t)->target_offset = rule4(t)->next_offset;
	}
}

static inline void verdict(struct table *t, int v)
{
	ext(t, "", 0, &v, sizeof(v), false);
}

static inline void dport(struct table *t, bool tcp, int port)
{
	struct xt_tcp tm = {{0, 65535}, {(unsigned short)port, (unsigned short)port}, 0, 0, 0, 0};
	struct xt_udp um = {{0, 65535}, {(unsigned short)port, (unsigned short)port}, 0};

	proto(t, tcp ? IPPROTO_TCP : IPPROTO_UDP);
	ext(t, tcp ? "tcp" : "udp", 0, tcp ? (void *)&tm : &um, tcp ? sizeof(tm) : sizeof(um), true);
}

/* Tables: begin, for each hook in order `hook`, its rules, `policy`; end. */
static inline void begin(struct table *t, bool v6, const char *name)
{
	memset(t, 0, sizeof(*t));
	t->v6 = v6;
	strcpy(t->r.name, name);
	t->r.valid_hooks = strcmp(name, "nat") ? 0xe : 0x1b;
}

static inline void hook(struct table *t, unsigned h)
{
	t->r.hook_entry[h] = t->r.size;
}

static inline void policy(struct table *t, unsigned h, int v)
{
	t->r.underflow[h] = t->r.size;
	rule(t);
	verdict(t, v);
}

static inline void error_entry(struct table *t, const char *name)
{
	char text[30] = {0};

	strcpy(text, name);
	rule(t);
	ext(t, "ERROR", 0, text, sizeof(text), false);
}

static inline void empty_hooks(struct table *t, unsigned from, unsigned to)
{
	for (unsigned h = from; h < to; h++)
		if (t->r.valid_hooks & 1U << h) {
			hook(t, h);
			policy(t, h, ACCEPT);
		}
}

static inline int level(const struct table *t)
{
	return t->v6 ? SOL_IPV6 : SOL_IP;
}

static inline int commit(struct table *t)
{
	static struct xt_counters counters[256];
	static unsigned char buf[sizeof(t->r) + sizeof(t->e)];
	struct ipt_getinfo info = {0};
	socklen_t size = sizeof(info);

	strcpy(info.name, t->r.name);
	if (getsockopt(t->v6 ? raw6 : raw4, level(t), IPT_SO_GET_INFO, &info, &size))
		return -1;
	t->r.num_counters = info.num_entries;
	t->r.counters = counters;
	memcpy(buf, &t->r, sizeof(t->r));
	memcpy(buf + sizeof(t->r), t->e, t->r.size);
	return setsockopt(t->v6 ? raw6 : raw4, level(t), IPT_SO_SET_REPLACE, buf, sizeof(t->r) + t->r.size);
}

/* The rest of a table behind the rules of hook h. */
static inline int finish(struct table *t, unsigned h)
{
	policy(t, h, ACCEPT);
	empty_hooks(t, h + 1, 5);
	error_entry(t, "ERROR");
	return commit(t);
}

/* ---- sockets ---- */

static inline socklen_t addr_of(struct sockaddr_storage *a, bool v6, int port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
	memset(a, 0, sizeof(*a));
	if (v6)
		memcpy(a, &in6, sizeof(in6));
	else
		memcpy(a, &in, sizeof(in));
	return v6 ? sizeof(in6) : sizeof(in);
}

static inline int bound(bool v6, int type, int port)
{
	struct sockaddr_storage a;
	socklen_t size = addr_of(&a, v6, port);
	int fd = socket(v6 ? AF_INET6 : AF_INET, type, 0);

	EXPECT(fd >= 0);
	EXPECT_EQ(bind(fd, (void *)&a, size), 0);
	if (type == SOCK_STREAM)
		EXPECT_EQ(listen(fd, 5), 0);
	return fd;
}

static inline long send_to(int fd, bool v6, int port, const char *text)
{
	struct sockaddr_storage a;
	socklen_t size = addr_of(&a, v6, port);

	return sendto(fd, text, strlen(text), 0, (void *)&a, size);
}

static inline int connect_to(bool v6, int port)
{
	struct sockaddr_storage a;
	socklen_t size = addr_of(&a, v6, port);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	EXPECT(fd >= 0);
	if (connect(fd, (void *)&a, size) == 0)
		return fd;
	close(fd);
	return -errno;
}

static inline bool readable(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, ms) == 1;
}

static inline void redirect_rule(struct table *t, int to)
{
	struct nf_nat_ipv4_multi_range_compat four = {.rangesize = 1,
						      .range[0] = {.flags = NF_NAT_RANGE_PROTO_SPECIFIED}};
	struct nf_nat_range six = {.flags = NF_NAT_RANGE_PROTO_SPECIFIED};

	four.range[0].min.all = four.range[0].max.all = htons((unsigned short)to);
	six.min_proto.all = six.max_proto.all = htons((unsigned short)to);
	if (t->v6)
		ext(t, "REDIRECT", 0, &six, sizeof(six), false);
	else
		ext(t, "REDIRECT", 0, &four, sizeof(four), false);
}

#endif

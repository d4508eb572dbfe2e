/*
 * test_iptables.c - iptables' tables by the options of sockets (linux/netfilter_ipv4/ip_tables.h and
 * linux/netfilter_ipv6/ip6_tables.h), and what their rules do to packets over loopback.
 */
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

static void start(void)
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

static struct ipt_entry *rule4(struct table *t)
{
	return (struct ipt_entry *)(void *)(t->e + t->rule);
}

static struct ip6t_entry *rule6(struct table *t)
{
	return (struct ip6t_entry *)(void *)(t->e + t->rule);
}

static void rule(struct table *t)
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

static void proto(struct table *t, unsigned short p)
{
	if (t->v6) {
		rule6(t)->ipv6.proto = p;
		rule6(t)->ipv6.flags |= IP6T_F_PROTO;
	} else {
		rule4(t)->ip.proto = p;
	}
}

static void ext(struct table *t, const char *name, int revision, const void *data, unsigned size, bool match)
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

static void verdict(struct table *t, int v)
{
	ext(t, "", 0, &v, sizeof(v), false);
}

static void dport(struct table *t, bool tcp, int port)
{
	struct xt_tcp tm = {{0, 65535}, {(unsigned short)port, (unsigned short)port}, 0, 0, 0, 0};
	struct xt_udp um = {{0, 65535}, {(unsigned short)port, (unsigned short)port}, 0};

	proto(t, tcp ? IPPROTO_TCP : IPPROTO_UDP);
	ext(t, tcp ? "tcp" : "udp", 0, tcp ? (void *)&tm : &um, tcp ? sizeof(tm) : sizeof(um), true);
}

/* Tables: begin, for each hook in order `hook`, its rules, `policy`; end. */
static void begin(struct table *t, bool v6, const char *name)
{
	memset(t, 0, sizeof(*t));
	t->v6 = v6;
	strcpy(t->r.name, name);
	t->r.valid_hooks = strcmp(name, "nat") ? 0xe : 0x1b;
}

static void hook(struct table *t, unsigned h)
{
	t->r.hook_entry[h] = t->r.size;
}

static void policy(struct table *t, unsigned h, int v)
{
	t->r.underflow[h] = t->r.size;
	rule(t);
	verdict(t, v);
}

static void error_entry(struct table *t, const char *name)
{
	char text[30] = {0};

	strcpy(text, name);
	rule(t);
	ext(t, "ERROR", 0, text, sizeof(text), false);
}

static void empty_hooks(struct table *t, unsigned from, unsigned to)
{
	for (unsigned h = from; h < to; h++)
		if (t->r.valid_hooks & 1U << h) {
			hook(t, h);
			policy(t, h, ACCEPT);
		}
}

static int level(const struct table *t)
{
	return t->v6 ? SOL_IPV6 : SOL_IP;
}

static int commit(struct table *t)
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
static int finish(struct table *t, unsigned h)
{
	policy(t, h, ACCEPT);
	empty_hooks(t, h + 1, 5);
	error_entry(t, "ERROR");
	return commit(t);
}

/* ---- sockets ---- */

static socklen_t addr_of(struct sockaddr_storage *a, bool v6, int port)
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

static int bound(bool v6, int type, int port)
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

static long send_to(int fd, bool v6, int port, const char *text)
{
	struct sockaddr_storage a;
	socklen_t size = addr_of(&a, v6, port);

	return sendto(fd, text, strlen(text), 0, (void *)&a, size);
}

static int connect_to(bool v6, int port)
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

static bool readable(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, ms) == 1;
}

/* ---- tables ---- */

CASE(filter_as_it_comes)
{
	struct ipt_getinfo info = {.name = "filter"};
	socklen_t size = sizeof(info);

	start();
	EXPECT_EQ(getsockopt(raw4, SOL_IP, IPT_SO_GET_INFO, &info, &size), 0);
	EXPECT_EQ(info.num_entries, 4);
	EXPECT_EQ(info.valid_hooks, 0xe);
	EXPECT_EQ(info.size, 3 * 152 + 176);
	EXPECT_EQ(info.hook_entry[NF_INET_LOCAL_OUT], 304);
	EXPECT_EQ(info.underflow[NF_INET_LOCAL_OUT], 304);
}

CASE(nat_as_it_comes)
{
	struct ip6t_getinfo info = {.name = "nat"};
	socklen_t size = sizeof(info);

	start();
	EXPECT_EQ(getsockopt(raw6, SOL_IPV6, IP6T_SO_GET_INFO, &info, &size), 0);
	EXPECT_EQ(info.num_entries, 5);
	EXPECT_EQ(info.valid_hooks, 0x1b);
	EXPECT_EQ(info.size, 4 * 208 + 232);
}

CASE(info_errors)
{
	struct ipt_getinfo info = {.name = "nosuch"};
	socklen_t size = sizeof(info);

	start();
	EXPECT_ERRNO(getsockopt(raw4, SOL_IP, IPT_SO_GET_INFO, &info, &size), ENOENT);
	strcpy(info.name, "filter");
	size = sizeof(info) - 1;
	EXPECT_ERRNO(getsockopt(raw4, SOL_IP, IPT_SO_GET_INFO, &info, &size), EINVAL);
	size = sizeof(info);
	EXPECT_ERRNO(getsockopt(raw4, SOL_IP, IPT_SO_GET_INFO, (void *)1, &size), EFAULT);
}

CASE(any_socket_of_the_family_will_do)
{
	struct ipt_getinfo info = {.name = "filter"};
	socklen_t size = sizeof(info);
	int udp;

	start();
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(getsockopt(udp, SOL_IP, IPT_SO_GET_INFO, &info, &size), 0);
	EXPECT_EQ(info.num_entries, 4);
}

CASE(without_the_capability_it_is_eperm)
{
	struct ipt_getinfo info = {.name = "filter"};
	socklen_t size = sizeof(info);
	int udp;

	start();
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(setresuid(65534, 65534, 65534), 0);
	EXPECT_ERRNO(getsockopt(udp, SOL_IP, IPT_SO_GET_INFO, &info, &size), EPERM);
	EXPECT_ERRNO(setsockopt(udp, SOL_IP, IPT_SO_SET_REPLACE, &info, sizeof(info)), EPERM);
}

CASE(entries_are_what_was_written)
{
	static struct table t;
	struct {
		struct ipt_get_entries get;
		unsigned char e[8192];
	} *buf = calloc(1, sizeof(*buf));
	socklen_t size;

	start();
	begin(&t, false, "filter");
	hook(&t, 1);
	rule(&t);
	dport(&t, false, 53);
	verdict(&t, DROP);
	EXPECT_EQ(finish(&t, 1), 0);
	strcpy(buf->get.name, "filter");
	buf->get.size = t.r.size;
	size = sizeof(buf->get) + t.r.size;
	EXPECT_EQ(getsockopt(raw4, SOL_IP, IPT_SO_GET_ENTRIES, buf, &size), 0);
	EXPECT_EQ(buf->get.entrytable[0].comefrom, 1U << NF_INET_LOCAL_IN); /* from where it can be reached */
	EXPECT_EQ(memcmp(buf->get.entrytable, t.e, offsetof(struct ipt_entry, comefrom)), 0);
	EXPECT_EQ(memcmp(buf->get.entrytable[0].elems, t.e + sizeof(struct ipt_entry),
			 buf->get.entrytable[0].next_offset - sizeof(struct ipt_entry)),
		  0);
	EXPECT_EQ(size, sizeof(buf->get) + t.r.size);
	buf->get.size = t.r.size + 8;
	EXPECT_ERRNO(getsockopt(raw4, SOL_IP, IPT_SO_GET_ENTRIES, buf, &size), EINVAL);
	size += 8;
	EXPECT_ERRNO(getsockopt(raw4, SOL_IP, IPT_SO_GET_ENTRIES, buf, &size), EAGAIN);
	size = 8;
	EXPECT_ERRNO(getsockopt(raw4, SOL_IP, IPT_SO_GET_ENTRIES, buf, &size), EINVAL);
}

CASE(revisions)
{
	static const struct {
		const char *name;
		int revision, option, want;
	} cases[] = {
	    {"tcp", 0, IPT_SO_GET_REVISION_MATCH, 0},
	    {"conntrack", 3, IPT_SO_GET_REVISION_MATCH, 0},
	    {"owner", 1, IPT_SO_GET_REVISION_MATCH, 0},
	    {"multiport", 1, IPT_SO_GET_REVISION_MATCH, 0},
	    {"nosuchmatch", 0, IPT_SO_GET_REVISION_MATCH, -ENOENT},
	    {"owner", 9, IPT_SO_GET_REVISION_MATCH, -EPROTONOSUPPORT},
	    {"REJECT", 0, IPT_SO_GET_REVISION_TARGET, 0},
	    {"DNAT", 2, IPT_SO_GET_REVISION_TARGET, 0},
	    {"", 0, IPT_SO_GET_REVISION_TARGET, 0},
	};

	start();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xt_get_revision r = {.revision = (unsigned char)cases[i].revision};
		socklen_t size = sizeof(r);
		int got;
		strcpy(r.name, cases[i].name);
		got = getsockopt(raw4, SOL_IP, cases[i].option, &r, &size);
		EXPECT_EQ(got < 0 ? -errno : got, cases[i].want);
	}
}

CASE(tables_belong_to_the_namespace)
{
	static struct table t;
	struct ipt_getinfo info = {.name = "filter"};
	socklen_t size = sizeof(info);

	start();
	begin(&t, false, "filter");
	hook(&t, 1);
	rule(&t);
	verdict(&t, DROP);
	EXPECT_EQ(finish(&t, 1), 0);
	EXPECT_EQ(unshare(CLONE_NEWNET), 0);
	close(raw4);
	raw4 = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	EXPECT_EQ(getsockopt(raw4, SOL_IP, IPT_SO_GET_INFO, &info, &size), 0);
	EXPECT_EQ(info.num_entries, 4);
}

CASE(proc_names_the_tables)
{
	char buf[64] = {0};
	int fd;

	start();
	fd = open("/proc/self/net/ip_tables_names", O_RDONLY);
	if (fd < 0 && errno == EACCES)
		case_skip("/proc belongs to another user namespace");
	EXPECT(fd >= 0);
	EXPECT(read(fd, buf, sizeof(buf) - 1) > 0);
	EXPECT(strstr(buf, "filter\n"));
}

CASE(counters_count_and_are_added)
{
	static struct table t;
	struct {
		struct xt_counters_info info;
		struct xt_counters c[4];
	} add = {.info = {.name = "filter", .num_counters = 4}, .c = {{10, 1000}, {0, 0}, {0, 0}, {7, 7}}};
	struct {
		struct ipt_get_entries get;
		unsigned char e[8192];
	} *buf = calloc(1, sizeof(*buf));
	socklen_t size;
	int u, c;

	start();
	begin(&t, false, "filter");
	empty_hooks(&t, 0, 5);
	error_entry(&t, "ERROR");
	((struct ipt_entry *)(void *)t.e)->counters.pcnt = 1000; /* begin at 0 all the same */
	EXPECT_EQ(commit(&t), 0);
	u = bound(false, SOCK_DGRAM, 5000);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(send_to(c, false, 5000, "hello"), 5);
	EXPECT(readable(u, 5000));
	EXPECT_EQ(setsockopt(raw4, SOL_IP, IPT_SO_SET_ADD_COUNTERS, &add, sizeof(add)), 0);
	strcpy(buf->get.name, "filter");
	buf->get.size = t.r.size;
	size = sizeof(buf->get) + t.r.size;
	EXPECT_EQ(getsockopt(raw4, SOL_IP, IPT_SO_GET_ENTRIES, buf, &size), 0);
	EXPECT_EQ(buf->get.entrytable[0].counters.pcnt, 11);
	EXPECT_EQ(buf->get.entrytable[0].counters.bcnt, 1033);
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_ADD_COUNTERS, &add, sizeof(add) - 16), EINVAL);
	add.info.num_counters = 3;
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_ADD_COUNTERS, &add, sizeof(add) - 16), EINVAL);
}

/* ---- filters ---- */

static void udp_is_dropped(bool v6, unsigned h)
{
	static struct table t;
	int u, c;

	start();
	begin(&t, v6, "filter");
	empty_hooks(&t, 0, h);
	hook(&t, h);
	rule(&t);
	dport(&t, false, 5000);
	verdict(&t, DROP);
	EXPECT_EQ(finish(&t, h), 0);
	u = bound(v6, SOCK_DGRAM, 5000);
	c = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	if (h == NF_INET_LOCAL_OUT)
		EXPECT_ERRNO(send_to(c, v6, 5000, "x"), EPERM);
	else
		EXPECT_EQ(send_to(c, v6, 5000, "x"), 1);
	EXPECT(!readable(u, 100));
	close(u);
	u = bound(v6, SOCK_DGRAM, 5001);
	EXPECT_EQ(send_to(c, v6, 5001, "x"), 1);
	EXPECT(readable(u, 5000));
}

CASE(input_drops)
{
	udp_is_dropped(false, NF_INET_LOCAL_IN);
}

CASE(output_drops_with_eperm)
{
	udp_is_dropped(false, NF_INET_LOCAL_OUT);
}

CASE(input_drops_ipv6)
{
	udp_is_dropped(true, NF_INET_LOCAL_IN);
}

CASE(output_drops_ipv6_with_eperm)
{
	udp_is_dropped(true, NF_INET_LOCAL_OUT);
}

static int refused_by(bool v6, unsigned h, unsigned with)
{
	static struct table t;
	int l;

	start();
	begin(&t, v6, "filter");
	empty_hooks(&t, 0, h);
	hook(&t, h);
	rule(&t);
	dport(&t, true, 5000);
	ext(&t, "REJECT", 0, &with, sizeof(with), false);
	EXPECT_EQ(finish(&t, h), 0);
	l = bound(v6, SOCK_STREAM, 5000);
	EXPECT(l >= 0);
	return connect_to(v6, 5000);
}

CASE(reject_with_a_reset)
{
	EXPECT_EQ(refused_by(false, NF_INET_LOCAL_IN, IPT_TCP_RESET), -ECONNREFUSED);
}

CASE(reject_with_port_unreachable)
{
	EXPECT_EQ(refused_by(false, NF_INET_LOCAL_IN, IPT_ICMP_PORT_UNREACHABLE), -ECONNREFUSED);
}

CASE(reject_with_host_unreachable)
{
	EXPECT_EQ(refused_by(false, NF_INET_LOCAL_OUT, IPT_ICMP_HOST_UNREACHABLE), -EHOSTUNREACH);
}

CASE(reject_with_admin_prohibited)
{
	EXPECT_EQ(refused_by(false, NF_INET_LOCAL_OUT, IPT_ICMP_ADMIN_PROHIBITED), -EHOSTUNREACH);
}

CASE(reject_ipv6_with_a_reset)
{
	EXPECT_EQ(refused_by(true, NF_INET_LOCAL_IN, 6 /* IP6T_TCP_RESET */), -ECONNREFUSED);
}

CASE(reject_ipv6_with_port_unreachable)
{
	EXPECT_EQ(refused_by(true, NF_INET_LOCAL_OUT, 4 /* IP6T_ICMP6_PORT_UNREACH */), -ECONNREFUSED);
}

CASE(owner_of_the_socket)
{
	static struct table t;
	struct xt_owner_match_info o = {.uid_min = 0, .uid_max = 0, .match = XT_OWNER_UID};
	int mine, other;

	start();
	mine = socket(AF_INET, SOCK_DGRAM, 0);
	begin(&t, false, "filter");
	empty_hooks(&t, 0, NF_INET_LOCAL_OUT);
	hook(&t, NF_INET_LOCAL_OUT);
	rule(&t);
	proto(&t, IPPROTO_UDP);
	ext(&t, "owner", 1, &o, sizeof(o), true);
	verdict(&t, DROP);
	EXPECT_EQ(finish(&t, NF_INET_LOCAL_OUT), 0);
	EXPECT_ERRNO(send_to(mine, false, 5000, "x"), EPERM);
	if (setresuid(1000, 1000, 1000))
		case_skip("one user only");
	other = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(send_to(other, false, 5000, "x"), 1);
	EXPECT_ERRNO(send_to(mine, false, 5000, "x"), EPERM); /* whose the socket is, counts */
}

CASE(several_ports)
{
	static struct table t;
	struct xt_multiport_v1 m = {
	    .flags = XT_MULTIPORT_DESTINATION, .count = 3, .ports = {53, 100, 200}, .pflags = {0, 1, 0}};
	static const struct {
		int port, hit;
	} cases[] = {{53, 1}, {54, 0}, {99, 0}, {100, 1}, {150, 1}, {200, 1}, {201, 0}};
	int c;

	start();
	begin(&t, false, "filter");
	empty_hooks(&t, 0, NF_INET_LOCAL_OUT);
	hook(&t, NF_INET_LOCAL_OUT);
	rule(&t);
	proto(&t, IPPROTO_UDP);
	ext(&t, "multiport", 1, &m, sizeof(m), true);
	verdict(&t, DROP);
	EXPECT_EQ(finish(&t, NF_INET_LOCAL_OUT), 0);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = socket(AF_INET, SOCK_DGRAM, 0);
		errno = 0;
		EXPECT_EQ(send_to(c, false, cases[i].port, "x"), cases[i].hit ? -1 : 1);
		EXPECT_EQ(errno, cases[i].hit ? EPERM : 0);
		close(c);
	}
}

CASE(new_connections_are_known_from_old_ones)
{
	static struct table t;
	struct xt_conntrack_mtinfo3 m = {.match_flags = XT_CONNTRACK_STATE,
					 .state_mask = XT_CONNTRACK_STATE_BIT(IP_CT_NEW)};
	int l, before, accepted;
	char buf[16];

	start();
	l = bound(false, SOCK_STREAM, 5000);
	/* tracked from the first rule on: a rule that never hits */
	begin(&t, false, "filter");
	hook(&t, NF_INET_LOCAL_IN);
	rule(&t);
	ext(&t, "conntrack", 3, &m, sizeof(m), true);
	verdict(&t, ACCEPT);
	EXPECT_EQ(finish(&t, NF_INET_LOCAL_IN), 0);
	before = connect_to(false, 5000);
	EXPECT(before >= 0);
	accepted = accept(l, NULL, NULL);
	begin(&t, false, "filter");
	hook(&t, NF_INET_LOCAL_IN);
	rule(&t);
	proto(&t, IPPROTO_TCP);
	ext(&t, "conntrack", 3, &m, sizeof(m), true);
	ext(&t, "REJECT", 0, &(unsigned){IPT_TCP_RESET}, 4, false);
	EXPECT_EQ(finish(&t, NF_INET_LOCAL_IN), 0);
	EXPECT_EQ(connect_to(false, 5000), -ECONNREFUSED);
	EXPECT_EQ(write(before, "still", 5), 5);
	EXPECT_EQ(read(accepted, buf, sizeof(buf)), 5);
}

CASE(chains_of_ones_own)
{
	static struct table t;
	unsigned jump;
	int c, chain;

	start();
	begin(&t, false, "filter");
	empty_hooks(&t, 0, NF_INET_LOCAL_OUT);
	hook(&t, NF_INET_LOCAL_OUT);
	rule(&t);
	jump = t.r.size + sizeof(struct xt_entry_target);
	verdict(&t, 0);
	rule(&t);
	dport(&t, false, 5001);
	verdict(&t, DROP);
	policy(&t, NF_INET_LOCAL_OUT, ACCEPT);
	error_entry(&t, "mine");
	chain = (int)t.r.size;
	memcpy(t.e + jump, &chain, sizeof(chain));
	rule(&t);
	dport(&t, false, 5000);
	verdict(&t, DROP);
	rule(&t);
	dport(&t, false, 5002);
	verdict(&t, BACK);
	rule(&t);
	verdict(&t, BACK);
	error_entry(&t, "ERROR");
	EXPECT_EQ(commit(&t), 0);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_ERRNO(send_to(c, false, 5000, "x"), EPERM);
	EXPECT_ERRNO(send_to(c, false, 5001, "x"), EPERM);
	close(c);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(send_to(c, false, 5002, "x"), 1);
}

/* ---- translation ---- */

static void redirect_rule(struct table *t, int to)
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

static void redirected(bool v6)
{
	static struct table t;
	static char big[1 << 20], got[1 << 20];
	struct sockaddr_storage a, want;
	socklen_t size = sizeof(a);
	int l, c, s;
	pid_t child;

	start();
	begin(&t, v6, "nat");
	empty_hooks(&t, 0, NF_INET_LOCAL_OUT);
	hook(&t, NF_INET_LOCAL_OUT);
	rule(&t);
	dport(&t, true, 80);
	redirect_rule(&t, 8080);
	EXPECT_EQ(finish(&t, NF_INET_LOCAL_OUT), 0);
	l = bound(v6, SOCK_STREAM, 8080);
	c = connect_to(v6, 80);
	EXPECT(c >= 0);
	s = accept(l, NULL, NULL);
	EXPECT_EQ(getpeername(c, (void *)&a, &size), 0);
	addr_of(&want, v6, 80);
	EXPECT_EQ(((struct sockaddr_in *)&a)->sin_port, ((struct sockaddr_in *)&want)->sin_port);
	size = sizeof(a);
	EXPECT_EQ(getsockname(s, (void *)&a, &size), 0);
	EXPECT_EQ(((struct sockaddr_in *)&a)->sin_port, htons(8080));
	size = sizeof(a);
	EXPECT_EQ(getsockopt(s, v6 ? SOL_IPV6 : SOL_IP, SO_ORIGINAL_DST, &a, &size), 0);
	EXPECT_EQ(size, sizeof(a)); /* as it was given */
	EXPECT_EQ(((struct sockaddr_in *)&a)->sin_port, htons(80));
	memset(big, 'x', sizeof(big));
	child = fork();
	if (!child) {
		for (size_t at = 0; at < sizeof(big);) {
			ssize_t n = write(c, big + at, sizeof(big) - at);
			if (n <= 0)
				_exit(1);
			at += (size_t)n;
		}
		_exit(0);
	}
	EXPECT_EQ(recv(s, got, sizeof(got), MSG_WAITALL), sizeof(got));
	EXPECT_EQ(memcmp(got, big, sizeof(got)), 0);
	EXPECT_EQ(write(s, "done", 4), 4);
	EXPECT_EQ(read(c, got, 16), 4);
	EXPECT_EQ(waitpid(child, NULL, 0), child);
}

CASE(redirect)
{
	redirected(false);
}

CASE(redirect_ipv6)
{
	redirected(true);
}

CASE(dnat_of_datagrams)
{
	static struct table t;
	struct nf_nat_ipv4_multi_range_compat n = {
	    .rangesize = 1, .range[0] = {.flags = NF_NAT_RANGE_PROTO_SPECIFIED | NF_NAT_RANGE_MAP_IPS}};
	struct sockaddr_in from, to = {.sin_family = AF_INET, .sin_port = htons(53)};
	socklen_t size = sizeof(from);
	int u, c;
	char buf[16];

	start();
	n.range[0].min_ip = n.range[0].max_ip = htonl(INADDR_LOOPBACK);
	n.range[0].min.all = n.range[0].max.all = htons(5353);
	begin(&t, false, "nat");
	empty_hooks(&t, 0, NF_INET_LOCAL_OUT);
	hook(&t, NF_INET_LOCAL_OUT);
	rule(&t);
	dport(&t, false, 53);
	ext(&t, "DNAT", 0, &n, sizeof(n), false);
	EXPECT_EQ(finish(&t, NF_INET_LOCAL_OUT), 0);
	u = bound(false, SOCK_DGRAM, 5353);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	to.sin_addr.s_addr = htonl(0x7f010203);
	EXPECT_EQ(sendto(c, "question", 8, 0, (void *)&to, sizeof(to)), 8);
	EXPECT_EQ(recvfrom(u, buf, sizeof(buf), 0, (void *)&from, &size), 8);
	EXPECT_EQ(sendto(u, "answer", 6, 0, (void *)&from, sizeof(from)), 6);
	size = sizeof(from);
	EXPECT_EQ(recvfrom(c, buf, sizeof(buf), 0, (void *)&from, &size), 6);
	EXPECT_EQ(from.sin_addr.s_addr, to.sin_addr.s_addr);
	EXPECT_EQ(from.sin_port, to.sin_port);
}

CASE(snat_of_the_source)
{
	static struct table t;
	struct nf_nat_ipv4_multi_range_compat n = {
	    .rangesize = 1, .range[0] = {.flags = NF_NAT_RANGE_PROTO_SPECIFIED | NF_NAT_RANGE_MAP_IPS}};
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	int u, c;
	char buf[16];

	start();
	n.range[0].min_ip = n.range[0].max_ip = htonl(0x7f000009);
	n.range[0].min.all = n.range[0].max.all = htons(999);
	begin(&t, false, "nat");
	empty_hooks(&t, 0, NF_INET_POST_ROUTING);
	hook(&t, NF_INET_POST_ROUTING);
	rule(&t);
	dport(&t, false, 5353);
	ext(&t, "SNAT", 0, &n, sizeof(n), false);
	EXPECT_EQ(finish(&t, NF_INET_POST_ROUTING), 0);
	u = bound(false, SOCK_DGRAM, 5353);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(send_to(c, false, 5353, "question"), 8);
	EXPECT_EQ(recvfrom(u, buf, sizeof(buf), 0, (void *)&from, &size), 8);
	EXPECT_EQ(from.sin_addr.s_addr, htonl(0x7f000009));
	EXPECT_EQ(from.sin_port, htons(999));
	EXPECT_EQ(sendto(u, "answer", 6, 0, (void *)&from, sizeof(from)), 6);
	size = sizeof(from);
	EXPECT_EQ(recvfrom(c, buf, sizeof(buf), 0, (void *)&from, &size), 6);
	EXPECT_EQ(from.sin_port, htons(5353));
}

CASE(original_dst_needs_a_connection)
{
	struct sockaddr_in a;
	socklen_t size = sizeof(a);
	int c, u;

	start();
	c = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_ERRNO(getsockopt(c, SOL_IP, SO_ORIGINAL_DST, &a, &size), ENOENT);
	u = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_ERRNO(getsockopt(u, SOL_IP, SO_ORIGINAL_DST, &a, &size), ENOPROTOOPT);
}

/* ---- what is refused ---- */

static void good(struct table *t)
{
	begin(t, false, "filter");
	hook(t, 1);
	rule(t);
	dport(t, false, 53);
	verdict(t, DROP);
	policy(t, 1, ACCEPT);
	empty_hooks(t, 2, 5);
	error_entry(t, "mine");
	rule(t);
	verdict(t, BACK);
	error_entry(t, "ERROR");
}

CASE(bad_entries)
{
	static const struct {
		unsigned at, size, value;
		int err;
	} cases[] = {
	    {88, 2, 0, EINVAL},
	    {88, 2, 111, EINVAL},
	    {88, 2, 0xffff, EINVAL},
	    {90, 2, 0, EINVAL},
	    {90, 2, 8, EINVAL},
	    {90, 2, 0xfff8, EINVAL},
	    {90, 2, 201, EINVAL},
	    {82, 1, 0xfc, EINVAL},
	    {83, 1, 0x80, EINVAL},
	    {80, 2, 6, EINVAL},
	    {112, 2, 0, EINVAL},
	    {112, 2, 0xfff8, EINVAL},
	    {114, 1, 'x', ENOENT},
	    {143, 1, 7, ENOENT},
	    {152, 1, 0xff, EINVAL},
	    {160, 2, 0, EINVAL},
	    {160, 2, 0xffff, EINVAL},
	    {162, 1, 'Z', ENOENT},
	    {192, 4, 4, ELOOP},
	    {192, 4, 0, EINVAL},
	    {192, 4, INT_MAX, ELOOP},
	    {192, 4, (unsigned)-3, EINVAL},
	    {192, 4, (unsigned)-100, EINVAL},
	};
	static struct table t;

	start();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		good(&t);
		memcpy(t.e + cases[i].at, &cases[i].value, cases[i].size);
		errno = 0;
		if (commit(&t) != -1 || errno != cases[i].err)
			case_fail(__FILE__, __LINE__, "case %u: %s instead of %s", i, errno_name(errno),
				  errno_name(cases[i].err));
	}
	good(&t);
	EXPECT_EQ(commit(&t), 0);
}

CASE(bad_replacements)
{
	static struct table t;
	static unsigned char buf[16384];
	struct ipt_replace *r = (void *)buf;

	start();
	good(&t);
	t.r.num_counters = 0;
	memcpy(buf, &t.r, sizeof(t.r));
	memcpy(buf + sizeof(t.r), t.e, t.r.size);
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size), EINVAL);
	r->num_counters = 0xffffffff;
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size), ENOMEM);
	r->num_counters = 5;
	r->counters = (void *)buf;
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size), EAGAIN);
	r->num_counters = 4;
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size - 8), EINVAL);
	r->num_entries++;
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size), EINVAL);
	r->num_entries--;
	r->hook_entry[1] += 8;
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size), EINVAL);
	r->hook_entry[1] -= 8;
	r->underflow[1] = 0;
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size), EINVAL);
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, (void *)1, sizeof(t.r) + t.r.size), EFAULT);
	strcpy(r->name, "nosuch"); /* what is wrong with the entries comes first */
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size), EINVAL);
	r->underflow[1] = t.r.underflow[1];
	EXPECT_ERRNO(setsockopt(raw4, SOL_IP, IPT_SO_SET_REPLACE, buf, sizeof(t.r) + t.r.size), ENOENT);
}

CASE(chains_that_never_end)
{
	static struct table t;
	unsigned jump;
	int chain;

	start();
	begin(&t, false, "filter");
	hook(&t, 1);
	rule(&t);
	jump = t.r.size + sizeof(struct xt_entry_target);
	verdict(&t, 0);
	policy(&t, 1, ACCEPT);
	empty_hooks(&t, 2, 5);
	error_entry(&t, "mine");
	chain = (int)t.r.size;
	memcpy(t.e + jump, &chain, sizeof(chain));
	rule(&t);
	dport(&t, false, 53);
	verdict(&t, chain);
	rule(&t);
	verdict(&t, BACK);
	error_entry(&t, "ERROR");
	EXPECT_EQ(commit(&t), -1);
	EXPECT_EQ(errno, ELOOP);
}

CASE(targets_have_their_places)
{
	static struct table t;

	start();
	begin(&t, false, "filter");
	hook(&t, 1);
	rule(&t);
	redirect_rule(&t, 80);
	EXPECT_EQ(finish(&t, 1), -1);
	EXPECT_EQ(errno, EINVAL);
	begin(&t, false, "nat");
	hook(&t, 0);
	rule(&t);
	ext(&t, "REJECT", 0, &(unsigned){IPT_TCP_RESET}, 4, false);
	EXPECT_EQ(finish(&t, 0), -1);
	EXPECT_EQ(errno, EINVAL);
	begin(&t, false, "filter");
	hook(&t, 1);
	rule(&t);
	ext(&t, "REJECT", 0, &(unsigned){IPT_TCP_RESET}, 4, false); /* of what is not TCP */
	EXPECT_EQ(finish(&t, 1), -1);
	EXPECT_EQ(errno, EINVAL);
}

/*
 * test_iptables.c - iptables' tables by the options of sockets (linux/netfilter_ipv4/ip_tables.h and
 * linux/netfilter_ipv6/ip6_tables.h): reading and replacing them, and what is refused. What rules do:
 * test_iptables_rules.c.
 */
#include "iptables.h"

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

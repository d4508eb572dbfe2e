/*
 * test_iptables_rules.c - what iptables' rules do to packets over loopback: filters and translation.
 */
#include "iptables.h"

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

/*
 * test_rtnetlink.c - links, addresses and routes by rtnetlink(7), in a network namespace of the case's own.
 */
#include "netlink.h"

/* ---- links, addresses, routes ---- */

struct found {
	int lo, v4, v6;
};

static void see_link(struct nlmsghdr *h, void *arg)
{
	struct ifinfomsg *i = NLMSG_DATA(h);
	struct rtattr *name = find_attr(h, sizeof(*i), IFLA_IFNAME),
		      *mtu = find_attr(h, sizeof(*i), IFLA_MTU);

	EXPECT_EQ(h->nlmsg_type, RTM_NEWLINK);
	EXPECT(name && mtu);
	if (strcmp(RTA_DATA(name), "lo"))
		return;
	((struct found *)arg)->lo++;
	EXPECT_EQ(i->ifi_type, 772);
	EXPECT(i->ifi_flags & IFF_LOOPBACK);
	EXPECT_EQ(*(int *)RTA_DATA(mtu), 65536);
	EXPECT(find_attr(h, sizeof(*i), IFLA_STATS64) != NULL);
	EXPECT(find_attr(h, sizeof(*i), IFLA_ADDRESS) != NULL);
}

CASE(a_dump_of_links_has_loopback)
{
	struct found f = {0};
	struct request r;

	begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	EXPECT(dump(route_socket(), &r, see_link, &f) >= 1);
	EXPECT_EQ(f.lo, 1);
}

CASE(a_dump_with_a_short_header_works)
{
	struct found f = {0};
	struct request r;

	begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(struct rtgenmsg));
	EXPECT(dump(route_socket(), &r, see_link, &f) >= 1);
	EXPECT_EQ(f.lo, 1);
}

CASE(one_link_by_name)
{
	struct request r;
	char buf[8192];
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	struct ifinfomsg *i = begin(&r, RTM_GETLINK, 0, sizeof(*i));
	int fd = route_socket();

	attr(&r, IFLA_IFNAME, "lo", 3);
	ask(fd, &r);
	EXPECT(recv(fd, buf, sizeof(buf), 0) > 0);
	EXPECT_EQ(h->nlmsg_type, RTM_NEWLINK);
	EXPECT(!(h->nlmsg_flags & NLM_F_MULTI));
}

CASE(no_such_link_is_enodev)
{
	struct request r;
	struct ifinfomsg *i = begin(&r, RTM_GETLINK, 0, sizeof(*i));

	i->ifi_index = 9999;
	EXPECT_EQ(acknowledged(route_socket(), &r), ENODEV);
}

static void see_addr(struct nlmsghdr *h, void *arg)
{
	struct ifaddrmsg *a = NLMSG_DATA(h);
	struct rtattr *addr = find_attr(h, sizeof(*a), IFA_ADDRESS);
	struct found *f = arg;

	EXPECT_EQ(h->nlmsg_type, RTM_NEWADDR);
	EXPECT(addr != NULL);
	if (a->ifa_family == AF_INET && *(uint32_t *)RTA_DATA(addr) == htonl(INADDR_LOOPBACK)) {
		f->v4++;
		EXPECT_EQ(a->ifa_prefixlen, 8);
		EXPECT_EQ(a->ifa_scope, RT_SCOPE_HOST);
		EXPECT(find_attr(h, sizeof(*a), IFA_LABEL) != NULL);
	}
	if (a->ifa_family == AF_INET6 && !memcmp(RTA_DATA(addr), &in6addr_loopback, 16)) {
		f->v6++;
		EXPECT_EQ(a->ifa_prefixlen, 128);
	}
}

CASE(a_dump_of_addresses_has_loopbacks)
{
	struct found f = {0};
	struct request r;

	begin(&r, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	EXPECT(dump(route_socket(), &r, see_addr, &f) >= 2);
	EXPECT_EQ(f.v4, 1);
	EXPECT_EQ(f.v6, 1);
}

static void only_v4(struct nlmsghdr *h, void *arg)
{
	EXPECT_EQ(*(unsigned char *)NLMSG_DATA(h), AF_INET);
}

CASE(a_dump_of_one_family_has_no_other)
{
	struct request r;
	struct ifaddrmsg *a = begin(&r, RTM_GETADDR, NLM_F_DUMP, sizeof(*a));

	a->ifa_family = AF_INET;
	EXPECT(dump(route_socket(), &r, only_v4, NULL) >= 1);
}

static void see_local_route(struct nlmsghdr *h, void *arg)
{
	struct rtmsg *m = NLMSG_DATA(h);
	struct rtattr *dst = find_attr(h, sizeof(*m), RTA_DST);

	if (m->rtm_family == AF_INET && m->rtm_table == RT_TABLE_LOCAL && m->rtm_type == RTN_LOCAL && dst &&
	    m->rtm_dst_len == 32 && *(uint32_t *)RTA_DATA(dst) == htonl(INADDR_LOOPBACK))
		((struct found *)arg)->v4++;
}

CASE(a_dump_of_routes_has_the_local_ones)
{
	struct found f = {0};
	struct request r;

	begin(&r, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg));
	EXPECT(dump(route_socket(), &r, see_local_route, &f) >= 2);
	EXPECT_EQ(f.v4, 1);
}

CASE(the_way_to_loopback)
{
	struct request r;
	char buf[4096];
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	struct rtmsg *m = begin(&r, RTM_GETROUTE, 0, sizeof(*m));
	uint32_t dst = htonl(INADDR_LOOPBACK);
	int fd = route_socket();

	m->rtm_family = AF_INET;
	m->rtm_dst_len = 32;
	attr(&r, RTA_DST, &dst, 4);
	ask(fd, &r);
	EXPECT(recv(fd, buf, sizeof(buf), 0) > 0);
	EXPECT_EQ(h->nlmsg_type, RTM_NEWROUTE);
	m = NLMSG_DATA(h);
	EXPECT_EQ(m->rtm_type, RTN_LOCAL);
	EXPECT_EQ(*(unsigned *)RTA_DATA(find_attr(h, sizeof(*m), RTA_OIF)), if_nametoindex("lo"));
}

CASE(rules_are_the_three)
{
	struct request r;
	struct rtmsg *m = begin(&r, RTM_GETRULE, NLM_F_DUMP, sizeof(*m));

	m->rtm_family = AF_INET;
	EXPECT(dump(route_socket(), &r, NULL, NULL) >= 3);
}

CASE(neighbours_can_be_dumped)
{
	struct request r;

	begin(&r, RTM_GETNEIGH, NLM_F_DUMP, sizeof(struct ndmsg));
	EXPECT(dump(route_socket(), &r, NULL, NULL) >= 0);
}

CASE(changes_need_a_capability)
{
	struct request r;
	struct ifinfomsg *i = begin(&r, RTM_NEWLINK, 0, sizeof(*i));
	int fd;

	if (setresuid(65534, 65534, 65534))
		case_skip("not root");
	fd = route_socket();
	i->ifi_index = 1;
	i->ifi_change = IFF_UP;
	EXPECT_EQ(acknowledged(fd, &r), EPERM);
}

CASE(a_new_namespace_has_loopback_down)
{
	struct sockaddr_storage a;
	socklen_t len = loop_addr(AF_INET, 9, &a);
	int fd;

	own_netns();
	EXPECT_ERRNO(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, len), ENETUNREACH);
	fd = route_socket();
	set_up(fd, 1, true);
	EXPECT_ERRNO(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, len), ECONNREFUSED);
}

CASE(namespaces_do_not_hear_each_other)
{
	int l = listener(AF_INET, 1), port = port_of(l), fd;

	own_netns();
	set_up(route_socket(), 1, true);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_ERRNO(connect_port(fd, AF_INET, port), ECONNREFUSED);
}

static int change_addr(int fd, int type, int flags, uint32_t host, int prefix)
{
	struct request r;
	struct ifaddrmsg *a = begin(&r, type, flags, sizeof(*a));
	uint32_t addr = htonl(host);

	a->ifa_family = AF_INET;
	a->ifa_prefixlen = (unsigned char)prefix;
	a->ifa_index = 1;
	attr(&r, IFA_LOCAL, &addr, 4);
	attr(&r, IFA_ADDRESS, &addr, 4);
	return acknowledged(fd, &r);
}

/* A link-local address means nothing without its device, so an accepted connection is bound to it. */
CASE(accepted_link_local_peers_have_a_scope)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_scope_id = 1}, peer;
	socklen_t len = sizeof(peer);
	struct request r;
	struct ifaddrmsg *m;
	int fd, l, c, s = -1;

	own_netns();
	fd = route_socket();
	set_up(fd, 1, true);
	inet_pton(AF_INET6, "fe80::1", &a.sin6_addr);
	m = begin(&r, RTM_NEWADDR, NLM_F_CREATE, sizeof(*m));
	m->ifa_family = AF_INET6;
	m->ifa_prefixlen = 64;
	m->ifa_flags = IFA_F_NODAD; /* of use at once */
	m->ifa_index = 1;
	attr(&r, IFA_LOCAL, &a.sin6_addr, 16);
	EXPECT_EQ(acknowledged(fd, &r), 0);
	l = socket(AF_INET6, SOCK_STREAM, 0);
	EXPECT_EQ(listen(l, 8), 0);
	a.sin6_port = htons((uint16_t)port_of(l));
	/* on Linux the address is of use a moment later */
	memset(&peer, 0, sizeof(peer));
	for (int k = 0; k < 50 && memcmp(&peer.sin6_addr, &a.sin6_addr, 16); k++) {
		if (k)
			usleep(100000);
		c = socket(AF_INET6, SOCK_STREAM, 0);
		if (connect(c, (struct sockaddr *)&a, sizeof(a)) == 0)
			s = accept(l, (struct sockaddr *)&peer, &len);
	}
	EXPECT(s >= 0);
	EXPECT_EQ(memcmp(&peer.sin6_addr, &a.sin6_addr, 16), 0);
	EXPECT_EQ(peer.sin6_scope_id, 1);
	EXPECT_EQ(getsockname(s, (struct sockaddr *)&peer, &len), 0);
	EXPECT_EQ(peer.sin6_scope_id, 1);
	EXPECT_EQ(opt_int(s, SOL_SOCKET, SO_BINDTOIFINDEX), 1);
	EXPECT_EQ(opt_int(l, SOL_SOCKET, SO_BINDTOIFINDEX), 0);
}

CASE(addresses_come_and_go)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010203)};
	int fd;

	own_netns();
	fd = route_socket();
	set_up(fd, 1, true);
	EXPECT_ERRNO(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)), EADDRNOTAVAIL);
	EXPECT_EQ(change_addr(fd, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, 0x0a010203, 24), 0);
	EXPECT_EQ(change_addr(fd, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, 0x0a010203, 24), EEXIST);
	EXPECT_EQ(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_EQ(change_addr(fd, RTM_DELADDR, 0, 0x0a010203, 24), 0);
	EXPECT_EQ(change_addr(fd, RTM_DELADDR, 0, 0x0a010203, 24), EADDRNOTAVAIL);
	EXPECT_EQ(change_addr(fd, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, 0x0a010203, 33), EINVAL);
}

CASE(changes_are_told_to_who_listens)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR}, from;
	socklen_t len = sizeof(from);
	char buf[8192];
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	int fd, ears;

	own_netns();
	fd = route_socket();
	ears = route_socket();
	EXPECT_EQ(bind(ears, (struct sockaddr *)&a, sizeof(a)), 0);
	set_up(fd, 1, true);
	EXPECT(recvfrom(ears, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) > 0);
	EXPECT(h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_NEWADDR);
	EXPECT(from.nl_groups != 0);
}

CASE(a_dummy_link_is_made_and_routed_over)
{
	struct request r;
	struct ifinfomsg *i;
	struct rtattr *info;
	struct rtmsg *m;
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x0a090001)};
	uint32_t dst = htonl(0x0a090000), oif;
	char kind[16] = {0};
	int fd, c;

	own_netns();
	fd = route_socket();
	c = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_ERRNO(connect(c, (struct sockaddr *)&to, sizeof(to)), ENETUNREACH);
	i = begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*i));
	attr(&r, IFLA_IFNAME, "d0", 3);
	info = (struct rtattr *)kind;
	info->rta_type = IFLA_INFO_KIND;
	info->rta_len = RTA_LENGTH(5);
	memcpy(RTA_DATA(info), "dummy", 5);
	attr(&r, IFLA_LINKINFO, kind, RTA_SPACE(5));
	if (acknowledged(fd, &r))
		case_skip("no dummy links here");
	EXPECT_EQ(acknowledged(fd, &r), EEXIST);
	oif = if_nametoindex("d0");
	EXPECT(oif > 1);
	set_up(fd, (int)oif, true);
	set_up(fd, 1, true);
	EXPECT_EQ(change_addr(fd, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, 0x0a000001, 32), 0);
	m = begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*m));
	*m = (struct rtmsg){.rtm_family = AF_INET,
			    .rtm_dst_len = 16,
			    .rtm_table = RT_TABLE_MAIN,
			    .rtm_protocol = RTPROT_BOOT,
			    .rtm_scope = RT_SCOPE_LINK,
			    .rtm_type = RTN_UNICAST};
	attr(&r, RTA_DST, &dst, 4);
	attr(&r, RTA_OIF, &oif, 4);
	EXPECT_EQ(acknowledged(fd, &r), 0);
	EXPECT_EQ(acknowledged(fd, &r), EEXIST);
	EXPECT_EQ(connect(c, (struct sockaddr *)&to, sizeof(to)), 0);
	EXPECT_EQ(send(c, "x", 1, 0), 1);
	r.h.nlmsg_type = RTM_DELROUTE;
	r.h.nlmsg_flags = NLM_F_REQUEST;
	EXPECT_EQ(acknowledged(fd, &r), 0);
	EXPECT_EQ(acknowledged(fd, &r), ESRCH);
	i = begin(&r, RTM_DELLINK, 0, sizeof(*i));
	i->ifi_index = (int)oif;
	EXPECT_EQ(acknowledged(fd, &r), 0);
	EXPECT_EQ(if_nametoindex("d0"), 0);
}

CASE(getifaddrs_finds_loopback)
{
	struct ifaddrs *all, *i;
	int v4 = 0, packet = 0;

	EXPECT_EQ(getifaddrs(&all), 0);
	for (i = all; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, "lo") || !i->ifa_addr)
			continue;
		v4 += i->ifa_addr->sa_family == AF_INET;
		packet += i->ifa_addr->sa_family == AF_PACKET;
	}
	EXPECT_EQ(v4, 1);
	EXPECT_EQ(packet, 1);
	freeifaddrs(all);
}

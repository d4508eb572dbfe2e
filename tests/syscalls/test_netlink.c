/*
 * Netlink sockets (netlink(7)), rtnetlink(7), sock_diag(7), ioctls of netdevice(7), packet sockets
 * (packet(7)). What changes something does so in a network namespace of its own.
 */
#include "inet.h"

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/ethernet.h>
#include <sched.h>
#include <sys/uio.h>

struct request {
	struct nlmsghdr h;
	char body[512];
};

static int route_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	EXPECT(fd >= 0);
	return fd;
}

static void *begin(struct request *r, int type, int flags, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->h = (struct nlmsghdr){.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
				 .nlmsg_type = (uint16_t)type,
				 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				 .nlmsg_seq = 42};
	return NLMSG_DATA(&r->h);
}

static void attr(struct request *r, int type, const void *data, size_t size)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(a), data, size);
	r->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static void ask(int fd, struct request *r)
{
	EXPECT_EQ(send(fd, r, r->h.nlmsg_len, 0), r->h.nlmsg_len);
}

/* The errno of an acknowledgement. */
static int acknowledged(int fd, struct request *r)
{
	char buf[4096];
	struct nlmsghdr *h = (struct nlmsghdr *)buf;

	r->h.nlmsg_flags |= NLM_F_ACK;
	ask(fd, r);
	EXPECT(recv(fd, buf, sizeof(buf), 0) >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)));
	EXPECT_EQ(h->nlmsg_type, NLMSG_ERROR);
	EXPECT_EQ(h->nlmsg_seq, r->h.nlmsg_seq);
	return -((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

/* Calls fn for each message of a dump; how many there were. */
static int dump(int fd, struct request *r, void (*fn)(struct nlmsghdr *h, void *arg), void *arg)
{
	static char buf[65536];
	int count = 0;

	ask(fd, r);
	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		EXPECT(n > 0);
		for (struct nlmsghdr *h = (struct nlmsghdr *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			EXPECT_EQ(h->nlmsg_seq, 42);
			if (h->nlmsg_type == NLMSG_DONE)
				return count;
			EXPECT(h->nlmsg_type != NLMSG_ERROR);
			EXPECT(h->nlmsg_flags & NLM_F_MULTI);
			count++;
			if (fn)
				fn(h, arg);
		}
	}
}

static struct rtattr *find_attr(struct nlmsghdr *h, size_t header, int type)
{
	int left = (int)(h->nlmsg_len - NLMSG_SPACE(header));

	for (struct rtattr *a = (struct rtattr *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(header));
	     RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return a;
	return NULL;
}

static void own_netns(void)
{
	if (unshare(CLONE_NEWNET))
		case_skip("no new network namespace");
}

/* ---- the socket ---- */

CASE(kinds_and_protocols)
{
	EXPECT(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) >= 0);
	EXPECT(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG) >= 0);
	EXPECT_ERRNO(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
	EXPECT_ERRNO(socket(AF_NETLINK, SOCK_RAW, 99), EPROTONOSUPPORT);
	EXPECT_ERRNO(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
}

CASE(bind_gives_the_process_id_then_others)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(a);
	int fd = route_socket(), fd2 = route_socket();

	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	EXPECT_EQ(len, sizeof(a));
	EXPECT_EQ(a.nl_pid, getpid());
	a.nl_pid = 0;
	EXPECT_EQ(bind(fd2, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_EQ(getsockname(fd2, (struct sockaddr *)&a, &len), 0);
	EXPECT(a.nl_pid != 0 && a.nl_pid != (unsigned)getpid());
}

CASE(bind_checks_its_address)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_pid = 12345};
	int fd = route_socket(), fd2 = route_socket();

	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, 8), EINVAL);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_ERRNO(bind(fd2, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE);
	a.nl_pid = 54321;
	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EINVAL);
	a.nl_family = AF_INET;
	EXPECT_ERRNO(bind(fd2, (struct sockaddr *)&a, sizeof(a)), EINVAL);
}

CASE(listen_accept_and_shutdown_are_not_for_it)
{
	int fd = route_socket();

	EXPECT_ERRNO(listen(fd, 1), EOPNOTSUPP);
	EXPECT_ERRNO(accept(fd, NULL, NULL), EOPNOTSUPP);
	EXPECT_ERRNO(shutdown(fd, SHUT_RD), EOPNOTSUPP);
}

CASE(an_empty_queue_is_eagain)
{
	char c;

	EXPECT_ERRNO(recv(route_socket(), &c, 1, MSG_DONTWAIT), EAGAIN);
}

CASE(options_of_netlink_are_kept)
{
	int fd = route_socket();

	EXPECT_EQ(opt_int(fd, SOL_NETLINK, NETLINK_CAP_ACK), 0);
	EXPECT_EQ(set_int(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1), 0);
	EXPECT_EQ(opt_int(fd, SOL_NETLINK, NETLINK_CAP_ACK), 1);
	EXPECT_EQ(set_int(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1), 0);
	EXPECT_EQ(set_int(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1), 0);
	EXPECT_ERRNO(set_int(fd, SOL_NETLINK, 99, 1), ENOPROTOOPT);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_PROTOCOL), NETLINK_ROUTE);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_DOMAIN), AF_NETLINK);
	EXPECT_EQ(set_int(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK), 0);
	EXPECT_ERRNO(set_int(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 0), EINVAL);
}

CASE(the_sender_of_an_answer_is_the_kernel)
{
	struct request r;
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	char buf[8192];
	struct ifinfomsg *i = begin(&r, RTM_GETLINK, 0, sizeof(*i));
	int fd = route_socket();

	i->ifi_index = (int)if_nametoindex("lo");
	ask(fd, &r);
	EXPECT(recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) > 0);
	EXPECT_EQ(len, sizeof(from));
	EXPECT_EQ(from.nl_family, AF_NETLINK);
	EXPECT_EQ(from.nl_pid, 0);
}

CASE(peek_with_trunc_tells_the_size)
{
	struct request r;
	char buf[8192];
	struct ifinfomsg *i = begin(&r, RTM_GETLINK, 0, sizeof(*i));
	int fd = route_socket();
	ssize_t n;

	i->ifi_index = (int)if_nametoindex("lo");
	ask(fd, &r);
	n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	EXPECT(n > 100);
	EXPECT_EQ(recv(fd, buf, sizeof(buf), 0), n);
}

CASE(an_unknown_request_is_eopnotsupp)
{
	struct request r;

	begin(&r, 1000, 0, 16);
	EXPECT_EQ(acknowledged(route_socket(), &r), EOPNOTSUPP);
}

CASE(an_error_quotes_the_request)
{
	struct request r;
	char buf[4096];
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	struct nlmsgerr *e = NLMSG_DATA(h);
	int fd = route_socket();

	begin(&r, 1000, 0, 16);
	ask(fd, &r);
	EXPECT_EQ(recv(fd, buf, sizeof(buf), 0), NLMSG_LENGTH(sizeof(struct nlmsgerr)) + 16);
	EXPECT_EQ(h->nlmsg_type, NLMSG_ERROR);
	EXPECT_EQ(e->error, -EOPNOTSUPP);
	EXPECT_EQ(e->msg.nlmsg_type, 1000);
	EXPECT_EQ(set_int(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1), 0);
	ask(fd, &r);
	EXPECT_EQ(recv(fd, buf, sizeof(buf), 0), NLMSG_LENGTH(sizeof(struct nlmsgerr)));
}

CASE(a_noop_is_acknowledged_when_asked)
{
	struct request r;

	begin(&r, NLMSG_NOOP, 0, 0);
	EXPECT_EQ(acknowledged(route_socket(), &r), 0);
}

CASE(two_requests_in_one_message)
{
	struct {
		struct nlmsghdr a, b;
	} two = {{sizeof(two.a), NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
		 {sizeof(two.b), NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 2, 0}};
	char buf[1024];
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	int fd = route_socket();

	EXPECT_EQ(send(fd, &two, sizeof(two), 0), sizeof(two));
	EXPECT(recv(fd, buf, sizeof(buf), 0) > 0);
	EXPECT_EQ(h->nlmsg_seq, 1);
	EXPECT(recv(fd, buf, sizeof(buf), 0) > 0);
	EXPECT_EQ(h->nlmsg_seq, 2);
}

CASE(lengths_that_lie_do_no_harm)
{
	struct request r;
	int fd = route_socket();

	begin(&r, RTM_GETLINK, NLM_F_DUMP, 16);
	r.h.nlmsg_len = 0xffffffff;
	EXPECT_EQ(send(fd, &r, 32, 0), 32);
	r.h.nlmsg_len = 3;
	EXPECT_EQ(send(fd, &r, 32, 0), 32);
	EXPECT_EQ(send(fd, &r, 5, 0), 5);
	EXPECT_EQ(poll_for(fd, POLLIN, 30), 0);
}

CASE(attributes_that_lie_do_no_harm)
{
	struct request r;
	struct ifinfomsg *i = begin(&r, RTM_GETLINK, 0, sizeof(*i));
	struct rtattr a = {0xffff, IFLA_IFNAME};
	char buf[4096];
	int fd = route_socket();

	memcpy((char *)&r + r.h.nlmsg_len, &a, sizeof(a));
	r.h.nlmsg_len += 8;
	ask(fd, &r);
	EXPECT(recv(fd, buf, sizeof(buf), 0) > 0);
	EXPECT_EQ(((struct nlmsghdr *)buf)->nlmsg_type, NLMSG_ERROR);
}

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

static void set_up(int fd, int index, bool up)
{
	struct request r;
	struct ifinfomsg *i = begin(&r, RTM_NEWLINK, 0, sizeof(*i));

	i->ifi_index = index;
	i->ifi_change = IFF_UP;
	i->ifi_flags = up ? IFF_UP : 0;
	EXPECT_EQ(acknowledged(fd, &r), 0);
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

/* ---- sock_diag ---- */

struct diag {
	int port, seen;
	unsigned inode;
};

static void see_socket(struct nlmsghdr *h, void *arg)
{
	struct inet_diag_msg *m = NLMSG_DATA(h);
	struct diag *d = arg;

	if (ntohs(m->id.idiag_sport) != d->port)
		return;
	d->seen++;
	d->inode = m->idiag_inode;
	EXPECT_EQ(m->idiag_state, 10 /* LISTEN */);
	EXPECT_EQ(m->idiag_family, AF_INET);
}

CASE(a_listener_is_found_by_sock_diag)
{
	int l = listener(AF_INET, 7), fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG);
	struct diag d = {port_of(l), 0, 0};
	struct request r;
	struct inet_diag_req_v2 *q = begin(&r, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*q));
	struct stat st;

	*q = (struct inet_diag_req_v2){
	    .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1 << 10};
	EXPECT(dump(fd, &r, see_socket, &d) >= 1);
	EXPECT_EQ(d.seen, 1);
	EXPECT_EQ(fstat(l, &st), 0);
	EXPECT_EQ(d.inode, st.st_ino);
}

CASE(sock_diag_of_an_unknown_family_is_enoent)
{
	struct request r;
	int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG);

	*(unsigned char *)begin(&r, SOCK_DIAG_BY_FAMILY, 0, 60) = 99;
	EXPECT(acknowledged(fd, &r) != 0);
}

/* ---- ioctls ---- */

static struct ifreq named(const char *name)
{
	struct ifreq r = {0};

	strcpy(r.ifr_name, name);
	return r;
}

CASE(ioctls_describe_loopback)
{
	struct ifreq r = named("lo");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT_EQ(ioctl(fd, SIOCGIFFLAGS, &r), 0);
	EXPECT_EQ(r.ifr_flags, IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
	EXPECT_EQ(ioctl(fd, SIOCGIFMTU, &r), 0);
	EXPECT_EQ(r.ifr_mtu, 65536);
	EXPECT_EQ(ioctl(fd, SIOCGIFADDR, &r), 0);
	EXPECT_EQ(ntohl(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr), INADDR_LOOPBACK);
	EXPECT_EQ(ioctl(fd, SIOCGIFNETMASK, &r), 0);
	EXPECT_EQ(ntohl(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr), 0xff000000);
	EXPECT_EQ(ioctl(fd, SIOCGIFHWADDR, &r), 0);
	EXPECT_EQ(r.ifr_hwaddr.sa_family, 772);
	EXPECT_EQ(ioctl(fd, SIOCGIFINDEX, &r), 0);
	EXPECT_EQ(ioctl(fd, SIOCGIFNAME, &r), 0);
	EXPECT_STR(r.ifr_name, "lo");
}

CASE(ioctls_of_no_interface_are_enodev)
{
	struct ifreq r = named("nothere0");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT_ERRNO(ioctl(fd, SIOCGIFFLAGS, &r), ENODEV);
	EXPECT_ERRNO(ioctl(fd, SIOCGIFADDR, &r), ENODEV);
	EXPECT_ERRNO(ioctl(fd, SIOCGIFFLAGS, (void *)8), EFAULT);
	EXPECT_EQ(if_nametoindex("nothere0"), 0);
}

CASE(ifconf_lists_addresses)
{
	struct ifreq list[16];
	struct ifconf c = {.ifc_len = sizeof(list), .ifc_req = list};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), lo = 0;

	EXPECT_EQ(ioctl(fd, SIOCGIFCONF, &c), 0);
	EXPECT(c.ifc_len >= (int)sizeof(struct ifreq));
	for (int k = 0; k < c.ifc_len / (int)sizeof(struct ifreq); k++)
		lo += !strcmp(list[k].ifr_name, "lo");
	EXPECT(lo >= 1);
}

CASE(ioctls_change_things_with_a_capability)
{
	struct ifreq r = named("lo");
	int fd;

	own_netns();
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	r.ifr_flags = IFF_UP;
	EXPECT_EQ(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	EXPECT_EQ(ioctl(fd, SIOCGIFFLAGS, &r), 0);
	EXPECT(r.ifr_flags & IFF_UP);
	r.ifr_mtu = 1500;
	EXPECT_EQ(ioctl(fd, SIOCSIFMTU, &r), 0);
	EXPECT_EQ(ioctl(fd, SIOCGIFMTU, &r), 0);
	EXPECT_EQ(r.ifr_mtu, 1500);
	if (setresuid(65534, 65534, 65534))
		case_skip("not root");
	r.ifr_flags = 0;
	EXPECT_ERRNO(ioctl(fd, SIOCSIFFLAGS, &r), EPERM);
}

/* ---- packet sockets ---- */

static int packet_socket(int type, int protocol)
{
	struct sockaddr_ll a = {.sll_family = AF_PACKET,
				.sll_protocol = htons((uint16_t)protocol),
				.sll_ifindex = (int)if_nametoindex("lo")};
	int fd = socket(AF_PACKET, type, htons((uint16_t)protocol));

	if (fd < 0 && errno == EPERM)
		case_skip("no CAP_NET_RAW");
	EXPECT(fd >= 0);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

CASE(packet_sockets_need_a_capability)
{
	if (setresuid(65534, 65534, 65534))
		case_skip("not root");
	EXPECT_ERRNO(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), EPERM);
}

CASE(a_packet_socket_sees_what_passes)
{
	unsigned char buf[2048];
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	int fd, u, port;

	own_netns();
	set_up(route_socket(), 1, true);
	fd = packet_socket(SOCK_DGRAM, ETH_P_IP);
	u = bound(AF_INET, SOCK_DGRAM);
	port = port_of(u);
	EXPECT_EQ(send_port(u, AF_INET, port, "seen", 4), 4);
	EXPECT_EQ(recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 32);
	EXPECT_EQ(buf[0], 0x45);
	EXPECT_EQ(buf[9], IPPROTO_UDP);
	EXPECT_EQ(memcmp(buf + 28, "seen", 4), 0);
	EXPECT_EQ(from.sll_family, AF_PACKET);
	EXPECT_EQ(from.sll_ifindex, 1);
	EXPECT_EQ(ntohs(from.sll_protocol), ETH_P_IP);
	EXPECT_EQ(from.sll_hatype, 772);
}

CASE(a_raw_packet_socket_sees_the_link_header)
{
	unsigned char buf[2048];
	int fd, u;

	own_netns();
	set_up(route_socket(), 1, true);
	fd = packet_socket(SOCK_RAW, ETH_P_IP);
	u = bound(AF_INET, SOCK_DGRAM);
	EXPECT_EQ(send_port(u, AF_INET, port_of(u), "seen", 4), 4);
	EXPECT_EQ(recv(fd, buf, sizeof(buf), 0), 46);
	EXPECT_EQ(buf[12], 8);
	EXPECT_EQ(buf[14], 0x45);
}

CASE(packet_socket_addresses_are_checked)
{
	struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_ifindex = 9999};
	int fd = packet_socket(SOCK_RAW, ETH_P_IP);

	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), ENODEV);
	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, 10), EINVAL);
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), EOPNOTSUPP);
	EXPECT_ERRNO(listen(fd, 1), EOPNOTSUPP);
}

/* Programs (stress-ng) leave the family out: Linux looks at it in bind(2) only. */
CASE(a_packet_is_sent_whatever_the_family)
{
	struct sockaddr_ll a = {.sll_family = AF_UNSPEC, .sll_ifindex = 1, .sll_halen = 6};
	unsigned char frame[60] = {[12] = 8, [14] = 'x'}, buf[100];
	int fd, to;

	own_netns();
	set_up(route_socket(), 1, true);
	fd = packet_socket(SOCK_RAW, ETH_P_IP);
	to = socket(AF_PACKET, SOCK_RAW, 0);
	EXPECT_EQ(sendto(to, frame, sizeof(frame), 0, (struct sockaddr *)&a, sizeof(a)), 60);
	EXPECT_EQ(recv(fd, buf, sizeof(buf), 0), 60);
	EXPECT_EQ(buf[14], 'x');
	a.sll_halen = 9; /* more than there is */
	EXPECT_ERRNO(sendto(to, frame, sizeof(frame), 0, (struct sockaddr *)&a, sizeof(a)), EINVAL);
	EXPECT_ERRNO(sendto(to, frame, sizeof(frame), 0, (struct sockaddr *)&a, 10), EINVAL);
}

/* ---- /proc/net ---- */

static bool file_has(const char *path, const char *text)
{
	static char buf[1 << 18];
	int fd = open(path, O_RDONLY);
	ssize_t n, total = 0;

	EXPECT(fd >= 0);
	while ((n = read(fd, buf + total, sizeof(buf) - 1 - (size_t)total)) > 0)
		total += n;
	buf[total] = 0;
	close(fd);
	return strstr(buf, text);
}

CASE(proc_net_tcp_shows_a_listener)
{
	int l = listener(AF_INET, 1);
	char line[64];

	snprintf(line, sizeof(line), "0100007F:%04X 00000000:0000 0A", port_of(l));
	EXPECT(file_has("/proc/net/tcp", line));
	EXPECT(file_has("/proc/self/net/tcp", line));
	close(l);
	EXPECT(!file_has("/proc/net/tcp", line));
}

CASE(proc_net_tcp6_and_udp_show_sockets)
{
	int l = listener(AF_INET6, 1), u = bound(AF_INET, SOCK_DGRAM);
	char line[96];

	snprintf(line, sizeof(line), "00000000000000000000000001000000:%04X", port_of(l));
	EXPECT(file_has("/proc/net/tcp6", line));
	snprintf(line, sizeof(line), "0100007F:%04X", port_of(u));
	EXPECT(file_has("/proc/net/udp", line));
}

CASE(proc_net_describes_devices)
{
	EXPECT(file_has("/proc/net/dev", "lo:"));
	EXPECT(file_has("/proc/net/if_inet6", "00000000000000000000000000000001"));
	EXPECT(file_has("/proc/net/route", "Iface\tDestination"));
	EXPECT(file_has("/proc/net/arp", "IP address"));
	EXPECT(file_has("/proc/net/snmp", "Tcp: RtoAlgorithm"));
	EXPECT(file_has("/proc/net/netstat", "TcpExt:"));
	EXPECT(file_has("/proc/net/sockstat", "TCP: inuse"));
	EXPECT(file_has("/proc/net/protocols", "TCPv6"));
	EXPECT(file_has("/proc/net/unix", "Num"));
	EXPECT(file_has("/proc/net/netlink", "Eth"));
	EXPECT(file_has("/proc/net/packet", "RefCnt"));
}

CASE(proc_sys_net_has_the_essentials)
{
	EXPECT(file_has("/proc/sys/net/ipv4/ip_local_port_range", "\t"));
	EXPECT(file_has("/proc/sys/net/core/somaxconn", "\n"));
	EXPECT(file_has("/proc/sys/net/ipv4/tcp_congestion_control", "\n"));
	EXPECT(file_has("/proc/sys/net/ipv4/ip_forward", "\n"));
}

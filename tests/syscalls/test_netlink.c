/*
 * test_netlink.c - netlink sockets (netlink(7)), sock_diag(7), /proc/net. What changes something does so in a
 * network namespace of its own.
 */
#include "netlink.h"

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

/* One write of text to a file below /proc/sys/net/ipv4, and what is read then; the errno or 0. */
static int set_ipv4(const char *file, const char *text, char *now, size_t room)
{
	char path[128];
	int fd, err = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", file);
	fd = open(path, O_RDWR);
	EXPECT(fd >= 0);
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	n = pread(fd, now, room - 1, 0);
	EXPECT(n > 0);
	now[n] = 0;
	close(fd);
	return err;
}

CASE(tcp_numbers_can_be_set)
{
	char now[64];

	own_netns();
	EXPECT_EQ(set_ipv4("tcp_synack_retries", "7", now, sizeof(now)), 0);
	EXPECT(!strcmp(now, "7\n"));
	EXPECT_EQ(set_ipv4("tcp_synack_retries", "256", now, sizeof(now)), EINVAL);
	EXPECT_EQ(set_ipv4("tcp_synack_retries", "many", now, sizeof(now)), EINVAL);
	EXPECT(!strcmp(now, "7\n"));
	EXPECT_EQ(set_ipv4("tcp_fin_timeout", "30\n", now, sizeof(now)), 0);
	EXPECT(!strcmp(now, "30\n"));
}

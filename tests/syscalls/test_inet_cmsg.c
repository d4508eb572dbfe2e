/*
 * test_inet_cmsg.c - control messages of UDP sockets, and groups (ip(7), ipv6(7), udp(7), cmsg(3)).
 */
#include "inet.h"

#include <sys/uio.h>

/* ---- control messages ---- */

struct received {
	char data[64], control[512];
	struct sockaddr_storage from;
	struct iovec iov;
	struct msghdr m;
};

static ssize_t receive(int fd, struct received *r)
{
	r->iov = (struct iovec){r->data, sizeof(r->data)};
	r->m = (struct msghdr){&r->from, sizeof(r->from), &r->iov, 1, r->control, sizeof(r->control), 0};
	return recvmsg(fd, &r->m, 0);
}

static void *control_of(struct received *r, int level, int type)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&r->m); c; c = CMSG_NXTHDR(&r->m, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			return CMSG_DATA(c);
	return NULL;
}

CASE(pktinfo_tells_where_it_arrived)
{
	struct received r;
	struct in_pktinfo *info;
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[1], IPPROTO_IP, IP_PKTINFO, 1), 0);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(receive(fd[1], &r), 1);
	info = control_of(&r, IPPROTO_IP, IP_PKTINFO);
	EXPECT(info != NULL);
	EXPECT_EQ(info->ipi_ifindex, if_nametoindex("lo"));
	EXPECT_EQ(ntohl(info->ipi_addr.s_addr), INADDR_LOOPBACK);
	EXPECT_EQ(ntohl(info->ipi_spec_dst.s_addr), INADDR_LOOPBACK);
}

CASE(ipv6_pktinfo_hoplimit_and_class)
{
	struct received r;
	struct in6_pktinfo *info;
	int fd[2];

	udp_pair(AF_INET6, fd);
	EXPECT_EQ(set_int(fd[1], IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
	EXPECT_EQ(set_int(fd[1], IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
	EXPECT_EQ(set_int(fd[1], IPPROTO_IPV6, IPV6_RECVTCLASS, 1), 0);
	EXPECT_EQ(set_int(fd[0], IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7), 0);
	EXPECT_EQ(set_int(fd[0], IPPROTO_IPV6, IPV6_TCLASS, 0x20), 0);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(receive(fd[1], &r), 1);
	info = control_of(&r, IPPROTO_IPV6, IPV6_PKTINFO);
	EXPECT(info != NULL);
	EXPECT_EQ(info->ipi6_ifindex, if_nametoindex("lo"));
	EXPECT(IN6_IS_ADDR_LOOPBACK(&info->ipi6_addr));
	EXPECT_EQ(*(int *)control_of(&r, IPPROTO_IPV6, IPV6_HOPLIMIT), 7);
	EXPECT_EQ(*(int *)control_of(&r, IPPROTO_IPV6, IPV6_TCLASS), 0x20);
}

CASE(ttl_and_tos_are_told)
{
	struct received r;
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[1], IPPROTO_IP, IP_RECVTTL, 1), 0);
	EXPECT_EQ(set_int(fd[1], IPPROTO_IP, IP_RECVTOS, 1), 0);
	EXPECT_EQ(set_int(fd[0], IPPROTO_IP, IP_TTL, 9), 0);
	EXPECT_EQ(set_int(fd[0], IPPROTO_IP, IP_TOS, 0x10), 0);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(receive(fd[1], &r), 1);
	EXPECT_EQ(*(int *)control_of(&r, IPPROTO_IP, IP_TTL), 9);
	EXPECT_EQ(*(unsigned char *)control_of(&r, IPPROTO_IP, IP_TOS), 0x10);
}

CASE(timestamps_are_told)
{
	struct received r;
	struct timespec *ts, now;
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[1], SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
	EXPECT_EQ(opt_int(fd[1], SOL_SOCKET, SO_TIMESTAMPNS), 1);
	EXPECT_EQ(opt_int(fd[1], SOL_SOCKET, SO_TIMESTAMP), 0);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(receive(fd[1], &r), 1);
	ts = control_of(&r, SOL_SOCKET, SO_TIMESTAMPNS);
	EXPECT(ts != NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT(now.tv_sec - ts->tv_sec < 60 && now.tv_sec >= ts->tv_sec);
	EXPECT_EQ(set_int(fd[1], SOL_SOCKET, SO_TIMESTAMP, 1), 0);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(receive(fd[1], &r), 1);
	EXPECT(control_of(&r, SOL_SOCKET, SO_TIMESTAMP) != NULL);
}

CASE(control_that_does_not_fit_is_ctrunc)
{
	char data[8], control[CMSG_LEN(4)];
	struct iovec iov = {data, 8};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[1], IPPROTO_IP, IP_PKTINFO, 1), 0);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(recvmsg(fd[1], &m, 0), 1);
	EXPECT(m.msg_flags & MSG_CTRUNC);
}

static ssize_t send_with(int fd, int port, int level, int type, const void *data, size_t size)
{
	struct sockaddr_storage to;
	char control[128] = {0};
	struct iovec iov = {"x", 1};
	struct msghdr m = {.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *c = (struct cmsghdr *)control;

	m.msg_namelen = loop_addr(AF_INET, port, &to);
	c->cmsg_len = CMSG_LEN(size);
	c->cmsg_level = level;
	c->cmsg_type = type;
	memcpy(CMSG_DATA(c), data, size);
	m.msg_controllen = CMSG_SPACE(size);
	return sendmsg(fd, &m, 0);
}

CASE(pktinfo_chooses_the_source)
{
	struct in_pktinfo info = {0};
	struct received r;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), to = bound(AF_INET, SOCK_DGRAM);

	info.ipi_spec_dst.s_addr = htonl(0x7f000005);
	EXPECT_EQ(send_with(fd, port_of(to), IPPROTO_IP, IP_PKTINFO, &info, sizeof(info)), 1);
	EXPECT_EQ(receive(to, &r), 1);
	EXPECT_EQ(ntohl(((struct sockaddr_in *)&r.from)->sin_addr.s_addr), 0x7f000005);
}

CASE(ttl_of_one_message)
{
	struct received r;
	int ttl = 3, fd = socket(AF_INET, SOCK_DGRAM, 0), to = bound(AF_INET, SOCK_DGRAM);

	EXPECT_EQ(set_int(to, IPPROTO_IP, IP_RECVTTL, 1), 0);
	EXPECT_EQ(send_with(fd, port_of(to), IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 1);
	EXPECT_EQ(receive(to, &r), 1);
	EXPECT_EQ(*(int *)control_of(&r, IPPROTO_IP, IP_TTL), 3);
	ttl = 0;
	EXPECT_ERRNO(send_with(fd, port_of(to), IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), EINVAL);
	ttl = 256;
	EXPECT_ERRNO(send_with(fd, port_of(to), IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), EINVAL);
}

CASE(bad_control_messages_are_einval)
{
	int v = 1, fd = socket(AF_INET, SOCK_DGRAM, 0), to = bound(AF_INET, SOCK_DGRAM);

	EXPECT_ERRNO(send_with(fd, port_of(to), IPPROTO_IP, IP_PKTINFO, &v, sizeof(v)), EINVAL);
	EXPECT_ERRNO(send_with(fd, port_of(to), IPPROTO_IP, 999, &v, sizeof(v)), EINVAL);
}

CASE(a_control_message_longer_than_its_buffer_is_einval)
{
	struct sockaddr_storage to;
	struct iovec iov = {"x", 1};
	char control[32] = {0};
	struct cmsghdr *c = (struct cmsghdr *)control;
	struct msghdr m = {
	    .msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 24};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	m.msg_namelen = loop_addr(AF_INET, 9, &to);
	c->cmsg_len = 1000;
	EXPECT_ERRNO(sendmsg(fd, &m, 0), EINVAL);
	c->cmsg_len = 3;
	EXPECT_ERRNO(sendmsg(fd, &m, 0), EINVAL);
}

/* ---- groups ---- */

CASE(a_group_is_joined_and_left)
{
	struct ip_mreqn r = {.imr_ifindex = (int)if_nametoindex("lo")};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	r.imr_multiaddr.s_addr = htonl(0xe8010203);
	EXPECT_EQ(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof(r)), 0);
	EXPECT_ERRNO(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof(r)), EADDRINUSE);
	EXPECT_EQ(setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &r, sizeof(r)), 0);
	EXPECT_ERRNO(setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &r, sizeof(r)), EADDRNOTAVAIL);
	r.imr_multiaddr.s_addr = htonl(0x7f000001);
	EXPECT_ERRNO(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof(r)), EINVAL);
	EXPECT_ERRNO(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, 4), EINVAL);
}

CASE(what_is_sent_to_a_group_arrives)
{
	struct ip_mreqn r = {.imr_ifindex = (int)if_nametoindex("lo")};
	struct sockaddr_in any = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	char buf[8];
	int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);

	r.imr_multiaddr.s_addr = to.sin_addr.s_addr = htonl(0xe8010203);
	EXPECT_EQ(bind(s, (struct sockaddr *)&any, sizeof(any)), 0);
	EXPECT_EQ(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof(r)), 0);
	EXPECT_EQ(setsockopt(c, IPPROTO_IP, IP_MULTICAST_IF, &r, sizeof(r)), 0);
	to.sin_port = htons((uint16_t)port_of(s));
	EXPECT_EQ(sendto(c, "grp", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
	EXPECT_EQ(poll_for(s, POLLIN, 5000), POLLIN);
	EXPECT_EQ(recv(s, buf, 8, 0), 3);
}

/*
 * test_inet_icmp.c - ICMP: echo sockets (icmp(7)), raw sockets (raw(7)), and errors that come back to UDP
 * sockets (IP_RECVERR in ip(7)).
 */
#include "inet.h"

#include <linux/errqueue.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/uio.h>

/* ---- echo and raw sockets ---- */

static int ping_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	if (fd < 0 && errno == EACCES)
		case_skip("net.ipv4.ping_group_range forbids it");
	EXPECT(fd >= 0);
	return fd;
}

CASE(a_ping_socket_gets_its_echo)
{
	struct icmphdr h = {.type = ICMP_ECHO, .un.echo.sequence = htons(7)}, in;
	struct sockaddr_storage a;
	socklen_t len = loop_addr(AF_INET, 0, &a);
	int fd = ping_socket(AF_INET);

	EXPECT_EQ(sendto(fd, &h, sizeof(h), 0, (struct sockaddr *)&a, len), sizeof(h));
	EXPECT_EQ(recv(fd, &in, sizeof(in), 0), sizeof(in));
	EXPECT_EQ(in.type, ICMP_ECHOREPLY);
	EXPECT_EQ(ntohs(in.un.echo.sequence), 7);
}

CASE(a_ping_socket_sends_nothing_else)
{
	struct icmphdr h = {.type = ICMP_REDIRECT};
	struct sockaddr_storage a;
	socklen_t len = loop_addr(AF_INET, 0, &a);
	int fd = ping_socket(AF_INET);

	EXPECT_ERRNO(sendto(fd, &h, sizeof(h), 0, (struct sockaddr *)&a, len), EINVAL);
	EXPECT_ERRNO(sendto(fd, &h, 3, 0, (struct sockaddr *)&a, len), EINVAL);
}

CASE(a_raw_socket_sees_the_ip_header)
{
	struct icmphdr h = {.type = ICMP_ECHO, .un.echo.id = htons(77)};
	unsigned char buf[128];
	struct sockaddr_storage a;
	socklen_t len = loop_addr(AF_INET, 0, &a);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (fd < 0 && errno == EPERM)
		case_skip("no CAP_NET_RAW");
	h.checksum = (uint16_t) ~(htons(0x0800) + htons(77));
	EXPECT_EQ(sendto(fd, &h, sizeof(h), 0, (struct sockaddr *)&a, len), sizeof(h));
	for (int k = 0; k < 10; k++) {
		EXPECT_EQ(recv(fd, buf, sizeof(buf), 0), 28);
		EXPECT_EQ(buf[0], 0x45);
		EXPECT_EQ(buf[9], IPPROTO_ICMP);
		if (buf[20] == ICMP_ECHOREPLY && buf[24] == 0 && buf[25] == 77)
			return;
	}
	EXPECT(!"the reply came");
}

/* As traceroute -T does it: errors about packets of the socket's protocol, whoever sent them */
CASE(a_raw_socket_hears_of_errors)
{
	char buf[128], control[512];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {NULL, 0, &iov, 1, control, sizeof(control), 0};
	struct sockaddr_storage a;
	socklen_t len = loop_addr(AF_INET, 0, &a);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_UDP), gone = bound(AF_INET, SOCK_DGRAM),
	    port = port_of(gone);
	struct sock_extended_err *ee;

	if (fd < 0 && errno == EPERM)
		case_skip("no CAP_NET_RAW");
	EXPECT(fd >= 0);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_RECVERR, 1), 0);
	EXPECT_EQ(connect(fd, (struct sockaddr *)&a, len), 0);
	close(gone);
	EXPECT_EQ(send_port(bound(AF_INET, SOCK_DGRAM), AF_INET, port, "payload", 7), 7);
	EXPECT(poll_for(fd, 0, 5000) & POLLERR);
	EXPECT(recvmsg(fd, &m, MSG_ERRQUEUE) >= 15); /* from the UDP header on */
	EXPECT_EQ(memcmp(buf + 8, "payload", 7), 0);
	ee = error_control(&m, IPPROTO_IP, IP_RECVERR);
	EXPECT(ee != NULL);
	EXPECT_EQ(ee->ee_origin, SO_EE_ORIGIN_ICMP);
	EXPECT_EQ(ee->ee_type, ICMP_DEST_UNREACH);
	EXPECT_EQ(ee->ee_code, ICMP_PORT_UNREACH);
}

/* Linux looks for a pending error where it takes memory for the protocol's header, and raw sockets have none:
 * traceroute -I sends its next probe while the answer to the last one waits. */
CASE(a_raw_socket_sends_while_an_error_waits)
{
	static const char udp[8] = {0, 9, 0, 9, 0, 8, 0, 0};
	struct sockaddr_storage a;
	socklen_t len = loop_addr(AF_INET, 0, &a);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_UDP), gone = bound(AF_INET, SOCK_DGRAM),
	    port = port_of(gone);

	if (fd < 0 && errno == EPERM)
		case_skip("no CAP_NET_RAW");
	EXPECT(fd >= 0);
	EXPECT_EQ(connect(fd, (struct sockaddr *)&a, len), 0);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_RECVERR, 1), 0);
	close(gone);
	EXPECT_EQ(send_port(bound(AF_INET, SOCK_DGRAM), AF_INET, port, "payload", 7), 7);
	EXPECT(poll_for(fd, 0, 5000) & POLLERR);
	EXPECT_EQ(send(fd, udp, sizeof(udp), 0), sizeof(udp));
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

CASE(raw_sockets_need_a_capability)
{
	if (setresuid(65534, 65534, 65534))
		case_skip("not root");
	EXPECT_ERRNO(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
}

/* ---- errors that come back ---- */

CASE(nobody_there_is_econnrefused_once)
{
	int fd[2];

	udp_pair(AF_INET, fd);
	close(fd[1]);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT(poll_for(fd[0], POLLIN, 5000) & POLLERR);
	EXPECT_ERRNO(send(fd[0], "x", 1, 0), ECONNREFUSED);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT(poll_for(fd[0], POLLIN, 5000) & POLLERR);
	EXPECT_EQ(opt_int(fd[0], SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

CASE(nobody_there_over_ipv6_is_econnrefused)
{
	char c;
	int fd[2];

	udp_pair(AF_INET6, fd);
	close(fd[1]);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_ERRNO(recv(fd[0], &c, 1, 0), ECONNREFUSED);
}

CASE(an_unconnected_socket_does_not_hear_of_it)
{
	int fd = bound(AF_INET, SOCK_DGRAM), gone = bound(AF_INET, SOCK_DGRAM), port = port_of(gone);

	close(gone);
	EXPECT_EQ(send_port(fd, AF_INET, port, "x", 1), 1);
	EXPECT_EQ(poll_for(fd, POLLIN, 50), 0);
	EXPECT_EQ(send_port(fd, AF_INET, port, "x", 1), 1);
}

CASE(recverr_tells_who_said_no)
{
	char buf[64], control[512];
	struct sockaddr_in to;
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {&to, sizeof(to), &iov, 1, control, sizeof(control), 0};
	struct cmsghdr *c;
	struct sock_extended_err *ee;
	int fd = bound(AF_INET, SOCK_DGRAM), gone = bound(AF_INET, SOCK_DGRAM), port = port_of(gone);

	close(gone);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_RECVERR, 1), 0);
	EXPECT_ERRNO(recvmsg(fd, &m, MSG_ERRQUEUE), EAGAIN);
	EXPECT_EQ(send_port(fd, AF_INET, port, "payload", 7), 7);
	EXPECT(poll_for(fd, 0, 5000) & POLLERR);
	EXPECT_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 7);
	EXPECT_EQ(memcmp(buf, "payload", 7), 0);
	/* who has read it all has no error pending either */
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_ERROR), 0);
	EXPECT_EQ(poll_for(fd, 0, 0), 0);
	EXPECT(m.msg_flags & MSG_ERRQUEUE);
	EXPECT_EQ(ntohs(to.sin_port), port);
	c = CMSG_FIRSTHDR(&m);
	EXPECT(c != NULL);
	EXPECT_EQ(c->cmsg_level, SOL_IP);
	EXPECT_EQ(c->cmsg_type, IP_RECVERR);
	ee = (struct sock_extended_err *)CMSG_DATA(c);
	EXPECT_EQ(ee->ee_errno, ECONNREFUSED);
	EXPECT_EQ(ee->ee_origin, SO_EE_ORIGIN_ICMP);
	EXPECT_EQ(ee->ee_type, ICMP_DEST_UNREACH);
	EXPECT_EQ(ee->ee_code, ICMP_PORT_UNREACH);
	EXPECT_EQ(ntohl(((struct sockaddr_in *)SO_EE_OFFENDER(ee))->sin_addr.s_addr), INADDR_LOOPBACK);
}

CASE(errors_tell_when_and_how_they_came)
{
	char buf[64], control[512];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {NULL, 0, &iov, 1, control, sizeof(control), 0};
	struct timeval *tv;
	int fd = bound(AF_INET, SOCK_DGRAM), gone = bound(AF_INET, SOCK_DGRAM), port = port_of(gone);

	close(gone);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_RECVERR, 1), 0);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_RECVTTL, 1), 0);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_PKTINFO, 1), 0);
	EXPECT_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
	EXPECT_EQ(send_port(fd, AF_INET, port, "payload", 7), 7);
	EXPECT(poll_for(fd, 0, 5000) & POLLERR);
	EXPECT_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 7);
	tv = error_control(&m, SOL_SOCKET, SO_TIMESTAMP);
	EXPECT(tv != NULL);
	EXPECT(time(NULL) - tv->tv_sec < 60);
	EXPECT(error_control(&m, IPPROTO_IP, IP_TTL) != NULL);
	EXPECT_EQ(*(int *)error_control(&m, IPPROTO_IP, IP_TTL), 64);
	EXPECT(error_control(&m, IPPROTO_IP, IP_PKTINFO) != NULL);
	EXPECT(error_control(&m, IPPROTO_IP, IP_RECVERR) != NULL);
}

CASE(errors_tell_when_and_how_they_came_over_ipv6)
{
	char buf[64], control[512];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {NULL, 0, &iov, 1, control, sizeof(control), 0};
	int fd = bound(AF_INET6, SOCK_DGRAM), gone = bound(AF_INET6, SOCK_DGRAM), port = port_of(gone);

	close(gone);
	EXPECT_EQ(set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1), 0);
	EXPECT_EQ(set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
	EXPECT_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
	EXPECT_EQ(send_port(fd, AF_INET6, port, "payload", 7), 7);
	EXPECT(poll_for(fd, 0, 5000) & POLLERR);
	EXPECT_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 7);
	EXPECT(error_control(&m, SOL_SOCKET, SO_TIMESTAMPNS) != NULL);
	EXPECT(error_control(&m, IPPROTO_IPV6, IPV6_HOPLIMIT) != NULL);
	EXPECT_EQ(*(int *)error_control(&m, IPPROTO_IPV6, IPV6_HOPLIMIT), 64);
	EXPECT(error_control(&m, IPPROTO_IPV6, IPV6_RECVERR) != NULL);
}

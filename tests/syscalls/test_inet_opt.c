/*
 * Options of internet sockets (socket(7), ip(7), ipv6(7), tcp(7), udp(7)): what they are at first, what may
 * be set, what is refused.
 */
#include "inet.h"

#include <sys/uio.h>

static int tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(fd >= 0);
	return fd;
}

static int udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT(fd >= 0);
	return fd;
}

static int udp6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	EXPECT(fd >= 0);
	return fd;
}

static void toggles(int fd, int level, int name)
{
	EXPECT_EQ(opt_int(fd, level, name), 0);
	EXPECT_EQ(set_int(fd, level, name, 1), 0);
	EXPECT_EQ(opt_int(fd, level, name), 1);
	EXPECT_EQ(set_int(fd, level, name, 0), 0);
	EXPECT_EQ(opt_int(fd, level, name), 0);
}

/* ---- SOL_SOCKET ---- */

CASE(what_a_socket_is)
{
	EXPECT_EQ(opt_int(tcp(), SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	EXPECT_EQ(opt_int(tcp(), SOL_SOCKET, SO_DOMAIN), AF_INET);
	EXPECT_EQ(opt_int(tcp(), SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	EXPECT_EQ(opt_int(udp6(), SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	EXPECT_EQ(opt_int(udp6(), SOL_SOCKET, SO_DOMAIN), AF_INET6);
	EXPECT_EQ(opt_int(udp6(), SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
	EXPECT_ERRNO(set_int(tcp(), SOL_SOCKET, SO_TYPE, 1), ENOPROTOOPT);
	EXPECT_ERRNO(set_int(tcp(), SOL_SOCKET, SO_PROTOCOL, 1), ENOPROTOOPT);
	EXPECT_ERRNO(set_int(tcp(), SOL_SOCKET, SO_ERROR, 0), ENOPROTOOPT);
}

CASE(flags_of_sol_socket)
{
	toggles(tcp(), SOL_SOCKET, SO_REUSEADDR);
	toggles(tcp(), SOL_SOCKET, SO_REUSEPORT);
	toggles(tcp(), SOL_SOCKET, SO_KEEPALIVE);
	toggles(tcp(), SOL_SOCKET, SO_OOBINLINE);
	toggles(udp(), SOL_SOCKET, SO_BROADCAST);
	toggles(udp(), SOL_SOCKET, SO_DONTROUTE);
	toggles(udp(), SOL_SOCKET, SO_NO_CHECK);
	toggles(udp(), SOL_SOCKET, SO_TIMESTAMP);
	toggles(udp(), SOL_SOCKET, SO_RXQ_OVFL);
}

CASE(buffers_are_doubled_and_bounded)
{
	int fd = udp(), at_first = opt_int(fd, SOL_SOCKET, SO_RCVBUF);

	EXPECT(at_first > 0);
	EXPECT_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 10000), 0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_RCVBUF), 20000);
	EXPECT_EQ(set_int(fd, SOL_SOCKET, SO_SNDBUF, 10000), 0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_SNDBUF), 20000);
	EXPECT_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 1), 0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_RCVBUF), 2304);
	EXPECT_EQ(set_int(fd, SOL_SOCKET, SO_SNDBUF, 1), 0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_SNDBUF), 4608);
	EXPECT_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 1 << 30), 0);
	EXPECT(opt_int(fd, SOL_SOCKET, SO_RCVBUF) < 1 << 30);
}

CASE(tcp_buffers_at_first)
{
	EXPECT_EQ(opt_int(tcp(), SOL_SOCKET, SO_SNDBUF), 16384);
	EXPECT_EQ(opt_int(tcp(), SOL_SOCKET, SO_RCVBUF), 131072);
	EXPECT_EQ(set_int(tcp(), SOL_SOCKET, SO_RCVBUF, 50000), 0);
}

CASE(forcing_buffers_needs_a_capability)
{
	int fd = udp();

	if (setresuid(65534, 65534, 65534))
		case_skip("not root");
	EXPECT_ERRNO(set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 10000), EPERM);
	EXPECT_ERRNO(set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, 10000), EPERM);
	EXPECT_ERRNO(set_int(fd, SOL_SOCKET, SO_MARK, 1), EPERM);
}

CASE(linger_is_kept)
{
	struct linger l = {1, 7}, got = {0};
	socklen_t len = sizeof(got);
	int fd = tcp();

	EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &len), 0);
	EXPECT_EQ(got.l_onoff, 1);
	EXPECT_EQ(got.l_linger, 7);
	EXPECT_ERRNO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4), EINVAL);
}

CASE(timeouts_are_kept)
{
	struct timeval tv = {3, 500000}, got;
	socklen_t len = sizeof(got);
	int fd = tcp();

	EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &len), 0);
	EXPECT_EQ(got.tv_sec, 3);
	EXPECT(got.tv_usec >= 490000 && got.tv_usec <= 510000);
	tv.tv_usec = 1000000;
	EXPECT_ERRNO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
	EXPECT_ERRNO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, 8), EINVAL);
}

CASE(bound_device_is_a_name)
{
	char name[16] = "";
	socklen_t len = sizeof(name);
	int fd = udp();

	EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0);
	EXPECT_EQ(len, 0);
	EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	len = sizeof(name);
	EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0);
	EXPECT_STR(name, "lo");
	EXPECT_EQ(len, 3);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX), (int)if_nametoindex("lo"));
	EXPECT_ERRNO(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nothere0", 9), ENODEV);
	EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 1), 0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX), 0);
}

CASE(short_and_bad_option_values)
{
	int fd = tcp(), v = 1;
	socklen_t len = 4;

	EXPECT_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 3), EINVAL);
	EXPECT_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4), EFAULT);
	EXPECT_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, (socklen_t)-1), EINVAL);
	EXPECT_ERRNO(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, &len), EFAULT);
	EXPECT_ERRNO(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, (void *)8), EFAULT);
	len = (socklen_t)-1;
	EXPECT_ERRNO(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, &len), EINVAL);
	EXPECT_ERRNO(set_int(fd, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
	EXPECT_ERRNO(set_int(fd, 9999, 1, 1), ENOPROTOOPT);
}

CASE(a_short_buffer_gets_a_part)
{
	char byte = 0x55;
	socklen_t len = 1;
	int fd = tcp();

	EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_TYPE, &byte, &len), 0);
	EXPECT_EQ(len, 1);
	EXPECT_EQ(byte, SOCK_STREAM);
}

CASE(options_of_what_is_no_socket)
{
	int fd = make_file("f", ""), v;
	socklen_t len = sizeof(v);

	EXPECT_ERRNO(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len), ENOTSOCK);
	EXPECT_ERRNO(set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1), ENOTSOCK);
	EXPECT_ERRNO(set_int(-1, SOL_SOCKET, SO_REUSEADDR, 1), EBADF);
}

CASE(peer_credentials_of_the_net_are_nobodys)
{
	struct {
		int pid, uid, gid;
	} c = {5, 5, 5};
	socklen_t len = sizeof(c);

	EXPECT_EQ(getsockopt(tcp(), SOL_SOCKET, SO_PEERCRED, &c, &len), 0);
	EXPECT_EQ(c.pid, 0);
	EXPECT_EQ(c.uid, -1);
}

CASE(cookies_differ)
{
	uint64_t a = 0, b = 0;
	socklen_t len = sizeof(a);

	EXPECT_EQ(getsockopt(tcp(), SOL_SOCKET, SO_COOKIE, &a, &len), 0);
	EXPECT_EQ(getsockopt(tcp(), SOL_SOCKET, SO_COOKIE, &b, &len), 0);
	EXPECT(a && b && a != b);
}

/* ---- IPPROTO_IP ---- */

CASE(ttl_has_a_range)
{
	int fd = udp();

	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_TTL), 64);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_TTL, 9), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_TTL), 9);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IP, IP_TTL, 0), EINVAL);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IP, IP_TTL, 256), EINVAL);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_TTL, -1), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_TTL), 64);
}

CASE(tos_takes_a_byte_too)
{
	unsigned char b = 0x10;
	socklen_t len = 1;
	int fd = udp();

	EXPECT_EQ(setsockopt(fd, IPPROTO_IP, IP_TOS, &b, 1), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_TOS), 0x10);
	b = 0;
	EXPECT_EQ(getsockopt(fd, IPPROTO_IP, IP_TOS, &b, &len), 0);
	EXPECT_EQ(len, 1);
	EXPECT_EQ(b, 0x10);
	fd = tcp();
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_TOS, 0x13), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_TOS), 0x10); /* ECN is the kernel's */
}

CASE(flags_of_ip)
{
	int fd = udp();

	toggles(fd, IPPROTO_IP, IP_PKTINFO);
	toggles(fd, IPPROTO_IP, IP_RECVTTL);
	toggles(fd, IPPROTO_IP, IP_RECVTOS);
	toggles(fd, IPPROTO_IP, IP_RECVERR);
	toggles(fd, IPPROTO_IP, IP_FREEBIND);
	toggles(tcp(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IP, 60, 1), ENOPROTOOPT);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IP, IP_HDRINCL, 1), ENOPROTOOPT);
}

CASE(mtu_discovery_and_mtu)
{
	int fd = udp(), v;
	socklen_t len = sizeof(v);

	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_MTU_DISCOVER), 1);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, 2), 0);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, 6), EINVAL);
	EXPECT_ERRNO(getsockopt(fd, IPPROTO_IP, IP_MTU, &v, &len), ENOTCONN);
	EXPECT_EQ(connect_port(fd, AF_INET, 9), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_MTU), 65535);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IP, IP_MTU, 1500), ENOPROTOOPT);
}

CASE(no_ip_options_are_set)
{
	char buf[40];
	socklen_t len = sizeof(buf);

	EXPECT_EQ(getsockopt(tcp(), IPPROTO_IP, IP_OPTIONS, buf, &len), 0);
	EXPECT_EQ(len, 0);
}

CASE(multicast_options_of_ip)
{
	struct in_addr lo = {htonl(INADDR_LOOPBACK)}, got;
	socklen_t len = sizeof(got);
	int fd = udp();

	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_MULTICAST_TTL), 1);
	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, 20), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_IP, IP_MULTICAST_TTL), 20);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, 256), EINVAL);
	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
	EXPECT_EQ(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo)), 0);
	EXPECT_EQ(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &got, &len), 0);
	EXPECT_EQ(got.s_addr, lo.s_addr);
	lo.s_addr = htonl(0xc0000201);
	EXPECT_ERRNO(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo)), EADDRNOTAVAIL);
	EXPECT_ERRNO(set_int(tcp(), IPPROTO_IP, IP_MULTICAST_TTL, 3), EINVAL);
}

CASE(freebind_binds_to_a_foreign_address)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
	int fd = udp();

	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_FREEBIND, 1), 0);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

CASE(a_late_port_comes_with_connect)
{
	struct sockaddr_storage a;
	int fd = tcp(), l = listener(AF_INET, 1);
	socklen_t len = loop_addr(AF_INET, 0, &a);

	EXPECT_EQ(set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1), 0);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, len), 0);
	EXPECT_EQ(port_of(fd), 0);
	EXPECT_EQ(connect_port(fd, AF_INET, port_of(l)), 0);
	EXPECT(port_of(fd) != 0);
}

/* ---- IPPROTO_IPV6 ---- */

CASE(flags_of_ipv6)
{
	int fd = udp6();

	toggles(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	toggles(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	toggles(fd, IPPROTO_IPV6, IPV6_RECVTCLASS);
	toggles(fd, IPPROTO_IPV6, IPV6_RECVERR);
	toggles(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IPV6, 999, 1), ENOPROTOOPT);
	EXPECT_ERRNO(set_int(udp(), IPPROTO_IPV6, IPV6_V6ONLY, 1), ENOPROTOOPT);
}

CASE(hops_and_class_have_ranges)
{
	int fd = udp6();

	EXPECT_EQ(opt_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
	EXPECT_EQ(set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255), 0);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256), EINVAL);
	EXPECT_EQ(opt_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 1);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 256), EINVAL);
	EXPECT_EQ(set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x20), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_IPV6, IPV6_TCLASS), 0x20);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, 256), EINVAL);
	EXPECT_EQ(set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, -1), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_IPV6, IPV6_TCLASS), 0);
}

CASE(ipv6_groups_and_interfaces)
{
	struct ipv6_mreq r = {.ipv6mr_interface = if_nametoindex("lo")};
	int fd = udp6();

	inet_pton(AF_INET6, "ff02::1234", &r.ipv6mr_multiaddr);
	EXPECT_EQ(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &r, sizeof(r)), 0);
	EXPECT_ERRNO(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &r, sizeof(r)), EADDRINUSE);
	EXPECT_EQ(setsockopt(fd, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &r, sizeof(r)), 0);
	EXPECT_ERRNO(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &r, 8), EINVAL);
	EXPECT_EQ(set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)if_nametoindex("lo")), 0);
	EXPECT_ERRNO(set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, 9999), ENODEV);
}

/* ---- IPPROTO_TCP, IPPROTO_UDP ---- */

CASE(flags_of_tcp)
{
	toggles(tcp(), IPPROTO_TCP, TCP_NODELAY);
	toggles(tcp(), IPPROTO_TCP, TCP_CORK);
}

CASE(keepalive_times_have_ranges)
{
	int fd = tcp();

	EXPECT_EQ(opt_int(fd, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
	EXPECT_EQ(opt_int(fd, IPPROTO_TCP, TCP_KEEPINTVL), 75);
	EXPECT_EQ(opt_int(fd, IPPROTO_TCP, TCP_KEEPCNT), 9);
	EXPECT_EQ(set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_TCP, TCP_KEEPIDLE), 10);
	EXPECT_ERRNO(set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0), EINVAL);
	EXPECT_ERRNO(set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 32768), EINVAL);
	EXPECT_ERRNO(set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 128), EINVAL);
}

CASE(tcp_maxseg_and_user_timeout)
{
	int fd = tcp();

	EXPECT_EQ(set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 1000), 0);
	EXPECT_ERRNO(set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 1), EINVAL);
	EXPECT_EQ(opt_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	EXPECT_EQ(set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
	EXPECT_ERRNO(set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, -1), EINVAL);
}

CASE(tcp_info_tells_the_state)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);
	int fd[2];

	memset(&i, 0xff, sizeof(i));
	EXPECT_EQ(getsockopt(tcp(), IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	EXPECT_EQ(i.tcpi_state, TCP_CLOSE);
	tcp_pair(AF_INET, fd);
	len = sizeof(i);
	EXPECT_EQ(getsockopt(fd[0], IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	EXPECT_EQ(i.tcpi_state, TCP_ESTABLISHED);
	EXPECT(i.tcpi_snd_mss > 1000);
	EXPECT(i.tcpi_snd_cwnd >= 10);
	EXPECT(i.tcpi_options & 1); /* timestamps */
	len = sizeof(i);
	EXPECT_EQ(getsockopt(listener(AF_INET, 3), IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	EXPECT_EQ(i.tcpi_state, TCP_LISTEN);
}

CASE(inq_tells_what_is_left_with_each_read)
{
	char data[2], control[64];
	struct iovec iov = {data, 2};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[1], IPPROTO_TCP, 36 /* TCP_INQ */, 1), 0);
	EXPECT_EQ(write(fd[0], "abcdef", 6), 6);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_EQ(recvmsg(fd[1], &m, 0), 2);
	c = CMSG_FIRSTHDR(&m);
	EXPECT(c && c->cmsg_level == IPPROTO_TCP && c->cmsg_type == 36);
	EXPECT_EQ(*(int *)CMSG_DATA(c), 4);
}

CASE(congestion_control_is_chosen_by_name)
{
	char name[16] = "";
	socklen_t len = sizeof(name);
	int fd = tcp();

	EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	EXPECT(name[0]);
	EXPECT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	len = sizeof(name);
	EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	EXPECT_STR(name, "reno");
	EXPECT_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6), ENOENT);
}

CASE(tcp_options_are_not_for_udp)
{
	int v;
	socklen_t len = sizeof(v);

	EXPECT_ERRNO(set_int(udp(), IPPROTO_TCP, TCP_NODELAY, 1), ENOPROTOOPT);
	EXPECT_ERRNO(getsockopt(udp(), IPPROTO_TCP, TCP_NODELAY, &v, &len), EOPNOTSUPP);
	EXPECT_ERRNO(set_int(tcp(), IPPROTO_TCP, 9999, 1), ENOPROTOOPT);
}

CASE(options_of_udp)
{
	int fd = udp();

	EXPECT_EQ(opt_int(fd, IPPROTO_UDP, UDP_CORK), 0);
	EXPECT_EQ(set_int(fd, IPPROTO_UDP, 103, 1000), 0);
	EXPECT_EQ(opt_int(fd, IPPROTO_UDP, 103), 1000);
	EXPECT_ERRNO(set_int(fd, IPPROTO_UDP, 103, 70000), EINVAL);
	EXPECT_ERRNO(set_int(fd, IPPROTO_UDP, 999, 1), ENOPROTOOPT);
}

CASE(filters_are_for_raw_sockets)
{
	unsigned filter = 1;

	EXPECT_ERRNO(setsockopt(udp(), 255, 1, &filter, sizeof(filter)), ENOPROTOOPT);
}

CASE(ethtool_of_a_device_that_is_no_card)
{
	struct ifreq r = {.ifr_name = "lo"};
	struct {
		unsigned cmd, data;
	} link = {10 /* ETHTOOL_GLINK */, 77};
	unsigned settings[12] = {1 /* ETHTOOL_GSET */};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	OK(fd);
	r.ifr_data = (void *)&link;
	OK(ioctl(fd, 0x8946 /* SIOCETHTOOL */, &r));
	EXPECT(link.data <= 1);
	r.ifr_data = (void *)settings;
	EXPECT_ERRNO(ioctl(fd, 0x8946, &r), EOPNOTSUPP);
	r.ifr_data = (void *)8;
	EXPECT_ERRNO(ioctl(fd, 0x8946, &r), EFAULT);
	strcpy(r.ifr_name, "none9");
	r.ifr_data = (void *)&link;
	EXPECT_ERRNO(ioctl(fd, 0x8946, &r), ENODEV);
}

/*
 * test_inet_udp.c - UDP over loopback (udp(7), send(2), recv(2), ip(7), ipv6(7)): datagrams, connected
 * sockets, many messages in one call. Control messages: test_inet_cmsg.c; errors that come back:
 * test_inet_icmp.c.
 */
#include "inet.h"

#include <pthread.h>
#include <sys/uio.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* ---- datagrams ---- */

static void one_datagram(int family)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char buf[16];
	int a = bound(family, SOCK_DGRAM), b = bound(family, SOCK_DGRAM);

	EXPECT_EQ(send_port(a, family, port_of(b), "hello", 5), 5);
	EXPECT_EQ(recvfrom(b, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 5);
	EXPECT_EQ(memcmp(buf, "hello", 5), 0);
	EXPECT_EQ(from.ss_family, family);
	EXPECT_EQ(len, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	EXPECT_EQ(ntohs(((struct sockaddr_in *)&from)->sin_port), port_of(a));
}

CASE(a_datagram_arrives_with_its_sender)
{
	one_datagram(AF_INET);
	one_datagram(AF_INET6);
}

CASE(borders_of_datagrams_stay)
{
	char buf[16];
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "one", 3, 0), 3);
	EXPECT_EQ(send(fd[0], "three", 5, 0), 5);
	EXPECT_EQ(recv(fd[1], buf, sizeof(buf), 0), 3);
	EXPECT_EQ(recv(fd[1], buf, sizeof(buf), 0), 5);
}

CASE(an_empty_datagram_arrives)
{
	char buf[4];
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "", 0, 0), 0);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_EQ(recv(fd[1], buf, sizeof(buf), 0), 0);
	EXPECT_ERRNO(recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

CASE(what_does_not_fit_is_lost_and_told)
{
	char buf[2];
	struct iovec iov = {buf, 2};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "abcdef", 6, 0), 6);
	EXPECT_EQ(recvmsg(fd[1], &m, 0), 2);
	EXPECT_EQ(m.msg_flags, MSG_TRUNC);
	EXPECT_EQ(send(fd[0], "abcdef", 6, 0), 6);
	EXPECT_EQ(recv(fd[1], buf, 2, MSG_TRUNC), 6);
	EXPECT_ERRNO(recv(fd[1], buf, 2, MSG_DONTWAIT), EAGAIN);
}

CASE(peek_leaves_the_datagram)
{
	char buf[8];
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "abc", 3, 0), 3);
	EXPECT_EQ(recv(fd[1], buf, 8, MSG_PEEK), 3);
	EXPECT_EQ(recv(fd[1], NULL, 0, MSG_PEEK | MSG_TRUNC), 3);
	EXPECT_EQ(recv(fd[1], buf, 8, 0), 3);
}

CASE(the_largest_datagram_goes_and_no_larger)
{
	static char out[65508], in[65536];
	int fd[2];

	udp_pair(AF_INET, fd);
	out[65506] = 'x';
	EXPECT_EQ(send(fd[0], out, 65507, 0), 65507);
	EXPECT_EQ(recv(fd[1], in, sizeof(in), 0), 65507);
	EXPECT_EQ(in[65506], 'x');
	EXPECT_ERRNO(send(fd[0], out, 65508, 0), EMSGSIZE);
}

CASE(fionread_is_the_size_of_the_next_datagram)
{
	int fd[2], n = -1;

	udp_pair(AF_INET, fd);
	EXPECT_EQ(ioctl(fd[1], FIONREAD, &n), 0);
	EXPECT_EQ(n, 0);
	EXPECT_EQ(send(fd[0], "abc", 3, 0), 3);
	EXPECT_EQ(send(fd[0], "defgh", 5, 0), 5);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_EQ(ioctl(fd[1], FIONREAD, &n), 0);
	EXPECT_EQ(n, 3);
}

CASE(a_full_queue_drops)
{
	char buf[2000];
	int fd[2], got = 0;

	udp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[1], SOL_SOCKET, SO_RCVBUF, 8192), 0);
	for (int k = 0; k < 100; k++)
		EXPECT_EQ(send(fd[0], buf, sizeof(buf), 0), sizeof(buf));
	while (recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		got++;
	EXPECT(got >= 1 && got < 50);
}

/* ---- connecting ---- */

CASE(an_unconnected_send_needs_an_address)
{
	EXPECT_ERRNO(send(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0), EDESTADDRREQ);
	EXPECT_ERRNO(write(socket(AF_INET6, SOCK_DGRAM, 0), "x", 1), EDESTADDRREQ);
}

CASE(a_connected_socket_hears_its_peer_only)
{
	char buf[8];
	int fd[2], other = bound(AF_INET, SOCK_DGRAM);

	udp_pair(AF_INET, fd);
	EXPECT_EQ(send_port(other, AF_INET, port_of(fd[0]), "no", 2), 2);
	EXPECT_EQ(send(fd[1], "yes", 3, 0), 3);
	EXPECT_EQ(recv(fd[0], buf, 8, 0), 3);
	EXPECT_ERRNO(recv(fd[0], buf, 8, MSG_DONTWAIT), EAGAIN);
}

CASE(connect_gives_both_names)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int b = bound(AF_INET, SOCK_DGRAM), fd = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT_EQ(connect_port(fd, AF_INET, port_of(b)), 0);
	EXPECT_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	EXPECT_EQ(ntohl(a.sin_addr.s_addr), INADDR_LOOPBACK);
	EXPECT(a.sin_port != 0);
	EXPECT_EQ(getpeername(fd, (struct sockaddr *)&a, &len), 0);
	EXPECT_EQ(ntohs(a.sin_port), port_of(b));
}

CASE(a_connected_socket_may_send_elsewhere)
{
	char buf[8];
	int fd[2], other = bound(AF_INET, SOCK_DGRAM);

	udp_pair(AF_INET, fd);
	EXPECT_EQ(send_port(fd[0], AF_INET, port_of(other), "x", 1), 1);
	EXPECT_EQ(recv(other, buf, 8, 0), 1);
}

CASE(unspec_disconnects)
{
	struct sockaddr a = {.sa_family = AF_UNSPEC};
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(connect(fd[0], &a, sizeof(a)), 0);
	EXPECT_ERRNO(getpeername(fd[0], (struct sockaddr *)&peer, &len), ENOTCONN);
	EXPECT_ERRNO(send(fd[0], "x", 1, 0), EDESTADDRREQ);
}

CASE(connect_may_change_the_peer)
{
	char buf[8];
	int fd[2], other = bound(AF_INET, SOCK_DGRAM);

	udp_pair(AF_INET, fd);
	EXPECT_EQ(connect_port(fd[0], AF_INET, port_of(other)), 0);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(recv(other, buf, 8, 0), 1);
}

CASE(shutdown_of_an_unconnected_socket_is_enotconn)
{
	EXPECT_ERRNO(shutdown(bound(AF_INET, SOCK_DGRAM), SHUT_RDWR), ENOTCONN);
}

CASE(shutdown_ends_reads_and_writes)
{
	char c;
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(shutdown(fd[0], SHUT_RDWR), 0);
	EXPECT_EQ(recv(fd[0], &c, 1, 0), 0);
	EXPECT_ERRNO(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
}

CASE(listen_and_accept_are_not_for_datagrams)
{
	int fd = bound(AF_INET, SOCK_DGRAM);

	EXPECT_ERRNO(listen(fd, 1), EOPNOTSUPP);
	EXPECT_ERRNO(accept(fd, NULL, NULL), EOPNOTSUPP);
}

CASE(port_zero_is_einval)
{
	EXPECT_ERRNO(send_port(socket(AF_INET, SOCK_DGRAM, 0), AF_INET, 0, "x", 1), EINVAL);
}

CASE(broadcast_needs_its_option)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	a.sin_addr.s_addr = htonl(0x7fffffff); /* of 127/8 */
	EXPECT_ERRNO(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), EACCES);
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), EACCES);
	EXPECT_EQ(set_int(fd, SOL_SOCKET, SO_BROADCAST, 1), 0);
	EXPECT_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
}

/* ---- ports ---- */

CASE(a_port_in_use_is_eaddrinuse)
{
	struct sockaddr_storage a;
	int fd = bound(AF_INET, SOCK_DGRAM);
	socklen_t len = loop_addr(AF_INET, port_of(fd), &a);

	EXPECT_ERRNO(bind(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&a, len), EADDRINUSE);
}

CASE(tcp_and_udp_have_their_own_ports)
{
	struct sockaddr_storage a;
	int fd = bound(AF_INET, SOCK_DGRAM);
	socklen_t len = loop_addr(AF_INET, port_of(fd), &a);

	EXPECT_EQ(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, len), 0);
}

CASE(reuseaddr_shares_a_udp_port)
{
	struct sockaddr_storage a;
	int x = socket(AF_INET, SOCK_DGRAM, 0), y = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = loop_addr(AF_INET, 0, &a);

	EXPECT_EQ(set_int(x, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	EXPECT_EQ(set_int(y, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	EXPECT_EQ(bind(x, (struct sockaddr *)&a, len), 0);
	len = loop_addr(AF_INET, port_of(x), &a);
	EXPECT_EQ(bind(y, (struct sockaddr *)&a, len), 0);
}

CASE(a_send_binds_to_a_port)
{
	int b = bound(AF_INET, SOCK_DGRAM), fd = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT_EQ(port_of(fd), 0);
	EXPECT_EQ(send_port(fd, AF_INET, port_of(b), "x", 1), 1);
	EXPECT(port_of(fd) != 0);
}

CASE(the_whole_of_127_is_here)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	char buf[8];
	int fd = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);

	a.sin_addr.s_addr = htonl(0x7f010203);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	a.sin_port = htons((uint16_t)port_of(fd));
	EXPECT_EQ(sendto(c, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
	EXPECT_EQ(recv(fd, buf, 8, 0), 1);
}

/* ---- both families ---- */

CASE(an_ipv6_socket_talks_to_ipv4_by_mapped_addresses)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6}, from;
	socklen_t len = sizeof(from);
	char buf[8];
	int s = socket(AF_INET6, SOCK_DGRAM, 0), c = bound(AF_INET, SOCK_DGRAM);

	EXPECT_EQ(bind(s, (struct sockaddr *)&any, sizeof(any)), 0);
	EXPECT_EQ(send_port(c, AF_INET, port_of(s), "hi", 2), 2);
	EXPECT_EQ(recvfrom(s, buf, 8, 0, (struct sockaddr *)&from, &len), 2);
	EXPECT(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
	EXPECT_EQ(sendto(s, "back", 4, 0, (struct sockaddr *)&from, sizeof(from)), 4);
	EXPECT_EQ(recv(c, buf, 8, 0), 4);
}

CASE(a_v6only_socket_does_not_send_to_mapped_addresses)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
	EXPECT_EQ(set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	EXPECT_ERRNO(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), ENETUNREACH);
}

CASE(an_ipv4_socket_refuses_ipv6_addresses)
{
	struct sockaddr_storage a;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = loop_addr(AF_INET6, 9, &a);

	EXPECT_ERRNO(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, len), EAFNOSUPPORT);
	EXPECT_ERRNO(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, 10), EINVAL);
}

/* ---- many at once ---- */

CASE(sendmmsg_and_recvmmsg_move_several)
{
	char text[3][4] = {"a", "bb", "ccc"}, in[4][8];
	struct iovec out_iov[3], in_iov[4];
	struct mmsghdr out[3] = {0}, got[4] = {0};
	int fd[2];

	udp_pair(AF_INET, fd);
	for (int k = 0; k < 3; k++) {
		out_iov[k] = (struct iovec){text[k], (size_t)k + 1};
		out[k].msg_hdr.msg_iov = &out_iov[k];
		out[k].msg_hdr.msg_iovlen = 1;
	}
	for (int k = 0; k < 4; k++) {
		in_iov[k] = (struct iovec){in[k], sizeof(in[k])};
		got[k].msg_hdr.msg_iov = &in_iov[k];
		got[k].msg_hdr.msg_iovlen = 1;
	}
	EXPECT_EQ(sendmmsg(fd[0], out, 3, 0), 3);
	EXPECT_EQ(out[2].msg_len, 3);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_EQ(recvmmsg(fd[1], got, 4, MSG_DONTWAIT, NULL), 3);
	EXPECT_EQ(got[0].msg_len, 1);
	EXPECT_EQ(got[2].msg_len, 3);
	EXPECT_EQ(memcmp(in[1], "bb", 2), 0);
}

CASE(recvmmsg_waitforone_returns_what_is_there)
{
	char in[2][8];
	struct iovec iov[2] = {{in[0], 8}, {in[1], 8}};
	struct mmsghdr got[2] = {0};
	int fd[2];

	udp_pair(AF_INET, fd);
	for (int k = 0; k < 2; k++) {
		got[k].msg_hdr.msg_iov = &iov[k];
		got[k].msg_hdr.msg_iovlen = 1;
	}
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(recvmmsg(fd[1], got, 2, MSG_WAITFORONE, NULL), 1);
}

CASE(more_gathers_one_datagram)
{
	char buf[16];
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "ab", 2, MSG_MORE), 2);
	EXPECT_EQ(send(fd[0], "cd", 2, MSG_MORE), 2);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 30), 0);
	EXPECT_EQ(send(fd[0], "ef", 2, 0), 2);
	EXPECT_EQ(recv(fd[1], buf, 16, 0), 6);
	EXPECT_EQ(memcmp(buf, "abcdef", 6), 0);
}

CASE(cork_gathers_until_it_is_pulled)
{
	char buf[16];
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[0], IPPROTO_UDP, UDP_CORK, 1), 0);
	EXPECT_EQ(opt_int(fd[0], IPPROTO_UDP, UDP_CORK), 1);
	EXPECT_EQ(send(fd[0], "ab", 2, 0), 2);
	EXPECT_EQ(send(fd[0], "cd", 2, 0), 2);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 30), 0);
	EXPECT_EQ(set_int(fd[0], IPPROTO_UDP, UDP_CORK, 0), 0);
	EXPECT_EQ(recv(fd[1], buf, 16, 0), 4);
}

CASE(segment_cuts_one_send_into_datagrams)
{
	char buf[16];
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[0], IPPROTO_UDP, UDP_SEGMENT, 4), 0);
	EXPECT_EQ(send(fd[0], "aaaabbbbcc", 10, 0), 10);
	EXPECT_EQ(recv(fd[1], buf, 16, 0), 4);
	EXPECT_EQ(memcmp(buf, "aaaa", 4), 0);
	EXPECT_EQ(recv(fd[1], buf, 16, 0), 4);
	EXPECT_EQ(recv(fd[1], buf, 16, 0), 2);
}

/* ---- waiting ---- */

static void *send_later(void *arg)
{
	short_sleep(100);
	EXPECT_EQ(send(*(int *)arg, "late", 4, 0), 4);
	return NULL;
}

CASE(a_receive_waits)
{
	char buf[8];
	int fd[2];
	pthread_t t;

	udp_pair(AF_INET, fd);
	pthread_create(&t, NULL, send_later, &fd[0]);
	EXPECT_EQ(recv(fd[1], buf, 8, 0), 4);
	pthread_join(t, NULL);
}

CASE(a_receive_times_out)
{
	struct timeval tv = {0, 100000};
	char buf[8];
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(setsockopt(fd[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	EXPECT_ERRNO(recv(fd[1], buf, 8, 0), EAGAIN);
}

CASE(poll_of_a_udp_socket)
{
	int fd[2];

	udp_pair(AF_INET, fd);
	EXPECT_EQ(poll_for(fd[1], POLLIN | POLLOUT, 0), POLLOUT);
	EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
	EXPECT_EQ(poll_for(fd[1], POLLIN | POLLOUT, 5000), POLLIN | POLLOUT);
}

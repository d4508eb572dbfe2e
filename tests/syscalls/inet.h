/*
 * inet.h - what the cases of internet sockets share: sockets on loopback, connected pairs, short waits.
 */
#ifndef WARREN_TESTS_INET_H
#define WARREN_TESTS_INET_H

#include "case.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* 127.0.0.1 or ::1; port in host order */
static inline socklen_t loop_addr(int family, int port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	in6->sin6_addr = in6addr_loopback;
	return sizeof(*in6);
}

static inline int port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	EXPECT_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port
					    : ((struct sockaddr_in6 *)&a)->sin6_port);
}

/* A socket of that type bound to a free port of loopback. */
static inline int bound(int family, int type)
{
	struct sockaddr_storage a;
	socklen_t len = loop_addr(family, 0, &a);
	int fd = socket(family, type, 0);

	EXPECT(fd >= 0);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, len), 0);
	return fd;
}

static inline int listener(int family, int backlog)
{
	int fd = bound(family, SOCK_STREAM);

	EXPECT_EQ(listen(fd, backlog), 0);
	return fd;
}

static inline int connect_port(int fd, int family, int port)
{
	struct sockaddr_storage a;
	socklen_t len = loop_addr(family, port, &a);

	return connect(fd, (struct sockaddr *)&a, len);
}

/* Two ends of a TCP connection over loopback. */
static inline void tcp_pair(int family, int fd[2])
{
	int l = listener(family, 8);

	fd[0] = socket(family, SOCK_STREAM, 0);
	EXPECT(fd[0] >= 0);
	EXPECT_EQ(connect_port(fd[0], family, port_of(l)), 0);
	fd[1] = accept(l, NULL, NULL);
	EXPECT(fd[1] >= 0);
	close(l);
}

/* Two UDP sockets, each connected to the other. */
static inline void udp_pair(int family, int fd[2])
{
	fd[0] = bound(family, SOCK_DGRAM);
	fd[1] = bound(family, SOCK_DGRAM);
	EXPECT_EQ(connect_port(fd[0], family, port_of(fd[1])), 0);
	EXPECT_EQ(connect_port(fd[1], family, port_of(fd[0])), 0);
}

static inline int send_port(int fd, int family, int port, const void *data, size_t size)
{
	struct sockaddr_storage a;
	socklen_t len = loop_addr(family, port, &a);

	return (int)sendto(fd, data, size, 0, (struct sockaddr *)&a, len);
}

/* What poll(2) says about `events`, after at most `ms`. */
static inline int poll_for(int fd, short events, int ms)
{
	struct pollfd p = {fd, events, 0};

	EXPECT(poll(&p, 1, ms) >= 0);
	return p.revents;
}

static inline int opt_int(int fd, int level, int name)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	EXPECT_EQ(getsockopt(fd, level, name, &v, &len), 0);
	EXPECT_EQ(len, sizeof(v));
	return v;
}

static inline int set_int(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof(v));
}

static inline void nonblocking(int fd)
{
	EXPECT_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

static inline void short_sleep(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

/* A network namespace of its own with lo up. */
static inline void own_net(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int s;

	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET))
		case_skip("no network namespace of its own");
	s = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT(s >= 0);
	OK(ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
}

/* An error's control message of that level and type. */
static inline void *error_control(struct msghdr *m, int level, int type)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			return CMSG_DATA(c);
	return NULL;
}

#endif

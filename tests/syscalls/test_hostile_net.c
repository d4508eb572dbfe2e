/*
 * Nonsense to sockets, in a network namespace of their own: options, ioctls, addresses, control messages and
 * netlink requests of random kinds, sizes and contents. Nothing may break: afterwards the network still
 * works.
 */
#include "inet.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/uio.h>

static uint32_t state = 12345;

static uint32_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void scribble(void *p, size_t n)
{
	unsigned char *c = p;

	for (size_t k = 0; k < n; k++)
		c[k] = rnd() % 3 ? (unsigned char)rnd() : 0;
}

static int up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), err;

	err = ioctl(fd, SIOCSIFFLAGS, &r);
	close(fd);
	return err;
}

static void own_netns(void)
{
	if (unshare(CLONE_NEWNET))
		case_skip("no new network namespace");
	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(up(), 0);
}

static void still_works(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_mtu = 65536};
	char buf[8];
	int fd[2];

	EXPECT_EQ(up(), 0);
	close(socket(AF_INET, SOCK_DGRAM, 0));
	fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	(void)!ioctl(fd[0], SIOCSIFMTU, &r);
	close(fd[0]);
	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "fine", 4), 4);
	EXPECT_EQ(read(fd[1], buf, 8), 4);
	close(fd[0]);
	close(fd[1]);
}

static int some_socket(void)
{
	static const int families[] = {AF_INET, AF_INET6, AF_INET, AF_INET6, AF_PACKET, AF_NETLINK, AF_UNIX};
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW};
	int family = families[rnd() % 7], type = types[rnd() % 3], fd;

	fd = socket(family, type | SOCK_NONBLOCK,
		    family == AF_NETLINK ? NETLINK_ROUTE
		    : type == SOCK_RAW   ? (int)(rnd() % 256)
					 : 0);
	return fd >= 0 ? fd : socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

CASE(options_of_every_kind)
{
	static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6,
				     255,        58,         263,         270};
	char value[300];

	own_netns();
	for (int k = 0; k < 1500; k++) {
		int fd = some_socket(), level = levels[rnd() % 9], name = (int)(rnd() % 90);
		socklen_t len = rnd() % 2 ? 4 : rnd() % sizeof(value);
		scribble(value, sizeof(value));
		if (rnd() % 2)
			*(int *)value = (int)(rnd() % 4) - 1;
		if (!(level == SOL_SOCKET &&
		      (name == SO_LINGER || name == SO_RCVTIMEO || name == SO_SNDTIMEO)))
			(void)!setsockopt(fd, level, name, rnd() % 20 ? value : (void *)8, len);
		len = rnd() % 2 ? 4 : rnd() % sizeof(value);
		(void)!getsockopt(fd, level, name, rnd() % 20 ? value : (void *)8, &len);
		EXPECT(len <= 20000 || len == (socklen_t)-1);
		close(fd);
	}
	still_works();
}

CASE(ioctls_of_every_kind)
{
	char arg[256];

	own_netns();
	for (int k = 0; k < 1500; k++) {
		int fd = some_socket();
		scribble(arg, sizeof(arg));
		if (rnd() % 2)
			strcpy(arg, rnd() % 2 ? "lo" : "d0");
		if (rnd() % 8 == 0)
			memset(arg, 0xff, 16);
		/* not those that follow a pointer of ours */
		(void)!ioctl(fd, 0x8900 + rnd() % 0x80, rnd() % 20 ? arg : (void *)8);
		close(fd);
	}
	own_netns(); /* in the other, lo may have another name and address now */
	still_works();
}

CASE(addresses_and_messages_of_every_kind)
{
	char name[160], control[400], data[400];
	struct iovec iov[4];

	own_netns();
	for (int k = 0; k < 1500; k++) {
		struct msghdr m = {.msg_name = name,
				   .msg_namelen = rnd() % 140,
				   .msg_iov = iov,
				   .msg_iovlen = rnd() % 5,
				   .msg_control = control,
				   .msg_controllen = rnd() % sizeof(control)};
		struct cmsghdr *c = (struct cmsghdr *)control;
		int fd = some_socket();
		scribble(name, sizeof(name));
		scribble(control, sizeof(control));
		*(unsigned short *)name = (unsigned short)(rnd() % 20);
		if (rnd() % 2) {
			struct sockaddr_storage a;
			m.msg_namelen = loop_addr(rnd() % 2 ? AF_INET : AF_INET6, (int)(rnd() % 65536), &a);
			memcpy(name, &a, sizeof(a));
		}
		c->cmsg_len = rnd() % 2 ? CMSG_LEN(rnd() % 40) : rnd() % 500;
		c->cmsg_level = rnd() % 2 ? IPPROTO_IP : rnd() % 2 ? IPPROTO_IPV6 : SOL_SOCKET;
		c->cmsg_type = (int)(rnd() % 70);
		for (int i = 0; i < 4; i++)
			iov[i] = (struct iovec){data, rnd() % sizeof(data)};
		if (rnd() % 3 == 0)
			(void)!bind(fd, (struct sockaddr *)name, m.msg_namelen);
		if (rnd() % 3 == 0)
			(void)!connect(fd, (struct sockaddr *)name, m.msg_namelen);
		(void)!sendmsg(fd, &m,
			       (int)(rnd() & (MSG_DONTROUTE | MSG_MORE | MSG_OOB | MSG_CONFIRM | MSG_EOR)) |
				   MSG_NOSIGNAL | MSG_DONTWAIT);
		m.msg_iovlen = 1;
		(void)!recvmsg(fd, &m,
			       (int)(rnd() & (MSG_PEEK | MSG_TRUNC | MSG_OOB | MSG_ERRQUEUE | MSG_WAITALL)) |
				   MSG_DONTWAIT);
		close(fd);
	}
	still_works();
}

CASE(netlink_requests_of_every_kind)
{
	char buf[600], in[9000];
	int fd, diag;

	own_netns();
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
	diag = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 4);
	for (int k = 0; k < 1500; k++) {
		struct nlmsghdr *h = (struct nlmsghdr *)buf;
		size_t size = 16 + rnd() % 300, at;
		int s = rnd() % 8 ? fd : diag;
		scribble(buf, sizeof(buf));
		h->nlmsg_len = rnd() % 10 ? (uint32_t)size : rnd();
		h->nlmsg_type = (uint16_t)(rnd() % 10 ? 16 + rnd() % 24 : rnd());
		h->nlmsg_flags =
		    (uint16_t)(NLM_F_REQUEST |
			       (rnd() & (NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE)));
		buf[16] = (char)(rnd() % 2 ? AF_INET : AF_INET6);
		if (rnd() % 2)
			*(uint32_t *)(buf + 20) = rnd() % 4;
		for (at = 16 + 4 * (2 + rnd() % 3); at + 4 < size;) {
			struct rtattr *a = (struct rtattr *)(buf + at);
			a->rta_len = (unsigned short)(rnd() % 8 ? 4 + rnd() % 20 : rnd());
			a->rta_type = (unsigned short)(rnd() % 30);
			at += 4 + a->rta_len % 40;
			at = (at + 3) & ~3UL;
		}
		(void)!send(s, buf, size, 0);
		while (recv(s, in, sizeof(in), 0) > 0)
			;
	}
	close(fd);
	close(diag);
	still_works();
}

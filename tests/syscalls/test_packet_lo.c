/* Packet sockets over loopback: what is sent there comes back as the type that its sender said, packet(7). */
#include "packet.h"

#define STRANGE 0x1234 /* a type that no protocol has */

static int hear(int type, int protocol)
{
	int fd = socket(AF_PACKET, type, 0);
	OK(fd);
	listen_on_lo(fd, protocol);
	return fd;
}
static void put(int fd, const void *data, size_t size, int protocol)
{
	struct sockaddr_ll a = lo_of(protocol);
	EXPECT_EQ(sendto(fd, data, size, 0, (struct sockaddr *)&a, sizeof(a)), (long)size);
}
/* The next frame must be these bytes, of this protocol and meant for us. */
static void get(int fd, const void *want, size_t size, int protocol)
{
	struct sockaddr_ll a;
	socklen_t len = sizeof(a);
	char got[64];
	EXPECT_EQ(poll_for(fd, POLLIN, 5000), POLLIN);
	EXPECT_EQ(recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, (struct sockaddr *)&a, &len), (long)size);
	EXPECT_EQ(memcmp(got, want, size), 0);
	EXPECT_EQ(ntohs(a.sll_protocol), protocol);
	EXPECT_EQ(a.sll_pkttype, PACKET_HOST);
	EXPECT_EQ(a.sll_ifindex, 1);
}
static void nothing(int fd)
{
	char b[64];
	EXPECT_ERRNO(recv(fd, b, sizeof(b), MSG_DONTWAIT), EAGAIN);
}

/* The first byte looks like the one of an IPv4 header, the next case's like IPv6. */
CASE(cooked_of_a_strange_type)
{
	int out, in, ip, raw;
	char frame[14 + 5] = {[12] = STRANGE >> 8, [13] = STRANGE & 255};
	own_net();
	out = socket(AF_PACKET, SOCK_DGRAM, 0);
	in = hear(SOCK_DGRAM, STRANGE);
	ip = hear(SOCK_DGRAM, ETH_P_IP);
	raw = hear(SOCK_RAW, STRANGE);
	put(out, "Ehell", 5, STRANGE);
	memcpy(frame + 14, "Ehell", 5);
	get(in, "Ehell", 5, STRANGE);
	get(raw, frame, sizeof(frame), STRANGE);
	nothing(ip);
}
CASE(raw_of_a_strange_type)
{
	int out, in, ip6;
	char frame[14 + 3] = {[12] = STRANGE >> 8, [13] = STRANGE & 255, [14] = 0x60, 'a', 'b'};
	own_net();
	out = socket(AF_PACKET, SOCK_RAW, 0);
	in = hear(SOCK_DGRAM, STRANGE);
	ip6 = hear(SOCK_DGRAM, ETH_P_IPV6);
	put(out, frame, sizeof(frame), STRANGE);
	get(in, frame + 14, 3, STRANGE);
	nothing(ip6);
}
/* A type that is IP's, and bytes that are not: the socket gets them, and loopback works afterwards. */
CASE(wrong_version)
{
	int out, in, in6, u, t;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	char m[40] = {0x60}, m6[40] = {0x45}, b[8];
	own_net();
	out = socket(AF_PACKET, SOCK_DGRAM, 0);
	in = hear(SOCK_DGRAM, ETH_P_IP);
	in6 = hear(SOCK_DGRAM, ETH_P_IPV6);
	put(out, m, sizeof(m), ETH_P_IP);
	put(out, m6, sizeof(m6), ETH_P_IPV6);
	get(in, m, sizeof(m), ETH_P_IP);
	get(in6, m6, sizeof(m6), ETH_P_IPV6);
	u = socket(AF_INET, SOCK_DGRAM, 0);
	OK(bind(u, (struct sockaddr *)&a, sizeof(a)));
	OK(getsockname(u, (struct sockaddr *)&a, &len));
	t = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(sendto(t, "x", 1, 0, (struct sockaddr *)&a, len), 1);
	EXPECT_EQ(recv(u, b, sizeof(b), 0), 1);
}

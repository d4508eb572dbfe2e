/*
 * test_netdevice.c - ioctls of netdevice(7), packet sockets (packet(7)).
 */
#include "netlink.h"

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

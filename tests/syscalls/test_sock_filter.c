/*
 * test_sock_filter.c - filters of sockets (socket(7): SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER;
 * Documentation/networking/filter.rst): what they let through, what programs are refused.
 */
#include "inet.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int attach(int fd, struct sock_filter *code, size_t count)
{
	struct sock_fprog prog = {(unsigned short)count, code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static bool comes(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 100) == 1;
}

/* Sends to a socket's own address. */
static void send_own(int from, int to, const char *text)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	EXPECT_EQ(getsockname(to, (struct sockaddr *)&a, &len), 0);
	EXPECT_EQ(sendto(from, text, strlen(text), 0, (struct sockaddr *)&a, len), strlen(text));
}

/* The first byte of the payload must be 'y'. */
static struct sock_filter wants_y[] = {
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    BPF_STMT(BPF_RET | BPF_K, 0),
};

static void udp_filtered(int family)
{
	int u = bound(family, SOCK_DGRAM), c = socket(family, SOCK_DGRAM, 0);
	char buf[16];

	EXPECT_EQ(attach(u, wants_y, COUNT(wants_y)), 0);
	send_own(c, u, "no");
	send_own(c, u, "yes");
	EXPECT_EQ(recv(u, buf, sizeof(buf), 0), 3);
	EXPECT(buf[0] == 'y');
	EXPECT(!comes(u));
}

CASE(udp)
{
	udp_filtered(AF_INET);
}

CASE(udp_ipv6)
{
	udp_filtered(AF_INET6);
}

CASE(detached_everything_comes)
{
	int u = bound(AF_INET, SOCK_DGRAM), c = socket(AF_INET, SOCK_DGRAM, 0), zero = 0;

	EXPECT_EQ(attach(u, wants_y, COUNT(wants_y)), 0);
	send_own(c, u, "no");
	EXPECT(!comes(u));
	EXPECT_EQ(setsockopt(u, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), 0);
	send_own(c, u, "no");
	EXPECT(comes(u));
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), ENOENT);
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_DETACH_FILTER, &zero, 2), EINVAL);
}

CASE(the_program_says_how_much_is_kept)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 8 + 3)};
	int u = bound(AF_INET, SOCK_DGRAM), c = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[16];

	EXPECT_EQ(attach(u, code, 1), 0);
	send_own(c, u, "abcdef");
	EXPECT_EQ(recv(u, buf, sizeof(buf), 0), 3);
	code[0].k = 1; /* the header stays */
	EXPECT_EQ(attach(u, code, 1), 0);
	send_own(c, u, "abcdef");
	EXPECT_EQ(recv(u, buf, sizeof(buf), 0), 0);
}

CASE(the_length_and_arithmetic)
{
	/* a datagram of 13 bytes with its header: ((13 * 3 + 1) / 4) ^ 10 = 0; 0 - 1 = all */
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),    BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),   BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 4),
	    BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 10),  BPF_STMT(BPF_ST, 3),
	    BPF_STMT(BPF_LDX | BPF_IMM, 1),           BPF_STMT(BPF_LD | BPF_MEM, 3),
	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),   BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
	    BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 256), BPF_STMT(BPF_RET | BPF_A, 0),
	};
	int u = bound(AF_INET, SOCK_DGRAM), c = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[16];

	EXPECT_EQ(attach(u, code, COUNT(code)), 0);
	send_own(c, u, "short");
	EXPECT_EQ(recv(u, buf, sizeof(buf), 0), 5);
}

CASE(a_load_beyond_the_packet_drops_it)
{
	struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 100),
				     BPF_STMT(BPF_RET | BPF_K, 1000)};
	int u = bound(AF_INET, SOCK_DGRAM), c = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT_EQ(attach(u, code, 2), 0);
	send_own(c, u, "short");
	EXPECT(!comes(u));
}

CASE(a_division_by_zero_drops_it)
{
	struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_IMM, 7), BPF_STMT(BPF_LDX | BPF_IMM, 0),
				     BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), BPF_STMT(BPF_RET | BPF_K, 1000)};
	int u = bound(AF_INET, SOCK_DGRAM), c = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT_EQ(attach(u, code, COUNT(code)), 0);
	send_own(c, u, "short");
	EXPECT(!comes(u));
}

CASE(the_network_header_can_be_asked)
{
	/* SKF_NET_OFF: IPv4's protocol; SKF_AD_PROTOCOL: ETH_P_IP */
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PROTOCOL),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 3),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 9),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 1000),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	int u = bound(AF_INET, SOCK_DGRAM), c = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT_EQ(attach(u, code, COUNT(code)), 0);
	send_own(c, u, "hello");
	EXPECT(comes(u));
}

CASE(the_payload_can_be_found)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PAY_OFFSET),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'h' << 8 | 'e', 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 1000),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	int r, c = socket(AF_INET, SOCK_DGRAM, 0), u = bound(AF_INET, SOCK_DGRAM);

	r = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	if (r < 0 && errno == EPERM)
		case_skip("no CAP_NET_RAW");
	EXPECT_EQ(attach(r, code, COUNT(code)), 0);
	send_own(c, u, "hello");
	EXPECT(comes(r));
}

CASE(raw_sockets_see_the_ip_header)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	    BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 1000),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	int r, c, u;
	char buf[64];

	own_net();
	r = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	u = bound(AF_INET, SOCK_DGRAM);
	EXPECT(r >= 0);
	EXPECT_EQ(attach(r, code, COUNT(code)), 0);
	send_own(c, u, "no");
	send_own(c, u, "yes");
	EXPECT_EQ(recv(r, buf, sizeof(buf), 0), 20 + 8 + 3);
	EXPECT(!comes(r));
}

/* As tcpdump's "udp port N": frames from the link header on. */
CASE(packet_sockets_see_the_link_header)
{
	int u, c, p;
	char buf[256];

	own_net();
	u = bound(AF_INET, SOCK_DGRAM);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 8),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
	    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
	    BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)port_of(u), 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 44),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	p = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	EXPECT(p >= 0);
	EXPECT_EQ(attach(p, code, COUNT(code)), 0);
	while (recv(p, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	send_own(c, bound(AF_INET, SOCK_DGRAM), "elsewhere");
	EXPECT(!comes(p));
	send_own(c, u, "hello");
	/* cut behind two bytes of the payload; recv(2) with MSG_TRUNC tells what was kept */
	EXPECT_EQ(recv(p, buf, sizeof(buf), MSG_TRUNC), 44);
	EXPECT(!memcmp(buf + 42, "he", 2));
}

CASE(tcp_segments_are_dropped)
{
	struct sock_filter none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	int pair[2], zero = 0, l = listener(AF_INET, 5);
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char buf[8];

	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(getsockname(l, (struct sockaddr *)&a, &len), 0);
	EXPECT_EQ(connect(pair[0], (struct sockaddr *)&a, len), 0);
	pair[1] = accept(l, NULL, NULL);
	EXPECT_EQ(attach(pair[1], none, 1), 0);
	EXPECT_EQ(write(pair[0], "x", 1), 1);
	EXPECT(!comes(pair[1]));
	EXPECT_EQ(setsockopt(pair[1], SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), 0);
	EXPECT_EQ(read(pair[1], buf, sizeof(buf)), 1); /* sent again */
}

CASE(locked)
{
	int u = bound(AF_INET, SOCK_DGRAM), one = 1, zero = 0, got = -1;
	socklen_t len = sizeof(got);

	EXPECT_EQ(attach(u, wants_y, COUNT(wants_y)), 0);
	EXPECT_EQ(setsockopt(u, SOL_SOCKET, SO_LOCK_FILTER, &zero, sizeof(zero)), 0);
	EXPECT_EQ(getsockopt(u, SOL_SOCKET, SO_LOCK_FILTER, &got, &len), 0);
	EXPECT_EQ(got, 0);
	EXPECT_EQ(setsockopt(u, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)), 0);
	EXPECT_EQ(getsockopt(u, SOL_SOCKET, SO_LOCK_FILTER, &got, &len), 0);
	EXPECT_EQ(got, 1);
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_LOCK_FILTER, &zero, sizeof(zero)), EPERM);
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), EPERM);
	EXPECT_ERRNO(attach(u, wants_y, COUNT(wants_y)), EPERM);
}

CASE(the_program_can_be_read)
{
	struct sock_filter got[8];
	int u = bound(AF_INET, SOCK_DGRAM);
	socklen_t len = 0;

	EXPECT_EQ(getsockopt(u, SOL_SOCKET, SO_GET_FILTER, got, &len), 0);
	EXPECT_EQ(len, 0);
	EXPECT_EQ(attach(u, wants_y, COUNT(wants_y)), 0);
	EXPECT_EQ(getsockopt(u, SOL_SOCKET, SO_GET_FILTER, NULL, &len), 0);
	EXPECT_EQ(len, COUNT(wants_y)); /* instructions */
	len = 2;
	EXPECT_ERRNO(getsockopt(u, SOL_SOCKET, SO_GET_FILTER, got, &len), EINVAL);
	len = 8;
	EXPECT_EQ(getsockopt(u, SOL_SOCKET, SO_GET_FILTER, got, &len), 0);
	EXPECT_EQ(len, COUNT(wants_y));
	EXPECT_EQ(memcmp(got, wants_y, sizeof(wants_y)), 0);
}

CASE(bad_programs)
{
	static struct sock_filter one[][3] = {
	    {BPF_STMT(BPF_LD | BPF_IMM, 1)},                                      /* does not return */
	    {BPF_STMT(0xffff, 0), BPF_STMT(BPF_RET, 0)},                          /* no such instruction */
	    {BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0), BPF_STMT(BPF_RET, 0)},          /* leads out */
	    {BPF_JUMP(BPF_JMP | BPF_JA, 0xffffffff, 0, 0), BPF_STMT(BPF_RET, 0)}, /* back */
	    {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_RET, 0)}, /* out */
	    {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_RET, 0)}, /* out */
	    {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET, 0)},       /* by zero */
	    {BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 0), BPF_STMT(BPF_RET, 0)},
	    {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), BPF_STMT(BPF_RET, 0)},
	    {BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET, 0)},          /* no such word */
	    {BPF_STMT(BPF_LD | BPF_MEM, 0), BPF_STMT(BPF_RET, 0)}, /* never written */
	    {BPF_STMT(BPF_LDX | BPF_MEM, 16), BPF_STMT(BPF_RET, 0)},
	    {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + 200),
	     BPF_STMT(BPF_RET, 0)}, /* no such ancillary */
	    {BPF_STMT(BPF_LDX | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_RET, 0)},
	};
	int u = bound(AF_INET, SOCK_DGRAM);

	for (unsigned i = 0; i < COUNT(one); i++) {
		size_t count = i ? 2 : 1;
		errno = 0;
		if (attach(u, one[i], count) != -1 || errno != EINVAL)
			case_fail(__FILE__, __LINE__, "program %u: %s instead of EINVAL", i,
				  errno_name(errno));
	}
}

CASE(bad_arguments)
{
	struct sock_fprog prog = {COUNT(wants_y), wants_y};
	int u = bound(AF_INET, SOCK_DGRAM), bad = -1;

	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog) - 1), EINVAL);
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog) + 1), EINVAL);
	prog.len = 0;
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), EINVAL);
	prog.len = 4097;
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), EINVAL);
	prog.len = 4;
	prog.filter = (void *)8;
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), EFAULT);
	prog.filter = NULL;
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), EINVAL);
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_BPF, &bad, sizeof(bad)), EBADF);
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_BPF, &u, sizeof(u)), EINVAL);
	EXPECT_ERRNO(setsockopt(u, SOL_SOCKET, SO_ATTACH_BPF, &prog, 8), EINVAL);
}

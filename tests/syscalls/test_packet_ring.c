/* Rings of packet sockets: packet(7), the kernel's Documentation/networking/packet_mmap.rst. */
#include "packet.h"

#include <linux/filter.h>
#include <sys/mman.h>

#define BLOCK  16384U
#define BLOCKS 4U
#define FRAME  2048U

static int packet_socket(int type, int version)
{
	int fd;
	own_net();
	fd = socket(AF_PACKET, type, 0);
	OK(fd);
	OK(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)));
	return fd;
}
static int ring(int fd, unsigned timeout_ms)
{
	struct tpacket_req3 q = {BLOCK, BLOCKS, FRAME, BLOCK / FRAME * BLOCKS, timeout_ms, 0, 0};
	int version;
	socklen_t len = sizeof(version);
	OK(getsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, &len));
	return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q,
			  version == TPACKET_V3 ? sizeof(q) : sizeof(struct tpacket_req));
}
static char *map(int fd)
{
	char *m = mmap(NULL, BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(m != MAP_FAILED);
	return m;
}
/* A datagram over loopback to a port where nobody is but a socket of ours. */
static int udp_from, udp_to;
static void say(const void *text, size_t size)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	if (!udp_to) {
		udp_to = socket(AF_INET, SOCK_DGRAM, 0);
		OK(bind(udp_to, (struct sockaddr *)&a, sizeof(a)));
		OK(getsockname(udp_to, (struct sockaddr *)&a, &len));
		udp_from = socket(AF_INET, SOCK_DGRAM, 0);
		OK(connect(udp_from, (struct sockaddr *)&a, sizeof(a)));
	}
	EXPECT_EQ(send(udp_from, text, size, 0), (long)size);
}
static bool ready(int fd, int ms)
{
	return poll_for(fd, POLLIN, ms) & POLLIN;
}
/* Keeps `size` bytes of every frame. */
static void snap(int fd, unsigned size)
{
	struct sock_filter f[] = {BPF_STMT(BPF_RET | BPF_K, size)};
	struct sock_fprog prog = {1, f};
	OK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
}

CASE(header_sizes)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V1), v;
	socklen_t len = sizeof(v);
	const int want[] = {sizeof(struct tpacket_hdr), sizeof(struct tpacket2_hdr),
			    sizeof(struct tpacket3_hdr)};
	for (int i = 0; i < 3; i++) {
		v = i;
		OK(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &v, &len));
		EXPECT_EQ(v, want[i]);
	}
	v = 3;
	EXPECT_ERRNO(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &v, &len), EINVAL);
	v = -1;
	EXPECT_ERRNO(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &v, &len), EINVAL);
	len = 2;
	EXPECT_ERRNO(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &v, &len), EINVAL);
}
CASE(versions)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2), v = 9;
	socklen_t len = sizeof(v);
	OK(getsockopt(fd, SOL_PACKET, PACKET_VERSION, &v, &len));
	EXPECT_EQ(v, TPACKET_V2);
	v = 3;
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &v, sizeof(v)), EINVAL);
	v = TPACKET_V3;
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &v, 2), EINVAL);
	OK(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &v, sizeof(v)));
	OK(ring(fd, 10));
	v = TPACKET_V1;
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &v, sizeof(v)), EBUSY);
}
CASE(reserve)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2), v = 4;
	socklen_t len = sizeof(v);
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &v, 2), EINVAL);
	OK(setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &v, sizeof(v)));
	v = 0;
	OK(getsockopt(fd, SOL_PACKET, PACKET_RESERVE, &v, &len));
	EXPECT_EQ(v, 4);
	v = -1;
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &v, sizeof(v)), EINVAL);
	OK(ring(fd, 0));
	v = 0;
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &v, sizeof(v)), EBUSY);
}
CASE(requests_that_are_refused)
{
	const struct tpacket_req bad[] = {
	    {BLOCK + 1, 4, FRAME, 32}, {0, 4, FRAME, 32},         {0x80000000U, 1, FRAME, 0x100000},
	    {BLOCK, 4, 32, 2048},      {BLOCK, 4, FRAME + 8, 28}, {BLOCK, 4, FRAME, 31},
	    {BLOCK, 4, 2 * BLOCK, 0},  {BLOCK, 0, FRAME, 1},
	};
	struct tpacket_req3 q = {BLOCK, BLOCKS, FRAME, BLOCK / FRAME * BLOCKS, 0, 0, 0};
	int fd = packet_socket(SOCK_RAW, TPACKET_V2), v = TPACKET_V3;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &bad[i], sizeof(bad[i])), EINVAL);
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, 12), EINVAL);
	OK(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &v, sizeof(v)));
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof(struct tpacket_req)), EINVAL);
	q.tp_sizeof_priv = BLOCK;
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof(q)), EINVAL);
	q.tp_sizeof_priv = 0xfffffff8;
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof(q)), EINVAL);
}
CASE(mapping_errors)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2);
	EXPECT_ERRNO((long)mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0), EINVAL); /* no ring yet */
	OK(ring(fd, 0));
	EXPECT_ERRNO((long)mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0), EINVAL);
	EXPECT_ERRNO((long)mmap(NULL, BLOCK * BLOCKS, PROT_READ, MAP_SHARED, fd, 4096), EINVAL);
	EXPECT_ERRNO((long)mmap(NULL, BLOCK * BLOCKS + 4096, PROT_READ, MAP_SHARED, fd, 0), EINVAL);
	(void)map(fd);
	EXPECT_ERRNO((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, socket(AF_UNIX, SOCK_STREAM, 0), 0),
		     ENODEV);
}
CASE(one_ring_and_not_while_it_is_mapped)
{
	const struct tpacket_req none = {0, 0, 0, 0};
	int fd = packet_socket(SOCK_RAW, TPACKET_V2);
	char *m;
	OK(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none)));
	OK(ring(fd, 0));
	EXPECT_ERRNO(ring(fd, 0), EBUSY);
	m = map(fd);
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none)), EBUSY);
	OK(munmap(m, BLOCK * BLOCKS));
	OK(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none)));
	OK(ring(fd, 0));
	m = map(fd);
	close(fd);
	m[0] = 1; /* the memory stays as long as it is mapped */
	EXPECT_EQ(m[0], 1);
}

static void expect_frame(const char *frame, unsigned mac, unsigned net, unsigned maclen,
			 const struct sockaddr_ll *from)
{
	EXPECT_EQ(net - mac, maclen);
	EXPECT_EQ(net % 16, 0);
	EXPECT_EQ(frame[net], 0x45);
	EXPECT_EQ(memcmp(frame + net + 28, "hello", 5), 0);
	EXPECT_EQ(from->sll_family, AF_PACKET);
	EXPECT_EQ(from->sll_ifindex, 1);
	EXPECT_EQ(from->sll_hatype, 772);
	EXPECT_EQ(from->sll_protocol, htons(ETH_P_IP));
	EXPECT_EQ(from->sll_halen, 6);
}
CASE(version_1)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V1);
	struct tpacket_hdr *h;
	char *m;
	OK(ring(fd, 0));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	EXPECT(!ready(fd, 0));
	say("hello", 5);
	EXPECT(ready(fd, 5000));
	for (int i = 0; i < 2; i++) { /* on its way out, and in */
		h = (void *)(m + i * FRAME);
		EXPECT(h->tp_status & TP_STATUS_USER);
		EXPECT_EQ(h->tp_len, 14 + 28 + 5);
		EXPECT_EQ(h->tp_snaplen, 14 + 28 + 5);
		EXPECT(h->tp_sec > 1600000000 && h->tp_usec < 1000000);
		expect_frame((char *)h, h->tp_mac, h->tp_net, 14,
			     (void *)((char *)h + TPACKET_ALIGN(sizeof(*h))));
		EXPECT_EQ(((struct sockaddr_ll *)((char *)h + TPACKET_ALIGN(sizeof(*h))))->sll_pkttype,
			  i ? PACKET_HOST : PACKET_OUTGOING);
	}
	h = (void *)(m + 2 * FRAME);
	EXPECT_EQ(h->tp_status, 0);
	EXPECT_EQ(recv(fd, m, 10, MSG_DONTWAIT), -1); /* nothing goes into the queue */
	EXPECT_EQ(errno, EAGAIN);
}
CASE(version_2)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2), in = 1;
	struct tpacket2_hdr *h;
	char *m;
	OK(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &in, sizeof(in)));
	OK(ring(fd, 0));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	say("hello", 5);
	say("hello", 5);
	for (int i = 0; i < 2; i++) {
		h = (void *)(m + i * FRAME);
		EXPECT(h->tp_status & TP_STATUS_USER);
		EXPECT_EQ(h->tp_len, 14 + 28 + 5);
		EXPECT(h->tp_sec > 1600000000 && h->tp_nsec < 1000000000);
		expect_frame((char *)h, h->tp_mac, h->tp_net, 14,
			     (void *)((char *)h + TPACKET_ALIGN(sizeof(*h))));
	}
	EXPECT_EQ(((struct tpacket2_hdr *)(m + 2 * FRAME))->tp_status, 0);
}
CASE(ignore_outgoing)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2), v = 2;
	socklen_t len = sizeof(v);
	EXPECT_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &v, sizeof(v)), EINVAL);
	v = 1;
	OK(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &v, sizeof(v)));
	v = 0;
	OK(getsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &v, &len));
	EXPECT_EQ(v, 1);
}
CASE(without_link_headers)
{
	int fd = packet_socket(SOCK_DGRAM, TPACKET_V2);
	struct tpacket2_hdr *h;
	char *m;
	OK(ring(fd, 0));
	m = map(fd);
	listen_on_lo(fd, ETH_P_IP);
	say("hello", 5);
	h = (void *)m;
	EXPECT(ready(fd, 5000));
	EXPECT_EQ(h->tp_len, 28 + 5);
	expect_frame(m, h->tp_mac, h->tp_net, 0, (void *)(m + TPACKET_ALIGN(sizeof(*h))));
}
CASE(reserved_room_is_before_the_frame)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2), v = 32;
	struct tpacket2_hdr *h;
	unsigned with;
	char *m;
	OK(setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &v, sizeof(v)));
	OK(ring(fd, 0));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	say("hello", 5);
	EXPECT(ready(fd, 5000));
	h = (void *)m;
	with = h->tp_mac;
	EXPECT_EQ(with, TPACKET_ALIGN(TPACKET2_HDRLEN + 16) + 32 - 14);
	expect_frame(m, h->tp_mac, h->tp_net, 14, (void *)(m + TPACKET_ALIGN(sizeof(*h))));
}
CASE(large_frames_are_cut_to_the_frame_size)
{
	static char big[4000];
	int fd = packet_socket(SOCK_RAW, TPACKET_V2);
	struct tpacket2_hdr *h;
	char *m;
	OK(ring(fd, 0));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	memset(big, 'b', sizeof(big));
	say(big, sizeof(big));
	EXPECT(ready(fd, 5000));
	h = (void *)m;
	EXPECT_EQ(h->tp_len, 14 + 28 + 4000);
	EXPECT_EQ(h->tp_snaplen, FRAME - h->tp_mac);
	EXPECT_EQ(m[FRAME - 1], 'b');
}
CASE(filters_cut_and_choose)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2);
	struct tpacket2_hdr *h;
	char *m;
	snap(fd, 20);
	OK(ring(fd, 0));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	say("hello", 5);
	EXPECT(ready(fd, 5000));
	h = (void *)m;
	EXPECT_EQ(h->tp_len, 14 + 28 + 5);
	EXPECT_EQ(h->tp_snaplen, 20);
	snap(fd, 0);
	say("hello", 5);
	EXPECT_EQ(((struct tpacket2_hdr *)(m + 2 * FRAME))->tp_status, 0);
}
CASE(full_ring_loses_frames)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2), in = 1;
	unsigned frames = BLOCK / FRAME * BLOCKS;
	struct tpacket_stats s;
	socklen_t len = sizeof(s);
	struct tpacket2_hdr *h;
	char *m;
	OK(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &in, sizeof(in)));
	OK(ring(fd, 0));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	for (unsigned i = 0; i < frames + 3; i++)
		say("hello", 5);
	for (unsigned i = 0; i < frames; i++)
		EXPECT(((struct tpacket2_hdr *)(m + i * FRAME))->tp_status & TP_STATUS_USER);
	h = (void *)m;
	h->tp_status = TP_STATUS_KERNEL; /* given back: the next goes there */
	say("hello", 5);
	EXPECT(h->tp_status & TP_STATUS_USER);
	EXPECT(h->tp_status & TP_STATUS_LOSING);
	OK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &s, &len));
	EXPECT_EQ(len, sizeof(s));
	EXPECT_EQ(s.tp_packets, frames + 4);
	EXPECT_EQ(s.tp_drops, 3);
	((struct tpacket2_hdr *)(m + FRAME))->tp_status = TP_STATUS_KERNEL;
	say("hello", 5);
	EXPECT(!(((struct tpacket2_hdr *)(m + FRAME))->tp_status & TP_STATUS_LOSING));
}
CASE(version_3)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V3);
	struct tpacket_block_desc *b;
	struct tpacket3_hdr *h;
	char *m;
	OK(ring(fd, 50));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	EXPECT(!ready(fd, 100)); /* an empty block is not handed over */
	say("hello", 5);
	say("hello", 5);
	b = (void *)m;
	EXPECT(ready(fd, 5000));
	EXPECT_EQ(b->version, TPACKET_V3);
	EXPECT(b->hdr.bh1.block_status & TP_STATUS_USER);
	EXPECT(b->hdr.bh1.block_status & TP_STATUS_BLK_TMO);
	EXPECT_EQ(b->offset_to_priv, 48);
	EXPECT(b->hdr.bh1.num_pkts >= 1 && b->hdr.bh1.num_pkts <= 4);
	EXPECT_EQ(b->hdr.bh1.offset_to_first_pkt, 48);
	EXPECT(b->hdr.bh1.seq_num >= 1);
	h = (void *)(m + b->hdr.bh1.offset_to_first_pkt);
	for (unsigned i = 0; i < b->hdr.bh1.num_pkts; i++) {
		EXPECT(h->tp_status & TP_STATUS_USER);
		EXPECT_EQ(h->tp_len, 14 + 28 + 5);
		EXPECT_EQ(h->tp_snaplen, 14 + 28 + 5);
		expect_frame((char *)h, h->tp_mac, h->tp_net, 14,
			     (void *)((char *)h + TPACKET_ALIGN(sizeof(*h))));
		if (i == 0)
			EXPECT(b->hdr.bh1.ts_first_pkt.ts_sec <=
			       h->tp_sec); /* Linux: when the block was opened */
		if (i == b->hdr.bh1.num_pkts - 1)
			EXPECT_EQ(h->tp_next_offset, 0);
		else
			EXPECT(h->tp_next_offset >= 14 + 28 + 5 && h->tp_next_offset % 8 == 0);
		h = (void *)((char *)h + h->tp_next_offset);
	}
	b->hdr.bh1.block_status = TP_STATUS_KERNEL;
	EXPECT(!ready(fd, 0) || ((struct tpacket_block_desc *)(m + BLOCK))->hdr.bh1.block_status);
}
CASE(version_3_private_area)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V3);
	struct tpacket_req3 q = {BLOCK, BLOCKS, FRAME, BLOCK / FRAME * BLOCKS, 20, 13, 0};
	struct tpacket_block_desc *b;
	OK(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof(q)));
	b = (void *)map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	memset((char *)b + 48, 'p', 13);
	say("hello", 5);
	EXPECT(ready(fd, 5000));
	EXPECT_EQ(b->hdr.bh1.offset_to_first_pkt, 64);
	EXPECT_EQ(((char *)b)[48 + 12], 'p');
}
CASE(version_3_fills_blocks_and_freezes)
{
	static char big[3000];
	int fd = packet_socket(SOCK_RAW, TPACKET_V3), in = 1;
	struct tpacket_stats_v3 s;
	socklen_t len = sizeof(s);
	unsigned got = 0, sent = 40;
	char *m;
	OK(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &in, sizeof(in)));
	OK(ring(fd, 60000));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	for (unsigned i = 0; i < sent; i++)
		say(big, sizeof(big));
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct tpacket_block_desc *b = (void *)(m + i * BLOCK);
		EXPECT_EQ(b->hdr.bh1.block_status & TP_STATUS_USER, TP_STATUS_USER);
		EXPECT(!(b->hdr.bh1.block_status & TP_STATUS_BLK_TMO));
		EXPECT_EQ(b->hdr.bh1.num_pkts, 5);
		EXPECT(b->hdr.bh1.blk_len <= BLOCK && b->hdr.bh1.blk_len > 5 * 3042);
		got += b->hdr.bh1.num_pkts;
	}
	EXPECT(ready(fd, 0));
	OK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &s, &len));
	EXPECT_EQ(len, sizeof(s));
	EXPECT_EQ(s.tp_packets, sent);
	EXPECT_EQ(s.tp_drops, sent - got);
	EXPECT_EQ(s.tp_freeze_q_cnt, 1);
	OK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &s, &len));
	EXPECT_EQ(s.tp_packets, 0);
	EXPECT_EQ(s.tp_freeze_q_cnt, 0);
	for (unsigned i = 0; i < BLOCKS; i++)
		((struct tpacket_block_desc *)(m + i * BLOCK))->hdr.bh1.block_status = TP_STATUS_KERNEL;
	for (unsigned i = 0; i < 6; i++)
		say(big, sizeof(big));
	EXPECT(((struct tpacket_block_desc *)m)->hdr.bh1.block_status & TP_STATUS_USER);
}
CASE(large_datagram_is_whole_in_a_block)
{
	static char big[9000];
	int fd = packet_socket(SOCK_RAW, TPACKET_V3);
	struct tpacket_block_desc *b;
	struct tpacket3_hdr *h;
	char *m;
	OK(ring(fd, 20));
	m = map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	say(big, sizeof(big));
	EXPECT(ready(fd, 5000));
	b = (void *)m;
	h = (void *)(m + b->hdr.bh1.offset_to_first_pkt);
	EXPECT_EQ(h->tp_snaplen, 14 + 28 + 9000);
	EXPECT_EQ(memcmp((char *)h + h->tp_net + 28, big, sizeof(big)), 0);
}
CASE(poll_waits_for_a_frame)
{
	int fd = packet_socket(SOCK_RAW, TPACKET_V2);
	pid_t pid;
	OK(ring(fd, 0));
	(void)map(fd);
	listen_on_lo(fd, ETH_P_ALL);
	pid = fork();
	OK(pid);
	if (!pid) {
		usleep(100000);
		say("hello", 5);
		_exit(0);
	}
	EXPECT(ready(fd, 10000));
	OK(waitpid(pid, NULL, 0));
}

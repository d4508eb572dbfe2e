/* guest_net.c - sockets of the sandbox's own network, over loopback; see guest.h. */
#include "guest.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define BLOCK  16384U
#define BLOCKS 4U
#define FRAME  2048U

static struct sockaddr_in here(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listener(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*a = here();
	CHECK(bind(fd, (struct sockaddr *)a, sizeof(*a)) == 0 && listen(fd, 4) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)a, &len) == 0);
	return fd;
}

static int joined(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0);
	return fd;
}

/* ---- TCP ---- */

static int reader_fd;
static long long read_sum, read_count;

static void *reader(void *arg)
{
	unsigned char buf[4096];
	ssize_t n;

	while ((n = read(reader_fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			read_sum += buf[i];
		read_count += n;
	}
	return arg;
}

/* A connection whose buffers are full, one whose reader sleeps, one not yet accepted. */
static void tcp(void)
{
	struct sockaddr_in a;
	int server = listener(&a), full = joined(&a), full_end = accept(server, NULL, NULL), idle, waiting;
	long long sent = 0, sum = 0;
	unsigned char block[1000];
	pthread_t t;
	ssize_t n;

	CHECK(full_end >= 0);
	do { /* until nobody takes any more */
		for (unsigned i = 0; i < sizeof(block); i++)
			block[i] = (unsigned char)(sent + i);
		n = send(full, block, sizeof(block), MSG_DONTWAIT);
		for (ssize_t i = 0; i < n; i++)
			sum += block[i];
		sent += n > 0 ? n : 0;
	} while (n > 0);
	CHECK(errno == EAGAIN && sent > 100000);
	idle = joined(&a);
	reader_fd = accept(server, NULL, NULL);
	CHECK(reader_fd >= 0 && pthread_create(&t, NULL, reader, NULL) == 0);
	waiting = joined(&a);
	CHECK(write(waiting, "w", 1) == 1);
	pause_here();

	CHECK(write(idle, "\1\2\3", 3) == 3 && close(idle) == 0 && pthread_join(t, NULL) == 0);
	CHECK(read_count == 3 && read_sum == 6);
	close(reader_fd);
	reader_fd = accept(server, NULL, NULL);
	CHECK(reader_fd >= 0 && read(reader_fd, block, 1) == 1 && block[0] == 'w');
	close(reader_fd);
	read_sum = read_count = 0;
	reader_fd = full_end;
	CHECK(shutdown(full, SHUT_WR) == 0);
	reader(NULL);
	CHECK(read_count == sent && read_sum == sum);
	CHECK(joined(&a) >= 0);
}

/* ---- UDP ---- */

static void udp(void)
{
	struct sockaddr_in a = here();
	socklen_t len = sizeof(a);
	int to = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[16];

	CHECK(bind(to, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	      getsockname(to, (struct sockaddr *)&a, &len) == 0);
	CHECK(connect(from, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(send(from, "one", 3, 0) == 3 && send(from, "twos", 4, 0) == 4);
	pause_here();
	CHECK(recv(to, buf, sizeof(buf), 0) == 3 && !memcmp(buf, "one", 3));
	CHECK(send(from, "three", 5, 0) == 5);
	CHECK(recv(to, buf, sizeof(buf), 0) == 4 && !memcmp(buf, "twos", 4));
	CHECK(recv(to, buf, sizeof(buf), 0) == 5 && !memcmp(buf, "three", 5));
}

/* ---- a packet socket's ring ---- */

static void say_udp(const char *text)
{
	struct sockaddr_in a = here();
	int fd = socket(AF_INET, SOCK_DGRAM, 0), to = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(a);

	CHECK(bind(to, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	      getsockname(to, (struct sockaddr *)&a, &len) == 0);
	CHECK(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, sizeof(a)) == (ssize_t)strlen(text));
	close(fd);
	close(to);
}

static char *ring(int version, int *fd)
{
	struct tpacket_req3 q = {BLOCK, BLOCKS, FRAME, BLOCK / FRAME * BLOCKS, 50, 0, 0};
	struct sockaddr_ll lo = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1};
	char *m;

	*fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	CHECK(*fd >= 0 && setsockopt(*fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) == 0);
	CHECK(setsockopt(*fd, SOL_PACKET, PACKET_RX_RING, &q,
			 version == TPACKET_V3 ? sizeof(q) : sizeof(struct tpacket_req)) == 0);
	m = mmap(NULL, BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	CHECK(m != MAP_FAILED && bind(*fd, (struct sockaddr *)&lo, sizeof(lo)) == 0);
	return m;
}

static void await_frame(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	CHECK(poll(&p, 1, 5000) == 1 && p.revents == POLLIN);
}

/* The next frame is a datagram with this text; its place goes back to the kernel. */
static void take_v2(char *m, unsigned *at, int fd, const char *text)
{
	struct tpacket2_hdr *h;

	for (;; *at = (*at + 1) % (BLOCK / FRAME * BLOCKS)) {
		h = (struct tpacket2_hdr *)(void *)(m + *at * FRAME);
		while (!(*(volatile uint32_t *)&h->tp_status & TP_STATUS_USER))
			await_frame(fd);
		CHECK(h->tp_len == 28 + strlen(text) && h->tp_snaplen == h->tp_len);
		CHECK(!memcmp((char *)h + h->tp_net + 28, text, strlen(text)));
		*(volatile uint32_t *)&h->tp_status = TP_STATUS_KERNEL;
		*at = (*at + 1) % (BLOCK / FRAME * BLOCKS);
		return;
	}
}

static void ring_v2(void)
{
	unsigned at = 0;
	int fd;
	char *m = ring(TPACKET_V2, &fd);

	say_udp("before");
	say_udp("unread");
	take_v2(m, &at, fd, "before");
	pause_here();
	take_v2(m, &at, fd, "unread");
	for (int i = 0; i < 100; i++) { /* several times round */
		say_udp("after");
		take_v2(m, &at, fd, "after");
	}
}

static unsigned take_v3(char *m, unsigned *block, int fd)
{
	struct tpacket_block_desc *d = (struct tpacket_block_desc *)(void *)(m + *block * BLOCK);
	unsigned n;

	while (!(*(volatile uint32_t *)&d->hdr.bh1.block_status & TP_STATUS_USER))
		await_frame(fd);
	n = d->hdr.bh1.num_pkts;
	*(volatile uint32_t *)&d->hdr.bh1.block_status = TP_STATUS_KERNEL;
	*block = (*block + 1) % BLOCKS;
	return n;
}

static void ring_v3(void)
{
	struct tpacket_stats_v3 stats = {0};
	socklen_t len = sizeof(stats);
	unsigned block = 0, frames = 0;
	int fd;
	char *m = ring(TPACKET_V3, &fd);

	say_udp("before");
	pause_here(); /* its block is closed by time, in either life */
	while (frames < 1)
		frames += take_v3(m, &block, fd);
	for (int i = 0; i < 50; i++)
		say_udp("after");
	while (frames < 51)
		frames += take_v3(m, &block, fd);
	CHECK(frames == 51);
	CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0);
	CHECK(stats.tp_packets == 51 && stats.tp_drops == 0);
}

const struct situation net_situations[] = {
    {"tcp", tcp}, {"udp", udp}, {"ring2", ring_v2}, {"ring3", ring_v3}, {0}};

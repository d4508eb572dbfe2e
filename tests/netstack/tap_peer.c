/*
 * tap_peer.c: the netstack on a TAP device or a packet socket, as a peer for Linux's own stack in
 * tests/netstack/run-linux.
 *
 * usage: tap_peer DEVICE vnet|plain|packet (a TAP device, with or without virtio-net headers; a packet
 * socket, with them, on a device that exists). Addresses 10.9.0.2/24 and fd09::2/64. Services, TCP and UDP,
 * both families: 7 echo, 9 discard, 19 (TCP) endless bytes. Prints "ready", ends at end of file on standard
 * input, and says what was left.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "netstack/link/pcap.h"
#include "netstack/link/tap.h"
#include "netstack/stack/stack_priv.h"
#include "netstack/transport/tcp.h"

#define CONNS 2048

struct conn {
	struct net_sock *sk;
	u16 service;
	u8 *buf; /* echo: what was read and not yet written */
	u32 at, size;
	bool eof;
};

struct peer {
	int fd;
	long blocks;
	u64 deadline;
	struct netstack *ns;
	struct tap *tap;
	struct net_sock *udp, *listener[3];
	struct conn conns[CONNS];
};

static u64 clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec;
}
static u64 mono(void *ctx)
{
	(void)ctx;
	return clock_ns(CLOCK_MONOTONIC);
}
static u64 real(void *ctx)
{
	(void)ctx;
	return clock_ns(CLOCK_REALTIME);
}
static void randomly(void *ctx, void *buf, size_t size)
{
	(void)ctx;
	if (getrandom(buf, size, 0) != (ssize_t)size)
		abort();
}
static void *take(void *ctx, size_t size, const char *type)
{
	(void)type;
	((struct peer *)ctx)->blocks++;
	return malloc(size);
}
static void give(void *ctx, void *p)
{
	((struct peer *)ctx)->blocks--;
	free(p);
}
static void timer(void *ctx, u64 deadline)
{
	((struct peer *)ctx)->deadline = deadline;
}

static int tap_write(void *ctx, const struct iovec *iov, u32 count)
{
	struct peer *p = ctx;

	return writev(p->fd, iov, (int)count) < 0 ? -errno : 0;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* All frames of a device, our own left out. It takes segments to be cut, and brings what was joined. */
static u32 open_packet(struct peer *p, const char *name)
{
	struct sockaddr_ll a = {.sll_family = AF_PACKET,
				.sll_protocol = htons(ETH_P_ALL),
				.sll_ifindex = (int)if_nametoindex(name)};
	struct packet_mreq all = {.mr_ifindex = a.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
	int on = 1, room = 8 << 20;

	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || setsockopt(p->fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
	    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(p->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) ||
	    bind(p->fd, (struct sockaddr *)&a, sizeof(a)))
		die("packet socket");
	return LINK_CSUM_OUT | LINK_GSO_TCP4 | LINK_GSO_TCP6;
}

static u32 open_tap(struct peer *p, const char *name, bool vnet)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0))};
	unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	unsigned uso = 0x20 | 0x40; /* TUN_F_USO4, TUN_F_USO6: newer than some headers */
	u32 features = 0;

	p->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (p->fd < 0 || ioctl(p->fd, TUNSETIFF, &ifr) < 0)
		die("tun");
	if (vnet) {
		features = LINK_CSUM_OUT | LINK_GSO_TCP4 | LINK_GSO_TCP6;
		if (!ioctl(p->fd, TUNSETOFFLOAD, offload | uso))
			features |= LINK_GSO_UDP;
		else if (ioctl(p->fd, TUNSETOFFLOAD, offload) < 0)
			die("TUNSETOFFLOAD");
	}
	return features;
}

static void open_link(struct peer *p, const char *name, const char *mode)
{
	bool plain = !strcmp(mode, "plain");
	u32 features = strcmp(mode, "packet") ? open_tap(p, name, !plain) : open_packet(p, name);
	struct tap_config c = {.name = "eth0",
			       .mtu = 1500,
			       .features = features,
			       .hwaddr = {2, 0, 0, 9, 0, 2},
			       .vnet_size = plain ? 0 : 10,
			       .ctx = p,
			       .write = tap_write};
	if (tap_add(p->ns, &c, &p->tap))
		die("tap_add");
}

/* ---- bytes between the stack and a buffer ---- */

struct mem {
	struct net_iter it;
	u8 *at;
	bool out; /* from the stack */
};
static s64 move(struct net_iter *it, void *side, size_t n)
{
	struct mem *m = container_of(it, struct mem, it);

	if (m->at) {
		memcpy(m->out ? m->at : side, m->out ? side : m->at, n);
		m->at += n;
	} else if (!m->out) {
		memset(side, 'x', n);
	}
	it->left -= n;
	return (s64)n;
}
static struct mem mem_of(u8 *at, size_t size, bool out)
{
	return (struct mem){{move, size}, at, out};
}

static void serve_udp(struct peer *p)
{
	static u8 buf[65536];
	struct pkt *d;

	for (;;) {
		int err = dgram_receive(p->udp, false, &d);
		if (err == -EAGAIN)
			return;
		if (err)
			continue;
		struct mem m = mem_of(buf, d->size, false);
		struct dgram_msg msg = {
		    .iter = &m.it, .dst = &d->src, .dport = d->sport, .ttl = -1, .tos = -1, .src = &d->dst};
		pkt_copy(d, 0, buf, d->size);
		if (ip_is_linklocal(&d->src) && !ip_is_v4(&d->src))
			msg.oif = d->ifindex;
		(void)!udp_send(p->udp, &msg);
		pkt_free(d);
	}
}

static void conn_close(struct conn *c, bool reset)
{
	tcp_close(c->sk, reset);
	free(c->buf);
	*c = (struct conn){0};
}

#define BUF 262144

static bool flush(struct conn *c)
{
	while (c->at < c->size) {
		struct mem m = mem_of(c->buf + c->at, c->size - c->at, false);
		s64 n = tcp_send(c->sk, &m.it, 0);
		if (n == -EAGAIN)
			return false;
		if (n < 0) {
			conn_close(c, true);
			return false;
		}
		c->at += (u32)n;
	}
	c->at = c->size = 0;
	return true;
}

static void serve_conn(struct conn *c)
{
	for (int budget = 64; budget && c->sk; budget--) {
		struct mem m;
		s64 n;
		if (c->service == 19) {
			m = mem_of(NULL, BUF, false);
			n = tcp_send(c->sk, &m.it, 0);
			if (n < 0 && n != -EAGAIN)
				conn_close(c, true);
			if (n < 0)
				return;
			continue;
		}
		if (!flush(c))
			return;
		m = mem_of(c->service == 9 ? NULL : c->buf, BUF, true);
		n = tcp_receive(c->sk, &m.it, false, 0);
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			conn_close(c, n < 0);
			return;
		}
		if (c->service == 7)
			c->size = (u32)n;
	}
}

static void accept_all(struct peer *p)
{
	static const u16 ports[3] = {7, 9, 19};
	struct net_sock *sk;

	for (int l = 0; l < 3; l++) {
		while (!tcp_accept(p->listener[l], &sk)) {
			struct conn *c = p->conns;
			while (c < p->conns + CONNS && c->sk)
				c++;
			if (c == p->conns + CONNS) {
				tcp_close(sk, true);
				continue;
			}
			*c = (struct conn){.sk = sk, .service = ports[l], .buf = malloc(BUF)};
		}
	}
}

static void serve(struct peer *p)
{
	serve_udp(p);
	accept_all(p);
	for (int i = 0; i < CONNS; i++)
		if (p->conns[i].sk)
			serve_conn(&p->conns[i]);
}

static void read_frames(struct peer *p)
{
	struct iovec iov[TAP_RX_IOV];

	for (int budget = 64; budget; budget--) {
		u32 n = tap_rx_space(p->tap, iov);
		ssize_t size = n ? readv(p->fd, iov, (int)n) : -1;
		if (size <= 0)
			break;
		tap_rx_done(p->tap, (size_t)size);
	}
	tap_rx_end(p->tap);
}

static void start(struct peer *p, const char *name, const char *mode)
{
	struct net_env env = {p, mono, real, randomly, take, give, timer};
	struct ip_addr six = {{0xfd, 9, [15] = 2}}, any6 = IP6_ANY;
	struct netif *nif;

	p->deadline = TIME_NEVER;
	if (netstack_new(&env, &p->ns) || netif_set_up(p->ns->lo, true))
		die("netstack");
	open_link(p, name, mode);
	nif = tap_netif(p->tap);
	if (netif_addr_add(nif, ip_v4(0x0a090002), 24, IFA_PERMANENT) ||
	    netif_addr_add(nif, six, 64, IFA_PERMANENT | IFA_NODAD) || netif_set_up(nif, true))
		die("addresses");
	if (udp_new(p->ns, true, &p->udp) || sock_bind(p->udp, &any6, 7))
		die("udp");
	p->udp->rcvbuf = 4 << 20;
	for (int l = 0; l < 3; l++)
		if (tcp_new(p->ns, true, &p->listener[l]) ||
		    sock_bind(p->listener[l], &any6, (u32[]){7, 9, 19}[l]) ||
		    tcp_listen(p->listener[l], 1024))
			die("tcp");
}

static void stop(struct peer *p)
{
	for (int i = 0; i < CONNS; i++)
		if (p->conns[i].sk)
			conn_close(&p->conns[i], true);
	for (int l = 0; l < 3; l++)
		tcp_close(p->listener[l], false);
	dgram_close(p->udp);
	printf("tcp segments in %llu out %llu again %llu\n", (unsigned long long)p->ns->mib[MIB_TcpInSegs],
	       (unsigned long long)p->ns->mib[MIB_TcpOutSegs],
	       (unsigned long long)p->ns->mib[MIB_TcpRetransSegs]);
	netstack_free(p->ns);
	printf("left %ld\n", p->blocks);
}

static void write_capture(void *ctx, const void *bytes, size_t size)
{
	fwrite(bytes, 1, size, ctx);
}

int main(int argc, char **argv)
{
	static struct peer p;
	const char *file = getenv("CAPTURE");
	FILE *capture = file ? fopen(file, "w") : NULL;
	struct pcap pc;

	if (argc != 3)
		return 2;
	start(&p, argv[1], argv[2]);
	if (capture)
		pcap_start(&pc, tap_netif(p.tap), 200, write_capture, capture);
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd f[2] = {{p.fd, POLLIN, 0}, {0, POLLIN, 0}};
		u64 now = mono(NULL);
		int wait = p.deadline == TIME_NEVER ? 1000
			   : p.deadline <= now      ? 0
						    : (int)((p.deadline - now) / 1000000 + 1);
		poll(f, 2, wait < 1000 ? wait : 1000);
		if (f[1].revents)
			break;
		read_frames(&p);
		tap_tx_ready(p.tap);
		netstack_run(p.ns);
		serve(&p);
	}
	stop(&p);
	if (capture)
		fclose(capture);
	return p.blocks ? 1 : 0;
}

/* test_udp.c: UDP sockets: connected, dual-stack, groups, broadcast, segments, queues, who gets what. */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct ip_addr a, b, lo, a_6, b_6;

static void start(void)
{
	world_pair(&w);
	a = ip_v4(IP_A);
	b = ip_v4(IP_B);
	lo = ip_v4(0x7f000001);
	a_6 = a6("fd00::1");
	b_6 = a6("fd00::2");
}

static void stop(void)
{
	world_end(&w);
}

static s64 put_if(struct net_sock *sk, const struct ip_addr *dst, u32 port, u32 oif)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, "x", 1);
	msg = msg_to(&m, dst, port);
	msg.oif = oif;
	return udp_send(sk, &msg);
}

/* ---- connect ---- */

START_TEST(connected_sends_without_address)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, false);

	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), -EDESTADDRREQ);
	ck_assert_int_eq(dgram_connect(c, &b, 53), 0);
	ck_assert(ip_eq(&c->ep.laddr, &a));
	ck_assert_uint_ge(c->ep.lport, 32768);
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), 1);
	settle(&w);
	expect_datagram(s, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(connected_hears_only_its_peer)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_bound(w.a, IP4_ANY, 1000),
			*other = udp_bound(w.b, IP4_ANY, 54);

	ck_assert_int_eq(dgram_connect(c, &b, 53), 0);
	ck_assert_int_eq(udp_put(other, &a, 1000, "no", 2), 2);
	ck_assert_int_eq(udp_put(s, &a, 1000, "yes", 3), 3);
	settle(&w);
	expect_datagram(c, "yes");
	expect_nothing(c);
	ck_assert_uint_eq(w.a->mib[MIB_UdpNoPorts], 1);
	dgram_close(s);
	dgram_close(c);
	dgram_close(other);
}
END_TEST

START_TEST(connected_refused)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &b, 53), 0);
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), 1);
	settle(&w);
	ck_assert_uint_eq(dgram_poll(c) & SOCK_ERR, SOCK_ERR);
	ck_assert_int_eq(dgram_get(c, NULL, 0, NULL, NULL), -ECONNREFUSED);
	ck_assert_int_eq(dgram_get(c, NULL, 0, NULL, NULL), -EAGAIN);
	dgram_close(c);
}
END_TEST

START_TEST(connected_refused6)
{
	struct net_sock *c = udp_open(w.a, true);

	ck_assert_int_eq(dgram_connect(c, &b_6, 53), 0);
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), 1);
	settle(&w);
	ck_assert_int_eq(dgram_get(c, NULL, 0, NULL, NULL), -ECONNREFUSED);
	dgram_close(c);
}
END_TEST

START_TEST(refused_over_loopback)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &lo, 53), 0);
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), 1);
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), -ECONNREFUSED);
	dgram_close(c);
}
END_TEST

START_TEST(disconnect_forgets_peer_and_port)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &b, 53), 0);
	ck_assert_int_eq(dgram_disconnect(c), 0);
	ck_assert_uint_eq(c->ep.lport, 0);
	ck_assert(ip_is_any(&c->ep.laddr));
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), -EDESTADDRREQ);
	dgram_close(c);
}
END_TEST

START_TEST(disconnect_keeps_a_bound_port)
{
	struct net_sock *c = udp_bound(w.a, IP4_ANY, 1000), *s = udp_bound(w.b, IP4_ANY, 53);

	ck_assert_int_eq(dgram_connect(c, &b, 54), 0);
	ck_assert_int_eq(dgram_disconnect(c), 0);
	ck_assert_uint_eq(c->ep.lport, 1000);
	ck_assert_int_eq(udp_put(s, &a, 1000, "x", 1), 1);
	settle(&w);
	expect_datagram(c, "x");
	dgram_close(c);
	dgram_close(s);
}
END_TEST

START_TEST(connect_to_any_is_to_ourselves)
{
	struct net_sock *s = udp_bound(w.a, IP4_ANY, 53), *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &IP4_ANY, 53), 0);
	ck_assert(ip_eq(&c->ep.raddr, &lo));
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), 1);
	expect_datagram(s, "x");
	dgram_close(c);
	dgram_close(s);
}
END_TEST

START_TEST(connect_again_changes_the_peer)
{
	struct net_sock *s = udp_bound(w.a, IP4_ANY, 53), *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &b, 53), 0);
	ck_assert_int_eq(dgram_connect(c, &lo, 53), 0);
	ck_assert(ip_eq(&c->ep.laddr, &a)); /* as Linux: the first source stays */
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), 1);
	expect_datagram(s, "x");
	dgram_close(c);
	dgram_close(s);
}
END_TEST

START_TEST(loopback_source_does_not_leave)
{
	struct net_sock *c = udp_bound(w.a, lo, 1000);

	ck_assert_int_eq(dgram_connect(c, &b, 53), -EINVAL);
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), -EINVAL);
	dgram_close(c);
}
END_TEST

START_TEST(connect_without_route)
{
	struct ip_addr far = a4("192.0.2.1"), far6 = a6("2001:db8::1");
	struct net_sock *c = udp_open(w.a, false), *c6 = udp_open(w.a, true);

	ck_assert_int_eq(dgram_connect(c, &far, 53), -ENETUNREACH);
	ck_assert_int_eq(dgram_connect(c6, &far6, 53), -ENETUNREACH);
	ck_assert_int_eq(udp_put(c, &far, 53, "x", 1), -ENETUNREACH);
	dgram_close(c);
	dgram_close(c6);
}
END_TEST

START_TEST(port_zero_refused)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(udp_put(c, &b, 0, "x", 1), -EINVAL);
	dgram_close(c);
}
END_TEST

START_TEST(shutdown_stops_sending)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_shutdown(c, true, true), -ENOTCONN);
	ck_assert_int_eq(dgram_connect(c, &b, 53), 0);
	ck_assert_int_eq(dgram_shutdown(c, false, true), 0);
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), -EPIPE);
	ck_assert_int_eq(dgram_shutdown(c, true, false), 0);
	ck_assert_uint_eq(dgram_poll(c) & (SOCK_HUP | SOCK_RDHUP | SOCK_IN), SOCK_HUP | SOCK_RDHUP | SOCK_IN);
	dgram_close(c);
}
END_TEST

START_TEST(empty_datagram)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, false);

	ck_assert_int_eq(udp_put(c, &b, 53, "", 0), 0);
	settle(&w);
	ck_assert_int_eq(dgram_get(s, NULL, 0, NULL, NULL), 0);
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

/* ---- dual stack ---- */

START_TEST(v6_socket_hears_v4)
{
	struct net_sock *s = udp_bound(w.b, IP6_ANY, 53), *c = udp_open(w.a, false);
	struct ip_addr from;
	char buf[4];

	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	ck_assert_int_eq(dgram_get(s, buf, sizeof(buf), &from, NULL), 1);
	ck_assert(ip_eq(&from, &a));
	ck_assert_int_eq(udp_put(s, &from, c->ep.lport, "y", 1), 1);
	settle(&w);
	expect_datagram(c, "y");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(v6only_does_not)
{
	struct net_sock *s = udp_open(w.b, true), *c = udp_open(w.a, false);

	s->ep.v6only = true;
	ck_assert_int_eq(sock_bind(s, &IP6_ANY, 53), 0);
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(v4_socket_does_not_hear_v6)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, true);

	ck_assert_int_eq(udp_put(c, &b_6, 53, "x", 1), 1);
	settle(&w);
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(v4_socket_is_preferred_for_v4)
{
	struct net_sock *s4 = udp_bound(w.b, IP4_ANY, 53), *s6 = udp_open(w.b, true),
			*c = udp_open(w.a, false);

	s6->ep.v6only = true;
	ck_assert_int_eq(sock_bind(s6, &IP6_ANY, 53), 0);
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	expect_datagram(s4, "x");
	dgram_close(s4);
	dgram_close(s6);
	dgram_close(c);
}
END_TEST

START_TEST(v6_bound_socket_cannot_send_to_v4)
{
	struct net_sock *c = udp_bound(w.a, a_6, 1000);

	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), -ENETUNREACH);
	ck_assert_int_eq(dgram_connect(c, &b, 53), -ENETUNREACH);
	dgram_close(c);
}
END_TEST

/* ---- who gets it ---- */

START_TEST(bound_address_beats_any)
{
	struct net_sock *any = udp_open(w.b, false), *own = udp_open(w.b, false), *c = udp_open(w.a, false);

	any->ep.reuseaddr = own->ep.reuseaddr = true;
	ck_assert_int_eq(sock_bind(any, &IP4_ANY, 53), 0);
	ck_assert_int_eq(sock_bind(own, &b, 53), 0);
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	expect_datagram(own, "x");
	expect_nothing(any);
	dgram_close(any);
	dgram_close(own);
	dgram_close(c);
}
END_TEST

START_TEST(connected_beats_bound)
{
	struct net_sock *s = udp_open(w.b, false), *con = udp_open(w.b, false),
			*c = udp_bound(w.a, IP4_ANY, 1000);

	s->ep.reuseaddr = con->ep.reuseaddr = true;
	ck_assert_int_eq(sock_bind(s, &b, 53), 0);
	ck_assert_int_eq(sock_bind(con, &b, 53), 0);
	ck_assert_int_eq(dgram_connect(con, &a, 1000), 0);
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	expect_datagram(con, "x");
	expect_nothing(s);
	dgram_close(s);
	dgram_close(con);
	dgram_close(c);
}
END_TEST

START_TEST(device_is_obeyed)
{
	struct net_sock *s = udp_open(w.b, false), *c = udp_open(w.a, false);

	s->ep.bound_if = w.b->lo->index;
	ck_assert_int_eq(sock_bind(s, &IP4_ANY, 53), 0);
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	expect_nothing(s);
	s->ep.bound_if = w.bn->index;
	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	expect_datagram(s, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(reuseport_group_shares)
{
	struct net_sock *s[4], *c;
	u32 got[4] = {0}, total = 0;

	for (u32 i = 0; i < 4; i++) {
		s[i] = udp_open(w.b, false);
		s[i]->ep.reuseport = true;
		ck_assert_int_eq(sock_bind(s[i], &IP4_ANY, 53), 0);
	}
	for (u32 i = 0; i < 400; i++) {
		c = udp_bound(w.a, IP4_ANY, 2000 + i);
		/* twice: a peer stays with its socket */
		ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
		ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
		settle(&w);
		for (u32 k = 0; k < 4; k++) {
			u32 n = 0;
			while (dgram_get(s[k], NULL, 0, NULL, NULL) == 1)
				n++;
			ck_assert(n == 0 || n == 2);
			got[k] += n;
			total += n;
		}
		dgram_close(c);
	}
	ck_assert_uint_eq(total, 800);
	for (u32 k = 0; k < 4; k++) {
		ck_assert_uint_ge(got[k], 100);
		dgram_close(s[k]);
	}
}
END_TEST

/* ---- queues ---- */

START_TEST(receive_buffer_is_a_limit)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);
	static u8 big[1000];
	u32 n = 0;

	s->rcvbuf = 20000;
	for (u32 i = 0; i < 100; i++)
		ck_assert_int_eq(udp_put(c, &lo, 53, big, sizeof(big)), sizeof(big));
	while (dgram_get(s, NULL, 0, NULL, NULL) == sizeof(big))
		n++;
	ck_assert_uint_ge(n, 5);
	ck_assert_uint_le(n, 20);
	ck_assert_uint_eq(s->drops, 100 - n);
	ck_assert_uint_eq(w.a->mib[MIB_UdpRcvbufErrors], 100 - n);
	ck_assert_uint_eq(s->queued, 0);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(one_datagram_fits_any_buffer)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	s->rcvbuf = 1;
	ck_assert_int_eq(udp_put(c, &lo, 53, "x", 1), 1);
	expect_datagram(s, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(peek_leaves_it)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);
	struct pkt *p;

	ck_assert_int_eq(udp_put(c, &lo, 53, "x", 1), 1);
	ck_assert_int_eq(dgram_receive(s, true, &p), 0);
	ck_assert_uint_eq(p->size, 1);
	expect_datagram(s, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(close_with_things_queued)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	for (u32 i = 0; i < 10; i++)
		ck_assert_int_eq(udp_put(c, &lo, 53, "x", 1), 1);
	dgram_close(s);
	dgram_close(c);
	ck_assert_uint_eq(w.a->packets_live, 0);
}
END_TEST

START_TEST(packet_knows_its_interface)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, false);
	struct pkt *p;

	ck_assert_int_eq(udp_put(c, &b, 53, "x", 1), 1);
	settle(&w);
	ck_assert_int_eq(dgram_receive(s, false, &p), 0);
	ck_assert_uint_eq(p->ifindex, w.bn->index);
	ck_assert_uint_eq(p->ttl, 64);
	ck_assert(ip_eq(&p->dst, &b));
	ck_assert_uint_eq(p->stamp, w.now + 1700000000 * NSEC_PER_SEC);
	pkt_free(p);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

static u32 seen;
static void on_event(struct net_sock *sk, u32 ev)
{
	(void)sk;
	seen |= ev;
}

START_TEST(events)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	seen = 0;
	s->event = on_event;
	ck_assert_uint_eq(dgram_poll(s), SOCK_OUT);
	ck_assert_int_eq(udp_put(c, &lo, 53, "x", 1), 1);
	ck_assert_uint_eq(seen, SOCK_IN);
	ck_assert_uint_eq(dgram_poll(s), SOCK_OUT | SOCK_IN);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

/* ---- broadcast ---- */

START_TEST(broadcast_needs_permission)
{
	struct net_sock *c = udp_open(w.a, false);
	struct ip_addr all = a4("10.0.0.255"), every = a4("255.255.255.255"), lo_all = a4("127.255.255.255");

	ck_assert_int_eq(udp_put(c, &all, 53, "x", 1), -EACCES);
	ck_assert_int_eq(dgram_connect(c, &all, 53), -EACCES);
	ck_assert_int_eq(udp_put(c, &lo_all, 53, "x", 1), -EACCES);
	c->broadcast = true;
	ck_assert_int_eq(udp_put(c, &all, 53, "x", 1), 1);
	ck_assert_int_eq(put_if(c, &every, 53, w.an->index), 1);
	dgram_close(c);
}
END_TEST

START_TEST(broadcast_reaches_all_sockets_and_ourselves)
{
	struct net_sock *s1 = udp_open(w.b, false), *s2 = udp_open(w.b, false),
			*s0 = udp_bound(w.a, IP4_ANY, 53);
	struct net_sock *c = udp_open(w.a, false), *bound = udp_open(w.b, false);
	struct ip_addr all = a4("10.0.0.255");

	s1->ep.reuseaddr = s2->ep.reuseaddr = bound->ep.reuseaddr = true;
	ck_assert_int_eq(sock_bind(s1, &IP4_ANY, 53), 0);
	ck_assert_int_eq(sock_bind(s2, &IP4_ANY, 53), 0);
	ck_assert_int_eq(sock_bind(bound, &b, 53), 0);
	c->broadcast = true;
	ck_assert_int_eq(udp_put(c, &all, 53, "all", 3), 3);
	settle(&w);
	expect_datagram(s1, "all");
	expect_datagram(s2, "all");
	expect_datagram(s0, "all");
	expect_nothing(bound); /* bound to an address that it was not for */
	dgram_close(s0);
	dgram_close(s1);
	dgram_close(s2);
	dgram_close(bound);
	dgram_close(c);
}
END_TEST

START_TEST(limited_broadcast)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, false);
	struct ip_addr every = a4("255.255.255.255");

	c->broadcast = true;
	ck_assert_int_eq(udp_put(c, &every, 53, "x", 1), -ENETUNREACH);
	ck_assert_int_eq(put_if(c, &every, 53, w.an->index), 1);
	settle(&w);
	expect_datagram(s, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

/* As a DHCP client: no address yet, bound to the device. */
START_TEST(broadcast_without_an_address)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 67), *c = udp_open(w.a, false);
	struct ip_addr every = a4("255.255.255.255"), from = b;

	ck_assert_int_eq(netif_addr_del(w.an, a, 24), 0);
	c->broadcast = true;
	c->ep.bound_if = w.an->index;
	ck_assert_int_eq(sock_bind(c, &IP4_ANY, 68), 0);
	ck_assert_int_eq(udp_put(c, &every, 67, "discover", 8), 8);
	settle(&w);
	{
		char buf[16];
		ck_assert_int_eq(dgram_get(s, buf, sizeof(buf), &from, NULL), 8);
		ck_assert(ip_is_any(&from));
	}
	s->broadcast = true;
	ck_assert_int_eq(put_if(s, &every, 68, w.bn->index), 1);
	settle(&w);
	expect_datagram(c, "x");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(loopback_broadcast)
{
	struct net_sock *s = udp_bound(w.a, IP4_ANY, 53), *c = udp_open(w.a, false);
	struct ip_addr all = a4("127.255.255.255");

	c->broadcast = true;
	ck_assert_int_eq(udp_put(c, &all, 53, "x", 1), 1);
	expect_datagram(s, "x");
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

/* ---- segments ---- */

static s64 put_segments(struct net_sock *sk, const struct ip_addr *dst, u32 port, const void *data,
			size_t size, u32 seg)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, data, size);
	msg = msg_to(&m, dst, port);
	msg.gso_size = seg;
	return udp_send(sk, &msg);
}

static u8 big[65535];

static void expect_segments(struct net_sock *s, u32 size, u32 seg)
{
	static u8 got[65535];

	for (u32 off = 0; off < size; off += seg) {
		u32 n = min_t(u32, seg, size - off);
		ck_assert_int_eq(dgram_get(s, got, sizeof(got), NULL, NULL), n);
		ck_assert_mem_eq(got, big + off, n);
	}
	expect_nothing(s);
}

static const struct {
	u32 size, seg;
} gso_cases[] = {{3000, 1000}, {3001, 1000},  {2999, 1000}, {1000, 1000},
		 {999, 1000},  {50000, 1472}, {128, 1},     {60000, 1400}};

/* Cut above the link, by the link, and not at all (loopback). */
static void segments(u32 features, bool v6, u32 size, u32 seg)
{
	struct world p;
	struct net_sock *s, *c;

	for (u32 i = 0; i < sizeof(big); i++)
		big[i] = (u8)(i * 11 + (i >> 8));
	world_pair_with(&p, 1500, features);
	s = udp_bound(p.b, IP6_ANY, 53);
	s->rcvbuf = 10000000;
	c = udp_open(p.a, true);
	ck_assert_int_eq(put_segments(c, v6 ? &b_6 : &b, 53, big, size, seg), size);
	settle(&p);
	expect_segments(s, size, seg);
	ck_assert_uint_eq(p.b->mib[MIB_UdpInErrors], 0);
	dgram_close(s);
	dgram_close(c);
	world_end(&p);
}

START_TEST(segments_cut_in_software)
{
	segments(0, false, gso_cases[_i].size, gso_cases[_i].seg);
}
END_TEST
START_TEST(segments_cut_in_software6)
{
	segments(0, true, gso_cases[_i].size, gso_cases[_i].seg > 1452 ? 1452 : gso_cases[_i].seg);
}
END_TEST
START_TEST(segments_cut_by_the_link)
{
	segments(LINK_CSUM_OUT | LINK_GSO_UDP, false, gso_cases[_i].size, gso_cases[_i].seg);
}
END_TEST
START_TEST(segments_with_checksum_offload_only)
{
	segments(LINK_CSUM_OUT, true, gso_cases[_i].size,
		 gso_cases[_i].seg > 1452 ? 1452 : gso_cases[_i].seg);
}
END_TEST

START_TEST(segments_over_loopback)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	s->rcvbuf = 10000000;
	ck_assert_int_eq(put_segments(c, &lo, 53, big, gso_cases[_i].size, gso_cases[_i].seg),
			 gso_cases[_i].size);
	expect_segments(s, gso_cases[_i].size, gso_cases[_i].seg);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(segments_received_whole)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);
	struct pkt *p;

	s->gro = true;
	ck_assert_int_eq(put_segments(c, &lo, 53, big, 5000, 1000), 5000);
	ck_assert_int_eq(dgram_receive(s, false, &p), 0);
	ck_assert_uint_eq(p->size, 5000);
	ck_assert_uint_eq(p->gso_size, 1000);
	pkt_free(p);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(segments_of_the_socket)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	c->gso_size = 100;
	ck_assert_int_eq(udp_put(c, &lo, 53, big, 250), 250);
	expect_segments(s, 250, 100);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(segments_refused)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(put_segments(c, &b, 53, big, 3000, 1473), -EMSGSIZE); /* one does not fit */
	ck_assert_int_eq(put_segments(c, &b, 53, big, 1300, 10), -EINVAL);     /* more than 128 */
	ck_assert_int_eq(put_segments(c, &b, 53, big, 1280, 10), 1280);
	dgram_close(c);
}
END_TEST

/* ---- corking ---- */

static s64 put_more(struct net_sock *sk, const struct ip_addr *dst, u32 port, const char *text, bool more)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, text, strlen(text));
	msg = msg_to(&m, dst, port);
	msg.more = more;
	return udp_send(sk, &msg);
}

START_TEST(more_gathers_one_datagram)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	ck_assert_int_eq(put_more(c, &lo, 53, "one ", true), 4);
	ck_assert_int_eq(put_more(c, &lo, 53, "two ", true), 4);
	expect_nothing(s);
	ck_assert_int_eq(put_more(c, &lo, 53, "three", false), 5);
	expect_datagram(s, "one two three");
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(cork_gathers_until_released)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &lo, 53), 0);
	c->udp_corked = true;
	ck_assert_int_eq(udp_put(c, NULL, 0, "one ", 4), 4);
	ck_assert_int_eq(udp_put(c, NULL, 0, "two", 3), 3);
	expect_nothing(s);
	c->udp_corked = false;
	ck_assert_int_eq(udp_flush(c), 0);
	expect_datagram(s, "one two");
	ck_assert_int_eq(udp_flush(c), 0);
	expect_nothing(s);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(corked_too_much)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, big, 65000);
	msg = msg_to(&m, &lo, 53);
	msg.more = true;
	ck_assert_int_eq(udp_send(c, &msg), 65000);
	mem_in(&m, big, 1000);
	msg.more = false;
	ck_assert_int_eq(udp_send(c, &msg), -EMSGSIZE);
	expect_nothing(s); /* as Linux: all is lost */
	ck_assert_int_eq(put_more(c, &lo, 53, "new", false), 3);
	expect_datagram(s, "new");
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(closed_while_corked)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(put_more(c, &lo, 53, "one", true), 3);
	dgram_close(c);
	ck_assert_uint_eq(w.a->packets_live, 0);
}
END_TEST

/* ---- checksums ---- */

static const struct {
	u32 off;
	u8 value;
} bad_udp[] = {
    {4, 0xff} /* length past the end */, {5, 7} /* below the header */, {6, 0x99}, {8, 'z'}, {0, 9}};

START_TEST(bad_udp_dropped)
{
	struct world p;
	struct net_sock *s;
	struct build f;

	world_wire(&p);
	s = udp_bound(p.w, IP4_ANY, 53);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 53, "data", 4);
	b_finish(&f);
	f.b[f.l4 + bad_udp[_i].off] = bad_udp[_i].value;
	wire_in(&p, f.b, f.size);
	expect_nothing(s);
	wire_quiet(&p);
	ck_assert_uint_eq(p.w->mib[MIB_UdpInErrors], 1);
	dgram_close(s);
	world_end(&p);
}
END_TEST

START_TEST(udp_shorter_than_its_packet)
{
	struct world p;
	struct net_sock *s;
	struct build f;
	struct ip_addr src = ip_v4(IP_B), dst = ip_v4(IP_A);

	world_wire(&p);
	s = udp_bound(p.w, IP4_ANY, 53);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 53, "data and more", 13);
	b_finish(&f);
	put_be16(f.b + f.l4 + 4, 12);
	put_be16(f.b + f.l4 + 6, 0);
	csum_put_nonzero(f.b + f.l4 + 6,
			 csum_add(csum_pseudo(&src, &dst, PROTO_UDP, 12), f.b + f.l4, 12, false));
	wire_in(&p, f.b, f.size);
	expect_datagram(s, "data");
	dgram_close(s);
	world_end(&p);
}
END_TEST

START_TEST(checksum_of_zero_is_none)
{
	struct world p;
	struct net_sock *s;
	struct build f;

	world_wire(&p);
	know_peer(&p);
	s = udp_bound(p.w, IP4_ANY, 53);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 53, "data", 4);
	b_finish(&f);
	put_be16(f.b + f.l4 + 6, 0);
	wire_in(&p, f.b, f.size);
	expect_datagram(s, "data");
	s->no_check = true; /* SO_NO_CHECK */
	ck_assert_int_eq(udp_put(s, &b, 5, "x", 1), 1);
	ck_assert_uint_eq(get_be16(wire_must(&p)->bytes + 40), 0);
	dgram_close(s);
	world_end(&p);
}
END_TEST

/* A sum that comes out as 0 is sent as 0xffff, since 0 says "none". */
START_TEST(sum_of_zero_is_sent_as_ones)
{
	struct world p;
	struct net_sock *s;
	u32 found = 0;

	world_wire(&p);
	know_peer(&p);
	s = udp_bound(p.w, IP4_ANY, 53);
	for (u32 i = 0; i < 65536; i++) {
		u8 d[2] = {(u8)(i >> 8), (u8)i};
		u32 sum;
		wire_skip(&p);
		ck_assert_int_eq(udp_put(s, &b, 5, d, 2), 2);
		sum = get_be16(wire_must(&p)->bytes + 40);
		ck_assert_uint_ne(sum, 0);
		found += sum == 0xffff;
	}
	ck_assert_uint_eq(found, 1);
	wire_skip(&p);
	dgram_close(s);
	world_end(&p);
}
END_TEST

START_TEST(corrupted_never_arrives)
{
	struct net_sock *s = udp_bound(w.b, IP4_ANY, 53), *c = udp_open(w.a, false);
	u32 n = 0;

	ck_assert_int_eq(udp_put(c, &b, 53, "first", 5), 5);
	settle(&w);
	expect_datagram(s, "first");
	w.cable.side[0].corrupt_ppm = 1000000;
	for (u32 i = 0; i < 2000; i++) {
		ck_assert_int_eq(udp_put(c, &b, 53, "payload", 7), 7);
		settle(&w);
		while (1) {
			char buf[16];
			if (dgram_get(s, buf, sizeof(buf), NULL, NULL) < 0)
				break;
			ck_assert_mem_eq(buf, "payload", 7); /* the Ethernet header was hit */
			n++;
		}
	}
	ck_assert_uint_lt(n, 1000);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(udp_without_memory)
{
	struct net_sock *s = udp_bound(w.a, lo, 53), *c = udp_open(w.a, false);

	for (s64 i = 0; i < 8; i++) {
		s64 r;
		w.fail_after = i;
		r = udp_put(c, &lo, 53, big, 3000);
		w.fail_after = -1;
		ck_assert(r == 3000 || r == -ENOBUFS);
		while (dgram_get(s, NULL, 0, NULL, NULL) > 0)
			;
	}
	ck_assert_uint_eq(w.a->packets_live, 0);
	dgram_close(s);
	dgram_close(c);
}
END_TEST

START_TEST(interface_removed_under_a_socket)
{
	struct net_sock *c = udp_open(w.a, false);

	ck_assert_int_eq(dgram_connect(c, &b, 53), 0);
	ck_assert_int_eq(udp_put(c, NULL, 0, "x", 1), 1);
	netif_remove(w.an);
	ck_assert_int_lt(udp_put(c, NULL, 0, "x", 1), 0);
	dgram_close(c);
}
END_TEST

TCase *case_udp(void)
{
	TCase *t = tcase_create("udp");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, connected_sends_without_address);
	tcase_add_test(t, connected_hears_only_its_peer);
	tcase_add_test(t, connected_refused);
	tcase_add_test(t, connected_refused6);
	tcase_add_test(t, refused_over_loopback);
	tcase_add_test(t, disconnect_forgets_peer_and_port);
	tcase_add_test(t, disconnect_keeps_a_bound_port);
	tcase_add_test(t, connect_to_any_is_to_ourselves);
	tcase_add_test(t, connect_again_changes_the_peer);
	tcase_add_test(t, loopback_source_does_not_leave);
	tcase_add_test(t, connect_without_route);
	tcase_add_test(t, port_zero_refused);
	tcase_add_test(t, shutdown_stops_sending);
	tcase_add_test(t, empty_datagram);
	tcase_add_test(t, v6_socket_hears_v4);
	tcase_add_test(t, v6only_does_not);
	tcase_add_test(t, v4_socket_does_not_hear_v6);
	tcase_add_test(t, v4_socket_is_preferred_for_v4);
	tcase_add_test(t, v6_bound_socket_cannot_send_to_v4);
	tcase_add_test(t, bound_address_beats_any);
	tcase_add_test(t, connected_beats_bound);
	tcase_add_test(t, device_is_obeyed);
	tcase_add_test(t, reuseport_group_shares);
	tcase_add_test(t, receive_buffer_is_a_limit);
	tcase_add_test(t, one_datagram_fits_any_buffer);
	tcase_add_test(t, peek_leaves_it);
	tcase_add_test(t, close_with_things_queued);
	tcase_add_test(t, packet_knows_its_interface);
	tcase_add_test(t, events);
	tcase_add_test(t, broadcast_needs_permission);
	tcase_add_test(t, broadcast_reaches_all_sockets_and_ourselves);
	tcase_add_test(t, limited_broadcast);
	tcase_add_test(t, broadcast_without_an_address);
	tcase_add_test(t, loopback_broadcast);
	tcase_add_loop_test(t, segments_cut_in_software, 0, ARRAY_COUNT(gso_cases));
	tcase_add_loop_test(t, segments_cut_in_software6, 0, ARRAY_COUNT(gso_cases));
	tcase_add_loop_test(t, segments_cut_by_the_link, 0, ARRAY_COUNT(gso_cases));
	tcase_add_loop_test(t, segments_with_checksum_offload_only, 0, ARRAY_COUNT(gso_cases));
	tcase_add_loop_test(t, segments_over_loopback, 0, ARRAY_COUNT(gso_cases));
	tcase_add_test(t, segments_received_whole);
	tcase_add_test(t, segments_of_the_socket);
	tcase_add_test(t, segments_refused);
	tcase_add_test(t, more_gathers_one_datagram);
	tcase_add_test(t, cork_gathers_until_released);
	tcase_add_test(t, corked_too_much);
	tcase_add_test(t, closed_while_corked);
	tcase_add_loop_test(t, bad_udp_dropped, 0, ARRAY_COUNT(bad_udp));
	tcase_add_test(t, udp_shorter_than_its_packet);
	tcase_add_test(t, checksum_of_zero_is_none);
	tcase_add_test(t, sum_of_zero_is_sent_as_ones);
	tcase_add_test(t, corrupted_never_arrives);
	tcase_add_test(t, udp_without_memory);
	tcase_add_test(t, interface_removed_under_a_socket);
	return t;
}

/* test_edges.c: what lies between the other suites: rarely taken ways through the network layer and its
 * sockets. */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/transport/tcp.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct ip_addr a, b, lo, b6;
static struct build f;

static void start(void)
{
	world_wire(&w);
	know_peer(&w);
	a = ip_v4(IP_A);
	b = ip_v4(IP_B);
	b6 = a6("fd00::2");
	lo = ip_v4(0x7f000001);
}

static void stop(void)
{
	world_end(&w);
}

static s64 raw_put(struct net_sock *sk, const struct ip_addr *dst, u32 port, const void *data, size_t size)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, data, size);
	msg = msg_to(&m, dst, port);
	return raw_send(sk, &msg);
}

/* ---- ICMPv6 ---- */

static void icmp6(const char *dst, const u8 *mac, const u8 *body, u32 size)
{
	b_eth(&f, mac, mac_peer, ETH_IPV6);
	b_ip6(&f, "fd00::2", dst, PROTO_ICMPV6);
	b_add(&f, body, size);
	b_finish(&f);
}

START_TEST(icmp6_bad_checksum)
{
	u8 echo[8] = {ICMP6_ECHO};

	icmp6("fd00::1", mac_us, echo, 8);
	f.b[f.size - 1] ^= 1;
	wire_in(&w, f.b, f.size);
	wire_quiet(&w);
	ck_assert_uint_eq(w.w->mib[MIB_IcmpInCsumErrors], 1);
}
END_TEST

START_TEST(icmp6_too_short)
{
	u8 echo[7] = {ICMP6_ECHO};

	for (u32 n = 0; n < 8; n++) {
		icmp6("fd00::1", mac_us, echo, n);
		wire_in(&w, f.b, f.size);
	}
	wire_quiet(&w);
	ck_assert_uint_eq(w.w->mib[MIB_IcmpInErrors], 8);
}
END_TEST

/* An error that is itself in a packet with an unknown option is not answered by an error; an echo is. */
START_TEST(icmp6_no_error_about_an_error)
{
	static const u8 opt[8] = {PROTO_ICMPV6, 0, 0xde, 4};

	for (u32 i = 0; i < 3; i++) {
		u8 m[8] = {i == 0 ? ICMP6_UNREACH : i == 1 ? ICMP6_REDIRECT : ICMP6_ECHO};
		b_eth(&f, mac_us, mac_peer, ETH_IPV6);
		b_ip6(&f, "fd00::2", "fd00::1", PROTO_DSTOPTS);
		b_add(&f, opt, 8);
		f.l4 = f.size;
		b_add(&f, m, 8);
		b_send(&w, &f);
		if (i < 2)
			wire_quiet(&w);
	}
	ck_assert_uint_eq(wire_must(&w)->bytes[54], ICMP6_PARAM);
}
END_TEST

START_TEST(icmp6_errors_about_groups)
{
	static const u8 group[6] = {0x33, 0x33, 0, 0, 0, 1};
	static const u8 told[8] = {PROTO_UDP, 0, 0x9e, 4}, quiet[8] = {PROTO_UDP, 0, 0xde, 4};

	/* "unknown option" of the kind 10 is told even about a group's packet, 11 is not, nor "port
	 * unreachable" */
	for (u32 i = 0; i < 3; i++) {
		b_eth(&f, group, mac_peer, ETH_IPV6);
		b_ip6(&f, "fd00::2", "ff02::1", i < 2 ? PROTO_DSTOPTS : PROTO_UDP);
		if (i < 2)
			b_add(&f, i ? quiet : told, 8);
		b_udp(&f, 5, 7777, "x", 1);
		b_send(&w, &f);
		if (i == 0)
			ck_assert_uint_eq(wire_must(&w)->bytes[55], 2);
		else
			wire_quiet(&w);
	}
}
END_TEST

/* ---- sending ---- */

static s64 broken(struct net_iter *it, void *side, size_t n)
{
	(void)side;
	(void)n;
	return it->left > 3000 ? (s64)(n / 2) : -EFAULT;
}

START_TEST(caller_memory_faults)
{
	struct net_sock *u = udp_open(w.w, false), *r = NULL;

	ck_assert_int_eq(raw_new(w.w, false, 200, false, &r), 0);
	for (u32 i = 0; i < 4; i++) {
		struct mem_iter m;
		struct dgram_msg msg;
		mem_in(&m, "", i & 1 ? 4000 : 100);
		m.it.copy = broken;
		msg = msg_to(&m, &b, 9);
		ck_assert_int_eq(i & 2 ? raw_send(r, &msg) : udp_send(u, &msg), -EFAULT);
	}
	ck_assert_uint_eq(w.w->packets_live, 0);
	wire_quiet(&w);
	dgram_close(u);
	dgram_close(r);
}
END_TEST

/* The copy lets others run, and they take the interface away. */
static s64 remover(struct net_iter *it, void *side, size_t n)
{
	memset(side, 0, n);
	it->left -= n;
	if (w.wn) {
		netif_remove(w.wn);
		w.wn = NULL;
	}
	return (s64)n;
}

START_TEST(interface_goes_while_copying)
{
	struct net_sock *u = udp_open(w.w, false), *r = NULL;
	struct mem_iter m;
	struct dgram_msg msg;

	ck_assert_int_eq(raw_new(w.w, false, 200, false, &r), 0);
	mem_in(&m, "", 100);
	m.it.copy = remover;
	msg = msg_to(&m, &b, 9);
	ck_assert_int_lt(_i ? raw_send(r, &msg) : udp_send(u, &msg), 0);
	ck_assert_uint_eq(w.w->packets_live, 0);
	dgram_close(u);
	dgram_close(r);
}
END_TEST

START_TEST(too_big_without_fragments6)
{
	struct net_sock *u = udp_open(w.w, true);
	static u8 big[1453];

	u->pmtudisc = PMTUDISC_DO;
	ck_assert_int_eq(udp_put(u, &b6, 9, big, 1453), -EMSGSIZE);
	ck_assert_int_eq(udp_put(u, &b6, 9, big, 1452), 1452);
	dgram_close(u);
}
END_TEST

START_TEST(hops_of_zero_stay_here6)
{
	struct net_sock *u = udp_bound(w.w, IP6_ANY, 9);
	struct ip_addr g = a6("ff05::77");

	ck_assert_int_eq(sock_join(u, &g, w.wn->index), 0);
	wire_skip(&w);
	u->mcast_if = w.wn->index;
	u->mcast_hops = 0;
	ck_assert_int_eq(udp_put(u, &g, 9, "x", 1), 1);
	wire_quiet(&w);
	expect_datagram(u, "x");
	dgram_close(u);
}
END_TEST

START_TEST(link_down_refuses)
{
	struct net_sock *u = udp_open(w.w, false);
	struct ip_addr ll = a6("fe80::2");
	struct net_path path;

	ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	ck_assert_int_eq(netif_set_up(w.wn, false), 0);
	wire_skip(&w);
	ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), -ENETUNREACH);
	ck_assert_int_eq(net_route_lookup(w.w, &ll, &IP6_ANY, w.wn->index, &path), -ENETDOWN);
	send_udp4(&w, 5, 9, "x", 1);
	ck_assert_uint_eq(w.wn->stats.rx_dropped, 1);
	wire_quiet(&w);
	dgram_close(u);
}
END_TEST

START_TEST(interface_removed_with_frames_waiting)
{
	struct pkt *p = pkt_from(w.w, "frame", 5);

	netif_receive(w.wn, p);
	netif_remove(w.wn);
	ck_assert_uint_eq(w.w->packets_live, 0);
	ck_assert_uint_eq(w.w->work_count, 0);
}
END_TEST

START_TEST(work_queue_is_bounded)
{
	for (u32 i = 0; i < 5000; i++)
		netif_receive(w.wn, pkt_from(w.w, "frame", 5));
	ck_assert_uint_eq(w.w->work_count, 4096);
	ck_assert_uint_eq(w.wn->stats.rx_dropped, 904);
	netstack_run(w.w);
	ck_assert_uint_eq(w.w->packets_live, 0);
}
END_TEST

/* ---- raw, IPv6 ---- */

START_TEST(raw6_own_header)
{
	struct net_sock *r = NULL;
	static u8 p[1600] = {0x60, [5] = 5, [6] = 200, [7] = 9};

	ck_assert_int_eq(raw_new(w.w, true, PROTO_RAW, false, &r), 0);
	ck_assert(r->hdrincl);
	memcpy(p + 24, b6.b, 16);
	ck_assert_int_eq(raw_put(r, &b6, 0, p, 45), 45);
	ck_assert_mem_eq(wire_must(&w)->bytes + 14, p, 45);
	ck_assert_int_eq(raw_put(r, &b6, 0, p, 39), -EINVAL);
	ck_assert_int_eq(raw_put(r, &b6, 0, p, 1501), -EMSGSIZE);
	wire_quiet(&w);
	dgram_close(r);
}
END_TEST

START_TEST(raw6_port_repeats_the_protocol)
{
	struct net_sock *r = NULL;

	ck_assert_int_eq(raw_new(w.w, true, 200, false, &r), 0);
	ck_assert_int_eq(raw_put(r, &b6, 200, "x", 1), 1);
	ck_assert_int_eq(raw_put(r, &b6, 0, "x", 1), 1);
	ck_assert_int_eq(raw_put(r, &b6, 201, "x", 1), -EINVAL);
	dgram_close(r);
}
END_TEST

START_TEST(raw_after_shutdown_and_errors)
{
	struct net_sock *r = NULL;

	ck_assert_int_eq(raw_new(w.w, false, 200, false, &r), 0);
	ck_assert_int_eq(dgram_connect(r, &b, 0), 0);
	sock_set_error(r, EHOSTUNREACH);
	ck_assert_int_eq(raw_put(r, NULL, 0, "x", 1),
			 1); /* as Linux: not told here, but with the own header */
	r->hdrincl = true;
	ck_assert_int_eq(raw_put(r, NULL, 0, "x", 1), -EHOSTUNREACH);
	r->hdrincl = false;
	ck_assert_int_eq(raw_put(r, NULL, 0, "x", 1), 1);
	ck_assert_int_eq(dgram_shutdown(r, false, true), 0);
	ck_assert_int_eq(raw_put(r, NULL, 0, "x", 1), -EPIPE);
	dgram_close(r);
}
END_TEST

START_TEST(raw_too_big_without_fragments)
{
	struct net_sock *r = NULL;
	struct sock_error *e;
	static u8 big[1481];

	ck_assert_int_eq(raw_new(w.w, false, 200, false, &r), 0);
	r->pmtudisc = PMTUDISC_DO;
	r->recverr = true;
	ck_assert_int_eq(raw_put(r, &b, 0, big, 1481), -EMSGSIZE);
	e = sock_next_error(r);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->info, 1500);
	sock_error_free(w.w, e);
	dgram_close(r);
}
END_TEST

/* ---- groups without an interface named ---- */

START_TEST(group_by_route_or_first_interface)
{
	struct net_sock *u = udp_open(w.w, false), *v = udp_open(w.w, false);
	struct ip_addr g = a4("239.9.9.9");
	struct net_route r = {.dst = a4("239.0.0.0"),
			      .gateway = IP4_ANY,
			      .source = IP4_ANY,
			      .prefix_len = 8,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .nif = w.w->lo,
			      .expires = TIME_NEVER};

	ck_assert_int_eq(sock_join(u, &g, 0), 0);
	ck_assert(mcast_member(w.wn, &g));
	ck_assert_int_eq(net_route_add(w.w, &r), 0);
	ck_assert_int_eq(sock_join(v, &g, 0), 0);
	ck_assert(mcast_member(w.w->lo, &g));
	dgram_close(u);
	dgram_close(v);
	wire_skip(&w);
}
END_TEST

START_TEST(socket_bound_to_a_group)
{
	struct ip_addr g = a4("239.9.9.9");
	struct net_sock *u = udp_bound(w.w, g, 9), *t = NULL;

	/* it hears the group only, and sends from an address of ours */
	ck_assert_int_eq(sock_join(u, &g, w.wn->index), 0);
	wire_skip(&w);
	send_udp4(&w, 5, 9, "unicast", 7);
	expect_nothing(u);
	wire_skip(&w);
	ck_assert_int_eq(udp_put(u, &b, 7, "x", 1), 1);
	ck_assert_uint_eq(get_be32(wire_must(&w)->bytes + 26), IP_A);
	ck_assert_int_eq(tcp_new(w.w, false, &t), 0);
	ck_assert_int_eq(sock_bind(t, &g, 9), -EADDRNOTAVAIL);
	tcp_close(t, false);
	dgram_close(u);
	wire_skip(&w);
}
END_TEST

/* ---- source addresses ---- */

START_TEST(address_of_another_interface)
{
	/* the interface of the route has no address: one of another is taken */
	struct net_route r = {.dst = a4("8.8.8.0"),
			      .gateway = IP4_ANY,
			      .source = IP4_ANY,
			      .prefix_len = 24,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .expires = TIME_NEVER};
	static const struct netif_ops ops = {0};
	struct netif_config c = {.name = "tun0", .ops = &ops, .mtu = 1500};
	struct ip_addr dst = a4("8.8.8.8");
	struct net_path path;

	ck_assert_int_eq(netif_add(w.w, &c, &r.nif), 0);
	ck_assert_int_eq(netif_set_up(r.nif, true), 0);
	ck_assert_int_eq(net_route_add(w.w, &r), 0);
	ck_assert_int_eq(net_route_lookup(w.w, &dst, &IP4_ANY, 0, &path), 0);
	ck_assert(ip_eq(&path.src, &a));
}
END_TEST

/* ---- the walk over all endpoints ---- */

static u32 walked;
static void count(struct net_ep *ep, void *arg)
{
	(void)arg;
	walked += ep->lport == 9;
}

START_TEST(walk_sees_each_once)
{
	struct net_sock *u = udp_bound(w.w, IP4_ANY, 9), *c = udp_bound(w.w, IP6_ANY, 10), *t = NULL;

	ck_assert_int_eq(dgram_connect(c, &b6, 9), 0);
	ck_assert_int_eq(tcp_new(w.w, false, &t), 0);
	ck_assert_int_eq(sock_bind(t, &lo, 9), 0);
	ck_assert_int_eq(tcp_listen(t, 5), 0);
	walked = 0;
	sock_walk(w.w, count, NULL);
	ck_assert_uint_eq(walked, 2);
	dgram_close(u);
	dgram_close(c);
	tcp_close(t, false);
}
END_TEST

/* ---- stack and protocols by chance: nothing but what was sent arrives, in any weather ---- */

START_TEST(fragments_in_bad_weather)
{
	struct world p;
	struct net_sock *s, *c;
	static u8 out[9000], in[9000];
	u32 arrived = 0;

	world_pair(&p);
	p.cable.side[0] = (struct memlink_side){.delay_ns = MS,
						.jitter_ns = 5 * MS,
						.loss_ppm = 30000,
						.duplicate_ppm = 100000,
						.reorder_ppm = 200000,
						.reorder_ns = 20 * MS,
						.corrupt_ppm = 20000};
	s = udp_bound(p.b, IP6_ANY, 9);
	s->rcvbuf = 100000000;
	c = udp_open(p.a, true);
	for (u32 i = 0; i < 500; i++) {
		for (u32 k = 0; k < sizeof(out); k++)
			out[k] = (u8)(i + k * 7);
		put_be32(out, i);
		ck_assert_int_eq(udp_put(c, i & 1 ? &b : &b6, 9, out, 4 + i * 17), 4 + i * 17);
		run_for(&p, 3 * MS);
	}
	run_for(&p, 70 * NSEC_PER_SEC);
	for (;;) {
		s64 n = dgram_get(s, in, sizeof(in), NULL, NULL);
		u32 i;
		if (n < 0)
			break;
		i = get_be32(in);
		ck_assert_uint_lt(i, 500);
		ck_assert_int_eq(n, 4 + i * 17);
		for (u32 k = 4; k < n; k++)
			ck_assert_uint_eq(in[k], (u8)(i + k * 7));
		arrived++;
	}
	ck_assert_uint_gt(arrived, 250);
	ck_assert_uint_eq(p.b->frag_bytes, 0);
	dgram_close(s);
	dgram_close(c);
	world_end(&p);
}
END_TEST

TCase *case_edges(void)
{
	TCase *t = tcase_create("edges");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, icmp6_bad_checksum);
	tcase_add_test(t, icmp6_too_short);
	tcase_add_test(t, icmp6_no_error_about_an_error);
	tcase_add_test(t, icmp6_errors_about_groups);
	tcase_add_test(t, caller_memory_faults);
	tcase_add_loop_test(t, interface_goes_while_copying, 0, 2);
	tcase_add_test(t, too_big_without_fragments6);
	tcase_add_test(t, hops_of_zero_stay_here6);
	tcase_add_test(t, link_down_refuses);
	tcase_add_test(t, interface_removed_with_frames_waiting);
	tcase_add_test(t, work_queue_is_bounded);
	tcase_add_test(t, raw6_own_header);
	tcase_add_test(t, raw6_port_repeats_the_protocol);
	tcase_add_test(t, raw_after_shutdown_and_errors);
	tcase_add_test(t, raw_too_big_without_fragments);
	tcase_add_test(t, group_by_route_or_first_interface);
	tcase_add_test(t, socket_bound_to_a_group);
	tcase_add_test(t, address_of_another_interface);
	tcase_add_test(t, walk_sees_each_once);
	tcase_add_test(t, fragments_in_bad_weather);
	return t;
}

/* test_icmp.c: echo, errors in and out, path MTU (RFC 792, 1122, 1191, 4443, 8201). */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct net_sock *sk, *sk6;
static struct build f;

static void start(void)
{
	world_wire(&w);
	know_peer(&w);
	sk = udp_bound(w.w, IP4_ANY, 1000);
	sk6 = udp_bound(w.w, IP6_ANY, 1006);
}

static void stop(void)
{
	dgram_close(sk);
	dgram_close(sk6);
	world_end(&w);
}

/* ---- echo ---- */

static void echo_in(u32 dst, u8 type, u32 size)
{
	u8 *h;

	b_eth(&f, dst == IP_A ? mac_us : mac_all, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, dst, PROTO_ICMP);
	h = b_add(&f, NULL, 8);
	h[0] = type;
	put_be32(h + 4, 0x12345678);
	for (u32 i = 0; i < size; i++)
		*b_add(&f, NULL, 1) = (u8)i;
	b_finish(&f);
}

START_TEST(echo_reply_repeats_all)
{
	const struct frame *r;
	const u8 *h;

	echo_in(IP_A, ICMP_ECHO, 100);
	f.b[f.net + 1] = 0x10;
	b_send(&w, &f);
	r = wire_must(&w);
	h = r->bytes + 34;
	ck_assert_uint_eq(r->size, f.size);
	ck_assert_uint_eq(r->bytes[15], 0x10);
	ck_assert_uint_eq(get_be32(r->bytes + 26), IP_A);
	ck_assert_uint_eq(get_be32(r->bytes + 30), IP_B);
	ck_assert_uint_eq(h[0], ICMP_ECHO_REPLY);
	ck_assert(csum_ok(csum_add(0, h, 108, false)));
	ck_assert_mem_eq(h + 4, f.b + f.l4 + 4, 104);
	ck_assert_uint_eq(w.w->mib[MIB_IcmpInEchos], 1);
	ck_assert_uint_eq(w.w->mib[MIB_IcmpOutEchoReps], 1);
}
END_TEST

START_TEST(echo_with_bad_checksum)
{
	echo_in(IP_A, ICMP_ECHO, 8);
	f.b[f.size - 1] ^= 1;
	wire_in(&w, f.b, f.size);
	wire_quiet(&w);
	ck_assert_uint_eq(w.w->mib[MIB_IcmpInCsumErrors], 1);
}
END_TEST

START_TEST(echo_to_all_ignored)
{
	echo_in(0xffffffff, ICMP_ECHO, 8);
	wire_in(&w, f.b, f.size);
	echo_in(0x0a0000ff, ICMP_ECHO, 8);
	wire_in(&w, f.b, f.size);
	echo_in(0xe0000001, ICMP_ECHO, 8);
	wire_in(&w, f.b, f.size);
	wire_quiet(&w);
}
END_TEST

START_TEST(echo_larger_than_the_mtu)
{
	struct world p;
	struct net_sock *s = NULL;
	struct ip_addr dst = ip_v4(IP_B);
	static u8 echo[5008] = {8}, got[5008];
	struct mem_iter m;
	struct dgram_msg msg;

	world_pair(&p);
	ck_assert_int_eq(raw_new(p.a, false, PROTO_ICMP, true, &s), 0);
	for (u32 i = 8; i < sizeof(echo); i++)
		echo[i] = (u8)(i * 7);
	mem_in(&m, echo, sizeof(echo));
	msg = msg_to(&m, &dst, 0);
	ck_assert_int_eq(raw_send(s, &msg), sizeof(echo));
	settle(&p);
	ck_assert_int_eq(dgram_get(s, got, sizeof(got), NULL, NULL), sizeof(echo));
	ck_assert_mem_eq(got + 8, echo + 8, sizeof(echo) - 8);
	dgram_close(s);
	world_end(&p);
}
END_TEST

START_TEST(timestamp_answered)
{
	const u8 *h;

	echo_in(IP_A, ICMP_TIMESTAMP, 12);
	put_be32(f.b + f.l4 + 8, 4711);
	b_send(&w, &f);
	h = wire_must(&w)->bytes + 34;
	ck_assert_uint_eq(h[0], ICMP_TIMESTAMP_REPLY);
	ck_assert_uint_eq(get_be32(h + 4), 0x12345678);
	ck_assert_uint_eq(get_be32(h + 8), 4711);
	/* milliseconds since midnight */
	ck_assert_uint_eq(get_be32(h + 12), (w.now / MS + 1700000000000ULL) % 86400000);
	ck_assert_uint_eq(get_be32(h + 16), get_be32(h + 12));
	ck_assert(csum_ok(csum_add(0, h, 20, false)));
}
END_TEST

START_TEST(other_requests_ignored)
{
	for (u32 type = 0; type < 256; type++) {
		if (type == ICMP_ECHO || type == ICMP_TIMESTAMP)
			continue;
		echo_in(IP_A, (u8)type, 40);
		wire_in(&w, f.b, f.size);
	}
	wire_quiet(&w);
}
END_TEST

static void echo6_in(const char *dst, const u8 *mac)
{
	u8 *h;

	b_eth(&f, mac, mac_peer, ETH_IPV6);
	b_ip6(&f, "fd00::2", dst, PROTO_ICMPV6);
	h = b_add(&f, NULL, 8);
	h[0] = ICMP6_ECHO;
	put_be32(h + 4, 0xabcdef01);
	b_add(&f, "payload", 7);
	b_send(&w, &f);
}

START_TEST(echo6)
{
	const struct frame *r;

	echo6_in("fd00::1", mac_us);
	r = wire_must(&w);
	ck_assert_uint_eq(r->size, f.size);
	ck_assert_uint_eq(r->bytes[54], ICMP6_ECHO_REPLY);
	ck_assert_mem_eq(r->bytes + 58, f.b + f.l4 + 4, 11);
}
END_TEST

START_TEST(echo6_to_group_answered_from_our_address)
{
	static const u8 group[6] = {0x33, 0x33, 0, 0, 0, 1};
	struct ip_addr us = a6("fd00::1");

	echo6_in("ff02::1", group);
	ck_assert_mem_eq(wire_must(&w)->bytes + 22, us.b, 16);
}
END_TEST

/* ---- errors out ---- */

static void udp_in(u32 src, u32 dst, const u8 *mac, u32 dport, u32 size)
{
	b_eth(&f, mac, mac_peer, ETH_IPV4);
	b_ip4(&f, src, dst, PROTO_UDP);
	b_udp(&f, 5, dport, NULL, size);
	b_send(&w, &f);
}

START_TEST(port_unreachable)
{
	const struct frame *r;
	const u8 *h;

	udp_in(IP_B, IP_A, mac_us, 7777, 20);
	r = wire_must(&w);
	h = r->bytes + 34;
	ck_assert_uint_eq(r->bytes[23], PROTO_ICMP);
	ck_assert_uint_eq(get_be32(r->bytes + 26), IP_A);
	ck_assert_uint_eq(h[0], ICMP_UNREACH);
	ck_assert_uint_eq(h[1], ICMP_UNREACH_PORT);
	ck_assert_uint_eq(get_be32(h + 4), 0);
	ck_assert(csum_ok(csum_add(0, h, r->size - 34, false)));
	ck_assert_uint_eq(r->size - 42, f.size - 14);
	ck_assert_mem_eq(h + 8, f.b + 14, f.size - 14);
	ck_assert_uint_eq(w.w->mib[MIB_UdpNoPorts], 1);
}
END_TEST

START_TEST(error_quotes_576_bytes_in_all)
{
	udp_in(IP_B, IP_A, mac_us, 7777, 1400);
	ck_assert_uint_eq(wire_must(&w)->size, 14 + 576);
}
END_TEST

START_TEST(no_error_about_what_was_for_all)
{
	udp_in(IP_B, 0x0a0000ff, mac_all, 7777, 20);
	udp_in(IP_B, 0xffffffff, mac_all, 7777, 20);
	udp_in(IP_B, IP_A, mac_all, 7777, 20); /* unicast in a broadcast frame */
	udp_in(0, IP_A, mac_us, 7777, 20);     /* from nobody */
	wire_quiet(&w);
}
END_TEST

START_TEST(errors_are_limited)
{
	u32 n = 0;

	for (u32 i = 0; i < 200; i++)
		udp_in(IP_B, IP_A, mac_us, 7777, 20);
	while (wire_out(&w))
		n++;
	ck_assert_uint_ge(n, 20);
	ck_assert_uint_le(n, 60);
	wire_skip(&w);
	run_for(&w, NSEC_PER_SEC);
	udp_in(IP_B, IP_A, mac_us, 7777, 20);
	wire_must(&w);
}
END_TEST

START_TEST(no_error_about_an_error)
{
	/* an ICMP error, sent with a bad option: it would deserve a parameter problem */
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	h = b_ip4(&f, IP_B, IP_A, PROTO_ICMP);
	h[0] = 0x46;
	b_add(&f, "\7\0\0\0", 4);
	f.l4 = f.size;
	h = b_add(&f, NULL, 8 + 28);
	h[0] = ICMP_UNREACH;
	b_send(&w, &f);
	wire_quiet(&w);
}
END_TEST

START_TEST(port_unreachable6)
{
	const struct frame *r;

	send_udp6(&w, 5, 7777, "x", 1);
	r = wire_must(&w);
	ck_assert_uint_eq(r->bytes[54], ICMP6_UNREACH);
	ck_assert_uint_eq(r->bytes[55], 4);
	ck_assert_uint_eq(r->size, 14 + 40 + 8 + 40 + 8 + 1);
}
END_TEST

START_TEST(error6_quotes_1280_bytes_in_all)
{
	static u8 big[1400];

	send_udp6(&w, 5, 7777, big, sizeof(big));
	ck_assert_uint_eq(wire_must(&w)->size, 14 + 1280);
}
END_TEST

/* ---- errors in ---- */

/* An ICMP error about a datagram that we sent from port 1000 to 10.0.0.2:2000. */
static void error_in(u8 type, u8 code, u32 info, u32 inner_src, u32 inner_sport, u32 cut)
{
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, 0x0a0000fe, IP_A, PROTO_ICMP); /* a router says so */
	h = b_add(&f, NULL, 8);
	h[0] = type;
	h[1] = code;
	put_be32(h + 4, info);
	h = b_add(&f, NULL, 20);
	h[0] = 0x45;
	put_be16(h + 2, 1500);
	h[8] = 60;
	h[9] = PROTO_UDP;
	put_be32(h + 12, inner_src);
	put_be32(h + 16, IP_B);
	h = b_add(&f, NULL, 8);
	put_be16(h, inner_sport);
	put_be16(h + 2, 2000);
	put_be16(h + 4, 8 + 4);
	b_add(&f, "data", 4);
	f.size -= cut;
	b_send(&w, &f);
}

static void connected(void)
{
	struct ip_addr dst = ip_v4(IP_B);

	ck_assert_int_eq(dgram_connect(sk, &dst, 2000), 0);
}

static const struct {
	u8 type, code;
	int error;
	bool hard; /* told to a connected socket */
} errors4[] = {
    {3, 0, ENETUNREACH, false},   {3, 1, EHOSTUNREACH, false},  {3, 2, ENOPROTOOPT, true},
    {3, 3, ECONNREFUSED, true},   {3, 5, EOPNOTSUPP, false},    {3, 6, ENETUNREACH, true},
    {3, 7, EHOSTDOWN, true},      {3, 8, ENONET, true},         {3, 9, ENETUNREACH, true},
    {3, 10, EHOSTUNREACH, true},  {3, 11, ENETUNREACH, false},  {3, 12, EHOSTUNREACH, false},
    {3, 13, EHOSTUNREACH, true},  {3, 14, EHOSTUNREACH, true},  {3, 15, EHOSTUNREACH, true},
    {11, 0, EHOSTUNREACH, false}, {11, 1, EHOSTUNREACH, false}, {12, 0, EPROTO, true},
};

START_TEST(error_to_a_connected_socket)
{
	connected();
	error_in(errors4[_i].type, errors4[_i].code, 0, IP_A, 1000, 0);
	ck_assert_int_eq(sk->error, errors4[_i].hard ? errors4[_i].error : 0);
	if (errors4[_i].hard)
		ck_assert_int_eq(udp_put(sk, NULL, 0, "x", 1), -errors4[_i].error);
	ck_assert_int_eq(udp_put(sk, NULL, 0, "x", 1), 1); /* told once */
}
END_TEST

START_TEST(error_with_recverr)
{
	struct ip_addr router = ip_v4(0x0a0000fe), dst = ip_v4(IP_B);
	struct sock_error *e;
	char buf[8];

	sk->recverr = true; /* not even connected */
	error_in(errors4[_i].type, errors4[_i].code, 0, IP_A, 1000, 0);
	ck_assert_int_eq(sk->error, errors4[_i].error);
	ck_assert_uint_eq(dgram_poll(sk) & SOCK_ERR, SOCK_ERR);
	e = sock_next_error(sk);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->error, errors4[_i].error);
	ck_assert_uint_eq(e->origin, 2);
	ck_assert_uint_eq(e->type, errors4[_i].type);
	ck_assert_uint_eq(e->code, errors4[_i].code);
	ck_assert(ip_eq(&e->offender, &router));
	ck_assert(ip_eq(&e->dst, &dst));
	ck_assert_uint_eq(e->dport, 2000);
	ck_assert_uint_eq(pkt_copy(e->p, 0, buf, sizeof(buf)), 4);
	ck_assert_mem_eq(buf, "data", 4);
	sock_error_free(w.w, e);
	ck_assert_ptr_null(sock_next_error(sk));
}
END_TEST

START_TEST(error_to_an_unconnected_socket_ignored)
{
	error_in(3, 3, 0, IP_A, 1000, 0);
	ck_assert_int_eq(sk->error, 0);
}
END_TEST

START_TEST(error_about_another_ignored)
{
	connected();
	error_in(3, 3, 0, IP_B, 1000, 0); /* not from us */
	error_in(3, 3, 0, IP_A, 1001, 0); /* no such socket */
	error_in(3, 3, 0, IP_A, 1000, 8); /* too little quoted */
	error_in(3, 3, 0, IP_A, 1000, 30);
	error_in(5, 1, 0x0a000003, IP_A, 1000, 0); /* redirect */
	error_in(4, 0, 0, IP_A, 1000, 0);          /* source quench */
	ck_assert_int_eq(sk->error, 0);
}
END_TEST

/* 198.51.100.0/24 goes by 10.0.0.254; the packet that error_in() quotes goes to 10.0.0.2, so the quoted
 * destination is put right here. */
static void redirect4(u32 from, u32 to, u32 dst, u32 src, u8 code)
{
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, from, IP_A, PROTO_ICMP);
	h = b_add(&f, NULL, 8);
	h[0] = ICMP_REDIRECT;
	h[1] = code;
	put_be32(h + 4, to);
	h = b_add(&f, NULL, 28);
	h[0] = 0x45;
	h[9] = PROTO_UDP;
	put_be32(h + 12, src);
	put_be32(h + 16, dst);
	b_send(&w, &f);
}

static u32 hop_to(u32 dst)
{
	struct ip_addr d = ip_v4(dst);
	struct net_path path;

	ck_assert_int_eq(net_route_lookup(w.w, &d, &IP4_ANY, 0, &path), 0);
	return ip_v4_of(&path.next_hop);
}

#define FAR    0xc6336407U
#define ROUTER 0x0a0000feU
#define BETTER 0x0a0000fdU

static void far_route(struct ip_addr gateway)
{
	bool v4 = ip_is_v4(&gateway);
	struct net_route r = {.dst = v4 ? IP4_ANY : IP6_ANY,
			      .gateway = gateway,
			      .source = v4 ? IP4_ANY : IP6_ANY,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .protocol = RTPROTO_STATIC,
			      .nif = w.wn,
			      .expires = TIME_NEVER};

	ck_assert_int_eq(net_route_add(w.w, &r), 0);
}

START_TEST(redirect_is_obeyed_for_a_while)
{
	far_route(ip_v4(ROUTER));
	ck_assert_uint_eq(hop_to(FAR), ROUTER);
	redirect4(ROUTER, BETTER, FAR, IP_A, 1);
	ck_assert_uint_eq(hop_to(FAR), BETTER);
	ck_assert_uint_eq(hop_to(FAR + 1), ROUTER);
	redirect4(BETTER, IP_B, FAR, IP_A, 1); /* and on */
	ck_assert_uint_eq(hop_to(FAR), IP_B);
	redirect4(IP_B, ROUTER, FAR, IP_A, 0); /* and back */
	ck_assert_uint_eq(hop_to(FAR), ROUTER);
	redirect4(ROUTER, BETTER, FAR, IP_A, 3);
	run_for(&w, 301 * NSEC_PER_SEC);
	ck_assert_uint_eq(hop_to(FAR), ROUTER);
}
END_TEST

START_TEST(redirects_not_believed)
{
	far_route(ip_v4(ROUTER));
	redirect4(BETTER, IP_B, FAR, IP_A, 1);       /* not of our router */
	redirect4(ROUTER, BETTER, FAR, IP_B, 1);     /* not about us */
	redirect4(ROUTER, BETTER, FAR, IP_A, 4);     /* no such code */
	redirect4(ROUTER, 0xc6336401, FAR, IP_A, 1); /* to somebody who is not on the link */
	redirect4(ROUTER, IP_A, FAR, IP_A, 1);       /* to ourselves */
	redirect4(ROUTER, 0xe0000005, FAR, IP_A, 1); /* to a group */
	redirect4(ROUTER, 0x0a0000ff, FAR, IP_A, 1); /* to all */
	redirect4(ROUTER, 0, FAR, IP_A, 1);
	ck_assert_uint_eq(hop_to(FAR), ROUTER);
	redirect4(ROUTER, BETTER, IP_B, IP_A, 1); /* about a neighbour */
	ck_assert_uint_eq(hop_to(IP_B), IP_B);
	ck_assert_uint_eq(w.w->redirect_count, 0);
	for (u32 i = 0; i < 200; i++)
		redirect4(ROUTER, BETTER, FAR + i, IP_A, 1);
	ck_assert_uint_eq(w.w->redirect_count, 64);
	ck_assert_uint_eq(hop_to(FAR), ROUTER); /* forgotten first */
	ck_assert_uint_eq(hop_to(FAR + 199), BETTER);
	ck_assert_int_eq(netif_set_up(w.wn, false), 0);
	ck_assert_uint_eq(w.w->redirect_count, 0);
}
END_TEST

static void redirect6(const char *from, const char *target, const char *dst, u32 hops)
{
	struct ip_addr t = a6(target), d = a6(dst);
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV6);
	b_ip6(&f, from, "fd00::1", PROTO_ICMPV6)[7] = (u8)hops;
	h = b_add(&f, NULL, 48);
	h[0] = ICMP6_REDIRECT;
	memcpy(h + 8, t.b, 16);
	memcpy(h + 24, d.b, 16);
	memcpy(h + 40, (u8[8]){2, 1, 2, 0, 0, 0, 0, 7}, 8);
	b_send(&w, &f);
}

START_TEST(redirect6_is_obeyed)
{
	struct ip_addr far6 = a6("2001:db8::7"), router = a6("fe80::fe"), better = a6("fe80::fd");
	struct net_path path;
	struct net_neigh *n;

	far_route(router);
	redirect6("fe80::fd", "fe80::fc", "2001:db8::7", 255); /* not of our router */
	redirect6("fe80::fe", "fe80::fd", "2001:db8::7", 64);  /* from afar */
	redirect6("fe80::fe", "fd00::77", "2001:db8::7", 255); /* a router's address is link-local */
	redirect6("fe80::fe", "fe80::fd", "ff02::1", 255);
	ck_assert_int_eq(net_route_lookup(w.w, &far6, &IP6_ANY, 0, &path), 0);
	ck_assert(ip_eq(&path.next_hop, &router));
	redirect6("fe80::fe", "fe80::fd", "2001:db8::7", 255);
	ck_assert_int_eq(net_route_lookup(w.w, &far6, &IP6_ANY, 0, &path), 0);
	ck_assert(ip_eq(&path.next_hop, &better));
	n = neigh_find(w.wn, &better);
	ck_assert_ptr_nonnull(n);
	ck_assert_uint_eq(n->mac[5], 7);
	ck_assert(n->router);
	redirect6("fe80::fd", "2001:db8::7", "2001:db8::7", 255); /* it is on the link itself */
	ck_assert_int_eq(net_route_lookup(w.w, &far6, &IP6_ANY, 0, &path), 0);
	ck_assert(ip_eq(&path.next_hop, &far6));
}
END_TEST

START_TEST(error_queue_is_bounded)
{
	u32 n = 0;
	struct sock_error *e;

	sk->recverr = true;
	for (u32 i = 0; i < 1000; i++)
		error_in(3, 3, 0, IP_A, 1000, 0);
	while ((e = sock_next_error(sk))) {
		sock_error_free(w.w, e);
		n++;
	}
	ck_assert_uint_eq(n, 64);
}
END_TEST

/* ---- path MTU ---- */

static u32 path_mtu(const struct ip_addr *dst)
{
	struct net_path path;

	ck_assert_int_eq(net_route_lookup(w.w, dst, ip_is_v4(dst) ? &IP4_ANY : &IP6_ANY, 0, &path), 0);
	return path.mtu;
}

static const struct {
	u32 said, mtu;
} pmtus[] = {{1400, 1400}, {552, 552},  {100, 552}, {0, 750} /* an old router: half of 1500 */,
	     {9000, 1500}, {1499, 1499}};

START_TEST(pmtu_learned)
{
	struct ip_addr dst = ip_v4(IP_B), other = ip_v4(0x0a000063);

	error_in(3, 4, pmtus[_i].said, IP_A, 1000, 0);
	ck_assert_uint_eq(path_mtu(&dst), pmtus[_i].mtu);
	ck_assert_uint_eq(path_mtu(&other), 1500);
}
END_TEST

START_TEST(pmtu_goes_down_only_and_expires)
{
	struct ip_addr dst = ip_v4(IP_B);

	error_in(3, 4, 1300, IP_A, 1000, 0);
	error_in(3, 4, 1400, IP_A, 1000, 0);
	ck_assert_uint_eq(path_mtu(&dst), 1300);
	run_for(&w, 601 * NSEC_PER_SEC);
	ck_assert_uint_eq(path_mtu(&dst), 1500);
	error_in(3, 4, 1400, IP_A, 1000, 0);
	ck_assert_uint_eq(path_mtu(&dst), 1400);
}
END_TEST

START_TEST(pmtu_expires_for_a_connected_socket_too)
{
	static u8 big[1450];

	connected();
	sk->pmtudisc = PMTUDISC_DO;
	error_in(3, 4, 1400, IP_A, 1000, 0);
	ck_assert_int_eq(udp_put(sk, NULL, 0, big, sizeof(big)), -EMSGSIZE);
	ck_assert_int_eq(udp_put(sk, NULL, 0, big, sizeof(big)), -EMSGSIZE);
	run_for(&w, 601 * NSEC_PER_SEC);
	ck_assert_int_eq(udp_put(sk, NULL, 0, big, sizeof(big)), sizeof(big));
}
END_TEST

static const struct {
	u8 pmtudisc;
	int error; /* told to a connected socket, as Linux */
	u32 mtu;   /* learned */
} big_cases[] = {
    {PMTUDISC_DONT, 0, 1400},         {PMTUDISC_WANT, EMSGSIZE, 1400},      {PMTUDISC_DO, EMSGSIZE, 1400},
    {PMTUDISC_PROBE, EMSGSIZE, 1400}, {PMTUDISC_INTERFACE, EMSGSIZE, 1500}, {PMTUDISC_OMIT, EMSGSIZE, 1500}};

START_TEST(pmtu_by_socket)
{
	struct ip_addr dst = ip_v4(IP_B);

	connected();
	sk->pmtudisc = big_cases[_i].pmtudisc;
	error_in(3, 4, 1400, IP_A, 1000, 0);
	ck_assert_int_eq(sk->error, big_cases[_i].error);
	ck_assert_uint_eq(path_mtu(&dst), big_cases[_i].mtu);
}
END_TEST

START_TEST(datagram_is_cut_to_the_path_mtu)
{
	struct ip_addr dst = ip_v4(IP_B);
	static u8 big[1450];

	error_in(3, 4, 1000, IP_A, 1000, 0);
	ck_assert_int_eq(udp_put(sk, &dst, 2000, big, sizeof(big)), sizeof(big));
	ck_assert_uint_le(wire_must(&w)->size, 14 + 1000);
	ck_assert_uint_le(wire_must(&w)->size, 14 + 1000);
	wire_quiet(&w);
	sk->pmtudisc = PMTUDISC_PROBE; /* not by those who probe */
	ck_assert_int_eq(udp_put(sk, &dst, 2000, big, sizeof(big)), sizeof(big));
	ck_assert_uint_eq(wire_must(&w)->size, 14 + 28 + sizeof(big));
}
END_TEST

START_TEST(pmtu_table_is_bounded)
{
	struct ip_addr dst = a6("2001:db8::1");

	for (u32 i = 0; i < 5000; i++) {
		put_be32(dst.b + 12, i);
		net_pmtu_learn(w.w, &dst, 1300);
	}
	ck_assert_uint_le(w.w->pmtu_count, 512);
	ck_assert_uint_eq(net_pmtu_get(w.w, &dst, 1500), 1300);
}
END_TEST

/* ---- errors in, IPv6 ---- */

static void error6_in(u8 type, u8 code, u32 info, const char *inner_src, u32 inner_sport, bool ext)
{
	struct ip_addr src = a6(inner_src), dst = a6("fd00::2");
	u8 *h;

	b_eth(&f, mac_us, mac_peer, ETH_IPV6);
	b_ip6(&f, "fd00::fe", "fd00::1", PROTO_ICMPV6);
	h = b_add(&f, NULL, 8);
	h[0] = type;
	h[1] = code;
	put_be32(h + 4, info);
	h = b_add(&f, NULL, 40);
	h[0] = 0x60;
	h[6] = ext ? PROTO_FRAGMENT : PROTO_UDP;
	memcpy(h + 8, src.b, 16);
	memcpy(h + 24, dst.b, 16);
	if (ext) {
		h = b_add(&f, NULL, 8);
		h[0] = PROTO_UDP;
		h[3] = 1;
	}
	h = b_add(&f, NULL, 8);
	put_be16(h, inner_sport);
	put_be16(h + 2, 2000);
	b_add(&f, "data", 4);
	b_send(&w, &f);
}

static const struct {
	u8 type, code;
	int error;
	bool hard;
} errors6[] = {
    {1, 0, ENETUNREACH, false},  {1, 1, EACCES, true},        {1, 2, EHOSTUNREACH, false},
    {1, 3, EHOSTUNREACH, false}, {1, 4, ECONNREFUSED, true},  {1, 5, EACCES, true},
    {1, 6, EACCES, true},        {3, 0, EHOSTUNREACH, false}, {4, 0, EPROTO, true},
    {4, 1, EPROTO, true},
};

START_TEST(error6_to_a_connected_socket)
{
	struct ip_addr dst = a6("fd00::2");

	ck_assert_int_eq(dgram_connect(sk6, &dst, 2000), 0);
	error6_in(errors6[_i].type, errors6[_i].code, 0, "fd00::1", 1006, false);
	ck_assert_int_eq(sk6->error, errors6[_i].hard ? errors6[_i].error : 0);
}
END_TEST

START_TEST(error6_with_recverr)
{
	struct sock_error *e;
	char buf[8];

	sk6->recverr = true;
	error6_in(errors6[_i].type, errors6[_i].code, 7, "fd00::1", 1006, _i % 2);
	e = sock_next_error(sk6);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->error, errors6[_i].error);
	ck_assert_uint_eq(e->origin, 3);
	ck_assert_uint_eq(e->info, 7);
	ck_assert_uint_eq(pkt_copy(e->p, 0, buf, sizeof(buf)), 4);
	ck_assert_mem_eq(buf, "data", 4);
	sock_error_free(w.w, e);
}
END_TEST

START_TEST(pmtu6)
{
	struct ip_addr dst = a6("fd00::2");

	error6_in(2, 0, 1400, "fd00::1", 1006, false);
	ck_assert_uint_eq(path_mtu(&dst), 1400);
	error6_in(2, 0, 1000, "fd00::1", 1006, false);
	ck_assert_uint_eq(path_mtu(&dst), 1280);
}
END_TEST

START_TEST(error6_about_another_ignored)
{
	struct ip_addr dst = a6("fd00::2");

	ck_assert_int_eq(dgram_connect(sk6, &dst, 2000), 0);
	error6_in(1, 4, 0, "fd00::9", 1006, false);
	error6_in(1, 4, 0, "fd00::1", 1007, false);
	ck_assert_int_eq(sk6->error, 0);
	wire_quiet(&w);
}
END_TEST

TCase *case_icmp(void)
{
	TCase *t = tcase_create("icmp");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, echo_reply_repeats_all);
	tcase_add_test(t, echo_with_bad_checksum);
	tcase_add_test(t, echo_to_all_ignored);
	tcase_add_test(t, echo_larger_than_the_mtu);
	tcase_add_test(t, timestamp_answered);
	tcase_add_test(t, other_requests_ignored);
	tcase_add_test(t, echo6);
	tcase_add_test(t, echo6_to_group_answered_from_our_address);
	tcase_add_test(t, port_unreachable);
	tcase_add_test(t, error_quotes_576_bytes_in_all);
	tcase_add_test(t, no_error_about_what_was_for_all);
	tcase_add_test(t, errors_are_limited);
	tcase_add_test(t, no_error_about_an_error);
	tcase_add_test(t, port_unreachable6);
	tcase_add_test(t, error6_quotes_1280_bytes_in_all);
	tcase_add_loop_test(t, error_to_a_connected_socket, 0, ARRAY_COUNT(errors4));
	tcase_add_loop_test(t, error_with_recverr, 0, ARRAY_COUNT(errors4));
	tcase_add_test(t, error_to_an_unconnected_socket_ignored);
	tcase_add_test(t, error_about_another_ignored);
	tcase_add_test(t, redirect_is_obeyed_for_a_while);
	tcase_add_test(t, redirects_not_believed);
	tcase_add_test(t, redirect6_is_obeyed);
	tcase_add_test(t, error_queue_is_bounded);
	tcase_add_loop_test(t, pmtu_learned, 0, ARRAY_COUNT(pmtus));
	tcase_add_test(t, pmtu_goes_down_only_and_expires);
	tcase_add_test(t, pmtu_expires_for_a_connected_socket_too);
	tcase_add_loop_test(t, pmtu_by_socket, 0, ARRAY_COUNT(big_cases));
	tcase_add_test(t, datagram_is_cut_to_the_path_mtu);
	tcase_add_test(t, pmtu_table_is_bounded);
	tcase_add_loop_test(t, error6_to_a_connected_socket, 0, ARRAY_COUNT(errors6));
	tcase_add_loop_test(t, error6_with_recverr, 0, ARRAY_COUNT(errors6));
	tcase_add_test(t, pmtu6);
	tcase_add_test(t, error6_about_another_ignored);
	return t;
}

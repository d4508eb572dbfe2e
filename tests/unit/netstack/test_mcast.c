/* test_mcast.c: groups: IGMP (RFC 1112, 2236, 3376), MLD (RFC 2710, 3810), delivery to sockets. Routers of
 * the older versions are there from the start, but where a test lets their time pass. */
#include <errno.h>
#include <stdio.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct net_sock *sk;
static struct ip_addr group, group6;
static struct build f;

static void query(u32 grp, u8 delay);
static void mld_query(const char *grp, u32 code, u32 hops, const char *src);

static void start(void)
{
	world_wire(&w);
	know_peer(&w);
	group = a4("239.1.2.3");
	group6 = a6("ff05::77");
	sk = udp_bound(w.w, IP6_ANY, 9);
	query(0, 10);
	mld_query("::", 100, 1, "fe80::99");
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
}

/* The old routers are forgotten. */
static void modern(void)
{
	run_for(&w, 300 * NSEC_PER_SEC);
	wire_skip(&w);
}

static void stop(void)
{
	dgram_close(sk);
	world_end(&w);
}

/* An IGMP message went out. */
static void expect_igmp(u8 type, u32 dst, u32 grp)
{
	const struct frame *r = wire_must(&w);
	const u8 *ip = r->bytes + 14;

	ck_assert_uint_eq(get_be16(r->bytes + 12), ETH_IPV4);
	ck_assert_uint_eq(r->bytes[0], 1);
	ck_assert_uint_eq(r->bytes[5], dst & 0xff);
	ck_assert_uint_eq(ip[0], 0x46);
	ck_assert_uint_eq(ip[8], 1); /* ttl */
	ck_assert_uint_eq(ip[9], PROTO_IGMP);
	ck_assert_uint_eq(get_be32(ip + 16), dst);
	ck_assert_uint_eq(get_be32(ip + 20), 0x94040000); /* router alert */
	ck_assert_uint_eq(ip[24], type);
	ck_assert_uint_eq(get_be32(ip + 28), grp);
	ck_assert(csum_ok(csum_add(0, ip + 24, 8, false)));
}

static void expect_mld(u8 type, const char *dst, const char *grp)
{
	const struct frame *r = wire_must(&w);
	const u8 *ip = r->bytes + 14;
	struct ip_addr d = a6(dst), g = a6(grp), s;

	memcpy(s.b, ip + 8, 16);
	ck_assert_uint_eq(get_be16(r->bytes + 12), ETH_IPV6);
	ck_assert_uint_eq(ip[6], PROTO_HOPOPTS);
	ck_assert_uint_eq(ip[7], 1);
	ck_assert_mem_eq(ip + 24, d.b, 16);
	ck_assert_uint_eq(ip[40], PROTO_ICMPV6);
	ck_assert_uint_eq(ip[42], 5); /* router alert */
	ck_assert_uint_eq(ip[48], type);
	ck_assert_mem_eq(ip + 56, g.b, 16);
	ck_assert(csum_ok(csum_add(csum_pseudo(&s, &d, PROTO_ICMPV6, 24), ip + 48, 24, false)));
}

static void query(u32 grp, u8 delay)
{
	u8 *h;

	b_eth(&f, (u8[6]){1, 0, 0x5e, 0, 0, 1}, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, grp ? grp : 0xe0000001, PROTO_IGMP)[8] = 1;
	h = b_add(&f, NULL, 8);
	h[0] = 0x11;
	h[1] = delay;
	put_be32(h + 4, grp);
	b_send(&w, &f);
}

static void mld_query(const char *grp, u32 code, u32 hops, const char *src)
{
	struct ip_addr g = a6(grp);
	u8 *h;

	b_eth(&f, (u8[6]){0x33, 0x33, 0, 0, 0, 1}, mac_peer, ETH_IPV6);
	b_ip6(&f, src, "ff02::1", PROTO_HOPOPTS)[7] = (u8)hops;
	b_add(&f, "\x3a\0\5\2\0\0\1\0", 8);
	f.l4 = f.size;
	h = b_add(&f, NULL, 24);
	h[0] = ICMP6_MLD_QUERY;
	put_be16(h + 4, code);
	memcpy(h + 8, g.b, 16);
	b_send(&w, &f);
}

static void group_in(u32 dst, const char *text)
{
	u8 mac[6];
	struct ip_addr g = ip_v4(dst);

	ether_multicast(&g, mac);
	b_eth(&f, mac, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, dst, PROTO_UDP);
	b_udp(&f, 5, 9, text, (u32)strlen(text));
	b_send(&w, &f);
}

static void expect_igmp3(u8 kind, u32 grp)
{
	const struct frame *r = wire_must(&w);
	const u8 *ip = r->bytes + 14;

	ck_assert_uint_eq(ip[0], 0x46);
	ck_assert_uint_eq(ip[8], 1);
	ck_assert_uint_eq(get_be32(ip + 16), 0xe0000016);
	ck_assert_uint_eq(get_be16(ip + 2), 24 + 16);
	ck_assert_uint_eq(ip[24], 0x22);
	ck_assert_uint_eq(get_be16(ip + 30), 1);
	ck_assert_uint_eq(ip[32], kind);
	ck_assert_uint_eq(get_be16(ip + 34), 0); /* no sources */
	ck_assert_uint_eq(get_be32(ip + 36), grp);
	ck_assert(csum_ok(csum_add(0, ip + 24, 16, false)));
}

static void expect_mld2(u8 kind, const char *grp)
{
	const struct frame *r = wire_must(&w);
	const u8 *ip = r->bytes + 14;
	struct ip_addr d = a6("ff02::16"), g = a6(grp), s;

	memcpy(s.b, ip + 8, 16);
	ck_assert_mem_eq(ip + 24, d.b, 16);
	ck_assert_uint_eq(ip[7], 1);
	ck_assert_uint_eq(ip[48], ICMP6_MLD2_REPORT);
	ck_assert_uint_eq(get_be16(ip + 54), 1);
	ck_assert_uint_eq(ip[56], kind);
	ck_assert_mem_eq(ip + 60, g.b, 16);
	ck_assert(csum_ok(csum_add(csum_pseudo(&s, &d, PROTO_ICMPV6, 28), ip + 48, 28, false)));
}

START_TEST(v3_join_and_leave_are_told_twice)
{
	modern();
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	expect_igmp3(4, 0xef010203);
	wire_quiet(&w);
	run_for(&w, NSEC_PER_SEC);
	expect_igmp3(4, 0xef010203);
	run_for(&w, 100 * NSEC_PER_SEC);
	wire_quiet(&w);
	ck_assert_int_eq(sock_leave(sk, &group, w.wn->index), 0);
	ck_assert(!mcast_member(w.wn, &group));
	expect_igmp3(3, 0xef010203);
	run_for(&w, NSEC_PER_SEC);
	expect_igmp3(3, 0xef010203);
	run_for(&w, 100 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(v3_joined_again_while_leaving)
{
	modern();
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	ck_assert_int_eq(sock_leave(sk, &group, w.wn->index), 0);
	expect_igmp3(3, 0xef010203);
	ck_assert_int_eq(sock_leave(sk, &group, w.wn->index), -EADDRNOTAVAIL);
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	expect_igmp3(4, 0xef010203);
	run_for(&w, 20 * NSEC_PER_SEC);
	expect_igmp3(4, 0xef010203);
	wire_quiet(&w);
	ck_assert(mcast_member(w.wn, &group));
}
END_TEST

START_TEST(v3_query)
{
	u8 *h;

	modern();
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	for (int specific = 0; specific < 2; specific++) {
		b_eth(&f, (u8[6]){1, 0, 0x5e, 0, 0, 1}, mac_peer, ETH_IPV4);
		b_ip4(&f, IP_B, specific ? 0xef010203 : 0xe0000001, PROTO_IGMP)[8] = 1;
		h = b_add(&f, NULL, 12);
		h[0] = 0x11;
		h[1] = 50;
		put_be32(h + 4, specific ? 0xef010203 : 0);
		b_send(&w, &f);
		run_for(&w, 5 * NSEC_PER_SEC);
		expect_igmp3(2, 0xef010203);
		run_for(&w, 20 * NSEC_PER_SEC);
		wire_quiet(&w);
	}
}
END_TEST

START_TEST(v1_router)
{
	modern();
	query(0, 0);
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	expect_igmp(0x12, 0xef010203, 0xef010203);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	ck_assert_int_eq(sock_leave(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_quiet(&w); /* it knows no goodbye */
	modern();
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	expect_igmp3(4, 0xef010203);
}
END_TEST

START_TEST(mld2_join_leave_and_query)
{
	modern();
	ck_assert_int_eq(sock_join(sk, &group6, w.wn->index), 0);
	expect_mld2(4, "ff05::77");
	run_for(&w, NSEC_PER_SEC);
	expect_mld2(4, "ff05::77");
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_quiet(&w);
	{
		struct ip_addr g = a6("ff05::77");
		u8 *h;
		b_eth(&f, (u8[6]){0x33, 0x33, 0, 0, 0, 1}, mac_peer, ETH_IPV6);
		b_ip6(&f, "fe80::99", "ff02::1", PROTO_HOPOPTS)[7] = 1;
		b_add(&f, "\x3a\0\5\2\0\0\1\0", 8);
		f.l4 = f.size;
		h = b_add(&f, NULL, 28);
		h[0] = ICMP6_MLD_QUERY;
		put_be16(h + 4, 1000);
		memcpy(h + 8, g.b, 16);
		b_send(&w, &f);
	}
	run_for(&w, NSEC_PER_SEC);
	expect_mld2(2, "ff05::77");
	ck_assert_int_eq(sock_leave(sk, &group6, w.wn->index), 0);
	expect_mld2(3, "ff05::77");
	run_for(&w, NSEC_PER_SEC);
	expect_mld2(3, "ff05::77");
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(join_reports_twice)
{
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	expect_igmp(0x16, 0xef010203, 0xef010203);
	wire_quiet(&w);
	run_for(&w, 10 * NSEC_PER_SEC);
	expect_igmp(0x16, 0xef010203, 0xef010203);
	run_for(&w, 100 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(leave_says_goodbye)
{
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	ck_assert_int_eq(sock_leave(sk, &group, w.wn->index), 0);
	expect_igmp(0x17, 0xe0000002, 0xef010203);
	ck_assert_int_eq(sock_leave(sk, &group, w.wn->index), -EADDRNOTAVAIL);
	run_for(&w, 100 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(two_sockets_one_membership)
{
	struct net_sock *two = udp_open(w.w, false);

	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	ck_assert_int_eq(sock_join(two, &group, w.wn->index), 0);
	wire_quiet(&w);
	ck_assert_int_eq(sock_leave(sk, &group, w.wn->index), 0);
	wire_quiet(&w);
	ck_assert(mcast_member(w.wn, &group));
	dgram_close(two); /* closing leaves */
	expect_igmp(0x17, 0xe0000002, 0xef010203);
	ck_assert(!mcast_member(w.wn, &group));
}
END_TEST

START_TEST(query_is_answered_within_its_time)
{
	u64 begin;

	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	begin = w.now;
	query(0, 50); /* general, 5 seconds */
	run_for(&w, 5 * NSEC_PER_SEC);
	expect_igmp(0x16, 0xef010203, 0xef010203);
	ck_assert_uint_le(w.sent[0].at, begin + 5 * NSEC_PER_SEC);
	query(0xef010203, 10);
	run_for(&w, NSEC_PER_SEC);
	expect_igmp(0x16, 0xef010203, 0xef010203);
	query(0xef010204, 10);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(another_report_spares_ours)
{
	u8 *h;

	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	query(0, 100);
	b_eth(&f, (u8[6]){1, 0, 0x5e, 1, 2, 3}, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, 0xef010203, PROTO_IGMP)[8] = 1;
	h = b_add(&f, NULL, 8);
	h[0] = 0x16;
	put_be32(h + 4, 0xef010203);
	b_send(&w, &f);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(broken_query_ignored)
{
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	query(0, 50);
	run_for(&w, 6 * NSEC_PER_SEC);
	wire_skip(&w);
	f.b[f.size - 1] ^= 1;
	wire_in(&w, f.b, f.size);
	for (u32 n = 14; n < f.size; n++)
		wire_in(&w, f.b, n);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(all_hosts_group_needs_no_report)
{
	struct ip_addr all = a4("224.0.0.1");

	ck_assert_int_eq(sock_join(sk, &all, w.wn->index), 0);
	query(0, 10);
	run_for(&w, 30 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(reports_again_when_the_link_returns)
{
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	ck_assert_int_eq(netif_set_up(w.wn, false), 0);
	wire_skip(&w);
	ck_assert_int_eq(netif_set_up(w.wn, true), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	{
		const struct frame *r;
		u32 n = 0;
		while ((r = wire_out(&w)))
			n += get_be16(r->bytes + 12) == ETH_IPV4 && r->bytes[23] == PROTO_IGMP;
		ck_assert_uint_eq(n, 2);
	}
}
END_TEST

START_TEST(datagram_to_a_joined_group)
{
	group_in(0xef010203, "before");
	expect_nothing(sk);
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	group_in(0xef010203, "after");
	expect_datagram(sk, "after");
	group_in(0xef010204, "another");
	expect_nothing(sk);
	ck_assert_int_eq(sock_leave(sk, &group, 0), 0);
	group_in(0xef010203, "left");
	expect_nothing(sk);
}
END_TEST

START_TEST(multicast_all)
{
	struct net_sock *other = udp_open(w.w, false), *own = udp_open(w.w, false);

	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	other->ep.reuseaddr = own->ep.reuseaddr = sk->ep.reuseaddr = true;
	own->mcast_all = false; /* IP_MULTICAST_ALL off: its own groups only */
	ck_assert_int_eq(sock_bind(other, &group, 9), 0);
	ck_assert_int_eq(sock_bind(own, &group, 9), 0);
	group_in(0xef010203, "x");
	expect_datagram(sk, "x");
	expect_datagram(other, "x"); /* as Linux: the host is a member */
	expect_nothing(own);
	dgram_close(other);
	dgram_close(own);
}
END_TEST

START_TEST(sent_to_the_group_and_looped)
{
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	wire_skip(&w);
	sk->mcast_if = w.wn->index;
	ck_assert_int_eq(udp_put(sk, &group, 9, "own", 3), 3);
	ck_assert_uint_eq(wire_must(&w)->bytes[14 + 8], 1); /* ttl */
	expect_datagram(sk, "own");
	sk->mcast_loop = false;
	ck_assert_int_eq(udp_put(sk, &group, 9, "own", 3), 3);
	expect_nothing(sk);
}
END_TEST

START_TEST(multicast_ttl)
{
	struct net_sock *s4 = udp_open(w.w, false);

	s4->mcast_if = w.wn->index;
	s4->mcast_ttl = 33;
	ck_assert_int_eq(udp_put(s4, &group, 7, "x", 1), 1);
	ck_assert_uint_eq(wire_must(&w)->bytes[14 + 8], 33);
	s4->ttl = 5; /* that of unicast says nothing */
	ck_assert_int_eq(udp_put(s4, &group, 7, "x", 1), 1);
	ck_assert_uint_eq(wire_must(&w)->bytes[14 + 8], 33);
	dgram_close(s4);
}
END_TEST

START_TEST(multicast_ttl_of_zero_stays_here)
{
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	wire_skip(&w);
	sk->mcast_if = w.wn->index;
	sk->mcast_ttl = 0;
	ck_assert_int_eq(udp_put(sk, &group, 9, "own", 3), 3);
	wire_quiet(&w);
	expect_datagram(sk, "own");
}
END_TEST

START_TEST(group_on_loopback)
{
	struct net_sock *s = udp_bound(w.w, IP4_ANY, 11);

	ck_assert_int_eq(sock_join(s, &group, w.w->lo->index), 0);
	s->mcast_if = w.w->lo->index;
	ck_assert_int_eq(udp_put(s, &group, 11, "x", 1), 1);
	expect_datagram(s, "x");
	expect_nothing(s);
	wire_quiet(&w);
	dgram_close(s);
}
END_TEST

START_TEST(join_refusals)
{
	struct ip_addr uni = ip_v4(IP_B);

	ck_assert_int_eq(sock_join(sk, &uni, w.wn->index), -EINVAL);
	ck_assert_int_eq(sock_join(sk, &group, 99), -ENODEV);
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), -EADDRINUSE);
	ck_assert_int_eq(sock_join(sk, &group, w.w->lo->index), 0);
}
END_TEST

START_TEST(groups_per_socket_are_bounded)
{
	int err = 0;
	u32 n;

	for (n = 0; n < 100 && !err; n++) {
		struct ip_addr g = ip_v4(0xef000000 + n);
		wire_skip(&w);
		err = sock_join(sk, &g, w.wn->index);
	}
	ck_assert_int_eq(err, -ENOBUFS);
	ck_assert_uint_eq(n, 21); /* igmp_max_memberships */
	wire_skip(&w);
}
END_TEST

START_TEST(interface_gone_with_memberships)
{
	ck_assert_int_eq(sock_join(sk, &group, w.wn->index), 0);
	netif_remove(w.wn);
	ck_assert_int_eq(sock_leave(sk, &group, 0), 0);
}
END_TEST

START_TEST(ethernet_address_of_a_group)
{
	struct ip_addr g = a4("224.129.3.4");
	static const u8 want[6] = {1, 0, 0x5e, 1, 3, 4}, want6[6] = {0x33, 0x33, 0, 0, 0, 0x77};
	u8 mac[6];

	ether_multicast(&g, mac);
	ck_assert_mem_eq(mac, want, 6);
	ether_multicast(&group6, mac);
	ck_assert_mem_eq(mac, want6, 6);
}
END_TEST

/* ---- MLD ---- */

START_TEST(join6_reports_and_leaves)
{
	ck_assert_int_eq(sock_join(sk, &group6, w.wn->index), 0);
	expect_mld(ICMP6_MLD_REPORT, "ff05::77", "ff05::77");
	run_for(&w, 20 * NSEC_PER_SEC);
	expect_mld(ICMP6_MLD_REPORT, "ff05::77", "ff05::77");
	wire_quiet(&w);
	ck_assert_int_eq(sock_leave(sk, &group6, w.wn->index), 0);
	expect_mld(ICMP6_MLD_DONE, "ff02::2", "ff05::77");
}
END_TEST

START_TEST(mld_query_answered)
{
	ck_assert_int_eq(sock_join(sk, &group6, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	mld_query("ff05::77", 1000, 1, "fe80::99");
	run_for(&w, NSEC_PER_SEC);
	expect_mld(ICMP6_MLD_REPORT, "ff05::77", "ff05::77");
	wire_quiet(&w);
	/* for all: the solicited-node group of our address too */
	mld_query("::", 1000, 1, "fe80::99");
	run_for(&w, NSEC_PER_SEC);
	ck_assert_uint_eq(w.sent_count, 2);
}
END_TEST

START_TEST(mld_query_refused)
{
	ck_assert_int_eq(sock_join(sk, &group6, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	mld_query("ff05::77", 1000, 64, "fe80::99"); /* from afar */
	mld_query("ff05::77", 1000, 1, "fd00::99");  /* not link-local */
	run_for(&w, 2 * NSEC_PER_SEC);
	wire_quiet(&w);
}
END_TEST

START_TEST(mld_long_delay_is_a_floating_number)
{
	ck_assert_int_eq(sock_join(sk, &group6, w.wn->index), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	wire_skip(&w);
	mld_query("ff05::77", 0x8000, 1, "fe80::99"); /* RFC 3810: 0x1000 << 3 = 32768 ms */
	run_for(&w, 33 * NSEC_PER_SEC);
	expect_mld(ICMP6_MLD_REPORT, "ff05::77", "ff05::77");
}
END_TEST

START_TEST(group6_datagram)
{
	ck_assert_int_eq(sock_join(sk, &group6, w.wn->index), 0);
	wire_skip(&w);
	b_eth(&f, (u8[6]){0x33, 0x33, 0, 0, 0, 0x77}, mac_peer, ETH_IPV6);
	b_ip6(&f, "fd00::2", "ff05::77", PROTO_UDP);
	b_udp(&f, 5, 9, "six", 3);
	b_send(&w, &f);
	expect_datagram(sk, "six");
}
END_TEST

START_TEST(group6_looped_even_in_fragments)
{
	static u8 big[4000], got[4000];

	for (u32 i = 0; i < sizeof(big); i++)
		big[i] = (u8)(i * 3);
	ck_assert_int_eq(sock_join(sk, &group6, w.wn->index), 0);
	wire_skip(&w);
	sk->mcast_if = w.wn->index;
	ck_assert_int_eq(udp_put(sk, &group6, 9, big, sizeof(big)), sizeof(big));
	ck_assert_uint_eq(w.sent_count, 3);
	ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), sizeof(big));
	ck_assert_mem_eq(got, big, sizeof(big));
	ck_assert_int_eq(udp_put(sk, &group, 9, "x", 1), 1); /* IPv4, from a dual-stack socket */
}
END_TEST

START_TEST(link_scope_group_by_scope_id)
{
	struct ip_addr g = a6("ff02::123");
	struct dgram_msg msg;
	struct mem_iter m;

	mem_in(&m, "x", 1);
	msg = msg_to(&m, &g, 7);
	msg.scope_if = w.wn->index;
	ck_assert_int_eq(udp_send(sk, &msg), 1);
	ck_assert_uint_eq(wire_must(&w)->bytes[0], 0x33);
}
END_TEST

TCase *case_mcast(void)
{
	TCase *t = tcase_create("mcast");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, v3_join_and_leave_are_told_twice);
	tcase_add_test(t, v3_joined_again_while_leaving);
	tcase_add_test(t, v3_query);
	tcase_add_test(t, v1_router);
	tcase_add_test(t, mld2_join_leave_and_query);
	tcase_add_test(t, join_reports_twice);
	tcase_add_test(t, leave_says_goodbye);
	tcase_add_test(t, two_sockets_one_membership);
	tcase_add_test(t, query_is_answered_within_its_time);
	tcase_add_test(t, another_report_spares_ours);
	tcase_add_test(t, broken_query_ignored);
	tcase_add_test(t, all_hosts_group_needs_no_report);
	tcase_add_test(t, reports_again_when_the_link_returns);
	tcase_add_test(t, datagram_to_a_joined_group);
	tcase_add_test(t, multicast_all);
	tcase_add_test(t, sent_to_the_group_and_looped);
	tcase_add_test(t, multicast_ttl);
	tcase_add_test(t, multicast_ttl_of_zero_stays_here);
	tcase_add_test(t, group_on_loopback);
	tcase_add_test(t, join_refusals);
	tcase_add_test(t, groups_per_socket_are_bounded);
	tcase_add_test(t, interface_gone_with_memberships);
	tcase_add_test(t, ethernet_address_of_a_group);
	tcase_add_test(t, join6_reports_and_leaves);
	tcase_add_test(t, mld_query_answered);
	tcase_add_test(t, mld_query_refused);
	tcase_add_test(t, mld_long_delay_is_a_floating_number);
	tcase_add_test(t, group6_datagram);
	tcase_add_test(t, group6_looped_even_in_fragments);
	tcase_add_test(t, link_scope_group_by_scope_id);
	return t;
}

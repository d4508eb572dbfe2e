/* test_ndp.c: neighbour discovery (RFC 4861) and address configuration (RFC 4862), message for message. */
#include <errno.h>
#include <stdio.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

#define US_LL   "fe80::ff:fe00:1" /* made of 02:00:00:00:00:01 */
#define ROUTER  "fe80::99"
#define PEER_LL "fe80::ff:fe00:2"

static struct world w;
static struct net_sock *sk;

static void start(void)
{
	world_wire(&w);
	sk = udp_open(w.w, true);
}

static void stop(void)
{
	dgram_close(sk);
	world_end(&w);
}

/* The interface as a host on an IPv6 network brings it up. */
static void bring_up(void)
{
	ck_assert_int_eq(netif_set_up(w.wn, false), 0);
	w.wn->no_ipv6 = false;
	wire_skip(&w);
	ck_assert_int_eq(netif_set_up(w.wn, true), 0);
}

static void icmp6_in(const char *src, const char *dst, u32 hops, const u8 *body, u32 size)
{
	struct build f;
	struct ip_addr to = a6(dst);
	u8 mac[6];

	memcpy(mac, mac_us, 6);
	if (ip_is_multicast(&to))
		ether_multicast(&to, mac);
	b_eth(&f, mac, mac_peer, ETH_IPV6);
	b_ip6(&f, src, dst, PROTO_ICMPV6)[7] = (u8)hops;
	b_add(&f, body, size);
	b_send(&w, &f);
}

/* NS or NA; mac NULL: without the option. */
static void neighbour_in(u8 type, const char *src, const char *dst, const char *target, u8 flags,
			 const u8 *mac)
{
	u8 m[32] = {type, 0, 0, 0, flags};
	struct ip_addr t = a6(target);

	memcpy(m + 8, t.b, 16);
	m[24] = type == ICMP6_NS ? 1 : 2;
	m[25] = 1;
	if (mac)
		memcpy(m + 26, mac, 6);
	icmp6_in(src, dst, 255, m, mac ? 32 : 24);
}

/* The next ICMPv6 message of this type (reports of groups between are passed over), its checksum right; NULL
 * if none. */
static const u8 *next_message(u8 type)
{
	const struct frame *f;

	while ((f = wire_out(&w))) {
		const u8 *ip = f->bytes + 14;
		struct ip_addr src, dst;
		u32 n = get_be16(ip + 4);
		if (get_be16(f->bytes + 12) != ETH_IPV6 || ip[6] != PROTO_ICMPV6 || ip[40] != type)
			continue;
		memcpy(src.b, ip + 8, 16);
		memcpy(dst.b, ip + 24, 16);
		ck_assert_uint_eq(ip[7], 255);
		ck_assert(csum_ok(csum_add(csum_pseudo(&src, &dst, PROTO_ICMPV6, n), ip + 40, n, false)));
		return f->bytes;
	}
	return NULL;
}

static void expect_addr(const u8 *at, const char *text)
{
	struct ip_addr a = a6(text);

	ck_assert_mem_eq(at, a.b, 16);
}

static const u8 *must(u8 type)
{
	const u8 *f = next_message(type);

	ck_assert_msg(f, "no ICMPv6 message of type %u", type);
	return f;
}

static u8 state(const char *addr)
{
	struct ip_addr a = a6(addr);
	struct net_neigh *n = neigh_find(w.wn, &a);

	return n ? n->state : 0;
}

static u32 flags_of(const char *addr)
{
	struct ip_addr a = a6(addr);
	struct net_ifaddr *i = netif_find_addr(w.wn, &a);

	ck_assert_msg(i, "%s is not there", addr);
	return i->flags;
}

static bool has(const char *addr)
{
	struct ip_addr a = a6(addr);

	return netif_find_addr(w.wn, &a);
}

/* ---- resolution ---- */

START_TEST(resolution)
{
	struct ip_addr dst = a6("fd00::2");
	static const u8 group[6] = {0x33, 0x33, 0xff, 0, 0, 2};
	const u8 *f;

	ck_assert_int_eq(udp_put(sk, &dst, 9, "x", 1), 1);
	f = must(ICMP6_NS);
	ck_assert_mem_eq(f, group, 6);
	expect_addr(f + 14 + 8, "fd00::1");
	expect_addr(f + 14 + 24, "ff02::1:ff00:2");
	expect_addr(f + 14 + 48, "fd00::2");
	ck_assert_uint_eq(f[14 + 64], 1); /* source link-layer address */
	ck_assert_uint_eq(f[14 + 65], 1);
	ck_assert_mem_eq(f + 14 + 66, mac_us, 6);
	neighbour_in(ICMP6_NA, "fd00::2", "fd00::1", "fd00::2", 0x60, mac_peer);
	ck_assert_mem_eq(wire_must(&w)->bytes, mac_peer, 6);
	ck_assert_uint_eq(state("fd00::2"), NUD_REACHABLE);
}
END_TEST

START_TEST(resolution_fails_after_three)
{
	struct ip_addr dst = a6("fd00::2");

	sk->recverr = true;
	ck_assert_int_eq(udp_put(sk, &dst, 9, "x", 1), 1);
	run_for(&w, 4 * NSEC_PER_SEC);
	for (u32 i = 0; i < 3; i++)
		must(ICMP6_NS);
	ck_assert_ptr_null(next_message(ICMP6_NS));
	ck_assert_int_eq(sk->error, EHOSTUNREACH);
}
END_TEST

START_TEST(solicitation_answered)
{
	const u8 *f;

	neighbour_in(ICMP6_NS, "fd00::2", "ff02::1:ff00:1", "fd00::1", 0, mac_peer);
	f = must(ICMP6_NA);
	ck_assert_mem_eq(f, mac_peer, 6);
	expect_addr(f + 14 + 8, "fd00::1");
	expect_addr(f + 14 + 24, "fd00::2");
	ck_assert_uint_eq(f[14 + 44], 0x60); /* solicited, override */
	ck_assert_uint_eq(f[14 + 64], 2);
	ck_assert_mem_eq(f + 14 + 66, mac_us, 6);
	ck_assert_uint_eq(state("fd00::2"), NUD_DELAY); /* made stale, and used by the answer */
}
END_TEST

START_TEST(solicitation_for_another_ignored)
{
	neighbour_in(ICMP6_NS, "fd00::2", "ff02::1:ff00:1", "fd00:1::1", 0, mac_peer);
	ck_assert_ptr_null(next_message(ICMP6_NA));
}
END_TEST

static void bad_ns(u32 hops, u8 code, const char *src, const char *dst, const char *target, u8 opt_type,
		   u8 opt_len)
{
	u8 m[32] = {ICMP6_NS, code};
	struct ip_addr t = a6(target);

	memcpy(m + 8, t.b, 16);
	m[24] = opt_type;
	m[25] = opt_len;
	memcpy(m + 26, mac_peer, 6);
	icmp6_in(src, dst, hops, m, 32);
	ck_assert_ptr_null(next_message(ICMP6_NA));
	ck_assert_uint_eq(state("fd00::2"), 0);
}

START_TEST(ns_from_afar_ignored)
{
	bad_ns(254, 0, "fd00::2", "ff02::1:ff00:1", "fd00::1", 1, 1);
}
END_TEST
START_TEST(ns_with_code_ignored)
{
	bad_ns(255, 1, "fd00::2", "ff02::1:ff00:1", "fd00::1", 1, 1);
}
END_TEST
START_TEST(ns_for_group_ignored)
{
	bad_ns(255, 0, "fd00::2", "ff02::1:ff00:1", "ff02::1", 1, 1);
}
END_TEST
START_TEST(ns_with_empty_option_ignored)
{
	bad_ns(255, 0, "fd00::2", "ff02::1:ff00:1", "fd00::1", 1, 0);
}
END_TEST
START_TEST(ns_with_long_option_ignored)
{
	bad_ns(255, 0, "fd00::2", "ff02::1:ff00:1", "fd00::1", 1, 2);
}
END_TEST
/* RFC 4861, 7.1.1: a detection's solicitation goes to the solicited-node group and has no link address */
START_TEST(dad_ns_to_unicast_ignored)
{
	bad_ns(255, 0, "::", "fd00::1", "fd00::1", 14, 1);
}
END_TEST
START_TEST(dad_ns_with_link_address_ignored)
{
	bad_ns(255, 0, "::", "ff02::1:ff00:1", "fd00::1", 1, 1);
}
END_TEST

START_TEST(dad_ns_for_ours_is_answered_to_all)
{
	const u8 *f;

	neighbour_in(ICMP6_NS, "::", "ff02::1:ff00:1", "fd00::1", 0, NULL);
	f = must(ICMP6_NA);
	expect_addr(f + 14 + 24, "ff02::1");
	ck_assert_uint_eq(f[14 + 44], 0x20); /* override, not solicited */
}
END_TEST

/* ---- advertisements and states ---- */

static void known(u8 nud)
{
	struct ip_addr a = a6("fd00::2");

	ck_assert_int_eq(neigh_set(w.wn, &a, mac_peer, nud), 0);
}

static const u8 mac_other[6] = {2, 0, 0, 0, 0, 77};

static const struct {
	u8 before, flags;
	bool other_mac; /* says an address that is not the known one */
	u8 after;
	bool changed;
} advert[] = {
    /* RFC 4861, appendix C */
    {NUD_REACHABLE, 0x00, false, NUD_REACHABLE, false}, {NUD_REACHABLE, 0x00, true, NUD_STALE, false},
    {NUD_REACHABLE, 0x20, true, NUD_STALE, true},       {NUD_REACHABLE, 0x60, true, NUD_REACHABLE, true},
    {NUD_REACHABLE, 0x40, true, NUD_STALE, false},      {NUD_STALE, 0x40, false, NUD_REACHABLE, false},
    {NUD_STALE, 0x00, false, NUD_STALE, false},         {NUD_STALE, 0x00, true, NUD_STALE, false},
    {NUD_STALE, 0x20, true, NUD_STALE, true},           {NUD_STALE, 0x60, true, NUD_REACHABLE, true},
    {NUD_PROBE, 0x40, false, NUD_REACHABLE, false},     {NUD_PROBE, 0x60, true, NUD_REACHABLE, true},
    {NUD_PROBE, 0x00, true, NUD_PROBE, false},          {NUD_DELAY, 0x60, false, NUD_REACHABLE, false},
};

START_TEST(advertisement)
{
	struct ip_addr a = a6("fd00::2");

	known(advert[_i].before);
	neighbour_in(ICMP6_NA, "fd00::2", "fd00::1", "fd00::2", advert[_i].flags,
		     advert[_i].other_mac ? mac_other : mac_peer);
	ck_assert_uint_eq(state("fd00::2"), advert[_i].after);
	ck_assert_mem_eq(neigh_find(w.wn, &a)->mac, advert[_i].changed ? mac_other : mac_peer, 6);
}
END_TEST

START_TEST(advertisement_without_option_confirms)
{
	known(NUD_STALE);
	neighbour_in(ICMP6_NA, "fd00::2", "fd00::1", "fd00::2", 0x40, NULL);
	ck_assert_uint_eq(state("fd00::2"), NUD_REACHABLE);
}
END_TEST

START_TEST(advertisement_nobody_asked_for_makes_no_entry)
{
	neighbour_in(ICMP6_NA, "fd00::2", "fd00::1", "fd00::2", 0x60, mac_peer);
	ck_assert_uint_eq(state("fd00::2"), 0);
}
END_TEST

START_TEST(solicited_advertisement_to_a_group_ignored)
{
	known(NUD_STALE);
	neighbour_in(ICMP6_NA, "fd00::2", "ff02::1", "fd00::2", 0x60, mac_other);
	ck_assert_uint_eq(state("fd00::2"), NUD_STALE);
}
END_TEST

/* ---- duplicate detection ---- */

START_TEST(link_local_is_made_and_checked)
{
	const u8 *f;

	bring_up();
	f = must(ICMP6_NS);
	expect_addr(f + 14 + 8, "::");
	expect_addr(f + 14 + 48, US_LL);
	ck_assert_uint_eq(get_be16(f + 14 + 4), 24); /* no link address */
	ck_assert(flags_of(US_LL) & IFA_TENTATIVE);
	run_for(&w, 1100 * MS);
	ck_assert(!(flags_of(US_LL) & IFA_TENTATIVE));
}
END_TEST

START_TEST(tentative_address_is_not_used)
{
	struct ip_addr dst = a6(PEER_LL);
	struct dgram_msg msg;
	struct mem_iter m;

	bring_up();
	mem_in(&m, "x", 1);
	msg = msg_to(&m, &dst, 9);
	msg.oif = w.wn->index;
	ck_assert_int_eq(udp_send(sk, &msg), 1);
	must(ICMP6_NS); /* the detection's */
	expect_addr(must(ICMP6_NS) + 14 + 8, "fd00::1");
}
END_TEST

START_TEST(tentative_address_cannot_be_bound)
{
	struct ip_addr ll = a6(US_LL);

	bring_up();
	ck_assert_int_eq(sock_bind(sk, &ll, 9), -EADDRNOTAVAIL);
	run_for(&w, 1100 * MS);
	ck_assert_int_eq(sock_bind(sk, &ll, 9), 0);
}
END_TEST

START_TEST(dad_sees_another_detection)
{
	bring_up();
	neighbour_in(ICMP6_NS, "::", "ff02::1:ff00:1", US_LL, 0, NULL);
	ck_assert(flags_of(US_LL) & IFA_DADFAILED);
	run_for(&w, 5 * NSEC_PER_SEC);
	ck_assert(flags_of(US_LL) & IFA_DADFAILED);
}
END_TEST

START_TEST(dad_sees_an_owner)
{
	bring_up();
	neighbour_in(ICMP6_NA, US_LL, "ff02::1", US_LL, 0x20, mac_other);
	ck_assert(flags_of(US_LL) & IFA_DADFAILED);
	wire_skip(&w);
	neighbour_in(ICMP6_NS, PEER_LL, "ff02::1:ff00:1", US_LL, 0, mac_peer);
	ck_assert_ptr_null(next_message(ICMP6_NA)); /* it is not ours */
}
END_TEST

START_TEST(someone_resolving_a_tentative_address_is_no_conflict)
{
	bring_up();
	neighbour_in(ICMP6_NS, PEER_LL, "ff02::1:ff00:1", US_LL, 0, mac_peer);
	ck_assert(!(flags_of(US_LL) & IFA_DADFAILED));
	ck_assert_ptr_null(next_message(ICMP6_NA));
}
END_TEST

START_TEST(address_with_nodad_is_used_at_once)
{
	ck_assert(!(flags_of("fd00::1") & IFA_TENTATIVE));
}
END_TEST

/* ---- routers ---- */

START_TEST(three_solicitations)
{
	u64 at[3];

	bring_up();
	run_for(&w, 30 * NSEC_PER_SEC);
	for (u32 i = 0; i < 3; i++) {
		const u8 *f = must(ICMP6_RS);
		at[i] = w.sent[w.taken - 1].at;
		expect_addr(f + 14 + 8, US_LL);
		expect_addr(f + 14 + 24, "ff02::2");
	}
	ck_assert_ptr_null(next_message(ICMP6_RS));
	ck_assert_uint_eq(at[1] - at[0], 4 * NSEC_PER_SEC);
	ck_assert_uint_eq(at[2] - at[1], 4 * NSEC_PER_SEC);
}
END_TEST

START_TEST(solicitations_again_when_the_link_returns)
{
	bring_up();
	run_for(&w, 30 * NSEC_PER_SEC);
	bring_up();
	run_for(&w, 30 * NSEC_PER_SEC);
	for (u32 i = 0; i < 3; i++)
		must(ICMP6_RS);
	ck_assert_ptr_null(next_message(ICMP6_RS));
}
END_TEST

struct ra {
	u32 lifetime, mtu, valid, preferred, len;
	u8 hop, pflags;
	bool no_mac;
	const char *prefix, *src;
	u32 hops;
};

static void ra_in(struct ra r)
{
	u8 m[200] = {ICMP6_RA, 0, 0, 0, r.hop, 0};
	u32 n = 16;

	put_be16(m + 6, r.lifetime);
	if (!r.no_mac) {
		m[n] = m[n + 1] = 1;
		memcpy(m + n + 2, mac_peer, 6);
		n += 8;
	}
	if (r.mtu) {
		m[n] = 5;
		m[n + 1] = 1;
		put_be32(m + n + 4, r.mtu);
		n += 8;
	}
	if (r.prefix) {
		struct ip_addr p = a6(r.prefix);
		m[n] = 3;
		m[n + 1] = 4;
		m[n + 2] = (u8)(r.len ? r.len : 64);
		m[n + 3] = r.pflags;
		put_be32(m + n + 4, r.valid);
		put_be32(m + n + 8, r.preferred);
		memcpy(m + n + 16, p.b, 16);
		n += 32;
	}
	icmp6_in(r.src ? r.src : ROUTER, "ff02::1", r.hops ? r.hops : 255, m, n);
}

static void online(void)
{
	bring_up();
	run_for(&w, 1500 * MS);
	wire_skip(&w);
}

static bool routed(const char *dst, const char *via)
{
	struct ip_addr d = a6(dst), g = a6(via);
	struct net_path path;

	return net_route_lookup(w.w, &d, &IP6_ANY, 0, &path) == 0 && ip_eq(&path.next_hop, &g);
}

START_TEST(router_makes_a_default_route)
{
	online();
	ra_in((struct ra){.lifetime = 1800, .hop = 33});
	ck_assert(routed("2001:db8::1", ROUTER));
	ck_assert_uint_eq(w.wn->hop_limit, 33);
	ck_assert_uint_eq(state(ROUTER), NUD_STALE);
	run_for(&w, 30 * NSEC_PER_SEC);
	ck_assert_ptr_null(next_message(ICMP6_RS)); /* it was heard */
}
END_TEST

START_TEST(router_expires)
{
	online();
	ra_in((struct ra){.lifetime = 100});
	run_for(&w, 99 * NSEC_PER_SEC);
	ck_assert(routed("2001:db8::1", ROUTER));
	run_for(&w, 2 * NSEC_PER_SEC);
	ck_assert(!routed("2001:db8::1", ROUTER));
	for (struct list_head *n = w.w->routes.next; n != &w.w->routes; n = n->next)
		ck_assert_uint_ne(list_entry(n, struct net_route, node)->protocol, RTPROTO_RA);
}
END_TEST

START_TEST(router_that_repeats_itself_stays)
{
	u32 gen;

	online();
	ra_in((struct ra){.lifetime = 100});
	run_for(&w, 60 * NSEC_PER_SEC);
	gen = w.w->route_gen;
	ra_in((struct ra){.lifetime = 100});
	ck_assert_uint_eq(w.w->route_gen, gen); /* paths in use stay valid */
	run_for(&w, 60 * NSEC_PER_SEC);
	ck_assert(routed("2001:db8::1", ROUTER));
}
END_TEST

START_TEST(router_says_goodbye)
{
	online();
	ra_in((struct ra){.lifetime = 100});
	ra_in((struct ra){.lifetime = 0});
	ck_assert(!routed("2001:db8::1", ROUTER));
}
END_TEST

START_TEST(two_routers)
{
	online();
	ra_in((struct ra){.lifetime = 100, .src = "fe80::98"});
	ra_in((struct ra){.lifetime = 100});
	ra_in((struct ra){.lifetime = 0, .src = "fe80::98"});
	ck_assert(routed("2001:db8::1", ROUTER));
}
END_TEST

START_TEST(prefix_makes_an_address)
{
	online();
	ra_in((struct ra){
	    .lifetime = 1800, .prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 7200, .preferred = 3600});
	ck_assert(flags_of("2001:db8:1::ff:fe00:1") & IFA_TENTATIVE);
	run_for(&w, 1100 * MS);
	ck_assert(!(flags_of("2001:db8:1::ff:fe00:1") & (IFA_TENTATIVE | IFA_PERMANENT)));
}
END_TEST

static const struct ra no_address[] = {
    {.prefix = "2001:db8:1::", .pflags = 0x80, .valid = 7200, .preferred = 3600}, /* not autonomous */
    {.prefix = "fe80::", .pflags = 0xc0, .valid = 7200, .preferred = 3600},       /* link-local */
    {.prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 100, .preferred = 200},   /* preferred > valid */
    {.prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 0, .preferred = 0},       /* over already */
    {.prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 7200, .preferred = 36, .len = 63},  /* not 64 bits */
    {.prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 7200, .preferred = 36, .hops = 64}, /* from afar */
    {.prefix = "2001:db8:1::",
     .pflags = 0xc0,
     .valid = 7200,
     .preferred = 36,
     .src = "fd00::9"}, /* not link-local */
};

START_TEST(prefix_makes_no_address)
{
	u32 before = 0, after = 0;

	online();
	for (struct list_head *n = w.wn->addrs.next; n != &w.wn->addrs; n = n->next)
		before++;
	ra_in(no_address[_i]);
	for (struct list_head *n = w.wn->addrs.next; n != &w.wn->addrs; n = n->next)
		after++;
	ck_assert_uint_eq(before, after);
}
END_TEST

START_TEST(address_is_deprecated_then_gone)
{
	online();
	ra_in((struct ra){
	    .lifetime = 0, .prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 8000, .preferred = 100});
	run_for(&w, 99 * NSEC_PER_SEC);
	ck_assert(!(flags_of("2001:db8:1::ff:fe00:1") & IFA_DEPRECATED));
	run_for(&w, 2 * NSEC_PER_SEC);
	ck_assert(flags_of("2001:db8:1::ff:fe00:1") & IFA_DEPRECATED);
	run_for(&w, 7890 * NSEC_PER_SEC);
	ck_assert(has("2001:db8:1::ff:fe00:1"));
	run_for(&w, 20 * NSEC_PER_SEC);
	ck_assert(!has("2001:db8:1::ff:fe00:1"));
}
END_TEST

START_TEST(life_cannot_be_cut_below_two_hours)
{
	online();
	ra_in((struct ra){.prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 100000, .preferred = 100000});
	ra_in((struct ra){.prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 10, .preferred = 0});
	run_for(&w, 7100 * NSEC_PER_SEC);
	ck_assert(has("2001:db8:1::ff:fe00:1"));
	ck_assert(flags_of("2001:db8:1::ff:fe00:1") & IFA_DEPRECATED);
	run_for(&w, 200 * NSEC_PER_SEC);
	ck_assert(!has("2001:db8:1::ff:fe00:1"));
}
END_TEST

START_TEST(infinite_life)
{
	online();
	ra_in((struct ra){
	    .prefix = "2001:db8:1::", .pflags = 0xc0, .valid = 0xffffffff, .preferred = 0xffffffff});
	run_for(&w, 100000 * NSEC_PER_SEC);
	ck_assert(!(flags_of("2001:db8:1::ff:fe00:1") & IFA_DEPRECATED));
}
END_TEST

START_TEST(mtu_is_for_ipv6_only)
{
	struct ip_addr six = a6("fd00::2"), four = ip_v4(IP_B);
	struct net_path path;

	online();
	ra_in((struct ra){.mtu = 1400});
	ck_assert_uint_eq(w.wn->mtu, 1500);
	ck_assert_int_eq(net_route_lookup(w.w, &six, &IP6_ANY, 0, &path), 0);
	ck_assert_uint_eq(path.mtu, 1400);
	ck_assert_int_eq(net_route_lookup(w.w, &four, &IP4_ANY, 0, &path), 0);
	ck_assert_uint_eq(path.mtu, 1500);
}
END_TEST

START_TEST(mtu_out_of_bounds_ignored)
{
	struct ip_addr six = a6("fd00::2");
	struct net_path path;

	online();
	ra_in((struct ra){.mtu = 1279});
	ra_in((struct ra){.mtu = 1501});
	ck_assert_int_eq(net_route_lookup(w.w, &six, &IP6_ANY, 0, &path), 0);
	ck_assert_uint_eq(path.mtu, 1500);
}
END_TEST

START_TEST(addresses_by_routers_are_bounded)
{
	char prefix[40];
	u32 n = 0;

	online();
	for (u32 i = 0; i < 100; i++) {
		snprintf(prefix, sizeof(prefix), "2001:db8:%x::", i + 1);
		wire_skip(&w);
		ra_in((struct ra){.prefix = prefix, .pflags = 0xc0, .valid = 9000, .preferred = 9000});
	}
	wire_skip(&w);
	for (struct list_head *e = w.wn->addrs.next; e != &w.wn->addrs; e = e->next)
		n++;
	ck_assert_uint_le(n, 16);
}
END_TEST

START_TEST(routers_are_bounded)
{
	char src[40];
	u32 n = 0;

	online();
	for (u32 i = 0; i < 100; i++) {
		snprintf(src, sizeof(src), "fe80::1:%x", i + 1);
		ra_in((struct ra){.src = src, .lifetime = 9000});
	}
	for (struct list_head *e = w.w->routes.next; e != &w.w->routes; e = e->next)
		n += list_entry(e, struct net_route, node)->protocol == RTPROTO_RA;
	ck_assert_uint_le(n, 16);
}
END_TEST

TCase *case_ndp(void)
{
	TCase *t = tcase_create("ndp");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, resolution);
	tcase_add_test(t, resolution_fails_after_three);
	tcase_add_test(t, solicitation_answered);
	tcase_add_test(t, solicitation_for_another_ignored);
	tcase_add_test(t, ns_from_afar_ignored);
	tcase_add_test(t, ns_with_code_ignored);
	tcase_add_test(t, ns_for_group_ignored);
	tcase_add_test(t, ns_with_empty_option_ignored);
	tcase_add_test(t, ns_with_long_option_ignored);
	tcase_add_test(t, dad_ns_to_unicast_ignored);
	tcase_add_test(t, dad_ns_with_link_address_ignored);
	tcase_add_test(t, dad_ns_for_ours_is_answered_to_all);
	tcase_add_loop_test(t, advertisement, 0, ARRAY_COUNT(advert));
	tcase_add_test(t, advertisement_without_option_confirms);
	tcase_add_test(t, advertisement_nobody_asked_for_makes_no_entry);
	tcase_add_test(t, solicited_advertisement_to_a_group_ignored);
	tcase_add_test(t, link_local_is_made_and_checked);
	tcase_add_test(t, tentative_address_is_not_used);
	tcase_add_test(t, tentative_address_cannot_be_bound);
	tcase_add_test(t, dad_sees_another_detection);
	tcase_add_test(t, dad_sees_an_owner);
	tcase_add_test(t, someone_resolving_a_tentative_address_is_no_conflict);
	tcase_add_test(t, address_with_nodad_is_used_at_once);
	tcase_add_test(t, three_solicitations);
	tcase_add_test(t, solicitations_again_when_the_link_returns);
	tcase_add_test(t, router_makes_a_default_route);
	tcase_add_test(t, router_expires);
	tcase_add_test(t, router_that_repeats_itself_stays);
	tcase_add_test(t, router_says_goodbye);
	tcase_add_test(t, two_routers);
	tcase_add_test(t, prefix_makes_an_address);
	tcase_add_loop_test(t, prefix_makes_no_address, 0, ARRAY_COUNT(no_address));
	tcase_add_test(t, address_is_deprecated_then_gone);
	tcase_add_test(t, life_cannot_be_cut_below_two_hours);
	tcase_add_test(t, infinite_life);
	tcase_add_test(t, mtu_is_for_ipv6_only);
	tcase_add_test(t, mtu_out_of_bounds_ignored);
	tcase_add_test(t, addresses_by_routers_are_bounded);
	tcase_add_test(t, routers_are_bounded);
	return t;
}

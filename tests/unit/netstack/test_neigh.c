/* test_neigh.c: ARP (RFC 826, 5227) and the states of the neighbour table (RFC 4861, 7.3). */
#include <errno.h>

#include "netstack/net/ip.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct net_sock *sk;
static const u8 mac_zero[6];

static void start(void)
{
	world_wire(&w);
	sk = udp_open(w.w, false);
}

static void stop(void)
{
	dgram_close(sk);
	world_end(&w);
}

static void arp_in(u32 op, const u8 sha[6], u32 spa, const u8 tha[6], u32 tpa, const u8 dst[6])
{
	struct build f;
	u8 *h;

	b_eth(&f, dst, sha, ETH_ARP);
	h = b_add(&f, NULL, 28);
	put_be16(h, 1);
	put_be16(h + 2, ETH_IPV4);
	h[4] = 6;
	h[5] = 4;
	put_be16(h + 6, op);
	memcpy(h + 8, sha, 6);
	put_be32(h + 14, spa);
	memcpy(h + 18, tha, 6);
	put_be32(h + 24, tpa);
	wire_in(&w, f.b, f.size);
}

static void expect_arp(u32 op, const u8 dst[6], u32 spa, const u8 tha[6], u32 tpa)
{
	const struct frame *f = wire_must(&w);
	const u8 *h = f->bytes + 14;

	ck_assert_uint_eq(f->size, 42);
	ck_assert_mem_eq(f->bytes, dst, 6);
	ck_assert_mem_eq(f->bytes + 6, mac_us, 6);
	ck_assert_uint_eq(get_be16(f->bytes + 12), ETH_ARP);
	ck_assert_uint_eq(get_be16(h), 1);
	ck_assert_uint_eq(get_be16(h + 2), ETH_IPV4);
	ck_assert_uint_eq(h[4], 6);
	ck_assert_uint_eq(h[5], 4);
	ck_assert_uint_eq(get_be16(h + 6), op);
	ck_assert_mem_eq(h + 8, mac_us, 6);
	ck_assert_uint_eq(get_be32(h + 14), spa);
	ck_assert_mem_eq(h + 18, tha, 6);
	ck_assert_uint_eq(get_be32(h + 24), tpa);
}

/* A UDP datagram went to this link address. */
static void expect_udp_to(const u8 mac[6])
{
	const struct frame *f = wire_must(&w);

	ck_assert_mem_eq(f->bytes, mac, 6);
	ck_assert_uint_eq(get_be16(f->bytes + 12), ETH_IPV4);
	ck_assert_uint_eq(f->bytes[14 + 9], PROTO_UDP);
}

static void say(void)
{
	struct ip_addr dst = ip_v4(IP_B);

	ck_assert_int_eq(udp_put(sk, &dst, 9, "x", 1), 1);
}

static u8 state(void)
{
	struct ip_addr a = ip_v4(IP_B);
	struct net_neigh *n = neigh_find(w.wn, &a);

	return n ? n->state : 0;
}

static void reply(void)
{
	arp_in(ARP_REPLY, mac_peer, IP_B, mac_us, IP_A, mac_us);
}

START_TEST(arp_request_answered)
{
	arp_in(ARP_REQUEST, mac_peer, IP_B, mac_zero, IP_A, mac_all);
	expect_arp(ARP_REPLY, mac_peer, IP_A, mac_peer, IP_B);
	wire_quiet(&w);
	ck_assert_uint_eq(state(), NUD_STALE); /* the asker is remembered */
}
END_TEST

START_TEST(arp_request_for_another_ignored)
{
	arp_in(ARP_REQUEST, mac_peer, IP_B, mac_zero, 0x0a000063, mac_all);
	wire_quiet(&w);
	ck_assert_uint_eq(state(), 0);
}
END_TEST

START_TEST(arp_probe_answered_without_an_entry)
{
	struct ip_addr any = IP4_ANY;

	arp_in(ARP_REQUEST, mac_peer, 0, mac_zero, IP_A, mac_all);
	expect_arp(ARP_REPLY, mac_peer, IP_A, mac_peer, 0);
	ck_assert_ptr_null(neigh_find(w.wn, &any));
}
END_TEST

START_TEST(arp_announced_on_new_address)
{
	ck_assert_int_eq(netif_addr_add(w.wn, a4("10.0.0.9"), 24, IFA_PERMANENT), 0);
	expect_arp(ARP_REQUEST, mac_all, 0x0a000009, mac_zero, 0x0a000009);
	wire_quiet(&w);
}
END_TEST

START_TEST(arp_resolves_and_sends_waiting)
{
	say();
	expect_arp(ARP_REQUEST, mac_all, IP_A, mac_zero, IP_B);
	say();
	wire_quiet(&w);
	ck_assert_uint_eq(state(), NUD_INCOMPLETE);
	reply();
	expect_udp_to(mac_peer);
	expect_udp_to(mac_peer);
	wire_quiet(&w);
	ck_assert_uint_eq(state(), NUD_REACHABLE);
	say();
	expect_udp_to(mac_peer);
}
END_TEST

START_TEST(arp_asks_three_times_then_unreachable)
{
	struct ip_addr dst = ip_v4(IP_B);
	u64 begin = w.now;

	ck_assert_int_eq(dgram_connect(sk, &dst, 9), 0);
	ck_assert_int_eq(udp_put(sk, NULL, 0, "x", 1), 1);
	run_for(&w, 10 * NSEC_PER_SEC);
	for (u32 i = 0; i < 3; i++) {
		ck_assert_uint_eq(w.sent[i].at, begin + i * NSEC_PER_SEC);
		expect_arp(ARP_REQUEST, mac_all, IP_A, mac_zero, IP_B);
	}
	wire_quiet(&w);
	/* a host unreachable from ourselves; not hard, so it is told only to those who want errors */
	ck_assert_uint_eq(state(), 0);
	ck_assert_int_eq(udp_put(sk, NULL, 0, "x", 1), 1);
	expect_arp(ARP_REQUEST, mac_all, IP_A, mac_zero, IP_B);
}
END_TEST

START_TEST(arp_failure_tells_recverr)
{
	struct ip_addr dst = ip_v4(IP_B);
	struct sock_error *e;

	sk->recverr = true;
	ck_assert_int_eq(udp_put(sk, &dst, 9, "x", 1), 1);
	run_for(&w, 4 * NSEC_PER_SEC);
	ck_assert_int_eq(sk->error, EHOSTUNREACH);
	e = sock_next_error(sk);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->error, EHOSTUNREACH);
	ck_assert_uint_eq(e->type, ICMP_UNREACH);
	ck_assert_uint_eq(e->code, ICMP_UNREACH_HOST);
	sock_error_free(w.w, e);
}
END_TEST

START_TEST(arp_queue_keeps_the_newest)
{
	for (u32 i = 0; i < 70; i++) {
		struct ip_addr dst = ip_v4(IP_B);
		u8 b = (u8)i;
		ck_assert_int_eq(udp_put(sk, &dst, 9, &b, 1), 1);
	}
	wire_skip(&w);
	reply();
	ck_assert_uint_eq(w.sent_count, 64);
	ck_assert_uint_eq(w.sent[0].bytes[14 + 28], 6);
	ck_assert_uint_eq(w.sent[63].bytes[14 + 28], 69);
}
END_TEST

START_TEST(reachable_turns_stale_after_half_a_minute)
{
	say();
	reply();
	run_for(&w, 29 * NSEC_PER_SEC);
	ck_assert_uint_eq(state(), NUD_REACHABLE);
	run_for(&w, 2 * NSEC_PER_SEC);
	ck_assert_uint_eq(state(), NUD_STALE);
}
END_TEST

START_TEST(stale_is_used_then_probed_directly)
{
	say();
	reply();
	run_for(&w, 31 * NSEC_PER_SEC);
	wire_skip(&w);
	say();
	expect_udp_to(mac_peer);
	ck_assert_uint_eq(state(), NUD_DELAY);
	wire_quiet(&w);
	run_for(&w, 5 * NSEC_PER_SEC);
	expect_arp(ARP_REQUEST, mac_peer, IP_A, mac_zero, IP_B);
	ck_assert_uint_eq(state(), NUD_PROBE);
	reply();
	ck_assert_uint_eq(state(), NUD_REACHABLE);
}
END_TEST

START_TEST(probe_without_answer_fails)
{
	say();
	reply();
	run_for(&w, 31 * NSEC_PER_SEC);
	say();
	wire_skip(&w);
	run_for(&w, 9 * NSEC_PER_SEC);
	for (u32 i = 0; i < 3; i++)
		expect_arp(ARP_REQUEST, mac_peer, IP_A, mac_zero, IP_B);
	wire_quiet(&w);
	ck_assert_uint_eq(state(), NUD_FAILED);
	say(); /* asks everybody again */
	expect_arp(ARP_REQUEST, mac_all, IP_A, mac_zero, IP_B);
}
END_TEST

START_TEST(progress_above_confirms)
{
	struct ip_addr a = ip_v4(IP_B);

	say();
	reply();
	run_for(&w, 31 * NSEC_PER_SEC);
	say();
	wire_skip(&w);
	run_for(&w, 2 * NSEC_PER_SEC);
	neigh_confirm(w.wn, &a);
	run_for(&w, 4 * NSEC_PER_SEC);
	wire_quiet(&w);
	ck_assert_uint_eq(state(), NUD_REACHABLE);
}
END_TEST

START_TEST(gratuitous_reply_makes_no_entry)
{
	arp_in(ARP_REPLY, mac_peer, IP_B, mac_all, IP_B, mac_all);
	ck_assert_uint_eq(state(), 0);
	wire_quiet(&w);
}
END_TEST

START_TEST(gratuitous_request_updates_an_entry)
{
	static const u8 other[6] = {2, 0, 0, 0, 0, 77};

	say();
	reply();
	wire_skip(&w);
	arp_in(ARP_REQUEST, other, IP_B, mac_zero, IP_B, mac_all);
	ck_assert_uint_eq(state(), NUD_STALE);
	say();
	expect_udp_to(other);
}
END_TEST

START_TEST(permanent_is_not_changed)
{
	static const u8 other[6] = {2, 0, 0, 0, 0, 77};

	know_peer(&w);
	arp_in(ARP_REPLY, other, IP_B, mac_us, IP_A, mac_us);
	run_for(&w, 100 * NSEC_PER_SEC);
	say();
	expect_udp_to(mac_peer);
	ck_assert_uint_eq(state(), NUD_PERMANENT);
}
END_TEST

static const struct {
	u32 off;
	u8 value;
} bad_arp[] = {
    {1, 6},          /* hardware */
    {3, 1},          /* protocol */
    {4, 8}, {5, 16}, /* sizes */
    {7, 3}, {7, 0},  /* operation: RARP, none */
    {8, 3},          /* a group's sender address */
};

START_TEST(bad_arp_ignored)
{
	struct build f;
	u8 *h;

	b_eth(&f, mac_all, mac_peer, ETH_ARP);
	h = b_add(&f, NULL, 28);
	put_be16(h, 1);
	put_be16(h + 2, ETH_IPV4);
	h[4] = 6;
	h[5] = 4;
	put_be16(h + 6, ARP_REQUEST);
	memcpy(h + 8, mac_peer, 6);
	put_be32(h + 14, IP_B);
	put_be32(h + 24, IP_A);
	h[bad_arp[_i].off] = bad_arp[_i].value;
	wire_in(&w, f.b, f.size);
	ck_assert_uint_eq(state(), 0);
	if (bad_arp[_i].off != 8)
		wire_quiet(&w);
}
END_TEST

START_TEST(short_arp_ignored)
{
	u8 f[41] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1};

	for (u32 n = 0; n <= sizeof(f); n++)
		wire_in(&w, f, n);
	wire_quiet(&w);
}
END_TEST

START_TEST(loopback_and_group_senders_ignored)
{
	arp_in(ARP_REQUEST, mac_peer, 0x7f000001, mac_zero, IP_A, mac_all);
	arp_in(ARP_REQUEST, mac_peer, 0xe0000001, mac_zero, IP_A, mac_all);
	arp_in(ARP_REQUEST, mac_peer, IP_B, mac_zero, 0x7f000001, mac_all);
	arp_in(ARP_REQUEST, mac_peer, IP_A, mac_zero, IP_A, mac_all); /* our own address */
	wire_quiet(&w);
}
END_TEST

START_TEST(link_down_forgets_neighbours)
{
	say();
	reply();
	wire_skip(&w);
	ck_assert_int_eq(netif_set_up(w.wn, false), 0);
	ck_assert_uint_eq(state(), 0);
	ck_assert_int_eq(netif_set_up(w.wn, true), 0);
	wire_skip(&w);
	say();
	expect_arp(ARP_REQUEST, mac_all, IP_A, mac_zero, IP_B);
}
END_TEST

START_TEST(table_is_bounded)
{
	for (u32 i = 0; i < 3000; i++) {
		struct ip_addr dst = ip_v4(0x0a000000 | (3 + i % 250));
		struct ip_addr far = ip_v4(0x0a100000 + i);
		w.now += MS;
		wire_skip(&w);
		ck_assert_int_eq(udp_put(sk, &dst, 9, "x", 1), 1);
		ck_assert_int_eq(neigh_set(w.wn, &far, mac_peer, NUD_REACHABLE), 0);
		ck_assert_uint_le(w.w->neigh_count, 1024);
	}
	wire_skip(&w);
}
END_TEST

START_TEST(entries_set_and_deleted_by_hand)
{
	struct ip_addr a = ip_v4(IP_B);

	ck_assert_int_eq(neigh_del(w.wn, &a), -ENOENT);
	say();
	wire_skip(&w);
	ck_assert_int_eq(neigh_set(w.wn, &a, mac_peer, NUD_PERMANENT), 0);
	expect_udp_to(mac_peer); /* what waited */
	ck_assert_int_eq(neigh_del(w.wn, &a), 0);
	ck_assert_uint_eq(state(), 0);
}
END_TEST

START_TEST(frames_for_others_ignored)
{
	static const u8 other[6] = {2, 0, 0, 0, 0, 77};

	arp_in(ARP_REQUEST, mac_peer, IP_B, mac_zero, IP_A, other);
	wire_quiet(&w);
}
END_TEST

START_TEST(neighbour_without_memory)
{
	struct ip_addr dst = ip_v4(IP_B);

	for (s64 i = 0; i < 6; i++) {
		s64 r;
		w.fail_after = i;
		r = udp_put(sk, &dst, 9, "x", 1);
		w.fail_after = -1;
		ck_assert(r == 1 || r == -ENOBUFS);
	}
	wire_skip(&w);
}
END_TEST

TCase *case_neigh(void)
{
	TCase *t = tcase_create("neigh");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, arp_request_answered);
	tcase_add_test(t, arp_request_for_another_ignored);
	tcase_add_test(t, arp_probe_answered_without_an_entry);
	tcase_add_test(t, arp_announced_on_new_address);
	tcase_add_test(t, arp_resolves_and_sends_waiting);
	tcase_add_test(t, arp_asks_three_times_then_unreachable);
	tcase_add_test(t, arp_failure_tells_recverr);
	tcase_add_test(t, arp_queue_keeps_the_newest);
	tcase_add_test(t, reachable_turns_stale_after_half_a_minute);
	tcase_add_test(t, stale_is_used_then_probed_directly);
	tcase_add_test(t, probe_without_answer_fails);
	tcase_add_test(t, progress_above_confirms);
	tcase_add_test(t, gratuitous_reply_makes_no_entry);
	tcase_add_test(t, gratuitous_request_updates_an_entry);
	tcase_add_test(t, permanent_is_not_changed);
	tcase_add_loop_test(t, bad_arp_ignored, 0, ARRAY_COUNT(bad_arp));
	tcase_add_test(t, short_arp_ignored);
	tcase_add_test(t, loopback_and_group_senders_ignored);
	tcase_add_test(t, link_down_forgets_neighbours);
	tcase_add_test(t, table_is_bounded);
	tcase_add_test(t, entries_set_and_deleted_by_hand);
	tcase_add_test(t, frames_for_others_ignored);
	tcase_add_test(t, neighbour_without_memory);
	return t;
}

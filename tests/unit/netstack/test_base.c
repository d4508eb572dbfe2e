/* test_base.c: timers, hash tables, the queue of stream bytes, the life of instances and interfaces. */
#include <errno.h>
#include <stdlib.h>

#include "netstack/net/ip.h"
#include "netstack/transport/datq.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;

static void start(void)
{
	world_init(&w);
	w.a = world_stack(&w, 0);
}

static void stop(void)
{
	world_end(&w);
}

/* ---- timers ---- */

#define TIMERS 200
struct alarm {
	struct net_timer t;
	u64 fired_at;
	u32 fired;
};
static struct alarm alarms[TIMERS];
static u32 order;

static void ring(struct net_timer *t)
{
	struct alarm *a = container_of(t, struct alarm, t);

	a->fired_at = w.a->now;
	a->fired = ++order;
}

static void alarms_init(void)
{
	memset(alarms, 0, sizeof(alarms));
	order = 0;
	for (u32 i = 0; i < TIMERS; i++)
		net_timer_init(&alarms[i].t, w.a, ring);
}

static void alarms_done(void)
{
	for (u32 i = 0; i < TIMERS; i++)
		net_timer_done(&alarms[i].t);
}

START_TEST(timers_fire_in_order)
{
	u64 begin = w.now;

	alarms_init();
	for (u32 i = 0; i < TIMERS; i++)
		net_timer_arm(&alarms[i].t, begin + (u64)((i * 7919) % TIMERS + 1) * MS);
	netstack_run(w.a);
	run_for(&w, NSEC_PER_SEC);
	for (u32 i = 0; i < TIMERS; i++) {
		ck_assert_uint_eq(alarms[i].fired, (i * 7919) % TIMERS + 1);
		ck_assert_uint_eq(alarms[i].fired_at, begin + alarms[i].fired * MS);
	}
	alarms_done();
}
END_TEST

START_TEST(timer_pushed_back_fires_once_late)
{
	u64 begin = w.now;

	alarms_init();
	net_timer_arm(&alarms[0].t, begin + 10 * MS);
	net_timer_arm(&alarms[0].t, begin + 30 * MS);
	netstack_run(w.a);
	run_for(&w, 20 * MS);
	ck_assert_uint_eq(alarms[0].fired, 0);
	run_for(&w, 20 * MS);
	ck_assert_uint_eq(alarms[0].fired_at, begin + 30 * MS);
	alarms_done();
}
END_TEST

START_TEST(timer_pulled_forward)
{
	u64 begin = w.now;

	alarms_init();
	net_timer_arm(&alarms[0].t, begin + 30 * MS);
	net_timer_arm(&alarms[0].t, begin + 10 * MS);
	netstack_run(w.a);
	run_for(&w, 50 * MS);
	ck_assert_uint_eq(alarms[0].fired_at, begin + 10 * MS);
	ck_assert_uint_eq(order, 1);
	alarms_done();
}
END_TEST

START_TEST(timer_cancelled_does_not_fire)
{
	alarms_init();
	net_timer_arm(&alarms[0].t, w.now + 10 * MS);
	ck_assert(net_timer_armed(&alarms[0].t));
	net_timer_cancel(&alarms[0].t);
	ck_assert(!net_timer_armed(&alarms[0].t));
	netstack_run(w.a);
	run_for(&w, 50 * MS);
	ck_assert_uint_eq(order, 0);
	alarms_done();
}
END_TEST

START_TEST(timer_cancelled_and_armed_again)
{
	u64 begin = w.now;

	alarms_init();
	net_timer_arm(&alarms[0].t, begin + 10 * MS);
	net_timer_cancel(&alarms[0].t);
	net_timer_arm(&alarms[0].t, begin + 20 * MS);
	netstack_run(w.a);
	run_for(&w, 50 * MS);
	ck_assert_uint_eq(alarms[0].fired_at, begin + 20 * MS);
	alarms_done();
}
END_TEST

START_TEST(timer_done_in_the_middle_of_the_heap)
{
	alarms_init();
	for (u32 i = 0; i < TIMERS; i++)
		net_timer_arm(&alarms[i].t, w.now + (u64)((i * 31) % TIMERS) * MS + MS);
	for (u32 i = 0; i < TIMERS; i += 3)
		net_timer_done(&alarms[i].t);
	netstack_run(w.a);
	run_for(&w, NSEC_PER_SEC);
	for (u32 i = 0; i < TIMERS; i++)
		ck_assert_int_eq(alarms[i].fired != 0, i % 3 != 0);
	alarms_done();
}
END_TEST

/* Arming cannot fail: without memory for the heap the timer fires all the same. */
START_TEST(timer_without_memory)
{
	u64 begin = w.now;

	alarms_init();
	w.fail_after = 0;
	for (u32 i = 0; i < TIMERS; i++)
		net_timer_arm(&alarms[i].t, begin + (u64)(i + 1) * MS);
	netstack_run(w.a);
	run_for(&w, 100 * MS);
	net_timer_done(&alarms[150].t);
	net_timer_arm(&alarms[151].t, begin + 500 * MS);
	run_for(&w, NSEC_PER_SEC);
	w.fail_after = -1;
	for (u32 i = 0; i < TIMERS; i++) {
		u64 at = i == 150 ? 0 : i == 151 ? begin + 500 * MS : begin + (u64)(i + 1) * MS;
		ck_assert_uint_eq(alarms[i].fired_at, at);
	}
	alarms_done();
}
END_TEST

START_TEST(environment_is_told_of_the_next_deadline)
{
	alarms_init();
	netstack_run(w.a);
	ck_assert_uint_eq(w.deadline[0], TIME_NEVER);
	net_timer_arm(&alarms[0].t, w.now + 10 * MS);
	netstack_run(w.a);
	ck_assert_uint_eq(w.deadline[0], w.now + 10 * MS);
	net_timer_arm(&alarms[1].t, w.now + 5 * MS);
	netstack_run(w.a);
	ck_assert_uint_eq(w.deadline[0], w.now + 5 * MS);
	alarms_done();
}
END_TEST

/* ---- hashes ---- */

START_TEST(siphash_reference)
{
	/* the test vector of the paper: key 00..0f, message 00..0e */
	u8 m[15];
	u64 keep[2] = {w.a->secret[0], w.a->secret[1]};

	for (u32 i = 0; i < 15; i++)
		m[i] = (u8)i;
	w.a->secret[0] = 0x0706050403020100ULL;
	w.a->secret[1] = 0x0f0e0d0c0b0a0908ULL;
	ck_assert_uint_eq(net_siphash(w.a, m, 15), 0xa129ca6149be45e5ULL);
	ck_assert_uint_eq(net_siphash(w.a, m, 0), 0x726fdb47dd0e0e31ULL);
	w.a->secret[0] = keep[0];
	w.a->secret[1] = keep[1];
}
END_TEST

START_TEST(hash_grows_and_finds)
{
	static struct net_hnode nodes[1000];
	struct net_hash h;
	u32 found;

	memset(nodes, 0, sizeof(nodes));
	ck_assert_int_eq(net_hash_init(w.a, &h, 16), 0);
	for (u32 i = 0; i < 1000; i++)
		net_hash_add(w.a, &h, &nodes[i], i * 0x9e3779b1U);
	ck_assert_uint_gt(h.mask, 255);
	for (u32 i = 0; i < 1000; i += 2)
		net_hash_del(&h, &nodes[i]);
	net_hash_del(&h, &nodes[0]); /* twice is harmless */
	ck_assert_uint_eq(h.count, 500);
	for (u32 i = 0; i < 1000; i++) {
		found = 0;
		for (struct net_hnode *n = net_hash_first(&h, i * 0x9e3779b1U); n; n = n->next)
			found += n == &nodes[i];
		ck_assert_uint_eq(found, i % 2);
	}
	net_hash_done(w.a, &h);
}
END_TEST

START_TEST(hash_without_memory_gets_longer_chains)
{
	static struct net_hnode nodes[100];
	struct net_hash h;
	u32 n = 0;

	memset(nodes, 0, sizeof(nodes));
	ck_assert_int_eq(net_hash_init(w.a, &h, 16), 0);
	w.fail_after = 0;
	for (u32 i = 0; i < 100; i++)
		net_hash_add(w.a, &h, &nodes[i], i);
	w.fail_after = -1;
	for (u32 i = 0; i < 16; i++)
		for (struct net_hnode *e = net_hash_first(&h, i); e; e = e->next)
			n++;
	ck_assert_uint_eq(n, 100);
	net_hash_done(w.a, &h);
}
END_TEST

/* ---- datq ---- */

static void push(struct datq *q, const char *s)
{
	struct pkt *p = pkt_from(w.a, s, (u32)strlen(s));

	ck_assert_int_eq(datq_push_pkt(w.a, q, p, 0, p->size), 0);
	pkt_free(p);
}

static void expect_q(struct datq *q, u32 off, const char *s)
{
	struct pkt *p = pkt_new(w.a);
	char buf[8192];
	u32 n = (u32)strlen(s);

	ck_assert_uint_eq(datq_to_pkt(q, off, n, p), n);
	ck_assert_uint_eq(pkt_copy(p, 0, buf, sizeof(buf)), n);
	ck_assert_mem_eq(buf, s, n);
	pkt_free(p);
}

START_TEST(datq_small_pieces_are_gathered)
{
	struct datq q = {0};

	push(&q, "abc");
	push(&q, "def");
	push(&q, "ghi");
	ck_assert_uint_eq(q.size, 9);
	ck_assert_uint_eq(q.count, 1);
	expect_q(&q, 0, "abcdefghi");
	expect_q(&q, 4, "efg");
	datq_clear(w.a, &q);
}
END_TEST

/* A random walk of pushes, pops and looks against a plain array. */
START_TEST(datq_against_a_plain_array)
{
	static u8 model[200000];
	u32 head = 0, tail = 0, seed = 7;
	struct datq q = {0};
	u8 buf[4096], got[4096];

	for (u32 step = 0; step < 3000; step++) {
		u32 n, off;
		seed = seed * 1103515245 + 12345;
		n = (seed >> 8) % ((seed >> 4) % 4 ? 60 : 3000) + 1;
		if ((seed >> 20) % 3 && tail + n < sizeof(model)) {
			struct pkt *p;
			for (u32 i = 0; i < n; i++)
				model[tail + i] = buf[i] = (u8)(seed >> (i % 24));
			p = pkt_from(w.a, buf, n);
			ck_assert_int_eq(datq_push_pkt(w.a, &q, p, 0, n), 0);
			pkt_free(p);
			tail += n;
		} else if (tail > head) {
			n = n % (tail - head) + 1;
			datq_pop(w.a, &q, n);
			head += n;
		}
		ck_assert_uint_eq(q.size, tail - head);
		if (tail - head > 1) {
			struct pkt *p = pkt_new(w.a);
			u32 k;
			off = (seed >> 3) % (tail - head);
			k = datq_to_pkt(&q, off, min_t(u32, tail - head - off, 3000), p);
			ck_assert_uint_gt(k, 0);
			pkt_copy(p, 0, got, k);
			ck_assert_mem_eq(got, model + head + off, k);
			pkt_free(p);
		}
	}
	datq_clear(w.a, &q);
}
END_TEST

/* ---- instances and interfaces ---- */

START_TEST(instance_without_memory)
{
	struct net_env env = w.a->env;
	struct netstack *ns;
	u64 before = w.blocks;

	for (s64 i = 0; i < 6; i++) {
		int err;
		w.fail_after = i;
		err = netstack_new(&env, &ns);
		w.fail_after = -1;
		if (!err) {
			netstack_free(ns);
			ck_assert_int_gt(i, 3);
			break;
		}
		ck_assert_int_eq(err, -ENOMEM);
		ck_assert_uint_eq(w.blocks, before);
	}
}
END_TEST

START_TEST(new_instance_has_loopback_down)
{
	struct netstack *ns;
	struct ip_addr lo = a4("127.0.0.1");

	ck_assert_int_eq(netstack_new(&w.a->env, &ns), 0);
	ck_assert_str_eq(ns->lo->name, "lo");
	ck_assert_uint_eq(ns->lo->index, 1);
	ck_assert_uint_eq(ns->lo->flags, NETIF_LOOPBACK);
	ck_assert_ptr_null(net_local_addr(ns, &lo));
	ck_assert_int_eq(netif_set_up(ns->lo, true), 0);
	ck_assert_ptr_nonnull(net_local_addr(ns, &lo));
	lo = a4("127.3.2.1");
	ck_assert_ptr_nonnull(net_local_addr(ns, &lo));
	netstack_free(ns);
}
END_TEST

static int no_send(struct netif *nif, struct pkt *p)
{
	(void)nif;
	pkt_free(p);
	return 0;
}

static int add(const char *name)
{
	static const struct netif_ops ops = {.send = no_send};
	struct netif_config c = {.name = name, .ops = &ops, .mtu = 1500};
	struct netif *nif;

	return netif_add(w.a, &c, &nif);
}

START_TEST(interface_names)
{
	ck_assert_int_eq(add(""), -EINVAL);
	ck_assert_int_eq(add("0123456789abcdef"), -EINVAL);
	ck_assert_int_eq(add("0123456789abcde"), 0);
	ck_assert_int_eq(add("lo"), -EEXIST);
	ck_assert_int_eq(add("tun0"), 0);
	ck_assert_int_eq(add("tun0"), -EEXIST);
	ck_assert_uint_eq(netif_by_name(w.a, "tun0")->index, 3);
	ck_assert_ptr_eq(netif_by_index(w.a, 3), netif_by_name(w.a, "tun0"));
	netif_remove(netif_by_name(w.a, "tun0"));
	ck_assert_int_eq(add("tun0"), 0);
	ck_assert_uint_eq(netif_by_name(w.a, "tun0")->index, 4);
}
END_TEST

START_TEST(interface_mtu_bounds)
{
	ck_assert_int_eq(add("tun0"), 0);
	ck_assert_int_eq(netif_set_mtu(netif_by_name(w.a, "tun0"), 67), -EINVAL);
	ck_assert_int_eq(netif_set_mtu(netif_by_name(w.a, "tun0"), 68), 0);
	ck_assert_int_eq(netif_set_mtu(netif_by_name(w.a, "tun0"), 65537), -EINVAL);
}
END_TEST

START_TEST(interface_list)
{
	struct netif *n;
	u32 count = 0;

	ck_assert_int_eq(add("tun0"), 0);
	ck_assert_int_eq(add("tun1"), 0);
	for (n = netif_next(w.a, NULL); n; n = netif_next(w.a, n))
		count++;
	ck_assert_uint_eq(count, 3);
}
END_TEST

static const struct {
	const char *addr;
	u32 len;
	int err;
} addrs[] = {
    {"10.0.0.1", 24, 0},        {"10.0.0.1", 33, -EINVAL}, {"10.0.0.1", 32, 0},
    {"224.0.0.1", 24, -EINVAL}, {"0.0.0.0", 0, -EINVAL},   {"fd00::1", 128, 0},
    {"fd00::1", 129, -EINVAL},  {"ff02::1", 64, -EINVAL},  {"::", 0, -EINVAL},
};

START_TEST(address_add)
{
	const char *t = addrs[_i].addr;
	struct ip_addr a = strchr(t, ':') ? a6(t) : a4(t);
	struct netif *n;

	ck_assert_int_eq(add("tun0"), 0);
	n = netif_by_name(w.a, "tun0");
	ck_assert_int_eq(netif_addr_add(n, a, addrs[_i].len, IFA_PERMANENT), addrs[_i].err);
	if (addrs[_i].err)
		return;
	ck_assert_int_eq(netif_addr_add(n, a, addrs[_i].len, IFA_PERMANENT), -EEXIST);
	ck_assert_int_eq(netif_addr_del(n, a, addrs[_i].len - 1), -EADDRNOTAVAIL);
	ck_assert_int_eq(netif_addr_del(n, a, addrs[_i].len), 0);
	ck_assert_int_eq(netif_addr_del(n, a, addrs[_i].len), -EADDRNOTAVAIL);
}
END_TEST

TCase *case_base(void)
{
	TCase *t = tcase_create("base");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, timers_fire_in_order);
	tcase_add_test(t, timer_pushed_back_fires_once_late);
	tcase_add_test(t, timer_pulled_forward);
	tcase_add_test(t, timer_cancelled_does_not_fire);
	tcase_add_test(t, timer_cancelled_and_armed_again);
	tcase_add_test(t, timer_done_in_the_middle_of_the_heap);
	tcase_add_test(t, timer_without_memory);
	tcase_add_test(t, environment_is_told_of_the_next_deadline);
	tcase_add_test(t, siphash_reference);
	tcase_add_test(t, hash_grows_and_finds);
	tcase_add_test(t, hash_without_memory_gets_longer_chains);
	tcase_add_test(t, datq_small_pieces_are_gathered);
	tcase_add_test(t, datq_against_a_plain_array);
	tcase_add_test(t, instance_without_memory);
	tcase_add_test(t, new_instance_has_loopback_down);
	tcase_add_test(t, interface_names);
	tcase_add_test(t, interface_mtu_bounds);
	tcase_add_test(t, interface_list);
	tcase_add_loop_test(t, address_add, 0, ARRAY_COUNT(addrs));
	return t;
}

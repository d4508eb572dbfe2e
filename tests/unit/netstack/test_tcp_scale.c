/*
 * test_tcp_scale.c - many connections, what one costs, peers that never read, and no memory: all is given
 * back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/netstack/tcp_case.h"
#include "tests/unit/netstack/tcp_flow.h"

#define IDLE_MOST 4096U

struct pair {
	struct net_sock *client, *server;
};

static struct net_sock *listen_on(struct netstack *ns, u16 port, int backlog)
{
	struct ip_addr any = IP4_ANY;
	struct net_sock *l = NULL;

	ck_assert_int_eq(tcp_new(ns, false, &l), 0);
	l->ep.reuseaddr = true;
	ck_assert_int_eq(sock_bind(l, &any, port), 0);
	ck_assert_int_eq(tcp_listen(l, backlog), 0);
	return l;
}

static void open_pairs(struct world *w, struct netstack *from, struct net_sock *l, const char *to, u16 port,
		       struct pair *p, u32 count)
{
	struct ip_addr addr = a4(to);

	for (u32 i = 0; i < count; i++) {
		int err;
		ck_assert_int_eq(tcp_new(from, false, &p[i].client), 0);
		err = tcp_connect(p[i].client, &addr, port);
		ck_assert_msg(err == 0 || err == -EINPROGRESS, "connect %u: %d", i, err);
		for (u32 k = 0; k < 100 && tcp_accept(l, &p[i].server); k++)
			run_for(w, 100000);
		ck_assert_ptr_nonnull(p[i].server);
	}
}

static s64 write_bytes(struct net_sock *sk, u32 n)
{
	u8 b[1000];
	struct mem_iter m;

	pattern_fill(b, 0, n);
	mem_in(&m, b, n);
	return tcp_send(sk, &m.it, 0);
}

static s64 read_bytes(struct net_sock *sk, u32 n)
{
	u8 b[1000];
	struct mem_iter m;
	s64 got;

	tt_iter(&m, b, n);
	got = tcp_receive(sk, &m.it, false, 0);
	if (got > 0)
		ck_assert(pattern_is(b, 0, (u32)got));
	return got;
}

static void close_pairs(struct pair *p, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		tcp_close(p[i].client, false);
		tcp_close(p[i].server, false);
	}
}

START_TEST(idle_connection_costs_less_than_4_kib)
{
	enum { COUNT = 1000 };
	struct pair *p = calloc(COUNT, sizeof(*p));
	struct world w;
	struct net_sock *l;
	u64 before, each;

	world_init(&w);
	w.a = world_stack(&w, 0);
	l = listen_on(w.a, 80, 100);
	before = w.bytes;
	open_pairs(&w, w.a, l, "127.0.0.1", 80, p, COUNT);
	for (u32 i = 0; i < COUNT; i++) {
		ck_assert_int_eq(write_bytes(p[i].client, 200), 200);
		ck_assert_int_eq(read_bytes(p[i].server, 1000), 200);
		ck_assert_int_eq(write_bytes(p[i].server, 300), 300);
		ck_assert_int_eq(read_bytes(p[i].client, 1000), 300);
	}
	run_for(&w, NSEC_PER_SEC);
	each = (w.bytes - before) / (2 * COUNT);
	if (getenv("WARREN_REPORT"))
		printf("idle connection: %llu bytes\n", (unsigned long long)each);
	ck_assert_msg(each <= IDLE_MOST, "%llu bytes", (unsigned long long)each);
	close_pairs(p, COUNT);
	tcp_close(l, false);
	flow_drained(&w);
	world_end(&w);
	free(p);
}
END_TEST

START_TEST(ten_thousand_connections_echo)
{
	enum { COUNT = 10000 };
	struct pair *p = calloc(COUNT, sizeof(*p));
	struct world w;
	struct net_sock *l;

	world_pair(&w);
	w.cable.side[0].delay_ns = w.cable.side[1].delay_ns = 10000;
	l = listen_on(w.b, 80, 100);
	open_pairs(&w, w.a, l, "10.0.0.2", 80, p, COUNT);
	ck_assert_int_eq(w.a->mib[MIB_TcpCurrEstab], COUNT);
	for (u32 i = 0; i < COUNT; i++)
		ck_assert_int_eq(write_bytes(p[i].client, 100), 100);
	run_for(&w, 10 * MS);
	for (u32 i = 0; i < COUNT; i++) {
		ck_assert_int_eq(read_bytes(p[i].server, 1000), 100);
		ck_assert_int_eq(write_bytes(p[i].server, 100), 100);
	}
	run_for(&w, 10 * MS);
	for (u32 i = 0; i < COUNT; i++)
		ck_assert_int_eq(read_bytes(p[i].client, 1000), 100);
	close_pairs(p, COUNT);
	tcp_close(l, false);
	flow_drained(&w);
	ck_assert_int_eq(w.a->tw_count + w.b->tw_count, 0);
	world_end(&w);
	free(p);
}
END_TEST

/* Their data is bounded by the two buffers; closing gives all back. */
START_TEST(peers_that_never_read)
{
	enum { COUNT = 100 };
	struct pair *p = calloc(COUNT, sizeof(*p));
	struct world w;
	struct net_sock *l;
	u64 total = 0, before;

	world_pair(&w);
	l = listen_on(w.b, 80, 100);
	open_pairs(&w, w.a, l, "10.0.0.2", 80, p, COUNT);
	before = w.bytes;
	for (u32 round = 0; round < 300; round++) {
		for (u32 i = 0; i < COUNT; i++) {
			s64 n;
			while ((n = write_bytes(p[i].client, 1000)) > 0)
				total += (u64)n;
			ck_assert_int_eq(n, -EAGAIN);
		}
		run_for(&w, 5 * MS);
	}
	ck_assert_msg(w.bytes - before < total * 3, "%llu bytes for %llu",
		      (unsigned long long)(w.bytes - before), (unsigned long long)total);
	for (u32 i = 0; i < COUNT; i++)
		ck_assert_int_le(tcp_inq(p[i].server), p[i].server->rcvbuf);
	/* for minutes: probes, but nobody gives up */
	run_for(&w, 600 * NSEC_PER_SEC);
	for (u32 i = 0; i < COUNT; i++)
		ck_assert_int_eq(tcp_state_of(p[i].client), TCPS_ESTABLISHED);
	close_pairs(p, COUNT);
	tcp_close(l, false);
	flow_drained(&w);
	world_end(&w);
	free(p);
}
END_TEST

/* Tiny segments must not keep large blocks busy. */
START_TEST(tiny_segments_cost_little)
{
	struct tt world_of_test, *t = &world_of_test;
	u64 before;
	u32 at = 1;

	tt_init(t);
	tt_passive(t, "mss 1460", 65535);
	before = t->w.bytes;
	for (u32 i = 0; i < 20000; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(1) ack 1", at, at + 1);
		in(t, text);
		at++;
		skip(t);
	}
	ck_assert_int_eq(tcp_inq(t->s), 20000);
	ck_assert_msg(t->w.bytes - before < 200000, "%llu", (unsigned long long)(t->w.bytes - before));
	t->got = 0;
	expect_get(t, 20000);
	tt_end(t);
}
END_TEST

START_TEST(tiny_early_segments_cost_little)
{
	struct tt world_of_test, *t = &world_of_test;
	u64 before;

	tt_init(t);
	tt_passive(t, "mss 1460, sackOK", 65535);
	before = t->w.bytes;
	for (u32 i = 0; i < 20000; i++) {
		char text[64];
		snprintf(text, sizeof(text), ". %u:%u(1) ack 1", 3 + 2 * i, 4 + 2 * i);
		in(t, text);
		skip(t);
	}
	/* never more than a few times the receive buffer */
	ck_assert_msg(t->w.bytes - before < 4 * t->s->rcvbuf, "%llu of %u",
		      (unsigned long long)(t->w.bytes - before), t->s->rcvbuf);
	tt_end(t);
}
END_TEST

START_TEST(link_down_and_up)
{
	struct world w;
	struct flow f;

	world_pair(&w);
	w.cable.side[0].delay_ns = w.cable.side[1].delay_ns = MS;
	flow_open(&f, &w, w.a, w.b, a4("10.0.0.2"), 80);
	f.total = 1 << 30;
	for (int i = 0; i < 20; i++) {
		flow_step(&f);
		run_for(&w, MS);
	}
	ck_assert_int_eq(netif_set_up(w.an, false), 0);
	run_for(&w, 20 * NSEC_PER_SEC);
	ck_assert_int_ne(tcp_state_of(f.client), TCPS_CLOSE);
	ck_assert_int_eq(netif_set_up(w.an, true), 0);
	flow_run(&f, 4 << 20, 0, 300 * NSEC_PER_SEC);
	flow_close(&f);
	flow_drained(&w);
	world_end(&w);
}
END_TEST

/* The n-th allocation and the following ones fail for a while: the stream is whole in the end, or has failed
 * openly. */
static bool without_memory(u32 n, u32 much)
{
	struct world w;
	struct flow f;
	bool used;

	world_pair(&w);
	w.cable.side[0].delay_ns = w.cable.side[1].delay_ns = MS;
	w.cable.side[0].loss_ppm = 20000;
	flow_open(&f, &w, w.a, w.b, a4("10.0.0.2"), 80);
	f.total = 300000;
	w.fail_after = n;
	for (int i = 0; i < 40; i++) {
		struct net_sock *sk = NULL;
		u8 b[600];
		struct mem_iter m;
		memset(b, 1, sizeof(b));
		pattern_fill(b, f.sent, sizeof(b));
		mem_in(&m, b, sizeof(b));
		s64 r = tcp_send(f.client, &m.it, 0);
		ck_assert_msg(r > 0 || r == -EAGAIN || r == -ENOBUFS || r == -ENOMEM, "%lld", (long long)r);
		if (r > 0)
			f.sent += (u64)r;
		run_for(&w, 500000);
		if (tcp_new(w.a, false, &sk) == 0)
			tcp_close(sk, true);
	}
	used = w.fail_after == 0;
	w.fail_after = -1;
	flow_run(&f, much, 1000, 2000 * NSEC_PER_SEC);
	flow_close(&f);
	w.cable.side[0].loss_ppm = 0;
	flow_drained(&w);
	world_end(&w);
	return used;
}

START_TEST(allocations_fail)
{
	for (u32 n = (u32)_i * 10; n < (u32)_i * 10 + 10; n++)
		without_memory(n, 100000);
}
END_TEST

/* The same while a connection is made. */
START_TEST(allocations_fail_while_connecting)
{
	for (s64 n = 0; n < 60; n++) {
		struct world w;
		struct ip_addr addr = a4("10.0.0.2");
		struct net_sock *l, *c = NULL, *s = NULL;
		int err;
		world_pair(&w);
		l = listen_on(w.b, 80, 10);
		w.fail_after = n;
		err = tcp_new(w.a, false, &c);
		if (!err) {
			err = tcp_connect(c, &addr, 80);
			ck_assert_msg(err == -EINPROGRESS || err == -ENOMEM || err == -ENOBUFS, "%d", err);
		}
		run_for(&w, 100 * MS);
		w.fail_after = -1;
		run_for(&w, 30 * NSEC_PER_SEC);
		if (c && err == -EINPROGRESS) {
			ck_assert_int_eq(tcp_state_of(c), TCPS_ESTABLISHED);
			ck_assert_int_eq(tcp_accept(l, &s), 0);
		}
		if (c)
			tcp_close(c, false);
		if (s)
			tcp_close(s, false);
		tcp_close(l, false);
		flow_drained(&w);
		world_end(&w);
	}
}
END_TEST

START_TEST(ports_run_out)
{
	enum { PORTS = 50 };
	struct pair p[PORTS] = {{NULL, NULL}};
	struct ip_addr addr = a4("10.0.0.2");
	struct net_sock *l, *l2, *more = NULL;
	struct world w;

	world_pair(&w);
	w.a->config.port_min = 40000;
	w.a->config.port_max = 40000 + PORTS - 1;
	l = listen_on(w.b, 80, 100);
	l2 = listen_on(w.b, 81, 100);
	open_pairs(&w, w.a, l, "10.0.0.2", 80, p, PORTS);
	ck_assert_int_eq(tcp_new(w.a, false, &more), 0);
	ck_assert_int_eq(tcp_connect(more, &addr, 80), -EADDRNOTAVAIL);
	/* another port of the peer's is another set of ends */
	ck_assert_int_eq(tcp_connect(more, &addr, 81), -EINPROGRESS);
	run_for(&w, 100 * MS);
	ck_assert_int_eq(tcp_state_of(more), TCPS_ESTABLISHED);
	tcp_close(more, true);
	close_pairs(p, PORTS);
	run_for(&w, 100 * MS);
	/* all in TIME_WAIT: still none */
	ck_assert_int_eq(tcp_new(w.a, false, &more), 0);
	ck_assert_int_eq(tcp_connect(more, &addr, 80), -EADDRNOTAVAIL);
	tcp_close(more, true);
	tcp_close(l, false);
	tcp_close(l2, false);
	flow_drained(&w);
	world_end(&w);
}
END_TEST

TCase *case_tcp_scale(void)
{
	TCase *tc = tcase_create("tcp_scale");

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, idle_connection_costs_less_than_4_kib);
	tcase_add_test(tc, ten_thousand_connections_echo);
	tcase_add_test(tc, peers_that_never_read);
	tcase_add_test(tc, tiny_segments_cost_little);
	tcase_add_test(tc, tiny_early_segments_cost_little);
	tcase_add_test(tc, link_down_and_up);
	tcase_add_loop_test(tc, allocations_fail, 0, 12);
	tcase_add_test(tc, allocations_fail_while_connecting);
	tcase_add_test(tc, ports_run_out);
	return tc;
}

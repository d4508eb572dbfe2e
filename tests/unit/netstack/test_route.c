/* test_route.c: ports and who may have them; routes, rules and source addresses. */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/transport/tcp.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct ip_addr a, lo;

static void start(void)
{
	world_wire(&w);
	know_peer(&w);
	a = ip_v4(IP_A);
	lo = ip_v4(0x7f000001);
}

static void stop(void)
{
	world_end(&w);
}

/* ---- ports ---- */

struct bind_case {
	const char *addr1, *addr2;
	bool v6only1, v6only2, reuse1, reuse2, rport1, rport2;
	u32 uid2, if1, if2;
	int err;
};
static const struct bind_case binds[] = {
    {"0.0.0.0", "0.0.0.0", .err = -EADDRINUSE},
    {"0.0.0.0", "10.0.0.1", .err = -EADDRINUSE},
    {"10.0.0.1", "0.0.0.0", .err = -EADDRINUSE},
    {"10.0.0.1", "127.0.0.1", .err = 0},
    {"10.0.0.1", "10.0.0.1", .err = -EADDRINUSE},
    {"::", "0.0.0.0", .err = -EADDRINUSE}, /* dual stack */
    {"0.0.0.0", "::", .err = -EADDRINUSE},
    {"::", "10.0.0.1", .err = -EADDRINUSE},
    {"10.0.0.1", "::", .err = -EADDRINUSE},
    {"::", "0.0.0.0", .v6only1 = true, .err = 0},
    {"0.0.0.0", "::", .v6only2 = true, .err = 0},
    {"::", "10.0.0.1", .v6only1 = true, .err = 0},
    {"::", "fd00::1", .err = -EADDRINUSE},
    {"fd00::1", "::", .v6only2 = true, .err = -EADDRINUSE},
    {"fd00::1", "::1", .err = 0},
    {"fd00::1", "10.0.0.1", .err = 0},
    {"fd00::1", "0.0.0.0", .err = 0},
    {"0.0.0.0", "0.0.0.0", .reuse1 = true, .err = -EADDRINUSE},
    {"0.0.0.0", "0.0.0.0", .reuse2 = true, .err = -EADDRINUSE},
    {"0.0.0.0", "0.0.0.0", .reuse1 = true, .reuse2 = true, .err = 0},
    {"0.0.0.0", "10.0.0.1", .reuse1 = true, .reuse2 = true, .err = 0},
    {"0.0.0.0", "0.0.0.0", .rport1 = true, .err = -EADDRINUSE},
    {"0.0.0.0", "0.0.0.0", .rport1 = true, .rport2 = true, .err = 0},
    {"0.0.0.0", "0.0.0.0", .rport1 = true, .rport2 = true, .uid2 = 5, .err = -EADDRINUSE},
    {"0.0.0.0", "0.0.0.0", .if1 = 1, .if2 = 2, .err = 0},
    {"0.0.0.0", "0.0.0.0", .if1 = 1, .if2 = 1, .err = -EADDRINUSE},
    {"0.0.0.0", "0.0.0.0", .if1 = 1, .err = -EADDRINUSE},
};

static struct ip_addr any_of(const char *t)
{
	return strchr(t, ':') ? a6(t) : a4(t);
}

START_TEST(udp_bind_conflicts)
{
	const struct bind_case *c = &binds[_i];
	struct ip_addr one = any_of(c->addr1), two = any_of(c->addr2);
	struct net_sock *s1 = udp_open(w.w, !ip_is_v4(&one)), *s2 = udp_open(w.w, !ip_is_v4(&two));

	s1->ep.v6only = c->v6only1;
	s2->ep.v6only = c->v6only2;
	s1->ep.reuseaddr = c->reuse1;
	s2->ep.reuseaddr = c->reuse2;
	s1->ep.reuseport = c->rport1;
	s2->ep.reuseport = c->rport2;
	s2->ep.uid = c->uid2;
	s1->ep.bound_if = c->if1;
	s2->ep.bound_if = c->if2;
	ck_assert_int_eq(sock_bind(s1, &one, 80), 0);
	ck_assert_int_eq(sock_bind(s2, &two, 80), c->err);
	if (c->err) {
		ck_assert_uint_eq(s2->ep.lport, 0);
		ck_assert_int_eq(sock_bind(s2, &two, 81), 0); /* refused once, it can be bound elsewhere */
	}
	dgram_close(s1);
	dgram_close(s2);
}
END_TEST

START_TEST(udp_and_ping_do_not_share_ports)
{
	struct net_sock *u = udp_bound(w.w, IP4_ANY, 80), *p = NULL;

	ck_assert_int_eq(raw_new(w.w, false, PROTO_ICMP, true, &p), 0);
	ck_assert_int_eq(sock_bind(p, &IP4_ANY, 80), 0);
	dgram_close(u);
	dgram_close(p);
}
END_TEST

START_TEST(bind_twice_refused)
{
	struct net_sock *u = udp_bound(w.w, IP4_ANY, 80);

	ck_assert_int_eq(sock_bind(u, &IP4_ANY, 81), -EINVAL);
	dgram_close(u);
}
END_TEST

static const struct {
	const char *addr;
	int err;
} bind_addrs[] = {
    {"10.0.0.1", 0},
    {"10.0.0.2", -EADDRNOTAVAIL},
    {"127.0.0.1", 0},
    {"127.9.9.9", 0},
    {"10.0.0.255", 0},
    {"255.255.255.255", 0},
    {"224.0.0.5", 0},
    {"fd00::1", 0},
    {"fd00::9", -EADDRNOTAVAIL},
    {"ff02::5", 0},
    {"::1", 0},
    {"192.0.2.255", -EADDRNOTAVAIL},
};

START_TEST(bind_to_address)
{
	struct ip_addr at = any_of(bind_addrs[_i].addr);
	struct net_sock *u = udp_open(w.w, !ip_is_v4(&at));

	ck_assert_int_eq(sock_bind(u, &at, 80), bind_addrs[_i].err);
	if (bind_addrs[_i].err) {
		u->freebind = true;
		ck_assert_int_eq(sock_bind(u, &at, 80), 0);
	}
	dgram_close(u);
}
END_TEST

START_TEST(port_is_free_after_close)
{
	for (u32 i = 0; i < 10; i++) {
		struct net_sock *u = udp_bound(w.w, IP4_ANY, 80);
		dgram_close(u);
	}
	ck_assert_uint_eq(w.w->ports.count, 0);
}
END_TEST

/* As Linux: both the old socket and the new one must have allowed it. */
START_TEST(port_of_a_connection_in_time_wait)
{
	bool old = _i & 1, own = _i & 2;
	struct net_sock *l = NULL, *c = NULL, *s = NULL, *n = NULL;

	ck_assert_int_eq(tcp_new(w.w, false, &l), 0);
	ck_assert_int_eq(tcp_new(w.w, false, &c), 0);
	l->ep.reuseaddr = old;
	ck_assert_int_eq(sock_bind(l, &lo, 80), 0);
	ck_assert_int_eq(tcp_listen(l, 5), 0);
	ck_assert_int_eq(tcp_connect(c, &lo, 80), 0); /* over loopback at once */
	run_for(&w, MS);
	ck_assert_int_eq(tcp_accept(l, &s), 0);
	tcp_close(l, false);
	tcp_close(s, false);
	run_for(&w, MS);
	tcp_close(c, false);
	run_for(&w, MS);
	ck_assert_int_eq(tcp_new(w.w, false, &n), 0);
	n->ep.reuseaddr = own;
	ck_assert_int_eq(sock_bind(n, &lo, 80), old && own ? 0 : -EADDRINUSE);
	run_for(&w, 61 * NSEC_PER_SEC);
	if (!old || !own)
		ck_assert_int_eq(sock_bind(n, &lo, 80), 0);
	tcp_close(n, false);
	run_for(&w, 100 * NSEC_PER_SEC);
}
END_TEST

START_TEST(any_port_is_in_the_range)
{
	for (u32 i = 0; i < 200; i++) {
		struct net_sock *u = udp_bound(w.w, IP4_ANY, 0);
		ck_assert_uint_ge(u->ep.lport, w.w->config.port_min);
		ck_assert_uint_le(u->ep.lport, w.w->config.port_max);
		dgram_close(u);
	}
}
END_TEST

START_TEST(ports_run_out)
{
	static struct net_sock *u[64];
	struct net_sock *more;

	w.w->config.port_min = 40000;
	w.w->config.port_max = 40063;
	for (u32 i = 0; i < 64; i++) {
		u[i] = udp_open(w.w, false);
		ck_assert_int_eq(sock_bind(u[i], &IP4_ANY, 0), 0);
		for (u32 k = 0; k < i; k++)
			ck_assert_uint_ne(u[i]->ep.lport, u[k]->ep.lport);
	}
	more = udp_open(w.w, false);
	ck_assert_int_eq(sock_bind(more, &IP4_ANY, 0), -EADDRINUSE);
	ck_assert_int_eq(udp_put(more, &lo, 9, "x", 1), -EAGAIN);
	dgram_close(u[17]);
	ck_assert_int_eq(sock_bind(more, &IP4_ANY, 0), 0);
	dgram_close(more);
	for (u32 i = 0; i < 64; i++)
		if (i != 17)
			dgram_close(u[i]);
}
END_TEST

START_TEST(any_port_differs_by_address)
{
	/* another address has its own ports */
	struct net_sock *one, *two;

	w.w->config.port_min = w.w->config.port_max = 40000;
	one = udp_bound(w.w, lo, 0);
	two = udp_bound(w.w, a, 0);
	ck_assert_uint_eq(one->ep.lport, two->ep.lport);
	dgram_close(one);
	dgram_close(two);
}
END_TEST

START_TEST(autobind_at_first_send)
{
	struct net_sock *u = udp_open(w.w, false);

	ck_assert_int_eq(udp_put(u, &lo, 9, "x", 1), 1);
	ck_assert_uint_ne(u->ep.lport, 0);
	ck_assert(!u->ep.bound);
	ck_assert_int_eq(sock_bind(u, &IP4_ANY, 80), -EINVAL);
	dgram_close(u);
}
END_TEST

/* ---- routes ---- */

static int add(const char *dst, u32 len, const char *via, u32 metric, u8 type)
{
	struct net_route r = {.dst = any_of(dst),
			      .gateway = via                ? any_of(via)
					 : strchr(dst, ':') ? IP6_ANY
							    : IP4_ANY,
			      .source = strchr(dst, ':') ? IP6_ANY : IP4_ANY,
			      .prefix_len = len,
			      .metric = metric,
			      .table = RT_TABLE_MAIN,
			      .type = type,
			      .protocol = RTPROTO_STATIC,
			      .nif = type == ROUTE_UNICAST ? w.wn : NULL,
			      .expires = TIME_NEVER};

	return net_route_add(w.w, &r);
}

static int lookup(const char *dst, struct net_path *p)
{
	struct ip_addr d = any_of(dst);

	return net_route_lookup(w.w, &d, ip_is_v4(&d) ? &IP4_ANY : &IP6_ANY, 0, p);
}

static void expect_via(const char *dst, const char *via)
{
	struct net_path p;
	struct ip_addr v = any_of(via);

	ck_assert_int_eq(lookup(dst, &p), 0);
	ck_assert_msg(ip_eq(&p.next_hop, &v), "%s does not go by %s", dst, via);
}

START_TEST(longest_prefix_wins)
{
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 0, ROUTE_UNICAST), 0);
	ck_assert_int_eq(add("192.168.0.0", 16, "10.0.0.11", 0, ROUTE_UNICAST), 0);
	ck_assert_int_eq(add("192.168.7.0", 24, "10.0.0.12", 0, ROUTE_UNICAST), 0);
	ck_assert_int_eq(add("192.168.7.7", 32, "10.0.0.13", 0, ROUTE_UNICAST), 0);
	expect_via("8.8.8.8", "10.0.0.10");
	expect_via("192.168.8.1", "10.0.0.11");
	expect_via("192.168.7.1", "10.0.0.12");
	expect_via("192.168.7.7", "10.0.0.13");
	expect_via("10.0.0.77", "10.0.0.77"); /* on the link */
}
END_TEST

START_TEST(lowest_metric_wins)
{
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 100, ROUTE_UNICAST), 0);
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.11", 50, ROUTE_UNICAST), 0);
	expect_via("8.8.8.8", "10.0.0.11");
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.12", 50, ROUTE_UNICAST), -EEXIST);
}
END_TEST

START_TEST(route_deleted)
{
	struct net_route r = {.dst = IP4_ANY, .gateway = IP4_ANY, .type = ROUTE_UNICAST};
	struct net_path p;

	ck_assert_int_eq(net_route_del(w.w, &r), -ESRCH);
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 100, ROUTE_UNICAST), 0);
	ck_assert_int_eq(net_route_del(w.w, &r), 0);
	ck_assert_int_eq(lookup("8.8.8.8", &p), -ENETUNREACH);
}
END_TEST

static const struct {
	u8 type;
	int err;
} dead_ends[] = {{ROUTE_BLACKHOLE, -EINVAL}, {ROUTE_UNREACHABLE, -EHOSTUNREACH}, {ROUTE_PROHIBIT, -EACCES}};

START_TEST(dead_end_routes)
{
	struct net_path p;

	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 0, ROUTE_UNICAST), 0);
	ck_assert_int_eq(add("192.168.0.0", 16, NULL, 0, dead_ends[_i].type), 0);
	ck_assert_int_eq(lookup("192.168.1.1", &p), dead_ends[_i].err);
	ck_assert_int_eq(lookup("192.169.1.1", &p), 0);
}
END_TEST

START_TEST(route_refusals)
{
	struct net_route r = {.dst = IP4_ANY, .gateway = IP4_ANY, .source = IP4_ANY, .type = ROUTE_UNICAST};

	ck_assert_int_eq(net_route_add(w.w, &r), -ENODEV);
	ck_assert_int_eq(add("1.2.3.4", 33, NULL, 0, ROUTE_UNICAST), -EINVAL);
	ck_assert_int_eq(add("fd01::", 129, NULL, 0, ROUTE_UNICAST), -EINVAL);
	ck_assert_int_eq(netif_set_up(w.wn, false), 0);
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 0, ROUTE_UNICAST), -ENETDOWN);
}
END_TEST

START_TEST(address_brings_its_route)
{
	struct net_path p;

	ck_assert_int_eq(netif_addr_add(w.wn, a4("172.16.1.1"), 16, IFA_PERMANENT), 0);
	expect_via("172.16.200.1", "172.16.200.1");
	ck_assert_int_eq(netif_addr_add(w.wn, a4("172.16.1.2"), 16, IFA_PERMANENT), 0);
	ck_assert_int_eq(netif_addr_del(w.wn, a4("172.16.1.1"), 16), 0);
	expect_via("172.16.200.1", "172.16.200.1"); /* the second address still has it */
	ck_assert_int_eq(netif_addr_del(w.wn, a4("172.16.1.2"), 16), 0);
	ck_assert_int_eq(lookup("172.16.200.1", &p), -ENETUNREACH);
	wire_skip(&w);
}
END_TEST

START_TEST(link_down_drops_routes)
{
	struct net_path p;

	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 0, ROUTE_UNICAST), 0);
	ck_assert_int_eq(netif_set_up(w.wn, false), 0);
	ck_assert_int_eq(lookup("8.8.8.8", &p), -ENETUNREACH);
	ck_assert_int_eq(lookup("10.0.0.2", &p), -ENETUNREACH);
	ck_assert_int_eq(netif_set_up(w.wn, true), 0);
	ck_assert_int_eq(lookup("8.8.8.8", &p), -ENETUNREACH); /* gone, as by Linux */
	ck_assert_int_eq(lookup("10.0.0.2", &p), 0);
	wire_skip(&w);
}
END_TEST

START_TEST(paths_in_use_follow_changes)
{
	struct net_sock *u = udp_open(w.w, false);
	struct ip_addr far = a4("8.8.8.8"), g1 = a4("10.0.0.10"), g2 = a4("10.0.0.11");
	static const u8 m1[6] = {2, 0, 0, 0, 0, 10}, m2[6] = {2, 0, 0, 0, 0, 11};

	ck_assert_int_eq(neigh_set(w.wn, &g1, m1, NUD_PERMANENT), 0);
	ck_assert_int_eq(neigh_set(w.wn, &g2, m2, NUD_PERMANENT), 0);
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 100, ROUTE_UNICAST), 0);
	ck_assert_int_eq(dgram_connect(u, &far, 9), 0);
	ck_assert_int_eq(udp_put(u, NULL, 0, "x", 1), 1);
	ck_assert_mem_eq(wire_must(&w)->bytes, m1, 6);
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.11", 50, ROUTE_UNICAST), 0);
	ck_assert_int_eq(udp_put(u, NULL, 0, "x", 1), 1);
	ck_assert_mem_eq(wire_must(&w)->bytes, m2, 6);
	dgram_close(u);
}
END_TEST

START_TEST(local_first)
{
	struct net_path p;

	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 0, ROUTE_UNICAST), 0);
	ck_assert_int_eq(lookup("10.0.0.1", &p), 0);
	ck_assert_uint_eq(p.type, ROUTE_LOCAL);
	ck_assert_ptr_eq(p.nif, w.w->lo);
	ck_assert(ip_eq(&p.src, &a));
	ck_assert_int_eq(lookup("127.0.0.5", &p), 0);
	ck_assert_uint_eq(p.type, ROUTE_LOCAL);
	ck_assert_int_eq(netif_set_up(w.w->lo, false), 0);
	ck_assert_int_eq(lookup("127.0.0.5", &p), -ENETUNREACH);
}
END_TEST

START_TEST(device_without_a_route)
{
	struct net_path p;
	struct ip_addr far = a4("8.8.8.8");

	ck_assert_int_eq(net_route_lookup(w.w, &far, &IP4_ANY, w.wn->index, &p), 0);
	ck_assert(ip_eq(&p.next_hop, &far)); /* as Linux: on its link */
	ck_assert_int_eq(net_route_lookup(w.w, &far, &IP4_ANY, 99, &p), -ENODEV);
}
END_TEST

/* ---- rules ---- */

static int add_rule(u32 priority, const char *src, u32 src_len, u32 table, u8 action)
{
	struct net_rule r = {.priority = priority,
			     .v6 = strchr(src, ':'),
			     .src = any_of(src),
			     .dst = strchr(src, ':') ? IP6_ANY : IP4_ANY,
			     .src_len = src_len,
			     .table = table,
			     .action = action};

	return net_rule_add(w.w, &r);
}

START_TEST(rules_choose_tables)
{
	struct net_route r = {.dst = IP4_ANY,
			      .gateway = a4("10.0.0.20"),
			      .source = IP4_ANY,
			      .table = 100,
			      .type = ROUTE_UNICAST,
			      .nif = w.wn,
			      .expires = TIME_NEVER};
	struct ip_addr far = a4("8.8.8.8"), src = a4("10.0.0.9");
	struct net_path p;

	ck_assert_int_eq(netif_addr_add(w.wn, src, 24, IFA_PERMANENT), 0);
	ck_assert_int_eq(net_route_add(w.w, &r), 0);
	ck_assert_int_eq(lookup("8.8.8.8", &p), -ENETUNREACH); /* no rule leads to table 100 */
	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 0, ROUTE_UNICAST), 0);
	ck_assert_int_eq(add_rule(1000, "10.0.0.9", 32, 100, RULE_TO_TABLE), 0);
	expect_via("8.8.8.8", "10.0.0.10");
	ck_assert_int_eq(net_route_lookup(w.w, &far, &src, 0, &p), 0);
	ck_assert(ip_eq(&p.next_hop, &r.gateway));
	/* a table without an answer passes on to the next rule */
	ck_assert_int_eq(add_rule(999, "10.0.0.9", 32, 101, RULE_TO_TABLE), 0);
	ck_assert_int_eq(net_route_lookup(w.w, &far, &src, 0, &p), 0);
	ck_assert(ip_eq(&p.next_hop, &r.gateway));
	wire_skip(&w);
}
END_TEST

START_TEST(rules_refuse)
{
	struct ip_addr far = a4("8.8.8.8"), src = a;
	struct net_path p;

	ck_assert_int_eq(add("0.0.0.0", 0, "10.0.0.10", 0, ROUTE_UNICAST), 0);
	ck_assert_int_eq(add_rule(10, "10.0.0.1", 32, 0, RULE_PROHIBIT), 0);
	ck_assert_int_eq(net_route_lookup(w.w, &far, &src, 0, &p), -EACCES);
	expect_via("8.8.8.8", "10.0.0.10");
	ck_assert_int_eq(add_rule(10, "10.0.0.1", 32, 0, RULE_PROHIBIT), -EEXIST);
	ck_assert_int_eq(
	    net_rule_del(w.w, &(struct net_rule){.priority = 10, .src = src, .src_len = 32, .dst = IP4_ANY}),
	    0);
	ck_assert_int_eq(
	    net_rule_del(w.w, &(struct net_rule){.priority = 10, .src = src, .src_len = 32, .dst = IP4_ANY}),
	    -ENOENT);
	ck_assert_int_eq(net_route_lookup(w.w, &far, &src, 0, &p), 0);
}
END_TEST

START_TEST(rules_of_a_new_instance)
{
	static const u32 prio[] = {0, 32766, 32767},
			 table[] = {RT_TABLE_LOCAL, RT_TABLE_MAIN, RT_TABLE_DEFAULT};
	const struct net_rule *r;
	u32 n = 0;

	for (r = net_rule_next(w.w, false, NULL); r; r = net_rule_next(w.w, false, r)) {
		ck_assert_uint_lt(n, 3);
		ck_assert_uint_eq(r->priority, prio[n]);
		ck_assert_uint_eq(r->table, table[n]);
		n++;
	}
	ck_assert_uint_eq(n, 3);
	n = 0;
	for (r = net_rule_next(w.w, true, NULL); r; r = net_rule_next(w.w, true, r))
		n++;
	ck_assert_uint_eq(n, 2);
}
END_TEST

/* ---- source addresses ---- */

static void expect_source(const char *dst, const char *src)
{
	struct net_path p;
	struct ip_addr s = any_of(src);

	ck_assert_int_eq(lookup(dst, &p), 0);
	ck_assert_msg(ip_eq(&p.src, &s), "to %s not from %s", dst, src);
}

START_TEST(source_of_the_network)
{
	ck_assert_int_eq(netif_addr_add(w.wn, a4("172.16.1.1"), 16, IFA_PERMANENT), 0);
	ck_assert_int_eq(add("0.0.0.0", 0, "172.16.0.10", 0, ROUTE_UNICAST), 0);
	expect_source("10.0.0.2", "10.0.0.1");
	expect_source("172.16.9.9", "172.16.1.1");
	expect_source("8.8.8.8", "172.16.1.1"); /* that of the gateway's network */
	wire_skip(&w);
}
END_TEST

START_TEST(source_of_the_route)
{
	struct net_route r = {.dst = a4("8.8.8.0"),
			      .gateway = a4("10.0.0.20"),
			      .source = a4("10.0.0.9"),
			      .prefix_len = 24,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .nif = w.wn,
			      .expires = TIME_NEVER};

	ck_assert_int_eq(netif_addr_add(w.wn, a4("10.0.0.9"), 24, IFA_PERMANENT), 0);
	ck_assert_int_eq(net_route_add(w.w, &r), 0);
	expect_source("8.8.8.8", "10.0.0.9");
	wire_skip(&w);
}
END_TEST

static const struct {
	const char *dst, *src;
} sources6[] = {
    /* RFC 6724: scope, then not deprecated, then the longest prefix */
    {"fd00::2", "fd00::1"},
    {"2001:db8:1::9", "2001:db8:1::1"},
    {"2001:db8:2::9", "2001:db8:2::1"},
    {"fe80::2", "fe80::1"},
    {"ff02::1", "fe80::1"},
    {"::1", "::1"},
    {"2001:db8:3::1", "2001:db8:2::1"},
};

START_TEST(source6)
{
	struct ip_addr dst = any_of(sources6[_i].dst), src = any_of(sources6[_i].src);
	struct net_path p;

	ck_assert_int_eq(netif_addr_add(w.wn, a6("fe80::1"), 64, IFA_PERMANENT | IFA_NODAD), 0);
	ck_assert_int_eq(netif_addr_add(w.wn, a6("2001:db8:1::1"), 64, IFA_PERMANENT | IFA_NODAD), 0);
	ck_assert_int_eq(netif_addr_add(w.wn, a6("2001:db8:2::1"), 64, IFA_PERMANENT | IFA_NODAD), 0);
	ck_assert_int_eq(
	    netif_addr_add(w.wn, a6("2001:db8:3::9"), 64, IFA_PERMANENT | IFA_NODAD | IFA_DEPRECATED), 0);
	ck_assert_int_eq(add("::", 0, "fd00::99", 1, ROUTE_UNICAST), 0);
	ck_assert_int_eq(net_route_lookup(w.w, &dst, &IP6_ANY,
					  ip_is_linklocal(&dst) || ip_is_multicast(&dst) ? w.wn->index : 0,
					  &p),
			 0);
	ck_assert(ip_eq(&p.src, &src));
	wire_skip(&w);
}
END_TEST

START_TEST(no_source_for_v6)
{
	struct net_path p;

	ck_assert_int_eq(netif_addr_del(w.wn, a6("fd00::1"), 64), 0);
	ck_assert_int_eq(add("::", 0, "fd00::99", 1, ROUTE_UNICAST), 0);
	ck_assert_int_eq(lookup("2001:db8::1", &p), -EADDRNOTAVAIL);
	wire_skip(&w);
}
END_TEST

TCase *case_route(void)
{
	TCase *t = tcase_create("route");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, udp_bind_conflicts, 0, ARRAY_COUNT(binds));
	tcase_add_test(t, udp_and_ping_do_not_share_ports);
	tcase_add_test(t, bind_twice_refused);
	tcase_add_loop_test(t, bind_to_address, 0, ARRAY_COUNT(bind_addrs));
	tcase_add_test(t, port_is_free_after_close);
	tcase_add_loop_test(t, port_of_a_connection_in_time_wait, 0, 4);
	tcase_add_test(t, any_port_is_in_the_range);
	tcase_add_test(t, ports_run_out);
	tcase_add_test(t, any_port_differs_by_address);
	tcase_add_test(t, autobind_at_first_send);
	tcase_add_test(t, longest_prefix_wins);
	tcase_add_test(t, lowest_metric_wins);
	tcase_add_test(t, route_deleted);
	tcase_add_loop_test(t, dead_end_routes, 0, ARRAY_COUNT(dead_ends));
	tcase_add_test(t, route_refusals);
	tcase_add_test(t, address_brings_its_route);
	tcase_add_test(t, link_down_drops_routes);
	tcase_add_test(t, paths_in_use_follow_changes);
	tcase_add_test(t, local_first);
	tcase_add_test(t, device_without_a_route);
	tcase_add_test(t, rules_choose_tables);
	tcase_add_test(t, rules_refuse);
	tcase_add_test(t, rules_of_a_new_instance);
	tcase_add_test(t, source_of_the_network);
	tcase_add_test(t, source_of_the_route);
	tcase_add_loop_test(t, source6, 0, ARRAY_COUNT(sources6));
	tcase_add_test(t, no_source_for_v6);
	return t;
}

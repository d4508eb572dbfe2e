/* test_udp.c: UDP sockets: connected, dual-stack, who gets what. Queues and broadcast: test_udp_queue.c; what
 * they send: test_udp_send.c. */
#include "tests/unit/netstack/udp_pair.h"

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
	return t;
}

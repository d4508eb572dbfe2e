/* test_raw.c: raw, ping and packet sockets. */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;
static struct ip_addr a, b, lo;
static struct build f;

static void start(void)
{
	world_wire(&w);
	know_peer(&w);
	a = ip_v4(IP_A);
	b = ip_v4(IP_B);
	lo = ip_v4(0x7f000001);
}

static void stop(void)
{
	world_end(&w);
}

static struct net_sock *raw(bool v6, u32 proto, bool ping)
{
	struct net_sock *sk = NULL;

	ck_assert_int_eq(raw_new(w.w, v6, proto, ping, &sk), 0);
	return sk;
}

static s64 put(struct net_sock *sk, const struct ip_addr *dst, const void *data, size_t size)
{
	struct mem_iter m;
	struct dgram_msg msg;

	mem_in(&m, data, size);
	msg = msg_to(&m, dst, 0);
	return raw_send(sk, &msg);
}

/* ---- raw, IPv4 ---- */

START_TEST(raw_gets_the_ip_header)
{
	struct net_sock *sk = raw(false, 200, false);
	u8 got[64];

	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, 200);
	b_add(&f, "hello", 5);
	b_send(&w, &f);
	ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), 25);
	ck_assert_mem_eq(got, f.b + 14, 25);
	wire_quiet(&w); /* somebody took it: no "protocol unreachable" */
	dgram_close(sk);
}
END_TEST

START_TEST(raw_beside_udp)
{
	struct net_sock *sk = raw(false, PROTO_UDP, false), *u = udp_bound(w.w, IP4_ANY, 9);

	send_udp4(&w, 5, 9, "x", 1);
	ck_assert_int_eq(dgram_get(sk, NULL, 0, NULL, NULL), 29);
	expect_datagram(u, "x");
	dgram_close(sk);
	dgram_close(u);
}
END_TEST

START_TEST(raw_sends_with_a_header_made_for_it)
{
	struct net_sock *sk = raw(false, 200, false);
	const struct frame *r;

	ck_assert_int_eq(put(sk, &b, "hello", 5), 5);
	r = wire_must(&w);
	ck_assert_uint_eq(r->size, 14 + 20 + 5);
	ck_assert_uint_eq(r->bytes[14 + 9], 200);
	ck_assert_uint_eq(get_be32(r->bytes + 26), IP_A);
	ck_assert_mem_eq(r->bytes + 34, "hello", 5);
	dgram_close(sk);
}
END_TEST

START_TEST(raw_bound_and_connected_hear_less)
{
	struct net_sock *any = raw(false, 200, false), *bound = raw(false, 200, false),
			*con = raw(false, 200, false), *other = raw(false, 200, false);
	struct ip_addr third = ip_v4(0x0a000003);

	ck_assert_int_eq(sock_bind(bound, &lo, 0), 0);
	ck_assert_int_eq(dgram_connect(con, &b, 0), 0);
	ck_assert_int_eq(dgram_connect(other, &third, 0), 0);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, 200);
	b_send(&w, &f);
	ck_assert_int_eq(dgram_get(any, NULL, 0, NULL, NULL), 20);
	ck_assert_int_eq(dgram_get(con, NULL, 0, NULL, NULL), 20);
	expect_nothing(bound);
	expect_nothing(other);
	ck_assert_int_eq(sock_bind(con, &a, 0), -EINVAL);
	ck_assert_int_eq(sock_bind(bound, &a, 0), 0); /* again is allowed */
	dgram_close(any);
	dgram_close(bound);
	dgram_close(con);
	dgram_close(other);
}
END_TEST

START_TEST(raw_fragments_come_whole)
{
	struct net_sock *sk = raw(false, 200, false);
	u8 got[256], *h;

	for (u32 i = 0; i < 2; i++) {
		b_eth(&f, mac_us, mac_peer, ETH_IPV4);
		h = b_ip4(&f, IP_B, IP_A, 200);
		put_be16(h + 6, i ? 1 : IPV4_MF);
		b_add(&f, i ? "second" : "first---", i ? 6 : 8);
		b_send(&w, &f);
	}
	ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), 34);
	ck_assert_mem_eq(got + 20, "first---second", 14);
	ck_assert_uint_eq(get_be16(got + 2), 34);
	dgram_close(sk);
}
END_TEST

static void own_header(u8 *h, u32 size)
{
	memset(h, 0, 20);
	h[0] = 0x45;
	h[8] = 7;
	h[9] = 201;
	put_be32(h + 16, IP_B);
	memset(h + 20, 'x', size - 20);
}

START_TEST(own_header_is_completed)
{
	struct net_sock *sk = raw(false, PROTO_RAW, false);
	const struct frame *r;
	u8 p[30];

	ck_assert(sk->hdrincl);
	own_header(p, sizeof(p));
	ck_assert_int_eq(put(sk, &b, p, sizeof(p)), sizeof(p));
	r = wire_must(&w);
	ck_assert_uint_eq(r->bytes[14 + 8], 7);
	ck_assert_uint_eq(r->bytes[14 + 9], 201);
	ck_assert_uint_eq(get_be16(r->bytes + 16), 30);
	ck_assert_uint_ne(get_be16(r->bytes + 18), 0);
	ck_assert_uint_eq(get_be32(r->bytes + 26), IP_A);
	ck_assert(csum_ok(csum_add(0, r->bytes + 14, 20, false)));
	/* a source of the caller's own stays */
	put_be32(p + 12, 0x01020304);
	put_be16(p + 4, 4711);
	ck_assert_int_eq(put(sk, &b, p, sizeof(p)), sizeof(p));
	r = wire_must(&w);
	ck_assert_uint_eq(get_be32(r->bytes + 26), 0x01020304);
	ck_assert_uint_eq(get_be16(r->bytes + 18), 4711);
	dgram_close(sk);
}
END_TEST

START_TEST(own_header_refused)
{
	struct net_sock *sk = raw(false, 200, false);
	static u8 p[1501];

	sk->hdrincl = true;
	own_header(p, sizeof(p));
	ck_assert_int_eq(put(sk, &b, p, 1501), -EMSGSIZE);
	ck_assert_int_eq(put(sk, &b, p, 19), -EINVAL);
	p[0] = 0x44;
	ck_assert_int_eq(put(sk, &b, p, 30), -EINVAL);
	p[0] = 0x4f;
	ck_assert_int_eq(put(sk, &b, p, 30), -EINVAL);
	wire_quiet(&w);
	dgram_close(sk);
}
END_TEST

START_TEST(icmp_filter_blocks_types)
{
	struct net_sock *sk = raw(false, PROTO_ICMP, false);
	u32 mask = 1U << ICMP_ECHO;
	u8 *h;

	memcpy(sk->icmp_filter, &mask, 4);
	for (u32 i = 0; i < 2; i++) {
		b_eth(&f, mac_us, mac_peer, ETH_IPV4);
		b_ip4(&f, IP_B, IP_A, PROTO_ICMP);
		h = b_add(&f, NULL, 8);
		h[0] = i ? ICMP_ECHO_REPLY : ICMP_ECHO;
		b_send(&w, &f);
	}
	{
		u8 got[64];
		ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), 28);
		ck_assert_uint_eq(got[20], ICMP_ECHO_REPLY);
	}
	expect_nothing(sk);
	dgram_close(sk);
}
END_TEST

START_TEST(raw_errors)
{
	struct net_sock *sk = raw(false, 200, false);
	struct sock_error *e;
	u8 *h;

	for (u32 i = 0; i < 3; i++) {
		b_eth(&f, mac_us, mac_peer, ETH_IPV4);
		b_ip4(&f, IP_B, IP_A, PROTO_ICMP);
		h = b_add(&f, NULL, 8);
		h[0] = ICMP_UNREACH;
		h[1] = ICMP_UNREACH_PROTO;
		h = b_add(&f, NULL, 28);
		h[0] = 0x45;
		h[9] = 200;
		put_be32(h + 12, IP_A);
		put_be32(h + 16, IP_B);
		b_send(&w, &f);
		if (i == 0) {
			ck_assert_int_eq(sk->error, 0); /* neither connected nor asked for */
			ck_assert_int_eq(dgram_connect(sk, &b, 0), 0);
		} else if (i == 1) {
			ck_assert_int_eq(sock_take_error(sk), -ENOPROTOOPT);
			sk->recverr = true;
		}
	}
	e = sock_next_error(sk);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->error, ENOPROTOOPT);
	ck_assert_uint_eq(e->p->size, 8);
	sock_error_free(w.w, e);
	dgram_close(sk);
}
END_TEST

START_TEST(raw_refusals)
{
	struct net_sock *sk = NULL, *s4 = raw(false, 200, false), *s6 = raw(true, 200, false);
	struct ip_addr all = a4("10.0.0.255"), six = a6("fd00::2");
	static u8 big[65536];

	ck_assert_int_eq(raw_new(w.w, false, 256, false, &sk), -EPROTONOSUPPORT);
	ck_assert_int_eq(raw_new(w.w, false, PROTO_UDP, true, &sk), -EPROTONOSUPPORT);
	ck_assert_int_eq(put(s4, NULL, "x", 1), -EDESTADDRREQ);
	ck_assert_int_eq(put(s4, &all, "x", 1), -EACCES);
	ck_assert_int_eq(put(s4, &b, big, sizeof(big)), -EMSGSIZE);
	ck_assert_int_eq(put(s6, &b, "x", 1), -ENETUNREACH);
	ck_assert_int_eq(put(s4, &six, "x", 1), -EAFNOSUPPORT);
	dgram_close(s4);
	dgram_close(s6);
}
END_TEST

/* ---- raw, IPv6 ---- */

START_TEST(raw6_gets_the_payload)
{
	struct net_sock *sk = raw(true, 200, false);
	u8 got[64];

	b_eth(&f, mac_us, mac_peer, ETH_IPV6);
	b_ip6(&f, "fd00::2", "fd00::1", 200);
	b_add(&f, "hello", 5);
	b_send(&w, &f);
	ck_assert_int_eq(dgram_get(sk, got, sizeof(got), NULL, NULL), 5);
	ck_assert_mem_eq(got, "hello", 5);
	dgram_close(sk);
}
END_TEST

START_TEST(raw6_checksum_is_made_and_checked)
{
	struct net_sock *sk = raw(true, 200, false);
	struct ip_addr dst = a6("fd00::2"), src = a6("fd00::1");
	u8 data[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	const struct frame *r;

	sk->csum_offset = 4;
	ck_assert_int_eq(put(sk, &dst, data, sizeof(data)), sizeof(data));
	r = wire_must(&w);
	ck_assert(csum_ok(csum_add(csum_pseudo(&src, &dst, 200, 10), r->bytes + 54, 10, false)));
	ck_assert_int_eq(put(sk, &dst, data, 5), -EINVAL); /* no room for it */
	/* what comes in with a wrong one is not given */
	b_eth(&f, mac_us, mac_peer, ETH_IPV6);
	b_ip6(&f, "fd00::2", "fd00::1", 200);
	b_add(&f, r->bytes + 54, 10);
	f.b[f.size - 1] ^= 1;
	b_send(&w, &f);
	expect_nothing(sk);
	f.b[f.size - 1] ^= 1;
	wire_in(&w, f.b, f.size);
	ck_assert_int_eq(dgram_get(sk, NULL, 0, NULL, NULL), 10);
	dgram_close(sk);
}
END_TEST

START_TEST(raw6_icmp_checksum_always)
{
	struct net_sock *sk = raw(true, PROTO_ICMPV6, false);
	struct ip_addr dst = a6("fd00::2"), src = a6("fd00::1");
	u8 echo[8] = {ICMP6_ECHO};
	const struct frame *r;

	ck_assert_int_eq(put(sk, &dst, echo, 8), 8);
	r = wire_must(&w);
	ck_assert(csum_ok(csum_add(csum_pseudo(&src, &dst, PROTO_ICMPV6, 8), r->bytes + 54, 8, false)));
	dgram_close(sk);
}
END_TEST

START_TEST(raw6_filter)
{
	struct net_sock *sk = raw(true, PROTO_ICMPV6, false);
	u8 *h;

	memset(sk->icmp_filter, 0xff, 32); /* block all but 129 */
	sk->icmp_filter[129 / 8] &= (u8) ~(1U << 129 % 8);
	for (u32 i = 0; i < 3; i++) {
		b_eth(&f, mac_us, mac_peer, ETH_IPV6);
		b_ip6(&f, "fd00::2", "fd00::1", PROTO_ICMPV6);
		h = b_add(&f, NULL, 8);
		h[0] = (u8)(128 + i);
		b_send(&w, &f);
	}
	ck_assert_int_eq(dgram_get(sk, NULL, 0, NULL, NULL), 8);
	expect_nothing(sk);
	dgram_close(sk);
}
END_TEST

/* ---- ping ---- */

START_TEST(ping_sends_only_echo)
{
	struct net_sock *sk = raw(false, PROTO_ICMP, true);
	u8 m[8] = {ICMP_ECHO_REPLY};

	ck_assert_int_eq(put(sk, &b, m, 8), -EINVAL);
	m[0] = ICMP_ECHO;
	m[1] = 1;
	ck_assert_int_eq(put(sk, &b, m, 8), -EINVAL);
	m[1] = 0;
	ck_assert_int_eq(put(sk, &b, m, 7), -EINVAL);
	wire_quiet(&w);
	ck_assert_int_eq(put(sk, &b, m, 8), 8);
	{
		const struct frame *r = wire_must(&w);
		ck_assert_uint_eq(get_be16(r->bytes + 38), sk->ep.lport);
		ck_assert(csum_ok(csum_add(0, r->bytes + 34, 8, false)));
	}
	dgram_close(sk);
}
END_TEST

START_TEST(pings_do_not_hear_each_other)
{
	struct net_sock *one = raw(false, PROTO_ICMP, true), *two = raw(false, PROTO_ICMP, true);
	u8 *h;

	ck_assert_int_eq(sock_bind(one, &IP4_ANY, 1), 0);
	ck_assert_int_eq(sock_bind(two, &IP4_ANY, 1), -EADDRINUSE);
	ck_assert_int_eq(sock_bind(two, &IP4_ANY, 2), 0);
	b_eth(&f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_ICMP);
	h = b_add(&f, NULL, 8);
	h[0] = ICMP_ECHO_REPLY;
	put_be16(h + 4, 2);
	b_send(&w, &f);
	expect_nothing(one);
	ck_assert_int_eq(dgram_get(two, NULL, 0, NULL, NULL), 8);
	dgram_close(one);
	dgram_close(two);
}
END_TEST

START_TEST(ping_over_loopback)
{
	struct net_sock *sk = raw(false, PROTO_ICMP, true);
	u8 m[8] = {ICMP_ECHO}, got[8];

	ck_assert_int_eq(put(sk, &lo, m, 8), 8);
	ck_assert_int_eq(dgram_get(sk, got, 8, NULL, NULL), 8);
	ck_assert_uint_eq(got[0], ICMP_ECHO_REPLY);
	dgram_close(sk);
}
END_TEST

START_TEST(ping_unreachable)
{
	struct net_sock *sk = raw(false, PROTO_ICMP, true);
	struct ip_addr silent = ip_v4(0x0a000009);
	u8 m[8] = {ICMP_ECHO};

	sk->recverr = true;
	ck_assert_int_eq(put(sk, &silent, m, 8), 8);
	run_for(&w, 5 * NSEC_PER_SEC);
	ck_assert_int_eq(dgram_get(sk, NULL, 0, NULL, NULL), -EHOSTUNREACH);
	wire_skip(&w);
	dgram_close(sk);
}
END_TEST

/* ---- packet sockets ---- */

static struct packet_sock *packet(bool cooked, u32 proto)
{
	struct packet_sock *ps = NULL;

	ck_assert_int_eq(packet_new(w.w, cooked, proto, &ps), 0);
	return ps;
}

static s64 packet_get(struct packet_sock *ps, void *buf, u32 size, u8 *type)
{
	struct pkt *p;
	s64 n;
	int err = packet_receive(ps, false, &p);

	if (err)
		return err;
	n = p->size;
	pkt_copy(p, 0, buf, size);
	if (type)
		*type = p->l2_type;
	pkt_free(p);
	return n;
}

START_TEST(packet_sees_whole_frames)
{
	struct packet_sock *ps = packet(false, ETH_ALL), *ip = packet(false, ETH_IPV4),
			   *arp = packet(false, ETH_ARP);
	u8 got[64], type;

	send_udp4(&w, 5, 9, "x", 1);
	ck_assert_int_eq(packet_get(ps, got, sizeof(got), &type), 43);
	ck_assert_uint_eq(type, PKT_L2_HOST);
	ck_assert_mem_eq(got, mac_us, 6);
	ck_assert_uint_eq(get_be16(got + 12), ETH_IPV4);
	/* and the answer that goes out: "port unreachable" */
	ck_assert_int_gt(packet_get(ps, got, sizeof(got), &type), 0);
	ck_assert_uint_eq(type, PKT_L2_OUTGOING);
	ck_assert_int_eq(packet_get(ip, got, sizeof(got), &type), 43);
	ck_assert_int_eq(packet_get(ip, got, sizeof(got), &type), -EAGAIN);
	ck_assert_int_eq(packet_get(arp, got, sizeof(got), &type), -EAGAIN);
	packet_close(ps);
	packet_close(ip);
	packet_close(arp);
}
END_TEST

START_TEST(packet_cooked_begins_behind_the_link_header)
{
	struct packet_sock *ps = packet(true, ETH_IPV4);
	u8 got[64];

	send_udp4(&w, 5, 9, "x", 1);
	ck_assert_int_eq(packet_get(ps, got, sizeof(got), NULL), 29);
	ck_assert_uint_eq(got[0], 0x45);
	packet_close(ps);
}
END_TEST

START_TEST(packet_sees_frames_for_others)
{
	static const u8 other[6] = {2, 0, 0, 0, 0, 77};
	struct packet_sock *ps = packet(true, ETH_IPV4);
	u8 got[64], type;

	b_eth(&f, other, mac_peer, ETH_IPV4);
	b_ip4(&f, IP_B, IP_A, PROTO_UDP);
	b_udp(&f, 5, 9, "x", 1);
	b_send(&w, &f);
	ck_assert_int_eq(packet_get(ps, got, sizeof(got), &type), 29);
	ck_assert_uint_eq(type, PKT_L2_OTHERHOST);
	packet_close(ps);
}
END_TEST

START_TEST(packet_of_one_interface)
{
	struct packet_sock *ps = packet(true, ETH_ALL);
	struct net_sock *u = udp_open(w.w, false);

	ps->ifindex = w.wn->index;
	ck_assert_int_eq(udp_put(u, &lo, 9, "x", 1), 1);
	ck_assert_int_eq(packet_get(ps, NULL, 0, NULL), -EAGAIN);
	ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	ck_assert_int_eq(packet_get(ps, NULL, 0, NULL), 29);
	packet_close(ps);
	dgram_close(u);
}
END_TEST

START_TEST(packet_on_loopback_has_an_empty_header)
{
	static const u8 zero[12];
	struct packet_sock *ps = packet(false, ETH_IPV4);
	struct net_sock *u = udp_open(w.w, false);
	u8 got[64];

	ck_assert_int_eq(udp_put(u, &lo, 9, "x", 1), 1);
	ck_assert_int_eq(packet_get(ps, got, sizeof(got), NULL), 43);
	ck_assert_mem_eq(got, zero, 12);
	ck_assert_uint_eq(get_be16(got + 12), ETH_IPV4);
	packet_close(ps);
	dgram_close(u);
}
END_TEST

static s64 packet_put(struct packet_sock *ps, const void *data, size_t size, u32 ifindex, u32 proto,
		      const u8 *dst)
{
	struct mem_iter m;

	mem_in(&m, data, size);
	return packet_send(ps, &m.it, ifindex, proto, dst);
}

START_TEST(packet_sends_frames)
{
	struct packet_sock *ps = packet(false, ETH_ALL), *cooked = packet(true, ETH_ALL);
	const struct frame *r;

	b_eth(&f, mac_peer, mac_all, 0x1234);
	b_add(&f, "hello", 5);
	ck_assert_int_eq(packet_put(ps, f.b, f.size, w.wn->index, 0, NULL), f.size);
	r = wire_must(&w);
	ck_assert_uint_eq(r->size, f.size);
	ck_assert_mem_eq(r->bytes, f.b, f.size);
	ck_assert_int_eq(packet_get(ps, NULL, 0, NULL), -EAGAIN); /* not its own */
	ck_assert_int_eq(packet_get(cooked, NULL, 0, NULL), 5);
	ck_assert_int_eq(packet_put(cooked, "hello", 5, w.wn->index, 0x4321, mac_peer), 5);
	r = wire_must(&w);
	ck_assert_mem_eq(r->bytes, mac_peer, 6);
	ck_assert_mem_eq(r->bytes + 6, mac_us, 6);
	ck_assert_uint_eq(get_be16(r->bytes + 12), 0x4321);
	packet_close(ps);
	packet_close(cooked);
}
END_TEST

/* A frame sent into loopback is of the type that its sender said, whatever it begins with. */
START_TEST(packet_of_unknown_type_over_loopback)
{
	struct packet_sock *out = packet(!_i, 0), *in = packet(true, 0x1234), *ip = packet(true, ETH_IPV4),
			   *raw = packet(false, 0x1234);
	u32 ignored = (u32)w.w->mib[MIB_IpInReceives];
	u32 header = _i ? 14 : 0;
	u8 got[64], zero[14] = {0};

	memset(f.b, 0, 14);
	put_be16(f.b + 12, 0x1234);
	memcpy(f.b + header, "\x45llo", 4);
	ck_assert_int_eq(packet_put(out, f.b, header + 4, w.w->lo->index, 0x1234, NULL), header + 4);
	ck_assert_int_eq(packet_get(in, got, sizeof(got), NULL), 4);
	ck_assert_mem_eq(got, "\x45llo", 4);
	ck_assert_int_eq(packet_get(raw, got, sizeof(got), NULL), 18);
	put_be16(zero + 12, 0x1234);
	ck_assert_mem_eq(got, zero, 14);
	ck_assert_int_eq(packet_put(out, f.b, header, w.w->lo->index, 0x1234, NULL), header);
	ck_assert_int_eq(packet_get(in, got, sizeof(got), NULL), 0);
	ck_assert_int_eq(packet_get(ip, got, sizeof(got), NULL), -EAGAIN);
	ck_assert_uint_eq(w.w->mib[MIB_IpInReceives], ignored); /* nor does IP see it */
	packet_close(out);
	packet_close(in);
	packet_close(ip);
	packet_close(raw);
}
END_TEST

/* One that says it is IP but is of the other version, or cut: IP looks at it and drops it. */
START_TEST(packet_of_the_wrong_version_over_loopback)
{
	struct packet_sock *out = packet(true, 0), *in = packet(true, _i ? ETH_IPV6 : ETH_IPV4);
	u8 m[40] = {_i ? 0x45 : 0x60}, got[64];
	u32 type = _i ? ETH_IPV6 : ETH_IPV4;

	for (u32 size = 0; size <= sizeof(m); size += 20) {
		ck_assert_int_eq(packet_put(out, m, size, w.w->lo->index, type, NULL), size);
		ck_assert_int_eq(packet_get(in, got, sizeof(got), NULL), size);
	}
	packet_close(out);
	packet_close(in);
}
END_TEST

START_TEST(packet_refusals)
{
	struct packet_sock *ps = packet(false, ETH_ALL), *cooked = packet(true, ETH_ALL);
	static u8 big[1600];

	ck_assert_int_eq(packet_put(ps, big, 100, 99, 0, NULL), -ENXIO);
	ck_assert_int_eq(packet_put(ps, big, 13, w.wn->index, 0, NULL), -EINVAL);
	ck_assert_int_eq(packet_put(ps, big, 1600, w.wn->index, 0, NULL), -EMSGSIZE);
	ck_assert_int_eq(packet_put(cooked, big, 1501, w.wn->index, 0, mac_peer), -EMSGSIZE);
	ck_assert_int_eq(packet_put(cooked, big, 10, w.wn->index, 0, NULL), -EINVAL);
	ck_assert_int_eq(netif_set_up(w.wn, false), 0);
	ck_assert_int_eq(packet_put(ps, big, 100, w.wn->index, 0, NULL), -ENETDOWN);
	packet_close(ps);
	packet_close(cooked);
}
END_TEST

START_TEST(packet_queue_is_bounded)
{
	struct packet_sock *ps = packet(false, ETH_IPV4);
	u32 n = 0;

	ps->rcvbuf = 10000;
	for (u32 i = 0; i < 100; i++)
		send_udp4(&w, 5, 9, "x", 1);
	wire_skip(&w);
	while (packet_get(ps, NULL, 0, NULL) > 0)
		n++;
	ck_assert_uint_gt(n, 2);
	ck_assert_uint_lt(n, 30);
	ck_assert_uint_eq(ps->packets, 100);
	ck_assert_uint_eq(ps->drops, 100 - n);
	ck_assert_uint_eq(ps->queued, 0);
	packet_close(ps);
}
END_TEST

START_TEST(packet_promiscuous)
{
	struct packet_sock *one = packet(false, ETH_ALL), *two = packet(false, ETH_ALL);

	ck_assert_int_eq(packet_set_promisc(one, 99, true), -ENODEV);
	ck_assert_int_eq(packet_set_promisc(one, w.wn->index, false), -EADDRNOTAVAIL);
	ck_assert_int_eq(packet_set_promisc(one, w.wn->index, true), 0);
	ck_assert_int_eq(packet_set_promisc(two, w.wn->index, true), 0);
	ck_assert(w.wn->flags & NETIF_PROMISC);
	ck_assert_int_eq(packet_set_promisc(one, w.wn->index, false), 0);
	ck_assert(w.wn->flags & NETIF_PROMISC);
	packet_close(two);
	ck_assert(!(w.wn->flags & NETIF_PROMISC));
	packet_close(one);
}
END_TEST

START_TEST(packet_when_the_interface_goes)
{
	struct packet_sock *ps = packet(false, ETH_ALL);

	ps->ifindex = w.wn->index;
	send_udp4(&w, 5, 9, "x", 1);
	ck_assert_int_eq(packet_set_promisc(ps, w.wn->index, true), 0);
	netif_remove(w.wn);
	ck_assert_int_eq(packet_get(ps, NULL, 0, NULL), -ENETDOWN);
	ck_assert_int_eq(packet_get(ps, NULL, 0, NULL), 43);
	packet_close(ps);
}
END_TEST

TCase *case_raw(void)
{
	TCase *t = tcase_create("raw");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, raw_gets_the_ip_header);
	tcase_add_test(t, raw_beside_udp);
	tcase_add_test(t, raw_sends_with_a_header_made_for_it);
	tcase_add_test(t, raw_bound_and_connected_hear_less);
	tcase_add_test(t, raw_fragments_come_whole);
	tcase_add_test(t, own_header_is_completed);
	tcase_add_test(t, own_header_refused);
	tcase_add_test(t, icmp_filter_blocks_types);
	tcase_add_test(t, raw_errors);
	tcase_add_test(t, raw_refusals);
	tcase_add_test(t, raw6_gets_the_payload);
	tcase_add_test(t, raw6_checksum_is_made_and_checked);
	tcase_add_test(t, raw6_icmp_checksum_always);
	tcase_add_test(t, raw6_filter);
	tcase_add_test(t, ping_sends_only_echo);
	tcase_add_test(t, pings_do_not_hear_each_other);
	tcase_add_test(t, ping_over_loopback);
	tcase_add_test(t, ping_unreachable);
	tcase_add_test(t, packet_sees_whole_frames);
	tcase_add_test(t, packet_cooked_begins_behind_the_link_header);
	tcase_add_test(t, packet_sees_frames_for_others);
	tcase_add_test(t, packet_of_one_interface);
	tcase_add_test(t, packet_on_loopback_has_an_empty_header);
	tcase_add_loop_test(t, packet_of_unknown_type_over_loopback, 0, 2);
	tcase_add_loop_test(t, packet_of_the_wrong_version_over_loopback, 0, 2);
	tcase_add_test(t, packet_sends_frames);
	tcase_add_test(t, packet_refusals);
	tcase_add_test(t, packet_queue_is_bounded);
	tcase_add_test(t, packet_promiscuous);
	tcase_add_test(t, packet_when_the_interface_goes);
	return t;
}

/* test_pcap.c: captures of an interface in a file. */
#include "netstack/link/pcap.h"

#include <errno.h>
#include <stdlib.h>

#include "netstack/net/ip.h"
#include "tests/unit/netstack/fixture.h"

static struct world w;

static u8 file[300000];
static u32 file_size;

static void to_file(void *ctx, const void *bytes, size_t size)
{
	(void)ctx;
	ck_assert_uint_le(file_size + size, sizeof(file));
	memcpy(file + file_size, bytes, size);
	file_size += (u32)size;
}

static u32 word(u32 at)
{
	u32 v;

	memcpy(&v, file + at, 4);
	return v;
}

START_TEST(capture)
{
	struct pcap c;
	struct ip_addr b = ip_v4(IP_B);
	struct net_sock *u;

	file_size = 0;
	world_wire(&w);
	know_peer(&w);
	u = udp_bound(w.w, IP4_ANY, 9);
	pcap_start(&c, w.wn, 0, to_file, NULL);
	ck_assert_uint_eq(file_size, 24);
	ck_assert_uint_eq(word(0), 0xa1b23c4d);
	ck_assert_uint_eq(word(4), 4U << 16 | 2);
	ck_assert_uint_eq(word(20), 1);
	ck_assert_int_eq(udp_put(u, &b, 5, "hello", 5), 5);
	ck_assert_uint_eq(file_size, 24 + 16 + 47);
	ck_assert_uint_eq(word(24), 1700001060);
	ck_assert_uint_eq(word(32), 47);
	ck_assert_uint_eq(word(36), 47);
	ck_assert_mem_eq(file + 40, w.sent[0].bytes, 47);
	send_udp4(&w, 5, 9, "in", 2);
	ck_assert_uint_eq(file_size, 24 + 16 + 47 + 16 + 44);
	ck_assert_mem_eq(file + file_size - 2, "in", 2);
	ck_assert_uint_eq(c.frames, 2);
	pcap_stop(&c);
	send_udp4(&w, 5, 9, "in", 2);
	ck_assert_uint_eq(file_size, 24 + 16 + 47 + 16 + 44);
	dgram_close(u);
	world_end(&w);
}
END_TEST

START_TEST(capture_cut_short)
{
	struct pcap c;

	file_size = 0;
	world_wire(&w);
	pcap_start(&c, w.wn, 20, to_file, NULL);
	send_udp4(&w, 5, 9, "in", 2);
	ck_assert_uint_eq(word(16), 20);
	ck_assert_uint_eq(word(32), 20);
	ck_assert_uint_eq(word(36), 44);
	pcap_stop(&c);
	world_end(&w);
}
END_TEST

START_TEST(capture_of_loopback)
{
	struct pcap c;
	struct ip_addr lo = ip_v4(0x7f000001);
	struct net_sock *u;
	static u8 big[60000];

	file_size = 0;
	world_wire(&w);
	u = udp_bound(w.w, IP4_ANY, 9);
	pcap_start(&c, w.w->lo, 0, to_file, NULL);
	ck_assert_uint_eq(word(20), 101);
	ck_assert_int_eq(udp_put(u, &lo, 9, big, sizeof(big)), sizeof(big));
	ck_assert_uint_eq(file_size, 24 + 2 * (16 + 60028)); /* out, and in again */
	pcap_stop(&c);
	dgram_close(u);
	world_end(&w);
}
END_TEST

TCase *case_pcap(void)
{
	TCase *t = tcase_create("pcap");

	tcase_add_test(t, capture);
	tcase_add_test(t, capture_cut_short);
	tcase_add_test(t, capture_of_loopback);
	return t;
}

/* test_tap.c: an interface over a descriptor of somebody else's: frames out and in, offloads, a device that
 * is full. */
#include "netstack/link/tap.h"

#include <errno.h>
#include <stdlib.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/tap_wire.h"

START_TEST(tap_plain_out)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);

	open_tap(0, LINK_CSUM_OUT | LINK_GSO_UDP, false); /* without the header it can do nothing */
	ck_assert_uint_eq(tw.nif->features, 0);
	u = udp_open(tw.w.w, false);
	ck_assert_int_eq(udp_put(u, &b, 9, "hello", 5), 5);
	ck_assert_uint_eq(tw.count, 1);
	ck_assert_uint_eq(tw.sizes[0], 14 + 28 + 5);
	ck_assert_mem_eq(tw.written, mac_peer, 6);
	ck_assert_mem_eq(tw.written + 42, "hello", 5);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_checksum_left_to_the_host)
{
	struct net_sock *u;
	struct ip_addr a = ip_v4(IP_A), b = ip_v4(IP_B);
	struct vnet_hdr h;
	u16 part;

	open_tap(10, LINK_CSUM_OUT, false);
	u = udp_open(tw.w.w, false);
	ck_assert_int_eq(udp_put(u, &b, 9, "hello", 5), 5);
	ck_assert_uint_eq(tw.sizes[0], 10 + 14 + 28 + 5);
	memcpy(&h, tw.written, sizeof(h));
	ck_assert_uint_eq(h.flags, VNET_F_NEEDS_CSUM);
	ck_assert_uint_eq(h.gso_type, VNET_GSO_NONE);
	ck_assert_uint_eq(h.csum_start, 34);
	ck_assert_uint_eq(h.csum_offset, 6);
	memcpy(&part, tw.written + 10 + 40, 2);
	ck_assert_uint_eq(part, csum_fold(csum_pseudo(&a, &b, PROTO_UDP, 13)));
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_segments_left_to_the_host)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);
	struct vnet_hdr h;
	static u8 big[5000];

	open_tap(12, LINK_CSUM_OUT | LINK_GSO_UDP, false);
	u = udp_open(tw.w.w, false);
	u->gso_size = 1000;
	ck_assert_int_eq(udp_put(u, &b, 9, big, sizeof(big)), sizeof(big));
	ck_assert_uint_eq(tw.count, 1);
	ck_assert_uint_eq(tw.sizes[0], 12 + 42 + 5000);
	memcpy(&h, tw.written, sizeof(h));
	ck_assert_uint_eq(h.flags, VNET_F_NEEDS_CSUM);
	ck_assert_uint_eq(h.gso_type, VNET_GSO_UDP_L4);
	ck_assert_uint_eq(h.gso_size, 1000);
	ck_assert_uint_eq(h.hdr_size, 42);
	ck_assert_uint_eq(h.csum_start, 34);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_full_device)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);
	struct tap_stats st;
	u64 before;

	open_tap(0, 0, false);
	u = udp_open(tw.w.w, false);
	tap_stats(tw.tap, &st);
	before = st.tx_frames;
	tw.result = -EAGAIN;
	for (u32 i = 0; i < 5; i++)
		ck_assert_int_eq(udp_put(u, &b, 9, &"abcde"[i], 1), 1);
	tw.result = 0;
	ck_assert_int_eq(udp_put(u, &b, 9, "f", 1), 1); /* not before those that wait */
	ck_assert_uint_eq(tw.count, 0);
	tap_tx_ready(tw.tap);
	ck_assert_uint_eq(tw.count, 6);
	for (u32 i = 0; i < 6; i++)
		ck_assert_uint_eq(tw.written[43 * i + 42], "abcdef"[i]);
	tap_stats(tw.tap, &st);
	ck_assert_uint_eq(st.tx_queued, 6);
	ck_assert_uint_eq(st.tx_frames - before, 6);
	ck_assert_uint_eq(st.tx_lost, 0);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_queue_is_bounded)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);
	struct tap_stats st;

	open_tap(0, 0, false);
	u = udp_open(tw.w.w, false);
	tw.result = -EAGAIN;
	for (u32 i = 0; i < 1500; i++)
		ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	tap_stats(tw.tap, &st);
	ck_assert_uint_eq(st.tx_queued, 1000);
	ck_assert_uint_eq(st.tx_lost, 500);
	ck_assert_uint_eq(tw.nif->stats.tx_dropped, 500);
	dgram_close(u);
	close_tap(); /* with frames waiting */
}
END_TEST

START_TEST(tap_write_errors)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);

	open_tap(0, 0, false);
	u = udp_open(tw.w.w, false);
	tw.result = -EIO; /* the host's end is down: lost, as on a wire */
	ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	ck_assert_uint_eq(tw.nif->stats.tx_dropped, 1);
	tw.result = 0;
	ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	dgram_close(u);
	close_tap();
}
END_TEST

static void udp_frame(struct build *f, const void *data, u32 size)
{
	b_eth(f, mac_us, mac_peer, ETH_IPV4);
	b_ip4(f, IP_B, IP_A, PROTO_UDP);
	b_udp(f, 5, 9, data, size);
	b_finish(f);
}

START_TEST(tap_says_what_no_reader_had_room_for)
{
	struct net_sock *u;
	static struct build f;
	struct vnet_hdr h = {.flags = VNET_F_DATA_VALID};
	u32 got = 0;

	open_tap(10, 0, false);
	u = udp_bound(tw.w.w, IP4_ANY, 9);
	u->rcvbuf = 8000;
	udp_frame(&f, "hello", 5);
	for (u32 i = 0; i < 40; i++)
		rx(&h, 10, f.b, f.size);
	for (u32 lost = tap_rx_end(tw.tap); dgram_get(u, NULL, 0, NULL, NULL) >= 0; got++)
		ck_assert_uint_eq(lost, u->drops);
	ck_assert_uint_gt(got, 0);
	ck_assert_uint_eq(got + u->drops, 40);
	rx(&h, 10, f.b, f.size);
	ck_assert_uint_eq(tap_rx_end(tw.tap), 0);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_in_with_partial_checksum)
{
	struct net_sock *u;
	static struct build f;
	struct vnet_hdr h = {.flags = VNET_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};

	open_tap(10, 0, false);
	u = udp_bound(tw.w.w, IP4_ANY, 9);
	udp_frame(&f, "hello", 5);
	memset(f.b + 40, 0x5a, 2); /* whatever stands there */
	rx(&h, 10, f.b, f.size);
	tap_rx_end(tw.tap);
	expect_datagram(u, "hello");
	h = (struct vnet_hdr){.flags = VNET_F_DATA_VALID};
	rx(&h, 10, f.b, f.size);
	tap_rx_end(tw.tap);
	expect_datagram(u, "hello");
	h = (struct vnet_hdr){0};
	rx(&h, 10, f.b, f.size);
	tap_rx_end(tw.tap);
	expect_nothing(u); /* nobody vouches for it */
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_in_segments)
{
	struct net_sock *u;
	static struct build f;
	static u8 big[40000];
	struct vnet_hdr h = {.flags = VNET_F_NEEDS_CSUM,
			     .gso_type = VNET_GSO_UDP_L4,
			     .gso_size = 1000,
			     .hdr_size = 42,
			     .csum_start = 34,
			     .csum_offset = 6};

	open_tap(10, 0, false);
	u = udp_bound(tw.w.w, IP4_ANY, 9);
	u->rcvbuf = 1000000;
	udp_frame(&f, big, sizeof(big));
	rx(&h, 10, f.b, f.size);
	tap_rx_end(tw.tap);
	for (u32 i = 0; i < 40; i++)
		ck_assert_int_eq(dgram_get(u, NULL, 0, NULL, NULL), 1000);
	expect_nothing(u);
	dgram_close(u);
	close_tap();
}
END_TEST

static const struct vnet_hdr bad_vnet[] = {
    {.flags = VNET_F_NEEDS_CSUM, .csum_start = 60000, .csum_offset = 6},
    {.flags = VNET_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 60000},
    {.flags = VNET_F_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535},
    {.gso_type = VNET_GSO_TCPV4, .gso_size = 100}, /* no checksum */
    {.flags = VNET_F_NEEDS_CSUM,
     .csum_start = 34,
     .csum_offset = 6,
     .gso_type = VNET_GSO_TCPV4}, /* no size */
    {.gso_type = 77},
    {.gso_type = VNET_GSO_UDP}, /* fragments: nobody was asked to send those */
};

START_TEST(tap_bad_header_dropped)
{
	struct net_sock *u;
	static struct build f;
	struct tap_stats st;

	open_tap(10, 0, false);
	u = udp_bound(tw.w.w, IP4_ANY, 9);
	udp_frame(&f, "hello", 5);
	rx(&bad_vnet[_i], 10, f.b, f.size);
	tap_rx_end(tw.tap);
	expect_nothing(u);
	tap_stats(tw.tap, &st);
	ck_assert_uint_eq(st.rx_bad, 1);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_short_reads)
{
	static const u8 zero[12];

	open_tap(12, 0, false);
	for (u32 n = 0; n < 12; n++)
		rx(zero, n, "", 0);
	rx(zero, 12, "", 0);
	tap_rx_end(tw.tap);
	close_tap();
}
END_TEST

/* Frames of all sizes, one after another: nothing is overwritten while a socket still has it. */
START_TEST(tap_blocks_are_shared_safely)
{
	static u8 data[60000];
	static struct build f;
	struct net_sock *u;

	open_tap(0, 0, false);
	u = udp_bound(tw.w.w, IP4_ANY, 9);
	u->rcvbuf = 100000000;
	for (u32 i = 0; i < 300; i++) {
		u32 size = (i * 977) % 9000;
		memset(data, (int)(i & 0xff), size);
		udp_frame(&f, data, size);
		rx("", 0, f.b, f.size);
		if (i % 7 == 0)
			tap_rx_end(tw.tap);
	}
	tap_rx_end(tw.tap);
	for (u32 i = 0; i < 300; i++) {
		u32 size = (i * 977) % 9000;
		ck_assert_int_eq(dgram_get(u, data, sizeof(data), NULL, NULL), size);
		ck_assert(size < 2 || (data[0] == (i & 0xff) && !memcmp(data, data + 1, size - 1)));
	}
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_without_memory)
{
	struct iovec iov[TAP_RX_IOV];

	open_tap(0, 0, false);
	tw.w.fail_after = 0;
	ck_assert_uint_eq(tap_rx_space(tw.tap, iov), 0);
	tw.w.fail_after = -1;
	ck_assert_uint_ge(tap_rx_space(tw.tap, iov), 3);
	close_tap();
}
END_TEST

/* Whatever frames came before, there is room for the largest. */
START_TEST(tap_has_room_after_large_frames)
{
	static u8 frame[65549];
	struct iovec iov[TAP_RX_IOV];
	struct pkt *p;

	open_tap(10, LINK_CSUM_OUT, false);
	frame[12] = 0x88; /* of no protocol that we know */
	frame[13] = 0xb5;
	for (u32 i = 0; i < 300; i++) {
		u32 n = tap_rx_space(tw.tap, iov), room = 0;
		u8 vnet[10] = {0};
		for (u32 k = 0; k < n; k++)
			room += (u32)iov[k].iov_len;
		ck_assert_uint_ge(room, 10 + sizeof(frame));
		rx(vnet, 10, frame, i % 3 ? (u32)sizeof(frame) - i : 1200 + 97 * i);
		tap_rx_end(tw.tap);
		while ((p = next_seen()) != NULL)
			pkt_free(p);
	}
	ck_assert_uint_eq(tap_netif(tw.tap)->stats.rx_dropped, 0);
	close_tap();
}
END_TEST

START_TEST(tap_refused)
{
	struct tap_config c = {.name = "t0", .mtu = 1500, .vnet_size = 11, .write = on_write};
	struct tap *t;

	open_tap(0, 0, false);
	ck_assert_int_eq(tap_add(tw.w.w, &c, &t), -EINVAL);
	c.vnet_size = 0;
	c.name = "eth0";
	ck_assert_int_eq(tap_add(tw.w.w, &c, &t), -EEXIST);
	close_tap();
}
END_TEST

/* ---- frames that wait for others ---- */

static u32 frame_at(u32 i)
{
	return 43 * i + 42; /* of one byte each */
}

START_TEST(tap_small_frames_wait)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);
	struct tap_stats st;

	open_tap(0, 0, false);
	u = udp_open(tw.w.w, false);
	tw.wait_frames = 4;
	for (u32 i = 0; i < 3; i++)
		ck_assert_int_eq(udp_put(u, &b, 9, &"abc"[i], 1), 1);
	ck_assert_uint_eq(tw.count, 0);
	tap_tx_flush(tw.tap);
	ck_assert_uint_eq(tw.count, 3);
	tap_tx_flush(tw.tap);
	ck_assert_uint_eq(tw.count, 3);
	for (u32 i = 0; i < 3; i++)
		ck_assert_uint_eq(tw.written[frame_at(i)], "abc"[i]);
	tap_stats(tw.tap, &st);
	ck_assert_uint_eq(st.tx_queued, 0); /* that is for a device that is full */
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_frame_that_may_not_wait_takes_the_others_along)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);

	open_tap(0, 0, false);
	u = udp_open(tw.w.w, false);
	tw.wait_frames = 4;
	for (u32 i = 0; i < 5; i++)
		ck_assert_int_eq(udp_put(u, &b, 9, &"abcde"[i], 1), 1);
	ck_assert_uint_eq(tw.count, 5);
	for (u32 i = 0; i < 5; i++)
		ck_assert_uint_eq(tw.written[frame_at(i)], "abcde"[i]);
	ck_assert_int_eq(udp_put(u, &b, 9, "f", 1), 1);
	ck_assert_uint_eq(tw.count, 5); /* the next begin to wait again */
	dgram_close(u);
	close_tap(); /* with a frame waiting */
}
END_TEST

START_TEST(tap_full_device_while_frames_wait)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);

	open_tap(0, 0, false);
	u = udp_open(tw.w.w, false);
	tw.wait_frames = 4;
	ck_assert_int_eq(udp_put(u, &b, 9, "a", 1), 1);
	tw.result = -EAGAIN;
	tap_tx_flush(tw.tap);
	tw.result = 0;
	tap_tx_flush(tw.tap); /* it has not said that there is room */
	ck_assert_uint_eq(tw.count, 0);
	for (u32 i = 0; i < 9; i++)
		ck_assert_int_eq(udp_put(u, &b, 9, &"bcdefghij"[i], 1), 1);
	ck_assert_uint_eq(tw.count, 0);
	tap_tx_ready(tw.tap);
	ck_assert_uint_eq(tw.count, 10);
	for (u32 i = 0; i < 10; i++)
		ck_assert_uint_eq(tw.written[frame_at(i)], "abcdefghij"[i]);
	dgram_close(u);
	close_tap();
}
END_TEST

START_TEST(tap_frames_that_waited_are_lost_by_an_error)
{
	struct net_sock *u;
	struct ip_addr b = ip_v4(IP_B);
	struct tap_stats st;

	open_tap(0, 0, false);
	u = udp_open(tw.w.w, false);
	tw.wait_frames = 4;
	for (u32 i = 0; i < 3; i++)
		ck_assert_int_eq(udp_put(u, &b, 9, "x", 1), 1);
	tw.result = -EIO;
	tap_tx_flush(tw.tap);
	tap_stats(tw.tap, &st);
	ck_assert_uint_eq(st.tx_lost, 3);
	ck_assert_uint_eq(tw.nif->stats.tx_errors, 3);
	tw.result = 0;
	tap_tx_flush(tw.tap);
	ck_assert_uint_eq(tw.count, 0);
	dgram_close(u);
	close_tap();
}
END_TEST

TCase *case_tap(void)
{
	TCase *t = tcase_create("tap");

	tcase_add_test(t, tap_plain_out);
	tcase_add_test(t, tap_checksum_left_to_the_host);
	tcase_add_test(t, tap_segments_left_to_the_host);
	tcase_add_test(t, tap_full_device);
	tcase_add_test(t, tap_queue_is_bounded);
	tcase_add_test(t, tap_write_errors);
	tcase_add_test(t, tap_says_what_no_reader_had_room_for);
	tcase_add_test(t, tap_in_with_partial_checksum);
	tcase_add_test(t, tap_in_segments);
	tcase_add_loop_test(t, tap_bad_header_dropped, 0, ARRAY_COUNT(bad_vnet));
	tcase_add_test(t, tap_short_reads);
	tcase_add_test(t, tap_blocks_are_shared_safely);
	tcase_add_test(t, tap_without_memory);
	tcase_add_test(t, tap_refused);
	tcase_add_test(t, tap_has_room_after_large_frames);
	tcase_add_test(t, tap_small_frames_wait);
	tcase_add_test(t, tap_frame_that_may_not_wait_takes_the_others_along);
	tcase_add_test(t, tap_full_device_while_frames_wait);
	tcase_add_test(t, tap_frames_that_waited_are_lost_by_an_error);
	return t;
}

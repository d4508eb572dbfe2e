/* test_proto.c: the framing of the control protocol: cuts anywhere, descriptors, hostile lengths, limits. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/control/proto.h"

static int open_count(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void make_pair(int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

/* Reads until a message is there. */
static int receive(struct proto_reader *reader, int socket, struct proto_message *message)
{
	for (;;) {
		long got;
		int r = proto_reader_next(reader, message);

		if (r)
			return r;
		got = proto_reader_fill(reader, socket);
		if (got <= 0)
			return got ? (int)got : -EPIPE;
	}
}

START_TEST(round_trip)
{
	int pair[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC), before = open_count(), fds[2];
	struct proto_writer writer;
	struct proto_reader reader;
	struct proto_message message;

	make_pair(pair);
	proto_writer_init(&writer, NULL, 0);
	proto_reader_init(&reader, NULL);
	ck_assert_int_eq(proto_writer_queue(&writer, "{\"a\":1}", 7, NULL, 0), 0);
	fds[0] = dup(null);
	fds[1] = dup(null);
	ck_assert_int_eq(proto_writer_queue(&writer, "{\"b\":2}", 7, fds, 2), 0);
	ck_assert_int_eq(proto_writer_queue(&writer, "{}", 2, NULL, 0), 0);
	ck_assert_int_eq(proto_writer_flush(&writer, pair[0]), 0);
	ck_assert_uint_eq(writer.queued_size, 0);

	ck_assert_int_eq(receive(&reader, pair[1], &message), 1);
	ck_assert_str_eq(message.text, "{\"a\":1}");
	ck_assert_uint_eq(message.fd_count, 0);
	ck_assert_int_eq(receive(&reader, pair[1], &message), 1);
	ck_assert_str_eq(message.text, "{\"b\":2}");
	ck_assert_uint_eq(message.fd_count, 2);
	int taken = proto_take_fd(&message, 1);
	ck_assert_int_ge(taken, 0);
	ck_assert_int_eq(proto_take_fd(&message, 1), -1);
	ck_assert_int_eq(proto_take_fd(&message, 2), -1);
	close(taken);
	ck_assert_int_eq(receive(&reader, pair[1], &message), 1);
	ck_assert_str_eq(message.text, "{}");
	ck_assert_uint_eq(message.fd_count, 0);
	ck_assert_int_eq(receive(&reader, pair[1], &message), -EAGAIN);
	proto_reader_free(&reader);
	proto_writer_free(&writer);
	close(pair[0]);
	close(pair[1]);
	ck_assert_int_eq(open_count(), before);
	close(null);
}
END_TEST

START_TEST(byte_by_byte)
{
	const uint8_t bytes[] = {3, 0, 0, 0, 'a', 'b', 'c', 1, 0, 0, 0, 'z'};
	struct proto_reader reader;
	struct proto_message message;
	int messages = 0;

	proto_reader_init(&reader, NULL);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		void *where;
		size_t size;

		ck_assert_int_eq(proto_reader_want(&reader, &where, &size), 0);
		ck_assert_uint_ge(size, 1);
		memcpy(where, bytes + i, 1);
		ck_assert_int_eq(proto_reader_got(&reader, 1, NULL, 0), 0);
		if (proto_reader_next(&reader, &message) == 1)
			ck_assert_str_eq(message.text, messages++ ? "z" : "abc");
	}
	ck_assert_int_eq(messages, 2);
	proto_reader_free(&reader);
}
END_TEST

static int feed_header(uint32_t length)
{
	struct proto_reader reader;
	struct proto_message message;
	uint8_t header[4] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16),
			     (uint8_t)(length >> 24)};
	void *where;
	size_t size;
	int r;

	proto_reader_init(&reader, NULL);
	ck_assert_int_eq(proto_reader_want(&reader, &where, &size), 0);
	ck_assert_uint_eq(size, 4);
	memcpy(where, header, 4);
	r = proto_reader_got(&reader, 4, NULL, 0);
	if (r)
		ck_assert_int_eq(proto_reader_next(&reader, &message), r);
	else
		ck_assert_int_eq(proto_reader_want(&reader, &where, &size), 0);
	if (!r)
		ck_assert_uint_le(size, 4096); /* a length alone must not cost memory */
	proto_reader_free(&reader);
	return r;
}

START_TEST(hostile_lengths)
{
	ck_assert_int_eq(feed_header(0), -EPROTO);
	ck_assert_int_eq(feed_header(PROTO_MAX_MESSAGE + 1), -EMSGSIZE);
	ck_assert_int_eq(feed_header(UINT32_MAX), -EMSGSIZE);
	ck_assert_int_eq(feed_header(PROTO_MAX_MESSAGE), 0);
}
END_TEST

START_TEST(largest_message)
{
	int pair[2], r;
	struct proto_writer writer;
	struct proto_reader reader;
	struct proto_message message;
	char *text = malloc(PROTO_MAX_MESSAGE + 1);

	make_pair(pair);
	memset(text, 'x', PROTO_MAX_MESSAGE + 1);
	proto_writer_init(&writer, NULL, 0);
	proto_reader_init(&reader, NULL);
	ck_assert_int_eq(proto_writer_queue(&writer, text, PROTO_MAX_MESSAGE + 1, NULL, 0), -EMSGSIZE);
	ck_assert_int_eq(proto_writer_queue(&writer, text, 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(proto_writer_queue(&writer, text, PROTO_MAX_MESSAGE, NULL, 0), 0);
	do {
		ck_assert_int_ge(proto_writer_flush(&writer, pair[0]), 0);
		r = receive(&reader, pair[1], &message);
	} while (r == -EAGAIN);
	ck_assert_int_eq(r, 1);
	ck_assert_uint_eq(message.size, PROTO_MAX_MESSAGE);
	ck_assert_int_eq(memcmp(message.text, text, message.size), 0);
	proto_reader_free(&reader);
	proto_writer_free(&writer);
	free(text);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(writer_limit)
{
	struct proto_writer writer;
	int queued = 0, r;

	proto_writer_init(&writer, NULL, 1000);
	while ((r = proto_writer_queue(&writer, "0123456789", 10, NULL, 0)) == 0)
		queued++;
	ck_assert_int_eq(r, -ENOBUFS);
	ck_assert_int_eq(queued, 1000 / 14);
	proto_writer_free(&writer);
	ck_assert_uint_eq(writer.queued_size, 0);
}
END_TEST

/* Descriptors sent in the middle of messages, again and again: kept below the limit, then the connection
 * breaks. */
START_TEST(surplus_descriptors)
{
	int pair[2], before = open_count(), r;
	struct proto_reader reader;
	struct proto_message message;
	uint8_t header[4] = {100, 0, 0, 0};

	make_pair(pair);
	proto_reader_init(&reader, NULL);
	ck_assert_int_eq(send(pair[0], header, 4, 0), 4);
	r = receive(&reader, pair[1], &message);
	for (int i = 0; i < 20 && r == -EAGAIN; i++) {
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(sizeof(int))];
		} control = {.bytes = {0}};
		struct iovec iov = {.iov_base = header, .iov_len = 1};
		struct msghdr out = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = &control,
				     .msg_controllen = sizeof(control)};

		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &pair[0], sizeof(int));
		ck_assert_int_eq(sendmsg(pair[0], &out, 0), 1);
		r = receive(&reader, pair[1], &message);
	}
	ck_assert_int_eq(r, -EPROTO);
	proto_reader_free(&reader);
	close(pair[0]);
	close(pair[1]);
	ck_assert_int_eq(open_count(), before);
}
END_TEST

START_TEST(end_of_stream)
{
	int pair[2];
	struct proto_reader reader;
	struct proto_message message;

	make_pair(pair);
	proto_reader_init(&reader, NULL);
	ck_assert_int_eq(send(pair[0], "\5\0\0\0ab", 6, 0), 6);
	close(pair[0]);
	ck_assert_int_eq(receive(&reader, pair[1], &message), -EPIPE);
	proto_reader_free(&reader);
	close(pair[1]);
}
END_TEST

START_TEST(peer_gone)
{
	int pair[2];
	struct proto_writer writer;

	make_pair(pair);
	close(pair[1]);
	proto_writer_init(&writer, NULL, 0);
	ck_assert_int_eq(proto_writer_queue(&writer, "{}", 2, NULL, 0), 0);
	ck_assert_int_eq(proto_writer_flush(&writer, pair[0]), -EPIPE);
	proto_writer_free(&writer);
	close(pair[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proto");
	TCase *tests = tcase_create("framing");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, round_trip);
	tcase_add_test(tests, byte_by_byte);
	tcase_add_test(tests, hostile_lengths);
	tcase_add_test(tests, largest_message);
	tcase_add_test(tests, writer_limit);
	tcase_add_test(tests, surplus_descriptors);
	tcase_add_test(tests, end_of_stream);
	tcase_add_test(tests, peer_gone);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

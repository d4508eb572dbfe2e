/*
 * test_unix_queue.c - what waits in unix sockets, how much, and how it is looked at: unix(7), socket(7),
 * recv(2).
 */
#include "case.h"

#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <linux/sockios.h>

#ifndef SO_PEEK_OFF
#define SO_PEEK_OFF 42
#endif

/* ---- helpers ---- */

static void pair(int type, int fds[2])
{
	OK(socketpair(AF_UNIX, type, 0, fds));
}

static socklen_t name_it(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, path);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static int bound(int type, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = name_it(&a, path);
	int s = socket(AF_UNIX, type, 0);

	EXPECT(s >= 0);
	OK(bind(s, (struct sockaddr *)&a, len));
	return s;
}

static int try_connect(int s, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = name_it(&a, path);

	return connect(s, (struct sockaddr *)&a, len);
}

static void nonblock(int fd)
{
	OK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
}

static int int_opt(int s, int name)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	OK(getsockopt(s, SOL_SOCKET, name, &v, &len));
	EXPECT_EQ(len, sizeof(v));
	return v;
}

static void set_opt(int s, int name, int v)
{
	OK(setsockopt(s, SOL_SOCKET, name, &v, sizeof(v)));
}

static int events(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	OK(poll(&p, 1, 0));
	return p.revents;
}

static void timeout_opt(int s, int name, int ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	OK(setsockopt(s, SOL_SOCKET, name, &tv, sizeof(tv)));
}

/* ---- buffer sizes ---- */

CASE(buffer_sizes_are_doubled)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	EXPECT_EQ(int_opt(s, SO_SNDBUF), 212992);
	EXPECT_EQ(int_opt(s, SO_RCVBUF), 212992);
	set_opt(s, SO_SNDBUF, 10000);
	EXPECT_EQ(int_opt(s, SO_SNDBUF), 20000);
	set_opt(s, SO_RCVBUF, 30000);
	EXPECT_EQ(int_opt(s, SO_RCVBUF), 60000);
	set_opt(s, SO_SNDBUF, 0);
	EXPECT_EQ(int_opt(s, SO_SNDBUF), 4608);
	set_opt(s, SO_RCVBUF, 0);
	EXPECT_EQ(int_opt(s, SO_RCVBUF), 2304);
	set_opt(s, SO_SNDBUF, 100 << 20); /* bounded, no error */
	EXPECT(int_opt(s, SO_SNDBUF) >= 2 * 212992 && int_opt(s, SO_SNDBUF) < 100 << 20);
}

CASE(forced_buffer_sizes_need_privilege)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), v = 1 << 20;

	set_opt(s, SO_SNDBUFFORCE, v);
	EXPECT_EQ(int_opt(s, SO_SNDBUF), 2 << 20);
	set_opt(s, SO_RCVBUFFORCE, v);
	EXPECT_EQ(int_opt(s, SO_RCVBUF), 2 << 20);
	OK(setresuid(65534, 65534, 65534));
	EXPECT_ERRNO(setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &v, sizeof(v)), EPERM);
	EXPECT_ERRNO(setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &v, sizeof(v)), EPERM);
}

CASE(option_sizes_are_checked)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), v = 1;
	socklen_t len = (socklen_t)-1;

	EXPECT_ERRNO(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, 3), EINVAL);
	EXPECT_ERRNO(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &v, sizeof(v)), EINVAL);
	EXPECT_ERRNO(setsockopt(s, SOL_SOCKET, SO_SNDBUF, (void *)1, 4), EFAULT);
	EXPECT_ERRNO(getsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, &len), EINVAL);
	len = 2;
	OK(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len)); /* cut off */
	EXPECT_EQ(len, 2);
	EXPECT_ERRNO(getsockopt(s, SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
	EXPECT_ERRNO(setsockopt(s, SOL_SOCKET, SO_TYPE, &v, sizeof(v)), ENOPROTOOPT);
	EXPECT_ERRNO(getsockopt(s, 77, 1, &v, &len), EOPNOTSUPP);
	EXPECT_ERRNO(setsockopt(s, 77, 1, &v, sizeof(v)), EOPNOTSUPP);
}

CASE(the_senders_buffer_counts)
{
	char buf[1024] = {0};
	size_t small = 0, large = 0;
	int fds[2];

	pair(SOCK_STREAM, fds);
	nonblock(fds[0]);
	set_opt(fds[0], SO_SNDBUF, 8192);
	set_opt(fds[1], SO_RCVBUF, 1); /* of no effect */
	while (write(fds[0], buf, sizeof(buf)) == sizeof(buf))
		small++;
	EXPECT_EQ(errno, EAGAIN);
	EXPECT(small >= 4 && small <= 32);
	set_opt(fds[0], SO_SNDBUF, 100000);
	while (write(fds[0], buf, sizeof(buf)) == sizeof(buf))
		large++;
	EXPECT(large > 2 * small);
	EXPECT_EQ(write(fds[1], buf, sizeof(buf)), sizeof(buf)); /* the other way is another buffer */
}

CASE(datagrams_larger_than_the_buffer)
{
	char buf[20000] = {0};
	int fds[2];

	pair(SOCK_DGRAM, fds);
	set_opt(fds[0], SO_SNDBUF, 5000);
	EXPECT_EQ(send(fds[0], buf, 5000, 0), 5000);
	EXPECT_ERRNO(send(fds[0], buf, 10001, 0), EMSGSIZE);
	EXPECT_EQ(recv(fds[1], buf, sizeof(buf), 0), 5000);
	pair(SOCK_SEQPACKET, fds);
	set_opt(fds[0], SO_SNDBUF, 5000);
	EXPECT_ERRNO(send(fds[0], buf, 10001, 0), EMSGSIZE);
}

CASE(a_datagram_queue_has_a_length)
{
	int server = bound(SOCK_DGRAM, "s"), client = socket(AF_UNIX, SOCK_DGRAM, 0), n = 0;
	char c;

	OK(try_connect(client, "s"));
	nonblock(client);
	EXPECT(events(client) & POLLOUT);
	while (send(client, "x", 1, 0) == 1)
		n++;
	EXPECT_EQ(errno, EAGAIN);
	EXPECT(n >= 10 && n <= 600); /* net.unix.max_dgram_qlen, and one */
	EXPECT(!(events(client) & POLLOUT));
	EXPECT_EQ(recv(server, &c, 1, 0), 1);
	EXPECT(events(client) & POLLOUT);
	EXPECT_EQ(send(client, "x", 1, 0), 1);
	EXPECT_ERRNO(send(client, "x", 1, 0), EAGAIN);
}

CASE(a_datagram_sender_waits)
{
	int server = bound(SOCK_DGRAM, "s"), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	char c = 0;
	pid_t pid;

	OK(try_connect(client, "s"));
	while (send(client, "x", 1, MSG_DONTWAIT) == 1)
		;
	pid = fork();
	if (!pid) {
		EXPECT_EQ(send(client, "y", 1, 0), 1);
		_exit(0);
	}
	sleep_ms(100);
	EXPECT_EQ(recv(server, &c, 1, 0), 1);
	expect_exit(pid, 0);
}

CASE(a_stream_writer_is_woken_by_the_reader)
{
	char buf[4096] = {0};
	size_t sent = 0, got = 0;
	int fds[2];
	pid_t pid;

	pair(SOCK_STREAM, fds);
	pid = fork();
	if (!pid) {
		close(fds[1]);
		for (int i = 0; i < 400; i++)
			EXPECT_EQ(write(fds[0], buf, sizeof(buf)), sizeof(buf));
		_exit(0);
	}
	close(fds[0]);
	sent = 400 * sizeof(buf);
	while (got < sent) {
		ssize_t n = read(fds[1], buf, sizeof(buf));
		EXPECT(n > 0);
		got += (size_t)n;
	}
	EXPECT_EQ(read(fds[1], buf, 1), 0);
	expect_exit(pid, 0);
}

CASE(poll_tells_when_a_stream_is_writable)
{
	char buf[4096] = {0};
	int fds[2];

	pair(SOCK_STREAM, fds);
	nonblock(fds[0]);
	EXPECT_EQ(events(fds[0]), POLLOUT);
	while (write(fds[0], buf, sizeof(buf)) > 0)
		;
	EXPECT_EQ(events(fds[0]), 0);
	EXPECT_EQ(events(fds[1]), POLLIN | POLLOUT);
	nonblock(fds[1]);
	while (read(fds[1], buf, sizeof(buf)) > 0)
		;
	EXPECT_EQ(events(fds[0]), POLLOUT);
}

/* ---- how much is there ---- */

CASE(bytes_in_the_queues)
{
	int fds[2], n = -1;
	char buf[64];

	pair(SOCK_STREAM, fds);
	OK(ioctl(fds[1], SIOCINQ, &n));
	EXPECT_EQ(n, 0);
	EXPECT_EQ(write(fds[0], "abc", 3), 3);
	EXPECT_EQ(write(fds[0], "defg", 4), 4);
	OK(ioctl(fds[1], SIOCINQ, &n));
	EXPECT_EQ(n, 7);
	OK(ioctl(fds[1], FIONREAD, &n));
	EXPECT_EQ(n, 7);
	EXPECT_EQ(read(fds[1], buf, 2), 2);
	OK(ioctl(fds[1], SIOCINQ, &n));
	EXPECT_EQ(n, 5);
	OK(ioctl(fds[0], SIOCOUTQ, &n));
	EXPECT(n > 0);
	EXPECT_EQ(read(fds[1], buf, 64), 5);
	OK(ioctl(fds[0], SIOCOUTQ, &n));
	EXPECT_EQ(n, 0);
	EXPECT_ERRNO(ioctl(fds[0], SIOCINQ, 1), EFAULT);
}

CASE(bytes_in_the_queue_of_packets)
{
	int fds[2], n = -1;

	pair(SOCK_SEQPACKET, fds);
	EXPECT_EQ(write(fds[0], "abc", 3), 3);
	EXPECT_EQ(write(fds[0], "defg", 4), 4);
	OK(ioctl(fds[1], SIOCINQ, &n));
	EXPECT_EQ(n, 7); /* all */
	pair(SOCK_DGRAM, fds);
	EXPECT_EQ(write(fds[0], "abc", 3), 3);
	EXPECT_EQ(write(fds[0], "defg", 4), 4);
	OK(ioctl(fds[1], SIOCINQ, &n));
	EXPECT_EQ(n, 3); /* the next */
}

CASE(a_listener_has_no_queue_of_bytes)
{
	int s = bound(SOCK_STREAM, "s"), n;

	OK(listen(s, 1));
	EXPECT_ERRNO(ioctl(s, SIOCINQ, &n), EINVAL);
	OK(ioctl(s, SIOCOUTQ, &n));
	EXPECT_EQ(n, 0);
}

/* ---- receiving ---- */

CASE(truncated_datagrams)
{
	char buf[8];
	struct iovec v = {buf, 3};
	struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1};
	int fds[2];

	pair(SOCK_DGRAM, fds);
	EXPECT_EQ(send(fds[0], "abcdef", 6, 0), 6);
	EXPECT_EQ(send(fds[0], "ghijkl", 6, 0), 6);
	EXPECT_EQ(send(fds[0], "mn", 2, 0), 2);
	EXPECT_EQ(recvmsg(fds[1], &h, 0), 3);
	EXPECT(h.msg_flags & MSG_TRUNC);
	EXPECT_EQ(recv(fds[1], buf, 3, MSG_TRUNC), 6); /* the real length */
	EXPECT(!memcmp(buf, "ghi", 3));
	EXPECT_EQ(recvmsg(fds[1], &h, 0), 2);
	EXPECT(!(h.msg_flags & MSG_TRUNC));
}

CASE(peeking_datagrams)
{
	char buf[8];
	int fds[2];

	pair(SOCK_DGRAM, fds);
	EXPECT_EQ(send(fds[0], "abc", 3, 0), 3);
	EXPECT_EQ(send(fds[0], "d", 1, 0), 1);
	EXPECT_EQ(recv(fds[1], buf, 8, MSG_PEEK), 3);
	EXPECT_EQ(recv(fds[1], buf, 1, MSG_PEEK | MSG_TRUNC), 3);
	EXPECT_EQ(recv(fds[1], buf, 8, 0), 3);
	EXPECT_EQ(recv(fds[1], buf, 8, 0), 1);
}

CASE(peek_offset_of_a_stream)
{
	char buf[16];
	int fds[2];

	pair(SOCK_STREAM, fds);
	EXPECT_EQ(int_opt(fds[1], SO_PEEK_OFF), -1);
	EXPECT_EQ(write(fds[0], "abcdefgh", 8), 8);
	EXPECT_EQ(recv(fds[1], buf, 4, MSG_PEEK), 4);
	EXPECT(!memcmp(buf, "abcd", 4));
	set_opt(fds[1], SO_PEEK_OFF, 2);
	EXPECT_EQ(recv(fds[1], buf, 3, MSG_PEEK), 3);
	EXPECT(!memcmp(buf, "cde", 3));
	EXPECT_EQ(int_opt(fds[1], SO_PEEK_OFF), 5); /* moves on */
	EXPECT_EQ(recv(fds[1], buf, 16, MSG_PEEK), 3);
	EXPECT(!memcmp(buf, "fgh", 3));
	EXPECT_EQ(recv(fds[1], buf, 3, 0), 3); /* and back with what is taken */
	EXPECT_EQ(int_opt(fds[1], SO_PEEK_OFF), 5);
	EXPECT_ERRNO(recv(fds[1], buf, 16, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	set_opt(fds[1], SO_PEEK_OFF, -1);
	EXPECT_EQ(recv(fds[1], buf, 16, MSG_PEEK), 5);
	EXPECT(!memcmp(buf, "defgh", 5));
}

CASE(peek_offset_of_datagrams)
{
	char buf[16];
	int fds[2];

	pair(SOCK_DGRAM, fds);
	EXPECT_EQ(send(fds[0], "abc", 3, 0), 3);
	EXPECT_EQ(send(fds[0], "def", 3, 0), 3);
	set_opt(fds[1], SO_PEEK_OFF, 1);
	EXPECT_EQ(recv(fds[1], buf, 16, MSG_PEEK), 2);
	EXPECT(!memcmp(buf, "bc", 2));
	EXPECT_EQ(int_opt(fds[1], SO_PEEK_OFF), 3);
	EXPECT_EQ(recv(fds[1], buf, 16, MSG_PEEK), 3);
	EXPECT(!memcmp(buf, "def", 3));
	EXPECT_EQ(recv(fds[1], buf, 16, 0), 3);
	EXPECT(!memcmp(buf, "abc", 3));
}

CASE(low_water_mark)
{
	char buf[16];
	int fds[2];
	pid_t pid;

	pair(SOCK_STREAM, fds);
	EXPECT_EQ(int_opt(fds[1], SO_RCVLOWAT), 1);
	set_opt(fds[1], SO_RCVLOWAT, 4);
	EXPECT_EQ(int_opt(fds[1], SO_RCVLOWAT), 4);
	EXPECT_EQ(write(fds[0], "ab", 2), 2);
	pid = fork();
	if (!pid) {
		sleep_ms(100);
		EXPECT_EQ(write(fds[0], "cdef", 4), 4);
		_exit(0);
	}
	EXPECT(read(fds[1], buf, 16) >= 4);
	expect_exit(pid, 0);
	set_opt(fds[1], SO_RCVLOWAT, 0);
	EXPECT_EQ(int_opt(fds[1], SO_RCVLOWAT), 1);
}

CASE(waitall_waits_for_all)
{
	char buf[16];
	int fds[2];
	pid_t pid;

	pair(SOCK_STREAM, fds);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 4; i++) {
			EXPECT_EQ(write(fds[0], "ab", 2), 2);
			sleep_ms(30);
		}
		_exit(0);
	}
	EXPECT_EQ(recv(fds[1], buf, 8, MSG_WAITALL), 8);
	EXPECT(!memcmp(buf, "abababab", 8));
	expect_exit(pid, 0);
	EXPECT_EQ(write(fds[0], "xyz", 3), 3);
	close(fds[0]);
	EXPECT_EQ(recv(fds[1], buf, 8, MSG_WAITALL), 3); /* the end comes before */
}

CASE(receive_and_send_timeouts)
{
	char buf[4096] = {0};
	struct timeval tv = {9, 9};
	socklen_t len = sizeof(tv);
	uint64_t t0;
	int fds[2];

	pair(SOCK_STREAM, fds);
	OK(getsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	EXPECT_EQ(tv.tv_sec + tv.tv_usec, 0);
	timeout_opt(fds[0], SO_RCVTIMEO, 120);
	timeout_opt(fds[0], SO_SNDTIMEO, 120);
	OK(getsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &tv, &len));
	EXPECT(tv.tv_usec >= 120000 && tv.tv_usec <= 130000); /* rounded up to ticks */
	t0 = now_ms();
	EXPECT_ERRNO(recv(fds[0], buf, 1, 0), EAGAIN);
	EXPECT(now_ms() - t0 >= 100);
	t0 = now_ms();
	while (write(fds[0], buf, sizeof(buf)) > 0)
		;
	EXPECT_EQ(errno, EAGAIN);
	EXPECT(now_ms() - t0 >= 100);
	tv = (struct timeval){0, 1000000};
	EXPECT_ERRNO(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
}

CASE(accept_and_connect_timeouts)
{
	int s = bound(SOCK_STREAM, "s"), c[8], n = 0;

	OK(listen(s, 1));
	timeout_opt(s, SO_RCVTIMEO, 100);
	EXPECT_ERRNO(accept(s, NULL, NULL), EAGAIN);
	for (;; n++) {
		EXPECT(n < 8);
		c[n] = socket(AF_UNIX, SOCK_STREAM, 0);
		timeout_opt(c[n], SO_SNDTIMEO, 100);
		if (try_connect(c[n], "s"))
			break;
	}
	EXPECT_EQ(errno, EAGAIN);
	EXPECT_EQ(n, 2); /* the backlog, and one */
	nonblock(c[n]);
	EXPECT_ERRNO(try_connect(c[n], "s"), EAGAIN);
	OK(accept(s, NULL, NULL));
	OK(try_connect(c[n], "s"));
}

CASE(empty_messages)
{
	char c = 'x';
	int fds[2];

	pair(SOCK_DGRAM, fds);
	EXPECT_EQ(send(fds[0], NULL, 0, 0), 0);
	EXPECT_EQ(send(fds[0], "a", 1, 0), 1);
	EXPECT(events(fds[1]) & POLLIN);
	EXPECT_EQ(recv(fds[1], &c, 1, 0), 0);
	EXPECT_EQ(recv(fds[1], &c, 1, 0), 1);
	pair(SOCK_STREAM, fds);
	EXPECT_EQ(send(fds[0], NULL, 0, 0), 0);
	EXPECT(!(events(fds[1]) & POLLIN)); /* nothing for a stream */
	EXPECT_EQ(read(fds[1], &c, 0), 0);
	EXPECT_ERRNO(recv(fds[1], &c, 0, MSG_DONTWAIT), EAGAIN);
}

CASE(a_reader_that_takes_nothing_of_a_datagram)
{
	char c;
	int fds[2];

	pair(SOCK_DGRAM, fds);
	EXPECT_EQ(send(fds[0], "abc", 3, 0), 3);
	EXPECT_EQ(recv(fds[1], &c, 0, 0), 0); /* the datagram is gone all the same */
	EXPECT_ERRNO(recv(fds[1], &c, 1, MSG_DONTWAIT), EAGAIN);
}

CASE(the_name_of_the_sender)
{
	int a = bound(SOCK_DGRAM, "a"), b = bound(SOCK_DGRAM, "b"), n = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un from;
	socklen_t len = sizeof(from);
	char c;

	OK(try_connect(a, "b"));
	EXPECT_EQ(send(a, "x", 1, 0), 1);
	EXPECT_EQ(recvfrom(b, &c, 1, 0, (struct sockaddr *)&from, &len), 1);
	EXPECT_STR(from.sun_path, "a");
	OK(try_connect(n, "b"));
	EXPECT_EQ(send(n, "x", 1, 0), 1);
	len = sizeof(from);
	EXPECT_EQ(recvfrom(b, &c, 1, 0, (struct sockaddr *)&from, &len), 1);
	EXPECT_EQ(len, 0); /* it has none */
}

CASE(the_name_of_a_streams_sender)
{
	int s = bound(SOCK_STREAM, "s"), client = socket(AF_UNIX, SOCK_STREAM, 0), conn;
	struct sockaddr_un from;
	socklen_t len = sizeof(from);
	char c;

	OK(listen(s, 1));
	OK(try_connect(client, "s"));
	OK(conn = accept(s, NULL, NULL));
	EXPECT_EQ(write(conn, "x", 1), 1);
	EXPECT_EQ(recvfrom(client, &c, 1, 0, (struct sockaddr *)&from, &len), 1);
	EXPECT_STR(from.sun_path, "s");
	EXPECT_EQ(write(client, "x", 1), 1);
	len = sizeof(from);
	EXPECT_EQ(recvfrom(conn, &c, 1, 0, (struct sockaddr *)&from, &len), 1);
	EXPECT_EQ(len, 0);
}

CASE(several_messages_in_one_call)
{
	char buf[4][8];
	struct iovec v[4];
	struct mmsghdr m[4];
	struct timespec ts = {0, 100000000};
	int fds[2];

	memset(m, 0, sizeof(m));
	for (int i = 0; i < 4; i++) {
		v[i] = (struct iovec){buf[i], 8};
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	pair(SOCK_DGRAM, fds);
	EXPECT_ERRNO(recvmmsg(fds[1], m, 4, MSG_DONTWAIT, NULL), EAGAIN);
	EXPECT_EQ(send(fds[0], "a", 1, 0), 1);
	EXPECT_EQ(send(fds[0], "bc", 2, 0), 2);
	EXPECT_EQ(recvmmsg(fds[1], m, 4, MSG_WAITFORONE, NULL), 2);
	EXPECT_EQ(m[0].msg_len, 1);
	EXPECT_EQ(m[1].msg_len, 2);
	EXPECT_EQ(send(fds[0], "a", 1, 0), 1);
	EXPECT_EQ(recvmmsg(fds[1], m, 4, MSG_DONTWAIT, NULL), 1); /* then it would block: what there was */
	ts.tv_nsec = -1;
	EXPECT_ERRNO(recvmmsg(fds[1], m, 4, 0, &ts), EINVAL);
	EXPECT_EQ(recvmmsg(fds[1], m, 0, 0, NULL), 0);
	EXPECT_EQ(sendmmsg(fds[0], m, 0, 0), 0);
	EXPECT_ERRNO(sendmmsg(99, m, 1, 0), EBADF);
	EXPECT_ERRNO(sendmmsg(fds[0], (void *)1, 1, 0), EFAULT);
	m[1].msg_hdr.msg_iov = (void *)1;
	EXPECT_EQ(sendmmsg(fds[0], m, 4, 0), 1); /* the second fails: one was sent */
}

/* ---- ends ---- */

CASE(unread_data_resets)
{
	char c;
	int fds[2];

	pair(SOCK_STREAM, fds);
	EXPECT_EQ(write(fds[0], "x", 1), 1);
	EXPECT_EQ(write(fds[1], "y", 1), 1);
	close(fds[1]); /* with something unread */
	EXPECT_EQ(read(fds[0], &c, 1), 1);
	EXPECT_ERRNO(read(fds[0], &c, 1), ECONNRESET);
	EXPECT_EQ(read(fds[0], &c, 1), 0); /* told once */
	EXPECT_ERRNO(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
}

CASE(the_peers_name_outlives_it)
{
	int s = bound(SOCK_STREAM, "s"), client = socket(AF_UNIX, SOCK_STREAM, 0), conn;
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	OK(listen(s, 1));
	OK(try_connect(client, "s"));
	OK(conn = accept(s, NULL, NULL));
	close(conn);
	OK(getpeername(client, (struct sockaddr *)&a, &len));
	EXPECT_STR(a.sun_path, "s");
	EXPECT_ERRNO(try_connect(client, "s"), EISCONN);
}

CASE(a_datagram_peer_that_is_gone)
{
	int server = bound(SOCK_DGRAM, "s"), client = socket(AF_UNIX, SOCK_DGRAM, 0);

	OK(try_connect(client, "s"));
	close(server);
	EXPECT_ERRNO(send(client, "x", 1, 0), ECONNREFUSED);
	EXPECT_ERRNO(send(client, "x", 1, 0), ENOTCONN); /* told once, then it is not connected */
	EXPECT_ERRNO(try_connect(client, "s"), ECONNREFUSED);
	OK(unlink("s"));
	EXPECT_ERRNO(try_connect(client, "s"), ENOENT);
}

CASE(a_seqpacket_peer_that_is_gone)
{
	char c;
	int fds[2];

	pair(SOCK_SEQPACKET, fds);
	close(fds[1]);
	EXPECT_EQ(recv(fds[0], &c, 1, 0), 0);
	EXPECT_ERRNO(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	EXPECT_EQ(events(fds[0]) & (POLLIN | POLLHUP | POLLRDHUP), POLLIN | POLLHUP | POLLRDHUP);
}

CASE(datagram_connections_dissolve)
{
	int server = bound(SOCK_DGRAM, "s"), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr a = {.sa_family = AF_UNSPEC};

	OK(try_connect(client, "s"));
	EXPECT_EQ(send(client, "x", 1, 0), 1);
	OK(connect(client, &a, sizeof(a)));
	EXPECT_ERRNO(send(client, "x", 1, 0), ENOTCONN);
	EXPECT_ERRNO(getpeername(client, &a, &(socklen_t){sizeof(a)}), ENOTCONN);
	close(server);
}

CASE(a_connected_datagram_socket_takes_from_its_peer_only)
{
	int a = bound(SOCK_DGRAM, "a"), b = bound(SOCK_DGRAM, "b"), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un to;
	socklen_t len = name_it(&to, "a");

	OK(try_connect(a, "b"));
	EXPECT_ERRNO(try_connect(c, "a"), EPERM);
	EXPECT_ERRNO(sendto(c, "x", 1, 0, (struct sockaddr *)&to, len), EPERM);
	EXPECT_EQ(sendto(b, "x", 1, 0, (struct sockaddr *)&to, len), 1);
}

CASE(a_client_that_left_before_accept)
{
	int s = bound(SOCK_STREAM, "s"), client = socket(AF_UNIX, SOCK_STREAM, 0), conn;
	char buf[8];

	OK(listen(s, 4));
	OK(try_connect(client, "s"));
	EXPECT_EQ(write(client, "hi", 2), 2);
	close(client);
	OK(conn = accept(s, NULL, NULL));
	EXPECT_EQ(read(conn, buf, 8), 2);
	EXPECT_EQ(read(conn, buf, 8), 0);
}

CASE(a_listener_that_goes_resets_its_clients)
{
	int s = bound(SOCK_STREAM, "s"), client = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	OK(listen(s, 4));
	OK(try_connect(client, "s"));
	close(s);
	EXPECT_ERRNO(read(client, &c, 1), ECONNRESET);
	EXPECT_EQ(read(client, &c, 1), 0);
}

CASE(shutdown_of_a_listener)
{
	int s = bound(SOCK_STREAM, "s"), client = socket(AF_UNIX, SOCK_STREAM, 0);

	OK(listen(s, 4));
	OK(shutdown(s, SHUT_RD));
	EXPECT_ERRNO(accept(s, NULL, NULL), EINVAL);
	EXPECT_ERRNO(try_connect(client, "s"), ECONNREFUSED);
	EXPECT_ERRNO(shutdown(s, 9), EINVAL);
}

CASE(listening_takes_a_name)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), d = bound(SOCK_DGRAM, "d"), fds[2];

	EXPECT_ERRNO(listen(s, 1), EINVAL);
	EXPECT_ERRNO(listen(d, 1), EOPNOTSUPP);
	pair(SOCK_STREAM, fds);
	EXPECT_ERRNO(listen(fds[0], 1), EINVAL);
	EXPECT_ERRNO(accept(fds[0], NULL, NULL), EINVAL);
	EXPECT_ERRNO(accept(d, NULL, NULL), EOPNOTSUPP);
	EXPECT_ERRNO(accept4(s, NULL, NULL, 0x10), EINVAL);
}

CASE(wrong_kinds_of_targets)
{
	int d = bound(SOCK_DGRAM, "d"), s = socket(AF_UNIX, SOCK_STREAM, 0), b = bound(SOCK_STREAM, "b");
	struct sockaddr_un a = {.sun_family = AF_INET};

	EXPECT_ERRNO(try_connect(s, "d"), EPROTOTYPE);
	EXPECT_ERRNO(try_connect(s, "b"), ECONNREFUSED); /* it does not listen */
	close(make_file("f", "x"));
	EXPECT_ERRNO(try_connect(s, "f"), ECONNREFUSED);
	EXPECT_ERRNO(try_connect(s, "f/x"), ENOTDIR);
	EXPECT_ERRNO(connect(s, (struct sockaddr *)&a, sizeof(a)), EINVAL);
	EXPECT_ERRNO(connect(s, (struct sockaddr *)&a, 1), EINVAL);
	EXPECT_ERRNO(connect(s, (void *)1, 20), EFAULT);
	EXPECT_ERRNO(connect(s, (struct sockaddr *)&a, 4000), EINVAL);
	EXPECT_ERRNO(connect(0x7fff, (struct sockaddr *)&a, sizeof(a)), EBADF);
	close(b);
	close(d);
}

CASE(sending_needs_a_connection)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), q = socket(AF_UNIX, SOCK_SEQPACKET, 0),
	    d = socket(AF_UNIX, SOCK_DGRAM, 0), fds[2];
	struct sockaddr_un a;
	socklen_t len = name_it(&a, "x");
	char c;

	EXPECT_ERRNO(send(s, "x", 1, 0), ENOTCONN);
	EXPECT_ERRNO(send(q, "x", 1, 0), ENOTCONN);
	EXPECT_ERRNO(send(d, "x", 1, 0), ENOTCONN);
	EXPECT_ERRNO(recv(s, &c, 1, 0), EINVAL);
	EXPECT_ERRNO(recv(q, &c, 1, 0), ENOTCONN);
	EXPECT_ERRNO(sendto(s, "x", 1, 0, (struct sockaddr *)&a, len), EOPNOTSUPP);
	EXPECT_ERRNO(sendto(d, "x", 1, 0, (struct sockaddr *)&a, len), ENOENT);
	pair(SOCK_STREAM, fds);
	EXPECT_ERRNO(sendto(fds[0], "x", 1, 0, (struct sockaddr *)&a, len), EISCONN);
	EXPECT_ERRNO(send(fds[0], (void *)1, 1, 0), EFAULT);
}

CASE(binding)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;
	socklen_t len;

	umask(027);
	len = name_it(&a, "no/dir");
	EXPECT_ERRNO(bind(s, (struct sockaddr *)&a, len), ENOENT);
	len = name_it(&a, "s");
	OK(bind(s, (struct sockaddr *)&a, len));
	OK(stat("s", &st));
	EXPECT(S_ISSOCK(st.st_mode));
	EXPECT_EQ(st.st_mode & 0777, 0750);
	len = name_it(&a, "other");
	EXPECT_ERRNO(bind(s, (struct sockaddr *)&a, len), EINVAL); /* it has a name */
	len = name_it(&a, "s");
	EXPECT_ERRNO(open("s", O_RDWR), ENXIO);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_ERRNO(bind(s, (struct sockaddr *)&a, len), EADDRINUSE);
	EXPECT_ERRNO(bind(s, (struct sockaddr *)&a, 1), EINVAL);
	EXPECT_ERRNO(bind(s, (void *)1, 20), EFAULT);
	memset(a.sun_path, 'p', sizeof(a.sun_path)); /* a path of 108 bytes needs no NUL */
	OK(bind(s, (struct sockaddr *)&a, sizeof(a)));
	len = sizeof(a);
	OK(getsockname(s, (struct sockaddr *)&a, &len));
	EXPECT_EQ(len, sizeof(a) + 1);
}

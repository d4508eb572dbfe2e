/* unix(7), socket(2), send(2), recv(2), cmsg(3). */
#include "case.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static char buf[70000];
static int s[2];

static struct sockaddr_un path_addr(const char *p)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(a.sun_path, p);
	return a;
}
static int listener(const char *p, int type)
{
	struct sockaddr_un a = path_addr(p);
	int fd = socket(AF_UNIX, type, 0);
	OK(fd);
	OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	if (type != SOCK_DGRAM)
		OK(listen(fd, 5));
	return fd;
}
static int connected(const char *p, int type)
{
	struct sockaddr_un a = path_addr(p);
	int fd = socket(AF_UNIX, type, 0);
	OK(connect(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static int bound_by_many;

static void *bind_one(void *arg)
{
	struct sockaddr_un a = path_addr(arg);

	return (void *)(intptr_t)(bind(bound_by_many, (struct sockaddr *)&a, sizeof(a)) ? errno : 0);
}

/* Several threads bind one socket to a name of their own each: it has one in the end, and leaves no other. */
CASE(one_of_many_binds)
{
	static char name[6][8] = {"a", "b", "c", "d", "e", "f"};
	pthread_t t[6];

	for (int round = 0; round < 20; round++) {
		int bound = 0, there = 0;
		bound_by_many = socket(AF_UNIX, SOCK_STREAM, 0);
		OK(bound_by_many);
		for (int i = 0; i < 6; i++)
			EXPECT_EQ(pthread_create(&t[i], NULL, bind_one, name[i]), 0);
		for (int i = 0; i < 6; i++) {
			void *err;
			pthread_join(t[i], &err);
			EXPECT((intptr_t)err == 0 || (intptr_t)err == EINVAL);
			bound += !err;
			there += !unlink(name[i]);
		}
		EXPECT_EQ(bound, 1);
		EXPECT_EQ(there, 1);
		close(bound_by_many);
	}
}

CASE(socket_errors)
{
	EXPECT_ERRNO(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
	EXPECT_ERRNO(socket(AF_UNIX, 77, 0), EINVAL);
	EXPECT_ERRNO(socket(AF_UNIX, SOCK_STREAM, 55), EPROTONOSUPPORT);
	EXPECT_ERRNO(send(make_file("f", ""), "x", 1, 0), ENOTSOCK);
	EXPECT_ERRNO(listen(99, 1), EBADF);
}
CASE(socketpair_stream)
{
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_EQ(write(s[0], "abc", 3), 3);
	EXPECT_EQ(write(s[0], "def", 3), 3);
	EXPECT_EQ(read(s[1], buf, 4), 4);
	EXPECT_EQ(read(s[1], buf, 10), 2);
	close(s[0]);
	EXPECT_EQ(read(s[1], buf, 1), 0);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_ERRNO(write(s[1], "x", 1), EPIPE);
}
CASE(socket_type_flags)
{
	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s));
	EXPECT_EQ(fcntl(s[0], F_GETFD), FD_CLOEXEC);
	EXPECT_ERRNO(read(s[0], buf, 1), EAGAIN);
	EXPECT_ERRNO(lseek(s[0], 0, SEEK_SET), ESPIPE);
}
CASE(stream_bind_listen_accept)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	int l = listener("sock", SOCK_STREAM), c = connected("sock", SOCK_STREAM), x = accept(l, NULL, NULL);
	OK(x);
	EXPECT_EQ(send(c, "hello", 5, 0), 5);
	EXPECT_EQ(recv(x, buf, 10, 0), 5);
	OK(getpeername(c, (struct sockaddr *)&a, &len));
	EXPECT_STR(a.sun_path, "sock");
	len = sizeof(a);
	OK(getsockname(c, (struct sockaddr *)&a, &len));
	EXPECT_EQ(len, sizeof(sa_family_t));
	struct stat st;
	OK(stat("sock", &st));
	EXPECT(S_ISSOCK(st.st_mode));
}
CASE(connect_errors)
{
	struct sockaddr_un a = path_addr("none");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), ENOENT);
	close(make_file("plain", ""));
	a = path_addr("plain");
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), ECONNREFUSED);
	close(listener("gone", SOCK_STREAM));
	a = path_addr("gone");
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), ECONNREFUSED);
	listener("dgram", SOCK_DGRAM);
	a = path_addr("dgram");
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), EPROTOTYPE);
	EXPECT_ERRNO(send(fd, "x", 1, 0), ENOTCONN);
	EXPECT_ERRNO(getpeername(fd, (struct sockaddr *)&a, &(socklen_t){sizeof(a)}), ENOTCONN);
}
CASE(bind_twice)
{
	struct sockaddr_un a = path_addr("s");
	int fd = listener("s", SOCK_STREAM), other = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_ERRNO(bind(other, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE);
	a = path_addr("s2");
	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EINVAL);
}
CASE(accept_nonblocking_and_poll)
{
	int l = listener("s", SOCK_STREAM | SOCK_NONBLOCK);
	struct pollfd p = {l, POLLIN, 0};
	EXPECT_ERRNO(accept(l, NULL, NULL), EAGAIN);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	connected("s", SOCK_STREAM);
	EXPECT_EQ(poll(&p, 1, 1000), 1);
	OK(accept4(l, NULL, NULL, SOCK_CLOEXEC));
	EXPECT_ERRNO(accept(socket(AF_UNIX, SOCK_STREAM, 0), NULL, NULL), EINVAL);
}
CASE(accept_waits)
{
	int l = listener("s", SOCK_STREAM);
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(60);
		connected("s", SOCK_STREAM);
		sleep_ms(50);
		_exit(0);
	}
	OK(accept(l, NULL, NULL));
	expect_exit(pid, 0);
}
CASE(abstract_names)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0abstract"};
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 9;
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	OK(bind(l, (struct sockaddr *)&a, len));
	OK(listen(l, 1));
	OK(connect(c, (struct sockaddr *)&a, len));
	EXPECT(access("abstract", F_OK) == -1);
	close(l);
	EXPECT_ERRNO(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, len), ECONNREFUSED);
}
CASE(autobind)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(a);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	OK(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)));
	OK(getsockname(fd, (struct sockaddr *)&a, &len));
	EXPECT_EQ(len, sizeof(sa_family_t) + 6);
	EXPECT_EQ(a.sun_path[0], 0);
}
CASE(datagrams_keep_their_bounds)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	int r = listener("r", SOCK_DGRAM), w = listener("w", SOCK_DGRAM);
	a = path_addr("r");
	EXPECT_EQ(sendto(w, "one", 3, 0, (struct sockaddr *)&a, sizeof(a)), 3);
	EXPECT_EQ(sendto(w, "", 0, 0, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_EQ(sendto(w, "three", 5, 0, (struct sockaddr *)&a, sizeof(a)), 5);
	EXPECT_EQ(recvfrom(r, buf, 10, 0, (struct sockaddr *)&a, &len), 3);
	EXPECT_STR(a.sun_path, "w");
	EXPECT_EQ(recv(r, buf, 10, 0), 0);
	EXPECT_EQ(recv(r, buf, 2, MSG_TRUNC), 5);
	EXPECT_ERRNO(recv(r, buf, 1, MSG_DONTWAIT), EAGAIN);
}
CASE(datagram_too_large)
{
	static char big[1 << 20];
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	EXPECT_ERRNO(send(s[0], big, sizeof(big), 0), EMSGSIZE);
	EXPECT_EQ(send(s[0], big, 60000, 0), 60000);
	EXPECT_EQ(recv(s[1], buf, sizeof(buf), 0), 60000);
}
CASE(seqpacket)
{
	struct msghdr m = {0};
	struct iovec v = {buf, 2};
	OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	EXPECT_EQ(send(s[0], "abc", 3, 0), 3);
	EXPECT_EQ(send(s[0], "de", 2, 0), 2);
	m.msg_iov = &v;
	m.msg_iovlen = 1;
	EXPECT_EQ(recvmsg(s[1], &m, 0), 2);
	EXPECT(m.msg_flags & MSG_TRUNC);
	EXPECT_EQ(recv(s[1], buf, 10, 0), 2);
	close(s[0]);
	EXPECT_EQ(recv(s[1], buf, 10, 0), 0);
}
CASE(peek_and_waitall)
{
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_EQ(send(s[0], "abc", 3, 0), 3);
	EXPECT_EQ(recv(s[1], buf, 2, MSG_PEEK), 2);
	EXPECT_EQ(recv(s[1], buf, 10, 0), 3);
	pid_t pid = fork();
	if (!pid) {
		send(s[0], "12", 2, 0);
		sleep_ms(50);
		_exit(send(s[0], "34", 2, 0) != 2);
	}
	EXPECT_EQ(recv(s[1], buf, 4, MSG_WAITALL), 4);
	EXPECT(!memcmp(buf, "1234", 4));
	expect_exit(pid, 0);
}
/* A fault in a piece: nothing of what would have been one packet is sent, whether or not others wait. */
CASE(stream_send_at_a_fault)
{
	struct iovec v[2] = {{buf, 10}, {(void *)8, 10}};
	char two[2];

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_ERRNO(writev(s[0], v, 2), EFAULT);
	EXPECT_ERRNO(recv(s[1], two, 2, MSG_DONTWAIT), EAGAIN);
	EXPECT_EQ(write(s[0], "x", 1), 1);
	EXPECT_ERRNO(writev(s[0], v, 2), EFAULT);
	EXPECT_EQ(recv(s[1], two, 2, MSG_DONTWAIT), 1);
	EXPECT_EQ(two[0], 'x');
	EXPECT_ERRNO(recv(s[1], two, 2, MSG_DONTWAIT), EAGAIN);
}
CASE(nosignal)
{
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	close(s[1]);
	EXPECT_ERRNO(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
}
CASE(shutdown_halves)
{
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_EQ(send(s[0], "x", 1, 0), 1);
	OK(shutdown(s[0], SHUT_WR));
	EXPECT_EQ(recv(s[1], buf, 9, 0), 1);
	EXPECT_EQ(recv(s[1], buf, 9, 0), 0);
	EXPECT_EQ(send(s[1], "back", 4, 0), 4);
	EXPECT_EQ(recv(s[0], buf, 9, 0), 4);
	EXPECT_ERRNO(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	EXPECT_ERRNO(shutdown(s[0], 9), EINVAL);
	OK(shutdown(socket(AF_UNIX, SOCK_STREAM, 0), SHUT_RD));
}

/* ---- ancillary data ---- */

static ssize_t send_fds(int sock, const int *fds, int n)
{
	char control[CMSG_SPACE(sizeof(int) * 16)] = {0};
	struct iovec v = {(void *)"F", 1};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n);
	return sendmsg(sock, &m, 0);
}
static int receive_fd(int sock, int flags, int *msg_flags, size_t room)
{
	char control[CMSG_SPACE(sizeof(int) * 16)] = {0};
	struct iovec v = {buf, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
	struct cmsghdr *c;
	int fd = -1;
	EXPECT_EQ(recvmsg(sock, &m, flags), 1);
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	*msg_flags = m.msg_flags;
	return fd;
}
CASE(descriptors_travel)
{
	int fd = make_file("f", "content"), flags, got;
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_EQ(send_fds(s[0], &fd, 1), 1);
	close(fd);
	got = receive_fd(s[1], MSG_CMSG_CLOEXEC, &flags, CMSG_SPACE(sizeof(int)));
	OK(got);
	EXPECT_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(read(got, buf, 20), 7);
}
CASE(descriptors_between_processes)
{
	int p[2], flags;
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	OK(pipe(p));
	pid_t pid = fork();
	if (!pid) {
		int w = receive_fd(s[1], 0, &flags, CMSG_SPACE(sizeof(int)));
		_exit(write(w, "via", 3) != 3);
	}
	EXPECT_EQ(send_fds(s[0], &p[1], 1), 1);
	close(p[1]);
	EXPECT_EQ(read(p[0], buf, 9), 3);
	EXPECT_EQ(read(p[0], buf, 9), 0);
	expect_exit(pid, 0);
}
CASE(descriptors_truncated)
{
	int fds[2] = {make_file("a", ""), make_file("b", "")}, flags, bad = 99;
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_EQ(send_fds(s[0], fds, 2), 1);
	EXPECT_EQ(receive_fd(s[1], 0, &flags, 0), -1);
	EXPECT(flags & MSG_CTRUNC);
	EXPECT_ERRNO(send_fds(s[0], &bad, 1), EBADF);
}
CASE(ancillary_data_separates_stream_reads)
{
	int fd = make_file("f", ""), flags;
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_EQ(send(s[0], "aa", 2, 0), 2);
	EXPECT_EQ(send_fds(s[0], &fd, 1), 1);
	EXPECT_EQ(recv(s[1], buf, 2, 0), 2);
	OK(receive_fd(s[1], 0, &flags, CMSG_SPACE(sizeof(int))));
}
CASE(credentials_travel)
{
	char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec v = {buf, 8};
	struct msghdr m = {
	    .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct ucred u;
	int on = 1;
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	EXPECT_EQ(send(s[0], "x", 1, 0), 1);
	EXPECT_EQ(recvmsg(s[1], &m, 0), 1);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	EXPECT(c && c->cmsg_type == SCM_CREDENTIALS);
	memcpy(&u, CMSG_DATA(c), sizeof(u));
	EXPECT_EQ(u.pid, getpid());
	EXPECT_EQ(u.uid, getuid());
}
CASE(peer_credentials)
{
	struct ucred u;
	socklen_t len = sizeof(u);
	int l = listener("s", SOCK_STREAM);
	pid_t pid = fork();
	if (!pid) {
		OK(setuid(0));
		int c = connected("s", SOCK_STREAM);
		read(c, buf, 1);
		_exit(0);
	}
	int x = accept(l, NULL, NULL);
	OK(getsockopt(x, SOL_SOCKET, SO_PEERCRED, &u, &len));
	EXPECT_EQ(u.pid, pid);
	EXPECT_EQ(u.uid, 0);
	close(x);
	expect_exit(pid, 0);
}

/* ---- options, limits, waiting ---- */

CASE(socket_options)
{
	int v;
	socklen_t len = sizeof(v);
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	OK(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &len));
	EXPECT_EQ(v, SOCK_DGRAM);
	OK(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &v, &len));
	EXPECT_EQ(v, AF_UNIX);
	OK(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, &len));
	EXPECT_EQ(v, 0);
	OK(getsockopt(listener("l", SOCK_STREAM), SOL_SOCKET, SO_ACCEPTCONN, &v, &len));
	EXPECT_EQ(v, 1);
	v = 8192;
	OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	OK(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, &len));
	EXPECT_EQ(v, 16384);
	EXPECT_ERRNO(getsockopt(s[0], SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
	EXPECT_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, sizeof(v)), ENOPROTOOPT);
	EXPECT_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &v, 1), EINVAL);
}
CASE(receive_timeout)
{
	struct timeval tv = {0, 50000};
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	uint64_t start = now_ms();
	EXPECT_ERRNO(read(s[0], buf, 1), EAGAIN);
	EXPECT(now_ms() - start >= 45);
}
CASE(stream_writer_waits_for_room)
{
	long total = 0, n;
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(fcntl(s[0], F_SETFL, O_NONBLOCK));
	while ((n = write(s[0], buf, 16384)) > 0)
		total += n;
	EXPECT_EQ(errno, EAGAIN);
	EXPECT(total >= 65536);
	struct pollfd p = {s[0], POLLOUT, 0};
	EXPECT_EQ(poll(&p, 1, 0), 0);
	OK(fcntl(s[0], F_SETFL, 0));
	pid_t pid = fork();
	if (!pid) {
		for (long got = 0; got < total + 10;) {
			n = read(s[1], buf, sizeof(buf));
			EXPECT(n > 0);
			got += n;
		}
		_exit(0);
	}
	EXPECT_EQ(write(s[0], "0123456789", 10), 10);
	expect_exit(pid, 0);
}
CASE(poll_hangup)
{
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	struct pollfd p = {s[0], POLLIN | POLLRDHUP, 0};
	EXPECT_EQ(poll(&p, 1, 0), 0);
	close(s[1]);
	EXPECT_EQ(poll(&p, 1, 1000), 1);
	EXPECT((p.revents & (POLLIN | POLLHUP | POLLRDHUP)) == (POLLIN | POLLHUP | POLLRDHUP));
}
CASE(fionread_and_ioctl)
{
	int n = 0;
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_EQ(write(s[0], "12345", 5), 5);
	OK(ioctl(s[1], FIONREAD, &n));
	EXPECT_EQ(n, 5);
	EXPECT_ERRNO(ioctl(s[1], 0x7777, &n), ENOTTY);
}
CASE(sendmmsg_recvmmsg)
{
	struct iovec v[2] = {{(void *)"aa", 2}, {(void *)"bbb", 3}}, r[2] = {{buf, 10}, {buf + 20, 10}};
	struct mmsghdr out[2] = {{{.msg_iov = &v[0], .msg_iovlen = 1}, 0},
				 {{.msg_iov = &v[1], .msg_iovlen = 1}, 0}};
	struct mmsghdr in[2] = {{{.msg_iov = &r[0], .msg_iovlen = 1}, 0},
				{{.msg_iov = &r[1], .msg_iovlen = 1}, 0}};
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	EXPECT_EQ(sendmmsg(s[0], out, 2, 0), 2);
	EXPECT_EQ(out[1].msg_len, 3);
	EXPECT_EQ(recvmmsg(s[1], in, 2, 0, NULL), 2);
	EXPECT(in[0].msg_len == 2 && in[1].msg_len == 3);
}

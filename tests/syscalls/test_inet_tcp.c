/*
 * TCP over loopback: connecting, accepting, sending, receiving, closing (tcp(7), connect(2), accept(2),
 * send(2), recv(2), shutdown(2)), blocking and not, with poll and epoll.
 */
#include "inet.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static void both(void (*fn)(int family))
{
	fn(AF_INET);
	fn(AF_INET6);
}

/* ---- connecting ---- */

static void hello(int family)
{
	char buf[16];
	int fd[2];

	tcp_pair(family, fd);
	EXPECT_EQ(write(fd[0], "hello", 5), 5);
	EXPECT_EQ(read(fd[1], buf, sizeof(buf)), 5);
	EXPECT_EQ(memcmp(buf, "hello", 5), 0);
	EXPECT_EQ(write(fd[1], "back", 4), 4);
	EXPECT_EQ(read(fd[0], buf, sizeof(buf)), 4);
	close(fd[0]);
	EXPECT_EQ(read(fd[1], buf, sizeof(buf)), 0);
	close(fd[1]);
}

CASE(bytes_arrive_both_ways_and_then_the_end)
{
	both(hello);
}

CASE(socket_kinds_that_exist)
{
	EXPECT(socket(AF_INET, SOCK_STREAM, 0) >= 0);
	EXPECT(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) >= 0);
	EXPECT(socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP) >= 0);
	EXPECT_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	EXPECT_ERRNO(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
	EXPECT_ERRNO(socket(AF_INET, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	EXPECT_ERRNO(socket(AF_INET, SOCK_STREAM, 263), EINVAL);
	EXPECT_ERRNO(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	EXPECT_ERRNO(socket(AF_INET, 77, 0), EINVAL);
}

CASE(flags_of_socket_apply)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	EXPECT(fd >= 0);
	EXPECT(fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

CASE(socketpair_of_inet_is_refused)
{
	int fd[2];

	EXPECT_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, fd), EOPNOTSUPP);
}

CASE(connect_to_nobody_is_refused)
{
	int l = bound(AF_INET, SOCK_STREAM), fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_ERRNO(connect_port(fd, AF_INET, port_of(l)), ECONNREFUSED);
}

CASE(connect_to_nobody_over_ipv6_is_refused)
{
	int l = bound(AF_INET6, SOCK_STREAM), fd = socket(AF_INET6, SOCK_STREAM, 0);

	EXPECT_ERRNO(connect_port(fd, AF_INET6, port_of(l)), ECONNREFUSED);
}

CASE(a_refused_socket_may_try_again)
{
	int dead = bound(AF_INET, SOCK_STREAM), l = listener(AF_INET, 1),
	    fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_ERRNO(connect_port(fd, AF_INET, port_of(dead)), ECONNREFUSED);
	EXPECT_EQ(connect_port(fd, AF_INET, port_of(l)), 0);
}

CASE(nonblocking_connect_is_in_progress_even_to_ourselves)
{
	struct sockaddr_storage a;
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, error = -1;
	socklen_t len = loop_addr(AF_INET, 0, &a), size = sizeof(error);
	struct pollfd p = {.events = POLLOUT};

	OK(bind(listener, (struct sockaddr *)&a, len));
	OK(listen(listener, 5));
	loop_addr(AF_INET, port_of(listener), &a);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, len), EINPROGRESS);
	p.fd = fd;
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT_EQ(p.revents, POLLOUT);
	OK(connect(fd, (struct sockaddr *)&a, len)); /* tells how it went, once */
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, len), EISCONN);
	OK(close(listener));
	OK(close(fd));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, len), EINPROGRESS);
	p.fd = fd;
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT(p.revents & POLLERR);
	OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
	EXPECT_EQ(error, ECONNREFUSED);
}
CASE(connect_twice_is_eisconn)
{
	int l = listener(AF_INET, 1), fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(connect_port(fd, AF_INET, port_of(l)), 0);
	EXPECT_ERRNO(connect_port(fd, AF_INET, port_of(l)), EISCONN);
}

CASE(connect_on_a_listener_is_eisconn)
{
	int l = listener(AF_INET, 1), l2 = listener(AF_INET, 1);

	EXPECT_ERRNO(connect_port(l, AF_INET, port_of(l2)), EISCONN);
}

CASE(connect_checks_the_address)
{
	struct sockaddr_storage a;
	int fd = socket(AF_INET, SOCK_STREAM, 0), fd6 = socket(AF_INET6, SOCK_STREAM, 0);

	loop_addr(AF_INET, 9, &a);
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, 8), EINVAL);
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, (socklen_t)-1), EINVAL);
	EXPECT_ERRNO(connect(fd, NULL, sizeof(struct sockaddr_in)), EFAULT);
	a.ss_family = AF_UNIX;
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(struct sockaddr_in)), EAFNOSUPPORT);
	loop_addr(AF_INET6, 9, &a);
	EXPECT_ERRNO(connect(fd6, (struct sockaddr *)&a, 20), EINVAL);
	a.ss_family = AF_INET;
	EXPECT_ERRNO(connect(fd6, (struct sockaddr *)&a, sizeof(struct sockaddr_in6)), EAFNOSUPPORT);
}

CASE(connect_to_any_means_this_host)
{
	int l = listener(AF_INET, 1), fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(l))}, peer;
	socklen_t len = sizeof(peer);

	EXPECT_EQ(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_EQ(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
	EXPECT_EQ(ntohl(peer.sin_addr.s_addr), INADDR_LOOPBACK);
}

CASE(connect_to_broadcast_or_a_group_is_enetunreach)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(0xe0000001);
	EXPECT_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), ENETUNREACH);
}

CASE(unspec_dissolves_a_connection)
{
	struct sockaddr a = {.sa_family = AF_UNSPEC};
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(connect(fd[0], &a, sizeof(a)), 0);
	EXPECT_ERRNO(read(fd[1], &c, 1), ECONNRESET);
	EXPECT_ERRNO(write(fd[0], "x", 1), ECONNRESET);
}

CASE(nonblocking_connect_over_loopback_ends_at_poll)
{
	int l = listener(AF_INET, 1), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int r = connect_port(fd, AF_INET, port_of(l));

	EXPECT(r == 0 || errno == EINPROGRESS);
	EXPECT_EQ(poll_for(fd, POLLOUT, 5000), POLLOUT);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_ERROR), 0);
}

CASE(nonblocking_connect_refused_tells_by_so_error_once)
{
	int dead = bound(AF_INET, SOCK_STREAM), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int r = connect_port(fd, AF_INET, port_of(dead));

	EXPECT(r < 0);
	if (errno == ECONNREFUSED)
		return;
	EXPECT_EQ(errno, EINPROGRESS);
	EXPECT(poll_for(fd, POLLOUT, 5000) & POLLERR);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_ERROR), 0);
}

/* A listener whose queue is full does not answer. */
static int stuck_listener(int filler[4])
{
	int l = listener(AF_INET, 0);

	for (int k = 0; k < 4; k++) {
		filler[k] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect_port(filler[k], AF_INET, port_of(l));
	}
	short_sleep(50);
	return l;
}

CASE(connect_under_way_is_ealready)
{
	int filler[4], l = stuck_listener(filler), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	EXPECT_ERRNO(connect_port(fd, AF_INET, port_of(l)), EINPROGRESS);
	EXPECT_ERRNO(connect_port(fd, AF_INET, port_of(l)), EALREADY);
	EXPECT_EQ(poll_for(fd, POLLOUT | POLLIN, 50), 0);
	EXPECT_ERRNO(write(fd, "x", 1), EAGAIN);
}

CASE(connect_ends_at_so_sndtimeo)
{
	struct timeval tv = {0, 200000};
	int filler[4], l = stuck_listener(filler), fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	EXPECT_ERRNO(connect_port(fd, AF_INET, port_of(l)), EINPROGRESS);
}

CASE(a_full_queue_takes_the_client_after_accept)
{
	int filler[4], l = stuck_listener(filler);

	EXPECT(accept(l, NULL, NULL) >= 0);
	EXPECT(accept(l, NULL, NULL) >= 0); /* the second retransmits its SYN after a second */
}

/* ---- listening and accepting ---- */

CASE(listen_without_bind_chooses_a_port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(listen(fd, 1), 0);
	EXPECT(port_of(fd) != 0);
	EXPECT_EQ(connect_port(c, AF_INET, port_of(fd)), 0);
}

CASE(accept_on_a_socket_that_does_not_listen_is_einval)
{
	int fd = bound(AF_INET, SOCK_STREAM);

	EXPECT_ERRNO(accept(fd, NULL, NULL), EINVAL);
}

CASE(listen_on_a_connected_socket_is_einval)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_ERRNO(listen(fd[0], 1), EINVAL);
}

CASE(listen_twice_changes_the_backlog)
{
	int l = listener(AF_INET, 1);

	EXPECT_EQ(listen(l, 5), 0);
	EXPECT_EQ(opt_int(l, SOL_SOCKET, SO_ACCEPTCONN), 1);
}

CASE(accept_gives_the_address_of_the_client)
{
	int l = listener(AF_INET, 1), c = socket(AF_INET, SOCK_STREAM, 0), s;
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	EXPECT_EQ(connect_port(c, AF_INET, port_of(l)), 0);
	s = accept(l, (struct sockaddr *)&peer, &len);
	EXPECT(s >= 0);
	EXPECT_EQ(len, sizeof(peer));
	EXPECT_EQ(peer.sin_family, AF_INET);
	EXPECT_EQ(ntohs(peer.sin_port), port_of(c));
	EXPECT_EQ(ntohl(peer.sin_addr.s_addr), INADDR_LOOPBACK);
	EXPECT_EQ(port_of(s), port_of(l));
}

CASE(accept_cuts_the_address_and_tells_its_size)
{
	int l = listener(AF_INET6, 1), c = socket(AF_INET6, SOCK_STREAM, 0);
	char room[8];
	socklen_t len = 4;

	memset(room, 0x55, sizeof(room));
	EXPECT_EQ(connect_port(c, AF_INET6, port_of(l)), 0);
	EXPECT(accept(l, (struct sockaddr *)room, &len) >= 0);
	EXPECT_EQ(len, sizeof(struct sockaddr_in6));
	EXPECT_EQ(room[4], 0x55);
}

CASE(accept4_sets_flags_and_refuses_others)
{
	int l = listener(AF_INET, 1), c = socket(AF_INET, SOCK_STREAM, 0), s;

	EXPECT_EQ(connect_port(c, AF_INET, port_of(l)), 0);
	EXPECT_ERRNO(accept4(l, NULL, NULL, 1), EINVAL);
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	EXPECT(s >= 0);
	EXPECT(fcntl(s, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
}

CASE(accept_does_not_inherit_nonblocking)
{
	int l = listener(AF_INET, 1), c = socket(AF_INET, SOCK_STREAM, 0), s;

	nonblocking(l);
	EXPECT_ERRNO(accept(l, NULL, NULL), EAGAIN);
	EXPECT_EQ(connect_port(c, AF_INET, port_of(l)), 0);
	EXPECT_EQ(poll_for(l, POLLIN, 5000), POLLIN);
	s = accept(l, NULL, NULL);
	EXPECT(s >= 0);
	EXPECT(!(fcntl(s, F_GETFL) & O_NONBLOCK));
}

CASE(accept_times_out_by_so_rcvtimeo)
{
	struct timeval tv = {0, 100000};
	int l = listener(AF_INET, 1);

	EXPECT_EQ(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	EXPECT_ERRNO(accept(l, NULL, NULL), EAGAIN);
}

static void *connect_later(void *arg)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	short_sleep(100);
	EXPECT_EQ(connect_port(fd, AF_INET, *(int *)arg), 0);
	return NULL;
}

CASE(accept_waits_for_a_client)
{
	int l = listener(AF_INET, 1), port = port_of(l);
	pthread_t t;

	EXPECT_EQ(pthread_create(&t, NULL, connect_later, &port), 0);
	EXPECT(accept(l, NULL, NULL) >= 0);
	pthread_join(t, NULL);
}

CASE(shutdown_of_a_listener_ends_it)
{
	int l = listener(AF_INET, 1);

	EXPECT_EQ(shutdown(l, SHUT_RD), 0);
	EXPECT_ERRNO(accept(l, NULL, NULL), EINVAL);
}

CASE(closing_a_listener_resets_who_waits_in_it)
{
	int l = listener(AF_INET, 4), c = socket(AF_INET, SOCK_STREAM, 0);
	char b;

	EXPECT_EQ(connect_port(c, AF_INET, port_of(l)), 0);
	close(l);
	EXPECT_ERRNO(read(c, &b, 1), ECONNRESET);
}

CASE(accepted_sockets_inherit_options)
{
	int l = listener(AF_INET, 1), c = socket(AF_INET, SOCK_STREAM, 0), s;

	EXPECT_EQ(set_int(l, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	EXPECT_EQ(set_int(l, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	EXPECT_EQ(connect_port(c, AF_INET, port_of(l)), 0);
	s = accept(l, NULL, NULL);
	EXPECT(s >= 0);
	EXPECT_EQ(opt_int(s, IPPROTO_TCP, TCP_NODELAY), 1);
	EXPECT_EQ(opt_int(s, SOL_SOCKET, SO_KEEPALIVE), 1);
	EXPECT_EQ(opt_int(s, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

CASE(data_sent_before_accept_is_there)
{
	int l = listener(AF_INET, 1), c = socket(AF_INET, SOCK_STREAM, 0), s;
	char buf[8];

	EXPECT_EQ(connect_port(c, AF_INET, port_of(l)), 0);
	EXPECT_EQ(write(c, "early", 5), 5);
	close(c);
	s = accept(l, NULL, NULL);
	EXPECT_EQ(read(s, buf, sizeof(buf)), 5);
	EXPECT_EQ(read(s, buf, sizeof(buf)), 0);
}

CASE(accept_without_a_free_descriptor_keeps_the_connection)
{
	struct rlimit old, none = {0};
	int l = listener(AF_INET, 1), c = socket(AF_INET, SOCK_STREAM, 0), s;
	char b;

	EXPECT_EQ(connect_port(c, AF_INET, port_of(l)), 0);
	EXPECT_EQ(write(c, "x", 1), 1);
	EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){(rlim_t)c, old.rlim_max};
	EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	EXPECT_ERRNO(accept(l, NULL, NULL), EMFILE);
	EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	s = accept(l, NULL, NULL);
	EXPECT(s >= 0);
	EXPECT_EQ(read(s, &b, 1), 1);
}

CASE(a_hundred_connections_at_once)
{
	int l = listener(AF_INET, 128), c[100], s[100];
	char b;

	for (int k = 0; k < 100; k++) {
		c[k] = socket(AF_INET, SOCK_STREAM, 0);
		EXPECT_EQ(connect_port(c[k], AF_INET, port_of(l)), 0);
	}
	for (int k = 0; k < 100; k++) {
		s[k] = accept(l, NULL, NULL);
		EXPECT(s[k] >= 0);
		b = (char)k;
		EXPECT_EQ(write(s[k], &b, 1), 1);
	}
	for (int k = 0; k < 100; k++) {
		EXPECT_EQ(read(c[k], &b, 1), 1);
		EXPECT_EQ(b, (char)k);
	}
}

/* ---- names ---- */

CASE(getpeername_before_connect_is_enotconn)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	EXPECT_ERRNO(getpeername(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, &len), ENOTCONN);
}

CASE(getsockname_before_bind_is_any)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	memset(&a, 0xff, sizeof(a));
	EXPECT_EQ(getsockname(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, &len), 0);
	EXPECT_EQ(len, sizeof(a));
	EXPECT_EQ(a.sin_family, AF_INET);
	EXPECT_EQ(a.sin_port, 0);
	EXPECT_EQ(a.sin_addr.s_addr, 0);
	EXPECT_EQ(a.sin_zero[0], 0);
}

CASE(bind_twice_is_einval)
{
	struct sockaddr_storage a;
	int fd = bound(AF_INET, SOCK_STREAM);
	socklen_t len = loop_addr(AF_INET, 0, &a);

	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, len), EINVAL);
}

CASE(bind_to_a_port_in_use_is_eaddrinuse)
{
	struct sockaddr_storage a;
	int l = listener(AF_INET, 1);
	socklen_t len = loop_addr(AF_INET, port_of(l), &a);

	EXPECT_ERRNO(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, len), EADDRINUSE);
}

CASE(bind_to_a_foreign_address_is_eaddrnotavail)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	a.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	EXPECT_ERRNO(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)), EADDRNOTAVAIL);
}

CASE(bind_checks_family_and_size)
{
	struct sockaddr_storage a;
	int fd = socket(AF_INET, SOCK_STREAM, 0), fd6 = socket(AF_INET6, SOCK_STREAM, 0);

	loop_addr(AF_INET, 0, &a);
	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, 15), EINVAL);
	EXPECT_ERRNO(bind(fd6, (struct sockaddr *)&a, sizeof(struct sockaddr_in)), EINVAL);
	a.ss_family = AF_INET6;
	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(struct sockaddr_in6)), EAFNOSUPPORT);
	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, 500), EINVAL);
}

CASE(bind_of_unspec_means_any)
{
	struct sockaddr_in a = {.sin_family = AF_UNSPEC};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT(port_of(fd) != 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT_ERRNO(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
}

CASE(low_ports_need_a_capability)
{
	struct sockaddr_storage a;
	socklen_t len = loop_addr(AF_INET, 1, &a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (setresuid(65534, 65534, 65534))
		case_skip("not root");
	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&a, len), EACCES);
}

CASE(reuseaddr_lets_two_bind_but_not_listen)
{
	struct sockaddr_storage a;
	int x = socket(AF_INET, SOCK_STREAM, 0), y = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = loop_addr(AF_INET, 0, &a);

	EXPECT_EQ(set_int(x, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	EXPECT_EQ(set_int(y, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	EXPECT_EQ(bind(x, (struct sockaddr *)&a, len), 0);
	len = loop_addr(AF_INET, port_of(x), &a);
	EXPECT_EQ(bind(y, (struct sockaddr *)&a, len), 0);
	EXPECT_EQ(listen(x, 1), 0);
	EXPECT_ERRNO(listen(y, 1), EADDRINUSE);
}

CASE(reuseport_lets_two_listen)
{
	struct sockaddr_storage a;
	int x = socket(AF_INET, SOCK_STREAM, 0), y = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = loop_addr(AF_INET, 0, &a);

	EXPECT_EQ(set_int(x, SOL_SOCKET, SO_REUSEPORT, 1), 0);
	EXPECT_EQ(set_int(y, SOL_SOCKET, SO_REUSEPORT, 1), 0);
	EXPECT_EQ(bind(x, (struct sockaddr *)&a, len), 0);
	len = loop_addr(AF_INET, port_of(x), &a);
	EXPECT_EQ(bind(y, (struct sockaddr *)&a, len), 0);
	EXPECT_EQ(listen(x, 1), 0);
	EXPECT_EQ(listen(y, 1), 0);
}

CASE(a_server_restarts_on_its_port_with_reuseaddr)
{
	struct sockaddr_storage a;
	int l = bound(AF_INET, SOCK_STREAM), c = socket(AF_INET, SOCK_STREAM, 0), s, port = port_of(l);
	socklen_t len = loop_addr(AF_INET, port, &a);

	EXPECT_EQ(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	EXPECT_EQ(listen(l, 1), 0);
	EXPECT_EQ(connect_port(c, AF_INET, port), 0);
	s = accept(l, NULL, NULL);
	close(s); /* the server closes first: TIME_WAIT is here */
	close(c);
	close(l);
	l = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	EXPECT_EQ(bind(l, (struct sockaddr *)&a, len), 0);
	EXPECT_EQ(listen(l, 1), 0);
}

/* ---- dual stack ---- */

CASE(an_ipv6_listener_takes_ipv4_too)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6}, peer;
	socklen_t len = sizeof(peer);
	int l = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s;

	EXPECT_EQ(bind(l, (struct sockaddr *)&any, sizeof(any)), 0);
	EXPECT_EQ(listen(l, 1), 0);
	EXPECT_EQ(connect_port(c, AF_INET, port_of(l)), 0);
	s = accept(l, (struct sockaddr *)&peer, &len);
	EXPECT(s >= 0);
	EXPECT(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
	EXPECT_EQ(ntohs(peer.sin6_port), port_of(c));
}

CASE(a_v6only_listener_does_not)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int l = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	EXPECT_EQ(bind(l, (struct sockaddr *)&any, sizeof(any)), 0);
	EXPECT_EQ(listen(l, 1), 0);
	EXPECT_ERRNO(connect_port(c, AF_INET, port_of(l)), ECONNREFUSED);
}

CASE(v6only_after_bind_is_einval)
{
	EXPECT_ERRNO(set_int(bound(AF_INET6, SOCK_STREAM), IPPROTO_IPV6, IPV6_V6ONLY, 1), EINVAL);
}

CASE(an_ipv6_socket_connects_to_a_mapped_address)
{
	int l = listener(AF_INET, 1), c = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port_of(l))};

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
	EXPECT_EQ(connect(c, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT(accept(l, NULL, NULL) >= 0);
}

CASE(a_v6only_socket_does_not_connect_to_a_mapped_address)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	int c = socket(AF_INET6, SOCK_STREAM, 0);

	EXPECT_EQ(set_int(c, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
	EXPECT_ERRNO(connect(c, (struct sockaddr *)&a, sizeof(a)), ENETUNREACH);
}

CASE(ipv4_and_ipv6_any_conflict_unless_v6only)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6};
	int x = socket(AF_INET, SOCK_STREAM, 0), y = socket(AF_INET6, SOCK_STREAM, 0);

	EXPECT_EQ(bind(x, (struct sockaddr *)&any, sizeof(any)), 0);
	EXPECT_EQ(listen(x, 1), 0);
	any6.sin6_port = htons((uint16_t)port_of(x));
	EXPECT_ERRNO(bind(y, (struct sockaddr *)&any6, sizeof(any6)), EADDRINUSE);
	EXPECT_EQ(set_int(y, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	EXPECT_EQ(bind(y, (struct sockaddr *)&any6, sizeof(any6)), 0);
}

/*
 * Data on TCP connections: flags of send(2) and recv(2), partial sends, waiting, urgent data, half-close,
 * resets, splice(2) and sendfile(2), poll(2) and epoll(7).
 */
#include "inet.h"

#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define MEG (1 << 20)

static char big[MEG];

static void fill(int fd)
{
	nonblocking(fd);
	for (int k = 0; k < 1000; k++)
		if (write(fd, big, sizeof(big)) < 0)
			break;
	EXPECT_EQ(errno, EAGAIN);
}

/* ---- receiving ---- */

CASE(peek_leaves_the_data)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "abc", 3, 0), 3);
	EXPECT_EQ(recv(fd[1], buf, sizeof(buf), MSG_PEEK), 3);
	EXPECT_EQ(recv(fd[1], buf, 2, MSG_PEEK), 2);
	EXPECT_EQ(recv(fd[1], buf, sizeof(buf), 0), 3);
	EXPECT_ERRNO(recv(fd[1], buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

CASE(peek_offset_moves_with_peeks)
{
	char buf[8] = "";
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(opt_int(fd[1], SOL_SOCKET, SO_PEEK_OFF), -1);
	EXPECT_EQ(set_int(fd[1], SOL_SOCKET, SO_PEEK_OFF, 0), 0);
	EXPECT_EQ(send(fd[0], "abcdef", 6, 0), 6);
	EXPECT_EQ(recv(fd[1], buf, 2, MSG_PEEK), 2);
	EXPECT_EQ(memcmp(buf, "ab", 2), 0);
	EXPECT_EQ(recv(fd[1], buf, 2, MSG_PEEK), 2);
	EXPECT_EQ(memcmp(buf, "cd", 2), 0);
	EXPECT_EQ(recv(fd[1], buf, 3, 0), 3);
	EXPECT_EQ(memcmp(buf, "abc", 3), 0);
	EXPECT_EQ(opt_int(fd[1], SOL_SOCKET, SO_PEEK_OFF), 1);
}

CASE(trunc_throws_bytes_away)
{
	char buf[8] = "xxxxxxx";
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "abcdef", 6, 0), 6);
	EXPECT_EQ(recv(fd[1], NULL, 4, MSG_TRUNC), 4);
	EXPECT_EQ(recv(fd[1], buf, sizeof(buf), 0), 2);
	EXPECT_EQ(memcmp(buf, "ef", 2), 0);
}

CASE(dontwait_is_eagain_without_data)
{
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_ERRNO(recv(fd[0], &c, 1, MSG_DONTWAIT), EAGAIN);
}

struct later {
	int fd;
	const char *text;
	int ms;
};

static void *write_later(void *arg)
{
	struct later *l = arg;

	short_sleep(l->ms);
	EXPECT_EQ(write(l->fd, l->text, strlen(l->text)), (ssize_t)strlen(l->text));
	return NULL;
}

CASE(a_read_waits_for_data)
{
	struct later l = {.text = "late", .ms = 100};
	char buf[8];
	int fd[2];
	pthread_t t;

	tcp_pair(AF_INET, fd);
	l.fd = fd[0];
	pthread_create(&t, NULL, write_later, &l);
	EXPECT_EQ(read(fd[1], buf, sizeof(buf)), 4);
	pthread_join(t, NULL);
}

CASE(waitall_waits_for_all)
{
	struct later l = {.text = "def", .ms = 100};
	char buf[8];
	int fd[2];
	pthread_t t;

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "abc", 3), 3);
	l.fd = fd[0];
	pthread_create(&t, NULL, write_later, &l);
	EXPECT_EQ(recv(fd[1], buf, 6, MSG_WAITALL), 6);
	EXPECT_EQ(memcmp(buf, "abcdef", 6), 0);
	pthread_join(t, NULL);
}

CASE(waitall_ends_early_at_the_end)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "abc", 3), 3);
	close(fd[0]);
	EXPECT_EQ(recv(fd[1], buf, 8, MSG_WAITALL), 3);
}

CASE(waitall_with_dontwait_takes_what_is_there)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "abc", 3), 3);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_EQ(recv(fd[1], buf, 8, MSG_WAITALL | MSG_DONTWAIT), 3);
}

CASE(rcvtimeo_ends_a_read)
{
	struct timeval tv = {0, 100000};
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(setsockopt(fd[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	EXPECT_ERRNO(read(fd[1], &c, 1), EAGAIN);
}

CASE(rcvlowat_holds_poll_back)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[1], SOL_SOCKET, SO_RCVLOWAT, 5), 0);
	EXPECT_EQ(write(fd[0], "abc", 3), 3);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 100), 0);
	EXPECT_EQ(write(fd[0], "de", 2), 2);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_EQ(read(fd[1], buf, sizeof(buf)), 5);
}

CASE(a_read_of_nothing_is_zero)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(read(fd[0], NULL, 0), 0);
	EXPECT_ERRNO(recv(fd[0], NULL, 0, MSG_DONTWAIT), EAGAIN); /* it asks whether there is something */
	EXPECT_EQ(write(fd[1], "x", 1), 1);
	EXPECT_EQ(recv(fd[0], NULL, 0, 0), 0);
}

CASE(reading_unconnected_is_enotconn)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char c;

	EXPECT_ERRNO(read(fd, &c, 1), ENOTCONN);
	EXPECT_ERRNO(recv(listener(AF_INET, 1), &c, 1, 0), ENOTCONN);
}

CASE(recvfrom_of_a_stream_tells_no_address)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "x", 1), 1);
	EXPECT_EQ(recvfrom(fd[1], &c, 1, 0, (struct sockaddr *)&a, &len), 1);
	EXPECT_EQ(len, 0);
}

CASE(a_bad_buffer_is_efault_and_loses_nothing)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "abc", 3), 3);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_ERRNO(recv(fd[1], (void *)8, 3, 0), EFAULT);
	EXPECT_EQ(recv(fd[1], buf, 8, 0), 3);
	EXPECT_ERRNO(send(fd[0], (void *)8, 3, 0), EFAULT);
}

CASE(readv_and_writev_gather_and_scatter)
{
	char a[4] = "", b[4] = "";
	struct iovec out[2] = {{"one", 3}, {"two", 3}}, in[2] = {{a, 3}, {b, 3}};
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(writev(fd[0], out, 2), 6);
	EXPECT_EQ(readv(fd[1], in, 2), 6);
	EXPECT_STR(a, "one");
	EXPECT_STR(b, "two");
}

/* ---- sending ---- */

CASE(writing_unconnected_is_epipe_with_a_signal)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_ERRNO(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_ERRNO(write(fd, "x", 1), EPIPE);
}

CASE(sigpipe_kills_who_does_not_expect_it)
{
	int fd[2];
	pid_t pid;

	tcp_pair(AF_INET, fd);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		shutdown(fd[0], SHUT_WR);
		(void)!write(fd[0], "x", 1);
		_exit(0);
	}
	expect_signal(pid, SIGPIPE);
}

CASE(a_send_fills_the_queues_and_is_then_eagain)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	fill(fd[0]);
	EXPECT_EQ(poll_for(fd[0], POLLOUT, 50), 0);
}

CASE(a_full_connection_is_writable_again_once_read)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	fill(fd[0]);
	nonblocking(fd[1]);
	for (int k = 0; k < 1000; k++) {
		while (read(fd[1], big, sizeof(big)) > 0)
			;
		if (poll_for(fd[0], POLLOUT, 20) == POLLOUT)
			break;
	}
	EXPECT_EQ(poll_for(fd[0], POLLOUT, 0), POLLOUT);
}

CASE(a_send_times_out_by_so_sndtimeo)
{
	struct timeval tv = {0, 100000};
	int fd[2];

	tcp_pair(AF_INET, fd);
	fill(fd[0]);
	EXPECT_EQ(fcntl(fd[0], F_SETFL, 0), 0);
	EXPECT_EQ(setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	EXPECT_ERRNO(write(fd[0], big, sizeof(big)), EAGAIN);
}

static void *drain(void *arg)
{
	static char buf[65536];
	long total = 0;
	unsigned char next = 0;
	ssize_t n;

	while ((n = read(*(int *)arg, buf, sizeof(buf))) > 0) {
		for (ssize_t k = 0; k < n; k++)
			if ((unsigned char)buf[k] != next++)
				return (void *)-1L;
		total += n;
	}
	return (void *)total;
}

static void stream_megabytes(int family)
{
	void *total;
	pthread_t t;
	int fd[2];

	for (size_t k = 0; k < sizeof(big); k++)
		big[k] = (char)k;
	tcp_pair(family, fd);
	pthread_create(&t, NULL, drain, &fd[1]);
	for (int k = 0; k < 16; k++)
		EXPECT_EQ(write(fd[0], big, sizeof(big)), sizeof(big));
	close(fd[0]);
	pthread_join(t, &total);
	EXPECT_EQ((long)total, 16L * MEG);
}

CASE(megabytes_arrive_in_order)
{
	stream_megabytes(AF_INET);
}

CASE(megabytes_arrive_in_order_over_ipv6)
{
	stream_megabytes(AF_INET6);
}

CASE(odd_pieces_arrive_in_order)
{
	void *total;
	pthread_t t;
	long sent = 0;
	int fd[2];

	for (size_t k = 0; k < sizeof(big); k++)
		big[k] = (char)k;
	tcp_pair(AF_INET, fd);
	pthread_create(&t, NULL, drain, &fd[1]);
	for (int k = 1; k < 2000; k++) {
		size_t n = (size_t)k * 37 % 5000 + 1;
		EXPECT_EQ(write(fd[0], big + sent % 256, n), (ssize_t)n);
		sent += (long)n;
	}
	shutdown(fd[0], SHUT_WR);
	pthread_join(t, &total);
	EXPECT_EQ((long)total, sent);
}

CASE(more_and_cork_hold_small_segments_back)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "a", 1, MSG_MORE), 1);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 30), 0);
	EXPECT_EQ(send(fd[0], "b", 1, 0), 1);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_EQ(read(fd[1], buf, 8), 2);
	EXPECT_EQ(set_int(fd[0], IPPROTO_TCP, TCP_CORK, 1), 0);
	EXPECT_EQ(write(fd[0], "c", 1), 1);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 30), 0);
	EXPECT_EQ(set_int(fd[0], IPPROTO_TCP, TCP_CORK, 0), 0);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
}

CASE(sendmsg_checks_its_header)
{
	struct iovec iov = {"x", 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(sendmsg(fd[0], &m, 0), 1);
	m.msg_iovlen = 1025;
	EXPECT_ERRNO(sendmsg(fd[0], &m, 0), EMSGSIZE);
	EXPECT_ERRNO(sendmsg(fd[0], (void *)8, 0), EFAULT);
}

/* ---- urgent data ---- */

CASE(the_urgent_byte_comes_apart)
{
	char c, buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(send(fd[0], "ab", 2, 0), 2);
	EXPECT_EQ(send(fd[0], "X", 1, MSG_OOB), 1);
	EXPECT_EQ(send(fd[0], "cd", 2, 0), 2);
	EXPECT(poll_for(fd[1], POLLPRI, 5000) & POLLPRI);
	EXPECT_EQ(recv(fd[1], &c, 1, MSG_OOB), 1);
	EXPECT_EQ(c, 'X');
	EXPECT_ERRNO(recv(fd[1], &c, 1, MSG_OOB), EINVAL);
	EXPECT_EQ(recv(fd[1], buf, 8, 0), 2);
	EXPECT_EQ(memcmp(buf, "ab", 2), 0);
	EXPECT_EQ(recv(fd[1], buf, 8, 0), 2);
	EXPECT_EQ(memcmp(buf, "cd", 2), 0);
}

CASE(sockatmark_tells_the_place)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(sockatmark(fd[1]), 0);
	EXPECT_EQ(send(fd[0], "ab", 2, 0), 2);
	EXPECT_EQ(send(fd[0], "X", 1, MSG_OOB), 1);
	EXPECT(poll_for(fd[1], POLLPRI, 5000) & POLLPRI);
	EXPECT_EQ(recv(fd[1], buf, 8, 0), 2);
	EXPECT_EQ(sockatmark(fd[1]), 1);
}

CASE(oobinline_leaves_it_in_the_stream)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(set_int(fd[1], SOL_SOCKET, SO_OOBINLINE, 1), 0);
	EXPECT_EQ(send(fd[0], "X", 1, MSG_OOB), 1);
	EXPECT_ERRNO(recv(fd[1], buf, 1, MSG_OOB), EINVAL);
	EXPECT_EQ(recv(fd[1], buf, 8, 0), 1);
	EXPECT_EQ(buf[0], 'X');
}

CASE(no_urgent_data_is_einval)
{
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_ERRNO(recv(fd[1], &c, 1, MSG_OOB), EINVAL);
}

/* ---- closing ---- */

CASE(half_close_lets_the_answer_through)
{
	char buf[8];
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "q", 1), 1);
	EXPECT_EQ(shutdown(fd[0], SHUT_WR), 0);
	EXPECT_EQ(read(fd[1], buf, 8), 1);
	EXPECT_EQ(read(fd[1], buf, 8), 0);
	EXPECT_EQ(write(fd[1], "answer", 6), 6);
	EXPECT_EQ(read(fd[0], buf, 8), 6);
	EXPECT_ERRNO(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
}

CASE(shutdown_of_reading_reads_as_the_end)
{
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(shutdown(fd[0], SHUT_RD), 0);
	EXPECT_EQ(read(fd[0], &c, 1), 0);
	EXPECT_EQ(write(fd[0], "x", 1), 1);
}

CASE(shutdown_checks_how_and_the_state)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_ERRNO(shutdown(fd[0], 3), EINVAL);
	EXPECT_ERRNO(shutdown(fd[0], -1), EINVAL);
	EXPECT_ERRNO(shutdown(socket(AF_INET, SOCK_STREAM, 0), SHUT_RDWR), ENOTCONN);
}

CASE(close_with_unread_data_resets)
{
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "unread", 6), 6);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	close(fd[1]);
	EXPECT(poll_for(fd[0], POLLIN, 5000) & POLLIN);
	EXPECT_ERRNO(read(fd[0], &c, 1), ECONNRESET);
	EXPECT_EQ(read(fd[0], &c, 1), 0);
}

CASE(linger_zero_resets)
{
	struct linger l = {1, 0};
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	close(fd[0]);
	EXPECT_ERRNO(read(fd[1], &c, 1), ECONNRESET);
}

CASE(linger_returns_once_all_has_arrived)
{
	struct linger l = {1, 5};
	char buf[8];
	int fd[2];
	uint64_t t;

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	EXPECT_EQ(write(fd[0], "abc", 3), 3);
	t = now_ms();
	close(fd[0]);
	EXPECT(now_ms() - t < 4000);
	EXPECT_EQ(read(fd[1], buf, 8), 3);
	EXPECT_EQ(read(fd[1], buf, 8), 0);
}

CASE(writing_to_a_closed_peer_is_reset_then_epipe)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	close(fd[1]);
	EXPECT(poll_for(fd[0], POLLIN, 5000) & POLLIN);
	EXPECT_EQ(write(fd[0], "x", 1), 1);
	EXPECT(poll_for(fd[0], POLLHUP, 5000) & POLLHUP);
	EXPECT_ERRNO(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
}

CASE(a_dying_process_closes_its_connections)
{
	char c;
	int fd[2];
	pid_t pid;

	tcp_pair(AF_INET, fd);
	pid = fork();
	if (!pid) {
		close(fd[0]);
		raise(SIGKILL);
	}
	close(fd[1]);
	expect_signal(pid, SIGKILL);
	EXPECT_EQ(read(fd[0], &c, 1), 0);
}

/* ---- poll and epoll ---- */

CASE(poll_of_a_fresh_socket_is_hup_and_writable)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(poll_for(fd, POLLIN | POLLOUT, 0), POLLOUT | POLLHUP);
}

CASE(poll_of_a_connected_socket_is_writable)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(poll_for(fd[0], POLLIN | POLLOUT | POLLRDHUP, 0), POLLOUT);
}

CASE(poll_sees_data_the_end_and_rdhup)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(write(fd[0], "x", 1), 1);
	EXPECT_EQ(poll_for(fd[1], POLLIN | POLLRDHUP, 5000), POLLIN);
	shutdown(fd[0], SHUT_WR);
	EXPECT_EQ(poll_for(fd[1], POLLRDHUP, 5000), POLLRDHUP);
	EXPECT_EQ(poll_for(fd[1], POLLIN | POLLRDHUP | POLLOUT, 0), POLLIN | POLLRDHUP | POLLOUT);
}

CASE(poll_is_hup_once_both_sides_are_done)
{
	int fd[2];

	tcp_pair(AF_INET, fd);
	shutdown(fd[0], SHUT_WR);
	shutdown(fd[1], SHUT_WR);
	EXPECT(poll_for(fd[0], POLLIN, 5000) & POLLIN);
	EXPECT(poll_for(fd[0], 0, 5000) & POLLHUP);
}

CASE(poll_after_a_reset_is_err_and_hup)
{
	struct linger l = {1, 0};
	int fd[2];

	tcp_pair(AF_INET, fd);
	setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd[0]);
	EXPECT(poll_for(fd[1], POLLIN, 5000) & POLLIN);
	EXPECT_EQ(poll_for(fd[1], POLLIN | POLLOUT | POLLRDHUP, 0),
		  POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	EXPECT_EQ(opt_int(fd[1], SOL_SOCKET, SO_ERROR), ECONNRESET);
	EXPECT_EQ(poll_for(fd[1], POLLIN | POLLOUT | POLLRDHUP, 0), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
}

static int epoll_of(int fd, unsigned events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};
	int ep = epoll_create1(0);

	EXPECT(ep >= 0);
	EXPECT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	return ep;
}

CASE(epoll_edges_come_with_each_arrival)
{
	struct epoll_event ev;
	char c;
	int fd[2], ep;

	tcp_pair(AF_INET, fd);
	ep = epoll_of(fd[1], EPOLLIN | EPOLLET);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	EXPECT_EQ(write(fd[0], "ab", 2), 2);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
	EXPECT_EQ(ev.events, EPOLLIN);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 30), 0);
	EXPECT_EQ(read(fd[1], &c, 1), 1);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 30), 0);
	EXPECT_EQ(write(fd[0], "c", 1), 1);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
}

CASE(epoll_levels_stay_until_read)
{
	struct epoll_event ev;
	char buf[8];
	int fd[2], ep;

	tcp_pair(AF_INET, fd);
	ep = epoll_of(fd[1], EPOLLIN);
	EXPECT_EQ(write(fd[0], "ab", 2), 2);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(read(fd[1], buf, 8), 2);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 0), 0);
}

CASE(epoll_edge_of_writability_comes_after_eagain)
{
	struct epoll_event ev;
	int fd[2], ep;

	tcp_pair(AF_INET, fd);
	ep = epoll_of(fd[0], EPOLLOUT | EPOLLET);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	fill(fd[0]);
	nonblocking(fd[1]);
	for (int k = 0; k < 200; k++) {
		while (read(fd[1], big, sizeof(big)) > 0)
			;
		if (epoll_wait(ep, &ev, 1, 20) == 1)
			return;
	}
	EXPECT(!"an edge came");
}

CASE(epoll_on_a_listener_sees_each_client)
{
	struct epoll_event ev;
	int l = listener(AF_INET, 8), ep = epoll_of(l, EPOLLIN | EPOLLET),
	    a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(connect_port(a, AF_INET, port_of(l)), 0);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	EXPECT_EQ(connect_port(b, AF_INET, port_of(l)), 0);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
}

CASE(epoll_sees_hup_of_a_reset)
{
	struct linger lin = {1, 0};
	struct epoll_event ev;
	int fd[2], ep;

	tcp_pair(AF_INET, fd);
	ep = epoll_of(fd[1], EPOLLET);
	setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &lin, sizeof(lin));
	close(fd[0]);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
	EXPECT_EQ(ev.events, EPOLLERR | EPOLLHUP);
}

/* ---- other ways in and out ---- */

CASE(sendfile_goes_into_a_socket)
{
	char buf[16];
	int fd[2], f = make_file("f", "from a file");
	off_t at = 0;

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(sendfile(fd[0], f, &at, 100), 11);
	EXPECT_EQ(at, 11);
	EXPECT_EQ(read(fd[1], buf, sizeof(buf)), 11);
	EXPECT_EQ(memcmp(buf, "from a file", 11), 0);
}

CASE(splice_goes_from_a_pipe_into_a_socket_and_back)
{
	char buf[16];
	int fd[2], p[2];

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(pipe(p), 0);
	EXPECT_EQ(write(p[1], "spliced", 7), 7);
	EXPECT_EQ(splice(p[0], NULL, fd[0], NULL, 7, 0), 7);
	EXPECT_EQ(splice(fd[1], NULL, p[1], NULL, 7, 0), 7);
	EXPECT_EQ(read(p[0], buf, sizeof(buf)), 7);
	EXPECT_EQ(memcmp(buf, "spliced", 7), 0);
}

CASE(fionread_and_outq_count)
{
	int fd[2], n = -1;
	char c;

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(ioctl(fd[1], FIONREAD, &n), 0);
	EXPECT_EQ(n, 0);
	EXPECT_EQ(write(fd[0], "abc", 3), 3);
	EXPECT_EQ(poll_for(fd[1], POLLIN, 5000), POLLIN);
	EXPECT_EQ(ioctl(fd[1], FIONREAD, &n), 0);
	EXPECT_EQ(n, 3);
	EXPECT_EQ(read(fd[1], &c, 1), 1);
	EXPECT_EQ(ioctl(fd[1], FIONREAD, &n), 0);
	EXPECT_EQ(n, 2);
	for (int k = 0; k < 100; k++) {
		EXPECT_EQ(ioctl(fd[0], TIOCOUTQ, &n), 0);
		if (!n)
			break;
		short_sleep(10);
	}
	EXPECT_EQ(n, 0);
}

CASE(fionread_of_a_listener_is_einval)
{
	int n;

	EXPECT_ERRNO(ioctl(listener(AF_INET, 1), FIONREAD, &n), EINVAL);
}

CASE(fionbio_makes_it_nonblocking)
{
	int fd[2], on = 1;
	char c;

	tcp_pair(AF_INET, fd);
	EXPECT_EQ(ioctl(fd[0], FIONBIO, &on), 0);
	EXPECT_ERRNO(read(fd[0], &c, 1), EAGAIN);
}

static void nothing(int s)
{
}

CASE(a_signal_interrupts_a_read)
{
	struct sigaction sa = {.sa_handler = nothing};
	char c;
	int fd[2];

	tcp_pair(AF_INET, fd);
	sigaction(SIGALRM, &sa, NULL);
	ualarm(100000, 0);
	EXPECT_ERRNO(read(fd[0], &c, 1), EINTR);
}

CASE(sockets_do_not_seek)
{
	int fd[2];
	char c;

	tcp_pair(AF_INET, fd);
	EXPECT_ERRNO(lseek(fd[0], 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO(pread(fd[0], &c, 1, 0), ESPIPE);
}

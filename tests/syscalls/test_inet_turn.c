/*
 * Two processes on one stream over loopback, one of which writes small pieces in rows: all arrives in order,
 * whoever sleeps is woken, and nobody waits for a reader that does something else.
 */
#include "inet.h"

#include <sys/wait.h>

#define PIECES 20000

static pid_t child_of(int fd[2])
{
	tcp_pair(AF_INET, fd);
	return fork();
}

static void write_row(int fd, int count)
{
	for (int k = 0; k < count; k++)
		if (write(fd, &k, sizeof(k)) != sizeof(k))
			_exit(1);
}

static void expect_row(int fd, int count)
{
	for (int k = 0, got; k < count; k++) {
		EXPECT_EQ(recv(fd, &got, sizeof(got), MSG_WAITALL), (long)sizeof(got));
		EXPECT_EQ(got, k);
	}
}

static void end_child(pid_t pid)
{
	int status;

	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

CASE(a_row_of_small_writes_arrives_in_order)
{
	int fd[2];
	pid_t pid = child_of(fd);

	if (!pid) {
		write_row(fd[0], PIECES);
		_exit(0);
	}
	expect_row(fd[1], PIECES);
	end_child(pid);
}

CASE(both_ways_at_once)
{
	int fd[2];
	pid_t pid = child_of(fd);

	if (!pid) {
		for (int k = 0, got; k < 2000; k++)
			if (write(fd[0], &k, sizeof(k)) != sizeof(k) ||
			    recv(fd[0], &got, sizeof(got), MSG_WAITALL) != sizeof(got) || got != k)
				_exit(1);
		_exit(0);
	}
	for (int k = 0, got; k < 2000; k++) {
		EXPECT_EQ(write(fd[1], &k, sizeof(k)), (long)sizeof(k));
		EXPECT_EQ(recv(fd[1], &got, sizeof(got), MSG_WAITALL), (long)sizeof(got));
		EXPECT_EQ(got, k);
	}
	end_child(pid);
}

CASE(a_row_wakes_who_polls)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int fd[2], ep = epoll_create1(0), sum = 0;
	pid_t pid = child_of(fd);

	if (!pid) {
		write_row(fd[0], PIECES);
		_exit(0);
	}
	EXPECT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &ev), 0);
	while (sum < PIECES * (int)sizeof(int)) {
		char buf[4096];
		long n;
		EXPECT_EQ(epoll_wait(ep, &ev, 1, 20000), 1);
		n = recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT);
		EXPECT(n > 0);
		sum += (int)n;
	}
	EXPECT_EQ(sum, PIECES * (int)sizeof(int));
	end_child(pid);
}

/* The reader waits for a word by another way, which the writer gives when all is written: it fits in the
 * buffers. */
CASE(a_writer_does_not_wait_for_a_reader_that_waits_for_it)
{
	static char piece[4096];
	int fd[2], word[2];
	char c;
	pid_t pid;

	EXPECT_EQ(pipe(word), 0);
	pid = child_of(fd);
	if (!pid) {
		for (int k = 0; k < 16; k++)
			if (write(fd[0], piece, sizeof(piece)) != sizeof(piece))
				_exit(1);
		_exit(write(word[1], "x", 1) != 1);
	}
	EXPECT_EQ(read(fd[1], &c, 1), 1);
	EXPECT_EQ(read(word[0], &c, 1), 1);
	for (long left = 16 * 4096 - 1; left;) {
		long n = read(fd[1], piece, sizeof(piece));
		EXPECT(n > 0);
		left -= n;
	}
	end_child(pid);
}

CASE(a_signal_reaches_a_writer_in_a_row)
{
	int fd[2], status;
	pid_t pid = child_of(fd);

	if (!pid) {
		for (;;)
			write_row(fd[0], PIECES);
	}
	expect_row(fd[1], 1000);
	EXPECT_EQ(kill(pid, SIGTERM), 0);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

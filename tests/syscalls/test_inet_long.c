/*
 * Long reads from TCP connections: with buffers longer than what a sandbox moves at once, alone, side by
 * side, into memory that is not there, traced and interrupted. What a read says it has is what the stream
 * held next.
 */
#include "inet.h"
#include "ptrace.h"

#include <sys/time.h>

#define QUEUED (400 * 1024)
#define GUARD  64

static unsigned char sent(size_t at)
{
	uint32_t word = (uint32_t)(at / 4) * 2654435761U;

	return (unsigned char)(word >> 8 * (at % 4));
}

/* The first of n bytes that is not the stream's from `at` on, or n. */
static size_t wrong_from(const unsigned char *buf, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		if (buf[i] != sent(at + i))
			return i;
	return n;
}

static void send_part(int fd, size_t from, size_t size)
{
	unsigned char *buf = malloc(size);

	for (size_t i = 0; i < size; i++)
		buf[i] = sent(from + i);
	for (size_t done = 0; done < size;) {
		ssize_t n = send(fd, buf + done, size - done, MSG_NOSIGNAL);
		if (n <= 0)
			_exit(3);
		done += (size_t)n;
	}
	free(buf);
}

static pid_t sender(int fd[2], size_t size)
{
	pid_t pid = fork();

	if (!pid) {
		close(fd[1]);
		for (size_t at = 0; at < size; at += 65536)
			send_part(fd[0], at, size - at < 65536 ? size - at : 65536);
		_exit(0);
	}
	close(fd[0]);
	return pid;
}

/* A connection whose receiver has QUEUED bytes. */
static void queue(int fd[2])
{
	int there = 0;

	tcp_pair(AF_INET, fd);
	set_int(fd[1], SOL_SOCKET, SO_RCVBUFFORCE, 4 * QUEUED);
	set_int(fd[0], SOL_SOCKET, SO_SNDBUFFORCE, 4 * QUEUED);
	nonblocking(fd[0]);
	for (size_t at = 0; at < QUEUED; at += 4096)
		send_part(fd[0], at, 4096);
	for (int i = 0; i < 500 && there < QUEUED; i++) {
		OK(ioctl(fd[1], FIONREAD, &there));
		if (there < QUEUED)
			sleep_ms(10);
	}
	if (there < QUEUED)
		case_skip("may not have so large a receive buffer");
}

CASE(long_reads_have_all_that_is_there)
{
	static const size_t sizes[] = {65535,  65536,  65537,  81919,  81920,
				       131072, 199999, 262144, QUEUED, 1 << 20};
	unsigned char *buf = malloc((1 << 20) + 2 * GUARD);

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		size_t want = sizes[k] < QUEUED ? sizes[k] : QUEUED;
		int fd[2];
		queue(fd);
		memset(buf, 0xee, (1 << 20) + 2 * GUARD);
		EXPECT_EQ(read(fd[1], buf + GUARD, sizes[k]), want);
		EXPECT_EQ(wrong_from(buf + GUARD, want, 0), want);
		for (int i = 0; i < GUARD; i++) {
			EXPECT_EQ(buf[i], 0xee);
			EXPECT_EQ(buf[GUARD + want + (size_t)i], 0xee);
		}
		close(fd[0]);
		close(fd[1]);
	}
}

CASE(long_receives_with_flags)
{
	unsigned char *buf = malloc(1 << 20);
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	int fd[2];

	queue(fd);
	EXPECT_EQ(recv(fd[1], buf, 150000, MSG_PEEK), 150000);
	EXPECT_EQ(wrong_from(buf, 150000, 0), 150000);
	memset(buf, 0, 150000);
	EXPECT_EQ(recvfrom(fd[1], buf, 150000, MSG_WAITALL, (struct sockaddr *)&a, &len), 150000);
	EXPECT_EQ(wrong_from(buf, 150000, 0), 150000);
	EXPECT_EQ(len, 0); /* a stream names nobody */
	EXPECT_EQ(recv(fd[1], NULL, 100000, MSG_TRUNC), 100000);
	EXPECT_EQ(recv(fd[1], buf, 1 << 20, MSG_DONTWAIT), QUEUED - 250000);
	EXPECT_EQ(wrong_from(buf, QUEUED - 250000, 250000), QUEUED - 250000);
	EXPECT_ERRNO(recv(fd[1], buf, 1 << 20, MSG_DONTWAIT), EAGAIN);
}

CASE(a_long_read_waits_for_all_of_it)
{
	unsigned char *buf = malloc(3 << 20);
	int fd[2];
	pid_t pid;

	tcp_pair(AF_INET6, fd);
	pid = sender(fd, 3 << 20);
	EXPECT_EQ(recv(fd[1], buf, 3 << 20, MSG_WAITALL), 3 << 20);
	EXPECT_EQ(wrong_from(buf, 3 << 20, 0), 3 << 20);
	EXPECT_EQ(read(fd[1], buf, 1 << 20), 0);
	expect_exit(pid, 0);
}

/* What cannot be written is not taken: the stream goes on where the read says it ended. */
CASE(a_long_read_into_memory_that_ends)
{
	static const size_t holes[] = {0, 4096, 65536, 65536 + 4096, 131072};
	const size_t page = 4096;

	for (size_t k = 0; k < sizeof(holes) / sizeof(holes[0]); k++) {
		unsigned char *buf =
		    mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		size_t got = 0;
		ssize_t n;
		int fd[2];
		queue(fd);
		OK(mprotect(buf + holes[k], page, PROT_READ));
		n = read(fd[1], buf, 200000);
		if (n < 0)
			EXPECT_EQ(errno, EFAULT);
		else
			got = (size_t)n;
		EXPECT(got <= holes[k]);
		EXPECT_EQ(wrong_from(buf, got, 0), got);
		OK(mprotect(buf, 1 << 20, PROT_READ | PROT_WRITE));
		EXPECT_EQ(recv(fd[1], buf, QUEUED - got, MSG_WAITALL), QUEUED - got);
		EXPECT_EQ(wrong_from(buf, QUEUED - got, got), QUEUED - got);
		OK(munmap(buf, 1 << 20));
		close(fd[0]);
		close(fd[1]);
	}
}

/* ---- side by side ---- */

#define READERS 3
#define STREAM  (24 << 20)

static _Atomic size_t taken;
static _Atomic int torn;

/* The stream's words are their own numbers. Is what was read a piece of it, wherever it begins? */
static bool is_a_piece(const char *buf, size_t n)
{
	for (size_t shift = 0; shift < 8; shift++) {
		uint64_t first, word;
		size_t at = shift;
		memcpy(&first, buf + at, 8);
		for (word = first; at + 8 <= n; at += 8) {
			memcpy(&word, buf + at, 8);
			if (word != first + (at - shift) / 8)
				break;
		}
		if (at + 8 > n)
			return true;
	}
	return false;
}

static void *number_reader(void *arg)
{
	char *buf = malloc(300000);
	ssize_t n;

	while ((n = read((int)(intptr_t)arg, buf, 300000)) > 0) {
		torn += n > 32 && !is_a_piece(buf, (size_t)n);
		taken += (size_t)n;
	}
	free(buf);
	return NULL;
}

CASE(long_reads_of_many_are_each_a_piece_of_the_stream)
{
	pthread_t t[READERS];
	int fd[2];
	pid_t pid;

	alarm(60);
	tcp_pair(AF_INET, fd);
	pid = fork();
	if (!pid) {
		uint64_t *w = malloc(1 << 20), next = 0;
		close(fd[1]);
		for (size_t at = 0; at < STREAM; at += 1 << 20) {
			for (size_t i = 0; i < (1 << 20) / 8; i++)
				w[i] = next++;
			for (size_t done = 0; done < 1 << 20;) {
				ssize_t n = write(fd[0], (char *)w + done, (1 << 20) - done);
				if (n <= 0)
					_exit(1);
				done += (size_t)n;
			}
		}
		_exit(0);
	}
	close(fd[0]);
	for (int i = 0; i < READERS; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, number_reader, (void *)(intptr_t)fd[1]), 0);
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	expect_exit(pid, 0);
	EXPECT_EQ(taken, STREAM);
	EXPECT_EQ(torn, 0);
}

/* ---- interrupted ---- */

static volatile sig_atomic_t ticks;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

static void read_all(int fd, size_t size)
{
	unsigned char *buf = malloc(1 << 20);
	size_t at = 0;

	for (;;) {
		ssize_t n = read(fd, buf, 1 << 20);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		EXPECT_EQ(wrong_from(buf, (size_t)n, at), n);
		at += (size_t)n;
	}
	EXPECT_EQ(at, size);
	free(buf);
}

CASE(long_reads_with_signals_all_the_time)
{
	struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = tick};
	int fd[2];
	pid_t pid;

	alarm(0);
	tcp_pair(AF_INET, fd);
	pid = sender(fd, STREAM);
	OK(sigaction(SIGALRM, &sa, NULL));
	OK(setitimer(ITIMER_REAL, &often, NULL));
	read_all(fd[1], STREAM);
	OK(setitimer(ITIMER_REAL, &never, NULL));
	expect_exit(pid, 0);
	EXPECT(ticks > 0);
}

static void *endless_reader(void *arg)
{
	unsigned char *buf = malloc(1 << 20);

	while (read((int)(intptr_t)arg, buf, 1 << 20) > 0)
		;
	return NULL;
}

CASE(a_process_that_ends_in_the_midst_of_long_reads)
{
	for (int round = 0; round < 20; round++) {
		int fd[2], st;
		pid_t from, to;
		tcp_pair(AF_INET, fd);
		from = fork();
		if (!from) {
			close(fd[1]);
			signal(SIGPIPE, SIG_DFL);
			for (size_t at = 0;; at += 65536) {
				char buf[65536] = "";
				if (write(fd[0], buf, sizeof(buf)) <= 0)
					_exit(0);
			}
		}
		close(fd[0]);
		to = fork();
		if (!to) {
			pthread_t t;
			pthread_create(&t, NULL, endless_reader, (void *)(intptr_t)fd[1]);
			usleep(1000 + 500 * (useconds_t)round);
			_exit(7);
		}
		close(fd[1]);
		expect_exit(to, 7);
		OK(waitpid(from, &st, 0)); /* by EPIPE, ECONNRESET or SIGPIPE */
	}
}

static int traced_fd;

static void traced_reader(void)
{
	read_all(traced_fd, 2 << 20);
}

/* At each stop of a read its arguments are what they were. */
CASE(long_reads_of_one_who_is_traced)
{
	struct user_regs_struct r;
	int fd[2], st, reads = 0;
	pid_t from, pid;

	alarm(60);
	tcp_pair(AF_INET, fd);
	from = sender(fd, 2 << 20);
	traced_fd = fd[1];
	pid = traced(traced_reader);
	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	for (;;) {
		OK(pt(PTRACE_SYSCALL, pid, 0, 0));
		EXPECT_EQ(waitpid(pid, &st, 0), pid);
		if (WIFEXITED(st))
			break;
		EXPECT_EQ(st >> 8, SIGTRAP | 0x80);
		OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
		if (r.orig_rax == SYS_read) {
			EXPECT_EQ(r.rdi, fd[1]);
			EXPECT_EQ(r.rdx, 1 << 20);
			reads++;
		}
	}
	EXPECT_EQ(WEXITSTATUS(st), 0);
	EXPECT(reads >= 4);
	expect_exit(from, 0);
}

/*
 * test_copy_races.c - several threads at one object, each with a buffer of its own, while others change the
 * address space: what an object holds comes to exactly one reader, whole.
 */
#include "case.h"

#include <poll.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define READERS 4
#define MAPPERS 3
#define PAGE    4096UL

static volatile bool stop;
static _Atomic long wrong;

/* Changes the address space all the time. */
static void *mapper(void *arg)
{
	while (!stop) {
		char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			continue;
		p[0] = 1;
		munmap(p + PAGE, PAGE);
		mprotect(p, PAGE, PROT_READ);
		munmap(p, 4 * PAGE);
	}
	return NULL;
}

static pthread_t mappers[MAPPERS];

static void start_mappers(void)
{
	alarm(60); /* all of a busy machine's threads want to run */
	stop = false;
	for (int i = 0; i < MAPPERS; i++)
		EXPECT_EQ(pthread_create(&mappers[i], NULL, mapper, NULL), 0);
}

static void stop_mappers(void)
{
	stop = true;
	for (int i = 0; i < MAPPERS; i++)
		pthread_join(mappers[i], NULL);
}

static void read_by_many(void *(*reader)(void *), int fd)
{
	pthread_t t[READERS];

	for (int i = 0; i < READERS; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, reader, (void *)(intptr_t)fd), 0);
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
}

/* ---- pipes ---- */

#define NUMBERS 20000UL

static _Atomic unsigned long sum, count;

/* Numbers 1 to NUMBERS in packets of 16, by another process. */
static pid_t write_numbers(int p[2])
{
	pid_t pid = fork();
	uint64_t w[16];

	if (pid)
		return pid;
	close(p[0]);
	for (uint64_t n = 1; n <= NUMBERS; n += 16) {
		struct iovec v = {w, sizeof(w)};
		for (int i = 0; i < 16; i++)
			w[i] = n + (uint64_t)i;
		if (writev(p[1], &v, 1) != (ssize_t)sizeof(w))
			_exit(1);
	}
	_exit(0);
}

static void *number_reader(void *arg)
{
	uint64_t w[48];
	ssize_t n;

	for (;;) {
		struct iovec v = {w, sizeof(w)}; /* what a vector points at is not brought along */
		n = readv((int)(intptr_t)arg, &v, 1);
		if (n <= 0 || n % 8) {
			wrong += n != 0;
			return NULL;
		}
		for (ssize_t i = 0; i < n / 8; i++)
			sum += w[i];
		count += (unsigned long)n / 8;
	}
}

CASE(a_pipe_read_by_many_while_memory_changes)
{
	int p[2];
	pid_t pid;

	OK(pipe(p));
	pid = write_numbers(p);
	close(p[1]);
	start_mappers();
	read_by_many(number_reader, p[0]);
	stop_mappers();
	expect_exit(pid, 0);
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(count, NUMBERS);
	EXPECT_EQ(sum, NUMBERS * (NUMBERS + 1) / 2);
}

/* The same into stacks that have to grow for it. */
static void *stack_reader(void *arg)
{
	static _Atomic unsigned long turn;
	ssize_t n;

	for (;;) {
		char *at = (char *)(0x100000000000UL + turn++ * (64UL << 20)), *top;
		struct iovec v;
		top = mmap(at, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0);
		if (top == MAP_FAILED) {
			wrong += 1000;
			return NULL;
		}
		v = (struct iovec){top - 3 * PAGE, 128};
		n = readv((int)(intptr_t)arg, &v, 1);
		if (n > 0) {
			for (ssize_t i = 0; i < n / 8; i++)
				sum += ((uint64_t *)v.iov_base)[i];
			count += (unsigned long)n / 8;
		}
		munmap(top - 64 * PAGE, 65 * PAGE);
		if (n <= 0 || n % 8) {
			wrong += n != 0;
			return NULL;
		}
	}
}

CASE(a_pipe_read_by_many_into_growing_stacks)
{
	int p[2];
	pid_t pid;

	OK(pipe(p));
	pid = write_numbers(p);
	close(p[1]);
	read_by_many(stack_reader, p[0]);
	expect_exit(pid, 0);
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(count, NUMBERS);
	EXPECT_EQ(sum, NUMBERS * (NUMBERS + 1) / 2);
}

static void *number_writer(void *arg)
{
	uint64_t w[16];

	for (int turn = 0; turn < 400; turn++) {
		struct iovec v = {w, sizeof(w)};
		for (int i = 0; i < 16; i++)
			w[i] = (uint64_t)(turn * 16 + i);
		if (writev((int)(intptr_t)arg, &v, 1) != (ssize_t)sizeof(w))
			wrong++;
	}
	return NULL;
}

CASE(a_pipe_written_by_many_while_memory_changes)
{
	uint64_t w[16];
	int p[2], left = 400 * READERS;
	pid_t pid;

	OK(pipe(p));
	pid = fork();
	if (!pid) { /* each write of at most PIPE_BUF bytes is one piece */
		close(p[1]);
		while (left--) {
			size_t got = 0;
			while (got < sizeof(w)) {
				ssize_t n = read(p[0], (char *)w + got, sizeof(w) - got);
				if (n <= 0)
					_exit(1);
				got += (size_t)n;
			}
			for (int i = 1; i < 16; i++)
				if (w[i] != w[0] + (uint64_t)i)
					_exit(2);
		}
		_exit(read(p[0], w, 1) == 0 ? 0 : 3);
	}
	close(p[0]);
	start_mappers();
	read_by_many(number_writer, p[1]);
	stop_mappers();
	close(p[1]);
	expect_exit(pid, 0);
	EXPECT_EQ(wrong, 0);
}

/* ---- sockets ---- */

#define MESSAGES 3000

static void send_descriptor(int sock, int fd, uint64_t number)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec v = {&number, sizeof(number)};
	struct msghdr m = {
	    .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	if (sendmsg(sock, &m, 0) != sizeof(number))
		_exit(1);
}

static pid_t send_descriptors(int s[2])
{
	pid_t pid = fork();

	if (pid)
		return pid;
	close(s[0]);
	for (uint64_t i = 1; i <= MESSAGES; i++) {
		int fd = (int)syscall(SYS_memfd_create, "m", 0);
		if (fd < 0 || ftruncate(fd, (off_t)i))
			_exit(2);
		send_descriptor(s[1], fd, i);
		close(fd);
	}
	_exit(0);
}

/* Each message has a file as long as its number says. */
static void *descriptor_reader(void *arg)
{
	for (;;) {
		char control[CMSG_SPACE(sizeof(int))];
		uint64_t number = 0;
		struct iovec v = {&number, sizeof(number)};
		struct msghdr m = {.msg_iov = &v,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg((int)(intptr_t)arg, &m, 0);
		struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
		struct stat st;
		int fd;
		if (n <= 0) {
			wrong += n != 0;
			return NULL;
		}
		if (!h || n != sizeof(number)) {
			wrong += 100;
			continue;
		}
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
		if (fstat(fd, &st) || st.st_size != (off_t)number)
			wrong += 10000;
		close(fd);
		sum += number;
		count++;
	}
}

static void received_by_many(int type)
{
	pid_t pid;
	int s[2];

	OK(socketpair(AF_UNIX, type, 0, s));
	pid = send_descriptors(s);
	close(s[1]);
	start_mappers();
	read_by_many(descriptor_reader, s[0]);
	stop_mappers();
	expect_exit(pid, 0);
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(count, MESSAGES);
	EXPECT_EQ(sum, MESSAGES * (MESSAGES + 1UL) / 2);
}

CASE(descriptors_of_a_stream_received_by_many_while_memory_changes)
{
	received_by_many(SOCK_STREAM);
}

CASE(descriptors_of_packets_received_by_many_while_memory_changes)
{
	received_by_many(SOCK_SEQPACKET);
}

/* ---- inotify ---- */

static void *event_reader(void *arg)
{
	char buf[512] __attribute__((aligned(8)));

	for (;;) {
		struct iovec v = {buf, sizeof(buf)};
		ssize_t n = readv((int)(intptr_t)arg, &v, 1);
		if (n <= 0) {
			wrong += n < 0 && errno != EAGAIN;
			if (stop)
				return NULL;
			poll(&(struct pollfd){.fd = (int)(intptr_t)arg, .events = POLLIN}, 1, 20);
			continue;
		}
		for (char *p = buf; p < buf + n;) {
			struct inotify_event *e = (void *)p;
			if (e->mask & IN_CREATE) {
				sum += strtoul(e->name, NULL, 10);
				count++;
			}
			wrong += (e->mask & ~(uint32_t)(IN_CREATE | IN_ISDIR)) != 0;
			p += sizeof(*e) + e->len;
		}
	}
}

CASE(events_read_by_many_while_memory_changes)
{
	pthread_t t[READERS];
	char name[16];
	int in = inotify_init1(IN_NONBLOCK);

	OK(in);
	OK(inotify_add_watch(in, ".", IN_CREATE));
	start_mappers();
	for (int i = 0; i < READERS; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, event_reader, (void *)(intptr_t)in), 0);
	for (unsigned long i = 1; i <= 500; i++) {
		snprintf(name, sizeof(name), "%lu", i);
		OK(mkdir(name, 0700));
		OK(rmdir(name));
	}
	for (int i = 0; i < 500 && count < 500; i++)
		sleep_ms(10);
	stop_mappers();
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(count, 500);
	EXPECT_EQ(sum, 500UL * 501 / 2);
}

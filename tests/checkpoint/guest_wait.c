/* guest_wait.c - threads that wait in the kernel. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "guest.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int value;

static void *wait_value(void *arg)
{
	pthread_mutex_lock(&lock);
	while (value != 42)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	return (void *)1;
}

static void futex(void)
{
	pthread_t t[4];
	void *ret;

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, wait_value, NULL) == 0);
	usleep(100000);
	pause_here();
	pthread_mutex_lock(&lock);
	value = 42;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], &ret) == 0 && ret == (void *)1);
}

static int ends[2];
static void *reader(void *arg)
{
	char text[6] = "";

	CHECK(read(ends[0], text, 5) == 5);
	CHECK(!strcmp(text, "hello"));
	return NULL;
}
static void *filler(void *arg)
{
	static char big[200000];

	memset(big, 'f', sizeof(big));
	CHECK(write(*(int *)arg, big, sizeof(big)) == sizeof(big));
	return NULL;
}

/* One waits for data, another for room in a full pipe. */
static void pipes(void)
{
	pthread_t t[2];
	char bytes[1000];
	int full[2];

	CHECK(pipe(ends) == 0 && pipe(full) == 0);
	CHECK(pthread_create(&t[0], NULL, reader, NULL) == 0);
	CHECK(pthread_create(&t[1], NULL, filler, &full[1]) == 0);
	usleep(100000);
	pause_here();
	CHECK(write(ends[1], "hello", 5) == 5);
	for (ssize_t left = 200000, n; left; left -= n) {
		n = read(full[0], bytes, sizeof(bytes));
		CHECK(n > 0 && bytes[0] == 'f' && bytes[n - 1] == 'f');
	}
	CHECK(pthread_join(t[0], NULL) == 0 && pthread_join(t[1], NULL) == 0);
}

static int poller, event;
static void *wait_epoll(void *arg)
{
	struct epoll_event ev;

	CHECK(epoll_wait(poller, &ev, 1, -1) == 1);
	CHECK(ev.data.u64 == 0x1234567890 && ev.events == EPOLLIN);
	return NULL;
}

/* In epoll_wait, with an edge that has been taken already. */
static void epoll(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x1234567890};
	uint64_t one = 1;
	pthread_t t;

	event = eventfd(1, 0);
	poller = epoll_create1(0);
	CHECK(event >= 0 && poller >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, event, &ev) == 0);
	CHECK(epoll_wait(poller, &ev, 1, 0) == 1);
	CHECK(pthread_create(&t, NULL, wait_epoll, NULL) == 0);
	usleep(100000);
	pause_here();
	CHECK(write(event, &one, 8) == 8);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(read(event, &one, 8) == 8 && one == 2);
}

/* A unix stream with a descriptor and bytes on their way, and one who waits in accept. */
static void *acceptor(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char c;

	CHECK(fd >= 0 && read(fd, &c, 1) == 1 && c == 'c');
	return NULL;
}

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {"d", 1};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	CHECK(sendmsg(sock, &m, 0) == 1);
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = {&c, 1};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fd;

	CHECK(recvmsg(sock, &m, 0) == 1 && CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void sockets(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0warren-checkpoint"};
	int pair[2], p[2], got, listener = socket(AF_UNIX, SOCK_STREAM, 0), client;
	pthread_t t;
	char c;

	CHECK(bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(listener, 1) == 0);
	CHECK(pthread_create(&t, NULL, acceptor, &listener) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(p) == 0);
	CHECK(write(p[1], "z", 1) == 1);
	send_fd(pair[0], p[0]);
	close(p[0]);
	usleep(100000);
	pause_here();
	got = receive_fd(pair[1]);
	CHECK(read(got, &c, 1) == 1 && c == 'z');
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&name, sizeof(name)) == 0 && write(client, "c", 1) == 1);
	CHECK(pthread_join(t, NULL) == 0);
}

const struct situation wait_situations[] = {
    {"futex", futex}, {"pipes", pipes}, {"epoll", epoll}, {"sockets", sockets}, {0}};

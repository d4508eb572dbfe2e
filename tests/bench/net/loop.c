/*
 * loop.c - TCP and UDP over 127.0.0.1 within one process or two: what tests/bench/net/run measures natively,
 * in Warren and in runsc. One line per measure: its name and a rate (higher is better).
 * Usage: loop [SECONDS [NAME]].
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds = 2;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int loop_socket(int type, struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int fd = socket(AF_INET, type, 0);

	*a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)a, sizeof(*a)) ||
	    getsockname(fd, (struct sockaddr *)a, &len))
		die("socket");
	return fd;
}

/* A child connects and does `client`; we do `server` with what accept gives, and return its result. */
static double with_child(void (*client)(int fd), double (*server)(int fd))
{
	struct sockaddr_in a;
	int l = loop_socket(SOCK_STREAM, &a), one = 1, fd;
	double result;
	pid_t pid;

	if (listen(l, 16))
		die("listen");
	pid = fork();
	if (!pid) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			die("connect");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		client(fd);
		_exit(0);
	}
	fd = accept(l, NULL, NULL);
	if (fd < 0)
		die("accept");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	result = server(fd);
	close(fd);
	close(l);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return result;
}

static size_t piece = 131072;

static void pour(int fd)
{
	char *buf = calloc(1, piece);

	while (write(fd, buf, piece) > 0)
		;
}

static double drink(int fd)
{
	char *buf = malloc(piece);
	double start = now(), bytes = 0;
	ssize_t n;

	while (now() - start < seconds && (n = read(fd, buf, piece)) > 0)
		bytes += (double)n;
	free(buf);
	return bytes * 8 / (now() - start) / 1e9;
}

static void echo(int fd)
{
	char c[64];
	ssize_t n;

	while ((n = read(fd, c, sizeof(c))) > 0)
		if (write(fd, c, (size_t)n) < 0)
			break;
}

static double ask(int fd)
{
	char c[64] = "x";
	double start = now(), count = 0;

	while (now() - start < seconds && write(fd, c, 1) == 1 && read(fd, c, sizeof(c)) == 1)
		count++;
	return count / (now() - start);
}

static double connections(void)
{
	struct sockaddr_in a;
	int l = loop_socket(SOCK_STREAM, &a);
	struct linger lin = {1, 0};
	double start = now(), count = 0;

	if (listen(l, 16))
		die("listen");
	while (now() - start < seconds) {
		int c = socket(AF_INET, SOCK_STREAM, 0), s;
		if (connect(c, (struct sockaddr *)&a, sizeof(a)))
			die("connect");
		s = accept(l, NULL, NULL);
		setsockopt(c, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin));
		close(c);
		close(s);
		count++;
	}
	close(l);
	return count / (now() - start);
}

/* Small datagrams to ourselves, sent and received one by one. */
static double datagrams(void)
{
	struct sockaddr_in a;
	int fd = loop_socket(SOCK_DGRAM, &a);
	char buf[64] = "";
	double start = now(), count = 0;

	while (now() - start < seconds) {
		if (sendto(fd, buf, sizeof(buf), 0, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		    recv(fd, buf, sizeof(buf), 0) < 0)
			die("udp");
		count++;
	}
	close(fd);
	return count / (now() - start);
}

#define PAIRS 64

/* An epoll server's turns: 64 connections, each with a request in flight. */
static double epoll_turns(void)
{
	struct sockaddr_in a;
	int l = loop_socket(SOCK_STREAM, &a), ep = epoll_create1(0), client[PAIRS];
	struct epoll_event ev[PAIRS];
	double start, count = 0;
	char c[16] = "x";

	if (listen(l, PAIRS))
		die("listen");
	for (int k = 0; k < PAIRS; k++) {
		int s;
		client[k] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(client[k], (struct sockaddr *)&a, sizeof(a)))
			die("connect");
		s = accept(l, NULL, NULL);
		ev[0] = (struct epoll_event){.events = EPOLLIN, .data.fd = s};
		epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev[0]);
	}
	start = now();
	while (now() - start < seconds) {
		for (int k = 0; k < PAIRS; k++)
			if (write(client[k], c, 1) != 1)
				die("write");
		for (int left = PAIRS; left;) {
			int n = epoll_wait(ep, ev, PAIRS, -1);
			for (int k = 0; k < n; k++) {
				if (read(ev[k].data.fd, c, sizeof(c)) != 1 || write(ev[k].data.fd, c, 1) != 1)
					die("serve");
			}
			left -= n;
		}
		for (int k = 0; k < PAIRS; k++)
			if (read(client[k], c, sizeof(c)) != 1)
				die("read");
		count += PAIRS;
	}
	return count / (now() - start);
}

static double stream(void)
{
	piece = 131072;
	return with_child(pour, drink);
}

static double stream_4k(void)
{
	piece = 4096;
	return with_child(pour, drink);
}

static double ping_pong(void)
{
	return with_child(echo, ask);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		double (*run)(void);
	} all[] = {{"tcp_stream_gbit", stream},        {"tcp_stream_4k_gbit", stream_4k},
		   {"tcp_ping_pong_per_s", ping_pong}, {"tcp_connections_per_s", connections},
		   {"udp_per_s", datagrams},           {"epoll_requests_per_s", epoll_turns}};

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		seconds = atof(argv[1]);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (argc > 2 && strcmp(argv[2], all[i].name))
			continue;
		printf("%s %.3f\n", all[i].name, all[i].run());
		fflush(stdout);
	}
	return 0;
}

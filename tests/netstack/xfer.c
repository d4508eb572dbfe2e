/*
 * xfer.c: a stream whose every byte is checked, for transfers over bad links (tests/netstack/run-impair) and
 * for rates (tests/bench/net/run-tap). Built static, it runs on the host as in a sandbox.
 *
 * usage: xfer serve PORT
 *        xfer send|receive ADDRESS PORT BYTES SECONDS CC [SACK]
 *        (CC "-": the default; 0 seconds: no limit; SACK 0 or 1: tcp_sack is set so before)
 * The client says what it wants in its first 64 bytes, the server does the other side of it. Data flow until
 * BYTES or SECONDS are over, whichever is first. The receiver checks each byte by its place and answers with
 * the count of those that were right. The client prints: Mbit/s, bytes, seconds; retransmitted segments of
 * the sender. What is wrong ends it with status 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 131072
#define WORDS (CHUNK / 8)

struct wish {
	char what[8], cc[16];
	uint64_t bytes, ms;
	uint64_t spare[3];
};
_Static_assert(sizeof(struct wish) == 64, "the first bytes");

/* What the receiver found; what the sender sent again. */
struct result {
	uint64_t bytes, wrong_at, again;
};

static uint64_t word_at(uint64_t n)
{
	return (n + 1) * 0x9e3779b97f4a7c15ULL;
}

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

static void write_all(int fd, const void *buf, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t k = write(fd, (const char *)buf + done, n - done);
		if (k < 0)
			die("write");
		done += (size_t)k;
	}
}

/* Up to n bytes; less only at the end of the stream. */
static size_t read_all(int fd, void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = read(fd, (char *)buf + done, n - done);
		if (k < 0)
			die("read");
		if (!k)
			break;
		done += (size_t)k;
	}
	return done;
}

static uint64_t retransmitted(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? 0 : info.tcpi_total_retrans;
}

static void use(int fd, const char *cc)
{
	char got[16] = "";
	socklen_t len = sizeof(got);

	if (!strcmp(cc, "-"))
		return;
	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc)) ||
	    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, got, &len) || strcmp(got, cc))
		die("TCP_CONGESTION");
}

static void set_sack(const char *on)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_sack", "w");

	if (!f || fprintf(f, "%s\n", on) < 0 || fclose(f))
		die("tcp_sack");
}

static void send_data(int fd, const struct wish *w)
{
	static uint64_t buf[WORDS];
	double end = now() + (double)w->ms / 1000;
	uint64_t done = 0;

	use(fd, w->cc);
	while (done < w->bytes && (!w->ms || now() < end)) {
		size_t n = w->bytes - done < CHUNK ? (size_t)(w->bytes - done) : CHUNK;
		for (uint64_t i = 0; i < WORDS; i++)
			buf[i] = word_at(done / 8 + i);
		write_all(fd, buf, n);
		done += n;
	}
	if (shutdown(fd, SHUT_WR))
		die("shutdown");
}

static struct result receive_data(int fd)
{
	static uint64_t buf[WORDS];
	struct result r = {.wrong_at = UINT64_MAX};
	size_t have = 0;

	for (;;) {
		ssize_t k = read(fd, (char *)buf + have, CHUNK - have);
		size_t whole;
		if (k < 0)
			die("read");
		have += (size_t)k;
		whole = k ? have / 8 * 8 : have;
		for (size_t i = 0; i * 8 < whole; i++) {
			uint64_t want = word_at(r.bytes / 8 + i);
			size_t n = whole - i * 8 < 8 ? whole - i * 8 : 8;
			if (memcmp(&buf[i], &want, n) && r.wrong_at == UINT64_MAX)
				r.wrong_at = r.bytes + i * 8;
		}
		r.bytes += whole;
		have -= whole;
		memmove(buf, (char *)buf + whole, have);
		if (!k)
			return r;
	}
}

static int serve_one(int fd)
{
	struct wish w;
	struct result r;

	if (read_all(fd, &w, sizeof(w)) != sizeof(w))
		return 1;
	if (!strcmp(w.what, "send")) {
		r = receive_data(fd);
		write_all(fd, &r, sizeof(r));
		return 0;
	}
	send_data(fd, &w);
	/* the client says that it has all */
	if (read_all(fd, &r, sizeof(r)) != sizeof(r))
		return 1;
	r.again = retransmitted(fd);
	return 0;
}

static int serve(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int l = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 64))
		die("listen");
	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int fd = accept(l, NULL, NULL);
		if (fd < 0)
			die("accept");
		if (!fork())
			_exit(serve_one(fd));
		close(fd);
	}
}

static int client(char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
	struct wish w = {.bytes = strtoull(argv[4], NULL, 10), .ms = (uint64_t)(atof(argv[5]) * 1000)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct result r;
	double begin, took;

	snprintf(w.what, sizeof(w.what), "%s", argv[1]);
	snprintf(w.cc, sizeof(w.cc), "%s", argv[6]);
	if (inet_pton(AF_INET, argv[2], &a.sin_addr) != 1 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	if (!strcmp(w.what, "send"))
		use(fd, w.cc); /* before the first byte, as a program would */
	begin = now();
	write_all(fd, &w, sizeof(w));
	if (!strcmp(w.what, "send")) {
		send_data(fd, &w);
		if (read_all(fd, &r, sizeof(r)) != sizeof(r))
			die("no answer");
		r.again = retransmitted(fd);
	} else {
		r = receive_data(fd);
		r.again = 0; /* the sender is the other */
	}
	took = now() - begin;
	if (!strcmp(w.what, "receive"))
		write_all(fd, &r, sizeof(r));
	close(fd);
	if (r.wrong_at != UINT64_MAX) {
		printf("wrong at byte %llu\n", (unsigned long long)r.wrong_at);
		return 1;
	}
	if (!w.ms && r.bytes != w.bytes) {
		printf("%llu of %llu bytes\n", (unsigned long long)r.bytes, (unsigned long long)w.bytes);
		return 1;
	}
	printf("%.2f %llu %.3f %llu\n", (double)r.bytes * 8 / took / 1e6, (unsigned long long)r.bytes, took,
	       (unsigned long long)r.again);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve((uint16_t)atoi(argv[2]));
	if ((argc == 7 || argc == 8) && (!strcmp(argv[1], "send") || !strcmp(argv[1], "receive"))) {
		if (argc == 8)
			set_sack(argv[7]);
		return client(argv);
	}
	fprintf(stderr, "usage: xfer serve PORT | xfer send|receive ADDRESS PORT BYTES SECONDS CC [SACK]\n");
	return 2;
}

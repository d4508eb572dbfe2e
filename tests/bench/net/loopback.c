/*
 * loopback.c - what the TCP/IP library itself costs: one stream over loopback within one process, one copy in
 * and one out, no system calls but the clock's. Usage: loopback [MIB [CHUNK]].
 *
 * Printed beside it: the same two copies alone, which bound what any stack could do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "netstack/transport/tcp_priv.h"

struct bench {
	u64 seed;
	u8 *from, *to;
	size_t chunk;
};

static u64 now_ns(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec;
}

static void random_bytes(void *ctx, void *buf, size_t size)
{
	struct bench *b = ctx;

	for (size_t i = 0; i < size; i++) {
		b->seed = b->seed * 6364136223846793005ULL + 1442695040888963407ULL;
		((u8 *)buf)[i] = (u8)(b->seed >> 33);
	}
}

static void *take(void *ctx, size_t size, const char *type)
{
	(void)ctx;
	(void)type;
	return malloc(size);
}

static void give(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static void timer(void *ctx, u64 deadline)
{
	(void)ctx;
	(void)deadline;
}

struct mem_iter {
	struct net_iter it;
	u8 *at;
};

static s64 copy_in(struct net_iter *it, void *stack_side, size_t n)
{
	struct mem_iter *m = container_of(it, struct mem_iter, it);

	memcpy(stack_side, m->at, n);
	m->at += n;
	it->left -= n;
	return (s64)n;
}

static s64 copy_out(struct net_iter *it, void *stack_side, size_t n)
{
	struct mem_iter *m = container_of(it, struct mem_iter, it);

	memcpy(m->at, stack_side, n);
	m->at += n;
	it->left -= n;
	return (s64)n;
}

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "loopback: %s failed\n", what);
		exit(1);
	}
}

static double run(struct bench *b, u64 total, u16 port)
{
	struct net_env env = {.ctx = b,
			      .monotonic = now_ns,
			      .realtime = now_ns,
			      .random = random_bytes,
			      .alloc = take,
			      .free = give,
			      .timer = timer};
	struct ip_addr any = IP4_ANY, lo = ip_v4(0x7f000001);
	struct net_sock *l, *c, *s;
	struct netstack *ns;
	u64 sent = 0, got = 0, begin, took;

	must(netstack_new(&env, &ns) == 0 && netif_set_up(ns->lo, true) == 0, "a stack");
	must(tcp_new(ns, false, &l) == 0 && sock_bind(l, &any, port) == 0 && tcp_listen(l, 5) == 0,
	     "listening");
	must(tcp_new(ns, false, &c) == 0 && tcp_connect(c, &lo, port) == 0 && tcp_accept(l, &s) == 0,
	     "connecting");
	begin = now_ns(NULL);
	while (got < total) {
		struct mem_iter out = {.it = {copy_out, b->chunk}, .at = b->to};
		s64 n;
		if (sent < total) {
			struct mem_iter in = {.it = {copy_in, b->chunk}, .at = b->from};
			n = tcp_send(c, &in.it, 0);
			must(n > 0 || n == -EAGAIN, "sending");
			sent += n > 0 ? (u64)n : 0;
		}
		n = tcp_receive(s, &out.it, false, 0);
		must(n > 0 || n == -EAGAIN, "receiving");
		got += n > 0 ? (u64)n : 0;
		if (n == -EAGAIN)
			netstack_run(ns);
	}
	took = now_ns(NULL) - begin;
	printf("  segments: %llu, of data %llu; buffers %u and %u\n",
	       (unsigned long long)ns->mib[MIB_TcpOutSegs], (unsigned long long)ns->mib[MIB_TCPOrigDataSent],
	       c->sndbuf, s->rcvbuf);
	tcp_close(c, false);
	tcp_close(s, false);
	tcp_close(l, false);
	netstack_free(ns);
	return (double)total * 8 / (double)took;
}

/* Requests and answers of 64 bytes; ns for each pair. */
static double round_trips(struct bench *b, u64 count)
{
	struct net_env env = {.ctx = b,
			      .monotonic = now_ns,
			      .realtime = now_ns,
			      .random = random_bytes,
			      .alloc = take,
			      .free = give,
			      .timer = timer};
	struct ip_addr any = IP4_ANY, lo = ip_v4(0x7f000001);
	struct net_sock *l, *ends[2];
	struct netstack *ns;
	u64 begin, took;

	must(netstack_new(&env, &ns) == 0 && netif_set_up(ns->lo, true) == 0, "a stack");
	must(tcp_new(ns, false, &l) == 0 && sock_bind(l, &any, 80) == 0 && tcp_listen(l, 5) == 0,
	     "listening");
	must(tcp_new(ns, false, &ends[0]) == 0 && tcp_connect(ends[0], &lo, 80) == 0 &&
		 tcp_accept(l, &ends[1]) == 0,
	     "connecting");
	begin = now_ns(NULL);
	for (u64 i = 0; i < 2 * count; i++) {
		struct mem_iter in = {.it = {copy_in, 64}, .at = b->from},
				out = {.it = {copy_out, 64}, .at = b->to};
		must(tcp_send(ends[i & 1], &in.it, 0) == 64, "sending");
		must(tcp_receive(ends[!(i & 1)], &out.it, false, 0) == 64, "receiving");
	}
	took = now_ns(NULL) - begin;
	tcp_close(ends[0], false);
	tcp_close(ends[1], false);
	tcp_close(l, false);
	netstack_free(ns);
	return (double)took / (double)count;
}

static double copies(struct bench *b, u64 total)
{
	u8 *mid = malloc(b->chunk);
	u64 begin = now_ns(NULL), took;

	must(mid != NULL, "memory");
	for (u64 done = 0; done < total; done += b->chunk) {
		memcpy(mid, b->from, b->chunk);
		__asm__ volatile("" ::"r"(mid) : "memory");
		memcpy(b->to, mid, b->chunk);
		__asm__ volatile("" ::"r"(b->to) : "memory");
	}
	took = now_ns(NULL) - begin;
	free(mid);
	return (double)total * 8 / (double)took;
}

int main(int argc, char **argv)
{
	u64 total = (argc > 1 ? strtoull(argv[1], NULL, 10) : 4096) << 20;
	struct bench b = {.seed = 1, .chunk = argc > 2 ? strtoul(argv[2], NULL, 10) : 131072};
	double stack, bare;

	must(b.chunk > 0, "reading the size");
	b.from = calloc(1, b.chunk);
	b.to = calloc(1, b.chunk);
	must(b.from && b.to, "memory");
	bare = copies(&b, total);
	stack = run(&b, total, 80);
	printf("loopback: %.1f Gbit/s; the two copies alone %.1f Gbit/s; ratio %.2f\n", stack, bare,
	       stack / bare);
	if (argc <= 2)
		printf("a request and its answer of 64 bytes: %.0f ns\n", round_trips(&b, 1000000));
	free(b.from);
	free(b.to);
	return 0;
}

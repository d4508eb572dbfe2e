/*
 * tcp_flow.c - see tcp_flow.h.
 */
#include "tests/unit/netstack/tcp_flow.h"

#include <errno.h>

struct stream_iter {
	struct net_iter it;
	u64 at;
};

static s64 fill(struct net_iter *it, void *stack_side, size_t n)
{
	struct stream_iter *s = container_of(it, struct stream_iter, it);

	pattern_fill(stack_side, s->at, (u32)n);
	s->at += n;
	it->left -= n;
	return (s64)n;
}

static s64 check(struct net_iter *it, void *stack_side, size_t n)
{
	struct stream_iter *s = container_of(it, struct stream_iter, it);

	ck_assert_msg(pattern_is(stack_side, s->at, (u32)n), "the stream is wrong near %llu",
		      (unsigned long long)s->at);
	s->at += n;
	it->left -= n;
	return (s64)n;
}

void flow_open(struct flow *f, struct world *w, struct netstack *from, struct netstack *to,
	       struct ip_addr addr, u16 port)
{
	struct ip_addr any = ip_is_v4(&addr) ? IP4_ANY : IP6_ANY;
	bool v6 = !ip_is_v4(&addr);
	int err;

	*f = (struct flow){.w = w, .chunk = 65536};
	ck_assert_int_eq(tcp_new(to, v6, &f->listener), 0);
	f->listener->ep.reuseaddr = true;
	ck_assert_int_eq(sock_bind(f->listener, &any, port), 0);
	ck_assert_int_eq(tcp_listen(f->listener, 16), 0);
	ck_assert_int_eq(tcp_new(from, v6, &f->client), 0);
	err = tcp_connect(f->client, &addr, port);
	ck_assert_msg(err == -EINPROGRESS || err == 0, "connect: %d", err);
	for (int i = 0; i < 2000 && tcp_accept(f->listener, &f->server) == -EAGAIN; i++)
		run_for(w, 10 * MS);
	ck_assert_ptr_nonnull(f->server);
	ck_assert_int_eq(tcp_state_of(f->client), TCPS_ESTABLISHED);
}

static bool write_some(struct net_sock *sk, u64 *sent, u64 total, u64 chunk, bool *shut)
{
	bool moved = false;

	while (*sent < total) {
		struct stream_iter it = {.it = {.copy = fill, .left = min_t(u64, chunk, total - *sent)},
					 .at = *sent};
		s64 n = tcp_send(sk, &it.it, 0);
		if (n == -EAGAIN)
			return moved;
		ck_assert_msg(n > 0, "send: %lld after %llu", (long long)n, (unsigned long long)*sent);
		*sent += (u64)n;
		moved = true;
	}
	if (!*shut) {
		ck_assert_int_eq(tcp_shutdown(sk, false, true), 0);
		*shut = moved = true;
	}
	return moved;
}

static bool read_some(struct net_sock *sk, u64 *received, u64 chunk, bool *eof)
{
	bool moved = false;

	while (!*eof) {
		struct stream_iter it = {.it = {.copy = check, .left = chunk}, .at = *received};
		s64 n = tcp_receive(sk, &it.it, false, 0);
		if (n == -EAGAIN)
			return moved;
		ck_assert_msg(n >= 0, "receive: %lld after %llu", (long long)n,
			      (unsigned long long)*received);
		*received += (u64)n;
		*eof = n == 0;
		moved = true;
	}
	return moved;
}

bool flow_step(struct flow *f)
{
	bool moved = write_some(f->client, &f->sent, f->total, f->chunk, &f->shut);

	if (!f->idle_reader)
		moved |= read_some(f->server, &f->received, f->chunk, &f->eof);
	moved |= write_some(f->server, &f->sent_back, f->total_back, f->chunk, &f->shut_back);
	moved |= read_some(f->client, &f->received_back, f->chunk, &f->eof_back);
	return moved;
}

bool flow_wait(struct world *w, u64 end)
{
	u64 next = memlink_next(&w->cable);

	for (int i = 0; i < 3; i++)
		next = min_t(u64, next, w->deadline[i]);
	if (next > end) {
		w->now = end;
		return false;
	}
	w->now = max_t(u64, w->now, next);
	settle(w);
	return true;
}

u64 flow_run(struct flow *f, u64 total, u64 total_back, u64 limit_ns)
{
	u64 begin = f->w->now, end = begin + limit_ns;

	f->total = f->sent + total;
	f->total_back = f->sent_back + total_back;
	for (;;) {
		while (flow_step(f))
			;
		if (f->eof && f->eof_back)
			break;
		ck_assert_msg(flow_wait(f->w, end), "stuck: %llu of %llu sent, %llu received, %llu/%llu back",
			      (unsigned long long)f->sent, (unsigned long long)f->total,
			      (unsigned long long)f->received, (unsigned long long)f->sent_back,
			      (unsigned long long)f->received_back);
	}
	ck_assert_int_eq(f->received, f->total);
	ck_assert_int_eq(f->received_back, f->total_back);
	return f->w->now - begin;
}

void flow_close(struct flow *f)
{
	if (f->client)
		tcp_close(f->client, false);
	if (f->server)
		tcp_close(f->server, false);
	if (f->listener)
		tcp_close(f->listener, false);
	f->client = f->server = f->listener = NULL;
}

static bool busy(const struct netstack *ns)
{
	return ns && (ns->flows.count || ns->sock_count);
}

void flow_drained(struct world *w)
{
	for (int i = 0; i < 100 && (busy(w->a) || busy(w->b)); i++)
		run_for(w, 10 * NSEC_PER_SEC);
	ck_assert(!busy(w->a) && !busy(w->b));
}

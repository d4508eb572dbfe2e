/*
 * inet_turn.c - two threads of guests on one stream over loopback, and not a CPU for each of them and the
 * loop.
 *
 * A writer and a reader that run at the same time then have all three threads put each other off their CPUs
 * at every call. So the two work in turns: a reader that sleeps is woken lazily (coro_wake_lazily), and a
 * writer whose reader is up and has something left to read waits until it has read it, which it may see as a
 * buffer that was full. The wait is short, for the reader may be doing something else, or be waiting for
 * something else from the writer; if it has ended without the reader being done there is none before the
 * reader has slept. Who does not block never waits.
 */
#include <errno.h>

#include "sandbox/kernel/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"

#define TURN_LEAST 8192U /* less will be read in no time */
#define TURN_MOST  32768 /* a large write is worth a wake by itself */
#define TURN_NS    400000ULL

static struct inet_sock *peer_of(const struct inet_sock *i)
{
	struct net_sock *sk = tcp_local_peer(i->sk);

	return sk ? sk->owner : NULL;
}

static bool reader_is_done(const struct inet_sock *i)
{
	const struct inet_sock *peer = peer_of(i);

	return !peer || !tcp_inq(peer->sk);
}

void inet_turn_wait(struct inet_sock *i, s64 written)
{
	const struct inet_sock *peer;

	if (written > TURN_MOST || i->turn_missed || !sched_crowded())
		return;
	peer = peer_of(i);
	if (!peer || tcp_inq(peer->sk) < TURN_LEAST || wait_queue_active(&peer->wait))
		return;
	i->turn_missed = wait_event(&i->turn, reader_is_done(i), clock_monotonic() + TURN_NS) == -ETIMEDOUT;
}

void inet_turn_over(struct inet_sock *i)
{
	struct inet_sock *peer = peer_of(i);

	if (!peer)
		return;
	peer->turn_missed = false;
	if (wait_queue_active(&peer->turn))
		wake_up(&peer->turn, 0);
}

/*
 * datq.c - a queue of stream bytes. See datq.h.
 */
#include "netstack/transport/datq.h"

#include <errno.h>

#include "netstack/stack/stack_priv.h"

#define COPY_BELOW 512U

static struct net_frag *nth(const struct datq *q, u32 i)
{
	return &q->ring[(q->head + i) & (q->capacity - 1)];
}

static int grow(struct netstack *ns, struct datq *q)
{
	u32 capacity = q->capacity ? 2 * q->capacity : 4;
	struct net_frag *ring = net_alloc(ns, capacity * sizeof(*ring), "net stream queue");

	if (!ring)
		return -ENOMEM;
	for (u32 i = 0; i < q->count; i++)
		ring[i] = *nth(q, i);
	net_free(ns, q->ring);
	q->ring = ring;
	q->capacity = capacity;
	q->head = 0;
	return 0;
}

int datq_push(struct netstack *ns, struct datq *q, struct net_data *d, u32 off, u32 size)
{
	struct net_frag *last = q->count ? nth(q, q->count - 1) : NULL;

	if (last && last->data == d && last->off + last->size == off) {
		last->size += size;
	} else {
		if (q->count == q->capacity && grow(ns, q))
			return -ENOMEM;
		*nth(q, q->count) = (struct net_frag){net_data_get(d), off, size};
		q->count++;
	}
	q->size += size;
	return 0;
}

struct net_data *datq_tail(struct datq *q)
{
	struct net_frag *last = q->count ? nth(q, q->count - 1) : NULL;

	if (!last || last->off + last->size != last->data->used || last->data->used == last->data->capacity)
		return NULL;
	return last->data;
}

static int push_bytes(struct netstack *ns, struct datq *q, const u8 *from, u32 size)
{
	while (size) {
		struct net_data *d = datq_tail(q);
		bool fresh = !d || d->refs != 1;
		u32 n;
		int err;
		if (fresh)
			d = net_data_new(ns, size > 2000 ? NET_BLOCK_ROOM : 2000);
		if (!d)
			return -ENOMEM;
		n = min_t(u32, size, d->capacity - d->used);
		memcpy(d->bytes + d->used, from, n);
		d->used += n;
		err = datq_push(ns, q, d, d->used - n, n);
		if (fresh)
			net_data_put(ns, d);
		if (err)
			return err;
		from += n;
		size -= n;
	}
	return 0;
}

int datq_push_pkt(struct netstack *ns, struct datq *q, const struct pkt *p, u32 off, u32 size)
{
	int err = 0;

	if (off < p->head_size && size) {
		u32 n = min_t(u32, size, p->head_size - off);
		err = push_bytes(ns, q, p->head + p->head_off + off, n);
		off += n;
		size -= n;
	}
	off -= min_t(u32, off, p->head_size);
	for (u32 i = 0; i < p->frag_count && size && !err; i++) {
		const struct net_frag *f = &p->frags[i];
		u32 n;
		if (off >= f->size) {
			off -= f->size;
			continue;
		}
		n = min_t(u32, size, f->size - off);
		if (n < COPY_BELOW)
			err = push_bytes(ns, q, f->data->bytes + f->off + off, n);
		else
			err = datq_push(ns, q, f->data, f->off + off, n);
		size -= n;
		off = 0;
	}
	return err;
}

void datq_pop(struct netstack *ns, struct datq *q, u32 bytes)
{
	bytes = min_t(u32, bytes, q->size);
	q->size -= bytes;
	if (q->hint_off < bytes)
		q->hint = q->hint_off = 0;
	else
		q->hint_off -= bytes;
	while (bytes) {
		struct net_frag *f = nth(q, 0);
		u32 n = min_t(u32, bytes, f->size);
		f->off += n;
		f->size -= n;
		bytes -= n;
		if (f->size) {
			/* the first piece got shorter: places counted from its old start do not hold */
			if (q->hint == 0)
				q->hint_off = 0;
			break;
		}
		net_data_put(ns, f->data);
		q->head = (q->head + 1) & (q->capacity - 1);
		q->count--;
		if (q->hint)
			q->hint--;
		else
			q->hint_off = 0;
	}
	if (!q->count && q->capacity > 16) {
		net_free(ns, q->ring);
		q->ring = NULL;
		q->capacity = q->head = 0;
	}
}

void datq_clear(struct netstack *ns, struct datq *q)
{
	datq_pop(ns, q, q->size);
	net_free(ns, q->ring);
	*q = (struct datq){0};
}

/* The index of the piece that holds `off`, and where in the queue it begins. */
static u32 find(struct datq *q, u32 off, u32 *start)
{
	u32 i = 0, at = 0;

	if (off >= q->hint_off && q->hint < q->count) {
		i = q->hint;
		at = q->hint_off;
	}
	while (i < q->count && off >= at + nth(q, i)->size)
		at += nth(q, i++)->size;
	q->hint = i < q->count ? i : 0;
	q->hint_off = i < q->count ? at : 0;
	*start = at;
	return i;
}

u32 datq_to_pkt(struct datq *q, u32 off, u32 size, struct pkt *p)
{
	u32 at, i, done = 0;

	for (i = find(q, off, &at); i < q->count && done < size; i++) {
		const struct net_frag *f = nth(q, i);
		u32 skip = off > at ? off - at : 0, n = min_t(u32, size - done, f->size - skip);
		if (!pkt_add(p, f->data, f->off + skip, n))
			break;
		done += n;
		at += f->size;
	}
	return done;
}

struct net_frag datq_at(struct datq *q, u32 off)
{
	struct net_frag piece = {0};
	u32 at, i = find(q, off, &at);

	if (i < q->count) {
		piece = *nth(q, i);
		piece.off += off - at;
		piece.size -= off - at;
	}
	return piece;
}

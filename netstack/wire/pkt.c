/*
 * pkt.c - packets and payload blocks. See pkt.h.
 *
 * Blocks of the usual size and packets are kept on short free lists of the instance: a block is 32 KiB, and
 * giving it to the arena and taking it back costs more than a segment's whole way through the stack.
 */
#include "netstack/wire/pkt.h"

#include <errno.h>

#include "netstack/stack/stack_priv.h"
#include "netstack/wire/checksum.h"

/* -DFREE_BLOCKS=0 -DFREE_PACKETS=0 lets ASan see what is used after it was freed */
#ifndef FREE_BLOCKS
#define FREE_BLOCKS  64U
#define FREE_PACKETS 256U
#endif

struct net_data *net_data_new(struct netstack *ns, u32 capacity)
{
	struct net_data *d = ns->free_blocks;

	if (capacity == NET_BLOCK_ROOM && d) {
		memcpy(&ns->free_blocks, d->bytes, sizeof(void *));
		ns->free_block_count--;
	} else {
		d = net_alloc(ns, sizeof(*d) + capacity, "net data");
		if (!d)
			return NULL;
		ns->data_bytes += capacity;
		d->capacity = capacity;
	}
	d->refs = 1;
	d->used = 0;
	return d;
}

void net_data_free(struct netstack *ns, struct net_data *d)
{
	if (d->capacity == NET_BLOCK_ROOM && ns->free_block_count < FREE_BLOCKS) {
		memcpy(d->bytes, &ns->free_blocks, sizeof(void *));
		ns->free_blocks = d;
		ns->free_block_count++;
		return;
	}
	ns->data_bytes -= d->capacity;
	net_free(ns, d);
}

struct pkt *pkt_new(struct netstack *ns)
{
	struct pkt *p;

	if (!list_empty(&ns->free_packets)) {
		p = list_first_entry(&ns->free_packets, struct pkt, node);
		list_del_init(&p->node);
		ns->free_packet_count--;
	} else {
		p = net_alloc(ns, sizeof(*p), "struct pkt");
		if (!p)
			return NULL;
	}
	memset(p, 0, offsetof(struct pkt, frags));
	list_init(&p->node);
	p->ns = ns;
	p->head_off = PKT_HEAD_ROOM;
	ns->packets_live++;
	return p;
}

void pkt_free(struct pkt *p)
{
	struct netstack *ns = p->ns;

	for (u32 i = 0; i < p->frag_count; i++)
		net_data_put(ns, p->frags[i].data);
	p->frag_count = 0;
	if (p->ct)
		nf_conn_put(ns, p->ct);
	ns->packets_live--;
	if (ns->free_packet_count < FREE_PACKETS) {
		list_add(&p->node, &ns->free_packets);
		ns->free_packet_count++;
	} else {
		net_free(ns, p);
	}
}

struct pkt *pkt_clone(const struct pkt *p)
{
	struct pkt *c = pkt_new(p->ns);

	if (!c)
		return NULL;
	*c = *p;
	list_init(&c->node);
	for (u32 i = 0; i < c->frag_count; i++)
		net_data_get(c->frags[i].data);
	if (c->ct)
		nf_conn_get(c->ct);
	return c;
}

struct pkt *pkt_from(struct netstack *ns, const void *bytes, u32 size)
{
	struct pkt *p = pkt_new(ns);

	if (p && pkt_append(p, bytes, size)) {
		pkt_free(p);
		return NULL;
	}
	return p;
}

void *pkt_push(struct pkt *p, u32 n)
{
	if (n > p->head_off)
		return NULL;
	p->head_off -= (u16)n;
	p->head_size += (u16)n;
	p->size += n;
	p->csum_start += (u16)n;
	return p->head + p->head_off;
}

void pkt_pull(struct pkt *p, u32 n)
{
	u32 skip = 0, from_head;

	if (n > p->size)
		n = p->size;
	p->size -= n;
	p->csum_start -= (u16)n;
	from_head = min_t(u32, n, p->head_size);
	p->head_off += (u16)from_head;
	p->head_size -= (u16)from_head;
	n -= from_head;
	while (n && skip < p->frag_count) {
		struct net_frag *f = &p->frags[skip];
		u32 take = min_t(u32, n, f->size);
		f->off += take;
		f->size -= take;
		n -= take;
		if (f->size)
			break;
		net_data_put(p->ns, f->data);
		skip++;
	}
	if (skip) {
		p->frag_count -= (u16)skip;
		memmove(p->frags, p->frags + skip, p->frag_count * sizeof(p->frags[0]));
	}
}

void pkt_trim(struct pkt *p, u32 size)
{
	u32 cut;

	if (size >= p->size)
		return;
	cut = p->size - size;
	p->size = size;
	while (cut && p->frag_count) {
		struct net_frag *f = &p->frags[p->frag_count - 1];
		u32 take = min_t(u32, cut, f->size);
		f->size -= take;
		cut -= take;
		if (f->size)
			break;
		net_data_put(p->ns, f->data);
		p->frag_count--;
	}
	p->head_size -= (u16)cut;
}

bool pkt_add(struct pkt *p, struct net_data *d, u32 off, u32 size)
{
	struct net_frag *last = p->frag_count ? &p->frags[p->frag_count - 1] : NULL;

	if (!size)
		return true;
	if (last && last->data == d && last->off + last->size == off) {
		last->size += size;
	} else {
		if (p->frag_count == PKT_FRAG_MAX)
			return false;
		p->frags[p->frag_count++] = (struct net_frag){net_data_get(d), off, size};
	}
	p->size += size;
	return true;
}

bool pkt_add_range(struct pkt *p, const struct pkt *from, u32 off, u32 size)
{
	if (off < from->head_size && size) {
		u32 n = min_t(u32, size, from->head_size - off);
		if (pkt_append(p, from->head + from->head_off + off, n))
			return false;
		off += n;
		size -= n;
	}
	off -= min_t(u32, off, from->head_size);
	for (u32 i = 0; i < from->frag_count && size; i++) {
		const struct net_frag *f = &from->frags[i];
		u32 n;
		if (off >= f->size) {
			off -= f->size;
			continue;
		}
		n = min_t(u32, size, f->size - off);
		if (!pkt_add(p, f->data, f->off + off, n))
			return false;
		size -= n;
		off = 0;
	}
	return size == 0;
}

int pkt_append(struct pkt *p, const void *bytes, u32 size)
{
	const u8 *from = bytes;

	while (size) {
		struct net_frag *f = p->frag_count ? &p->frags[p->frag_count - 1] : NULL;
		struct net_data *d;
		u32 n;
		bool added;
		if (f && f->data->refs == 1 && f->off + f->size == f->data->used &&
		    f->data->used < f->data->capacity) {
			n = min_t(u32, size, f->data->capacity - f->data->used);
			memcpy(f->data->bytes + f->data->used, from, n);
			f->data->used += n;
			f->size += n;
			p->size += n;
		} else {
			/* many small pieces: a whole block, or the packet runs out of places for them */
			d = net_data_new(p->ns, size > 2000 || p->frag_count > 4 ? NET_BLOCK_ROOM
										 : max_t(u32, size, 96));
			if (!d)
				return -ENOMEM;
			n = min_t(u32, size, d->capacity);
			memcpy(d->bytes, from, n);
			d->used = n;
			added = pkt_add(p, d, 0, n);
			net_data_put(p->ns, d);
			if (!added)
				return -ENOMEM;
		}
		from += n;
		size -= n;
	}
	return 0;
}

u32 pkt_copy(const struct pkt *p, u32 off, void *dst, u32 n)
{
	u8 *to = dst;
	u32 done = 0;

	if (!n)
		return 0;
	if (off < p->head_size) {
		done = min_t(u32, n, p->head_size - off);
		memcpy(to, p->head + p->head_off + off, done);
		off = 0;
	} else {
		off -= p->head_size;
	}
	for (u32 i = 0; i < p->frag_count && done < n; i++) {
		const struct net_frag *f = &p->frags[i];
		u32 take;
		if (off >= f->size) {
			off -= f->size;
			continue;
		}
		take = min_t(u32, n - done, f->size - off);
		memcpy(to + done, f->data->bytes + f->off + off, take);
		done += take;
		off = 0;
	}
	return done;
}

const void *pkt_header(const struct pkt *p, u32 off, u32 n, void *scratch)
{
	u32 at = off;

	if (off > p->size || n > p->size - off)
		return NULL;
	if (at < p->head_size) {
		if (n <= p->head_size - at)
			return p->head + p->head_off + at;
	} else {
		at -= p->head_size;
		for (u32 i = 0; i < p->frag_count; i++) {
			const struct net_frag *f = &p->frags[i];
			if (at < f->size) {
				if (n <= f->size - at)
					return f->data->bytes + f->off + at;
				break;
			}
			at -= f->size;
		}
	}
	return pkt_copy(p, off, scratch, n) == n ? scratch : NULL;
}

int pkt_pull_head(struct pkt *p, u32 n)
{
	u8 tmp[PKT_HEAD_ROOM];
	u16 csum_start = p->csum_start;

	if (n <= p->head_size)
		return 0;
	if (n > p->size)
		return -EINVAL;
	if (n > p->head_off + p->head_size)
		return -ENOMEM;
	pkt_copy(p, 0, tmp, n);
	pkt_pull(p, n);
	p->head_off = (u16)(PKT_HEAD_ROOM - n);
	p->head_size = (u16)n;
	p->size += n;
	p->csum_start = csum_start;
	memcpy(pkt_data(p), tmp, n);
	return 0;
}

u32 pkt_csum(const struct pkt *p, u32 off, u32 n, u32 sum)
{
	bool odd = false;

	if (off < p->head_size) {
		u32 take = min_t(u32, n, p->head_size - off);
		sum = csum_add(sum, p->head + p->head_off + off, take, false);
		odd = take & 1;
		n -= take;
		off = 0;
	} else {
		off -= p->head_size;
	}
	for (u32 i = 0; i < p->frag_count && n; i++) {
		const struct net_frag *f = &p->frags[i];
		u32 take;
		if (off >= f->size) {
			off -= f->size;
			continue;
		}
		take = min_t(u32, n, f->size - off);
		sum = csum_add(sum, f->data->bytes + f->off + off, take, odd);
		odd ^= take & 1;
		n -= take;
		off = 0;
	}
	return sum;
}

int pkt_csum_finish(struct pkt *p)
{
	u32 start = p->csum_start, end = start + p->csum_offset + 2;
	u32 sum;
	int err;

	if (!p->csum_partial)
		return 0;
	err = pkt_pull_head(p, end);
	if (err)
		return err;
	sum = pkt_csum(p, start, p->size - start, 0);
	csum_put_nonzero(pkt_data(p) + start + p->csum_offset, sum);
	p->csum_partial = false;
	return 0;
}

u32 pkt_truesize(const struct pkt *p)
{
	u32 n = sizeof(*p);

	for (u32 i = 0; i < p->frag_count; i++)
		n += p->frags[i].size;
	return n;
}

/*
 * packet_ring.c - rings of packet sockets, versions 1 to 3.
 *
 * The ring is a memfd that the guest maps; we write into it and read from it by descriptor, so nothing of it
 * is mapped here, and a checkpoint has it as any other shared memory. All that the guest can write there is
 * a deception of itself: what we read back are the status words only, and where frames lie is kept in `struct
 * packet_ring`.
 *
 * Versions 1 and 2 are an array of frames of one size. Version 3 is an array of blocks that frames of any
 * size are put into one behind the other; a block becomes the program's when the next frame does not fit or
 * its time is over. A program that does not give blocks back in time loses frames.
 */
#include "sandbox/socket/packet_ring.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sandbox/abi/netlink.h"
#include "sandbox/abi/poll.h"
#include "sandbox/base/arena.h"
#include "sandbox/base/host_fd.h"
#include "sandbox/kernel/sched.h"
#include "sandbox/mm/mm.h"

#define RETIRE_DEFAULT_MS 8U /* what Linux takes for links of unknown speed */
#define RING_MOST         (1ULL << 31)
#define BLOCK_HEADER      ((u32)sizeof(struct linux_tpacket_block_desc))

struct packet_ring {
	struct packet_socket *owner; /* borrowed */
	struct host_fd *mem;         /* counted */
	u32 version, block_size, block_count, frame_size, frame_count, per_block;
	u32 head; /* the frame, or with version 3 the block, to be filled next */
	/* version 3 */
	struct timer retire;
	u64 retire_ns, seq, first_ns, last_ns;
	u32 private_size;  /* between a block's header and its first frame */
	u32 used, count;   /* of the block at head: bytes and frames */
	u32 last;          /* where its last frame begins */
	bool open, frozen; /* the block at head is being filled; there was none free */
	u32 freezes;
};

static u32 align_to(u32 n, u32 to)
{
	return (n + to - 1) & ~(to - 1);
}

u32 packet_ring_header_size(s32 version)
{
	static const u32 sizes[] = {sizeof(struct linux_tpacket_hdr), sizeof(struct linux_tpacket2_hdr),
				    sizeof(struct linux_tpacket3_hdr)};

	return version >= 0 && version < (s32)ARRAY_COUNT(sizes) ? sizes[version] : 0;
}

/* Header and address: what stands before a frame at least. */
static u32 lead(u32 version)
{
	return align_to(packet_ring_header_size((s32)version), LINUX_TPACKET_ALIGNMENT) +
	       (u32)sizeof(struct linux_sockaddr_ll);
}

/* ---- its memory ---- */

static bool put(const struct packet_ring *r, u64 at, const void *from, size_t size)
{
	return pwrite(r->mem->fd, from, size, (off_t)at) == (ssize_t)size;
}

static u64 frame_at(const struct packet_ring *r, u32 frame)
{
	return (u64)(frame / r->per_block) * r->block_size + (u64)(frame % r->per_block) * r->frame_size;
}

/* Whether the guest has (still) the frame or block n. What cannot be read is nobody's. */
static bool is_users(const struct packet_ring *r, u32 n)
{
	u64 at = r->version == LINUX_TPACKET_V3
		     ? (u64)n * r->block_size + offsetof(struct linux_tpacket_block_desc, block_status)
		     : frame_at(r, n);
	u32 status;

	return pread(r->mem->fd, &status, sizeof(status), (off_t)at) == sizeof(status) && status;
}

bool packet_ring_readable(const struct packet_socket *p)
{
	const struct packet_ring *r = p->ring;
	u32 count = r->version == LINUX_TPACKET_V3 ? r->block_count : r->frame_count;

	return is_users(r, r->head ? r->head - 1 : count - 1);
}

/* ---- a frame ---- */

struct place {
	u64 at;         /* of the header, in the ring */
	u32 mac, net;   /* of the data and of the network header, from there */
	u32 snap, size; /* bytes that are kept, and that there were */
	u32 status;
	u64 stamp;
};

/* Linux: the network header lies at a multiple of 16. */
static void place_of(const struct packet_socket *p, const struct netif *nif, const struct pkt *f, u32 keep,
		     struct place *out)
{
	u32 link = p->ps->cooked || (!nif->ethernet && !(nif->flags & NETIF_LOOPBACK)) ? 0 : 14;

	out->net = align_to(lead(p->ring->version), LINUX_TPACKET_ALIGNMENT);
	if (p->ps->cooked)
		out->net += 16;
	else
		out->net =
		    align_to(lead(p->ring->version) + (link < 16 ? 16 : link), LINUX_TPACKET_ALIGNMENT);
	out->net += p->ring_reserve;
	out->mac = out->net - link;
	out->size = f->size;
	out->snap = min_t(u32, keep, f->size);
	out->stamp = f->stamp;
	out->status = LINUX_TP_STATUS_USER;
	if (f->csum_partial)
		out->status |= LINUX_TP_STATUS_CSUMNOTREADY;
	else if (f->csum_valid)
		out->status |= LINUX_TP_STATUS_CSUM_VALID;
}

/* The header of one of three kinds, its status 0 but with version 3, and the address behind it. */
static bool put_header(const struct packet_ring *r, const struct place *w,
		       const struct linux_sockaddr_ll *from)
{
	u8 b[96] = {0};
	u32 size = packet_ring_header_size((s32)r->version), sec = (u32)(w->stamp / NSEC_PER_SEC);
	u32 nsec = (u32)(w->stamp % NSEC_PER_SEC);
	struct linux_tpacket_hdr h1 = {.len = w->size,
				       .snaplen = w->snap,
				       .mac = (u16)w->mac,
				       .net = (u16)w->net,
				       .sec = sec,
				       .usec = nsec / 1000};
	struct linux_tpacket2_hdr h2 = {.len = w->size,
					.snaplen = w->snap,
					.mac = (u16)w->mac,
					.net = (u16)w->net,
					.sec = sec,
					.nsec = nsec};
	struct linux_tpacket3_hdr h3 = {.len = w->size,
					.snaplen = w->snap,
					.mac = (u16)w->mac,
					.net = (u16)w->net,
					.sec = sec,
					.nsec = nsec,
					.status = w->status};

	memcpy(b,
	       r->version == LINUX_TPACKET_V3   ? (void *)&h3
	       : r->version == LINUX_TPACKET_V2 ? (void *)&h2
						: (void *)&h1,
	       size);
	size = align_to(size, LINUX_TPACKET_ALIGNMENT);
	memcpy(b + size, from, sizeof(*from));
	return put(r, w->at, b, size + sizeof(*from));
}

static bool put_data(const struct packet_ring *r, const struct place *w, struct pkt *f)
{
	struct iovec iov[PKT_FRAG_MAX + 1];
	u32 n = 0, left = w->snap, part;

	part = min_t(u32, left, f->head_size);
	if (part)
		iov[n++] = (struct iovec){pkt_data(f), part};
	left -= part;
	for (u32 i = 0; i < f->frag_count && left; i++, left -= part) {
		part = min_t(u32, left, f->frags[i].size);
		iov[n++] = (struct iovec){f->frags[i].data->bytes + f->frags[i].off, part};
	}
	return !n || pwritev(r->mem->fd, iov, (int)n, (off_t)(w->at + w->mac)) == (ssize_t)w->snap;
}

/* ---- versions 1 and 2 ---- */

static bool take_frame(struct packet_socket *p, struct place *w, struct pkt *f,
		       const struct linux_sockaddr_ll *from)
{
	struct packet_ring *r = p->ring;
	u64 status;

	if (is_users(r, r->head))
		return false;
	w->at = frame_at(r, r->head);
	if (w->mac + w->snap > r->frame_size)
		w->snap = w->mac < r->frame_size ? r->frame_size - w->mac : 0;
	if (!put_header(r, w, from) || !put_data(r, w, f))
		return false;
	status = w->status | (p->ps->drops != p->told_drops ? LINUX_TP_STATUS_LOSING : 0);
	if (!put(r, w->at, &status, r->version == LINUX_TPACKET_V1 ? 8 : 4))
		return false;
	r->head = (r->head + 1) % r->frame_count;
	wake_up(&p->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
	return true;
}

/* ---- version 3 ---- */

static bool open_block(struct packet_ring *r)
{
	if (is_users(r, r->head)) {
		r->freezes += !r->frozen;
		r->frozen = true;
		return false;
	}
	r->frozen = false;
	r->open = true;
	r->used = BLOCK_HEADER + r->private_size;
	r->count = 0;
	r->seq++;
	return true;
}

/* The block becomes the program's. */
static void close_block(struct packet_ring *r, u32 status)
{
	u64 at = (u64)r->head * r->block_size;
	struct linux_tpacket_block_desc d = {.version = LINUX_TPACKET_V3,
					     .offset_to_priv = BLOCK_HEADER,
					     .num_pkts = r->count,
					     .offset_to_first_pkt = BLOCK_HEADER + r->private_size,
					     .blk_len = r->used,
					     .seq_num = r->seq,
					     .first_sec = (u32)(r->first_ns / NSEC_PER_SEC),
					     .first_nsec = (u32)(r->first_ns % NSEC_PER_SEC),
					     .last_sec = (u32)(r->last_ns / NSEC_PER_SEC),
					     .last_nsec = (u32)(r->last_ns % NSEC_PER_SEC)};

	status |= LINUX_TP_STATUS_USER;
	r->open = false;
	timer_cancel(&r->retire);
	if (!put(r, at, &d, sizeof(d)) ||
	    !put(r, at + offsetof(struct linux_tpacket_block_desc, block_status), &status, sizeof(status)))
		return; /* without memory for the page: its frames are lost, the block is filled again */
	r->head = (r->head + 1) % r->block_count;
	wake_up(&r->owner->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
}

static void retire(struct timer *t)
{
	struct packet_ring *r = container_of(t, struct packet_ring, retire);

	if (r->open && r->count)
		close_block(r, LINUX_TP_STATUS_BLK_TMO);
}

/* The frame before is told where this one begins. */
static bool link_frames(const struct packet_ring *r, u32 at)
{
	u32 distance = at - r->last;

	return put(r,
		   (u64)r->head * r->block_size + r->last + offsetof(struct linux_tpacket3_hdr, next_offset),
		   &distance, sizeof(distance));
}

static bool take_into_block(struct packet_socket *p, struct place *w, struct pkt *f,
			    const struct linux_sockaddr_ll *from)
{
	struct packet_ring *r = p->ring;
	u32 most = r->block_size - BLOCK_HEADER - r->private_size, total;

	if (w->mac + w->snap > most)
		w->snap = w->mac < most ? most - w->mac : 0;
	total = align_to(w->mac + w->snap, 8);
	if (r->open && r->used + total > r->block_size)
		close_block(r, 0);
	if (!r->open && !open_block(r))
		return false;
	if (r->used + total > r->block_size)
		return false; /* by less than the alignment */
	w->at = (u64)r->head * r->block_size + r->used;
	if (!put_header(r, w, from) || !put_data(r, w, f) || (r->count && !link_frames(r, r->used)))
		return false;
	if (!r->count) {
		r->first_ns = w->stamp;
		if (timer_arm(&r->retire, clock_monotonic() + r->retire_ns))
			return false;
	}
	r->last = r->used;
	r->last_ns = w->stamp;
	r->used += total;
	r->count++;
	return true;
}

bool packet_ring_take(struct packet_sock *ps, const struct netif *nif, struct pkt *frame, u32 keep)
{
	struct packet_socket *p = ps->owner;
	struct linux_sockaddr_ll from;
	struct place w;

	packet_address(frame, nif, &from);
	place_of(p, nif, frame, keep, &w);
	if (w.net > UINT16_MAX)
		return false;
	return p->ring->version == LINUX_TPACKET_V3 ? take_into_block(p, &w, frame, &from)
						    : take_frame(p, &w, frame, &from);
}

u32 packet_ring_freezes(struct packet_socket *p)
{
	u32 n = p->ring ? p->ring->freezes : 0;

	if (p->ring)
		p->ring->freezes = 0;
	return n;
}

/* ---- made and unmade ---- */

void packet_ring_free(struct packet_socket *p)
{
	struct packet_ring *r = p->ring;

	if (!r)
		return;
	p->ring = NULL;
	p->ps->take = NULL;
	timer_cancel(&r->retire);
	host_fd_put(r->mem);
	kfree(r);
}

static int check(const struct packet_socket *p, const struct linux_tpacket_req3 *q)
{
	const struct linux_tpacket_req *r = &q->req;
	u32 least = lead(p->ring_version) + p->ring_reserve;

	if ((s32)r->block_size <= 0 || r->block_size % PAGE_SIZE || r->frame_size < least ||
	    r->frame_size % LINUX_TPACKET_ALIGNMENT)
		return -EINVAL;
	if (p->ring_version == LINUX_TPACKET_V3 &&
	    (u64)BLOCK_HEADER + (((u64)q->sizeof_priv + 7) & ~7ULL) + least > r->block_size)
		return -EINVAL;
	if (p->ring_version == LINUX_TPACKET_V3 && q->feature_req_word & ~1U)
		return -EINVAL;
	if (r->block_size < r->frame_size ||
	    (u64)(r->block_size / r->frame_size) * r->block_nr != r->frame_nr)
		return -EINVAL;
	return (u64)r->block_size * r->block_nr > RING_MOST ? -ENOMEM : 0;
}

int packet_ring_set(struct packet_socket *p, const void *value, size_t size)
{
	struct linux_tpacket_req3 q = {0};
	struct packet_ring *r;
	size_t want = p->ring_version == LINUX_TPACKET_V3 ? sizeof(q) : sizeof(q.req);
	int err;

	if (size < want)
		return -EINVAL;
	memcpy(&q, value, want);
	if (p->ring && (q.req.block_nr || p->ring->mem->obj.refs > 1))
		return -EBUSY;
	if (!q.req.block_nr) {
		if (q.req.frame_nr)
			return -EINVAL;
		packet_ring_free(p);
		return 0;
	}
	err = check(p, &q);
	if (err)
		return err;
	r = knew(struct packet_ring);
	if (!r)
		return -ENOMEM;
	err = shm_create("packet ring", (u64)q.req.block_size * q.req.block_nr, &r->mem);
	if (err) {
		kfree(r);
		return -ENOMEM;
	}
	r->owner = p;
	r->version = p->ring_version;
	r->block_size = q.req.block_size;
	r->block_count = q.req.block_nr;
	r->frame_size = q.req.frame_size;
	r->frame_count = q.req.frame_nr;
	r->per_block = r->block_size / r->frame_size;
	r->private_size = align_to(q.sizeof_priv, 8);
	r->retire_ns = (q.retire_blk_tov ? q.retire_blk_tov : RETIRE_DEFAULT_MS) * 1000000ULL;
	timer_init(&r->retire, retire);
	p->ring = r;
	packet_forget(p->ps);
	p->ps->take = packet_ring_take;
	return 0;
}

int packet_ring_mmap(struct packet_socket *p, u64 offset, u64 size, bool shared, struct host_fd **backing)
{
	const struct packet_ring *r = p->ring;

	if (!r || offset || !shared || size != (u64)r->block_size * r->block_count)
		return -EINVAL;
	*backing = host_fd_get(r->mem);
	return 0;
}

/*
 * pkt.h - the one buffer type: headers and up to 64 KiB of payload in fragments.
 *
 * A `struct pkt` holds a small linear area for headers and references to counted blocks of payload (struct
 * net_data). A stream's bytes are copied once from the guest into such a block; the segments made of it,
 * their retransmissions and, over loopback, the receiver's queue refer to the same bytes. A block is written
 * only at its end, past what anybody refers to, so sharing needs no copy.
 *
 * What comes from outside is read only through pkt_header(), which checks bounds and gathers bytes that lie
 * in several pieces. Offsets count from the packet's present start, which moves with push and pull.
 */
#ifndef WARREN_NETSTACK_PKT_H
#define WARREN_NETSTACK_PKT_H

#include "netstack/wire/addr.h"
#include "sandbox/base/list.h"

struct netstack;
struct netif;
struct nf_conn;

#define PKT_HEAD_ROOM  160U /* headers we make: link 24, IPv6 40, TCP 60, options */
#define PKT_FRAG_MAX   20U
#define PKT_MAX_SIZE   (65535U + 64)

#define NET_BLOCK_SIZE 32768U /* of a whole block, with its head */

struct net_data {
	u32 refs;
	u32 capacity;
	u32 used; /* bytes written; only the owner of the end appends */
	u32 reserved;
	u8 bytes[];
};
#define NET_BLOCK_ROOM (NET_BLOCK_SIZE - (u32)sizeof(struct net_data))

struct net_frag {
	struct net_data *data;
	u32 off, size;
};

enum pkt_gso { PKT_GSO_NONE, PKT_GSO_TCP, PKT_GSO_UDP };

struct pkt {
	struct list_head node;
	struct netstack *ns;
	struct netif *nif; /* it came in here, or goes out; NULL once a socket has queued it: interfaces go */
	u32 ifindex;       /* of the interface it came in by */
	u32 size;          /* bytes in all */
	u16 head_off, head_size;
	u16 frag_count;
	/* checksum: `partial` says that the pseudo header's sum stands in the field and the rest is to be
	 * added; on a received packet that means it never left the machine. */
	bool csum_partial, csum_valid;
	u16 csum_start, csum_offset; /* start counts from the packet's present start */
	u8 gso;                      /* enum pkt_gso: to be cut in pieces of gso_size bytes of payload */
	bool gso_ecn;
	u16 gso_size;
	/* what the layers found out */
	u8 l4_proto, tos, ttl, l2_type; /* l2_type: how the frame was addressed (enum pkt_l2) */
	u16 l4_off; /* where the transport header begins, once the network layer has looked */
	u16 eth_type;
	bool looped, broadcast, dont_frag;
	struct ip_addr src, dst;
	u16 sport, dport;
	u32 seq, seq_end, mark; /* TCP */
	u64 stamp;              /* ns, when it was received, realtime clock */
	u8 l2_src[6];
	/* netfilter's: the connection it belongs to (counted), until a socket or a link has it */
	u8 ct_info; /* NF_CT_* */
	bool ct_reply;
	struct nf_conn *ct;
	struct net_frag frags[PKT_FRAG_MAX];
	u8 head[PKT_HEAD_ROOM];
};

enum pkt_l2 { PKT_L2_HOST, PKT_L2_BROADCAST, PKT_L2_MULTICAST, PKT_L2_OTHERHOST, PKT_L2_OUTGOING };

/* ---- blocks ---- */
struct net_data *net_data_new(struct netstack *ns, u32 capacity) must_check;
void net_data_free(struct netstack *ns, struct net_data *d);
static inline struct net_data *net_data_get(struct net_data *d)
{
	d->refs++;
	return d;
}
static inline void net_data_put(struct netstack *ns, struct net_data *d)
{
	if (--d->refs == 0)
		net_data_free(ns, d);
}

/* ---- packets ---- */
/* An empty packet with all its room before the data; NULL without memory. */
struct pkt *pkt_new(struct netstack *ns) must_check;
void pkt_free(struct pkt *p);
/* A second packet over the same payload; the headers are copied. */
struct pkt *pkt_clone(const struct pkt *p) must_check;
/* A packet that holds a copy of `size` bytes. */
struct pkt *pkt_from(struct netstack *ns, const void *bytes, u32 size) must_check;

/* Room for n bytes before the present start; NULL if the head is full. */
void *pkt_push(struct pkt *p, u32 n) must_check;
/* Drops n bytes from the start; n <= size. */
void pkt_pull(struct pkt *p, u32 n);
/* Cuts the end off. */
void pkt_trim(struct pkt *p, u32 size);
/* Adds a reference to [off, off+size) of a block; false if there is no place for another fragment. */
bool pkt_add(struct pkt *p, struct net_data *d, u32 off, u32 size) must_check;
/* Copies bytes to the end (into the last block if it has room, else into a new one). 0 or -ENOMEM. */
int pkt_append(struct pkt *p, const void *bytes, u32 size) must_check;
/* Adds [off, off+size) of `from` by reference. */
bool pkt_add_range(struct pkt *p, const struct pkt *from, u32 off, u32 size) must_check;

/* The n bytes at off: where they lie, or gathered in `scratch` (n bytes); NULL if there are not so many. */
const void *pkt_header(const struct pkt *p, u32 off, u32 n, void *scratch) must_check;
/* Copies out; the bytes copied (short at the end). */
u32 pkt_copy(const struct pkt *p, u32 off, void *dst, u32 n);
/* Makes the first n bytes writable in the head, if they are not there yet. -EINVAL if there are not so many,
 * -ENOMEM if the head is too small. */
int pkt_pull_head(struct pkt *p, u32 n) must_check;
/* The sum over [off, off+n). */
u32 pkt_csum(const struct pkt *p, u32 off, u32 n, u32 sum);
/* Finishes a partial checksum in software. */
int pkt_csum_finish(struct pkt *p) must_check;
/* Bytes of memory that the packet keeps busy. */
u32 pkt_truesize(const struct pkt *p);

static inline u8 *pkt_data(struct pkt *p)
{
	return p->head + p->head_off;
}

#endif

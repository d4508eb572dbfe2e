/*
 * gso.c - cutting one large packet into frames, for links that cannot do it themselves.
 *
 * The frame is Ethernet (or nothing), IP, TCP or UDP; its payload is divided in pieces of gso_size, which
 * refer to the same blocks. Sequence numbers, lengths, IP idents and checksums are made anew for each; FIN
 * and PSH belong to the last piece, CWR to the first.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"

struct cut {
	u32 net_off, l4_off, payload_off;
	bool v6, tcp;
	struct ip_addr src, dst;
	u8 header[PKT_HEAD_ROOM];
};

static int look(struct pkt *p, struct cut *c)
{
	u8 scratch[60];
	const u8 *h;

	c->net_off = p->nif && p->nif->ethernet ? sizeof(struct eth_hdr) : 0;
	h = pkt_header(p, c->net_off, 20, scratch);
	if (!h)
		return -EINVAL;
	c->v6 = h[0] >> 4 == 6;
	c->l4_off = p->csum_start;
	c->tcp = p->gso == PKT_GSO_TCP;
	if (c->v6) {
		h = pkt_header(p, c->net_off, 40, scratch);
		if (!h)
			return -EINVAL;
		memcpy(c->src.b, h + 8, 16);
		memcpy(c->dst.b, h + 24, 16);
	} else {
		c->src = ip_v4(get_be32(h + 12));
		c->dst = ip_v4(get_be32(h + 16));
	}
	if (c->l4_off <= c->net_off)
		return -EINVAL;
	h = pkt_header(p, c->l4_off, c->tcp ? 20 : 8, scratch);
	if (!h)
		return -EINVAL;
	c->payload_off = c->l4_off + (c->tcp ? (h[12] >> 4) * 4U : 8U);
	if (c->payload_off > sizeof(c->header) || pkt_copy(p, 0, c->header, c->payload_off) != c->payload_off)
		return -EINVAL;
	return p->gso_size ? 0 : -EINVAL;
}

static void fix_headers(const struct cut *c, u8 *h, u32 index, u32 done, u32 n, bool last)
{
	u8 *ip = h + c->net_off, *l4 = h + c->l4_off;
	u32 l4_size = c->payload_off - c->l4_off + n;

	if (c->v6) {
		put_be16(ip + 4, l4_size + (c->l4_off - c->net_off - 40));
	} else {
		put_be16(ip + 2, l4_size + (c->l4_off - c->net_off));
		put_be16(ip + 4, get_be16(ip + 4) + index);
		put_be16(ip + 10, 0);
		csum_put(ip + 10, csum_add(0, ip, c->l4_off - c->net_off, false));
	}
	if (c->tcp) {
		put_be32(l4 + 4, get_be32(l4 + 4) + done);
		if (!last)
			l4[13] &= (u8) ~(TCP_FIN | TCP_PSH);
		if (index)
			l4[13] &= (u8)~TCP_CWR;
	} else {
		put_be16(l4 + 4, l4_size);
	}
}

int gso_cut(struct pkt *p, struct list_head *out)
{
	u32 total, index = 0, step = p->gso_size;
	struct cut c;
	int err = look(p, &c);

	if (err)
		goto out;
	total = p->size - c.payload_off;
	for (u32 done = 0; done < total || !index; index++) {
		u32 n = min_t(u32, step, total - done);
		struct pkt *piece = pkt_new(p->ns);
		u32 sum;
		u8 *h;
		err = -ENOMEM;
		if (!piece)
			goto out;
		h = pkt_push(piece, c.payload_off);
		if (!h || !pkt_add_range(piece, p, c.payload_off + done, n)) {
			pkt_free(piece);
			goto out;
		}
		memcpy(h, c.header, c.payload_off);
		fix_headers(&c, h, index, done, n, done + n == total);
		piece->nif = p->nif;
		piece->eth_type = p->eth_type;
		put_be16(h + c.l4_off + (c.tcp ? 16 : 6), 0);
		sum = csum_pseudo(&c.src, &c.dst, c.tcp ? PROTO_TCP : PROTO_UDP, piece->size - c.l4_off);
		if (p->nif && (p->nif->features & LINK_CSUM_OUT)) {
			u16 part = csum_fold(sum);
			memcpy(h + c.l4_off + (c.tcp ? 16 : 6), &part, 2);
			piece->csum_partial = true;
			piece->csum_start = (u16)c.l4_off;
			piece->csum_offset = c.tcp ? 16 : 6;
		} else {
			sum = pkt_csum(piece, c.l4_off, piece->size - c.l4_off, sum);
			csum_put_nonzero(h + c.l4_off + (c.tcp ? 16 : 6), sum);
		}
		list_add_tail(&piece->node, out);
		done += n;
		err = 0;
	}
out:
	pkt_free(p);
	return err;
}

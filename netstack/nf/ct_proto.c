/*
 * ct_proto.c - what conntrack knows of protocols: which packets belong together, and how long a connection is
 * remembered. Times and TCP's states are Linux's; sequence numbers are not followed (as with
 * nf_conntrack_tcp_be_liberal), and a connection may be picked up in its middle (nf_conntrack_tcp_loose).
 */
#include "netstack/nf/nf_priv.h"

#define EXT_MAX 8

/* ---- tuples ---- */

/* Where the transport header of a quoted or own IPv6 packet stands; 0: nowhere. */
static u32 skip_ext(const struct pkt *p, u32 at, u8 *next)
{
	for (int i = 0; i < EXT_MAX; i++) {
		u8 b[8];
		const u8 *h;
		if (*next != PROTO_HOPOPTS && *next != PROTO_DSTOPTS && *next != PROTO_ROUTING &&
		    *next != PROTO_FRAGMENT)
			return at;
		h = pkt_header(p, at, 8, b);
		if (!h || (*next == PROTO_FRAGMENT && (get_be16(h + 2) & ~7U)))
			return 0;
		at += *next == PROTO_FRAGMENT ? 8 : 8 + 8U * h[1];
		*next = h[0];
	}
	return 0;
}

static bool addresses(const struct pkt *p, u32 at, bool v6, struct nf_tuple *t, u32 *l4)
{
	u8 b[40], next;
	const u8 *h = pkt_header(p, at, v6 ? 40 : 20, b);

	if (!h || h[0] >> 4 != (v6 ? 6 : 4))
		return false;
	if (v6) {
		memcpy(t->src.b, h + 8, 16);
		memcpy(t->dst.b, h + 24, 16);
		next = h[6];
		*l4 = skip_ext(p, at + 40, &next);
	} else {
		if ((h[0] & 0xf) < 5 || (get_be16(h + 6) & IPV4_OFFSET))
			return false;
		t->src = ip_v4(get_be32(h + 12));
		t->dst = ip_v4(get_be32(h + 16));
		next = h[9];
		*l4 = at + (h[0] & 0xf) * 4U;
	}
	t->proto = next;
	return *l4;
}

bool nf_tuple_of(const struct pkt *p, u32 at, bool v6, struct nf_tuple *t, u32 *l4)
{
	u8 b[8];
	const u8 *h;

	memset(t, 0, sizeof(*t));
	if (!addresses(p, at, v6, t, l4))
		return false;
	if (t->proto != PROTO_TCP && t->proto != PROTO_UDP && t->proto != (v6 ? PROTO_ICMPV6 : PROTO_ICMP))
		return true; /* whatever it is, it goes between these two */
	h = pkt_header(p, *l4, 8, b);
	if (!h)
		return false;
	if (t->proto == PROTO_TCP || t->proto == PROTO_UDP) {
		t->sport = get_be16(h);
		t->dport = get_be16(h + 2);
	} else {
		t->sport = get_be16(h + 4);
		t->dport = get_be16(h);
	}
	return true;
}

bool nf_tuple_invert(const struct nf_tuple *t, struct nf_tuple *out)
{
	static const u8 pairs[][2] = {{ICMP_ECHO, ICMP_ECHO_REPLY},
				      {ICMP_TIMESTAMP, ICMP_TIMESTAMP_REPLY},
				      {ICMP6_ECHO, ICMP6_ECHO_REPLY}};
	u32 type = t->dport >> 8;

	*out = *t;
	out->src = t->dst;
	out->dst = t->src;
	if (t->proto != PROTO_ICMP && t->proto != PROTO_ICMPV6) {
		out->sport = t->dport;
		out->dport = t->sport;
		return true;
	}
	for (u32 i = 0; i < ARRAY_COUNT(pairs); i++)
		for (int k = 0; k < 2; k++)
			if (type == pairs[i][k] &&
			    (pairs[i][0] == ICMP6_ECHO) == (t->proto == PROTO_ICMPV6)) {
				out->dport = (u16)(pairs[i][!k] << 8 | (t->dport & 0xff));
				return true;
			}
	return false;
}

bool nf_is_icmp_error(const struct pkt *p, bool v6, u32 l4)
{
	u8 b;
	const u8 *type = p->l4_proto == (v6 ? PROTO_ICMPV6 : PROTO_ICMP) ? pkt_header(p, l4, 1, &b) : NULL;

	if (!type)
		return false;
	return v6 ? *type < 128
		  : *type == ICMP_UNREACH || *type == ICMP_SOURCE_QUENCH || *type == ICMP_REDIRECT ||
			*type == ICMP_TIME_EXCEEDED || *type == ICMP_PARAM;
}

/* ---- time ---- */

static u8 tcp_flags(const struct pkt *p, u32 l4)
{
	u8 b;
	const u8 *f = pkt_header(p, l4 + 13, 1, &b);

	return f ? *f & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK) : TCP_RST;
}

bool nf_proto_may_begin(const struct pkt *p, u32 l4, u16 proto)
{
	u8 b, flags;
	const u8 *type;

	if (proto == PROTO_TCP) {
		flags = tcp_flags(p, l4);
		return flags == TCP_SYN || flags == TCP_ACK || flags == (TCP_FIN | TCP_ACK);
	}
	if (proto != PROTO_ICMP && proto != PROTO_ICMPV6)
		return true;
	type = pkt_header(p, l4, 1, &b);
	return type &&
	       (proto == PROTO_ICMP ? *type == ICMP_ECHO || *type == ICMP_TIMESTAMP : *type == ICMP6_ECHO);
}

static enum nf_tcp tcp_next(enum nf_tcp s, u8 flags, enum nf_dir dir)
{
	if (flags & TCP_RST)
		return NF_TCP_CLOSE;
	if (flags & TCP_SYN) {
		if (dir == NF_ORIGINAL)
			return s == NF_TCP_NONE ? NF_TCP_SYN_SENT : s;
		return s == NF_TCP_SYN_SENT && (flags & TCP_ACK) ? NF_TCP_SYN_RECV : s;
	}
	if (flags & TCP_FIN)
		switch (s) {
		case NF_TCP_NONE: /* picked up at its end */
		case NF_TCP_SYN_RECV:
		case NF_TCP_ESTABLISHED:
			return NF_TCP_FIN_WAIT;
		case NF_TCP_FIN_WAIT:
		case NF_TCP_CLOSE_WAIT:
			return NF_TCP_LAST_ACK;
		default:
			return s;
		}
	switch (s) {
	case NF_TCP_NONE:
		return NF_TCP_ESTABLISHED;
	case NF_TCP_SYN_RECV:
		return dir == NF_ORIGINAL ? NF_TCP_ESTABLISHED : s;
	case NF_TCP_FIN_WAIT:
		return NF_TCP_CLOSE_WAIT;
	case NF_TCP_LAST_ACK:
		return NF_TCP_TIME_WAIT;
	default:
		return s;
	}
}

static const struct {
	const char *name;
	u32 seconds;
} tcp_states[] = {[NF_TCP_NONE] = {"NONE", 10},          [NF_TCP_SYN_SENT] = {"SYN_SENT", 120},
		  [NF_TCP_SYN_RECV] = {"SYN_RECV", 60},  [NF_TCP_ESTABLISHED] = {"ESTABLISHED", 432000},
		  [NF_TCP_FIN_WAIT] = {"FIN_WAIT", 120}, [NF_TCP_CLOSE_WAIT] = {"CLOSE_WAIT", 60},
		  [NF_TCP_LAST_ACK] = {"LAST_ACK", 30},  [NF_TCP_TIME_WAIT] = {"TIME_WAIT", 120},
		  [NF_TCP_CLOSE] = {"CLOSE", 10}};

const char *nf_tcp_name(u8 state)
{
	return tcp_states[state].name;
}

/* The first answer; UDP that goes on after it is a stream. */
static u32 seconds_of(struct nf_conn *c, u16 proto, enum nf_dir dir)
{
	switch (proto) {
	case PROTO_TCP:
		if (c->state == NF_TCP_ESTABLISHED && (c->status & NF_SEEN_REPLY))
			c->status |= NF_ASSURED;
		/* nothing was ever answered: nobody may be there */
		return c->state == NF_TCP_ESTABLISHED && !(c->status & NF_SEEN_REPLY)
			   ? 300
			   : tcp_states[c->state].seconds;
	case PROTO_UDP:
		if ((c->status & NF_SEEN_REPLY) && dir == NF_ORIGINAL)
			c->status |= NF_ASSURED;
		return c->status & NF_ASSURED ? 120 : 30;
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return 30;
	default:
		return 600;
	}
}

bool nf_proto_update(struct netstack *ns, struct nf_conn *c, const struct pkt *p, u32 l4, enum nf_dir dir)
{
	u16 proto = c->node[0].tuple.proto;
	u8 flags;

	if (dir == NF_REPLY)
		c->status |= NF_SEEN_REPLY;
	if (proto == PROTO_TCP) {
		flags = tcp_flags(p, l4);
		if (flags == TCP_SYN && dir == NF_ORIGINAL && c->state >= NF_TCP_TIME_WAIT)
			return false;
		c->state = (u8)tcp_next(c->state, flags, dir);
	}
	c->expires = ns->now + seconds_of(c, proto, dir) * NSEC_PER_SEC;
	return true;
}

/*
 * tcp_options.c - TCP options in and out.
 */
#include "netstack/transport/tcp_priv.h"

static void take(struct tcp_opts *o, u8 kind, const u8 *v, u32 size, bool syn)
{
	switch (kind) {
	case TCP_OPT_MSS:
		if (size == 4 && syn && get_be16(v)) {
			o->mss_ok = true;
			o->mss = get_be16(v);
		}
		break;
	case TCP_OPT_WSCALE:
		if (size == 3 && syn) {
			o->wscale_ok = true;
			o->wscale = v[0] > 14 ? 14 : v[0];
		}
		break;
	case TCP_OPT_SACK_OK:
		if (size == 2 && syn)
			o->sack_ok = true;
		break;
	case TCP_OPT_TIMESTAMP:
		if (size == 10) {
			o->ts_ok = true;
			o->tsval = get_be32(v);
			o->tsecr = get_be32(v + 4);
		}
		break;
	case TCP_OPT_SACK:
		if (size < 10 || (size - 2) % 8 || syn)
			break;
		o->sack_count = (u8)min_t(u32, (size - 2) / 8, TCP_SACKS);
		for (u32 i = 0; i < o->sack_count; i++)
			o->sacks[i] = (struct tcp_range){get_be32(v + 8 * i), get_be32(v + 8 * i + 4)};
		break;
	default:
		break;
	}
}

void tcp_parse_options(const struct pkt *p, u32 off, u32 size, struct tcp_opts *o, bool syn)
{
	u8 scratch[40];
	const u8 *b = size && size <= 40 ? pkt_header(p, off, size, scratch) : NULL;

	memset(o, 0, offsetof(struct tcp_opts, sacks));
	if (!b)
		return;
	for (u32 i = 0; i < size;) {
		if (b[i] == TCP_OPT_EOL)
			return;
		if (b[i] == TCP_OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= size || b[i + 1] < 2 || i + b[i + 1] > size)
			return;
		take(o, b[i], b + i + 2, b[i + 1], syn);
		i += b[i + 1];
	}
}

u32 tcp_put_timestamps(u8 *o, u32 tsval, u32 tsecr)
{
	o[0] = o[1] = TCP_OPT_NOP;
	o[2] = TCP_OPT_TIMESTAMP;
	o[3] = 10;
	put_be32(o + 4, tsval);
	put_be32(o + 8, tsecr);
	return 12;
}

u32 tcp_syn_options(u8 *o, u16 mss, int wscale, bool sack, bool ts, u32 tsval, u32 tsecr)
{
	u32 n = 4;

	o[0] = TCP_OPT_MSS;
	o[1] = 4;
	put_be16(o + 2, mss);
	if (ts) {
		/* SACK-permitted takes the place of the padding, as usual */
		o[n] = sack ? TCP_OPT_SACK_OK : TCP_OPT_NOP;
		o[n + 1] = sack ? 2 : TCP_OPT_NOP;
		o[n + 2] = TCP_OPT_TIMESTAMP;
		o[n + 3] = 10;
		put_be32(o + n + 4, tsval);
		put_be32(o + n + 8, tsecr);
		n += 12;
	} else if (sack) {
		o[n] = o[n + 1] = TCP_OPT_NOP;
		o[n + 2] = TCP_OPT_SACK_OK;
		o[n + 3] = 2;
		n += 4;
	}
	if (wscale >= 0) {
		o[n] = TCP_OPT_NOP;
		o[n + 1] = TCP_OPT_WSCALE;
		o[n + 2] = 3;
		o[n + 3] = (u8)wscale;
		n += 4;
	}
	return n;
}

/*
 * tcp_fixture.c - see tcp_fixture.h.
 */
#include "tests/unit/netstack/tcp_fixture.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "netstack/wire/checksum.h"

/* ---- the pattern: no two places of a stream near each other look alike ---- */

static u8 pattern_at(u64 i)
{
	return (u8)((i * 0x9e3779b97f4a7c15ULL) >> 56) ^ (u8)(i >> 11);
}

void pattern_fill(u8 *b, u64 at, u32 n)
{
	for (u32 i = 0; i < n; i++)
		b[i] = pattern_at(at + i);
}

bool pattern_is(const u8 *b, u64 at, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (b[i] != pattern_at(at + i))
			return false;
	return true;
}

/* ---- text to segment ---- */

static u8 flag_of(char c)
{
	switch (c) {
	case 'S':
		return TCP_SYN;
	case 'F':
		return TCP_FIN;
	case 'R':
		return TCP_RST;
	case 'P':
		return TCP_PSH;
	case 'U':
		return TCP_URG;
	case 'E':
		return TCP_ECE;
	case 'C':
		return TCP_CWR;
	case '.':
		return TCP_ACK;
	default:
		return 0;
	}
}

static u32 number(const char **p)
{
	char *end;
	u32 v;

	while (isspace((unsigned char)**p))
		(*p)++;
	v = (u32)strtoul(*p, &end, 0);
	ck_assert_msg(end != *p, "a number is missing at '%s'", *p);
	*p = end;
	return v;
}

static bool word(const char **p, const char *w)
{
	while (**p == ' ')
		(*p)++;
	if (strncmp(*p, w, strlen(w)) != 0)
		return false;
	*p += strlen(w);
	return true;
}

static void number_or_star(const char **p, u32 *v, bool *star)
{
	while (**p == ' ')
		(*p)++;
	if (**p == '*') {
		*star = true;
		(*p)++;
		return;
	}
	*v = number(p);
}

static void parse_options(const char **p, struct tseg *s)
{
	s->opts_given = true;
	while (!word(p, ">")) {
		if (word(p, ",")) {
			continue;
		} else if (word(p, "mss")) {
			s->mss = (int)number(p);
		} else if (word(p, "wscale")) {
			s->wscale = (int)number(p);
		} else if (word(p, "sackOK")) {
			s->sack_ok = true;
		} else if (word(p, "ts")) {
			s->ts = s->ts_given = true;
			number_or_star(p, &s->tsval, &s->any_val);
			number_or_star(p, &s->tsecr, &s->any_ecr);
		} else if (word(p, "sack")) {
			while (**p == ' ')
				(*p)++;
			while (isdigit((unsigned char)**p) && s->sack_count < 4) {
				struct tcp_range *r = &s->sacks[s->sack_count++];
				r->start = number(p);
				ck_assert(word(p, ":"));
				r->end = number(p);
				while (**p == ' ')
					(*p)++;
			}
		} else if (word(p, "none")) {
			continue;
		} else {
			ck_abort_msg("unknown option at '%s'", *p);
		}
	}
}

static struct tseg parse(const char *text)
{
	struct tseg s = {.mss = -1, .wscale = -1, .win = 65535};
	const char *p = text;

	for (; flag_of(*p); p++) {
		s.flags |= flag_of(*p);
		s.psh_given |= *p == 'P';
	}
	s.seq = number(&p);
	ck_assert_msg(word(&p, ":"), "in '%s'", text);
	s.end = number(&p);
	ck_assert_msg(word(&p, "("), "in '%s'", text);
	s.size = number(&p);
	ck_assert_msg(word(&p, ")") && s.end == s.seq + s.size, "in '%s'", text);
	while (*p) {
		if (word(&p, "ack")) {
			s.ack = number(&p);
			s.ack_given = true;
		} else if (word(&p, "win")) {
			s.win = number(&p);
			s.win_given = true;
		} else if (word(&p, "urg")) {
			s.urg = number(&p);
		} else if (word(&p, "<")) {
			parse_options(&p, &s);
		} else if (word(&p, "ce")) {
			s.tos = 3;
			s.tos_given = true;
		} else if (word(&p, "ect0")) {
			s.tos = 2;
			s.tos_given = true;
		} else if (word(&p, "not-ect")) {
			s.tos_given = true;
		} else {
			ck_abort_msg("cannot read '%s' of '%s'", p, text);
		}
	}
	return s;
}

static void describe(const struct tseg *s, char *b, size_t size)
{
	static const char letters[] = "FSRP.UEC";
	int n = 0;

	for (int i = 0; i < 8; i++)
		if (s->flags >> i & 1)
			n += snprintf(b + n, size - (size_t)n, "%c", letters[i]);
	n += snprintf(b + n, size - (size_t)n, " %u:%u(%u) ack %u win %u urg %u <", s->seq, s->seq + s->size,
		      s->size, s->ack, s->win, s->urg);
	if (s->mss >= 0)
		n += snprintf(b + n, size - (size_t)n, "mss %d, ", s->mss);
	if (s->sack_ok)
		n += snprintf(b + n, size - (size_t)n, "sackOK, ");
	if (s->ts)
		n += snprintf(b + n, size - (size_t)n, "ts %u %u, ", s->tsval, s->tsecr);
	if (s->wscale >= 0)
		n += snprintf(b + n, size - (size_t)n, "wscale %d, ", s->wscale);
	if (s->sack_count)
		n += snprintf(b + n, size - (size_t)n, "sack ");
	for (u32 i = 0; i < s->sack_count; i++)
		n += snprintf(b + n, size - (size_t)n, "%u:%u ", s->sacks[i].start, s->sacks[i].end);
	snprintf(b + n, size - (size_t)n, "> tos %u", s->tos);
}

/* ---- to the wire ---- */

static u32 put_tcp_options(struct tt *t, const struct tseg *s, u8 *o)
{
	u32 n = 0;

	if (s->mss >= 0) {
		o[n] = TCP_OPT_MSS;
		o[n + 1] = 4;
		put_be16(o + n + 2, (u32)s->mss);
		n += 4;
	}
	if (s->sack_ok) {
		o[n] = o[n + 1] = TCP_OPT_NOP;
		o[n + 2] = TCP_OPT_SACK_OK;
		o[n + 3] = 2;
		n += 4;
	}
	if (s->ts_given || (t->ts && !(s->flags & TCP_RST))) {
		u32 val = s->ts_given && !s->any_val ? s->tsval : (u32)(t->w.now / MS) + t->peer_ts;
		u32 ecr = s->ts_given && !s->any_ecr ? s->tsecr : t->last_tsval;
		n += tcp_put_timestamps(o + n, val, ecr);
	}
	if (s->wscale >= 0) {
		o[n] = TCP_OPT_NOP;
		o[n + 1] = TCP_OPT_WSCALE;
		o[n + 2] = 3;
		o[n + 3] = (u8)s->wscale;
		n += 4;
	}
	if (s->sack_count) {
		o[n] = o[n + 1] = TCP_OPT_NOP;
		o[n + 2] = TCP_OPT_SACK;
		o[n + 3] = (u8)(2 + 8 * s->sack_count);
		n += 4;
		for (u32 i = 0; i < s->sack_count; i++, n += 8) {
			put_be32(o + n, t->isn + s->sacks[i].start);
			put_be32(o + n + 4, t->isn + s->sacks[i].end);
		}
	}
	return n;
}

void in(struct tt *t, const char *text)
{
	struct tseg s = parse(text);
	struct build f;
	u8 opts[60], *h, *data;
	u32 n = put_tcp_options(t, &s, opts), l4_size;
	struct ip_addr src, dst;

	b_eth(&f, mac_us, mac_peer, t->v6 ? ETH_IPV6 : ETH_IPV4);
	if (t->v6) {
		u8 *ip = b_ip6(&f, "fd00::2", "fd00::1", PROTO_TCP);
		ip[1] |= (u8)(s.tos << 4);
		src = a6("fd00::2");
		dst = a6("fd00::1");
	} else {
		b_ip4(&f, IP_B, IP_A, PROTO_TCP)[1] = s.tos;
		src = ip_v4(IP_B);
		dst = ip_v4(IP_A);
	}
	f.l4 = f.size;
	h = b_add(&f, NULL, 20);
	put_be16(h, t->peer_port);
	put_be16(h + 2, t->port);
	put_be32(h + 4, t->peer_isn + s.seq);
	put_be32(h + 8, s.ack_given ? t->isn + s.ack : 0);
	h[12] = (u8)((20 + n) / 4 << 4);
	h[13] = s.flags;
	put_be16(h + 14, s.win);
	put_be16(h + 18, s.urg);
	b_add(&f, opts, n);
	data = b_add(&f, NULL, s.size);
	pattern_fill(data, (u64)(s.seq - 1), s.size); /* the first byte of data has number 1 */
	l4_size = f.size - f.l4;
	b_finish(&f);
	h = f.b + f.l4;
	put_be16(h + 16, 0);
	csum_put(h + 16, csum_add(csum_pseudo(&src, &dst, PROTO_TCP, l4_size), h, l4_size, false));
	wire_in(&t->w, f.b, f.size);
}

/* ---- from the wire ---- */

static void decode_options(struct tt *t, const u8 *o, u32 n, struct tseg *s)
{
	for (u32 i = 0; i < n;) {
		if (o[i] == TCP_OPT_NOP) {
			i++;
			continue;
		}
		if (o[i] == TCP_OPT_EOL)
			break;
		ck_assert_int_ge(o[i + 1], 2);
		if (o[i] == TCP_OPT_MSS) {
			s->mss = get_be16(o + i + 2);
		} else if (o[i] == TCP_OPT_WSCALE) {
			s->wscale = o[i + 2];
		} else if (o[i] == TCP_OPT_SACK_OK) {
			s->sack_ok = true;
		} else if (o[i] == TCP_OPT_TIMESTAMP) {
			s->ts = true;
			s->tsval = get_be32(o + i + 2);
			s->tsecr = get_be32(o + i + 6);
			t->last_tsval = s->tsval;
		} else if (o[i] == TCP_OPT_SACK) {
			for (u32 at = i + 2; at < i + o[i + 1]; at += 8)
				s->sacks[s->sack_count++] = (struct tcp_range){
				    get_be32(o + at) - t->peer_isn, get_be32(o + at + 4) - t->peer_isn};
		}
		i += o[i + 1];
	}
}

static bool decode(struct tt *t, const struct frame *f, struct tseg *s)
{
	u32 type = get_be16(f->bytes + 12), l4, total, header;
	const u8 *ip = f->bytes + 14, *h;
	struct ip_addr src, dst;

	*s = (struct tseg){.mss = -1, .wscale = -1, .at = f->at};
	if (type == ETH_IPV4 && ip[9] == PROTO_TCP) {
		l4 = 14 + (ip[0] & 15) * 4U;
		total = 14U + get_be16(ip + 2);
		s->tos = ip[1];
		src = ip_v4(get_be32(ip + 12));
		dst = ip_v4(get_be32(ip + 16));
	} else if (type == ETH_IPV6 && ip[6] == PROTO_TCP) {
		l4 = 54;
		total = 54U + get_be16(ip + 4);
		s->tos = (u8)(ip[0] << 4 | ip[1] >> 4);
		memcpy(src.b, ip + 8, 16);
		memcpy(dst.b, ip + 24, 16);
	} else {
		return false;
	}
	h = f->bytes + l4;
	ck_assert_int_ge(f->size, total);
	ck_assert_msg(csum_ok(csum_add(csum_pseudo(&src, &dst, PROTO_TCP, total - l4), h, total - l4, false)),
		      "a wrong checksum was sent");
	if (!t->port)
		t->port = get_be16(h);
	header = (h[12] >> 4) * 4U;
	s->flags = h[13];
	if ((s->flags & TCP_SYN) && !t->isn_known) {
		t->isn = get_be32(h + 4);
		t->isn_known = true;
	}
	s->seq = get_be32(h + 4) - t->isn;
	s->ack = s->flags & TCP_ACK ? get_be32(h + 8) - t->peer_isn : 0;
	s->win = get_be16(h + 14);
	s->urg = get_be16(h + 18);
	s->size = total - l4 - header;
	s->end = s->seq + s->size;
	s->data = h + header;
	decode_options(t, h + 20, header - 20, s);
	return true;
}

bool take_any(struct tt *t, struct tseg *s)
{
	for (;;) {
		const struct frame *f = wire_out(&t->w);
		if (!f) {
			wire_skip(&t->w);
			return false;
		}
		if (decode(t, f, s))
			return true;
	}
}

struct tseg take(struct tt *t)
{
	struct tseg s;

	ck_assert_msg(take_any(t, &s), "no segment was sent");
	return s;
}

static bool same_options(const struct tseg *e, const struct tseg *g)
{
	if (e->mss != g->mss || e->wscale != g->wscale || e->sack_ok != g->sack_ok ||
	    e->sack_count != g->sack_count)
		return false;
	if (e->ts &&
	    (!g->ts || (!e->any_val && e->tsval != g->tsval) || (!e->any_ecr && e->tsecr != g->tsecr)))
		return false;
	for (u32 i = 0; i < e->sack_count; i++)
		if (e->sacks[i].start != g->sacks[i].start || e->sacks[i].end != g->sacks[i].end)
			return false;
	return true;
}

static struct tseg compare(struct tt *t, const char *text)
{
	struct tseg e = parse(text), g;
	char got[512];
	u8 mask = e.psh_given ? 0xff : (u8)~TCP_PSH;
	bool same;

	ck_assert_msg(take_any(t, &g), "expected '%s', nothing was sent", text);
	same = (e.flags & mask) == (g.flags & mask) && e.seq == g.seq && e.size == g.size &&
	       (!e.ack_given || e.ack == g.ack) && (!e.win_given || e.win == g.win) && e.urg == g.urg &&
	       (!e.opts_given || same_options(&e, &g)) && (!e.tos_given || (g.tos & 3) == e.tos);
	describe(&g, got, sizeof(got));
	ck_assert_msg(same, "expected '%s', sent was '%s'", text, got);
	/* what the socket sends is the pattern too */
	if (g.size)
		ck_assert_msg(pattern_is(g.data, (u64)(g.seq - 1), g.size), "'%s' carries wrong bytes", got);
	return g;
}

void out(struct tt *t, const char *text)
{
	compare(t, text);
}

void out_after(struct tt *t, const char *text, u64 from, u64 ms, u64 slack)
{
	struct tseg s = compare(t, text);
	u64 got = (s.at - from) / MS;

	ck_assert_msg(got + slack >= ms && got <= ms + slack, "'%s' came after %llu ms, not %llu", text,
		      (unsigned long long)got, (unsigned long long)ms);
}

void quiet(struct tt *t)
{
	struct tseg s;
	char got[512];

	if (!take_any(t, &s))
		return;
	describe(&s, got, sizeof(got));
	ck_abort_msg("nothing was expected, sent was '%s'", got);
}

u32 drain(struct tt *t)
{
	struct tseg s;
	u32 n = 0;

	while (take_any(t, &s))
		n++;
	return n;
}

void skip(struct tt *t)
{
	drain(t);
}

void wait_ms(struct tt *t, u64 ms)
{
	run_for(&t->w, ms * MS);
}

/* ---- sockets ---- */

static void note_event(struct net_sock *sk, u32 events)
{
	((struct tt *)sk->owner)->events |= events;
}

static void own(struct tt *t, struct net_sock *sk)
{
	sk->owner = t;
	sk->event = note_event;
}

void tt_init_with(struct tt *t, u32 mtu, u32 features)
{
	memset(t, 0, sizeof(*t));
	world_wire_with(&t->w, mtu, features);
	know_peer(&t->w);
	t->peer_isn = PEER_ISN;
	t->peer_port = 40000;
	t->port = 80;
	t->peer_ts = 5000;
}

void tt_init(struct tt *t)
{
	tt_init_with(t, 1500, 0);
}

void tt_end(struct tt *t)
{
	if (t->s)
		tcp_close(t->s, true);
	if (t->listener)
		tcp_close(t->listener, true);
	t->s = t->listener = NULL;
	skip(t);
	/* no connection outlives its minute by much: orphans give up after eight retries */
	for (int i = 0; i < 40 && (t->w.w->flows.count || t->w.w->sock_count); i++) {
		wait_ms(t, 30000);
		skip(t);
	}
	ck_assert_int_eq(t->w.w->flows.count, 0);
	ck_assert_int_eq(t->w.w->ports.count, 0);
	ck_assert_int_eq(t->w.w->listeners.count, 0);
	world_end(&t->w);
}

struct net_sock *tt_socket(struct tt *t)
{
	struct net_sock *sk = NULL;

	ck_assert_int_eq(tcp_new(t->w.w, t->v6, &sk), 0);
	own(t, sk);
	return sk;
}

struct net_sock *tt_listen(struct tt *t, int backlog)
{
	struct ip_addr any = t->v6 ? IP6_ANY : IP4_ANY;

	t->listener = tt_socket(t);
	t->listener->ep.reuseaddr = true;
	ck_assert_int_eq(sock_bind(t->listener, &any, t->port), 0);
	ck_assert_int_eq(tcp_listen(t->listener, backlog), 0);
	return t->listener;
}

struct net_sock *tt_accept(struct tt *t)
{
	struct net_sock *sk = NULL;

	if (tcp_accept(t->listener, &sk) != 0)
		return NULL;
	own(t, sk);
	return sk;
}

void tt_connect(struct tt *t)
{
	struct ip_addr dst = t->v6 ? a6("fd00::2") : ip_v4(IP_B);

	if (!t->s)
		t->s = tt_socket(t);
	t->port = 0;
	t->peer_port = 80;
	ck_assert_int_eq(tcp_connect(t->s, &dst, 80), -EINPROGRESS);
}

static bool has_ts(const char *options)
{
	return strstr(options, "ts") != NULL;
}

void tt_passive(struct tt *t, const char *options, u32 win)
{
	char text[200];

	if (!t->listener)
		tt_listen(t, 10);
	snprintf(text, sizeof(text), "S 0:0(0) win %u <%s>", win, options);
	in(t, text);
	t->ts = has_ts(options) && t->w.w->config.tcp_timestamps;
	out(t, "S. 0:0(0) ack 1");
	snprintf(text, sizeof(text), ". 1:1(0) ack 1 win %u", win);
	in(t, text);
	quiet(t);
	t->s = tt_accept(t);
	ck_assert_ptr_nonnull(t->s);
	expect_state(t, TCPS_ESTABLISHED);
}

void tt_active(struct tt *t, const char *options, u32 win)
{
	char text[200];

	tt_connect(t);
	out(t, "S 0:0(0)");
	snprintf(text, sizeof(text), "S. 0:0(0) ack 1 win %u <%s>", win, options);
	in(t, text);
	t->ts = has_ts(options) && t->w.w->config.tcp_timestamps;
	out(t, ". 1:1(0) ack 1");
	quiet(t);
	expect_state(t, TCPS_ESTABLISHED);
}

struct tcp_sock *tt_tp(struct tt *t)
{
	return tcp_of(t->s);
}

s64 put_flags(struct tt *t, u32 n, u32 flags)
{
	u8 *b = malloc(n ? n : 1);
	struct mem_iter m;
	s64 r;

	pattern_fill(b, t->put, n);
	mem_in(&m, b, n);
	r = tcp_send(t->s, &m.it, flags);
	if (r > 0)
		t->put += (u64)r;
	free(b);
	return r;
}

s64 put(struct tt *t, u32 n)
{
	return put_flags(t, n, 0);
}

static s64 copy_back(struct net_iter *it, void *stack_side, size_t n)
{
	struct mem_iter *m = container_of(it, struct mem_iter, it);

	memcpy(m->at, stack_side, n);
	m->at += n;
	it->left -= n;
	return (s64)n;
}

void tt_iter(struct mem_iter *m, void *b, size_t n)
{
	*m = (struct mem_iter){.it = {.copy = copy_back, .left = n}, .at = b};
}

s64 get(struct tt *t, u32 n)
{
	u8 *b = malloc(n ? n : 1);
	struct mem_iter m = {.it = {.copy = copy_back, .left = n}, .at = b};
	s64 r = tcp_receive(t->s, &m.it, false, 0);

	if (r > 0) {
		ck_assert_msg(pattern_is(b, t->got, (u32)r), "wrong bytes were received at %llu",
			      (unsigned long long)t->got);
		t->got += (u64)r;
	}
	free(b);
	return r;
}

void set_opt(struct net_sock *sk, int name, int value)
{
	ck_assert_int_eq(tcp_setsockopt(sk, name, &value, sizeof(value)), 0);
}

int get_opt(struct net_sock *sk, int name)
{
	int v = -12345;

	ck_assert_int_eq(tcp_getsockopt(sk, name, &v, sizeof(v)), sizeof(v));
	return v;
}

struct tcp_info_linux get_info(struct net_sock *sk)
{
	struct tcp_info_linux i;

	ck_assert_int_eq(tcp_getsockopt(sk, TCPO_INFO, &i, sizeof(i)), sizeof(i));
	return i;
}

u64 mib_of(struct netstack *ns, enum net_mib which)
{
	return ns->mib[which];
}

/* A connection whose round-trip time is known to be 100 ms. */
void open_rtt(struct tt *t, const char *options)
{
	char text[100];

	tt_listen(t, 5);
	snprintf(text, sizeof(text), "S 0:0(0) <%s>", options);
	in(t, text);
	out(t, "S. 0:0(0) ack 1");
	t->ts = strstr(options, "ts") != NULL;
	wait_ms(t, 100);
	in(t, ". 1:1(0) ack 1");
	t->s = tt_accept(t);
	ck_assert_ptr_nonnull(t->s);
	ck_assert_int_eq(tt_tp(t)->srtt / MS, 100);
}

void send_n(struct tt *t, u32 n)
{
	expect_put(t, n * 1000);
	ck_assert_int_eq(drain(t), n);
}

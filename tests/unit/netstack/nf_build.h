/*
 * nf_build.h - tables of packet filters, entry by entry, as iptables would write them.
 */
#ifndef WARREN_TESTS_NETSTACK_NF_BUILD_H
#define WARREN_TESTS_NETSTACK_NF_BUILD_H

#include "netstack/nf/nf.h"

enum { H_PRE, H_IN, H_FWD, H_OUT, H_POST };

struct table_build {
	bool v6;
	struct xt_replace r;
	u32 rule;  /* where the last rule began */
	u32 entry; /* number of entries */
	_Alignas(8) u8 e[16384];
};

static inline u32 tb_head(const struct table_build *t)
{
	return t->v6 ? XT_IP6_ENTRY : XT_IP4_ENTRY;
}

static inline void tb_u16(u8 *p, u32 v)
{
	u16 x = (u16)v;

	memcpy(p, &x, 2);
}

static inline u16 tb_get16(const u8 *p)
{
	u16 x;

	memcpy(&x, p, 2);
	return x;
}

static inline void tb_begin(struct table_build *t, bool v6, const char *name, u32 hooks)
{
	memset(t, 0, sizeof(*t));
	t->v6 = v6;
	strcpy(t->r.name, name);
	t->r.valid_hooks = hooks;
}

/* A rule that matches everything as yet, without a target. */
static inline u8 *tb_rule(struct table_build *t)
{
	u8 *e = t->e + t->r.size;

	t->rule = t->r.size;
	t->r.size += tb_head(t);
	t->r.entry_count++;
	tb_u16(e + (t->v6 ? 140 : 88), tb_head(t));
	tb_u16(e + (t->v6 ? 142 : 90), tb_head(t));
	return e;
}

static inline void tb_proto(struct table_build *t, u32 proto)
{
	u8 *e = t->e + t->rule;

	tb_u16(e + (t->v6 ? 128 : 80), proto);
	if (t->v6)
		e[131] |= XT6_F_PROTO;
}

static inline u8 *tb_ext(struct table_build *t, const char *name, u8 revision, const void *data, u32 size)
{
	u8 *at = t->e + t->r.size, *e = t->e + t->rule;
	struct xt_ext_head h = {.size = (u16)(sizeof(h) + ((size + 7) & ~7U)), .revision = revision};

	strcpy(h.name, name);
	memcpy(at, &h, sizeof(h));
	memcpy(at + sizeof(h), data, size);
	t->r.size += h.size;
	tb_u16(e + (t->v6 ? 142 : 90), tb_get16(e + (t->v6 ? 142 : 90)) + h.size);
	return at + sizeof(h);
}

static inline u8 *tb_match(struct table_build *t, const char *name, u8 revision, const void *data, u32 size)
{
	u8 *e = t->e + t->rule, *at = tb_ext(t, name, revision, data, size);

	tb_u16(e + (t->v6 ? 140 : 88), tb_get16(e + (t->v6 ? 142 : 90)));
	return at;
}

static inline void tb_verdict(struct table_build *t, s32 v)
{
	tb_ext(t, "", 0, &v, sizeof(v));
}

static inline void tb_error(struct table_build *t, const char *name)
{
	char text[30] = {0};

	tb_rule(t);
	strcpy(text, name);
	tb_ext(t, "ERROR", 0, text, sizeof(text));
}

static inline void tb_hook(struct table_build *t, u32 hook)
{
	t->r.hook_entry[hook] = t->r.size;
}

static inline void tb_policy(struct table_build *t, u32 hook, s32 v)
{
	t->r.underflow[hook] = t->r.size;
	tb_rule(t);
	tb_verdict(t, v);
}

static inline void tb_ports(struct table_build *t, bool tcp, u16 dport)
{
	struct xt_tcp_info tcp_info = {{0, 65535}, {dport, dport}, 0, 0, 0, 0};
	struct xt_udp_info udp_info = {{0, 65535}, {dport, dport}, 0};

	tb_proto(t, tcp ? 6 : 17);
	if (tcp)
		tb_match(t, "tcp", 0, &tcp_info, sizeof(tcp_info));
	else
		tb_match(t, "udp", 0, &udp_info, sizeof(udp_info));
}

static inline int tb_commit(struct table_build *t, struct netstack *ns)
{
	struct xt_getinfo info = {0};
	struct xt_counters old[256];
	int err;

	strcpy(info.name, t->r.name);
	err = nf_table_info(ns, t->v6, &info);
	if (err)
		return err;
	t->r.counter_count = info.entry_count;
	return nf_table_replace(ns, t->v6, &t->r, t->e, old);
}

#define FILTER_HOOKS (1U << H_IN | 1U << H_FWD | 1U << H_OUT)
#define NAT_HOOKS    (1U << H_PRE | 1U << H_IN | 1U << H_OUT | 1U << H_POST)

#endif

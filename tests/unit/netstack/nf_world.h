/* nf_world.h - rules on one of two hosts, for the tests of packet filters. */
#ifndef WARREN_TESTS_NF_WORLD_H
#define WARREN_TESTS_NF_WORLD_H

#include <errno.h>

#include "netstack/nf/nf_priv.h"
#include "netstack/wire/checksum.h"
#include "tests/unit/netstack/fixture.h"
#include "tests/unit/netstack/nf_build.h"

static struct world w;
static struct table_build t;
static struct ip_addr a, b;

static inline void start(void)
{
	world_pair(&w);
	a = ip_v4(IP_A);
	b = ip_v4(IP_B);
}

static inline void stop(void)
{
	world_end(&w);
}

/* A filter table whose INPUT begins with the caller's rules; finish() adds the rest. */
static inline void filter_input(bool v6)
{
	tb_begin(&t, v6, "filter", FILTER_HOOKS);
	tb_hook(&t, H_IN);
}

static inline void filter_output(s32 input)
{
	tb_policy(&t, H_IN, input);
	tb_hook(&t, H_FWD);
	tb_policy(&t, H_FWD, XT_ACCEPT);
	tb_hook(&t, H_OUT);
}

static inline int finish_filter(struct netstack *ns)
{
	tb_policy(&t, H_OUT, XT_ACCEPT);
	tb_error(&t, "ERROR");
	return tb_commit(&t, ns);
}

static inline int finish_input(struct netstack *ns, s32 policy)
{
	filter_output(policy);
	return finish_filter(ns);
}

/* nat: rules of one hook, then the others' policies. */
static inline void nat_hook(bool v6, u32 hook)
{
	static const u32 order[] = {H_PRE, H_IN, H_OUT, H_POST};

	tb_begin(&t, v6, "nat", NAT_HOOKS);
	for (u32 i = 0; i < 4; i++) {
		if (order[i] == hook)
			continue;
		tb_hook(&t, order[i]);
		tb_policy(&t, order[i], XT_ACCEPT);
	}
	tb_hook(&t, hook);
}

static inline int finish_nat(struct netstack *ns, u32 hook)
{
	tb_policy(&t, hook, XT_ACCEPT);
	tb_error(&t, "ERROR");
	return tb_commit(&t, ns);
}

static inline void nat4(const char *target, u32 flags, u32 addr, u16 port)
{
	struct xt_nat4_info n = {
	    .count = 1, .flags = flags, .min_port = be16_of(port), .max_port = be16_of(port)};

	put_be32(n.min, addr);
	put_be32(n.max, addr);
	tb_ext(&t, target, 0, &n, sizeof(n));
}

static inline struct xt_counters counters(struct netstack *ns, bool v6, const char *name, u32 rule)
{
	struct xt_counters c = {0};
	struct nf_table *table = ns->nf->tables[v6][strcmp(name, "nat") == 0];

	ck_assert_uint_lt(rule, table->rule_count);
	c = table->rules[rule].counters;
	return c;
}

static inline void say(struct net_sock *sk, struct ip_addr dst, u32 port, const char *text)
{
	ck_assert_int_eq(udp_put(sk, &dst, port, text, strlen(text)), (s64)strlen(text));
	settle(&w);
}

#endif

/*
 * fuzz_nf.c: a libFuzzer target for tables of packet filters as a guest hands them over (IPT_SO_SET_REPLACE),
 * and for packets through whatever table was taken.
 *
 * A socket also has a filter of classic BPF that is the fuzzer's, if it is taken.
 *
 * The input's first byte says which table and how it is made: as bytes, or by a script of rules, matches and
 * targets whose data are the fuzzer's, of which some bytes are then changed. The rest are packets, in from a
 * link and out from sockets. After each input the stack is taken down, and nothing may be left.
 */
#include <stdint.h>
#include <stdlib.h>

#include "netstack/link/memlink.h"
#include "netstack/stack/stack_priv.h"
#include "netstack/transport/sock.h"
#include "tests/unit/netstack/nf_build.h"

#define REQUIRE(x)                                                                                           \
	do {                                                                                                 \
		if (!(x))                                                                                    \
			__builtin_trap();                                                                    \
	} while (0)

struct fuzz {
	uint64_t now, seed, deadline;
	long blocks;
};

struct input {
	const uint8_t *at;
	size_t left;
};

static u64 now(void *ctx)
{
	return ((struct fuzz *)ctx)->now;
}

static void randomly(void *ctx, void *buf, size_t size)
{
	struct fuzz *f = ctx;

	for (size_t i = 0; i < size; i++) {
		f->seed = f->seed * 6364136223846793005ULL + 1;
		((u8 *)buf)[i] = (u8)(f->seed >> 40);
	}
}

static void *take(void *ctx, size_t size, const char *type)
{
	(void)type;
	((struct fuzz *)ctx)->blocks++;
	return malloc(size);
}

static void give(void *ctx, void *p)
{
	((struct fuzz *)ctx)->blocks--;
	free(p);
}

static void timer(void *ctx, u64 deadline)
{
	((struct fuzz *)ctx)->deadline = deadline;
}

static u32 byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static u32 bytes(struct input *in, void *to, u32 n)
{
	u32 have = (u32)(in->left < n ? in->left : n);

	memset(to, 0, n);
	memcpy(to, in->at, have);
	in->at += have;
	in->left -= have;
	return have;
}

/* ---- tables ---- */

static const struct {
	const char *name;
	u8 revision, proto;
	u16 size;
} exts[] = {{"tcp", 0, 6, 12},
	    {"udp", 0, 17, 10},
	    {"icmp", 0, 1, 4},
	    {"icmp6", 0, 58, 4},
	    {"conntrack", 1, 0, 152},
	    {"conntrack", 2, 0, 156},
	    {"conntrack", 3, 0, 164},
	    {"state", 0, 0, 4},
	    {"owner", 1, 0, 20},
	    {"multiport", 1, 17, 48},
	    {"comment", 0, 0, 256},
	    {"addrtype", 1, 0, 8},
	    {"limit", 0, 0, 40},
	    {"REJECT", 0, 0, 4},
	    {"LOG", 0, 0, 32},
	    {"DNAT", 0, 0, 20},
	    {"DNAT", 1, 0, 40},
	    {"DNAT", 2, 0, 44},
	    {"SNAT", 0, 0, 20},
	    {"SNAT", 2, 0, 44},
	    {"MASQUERADE", 0, 0, 20},
	    {"MASQUERADE", 0, 0, 40},
	    {"REDIRECT", 0, 0, 20},
	    {"REDIRECT", 0, 0, 40},
	    {"", 0, 0, 4},
	    {"ERROR", 0, 0, 30}};
#define TARGETS 13U /* from there on */

static void one_ext(struct table_build *t, struct input *in, bool target)
{
	u32 i = target ? TARGETS + byte(in) % (ARRAY_COUNT(exts) - TARGETS) : byte(in) % TARGETS;
	u8 data[256];

	bytes(in, data, exts[i].size);
	if (target && byte(in) % 4) { /* values that make sense more often than not */
		s32 v = (s32[]){XT_DROP, XT_ACCEPT, XT_RETURN, (s32)t->r.size}[byte(in) % 4];
		if (!exts[i].name[0])
			memcpy(data, &v, 4);
		else if (exts[i].size == 20)
			memcpy(data, &(u32){1}, 4);
	}
	if (exts[i].proto)
		tb_proto(t, exts[i].proto);
	if (target)
		tb_ext(t, exts[i].name, exts[i].revision, data, exts[i].size);
	else
		tb_match(t, exts[i].name, exts[i].revision, data, exts[i].size);
}

static void by_script(struct table_build *t, struct input *in, u32 hooks)
{
	for (u32 h = 0; h < XT_HOOKS; h++) {
		if (!(hooks & 1U << h))
			continue;
		tb_hook(t, h);
		for (u32 n = byte(in) % 3; n; n--) {
			u8 *e = tb_rule(t);
			if (byte(in) % 4 == 0)
				bytes(in, e, t->v6 ? 133 : 84);
			for (u32 m = byte(in) % 3; m; m--)
				one_ext(t, in, false);
			one_ext(t, in, true);
		}
		tb_policy(t, h, byte(in) % 4 ? XT_ACCEPT : XT_DROP);
	}
	for (u32 chains = byte(in) % 3; chains; chains--) {
		tb_error(t, "chain");
		tb_rule(t);
		one_ext(t, in, true);
		tb_rule(t);
		tb_verdict(t, XT_RETURN);
	}
	tb_error(t, "ERROR");
	for (u32 n = byte(in) % 4; n; n--) {
		u32 at = byte(in) | byte(in) << 8;
		t->e[at % t->r.size] = (u8)byte(in);
	}
}

static int make_table(struct netstack *ns, struct table_build *t, struct input *in)
{
	u32 how = byte(in), hooks = how & 2 ? NAT_HOOKS : FILTER_HOOKS;

	tb_begin(t, how & 4, how & 2 ? "nat" : "filter", hooks);
	if (how & 1) {
		by_script(t, in, hooks);
	} else {
		t->r.entry_count = byte(in);
		for (u32 h = 0; h < XT_HOOKS; h++) {
			t->r.hook_entry[h] = byte(in) * 8;
			t->r.underflow[h] = byte(in) * 8;
		}
		t->r.size = bytes(in, t->e, 1024);
	}
	/* exactly what is there, so that a step beyond is seen */
	u8 *entries = malloc(t->r.size ? t->r.size : 1);
	struct xt_getinfo info = {0};
	struct xt_counters old[256];
	int err;
	memcpy(entries, t->e, t->r.size);
	strcpy(info.name, t->r.name);
	REQUIRE(nf_table_info(ns, t->v6, &info) == 0);
	t->r.counter_count = info.entry_count;
	REQUIRE(info.entry_count <= 256);
	err = nf_table_replace(ns, t->v6, &t->r, entries, old);
	free(entries);
	return err;
}

/* A program of sensible codes, whose constants and jumps are the fuzzer's. */
static void make_filter(struct netstack *ns, struct net_sock *sk, struct input *in)
{
	static const u16 codes[] = {0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x01,
				    0x61, 0x81, 0xb1, 0x02, 0x03, 0x04, 0x0c, 0x14, 0x24, 0x34,
				    0x3c, 0x64, 0x6c, 0x84, 0x94, 0x9c, 0xa4, 0x05, 0x15, 0x1d,
				    0x25, 0x35, 0x45, 0x06, 0x16, 0x07, 0x87};
	struct bpf_insn insn[24];
	u32 count = byte(in) % 24;

	for (u32 i = 0; i < count; i++) {
		insn[i].code = byte(in) % 16 ? codes[byte(in) % ARRAY_COUNT(codes)] : (u16)byte(in);
		insn[i].jt = (u8)(byte(in) % 8);
		insn[i].jf = (u8)(byte(in) % 8);
		insn[i].k = byte(in) % 4 ? byte(in) % 80 : 0xfffff000U + byte(in) * (byte(in) + 1);
	}
	if (count && byte(in) % 8)
		insn[count - 1].code = byte(in) & 1 ? 0x06 : 0x16;
	if (net_filter_new(ns, insn, count, &sk->filter))
		sk->filter = NULL;
}

/* ---- packets ---- */

static s64 copy(struct net_iter *it, void *to, size_t n)
{
	memset(to, 'x', n);
	it->left -= n;
	return (s64)n;
}

static void send_one(struct net_sock *sk, const struct ip_addr *dst, u32 port, u32 size)
{
	struct net_iter it = {copy, size};
	struct dgram_msg m = {.iter = &it, .dst = dst, .dport = port, .ttl = -1, .tos = -1};

	(void)!udp_send(sk, &m);
}

static void packet_in(struct netif *nif, struct input *in)
{
	u8 b[256] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	bool v6 = byte(in) & 1;
	u32 size = 14 + (v6 ? 40 : 20), n = byte(in) % 100, sum = 0;
	struct pkt *p;

	put_be16(b + 12, v6 ? ETH_IPV6 : ETH_IPV4);
	bytes(in, b + size, n);
	if (v6) {
		b[14] = 0x60;
		put_be16(b + 18, n);
		b[20] = (u8)(u8[]){6, 17, 58, 0}[byte(in) % 4];
		b[21] = 64;
		b[22] = b[38] = 0xfd;
		b[37] = 2;
		b[53] = 1;
	} else {
		b[14] = 0x45;
		put_be16(b + 16, 20 + n);
		b[22] = 64;
		b[23] = (u8)(u8[]){6, 17, 1, 2}[byte(in) % 4];
		put_be32(b + 26, 0x0a000002);
		put_be32(b + 30, byte(in) & 7 ? 0x0a000001 : 0x0a0000ff);
		for (u32 i = 0; i < 20; i += 2)
			sum += get_be16(b + 14 + i);
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		put_be16(b + 24, ~sum);
	}
	p = pkt_from(nif->ns, b, size + n);
	REQUIRE(p);
	p->csum_valid = true;
	netif_receive(nif, p);
	netstack_run(nif->ns);
}

static int swallow(struct netif *nif, struct pkt *p)
{
	(void)nif;
	pkt_free(p);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct netif_ops ops = {.send = swallow};
	static struct table_build t;
	struct fuzz f = {.now = NSEC_PER_SEC, .seed = 1};
	struct net_env env = {&f, now, now, randomly, take, give, timer};
	struct netif_config config = {
	    .name = "eth0", .ops = &ops, .mtu = 1500, .ethernet = true, .hwaddr = {2, 0, 0, 0, 0, 1}};
	struct input in = {data, size};
	struct ip_addr four = ip_v4(0x0a000001), peer = ip_v4(0x0a000002), lo = ip_v4(0x7f000001),
		       six = {{0xfd, [15] = 1}}, peer6 = {{0xfd, [15] = 2}};
	struct net_sock *u4, *u6;
	struct netstack *ns;
	struct netif *nif;

	REQUIRE(netstack_new(&env, &ns) == 0 && netif_add(ns, &config, &nif) == 0 &&
		netif_set_up(ns->lo, true) == 0 && netif_set_up(nif, true) == 0 &&
		netif_addr_add(nif, four, 24, IFA_PERMANENT) == 0 &&
		netif_addr_add(nif, six, 64, IFA_PERMANENT | IFA_NODAD) == 0);
	REQUIRE(neigh_set(nif, &peer, (u8[]){2, 0, 0, 0, 0, 2}, NUD_PERMANENT) == 0 &&
		neigh_set(nif, &peer6, (u8[]){2, 0, 0, 0, 0, 2}, NUD_PERMANENT) == 0);
	REQUIRE(udp_new(ns, false, &u4) == 0 && udp_new(ns, true, &u6) == 0);
	REQUIRE(sock_bind(u4, &IP4_ANY, 53) == 0 && sock_bind(u6, &IP6_ANY, 54) == 0);
	u4->ep.uid = 1000;
	for (int tables = 0; tables < 2; tables++)
		(void)make_table(ns, &t, &in);
	make_filter(ns, u4, &in);
	for (int n = 0; n < 20 && in.left; n++) {
		u32 what = byte(&in);
		if (what % 8 == 0)
			send_one(u4, what & 8 ? &peer : &lo, byte(&in), what & 16 ? 4000 : 10);
		else if (what % 8 == 1)
			send_one(u6, what & 8 ? &peer6 : &IP6_LOOP, byte(&in), what & 16 ? 4000 : 10);
		else if (what % 8 == 2)
			f.now += NSEC_PER_SEC * byte(&in);
		else
			packet_in(nif, &in);
		netstack_run(ns);
	}
	dgram_close(u4);
	dgram_close(u6);
	netstack_free(ns);
	REQUIRE(f.blocks == 0);
	return 0;
}

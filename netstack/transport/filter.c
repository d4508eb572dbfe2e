/*
 * filter.c - the check of a classic BPF program for sockets, and the machine that runs it.
 *
 * The check is what makes the machine safe: jumps go forward and land inside, the last instruction returns,
 * scratch words are written before they are read on every path. So a program ends after as many steps as it
 * has instructions. Loads may name any offset: one beyond the packet ends the program with 0, the packet is
 * dropped.
 */
#include "netstack/transport/filter.h"

#include <errno.h>

#define MEM_WORDS 16U
#define AD_OFF    0xfffff000U /* SKF_AD_OFF, SKF_NET_OFF, SKF_LL_OFF: below 0 */
#define NET_OFF   0xfff00000U
#define LL_OFF    0xffe00000U

enum { /* classes and fields, as in bpf(4) */
       LD = 0x00,
       LDX = 0x01,
       ST = 0x02,
       STX = 0x03,
       ALU = 0x04,
       JMP = 0x05,
       RET = 0x06,
       MISC = 0x07,
       H = 0x08,
       B = 0x10,
       ABS = 0x20,
       IND = 0x40,
       MEM = 0x60,
       LEN = 0x80,
       MSH = 0xa0,
       SUB = 0x10,
       MUL = 0x20,
       DIV = 0x30,
       OR = 0x40,
       AND = 0x50,
       LSH = 0x60,
       RSH = 0x70,
       NEG = 0x80,
       MOD = 0x90,
       XOR = 0xa0,
       JEQ = 0x10,
       JGT = 0x20,
       JGE = 0x30,
       JSET = 0x40,
       X = 0x08,
       A = 0x10,
       TXA = 0x80
};
enum { /* what SKF_AD_OFF + n loads */
       AD_PROTOCOL = 0,
       AD_PKTTYPE = 4,
       AD_IFINDEX = 8,
       AD_HATYPE = 28,
       AD_XOR_X = 40,
       AD_PAY_OFFSET = 52,
       AD_RANDOM = 56,
       AD_MAX = 64
};

/* ---- the check ---- */

static bool load_ok(const struct net_insn *f)
{
	u32 size = f->code & 0x18;

	switch (f->code & 0xe0) {
	case ABS: /* what is not of the packet must be something that there is */
		return size != 0x18 && (f->k < AD_OFF || (f->k - AD_OFF < AD_MAX && f->k % 4 == 0));
	case IND:
		return size != 0x18;
	case MEM:
		return !size && f->k < MEM_WORDS;
	case LEN:
	case 0:
		return !size;
	default:
		return false;
	}
}

static bool alu_ok(const struct net_insn *f)
{
	u32 op = f->code & 0xf0;
	bool by_k = !(f->code & X);

	if (op > XOR || (op == NEG && !by_k))
		return false;
	if ((op == DIV || op == MOD) && by_k)
		return f->k;
	return (op != LSH && op != RSH) || !by_k || f->k < 32;
}

static bool jump_ok(const struct net_insn *f, u32 left)
{
	u32 op = f->code & 0xf0;

	if (op == 0)
		return !(f->code & X) && f->k < left;
	return op <= JSET && f->jt < left && f->jf < left;
}

static bool insn_ok(const struct net_insn *f, u32 left)
{
	if (f->code > 0xff)
		return false;
	switch (f->code & 7) {
	case LD:
		return load_ok(f);
	case LDX:
		return f->code == (LDX | B | MSH) || f->code == (LDX | LEN) || f->code == LDX ||
		       (f->code == (LDX | MEM) && f->k < MEM_WORDS);
	case ST:
	case STX:
		return f->code <= STX && f->k < MEM_WORDS;
	case ALU:
		return alu_ok(f);
	case JMP:
		return jump_ok(f, left);
	case RET:
		return f->code == RET || f->code == (RET | A);
	default:
		return f->code == MISC || f->code == (MISC | TXA);
	}
}

/* known[pc]: scratch words that are written on every path to pc. Jumps go forward only, so one pass does. */
static bool scratch_ok(const struct net_insn *f, u32 len, u16 *known)
{
	u16 now = 0;

	memset(known, 0xff, len * sizeof(*known));
	for (u32 pc = 0; pc < len; pc++) {
		u16 bit = (u16)(1U << (f[pc].k & (MEM_WORDS - 1)));
		now &= known[pc];
		if (f[pc].code == ST || f[pc].code == STX) {
			now |= bit;
		} else if (f[pc].code == (LD | MEM) || f[pc].code == (LDX | MEM)) {
			if (!(now & bit))
				return false;
		} else if (f[pc].code == JMP) {
			known[pc + 1 + f[pc].k] &= now;
			now = 0xffff;
		} else if ((f[pc].code & 7) == JMP) {
			known[pc + 1 + f[pc].jt] &= now;
			known[pc + 1 + f[pc].jf] &= now;
			now = 0xffff;
		}
	}
	return true;
}

int net_filter_new(struct netstack *ns, const struct net_insn *insn, u32 len, struct net_filter **out)
{
	struct net_filter *f;
	u16 *known;
	bool ok = len && len <= NET_FILTER_MAX && (insn[len - 1].code & 7) == RET;

	for (u32 pc = 0; ok && pc < len; pc++)
		ok = insn_ok(&insn[pc], len - pc - 1);
	if (!ok)
		return -EINVAL;
	known = net_alloc(ns, len * sizeof(*known), "filter check");
	f = known ? net_alloc(ns, sizeof(*f) + len * sizeof(*insn), "struct net_filter") : NULL;
	ok = f && scratch_ok(insn, len, known);
	net_free(ns, known);
	if (!ok) {
		net_free(ns, f);
		return f ? -EINVAL : -ENOMEM;
	}
	f->ns = ns;
	f->refs = 1;
	f->len = len;
	memcpy(f->insn, insn, len * sizeof(*insn));
	*out = f;
	return 0;
}

/* ---- the machine ---- */

/* Where the payload begins, counted from `start` (SKF_AD_PAY_OFFSET). */
static u32 pay_offset(const struct net_filter_view *v)
{
	u8 b[40], t[14];
	const u8 *h = pkt_header(v->p, v->net, 20, b), *l4;
	u32 at, proto;

	if (!h || (h[0] >> 4 != 4 && h[0] >> 4 != 6))
		return 0;
	at = v->net + (h[0] >> 4 == 6 ? 40U : (h[0] & 0xf) * 4U);
	proto = h[0] >> 4 == 6 ? h[6] : h[9];
	l4 = pkt_header(v->p, at, 14, t);
	if (proto == PROTO_TCP && l4)
		at += (l4[12] >> 4) * 4U;
	else if (proto == PROTO_UDP || proto == PROTO_ICMP || proto == PROTO_ICMPV6)
		at += 8;
	return at > v->start ? at - v->start : 0;
}

static u32 ancillary(const struct net_filter *f, const struct net_filter_view *v, u32 which, u32 a, u32 x)
{
	switch (which) {
	case AD_PROTOCOL:
		return v->p->eth_type;
	case AD_PKTTYPE:
		return v->pkttype;
	case AD_IFINDEX:
		return v->nif ? v->nif->index : 0;
	case AD_HATYPE:
		return v->nif && !v->nif->ethernet ? 772 : 1;
	case AD_XOR_X:
		return a ^ x;
	case AD_PAY_OFFSET:
		return pay_offset(v);
	case AD_RANDOM:
		return net_random(f->ns);
	default: /* marks, queues, VLANs, hashes: there are none */
		return 0;
	}
}

static bool load(const struct net_filter_view *v, u32 off, u32 size, u32 *out)
{
	u64 at = off >= NET_OFF  ? (u64)v->net + (off - NET_OFF)
		 : off >= LL_OFF ? (u64)off - LL_OFF
				 : (u64)v->start + off;
	u8 b[4];
	const u8 *p = at < v->p->size ? pkt_header(v->p, (u32)at, size, b) : NULL;

	if (!p)
		return false;
	*out = size == 4 ? get_be32(p) : size == 2 ? get_be16(p) : *p;
	return true;
}

static u32 alu(u16 code, u32 a, u32 b)
{
	switch (code & 0xf0) {
	case SUB:
		return a - b;
	case MUL:
		return a * b;
	case DIV:
		return a / b;
	case OR:
		return a | b;
	case AND:
		return a & b;
	case LSH:
		return a << (b & 31);
	case RSH:
		return a >> (b & 31);
	case NEG:
		return -a;
	case MOD:
		return a % b;
	case XOR:
		return a ^ b;
	default:
		return a + b;
	}
}

static bool branch(u16 code, u32 a, u32 b)
{
	switch (code & 0xf0) {
	case JEQ:
		return a == b;
	case JGT:
		return a > b;
	case JGE:
		return a >= b;
	default:
		return a & b;
	}
}

struct machine {
	const struct net_filter *f;
	const struct net_filter_view *v;
	u32 a, x, len, mem[MEM_WORDS];
};

/* False: beyond the packet. */
static bool load_a(struct machine *m, const struct net_insn *i)
{
	u32 size = i->code & H ? 2 : i->code & B ? 1 : 4;

	switch (i->code & 0xe0) {
	case ABS:
		if (i->k < AD_OFF)
			return load(m->v, i->k, size, &m->a);
		m->a = ancillary(m->f, m->v, i->k - AD_OFF, m->a, m->x);
		return true;
	case IND:
		return load(m->v, m->x + i->k, size, &m->a);
	case MEM:
		m->a = m->mem[i->k];
		return true;
	case LEN:
		m->a = m->len;
		return true;
	default:
		m->a = i->k;
		return true;
	}
}

static bool load_x(struct machine *m, const struct net_insn *i)
{
	switch (i->code & 0xe0) {
	case MSH: /* four times the low half of a byte: an IPv4 header's size */
		if (!load(m->v, i->k, 1, &m->x))
			return false;
		m->x = (m->x & 0xf) * 4;
		return true;
	case MEM:
		m->x = m->mem[i->k];
		return true;
	case LEN:
		m->x = m->len;
		return true;
	default:
		m->x = i->k;
		return true;
	}
}

u32 net_filter_run(const struct net_filter *f, const struct net_filter_view *v)
{
	struct machine m = {.f = f, .v = v, .len = v->p->size - v->start};

	for (const struct net_insn *i = f->insn;; i++) {
		u32 operand = i->code & X ? m.x : i->k;
		switch (i->code & 7) {
		case LD:
			if (!load_a(&m, i))
				return 0;
			break;
		case LDX:
			if (!load_x(&m, i))
				return 0;
			break;
		case ST:
			m.mem[i->k] = m.a;
			break;
		case STX:
			m.mem[i->k] = m.x;
			break;
		case ALU:
			if (((i->code & 0xf0) == DIV || (i->code & 0xf0) == MOD) && !operand)
				return 0;
			m.a = alu(i->code, m.a, operand);
			break;
		case JMP:
			if (i->code == JMP)
				i += i->k;
			else
				i += branch(i->code, m.a, operand) ? i->jt : i->jf;
			break;
		case RET:
			return i->code & A ? m.a : i->k;
		default:
			if (i->code & TXA)
				m.a = m.x;
			else
				m.x = m.a;
		}
	}
}

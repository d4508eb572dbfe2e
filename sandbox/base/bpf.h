/*
 * bpf.h - classic BPF: the check of a program, and the machine that runs it. Socket filters
 * (netstack/transport/filter.c) and seccomp filters (kernel/seccomp_bpf.c) are both this, and differ in what
 * they may load.
 *
 * The check is what makes the machine safe: jumps go forward and land inside, the last instruction returns,
 * scratch words are written before they are read on every path. So a program ends after at most as many steps
 * as it has instructions, and touches nothing but its registers and what `load` gives it.
 */
#ifndef WARREN_BASE_BPF_H
#define WARREN_BASE_BPF_H

#include <assert.h>
#include <string.h>

#include "sandbox/base/types.h"

#define BPF_MEM_WORDS 16U

struct bpf_insn { /* struct sock_filter */
	u16 code;
	u8 jt, jf;
	u32 k;
};
static_assert(sizeof(struct bpf_insn) == 8, "struct sock_filter");

#ifndef BPF_LD /* <linux/filter.h> has them all */
enum {         /* classes and fields, as in bpf(4) */
       BPF_LD = 0x00,
       BPF_LDX = 0x01,
       BPF_ST = 0x02,
       BPF_STX = 0x03,
       BPF_ALU = 0x04,
       BPF_JMP = 0x05,
       BPF_RET = 0x06,
       BPF_MISC = 0x07,
       BPF_H = 0x08,
       BPF_B = 0x10,
       BPF_ABS = 0x20,
       BPF_IND = 0x40,
       BPF_MEM = 0x60,
       BPF_LEN = 0x80,
       BPF_MSH = 0xa0,
       BPF_SUB = 0x10,
       BPF_MUL = 0x20,
       BPF_DIV = 0x30,
       BPF_OR = 0x40,
       BPF_AND = 0x50,
       BPF_LSH = 0x60,
       BPF_RSH = 0x70,
       BPF_NEG = 0x80,
       BPF_MOD = 0x90,
       BPF_XOR = 0xa0,
       BPF_JEQ = 0x10,
       BPF_JGT = 0x20,
       BPF_JGE = 0x30,
       BPF_JSET = 0x40,
       BPF_X = 0x08,
       BPF_A = 0x10,
       BPF_TXA = 0x80
};
#endif

/* ---- the check ---- */

static inline bool bpf_load_ok(const struct bpf_insn *f)
{
	u32 size = f->code & 0x18;

	switch (f->code & 0xe0) {
	case BPF_ABS:
	case BPF_IND:
		return size != 0x18;
	case BPF_MEM:
		return !size && f->k < BPF_MEM_WORDS;
	case BPF_LEN:
	case 0:
		return !size;
	default:
		return false;
	}
}

static inline bool bpf_alu_ok(const struct bpf_insn *f)
{
	u32 op = f->code & 0xf0;
	bool by_k = !(f->code & BPF_X);

	if (op > BPF_XOR || (op == BPF_NEG && !by_k))
		return false;
	if ((op == BPF_DIV || op == BPF_MOD) && by_k)
		return f->k;
	return (op != BPF_LSH && op != BPF_RSH) || !by_k || f->k < 32;
}

static inline bool bpf_jump_ok(const struct bpf_insn *f, u32 left)
{
	u32 op = f->code & 0xf0;

	if (op == 0)
		return !(f->code & BPF_X) && f->k < left;
	return op <= BPF_JSET && f->jt < left && f->jf < left;
}

static inline bool bpf_insn_ok(const struct bpf_insn *f, u32 left)
{
	if (f->code > 0xff)
		return false;
	switch (f->code & 7) {
	case BPF_LD:
		return bpf_load_ok(f);
	case BPF_LDX:
		return f->code == (BPF_LDX | BPF_B | BPF_MSH) || f->code == (BPF_LDX | BPF_LEN) ||
		       f->code == BPF_LDX || (f->code == (BPF_LDX | BPF_MEM) && f->k < BPF_MEM_WORDS);
	case BPF_ST:
	case BPF_STX:
		return f->code <= BPF_STX && f->k < BPF_MEM_WORDS;
	case BPF_ALU:
		return bpf_alu_ok(f);
	case BPF_JMP:
		return bpf_jump_ok(f, left);
	case BPF_RET:
		return f->code == BPF_RET || f->code == (BPF_RET | BPF_A);
	default:
		return f->code == BPF_MISC || f->code == (BPF_MISC | BPF_TXA);
	}
}

/* known[pc]: scratch words that are written on every path to pc. Jumps go forward only, so one pass does. */
static inline bool bpf_scratch_ok(const struct bpf_insn *f, u32 len, u16 *known)
{
	u16 now = 0;

	memset(known, 0xff, len * sizeof(*known));
	for (u32 pc = 0; pc < len; pc++) {
		u16 bit = (u16)(1U << (f[pc].k & (BPF_MEM_WORDS - 1)));
		now &= known[pc];
		if (f[pc].code == BPF_ST || f[pc].code == BPF_STX) {
			now |= bit;
		} else if (f[pc].code == (BPF_LD | BPF_MEM) || f[pc].code == (BPF_LDX | BPF_MEM)) {
			if (!(now & bit))
				return false;
		} else if (f[pc].code == BPF_JMP) {
			known[pc + 1 + f[pc].k] &= now;
			now = 0xffff;
		} else if ((f[pc].code & 7) == BPF_JMP) {
			known[pc + 1 + f[pc].jt] &= now;
			known[pc + 1 + f[pc].jf] &= now;
			now = 0xffff;
		}
	}
	return true;
}

/* All but the scratch words; `allowed` says of one instruction that is right whether it may be used here. */
static inline bool bpf_code_ok(const struct bpf_insn *f, u32 len, u32 most,
			       bool (*allowed)(const struct bpf_insn *f))
{
	if (!len || len > most)
		return false;
	for (u32 pc = 0; pc < len; pc++)
		if (!bpf_insn_ok(&f[pc], len - pc - 1) || !allowed(&f[pc]))
			return false;
	return (f[len - 1].code & 7) == BPF_RET;
}

/* ---- the machine ---- */

struct bpf_machine {
	u32 a, x, len, mem[BPF_MEM_WORDS];
	/* What an ABS (at i->k) or IND load (at x + i->k), or MSH finds; false: nothing, the program says 0.
	 */
	bool (*load)(const struct bpf_machine *m, const struct bpf_insn *i, u32 size, u32 *out);
};

static inline u32 bpf_alu(u16 code, u32 a, u32 b)
{
	switch (code & 0xf0) {
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	case BPF_NEG:
		return -a;
	case BPF_MOD:
		return a % b;
	case BPF_XOR:
		return a ^ b;
	default:
		return a + b;
	}
}

static inline bool bpf_branch(u16 code, u32 a, u32 b)
{
	switch (code & 0xf0) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return a & b;
	}
}

static inline bool bpf_load(struct bpf_machine *m, const struct bpf_insn *i, u32 *to)
{
	switch (i->code & 0xe0) {
	case BPF_ABS:
	case BPF_IND:
		return m->load(m, i, i->code & BPF_H ? 2 : i->code & BPF_B ? 1 : 4, to);
	case BPF_MSH: /* four times the low half of a byte: an IPv4 header's size */
		if (!m->load(m, i, 1, to))
			return false;
		*to = (*to & 0xf) * 4;
		return true;
	case BPF_MEM:
		*to = m->mem[i->k];
		return true;
	case BPF_LEN:
		*to = m->len;
		return true;
	default:
		*to = i->k;
		return true;
	}
}

/* Runs a program that was checked. The machine's len and load are set, its registers 0. */
static inline u32 bpf_run(struct bpf_machine *m, const struct bpf_insn *i)
{
	for (;; i++) {
		u32 operand = i->code & BPF_X ? m->x : i->k;
		switch (i->code & 7) {
		case BPF_LD:
			if (!bpf_load(m, i, &m->a))
				return 0;
			break;
		case BPF_LDX:
			if (!bpf_load(m, i, &m->x))
				return 0;
			break;
		case BPF_ST:
			m->mem[i->k] = m->a;
			break;
		case BPF_STX:
			m->mem[i->k] = m->x;
			break;
		case BPF_ALU:
			if (((i->code & 0xf0) == BPF_DIV || (i->code & 0xf0) == BPF_MOD) && !operand)
				return 0;
			m->a = bpf_alu(i->code, m->a, operand);
			break;
		case BPF_JMP:
			if (i->code == BPF_JMP)
				i += i->k;
			else
				i += bpf_branch(i->code, m->a, operand) ? i->jt : i->jf;
			break;
		case BPF_RET:
			return i->code & BPF_A ? m->a : i->k;
		default:
			if (i->code & BPF_TXA)
				m->a = m->x;
			else
				m->x = m->a;
		}
	}
}

#endif

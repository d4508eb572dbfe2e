/*
 * seccomp_bpf.c - classic BPF as seccomp(2) accepts it: the check of a program, and the machine that runs it.
 *
 * The check is what makes the machine safe: every jump goes forward and lands inside, the last instruction
 * returns, scratch words are written before they are read on every path, and loads are aligned words of
 * struct seccomp_data. So a program of n instructions ends after at most n steps and touches nothing else.
 */
#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/kernel/seccomp.h"

#define MEM_WORDS 16

enum { /* instruction classes and fields, as in bpf(4) */
       LD = 0x00,
       LDX = 0x01,
       ST = 0x02,
       STX = 0x03,
       ALU = 0x04,
       JMP = 0x05,
       RET = 0x06,
       MISC = 0x07,
       W = 0x00,
       IMM = 0x00,
       ABS = 0x20,
       MEM = 0x60,
       LEN = 0x80,
       ADD = 0x00,
       SUB = 0x10,
       MUL = 0x20,
       DIV = 0x30,
       OR = 0x40,
       AND = 0x50,
       LSH = 0x60,
       RSH = 0x70,
       NEG = 0x80,
       XOR = 0xa0,
       JA = 0x00,
       JEQ = 0x10,
       JGT = 0x20,
       JGE = 0x30,
       JSET = 0x40,
       K = 0x00,
       X = 0x08,
       A = 0x10,
       TAX = 0x00,
       TXA = 0x80
};

static bool is_branch(u16 code)
{
	return (code & 7) == JMP && code != (JMP | JA);
}

static int check_one(const struct linux_sock_filter *f, u32 len, u32 pc)
{
	u32 left = len - pc - 1, k = f[pc].k;

	switch (f[pc].code) {
	case LD | W | ABS:
		return k >= sizeof(struct linux_seccomp_data) || (k & 3) ? -EINVAL : 0;
	case ALU | DIV | K:
		return k ? 0 : -EINVAL;
	case ALU | LSH | K:
	case ALU | RSH | K:
		return k < 32 ? 0 : -EINVAL;
	case LD | MEM:
	case LDX | MEM:
	case ST:
	case STX:
		return k < MEM_WORDS ? 0 : -EINVAL;
	case JMP | JA:
		return k < left ? 0 : -EINVAL;
	case JMP | JEQ | K:
	case JMP | JEQ | X:
	case JMP | JGE | K:
	case JMP | JGE | X:
	case JMP | JGT | K:
	case JMP | JGT | X:
	case JMP | JSET | K:
	case JMP | JSET | X:
		return f[pc].jt < left && f[pc].jf < left ? 0 : -EINVAL;
	case LD | W | LEN:
	case LDX | W | LEN:
	case LD | IMM:
	case LDX | IMM:
	case MISC | TAX:
	case MISC | TXA:
	case RET | K:
	case RET | A:
	case ALU | NEG:
	case ALU | ADD | K:
	case ALU | ADD | X:
	case ALU | SUB | K:
	case ALU | SUB | X:
	case ALU | MUL | K:
	case ALU | MUL | X:
	case ALU | DIV | X:
	case ALU | AND | K:
	case ALU | AND | X:
	case ALU | OR | K:
	case ALU | OR | X:
	case ALU | XOR | K:
	case ALU | XOR | X:
	case ALU | LSH | X:
	case ALU | RSH | X:
		return 0;
	default:
		return -EINVAL;
	}
}

/* known[pc]: scratch words that are written on every path to pc. Jumps go forward only, so one pass does. */
static int check_scratch(const struct linux_sock_filter *f, u32 len, u16 *known)
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
				return -EINVAL;
		} else if (f[pc].code == (JMP | JA)) {
			known[pc + 1 + f[pc].k] &= now;
			now = 0xffff;
		} else if (is_branch(f[pc].code)) {
			known[pc + 1 + f[pc].jt] &= now;
			known[pc + 1 + f[pc].jf] &= now;
			now = 0xffff;
		}
	}
	return 0;
}

int seccomp_bpf_check(const struct linux_sock_filter *f, u32 len)
{
	u16 *known;
	int err = 0;

	if (!len || len > SECCOMP_INSNS_MAX)
		return -EINVAL;
	for (u32 pc = 0; pc < len; pc++)
		if (check_one(f, len, pc))
			return -EINVAL;
	if ((f[len - 1].code & 7) != RET)
		return -EINVAL;
	known = knew_array(u16, len);
	if (!known)
		return -ENOMEM;
	err = check_scratch(f, len, known);
	kfree(known);
	return err;
}

static u32 alu(u16 code, u32 a, u32 b)
{
	switch (code & 0xf0) {
	case ADD:
		return a + b;
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
	case XOR:
		return a ^ b;
	default: /* NEG */
		return -a;
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
	default: /* JSET */
		return a & b;
	}
}

u32 seccomp_bpf_run(const struct linux_sock_filter *f, const struct linux_seccomp_data *d)
{
	u32 a = 0, x = 0, mem[MEM_WORDS] = {0};

	for (;; f++) {
		u32 operand = f->code & X ? x : f->k;
		switch (f->code & 7) {
		case LD:
			switch (f->code & 0xe0) {
			case ABS:
				memcpy(&a, (const char *)d + f->k, sizeof(a));
				break;
			case LEN:
				a = sizeof(*d);
				break;
			case MEM:
				a = mem[f->k];
				break;
			default:
				a = f->k;
			}
			break;
		case LDX:
			x = (f->code & 0xe0) == LEN ? sizeof(*d) : (f->code & 0xe0) == MEM ? mem[f->k] : f->k;
			break;
		case ST:
			mem[f->k] = a;
			break;
		case STX:
			mem[f->k] = x;
			break;
		case ALU:
			if ((f->code & 0xf0) == DIV && !operand)
				return 0;
			a = alu(f->code, a, operand);
			break;
		case JMP:
			if (f->code == (JMP | JA))
				f += f->k;
			else
				f += branch(f->code, a, operand) ? f->jt : f->jf;
			break;
		case RET:
			return f->code & A ? a : f->k;
		default:
			if (f->code == (MISC | TAX))
				x = a;
			else
				a = x;
		}
	}
}

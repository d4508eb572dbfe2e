/*
 * trampoline.c - the bytes of patched call sites and of their trampolines. See trampoline.h.
 */
#include <errno.h>
#include <string.h>

#include "sandbox/platform/stub_abi.h"
#include "sandbox/platform/trampoline.h"

#define MOV_SIZE    5 /* b8 imm32 */
#define LEA_SIZE    7 /* 48 8d 0d rel32: lea rel(%rip),%rcx */
#define JMP_M_SIZE  6 /* ff 25 rel32: jmp *rel(%rip) */
#define CMP_SIZE    6 /* 48 3d imm32: cmp $imm,%rax */
#define SYSCALL_LEN 2

enum site_shape site_classify(const u8 *code, u64 nr)
{
	const u8 *at = code + SITE_BEFORE;
	u8 prefix = code[SITE_BEFORE - MOV_SIZE - 1];
	u32 imm;

	if (at[0] != 0x0f || at[1] != 0x05)
		return SITE_NONE;
	memcpy(&imm, at - 4, sizeof(imm));
	/* a REX prefix would make it a mov to r8d, or to another register's whole; 66 a shorter one */
	if (at[-MOV_SIZE] == 0xb8 && imm == nr && (prefix & 0xf0) != 0x40 && prefix != 0x66)
		return SITE_MOV;
	if (at[2] == 0x48 && at[3] == 0x3d && (at[4] == 0x00 || at[4] == 0x01) && at[5] == 0xf0 &&
	    at[6] == 0xff && at[7] == 0xff)
		return SITE_CMP;
	return SITE_NONE;
}

s64 site_patch_offset(enum site_shape shape)
{
	return shape == SITE_MOV ? -MOV_SIZE : 0;
}

/* A displacement from the end of an instruction. */
static int displacement(u8 *out, u64 end, u64 to)
{
	s64 d = (s64)(to - end);
	s32 d32 = (s32)d;

	if (d != d32)
		return -ERANGE;
	memcpy(out, &d32, sizeof(d32));
	return 0;
}

int site_jump(u8 jump[SITE_JUMP_SIZE], u64 from, u64 to)
{
	jump[0] = 0xe9;
	return displacement(jump + 1, from + SITE_JUMP_SIZE, to);
}

/* mov $nr,%eax; lea behind(%rip),%rcx; jmp *entry(%rip) */
static int make_mov(u8 *out, const u8 *code, u64 at, u64 site, u64 entry)
{
	u8 *p = out;
	int err;

	memcpy(p, code + SITE_BEFORE - MOV_SIZE, MOV_SIZE);
	p += MOV_SIZE;
	memcpy(p, "\x48\x8d\x0d", 3);
	err = displacement(p + 3, at + (u64)(p - out) + LEA_SIZE, site + SYSCALL_LEN);
	p += LEA_SIZE;
	memcpy(p, "\xff\x25", 2);
	return err ? err : displacement(p + 2, at + (u64)(p - out) + JMP_M_SIZE, entry);
}

/* lea 1f(%rip),%rcx; jmp *entry(%rip); syscall; 1: cmp; jmp behind the site's cmp */
static int make_cmp(u8 *out, const u8 *code, u64 at, u64 site, u64 entry)
{
	u8 *p = out;
	int err;

	memcpy(p, "\x48\x8d\x0d", 3);
	err = displacement(p + 3, at + LEA_SIZE, trampoline_resume(at));
	p += LEA_SIZE;
	memcpy(p, "\xff\x25", 2);
	if (!err)
		err = displacement(p + 2, at + (u64)(p - out) + JMP_M_SIZE, entry);
	p += JMP_M_SIZE;
	memcpy(p, "\x0f\x05", SYSCALL_LEN);
	p += SYSCALL_LEN;
	memcpy(p, code + SITE_BEFORE + SYSCALL_LEN, CMP_SIZE);
	p += CMP_SIZE;
	return err ? err : site_jump(p, at + (u64)(p - out), site + SYSCALL_LEN + CMP_SIZE);
}

static_assert(LEA_SIZE + JMP_M_SIZE + SYSCALL_LEN + CMP_SIZE + SITE_JUMP_SIZE <= TRAMPOLINE_SIZE, "it fits");

int trampoline_make(u8 out[TRAMPOLINE_SIZE], enum site_shape shape, const u8 *code, u64 at, u64 site,
		    u64 entry)
{
	memset(out, 0xcc, TRAMPOLINE_SIZE);
	switch (shape) {
	case SITE_MOV:
		return make_mov(out, code, at, site, entry);
	case SITE_CMP:
		return make_cmp(out, code, at, site, entry);
	default:
		return -EINVAL;
	}
}

u64 trampoline_resume(u64 at)
{
	return at + LEA_SIZE + JMP_M_SIZE + SYSCALL_LEN;
}

u64 trampoline_entry_value(void)
{
	return STUB_FAST_ENTRY;
}

bool text_has_jump_to(const u8 *text, u64 size, u64 low, u64 high)
{
	u64 from = low > 130 ? low - 130 : 0;

	for (u64 i = from; i + 2 <= size && i < high + 130; i++) /* jmp, jcc, loop, jrcxz: rel8 */
		if (text[i] == 0xeb || (text[i] & 0xf0) == 0x70 || (text[i] & 0xfc) == 0xe0) {
			u64 to = i + 2 + (u64)(s64)(s8)text[i + 1];
			if (to >= low && to < high)
				return true;
		}
	for (u64 i = 0; i + 5 <= size; i++) { /* the displacement of jmp, call and jcc: rel32 */
		s32 d;
		if ((text[i] & 0xfe) != 0xe8 && (text[i] & 0xf0) != 0x80)
			continue;
		memcpy(&d, text + i + 1, sizeof(d));
		if (i + 5 + (u64)(s64)d - low < high - low)
			return true;
	}
	return false;
}

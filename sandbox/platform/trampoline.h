/*
 * trampoline.h - how a system-call site in guest code is rewritten so that it reaches the stub by a jump
 * instead of a trap, and the trampoline that it jumps to. Pure functions over bytes: what is patched, and
 * when, is decided in mm/callsite.c.
 *
 * Two shapes of sites are rewritten:
 *
 *   SITE_MOV   mov $nr,%eax ; syscall          the five bytes of the mov become a jump. The syscall
 * instruction stays: who jumps to it still makes the call, and the stub uses it for calls that need a full
 * frame. SITE_CMP   syscall ; cmp $-4095..,%rax     the syscall and three bytes of the cmp become a jump;
 * trampolines have a syscall instruction and the cmp of their own. A thread that waits in this very call
 * would come back into the middle of the jump: callsite.c moves it to the trampoline's cmp.
 *
 * All displacements are relative and the stub's entry is the same in every stub, so text and trampolines can
 * be shared by all processes that map both at the same distance.
 */
#ifndef WARREN_PLATFORM_TRAMPOLINE_H
#define WARREN_PLATFORM_TRAMPOLINE_H

#include "sandbox/base/types.h"

enum site_shape { SITE_NONE, SITE_MOV, SITE_CMP };

#define SITE_BEFORE     6 /* bytes that site_classify looks at before the syscall instruction, */
#define SITE_AFTER      8 /* and from it on */
#define SITE_JUMP_SIZE  5
#define TRAMPOLINE_SIZE 32
#define TRAMPOLINE_ENTRY                                                                                     \
	0 /* offset in the region of the stub's entry address; trampolines follow in steps                   \
	   */

/* code[SITE_BEFORE] is the first byte of the syscall instruction; nr is the number the call was made with. */
enum site_shape site_classify(const u8 *code, u64 nr);
/* Where the jump is written: relative to the syscall instruction. */
s64 site_patch_offset(enum site_shape shape);
/* The jump from `from` to `to`. -ERANGE if it does not reach. */
int site_jump(u8 jump[SITE_JUMP_SIZE], u64 from, u64 to) must_check;
/* The trampoline at address `at` for the site whose syscall instruction is at `site` with bytes `code` as
 * above; `entry` is the address of the region's entry pointer. -ERANGE. */
int trampoline_make(u8 out[TRAMPOLINE_SIZE], enum site_shape shape, const u8 *code, u64 at, u64 site,
		    u64 entry) must_check;
/* SITE_CMP: where a thread goes on that waits behind the original syscall instruction. */
u64 trampoline_resume(u64 at);
/* What the region's entry pointer holds. */
u64 trampoline_entry_value(void);
/* Does a direct jump within text[0..size) lead to [low, high)? (Offsets; by looking at every byte: it may say
 * yes where there is none.) */
bool text_has_jump_to(const u8 *text, u64 size, u64 low, u64 high);

#endif

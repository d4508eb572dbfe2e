/*
 * frame.c - the registers and vector state of a trapped guest thread.
 *
 * They are where the host kernel put them: in the signal frame on the slot's signal stack. The thread goes on
 * by rt_sigreturn(2) from that frame, so changing it changes the thread, and copying it makes another. The
 * guest can write slots: the frame's offset is checked once per trap and kept privately, everything in it is
 * only ever copied.
 *
 * The frame of a patched call (ut->fast) is none: it has the general registers that a system call may change,
 * all other state is still in the CPU. Whoever needs the whole asks for it first by uthread_full_frame().
 */
#include <errno.h>

#include "sandbox/abi/signal.h"
#include "sandbox/platform/platform_priv.h"

#define FP_LEGACY_SIZE   512
#define FP_MAGIC1        0x46505853U
#define FP_MAGIC2        0x46505845U
#define FP_SW_OFFSET     464 /* struct _fpx_sw_bytes in the legacy area */
#define FP_AREA_MAX      (SLOT_ALT_TOP - SLOT_MADE_FP - 0x1000)
#define USER_CS          0x33
#define USER_SS          0x2b
#define EFLAGS_USER_MASK 0x254dd5UL /* CF PF AF ZF SF TF DF OF NT RF AC ID */
#define EFLAGS_FIXED     0x202UL

static struct linux_ucontext *frame_of(struct uthread *ut)
{
	return (struct linux_ucontext *)(void *)((char *)ut->slot + ut->frame);
}

bool frame_check(struct uthread *ut, u64 frame_address)
{
	u64 off = frame_address - slot_address(ut->index);

	ut->fast = off == SLOT_FAST_FRAME;
	if (ut->fast) {
		ut->frame = SLOT_FAST_FRAME;
		return true;
	}
	if (off < SLOT_ALT_LOW || off > SLOT_ALT_TOP - sizeof(struct linux_ucontext) || (off & 7))
		return false;
	ut->frame = (u32)off;
	return true;
}

static void frame_set_stack(struct uthread *ut, struct linux_ucontext *uc)
{
	uc->uc_stack.ss_sp = slot_address(ut->index) + SLOT_ALT_LOW;
	uc->uc_stack.ss_flags = 0;
	uc->uc_stack.ss_size = SLOT_ALT_TOP - SLOT_ALT_LOW;
}

/* A frame of our own with initial vector state, at the low end of the signal stack, where it stays until
 * used. */
void frame_make(struct uthread *ut, const struct uregs *regs)
{
	struct linux_ucontext *uc;

	ut->frame = SLOT_MADE_FRAME;
	ut->fast = false;
	uc = frame_of(ut);
	memset(uc, 0, sizeof(*uc));
	uc->uc_flags = LINUX_UC_SIGCONTEXT_SS | LINUX_UC_STRICT_RESTORE_SS;
	frame_set_stack(ut, uc);
	ut->slot->frame = slot_address(ut->index) + ut->frame;
	ut->regs_set = false;
	if (uthread_set_regs(ut, regs))
		panic("uthread_set_regs failed on a fresh frame");
}

void uthread_get_regs(struct uthread *ut, struct uregs *r)
{
	const struct linux_sigcontext *m = &frame_of(ut)->uc_mcontext;

	*r = (struct uregs){.r15 = m->r15,
			    .r14 = m->r14,
			    .r13 = m->r13,
			    .r12 = m->r12,
			    .rbp = m->rbp,
			    .rbx = m->rbx,
			    .r11 = m->r11,
			    .r10 = m->r10,
			    .r9 = m->r9,
			    .r8 = m->r8,
			    .rax = m->rax,
			    .rcx = m->rcx,
			    .rdx = m->rdx,
			    .rsi = m->rsi,
			    .rdi = m->rdi,
			    .rip = m->rip,
			    .eflags = m->eflags,
			    .rsp = m->rsp,
			    .cs = USER_CS,
			    .ss = USER_SS,
			    .fs_base = ut->slot->fs_base,
			    .gs_base = ut->slot->gs_base,
			    .orig_rax = ~0UL};
	if (ut->event == EVENT_SYSCALL || ut->event == EVENT_FOREIGN)
		r->orig_rax = ut->nr;
	if ((ut->out_flags & OUT_RESULT) && !ut->regs_set)
		r->rax = (u64)ut->result;
}

u64 uthread_rip(const struct uthread *ut)
{
	return ((const struct linux_ucontext *)(const void *)((const char *)ut->slot + ut->frame))
	    ->uc_mcontext.rip;
}

void uthread_move_rip(struct uthread *ut, u64 from, u64 to)
{
	struct linux_sigcontext *m = &frame_of(ut)->uc_mcontext;

	if (!ut->running && !ut->gone && m->rip == from)
		m->rip = to;
}

void uthread_set_orig_rax(struct uthread *ut, u64 nr)
{
	ut->event = nr == ~0UL ? EVENT_KICK : EVENT_SYSCALL;
	ut->nr = nr;
}

int uthread_set_regs(struct uthread *ut, const struct uregs *r)
{
	struct linux_sigcontext *m = &frame_of(ut)->uc_mcontext;

	if (ut->fast)
		panic("registers are set in a patched call's frame");
	m->r15 = r->r15;
	m->r14 = r->r14;
	m->r13 = r->r13;
	m->r12 = r->r12;
	m->rbp = r->rbp;
	m->rbx = r->rbx;
	m->r11 = r->r11;
	m->r10 = r->r10;
	m->r9 = r->r9;
	m->r8 = r->r8;
	m->rax = r->rax;
	m->rcx = r->rcx;
	m->rdx = r->rdx;
	m->rsi = r->rsi;
	m->rdi = r->rdi;
	m->rip = r->rip;
	m->rsp = r->rsp;
	m->eflags = (r->eflags & EFLAGS_USER_MASK) | EFLAGS_FIXED;
	m->cs = USER_CS;
	m->ss = USER_SS;
	m->fs = m->gs = 0;
	ut->slot->fs_base = r->fs_base;
	ut->slot->gs_base = r->gs_base;
	ut->regs_set = true;
	ut->out_flags = (ut->out_flags & ~(u32)OUT_RESULT) | OUT_BASES;
	return 0;
}

/* ---- vector state ---- */

/* Where the frame's vector state lies and how long it is; NULL if the frame has none (initial state). */
static char *fp_area(struct uthread *ut, u32 *size)
{
	u64 off = frame_of(ut)->uc_mcontext.fpstate - slot_address(ut->index);
	u32 sw[2];
	char *fp;

	*size = 0;
	if (off < SLOT_ALT_LOW || off > SLOT_ALT_TOP - FP_LEGACY_SIZE)
		return NULL;
	fp = (char *)ut->slot + off;
	memcpy(sw, fp + FP_SW_OFFSET, sizeof(sw));
	*size = FP_LEGACY_SIZE;
	if (sw[0] == FP_MAGIC1 && sw[1] >= FP_LEGACY_SIZE && sw[1] <= SLOT_ALT_TOP - off)
		*size = sw[1];
	return fp;
}

size_t uthread_fpstate_size(struct uthread *ut)
{
	u32 size;

	return fp_area(ut, &size) ? size : FP_LEGACY_SIZE;
}

void uthread_get_fpstate(struct uthread *ut, void *dst, size_t size)
{
	u32 have;
	char *fp = fp_area(ut, &have);

	memset(dst, 0, size);
	if (fp) {
		memcpy(dst, fp, have < size ? have : size);
	} else if (size >= FP_LEGACY_SIZE) {
		const u16 fcw = 0x37f;
		const u32 mxcsr = 0x1f80;
		memcpy(dst, &fcw, sizeof(fcw));
		memcpy((char *)dst + 24, &mxcsr, sizeof(mxcsr));
	}
}

int uthread_set_fpstate(struct uthread *ut, const void *src, size_t size)
{
	struct linux_ucontext *uc = frame_of(ut);
	u32 have, sw[2], magic2;
	char *fp = fp_area(ut, &have);

	if (size < FP_LEGACY_SIZE)
		return -EINVAL;
	memcpy(sw, (const char *)src + FP_SW_OFFSET, sizeof(sw));
	if (sw[0] == FP_MAGIC1) {
		if (sw[1] > size || sw[1] < FP_LEGACY_SIZE + 64 + 4)
			return -EINVAL;
		size = sw[1];
		memcpy(&magic2, (const char *)src + size - 4, 4);
		if (magic2 != FP_MAGIC2)
			return -EINVAL;
	} else {
		size = FP_LEGACY_SIZE;
	}
	if (!fp || have < size) { /* no room in the host's frame: continue from one of ours */
		u32 old = ut->frame;
		if (size > FP_AREA_MAX)
			return -EINVAL;
		if (old != SLOT_MADE_FRAME) {
			memmove((char *)ut->slot + SLOT_MADE_FRAME, uc, sizeof(*uc));
			ut->frame = SLOT_MADE_FRAME;
			ut->slot->frame = slot_address(ut->index) + SLOT_MADE_FRAME;
			uc = frame_of(ut);
			frame_set_stack(ut, uc);
		}
		fp = (char *)ut->slot + SLOT_MADE_FP;
		uc->uc_mcontext.fpstate = slot_address(ut->index) + SLOT_MADE_FP;
	}
	memcpy(fp, src, size);
	if (sw[0] == FP_MAGIC1)
		uc->uc_flags |= LINUX_UC_FP_XSTATE;
	else
		uc->uc_flags &= ~(u64)LINUX_UC_FP_XSTATE;
	return 0;
}

void uthread_reset_fpstate(struct uthread *ut)
{
	frame_of(ut)->uc_mcontext.fpstate = 0; /* the host gives initial state to a frame without */
}

/* The same registers and vector state for another slot: pointers into the slot move with it. */
void frame_copy(struct uthread *from, struct uthread *to)
{
	u64 delta = slot_address(to->index) - slot_address(from->index);
	u32 end = from->frame == SLOT_MADE_FRAME ? SLOT_MADE_FP + FP_AREA_MAX : SLOT_ALT_TOP;
	u32 size = 0;
	struct linux_ucontext *uc;

	if (from->fast)
		panic("a patched call's frame is copied");
	if (from->frame == SLOT_MADE_FRAME) { /* usually without vector state: copy only what there is */
		end = SLOT_MADE_FRAME + sizeof(struct linux_ucontext);
		if (fp_area(from, &size))
			end = SLOT_MADE_FP + size;
	}
	memcpy((char *)to->slot + from->frame, (char *)from->slot + from->frame, end - from->frame);
	to->frame = from->frame;
	uc = frame_of(to);
	frame_set_stack(to, uc);
	if (uc->uc_mcontext.fpstate)
		uc->uc_mcontext.fpstate += delta;
	to->slot->frame = slot_address(to->index) + to->frame;
	to->slot->fs_base = from->slot->fs_base;
	to->slot->gs_base = from->slot->gs_base;
	to->out_flags |= OUT_BASES;
}

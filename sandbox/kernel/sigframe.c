/*
 * sigframe.c - the frame of a signal handler on the guest's stack, laid out as Linux does on x86-64, and its
 * way back by rt_sigreturn(2).
 *
 * From high to low addresses: vector state (64-byte aligned), siginfo, ucontext, return address. The vector
 * state is the host's own frame format, magic words included, so guests that parse it find what they expect.
 */
#include <errno.h>

#include "sandbox/abi/mman.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/callsite.h"
#include "sandbox/mm/mm.h"

#define RED_ZONE     128
#define FP_MAX       16384
#define FP_LEGACY    512
#define FP_SW_OFFSET 464         /* struct _fpx_sw_bytes */
#define FP_MAGIC     0x46505853U /* extended state follows, of the size behind it */

static bool on_altstack(const struct task *t, u64 sp)
{
	return !(t->altstack.flags & LINUX_SS_DISABLE) && sp > t->altstack.sp &&
	       sp - t->altstack.sp <= t->altstack.size;
}

static u64 frame_top(const struct task *t, const struct sigaction_k *act, u64 sp)
{
	if ((act->flags & LINUX_SA_ONSTACK) && !(t->altstack.flags & LINUX_SS_DISABLE) && !on_altstack(t, sp))
		return t->altstack.sp + t->altstack.size;
	return sp - RED_ZONE;
}

static void fill_context(struct task *t, struct linux_rt_sigframe *f, const struct uregs *r, u64 fp,
			 sigset64 saved)
{
	struct linux_sigcontext *m = &f->uc.uc_mcontext;

	*m = (struct linux_sigcontext){.r8 = r->r8,
				       .r9 = r->r9,
				       .r10 = r->r10,
				       .r11 = r->r11,
				       .r12 = r->r12,
				       .r13 = r->r13,
				       .r14 = r->r14,
				       .r15 = r->r15,
				       .rdi = r->rdi,
				       .rsi = r->rsi,
				       .rbp = r->rbp,
				       .rbx = r->rbx,
				       .rdx = r->rdx,
				       .rax = r->rax,
				       .rcx = r->rcx,
				       .rsp = r->rsp,
				       .rip = r->rip,
				       .eflags = r->eflags,
				       .cs = 0x33,
				       .ss = 0x2b,
				       .oldmask = saved,
				       .fpstate = fp};
	if (t->trap.kind == TRAP_FAULT) {
		m->err = t->trap.error_code;
		m->trapno = t->trap.trapno;
		m->cr2 = t->trap.addr;
	}
	f->uc.uc_flags = LINUX_UC_FP_XSTATE | LINUX_UC_SIGCONTEXT_SS | LINUX_UC_STRICT_RESTORE_SS;
	f->uc.uc_sigmask = saved;
	f->uc.uc_stack.ss_sp = t->altstack.sp;
	f->uc.uc_stack.ss_size = t->altstack.size;
	f->uc.uc_stack.ss_flags = t->altstack.flags;
	if (!(t->altstack.flags & LINUX_SS_DISABLE) && on_altstack(t, r->rsp))
		f->uc.uc_stack.ss_flags |= LINUX_SS_ONSTACK;
}

/* Memory that a frame can surely be written to: it is left to the thread itself. A tracer may want to see it.
 */
static bool is_plain(struct task *t, u64 at, u64 size)
{
	struct vma *v = vma_at(t->mm, at);

	return !t->pt.tracer && v && !v->backing && !v->ops && (v->prot & LINUX_PROT_WRITE) &&
	       at + size <= v->end;
}

/* f at `at`, and the vector state at fp. */
static int write_frame(struct task *t, const struct linux_rt_sigframe *f, u64 at, u64 fp, size_t fp_size)
{
	u64 size = fp + fp_size - at; /* one copy for both: they are neighbours, with padding between them */
	char *place = is_plain(t, at, size) ? uthread_push(t->ut, size) : NULL;
	char *buf = place ? place : kzalloc(size);
	int err = 0;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, f, sizeof(*f));
	uthread_get_fpstate(t->ut, buf + (fp - at), fp_size);
	if (place) {
		uthread_push_commit(t->ut, uaddr(at), size);
		return 0;
	}
	if (aspace_write(t->mm->as, uaddr(at), buf, size) != (s64)size)
		err = -EFAULT;
	kfree(buf);
	return err;
}

int sigframe_setup(struct task *t, int sig, const struct linux_siginfo *info, const struct sigaction_k *act,
		   sigset64 saved)
{
	size_t fp_size = uthread_fpstate_size(t->ut);
	struct linux_rt_sigframe f = {.pretcode = act->restorer, .info = *info};
	struct uregs r;
	u64 fp, at;
	int err;

	uthread_get_regs(t->ut, &r);
	fp = (frame_top(t, act, r.rsp) - fp_size) & ~63UL;
	at = ((fp - sizeof(f)) & ~15UL) - 8; /* as if called: rsp + 8 is a multiple of 16 */
	fill_context(t, &f, &r, fp, saved);
	err = write_frame(t, &f, at, fp, fp_size);
	if (err)
		return err;
	r.rsp = at;
	r.rip = act->handler;
	r.rdi = (u64)sig;
	r.rsi = at + offsetof(struct linux_rt_sigframe, info);
	r.rdx = at + offsetof(struct linux_rt_sigframe, uc);
	r.rax = 0;
	r.eflags &= ~0x10500UL; /* DF RF TF */
	if (t->altstack.flags & LINUX_SS_AUTODISARM)
		t->altstack = (struct altstack){.flags = LINUX_SS_DISABLE};
	return uthread_set_regs(t->ut, &r);
}

static u32 fp_size_of(const char *fp)
{
	u32 sw[2];

	memcpy(sw, fp + FP_SW_OFFSET, sizeof(sw));
	return sw[0] == FP_MAGIC ? sw[1] : FP_LEGACY;
}

/* `near`: the `have` bytes of guest memory from `at` on, already read. */
static int restore_fp(struct task *t, u64 fp, const char *near, u64 at, size_t have)
{
	size_t off = fp - at, size;
	char *buf;
	int err;

	if (!fp) {
		uthread_reset_fpstate(t->ut);
		return 0;
	}
	if (fp > at && off < have && have - off >= FP_LEGACY) {
		size = fp_size_of(near + off);
		if (size >= FP_LEGACY && size <= have - off)
			return uthread_set_fpstate(t->ut, near + off, size);
	}
	buf = kmalloc(FP_MAX);
	if (!buf)
		return -ENOMEM;
	err = aspace_read(t->mm->as, buf, uaddr(fp), FP_LEGACY) == FP_LEGACY ? 0 : -EFAULT;
	size = err ? 0 : fp_size_of(buf);
	if (!err && (size < FP_LEGACY || size > FP_MAX))
		err = -EINVAL;
	if (!err)
		err = aspace_read(t->mm->as, buf, uaddr(fp), size) == (s64)size
			  ? uthread_set_fpstate(t->ut, buf, size)
			  : -EFAULT;
	kfree(buf);
	return err;
}

/* The frame at `at`, and the vector state it points to. */
static int read_frame(struct task *t, u64 at, struct linux_rt_sigframe *f)
{
	/* in one go with the vector state where sigframe_setup puts it */
	size_t want = sizeof(*f) + 64 + uthread_fpstate_size(t->ut);
	char *buf = kmalloc(want);
	s64 have;
	int err = -EFAULT;

	if (!buf)
		return -ENOMEM;
	/* as the stub has seen it, unless a tracer may have changed it since */
	if (!t->pt.tracer && uthread_staged_frame(t->ut, buf, want))
		have = (s64)want;
	else
		have = aspace_read(t->mm->as, buf, uaddr(at), want); /* short at the end of the stack */
	if (have >= (s64)sizeof(*f)) {
		memcpy(f, buf, sizeof(*f));
		err = restore_fp(t, f->uc.uc_mcontext.fpstate, buf, at, (size_t)have);
	}
	kfree(buf);
	return err;
}

void signal_return(struct task *t)
{
	struct linux_rt_sigframe f;
	struct linux_sigcontext *m = &f.uc.uc_mcontext;
	struct uregs r;

	t->regs_changed = true;
	t->no_restart = true;
	uthread_get_regs(t->ut, &r);
	if (read_frame(t, r.rsp - 8, &f)) {
		force_signal(t, LINUX_SIGSEGV);
		return;
	}
	set_blocked(t, f.uc.uc_sigmask);
	if (!on_altstack(t, m->rsp) &&
	    !(f.uc.uc_stack.ss_flags & ~(LINUX_SS_ONSTACK | LINUX_SS_DISABLE | LINUX_SS_AUTODISARM)))
		t->altstack = (struct altstack){f.uc.uc_stack.ss_sp, f.uc.uc_stack.ss_size,
						f.uc.uc_stack.ss_flags & ~LINUX_SS_ONSTACK};
	r = (struct uregs){.r8 = m->r8,
			   .r9 = m->r9,
			   .r10 = m->r10,
			   .r11 = m->r11,
			   .r12 = m->r12,
			   .r13 = m->r13,
			   .r14 = m->r14,
			   .r15 = m->r15,
			   .rdi = m->rdi,
			   .rsi = m->rsi,
			   .rbp = m->rbp,
			   .rbx = m->rbx,
			   .rdx = m->rdx,
			   .rax = m->rax,
			   .rcx = m->rcx,
			   .rsp = m->rsp,
			   .rip = callsite_resume(t->mm, m->rip),
			   .eflags = m->eflags,
			   .fs_base = r.fs_base,
			   .gs_base = r.gs_base};
	if (uthread_set_regs(t->ut, &r))
		force_signal(t, LINUX_SIGSEGV);
	uthread_set_orig_rax(t->ut, ~0UL); /* no call is to be restarted */
}

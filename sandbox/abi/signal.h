/*
 * abi/signal.h - signal numbers and structures as x86-64 guests see them: signal(7), sigaction(2), and the
 * frame that sigreturn(2) takes.
 */
#ifndef WARREN_ABI_SIGNAL_H
#define WARREN_ABI_SIGNAL_H

#include "sandbox/base/types.h"

#define LINUX_NSIG     64
#define LINUX_SIGRTMIN 32 /* kernel's view */
enum {
	LINUX_SIGHUP = 1,
	LINUX_SIGINT,
	LINUX_SIGQUIT,
	LINUX_SIGILL,
	LINUX_SIGTRAP,
	LINUX_SIGABRT,
	LINUX_SIGBUS,
	LINUX_SIGFPE,
	LINUX_SIGKILL,
	LINUX_SIGUSR1,
	LINUX_SIGSEGV,
	LINUX_SIGUSR2,
	LINUX_SIGPIPE,
	LINUX_SIGALRM,
	LINUX_SIGTERM,
	LINUX_SIGSTKFLT,
	LINUX_SIGCHLD,
	LINUX_SIGCONT,
	LINUX_SIGSTOP,
	LINUX_SIGTSTP,
	LINUX_SIGTTIN,
	LINUX_SIGTTOU,
	LINUX_SIGURG,
	LINUX_SIGXCPU,
	LINUX_SIGXFSZ,
	LINUX_SIGVTALRM,
	LINUX_SIGPROF,
	LINUX_SIGWINCH,
	LINUX_SIGIO,
	LINUX_SIGPWR,
	LINUX_SIGSYS
};
#define LINUX_SIG_DFL 0UL
#define LINUX_SIG_IGN 1UL

enum { LINUX_SIG_BLOCK, LINUX_SIG_UNBLOCK, LINUX_SIG_SETMASK };

#define LINUX_SA_NOCLDSTOP 0x00000001UL
#define LINUX_SA_NOCLDWAIT 0x00000002UL
#define LINUX_SA_SIGINFO   0x00000004UL
#define LINUX_SA_RESTORER  0x04000000UL
#define LINUX_SA_ONSTACK   0x08000000UL
#define LINUX_SA_RESTART   0x10000000UL
#define LINUX_SA_NODEFER   0x40000000UL
#define LINUX_SA_RESETHAND 0x80000000UL
/* What Linux keeps of the flags; a program sets SA_UNSUPPORTED (0x400) and looks whether it is gone. */
#define LINUX_SA_KNOWN      0xdc000807UL

#define LINUX_SS_ONSTACK    1U
#define LINUX_SS_DISABLE    2U
#define LINUX_SS_AUTODISARM 0x80000000U
#define LINUX_MINSIGSTKSZ   2048

/* si_code */
#define LINUX_SI_USER    0
#define LINUX_SI_KERNEL  0x80
#define LINUX_SI_QUEUE   (-1)
#define LINUX_SI_TIMER   (-2)
#define LINUX_SI_MESGQ   (-3)
#define LINUX_SI_ASYNCIO (-4)
#define LINUX_SI_SIGIO   (-5)
#define LINUX_SI_TKILL   (-6)
enum {
	LINUX_CLD_EXITED = 1,
	LINUX_CLD_KILLED,
	LINUX_CLD_DUMPED,
	LINUX_CLD_TRAPPED,
	LINUX_CLD_STOPPED,
	LINUX_CLD_CONTINUED
};
enum { LINUX_SEGV_MAPERR = 1, LINUX_SEGV_ACCERR };
enum { LINUX_BUS_ADRALN = 1, LINUX_BUS_ADRERR, LINUX_BUS_OBJERR };

struct linux_siginfo {
	s32 si_signo, si_errno, si_code, pad0;
	union {
		struct {
			s32 pid;
			u32 uid;
		} kill;
		struct {
			s32 tid, overrun;
			u64 value;
		} timer;
		struct {
			s32 pid;
			u32 uid;
			u64 value;
		} rt;
		struct {
			s32 pid;
			u32 uid;
			s32 status, pad;
			s64 utime, stime;
		} chld;
		struct {
			u64 addr;
			s16 addr_lsb;
		} fault;
		struct {
			s64 band;
			s32 fd;
		} poll;
		struct {
			u64 call_addr;
			s32 syscall;
			u32 arch;
		} sys;
		u8 raw[112];
	};
};
static_assert(sizeof(struct linux_siginfo) == 128, "siginfo_t");

struct linux_sigaction {
	u64 handler, flags, restorer, mask;
};
static_assert(sizeof(struct linux_sigaction) == 32, "struct sigaction of the kernel");

struct linux_stack {
	u64 ss_sp;
	u32 ss_flags, pad;
	u64 ss_size;
};
static_assert(sizeof(struct linux_stack) == 24, "stack_t");

/* struct sigcontext of x86-64 */
struct linux_sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};
static_assert(sizeof(struct linux_sigcontext) == 256, "struct sigcontext");

struct linux_ucontext {
	u64 uc_flags, uc_link;
	struct linux_stack uc_stack;
	struct linux_sigcontext uc_mcontext;
	u64 uc_sigmask;
};
#define LINUX_UC_FP_XSTATE         1
#define LINUX_UC_SIGCONTEXT_SS     2
#define LINUX_UC_STRICT_RESTORE_SS 4

struct linux_rt_sigframe {
	u64 pretcode;
	struct linux_ucontext uc;
	struct linux_siginfo info;
};

#endif

/* ptrace(2): attaching, stops, registers, memory, events, wait(2) for tracers, /proc/PID/mem. */
#include "case.h"

#include <elf.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/user.h>

static long pt(long request, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}
#define EVENT(e) (SIGTRAP | (e) << 8)

/* A stop of pid: its status >> 8. */
static int stop_of(pid_t pid)
{
	int status;

	EXPECT_EQ(waitpid(pid, &status, __WALL), pid);
	if (!WIFSTOPPED(status))
		case_fail(__FILE__, __LINE__, "no stop but status %x", status);
	return status >> 8;
}
/* A child that asks to be traced, stops, and then runs fn. */
static pid_t traced(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		if (pt(PTRACE_TRACEME, 0, 0, 0))
			_exit(97);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	EXPECT_EQ(stop_of(pid), SIGSTOP);
	return pid;
}
static void sleeper(void)
{
	for (;;)
		pause();
}
static void do_nothing(void)
{
}
static pid_t running(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	return pid;
}
static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
}

/* ---- attaching ---- */

CASE(traceme_stops_at_signals)
{
	pid_t pid = traced(do_nothing);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 0);
}
CASE(traceme_twice)
{
	pid_t pid = fork();

	if (!pid)
		_exit(!pt(PTRACE_TRACEME, 0, 0, 0) && pt(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM
			  ? 0
			  : 1);
	expect_exit(pid, 0);
}
CASE(attach_stops)
{
	pid_t pid = running(sleeper);

	OK(pt(PTRACE_ATTACH, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGSTOP);
	OK(pt(PTRACE_DETACH, pid, 0, 0));
	EXPECT_ERRNO(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
	kill(pid, SIGTERM);
	expect_signal(pid, SIGTERM);
}
CASE(attach_refused)
{
	pid_t pid = running(sleeper);

	EXPECT_ERRNO(pt(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	EXPECT_ERRNO(pt(PTRACE_ATTACH, 0x3ffffff0, 0, 0), ESRCH);
	EXPECT_ERRNO(pt(PTRACE_PEEKDATA, pid, 0, 0), ESRCH);
	OK(pt(PTRACE_ATTACH, pid, 0, 0));
	EXPECT_ERRNO(pt(PTRACE_ATTACH, pid, 0, 0), EPERM);
	EXPECT_ERRNO(pt(PTRACE_SEIZE, pid, 0, 0), EPERM);
	EXPECT_EQ(stop_of(pid), SIGSTOP);
	EXPECT_ERRNO(pt(PTRACE_INTERRUPT, pid, 0, 0), EIO);
	EXPECT_ERRNO(pt(PTRACE_LISTEN, pid, 0, 0), EIO);
	EXPECT_ERRNO(pt(0x9999, pid, 0, 0), EIO);
	EXPECT_ERRNO(pt(PTRACE_CONT, pid, 0, 77), EIO);
	end(pid);
}
CASE(attach_by_another_user)
{
	pid_t pid, other;

	if (getuid())
		case_skip("needs root");
	pid = running(sleeper);
	other = fork();
	if (!other) {
		if (setgid(1000) || setuid(1000))
			_exit(1);
		_exit(pt(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM ? 0 : 2);
	}
	expect_exit(other, 0);
	end(pid);
}
CASE(attach_undumpable)
{
	pid_t other;

	if (getuid())
		case_skip("needs root");
	other = fork();
	if (!other) {
		if (setgid(1000) || setuid(1000))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1);
		pid_t pid = fork();
		if (!pid) {
			prctl(PR_SET_DUMPABLE, 0);
			sleep_ms(300);
			_exit(0);
		}
		sleep_ms(100);
		int bad = pt(PTRACE_SEIZE, pid, 0, 0) != -1 || errno != EPERM;
		waitpid(pid, NULL, 0);
		_exit(bad);
	}
	expect_exit(other, 0);
}
CASE(seize_does_not_stop)
{
	pid_t pid = running(sleeper);
	int status;

	EXPECT_ERRNO(pt(PTRACE_SEIZE, pid, 1, 0), EIO);
	EXPECT_ERRNO(pt(PTRACE_SEIZE, pid, 0, 0x80000000), EIO);
	OK(pt(PTRACE_SEIZE, pid, 0, 0));
	sleep_ms(30);
	EXPECT_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0);
	OK(pt(PTRACE_INTERRUPT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_STOP));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	end(pid);
}
static volatile int spin_value;
static void spinner(void)
{
	for (;;)
		spin_value++;
}
CASE(interrupt_of_running_code)
{
	pid_t pid = running(spinner);
	struct user_regs_struct r;

	sleep_ms(30);
	OK(pt(PTRACE_SEIZE, pid, 0, 0));
	for (int i = 0; i < 20; i++) {
		OK(pt(PTRACE_INTERRUPT, pid, 0, 0));
		EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_STOP));
		OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
		EXPECT_EQ(r.orig_rax, -1);
		OK(pt(PTRACE_CONT, pid, 0, 0));
	}
	end(pid);
}
CASE(kill_request)
{
	pid_t pid = traced(sleeper);

	OK(pt(PTRACE_KILL, pid, 0, 0));
	expect_signal(pid, SIGKILL);
}
CASE(sigkill_ends_a_stop)
{
	pid_t pid = traced(sleeper);

	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}

/* ---- memory and registers ---- */

static long variable = 0x1122334455667788;
static const long constant = 0x0102030405060708;
CASE(peek_and_poke)
{
	pid_t pid = traced(sleeper);
	long v = 0;

	OK(pt(PTRACE_PEEKDATA, pid, (unsigned long)&variable, (unsigned long)&v));
	EXPECT_EQ(v, variable);
	OK(pt(PTRACE_POKEDATA, pid, (unsigned long)&variable, 42));
	OK(pt(PTRACE_PEEKTEXT, pid, (unsigned long)&variable, (unsigned long)&v));
	EXPECT_EQ(v, 42);
	EXPECT_EQ(variable, 0x1122334455667788);
	EXPECT_ERRNO(pt(PTRACE_PEEKDATA, pid, 16, (unsigned long)&v), EIO);
	EXPECT_ERRNO(pt(PTRACE_POKEDATA, pid, 16, 1), EIO);
	EXPECT_ERRNO(pt(PTRACE_PEEKDATA, pid, (unsigned long)&variable, 16), EFAULT);
	end(pid);
}
CASE(poke_read_only_memory)
{
	pid_t pid = traced(sleeper);
	long v = 0;

	OK(pt(PTRACE_POKETEXT, pid, (unsigned long)&constant, 7));
	OK(pt(PTRACE_PEEKTEXT, pid, (unsigned long)&constant, (unsigned long)&v));
	EXPECT_EQ(v, 7);
	EXPECT_EQ(*(volatile const long *)&constant, 0x0102030405060708);
	end(pid);
}
CASE(peek_memory_without_access)
{
	long *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), v = 0;

	*p = 99;
	mprotect(p, 4096, PROT_NONE);
	pid_t pid = traced(sleeper);
	OK(pt(PTRACE_PEEKDATA, pid, (unsigned long)p, (unsigned long)&v));
	EXPECT_EQ(v, 99);
	end(pid);
}
CASE(proc_mem)
{
	char path[64], text[8] = "";
	pid_t pid = traced(sleeper);
	long v = 5;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	OK(fd = open(path, O_RDWR));
	EXPECT_EQ(pread(fd, &v, sizeof(v), (off_t)&variable), 8);
	EXPECT_EQ(v, variable);
	v = 77;
	EXPECT_EQ(pwrite(fd, &v, sizeof(v), (off_t)&constant), 8);
	v = 0;
	EXPECT_EQ(pread(fd, &v, sizeof(v), (off_t)&constant), 8);
	EXPECT_EQ(v, 77);
	EXPECT_ERRNO(pread(fd, text, 8, 16), EIO);
	EXPECT_ERRNO(pwrite(fd, text, 8, 16), EIO);
	end(pid);
}
CASE(proc_syscall_and_stack)
{
	char path[64], text[256] = "";
	int fd;
	pid_t pid = traced(sleeper);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	sleep_ms(60);
	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	OK(fd = open(path, O_RDONLY));
	EXPECT(read(fd, text, sizeof(text) - 1) > 0);
	EXPECT_EQ(atoi(text), SYS_pause);
	end(pid);
}
CASE(registers)
{
	struct user_regs_struct r, s;
	pid_t pid = traced(sleeper);
	long v = 0;

	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	EXPECT_EQ(r.cs, 0x33);
	EXPECT_EQ(r.ss, 0x2b);
	OK(pt(PTRACE_PEEKUSR, pid, offsetof(struct user, regs.rip), (unsigned long)&v));
	EXPECT_EQ(v, r.rip);
	s = r;
	s.rbx = 0xabcdef;
	OK(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&s));
	OK(pt(PTRACE_POKEUSR, pid, offsetof(struct user, regs.r12), 555));
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&s));
	EXPECT_EQ(s.rbx, 0xabcdef);
	EXPECT_EQ(s.r12, 555);
	EXPECT_ERRNO(pt(PTRACE_PEEKUSR, pid, 3, (unsigned long)&v), EIO);
	EXPECT_ERRNO(pt(PTRACE_PEEKUSR, pid, 4096, (unsigned long)&v), EIO);
	EXPECT_ERRNO(pt(PTRACE_GETREGS, pid, 0, 16), EFAULT);
	EXPECT_ERRNO(pt(PTRACE_SETREGS, pid, 0, 16), EFAULT);
	end(pid);
}
CASE(register_sets)
{
	struct user_regs_struct r = {0};
	static char big[16384];
	struct iovec v = {&r, sizeof(r)};
	pid_t pid = traced(sleeper);

	OK(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&v));
	EXPECT_EQ(v.iov_len, sizeof(r));
	EXPECT_EQ(r.cs, 0x33);
	r.r13 = 31337;
	OK(pt(PTRACE_SETREGSET, pid, NT_PRSTATUS, (unsigned long)&v));
	v = (struct iovec){big, 8 * 3};
	OK(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&v));
	EXPECT_EQ(v.iov_len, 24);
	EXPECT_EQ(((long *)big)[2], 31337);
	v.iov_len = 7;
	EXPECT_ERRNO(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&v), EINVAL);
	v.iov_len = sizeof(big);
	EXPECT_ERRNO(pt(PTRACE_GETREGSET, pid, 0x7777, (unsigned long)&v), EINVAL);
	OK(pt(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (unsigned long)&v));
	EXPECT(v.iov_len >= 576);
	EXPECT_EQ(((long *)(big + 464))[0] & 3, 3);
	OK(pt(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (unsigned long)&v));
	v.iov_len = sizeof(big);
	OK(pt(PTRACE_GETREGSET, pid, NT_PRFPREG, (unsigned long)&v));
	EXPECT_EQ(v.iov_len, 512);
	end(pid);
}
static void with_xmm(void)
{
	long in[2] = {0x1111, 0x2222}, out[2] = {0};

	__asm__ volatile("movups %1, %%xmm5; int3; movups %%xmm5, %0" : "=m"(out) : "m"(in) : "xmm5");
	_exit(out[0] == 0x7777 && out[1] == 0x2222 ? 0 : 1);
}
CASE(vector_registers)
{
	struct user_fpregs_struct f;
	pid_t pid = traced(with_xmm);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP);
	OK(pt(PTRACE_GETFPREGS, pid, 0, (unsigned long)&f));
	EXPECT_EQ(((long *)f.xmm_space)[10], 0x1111);
	EXPECT_EQ(((long *)f.xmm_space)[11], 0x2222);
	((long *)f.xmm_space)[10] = 0x7777;
	OK(pt(PTRACE_SETFPREGS, pid, 0, (unsigned long)&f));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 0);
}
CASE(debug_registers_read_zero)
{
	long v = 5;
	pid_t pid = traced(sleeper);

	OK(pt(PTRACE_PEEKUSR, pid, offsetof(struct user, u_debugreg[7]), (unsigned long)&v));
	EXPECT_EQ(v, 0);
	EXPECT_ERRNO(pt(PTRACE_POKEUSR, pid, offsetof(struct user, u_debugreg[4]), 1), EIO);
	end(pid);
}

/* ---- breakpoints and steps ---- */

__attribute__((noinline)) static int add(int a, int b)
{
	__asm__ volatile("nop");
	return a + b;
}
static void calls_add(void)
{
	_exit(add(20, 22));
}
CASE(breakpoint_in_text)
{
	struct user_regs_struct r;
	siginfo_t si;
	pid_t pid = traced(calls_add);
	long word;

	OK(pt(PTRACE_PEEKTEXT, pid, (unsigned long)add, (unsigned long)&word));
	OK(pt(PTRACE_POKETEXT, pid, (unsigned long)add, (unsigned long)((word & ~0xffL) | 0xcc)));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	EXPECT_EQ(r.rip, (unsigned long)add + 1);
	EXPECT_EQ(r.orig_rax, -1);
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si));
	EXPECT_EQ(si.si_signo, SIGTRAP);
	EXPECT_EQ(si.si_code, 0x80);
	OK(pt(PTRACE_POKETEXT, pid, (unsigned long)add, (unsigned long)word));
	r.rip--;
	OK(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 42);
}
static void straight(void)
{
	__asm__ volatile("int3; nop; nop; nop; nop; nop");
	_exit(9);
}
CASE(single_steps)
{
	struct user_regs_struct a, b;
	siginfo_t si;
	pid_t pid = traced(straight);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&a));
	for (int i = 1; i <= 4; i++) {
		OK(pt(PTRACE_SINGLESTEP, pid, 0, 0));
		EXPECT_EQ(stop_of(pid), SIGTRAP);
		OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&b));
		EXPECT_EQ(b.rip, a.rip + (unsigned long)i);
		EXPECT_EQ(b.eflags & 0x100, 0);
	}
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si));
	EXPECT_EQ(si.si_code, TRAP_TRACE);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 9);
}
static void step_over_call(void)
{
	long ret;

	__asm__ volatile("int3; syscall; nop; nop" : "=a"(ret) : "0"(SYS_getppid) : "rcx", "r11", "memory");
	_exit(ret == getppid() ? 0 : 1);
}
CASE(step_over_a_system_call)
{
	struct user_regs_struct a, b;
	pid_t pid = traced(step_over_call);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&a));
	OK(pt(PTRACE_SINGLESTEP, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&b));
	EXPECT_EQ(b.rip, a.rip + 2);
	EXPECT_EQ(b.rax, getpid());
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 0);
}
static void on_usr(int sig)
{
}
static void with_handler(void)
{
	signal(SIGUSR1, on_usr);
	raise(SIGUSR1);
	_exit(3);
}
CASE(step_into_a_handler)
{
	struct user_regs_struct r;
	pid_t pid = traced(with_handler);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGUSR1);
	OK(pt(PTRACE_SINGLESTEP, pid, 0, SIGUSR1));
	EXPECT_EQ(stop_of(pid), SIGTRAP);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	EXPECT_EQ(r.rip, (unsigned long)on_usr);
	EXPECT_EQ(r.rdi, SIGUSR1);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 3);
}
CASE(singleblock_is_refused_or_steps)
{
	pid_t pid = traced(sleeper);

	errno = 0;
	if (pt(33, pid, 0, 0) == -1)
		EXPECT_EQ(errno, EIO);
	end(pid);
}

/* ---- signals ---- */

static void raises(void)
{
	raise(SIGUSR1);
	_exit(4);
}
CASE(signal_suppressed)
{
	pid_t pid = traced(raises);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGUSR1);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 4);
}
CASE(signal_delivered)
{
	pid_t pid = traced(raises);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGUSR1);
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR1));
	expect_signal(pid, SIGUSR1);
}
CASE(signal_exchanged)
{
	pid_t pid = traced(raises);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGUSR1);
	OK(pt(PTRACE_CONT, pid, 0, SIGTERM));
	expect_signal(pid, SIGTERM);
}
static void raises_ignored(void)
{
	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR2);
	_exit(5);
}
CASE(ignored_signals_stop_too)
{
	pid_t pid = traced(raises_ignored);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGUSR2);
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR2));
	expect_exit(pid, 5);
}
static void check_info(int sig, siginfo_t *info, void *uc)
{
	_exit(info->si_code == SI_QUEUE && info->si_value.sival_int == 1234 ? 6 : 7);
}
static void with_info(void)
{
	struct sigaction sa = {.sa_sigaction = check_info, .sa_flags = SA_SIGINFO};

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}
CASE(siginfo_read_and_changed)
{
	siginfo_t si;
	pid_t pid = traced(with_info);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGUSR1);
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si));
	EXPECT_EQ(si.si_signo, SIGUSR1);
	EXPECT_EQ(si.si_pid, pid);
	EXPECT_ERRNO(pt(PTRACE_GETSIGINFO, pid, 0, 16), EFAULT);
	si.si_code = SI_QUEUE;
	si.si_value.sival_int = 1234;
	OK(pt(PTRACE_SETSIGINFO, pid, 0, (unsigned long)&si));
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR1));
	expect_exit(pid, 6);
}
CASE(signal_masks)
{
	pid_t pid = traced(sleeper);
	unsigned long mask = 0, set = 1UL << (SIGUSR1 - 1);

	OK(pt(PTRACE_SETSIGMASK, pid, 8, (unsigned long)&set));
	OK(pt(PTRACE_GETSIGMASK, pid, 8, (unsigned long)&mask));
	EXPECT_EQ(mask, set);
	EXPECT_ERRNO(pt(PTRACE_GETSIGMASK, pid, 4, (unsigned long)&mask), EINVAL);
	end(pid);
}
CASE(peek_queued_signals)
{
	struct ptrace_peeksiginfo_args a = {0, PTRACE_PEEKSIGINFO_SHARED, 10};
	siginfo_t si[10];
	pid_t pid = traced(sleeper);

	kill(pid, SIGUSR1);
	kill(pid, SIGUSR2);
	EXPECT_EQ(pt(PTRACE_PEEKSIGINFO, pid, (unsigned long)&a, (unsigned long)si), 2);
	EXPECT_EQ(si[0].si_signo, SIGUSR1);
	EXPECT_EQ(si[1].si_signo, SIGUSR2);
	a.off = 1;
	EXPECT_EQ(pt(PTRACE_PEEKSIGINFO, pid, (unsigned long)&a, (unsigned long)si), 1);
	EXPECT_EQ(si[0].si_signo, SIGUSR2);
	a.flags = 8;
	EXPECT_ERRNO(pt(PTRACE_PEEKSIGINFO, pid, (unsigned long)&a, (unsigned long)si), EINVAL);
	end(pid);
}

/* ---- system calls ---- */

static void two_calls(void)
{
	syscall(SYS_getppid);
	syscall(SYS_lseek, 99, 1, 2);
	_exit(8);
}
CASE(syscall_stops)
{
	struct user_regs_struct r;
	pid_t pid = traced(two_calls);

	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	for (;;) { /* the end of raise(3) comes first */
		OK(pt(PTRACE_SYSCALL, pid, 0, 0));
		EXPECT_EQ(stop_of(pid), SIGTRAP | 0x80);
		OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
		if (r.orig_rax == SYS_getppid)
			break;
	}
	EXPECT_EQ(r.rax, -ENOSYS);
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP | 0x80);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	EXPECT_EQ(r.rax, getpid());
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP | 0x80);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	EXPECT_EQ(r.orig_rax, SYS_lseek);
	EXPECT_EQ(r.rdi, 99);
	EXPECT_EQ(r.rdx, 2);
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP | 0x80);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	EXPECT_EQ(r.rax, -EBADF);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 8);
}
static void exits_by_result(void)
{
	_exit((int)syscall(SYS_getppid) & 0xff);
}
static struct user_regs_struct entry_of(pid_t pid, long nr)
{
	struct user_regs_struct r;

	do {
		OK(pt(PTRACE_SYSCALL, pid, 0, 0));
		stop_of(pid);
		OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	} while ((long)r.orig_rax != nr);
	return r;
}
CASE(syscall_result_changed)
{
	struct user_regs_struct r;
	pid_t pid = traced(exits_by_result);

	entry_of(pid, SYS_getppid);
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	r.rax = 77;
	OK(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 77);
}
CASE(syscall_number_changed)
{
	struct user_regs_struct r;
	pid_t pid = traced(exits_by_result);

	r = entry_of(pid, SYS_getppid);
	r.orig_rax = SYS_getpid;
	OK(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, pid & 0xff);
}
CASE(syscall_skipped)
{
	struct user_regs_struct r;
	pid_t pid = traced(exits_by_result);

	r = entry_of(pid, SYS_getppid);
	r.orig_rax = (unsigned long)-1;
	r.rax = 66;
	OK(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 66);
}
static void writes_hello(void)
{
	char buf[8] = "abc";
	int fds[2];

	pipe(fds);
	syscall(SYS_write, fds[1], buf, 3);
	read(fds[0], buf + 4, 3);
	_exit(buf[4] == 'X' && buf[0] == 'X' ? 11 : 12);
}
CASE(syscall_buffer_changed_at_entry)
{
	struct user_regs_struct r;
	long word;
	pid_t pid = traced(writes_hello);

	r = entry_of(pid, SYS_write);
	OK(pt(PTRACE_PEEKDATA, pid, r.rsi, (unsigned long)&word));
	word = (word & ~0xffL) | 'X';
	OK(pt(PTRACE_POKEDATA, pid, r.rsi, (unsigned long)word));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 11);
}
static void reads_name(void)
{
	char name[32] = "";

	syscall(SYS_prctl, PR_GET_NAME, name, 0, 0, 0);
	_exit(0);
}
CASE(syscall_output_is_there_at_exit)
{
	struct user_regs_struct r;
	char word[9] = "";
	pid_t pid = traced(reads_name);

	prctl(PR_SET_NAME, "whatever");
	r = entry_of(pid, SYS_prctl);
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	stop_of(pid);
	OK(pt(PTRACE_PEEKDATA, pid, r.rsi, (unsigned long)word));
	EXPECT(strlen(word) >= 4);
	end(pid);
}
static void maps_memory(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	_exit(0);
}
CASE(mapping_is_there_at_exit)
{
	struct user_regs_struct r;
	long v = 1;
	pid_t pid = traced(maps_memory);

	entry_of(pid, SYS_mmap);
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	stop_of(pid);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	OK(pt(PTRACE_PEEKDATA, pid, r.rax, (unsigned long)&v));
	EXPECT_EQ(v, 0);
	OK(pt(PTRACE_POKEDATA, pid, r.rax, 5));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 0);
}
static void emulated(void)
{
	_exit((int)syscall(SYS_getppid) & 0xff);
}
CASE(sysemu)
{
	struct user_regs_struct r;
	pid_t pid = traced(emulated);

	do {
		OK(pt(31 /* PTRACE_SYSEMU */, pid, 0, 0));
		EXPECT_EQ(stop_of(pid), SIGTRAP);
		OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	} while (r.orig_rax != SYS_getppid);
	r.rax = 88;
	OK(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 88);
}
CASE(get_syscall_info)
{
	struct ptrace_syscall_info i;
	pid_t pid = traced(two_calls);

	OK(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), (unsigned long)&i));
	EXPECT_EQ(i.op, PTRACE_SYSCALL_INFO_NONE);
	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	entry_of(pid, SYS_lseek);
	EXPECT_EQ(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), (unsigned long)&i), 80);
	EXPECT_EQ(i.op, PTRACE_SYSCALL_INFO_ENTRY);
	EXPECT_EQ(i.arch, 0xc000003e);
	EXPECT_EQ(i.entry.nr, SYS_lseek);
	EXPECT_EQ(i.entry.args[0], 99);
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	stop_of(pid);
	EXPECT_EQ(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), (unsigned long)&i), 33);
	EXPECT_EQ(i.op, PTRACE_SYSCALL_INFO_EXIT);
	EXPECT_EQ(i.exit.rval, -EBADF);
	EXPECT_EQ(i.exit.is_error, 1);
	end(pid);
}
static void sleeps_long(void)
{
	struct timespec ts = {30, 0};

	_exit(syscall(SYS_nanosleep, &ts, NULL) == -1 && errno == EINTR ? 1 : 2);
}
CASE(interrupted_call_goes_on_after_detach)
{
	pid_t pid = running(sleeps_long);
	int status;

	sleep_ms(50);
	OK(pt(PTRACE_ATTACH, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGSTOP);
	OK(pt(PTRACE_DETACH, pid, 0, 0));
	sleep_ms(50);
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	end(pid);
}

/* ---- events ---- */

static void forks(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	_exit(13);
}
CASE(fork_event)
{
	unsigned long child = 0;
	int status;
	pid_t pid = traced(forks);

	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_FORK));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&child));
	EXPECT(child > 0);
	EXPECT_EQ(stop_of((pid_t)child), SIGSTOP);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	OK(pt(PTRACE_CONT, (pid_t)child, 0, 0));
	EXPECT_EQ(waitpid((pid_t)child, &status, __WALL), child);
	EXPECT(WIFEXITED(status));
	EXPECT_EQ(stop_of(pid), SIGCHLD);
	OK(pt(PTRACE_CONT, pid, 0, SIGCHLD));
	expect_exit(pid, 13);
}
CASE(fork_event_of_a_seized_task)
{
	unsigned long child = 0;
	pid_t pid = fork();

	if (!pid) {
		sleep_ms(100);
		forks();
	}
	OK(pt(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_FORK));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&child));
	EXPECT_EQ(stop_of((pid_t)child), EVENT(PTRACE_EVENT_STOP));
	end((pid_t)child);
	end(pid);
}
static void vforks(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	_exit(14);
}
CASE(vfork_events)
{
	unsigned long child = 0, done = 0;
	pid_t pid = traced(vforks);

	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_VFORK));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&child));
	EXPECT_EQ(stop_of((pid_t)child), SIGSTOP);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	OK(pt(PTRACE_CONT, (pid_t)child, 0, 0));
	expect_exit((pid_t)child, 0);
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_VFORK_DONE));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&done));
	EXPECT_EQ(done, child);
	end(pid);
}
static void *thread_fn(void *arg)
{
	return NULL;
}
static void makes_thread(void)
{
	pthread_t th;

	pthread_create(&th, NULL, thread_fn, NULL);
	pthread_join(th, NULL);
	_exit(15);
}
CASE(clone_event_and_thread_exit)
{
	unsigned long tid = 0;
	int status;
	pid_t pid = traced(makes_thread);

	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_CLONE));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&tid));
	EXPECT_EQ(stop_of((pid_t)tid), SIGSTOP);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	OK(pt(PTRACE_CONT, (pid_t)tid, 0, 0));
	EXPECT_EQ(waitpid((pid_t)tid, &status, __WALL), tid);
	EXPECT(WIFEXITED(status));
	expect_exit(pid, 15);
}
static void execs(void)
{
	close(1);
	execl("/proc/self/exe", "x", "--list", NULL);
	_exit(1);
}
CASE(exec_sends_sigtrap)
{
	pid_t pid = traced(execs);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGTRAP);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 0);
}
CASE(exec_event)
{
	unsigned long old = 0;
	pid_t pid = traced(execs);

	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_EXEC));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&old));
	EXPECT_EQ(old, pid);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 0);
}
static void exits(void)
{
	_exit(17);
}
CASE(exit_event)
{
	struct user_regs_struct r;
	unsigned long code = 0;
	pid_t pid = traced(exits);

	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_EXIT));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&code));
	EXPECT_EQ(code, 17 << 8);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 17);
}
CASE(exit_event_of_a_killed_task)
{
	pid_t pid = traced(sleeper);
	unsigned long code = 0;

	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	kill(pid, SIGKILL);
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_EXIT));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&code));
	EXPECT_EQ(code, SIGKILL);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_signal(pid, SIGKILL);
}
CASE(bad_options)
{
	pid_t pid = traced(sleeper);

	EXPECT_ERRNO(pt(PTRACE_SETOPTIONS, pid, 0, 0x8000), EINVAL);
	end(pid);
}
static void filtered(void)
{
	struct sock_filter f[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 321), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog p = {4, f};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
	_exit((int)syscall(SYS_getppid) & 0xff);
}
CASE(seccomp_event)
{
	struct user_regs_struct r;
	unsigned long data = 0;
	pid_t pid = traced(filtered);

	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_SECCOMP));
	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&data));
	EXPECT_EQ(data, 321);
	OK(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
	EXPECT_EQ(r.orig_rax, SYS_getppid);
	r.orig_rax = (unsigned long)-1;
	r.rax = 19;
	OK(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	expect_exit(pid, 19);
}
CASE(seccomp_get_filter)
{
	struct sock_filter f[8];
	pid_t pid;

	if (getuid())
		case_skip("needs root");
	pid = traced(filtered);
	EXPECT_ERRNO(pt(PTRACE_SECCOMP_GET_FILTER, pid, 0, 0), EINVAL);
	OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_SECCOMP));
	if (prctl(PR_GET_SECCOMP))
		case_skip("is filtered itself");
	EXPECT_EQ(pt(PTRACE_SECCOMP_GET_FILTER, pid, 0, 0), 4);
	EXPECT_EQ(pt(PTRACE_SECCOMP_GET_FILTER, pid, 0, (unsigned long)f), 4);
	EXPECT_EQ(f[1].k, SYS_getppid);
	EXPECT_ERRNO(pt(PTRACE_SECCOMP_GET_FILTER, pid, 9, 0), ENOENT);
	end(pid);
}

/* ---- group stops ---- */

CASE(group_stop_of_a_traced_task)
{
	siginfo_t si;
	pid_t pid = traced(sleeper);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	kill(pid, SIGSTOP);
	EXPECT_EQ(stop_of(pid), SIGSTOP); /* delivery */
	OK(pt(PTRACE_CONT, pid, 0, SIGSTOP));
	EXPECT_EQ(stop_of(pid), SIGSTOP); /* the stop itself */
	EXPECT_ERRNO(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), EINVAL);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	end(pid);
}
CASE(group_stop_of_a_seized_task)
{
	siginfo_t si;
	int status;
	pid_t pid = running(sleeper);

	OK(pt(PTRACE_SEIZE, pid, 0, 0));
	kill(pid, SIGSTOP);
	EXPECT_EQ(stop_of(pid), SIGSTOP);
	OK(pt(PTRACE_CONT, pid, 0, SIGSTOP));
	EXPECT_EQ(stop_of(pid), SIGSTOP | PTRACE_EVENT_STOP << 8);
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si));
	OK(pt(PTRACE_LISTEN, pid, 0, 0));
	EXPECT_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0);
	kill(pid, SIGCONT);
	EXPECT_EQ(stop_of(pid), EVENT(PTRACE_EVENT_STOP));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGCONT);
	end(pid);
}
CASE(attach_to_a_stopped_task)
{
	int status;
	pid_t pid = running(sleeper);

	kill(pid, SIGSTOP);
	EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	EXPECT(WIFSTOPPED(status));
	OK(pt(PTRACE_ATTACH, pid, 0, 0));
	EXPECT_EQ(stop_of(pid), SIGSTOP);
	end(pid);
}
CASE(detach_with_a_signal)
{
	pid_t pid = traced(sleeper);

	OK(pt(PTRACE_DETACH, pid, 0, SIGTERM));
	expect_signal(pid, SIGTERM);
}

/* ---- wait ---- */

CASE(waitid_reports_trapped)
{
	siginfo_t si = {0};
	pid_t pid = fork();

	if (!pid) {
		pt(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGUSR1);
		_exit(0);
	}
	OK(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WEXITED | WNOWAIT));
	EXPECT_EQ(si.si_code, CLD_TRAPPED);
	EXPECT_EQ(si.si_status, SIGUSR1);
	OK(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WEXITED));
	EXPECT_EQ(si.si_code, CLD_TRAPPED);
	end(pid);
}
CASE(tracer_is_told_before_the_parent)
{
	int fds[2], status;
	pid_t child, parent;
	char c;

	pipe(fds);
	parent = fork();
	if (!parent) {
		pid_t pid = fork();
		if (!pid) {
			sleep_ms(300);
			_exit(21);
		}
		write(fds[1], &pid, sizeof(pid));
		_exit(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 21 ? 0 : 1);
	}
	EXPECT_EQ(read(fds[0], &child, sizeof(child)), sizeof(child));
	OK(pt(PTRACE_SEIZE, child, 0, 0));
	EXPECT_EQ(waitpid(child, &status, __WALL), child);
	EXPECT_EQ(WEXITSTATUS(status), 21);
	expect_exit(parent, 0);
	(void)c;
}
CASE(tracer_death_lets_go)
{
	int fds[2];
	char c = 'x';
	pid_t pid, tracer;

	pipe(fds);
	pid = fork();
	if (!pid) {
		read(fds[0], &c, 1);
		_exit(22);
	}
	tracer = fork();
	if (!tracer) {
		int status;
		if (pt(PTRACE_ATTACH, pid, 0, 0))
			_exit(1);
		waitpid(pid, &status, __WALL);
		_exit(0);
	}
	expect_exit(tracer, 0);
	write(fds[1], &c, 1);
	expect_exit(pid, 22);
}
CASE(exitkill)
{
	pid_t pid = running(sleeper), tracer = fork();

	if (!tracer) {
		if (pt(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL))
			_exit(1);
		_exit(0);
	}
	expect_exit(tracer, 0);
	expect_signal(pid, SIGKILL);
}
CASE(status_names_the_tracer)
{
	char path[64], line[256];
	bool tracer = false, state = false;
	pid_t pid = traced(sleeper);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	EXPECT(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		tracer |= !strncmp(line, "TracerPid:", 10) && atoi(line + 10) == getpid();
		state |= !strcmp(line, "State:\tt (tracing stop)\n");
	}
	EXPECT(tracer);
	EXPECT(state);
	end(pid);
}
CASE(only_the_tracing_thread_may_ask)
{
	pid_t pid = traced(sleeper), other = fork();
	long v;

	if (!other)
		_exit(pt(PTRACE_PEEKDATA, pid, (unsigned long)&variable, (unsigned long)&v) == -1 &&
			      errno == ESRCH
			  ? 0
			  : 1);
	expect_exit(other, 0);
	end(pid);
}

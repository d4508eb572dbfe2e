/* test_ptrace.c - ptrace(2): attaching, memory and registers, breakpoints and steps, signals. */
#include "ptrace.h"

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

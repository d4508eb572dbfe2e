/*
 * test_callsite.c - calls made again and again from one place: the sandbox rewrites such call sites to reach
 * the kernel without a trap. Whatever a program can see of its registers, signals, threads and text must stay
 * what Linux shows. Hot loops first, so that the sites under test are patched when it counts.
 */
#include "case.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/prctl.h>
#include <asm/prctl.h>
#include <ucontext.h>

#define HOT 200

/* One site of each shape that compilers make: the number moved in just before, and a comparison just after.
 */
static long call_mov(void)
{
	long ret;
	__asm__ volatile("mov $110, %%eax\n\tsyscall" : "=a"(ret) : : "rcx", "r11", "memory"); /* getppid */
	return ret;
}

__attribute__((noinline)) static long call_cmp(long nr, long a, long b, long c)
{
	long ret;
	__asm__ volatile("syscall\n\t"
			 "cmp $-4095, %%rax\n\t"
			 "jb 1f\n\t"
			 "neg %%rax\n\tneg %%rax\n"
			 "1:"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}

CASE(hot_site_with_number_before_answers_the_same)
{
	pid_t parent = (pid_t)syscall(SYS_getppid);
	for (int i = 0; i < HOT; i++)
		EXPECT_EQ(call_mov(), parent);
}

CASE(hot_site_with_comparison_after_answers_the_same)
{
	for (int i = 0; i < HOT; i++) {
		EXPECT_EQ(call_cmp(SYS_getpid, 0, 0, 0), getpid());
		EXPECT_EQ(call_cmp(SYS_close, 1000, 0, 0), -EBADF);
	}
}

CASE(hot_site_preserves_registers_and_flags)
{
	for (int i = 0; i < HOT; i++) {
		unsigned long r8 = 0x1111, r9 = 0x2222, r10 = 0x3333, r12 = 4, r13 = 5, rbx = 6, rdi = 7,
			      rsi = 8, rdx = 9, flags;
		register unsigned long v8 __asm__("r8") = r8, v9 __asm__("r9") = r9, v10 __asm__("r10") = r10,
					  v12 __asm__("r12") = r12, v13 __asm__("r13") = r13;
		__asm__ volatile("sub $128, %%rsp\n\t" /* not into the red zone */
				 "stc\n\t"
				 "mov $39, %%eax\n\tsyscall\n\t"
				 "pushfq\n\tpop %%rax\n\t"
				 "add $128, %%rsp"
				 : "=&a"(flags), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+b"(rbx), "+r"(v8),
				   "+r"(v9), "+r"(v10), "+r"(v12), "+r"(v13)
				 :
				 : "rcx", "r11", "memory", "cc");
		EXPECT(flags & 1);
		EXPECT_EQ(v8, r8);
		EXPECT_EQ(v9, r9);
		EXPECT_EQ(v10, r10);
		EXPECT_EQ(v12, r12);
		EXPECT_EQ(v13, r13);
		EXPECT_EQ(rbx, 6);
		EXPECT_EQ(rdi, 7);
		EXPECT_EQ(rsi, 8);
		EXPECT_EQ(rdx, 9);
	}
}

CASE(hot_site_keeps_the_direction_flag)
{
	for (int i = 0; i < HOT; i++) {
		unsigned long flags;
		__asm__ volatile("sub $128, %%rsp\n\tstd\n\tmov $39, %%eax\n\tsyscall\n\tpushfq\n\tpop "
				 "%%rax\n\tcld\n\tadd $128, %%rsp"
				 : "=&a"(flags)
				 :
				 : "rcx", "r11", "memory", "cc");
		EXPECT(flags & 0x400);
	}
}

CASE(hot_site_keeps_the_red_zone)
{
	for (int i = 0; i < HOT; i++) {
		unsigned long v;
		__asm__ volatile("movq $0x5a5a, -8(%%rsp)\n\tmovq $0x6b6b, -128(%%rsp)\n\t"
				 "mov $39, %%eax\n\tsyscall\n\t"
				 "mov -8(%%rsp), %%rax\n\tshl $16, %%rax\n\tor -128(%%rsp), %%rax"
				 : "=&a"(v)
				 :
				 : "rcx", "r11", "memory", "cc");
		EXPECT_EQ(v, 0x5a5a6b6bUL);
	}
}

CASE(hot_site_keeps_vector_registers)
{
	for (int i = 0; i < HOT; i++) {
		unsigned long out;
		__asm__ volatile("mov $0x1234567, %%rdx\n\tmovq %%rdx, %%xmm7\n\tmovq %%rdx, %%xmm15\n\t"
				 "mov $39, %%eax\n\tsyscall\n\tmovq %%xmm7, %%rax\n\tmovq %%xmm15, "
				 "%%rdx\n\txor %%rdx, %%rax"
				 : "=&a"(out)
				 :
				 : "rcx", "rdx", "r11", "memory", "cc", "xmm7", "xmm15");
		EXPECT_EQ(out, 0);
	}
}

static volatile sig_atomic_t taken;
static void count(int sig)
{
	(void)sig;
	taken++;
}

CASE(signal_to_self_is_taken_before_kill_returns)
{
	signal(SIGUSR1, count);
	for (int i = 1; i <= HOT; i++) {
		OK(kill(getpid(), SIGUSR1));
		EXPECT_EQ(taken, i);
	}
}

static volatile unsigned long seen_rax, seen_rbx, seen_r12;
static void look(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	(void)sig, (void)info;
	seen_rax = (unsigned long)uc->uc_mcontext.gregs[REG_RAX];
	seen_rbx = (unsigned long)uc->uc_mcontext.gregs[REG_RBX];
	seen_r12 = (unsigned long)uc->uc_mcontext.gregs[REG_R12];
	taken++;
}

CASE(handler_sees_all_registers_of_a_hot_call)
{
	struct sigaction sa = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
	long pid = getpid();
	OK(sigaction(SIGUSR1, &sa, NULL));
	for (int i = 0; i < HOT; i++) {
		register unsigned long v12 __asm__("r12") = 0xabc + (unsigned long)i;
		long ret;
		__asm__ volatile("mov $62, %%eax\n\tsyscall"
				 : "=a"(ret), "+r"(v12)
				 : "D"(pid), "S"(SIGUSR1), "b"(0xdefUL)
				 : "rcx", "r11", "memory");
		EXPECT_EQ(ret, 0);
		EXPECT_EQ(seen_rax, 0);
		EXPECT_EQ(seen_rbx, 0xdef);
		EXPECT_EQ(seen_r12, 0xabc + i);
	}
	EXPECT_EQ(taken, HOT);
}

CASE(handler_changes_a_vector_register_of_a_hot_call)
{
	/* what the handler does to xmm registers is undone at its return */
	double d = 1.5;
	signal(SIGUSR1, count);
	for (int i = 0; i < HOT; i++) {
		d *= 1.0001;
		raise(SIGUSR1);
		d /= 1.0001;
	}
	EXPECT(d > 1.4999 && d < 1.5001);
}

CASE(hot_read_is_interrupted_by_a_timer)
{
	int p[2];
	char c = 'x';
	struct sigaction sa = {.sa_handler = count};
	struct itimerval t = {.it_value.tv_usec = 20000}, off = {0};
	OK(pipe(p));
	OK(sigaction(SIGALRM, &sa, NULL));
	for (int i = 0; i < HOT; i++) {
		EXPECT_EQ(call_cmp(SYS_write, p[1], (long)&c, 1), 1);
		EXPECT_EQ(call_cmp(SYS_read, p[0], (long)&c, 1), 1);
	}
	OK(setitimer(ITIMER_REAL, &t, NULL));
	EXPECT_EQ(call_cmp(SYS_read, p[0], (long)&c, 1), -EINTR);
	EXPECT_EQ(taken, 1);
	OK(setitimer(ITIMER_REAL, &off, NULL));
}

static int restart_pipe[2];
static void feed(int sig)
{
	(void)sig;
	taken++;
	if (write(restart_pipe[1], "y", 1) != 1)
		_exit(9);
}

CASE(hot_read_is_restarted_after_a_handler)
{
	char c = 'x';
	struct sigaction sa = {.sa_handler = feed, .sa_flags = SA_RESTART};
	struct itimerval t = {.it_value.tv_usec = 10000};
	OK(pipe(restart_pipe));
	OK(sigaction(SIGALRM, &sa, NULL));
	for (int i = 0; i < 20; i++) {
		OK(setitimer(ITIMER_REAL, &t, NULL));
		EXPECT_EQ(call_cmp(SYS_read, restart_pipe[0], (long)&c, 1), 1);
		EXPECT_EQ(c, 'y');
	}
	EXPECT_EQ(taken, 20);
}

CASE(busy_calls_are_interrupted)
{
	struct itimerval t = {.it_value.tv_usec = 1000, .it_interval.tv_usec = 1000};
	signal(SIGALRM, count);
	OK(setitimer(ITIMER_REAL, &t, NULL));
	for (uint64_t end = now_ms() + 5000; taken < 50 && now_ms() < end;)
		EXPECT_EQ(call_mov(), getppid());
	EXPECT(taken >= 50);
}

static sigjmp_buf out;
static void jump_out(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

CASE(handler_jumps_out_of_a_hot_call)
{
	int p[2];
	char c;
	volatile int rounds = 0;
	struct itimerval t = {.it_value.tv_usec = 3000};
	OK(pipe(p));
	signal(SIGALRM, jump_out);
	while (rounds < 20) {
		if (!sigsetjmp(out, 1)) {
			OK(setitimer(ITIMER_REAL, &t, NULL));
			call_cmp(SYS_read, p[0], (long)&c, 1);
			EXPECT(0);
		}
		rounds++;
	}
}

static void *caller(void *arg)
{
	long *bad = arg;
	for (int i = 0; i < 20000; i++)
		if (call_cmp(SYS_getpid, 0, 0, 0) != getpid() || call_mov() != getppid())
			++*bad;
	return NULL;
}

CASE(threads_race_for_one_site)
{
	pthread_t t[4];
	long bad[4] = {0};
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, caller, &bad[i]), 0);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(pthread_join(t[i], NULL), 0);
		EXPECT_EQ(bad[i], 0);
	}
}

static void *sleeper(void *arg)
{
	char c;
	return (void *)call_cmp(SYS_read, *(int *)arg, (long)&c, 1);
}

CASE(thread_asleep_in_a_site_while_it_becomes_hot)
{
	int p[2];
	pthread_t t;
	void *ret;
	OK(pipe(p));
	EXPECT_EQ(pthread_create(&t, NULL, sleeper, &p[0]), 0);
	sleep_ms(50);
	for (int i = 0; i < HOT; i++)
		EXPECT_EQ(call_cmp(SYS_getpid, 0, 0, 0), getpid());
	EXPECT_EQ(write(p[1], "z", 1), 1);
	EXPECT_EQ(pthread_join(t, &ret), 0);
	EXPECT_EQ((long)ret, 1);
}

CASE(fork_from_a_process_with_hot_sites)
{
	for (int i = 0; i < HOT; i++)
		call_mov();
	for (int i = 0; i < 10; i++) {
		pid_t me = getpid(), child = fork();
		if (!child) {
			for (int k = 0; k < HOT; k++)
				if (call_mov() != me || call_cmp(SYS_getpid, 0, 0, 0) == me)
					_exit(1);
			_exit(0);
		}
		expect_exit(child, 0);
	}
}

CASE(text_made_writable_can_be_changed)
{
	/* a page of code of this program: hot first, then written by itself */
	unsigned char *page = (unsigned char *)((uintptr_t)&call_mov & ~4095UL);
	unsigned char before;
	for (int i = 0; i < HOT; i++)
		call_mov();
	OK(mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC));
	before = *(unsigned char *)(uintptr_t)&call_mov;
	*(volatile unsigned char *)(uintptr_t)&call_mov = 0xc3; /* ret */
	call_mov();
	*(volatile unsigned char *)(uintptr_t)&call_mov = before;
	OK(mprotect(page, 8192, PROT_READ | PROT_EXEC));
	EXPECT_EQ(call_mov(), getppid());
}

CASE(generated_code_makes_calls)
{
	static const unsigned char code[] = {0xb8, 39,   0,    0,
					     0,    0x0f, 0x05, 0xc3}; /* mov $39,%eax; syscall; ret */
	unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	memcpy(p, code, sizeof(code));
	OK(mprotect(p, 4096, PROT_READ | PROT_EXEC));
	for (int i = 0; i < HOT; i++)
		EXPECT_EQ(((long (*)(void))(uintptr_t)p)(), getpid());
	EXPECT_EQ(memcmp(p, code, sizeof(code)), 0);
	/* the generator changes the number: the next call must be the other one */
	OK(mprotect(p, 4096, PROT_READ | PROT_WRITE));
	p[1] = 110;
	OK(mprotect(p, 4096, PROT_READ | PROT_EXEC));
	EXPECT_EQ(((long (*)(void))(uintptr_t)p)(), getppid());
}

CASE(gs_belongs_to_the_guest)
{
	unsigned long area[4] = {0, 0, 77, 0}, base = 1, v;
	for (int i = 0; i < HOT; i++)
		call_mov();
	OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	EXPECT_EQ(base, 0);
	OK(syscall(SYS_arch_prctl, ARCH_SET_GS, area));
	for (int i = 0; i < HOT; i++) {
		EXPECT_EQ(call_mov(), getppid());
		__asm__ volatile("mov %%gs:16, %0" : "=r"(v));
		EXPECT_EQ(v, 77);
	}
	OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	EXPECT_EQ(base, (unsigned long)area);
	OK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0UL));
	EXPECT_EQ(call_mov(), getppid());
}

CASE(jump_to_the_syscall_instruction_of_a_hot_site)
{
	/* the same instruction with another number, reached from elsewhere */
	for (int i = 0; i < HOT; i++) {
		long ret;
		__asm__ volatile("mov $110, %%ecx\n\t"
				 "test $1, %%edx\n\tjz 1f\n\t"
				 "mov $39, %%eax\n\tjmp 2f\n"
				 "1:\tmov $110, %%eax\n"
				 "2:\tsyscall"
				 : "=a"(ret)
				 : "d"(i)
				 : "rcx", "r11", "memory", "cc");
		EXPECT_EQ(ret, i & 1 ? getpid() : getppid());
	}
}

CASE(vfork_and_exec_from_hot_sites)
{
	for (int i = 0; i < 20; i++) {
		pid_t child = vfork();
		if (!child) {
			syscall(SYS_getppid);
			_exit(3);
		}
		expect_exit(child, 3);
	}
}

/* A copy of this program that changes its own inode while its calls are hot, and goes on calling from another
 * place. */
static void child_of_changed_file(int round)
{
	pid_t parent = getppid();
	uid_t uid = getuid();

	for (int i = 0; i < HOT; i++) {
		EXPECT_EQ(call_mov(), parent);
		if (round) /* a site that gets hot only in a later process */
			EXPECT_EQ(getuid(), uid);
	}
	OK(chmod("self", 0755)); /* ctime */
	OK(utimensat(AT_FDCWD, "self", NULL, 0));
	for (int i = 0; i < HOT; i++) {
		EXPECT_EQ(call_cmp(SYS_getpid, 0, 0, 0), getpid());
		EXPECT_EQ(call_mov(), parent);
	}
}

CASE(file_changes_while_its_text_is_hot)
{
	char block[65536];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY), out;

	if (getenv("CALLSITE_CHILD")) {
		child_of_changed_file(atoi(getenv("CALLSITE_CHILD")));
		return;
	}
	OK(in);
	OK(out = open("self", O_WRONLY | O_CREAT | O_EXCL, 0700));
	while ((n = read(in, block, sizeof(block))) > 0)
		EXPECT_EQ(write(out, block, (size_t)n), n);
	close(out);
	for (int i = 0; i < 12; i++) {
		pid_t pid;
		OK(setenv("CALLSITE_CHILD", i ? "1" : "0", 1));
		pid = fork();
		if (!pid) {
			execl("./self", "self", "--case", "file_changes_while_its_text_is_hot", NULL);
			_exit(9);
		}
		expect_exit(pid, 0);
	}
}

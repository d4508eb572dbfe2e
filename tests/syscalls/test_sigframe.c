/* Where a signal handler's frame is written, what is in it, and what happens if it cannot be. sigaction(2),
 * sigaltstack(2), sigreturn(2), mmap(2). */
#include "case.h"

#include <immintrin.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>

#define STACK 65536

static char *volatile handler_sp;
static volatile int calls;
static siginfo_t last_info;
static ucontext_t last_context;

static void note(int sig, siginfo_t *info, void *context)
{
	char here;

	handler_sp = &here;
	last_info = *info;
	last_context = *(ucontext_t *)context;
	calls++;
}

static void handle(int sig, int flags)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};

	EXPECT_EQ(sigaction(sig, &sa, NULL), 0);
}

static void *stack_of(int prot, int flags, int fd)
{
	void *p = mmap(NULL, STACK, prot, flags, fd, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

static void use_stack(void *p)
{
	stack_t ss = {.ss_sp = p, .ss_size = STACK};

	EXPECT_EQ(sigaltstack(&ss, NULL), 0);
}

static int on_stack(const void *p)
{
	return handler_sp > (char *)p && handler_sp < (char *)p + STACK;
}

/* One signal whose handler runs on the memory at p, and comes back. */
static void signal_there(void *p)
{
	use_stack(p);
	handle(SIGUSR1, SA_ONSTACK);
	calls = 0;
	EXPECT_EQ(raise(SIGUSR1), 0);
	EXPECT_EQ(calls, 1);
	EXPECT(on_stack(p));
	EXPECT_EQ(last_info.si_signo, SIGUSR1);
	EXPECT_EQ(last_info.si_code, SI_TKILL);
	EXPECT_EQ(last_info.si_pid, getpid());
}

CASE(on_fresh_anonymous_memory)
{
	signal_there(stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}
CASE(on_memory_not_reserved)
{
	signal_there(stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1));
}
CASE(on_shared_anonymous_memory)
{
	signal_there(stack_of(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1));
}
CASE(on_a_private_mapping_of_a_file)
{
	int fd = make_file("f", "x");

	EXPECT_EQ(ftruncate(fd, STACK), 0);
	signal_there(stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd));
}
CASE(on_a_shared_mapping_of_a_file)
{
	char zero[STACK] = {0}, now[STACK];
	int fd = make_file("f", "");

	EXPECT_EQ(ftruncate(fd, STACK), 0);
	signal_there(stack_of(PROT_READ | PROT_WRITE, MAP_SHARED, fd));
	EXPECT_EQ(pread(fd, now, STACK, 0), STACK);
	EXPECT(memcmp(now, zero, STACK) != 0); /* the frame is in the file */
}
CASE(on_memory_copied_by_fork)
{
	char *p = stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pid_t pid;

	memset(p, 5, STACK);
	pid = fork();
	if (!pid) {
		signal_there(p);
		_exit(0);
	}
	expect_exit(pid, 0);
	for (int i = 0; i < STACK; i++)
		EXPECT_EQ(p[i], 5);
}
CASE(on_memory_given_back)
{
	char *p = stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memset(p, 5, STACK);
	EXPECT_EQ(madvise(p, STACK, MADV_DONTNEED), 0);
	signal_there(p);
}
CASE(across_two_mappings)
{
	char *p = stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	/* the frame's upper part lies in memory of a file */
	int fd = make_file("f", "");
	EXPECT_EQ(ftruncate(fd, 4096), 0);
	EXPECT(mmap(p + STACK - 1024 * 4, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
	       MAP_FAILED);
	stack_t ss = {.ss_sp = p, .ss_size = STACK - 2048};
	EXPECT_EQ(sigaltstack(&ss, NULL), 0);
	handle(SIGUSR1, SA_ONSTACK);
	EXPECT_EQ(raise(SIGUSR1), 0);
	EXPECT_EQ(calls, 1);
	EXPECT(on_stack(p));
}

/* ---- a frame that cannot be written ---- */

static int dies_with_stack(void *p)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		use_stack(p);
		handle(SIGUSR1, SA_ONSTACK);
		raise(SIGUSR1);
		_exit(1);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

CASE(read_only_stack_kills)
{
	EXPECT_EQ(dies_with_stack(stack_of(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1)), SIGSEGV);
}
CASE(no_access_kills)
{
	EXPECT_EQ(dies_with_stack(stack_of(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1)), SIGSEGV);
}
CASE(unmapped_stack_kills)
{
	void *p = stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	EXPECT_EQ(munmap(p, STACK), 0);
	EXPECT_EQ(dies_with_stack(p), SIGSEGV);
}
CASE(behind_the_end_of_a_file_kills)
{
	EXPECT_EQ(dies_with_stack(stack_of(PROT_READ | PROT_WRITE, MAP_SHARED, make_file("f", ""))), SIGSEGV);
}
CASE(a_hole_in_the_frame_s_place_kills)
{
	char *p = stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	EXPECT_EQ(mprotect(p + STACK - 4096, 4096, PROT_READ), 0);
	EXPECT_EQ(dies_with_stack(p), SIGSEGV);
}

static sigjmp_buf out;
static void *volatile fault_at;

static void escape(int sig, siginfo_t *info, void *context)
{
	fault_at = info->si_addr;
	siglongjmp(out, 1);
}

CASE(a_handler_of_sigsegv_with_a_stack_of_its_own_hears_of_it)
{
	struct sigaction sa = {.sa_sigaction = escape, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	volatile int second = 0;

	/* SIGUSR1's frame would go on the ordinary stack, which the thread has set to nowhere */
	use_stack(stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	EXPECT_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	handle(SIGUSR1, 0);
	if (!sigsetjmp(out, 1)) {
		long pid = getpid(), tid = syscall(SYS_gettid), nr = SYS_tgkill;
		__asm__ volatile("mov %%rsp, %%rbx\n"
				 "mov $0x1000, %%esp\n"
				 "syscall\n"
				 "mov %%rbx, %%rsp\n"
				 : "+a"(nr)
				 : "D"(pid), "S"(tid), "d"((long)SIGUSR1)
				 : "rbx", "rcx", "r11", "memory");
	} else {
		second = 1;
	}
	EXPECT_EQ(second, 1);
	EXPECT_EQ(calls, 0);
}

/* ---- what is in it ---- */

CASE(two_signals_at_once_have_a_frame_each)
{
	sigset_t both, old;

	handle(SIGUSR1, 0);
	handle(SIGUSR2, 0);
	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	EXPECT_EQ(sigprocmask(SIG_BLOCK, &both, &old), 0);
	EXPECT_EQ(raise(SIGUSR1), 0);
	EXPECT_EQ(raise(SIGUSR2), 0);
	for (int i = 0; i < 100; i++) {
		calls = 0;
		EXPECT_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
		EXPECT_EQ(calls, 2);
		EXPECT_EQ(sigprocmask(SIG_BLOCK, &both, NULL), 0);
		EXPECT_EQ(raise(SIGUSR1), 0);
		EXPECT_EQ(raise(SIGUSR2), 0);
	}
	EXPECT_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}
CASE(with_the_result_of_the_call_that_it_ends)
{
	/* a read that has filled its buffer, and a signal that came meanwhile: both are there */
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	int p[2];

	EXPECT_EQ(sigaction(SIGIO, &sa, NULL), 0);
	EXPECT_EQ(pipe(p), 0);
	EXPECT_EQ(fcntl(p[0], F_SETOWN, getpid()), 0);
	EXPECT_EQ(fcntl(p[0], F_SETFL, O_ASYNC), 0);
	for (int i = 0; i < 200; i++) {
		char in[100], back[100];
		memset(in, i, sizeof(in));
		calls = 0;
		EXPECT_EQ(write(p[1], in, sizeof(in)), (long)sizeof(in));
		EXPECT(calls > 0);
		EXPECT_EQ(read(p[0], back, sizeof(back)), (long)sizeof(back));
		EXPECT(!memcmp(in, back, sizeof(in)));
	}
}
CASE(vector_registers_come_back)
{
	handle(SIGUSR1, 0);
	for (int i = 0; i < 100; i++) {
		__m128i a = _mm_set1_epi32(i), b;
		long nr = SYS_tgkill;
		__asm__ volatile("movdqa %[a], %%xmm7\n"
				 "syscall\n"
				 "movdqa %%xmm7, %[b]\n"
				 : "+a"(nr), [b] "=x"(b)
				 : [a] "x"(a), "D"((long)getpid()), "S"((long)syscall(SYS_gettid)),
				   "d"((long)SIGUSR1)
				 : "rcx", "r11", "memory", "xmm7");
		EXPECT_EQ(nr, 0);
		EXPECT_EQ(_mm_cvtsi128_si32(b), i);
		/* and the handler saw them in its frame */
		EXPECT_EQ((int)last_context.uc_mcontext.fpregs->_xmm[7].element[0], i);
	}
	EXPECT_EQ(calls, 100);
}
CASE(the_red_zone_is_left_alone)
{
	handle(SIGUSR1, 0);
	for (int i = 0; i < 100; i++) {
		long nr = SYS_tgkill, back;
		__asm__ volatile("movq %[i], -8(%%rsp)\n"
				 "movq %[i], -128(%%rsp)\n"
				 "syscall\n"
				 "movq -8(%%rsp), %[back]\n"
				 "addq -128(%%rsp), %[back]\n"
				 : "+a"(nr), [back] "=&r"(back)
				 : [i] "r"((long)i), "D"((long)getpid()), "S"((long)syscall(SYS_gettid)),
				   "d"((long)SIGUSR1)
				 : "rcx", "r11", "memory");
		EXPECT_EQ(back, 2L * i);
	}
	EXPECT_EQ(calls, 100);
}

static void *storm(void *arg)
{
	for (int i = 0; i < 2000; i++)
		pthread_kill(*(pthread_t *)arg, SIGUSR2);
	return NULL;
}

CASE(signals_from_another_thread_while_the_stack_is_remapped)
{
	pthread_t self = pthread_self(), other;
	char *p = stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	use_stack(p);
	handle(SIGUSR2, SA_ONSTACK);
	EXPECT_EQ(pthread_create(&other, NULL, storm, &self), 0);
	for (int i = 0; i < 200; i++) {
		sigset_t all, old;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		EXPECT(mmap(p, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) == p);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	EXPECT_EQ(pthread_join(other, NULL), 0);
	EXPECT(calls > 0);
}

/* ---- a stack that somebody takes away ---- */

static char *volatile shaky;

static void *shake(void *arg)
{
	for (int i = 0; i < 400; i++) {
		mprotect(shaky, STACK, PROT_READ);
		mprotect(shaky, STACK, PROT_READ | PROT_WRITE);
		munmap(shaky, STACK);
		mmap(shaky, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return NULL;
}

CASE(a_stack_taken_away_meanwhile_kills_or_does_not)
{
	for (int round = 0; round < 8; round++) {
		pid_t pid = fork();
		int status;
		if (!pid) {
			pthread_t other;
			struct rlimit none = {0, 0};
			setrlimit(RLIMIT_CORE, &none);
			shaky = stack_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
			use_stack(shaky);
			handle(SIGUSR2, SA_ONSTACK);
			pthread_create(&other, NULL, shake, NULL);
			while (pthread_tryjoin_np(other, NULL))
				raise(SIGUSR2);
			_exit(7);
		}
		EXPECT_EQ(waitpid(pid, &status, 0), pid);
		EXPECT((WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) ||
		       (WIFEXITED(status) && WEXITSTATUS(status) == 7));
	}
}

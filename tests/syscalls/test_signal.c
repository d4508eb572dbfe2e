/* signal(7): actions, masks, queues, delivery, faults, stop and continue. */
#include "case.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

static volatile sig_atomic_t hits, last_sig, order[32];
static siginfo_t info;

static void count(int sig)
{
	hits++;
	last_sig = sig;
}
static void detail(int sig, siginfo_t *si, void *ctx)
{
	if (hits < 32)
		order[hits] = si->si_value.sival_int;
	hits++;
	last_sig = sig;
	info = *si;
}
static void install(int sig, int flags)
{
	struct sigaction sa = {.sa_sigaction = detail, .sa_flags = flags | SA_SIGINFO};
	OK(sigaction(sig, &sa, NULL));
}
static sigset_t set_of(int sig)
{
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, sig);
	return s;
}

CASE(handler_runs_before_kill_returns)
{
	install(SIGUSR1, 0);
	OK(kill(getpid(), SIGUSR1));
	EXPECT_EQ(hits, 1);
	EXPECT_EQ(info.si_code, SI_USER);
	EXPECT_EQ(info.si_pid, getpid());
	EXPECT_EQ(info.si_uid, getuid());
}
CASE(tgkill_code)
{
	install(SIGUSR1, 0);
	OK(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1));
	EXPECT_EQ(info.si_code, SI_TKILL);
	EXPECT_ERRNO(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1), ESRCH);
	EXPECT_ERRNO(syscall(SYS_tgkill, -1, 1, SIGUSR1), EINVAL);
}
CASE(sigaction_errors)
{
	struct sigaction sa = {.sa_handler = count};
	EXPECT_ERRNO(sigaction(SIGKILL, &sa, NULL), EINVAL);
	EXPECT_ERRNO(sigaction(SIGSTOP, &sa, NULL), EINVAL);
	EXPECT_ERRNO(syscall(SYS_rt_sigaction, 65, &sa, NULL, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
	EXPECT_ERRNO(kill(getpid(), 65), EINVAL);
}
CASE(blocked_signal_waits)
{
	sigset_t s = set_of(SIGUSR1), pending;
	install(SIGUSR1, 0);
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	OK(raise(SIGUSR1));
	OK(raise(SIGUSR1));
	EXPECT_EQ(hits, 0);
	OK(sigpending(&pending));
	EXPECT(sigismember(&pending, SIGUSR1));
	OK(sigprocmask(SIG_UNBLOCK, &s, NULL));
	EXPECT_EQ(hits, 1); /* standard signals do not queue */
}
CASE(handler_blocks_itself_and_its_mask)
{
	struct sigaction sa = {.sa_sigaction = detail, .sa_flags = SA_SIGINFO, .sa_mask = set_of(SIGUSR2)};
	sigset_t now;
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(raise(SIGUSR1));
	OK(sigprocmask(SIG_BLOCK, NULL, &now));
	EXPECT(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
}
static sigset_t mask_inside;
static void note_mask(int sig)
{
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}
CASE(mask_while_a_handler_runs)
{
	struct sigaction sa = {.sa_handler = note_mask, .sa_mask = set_of(SIGUSR2)};
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(raise(SIGUSR1));
	EXPECT(sigismember(&mask_inside, SIGUSR1) && sigismember(&mask_inside, SIGUSR2));
	sa.sa_flags = SA_NODEFER;
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(raise(SIGUSR1));
	EXPECT(!sigismember(&mask_inside, SIGUSR1));
}
CASE(resethand_once)
{
	struct sigaction sa = {.sa_handler = count, .sa_flags = (int)SA_RESETHAND}, now;
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(raise(SIGUSR1));
	EXPECT_EQ(hits, 1);
	OK(sigaction(SIGUSR1, NULL, &now));
	EXPECT(now.sa_handler == SIG_DFL);
}
CASE(realtime_signals_queue_in_order)
{
	sigset_t s;
	sigemptyset(&s);
	for (int sig = SIGRTMIN; sig < SIGRTMIN + 2; sig++) {
		install(sig, 0);
		sigaddset(&s, sig);
	}
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 30}));
	OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 10}));
	OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 20}));
	OK(sigprocmask(SIG_UNBLOCK, &s, NULL));
	EXPECT_EQ(hits, 3);
	/* handlers nest: the lowest number is taken first and so runs last of all set-up frames */
	EXPECT(order[0] + order[1] + order[2] == 60);
	EXPECT_EQ(info.si_code, SI_QUEUE);
}
CASE(sigqueue_value)
{
	install(SIGUSR1, 0);
	OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 42}));
	EXPECT_EQ(info.si_value.sival_int, 42);
	EXPECT_EQ(info.si_pid, getpid());
}
CASE(sigsuspend_swaps_the_mask)
{
	sigset_t s = set_of(SIGUSR1), none, after;
	sigemptyset(&none);
	install(SIGUSR1, 0);
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	OK(raise(SIGUSR1));
	EXPECT_ERRNO(sigsuspend(&none), EINTR);
	EXPECT_EQ(hits, 1);
	OK(sigprocmask(SIG_BLOCK, NULL, &after));
	EXPECT(sigismember(&after, SIGUSR1));
}
CASE(sigtimedwait_takes)
{
	struct timespec ts = {0, 50000000};
	sigset_t s = set_of(SIGUSR1);
	siginfo_t si;
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	EXPECT_ERRNO(sigtimedwait(&s, &si, &ts), EAGAIN);
	OK(raise(SIGUSR1));
	EXPECT_EQ(sigtimedwait(&s, &si, &ts), SIGUSR1);
	EXPECT_EQ(si.si_signo, SIGUSR1);
}
CASE(sigwait_woken_by_child)
{
	sigset_t s = set_of(SIGCHLD);
	int sig;
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(50);
		_exit(0);
	}
	EXPECT_EQ(sigwait(&s, &sig), 0);
	EXPECT_EQ(sig, SIGCHLD);
	expect_exit(pid, 0);
}
static pid_t signal_later(int sig, unsigned ms)
{
	pid_t parent = getpid(), pid = fork();
	if (!pid) {
		sleep_ms(ms);
		kill(parent, sig);
		_exit(0);
	}
	return pid;
}
CASE(read_is_interrupted)
{
	char c;
	int p[2];
	OK(pipe(p));
	install(SIGUSR1, 0);
	signal_later(SIGUSR1, 50);
	EXPECT_ERRNO(read(p[0], &c, 1), EINTR);
	EXPECT_EQ(hits, 1);
}
CASE(read_is_restarted)
{
	char c;
	int p[2];
	OK(pipe(p));
	install(SIGUSR1, SA_RESTART);
	pid_t parent = getpid();
	if (!fork()) {
		sleep_ms(50);
		kill(parent, SIGUSR1);
		sleep_ms(50);
		_exit(write(p[1], "z", 1) != 1);
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	EXPECT_EQ(hits, 1);
}
CASE(nanosleep_reports_the_rest)
{
	struct timespec ts = {5, 0}, left = {0, 0};
	install(SIGUSR1, SA_RESTART);
	signal_later(SIGUSR1, 50);
	EXPECT_ERRNO(nanosleep(&ts, &left), EINTR);
	EXPECT_EQ(left.tv_sec, 4);
}
CASE(pause_returns_after_a_handler)
{
	install(SIGUSR1, SA_RESTART);
	signal_later(SIGUSR1, 50);
	EXPECT_ERRNO(pause(), EINTR);
}
CASE(ignored_signal_does_not_interrupt)
{
	struct timespec ts = {0, 150000000};
	signal(SIGUSR1, SIG_IGN);
	signal_later(SIGUSR1, 30);
	OK(nanosleep(&ts, NULL));
}
CASE(handler_runs_in_busy_code)
{
	install(SIGALRM, 0);
	alarm(1);
	while (!hits)
		;
	EXPECT_EQ(last_sig, SIGALRM);
}
CASE(alternate_stack)
{
	static char stack[65536];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;
	OK(sigaltstack(&ss, NULL));
	install(SIGUSR1, SA_ONSTACK);
	OK(raise(SIGUSR1));
	EXPECT_EQ(hits, 1);
	OK(sigaltstack(NULL, &old));
	EXPECT(old.ss_sp == stack && old.ss_flags == 0);
	ss.ss_size = 100;
	EXPECT_ERRNO(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_flags = 0x40;
	EXPECT_ERRNO(sigaltstack(&ss, NULL), EINVAL);
}
static void overflow_handler(int sig, siginfo_t *si, void *ctx)
{
	_exit(55);
}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int recurse(int n)
{
	volatile char pad[4096];
	pad[0] = (char)n;
	return recurse(n + 1) + pad[0];
}
#pragma GCC diagnostic pop
CASE(stack_overflow_on_the_alternate_stack)
{
	pid_t pid = fork();
	if (!pid) {
		static char stack[65536];
		stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
		struct sigaction sa = {.sa_sigaction = overflow_handler, .sa_flags = SA_ONSTACK | SA_SIGINFO};
		sigaltstack(&ss, NULL);
		sigaction(SIGSEGV, &sa, NULL);
		_exit(recurse(0));
	}
	expect_exit(pid, 55);
}

/* ---- faults ---- */

static sigjmp_buf back;
static void fault(int sig, siginfo_t *si, void *ctx)
{
	info = *si;
	siglongjmp(back, sig);
}
static int fault_in(int sig, void (*fn)(void *), void *arg)
{
	struct sigaction sa = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
	int got;
	OK(sigaction(sig, &sa, NULL));
	got = sigsetjmp(back, 1);
	if (!got)
		fn(arg);
	return got;
}
static void store(void *p)
{
	*(volatile char *)p = 1;
}
static void divide(void *p)
{
	volatile int zero = 0, one = 1;
	one = one / zero;
}
static void illegal(void *p)
{
	__asm__ volatile("ud2");
}
static void trap(void *p)
{
	__asm__ volatile("int3");
}
CASE(segv_unmapped)
{
	EXPECT_EQ(fault_in(SIGSEGV, store, (void *)0x12000), SIGSEGV);
	EXPECT_EQ(info.si_code, SEGV_MAPERR);
	EXPECT(info.si_addr == (void *)0x12000);
}
CASE(segv_read_only)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_EQ(fault_in(SIGSEGV, store, p + 10), SIGSEGV);
	EXPECT_EQ(info.si_code, SEGV_ACCERR);
	EXPECT(info.si_addr == p + 10);
}
CASE(sigbus_beyond_the_file)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, make_file("f", "x"), 0);
	EXPECT_EQ(fault_in(SIGBUS, store, p + 4096), SIGBUS);
	EXPECT_EQ(info.si_code, BUS_ADRERR);
}
CASE(fpe_division)
{
	EXPECT_EQ(fault_in(SIGFPE, divide, NULL), SIGFPE);
	EXPECT_EQ(info.si_code, FPE_INTDIV);
}
CASE(ill_instruction)
{
	EXPECT_EQ(fault_in(SIGILL, illegal, NULL), SIGILL);
	EXPECT_EQ(info.si_code, ILL_ILLOPN);
}
CASE(trap_instruction)
{
	EXPECT_EQ(fault_in(SIGTRAP, trap, NULL), SIGTRAP);
}
CASE(fault_kills_by_default)
{
	pid_t pid = fork();
	if (!pid)
		store((void *)8);
	expect_signal(pid, SIGSEGV);
}
CASE(blocked_fault_kills)
{
	pid_t pid = fork();
	if (!pid) {
		sigset_t s = set_of(SIGSEGV);
		sigprocmask(SIG_BLOCK, &s, NULL);
		install(SIGSEGV, 0);
		store((void *)8);
	}
	expect_signal(pid, SIGSEGV);
}
static void skip_ud2(int sig, siginfo_t *si, void *ctx)
{
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP] += 2;
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RBX] = 0x1122334455667788;
}
CASE(handler_changes_the_context)
{
	struct sigaction sa = {.sa_sigaction = skip_ud2, .sa_flags = SA_SIGINFO};
	long rbx = 0;
	OK(sigaction(SIGILL, &sa, NULL));
	__asm__ volatile("ud2" : "=b"(rbx));
	EXPECT_EQ(rbx, 0x1122334455667788);
}
CASE(vector_registers_survive_a_handler)
{
	double x[4] = {1.5, 2.5, 3.5, 4.5}, y[4] = {0};
	install(SIGUSR1, 0);
	long nr = SYS_tgkill, pid = getpid(), tid = syscall(SYS_gettid), sig = SIGUSR1, ret;
	__asm__ volatile("movupd (%[x]), %%xmm6\n\tmovupd 16(%[x]), %%xmm7\n\tsyscall\n\tmovupd %%xmm6, "
			 "(%[y])\n\tmovupd %%xmm7, 16(%[y])"
			 : "=a"(ret)
			 : "a"(nr), "D"(pid), "S"(tid), "d"(sig), [x] "r"(x), [y] "r"(y)
			 : "rcx", "r11", "xmm6", "xmm7", "memory");
	EXPECT_EQ(ret, 0);
	EXPECT_EQ(hits, 1);
	EXPECT(!memcmp(x, y, sizeof(x)));
}

/* ---- stop and continue ---- */

CASE(stop_and_continue_are_reported)
{
	int status;
	pid_t pid = fork();
	if (!pid)
		for (;;)
			pause();
	OK(kill(pid, SIGSTOP));
	EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	OK(kill(pid, SIGCONT));
	EXPECT_EQ(waitpid(pid, &status, WCONTINUED), pid);
	EXPECT(WIFCONTINUED(status));
	OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}
CASE(stopped_process_takes_only_kill)
{
	int status;
	pid_t pid = fork();
	if (!pid) {
		raise(SIGSTOP);
		_exit(3);
	}
	EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(kill(pid, SIGTERM));
	sleep_ms(50);
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	OK(kill(pid, SIGCONT));
	expect_signal(pid, SIGTERM);
}
CASE(sigchld_tells_of_a_stop)
{
	install(SIGCHLD, 0);
	pid_t pid = fork();
	if (!pid)
		for (;;)
			pause();
	OK(kill(pid, SIGSTOP));
	for (int i = 0; i < 100 && !hits; i++)
		sleep_ms(10);
	EXPECT_EQ(info.si_code, CLD_STOPPED);
	EXPECT_EQ(info.si_pid, pid);
	EXPECT_EQ(info.si_status, SIGSTOP);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}
CASE(kill_process_group)
{
	pid_t pids[3];
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (!pids[i])
			for (;;)
				pause();
		OK(setpgid(pids[i], pids[0]));
	}
	OK(kill(-pids[0], SIGTERM));
	for (int i = 0; i < 3; i++)
		expect_signal(pids[i], SIGTERM);
	EXPECT_ERRNO(kill(-pids[0], 0), ESRCH);
}
CASE(kill_permissions)
{
	pid_t pid = fork();
	if (!pid)
		for (;;)
			pause();
	pid_t other = fork();
	if (!other) {
		OK(setuid(65534));
		EXPECT_ERRNO(kill(pid, SIGTERM), EPERM);
		EXPECT_ERRNO(kill(pid, 0), EPERM);
		_exit(0);
	}
	expect_exit(other, 0);
	OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}
static void *wait_here(void *arg)
{
	while (!hits)
		sleep_ms(5);
	return NULL;
}
CASE(signal_to_one_thread)
{
	pthread_t t;
	install(SIGUSR1, 0);
	EXPECT_EQ(pthread_create(&t, NULL, wait_here, NULL), 0);
	EXPECT_EQ(pthread_kill(t, SIGUSR1), 0);
	EXPECT_EQ(pthread_join(t, NULL), 0);
	EXPECT_EQ(hits, 1);
}
CASE(blocked_thread_leaves_it_to_another)
{
	sigset_t s = set_of(SIGUSR1);
	pthread_t t;
	install(SIGUSR1, 0);
	EXPECT_EQ(pthread_create(&t, NULL, wait_here, NULL), 0);
	sleep_ms(20);
	OK(pthread_sigmask(SIG_BLOCK, &s, NULL));
	OK(kill(getpid(), SIGUSR1));
	EXPECT_EQ(pthread_join(t, NULL), 0);
	EXPECT_EQ(hits, 1);
}

/* ---- a mask that changes all the time, beside a sender ---- */

static _Atomic int stop_flipping;
static void *flip_mask(void *arg)
{
	sigset_t s = set_of(SIGUSR1), old, now;

	while (!stop_flipping) {
		pthread_sigmask(SIG_BLOCK, &s, &old);
		if (sigismember(&old, SIGUSR1))
			stop_flipping = 2;
		pthread_sigmask(SIG_SETMASK, &old, &now);
		if (!sigismember(&now, SIGUSR1))
			stop_flipping = 3;
	}
	return NULL;
}
/* Each signal is handled soon, though nobody does anything but change masks: none gets lost in between. */
static void send_to_flippers(int to_thread)
{
	sigset_t s = set_of(SIGUSR1);
	pthread_t t[2];

	stop_flipping = 0;
	install(SIGUSR1, 0);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, flip_mask, NULL), 0);
	OK(pthread_sigmask(SIG_BLOCK, &s, NULL));
	for (int n = 1; n <= 300 && !stop_flipping; n++) {
		EXPECT_EQ(to_thread ? pthread_kill(t[n & 1], SIGUSR1) : kill(getpid(), SIGUSR1), 0);
		for (int patience = 0; hits < n && !stop_flipping; patience++) {
			EXPECT(patience < 20000);
			usleep(1000);
		}
	}
	EXPECT_EQ(stop_flipping, 0);
	EXPECT_EQ(hits, 300);
	stop_flipping = 1;
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(pthread_join(t[i], NULL), 0);
}
CASE(thread_signals_reach_a_changing_mask)
{
	send_to_flippers(1);
}
CASE(process_signals_reach_a_changing_mask)
{
	send_to_flippers(0);
}
static void *mask_kept_busy(void *arg)
{
	sigset_t s = set_of(SIGUSR2), now;

	pthread_sigmask(SIG_BLOCK, &s, NULL);
	*(_Atomic pid_t *)arg = gettid();
	for (;;)
		pthread_sigmask(SIG_BLOCK, NULL, &now);
	return NULL;
}
CASE(status_shows_the_mask_of_a_running_thread)
{
	static _Atomic pid_t tid;
	char path[64], line[256];
	unsigned long blocked = 0;
	pthread_t t;
	FILE *f;

	EXPECT_EQ(pthread_create(&t, NULL, mask_kept_busy, (void *)&tid), 0);
	while (!tid)
		sleep_ms(1);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
	f = fopen(path, "r");
	EXPECT(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "SigBlk: %lx", &blocked);
	fclose(f);
	EXPECT_EQ(blocked, 1UL << (SIGUSR2 - 1));
}
CASE(sigprocmask_bad_arguments)
{
	sigset_t s = set_of(SIGUSR1), now;

	EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, 7, &s, NULL, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &s, NULL, 4), EINVAL);
	EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)8, NULL, 8), EFAULT);
	OK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8));
	EXPECT(!sigismember(&now, SIGUSR1));
	EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, 7, NULL, (void *)8, 8),
		     EFAULT); /* how is not looked at without a set */
	sigfillset(&s);
	OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &s, NULL, 8));
	OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &s, &s, 8)); /* one place for both */
	EXPECT(!sigismember(&s, SIGKILL) && !sigismember(&s, SIGSTOP) && sigismember(&s, SIGTERM));
}

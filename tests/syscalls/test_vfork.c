/*
 * vfork(2), and clone(2) with CLONE_VFORK: the parent stands still until the child has other memory or has
 * ended, and finds everything of its own as it left it: registers, thread pointer, mask, ids. The child is a
 * process like any other: it can be stopped and killed, and lives on if its parent dies.
 */
#include "case.h"

#include <asm/prctl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

extern char **environ;

static void *shared_page(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

/* vfork; the child overwrites all it can and exits with 5. The result, and what the parent then has in there.
 */
struct seen {
	uint64_t general[4];
	double vector;
	uint32_t mxcsr;
};

static long vfork_and_spoil(struct seen *seen)
{
	long ret;

	__asm__ volatile("mov $0x1111, %%r12\n"
			 "mov $0x2222, %%r13\n"
			 "mov $0x3333, %%r14\n"
			 "mov $0x4444, %%r15\n"
			 "mov $58, %%eax\n" /* vfork */
			 "syscall\n"
			 "test %%rax, %%rax\n"
			 "jnz 1f\n"
			 "xor %%r12d, %%r12d\n"
			 "xor %%r13d, %%r13d\n"
			 "xor %%r14d, %%r14d\n"
			 "xor %%r15d, %%r15d\n"
			 "pxor %%xmm6, %%xmm6\n"
			 "movl $0x5f80, -4(%%rsp)\n"
			 "ldmxcsr -4(%%rsp)\n"
			 "mov $5, %%edi\n"
			 "mov $60, %%eax\n" /* exit */
			 "syscall\n"
			 "1: mov %%r12, (%2)\n"
			 "mov %%r13, 8(%2)\n"
			 "mov %%r14, 16(%2)\n"
			 "mov %%r15, 24(%2)\n"
			 "movsd %%xmm6, 32(%2)\n"
			 "stmxcsr 40(%2)\n"
			 : "=&a"(ret)
			 : "0"(58), "b"(seen)
			 : "rcx", "r11", "rdi", "r12", "r13", "r14", "r15", "memory", "cc");
	return ret;
}

CASE(registers_are_as_they_were)
{
	struct seen seen = {0};
	double pi = 3.25;
	uint32_t mxcsr;
	long pid;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	__asm__ volatile("movsd %0, %%xmm6" ::"m"(pi) : "xmm6");
	pid = vfork_and_spoil(&seen);
	EXPECT(pid > 0);
	EXPECT_EQ(seen.general[0], 0x1111);
	EXPECT_EQ(seen.general[1], 0x2222);
	EXPECT_EQ(seen.general[2], 0x3333);
	EXPECT_EQ(seen.general[3], 0x4444);
	EXPECT(seen.vector == pi);
	EXPECT_EQ(seen.mxcsr, mxcsr);
	expect_exit((pid_t)pid, 5);
}

CASE(thread_pointer_is_the_parents)
{
	static char area[4096] __attribute__((aligned(64)));
	uint64_t before, after;
	pid_t pid;

	EXPECT_EQ(syscall(SYS_arch_prctl, ARCH_GET_FS, &before), 0);
	pid = vfork();
	if (!pid) {
		register long nr __asm__("rax") = SYS_arch_prctl;
		register long how __asm__("rdi") = ARCH_SET_FS;
		register void *where __asm__("rsi") = area;
		__asm__ volatile("syscall\n"
				 "mov $60, %%eax\n"
				 "mov $6, %%edi\n"
				 "syscall"
				 :
				 : "r"(nr), "r"(how), "r"(where)
				 : "rcx", "r11", "memory");
	}
	EXPECT_EQ(syscall(SYS_arch_prctl, ARCH_GET_FS, &after), 0);
	EXPECT_EQ(after, before);
	errno = 0; /* lies behind it */
	expect_exit(pid, 6);
}

CASE(ids_are_each_ones_own)
{
	static volatile pid_t child[3];
	pid_t self = getpid(), pid = vfork();

	if (!pid) {
		child[0] = getpid();
		child[1] = (pid_t)syscall(SYS_gettid);
		child[2] = getppid();
		_exit(0);
	}
	EXPECT_EQ(child[0], pid);
	EXPECT_EQ(child[1], pid);
	EXPECT_EQ(child[2], self);
	EXPECT_EQ(getpid(), self);
	EXPECT_EQ(syscall(SYS_gettid), self);
	expect_exit(pid, 0);
}

CASE(the_childs_mask_is_its_own)
{
	sigset_t usr, now;
	pid_t pid;

	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR2);
	pid = vfork();
	if (!pid) {
		sigset_t own;
		sigemptyset(&own);
		sigaddset(&own, SIGUSR1);
		_exit(sigprocmask(SIG_BLOCK, &own, NULL) ? 1 : 0);
	}
	EXPECT_EQ(sigprocmask(SIG_BLOCK, &usr, &now), 0);
	EXPECT(!sigismember(&now, SIGUSR1));
	EXPECT_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	EXPECT(sigismember(&now, SIGUSR2));
	expect_exit(pid, 0);
}

CASE(a_failed_exec_leaves_the_child)
{
	static volatile int error;
	char *argv[] = {"nothing", NULL};
	pid_t pid = vfork();

	if (!pid) {
		execve("/does/not/exist", argv, environ);
		error = errno;
		_exit(12);
	}
	EXPECT_EQ(error, ENOENT);
	expect_exit(pid, 12);
}

CASE(exec_lets_the_parent_go)
{
	char *argv[] = {"self", "--case", "ids_are_each_ones_own", NULL};
	pid_t pid = vfork();

	if (!pid) {
		execve("/proc/self/exe", argv, environ);
		_exit(12);
	}
	EXPECT(pid > 0);
	expect_exit(pid, 0);
}

/* A process that waits until *who names one, then calls fn(it, arg) and exits. */
static pid_t watcher(volatile pid_t *who, void (*fn)(pid_t it, void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	while (!*who)
		sleep_ms(1);
	sleep_ms(20);
	fn(*who, arg);
	_exit(0);
}

static void kill_it(pid_t it, void *arg)
{
	if (kill(it, *(int *)arg))
		_exit(1);
}

CASE(a_child_that_waits_can_be_killed)
{
	volatile pid_t *who = shared_page();
	int p[2], sig = SIGKILL, status;
	pid_t pid, killer;

	EXPECT_EQ(pipe(p), 0);
	killer = watcher(who, kill_it, &sig);
	pid = vfork();
	if (!pid) {
		char c;
		for (int i = 0; i < 50; i++) /* the same call, so often that its way becomes the short one */
			if (write(p[1], "x", 1) != 1 || read(p[0], &c, 1) != 1)
				_exit(1);
		*who = getpid();
		_exit(read(p[0], &c, 1) == 1 ? 2 : 3);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	expect_exit(killer, 0);
	EXPECT_EQ(write(p[1], "y", 1), 1);
}

CASE(a_child_that_computes_can_be_killed)
{
	volatile pid_t *who = shared_page();
	int sig = SIGTERM, status;
	pid_t killer = watcher(who, kill_it, &sig), pid = vfork();

	if (!pid) {
		*who = getpid();
		for (;;)
			__asm__ volatile("pause");
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	expect_exit(killer, 0);
}

CASE(the_child_lives_on_when_its_parent_is_killed)
{
	volatile pid_t *who = shared_page();
	int p[2], sig = SIGKILL, status;
	pid_t parent, killer;
	char c = 0;

	EXPECT_EQ(pipe(p), 0);
	parent = fork();
	if (!parent) {
		pid_t self = getpid(), pid = vfork();
		if (!pid) {
			*who = self;
			while (getppid() == self)
				sched_yield();
			_exit(write(p[1], "l", 1) == 1 ? 0 : 1);
		}
		_exit(9);
	}
	killer = watcher(who, kill_it, &sig);
	EXPECT_EQ(waitpid(parent, &status, 0), parent);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(close(p[1]), 0);
	EXPECT_EQ(read(p[0], &c, 1), 1);
	EXPECT_EQ(c, 'l');
	EXPECT_EQ(read(p[0], &c, 1), 0);
	expect_exit(killer, 0);
}

static void stop_and_go(pid_t it, void *arg)
{
	volatile int *stopped = arg;

	if (kill(it, SIGSTOP))
		_exit(1);
	*stopped = 1;
	sleep_ms(50);
	if (kill(it, SIGCONT))
		_exit(1);
}

CASE(the_parent_waits_for_a_stopped_child)
{
	volatile pid_t *who = shared_page();
	volatile int *stopped = shared_page();
	pid_t other = watcher(who, stop_and_go, (void *)(uintptr_t)stopped), pid = vfork();

	if (!pid) {
		*who = getpid();
		while (!*stopped)
			sched_yield();
		_exit(4);
	}
	EXPECT_EQ(*stopped, 1);
	expect_exit(pid, 4);
	expect_exit(other, 0);
}

static volatile sig_atomic_t handled;

static void on_usr1(int sig)
{
	handled++;
}

CASE(signals_reach_the_parent_afterwards)
{
	static volatile int before = -1;
	volatile pid_t *who = shared_page(), *done = who + 1;
	int sig = SIGUSR1;
	pid_t killer, pid;

	EXPECT(signal(SIGUSR1, on_usr1) != SIG_ERR);
	killer = watcher(who, kill_it, &sig);
	pid = vfork();
	if (!pid) {
		struct timespec ts = {0, 80000000};
		*who = getppid();
		nanosleep(&ts, NULL);
		before = handled;
		*done = 1;
		_exit(0);
	}
	EXPECT_EQ(before, 0);
	EXPECT_EQ(handled, 1);
	expect_exit(pid, 0);
	expect_exit(killer, 0);
}

static volatile int counter, counting = 1;

static void *count(void *arg)
{
	while (counting)
		counter++;
	return NULL;
}

CASE(other_threads_go_on)
{
	static volatile int first, last;
	pthread_t t;
	pid_t pid;

	EXPECT_EQ(pthread_create(&t, NULL, count, NULL), 0);
	pid = vfork();
	if (!pid) {
		struct timespec ts = {0, 50000000};
		first = counter;
		nanosleep(&ts, NULL);
		last = counter;
		_exit(0);
	}
	counting = 0;
	EXPECT(last != first);
	EXPECT_EQ(pthread_join(t, NULL), 0);
	expect_exit(pid, 0);
}

CASE(the_child_forks)
{
	static volatile int results;
	pid_t pid = vfork();

	if (!pid) {
		int status = -1;
		pid_t inner = fork();
		if (!inner)
			_exit(7);
		if (waitpid(inner, &status, 0) == inner && WEXITSTATUS(status) == 7)
			results |= 1;
		inner = vfork();
		if (!inner) {
			results |= 2;
			_exit(8);
		}
		if (waitpid(inner, &status, 0) == inner && WEXITSTATUS(status) == 8)
			results |= 4;
		_exit(0);
	}
	EXPECT_EQ(results, 7);
	expect_exit(pid, 0);
}

static volatile pid_t *middle_is;
static volatile pid_t middle;
static int inner_pipe[2];

/* On a stack of its own, for the outer parent goes on before it ends. */
static int inner_child(void *arg)
{
	*middle_is = middle;
	while (syscall(SYS_getppid) == middle)
		syscall(SYS_sched_yield);
	syscall(SYS_exit, syscall(SYS_write, inner_pipe[1], "i", 1) == 1 ? 0 : 1);
	return 0;
}

CASE(the_inner_child_outlives_the_middle)
{
	static char stack[65536] __attribute__((aligned(16)));
	int sig = SIGKILL, status;
	pid_t killer, pid;
	char c = 0;

	EXPECT_EQ(pipe(inner_pipe), 0);
	middle_is = shared_page();
	killer = watcher(middle_is, kill_it, &sig);
	pid = vfork();
	if (!pid) {
		middle = getpid();
		clone(inner_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
		_exit(9);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(read(inner_pipe[0], &c, 1), 1);
	EXPECT_EQ(c, 'i');
	expect_exit(killer, 0);
}

static int clone_child(void *arg)
{
	volatile pid_t *seen = arg;

	seen[1] = seen[0];
	seen[2] = (pid_t)syscall(SYS_getpid);
	return 3;
}

CASE(clone_writes_its_ids_before_the_child_runs)
{
	static char stack[65536] __attribute__((aligned(16)));
	static volatile pid_t seen[3];
	int pidfd = -1;
	struct pollfd p;
	pid_t pid =
	    clone(clone_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD,
		  (void *)(uintptr_t)seen, &seen[0]);

	EXPECT(pid > 0);
	EXPECT_EQ(seen[1], pid);
	EXPECT_EQ(seen[2], pid);
	expect_exit(pid, 3);
	pid = clone(clone_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
		    (void *)(uintptr_t)seen, &pidfd);
	EXPECT(pid > 0);
	EXPECT(pidfd >= 0);
	p = (struct pollfd){pidfd, POLLIN, 0};
	EXPECT_EQ(poll(&p, 1, 1000), 1);
	expect_exit(pid, 3);
}

CASE(a_thousand_in_a_row)
{
	static volatile int ran;

	for (volatile int i = 0; i < 1000; i++) {
		pid_t pid = vfork();
		if (!pid) {
			ran++;
			_exit(i & 0x7f);
		}
		expect_exit(pid, i & 0x7f);
	}
	EXPECT_EQ(ran, 1000);
}

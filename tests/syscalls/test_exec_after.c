/*
 * test_exec_after.c - a program begins as execve(2) says, whatever the one before it has done: a kernel may
 * keep what an ended process has left (address space, thread) for the next one, but nobody may notice.
 */
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "case.h"

#define ROLE  "TEST_EXEC_AFTER"
#define PLACE ((void *)0x200000000000)

extern char **environ;

static void burn(void)
{
	struct timespec t;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (t.tv_sec == 0 && t.tv_nsec < 100000000);
}

static uint32_t get_mxcsr(void)
{
	return __builtin_ia32_stmxcsr();
}

static uint16_t get_x87(void)
{
	uint16_t cw;

	__asm__ volatile("fnstcw %0" : "=m"(cw));
	return cw;
}

/* Leaves as much behind as a process can. */
static int disturb(void)
{
	static char stack[16384];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	uint16_t cw = 0x27f;
	sigset_t all;
	char *p = mmap(PLACE, 1 << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	memset(p, 7, 1 << 20);
	sigaltstack(&ss, NULL);
	signal(SIGUSR1, exit);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "disturbed");
	__builtin_ia32_ldmxcsr(0x1f80 | 0x6000);
	__asm__ volatile("fldcw %0" ::"m"(cw));
	__asm__ volatile("mov $-1, %%rax\n\tmovq %%rax, %%xmm15" ::: "rax", "xmm15");
	return 0;
}

/* What a fresh program finds; 0, or the number of what is not right. */
static int look(void)
{
	struct sigaction sa;
	stack_t ss;
	sigset_t now;
	unsigned char vec[1];
	char name[16];

	if (get_mxcsr() != 0x1f80)
		return 2;
	if (get_x87() != 0x37f)
		return 3;
	if (mincore(PLACE, 4096, vec) != -1 || errno != ENOMEM)
		return 4;
	if (sigaltstack(NULL, &ss) || ss.ss_flags != SS_DISABLE)
		return 5;
	if (sigaction(SIGUSR1, NULL, &sa) || sa.sa_handler != SIG_DFL)
		return 6;
	if (sigprocmask(SIG_BLOCK, NULL, &now) || sigismember(&now, SIGUSR2) || sigismember(&now, SIGURG))
		return 7;
	if (prctl(PR_GET_NAME, name) || !strcmp(name, "disturbed"))
		return 8;
	return 0;
}

__attribute__((constructor)) static void play(void)
{
	const char *role = getenv(ROLE);

	if (!role)
		return;
	if (!strcmp(role, "burn"))
		burn();
	if (!strcmp(role, "disturb"))
		_exit(disturb());
	if (!strcmp(role, "look"))
		_exit(look());
	if (!strcmp(role, "long"))
		pause();
	_exit(0);
}

static pid_t start(const char *role)
{
	char *argv[] = {(char *)"child", NULL}, var[64], *envp[] = {var, NULL};
	pid_t pid;

	snprintf(var, sizeof(var), "%s=%s", ROLE, role);
	EXPECT_EQ(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, envp), 0);
	return pid;
}

static void run(const char *role)
{
	expect_exit(start(role), 0);
}

CASE(finds_no_trace_of_the_one_before)
{
	for (int i = 0; i < 10; i++) {
		run("disturb");
		run("look");
	}
}

CASE(is_not_charged_with_the_time_of_the_one_before)
{
	struct rusage u;
	int status;

	for (int i = 0; i < 3; i++)
		run("burn");
	OK(wait4(start("nothing"), &status, 0, &u));
	EXPECT_EQ(status, 0);
	EXPECT(u.ru_utime.tv_sec == 0 && u.ru_utime.tv_usec < 70000);
}

CASE(is_not_charged_with_the_faults_of_the_one_before)
{
	struct rusage disturbed, u;
	int status;

	run("nothing");
	for (int i = 0; i < 4; i++) {
		OK(wait4(start("disturb"), &status, 0, &disturbed));
		EXPECT_EQ(status, 0);
		EXPECT(disturbed.ru_minflt >= 100);
		OK(wait4(start("nothing"), &status, 0, &u));
		EXPECT(u.ru_minflt < disturbed.ru_minflt - 100);
	}
}

CASE(can_be_killed_like_any_other)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid;
		run("nothing");
		pid = start("long");
		if (i & 1)
			sleep_ms(5);
		OK(kill(pid, SIGKILL));
		expect_signal(pid, SIGKILL);
	}
}

CASE(with_other_ids_finds_no_trace_either)
{
	if (getuid())
		case_skip("needs root");
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();
		if (!pid) {
			OK(setgid(1000 + i % 2));
			OK(setuid(1000 + i % 2));
			run("disturb");
			run("look");
			_exit(0);
		}
		expect_exit(pid, 0);
		run("look");
	}
}

CASE(many_at_once_end_and_begin)
{
	pid_t pid[40];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 40; i++)
			pid[i] = start(i % 2 ? "look" : "disturb");
		for (int i = 0; i < 40; i++)
			expect_exit(pid[i], 0);
	}
}

CASE(killed_in_the_middle_of_its_end)
{
	for (int i = 0; i < 50; i++) {
		int status;
		pid_t pid = start("disturb");
		for (volatile int k = 0; k < i * 4000; k++)
			;
		kill(pid, SIGKILL);
		OK(waitpid(pid, &status, 0));
		EXPECT(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	}
	run("look");
}

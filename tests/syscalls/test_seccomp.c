/*
 * test_seccomp.c - seccomp(2): modes, filters, actions, synchronisation. User notification:
 * test_seccomp_notify.c.
 */
#include "seccomp.h"

/* ---- modes ---- */

CASE(mode_is_none_at_first)
{
	EXPECT_EQ(prctl(PR_GET_SECCOMP), 0);
}
CASE(strict_kills)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		syscall(SYS_getpid);
		syscall(SYS_exit, 0);
	}
	expect_signal(pid, SIGKILL);
}
CASE(strict_allows_four)
{
	pid_t pid = fork();

	if (!pid) {
		int fds[2];
		char c = 'x';
		pipe(fds);
		if (seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL))
			_exit(1);
		write(fds[1], &c, 1);
		read(fds[0], &c, 1);
		syscall(SYS_exit, c == 'x' ? 0 : 3);
	}
	expect_exit(pid, 0);
}
CASE(strict_bad_arguments)
{
	EXPECT_ERRNO(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
	EXPECT_ERRNO(seccomp(SECCOMP_SET_MODE_STRICT, 0, &errno), EINVAL);
	EXPECT_ERRNO(seccomp(77, 0, NULL), EINVAL);
	EXPECT_ERRNO(prctl(PR_SET_SECCOMP, 77), EINVAL);
}
CASE(filter_needs_no_new_privs)
{
	struct sock_filter f[] = {RET(SECCOMP_RET_ALLOW)};
	pid_t pid;

	if (getuid())
		case_skip("needs root");
	pid = fork();
	if (!pid) {
		if (setgid(1000) || setuid(1000))
			_exit(1);
		if (INSTALL(f, 0) != -1 || errno != EACCES)
			_exit(2);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(INSTALL(f, 0) ? 3 : 0);
	}
	expect_exit(pid, 0);
}
CASE(filter_by_prctl)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_ERRNO | EBADF)};
	struct sock_fprog p = {COUNT(f), f};

	nnp();
	OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p));
	EXPECT_EQ(prctl(PR_GET_SECCOMP), 2);
	EXPECT_ERRNO(syscall(SYS_getppid), EBADF);
	EXPECT_ERRNO(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL), EINVAL);
}

/* ---- the verifier ---- */

#define REFUSED(...)                                                                                         \
	do {                                                                                                 \
		struct sock_filter f_[] = {__VA_ARGS__};                                                     \
		EXPECT_ERRNO(INSTALL(f_, 0), EINVAL);                                                        \
	} while (0)
CASE(verifier_refuses)
{
	nnp();
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0));
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(0));
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(0));
	REFUSED(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RET(0));
	REFUSED(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET(0));
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RET(0));
	REFUSED(BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), RET(0));
	REFUSED(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0));
	REFUSED(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 1), RET(0));
	REFUSED(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET(0));
	REFUSED(BPF_STMT(BPF_JMP | BPF_JA, 1), RET(0));
	REFUSED(BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), RET(0));
	REFUSED(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RET(0));
	REFUSED(BPF_STMT(BPF_LD | BPF_MEM, 0), RET(0));
	REFUSED(BPF_STMT(BPF_ST, 16), RET(0));
	REFUSED({0xffff, 0, 0, 0}, RET(0));
	/* one of two paths does not write the scratch word */
	REFUSED(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LD | BPF_MEM, 3), RET(SECCOMP_RET_ALLOW));
}
CASE(verifier_lengths_and_addresses)
{
	static struct sock_filter f[4097];
	struct sock_fprog p = {1, (void *)16};

	nnp();
	for (unsigned i = 0; i < 4097; i++)
		f[i] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
	EXPECT_ERRNO(install_n(f, 0, 0), EINVAL);
	EXPECT_ERRNO(install_n(f, 4097, 0), EINVAL);
	EXPECT_ERRNO(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p), EFAULT);
	EXPECT_ERRNO(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL), EFAULT);
	EXPECT_ERRNO(install_n(f, 1, 0x100), EINVAL);
	EXPECT_ERRNO(install_n(f, 1, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER), EINVAL);
	EXPECT_ERRNO(install_n(f, 1, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), EINVAL);
	OK(install_n(f, 4096, 0));
}
CASE(filters_of_one_path_have_a_limit)
{
	static struct sock_filter f[4096];
	int n = 0;

	nnp();
	for (unsigned i = 0; i < 4096; i++)
		f[i] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
	while (n < 20 && !install_n(f, 4096, 0))
		n++;
	EXPECT(n >= 1 && n <= 7); /* fewer natively, when memory for compiled programs is short */
	EXPECT_EQ(errno, ENOMEM);
}
CASE(machine_computes)
{
	/* ((5 + 3) * 4 - 2) / 3 = 10; ^ 0xf = 5; | 0x40 = 0x45; & 0x4f; << 1 >> 1; through memory and X */
	struct sock_filter f[] = {NR,
				  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
				  RET(SECCOMP_RET_ALLOW),
				  BPF_STMT(BPF_LD | BPF_IMM, 5),
				  BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 3),
				  BPF_STMT(BPF_LDX | BPF_IMM, 4),
				  BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0),
				  BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 2),
				  BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 3),
				  BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0xf),
				  BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 0x40),
				  BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x4f),
				  BPF_STMT(BPF_ST, 7),
				  BPF_STMT(BPF_LDX | BPF_MEM, 7),
				  BPF_STMT(BPF_LD | BPF_IMM, 0),
				  BPF_STMT(BPF_MISC | BPF_TXA, 0),
				  BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
				  BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
				  BPF_STMT(BPF_ALU | BPF_NEG, 0),
				  BPF_STMT(BPF_ALU | BPF_NEG, 0),
				  BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
				  BPF_STMT(BPF_RET | BPF_A, 0)};

	nnp();
	OK(INSTALL(f, 0));
	EXPECT_ERRNO(syscall(SYS_getppid), 0x45);
}
CASE(machine_division_by_zero_kills)
{
	struct sock_filter f[] = {NR,
				  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
				  RET(SECCOMP_RET_ALLOW),
				  BPF_STMT(BPF_LDX | BPF_IMM, 0),
				  BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
				  RET(SECCOMP_RET_ALLOW)};
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (INSTALL(f, 0))
			_exit(1);
		syscall(SYS_getppid);
		_exit(0);
	}
	expect_signal(pid, SIGSYS);
}
CASE(machine_sees_arguments)
{
	struct sock_filter f[] = {NR,
				  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 5),
				  ARG(1),
				  BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 100, 0, 1),
				  RET(SECCOMP_RET_ERRNO | ERANGE),
				  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1),
				  RET(SECCOMP_RET_ERRNO | EDOM),
				  RET(SECCOMP_RET_ALLOW)};
	int fd = make_file("f", "abc");

	nnp();
	OK(INSTALL(f, 0));
	EXPECT_ERRNO(lseek(fd, 200, SEEK_SET), ERANGE);
	EXPECT_ERRNO(lseek(fd, 3, SEEK_SET), EDOM);
	EXPECT_EQ(lseek(fd, 2, SEEK_SET), 2);
}
CASE(arch_and_instruction_pointer)
{
	struct sock_filter f[] = {
	    NR,
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
	    RET(SECCOMP_RET_ALLOW),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	    RET(SECCOMP_RET_ERRNO | 1),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
	    RET(SECCOMP_RET_ERRNO | 2),
	    RET(SECCOMP_RET_ERRNO | 3)};

	nnp();
	OK(INSTALL(f, 0));
	EXPECT_ERRNO(syscall(SYS_getppid), 3);
}

/* ---- actions ---- */

CASE(errno_is_capped_and_may_be_zero)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_ERRNO | 0xffff)};
	struct sock_filter g[] = {ONLY(SYS_getpgrp, SECCOMP_RET_ERRNO)};

	nnp();
	OK(INSTALL(f, 0));
	OK(INSTALL(g, 0));
	EXPECT_ERRNO(syscall(SYS_getppid), 4095);
	EXPECT_EQ(syscall(SYS_getpgrp), 0);
}
CASE(strictest_action_wins)
{
	struct sock_filter a[] = {ONLY(SYS_getppid, SECCOMP_RET_ERRNO | 1)};
	struct sock_filter b[] = {ONLY(SYS_getppid, SECCOMP_RET_ERRNO | 2)};
	struct sock_filter c[] = {ONLY(SYS_getppid, SECCOMP_RET_LOG)};
	struct sock_filter d[] = {ONLY(SYS_getppid, SECCOMP_RET_TRACE)};

	nnp();
	OK(INSTALL(d, 0));
	EXPECT_ERRNO(syscall(SYS_getppid), ENOSYS);
	OK(INSTALL(a, 0));
	EXPECT_ERRNO(syscall(SYS_getppid), 1);
	OK(INSTALL(b, 0));
	OK(INSTALL(c, 0));
	EXPECT_ERRNO(syscall(SYS_getppid), 2);
}
CASE(log_allows)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_LOG)};

	nnp();
	OK(INSTALL(f, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW));
	EXPECT_EQ(syscall(SYS_getppid), getppid());
}
CASE(trace_without_tracer_is_enosys)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_TRACE | 7)};

	nnp();
	OK(INSTALL(f, 0));
	EXPECT_ERRNO(syscall(SYS_getppid), ENOSYS);
}
static pid_t child_with(unsigned action, bool threads);
static void *thread_that_dies(void *arg)
{
	syscall(SYS_getppid);
	return NULL;
}
static pid_t child_with(unsigned action, bool threads)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, action)};
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (INSTALL(f, 0))
			_exit(1);
		if (threads) {
			pthread_t th;
			pthread_create(&th, NULL, thread_that_dies, NULL);
			for (int i = 0; i < 20; i++)
				sleep_ms(10);
			_exit(42);
		}
		syscall(SYS_getppid);
		_exit(0);
	}
	return pid;
}
CASE(kill_process)
{
	expect_signal(child_with(SECCOMP_RET_KILL_PROCESS, false), SIGSYS);
}
CASE(kill_process_of_many_threads)
{
	expect_signal(child_with(SECCOMP_RET_KILL_PROCESS, true), SIGSYS);
}
CASE(kill_thread_of_one)
{
	expect_signal(child_with(SECCOMP_RET_KILL_THREAD, false), SIGSYS);
}
CASE(kill_thread_leaves_the_others)
{
	expect_exit(child_with(SECCOMP_RET_KILL_THREAD, true), 42);
}
CASE(unknown_action_kills)
{
	expect_signal(child_with(0x00060000, false), SIGSYS);
}
static siginfo_t sys_info;
static volatile long sys_rax;
static void on_sys(int sig, siginfo_t *info, void *uc)
{
	sys_info = *info;
	sys_rax = ((ucontext_t *)uc)->uc_mcontext.gregs[13];
	((ucontext_t *)uc)->uc_mcontext.gregs[13] = 1234;
}
CASE(trap_raises_sigsys)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_TRAP | 99)};
	struct sigaction sa = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};

	nnp();
	sigaction(SIGSYS, &sa, NULL);
	OK(INSTALL(f, 0));
	EXPECT_EQ(syscall(SYS_getppid), 1234);
	EXPECT_EQ(sys_info.si_signo, SIGSYS);
	EXPECT_EQ(sys_info.si_code, 1);
	EXPECT_EQ(sys_info.si_errno, 99);
	EXPECT_EQ(sys_info.si_syscall, SYS_getppid);
	EXPECT_EQ(sys_info.si_arch, AUDIT_ARCH_X86_64);
	EXPECT(sys_info.si_call_addr != NULL);
	EXPECT_EQ(sys_rax, SYS_getppid);
}
CASE(trap_blocked_kills)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_TRAP)};
	pid_t pid = fork();

	if (!pid) {
		sigset_t s;
		struct sigaction sa = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
		sigaction(SIGSYS, &sa, NULL);
		sigemptyset(&s);
		sigaddset(&s, SIGSYS);
		sigprocmask(SIG_BLOCK, &s, NULL);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		INSTALL(f, 0);
		syscall(SYS_getppid);
		_exit(0);
	}
	expect_signal(pid, SIGSYS);
}
CASE(filter_is_inherited_and_survives_exec)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_ERRNO | 77)};
	char line[256], *found = NULL;
	FILE *st;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		INSTALL(f, 0);
		INSTALL(f, 0);
		pid = fork();
		if (!pid)
			_exit(syscall(SYS_getppid) == -1 && errno == 77 ? 0 : 1);
		int status;
		waitpid(pid, &status, 0);
		if (status)
			_exit(1);
		st = fopen("/proc/self/status", "r");
		while (fgets(line, sizeof(line), st))
			if (!strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10)) {
				found = line;
				if (!strcmp(line, "Seccomp:\t0\n") || !strcmp(line, "NoNewPrivs:\t0\n"))
					_exit(2);
				if (!strncmp(line, "Seccomp_filters:", 16) && atoi(line + 17) < 2)
					_exit(3);
			}
		_exit(found ? 0 : 4);
	}
	expect_exit(pid, 0);
}

/* ---- queries ---- */

CASE(action_avail)
{
	uint32_t known[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
			    SECCOMP_RET_ERRNO,        SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
			    SECCOMP_RET_LOG,          SECCOMP_RET_ALLOW};
	uint32_t bad = 0x00060000;

	for (unsigned i = 0; i < COUNT(known); i++)
		EXPECT_EQ(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &known[i]), 0);
	EXPECT_ERRNO(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &bad), EOPNOTSUPP);
	EXPECT_ERRNO(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &bad), EINVAL);
	EXPECT_ERRNO(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)16), EFAULT);
}
CASE(notif_sizes)
{
	struct seccomp_notif_sizes s;

	EXPECT_EQ(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &s), 0);
	EXPECT_EQ(s.seccomp_notif, 80);
	EXPECT_EQ(s.seccomp_notif_resp, 24);
	EXPECT_EQ(s.seccomp_data, 64);
	EXPECT_ERRNO(seccomp(SECCOMP_GET_NOTIF_SIZES, 1, &s), EINVAL);
	EXPECT_ERRNO(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, (void *)16), EFAULT);
}

/* ---- threads ---- */

static int go, ready;
static long thread_result;
static bool thread_installs;
static void *sync_thread(void *arg)
{
	struct sock_filter f[] = {ONLY(SYS_getpgrp, SECCOMP_RET_ERRNO | 5)};

	if (thread_installs)
		INSTALL(f, 0);
	__atomic_store_n(&ready, gettid(), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		sleep_ms(2);
	thread_result = syscall(SYS_getppid) == -1 ? errno : 0;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		thread_result = 1000;
	return NULL;
}
static long sync_with(bool conflict, unsigned flags, pid_t *tid)
{
	struct sock_filter f[] = {ONLY(SYS_getppid, SECCOMP_RET_ERRNO | 6)};
	pthread_t th;
	long ret;

	thread_installs = conflict;
	nnp();
	pthread_create(&th, NULL, sync_thread, NULL);
	while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST))
		sleep_ms(2);
	*tid = ready;
	ret = INSTALL(f, flags);
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	pthread_join(th, NULL);
	return ret;
}
CASE(tsync_takes_threads_along)
{
	pid_t tid;

	EXPECT_EQ(sync_with(false, SECCOMP_FILTER_FLAG_TSYNC, &tid), 0);
	EXPECT_EQ(thread_result, 6);
}
CASE(without_tsync_threads_go_free)
{
	pid_t tid;

	EXPECT_EQ(sync_with(false, 0, &tid), 0);
	EXPECT_EQ(thread_result, 0);
}
CASE(tsync_names_the_thread_that_cannot)
{
	pid_t tid;
	long ret = sync_with(true, SECCOMP_FILTER_FLAG_TSYNC, &tid);

	EXPECT_EQ(ret, tid);
	EXPECT_EQ(thread_result, 0);
	EXPECT_EQ(prctl(PR_GET_SECCOMP), 0);
}
CASE(tsync_esrch)
{
	pid_t tid;
	long ret = sync_with(true, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, &tid);

	EXPECT_EQ(ret, -1);
}

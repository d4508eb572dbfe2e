/* test_ptrace_stops.c - ptrace(2): stops at system calls, events, group stops, and what wait(2) tells of
 * them. */
#include "ptrace.h"

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
/* The tracer ends while what it has traced is dead and not waited for. */
CASE(tracer_ends_with_a_zombie)
{
	for (int i = 0; i < 20; i++) {
		int ready[2], go[2];
		char c = 0;
		pid_t pid, tracer;
		OK(pipe(ready));
		OK(pipe(go));
		pid = fork();
		if (!pid) {
			read(go[0], &c, 1);
			_exit(5);
		}
		tracer = fork();
		if (!tracer) {
			siginfo_t si;
			if (pt(PTRACE_SEIZE, pid, 0, 0))
				_exit(1);
			write(go[1], &c, 1);
			/* dead, and left so */
			if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT | __WALL))
				_exit(2);
			write(ready[1], &c, 1);
			sleep_ms(20);
			_exit(0);
		}
		EXPECT_EQ(read(ready[0], &c, 1), 1);
		for (int k = 0; k < 5; k++) { /* what the zombie ran on is another's now */
			pid_t other = fork();
			if (!other) {
				sleep_ms(30);
				_exit(0);
			}
		}
		expect_exit(tracer, 0);
		expect_exit(pid, 5);
		while (waitpid(-1, NULL, 0) > 0)
			;
		close(ready[0]);
		close(ready[1]);
		close(go[0]);
		close(go[1]);
	}
}

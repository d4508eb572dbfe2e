/* fork(2), vfork(2), clone(2), wait(2), exit(3), execve(2), process groups and sessions. */
#include "case.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>

extern char **environ;

CASE(fork_copies_memory)
{
	volatile int x = 1;
	pid_t pid = fork();
	if (!pid) {
		x = 2;
		_exit(x);
	}
	expect_exit(pid, 2);
	EXPECT_EQ(x, 1);
}
CASE(fork_shares_open_files)
{
	int fd = make_file("f", "abcdef");
	char c[3];
	pid_t pid = fork();
	if (!pid)
		_exit(read(fd, c, 3) != 3);
	expect_exit(pid, 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 3);
}
CASE(fork_ids)
{
	pid_t parent = getpid(), pid = fork();
	if (!pid) {
		EXPECT_EQ(getppid(), parent);
		EXPECT(getpid() != parent);
		EXPECT_EQ(getpid(), syscall(SYS_gettid));
		_exit(0);
	}
	expect_exit(pid, 0);
}
CASE(vfork_shares_memory_and_waits)
{
	static volatile int x;
	pid_t pid = vfork();
	if (!pid) {
		x = 7;
		_exit(3);
	}
	EXPECT_EQ(x, 7);
	expect_exit(pid, 3);
}
CASE(exit_status_is_a_byte)
{
	pid_t pid = fork();
	if (!pid)
		_exit(0x1234);
	expect_exit(pid, 0x34);
}
CASE(wait_no_children)
{
	EXPECT_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	EXPECT_ERRNO(waitpid(getppid(), NULL, 0), ECHILD);
	EXPECT_ERRNO(waitpid(-1, NULL, 0x100), EINVAL);
}
CASE(wait_nohang)
{
	int status;
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(100);
		_exit(1);
	}
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	expect_exit(pid, 1);
}
CASE(wait_by_process_group)
{
	int status;
	pid_t pid = fork();
	if (!pid) {
		setpgid(0, 0);
		_exit(4);
	}
	setpgid(pid, pid);
	EXPECT_EQ(waitpid(-pid, &status, 0), pid);
	EXPECT_EQ(WEXITSTATUS(status), 4);
}
CASE(waitid_exited_and_nowait)
{
	siginfo_t si = {0};
	pid_t pid = fork();
	if (!pid)
		_exit(9);
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	EXPECT_EQ(si.si_pid, pid);
	EXPECT_EQ(si.si_code, CLD_EXITED);
	EXPECT_EQ(si.si_status, 9);
	EXPECT_EQ(si.si_signo, SIGCHLD);
	OK(waitid(P_ALL, 0, &si, WEXITED));
	EXPECT_ERRNO(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	EXPECT_ERRNO(waitid(P_ALL, 0, &si, 0), EINVAL);
}
CASE(waitid_killed)
{
	siginfo_t si = {0};
	pid_t pid = fork();
	if (!pid)
		pause();
	OK(kill(pid, SIGTERM));
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED));
	EXPECT_EQ(si.si_code, CLD_KILLED);
	EXPECT_EQ(si.si_status, SIGTERM);
}
CASE(zombie_stays_until_waited_for)
{
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	sleep_ms(50);
	OK(kill(pid, 0));
	expect_exit(pid, 0);
	EXPECT_ERRNO(kill(pid, 0), ESRCH);
}
CASE(sigchld_ignored_reaps)
{
	signal(SIGCHLD, SIG_IGN);
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	EXPECT_ERRNO(waitpid(pid, NULL, 0), ECHILD);
}
CASE(orphans_go_to_the_subreaper)
{
	int p[2], status;
	pid_t grandchild = 0;
	OK(pipe(p));
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t pid = fork();
	if (!pid) {
		pid_t g = fork();
		if (!g) {
			sleep_ms(80);
			_exit(getppid() == 1 ? 2 : 6);
		}
		EXPECT_EQ(write(p[1], &g, sizeof(g)), sizeof(g));
		_exit(0);
	}
	EXPECT_EQ(read(p[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	expect_exit(pid, 0);
	EXPECT_EQ(waitpid(grandchild, &status, 0), grandchild);
	EXPECT_EQ(WEXITSTATUS(status), 6);
}
CASE(children_times_add_up)
{
	struct rusage u;
	pid_t pid = fork();
	if (!pid) {
		while (clock() < CLOCKS_PER_SEC / 20)
			;
		_exit(0);
	}
	expect_exit(pid, 0);
	OK(getrusage(RUSAGE_CHILDREN, &u));
	EXPECT(u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 + u.ru_stime.tv_sec * 1000 +
		   u.ru_stime.tv_usec / 1000 >=
	       30);
}

/* ---- clone and threads ---- */

static void *add_one(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
	return (void *)5;
}
CASE(threads_run_and_join)
{
	pthread_t t[16];
	int n = 0;
	void *ret;
	for (int i = 0; i < 16; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, add_one, &n), 0);
	for (int i = 0; i < 16; i++) {
		EXPECT_EQ(pthread_join(t[i], &ret), 0);
		EXPECT_EQ((long)ret, 5);
	}
	EXPECT_EQ(n, 16);
}
static void *thread_ids(void *arg)
{
	pid_t *out = arg;
	out[0] = getpid();
	out[1] = (pid_t)syscall(SYS_gettid);
	return NULL;
}
CASE(threads_share_the_pid)
{
	pid_t ids[2];
	pthread_t t;
	EXPECT_EQ(pthread_create(&t, NULL, thread_ids, ids), 0);
	EXPECT_EQ(pthread_join(t, NULL), 0);
	EXPECT_EQ(ids[0], getpid());
	EXPECT(ids[1] != getpid());
}
static void *exit_all(void *arg)
{
	_exit(11);
}
CASE(exit_group_from_a_thread)
{
	pid_t pid = fork();
	if (!pid) {
		pthread_t t;
		pthread_create(&t, NULL, exit_all, NULL);
		for (;;)
			pause();
	}
	expect_exit(pid, 11);
}
static void *leave_later(void *arg)
{
	sleep_ms(50);
	_exit(12);
}
CASE(leader_may_end_before_its_threads)
{
	pid_t pid = fork();
	if (!pid) {
		pthread_t t;
		pthread_create(&t, NULL, leave_later, NULL);
		syscall(SYS_exit, 1);
	}
	expect_exit(pid, 12);
}
static void *exec_true(void *arg)
{
	char *argv[] = {arg, (char *)"--list", NULL};
	execv("/proc/self/exe", argv);
	_exit(99);
}
CASE(exec_from_a_thread_ends_the_others)
{
	pid_t pid = fork();
	if (!pid) {
		pthread_t t;
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		pthread_create(&t, NULL, exec_true, (void *)"x");
		for (;;)
			pause();
	}
	expect_exit(pid, 0);
}
static int clone_child(void *arg)
{
	*(volatile int *)arg = 33;
	return 8;
}
CASE(clone_vm_shares_memory)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int x = 0;
	pid_t pid = clone(clone_child, stack + sizeof(stack), CLONE_VM | SIGCHLD, (void *)&x);
	OK(pid);
	expect_exit(pid, 8);
	EXPECT_EQ(x, 33);
}
CASE(clone_flag_rules)
{
	EXPECT_ERRNO(syscall(SYS_clone, CLONE_SIGHAND, NULL, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND, NULL, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS, NULL, NULL, NULL, 0), EINVAL);
}
CASE(clone_settid_cleartid)
{
	int parent_tid = 0;
	static int child_tid;
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL,
				   &parent_tid, &child_tid, 0);
	if (!pid)
		_exit(child_tid == getpid() ? 0 : 1);
	EXPECT_EQ(parent_tid, pid);
	expect_exit(pid, 0);
}
CASE(clone3_forks)
{
	struct clone_args a = {.exit_signal = SIGCHLD};
	pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (!pid)
		_exit(21);
	OK(pid);
	expect_exit(pid, 21);
	EXPECT_ERRNO(syscall(SYS_clone3, &a, 8), EINVAL);
	a.exit_signal = 200;
	EXPECT_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
}

/* ---- execve ---- */

static void write_script(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}
static pid_t spawn_self(char *const argv[], char *const envp[])
{
	pid_t pid = fork();
	if (!pid) {
		execve("/proc/self/exe", argv, envp);
		_exit(100 + errno);
	}
	return pid;
}
CASE(exec_missing_and_denied)
{
	char *argv[] = {(char *)"x", NULL};
	close(make_file("data", "not a program"));
	EXPECT_ERRNO(execv("none", argv), ENOENT);
	EXPECT_ERRNO(execv("data", argv), EACCES);
	EXPECT_ERRNO(execv(".", argv), EACCES);
	OK(chmod("data", 0755));
	EXPECT_ERRNO(execv("data", argv), ENOEXEC);
	EXPECT_ERRNO(execv("data/x", argv), ENOTDIR);
}
CASE(exec_truncated_elf)
{
	char *argv[] = {(char *)"x", NULL};
	write_script("elf", "\177ELF\2\1\1");
	EXPECT_ERRNO(execv("elf", argv), ENOEXEC);
}
CASE(exec_busy_file)
{
	char *argv[] = {(char *)"x", NULL};
	int fd = open("prog", O_CREAT | O_WRONLY, 0755);
	EXPECT_ERRNO(execv("prog", argv), ETXTBSY);
	close(fd);
}
CASE(exec_argument_list_too_long)
{
	size_t size = 200 * 1024;
	char *big = malloc(size + 1);
	memset(big, 'a', size);
	big[size] = 0;
	char *argv[] = {(char *)"x", big, NULL};
	EXPECT_ERRNO(execv("/proc/self/exe", argv), E2BIG);
}
CASE(exec_bad_pointers)
{
	EXPECT_ERRNO(syscall(SYS_execve, (void *)8, NULL, NULL), EFAULT);
	EXPECT_ERRNO(syscall(SYS_execve, "/proc/self/exe", (void *)8, NULL), EFAULT);
}
CASE(exec_script_interpreter)
{
	char self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *argv[] = {(char *)"s", NULL};
	EXPECT(n > 0);
	self[n] = 0;
	OK(symlink(self, "me")); /* the path itself may have a space in it */
	write_script("s", "#!./me --list\n");
	pid_t pid = fork();
	if (!pid) {
		dup2(open("/dev/null", O_WRONLY), 1);
		execv("./s", argv);
		_exit(100);
	}
	expect_exit(pid, 0);
	write_script("t", "#!/none/such\n");
	EXPECT_ERRNO(execv("./t", argv), ENOENT);
	write_script("u", "#!\n");
	EXPECT_ERRNO(execv("./u", argv), ENOEXEC);
}
CASE(exec_script_loop)
{
	char *argv[] = {(char *)"s", NULL};
	char cwd[200], line[256];
	EXPECT(getcwd(cwd, sizeof(cwd)));
	snprintf(line, sizeof(line), "#!%s/s\n", cwd);
	write_script("s", line);
	EXPECT_ERRNO(execv("./s", argv), ELOOP);
}
CASE(exec_close_on_exec)
{
	char arg[32];
	int fd = make_file("f", ""), keep = dup(fd);
	OK(fcntl(fd, F_SETFD, FD_CLOEXEC));
	snprintf(arg, sizeof(arg), "%d,%d", fd, keep);
	char *argv[] = {(char *)"x", (char *)"--case", (char *)"helper_descriptors", NULL},
	     *envp[] = {arg, NULL};
	char env[64];
	snprintf(env, sizeof(env), "FDS=%s", arg);
	envp[0] = env;
	expect_exit(spawn_self(argv, envp), 0);
}
CASE(helper_descriptors)
{
	const char *s = getenv("FDS");
	int gone, kept;
	if (!s)
		return;
	EXPECT_EQ(sscanf(s, "%d,%d", &gone, &kept), 2);
	EXPECT_ERRNO(fcntl(gone, F_GETFD), EBADF);
	OK(fcntl(kept, F_GETFD));
}
CASE(exec_keeps_pid_and_resets_handlers)
{
	char env[64];
	char *argv[] = {(char *)"x", (char *)"--case", (char *)"helper_state", NULL}, *envp[] = {env, NULL};
	pid_t pid = fork();
	if (!pid) {
		snprintf(env, sizeof(env), "PID=%d", getpid());
		signal(SIGUSR1, exit);
		signal(SIGUSR2, SIG_IGN);
		execve("/proc/self/exe", argv, envp);
		_exit(100);
	}
	expect_exit(pid, 0);
}
CASE(helper_state)
{
	const char *s = getenv("PID");
	struct sigaction sa;
	if (!s)
		return;
	EXPECT_EQ(getpid(), atoi(s));
	OK(sigaction(SIGUSR1, NULL, &sa));
	EXPECT(sa.sa_handler == SIG_DFL);
	OK(sigaction(SIGUSR2, NULL, &sa));
	EXPECT(sa.sa_handler == SIG_IGN);
}
CASE(posix_spawn_works)
{
	char *argv[] = {(char *)"x", (char *)"--list", NULL};
	posix_spawn_file_actions_t fa;
	pid_t pid;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	EXPECT_EQ(posix_spawn(&pid, "/proc/self/exe", &fa, NULL, argv, environ), 0);
	expect_exit(pid, 0);
	EXPECT_EQ(posix_spawn(&pid, "/none", NULL, NULL, argv, environ), ENOENT);
}
CASE(execveat_by_descriptor)
{
	char *argv[] = {(char *)"x", (char *)"--list", NULL}, *envp[] = {NULL};
	int fd = open("/proc/self/exe", O_RDONLY);
	pid_t pid = fork();
	if (!pid) {
		dup2(open("/dev/null", O_WRONLY), 1);
		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(100);
	}
	expect_exit(pid, 0);
}

/* ---- groups and sessions ---- */

CASE(process_groups)
{
	pid_t pid = fork();
	if (!pid) {
		OK(setpgid(0, 0));
		EXPECT_EQ(getpgrp(), getpid());
		EXPECT_EQ(getpgid(0), getpid());
		EXPECT_ERRNO(setpgid(0, 999999), EPERM);
		EXPECT_ERRNO(setpgid(0, -1), EINVAL);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_ERRNO(getpgid(999999), ESRCH);
	EXPECT_ERRNO(setpgid(getppid(), 0), ESRCH);
}
CASE(sessions)
{
	pid_t pid = fork();
	if (!pid) {
		EXPECT_EQ(setsid(), getpid());
		EXPECT_EQ(getsid(0), getpid());
		EXPECT_EQ(getpgrp(), getpid());
		EXPECT_ERRNO(setsid(), EPERM);
		EXPECT_ERRNO(setpgid(0, 0), EPERM);
		EXPECT(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
		_exit(0);
	}
	expect_exit(pid, 0);
}
CASE(setpgid_after_exec)
{
	char *argv[] = {(char *)"x", (char *)"--case", (char *)"helper_sleeps", NULL},
	     *envp[] = {(char *)"SLEEP=1", NULL};
	pid_t pid = spawn_self(argv, envp);
	for (int i = 0; i < 500 && !setpgid(pid, getpgrp()); i++)
		sleep_ms(10); /* until it is the new program */
	EXPECT_ERRNO(setpgid(pid, pid), EACCES);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}
CASE(helper_sleeps)
{
	if (getenv("SLEEP"))
		sleep_ms(5000);
}
CASE(many_processes)
{
	pid_t pids[60];
	for (int i = 0; i < 60; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			sleep_ms(20);
			_exit(i);
		}
		OK(pids[i]);
	}
	for (int i = 0; i < 60; i++)
		expect_exit(pids[i], i);
}

/* A leader that has ended, while its process lives, is a zombie without a stack of its own in the kernel. */
static void *stays(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

CASE(stop_and_continue_of_a_process_without_its_leader)
{
	for (int i = 0; i < 20; i++) {
		pthread_t th;
		int status;
		pid_t pid = fork();
		if (!pid) {
			if (pthread_create(&th, NULL, stays, NULL))
				_exit(1);
			syscall(SYS_exit, 0);
		}
		sleep_ms(5);
		OK(kill(pid, SIGSTOP));
		EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
		EXPECT(WIFSTOPPED(status));
		/* what was the leader's is another's now */
		for (int k = 0; k < 5; k++) {
			pid_t other = fork();
			if (!other) {
				sleep_ms(3);
				_exit(0);
			}
			OK(kill(pid, SIGCONT));
			OK(kill(pid, SIGSTOP));
			expect_exit(other, 0);
		}
		OK(kill(pid, SIGCONT));
		OK(kill(pid, SIGKILL));
		do
			EXPECT_EQ(waitpid(pid, &status, 0), pid);
		while (!WIFSIGNALED(status) && !WIFEXITED(status));
	}
}

/* Left behind by its parent when it had ended already, it is not a zombie of one who ignores such ends. */
CASE(zombie_is_left_to_who_ignores_it)
{
	int report[2], waits = 0;
	pid_t parent, zombie;

	OK(pipe(report));
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	signal(SIGCHLD, SIG_IGN);
	parent = fork();
	if (!parent) {
		siginfo_t info;
		signal(SIGCHLD, SIG_DFL);
		zombie = fork();
		if (!zombie)
			_exit(0);
		if (waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT) ||
		    write(report[1], &zombie, sizeof(zombie)) != sizeof(zombie))
			_exit(1);
		_exit(0);
	}
	EXPECT_EQ(read(report[0], &zombie, sizeof(zombie)), sizeof(zombie));
	while (!kill(zombie, 0) && waits++ < 500)
		sleep_ms(10);
	EXPECT_ERRNO(kill(zombie, 0), ESRCH);
	EXPECT_ERRNO(wait(NULL), ECHILD);
}

/* ---- children that were never born ---- */

/* Of those who come next. */
static void read_status(int from)
{
	static char buf[4096], name[64];

	for (int pid = from; pid < from + 400; pid++) {
		int fd;
		snprintf(name, sizeof(name), "/proc/%d/status", pid);
		fd = open(name, O_RDONLY);
		if (fd < 0)
			continue;
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		close(fd);
	}
}

CASE(forks_cut_short_by_a_kill_are_no_danger_to_who_reads_of_them)
{
	pid_t readers[2];
	int status;

	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (int i = 0; i < 2; i++) {
		readers[i] = fork();
		if (!readers[i])
			for (;;)
				read_status(getpid() + 1);
	}
	for (int i = 0; i < 150; i++) {
		pid_t pid = fork();
		if (!pid)
			for (;;)
				if (!fork())
					_exit(0);
		usleep((unsigned)(i * 37 % 2500));
		OK(kill(pid, SIGKILL));
		while (waitpid(-1, &status, WNOHANG) > 0)
			;
	}
	for (int i = 0; i < 2; i++) {
		OK(kill(readers[i], SIGKILL));
		waitpid(readers[i], NULL, 0);
	}
	while (wait(&status) > 0)
		;
	EXPECT_EQ(errno, ECHILD);
}

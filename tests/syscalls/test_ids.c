/*
 * test_ids.c - user and group ids, process groups, sessions and waiting where it gets subtle.
 */
#include "case.h"

#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void expect_uids(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;

	OK(getresuid(&a, &b, &c));
	EXPECT_EQ(a, r);
	EXPECT_EQ(b, e);
	EXPECT_EQ(c, s);
}

static void expect_gids(gid_t r, gid_t e, gid_t s)
{
	gid_t a, b, c;

	OK(getresgid(&a, &b, &c));
	EXPECT_EQ(a, r);
	EXPECT_EQ(b, e);
	EXPECT_EQ(c, s);
}

CASE(setresuid_by_anybody_permutes)
{
	OK(setresuid(10, 20, 30));
	expect_uids(10, 20, 30);
	OK(setresuid(30, 10, 20));
	expect_uids(30, 10, 20);
	OK(setresuid(-1, 20, -1));
	expect_uids(30, 20, 20);
	EXPECT_ERRNO(setresuid(10, -1, -1), EPERM); /* it is none of the three any more */
	expect_uids(30, 20, 20);
	EXPECT_ERRNO(setresuid(20, 20, 0), EPERM); /* all or nothing */
	expect_uids(30, 20, 20);
	OK(setresuid(-1, -1, -1));
}

CASE(setreuid_rules_of_the_saved_id)
{
	OK(setreuid(-1, 5)); /* the effective one differs from the real: saved follows */
	expect_uids(0, 5, 5);
	OK(setreuid(-1, 0)); /* the real id may become the effective one; then saved stays */
	expect_uids(0, 0, 5);
	OK(setreuid(0, -1)); /* a real id is set: saved follows the effective one */
	expect_uids(0, 0, 0);
}

CASE(setreuid_by_anybody)
{
	OK(setresuid(10, 20, 30));
	EXPECT_ERRNO(setreuid(30, -1), EPERM); /* real: only from real and effective */
	OK(setreuid(-1, 30));                  /* effective: from saved, too */
	expect_uids(10, 30, 30);
	OK(setreuid(30, 10));
	expect_uids(30, 10, 10);
	OK(setreuid(10, -1)); /* a new real id saves the effective one */
	expect_uids(10, 10, 10);
}

CASE(setregid_by_anybody)
{
	OK(setresgid(10, 20, 30));
	OK(setresuid(1, 1, 1));
	EXPECT_ERRNO(setregid(30, -1), EPERM);
	OK(setregid(20, 10));
	expect_gids(20, 10, 10);
	EXPECT_ERRNO(setregid(99, 99), EPERM);
	EXPECT_ERRNO(setresgid(99, -1, -1), EPERM);
	EXPECT_ERRNO(setgid(99), EPERM);
	OK(setgid(20));
	expect_gids(20, 20, 10);
}

CASE(setuid_of_anybody_sets_the_effective_one_only)
{
	OK(setresuid(10, 20, 30));
	OK(setuid(30));
	expect_uids(10, 30, 30);
	OK(setuid(10));
	expect_uids(10, 10, 30);
	EXPECT_ERRNO(setuid(20), EPERM);
	EXPECT_ERRNO(seteuid(20), EPERM);
}

CASE(fsuid_follows_and_goes_its_own_way)
{
	pid_t pid;

	close(make_file("f", ""));
	OK(chmod("f", 0600));
	EXPECT_EQ(syscall(SYS_setfsuid, -1), 0); /* how to ask */
	EXPECT_EQ(setfsuid(65534), 0);
	EXPECT_EQ(setfsuid(-1), 65534);
	EXPECT_EQ(geteuid(), 0);
	EXPECT_ERRNO(open("f", O_RDONLY), EACCES); /* files look at this one */
	pid = open("g", O_CREAT | O_RDWR, 0600);
	EXPECT(pid < 0); /* the directory is root's */
	EXPECT_EQ(setfsgid(77), 0);
	EXPECT_EQ(setfsgid(-1), 77);
	OK(setresuid(-1, 5, -1)); /* a new effective id takes it along */
	EXPECT_EQ(setfsuid(-1), 5);
	setfsuid(99); /* not one of ours: nothing happens */
	EXPECT_EQ(setfsuid(-1), 5);
}

CASE(new_files_belong_to_the_fs_ids)
{
	struct stat st;

	OK(chmod(".", 0777));
	setfsgid(7);
	setfsuid(8);
	close(make_file("f", ""));
	setfsuid(0);
	setfsgid(0);
	OK(stat("f", &st));
	EXPECT(st.st_uid == 8 && st.st_gid == 7);
}

CASE(groups_that_are_too_many)
{
	gid_t g[4] = {1, 2, 3, 4}, got[4];

	OK(setgroups(4, g));
	EXPECT_EQ(getgroups(0, NULL), 4);
	EXPECT_ERRNO(getgroups(3, got), EINVAL);
	EXPECT_ERRNO(syscall(SYS_getgroups, -1, got), EINVAL);
	EXPECT_EQ(getgroups(4, got), 4);
	EXPECT_EQ(got[3], 4);
	EXPECT_ERRNO(syscall(SYS_setgroups, 65537, g), EINVAL);
	EXPECT_ERRNO(syscall(SYS_setgroups, 4, 8), EFAULT);
	OK(setuid(1));
	EXPECT_ERRNO(setgroups(1, g), EPERM);
}

CASE(saved_ids_come_from_exec)
{
	pid_t pid;

	OK(chmod(".", 0755));
	pid = fork();
	if (!pid) {
		char *argv[] = {"/proc/self/exe", "--case", "helper_saved_id", NULL};
		OK(setresuid(10, 20, 30));
		setenv("IDS_HELPER", "1", 1);
		execv(argv[0], argv);
		_exit(1);
	}
	expect_exit(pid, 0);
}

CASE(helper_saved_id)
{
	if (getenv("IDS_HELPER"))
		expect_uids(10, 20, 20);
}

CASE(kill_looks_at_real_and_saved_ids)
{
	pid_t pid = fork();

	if (!pid) {
		OK(setresuid(10, 20, 30));
		for (;;)
			pause();
	}
	sleep_ms(50);
	for (int i = 0; i < 4; i++) {
		static const uid_t ids[] = {10, 20, 30, 40};
		pid_t killer = fork();
		if (!killer) {
			OK(setresuid(ids[i], ids[i], ids[i]));
			_exit(kill(pid, 0) ? errno : 0);
		}
		/* real 10 and saved 30 may be reached; the effective 20 does not count */
		expect_exit(killer, ids[i] == 10 || ids[i] == 30 ? 0 : EPERM);
	}
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}

/* ---- groups and sessions ---- */

CASE(setpgid_rules)
{
	pid_t pid, other;

	EXPECT_ERRNO(setpgid(0, -1), EINVAL);
	EXPECT_ERRNO(setpgid(0x3fffffff, 0), ESRCH);
	EXPECT_ERRNO(setpgid(getppid(), 0), ESRCH); /* neither we nor a child */
	EXPECT_ERRNO(setpgid(0, 0x3fffffff), EPERM);
	pid = fork();
	if (!pid) {
		setsid();
		for (;;)
			pause();
	}
	sleep_ms(100);
	EXPECT_ERRNO(setpgid(pid, 0), EPERM); /* a session's leader */
	other = fork();
	if (!other) {
		for (;;)
			pause();
	}
	EXPECT_ERRNO(setpgid(other, pid), EPERM); /* a group of another session */
	OK(setpgid(other, other));
	EXPECT_EQ(getpgid(other), other);
	OK(setpgid(other, getpgrp())); /* and back */
	EXPECT_EQ(getpgid(other), getpgrp());
	kill(pid, SIGKILL);
	kill(other, SIGKILL);
}

CASE(setsid_rules)
{
	pid_t pid;

	EXPECT_ERRNO(setsid(), EPERM); /* a group's leader: case.c made us one */
	pid = fork();
	if (!pid) {
		EXPECT_EQ(setsid(), getpid());
		EXPECT_EQ(getsid(0), getpid());
		EXPECT_EQ(getpgrp(), getpid());
		EXPECT_ERRNO(setsid(), EPERM);
		EXPECT_ERRNO(setpgid(0, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

static int g_pipe[2];

static void tell(int sig)
{
	char c = (char)sig;

	write(g_pipe[1], &c, 1);
}

CASE(orphaned_stopped_group_gets_hup_and_cont)
{
	pid_t middle;
	char c[2];

	OK(pipe(g_pipe));
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	middle = fork();
	if (!middle) {
		setsid(); /* a session of its own, to be alone in */
		middle = fork();
		if (!middle) {
			pid_t stopped = fork();
			if (!stopped) {
				signal(SIGHUP, tell);
				signal(SIGCONT, tell);
				setpgid(0, 0);
				raise(SIGSTOP);
				sleep_ms(300);
				_exit(0);
			}
			waitpid(stopped, NULL, WUNTRACED);
			_exit(0); /* with us goes the last link to its session */
		}
		waitpid(middle, NULL, 0);
		sleep_ms(200);
		_exit(0);
	}
	expect_exit(middle, 0);
	EXPECT_EQ(read(g_pipe[0], c, 1), 1);
	EXPECT_EQ(read(g_pipe[0], c + 1, 1), 1);
	EXPECT((c[0] == SIGHUP && c[1] == SIGCONT) || (c[0] == SIGCONT && c[1] == SIGHUP));
}

CASE(orphaned_group_does_not_stop_from_the_terminal)
{
	pid_t pid = fork();

	if (!pid) {
		setsid(); /* a group without a parent in its session */
		kill(getpid(), SIGTSTP);
		kill(getpid(), SIGTTIN);
		kill(getpid(), SIGTTOU);
		_exit(4); /* never stopped */
	}
	expect_exit(pid, 4);
}

CASE(kill_by_group)
{
	pid_t group, pids[2];
	int status;

	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			for (;;)
				pause();
		OK(setpgid(pids[i], pids[0]));
	}
	group = pids[0];
	OK(kill(-group, 0));
	OK(kill(-group, SIGTERM));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(waitpid(-group, &status, 0) > 0, 1);
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	}
	EXPECT_ERRNO(kill(-group, 0), ESRCH);
	EXPECT_ERRNO(waitpid(-group, &status, 0), ECHILD);
	EXPECT_ERRNO(kill(getpid(), 65), EINVAL);
	EXPECT_ERRNO(kill(-2147483647 - 1, 0), ESRCH);
}

/* ---- waiting ---- */

CASE(waitid_selects)
{
	siginfo_t si;
	pid_t a = fork(), b;

	if (!a)
		_exit(1);
	b = fork();
	if (!b)
		_exit(2);
	OK(setpgid(b, b) == 0 || errno == EACCES || errno == ESRCH ? 0 : -1);
	OK(waitid(P_PID, (id_t)b, &si, WEXITED));
	EXPECT_EQ(si.si_pid, b);
	EXPECT_EQ(si.si_status, 2);
	EXPECT_EQ(si.si_code, CLD_EXITED);
	EXPECT_EQ(si.si_signo, SIGCHLD);
	EXPECT_EQ(si.si_uid, getuid());
	OK(waitid(P_PGID, 0, &si, WEXITED)); /* our own group */
	EXPECT_EQ(si.si_pid, a);
	EXPECT_ERRNO(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	EXPECT_ERRNO(waitid(P_ALL, 0, &si, 0), EINVAL); /* for what? */
	EXPECT_ERRNO(waitid(P_ALL, 0, &si, WEXITED | 0x100), EINVAL);
	EXPECT_ERRNO(waitid((idtype_t)77, 0, &si, WEXITED), EINVAL);
	EXPECT_ERRNO(waitid(P_PID, 0, &si, WEXITED), EINVAL);
	EXPECT_ERRNO(waitid(P_PIDFD, 0x7000, &si, WEXITED), EBADF);
}

CASE(waitid_nohang_leaves_zeros)
{
	siginfo_t si;
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	memset(&si, 0x55, sizeof(si));
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG));
	EXPECT_EQ(si.si_pid, 0);
	EXPECT_EQ(si.si_signo, 0);
	kill(pid, SIGKILL);
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT)); /* looks only */
	EXPECT_EQ(si.si_code, CLD_KILLED);
	EXPECT_EQ(si.si_status, SIGKILL);
	expect_signal(pid, SIGKILL);
}

CASE(waitid_stopped_and_continued)
{
	siginfo_t si;
	int status;
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	OK(kill(pid, SIGSTOP));
	OK(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOWAIT));
	EXPECT_EQ(si.si_code, CLD_STOPPED);
	EXPECT_EQ(si.si_status, SIGSTOP);
	OK(waitid(P_PID, (id_t)pid, &si, WSTOPPED)); /* taken now */
	EXPECT_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	OK(kill(pid, SIGCONT));
	OK(waitid(P_PID, (id_t)pid, &si, WCONTINUED));
	EXPECT_EQ(si.si_code, CLD_CONTINUED);
	EXPECT_EQ(si.si_status, SIGCONT);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}

CASE(wait_for_clone_children)
{
	int status;
	/* a child that sends no SIGCHLD is no child of wait(2)'s but for __WCLONE and __WALL */
	pid_t pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);

	if (!pid)
		_exit(6);
	OK(pid);
	EXPECT_ERRNO(waitpid(pid, &status, 0), ECHILD);
	EXPECT_EQ(waitpid(pid, &status, __WCLONE), pid);
	EXPECT_EQ(WEXITSTATUS(status), 6);
	pid = fork();
	if (!pid)
		_exit(7);
	EXPECT_ERRNO(waitpid(pid, &status, __WCLONE), ECHILD);
	EXPECT_EQ(waitpid(pid, &status, __WALL), pid);
}

static void *forks(void *arg)
{
	pid_t pid = fork();

	if (!pid)
		_exit(8);
	*(pid_t *)arg = pid;
	sleep_ms(300);
	return NULL;
}

CASE(wnothread_waits_for_ones_own)
{
	pthread_t th;
	pid_t pid = 0;
	int status;

	EXPECT_EQ(pthread_create(&th, NULL, forks, &pid), 0);
	while (!__atomic_load_n(&pid, __ATOMIC_ACQUIRE))
		sleep_ms(5);
	EXPECT_ERRNO(waitpid(pid, &status, __WNOTHREAD), ECHILD); /* another thread's */
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	pthread_join(th, NULL);
}

CASE(wait_bad_ends)
{
	int status;
	struct rusage ru;

	EXPECT_ERRNO(waitpid(0x3fffffff, &status, 0), ECHILD);
	EXPECT_ERRNO(waitpid(-1, &status, 0x100), EINVAL);
	EXPECT_ERRNO(wait4(-2147483647 - 1, &status, 0, &ru), ESRCH);
	EXPECT_ERRNO(waitpid(1, &status, 0), ECHILD); /* not ours */
}

CASE(sa_nocldwait_leaves_nobody)
{
	struct sigaction sa = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	int status;
	pid_t pid;

	OK(sigaction(SIGCHLD, &sa, NULL));
	pid = fork();
	if (!pid) {
		sleep_ms(50);
		_exit(0);
	}
	EXPECT_ERRNO(waitpid(pid, &status, 0), ECHILD); /* after its end */
	EXPECT_ERRNO(kill(pid, 0), ESRCH);
}

CASE(sa_nocldstop_is_quiet_about_stops)
{
	struct sigaction sa = {.sa_handler = tell, .sa_flags = SA_NOCLDSTOP};
	struct pollfd p;
	int status;
	pid_t pid;

	OK(pipe(g_pipe));
	OK(sigaction(SIGCHLD, &sa, NULL));
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	OK(kill(pid, SIGSTOP));
	while (waitpid(pid, &status, WUNTRACED) < 0)
		;
	p = (struct pollfd){.fd = g_pipe[0], .events = POLLIN};
	EXPECT_EQ(poll(&p, 1, 50), 0);
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		;
	EXPECT_EQ(poll(&p, 1, 5000), 1);
}

/*
 * test_proc_pid.c - what /proc/PID says of a process, against what the process knows of itself.
 */
#include "case.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static char g_text[65536];

static const char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = 0, got = 0;

	OK(fd);
	while (n < (ssize_t)sizeof(g_text) - 1 &&
	       (got = read(fd, g_text + n, sizeof(g_text) - 1 - (size_t)n)) > 0)
		n += got;
	EXPECT(got >= 0);
	g_text[n] = 0;
	close(fd);
	return g_text;
}

/* The number behind "Name:" in a file of such lines. */
static long field(const char *path, const char *name)
{
	const char *at = strstr(slurp(path), name);

	EXPECT(at);
	return strtol(at + strlen(name), NULL, 0);
}

/* The number of a field of stat, as proc(5) counts them from 1; from 3 on. */
static long long stat_field(const char *path, int n)
{
	const char *at = strrchr(slurp(path), ')');

	EXPECT(at);
	at++;
	for (int i = 3; i < n; i++) {
		at = strchr(at + 1, ' ');
		EXPECT(at);
	}
	return strtoll(at, NULL, 10);
}

CASE(stat_tells_ids_and_counts)
{
	EXPECT_EQ(strtol(slurp("/proc/self/stat"), NULL, 10), getpid());
	EXPECT_EQ(stat_field("/proc/self/stat", 4), getppid());
	EXPECT_EQ(stat_field("/proc/self/stat", 5), getpgrp());
	EXPECT_EQ(stat_field("/proc/self/stat", 6), getsid(0));
	EXPECT_EQ(stat_field("/proc/self/stat", 19), getpriority(PRIO_PROCESS, 0));
	EXPECT_EQ(stat_field("/proc/self/stat", 20), 1); /* threads */
	EXPECT_EQ(stat_field("/proc/self/stat", 38), SIGCHLD);
	EXPECT(stat_field("/proc/self/stat", 22) >= 0);     /* ticks since boot */
	EXPECT(stat_field("/proc/self/stat", 23) > 100000); /* bytes */
}

CASE(stat_survives_a_name_with_brackets)
{
	const char *at;

	OK(prctl(PR_SET_NAME, "a) R 1 (b"));
	at = strchr(slurp("/proc/self/stat"), '(');
	EXPECT(at && !strncmp(at, "(a) R 1 (b) R ", 14));
	EXPECT_STR(slurp("/proc/self/comm"), "a) R 1 (b\n");
}

CASE(comm_can_be_written)
{
	int fd = open("/proc/self/comm", O_RDWR);
	char name[32];

	OK(fd);
	EXPECT_EQ(write(fd, "renamed-by-a-long-name", 22), 22);
	OK(prctl(PR_GET_NAME, name));
	EXPECT_STR(name, "renamed-by-a-lo");
}

/* echo name > /proc/self/comm */
CASE(a_file_of_proc_may_be_opened_with_o_trunc)
{
	int fd = open("/proc/self/comm", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	char name[32];

	OK(fd);
	EXPECT_EQ(write(fd, "cut", 3), 3);
	OK(close(fd));
	OK(prctl(PR_GET_NAME, name));
	EXPECT_STR(name, "cut");
}

CASE(status_shows_masks)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_SETMASK, &set, NULL));
	signal(SIGUSR2, SIG_IGN);
	OK(kill(getpid(), SIGUSR1));
	EXPECT(strstr(slurp("/proc/self/status"), "SigBlk:\t0000000000000200\n"));
	EXPECT(strstr(g_text, "ShdPnd:\t0000000000000200\n"));
	EXPECT(strstr(g_text, "SigPnd:\t0000000000000000\n"));
	EXPECT(strtoull(strstr(g_text, "SigIgn:") + 7, NULL, 16) & 1ULL << (SIGUSR2 - 1));
}

CASE(status_shows_ids_and_bits)
{
	OK(setresgid(5, 6, 7));
	OK(setresuid(10, 20, 30));
	EXPECT(strstr(slurp("/proc/thread-self/status"), "Uid:\t10\t20\t30\t20\n"));
	EXPECT(strstr(g_text, "Gid:\t5\t6\t7\t6\n"));
	EXPECT(strstr(g_text, "NoNewPrivs:\t0\n"));
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	EXPECT(strstr(slurp("/proc/thread-self/status"), "NoNewPrivs:\t1\n"));
	EXPECT(strstr(g_text, "CapEff:\t0000000000000000\n"));
}

CASE(status_of_each_state)
{
	char path[64];
	pid_t pid = fork();
	siginfo_t si;

	if (!pid)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	for (int i = 0; i < 200 && !strstr(slurp(path), "State:\tS (sleeping)\n"); i++)
		sleep_ms(10);
	EXPECT(strstr(g_text, "State:\tS (sleeping)\n"));
	OK(kill(pid, SIGSTOP));
	OK(waitid(P_PID, (id_t)pid, &si, WSTOPPED));
	EXPECT(strstr(slurp(path), "State:\tT (stopped)\n"));
	OK(kill(pid, SIGKILL));
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	EXPECT(strstr(slurp(path), "State:\tZ (zombie)\n"));
	EXPECT(!strstr(g_text, "VmRSS"));
	expect_signal(pid, SIGKILL);
	EXPECT_ERRNO(open(path, O_RDONLY), ENOENT);
}

CASE(maps_show_what_was_mapped)
{
	int fd = make_file("mapped-file", "x");
	char line[128];
	char *m = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *f;

	EXPECT(m != MAP_FAILED);
	OK(mprotect(m + 4096, 4096, PROT_NONE)); /* three parts */
	snprintf(line, sizeof(line), "%lx-%lx ---p 00000000 00:00 0", (unsigned long)m + 4096,
		 (unsigned long)m + 8192);
	EXPECT(strstr(slurp("/proc/self/maps"), line));
	f = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT(f != MAP_FAILED);
	snprintf(line, sizeof(line), "%lx-%lx r--s 00000000 ", (unsigned long)f, (unsigned long)f + 4096);
	EXPECT(strstr(slurp("/proc/self/maps"), line));
	EXPECT(strstr(strstr(g_text, line), "/mapped-file\n"));
	OK(unlink("mapped-file"));
	EXPECT(strstr(slurp("/proc/self/maps"), "/mapped-file (deleted)\n"));
	EXPECT(strstr(g_text, "[stack]\n") && strstr(g_text, "[heap]\n"));
}

CASE(descriptors_with_their_positions)
{
	char path[64], link[64];
	int fd = make_file("f", "0123456789"), ev = eventfd(7, EFD_CLOEXEC), n = 0;
	struct dirent *e;
	DIR *d;

	OK(lseek(fd, 4, SEEK_SET));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	EXPECT_EQ(field(path, "pos:"), 4);
	EXPECT_EQ(field(path, "flags:") & O_ACCMODE, O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ev);
	EXPECT(field(path, "flags:") & O_CLOEXEC);
	EXPECT_EQ(field(path, "eventfd-count:"), 7);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ev);
	link[readlink(path, link, sizeof(link) - 1)] = 0;
	EXPECT_STR(link, "anon_inode:[eventfd]");
	d = opendir("/proc/self/fd");
	while ((e = readdir(d)))
		n += atoi(e->d_name) == fd || atoi(e->d_name) == ev;
	EXPECT_EQ(n, 2);
	EXPECT_ERRNO(open("/proc/self/fd/900", O_RDONLY), ENOENT);
	EXPECT_ERRNO(open("/proc/self/fd/x", O_RDONLY), ENOENT);
}

CASE(limits_in_words)
{
	struct rlimit l = {123, 456};

	OK(setrlimit(RLIMIT_CORE, &l));
	EXPECT(strstr(slurp("/proc/self/limits"),
		      "Max core file size        123                  456                  bytes"));
	EXPECT(!strncmp(g_text, "Limit                     Soft Limit           Hard Limit           Units",
			70));
}

CASE(io_counts_bytes)
{
	long before = field("/proc/self/io", "wchar:"), calls = field("/proc/self/io", "syscw:");
	int fd = make_file("f", "");

	EXPECT_EQ(write(fd, g_text, 5000), 5000);
	EXPECT(field("/proc/self/io", "wchar:") - before >= 5000);
	EXPECT(field("/proc/self/io", "syscw:") > calls);
}

static void *waits(void *arg)
{
	prctl(PR_SET_NAME, "second");
	*(pid_t *)arg = (pid_t)syscall(SYS_gettid);
	sleep_ms(5000);
	return NULL;
}

CASE(threads_have_directories)
{
	char path[64];
	pid_t tid = 0;
	pthread_t th;
	DIR *d;
	int n = 0;

	EXPECT_EQ(pthread_create(&th, NULL, waits, &tid), 0);
	while (!__atomic_load_n(&tid, __ATOMIC_ACQUIRE))
		sleep_ms(5);
	d = opendir("/proc/self/task");
	for (struct dirent *e; (e = readdir(d));)
		n += atoi(e->d_name) > 0;
	EXPECT_EQ(n, 2);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	EXPECT_STR(slurp(path), "second\n");
	snprintf(path, sizeof(path), "/proc/%d/status", tid); /* found, though not listed */
	EXPECT_EQ(field(path, "Tgid:"), getpid());
	EXPECT_EQ(field("/proc/self/status", "Threads:"), 2);
}

CASE(links_of_the_process)
{
	char link[256], want[256];
	ssize_t n;

	EXPECT(getcwd(want, sizeof(want)));
	n = readlink("/proc/self/cwd", link, sizeof(link) - 1);
	EXPECT(n > 0);
	link[n] = 0;
	EXPECT_STR(link, want);
	n = readlink("/proc/self/root", link, sizeof(link) - 1);
	EXPECT_EQ(n, 1);
	n = readlink("/proc/self/exe", link, sizeof(link) - 1);
	EXPECT(n > 0);
	link[n] = 0;
	EXPECT(strstr(link, "test_proc_pid") || strstr(link, "/tmp/"));
	n = readlink("/proc/self", link, sizeof(link) - 1);
	link[n] = 0;
	EXPECT_EQ(atoi(link), getpid());
}

CASE(others_see_little_of_a_process)
{
	char path[64];
	pid_t pid = fork(), other;

	if (!pid)
		for (;;)
			pause();
	other = fork();
	if (!other) {
		OK(setgid(65534));
		OK(setuid(65534));
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		EXPECT(open(path, O_RDONLY) >= 0); /* for everybody */
		snprintf(path, sizeof(path), "/proc/%d/environ", pid);
		EXPECT_ERRNO(open(path, O_RDONLY), EACCES);
		snprintf(path, sizeof(path), "/proc/%d/fd", pid);
		EXPECT(!opendir(path) && errno == EACCES);
		snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
		EXPECT_ERRNO(readlink(path, g_text, 10), EACCES);
		snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		EXPECT_ERRNO(open(path, O_RDWR), EACCES);
		_exit(0);
	}
	expect_exit(other, 0);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}

CASE(memory_through_proc)
{
	static const char text[] = "unchanged";
	static char data[] = "before";
	int fd = open("/proc/self/mem", O_RDWR);
	char buf[16] = "";

	OK(fd);
	EXPECT_EQ(pread(fd, buf, 9, (off_t)(uintptr_t)text), 9);
	EXPECT_STR(buf, "unchanged");
	EXPECT_EQ(pwrite(fd, "after!", 6, (off_t)(uintptr_t)data), 6);
	EXPECT_STR(data, "after!");
	EXPECT_ERRNO(pread(fd, buf, 1, 0), EIO);
}

/* ---- who logged in ---- */

static int put_loginuid(const char *text)
{
	int fd = open("/proc/self/loginuid", O_WRONLY), n;

	OK(fd);
	n = (int)write(fd, text, strlen(text));
	close(fd);
	return n;
}

static unsigned number_in(const char *path)
{
	char text[20] = "";
	int fd = open(path, O_RDONLY);

	OK(fd);
	EXPECT(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return (unsigned)strtoul(text, NULL, 10);
}

CASE(loginuid_is_said_once)
{
	char path[40];
	unsigned session;
	pid_t pid;
	int fd;

	if (access("/proc/self/sessionid", F_OK) || number_in("/proc/self/loginuid") != 4294967295U)
		case_skip("no audit, or somebody has logged in");
	EXPECT_EQ(number_in("/proc/self/sessionid"), 4294967295U);
	EXPECT_ERRNO(put_loginuid("x"), EINVAL);
	pid = fork();
	if (!pid) {
		EXPECT_EQ(put_loginuid("1234"), 4);
		EXPECT_EQ(number_in("/proc/self/loginuid"), 1234);
		session = number_in("/proc/self/sessionid");
		EXPECT(session != 4294967295U);
		pid = fork();
		if (!pid)
			_exit(number_in("/proc/self/loginuid") != 1234 ||
			      number_in("/proc/self/sessionid") != session);
		expect_exit(pid, 0);
		snprintf(path, sizeof(path), "/proc/%d/loginuid", getppid());
		fd = open(path, O_WRONLY);
		EXPECT_ERRNO(write(fd, "5", 1), EPERM); /* another's */
		fd = open("/proc/self/loginuid", O_WRONLY);
		OK(setresuid(1000, 1000, 1000));
		EXPECT_ERRNO(write(fd, "1000", 4), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(number_in("/proc/self/loginuid"), 4294967295U);
}

CASE(files_of_proc_are_truncated_in_vain)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_TRUNC);
	char text[20] = "";

	OK(fd);
	OK(ftruncate(fd, 0)); /* as pam_loginuid does before it writes */
	EXPECT(read(fd, text, sizeof(text) - 1) > 0);
	OK(truncate("/proc/self/comm", 5));
	EXPECT_ERRNO(ftruncate(fd, -1), EINVAL);
	close(fd);
	fd = open("/proc/self/status", O_RDONLY);
	EXPECT_ERRNO(ftruncate(fd, 0), EINVAL);
}

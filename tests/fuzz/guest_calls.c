/*
 * guest_calls.c - a guest that makes random and half-right system calls, to be run in a sandbox by run-calls.
 *
 *     guest_calls SEED SECONDS DIRECTORY
 *
 * Each round has a seed of its own, printed, and can be had again alone: guest_calls SEED 0 DIRECTORY. A
 * round is a few processes with a few threads each, in fresh scratch directories, for at most three seconds;
 * whatever is left of them is killed. The calls come from gen_calls.h, which is made from table.def: number
 * and a letter per argument. It says "round SEED" so that the runner sees progress; it fails only if it
 * cannot go on itself.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct call {
	short nr;
	const char *name, *args;
};
static const struct call calls[] = {
#include "gen_calls.h"
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))
#define FDS        24
#define PROCESSES  3
#define ROUND_MS   3000
#define NOT_BEGUN  77

static __thread uint64_t state;
static int fds[FDS];
static char *area; /* a page of data, one read-only, one that is not there */
static pid_t children[64];
static pid_t driver; /* the process of main(): must not be killed */

/* A filter of our own may make getpid() and fork() say -1, and kill(-1) is for everybody. */
static void kill_one(pid_t pid, int sig)
{
	if (pid > 1 && pid != driver)
		kill(pid, sig);
}

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL;
}
static uint64_t below(uint64_t n)
{
	return (rnd() >> 20) % n;
}
#define PICK(...)                                                                                            \
	({                                                                                                   \
		static const uint64_t v_[] = {__VA_ARGS__};                                                  \
		v_[below(sizeof(v_) / sizeof(v_[0]))];                                                       \
	})

#define PICK_STR(...)                                                                                        \
	({                                                                                                   \
		static const char *const s_[] = {__VA_ARGS__};                                               \
		s_[below(sizeof(s_) / sizeof(s_[0]))];                                                       \
	})

static uint64_t pointer(void)
{
	switch (below(10)) {
	case 0:
		return 0;
	case 1:
		return PICK(8, 0x7ffffffff000, 0xffffffff81000000, 0xffffffffffffffff, 0x8000000000000000);
	case 2:
		return (uint64_t)area + 4096 + below(4096); /* read-only */
	case 3:
		return (uint64_t)area + 8192 - 1 - below(64); /* across the end */
	case 4:
		return (uint64_t)area + 8192 + below(100); /* not there */
	case 5:
		return (uint64_t)&state - below(256); /* a stack */
	default:
		return (uint64_t)area + below(512) * 8;
	}
}
static uint64_t number(void)
{
	switch (below(6)) {
	case 0:
		return PICK(0xffffffffffffffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
			    0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000);
	case 1:
		return 1ULL << below(64);
	case 2:
		return rnd();
	case 3:
		return below(4096);
	default:
		return below(16);
	}
}
static uint64_t size(void)
{
	return below(8) ? PICK(0, 1, 2, 4, 7, 8, 12, 16, 24, 32, 64, 100, 128, 144, 255, 512, 4095, 4096,
			       4097, 8192, 65536)
			: PICK(0x10000000, 0x7fffffff, 0x7ffff000, 0xffffffff, 0xffffffffffffffff, 0x100000);
}
static uint64_t descriptor(void)
{
	switch (below(12)) {
	case 0:
		return PICK(0xffffffff, 99999, 1023, 0x7fffffff, 0xffffff9c /* AT_FDCWD */);
	case 1:
		return 3 + below(60);
	default:
		return (uint64_t)fds[below(FDS)];
	}
}
static uint64_t path(void)
{
	static const char *const names[] = {"a",
					    "b",
					    "d",
					    "d/a",
					    "d/d/x",
					    "../../../..",
					    ".",
					    "",
					    "/",
					    "/proc/self/maps",
					    "/proc/self/status",
					    "/proc/self/fd/3",
					    "/proc/self/mem",
					    "/proc/self/ns/pid",
					    "/proc/sys/kernel/hostname",
					    "/dev/null",
					    "/dev/zero",
					    "/dev/full",
					    "/dev/tty",
					    "/dev/ptmx",
					    "/dev/shm/x",
					    "s",
					    "d/s",
					    "loop",
					    "fifo",
					    "sock",
					    "a/",
					    "a/b",
					    "./././d/../a",
					    "/proc/1/root",
					    "/proc/self/task",
					    "/tmp",
					    "x",
					    "y",
					    "z",
					    "proc",
					    "tmpfs",
					    "user.name",
					    "trusted.x",
					    "security.capability",
					    "system.posix_acl_access",
					    "system.posix_acl_default"};
	static char longer[5000];

	if (!below(30)) {
		memset(longer, 'x', sizeof(longer) - 1);
		return (uint64_t)longer + below(4990);
	}
	if (!below(20))
		return pointer();
	return (uint64_t)names[below(sizeof(names) / sizeof(names[0]))];
}
/* Never the process that drives the round. */
static uint64_t process(void)
{
	switch (below(5)) {
	case 0:
		return PICK(0x3fffffff, 0xfffffffe, 99999, 0x80000000);
	case 1:
		return (uint64_t)syscall(SYS_gettid);
	default:
		return children[below(8)] ? (uint64_t)children[below(8)] : (uint64_t)getpid();
	}
}
static uint64_t address(void)
{
	return below(3) ? ((uint64_t)area & ~0xfffUL) + 0x100000 + below(64) * 4096 : number() & ~0xfffUL;
}
static uint64_t argument(char kind)
{
	if (!below(40))
		return rnd();
	switch (kind) {
	case 'f':
		return descriptor();
	case 'p':
		return pointer();
	case 's':
		return path();
	case 'n':
		return size();
	case 'i':
		return process();
	case 'a':
		return address();
	case 'g':
		return below(66);
	case 'm':
		return below(4) ? 0600 | below(0200) : number();
	case 'b': { /* flags: a few bits */
		uint64_t v = 0;
		for (uint64_t k = below(4); k; k--)
			v |= 1ULL << below(20);
		return v;
	}
	default:
		return number();
	}
}

/* In the mount namespace of the one who drives us? There his own files must stay where they are. */
static int his_mounts(void)
{
	static struct stat his;
	struct stat st;

	if (!his.st_ino && stat("/proc/1/ns/mnt", &his))
		return 1;
	return stat("/proc/self/ns/mnt", &st) || st.st_ino == his.st_ino;
}

/* What would end the game, not test it. */
static int forbidden(int nr, uint64_t *a)
{
	switch (nr) {
	case SYS_pivot_root:
	case SYS_move_mount:
	case SYS_umount2:
		return his_mounts();
	case SYS_mount:
		return (a[3] & MS_MOVE) && his_mounts();
	case SYS_reboot:
	case SYS_exit_group:
	case SYS_rt_sigreturn: /* from nowhere: a fault at a random place */
		return below(200);
	case SYS_kill: /* not everybody, and not who drives us */
		if ((int)a[0] <= 0 || (int)a[0] == driver)
			a[0] = (uint64_t)getpid();
		return (int)a[0] <= 0;
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_ptrace:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_prlimit64:
		return (int)a[0] == driver || (int)a[1] == driver;
	case SYS_fork:
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
		return 1; /* made by hand below */
	case SYS_exit:
	case SYS_seccomp:
	case SYS_execve:
	case SYS_execveat:
		return below(100);
	case SYS_prctl:
		return a[0] == PR_SET_SECCOMP && below(100);
	}
	return 0;
}

static void make_fds(void)
{
	int p[2], n = 0;

	memset(fds, 0xff, sizeof(fds));
	fds[n++] = open("a", O_RDWR | O_CREAT, 0644);
	fds[n++] = open("b", O_RDWR | O_CREAT | O_APPEND, 0644);
	fds[n++] = open(".", O_RDONLY | O_DIRECTORY);
	fds[n++] = open("d", O_RDONLY | O_DIRECTORY);
	fds[n++] = open("a", O_PATH);
	fds[n++] = open("/proc/self/maps", O_RDONLY);
	fds[n++] = open("/proc/self", O_RDONLY | O_DIRECTORY);
	fds[n++] = open("/dev/zero", O_RDWR);
	fds[n++] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (!pipe2(p, O_NONBLOCK)) {
		fds[n++] = p[0];
		fds[n++] = p[1];
	}
	if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p)) {
		fds[n++] = p[0];
		fds[n++] = p[1];
	}
	if (!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p)) {
		fds[n++] = p[0];
		fds[n++] = p[1];
	}
	fds[n++] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	fds[n++] = eventfd(0, EFD_NONBLOCK);
	fds[n++] = epoll_create1(0);
	fds[n++] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	fds[n++] = (int)syscall(SYS_memfd_create, "m", 2);
	fds[n++] = (int)syscall(SYS_pidfd_open, getpid(), 0);
	fds[n++] = (int)syscall(SYS_inotify_init1, O_NONBLOCK);
	fds[n++] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (ftruncate(fds[0], 20000) || fds[19] < 0)
		return;
	if (ftruncate(fds[19], 12288))
		return;
}

/* Data that looks like structures: small numbers, descriptors, pointers. */
static void fill_area(void)
{
	uint64_t *w = (uint64_t *)area;

	for (int i = 0; i < 512; i++)
		w[i] = below(3) ? below(64) : below(2) ? (uint64_t)area + below(512) * 8 : number();
}

/* GUEST_CALLS_FILES: only what works with names and descriptors. */
static const struct call *choose(void)
{
	static int only_files = -1;
	const struct call *c;

	if (only_files < 0)
		only_files = getenv("GUEST_CALLS_FILES") != NULL;
	do
		c = &calls[below(CALL_COUNT)];
	while (only_files && !strpbrk(c->args, "sf"));
	return c;
}

static void one_call(void)
{
	const struct call *c = choose();
	uint64_t a[6];

	for (int i = 0; i < 6; i++)
		a[i] = argument(c->args[0] && (size_t)i < strlen(c->args) ? c->args[i] : '?');
	if (forbidden(c->nr, a))
		return;
	if (getenv("GUEST_CALLS_TRACE"))
		fprintf(stderr, "%d %s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", (int)syscall(SYS_gettid),
			c->name, a[0], a[1], a[2], a[3], a[4], a[5]);
	syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static sigjmp_buf again;
static pid_t main_thread;
static char group[64]; /* the control group of this round, or "" */

#include "guest_kernel.h"

#include "guest_files.h"

/* GUEST_CALLS_ONLY=name: nothing but this one. */
static void one_family(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
		unsigned often;
	} families[] = {
	    {"futex", gen_futex, 12},  {"robust", gen_robust, 1},   {"frame", gen_frame, 2},
	    {"ptrace", gen_ptrace, 1}, {"clone", gen_clone, 2},     {"filter", gen_filter, 1},
	    {"exec", gen_exec, 2},     {"memory", gen_memory, 16},  {"userfault", gen_userfault, 1},
	    {"aio", gen_aio, 8},       {"keys", gen_keys, 8},       {"queue", gen_queue, 4},
	    {"sysv", gen_sysv, 6},     {"timer", gen_timer, 4},     {"mount", gen_mount, 4},
	    {"cgroup", gen_cgroup, 6}, {"netlink", gen_netlink, 6}, {"rights", gen_rights, 6},
	    {"epoll", gen_epoll, 8},   {"pipes", gen_pipes, 4},     {"watch", gen_watch, 2},
	    {"tty", gen_tty, 6},       {"fuse", gen_fuse, 1},       {"vfork", gen_vfork, 3}};
	const char *only = getenv("GUEST_CALLS_ONLY");
	unsigned count = sizeof(families) / sizeof(families[0]);
	int64_t at = (int64_t)below(114);

	for (unsigned i = 0; i < count; i++) {
		if (only ? !strcmp(only, families[i].name) : (at -= families[i].often) < 0) {
			if (getenv("GUEST_CALLS_TRACE"))
				fprintf(stderr, "%d family %s\n", (int)syscall(SYS_gettid), families[i].name);
			families[i].run();
			return;
		}
	}
}

static void one_step(void)
{
	if (tree_count && below(2))
		gen_tree();
	else if (getenv("GUEST_CALLS_ONLY") || !below(10))
		one_family();
	else
		one_call();
}

static void *calls_thread(void *arg)
{
	state = (uint64_t)arg;
	for (;;)
		one_step();
	return NULL;
}

/* Faults are part of the game: the main thread goes on, another ends. */
static void on_signal(int sig)
{
	if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGFPE && sig != SIGTRAP &&
	    sig != SIGSYS)
		return;
	if (syscall(SYS_gettid) == main_thread)
		siglongjmp(again, 1);
	syscall(SYS_exit, 0);
}

/* Wakes whoever waits for ever, as long as signals are let through. */
static void *nudger(void *arg)
{
	pid_t pid = getpid();

	(void)arg;
	for (;;) {
		usleep(20000);
		syscall(SYS_tgkill, pid, pid, SIGALRM);
	}
	return NULL;
}

static void spawn(void)
{
	static int depth;
	pid_t pid;

	if (depth > 2 || below(300))
		return;
	pid = fork();
	if (!pid) {
		depth++;
		main_thread = (pid_t)syscall(SYS_gettid);
		return; /* both go on */
	}
	children[below(8)] = pid;
}

/* What it writes into is its own: the driver must not be frozen, limited or killed. */
static void enter_group(void)
{
	char path[100];
	int fd;

	if (!*group)
		return;
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) < 0)
		*group = 0;
	close(fd);
}

static void work(uint64_t seed, const char *dir)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
	static volatile int i;
	sigset_t none;
	pthread_t th;

	state = seed * 2654435761U + 88172645463325252ULL;
	if (below(2))
		unshare(CLONE_NEWNET);
	errno = 0;
	mkdir(dir, 0755); /* with --on overlay some of it is there */
	if (errno && errno != EEXIST) {
		perror(dir);
		_exit(NOT_BEGUN);
	}
	if (chdir(dir) || (mkdir("d", 0755) && errno != EEXIST) || symlink("a", "s") ||
	    symlink("loop", "loop") || mkfifo("fifo", 0600)) {
		perror("guest_calls: the scratch directory");
		_exit(NOT_BEGUN);
	}
	area = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED) {
		perror("guest_calls: mmap");
		_exit(NOT_BEGUN);
	}
	words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED) {
		perror("guest_calls: mmap, shared");
		_exit(NOT_BEGUN);
	}
	make_fds();
	make_tree();
	fill_area();
	mprotect(area + 4096, 4096, PROT_READ);
	for (int sig = 1; sig <= 64; sig++)
		sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	main_thread = (pid_t)syscall(SYS_gettid);
	pthread_create(&th, NULL, nudger, NULL);
	for (uint64_t k = below(3); k; k--)
		pthread_create(&th, NULL, calls_thread, (void *)(rnd() | 1));
	sigsetjmp(again, 1);
	for (; i < 4000; i++) {
		if (!below(50))
			fill_area();
		spawn();
		one_step();
	}
	_exit(0);
}
#include "guest_clean.h"

static void play(uint64_t seed, const char *base)
{
	uint64_t end = ms() + ROUND_MS;
	pid_t first[PROCESSES];
	char name[64];

	keep_limits();
	keep_settings();
	make_group(seed);
	umask(022);
	mkdir(base, 01777);
	chmod(base, 01777);
	printf("round %llu\n", (unsigned long long)seed);
	fflush(stdout);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();
		snprintf(name, sizeof(name), "%s/r%llu.%d", base, (unsigned long long)seed, i);
		if (!pid) {
			setsid();
			enter_group();
			work(seed * 16 + (uint64_t)i, name);
		}
		if (pid < 0)
			printf("EMPTY: fork: %s\n", strerror(errno));
		children[i] = first[i] = pid;
	}
	for (int status; ms() < end;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid < 0)
			break;
		if ((pid == first[0] || pid == first[1] || pid == first[2]) && WIFEXITED(status) &&
		    WEXITSTATUS(status) == NOT_BEGUN)
			printf("EMPTY: a process could not begin\n");
		if (pid > 0 && getenv("GUEST_CALLS_ENDS"))
			printf("  %d ended: %x\n", pid, status);
		alive();
		usleep(5000);
	}
	/* everything of this round but us */
	for (int i = 0; i < 200; i++) {
		alive();
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD && i > 2)
			break;
		usleep(2000);
	}
	drop_group();
	uncover("/tmp"); /* reached by .. */
	uncover("/mnt");
	uncover("/proc"); /* by a descriptor of it */
	uncover("/sys");
	clean(base, seed);
	clean("/tmp", seed);
}

static void hang(const char *how)
{
	if (!strcmp(how, "sleep"))
		pause();
	if (!strcmp(how, "spin"))
		for (volatile int i = 0;; i = i + 1)
			;
	if (!strcmp(how, "calls"))
		for (;;)
			getppid();
	for (;;) { /* "alive" */
		alive();
		usleep(1000);
	}
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, end;
	sigset_t all;

	if (argc < 4 ||
	    !strstr(argv[0], "guest_calls")) /* the fuzzer has executed itself, perhaps as an interpreter */
		return 2;
	/* a descriptor's owner may be any process that a number names: F_SETOWN and O_ASYNC reach us too */
	driver = getpid();
	own_proc = open("/proc", O_PATH | O_CLOEXEC);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	freopen("/dev/null", "r", stdin);
	end = ms() + strtoull(argv[2], NULL, 0) * 1000;
	/* what the watchdog has to find: tests/fuzz/run-watchdog */
	if (getenv("GUEST_CALLS_HANG")) {
		printf("round 0\n");
		fflush(stdout);
		hang(getenv("GUEST_CALLS_HANG"));
	}
	do
		play(seed++, argv[3]);
	while (ms() < end);
	printf("done\n");
	return 0;
}

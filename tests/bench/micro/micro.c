/*
 * micro.c - what single operations cost: one line per measure, "NAME NANOSECONDS".
 *
 *   micro [DIR]       all measures; files are made in DIR (default /tmp)
 *
 * A static program, so that the same bytes run natively, in Warren and in runsc (tests/bench/micro/run does
 * that). Each measure repeats its operation for about 100 ms, five times, and reports the fastest round's
 * mean. "exec" names itself with the argument "child", so the loader's work is a small static program's;
 * "exec_dyn" runs /bin/true of the root file system, a dynamic one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUND_NS 100000000ULL
#define ROUNDS   5

static char file_path[256], self_path[256];
static int file_fd;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "micro: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Runs fn(n) with n so large that it takes a round, and prints the fastest mean. */
static void measure(const char *name, void (*fn)(unsigned n))
{
	uint64_t best = UINT64_MAX;
	unsigned n = 1;

	for (;;) { /* find n */
		uint64_t start = now_ns(), took;
		fn(n);
		took = now_ns() - start;
		if (took >= ROUND_NS / 4 || n > 1U << 28) {
			n = (unsigned)((double)n * (double)ROUND_NS / (double)(took ? took : 1));
			break;
		}
		n *= 4;
	}
	if (!n)
		n = 1;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = now_ns(), mean;
		fn(n);
		mean = (now_ns() - start) / n;
		best = mean < best ? mean : best;
	}
	printf("%s %lu\n", name, (unsigned long)best);
	fflush(stdout);
}

static void do_getpid(unsigned n)
{
	while (n--)
		syscall(SYS_getpid);
}

static void do_clock(unsigned n)
{
	struct timespec ts;

	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &ts);
}

static void do_pread(unsigned n)
{
	static char buf[4096];

	while (n--)
		if (pread(file_fd, buf, sizeof(buf), 0) != sizeof(buf))
			fail("pread");
}

static void do_open(unsigned n)
{
	while (n--) {
		int fd = open(file_path, O_RDONLY);
		if (fd < 0)
			fail("open");
		close(fd);
	}
}

static void do_stat(unsigned n)
{
	struct stat st;

	while (n--)
		if (stat(file_path, &st))
			fail("stat");
}

/* ---- ping-pong between two processes ---- */

static void do_pipe(unsigned n)
{
	int a[2], b[2];
	char c = 0;
	pid_t pid;

	if (pipe(a) || pipe(b))
		fail("pipe");
	pid = fork();
	if (!pid) {
		for (unsigned i = 0; i < n; i++)
			if (read(a[0], &c, 1) != 1 || write(b[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	for (unsigned i = 0; i < n; i++)
		if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1)
			fail("ping");
	waitpid(pid, NULL, 0);
	close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

static long futex(int *word, int op, int value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

struct pong {
	int word;
	unsigned n;
};

static void wait_for(int *word, int value)
{
	int v;

	while ((v = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != value)
		futex(word, FUTEX_WAIT_PRIVATE, v);
}

static void tell(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	futex(word, FUTEX_WAKE_PRIVATE, 1);
}

static void *pong_main(void *arg)
{
	struct pong *p = arg;

	for (unsigned i = 0; i < p->n; i++) {
		wait_for(&p->word, 1);
		tell(&p->word, 0);
	}
	return NULL;
}

static void do_futex(unsigned n)
{
	struct pong p = {0, n};
	pthread_t t;

	if (pthread_create(&t, NULL, pong_main, &p))
		fail("pthread_create");
	for (unsigned i = 0; i < n; i++) {
		tell(&p.word, 1);
		wait_for(&p.word, 0);
	}
	pthread_join(t, NULL);
}

/* ---- making and ending ---- */

static void *nothing(void *arg)
{
	return arg;
}

static void do_thread(unsigned n)
{
	while (n--) {
		pthread_t t;
		if (pthread_create(&t, NULL, nothing, NULL))
			fail("pthread_create");
		pthread_join(t, NULL);
	}
}

static void reap(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("child");
}

static void do_fork(unsigned n)
{
	while (n--) {
		pid_t pid = fork();
		if (!pid)
			_exit(0);
		reap(pid);
	}
}

static void run(const char *path, char *const argv[])
{
	pid_t pid = fork();

	if (!pid) {
		execv(path, argv);
		_exit(127);
	}
	reap(pid);
}

static void do_exec(unsigned n)
{
	char *argv[] = {self_path, (char *)"child", NULL};

	while (n--)
		run(self_path, argv);
}

static void do_exec_dyn(unsigned n)
{
	char *argv[] = {(char *)"true", NULL};

	while (n--)
		run("/bin/true", argv);
}

static void do_spawn(unsigned n)
{
	char *argv[] = {(char *)"true", NULL}, *envp[] = {NULL};

	while (n--) {
		pid_t pid = -1;
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp))
			fail("posix_spawn");
		reap(pid);
	}
}

/* ---- memory ---- */

#define REGION (256 * 4096)

static void do_mmap(unsigned n)
{
	while (n--) {
		char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			fail("mmap");
		for (int i = 0; i < 4; i++)
			p[i * 4096] = 1;
		munmap(p, 4 * 4096);
	}
}

/* n page faults, 256 per mapping: the mapping itself counts little. */
static void do_fault(unsigned n)
{
	while (n) {
		char *p = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		unsigned pages = n < 256 ? n : 256;
		if (p == MAP_FAILED)
			fail("mmap");
		madvise(p, REGION, MADV_NOHUGEPAGE);
		for (unsigned i = 0; i < pages; i++)
			p[i * 4096] = 1;
		munmap(p, REGION);
		n -= pages;
	}
}

/* ---- signals ---- */

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught++;
}

static void do_signal(unsigned n)
{
	pid_t pid = (pid_t)syscall(SYS_getpid), tid = (pid_t)syscall(SYS_gettid);

	while (n--)
		syscall(SYS_tgkill, pid, tid, SIGUSR1);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(unsigned);
	} all[] = {
	    {"getpid", do_getpid},
	    {"clock_gettime", do_clock},
	    {"pread_4k", do_pread},
	    {"open_close", do_open},
	    {"stat", do_stat},
	    {"pipe_pingpong", do_pipe},
	    {"futex_pingpong", do_futex},
	    {"thread_create_join", do_thread},
	    {"fork_wait", do_fork},
	    {"fork_exec_static", do_exec},
	    {"fork_exec_dynamic", do_exec_dyn},
	    {"posix_spawn", do_spawn},
	    {"mmap_touch_munmap", do_mmap},
	    {"page_fault", do_fault},
	    {"signal", do_signal},
	};
	const char *dir = argc > 1 ? argv[1] : "/tmp";
	static char block[4096];

	if (argc > 1 && !strcmp(argv[1], "child"))
		return 0;
	snprintf(self_path, sizeof(self_path), "%s", argv[0]);
	snprintf(file_path, sizeof(file_path), "%s/micro-%d", dir, (int)getpid());
	file_fd = open(file_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file_fd < 0 || write(file_fd, block, sizeof(block)) != sizeof(block))
		fail(file_path);
	signal(SIGUSR1, on_signal);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (argc < 3 || strstr(argv[2], all[i].name))
			measure(all[i].name, all[i].fn);
	unlink(file_path);
	return 0;
}

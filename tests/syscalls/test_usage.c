/* getrusage(2), times(2), wait4(2)'s usage, CPU clocks, ITIMER_VIRTUAL/PROF, RLIMIT_CPU, and the resident
 * sizes of /proc/PID/{status,statm,smaps,smaps_rollup,pagemap} and /proc/meminfo. */
#include "case.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

#define MIB (1L << 20)

static char *touched(long size)
{
	char *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	memset(p, 1, (size_t)size);
	return p;
}
static int64_t clock_ns(clockid_t c)
{
	struct timespec ts;
	OK(clock_gettime(c, &ts));
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}
static int64_t ru_ns(const struct rusage *u)
{
	return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000000L +
	       (u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1000L;
}
/* Uses `ms` of this thread's CPU time. */
static void burn(int ms)
{
	int64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000L;
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		for (volatile int i = 0; i < 10000; i++)
			;
}
/* The number behind `key` in a file of lines "key: number". */
static long number_in(const char *path, const char *key)
{
	static char buf[65536];
	size_t have = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);
	OK(fd);
	while ((n = read(fd, buf + have, sizeof(buf) - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	buf[have] = 0;
	for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			return atol(line + strlen(key) + 1);
	return -1;
}

/* ---- resident sizes ---- */

CASE(status_rss_follows_touching)
{
	long before = number_in("/proc/self/status", "VmRSS"), after;
	char *p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	after = number_in("/proc/self/status", "VmRSS");
	EXPECT(after - before < 4096); /* mapped is not resident */
	memset(p, 1, 32 * MIB);
	after = number_in("/proc/self/status", "VmRSS");
	EXPECT(after - before > 28 * 1024 && after - before < 40 * 1024);
	OK(munmap(p, 64 * MIB));
	EXPECT(number_in("/proc/self/status", "VmRSS") - before < 4096);
}
CASE(status_high_water_mark_stays)
{
	long before = number_in("/proc/self/status", "VmHWM");
	munmap(touched(32 * MIB), 32 * MIB);
	EXPECT(number_in("/proc/self/status", "VmHWM") - before > 28 * 1024);
}
CASE(status_counts_anonymous_and_shared_apart)
{
	long anon = number_in("/proc/self/status", "RssAnon"),
	     shmem = number_in("/proc/self/status", "RssShmem");
	char *p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	memset(p, 1, 8 * MIB);
	EXPECT(number_in("/proc/self/status", "RssShmem") - shmem > 7 * 1024);
	EXPECT(number_in("/proc/self/status", "RssAnon") - anon < 2 * 1024);
}
CASE(statm_resident_pages)
{
	long total, before, after;
	FILE *f = fopen("/proc/self/statm", "r");
	EXPECT_EQ(fscanf(f, "%ld %ld", &total, &before), 2);
	fclose(f);
	touched(16 * MIB);
	f = fopen("/proc/self/statm", "r");
	EXPECT_EQ(fscanf(f, "%ld %ld", &total, &after), 2);
	fclose(f);
	EXPECT(after - before > 3500 && after - before < 6000);
	EXPECT(total >= after);
}
CASE(another_process_is_measured_too)
{
	int ready[2], go[2];
	char path[64], c;
	long rss;
	pid_t pid;
	OK(pipe(ready));
	OK(pipe(go));
	pid = fork();
	if (!pid) {
		touched(24 * MIB);
		write(ready[1], "x", 1);
		read(go[0], &c, 1);
		_exit(0);
	}
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	sprintf(path, "/proc/%d/status", pid);
	rss = number_in(path, "VmRSS");
	EXPECT(rss > 24 * 1024 && rss < 40 * 1024);
	write(go[1], "x", 1);
	expect_exit(pid, 0);
}
CASE(smaps_names_the_touched_mapping)
{
	char *p = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long start;
	char line[512];
	long size = -1, rss = -1, dirty = -1;
	bool mine = false;
	FILE *f;
	EXPECT(p != MAP_FAILED);
	OK(mprotect(p, 8 * MIB, PROT_NONE)); /* so that the rest is a mapping of its own */
	memset(p + 8 * MIB, 1, 3 * MIB);
	f = fopen("/proc/self/smaps", "r");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-", &start) == 1 && strchr(line, '-') && !strchr(line, ':'))
			mine = false;
		if (sscanf(line, "%lx-%*x %*c", &start) == 1 && strstr(line, "-") && line[0] != 'S')
			mine = start <= (unsigned long)p + 8 * MIB && strstr(line, "rw-p") &&
			       start + 4096 > (unsigned long)p + 8 * MIB;
		if (mine && !strncmp(line, "Size:", 5))
			size = atol(line + 5);
		if (mine && !strncmp(line, "Rss:", 4))
			rss = atol(line + 4);
		if (mine && !strncmp(line, "Private_Dirty:", 14))
			dirty = atol(line + 14);
	}
	fclose(f);
	EXPECT(size >= 8 * 1024);
	EXPECT(rss >= 3 * 1024 && rss <= 5 * 1024);
	EXPECT(dirty >= 3 * 1024 && dirty <= 5 * 1024);
}
CASE(smaps_rollup_sums)
{
	long before = number_in("/proc/self/smaps_rollup", "Rss"), after;
	touched(16 * MIB);
	after = number_in("/proc/self/smaps_rollup", "Rss");
	EXPECT(after - before > 15 * 1024 && after - before < 20 * 1024);
	EXPECT(number_in("/proc/self/smaps_rollup", "Pss_Anon") >= 15 * 1024);
}
CASE(pagemap_tells_present_pages)
{
	uint64_t e[4];
	int fd = open("/proc/self/pagemap", O_RDONLY);
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	OK(fd);
	p[4096] = 1;
	p[3 * 4096] = 1;
	EXPECT_EQ(pread(fd, e, sizeof(e), (off_t)((uintptr_t)p / 4096 * 8)), sizeof(e));
	EXPECT_EQ(e[0] >> 63, 0);
	EXPECT_EQ(e[1] >> 63, 1);
	EXPECT_EQ(e[2] >> 63, 0);
	EXPECT_EQ(e[3] >> 63, 1);
	EXPECT_EQ(e[1] >> 61 & 1, 0); /* not of a file */
	EXPECT_ERRNO(pread(fd, e, 7, 0), EINVAL);
	EXPECT_ERRNO(pread(fd, e, 8, 4), EINVAL);
	EXPECT_EQ(pread(fd, e, 8, 1L << 50), 0);
}
CASE(meminfo_used_follows_touching)
{
	long before = number_in("/proc/meminfo", "AnonPages"), after;
	touched(64 * MIB);
	after = number_in("/proc/meminfo", "AnonPages");
	EXPECT(after - before > 40 * 1024); /* natively others come and go */
	EXPECT(number_in("/proc/meminfo", "MemAvailable") <= number_in("/proc/meminfo", "MemTotal"));
	EXPECT(number_in("/proc/meminfo", "MemFree") > 0);
}
CASE(meminfo_counts_shared_memory)
{
	long before = number_in("/proc/meminfo", "Shmem");
	char *p = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	memset(p, 1, 32 * MIB);
	EXPECT(number_in("/proc/meminfo", "Shmem") - before > 24 * 1024);
}

/* ---- getrusage ---- */

CASE(maxrss_is_the_peak)
{
	struct rusage a, b;
	OK(getrusage(RUSAGE_SELF, &a));
	munmap(touched(48 * MIB), 48 * MIB);
	OK(getrusage(RUSAGE_SELF, &b));
	EXPECT(b.ru_maxrss - a.ru_maxrss > 40 * 1024);
	EXPECT(b.ru_maxrss < 200 * 1024);
}
CASE(minor_faults_count)
{
	struct rusage a, b;
	OK(getrusage(RUSAGE_SELF, &a));
	char *p = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(p, 4 * MIB, MADV_NOHUGEPAGE);
	memset(p, 1, 4 * MIB);
	OK(getrusage(RUSAGE_SELF, &b));
	EXPECT(b.ru_minflt - a.ru_minflt >= 1000);
}
CASE(getrusage_time_grows_by_what_is_burnt)
{
	struct rusage a, b;
	OK(getrusage(RUSAGE_SELF, &a));
	burn(100);
	OK(getrusage(RUSAGE_SELF, &b));
	EXPECT(ru_ns(&b) - ru_ns(&a) >= 90000000);
	EXPECT(b.ru_utime.tv_sec || b.ru_utime.tv_usec > 0);
}
CASE(sleeping_costs_no_cpu)
{
	struct rusage a, b;
	OK(getrusage(RUSAGE_SELF, &a));
	sleep_ms(300);
	OK(getrusage(RUSAGE_SELF, &b));
	EXPECT(ru_ns(&b) - ru_ns(&a) < 150000000);
}
CASE(getrusage_errors)
{
	struct rusage u;
	EXPECT_ERRNO(getrusage(7, &u), EINVAL);
	EXPECT_ERRNO(syscall(SYS_getrusage, RUSAGE_SELF, 8), EFAULT);
}
static void *burn_thread(void *arg)
{
	burn(*(int *)arg);
	return NULL;
}
CASE(rusage_thread_is_only_its_own)
{
	struct rusage mine, all;
	pthread_t t;
	int ms = 200;
	EXPECT_EQ(pthread_create(&t, NULL, burn_thread, &ms), 0);
	pthread_join(t, NULL);
	OK(getrusage(RUSAGE_THREAD, &mine));
	OK(getrusage(RUSAGE_SELF, &all));
	EXPECT(ru_ns(&all) >= 180000000);
	EXPECT(ru_ns(&mine) < ru_ns(&all) - 100000000);
}
CASE(wait4_tells_the_child_s_usage)
{
	struct rusage u, c;
	int status;
	pid_t pid = fork();
	if (!pid) {
		touched(40 * MIB);
		burn(100);
		_exit(3);
	}
	EXPECT_EQ(wait4(pid, &status, 0, &u), pid);
	EXPECT_EQ(WEXITSTATUS(status), 3);
	EXPECT(ru_ns(&u) >= 90000000);
	EXPECT(u.ru_maxrss >= 40 * 1024 && u.ru_maxrss < 200 * 1024);
	EXPECT(u.ru_minflt > 10);
	OK(getrusage(RUSAGE_CHILDREN, &c));
	EXPECT(ru_ns(&c) >= 90000000);
	EXPECT(c.ru_maxrss >= 40 * 1024);
}
CASE(wait4_usage_of_a_killed_child)
{
	struct rusage u;
	int ready[2], status;
	char c;
	pid_t pid;
	OK(pipe(ready));
	pid = fork();
	if (!pid) {
		touched(40 * MIB);
		burn(60);
		write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	OK(kill(pid, SIGKILL));
	EXPECT_EQ(wait4(pid, &status, 0, &u), pid);
	EXPECT(ru_ns(&u) >= 50000000);
	EXPECT(u.ru_maxrss >= 40 * 1024);
}
CASE(times_counts_children_when_waited_for)
{
	struct tms a, b;
	pid_t pid;
	times(&a);
	pid = fork();
	if (!pid) {
		burn(150);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT(times(&b) > 0);
	EXPECT(b.tms_cutime + b.tms_cstime - a.tms_cutime - a.tms_cstime >= 12);
	EXPECT(b.tms_utime - a.tms_utime < 12);
}
CASE(voluntary_switches_count_sleeps)
{
	struct rusage a, b;
	OK(getrusage(RUSAGE_SELF, &a));
	for (int i = 0; i < 20; i++)
		sleep_ms(2);
	OK(getrusage(RUSAGE_SELF, &b));
	EXPECT(b.ru_nvcsw - a.ru_nvcsw >= 20);
}

/* ---- CPU clocks ---- */

CASE(process_clock_stands_still_in_sleep)
{
	int64_t a = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	sleep_ms(300);
	EXPECT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - a < 150000000);
}
CASE(cpu_clocks_are_monotonic)
{
	int64_t p = 0, t = 0;
	for (int i = 0; i < 20000; i++) {
		int64_t np = clock_ns(CLOCK_PROCESS_CPUTIME_ID), nt = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		EXPECT(np >= p);
		EXPECT(nt >= t);
		p = np;
		t = nt;
	}
	EXPECT(p > 0);
}
CASE(two_threads_add_up)
{
	int64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID), me;
	pthread_t t[2];
	int ms = 150;
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, burn_thread, &ms), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	me = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
	EXPECT(me >= 270000000);
}
CASE(clock_of_another_thread)
{
	clockid_t c;
	pthread_t t;
	int ms = 300;
	int64_t a, b;
	EXPECT_EQ(pthread_create(&t, NULL, burn_thread, &ms), 0);
	EXPECT_EQ(pthread_getcpuclockid(t, &c), 0);
	a = clock_ns(c);
	sleep_ms(150);
	b = clock_ns(c);
	pthread_join(t, NULL);
	EXPECT(b > a);
}
CASE(clock_of_another_process)
{
	clockid_t c;
	int64_t a, b;
	pid_t pid = fork();
	if (!pid) {
		burn(400);
		_exit(0);
	}
	EXPECT_EQ(clock_getcpuclockid(pid, &c), 0);
	a = clock_ns(c);
	sleep_ms(200);
	b = clock_ns(c);
	expect_exit(pid, 0);
	EXPECT(b > a);
	EXPECT_EQ(clock_getcpuclockid(pid, &c), ESRCH);
}

/* ---- timers and the limit on CPU time ---- */

static volatile sig_atomic_t fired;
static void on_signal(int sig)
{
	fired++;
}
CASE(itimer_prof_counts_cpu_time)
{
	struct itimerval it = {.it_value = {0, 50000}};
	int64_t a;
	signal(SIGPROF, on_signal);
	OK(setitimer(ITIMER_PROF, &it, NULL));
	sleep_ms(200);
	EXPECT_EQ(fired, 0);
	a = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	while (!fired && clock_ns(CLOCK_PROCESS_CPUTIME_ID) - a < 2000000000)
		;
	EXPECT_EQ(fired, 1);
	EXPECT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - a >= 20000000);
}
CASE(itimer_virtual_repeats)
{
	struct itimerval it = {{0, 20000}, {0, 20000}}, left;
	signal(SIGVTALRM, on_signal);
	OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	for (int64_t a = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	     fired < 3 && clock_ns(CLOCK_PROCESS_CPUTIME_ID) - a < 3000000000;)
		for (volatile int i = 0; i < 100000; i++)
			;
	EXPECT(fired >= 3);
	OK(getitimer(ITIMER_VIRTUAL, &left));
	EXPECT_EQ(left.it_interval.tv_usec, 20000);
	EXPECT(left.it_value.tv_usec > 0 && left.it_value.tv_usec <= 24000);
}
CASE(posix_timer_on_the_process_clock)
{
	struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec its = {.it_value = {0, 50000000}};
	timer_t id;
	signal(SIGUSR1, on_signal);
	OK(timer_create(CLOCK_PROCESS_CPUTIME_ID, &sev, &id));
	OK(timer_settime(id, 0, &its, NULL));
	sleep_ms(150);
	EXPECT_EQ(fired, 0);
	burn(120);
	EXPECT_EQ(fired, 1);
}
CASE(rlimit_cpu_sends_sigxcpu_then_kills)
{
	int status, ready[2];
	struct rusage u;
	char n = 0;
	pid_t pid;
	OK(pipe(ready));
	pid = fork();
	if (!pid) {
		struct rlimit r = {1, 2};
		signal(SIGXCPU, on_signal);
		setrlimit(RLIMIT_CPU, &r);
		while (!fired)
			;
		write(ready[1], "x", 1);
		for (;;)
			;
	}
	EXPECT_EQ(wait4(pid, &status, 0, &u), pid);
	EXPECT(WIFSIGNALED(status));
	EXPECT_EQ(WTERMSIG(status), SIGKILL);
	fcntl(ready[0], F_SETFL, O_NONBLOCK);
	EXPECT_EQ(read(ready[0], &n, 1), 1);
	EXPECT(ru_ns(&u) >= 900000000); /* natively limits are looked at by ticks */
}

/* ---- the machine ---- */

static void machine_ticks(unsigned long *user, unsigned long *system)
{
	FILE *f = fopen("/proc/stat", "r");
	unsigned long nice;

	EXPECT(f);
	EXPECT_EQ(fscanf(f, "cpu %lu %lu %lu", user, &nice, system), 3);
	fclose(f);
}
CASE(cpu_time_of_the_dead_is_not_forgotten)
{
	unsigned long user, system, user2, system2, user3, system3;
	pid_t pid;
	machine_ticks(&user, &system);
	pid = fork();
	if (!pid) {
		while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < 300000000)
			;
		_exit(0);
	}
	expect_exit(pid, 0);
	machine_ticks(&user2, &system2);
	EXPECT(user2 + system2 >= user + system + 20);
	usleep(50000);
	machine_ticks(&user3, &system3);
	EXPECT(user3 >= user2);
	EXPECT(system3 >= system2);
}
CASE(load_averages_are_numbers)
{
	double load[3], here[3];
	FILE *f = fopen("/proc/loadavg", "r");
	EXPECT(f);
	EXPECT_EQ(fscanf(f, "%lf %lf %lf", load, load + 1, load + 2), 3);
	fclose(f);
	EXPECT_EQ(getloadavg(here, 3), 3); /* which reads the same file */
	for (int i = 0; i < 3; i++)
		EXPECT(load[i] >= 0 && load[i] < 10000);
}

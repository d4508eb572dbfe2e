/*
 * test_cgroup_memory.c - the memory controller of control groups, version 2
 * (Documentation/admin-guide/cgroup-v2.rst). Skipped where the machine has it only as version 1.
 */
#include "cgroup.h"

#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define MIB (1UL << 20)

static volatile uint64_t *shared;
static void make_shared(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(shared != MAP_FAILED);
}

/* ---- memory ---- */

CASE(memory_files)
{
	cg_begin_with("+memory");
	cg_make("a");
	EXPECT_STR(cg_read("a/memory.max"), "max");
	EXPECT_STR(cg_read("a/memory.high"), "max");
	EXPECT_STR(cg_read("a/memory.low"), "0");
	EXPECT_STR(cg_read("a/memory.min"), "0");
	EXPECT_STR(cg_read("a/memory.current"), "0");
	EXPECT_STR(cg_read("a/memory.oom.group"), "0");
	EXPECT_EQ(cg_field("a/memory.events", "oom_kill"), 0);
	EXPECT_EQ(cg_field("a/memory.events", "max"), 0);
	EXPECT_EQ(cg_field("a/memory.stat", "anon"), 0);
	EXPECT_EQ(cg_field("a/memory.stat", "file"), 0);
	cg_end();
}

CASE(memory_limit_values)
{
	cg_begin_with("+memory");
	cg_make("a");
	OK(cg_write("a/memory.max", "100M"));
	EXPECT_STR(cg_read("a/memory.max"), "104857600");
	OK(cg_write("a/memory.max", "1g"));
	EXPECT_STR(cg_read("a/memory.max"), "1073741824");
	OK(cg_write("a/memory.max", "5000"));
	EXPECT_STR(cg_read("a/memory.max"), "4096");
	OK(cg_write("a/memory.max", "max\n"));
	EXPECT_STR(cg_read("a/memory.max"), "max");
	OK(cg_write("a/memory.low", "64K"));
	EXPECT_STR(cg_read("a/memory.low"), "65536");
	EXPECT_ERRNO(cg_write("a/memory.max", "-1"), EINVAL);
	EXPECT_ERRNO(cg_write("a/memory.max", "10Q"), EINVAL);
	EXPECT_ERRNO(cg_write("a/memory.max", "x"), EINVAL);
	EXPECT_ERRNO(cg_write("a/memory.oom.group", "2"), EINVAL);
	cg_end();
}

static void touch(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < bytes; i += 4096)
		p[i] = 1;
}

static void hold_20_mib(void)
{
	touch(20 * MIB);
	shared[0] = 1;
	pause();
}

CASE(memory_current_is_what_is_touched)
{
	long long n;

	cg_begin_with("+memory");
	make_shared();
	cg_make("a");
	cg_run("a", hold_20_mib);
	for (int i = 0; i < 2000 && !shared[0]; i++)
		sleep_ms(5);
	n = atoll(cg_read("a/memory.current"));
	EXPECT(n >= 20 * (long long)MIB);
	EXPECT(n < 30 * (long long)MIB);
	EXPECT(atoll(cg_read("memory.current")) >= n);
	EXPECT(cg_field("a/memory.stat", "anon") >= 20 * (long long)MIB);
	EXPECT(atoll(cg_read("a/memory.peak")) >= n);
	cg_end();
	cg_begin_with("+memory");
	EXPECT(atoll(cg_read("memory.current")) < (long long)MIB);
	cg_end();
}

static void fork_holding(void)
{
	touch(16 * MIB);
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			break;
	__atomic_add_fetch(shared, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

CASE(memory_that_fork_shares_counts_once)
{
	cg_begin_with("+memory");
	make_shared();
	cg_make("a");
	cg_run("a", fork_holding);
	for (int i = 0; i < 2000 && shared[0] != 4; i++)
		sleep_ms(5);
	EXPECT(atoll(cg_read("a/memory.current")) < 32 * (long long)MIB);
	cg_end();
}

static void fill_tmpfs(void)
{
	char buf[65536] = {1};
	int fd = open("m/f", O_CREAT | O_RDWR, 0600);

	for (int i = 0; i < 160; i++)
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			_exit(1);
	_exit(0);
}

CASE(memory_of_tmpfs_is_its_writers)
{
	cg_begin_with("+memory");
	cg_make("a");
	OK(mkdir("m", 0755));
	OK(mount("t", "m", "tmpfs", 0, NULL));
	expect_exit(cg_run("a", fill_tmpfs), 0);
	EXPECT(atoll(cg_read("a/memory.current")) >= 10 * (long long)MIB);
	EXPECT(cg_field("a/memory.stat", "shmem") >= 10 * (long long)MIB);
	/* it goes to the parent with the group */
	OK(rmdir(cg_path("a")));
	EXPECT(atoll(cg_read("memory.current")) >= 10 * (long long)MIB);
	OK(unlink("m/f"));
	EXPECT(atoll(cg_read("memory.current")) < 2 * (long long)MIB);
	OK(umount("m"));
	cg_end();
}

static void map_shared_memory(void)
{
	char *p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(p, 1, 8 * MIB);
	shared[0] = 1;
	pause();
}

CASE(memory_that_is_shared_is_its_makers)
{
	cg_begin_with("+memory");
	make_shared();
	cg_make("a");
	cg_run("a", map_shared_memory);
	for (int i = 0; i < 2000 && !shared[0]; i++)
		sleep_ms(5);
	EXPECT(cg_field("a/memory.stat", "shmem") >= 8 * (long long)MIB);
	EXPECT(cg_field("a/memory.stat", "shmem") < 12 * (long long)MIB);
	cg_end();
}

static void eat(void)
{
	for (;;)
		touch(MIB);
}

CASE(memory_max_kills)
{
	pid_t pid;

	cg_begin_with("+memory");
	cg_make("a");
	OK(cg_write("a/memory.max", "32M"));
	OK(cg_write("a/memory.swap.max", "0"));
	pid = cg_run("a", eat);
	expect_signal(pid, SIGKILL);
	EXPECT_EQ(cg_field("a/memory.events", "oom_kill"), 1);
	EXPECT(cg_field("a/memory.events", "oom") >= 1);
	EXPECT(cg_field("a/memory.events", "max") >= 1);
	EXPECT_EQ(cg_field("memory.events", "oom_kill"), 1);
	EXPECT_EQ(cg_field("memory.events.local", "oom_kill"), 0);
	cg_end();
}

CASE(memory_max_kills_the_largest)
{
	pid_t small, large;

	cg_begin_with("+memory");
	cg_make("a");
	OK(cg_write("a/memory.max", "48M"));
	OK(cg_write("a/memory.swap.max", "0"));
	small = cg_child("a");
	large = cg_run("a", eat);
	expect_signal(large, SIGKILL);
	EXPECT_EQ(kill(small, 0), 0);
	EXPECT_EQ(cg_field("a/memory.events", "oom_kill"), 1);
	cg_end();
}

static void eat_protected(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (write(fd, "-999", 4) != 4)
		_exit(1);
	shared[0] = 1;
	eat();
}

CASE(memory_max_heeds_oom_score_adj)
{
	pid_t other, eater;

	cg_begin_with("+memory");
	make_shared();
	cg_make("a");
	OK(cg_write("a/memory.max", "64M"));
	OK(cg_write("a/memory.swap.max", "0"));
	other = cg_run("a", hold_20_mib);
	eater = cg_run("a", eat_protected);
	/* first whoever is not protected, then, as nobody else is left, the other */
	expect_signal(other, SIGKILL);
	expect_signal(eater, SIGKILL);
	EXPECT_EQ(cg_field("a/memory.events", "oom_kill"), 2);
	cg_end();
}

CASE(memory_oom_group_kills_all)
{
	pid_t a, b;

	cg_begin_with("+memory");
	cg_make("a");
	OK(cg_write("a/memory.max", "32M"));
	OK(cg_write("a/memory.swap.max", "0"));
	OK(cg_write("a/memory.oom.group", "1"));
	a = cg_child("a");
	b = cg_run("a", eat);
	expect_signal(a, SIGKILL);
	expect_signal(b, SIGKILL);
	EXPECT_EQ(cg_field("a/memory.events", "oom_group_kill"), 1);
	EXPECT_EQ(cg_field("a/memory.events", "oom_kill"), 2);
	cg_end();
}

CASE(memory_max_of_a_parent)
{
	pid_t pid;

	cg_begin_with("+memory");
	cg_make("a");
	OK(cg_write("a/cgroup.subtree_control", "+memory"));
	cg_make("a/b");
	OK(cg_write("a/memory.max", "32M"));
	OK(cg_write("a/memory.swap.max", "0"));
	pid = cg_run("a/b", eat);
	expect_signal(pid, SIGKILL);
	EXPECT_EQ(cg_field("a/b/memory.events", "oom_kill"), 1);
	EXPECT_EQ(cg_field("a/b/memory.events", "oom"), 0);
	EXPECT(cg_field("a/memory.events.local", "oom") >= 1);
	cg_end();
}

CASE(memory_events_can_be_polled)
{
	struct pollfd p;
	char text[256];
	pid_t pid;

	cg_begin_with("+memory");
	cg_make("a");
	OK(cg_write("a/memory.max", "16M"));
	OK(cg_write("a/memory.swap.max", "0"));
	p = (struct pollfd){open(cg_path("a/memory.events"), O_RDONLY), POLLPRI, 0};
	EXPECT(read(p.fd, text, sizeof(text)) > 0);
	pid = cg_run("a", eat);
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT(p.revents & POLLPRI);
	expect_signal(pid, SIGKILL);
	cg_end();
}

static void eat_slowly(void)
{
	for (;; sleep_ms(1)) {
		touch(MIB / 4);
		shared[0] += MIB / 4;
		if (shared[0] > 64 * MIB)
			pause();
	}
}

CASE(memory_high_holds_back)
{
	cg_begin_with("+memory");
	make_shared();
	cg_make("a");
	OK(cg_write("a/memory.high", "8M"));
	OK(cg_write("a/memory.swap.max", "0"));
	cg_run("a", eat_slowly);
	for (int i = 0; i < 2000 && cg_field("a/memory.events", "high") == 0; i++)
		sleep_ms(5);
	EXPECT(cg_field("a/memory.events", "high") > 0);
	EXPECT_EQ(cg_field("a/memory.events", "oom_kill"), 0);
	cg_end();
}

CASE(memory_max_below_what_is_held)
{
	pid_t pid;

	cg_begin_with("+memory");
	make_shared();
	cg_make("a");
	pid = cg_run("a", hold_20_mib);
	for (int i = 0; i < 2000 && !shared[0]; i++)
		sleep_ms(5);
	OK(cg_write("a/memory.swap.max", "0"));
	OK(cg_write("a/memory.max", "4M"));
	expect_signal(pid, SIGKILL);
	cg_end();
}

/* ---- everything at once ---- */

static void change_at_random(void)
{
	static const char *const groups[] = {"a", "b", "c", "a/d", "b/d"};
	static const struct {
		const char *file, *text;
	} writes[] = {
	    {"cgroup.freeze", "1"},
	    {"cgroup.freeze", "0"},
	    {"cpu.max", "5000 20000"},
	    {"cpu.max", "max"},
	    {"cpu.max.burst", "5000"},
	    {"pids.max", "3"},
	    {"pids.max", "max"},
	    {"memory.max", "1M"},
	    {"memory.max", "max"},
	    {"memory.high", "100K"},
	    {"memory.high", "max"},
	    {"memory.oom.group", "1"},
	    {"cgroup.kill", "1"},
	    {"cgroup.subtree_control", "+pids +cpu +memory"},
	    {"cgroup.subtree_control", "-cpu"},
	    {"cgroup.max.descendants", "1"},
	    {"cgroup.max.descendants", "max"},
	};
	uint64_t end = now_ms() + 1500;
	unsigned seed = (unsigned)getpid();
	pid_t child = 0;

	while (now_ms() < end) {
		const char *group = groups[(unsigned)rand_r(&seed) % 5];
		char path[600], pid[32];

		switch (rand_r(&seed) % 6) {
		case 0:
			mkdir(cg_path(group), 0755);
			break;
		case 1:
			rmdir(cg_path(group));
			break;
		case 2:
			if (child > 0) {
				kill(child, SIGKILL);
				waitpid(child, NULL, 0);
			}
			child = fork();
			if (child == 0) {
				alarm(4);
				for (;;)
					touch(4096);
			}
			break;
		case 3:
			snprintf(path, sizeof(path), "%s/cgroup.procs", group);
			snprintf(pid, sizeof(pid), "%d", child > 0 ? child : 0);
			(void)!cg_write(path, child > 0 ? pid : "999999");
			break;
		default: {
			int w = rand_r(&seed) % (int)(sizeof(writes) / sizeof(*writes));
			snprintf(path, sizeof(path), "%s/%s", group, writes[w].file);
			(void)!cg_write(path, writes[w].text);
		}
		}
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	_exit(0);
}

CASE(random_changes_by_several)
{
	pid_t pids[4];

	alarm(60);
	cg_begin_with("+cpu +memory +pids");
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			change_at_random();
	}
	for (int i = 0; i < 4; i++)
		expect_exit(pids[i], 0);
	EXPECT_EQ(cg_field("cgroup.events", "populated"), 0);
	cg_end();
}

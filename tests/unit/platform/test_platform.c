/*
 * test_platform.c - the platform by itself: guest code of a few bytes in a real stub, no kernel above.
 *
 * Must run as root: the stubs need a PID namespace with a keeper that is their parent. Each case boots a
 * sentry of its own in a child process.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/kernel/sched_priv.h"
#include "sandbox/platform/platform.h"
#include "tests/lib/mini_sentry.h"

#define CODE 0x400000UL
#define DATA 0x500000UL

static int failures;
#define CHECK(cond, ...)                                                                                     \
	do {                                                                                                 \
		if (!(cond)) {                                                                               \
			printf("  %s:%d: %s: ", __FILE__, __LINE__, #cond);                                  \
			printf(__VA_ARGS__);                                                                 \
			printf("\n");                                                                        \
			failures++;                                                                          \
		}                                                                                            \
	} while (0)

static void fill_space(struct aspace *as, const void *code, size_t size)
{
	int err =
	    aspace_map_anon(as, NULL, uaddr(CODE), 2 * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, false);
	CHECK(!err, "map code: %d", err);
	err = aspace_map_anon(as, NULL, uaddr(DATA), 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, false);
	CHECK(!err, "map data: %d", err);
	CHECK(aspace_write(as, uaddr(CODE), code, size) == (s64)size, "write code");
}

static struct aspace *space_with(const void *code, size_t size)
{
	struct aspace *as;
	int err = aspace_new(&as, NULL);

	CHECK(!err, "aspace_new: %d", err);
	fill_space(as, code, size);
	return as;
}

static struct uthread *thread_in(struct aspace *as)
{
	struct uregs regs = {.rip = CODE, .rsp = DATA + 4 * PAGE_SIZE, .eflags = 0x202};
	struct uthread *ut;
	int err = uthread_new(as, &regs, &ut);

	CHECK(!err, "uthread_new: %d", err);
	return ut;
}

/* mov $39,%eax; syscall; mov %eax,%edi; mov $60,%eax; syscall; jmp . */
static const u8 code_getpid[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x89, 0xc7,
				 0xb8, 60, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe};

static void case_syscall(void)
{
	struct aspace *as = space_with(code_getpid, sizeof(code_getpid));
	struct uthread *ut = thread_in(as);
	struct trap t;

	uthread_run(ut, &t);
	CHECK(t.kind == TRAP_SYSCALL && t.nr == SYS_getpid, "kind %d nr %lu", t.kind, (unsigned long)t.nr);
	uthread_set_result(ut, 4711);
	uthread_run(ut, &t);
	CHECK(t.nr == SYS_exit && t.args[0] == 4711, "nr %lu arg %lu", (unsigned long)t.nr,
	      (unsigned long)t.args[0]);
	uthread_destroy(ut);
	aspace_destroy(as);
}

/* mov (0x10),%rax: a fault */
static const u8 code_fault[] = {0x48, 0x8b, 0x04, 0x25, 0x10, 0, 0, 0, 0xeb, 0xfe};

static void case_fault(void)
{
	struct aspace *as = space_with(code_fault, sizeof(code_fault));
	struct uthread *ut = thread_in(as);
	struct trap t;

	uthread_run(ut, &t);
	CHECK(t.kind == TRAP_FAULT && t.signo == SIGSEGV && t.addr == 0x10 && t.code == 1,
	      "kind %d sig %d addr %lx code %d", t.kind, t.signo, (unsigned long)t.addr, t.code);
	uthread_destroy(ut);
	aspace_destroy(as);
}

/* pread64(3, DATA, 4096, 0) and then write(1, DATA, 5): staged both ways */
static const u8 code_stage[] = {0xb8, 17,   0,    0,    0,    0xbf, 3,    0,    0,    0,    0xbe,
				0x00, 0x00, 0x50, 0x00, 0xba, 0x00, 0x10, 0,    0,    0x45, 0x31,
				0xd2, 0x0f, 0x05, 0xb8, 1,    0,    0,    0,    0xbf, 1,    0,
				0,    0,    0xba, 5,    0,    0,    0,    0x0f, 0x05, 0xeb, 0xfe};

static void case_staging(void)
{
	struct aspace *as = space_with(code_stage, sizeof(code_stage));
	struct uthread *ut = thread_in(as);
	struct trap t;
	char back[6] = "";
	void *p;

	uthread_run(ut, &t);
	CHECK(t.nr == SYS_pread64 && t.args[1] == DATA && t.args[2] == 4096, "nr %lu", (unsigned long)t.nr);
	p = uthread_stage_out(ut, uaddr(DATA), 5);
	CHECK(p != NULL, "no room staged");
	if (!p)
		return;
	memcpy(p, "hello", 5);
	uthread_stage_commit(ut, uaddr(DATA), 5);
	uthread_set_result(ut, 5);
	uthread_run(ut, &t);
	CHECK(t.nr == SYS_write && t.args[2] == 5, "nr %lu", (unsigned long)t.nr);
	p = (void *)(uintptr_t)uthread_staged_in(ut, uaddr(DATA), 5);
	CHECK(p && !memcmp(p, "hello", 5), "staged in: %.5s", p ? (char *)p : "(none)");
	CHECK(aspace_read(as, back, uaddr(DATA), 5) == 5 && !memcmp(back, "hello", 5), "memory: %s", back);
	uthread_destroy(ut);
	aspace_destroy(as);
}

/* jmp . */
static const u8 code_loop[] = {0xeb, 0xfe};
struct kicker {
	struct timer timer;
	struct uthread *ut;
};
static void kick_now(struct timer *t)
{
	uthread_interrupt(container_of(t, struct kicker, timer)->ut);
}

static void case_interrupt(void)
{
	struct aspace *as = space_with(code_loop, sizeof(code_loop));
	struct uthread *ut = thread_in(as);
	struct kicker k = {.ut = ut};
	struct trap t;

	timer_init(&k.timer, kick_now);
	CHECK(!timer_arm(&k.timer, clock_monotonic() + 10000000), "timer");
	uthread_run(ut, &t);
	CHECK(t.kind == TRAP_KICK, "kind %d", t.kind);
	uthread_destroy(ut);
	aspace_destroy(as);
}

static void case_fork(void)
{
	struct aspace *as = space_with(code_getpid, sizeof(code_getpid)), *child;
	struct uthread *ut = thread_in(as), *cut;
	struct trap t;
	u32 word = 1;
	int err;

	uthread_run(ut, &t);
	for (int i = 0; i < 50; i++) {
		err = aspace_fork(as, &child, NULL);
		CHECK(!err, "aspace_fork: %d", err);
		if (err)
			return;
		err = uthread_clone(ut, child, &cut);
		CHECK(!err, "uthread_clone: %d", err);
		word = 7;
		CHECK(aspace_write(child, uaddr(DATA), &word, 4) == 4, "write to the child");
		CHECK(aspace_read(as, &word, uaddr(DATA), 4) == 4 && word == 0, "the parent sees %u", word);
		uthread_set_result(cut, 100 + i);
		uthread_run(cut, &t);
		CHECK(t.kind == TRAP_SYSCALL && t.nr == SYS_exit && t.args[0] == 100U + (unsigned)i,
		      "child %d: kind %d nr %lu %lu", i, t.kind, (unsigned long)t.nr,
		      (unsigned long)t.args[0]);
		uthread_destroy(cut);
		aspace_destroy(child);
	}
	uthread_set_result(ut, 1);
	uthread_run(ut, &t);
	CHECK(t.nr == SYS_exit && t.args[0] == 1, "parent nr %lu", (unsigned long)t.nr);
	uthread_destroy(ut);
	aspace_destroy(as);
}

static void case_thread(void)
{
	struct aspace *as = space_with(code_getpid, sizeof(code_getpid));
	struct uthread *ut = thread_in(as), *second;
	struct trap t;
	u32 prev = 9, word = 0;

	uthread_run(ut, &t);
	CHECK(!uthread_clone(ut, as, &second), "clone");
	uthread_set_result(second, 2);
	uthread_run(second, &t); /* the parent is not answered: the memory thread must start it */
	CHECK(t.nr == SYS_exit && t.args[0] == 2, "second: nr %lu arg %lu", (unsigned long)t.nr,
	      (unsigned long)t.args[0]);
	CHECK(!uthread_cmpxchg32(ut, uaddr(DATA), 0, 5, &prev) && prev == 0, "cmpxchg prev %u", prev);
	CHECK(aspace_read(as, &word, uaddr(DATA), 4) == 4 && word == 5, "word %u", word);
	CHECK(uthread_cmpxchg32(ut, uaddr(0x7000), 0, 5, &prev) == -EFAULT, "cmpxchg on nothing");
	uthread_destroy(second);
	uthread_set_result(ut, 1);
	uthread_run(ut, &t);
	CHECK(t.nr == SYS_exit && t.args[0] == 1, "first: nr %lu", (unsigned long)t.nr);
	uthread_destroy(ut);
	aspace_destroy(as);
}

static void case_map_fd(void)
{
	struct aspace *as = space_with(code_loop, sizeof(code_loop));
	int fd = memfd_create("x", MFD_CLOEXEC);
	struct host_fd *h;
	char got[4] = "";

	CHECK(fd >= 0 && ftruncate(fd, 8192) == 0 && pwrite(fd, "abc", 3, 4096) == 3, "memfd");
	h = host_fd_new(fd, HOST_FD_MEMFD, true);
	CHECK(!aspace_map_fd(as, uaddr(0x600000), 4096, PROT_READ | PROT_WRITE, true, h, 4096), "map");
	CHECK(aspace_read(as, got, uaddr(0x600000), 3) == 3 && !memcmp(got, "abc", 3), "got %s", got);
	CHECK(aspace_write(as, uaddr(0x600000), "xyz", 3) == 3 && pread(fd, got, 3, 4096) == 3 &&
		  !memcmp(got, "xyz", 3),
	      "shared: %s", got);
	CHECK(!aspace_unmap(as, NULL, uaddr(0x600000), 4096), "unmap");
	CHECK(aspace_read(as, got, uaddr(0x600000), 3) == -EFAULT, "still mapped");
	CHECK(!aspace_clear(as), "clear");
	CHECK(aspace_read(as, got, uaddr(CODE), 2) == -EFAULT, "code still mapped");
	host_fd_put(h);
	aspace_destroy(as);
}

/* The host thread of one that has ended serves the next. */
static void case_park(void)
{
	struct aspace *as = space_with(code_getpid, sizeof(code_getpid));
	struct uthread *ut = thread_in(as), *second;
	struct host_usage usage;
	struct trap t;
	u64 used;
	u8 byte;

	uthread_run(ut, &t);
	CHECK(!uthread_park(ut, 1 << 20), "parked though nothing is known of its memory");
	CHECK(!uthread_usage(ut, false, &usage), "usage");
	CHECK(!usage.maxrss_kb || !uthread_park(ut, usage.maxrss_kb - 1), "parked though it was larger");
	CHECK(uthread_park(ut, usage.maxrss_kb), "not parked");
	CHECK(!aspace_clear(as), "clear");
	CHECK(aspace_read(as, &byte, uaddr(CODE), 1) == -EFAULT, "not empty");
	used = aspace_cpu_time(as);
	aspace_adopt(as, NULL);
	CHECK(aspace_alive(as) && used && aspace_cpu_time(as) < used, "its time is charged again");
	fill_space(as, code_getpid, sizeof(code_getpid));
	ut = thread_in(as);
	uthread_run(ut, &t);
	CHECK(t.kind == TRAP_SYSCALL && t.nr == SYS_getpid, "kind %d nr %lu", t.kind, (unsigned long)t.nr);
	CHECK(!uthread_clone(ut, as, &second), "clone");
	uthread_set_result(second, 2);
	uthread_run(second, &t);
	uthread_destroy(second);
	CHECK(!uthread_usage(ut, false, &usage), "usage");
	CHECK(!uthread_park(ut, 1 << 20), "parked though there was another");
	uthread_destroy(ut);
	aspace_destroy(as);
}

static const struct {
	const char *name;
	void (*fn)(void);
} cases[] = {{"syscall", case_syscall},     {"fault", case_fault}, {"staging", case_staging},
	     {"interrupt", case_interrupt}, {"fork", case_fork},   {"thread", case_thread},
	     {"map_fd", case_map_fd},       {"park", case_park}};

static void run_case(void *arg)
{
	((void (*)(void))(uintptr_t)arg)();
	sched_stop(0);
}

static int verdict(void)
{
	return failures != 0;
}

int main(int argc, char **argv)
{
	int failed = 0, passed = 0, skipped = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status;
		if (argc > 1 && strcmp(argv[1], cases[i].name))
			continue;
		status = mini_sentry_run(run_case, (void *)(uintptr_t)cases[i].fn, verdict, 20);
		if (status == MINI_SENTRY_NO_ROOT) {
			printf("skipped %s: needs root for a PID namespace\n", cases[i].name);
			skipped++;
		} else if (status) {
			printf("not ok %s (status %d; alone: %s %s)\n", cases[i].name, status, argv[0],
			       cases[i].name);
			failed++;
		} else {
			printf("ok %s\n", cases[i].name);
			passed++;
		}
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed != 0;
}

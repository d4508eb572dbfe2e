/*
 * test_stub_calls.c - attacks on the host kernel from guest code: jumps to the stub's own `syscall`
 * instruction (STUB_BASE: syscall; ret), so that neither the instruction-pointer rule nor anything else but
 * the argument rules of the filter stands in the way.
 *
 * A refused call raises SIGSYS in the stub and reaches the sentry as a trap with that number. An allowed one
 * returns to guest code, which reports the host's answer by exit(2). Each attempt says which of the two must
 * happen.
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
#include "sandbox/platform/stub_abi.h"
#include "tests/lib/mini_sentry.h"

#define CODE    0x400000UL
#define STACK   0x500000UL
#define FREE    0x600000000000UL
#define FIXED   (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define REFUSED INT64_MIN

/* mov %rax,%rdi; mov $60,%eax; syscall: where the stub's `ret` goes */
static const u8 report[] = {0x48, 0x89, 0xc7, 0xb8, 60, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe};

static const struct attempt {
	const char *what;
	u64 nr, a[6];
	s64 want; /* REFUSED, or the host's answer */
} attempts[] = {
    {"getpid", SYS_getpid, {0}, REFUSED},
    {"open", SYS_open, {CODE, 0, 0}, REFUSED},
    {"openat", SYS_openat, {(u64)-100, CODE, 0}, REFUSED},
    {"socket", SYS_socket, {2, 1, 0}, REFUSED},
    {"ptrace", SYS_ptrace, {16, 1, 0, 0}, REFUSED},
    {"process_vm_readv", SYS_process_vm_readv, {2, CODE, 1, CODE, 1, 0}, REFUSED},
    {"kill the keeper", SYS_kill, {1, 9}, REFUSED},
    {"tgkill the sentry", SYS_tgkill, {2, 2, 9}, REFUSED},
    {"execve", SYS_execve, {CODE, 0, 0}, REFUSED},
    {"unshare", SYS_unshare, {CLONE_NEWUSER}, REFUSED},
    {"clone3", SYS_clone3, {STACK, 88}, REFUSED},
    {"clone, other flags", SYS_clone, {SIGCHLD, 0, 0, 0, 0}, REFUSED},
    {"clone, known flags with a stack", SYS_clone, {CLONE_FLAGS_THREAD, STACK, 0, 0, 0}, REFUSED},
    {"clone, flags with high bits", SYS_clone, {CLONE_FLAGS_FORK | 1UL << 32, 0}, REFUSED},
    {"prctl", SYS_prctl, {4, 0}, REFUSED},
    {"seccomp", SYS_seccomp, {1, 0, STACK}, REFUSED},
    {"rt_sigaction", SYS_rt_sigaction, {31, STACK, 0, 8}, REFUSED},
    {"sigaltstack", SYS_sigaltstack, {STACK, 0}, REFUSED},
    {"another architecture's number", SYS_getpid | 0x40000000, {0}, REFUSED},
    {"getrusage onto the stub's text", SYS_getrusage, {0, STUB_BASE}, -EFAULT},
    {"getrusage onto the request page", SYS_getrusage, {0, REQ_ADDR}, -EFAULT},
    {"mincore onto the stub's text", SYS_mincore, {CODE, 4096, STUB_BASE}, -EFAULT},
    {"membarrier of everybody", SYS_membarrier, {1, 0, 0}, REFUSED},
    {"membarrier with flags", SYS_membarrier, {8, 1, 0}, REFUSED},
    {"mmap over the stub", SYS_mmap, {STUB_BASE, 4096, 7, FIXED, (u64)-1, 0}, REFUSED},
    {"mmap across the stub", SYS_mmap, {STUB_BASE - 0x1000, 0x2000, 7, FIXED, (u64)-1, 0}, REFUSED},
    {"mmap that wraps", SYS_mmap, {0xfffffffffffff000, 0x2000, 7, FIXED, (u64)-1, 0}, REFUSED},
    {"mmap with a huge size", SYS_mmap, {FREE, 0xffffffff00000000, 3, FIXED, (u64)-1, 0}, REFUSED},
    {"mmap not fixed", SYS_mmap, {0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, (u64)-1, 0}, REFUSED},
    {"mmap of the request page, writable",
     SYS_mmap,
     {REQ_ADDR, 4096, 3, MAP_SHARED | MAP_FIXED, STUB_FD_CONTROL, 0},
     REFUSED},
    {"mmap of the glob page",
     SYS_mmap,
     {GLOB_ADDR, 4096, 1, MAP_SHARED | MAP_FIXED, STUB_FD_CONTROL, GLOB_OFFSET},
     REFUSED},
    {"mmap of another window",
     SYS_mmap,
     {REQ_ADDR, 4096, 1, MAP_SHARED | MAP_FIXED, STUB_FD_CONTROL, WIN_SIZE},
     -EBADF},
    {"mmap of the control memfd in user space",
     SYS_mmap,
     {FREE, 4096, 3, MAP_SHARED | MAP_FIXED, STUB_FD_CONTROL, 0},
     REFUSED},
    {"mmap of a descriptor it does not hold",
     SYS_mmap,
     {FREE, 4096, 3, MAP_SHARED | MAP_FIXED, 3, 0},
     -EBADF},
    {"mmap of private memory", SYS_mmap, {FREE, 4096, 3, FIXED, (u64)-1, 0}, (s64)FREE},
    {"mprotect of the request page", SYS_mprotect, {REQ_ADDR, 4096, 3}, REFUSED},
    {"mprotect of the stub's text", SYS_mprotect, {STUB_BASE, 4096, 7}, REFUSED},
    {"mprotect with unknown bits", SYS_mprotect, {CODE, 4096, 0x01000007}, REFUSED},
    {"munmap of the stub", SYS_munmap, {STUB_BASE, 4096}, REFUSED},
    {"munmap of everything", SYS_munmap, {0, 0x7ffffffff000}, REFUSED},
    {"mremap onto the stub", SYS_mremap, {CODE, 4096, 4096, 3, STUB_BASE}, REFUSED},
    {"mremap that grows", SYS_mremap, {CODE, 4096, 8192, 3, FREE}, REFUSED},
    {"mremap DONTUNMAP", SYS_mremap, {CODE, 4096, 4096, 7, FREE}, REFUSED},
    {"madvise of the window", SYS_madvise, {WIN_ADDR, 4096, 4}, REFUSED},
    {"madvise REMOVE", SYS_madvise, {CODE, 4096, 9}, REFUSED},
    {"write to the doorbell", SYS_write, {STUB_FD_BELL, STACK, 8}, 8},
    {"write as the memory thread", SYS_write, {STUB_FD_SOCKET, STACK, 8}, -EBADF},
    {"write elsewhere", SYS_write, {1, STACK, 8}, REFUSED},
    {"write of another size", SYS_write, {STUB_FD_BELL, STACK, 16}, REFUSED},
    {"recvmsg as the memory thread", SYS_recvmsg, {STUB_FD_SOCKET, STACK, 0}, -EBADF},
    {"dup3", SYS_dup3, {0, 1, 0}, REFUSED},
    {"close_range of nothing", SYS_close_range, {3, 0xffffffff, 0}, 0},
    {"close_range of the doorbell", SYS_close_range, {0, 0xffffffff, 0}, REFUSED},
    {"close", SYS_close, {0}, REFUSED},
    {"futex requeue", SYS_futex, {STACK, 3, 0, 0, CODE, 0}, REFUSED},
    {"ioctl", SYS_ioctl, {0, 0x5401, STACK}, REFUSED},
    {"userfaultfd", SYS_userfaultfd, {0}, REFUSED},
    {"io_uring_setup", SYS_io_uring_setup, {1, STACK}, REFUSED},
    {"bpf", SYS_bpf, {0, STACK, 8}, REFUSED},
    {"keyctl", SYS_keyctl, {0}, REFUSED},
};

static int passed, failed;

static s64 attack(struct aspace *as, const struct attempt *a)
{
	struct uregs r = {.rip = STUB_BASE,
			  .rsp = STACK + 0x1000,
			  .eflags = 0x202,
			  .rax = a->nr,
			  .rdi = a->a[0],
			  .rsi = a->a[1],
			  .rdx = a->a[2],
			  .r10 = a->a[3],
			  .r8 = a->a[4],
			  .r9 = a->a[5]};
	u64 back = CODE;
	struct uthread *ut;
	struct trap t;
	s64 got;

	if (aspace_write(as, uaddr(STACK + 0x1000), &back, 8) != 8 || uthread_new(as, &r, &ut))
		return INT64_MAX;
	uthread_run(ut, &t);
	got = t.kind != TRAP_SYSCALL ? INT64_MAX : t.nr == SYS_exit ? (s64)t.args[0] : REFUSED;
	uthread_destroy(ut);
	return got;
}

static void all_attacks(void *arg)
{
	for (size_t i = 0; i < ARRAY_COUNT(attempts); i++) {
		const struct attempt *a = &attempts[i];
		struct aspace *as;
		s64 got;
		if (aspace_new(&as, NULL) ||
		    aspace_map_anon(as, NULL, uaddr(CODE), PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
				    false) ||
		    aspace_map_anon(as, NULL, uaddr(STACK), 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, false) ||
		    aspace_write(as, uaddr(CODE), report, sizeof(report)) != (s64)sizeof(report)) {
			printf("not ok %s: no address space\n", a->what);
			failed++;
			continue;
		}
		got = attack(as, a);
		if (got == a->want) {
			passed++;
			printf("ok %s: %s (%lld)\n", a->what,
			       got == REFUSED ? "refused" : "answered by the host, gains nothing",
			       got == REFUSED ? 0LL : (long long)got);
		} else {
			failed++;
			printf("not ok %s: expected %lld, got %lld (%lld = refused)\n", a->what,
			       (long long)a->want, (long long)got, (long long)REFUSED);
		}
		aspace_destroy(as);
	}
	sched_stop(0);
}

static int verdict(void)
{
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed != 0;
}

int main(void)
{
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	status = mini_sentry_run(all_attacks, NULL, verdict, 60);
	if (status == MINI_SENTRY_NO_ROOT) {
		printf("needs root for a PID namespace\n0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	if (status)
		printf("ended with status %d\n", status);
	return status != 0;
}

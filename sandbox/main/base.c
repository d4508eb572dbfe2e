/*
 * base.c - the stage that gives the sentry a load address of its own choice.
 *
 * The arena holds pointers into the program (tables of functions, names of types, return addresses on
 * coroutine stacks) and, in frames that sleep, to errno. A checkpoint is therefore good only where program
 * and thread-local data lie at the same addresses. The host's loader chooses at random and cannot be told; so
 * the program, started by it, maps itself once more at an address of its own choice (drawn at random, or
 * taken from an image), moves the heap behind it, since the C library puts thread-local data there, and
 * begins anew with the same stack: from _start, as if the host had loaded it there.
 *
 * What it was at first says AT_BASE of the auxiliary vector, which is otherwise 0 for a static program.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/prctl.h>
#include <linux/rseq.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/main/boot.h"

#define BASE_LOW  0x040000000000UL /* 4 to 12 TiB: below the arena's range, with room for the heap */
#define BASE_MASK 0x07fffffff000UL

extern const ElfW(Ehdr) __ehdr_start;

static u64 own_base(void)
{
	return (u64)(uintptr_t)&__ehdr_start;
}

static const ElfW(Phdr) * own_phdrs(void)
{
	return (const ElfW(Phdr) *)(const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
}

static u64 own_size(void)
{
	u64 end = 0;

	for (int i = 0; i < __ehdr_start.e_phnum; i++)
		if (own_phdrs()[i].p_type == PT_LOAD)
			end = max_t(u64, end, own_phdrs()[i].p_vaddr + own_phdrs()[i].p_memsz);
	return PAGE_UP(end);
}

static int prot_of(const ElfW(Phdr) * p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? PROT_EXEC : 0);
}

/* One segment of the file at base: its bytes, then zeros up to its size in memory. */
static bool map_segment(int fd, u64 base, const ElfW(Phdr) * p)
{
	u64 start = base + PAGE_DOWN(p->p_vaddr), file_end = base + p->p_vaddr + p->p_filesz;
	u64 end = PAGE_UP(base + p->p_vaddr + p->p_memsz), zero = PAGE_UP(file_end);
	int prot = prot_of(p);

	if (mmap((void *)start, zero - start, prot, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd,
		 (off_t)PAGE_DOWN(p->p_offset)) == MAP_FAILED)
		return false;
	if (p->p_memsz == p->p_filesz)
		return true;
	memset((void *)file_end, 0, zero - file_end);
	return end == zero || mmap((void *)zero, end - zero, prot,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED;
}

static bool map_self(u64 base)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0;

	for (int i = 0; ok && i < __ehdr_start.e_phnum; i++)
		if (own_phdrs()[i].p_type == PT_LOAD)
			ok = map_segment(fd, base, &own_phdrs()[i]);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Tells the kernel where heap, arguments and environment lie; the heap is what matters. */
static bool move_heap(u64 base, char **argv, int argc)
{
	char **env = argv + argc + 1, **env_last = env;
	struct prctl_mm_map m = {.exe_fd = (u32)-1};

	if (!argc || !*env)
		return false; /* never so when started by ours */
	while (env_last[1])
		env_last++;
	m.start_code = base;
	m.end_code = m.start_data = base + PAGE_SIZE;
	m.end_data = base + own_size() - 1;
	m.start_brk = m.brk = base + own_size();
	m.start_stack = (u64)(uintptr_t)argv;
	m.arg_start = (u64)(uintptr_t)argv[0];
	m.arg_end = (u64)(uintptr_t)argv[argc - 1] + strlen(argv[argc - 1]) + 1;
	m.env_start = (u64)(uintptr_t)env[0];
	m.env_end = (u64)(uintptr_t)*env_last + strlen(*env_last) + 1;
	return !prctl(PR_SET_MM, PR_SET_MM_MAP, &m, sizeof(m), 0);
}

/* The host writes into the old thread-local data until told not to. */
static void leave_rseq(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		syscall(SYS_rseq, area, max_t(u32, __rseq_size, 32), RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
	syscall(SYS_set_robust_list, NULL, 24);
}

static void begin_anew(u64 base, char **argv, int argc)
{
	char **env = argv + argc + 1;
	u64 entry = base + __ehdr_start.e_entry;
	ElfW(auxv_t) * aux;

	while (*env)
		env++;
	for (aux = (ElfW(auxv_t) *)(void *)(env + 1); aux->a_type != AT_NULL; aux++) {
		if (aux->a_type == AT_PHDR)
			aux->a_un.a_val = base + __ehdr_start.e_phoff;
		else if (aux->a_type == AT_ENTRY)
			aux->a_un.a_val = entry;
		else if (aux->a_type == AT_BASE)
			aux->a_un.a_val = own_base();
	}
	leave_rseq();
	__asm__ volatile("mov %0, %%rsp; xor %%edx, %%edx; xor %%ebp, %%ebp; jmp *%1" ::"r"(argv - 1),
			 "r"(entry)
			 : "memory");
	__builtin_unreachable();
}

bool base_is_own(void)
{
	return getauxval(AT_BASE) != 0;
}

u64 base_address(void)
{
	return base_is_own() ? own_base() : 0;
}

void base_choose(int argc, char **argv, u64 wanted)
{
	u64 base = wanted, random;

	if (base_is_own()) { /* what the host had loaded serves no more */
		munmap((void *)getauxval(AT_BASE), own_size());
		return;
	}
	if (!base) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return;
		base = BASE_LOW + (random & BASE_MASK);
	}
	if (map_self(base) && move_heap(base, argv, argc))
		begin_anew(base, argv, argc);
	/* it goes on where it is; such a sandbox cannot be checkpointed, and says so when asked */
}

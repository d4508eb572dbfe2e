/*
 * test_loader.c - hostile ELF heads, and a real static glibc program in a real stub.
 *
 * The kernel's place is taken by the fifteen system calls this one program needs, answered here: what is
 * proven is the platform, the VMA tree, the ELF loader, the first stack and the vDSO together. Needs root
 * (PID namespace).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/kernel/cred.h"
#include "sandbox/kernel/sysctl.h"
#include "sandbox/mm/usage.h"
#include "sandbox/kernel/sched_priv.h"
#include "sandbox/kernel/task.h"
#include "sandbox/loader/loader.h"
#include "sandbox/vfs/vfs.h"
#include "tests/lib/mini_sentry.h"

static int passed, failed;
#define CHECK(name, cond)                                                                                    \
	do {                                                                                                 \
		if (cond) {                                                                                  \
			passed++;                                                                            \
		} else {                                                                                     \
			failed++;                                                                            \
			printf("not ok %s (%s:%d: %s)\n", name, __FILE__, __LINE__, #cond);                  \
		}                                                                                            \
	} while (0)

bool capable(int cap)
{
	return false;
}
void memory_committed(struct memory_usage *out)
{
	memset(out, 0, sizeof(*out));
	out->total = 1UL << 40;
}
u64 sysctl(enum sysctl_id id)
{
	return id == SYSCTL_MAX_MAP_COUNT ? 65530 : 0;
}
u64 task_rlimit(const struct task *t, int resource)
{
	return UINT64_MAX;
}

static char hello_path[4096];

static int read_head(char *head, u64 *size)
{
	int fd = open(hello_path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || pread(fd, head, ELF_HEAD_SIZE, 0) != ELF_HEAD_SIZE)
		return -1;
	*size = (u64)st.st_size;
	return fd;
}

static void hostile_heads(void)
{
	static char head[ELF_HEAD_SIZE], bad[ELF_HEAD_SIZE];
	static struct elf_image img;
	Elf64_Ehdr *h = (Elf64_Ehdr *)(void *)bad;
	Elf64_Phdr *p = (Elf64_Phdr *)(void *)(bad + sizeof(*h));
	u64 size;
	int fd = read_head(head, &size), load = -1;

	close(fd);
	memcpy(bad, head, sizeof(bad));
	CHECK("a good program",
	      !elf_parse(bad, sizeof(bad), size, &img) && img.type == ET_EXEC && !img.interp_size);
	for (int i = 0; i < h->e_phnum && load < 0; i++)
		if (p[i].p_type == PT_LOAD)
			load = i;
#define BAD(name, change, want)                                                                              \
	do {                                                                                                 \
		memcpy(bad, head, sizeof(bad));                                                              \
		change;                                                                                      \
		CHECK(name, elf_parse(bad, sizeof(bad), size, &img) == (want));                              \
	} while (0)
	BAD("no magic", bad[0] = 'x', -ENOEXEC);
	BAD("32 bits", bad[EI_CLASS] = ELFCLASS32, -ENOEXEC);
	BAD("another machine", h->e_machine = EM_AARCH64, -ENOEXEC);
	BAD("a relocatable object", h->e_type = ET_REL, -ENOEXEC);
	BAD("no program headers", h->e_phnum = 0, -ENOEXEC);
	BAD("program headers beyond the head", h->e_phoff = ELF_HEAD_SIZE - 10, -ENOEXEC);
	BAD("an offset that wraps", h->e_phoff = ~0UL, -ENOEXEC);
	BAD("more headers than fit", h->e_phnum = 0xffff, -ENOEXEC);
	BAD("odd header size", h->e_phentsize = 8, -ENOEXEC);
	BAD("more in the file than in memory", p[load].p_filesz = p[load].p_memsz + 1, -EINVAL);
	BAD("memory that wraps", p[load].p_memsz = ~0UL, -EINVAL);
	BAD("an address in the stub", p[load].p_vaddr = 0x7ffe00000000, -EINVAL);
	BAD("a segment beyond the file", p[load].p_offset = size, -EINVAL);
	BAD("misaligned", p[load].p_offset += 1, -EINVAL);
	CHECK("a short file", elf_parse(head, 20, 20, &img) == -ENOEXEC);
	CHECK("an empty file", elf_parse(head, 0, 0, &img) == -ENOEXEC);
	for (int i = 0; i < 200000; i++) { /* no crash, whatever the bytes */
		memcpy(bad, head, sizeof(bad));
		for (int k = 0; k < 4; k++)
			bad[random() % 700] = (char)random();
		if (!elf_parse(bad, sizeof(bad), size, &img) &&
		    (img.low >= img.high || img.high > PLATFORM_USER_END))
			failed++;
	}
}

/* ---- a file whose mapping is the host's ---- */
static struct host_fd *hello_fd;
static int hello_mmap(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		      u64 *host_offset)
{
	*backing = host_fd_get(hello_fd);
	*host_offset = offset;
	return 0;
}
static const struct file_ops hello_ops = {.mmap = hello_mmap};
static void file_gone(struct object *o)
{
}
static struct file hello_file = {
    .ops = &hello_ops, .mode = FMODE_READ, .obj = {.refs = 1, .release = file_gone}};

/* ---- just enough of a kernel ---- */
static char output[4096];
static size_t output_size;

static s64 do_write(struct mm *mm, const struct trap *t)
{
	size_t n =
	    t->args[2] < sizeof(output) - 1 - output_size ? t->args[2] : sizeof(output) - 1 - output_size;
	s64 got = aspace_read(mm->as, output + output_size, uaddr(t->args[1]), n);

	if (got > 0)
		output_size += (size_t)got;
	return got;
}

static s64 do_brk(struct mm *mm, struct uthread *ut, u64 brk)
{
	u64 old = PAGE_UP(mm->brk);

	if (brk < mm->brk_start)
		return (s64)mm->brk;
	if (PAGE_UP(brk) > old && mm_mmap(mm, ut, old, PAGE_UP(brk) - old, 3, 0x32, NULL, 0) < 0)
		return (s64)mm->brk;
	mm->brk = brk;
	return (s64)brk;
}

/* Answers one call; false at exit. */
static bool serve(struct mm *mm, struct uthread *ut, struct trap *t, int *code)
{
	struct uregs r;
	s64 ret = -ENOSYS;

	switch (t->nr) {
	case SYS_write:
		ret = do_write(mm, t);
		break;
	case SYS_brk:
		ret = do_brk(mm, ut, t->args[0]);
		break;
	case SYS_mmap:
		ret = mm_mmap(mm, ut, t->args[0], t->args[1], (u32)t->args[2], (u32)t->args[3], NULL, 0);
		break;
	case SYS_munmap:
		ret = mm_munmap(mm, ut, t->args[0], t->args[1]);
		break;
	case SYS_mprotect:
		ret = mm_mprotect(mm, ut, t->args[0], t->args[1], (u32)t->args[2]);
		break;
	case SYS_arch_prctl:
		uthread_get_regs(ut, &r);
		if (t->args[0] == 0x1002) { /* ARCH_SET_FS */
			r.fs_base = t->args[1];
			r.rax = 0;
			ret = uthread_set_regs(ut, &r);
			return true;
		}
		ret = -EINVAL;
		break;
	case SYS_getrandom: { /* without it, malloc asks for the time before the vDSO is known */
		char random_bytes[256];
		size_t n = t->args[1] < sizeof(random_bytes) ? t->args[1] : sizeof(random_bytes);
		ret = getrandom(random_bytes, n, 0);
		if (ret > 0)
			ret = aspace_write(mm->as, uaddr(t->args[0]), random_bytes, (size_t)ret);
		break;
	}
	case SYS_set_tid_address:
		ret = 1;
		break;
	case SYS_newfstatat:
		ret = -EBADF;
		break;
	case SYS_exit_group:
		*code = (int)t->args[0];
		return false;
	default:
		break;
	}
	uthread_set_result(ut, ret);
	return true;
}

static void run_hello(void *arg)
{
	static char head[ELF_HEAD_SIZE];
	static struct elf_image img;
	char *argv[] = {hello_path, (char *)"world", NULL}, *envp[] = {(char *)"WHO=me", NULL}, *stack;
	struct elf_clear clear;
	struct uthread *ut;
	struct trap t;
	struct mm *mm;
	u64 size, bias, sp;
	size_t stack_size;
	int fd, code = -1;

	hostile_heads();
	fd = read_head(head, &size);
	CHECK("parse", !elf_parse(head, sizeof(head), size, &img));
	hello_fd = host_fd_new(fd, HOST_FD_GOFER, false);
	CHECK("address space", !mm_new(&mm, NULL));
	aspace_batch_begin(mm->as);
	CHECK("load", !elf_load(mm, &hello_file, &img, 0, &bias, &clear));
	CHECK("stack",
	      mm_map_named(mm, PLATFORM_USER_END - (8UL << 20), 8UL << 20, 3, 0x4032, "[stack]") > 0);
	CHECK("batch", !aspace_batch_end(mm->as));
	if (clear.size) {
		char *zeros = kzalloc(clear.size);
		CHECK("clear", aspace_write(mm->as, uaddr(clear.addr), zeros, clear.size) == (s64)clear.size);
		kfree(zeros);
	}
	mm->brk_start = mm->brk = img.high + bias + 0x1000000;
	struct stack_args sa = {.argv = argv,
				.envp = envp,
				.execfn = hello_path,
				.top = PLATFORM_USER_END,
				.phdr = img.low + bias + img.phoff,
				.phnum = img.phnum,
				.entry = img.entry + bias,
				.vdso = platform_vdso_addr()};
	CHECK("stack content", !stack_build(mm, &sa, 1 << 20, &stack, &stack_size, &sp));
	CHECK("stack alignment", (sp & 15) == 0);
	CHECK("stack write", aspace_write(mm->as, uaddr(PLATFORM_USER_END - stack_size), stack, stack_size) ==
				 (s64)stack_size);
	kfree(stack);
	struct uregs regs = {.rip = sa.entry, .rsp = sp, .eflags = 0x202};
	CHECK("thread", !uthread_new(mm->as, &regs, &ut));
	for (int calls = 0; calls < 500; calls++) {
		uthread_run(ut, &t);
		if (t.kind != TRAP_SYSCALL) {
			printf("trap %d signal %d at %lx\n", t.kind, t.signo, (unsigned long)t.addr);
			break;
		}
		CHECK("the vDSO answers clock_gettime", t.nr != SYS_clock_gettime);
		if (!serve(mm, ut, &t, &code))
			break;
	}
	CHECK("exit status", code == 42);
	CHECK("output", !strcmp(output, "hello 2 world me heap\n"));
	if (code != 42)
		printf("output: %s\n", output);
	uthread_destroy(ut);
	mm_put(mm);
	sched_stop(0);
}

static int verdict(void)
{
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed != 0;
}

int main(int argc, char **argv)
{
	int status;

	snprintf(hello_path, sizeof(hello_path), "%.*shello",
		 (int)(strrchr(argv[0], '/') ? strrchr(argv[0], '/') - argv[0] + 1 : 0), argv[0]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	status = mini_sentry_run(run_hello, NULL, verdict, 60);
	if (status == MINI_SENTRY_NO_ROOT) {
		printf("needs root for a PID namespace\n0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	if (status)
		printf("ended with status %d\n", status);
	return status != 0;
}

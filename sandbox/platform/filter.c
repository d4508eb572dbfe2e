/*
 * filter.c - the seccomp program of every stub: what the host kernel lets a stub do.
 *
 * Written as classic BPF because libseccomp cannot compare the instruction pointer. A call is allowed only if
 * it is made from the stub's own text and its arguments have exactly one of the shapes that stub and sentry
 * use; everything else raises SIGSYS, whose handler turns it into a guest system call. A guest can jump to
 * the stub's `syscall` instruction with registers of its choice, so each shape here must be harmless to
 * anyone but that guest: see docs/security.md for the argument, call by call, and tests/security for the
 * attacks.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sandbox/platform/platform_priv.h"

struct prog {
	struct sock_filter *f;
	unsigned count, capacity;
	unsigned block; /* index of the jump that skips the current call's rules */
};

static void emit(struct prog *p, u16 code, u32 k, u8 jt, u8 jf)
{
	if (p->count >= p->capacity)
		panic("the stub's filter is longer than %u instructions", p->capacity);
	p->f[p->count++] = (struct sock_filter){code, jt, jf, k};
}

static void load_word(struct prog *p, unsigned offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void load_low(struct prog *p, int arg)
{
	load_word(p, 16 + 8 * (unsigned)arg);
}

static void load_high(struct prog *p, int arg)
{
	load_word(p, 20 + 8 * (unsigned)arg);
}

static void refuse(struct prog *p)
{
	emit(p, BPF_RET, SECCOMP_RET_TRAP, 0, 0);
}

static void allow(struct prog *p)
{
	emit(p, BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

/* refuse unless accumulator == k */
static void want_equal(struct prog *p, u32 k)
{
	emit(p, BPF_JMP | BPF_JEQ, k, 1, 0);
	refuse(p);
}

static void begin(struct prog *p, int nr)
{
	load_word(p, 0);
	p->block = p->count;
	emit(p, BPF_JMP | BPF_JEQ, (u32)nr, 0, 0);
}

static void end(struct prog *p)
{
	allow(p);
	p->f[p->block].jf = (u8)(p->count - p->block - 1);
}

static void high_zero(struct prog *p, int arg)
{
	load_high(p, arg);
	want_equal(p, 0);
}

static void equal(struct prog *p, int arg, u64 v)
{
	load_low(p, arg);
	want_equal(p, (u32)v);
	load_high(p, arg);
	want_equal(p, (u32)(v >> 32));
}

static void one_of(struct prog *p, int arg, const u32 *v, unsigned n)
{
	high_zero(p, arg);
	load_low(p, arg);
	for (unsigned i = 0; i < n; i++)
		emit(p, BPF_JMP | BPF_JEQ, v[i], (u8)(n - i), 0);
	refuse(p);
}
#define ONE_OF(p, arg, ...)                                                                                  \
	do {                                                                                                 \
		const u32 values_[] = {__VA_ARGS__};                                                         \
		one_of((p), (arg), values_, sizeof(values_) / sizeof(values_[0]));                           \
	} while (0)

static void prot_bits_only(struct prog *p, int arg)
{
	high_zero(p, arg);
	load_low(p, arg);
	emit(p, BPF_JMP | BPF_JSET, ~7U, 0, 1);
	refuse(p);
}

/* [arg, arg+len) lies below the stub. By high words, each bounded first so that their sum cannot wrap; the
 * low words can carry at most one more. */
static void below_stub(struct prog *p, int arg, int len)
{
	load_high(p, len);
	emit(p, BPF_JMP | BPF_JGT, 0x7fff, 0, 1);
	refuse(p);
	emit(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	load_high(p, arg);
	emit(p, BPF_JMP | BPF_JGT, 0x7fff, 0, 1);
	refuse(p);
	emit(p, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
	emit(p, BPF_JMP | BPF_JGT, STUB_HIGH_WORD - 2, 0, 1);
	refuse(p);
}

/* mremap may not grow: growth of a shared mapping would expose what lies behind it in the object. */
static void not_larger(struct prog *p, int old_len, int new_len)
{
	load_low(p, old_len);
	emit(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	load_low(p, new_len);
	emit(p, BPF_JMP | BPF_JGT | BPF_X, 0, 0, 1);
	refuse(p);
	load_high(p, old_len);
	emit(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	load_high(p, new_len);
	emit(p, BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0);
	refuse(p);
}

/* Three shapes: private anonymous memory below the stub; the stub's own window; a file below the stub by a
 * descriptor that only the memory thread has. */
static void mmap_rules(struct prog *p)
{
	unsigned to_fd, to_range, to_file, to_window;

	begin(p, SYS_mmap);
	high_zero(p, 3);
	load_low(p, 3);
	emit(p, BPF_JMP | BPF_JEQ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 1, 0);
	to_fd = p->count;
	emit(p, BPF_JMP | BPF_JEQ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, 0, 0);
	prot_bits_only(p, 2);
	to_range = p->count;
	emit(p, BPF_JMP | BPF_JA, 0, 0, 0);

	p->f[to_fd].jf = (u8)(p->count - to_fd - 1);
	load_high(p, 0);
	to_file = p->count;
	emit(p, BPF_JMP | BPF_JEQ, STUB_HIGH_WORD, 0, 0);
	equal(p, 4, STUB_FD_CONTROL);
	equal(p, 3, MAP_SHARED | MAP_FIXED);
	load_low(p, 0);
	to_window = p->count;
	emit(p, BPF_JMP | BPF_JEQ, (u32)REQ_ADDR, 0, 0);
	equal(p, 1, PAGE_SIZE);
	equal(p, 2, PROT_READ);
	allow(p);
	p->f[to_window].jf = (u8)(p->count - to_window - 1);
	want_equal(p, (u32)WIN_ADDR);
	equal(p, 1, WIN_RW_SIZE);
	equal(p, 2, PROT_READ | PROT_WRITE);
	allow(p);

	p->f[to_file].jf = (u8)(p->count - to_file - 1);
	ONE_OF(p, 3, MAP_PRIVATE | MAP_FIXED, MAP_SHARED | MAP_FIXED,
	       MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE);
	prot_bits_only(p, 2);
	high_zero(p, 4);
	load_low(p, 4);
	emit(p, BPF_JMP | BPF_JGE, STUB_FD_FIRST, 1, 0);
	refuse(p);
	p->f[to_range].k = p->count - to_range - 1;
	below_stub(p, 0, 1);
	end(p);
}

static void memory_rules(struct prog *p)
{
	mmap_rules(p);
	begin(p, SYS_munmap);
	below_stub(p, 0, 1);
	end(p);
	begin(p, SYS_mprotect);
	prot_bits_only(p, 2);
	below_stub(p, 0, 1);
	end(p);
	begin(p, SYS_mremap);
	not_larger(p, 1, 2);
	ONE_OF(p, 3, 0, MREMAP_MAYMOVE | MREMAP_FIXED);
	below_stub(p, 0, 1);
	below_stub(p, 4, 2);
	end(p);
	begin(p, SYS_madvise);
	ONE_OF(p, 2, MADV_DONTNEED, MADV_FREE, MADV_WILLNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLD,
	       MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_NORMAL, MADV_RANDOM,
	       MADV_SEQUENTIAL, 25 /* COLLAPSE */, 102 /* GUARD_INSTALL */, 103 /* GUARD_REMOVE */);
	below_stub(p, 0, 1);
	end(p);
}

static void descriptor_rules(struct prog *p)
{
	begin(p, SYS_write); /* the doorbell, the proof of identity */
	ONE_OF(p, 0, STUB_FD_BELL, STUB_FD_SOCKET);
	equal(p, 2, 8);
	end(p);
	begin(p, SYS_recvmsg);
	equal(p, 0, STUB_FD_SOCKET);
	end(p);
	begin(p, SYS_close_range);
	ONE_OF(p, 0, 1, STUB_FD_FIRST);
	equal(p, 1, 0xffffffff);
	equal(p, 2, 0);
	end(p);
}

unsigned stub_filter_build(struct sock_filter *f, unsigned capacity)
{
	struct prog prog = {.f = f, .capacity = capacity}, *p = &prog;

	load_word(p, 4);
	want_equal(p, AUDIT_ARCH_X86_64);
	load_word(p, 12); /* instruction pointer, high and low */
	want_equal(p, STUB_HIGH_WORD);
	load_word(p, 8);
	emit(p, BPF_JMP | BPF_JGE, STUB_TEXT_SIZE, 0, 1);
	refuse(p);

	begin(p, SYS_rt_sigreturn);
	end(p);
	begin(p, SYS_futex);
	ONE_OF(p, 1, FUTEX_WAIT);
	end(p);
	descriptor_rules(p);
	memory_rules(p);
	begin(p, SYS_clone);
	ONE_OF(p, 0, CLONE_FLAGS_FORK, CLONE_FLAGS_FIRST, CLONE_FLAGS_THREAD);
	equal(p, 1, 0);
	end(p);
	begin(p, SYS_getrusage);
	end(p);
	begin(p, SYS_sched_yield);
	end(p);
	begin(p, SYS_mincore);
	end(p);
	begin(p, SYS_membarrier); /* the private commands */
	ONE_OF(p, 0, 8, 16, 32, 64);
	equal(p, 1, 0);
	end(p);
	begin(p, SYS_exit);
	end(p);
	refuse(p);
	return p->count;
}

/*
 * stack.c - the first stack of a program: strings at the top, then the vectors, the argument count at the
 * lowest address, to which rsp points (System V ABI, x86-64, 3.4.1).
 */
#include <errno.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include "sandbox/base/arena.h"
#include "sandbox/loader/loader.h"

#define STRING_MAX (128 * 1024) /* MAX_ARG_STRLEN */
#define AUX_PAIRS  22

struct strings {
	size_t count, bytes;
};

static int measure(char **a, struct strings *s)
{
	*s = (struct strings){0};
	for (; a && a[s->count]; s->count++) {
		size_t len = strlen(a[s->count]) + 1;
		if (len > STRING_MAX)
			return -E2BIG;
		s->bytes += len;
	}
	return 0;
}

/* Copies the strings to buf (= guest address `addr`) and their addresses to vec; returns the end of both. */
static char *put_strings(char *buf, u64 addr, char **a, size_t count, u64 *vec)
{
	char *start = buf;

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(a[i]) + 1;
		vec[i] = addr + (u64)(buf - start);
		memcpy(buf, a[i], len);
		buf += len;
	}
	vec[count] = 0;
	return buf;
}

static u32 fill_aux(u64 *v, const struct stack_args *a, u64 random, u64 platform, u64 execfn)
{
	const u64 pairs[AUX_PAIRS][2] = {
	    {AT_HWCAP, getauxval(AT_HWCAP)}, /* what cpuid says, which a hypervisor answers slowly */
	    {AT_PAGESZ, PAGE_SIZE},
	    {AT_CLKTCK, 100},
	    {AT_PHDR, a->phdr},
	    {AT_PHENT, sizeof(Elf64_Phdr)},
	    {AT_PHNUM, a->phnum},
	    {AT_BASE, a->interp_base},
	    {AT_FLAGS, 0},
	    {AT_ENTRY, a->entry},
	    {AT_UID, a->uid},
	    {AT_EUID, a->euid},
	    {AT_GID, a->gid},
	    {AT_EGID, a->egid},
	    {AT_SECURE, a->secure},
	    {AT_RANDOM, random},
	    /* without FSGSBASE: who needs %gs asks by arch_prctl(2), and we know */
	    {AT_HWCAP2, 0},
	    {AT_EXECFN, execfn},
	    {AT_PLATFORM, platform},
	    {51 /* AT_MINSIGSTKSZ */, getauxval(51)},
	    {a->vdso ? AT_SYSINFO_EHDR : AT_IGNORE, a->vdso},
	    {AT_NULL, 0}};
	u32 n = 0;

	for (u32 i = 0; i < AUX_PAIRS; i++) {
		if (pairs[i][0] == AT_IGNORE)
			continue;
		v[n++] = pairs[i][0];
		v[n++] = pairs[i][1];
		if (pairs[i][0] == AT_NULL)
			break;
	}
	return n;
}

int stack_build(struct mm *mm, const struct stack_args *a, size_t limit, char **out, size_t *size, u64 *sp)
{
	struct strings args, envs;
	size_t execfn_len = strlen(a->execfn) + 1, text, vectors;
	u64 base, strings_at, random_at, platform_at, execfn_at, *v;
	char *buf, *p;

	if (measure(a->argv, &args) || measure(a->envp, &envs))
		return -E2BIG;
	text = args.bytes + envs.bytes + execfn_len + 16 + sizeof("x86_64") + 8;
	vectors = (1 + args.count + 1 + envs.count + 1 + 2 * AUX_PAIRS) * sizeof(u64);
	*size = (text + vectors + 64 + 15) & ~15UL;
	if (*size > limit)
		return -E2BIG;
	buf = kzalloc(*size);
	if (!buf)
		return -ENOMEM;
	base = a->top - *size;
	p = buf + *size - text;
	p -= (u64)(base + (u64)(p - buf)) & 15;
	strings_at = base + (u64)(p - buf);
	random_at = strings_at;
	if (getrandom(p, 16, 0) != 16) {
		kfree(buf);
		return -EIO;
	}
	p += 16;
	platform_at = base + (u64)(p - buf);
	memcpy(p, "x86_64", sizeof("x86_64"));
	p += sizeof("x86_64");
	v = (u64 *)(void *)(buf + (((strings_at - vectors) & ~15UL) - base));
	*sp = base + (u64)((char *)v - buf);
	*v++ = args.count;
	mm->arg_start = base + (u64)(p - buf);
	p = put_strings(p, mm->arg_start, a->argv, args.count, v);
	mm->arg_end = mm->env_start = base + (u64)(p - buf);
	v += args.count + 1;
	p = put_strings(p, mm->env_start, a->envp, envs.count, v);
	mm->env_end = base + (u64)(p - buf);
	v += envs.count + 1;
	execfn_at = mm->env_end;
	memcpy(p, a->execfn, execfn_len);
	mm->auxv_count = fill_aux(v, a, random_at, platform_at, execfn_at);
	static_assert(2 * AUX_PAIRS <= ARRAY_COUNT(((struct mm *)0)->auxv), "room for /proc/PID/auxv");
	memcpy(mm->auxv, v, mm->auxv_count * sizeof(u64));
	mm->start_stack = *sp;
	*out = buf;
	return 0;
}

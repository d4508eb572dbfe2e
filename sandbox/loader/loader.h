/*
 * loader.h - building a new image in an address space: ELF programs, their interpreter, and the first stack.
 *
 * elf_parse() looks at an untrusted file head and says what it is; it touches nothing. elf_load() maps it.
 * The stack builder lays out arguments, environment and auxiliary vector as the System V ABI and Linux do
 * (getauxval(3)).
 */
#ifndef WARREN_LOADER_H
#define WARREN_LOADER_H

#include <elf.h>

#include "sandbox/mm/mm.h"

#define ELF_SEGMENTS_MAX 64
#define ELF_HEAD_SIZE    4096 /* what the caller reads from the start of the file */

struct elf_image {
	u16 type; /* ET_EXEC or ET_DYN */
	u64 entry, phoff;
	u16 phnum;
	u32 segment_count;
	Elf64_Phdr segment[ELF_SEGMENTS_MAX]; /* the PT_LOADs, checked, ascending */
	u64 interp_offset, interp_size;       /* 0: static */
	bool executable_stack;
	u64 low, high; /* page-aligned extent of all segments */
};

/* Checks the first `size` bytes of a file of `file_size` bytes. 0; -ENOEXEC: not an x86-64 ELF program, or
 * its program headers do not lie in the head; -EINVAL: its segments make no sense. */
int elf_parse(const void *head, size_t size, u64 file_size, struct elf_image *out) must_check;

/* Maps all segments of `file`. *bias gets what to add to the file's addresses: `at` - low for ET_DYN (at 0: a
 * random place), 0 for ET_EXEC. Changes collect in the address space's open batch; bss tails that share a
 * page with file data are listed in *clear for after the batch. [sleeps] */
struct elf_clear {
	u64 addr, size;
};
int elf_load(struct mm *mm, struct file *file, const struct elf_image *img, u64 at, u64 *bias,
	     struct elf_clear *clear) must_check;

#define SCRIPT_LINE 256 /* BINPRM_BUF_SIZE: what of a script's first line counts */
/* Cuts `line`, of SCRIPT_LINE bytes of which `size` were read and begin with "#!", into the interpreter and
 * its argument (or NULL). -ENOEXEC. */
int script_parse(char *line, size_t size, char **interp, char **arg) must_check;

struct stack_args {
	char **argv, **envp; /* NULL-terminated */
	const char *execfn;
	u64 top; /* highest address of the stack area, page aligned */
	u64 phdr, entry, interp_base;
	u16 phnum;
	u32 uid, euid, gid, egid;
	bool secure;
	u64 vdso;
};
/* Builds the stack's content in a fresh arena buffer: *size bytes that belong at *sp. -E2BIG beyond `limit`
 * bytes. mm's arg/env ranges and auxv are filled. Free with kfree. */
int stack_build(struct mm *mm, const struct stack_args *a, size_t limit, char **out, size_t *size,
		u64 *sp) must_check;

#endif

/*
 * elf.c - parsing and mapping of ELF programs. The file is hostile: every number is checked before it is
 * used, and no sum of two of them may wrap.
 */
#include <errno.h>
#include <sys/random.h>

#include "sandbox/abi/mman.h"
#include "sandbox/loader/loader.h"
#include "sandbox/vfs/vfs.h"

#define PIE_BASE 0x555555554000UL

static int check_header(const Elf64_Ehdr *h, size_t size)
{
	if (size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
		return -ENOEXEC;
	if ((h->e_type != ET_EXEC && h->e_type != ET_DYN) || h->e_phentsize != sizeof(Elf64_Phdr) ||
	    !h->e_phnum)
		return -ENOEXEC;
	if (h->e_phoff > size || (u64)h->e_phnum * sizeof(Elf64_Phdr) > size - h->e_phoff)
		return -ENOEXEC;
	return 0;
}

static int add_segment(struct elf_image *img, const Elf64_Phdr *p, u64 file_size)
{
	u64 end;

	if (!p->p_memsz)
		return 0;
	if (img->segment_count == ELF_SEGMENTS_MAX || p->p_filesz > p->p_memsz ||
	    __builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) || end > PLATFORM_USER_END)
		return -EINVAL;
	if (p->p_offset > file_size || p->p_filesz > file_size - p->p_offset)
		return -EINVAL;
	if ((p->p_vaddr ^ p->p_offset) & ~PAGE_MASK)
		return -EINVAL; /* cannot be mapped */
	if (img->segment_count && PAGE_DOWN(p->p_vaddr) < img->high)
		return -EINVAL; /* not ascending, or they share a page */
	if (!img->segment_count)
		img->low = PAGE_DOWN(p->p_vaddr);
	img->high = PAGE_UP(end);
	img->segment[img->segment_count++] = *p;
	return 0;
}

int elf_parse(const void *head, size_t size, u64 file_size, struct elf_image *out)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;
	int err;

	memset(out, 0, sizeof(*out));
	if (size < sizeof(h))
		return -ENOEXEC;
	memcpy(&h, head, sizeof(h));
	err = check_header(&h, size);
	if (err)
		return err;
	out->type = h.e_type;
	out->entry = h.e_entry;
	out->phoff = h.e_phoff;
	out->phnum = h.e_phnum;
	out->executable_stack = true; /* without PT_GNU_STACK, as Linux */
	for (u32 i = 0; i < h.e_phnum; i++) {
		memcpy(&p, (const char *)head + h.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD) {
			err = add_segment(out, &p, file_size);
			if (err)
				return err;
		} else if (p.p_type == PT_INTERP) {
			if (p.p_filesz < 2 || p.p_filesz > 4096 || p.p_offset > file_size ||
			    p.p_filesz > file_size - p.p_offset)
				return -ENOEXEC;
			out->interp_offset = p.p_offset;
			out->interp_size = p.p_filesz;
		} else if (p.p_type == PT_GNU_STACK) {
			out->executable_stack = p.p_flags & PF_X;
		}
	}
	return out->segment_count ? 0 : -ENOEXEC;
}

static u32 prot_of(const Elf64_Phdr *p)
{
	return (p->p_flags & PF_R ? LINUX_PROT_READ : 0) | (p->p_flags & PF_W ? LINUX_PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? LINUX_PROT_EXEC : 0);
}

static int load_segment(struct mm *mm, struct file *file, const Elf64_Phdr *p, u64 bias,
			struct elf_clear *clear)
{
	const u32 flags = LINUX_MAP_PRIVATE | LINUX_MAP_FIXED;
	u64 start = PAGE_DOWN(p->p_vaddr) + bias, file_end = p->p_vaddr + bias + p->p_filesz;
	u64 mem_end = p->p_vaddr + bias + p->p_memsz, mapped = PAGE_UP(file_end);
	s64 at = 0;

	if (p->p_filesz)
		at =
		    mm_mmap(mm, NULL, start, mapped - start, prot_of(p), flags, file, PAGE_DOWN(p->p_offset));
	else
		mapped = start;
	if (at >= 0 && PAGE_UP(mem_end) > mapped)
		at = mm_mmap(mm, NULL, mapped, PAGE_UP(mem_end) - mapped, prot_of(p),
			     flags | LINUX_MAP_ANONYMOUS, NULL, 0);
	if (at < 0)
		return (int)at;
	/* the rest of the last file page is bss; a segment that cannot be written has none worth clearing */
	if (p->p_filesz && mem_end > file_end && mapped > file_end && (p->p_flags & PF_W))
		*clear = (struct elf_clear){file_end, mapped - file_end};
	return 0;
}

static int choose_bias(struct mm *mm, const struct elf_image *img, u64 at, u64 *bias)
{
	u64 random, size = img->high - img->low;

	*bias = 0;
	if (img->type == ET_EXEC)
		return img->low < 0x10000 ? -EPERM : 0;
	if (!at) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EIO;
		at = PIE_BASE + (random & 0xffffff) * PAGE_SIZE;
	}
	if (at > PLATFORM_USER_END || size > PLATFORM_USER_END - at)
		return -ENOMEM;
	*bias = at - img->low;
	return 0;
}

int elf_load(struct mm *mm, struct file *file, const struct elf_image *img, u64 at, u64 *bias,
	     struct elf_clear *clear)
{
	int err = choose_bias(mm, img, at, bias);

	*clear = (struct elf_clear){0};
	for (u32 i = 0; i < img->segment_count && !err; i++)
		err = load_segment(mm, file, &img->segment[i], *bias, clear);
	return err;
}

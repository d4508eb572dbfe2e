/* fuzz_loader.c: libFuzzer target: any bytes as the head of a program. What is taken for an ELF program must
 * have segments that can be mapped as they are, what is taken for a script an interpreter's name. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/loader/loader.h"
#include "sandbox/vfs/vfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* what elf_load() wants, which is not called here */
s64 mm_mmap(struct mm *mm, struct uthread *by, u64 addr, u64 size, u32 prot, u32 flags, struct file *file,
	    u64 offset)
{
	abort();
}

static void check_elf(const void *head, size_t size, uint64_t file_size)
{
	struct elf_image *img = malloc(sizeof(*img));
	uint64_t end = 0;

	if (!elf_parse(head, size, file_size, img)) {
		if (img->segment_count == 0 || img->segment_count > ELF_SEGMENTS_MAX ||
		    img->low >= img->high || img->low & 4095 || img->high & 4095 ||
		    img->high > PLATFORM_USER_END)
			abort();
		for (uint32_t i = 0; i < img->segment_count; i++) {
			const Elf64_Phdr *p = &img->segment[i];
			uint64_t stop;
			if (p->p_type != PT_LOAD || p->p_filesz > p->p_memsz ||
			    __builtin_add_overflow(p->p_vaddr, p->p_memsz, &stop) || p->p_vaddr < end ||
			    p->p_vaddr < img->low || stop > img->high || (p->p_vaddr - p->p_offset) % 4096 ||
			    p->p_offset + p->p_filesz < p->p_offset)
				abort();
			end = stop;
		}
		if (img->interp_size > 4096)
			abort();
	}
	free(img);
}

static void check_script(const uint8_t *data, size_t size)
{
	char *line = malloc(SCRIPT_LINE), *interp, *arg;

	size = size < SCRIPT_LINE ? size : SCRIPT_LINE;
	memcpy(line, data, size);
	if (!script_parse(line, size, &interp, &arg)) {
		if (!*interp || strpbrk(interp, " \t\n") || (arg && (!*arg || strchr(arg, '\n'))) ||
		    interp < line + 2 || interp + strlen(interp) >= line + SCRIPT_LINE)
			abort();
	}
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *head = malloc(size + 1); /* exactly: reading behind it is found */

	if (size < 2) {
		free(head);
		return 0;
	}
	if (data[0] == '#' && data[1] == '!')
		check_script(data, size);
	head = realloc(head, size);
	memcpy(head, data, size);
	check_elf(head, size, size);
	check_elf(head, size, 1 << 20);
	free(head);
	return 0;
}

/* fuzz_bpf.c: libFuzzer target: any program that the check of seccomp filters takes must run safely. The last
 * 64 bytes are the call it looks at. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/base/arena.h"
#include "sandbox/kernel/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* the arena, for this target */
void *kzalloc_typed(size_t size, const char *type)
{
	(void)type;
	return calloc(1, size);
}
void kfree(void *p)
{
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bpf_insn *f;
	struct linux_seccomp_data d;
	uint32_t len;

	if (size < sizeof(d) + sizeof(*f))
		return 0;
	memcpy(&d, data + size - sizeof(d), sizeof(d));
	size -= sizeof(d);
	len = (uint32_t)(size / sizeof(*f));
	f = malloc(len * sizeof(*f)); /* exactly: reading behind it is found */
	memcpy(f, data, len * sizeof(*f));
	if (!seccomp_bpf_check(f, len))
		(void)*(volatile uint32_t *)&(uint32_t){seccomp_bpf_run(f, &d)};
	free(f);
	return 0;
}

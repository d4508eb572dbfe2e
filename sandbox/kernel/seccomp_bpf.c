/*
 * seccomp_bpf.c - classic BPF (base/bpf.h) as seccomp(2) accepts it: the only loads are aligned words of
 * struct seccomp_data.
 */
#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/base/bpf.h"
#include "sandbox/kernel/seccomp.h"

static bool allowed(const struct bpf_insn *f)
{
	switch (f->code & 7) {
	case BPF_LD:
		if (f->code == (BPF_LD | BPF_ABS))
			return f->k < sizeof(struct linux_seccomp_data) && !(f->k & 3);
		return (f->code & 0xe0) != BPF_ABS && (f->code & 0xe0) != BPF_IND;
	case BPF_LDX:
		return f->code != (BPF_LDX | BPF_B | BPF_MSH);
	case BPF_ALU:
		return (f->code & 0xf0) != BPF_MOD;
	default:
		return true;
	}
}

int seccomp_bpf_check(const struct bpf_insn *f, u32 len)
{
	u16 *known;
	bool ok;

	if (!bpf_code_ok(f, len, SECCOMP_INSNS_MAX, allowed))
		return -EINVAL;
	known = knew_array(u16, len);
	if (!known)
		return -ENOMEM;
	ok = bpf_scratch_ok(f, len, known);
	kfree(known);
	return ok ? 0 : -EINVAL;
}

struct machine {
	struct bpf_machine m;
	const struct linux_seccomp_data *d;
};

static bool load(const struct bpf_machine *m, const struct bpf_insn *i, u32 size, u32 *out)
{
	memcpy(out, (const char *)container_of(m, struct machine, m)->d + i->k, sizeof(*out));
	return true;
}

u32 seccomp_bpf_run(const struct bpf_insn *f, const struct linux_seccomp_data *d)
{
	struct machine m = {.m = {.len = sizeof(*d), .load = load}, .d = d};

	return bpf_run(&m.m, f);
}

/*
 * ptrace_regs.c - a tracee's registers as ptrace(2) shows them.
 *
 * struct uregs is struct user_regs_struct. The vector state lies in the host's signal frame, which is an
 * XSAVE area with 48 software bytes of its own; the XSTATE register set is the same area with the mask of its
 * features there instead.
 */
#include <errno.h>

#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/uaccess.h"

#define SW_BYTES     464 /* of the legacy area: magic, size with the tail, features, size */
#define XSAVE_HEADER 512
#define FRAME_MAGIC1 0x46505853U
#define NO_CALL      (~0UL)

struct sw_bytes {
	u32 magic1, extended_size;
	u64 xfeatures;
	u32 xstate_size, pad[7];
};
static_assert(sizeof(struct sw_bytes) == 48, "struct _fpx_sw_bytes");
static_assert(sizeof(struct uregs) == LINUX_USER_REGS_SIZE, "struct user_regs_struct");

/* ---- general registers ---- */

static int put_regs(struct task *t, const struct uregs *r)
{
	if (r->fs_base >= PLATFORM_USER_END || r->gs_base >= PLATFORM_USER_END)
		return -EIO;
	if (uthread_set_regs(t->ut, r))
		return -EIO;
	uthread_set_orig_rax(t->ut, (s32)r->orig_rax == -1 ? NO_CALL : r->orig_rax);
	return 0;
}

s64 ptrace_get_regs(struct task *t, u64 user)
{
	struct uregs r;

	uthread_get_regs(t->ut, &r);
	return put_user(&r, uaddr(user));
}

s64 ptrace_set_regs(struct task *t, u64 user)
{
	struct uregs r;

	if (get_user(&r, uaddr(user)))
		return -EFAULT;
	if (!t->pt.stopped)
		return -ESRCH;
	return put_regs(t, &r);
}

/* There are no debug registers to be had: they read as 0 and cannot be set, as on a machine whose are all in
 * use. Debuggers fall back to stepping. */
s64 ptrace_peek_user(struct task *t, u64 addr, u64 user)
{
	struct uregs r;
	u64 value = 0;

	if ((addr & 7) || addr >= LINUX_USER_SIZE)
		return -EIO;
	if (addr < sizeof(r)) {
		uthread_get_regs(t->ut, &r);
		memcpy(&value, (char *)&r + addr, sizeof(value));
	}
	return put_user(&value, uaddr(user));
}

s64 ptrace_poke_user(struct task *t, u64 addr, u64 value)
{
	struct uregs r;

	if ((addr & 7) || addr >= LINUX_USER_SIZE)
		return -EIO;
	if (addr >= LINUX_USER_DEBUGREG && addr < LINUX_USER_DEBUGREG + 64) {
		u64 n = (addr - LINUX_USER_DEBUGREG) / 8;
		if (n == 4 || n == 5)
			return -EIO;
		return value ? -ENOSPC : 0;
	}
	if (addr >= sizeof(r))
		return -EIO;
	uthread_get_regs(t->ut, &r);
	memcpy((char *)&r + addr, &value, sizeof(value));
	return put_regs(t, &r);
}

/* ---- vector registers ---- */

/* The whole area in the frame's form: *size without the tail magic. NULL: no memory. */
static char *read_area(struct task *t, size_t *size)
{
	size_t frame = uthread_fpstate_size(t->ut);
	char *area = kzalloc(max_t(size_t, frame, XSAVE_HEADER + 64));
	struct sw_bytes sw;

	if (!area)
		return NULL;
	uthread_get_fpstate(t->ut, area, frame);
	memcpy(&sw, area + SW_BYTES, sizeof(sw));
	*size = frame;
	if (sw.magic1 == FRAME_MAGIC1 && sw.xstate_size <= frame && sw.xstate_size >= XSAVE_HEADER + 64)
		*size = sw.xstate_size;
	return area;
}

/* The area as a register set; *size: XSAVE_HEADER + 64 at least. */
static char *read_xstate(struct task *t, size_t *size)
{
	char *area = read_area(t, size);
	struct sw_bytes sw;
	u64 features = 3; /* x87 and SSE */

	if (!area)
		return NULL;
	memcpy(&sw, area + SW_BYTES, sizeof(sw));
	if (sw.magic1 == FRAME_MAGIC1) {
		features = sw.xfeatures;
	} else {
		*size = XSAVE_HEADER + 64;
		memcpy(area + XSAVE_HEADER, &features, sizeof(features));
	}
	memset(area + SW_BYTES, 0, sizeof(sw));
	memcpy(area + SW_BYTES, &features, sizeof(features));
	return area;
}

/* Writes the first `n` bytes of a register set over the thread's state. */
static int write_xstate(struct task *t, const char *data, size_t n)
{
	size_t size, frame = uthread_fpstate_size(t->ut);
	char *area = read_area(t, &size);
	struct sw_bytes sw;
	u32 mxcsr;
	int err;

	if (!area)
		return -ENOMEM;
	memcpy(&sw, area + SW_BYTES, sizeof(sw));
	memcpy(&mxcsr, data + 24, sizeof(mxcsr));
	if (mxcsr & ~0xffffU) {
		kfree(area);
		return -EINVAL;
	}
	memcpy(area, data, min_t(size_t, n, size));
	memcpy(area + SW_BYTES, &sw, sizeof(sw));
	if (n <= XSAVE_HEADER && sw.magic1 == FRAME_MAGIC1) {
		u64 in_use;
		memcpy(&in_use, area + XSAVE_HEADER, sizeof(in_use));
		in_use |= 3;
		memcpy(area + XSAVE_HEADER, &in_use, sizeof(in_use));
	} else if (sw.magic1 == FRAME_MAGIC1) { /* only what there is, and nothing of the compacted form */
		u64 header[8];
		memcpy(header, area + XSAVE_HEADER, sizeof(header));
		if (header[0] & ~sw.xfeatures || header[1]) {
			kfree(area);
			return -EINVAL;
		}
		memset(area + XSAVE_HEADER + 8, 0, 56);
	}
	err = uthread_set_fpstate(t->ut, area, frame);
	kfree(area);
	return err;
}

s64 ptrace_get_fpregs(struct task *t, u64 user)
{
	size_t size;
	auto_cleanup(kfreep) char *area = read_area(t, &size);

	if (!area)
		return -ENOMEM;
	memset(area + SW_BYTES, 0, sizeof(struct sw_bytes));
	return copy_out(uaddr(user), area, LINUX_FPREGS_SIZE);
}

s64 ptrace_set_fpregs(struct task *t, u64 user)
{
	char data[LINUX_FPREGS_SIZE];

	if (copy_in(data, uaddr(user), sizeof(data)))
		return -EFAULT;
	if (!t->pt.stopped)
		return -ESRCH;
	return write_xstate(t, data, sizeof(data));
}

/* ---- register sets ---- */

struct iov {
	u64 base, len;
};

static s64 give(u64 user, struct iov *v, const void *data, size_t size)
{
	if (v->len & 7)
		return -EINVAL;
	v->len = min_t(u64, v->len, size);
	if (copy_out(uaddr(v->base), data, v->len))
		return -EFAULT;
	return put_user(&v->len, uaddr_add(uaddr(user), 8));
}

s64 ptrace_get_regset(struct task *t, u64 type, u64 user)
{
	auto_cleanup(kfreep) char *area = NULL;
	struct iov v;
	struct uregs r;
	size_t size;

	if (get_user(&v, uaddr(user)))
		return -EFAULT;
	if (!t->pt.stopped)
		return -ESRCH;
	switch (type) {
	case LINUX_NT_PRSTATUS:
		uthread_get_regs(t->ut, &r);
		return give(user, &v, &r, sizeof(r));
	case LINUX_NT_PRFPREG:
		area = read_area(t, &size);
		if (!area)
			return -ENOMEM;
		memset(area + SW_BYTES, 0, sizeof(struct sw_bytes));
		return give(user, &v, area, LINUX_FPREGS_SIZE);
	case LINUX_NT_X86_XSTATE:
		area = read_xstate(t, &size);
		return area ? give(user, &v, area, size) : -ENOMEM;
	default:
		return -EINVAL;
	}
}

s64 ptrace_set_regset(struct task *t, u64 type, u64 user)
{
	auto_cleanup(kfreep) char *data = NULL;
	struct uregs r;
	struct iov v;
	size_t size;
	s64 err;

	if (get_user(&v, uaddr(user)))
		return -EFAULT;
	if (v.len & 7)
		return -EINVAL;
	if (!t->pt.stopped)
		return -ESRCH;
	if (type != LINUX_NT_PRSTATUS && type != LINUX_NT_PRFPREG && type != LINUX_NT_X86_XSTATE)
		return -EINVAL;
	size = type == LINUX_NT_PRSTATUS  ? sizeof(r)
	       : type == LINUX_NT_PRFPREG ? LINUX_FPREGS_SIZE
					  : max_t(size_t, uthread_fpstate_size(t->ut), XSAVE_HEADER + 64);
	v.len = min_t(u64, v.len, size);
	data = kzalloc(size);
	if (!data)
		return -ENOMEM;
	uthread_get_regs(t->ut, &r);
	if (type == LINUX_NT_PRSTATUS)
		memcpy(data, &r, sizeof(r));
	if (copy_in(data, uaddr(v.base), v.len))
		return -EFAULT;
	if (!t->pt.stopped)
		return -ESRCH;
	if (type == LINUX_NT_PRSTATUS) {
		memcpy(&r, data, sizeof(r));
		err = put_regs(t, &r);
	} else if (v.len < LINUX_FPREGS_SIZE) {
		err = -EINVAL;
	} else {
		err = write_xstate(t, data, v.len);
	}
	return err ? err : put_user(&v.len, uaddr_add(uaddr(user), 8));
}

/*
 * stage.c - the bounce area of a pending call: what the stub has copied in, and what it shall copy out.
 *
 * Where each argument's data lies is computed from the private copies of number and arguments (stage_layout),
 * never read from the slot. If the guest lies about what it staged, it deceives only itself.
 */
#include <errno.h>

#include "sandbox/platform/platform_priv.h"
#include "sandbox/syscalls/stub_copy.h"

void stage_reset(struct uthread *ut)
{
	ut->layout_valid = false;
	ut->unstaged = false;
	ut->out_shift = 0;
	for (int i = 0; i < 6; i++)
		ut->out[i].low = ut->out[i].high = 0;
}

bool stage_needs_frame(u64 nr)
{
	return nr < STUB_COPY_COUNT && stub_copy_table[nr].full;
}

void uthread_unstage(struct uthread *ut)
{
	ut->unstaged = true;
	ut->staged = 0;
}

static const struct stub_copy *stage_row(struct uthread *ut)
{
	const struct stub_copy *row;

	if (ut->unstaged || ut->event != EVENT_SYSCALL || ut->running || ut->nr >= STUB_COPY_COUNT)
		return NULL;
	if (ut->out_flags & OUT_PUSH) /* the bounce area is taken */
		return NULL;
	row = &stub_copy_table[ut->nr];
	if (!row->any)
		return NULL;
	if (!ut->layout_valid) {
		stage_layout(row, ut->arg, &ut->layout);
		ut->layout_valid = true;
	}
	return row;
}

/* Where the memory begins that argument i's place in the bounce area now stands for. */
static u64 stage_base(const struct uthread *ut, const struct stub_copy *row, int i)
{
	return ut->arg[i] + (row->kind[i] == STAGE_OUT ? ut->out_shift : 0);
}

/* How much of it there is. */
static u64 stage_room(const struct uthread *ut, const struct stub_copy *row, int i)
{
	u64 room = ut->layout.size[i];

	return row->kind[i] == STAGE_OUT ? min_t(u64, room, ut->arg[row->param[i]] - ut->out_shift) : room;
}

/* Index of the argument whose staged area contains [addr, addr+size), among the kinds in `kinds`; -1 if none.
 */
static int stage_find(struct uthread *ut, const struct stub_copy *row, u64 addr, size_t size, u32 kinds)
{
	for (int i = 0; i < 6; i++) {
		u64 off = addr - stage_base(ut, row, i), room;
		if (!(kinds >> row->kind[i] & 1))
			continue;
		room = stage_room(ut, row, i);
		if (off < room && size <= room - off)
			return i;
	}
	return -1;
}

const void *uthread_staged_in(struct uthread *ut, uaddr_t addr, size_t size)
{
	const struct stub_copy *row = stage_row(ut);
	int i;

	if (!row)
		return NULL;
	i = stage_find(ut, row, addr.v, size, STAGE_INS);
	if (i < 0 || !(ut->staged >> i & 1))
		return NULL;
	return (char *)ut->slot + SLOT_BOUNCE + ut->layout.offset[i] + (addr.v - ut->arg[i]);
}

/* A staged string ends at its NUL: what follows in the bounce area is older, so other data that lies behind
 * the string in guest memory must not be taken from there. */
const char *uthread_staged_str(struct uthread *ut, uaddr_t addr, size_t *len)
{
	const struct stub_copy *row = stage_row(ut);
	size_t off, whole;
	const char *at;
	int i;

	if (!row)
		return NULL;
	i = stage_find(ut, row, addr.v, 1, 1U << STAGE_STR);
	if (i < 0 || !(ut->staged >> i & 1))
		return NULL;
	at = (const char *)ut->slot + SLOT_BOUNCE + ut->layout.offset[i];
	off = addr.v - ut->arg[i];
	whole = strnlen(at, ut->layout.size[i]);
	if (whole == ut->layout.size[i] || off > whole)
		return NULL;
	*len = whole - off;
	return at + off;
}

size_t uthread_stage_room(struct uthread *ut, uaddr_t addr)
{
	const struct stub_copy *row = stage_row(ut);
	int i = row ? stage_find(ut, row, addr.v, 1, STAGE_OUTS) : -1;

	return i < 0 ? 0 : stage_room(ut, row, i) - (addr.v - stage_base(ut, row, i));
}

void *uthread_stage_out(struct uthread *ut, uaddr_t addr, size_t size)
{
	const struct stub_copy *row = stage_row(ut);
	u32 low, high;
	int i;

	if (!row)
		return NULL;
	i = stage_find(ut, row, addr.v, size, STAGE_OUTS);
	if (i < 0)
		return NULL;
	/* One contiguous range per argument: what does not touch it is written directly. In a struct that was
	 * staged in, what lies between is as it was. */
	low = (u32)(addr.v - stage_base(ut, row, i));
	high = low + (u32)size;
	if (ut->out[i].high && !(row->kind[i] == STAGE_BOTHF && (ut->staged >> i & 1)) &&
	    (low > ut->out[i].high || high < ut->out[i].low))
		return NULL;
	return (char *)ut->slot + SLOT_BOUNCE + ut->layout.offset[i] + low;
}

void uthread_stage_commit(struct uthread *ut, uaddr_t addr, size_t size)
{
	const struct stub_copy *row = stage_row(ut);
	int i = row ? stage_find(ut, row, addr.v, size, STAGE_OUTS) : -1;
	u32 low, high;

	if (i < 0 || !size)
		return;
	low = (u32)(addr.v - stage_base(ut, row, i));
	high = low + (u32)size;
	if (!ut->out[i].high) {
		ut->out[i].low = low;
		ut->out[i].high = high;
	} else {
		ut->out[i].low = min_t(u32, low, ut->out[i].low);
		ut->out[i].high = max_t(u32, high, ut->out[i].high);
	}
	ut->out_flags |= OUT_STAGED;
}

/* The STAGE_OUT argument of the pending call if its place is full and more of it follows, else -1. */
static int full_out(struct uthread *ut)
{
	const struct stub_copy *row = ut->out_flags & OUT_STAGED ? stage_row(ut) : NULL;

	for (int i = 0; row && i < 6; i++)
		if (row->kind[i] == STAGE_OUT)
			return !ut->out[i].low && ut->out[i].high == ut->layout.size[i] &&
				       ut->arg[row->param[i]] - ut->out_shift > ut->layout.size[i]
				   ? i
				   : -1;
	return -1;
}

bool uthread_stage_is_full(struct uthread *ut)
{
	return full_out(ut) >= 0;
}

int uthread_stage_hand_over(struct uthread *ut)
{
	int i = full_out(ut), err;
	u64 shift;

	if (i < 0)
		return 0;
	shift = ut->out_shift + ut->layout.size[i];
	err = copy_staged_now(ut);
	ut->out_shift = shift;
	return err;
}

bool uthread_staged_robust(struct uthread *ut, u64 head[3])
{
	static_assert(STAGED_ROBUST_SIZE == 3 * sizeof(u64), "struct robust_list_head");
	if (!(ut->staged & STAGED_ROBUST))
		return false;
	memcpy(head, (const char *)ut->slot + SLOT_BOUNCE + STAGED_ROBUST_AT, STAGED_ROBUST_SIZE);
	return true;
}

bool uthread_staged_frame(struct uthread *ut, void *dst, size_t size)
{
	if (!(ut->staged & STAGED_FRAME) || size > STAGED_FRAME_SIZE)
		return false;
	memcpy(dst, (const char *)ut->slot + SLOT_BOUNCE, size);
	return true;
}

void *uthread_push(struct uthread *ut, size_t size)
{
	if (ut->fast || ut->gone || ut->aside || ut->running || (ut->out_flags & (OUT_STAGED | OUT_PUSH)) ||
	    size > SLOT_BOUNCE_SIZE)
		return NULL;
	return (char *)ut->slot + SLOT_BOUNCE;
}

void uthread_push_commit(struct uthread *ut, uaddr_t addr, size_t size)
{
	ut->staged = 0; /* what lay there is gone */
	ut->push_addr = addr.v;
	ut->push_size = (u32)size;
	ut->out_flags |= OUT_PUSH;
}

int push_flush(struct uthread *ut)
{
	u32 size = ut->push_size;
	s64 n = aspace_write(ut->as, uaddr(ut->push_addr), (char *)ut->slot + SLOT_BOUNCE, size);

	ut->push_size = 0;
	ut->out_flags &= ~(u32)OUT_PUSH;
	return n == (s64)size ? 0 : -EFAULT;
}

int uthread_stage_flush(struct uthread *ut)
{
	int err = 0;

	if (ut->out_flags & OUT_PUSH)
		return push_flush(ut);
	if (!(ut->out_flags & OUT_STAGED))
		return 0;
	for (int i = 0; i < 6; i++) {
		u32 low = ut->out[i].low, high = ut->out[i].high;
		const char *src = (char *)ut->slot + SLOT_BOUNCE + ut->layout.offset[i];
		u64 dst = stage_base(ut, &stub_copy_table[ut->nr], i);
		while (low < high) {
			s64 n = aspace_write(ut->as, uaddr(dst + low), src + low, high - low);
			if (n <= 0) {
				err = -EFAULT;
				break;
			}
			low += (u32)n;
		}
		ut->out[i].low = ut->out[i].high = 0;
	}
	ut->out_flags &= ~(u32)OUT_STAGED;
	return err;
}

/*
 * uaccess.c - copies between the sentry and the current task's memory, and the uio that reads and writes use.
 *
 * First the bounce area that the stub has filled or will empty (uthread_staged_in, uthread_stage_out), then
 * the host's process_vm calls. Nothing is read beyond what was asked for.
 */
#include <errno.h>

#include "sandbox/abi/mman.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/uaccess.h"

#define CHUNK           (64 * 1024)
#define STR_STEP        256
#define IOV_MAX_COUNT   1024
#define HAND_OVER_LEAST 16384U       /* less than that the host copies sooner */
#define RW_MAX          0x7ffff000UL /* what Linux moves in one call at most */
#define PATH_MAX_SIZE   4096
#define ARG_STR_MAX     (128 * 1024)

/* A copy that ends short at the untouched part of a stack goes on when that has grown. */
static s64 read_growing(struct task *t, char *dst, uaddr_t src, size_t size)
{
	size_t done = 0, before = SIZE_MAX;

	for (;;) {
		s64 n = aspace_read(t->mm->as, dst + done, uaddr_add(src, done), size - done);
		done += n > 0 ? (size_t)n : 0;
		if (done == size || done == before || !mm_grow_stack(t->mm, NULL, src.v + done))
			return done ? (s64)done : -EFAULT;
		before = done;
	}
}

static s64 write_growing(struct task *t, uaddr_t dst, const char *src, size_t size)
{
	size_t done = 0, before = SIZE_MAX;

	for (;;) {
		s64 n = aspace_write(t->mm->as, uaddr_add(dst, done), src + done, size - done);
		done += n > 0 ? (size_t)n : 0;
		if (done == size || done == before || !mm_grow_stack(t->mm, NULL, dst.v + done))
			return done ? (s64)done : -EFAULT;
		before = done;
	}
}

s64 copy_in_partial(void *dst, uaddr_t src, size_t size)
{
	struct task *t = current_task();
	const void *staged;

	if (!size)
		return 0;
	staged = uthread_staged_in(t->ut, src, size);
	if (staged) {
		memcpy(dst, staged, size);
		return (s64)size;
	}
	return read_growing(t, dst, src, size);
}

/* May the guest write all of [addr, addr+size)? What is staged is copied by the stub when the call has ended;
 * a fault then would be EFAULT for a call that has done its work (a read from a pipe would lose data). */
static bool writable(struct task *t, uaddr_t addr, size_t size)
{
	u64 at = addr.v, end = addr.v + size;
	struct vma *v = vma_at(t->mm, at);

	while (v && v->start <= at && (v->prot & LINUX_PROT_WRITE)) {
		if (v->end >= end)
			return true;
		at = v->end;
		v = vma_next(v);
	}
	return false;
}

bool guest_may_write(uaddr_t addr, size_t size)
{
	return writable(current_task(), addr, size);
}

s64 copy_out_partial(uaddr_t dst, const void *src, size_t size)
{
	struct task *t = current_task();
	void *staged;

	if (!size)
		return 0;
	staged = writable(t, dst, size) ? uthread_stage_out(t->ut, dst, size) : NULL;
	if (staged) {
		memcpy(staged, src, size);
		uthread_stage_commit(t->ut, dst, size);
		return (s64)size;
	}
	return write_growing(t, dst, src, size);
}

bool uaddr_range_ok(uaddr_t addr, size_t size)
{
	return addr.v <= PLATFORM_USER_END && size <= PLATFORM_USER_END - addr.v;
}

int copy_in(void *dst, uaddr_t src, size_t size)
{
	return copy_in_partial(dst, src, size) == (s64)size ? 0 : -EFAULT;
}

int copy_out(uaddr_t dst, const void *src, size_t size)
{
	return copy_out_partial(dst, src, size) == (s64)size ? 0 : -EFAULT;
}

int clear_user(uaddr_t dst, size_t size)
{
	static const char zeros[PAGE_SIZE];

	while (size) {
		size_t n = min_t(size_t, size, sizeof(zeros));
		if (copy_out(dst, zeros, n))
			return -EFAULT;
		dst = uaddr_add(dst, n);
		size -= n;
	}
	return 0;
}

int copy_in_sized(void *dst, size_t known, u64 src, u64 size, size_t least)
{
	if (size < least)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	memset(dst, 0, known);
	if (copy_in(dst, uaddr(src), min_t(u64, size, known)))
		return -EFAULT;
	for (u64 at = known; at < size; at++) {
		u8 byte;
		if (copy_in(&byte, uaddr(src + at), 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

s64 copy_in_str(char *dst, uaddr_t src, size_t max)
{
	size_t done = 0, len;
	const char *staged = uthread_staged_str(current_task()->ut, src, &len);

	if (staged) {
		if (len >= max)
			return -ENAMETOOLONG;
		memcpy(dst, staged, len);
		dst[len] = 0;
		return (s64)strlen(dst); /* the guest may have changed it meanwhile */
	}
	while (done < max) {
		uaddr_t at = uaddr_add(src, done);
		size_t n =
		    PAGE_SIZE - (at.v & ~PAGE_MASK); /* a string may end just before an unmapped page */
		s64 got;
		char *nul;
		n = min_t(size_t, min_t(size_t, n, STR_STEP), max - done);
		got = copy_in_partial(dst + done, at, n);
		if (got <= 0)
			return -EFAULT;
		nul = memchr(dst + done, 0, (size_t)got);
		if (nul)
			return nul - dst;
		done += (size_t)got;
	}
	return -ENAMETOOLONG;
}

int user_str_empty(uaddr_t src, bool *empty)
{
	size_t len;
	char first;

	if (uthread_staged_str(current_task()->ut, src, &len)) {
		*empty = !len;
		return 0;
	}
	if (get_user(&first, src))
		return -EFAULT;
	*empty = !first;
	return 0;
}

int copy_in_path(char **out, uaddr_t src)
{
	char *buf = kmalloc(PATH_MAX_SIZE);
	s64 len;

	if (!buf)
		return -ENOMEM;
	len = copy_in_str(buf, src, PATH_MAX_SIZE);
	if (len < 0) {
		kfree(buf);
		return (int)len;
	}
	*out = buf;
	return 0;
}

void free_str_array(char **a)
{
	if (!a)
		return;
	for (size_t i = 0; a[i]; i++)
		kfree(a[i]);
	kfree(a);
}

/* What of guest memory was read last: strings that lie behind each other, and the array of their addresses,
 * come in few copies. */
struct str_window {
	u64 at;
	size_t size;
	char bytes[2048];
};

/* Makes the window begin at `at`; 0 or -EFAULT. It ends where a page does, for the next may not be there. */
static int window_move(struct str_window *w, u64 at)
{
	s64 got = copy_in_partial(w->bytes, uaddr(at),
				  min_t(size_t, sizeof(w->bytes), PAGE_SIZE - (at & ~PAGE_MASK)));

	w->at = at;
	w->size = got > 0 ? (size_t)got : 0;
	return got > 0 ? 0 : -EFAULT;
}

static bool window_has(const struct str_window *w, u64 at)
{
	return at - w->at < w->size;
}

/* The pointer at `at`. */
static int window_pointer(struct str_window *w, u64 at, u64 *ptr)
{
	if (!window_has(w, at) || w->size - (at - w->at) < sizeof(*ptr)) {
		int err = window_move(w, at);
		if (err)
			return err;
		if (w->size < sizeof(*ptr)) /* it lies across two pages */
			return get_user(ptr, uaddr(at));
	}
	memcpy(ptr, w->bytes + (at - w->at), sizeof(*ptr));
	return 0;
}

/* The string at `at`, without its end, into *buf, which grows; its length. */
static s64 window_str(struct str_window *w, u64 at, char **buf, size_t *capacity)
{
	size_t len = 0;

	for (;;) {
		const char *from, *nul;
		size_t n;
		if (!window_has(w, at + len)) {
			int err = window_move(w, at + len);
			if (err)
				return err;
		}
		from = w->bytes + (at + len - w->at);
		n = w->size - (at + len - w->at);
		nul = memchr(from, 0, n);
		n = nul ? (size_t)(nul - from) : n;
		if (len + n >= ARG_STR_MAX)
			return -ENAMETOOLONG;
		while (len + n > *capacity) {
			char *bigger = krealloc(*buf, 2 * *capacity);
			if (!bigger)
				return -ENOMEM;
			*buf = bigger;
			*capacity *= 2;
		}
		memcpy(*buf + len, from, n);
		len += n;
		if (nul)
			return (s64)len;
	}
}

/* Room for `count` strings and the end in the array. */
static int str_array_room(char ***a, size_t count, size_t *capacity)
{
	char **bigger;

	if (count + 2 <= *capacity)
		return 0;
	bigger = krealloc(*a, 2 * *capacity * sizeof(**a));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + *capacity, 0, *capacity * sizeof(**a));
	*capacity *= 2;
	*a = bigger;
	return 0;
}

int copy_in_str_array(char ***out, uaddr_t src, size_t max_bytes)
{
	auto_cleanup(kfreep) struct str_window *w = kzalloc(2 * sizeof(*w)); /* strings, pointers */
	size_t count = 0, capacity = 16, buf_size = sizeof(w->bytes), bytes = 0;
	char **a = kzalloc(capacity * sizeof(*a));
	auto_cleanup(kfreep) char *buf = kmalloc(buf_size);
	int err = a && buf && w ? 0 : -ENOMEM;

	while (!err && src.v) {
		u64 ptr;
		s64 len;
		err = window_pointer(&w[1], src.v + count * 8, &ptr);
		if (err || !ptr)
			break;
		len = window_str(&w[0], ptr, &buf, &buf_size);
		bytes += 8 + (size_t)(len > 0 ? len : 0) + 1;
		if (len == -ENAMETOOLONG || bytes > max_bytes)
			err = -E2BIG;
		else if (len < 0)
			err = (int)len;
		if (!err)
			err = str_array_room(&a, count, &capacity);
		if (!err) {
			a[count] = kstrndup(buf, (size_t)len);
			if (a[count])
				count++;
			else
				err = -ENOMEM;
		}
	}
	if (err) {
		free_str_array(a);
		return err;
	}
	*out = a;
	return 0;
}

int copy_in_mm(struct mm *mm, void *dst, uaddr_t src, size_t size)
{
	return aspace_read(mm->as, dst, src, size) == (s64)size ? 0 : -EFAULT;
}

int copy_out_mm(struct mm *mm, uaddr_t dst, const void *src, size_t size)
{
	return aspace_write(mm->as, dst, src, size) == (s64)size ? 0 : -EFAULT;
}

/* ---- uio ---- */

/* A buffer that begins in the untouched part of a stack: it grows now, for uio_copy may not sleep. */
static void reach_stack(uaddr_t at, size_t size)
{
	struct task *t = current_task();
	struct vma *v = size && t && t->mm ? vma_find(t->mm, at.v) : NULL;

	if (v && (v->flags & VMA_GROWSDOWN) && v->start > at.v)
		(void)!mm_grow_stack(t->mm, NULL, at.v);
}

void uio_init_user(struct uio *u, enum uio_dir dir, uaddr_t buf, size_t size)
{
	memset(u, 0, sizeof(*u));
	u->dir = dir;
	u->left = min_t(size_t, size, RW_MAX);
	u->one = (struct uio_segment){buf, u->left};
	u->seg = &u->one;
	u->seg_left = 1;
	reach_stack(buf, u->left);
}

void uio_init_kernel(struct uio *u, enum uio_dir dir, void *buf, size_t size)
{
	memset(u, 0, sizeof(*u));
	u->dir = dir;
	u->left = size;
	u->kbuf = buf;
}

int uio_init_iovec(struct uio *u, enum uio_dir dir, uaddr_t iov, u64 count)
{
	size_t total = 0;

	memset(u, 0, sizeof(*u));
	u->dir = dir;
	if (count > IOV_MAX_COUNT)
		return -EINVAL;
	if (!count)
		return 0;
	u->owned = knew_array(struct uio_segment, count);
	if (!u->owned)
		return -ENOMEM;
	static_assert(sizeof(struct uio_segment) == 16, "a segment is a guest's struct iovec");
	if (copy_in(u->owned, iov, count * sizeof(struct uio_segment))) {
		uio_done(u);
		return -EFAULT;
	}
	for (u64 i = 0; i < count; i++) {
		if ((s64)u->owned[i].size < 0 || !uaddr_range_ok(u->owned[i].base, u->owned[i].size)) {
			int err = (s64)u->owned[i].size < 0 ? -EINVAL : -EFAULT;
			uio_done(u);
			return err;
		}
		u->owned[i].size = min_t(size_t, u->owned[i].size, RW_MAX - total);
		total += u->owned[i].size;
		reach_stack(u->owned[i].base, u->owned[i].size);
	}
	u->seg = u->owned;
	u->seg_left = (u32)count;
	u->left = total;
	return 0;
}

void uio_done(struct uio *u)
{
	kfree(u->owned);
	u->owned = NULL;
}

static void skip_empty(struct uio *u)
{
	while (u->seg_left && u->seg_off == u->seg->size) {
		u->seg++;
		u->seg_left--;
		u->seg_off = 0;
	}
}

void uio_advance(struct uio *u, size_t size)
{
	u->left -= size;
	if (u->kbuf) {
		u->kbuf += size;
		return;
	}
	if (u->dir == UIO_TO_USER) /* what was put into a window becomes the guest's */
		uthread_stage_commit(current_task()->ut, uaddr_add(u->seg->base, u->seg_off), size);
	u->seg_off += size;
}

void *uio_window(struct uio *u, size_t *size)
{
	uaddr_t at;
	size_t n = min_t(size_t, *size, u->left);

	if (!n)
		return NULL;
	if (u->kbuf) {
		*size = n;
		return u->kbuf;
	}
	skip_empty(u);
	n = min_t(size_t, n, u->seg->size - u->seg_off);
	at = uaddr_add(u->seg->base, u->seg_off);
	if (u->dir == UIO_TO_USER) {
		*size = min_t(size_t, n, uthread_stage_room(current_task()->ut, at));
		return *size && writable(current_task(), at, *size)
			   ? uthread_stage_out(current_task()->ut, at, *size)
			   : NULL;
	}
	*size = n;
	return (void *)(uintptr_t)uthread_staged_in(current_task()->ut, at, n);
}

int uio_next_window(struct uio *u, size_t *most)
{
	size_t window = u->left;
	int err = 0;

	*most = u->left;
	if (u->kbuf || u->dir != UIO_TO_USER || u->left < HAND_OVER_LEAST)
		return 0;
	if (uthread_stage_is_full(current_task()->ut))
		err = uthread_stage_hand_over(current_task()->ut);
	if (!err && uio_window(u, &window) && window >= HAND_OVER_LEAST)
		*most = window;
	return err;
}

/* Where the next piece of at most `size` bytes is staged, or NULL: then the host copies it. */
static void *staged_piece(enum uio_dir dir, uaddr_t at, size_t size)
{
	struct task *t = current_task();

	if (dir == UIO_FROM_USER)
		return (void *)(uintptr_t)uthread_staged_in(t->ut, at, size);
	return writable(t, at, size) ? uthread_stage_out(t->ut, at, size) : NULL;
}

/* Begins at a segment with something left in it. */
static size_t next_piece(struct uio *u, size_t size, uaddr_t *at)
{
	skip_empty(u);
	*at = uaddr_add(u->seg->base, u->seg_off);
	return min_t(size_t, size, u->seg->size - u->seg_off);
}

static void move_staged(struct uio *u, void *staged, uaddr_t at, char *kernel_side, size_t size)
{
	if (u->dir == UIO_FROM_USER) {
		memcpy(kernel_side, staged, size);
	} else {
		memcpy(staged, kernel_side, size);
		uthread_stage_commit(current_task()->ut, at, size);
	}
}

/* What of `size` bytes lies in the following segments and is not staged, by one call of the host: its price
 * is that of several pages. Does not sleep: what lies below a stack was made when the uio was. */
static s64 move_pieces(struct uio *u, char *kernel_side, size_t size, size_t *want)
{
	struct aspace *as = current_task()->mm->as;
	struct aspace_piece p[ASPACE_PIECES];
	struct uio ahead = *u;
	u32 count = 0;

	for (*want = 0; *want < size && count < ASPACE_PIECES; count++) {
		size_t n = next_piece(&ahead, size - *want, &p[count].addr);
		if (count && staged_piece(u->dir, p[count].addr, n))
			break;
		p[count].size = n;
		*want += n;
		ahead.seg_off += n;
	}
	return u->dir == UIO_TO_USER ? aspace_write_pieces(as, p, count, kernel_side)
				     : aspace_read_pieces(as, kernel_side, p, count);
}

/* Past what was moved, which may be several segments. */
static void go_on(struct uio *u, size_t size)
{
	u->left -= size;
	while (size) {
		uaddr_t at;
		size_t n = next_piece(u, size, &at);
		u->seg_off += n;
		size -= n;
	}
}

s64 uio_copy(struct uio *u, void *kernel_side, size_t size)
{
	size_t done = 0;

	size = min_t(size_t, size, u->left);
	if (u->kbuf) {
		if (u->dir == UIO_TO_USER)
			memcpy(u->kbuf, kernel_side, size);
		else
			memcpy(kernel_side, u->kbuf, size);
		uio_advance(u, size);
		return (s64)size;
	}
	while (done < size) {
		uaddr_t at;
		size_t want = next_piece(u, size - done, &at);
		char *here = (char *)kernel_side + done;
		void *staged = staged_piece(u->dir, at, want);
		s64 n = (s64)want;
		if (staged)
			move_staged(u, staged, at, here, want);
		else
			n = move_pieces(u, here, size - done, &want);
		if (n <= 0)
			break;
		done += (size_t)n;
		go_on(u, (size_t)n);
		if ((size_t)n < want)
			break;
	}
	return done || !size ? (s64)done : -EFAULT;
}

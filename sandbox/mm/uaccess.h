/*
 * uaccess.h - copying to and from the current task's guest memory.
 *
 * The stub has usually staged what a system call's arguments point at (syscalls/table.def says which), so
 * most copies touch no host call; what is not staged goes through process_vm_readv/writev. The result is the
 * same. Sizes and addresses come from the guest: any value is allowed. All return 0 (or a length) or -EFAULT.
 */
#ifndef WARREN_MM_UACCESS_H
#define WARREN_MM_UACCESS_H

#include "sandbox/base/types.h"

struct mm;

int copy_in(void *dst, uaddr_t src, size_t size) must_check;
int copy_out(uaddr_t dst, const void *src, size_t size) must_check;
int clear_user(uaddr_t dst, size_t size) must_check;
/* As much as there is before a fault: bytes copied, or -EFAULT if none. */
s64 copy_in_partial(void *dst, uaddr_t src, size_t size) must_check;
s64 copy_out_partial(uaddr_t dst, const void *src, size_t size) must_check;
/* For calls that must not do their work if they cannot tell the result. What lies below a stack is "no". */
bool guest_may_write(uaddr_t addr, size_t size);
/* A struct of `size` bytes from a guest that may be older or newer than we are: what we do not know must be
 * zero (-E2BIG), what it does not send is. -EINVAL below `least`, -E2BIG beyond a page. */
int copy_in_sized(void *dst, size_t known, u64 src, u64 size, size_t least) must_check;
/* A NUL-terminated string of less than max bytes: its length; -ENAMETOOLONG if there is no NUL within max. */
s64 copy_in_str(char *dst, uaddr_t src, size_t max) must_check;
/* Is it ""? An argument that the stub has staged is not copied for that. */
int user_str_empty(uaddr_t src, bool *empty) must_check;
/* A path name into a fresh arena allocation (free with kfree); -ENAMETOOLONG beyond LINUX_PATH_MAX. */
int copy_in_path(char **out, uaddr_t src) must_check;
/* argv/envp: a NULL-terminated array of strings, at most max_bytes in all (-E2BIG). Free with free_str_array.
 */
int copy_in_str_array(char ***out, uaddr_t src, size_t max_bytes) must_check;
void free_str_array(char **a);

/* Does the range lie among the addresses a guest can have? As Linux, a call is EFAULT at once if not. */
bool uaddr_range_ok(uaddr_t addr, size_t size);

#define get_user(ptr_to_value, src) copy_in((ptr_to_value), (src), sizeof(*(ptr_to_value)))
#define put_user(ptr_to_value, dst) copy_out((dst), (ptr_to_value), sizeof(*(ptr_to_value)))

/* In another address space (ptrace, /proc/PID/mem, process_vm_*). */
int copy_in_mm(struct mm *mm, void *dst, uaddr_t src, size_t size) must_check;
int copy_out_mm(struct mm *mm, uaddr_t dst, const void *src, size_t size) must_check;

/*
 * A uio is the data side of a read or write: guest buffers (one or an iovec) or a kernel buffer. `dir` is
 * seen from the object: UIO_TO_USER is read(2). Objects call uio_copy, or uio_window to fill the staged place
 * directly.
 */
enum uio_dir { UIO_TO_USER, UIO_FROM_USER };
struct uio_segment {
	uaddr_t base;
	size_t size;
};
struct uio {
	enum uio_dir dir;
	size_t left;             /* bytes still to move */
	char *kbuf;              /* kernel buffer, or NULL for guest memory */
	struct uio_segment *seg; /* current segment */
	u32 seg_left;
	size_t seg_off;
	struct uio_segment one;    /* for a single buffer */
	struct uio_segment *owned; /* allocated array, freed by uio_done */
};
void uio_init_user(struct uio *u, enum uio_dir dir, uaddr_t buf, size_t size); /* [sleeps] */
void uio_init_kernel(struct uio *u, enum uio_dir dir, void *buf, size_t size);
/* From a guest iovec array: -EINVAL (count > 1024 or lengths overflow), -EFAULT. Totals are capped as Linux
 * does. */
int uio_init_iovec(struct uio *u, enum uio_dir dir, uaddr_t iov, u64 count) must_check;
void uio_done(struct uio *u);
/* Moves up to size bytes; returns bytes moved (advances), short at a fault, -EFAULT if none could be. Does
 * not sleep, so what an object holds is the same before and after. (copy_in and copy_out may: a stack may
 * grow.) */
s64 uio_copy(struct uio *u, void *kernel_side, size_t size) must_check;
/* A directly usable pointer to the next up-to-*size bytes of the current segment (staged or kernel memory),
 * or NULL if there is none: then use uio_copy. Call uio_advance with what was used. */
void *uio_window(struct uio *u, size_t *size);
void uio_advance(struct uio *u, size_t size);
/* Between two pieces of a long read: what was moved into windows becomes the guest's, and the next window
 * lies behind it. How many bytes the next pieces should have together at most is in *most (all that is left
 * if there are no windows). Nothing may be held that another call could change. 0 or -EFAULT. [sleeps] */
int uio_next_window(struct uio *u, size_t *most) must_check;

#endif

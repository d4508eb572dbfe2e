/*
 * mem.c - null, zero, full, random (mem(4), full(4), random(4)).
 */
#include <errno.h>
#include <sys/random.h>

#include "sandbox/fs/dev/dev.h"
#include "sandbox/mm/mm.h"

static s64 read_nothing(struct file *f, struct uio *u, u64 *pos)
{
	return 0;
}

static s64 write_away(struct file *f, struct uio *u, u64 *pos)
{
	size_t n = u->left;

	u->left = 0;
	return (s64)n;
}

static s64 seek_nowhere(struct file *f, s64 offset, int whence)
{
	f->pos = 0;
	return 0;
}

static s64 read_zeros(struct file *f, struct uio *u, u64 *pos)
{
	static const char zeros[PAGE_SIZE];
	s64 done = 0;

	while (u->left) {
		s64 n = uio_copy(u, (void *)(uintptr_t)zeros, min_t(size_t, u->left, sizeof(zeros)));
		if (n <= 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

static s64 write_full(struct file *f, struct uio *u, u64 *pos)
{
	return u->left ? -ENOSPC : 0;
}

static s64 read_random(struct file *f, struct uio *u, u64 *pos)
{
	char buf[256];
	s64 done = 0;

	while (u->left) {
		size_t want = min_t(size_t, u->left, sizeof(buf));
		s64 n;
		if (getrandom(buf, want, 0) != (ssize_t)want)
			return done ? done : -EIO;
		n = uio_copy(u, buf, want);
		if (n <= 0)
			return done ? done : n;
		done += n;
		if (done >= (1 << 20)) /* a long read ends here, as Linux lets a signal end it */
			break;
	}
	return done;
}

static s64 random_ioctl(struct file *f, u32 cmd, u64 arg)
{
	s32 bits = 256;

	return cmd == 0x80045200 /* RNDGETENTCNT */ ? put_user(&bits, uaddr(arg)) : -EINVAL;
}

/* A private mapping of /dev/zero is anonymous memory, a shared one a piece of shared memory of its own. */
static int zero_mmap(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		     u64 *host_offset)
{
	*host_offset = 0;
	return shm_create("zero", offset + size, backing);
}

const struct file_ops dev_null_ops = {.read = read_nothing, .write = write_away, .llseek = seek_nowhere};
const struct file_ops dev_zero_ops = {
    .read = read_zeros, .write = write_away, .llseek = seek_nowhere, .mmap = zero_mmap};
const struct file_ops dev_full_ops = {.read = read_zeros, .write = write_full, .llseek = seek_nowhere};
const struct file_ops dev_random_ops = {
    .read = read_random, .write = write_away, .llseek = seek_nowhere, .ioctl = random_ioctl};

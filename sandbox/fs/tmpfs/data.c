/*
 * data.c - the bytes of a tmpfs file. See data.h.
 */
#include "sandbox/fs/tmpfs/data.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "sandbox/base/arena.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/hostio.h"
#include "sandbox/vfs/hostview.h"

static int inline_grow(struct tmpfs_data *d, u64 want)
{
	u32 capacity = d->capacity ? d->capacity : 64;
	char *bigger;

	if (want <= d->capacity)
		return 0;
	while (capacity < want)
		capacity *= 2;
	bigger = krealloc(d->bytes, capacity);
	if (!bigger)
		return -ENOSPC;
	memset(bigger + d->capacity, 0, capacity - d->capacity);
	d->bytes = bigger;
	d->capacity = capacity;
	return 0;
}

/* Moves inline bytes to a memfd of `size` bytes. */
static int to_memfd(struct tmpfs_data *d, u64 old_size, u64 size)
{
	struct host_fd *fd;
	int err;

	if (d->fd)
		return 0;
	err = shm_create("tmpfs", size, &fd);
	if (err)
		return err;
	if (d->bytes && old_size &&
	    pwrite(fd->fd, d->bytes, min_t(u64, old_size, d->capacity), 0) !=
		(ssize_t)min_t(u64, old_size, d->capacity)) {
		host_fd_put(fd);
		return -ENOSPC;
	}
	kfree(d->bytes);
	d->bytes = NULL;
	d->capacity = 0;
	d->fd = fd;
	return 0;
}

s64 tmpfs_data_read(struct tmpfs_data *d, struct uio *u, u64 pos, size_t n)
{
	if (d->fd) {
		size_t got = host_view_read(d->fd, u, pos, n);
		return got ? (s64)got : host_file_read(d->fd, u, pos, n);
	}
	/* what lies beyond the capacity was never written */
	if (pos >= d->capacity) {
		static const char zeros[PAGE_SIZE];
		return uio_copy(u, (void *)(uintptr_t)zeros, min_t(size_t, n, sizeof(zeros)));
	}
	return uio_copy(u, d->bytes + pos, min_t(size_t, n, d->capacity - pos));
}

s64 tmpfs_data_write(struct tmpfs_data *d, struct uio *u, u64 pos, size_t n, u64 size)
{
	u64 end = pos + n;
	int err;

	if (!d->fd && end <= TMPFS_INLINE_MAX) {
		err = inline_grow(d, end);
		return err ? err : uio_copy(u, d->bytes + pos, n);
	}
	err = to_memfd(d, size, max_t(u64, size, end));
	return err ? err : host_file_write(d->fd, u, pos, n);
}

int tmpfs_data_resize(struct tmpfs_data *d, u64 old_size, u64 new_size)
{
	if (!d->fd && new_size <= TMPFS_INLINE_MAX) {
		if (new_size < d->capacity)
			memset(d->bytes + new_size, 0, d->capacity - new_size);
		return 0;
	}
	if (!d->fd)
		return to_memfd(d, old_size, new_size);
	if (new_size < old_size)
		host_view_drop(d->fd);
	return ftruncate(d->fd->fd, (off_t)new_size) ? -errno : 0;
}

int tmpfs_data_backing(struct tmpfs_data *d, u64 size, struct host_fd **out)
{
	int err = to_memfd(d, size, size);

	if (err)
		return err;
	*out = host_fd_get(d->fd);
	return 0;
}

int tmpfs_data_allocate(struct tmpfs_data *d, u64 size, u64 offset, u64 n)
{
	int err = to_memfd(d, size, size);

	if (err)
		return err;
	if (fallocate(d->fd->fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)n))
		return errno == EINTR ? -EINTR : -ENOSPC;
	return 0;
}

int tmpfs_data_punch(struct tmpfs_data *d, u64 offset, u64 n, u64 size)
{
	if (offset >= size)
		return 0;
	n = min_t(u64, n, size - offset);
	if (!d->fd) {
		if (offset < d->capacity)
			memset(d->bytes + offset, 0, min_t(u64, n, d->capacity - offset));
		return 0;
	}
	host_view_drop(d->fd);
	return fallocate(d->fd->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)n)
		   ? -errno
		   : 0;
}

s64 tmpfs_data_seek(struct tmpfs_data *d, u64 offset, u64 size, bool hole)
{
	off_t at;

	if (offset >= size)
		return -ENXIO;
	if (!d->fd)
		return hole ? (s64)size : (s64)offset;
	at = lseek(d->fd->fd, (off_t)offset, hole ? SEEK_HOLE : SEEK_DATA);
	if (at < 0)
		return -errno;
	return hole && (u64)at > size ? (s64)size : at;
}

void tmpfs_data_free(struct tmpfs_data *d)
{
	kfree(d->bytes);
	host_fd_put(d->fd);
}

/*
 * hostio.c - see hostio.h. What the stub has staged is read into or written from in place; the rest goes
 * through the kernel's buffer a part at a time: it stays in the CPU's cache, and one that came and went with
 * each call cost as much in page faults as the copies themselves. Nobody sleeps while the buffer is in use.
 */
#include "sandbox/vfs/hostio.h"

#include <errno.h>
#include <unistd.h>

#include "sandbox/base/arena.h"
#include "sandbox/base/cycles.h"
#include "sandbox/kernel/kernel.h"

static s64 host_pread(struct host_fd *fd, void *buf, size_t n, u64 pos)
{
	ssize_t got;

	do
		got = pread(fd->fd, buf, n, (off_t)pos);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static s64 host_pwrite(struct host_fd *fd, const void *buf, size_t n, u64 pos)
{
	ssize_t put;

	do
		put = pwrite(fd->fd, buf, n, (off_t)pos);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : put;
}

s64 host_file_read(struct host_fd *fd, struct uio *u, u64 pos, size_t n)
{
	u64 since = cycles();
	size_t done = 0;

	while (done < n) {
		size_t window = n - done;
		void *direct = uio_window(u, &window);
		s64 got, moved;
		char *buf;
		if (direct) {
			got = host_pread(fd, direct, window, pos + done);
			if (got <= 0)
				return done ? (s64)done : got;
			uio_advance(u, (size_t)got);
			done += (size_t)got;
			continue;
		}
		buf = kernel_buffer();
		if (!buf)
			return done ? (s64)done : -ENOMEM;
		got = host_pread(fd, buf, min_t(size_t, n - done, KERNEL_BUFFER), pos + done);
		if (got <= 0)
			return done ? (s64)done : got;
		moved = uio_copy(u, buf, (size_t)got);
		if (moved <= 0)
			return done ? (s64)done : moved;
		done += (size_t)moved;
		if (moved < got)
			break;
		sched_breathe(&since); /* a gibibyte takes half a second, which the others do not have */
		if (sched_killed())
			break;
	}
	return (s64)done;
}

s64 host_file_write(struct host_fd *fd, struct uio *u, u64 pos, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t window = n - done;
		void *direct = uio_window(u, &window);
		s64 put;
		char *buf;
		if (direct) {
			put = host_pwrite(fd, direct, window, pos + done);
			if (put <= 0)
				return done ? (s64)done : put;
			uio_advance(u, (size_t)put);
			done += (size_t)put;
			continue;
		}
		buf = kernel_buffer();
		if (!buf)
			return done ? (s64)done : -ENOMEM;
		s64 got = uio_copy(u, buf, min_t(size_t, n - done, KERNEL_BUFFER));
		if (got <= 0)
			return done ? (s64)done : got;
		put = host_pwrite(fd, buf, (size_t)got, pos + done);
		if (put <= 0)
			return done ? (s64)done : put;
		done += (size_t)put;
		if (put < got)
			break;
	}
	return (s64)done;
}

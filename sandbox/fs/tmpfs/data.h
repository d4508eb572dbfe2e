/*
 * data.h - the bytes of a tmpfs file.
 *
 * Small files live in the arena; a file that grows beyond TMPFS_INLINE_MAX or is mapped moves to a memfd of
 * its own, which mappings share and which a checkpoint saves by its host_fd recipe. Not aware of limits: the
 * caller charges them.
 */
#ifndef WARREN_FS_TMPFS_DATA_H
#define WARREN_FS_TMPFS_DATA_H

#include "sandbox/vfs/vfs.h"

#define TMPFS_INLINE_MAX 65536U

struct tmpfs_data {
	char *bytes; /* inline: `capacity` bytes, zero beyond size; NULL when fd is set or nothing was written
		      */
	u32 capacity;
	struct host_fd *fd;
};

/* All work on [pos, pos+n) with n already bounded by the file's size (read) or RLIMITs (write). Bytes or
 * -errno. `size` is the file's size before. */
s64 tmpfs_data_read(struct tmpfs_data *d, struct uio *u, u64 pos, size_t n) must_check;
s64 tmpfs_data_write(struct tmpfs_data *d, struct uio *u, u64 pos, size_t n, u64 size) must_check;
int tmpfs_data_resize(struct tmpfs_data *d, u64 old_size, u64 new_size) must_check;
/* A descriptor with the content, for mapping; reference given. */
int tmpfs_data_backing(struct tmpfs_data *d, u64 size, struct host_fd **out) must_check;
/* fallocate(2): memory for [offset, offset+n), whatever the size is. */
int tmpfs_data_allocate(struct tmpfs_data *d, u64 size, u64 offset, u64 n) must_check;
/* fallocate(2) hole punching and the like within the size. */
int tmpfs_data_punch(struct tmpfs_data *d, u64 offset, u64 n, u64 size) must_check;
void tmpfs_data_free(struct tmpfs_data *d);
/* lseek(2) SEEK_DATA, SEEK_HOLE. */
s64 tmpfs_data_seek(struct tmpfs_data *d, u64 offset, u64 size, bool hole) must_check;

#endif

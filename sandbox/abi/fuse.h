/*
 * abi/fuse.h - the protocol between a kernel and a file server on /dev/fuse, version 7 (kernel documentation,
 * filesystems/fuse).
 */
#ifndef WARREN_ABI_FUSE_H
#define WARREN_ABI_FUSE_H

#include "sandbox/base/types.h"

#define FUSE_MAJOR           7U
#define FUSE_MINOR           31U
#define FUSE_ROOT_ID         1U
#define FUSE_MIN_READ_BUFFER 8192U

enum {
	FUSE_LOOKUP = 1,
	FUSE_FORGET,
	FUSE_GETATTR,
	FUSE_SETATTR,
	FUSE_READLINK,
	FUSE_SYMLINK,
	FUSE_MKNOD = 8,
	FUSE_MKDIR,
	FUSE_UNLINK,
	FUSE_RMDIR,
	FUSE_RENAME,
	FUSE_LINK,
	FUSE_OPEN,
	FUSE_READ,
	FUSE_WRITE,
	FUSE_STATFS,
	FUSE_RELEASE,
	FUSE_FSYNC = 20,
	FUSE_SETXATTR,
	FUSE_GETXATTR,
	FUSE_LISTXATTR,
	FUSE_REMOVEXATTR,
	FUSE_FLUSH,
	FUSE_INIT,
	FUSE_OPENDIR,
	FUSE_READDIR,
	FUSE_RELEASEDIR,
	FUSE_FSYNCDIR,
	FUSE_GETLK = 31,
	FUSE_SETLK,
	FUSE_SETLKW,
	FUSE_CREATE = 35,
	FUSE_INTERRUPT,
	FUSE_DESTROY = 38,
	FUSE_FALLOCATE = 43,
	FUSE_READDIRPLUS,
	FUSE_RENAME2,
	FUSE_LSEEK
};

struct fuse_in_header {
	u32 len, opcode;
	u64 unique, nodeid;
	u32 uid, gid, pid, padding;
};
static_assert(sizeof(struct fuse_in_header) == 40, "fuse_in_header");

struct fuse_out_header {
	u32 len;
	s32 error;
	u64 unique;
};
static_assert(sizeof(struct fuse_out_header) == 16, "fuse_out_header");

struct fuse_attr {
	u64 ino, size, blocks, atime, mtime, ctime;
	u32 atimensec, mtimensec, ctimensec, mode, nlink, uid, gid, rdev, blksize, flags;
};
static_assert(sizeof(struct fuse_attr) == 88, "fuse_attr");

struct fuse_entry_out {
	u64 nodeid, generation, entry_valid, attr_valid;
	u32 entry_valid_nsec, attr_valid_nsec;
	struct fuse_attr attr;
};
static_assert(sizeof(struct fuse_entry_out) == 128, "fuse_entry_out");

struct fuse_attr_out {
	u64 attr_valid;
	u32 attr_valid_nsec, dummy;
	struct fuse_attr attr;
};
static_assert(sizeof(struct fuse_attr_out) == 104, "fuse_attr_out");

struct fuse_getattr_in {
	u32 flags, dummy;
	u64 fh;
};

#define FUSE_FATTR_MODE  1U
#define FUSE_FATTR_UID   2U
#define FUSE_FATTR_GID   4U
#define FUSE_FATTR_SIZE  8U
#define FUSE_FATTR_ATIME 16U
#define FUSE_FATTR_MTIME 32U
#define FUSE_FATTR_CTIME 1024U
struct fuse_setattr_in {
	u32 valid, padding;
	u64 fh, size, lock_owner, atime, mtime, ctime;
	u32 atimensec, mtimensec, ctimensec, mode, unused4, uid, gid, unused5;
};
static_assert(sizeof(struct fuse_setattr_in) == 88, "fuse_setattr_in");

struct fuse_open_in {
	u32 flags, open_flags;
};
struct fuse_create_in {
	u32 flags, mode, umask, open_flags;
};
struct fuse_open_out {
	u64 fh;
	u32 open_flags, padding;
};
struct fuse_mknod_in {
	u32 mode, rdev, umask, padding;
};
struct fuse_mkdir_in {
	u32 mode, umask;
};
struct fuse_rename2_in {
	u64 newdir;
	u32 flags, padding;
};
struct fuse_read_in {
	u64 fh, offset;
	u32 size, read_flags;
	u64 lock_owner;
	u32 flags, padding;
};
static_assert(sizeof(struct fuse_read_in) == 40, "fuse_read_in, fuse_write_in");
#define FUSE_WRITE_CACHE 1U /* not a write(2) */
struct fuse_write_out {
	u32 size, padding;
};
struct fuse_release_in {
	u64 fh;
	u32 flags, release_flags;
	u64 lock_owner;
};
#define FUSE_RELEASE_FLOCK_UNLOCK 2U
struct fuse_flush_in {
	u64 fh;
	u32 unused, padding;
	u64 lock_owner;
};
struct fuse_fsync_in {
	u64 fh;
	u32 fsync_flags, padding;
};
struct fuse_lseek_in {
	u64 fh, offset;
	u32 whence, padding;
};
struct fuse_lseek_out {
	u64 offset;
};
struct fuse_file_lock {
	u64 start, end; /* both in; the end of all files: INT64_MAX */
	u32 type, pid;  /* F_RDLCK … */
};
#define FUSE_LK_FLOCK       1U
#define FUSE_LK_OFFSET_MAX  INT64_MAX
#define FUSE_READ_LOCKOWNER 2U
struct fuse_lk_in {
	u64 fh, owner;
	struct fuse_file_lock lk;
	u32 lk_flags, padding;
};
static_assert(sizeof(struct fuse_lk_in) == 48, "fuse_lk_in");
struct fuse_xattr_in {
	u32 size, flags;
};
struct fuse_fallocate_in {
	u64 fh, offset, length;
	u32 mode, padding;
};
struct fuse_statfs_out {
	u64 blocks, bfree, bavail, files, ffree;
	u32 bsize, namelen, frsize, padding, spare[6];
};
static_assert(sizeof(struct fuse_statfs_out) == 80, "fuse_statfs_out");

#define FUSE_INIT_ASYNC_READ       (1U << 0)
#define FUSE_INIT_POSIX_LOCKS      (1U << 1)
#define FUSE_INIT_BIG_WRITES       (1U << 5)
#define FUSE_INIT_DONT_MASK        (1U << 6)
#define FUSE_INIT_SPLICE_WRITE     (1U << 7)
#define FUSE_INIT_SPLICE_MOVE      (1U << 8)
#define FUSE_INIT_SPLICE_READ      (1U << 9)
#define FUSE_INIT_FLOCK_LOCKS      (1U << 10)
#define FUSE_INIT_READDIRPLUS      (1U << 13)
#define FUSE_INIT_READDIRPLUS_AUTO (1U << 14)
#define FUSE_INIT_NO_OPEN          (1U << 17)
#define FUSE_INIT_PARALLEL_DIROPS  (1U << 18)
#define FUSE_INIT_NO_OPENDIR       (1U << 24)
struct fuse_init_in {
	u32 major, minor, max_readahead, flags;
};
struct fuse_init_out {
	u32 major, minor, max_readahead, flags;
	u16 max_background, congestion_threshold;
	u32 max_write, time_gran;
	u16 max_pages, map_alignment;
	u32 unused[8];
};
static_assert(sizeof(struct fuse_init_out) == 64, "fuse_init_out");
#define FUSE_INIT_OUT_LEAST 24U

struct fuse_dirent {
	u64 ino, off;
	u32 namelen, type;
};

#endif

/*
 * abi/stat.h - file types, modes and the structures of stat(2), statx(2), statfs(2) as x86-64 guests see
 * them.
 */
#ifndef WARREN_ABI_STAT_H
#define WARREN_ABI_STAT_H

#include "sandbox/base/types.h"

#define LINUX_S_IFMT   0170000
#define LINUX_S_IFSOCK 0140000
#define LINUX_S_IFLNK  0120000
#define LINUX_S_IFREG  0100000
#define LINUX_S_IFBLK  0060000
#define LINUX_S_IFDIR  0040000
#define LINUX_S_IFCHR  0020000
#define LINUX_S_IFIFO  0010000
#define LINUX_S_ISUID  0004000
#define LINUX_S_ISGID  0002000
#define LINUX_S_ISVTX  0001000
#define mode_type(m)   ((m)&LINUX_S_IFMT)
#define mode_is_dir(m) (mode_type(m) == LINUX_S_IFDIR)
#define mode_is_reg(m) (mode_type(m) == LINUX_S_IFREG)
#define mode_is_lnk(m) (mode_type(m) == LINUX_S_IFLNK)

struct linux_stat {
	u64 st_dev, st_ino, st_nlink;
	u32 st_mode, st_uid, st_gid, pad0;
	u64 st_rdev;
	s64 st_size, st_blksize, st_blocks;
	u64 st_atime_sec, st_atime_nsec, st_mtime_sec, st_mtime_nsec, st_ctime_sec, st_ctime_nsec;
	s64 unused[3];
};
static_assert(sizeof(struct linux_stat) == 144, "struct stat");

struct linux_statx_timestamp {
	s64 tv_sec;
	u32 tv_nsec;
	s32 pad;
};
struct linux_statx {
	u32 stx_mask, stx_blksize;
	u64 stx_attributes;
	u32 stx_nlink, stx_uid, stx_gid;
	u16 stx_mode, pad0;
	u64 stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct linux_statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	u32 stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	u64 stx_mnt_id;
	u32 stx_dio_mem_align, stx_dio_offset_align;
	u64 spare[12];
};
static_assert(sizeof(struct linux_statx) == 256, "struct statx");

struct linux_statfs {
	s64 f_type, f_bsize;
	u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	s32 f_fsid[2];
	s64 f_namelen, f_frsize, f_flags, f_spare[4];
};
static_assert(sizeof(struct linux_statfs) == 120, "struct statfs");

#endif

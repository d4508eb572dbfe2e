/*
 * test_xattr.c - extended attributes (xattr(7)), their *at calls, POSIX ACLs (acl(5)), flags of chattr(1) and
 * fallocate(2)'s modes, on the tree at hand and on a tmpfs.
 */
#include "case.h"

#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#define NR_setxattrat    463
#define NR_getxattrat    464
#define NR_listxattrat   465
#define NR_removexattrat 466

struct at_args {
	uint64_t value;
	uint32_t size, flags;
};

/* The calls are tried here and, in a directory of its own, on tmpfs. */
static void to_tmpfs(void)
{
	OK(mkdir("tmpfs", 0755));
	if (mount("t", "tmpfs", "tmpfs", 0, "mode=0777"))
		case_skip("may not mount");
	OK(chdir("tmpfs"));
}

static void leave_tmpfs(void)
{
	OK(chdir(".."));
	OK(umount2("tmpfs", MNT_DETACH));
}

static void set_get(void)
{
	char buf[16] = "";

	close(make_file("f", "x"));
	OK(setxattr("f", "user.a", "hello", 5, 0));
	EXPECT_EQ(getxattr("f", "user.a", NULL, 0), 5);
	EXPECT_EQ(getxattr("f", "user.a", buf, sizeof(buf)), 5);
	EXPECT_STR(buf, "hello");
	EXPECT_ERRNO(getxattr("f", "user.a", buf, 2), ERANGE);
	EXPECT_ERRNO(getxattr("f", "user.b", buf, sizeof(buf)), ENODATA);
}

CASE(xattr_set_get)
{
	set_get();
}

CASE(xattr_set_get_tmpfs)
{
	to_tmpfs();
	set_get();
	leave_tmpfs();
}

static void flags(void)
{
	close(make_file("f", "x"));
	EXPECT_ERRNO(setxattr("f", "user.a", "1", 1, XATTR_REPLACE), ENODATA);
	OK(setxattr("f", "user.a", "1", 1, XATTR_CREATE));
	EXPECT_ERRNO(setxattr("f", "user.a", "1", 1, XATTR_CREATE), EEXIST);
	OK(setxattr("f", "user.a", "2", 1, XATTR_REPLACE));
	EXPECT_ERRNO(setxattr("f", "user.a", "2", 1, 4), EINVAL);
}

CASE(xattr_create_replace)
{
	flags();
}

CASE(xattr_create_replace_tmpfs)
{
	to_tmpfs();
	flags();
	leave_tmpfs();
}

static void list(void)
{
	char buf[64] = "";

	close(make_file("f", "x"));
	EXPECT_EQ(listxattr("f", buf, sizeof(buf)), 0);
	OK(setxattr("f", "user.a", "1", 1, 0));
	OK(setxattr("f", "user.bc", "", 0, 0));
	EXPECT_EQ(listxattr("f", NULL, 0), 15);
	EXPECT_EQ(listxattr("f", buf, sizeof(buf)), 15);
	EXPECT(memmem(buf, 15, "user.a", 7) && memmem(buf, 15, "user.bc", 8));
	EXPECT_ERRNO(listxattr("f", buf, 3), ERANGE);
	OK(removexattr("f", "user.a"));
	EXPECT_EQ(listxattr("f", buf, sizeof(buf)), 8);
	EXPECT_ERRNO(removexattr("f", "user.a"), ENODATA);
}

CASE(xattr_list_remove)
{
	list();
}

CASE(xattr_list_remove_tmpfs)
{
	to_tmpfs();
	list();
	leave_tmpfs();
}

CASE(xattr_by_descriptor)
{
	int fd = make_file("f", "x"), path = open("f", O_PATH);
	char c;

	OK(fsetxattr(fd, "user.a", "1", 1, 0));
	EXPECT_EQ(fgetxattr(fd, "user.a", &c, 1), 1);
	EXPECT_EQ(flistxattr(fd, NULL, 0), 7);
	OK(fremovexattr(fd, "user.a"));
	EXPECT_ERRNO(fgetxattr(fd, "user.a", &c, 1), ENODATA);
	EXPECT_ERRNO(fgetxattr(path, "user.a", &c, 1), EBADF);
	EXPECT_ERRNO(fsetxattr(-1, "user.a", "1", 1, 0), EBADF);
}

CASE(xattr_bad_names)
{
	char longname[300];

	close(make_file("f", "x"));
	memset(longname, 'a', sizeof(longname));
	memcpy(longname, "user.", 5);
	longname[299] = 0;
	EXPECT_ERRNO(setxattr("f", "", "1", 1, 0), ERANGE);
	EXPECT_ERRNO(setxattr("f", longname, "1", 1, 0), ERANGE);
	EXPECT_ERRNO(setxattr("f", "nonsense", "1", 1, 0), EOPNOTSUPP);
	EXPECT_ERRNO(setxattr("f", "user.", "1", 1, 0), EINVAL);
	EXPECT_ERRNO(setxattr("nothing", "user.a", "1", 1, 0), ENOENT);
	EXPECT_ERRNO(syscall(SYS_setxattr, "f", "user.a", NULL, 5, 0), EFAULT);
	EXPECT_ERRNO(syscall(SYS_setxattr, "f", "user.a", "", 100000, 0), E2BIG);
}

CASE(xattr_user_only_on_files_and_directories)
{
	OK(symlink("x", "l"));
	OK(mkfifo("p", 0600));
	OK(mkdir("d", 0755));
	EXPECT_ERRNO(lsetxattr("l", "user.a", "1", 1, 0), EPERM);
	EXPECT_ERRNO(setxattr("p", "user.a", "1", 1, 0), EPERM);
	OK(setxattr("d", "user.a", "1", 1, 0));
	EXPECT_ERRNO(lgetxattr("l", "user.a", NULL, 0), ENODATA);
}

CASE(xattr_follows_or_not)
{
	char c;

	close(make_file("f", "x"));
	OK(symlink("f", "l"));
	OK(setxattr("l", "user.a", "1", 1, 0));
	EXPECT_EQ(getxattr("f", "user.a", &c, 1), 1);
	EXPECT_ERRNO(lremovexattr("l", "user.a"), EPERM);
}

CASE(xattr_needs_write_permission)
{
	pid_t pid;

	close(make_file("f", "x"));
	OK(chmod("f", 0644));
	OK(setxattr("f", "user.a", "1", 1, 0));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(setxattr("f", "user.a", "1", 1, 0), EACCES);
		EXPECT_EQ(getxattr("f", "user.a", NULL, 0), 1);
		EXPECT_ERRNO(setxattr("f", "trusted.a", "1", 1, 0), EPERM);
		EXPECT_ERRNO(getxattr("f", "trusted.a", NULL, 0), ENODATA);
		EXPECT_ERRNO(setxattr("f", "security.a", "1", 1, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(xattr_trusted_is_hidden_on_tmpfs)
{
	char buf[64];
	pid_t pid;

	to_tmpfs();
	close(make_file("f", "x"));
	OK(setxattr("f", "trusted.a", "1", 1, 0));
	EXPECT_EQ(listxattr("f", buf, sizeof(buf)), 10);
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_EQ(listxattr("f", buf, sizeof(buf)), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
	leave_tmpfs();
}

CASE(xattr_readonly_mount_is_erofs)
{
	to_tmpfs();
	close(make_file("f", "x"));
	OK(mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_ERRNO(setxattr("f", "user.a", "1", 1, 0), EROFS);
	leave_tmpfs();
}

/* ---- *at ---- */

CASE(xattrat_all_four)
{
	int dir = open(".", O_RDONLY);
	struct at_args in = {(uintptr_t) "hello", 5, 0};
	char buf[32] = "";
	struct at_args out = {(uintptr_t)buf, sizeof(buf), 0};

	close(make_file("f", "x"));
	if (syscall(NR_setxattrat, dir, "f", 0, "user.a", &in, sizeof(in)) && errno == ENOSYS)
		case_skip("no setxattrat here");
	EXPECT_EQ(syscall(NR_getxattrat, dir, "f", 0, "user.a", &out, sizeof(out)), 5);
	EXPECT_STR(buf, "hello");
	EXPECT_EQ(syscall(NR_listxattrat, dir, "f", 0, buf, sizeof(buf)), 7);
	EXPECT_STR(buf, "user.a");
	OK(syscall(NR_removexattrat, dir, "f", 0, "user.a"));
	EXPECT_ERRNO(syscall(NR_removexattrat, dir, "f", 0, "user.a"), ENODATA);
}

CASE(listxattrat_refuses)
{
	char list[32];

	close(make_file("f", "x"));
	if (syscall(NR_listxattrat, AT_FDCWD, "f", 0, list, sizeof(list)) && errno == ENOSYS)
		case_skip("no listxattrat here");
	EXPECT_ERRNO(syscall(NR_listxattrat, AT_FDCWD, "nothing", 0, list, sizeof(list)), ENOENT);
	EXPECT_ERRNO(syscall(NR_listxattrat, AT_FDCWD, "f", 0x4000, list, sizeof(list)), EINVAL);
	EXPECT_ERRNO(syscall(NR_listxattrat, 999, "f", 0, list, sizeof(list)), EBADF);
	EXPECT_ERRNO(syscall(NR_listxattrat, AT_FDCWD, "f/x", 0, list, sizeof(list)), ENOTDIR);
}

CASE(xattrat_empty_path)
{
	int fd = make_file("f", "x");
	struct at_args in = {(uintptr_t) "hello", 5, 0};

	if (syscall(NR_setxattrat, fd, "", AT_EMPTY_PATH, "user.a", &in, sizeof(in)) && errno == ENOSYS)
		case_skip("no setxattrat here");
	EXPECT_EQ(getxattr("f", "user.a", NULL, 0), 5);
	EXPECT_ERRNO(syscall(NR_setxattrat, fd, "", 0, "user.a", &in, sizeof(in)), ENOENT);
}

CASE(xattrat_bad_arguments)
{
	struct at_args in = {(uintptr_t) "hello", 5, 0};
	struct {
		struct at_args a;
		uint64_t more;
	} big = {in, 1};

	close(make_file("f", "x"));
	if (syscall(NR_setxattrat, AT_FDCWD, "f", 0x10000, "user.a", &in, sizeof(in)) && errno == ENOSYS)
		case_skip("no setxattrat here");
	EXPECT_ERRNO(syscall(NR_setxattrat, AT_FDCWD, "f", 0x10000, "user.a", &in, sizeof(in)), EINVAL);
	EXPECT_ERRNO(syscall(NR_setxattrat, AT_FDCWD, "f", 0, "user.a", &in, 8), EINVAL);
	EXPECT_ERRNO(syscall(NR_setxattrat, AT_FDCWD, "f", 0, "user.a", &big, sizeof(big)), E2BIG);
	EXPECT_ERRNO(syscall(NR_setxattrat, 99, "f", 0, "user.a", &in, sizeof(in)), EBADF);
	in.flags = 1;
	EXPECT_ERRNO(syscall(NR_getxattrat, AT_FDCWD, "f", 0, "user.a", &in, sizeof(in)), EINVAL);
}

/* ---- ACLs ---- */

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};
struct acl {
	uint32_t version;
	struct acl_entry e[6];
};
#define NOID 0xffffffffU

/* user::rw-, user:65534:r--, group::---, mask::r--, other::--- */
static const struct acl for_nobody = {
    2, {{1, 6, NOID}, {2, 4, 65534}, {4, 0, NOID}, {16, 4, NOID}, {32, 0, NOID}}};

static size_t acl_size(int count)
{
	return 4 + 8 * (size_t)count;
}

static bool nobody_can(const char *path, int mode)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		_exit(access(path, mode) ? 1 : 0);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

static void acl_named_user(void)
{
	struct stat st;
	struct acl got;

	close(make_file("f", "x"));
	OK(chmod("f", 0600));
	EXPECT(!nobody_can("f", R_OK));
	OK(setxattr("f", "system.posix_acl_access", &for_nobody, acl_size(5), 0));
	EXPECT(nobody_can("f", R_OK));
	EXPECT(!nobody_can("f", W_OK));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_mode & 0777, 0640); /* the mask shows as the group's bits */
	EXPECT_EQ(getxattr("f", "system.posix_acl_access", &got, sizeof(got)), acl_size(5));
	EXPECT(!memcmp(&got, &for_nobody, acl_size(5)));
	OK(chmod("f", 0600)); /* takes the mask away */
	EXPECT(!nobody_can("f", R_OK));
	OK(chmod("f", 0640));
	EXPECT(nobody_can("f", R_OK));
	OK(removexattr("f", "system.posix_acl_access"));
	EXPECT(!nobody_can("f", R_OK));
	EXPECT_ERRNO(getxattr("f", "system.posix_acl_access", &got, sizeof(got)), ENODATA);
}

CASE(acl_gives_a_named_user)
{
	acl_named_user();
}

CASE(acl_gives_a_named_user_tmpfs)
{
	to_tmpfs();
	acl_named_user();
	leave_tmpfs();
}

static void acl_minimal(void)
{
	static const struct acl minimal = {2, {{1, 6, NOID}, {4, 4, NOID}, {32, 1, NOID}}};
	struct stat st;

	close(make_file("f", "x"));
	OK(setxattr("f", "system.posix_acl_access", &minimal, acl_size(3), 0));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_mode & 0777, 0641);
	EXPECT_ERRNO(getxattr("f", "system.posix_acl_access", NULL, 0), ENODATA);
}

CASE(acl_minimal_is_the_mode)
{
	acl_minimal();
}

CASE(acl_minimal_is_the_mode_tmpfs)
{
	to_tmpfs();
	acl_minimal();
	leave_tmpfs();
}

static void acl_inherited(void)
{
	static const struct acl dflt = {
	    2, {{1, 7, NOID}, {2, 7, 65534}, {4, 5, NOID}, {16, 7, NOID}, {32, 0, NOID}}};
	struct acl got = {0};
	struct stat st;

	umask(077);
	OK(mkdir("d", 0755));
	OK(chmod("d", 0755));
	OK(setxattr("d", "system.posix_acl_default", &dflt, acl_size(5), 0));
	close(open("d/f", O_CREAT | O_WRONLY, 0666));
	OK(stat("d/f", &st));
	EXPECT_EQ(st.st_mode & 0777, 0660); /* umask does not count */
	EXPECT_EQ(getxattr("d/f", "system.posix_acl_access", &got, sizeof(got)), acl_size(5));
	EXPECT_EQ(got.e[0].perm, 6);
	EXPECT_EQ(got.e[1].perm, 7);
	EXPECT_EQ(got.e[3].perm, 6);
	EXPECT(nobody_can("d/f", W_OK));
	EXPECT(!nobody_can("d/f", X_OK));
	OK(mkdir("d/sub", 0777));
	EXPECT_EQ(getxattr("d/sub", "system.posix_acl_default", &got, sizeof(got)), acl_size(5));
	OK(stat("d/sub", &st));
	EXPECT_EQ(st.st_mode & 0777, 0770);
}

CASE(acl_default_is_inherited)
{
	acl_inherited();
}

CASE(acl_default_is_inherited_tmpfs)
{
	to_tmpfs();
	acl_inherited();
	leave_tmpfs();
}

CASE(acl_named_group_and_mask)
{
	static const struct acl a = {
	    2, {{1, 6, NOID}, {4, 0, NOID}, {8, 6, 65534}, {16, 4, NOID}, {32, 0, NOID}}};

	to_tmpfs();
	close(make_file("f", "x"));
	OK(setxattr("f", "system.posix_acl_access", &a, acl_size(5), 0));
	EXPECT(nobody_can("f", R_OK));
	EXPECT(!nobody_can("f", W_OK)); /* the mask has no w */
	leave_tmpfs();
}

CASE(acl_group_denies_even_if_others_may)
{
	static const struct acl a = {
	    2, {{1, 6, NOID}, {4, 7, NOID}, {8, 0, 65534}, {16, 7, NOID}, {32, 7, NOID}}};

	to_tmpfs();
	close(make_file("f", "x"));
	OK(setxattr("f", "system.posix_acl_access", &a, acl_size(5), 0));
	EXPECT(!nobody_can("f", R_OK));
	leave_tmpfs();
}

static void acl_malformed(void)
{
	static const struct acl no_mask = {2, {{1, 6, NOID}, {2, 4, 1}, {4, 0, NOID}, {32, 0, NOID}}};
	static const struct acl order = {2, {{4, 6, NOID}, {1, 4, NOID}, {32, 0, NOID}}};
	static const struct acl version = {3, {{1, 6, NOID}, {4, 4, NOID}, {32, 0, NOID}}};

	close(make_file("f", "x"));
	EXPECT_ERRNO(setxattr("f", "system.posix_acl_access", &no_mask, acl_size(4), 0), EINVAL);
	EXPECT_ERRNO(setxattr("f", "system.posix_acl_access", &order, acl_size(3), 0), EINVAL);
	EXPECT_ERRNO(setxattr("f", "system.posix_acl_access", &version, acl_size(3), 0), EOPNOTSUPP);
	EXPECT_ERRNO(setxattr("f", "system.posix_acl_access", &for_nobody, acl_size(5) - 1, 0), EINVAL);
	EXPECT_ERRNO(setxattr("f", "system.posix_acl_default", &for_nobody, acl_size(5), 0), EACCES);
}

CASE(acl_malformed_is_refused)
{
	acl_malformed();
}

CASE(acl_malformed_is_refused_tmpfs)
{
	to_tmpfs();
	acl_malformed();
	leave_tmpfs();
}

CASE(acl_only_the_owner_sets)
{
	pid_t pid;

	close(make_file("f", "x"));
	OK(chmod("f", 0666));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(setxattr("f", "system.posix_acl_access", &for_nobody, acl_size(5), 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* ---- flags of chattr ---- */

CASE(immutable_file)
{
	int fd, flags = 0;

	to_tmpfs();
	fd = make_file("f", "x");
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) && errno == ENOTTY)
		case_skip("this tmpfs keeps no flags");
	EXPECT_EQ(flags & FS_IMMUTABLE_FL, 0);
	flags = FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) && errno == EPERM)
		case_skip("no CAP_LINUX_IMMUTABLE");
	EXPECT_ERRNO(open("f", O_WRONLY), EPERM);
	EXPECT_ERRNO(unlink("f"), EPERM);
	EXPECT_ERRNO(rename("f", "g"), EPERM);
	EXPECT_ERRNO(link("f", "g"), EPERM);
	EXPECT_ERRNO(chmod("f", 0600), EPERM);
	EXPECT_ERRNO(truncate("f", 0), EPERM);
	flags = 0;
	OK(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	OK(unlink("f"));
	close(fd);
	leave_tmpfs();
}

CASE(append_only_file)
{
	int fd, flags = FS_APPEND_FL;

	to_tmpfs();
	fd = make_file("f", "x");
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		case_skip("may not set flags");
	EXPECT_ERRNO(open("f", O_WRONLY), EPERM);
	EXPECT_ERRNO(open("f", O_WRONLY | O_APPEND | O_TRUNC), EPERM);
	EXPECT_ERRNO(unlink("f"), EPERM);
	close(open("f", O_WRONLY | O_APPEND));
	flags = 0;
	OK(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
	leave_tmpfs();
}

CASE(unknown_flags_are_refused)
{
	int fd, flags = FS_COMPR_FL;

	to_tmpfs();
	fd = make_file("f", "x");
	EXPECT(ioctl(fd, FS_IOC_SETFLAGS, &flags) == -1 && (errno == EOPNOTSUPP || errno == ENOTTY));
	close(fd);
	leave_tmpfs();
}

/* ---- fallocate ---- */

CASE(fallocate_extends)
{
	int fd = make_file("f", "abc");
	struct stat st;

	OK(fallocate(fd, 0, 0, 100000));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 100000);
	EXPECT(st.st_blocks * 512 >= 100000);
}

CASE(fallocate_keep_size)
{
	struct stat st;
	int fd;

	to_tmpfs();
	fd = make_file("f", "abc");
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 3);
	EXPECT(st.st_blocks * 512 >= 100000);
	close(fd);
	leave_tmpfs();
}

static void punch(void)
{
	char *text = malloc(20001), buf[3] = "xx";
	int fd;

	memset(text, 'a', 20000);
	text[20000] = 0;
	fd = make_file("f", text);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192));
	EXPECT_EQ(pread(fd, buf, 2, 4095), 2);
	EXPECT(buf[0] == 'a' && buf[1] == 0);
	EXPECT_EQ(pread(fd, buf, 2, 4096 + 8191), 2);
	EXPECT(buf[0] == 0 && buf[1] == 'a');
	EXPECT_EQ(lseek(fd, 0, SEEK_END), 20000);
	close(fd);
}

CASE(fallocate_punches)
{
	punch();
}

CASE(fallocate_punches_tmpfs)
{
	to_tmpfs();
	punch();
	leave_tmpfs();
}

CASE(fallocate_modes_of_tmpfs)
{
	int fd;

	to_tmpfs();
	fd = make_file("f", "abc");
	EXPECT_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
	EXPECT_ERRNO(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096), EOPNOTSUPP);
	EXPECT_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), EOPNOTSUPP);
	EXPECT_ERRNO(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, 4096), EOPNOTSUPP);
	EXPECT_ERRNO(fallocate(fd, 0x1000, 0, 4096), EOPNOTSUPP);
	close(fd);
	leave_tmpfs();
}

CASE(fallocate_zero_range)
{
	int fd = make_file("f", "abcdefgh");
	char buf[9] = "";

	if (fallocate(fd, FALLOC_FL_ZERO_RANGE, 2, 3) && errno == EOPNOTSUPP)
		case_skip("not on this file system");
	EXPECT_EQ(pread(fd, buf, 8, 0), 8);
	EXPECT(!memcmp(buf, "ab\0\0\0fgh", 8));
}

CASE(fallocate_bad_arguments)
{
	int fd = make_file("f", "abc"), p[2], ro = open("f", O_RDONLY), dir = open(".", O_RDONLY);

	OK(pipe(p));
	EXPECT_ERRNO(fallocate(fd, 0, -1, 10), EINVAL);
	EXPECT_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(fallocate(fd, 0, 0x7fffffffffffffffLL, 10), EFBIG);
	EXPECT_ERRNO(fallocate(ro, 0, 0, 10), EBADF);
	EXPECT_ERRNO(fallocate(dir, 0, 0, 10), EBADF);
	EXPECT_ERRNO(fallocate(p[1], 0, 0, 10), ESPIPE);
	EXPECT_ERRNO(fallocate(-1, 0, 0, 10), EBADF);
	EXPECT_ERRNO(fallocate(open("/dev/null", O_WRONLY), 0, 0, 10), ENODEV);
}

static void holes(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	OK(ftruncate(fd, 1 << 20));
	EXPECT_EQ(pwrite(fd, "x", 1, 512 << 10), 1);
	EXPECT_EQ(lseek(fd, 0, SEEK_DATA), 512 << 10);
	EXPECT_EQ(lseek(fd, 512 << 10, SEEK_HOLE), (512 << 10) + 4096);
	EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	EXPECT_ERRNO(lseek(fd, 600 << 10, SEEK_DATA), ENXIO);
	EXPECT_ERRNO(lseek(fd, 1 << 20, SEEK_HOLE), ENXIO);
	close(fd);
}

CASE(seek_data_and_hole)
{
	holes();
}

CASE(seek_data_and_hole_tmpfs)
{
	to_tmpfs();
	holes();
	leave_tmpfs();
}

/* ---- tmpfs limits ---- */

CASE(tmpfs_size_is_exact)
{
	char buf[4096];
	int fd, pages = 0;

	OK(mkdir("m", 0755));
	if (mount("t", "m", "tmpfs", 0, "size=64k"))
		case_skip("may not mount");
	memset(buf, 'x', sizeof(buf));
	fd = open("m/f", O_CREAT | O_WRONLY, 0600);
	while (write(fd, buf, sizeof(buf)) == sizeof(buf))
		pages++;
	EXPECT_EQ(errno, ENOSPC);
	EXPECT_EQ(pages, 16);
	close(fd);
	OK(umount2("m", MNT_DETACH));
}

CASE(tmpfs_inodes_are_limited)
{
	OK(mkdir("m", 0755));
	if (mount("t", "m", "tmpfs", 0, "nr_inodes=3"))
		case_skip("may not mount");
	close(make_file("m/a", ""));
	close(make_file("m/b", ""));
	EXPECT_ERRNO(open("m/c", O_CREAT | O_WRONLY, 0600), ENOSPC);
	EXPECT_ERRNO(mkdir("m/d", 0700), ENOSPC);
	OK(unlink("m/a"));
	OK(mkdir("m/d", 0700));
	OK(umount2("m", MNT_DETACH));
}

CASE(tmpfs_options)
{
	struct stat st;

	OK(mkdir("m", 0755));
	if (mount("t", "m", "tmpfs", 0, "mode=0710,uid=5,gid=6"))
		case_skip("may not mount");
	OK(stat("m", &st));
	EXPECT_EQ(st.st_mode & 07777, 0710);
	EXPECT_EQ(st.st_uid, 5);
	EXPECT_EQ(st.st_gid, 6);
	OK(umount("m"));
	EXPECT_ERRNO(mount("t", "m", "tmpfs", 0, "nonsense=1"), EINVAL);
	EXPECT_ERRNO(mount("t", "m", "tmpfs", 0, "size=abc"), EINVAL);
	EXPECT_ERRNO(mount("t", "m", "tmpfs", 0, "mode=99"), EINVAL);
	EXPECT_ERRNO(mount("t", "m", "tmpfs", 0, "size"), EINVAL);
}

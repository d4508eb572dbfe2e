/*
 * test_mount_api.c - the calls that build, change and list mounts by descriptors: fsopen(2), fsmount(2),
 * open_tree(2), move_mount(2), mount_setattr(2), statmount(2), listmount(2). Each case has a mount namespace
 * of its own.
 */
#include "mounts.h"

CASE(fsopen_to_move_mount)
{
	struct statfs st;
	int fs, m;

	begin();
	OK(mkdir("m", 0755));
	fs = (int)syscall(SYS_FSOPEN, "tmpfs", 1);
	OK(fs);
	EXPECT_EQ(fcntl(fs, F_GETFD), FD_CLOEXEC);
	OK(syscall(SYS_FSCONFIG, fs, 1, "source", "here", 0));
	OK(syscall(SYS_FSCONFIG, fs, 1, "size", "1m", 0));
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, fs, 0, 0), EINVAL);
	OK(syscall(SYS_FSCONFIG, fs, 6, NULL, NULL, 0));
	m = (int)syscall(SYS_FSMOUNT, fs, 1, 8 /* noexec */);
	OK(m);
	OK(mkdirat(m, "d", 0755)); /* usable before it is mounted */
	OK(syscall(SYS_MOVE_MOUNT, m, "", AT_FDCWD, "m", 4));
	EXPECT(exists("m/d"));
	OK(statfs("m", &st));
	EXPECT_EQ(st.f_blocks * (unsigned long)st.f_bsize, 1 << 20);
	EXPECT(st.f_flags & 8);
	OK(close(m));
	EXPECT(exists("m/d"));
	OK(umount2("m", 0));
}

CASE(fsopen_errors)
{
	int fs;

	begin();
	EXPECT_ERRNO(syscall(SYS_FSOPEN, "nonsense", 0), ENODEV);
	EXPECT_ERRNO(syscall(SYS_FSOPEN, "tmpfs", 2), EINVAL);
	fs = (int)syscall(SYS_FSOPEN, "tmpfs", 0);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 1, "nonsense", "1", 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 99, NULL, NULL, 0), EOPNOTSUPP);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 6, "x", NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 0, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, 99, 6, NULL, NULL, 0), EBADF);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, open("/dev/null", O_RDONLY), 6, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, open("/dev/null", O_RDONLY), 0, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, fs, 2, 0), EINVAL);
	OK(syscall(SYS_FSCONFIG, fs, 6, NULL, NULL, 0));
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 6, NULL, NULL, 0), EBUSY);
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, fs, 0, 0x30), EINVAL);
	OK(syscall(SYS_FSMOUNT, fs, 0, 0));
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, fs, 0, 0), EBUSY);
}

CASE(fspick_reconfigures)
{
	struct statfs st;
	int fs;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, "size=1m"));
	fs = (int)syscall(SYS_FSPICK, AT_FDCWD, "m", 1);
	OK(fs);
	OK(syscall(SYS_FSCONFIG, fs, 1, "size", "2m", 0));
	OK(syscall(SYS_FSCONFIG, fs, 0, "ro", NULL, 0));
	OK(syscall(SYS_FSCONFIG, fs, 7, NULL, NULL, 0));
	OK(statfs("m", &st));
	EXPECT_EQ(st.f_blocks * (unsigned long)st.f_bsize, 2 << 20);
	EXPECT_ERRNO(mkdir("m/d", 0700), EROFS);
	OK(mkdir("d", 0755));
	EXPECT_ERRNO(syscall(SYS_FSPICK, AT_FDCWD, "d", 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSPICK, AT_FDCWD, "m", 0x100), EINVAL);
}

CASE(open_tree_clones)
{
	int t;

	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("a/m", 0755));
	OK(mkdir("b", 0755));
	OK(mkdir("c", 0755));
	touch("a/f");
	OK(mount("x", "a/m", "tmpfs", 0, NULL));
	touch("a/m/g");
	t = (int)syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 1 | O_CLOEXEC);
	OK(t);
	OK(syscall(SYS_MOVE_MOUNT, t, "", AT_FDCWD, "b", 4));
	EXPECT(exists("b/f") && !exists("b/m/g"));
	t = (int)syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 1 | 0x8000);
	OK(syscall(SYS_MOVE_MOUNT, t, "", AT_FDCWD, "c", 4));
	EXPECT(exists("c/m/g"));
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 0x8000), EINVAL);
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 2), EINVAL);
}

#define SYS_OPEN_TREE_ATTR 467
struct tree_attr {
	uint64_t set, clear, propagation, userns;
};

CASE(open_tree_attr_changes_the_clone)
{
	struct tree_attr attr = {.set = 1 /* MOUNT_ATTR_RDONLY */};
	int t;

	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	t = (int)syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1 | O_CLOEXEC, &attr, sizeof(attr));
	if (t < 0 && errno == ENOSYS)
		case_skip("no open_tree_attr here");
	OK(t);
	OK(syscall(SYS_MOVE_MOUNT, t, "", AT_FDCWD, "b", 4));
	EXPECT_ERRNO(mkdir("b/d", 0755), EROFS);
	OK(mkdir("a/d", 0755));
	EXPECT(exists("b/d"));
}

CASE(open_tree_attr_refuses)
{
	struct tree_attr attr = {.set = 1};

	begin();
	OK(mkdir("a", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	if (syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, NULL, sizeof(attr)) < 0 && errno == ENOSYS)
		case_skip("no open_tree_attr here");
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, NULL, sizeof(attr)), EINVAL);
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, &attr, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, (void *)8, sizeof(attr)), EFAULT);
	attr.set = 1ULL << 40;
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, &attr, sizeof(attr)), EINVAL);
	attr.set = 1;
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "nothing", 1, &attr, sizeof(attr)), ENOENT);
}

CASE(open_tree_without_clone_is_a_path)
{
	int t;

	begin();
	touch("f");
	t = (int)syscall(SYS_OPEN_TREE, AT_FDCWD, "f", 0);
	OK(t);
	EXPECT(fcntl(t, F_GETFL) & O_PATH);
}

CASE(move_mount_moves_what_is_mounted)
{
	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	touch("a/f");
	OK(syscall(SYS_MOVE_MOUNT, AT_FDCWD, "a", AT_FDCWD, "b", 0));
	EXPECT(exists("b/f") && !exists("a/f"));
	EXPECT_ERRNO(syscall(SYS_MOVE_MOUNT, AT_FDCWD, "a", AT_FDCWD, "b", 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_MOVE_MOUNT, AT_FDCWD, "b", AT_FDCWD, "a", 0x1000), EINVAL);
}

CASE(closed_tree_is_gone)
{
	int t;

	begin();
	OK(mkdir("a", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	t = (int)syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 1);
	OK(t);
	OK(close(t));
	OK(umount2("a", 0));
}

CASE(mount_setattr_sets_and_clears)
{
	struct mount_attr at = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC};
	struct statfs st;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)));
	EXPECT_ERRNO(mkdir("m/d", 0700), EROFS);
	OK(statfs("m", &st));
	EXPECT(st.f_flags & 8);
	at = (struct mount_attr){.attr_clr = MOUNT_ATTR_RDONLY};
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)));
	OK(mkdir("m/d", 0700));
}

CASE(mount_setattr_recursive)
{
	struct mount_attr at = {.attr_set = MOUNT_ATTR_RDONLY};

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(mkdir("m/n", 0755));
	OK(mount("y", "m/n", "tmpfs", 0, NULL));
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)));
	OK(mkdir("m/n/d", 0700));
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0x8000, &at, sizeof(at)));
	EXPECT_ERRNO(mkdir("m/n/e", 0700), EROFS);
}

CASE(mount_setattr_propagation)
{
	struct mount_attr at = {.propagation = MS_SHARED_};
	char line[1024];

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)));
	EXPECT(mountinfo("/t/m", line, sizeof(line)));
	EXPECT(strstr(line, " shared:"));
}

CASE(mount_setattr_errors)
{
	struct mount_attr at = {.attr_set = MOUNT_ATTR_RDONLY};

	begin();
	OK(mkdir("m", 0755));
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)), EINVAL);
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 1, &at, sizeof(at)), EINVAL);
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, 100000), E2BIG);
	at.attr_set = 1ULL << 40;
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, sizeof(at)), EINVAL);
	at = (struct mount_attr){.attr_set = MOUNT_ATTR_NOATIME};
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, sizeof(at)), EINVAL);
	at = (struct mount_attr){.propagation = MS_SHARED_ | MS_SLAVE_};
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, sizeof(at)), EINVAL);
	at = (struct mount_attr){0};
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, sizeof(at)));
}

struct id_req {
	uint32_t size, spare;
	uint64_t id, param;
};

static uint64_t unique_id(const char *path)
{
	struct statx sx;

	OK(statx(AT_FDCWD, path, 0, 0x4000 /* STATX_MNT_ID_UNIQUE */, &sx));
	EXPECT(sx.stx_mask & 0x4000);
	return sx.stx_mnt_id;
}

CASE(statmount_and_listmount)
{
	struct id_req req = {.size = sizeof(req)};
	uint64_t ids[8], m, here;
	char *buf = calloc(1, 4096);
	const uint32_t *words = (const uint32_t *)(const void *)buf;
	long n;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("src", "m", "tmpfs", 0, NULL));
	m = unique_id("m");
	here = unique_id(".");
	req.id = here;
	n = syscall(SYS_LISTMOUNT, &req, ids, 8, 0);
	if (n < 0 && errno == ENOSYS)
		case_skip("no listmount here");
	EXPECT_EQ(n, 1);
	EXPECT_EQ(ids[0], m);
	req.id = m;
	req.param = 1 | 2 | 0x10 | 0x20;
	OK(syscall(SYS_STATMOUNT, &req, buf, 4096, 0));
	EXPECT_EQ(*(const uint64_t *)(const void *)(buf + 8) & req.param, req.param);
	EXPECT_EQ(*(const uint64_t *)(const void *)(buf + 24), 0x01021994);
	EXPECT_STR(buf + 512 + words[9], "tmpfs");
	EXPECT_EQ(*(const uint64_t *)(const void *)(buf + 40), m);
	EXPECT_EQ(*(const uint64_t *)(const void *)(buf + 48), here);
	EXPECT_ERRNO(syscall(SYS_STATMOUNT, &req, buf, 64, 0), EOVERFLOW);
	EXPECT_ERRNO(syscall(SYS_STATMOUNT, &req, buf, 4096, 1), EINVAL);
	req.id = m + 1000000;
	EXPECT_ERRNO(syscall(SYS_STATMOUNT, &req, buf, 4096, 0), ENOENT);
	req.size = 8;
	EXPECT_ERRNO(syscall(SYS_STATMOUNT, &req, buf, 4096, 0), EINVAL);
}

CASE(listmount_refuses)
{
	struct id_req req = {.size = sizeof(req)};
	uint64_t ids[4];

	begin();
	req.id = unique_id(".");
	if (syscall(SYS_LISTMOUNT, &req, ids, 4, 0) < 0 && errno == ENOSYS)
		case_skip("no listmount here");
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, ids, 4, 0x10), EINVAL);
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, (void *)8, ids, 4, 0), EFAULT);
	OK(mkdir("m", 0755));
	OK(mount("src", "m", "tmpfs", 0, NULL));
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, (void *)8, 4, 0), EFAULT);
	req.id += 1000000;
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, ids, 4, 0), ENOENT);
	req.id = 5; /* one of those that are used again */
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, ids, 4, 0), EINVAL);
	req.size = 8;
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, ids, 4, 0), EINVAL);
}

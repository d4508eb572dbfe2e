/* Every operation against a real gofer process: results and errno. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/gofer/fixture.h"

static struct fixture f;

static void setup(void)
{
	fixture_start(&f, false);
	fixture_attach(&f);
}

static void setup_ro(void)
{
	fixture_start(&f, true);
	host_write(&f, "file", "hello");
	ck_assert_int_eq(mkdir(host(&f, "dir"), 0755), 0);
	fixture_attach(&f);
}

static void teardown(void)
{
	fixture_stop(&f);
}

START_TEST(walk_many)
{
	struct gofer_str names[4];
	struct gofer_list steps;
	struct gofer_step step;
	struct stat st;
	int stop;

	ck_assert_int_eq(mkdir(host(&f, "a"), 0755), 0);
	ck_assert_int_eq(mkdir(host(&f, "a/b"), 0700), 0);
	host_write(&f, "a/b/c", "hello");
	ck_assert_int_eq(symlink("b/c", host(&f, "a/l")), 0);
	names[0] = str("a"), names[1] = str("b"), names[2] = str("c"), names[3] = str("d");
	ck_assert_int_eq(gofer_walk(&f.client, &f.call, f.root, names, 3, 0, &stop, &steps), 0);
	ck_assert_int_eq(stop, 0);
	ck_assert_uint_eq(steps.count, 3);
	ck_assert(gofer_step_next(&steps, &step) && S_ISDIR(step.attr.mode));
	ck_assert(gofer_step_next(&steps, &step) && (step.attr.mode & 07777) == 0700);
	ck_assert(gofer_step_next(&steps, &step) && step.attr.size == 5);
	ck_assert_int_eq(stat(host(&f, "a/b/c"), &st), 0);
	ck_assert_uint_eq(step.attr.ino, st.st_ino);
	ck_assert_int_eq(step.attr.mtime.sec, st.st_mtim.tv_sec);
	/* a file in the middle, something missing, a link in the middle */
	ck_assert_int_eq(gofer_walk(&f.client, &f.call, f.root, names, 4, 0, &stop, &steps), 0);
	ck_assert_int_eq(stop, -ENOTDIR);
	ck_assert_uint_eq(steps.count, 3);
	names[1] = str("missing");
	ck_assert_int_eq(gofer_walk(&f.client, &f.call, f.root, names, 3, 0, &stop, &steps), 0);
	ck_assert_int_eq(stop, -ENOENT);
	ck_assert_uint_eq(steps.count, 1);
	names[1] = str("l");
	ck_assert_int_eq(gofer_walk(&f.client, &f.call, f.root, names, 3, 0, &stop, &steps), 0);
	ck_assert_int_eq(stop, -ENOTDIR);
	ck_assert(gofer_step_next(&steps, &step) && gofer_step_next(&steps, &step));
	ck_assert(S_ISLNK(step.attr.mode) && step.target.size == 3 && !memcmp(step.target.data, "b/c", 3));
	ck_assert(!gofer_step_next(&steps, &step));
}
END_TEST

START_TEST(walk_open)
{
	struct gofer_str names[1] = {str("file")};
	struct gofer_list steps;
	char text[8] = "";
	int stop;

	host_write(&f, "file", "hello");
	ck_assert_int_eq(gofer_walk(&f.client, &f.call, f.root, names, 1, GOFER_WALK_OPEN, &stop, &steps), 0);
	ck_assert_int_eq(stop, 0);
	ck_assert_int_ge(f.call.fd, 0);
	ck_assert_int_eq(pread(f.call.fd, text, 5, 0), 5);
	ck_assert_str_eq(text, "hello");
	close(f.call.fd);
}
END_TEST

START_TEST(open_donates)
{
	struct gofer_attr attr;
	uint64_t file, fifo;
	char text[8] = "";
	int stop, fd;

	host_write(&f, "file", "hello");
	ck_assert_int_eq(mkfifo(host(&f, "fifo"), 0600), 0);
	file = walk1(&f, f.root, "file", &stop, &attr);
	fifo = walk1(&f, f.root, "fifo", &stop, &attr);
	ck_assert_int_eq(gofer_open(&f.client, &f.call, file, GOFER_OPEN_READ, &fd, &attr), 0);
	ck_assert_int_eq(pread(fd, text, 8, 0), 5);
	ck_assert_int_eq(write(fd, "x", 1), -1);
	close(fd);
	ck_assert_int_eq(gofer_open(&f.client, &f.call, file, GOFER_OPEN_READ | GOFER_OPEN_WRITE, &fd, &attr),
			 0);
	ck_assert_int_eq(pwrite(fd, "J", 1, 0), 1);
	close(fd);
	ck_assert_int_eq(
	    gofer_open(&f.client, &f.call, file, GOFER_OPEN_WRITE | GOFER_OPEN_TRUNC, &fd, &attr), 0);
	ck_assert_uint_eq(attr.size, 0);
	close(fd);
	ck_assert_int_eq(gofer_open(&f.client, &f.call, fifo, GOFER_OPEN_READ, &fd, &attr), -EOPNOTSUPP);
	ck_assert_int_eq(gofer_open(&f.client, &f.call, f.root, GOFER_OPEN_READ, &fd, &attr), -EISDIR);
	ck_assert_int_eq(gofer_open(&f.client, &f.call, file, 0, &fd, &attr), -EINVAL);
}
END_TEST

START_TEST(create_kinds)
{
	struct gofer_attr attr;
	uint64_t h;
	struct stat st;
	char target[16] = "";

	ck_assert_int_eq(create(&f, f.root, "file", S_IFREG | 04751, "", &h, &attr), 0);
	ck_assert_uint_eq(attr.mode, S_IFREG | 04751);
	ck_assert_int_eq(stat(host(&f, "file"), &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 04751);
	if (geteuid() == 0)
		ck_assert(st.st_uid == 1234 && st.st_gid == 5678 && attr.uid == 1234 && attr.gid == 5678);
	ck_assert_int_eq(create(&f, f.root, "file", S_IFREG | 0600, "", &h, &attr), -EEXIST);
	ck_assert_int_eq(create(&f, f.root, "dir", S_IFDIR | 03777, "", &h, &attr), 0);
	ck_assert_uint_eq(attr.mode, S_IFDIR | 03777);
	ck_assert_int_eq(create(&f, h, "inner", S_IFDIR | 0700, "", &h, &attr), 0);
	ck_assert_uint_eq(attr.mode, S_IFDIR | 0700); /* not the set-group-id bit of its parent */
	ck_assert_int_eq(create(&f, f.root, "link", S_IFLNK | 0777, "/etc/passwd", &h, &attr), 0);
	ck_assert_int_eq(readlink(host(&f, "link"), target, 15), 11);
	ck_assert_str_eq(target, "/etc/passwd");
	ck_assert_int_eq(create(&f, f.root, "fifo", S_IFIFO | 0640, "", &h, &attr), 0);
	ck_assert_uint_eq(attr.mode, S_IFIFO | 0640);
	ck_assert_int_eq(create(&f, f.root, "sock", S_IFSOCK | 0777, "", &h, &attr), 0);
	ck_assert_int_eq(create(&f, f.root, "dev", S_IFCHR | 0666, "", &h, &attr), -EPERM);
	ck_assert_int_eq(create(&f, f.root, "dev", S_IFBLK | 0666, "", &h, &attr), -EPERM);
	ck_assert_int_eq(access(host(&f, "dev"), F_OK), -1);
}
END_TEST

START_TEST(create_open_and_tmpfile)
{
	struct gofer_request q = {.create = {.dir = f.root,
					     .flags = GOFER_CREATE_OPEN,
					     .mode = S_IFREG | 0600,
					     .name = str("new"),
					     .target = str("")}};
	struct gofer_attr attr;
	uint64_t h;
	int fd;

	ck_assert_int_eq(gofer_create(&f.client, &f.call, &q, &h, &attr, &fd), 0);
	ck_assert_int_eq(pwrite(fd, "data", 4, 0), 4);
	close(fd);
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, h, &attr), 0);
	ck_assert_uint_eq(attr.size, 4);
	q.create.flags = GOFER_CREATE_OPEN | GOFER_CREATE_TMPFILE;
	q.create.name = str("");
	ck_assert_int_eq(gofer_create(&f.client, &f.call, &q, &h, &attr, &fd), 0);
	ck_assert_uint_eq(attr.nlink, 0);
	close(fd);
	ck_assert_int_eq(gofer_link(&f.client, &f.call, h, f.root, str("linked")), 0);
	ck_assert_int_eq(access(host(&f, "linked"), F_OK), 0);
}
END_TEST

START_TEST(names)
{
	struct gofer_attr attr;
	uint64_t file, dir, inner;
	int stop;

	ck_assert_int_eq(create(&f, f.root, "file", S_IFREG | 0600, "", &file, &attr), 0);
	ck_assert_int_eq(create(&f, f.root, "dir", S_IFDIR | 0700, "", &dir, &attr), 0);
	ck_assert_int_eq(create(&f, dir, "inner", S_IFDIR | 0700, "", &inner, &attr), 0);
	ck_assert_int_eq(gofer_link(&f.client, &f.call, file, dir, str("second")), 0);
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, file, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 2);
	ck_assert_int_eq(gofer_link(&f.client, &f.call, dir, f.root, str("x")), -EPERM);
	ck_assert_int_eq(gofer_link(&f.client, &f.call, file, file, str("x")), -ENOTDIR);
	ck_assert_int_eq(gofer_unlink(&f.client, &f.call, f.root, str("dir"), 0), -EISDIR);
	ck_assert_int_eq(gofer_unlink(&f.client, &f.call, f.root, str("dir"), GOFER_UNLINK_DIR), -ENOTEMPTY);
	ck_assert_int_eq(gofer_unlink(&f.client, &f.call, f.root, str("file"), GOFER_UNLINK_DIR), -ENOTDIR);
	ck_assert_int_eq(gofer_unlink(&f.client, &f.call, f.root, str("none"), 0), -ENOENT);
	ck_assert_int_eq(gofer_rename(&f.client, &f.call, f.root, str("dir"), inner, str("x"), 0), -EINVAL);
	ck_assert_int_eq(
	    gofer_rename(&f.client, &f.call, f.root, str("file"), dir, str("second"), GOFER_RENAME_NOREPLACE),
	    -EEXIST);
	ck_assert_int_eq(
	    gofer_rename(&f.client, &f.call, dir, str("inner"), f.root, str("file"), GOFER_RENAME_EXCHANGE),
	    0);
	ck_assert(walk1(&f, f.root, "file", &stop, &attr) && S_ISDIR(attr.mode));
	ck_assert(walk1(&f, dir, "inner", &stop, &attr) && S_ISREG(attr.mode));
	ck_assert_int_eq(gofer_unlink(&f.client, &f.call, dir, str("inner"), 0), 0);
	ck_assert_int_eq(gofer_unlink(&f.client, &f.call, dir, str("second"), 0), 0);
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, file, &attr), 0); /* unlinked, still there */
	ck_assert_uint_eq(attr.nlink, 0);
	ck_assert_int_eq(gofer_unlink(&f.client, &f.call, f.root, str("dir"), GOFER_UNLINK_DIR), 0);
}
END_TEST

START_TEST(setattr)
{
	struct gofer_request q = {.setattr = {.mask = GOFER_SET_MODE | GOFER_SET_SIZE | GOFER_SET_MTIME,
					      .mode = 0640,
					      .size = 100,
					      .mtime = {.sec = 1000, .nsec = 5}}};
	struct gofer_attr attr;
	uint64_t file, link;

	ck_assert_int_eq(create(&f, f.root, "file", S_IFREG | 0600, "", &file, &attr), 0);
	ck_assert_int_eq(create(&f, f.root, "link", S_IFLNK | 0777, "file", &link, &attr), 0);
	q.setattr.handle = file;
	ck_assert_int_eq(gofer_setattr(&f.client, &f.call, &q, &attr), 0);
	ck_assert_uint_eq(attr.mode, S_IFREG | 0640);
	ck_assert_uint_eq(attr.size, 100);
	ck_assert(attr.mtime.sec == 1000 && attr.mtime.nsec == 5);
	q.setattr.mask = GOFER_SET_MTIME_NOW | GOFER_SET_ATIME;
	ck_assert_int_eq(gofer_setattr(&f.client, &f.call, &q, &attr), 0);
	ck_assert(attr.mtime.sec > 1000 && attr.atime.sec == 0);
	q.setattr.handle = link;
	q.setattr.mask = GOFER_SET_MODE;
	ck_assert_int_eq(gofer_setattr(&f.client, &f.call, &q, &attr), -EOPNOTSUPP);
	if (geteuid() == 0) {
		q.setattr.mask = GOFER_SET_UID | GOFER_SET_GID;
		q.setattr.uid = 7;
		q.setattr.gid = 8;
		ck_assert_int_eq(gofer_setattr(&f.client, &f.call, &q, &attr), 0);
		ck_assert(S_ISLNK(attr.mode) && attr.uid == 7 && attr.gid == 8);
	}
	q.setattr.handle = f.root;
	q.setattr.mask = GOFER_SET_SIZE;
	ck_assert_int_eq(gofer_setattr(&f.client, &f.call, &q, &attr), -EISDIR);
}
END_TEST

/* 3000 files in small batches: each seen once, with attributes; a cookie from the middle goes on from there.
 */
START_TEST(readdir_batches)
{
	static unsigned char seen[3000];
	struct gofer_list entries;
	struct gofer_dirent entry;
	uint64_t cookie = 0;
	unsigned total = 0, rounds = 0;
	bool eof = false;
	char name[16];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		host_write(&f, name, "x");
	}
	f.call.cap = 16384;
	while (!eof) {
		ck_assert_int_eq(
		    gofer_readdir(&f.client, &f.call, f.root, cookie, GOFER_READDIR_ATTR, &eof, &entries), 0);
		rounds++;
		while (gofer_dirent_next(&entries, &entry)) {
			unsigned i;

			snprintf(name, sizeof(name), "%.*s", (int)entry.name.size, entry.name.data);
			i = (unsigned)atoi(name + 1);

			ck_assert(i < 3000 && !seen[i]);
			seen[i] = 1;
			total++;
			cookie = entry.cookie;
			ck_assert(entry.has_attr && entry.attr.size == 1 && entry.attr.ino == entry.ino);
		}
	}
	ck_assert_uint_eq(total, 3000);
	ck_assert_uint_gt(rounds, 10);
	ck_assert_int_eq(gofer_readdir(&f.client, &f.call, f.root, cookie, 0, &eof, &entries), 0);
	ck_assert(eof && entries.count == 0);
}
END_TEST

START_TEST(misc)
{
	struct gofer_statfs st;
	struct gofer_attr attr;
	struct gofer_str target;
	uint64_t file, link;

	ck_assert_int_eq(create(&f, f.root, "file", S_IFREG | 0600, "", &file, &attr), 0);
	ck_assert_int_eq(create(&f, f.root, "link", S_IFLNK | 0777, "some/where", &link, &attr), 0);
	ck_assert_int_eq(gofer_readlink(&f.client, &f.call, link, &target), 0);
	ck_assert(target.size == 10 && !memcmp(target.data, "some/where", 10));
	ck_assert_int_eq(gofer_readlink(&f.client, &f.call, file, &target), -EINVAL);
	ck_assert_int_eq(gofer_statfs(&f.client, &f.call, f.root, &st), 0);
	ck_assert(st.bsize > 0 && st.namelen == 255);
	ck_assert_int_eq(gofer_fsync(&f.client, &f.call, file, 0), 0);
	ck_assert_int_eq(gofer_fsync(&f.client, &f.call, file, GOFER_FSYNC_DATA), 0);
	ck_assert_int_eq(gofer_fsync(&f.client, &f.call, f.root, GOFER_FSYNC_FS), 0);
	ck_assert_int_eq(gofer_fallocate(&f.client, &f.call, file, 0, 0, 8192), 0);
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, file, &attr), 0);
	ck_assert_uint_eq(attr.size, 8192);
	ck_assert_int_eq(gofer_fallocate(&f.client, &f.call, f.root, 0, 0, 8192), -EISDIR);
}
END_TEST

/* What a walk and a listing say of GOFER_ATTR_PLAIN. */
static void expect_plain(const char *name, bool plain)
{
	struct gofer_str wire = str(name);
	struct gofer_list list;
	struct gofer_step step;
	struct gofer_dirent entry;
	bool eof = false, found = false;
	int stop;

	ck_assert_int_eq(gofer_walk(&f.client, &f.call, f.root, &wire, 1, 0, &stop, &list), 0);
	ck_assert(gofer_step_next(&list, &step));
	ck_assert_int_eq(!!(step.attr.mask & GOFER_ATTR_PLAIN), plain);
	ck_assert_int_eq(gofer_readdir(&f.client, &f.call, f.root, 0,
				       GOFER_READDIR_ATTR | GOFER_READDIR_PLAIN, &eof, &list),
			 0);
	while (gofer_dirent_next(&list, &entry))
		if (entry.name.size == strlen(name) && !memcmp(entry.name.data, name, strlen(name))) {
			found = true;
			ck_assert_int_eq(!!(entry.attr.mask & GOFER_ATTR_PLAIN), plain);
		}
	ck_assert(found);
	ck_assert_int_eq(gofer_readdir(&f.client, &f.call, f.root, 0, GOFER_READDIR_ATTR, &eof, &list), 0);
	while (gofer_dirent_next(&list, &entry))
		ck_assert(!(entry.attr.mask & GOFER_ATTR_PLAIN)); /* not asked for */
}

START_TEST(xattrs_of_whom)
{
	struct gofer_attr attr;
	uint64_t file;

	host_write(&f, "none", "x");
	expect_plain("none", true);
	ck_assert_int_eq(mkdir(host(&f, "dir"), 0700), 0);
	expect_plain("dir", true);
	ck_assert_int_eq(symlink("none", host(&f, "link")), 0);
	expect_plain("link", false); /* nothing is said of it */
	ck_assert_int_eq(create(&f, f.root, "file", S_IFREG | 0600, "", &file, &attr), 0);
	expect_plain("file", true);
	if (gofer_setxattr(&f.client, &f.call, file, str("user.k"), str("value"), 0))
		return; /* /tmp cannot */
	expect_plain("file", false);
	ck_assert_int_eq(gofer_removexattr(&f.client, &f.call, file, str("user.k")), 0);
	expect_plain("file", true);
}

static uint16_t odd_cpu(void *ctx)
{
	static const uint16_t cpus[] = {0, 1, 2, 1, 1, 1000, 1024, 1025, 65535, 2, 0, 0};
	static unsigned next;

	return cpus[next++ % (sizeof(cpus) / sizeof(cpus[0]))];
}

/* A hint may say anything. */
START_TEST(cpu_hints)
{
	struct gofer_transport transport = gofer_blocking_transport;
	const struct gofer_transport *before = f.client.transport;
	struct gofer_attr attr;

	transport.cpu = odd_cpu;
	f.client.transport = &transport;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(gofer_getattr(&f.client, &f.call, f.root, &attr), 0);
	f.client.transport = before;
}

START_TEST(xattrs)
{
	struct gofer_attr attr;
	struct gofer_str value;
	uint64_t file;
	uint32_t full;
	int err;

	ck_assert_int_eq(create(&f, f.root, "file", S_IFREG | 0600, "", &file, &attr), 0);
	err = gofer_setxattr(&f.client, &f.call, file, str("user.k"), str("value"), 0);
	if (err == -EOPNOTSUPP)
		return; /* /tmp cannot */
	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(gofer_setxattr(&f.client, &f.call, file, str("user.k"), str("v"), 1), -EEXIST);
	ck_assert_int_eq(gofer_getxattr(&f.client, &f.call, file, str("user.k"), 0, &full, &value), 0);
	ck_assert_uint_eq(full, 5);
	ck_assert_int_eq(gofer_getxattr(&f.client, &f.call, file, str("user.k"), 100, &full, &value), 0);
	ck_assert(value.size == 5 && !memcmp(value.data, "value", 5));
	ck_assert_int_eq(gofer_getxattr(&f.client, &f.call, file, str("user.k"), 3, &full, &value), -ERANGE);
	ck_assert_int_eq(gofer_getxattr(&f.client, &f.call, file, str(""), 100, &full, &value), 0);
	ck_assert(value.size == 7 && !memcmp(value.data, "user.k", 7));
	ck_assert_int_eq(gofer_removexattr(&f.client, &f.call, file, str("user.k")), 0);
	ck_assert_int_eq(gofer_getxattr(&f.client, &f.call, file, str("user.k"), 100, &full, &value),
			 -ENODATA);
	ck_assert_int_eq(gofer_setxattr(&f.client, &f.call, file, str("trusted.k"), str("v"), 0),
			 -EOPNOTSUPP);
	ck_assert_int_eq(gofer_getxattr(&f.client, &f.call, file, str("security.ima"), 9, &full, &value),
			 -EOPNOTSUPP);
}
END_TEST

START_TEST(read_only)
{
	struct gofer_request q = {.setattr = {.mask = GOFER_SET_MODE, .mode = 0}};
	struct gofer_attr attr;
	uint64_t file, h;
	int stop, fd;

	ck_assert(f.client.server_flags & GOFER_SERVER_RO);
	file = walk1(&f, f.root, "file", &stop, &attr);
	ck_assert_uint_ne(file, 0);
	ck_assert_int_eq(gofer_open(&f.client, &f.call, file, GOFER_OPEN_READ, &fd, &attr), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	ck_assert_int_eq(gofer_open(&f.client, &f.call, file, GOFER_OPEN_READ | GOFER_OPEN_WRITE, &fd, &attr),
			 -EROFS);
	ck_assert_int_eq(
	    gofer_open(&f.client, &f.call, file, GOFER_OPEN_WRITE | GOFER_OPEN_TRUNC, &fd, &attr), -EROFS);
	ck_assert_int_eq(create(&f, f.root, "x", S_IFREG | 0600, "", &h, &attr), -EROFS);
	ck_assert_int_eq(create(&f, f.root, "x", S_IFDIR | 0600, "", &h, &attr), -EROFS);
	ck_assert_int_eq(gofer_unlink(&f.client, &f.call, f.root, str("file"), 0), -EROFS);
	ck_assert_int_eq(gofer_rename(&f.client, &f.call, f.root, str("file"), f.root, str("y"), 0), -EROFS);
	ck_assert_int_eq(gofer_link(&f.client, &f.call, file, f.root, str("y")), -EROFS);
	q.setattr.handle = file;
	ck_assert_int_eq(gofer_setattr(&f.client, &f.call, &q, &attr), -EROFS);
	ck_assert_int_eq(gofer_fallocate(&f.client, &f.call, file, 0, 0, 10), -EROFS);
	ck_assert_int_eq(gofer_setxattr(&f.client, &f.call, file, str("user.k"), str("v"), 0), -EROFS);
	ck_assert_int_eq(gofer_removexattr(&f.client, &f.call, file, str("user.k")), -EROFS);
	ck_assert_int_eq(gofer_fsync(&f.client, &f.call, file, 0), 0);
}
END_TEST

/* Two connections after CLONE: handles of before valid in both, what comes later in its own only. */
START_TEST(clone_connection)
{
	static struct fixture other;
	struct gofer_attr attr;
	uint64_t file, mine, theirs;
	int sock, stop;

	ck_assert_int_eq(create(&f, f.root, "file", S_IFREG | 0600, "", &file, &attr), 0);
	ck_assert_int_eq(gofer_clone(&f.client, &f.call, &sock), 0);
	other.sock = sock;
	other.blocking = (struct gofer_blocking){.client = &other.client, .sock = sock, .buf = other.rx};
	gofer_client_init(&other.client, &gofer_blocking_transport, &other.blocking);
	gofer_call_init(&other.call, other.buf, sizeof(other.buf));
	ck_assert_int_eq(gofer_getattr(&other.client, &other.call, file, &attr), 0);
	theirs = walk1(&other, f.root, "file", &stop, &attr);
	ck_assert_uint_ne(theirs, 0);
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, theirs, &attr), -EBADF);
	mine = walk1(&f, f.root, "file", &stop, &attr);
	ck_assert_int_eq(gofer_getattr(&f.client, &f.call, mine, &attr), 0);
	ck_assert_int_eq(gofer_unlink(&other.client, &other.call, f.root, str("file"), 0), 0);
	ck_assert_uint_eq(walk1(&f, f.root, "file", &stop, &attr), 0);
	/* The original's connection ends; the clone goes on. */
	close(f.sock);
	ck_assert_int_eq(gofer_getattr(&other.client, &other.call, file, &attr), 0);
	f.sock = sock;
}
END_TEST

Suite *suite_ops(void)
{
	Suite *s = suite_create("gofer operations");
	TCase *rw = tcase_create("read-write"), *ro = tcase_create("read-only");

	tcase_add_checked_fixture(rw, setup, teardown);
	tcase_add_test(rw, walk_many);
	tcase_add_test(rw, walk_open);
	tcase_add_test(rw, open_donates);
	tcase_add_test(rw, create_kinds);
	tcase_add_test(rw, create_open_and_tmpfile);
	tcase_add_test(rw, names);
	tcase_add_test(rw, setattr);
	tcase_set_timeout(rw, 60); /* 3,000 files to remove */
	tcase_add_test(rw, readdir_batches);
	tcase_add_test(rw, misc);
	tcase_add_test(rw, xattrs);
	tcase_add_test(rw, xattrs_of_whom);
	tcase_add_test(rw, cpu_hints);
	tcase_add_test(rw, clone_connection);
	suite_add_tcase(s, rw);
	tcase_add_checked_fixture(ro, setup_ro, teardown);
	tcase_add_test(ro, read_only);
	suite_add_tcase(s, ro);
	return s;
}

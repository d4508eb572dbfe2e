/*
 * test_fuse.c - file systems served by a process on /dev/fuse: a small server in memory that speaks the
 * protocol of linux/fuse.h, in a child; the case uses what it serves.
 */
#define _GNU_SOURCE
#include "fuse_server.h"

CASE(a_file_is_read)
{
	start();
	EXPECT_STR(content("m/hello"), "hello fuse\n");
	EXPECT_STR(content("m/sub/deep"), "deep text");
	EXPECT_ERRNO(open("m/none", O_RDONLY), ENOENT);
	EXPECT_ERRNO(open("m/hello/x", O_RDONLY), ENOTDIR);
}

CASE(attributes_are_the_servers)
{
	struct statfs sf;
	struct stat st;

	start();
	OK(stat("m/hello", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0644);
	EXPECT_EQ(st.st_size, 11);
	EXPECT_EQ(st.st_mtim.tv_sec, 1234567);
	EXPECT_EQ(st.st_mtim.tv_nsec, 89);
	OK(chmod("m/hello", 0640));
	OK(chown("m/hello", 33, (gid_t)-1));
	OK(stat("m/hello", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0640);
	EXPECT_EQ(st.st_uid, 33);
	OK(statfs("m", &sf));
	EXPECT_EQ(sf.f_type, 0x65735546);
	EXPECT_EQ(sf.f_blocks, 1000);
	EXPECT_EQ(sf.f_bfree, 400);
	EXPECT_EQ(sf.f_namelen, 63);
}

CASE(a_directory_is_listed)
{
	struct dirent *e;
	int seen = 0;
	DIR *d;

	start();
	d = opendir("m");
	EXPECT(d);
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, "hello"))
			seen |= e->d_type == DT_REG ? 1 : 8;
		if (!strcmp(e->d_name, "sub"))
			seen |= e->d_type == DT_DIR ? 2 : 8;
		if (!strcmp(e->d_name, "deep"))
			seen |= 8;
		if (!strcmp(e->d_name, ".."))
			seen |= 4;
	}
	EXPECT_EQ(seen, 7);
}

CASE(a_file_is_made_and_written)
{
	struct stat st;
	int fd;

	start();
	fd = open("m/new", O_RDWR | O_CREAT | O_EXCL, 0600);
	OK(fd);
	EXPECT_EQ(write(fd, "some text", 9), 9);
	EXPECT_EQ(pwrite(fd, "T", 1, 5), 1);
	EXPECT_EQ(lseek(fd, 0, SEEK_END), 9);
	OK(fsync(fd));
	OK(close(fd));
	EXPECT_STR(content("m/new"), "some Text");
	EXPECT_ERRNO(open("m/new", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	OK(truncate("m/new", 4));
	OK(stat("m/new", &st));
	EXPECT_EQ(st.st_size, 4);
	fd = open("m/new", O_WRONLY | O_APPEND);
	EXPECT_EQ(write(fd, "!", 1), 1);
	EXPECT_STR(content("m/new"), "some!");
	fd = open("m/new", O_WRONLY | O_TRUNC);
	OK(fd);
	EXPECT_STR(content("m/new"), "");
}

CASE(more_than_one_request_can_carry)
{
	static char text[20000], got[20000];
	int fd;

	start();
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	fd = open("m/big", O_RDWR | O_CREAT, 0600);
	OK(fd);
	EXPECT_EQ(write(fd, text, sizeof(text)), (long)sizeof(text));
	EXPECT_EQ(pread(fd, got, sizeof(got), 0), (long)sizeof(got));
	EXPECT(!memcmp(text, got, sizeof(got)));
	EXPECT_ERRNO(pwrite(fd, "x", 1, 30000), ENOSPC);
}

CASE(names_are_made_moved_and_removed)
{
	char buf[20] = "";

	start();
	OK(mkdir("m/d", 0755));
	OK(symlink("hello", "m/link"));
	EXPECT_EQ(readlink("m/link", buf, sizeof(buf)), 5);
	EXPECT_STR(buf, "hello");
	EXPECT_STR(content("m/link"), "hello fuse\n");
	OK(rename("m/hello", "m/d/moved"));
	EXPECT_ERRNO(access("m/hello", F_OK), ENOENT);
	EXPECT_STR(content("m/d/moved"), "hello fuse\n");
	OK(unlink("m/d/moved"));
	EXPECT_ERRNO(unlink("m/d/moved"), ENOENT);
	OK(rmdir("m/d"));
	EXPECT_ERRNO(link("m/link", "m/link2"), EPERM);
}

CASE(what_the_server_cannot)
{
	char buf[20];

	start();
	EXPECT_ERRNO(getxattr("m/hello", "user.x", buf, sizeof(buf)), EOPNOTSUPP);
	EXPECT_ERRNO(setxattr("m/hello", "user.x", "v", 1, 0), EOPNOTSUPP);
	EXPECT_ERRNO(fallocate(open("m/hello", O_RDWR), 0, 0, 10), EOPNOTSUPP);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "m/hello", AT_FDCWD, "m/x", RENAME_NOREPLACE), EINVAL);
}

CASE(a_private_mapping)
{
	char *p;
	int fd;

	start();
	fd = open("m/hello", O_RDONLY);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	EXPECT(p != MAP_FAILED);
	EXPECT(!memcmp(p, "hello fuse\n", 11));
	EXPECT_EQ(p[11], 0);
	p[0] = 'J';
	EXPECT_STR(content("m/hello"), "hello fuse\n");
}

CASE(names_change_behind_our_back)
{
	does.entry_cache = false;
	start();
	EXPECT_ERRNO(access("m/late", F_OK), ENOENT);
	close(open("m/late", O_WRONLY | O_CREAT, 0600));
	OK(access("m/late", F_OK));
}

CASE(another_user_may_not)
{
	start();
	OK(stat("m/hello", &(struct stat){0}));
	OK(setresgid(1000, 1000, 1000));
	OK(setresuid(1000, 1000, 1000));
	EXPECT_ERRNO(open("m/hello", O_RDONLY), EACCES);
	EXPECT_ERRNO(stat("m/hello", &(struct stat){0}), EACCES);
}

CASE(another_user_may_if_allowed)
{
	start_with(",allow_other");
	OK(setresgid(1000, 1000, 1000));
	OK(setresuid(1000, 1000, 1000));
	EXPECT_STR(content("m/sub/deep"), "deep text"); /* the server checks modes, and ours does not */
}

CASE(modes_count_if_asked)
{
	start_with(",allow_other,default_permissions");
	OK(setresgid(1000, 1000, 1000));
	OK(setresuid(1000, 1000, 1000));
	EXPECT_STR(content("m/hello"), "hello fuse\n");
	EXPECT_ERRNO(open("m/sub/deep", O_RDONLY), EACCES);
}

CASE(unmounting_ends_the_server)
{
	pid_t pid;

	dev = open("/dev/fuse", O_RDWR);
	if (dev >= 0)
		close(dev);
	pid = start_with("");
	OK(access("m/hello", F_OK));
	OK(umount("m"));
	expect_exit(pid, 7);
}

CASE(the_end_of_the_server_ends_calls)
{
	pid_t pid = start_with("");
	int fd = open("m/hello", O_RDONLY);
	char c;

	OK(fd);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	EXPECT_ERRNO(read(fd, &c, 1), ENOTCONN);
	EXPECT_ERRNO(open("m/sub/deep", O_RDONLY), ENOTCONN);
	close(fd);
}

CASE(a_server_that_hangs_ends)
{
	pid_t server_pid, pid;

	does.hang = true;
	server_pid = start_with("");
	pid = fork();
	if (!pid)
		_exit(access("m/sub/hang", F_OK) ? errno : 0);
	sleep_ms(100);
	EXPECT_STR(content("m/hello"), "hello fuse\n"); /* the others go on */
	kill(server_pid, SIGKILL);
	expect_signal(server_pid, SIGKILL);
	expect_exit(pid, ECONNABORTED);
}

CASE(mount_errors)
{
	char opt[100];
	int other = open("/", O_RDONLY);

	dev = open("/dev/fuse", O_RDWR);
	if (dev < 0)
		case_skip("no /dev/fuse");
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("m", 0755));
	EXPECT_ERRNO(mount("test", "m", "fuse", 0, NULL), EINVAL);
	EXPECT_ERRNO(mount("test", "m", "fuse", 0, "fd=99,rootmode=40000,user_id=0,group_id=0"), EINVAL);
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0", other);
	EXPECT_ERRNO(mount("test", "m", "fuse", 0, opt), EINVAL);
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0", dev);
	EXPECT_ERRNO(mount("test", "m", "fuse", 0, opt), EINVAL);
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0,nonsense", dev);
	EXPECT_ERRNO(mount("test", "m", "fuse", 0, opt), EINVAL);
}

CASE(the_device)
{
	char buf[16384];
	struct stat st;

	dev = open("/dev/fuse", O_RDWR | O_NONBLOCK);
	if (dev < 0)
		case_skip("no /dev/fuse");
	OK(fstat(dev, &st));
	EXPECT_EQ(st.st_rdev, makedev(10, 229));
	EXPECT_ERRNO(read(dev, buf, sizeof(buf)), EPERM); /* not mounted */
	EXPECT_ERRNO(write(dev, buf, sizeof(buf)), EPERM);
}

CASE(the_first_request_and_bad_answers)
{
	static char buf[1 << 17] __attribute__((aligned(8)));
	struct fuse_in_header *h = (void *)buf;
	struct fuse_init_in *in = (void *)(buf + sizeof(*h));
	struct fuse_out_header bad = {.len = 16, .error = 0, .unique = 4711};
	struct pollfd p;
	char opt[100];

	dev = open("/dev/fuse", O_RDWR | O_NONBLOCK);
	if (dev < 0)
		case_skip("no /dev/fuse");
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("m", 0755));
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	OK(mount("test", "m", "fuse.kind", 0, opt));
	p = (struct pollfd){.fd = dev, .events = POLLIN};
	EXPECT_EQ(poll(&p, 1, 1000), 1);
	EXPECT_ERRNO(read(dev, buf, 100), EINVAL);
	EXPECT(read(dev, buf, sizeof(buf)) >= (long)(sizeof(*h) + 16));
	EXPECT_EQ(h->opcode, FUSE_INIT);
	EXPECT_EQ(in->major, 7);
	EXPECT(in->minor >= 31);
	EXPECT_ERRNO(read(dev, buf, sizeof(buf)), EAGAIN);
	EXPECT_ERRNO(write(dev, &bad, sizeof(bad)), ENOENT);
	bad.len = 15;
	EXPECT_ERRNO(write(dev, &bad, sizeof(bad)), EINVAL);
	bad.len = 16;
	bad.error = 5;
	EXPECT_ERRNO(write(dev, &bad, sizeof(bad)), EINVAL);
	EXPECT_ERRNO(write(dev, &bad, 8), EINVAL);
	OK(umount2("m", MNT_DETACH));
	EXPECT_ERRNO(read(dev, buf, sizeof(buf)), ENODEV);
}

/*
 * test_fuse_more.c - what file servers may do beside the plain protocol: splice, listings with attributes,
 * files made and opened at once, holes, locks of their own, names of their kind.
 */
#define _GNU_SOURCE
#include <sys/file.h>

#include "fuse_server.h"

static char line[4096];

/* The line of /proc/self/mounts (or mountinfo) about "m". */
static const char *mount_line(const char *file)
{
	FILE *f = fopen(file, "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "/m "))
			return line;
	return "";
}

/* ---- splice ---- */

CASE(a_server_that_splices)
{
	static char text[15000], got[15001];
	int fd;

	does.splice = true;
	start();
	EXPECT_STR(content("m/hello"), "hello fuse\n");
	EXPECT_ERRNO(open("m/none", O_RDONLY), ENOENT);
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	fd = open("m/big", O_RDWR | O_CREAT, 0600);
	OK(fd);
	EXPECT_EQ(write(fd, text, sizeof(text)), (long)sizeof(text));
	EXPECT_EQ(pread(fd, got, sizeof(got), 0), (long)sizeof(text));
	EXPECT(!memcmp(text, got, sizeof(text)));
}

/* Mounts without a server: the first request waits. */
static void mounted(void)
{
	char opt[100];

	dev = open("/dev/fuse", O_RDWR | O_NONBLOCK);
	if (dev < 0)
		case_skip("no /dev/fuse");
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("m", 0755));
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	OK(mount("test", "m", "fuse", 0, opt));
	OK(pipe2(pipe_fd, O_NONBLOCK));
	OK(fcntl(pipe_fd[1], F_SETPIPE_SZ, 1 << 19));
}

CASE(messages_are_spliced_whole)
{
	static char buf[1 << 17] __attribute__((aligned(8)));
	struct fuse_in_header *h = (void *)buf;
	struct fuse_out_header bad = {.len = 16, .unique = 4711};
	ssize_t n;

	mounted();
	EXPECT_ERRNO(splice(dev, NULL, pipe_fd[1], NULL, 100, 0), EINVAL); /* less than a request may have */
	n = splice(dev, NULL, pipe_fd[1], NULL, sizeof(buf), 0);
	EXPECT(n >= (long)sizeof(*h));
	EXPECT_EQ(read(pipe_fd[0], buf, sizeof(buf)), n);
	EXPECT_EQ(h->opcode, FUSE_INIT);
	EXPECT_EQ(h->len, n);
	EXPECT_ERRNO(splice(dev, NULL, pipe_fd[1], NULL, sizeof(buf), 0), EAGAIN);
	EXPECT_EQ(write(pipe_fd[1], &bad, sizeof(bad)), (long)sizeof(bad));
	EXPECT_ERRNO(splice(pipe_fd[0], NULL, dev, NULL, sizeof(bad) + 1, 0),
		     EINVAL); /* so much is not there */
	EXPECT_ERRNO(splice(pipe_fd[0], NULL, dev, NULL, sizeof(bad), 0), ENOENT);
}

CASE(a_pipe_without_room_for_a_message)
{
	static char buf[1 << 17];
	ssize_t n;

	mounted();
	OK(fcntl(pipe_fd[1], F_SETPIPE_SZ, 4096));
	n = write(pipe_fd[1], buf, 4096);
	EXPECT_EQ(n, 4096);
	n = splice(dev, NULL, pipe_fd[1], NULL, sizeof(buf), SPLICE_F_NONBLOCK);
	EXPECT(n < 0 && (errno == EIO || errno == EAGAIN));
}

/* ---- listings ---- */

static int names(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	EXPECT(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

CASE(a_listing_with_attributes)
{
	struct stat st;

	does.flags = FUSE_DO_READDIRPLUS;
	does.entry_cache = true;
	start();
	EXPECT_EQ(names("m"), 5);
	EXPECT(saw->plus_lists > 0);
	EXPECT_EQ(saw->lists, 0);
	EXPECT_EQ(saw->lookups, 0);
	OK(stat("m/hello", &st)); /* known from the list */
	EXPECT_EQ(st.st_size, 11);
	EXPECT_EQ(saw->lookups, 0);
	EXPECT_STR(content("m/hello"), "hello fuse\n");
	EXPECT_EQ(names("m/sub"), 3);
	EXPECT_STR(content("m/sub/deep"), "deep text");
	EXPECT_EQ(saw->lookups, 0);
}

CASE(a_listing_without_attributes)
{
	start();
	EXPECT_EQ(names("m"), 5);
	EXPECT_EQ(saw->plus_lists, 0);
	EXPECT(saw->lists > 0);
	OK(access("m/hello", F_OK));
	EXPECT(saw->lookups > 0);
}

CASE(what_a_listing_named_is_forgotten)
{
	does.flags = FUSE_DO_READDIRPLUS;
	start();
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(names("m"), 5);
	OK(unlink("m/hello")); /* ten lists named it, and a lookup or two */
	for (int i = 0; i < 100 && saw->forgotten < 10; i++)
		sleep_ms(20);
	EXPECT(saw->forgotten >= 10 && saw->forgotten <= 13);
}

/* ---- making and opening at once ---- */

CASE(a_file_is_made_open)
{
	int fd;

	does.mknod = true;
	start();
	fd = open("m/new", O_RDWR | O_CREAT | O_EXCL, 0444); /* nobody could open it for writing later */
	OK(fd);
	EXPECT_EQ(write(fd, "text", 4), 4);
	OK(close(fd));
	EXPECT_EQ(saw->creates, 1);
	EXPECT_EQ(saw->opens, 0);
	for (int i = 0; i < 100 && saw->releases < 1; i++)
		sleep_ms(20);
	EXPECT_EQ(saw->releases, 1);
	EXPECT_STR(content("m/new"), "text");
	EXPECT_EQ(saw->opens, 1);
}

CASE(the_server_takes_the_umask)
{
	struct stat st;

	does.mknod = true;
	does.flags = FUSE_DONT_MASK;
	start();
	umask(027);
	close(open("m/new", O_RDWR | O_CREAT, 0666));
	OK(mkdir("m/dir", 0777));
	OK(stat("m/new", &st));
	EXPECT_EQ(st.st_mode & 07777, 0666); /* this one does nothing with it */
	OK(stat("m/dir", &st));
	EXPECT_EQ(st.st_mode & 07777, 0777);
}

CASE(the_kernel_takes_the_umask)
{
	struct stat st;

	start();
	umask(027);
	close(open("m/new", O_RDWR | O_CREAT, 0666));
	OK(stat("m/new", &st));
	EXPECT_EQ(st.st_mode & 07777, 0640);
}

CASE(a_rename_that_hangs_holds_up_no_other)
{
	pid_t pid, server_pid;

	does.hang_rename = true;
	server_pid = start_with("");
	pid = fork();
	if (!pid) {
		rename("m/hello", "m/sub/hello");
		_exit(0);
	}
	for (int i = 0; i < 500 && !saw->renames; i++)
		sleep_ms(10);
	EXPECT_EQ(saw->renames, 1);
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	close(open("a/f", O_WRONLY | O_CREAT, 0600));
	OK(rename("a/f", "b/f"));
	kill(server_pid, SIGKILL);
	expect_signal(server_pid, SIGKILL);
	expect_exit(pid, 0);
}

CASE(mknod_makes_it_closed)
{
	does.mknod = true;
	start();
	OK(mknod("m/plain", S_IFREG | 0600, 0));
	EXPECT_EQ(saw->creates, 0);
	EXPECT_STR(content("m/plain"), "");
	EXPECT_EQ(saw->opens, 1);
}

CASE(mknod_needs_the_server)
{
	start();
	EXPECT_ERRNO(mknod("m/plain", S_IFREG | 0600, 0), ENOSYS);
	EXPECT_ERRNO(mknod("m/pipe", S_IFIFO | 0600, 0), ENOSYS);
}

CASE(a_server_that_can_only_mknod)
{
	int fd;

	does.mknod = does.no_create = true;
	start();
	for (int i = 0; i < 2; i++) {
		fd = open(i ? "m/b" : "m/a", O_RDWR | O_CREAT, 0600);
		OK(fd);
		EXPECT_EQ(write(fd, "x", 1), 1);
		close(fd);
	}
	EXPECT_EQ(saw->creates, 1); /* it was asked once */
	EXPECT_EQ(saw->opens, 2);
}

/* ---- holes ---- */

CASE(holes_as_the_server_says)
{
	int fd;

	does.seek = true;
	start();
	fd = open("m/hello", O_RDWR);
	OK(ftruncate(fd, 200));
	EXPECT_EQ(lseek(fd, 5, SEEK_DATA), 5);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 5);
	EXPECT_EQ(lseek(fd, 5, SEEK_HOLE), 100);
	EXPECT_ERRNO(lseek(fd, 200, SEEK_DATA), ENXIO);
	EXPECT_EQ(saw->seeks, 3);
	EXPECT_ERRNO(lseek(fd, 0, 9), EINVAL);
}

CASE(no_holes_if_it_does_not_know)
{
	int fd;

	start();
	fd = open("m/hello", O_RDONLY);
	EXPECT_EQ(lseek(fd, 5, SEEK_DATA), 5);
	EXPECT_EQ(lseek(fd, 5, SEEK_HOLE), 11);
	EXPECT_ERRNO(lseek(fd, 11, SEEK_DATA), ENXIO);
	EXPECT_ERRNO(lseek(fd, -1, SEEK_DATA), ENXIO);
	EXPECT_EQ(saw->seeks, 1); /* it was asked once */
}

/* ---- locks ---- */

static int record(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

	return fcntl(fd, cmd, &l);
}

CASE(record_locks_are_the_servers)
{
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 1500, .l_len = 10};
	uint64_t owner;
	int fd;

	does.flags = FUSE_POSIX_LOCKS;
	start();
	fd = open("m/hello", O_RDWR);
	OK(record(fd, F_SETLK, F_WRLCK, 10, 5));
	EXPECT_EQ(saw->lock_op, FUSE_SETLK);
	EXPECT_EQ(saw->lock.lk.start, 10);
	EXPECT_EQ(saw->lock.lk.end, 14);
	EXPECT_EQ(saw->lock.lk.type, F_WRLCK);
	EXPECT_EQ(saw->lock.lk.pid, (unsigned)getpid());
	EXPECT_EQ(saw->lock.fh, 77);
	EXPECT_EQ(saw->lock.lk_flags, 0);
	owner = saw->lock.owner;
	EXPECT(owner != 0);
	OK(record(fd, F_SETLKW, F_RDLCK, 2000, 0));
	EXPECT_EQ(saw->lock_op, FUSE_SETLKW);
	EXPECT_EQ(saw->lock.lk.end, INT64_MAX);
	EXPECT_EQ(saw->lock.owner, owner);
	EXPECT_ERRNO(record(fd, F_SETLK, F_WRLCK, 0, 0), EAGAIN);
	OK(fcntl(fd, F_GETLK, &l));
	EXPECT_EQ(l.l_type, F_WRLCK);
	EXPECT_EQ(l.l_start, 1000);
	EXPECT_EQ(l.l_len, 1000);
	OK(record(fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(saw->lock.lk.type, F_UNLCK);
	OK(record(fd, F_OFD_SETLK, F_RDLCK, 0, 1));
	EXPECT(saw->lock.owner != owner);
	OK(close(fd));
	EXPECT_EQ(saw->flush_owner, owner); /* which ends its locks */
}

CASE(whole_file_locks_are_the_servers)
{
	int fd;

	does.flags = FUSE_FLOCK_LOCKS;
	start();
	fd = open("m/hello", O_RDWR);
	OK(flock(fd, LOCK_EX));
	EXPECT_EQ(saw->lock_op, FUSE_SETLKW);
	EXPECT_EQ(saw->lock.lk_flags, FUSE_LK_FLOCK);
	EXPECT_EQ(saw->lock.lk.type, F_WRLCK);
	OK(flock(fd, LOCK_SH | LOCK_NB));
	EXPECT_EQ(saw->lock_op, FUSE_SETLK);
	OK(record(fd, F_SETLK, F_WRLCK, 1500, 1)); /* record locks are the kernel's */
	EXPECT_EQ(saw->locks, 2);
	OK(close(fd));
	for (int i = 0; i < 100 && !saw->release_flags; i++)
		sleep_ms(20);
	EXPECT_EQ(saw->release_flags, FUSE_RELEASE_FLOCK_UNLOCK);
	EXPECT_EQ(saw->release_owner, saw->lock.owner);
}

CASE(locks_are_the_kernels_otherwise)
{
	pid_t pid;
	int fd;

	start();
	fd = open("m/hello", O_RDWR);
	OK(record(fd, F_SETLK, F_WRLCK, 0, 0));
	OK(flock(fd, LOCK_EX));
	pid = fork();
	if (!pid) {
		int other = open("m/hello", O_RDWR);
		_exit(record(other, F_SETLK, F_WRLCK, 5, 1) == 0 || errno != EAGAIN ? 1
		      : flock(other, LOCK_SH | LOCK_NB) == 0                        ? 2
										    : 0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(saw->locks, 0);
}

/* ---- names ---- */

CASE(the_kind_is_shown)
{
	char opt[100];

	dev = open("/dev/fuse", O_RDWR);
	if (dev < 0)
		case_skip("no /dev/fuse");
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("m", 0755));
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	OK(mount("source", "m", "fuse.kind", 0, opt));
	EXPECT(strstr(mount_line("/proc/self/mounts"), " fuse.kind rw"));
	EXPECT(strstr(mount_line("/proc/self/mountinfo"), " - fuse.kind source rw"));
}

CASE(the_kind_as_an_option)
{
	start_with(",subtype=other");
	EXPECT(strstr(mount_line("/proc/self/mounts"), " fuse.other rw"));
	EXPECT(!strstr(line, "subtype"));
}

/* ---- mappings that are written in common ---- */

static char *shared_map(int fd, size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

CASE(what_is_mapped_and_written_comes_back)
{
	struct stat st;
	char *p;
	int fd;

	start();
	fd = open("m/hello", O_RDWR);
	OK(ftruncate(fd, 9000));
	p = shared_map(fd, 9000);
	EXPECT(!memcmp(p, "hello fuse\n", 12));
	memcpy(p, "HELLO", 5);
	memcpy(p + 8190, "over the edge", 10);
	EXPECT(!memcmp(content("m/hello"), "HELLO fuse\n", 12)); /* seen by read at once */
	OK(msync(p, 9000, MS_SYNC));
	OK(munmap(p, 9000));
	OK(close(fd));
	OK(stat("m/hello", &st));
	EXPECT_EQ(st.st_size, 9000);
	EXPECT(!memcmp(content("m/hello"), "HELLO fuse\n", 12));
	EXPECT(!memcmp(content("m/hello") + 8190, "over the e", 11));
}

CASE(it_comes_back_without_msync)
{
	char *p;
	int fd;

	start();
	fd = open("m/hello", O_RDWR);
	p = shared_map(fd, 11);
	OK(close(fd)); /* the mapping keeps the file */
	memcpy(p, "HELLO", 5);
	OK(munmap(p, 11));
	EXPECT_STR(content("m/hello"), "HELLO fuse\n");
}

CASE(processes_share_a_mapping)
{
	char *p, *q;
	pid_t pid;
	int fd;

	start();
	fd = open("m/hello", O_RDWR);
	p = shared_map(fd, 11);
	q = mmap(NULL, 11, PROT_READ, MAP_SHARED, open("m/hello", O_RDONLY), 0);
	EXPECT(q != MAP_FAILED);
	pid = fork();
	if (!pid) {
		int other = open("m/hello", O_RDWR);
		char *r = mmap(NULL, 11, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
		p[0] = 'J';
		r[1] = 'E';
		_exit(r[0] != 'J');
	}
	expect_exit(pid, 0);
	EXPECT(!memcmp(p, "JEllo", 5));
	EXPECT(!memcmp(q, "JEllo", 5));
	EXPECT_EQ(pwrite(fd, "LL", 2, 2), 2); /* and a write is seen in it */
	EXPECT(!memcmp(q, "JELLo", 5));
}

CASE(a_killed_process_loses_nothing)
{
	pid_t pid;

	start();
	pid = fork();
	if (!pid) {
		char *p = shared_map(open("m/hello", O_RDWR), 11);
		memcpy(p, "HELLO", 5);
		raise(SIGKILL);
	}
	expect_signal(pid, SIGKILL);
	EXPECT_STR(content("m/hello"), "HELLO fuse\n");
}

CASE(a_mapped_file_changes_its_size)
{
	char *p;
	int fd;

	start();
	fd = open("m/hello", O_RDWR);
	OK(ftruncate(fd, 5000));
	p = shared_map(fd, 8192);
	memset(p, 'x', 5000);
	memset(p + 5000, 'y', 100); /* behind the end */
	OK(ftruncate(fd, 3000));
	OK(ftruncate(fd, 6000));
	EXPECT_EQ(p[2999], 'x');
	EXPECT_EQ(p[3000], 0);
	EXPECT_EQ(p[5050], 0);
	EXPECT_EQ(pwrite(fd, "end", 3, 8000), 3);
	EXPECT(!memcmp(p + 8000, "end", 3));
	OK(munmap(p, 8192));
	OK(close(fd));
	EXPECT_EQ(content("m/hello")[2999], 'x');
	EXPECT_EQ(content("m/hello")[3000], 0);
	EXPECT(!memcmp(content("m/hello") + 8000, "end", 4));
}

CASE(a_large_sparse_file_mapped)
{
	off_t size = 300L << 20;
	char *p;
	int fd;

	does.big = true; /* takes any size, keeps the first bytes */
	start();
	fd = open("m/hello", O_RDWR);
	OK(ftruncate(fd, size));
	p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(p != MAP_FAILED);
	memcpy(p, "HELLO", 5);
	OK(msync(p, 1 << 20, MS_SYNC));
	OK(munmap(p, 1 << 20));
	OK(ftruncate(fd, 11));
	OK(close(fd));
	EXPECT_STR(content("m/hello"), "HELLO fuse\n");
}

CASE(a_mapping_for_reading_stays_so)
{
	int fd;
	char *p;

	start();
	fd = open("m/hello", O_RDONLY);
	EXPECT_ERRNO(mmap(NULL, 11, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0,
		     EACCES);
	p = mmap(NULL, 11, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT(p != MAP_FAILED);
	EXPECT_ERRNO(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES);
}

/* ---- the end ---- */

CASE(removed_directories_do_not_keep_it)
{
	pid_t pid;

	does.entry_cache = true;
	pid = start_with("");
	OK(mkdir("m/a", 0755));
	OK(mkdir("m/a/b", 0755));
	EXPECT_ERRNO(access("m/a/b/none", F_OK), ENOENT); /* an absence that is remembered */
	OK(rmdir("m/a/b"));
	OK(rmdir("m/a"));
	OK(umount("m"));
	expect_exit(pid, 7);
}

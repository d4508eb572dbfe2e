/*
 * test_inotify.c - inotify(7): events of files and directories, cookies, watches and their limits, tee(2).
 */
#include "case.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

/* The next event of a non-blocking instance; false when there is none. */
struct event {
	struct inotify_event e;
	char name[256];
};

static bool next_event(int fd, struct event *out)
{
	static char buf[65536];
	static size_t at, have;
	const struct inotify_event *e;

	if (at >= have) {
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EAGAIN)
			return false;
		EXPECT(n >= (ssize_t)sizeof(*e));
		at = 0;
		have = (size_t)n;
	}
	e = (const struct inotify_event *)(const void *)(buf + at);
	memset(out, 0, sizeof(*out));
	out->e = *e;
	if (e->len)
		memcpy(out->name, e->name, e->len);
	at += sizeof(*e) + e->len;
	return true;
}

static void expect_event(int fd, int wd, uint32_t mask, const char *name)
{
	struct event ev;

	EXPECT(next_event(fd, &ev));
	if (ev.e.wd != wd || ev.e.mask != mask || strcmp(ev.name, name))
		case_fail(__FILE__, __LINE__, "event wd %d mask %#x name '%s', expected %d %#x '%s'", ev.e.wd,
			  ev.e.mask, ev.name, wd, mask, name);
}

static void expect_none(int fd)
{
	struct event ev;

	if (next_event(fd, &ev))
		case_fail(__FILE__, __LINE__, "unexpected event wd %d mask %#x name '%s'", ev.e.wd, ev.e.mask,
			  ev.name);
}

static int instance(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	OK(fd);
	return fd;
}

CASE(inotify_init_blocks)
{
	int fd = inotify_init();

	OK(fd);
	EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	EXPECT_EQ(fcntl(fd, F_GETFD), 0);
}

CASE(inotify_init1_flags)
{
	int fd = instance();

	EXPECT(fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_ERRNO(inotify_init1(1), EINVAL);
}

CASE(inotify_empty_is_eagain)
{
	char buf[64];

	EXPECT_ERRNO(read(instance(), buf, sizeof(buf)), EAGAIN);
}

CASE(inotify_write_is_ebadf)
{
	EXPECT_ERRNO(write(instance(), "x", 1), EBADF);
}

CASE(inotify_file_life)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_ALL_EVENTS), f;
	char c;

	EXPECT_EQ(wd, 1);
	f = open("a", O_RDWR | O_CREAT, 0644);
	OK(f);
	EXPECT_EQ(write(f, "x", 1), 1);
	EXPECT_EQ(pread(f, &c, 1, 0), 1);
	OK(close(f));
	OK(unlink("a"));
	expect_event(fd, wd, IN_CREATE, "a");
	expect_event(fd, wd, IN_OPEN, "a");
	expect_event(fd, wd, IN_MODIFY, "a");
	expect_event(fd, wd, IN_ACCESS, "a");
	expect_event(fd, wd, IN_CLOSE_WRITE, "a");
	expect_event(fd, wd, IN_DELETE, "a");
	expect_none(fd);
}

CASE(inotify_file_watch_ends_with_it)
{
	int fd = instance(), wd, f = make_file("a", "x");

	close(f);
	wd = inotify_add_watch(fd, "a", IN_ALL_EVENTS);
	OK(wd);
	OK(unlink("a"));
	expect_event(fd, wd, IN_ATTRIB, "");
	expect_event(fd, wd, IN_DELETE_SELF, "");
	expect_event(fd, wd, IN_IGNORED, "");
	expect_none(fd);
	EXPECT_ERRNO(inotify_rm_watch(fd, wd), EINVAL);
}

CASE(inotify_unlinked_while_open)
{
	int fd = instance(), wd, f = make_file("a", "x");

	wd = inotify_add_watch(fd, "a", IN_ALL_EVENTS);
	OK(unlink("a"));
	expect_event(fd, wd, IN_ATTRIB, "");
	expect_none(fd);
	close(f);
	expect_event(fd, wd, IN_CLOSE_WRITE, "");
	expect_event(fd, wd, IN_DELETE_SELF, "");
	expect_event(fd, wd, IN_IGNORED, "");
}

CASE(inotify_link_counts)
{
	int fd = instance(), wd, f = make_file("a", "x");

	close(f);
	wd = inotify_add_watch(fd, "a", IN_ALL_EVENTS);
	OK(link("a", "b"));
	expect_event(fd, wd, IN_ATTRIB, "");
	OK(unlink("a"));
	expect_event(fd, wd, IN_ATTRIB, "");
	expect_none(fd);
	/* the other name still is the watched inode */
	OK(chmod("b", 0600));
	expect_event(fd, wd, IN_ATTRIB, "");
	OK(unlink("b"));
	expect_event(fd, wd, IN_ATTRIB, "");
	expect_event(fd, wd, IN_DELETE_SELF, "");
}

CASE(inotify_directory_made_and_removed)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_ALL_EVENTS), wd2;

	OK(mkdir("d", 0755));
	expect_event(fd, wd, IN_CREATE | IN_ISDIR, "d");
	wd2 = inotify_add_watch(fd, "d", IN_ALL_EVENTS);
	EXPECT_EQ(wd2, 2);
	OK(rmdir("d"));
	expect_event(fd, wd2, IN_DELETE_SELF, "");
	expect_event(fd, wd2, IN_IGNORED, "");
	expect_event(fd, wd, IN_DELETE | IN_ISDIR, "d");
	expect_none(fd);
}

CASE(inotify_rename_has_one_cookie)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_MOVE);
	struct event from, to;

	close(make_file("a", "x"));
	OK(rename("a", "b"));
	EXPECT(next_event(fd, &from));
	EXPECT(next_event(fd, &to));
	EXPECT_EQ(from.e.wd, wd);
	EXPECT_EQ(from.e.mask, IN_MOVED_FROM);
	EXPECT_EQ(to.e.mask, IN_MOVED_TO);
	EXPECT_STR(from.name, "a");
	EXPECT_STR(to.name, "b");
	EXPECT(from.e.cookie != 0);
	EXPECT_EQ(from.e.cookie, to.e.cookie);
}

CASE(inotify_rename_between_directories)
{
	int fd = instance(), a, b, self;

	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mkdir("a/x", 0755));
	a = inotify_add_watch(fd, "a", IN_ALL_EVENTS);
	b = inotify_add_watch(fd, "b", IN_ALL_EVENTS);
	self = inotify_add_watch(fd, "a/x", IN_MOVE_SELF);
	OK(rename("a/x", "b/y"));
	expect_event(fd, a, IN_MOVED_FROM | IN_ISDIR, "x");
	expect_event(fd, b, IN_MOVED_TO | IN_ISDIR, "y");
	expect_event(fd, self, IN_MOVE_SELF, "");
	expect_none(fd);
}

CASE(inotify_rename_over_a_watched_file)
{
	int fd = instance(), wd;

	close(make_file("a", "x"));
	close(make_file("b", "x"));
	wd = inotify_add_watch(fd, "b", IN_ALL_EVENTS);
	OK(rename("a", "b"));
	expect_event(fd, wd, IN_ATTRIB, "");
	expect_event(fd, wd, IN_DELETE_SELF, "");
	expect_event(fd, wd, IN_IGNORED, "");
	expect_none(fd);
}

CASE(inotify_mask_selects)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_DELETE);

	close(make_file("a", "x"));
	OK(unlink("a"));
	expect_event(fd, wd, IN_DELETE, "a");
	expect_none(fd);
}

CASE(inotify_second_watch_replaces_mask)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_CREATE);

	EXPECT_EQ(inotify_add_watch(fd, ".", IN_DELETE), wd);
	close(make_file("a", "x"));
	OK(unlink("a"));
	expect_event(fd, wd, IN_DELETE, "a");
	expect_none(fd);
}

CASE(inotify_mask_add)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_CREATE);

	EXPECT_EQ(inotify_add_watch(fd, ".", IN_DELETE | IN_MASK_ADD), wd);
	close(make_file("a", "x"));
	OK(unlink("a"));
	expect_event(fd, wd, IN_CREATE, "a");
	expect_event(fd, wd, IN_DELETE, "a");
}

CASE(inotify_mask_create)
{
	int fd = instance();

	OK(inotify_add_watch(fd, ".", IN_CREATE | IN_MASK_CREATE));
	EXPECT_ERRNO(inotify_add_watch(fd, ".", IN_CREATE | IN_MASK_CREATE), EEXIST);
	EXPECT_ERRNO(inotify_add_watch(fd, ".", IN_CREATE | IN_MASK_CREATE | IN_MASK_ADD), EINVAL);
}

CASE(inotify_oneshot)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_CREATE | IN_ONESHOT);

	close(make_file("a", "x"));
	close(make_file("b", "x"));
	expect_event(fd, wd, IN_CREATE, "a");
	expect_event(fd, wd, IN_IGNORED, "");
	expect_none(fd);
}

CASE(inotify_onlydir)
{
	close(make_file("a", "x"));
	EXPECT_ERRNO(inotify_add_watch(instance(), "a", IN_ALL_EVENTS | IN_ONLYDIR), ENOTDIR);
	OK(inotify_add_watch(instance(), ".", IN_ALL_EVENTS | IN_ONLYDIR));
}

CASE(inotify_dont_follow)
{
	int fd = instance(), wd;

	close(make_file("a", "x"));
	OK(symlink("a", "l"));
	wd = inotify_add_watch(fd, "l", IN_ATTRIB | IN_DONT_FOLLOW);
	OK(chmod("a", 0600));
	expect_none(fd);
	OK(fchownat(AT_FDCWD, "l", getuid(), getgid(), AT_SYMLINK_NOFOLLOW));
	expect_event(fd, wd, IN_ATTRIB, "");
}

CASE(inotify_excl_unlink)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_MODIFY | IN_EXCL_UNLINK),
	    f = make_file("a", "");

	EXPECT_EQ(write(f, "x", 1), 1);
	expect_event(fd, wd, IN_MODIFY, "a");
	OK(unlink("a"));
	EXPECT_EQ(write(f, "x", 1), 1);
	expect_none(fd);
}

CASE(inotify_unlinked_still_told)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_MODIFY), f = make_file("a", "");

	OK(unlink("a"));
	EXPECT_EQ(write(f, "x", 1), 1);
	expect_event(fd, wd, IN_MODIFY, "a");
}

CASE(inotify_same_events_merge)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_MODIFY), f = make_file("a", "");

	EXPECT_EQ(write(f, "x", 1), 1);
	EXPECT_EQ(write(f, "y", 1), 1);
	expect_event(fd, wd, IN_MODIFY, "a");
	expect_none(fd);
}

CASE(inotify_truncate_and_times)
{
	struct timespec both[2] = {{1, 0}, {2, 0}}, mtime[2] = {{0, UTIME_OMIT}, {2, 0}};
	int fd = instance(), wd;

	close(make_file("a", "abc"));
	wd = inotify_add_watch(fd, "a", IN_ALL_EVENTS);
	OK(truncate("a", 1));
	expect_event(fd, wd, IN_MODIFY, "");
	OK(utimensat(AT_FDCWD, "a", both, 0));
	expect_event(fd, wd, IN_ATTRIB, "");
	OK(utimensat(AT_FDCWD, "a", mtime, 0));
	expect_event(fd, wd, IN_MODIFY, "");
	expect_none(fd);
}

CASE(inotify_open_trunc)
{
	int fd = instance(), wd, f;

	close(make_file("a", "abc"));
	wd = inotify_add_watch(fd, "a", IN_ALL_EVENTS);
	f = open("a", O_WRONLY | O_TRUNC);
	OK(f);
	expect_event(fd, wd, IN_OPEN, "");
	expect_event(fd, wd, IN_MODIFY, "");
	close(f);
	expect_event(fd, wd, IN_CLOSE_WRITE, "");
}

CASE(inotify_readdir_is_access)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_ACCESS), d = open(".", O_RDONLY);
	char buf[4096];

	EXPECT(syscall(SYS_getdents64, d, buf, sizeof(buf)) > 0);
	expect_event(fd, wd, IN_ACCESS | IN_ISDIR, "");
}

CASE(inotify_symlink_link_mknod_create)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_CREATE);

	OK(symlink("x", "s"));
	close(make_file("f", ""));
	OK(link("f", "h"));
	OK(mkfifo("p", 0600));
	expect_event(fd, wd, IN_CREATE, "s");
	expect_event(fd, wd, IN_CREATE, "f");
	expect_event(fd, wd, IN_CREATE, "h");
	expect_event(fd, wd, IN_CREATE, "p");
}

CASE(inotify_rm_watch)
{
	int fd = instance(), wd = inotify_add_watch(fd, ".", IN_CREATE);

	OK(inotify_rm_watch(fd, wd));
	expect_event(fd, wd, IN_IGNORED, "");
	close(make_file("a", "x"));
	expect_none(fd);
	EXPECT_ERRNO(inotify_rm_watch(fd, wd), EINVAL);
	EXPECT_EQ(inotify_add_watch(fd, ".", IN_CREATE), wd + 1);
}

CASE(inotify_bad_arguments)
{
	int fd = instance();

	EXPECT_ERRNO(inotify_add_watch(-1, ".", IN_CREATE), EBADF);
	EXPECT_ERRNO(inotify_add_watch(0x7fff, ".", IN_CREATE), EBADF);
	EXPECT_ERRNO(inotify_add_watch(fd, ".", 0), EINVAL);
	EXPECT_ERRNO(inotify_add_watch(fd, ".", 0x00010000), EINVAL);
	EXPECT_ERRNO(inotify_add_watch(fd, "nothing", IN_CREATE), ENOENT);
	EXPECT_ERRNO(inotify_add_watch(open("/dev/null", O_RDONLY), ".", IN_CREATE), EINVAL);
	EXPECT_ERRNO(inotify_rm_watch(open("/dev/null", O_RDONLY), 1), EINVAL);
	EXPECT_ERRNO(inotify_rm_watch(-1, 1), EBADF);
}

CASE(inotify_needs_read_permission)
{
	pid_t pid;

	OK(mkdir("d", 0700));
	close(make_file("f", ""));
	OK(chmod("f", 0600));
	OK(chmod(".", 0755));
	pid = fork();
	if (!pid) {
		OK(setgid(65534));
		OK(setuid(65534));
		EXPECT_ERRNO(inotify_add_watch(instance(), "d", IN_CREATE), EACCES);
		EXPECT_ERRNO(inotify_add_watch(instance(), "f", IN_CREATE), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(inotify_small_buffer_is_einval)
{
	int fd = instance();
	char buf[64];

	OK(inotify_add_watch(fd, ".", IN_CREATE));
	close(make_file("a", "x"));
	EXPECT_ERRNO(read(fd, buf, sizeof(struct inotify_event)), EINVAL);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 32);
}

CASE(inotify_name_is_padded)
{
	int fd = instance();
	char buf[128];

	OK(inotify_add_watch(fd, ".", IN_CREATE));
	close(make_file("0123456789abcdef", "x"));
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 16 + 32);
}

CASE(inotify_fionread_and_poll)
{
	struct pollfd p = {.fd = instance(), .events = POLLIN};
	int n = -1;

	OK(inotify_add_watch(p.fd, ".", IN_CREATE));
	EXPECT_EQ(poll(&p, 1, 0), 0);
	close(make_file("a", "x"));
	EXPECT_EQ(poll(&p, 1, 1000), 1);
	EXPECT_EQ(p.revents, POLLIN);
	OK(ioctl(p.fd, FIONREAD, &n));
	EXPECT_EQ(n, 32);
}

CASE(inotify_read_waits)
{
	int fd = inotify_init();
	char buf[128];
	pid_t pid;

	OK(inotify_add_watch(fd, ".", IN_CREATE));
	pid = fork();
	if (!pid) {
		sleep_ms(50);
		close(make_file("a", "x"));
		_exit(0);
	}
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 32);
	expect_exit(pid, 0);
}

CASE(inotify_overflow)
{
	int fd = instance(), f, max = 0;
	struct event ev;
	char text[32] = "";
	int p = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY), count = 0;

	EXPECT(p >= 0 && read(p, text, sizeof(text) - 1) > 0);
	max = atoi(text);
	if (max > 100000)
		case_skip("the queue is very long here");
	OK(inotify_add_watch(fd, ".", IN_OPEN | IN_CLOSE));
	for (int i = 0; i < max / 2 + 10; i++) {
		f = open("a", O_RDWR | O_CREAT, 0600);
		close(f);
	}
	while (next_event(fd, &ev)) {
		count++;
		if (ev.e.mask == IN_Q_OVERFLOW)
			break;
	}
	EXPECT_EQ(ev.e.mask, IN_Q_OVERFLOW);
	EXPECT_EQ(ev.e.wd, -1);
	EXPECT_EQ(count, max + 1);
	expect_none(fd);
}

CASE(inotify_instances_are_limited)
{
	char text[32] = "";
	int p = open("/proc/sys/fs/inotify/max_user_instances", O_RDONLY), max, i;
	pid_t pid;

	EXPECT(p >= 0 && read(p, text, sizeof(text) - 1) > 0);
	max = atoi(text);
	if (max > 800)
		case_skip("too many instances are allowed");
	pid = fork();
	if (!pid) {
		OK(setuid(54321)); /* nobody else's instances count */
		for (i = 0; i < max; i++)
			OK(inotify_init1(0));
		EXPECT_ERRNO(inotify_init1(0), EMFILE);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(inotify_unmount)
{
	int fd = instance(), wd;

	OK(mkdir("m", 0755));
	if (mount("t", "m", "tmpfs", 0, NULL))
		case_skip("may not mount");
	wd = inotify_add_watch(fd, "m", IN_CREATE);
	OK(wd);
	OK(umount("m"));
	expect_event(fd, wd, IN_UNMOUNT | IN_ISDIR, "");
	expect_event(fd, wd, IN_IGNORED, "");
}

CASE(inotify_on_tmpfs)
{
	int fd = instance(), wd, f;

	wd = inotify_add_watch(fd, "/dev/shm", IN_CREATE | IN_DELETE);
	OK(wd);
	f = open("/dev/shm/test-inotify", O_CREAT | O_RDWR, 0600);
	OK(f);
	OK(unlink("/dev/shm/test-inotify"));
	expect_event(fd, wd, IN_CREATE, "test-inotify");
	expect_event(fd, wd, IN_DELETE, "test-inotify");
}

CASE(inotify_exec_opens)
{
	int fd = instance(), wd = inotify_add_watch(fd, "/proc/self/exe", IN_OPEN);
	pid_t pid;

	OK(wd);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "x", "--list", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	expect_event(fd, wd, IN_OPEN, "");
}

/* ---- tee ---- */

CASE(tee_copies_and_leaves)
{
	int a[2], b[2];
	char buf[8] = "";

	OK(pipe(a));
	OK(pipe(b));
	EXPECT_EQ(write(a[1], "hello", 5), 5);
	EXPECT_EQ(tee(a[0], b[1], 100, 0), 5);
	EXPECT_EQ(read(b[0], buf, 8), 5);
	EXPECT_STR(buf, "hello");
	EXPECT_EQ(read(a[0], buf, 8), 5);
}

CASE(tee_takes_only_what_is_asked)
{
	int a[2], b[2];
	char buf[8] = "";

	OK(pipe(a));
	OK(pipe(b));
	EXPECT_EQ(write(a[1], "hello", 5), 5);
	EXPECT_EQ(tee(a[0], b[1], 2, 0), 2);
	EXPECT_EQ(read(b[0], buf, 8), 2);
	EXPECT_STR(buf, "he");
}

CASE(tee_at_end_is_zero)
{
	int a[2], b[2];

	OK(pipe(a));
	OK(pipe(b));
	close(a[1]);
	EXPECT_EQ(tee(a[0], b[1], 100, 0), 0);
}

CASE(tee_errors)
{
	int a[2], b[2], f = make_file("f", "x");

	OK(pipe(a));
	OK(pipe(b));
	EXPECT_EQ(tee(a[0], b[1], 0, 0), 0);
	EXPECT_ERRNO(tee(a[0], b[1], 1, 0x10), EINVAL);
	EXPECT_ERRNO(tee(a[0], b[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	EXPECT_ERRNO(tee(f, b[1], 1, 0), EINVAL);
	EXPECT_ERRNO(tee(a[0], f, 1, 0), EINVAL);
	EXPECT_ERRNO(tee(-1, b[1], 1, 0), EBADF);
	EXPECT_ERRNO(tee(a[1], b[1], 1, 0), EBADF);
	EXPECT_EQ(write(a[1], "x", 1), 1);
	EXPECT_ERRNO(tee(a[0], a[1], 1, 0), EINVAL);
}

CASE(tee_without_reader_is_epipe)
{
	int a[2], b[2];

	signal(SIGPIPE, SIG_IGN);
	OK(pipe(a));
	OK(pipe(b));
	EXPECT_EQ(write(a[1], "x", 1), 1);
	close(b[0]);
	EXPECT_ERRNO(tee(a[0], b[1], 1, 0), EPIPE);
}

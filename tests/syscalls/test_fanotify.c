/* fanotify_init(2), fanotify_mark(2), fanotify(7). */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "case.h"

#define FID_FLAGS (FAN_REPORT_FID | FAN_NONBLOCK)

static char events[65536] __attribute__((aligned(8)));
static ssize_t left;
static struct fanotify_event_metadata *next;

static int group(unsigned flags)
{
	int fd = fanotify_init(flags | FAN_NONBLOCK, O_RDONLY);

	if (fd < 0 && errno == ENOSYS)
		case_skip("a kernel without fanotify");
	OK(fd);
	return fd;
}

static void mark(int fd, unsigned flags, uint64_t mask, const char *path)
{
	OK(fanotify_mark(fd, FAN_MARK_ADD | flags, mask, AT_FDCWD, path));
}

/* The next event; its descriptor, if any, is closed with the process. */
static struct fanotify_event_metadata *event(int fd)
{
	if (left <= 0) {
		left = read(fd, events, sizeof(events));
		OK(left);
		next = (void *)events;
	} else {
		next = FAN_EVENT_NEXT(next, left);
	}
	EXPECT(FAN_EVENT_OK(next, left));
	EXPECT_EQ(next->vers, FANOTIFY_METADATA_VERSION);
	EXPECT_EQ(next->metadata_len, 24);
	left -= 0;
	return next;
}

/* One event is all there is. */
static struct fanotify_event_metadata *only(int fd, uint64_t mask)
{
	struct fanotify_event_metadata *e = event(fd);

	EXPECT_EQ(e->mask, mask);
	EXPECT_EQ(left, (long)e->event_len);
	left = 0;
	return e;
}

static void expect_quiet(int fd)
{
	EXPECT_ERRNO(read(fd, events, sizeof(events)), EAGAIN);
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	OK(fd);
	EXPECT_EQ(write(fd, "x", 1), 1);
	close(fd);
}

static void look(const char *path)
{
	char c;
	int fd = open(path, O_RDONLY);

	OK(fd);
	read(fd, &c, 1);
	close(fd);
}

static void become_nobody(void)
{
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
}

/* Some file systems have no handles: then these cases cannot be. */
static void on_tmpfs(void)
{
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("t", 0777));
	OK(mount("none", "t", "tmpfs", 0, NULL));
	OK(chdir("t"));
}

/* The record at `at` of an event: its handle must be that of path. Returns the name after it. */
static const char *fid_of(struct fanotify_event_metadata *e, unsigned at, unsigned type, const char *path)
{
	char buf[sizeof(struct file_handle) + 128];
	struct file_handle *want = (void *)buf, *got;
	struct fanotify_event_info_fid *fid = (void *)((char *)e + at);
	struct statfs sf;
	int id;

	EXPECT(at + sizeof(*fid) <= e->event_len);
	EXPECT_EQ(fid->hdr.info_type, type);
	OK(statfs(path, &sf));
	EXPECT(!memcmp(&sf.f_fsid, &fid->fsid, sizeof(fid->fsid)));
	got = (void *)fid->handle;
	want->handle_bytes = 128;
	OK(name_to_handle_at(AT_FDCWD, path, want, &id, 0));
	EXPECT_EQ(got->handle_bytes, want->handle_bytes);
	EXPECT_EQ(got->handle_type, want->handle_type);
	EXPECT(!memcmp(got->f_handle, want->f_handle, want->handle_bytes));
	return (char *)got->f_handle + got->handle_bytes;
}

/* ---- fanotify_init ---- */

CASE(without_privilege_only_handles)
{
	become_nobody();
	EXPECT_ERRNO(fanotify_init(0, O_RDONLY), EPERM);
	EXPECT_ERRNO(fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_FID, O_RDONLY), EPERM);
	EXPECT_ERRNO(fanotify_init(FAN_REPORT_FID | FAN_UNLIMITED_QUEUE, O_RDONLY), EPERM);
	EXPECT_ERRNO(fanotify_init(FAN_REPORT_FID | FAN_UNLIMITED_MARKS, O_RDONLY), EPERM);
	EXPECT_ERRNO(fanotify_init(FAN_REPORT_FID | FAN_REPORT_TID, O_RDONLY), EPERM);
	EXPECT_ERRNO(fanotify_init(0x80000000, O_RDONLY), EPERM);
	OK(fanotify_init(FAN_REPORT_FID, O_RDONLY));
	OK(fanotify_init(FAN_REPORT_DFID_NAME, O_RDONLY));
}

CASE(init_errors)
{
	group(0);
	EXPECT_ERRNO(fanotify_init(0x80000000, O_RDONLY), EINVAL);
	EXPECT_ERRNO(fanotify_init(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT, O_RDONLY), EINVAL);
	EXPECT_ERRNO(fanotify_init(0, O_ACCMODE), EINVAL);
	EXPECT_ERRNO(fanotify_init(0, O_RDONLY | O_CREAT), EINVAL);
	EXPECT_ERRNO(fanotify_init(FAN_REPORT_NAME, O_RDONLY), EINVAL);
	EXPECT_ERRNO(fanotify_init(FAN_REPORT_FID | FAN_CLASS_CONTENT, O_RDONLY), EINVAL);
	EXPECT_ERRNO(fanotify_init(FAN_REPORT_TARGET_FID | FAN_REPORT_DFID_NAME, O_RDONLY), EINVAL);
}

CASE(flags_of_the_descriptor)
{
	int fd = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK, O_RDWR | O_CLOEXEC);

	OK(fd);
	EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	expect_quiet(fd);
	fd = fanotify_init(0, O_RDONLY);
	EXPECT_EQ(fcntl(fd, F_GETFD), 0);
}

/* ---- fanotify_mark ---- */

CASE(mark_errors)
{
	int fd = group(0), other = open("/", O_RDONLY);

	make_file("f", "");
	EXPECT_ERRNO(fanotify_mark(99, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "f"), EBADF);
	EXPECT_ERRNO(fanotify_mark(other, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "f"), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, 0, AT_FDCWD, "f"), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, 0, FAN_OPEN, AT_FDCWD, "f"), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "f"), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD | 0x80000000, FAN_OPEN, AT_FDCWD, "f"), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, 1ULL << 40, AT_FDCWD, "f"), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "."), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, FAN_ATTRIB, AT_FDCWD, "f"), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "none"), ENOENT);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, (void *)8), EFAULT);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, AT_FDCWD, "f"), ENOTDIR);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, 99, NULL), EBADF);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "f"), ENOENT);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "f"), EINVAL);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "f"), EINVAL);
	OK(fanotify_mark(fd, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL));
}

CASE(marks_need_read_permission)
{
	int fd;

	on_tmpfs();
	fd = group(FID_FLAGS);
	close(make_file("secret", ""));
	OK(chmod("secret", 0600));
	become_nobody();
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "secret"), EACCES);
}

CASE(the_unprivileged_mark_inodes_only)
{
	int fd;

	on_tmpfs();
	become_nobody();
	fd = fanotify_init(FID_FLAGS, O_RDONLY);
	OK(fd);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "."), EPERM);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "."), EPERM);
	OK(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_ONDIR, AT_FDCWD, "."));
}

CASE(group_limit)
{
	int n = 0;

	become_nobody();
	while (fanotify_init(FAN_REPORT_FID, O_RDONLY) >= 0)
		n++;
	EXPECT_EQ(errno, EMFILE);
	EXPECT(n > 10 && n <= 128);
}

CASE(handles_of_proc_lead_nowhere)
{
	int fd = group(FID_FLAGS);

	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "/proc"),
		     EOPNOTSUPP);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "/proc"),
		     EOPNOTSUPP);
	OK(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "/proc/self/status"));
}

/* ---- events with descriptors ---- */

CASE(a_file_is_watched)
{
	char path[100], link[40], c;
	struct fanotify_event_metadata *e;
	int fd = group(0), f = make_file("f", "hello");
	ssize_t n;

	mark(fd, 0, FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE, "f");
	look("f");
	e = only(fd, FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE);
	EXPECT_EQ(e->pid, getpid());
	EXPECT(e->fd >= 0 && e->fd != f);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", e->fd);
	n = readlink(link, path, sizeof(path) - 1);
	OK(n);
	path[n] = 0;
	EXPECT_STR(strrchr(path, '/'), "/f");
	EXPECT_EQ(read(e->fd, &c, 1), 1);
	EXPECT_EQ(c, 'h');
	close(e->fd);
	expect_quiet(fd); /* what was done with the event's descriptor is no event */
	touch("f");
	only(fd, FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE);
}

CASE(another_process_is_named)
{
	struct fanotify_event_metadata *e;
	int fd = group(0);
	pid_t pid;

	close(make_file("f", ""));
	mark(fd, 0, FAN_OPEN, "f");
	pid = fork();
	if (!pid) {
		look("f");
		_exit(0);
	}
	expect_exit(pid, 0);
	look("f");
	e = event(fd);
	EXPECT_EQ(e->pid, pid);
	e = event(fd);
	EXPECT_EQ(e->pid, getpid());
}

CASE(children_of_a_directory)
{
	int fd = group(0);

	OK(mkdir("d", 0755));
	close(make_file("d/f", "x"));
	mark(fd, 0, FAN_OPEN, "d");
	look("d/f");
	expect_quiet(fd);
	mark(fd, 0, FAN_EVENT_ON_CHILD | FAN_CLOSE_NOWRITE, "d");
	look("d/f");
	only(fd, FAN_OPEN | FAN_CLOSE_NOWRITE);
}

CASE(directories_only_if_asked)
{
	int fd = group(0);

	OK(mkdir("d", 0755));
	mark(fd, 0, FAN_OPEN, "d");
	close(open("d", O_RDONLY));
	expect_quiet(fd);
	mark(fd, 0, FAN_OPEN | FAN_ONDIR, "d");
	close(open("d", O_RDONLY));
	only(fd, FAN_OPEN);
}

CASE(a_mount_is_watched)
{
	int fd;

	on_tmpfs();
	fd = group(0);
	OK(mkdir("sub", 0755));
	close(make_file("sub/f", "x"));
	mark(fd, FAN_MARK_MOUNT, FAN_CLOSE_WRITE, ".");
	look("sub/f");
	expect_quiet(fd);
	touch("sub/f");
	only(fd, FAN_CLOSE_WRITE);
	OK(fanotify_mark(fd, FAN_MARK_REMOVE | FAN_MARK_MOUNT, FAN_CLOSE_WRITE, AT_FDCWD, "."));
	touch("sub/f");
	expect_quiet(fd);
}

CASE(a_file_system_is_watched)
{
	int fd;

	on_tmpfs();
	fd = group(0);
	OK(mkdir("../again", 0755));
	close(make_file("f", "x"));
	mark(fd, FAN_MARK_FILESYSTEM, FAN_OPEN, ".");
	OK(mount(".", "../again", NULL, MS_BIND, NULL));
	look("../again/f");
	only(fd, FAN_OPEN);
	OK(fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, "."));
	look("f");
	expect_quiet(fd);
}

CASE(ignored_events)
{
	int fd;

	on_tmpfs();
	fd = group(0);
	close(make_file("loud", "x"));
	close(make_file("still", "x"));
	mark(fd, FAN_MARK_MOUNT, FAN_OPEN, ".");
	mark(fd, FAN_MARK_IGNORED_MASK, FAN_OPEN, "still");
	look("still");
	expect_quiet(fd);
	look("loud");
	only(fd, FAN_OPEN);
	touch("still"); /* a change ends it */
	look("still");
	only(fd, FAN_OPEN);
	mark(fd, FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, "still");
	touch("still");
	look("still");
	expect_quiet(fd);
}

CASE(marks_are_removed_bit_by_bit)
{
	int fd = group(0);

	close(make_file("f", "x"));
	mark(fd, 0, FAN_OPEN | FAN_CLOSE_NOWRITE, "f");
	OK(fanotify_mark(fd, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "f"));
	look("f");
	only(fd, FAN_CLOSE_NOWRITE);
	OK(fanotify_mark(fd, FAN_MARK_REMOVE, FAN_CLOSE_NOWRITE, AT_FDCWD, "f"));
	look("f");
	expect_quiet(fd);
	EXPECT_ERRNO(fanotify_mark(fd, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "f"), ENOENT);
}

CASE(execution_is_an_event)
{
	int fd = group(0), p[2];
	pid_t pid;

	mark(fd, 0, FAN_OPEN_EXEC, "/proc/self/exe");
	OK(pipe(p));
	pid = fork();
	if (!pid) {
		dup2(p[1], 1);
		execl("/proc/self/exe", "x", "--case", "no_such_case", NULL);
		_exit(99);
	}
	OK(waitpid(pid, NULL, 0));
	EXPECT_EQ(only(fd, FAN_OPEN_EXEC)->pid, pid);
}

CASE(reading_needs_room)
{
	char small[20];
	int fd = group(0), n = 0;

	close(make_file("f", "x"));
	mark(fd, 0, FAN_OPEN, "f");
	look("f");
	EXPECT_ERRNO(read(fd, small, sizeof(small)), EINVAL);
	OK(ioctl(fd, FIONREAD, &n));
	EXPECT_EQ(n, 24);
	only(fd, FAN_OPEN);
	EXPECT_ERRNO(write(fd, small, 8), EINVAL);
}

CASE(polling)
{
	int fd = group(0);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	close(make_file("f", "x"));
	mark(fd, 0, FAN_OPEN, "f");
	EXPECT_EQ(poll(&p, 1, 0), 0);
	look("f");
	EXPECT_EQ(poll(&p, 1, 0), 1);
	only(fd, FAN_OPEN);
	EXPECT_EQ(poll(&p, 1, 0), 0);
}

CASE(a_reader_waits)
{
	int fd = fanotify_init(0, O_RDONLY);
	pid_t pid;

	OK(fd);
	close(make_file("f", "x"));
	mark(fd, 0, FAN_OPEN, "f");
	pid = fork();
	if (!pid) {
		sleep_ms(50);
		look("f");
		_exit(0);
	}
	EXPECT_EQ(event(fd)->pid, pid);
	expect_exit(pid, 0);
}

/* ---- events with handles ---- */

CASE(handles_instead_of_descriptors)
{
	struct fanotify_event_metadata *e;
	int fd;

	on_tmpfs();
	fd = group(FAN_REPORT_FID);
	close(make_file("f", "x"));
	mark(fd, 0, FAN_OPEN | FAN_ATTRIB, "f");
	look("f");
	e = only(fd, FAN_OPEN);
	EXPECT_EQ(e->fd, FAN_NOFD);
	fid_of(e, 24, FAN_EVENT_INFO_TYPE_FID, "f");
	OK(chmod("f", 0600));
	fid_of(only(fd, FAN_ATTRIB), 24, FAN_EVENT_INFO_TYPE_FID, "f");
}

CASE(entries_of_a_directory)
{
	struct fanotify_event_metadata *e;
	int fd;

	on_tmpfs();
	OK(mkdir("d", 0755));
	fd = group(FAN_REPORT_FID);
	mark(fd, 0, FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_ONDIR, "d");
	touch("d/f");
	e = only(fd, FAN_CREATE);
	fid_of(e, 24, FAN_EVENT_INFO_TYPE_FID, "d"); /* the directory */
	OK(mkdir("d/sub", 0755));
	only(fd, FAN_CREATE | FAN_ONDIR);
	OK(unlink("d/f"));
	only(fd, FAN_DELETE);
}

CASE(names_of_entries)
{
	struct fanotify_event_metadata *e;
	int fd;

	on_tmpfs();
	OK(mkdir("d", 0755));
	fd = group(FAN_REPORT_DFID_NAME);
	mark(fd, 0, FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO, "d");
	touch("d/first");
	e = only(fd, FAN_CREATE);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_DFID_NAME, "d"), "first");
	OK(rename("d/first", "d/second"));
	e = event(fd);
	EXPECT_EQ(e->mask, FAN_MOVED_FROM);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_DFID_NAME, "d"), "first");
	e = event(fd);
	EXPECT_EQ(e->mask, FAN_MOVED_TO);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_DFID_NAME, "d"), "second");
	left = 0;
	OK(unlink("d/second"));
	e = only(fd, FAN_DELETE);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_DFID_NAME, "d"), "second");
}

CASE(names_of_children)
{
	struct fanotify_event_metadata *e;
	int fd;

	on_tmpfs();
	OK(mkdir("d", 0755));
	close(make_file("d/f", "x"));
	fd = group(FAN_REPORT_DFID_NAME | FAN_REPORT_FID);
	mark(fd, 0, FAN_OPEN | FAN_EVENT_ON_CHILD | FAN_ONDIR, "d");
	look("d/f");
	e = only(fd, FAN_OPEN);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_DFID_NAME, "d"), "f");
	fid_of(e, 24 + ((struct fanotify_event_info_header *)(void *)((char *)e + 24))->len,
	       FAN_EVENT_INFO_TYPE_FID, "d/f");
	close(open("d", O_RDONLY));
	e = only(fd, FAN_OPEN | FAN_ONDIR);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_DFID_NAME, "d"), ".");
}

CASE(a_rename_is_one_event_if_asked)
{
	struct fanotify_event_metadata *e;
	unsigned len;
	int fd;

	on_tmpfs();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	close(make_file("a/old", "x"));
	fd = group(FAN_REPORT_DFID_NAME);
	mark(fd, 0, FAN_RENAME, "a");
	OK(rename("a/old", "b/new"));
	e = only(fd, FAN_RENAME);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, "a"), "old");
	len = ((struct fanotify_event_info_header *)(void *)((char *)e + 24))->len;
	EXPECT_EQ(e->event_len, 24 + len); /* the other directory is not marked */
	OK(rename("b/new", "a/back"));
	e = only(fd, FAN_RENAME);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, "a"), "back");
	mark(fd, 0, FAN_RENAME, "b");
	OK(rename("a/back", "b/last"));
	e = only(fd, FAN_RENAME);
	EXPECT_STR(fid_of(e, 24, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, "a"), "back");
	len = ((struct fanotify_event_info_header *)(void *)((char *)e + 24))->len;
	EXPECT_STR(fid_of(e, 24 + len, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, "b"), "last");
}

CASE(the_unprivileged_do_not_learn_pids)
{
	int fd;
	pid_t pid;

	on_tmpfs();
	OK(chmod(".", 0777));
	become_nobody();
	fd = fanotify_init(FID_FLAGS, O_RDONLY);
	OK(fd);
	close(make_file("f", "x"));
	mark(fd, 0, FAN_OPEN, "f");
	pid = fork();
	if (!pid) {
		look("f");
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(only(fd, FAN_OPEN)->pid, 0);
	look("f");
	EXPECT_EQ(only(fd, FAN_OPEN)->pid, getpid());
}

CASE(the_end_of_a_file)
{
	int fd;

	on_tmpfs();
	fd = group(FAN_REPORT_FID);
	close(make_file("f", "x"));
	mark(fd, 0, FAN_DELETE_SELF | FAN_MOVE_SELF, "f");
	OK(rename("f", "g"));
	only(fd, FAN_MOVE_SELF);
	OK(unlink("g"));
	only(fd, FAN_DELETE_SELF);
	touch("g"); /* another file: the mark is gone */
	expect_quiet(fd);
}

CASE(too_many_events)
{
	struct fanotify_event_metadata *e = NULL;
	char name[20];
	int fd, n = 0;

	on_tmpfs();
	fd = group(FAN_REPORT_DFID_NAME);
	mark(fd, 0, FAN_CREATE, ".");
	for (int i = 0; i < 17000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		OK(link(i ? "0" : "/proc/self/exe", name) && errno == EXDEV ? mknod(name, S_IFREG, 0) : 0);
	}
	for (;;) {
		if (left <= (ssize_t)(e ? e->event_len : 0)) {
			left = 0;
			e = NULL;
		}
		e = event(fd);
		n++;
		if (e->mask & FAN_Q_OVERFLOW)
			break;
		EXPECT(n <= 16384);
	}
	EXPECT_EQ(e->fd, FAN_NOFD);
	EXPECT_EQ(n, 16385);
}

CASE(fdinfo_tells_marks)
{
	char path[60], buf[500] = "";
	int fd = group(0), f;

	close(make_file("f", "x"));
	mark(fd, 0, FAN_OPEN, "f");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = open(path, O_RDONLY);
	OK(read(f, buf, sizeof(buf) - 1));
	EXPECT(strstr(buf, "fanotify flags:2 event-flags:8000\n"));
	EXPECT(strstr(buf, "fanotify ino:"));
	EXPECT(strstr(buf, " mask:20 ignored_mask:0"));
}

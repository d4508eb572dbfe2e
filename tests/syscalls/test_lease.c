/*
 * test_lease.c - leases, F_NOTIFY, file handles, RENAME_WHITEOUT, protected_* in sticky directories, flags of
 * preadv2 and pwritev2, corners of sendfile and copy_file_range.
 */
#include "case.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static volatile sig_atomic_t got_signal, got_fd;

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
	got_signal = sig;
	got_fd = info->si_fd;
}

static void catch (int sig)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	OK(sigaction(sig, &sa, NULL));
}

/* ---- leases ---- */

CASE(lease_get_and_set)
{
	int fd;

	close(make_file("f", "x"));
	fd = open("f", O_RDONLY);
	EXPECT_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	EXPECT_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
	OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	EXPECT_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	EXPECT_ERRNO(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN);
	EXPECT_ERRNO(fcntl(fd, F_SETLEASE, 77), EINVAL);
}

CASE(lease_read_needs_no_writer)
{
	int fd = make_file("f", "x"), rd = open("f", O_RDONLY);

	EXPECT_ERRNO(fcntl(rd, F_SETLEASE, F_RDLCK), EAGAIN);
	close(fd);
	OK(fcntl(rd, F_SETLEASE, F_RDLCK));
}

CASE(lease_write_needs_to_be_alone)
{
	int fd = make_file("f", "x"), other = open("f", O_RDONLY);

	EXPECT_ERRNO(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);
	close(other);
	OK(fcntl(fd, F_SETLEASE, F_WRLCK));
}

CASE(lease_only_on_files)
{
	EXPECT_ERRNO(fcntl(open(".", O_RDONLY), F_SETLEASE, F_RDLCK), EINVAL);
}

CASE(lease_breaks_with_a_signal)
{
	int fd, i;
	pid_t pid;

	close(make_file("f", "x"));
	fd = open("f", O_RDONLY);
	catch (SIGIO);
	OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	pid = fork();
	if (!pid) {
		close(fd);
		OK(open("f", O_WRONLY)); /* waits */
		_exit(0);
	}
	for (i = 0; i < 500 && !got_signal; i++)
		sleep_ms(10);
	EXPECT_EQ(got_signal, SIGIO);
	OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	expect_exit(pid, 0);
}

CASE(lease_break_with_own_signal)
{
	int fd, i;
	pid_t pid;

	close(make_file("f", "x"));
	fd = open("f", O_RDONLY);
	catch (SIGUSR1);
	OK(fcntl(fd, F_SETSIG, SIGUSR1));
	OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	pid = fork();
	if (!pid) {
		close(fd);
		OK(open("f", O_RDWR));
		_exit(0);
	}
	for (i = 0; i < 500 && !got_signal; i++)
		sleep_ms(10);
	EXPECT_EQ(got_signal, SIGUSR1);
	EXPECT_EQ(got_fd, fd);
	close(fd);
	expect_exit(pid, 0);
}

CASE(lease_nonblocking_open)
{
	int fd;

	close(make_file("f", "x"));
	signal(SIGIO, SIG_IGN);
	fd = open("f", O_RDONLY);
	OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	EXPECT_ERRNO(open("f", O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
	EXPECT_EQ(fcntl(fd, F_GETLEASE), F_UNLCK); /* what it is to become */
	close(open("f", O_RDONLY | O_NONBLOCK));
}

CASE(lease_ends_with_the_file)
{
	int fd;

	close(make_file("f", "x"));
	fd = open("f", O_RDONLY);
	OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	close(fd);
	OK(open("f", O_WRONLY));
}

/* ---- F_NOTIFY ---- */

CASE(dnotify_signals)
{
	int fd = open(".", O_RDONLY);

	catch (SIGIO);
	OK(fcntl(fd, F_NOTIFY, DN_CREATE));
	close(make_file("a", "x"));
	sleep_ms(20);
	EXPECT_EQ(got_signal, SIGIO);
	got_signal = 0;
	close(make_file("b", "x")); /* once only */
	sleep_ms(20);
	EXPECT_EQ(got_signal, 0);
}

CASE(dnotify_multishot_with_fd)
{
	int fd = open(".", O_RDONLY);

	catch (SIGRTMIN);
	OK(fcntl(fd, F_SETSIG, SIGRTMIN));
	OK(fcntl(fd, F_NOTIFY, DN_DELETE | DN_MULTISHOT));
	close(make_file("a", "x"));
	EXPECT_EQ(got_signal, 0);
	for (int i = 0; i < 2; i++) {
		close(make_file("a", "x"));
		got_signal = 0;
		OK(unlink("a"));
		sleep_ms(20);
		EXPECT_EQ(got_signal, SIGRTMIN);
		EXPECT_EQ(got_fd, fd);
	}
	OK(fcntl(fd, F_NOTIFY, 0));
	close(make_file("a", "x"));
	got_signal = 0;
	OK(unlink("a"));
	sleep_ms(20);
	EXPECT_EQ(got_signal, 0);
}

CASE(dnotify_only_on_directories)
{
	EXPECT_ERRNO(fcntl(make_file("f", "x"), F_NOTIFY, DN_CREATE), ENOTDIR);
}

/* ---- handles ---- */

CASE(handle_leads_back)
{
	char buf[sizeof(struct file_handle) + 128];
	struct file_handle *h = (struct file_handle *)(void *)buf;
	int id, fd, dir = open(".", O_RDONLY);
	char c;

	close(make_file("f", "x"));
	h->handle_bytes = 0;
	EXPECT_ERRNO(name_to_handle_at(AT_FDCWD, "f", h, &id, 0), EOVERFLOW);
	EXPECT(h->handle_bytes > 0 && h->handle_bytes <= 128);
	OK(name_to_handle_at(AT_FDCWD, "f", h, &id, 0));
	fd = open_by_handle_at(dir, h, O_RDONLY);
	OK(fd);
	EXPECT_EQ(read(fd, &c, 1), 1);
	EXPECT_EQ(c, 'x');
}

CASE(handle_of_what_is_gone_is_stale)
{
	char buf[sizeof(struct file_handle) + 128];
	struct file_handle *h = (struct file_handle *)(void *)buf;
	int id, dir = open(".", O_RDONLY);

	close(make_file("f", "x"));
	h->handle_bytes = 128;
	OK(name_to_handle_at(AT_FDCWD, "f", h, &id, 0));
	OK(unlink("f"));
	EXPECT_ERRNO(open_by_handle_at(dir, h, O_RDONLY), ESTALE);
}

CASE(handle_errors)
{
	char buf[sizeof(struct file_handle) + 128];
	struct file_handle *h = (struct file_handle *)(void *)buf;
	pid_t pid;
	int id;

	h->handle_bytes = 129;
	EXPECT_ERRNO(name_to_handle_at(AT_FDCWD, ".", h, &id, 0), EINVAL);
	h->handle_bytes = 128;
	EXPECT_ERRNO(name_to_handle_at(AT_FDCWD, "nothing", h, &id, 0), ENOENT);
	EXPECT_ERRNO(name_to_handle_at(AT_FDCWD, ".", h, &id, 0x100000), EINVAL);
	EXPECT_ERRNO(name_to_handle_at(AT_FDCWD, "/proc/self/status", h, &id, 0), EOPNOTSUPP);
	OK(name_to_handle_at(AT_FDCWD, ".", h, &id, 0));
	EXPECT_ERRNO(open_by_handle_at(-1, h, O_RDONLY), EBADF);
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(open_by_handle_at(AT_FDCWD, h, O_RDONLY), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* ---- RENAME_WHITEOUT, sticky directories ---- */

CASE(rename_whiteout)
{
	struct stat st;

	OK(mkdir("m", 0755));
	if (mount("t", "m", "tmpfs", 0, NULL))
		case_skip("may not mount");
	close(make_file("m/a", "x"));
	OK(renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/b", RENAME_WHITEOUT));
	OK(stat("m/a", &st));
	EXPECT(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	OK(stat("m/b", &st));
	EXPECT(S_ISREG(st.st_mode));
	EXPECT_ERRNO(renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/b", RENAME_WHITEOUT | RENAME_EXCHANGE), EINVAL);
	OK(umount2("m", MNT_DETACH));
}

static void set_number(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		case_skip("may not set the number");
	close(fd);
}

CASE(sticky_directory_keeps_others_out)
{
	pid_t pid;

	OK(mkdir("s", 0755));
	OK(chmod("s", 01777));
	close(make_file("s/mine", "x"));
	OK(chmod("s/mine", 0666));
	pid = fork();
	if (!pid) {
		OK(setgid(65534));
		OK(setuid(65534));
		EXPECT_ERRNO(unlink("s/mine"), EPERM);
		EXPECT_ERRNO(rename("s/mine", "s/x"), EPERM);
		close(make_file("s/own", ""));
		OK(unlink("s/own"));
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(protected_regular)
{
	pid_t pid;

	OK(mkdir("s", 0755));
	OK(chmod("s", 01777));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		close(make_file("s/theirs", "x"));
		OK(chmod("s/theirs", 0666));
		_exit(0);
	}
	expect_exit(pid, 0);
	set_number("/proc/sys/fs/protected_regular", "1");
	EXPECT_ERRNO(open("s/theirs", O_CREAT | O_RDWR, 0600), EACCES);
	OK(open("s/theirs", O_RDWR));
	set_number("/proc/sys/fs/protected_regular", "0");
	OK(open("s/theirs", O_CREAT | O_RDWR, 0600));
}

CASE(protected_symlinks)
{
	pid_t pid;

	OK(mkdir("s", 0755));
	OK(chmod("s", 01777));
	close(make_file("f", "x"));
	OK(chmod("f", 0644));
	OK(mkdir("d", 0755));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		OK(symlink("../f", "s/link"));
		OK(symlink("../d", "s/dir"));
		_exit(0);
	}
	expect_exit(pid, 0);
	set_number("/proc/sys/fs/protected_symlinks", "1");
	EXPECT_ERRNO(open("s/link", O_RDONLY), EACCES);
	OK(open("s/dir/..", O_RDONLY)); /* in the middle of a name it is followed */
	set_number("/proc/sys/fs/protected_symlinks", "0");
	OK(open("s/link", O_RDONLY));
}

CASE(setgid_directories)
{
	struct stat st;

	OK(mkdir("d", 0755));
	OK(chown("d", 0, 77));
	OK(chmod("d", 02755));
	close(make_file("d/f", ""));
	OK(mkdir("d/sub", 0755));
	OK(stat("d/f", &st));
	EXPECT_EQ(st.st_gid, 77);
	OK(stat("d/sub", &st));
	EXPECT_EQ(st.st_gid, 77);
	EXPECT(st.st_mode & S_ISGID);
}

/* ---- preadv2, pwritev2 ---- */

CASE(rwf_append_does_not_move)
{
	struct iovec v = {(void *)"cd", 2};
	char buf[8] = "";
	int fd = make_file("f", "ab");

	EXPECT_EQ(pwritev2(fd, &v, 1, 0, RWF_APPEND), 2);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	EXPECT_EQ(pread(fd, buf, 8, 0), 4);
	EXPECT_STR(buf, "abcd");
}

CASE(rwf_at_the_files_position)
{
	struct iovec v = {(void *)"xy", 2};
	int fd = make_file("f", "abcd");

	EXPECT_EQ(pwritev2(fd, &v, 1, -1, RWF_DSYNC), 2);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 2);
	EXPECT_EQ(preadv2(fd, &v, 0, -1, RWF_HIPRI), 0);
}

CASE(rwf_nowait_on_an_empty_pipe)
{
	char c;
	struct iovec v = {&c, 1};
	int p[2];

	OK(pipe(p));
	EXPECT_ERRNO(preadv2(p[0], &v, 1, -1, RWF_NOWAIT), EAGAIN);
	EXPECT_EQ(write(p[1], "q", 1), 1);
	EXPECT_EQ(preadv2(p[0], &v, 1, -1, RWF_NOWAIT), 1);
}

CASE(rwf_unknown)
{
	char c;
	struct iovec v = {&c, 1};
	int fd = make_file("f", "abcd");

	EXPECT_ERRNO(preadv2(fd, &v, 1, 0, 0x8000), EOPNOTSUPP);
	EXPECT_ERRNO(preadv2(fd, &v, 1, -2, 0), EINVAL);
}

/* ---- sendfile, copy_file_range ---- */

CASE(sendfile_corners)
{
	int in = make_file("in", "hello"), out = make_file("out", ""), p[2];
	off_t off = 1;
	char buf[8] = "";

	EXPECT_EQ(sendfile(out, in, &off, 3), 3);
	EXPECT_EQ(off, 4);
	EXPECT_EQ(lseek(in, 0, SEEK_CUR), 0);
	EXPECT_EQ(pread(out, buf, 8, 0), 3);
	EXPECT_STR(buf, "ell");
	EXPECT_EQ(sendfile(out, in, NULL, 100), 5);
	EXPECT_EQ(sendfile(out, in, NULL, 100), 0);
	OK(pipe(p));
	EXPECT_ERRNO(sendfile(in, open("in", O_WRONLY), NULL, 1), EBADF);
	EXPECT_ERRNO(sendfile(open("in", O_RDONLY), in, NULL, 1), EBADF);
	EXPECT_ERRNO(sendfile(open("out", O_WRONLY | O_APPEND), in, NULL, 1), EINVAL);
	off = -1;
	EXPECT_ERRNO(sendfile(out, in, &off, 1), EINVAL);
	EXPECT_ERRNO(sendfile(out, p[0], &off, 1), ESPIPE);
}

CASE(copy_file_range_corners)
{
	int in = make_file("in", "0123456789"), out = make_file("out", ""), p[2];
	loff_t from = 2, to = 1;
	char buf[16] = "";

	EXPECT_EQ(copy_file_range(in, &from, out, &to, 4, 0), 4);
	EXPECT_EQ(from, 6);
	EXPECT_EQ(to, 5);
	EXPECT_EQ(pread(out, buf, 16, 0), 5);
	EXPECT(!memcmp(buf, "\0002345", 5));
	EXPECT_EQ(copy_file_range(in, NULL, out, NULL, 0, 0), 0);
	from = 0;
	to = 5;
	EXPECT_ERRNO(copy_file_range(in, &from, in, &to, 6, 0), EINVAL);
	EXPECT_ERRNO(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
	EXPECT_ERRNO(copy_file_range(in, NULL, open(".", O_RDONLY), NULL, 1, 0), EISDIR);
	OK(pipe(p));
	EXPECT_ERRNO(copy_file_range(p[0], NULL, out, NULL, 1, 0), EINVAL);
	EXPECT_ERRNO(copy_file_range(in, NULL, open("out", O_WRONLY | O_APPEND), NULL, 1, 0), EBADF);
	from = 100;
	EXPECT_EQ(copy_file_range(in, &from, out, NULL, 10, 0), 0);
}

/* ---- locks ---- */

CASE(posix_locks_deadlock)
{
	struct flock a = {.l_type = F_WRLCK, .l_start = 0, .l_len = 1},
		     b = {.l_type = F_WRLCK, .l_start = 1, .l_len = 1};
	int fd = make_file("f", "xy"), p[2];
	pid_t pid;
	char c;

	OK(pipe(p));
	OK(fcntl(fd, F_SETLK, &a));
	pid = fork();
	if (!pid) {
		OK(fcntl(fd, F_SETLK, &b));
		EXPECT_EQ(write(p[1], "x", 1), 1);
		OK(fcntl(fd, F_SETLKW, &a)); /* waits for the parent */
		_exit(0);
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	sleep_ms(200);
	EXPECT_ERRNO(fcntl(fd, F_SETLKW, &b), EDEADLK);
	a.l_type = F_UNLCK;
	OK(fcntl(fd, F_SETLK, &a));
	expect_exit(pid, 0);
}

CASE(posix_getlk_is_exact)
{
	struct flock l = {.l_type = F_WRLCK, .l_start = 10, .l_len = 5}, q = {.l_type = F_RDLCK};
	int fd = make_file("f", "x"), p[2];
	pid_t pid;
	char c;

	OK(pipe(p));
	pid = fork();
	if (!pid) {
		OK(fcntl(fd, F_SETLK, &l));
		EXPECT_EQ(write(p[1], "x", 1), 1);
		pause();
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	OK(fcntl(fd, F_GETLK, &q));
	EXPECT_EQ(q.l_type, F_WRLCK);
	EXPECT_EQ(q.l_start, 10);
	EXPECT_EQ(q.l_len, 5);
	EXPECT_EQ(q.l_whence, SEEK_SET);
	EXPECT_EQ(q.l_pid, pid);
	q = (struct flock){.l_type = F_RDLCK, .l_start = 0, .l_len = 10};
	OK(fcntl(fd, F_GETLK, &q));
	EXPECT_EQ(q.l_type, F_UNLCK);
	kill(pid, SIGKILL);
}

CASE(ofd_locks_belong_to_the_file)
{
	struct flock l = {.l_type = F_WRLCK}, q = {.l_type = F_WRLCK};
	int a = make_file("f", "x"), b = open("f", O_RDWR);

	OK(fcntl(a, F_OFD_SETLK, &l));
	EXPECT_ERRNO(fcntl(b, F_OFD_SETLK, &l), EAGAIN);
	OK(fcntl(b, F_OFD_GETLK, &q));
	EXPECT_EQ(q.l_pid, -1);
	l.l_pid = 5;
	EXPECT_ERRNO(fcntl(a, F_OFD_SETLK, &l), EINVAL);
	close(a);
	l.l_pid = 0;
	OK(fcntl(b, F_OFD_SETLK, &l));
}

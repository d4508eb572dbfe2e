/*
 * test_locks.c - record locks where it gets subtle: who owns them across fork(2), dup(2), execve(2) and
 * close(2), how they split and merge, and how the three kinds (POSIX, open file description, flock) stand to
 * each other.
 */
#include "case.h"

#include <pthread.h>
#include <sys/file.h>

static int lock_at(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

	return fcntl(fd, cmd, &l);
}

/* What would stand in the way of a write lock of [start, start + len): its type; *l the rest. */
static int blocker(int fd, int cmd, off_t start, off_t len, struct flock *l)
{
	*l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
	OK(fcntl(fd, cmd, l));
	return l->l_type;
}

/* The same, asked by another process, which says the type. */
static int seen_by_another(const char *path, off_t start, off_t len)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct flock l;
		int fd = open(path, O_RDWR);
		if (fd < 0)
			_exit(99);
		_exit(blocker(fd, F_GETLK, start, len, &l));
	}
	OK(waitpid(pid, &status, 0));
	EXPECT(WIFEXITED(status));
	return WEXITSTATUS(status);
}

CASE(record_locks_are_not_inherited)
{
	int fd = make_file("f", "0123456789");
	pid_t pid;

	OK(lock_at(fd, F_SETLK, F_WRLCK, 0, 10));
	pid = fork();
	if (!pid) {
		struct flock l;
		EXPECT_ERRNO(lock_at(fd, F_SETLK, F_RDLCK, 0, 1),
			     EAGAIN); /* the parent's, over one descriptor */
		EXPECT_EQ(blocker(fd, F_GETLK, 0, 1, &l), F_WRLCK);
		EXPECT_EQ(l.l_pid, getppid());
		EXPECT(l.l_start == 0 && l.l_len == 10);
		close(fd); /* a close here takes nothing from the parent */
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(seen_by_another("f", 0, 1), F_WRLCK);
}

CASE(record_locks_survive_exec)
{
	int fd = make_file("f", "0123456789"), go[2];
	pid_t pid;
	char c;

	OK(pipe(go));
	pid = fork();
	if (!pid) {
		char *argv[] = {"/proc/self/exe", "--case", "helper_waits_for_input", NULL};
		OK(lock_at(fd, F_SETLK, F_WRLCK, 3, 2));
		dup2(go[0], 0);
		close(go[0]);
		close(go[1]);
		execv(argv[0], argv);
		_exit(99);
	}
	while (seen_by_another("f", 3, 1) != F_WRLCK)
		sleep_ms(10);
	sleep_ms(200); /* it is the new program by now */
	EXPECT_EQ(seen_by_another("f", 3, 1), F_WRLCK);
	EXPECT_EQ(seen_by_another("f", 0, 3), F_UNLCK);
	c = 'x';
	EXPECT_EQ(write(go[1], &c, 1), 1);
	expect_exit(pid, 0);
	EXPECT_EQ(seen_by_another("f", 3, 1), F_UNLCK);
}

CASE(helper_waits_for_input)
{
	char c;
	struct stat st;

	if (fstat(0, &st) || !S_ISFIFO(st.st_mode))
		return; /* not asked for */
	read(0, &c, 1);
}

CASE(record_locks_merge_and_upgrade)
{
	struct flock l;
	int fd = make_file("f", "0123456789");
	pid_t pid;

	OK(lock_at(fd, F_SETLK, F_RDLCK, 0, 3));
	OK(lock_at(fd, F_SETLK, F_RDLCK, 3, 3)); /* neighbours are one */
	OK(lock_at(fd, F_SETLK, F_WRLCK, 8, 1));
	OK(lock_at(fd, F_SETLK, F_RDLCK, 8, 1)); /* down */
	pid = fork();
	if (!pid) {
		EXPECT_EQ(blocker(fd, F_GETLK, 0, 0, &l), F_RDLCK);
		EXPECT(l.l_start == 0 && l.l_len == 6);
		EXPECT_EQ(blocker(fd, F_GETLK, 6, 0, &l), F_RDLCK);
		EXPECT(l.l_start == 8 && l.l_len == 1);
		/* readers agree */
		OK(lock_at(fd, F_SETLK, F_RDLCK, 0, 10));
		EXPECT_ERRNO(lock_at(fd, F_SETLK, F_WRLCK, 0, 10), EAGAIN);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(blocker(fd, F_GETLK, 0, 0, &l), F_UNLCK); /* one's own are never in the way */
}

CASE(record_locks_count_from_anywhere)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -4, .l_len = 2};
	int fd = make_file("f", "0123456789");

	OK(fcntl(fd, F_SETLK, &l)); /* 6 and 7 */
	EXPECT_EQ(seen_by_another("f", 6, 1), F_WRLCK);
	EXPECT_EQ(seen_by_another("f", 8, 1), F_UNLCK);
	OK(lseek(fd, 5, SEEK_SET));
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -2, .l_len = -2};
	OK(fcntl(fd, F_SETLK, &l)); /* 1 and 2: a length may be negative */
	EXPECT_EQ(seen_by_another("f", 1, 2), F_WRLCK);
	EXPECT_EQ(seen_by_another("f", 0, 1), F_UNLCK);
	EXPECT_EQ(seen_by_another("f", 3, 1), F_UNLCK);
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = -2};
	EXPECT_ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = -1, .l_len = 1};
	EXPECT_ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	l = (struct flock){.l_type = 77, .l_whence = SEEK_SET};
	EXPECT_ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	l = (struct flock){.l_type = F_WRLCK, .l_whence = 77};
	EXPECT_ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	l = (struct flock){
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x7ffffffffffffff0, .l_len = 100};
	EXPECT_ERRNO(fcntl(fd, F_SETLK, &l), EOVERFLOW);
	EXPECT_ERRNO(fcntl(fd, F_SETLK, (void *)8), EFAULT);
}

CASE(waiting_for_a_record_lock_ends)
{
	int fd = make_file("f", "x");
	pid_t pid;

	OK(lock_at(fd, F_SETLK, F_WRLCK, 0, 1));
	pid = fork();
	if (!pid) {
		OK(lock_at(fd, F_SETLKW, F_WRLCK, 0, 1));
		_exit(7);
	}
	sleep_ms(100);
	EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
	OK(lock_at(fd, F_SETLK, F_UNLCK, 0, 1));
	expect_exit(pid, 7);
}

static void nothing(int sig)
{
}

CASE(waiting_for_a_record_lock_is_interrupted)
{
	struct sigaction sa = {.sa_handler = nothing};
	int fd = make_file("f", "x"), ready[2];
	char c;
	pid_t pid;

	OK(pipe(ready));
	pid = fork();
	if (!pid) {
		OK(lock_at(fd, F_SETLK, F_WRLCK, 0, 1));
		write(ready[1], "x", 1);
		for (;;) {
			sleep_ms(50);
			kill(getppid(), SIGUSR1);
		}
	}
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	OK(sigaction(SIGUSR1, &sa, NULL));
	EXPECT_ERRNO(lock_at(fd, F_SETLKW, F_WRLCK, 0, 1), EINTR);
	EXPECT_ERRNO(lock_at(fd, F_OFD_SETLKW, F_WRLCK, 0, 1), EINTR);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0)
		;
	OK(lock_at(fd, F_SETLK, F_WRLCK, 0, 1)); /* the dead hold nothing */
}

CASE(ofd_locks_belong_to_the_open_file)
{
	struct flock l;
	int fd = make_file("f", "0123456789"), same = dup(fd), other = open("f", O_RDWR);
	pid_t pid;

	OK(lock_at(fd, F_OFD_SETLK, F_WRLCK, 0, 4));
	EXPECT_ERRNO(lock_at(other, F_OFD_SETLK, F_RDLCK, 0, 1), EAGAIN); /* even in one process */
	OK(lock_at(same, F_OFD_SETLK, F_WRLCK, 0, 4));
	EXPECT_EQ(blocker(other, F_OFD_GETLK, 0, 1, &l), F_WRLCK);
	EXPECT_EQ(l.l_pid, -1);
	close(other); /* takes nothing */
	other = open("f", O_RDWR);
	pid = fork();
	if (!pid) { /* a child shares it */
		OK(lock_at(fd, F_OFD_SETLK, F_UNLCK, 2, 2));
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_ERRNO(lock_at(other, F_OFD_SETLK, F_WRLCK, 1, 1), EAGAIN);
	OK(lock_at(other, F_OFD_SETLK, F_WRLCK, 2, 2));
	close(fd);
	EXPECT_ERRNO(lock_at(other, F_OFD_SETLK, F_WRLCK, 1, 1), EAGAIN);
	close(same); /* the last one */
	OK(lock_at(other, F_OFD_SETLK, F_WRLCK, 1, 1));
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_pid = 1};
	EXPECT_ERRNO(fcntl(other, F_OFD_SETLK, &l), EINVAL); /* l_pid must be 0 */
}

CASE(ofd_and_posix_locks_exclude_each_other)
{
	int fd = make_file("f", "0123456789"), other = open("f", O_RDWR);

	OK(lock_at(fd, F_SETLK, F_WRLCK, 0, 1));
	EXPECT_ERRNO(lock_at(other, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
	OK(lock_at(other, F_OFD_SETLK, F_WRLCK, 5, 1));
	EXPECT_ERRNO(lock_at(fd, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
	/* flock(2) is a world of its own */
	OK(flock(fd, LOCK_EX | LOCK_NB));
	EXPECT_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
}

CASE(flock_goes_with_the_last_descriptor)
{
	int fd = make_file("f", ""), same = dup(fd), other = open("f", O_RDONLY);
	pid_t pid;

	OK(flock(fd, LOCK_EX));
	close(fd);
	EXPECT_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	pid = fork();
	if (!pid) {
		sleep_ms(100);
		_exit(0);
	}
	close(same); /* the child has it still */
	EXPECT_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	OK(flock(other, LOCK_SH)); /* until it ends */
	expect_exit(pid, 0);
}

CASE(flock_changes_its_kind)
{
	int a = make_file("f", ""), b = open("f", O_RDONLY);

	OK(flock(a, LOCK_SH));
	OK(flock(b, LOCK_SH));
	EXPECT_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	/* a change is not atomic: what was held is lost by the failure, or not; Linux keeps nothing */
	OK(flock(b, LOCK_UN));
	OK(flock(a, LOCK_EX | LOCK_NB));
	OK(flock(a, LOCK_SH));
	OK(flock(b, LOCK_SH | LOCK_NB));
	EXPECT_ERRNO(flock(a, LOCK_SH | LOCK_EX), EINVAL);
	EXPECT_ERRNO(flock(-1, LOCK_SH), EBADF);
	EXPECT_ERRNO(flock(open("f", O_PATH), LOCK_SH), EBADF);
}

CASE(record_locks_need_the_mode)
{
	int wo, ro;

	close(make_file("f", "x"));
	wo = open("f", O_WRONLY);
	ro = open("f", O_RDONLY);
	EXPECT_ERRNO(lock_at(wo, F_SETLK, F_RDLCK, 0, 1), EBADF);
	EXPECT_ERRNO(lock_at(ro, F_SETLK, F_WRLCK, 0, 1), EBADF);
	EXPECT_ERRNO(lock_at(ro, F_OFD_SETLK, F_WRLCK, 0, 1), EBADF);
	OK(lock_at(ro, F_SETLK, F_UNLCK, 0, 1));
	OK(flock(ro, LOCK_EX)); /* flock(2) asks for no mode */
}

CASE(three_processes_in_a_circle)
{
	int fd = make_file("f", "0123456789"), ready[2], status, deadlocks = 0, done = 0;
	pid_t pids[3];
	char c;

	OK(pipe(ready));
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		OK(lock_at(fd, F_SETLK, F_WRLCK, i, 1));
		write(ready[1], "x", 1);
		sleep_ms(300); /* all have theirs */
		if (lock_at(fd, F_SETLKW, F_WRLCK, (i + 1) % 3, 1))
			_exit(errno == EDEADLK ? 35 : 1);
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(read(ready[0], &c, 1), 1);
	for (int i = 0; i < 3; i++) {
		OK(waitpid(pids[i], &status, 0));
		EXPECT(WIFEXITED(status));
		deadlocks += WEXITSTATUS(status) == 35;
		done += WEXITSTATUS(status) == 0;
	}
	EXPECT(deadlocks >= 1);
	EXPECT_EQ(deadlocks + done, 3);
}

static int wanted_fd;

static void *wait_for_lock(void *arg)
{
	return (void *)(intptr_t)(lock_at(wanted_fd, F_SETLKW, F_WRLCK, 0, 1) ? errno : 0);
}

/* The file is closed while a lock on it is waited for: there is none in the end, and nobody else is kept out.
 */
CASE(lock_waited_for_on_a_file_that_is_closed)
{
	int ready[2], go[2];
	pthread_t thread;
	void *result;
	pid_t pid;
	char c;

	wanted_fd = make_file("f", "0123456789");
	OK(pipe(ready));
	OK(pipe(go));
	pid = fork();
	if (!pid) {
		int fd = open("f", O_RDWR);
		OK(lock_at(fd, F_SETLK, F_WRLCK, 0, 1));
		write(ready[1], "x", 1);
		read(go[0], &c, 1);
		_exit(0);
	}
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	EXPECT_EQ(pthread_create(&thread, NULL, wait_for_lock, NULL), 0);
	sleep_ms(300);
	OK(close(wanted_fd));
	write(go[1], "x", 1);
	expect_exit(pid, 0);
	pthread_join(thread, &result);
	EXPECT_EQ((intptr_t)result, EBADF);
	EXPECT_EQ(seen_by_another("f", 0, 1), F_UNLCK);
}

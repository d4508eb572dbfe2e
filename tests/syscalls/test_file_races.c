/* Processes that change one file at once: sizes, appended records, attributes, holes. */
#include "case.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static pid_t child(void (*fn)(int), int arg)
{
	pid_t pid = fork();

	OK(pid);
	if (!pid) {
		fn(arg);
		_exit(0);
	}
	return pid;
}
static void reap(pid_t pid)
{
	int st;

	OK(waitpid(pid, &st, 0));
	EXPECT_EQ(st, 0);
}

static void change_attributes(int fd)
{
	for (int i = 0; i < 300; i++) {
		if (fchmod(fd, 0600 + (i & 7)) || fchown(fd, getuid(), getgid()))
			_exit(1);
		if (futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}}))
			_exit(2);
	}
}
CASE(size_survives_attribute_changes_of_others)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	char buf[100] = "data";
	struct stat st;
	pid_t a = child(change_attributes, fd);

	for (int i = 0; i < 2000; i++) {
		EXPECT_EQ(pwrite(fd, buf, sizeof(buf), i * 100), 100);
		OK(fstat(fd, &st));
		EXPECT_EQ(st.st_size, (i + 1) * 100);
		EXPECT_EQ(pread(fd, buf, sizeof(buf), i * 100), 100);
	}
	reap(a);
}
static void grow_and_shrink(int fd)
{
	for (int i = 0; i < 200; i++)
		if (ftruncate(fd, i % 2 ? 1000 : 300000))
			_exit(1);
}
CASE(truncation_against_writes)
{
	/* whatever the order was: what fstat says is what can be read */
	static char buf[400000];
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct stat st;
	pid_t a = child(grow_and_shrink, fd);

	for (int i = 0; i < 300; i++)
		EXPECT_EQ(pwrite(fd, buf, 100, 1000 + i * 7), 100);
	reap(a);
	OK(fstat(fd, &st));
	EXPECT_EQ(pread(fd, buf, sizeof(buf), 0), st.st_size);
	EXPECT_EQ(lseek(fd, 0, SEEK_END), st.st_size);
}

#define RECORD 70000
static void append_records(int who)
{
	static char buf[RECORD];
	int fd = open("log", O_WRONLY | O_APPEND);

	memset(buf, 'a' + who, sizeof(buf));
	for (int i = 0; i < 20; i++)
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			_exit(1);
}
static void check_records(int count)
{
	static char buf[RECORD];
	int fd = open("log", O_RDONLY), n = 0;

	while (read(fd, buf, sizeof(buf)) == sizeof(buf)) {
		n++;
		for (int i = 1; i < RECORD; i++)
			if (buf[i] != buf[0])
				case_fail(__FILE__, __LINE__, "record %d is torn at byte %d", n, i);
	}
	EXPECT_EQ(n, count);
}
CASE(appended_records_are_whole)
{
	pid_t p[4];

	close(open("log", O_CREAT | O_WRONLY, 0600));
	for (int i = 0; i < 4; i++)
		p[i] = child(append_records, i);
	for (int i = 0; i < 4; i++)
		reap(p[i]);
	check_records(80);
}
static int shared_fd;
static void write_records(int who)
{
	static char buf[RECORD];

	memset(buf, 'a' + who, sizeof(buf));
	for (int i = 0; i < 20; i++)
		if (write(shared_fd, buf, sizeof(buf)) != sizeof(buf))
			_exit(1);
}
CASE(records_through_a_shared_offset_are_whole)
{
	pid_t p[4];

	shared_fd = open("log", O_CREAT | O_WRONLY, 0600);
	for (int i = 0; i < 4; i++)
		p[i] = child(write_records, i);
	for (int i = 0; i < 4; i++)
		reap(p[i]);
	check_records(80);
}
static void read_bytes(int who)
{
	static unsigned char buf[50000];
	unsigned *seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("seen", O_RDWR), 0);

	(void)who;
	for (;;) {
		ssize_t n = read(shared_fd, buf, sizeof(buf));
		if (n <= 0)
			_exit(n != 0);
		__atomic_fetch_add(seen, (unsigned)n, __ATOMIC_SEQ_CST);
	}
}
CASE(reads_through_a_shared_offset_take_each_byte_once)
{
	unsigned total = 0;
	pid_t p[4];
	int fd = open("seen", O_CREAT | O_RDWR, 0600);

	OK(ftruncate(fd, 4096));
	shared_fd = open("f", O_CREAT | O_RDWR, 0600);
	OK(ftruncate(shared_fd, 20000000));
	for (int i = 0; i < 4; i++)
		p[i] = child(read_bytes, i);
	for (int i = 0; i < 4; i++)
		reap(p[i]);
	EXPECT_EQ(pread(fd, &total, sizeof(total), 0), (long)sizeof(total));
	EXPECT_EQ(total, 20000000);
}
static void create_and_check(int who)
{
	char c = (char)who;

	for (int i = 0; i < 100; i++) {
		int fd = open("same", O_RDWR | O_CREAT, 0600);

		if (fd < 0 || pwrite(fd, &c, 1, who) != 1 || pread(fd, &c, 1, who) != 1 || c != (char)who)
			_exit(1);
		close(fd);
		if (unlink("same") && errno != ENOENT)
			_exit(2);
	}
}
CASE(create_and_unlink_of_one_name)
{
	pid_t p[4];

	for (int i = 0; i < 4; i++)
		p[i] = child(create_and_check, i + 1);
	for (int i = 0; i < 4; i++)
		reap(p[i]);
	EXPECT_ERRNO(access("same", F_OK), ENOENT);
}
CASE(holes_have_no_blocks)
{
	int fd = open("sparse", O_RDWR | O_CREAT, 0600);
	char page[4096] = "x";
	struct stat st;

	EXPECT_EQ(pwrite(fd, "end", 3, 1 << 30), 3);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, (1 << 30) + 3);
	EXPECT(st.st_blocks < 1000);
	for (int i = 0; i < 100; i++) /* filling a hole makes blocks, not size */
		EXPECT_EQ(pwrite(fd, page, sizeof(page), i * 4096), 4096);
	OK(stat("sparse", &st));
	EXPECT_EQ(st.st_size, (1 << 30) + 3);
	EXPECT(st.st_blocks >= 800 && st.st_blocks < 2000);
}

/* ---- directories that go while something is made in them ---- */

static volatile int over;

static void *remake(void *arg)
{
	while (!over) {
		mkdir("d", 0755);
		sched_yield();
		rmdir("d");
	}
	return NULL;
}
static void *make_inside(void *arg)
{
	int fd;

	while (!over) {
		fd = open("d/x", O_CREAT | O_RDWR, 0644);
		if (fd >= 0)
			close(fd);
		unlink("d/x");
		if (!mkdir("d/y", 0755))
			rmdir("d/y");
	}
	return NULL;
}
static void *move_inside(void *arg)
{
	char name[8];

	snprintf(name, sizeof(name), "m%d", (int)(intptr_t)arg);
	while (!over) {
		close(open(name, O_CREAT | O_RDWR, 0644));
		if (!rename(name, "d/z"))
			unlink("d/z");
		unlink(name);
	}
	return NULL;
}
/* Cross-directory renames elsewhere, which others wait for. */
static void *move_elsewhere(void *arg)
{
	while (!over) {
		rename("/var/tmp/race-a/f", "/var/tmp/race-b/f");
		rename("/var/tmp/race-b/f", "/var/tmp/race-a/f");
	}
	return NULL;
}

/* What is made in a directory that is removed at the same time is either seen by its removal, or not made: in
 * the end the file system has as many free inodes as before. */
static void nothing_is_left_behind(void)
{
	void *(*const parts[])(void *) = {remake,      make_inside, make_inside,
					  move_inside, move_inside, move_elsewhere};
	struct statfs before, after;
	pthread_t t[6];

	mkdir("/var", 0755);
	mkdir("/var/tmp", 01777);
	mkdir("/var/tmp/race-a", 0755);
	mkdir("/var/tmp/race-b", 0755);
	close(open("/var/tmp/race-a/f", O_CREAT | O_RDWR, 0644));
	OK(statfs(".", &before));
	for (intptr_t i = 0; i < 6; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, parts[i], (void *)i), 0);
	sleep_ms(2500);
	over = 1;
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	unlink("d/x");
	unlink("d/z");
	rmdir("d/y");
	rmdir("d");
	unlink("m3");
	unlink("m4");
	OK(statfs(".", &after));
	unlink("/var/tmp/race-a/f");
	unlink("/var/tmp/race-b/f");
	rmdir("/var/tmp/race-a");
	rmdir("/var/tmp/race-b");
	EXPECT_EQ(after.f_ffree, before.f_ffree);
}
static void fresh_tmpfs(void)
{
	if (unshare(CLONE_NEWNS))
		case_skip("may not make mounts");
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("t", 0755));
	OK(mount("none", "t", "tmpfs", 0, NULL));
	OK(chdir("t"));
}
CASE(nothing_stays_in_removed_directories_of_tmpfs)
{
	fresh_tmpfs();
	nothing_is_left_behind();
}
CASE(nothing_stays_in_removed_directories_of_an_overlay)
{
	fresh_tmpfs();
	OK(mkdir("l", 0755));
	OK(mkdir("u", 0755));
	OK(mkdir("w", 0755));
	OK(mkdir("m", 0755));
	if (mount("o", "m", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w"))
		case_skip("no overlay here");
	OK(chdir("m"));
	nothing_is_left_behind();
}

/* ---- one position for all who share the open file ---- */

#define PIECES 8
#define PIECE  (8UL << 20)

static _Atomic unsigned long pieces_seen;
static _Atomic int wrong_pieces;

/* Of a file whose every page begins with its number. */
static void *piece_reader(void *arg)
{
	char *buf = malloc(PIECE);
	ssize_t n;

	while ((n = read((int)(intptr_t)arg, buf, PIECE)) > 0) {
		uint64_t page, first = *(uint64_t *)buf;
		if (n != (ssize_t)PIECE || first % (PIECE / 4096)) {
			wrong_pieces++;
			break;
		}
		for (size_t i = 0; i < PIECE / 4096; i++) {
			memcpy(&page, buf + i * 4096, 8);
			wrong_pieces += page != first + i;
		}
		pieces_seen |= 1UL << first / (PIECE / 4096);
	}
	free(buf);
	return NULL;
}

CASE(a_read_and_its_change_of_the_position_are_one)
{
	pthread_t t[3];
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	OK(fd);
	OK(ftruncate(fd, PIECES * PIECE));
	for (uint64_t i = 0; i < PIECES * PIECE / 4096; i++)
		EXPECT_EQ(pwrite(fd, &i, 8, (off_t)(i * 4096)), 8);
	for (int round = 0; round < 5; round++) {
		pieces_seen = 0;
		EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(pthread_create(&t[i], NULL, piece_reader, (void *)(intptr_t)fd), 0);
		for (int i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		EXPECT_EQ(wrong_pieces, 0);
		EXPECT_EQ(pieces_seen, (1UL << PIECES) - 1);
		EXPECT_EQ(lseek(fd, 0, SEEK_CUR), PIECES * PIECE);
	}
}

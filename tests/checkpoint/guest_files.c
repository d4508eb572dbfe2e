/* guest_files.c - open files. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "guest.h"

static void put(const char *name, size_t size, char c)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	char buf[4096];

	CHECK(fd >= 0);
	memset(buf, c, sizeof(buf));
	for (size_t done = 0; done < size; done += sizeof(buf))
		CHECK(write(fd, buf, sizeof(buf)) == sizeof(buf));
	close(fd);
}

static void expect(const char *name, size_t size, char c)
{
	int fd = open(name, O_RDONLY);
	char buf[4096];

	CHECK(fd >= 0);
	for (size_t done = 0; done < size; done += sizeof(buf)) {
		CHECK(read(fd, buf, sizeof(buf)) == sizeof(buf));
		CHECK(buf[0] == c && buf[4095] == c);
	}
	CHECK(read(fd, buf, 1) == 0);
	close(fd);
}

/* Small and large, removed but open, directories, links, a lock. */
static void tmpfs(void)
{
	int gone, locked, again;
	char c;

	put("/dev/shm/small", 4096, 's');
	put("/dev/shm/large", 4UL << 20, 'l');
	put("/dev/shm/gone", 8192, 'g');
	gone = open("/dev/shm/gone", O_RDWR);
	CHECK(unlink("/dev/shm/gone") == 0 && mkdir("/dev/shm/dir", 0711) == 0);
	CHECK(symlink("large", "/dev/shm/dir/link") == 0 && link("/dev/shm/small", "/dev/shm/dir/hard") == 0);
	locked = open("/dev/shm/small", O_RDWR);
	CHECK(flock(locked, LOCK_EX) == 0 && lseek(gone, 8191, SEEK_SET) == 8191);
	pause_here();
	expect("/dev/shm/small", 4096, 's');
	expect("/dev/shm/dir/hard", 4096, 's');
	expect("/dev/shm/large", 4UL << 20, 'l');
	CHECK(read(gone, &c, 1) == 1 && c == 'g' && read(gone, &c, 1) == 0);
	again = open("/dev/shm/small", O_RDWR);
	CHECK(flock(again, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
}

/* Files of the host's tree: one read, one written, one mapped, a directory being listed, a working directory.
 */
static void tree(void)
{
	int r = open("/data/text", O_RDONLY), w = open("/data/written", O_CREAT | O_RDWR | O_APPEND, 0644);
	int big = open("/data/big", O_RDWR);
	char buf[32] = "", cwd[64];
	struct dirent *e;
	int names = 0;
	char *m;
	DIR *d;

	CHECK(r >= 0 && w >= 0 && big >= 0);
	CHECK(read(r, buf, 6) == 6 && !memcmp(buf, "hello ", 6));
	CHECK(write(w, "before\n", 7) == 7);
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, big, 0);
	CHECK(m != MAP_FAILED);
	d = opendir("/data/dir");
	CHECK(d && readdir(d) && chdir("/data/dir") == 0);
	pause_here();
	CHECK(read(r, buf, 5) == 5 && !memcmp(buf, "world", 5));
	CHECK(write(w, "after\n", 6) == 6);
	CHECK(pread(w, buf, 20, 0) == 13 && !memcmp(buf, "before\nafter\n", 13));
	CHECK(m[0] == 'b');
	m[1] = 'M';
	CHECK(pread(big, buf, 2, 0) == 2 && buf[1] == 'M');
	while ((e = readdir(d)))
		names++;
	CHECK(names >= 2 && getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/data/dir"));
	CHECK(access("one", F_OK) == 0 && access("none", F_OK) == -1);
}

/* The same tree with changes over it. */
static void changes(bool remove_open)
{
	int fd, gone = -1;
	char c;

	put("/data/dir/new", 4096, 'n');
	put("/data/text", 8192, 't');
	fd = open("/data/big", O_RDONLY);
	gone = open("/data/dir/one", O_RDWR);
	CHECK(gone >= 0 && write(gone, "x", 1) == 1 && unlink("/data/dir/one") == 0);
	if (!remove_open)
		close(gone);
	CHECK(fd >= 0 && read(fd, &c, 1) == 1 && c == 'b');
	CHECK(rename("/data/dir/new", "/data/moved") == 0);
	pause_here();
	expect("/data/moved", 4096, 'n');
	expect("/data/text", 8192, 't');
	CHECK(access("/data/dir/one", F_OK) == -1);
	CHECK(!remove_open || (pread(gone, &c, 1, 0) == 1 && c == 'x'));
	CHECK(read(fd, &c, 1) == 1 && c == 'b');
}

static void overlay_memory(void)
{
	changes(true);
}

static void overlay_folder(void)
{
	changes(false);
}

/* Open files whose last name is gone: one read and written, one mapped, one made without a name. */
static void removed(void)
{
	int fd = open("/data/victim", O_CREAT | O_RDWR, 0644), reader = open("/data/dir/two", O_RDONLY);
	int anon = open("/data", O_TMPFILE | O_RDWR, 0600), again = open("/data/victim", O_RDONLY);
	char buf[8] = "";
	struct stat st;
	char *m;

	CHECK(fd >= 0 && reader >= 0 && again >= 0 && write(fd, "victim", 6) == 6);
	CHECK(ftruncate(fd, 10000) == 0);
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED && unlink("/data/victim") == 0 && unlink("/data/dir/two") == 0);
	m[5000] = 'M';
	CHECK(anon < 0 || write(anon, "anon", 4) == 4);
	pause_here();
	CHECK(pread(again, buf, 6, 0) == 6 && !memcmp(buf, "victim", 6));
	CHECK(m[0] == 'v' && m[5000] == 'M' && read(reader, buf, 8) == 1 && buf[0] == '2');
	m[1] = 'I';
	CHECK(pwrite(fd, "s", 1, 0) == 1 && m[0] == 's' && pread(again, buf, 2, 0) == 2 && buf[1] == 'I');
	CHECK(fsync(fd) == 0 && ftruncate(fd, 3) == 0 && fstat(again, &st) == 0 && st.st_size == 3 &&
	      !st.st_nlink);
	CHECK(fchmod(fd, 0600) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(posix_fallocate(fd, 0, 6000) == 0 && fstat(fd, &st) == 0 && st.st_size == 6000);
	CHECK(anon < 0 || (pread(anon, buf, 8, 0) == 4 && !memcmp(buf, "anon", 4)));
	CHECK(access("/data/victim", F_OK) == -1);
}

/* What cannot be carried: the name is gone that a file was opened by, but the file has another one. */
static void linked(void)
{
	int fd = open("/data/linked", O_RDWR);

	CHECK(fd >= 0 && unlink("/data/linked") == 0);
	pause_here();
	CHECK(close(fd) == 0);
	pause_here();
}

const struct situation file_situations[] = {{"tmpfs", tmpfs},
					    {"tree", tree},
					    {"overlay memory", overlay_memory},
					    {"overlay folder", overlay_folder},
					    {"removed", removed},
					    {"linked", linked},
					    {0}};

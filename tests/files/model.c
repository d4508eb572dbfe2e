/*
 * model.c - random operations on files against a model in memory: model DIR STEPS SEED. The same steps on the
 * same tree each time: a failure can be seen again.
 *
 * A small set of names in a small set of directories is created, written, truncated, mapped, linked, renamed
 * and removed at random; after every few operations something is compared with the model: content, size,
 * number of links, the names in a directory. The first difference ends it with the seed and the step.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DIRS  4
#define NAMES 6 /* in each directory */
#define SIZE  (96 * 1024)
#define OPEN  5

struct body { /* what one or more names lead to */
	int names, opens;
	int elsewhere; /* names that are not in the tree we see */
	long size;
	unsigned char data[SIZE];
};

static struct body *name_of[DIRS][NAMES];
static int dir_exists[DIRS];
static struct {
	int fd;
	struct body *body;
} open_files[OPEN];
static unsigned long seed, step, state;
static const char *last = "";

static void wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("seed %lu step %lu after %s: ", seed, step, last);
	vprintf(fmt, ap);
	printf(" (errno %s)\n", strerrorname_np(errno) ? strerrorname_np(errno) : "0");
	exit(1);
}

static unsigned long rnd(unsigned long n)
{
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return (state >> 33) % n;
}

static const char *path(int d, int n)
{
	static char buf[4][64];
	static int turn;
	char *p = buf[turn++ & 3];

	if (n < 0)
		snprintf(p, 64, "dir%d", d);
	else
		snprintf(p, 64, "dir%d/name%d", d, n);
	return p;
}

static void drop(struct body *b)
{
	if (b && !b->names && !b->opens)
		free(b);
}

static void expect_result(const char *what, int got, int want_ok, int want_errno)
{
	last = what;
	if (want_ok ? got < 0 : got >= 0 || errno != want_errno)
		wrong("%s gave %d, expected %s", what, got,
		      want_ok ? "success" : strerrorname_np(want_errno));
}

/* ---- operations ---- */

static void op_mkdir(int d)
{
	expect_result("mkdir", mkdir(path(d, -1), 0755), !dir_exists[d], EEXIST);
	dir_exists[d] = 1;
}

static int used(int d)
{
	int n = 0;

	for (int i = 0; i < NAMES; i++)
		n += name_of[d][i] != NULL;
	return n;
}

static void op_rmdir(int d)
{
	expect_result("rmdir", rmdir(path(d, -1)), dir_exists[d] && !used(d),
		      dir_exists[d] ? ENOTEMPTY : ENOENT);
	if (!used(d))
		dir_exists[d] = 0;
}

static void op_open(int d, int n, int flags)
{
	int slot = (int)rnd(OPEN), fd;
	struct body *b = name_of[d][n];

	if (open_files[slot].body) {
		close(open_files[slot].fd);
		open_files[slot].body->opens--;
		drop(open_files[slot].body);
		open_files[slot].body = NULL;
	}
	fd = open(path(d, n), flags, 0644);
	last = "open";
	if (!dir_exists[d] || (!b && !(flags & O_CREAT))) {
		if (fd >= 0 || errno != ENOENT)
			wrong("open of what is not there gave %d", fd);
		return;
	}
	if (fd < 0)
		wrong("open failed");
	if (!b) {
		b = calloc(1, sizeof(*b));
		b->names = 1;
		name_of[d][n] = b;
	}
	if (flags & O_TRUNC) {
		b->size = 0;
		memset(b->data, 0, SIZE);
	}
	b->opens++;
	open_files[slot].fd = fd;
	open_files[slot].body = b;
}

static void op_write(int slot)
{
	struct body *b = open_files[slot].body;
	unsigned char buf[20000];
	long at, n;

	if (!b)
		return;
	n = (long)rnd(rnd(4) ? 3000 : sizeof(buf)) + 1;
	at = (long)rnd((unsigned long)(SIZE - n));
	if (rnd(2) && b->size + n < SIZE)
		at = b->size;
	for (long i = 0; i < n; i++)
		buf[i] = (unsigned char)rnd(256);
	last = "pwrite";
	if (pwrite(open_files[slot].fd, buf, (size_t)n, at) != n)
		wrong("a write of %ld at %ld", n, at);
	memcpy(b->data + at, buf, (size_t)n);
	if (at + n > b->size)
		b->size = at + n;
}

static void check_body(int fd, struct body *b)
{
	static unsigned char buf[SIZE + 1];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		wrong("fstat");
	if (st.st_size != b->size)
		wrong("the size is %ld, expected %ld", (long)st.st_size, b->size);
	if ((int)st.st_nlink != b->names + b->elsewhere)
		wrong("%ld links, expected %d", (long)st.st_nlink, b->names + b->elsewhere);
	n = pread(fd, buf, sizeof(buf), 0);
	if (n != b->size)
		wrong("read gave %ld of %ld", (long)n, b->size);
	for (long i = 0; i < n; i++)
		if (buf[i] != b->data[i])
			wrong("byte %ld is %d, expected %d", i, buf[i], b->data[i]);
}

static void op_truncate(int slot)
{
	struct body *b = open_files[slot].body;
	long size = (long)rnd(SIZE);

	if (!b)
		return;
	last = "ftruncate";
	if (ftruncate(open_files[slot].fd, size))
		wrong("ftruncate to %ld", size);
	if (size < b->size)
		memset(b->data + size, 0, (size_t)(b->size - size));
	b->size = size;
}

static void op_map(int slot)
{
	struct body *b = open_files[slot].body;
	long at, n;
	unsigned char *p;

	if (!b || b->size < 100)
		return;
	last = "mmap";
	p = mmap(NULL, (size_t)b->size, PROT_READ | PROT_WRITE, MAP_SHARED, open_files[slot].fd, 0);
	if (p == MAP_FAILED)
		wrong("mmap");
	at = (long)rnd((unsigned long)b->size - 50);
	n = (long)rnd(50) + 1;
	for (long i = 0; i < n; i++)
		p[at + i] = b->data[at + i] = (unsigned char)rnd(256);
	if (memcmp(p, b->data, (size_t)b->size))
		wrong("the mapping differs");
	munmap(p, (size_t)b->size);
}

static void op_punch(int slot)
{
	struct body *b = open_files[slot].body;
	long at = (long)rnd(SIZE / 2), n = (long)rnd(SIZE / 2) + 1;

	if (!b)
		return;
	last = "fallocate";
	if (fallocate(open_files[slot].fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n)) {
		if (errno == EOPNOTSUPP)
			return;
		wrong("punching %ld at %ld", n, at);
	}
	memset(b->data + at, 0, (size_t)n);
}

static void op_unlink(int d, int n)
{
	struct body *b = name_of[d][n];

	expect_result("unlink", unlink(path(d, n)), b != NULL, ENOENT);
	if (b) {
		b->names--;
		name_of[d][n] = NULL;
		drop(b);
	}
}

static void op_link(int d, int n, int d2, int n2)
{
	struct body *b = name_of[d][n];
	int r = link(path(d, n), path(d2, n2));

	last = "link";
	if (b && dir_exists[d2] && !name_of[d2][n2]) {
		if (r)
			wrong("link");
		name_of[d2][n2] = b;
		b->names++;
	} else if (!r) {
		wrong("a link that cannot be");
	}
}

static void op_rename(int d, int n, int d2, int n2)
{
	struct body *b = name_of[d][n], *over = name_of[d2][n2];
	int r = rename(path(d, n), path(d2, n2));

	last = "rename";
	if (!b || !dir_exists[d2]) {
		if (!r)
			wrong("a rename that cannot be");
		return;
	}
	if (r)
		wrong("rename of %s to %s", path(d, n), path(d2, n2));
	if (b == over)
		return;
	name_of[d2][n2] = b;
	name_of[d][n] = NULL;
	if (over) {
		over->names--;
		drop(over);
	}
}

static void op_rename_dir(int d, int d2)
{
	int r = rename(path(d, -1), path(d2, -1)),
	    ok = dir_exists[d] && (!dir_exists[d2] || d == d2 || !used(d2));

	last = "rename of a directory";
	if (r && errno == EXDEV)
		return; /* an overlay's answer for lower directories */
	if (!ok != !!r)
		wrong("%s to %s gave %d", path(d, -1), path(d2, -1), r);
	if (r || d == d2)
		return;
	memcpy(name_of[d2], name_of[d], sizeof(name_of[d]));
	memset(name_of[d], 0, sizeof(name_of[d]));
	dir_exists[d2] = 1;
	dir_exists[d] = 0;
}

/* ---- comparing ---- */

static void check_dir(int d)
{
	int seen[NAMES] = {0}, n;
	struct dirent *e;
	DIR *dir = opendir(path(d, -1));

	if (!dir != !dir_exists[d])
		wrong("opendir of %s", path(d, -1));
	if (!dir)
		return;
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (sscanf(e->d_name, "name%d", &n) != 1 || n < 0 || n >= NAMES || !name_of[d][n] ||
		    seen[n]++)
			wrong("%s shows %s", path(d, -1), e->d_name);
	}
	closedir(dir);
	for (n = 0; n < NAMES; n++)
		if (name_of[d][n] && !seen[n])
			wrong("%s does not show name%d", path(d, -1), n);
}

static void check_name(int d, int n)
{
	int fd = open(path(d, n), O_RDONLY);

	if ((fd >= 0) != (name_of[d][n] != NULL))
		wrong("%s is %s", path(d, n), fd >= 0 ? "there" : "not there");
	if (fd < 0)
		return;
	check_body(fd, name_of[d][n]);
	close(fd);
}

/* What the tree holds when it is not empty at the start (lower layers): taken as the model's beginning. */
static void adopt(void)
{
	ino_t inos[DIRS * NAMES] = {0};

	for (int d = 0; d < DIRS; d++) {
		dir_exists[d] = !access(path(d, -1), F_OK);
		for (int n = 0; n < NAMES; n++) {
			int fd = open(path(d, n), O_RDONLY);
			struct body *b = NULL;
			struct stat st;
			if (fd < 0)
				continue;
			fstat(fd, &st);
			for (int i = 0; i < DIRS * NAMES; i++)
				if (name_of[i / NAMES][i % NAMES] && st.st_nlink > 1 && inos[i] == st.st_ino)
					b = name_of[i / NAMES][i % NAMES];
			if (!b)
				b = calloc(1, sizeof(*b));
			b->names++;
			b->elsewhere = (int)st.st_nlink - b->names;
			b->size = pread(fd, b->data, SIZE, 0);
			close(fd);
			inos[d * NAMES + n] = st.st_ino;
			name_of[d][n] = b;
		}
	}
}

int main(int argc, char **argv)
{
	unsigned long steps;

	if (argc != 4 || chdir(argv[1]))
		return 2;
	steps = strtoul(argv[2], NULL, 10);
	seed = state = strtoul(argv[3], NULL, 10);
	adopt();
	for (step = 0; step < steps; step++) {
		int d = (int)rnd(DIRS), n = (int)rnd(NAMES), d2 = (int)rnd(DIRS), n2 = (int)rnd(NAMES);
		int slot = (int)rnd(OPEN);
		switch (rnd(24)) {
		case 0:
			op_mkdir(d);
			break;
		case 1:
			op_rmdir(d);
			break;
		case 2:
		case 3:
		case 4:
			op_open(d, n, O_RDWR | O_CREAT);
			break;
		case 5:
			op_open(d, n, O_RDWR | O_CREAT | O_TRUNC);
			break;
		case 6:
			op_open(d, n, O_RDWR);
			break;
		case 7:
		case 8:
		case 9:
		case 10:
			op_write(slot);
			break;
		case 11:
			op_truncate(slot);
			break;
		case 12:
			op_map(slot);
			break;
		case 13:
			op_punch(slot);
			break;
		case 14:
			op_unlink(d, n);
			break;
		case 15:
			op_link(d, n, d2, n2);
			break;
		case 16:
		case 17:
			op_rename(d, n, d2, n2);
			break;
		case 18:
			op_rename_dir(d, d2);
			break;
		case 19:
			check_dir(d);
			break;
		case 20:
			if (open_files[slot].body)
				check_body(open_files[slot].fd, open_files[slot].body);
			break;
		default:
			check_name(d, n);
			break;
		}
	}
	printf("%lu steps\n", step);
	return 0;
}

/*
 * model.c - random operations on files against a model in memory: model DIR STEPS SEED [SECONDS]. The same
 * steps on the same tree each time: a failure can be seen again. With SECONDS it goes on until they are over.
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
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define DIRS  4
#define NAMES 6 /* in each directory */
#define SIZE  (96 * 1024)
#define OPEN  5
#define HELD  3 /* mappings that stay */

struct body { /* what one or more names lead to */
	int names, opens, maps;
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
static struct held {
	unsigned char *at;
	long size;
	struct body *body;
} held[HELD];
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
	if (b && !b->names && !b->opens && !b->maps)
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

/* Zeroes, or makes room beyond the end. */
static void op_allocate(int slot)
{
	struct body *b = open_files[slot].body;
	long at = (long)rnd(SIZE / 2), n = (long)rnd(SIZE / 2) + 1;
	int mode = (rnd(2) ? FALLOC_FL_ZERO_RANGE : 0) | (rnd(2) ? FALLOC_FL_KEEP_SIZE : 0);

	if (!b)
		return;
	last = "fallocate of zeroes";
	if (fallocate(open_files[slot].fd, mode, at, n)) {
		if (errno == EOPNOTSUPP)
			return;
		wrong("allocating %ld at %ld, mode %d", n, at, mode);
	}
	if (mode & FALLOC_FL_ZERO_RANGE)
		memset(b->data + at, 0, (size_t)(at + n <= b->size ? n : b->size > at ? b->size - at : 0));
	if (!(mode & FALLOC_FL_KEEP_SIZE) && at + n > b->size)
		b->size = at + n;
}

/* At the end, in pieces. */
static void op_append(int slot)
{
	struct body *b = open_files[slot].body;
	unsigned char buf[3000];
	struct iovec v[3];
	long n = 0;

	if (!b || b->size + (long)sizeof(buf) > SIZE)
		return;
	for (int i = 0; i < 3; i++) {
		v[i] = (struct iovec){buf + n, rnd(1000)};
		n += (long)v[i].iov_len;
	}
	for (long i = 0; i < n; i++)
		buf[i] = (unsigned char)rnd(256);
	last = "appending";
	if (pwritev2(open_files[slot].fd, v, 3, 0, RWF_APPEND) != n)
		wrong("appending %ld at %ld", n, b->size);
	memcpy(b->data + b->size, buf, (size_t)n);
	b->size += n;
}

static void op_copy(int slot, int slot2)
{
	struct body *from = open_files[slot].body, *to = open_files[slot2].body;
	long at = (long)rnd(SIZE / 2), to_at = (long)rnd(SIZE / 2), n = (long)rnd(20000) + 1, done = 0;
	unsigned char buf[20000];

	if (!from || !to || from == to || from->size <= at)
		return;
	if (n > from->size - at)
		n = from->size - at;
	memcpy(buf, from->data + at, (size_t)n);
	last = "copy_file_range";
	while (done < n) {
		off_t a = at + done, b = to_at + done;
		ssize_t got =
		    copy_file_range(open_files[slot].fd, &a, open_files[slot2].fd, &b, (size_t)(n - done), 0);
		if (got <= 0)
			wrong("copying %ld from %ld of %ld to %ld gave %ld after %ld", n, at, from->size,
			      to_at, (long)got, done);
		done += got;
	}
	memcpy(to->data + to_at, buf, (size_t)n);
	if (to_at + n > to->size)
		to->size = to_at + n;
}

/* Through a pipe into another file. */
static void op_splice(int slot, int slot2)
{
	struct body *from = open_files[slot].body, *to = open_files[slot2].body;
	long at = (long)rnd(SIZE / 2), to_at = (long)rnd(SIZE / 2), n = (long)rnd(4000) + 1, got, put = 0;
	off_t a = at, b = to_at;
	int p[2];

	if (!from || !to || from == to || at >= from->size)
		return;
	if (pipe(p))
		wrong("pipe");
	last = "splice";
	got = splice(open_files[slot].fd, &a, p[1], NULL, (size_t)n, 0);
	if (got <= 0 || got > n || a != at + got)
		wrong("splice of %ld at %ld of %ld gave %ld", n, at, from->size, got);
	memcpy(to->data + to_at, from->data + at, (size_t)got);
	while (put < got) {
		long more = splice(p[0], NULL, open_files[slot2].fd, &b, (size_t)(got - put), 0);
		if (more <= 0)
			wrong("splice into a file of %ld gave %ld", got - put, more);
		put += more;
	}
	if (to_at + got > to->size)
		to->size = to_at + got;
	close(p[0]);
	close(p[1]);
}

/* What lies before data is zeroes; a hole is zeroes up to the next data. */
static void check_holes(int slot)
{
	struct body *b = open_files[slot].body;
	long at = b && b->size ? (long)rnd((unsigned long)b->size) : 0, data, hole;

	if (!b || !b->size)
		return;
	last = "lseek";
	data = lseek(open_files[slot].fd, at, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		wrong("SEEK_DATA from %ld of %ld", at, b->size);
	for (long i = at; i < (data < 0 ? b->size : data); i++)
		if (b->data[i])
			wrong("from %ld on %ld is said to be the first data, but there is some at %ld", at,
			      data, i);
	hole = lseek(open_files[slot].fd, at, SEEK_HOLE);
	if (hole < at || hole > b->size)
		wrong("SEEK_HOLE from %ld of %ld gave %ld", at, b->size, hole);
	if (hole < b->size && b->data[hole])
		wrong("at %ld there is no hole", hole);
}

/* ---- mappings that stay ---- */

static void held_drop(struct held *h)
{
	if (!h->body)
		return;
	munmap(h->at, (size_t)h->size);
	h->body->maps--;
	drop(h->body);
	h->body = NULL;
}

static void op_hold(int slot)
{
	struct held *h = &held[rnd(HELD)];
	struct body *b = open_files[slot].body;

	if (!b || !b->size)
		return;
	held_drop(h);
	last = "mmap to hold";
	h->size = b->size;
	h->at = mmap(NULL, (size_t)h->size, PROT_READ | PROT_WRITE, MAP_SHARED, open_files[slot].fd, 0);
	if (h->at == MAP_FAILED)
		wrong("mmap of %ld", h->size);
	h->body = b;
	b->maps++;
}

static void op_held(void)
{
	struct held *h = &held[rnd(HELD)];
	long at, n;

	if (!h->body)
		return;
	n = h->size < h->body->size ? h->size : h->body->size;
	last = "use of a mapping";
	for (long i = 0; i < n; i++)
		if (h->at[i] != h->body->data[i])
			wrong("byte %ld of a mapping of %ld (file %ld) is %d, expected %d", i, h->size,
			      h->body->size, h->at[i], h->body->data[i]);
	if (!n)
		return;
	at = (long)rnd((unsigned long)n);
	for (long i = at; i < n && i < at + 5000; i++)
		h->at[i] = h->body->data[i] = (unsigned char)rnd(256);
	if (!rnd(4) && msync(h->at, (size_t)h->size, MS_SYNC))
		wrong("msync");
}

/* ---- names ---- */

static void op_truncate_name(int d, int n)
{
	struct body *b = name_of[d][n];
	long size = (long)rnd(SIZE);

	expect_result("truncate", truncate(path(d, n), size), b != NULL, ENOENT);
	if (!b)
		return;
	if (size < b->size)
		memset(b->data + size, 0, (size_t)(b->size - size));
	b->size = size;
}

static void op_exchange(int d, int n, int d2, int n2)
{
	struct body *b = name_of[d][n], *c = name_of[d2][n2];
	int r = renameat2(AT_FDCWD, path(d, n), AT_FDCWD, path(d2, n2), RENAME_EXCHANGE);

	last = "exchange";
	if (r && errno == EINVAL && b && c)
		return; /* a file system that cannot */
	if (!r != (b && c))
		wrong("exchange of %s and %s gave %d", path(d, n), path(d2, n2), r);
	if (!r) {
		name_of[d][n] = c;
		name_of[d2][n2] = b;
	}
}

static void op_rename_new(int d, int n, int d2, int n2)
{
	struct body *b = name_of[d][n], *over = name_of[d2][n2];
	int r = renameat2(AT_FDCWD, path(d, n), AT_FDCWD, path(d2, n2), RENAME_NOREPLACE);

	last = "rename that must not replace";
	if (r && errno == EINVAL && b)
		return;
	if (!r != (b && dir_exists[d2] && !over))
		wrong("rename of %s to %s gave %d", path(d, n), path(d2, n2), r);
	if (!r) {
		name_of[d2][n2] = b;
		name_of[d][n] = NULL;
	}
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

	time_t end = argc == 5 ? time(NULL) + atol(argv[4]) : 0;

	if (argc < 4 || argc > 5 || chdir(argv[1]))
		return 2;
	steps = strtoul(argv[2], NULL, 10);
	seed = state = strtoul(argv[3], NULL, 10);
	adopt();
	for (step = 0; step < steps || (end && (step % 64 || time(NULL) < end)); step++) {
		int d = (int)rnd(DIRS), n = (int)rnd(NAMES), d2 = (int)rnd(DIRS), n2 = (int)rnd(NAMES);
		int slot = (int)rnd(OPEN);
		int slot2 = (int)rnd(OPEN);
		switch (rnd(34)) {
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
		case 21:
			op_allocate(slot);
			break;
		case 22:
			op_append(slot);
			break;
		case 23:
			op_copy(slot, slot2);
			break;
		case 24:
			op_splice(slot, slot2);
			break;
		case 25:
			check_holes(slot);
			break;
		case 26:
			op_hold(slot);
			break;
		case 27:
		case 28:
			op_held();
			break;
		case 29:
			op_truncate_name(d, n);
			break;
		case 30:
			op_exchange(d, n, d2, n2);
			break;
		case 31:
			op_rename_new(d, n, d2, n2);
			break;
		default:
			check_name(d, n);
			break;
		}
	}
	printf("%lu steps\n", step);
	return 0;
}

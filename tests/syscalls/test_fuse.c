/*
 * test_fuse.c - file systems served by a process on /dev/fuse: a small server in memory that speaks the
 * protocol of linux/fuse.h, in a child; the case uses what it serves.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "case.h"

/* ---- the server ---- */

#define NODES 64
static struct node {
	unsigned parent; /* 0: free */
	char name[64], data[20000];
	mode_t mode;
	size_t size;
	unsigned uid, opens;
} nodes[NODES];
static int dev;
static bool hang, entry_cache, no_mknod = true;

static unsigned find(unsigned parent, const char *name)
{
	for (unsigned i = 2; i < NODES; i++)
		if (nodes[i].parent == parent && !strcmp(nodes[i].name, name))
			return i;
	return 0;
}

static unsigned add(unsigned parent, const char *name, mode_t mode, const char *text)
{
	for (unsigned i = 2; i < NODES; i++)
		if (!nodes[i].parent) {
			nodes[i] = (struct node){.parent = parent, .mode = mode, .size = strlen(text)};
			strcpy(nodes[i].name, name);
			strcpy(nodes[i].data, text);
			return i;
		}
	return 0;
}

static void reply(uint64_t unique, int error, const void *data, size_t size)
{
	struct fuse_out_header h = {
	    .len = (uint32_t)(sizeof(h) + (error ? 0 : size)), .error = -error, .unique = unique};
	struct iovec v[] = {{&h, sizeof(h)}, {(void *)(uintptr_t)data, error ? 0 : size}};

	writev(dev, v, 2);
}

static void fill_attr(struct fuse_attr *a, unsigned n)
{
	*a = (struct fuse_attr){.ino = n,
				.size = nodes[n].size,
				.mode = nodes[n].mode,
				.nlink = 1,
				.uid = nodes[n].uid,
				.blksize = 4096};
	a->mtime = 1234567;
	a->mtimensec = 89;
}

static void reply_entry(uint64_t unique, unsigned n)
{
	struct fuse_entry_out e = {.nodeid = n, .entry_valid = entry_cache ? 100 : 0};

	fill_attr(&e.attr, n);
	reply(unique, n ? 0 : ENOENT, &e, sizeof(e));
}

static void reply_attr(uint64_t unique, unsigned n)
{
	struct fuse_attr_out a = {0};

	fill_attr(&a.attr, n);
	reply(unique, 0, &a, sizeof(a));
}

static void list(uint64_t unique, unsigned dir, const struct fuse_read_in *in)
{
	char buf[4096] = "";
	size_t used = 0;

	for (uint64_t i = in->offset; i < NODES; i++) {
		struct fuse_dirent *d = (void *)(buf + used);
		const char *name = i == 0 ? "." : i == 1 ? ".." : nodes[i].name;
		if (i > 1 && nodes[i].parent != dir)
			continue;
		if (used + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + strlen(name)) >
		    (in->size < sizeof(buf) ? in->size : sizeof(buf)))
			break;
		*d = (struct fuse_dirent){.ino = i ? i : 1,
					  .off = i + 1,
					  .namelen = (uint32_t)strlen(name),
					  .type = i < 2 ? DT_DIR : nodes[i].mode >> 12};
		memcpy(d->name, name, strlen(name));
		used += FUSE_DIRENT_SIZE(d);
	}
	reply(unique, 0, buf, used);
}

static void serve_files(const struct fuse_in_header *h, const void *arg)
{
	struct node *n = &nodes[h->nodeid];
	const struct fuse_read_in *rw = arg;
	const struct fuse_setattr_in *set = arg;
	struct fuse_open_out open_out = {.fh = 77};
	struct fuse_write_out written = {0};

	switch (h->opcode) {
	case FUSE_GETATTR:
		reply_attr(h->unique, (unsigned)h->nodeid);
		break;
	case FUSE_SETATTR:
		if (set->valid & FATTR_SIZE)
			n->size = set->size;
		if (set->valid & FATTR_MODE)
			n->mode = (n->mode & S_IFMT) | (set->mode & 07777);
		if (set->valid & FATTR_UID)
			n->uid = set->uid;
		reply_attr(h->unique, (unsigned)h->nodeid);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		n->opens++;
		reply(h->unique, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		n->opens--;
		reply(h->unique, 0, NULL, 0);
		break;
	case FUSE_READ:
		if (rw->offset >= n->size)
			reply(h->unique, 0, "", 0);
		else
			reply(h->unique, 0, n->data + rw->offset,
			      rw->size < n->size - rw->offset ? rw->size : n->size - rw->offset);
		break;
	case FUSE_WRITE:
		if (rw->offset + rw->size > sizeof(n->data)) {
			reply(h->unique, ENOSPC, NULL, 0);
			break;
		}
		memcpy(n->data + rw->offset, (const char *)arg + sizeof(struct fuse_write_in), rw->size);
		if (rw->offset + rw->size > n->size)
			n->size = rw->offset + rw->size;
		written.size = rw->size;
		reply(h->unique, 0, &written, sizeof(written));
		break;
	case FUSE_READDIR:
		list(h->unique, (unsigned)h->nodeid, arg);
		break;
	case FUSE_READLINK:
		reply(h->unique, 0, n->data, n->size);
		break;
	default:
		reply(h->unique, ENOSYS, NULL, 0);
	}
}

static void move(const struct fuse_in_header *h, uint64_t to, const char *old)
{
	const char *name = old + strlen(old) + 1;
	unsigned n = find((unsigned)h->nodeid, old), over = find((unsigned)to, name);

	if (n) {
		if (over)
			nodes[over].parent = 0;
		nodes[n].parent = (unsigned)to;
		strcpy(nodes[n].name, name);
	}
	reply(h->unique, n ? 0 : ENOENT, NULL, 0);
}

static void serve(const struct fuse_in_header *h, const void *arg)
{
	unsigned dir = (unsigned)h->nodeid, n;
	struct {
		struct fuse_entry_out e;
		struct fuse_open_out o;
	} created = {0};
	struct fuse_statfs_out sf = {.st = {.blocks = 1000, .bfree = 400, .bsize = 512, .namelen = 63}};
	struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 8192};

	switch (h->opcode) {
	case FUSE_INIT:
		reply(h->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		if (hang && !strcmp(arg, "hang"))
			return;
		reply_entry(h->unique, find(dir, arg));
		break;
	case FUSE_MKNOD:
		if (no_mknod)
			reply(h->unique, ENOSYS, NULL, 0);
		else
			reply_entry(h->unique, add(dir, (const char *)arg + sizeof(struct fuse_mknod_in),
						   ((const struct fuse_mknod_in *)arg)->mode, ""));
		break;
	case FUSE_CREATE:
		n = add(dir, (const char *)arg + sizeof(struct fuse_create_in),
			((const struct fuse_create_in *)arg)->mode, "");
		created.e.nodeid = n;
		created.o.fh = 77;
		nodes[n].opens++;
		fill_attr(&created.e.attr, n);
		reply(h->unique, 0, &created, sizeof(created));
		break;
	case FUSE_MKDIR:
		reply_entry(h->unique, add(dir, (const char *)arg + sizeof(struct fuse_mkdir_in),
					   S_IFDIR | ((const struct fuse_mkdir_in *)arg)->mode, ""));
		break;
	case FUSE_SYMLINK:
		reply_entry(h->unique, add(dir, arg, S_IFLNK | 0777, (const char *)arg + strlen(arg) + 1));
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		n = find(dir, arg);
		if (n)
			nodes[n].parent = 0;
		reply(h->unique, n ? 0 : ENOENT, NULL, 0);
		break;
	case FUSE_RENAME:
		move(h, ((const struct fuse_rename_in *)arg)->newdir,
		     (const char *)arg + sizeof(struct fuse_rename_in));
		break;
	case FUSE_STATFS:
		reply(h->unique, 0, &sf, sizeof(sf));
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		serve_files(h, arg);
	}
}

static void server(void)
{
	static char buf[1 << 18] __attribute__((aligned(8)));
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	nodes[1] = (struct node){.parent = 1, .mode = S_IFDIR | 0755};
	strcpy(nodes[1].name, "/");
	nodes[1].parent = 0;
	add(1, "hello", S_IFREG | 0644, "hello fuse\n");
	add(1, "sub", S_IFDIR | 0755, "");
	add(find(1, "sub"), "deep", S_IFREG | 0600, "deep text");
	add(1, "prog", S_IFREG | 0755, "#!/proc/self/exe --case\n");
	while ((n = read(dev, buf, sizeof(buf))) > 0)
		serve((void *)buf, buf + sizeof(struct fuse_in_header));
	_exit(n < 0 && errno == ENODEV ? 7 : 1);
}

/* Mounts at "m" and serves it; the server's pid. */
static pid_t start_with(const char *more)
{
	char opt[100];
	pid_t pid;

	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		case_skip("no /dev/fuse");
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("m", 0755));
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0%s", dev, more);
	OK(mount("test", "m", "fuse", MS_NOSUID | MS_NODEV, opt));
	pid = fork();
	if (!pid)
		server();
	close(dev); /* with the server goes the connection */
	return pid;
}

static void start(void)
{
	start_with("");
}

static const char *content(const char *path)
{
	static char buf[30000];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	OK(fd);
	n = read(fd, buf, sizeof(buf) - 1);
	OK(n);
	buf[n] = 0;
	OK(close(fd));
	return buf;
}

/* ---- the cases ---- */

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
	entry_cache = false;
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

	hang = true;
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

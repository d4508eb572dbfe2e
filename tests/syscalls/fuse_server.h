/*
 * fuse_server.h - a small file server in memory that speaks the protocol of linux/fuse.h, in a child of the
 * case. Which of the protocol's extensions it takes part in, the case says before it starts it (struct
 * server_does).
 */
#ifndef FUSE_SERVER_H
#define FUSE_SERVER_H

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
static struct server_does {
	bool hang, entry_cache, mknod;
	bool hang_rename;
	bool big;       /* sizes beyond what it has room for: that is zeroes */
	bool splice;    /* requests and answers go through pipes */
	bool seek;      /* knows a hole from 100 on */
	bool no_create; /* files are made by mknod only */
	uint32_t flags; /* FUSE_INIT's */
} does;
/* What it was asked, for the case to see. */
static struct server_saw {
	unsigned renames, lookups, opens, creates, lists, plus_lists, seeks, forgotten, releases;
	struct fuse_lk_in lock; /* the last */
	unsigned locks, lock_op;
	uint64_t flush_owner, release_owner;
	uint32_t release_flags;
} * saw;

static int pipe_fd[2];
static char zeroes[1 << 17];

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

	if (!does.splice) {
		writev(dev, v, 2);
		return;
	}
	writev(pipe_fd[1], v, 2); /* an empty pipe has room for all we answer */
	if (splice(pipe_fd[0], NULL, dev, NULL, h.len, 0) != (ssize_t)h.len)
		_exit(9);
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
	struct fuse_entry_out e = {.nodeid = n, .entry_valid = does.entry_cache ? 100 : 0};

	if (n)
		fill_attr(&e.attr, n);
	reply(unique, n || does.entry_cache ? 0 : ENOENT, &e, sizeof(e)); /* node 0: an absence to remember */
}

static void reply_attr(uint64_t unique, unsigned n)
{
	struct fuse_attr_out a = {0};

	fill_attr(&a.attr, n);
	reply(unique, 0, &a, sizeof(a));
}

static void list(uint64_t unique, unsigned dir, const struct fuse_read_in *in, bool plus)
{
	char buf[4096] __attribute__((aligned(8))) = "";
	size_t used = 0, before = plus ? sizeof(struct fuse_entry_out) : 0;

	for (uint64_t i = in->offset; i < NODES; i++) {
		struct fuse_entry_out *entry = (void *)(buf + used);
		struct fuse_dirent *d = (void *)(buf + used + before);
		const char *name = i == 0 ? "." : i == 1 ? ".." : nodes[i].name;
		if (i > 1 && nodes[i].parent != dir)
			continue;
		if (used + before + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + strlen(name)) >
		    (in->size < sizeof(buf) ? in->size : sizeof(buf)))
			break;
		*d = (struct fuse_dirent){.ino = i ? i : 1,
					  .off = i + 1,
					  .namelen = (uint32_t)strlen(name),
					  .type = i < 2 ? DT_DIR : nodes[i].mode >> 12};
		memcpy(d->name, name, strlen(name));
		if (plus) {
			*entry = (struct fuse_entry_out){.nodeid = i > 1 ? i : 0,
							 .entry_valid = does.entry_cache ? 100 : 0,
							 .attr_valid = does.entry_cache ? 100 : 0};
			fill_attr(&entry->attr, (unsigned)(i ? i : 1));
		}
		used += before + FUSE_DIRENT_SIZE(d);
	}
	reply(unique, 0, buf, used);
}

/* Somebody else (process 4711, as far as it is known) has the bytes from 1000 to 1999 of every file for
 * writing. */
static void lock(const struct fuse_in_header *h, const struct fuse_lk_in *in)
{
	struct fuse_lk_out out = {.lk = {.start = 1000, .end = 1999, .type = F_WRLCK, .pid = 1}};
	bool other = in->lk.start < 2000 && in->lk.end >= 1000 && in->lk.type != F_UNLCK && !in->lk_flags;

	saw->lock = *in;
	saw->lock_op = h->opcode;
	saw->locks++;
	if (h->opcode != FUSE_GETLK) {
		reply(h->unique, other ? EAGAIN : 0, NULL, 0);
		return;
	}
	if (!other)
		out.lk.type = F_UNLCK;
	reply(h->unique, 0, &out, sizeof(out));
}

static void serve_files(const struct fuse_in_header *h, const void *arg)
{
	struct node *n = &nodes[h->nodeid];
	const struct fuse_read_in *rw = arg;
	const struct fuse_setattr_in *set = arg;
	const struct fuse_lseek_in *seek = arg;
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
		saw->opens++;
		/* fall through */
	case FUSE_OPENDIR:
		n->opens++;
		reply(h->unique, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_RELEASE:
		saw->releases++;
		saw->release_owner = ((const struct fuse_release_in *)arg)->lock_owner;
		saw->release_flags = ((const struct fuse_release_in *)arg)->release_flags;
		/* fall through */
	case FUSE_RELEASEDIR:
		n->opens--;
		reply(h->unique, 0, NULL, 0);
		break;
	case FUSE_READ:
		if (rw->offset >= n->size)
			reply(h->unique, 0, "", 0);
		else if (does.big && rw->offset + rw->size > sizeof(n->data))
			reply(h->unique, 0, rw->offset ? zeroes : n->data,
			      rw->offset ? (rw->size < sizeof(zeroes) ? rw->size : sizeof(zeroes))
					 : sizeof(n->data));
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
		saw->lists++;
		list(h->unique, (unsigned)h->nodeid, arg, false);
		break;
	case FUSE_READDIRPLUS:
		saw->plus_lists++;
		list(h->unique, (unsigned)h->nodeid, arg, true);
		break;
	case FUSE_LSEEK:
		saw->seeks++;
		if (does.seek)
			reply(h->unique, seek->offset < n->size ? 0 : ENXIO,
			      &(struct fuse_lseek_out){
				  seek->whence == SEEK_HOLE && seek->offset < 100 ? 100 : seek->offset},
			      sizeof(struct fuse_lseek_out));
		else
			reply(h->unique, ENOSYS, NULL, 0);
		break;
	case FUSE_GETLK:
	case FUSE_SETLK:
	case FUSE_SETLKW:
		lock(h, arg);
		break;
	case FUSE_FLUSH:
		saw->flush_owner = ((const struct fuse_flush_in *)arg)->lock_owner;
		reply(h->unique, 0, NULL, 0);
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
	struct fuse_init_out init = {
	    .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 8192, .flags = does.flags};

	switch (h->opcode) {
	case FUSE_INIT:
		reply(h->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		saw->lookups++;
		if (does.hang && !strcmp(arg, "hang"))
			return;
		reply_entry(h->unique, find(dir, arg));
		break;
	case FUSE_MKNOD:
		if (!does.mknod)
			reply(h->unique, ENOSYS, NULL, 0);
		else
			reply_entry(h->unique, add(dir, (const char *)arg + sizeof(struct fuse_mknod_in),
						   ((const struct fuse_mknod_in *)arg)->mode, ""));
		break;
	case FUSE_CREATE:
		saw->creates++;
		if (does.no_create) {
			reply(h->unique, ENOSYS, NULL, 0);
			break;
		}
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
		saw->renames++;
		if (does.hang_rename)
			break;
		move(h, ((const struct fuse_rename_in *)arg)->newdir,
		     (const char *)arg + sizeof(struct fuse_rename_in));
		break;
	case FUSE_STATFS:
		reply(h->unique, 0, &sf, sizeof(sf));
		break;
	case FUSE_FORGET:
		saw->forgotten += (unsigned)((const struct fuse_forget_in *)arg)->nlookup;
		break;
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		serve_files(h, arg);
	}
}

static ssize_t receive(char *buf, size_t size)
{
	ssize_t n;

	if (!does.splice)
		return read(dev, buf, size);
	n = splice(dev, NULL, pipe_fd[1], NULL, size, 0);
	return n > 0 && read(pipe_fd[0], buf, (size_t)n) != n ? -1 : n;
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
	while ((n = receive(buf, sizeof(buf))) > 0)
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
	saw = mmap(NULL, sizeof(*saw), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(saw != MAP_FAILED);
	OK(pipe2(pipe_fd, O_NONBLOCK)); /* as libfuse's is */
	OK(fcntl(pipe_fd[1], F_SETPIPE_SZ, 1 << 19));
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

#endif

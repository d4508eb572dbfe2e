/* Operations on one node: open, attributes, space, directories, and the clone of the connection. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "gofer/server/server.h"

/* Regular files only: opening a FIFO or a device has effects of its own and could wait for ever. */
static int need_regular(const struct node *node)
{
	if (S_ISREG(node->mode))
		return 0;
	return S_ISDIR(node->mode) ? -EISDIR : -EOPNOTSUPP;
}

int op_open(struct server *s, struct node *node, const struct gofer_request *q, struct answer *a)
{
	uint32_t how = q->open.flags & (GOFER_OPEN_READ | GOFER_OPEN_WRITE);
	int flags = how == GOFER_OPEN_READ ? O_RDONLY : how == GOFER_OPEN_WRITE ? O_WRONLY : O_RDWR;
	int err = need_regular(node);
	int fd;

	if (err)
		return err;
	if (how == 0 || (q->open.flags == (GOFER_OPEN_READ | GOFER_OPEN_TRUNC)))
		return -EINVAL;
	fd = node_reopen(s, node->fd, flags | (q->open.flags & GOFER_OPEN_TRUNC ? O_TRUNC : 0));
	if (fd < 0)
		return fd;
	err = attr_get(fd, "", &a->reply.attr);
	if (err) {
		close(fd);
		return err;
	}
	a->fd = fd;
	return 0;
}

int op_getattr(struct server *s, struct node *node, struct answer *a)
{
	return attr_get(node->fd, "", &a->reply.attr);
}

static struct timespec time_to_set(uint32_t mask, uint32_t set, uint32_t now, const struct gofer_time *time)
{
	if (mask & now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	if (mask & set)
		return (struct timespec){.tv_sec = time->sec, .tv_nsec = time->nsec};
	return (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_times(const struct node *node, const struct gofer_request *q)
{
	uint32_t mask = q->setattr.mask;
	struct timespec times[2] = {
	    time_to_set(mask, GOFER_SET_ATIME, GOFER_SET_ATIME_NOW, &q->setattr.atime),
	    time_to_set(mask, GOFER_SET_MTIME, GOFER_SET_MTIME_NOW, &q->setattr.mtime),
	};

	return utimensat(node->fd, "", times, AT_EMPTY_PATH) == 0 ? 0 : -errno;
}

/* In this order: a new size or owner clears set-id bits, the mode then says what they are, the times come
 * last. */
int op_setattr(struct server *s, struct node *node, const struct gofer_request *q, struct answer *a)
{
	uint32_t mask = q->setattr.mask;
	uid_t uid = mask & GOFER_SET_UID ? q->setattr.uid : (uid_t)-1;
	gid_t gid = mask & GOFER_SET_GID ? q->setattr.gid : (gid_t)-1;
	char path[NODE_PATH_SIZE];
	int err;

	node_path(path, node->fd);
	if (mask & GOFER_SET_SIZE) {
		err = need_regular(node);
		if (err)
			return err == -EOPNOTSUPP ? -EINVAL : err;
		if (truncate(path, (off_t)q->setattr.size) != 0)
			return -errno;
	}
	if (mask & (GOFER_SET_UID | GOFER_SET_GID))
		if (fchownat(node->fd, "", uid, gid, AT_EMPTY_PATH) != 0)
			return -errno;
	if (mask & GOFER_SET_MODE) {
		if (S_ISLNK(node->mode))
			return -EOPNOTSUPP;
		if (fchmodat(s->proc_fd, path, q->setattr.mode, 0) != 0)
			return -errno;
	}
	if (mask & (GOFER_SET_ATIME | GOFER_SET_MTIME | GOFER_SET_ATIME_NOW | GOFER_SET_MTIME_NOW)) {
		err = set_times(node, q);
		if (err)
			return err;
	}
	return attr_get(node->fd, "", &a->reply.attr);
}

int op_statfs(struct server *s, struct node *node, struct answer *a)
{
	struct statfs st;
	uint64_t fsid = 0;

	if (fstatfs(node->fd, &st) != 0)
		return -errno;
	memcpy(&fsid, &st.f_fsid, sizeof(fsid) < sizeof(st.f_fsid) ? sizeof(fsid) : sizeof(st.f_fsid));
	a->reply.statfs = (struct gofer_statfs){
	    .type = (uint64_t)st.f_type,
	    .bsize = (uint64_t)st.f_bsize,
	    .blocks = st.f_blocks,
	    .bfree = st.f_bfree,
	    .bavail = st.f_bavail,
	    .files = st.f_files,
	    .ffree = st.f_ffree,
	    .fsid = fsid,
	    .namelen = (uint64_t)st.f_namelen,
	    .frsize = (uint64_t)st.f_frsize,
	    .flags = (uint64_t)st.f_flags,
	};
	return 0;
}

int op_fsync(struct server *s, struct node *node, const struct gofer_request *q)
{
	int fd, err;

	if (!S_ISREG(node->mode) && !S_ISDIR(node->mode))
		return -EINVAL;
	fd = node_reopen(s, node->fd, O_RDONLY);
	if (fd < 0)
		return fd;
	if (q->fsync.flags & GOFER_FSYNC_FS)
		err = syncfs(fd);
	else
		err = q->fsync.flags & GOFER_FSYNC_DATA ? fdatasync(fd) : fsync(fd);
	err = err ? -errno : 0;
	close(fd);
	return err;
}

int op_fallocate(struct server *s, struct node *node, const struct gofer_request *q)
{
	int err = need_regular(node);
	int fd;

	if (err)
		return err == -EOPNOTSUPP ? -ENODEV : err;
	if (q->fallocate.offset > INT64_MAX || q->fallocate.size > INT64_MAX)
		return -EINVAL;
	fd = node_reopen(s, node->fd, O_WRONLY);
	if (fd < 0)
		return fd;
	err = fallocate(fd, (int)q->fallocate.mode, (off_t)q->fallocate.offset, (off_t)q->fallocate.size);
	err = err ? -errno : 0;
	close(fd);
	return err;
}

int op_readlink(struct server *s, struct node *node, struct answer *a)
{
	ssize_t n;

	if (!S_ISLNK(node->mode))
		return -EINVAL;
	n = readlinkat(node->fd, "", (char *)s->list, GOFER_TARGET_MAX);
	if (n <= 0)
		return n ? -errno : -ENOENT;
	a->reply.target = (struct gofer_str){.data = (char *)s->list, .size = (uint32_t)n};
	return 0;
}

struct raw_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* Makes s->dir the directory at that cookie. 0 or -errno. */
static int dir_seek(struct server *s, struct node *dir, uint64_t handle, uint64_t cookie)
{
	if (s->dir.fd < 0 || s->dir.handle != handle) {
		int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		if (s->dir.fd >= 0)
			close(s->dir.fd);
		s->dir.fd = fd;
		s->dir.handle = handle;
		s->dir.cookie = 0;
	}
	if (cookie == 0 || s->dir.cookie != cookie)
		if (lseek(s->dir.fd, (off_t)cookie, SEEK_SET) < 0)
			return -errno;
	return 0;
}

/* Adds what getdents64 gave, until the list is full. False then. */
static bool add_entries(struct server *s, size_t size, size_t room, uint32_t flags, struct gofer_list *list)
{
	for (size_t at = 0; at < size;) {
		const struct raw_dirent *raw = (const void *)(s->scratch + at);
		struct gofer_dirent entry = {
		    .cookie = (uint64_t)raw->off,
		    .ino = raw->ino,
		    .type = raw->type & 15u,
		    .name = {.data = raw->name, .size = (uint32_t)strlen(raw->name)},
		};

		at += raw->reclen;
		if (gofer_name_ok(&entry.name)) {
			if (flags & GOFER_READDIR_ATTR)
				entry.has_attr = attr_get(s->dir.fd, raw->name, &entry.attr) == 0;
			if (entry.has_attr && (flags & GOFER_READDIR_PLAIN))
				attr_note_plain(s->dir.fd, raw->name, &entry.attr);
			if (!gofer_dirent_add(list, room, &entry))
				return false;
		}
		s->dir.cookie = entry.cookie;
	}
	return true;
}

int op_readdir(struct server *s, struct node *dir, const struct gofer_request *q, struct answer *a)
{
	bool want_attr = q->readdir.flags & GOFER_READDIR_ATTR;
	struct gofer_list list = {.data = s->list};
	size_t room = q->readdir.max_size < GOFER_MSG_MAX ? q->readdir.max_size : GOFER_MSG_MAX;
	size_t chunk = want_attr ? 8192 : 32768;
	long n = 0;
	int err;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (room < GOFER_REPLY_SMALL + GOFER_NAME_MAX)
		return -EINVAL;
	room -= 64;
	err = dir_seek(s, dir, q->readdir.handle, q->readdir.cookie);
	while (!err && (n = syscall(SYS_getdents64, s->dir.fd, s->scratch, chunk)) > 0) {
		if (!add_entries(s, (size_t)n, room, q->readdir.flags, &list)) {
			s->dir.cookie = UINT64_MAX; /* the position is behind what was told: seek next time */
			break;
		}
	}
	if (err || n < 0)
		return err ? err : -errno;
	a->reply.readdir.eof = n == 0;
	a->reply.readdir.entries = list;
	return 0;
}

int op_clone(struct server *s, struct answer *a)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int err = -errno;

		close(pair[0]);
		close(pair[1]);
		return err;
	}
	if (pid == 0) {
		close(pair[0]);
		a->next_sock = pair[1];
		return 0;
	}
	close(pair[1]);
	a->fd = pair[0];
	return 0;
}

/* Operations on names: walk, create, link, unlink, rename. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "gofer/server/server.h"

/* One component below dir_fd: a node of it, and its attributes (and target). 0 or -errno. */
static int walk_one(struct server *s, int dir_fd, const char *name, struct gofer_step *step, char *target)
{
	int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = attr_get(fd, "", &step->attr);
	step->target = (struct gofer_str){.data = "", .size = 0};
	if (!err && S_ISLNK(step->attr.mode)) {
		ssize_t n = readlinkat(fd, "", target, GOFER_TARGET_MAX);

		if (n <= 0)
			err = n ? -errno : -ENOENT;
		step->target = (struct gofer_str){.data = target, .size = (uint32_t)n};
	}
	if (err) {
		close(fd);
		return err;
	}
	attr_note_plain(fd, NULL, &step->attr);
	step->handle = node_add(s, fd, step->attr.mode);
	return step->handle ? 0 : -errno;
}

/*
 * Walks until something is missing, or is not a directory while components are left. What was reached is in
 * the reply; nothing here is undone on a stop, the client owns the handles of all steps it is told about.
 */
int op_walk(struct server *s, struct node *dir, const struct gofer_request *q, struct answer *a)
{
	struct gofer_list steps = {.data = s->list};
	struct gofer_step step;
	char target[GOFER_TARGET_MAX];
	int dir_fd = dir->fd, err = 0;
	uint32_t mode = dir->mode;
	struct name name;

	for (uint32_t i = 0; i < q->walk.count; i++) {
		err = S_ISDIR(mode) ? walk_one(s, dir_fd, name_of(&name, &q->walk.names[i]), &step, target)
				    : -ENOTDIR;
		if (err)
			break;
		if (!gofer_step_add(&steps, GOFER_LIST_ROOM, &step)) {
			node_drop(s, step.handle);
			err = -ENOBUFS;
			break;
		}
		dir_fd = node_at(s, step.handle)->fd;
		mode = step.attr.mode;
	}
	a->reply.walk.stop = err;
	a->reply.walk.steps = steps;
	if (!err && (q->walk.flags & GOFER_WALK_OPEN) && S_ISREG(mode)) {
		int fd = node_reopen(s, dir_fd, O_RDONLY);

		a->fd = fd >= 0 ? fd : -1; /* not opened: the client will ask with OPEN and hear why */
	}
	return 0;
}

/* Makes the file, without regard to ownership. Returns a descriptor of it: O_RDWR if regular, else O_PATH. */
static int make(struct server *s, int dir_fd, const char *name, const struct gofer_request *q)
{
	mode_t mode = q->create.mode & 07777;
	char target[GOFER_TARGET_MAX + 1];
	int fd, err;

	switch (q->create.mode & S_IFMT) {
	case S_IFREG:
		if (q->create.flags & GOFER_CREATE_TMPFILE)
			fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
		else
			fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, mode);
		return fd < 0 ? -errno : fd;
	case S_IFDIR:
		err = mkdirat(dir_fd, name, mode);
		break;
	case S_IFLNK:
		snprintf(target, sizeof(target), "%.*s", (int)q->create.target.size, q->create.target.data);
		err = symlinkat(target, dir_fd, name);
		break;
	case S_IFIFO:
	case S_IFSOCK:
		err = mknodat(dir_fd, name, (q->create.mode & S_IFMT) | mode, 0);
		break;
	default: /* device nodes */
		return -EPERM;
	}
	if (err)
		return -errno;
	fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Gives what was made the owner and the mode asked for: inherited set-group-id bits and default ACLs undone
 * too. */
static int adopt(struct server *s, int fd, const struct gofer_request *q, struct gofer_attr *attr)
{
	mode_t mode = q->create.mode & 07777;
	char path[NODE_PATH_SIZE];
	int err;

	if (s->privileged && fchownat(fd, "", q->create.uid, q->create.gid, AT_EMPTY_PATH) != 0)
		return -errno;
	err = attr_get(fd, "", attr);
	if (err || S_ISLNK(attr->mode) || (attr->mode & 07777) == mode)
		return err;
	if (fchmodat(s->proc_fd, node_path(path, fd), mode, 0) != 0)
		return -errno;
	return attr_get(fd, "", attr);
}

int op_create(struct server *s, struct node *dir, const struct gofer_request *q, struct answer *a)
{
	struct name name;
	int dir_fd = dir->fd, fd, node_fd, err;

	name_of(&name, &q->create.name);
	fd = make(s, dir_fd, name.text, q);
	if (fd < 0)
		return fd;
	err = adopt(s, fd, q, &a->reply.node.attr);
	node_fd = fd;
	if (!err && S_ISREG(q->create.mode)) {
		node_fd = node_reopen(s, fd, O_PATH);
		err = node_fd < 0 ? node_fd : 0;
	}
	if (!err) {
		a->reply.node.handle = node_add(s, node_fd, q->create.mode);
		err = a->reply.node.handle ? 0 : -errno;
		if (err && node_fd == fd)
			fd = -1;
	}
	if (err && !(q->create.flags & GOFER_CREATE_TMPFILE))
		unlinkat(dir_fd, name.text, S_ISDIR(q->create.mode) ? AT_REMOVEDIR : 0);
	if (!err && node_fd == fd)
		return 0;
	if (!err && (q->create.flags & GOFER_CREATE_OPEN))
		a->fd = fd;
	else if (fd >= 0)
		close(fd);
	return err;
}

int op_link(struct server *s, struct node *node, const struct gofer_request *q)
{
	struct node *dir = node_at(s, q->link.dir);
	char path[NODE_PATH_SIZE];
	struct name name;

	if (!dir)
		return -EBADF;
	if (S_ISDIR(node->mode))
		return -EPERM;
	if (linkat(s->proc_fd, node_path(path, node->fd), dir->fd, name_of(&name, &q->link.name),
		   AT_SYMLINK_FOLLOW) != 0)
		return -errno;
	return 0;
}

int op_unlink(struct server *s, struct node *dir, const struct gofer_request *q)
{
	int flags = q->unlink.flags & GOFER_UNLINK_DIR ? AT_REMOVEDIR : 0;
	struct name name;

	return unlinkat(dir->fd, name_of(&name, &q->unlink.name), flags) == 0 ? 0 : -errno;
}

int op_rename(struct server *s, struct node *old_dir, const struct gofer_request *q)
{
	struct node *new_dir = node_at(s, q->rename.new_dir);
	struct name old_name, new_name;

	if (!new_dir)
		return -EBADF;
	if (renameat2(old_dir->fd, name_of(&old_name, &q->rename.old_name), new_dir->fd,
		      name_of(&new_name, &q->rename.new_name), q->rename.flags) != 0)
		return -errno;
	return 0;
}

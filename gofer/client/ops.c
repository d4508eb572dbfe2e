/* One function per operation: fill the request, make the round trip, take the answer apart. */
#include <errno.h>
#include <fcntl.h>
#include "gofer/client/client.h"

int gofer_hello(struct gofer_client *c, struct gofer_call *call)
{
	struct gofer_request q = {.op = GOFER_HELLO, .hello = {GOFER_VERSION, GOFER_MSG_MAX}};
	struct gofer_reply p;
	int err = gofer_client_call(c, call, &q, &p);

	if (err)
		return err;
	if (p.hello.version != GOFER_VERSION || p.hello.max_size < GOFER_MSG_MAX)
		return -EPROTONOSUPPORT;
	c->server_flags = p.hello.flags;
	c->max_handles = p.hello.max_handles;
	return 0;
}

int gofer_attach(struct gofer_client *c, struct gofer_call *call, uint64_t *handle, struct gofer_attr *attr)
{
	struct gofer_request q = {.op = GOFER_ATTACH};
	struct gofer_reply p;
	int err = gofer_client_call(c, call, &q, &p);

	if (err)
		return err;
	if ((p.node.attr.mode & 0170000) != 0040000) {
		gofer_client_break(c);
		return -EIO;
	}
	*handle = p.node.handle;
	*attr = p.node.attr;
	return 0;
}

/* A donated descriptor that is not what was asked for breaks the client. */
static int take_fd(struct gofer_client *c, struct gofer_call *call, int mode, int *fd)
{
	if (call->fd_lost) {
		*fd = -1;
		return -ENFILE;
	}
	if (call->fd >= 0 && c->transport->check_fd(c->ctx, call->fd, mode)) {
		*fd = call->fd;
		return 0;
	}
	if (call->fd >= 0)
		c->transport->close_fd(c->ctx, call->fd);
	call->fd = *fd = -1;
	gofer_client_break(c);
	return -EIO;
}

int gofer_walk(struct gofer_client *c, struct gofer_call *call, uint64_t handle,
	       const struct gofer_str *names, uint32_t count, uint32_t flags, int *stop,
	       struct gofer_list *steps)
{
	struct gofer_request q = {.op = GOFER_WALK,
				  .walk = {.handle = handle, .flags = flags, .count = count}};
	struct gofer_reply p;
	int err, fd;

	if (count == 0 || count > GOFER_WALK_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++)
		q.walk.names[i] = names[i];
	err = gofer_client_call(c, call, &q, &p);
	if (err)
		return err;
	if (p.walk.steps.count > count || (p.walk.stop == 0) != (p.walk.steps.count == count)) {
		gofer_client_break(c);
		err = -EIO;
	} else if (call->fd >= 0) {
		err = p.walk.stop ? -EIO : take_fd(c, call, O_RDONLY, &fd);
	}
	if (err && call->fd >= 0) {
		c->transport->close_fd(c->ctx, call->fd);
		call->fd = -1;
	}
	*stop = gofer_errno(p.walk.stop);
	*steps = p.walk.steps;
	return err;
}

int gofer_getattr(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_attr *attr)
{
	struct gofer_request q = {.op = GOFER_GETATTR, .node = {handle}};
	struct gofer_reply p;
	int err = gofer_client_call(c, call, &q, &p);

	if (!err)
		*attr = p.attr;
	return err;
}

int gofer_setattr(struct gofer_client *c, struct gofer_call *call, struct gofer_request *set,
		  struct gofer_attr *attr)
{
	struct gofer_reply p;
	int err;

	set->op = GOFER_SETATTR;
	err = gofer_client_call(c, call, set, &p);
	if (!err)
		*attr = p.attr;
	return err;
}

int gofer_open(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint32_t flags, int *fd,
	       struct gofer_attr *attr)
{
	struct gofer_request q = {.op = GOFER_OPEN, .open = {handle, flags}};
	uint32_t how = flags & (GOFER_OPEN_READ | GOFER_OPEN_WRITE);
	int mode = how == GOFER_OPEN_READ ? O_RDONLY : how == GOFER_OPEN_WRITE ? O_WRONLY : O_RDWR;
	struct gofer_reply p;
	int err = gofer_client_call(c, call, &q, &p);

	if (err)
		return err;
	*attr = p.attr;
	return take_fd(c, call, mode, fd);
}

int gofer_create(struct gofer_client *c, struct gofer_call *call, struct gofer_request *create,
		 uint64_t *handle, struct gofer_attr *attr, int *fd)
{
	struct gofer_reply p;
	int err;

	create->op = GOFER_CREATE;
	err = gofer_client_call(c, call, create, &p);
	if (err)
		return err;
	if ((p.node.attr.mode ^ create->create.mode) & 0170000) {
		if (call->fd >= 0)
			c->transport->close_fd(c->ctx, call->fd);
		call->fd = -1;
		gofer_client_break(c);
		return -EIO;
	}
	*handle = p.node.handle;
	*attr = p.node.attr;
	if (!(create->create.flags & GOFER_CREATE_OPEN) || call->fd_lost)
		return 0; /* it has been made; whoever opens it asks again */
	return take_fd(c, call, O_RDWR, fd);
}

/* The operations that are answered by a status alone. */
static int plain(struct gofer_client *c, struct gofer_call *call, struct gofer_request *q)
{
	struct gofer_reply p;

	return gofer_client_call(c, call, q, &p);
}

int gofer_link(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint64_t dir,
	       struct gofer_str name)
{
	struct gofer_request q = {.op = GOFER_LINK, .link = {handle, dir, name}};

	return plain(c, call, &q);
}

int gofer_readdir(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint64_t cookie,
		  uint32_t flags, bool *eof, struct gofer_list *entries)
{
	uint32_t max_size = call->cap < GOFER_MSG_MAX ? call->cap : GOFER_MSG_MAX;
	struct gofer_request q = {.op = GOFER_READDIR, .readdir = {handle, cookie, flags, max_size}};
	struct gofer_reply p;
	int err = gofer_client_call(c, call, &q, &p);

	if (err)
		return err;
	*eof = p.readdir.eof;
	*entries = p.readdir.entries;
	if (!*eof && entries->count == 0) { /* the caller would ask for ever */
		gofer_client_break(c);
		return -EIO;
	}
	return 0;
}

int gofer_readlink(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_str *target)
{
	struct gofer_request q = {.op = GOFER_READLINK, .node = {handle}};
	struct gofer_reply p;
	int err = gofer_client_call(c, call, &q, &p);

	if (!err)
		*target = p.target;
	return err;
}

int gofer_unlink(struct gofer_client *c, struct gofer_call *call, uint64_t dir, struct gofer_str name,
		 uint32_t flags)
{
	struct gofer_request q = {.op = GOFER_UNLINK, .unlink = {dir, flags, name}};

	return plain(c, call, &q);
}

int gofer_rename(struct gofer_client *c, struct gofer_call *call, uint64_t old_dir, struct gofer_str old_name,
		 uint64_t new_dir, struct gofer_str new_name, uint32_t flags)
{
	struct gofer_request q = {.op = GOFER_RENAME,
				  .rename = {old_dir, new_dir, flags, old_name, new_name}};

	return plain(c, call, &q);
}

int gofer_statfs(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_statfs *st)
{
	struct gofer_request q = {.op = GOFER_STATFS, .node = {handle}};
	struct gofer_reply p;
	int err = gofer_client_call(c, call, &q, &p);

	if (!err)
		*st = p.statfs;
	return err;
}

int gofer_fsync(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint32_t flags)
{
	struct gofer_request q = {.op = GOFER_FSYNC, .fsync = {handle, flags}};

	return plain(c, call, &q);
}

int gofer_fallocate(struct gofer_client *c, struct gofer_call *call, uint64_t handle, uint32_t mode,
		    uint64_t offset, uint64_t size)
{
	struct gofer_request q = {.op = GOFER_FALLOCATE, .fallocate = {handle, offset, size, mode}};

	return plain(c, call, &q);
}

int gofer_getxattr(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_str name,
		   uint32_t max_size, uint32_t *full_size, struct gofer_str *value)
{
	struct gofer_request q = {.op = name.size ? GOFER_GETXATTR : GOFER_LISTXATTR,
				  .getxattr = {handle, max_size, name}};
	struct gofer_reply p;
	int err = gofer_client_call(c, call, &q, &p);

	if (err)
		return err;
	if (p.xattr.value.size > max_size || (max_size && p.xattr.value.size != p.xattr.full_size)) {
		gofer_client_break(c);
		return -EIO;
	}
	*full_size = p.xattr.full_size;
	*value = p.xattr.value;
	return 0;
}

int gofer_setxattr(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_str name,
		   struct gofer_str value, uint32_t flags)
{
	struct gofer_request q = {.op = GOFER_SETXATTR, .setxattr = {handle, flags, name, value}};

	return plain(c, call, &q);
}

int gofer_removexattr(struct gofer_client *c, struct gofer_call *call, uint64_t handle, struct gofer_str name)
{
	struct gofer_request q = {.op = GOFER_REMOVEXATTR,
				  .setxattr = {handle, 0, name, {.data = "", .size = 0}}};

	return plain(c, call, &q);
}

int gofer_clone(struct gofer_client *c, struct gofer_call *call, int *fd)
{
	struct gofer_request q = {.op = GOFER_CLONE};
	int err = plain(c, call, &q);

	if (err)
		return err;
	if (call->fd < 0) {
		gofer_client_break(c);
		return -EIO;
	}
	*fd = call->fd;
	return 0;
}

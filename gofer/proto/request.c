/*
 * Requests: what the sentry writes and the gofer reads. Encode and decode are one list of fields each per
 * operation, side by side; whatever encode accepts decode gives back, and decode refuses the rest.
 */
#include <errno.h>
#include <sys/stat.h>
#include "gofer/proto/cursor.h"

static void wr_handles(struct writer *w, const struct gofer_request *q)
{
	wr_u32(w, q->clunk.count);
	wr_bytes(w, q->clunk.handles, (size_t)q->clunk.count * sizeof(uint64_t));
}

static void wr_walk(struct writer *w, const struct gofer_request *q)
{
	wr_u64(w, q->walk.handle);
	wr_u32(w, q->walk.flags);
	wr_u32(w, q->walk.count);
	for (uint32_t i = 0; i < q->walk.count; i++)
		wr_str(w, &q->walk.names[i]);
}

static void wr_setattr(struct writer *w, const struct gofer_request *q)
{
	wr_u64(w, q->setattr.handle);
	wr_u32(w, q->setattr.mask);
	wr_u32(w, q->setattr.mode);
	wr_u32(w, q->setattr.uid);
	wr_u32(w, q->setattr.gid);
	wr_u64(w, q->setattr.size);
	gofer_wr_time(w, &q->setattr.atime);
	gofer_wr_time(w, &q->setattr.mtime);
}

static void wr_create(struct writer *w, const struct gofer_request *q)
{
	wr_u64(w, q->create.dir);
	wr_u32(w, q->create.flags);
	wr_u32(w, q->create.mode);
	wr_u32(w, q->create.uid);
	wr_u32(w, q->create.gid);
	wr_str(w, &q->create.name);
	wr_str(w, &q->create.target);
}

static void wr_rename(struct writer *w, const struct gofer_request *q)
{
	wr_u64(w, q->rename.old_dir);
	wr_u64(w, q->rename.new_dir);
	wr_u32(w, q->rename.flags);
	wr_str(w, &q->rename.old_name);
	wr_str(w, &q->rename.new_name);
}

static void wr_xattr(struct writer *w, const struct gofer_request *q)
{
	if (q->op == GOFER_GETXATTR || q->op == GOFER_LISTXATTR) {
		wr_u64(w, q->getxattr.handle);
		wr_u32(w, q->getxattr.max_size);
		wr_str(w, &q->getxattr.name);
	} else {
		wr_u64(w, q->setxattr.handle);
		wr_u32(w, q->setxattr.flags);
		wr_str(w, &q->setxattr.name);
		wr_str(w, &q->setxattr.value);
	}
}

static int encode_body(struct writer *w, const struct gofer_request *q)
{
	switch ((enum gofer_op)q->op) {
	case GOFER_HELLO:
		wr_u32(w, q->hello.version);
		wr_u32(w, q->hello.max_size);
		return 0;
	case GOFER_ATTACH:
	case GOFER_CLONE:
		return 0;
	case GOFER_WALK:
		if (q->walk.count == 0 || q->walk.count > GOFER_WALK_MAX)
			return -EINVAL;
		wr_walk(w, q);
		return 0;
	case GOFER_CLUNK:
		if (q->clunk.count > GOFER_CLUNK_MAX)
			return -EINVAL;
		wr_handles(w, q);
		return 0;
	case GOFER_GETATTR:
	case GOFER_READLINK:
	case GOFER_STATFS:
		wr_u64(w, q->node.handle);
		return 0;
	case GOFER_SETATTR:
		wr_setattr(w, q);
		return 0;
	case GOFER_OPEN:
		wr_u64(w, q->open.handle);
		wr_u32(w, q->open.flags);
		return 0;
	case GOFER_CREATE:
		wr_create(w, q);
		return 0;
	case GOFER_LINK:
		wr_u64(w, q->link.handle);
		wr_u64(w, q->link.dir);
		wr_str(w, &q->link.name);
		return 0;
	case GOFER_READDIR:
		wr_u64(w, q->readdir.handle);
		wr_u64(w, q->readdir.cookie);
		wr_u32(w, q->readdir.flags);
		wr_u32(w, q->readdir.max_size);
		return 0;
	case GOFER_UNLINK:
		wr_u64(w, q->unlink.dir);
		wr_u32(w, q->unlink.flags);
		wr_str(w, &q->unlink.name);
		return 0;
	case GOFER_RENAME:
		wr_rename(w, q);
		return 0;
	case GOFER_FSYNC:
		wr_u64(w, q->fsync.handle);
		wr_u32(w, q->fsync.flags);
		return 0;
	case GOFER_FALLOCATE:
		wr_u64(w, q->fallocate.handle);
		wr_u64(w, q->fallocate.offset);
		wr_u64(w, q->fallocate.size);
		wr_u32(w, q->fallocate.mode);
		return 0;
	case GOFER_GETXATTR:
	case GOFER_LISTXATTR:
	case GOFER_SETXATTR:
	case GOFER_REMOVEXATTR:
		wr_xattr(w, q);
		return 0;
	case GOFER_OP_END:
		break;
	}
	return -EINVAL;
}

int gofer_request_encode(const struct gofer_request *q, void *buf, size_t cap)
{
	struct writer w = {.start = buf, .cap = cap};
	int err;

	gofer_wr_header(&w, q->tag, q->op, 0);
	err = encode_body(&w, q);
	return err ? err : gofer_wr_finish(&w);
}

static struct gofer_str rd_name(struct reader *r)
{
	struct gofer_str name = rd_str(r, GOFER_NAME_MAX);

	if (!gofer_name_ok(&name))
		r->bad = true;
	return name;
}

static uint32_t rd_flags(struct reader *r, uint32_t allowed)
{
	uint32_t flags = rd_u32(r);

	if (flags & ~allowed)
		r->bad = true;
	return flags;
}

static void rd_walk(struct reader *r, struct gofer_request *q)
{
	q->walk.handle = rd_u64(r);
	q->walk.flags = rd_flags(r, GOFER_WALK_OPEN);
	q->walk.count = rd_u32(r);
	if (q->walk.count == 0 || q->walk.count > GOFER_WALK_MAX) {
		r->bad = true;
		q->walk.count = 0;
	}
	for (uint32_t i = 0; i < q->walk.count; i++)
		q->walk.names[i] = rd_name(r);
}

static void rd_handles(struct reader *r, struct gofer_request *q)
{
	q->clunk.count = rd_u32(r);
	if (q->clunk.count > GOFER_CLUNK_MAX)
		r->bad = true;
	q->clunk.handles = rd_bytes(r, (size_t)q->clunk.count * sizeof(uint64_t));
}

static void rd_setattr(struct reader *r, struct gofer_request *q)
{
	q->setattr.handle = rd_u64(r);
	q->setattr.mask = rd_flags(r, GOFER_SET_ALL);
	q->setattr.mode = rd_flags(r, 07777);
	q->setattr.uid = rd_u32(r);
	q->setattr.gid = rd_u32(r);
	q->setattr.size = rd_u64(r);
	gofer_rd_time(r, &q->setattr.atime);
	gofer_rd_time(r, &q->setattr.mtime);
	if (q->setattr.size > INT64_MAX)
		r->bad = true;
}

static void rd_create(struct reader *r, struct gofer_request *q)
{
	bool link;

	q->create.dir = rd_u64(r);
	q->create.flags = rd_flags(r, GOFER_CREATE_OPEN | GOFER_CREATE_TMPFILE);
	q->create.mode = rd_flags(r, 0177777);
	q->create.uid = rd_u32(r);
	q->create.gid = rd_u32(r);
	q->create.name = rd_str(r, GOFER_NAME_MAX);
	q->create.target = rd_str(r, GOFER_TARGET_MAX);
	if (q->create.flags & GOFER_CREATE_TMPFILE) {
		if (q->create.name.size)
			r->bad = true;
	} else if (!gofer_name_ok(&q->create.name)) {
		r->bad = true;
	}
	if (q->create.flags && !S_ISREG(q->create.mode))
		r->bad = true;
	link = S_ISLNK(q->create.mode);
	if (link != (q->create.target.size > 0) || memchr(q->create.target.data, '\0', q->create.target.size))
		r->bad = true;
}

static void rd_rename(struct reader *r, struct gofer_request *q)
{
	q->rename.old_dir = rd_u64(r);
	q->rename.new_dir = rd_u64(r);
	q->rename.flags = rd_flags(r, GOFER_RENAME_NOREPLACE | GOFER_RENAME_EXCHANGE);
	q->rename.old_name = rd_name(r);
	q->rename.new_name = rd_name(r);
}

static void rd_xattr(struct reader *r, struct gofer_request *q)
{
	struct gofer_str name;

	if (q->op == GOFER_GETXATTR || q->op == GOFER_LISTXATTR) {
		q->getxattr.handle = rd_u64(r);
		q->getxattr.max_size = rd_u32(r);
		q->getxattr.name = name = rd_str(r, GOFER_NAME_MAX);
		if (q->getxattr.max_size > GOFER_XATTR_MAX)
			r->bad = true;
	} else {
		q->setxattr.handle = rd_u64(r);
		q->setxattr.flags = rd_flags(r, q->op == GOFER_SETXATTR ? 3 : 0);
		q->setxattr.name = name = rd_str(r, GOFER_NAME_MAX);
		q->setxattr.value = rd_str(r, q->op == GOFER_SETXATTR ? GOFER_XATTR_MAX : 0);
	}
	if ((name.size == 0) != (q->op == GOFER_LISTXATTR) || memchr(name.data, '\0', name.size))
		r->bad = true;
}

static void decode_body(struct reader *r, struct gofer_request *q)
{
	switch ((enum gofer_op)q->op) {
	case GOFER_HELLO:
		q->hello.version = rd_u32(r);
		q->hello.max_size = rd_u32(r);
		return;
	case GOFER_ATTACH:
	case GOFER_CLONE:
		return;
	case GOFER_WALK:
		rd_walk(r, q);
		return;
	case GOFER_CLUNK:
		rd_handles(r, q);
		return;
	case GOFER_GETATTR:
	case GOFER_READLINK:
	case GOFER_STATFS:
		q->node.handle = rd_u64(r);
		return;
	case GOFER_SETATTR:
		rd_setattr(r, q);
		return;
	case GOFER_OPEN:
		q->open.handle = rd_u64(r);
		q->open.flags = rd_flags(r, GOFER_OPEN_READ | GOFER_OPEN_WRITE | GOFER_OPEN_TRUNC);
		return;
	case GOFER_CREATE:
		rd_create(r, q);
		return;
	case GOFER_LINK:
		q->link.handle = rd_u64(r);
		q->link.dir = rd_u64(r);
		q->link.name = rd_name(r);
		return;
	case GOFER_READDIR:
		q->readdir.handle = rd_u64(r);
		q->readdir.cookie = rd_u64(r);
		q->readdir.flags = rd_flags(r, GOFER_READDIR_ATTR | GOFER_READDIR_PLAIN);
		q->readdir.max_size = rd_u32(r);
		return;
	case GOFER_UNLINK:
		q->unlink.dir = rd_u64(r);
		q->unlink.flags = rd_flags(r, GOFER_UNLINK_DIR);
		q->unlink.name = rd_name(r);
		return;
	case GOFER_RENAME:
		rd_rename(r, q);
		return;
	case GOFER_FSYNC:
		q->fsync.handle = rd_u64(r);
		q->fsync.flags = rd_flags(r, GOFER_FSYNC_DATA | GOFER_FSYNC_FS);
		return;
	case GOFER_FALLOCATE:
		q->fallocate.handle = rd_u64(r);
		q->fallocate.offset = rd_u64(r);
		q->fallocate.size = rd_u64(r);
		q->fallocate.mode = rd_u32(r);
		return;
	case GOFER_GETXATTR:
	case GOFER_LISTXATTR:
	case GOFER_SETXATTR:
	case GOFER_REMOVEXATTR:
		rd_xattr(r, q);
		return;
	case GOFER_OP_END:
		break;
	}
	r->bad = true;
}

int gofer_request_decode(const void *msg, size_t size, struct gofer_request *out)
{
	struct reader r = {.at = msg, .left = size};
	int32_t status;

	if (gofer_peek(msg, size, &out->tag, &out->op, &status) || status)
		return -EPROTO;
	if (out->tag == 0 && out->op != GOFER_CLUNK)
		return -EPROTO;
	rd_bytes(&r, GOFER_HEADER_SIZE);
	decode_body(&r, out);
	return rd_done(&r) ? 0 : -EPROTO;
}

uint64_t gofer_clunk_at(const struct gofer_request *request, uint32_t index)
{
	uint64_t handle;

	memcpy(&handle, (const char *)request->clunk.handles + (size_t)index * sizeof(handle),
	       sizeof(handle));
	return handle;
}

/*
 * Replies: what the gofer writes and the sentry reads. A decoded reply has been validated to its last byte,
 * lists included: gofer_step_next and gofer_dirent_next cannot fail on it in the middle.
 */
#include <errno.h>
#include "gofer/proto/cursor.h"

static void rd_step(struct reader *r, struct gofer_step *step)
{
	bool link;

	step->handle = rd_u64(r);
	gofer_rd_attr(r, &step->attr);
	step->target = rd_str(r, GOFER_TARGET_MAX);
	link = (step->attr.mode & 0170000) == 0120000;
	if (link != (step->target.size > 0) || memchr(step->target.data, '\0', step->target.size))
		r->bad = true;
	if (step->handle == 0)
		r->bad = true;
}

static void rd_dirent(struct reader *r, struct gofer_dirent *entry)
{
	uint32_t kind;

	entry->cookie = rd_u64(r);
	entry->ino = rd_u64(r);
	kind = rd_u32(r);
	entry->type = kind & 0xff;
	entry->has_attr = kind >> 8;
	if (kind >> 9 || entry->type > 15)
		r->bad = true;
	if (entry->has_attr)
		gofer_rd_attr(r, &entry->attr);
	entry->name = rd_str(r, GOFER_NAME_MAX);
	if (!gofer_name_ok(&entry->name))
		r->bad = true;
}

/* Takes an entry from the front of a list by `rd`; the list has been validated, so a failure means its end.
 */
static bool list_take(struct gofer_list *list, struct reader *r)
{
	if (r->bad || list->count == 0)
		return false;
	list->data = r->at;
	list->size = (uint32_t)r->left;
	list->count--;
	return true;
}

bool gofer_step_next(struct gofer_list *list, struct gofer_step *out)
{
	struct reader r = {.at = list->data, .left = list->size, .bad = list->count == 0};

	rd_step(&r, out);
	return list_take(list, &r);
}

bool gofer_dirent_next(struct gofer_list *list, struct gofer_dirent *out)
{
	struct reader r = {.at = list->data, .left = list->size, .bad = list->count == 0};

	rd_dirent(&r, out);
	return list_take(list, &r);
}

static bool list_put(struct gofer_list *list, const struct writer *w)
{
	if (w->bad)
		return false;
	list->size = (uint32_t)w->size;
	list->count++;
	return true;
}

bool gofer_step_add(struct gofer_list *list, size_t cap, const struct gofer_step *step)
{
	struct writer w = {.start = (unsigned char *)list->data, .size = list->size, .cap = cap};

	wr_u64(&w, step->handle);
	gofer_wr_attr(&w, &step->attr);
	wr_str(&w, &step->target);
	return list_put(list, &w);
}

bool gofer_dirent_add(struct gofer_list *list, size_t cap, const struct gofer_dirent *entry)
{
	struct writer w = {.start = (unsigned char *)list->data, .size = list->size, .cap = cap};

	wr_u64(&w, entry->cookie);
	wr_u64(&w, entry->ino);
	wr_u32(&w, entry->type | (entry->has_attr ? 0x100u : 0));
	if (entry->has_attr)
		gofer_wr_attr(&w, &entry->attr);
	wr_str(&w, &entry->name);
	return list_put(list, &w);
}

/* The rest of the message is a list of `count` entries: walk through all of it now. */
static void rd_list(struct reader *r, struct gofer_list *list, bool steps)
{
	struct gofer_step step;
	struct gofer_dirent entry;

	list->count = rd_u32(r);
	list->data = r->at;
	list->size = (uint32_t)r->left;
	if (steps && list->count > GOFER_WALK_MAX)
		r->bad = true;
	for (uint32_t i = 0; i < list->count && !r->bad; i++) {
		if (steps)
			rd_step(r, &step);
		else
			rd_dirent(r, &entry);
	}
}

static void wr_list(struct writer *w, const struct gofer_list *list)
{
	wr_u32(w, list->count);
	wr_bytes(w, list->data, list->size);
}

static void wr_statfs(struct writer *w, const struct gofer_statfs *s)
{
	wr_u64(w, s->type);
	wr_u64(w, s->bsize);
	wr_u64(w, s->blocks);
	wr_u64(w, s->bfree);
	wr_u64(w, s->bavail);
	wr_u64(w, s->files);
	wr_u64(w, s->ffree);
	wr_u64(w, s->fsid);
	wr_u64(w, s->namelen);
	wr_u64(w, s->frsize);
	wr_u64(w, s->flags);
}

static void rd_statfs(struct reader *r, struct gofer_statfs *s)
{
	s->type = rd_u64(r);
	s->bsize = rd_u64(r);
	s->blocks = rd_u64(r);
	s->bfree = rd_u64(r);
	s->bavail = rd_u64(r);
	s->files = rd_u64(r);
	s->ffree = rd_u64(r);
	s->fsid = rd_u64(r);
	s->namelen = rd_u64(r);
	s->frsize = rd_u64(r);
	s->flags = rd_u64(r);
}

static int encode_body(struct writer *w, const struct gofer_reply *p)
{
	switch ((enum gofer_op)p->op) {
	case GOFER_HELLO:
		wr_u32(w, p->hello.version);
		wr_u32(w, p->hello.flags);
		wr_u32(w, p->hello.max_size);
		wr_u32(w, p->hello.max_handles);
		return 0;
	case GOFER_ATTACH:
	case GOFER_CREATE:
		wr_u64(w, p->node.handle);
		gofer_wr_attr(w, &p->node.attr);
		return 0;
	case GOFER_WALK:
		wr_u32(w, (uint32_t)p->walk.stop);
		wr_list(w, &p->walk.steps);
		return 0;
	case GOFER_GETATTR:
	case GOFER_SETATTR:
	case GOFER_OPEN:
		gofer_wr_attr(w, &p->attr);
		return 0;
	case GOFER_READDIR:
		wr_u32(w, p->readdir.eof);
		wr_list(w, &p->readdir.entries);
		return 0;
	case GOFER_READLINK:
		wr_str(w, &p->target);
		return 0;
	case GOFER_STATFS:
		wr_statfs(w, &p->statfs);
		return 0;
	case GOFER_GETXATTR:
	case GOFER_LISTXATTR:
		wr_u32(w, p->xattr.full_size);
		wr_str(w, &p->xattr.value);
		return 0;
	case GOFER_CLUNK:
	case GOFER_LINK:
	case GOFER_UNLINK:
	case GOFER_RENAME:
	case GOFER_FSYNC:
	case GOFER_FALLOCATE:
	case GOFER_SETXATTR:
	case GOFER_REMOVEXATTR:
	case GOFER_CLONE:
		return 0;
	case GOFER_OP_END:
		break;
	}
	return -EINVAL;
}

int gofer_reply_encode(const struct gofer_reply *p, void *buf, size_t cap)
{
	struct writer w = {.start = buf, .cap = cap};
	int err = 0;

	gofer_wr_header(&w, p->tag, p->op, p->status);
	if (p->status == 0)
		err = encode_body(&w, p);
	return err ? err : gofer_wr_finish(&w);
}

static void rd_walk(struct reader *r, struct gofer_reply *p)
{
	p->walk.stop = (int32_t)rd_u32(r);
	if (p->walk.stop > 0 || p->walk.stop < -4095)
		r->bad = true;
	rd_list(r, &p->walk.steps, /*steps=*/true);
}

static void rd_xattr(struct reader *r, struct gofer_reply *p)
{
	p->xattr.full_size = rd_u32(r);
	p->xattr.value = rd_str(r, GOFER_XATTR_MAX);
	if (p->xattr.full_size > GOFER_XATTR_MAX)
		r->bad = true;
	if (p->xattr.value.size && p->xattr.value.size != p->xattr.full_size)
		r->bad = true;
}

static void decode_body(struct reader *r, struct gofer_reply *p)
{
	switch ((enum gofer_op)p->op) {
	case GOFER_HELLO:
		p->hello.version = rd_u32(r);
		p->hello.flags = rd_u32(r);
		p->hello.max_size = rd_u32(r);
		p->hello.max_handles = rd_u32(r);
		return;
	case GOFER_ATTACH:
	case GOFER_CREATE:
		p->node.handle = rd_u64(r);
		gofer_rd_attr(r, &p->node.attr);
		if (p->node.handle == 0)
			r->bad = true;
		return;
	case GOFER_WALK:
		rd_walk(r, p);
		return;
	case GOFER_GETATTR:
	case GOFER_SETATTR:
	case GOFER_OPEN:
		gofer_rd_attr(r, &p->attr);
		return;
	case GOFER_READDIR:
		p->readdir.eof = rd_u32(r);
		if (p->readdir.eof > 1)
			r->bad = true;
		rd_list(r, &p->readdir.entries, /*steps=*/false);
		return;
	case GOFER_READLINK:
		p->target = rd_str(r, GOFER_TARGET_MAX);
		if (p->target.size == 0 || memchr(p->target.data, '\0', p->target.size))
			r->bad = true;
		return;
	case GOFER_STATFS:
		rd_statfs(r, &p->statfs);
		return;
	case GOFER_GETXATTR:
	case GOFER_LISTXATTR:
		rd_xattr(r, p);
		return;
	case GOFER_CLUNK:
	case GOFER_LINK:
	case GOFER_UNLINK:
	case GOFER_RENAME:
	case GOFER_FSYNC:
	case GOFER_FALLOCATE:
	case GOFER_SETXATTR:
	case GOFER_REMOVEXATTR:
	case GOFER_CLONE:
		return;
	case GOFER_OP_END:
		break;
	}
	r->bad = true;
}

int gofer_reply_decode(const void *msg, size_t size, struct gofer_reply *out)
{
	struct reader r = {.at = msg, .left = size};

	if (gofer_peek(msg, size, &out->tag, &out->op, &out->status))
		return -EPROTO;
	rd_bytes(&r, GOFER_HEADER_SIZE);
	if (out->status == 0)
		decode_body(&r, out);
	return rd_done(&r) ? 0 : -EPROTO;
}

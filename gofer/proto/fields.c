/*
 * The pieces that requests and replies share: the header, attributes, times, the rule for names.
 *
 * Header: u32 size of the whole message, u32 tag, u16 operation, u16 cpu (see gofer_set_cpu; zero in
 * replies), s32 status (zero in requests).
 */
#include <errno.h>
#include <string.h>
#include "gofer/proto/cursor.h"

#define CPU_AT 10

void gofer_wr_header(struct writer *w, uint32_t tag, uint16_t op, int32_t status)
{
	wr_u32(w, 0); /* the size, by gofer_wr_finish */
	wr_u32(w, tag);
	wr_u16(w, op);
	wr_u16(w, 0);
	wr_u32(w, (uint32_t)status);
}

int gofer_wr_finish(struct writer *w)
{
	uint32_t size = (uint32_t)w->size;

	if (w->bad || w->size > GOFER_MSG_MAX)
		return -EMSGSIZE;
	memcpy(w->start, &size, sizeof(size));
	return (int)size;
}

int gofer_peek(const void *msg, size_t size, uint32_t *tag, uint16_t *op, int32_t *status)
{
	struct reader r = {.at = msg, .left = size};
	uint32_t said = rd_u32(&r);
	*tag = rd_u32(&r);
	*op = rd_u16(&r);
	rd_u16(&r);
	*status = (int32_t)rd_u32(&r);
	if (r.bad || said != size || size > GOFER_MSG_MAX || *op == 0 || *op >= GOFER_OP_END)
		return -EPROTO;
	if (*status > 0 || *status < -4095)
		return -EPROTO;
	return 0;
}

void gofer_set_cpu(void *msg, uint16_t cpu)
{
	memcpy((unsigned char *)msg + CPU_AT, &cpu, sizeof(cpu));
}

uint16_t gofer_get_cpu(const void *msg)
{
	uint16_t cpu;

	memcpy(&cpu, (const unsigned char *)msg + CPU_AT, sizeof(cpu));
	return cpu;
}

void gofer_wr_time(struct writer *w, const struct gofer_time *time)
{
	wr_u64(w, (uint64_t)time->sec);
	wr_u32(w, time->nsec);
}

void gofer_rd_time(struct reader *r, struct gofer_time *time)
{
	time->sec = (int64_t)rd_u64(r);
	time->nsec = rd_u32(r);
	if (time->nsec > 999999999u)
		r->bad = true;
}

void gofer_wr_attr(struct writer *w, const struct gofer_attr *attr)
{
	wr_u64(w, attr->ino);
	wr_u64(w, attr->dev);
	wr_u64(w, attr->rdev);
	wr_u64(w, attr->size);
	wr_u64(w, attr->blocks);
	wr_u64(w, attr->attributes);
	wr_u64(w, attr->attributes_mask);
	wr_u32(w, attr->mode);
	wr_u32(w, attr->nlink);
	wr_u32(w, attr->uid);
	wr_u32(w, attr->gid);
	wr_u32(w, attr->blksize);
	wr_u32(w, attr->mask);
	gofer_wr_time(w, &attr->atime);
	gofer_wr_time(w, &attr->mtime);
	gofer_wr_time(w, &attr->ctime);
	gofer_wr_time(w, &attr->btime);
}

/* A file type that no Linux file system has would send the sentry into a default case: refused here, once. */
static bool mode_ok(uint32_t mode)
{
	switch (mode & 0170000) {
	case 0140000:
	case 0120000:
	case 0100000:
	case 0060000:
	case 0040000:
	case 0020000:
	case 0010000:
		return (mode & ~0177777u) == 0;
	default:
		return false;
	}
}

void gofer_rd_attr(struct reader *r, struct gofer_attr *attr)
{
	attr->ino = rd_u64(r);
	attr->dev = rd_u64(r);
	attr->rdev = rd_u64(r);
	attr->size = rd_u64(r);
	attr->blocks = rd_u64(r);
	attr->attributes = rd_u64(r);
	attr->attributes_mask = rd_u64(r);
	attr->mode = rd_u32(r);
	attr->nlink = rd_u32(r);
	attr->uid = rd_u32(r);
	attr->gid = rd_u32(r);
	attr->blksize = rd_u32(r);
	attr->mask = rd_u32(r);
	gofer_rd_time(r, &attr->atime);
	gofer_rd_time(r, &attr->mtime);
	gofer_rd_time(r, &attr->ctime);
	gofer_rd_time(r, &attr->btime);
	if (!mode_ok(attr->mode) || attr->size > INT64_MAX)
		r->bad = true;
}

bool gofer_name_ok(const struct gofer_str *name)
{
	if (name->size == 0 || name->size > GOFER_NAME_MAX)
		return false;
	if (name->data[0] == '.' && (name->size == 1 || (name->size == 2 && name->data[1] == '.')))
		return false;
	return !memchr(name->data, '/', name->size) && !memchr(name->data, '\0', name->size);
}

bool gofer_xattr_ok(const char *name)
{
	return !strncmp(name, "user.", 5) || !strcmp(name, "security.capability") ||
	       !strcmp(name, "system.posix_acl_access") || !strcmp(name, "system.posix_acl_default");
}

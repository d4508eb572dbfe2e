/*
 * netlink_msg.c - netlink messages: taking apart what guests send, putting together what they get.
 *
 * What comes from a guest was copied in whole; every length in it is checked here and nowhere else.
 */
#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/socket/netlink.h"

#define NL_ALIGN(n) (((n) + 3U) & ~3U)
#define ATTR_HEAD   ((u32)sizeof(struct linux_nlattr))

/* ---- building ---- */

static u8 *grow(struct nl_buf *b, u32 n)
{
	u8 *p;

	if (b->failed)
		return NULL;
	if (b->capacity - b->size < n) {
		u32 want = max_t(u32, b->capacity * 2, 1024);
		while (want - b->size < n)
			want *= 2;
		p = b->data ? krealloc(b->data, want) : kmalloc(want);
		if (!p) {
			b->failed = true;
			return NULL;
		}
		b->data = p;
		b->capacity = want;
	}
	p = b->data + b->size;
	memset(p, 0, n);
	b->size += n;
	return p;
}

void *nl_begin(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, u32 n)
{
	struct linux_nlmsghdr h = {0, type, flags, seq, pid};
	u8 *p;

	b->message = b->size;
	p = grow(b, (u32)sizeof(h) + NL_ALIGN(n));
	if (!p)
		return b->spare;
	memcpy(p, &h, sizeof(h));
	return p + sizeof(h);
}

void nl_end(struct nl_buf *b)
{
	u32 len = b->size - b->message;

	if (!b->failed)
		memcpy(b->data + b->message, &len, sizeof(len));
}

void nl_put(struct nl_buf *b, u16 type, const void *data, size_t size)
{
	struct linux_nlattr a = {(u16)(ATTR_HEAD + size), type};
	u8 *p = grow(b, NL_ALIGN((u32)a.len));

	if (!p)
		return;
	memcpy(p, &a, sizeof(a));
	if (size)
		memcpy(p + ATTR_HEAD, data, size);
}

void nl_raw(struct nl_buf *b, const void *data, size_t size)
{
	u8 *p = grow(b, NL_ALIGN((u32)size));

	if (p && size)
		memcpy(p, data, size);
}

void nl_put_u8(struct nl_buf *b, u16 type, u8 v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_put_u32(struct nl_buf *b, u16 type, u32 v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_put_str(struct nl_buf *b, u16 type, const char *s)
{
	nl_put(b, type, s, strlen(s) + 1);
}

u32 nl_nest(struct nl_buf *b, u16 type)
{
	u32 at = b->size;

	nl_put(b, type, NULL, 0);
	return at;
}

void nl_nest_end(struct nl_buf *b, u32 at)
{
	u16 len = (u16)(b->size - at);

	if (!b->failed)
		memcpy(b->data + at, &len, sizeof(len));
}

void nl_free(struct nl_buf *b)
{
	kfree(b->data);
	*b = (struct nl_buf){0};
}

/* ---- taking apart ---- */

bool nl_header(const struct nl_request *r, void *out, u32 size, u32 least)
{
	memset(out, 0, size);
	memcpy(out, r->body, min_t(u32, size, r->size));
	return r->size >= least;
}

static const void *find(const u8 *data, u32 left, u16 type, u32 *size)
{
	const void *found = NULL;

	while (left >= ATTR_HEAD) {
		struct linux_nlattr a;
		memcpy(&a, data, sizeof(a));
		if (a.len < ATTR_HEAD || a.len > left)
			break;
		if ((a.type & LINUX_NLA_TYPE_MASK) == type) {
			found = data + ATTR_HEAD;
			*size = a.len - ATTR_HEAD;
		}
		if (NL_ALIGN((u32)a.len) >= left)
			break;
		data += NL_ALIGN((u32)a.len);
		left -= NL_ALIGN((u32)a.len);
	}
	return found;
}

const void *nl_attr(const struct nl_request *r, u32 header, u16 type, u32 *size)
{
	header = NL_ALIGN(header);
	return r->size > header ? find(r->body + header, r->size - header, type, size) : NULL;
}

bool nl_attr_copy(const struct nl_request *r, u32 header, u16 type, void *out, u32 least)
{
	u32 size = 0;
	const void *p = nl_attr(r, header, type, &size);

	if (!p || size < least)
		return false;
	memcpy(out, p, least);
	return true;
}

const void *nl_nested(const void *nest, u32 nest_size, u16 type, u32 *size)
{
	return find(nest, nest_size, type, size);
}

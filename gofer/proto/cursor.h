/*
 * Bounds-checked reading and writing of a message. An error sticks: after the first one reads give 0 and
 * writes do nothing, so that a decoder is a straight list of fields and one check at its end.
 */
#ifndef WARREN_GOFER_CURSOR_H
#define WARREN_GOFER_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "gofer/proto/proto.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the gofer protocol is little-endian and is copied as it lies"
#endif

struct reader {
	const unsigned char *at;
	size_t left;
	bool bad;
};

struct writer {
	unsigned char *start;
	size_t size;
	size_t cap;
	bool bad;
};

/* The next `size` bytes, or NULL. */
static inline const unsigned char *rd_bytes(struct reader *r, size_t size)
{
	const unsigned char *at = r->at;

	if (r->bad || size > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += size;
	r->left -= size;
	return at;
}

static inline uint16_t rd_u16(struct reader *r)
{
	uint16_t v = 0;
	const unsigned char *at = rd_bytes(r, sizeof(v));

	if (at)
		memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint32_t rd_u32(struct reader *r)
{
	uint32_t v = 0;
	const unsigned char *at = rd_bytes(r, sizeof(v));

	if (at)
		memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint64_t rd_u64(struct reader *r)
{
	uint64_t v = 0;
	const unsigned char *at = rd_bytes(r, sizeof(v));

	if (at)
		memcpy(&v, at, sizeof(v));
	return v;
}

/* A string of at most `max` bytes. An empty one points at nothing in particular but is never NULL. */
static inline struct gofer_str rd_str(struct reader *r, size_t max)
{
	struct gofer_str s = {.data = "", .size = 0};
	uint32_t size = rd_u32(r);
	const unsigned char *at;

	if (size > max)
		r->bad = true;
	at = rd_bytes(r, size);
	if (at && size) {
		s.data = (const char *)at;
		s.size = size;
	}
	return s;
}

static inline bool rd_done(const struct reader *r)
{
	return !r->bad && r->left == 0;
}

static inline void wr_bytes(struct writer *w, const void *data, size_t size)
{
	if (w->bad || size > w->cap - w->size) {
		w->bad = true;
		return;
	}
	if (size)
		memcpy(w->start + w->size, data, size);
	w->size += size;
}

static inline void wr_u16(struct writer *w, uint16_t v)
{
	wr_bytes(w, &v, sizeof(v));
}

static inline void wr_u32(struct writer *w, uint32_t v)
{
	wr_bytes(w, &v, sizeof(v));
}

static inline void wr_u64(struct writer *w, uint64_t v)
{
	wr_bytes(w, &v, sizeof(v));
}

static inline void wr_str(struct writer *w, const struct gofer_str *s)
{
	wr_u32(w, s->size);
	wr_bytes(w, s->data, s->size);
}

/* Shared by requests and replies (fields.c). */
void gofer_wr_header(struct writer *w, uint32_t tag, uint16_t op, int32_t status);
int gofer_wr_finish(struct writer *w);
void gofer_wr_attr(struct writer *w, const struct gofer_attr *attr);
void gofer_wr_time(struct writer *w, const struct gofer_time *time);
void gofer_rd_attr(struct reader *r, struct gofer_attr *attr);
void gofer_rd_time(struct reader *r, struct gofer_time *time);

#endif

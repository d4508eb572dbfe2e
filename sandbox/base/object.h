/*
 * object.h - reference counts for shared kernel objects.
 *
 * A type that is shared embeds `struct object` and offers x_get()/x_put(). One thread, so a plain integer.
 * The last put calls `release`, which frees the memory. A miscount panics the sandbox rather than corrupt it.
 */
#ifndef WARREN_BASE_OBJECT_H
#define WARREN_BASE_OBJECT_H

#include "sandbox/base/log.h"
#include "sandbox/base/types.h"

struct object {
	u32 refs;
	void (*release)(struct object *obj);
};

static inline void object_init(struct object *o, void (*release)(struct object *))
{
	o->refs = 1;
	o->release = release;
}

static inline void object_get(struct object *o)
{
	if (o->refs == 0 || o->refs >= INT32_MAX)
		panic("object %p: get with count %u", (void *)o, o->refs);
	o->refs++;
}

static inline void object_put(struct object *o)
{
	if (o->refs == 0)
		panic("object %p: put with count 0", (void *)o);
	if (--o->refs == 0)
		o->release(o);
}

#endif

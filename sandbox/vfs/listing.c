/*
 * listing.c - see listing.h.
 */
#include "sandbox/vfs/listing.h"

#include <errno.h>

#include "sandbox/base/arena.h"

#define NAMES_MAX   (64U << 20) /* bytes of one directory's names: some million entries */
#define ENTRIES_MAX (4U << 20)  /* a server could go on telling for ever */

static void listing_release(struct object *obj)
{
	struct listing *l = container_of(obj, struct listing, obj);

	list_del_init(&l->lru_node);
	kfree(l->entries);
	kfree(l->names);
	kfree(l->index);
	kfree(l);
}

struct listing *listing_new(void)
{
	struct listing *l = knew(struct listing);

	if (!l)
		return NULL;
	object_init(&l->obj, listing_release);
	list_init(&l->lru_node);
	return l;
}

void listing_get(struct listing *l)
{
	object_get(&l->obj);
}

void listing_put(struct listing *l)
{
	if (l)
		object_put(&l->obj);
}

static u32 hash_of(const char *name, size_t len)
{
	u32 h = 2166136261U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 16777619U;
	return h ^ h >> 15;
}

static void index_put(struct listing *l, u32 entry)
{
	const struct listing_entry *e = &l->entries[entry];
	u32 at = hash_of(l->names + e->name_at, e->name_len) & (l->index_size - 1);

	while (l->index[at])
		at = (at + 1) & (l->index_size - 1);
	l->index[at] = entry + 1;
}

/* Room for one more at half load. */
static int index_grow(struct listing *l)
{
	u32 size = l->index_size ? l->index_size : 64;
	u32 *bigger;

	if (l->index && l->count * 2 < l->index_size)
		return 0;
	while (l->count * 2 >= size)
		size *= 2;
	bigger = knew_array(u32, size);
	if (!bigger)
		return -ENOMEM;
	kfree(l->index);
	l->index = bigger;
	l->index_size = size;
	for (u32 i = 0; i < l->count; i++)
		index_put(l, i);
	return 0;
}

static struct listing_entry *find(const struct listing *l, const char *name, size_t len)
{
	u32 at;

	if (!l->index)
		return NULL;
	for (at = hash_of(name, len) & (l->index_size - 1); l->index[at];
	     at = (at + 1) & (l->index_size - 1)) {
		struct listing_entry *e = &l->entries[l->index[at] - 1];
		if (!e->gone && e->name_len == len && !memcmp(l->names + e->name_at, name, len))
			return e;
	}
	return NULL;
}

const struct listing_entry *listing_find(const struct listing *l, const char *name, size_t len)
{
	return find(l, name, len);
}

int listing_add(struct listing *l, const char *name, size_t len, u64 ino, u8 type)
{
	int err;

	if (l->count == l->capacity) {
		u32 n = l->capacity ? l->capacity * 2 : 16;
		struct listing_entry *bigger =
		    n > ENTRIES_MAX ? NULL : krealloc(l->entries, n * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		l->entries = bigger;
		l->capacity = n;
	}
	if (l->names_capacity - l->names_size < len) {
		u32 n = l->names_capacity ? l->names_capacity * 2 : 512;
		char *bigger = n > NAMES_MAX ? NULL : krealloc(l->names, n);
		if (!bigger)
			return -ENOMEM;
		l->names = bigger;
		l->names_capacity = n;
	}
	err = index_grow(l);
	if (err)
		return err;
	memcpy(l->names + l->names_size, name, len);
	l->entries[l->count] = (struct listing_entry){ino, l->names_size, type, (u8)len, false};
	l->names_size += (u32)len;
	index_put(l, l->count++);
	l->live++;
	return 0;
}

void listing_remove(struct listing *l, const char *name, size_t len)
{
	struct listing_entry *e = find(l, name, len);

	if (e) {
		e->gone = true;
		l->live--;
	}
}

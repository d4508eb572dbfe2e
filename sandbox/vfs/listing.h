/*
 * listing.h - the names in a directory that is fetched or merged, as they were then and as we have changed
 * them since.
 *
 * A directory keeps its listing between opens, bounded for all of a mount; an open file holds the one it
 * began with. With the tree to ourselves a listing is complete: what it does not name does not exist.
 * Positions are indices: an entry that is removed leaves its place, a new one is put at the end.
 */
#ifndef WARREN_VFS_LISTING_H
#define WARREN_VFS_LISTING_H

#include "sandbox/base/list.h"
#include "sandbox/base/object.h"

struct inode;

struct listing_entry {
	u64 ino;
	u32 name_at; /* in names */
	u8 type, name_len;
	bool gone;
};

struct listing {
	struct object obj;
	struct list_head lru_node; /* while a directory keeps it */
	struct listing_entry *entries;
	u32 count, capacity, live;
	char *names;
	u32 names_size, names_capacity;
	u32 *index; /* of entries + 1 by hash of the name; 0: free; a power of two */
	u32 index_size;
	u64 made_ns;
	struct inode *keeper; /* the directory that keeps it; borrowed */
	u64 charged;          /* bytes, while kept */
};

struct listing *listing_new(void) must_check;
void listing_get(struct listing *l);
void listing_put(struct listing *l);
int listing_add(struct listing *l, const char *name, size_t len, u64 ino, u8 type) must_check;
void listing_remove(struct listing *l, const char *name, size_t len);
/* NULL: there is none. */
const struct listing_entry *listing_find(const struct listing *l, const char *name, size_t len);

#endif

/*
 * dcache.c - the tree of names.
 *
 * A dentry is found by (parent, name) in one hash table. A child counts its parent, so whatever is in use has
 * its whole way up to the root. A dentry that nobody uses stays in the cache, on the LRU list with count 0,
 * until it is found again or becomes one of the oldest beyond the list's bound (one list for all file
 * systems; proc, whose names cost nothing to make again, has a short one of its own); where the tree is the
 * truth (tmpfs), a positive dentry is pinned by a count of its own and a negative one is not kept.
 *
 * A guest chooses how deep its trees are, so nothing here recurses over them.
 *
 * Invariants: count 0 <=> on the LRU; hashed dentries hang in parent->children; an unhashed one is in neither
 * and is freed at its last put. A lookup that asks a file system sleeps; it runs under the directory's lock
 * (inode_lock), and the dentry enters the hash when the answer is there, so a hit needs no lock.
 */
#include <errno.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/kernel/signal.h"
#include "sandbox/vfs/vfs_priv.h"

void dcache_init(struct vfs_state *v)
{
	for (u32 i = 0; i < DCACHE_BUCKETS; i++)
		list_init(&v->buckets[i]);
	dentry_lru_init(&v->lru, DCACHE_MAX_IDLE);
}

void dentry_lru_init(struct dentry_lru *lru, u32 max)
{
	list_init(&lru->idle);
	lru->count = 0;
	lru->max = max;
	lru->trimming = false;
}

static struct dentry_lru *lru_of(const struct dentry *d)
{
	return d->sb->lru ? d->sb->lru : &vfs()->lru;
}

static void lru_remove(struct dentry *d)
{
	list_del_init(&d->lru_node);
	lru_of(d)->count--;
}

static u32 name_hash(const struct dentry *parent, const char *name, size_t len)
{
	u64 h = (u64)(uintptr_t)parent >> 4;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 0x100000001b3ULL;
	h ^= h >> 29;
	return (u32)(h * 0x9e3779b97f4a7c15ULL >> 32);
}

/* Not below a directory that was removed: it would be kept along. */
static bool is_kept_idle(const struct dentry *d)
{
	const struct inode *dir = d->parent->inode;

	return !d->unhashed && !list_empty(&d->hash_node) && !(d->sb->flags & SB_DCACHE_TRUTH) &&
	       !(dir && dir->dead && d->parent != d);
}

/* Frees d, and every ancestor that had only this one user left and is not to be kept. */
static void dentry_free(struct dentry *d)
{
	while (d) {
		struct dentry *parent = d->parent == d ? NULL : d->parent;
		struct inode *inode = d->inode;
		if (d->ops && d->ops->release)
			d->ops->release(d);
		list_del_init(&d->hash_node);
		list_del_init(&d->sibling);
		d->inode = NULL;
		kfree(d->name);
		kfree(d);
		vfs()->dentry_count--;
		if (inode && !inode->attr.nlink)
			vfs_notify_end(inode, LINUX_IN_DELETE_SELF);
		inode_put(inode);
		if (parent && (parent->obj.refs != 1 || is_kept_idle(parent))) {
			dentry_put(parent);
			return;
		}
		d = parent;
	}
}

/* One trimmer at a time: what it frees may put parents on the list, which it then finds there. */
static void lru_trim(struct dentry_lru *lru, u32 max)
{
	if (lru->trimming)
		return;
	lru->trimming = true;
	while (lru->count > max) {
		struct dentry *d = list_first_entry(&lru->idle, struct dentry, lru_node);
		lru_remove(d);
		dentry_free(d);
	}
	lru->trimming = false;
}

void dentry_lru_shrink(struct dentry_lru *lru, u32 count)
{
	lru_trim(lru, lru->count > count ? lru->count - count : 0);
}

/* Parents that only these kept follow, at the end of the list. */
void dentry_lru_purge(struct super_block *sb)
{
	struct dentry_lru *lru = sb->lru ? sb->lru : &vfs()->lru;
	bool trimming = lru->trimming;
	struct dentry *d, *next;

	lru->trimming = true;
	list_for_each_entry_safe (d, next, &lru->idle, lru_node)
		if (d->sb == sb)
			dentry_unhash(d);
	lru->trimming = trimming;
}

/* The last user went: keep it or let it go. */
static void dentry_release(struct object *obj)
{
	struct dentry *d = container_of(obj, struct dentry, obj);

	if (!is_kept_idle(d)) {
		dentry_free(d);
		return;
	}
	list_add_tail(&d->lru_node, &lru_of(d)->idle);
	lru_of(d)->count++;
	lru_trim(lru_of(d), lru_of(d)->max);
}

struct dentry *dentry_get(struct dentry *d)
{
	if (d->obj.refs == 0) {
		lru_remove(d);
		d->obj.refs = 1;
	} else {
		object_get(&d->obj);
	}
	return d;
}

void dentry_put(struct dentry *d)
{
	if (d)
		object_put(&d->obj);
}

struct dentry *dentry_new(struct dentry *parent, struct super_block *sb, const char *name, size_t len)
{
	struct dentry *d = knew(struct dentry);

	if (!d)
		return NULL;
	d->name = kstrndup(name, len);
	if (!d->name) {
		kfree(d);
		return NULL;
	}
	object_init(&d->obj, dentry_release);
	vfs()->dentry_count++;
	d->name_len = (u32)len;
	d->sb = sb;
	d->ops = sb->dentry_ops;
	d->parent = parent ? dentry_get(parent) : d;
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->hash_node);
	list_init(&d->lru_node);
	return d;
}

void dentry_hash(struct dentry *d)
{
	d->hash = name_hash(d->parent, d->name, d->name_len);
	d->unhashed = false;
	list_add(&d->hash_node, &vfs()->buckets[d->hash % DCACHE_BUCKETS]);
	if (d->sb->flags & SB_DCACHE_TRUTH)
		d->cookie = ++d->sb->next_cookie;
	list_add_tail(&d->sibling, &d->parent->children);
}

struct dentry *dentry_alloc(struct dentry *parent, const char *name, size_t len)
{
	struct dentry *d = dentry_new(parent, parent->sb, name, len);

	if (d)
		dentry_hash(d);
	return d;
}

struct dentry *dentry_lookup_cached(struct dentry *parent, const char *name, size_t len)
{
	u32 hash = name_hash(parent, name, len);
	struct list_head *bucket = &vfs()->buckets[hash % DCACHE_BUCKETS];
	struct dentry *d;

	list_for_each_entry (d, bucket, hash_node) {
		if (d->hash == hash && d->parent == parent && d->name_len == len &&
		    !memcmp(d->name, name, len))
			return dentry_get(d);
	}
	return NULL;
}

void dentry_set_inode(struct dentry *d, struct inode *inode)
{
	d->inode = inode;
	if (inode && (d->sb->flags & SB_DCACHE_TRUTH) && !d->pinned) {
		d->pinned = true;
		dentry_get(d);
	}
}

struct dentry *dentry_add_child(struct dentry *parent, const char *name, struct inode *inode)
{
	struct dentry *d = dentry_alloc(parent, name, strlen(name));

	if (!d) {
		inode_put(inode);
		return NULL;
	}
	dentry_set_inode(d, inode);
	dentry_put(d); /* the pin keeps it */
	return d;
}

void dentry_unhash(struct dentry *d)
{
	list_del_init(&d->hash_node);
	list_del_init(&d->sibling);
	d->unhashed = true;
	if (d->obj.refs == 0) { /* idle: nobody will put it again */
		lru_remove(d);
		dentry_free(d);
		return;
	}
	if (d->pinned) {
		d->pinned = false;
		dentry_put(d);
	}
}

void dentry_delete(struct dentry *d)
{
	if (d->inode && mode_is_dir(d->inode->attr.mode)) {
		d->inode->dead = true;
		dentry_get(d);
		dentry_forget_children(d); /* names that were asked for and are not there would keep it */
		dentry_unhash(d);
		dentry_put(d);
		return;
	}
	dentry_unhash(d);
}

void dentry_move(struct dentry *d, struct dentry *new_parent, char *name, size_t len)
{
	struct dentry *old_parent = d->parent;

	list_del_init(&d->hash_node);
	list_del_init(&d->sibling);
	kfree(d->name);
	d->name = name;
	d->name_len = (u32)len;
	d->parent = dentry_get(new_parent);
	dentry_hash(d);
	dentry_put(old_parent);
}

void dentry_forget_children(struct dentry *d)
{
	struct dentry *c, *next;

	list_for_each_entry_safe (c, next, &d->children, sibling)
		if (c->obj.refs == 0)
			dentry_unhash(c);
}

void dentry_drop_tree(struct dentry *root)
{
	struct dentry *d = dentry_get(root), *parent;

	for (;;) { /* down to a leaf, which goes; then on from its parent: the way down is counted */
		if (!list_empty(&d->children)) {
			d = dentry_get(list_first_entry(&d->children, struct dentry, sibling));
			continue;
		}
		if (d == root)
			break;
		parent = d->parent;
		dentry_unhash(d);
		dentry_put(d);
		d = parent;
	}
	dentry_put(root);
}

bool dentry_is_ancestor(const struct dentry *a, const struct dentry *d)
{
	for (; d != d->parent; d = d->parent)
		if (d == a)
			return true;
	return d == a;
}

void inode_lock(struct inode *inode)
{
	if (inode->busy)
		wait_event_uninterruptible(&inode->idle, !inode->busy);
	inode->busy = true;
}

/* How long a killed task still waits: those who hold a lock that long wait for somebody outside. */
#define KILLED_PATIENCE_NS (2 * NSEC_PER_SEC)

static int lock_killable(struct inode *inode, bool *busy)
{
	int err = 0;

	if (*busy)
		err = wait_event_state(&inode->idle, !*busy, TIME_NEVER, SLEEP_ANSWER);
	if (err)
		err = wait_event_state(&inode->idle, !*busy, clock_monotonic() + KILLED_PATIENCE_NS,
				       SLEEP_UNINTERRUPTIBLE);
	if (err)
		return -ERESTARTSYS;
	*busy = true;
	return 0;
}

static void unlock(struct inode *inode, bool *busy)
{
	*busy = false;
	if (wait_queue_active(&inode->idle))
		wake_up_all(&inode->idle, 0);
}

int inode_lock_killable(struct inode *inode)
{
	return lock_killable(inode, &inode->busy);
}

void inode_unlock(struct inode *inode)
{
	unlock(inode, &inode->busy);
}

/* Of others a read may last for ever. */
static bool pos_is_locked(const struct file *f)
{
	return mode_is_reg(f->inode->attr.mode) || mode_is_dir(f->inode->attr.mode);
}

int file_pos_lock(struct file *f)
{
	return pos_is_locked(f) ? lock_killable(f->inode, &f->pos_busy) : 0;
}

void file_pos_unlock(struct file *f)
{
	if (pos_is_locked(f))
		unlock(f->inode, &f->pos_busy);
}

int dentry_lookup(struct path *dir, const char *name, size_t len, struct dentry **out)
{
	return dentry_lookup_flags(dir, name, len, 0, out);
}

int dentry_lookup_flags(struct path *dir, const char *name, size_t len, u32 walk_flags, struct dentry **out)
{
	struct dentry *parent = dir->dentry, *d;
	struct inode *inode = parent->inode;
	int err = 0;

	if (len > NAME_MAX_LEN)
		return -ENAMETOOLONG;
	d = dentry_lookup_cached(parent, name, len);
	if (d && d->ops && d->ops->revalidate && !(walk_flags & WALK_CACHED)) {
		err = d->ops->revalidate(d);
		if (err <= 0) {
			if (err == 0 && !d->unhashed && !d->mount_count) {
				dentry_forget_children(d);
				dentry_unhash(d);
			}
			dentry_put(d);
			d = NULL;
			if (err < 0)
				return err;
		}
	}
	if (d) {
		*out = d;
		return 0;
	}
	if (inode->dead)
		return -ENOENT; /* a name in it would only keep it */
	if (!inode->ops->lookup) {
		*out = dentry_alloc(parent, name, len);
		return *out ? 0 : -ENOMEM;
	}
	if (walk_flags & WALK_CACHED)
		return -EAGAIN;
	err = inode_lock_killable(inode);
	if (err)
		return err;
	d = dentry_lookup_cached(parent, name, len);
	if (!d && inode->dead) {
		err = -ENOENT;
	} else if (!d) {
		d = dentry_new(parent, parent->sb, name, len);
		if (d)
			d->want_open = walk_flags & WALK_OPEN;
		err = d ? inode->ops->lookup(inode, d) : -ENOMEM;
		if (d)
			d->want_open = false;
		if (!err)
			dentry_hash(d);
	}
	inode_unlock(inode);
	if (err) {
		dentry_put(d);
		return err;
	}
	*out = d;
	return 0;
}

/*
 * key.c - keys and keyrings as objects: making, changing, linking. See key.h.
 */
#include "sandbox/kernel/key.h"

#include <errno.h>

#include "sandbox/kernel/task.h"
#include "sandbox/kernel/user.h"

#define PAYLOAD_MAX    32767U
#define KEYS_PER_USER  200U
#define BYTES_PER_USER 20000U
#define KEYS_OF_ROOT   1000000U
#define BYTES_OF_ROOT  25000000U
#define NESTING_MAX    6
#define LINKS_MAX      65536U
#define LINK_CHARGE    sizeof(void *)
#define SERIAL_FIRST   3
#define SERIAL_STEP    0x2545f491U /* odd: goes through all numbers before one comes again */

static const char *const type_names[] = {"keyring", "user", "logon"};

const char *key_type_name(enum key_type type)
{
	return type_names[type];
}

int key_type_find(const char *name, enum key_type *out)
{
	if (name[0] == '.')
		return -EPERM;
	for (u32 i = 0; i < ARRAY_COUNT(type_names); i++) {
		if (!strcmp(name, type_names[i])) {
			*out = (enum key_type)i;
			return 0;
		}
	}
	return -ENODEV;
}

/* ---- the index ---- */

static struct key *of_node(struct tree_node *n)
{
	return n ? container_of(n, struct key, node) : NULL;
}

struct key *key_find(s32 serial)
{
	struct tree_node *n = kernel()->keys.root;

	while (n && of_node(n)->serial != serial)
		n = serial < of_node(n)->serial ? n->left : n->right;
	return of_node(n);
}

struct key *key_first(void)
{
	return of_node(tree_first(&kernel()->keys));
}

struct key *key_next(struct key *k)
{
	return of_node(tree_next(&k->node));
}

static void insert(struct key *k)
{
	struct tree_node *parent = NULL, **where = &kernel()->keys.root;

	do {
		kernel()->last_key += SERIAL_STEP;
		k->serial = (s32)(kernel()->last_key & 0x7fffffffU);
	} while (k->serial < SERIAL_FIRST || key_find(k->serial));
	while (*where) {
		parent = *where;
		where = k->serial < of_node(parent)->serial ? &parent->left : &parent->right;
	}
	tree_link(&kernel()->keys, &k->node, parent, where);
}

/* ---- quotas ---- */

static int charge(struct key *k, size_t size)
{
	struct user *u = k->charged;
	u64 keys, bytes;

	if (!u)
		return 0;
	keys = u->uid ? KEYS_PER_USER : KEYS_OF_ROOT;
	bytes = u->uid ? BYTES_PER_USER : BYTES_OF_ROOT;
	if (u->keys + !k->charge > keys || u->key_bytes - k->charge + size > bytes)
		return -EDQUOT;
	u->keys += !k->charge;
	u->key_bytes += size - k->charge;
	k->charge = size;
	return 0;
}

void key_uncharge(struct key *k)
{
	if (k->charged && k->charge) {
		k->charged->keys--;
		k->charged->key_bytes -= k->charge;
	}
	user_put(k->charged);
	k->charged = NULL;
}

/* ---- life ---- */

static void drop_links(struct key *k)
{
	while (k->link_count)
		key_put(k->links[--k->link_count]);
}

static void key_free(struct key *k)
{
	if (k->serial)
		tree_erase(&kernel()->keys, &k->node);
	drop_links(k);
	key_uncharge(k);
	kfree(k->links);
	if (k->payload)
		explicit_bzero(k->payload, k->size);
	kfree(k->payload);
	kfree(k->description);
	kfree(k);
}

/* A keyring's end may be that of the keys in it, and of those in them, as deep as a guest has nested them:
 * one that ends while another is being freed waits for its turn. */
static void key_release(struct object *obj)
{
	struct key *k = container_of(obj, struct key, obj);
	struct kernel *all = kernel();

	k->next_dead = all->dead_keys;
	all->dead_keys = k;
	if (all->freeing_keys)
		return;
	all->freeing_keys = true;
	while ((k = all->dead_keys)) {
		all->dead_keys = k->next_dead;
		key_free(k);
	}
	all->freeing_keys = false;
}

static int set_payload(struct key *k, const void *payload, size_t size)
{
	char *copy = NULL;
	int err;

	if (k->type == KEY_KEYRING ? size != 0 : !size || size > PAYLOAD_MAX)
		return -EINVAL;
	if (size) {
		copy = kmalloc(size);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, payload, size);
	}
	err = charge(k, strlen(k->description) + 1 + size);
	if (err) {
		kfree(copy);
		return err;
	}
	kfree(k->payload);
	k->payload = copy;
	k->size = size;
	return 0;
}

int key_new(enum key_type type, const char *description, const void *payload, size_t size, u32 perm,
	    struct key **out)
{
	const struct cred *c = current_task()->cred;
	struct key *k;
	int err;

	/* a logon key is named "service:name" */
	if (type == KEY_LOGON && (!strchr(description, ':') || description[0] == ':'))
		return -EINVAL;
	k = knew(struct key);
	if (!k)
		return -ENOMEM;
	object_init(&k->obj, key_release);
	k->type = type;
	k->uid = c->fsuid;
	k->gid = c->fsgid;
	k->perm = perm;
	k->expires_ns = TIME_NEVER;
	k->charged = user_get(c->fsuid);
	k->description = kstrdup(description);
	err = k->charged && k->description ? set_payload(k, payload, size) : -ENOMEM;
	if (err) {
		key_put(k);
		return err;
	}
	insert(k);
	*out = k;
	return 0;
}

int key_update(struct key *k, const void *payload, size_t size)
{
	int err = k->type == KEY_KEYRING ? -EOPNOTSUPP : set_payload(k, payload, size);

	if (!err)
		k->expires_ns = TIME_NEVER;
	return err;
}

int key_validate(const struct key *k)
{
	if (k->invalidated)
		return -ENOKEY;
	if (k->revoked)
		return -EKEYREVOKED;
	return k->expires_ns <= clock_monotonic() ? -EKEYEXPIRED : 0;
}

/* ---- links ---- */

/* How deep the keyrings below k go; -EDEADLK if `ring` is among them. Where this search (`visit`) has been at
 * that level or deeper it does not go again, or it would walk all ways to each key. */
static int depth_of(struct key *k, const struct key *ring, int level, u64 visit)
{
	int deepest = level;

	if (k == ring)
		return -EDEADLK;
	if (k->type != KEY_KEYRING)
		return 0;
	if (level > NESTING_MAX)
		return -ELOOP;
	if (k->visit == visit && k->visit_level >= level)
		return level;
	k->visit = visit;
	k->visit_level = level;
	for (u32 i = 0; i < k->link_count; i++) {
		int d = depth_of(k->links[i], ring, level + 1, visit);
		if (d < 0)
			return d;
		deepest = d > deepest ? d : deepest;
	}
	return deepest;
}

static int grow(struct key *ring)
{
	u32 capacity = ring->link_capacity ? ring->link_capacity * 2 : 8;
	struct key **links;

	if (ring->link_count < ring->link_capacity)
		return 0;
	links = capacity <= LINKS_MAX ? knew_array(struct key *, capacity) : NULL;
	if (!links)
		return capacity <= LINKS_MAX ? -ENOMEM : -ENFILE;
	if (ring->link_count)
		memcpy(links, ring->links, ring->link_count * sizeof(*links));
	kfree(ring->links);
	ring->links = links;
	ring->link_capacity = capacity;
	return 0;
}

static s64 index_of(const struct key *ring, const struct key *k)
{
	for (u32 i = 0; i < ring->link_count; i++)
		if (ring->links[i] == k)
			return i;
	return -1;
}

int keyring_link(struct key *ring, struct key *k)
{
	struct key *old;
	int err;

	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	if (ring->restricted)
		return -EPERM;
	err = depth_of(k, ring, 0, ++kernel()->next_cookie);
	if (err < 0)
		return err;
	old = keyring_find(ring, k->type, k->description);
	if (old == k)
		return 0;
	if (old) {
		ring->links[index_of(ring, old)] = key_get(k);
		key_put(old);
		return 0;
	}
	err = grow(ring);
	if (!err)
		err = charge(ring, ring->charge + LINK_CHARGE);
	if (!err)
		ring->links[ring->link_count++] = key_get(k);
	return err;
}

int keyring_unlink(struct key *ring, struct key *k)
{
	s64 i;

	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	i = index_of(ring, k);
	if (i < 0)
		return -ENOENT;
	memmove(ring->links + i, ring->links + i + 1, (ring->link_count - (u64)i - 1) * sizeof(*ring->links));
	ring->link_count--;
	if (charge(ring, ring->charge - LINK_CHARGE))
		klog(LOG_WARN, "a keyring grew by losing a key");
	key_put(k);
	return 0;
}

int keyring_clear(struct key *ring)
{
	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	if (charge(ring, ring->charge - ring->link_count * LINK_CHARGE))
		klog(LOG_WARN, "a keyring grew by losing its keys");
	drop_links(ring);
	return 0;
}

struct key *keyring_find(struct key *ring, enum key_type type, const char *description)
{
	for (u32 i = 0; i < ring->link_count; i++) {
		struct key *k = ring->links[i];
		if (k->type == type && !strcmp(k->description, description) && !k->revoked && !k->invalidated)
			return k;
	}
	return NULL;
}

void key_invalidate(struct key *k)
{
	struct key *ring, *next;

	k->invalidated = true;
	key_get(k);
	for (ring = key_first(); ring; ring = next) {
		key_get(ring);
		if (ring->type == KEY_KEYRING && index_of(ring, k) >= 0 && keyring_unlink(ring, k))
			klog(LOG_WARN, "an invalidated key stays in a keyring");
		next = key_next(ring);
		key_put(ring);
	}
	key_put(k);
}

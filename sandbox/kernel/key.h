/*
 * key.h - the key retention service: keyrings(7), keyctl(2).
 *
 * A key is counted by the keyrings that link it and by those who hold it as their own (credentials: the
 * session keyring; processes and threads: theirs; users: the user's two). It has a serial number until the
 * last reference goes. A keyring's links hold references, and links that would make a loop are refused.
 */
#ifndef WARREN_KERNEL_KEY_H
#define WARREN_KERNEL_KEY_H

#include "sandbox/base/list.h"
#include "sandbox/base/object.h"
#include "sandbox/base/tree.h"

struct cred;
struct task;
struct user;

enum key_type { KEY_KEYRING, KEY_USER, KEY_LOGON };

enum { /* what one may do with a key; shifted by KEY_POSSESSOR… */
       KEY_VIEW = 1,
       KEY_READ = 2,
       KEY_WRITE = 4,
       KEY_SEARCH = 8,
       KEY_LINK = 16,
       KEY_SETATTR = 32,
       KEY_ALL = 63
};
#define KEY_POSSESSOR 24
#define KEY_OWNER     16
#define KEY_GROUP     8
#define KEY_PERM_MASK 0x3f3f3f3fU

struct key {
	struct object obj;
	struct tree_node node; /* in kernel()->keys, by serial */
	s32 serial;
	enum key_type type;
	char *description;
	u32 uid, gid, perm;   /* kernel ids */
	struct user *charged; /* counted; NULL: with nobody */
	size_t charge;
	u64 expires_ns; /* monotonic; TIME_NEVER */
	bool revoked, invalidated, restricted;
	char *payload; /* user, logon */
	size_t size;
	struct key **links; /* keyring; counted */
	u32 link_count, link_capacity;
	u64 visit; /* the search that saw it last, and how deep */
	int visit_level;
	struct key *next_dead; /* in kernel()->dead_keys */
};

static inline struct key *key_get(struct key *k)
{
	object_get(&k->obj);
	return k;
}
static inline void key_put(struct key *k)
{
	if (k)
		object_put(&k->obj);
}
static inline void keyp_put(struct key **k)
{
	key_put(*k);
}

/* -ENODEV no such type, -EPERM a type's name that guests may not use. */
int key_type_find(const char *name, enum key_type *out) must_check;
const char *key_type_name(enum key_type type);
/* A new key owned by the current task's file system ids, in no keyring. payload is copied. -EINVAL, -EDQUOT,
 * -ENOMEM. */
int key_new(enum key_type type, const char *description, const void *payload, size_t size, u32 perm,
	    struct key **out) must_check;
/* It counts with no user any more. */
void key_uncharge(struct key *k);
int key_update(struct key *k, const void *payload, size_t size) must_check;
struct key *key_find(s32 serial); /* borrowed, NULL if none */
struct key *key_first(void);
struct key *key_next(struct key *k);
/* 0, -EKEYREVOKED, -EKEYEXPIRED, -ENOKEY. */
int key_validate(const struct key *k) must_check;
/* Links `k`, displacing a key of the same type and description. -ENOTDIR, -EDEADLK, -ELOOP, -EPERM, -EDQUOT.
 */
int keyring_link(struct key *ring, struct key *k) must_check;
/* -ENOTDIR, -ENOENT. */
int keyring_unlink(struct key *ring, struct key *k) must_check;
int keyring_clear(struct key *ring) must_check;
struct key *keyring_find(struct key *ring, enum key_type type, const char *description); /* no recursion */
/* Takes it out of every keyring. */
void key_invalidate(struct key *k);

/* ---- who may do what: key_task.c ---- */

/* Special numbers for keyctl(2). */
enum { KEYS_THREAD = -1, KEYS_PROCESS = -2, KEYS_SESSION = -3, KEYS_USER = -4, KEYS_USER_SESSION = -5 };

/* A key by number (or one of KEYS_*) on which the current task has the rights `need`; reference given.
 * `create`: makes the thread's, process's or session keyring if there is none. `partial`: revoked and expired
 * will do. *possessed, if not NULL, says whether the task has it in its keyrings. */
int key_lookup(s32 id, bool create, bool partial, u32 need, bool *possessed, struct key **out) must_check;
/* Searches a tree of keyrings / those of the current task. -ENOKEY and what else keyrings(7) says. */
int keyring_search(struct key *ring, bool possessed, enum key_type type, const char *description,
		   struct key **out) must_check;
int key_search_task(enum key_type type, const char *description, struct key **out) must_check;
bool key_permits(const struct key *k, bool possessed, u32 need);
bool key_is_possessed(const struct key *k);
/* A new session keyring: anonymous (NULL) or by name; its serial number. */
s64 key_join_session(const char *name) must_check;

#endif

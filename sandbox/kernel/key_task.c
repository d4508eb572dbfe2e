/*
 * key_task.c - keys as a task sees them: its keyrings, what it possesses, and what it may do.
 *
 * A task possesses a key if a search from its thread's, process's or session keyring (the user-session
 * keyring where it has no session keyring) comes to it through keyrings that grant it SEARCH.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/key.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/user.h"

#define DEPTH_MAX         6
#define PERM_OWN          (KEY_ALL << KEY_POSSESSOR | KEY_VIEW << KEY_OWNER)
#define PERM_SESSION      (PERM_OWN | KEY_READ << KEY_OWNER)
#define PERM_NAMED        (PERM_SESSION | KEY_LINK << KEY_OWNER)
#define PERM_USER_KEYRING ((KEY_ALL & ~KEY_SETATTR) << KEY_POSSESSOR | KEY_ALL << KEY_OWNER)

bool key_permits(const struct key *k, bool possessed, u32 need)
{
	const struct cred *c = current_task()->cred;
	u32 have;

	if (k->uid == c->fsuid)
		have = k->perm >> KEY_OWNER;
	else if (k->gid != NO_ID && (k->perm & KEY_ALL << KEY_GROUP) && cred_in_group(c, k->gid))
		have = k->perm >> KEY_GROUP;
	else
		have = k->perm;
	if (possessed)
		have |= k->perm >> KEY_POSSESSOR;
	return (have & need & KEY_ALL) == need;
}

/* ---- the user's two ---- */

static int named_keyring(struct key **slot, const char *fmt, u32 uid)
{
	char name[32];
	int err;

	if (*slot)
		return 0;
	snprintf(name, sizeof(name), fmt, uid);
	err = key_new(KEY_KEYRING, name, NULL, 0, PERM_USER_KEYRING, slot);
	if (!err) {
		key_uncharge(*slot); /* or the user and its keyrings would keep each other */
		(*slot)->uid = uid;
		(*slot)->gid = NO_ID;
	}
	return err;
}

/* They go with the user: when it has no task left and nothing is charged to it. */
static int user_keyrings(struct user **out)
{
	struct task *t = current_task();
	struct user *u = user_get(t->cred->uid);
	int err;

	if (!u)
		return -ENOMEM;
	err = named_keyring(&u->keyring, "_uid.%u", u->uid);
	if (!err && !u->session_keyring) {
		err = named_keyring(&u->session_keyring, "_uid_ses.%u", u->uid);
		if (!err)
			err = keyring_link(u->session_keyring, u->keyring);
	}
	*out = u; /* the current task keeps it */
	user_put(u);
	return err;
}

/* ---- searching ---- */

/* The worst of two failures, so that "it was there, but revoked" beats "not found". */
static int worse(int a, int b)
{
	static const int rank[] = {-ENOKEY, -EACCES, -EKEYEXPIRED, -EKEYREVOKED};

	for (u32 i = ARRAY_COUNT(rank); i-- > 0;)
		if (a == rank[i] || b == rank[i])
			return rank[i];
	return a;
}

/* Has the search been in this keyring, from no deeper? Rings may be linked in so many ways that all of them
 * take for ever. */
static bool searched(struct key *ring, int depth, u64 visit)
{
	if (ring->visit == visit && ring->visit_level <= depth)
		return true;
	ring->visit = visit;
	ring->visit_level = depth;
	return false;
}

static int search(struct key *ring, bool possessed, enum key_type type, const char *description, int depth,
		  u64 visit, struct key **out)
{
	int result = -ENOKEY, err;

	if (!key_permits(ring, possessed, KEY_SEARCH))
		return -EACCES;
	if (searched(ring, depth, visit))
		return -ENOKEY;
	for (u32 i = 0; i < ring->link_count; i++) {
		struct key *k = ring->links[i];
		if (k->type != type || strcmp(k->description, description))
			continue;
		err = key_validate(k);
		if (!err && !key_permits(k, possessed, KEY_SEARCH))
			err = -EACCES;
		if (!err) {
			*out = key_get(k);
			return 0;
		}
		result = worse(result, err);
	}
	for (u32 i = 0; i < ring->link_count && depth < DEPTH_MAX; i++) {
		if (ring->links[i]->type != KEY_KEYRING || key_validate(ring->links[i]))
			continue;
		err = search(ring->links[i], possessed, type, description, depth + 1, visit, out);
		if (!err)
			return 0;
		if (err != -EACCES)
			result = worse(result, err);
	}
	return result;
}

int keyring_search(struct key *ring, bool possessed, enum key_type type, const char *description,
		   struct key **out)
{
	return ring->type == KEY_KEYRING
		   ? search(ring, possessed, type, description, 0, ++kernel()->next_cookie, out)
		   : -ENOTDIR;
}

/* The roots of what the task possesses; how many. */
static u32 roots(struct key *out[3])
{
	struct task *t = current_task();
	struct user *u;
	u32 n = 0;

	if (t->thread_keyring)
		out[n++] = t->thread_keyring;
	if (t->tg->process_keyring)
		out[n++] = t->tg->process_keyring;
	if (t->cred->session_keyring)
		out[n++] = t->cred->session_keyring;
	else if (!user_keyrings(&u))
		out[n++] = u->session_keyring;
	return n;
}

int key_search_task(enum key_type type, const char *description, struct key **out)
{
	struct key *root[3];
	int result = -ENOKEY;
	u32 n = roots(root);

	for (u32 i = 0; i < n; i++) {
		int err = search(root[i], true, type, description, 0, ++kernel()->next_cookie, out);
		if (!err)
			return 0;
		result = worse(result, err);
	}
	return result == -EACCES ? -ENOKEY : result;
}

static bool reaches(struct key *ring, const struct key *k, int depth, u64 visit)
{
	if (ring == k)
		return true;
	if (ring->type != KEY_KEYRING || depth > DEPTH_MAX || !key_permits(ring, true, KEY_SEARCH) ||
	    searched(ring, depth, visit))
		return false;
	for (u32 i = 0; i < ring->link_count; i++)
		if (ring->links[i] == k || reaches(ring->links[i], k, depth + 1, visit))
			return true;
	return false;
}

bool key_is_possessed(const struct key *k)
{
	struct key *root[3];
	u32 n = roots(root);

	if (!key_permits(k, true, KEY_SEARCH)) /* what no search finds is not possessed */
		return false;
	for (u32 i = 0; i < n; i++)
		if (reaches(root[i], k, 0, ++kernel()->next_cookie))
			return true;
	return false;
}

/* ---- by number ---- */

static int own_keyring(struct key **slot, const char *name, bool create, struct key **out)
{
	int err = 0;

	if (!*slot)
		err = create ? key_new(KEY_KEYRING, name, NULL, 0, PERM_OWN, slot) : -ENOKEY;
	if (!err)
		*out = key_get(*slot);
	return err;
}

static int set_session(struct key *ring)
{
	struct task *t = current_task();
	struct cred *c = cred_dup(t->cred);

	if (!c)
		return -ENOMEM;
	key_put(c->session_keyring);
	c->session_keyring = key_get(ring);
	task_set_cred(t, c);
	return 0;
}

/* One who has none gets a new one where it is to be filled, else the user's. */
static int session_keyring(bool create, struct key **out)
{
	struct task *t = current_task();
	struct user *u;
	s64 made;
	int err;

	if (!t->cred->session_keyring && create) {
		made = key_join_session(NULL);
		if (made < 0)
			return (int)made;
	}
	if (!t->cred->session_keyring) {
		err = user_keyrings(&u);
		if (!err)
			err = set_session(u->session_keyring);
		if (err)
			return err;
	}
	*out = key_get(t->cred->session_keyring);
	return 0;
}

static int special(s32 id, bool create, struct key **out)
{
	struct task *t = current_task();
	struct user *u;
	int err;

	switch (id) {
	case KEYS_THREAD:
		return own_keyring(&t->thread_keyring, "_tid", create, out);
	case KEYS_PROCESS:
		return own_keyring(&t->tg->process_keyring, "_pid", create, out);
	case KEYS_SESSION:
		return session_keyring(create, out);
	case KEYS_USER:
	case KEYS_USER_SESSION:
		err = user_keyrings(&u);
		if (!err)
			*out = key_get(id == KEYS_USER ? u->keyring : u->session_keyring);
		return err;
	case -7: /* no request for a key is under way */
	case -8:
		return -ENOKEY;
	default:
		return -EINVAL;
	}
}

int key_lookup(s32 id, bool create, bool partial, u32 need, bool *possessed, struct key **out)
{
	bool possess = id < 0;
	struct key *k = NULL;
	int err = 0;

	if (id < 0) {
		err = special(id, create, &k);
	} else {
		k = id ? key_find(id) : NULL;
		if (!k)
			return id ? -ENOKEY : -EINVAL;
		key_get(k);
		possess = key_is_possessed(k);
	}
	if (err)
		return err;
	err = k->invalidated ? -ENOKEY : partial ? 0 : key_validate(k);
	if (!err && !key_permits(k, possess, need))
		err = -EACCES;
	if (err) {
		key_put(k);
		return err;
	}
	if (possessed)
		*possessed = possess;
	*out = k;
	return 0;
}

s64 key_join_session(const char *name)
{
	struct key *ring = NULL, *k;
	s64 serial;
	int err = 0;

	for (k = name ? key_first() : NULL; k && !ring; k = key_next(k))
		if (k->type == KEY_KEYRING && !strcmp(k->description, name) && !key_validate(k) &&
		    key_permits(k, false, KEY_SEARCH))
			ring = key_get(k);
	if (!ring)
		err = key_new(KEY_KEYRING, name ? name : "_ses", NULL, 0, name ? PERM_NAMED : PERM_SESSION,
			      &ring);
	if (err)
		return err;
	serial = ring->serial;
	err = set_session(ring);
	key_put(ring);
	return err ? err : serial;
}

/*
 * syscalls/keyctl.c - add_key, request_key, keyctl.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/key.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

#define TYPE_SIZE        32U
#define DESCRIPTION_SIZE 4096U
#define PAYLOAD_MAX      (1024UL * 1024 - 1)

static int type_in(u64 user, enum key_type *type)
{
	char name[TYPE_SIZE];
	s64 n = copy_in_str(name, uaddr(user), sizeof(name));

	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	return n ? key_type_find(name, type) : -EINVAL;
}

static int description_in(u64 user, char **out)
{
	s64 n;

	*out = kmalloc(DESCRIPTION_SIZE);
	if (!*out)
		return -ENOMEM;
	n = copy_in_str(*out, uaddr(user), DESCRIPTION_SIZE);
	return n == -ENAMETOOLONG ? -EINVAL : n < 0 ? (int)n : 0;
}

static int payload_in(u64 user, u64 size, char **out)
{
	*out = NULL;
	if (size > PAYLOAD_MAX)
		return -EINVAL;
	if (!size || !user)
		return size ? -EFAULT : 0;
	*out = kmalloc(size);
	if (!*out)
		return -ENOMEM;
	return copy_in(*out, uaddr(user), size) ? -EFAULT : 0;
}

static u32 default_perm(enum key_type type)
{
	u32 possessor = KEY_VIEW | KEY_WRITE | KEY_SEARCH | KEY_LINK | KEY_SETATTR;

	return (possessor | (type == KEY_LOGON ? 0 : KEY_READ)) << KEY_POSSESSOR | KEY_VIEW << KEY_OWNER;
}

/* A key of that name in the keyring is updated; else there is a new one. */
static s64 add(struct key *ring, bool possessed, enum key_type type, const char *description,
	       const char *payload, u64 size)
{
	struct key *k;
	s64 serial;
	int err;

	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	k = type == KEY_KEYRING ? NULL : keyring_find(ring, type, description);
	if (k) {
		if (!key_permits(k, possessed, KEY_WRITE))
			return -EACCES;
		err = key_update(k, payload, size);
		return err ? err : k->serial;
	}
	err = key_new(type, description, payload, size, default_perm(type), &k);
	if (err)
		return err;
	serial = k->serial;
	err = keyring_link(ring, k);
	key_put(k);
	return err ? err : serial;
}

s64 sys_add_key(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *description = NULL;
	auto_cleanup(kfreep) char *payload = NULL;
	auto_cleanup(keyp_put) struct key *ring = NULL;
	enum key_type type;
	bool possessed;
	int err;

	if (a[3] > PAYLOAD_MAX)
		return -EINVAL;
	err = type_in(a[0], &type);
	if (!err)
		err = description_in(a[1], &description);
	if (!err && !*description)
		err = -EINVAL;
	if (!err && type == KEY_KEYRING && description[0] == '.')
		err = -EPERM;
	if (!err)
		err = payload_in(a[2], a[3], &payload);
	if (!err)
		err = key_lookup(arg_int(a[4]), true, false, KEY_WRITE, &possessed, &ring);
	return err ? err : add(ring, possessed, type, description, payload, a[3]);
}

s64 sys_request_key(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *description = NULL;
	auto_cleanup(keyp_put) struct key *ring = NULL;
	auto_cleanup(keyp_put) struct key *k = NULL;
	enum key_type type;
	int err = type_in(a[0], &type);

	if (!err)
		err = description_in(a[1], &description);
	if (!err && arg_int(a[3]))
		err = key_lookup(arg_int(a[3]), true, false, KEY_WRITE, NULL, &ring);
	if (!err)
		err = key_search_task(type, description, &k); /* there is no helper to make a missing one */
	if (!err && ring)
		err = keyring_link(ring, k);
	return err ? err : k->serial;
}

/* ---- keyctl ---- */

static s64 get_keyring_id(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[1]), a[2], false, KEY_SEARCH, NULL, &k);

	return err ? err : k->serial;
}

static s64 join_session(const u64 *a)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err = a[1] ? description_in(a[1], &name) : 0;

	if (!err && name && name[0] == '.')
		err = -EPERM;
	if (!err && name && !*name)
		err = -EINVAL;
	return err ? err : key_join_session(name);
}

static s64 update(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	auto_cleanup(kfreep) char *payload = NULL;
	int err = a[3] > PAGE_SIZE ? -EINVAL : payload_in(a[2], a[3], &payload);

	if (!err)
		err = key_lookup(arg_int(a[1]), false, false, KEY_WRITE, NULL, &k);
	return err ? err : key_update(k, payload, a[3]);
}

static s64 revoke(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[1]), false, false, KEY_WRITE, NULL, &k);

	if (err == -EACCES)
		err = key_lookup(arg_int(a[1]), false, false, KEY_SETATTR, NULL, &k);
	if (!err)
		k->revoked = true;
	return err;
}

static s64 invalidate(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[1]), false, false, KEY_SEARCH, NULL, &k);

	if (!err)
		key_invalidate(k);
	return err;
}

static s64 change_owner(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	u32 uid = uid_given((u32)a[2]), gid = gid_given((u32)a[3]);
	const struct cred *c = current_task()->cred;
	int err;

	if (((u32)a[2] != NO_ID && uid == NO_ID) || ((u32)a[3] != NO_ID && gid == NO_ID))
		return -EINVAL;
	if ((u32)a[2] == NO_ID && (u32)a[3] == NO_ID)
		return 0;
	err = key_lookup(arg_int(a[1]), true, true, KEY_SETATTR, NULL, &k);
	if (err)
		return err;
	if (!capable(LINUX_CAP_SYS_ADMIN) &&
	    ((uid != NO_ID && uid != k->uid) || (gid != NO_ID && gid != k->gid && !cred_in_group(c, gid))))
		return -EACCES;
	k->uid = uid != NO_ID ? uid : k->uid;
	k->gid = gid != NO_ID ? gid : k->gid;
	return 0;
}

static s64 set_perm(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err;

	if ((u32)a[2] & ~KEY_PERM_MASK)
		return -EINVAL;
	err = key_lookup(arg_int(a[1]), true, true, KEY_SETATTR, NULL, &k);
	if (err)
		return err;
	if (k->uid != current_task()->cred->fsuid && !capable(LINUX_CAP_SYS_ADMIN))
		return -EACCES;
	k->perm = (u32)a[2];
	return 0;
}

static s64 describe(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	auto_cleanup(kfreep) char *text = NULL;
	s64 size;
	int err = key_lookup(arg_int(a[1]), false, true, KEY_VIEW, NULL, &k);

	if (err)
		return err;
	text = kasprintf("%s;%d;%d;%08x;%s", key_type_name(k->type), (s32)uid_seen(k->uid),
			 (s32)gid_seen(k->gid), k->perm, k->description);
	if (!text)
		return -ENOMEM;
	size = (s64)strlen(text) + 1;
	return a[2] && (s64)a[3] >= size && copy_out(uaddr(a[2]), text, (size_t)size) ? -EFAULT : size;
}

static s64 clear(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[1]), true, false, KEY_WRITE, NULL, &k);

	return err ? err : keyring_clear(k);
}

static s64 link(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *ring = NULL;
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[2]), true, false, KEY_WRITE, NULL, &ring);

	if (!err)
		err = key_lookup(arg_int(a[1]), true, false, KEY_LINK, NULL, &k);
	return err ? err : keyring_link(ring, k);
}

static s64 unlink(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *ring = NULL;
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[2]), false, false, KEY_WRITE, NULL, &ring);

	if (!err)
		err = key_lookup(arg_int(a[1]), false, true, 0, NULL, &k);
	return err ? err : keyring_unlink(ring, k);
}

#define MOVE_EXCL 1U

static s64 move(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	auto_cleanup(keyp_put) struct key *from = NULL;
	auto_cleanup(keyp_put) struct key *to = NULL;
	int err =
	    (u32)a[4] & ~MOVE_EXCL ? -EINVAL : key_lookup(arg_int(a[1]), true, false, KEY_LINK, NULL, &k);

	if (!err)
		err = key_lookup(arg_int(a[2]), false, false, KEY_WRITE, NULL, &from);
	if (!err)
		err = key_lookup(arg_int(a[3]), true, false, KEY_WRITE, NULL, &to);
	if (err || from == to)
		return err;
	if (from->type != KEY_KEYRING || to->type != KEY_KEYRING)
		return -ENOTDIR;
	if (((u32)a[4] & MOVE_EXCL) && keyring_find(to, k->type, k->description))
		return -EEXIST;
	if (keyring_find(from, k->type, k->description) != k)
		return -ENOENT;
	err = keyring_link(to, k);
	return err ? err : keyring_unlink(from, k);
}

static s64 find(const u64 *a)
{
	auto_cleanup(kfreep) char *description = NULL;
	auto_cleanup(keyp_put) struct key *ring = NULL;
	auto_cleanup(keyp_put) struct key *dest = NULL;
	auto_cleanup(keyp_put) struct key *k = NULL;
	enum key_type type;
	bool possessed;
	int err = type_in(a[2], &type);

	if (!err)
		err = description_in(a[3], &description);
	if (!err)
		err = key_lookup(arg_int(a[1]), false, false, KEY_SEARCH, &possessed, &ring);
	if (!err && arg_int(a[4]))
		err = key_lookup(arg_int(a[4]), true, false, KEY_WRITE, NULL, &dest);
	if (!err)
		err = keyring_search(ring, possessed, type, description, &k);
	if (!err && dest)
		err = key_permits(k, possessed, KEY_LINK) ? keyring_link(dest, k) : -EACCES;
	return err ? err : k->serial;
}

static s64 read_keyring(const struct key *k, u64 user, u64 room)
{
	s64 size = (s64)(k->link_count * sizeof(s32));

	for (u32 i = 0; user && (i + 1) * sizeof(s32) <= room && i < k->link_count; i++)
		if (put_user(&k->links[i]->serial, uaddr(user + i * sizeof(s32))))
			return -EFAULT;
	return size;
}

static s64 read_key(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[1]), false, false, KEY_READ, NULL, &k);

	if (err == -EACCES) { /* what can be searched for may be read by who has it */
		bool possessed = false;
		err = key_lookup(arg_int(a[1]), false, false, 0, &possessed, &k);
		if (!err && !(possessed && key_permits(k, true, KEY_SEARCH)))
			err = -EACCES;
	}
	if (err)
		return err;
	if (k->type == KEY_LOGON)
		return -EOPNOTSUPP;
	if (k->type == KEY_KEYRING)
		return read_keyring(k, a[2], a[3]);
	if (a[2] && a[3] >= k->size && copy_out(uaddr(a[2]), k->payload, k->size))
		return -EFAULT;
	return (s64)k->size;
}

static s64 set_timeout(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[1]), true, true, KEY_SETATTR, NULL, &k);

	if (!err)
		k->expires_ns = (u32)a[2] ? clock_monotonic() + (u32)a[2] * NSEC_PER_SEC : TIME_NEVER;
	return err;
}

static s64 get_security(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	int err = key_lookup(arg_int(a[1]), false, true, KEY_VIEW, NULL, &k);
	char none = 0;

	if (err)
		return err;
	return a[2] && a[3] && put_user(&none, uaddr(a[2])) ? -EFAULT : 1;
}

static s64 restrict_keyring(const u64 *a)
{
	auto_cleanup(keyp_put) struct key *k = NULL;
	enum key_type type;
	int err = key_lookup(arg_int(a[1]), false, false, KEY_SETATTR, NULL, &k);

	if (!err && a[2])
		err = type_in(a[2], &type) ?: -ENOENT; /* no type has restrictions of its own */
	if (err)
		return err;
	if (k->type != KEY_KEYRING)
		return -ENOTDIR;
	if (k->restricted)
		return -EEXIST;
	k->restricted = true;
	return 0;
}

static s64 capabilities(const u64 *a)
{
	/* capabilities, invalidate, restrict, move; keyring names by namespace are not told apart */
	const u8 caps[2] = {0xe1, 0};
	u64 n = min_t(u64, a[2], sizeof(caps));
	u8 zero = 0;

	if (n && copy_out(uaddr(a[1]), caps, n))
		return -EFAULT;
	for (u64 i = n; i < min_t(u64, a[2], PAGE_SIZE); i++)
		if (put_user(&zero, uaddr(a[1] + i)))
			return -EFAULT;
	return sizeof(caps);
}

static s64 set_reqkey_keyring(struct task *t, s32 value)
{
	s32 old = t->reqkey_keyring;

	if (value == -1)
		return old;
	if (value < 0 || value > 7 || value == 6 /* the group keyring */)
		return -EINVAL;
	t->reqkey_keyring = value;
	return old;
}

s64 sys_keyctl(struct task *t, const u64 *a)
{
	static s64 (*const ops[])(const u64 *) = {
	    [0] = get_keyring_id, [1] = join_session,  [2] = update,      [3] = revoke,
	    [4] = change_owner,   [5] = set_perm,      [6] = describe,    [7] = clear,
	    [8] = link,           [9] = unlink,        [10] = find,       [11] = read_key,
	    [15] = set_timeout,   [17] = get_security, [21] = invalidate, [29] = restrict_keyring,
	    [30] = move,          [31] = capabilities};
	u32 op = (u32)a[0];

	if (op < ARRAY_COUNT(ops) && ops[op])
		return ops[op](a);
	switch (op) {
	case 12: /* instantiate, negate, reject: nobody has asked us for a key */
	case 13:
	case 18: /* a session keyring for the parent */
	case 19:
	case 20:
		return -EPERM;
	case 14:
		return set_reqkey_keyring(t, arg_int(a[1]));
	case 16: /* assume authority: none can be had, giving it up is fine */
		return arg_int(a[1]) < 0 ? -EINVAL : arg_int(a[1]) ? -ENOKEY : 0;
	default: /* persistent keyrings, Diffie-Hellman, public keys, watches are not built in */
		return -EOPNOTSUPP;
	}
}

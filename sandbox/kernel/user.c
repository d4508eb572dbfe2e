/*
 * user.c - see user.h.
 */
#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/key.h"
#include "sandbox/kernel/user.h"

static void user_release(struct object *obj)
{
	struct user *u = container_of(obj, struct user, obj);

	tree_erase(&kernel()->users, &u->node);
	key_put(u->session_keyring);
	key_put(u->keyring);
	kfree(u);
}

struct user *user_get(u32 uid)
{
	struct tree_node *parent = NULL, **where = &kernel()->users.root;
	struct user *u;

	while (*where) {
		parent = *where;
		u = container_of(parent, struct user, node);
		if (u->uid == uid) {
			object_get(&u->obj);
			return u;
		}
		where = uid < u->uid ? &parent->left : &parent->right;
	}
	u = knew(struct user);
	if (!u)
		return NULL;
	object_init(&u->obj, user_release);
	u->uid = uid;
	tree_link(&kernel()->users, &u->node, parent, where);
	return u;
}

void user_put(struct user *u)
{
	if (u)
		object_put(&u->obj);
}

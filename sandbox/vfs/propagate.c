/*
 * propagate.c - mount propagation (mount_namespaces(7), "shared subtrees").
 *
 * Mounts of one peer group hang in a ring; a slave knows its master, one member of the group it receives
 * from, and each member knows its slaves. What is mounted on a member is mounted on its peers, whose copies
 * are peers of each other, and on the slaves, whose copies are slaves of those. A mount that leaves its group
 * hands its slaves to another member, or to its own master.
 *
 * A walk gives itself a number, so that a group that is reached twice is visited once; chains of masters are
 * as long as a guest makes them, so their depth is limited.
 */
#include <errno.h>

#include "sandbox/vfs/mount_priv.h"

#define DEPTH_MAX 64

static struct mount *next_peer(struct mount *m)
{
	return list_entry(m->peers.next, struct mount, peers);
}

static void set_master(struct mount *m, struct mount *master)
{
	list_del_init(&m->slave_node);
	m->master = master;
	if (master)
		list_add_tail(&m->slave_node, &master->slaves);
}

/* Out of the group; the slaves go to `heir`, or have no master any more. Returns a former peer. */
static struct mount *leave_group(struct mount *m)
{
	struct mount *peer = next_peer(m) != m ? next_peer(m) : NULL, *heir = peer ? peer : m->master;

	list_del_init(&m->peers);
	while (!list_empty(&m->slaves))
		set_master(list_first_entry(&m->slaves, struct mount, slave_node), heir);
	m->group = 0;
	return peer;
}

void mount_make_private(struct mount *m)
{
	(void)leave_group(m);
	set_master(m, NULL);
	m->unbindable = false;
}

void mount_change_propagation(struct mount *m, enum propagation type)
{
	struct mount *peer;

	switch (type) {
	case PROPAGATE_SHARED:
		if (!m->group)
			m->group = ++vfs()->mount_groups;
		m->unbindable = false;
		break;
	case PROPAGATE_SLAVE:
		if (m->group) {
			peer = leave_group(m);
			if (peer)
				set_master(m, peer);
		}
		m->unbindable = false;
		break;
	default:
		mount_make_private(m);
		m->unbindable = type == PROPAGATE_UNBINDABLE;
		break;
	}
}

void mount_join(struct mount *copy, struct mount *m)
{
	if (m->group) {
		copy->group = m->group;
		list_add(&copy->peers, &m->peers);
	}
	if (m->master)
		set_master(copy, m->master);
}

/* ---- something is mounted ---- */

struct spread {
	struct mount *skip; /* where the original goes */
	struct dentry *mountpoint;
	struct list_head made; /* copies, by made_node; each counted */
	u64 walk;
};

static void make_slaves(struct mount *copy, struct mount *of)
{
	struct mount *a = copy, *b = of;

	for (; a && b; a = mount_next(a, copy), b = mount_next(b, of)) {
		mount_make_private(a);
		set_master(a, b->group ? b : b->master);
	}
}

static void make_shared(struct mount *m)
{
	for (struct mount *p = m; p; p = mount_next(p, m))
		mount_change_propagation(p, PROPAGATE_SHARED);
}

/* A copy of the tree `from` on the mount p: its peer, or its slave. */
static int copy_onto(struct spread *s, struct mount *p, struct mount *from, bool slave, struct mount **out)
{
	struct mount_ns *ns;
	struct mount *copy;
	int err = mount_copy_tree(from, from->root, BIND_RECURSIVE | BIND_ALL, mount_ns_owner(), &ns);

	if (err)
		return err;
	copy = mount_get(ns->root);
	if (slave) {
		make_slaves(copy, from);
		if (p->group)
			make_shared(copy);
	}
	mount_link(copy, p, s->mountpoint);
	mount_ns_put(ns);
	list_add_tail(&copy->made_node, &s->made);
	*out = copy;
	return 0;
}

/* The group of `first` (or `first` alone) receives copies of `from`; then whoever receives from it. */
static int spread_to(struct spread *s, struct mount *first, struct mount *from, bool slave, int depth)
{
	struct mount *p = first, *slave_of, *copy;
	int err;

	if (depth > DEPTH_MAX)
		return -ENOSPC;
	do { /* the group */
		p->visited = s->walk;
		if (p != s->skip && p->ns && p->sb == s->mountpoint->sb &&
		    dentry_is_ancestor(p->root, s->mountpoint)) {
			err = copy_onto(s, p, from, slave, &copy);
			if (err)
				return err;
			from = copy; /* the next ones are its peers */
			slave = false;
		}
		p = next_peer(p);
	} while (p != first);
	do { /* and its slaves */
		list_for_each_entry (slave_of, &p->slaves, slave_node) {
			if (slave_of->visited == s->walk)
				continue;
			err = spread_to(s, slave_of, from, true, depth + 1);
			if (err)
				return err;
		}
		p = next_peer(p);
	} while (p != first);
	return 0;
}

int mount_propagate(struct mount *m, struct mount *parent, struct dentry *mountpoint)
{
	struct spread s = {.skip = parent, .mountpoint = mountpoint, .walk = ++vfs()->mount_walk};
	int err;

	if (!parent->group)
		return 0;
	list_init(&s.made);
	make_shared(m);
	err = spread_to(&s, parent, m, false, 0);
	while (!list_empty(&s.made)) {
		struct mount *copy = list_first_entry(&s.made, struct mount, made_node);
		list_del_init(&copy->made_node);
		if (err)
			mount_detach_tree(copy);
		mount_put(copy);
	}
	return err;
}

/* ---- something is unmounted ---- */

static int walk_receivers(struct mount *first, const struct mount *origin, const struct mount *m, u64 walk,
			  int depth, int (*fn)(struct mount *m))
{
	struct mount *p = first, *s, *child;
	int err;

	if (depth > DEPTH_MAX)
		return 0;
	do {
		p->visited = walk;
		child = p == origin ? NULL : mount_on(p, m->mountpoint);
		err = child && list_empty(&child->children) ? fn(child) : 0;
		if (err)
			return err;
		list_for_each_entry (s, &p->slaves, slave_node) {
			err = s->visited == walk ? 0 : walk_receivers(s, origin, m, walk, depth + 1, fn);
			if (err)
				return err;
		}
		p = next_peer(p);
	} while (p != first);
	return 0;
}

int mount_propagated(struct mount *m, int (*fn)(struct mount *m))
{
	if (!m->parent || (!m->parent->group && list_empty(&m->parent->slaves)))
		return 0;
	return walk_receivers(m->parent, m->parent, m, ++vfs()->mount_walk, 0, fn);
}

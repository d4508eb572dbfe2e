/*
 * userns.c - user namespaces: nesting, id maps, and what a capability is worth where.
 *
 * Credentials and inodes hold kernel ids: ids of the root user namespace. A map is written once, each extent
 * is translated through the parent's map at that moment, and from then on a look-up is one step whatever the
 * depth. The root namespace has one extent that maps every id to itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define LEVEL_MAX   32U
#define EXTENTS_MAX 340U
#define MAP_TEXT    4096U

static void user_ns_release(struct object *obj)
{
	struct user_ns *n = container_of(obj, struct user_ns, common.obj);

	user_ns_put(n->parent);
	kfree(n->uids.extents);
	kfree(n->gids.extents);
	kfree(n);
}

static struct user_ns *alloc(void)
{
	struct user_ns *n = knew(struct user_ns);

	if (n) {
		object_init(&n->common.obj, user_ns_release);
		n->common.type = LINUX_CLONE_NEWUSER;
		n->common.ino = ns_next_ino();
	}
	return n;
}

static bool map_all(struct id_map *m)
{
	m->extents = knew(struct id_extent);
	if (m->extents)
		*m->extents = (struct id_extent){0, 0, UINT32_MAX};
	m->count = 1;
	return m->extents;
}

struct user_ns *user_ns_new_root(void)
{
	struct user_ns *n = alloc();

	if (n && map_all(&n->uids) && map_all(&n->gids))
		return n;
	user_ns_put(n);
	return NULL;
}

static bool in_chroot(void)
{
	struct task *t = current_task();

	return t && t->fs && t->ns &&
	       (t->fs->root.mnt != t->ns->mnt->root || t->fs->root.dentry != t->ns->mnt->root->root);
}

int user_ns_new(const struct cred *creator, struct user_ns **out)
{
	struct user_ns *parent = creator->user_ns, *n;

	if (parent->level >= LEVEL_MAX)
		return -ENOSPC;
	if (in_chroot())
		return -EPERM;
	if (uid_in(parent, creator->euid) == NO_ID || gid_in(parent, creator->egid) == NO_ID)
		return -EPERM;
	n = alloc();
	if (!n)
		return -ENOMEM;
	n->parent = user_ns_get(parent);
	n->level = parent->level + 1;
	n->owner_uid = creator->euid;
	n->owner_gid = creator->egid;
	n->setgroups_denied = parent->setgroups_denied;
	n->parent_could_setfcap = creator->cap_effective >> LINUX_CAP_SETFCAP & 1;
	*out = n;
	return 0;
}

/* ---- translation ---- */

static u32 map_down(const struct id_map *m, u32 id)
{
	for (u32 i = 0; i < m->count; i++)
		if (id - m->extents[i].first < m->extents[i].count)
			return m->extents[i].lower + (id - m->extents[i].first);
	return NO_ID;
}

static u32 map_up(const struct id_map *m, u32 kid)
{
	for (u32 i = 0; i < m->count; i++)
		if (kid - m->extents[i].lower < m->extents[i].count)
			return m->extents[i].first + (kid - m->extents[i].lower);
	return NO_ID;
}

u32 kuid_of(const struct user_ns *ns, u32 uid)
{
	return map_down(&ns->uids, uid);
}

u32 kgid_of(const struct user_ns *ns, u32 gid)
{
	return map_down(&ns->gids, gid);
}

u32 uid_in(const struct user_ns *ns, u32 kuid)
{
	return map_up(&ns->uids, kuid);
}

u32 gid_in(const struct user_ns *ns, u32 kgid)
{
	return map_up(&ns->gids, kgid);
}

/* The namespace whose numbers the current task reads and writes; NULL: kernel services use kernel ids. */
static const struct user_ns *here(void)
{
	struct task *t = current_task();

	return t && t->cred && t->cred->user_ns && t->cred->user_ns->parent ? t->cred->user_ns : NULL;
}

u32 uid_seen(u32 kuid)
{
	const struct user_ns *ns = here();
	u32 id = ns ? uid_in(ns, kuid) : kuid;

	return id == NO_ID ? OVERFLOW_ID : id;
}

u32 gid_seen(u32 kgid)
{
	const struct user_ns *ns = here();
	u32 id = ns ? gid_in(ns, kgid) : kgid;

	return id == NO_ID ? OVERFLOW_ID : id;
}

u32 uid_given(u32 uid)
{
	const struct user_ns *ns = here();

	return ns ? kuid_of(ns, uid) : uid;
}

u32 gid_given(u32 gid)
{
	const struct user_ns *ns = here();

	return ns ? kgid_of(ns, gid) : gid;
}

/* ---- capabilities ---- */

bool user_ns_is_ancestor(const struct user_ns *a, const struct user_ns *b)
{
	while (b && b != a)
		b = b->parent;
	return b;
}

bool cred_ns_capable(const struct cred *c, const struct user_ns *ns, int cap)
{
	for (; ns; ns = ns->parent) {
		if (ns == c->user_ns)
			return cred_capable(c, cap);
		if (ns->level <= c->user_ns->level)
			return false;
		/* who made a namespace has every capability in it, as seen from its parent */
		if (ns->parent == c->user_ns && ns->owner_uid == c->euid)
			return true;
	}
	return false;
}

bool ns_capable(const struct user_ns *ns, int cap)
{
	struct task *t = current_task();

	return !t || cred_ns_capable(t->cred, ns, cap); /* kernel services may do anything */
}

/* ---- writing the maps ---- */

/* One decimal number; false if there is none. */
static bool take_number(const char **p, u32 *out)
{
	u64 v = 0;
	const char *s = *p + strspn(*p, " \t");

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (u64)(*s - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*p = s;
	*out = (u32)v;
	return true;
}

static bool overlaps(const struct id_map *m, const struct id_extent *e)
{
	for (u32 i = 0; i < m->count; i++) {
		const struct id_extent *o = &m->extents[i];
		if ((o->first < e->first + e->count && e->first < o->first + o->count) ||
		    (o->lower < e->lower + e->count && e->lower < o->lower + o->count))
			return true;
	}
	return false;
}

static int parse(const char *text, struct id_map *m)
{
	while (*text) {
		struct id_extent e;
		if (m->count == EXTENTS_MAX)
			return -EINVAL;
		if (!take_number(&text, &e.first) || !take_number(&text, &e.lower) ||
		    !take_number(&text, &e.count))
			return -EINVAL;
		text += strspn(text, " \t");
		if (*text && *text != '\n')
			return -EINVAL;
		text += *text == '\n';
		if (e.first == NO_ID || e.lower == NO_ID || !e.count || e.first + e.count < e.first ||
		    e.lower + e.count < e.lower || overlaps(m, &e))
			return -EINVAL;
		m->extents[m->count++] = e;
	}
	return m->count ? 0 : -EINVAL;
}

/* user_namespaces(7), "Defining user and group ID mappings: writing to uid_map and gid_map". */
static int may_write(struct user_ns *ns, bool gids, const struct id_map *m)
{
	const struct cred *c = current_task()->cred;
	bool root = false;

	if (c->user_ns != ns && c->user_ns != ns->parent)
		return -EPERM;
	for (u32 i = 0; i < m->count; i++)
		root |= m->extents[i].lower == 0;
	/* mapping the parent's root lets file capabilities be written in its name */
	if (!gids && root &&
	    !(c->user_ns == ns ? ns->parent_could_setfcap
			       : cred_ns_capable(c, ns->parent, LINUX_CAP_SETFCAP)))
		return -EPERM;
	if (m->count == 1 && m->extents[0].count == 1 && c->euid == ns->owner_uid) {
		u32 id = m->extents[0].lower;
		if (!gids && kuid_of(ns->parent, id) == c->euid)
			return 0;
		if (gids && ns->setgroups_denied && kgid_of(ns->parent, id) == c->egid)
			return 0;
	}
	return ns_capable(ns->parent, gids ? LINUX_CAP_SETGID : LINUX_CAP_SETUID) ? 0 : -EPERM;
}

/* Parent's ids become kernel ids; a range must lie within one extent of the parent. */
static int lower_map(const struct id_map *parent, struct id_map *m)
{
	for (u32 i = 0; i < m->count; i++) {
		struct id_extent *e = &m->extents[i];
		u32 first = map_down(parent, e->lower), last = map_down(parent, e->lower + e->count - 1);
		if (first == NO_ID || last == NO_ID || last - first != e->count - 1)
			return -EPERM;
		e->lower = first;
	}
	return 0;
}

int user_ns_write_map(struct user_ns *ns, bool gids, const char *text)
{
	struct id_map *to = gids ? &ns->gids : &ns->uids, m = {0};
	int err;

	if (!ns->parent || to->extents) /* once only */
		return -EPERM;
	if (!cred_ns_capable(current_task()->cred, ns, LINUX_CAP_SYS_ADMIN))
		return -EPERM;
	m.extents = knew_array(struct id_extent, EXTENTS_MAX);
	if (!m.extents)
		return -ENOMEM;
	err = parse(text, &m);
	if (!err)
		err = may_write(ns, gids, &m);
	if (!err)
		err = lower_map(gids ? &ns->parent->gids : &ns->parent->uids, &m);
	if (err)
		kfree(m.extents);
	else
		*to = m;
	return err;
}

int user_ns_write_setgroups(struct user_ns *ns, const char *text)
{
	bool allow = !strncmp(text, "allow", 5), deny = !strncmp(text, "deny", 4);
	size_t len = allow ? 5 : 4;

	if ((!allow && !deny) || text[len + strspn(text + len, " \t\n")])
		return -EINVAL;
	if (!cred_ns_capable(current_task()->cred, ns, LINUX_CAP_SYS_ADMIN))
		return -EPERM;
	if (allow)
		return ns->setgroups_denied ? -EPERM : 0;
	if (ns->gids.extents && !ns->setgroups_denied) /* too late: groups may have been set already */
		return -EPERM;
	ns->setgroups_denied = true;
	return 0;
}

bool user_ns_may_setgroups(const struct user_ns *ns)
{
	return ns->gids.extents && !ns->setgroups_denied;
}

/*
 * fanotify_mark.c - the marks of groups, and which group wants to hear of an event.
 *
 * A mark of an inode holds it by an inode_watch, which also tells when it ends. Marks of mounts and file
 * systems hold nothing: they are forgotten when those go.
 */
#include <errno.h>

#include "sandbox/fs/anon/fanotify_priv.h"

/* ---- the tree ---- */

static struct fan_mark *mark_of(struct tree_node *n)
{
	return container_of(n, struct fan_mark, node);
}

struct fan_mark *fan_mark_find(struct fan_group *g, const void *object)
{
	struct tree_node *n = g->marks.root;

	while (n && mark_of(n)->object != object)
		n = (uintptr_t)object < (uintptr_t)mark_of(n)->object ? n->left : n->right;
	return n ? mark_of(n) : NULL;
}

static void link_mark(struct fan_group *g, struct fan_mark *m)
{
	struct tree_node *parent = NULL, **link = &g->marks.root;

	while (*link) {
		parent = *link;
		link = (uintptr_t)m->object < (uintptr_t)mark_of(parent)->object ? &parent->left
										 : &parent->right;
	}
	tree_link(&g->marks, &m->node, parent, link);
	g->mark_count++;
	vfs()->fanotify_marks++;
}

static void mark_free(struct fan_mark *m)
{
	tree_erase(&m->group->marks, &m->node);
	m->group->mark_count--;
	vfs()->fanotify_marks--;
	if (m->type == FAN_INODE)
		inode_watch_remove(&m->watch);
	kfree(m);
}

void fan_marks_free(struct fan_group *g)
{
	while (g->marks.root)
		mark_free(mark_of(g->marks.root));
}

void fanotify_forget(const void *object)
{
	struct fan_group *g;

	list_for_each_entry (g, &vfs()->fanotify_groups, node) {
		struct fan_mark *m = fan_mark_find(g, object);
		if (m)
			mark_free(m);
	}
}

/* The inode's own watches: all that matters here is its end. */
static void watch_event(struct inode_watch *w, u32 mask, u32 cookie, const char *name, size_t len,
			bool unlinked)
{
	if (mask & LINUX_IN_IGNORED)
		mark_free(container_of(w, struct fan_mark, watch));
}

/* ---- fanotify_mark(2) ---- */

static const void *object_of(enum fan_mark_type type, const struct path *p)
{
	switch (type) {
	case FAN_MOUNT:
		return p->mnt;
	case FAN_SB:
		return p->mnt->sb;
	default:
		return p->dentry->inode;
	}
}

static u64 marks_of_user(u32 uid)
{
	struct fan_group *g;
	u64 sum = 0;

	list_for_each_entry (g, &vfs()->fanotify_groups, node)
		if (g->uid == uid)
			sum += g->mark_count;
	return sum;
}

static int new_mark(struct fan_group *g, enum fan_mark_type type, const struct path *p, struct fan_mark **out)
{
	struct fan_mark *m;

	if (!(g->flags & LINUX_FAN_UNLIMITED_MARKS) && marks_of_user(g->uid) >= sysctl(SYSCTL_FANOTIFY_MARKS))
		return -ENOSPC;
	m = knew(struct fan_mark);
	if (!m)
		return -ENOMEM;
	m->group = g;
	m->type = type;
	m->object = object_of(type, p);
	m->watch.event = watch_event;
	if (type == FAN_INODE)
		inode_watch_add(&m->watch, p->dentry->inode);
	link_mark(g, m);
	*out = m;
	return 0;
}

int fanotify_mark_add(struct file *f, enum fan_mark_type type, const struct path *p, u32 mask, bool ignore,
		      bool survive)
{
	struct fan_group *g = f->private;
	struct fan_mark *m = fan_mark_find(g, object_of(type, p));
	int err = m ? 0 : new_mark(g, type, p, &m);

	if (err)
		return err;
	if (ignore) {
		m->ignored |= mask;
		m->ignore_survives |= survive;
	} else {
		m->mask |= mask;
	}
	return 0;
}

int fanotify_mark_remove(struct file *f, enum fan_mark_type type, const struct path *p, u32 mask, bool ignore)
{
	struct fan_mark *m = fan_mark_find(f->private, object_of(type, p));

	if (!m)
		return -ENOENT;
	if (ignore)
		m->ignored &= ~mask;
	else
		m->mask &= ~mask;
	if (!((m->mask | m->ignored) & ~LINUX_FAN_EVENT_FLAGS))
		mark_free(m);
	return 0;
}

void fanotify_mark_flush(struct file *f, enum fan_mark_type type)
{
	struct fan_group *g = f->private;
	struct tree_node *n;

again:
	for (n = tree_first(&g->marks); n; n = tree_next(n))
		if (mark_of(n)->type == type) {
			mark_free(mark_of(n));
			goto again;
		}
}

/* ---- events ---- */

struct interest {
	u32 want, ignored;
};

/* What mark `object` of the group adds; `child`: as the directory of the object. */
static void ask(struct fan_group *g, const void *object, const struct fs_event *e, bool child,
		struct interest *i)
{
	struct fan_mark *m = object ? fan_mark_find(g, object) : NULL;

	if (!m)
		return;
	if ((e->mask & LINUX_IN_MODIFY) && m->ignored && !m->ignore_survives && !child)
		m->ignored = 0;
	if (child && !(m->mask & LINUX_FAN_EVENT_ON_CHILD))
		return;
	if (!(e->mask & LINUX_IN_ISDIR) || (m->mask & LINUX_FAN_ONDIR))
		i->want |= m->mask;
	i->ignored |= m->ignored;
}

void fanotify_event(const struct fs_event *e)
{
	bool entry = e->mask & LINUX_FAN_ENTRY_EVENTS;
	struct inode *main = entry ? e->dir : e->inode;
	struct fan_group *g;

	list_for_each_entry (g, &vfs()->fanotify_groups, node) {
		struct interest i = {0, 0}, other = {0, 0}, all = {0, 0};
		enum rename_sides sides;
		u32 told;
		ask(g, main, e, false, &i);
		if (!entry)
			ask(g, e->dir, e, true, &i);
		else if (e->new_dir)
			ask(g, e->new_dir, e, false, &other);
		if (e->path)
			ask(g, e->path->mnt, e, false, &all);
		ask(g, main->sb, e, false, &all);
		told = e->mask & (i.want | other.want | all.want) & LINUX_FAN_ALL_EVENTS;
		told &= ~(i.ignored | other.ignored | all.ignored);
		sides = (all.want & LINUX_FAN_RENAME) || (i.want & other.want & LINUX_FAN_RENAME)
			    ? RENAME_BOTH_SIDES
			: i.want & LINUX_FAN_RENAME ? RENAME_OLD_SIDE
						    : RENAME_NEW_SIDE;
		if (!e->new_dir)
			sides = RENAME_BOTH_SIDES;
		if (told)
			fan_event_new(g, e, told | (e->mask & LINUX_IN_ISDIR), sides);
	}
}

/*
 * ids.c - the tables of a namespace: slots and ids, keys, permissions.
 *
 * Slots are given round robin, so that an id is not soon used again; the sequence number in an id goes up
 * each time the search comes round.
 */
#include "sandbox/ipc/ipc_priv.h"

#define SEQ_MAX   (INT32_MAX >> LINUX_IPC_SLOT_BITS)
#define CYCLE_MIN 64U /* slots that are used in turn even if there are few objects */

/* ---- keys ---- */

static struct ipc_perm *perm_of(struct tree_node *n)
{
	return container_of(n, struct ipc_perm, key_node);
}

struct ipc_perm *ipc_find_key(struct ipc_ids *ids, s32 key)
{
	struct tree_node *n = ids->keys.root;

	while (n && perm_of(n)->key != key)
		n = key < perm_of(n)->key ? n->left : n->right;
	return n ? perm_of(n) : NULL;
}

static void link_key(struct ipc_ids *ids, struct ipc_perm *p)
{
	struct tree_node *parent = NULL, **link = &ids->keys.root;

	while (*link) {
		parent = *link;
		link = p->key < perm_of(parent)->key ? &parent->left : &parent->right;
	}
	tree_link(&ids->keys, &p->key_node, parent, link);
}

void ipc_forget_key(struct ipc_ids *ids, struct ipc_perm *p)
{
	if (p->key != LINUX_IPC_PRIVATE)
		tree_erase(&ids->keys, &p->key_node);
	p->key = LINUX_IPC_PRIVATE;
}

/* ---- slots ---- */

void ipc_ids_init(struct ipc_ids *ids)
{
	ids->last = -1;
	ids->next_id = -1;
}

struct ipc_perm *ipc_at(struct ipc_ids *ids, u32 slot)
{
	return slot < ids->capacity ? ids->slots[slot] : NULL;
}

static int grow(struct ipc_ids *ids, u32 slot)
{
	u32 capacity = max_t(u32, ids->capacity * 2, CYCLE_MIN);
	struct ipc_perm **bigger;

	if (slot < ids->capacity)
		return 0;
	while (capacity <= slot)
		capacity *= 2;
	bigger = krealloc(ids->slots, capacity * sizeof(struct ipc_perm *));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + ids->capacity, 0, (capacity - ids->capacity) * sizeof(struct ipc_perm *));
	ids->slots = bigger;
	ids->capacity = capacity;
	return 0;
}

/* The first free slot from `from` on, below `end`; -1. */
static s32 free_slot(struct ipc_ids *ids, u32 from, u32 end)
{
	for (u32 i = from; i < end; i++)
		if (!ipc_at(ids, i))
			return (s32)i;
	return -1;
}

/* As asked by *_next_id, or the next one in turn. */
static s32 choose_slot(struct ipc_ids *ids, u32 limit, u32 *seq)
{
	u32 end = min_t(u32, max_t(u32, ids->in_use * 3 / 2, CYCLE_MIN), LINUX_IPC_SLOTS);
	s32 slot;

	if (ids->next_id >= 0) {
		*seq = (u32)ids->next_id >> LINUX_IPC_SLOT_BITS;
		slot = free_slot(ids, (u32)ids->next_id & (LINUX_IPC_SLOTS - 1), LINUX_IPC_SLOTS);
		ids->next_id = -1;
		return slot;
	}
	end = max_t(u32, min_t(u32, end, limit), ids->in_use + 1);
	slot = free_slot(ids, (u32)(ids->last + 1), end);
	if (slot < 0)
		slot = free_slot(ids, 0, end);
	if (slot >= 0 && slot <= ids->last)
		ids->seq = ids->seq >= SEQ_MAX ? 0 : ids->seq + 1;
	if (slot >= 0)
		ids->last = slot;
	*seq = ids->seq;
	return slot;
}

int ipc_add(struct ipc_ids *ids, struct ipc_perm *p, s32 key, u32 mode, u64 limit)
{
	const struct cred *c = current_task()->cred;
	s32 slot;
	int err;

	if (ids->in_use >= min_t(u64, limit, LINUX_IPC_SLOTS))
		return -ENOSPC;
	slot = choose_slot(ids, (u32)min_t(u64, limit, LINUX_IPC_SLOTS), &p->seq);
	if (slot < 0)
		return -ENOSPC;
	err = grow(ids, (u32)slot);
	if (err)
		return err;
	ids->slots[slot] = p;
	ids->in_use++;
	p->id = (s32)(p->seq << LINUX_IPC_SLOT_BITS) | slot;
	p->key = key;
	p->mode = mode & 0777;
	p->uid = p->cuid = c->euid;
	p->gid = p->cgid = c->egid;
	if (key != LINUX_IPC_PRIVATE)
		link_key(ids, p);
	return 0;
}

void ipc_remove(struct ipc_ids *ids, struct ipc_perm *p)
{
	ipc_forget_key(ids, p);
	ids->slots[(u32)p->id & (LINUX_IPC_SLOTS - 1)] = NULL;
	ids->in_use--;
	p->removed = true;
	ipc_put(p);
}

s64 ipc_highest(const struct ipc_ids *ids)
{
	for (u32 i = ids->in_use ? ids->capacity : 0; i > 0; i--)
		if (ids->slots[i - 1])
			return i - 1;
	return 0;
}

int ipc_find(struct ipc_ids *ids, s32 id, bool by_index, struct ipc_perm **out)
{
	*out = id < 0 ? NULL : ipc_at(ids, (u32)id & (LINUX_IPC_SLOTS - 1));
	return !*out || (!by_index && (*out)->id != id) ? -EINVAL : 0;
}

/* ---- permissions ---- */

struct ipc_state *ipc_here(void)
{
	return current_task()->ns->ipc->state;
}

struct user_ns *ipc_owner(void)
{
	return current_task()->ns->ipc->common.owner;
}

bool ipc_may(const struct ipc_perm *p, u32 want)
{
	const struct cred *c = current_task()->cred;
	u32 granted = p->mode;

	want |= want >> 3 | want >> 6;
	if (c->euid == p->cuid || c->euid == p->uid)
		granted >>= 6;
	else if (c->egid == p->cgid || c->egid == p->gid || cred_in_group(c, p->cgid) ||
		 cred_in_group(c, p->gid))
		granted >>= 3;
	return !(want & ~granted & 7) || ns_capable(ipc_owner(), LINUX_CAP_IPC_OWNER);
}

int ipc_find_owned(struct ipc_ids *ids, s32 id, struct ipc_perm **out)
{
	const struct cred *c = current_task()->cred;
	int err = ipc_find(ids, id, false, out);

	if (err)
		return err;
	if (c->euid == (*out)->cuid || c->euid == (*out)->uid)
		return 0;
	return ns_capable(ipc_owner(), LINUX_CAP_SYS_ADMIN) ? 0 : -EPERM;
}

int ipc_perm_set(struct ipc_perm *p, const struct linux_ipc_perm *in)
{
	u32 uid = uid_given(in->uid), gid = gid_given(in->gid);

	if (uid == NO_ID || gid == NO_ID)
		return -EINVAL;
	p->uid = uid;
	p->gid = gid;
	p->mode = (p->mode & ~0777U) | (in->mode & 0777);
	return 0;
}

void ipc_perm_show(const struct ipc_perm *p, struct linux_ipc_perm *out)
{
	*out = (struct linux_ipc_perm){.key = p->key,
				       .uid = uid_seen(p->uid),
				       .gid = gid_seen(p->gid),
				       .cuid = uid_seen(p->cuid),
				       .cgid = gid_seen(p->cgid),
				       .mode = p->mode,
				       .seq = (u16)p->seq};
}

/* ---- get ---- */

int ipc_get(struct ipc_ids *ids, s32 key, u32 flags, struct ipc_perm **out)
{
	*out = key == LINUX_IPC_PRIVATE ? NULL : ipc_find_key(ids, key);
	if (key == LINUX_IPC_PRIVATE)
		return 1;
	if (!*out)
		return flags & LINUX_IPC_CREAT ? 1 : -ENOENT;
	if ((flags & (LINUX_IPC_CREAT | LINUX_IPC_EXCL)) == (LINUX_IPC_CREAT | LINUX_IPC_EXCL))
		return -EEXIST;
	return 0;
}

s64 ipc_get_allowed(const struct ipc_perm *p, u32 flags)
{
	return ipc_may(p, flags & 0777) ? p->id : -EACCES;
}

/* ---- who and when ---- */

s64 ipc_now(void)
{
	return (s64)(clock_realtime() / NSEC_PER_SEC);
}

void ipc_set_pid(struct pid **slot)
{
	struct task *t = current_task();

	if (!t || !t->tg || *slot == t->tg->leader->pid)
		return;
	pid_put(*slot);
	*slot = pid_get(t->tg->leader->pid);
}

s32 ipc_pid_seen(const struct pid *p)
{
	return p && current_task() ? pid_vnr(p) : 0;
}

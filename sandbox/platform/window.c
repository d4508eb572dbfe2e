/*
 * window.c - which address space has which window of the control memfd, and which of its slots are taken.
 *
 * Windows are addresses, not memory: what is not used costs nothing. The one freed last is used next, for its
 * first pages may still be there, else the lowest. Owners are found by the number, which comes from epoll,
 * from a proof of identity or from the guest: any number may be asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox/platform/platform_priv.h"

static_assert(WIN_COUNT % WIN_LEAF == 0, "leaves are whole");

#define WIN_HOT 64 /* windows that keep their first pages while nobody has them */

struct window_leaf {
	struct aspace *owner[WIN_LEAF];
};

struct aspace *window_owner(const struct platform *p, u64 window)
{
	const struct window_leaf *leaf = window < WIN_COUNT ? p->window_leaf[window / WIN_LEAF] : NULL;

	return leaf ? leaf->owner[window % WIN_LEAF] : NULL;
}

struct aspace *window_next(const struct platform *p, u64 from)
{
	for (u64 w = from; w < WIN_COUNT; w++) {
		struct aspace *as;
		if (!p->window_leaf_used[w / WIN_LEAF]) {
			w |= WIN_LEAF - 1;
			continue;
		}
		as = window_owner(p, w);
		if (as)
			return as;
	}
	return NULL;
}

/* The one freed last, or the lowest: as few windows as can be ever get pages. WIN_COUNT: none. */
static u32 find_free(const struct platform *p)
{
	u32 w = 0;

	if (!window_owner(p, p->window_hint))
		return p->window_hint;
	while (w < WIN_COUNT && (p->window_leaf_used[w / WIN_LEAF] == WIN_LEAF || window_owner(p, w)))
		w += p->window_leaf_used[w / WIN_LEAF] == WIN_LEAF ? WIN_LEAF : 1;
	return w;
}

static int set_owner(struct platform *p, u32 w, struct aspace *as)
{
	struct window_leaf **leaf = &p->window_leaf[w / WIN_LEAF];

	if (!*leaf)
		*leaf = knew(struct window_leaf);
	if (!*leaf)
		return -ENOMEM;
	(*leaf)->owner[w % WIN_LEAF] = as;
	p->window_leaf_used[w / WIN_LEAF]++;
	p->window_hint = w;
	return 0;
}

void window_forget(struct platform *p, struct aspace *as)
{
	u32 w = as->window;
	struct window_leaf **leaf = &p->window_leaf[w / WIN_LEAF];

	if (window_owner(p, w) != as)
		panic("a window is given back that is another's");
	(*leaf)->owner[w % WIN_LEAF] = NULL;
	p->window_hint = w;
	if (!--p->window_leaf_used[w / WIN_LEAF]) {
		kfree(*leaf);
		*leaf = NULL;
	}
}

void window_prepare(struct aspace *as)
{
	memset(as->req, 0, offsetof(struct request, call));
	as->res->seq = 0;
	as->res->up = 0;
	as->res->asleep = 0;
	as->res->ret[0] = 0;
	as->seq = 0;
}

int window_take(struct platform *p, void *owner, struct aspace **out)
{
	struct aspace *as;
	u32 w = find_free(p);

	/* a stub's pidfd that finds no room would be a stub that cannot be ended */
	if (w == WIN_COUNT || !host_fd_room())
		return -EAGAIN;
	as = knew(struct aspace);
	if (!as || set_owner(p, w, as)) {
		kfree(as);
		return -ENOMEM;
	}
	as->window = w;
	as->owner = owner;
	as->state = ASPACE_STARTING;
	as->base = p->windows + (u64)w * WIN_SIZE;
	as->req = (struct request *)(void *)as->base;
	as->res = (struct result *)(void *)(as->base + WIN_RW + SLOT_RESULT);
	as->slot_words = 1;
	as->slot_used = &as->slot_first;
	list_init(&as->busy_node);
	list_init(&as->uthreads);
	list_init(&as->op_threads);
	list_init(&as->pool_node);
	list_init(&as->death_node);
	wait_queue_init(&as->done);
	window_prepare(as);
	memset(slot_at(as, 0), 0, sizeof(struct slot));
	*out = as;
	return 0;
}

void aspace_free(struct aspace *as)
{
	host_fd_put(as->pidfd);
	host_fd_put(as->status);
	for (u32 i = 0; i < as->batch_fd_count; i++)
		host_fd_put(as->batch_fd[i]);
	if (as->slot_used != &as->slot_first)
		kfree(as->slot_used);
	kfree(as);
}

/* The hot pages of the lower windows are zeroed, for they are used again soon; the rest is given back. */
void window_release(struct platform *p, struct aspace *as)
{
	const u64 keep = as->window < WIN_HOT ? WIN_RW + SLOT_BOUNCE + PAGE_SIZE : 0;

	p->near_count -= as->near;
	if (keep) {
		memset(slot_at(as, 0), 0, SLOT_ALT_LOW);
		memset((char *)slot_at(as, 0) + SLOT_ALT_TOP - 2 * PAGE_SIZE, 0, 3 * PAGE_SIZE);
	}
	fallocate(p->control->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  (off_t)((u64)as->window * WIN_SIZE + keep), (off_t)(WIN_SIZE - keep));
	window_forget(p, as);
	aspace_free(as);
}

/* ---- slots ---- */

/* Room for twice as many. */
static int slots_grow(struct aspace *as)
{
	u32 words = as->slot_words * 2;
	u64 *bits = words <= SLOT_COUNT / 64 ? kzalloc(words * sizeof(u64)) : NULL;

	if (!bits)
		return -EAGAIN;
	memcpy(bits, as->slot_used, as->slot_words * sizeof(u64));
	if (as->slot_used != &as->slot_first)
		kfree(as->slot_used);
	as->slot_used = bits;
	as->slot_words = words;
	return 0;
}

static bool slot_is_free(struct aspace *as, u32 i)
{
	if (as->slot_used[i / 64] >> (i % 64) & 1)
		return false;
	if (i == 0 && as->parked)
		return false;
	return i > as->slot_high || !shared_load(&slot_at(as, i)->live); /* else still on its way out */
}

int slot_take(struct aspace *as, u32 *index)
{
	for (u32 i = 0;; i++) {
		if (i / 64 == as->slot_words && slots_grow(as))
			return -EAGAIN;
		if (i % 64 == 0 && as->slot_used[i / 64] == UINT64_MAX) {
			i += 63;
			continue;
		}
		if (!slot_is_free(as, i))
			continue;
		as->slot_used[i / 64] |= 1ULL << (i % 64);
		if (i > as->slot_high)
			as->slot_high = i;
		*index = i;
		return 0;
	}
}

void slot_drop(struct aspace *as, u32 index)
{
	as->slot_used[index / 64] &= ~(1ULL << (index % 64));
}

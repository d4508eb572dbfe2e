/*
 * vma_sums.c - what each node of the VMA tree knows about its subtree, and the search for free room by it.
 *
 * The room between two neighbours counts at the node that is above both, or is one of them: each subtree
 * knows its first and last address, so a node needs nothing but its children. A search leaves out every
 * subtree that has no room large enough, so it goes down one path, and one more for each end of the range:
 * O(log n). Sums of bytes that limits bound are kept the same way, and read at the root.
 */
#include "sandbox/mm/mm_priv.h"

u64 vma_gap_start(const struct vma *v)
{
	u64 gap = v->flags & VMA_GROWSDOWN ? STACK_GUARD_GAP : 0;

	return v->start > gap ? v->start - gap : 0;
}

static u64 room(u64 from, u64 to)
{
	return to > from ? to - from : 0;
}

void vma_sum_up(struct tree_node *n)
{
	struct vma *v = vma_of(n), *l = vma_of(n->left), *r = vma_of(n->right);
	u64 start = vma_gap_start(v), size = v->end - v->start;
	struct vma_sums s = {.low = start, .high = v->end};

	s.data = vma_is_data(v->prot, v->flags) ? size : 0;
	s.locked = v->flags & VMA_LOCKED ? size : 0;
	if (l) {
		s.low = l->below.low;
		s.gap = max_t(u64, l->below.gap, room(l->below.high, start));
		s.data += l->below.data;
		s.locked += l->below.locked;
	}
	if (r) {
		s.high = r->below.high;
		s.gap = max_t(u64, s.gap, max_t(u64, r->below.gap, room(v->end, r->below.low)));
		s.data += r->below.data;
		s.locked += r->below.locked;
	}
	v->below = s;
}

void vma_changed(struct mm *mm, struct vma *v)
{
	tree_touch(&mm->vmas, &v->node);
}

struct search {
	u64 low, top, size;
};

/* The highest place in subtree n and around it: between `from`, where the VMA before the subtree ends, and
 * `to`, where the room before the VMA behind it ends. As deep as the tree is high. */
static u64 highest(const struct search *s, struct tree_node *n, u64 from, u64 to)
{
	struct vma *v = vma_of(n);
	u64 at;

	if (v) /* its last VMA may lie in the guard gap of what follows */
		to = max_t(u64, to, v->below.high);
	if (room(max_t(u64, from, s->low), min_t(u64, to, s->top)) < s->size)
		return 0;
	if (!v)
		return min_t(u64, to, s->top) - s->size;
	if (v->below.gap < s->size && room(from, v->below.low) < s->size && room(v->below.high, to) < s->size)
		return 0;
	at = highest(s, n->right, v->end, to);
	return at ? at : highest(s, n->left, from, vma_gap_start(v));
}

u64 vma_find_gap(struct mm *mm, u64 low, u64 top, u64 size)
{
	struct search s = {low, top, size};

	return highest(&s, mm->vmas.root, 0, PLATFORM_USER_END);
}

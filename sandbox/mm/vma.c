/*
 * vma.c - the tree of VMAs of an address space: finding, splitting, merging.
 *
 * Nodes are ordered by start and never overlap. Each also sums up its subtree (vma_sums.c): who changes the
 * range, protection or flags of a VMA in the tree says so with vma_changed().
 */
#include <errno.h>

#include "sandbox/mm/mm_priv.h"

struct vma *vma_of(struct tree_node *n)
{
	return n ? container_of(n, struct vma, node) : NULL;
}

struct vma *vma_find(struct mm *mm, u64 addr)
{
	struct tree_node *n = mm->vmas.root;
	struct vma *best = NULL;

	while (n) {
		struct vma *v = vma_of(n);
		if (v->end > addr) {
			best = v;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct vma *vma_at(struct mm *mm, u64 addr)
{
	struct vma *v = vma_find(mm, addr);

	return v && v->start <= addr ? v : NULL;
}

struct vma *vma_next(struct vma *v)
{
	return vma_of(tree_next(&v->node));
}

struct vma *vma_new(u64 start, u64 end, u32 prot, u32 flags)
{
	struct vma *v = knew(struct vma);

	if (v) {
		v->start = start;
		v->end = end;
		v->prot = prot;
		v->max_prot = 7;
		v->flags = flags;
	}
	return v;
}

void vma_insert(struct mm *mm, struct vma *v)
{
	struct tree_node *parent = NULL, **link = &mm->vmas.root;

	while (*link) {
		parent = *link;
		link = v->start < vma_of(parent)->start ? &parent->left : &parent->right;
	}
	tree_link(&mm->vmas, &v->node, parent, link);
	mm->vma_count++;
	mm->total_pages += (v->end - v->start) >> PAGE_SHIFT;
}

void vma_free(struct vma *v)
{
	if (v->ops)
		v->ops->close(v);
	text_put(v->text);
	host_fd_put(v->backing);
	file_put(v->file);
	kfree(v);
}

void vma_remove(struct mm *mm, struct vma *v)
{
	tree_erase(&mm->vmas, &v->node);
	mm->vma_count--;
	mm->total_pages -= (v->end - v->start) >> PAGE_SHIFT;
	vma_free(v);
}

struct vma *vma_dup(const struct vma *v)
{
	struct vma *n = knew(struct vma);

	if (!n)
		return NULL;
	*n = *v;
	if (n->file)
		file_get(n->file);
	if (n->backing)
		host_fd_get(n->backing);
	text_get(n->text);
	if (n->ops)
		n->ops->open(n);
	return n;
}

/* Cuts v at addr (strictly inside): v keeps the low part. */
static int vma_split(struct mm *mm, struct vma *v, u64 addr)
{
	struct vma *high = vma_dup(v);

	if (!high)
		return -ENOMEM;
	mm->total_pages -= (v->end - v->start) >> PAGE_SHIFT;
	high->start = addr;
	high->offset += addr - v->start;
	v->end = addr;
	mm->total_pages += (v->end - v->start) >> PAGE_SHIFT;
	vma_changed(mm, v);
	vma_insert(mm, high);
	return 0;
}

int vma_isolate(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_at(mm, start);
	int err = 0;

	if (v && v->start < start)
		err = vma_split(mm, v, start);
	v = err ? NULL : vma_at(mm, end);
	if (v && v->start < end)
		err = vma_split(mm, v, end);
	return err;
}

static bool mergeable(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && !a->ops && !b->ops && a->prot == b->prot && a->flags == b->flags &&
	       a->max_prot == b->max_prot && a->file == b->file && a->backing == b->backing &&
	       a->name == b->name && a->policy == b->policy &&
	       ((!a->file && !a->backing) || a->offset + (a->end - a->start) == b->offset);
}

void vma_merge_around(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start ? start - 1 : 0);

	while (v && v->start <= end) {
		struct vma *next = vma_next(v);
		if (next && mergeable(v, next)) {
			u64 new_end = next->end;
			vma_remove(mm, next);
			mm->total_pages += (new_end - v->end) >> PAGE_SHIFT;
			v->end = new_end;
			vma_changed(mm, v);
			continue;
		}
		v = next;
	}
}

bool vma_covers(struct mm *mm, u64 start, u64 end)
{
	for (struct vma *v = vma_find(mm, start); v && v->start <= start; v = vma_next(v)) {
		start = v->end;
		if (start >= end)
			return true;
	}
	return start >= end;
}

bool vma_sealed_in(struct mm *mm, u64 start, u64 end)
{
	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		if (v->flags & VMA_SEALED)
			return true;
	return false;
}

/*
 * tree.c - AVL trees. Heights are kept per node; rebalancing walks from the changed place to the root.
 */
#include "sandbox/base/tree.h"

static int height(const struct tree_node *n)
{
	return n ? n->height : 0;
}

static void update(struct tree *t, struct tree_node *n)
{
	int l = height(n->left), r = height(n->right);

	n->height = 1 + (l > r ? l : r);
	if (t->augment)
		t->augment(n);
}

static void replace_child(struct tree *t, struct tree_node *parent, struct tree_node *old,
			  struct tree_node *new)
{
	if (!parent)
		t->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

static struct tree_node *rotate_left(struct tree *t, struct tree_node *n)
{
	struct tree_node *r = n->right;

	n->right = r->left;
	if (n->right)
		n->right->parent = n;
	replace_child(t, n->parent, n, r);
	r->left = n;
	n->parent = r;
	update(t, n);
	update(t, r);
	return r;
}

static struct tree_node *rotate_right(struct tree *t, struct tree_node *n)
{
	struct tree_node *l = n->left;

	n->left = l->right;
	if (n->left)
		n->left->parent = n;
	replace_child(t, n->parent, n, l);
	l->right = n;
	n->parent = l;
	update(t, n);
	update(t, l);
	return l;
}

static void rebalance_up(struct tree *t, struct tree_node *n)
{
	while (n) {
		int balance = height(n->left) - height(n->right);
		update(t, n);
		if (balance > 1) {
			if (height(n->left->left) < height(n->left->right))
				rotate_left(t, n->left);
			n = rotate_right(t, n);
		} else if (balance < -1) {
			if (height(n->right->right) < height(n->right->left))
				rotate_right(t, n->right);
			n = rotate_left(t, n);
		}
		n = n->parent;
	}
}

void tree_link(struct tree *t, struct tree_node *node, struct tree_node *parent, struct tree_node **link)
{
	node->left = node->right = NULL;
	node->parent = parent;
	node->height = 1;
	*link = node;
	rebalance_up(t, node);
}

void tree_erase(struct tree *t, struct tree_node *node)
{
	struct tree_node *start;

	if (node->left && node->right) {
		struct tree_node *s = node->right; /* the successor takes its place */
		while (s->left)
			s = s->left;
		start = s->parent == node ? s : s->parent;
		if (s->parent != node) {
			replace_child(t, s->parent, s, s->right);
			s->right = node->right;
			s->right->parent = s;
		}
		replace_child(t, node->parent, node, s);
		s->left = node->left;
		s->left->parent = s;
	} else {
		start = node->parent;
		replace_child(t, node->parent, node, node->left ? node->left : node->right);
	}
	rebalance_up(t, start);
}

struct tree_node *tree_first(const struct tree *t)
{
	struct tree_node *n = t->root;

	while (n && n->left)
		n = n->left;
	return n;
}

struct tree_node *tree_last(const struct tree *t)
{
	struct tree_node *n = t->root;

	while (n && n->right)
		n = n->right;
	return n;
}

struct tree_node *tree_next(const struct tree_node *n)
{
	struct tree_node *p;

	if (n->right) {
		for (p = n->right; p->left; p = p->left)
			;
		return p;
	}
	for (p = n->parent; p && p->right == n; p = p->parent)
		n = p;
	return p;
}

struct tree_node *tree_prev(const struct tree_node *n)
{
	struct tree_node *p;

	if (n->left) {
		for (p = n->left; p->right; p = p->right)
			;
		return p;
	}
	for (p = n->parent; p && p->left == n; p = p->parent)
		n = p;
	return p;
}

void tree_touch(struct tree *t, struct tree_node *n)
{
	for (; n; n = n->parent)
		update(t, n);
}

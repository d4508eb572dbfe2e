/*
 * tree.h - an intrusive balanced (AVL) search tree.
 *
 * The caller searches by walking left/right itself, finds the place, and calls tree_link(); the tree
 * rebalances. An optional `augment` is called bottom-up on every node whose subtree changed (for interval or
 * gap maxima).
 */
#ifndef WARREN_BASE_TREE_H
#define WARREN_BASE_TREE_H

#include "sandbox/base/types.h"

struct tree_node {
	struct tree_node *left, *right, *parent;
	int height;
};

struct tree {
	struct tree_node *root;
	void (*augment)(struct tree_node *node); /* may be NULL */
};

/* Links `node` below `parent` at *link (&parent->left, &parent->right or &tree->root) and rebalances. */
void tree_link(struct tree *t, struct tree_node *node, struct tree_node *parent, struct tree_node **link);
void tree_erase(struct tree *t, struct tree_node *node);
struct tree_node *tree_first(const struct tree *t);
struct tree_node *tree_last(const struct tree *t);
struct tree_node *tree_next(const struct tree_node *n);
struct tree_node *tree_prev(const struct tree_node *n);
/* Re-runs augment from `n` to the root, after n's own key changed without moving. */
void tree_touch(struct tree *t, struct tree_node *n);

#endif

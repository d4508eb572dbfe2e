/*
 * test_deep.c - what a guest may nest as deep as it likes ends without using a coroutine's stack up: control
 * groups that were removed from the bottom while the last is still held, keyrings in keyrings.
 */
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/key.h"
#include "tests/unit/vfs/fixture.h"

#define DEPTH 5000 /* a stack has 64 KiB */

static struct cgroup *nest(struct cgroup **top)
{
	struct cgroup *c = kernel()->root_cgroup, *child;

	for (int i = 0; i < DEPTH; i++) {
		ck_assert_int_eq(cgroup_new(c, "a", &child), 0);
		if (i)
			cgroup_put(c);
		else
			*top = child;
		c = child;
	}
	return c;
}

TEST(removed_groups_end_with_the_last_user_of_the_deepest)
{
	struct cgroup *top, *c = nest(&top), *up = c;

	cgroup_get(c);
	while (up->parent) {
		struct cgroup *parent = up->parent;
		ck_assert_int_eq(cgroup_remove(up), 0);
		up = parent;
	}
	ck_assert_int_eq(kernel()->root_cgroup->descendants, 0);
	cgroup_put(c);
	cgroup_put(c);
}

TEST(a_deep_tree_of_groups_is_removed)
{
	struct cgroup *top, *c = nest(&top);

	cgroup_put(c);
	cgroup_remove_tree(top);
	ck_assert_int_eq(kernel()->root_cgroup->descendants, 0);
	ck_assert(list_empty(&kernel()->root_cgroup->children));
}

static struct key *new_ring(void)
{
	struct key *k;

	ck_assert_int_eq(key_new(KEY_KEYRING, "ring", NULL, 0, KEY_ALL << KEY_POSSESSOR, &k), 0);
	return k;
}

TEST(keyrings_in_keyrings_end_with_the_first)
{
	struct key *first = new_ring(), *ring = first, *inner;

	for (int i = 0; i < DEPTH; i++) {
		inner = new_ring();
		ck_assert_int_eq(keyring_link(ring, inner), 0);
		key_put(inner);
		ring = inner;
	}
	ck_assert_ptr_nonnull(key_first());
	key_put(first);
	ck_assert_ptr_null(key_first());
}

Suite *deep_suite(void)
{
	Suite *s = suite_create("deep");
	TCase *tc = tcase_create("deep");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, removed_groups_end_with_the_last_user_of_the_deepest);
	tcase_add_test(tc, a_deep_tree_of_groups_is_removed);
	tcase_add_test(tc, keyrings_in_keyrings_end_with_the_first);
	suite_add_tcase(s, tc);
	return s;
}

/*
 * test_gap.c - the sums in the VMA tree and the search for free room by them, against walks over all VMAs.
 *
 * Random insertions, removals, cuts and changes of range, protection and flags in a small range, so that VMAs
 * are often neighbours, guard gaps overlap what lies below, and room is scarce.
 */
#include <check.h>
#include <stdlib.h>

#include "sandbox/kernel/kernel.h"
#include "sandbox/mm/mm_priv.h"

#define BASE  0x10000000UL
#define PAGES 4000UL

static struct mm *mm;

static void setup(void)
{
	struct kernel *k;

	ck_assert_int_eq(arena_create(0), 0);
	k = knew(struct kernel);
	arena_set_root(k);
	list_init(&k->host_fds);
	mm = knew(struct mm);
	mm->vmas.augment = vma_sum_up;
	srandom(7);
}

static u64 rnd(u64 n)
{
	return (u64)random() % n;
}

/* The same answer from a walk over all of them. */
static u64 naive_gap(u64 low, u64 top, u64 size)
{
	u64 best = 0, from = low;

	for (struct vma *v = vma_find(mm, 0);; v = vma_next(v)) {
		u64 to = v ? min_t(u64, vma_gap_start(v), top) : top;
		if (to > from && to - from >= size)
			best = to - size;
		if (!v)
			return best;
		from = max_t(u64, v->end, low);
	}
}

static void check_sums(void)
{
	u64 data = 0, locked = 0, gap = 0, end = 0;
	struct vma_sums all = {0};

	for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
		if (end && vma_gap_start(v) > end)
			gap = max_t(u64, gap, vma_gap_start(v) - end);
		end = v->end;
		data += vma_is_data(v->prot, v->flags) ? v->end - v->start : 0;
		locked += v->flags & VMA_LOCKED ? v->end - v->start : 0;
	}
	if (mm->vmas.root)
		all = vma_of(mm->vmas.root)->below;
	ck_assert_uint_eq(all.gap, gap);
	ck_assert_uint_eq(all.high, end);
	ck_assert_uint_eq(all.data, data);
	ck_assert_uint_eq(all.locked, locked);
}

/* Somewhere in the free room, or nothing. */
static void add_one(void)
{
	u64 start = BASE + rnd(PAGES) * PAGE_SIZE, end = start + (1 + rnd(8)) * PAGE_SIZE;
	struct vma *next = vma_find(mm, start);
	u32 flags = (rnd(4) ? 0 : VMA_GROWSDOWN) | (rnd(3) ? 0 : VMA_LOCKED);

	if (!next || next->start >= end)
		vma_insert(mm, vma_new(start, end, (u32)rnd(8), flags));
}

static void change(struct vma *v)
{
	struct vma *next = vma_next(v);

	switch (rnd(4)) {
	case 0:
		v->flags ^= VMA_GROWSDOWN;
		break;
	case 1:
		v->flags ^= VMA_LOCKED;
		break;
	case 2:
		v->prot = (u32)rnd(8);
		break;
	case 3:
		if (!next || next->start > v->end)
			v->end += PAGE_SIZE;
		break;
	}
	vma_changed(mm, v);
}

static void random_step(void)
{
	u64 at = BASE + rnd(PAGES) * PAGE_SIZE;
	struct vma *v = vma_find(mm, at);

	if (!v || rnd(5) < 2)
		add_one();
	else if (rnd(3) == 0)
		vma_remove(mm, v);
	else if (rnd(2))
		change(v);
	else if (rnd(2))
		ck_assert_int_eq(vma_isolate(mm, at, at + 3 * PAGE_SIZE), 0);
	else
		vma_merge_around(mm, at, at + 100 * PAGE_SIZE);
}

START_TEST(same_as_a_walk)
{
	for (int i = 0; i < 20000; i++) {
		u64 low = BASE + rnd(PAGES / 2) * PAGE_SIZE;
		u64 top = low + rnd(PAGES) * PAGE_SIZE;
		u64 size = (1 + rnd(rnd(4) ? 12 : 600)) * PAGE_SIZE;

		random_step();
		check_sums();
		ck_assert_uint_eq(vma_find_gap(mm, low, top, size), naive_gap(low, top, size));
		ck_assert_uint_eq(vma_find_gap(mm, MMAP_MIN_ADDR, PLATFORM_USER_END, size),
				  naive_gap(MMAP_MIN_ADDR, PLATFORM_USER_END, size));
	}
}
END_TEST

START_TEST(the_ends_of_the_range)
{
	u64 top = BASE + 10 * PAGE_SIZE;

	ck_assert_uint_eq(vma_find_gap(mm, BASE, top, 10 * PAGE_SIZE), BASE);
	ck_assert_uint_eq(vma_find_gap(mm, BASE, top, 11 * PAGE_SIZE), 0);
	vma_insert(mm, vma_new(top - PAGE_SIZE, top + PAGE_SIZE, 3, 0)); /* crosses the top */
	ck_assert_uint_eq(vma_find_gap(mm, BASE, top, PAGE_SIZE), top - 2 * PAGE_SIZE);
	ck_assert_uint_eq(vma_find_gap(mm, BASE, top, 10 * PAGE_SIZE), 0);
	vma_insert(mm, vma_new(BASE - PAGE_SIZE, BASE + PAGE_SIZE, 3, 0)); /* and the low end */
	ck_assert_uint_eq(vma_find_gap(mm, BASE, top, 8 * PAGE_SIZE), BASE + PAGE_SIZE);
	ck_assert_uint_eq(vma_find_gap(mm, BASE, top, 9 * PAGE_SIZE), 0);
	/* a stack above keeps its guard gap from below the range's top */
	vma_insert(mm, vma_new(top + 200 * PAGE_SIZE, top + 201 * PAGE_SIZE, 3, VMA_GROWSDOWN));
	ck_assert_uint_eq(vma_find_gap(mm, top + PAGE_SIZE, top + 200 * PAGE_SIZE, PAGE_SIZE), 0);
}
END_TEST

/* What used to take a walk over all of them for each new one: 65,000 pages with a hole too small between any
 * two. The search may look at a path or three, so a limit on the whole is generous by a factor of hundreds.
 */
START_TEST(many_small_holes)
{
	for (u64 i = 0; i < 65000; i++)
		vma_insert(mm, vma_new(BASE + 2 * i * PAGE_SIZE, BASE + (2 * i + 1) * PAGE_SIZE, 1, 0));
	for (int i = 0; i < 200000; i++)
		ck_assert_uint_eq(vma_find_gap(mm, BASE, BASE + 130000 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
	ck_assert_uint_eq(vma_find_gap(mm, BASE, BASE + 130000 * PAGE_SIZE, PAGE_SIZE),
			  BASE + 129999 * PAGE_SIZE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gap");
	TCase *t = tcase_create("gap");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, same_as_a_walk);
	tcase_add_test(t, the_ends_of_the_range);
	tcase_add_test(t, many_small_holes);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

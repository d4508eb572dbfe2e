/*
 * test_mm.c - the mmap family over the VMA tree, by random operations against an array with one entry per
 * page, with a platform that only counts. After each operation the tree must say what the array says.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "sandbox/kernel/sysctl.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm_priv.h"
#include "sandbox/mm/usage.h"

#define BASE  0x10000000UL
#define PAGES 256
#define ANON  (LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS)

/* ---- a platform that agrees to everything, or refuses on demand ---- */
static int refuse;
int aspace_new(struct aspace **out, void *owner)
{
	*out = NULL;
	return 0;
}
int aspace_fork(struct aspace *parent, struct aspace **out, void *owner)
{
	*out = NULL;
	return refuse;
}
void aspace_destroy(struct aspace *as)
{
}
void aspace_adopt(struct aspace *as, void *owner)
{
}
void aspace_set_owner(struct aspace *as, void *owner)
{
}
int aspace_map_anon(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int prot, bool noreserve)
{
	return refuse;
}
int aspace_map_fd(struct aspace *as, uaddr_t addr, u64 size, int prot, bool shared, struct host_fd *fd,
		  u64 offset)
{
	return refuse;
}
void aspace_defer_begin(struct aspace *as)
{
}
void aspace_defer_end(struct aspace *as)
{
}
bool aspace_deferred(const struct aspace *as)
{
	return false;
}
u32 aspace_flushes(const struct aspace *as)
{
	return 0;
}
bool aspace_may_defer(const struct aspace *as)
{
	return false;
}
int aspace_unmap(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size)
{
	return refuse;
}
int aspace_protect(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int prot)
{
	return refuse;
}
int aspace_move(struct aspace *as, struct uthread *by, uaddr_t from, u64 old_size, uaddr_t to, u64 new_size)
{
	return refuse;
}
int aspace_advise(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int advice)
{
	return refuse;
}
void aspace_batch_begin(struct aspace *as)
{
}
int aspace_batch_end(struct aspace *as)
{
	return 0;
}
s64 aspace_read(struct aspace *as, void *dst, uaddr_t src, size_t size)
{
	return -EFAULT;
}
u64 uthread_rip(const struct uthread *ut)
{
	return 0;
}
void uthread_move_rip(struct uthread *ut, u64 from, u64 to)
{
}
bool platform_cpu_is_left(void)
{
	return false;
}
bool platform_guests_run(void)
{
	return false;
}
bool capable(int cap)
{
	return false;
}
void memory_committed(struct memory_usage *out)
{
	memset(out, 0, sizeof(*out));
	out->total = 1UL << 40;
}
u64 sysctl(enum sysctl_id id)
{
	return id == SYSCTL_MAX_MAP_COUNT ? 65530 : 0; /* overcommit by guess */
}
u64 task_rlimit(const struct task *t, int resource)
{
	return UINT64_MAX;
}

static struct mm *mm;

static void setup(void)
{
	struct kernel *k;

	ck_assert_int_eq(arena_create(0), 0);
	k = knew(struct kernel);
	arena_set_root(k);
	list_init(&k->host_fds);
	ck_assert_int_eq(mm_new(&mm, NULL), 0);
	refuse = 0;
	srandom(11);
}

/* -1 = unmapped, else the protection */
static void compare(const int *model)
{
	u64 total = 0;
	u32 count = 0;
	struct vma *last = NULL;

	for (int i = 0; i < PAGES; i++) {
		struct vma *v = vma_at(mm, BASE + (u64)i * PAGE_SIZE);
		int prot = v ? (int)v->prot : -1;
		ck_assert_msg(prot == model[i], "page %d: tree %d, model %d", i, prot, model[i]);
		total += v != NULL;
		if (v && v != last)
			count++;
		last = v;
	}
	ck_assert_uint_eq(mm->total_pages, total);
	ck_assert_uint_eq(mm->vma_count, count);
}

static int model[PAGES];

static void random_step(void)
{
	int first = (int)(random() % PAGES), count = 1 + (int)(random() % 20), prot = (int)(random() % 8);
	u64 addr = BASE + (u64)first * PAGE_SIZE, size;
	bool whole = true;

	if (first + count > PAGES)
		count = PAGES - first;
	size = (u64)count * PAGE_SIZE;
	for (int i = first; i < first + count; i++)
		whole &= model[i] >= 0;
	switch (random() % 4) {
	case 0:
		ck_assert_int_eq(mm_mmap(mm, NULL, addr, size, (u32)prot, ANON | LINUX_MAP_FIXED, NULL, 0),
				 (s64)addr);
		for (int i = first; i < first + count; i++)
			model[i] = prot;
		break;
	case 1:
		ck_assert_int_eq(mm_munmap(mm, NULL, addr, size), 0);
		for (int i = first; i < first + count; i++)
			model[i] = -1;
		break;
	case 2:
		ck_assert_int_eq(mm_mprotect(mm, NULL, addr, size, (u32)prot), whole ? 0 : -ENOMEM);
		/* as Linux: what lies before the first hole is changed */
		for (int i = first; i < first + count && model[i] >= 0; i++)
			model[i] = prot;
		break;
	case 3:
		ck_assert_int_eq(
		    mm_mmap(mm, NULL, addr, size, 1, ANON | LINUX_MAP_FIXED_NOREPLACE, NULL, 0) == -EEXIST, ({
			    bool any = false;
			    for (int i = first; i < first + count; i++)
				    any |= model[i] >= 0;
			    if (!any)
				    for (int i = first; i < first + count; i++)
					    model[i] = 1;
			    any;
		    }));
		break;
	}
}

START_TEST(random_operations)
{
	for (int i = 0; i < PAGES; i++)
		model[i] = -1;
	for (int round = 0; round < 5000; round++) {
		random_step();
		compare(model);
	}
}
END_TEST

START_TEST(a_refusal_changes_nothing)
{
	for (int i = 0; i < PAGES; i++)
		model[i] = -1;
	for (int round = 0; round < 200; round++)
		random_step();
	refuse = -ENOMEM;
	ck_assert_int_eq(
	    mm_mmap(mm, NULL, BASE + PAGE_SIZE, 40 * PAGE_SIZE, 7, ANON | LINUX_MAP_FIXED, NULL, 0), -ENOMEM);
	for (int i = 0; i < PAGES; i++) {
		struct vma *v = vma_at(mm, BASE + (u64)i * PAGE_SIZE);
		ck_assert_int_eq(v ? (int)v->prot : -1, model[i]);
	}
}
END_TEST

START_TEST(places_without_address)
{
	u64 last = PLATFORM_USER_END;

	for (int i = 0; i < 100; i++) {
		s64 at = mm_mmap(mm, NULL, 0, 3 * PAGE_SIZE, 3, ANON, NULL, 0);
		ck_assert_int_gt(at, 0);
		ck_assert_uint_lt((u64)at, last); /* top down */
		last = (u64)at;
	}
	ck_assert_uint_eq(mm->vma_count, 1); /* neighbours merge */
	ck_assert_int_eq(mm_munmap(mm, NULL, last + 30 * PAGE_SIZE, 6 * PAGE_SIZE), 0);
	/* the hole is found again */
	ck_assert_int_eq(mm_mmap(mm, NULL, 0, 6 * PAGE_SIZE, 3, ANON, NULL, 0), (s64)(last + 30 * PAGE_SIZE));
	ck_assert_int_eq(mm_mmap(mm, NULL, 0, 1UL << 50, 3, ANON, NULL, 0), -ENOMEM);
}
END_TEST

START_TEST(bad_arguments)
{
	ck_assert_int_eq(mm_mmap(mm, NULL, 0, 0, 3, ANON, NULL, 0), -EINVAL);
	ck_assert_int_eq(mm_mmap(mm, NULL, 0, 4096, 3, LINUX_MAP_ANONYMOUS, NULL, 0), -EINVAL);
	ck_assert_int_eq(mm_mmap(mm, NULL, BASE + 1, 4096, 3, ANON | LINUX_MAP_FIXED, NULL, 0), -EINVAL);
	ck_assert_int_eq(mm_mmap(mm, NULL, 0, 4096, 3, ANON | LINUX_MAP_FIXED, NULL, 0), -EPERM);
	ck_assert_int_eq(mm_mmap(mm, NULL, PLATFORM_USER_END, 4096, 3, ANON | LINUX_MAP_FIXED, NULL, 0),
			 -ENOMEM);
	ck_assert_int_eq(mm_mmap(mm, NULL, 0, 4096, 3, ANON, NULL, 1), -EINVAL);
	ck_assert_int_eq(mm_munmap(mm, NULL, BASE + 1, 4096), -EINVAL);
	ck_assert_int_eq(mm_munmap(mm, NULL, BASE, 0), -EINVAL);
	ck_assert_int_eq(mm_munmap(mm, NULL, ~0xfffUL, 4096), -EINVAL);
	ck_assert_int_eq(mm_munmap(mm, NULL, BASE, 4096), 0); /* nothing there: not an error */
	ck_assert_int_eq(mm_mprotect(mm, NULL, BASE, 4096, 1), -ENOMEM);
	ck_assert_int_eq(mm_mprotect(mm, NULL, BASE, 4096, 16), -EINVAL);
	ck_assert_int_eq(mm_madvise(mm, NULL, BASE, 4096, LINUX_MADV_DONTNEED), -ENOMEM);
	ck_assert_int_eq(mm_madvise(mm, NULL, BASE, 4096, 12345), -EINVAL);
	/* sizes that rounding up would wrap to 0 */
	ck_assert_int_eq(mm_mremap(mm, NULL, BASE, ~0UL, 8192, 1, 0), -EINVAL);
	ck_assert_int_eq(mm_mprotect(mm, NULL, BASE, ~0UL, 1), -ENOMEM);
	ck_assert_int_eq(mm_madvise(mm, NULL, BASE, ~0UL, LINUX_MADV_DONTNEED), -EINVAL);
	ck_assert_int_eq(mm_mremap(mm, NULL, BASE, 4096, 8192, 1, 0), -EFAULT);
	ck_assert_int_eq(mm_mremap(mm, NULL, BASE, 4096, 8192, LINUX_MREMAP_FIXED, BASE), -EINVAL);
}
END_TEST

START_TEST(mremap_forms)
{
	s64 a = mm_mmap(mm, NULL, BASE, 4 * PAGE_SIZE, 3, ANON | LINUX_MAP_FIXED, NULL, 0), b;

	ck_assert_int_eq(mm_mremap(mm, NULL, (u64)a, 4 * PAGE_SIZE, 6 * PAGE_SIZE, 0, 0), a); /* in place */
	ck_assert_uint_eq(vma_at(mm, (u64)a)->end, (u64)a + 6 * PAGE_SIZE);
	ck_assert_int_eq(mm_mremap(mm, NULL, (u64)a, 6 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0), a); /* shrink */
	ck_assert_ptr_null(vma_at(mm, (u64)a + 2 * PAGE_SIZE));
	ck_assert_int_ge(
	    mm_mmap(mm, NULL, BASE + 2 * PAGE_SIZE, PAGE_SIZE, 1, ANON | LINUX_MAP_FIXED, NULL, 0), 0);
	ck_assert_int_eq(mm_mremap(mm, NULL, (u64)a, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0), -ENOMEM);
	b = mm_mremap(mm, NULL, (u64)a, 2 * PAGE_SIZE, 3 * PAGE_SIZE, LINUX_MREMAP_MAYMOVE, 0);
	ck_assert_int_gt(b, 0);
	ck_assert_int_ne(b, a);
	ck_assert_ptr_null(vma_at(mm, (u64)a));
	ck_assert_uint_eq(mm->total_pages, 4);
	ck_assert_int_eq(mm_mremap(mm, NULL, (u64)b, 3 * PAGE_SIZE, 3 * PAGE_SIZE,
				   LINUX_MREMAP_MAYMOVE | LINUX_MREMAP_FIXED, BASE),
			 (s64)BASE);
	ck_assert_uint_eq(mm->total_pages, 3); /* the page that lay in the way is gone */
}
END_TEST

START_TEST(fork_copies_the_tree)
{
	struct mm *child;

	ck_assert_int_ge(mm_mmap(mm, NULL, BASE, 4 * PAGE_SIZE, 3, ANON | LINUX_MAP_FIXED, NULL, 0), 0);
	ck_assert_int_eq(mm_madvise(mm, NULL, BASE + PAGE_SIZE, PAGE_SIZE, LINUX_MADV_DONTFORK), 0);
	ck_assert_int_eq(mm_fork(mm, &child), 0);
	ck_assert_uint_eq(child->total_pages, 3);
	ck_assert_ptr_null(vma_at(child, BASE + PAGE_SIZE));
	ck_assert_ptr_nonnull(vma_at(mm, BASE + PAGE_SIZE));
	mm_put(child);
	refuse = -EAGAIN;
	ck_assert_int_eq(mm_fork(mm, &child), -EAGAIN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mm");
	TCase *t = tcase_create("mm");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, random_operations);
	tcase_add_test(t, a_refusal_changes_nothing);
	tcase_add_test(t, places_without_address);
	tcase_add_test(t, bad_arguments);
	tcase_add_test(t, mremap_forms);
	tcase_add_test(t, fork_copies_the_tree);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

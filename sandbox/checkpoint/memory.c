/*
 * memory.c - address spaces in an image.
 *
 * What is mapped where is in the VMAs, which lie in the arena. Of the contents an image holds the pages that
 * are the process's own: those of private mappings that the host's page map calls anonymous. Pages of files
 * and shared memory come with their object. Zero pages of anonymous memory are left out.
 *
 * The pages are read and written through process_vm_*, which obeys the protection of the range; so a range
 * without PROT_READ is opened for the time of saving, and one without PROT_WRITE is closed after loading.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/abi/mman.h"
#include "sandbox/checkpoint/checkpoint_priv.h"
#include "sandbox/mm/mm.h"

#define BATCH         512 /* pages looked at and moved at once */
#define PAGE_PRESENT  (1UL << 63)
#define PAGE_SWAPPED  (1UL << 62)
#define PAGE_OF_FILE  (1UL << 61) /* or of shared memory */
#define PAGE_IS_GUARD (1UL << 58)
#define GUARD_INSTALL 102

struct batch {
	u64 map[BATCH];
	char pages[BATCH * PAGE_SIZE];
};

static bool is_private(const struct vma *v)
{
	return !(v->flags & VMA_SHARED) && v->start < PLATFORM_USER_END;
}

/* ---- saving ---- */

static int open_unreadable(struct aspace *as, bool open)
{
	struct mm *mm = aspace_owner(as);
	int err = 0;

	aspace_batch_begin(as);
	for (struct vma *v = vma_find(mm, 0); v && !err; v = vma_next(v))
		if (is_private(v) && !(v->prot & LINUX_PROT_READ))
			err = aspace_protect(as, NULL, uaddr(v->start), v->end - v->start,
					     open ? PROT_READ : (int)v->prot);
	return aspace_batch_end(as) ?: err;
}

int memory_prepare(struct checkpoint *c)
{
	for (struct aspace *as = platform_next_aspace(NULL); as; as = platform_next_aspace(as)) {
		struct aspace_pages *p = knew(struct aspace_pages);
		int err = p ? open_unreadable(as, true) : -ENOMEM;

		if (!p)
			return err;
		p->as = as;
		list_add_tail(&p->node, &c->spaces);
		if (!err)
			err = aspace_account_open(as, ACCOUNT_PAGEMAP, &p->pagemap);
		if (err && err != -ESRCH) /* a stub that has died has no memory any more */
			return err;
	}
	return 0;
}

void memory_release(struct checkpoint *c, bool thaw)
{
	struct aspace_pages *p, *next;

	list_for_each_entry_safe (p, next, &c->spaces, node) {
		if (thaw && open_unreadable(p->as, false))
			klog(LOG_WARN, "the protection of a range could not be given back");
		host_fd_put(p->pagemap);
		list_del_init(&p->node);
		kfree(p);
	}
}

/* Does the image need this page? */
static bool is_own(u64 entry)
{
	return (entry & (PAGE_PRESENT | PAGE_SWAPPED)) && !(entry & (PAGE_OF_FILE | PAGE_IS_GUARD));
}

/* Pages [first, end) of the batch, which begins at `base`, are the process's own: reads and adds them. */
static int save_pages(struct aspace_pages *p, const struct vma *v, u64 base, u32 first, u32 end,
		      struct batch *b, struct image_writer *w)
{
	u32 id = aspace_number(p->as), start;
	u64 at = base + first * PAGE_SIZE, size = (end - first) * PAGE_SIZE;

	if (aspace_read(p->as, b->pages, uaddr(at), size) != (s64)size)
		return -EFAULT;
	for (u32 i = 0; i < end - first; i++) {
		for (start = i; i < end - first; i++)
			if (!v->backing && page_is_zero(b->pages + i * PAGE_SIZE))
				break;
		if (i > start)
			image_put(w, IMAGE_GUEST, id, at + start * PAGE_SIZE, b->pages + start * PAGE_SIZE,
				  i - start);
	}
	return 0;
}

static int save_batch(struct aspace_pages *p, const struct vma *v, u64 base, u32 count, struct batch *b,
		      struct image_writer *w)
{
	int err = 0;

	if (pread(p->pagemap->fd, b->map, count * sizeof(u64), (off_t)(base / PAGE_SIZE * sizeof(u64))) !=
	    (ssize_t)(count * sizeof(u64)))
		return -EIO;
	for (u32 i = 0; i < count && !err; i++) {
		u32 start = i;
		while (i < count && is_own(b->map[i]))
			i++;
		if (i > start)
			err = save_pages(p, v, base, start, i, b, w);
		if (i < count && (b->map[i] & PAGE_IS_GUARD))
			image_note(w, IMAGE_GUARD, aspace_number(p->as), base + i * PAGE_SIZE, 1);
	}
	return err;
}

static int save_space(struct aspace_pages *p, struct batch *b, struct image_writer *w)
{
	struct mm *mm = aspace_owner(p->as);

	for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
		if (!is_private(v))
			continue;
		for (u64 at = v->start; at < v->end; at += BATCH * PAGE_SIZE) {
			u32 count = (u32)min_t(u64, BATCH, (v->end - at) / PAGE_SIZE);
			int err = save_batch(p, v, at, count, b, w);
			if (err)
				return err;
		}
	}
	return 0;
}

static struct batch *batch_new(void)
{
	void *b =
	    mmap(NULL, sizeof(struct batch), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return b == MAP_FAILED ? NULL : b;
}

int memory_save(struct checkpoint *c, struct image_writer *w)
{
	struct batch *b = batch_new();
	struct aspace_pages *p;
	int err = b ? 0 : -ENOMEM;

	list_for_each_entry (p, &c->spaces, node)
		if (!err && p->pagemap)
			err = save_space(p, b, w);
	if (b)
		munmap(b, sizeof(*b));
	return err;
}

/* ---- loading ---- */

/* A private range that pages are written to is writable first. */
static int first_prot(const struct vma *v)
{
	return is_private(v) ? PROT_READ | PROT_WRITE : (int)v->prot;
}

static int map_all(struct mm *mm)
{
	int err = 0;

	aspace_batch_begin(mm->as);
	for (struct vma *v = vma_find(mm, 0); v && !err; v = vma_next(v)) {
		u64 size = v->end - v->start;
		if (v->start >= PLATFORM_USER_END)
			continue;
		if (v->backing)
			err = aspace_map_fd(mm->as, uaddr(v->start), size, first_prot(v),
					    v->flags & VMA_SHARED, v->backing, v->offset + v->host_delta);
		else
			err = aspace_map_anon(mm->as, NULL, uaddr(v->start), size, first_prot(v), true);
	}
	return aspace_batch_end(mm->as) ?: err;
}

static int protect_all(struct mm *mm)
{
	int err = 0;

	aspace_batch_begin(mm->as);
	for (struct vma *v = vma_find(mm, 0); v && !err; v = vma_next(v))
		if (v->start < PLATFORM_USER_END && first_prot(v) != (int)v->prot)
			err = aspace_protect(mm->as, NULL, uaddr(v->start), v->end - v->start, (int)v->prot);
	return aspace_batch_end(mm->as) ?: err;
}

static int load_run(struct image *im, const struct image_run *r, u64 offset, struct aspace *as,
		    struct batch *b)
{
	for (u64 done = 0; done < r->page_count * PAGE_SIZE;) {
		u64 n = min_t(u64, sizeof(b->pages), r->page_count * PAGE_SIZE - done);
		int err = image_read(im, offset + done, b->pages, n);
		if (err)
			return err;
		if (aspace_write(as, uaddr(r->address + done), b->pages, n) != (s64)n)
			return -EFAULT;
		done += n;
	}
	return 0;
}

static int load_contents(struct image *im, struct aspace *as, struct batch *b)
{
	u64 offset = 0;
	int err = 0;

	for (u32 i = 0; i < im->header->run_count && !err; i++) {
		const struct image_run *r = &im->runs[i];
		if (r->id == aspace_number(as) && r->kind == IMAGE_GUEST)
			err = load_run(im, r, offset, as, b);
		if (r->id == aspace_number(as) && r->kind == IMAGE_GUARD)
			err = aspace_advise(as, NULL, uaddr(r->address), r->page_count * PAGE_SIZE,
					    GUARD_INSTALL);
		if (image_run_has_pages(r))
			offset += r->page_count * PAGE_SIZE;
	}
	return err;
}

int memory_load(struct checkpoint *c)
{
	struct batch *b = batch_new();
	int err = b ? 0 : -ENOMEM;

	for (struct aspace *as = platform_next_aspace(NULL); as && !err; as = platform_next_aspace(as)) {
		struct mm *mm = aspace_owner(as);
		err = aspace_respawn(as);
		if (!err)
			err = map_all(mm);
		if (!err)
			err = load_contents(&c->image, as, b);
		if (!err)
			err = protect_all(mm);
		if (!err)
			aspace_respawn_done(as);
		if (err == -ESRCH) /* its stub was dead, or died: as any stub's death */
			err = 0;
	}
	if (b)
		munmap(b, sizeof(*b));
	return err;
}

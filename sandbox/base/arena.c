/*
 * arena.c - the arena's allocator: a buddy system over pages, slabs of size classes on top.
 *
 * Layout: header, then one descriptor per page, then the pages. All of it lies in one reserved mapping, so a
 * copy of the touched pages is a copy of the allocator too. Small objects carry a 16-byte head with their
 * type's name; for runs of pages it is in the descriptor of the first page. Blocks of 64 KiB and more are
 * given back to the host when they become free.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "sandbox/base/arena_priv.h"
#include "sandbox/base/log.h"
#include "sandbox/base/shadow.h"

struct arena *g_arena;

#define PAGE_COUNT      (ARENA_SIZE / PAGE_SIZE)
#define SLAB_ORDER      2
#define GIVE_BACK_ORDER 4
#define NONE            UINT32_MAX
#define ARENA_STEP      (2UL << 20)
#define HEAD_MAGIC      0x57a2
#define HEAD_FREED      0xdead

static const u16 class_size[] = {32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048};
static_assert(ARRAY_COUNT(class_size) == ARENA_CLASSES, "one list per class");

enum page_state { PAGE_UNUSED, PAGE_FREE, PAGE_INNER, PAGE_RUN, PAGE_SLAB };

struct page_desc {
	u8 state, order, class, pad;
	u32 next,
	    prev;   /* free list or list of slabs with room; for PAGE_INNER, next = first page of its block */
	u32 in_use; /* objects of a slab; pages asked for of a run */
	union {
		void *free; /* slab: list of free objects */
		const char *type;
	};
};

#define TABLE_SIZE PAGE_UP(PAGE_COUNT * sizeof(struct page_desc))

struct object_head {
	const char *type;
	u32 size;
	u16 magic, class;
};
static_assert(sizeof(struct object_head) == 16, "objects are 16-byte aligned");

static struct page_desc *desc(u32 page)
{
	return &g_arena->pages[page];
}

static char *page_addr(u32 page)
{
	return g_arena->base + (u64)page * PAGE_SIZE;
}

static u32 page_of(const void *p)
{
	return (u32)(((const char *)p - g_arena->base) >> PAGE_SHIFT);
}

/* ---- lists of pages ---- */

static void page_list_add(u32 *head, u32 page)
{
	desc(page)->next = *head;
	desc(page)->prev = NONE;
	if (*head != NONE)
		desc(*head)->prev = page;
	*head = page;
}

static void page_list_del(u32 *head, u32 page)
{
	struct page_desc *d = desc(page);

	if (d->prev == NONE)
		*head = d->next;
	else
		desc(d->prev)->next = d->next;
	if (d->next != NONE)
		desc(d->next)->prev = d->prev;
}

/* ---- buddies ---- */

static void block_make_free(u32 page, unsigned order)
{
	desc(page)->state = PAGE_FREE;
	desc(page)->order = (u8)order;
	page_list_add(&g_arena->free_blocks[order], page);
}

static u32 block_split(u32 page, unsigned have, unsigned want)
{
	while (have > want) {
		have--;
		block_make_free(page + (1U << have), have);
	}
	return page;
}

/* A block of 2^order pages, or NONE. */
static u32 block_alloc(unsigned order)
{
	struct arena *a = g_arena;
	u32 page, start;

	if (a->used + (PAGE_SIZE << order) > a->limit)
		return NONE;
	for (unsigned o = order; o <= ARENA_MAX_ORDER; o++) {
		page = a->free_blocks[o];
		if (page == NONE)
			continue;
		page_list_del(&a->free_blocks[o], page);
		page = block_split(page, o, order);
		goto found;
	}
	/* fresh pages from the top, aligned; what alignment skips becomes free blocks */
	start = a->top;
	page = (start + (1U << order) - 1) & ~((1U << order) - 1);
	if ((u64)page + (1UL << order) > PAGE_COUNT)
		return NONE;
	while (start < page) {
		unsigned o = (unsigned)__builtin_ctz(start);
		block_make_free(start, o);
		start += 1U << o;
	}
	a->top = page + (1U << order);
found:
	desc(page)->order = (u8)order;
	a->used += PAGE_SIZE << order;
	return page;
}

static void block_free(u32 page, unsigned order)
{
	struct arena *a = g_arena;

	a->used -= PAGE_SIZE << order;
	if (order >= GIVE_BACK_ORDER)
		madvise(page_addr(page), PAGE_SIZE << order, MADV_DONTNEED);
	for (; order < ARENA_MAX_ORDER; order++) {
		u32 buddy = page ^ (1U << order);
		if ((u64)buddy + (1U << order) > a->top || desc(buddy)->state != PAGE_FREE ||
		    desc(buddy)->order != order)
			break;
		page_list_del(&a->free_blocks[order], buddy);
		desc(buddy)->state = PAGE_UNUSED;
		desc(page)->state = PAGE_UNUSED;
		if (buddy < page)
			page = buddy;
	}
	block_make_free(page, order);
}

/* ---- slabs ---- */

static bool slab_new(unsigned class)
{
	u32 page = block_alloc(SLAB_ORDER), size = class_size[class];
	struct page_desc *d;

	if (page == NONE)
		return false;
	d = desc(page);
	d->state = PAGE_SLAB;
	d->class = (u8) class;
	d->in_use = 0;
	d->free = NULL;
	for (u32 i = 1; i < 1U << SLAB_ORDER; i++) {
		desc(page + i)->state = PAGE_INNER;
		desc(page + i)->next = page;
	}
	for (u32 off = 0; off + size <= PAGE_SIZE << SLAB_ORDER; off += size) {
		struct object_head *h = (struct object_head *)(void *)(page_addr(page) + off);
		h->type = d->free;
		h->magic = HEAD_FREED;
		d->free = h;
	}
	page_list_add(&g_arena->slabs[class], page);
	return true;
}

static void *slab_alloc(unsigned class, size_t size, const char *type)
{
	u32 page = g_arena->slabs[class];
	struct page_desc *d;
	struct object_head *h;

	if (page == NONE) {
		if (!slab_new(class))
			return NULL;
		page = g_arena->slabs[class];
	}
	d = desc(page);
	h = d->free;
	d->free = (void *)(uintptr_t)h->type;
	d->in_use++;
	if (!d->free)
		page_list_del(&g_arena->slabs[class], page);
	*h = (struct object_head){.type = type, .size = (u32)size, .magic = HEAD_MAGIC, .class = (u16) class};
	return h + 1;
}

static void slab_free(u32 page, struct object_head *h)
{
	struct page_desc *d = desc(page);
	u32 *list = &g_arena->slabs[d->class];

	if (h->magic != HEAD_MAGIC)
		panic("kfree(%p): freed twice or overwritten", (void *)(h + 1));
	if (!d->free)
		page_list_add(list, page);
	h->magic = HEAD_FREED;
	h->type = d->free;
	d->free = h;
	if (--d->in_use == 0 && (d->next != NONE || d->prev != NONE)) { /* keep one slab per class */
		page_list_del(list, page);
		for (u32 i = 1; i < 1U << SLAB_ORDER; i++)
			desc(page + i)->state = PAGE_UNUSED;
		block_free(page, SLAB_ORDER);
	}
}

/* ---- runs of pages ---- */

static unsigned order_for(size_t size)
{
	u64 pages = PAGE_UP(size ? size : 1) >> PAGE_SHIFT;
	unsigned order = 0;

	while ((1UL << order) < pages)
		order++;
	return order;
}

static void *run_alloc(size_t size, const char *type)
{
	unsigned order;
	u32 page;

	if (size > ARENA_SIZE / 2)
		return NULL;
	order = order_for(size);
	page = block_alloc(order);
	if (page == NONE)
		return NULL;
	desc(page)->state = PAGE_RUN;
	desc(page)->in_use = (u32)(PAGE_UP(size) >> PAGE_SHIFT);
	desc(page)->type = type;
	return page_addr(page);
}

/* ---- the public side ---- */

int arena_create(u64 limit_bytes)
{
	struct arena *a;
	u64 random = 0;
	int err;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	/* recorded, so that a restore can use the same addresses */
	err = arena_attach(ARENA_LOW + random % ((ARENA_HIGH - ARENA_LOW) / ARENA_STEP) * ARENA_STEP);
	if (err)
		return err;
	a = g_arena;
	a->pages = (struct page_desc *)(void *)((char *)a + PAGE_SIZE);
	a->base = (char *)a + PAGE_SIZE + TABLE_SIZE;
	a->limit = limit_bytes ? limit_bytes : ARENA_SIZE;
	a->log_fd = 2;
	a->top = 1; /* page 0 stays unused: alignment skipping counts trailing zeros */
	for (unsigned i = 0; i <= ARENA_MAX_ORDER; i++)
		a->free_blocks[i] = NONE;
	for (unsigned i = 0; i < ARENA_CLASSES; i++)
		a->slabs[i] = NONE;
	return 0;
}

u64 arena_address(void)
{
	return (u64)(uintptr_t)g_arena;
}

u64 arena_extent(void)
{
	return PAGE_SIZE + TABLE_SIZE + ARENA_SIZE;
}

int arena_attach(u64 address)
{
	struct arena *a = mmap((void *)address, arena_extent(), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (a == MAP_FAILED)
		return -errno;
	g_arena = a;
	return shadow_create((char *)a + PAGE_SIZE + TABLE_SIZE, ARENA_SIZE);
}

bool arena_valid(void)
{
	const struct arena *a = g_arena;

	return a->pages == (const struct page_desc *)(const void *)((const char *)a + PAGE_SIZE) &&
	       a->base == (const char *)a + PAGE_SIZE + TABLE_SIZE && a->top <= PAGE_COUNT &&
	       arena_contains(a->root, 1);
}

int arena_ranges(int (*fn)(void *start, u64 size, void *arg), void *arg)
{
	struct arena *a = g_arena;
	int err = fn(a, PAGE_SIZE, arg);

	if (!err)
		err = fn(a->pages, PAGE_UP(a->top * sizeof(struct page_desc)), arg);
	for (u32 page = 1; page < a->top && !err; page++) {
		struct page_desc *d = desc(page);
		u64 count = 1UL << d->order;

		if (d->state != PAGE_RUN && d->state != PAGE_SLAB && d->state != PAGE_FREE)
			continue;
		if (d->state != PAGE_FREE)
			err = fn(page_addr(page), count * PAGE_SIZE, arg);
		page += (u32)count - 1;
	}
	return err;
}

void arena_set_root(void *root)
{
	g_arena->root = root;
}

bool arena_contains(const void *p, size_t size)
{
	const char *c = p;

	return c >= g_arena->base && size <= ARENA_SIZE && c <= g_arena->base + ARENA_SIZE - size;
}

u64 arena_used(void)
{
	return g_arena->used;
}

static void *allocate(size_t size, const char *type)
{
	if (size <= class_size[ARENA_CLASSES - 1] - sizeof(struct object_head))
		for (unsigned c = 0;; c++)
			if (size + sizeof(struct object_head) <= class_size[c])
				return slab_alloc(c, size, type);
	return run_alloc(size, type);
}

void *kmalloc_typed(size_t size, const char *type)
{
	void *p = allocate(size, type);

	if (p)
		shadow_used(p, ksize(p));
	return p;
}

void *kzalloc_typed(size_t size, const char *type)
{
	void *p = kmalloc_typed(size, type);

	if (p)
		memset(p, 0, size);
	return p;
}

static u32 block_of(const void *p)
{
	u32 page;

	if (!arena_contains(p, 1))
		panic("%p is not in the arena", p);
	page = page_of(p);
	return desc(page)->state == PAGE_INNER ? desc(page)->next : page;
}

void kfree(void *p)
{
	u32 page;

	if (!p)
		return;
	page = block_of(p);
	if (SHADOW) {
		if (desc(page)->state == PAGE_SLAB)
			((struct object_head *)p - 1)->type = "freed";
		else
			desc(page)->type = "freed";
		p = shadow_freed(p, ksize(p));
		if (!p)
			return;
		page = block_of(p);
	}
	if (desc(page)->state == PAGE_SLAB) {
		slab_free(page, (struct object_head *)p - 1);
	} else if (desc(page)->state == PAGE_RUN && p == page_addr(page)) {
		desc(page)->state = PAGE_UNUSED;
		block_free(page, desc(page)->order);
	} else {
		panic("kfree(%p): not an allocation", p);
	}
}

size_t ksize(const void *p)
{
	u32 page = block_of(p);

	if (desc(page)->state == PAGE_SLAB)
		return class_size[desc(page)->class] - sizeof(struct object_head);
	return PAGE_SIZE << desc(page)->order;
}

void *krealloc(void *p, size_t size)
{
	const char *type;
	void *n;
	u32 page;

	if (!p)
		return kmalloc_typed(size, "krealloc");
	if (size <= ksize(p))
		return p;
	page = block_of(p);
	type = desc(page)->state == PAGE_SLAB ? ((struct object_head *)p - 1)->type : desc(page)->type;
	n = kmalloc_typed(size, type);
	if (!n)
		return NULL;
	memcpy(n, p, ksize(p));
	kfree(p);
	return n;
}

char *kstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *d = kmalloc_typed(len + 1, "string");

	if (!d)
		return NULL;
	memcpy(d, s, len);
	d[len] = 0;
	return d;
}

char *kstrdup(const char *s)
{
	return kstrndup(s, PTRDIFF_MAX);
}

char *kasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = n < 0 ? NULL : kmalloc_typed((size_t)n + 1, "string");
	if (!s)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

/* ---- inspection ---- */

void arena_walk(void (*fn)(void *p, size_t size, const char *type, void *arg), void *arg)
{
	for (u32 page = 1; page < g_arena->top; page++) {
		struct page_desc *d = desc(page);
		if (d->state == PAGE_RUN) {
			fn(page_addr(page), (size_t)d->in_use * PAGE_SIZE, d->type, arg);
			page += (1U << d->order) - 1;
		} else if (d->state == PAGE_SLAB) {
			u32 size = class_size[d->class];
			for (u32 off = 0; off + size <= PAGE_SIZE << SLAB_ORDER; off += size) {
				struct object_head *h = (struct object_head *)(void *)(page_addr(page) + off);
				if (h->magic == HEAD_MAGIC)
					fn(h + 1, h->size, h->type, arg);
			}
			page += (1U << SLAB_ORDER) - 1;
		} else if (d->state == PAGE_FREE) {
			page += (1U << d->order) - 1;
		}
	}
}

#define WALK_TYPES 512
struct type_sums {
	struct {
		const char *type;
		u64 count, bytes;
	} t[WALK_TYPES];
	unsigned n;
};

static void sum_type(void *p, size_t size, const char *type, void *arg)
{
	struct type_sums *s = arg;
	unsigned i;

	for (i = 0; i < s->n && strcmp(s->t[i].type, type); i++)
		;
	if (i == WALK_TYPES)
		return;
	if (i == s->n) {
		s->n++;
		s->t[i].type = type;
	}
	s->t[i].count++;
	s->t[i].bytes += size;
}

void arena_walk_types(void (*fn)(const char *type, u64 count, u64 bytes, void *arg), void *arg)
{
	struct type_sums *s = kzalloc_typed(sizeof(*s), "struct type_sums");

	if (!s)
		return;
	arena_walk(sum_type, s);
	for (unsigned i = 0; i < s->n; i++)
		fn(s->t[i].type, s->t[i].count, s->t[i].bytes, arg);
	kfree(s);
}

/*
 * callsite.c - lazy patching of system-call sites, once per file and sandbox.
 *
 * A trap through SIGSYS costs some 1.5 µs, a jump to the stub a few ns. Text that makes many calls is
 * therefore replaced by a copy in which the hot sites are jumps (platform/trampoline.h). The copy, a memfd
 * with the text and its trampolines, belongs to the inode: every process that maps this text again maps the
 * copy, so what one short-lived process has found out serves all later ones, and a site patched in it is
 * patched in all of them at once.
 *
 * Only text is touched that a file backs, privately, readable and executable but never writable in this mm
 * (no JIT, no self-modifying code), and only at sites that have trapped. The patch is one aligned store of
 * eight bytes, which other CPUs see whole or not at all. A site that crosses such a word, or that a thread
 * could be in the middle of (SITE_CMP), is patched only while no guest thread runs. Guests that read their
 * text see the jumps, and a range "[trampoline]" in /proc/PID/maps.
 *
 * Survives a checkpoint: everything; the copy is a memfd like a shared memory object.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/abi/mman.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/callsite.h"
#include "sandbox/mm/mm_priv.h"

#define HOT           4 /* traps at a site, of all processes, before it is patched */
#define HOT_HERE      2 /* traps at a patched site before this process is given the copy */
#define REFUSED       0xffffffffU
#define TEXT_MAX      (16UL << 20)
#define COPIES_MAX    (64UL << 20) /* of all files: they are memory that no guest process is charged with */
#define TRAMPOLINES   0x4000UL
#define SITE_MAX      (TRAMPOLINES / TRAMPOLINE_SIZE - 1)
#define SITE_TABLE    1024 /* hash table of a file's sites, a power of two */
#define TRIES_UNQUIET 64
#define SEARCH_REACH  (1UL << 30)

enum site_state { SITE_FREE, SITE_COUNTING, SITE_PATCHED, SITE_REFUSED };

struct site {
	u32 offset; /* of the syscall instruction in the text */
	u8 state, shape;
	u16 hits;
	u32 trampoline; /* its number, from 1 */
};

/* What is known of a file's text. Counted: by the inode, and by each VMA that maps the copy. */
struct text {
	struct object obj;
	u64 offset, size; /* the range of the file that is mapped executable */
	struct {
		u64 size;
		s64 mtime_ns, ctime_ns;
	} version;
	struct host_fd *copy; /* text, then trampolines; NULL: nothing is patched yet */
	struct host_fd *original;
	u64 original_offset; /* of the text in `original` */
	s64 distance;        /* from the text to its trampolines */
	u32 trampoline_count, site_count;
	bool has_cmp; /* SITE_CMP patches */
	struct site site[SITE_TABLE];
};

/* ---- what is known of a file ---- */

static void text_release(struct object *obj)
{
	struct text *x = container_of(obj, struct text, obj);

	if (x->copy)
		kernel()->text_copies -= x->size;
	host_fd_put(x->copy);
	host_fd_put(x->original);
	kfree(x);
}

struct text *text_get(struct text *x)
{
	if (x)
		object_get(&x->obj);
	return x;
}

void text_put(struct text *x)
{
	if (x)
		object_put(&x->obj);
}

void callsite_forget(struct inode *inode)
{
	text_put(inode->text);
	inode->text = NULL;
}

static bool same_version(const struct text *x, const struct inode *inode)
{
	return x->version.size == inode->attr.size && x->version.mtime_ns == inode->attr.mtime_ns &&
	       x->version.ctime_ns == inode->attr.ctime_ns;
}

static bool is_text(const struct vma *v)
{
	return v->file && v->file->inode && v->backing &&
	       !(v->flags & (VMA_SHARED | VMA_WRITTEN | VMA_TRAMPOLINE)) &&
	       v->prot == (LINUX_PROT_READ | LINUX_PROT_EXEC);
}

/* The record of v's file, made at its first call. NULL: v is not the whole text of its file as that is now.
 * Never founded on a mapping of a copy: what is patched there would be taken for the file's own bytes. */
static struct text *text_of(struct vma *v)
{
	struct inode *inode = v->file->inode;
	struct text *x = inode->text;
	u64 size = v->end - v->start;

	if (v->text)
		return v->text == x && same_version(x, inode) ? x : NULL;
	if (x && (!same_version(x, inode) || inode->attr.nlink == 0)) {
		callsite_forget(inode);
		x = NULL;
	}
	if (!x && size <= TEXT_MAX && v->offset + size <= PAGE_UP(inode->attr.size) && inode->attr.nlink) {
		x = knew(struct text);
		if (!x)
			return NULL;
		object_init(&x->obj, text_release);
		x->offset = v->offset;
		x->size = size;
		x->version.size = inode->attr.size;
		x->version.mtime_ns = inode->attr.mtime_ns;
		x->version.ctime_ns = inode->attr.ctime_ns;
		x->original = host_fd_get(v->backing);
		x->original_offset = v->offset + v->host_delta;
		inode->text = x;
	}
	return x && x->offset == v->offset && x->size == size ? x : NULL;
}

static struct site *site_of(struct text *x, u32 offset, bool make)
{
	u32 i = (offset * 2654435761U) >> 22;

	for (u32 n = 0; n < SITE_TABLE; n++, i = (i + 1) % SITE_TABLE) {
		struct site *s = &x->site[i];
		if (s->state != SITE_FREE && s->offset == offset)
			return s;
		if (s->state != SITE_FREE)
			continue;
		if (!make || x->site_count > SITE_TABLE / 2)
			return NULL;
		x->site_count++;
		*s = (struct site){.offset = offset, .state = SITE_COUNTING};
		return s;
	}
	return NULL;
}

/* ---- the copy ---- */

/* Room for trampolines near the text: below the lowest mapping of the same file. 0: none. */
static u64 trampoline_place(struct mm *mm, struct vma *v)
{
	struct vma *low = v, *prev;
	u64 at;

	while ((prev = vma_of(tree_prev(&low->node))) && prev->file && prev->file->inode == v->file->inode)
		low = prev;
	at = low->start - CALLSITE_ROOM;
	if (low->start <= MMAP_MIN_ADDR + CALLSITE_ROOM)
		return 0;
	if (vma_find(mm, at)->start < at + TRAMPOLINES)
		return 0;
	return v->end - at < SEARCH_REACH ? at : 0;
}

static int copy_make(struct mm *mm, struct vma *v, struct text *x)
{
	u64 place = trampoline_place(mm, v), entry = trampoline_entry_value();
	struct host_fd *h;
	char *map;
	int err;

	if (!place || kernel()->text_copies + x->size > COPIES_MAX)
		return -ENOMEM;
	err = shm_create_own("text", x->size + TRAMPOLINES, &h);
	if (err)
		return err;
	map = mmap(NULL, x->size + TRAMPOLINES, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);
	if (map == MAP_FAILED) {
		host_fd_put(h);
		return -ENOMEM;
	}
	for (u64 done = 0; done < x->size && !err;) {
		ssize_t n =
		    pread(x->original->fd, map + done, x->size - done, (off_t)(x->original_offset + done));
		if (n <= 0)
			err = n < 0 ? -errno : 0;
		if (n <= 0)
			break; /* the last page ends with zeros, as in a mapping of the file */
		done += (u64)n;
	}
	memcpy(map + x->size + TRAMPOLINE_ENTRY, &entry, sizeof(entry));
	munmap(map, x->size + TRAMPOLINES);
	if (err) {
		host_fd_put(h);
		return err;
	}
	x->copy = h;
	kernel()->text_copies += x->size;
	x->distance = (s64)(place - v->start);
	return 0;
}

static struct vma *trampoline_vma(struct text *x, u64 text_start)
{
	u64 at = text_start + (u64)x->distance;
	struct vma *t = vma_new(at, at + TRAMPOLINES, LINUX_PROT_READ | LINUX_PROT_EXEC, VMA_TRAMPOLINE);

	if (t) {
		t->text = text_get(x);
		t->backing = host_fd_get(x->copy);
		t->offset = x->size;
		t->name = "[trampoline]";
		t->max_prot = LINUX_PROT_READ | LINUX_PROT_EXEC;
	}
	return t;
}

static bool room_for_trampolines(struct mm *mm, const struct text *x, u64 text_start)
{
	u64 at = text_start + (u64)x->distance;
	struct vma *v;

	if (at < MMAP_MIN_ADDR || at > PLATFORM_USER_END - TRAMPOLINES)
		return false;
	v = vma_find(mm, at);
	return !v || v->start >= at + TRAMPOLINES;
}

static void set_backing(struct vma *v, struct host_fd *backing, u64 offset, struct text *x)
{
	struct host_fd *old = v->backing;
	struct text *old_text = v->text;

	v->backing = host_fd_get(backing);
	v->host_delta = offset - v->offset;
	v->text = text_get(x);
	host_fd_put(old);
	text_put(old_text);
}

void callsite_map(struct mm *mm, struct vma *v, struct vma **trampolines)
{
	struct text *x;

	*trampolines = NULL;
	if (mm->callsites_off || !is_text(v) || !v->file->inode->text)
		return;
	x = text_of(v);
	if (!x || !x->copy || !room_for_trampolines(mm, x, v->start))
		return;
	*trampolines = trampoline_vma(x, v->start);
	if (*trampolines)
		set_backing(v, x->copy, 0, x);
}

/* A thread that stands behind a syscall instruction which is a part of a jump now goes on in its trampoline.
 */
static void move_into_trampoline(struct task *t)
{
	u64 rip = t->ut ? uthread_rip(t->ut) : 0;

	if (t->ut)
		uthread_move_rip(t->ut, rip, callsite_resume(t->mm, rip));
}

static void move_into_trampolines(const struct mm *mm)
{
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (t->mm == mm)
			move_into_trampoline(t);
}

static bool runs_text(struct mm *mm, const struct text *x)
{
	struct tree_node *n = mm ? tree_first(&mm->vmas) : NULL;

	while (n && (vma_of(n)->text != x || (vma_of(n)->flags & VMA_TRAMPOLINE)))
		n = tree_next(n);
	return n;
}

static void move_all_into_trampolines(const struct text *x)
{
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (runs_text(t->mm, x))
			move_into_trampoline(t);
}

/* Gives a running process the copy. With SITE_CMP patches in it no other thread may be running in the text.
 */
static int adopt(struct mm *mm, struct vma *v, struct text *x)
{
	struct vma *t;
	int err;

	if (x->has_cmp && mm->users != 1)
		return -EAGAIN;
	if (!room_for_trampolines(mm, x, v->start))
		return -ENOMEM;
	t = trampoline_vma(x, v->start);
	if (!t)
		return -ENOMEM;
	aspace_batch_begin(mm->as);
	err = aspace_map_fd(mm->as, uaddr(t->start), TRAMPOLINES, (int)t->prot, false, x->copy, x->size);
	if (!err)
		err = aspace_map_fd(mm->as, uaddr(v->start), x->size, (int)v->prot, false, x->copy, 0);
	err = aspace_batch_end(mm->as) ?: err;
	if (err) {
		vma_free(t);
		return err;
	}
	set_backing(v, x->copy, 0, x);
	vma_insert(mm, t);
	move_into_trampolines(mm);
	return 0;
}

/* ---- patching ---- */

/* Where x's text begins in the address space that has it at v. */
static u64 text_base(const struct text *x, const struct vma *v)
{
	return v->start - (v->offset - x->offset);
}

static u64 trampoline_address(const struct text *x, const struct site *s, u64 base)
{
	return base + (u64)x->distance + s->trampoline * TRAMPOLINE_SIZE;
}

/* Writes the jump into the copy. -EAGAIN: not while guest threads run. */
static int write_jump(struct text *x, struct site *s, const u8 *code)
{
	u64 at = s->offset + (u64)site_patch_offset(s->shape), word = at & ~7UL, value;
	u64 trampoline = (u64)x->distance + s->trampoline * TRAMPOLINE_SIZE;
	u8 jump[SITE_JUMP_SIZE], body[TRAMPOLINE_SIZE];
	char *map;
	int err;

	err =
	    trampoline_make(body, s->shape, code, trampoline, s->offset, (u64)x->distance + TRAMPOLINE_ENTRY);
	if (!err)
		err = site_jump(jump, at, trampoline);
	if (err)
		return err;
	if ((at + SITE_JUMP_SIZE > word + 8 || s->shape == SITE_CMP) && platform_guests_run())
		return -EAGAIN;
	map = mmap(NULL, x->size + TRAMPOLINES, PROT_READ | PROT_WRITE, MAP_SHARED, x->copy->fd, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	if (s->shape == SITE_CMP && text_has_jump_to((u8 *)map, x->size, s->offset + 1, s->offset + 5)) {
		err = -EINVAL;
	} else {
		memcpy(map + x->size + s->trampoline * TRAMPOLINE_SIZE, body, sizeof(body));
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (at + SITE_JUMP_SIZE <= word + 8) {
			memcpy(&value, map + word, 8);
			memcpy((char *)&value + (at - word), jump, sizeof(jump));
			__atomic_store_n((u64 *)(void *)(map + word), value, __ATOMIC_SEQ_CST);
		} else {
			memcpy(map + at, jump, sizeof(jump));
		}
	}
	munmap(map, x->size + TRAMPOLINES);
	return err;
}

/* Patches a hot site in the copy, which is made if this is the file's first. */
static int patch(struct mm *mm, struct vma *v, struct text *x, struct site *s, u64 nr)
{
	u8 code[SITE_BEFORE + SITE_AFTER] = {0}, in_file[sizeof(code)] = {0};
	u64 from = s->offset - SITE_BEFORE;
	int err = 0;

	if (s->offset < SITE_BEFORE || s->offset + SITE_AFTER > x->size || x->trampoline_count >= SITE_MAX)
		return -EINVAL;
	if (aspace_read(mm->as, code, uaddr(v->start + from), sizeof(code)) != sizeof(code) ||
	    pread(x->original->fd, in_file, sizeof(in_file), (off_t)(x->original_offset + from)) <
		(ssize_t)sizeof(code))
		return -EINVAL;
	/* what lies before may be a neighbour's patch already; the site itself must be what the file says */
	if (memcmp(code + SITE_BEFORE - 1, in_file + SITE_BEFORE - 1, SITE_AFTER + 1))
		return -EINVAL;
	s->shape = (u8)site_classify(in_file, nr);
	if (s->shape == SITE_NONE)
		return -EINVAL;
	if (!x->copy)
		err = copy_make(mm, v, x);
	if (err)
		return err;
	s->trampoline = x->trampoline_count + 1;
	err = write_jump(x, s, in_file);
	if (err)
		return err;
	x->trampoline_count++;
	s->state = SITE_PATCHED;
	if (s->shape == SITE_CMP) {
		x->has_cmp = true;
		move_all_into_trampolines(x);
	}
	return 0;
}

/* ---- traps ---- */

static struct callsite_seen *seen(struct mm *mm, u64 address)
{
	struct callsite_seen *e = &mm->callsites[(address ^ address >> 6) % CALLSITE_SEEN];

	if (e->address != address)
		*e = (struct callsite_seen){.address = address};
	return e;
}

static void note(struct mm *mm, struct uthread *ut, u64 nr)
{
	u64 address = uthread_rip(ut) - 2;
	struct callsite_seen *e = seen(mm, address);
	struct site *s;
	struct text *x;
	struct vma *v;
	int err;

	e->count++;
	v = vma_at(mm, address);
	x = v && is_text(v) ? text_of(v) : NULL;
	s = x ? site_of(x, (u32)(address - v->start), true) : NULL;
	if (!s || s->state == SITE_REFUSED) {
		e->count = REFUSED;
		return;
	}
	if (s->state == SITE_COUNTING && ++s->hits >= HOT) {
		err = patch(mm, v, x, s, nr);
		if (err && (err != -EAGAIN || s->hits >= TRIES_UNQUIET))
			s->state = SITE_REFUSED;
	}
	if (s->state != SITE_PATCHED)
		return;
	if (v->text == x) {
		/* trapped just before the patch, or went the slow way: it may stand inside the jump */
		if (s->shape == SITE_CMP)
			uthread_move_rip(ut, address + 2,
					 trampoline_resume(trampoline_address(x, s, v->start)));
	} else if (e->count >= HOT_HERE) {
		err = adopt(mm, v, x);
		if (err && err != -EAGAIN)
			e->count = REFUSED;
	}
}

void callsite_note(struct mm *mm, struct uthread *ut, u64 nr)
{
	struct callsite_seen *e = seen(mm, uthread_rip(ut) - 2);

	/* somebody else is changing the map: there will be another trap */
	if (e->count != REFUSED && !mm->callsites_off && !mm->lock_owner) {
		auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
		note(mm, ut, nr);
	}
}

/* ---- taking patches back ---- */

u64 callsite_resume(struct mm *mm, u64 rip)
{
	struct vma *v = vma_at(mm, rip);
	struct text *x = v && !(v->flags & VMA_TRAMPOLINE) ? v->text : NULL;
	struct site *s = x ? site_of(x, (u32)(rip - 2 - text_base(x, v)), false) : NULL;

	if (!s || s->state != SITE_PATCHED || s->shape != SITE_CMP)
		return rip;
	return trampoline_resume(trampoline_address(x, s, text_base(x, v)));
}

/* Where a thread that stands in a trampoline stands in the original text. */
static u64 original_place(struct mm *mm, u64 rip)
{
	struct vma *v = vma_at(mm, rip);
	struct text *x = v && (v->flags & VMA_TRAMPOLINE) ? v->text : NULL;
	u64 base, at;

	if (!x)
		return rip;
	base = v->start - (u64)x->distance;
	for (u32 i = 0; i < SITE_TABLE; i++) {
		struct site *s = &x->site[i];
		if (s->state != SITE_PATCHED)
			continue;
		at = trampoline_address(x, s, base);
		if (rip < at || rip >= at + TRAMPOLINE_SIZE)
			continue;
		if (s->shape == SITE_CMP && rip == trampoline_resume(at))
			return base + s->offset + 2;
		return base + s->offset + (u64)site_patch_offset(s->shape); /* nothing has happened yet */
	}
	return rip;
}

static void move_back(struct mm *mm)
{
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (t->mm == mm && t->ut) {
			u64 rip = uthread_rip(t->ut);
			uthread_move_rip(t->ut, rip, original_place(mm, rip));
		}
}

static u64 original_offset(const struct text *x, const struct vma *v)
{
	return x->original_offset + (v->offset - x->offset);
}

int callsite_restore(struct mm *mm, bool for_good)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	struct tree_node *n, *next;
	int err = 0;

	mm->callsites_off |= for_good;
	aspace_batch_begin(mm->as);
	for (n = tree_first(&mm->vmas); n && !err; n = tree_next(n)) {
		struct vma *v = vma_of(n);
		struct text *x = v->text;
		if (!x || (v->flags & VMA_TRAMPOLINE))
			continue;
		err = aspace_map_fd(mm->as, uaddr(v->start), v->end - v->start, (int)v->prot, false,
				    x->original, original_offset(x, v));
	}
	err = aspace_batch_end(mm->as) ?: err;
	if (err)
		return err;
	for (n = tree_first(&mm->vmas); n; n = tree_next(n)) {
		struct vma *v = vma_of(n);
		struct text *x = v->text;
		if (x && !(v->flags & VMA_TRAMPOLINE))
			set_backing(v, x->original, original_offset(x, v), NULL);
	}
	move_back(mm);
	memset(mm->callsites, 0, sizeof(mm->callsites));
	if (for_good)
		return 0; /* a handler's frame may still lead into a trampoline */
	for (n = tree_first(&mm->vmas); n && !err; n = next) {
		struct vma *v = vma_of(n);
		next = tree_next(n);
		if (!(v->flags & VMA_TRAMPOLINE))
			continue;
		err = aspace_unmap(mm->as, NULL, uaddr(v->start), v->end - v->start);
		if (!err)
			vma_remove(mm, v);
	}
	return err;
}

static bool touches(struct mm *mm, u64 start, u64 end, bool trampolines_only)
{
	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		if (v->text && (!trampolines_only || (v->flags & VMA_TRAMPOLINE)))
			return true;
	return false;
}

int callsite_before_change(struct mm *mm, u64 start, u64 end, bool text_too)
{
	return touches(mm, start, end, !text_too) ? callsite_restore(mm, false) : 0;
}

bool callsite_has_text(struct mm *mm, u64 start, u64 end)
{
	return touches(mm, start, end, false);
}

void callsite_collect(struct mm *mm)
{
	struct tree_node *n, *next;

	for (n = tree_first(&mm->vmas); n; n = next) {
		struct vma *t = vma_of(n), *v;
		next = tree_next(n);
		if (!(t->flags & VMA_TRAMPOLINE))
			continue;
		for (v = vma_find(mm, t->end); v && (v->text != t->text || (v->flags & VMA_TRAMPOLINE));
		     v = vma_next(v))
			if (v->start - t->start > SEARCH_REACH)
				break;
		if (v && v->text == t->text && !(v->flags & VMA_TRAMPOLINE))
			continue;
		if (!aspace_unmap(mm->as, NULL, uaddr(t->start), t->end - t->start))
			vma_remove(mm, t);
	}
}

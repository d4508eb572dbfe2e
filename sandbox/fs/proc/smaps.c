/*
 * smaps.c - /proc/PID/smaps, smaps_rollup and pagemap: what of each mapping is in memory, by the host's
 * count.
 */
#include <errno.h>
#include <unistd.h>

#include "sandbox/base/host_fd.h"
#include "sandbox/fs/proc/proc_priv.h"
#include "sandbox/mm/usage.h"

#define PAGEMAP_CHUNK 32768

/* ---- smaps ---- */

static void put_kb(struct text_buf *b, const char *name, u64 kb)
{
	text_printf(b, "%s:%*s%8lu kB\n", name, (int)(15 - strlen(name)), "", (unsigned long)kb);
}

static void put_fields(struct text_buf *b, const struct vma_usage *u)
{
	for (u32 f = 0; f < SMAPS_FIELDS; f++) {
		put_kb(b, smaps_names[f], u->kb[f]);
		if (f == SMAPS_ANONYMOUS)
			put_kb(b, "KSM", 0);
		if (f == SMAPS_FILE_HUGE) {
			put_kb(b, "Shared_Hugetlb", 0);
			put_kb(b, "Private_Hugetlb", 0);
		}
	}
}

static void put_flags(struct text_buf *b, const struct vma *v)
{
	static const struct {
		u32 bit;
		const char *name;
	} names[] = {{VMA_SHARED, "sh "},    {VMA_GROWSDOWN, "gd "}, {VMA_LOCKED, "lo "},
		     {VMA_NORESERVE, "nr "}, {VMA_DONTFORK, "dc "},  {VMA_WIPEONFORK, "wf "},
		     {VMA_DONTDUMP, "dd "},  {VMA_SEALED, "sl "}};
	u32 may = v->max_prot;

	text_printf(b, "VmFlags: %s%s%s%s%s%s", v->prot & 1 ? "rd " : "", v->prot & 2 ? "wr " : "",
		    v->prot & 4 ? "ex " : "", may & 1 ? "mr " : "", may & 2 ? "mw " : "",
		    may & 4 ? "me " : "");
	for (u32 i = 0; i < ARRAY_COUNT(names); i++)
		if (v->flags & names[i].bit)
			text_append(b, names[i].name, strlen(names[i].name));
	text_append(b, "\n", 1);
}

/* The process's sizes and its mm, with a reference; -EACCES. mm NULL: it has none. */
static int usage_of(struct task *t, struct mm **mm, struct vma_usage **u, u32 *count)
{
	int err;

	if (!proc_may_read(t))
		return -EACCES;
	*mm = t->mm ? mm_get(t->mm) : NULL;
	if (!*mm)
		return 0;
	err = mm_vma_usage(*mm, u, count);
	if (err)
		mm_put(*mm);
	return err;
}

int proc_show_smaps(struct task *t, struct text_buf *b)
{
	struct vma_usage *u = NULL;
	struct mm *mm;
	u32 count = 0, i = 0;
	int err = usage_of(t, &mm, &u, &count);

	if (err || !mm)
		return err;
	for (struct vma *v = vma_find(mm, 0); v && i < count && t->mm == mm; v = vma_next(v), i++) {
		u64 locked = v->flags & VMA_LOCKED ? u[i].kb[SMAPS_PSS] : 0;
		proc_show_vma(t, v, b);
		put_kb(b, "Size", (v->end - v->start) / 1024);
		put_kb(b, "KernelPageSize", 4);
		put_kb(b, "MMUPageSize", 4);
		put_fields(b, &u[i]);
		put_kb(b, "Locked", locked);
		text_printf(b, "THPeligible:    %8d\n", !v->file && !(v->flags & VMA_SHARED));
		put_flags(b, v);
	}
	kfree(u);
	mm_put(mm);
	return 0;
}

int proc_show_smaps_rollup(struct task *t, struct text_buf *b)
{
	struct vma_usage *u = NULL, sum = {0};
	u64 anon = 0, file = 0, shmem = 0, locked = 0;
	struct mm *mm;
	u32 count = 0, i = 0;
	int err = usage_of(t, &mm, &u, &count);

	if (err || !mm)
		return err;
	for (struct vma *v = vma_find(mm, 0); v && i < count; v = vma_next(v), i++) {
		u64 *kind = v->flags & VMA_SHARED ? &shmem : v->file ? &file : &anon;
		for (u32 f = 0; f < SMAPS_FIELDS; f++)
			sum.kb[f] += u[i].kb[f];
		*kind += u[i].kb[SMAPS_PSS];
		locked += v->flags & VMA_LOCKED ? u[i].kb[SMAPS_PSS] : 0;
	}
	text_printf(b, "%08lx-%08lx ---p 00000000 00:00 0                          [rollup]\n",
		    count ? (unsigned long)u[0].start : 0UL, count ? (unsigned long)u[count - 1].end : 0UL);
	put_kb(b, "Rss", sum.kb[SMAPS_RSS]);
	put_kb(b, "Pss", sum.kb[SMAPS_PSS]);
	put_kb(b, "Pss_Dirty", sum.kb[SMAPS_PSS_DIRTY]);
	put_kb(b, "Pss_Anon", anon);
	put_kb(b, "Pss_File", file);
	put_kb(b, "Pss_Shmem", shmem);
	for (u32 f = SMAPS_SHARED_CLEAN; f < SMAPS_FIELDS; f++) {
		put_kb(b, smaps_names[f], sum.kb[f]);
		if (f == SMAPS_ANONYMOUS)
			put_kb(b, "KSM", 0);
		if (f == SMAPS_FILE_HUGE) {
			put_kb(b, "Shared_Hugetlb", 0);
			put_kb(b, "Private_Hugetlb", 0);
		}
	}
	put_kb(b, "Locked", locked);
	kfree(u);
	mm_put(mm);
	return 0;
}

/* ---- pagemap ---- */

/* The file stays with the mm that the process had when it was opened. */
static s64 pagemap_read(struct file *f, struct uio *dst, u64 *pos)
{
	const u64 end = PLATFORM_USER_END / PAGE_SIZE * 8;
	struct task *t = proc_task(proc_ref_of(f->inode));
	struct host_fd *fd;
	char *buf;
	s64 done = 0;

	if ((*pos & 7) || (dst->left & 7))
		return -EINVAL;
	if (!t || !t->mm || *pos >= end)
		return 0;
	if (!proc_may_read(t))
		return -EACCES;
	if (!f->private) {
		int err = aspace_account_open(t->mm->as, ACCOUNT_PAGEMAP, &fd);
		if (err)
			return err == -ENOSYS ? -EIO : err;
		if (f->private) /* another reader was quicker */
			host_fd_put(fd);
		else
			f->private = fd;
	}
	fd = f->private;
	buf = kmalloc(PAGEMAP_CHUNK);
	if (!buf)
		return -ENOMEM;
	while (dst->left && *pos < end) {
		u64 want = min_t(u64, min_t(u64, dst->left, PAGEMAP_CHUNK), end - *pos);
		ssize_t n = pread(fd->fd, buf, want, (off_t)*pos);
		s64 moved = n > 0 ? uio_copy(dst, buf, (size_t)n) : n < 0 ? -errno : 0;
		if (moved <= 0) {
			done = done ? done : moved;
			break;
		}
		*pos += (u64)moved;
		done += moved;
		sched_yield_now();
	}
	kfree(buf);
	return done;
}

static void pagemap_release(struct file *f)
{
	host_fd_put(f->private);
}

const struct file_ops proc_pagemap_ops = {.read = pagemap_read, .release = pagemap_release};

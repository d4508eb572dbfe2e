/*
 * hostview.c - see hostview.h. A pread of the host costs more than all the rest of a small read: programs
 * that read the same file again and again in small pieces (data bases, git, dynamic loaders) are served from
 * a mapping of it.
 *
 * - Read-only; of gofers' files those on file systems on which a mapping and a read are one page cache and
 * looking at a hole takes no memory (so not tmpfs), and memfds without holes: whoever makes one drops the
 * view first.
 * - The view comes with the FIRST_VIEW-th small read that it could have served, so a file that is read once
 * never has one. It is the file as it was long then; a file that has grown gets a new one in the same way.
 * - What is mapped may vanish when somebody on the host cuts the file short: view_copy() notices, the host's
 * read then says what is true.
 * - In the arena a view is a page number and no pointer: it is no part of an image.
 */
#include "sandbox/vfs/hostview.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "sandbox/base/arena.h"
#include "sandbox/kernel/kernel.h"

#define FIRST_VIEW 16
#define SMALL_READ (16UL << 10) /* larger ones: the host's copy is as fast */
#define VIEW_MAX   (1UL << 30)
#define VIEW_BYTES (4UL << 30) /* of all: bounds the page tables */

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef EROFS_SUPER_MAGIC_V1
#define EROFS_SUPER_MAGIC_V1 0xe0f5e1e2
#endif

static bool can_be_viewed(const struct host_fd *fd, const struct stat *st)
{
	struct statfs s;

	if (fd->kind == HOST_FD_MEMFD)
		return (u64)st->st_blocks * 512 >= PAGE_UP((u64)st->st_size);
	if (fstatfs(fd->fd, &s))
		return false;
	switch ((u32)s.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case (u32)BTRFS_SUPER_MAGIC:
	case (u32)F2FS_SUPER_MAGIC:
	case (u32)EROFS_SUPER_MAGIC_V1:
	case SQUASHFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
		return true;
	}
	return false;
}

static struct host_views *views(void)
{
	struct host_views *v = kernel()->host_views;

	if (!v) {
		v = knew(struct host_views);
		if (!v)
			return NULL;
		list_init(&v->list);
		kernel()->host_views = v;
	}
	return v;
}

void host_view_drop(struct host_fd *fd)
{
	struct host_views *v = kernel()->host_views;

	if (!fd->view_size)
		return;
	munmap((void *)(uintptr_t)(fd->view_page << PAGE_SHIFT), fd->view_size);
	list_del_init(&fd->view_node);
	v->count--;
	v->bytes -= fd->view_size;
	fd->view_page = fd->view_size = 0;
}

void host_views_drop_all(void)
{
	struct host_views *v = kernel()->host_views;

	while (v && !list_empty(&v->list))
		host_view_drop(list_first_entry(&v->list, struct host_fd, view_node));
}

/* The file as long as it is now, up to VIEW_MAX. */
static void make_view(struct host_fd *fd)
{
	struct host_views *v = views();
	struct stat st;
	u64 size;
	void *at;

	host_view_drop(fd);
	if (!v || fstat(fd->fd, &st) || !st.st_size || !can_be_viewed(fd, &st))
		return;
	size = min_t(u64, PAGE_UP((u64)st.st_size), VIEW_MAX);
	while (v->count == HOST_VIEW_COUNT || v->bytes + size > VIEW_BYTES)
		host_view_drop(list_first_entry(&v->list, struct host_fd, view_node));
	at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd->fd, 0);
	if (at == MAP_FAILED)
		return;
	fd->view_page = (u64)(uintptr_t)at >> PAGE_SHIFT;
	fd->view_size = size;
	list_add_tail(&fd->view_node, &v->list);
	v->count++;
	v->bytes += size;
}

size_t host_view_read(struct host_fd *fd, struct uio *u, u64 pos, size_t n)
{
	size_t window = n, copied;
	void *direct;

	if ((fd->kind != HOST_FD_GOFER && fd->kind != HOST_FD_MEMFD) || n > SMALL_READ)
		return 0;
	if (pos >= fd->view_size || n > fd->view_size - pos) {
		if (pos >= VIEW_MAX - SMALL_READ || ++fd->small_reads < FIRST_VIEW)
			return 0;
		fd->small_reads = 0;
		make_view(fd);
		return 0;
	}
	direct = uio_window(u, &window);
	if (!direct || window < n)
		return 0;
	copied = n - view_copy(direct, (const char *)(uintptr_t)(fd->view_page << PAGE_SHIFT) + pos, n);
	uio_advance(u, copied);
	return copied;
}

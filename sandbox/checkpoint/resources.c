/*
 * resources.c - the table of host resources in an image: what each struct host_fd becomes again.
 *
 *   MEMFD     its contents are in the image
 *   REMOVED   the same, one for all descriptors of the file
 *   GOFER     opened again by the file system, from its new gofer (fs/gofer/renew.c)
 *   STDIO     handed over anew by the supervisor, by process and stream
 *   CONTROL   supervisors connect again; gofers' sockets come with the restore request
 *   PLATFORM  made anew
 *   TAP       refused: a sandbox with a network of its own cannot be kept yet
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/checkpoint/checkpoint_priv.h"
#include "sandbox/fs/gofer/gofer.h"

#define COPY_SIZE (64UL * PAGE_SIZE)

/* ---- is everything of a kind that can be made again? ---- */

int resources_survey(char *why, size_t size)
{
	struct host_fd *h;

	list_for_each_entry (h, &kernel()->host_fds, node) {
		switch (h->kind) {
		case HOST_FD_MEMFD:
		case HOST_FD_REMOVED:
		case HOST_FD_GOFER:
		case HOST_FD_CONTROL:
		case HOST_FD_PLATFORM:
			continue;
		case HOST_FD_STDIO:
			if (h->recipe_id)
				continue;
			break;
		case HOST_FD_TAP: /* nobody hands one over at a restore yet */
			snprintf(why, size,
				 "the sandbox has a network: an image cannot carry its connections yet");
			return -EOPNOTSUPP;
		}
		snprintf(why, size, "the sandbox uses a descriptor of the host (kind %d) that has no recipe",
			 h->kind);
		return -EOPNOTSUPP;
	}
	return gofers_survey(why, size);
}

/* ---- shared memory ---- */

#define REMOVED_IDS 0x80000000U /* their ids in an image; those of memfds are below */

static bool is_carried(const struct host_fd *h)
{
	return h->kind == HOST_FD_MEMFD || h->kind == HOST_FD_REMOVED;
}

static u32 image_id(const struct host_fd *h)
{
	return h->kind == HOST_FD_REMOVED ? REMOVED_IDS | h->recipe_id : h->recipe_id;
}

/* The first with this id: of a removed file there may be two. */
static struct host_fd *carried_by_id(u32 id)
{
	struct host_fd *h;

	list_for_each_entry (h, &kernel()->host_fds, node)
		if (is_carried(h) && image_id(h) == id)
			return h;
	return NULL;
}

static int save_extent(struct host_fd *h, off_t start, off_t end, char *buf, struct image_writer *w)
{
	for (u64 at = PAGE_DOWN((u64)start); at < (u64)end; at += COPY_SIZE) {
		u64 want = min_t(u64, COPY_SIZE, (u64)end - at);
		ssize_t n = pread(h->fd, buf, want, (off_t)at);

		if (n != (ssize_t)want)
			return n < 0 ? -errno : -EIO;
		memset(buf + want, 0, PAGE_UP(want) - want);
		for (u64 i = 0; i < want; i += PAGE_SIZE)
			if (!page_is_zero(buf + i))
				image_put(w, IMAGE_SHARED, image_id(h), at + i, buf + i, 1);
	}
	return 0;
}

static int save_memfd(struct host_fd *h, char *buf, struct image_writer *w)
{
	struct stat st;
	off_t at = 0;

	if (fstat(h->fd, &st))
		return -errno;
	image_note(w, IMAGE_SHARED_SIZE, image_id(h), (u64)st.st_size, 0);
	while (at < st.st_size) {
		off_t start = lseek(h->fd, at, SEEK_DATA), end;
		int err;

		if (start < 0)
			return errno == ENXIO ? 0 : -errno;
		end = lseek(h->fd, start, SEEK_HOLE);
		if (end < 0)
			return -errno;
		err = save_extent(h, start, end, buf, w);
		if (err)
			return err;
		at = end;
	}
	return 0;
}

int resources_save(struct image_writer *w)
{
	char *buf = mmap(NULL, COPY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct host_fd *h;
	u32 number = 0;
	int err = 0;

	if (buf == MAP_FAILED)
		return -ENOMEM;
	list_for_each_entry (h, &kernel()->host_fds, node)
		if (h->kind == HOST_FD_MEMFD)
			h->recipe_id = number++;
	list_for_each_entry (h, &kernel()->host_fds, node)
		if (is_carried(h) && h == carried_by_id(image_id(h)) && !err)
			err = save_memfd(h, buf, w);
	munmap(buf, COPY_SIZE);
	return err;
}

/* A new memfd for all with this id. */
static int make_memfd(u32 id, u64 size, struct host_fd **first)
{
	struct host_fd *h = carried_by_id(id);

	if (!h || h->fd >= 0)
		return -EBADMSG;
	*first = h;
	h->fd = memfd_create("shared", MFD_CLOEXEC);
	if (h->fd < 0 || ftruncate(h->fd, (off_t)size))
		return -errno;
	list_for_each_entry (h, &kernel()->host_fds, node)
		if (is_carried(h) && image_id(h) == id && h != *first) {
			h->fd = fcntl((*first)->fd, F_DUPFD_CLOEXEC, 3);
			if (h->fd < 0)
				return -errno;
		}
	return 0;
}

static int load_memfd_pages(struct image *im, const struct image_run *r, u64 offset, struct host_fd *h)
{
	char page[PAGE_SIZE];

	for (u64 i = 0; i < r->page_count; i++) {
		int err = image_read(im, offset + i * PAGE_SIZE, page, PAGE_SIZE);
		struct stat st;
		u64 at = r->address + i * PAGE_SIZE, n;

		if (err || fstat(h->fd, &st))
			return err ? err : -errno;
		n = min_t(u64, PAGE_SIZE, at < (u64)st.st_size ? (u64)st.st_size - at : 0);
		if (pwrite(h->fd, page, n, (off_t)at) != (ssize_t)n)
			return -ENOSPC;
	}
	return 0;
}

int resources_load(struct image *im)
{
	struct host_fd *h = NULL;
	u64 offset = 0;
	int err = 0;

	for (u32 i = 0; i < im->header->run_count && !err; i++) {
		const struct image_run *r = &im->runs[i];

		if (r->kind == IMAGE_SHARED_SIZE) {
			err = make_memfd(r->id, r->address, &h);
		} else if (r->kind == IMAGE_SHARED) {
			if (!h || image_id(h) != r->id)
				return -EBADMSG;
			err = load_memfd_pages(im, r, offset, h);
		}
		if (image_run_has_pages(r))
			offset += r->page_count * PAGE_SIZE;
	}
	return err;
}

/* ---- descriptors ---- */

void resources_detach(void)
{
	struct host_fd *h;

	list_for_each_entry (h, &kernel()->host_fds, node)
		h->fd = -1;
}

struct host_fd *checkpoint_next_stream(const struct host_fd *previous)
{
	const struct list_head *n = previous ? &previous->node : &kernel()->host_fds;

	while ((n = n->next) != &kernel()->host_fds) {
		struct host_fd *h = container_of(n, struct host_fd, node);
		if (h->kind == HOST_FD_STDIO)
			return h;
	}
	return NULL;
}

int checkpoint_give_stream(u32 recipe, int fd, char *why, size_t size)
{
	struct host_fd *h = checkpoint_next_stream(NULL);
	int flags = fcntl(fd, F_GETFL), err;

	while (h && (h->recipe_id != recipe || h->fd >= 0))
		h = checkpoint_next_stream(h);
	if (!h || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) {
		snprintf(why, size, "the sandbox has no stream %u of process p%u that wants a descriptor",
			 recipe & 3, recipe >> 2);
		close(fd);
		return -EINVAL;
	}
	h->fd = fd;
	err = host_poll_renew(h);
	if (err)
		snprintf(why, size, "stream %u of process p%u cannot be watched", recipe & 3, recipe >> 2);
	return err;
}

int resources_complete(char *why, size_t size)
{
	for (struct host_fd *h = checkpoint_next_stream(NULL); h; h = checkpoint_next_stream(h))
		if (h->fd < 0) {
			snprintf(why, size, "no descriptor came for stream %u of process p%u",
				 h->recipe_id & 3, h->recipe_id >> 2);
			return -EINVAL;
		}
	for (struct host_fd *h = gofer_next_socket(NULL); h; h = gofer_next_socket(h))
		if (h->fd < 0) {
			snprintf(why, size, "no gofer came for tree number %u", h->recipe_id);
			return -EINVAL;
		}
	return 0;
}

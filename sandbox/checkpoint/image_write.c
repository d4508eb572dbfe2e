/*
 * image_write.c - writing an image: pages are gathered to chunks, hashed and written in order.
 *
 * The tables that grow meanwhile are mappings of their own. The arena, which is being written, is not
 * touched.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/checkpoint/image.h"

#define TABLE_START (1UL << 20)

bool page_is_zero(const void *page)
{
	const u64 *w = page;

	for (size_t i = 0; i < PAGE_SIZE / sizeof(u64); i += 8)
		if (w[i] | w[i + 1] | w[i + 2] | w[i + 3] | w[i + 4] | w[i + 5] | w[i + 6] | w[i + 7])
			return false;
	return true;
}

static void *memory_new(u64 size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Makes room for `want` bytes in a table. */
static bool grow(void **table, u64 *room, u64 want)
{
	void *p;

	if (want <= *room)
		return true;
	p = mremap(*table, *room, *room * 2, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return false;
	*table = p;
	*room *= 2;
	return true;
}

int image_writer_init(struct image_writer *w, int pages_fd)
{
	*w = (struct image_writer){.fd = pages_fd, .runs_room = TABLE_START, .hashes_room = TABLE_START};
	w->chunk = memory_new(IMAGE_CHUNK);
	w->runs = memory_new(w->runs_room);
	w->hashes = memory_new(w->hashes_room);
	return w->chunk && w->runs && w->hashes ? 0 : -ENOMEM;
}

void image_writer_free(struct image_writer *w)
{
	if (w->chunk)
		munmap(w->chunk, IMAGE_CHUNK);
	if (w->runs)
		munmap(w->runs, w->runs_room);
	if (w->hashes)
		munmap(w->hashes, w->hashes_room);
}

static int write_all(int fd, const void *data, u64 size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		size -= (u64)n;
	}
	return 0;
}

static void chunk_end(struct image_writer *w, u64 size)
{
	if (w->error)
		return;
	if (w->chunk_count == IMAGE_CHUNKS_MAX) {
		w->error = -EFBIG;
		return;
	}
	if (!grow((void **)&w->hashes, &w->hashes_room, (w->chunk_count + 1UL) * IMAGE_HASH_SIZE)) {
		w->error = -ENOMEM;
		return;
	}
	sha256(w->chunk, size, w->hashes + w->chunk_count++ * (u64)IMAGE_HASH_SIZE);
	w->error = write_all(w->fd, w->chunk, size);
}

void image_note(struct image_writer *w, u32 kind, u32 id, u64 address, u64 page_count)
{
	if (w->error)
		return;
	if (w->run_count == IMAGE_RUNS_MAX) {
		w->error = -EFBIG;
		return;
	}
	if (!grow((void **)&w->runs, &w->runs_room, (w->run_count + 1UL) * sizeof(w->runs[0]))) {
		w->error = -ENOMEM;
		return;
	}
	w->runs[w->run_count++] =
	    (struct image_run){.kind = kind, .id = id, .address = address, .page_count = page_count};
}

void image_put(struct image_writer *w, u32 kind, u32 id, u64 address, const void *pages, u64 page_count)
{
	struct image_run *last = w->run_count ? &w->runs[w->run_count - 1] : NULL;
	const char *p = pages;

	if (last && last->kind == kind && last->id == id &&
	    last->address + last->page_count * PAGE_SIZE == address)
		last->page_count += page_count;
	else
		image_note(w, kind, id, address, page_count);
	for (; page_count && !w->error; page_count--, p += PAGE_SIZE) {
		memcpy(w->chunk + w->size % IMAGE_CHUNK, p, PAGE_SIZE);
		w->size += PAGE_SIZE;
		if (w->size % IMAGE_CHUNK == 0)
			chunk_end(w, IMAGE_CHUNK);
	}
}

int image_writer_finish(struct image_writer *w, struct image_header *h, int manifest_fd)
{
	if (w->size % IMAGE_CHUNK)
		chunk_end(w, w->size % IMAGE_CHUNK);
	memcpy(h->magic, IMAGE_MAGIC, sizeof(h->magic));
	h->version = IMAGE_VERSION;
	h->header_size = sizeof(*h);
	h->pages_size = w->size;
	h->run_count = w->run_count;
	h->chunk_count = w->chunk_count;
	if (!w->error)
		w->error = write_all(manifest_fd, h, sizeof(*h));
	if (!w->error)
		w->error = write_all(manifest_fd, w->runs, w->run_count * sizeof(w->runs[0]));
	if (!w->error)
		w->error = write_all(manifest_fd, w->hashes, w->chunk_count * (u64)IMAGE_HASH_SIZE);
	if (!w->error && (fsync(w->fd) || fsync(manifest_fd)) && errno != EINVAL)
		w->error = -errno;
	return w->error;
}

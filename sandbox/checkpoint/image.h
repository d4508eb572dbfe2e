/*
 * image.h - the files of a checkpoint, as the sentry writes and reads them. docs/checkpoint.md describes the
 * whole folder.
 *
 *   pages      the pages of all runs, one after the other
 *   manifest   struct image_header, the runs, the SHA-256 of every IMAGE_CHUNK bytes of `pages`
 *
 * The manifest is authenticated by the supervisor (HMAC; the key never enters a sandbox) and handed over in a
 * memfd that nobody can change. `pages` may lie anywhere: no byte of it is used before the chunk it is in was
 * read into memory of our own and found to have the hash that the manifest says.
 */
#ifndef WARREN_CHECKPOINT_IMAGE_H
#define WARREN_CHECKPOINT_IMAGE_H

#include <assert.h>

#include "sandbox/base/types.h"

#define IMAGE_MAGIC      "WARRENCK"
#define IMAGE_VERSION    1
#define IMAGE_CHUNK      (1UL << 20)
#define IMAGE_CHUNKS_MAX (1U << 24)
#define IMAGE_RUNS_MAX   (1U << 26)
#define IMAGE_HASH_SIZE  32
#define BUILD_ID_SIZE    20

enum image_run_kind {
	IMAGE_SENTRY,     /* pages of arena and shared ranges; address: in the sentry */
	IMAGE_GUEST,      /* private pages of an address space; id: aspace_number() */
	IMAGE_GUARD,      /* guard pages (MADV_GUARD_INSTALL) of an address space; no pages in the file */
	IMAGE_SHARED,     /* of a memfd; id: host_fd.recipe_id, address: offset */
	IMAGE_SHARED_SIZE /* of a memfd; address: its size in bytes; no pages in the file */
};

struct image_run {
	u32 kind, id;
	u64 address, page_count;
};
static_assert(sizeof(struct image_run) == 24, "part of the format");

struct image_header {
	char magic[8];
	u32 version, header_size;
	u8 build_id[BUILD_ID_SIZE];
	u32 pad;
	/* where the old sentry had things; they must be there again */
	u64 base, thread_data, arena, windows;
	/* what guests can see of the host's CPU and kernel */
	u64 xsave_features;
	u8 vdso_hash[IMAGE_HASH_SIZE];
	/* when */
	u64 monotonic_ns, boottime_ns, realtime_ns, cycles;
	/* what follows, and the other file */
	u64 pages_size;
	u32 run_count, chunk_count;
};
static_assert(sizeof(struct image_header) == 160, "part of the format");

/* ---- writing (image_write.c); not in the arena, which must stand still meanwhile ---- */

struct image_writer {
	int fd; /* of `pages` */
	u64 size;
	char *chunk;
	struct image_run *runs;
	u32 run_count;
	u64 runs_room; /* bytes */
	u8 *hashes;
	u32 chunk_count;
	u64 hashes_room;
	int error; /* the first */
};

int image_writer_init(struct image_writer *w, int pages_fd) must_check;
/* Adds pages to the image; a run that goes on grows. Errors are kept for finish. */
void image_put(struct image_writer *w, u32 kind, u32 id, u64 address, const void *pages, u64 page_count);
/* A run without pages. */
void image_note(struct image_writer *w, u32 kind, u32 id, u64 address, u64 page_count);
/* Writes what is left, and the manifest. `h`: counts and sizes are filled in. */
int image_writer_finish(struct image_writer *w, struct image_header *h, int manifest_fd) must_check;
void image_writer_free(struct image_writer *w);
bool page_is_zero(const void *page);

/* ---- reading (image_read.c) ---- */

struct image {
	struct image_header *header; /* the manifest, in memory of our own */
	const struct image_run *runs;
	const u8 *hashes;
	u64 manifest_size;
	int pages_fd;
	char *chunk; /* the one that was verified last */
	u64 chunk_index;
};

/* Checks the manifest's form and that it is of this build. `why` gets a sentence on failure. */
int image_open(struct image *im, int manifest_fd, int pages_fd, char *why, size_t why_size) must_check;
/* Copies verified pages out, whole ones. -EBADMSG: they are not what the manifest says. */
int image_read(struct image *im, u64 offset, void *dst, u64 size) must_check;
/* Does a run have pages in the file? */
static inline bool image_run_has_pages(const struct image_run *r)
{
	return r->kind == IMAGE_SENTRY || r->kind == IMAGE_GUEST || r->kind == IMAGE_SHARED;
}
void image_close(struct image *im);

/* What must be the same in the sentry that reads as in the one that wrote: fills in build id, base, thread
 * data, CPU. */
int image_describe_self(struct image_header *h) must_check;

void sha256(const void *data, u64 size, u8 out[IMAGE_HASH_SIZE]);
/* The same without the CPU's own instructions. */
void sha256_plain(const void *data, u64 size, u8 out[IMAGE_HASH_SIZE]);

#endif

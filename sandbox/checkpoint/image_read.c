/*
 * image_read.c - reading an image: the manifest's form, and pages by verified chunks.
 *
 * Whoever gives us a manifest has authenticated it; its form is checked all the same, so that a mistake is an
 * error and not a crash.
 */
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/checkpoint/image.h"

#define NO_CHUNK     UINT64_MAX
#define MANIFEST_MAX (4UL << 30)

extern const ElfW(Ehdr) __ehdr_start;

/* ---- what we are ---- */

/* The linker's GNU build id note. */
static bool read_build_id(u8 out[BUILD_ID_SIZE])
{
	const char *base = (const char *)&__ehdr_start;
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(const void *)(base + __ehdr_start.e_phoff);

	for (int i = 0; i < __ehdr_start.e_phnum; i++) {
		const char *at = base + ph[i].p_vaddr, *end = at + ph[i].p_memsz;
		if (ph[i].p_type != PT_NOTE)
			continue;
		while (at + sizeof(ElfW(Nhdr)) <= end) {
			const ElfW(Nhdr) *n = (const ElfW(Nhdr) *)(const void *)at;
			const char *desc = at + sizeof(*n) + ((n->n_namesz + 3) & ~3U);
			if (n->n_type == NT_GNU_BUILD_ID && n->n_descsz == BUILD_ID_SIZE &&
			    n->n_namesz == 4 && !memcmp(n + 1, "GNU", 4)) {
				memcpy(out, desc, BUILD_ID_SIZE);
				return true;
			}
			at = desc + ((n->n_descsz + 3) & ~3U);
		}
	}
	return false;
}

/* Which parts of the vector state the host saves: frames in the image have just these. */
static u64 xsave_features(void)
{
	u32 a = 1, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c >> 27 & 1)) /* OSXSAVE */
		return 3;
	__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return (u64)d << 32 | a;
}

static void hash_vdso(u8 out[IMAGE_HASH_SIZE])
{
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);

	memset(out, 0, IMAGE_HASH_SIZE);
	if (vdso) /* its first page: header, dynamic symbols, build id */
		sha256(vdso, PAGE_SIZE, out);
}

int image_describe_self(struct image_header *h)
{
	if (!read_build_id(h->build_id))
		return -ENOEXEC;
	h->base = (u64)(uintptr_t)&__ehdr_start;
	h->thread_data = (u64)(uintptr_t)&errno;
	h->xsave_features = xsave_features();
	hash_vdso(h->vdso_hash);
	return 0;
}

/* ---- the manifest ---- */

static int check_self(const struct image_header *h, char *why, size_t size)
{
	struct image_header self = {0};
	int err = image_describe_self(&self);

	if (err || memcmp(h->build_id, self.build_id, BUILD_ID_SIZE))
		snprintf(
		    why, size,
		    "the image was made by another build of the sandbox's kernel (%02x%02x%02x%02x…, this "
		    "is %02x%02x%02x%02x…)",
		    h->build_id[0], h->build_id[1], h->build_id[2], h->build_id[3], self.build_id[0],
		    self.build_id[1], self.build_id[2], self.build_id[3]);
	else if (h->xsave_features != self.xsave_features)
		snprintf(why, size, "the image was made on a CPU with other features");
	else if (memcmp(h->vdso_hash, self.vdso_hash, IMAGE_HASH_SIZE))
		snprintf(why, size, "the image was made on a host with another kernel");
	else if (h->base != self.base || h->thread_data != self.thread_data)
		snprintf(why, size,
			 "this host does not give the sandbox's kernel the addresses of the image");
	else
		return 0;
	return -ENOEXEC;
}

static int check_form(const struct image *im, u64 pages_size, char *why, size_t size)
{
	const struct image_header *h = im->header;
	u64 want = sizeof(*h), pages = 0;

	if (im->manifest_size < sizeof(*h) || memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic))) {
		snprintf(why, size, "this is not the image of a sandbox");
		return -ENOEXEC;
	}
	if (h->version != IMAGE_VERSION || h->header_size != sizeof(*h)) {
		snprintf(why, size, "the image has version %u of the format, this is version %u", h->version,
			 IMAGE_VERSION);
		return -ENOEXEC;
	}
	want += h->run_count * sizeof(struct image_run) + h->chunk_count * (u64)IMAGE_HASH_SIZE;
	for (u32 i = 0; want == im->manifest_size && i < h->run_count; i++) {
		if (im->runs[i].page_count > MANIFEST_MAX)
			want = 0;
		if (image_run_has_pages(&im->runs[i]))
			pages += im->runs[i].page_count;
	}
	if (want != im->manifest_size || pages * PAGE_SIZE != h->pages_size ||
	    (h->pages_size + IMAGE_CHUNK - 1) / IMAGE_CHUNK != h->chunk_count) {
		snprintf(why, size, "the image's manifest is damaged");
		return -EBADMSG;
	}
	if (pages_size != h->pages_size) {
		snprintf(why, size, "the image's pages are %s",
			 pages_size < h->pages_size ? "cut short" : "too many");
		return -EBADMSG;
	}
	return 0;
}

static int read_all(int fd, void *dst, u64 size, u64 offset)
{
	char *p = dst;

	while (size) {
		ssize_t n = pread(fd, p, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EBADMSG;
		p += n;
		offset += (u64)n;
		size -= (u64)n;
	}
	return 0;
}

int image_open(struct image *im, int manifest_fd, int pages_fd, char *why, size_t why_size)
{
	struct stat st, pages;
	int err = -EIO;

	*im = (struct image){.pages_fd = pages_fd, .chunk_index = NO_CHUNK};
	snprintf(why, why_size, "the image cannot be read");
	if (fstat(manifest_fd, &st) || fstat(pages_fd, &pages))
		return -errno;
	im->manifest_size = (u64)st.st_size;
	if (im->manifest_size < sizeof(*im->header) || im->manifest_size > MANIFEST_MAX) {
		snprintf(why, why_size, "this is not the image of a sandbox");
		return -ENOEXEC;
	}
	im->header =
	    mmap(NULL, im->manifest_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	im->chunk = mmap(NULL, IMAGE_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((void *)im->header == MAP_FAILED || im->chunk == MAP_FAILED)
		return -ENOMEM;
	err = read_all(manifest_fd, im->header, im->manifest_size, 0);
	if (err)
		return err;
	im->runs = (const struct image_run *)(const void *)(im->header + 1);
	im->hashes = (const u8 *)(im->runs + im->header->run_count);
	err = check_form(im, (u64)pages.st_size, why, why_size);
	return err ? err : check_self(im->header, why, why_size);
}

void image_close(struct image *im)
{
	if (im->header)
		munmap(im->header, im->manifest_size);
	if (im->chunk)
		munmap(im->chunk, IMAGE_CHUNK);
	if (im->pages_fd >= 0)
		close(im->pages_fd);
	*im = (struct image){.pages_fd = -1};
}

/* ---- pages ---- */

static int load_chunk(struct image *im, u64 index)
{
	u64 at = index * IMAGE_CHUNK, size = min_t(u64, IMAGE_CHUNK, im->header->pages_size - at);
	u8 hash[IMAGE_HASH_SIZE];
	int err;

	if (im->chunk_index == index)
		return 0;
	im->chunk_index = NO_CHUNK;
	err = read_all(im->pages_fd, im->chunk, size, at);
	if (err)
		return err;
	sha256(im->chunk, size, hash);
	if (memcmp(hash, im->hashes + index * IMAGE_HASH_SIZE, IMAGE_HASH_SIZE))
		return -EBADMSG;
	im->chunk_index = index;
	return 0;
}

int image_read(struct image *im, u64 offset, void *dst, u64 size)
{
	char *p = dst;

	if (offset > im->header->pages_size || size > im->header->pages_size - offset)
		return -EBADMSG;
	while (size) {
		u64 n = min_t(u64, size, IMAGE_CHUNK - offset % IMAGE_CHUNK);
		int err = load_chunk(im, offset / IMAGE_CHUNK);
		if (err)
			return err;
		memcpy(p, im->chunk + offset % IMAGE_CHUNK, n);
		p += n;
		offset += n;
		size -= n;
	}
	return 0;
}

/* image.c: making, sealing and verifying the folder of a checkpoint. See image.h. */
#include "server/image.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE     32
#define SEAL_SIZE    32
#define DEFAULT_KEY  "/var/lib/warren/image.key"
#define MANIFEST_MAX (1UL << 30)
#define JSON_MAX     (1UL << 20)

static const char *const names[] = {"seal", "sandbox.json", "manifest", "pages"};

/* ---- small files ---- */

static int write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int read_all(int fd, void *data, size_t size)
{
	char *p = data;

	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, p + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

/* A whole file of at most `max` bytes, in memory to be freed. */
static int slurp(int folder, const char *name, size_t max, unsigned char **data, size_t *size,
		 struct error *error)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return error_errno(error, errno, "the image has no %s", name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size > max) {
		close(fd);
		return error_set(error, EINVAL, "the image's %s is no file of a sensible size", name);
	}
	*size = (size_t)st.st_size;
	*data = malloc(*size + 1);
	if (!*data || read_all(fd, *data, *size) != 0) {
		free(*data);
		*data = NULL;
		close(fd);
		return error_set(error, EIO, "the image's %s cannot be read", name);
	}
	(*data)[*size] = 0;
	close(fd);
	return 0;
}

static int put_file(int folder, const char *name, const void *data, size_t size, struct error *error)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), saved;

	if (fd < 0 || write_all(fd, data, size) != 0 || fsync(fd) != 0) {
		saved = errno;
		if (fd >= 0)
			close(fd);
		return error_errno(error, saved, "cannot write the image's %s", name);
	}
	close(fd);
	return 0;
}

/* ---- the key ---- */

static int make_key(const char *path, struct error *error)
{
	unsigned char key[KEY_SIZE];
	char folder[4096], *slash;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = 0;
		if (mkdir(folder, 0700) != 0 && errno != EEXIST)
			return error_errno(error, errno, "cannot make the folder %s for the key of images",
					   folder);
	}
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return error_errno(error, errno, "no random numbers");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0
				       : error_errno(error, errno, "cannot make the key of images, %s", path);
	if (write_all(fd, key, sizeof(key)) != 0 || fsync(fd) != 0) {
		int saved = errno;

		close(fd);
		unlink(path);
		return error_errno(error, saved, "cannot write the key of images, %s", path);
	}
	close(fd);
	return 0;
}

/* A key that others can read or change would authenticate nothing. */
static int read_key(unsigned char key[KEY_SIZE], bool make, struct error *error)
{
	const char *path = getenv("WARREN_IMAGE_KEY");
	struct stat st;
	int fd, r;

	if (!path || !*path)
		path = DEFAULT_KEY;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && make) {
		r = make_key(path, error);
		if (r)
			return r;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0)
		return error_errno(error, errno, "the key of images, %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) ||
	    (st.st_uid != geteuid() && st.st_uid != 0) || st.st_size != KEY_SIZE) {
		close(fd);
		return error_set(error, EPERM,
				 "the key of images, %s, is not a file of %d bytes for its owner alone", path,
				 KEY_SIZE);
	}
	r = read_all(fd, key, KEY_SIZE);
	close(fd);
	return r ? error_set(error, EIO, "the key of images, %s, cannot be read", path) : 0;
}

/* Over both files, each preceded by its size, so that no byte can move from one to the other. */
static int compute_seal(const unsigned char key[KEY_SIZE], const void *manifest, size_t manifest_size,
			const void *json, size_t json_size, unsigned char seal[SEAL_SIZE])
{
	unsigned char digests[2 * (8 + 32)];
	const void *data[] = {manifest, json};
	size_t sizes[] = {manifest_size, json_size};
	unsigned int len = 0;

	for (int i = 0; i < 2; i++) {
		unsigned char *d = digests + i * 40;

		for (int k = 0; k < 8; k++)
			d[k] = (unsigned char)(sizes[i] >> (8 * k));
		if (EVP_Digest(data[i], sizes[i], d + 8, NULL, EVP_sha256(), NULL) != 1)
			return -1;
	}
	return HMAC(EVP_sha256(), key, KEY_SIZE, digests, sizeof(digests), seal, &len) && len == SEAL_SIZE
		   ? 0
		   : -1;
}

/* ---- making ---- */

int image_create(struct image_files *image, const char *path, struct error *error)
{
	unsigned char key[KEY_SIZE];
	int r = read_key(key, true, error); /* before the sandbox is stopped for it */

	*image = (struct image_files){.folder = -1, .pages = -1, .manifest = -1};
	OPENSSL_cleanse(key, sizeof(key));
	if (r)
		return r;
	if (mkdir(path, 0700) != 0)
		return error_errno(error, errno, "cannot make the image's folder %s", path);
	image->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (image->folder >= 0) {
		image->pages = openat(image->folder, "pages", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		image->manifest =
		    openat(image->folder, "manifest", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (image->folder < 0 || image->pages < 0 || image->manifest < 0) {
		r = error_errno(error, errno, "cannot write to the image's folder %s", path);
		image_remove(image, path);
		return r;
	}
	return 0;
}

int image_seal(struct image_files *image, const json_t *sandbox, struct error *error)
{
	unsigned char key[KEY_SIZE], seal[SEAL_SIZE], *manifest = NULL;
	char *json = json_dumps(sandbox, JSON_INDENT(2));
	size_t size = 0;
	int r = json ? read_key(key, false, error) : error_set(error, ENOMEM, "no memory for an image");

	if (!r)
		r = slurp(image->folder, "manifest", MANIFEST_MAX, &manifest, &size, error);
	if (!r && compute_seal(key, manifest, size, json, strlen(json), seal) != 0)
		r = error_set(error, EIO, "the seal of the image cannot be computed");
	if (!r)
		r = put_file(image->folder, "sandbox.json", json, strlen(json), error);
	if (!r)
		r = put_file(image->folder, "seal", seal, sizeof(seal), error);
	if (!r && fsync(image->folder) != 0)
		r = error_errno(error, errno, "cannot write the image");
	OPENSSL_cleanse(key, sizeof(key));
	free(manifest);
	free(json);
	return r;
}

void image_remove(struct image_files *image, const char *path)
{
	for (size_t i = 0; image->folder >= 0 && i < sizeof(names) / sizeof(*names); i++)
		unlinkat(image->folder, names[i], 0);
	rmdir(path);
	image_close(image);
}

/* ---- opening ---- */

/* The manifest as it was verified, in a file that cannot change. */
static int seal_memory(const void *data, size_t size, struct error *error)
{
	int fd = memfd_create("warren-manifest", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write_all(fd, data, size) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		int saved = errno;

		if (fd >= 0)
			close(fd);
		return error_errno(error, saved, "no memory for the image's manifest");
	}
	return fd;
}

static int verify(struct image_files *image, struct error *error)
{
	unsigned char key[KEY_SIZE], want[SEAL_SIZE], *manifest = NULL, *json = NULL, *seal = NULL;
	size_t manifest_size = 0, json_size = 0, seal_size = 0;
	int r = read_key(key, false, error);

	if (!r)
		r = slurp(image->folder, "seal", SEAL_SIZE, &seal, &seal_size, error);
	if (!r)
		r = slurp(image->folder, "manifest", MANIFEST_MAX, &manifest, &manifest_size, error);
	if (!r)
		r = slurp(image->folder, "sandbox.json", JSON_MAX, &json, &json_size, error);
	if (!r && compute_seal(key, manifest, manifest_size, json, json_size, want) != 0)
		r = error_set(error, EIO, "the seal of the image cannot be computed");
	OPENSSL_cleanse(key, sizeof(key));
	if (!r && (seal_size != SEAL_SIZE || CRYPTO_memcmp(seal, want, SEAL_SIZE) != 0))
		r = error_set(
		    error, EBADMSG,
		    "the image's seal does not fit: it was changed, or made with another key than ours");
	if (!r) {
		image->sandbox = json_loadb((const char *)json, json_size, JSON_REJECT_DUPLICATES, NULL);
		r = image->sandbox ? seal_memory(manifest, manifest_size, error)
				   : error_set(error, EBADMSG, "the image's sandbox.json is malformed");
	}
	if (r > 0) {
		image->manifest = r;
		r = 0;
	}
	free(manifest);
	free(json);
	free(seal);
	return r;
}

int image_open(struct image_files *image, const char *path, struct error *error)
{
	int r;

	*image = (struct image_files){.folder = -1, .pages = -1, .manifest = -1};
	image->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (image->folder < 0)
		return error_errno(error, errno, "the image %s", path);
	r = verify(image, error);
	if (!r) {
		image->pages = openat(image->folder, "pages", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (image->pages < 0)
			r = error_errno(error, errno, "the image has no pages");
	}
	if (r)
		image_close(image);
	return r;
}

void image_close(struct image_files *image)
{
	if (image->folder >= 0)
		close(image->folder);
	if (image->pages >= 0)
		close(image->pages);
	if (image->manifest >= 0)
		close(image->manifest);
	json_decref(image->sandbox);
	*image = (struct image_files){.folder = -1, .pages = -1, .manifest = -1};
}

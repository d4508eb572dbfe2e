/* token.c: see token.h. A token is 32 random bytes in base64url, so it fits in a header, a URL and a
 * subprotocol. */
#include "server/token.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define TOKEN_NAME     "file"
#define TOKEN_MAX_SIZE 256
#define TOKEN_LEN      43

static void hash_token(const char *token, size_t len, uint8_t hash[STORE_HASH_SIZE])
{
	SHA256((const unsigned char *)token, len, hash);
}

static int make_token(char token[TOKEN_LEN + 1], struct error *error)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t random[TOKEN_LEN];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return error_errno(error, errno, "cannot make a token");
	for (int i = 0; i < TOKEN_LEN; i++)
		token[i] = digits[random[i] & 63]; /* 258 bits */
	token[TOKEN_LEN] = 0;
	return 0;
}

/* Written under another name first: the file is whole or not there. */
static int write_token(const char *path, const char *token, struct error *error)
{
	char temporary[4200];
	int fd, r = 0;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(error, errno, "cannot make the token file %s", temporary);
	if (dprintf(fd, "%s\n", token) < 0 || fsync(fd) != 0)
		r = error_errno(error, errno, "cannot write the token file %s", temporary);
	close(fd);
	if (!r && rename(temporary, path) != 0)
		r = error_errno(error, errno, "cannot make the token file %s", path);
	return r;
}

int token_prepare(struct store *store, const char *state_dir, struct error *error)
{
	char path[4100], token[TOKEN_MAX_SIZE];
	uint8_t hash[STORE_HASH_SIZE];
	ssize_t n;
	int fd, r;

	if ((size_t)snprintf(path, sizeof(path), "%s/token", state_dir) >= sizeof(path))
		return error_set(error, ENAMETOOLONG, "the state directory's path is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, token, sizeof(token) - 1);
		close(fd);
		if (n < 0)
			return error_errno(error, errno, "cannot read %s", path);
		token[n] = 0;
		token[strcspn(token, "\r\n")] = 0;
		if (strlen(token) < 16)
			return error_set(error, EINVAL,
					 "the token in %s is too short; remove the file for a new one", path);
	} else if (errno == ENOENT) {
		r = make_token(token, error);
		if (!r)
			r = write_token(path, token, error);
		if (r)
			return r;
	} else {
		return error_errno(error, errno, "cannot read %s", path);
	}
	hash_token(token, strlen(token), hash);
	OPENSSL_cleanse(token, sizeof(token));
	return store_put_token(store, TOKEN_NAME, hash, error);
}

bool token_check(struct store *store, const char *token, char *name, size_t name_size)
{
	uint8_t hash[STORE_HASH_SIZE];
	size_t len = strnlen(token, TOKEN_MAX_SIZE);

	if (len == 0 || len == TOKEN_MAX_SIZE)
		return false;
	hash_token(token, len, hash);
	return store_has_token(store, hash, name, name_size);
}

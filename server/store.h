/* store.h: what warrend remembers across restarts, in SQLite (WAL): sandboxes and the hashes of tokens.
 *
 * Calls are synchronous and small; they run in the loop's thread.
 */
#ifndef WARREN_SERVER_STORE_H
#define WARREN_SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/error.h"

#define STORE_HASH_SIZE 32

struct store;

struct store_sandbox {
	const char *id, *state, *spec, *runtime,
	    *reason; /* spec and runtime are JSON; runtime, reason may be NULL */
	int64_t created_ms, ended_ms;
};

int store_open(struct store **store, const char *path, struct error *error);
void store_close(struct store *store);

int store_put_sandbox(struct store *store, const struct store_sandbox *row, struct error *error);
int store_delete_sandbox(struct store *store, const char *id, struct error *error);
/* Oldest first. The strings live during the call only. Nothing may be written meanwhile. */
int store_each_sandbox(struct store *store, void (*each)(void *opaque, const struct store_sandbox *row),
		       void *opaque, struct error *error);

int store_put_token(struct store *store, const char *name, const uint8_t hash[STORE_HASH_SIZE],
		    struct error *error);
int store_delete_token(struct store *store, const char *name, struct error *error);
/* Compares with every stored hash in constant time; the name of the token goes to `name`. */
bool store_has_token(struct store *store, const uint8_t hash[STORE_HASH_SIZE], char *name, size_t name_size);

#endif

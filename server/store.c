/* store.c: see store.h. Statements are prepared once. The schema's version is in PRAGMA user_version. */
#include "server/store.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEMA_VERSION 1

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE sandboxes (id TEXT PRIMARY KEY, state TEXT NOT NULL, spec TEXT NOT NULL,"
    " runtime TEXT, reason TEXT, created_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL);"
    "CREATE TABLE tokens (name TEXT PRIMARY KEY, hash BLOB NOT NULL);"
    "PRAGMA user_version = 1;"
    "COMMIT;";

enum statement {
	PUT_SANDBOX,
	DELETE_SANDBOX,
	EACH_SANDBOX,
	PUT_TOKEN,
	DELETE_TOKEN,
	EACH_TOKEN,
	STATEMENT_COUNT
};

static const char *const sql[STATEMENT_COUNT] = {
    [PUT_SANDBOX] = "INSERT OR REPLACE INTO sandboxes VALUES (?,?,?,?,?,?,?)",
    [DELETE_SANDBOX] = "DELETE FROM sandboxes WHERE id = ?",
    [EACH_SANDBOX] = "SELECT id, state, spec, runtime, reason, created_ms, ended_ms FROM sandboxes"
		     " ORDER BY created_ms, id",
    [PUT_TOKEN] = "INSERT OR REPLACE INTO tokens VALUES (?,?)",
    [DELETE_TOKEN] = "DELETE FROM tokens WHERE name = ?",
    [EACH_TOKEN] = "SELECT name, hash FROM tokens",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

static int fail(struct store *store, struct error *error, const char *what)
{
	return error_set(error, EIO, "the state store cannot %s: %s", what, sqlite3_errmsg(store->db));
}

static int prepare_schema(struct store *store, struct error *error)
{
	sqlite3_stmt *statement;
	int version = -1;

	if (sqlite3_exec(store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", NULL, NULL,
			 NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK)
		return fail(store, error, "be opened");
	if (sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	if (version == 0 && sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return fail(store, error, "make its tables");
	if (version > SCHEMA_VERSION || version < 0)
		return error_set(error, EINVAL, "the state store was written by a newer Warren (version %d)",
				 version);
	return 0;
}

int store_open(struct store **out, const char *path, struct error *error)
{
	struct store *store = calloc(1, sizeof(*store));
	int r = 0;

	if (!store)
		return error_set(error, ENOMEM, "no memory for the state store");
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		r = error_set(error, EIO, "cannot open the state store %s: %s", path,
			      sqlite3_errmsg(store->db));
	if (!r) {
		sqlite3_busy_timeout(store->db, 2000);
		r = prepare_schema(store, error);
	}
	for (int i = 0; !r && i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &store->statements[i], NULL) != SQLITE_OK)
			r = fail(store, error, "be read");
	if (r) {
		store_close(store);
		return r;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store);
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static int run(struct store *store, sqlite3_stmt *statement, const char *what, struct error *error)
{
	int r = sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(store, error, what);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return r;
}

int store_put_sandbox(struct store *store, const struct store_sandbox *row, struct error *error)
{
	sqlite3_stmt *statement = store->statements[PUT_SANDBOX];

	bind_text(statement, 1, row->id);
	bind_text(statement, 2, row->state);
	bind_text(statement, 3, row->spec);
	bind_text(statement, 4, row->runtime);
	bind_text(statement, 5, row->reason);
	sqlite3_bind_int64(statement, 6, row->created_ms);
	sqlite3_bind_int64(statement, 7, row->ended_ms);
	return run(store, statement, "record a sandbox", error);
}

int store_delete_sandbox(struct store *store, const char *id, struct error *error)
{
	bind_text(store->statements[DELETE_SANDBOX], 1, id);
	return run(store, store->statements[DELETE_SANDBOX], "forget a sandbox", error);
}

int store_each_sandbox(struct store *store, void (*each)(void *opaque, const struct store_sandbox *row),
		       void *opaque, struct error *error)
{
	sqlite3_stmt *statement = store->statements[EACH_SANDBOX];
	int r;

	while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
		struct store_sandbox row = {
		    .id = (const char *)sqlite3_column_text(statement, 0),
		    .state = (const char *)sqlite3_column_text(statement, 1),
		    .spec = (const char *)sqlite3_column_text(statement, 2),
		    .runtime = (const char *)sqlite3_column_text(statement, 3),
		    .reason = (const char *)sqlite3_column_text(statement, 4),
		    .created_ms = sqlite3_column_int64(statement, 5),
		    .ended_ms = sqlite3_column_int64(statement, 6),
		};

		each(opaque, &row);
	}
	sqlite3_reset(statement);
	return r == SQLITE_DONE ? 0 : fail(store, error, "list the sandboxes");
}

int store_put_token(struct store *store, const char *name, const uint8_t hash[STORE_HASH_SIZE],
		    struct error *error)
{
	sqlite3_stmt *statement = store->statements[PUT_TOKEN];

	bind_text(statement, 1, name);
	sqlite3_bind_blob(statement, 2, hash, STORE_HASH_SIZE, SQLITE_STATIC);
	return run(store, statement, "record a token", error);
}

int store_delete_token(struct store *store, const char *name, struct error *error)
{
	bind_text(store->statements[DELETE_TOKEN], 1, name);
	return run(store, store->statements[DELETE_TOKEN], "forget a token", error);
}

bool store_has_token(struct store *store, const uint8_t hash[STORE_HASH_SIZE], char *name, size_t name_size)
{
	sqlite3_stmt *statement = store->statements[EACH_TOKEN];
	bool found = false;

	while (sqlite3_step(statement) == SQLITE_ROW) {
		if (sqlite3_column_bytes(statement, 1) == STORE_HASH_SIZE &&
		    CRYPTO_memcmp(sqlite3_column_blob(statement, 1), hash, STORE_HASH_SIZE) == 0) {
			found = true;
			snprintf(name, name_size, "%s", (const char *)sqlite3_column_text(statement, 0));
		}
	}
	sqlite3_reset(statement);
	return found;
}

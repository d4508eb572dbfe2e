/* token.h: bearer tokens. Only their SHA-256 is stored; the first one is written to a file of mode 0600. */
#ifndef WARREN_SERVER_TOKEN_H
#define WARREN_SERVER_TOKEN_H

#include <stdbool.h>

#include "server/store.h"

/* Makes STATE_DIR/token when it is not there (the token it replaces stops working), else takes it up. */
int token_prepare(struct store *store, const char *state_dir, struct error *error);
bool token_check(struct store *store, const char *token, char *name, size_t name_size);

#endif

/* rendezvous.h: how `warren checkpoint` finds a `warren run`: a socket under the sandbox's id in a folder
 * that only its owner can enter (/run/warren, or $XDG_RUNTIME_DIR/warren). One line each way: the folder to
 * write to; "ok", or what is wrong. */
#ifndef WARREN_CLIENTS_RENDEZVOUS_H
#define WARREN_CLIENTS_RENDEZVOUS_H

#include <uv.h>

#include "server/error.h"

struct rendezvous;

/* Asks for an image in `path`; to be answered by rendezvous_answer(). */
typedef void rendezvous_asked_fn(void *opaque, const char *path);
/* NULL where there is no such folder: the sandbox then cannot be found. */
struct rendezvous *rendezvous_start(uv_loop_t *loop, const char *id, rendezvous_asked_fn *asked,
				    void *opaque);
/* `error` NULL: it is done. */
void rendezvous_answer(struct rendezvous *rendezvous, const struct error *error);
void rendezvous_end(struct rendezvous *rendezvous);

/* The other side; waits for the answer. -ENOENT: there is no such sandbox of `warren run`. */
int rendezvous_ask(const char *id, const char *path, struct error *error);

#endif

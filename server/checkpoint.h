/* checkpoint.h: writing a sandbox to a folder, from its supervisor's side. */
#ifndef WARREN_SERVER_CHECKPOINT_H
#define WARREN_SERVER_CHECKPOINT_H

#include "server/image.h"
#include "server/sandbox.h"

typedef void checkpoint_done_fn(void *opaque, const struct error *error);

/* Writes the image to the new folder `path`. `record` (stolen; also on failure) is what its sandbox.json will
 * say, beside the resources of the sandbox. `done` is called once: without an error the image is whole and
 * the sandbox stands still, to be stopped; with one nothing was written, and it goes on. An error return
 * means that `done` will not be called. */
int sandbox_checkpoint(struct sandbox *sandbox, const char *path, json_t *record, checkpoint_done_fn *done,
		       void *opaque, struct error *error);

/* What a sandbox was started with, as JSON and back. The strings in `config` belong to the JSON. */
json_t *sandbox_config_record(const struct sandbox_config *config);
int sandbox_config_read(const json_t *record, struct sandbox_config *config, struct error *error);

#endif

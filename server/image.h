/* image.h: the folder of a checkpoint as its supervisor sees it (docs/checkpoint.md).
 *
 * The sentry writes `pages` and `manifest`; we add `sandbox.json` (what it takes to start it again) and, last
 * of all, `seal`: an HMAC over both with a key that only the owner of this machine's sandboxes can read. A
 * folder without a seal is no image. What was verified is what is used: the manifest goes to the sentry in a
 * sealed memfd, the JSON is parsed from memory.
 */
#ifndef WARREN_SERVER_IMAGE_H
#define WARREN_SERVER_IMAGE_H

#include <jansson.h>

#include "server/error.h"

struct image_files {
	int folder, pages, manifest; /* -1: not open */
	json_t *sandbox;             /* opened: what sandbox.json says */
};

/* Makes the folder, which must not exist, and the two files for the sentry to write. */
int image_create(struct image_files *image, const char *path, struct error *error);
/* Adds sandbox.json and the seal; everything is on the disk when it returns. */
int image_seal(struct image_files *image, const json_t *sandbox, struct error *error);
/* Removes what was made of an image that did not come about. */
void image_remove(struct image_files *image, const char *path);

/* Verifies the seal and opens an image: `manifest` is then a memfd that nobody can change. */
int image_open(struct image_files *image, const char *path, struct error *error);
void image_close(struct image_files *image);

#endif

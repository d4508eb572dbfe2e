/* config.h: how warrend was told to work. */
#ifndef WARREN_API_CONFIG_H
#define WARREN_API_CONFIG_H

#include <stdbool.h>

#include "server/error.h"

#define CONFIG_MAX_LIST 64

struct config {
	char *listen, *state_dir;
	char *rootfs[CONFIG_MAX_LIST], *volumes[CONFIG_MAX_LIST], *origins[CONFIG_MAX_LIST],
	    *images[CONFIG_MAX_LIST];
	unsigned int rootfs_count, volume_count, origin_count, image_count;
	unsigned int max_sandboxes, max_terminals;
};

/* From the command line and the file named there. 0; 1: the help was asked for; negative: error. */
int config_parse(struct config *config, int argc, char **argv, struct error *error);
void config_free(struct config *config);

/* Whether `path` (resolved) is one of the folders or lies below one. `resolved` gets the real path. ENOENT,
 * EACCES… as realpath has them, EPERM when it is not allowed. */
int config_allowed(char *const *folders, unsigned int count, const char *path, char resolved[4096]);

#endif

/* config.c: see config.h. The file is a JSON object with the options' names: {"listen": "...", "state_dir":
 * "...", "allow_rootfs": [...], "allow_volumes": [...], "allow_origins": [...], "allow_images": [...],
 * "max_sandboxes": N, "max_terminals": N}. */
#include "api/config.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int add(char **list, unsigned int *count, const char *text, struct error *error)
{
	if (*count == CONFIG_MAX_LIST)
		return error_set(error, E2BIG, "more than %d entries in a list of the configuration",
				 CONFIG_MAX_LIST);
	list[*count] = strdup(text);
	return list[*count] ? ((*count)++, 0) : error_set(error, ENOMEM, "no memory");
}

/* Folders are compared by their real paths, so they must exist now. */
static int add_folder(char **list, unsigned int *count, const char *text, struct error *error)
{
	char real[PATH_MAX];

	if (!realpath(text, real))
		return error_errno(error, errno, "the allowed folder %s", text);
	return add(list, count, real, error);
}

static int replace(char **text, const char *with, struct error *error)
{
	free(*text);
	*text = strdup(with);
	return *text ? 0 : error_set(error, ENOMEM, "no memory");
}

static int parse_limit(unsigned int *limit, const json_t *value, const char *name, struct error *error)
{
	if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > 1000000)
		return error_set(error, EINVAL, "%s must be a number from 1 to 1000000", name);
	*limit = (unsigned int)json_integer_value(value);
	return 0;
}

static int parse_member(struct config *config, const char *name, const json_t *value, struct error *error)
{
	bool rootfs = strcmp(name, "allow_rootfs") == 0, volumes = strcmp(name, "allow_volumes") == 0,
	     images = strcmp(name, "allow_images") == 0;
	int r = 0;

	if (strcmp(name, "max_sandboxes") == 0)
		return parse_limit(&config->max_sandboxes, value, name, error);
	if (strcmp(name, "max_terminals") == 0)
		return parse_limit(&config->max_terminals, value, name, error);
	if (strcmp(name, "listen") == 0 && json_is_string(value))
		return config->listen ? 0 : replace(&config->listen, json_string_value(value), error);
	if (strcmp(name, "state_dir") == 0 && json_is_string(value))
		return config->state_dir ? 0 : replace(&config->state_dir, json_string_value(value), error);
	if ((!rootfs && !volumes && !images && strcmp(name, "allow_origins") != 0) || !json_is_array(value))
		return error_set(error, EINVAL, "the configuration's '%s' is unknown or of the wrong type",
				 name);
	for (size_t i = 0; !r && i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));

		if (!text)
			r = error_set(error, EINVAL, "the configuration's '%s' must hold strings", name);
		else if (rootfs)
			r = add_folder(config->rootfs, &config->rootfs_count, text, error);
		else if (images)
			r = add_folder(config->images, &config->image_count, text, error);
		else if (volumes)
			r = add_folder(config->volumes, &config->volume_count, text, error);
		else
			r = add(config->origins, &config->origin_count, text, error);
	}
	return r;
}

static int parse_file(struct config *config, const char *path, struct error *error)
{
	json_error_t where;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where), *value;
	const char *name;
	int r = 0;

	if (!root)
		return error_set(error, EINVAL, "the configuration %s, line %d, column %d: %s", path,
				 where.line, where.column, where.text);
	if (!json_is_object(root))
		r = error_set(error, EINVAL, "the configuration %s is not a JSON object", path);
	json_object_foreach(root, name, value)
	{
		if (!r)
			r = parse_member(config, name, value, error);
	}
	json_decref(root);
	return r;
}

int config_parse(struct config *config, int argc, char **argv, struct error *error)
{
	static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
						{"state-dir", required_argument, NULL, 's'},
						{"allow-rootfs", required_argument, NULL, 'r'},
						{"allow-volume", required_argument, NULL, 'v'},
						{"allow-images", required_argument, NULL, 'i'},
						{"allow-origin", required_argument, NULL, 'o'},
						{"config", required_argument, NULL, 'c'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	const char *file = NULL;
	int option, r = 0;

	memset(config, 0, sizeof(*config));
	config->max_sandboxes = 256;
	config->max_terminals = 256;
	while (!r && (option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option == 'l')
			r = replace(&config->listen, optarg, error);
		else if (option == 's')
			r = replace(&config->state_dir, optarg, error);
		else if (option == 'r')
			r = add_folder(config->rootfs, &config->rootfs_count, optarg, error);
		else if (option == 'v')
			r = add_folder(config->volumes, &config->volume_count, optarg, error);
		else if (option == 'i')
			r = add_folder(config->images, &config->image_count, optarg, error);
		else if (option == 'o')
			r = add(config->origins, &config->origin_count, optarg, error);
		else if (option == 'c')
			file = optarg;
		else if (option == 'h')
			return 1;
		else
			r = error_set(error, EINVAL, "bad option (see warrend --help)");
	}
	if (!r && optind < argc)
		r = error_set(error, EINVAL, "'%s' is not an option (see warrend --help)", argv[optind]);
	if (!r && file)
		r = parse_file(config, file, error);
	if (!r && !config->listen)
		r = replace(&config->listen, "127.0.0.1:7070", error);
	if (!r && !config->state_dir)
		r = error_set(error, EINVAL, "--state-dir is missing (see warrend --help)");
	return r;
}

void config_free(struct config *config)
{
	free(config->listen);
	free(config->state_dir);
	for (unsigned int i = 0; i < config->rootfs_count; i++)
		free(config->rootfs[i]);
	for (unsigned int i = 0; i < config->volume_count; i++)
		free(config->volumes[i]);
	for (unsigned int i = 0; i < config->image_count; i++)
		free(config->images[i]);
	for (unsigned int i = 0; i < config->origin_count; i++)
		free(config->origins[i]);
}

int config_allowed(char *const *folders, unsigned int count, const char *path, char resolved[4096])
{
	if (!realpath(path, resolved))
		return -errno;
	for (unsigned int i = 0; i < count; i++) {
		size_t len = strlen(folders[i]);

		if (strcmp(folders[i], "/") == 0 ||
		    (strncmp(resolved, folders[i], len) == 0 && (resolved[len] == 0 || resolved[len] == '/')))
			return 0;
	}
	return -EPERM;
}

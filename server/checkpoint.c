/* checkpoint.c: a sandbox's way into a folder: files for the sentry, its answer, sandbox.json, the seal. */
#include "server/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECKPOINT_TIMEOUT_MS 300000

struct checkpoint {
	struct sandbox *sandbox;
	struct image_files image;
	char *path;
	json_t *record;
	checkpoint_done_fn *done;
	void *opaque;
};

static void checkpoint_free(struct checkpoint *checkpoint)
{
	image_close(&checkpoint->image);
	json_decref(checkpoint->record);
	free(checkpoint->path);
	free(checkpoint);
}

/* The sandbox stands still, but its image cannot be used: there is no way back for it. */
static void seal_failed(struct checkpoint *checkpoint)
{
	sandbox_kill(checkpoint->sandbox, "its image could not be finished");
}

static void answered(void *opaque, const struct error *error, const json_t *answer)
{
	struct checkpoint *checkpoint = opaque;
	struct error why;

	if (!error) {
		json_t *resources = json_pack("{s:O?,s:O?}", "gofers", json_object_get(answer, "gofers"),
					      "streams", json_object_get(answer, "streams"));

		json_object_set_new(checkpoint->record, "format", json_integer(1));
		json_object_set_new(checkpoint->record, "resources", resources);
		if (image_seal(&checkpoint->image, checkpoint->record, &why) != 0) {
			error = &why;
			seal_failed(checkpoint);
		}
	}
	if (error)
		image_remove(&checkpoint->image, checkpoint->path);
	checkpoint->done(checkpoint->opaque, error);
	checkpoint_free(checkpoint);
}

int sandbox_checkpoint(struct sandbox *sandbox, const char *path, json_t *record, checkpoint_done_fn *done,
		       void *opaque, struct error *error)
{
	struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
	int fds[2], r;

	if (checkpoint)
		checkpoint->path = strdup(path);
	if (!checkpoint || !checkpoint->path) {
		free(checkpoint);
		json_decref(record);
		return error_set(error, ENOMEM, "no memory for a checkpoint");
	}
	checkpoint->sandbox = sandbox;
	checkpoint->record = record;
	checkpoint->done = done;
	checkpoint->opaque = opaque;
	r = image_create(&checkpoint->image, path, error);
	if (r) {
		checkpoint_free(checkpoint);
		return r;
	}
	fds[0] = fcntl(checkpoint->image.pages, F_DUPFD_CLOEXEC, 0);
	fds[1] = fcntl(checkpoint->image.manifest, F_DUPFD_CLOEXEC, 0);
	r = sandbox_request(sandbox, "checkpoint", json_pack("{s:i,s:i}", "pages", 0, "manifest", 1), fds, 2,
			    CHECKPOINT_TIMEOUT_MS, answered, checkpoint, error);
	if (r) {
		image_remove(&checkpoint->image, path);
		checkpoint_free(checkpoint);
	}
	return r;
}

/* ---- what it was started with ---- */

/* Where a folder is, whatever the current one will be. */
static json_t *absolute(const char *path)
{
	char *real = realpath(path, NULL);
	json_t *text = json_string(real ? real : path);

	free(real);
	return text;
}

json_t *sandbox_config_record(const struct sandbox_config *config)
{
	json_t *volumes = json_array(), *record;

	for (unsigned int i = 0; i < config->volume_count; i++)
		json_array_append_new(
		    volumes, json_pack("{s:o,s:s,s:b}", "host", absolute(config->volumes[i].host), "guest",
				       config->volumes[i].guest, "read_only", config->volumes[i].read_only));
	record = json_pack("{s:o,s:b,s:b,s:o,s:I,s:I,s:i}", "rootfs", absolute(config->rootfs), "read_only",
			   config->rootfs_read_only, "shared", config->files_shared, "volumes", volumes,
			   "memory_bytes", (json_int_t)config->memory_bytes, "pids", (json_int_t)config->pids,
			   "cpu_millis", (int)config->cpu_millis);
	if (record && config->overlay)
		json_object_set_new(record, "overlay", json_string(config->overlay));
	if (record && config->hostname)
		json_object_set_new(record, "hostname", json_string(config->hostname));
	return record;
}

int sandbox_config_read(const json_t *record, struct sandbox_config *config, struct error *error)
{
	const json_t *volumes = json_object_get(record, "volumes"), *v;
	size_t i;

	config->rootfs = json_string_value(json_object_get(record, "rootfs"));
	config->rootfs_read_only = json_is_true(json_object_get(record, "read_only"));
	config->files_shared = json_is_true(json_object_get(record, "shared"));
	config->overlay = json_string_value(json_object_get(record, "overlay"));
	config->hostname = json_string_value(json_object_get(record, "hostname"));
	config->memory_bytes = (uint64_t)json_integer_value(json_object_get(record, "memory_bytes"));
	config->pids = (uint64_t)json_integer_value(json_object_get(record, "pids"));
	config->cpu_millis = (unsigned int)json_integer_value(json_object_get(record, "cpu_millis"));
	config->volume_count = 0;
	if (!config->rootfs || json_array_size(volumes) > SANDBOX_MAX_VOLUMES)
		return error_set(error, EBADMSG, "the image does not say how its sandbox was started");
	json_array_foreach(volumes, i, v)
	{
		struct sandbox_volume *volume = &config->volumes[config->volume_count++];

		volume->host = json_string_value(json_object_get(v, "host"));
		volume->guest = json_string_value(json_object_get(v, "guest"));
		volume->read_only = json_is_true(json_object_get(v, "read_only"));
		if (!volume->host || !volume->guest)
			return error_set(error, EBADMSG, "the image does not say what its volumes were");
	}
	return 0;
}

/* checkpoint.c: POST /v1/sandboxes/{id}/checkpoint: a sandbox into a folder of the host; it ends by that.
 *
 * The folder is made below one that the configuration allows for it. A client that goes away does not change
 * what was begun.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/config.h"
#include "api/http.h"
#include "api/routes.h"
#include "server/checkpoint.h"

struct checkpoint_request {
	struct request *request; /* NULL: the client has gone */
	struct api *api;
	char id[64], path[4200];
	struct checkpoint_request *next;
};

/* The real path of the folder to be made; answers with a problem if it may not be. */
static bool find_path(struct request *request, char path[4200])
{
	const struct config *config = request->api->config;
	const char *image = json_string_value(json_object_get(request->body, "image"));
	char parent[4096], name[4096], real[4096];
	const char *base;
	int r;

	if (strlen(image) >= sizeof(parent) || *image != '/') {
		request_problem(request, 400, "bad_format", "the image is not an absolute path");
		return false;
	}
	strcpy(parent, image);
	strcpy(name, image);
	base = basename(name);
	r = config_allowed(config->images, config->image_count, dirname(parent), real);
	if (r || !strcmp(base, ".") || !strcmp(base, "..") || !strcmp(base, "/")) {
		request_problem(request, 403, "path_not_allowed",
				"the configuration does not allow this image");
		return false;
	}
	snprintf(path, 4200, "%s/%s", strcmp(real, "/") ? real : "", base);
	return true;
}

static void cancelled(struct request *request)
{
	for (struct checkpoint_request *c = request->api->checkpoints; c; c = c->next)
		if (c->request == request)
			c->request = NULL;
}

static void unlink_request(struct checkpoint_request *c)
{
	struct checkpoint_request **at = &c->api->checkpoints;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
}

static void done(void *opaque, const struct error *error)
{
	struct checkpoint_request *c = opaque;
	struct entry *entry = supervisor_find(c->api->supervisor, c->id);
	struct sandbox *sandbox = entry ? entry_sandbox(entry) : NULL;

	if (!error && sandbox)
		sandbox_stop(sandbox, "it was written to an image");
	if (c->request && error)
		request_error(c->request, error);
	else if (c->request)
		request_answer_json(c->request, 200, json_pack("{s:s}", "image", c->path));
	unlink_request(c);
	free(c);
}

void api_checkpoint_sandbox(struct request *request)
{
	struct entry *entry;
	struct sandbox *sandbox = request_running_sandbox(request, &entry);
	struct sandbox_config config = {.log_fd = -1};
	struct checkpoint_request *c;
	struct error error;

	if (!sandbox)
		return;
	c = calloc(1, sizeof(*c));
	if (!c) {
		error_set(&error, ENOMEM, "no memory for a checkpoint");
		request_error(request, &error);
		return;
	}
	if (!find_path(request, c->path)) {
		free(c);
		return;
	}
	c->request = request;
	c->api = request->api;
	snprintf(c->id, sizeof(c->id), "%s", entry_id(entry));
	c->next = c->api->checkpoints;
	c->api->checkpoints = c;
	request->cancel = cancelled;
	entry_config(entry, &config);
	if (sandbox_checkpoint(sandbox, c->path, json_pack("{s:o}", "config", sandbox_config_record(&config)),
			       done, c, &error) != 0) {
		unlink_request(c);
		free(c);
		request_error(request, &error);
	}
}

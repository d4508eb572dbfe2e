/* containers.c: further containers in a sandbox. Their state is the kernel's alone: warrend keeps none of it,
 * so after a restart it asks again. */
#include <errno.h>
#include <string.h>

#include "api/routes.h"
#include "server/sandbox.h"

#define LIST_TIMEOUT_MS   5000
#define DELETE_TIMEOUT_MS 30000

static void request_gone(struct request *request)
{
	struct entry *entry = supervisor_find(request->api->supervisor, request->parameter);
	struct sandbox *sandbox = entry ? entry_sandbox(entry) : NULL;

	if (sandbox)
		sandbox_cancel(sandbox, request);
}

static void container_error(struct request *request, const struct error *error)
{
	if (error->code == ENOENT)
		request_problem(request, 404, "no_such_container", "%s", error->message);
	else if (error->code == EEXIST)
		request_problem(request, 409, "container_exists", "%s", error->message);
	else if (error->code == EBUSY || error->code == ESRCH)
		request_problem(request, 409, "container_busy", "%s", error->message);
	else
		request_error(request, error);
}

/* --- list --- */

static void listed(void *opaque, const struct error *error, const json_t *answer)
{
	json_t *items = json_array(), *value;
	size_t index;

	if (error) {
		json_decref(items);
		request_error(opaque, error);
		return;
	}
	json_array_foreach(json_object_get(answer, "containers"), index, value)
	{
		json_t *item = json_deep_copy(value);
		json_object_set(item, "name", json_object_get(item, "id"));
		json_object_del(item, "id");
		json_array_append_new(items, item);
	}
	request_answer_json(opaque, 200, json_pack("{s:o}", "items", items));
}

void api_list_containers(struct request *request)
{
	struct entry *entry;
	struct sandbox *sandbox = request_running_sandbox(request, &entry);
	struct error error;

	if (!sandbox)
		return;
	request->cancel = request_gone;
	if (sandbox_request(sandbox, "list", NULL, NULL, 0, LIST_TIMEOUT_MS, listed, request, &error) != 0)
		request_error(request, &error);
}

/* --- create --- */

static void created(void *opaque, const struct error *error, const json_t *answer)
{
	struct request *request = opaque;

	if (error)
		container_error(request, error);
	else
		request_answer_json(request, 201,
				    json_pack("{s:O,s:s}", "name", json_object_get(request->body, "name"),
					      "status", "created"));
}

static void fill(struct sandbox_config *config, const json_t *spec)
{
	const json_t *overlay = json_object_get(spec, "overlay"), *volume;
	size_t index;

	config->rootfs = json_string_value(json_object_get(spec, "rootfs"));
	config->rootfs_read_only = json_is_true(json_object_get(spec, "read_only"));
	if (overlay ? json_is_true(overlay) : !config->rootfs_read_only)
		config->overlay = "memory"; /* as for the sandbox's first: the tree stays as it is */
	config->hostname = json_string_value(json_object_get(spec, "hostname"));
	json_array_foreach(json_object_get(spec, "volumes"), index, volume)
	{
		config->volumes[config->volume_count++] = (struct sandbox_volume){
		    .host = json_string_value(json_object_get(volume, "source")),
		    .guest = json_string_value(json_object_get(volume, "target")),
		    .read_only = json_is_true(json_object_get(volume, "read_only")),
		};
	}
}

void api_create_container(struct request *request)
{
	struct sandbox_config config = {.log_fd = -1};
	struct entry *entry;
	struct sandbox *sandbox = request_running_sandbox(request, &entry);
	struct error error;

	if (!sandbox || !request_check_trees(request))
		return;
	fill(&config, request->body);
	request->cancel = request_gone;
	if (sandbox_add_container(sandbox, json_string_value(json_object_get(request->body, "name")), &config,
				  json_object_get(request->body, "namespaces"), created, request,
				  &error) != 0)
		container_error(request, &error);
}

/* --- delete --- */

static void deleted(void *opaque, const struct error *error, const json_t *answer)
{
	if (error)
		container_error(opaque, error);
	else
		request_answer_json(opaque, 204, NULL);
}

void api_delete_container(struct request *request)
{
	const char *name = request->parameter + strlen(request->parameter) + 1;
	struct entry *entry;
	struct sandbox *sandbox = request_running_sandbox(request, &entry);
	struct error error;

	if (!sandbox)
		return;
	if (strcmp(name, SANDBOX_CONTAINER) == 0) {
		request_problem(request, 409, "first_container", "the first container goes with its sandbox");
		return;
	}
	request->cancel = request_gone;
	if (sandbox_request(sandbox, "delete", json_pack("{s:s}", "container", name), NULL, 0,
			    DELETE_TIMEOUT_MS, deleted, request, &error) != 0)
		container_error(request, &error);
}

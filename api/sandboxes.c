/* sandboxes.c: the operations on sandboxes as such, and the daemon's health. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/config.h"
#include "api/routes.h"
#include <config.h>

#define STATS_TIMEOUT_MS  5000
#define DEFAULT_PAGE_SIZE 100
#define DEFAULT_PATH      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void api_healthz(struct request *request)
{
	request_answer_json(request, 200,
			    json_pack("{s:s,s:s,s:i}", "status", "ok", "version", PACKAGE_VERSION,
				      "sandboxes", (int)supervisor_running_count(request->api->supervisor)));
}

static struct entry *find(struct request *request)
{
	struct entry *entry = supervisor_find(request->api->supervisor, request->parameter);

	if (!entry)
		request_problem(request, 404, "no_such_sandbox", "there is no sandbox with this id");
	return entry;
}

struct sandbox *request_running_sandbox(struct request *request, struct entry **entry)
{
	struct sandbox *sandbox;

	*entry = find(request);
	if (!*entry)
		return NULL;
	sandbox = entry_sandbox(*entry);
	if (!sandbox)
		request_problem(request, 409, "sandbox_not_running", "the sandbox does not run%s%s",
				*entry_reason(*entry) ? ": " : "", entry_reason(*entry));
	return sandbox;
}

void api_list_sandboxes(struct request *request)
{
	struct supervisor *supervisor = request->api->supervisor;
	const json_t *limit = json_object_get(request->query, "limit");
	const char *cursor = json_string_value(json_object_get(request->query, "cursor"));
	size_t left = limit ? (size_t)json_integer_value(limit) : DEFAULT_PAGE_SIZE;
	struct entry *entry = NULL, *last = NULL;
	json_t *items = json_array();

	if (cursor) {
		entry = supervisor_find(supervisor, cursor);
		if (!entry) {
			json_decref(items);
			request_problem(request, 400, "bad_cursor",
					"the sandbox this page begins after is gone; start again");
			return;
		}
	}
	while (left-- && (entry = supervisor_next(supervisor, entry))) {
		json_array_append_new(items, entry_json(entry));
		last = entry;
	}
	if (last && supervisor_next(supervisor, last))
		request_answer_json(request, 200,
				    json_pack("{s:o,s:s}", "items", items, "next_cursor", entry_id(last)));
	else
		request_answer_json(request, 200, json_pack("{s:o,s:n}", "items", items, "next_cursor"));
}

void api_get_sandbox(struct request *request)
{
	struct entry *entry = find(request);

	if (entry)
		request_answer_json(request, 200, entry_json(entry));
}

/* --- create --- */

static bool check_folder(struct request *request, json_t *object, const char *member, char *const *allowed,
			 unsigned int count, const char *what)
{
	const char *path = json_string_value(json_object_get(object, member));
	char real[4096];
	int r = config_allowed(allowed, count, path, real);

	if (r == 0) {
		/* What was checked is what is used. */
		json_object_set_new(object, member, json_string(real));
		return true;
	}
	/* A path outside must not tell whether it exists. */
	if (r == -EPERM || count == 0 || r == -EACCES)
		request_problem(request, 403, "path_not_allowed", "the configuration does not allow this %s",
				what);
	else
		request_problem(request, 422, "no_such_directory", "the %s cannot be used: %s", what,
				strerror(-r));
	return false;
}

static bool check_env(struct request *request, const json_t *env)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)env, name, value)
	{
		if (!*name || strchr(name, '=')) {
			request_problem(request, 400, "bad_format",
					"a variable's name is empty or has '=' in it");
			return false;
		}
	}
	return true;
}

/* Of all that may be wrong, these are the caller's to put right. */
static void create_failed(struct request *request, const struct error *error)
{
	if (error->code == EADDRINUSE)
		request_problem(request, 409, "port_in_use", "%s", error->message);
	else if (error->code == EADDRNOTAVAIL)
		request_problem(request, 422, "no_such_address", "%s", error->message);
	else
		request_error(request, error);
}

static bool check_ports(struct request *request, const json_t *body)
{
	const char *network = json_string_value(json_object_get(body, "network"));
	const json_t *ports = json_object_get(body, "ports"), *value;
	struct publish_port port;
	size_t index;

	if (json_array_size(ports) && (!network || strcmp(network, "sandbox") != 0)) {
		request_problem(request, 400, "bad_format",
				"ports are published with \"network\":\"sandbox\" only");
		return false;
	}
	json_array_foreach(ports, index, value)
	{
		if (!publish_parse_host(json_string_value(json_object_get(value, "host_ip")), &port)) {
			request_problem(request, 400, "bad_format", "/ports/%zu/host_ip is no address",
					index);
			return false;
		}
	}
	return true;
}

static void created(void *opaque, const struct error *error, struct entry *entry)
{
	struct request *request = opaque;

	if (error)
		create_failed(request, error);
	else
		request_answer_json(request, 201, entry_json(entry));
}

static void create_cancelled(struct request *request)
{
	supervisor_cancel(request->api->supervisor, request);
}

bool request_check_trees(struct request *request)
{
	const struct config *config = request->api->config;
	size_t index;
	json_t *volume;

	if (!check_folder(request, request->body, "rootfs", config->rootfs, config->rootfs_count,
			  "root file system"))
		return false;
	json_array_foreach(json_object_get(request->body, "volumes"), index, volume)
	{
		if (!check_folder(request, volume, "source", config->volumes, config->volume_count, "volume"))
			return false;
	}
	return true;
}

void api_create_sandbox(struct request *request)
{
	struct error error;

	if (!check_env(request, json_object_get(request->body, "env")) || !request_check_trees(request) ||
	    !check_ports(request, request->body))
		return;
	request->cancel = create_cancelled;
	if (supervisor_create(request->api->supervisor, request->body, created, request, &error) != 0)
		create_failed(request, &error);
}

/* --- delete --- */

static void removed(void *opaque)
{
	request_answer_json(opaque, 204, NULL);
}

void api_delete_sandbox(struct request *request)
{
	struct entry *entry = find(request);
	struct error error;

	if (!entry)
		return;
	request->cancel = create_cancelled;
	if (supervisor_remove(request->api->supervisor, entry, removed, request, &error) != 0)
		request_error(request, &error);
}

/* --- stats --- */

static void stats_answered(void *opaque, const struct error *error, const json_t *answer)
{
	json_t *body = json_copy((json_t *)answer);

	if (error) {
		request_error(opaque, error);
		return;
	}
	json_object_del(body, "id");
	json_object_del(body, "ok");
	request_answer_json(opaque, 200, body);
}

static void stats_cancelled(struct request *request)
{
	struct entry *entry = supervisor_find(request->api->supervisor, request->parameter);
	struct sandbox *sandbox = entry ? entry_sandbox(entry) : NULL;

	if (sandbox)
		sandbox_cancel(sandbox, request);
}

void api_sandbox_stats(struct request *request)
{
	struct entry *entry;
	struct sandbox *sandbox = request_running_sandbox(request, &entry);
	struct error error;

	if (!sandbox)
		return;
	request->cancel = stats_cancelled;
	if (sandbox_request(sandbox, "stats", NULL, NULL, 0, STATS_TIMEOUT_MS, stats_answered, request,
			    &error) != 0)
		request_error(request, &error);
}

/* --- what exec and terminal share --- */

static void set_variables(json_t *variables, const json_t *from)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)from, name, value)
	{
		json_object_set(variables, name, value);
	}
}

static json_t *parse_user(const char *text)
{
	unsigned int uid, gid;
	int end = 0;

	if (!text)
		return json_pack("{s:i,s:i}", "uid", 0, "gid", 0);
	if (strlen(text) < 22 && strspn(text, "0123456789:") == strlen(text)) {
		if (sscanf(text, "%10u:%10u%n", &uid, &gid, &end) == 2 && !text[end])
			return json_pack("{s:I,s:I}", "uid", (json_int_t)uid, "gid", (json_int_t)gid);
		if (sscanf(text, "%10u%n", &uid, &end) == 1 && !text[end])
			return json_pack("{s:I,s:I}", "uid", (json_int_t)uid, "gid", (json_int_t)uid);
	}
	return json_pack("{s:i,s:i,s:s}", "uid", 0, "gid", 0, "name", text);
}

json_t *exec_params(const struct entry *entry, const char *container, json_t *argv, const json_t *env,
		    const char *cwd, const char *user, bool tty)
{
	json_t *variables =
	    json_pack("{s:s,s:s}", "PATH", strchr(DEFAULT_PATH, '=') + 1, "HOME", user ? "/" : "/root");
	json_t *list = json_array(), *value;
	const char *name;

	if (tty)
		json_object_set_new(variables, "TERM", json_string("xterm-256color"));
	set_variables(variables, json_object_get(entry_spec(entry), "env"));
	set_variables(variables, env);
	json_object_foreach(variables, name, value)
	{
		json_array_append_new(list, json_sprintf("%s=%s", name, json_string_value(value)));
	}
	json_decref(variables);
	return json_pack("{s:s,s:o,s:o,s:s,s:o,s:b}", "container", container ? container : SANDBOX_CONTAINER,
			 "argv", argv, "env", list, "cwd", cwd ? cwd : "/", "user", parse_user(user), "tty",
			 tty);
}

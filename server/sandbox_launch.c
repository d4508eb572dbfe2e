/* sandbox_launch.c: starting a sandbox: control socket, gofers, sentry, and the request that creates its
 * container.
 *
 * The connection is made before the sentry runs (it waits in the listening socket's queue) and the `create`
 * request is sent at once, so that the start costs no round trip of its own. Descriptors of the gofers'
 * sockets are given away with that request.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/control/proto.h"
#include "server/endpoint.h"
#include "server/network.h"
#include "server/sandbox_priv.h"

#define RESTORE_TIMEOUT_MS 120000

static int check_directory(const char *path, const char *what, struct error *error)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(error, errno, "%s %s", what, path);
	close(fd);
	return 0;
}

/* A place for a gofer: a new one, or that of one which has ended with its container. */
static struct sandbox_process *free_slot(struct sandbox *sandbox)
{
	for (unsigned int i = 0; i < sandbox->gofer_count; i++)
		if (!sandbox->gofers[i].watch)
			return &sandbox->gofers[i];
	return sandbox->gofer_count < SANDBOX_MAX_GOFERS ? &sandbox->gofers[sandbox->gofer_count] : NULL;
}

/* Starts the gofer of one tree. Returns the sentry's end of its socket. */
static int start_gofer(struct sandbox *sandbox, const char *root, bool read_only, int log_fd,
		       const int *cgroup_fds, unsigned int cgroup_count, struct error *error)
{
	struct spawn_options options = {.stderr_fd = log_fd, .cgroup_count = cgroup_count};
	struct sandbox_process *gofer = free_slot(sandbox);
	char path[4096], fd_text[16], log_text[16];
	const char *argv[10] = {"warren-gofer", "--root", root, "--fd", fd_text};
	unsigned int argc = 5;
	int pair[2], pidfd, r;

	if (!gofer)
		return error_set(error, EAGAIN, "the sandbox has %d trees already", SANDBOX_MAX_GOFERS);
	r = spawn_find_program(path, sizeof(path), "warren-gofer", error);
	if (r)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_errno(error, errno, "cannot make a socket for a gofer");
	snprintf(fd_text, sizeof(fd_text), "%d", pair[0]);
	snprintf(log_text, sizeof(log_text), "%d", log_fd);
	if (read_only)
		argv[argc++] = "--ro";
	options.fds[options.fd_count++] = pair[0];
	if (log_fd >= 0) {
		argv[argc++] = "--log-fd";
		argv[argc++] = log_text;
		options.fds[options.fd_count++] = log_fd;
	}
	options.path = path;
	options.argv = (char *const *)argv;
	memcpy(options.cgroup_fds, cgroup_fds, cgroup_count * sizeof(int));
	r = spawn_program(&options, &gofer->pid, &pidfd, error);
	close(pair[0]);
	if (r) {
		close(pair[1]);
		return r;
	}
	gofer->start_time = process_start_time(gofer->pid);
	gofer->owner = sandbox;
	gofer->watch =
	    process_watch_start(sandbox->loop, gofer->pid, pidfd, sandbox_gofer_ended, gofer, error);
	if (!gofer->watch) {
		process_kill(pidfd, SIGKILL);
		close(pidfd);
		close(pair[1]);
		return -ENOMEM;
	}
	if (gofer == &sandbox->gofers[sandbox->gofer_count])
		sandbox->gofer_count++;
	return pair[1];
}

static int start_sentry(struct sandbox *sandbox, const struct sandbox_config *config, int listen_fd,
			int lease_fd, const int *cgroup_fds, unsigned int cgroup_count, struct error *error)
{
	struct spawn_options options = {.stderr_fd = config->log_fd, .cgroup_count = cgroup_count};
	char path[4096], control[16], ready[16], log[16], memory[32], pids[32], manifest[16], pages[16],
	    lease[16];
	const char *argv[24] = {"warren-sentry", "--id",       sandbox->id, "--control-fd",
				control,         "--ready-fd", ready};
	unsigned int argc = 7;
	int pipe_fds[2], pidfd, r;

	r = spawn_find_program(path, sizeof(path), "warren-sentry", error);
	if (r)
		return r;
	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return error_errno(error, errno, "cannot make a pipe");
	snprintf(control, sizeof(control), "%d", listen_fd);
	snprintf(ready, sizeof(ready), "%d", pipe_fds[1]);
	snprintf(log, sizeof(log), "%d", config->log_fd);
	options.fds[options.fd_count++] = listen_fd;
	options.fds[options.fd_count++] = pipe_fds[1];
	if (config->log_fd >= 0) {
		argv[argc++] = "--log-fd";
		argv[argc++] = log;
		options.fds[options.fd_count++] = config->log_fd;
	}
	if (lease_fd >= 0) {
		snprintf(lease, sizeof(lease), "%d", lease_fd);
		argv[argc++] = "--lease-fd";
		argv[argc++] = lease;
		options.fds[options.fd_count++] = lease_fd;
	}
	if (config->strace)
		argv[argc++] = "--strace";
	if (config->restore) {
		snprintf(manifest, sizeof(manifest), "%d", config->restore->manifest);
		snprintf(pages, sizeof(pages), "%d", config->restore->pages);
		argv[argc++] = "--image-manifest";
		argv[argc++] = manifest;
		argv[argc++] = "--image-pages";
		argv[argc++] = pages;
		options.fds[options.fd_count++] = config->restore->manifest;
		options.fds[options.fd_count++] = config->restore->pages;
	}
	if (config->memory_bytes) {
		snprintf(memory, sizeof(memory), "%llu", (unsigned long long)config->memory_bytes);
		argv[argc++] = "--memory";
		argv[argc++] = memory;
	}
	if (config->pids) {
		snprintf(pids, sizeof(pids), "%llu", (unsigned long long)config->pids);
		argv[argc++] = "--pids";
		argv[argc++] = pids;
	}
	options.path = path;
	options.argv = (char *const *)argv;
	memcpy(options.cgroup_fds, cgroup_fds, cgroup_count * sizeof(int));
	r = spawn_program(&options, &sandbox->starter.pid, &pidfd, error);
	close(pipe_fds[1]);
	if (r) {
		close(pipe_fds[0]);
		return r;
	}
	sandbox->ready_fd = pipe_fds[0];
	fcntl(sandbox->ready_fd, F_SETFL, O_NONBLOCK);
	sandbox->starter.watch = process_watch_start(sandbox->loop, sandbox->starter.pid, pidfd,
						     sandbox_starter_ended, sandbox, error);
	if (!sandbox->starter.watch) {
		process_kill(pidfd, SIGKILL);
		close(pidfd);
		return -ENOMEM;
	}
	return 0;
}

static void ready_closed(uv_handle_t *handle)
{
	struct sandbox *sandbox = handle->data;

	sandbox->open_handles--;
	if (sandbox->freed)
		sandbox_free(sandbox);
}

void sandbox_close_ready(struct sandbox *sandbox)
{
	if (sandbox->ready_polling) {
		sandbox->ready_polling = false;
		uv_close((uv_handle_t *)&sandbox->ready_poll, ready_closed);
	}
	if (sandbox->ready_fd >= 0)
		close(sandbox->ready_fd);
	sandbox->ready_fd = -1;
}

/* The sentry's one line: {"ready":true,"keeper_pid":N} or {"ready":false,"error":"..."}. */
static void parse_ready(struct sandbox *sandbox)
{
	json_t *root = json_loadb(sandbox->ready_text, sandbox->ready_have, 0, NULL);
	const json_t *pid = json_object_get(root, "keeper_pid");
	const char *why = json_string_value(json_object_get(root, "error"));
	struct error error;
	pid_t keeper = (pid_t)json_integer_value(pid);

	sandbox_close_ready(sandbox);
	if (!json_is_true(json_object_get(root, "ready"))) {
		error_set(&error, EIO, "the sandbox's kernel did not start: %s",
			  why ? why : "it ended without saying why");
		sandbox_start_failed(sandbox, &error);
	} else if (keeper <= 1 ||
		   sandbox_watch_keeper(sandbox, keeper, process_start_time(keeper), &error) != 0) {
		error_set(&error, EIO, "the sandbox's kernel ended as soon as it had started");
		sandbox_start_failed(sandbox, &error);
	} else {
		sandbox->ready = true;
		sandbox_check_started(sandbox);
	}
	json_decref(root);
}

void sandbox_read_ready(struct sandbox *sandbox, bool at_end)
{
	while (sandbox->ready_fd >= 0) {
		size_t room = sizeof(sandbox->ready_text) - sandbox->ready_have;
		ssize_t n = read(sandbox->ready_fd, sandbox->ready_text + sandbox->ready_have, room);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && !at_end)
			return;
		if (n > 0)
			sandbox->ready_have += (size_t)n;
		if (n <= 0 || (size_t)n == room || memchr(sandbox->ready_text, '\n', sandbox->ready_have)) {
			parse_ready(sandbox);
			return;
		}
	}
}

static void ready_readable(uv_poll_t *poll, int status, int events)
{
	sandbox_read_ready(poll->data, status < 0);
}

static void container_created(void *opaque, const struct error *error, const json_t *answer)
{
	struct sandbox *sandbox = opaque;

	if (error && error->code == ECONNRESET && !sandbox->ready)
		return; /* the sentry says why over the other pipe */
	if (error) {
		sandbox_start_failed(sandbox, error);
		return;
	}
	sandbox->created = true;
	sandbox_check_started(sandbox);
}

static bool overlay_is_folder(const struct sandbox_config *config)
{
	return config->overlay && strcmp(config->overlay, "memory") != 0;
}

static json_t *describe_root(const struct sandbox_config *config)
{
	json_t *root = json_pack("{s:i,s:b,s:s}", "gofer", 0, "ro", config->rootfs_read_only, "access",
				 config->files_shared ? "shared" : "exclusive");

	if (overlay_is_folder(config))
		json_object_set_new(root, "overlay",
				    json_pack("{s:i}", "gofer", (int)config->volume_count + 1));
	else if (config->overlay)
		json_object_set_new(root, "overlay", json_string(config->overlay));
	return root;
}

static json_t *describe_container(const char *name, const char *hostname, const struct sandbox_config *config)
{
	json_t *mounts = json_array();

	for (unsigned int i = 0; i < config->volume_count; i++)
		json_array_append_new(mounts,
				      json_pack("{s:s,s:i,s:b,s:s}", "target", config->volumes[i].guest,
						"gofer", (int)i + 1, "ro", config->volumes[i].read_only,
						"access", config->files_shared ? "shared" : "exclusive"));
	return json_pack("{s:s,s:s*,s:o,s:o}", "container", name, "hostname", hostname, "root",
			 describe_root(config), "mounts", mounts);
}

/* `network`: NULL for none; its descriptor is the last. */
static int send_create(struct sandbox *sandbox, const struct sandbox_config *config,
		       const struct network *network, const int *fds, unsigned int fd_count,
		       struct error *error)
{
	const char *hostname = config->hostname ? config->hostname : sandbox->id;
	json_t *params = describe_container(SANDBOX_CONTAINER, hostname, config);

	if (network)
		json_object_set_new(params, "network", network_describe(network, fd_count - 1));
	return control_request(sandbox->control, "create", params, fds, fd_count, SANDBOX_START_TIMEOUT_MS,
			       container_created, sandbox, error);
}

/* Does an image want this tree? A new sandbox wants all. */
static bool wants_tree(const struct sandbox_config *config, unsigned int tree)
{
	const json_t *v;
	size_t i;

	if (!config->restore)
		return true;
	json_array_foreach(json_object_get(config->restore->resources, "gofers"), i, v)
	{
		if (json_integer_value(v) == (json_int_t)tree)
			return true;
	}
	return false;
}

/* The gofers, in the order of start_gofers(), and the streams, in the image's. */
static int send_restore(struct sandbox *sandbox, const struct sandbox_config *config, int *fds,
			unsigned int fd_count, struct error *error)
{
	const struct sandbox_restore *restore = config->restore;
	json_t *gofers = json_array(), *streams = json_array(), *v;
	unsigned int used = 0;
	size_t i;

	for (unsigned int tree = 0; used < fd_count; tree++)
		if (wants_tree(config, tree))
			json_array_append_new(gofers,
					      json_pack("{s:i,s:i}", "tree", (int)tree, "fd", (int)used++));
	json_array_foreach(json_object_get(restore->resources, "streams"), i, v)
	{
		json_t *stream = json_copy(v);

		json_object_set_new(stream, "fd", json_integer((json_int_t)fd_count));
		json_array_append_new(streams, stream);
		fds[fd_count++] = restore->stream_fds[i];
	}
	return control_request(sandbox->control, "restore",
			       json_pack("{s:o,s:o}", "gofers", gofers, "streams", streams), fds, fd_count,
			       RESTORE_TIMEOUT_MS, container_created, sandbox, error);
}

static void close_streams(const struct sandbox_config *config)
{
	for (unsigned int i = 0; config->restore && i < config->restore->stream_count; i++)
		close(config->restore->stream_fds[i]);
}

static int check_restore(const struct sandbox_config *config, struct error *error)
{
	const json_t *resources = config->restore->resources;
	size_t gofers = json_array_size(json_object_get(resources, "gofers"));

	if (json_array_size(json_object_get(resources, "streams")) != config->restore->stream_count)
		return error_set(error, EINVAL, "the image wants other streams than there are");
	if (gofers + config->restore->stream_count > PROTO_MAX_FDS)
		return error_set(error, E2BIG, "the image wants more than %d trees and streams",
				 PROTO_MAX_FDS);
	return 0;
}

/* The trees in the order in which the sentry hears of them: root, volumes, what takes the root's changes. */
static int start_gofers(struct sandbox *sandbox, const struct sandbox_config *config, const int *cgroup_fds,
			unsigned int cgroup_count, int *fds, unsigned int *fd_count, struct error *error)
{
	unsigned int count = config->volume_count + 1 + overlay_is_folder(config);

	for (unsigned int i = 0; i < count; i++) {
		const char *tree = i == 0                      ? config->rootfs
				   : i <= config->volume_count ? config->volumes[i - 1].host
							       : config->overlay;
		bool read_only = i == 0                      ? config->rootfs_read_only || config->overlay
				 : i <= config->volume_count ? config->volumes[i - 1].read_only
							     : false;
		int r;

		if (!wants_tree(config, i))
			continue;
		r = start_gofer(sandbox, tree, read_only, config->log_fd, cgroup_fds, cgroup_count, error);

		if (r < 0)
			return r;
		fds[(*fd_count)++] = r;
	}
	return 0;
}

static void limit(struct sandbox *sandbox, const struct sandbox_config *config)
{
	/* The sentry enforces the guest's limits; the cgroup holds guest and sentry together, so it is a
	 * little wider: the sentry's own memory, and a memory thread beside each guest process. */
	struct cgroup_limits limits = {
	    .memory_bytes =
		config->memory_bytes ? config->memory_bytes + config->memory_bytes / 16 + (48u << 20) : 0,
	    .pids = config->pids ? config->pids * 2 + 64 : 0,
	    .cpu_millis = config->cpu_millis,
	};
	struct error error;

	if (!limits.memory_bytes && !limits.pids && !limits.cpu_millis)
		return;
	if (cgroup_create(&sandbox->cgroup, sandbox->id, &limits, &error) != 0)
		snprintf(sandbox->cgroup_problem, sizeof(sandbox->cgroup_problem), "%s", error.message);
}

static int check_trees(const struct sandbox_config *config, struct error *error)
{
	int r = check_directory(config->rootfs, "the root file system", error);

	for (unsigned int i = 0; !r && i < config->volume_count; i++)
		r = check_directory(config->volumes[i].host, "the volume", error);
	if (!r && overlay_is_folder(config))
		r = check_directory(config->overlay, "the overlay's folder", error);
	return r;
}

int sandbox_add_container(struct sandbox *sandbox, const char *name, const struct sandbox_config *config,
			  const json_t *namespaces, control_answer_fn *answered, void *opaque,
			  struct error *error)
{
	int fds[CONTAINER_MAX_GOFERS], cgroup_fds[SPAWN_MAX_CGROUPS], r;
	unsigned int fd_count = 0, cgroup_count;
	json_t *params;

	r = check_trees(config, error);
	if (r)
		return r;
	cgroup_count = cgroup_open_procs(sandbox->cgroup, cgroup_fds, SPAWN_MAX_CGROUPS);
	r = start_gofers(sandbox, config, cgroup_fds, cgroup_count, fds, &fd_count, error);
	for (unsigned int i = 0; i < cgroup_count; i++)
		close(cgroup_fds[i]);
	if (r) {
		for (unsigned int i = 0; i < fd_count; i++)
			close(fds[i]);
		return r;
	}
	params = describe_container(name, config->hostname, config);
	if (namespaces)
		json_object_set(params, "namespaces", (json_t *)namespaces);
	return sandbox_request(sandbox, "create", params, fds, fd_count, SANDBOX_START_TIMEOUT_MS, answered,
			       opaque, error);
}

int sandbox_launch(struct sandbox *sandbox, const struct sandbox_config *config, struct error *error)
{
	int listen_fd, fds[PROTO_MAX_FDS], cgroup_fds[SPAWN_MAX_CGROUPS], r;
	struct network network = {.tap_fd = -1, .lease_fd = -1};
	unsigned int fd_count = 0, cgroup_count;

	r = check_trees(config, error);
	if (!r && config->restore)
		r = check_restore(config, error);
	if (r) {
		close_streams(config);
		return r;
	}
	listen_fd = endpoint_listen(sandbox->directory, SANDBOX_SOCKET_NAME, error);
	if (listen_fd < 0) {
		close_streams(config);
		return listen_fd;
	}
	limit(sandbox, config);
	cgroup_count = cgroup_open_procs(sandbox->cgroup, cgroup_fds, SPAWN_MAX_CGROUPS);
	r = sandbox_connect(sandbox, error);
	if (!r && config->second_connection) {
		r = endpoint_connect(sandbox->directory, SANDBOX_SOCKET_NAME, error);
		if (r >= 0) {
			*config->second_connection = r;
			r = 0;
		}
	}
	if (!r && config->network && !config->restore)
		r = network_open(&network, config->ports, config->port_count, error);
	if (!r)
		r = start_sentry(sandbox, config, listen_fd, network.lease_fd, cgroup_fds, cgroup_count,
				 error);
	if (!r)
		r = start_gofers(sandbox, config, cgroup_fds, cgroup_count, fds, &fd_count, error);
	if (!r && network.tap_fd >= 0) {
		fds[fd_count++] = network.tap_fd;
		network.tap_fd = -1;
	}
	network_close(&network);
	close(listen_fd);
	for (unsigned int i = 0; i < cgroup_count; i++)
		close(cgroup_fds[i]);
	if (!r && config->restore)
		return send_restore(sandbox, config, fds, fd_count, error);
	if (!r)
		return send_create(sandbox, config, config->network ? &network : NULL, fds, fd_count, error);
	close_streams(config);
	for (unsigned int i = 0; i < fd_count; i++)
		close(fds[i]);
	return r;
}

int sandbox_start(struct sandbox **out, uv_loop_t *loop, const struct sandbox_config *config,
		  const struct sandbox_hooks *hooks, struct error *error)
{
	struct sandbox *sandbox = sandbox_new(loop, config->id, config->directory, hooks, error);
	struct error why;
	int r;

	if (!sandbox)
		return -ENOMEM;
	sandbox->private = config->private;
	*out = sandbox;
	r = sandbox_launch(sandbox, config, &why);
	if (r == 0) {
		r = uv_poll_init(loop, &sandbox->ready_poll, sandbox->ready_fd);
		sandbox->ready_poll.data = sandbox;
		sandbox->ready_polling = r == 0;
		sandbox->open_handles += r == 0;
	}
	if (config->private) {
		char path[4096];

		if ((size_t)snprintf(path, sizeof(path), "%s/" SANDBOX_SOCKET_NAME, config->directory) <
		    sizeof(path))
			unlink(path);
	}
	if (r == 0) {
		uv_poll_start(&sandbox->ready_poll, UV_READABLE, ready_readable);
		uv_timer_start(&sandbox->timer, sandbox_start_deadline,
			       config->restore ? RESTORE_TIMEOUT_MS : SANDBOX_START_TIMEOUT_MS, 0);
		return 0;
	}
	if (error)
		*error = why;
	if (sandbox->starter.watch || sandbox->gofer_count) {
		/* Processes run already: end them in order, and tell the failure through the hook. */
		sandbox_start_failed(sandbox, &why);
		return 0;
	}
	sandbox_close_ready(sandbox);
	if (sandbox->cgroup)
		cgroup_remove(sandbox->cgroup);
	sandbox_free(sandbox);
	*out = NULL;
	return r;
}

/* sandbox_recover.c: finding a sandbox again after its supervisor was restarted.
 *
 * A process is known by pid, start time and the host's boot id, so that a later process with the same number
 * is never taken for a keeper.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/endpoint.h"
#include "server/sandbox_priv.h"

#define PING_TIMEOUT_MS 5000

static void read_boot_id(char *text, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
}

static json_t *process_to_json(const struct sandbox_process *process)
{
	return json_pack("{s:i,s:I}", "pid", (int)process->pid, "start", (json_int_t)process->start_time);
}

json_t *sandbox_runtime(const struct sandbox *sandbox)
{
	json_t *gofers = json_array();
	char boot[64];

	read_boot_id(boot, sizeof(boot));
	for (unsigned int i = 0; i < sandbox->gofer_count; i++)
		json_array_append_new(gofers, process_to_json(&sandbox->gofers[i]));
	return json_pack("{s:s,s:o,s:o}", "boot", boot, "keeper", process_to_json(&sandbox->keeper), "gofers",
			 gofers);
}

static void process_from_json(const json_t *json, pid_t *pid, uint64_t *start_time)
{
	*pid = (pid_t)json_integer_value(json_object_get(json, "pid"));
	*start_time = (uint64_t)json_integer_value(json_object_get(json, "start"));
}

static void pinged(void *opaque, const struct error *error, const json_t *answer)
{
	struct sandbox *sandbox = opaque;

	sandbox->created = true;
	if (error)
		sandbox_start_failed(sandbox, error);
	else
		sandbox_check_started(sandbox);
}

/* The gofers go when the sentry goes; those that do not are killed with it, so watch them too. */
static void watch_gofers(struct sandbox *sandbox, const json_t *gofers)
{
	size_t index;
	json_t *value;

	json_array_foreach(gofers, index, value)
	{
		struct sandbox_process *gofer = &sandbox->gofers[sandbox->gofer_count];
		int pidfd;

		if (sandbox->gofer_count == SANDBOX_MAX_GOFERS)
			return;
		process_from_json(value, &gofer->pid, &gofer->start_time);
		pidfd = process_open(gofer->pid, gofer->start_time);
		if (pidfd < 0)
			continue;
		gofer->owner = sandbox;
		gofer->watch =
		    process_watch_start(sandbox->loop, gofer->pid, pidfd, sandbox_gofer_ended, gofer, NULL);
		if (gofer->watch)
			sandbox->gofer_count++;
		else
			close(pidfd);
	}
}

int sandbox_recover(struct sandbox **out, uv_loop_t *loop, const char *id, const char *directory,
		    const json_t *runtime, const struct sandbox_hooks *hooks, struct error *error)
{
	const char *boot = json_string_value(json_object_get(runtime, "boot"));
	struct sandbox *sandbox;
	char now[64];
	uint64_t start_time;
	pid_t pid;
	int r;

	read_boot_id(now, sizeof(now));
	if (!boot || strcmp(boot, now) != 0)
		return error_set(error, ESRCH, "the host was restarted");
	sandbox = sandbox_new(loop, id, directory, hooks, error);
	if (!sandbox)
		return -ENOMEM;
	process_from_json(json_object_get(runtime, "keeper"), &pid, &start_time);
	r = sandbox_watch_keeper(sandbox, pid, start_time, error);
	if (r) {
		sandbox_free(sandbox);
		return r;
	}
	watch_gofers(sandbox, json_object_get(runtime, "gofers"));
	sandbox->cgroup = cgroup_find(id);
	sandbox->ready = true;
	*out = sandbox;
	r = sandbox_connect(sandbox, error);
	if (!r)
		r = control_request(sandbox->control, "ping", NULL, NULL, 0, PING_TIMEOUT_MS, pinged, sandbox,
				    error);
	if (!r)
		return 0;
	/* It lives and cannot be reached: end it in order; `ended` will be called. */
	sandbox_start_failed(sandbox, error);
	return 0;
}

int sandbox_abandon(const char *directory, struct error *error)
{
	static const char request[] = "\x18\0\0\0{\"id\":1,\"op\":\"shutdown\"}";
	int fd = endpoint_connect(directory, SANDBOX_SOCKET_NAME, NULL);

	if (fd >= 0) {
		send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
	}
	return error_set(error, ESRCH, "warrend ended while it was starting");
}

/* supervisor.c: see supervisor.h. One entry per sandbox, in the order of creation. An entry that runs has a
 * sandbox; what the store says of it follows every change of state. */
#include "server/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/log.h"

struct waiter {
	struct waiter *next;
	supervisor_removed_fn *removed;
	void *opaque;
};

struct entry {
	struct supervisor *supervisor;
	struct entry *next;
	char id[32], *directory;
	json_t *spec;
	struct sandbox *sandbox;
	bool recovered, removing;
	char reason[400];
	int64_t created_ms, ended_ms;
	supervisor_created_fn *created;
	void *opaque;
	struct waiter *waiters;
};

struct supervisor {
	uv_loop_t *loop;
	char *state_dir;
	int lock_fd;
	struct store *store;
	struct entry *first, **last;
	unsigned int running, max_running;
	bool closing;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *entry_state(const struct entry *entry)
{
	return entry->sandbox ? sandbox_state_name(sandbox_get_state(entry->sandbox)) : "ended";
}

static int record(struct entry *entry, struct error *error)
{
	char *spec = json_dumps(entry->spec, JSON_COMPACT), *runtime_text = NULL;
	json_t *runtime = NULL;
	int r;

	if (entry->sandbox && sandbox_keeper_pid(entry->sandbox) > 0) {
		runtime = sandbox_runtime(entry->sandbox);
		runtime_text = json_dumps(runtime, JSON_COMPACT);
	}
	if (!spec || (runtime && !runtime_text)) {
		r = error_set(error, ENOMEM, "no memory to record a sandbox");
	} else {
		struct store_sandbox row = {.id = entry->id,
					    .state = entry_state(entry),
					    .spec = spec,
					    .runtime = runtime_text,
					    .reason = entry->reason[0] ? entry->reason : NULL,
					    .created_ms = entry->created_ms,
					    .ended_ms = entry->ended_ms};

		r = store_put_sandbox(entry->supervisor->store, &row, error);
	}
	free(spec);
	free(runtime_text);
	json_decref(runtime);
	return r;
}

/* The same where nobody can be told. */
static void record_or_log(struct entry *entry)
{
	struct error error;

	if (record(entry, &error) != 0)
		log_event(LOG_ERROR, "store.failed",
			  json_pack("{s:s,s:s}", "sandbox", entry->id, "why", error.message));
}

static void remove_folder(const struct entry *entry)
{
	static const char *const files[] = {"control.sock", "sentry.log"};
	char path[4200];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", entry->directory, files[i]);
		unlink(path);
	}
	if (rmdir(entry->directory) != 0 && errno != ENOENT)
		log_event(LOG_WARN, "sandbox.folder_left",
			  json_pack("{s:s,s:s}", "folder", entry->directory, "why", strerror(errno)));
}

static struct entry *entry_new(struct supervisor *supervisor, const char *id, json_t *spec)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry || asprintf(&entry->directory, "%s/sandboxes/%s", supervisor->state_dir, id) < 0) {
		free(entry);
		return NULL;
	}
	entry->supervisor = supervisor;
	snprintf(entry->id, sizeof(entry->id), "%s", id);
	entry->spec = json_incref(spec);
	entry->created_ms = now_ms();
	*supervisor->last = entry;
	supervisor->last = &entry->next;
	return entry;
}

static void entry_free(struct entry *entry)
{
	struct supervisor *supervisor = entry->supervisor;
	struct entry **at = &supervisor->first;

	while (*at && *at != entry)
		at = &(*at)->next;
	if (*at)
		*at = entry->next;
	if (supervisor->last == &entry->next)
		supervisor->last = at;
	while (entry->waiters) {
		struct waiter *waiter = entry->waiters;

		entry->waiters = waiter->next;
		if (waiter->removed)
			waiter->removed(waiter->opaque);
		free(waiter);
	}
	json_decref(entry->spec);
	free(entry->directory);
	free(entry);
}

static void forget(struct entry *entry)
{
	struct error error;

	if (store_delete_sandbox(entry->supervisor->store, entry->id, &error) != 0)
		log_event(LOG_ERROR, "store.failed",
			  json_pack("{s:s,s:s}", "sandbox", entry->id, "why", error.message));
	remove_folder(entry);
	entry_free(entry);
}

static void drop_oldest_ended(struct supervisor *supervisor)
{
	struct entry *oldest = NULL;
	unsigned int count = 0;

	for (struct entry *entry = supervisor->first; entry; entry = entry->next) {
		if (entry->sandbox)
			continue;
		count++;
		if (!oldest || entry->ended_ms < oldest->ended_ms)
			oldest = entry;
	}
	if (count <= SUPERVISOR_MAX_ENDED || !oldest)
		return;
	log_event(LOG_INFO, "sandbox.forgotten", json_pack("{s:s}", "sandbox", oldest->id));
	forget(oldest);
}

/* The last line the sentry logged: often the reason itself. Control characters are blanked. */
static void add_last_log_line(struct entry *entry)
{
	char path[4200], text[512], *line;
	size_t used = strlen(entry->reason);
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/sentry.log", entry->directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	lseek(fd, lseek(fd, 0, SEEK_END) > (off_t)sizeof(text) - 1 ? -(off_t)sizeof(text) + 1 : 0,
	      lseek(fd, 0, SEEK_END) > (off_t)sizeof(text) - 1 ? SEEK_END : SEEK_SET);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0)
		return;
	text[n] = 0;
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = ' ';
	snprintf(entry->reason + used, sizeof(entry->reason) - used, "; its log ends: %.200s", line);
}

static void sandbox_has_ended(struct sandbox *sandbox, void *opaque)
{
	struct entry *entry = opaque;
	bool failed_start = entry->created;

	snprintf(entry->reason, sizeof(entry->reason), "%s", sandbox_reason(sandbox));
	if (!entry->removing)
		add_last_log_line(entry);
	log_event(entry->removing ? LOG_INFO : LOG_WARN, "sandbox.ended",
		  json_pack("{s:s,s:s}", "sandbox", entry->id, "reason", entry->reason));
	sandbox_free(sandbox);
	entry->sandbox = NULL;
	entry->supervisor->running--;
	entry->ended_ms = now_ms();
	if (entry->removing || failed_start) {
		forget(entry);
		return;
	}
	record_or_log(entry);
	drop_oldest_ended(entry->supervisor);
}

static void sandbox_has_started(struct sandbox *sandbox, const struct error *error, void *opaque)
{
	struct entry *entry = opaque;
	supervisor_created_fn *created = entry->created;
	void *created_opaque = entry->opaque;
	struct error why;
	const char *problem = sandbox_cgroup_problem(sandbox);

	if (entry->recovered) {
		log_event(
		    error ? LOG_ERROR : LOG_INFO, error ? "sandbox.lost" : "sandbox.recovered",
		    json_pack("{s:s,s:s*}", "sandbox", entry->id, "why", error ? error->message : NULL));
		return;
	}
	if (!error) {
		entry->created = NULL;
		if (problem)
			log_event(LOG_WARN, "cgroup.unavailable",
				  json_pack("{s:s,s:s}", "sandbox", entry->id, "why", problem));
		if (record(entry, &why) !=
		    0) { /* a sandbox that would be lost at a restart must not be promised */
			entry->removing = true;
			sandbox_stop(sandbox, why.message);
			error = &why;
		} else {
			log_event(LOG_INFO, "sandbox.started",
				  json_pack("{s:s,s:i}", "sandbox", entry->id, "keeper_pid",
					    (int)sandbox_keeper_pid(sandbox)));
		}
	}
	if (created)
		created(created_opaque, error, error ? NULL : entry);
}

static const struct sandbox_hooks entry_hooks = {.started = sandbox_has_started, .ended = sandbox_has_ended};

static void ports_config(const json_t *ports, struct sandbox_config *config)
{
	size_t index;
	const json_t *value;

	json_array_foreach(ports, index, value)
	{
		struct publish_port *port = &config->ports[config->port_count];
		const char *protocol = json_string_value(json_object_get(value, "protocol"));

		if (config->port_count == PUBLISH_MAX)
			break; /* validation allows no more */
		/* validation has read the address already */
		if (!publish_parse_host(json_string_value(json_object_get(value, "host_ip")), port))
			continue;
		port->udp = protocol && strcmp(protocol, "udp") == 0;
		port->host_port = (uint16_t)json_integer_value(json_object_get(value, "host_port"));
		port->guest_port = (uint16_t)json_integer_value(json_object_get(value, "guest_port"));
		config->port_count++;
	}
}

void entry_config(const struct entry *entry, struct sandbox_config *config)
{
	const json_t *spec = entry->spec, *resources = json_object_get(spec, "resources"), *volume;
	const json_t *overlay;
	const char *network;
	size_t index;

	config->id = entry->id;
	config->directory = entry->directory;
	config->rootfs = json_string_value(json_object_get(spec, "rootfs"));
	config->rootfs_read_only = json_is_true(json_object_get(spec, "read_only"));
	/* many sandboxes share one root file system, and none may change it for the others unless asked to */
	overlay = json_object_get(spec, "overlay");
	if (overlay ? json_is_true(overlay) : !config->rootfs_read_only)
		config->overlay = "memory";
	network = json_string_value(json_object_get(spec, "network"));
	config->network = network && strcmp(network, "sandbox") == 0;
	ports_config(json_object_get(spec, "ports"), config);
	config->hostname = json_string_value(json_object_get(spec, "hostname"));
	config->memory_bytes = (uint64_t)json_integer_value(json_object_get(resources, "memory_bytes"));
	config->pids = (uint64_t)json_integer_value(json_object_get(resources, "pids"));
	config->cpu_millis = (unsigned int)(json_number_value(json_object_get(resources, "cpus")) * 1000);
	json_array_foreach(json_object_get(spec, "volumes"), index, volume)
	{
		if (config->volume_count == SANDBOX_MAX_VOLUMES)
			break; /* validation allows no more */
		config->volumes[config->volume_count++] = (struct sandbox_volume){
		    .host = json_string_value(json_object_get(volume, "source")),
		    .guest = json_string_value(json_object_get(volume, "target")),
		    .read_only = json_is_true(json_object_get(volume, "read_only")),
		};
	}
}

static void make_id(char id[32])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t random[16];

	while (getrandom(random, sizeof(random), 0) != sizeof(random))
		;
	strcpy(id, "sb-");
	for (int i = 0; i < 16; i++)
		id[3 + i] = digits[random[i] & 31];
	id[19] = 0;
}

int supervisor_create(struct supervisor *supervisor, json_t *spec, supervisor_created_fn *created,
		      void *opaque, struct error *error)
{
	struct sandbox_config config = {.log_fd = -1};
	struct sandbox_hooks hooks = entry_hooks;
	struct entry *entry;
	char id[32], path[4200];
	int r;

	if (supervisor->running >= supervisor->max_running)
		return error_set(error, EAGAIN, "%u sandboxes run, and no more are allowed",
				 supervisor->running);
	make_id(id);
	entry = entry_new(supervisor, id, spec);
	if (!entry)
		return error_set(error, ENOMEM, "no memory for a sandbox");
	entry_config(entry, &config);
	if (mkdir(entry->directory, 0700) != 0) {
		r = error_errno(error, errno, "cannot make %s", entry->directory);
		entry_free(entry);
		return r;
	}
	snprintf(path, sizeof(path), "%s/sentry.log", entry->directory);
	config.log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	entry->created = created;
	entry->opaque = opaque;
	hooks.opaque = entry;
	r = record(entry, error); /* before any process: a crash from here on leaves a trace */
	supervisor->running++;
	if (!r)
		r = sandbox_start(&entry->sandbox, supervisor->loop, &config, &hooks, error);
	if (config.log_fd >= 0)
		close(config.log_fd);
	if (r) {
		supervisor->running--;
		entry->sandbox = NULL;
		forget(entry);
	}
	return r;
}

int supervisor_remove(struct supervisor *supervisor, struct entry *entry, supervisor_removed_fn *removed,
		      void *opaque, struct error *error)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter)
		return error_set(error, ENOMEM, "no memory");
	waiter->removed = removed;
	waiter->opaque = opaque;
	waiter->next = entry->waiters;
	entry->waiters = waiter;
	entry->removing = true;
	if (entry->sandbox)
		sandbox_stop(entry->sandbox, "it was removed");
	else
		forget(entry);
	return 0;
}

void supervisor_cancel(struct supervisor *supervisor, void *opaque)
{
	for (struct entry *entry = supervisor->first; entry; entry = entry->next) {
		if (entry->created && entry->opaque == opaque) {
			/* Nobody will know its name. */
			entry->opaque = NULL;
			entry->created = NULL;
			entry->removing = true;
			sandbox_stop(entry->sandbox, "the client that asked for it went away");
			return;
		}
		for (struct waiter *waiter = entry->waiters; waiter; waiter = waiter->next)
			if (waiter->opaque == opaque)
				waiter->removed = NULL;
	}
}

struct recovery {
	struct supervisor *supervisor;
	unsigned int found;
};

/* Only collects: the store must not be written during the walk. */
static void collect(void *opaque, const struct store_sandbox *row)
{
	struct recovery *recovery = opaque;
	json_t *spec = json_loads(row->spec, 0, NULL),
	       *runtime = row->runtime ? json_loads(row->runtime, 0, NULL) : NULL;
	struct entry *entry = spec ? entry_new(recovery->supervisor, row->id, spec) : NULL;

	if (!entry) {
		log_event(LOG_ERROR, "store.bad_row", json_pack("{s:s}", "sandbox", row->id));
	} else {
		entry->created_ms = row->created_ms;
		entry->ended_ms = row->ended_ms;
		snprintf(entry->reason, sizeof(entry->reason), "%s", row->reason ? row->reason : "");
		entry->recovered = strcmp(row->state, "ended") != 0;
		entry->opaque = runtime;
		runtime = NULL;
		recovery->found++;
	}
	json_decref(runtime);
	json_decref(spec);
}

static void recover(struct supervisor *supervisor)
{
	for (struct entry *entry = supervisor->first; entry; entry = entry->next) {
		json_t *runtime = entry->opaque;
		struct sandbox_hooks hooks = entry_hooks;
		struct error error;
		int r;

		entry->opaque = NULL;
		if (!entry->recovered) {
			json_decref(runtime);
			continue;
		}
		hooks.opaque = entry;
		supervisor->running++;
		if (runtime)
			r = sandbox_recover(&entry->sandbox, supervisor->loop, entry->id, entry->directory,
					    runtime, &hooks, &error);
		else
			r = sandbox_abandon(entry->directory, &error);
		json_decref(runtime);
		if (r) {
			supervisor->running--;
			entry->sandbox = NULL;
			entry->ended_ms = now_ms();
			snprintf(entry->reason, sizeof(entry->reason), "lost while warrend was away: %.300s",
				 error.message);
			log_event(LOG_WARN, "sandbox.lost",
				  json_pack("{s:s,s:s}", "sandbox", entry->id, "why", error.message));
			record_or_log(entry);
		}
	}
}

static int prepare_state_dir(struct supervisor *supervisor, struct error *error)
{
	char path[4200];

	if (mkdir(supervisor->state_dir, 0700) != 0 && errno != EEXIST)
		return error_errno(error, errno, "cannot make the state directory %s", supervisor->state_dir);
	snprintf(path, sizeof(path), "%s/sandboxes", supervisor->state_dir);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return error_errno(error, errno, "cannot make %s", path);
	snprintf(path, sizeof(path), "%s/lock", supervisor->state_dir);
	supervisor->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (supervisor->lock_fd < 0)
		return error_errno(error, errno, "cannot open %s", path);
	if (flock(supervisor->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return error_set(error, EBUSY, "another warrend uses the state directory %s",
				 supervisor->state_dir);
	snprintf(path, sizeof(path), "%s/state.db", supervisor->state_dir);
	return store_open(&supervisor->store, path, error);
}

int supervisor_open(struct supervisor **out, uv_loop_t *loop, const char *state_dir, unsigned int max_running,
		    struct error *error)
{
	struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
	struct recovery recovery = {.supervisor = supervisor};
	int r;

	if (!supervisor || !(supervisor->state_dir = strdup(state_dir))) {
		free(supervisor);
		return error_set(error, ENOMEM, "no memory for the supervisor");
	}
	supervisor->loop = loop;
	supervisor->lock_fd = -1;
	supervisor->last = &supervisor->first;
	supervisor->max_running = max_running;
	r = prepare_state_dir(supervisor, error);
	if (!r)
		r = store_each_sandbox(supervisor->store, collect, &recovery, error);
	if (r) {
		supervisor_close(supervisor);
		return r;
	}
	recover(supervisor);
	*out = supervisor;
	return 0;
}

void supervisor_close(struct supervisor *supervisor)
{
	while (supervisor->first) {
		if (supervisor->first->sandbox)
			sandbox_free(supervisor->first->sandbox);
		entry_free(supervisor->first);
	}
	store_close(supervisor->store);
	if (supervisor->lock_fd >= 0)
		close(supervisor->lock_fd);
	free(supervisor->state_dir);
	free(supervisor);
}

struct store *supervisor_store(struct supervisor *supervisor)
{
	return supervisor->store;
}

struct entry *supervisor_find(struct supervisor *supervisor, const char *id)
{
	for (struct entry *entry = supervisor->first; entry; entry = entry->next)
		if (strcmp(entry->id, id) == 0)
			return entry->created ? NULL : entry; /* not before its creation was answered */
	return NULL;
}

struct entry *supervisor_next(struct supervisor *supervisor, struct entry *entry)
{
	do
		entry = entry ? entry->next : supervisor->first;
	while (entry && entry->created);
	return entry;
}

unsigned int supervisor_running_count(const struct supervisor *supervisor)
{
	return supervisor->running;
}

const char *entry_id(const struct entry *entry)
{
	return entry->id;
}

struct sandbox *entry_sandbox(struct entry *entry)
{
	return entry->sandbox && sandbox_get_state(entry->sandbox) == SANDBOX_RUNNING ? entry->sandbox : NULL;
}

const json_t *entry_spec(const struct entry *entry)
{
	return entry->spec;
}

const char *entry_reason(const struct entry *entry)
{
	return entry->reason[0] ? entry->reason : entry->sandbox ? sandbox_reason(entry->sandbox) : "";
}

static void set_time(json_t *json, const char *name, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[40];
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(ms % 1000));
	json_object_set_new(json, name, json_string(text));
}

json_t *entry_json(const struct entry *entry)
{
	json_t *json = json_pack("{s:s,s:s}", "id", entry->id, "state", entry_state(entry));

	if (!json || json_object_update_missing(json, entry->spec) != 0) {
		json_decref(json);
		return NULL;
	}
	set_time(json, "created_at", entry->created_ms);
	if (!entry->sandbox) {
		set_time(json, "ended_at", entry->ended_ms);
		json_object_set_new(json, "reason", json_string(entry_reason(entry)));
	}
	return json;
}

/* cgroup.c: see cgroup.h. Folders are ROOT/warren/NAME (v2) or ROOT/CONTROLLER/warren/NAME (v1). */
#include "server/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT        "/sys/fs/cgroup"
#define MAX_FOLDERS 4

static const char *const v1_controllers[] = {"memory", "pids", "cpu"};

struct cgroup {
	bool v2;
	unsigned int folder_count;
	char folders[MAX_FOLDERS][256]; /* v1: in the order of v1_controllers, "" when missing */
};

static int write_file(const char *folder, const char *file, const char *text)
{
	char path[512];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int write_number(const char *folder, const char *file, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return write_file(folder, file, text);
}

static struct cgroup *layout(const char *name)
{
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));

	if (!cgroup)
		return NULL;
	cgroup->v2 = access(ROOT "/cgroup.controllers", F_OK) == 0;
	if (cgroup->v2) {
		cgroup->folder_count = 1;
		snprintf(cgroup->folders[0], sizeof(cgroup->folders[0]), ROOT "/warren/%s", name);
		return cgroup;
	}
	cgroup->folder_count = sizeof(v1_controllers) / sizeof(*v1_controllers);
	for (unsigned int i = 0; i < cgroup->folder_count; i++)
		snprintf(cgroup->folders[i], sizeof(cgroup->folders[i]), ROOT "/%s/warren/%s",
			 v1_controllers[i], name);
	return cgroup;
}

static int make_folder(const char *folder)
{
	char parent[256], *slash;

	snprintf(parent, sizeof(parent), "%s", folder);
	slash = strrchr(parent, '/');
	*slash = 0;
	if (mkdir(parent, 0755) != 0 && errno != EEXIST)
		return -errno;
	return mkdir(folder, 0755) != 0 && errno != EEXIST ? -errno : 0;
}

static int set_v2(const char *folder, const struct cgroup_limits *limits)
{
	char text[64];
	int r = 0;

	if (limits->memory_bytes)
		r = write_number(folder, "memory.max", limits->memory_bytes);
	if (limits->memory_bytes && !r)
		write_file(folder, "memory.swap.max", "0"); /* absent on hosts without swap accounting */
	if (limits->pids && !r)
		r = write_number(folder, "pids.max", limits->pids);
	if (limits->cpu_millis && !r) {
		snprintf(text, sizeof(text), "%u 100000", limits->cpu_millis * 100);
		r = write_file(folder, "cpu.max", text);
	}
	return r;
}

static int set_v1(const char *folder, const char *controller, const struct cgroup_limits *limits)
{
	if (strcmp(controller, "memory") == 0 && limits->memory_bytes)
		return write_number(folder, "memory.limit_in_bytes", limits->memory_bytes);
	if (strcmp(controller, "pids") == 0 && limits->pids)
		return write_number(folder, "pids.max", limits->pids);
	if (strcmp(controller, "cpu") == 0 && limits->cpu_millis)
		return write_number(folder, "cpu.cfs_quota_us", (uint64_t)limits->cpu_millis * 100);
	return 0;
}

/* Which of the v1 folders these limits need. */
static int wanted_v1(const char *controller, const struct cgroup_limits *limits)
{
	return (strcmp(controller, "memory") == 0 && limits->memory_bytes) ||
	       (strcmp(controller, "pids") == 0 && limits->pids) ||
	       (strcmp(controller, "cpu") == 0 && limits->cpu_millis);
}

int cgroup_create(struct cgroup **out, const char *name, const struct cgroup_limits *limits,
		  struct error *error)
{
	struct cgroup *cgroup = layout(name);
	int r = 0;

	if (!cgroup)
		return error_set(error, ENOMEM, "no memory for a cgroup");
	if (cgroup->v2) {
		/* The controllers must be handed down at both levels; the writes fail harmlessly where they
		 * are. */
		write_file(ROOT, "cgroup.subtree_control", "+memory +pids +cpu");
		mkdir(ROOT "/warren", 0755);
		write_file(ROOT "/warren", "cgroup.subtree_control", "+memory +pids +cpu");
		r = make_folder(cgroup->folders[0]);
		if (!r)
			r = set_v2(cgroup->folders[0], limits);
	}
	for (unsigned int i = 0; !cgroup->v2 && i < cgroup->folder_count; i++) {
		if (!wanted_v1(v1_controllers[i], limits)) {
			cgroup->folders[i][0] = 0;
			continue;
		}
		if (!r)
			r = make_folder(cgroup->folders[i]);
		if (!r)
			r = set_v1(cgroup->folders[i], v1_controllers[i], limits);
	}
	if (r) {
		error_errno(error, -r, "cannot limit the sandbox with a cgroup under " ROOT);
		cgroup_remove(cgroup);
		cgroup_free(cgroup);
		return r;
	}
	*out = cgroup;
	return 0;
}

struct cgroup *cgroup_find(const char *name)
{
	struct cgroup *cgroup = layout(name);
	unsigned int found = 0;

	for (unsigned int i = 0; cgroup && i < cgroup->folder_count; i++) {
		if (access(cgroup->folders[i], F_OK) == 0)
			found++;
		else
			cgroup->folders[i][0] = 0;
	}
	if (!found) {
		cgroup_free(cgroup);
		return NULL;
	}
	return cgroup;
}

unsigned int cgroup_open_procs(const struct cgroup *cgroup, int *fds, unsigned int max)
{
	unsigned int count = 0;
	char path[512];

	for (unsigned int i = 0; cgroup && i < cgroup->folder_count && count < max; i++) {
		if (!cgroup->folders[i][0])
			continue;
		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->folders[i]);
		fds[count] = open(path, O_WRONLY | O_CLOEXEC);
		count += fds[count] >= 0;
	}
	return count;
}

unsigned int cgroup_oom_kills(const struct cgroup *cgroup)
{
	char path[512], line[128];
	unsigned int kills = 0, value;
	FILE *file;

	if (!cgroup || !cgroup->folders[0][0])
		return 0;
	snprintf(path, sizeof(path), "%s/%s", cgroup->folders[0],
		 cgroup->v2 ? "memory.events" : "memory.oom_control");
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "oom_kill %u", &value) == 1)
			kills = value;
	if (file)
		fclose(file);
	return kills;
}

int cgroup_remove(struct cgroup *cgroup)
{
	int r = 0;

	for (unsigned int i = 0; i < cgroup->folder_count; i++)
		if (cgroup->folders[i][0] && rmdir(cgroup->folders[i]) != 0 && errno != ENOENT)
			r = -errno;
	return r;
}

void cgroup_free(struct cgroup *cgroup)
{
	free(cgroup);
}

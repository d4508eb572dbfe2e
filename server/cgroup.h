/* cgroup.h: limits of a whole sandbox (sentry, stubs, gofers), by cgroup v2, or v1 where the host still has
 * it.
 *
 * Best effort: the sentry enforces the guest-visible limits itself; the cgroup is the backstop that holds
 * even if the sentry has been taken over. A host that gives us no cgroups is reported, not fatal.
 */
#ifndef WARREN_SERVER_CGROUP_H
#define WARREN_SERVER_CGROUP_H

#include <stdint.h>

#include "server/error.h"

struct cgroup;

struct cgroup_limits {
	uint64_t memory_bytes;   /* 0: none */
	uint64_t pids;           /* 0: none */
	unsigned int cpu_millis; /* thousandths of a CPU; 0: none */
};

int cgroup_create(struct cgroup **cgroup, const char *name, const struct cgroup_limits *limits,
		  struct error *error);

/* The cgroup of that name if there is one, after a restart; else NULL. */
struct cgroup *cgroup_find(const char *name);

/* Opens the cgroup.procs files, through which a child enters; returns how many (at most `max`). */
unsigned int cgroup_open_procs(const struct cgroup *cgroup, int *fds, unsigned int max);

/* How many processes the host killed for want of memory. */
unsigned int cgroup_oom_kills(const struct cgroup *cgroup);

/* Removes the cgroup; -EBUSY while processes are in it. */
int cgroup_remove(struct cgroup *cgroup);
void cgroup_free(struct cgroup *cgroup);

#endif

/*
 * op_container.c - what is asked of a container as a whole: its state, its start, its end.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/control/control_priv.h"
#include "sandbox/kernel/cgroup.h"

static const char *status_name(const struct container *ct)
{
	static const char *const names[] = {[CONTAINER_CREATING] = "creating",
					    [CONTAINER_CREATED] = "created",
					    [CONTAINER_RUNNING] = "running",
					    [CONTAINER_STOPPED] = "stopped",
					    [CONTAINER_DELETING] = "deleting"};
	return names[ct->status];
}

static json_t *list_processes(const struct container *ct)
{
	json_t *list = json_array();
	struct process *p;

	list_for_each_entry (p, &control()->processes, node)
		if (!p->orphan && !strcmp(p->container, ct->id))
			json_array_append_new(list,
					      json_pack("{s:s,s:i,s:b,s:O}", "process", p->name, "pid",
							(int)p->pid, "running", !p->ended, "argv", p->argv));
	return list;
}

static json_t *describe(const struct container *ct)
{
	json_t *o = json_pack("{s:s,s:s,s:i,s:o}", "id", ct->id, "status", status_name(ct), "tasks",
			      (int)ct->process_count, "processes", list_processes(ct));

	if (o && ct->main && ct->main->process_name[0])
		json_object_set_new(o, "init", json_string(ct->main->process_name));
	if (o && ct->main_ended)
		json_object_set_new(o, "exit", exit_report(ct->main_status));
	return o;
}

int op_list(struct request *r)
{
	json_t *list = json_array();
	struct container *ct;

	list_for_each_entry (ct, &kernel()->containers, node)
		json_array_append_new(list, describe(ct));
	r->answer = json_pack("{s:o}", "containers", list);
	return r->answer ? 0 : -ENOMEM;
}

int op_state(struct request *r)
{
	struct container *ct;
	int err = request_container(r, &ct);

	if (err)
		return err;
	r->answer = json_pack("{s:o}", "state", describe(ct));
	return r->answer ? 0 : -ENOMEM;
}

int op_start(struct request *r)
{
	struct container *ct;
	int err = request_container(r, &ct);

	if (!err)
		err = request_usable(r, ct);
	if (err)
		return err;
	err = container_start(ct);
	if (err == -EALREADY)
		return request_fail(r, err, "the container '%s' runs already", ct->id);
	return err ? request_fail(r, err, "nothing is held in the container '%s'", ct->id) : 0;
}

/* ---- limits ---- */

#define CPU_PERIOD_MAX_US 1000000
#define PIDS_MOST         4194304

/* A number, or null for no limit. */
static int field_limit(struct request *r, json_t *obj, const char *name, s64 least, s64 most, u64 *out)
{
	s64 v = 0;
	int err;

	if (json_is_null(json_object_get(obj, name))) {
		*out = CGROUP_NO_LIMIT;
		return 0;
	}
	err = field_int(r, obj, name, false, least, most, &v);
	*out = (u64)v;
	return err;
}

int request_limits(struct request *r, struct container_limits *out)
{
	json_t *obj = json_object_get(r->root, "limits");
	int err;

	*out = (struct container_limits){0};
	if (!obj)
		return 0;
	if (!json_is_object(obj))
		return request_fail(r, -EINVAL, "field 'limits' must be an object");
	err = fields_known(r, obj, " memory pids cpu_quota_us cpu_period_us cpu_weight ");
	if (!err)
		err = field_limit(r, obj, "memory", PAGE_SIZE, INT64_MAX, &out->memory);
	if (!err)
		err = field_limit(r, obj, "pids", 1, PIDS_MOST, &out->pids);
	if (!err)
		err = field_limit(r, obj, "cpu_quota_us", 1000, INT64_MAX / 1000, &out->cpu_quota_us);
	if (!err)
		err = field_limit(r, obj, "cpu_period_us", 1000, CPU_PERIOD_MAX_US, &out->cpu_period_us);
	if (!err)
		err = field_limit(r, obj, "cpu_weight", 1, 10000, &out->cpu_weight);
	if (!err && (out->cpu_period_us == CGROUP_NO_LIMIT || out->cpu_weight == CGROUP_NO_LIMIT))
		err = request_fail(r, -EINVAL, "a period and a weight are numbers");
	return err;
}

int container_limit(struct container *ct, const struct container_limits *l)
{
	struct cgroup *c = ct->cgroup;
	u64 quota = c->cpu.quota_ns, period = c->cpu.period_ns;

	if (l->pids)
		c->pids.max = l->pids;
	if (l->cpu_weight)
		c->cpu.weight = l->cpu_weight;
	if (l->cpu_period_us)
		period = l->cpu_period_us * 1000;
	if (l->cpu_quota_us)
		quota = l->cpu_quota_us == CGROUP_NO_LIMIT ? CGROUP_NO_LIMIT : l->cpu_quota_us * 1000;
	if (l->cpu_period_us || l->cpu_quota_us)
		cgroup_cpu_set_max(c, quota, period);
	if (!l->memory)
		return 0;
	c->memory.max = l->memory == CGROUP_NO_LIMIT ? l->memory : PAGE_DOWN(l->memory);
	return cgroup_memory_watch();
}

int op_update(struct request *r)
{
	struct container_limits limits;
	struct container *ct;
	int err = request_container(r, &ct);

	if (!err)
		err = request_limits(r, &limits);
	return err ? err : container_limit(ct, &limits);
}

int op_delete(struct request *r)
{
	struct container *ct;
	char id[64];
	int err = request_container(r, &ct);

	if (err)
		return err;
	snprintf(id, sizeof(id), "%s", ct->id);
	err = container_delete(ct);
	if (err)
		return request_fail(r, err, "the container '%s' is being made or removed", id);
	processes_forget(id);
	return 0;
}

/*
 * op_container.c - what is asked of a container as a whole: its state, its start, its end.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/control/control_priv.h"

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

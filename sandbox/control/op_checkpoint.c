/*
 * op_checkpoint.c - checkpoint and restore on a supervisor's word. See checkpoint/checkpoint.h.
 *
 * The supervisor opens the files and keeps the key; the answer to `checkpoint` tells it what to bring to the
 * `restore`: one gofer per tree, and a descriptor for each stream that was open.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox/checkpoint/checkpoint.h"
#include "sandbox/control/control_priv.h"
#include "sandbox/fs/gofer/gofer.h"

/* ---- checkpoint ---- */

static json_t *describe_gofers(void)
{
	json_t *list = json_array();

	for (struct host_fd *h = gofer_next_socket(NULL); h; h = gofer_next_socket(h))
		json_array_append_new(list, json_integer((json_int_t)h->recipe_id));
	return list;
}

static json_t *describe_streams(void)
{
	json_t *list = json_array();

	for (struct host_fd *h = checkpoint_next_stream(NULL); h; h = checkpoint_next_stream(h)) {
		char process[24];
		snprintf(process, sizeof(process), "p%u", h->recipe_id >> 2);
		json_array_append_new(
		    list, json_pack("{s:s,s:i}", "process", process, "stream", (int)(h->recipe_id & 3)));
	}
	return list;
}

/* Requests that sleep would sleep on without a client. */
static bool others_sleep(void)
{
	struct client *c;
	u32 n = 0;

	list_for_each_entry (c, &control()->clients, node)
		n += c->requests;
	return n > 1;
}

int op_checkpoint(struct request *r)
{
	s64 pages_index = 0, manifest_index = 0;
	int pages = -1, manifest = -1;
	int err = field_int(r, r->root, "pages", true, 0, PROTO_MAX_FDS - 1, &pages_index);

	if (!err)
		err = field_int(r, r->root, "manifest", true, 0, PROTO_MAX_FDS - 1, &manifest_index);
	if (!err && others_sleep())
		err = request_fail(r, -EBUSY, "another request is under way");
	if (!err)
		err = request_take_fd(r, pages_index, &pages);
	if (!err)
		err = request_take_fd(r, manifest_index, &manifest);
	if (!err)
		err = checkpoint_save(pages, manifest, r->message, sizeof(r->message));
	if (err == CHECKPOINT_RESTORED) {
		r->answers_later = true; /* never: who asked is not here */
		return 0;
	}
	if (pages >= 0)
		close(pages);
	if (manifest >= 0)
		close(manifest);
	if (err)
		return err;
	r->answer = json_pack("{s:o,s:o}", "gofers", describe_gofers(), "streams", describe_streams());
	if (!r->answer) {
		checkpoint_cancel();
		return -ENOMEM;
	}
	return 0;
}

/* ---- restore ---- */

static int take_gofers(struct request *r)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(r->root, "gofers"), i, entry)
	{
		s64 tree = 0, index = 0;
		int fd, err = fields_known(r, entry, " tree fd ");

		if (!err)
			err = field_int(r, entry, "tree", true, 0, UINT32_MAX, &tree);
		if (!err)
			err = field_int(r, entry, "fd", true, 0, PROTO_MAX_FDS - 1, &index);
		if (!err)
			err = request_take_fd(r, index, &fd);
		if (!err)
			err = gofer_renew((u32)tree, fd, r->message, sizeof(r->message));
		if (err)
			return err;
	}
	return 0;
}

static int take_streams(struct request *r)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(r->root, "streams"), i, entry)
	{
		const char *process = NULL;
		s64 stream = 0, index = 0;
		int fd, err = fields_known(r, entry, " process stream fd ");

		if (!err)
			err = field_string(r, entry, "process", true, &process);
		if (!err)
			err = field_int(r, entry, "stream", true, 0, 3, &stream);
		if (!err)
			err = field_int(r, entry, "fd", true, 0, PROTO_MAX_FDS - 1, &index);
		if (!err && *process != 'p')
			err = request_fail(r, -EINVAL, "no process is called '%.24s'", process);
		if (!err)
			err = request_take_fd(r, index, &fd);
		if (!err)
			err = checkpoint_give_stream(HOST_FD_STREAM(strtoul(process + 1, NULL, 10), stream),
						     fd, r->message, sizeof(r->message));
		if (err)
			return err;
	}
	return 0;
}

int op_restore(struct request *r)
{
	int err;

	if (!checkpoint_restoring())
		return request_fail(r, -EINVAL, "this sandbox is not being restored");
	err = take_gofers(r);
	if (!err)
		err = take_streams(r);
	if (!err)
		err = checkpoint_resume(r->message, sizeof(r->message));
	if (err) /* half of it is made: there is no way on */
		sched_stop(1);
	return err;
}

/*
 * request.c - from a message to an operation: parsing, the table of operations, checks of fields, the answer.
 *
 * Nothing in a message is trusted to be well-formed: nesting is bounded before the parser (which recurses on
 * a coroutine's stack) sees it, every field must be known and of its type, and every descriptor that an
 * operation did not take is closed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "sandbox/control/control_priv.h"

#define NESTING_MAX  8
#define REQUESTS_MAX 64 /* of one client, in coroutines */
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

json_t *answer_ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

json_t *answer_error(int err, const char *message)
{
	const char *name = strerrorname_np(-err);

	return json_pack("{s:b,s:{s:s,s:s}}", "ok", 0, "error", "errno", name ? name : "EIO", "message",
			 message);
}

int request_fail(struct request *r, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->message, sizeof(r->message), fmt, ap);
	va_end(ap);
	return err;
}

/* ---- fields ---- */

static int wrong_type(struct request *r, const char *name, const char *wanted)
{
	return request_fail(r, -EINVAL, "field '%s' must be %s", name, wanted);
}

static int missing(struct request *r, const char *name)
{
	return request_fail(r, -EINVAL, "field '%s' is missing", name);
}

int field_string(struct request *r, json_t *obj, const char *name, bool required, const char **out)
{
	json_t *v = json_object_get(obj, name);

	if (!v)
		return required ? missing(r, name) : 0;
	if (!json_is_string(v))
		return wrong_type(r, name, "a string");
	*out = json_string_value(v);
	return 0;
}

int field_int(struct request *r, json_t *obj, const char *name, bool required, s64 min, s64 max, s64 *out)
{
	json_t *v = json_object_get(obj, name);

	if (!v)
		return required ? missing(r, name) : 0;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return request_fail(r, -EINVAL, "field '%s' must be an integer from %lld to %lld", name,
				    (long long)min, (long long)max);
	*out = json_integer_value(v);
	return 0;
}

int field_bool(struct request *r, json_t *obj, const char *name, bool *out)
{
	json_t *v = json_object_get(obj, name);

	if (v && !json_is_boolean(v))
		return wrong_type(r, name, "true or false");
	if (v)
		*out = json_is_true(v);
	return 0;
}

int fields_known(struct request *r, json_t *obj, const char *known)
{
	const char *key;
	json_t *v;

	json_object_foreach(obj, key, v)
	{
		char padded[40];
		int n = snprintf(padded, sizeof(padded), " %s ", key);

		if (n >= (int)sizeof(padded) || !strstr(known, padded) || strchr(key, ' '))
			return request_fail(r, -EINVAL, "unknown field '%.40s'", key);
	}
	return 0;
}

int request_take_fd(struct request *r, s64 index, int *fd)
{
	if (index < 0 || index >= r->fd_count || r->fds[index] < 0)
		return request_fail(r, -EINVAL, "no descriptor number %lld came with the request",
				    (long long)index);
	*fd = r->fds[index];
	r->fds[index] = -1;
	return 0;
}

int request_container(struct request *r, struct container **out)
{
	const char *id = NULL;
	int err = field_string(r, r->root, "container", true, &id);

	if (err)
		return err;
	*out = container_find(id);
	return *out ? 0 : request_fail(r, -ENOENT, "no container is called '%.64s'", id);
}

int request_usable(struct request *r, const struct container *ct)
{
	int err = container_check(ct);

	if (err == -EBUSY)
		return request_fail(r, err, "the container '%s' is being made or removed", ct->id);
	return err ? request_fail(r, err, "the first process of the container '%s' has ended", ct->id) : 0;
}

int request_process(struct request *r, struct process **out)
{
	const char *name = NULL;
	int err = field_string(r, r->root, "process", true, &name);

	if (err)
		return err;
	*out = process_find(name);
	return *out ? 0 : request_fail(r, -ESRCH, "no process is called '%.24s'", name);
}

/* ---- small operations ---- */

static int op_ping(struct request *r)
{
	r->answer = json_pack("{s:s,s:i}", "version", PACKAGE_VERSION, "pid", (int)getpid());
	return r->answer ? 0 : -ENOMEM;
}

static int op_shutdown(struct request *r)
{
	r->answers_later = true;
	client_answer(r->client, r->id, answer_ok());
	sched_stop(0);
	return 0;
}

static const struct op ops[] = {
    {"ping", op_ping, false, " id op "},
    {"create", op_create, true, " id op container root mounts hostname namespaces network limits "},
    {"exec", op_exec, true, " id op container argv env cwd user tty cols rows stop_signal init hold "},
    {"wait", op_wait, false, " id op process container release "},
    {"signal", op_signal, false, " id op process container signal group all "},
    {"resize", op_resize, false, " id op process cols rows "},
    {"list", op_list, false, " id op "},
    {"start", op_start, false, " id op container "},
    {"state", op_state, false, " id op container "},
    {"update", op_update, false, " id op container limits "},
    {"delete", op_delete, true, " id op container "},
    {"shutdown", op_shutdown, false, " id op "},
    {"checkpoint", op_checkpoint, true, " id op pages manifest "},
    {"restore", op_restore, true, " id op gofers streams "},
    {"stats", op_stats, false, " id op "},
    {"arena", op_arena, false, " id op "},
};

static const struct op *op_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(ops); i++)
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	return NULL;
}

/* A checkpoint of the sandbox was made, or it is one that waits for its resources. */
static bool allowed_when_frozen(const char *name)
{
	return !strcmp(name, "restore") || !strcmp(name, "ping") || !strcmp(name, "stats") ||
	       !strcmp(name, "shutdown");
}

/* ---- life of a request ---- */

static void request_free(struct request *r)
{
	for (u32 i = 0; i < r->fd_count; i++)
		if (r->fds[i] >= 0)
			close(r->fds[i]);
	json_decref(r->root);
	json_decref(r->answer);
	client_put(r->client);
	kfree(r);
}

static void request_finish(struct request *r, int err)
{
	json_t *answer;

	if (!err && r->answers_later) {
		request_free(r);
		return;
	}
	if (err) {
		answer = answer_error(err, r->message[0] ? r->message : strerrordesc_np(-err));
	} else {
		answer = answer_ok();
		if (answer && r->answer && json_object_update(answer, r->answer)) {
			json_decref(answer);
			answer = NULL;
		}
	}
	client_answer(r->client, r->id, answer);
	request_free(r);
}

static void request_main(void *arg)
{
	struct request *r = arg;
	int err = r->op->run(r);

	r->client->requests--;
	request_finish(r, err);
}

static void request_run(struct request *r)
{
	struct coro *coro;
	int err;

	if (!r->op->sleeps) {
		request_finish(r, r->op->run(r));
		return;
	}
	if (r->client->requests >= REQUESTS_MAX)
		err = request_fail(r, -EAGAIN, "too many requests are under way on this connection");
	else
		err = coro_start(request_main, r, NULL, &coro);
	if (err)
		request_finish(r, err);
	else
		r->client->requests++;
}

/* Objects within objects: more than any request needs is refused before it is parsed. */
static bool nested_too_deep(const char *text, size_t size)
{
	bool in_string = false;
	u32 depth = 0;

	for (size_t i = 0; i < size; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > NESTING_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return false;
}

static int request_parse(struct request *r, const struct proto_message *m)
{
	const char *name = NULL;
	json_error_t why;
	s64 id = 0;
	int err;

	if (nested_too_deep(m->text, m->size))
		return request_fail(r, -EINVAL, "the request is nested too deep");
	r->root = json_loadb(m->text, m->size, JSON_REJECT_DUPLICATES, &why);
	if (!r->root)
		return request_fail(r, -EINVAL, "malformed JSON at byte %d: %s", why.position, why.text);
	if (!json_is_object(r->root))
		return request_fail(r, -EINVAL, "a request must be an object");
	err = field_int(r, r->root, "id", true, INT64_MIN, INT64_MAX, &id);
	r->id = id;
	if (!err)
		err = field_string(r, r->root, "op", true, &name);
	if (err)
		return err;
	r->op = op_find(name);
	if (!r->op)
		return request_fail(r, -ENOSYS, "no such operation: '%.40s'", name);
	if (kernel()->checkpoint && !allowed_when_frozen(name))
		return request_fail(r, -EBUSY,
				    "the sandbox is frozen: a checkpoint of it was made, or it is one");
	return fields_known(r, r->root, r->op->fields);
}

void request_handle(struct client *c, struct proto_message *m)
{
	struct request *r = knew(struct request);
	int err;

	if (!r) {
		client_answer(c, 0, answer_error(-ENOMEM, "the sandbox's kernel is out of memory"));
		return;
	}
	r->client = client_get(c);
	r->fd_count = m->fd_count;
	for (u32 i = 0; i < m->fd_count; i++)
		r->fds[i] = proto_take_fd(m, i);
	err = request_parse(r, m);
	if (err)
		request_finish(r, err);
	else
		request_run(r);
}

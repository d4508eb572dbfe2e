/*
 * debug.c - stats, and the arena check: what lives in the arena, and does any of it point where a checkpoint
 * could not follow?
 *
 * Types are not known to the check, so it is conservative: every aligned word of every live object is
 * compared with the mappings of this process that are neither arena, nor program image, nor shared with the
 * stubs: libc's heap, the thread's stack, libc's own mappings. A coroutine's stack is left out, for dead
 * frames hold anything; so is file content, which guests choose.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox/control/control_priv.h"
#include "sandbox/kernel/sched_priv.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/hostview.h"

#define MAPS_MAX  (64 + HOST_VIEW_COUNT)
#define MAPS_TEXT (256 * 1024)

#pragma weak syscall_stats_walk
#pragma weak syscall_ends_walk

/* ---- stats ---- */

static void add_count(const char *name, u64 count, void *arg)
{
	json_object_set_new(arg, name, json_integer((json_int_t)count));
}

static void add_ends(const char *name, const struct syscall_ends *ends, void *arg)
{
	json_object_set_new(arg, name, json_pack("[I,I]", (json_int_t)ends->done, (json_int_t)ends->failed));
}

int op_stats(struct request *r)
{
	json_t *missing = json_object(), *ends = json_object();
	u64 syscalls = kernel()->dead_syscalls;
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		syscalls += t->syscall_count;
	if (syscall_stats_walk && missing)
		syscall_stats_walk(add_count, missing);
	if (syscall_ends_walk && ends)
		syscall_ends_walk(add_ends, ends);
	r->answer = json_pack("{s:I,s:I,s:I,s:o,s:o}", "tasks", (json_int_t)kernel()->task_count,
			      "arena_bytes", (json_int_t)arena_used(), "syscalls", (json_int_t)syscalls,
			      "unimplemented", missing, "calls", ends);
	return r->answer ? 0 : -ENOMEM;
}

/* ---- arena ---- */

struct range {
	u64 start, end;
};

struct check {
	struct range bad[MAPS_MAX];
	u32 bad_count;
	u64 found;
	json_t *examples;
};

/* A mapping that must not be pointed into. */
static bool is_foreign(const char *line, u64 start, u64 end)
{
	u64 arena = (u64)(uintptr_t)g_arena; /* its header and page table lie before its pages */

	if (end > arena && start < arena + ARENA_SIZE)
		return false;
	if (strstr(line, "warren-sentry") || strstr(line, "memfd:warren") || strstr(line, "[v"))
		return false;
	return true;
}

/* The host's list of our mappings, from a descriptor opened at boot. */
static int read_maps(struct check *c)
{
	auto_cleanup(kfreep) char *text = kmalloc(MAPS_TEXT);
	size_t have = 0;
	char *line, *save = NULL;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	while (have < MAPS_TEXT - 1 &&
	       (n = pread(kernel()->maps_fd, text + have, MAPS_TEXT - 1 - have, (off_t)have)) > 0)
		have += (size_t)n;
	if (!have)
		return -EIO;
	text[have] = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		u64 start = strtoull(line, &end, 16);
		u64 stop = *end == '-' ? strtoull(end + 1, NULL, 16) : 0;

		if (!is_foreign(line, start, stop))
			continue;
		if (c->bad_count == MAPS_MAX)
			return -E2BIG;
		c->bad[c->bad_count++] = (struct range){start, stop};
	}
	return 0;
}

static bool is_skipped(const char *type)
{
	static const char *const skipped[] = {"stack", "struct check", "pipe ring",
					      "json",  "tmpfs page",   "user database"};

	for (size_t i = 0; i < ARRAY_COUNT(skipped); i++)
		if (!strcmp(type, skipped[i]))
			return true;
	return false;
}

static void check_object(void *p, size_t size, const char *type, void *arg)
{
	struct check *c = arg;
	u64 *word = p;

	if (is_skipped(type))
		return;
	for (size_t i = 0; i < size / sizeof(u64); i++) {
		if ((void *)&word[i] == (void *)&sched()->loop_sp)
			continue; /* where this very coroutine came from; set anew at every switch */
		for (u32 k = 0; k < c->bad_count; k++) {
			if (word[i] < c->bad[k].start || word[i] >= c->bad[k].end)
				continue;
			if (c->found++ < 16)
				json_array_append_new(c->examples,
						      json_pack("{s:s,s:I}", "type", type, "offset",
								(json_int_t)(i * sizeof(u64))));
		}
	}
}

static void add_type(const char *type, u64 count, u64 bytes, void *arg)
{
	json_array_append_new(arg, json_pack("{s:s,s:I,s:I}", "name", type, "count", (json_int_t)count,
					     "bytes", (json_int_t)bytes));
}

int op_arena(struct request *r)
{
	struct check *c;
	json_t *types;
	int err;

	if (!kernel()->maps_fd)
		return request_fail(r, -EOPNOTSUPP, "this sentry was started without its own map");
	c = knew(struct check);
	if (!c)
		return -ENOMEM;
	err = read_maps(c);
	if (!err) {
		types = json_array();
		c->examples = json_array();
		arena_walk_types(add_type, types);
		arena_walk(check_object, c);
		r->answer = json_pack("{s:o,s:I,s:o}", "types", types, "bad_pointers", (json_int_t)c->found,
				      "bad", c->examples);
	}
	kfree(c);
	return err ? err : r->answer ? 0 : -ENOMEM;
}

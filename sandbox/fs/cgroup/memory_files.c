/*
 * memory_files.c - memory.*: the memory controller. What is charged: kernel/cgroup_memory.c.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "sandbox/fs/cgroup/cgroupfs_priv.h"

/* ---- figures ---- */

static int show_current(struct cgroup *c, struct text_buf *b)
{
	cgroup_memory_look(c);
	text_printf(b, "%lu\n", (unsigned long)c->memory.current);
	return 0;
}

static int show_peak(struct cgroup *c, struct text_buf *b)
{
	cgroup_memory_look(c);
	text_printf(b, "%lu\n", (unsigned long)c->memory.peak);
	return 0;
}

static int show_zero(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "0\n");
	return 0;
}

/* Names that readers look for and that are never anything but 0 here: nothing is reclaimed, written back,
 * swapped or merged by the sandbox's kernel, and its own objects are not charged. */
static const char *const zeros[] = {"kernel",
				    "kernel_stack",
				    "pagetables",
				    "sec_pagetables",
				    "percpu",
				    "sock",
				    "vmalloc",
				    "zswap",
				    "zswapped",
				    "file_mapped",
				    "file_dirty",
				    "file_writeback",
				    "swapcached",
				    "anon_thp",
				    "file_thp",
				    "shmem_thp",
				    "inactive_file",
				    "active_file",
				    "unevictable",
				    "slab_reclaimable",
				    "slab_unreclaimable",
				    "slab",
				    "workingset_refault_anon",
				    "workingset_refault_file",
				    "workingset_activate_anon",
				    "workingset_activate_file",
				    "workingset_restore_anon",
				    "workingset_restore_file",
				    "workingset_nodereclaim",
				    "pgscan",
				    "pgsteal"};

static int show_stat(struct cgroup *c, struct text_buf *b)
{
	const struct cgroup_memory *m = &c->memory;

	cgroup_memory_look(c);
	/* as on Linux the contents of tmpfs are file pages too, on the list of anonymous ones */
	text_printf(b, "anon %lu\nfile %lu\nshmem %lu\ninactive_anon %lu\nactive_anon %lu\n",
		    (unsigned long)m->anon, (unsigned long)m->shmem, (unsigned long)m->shmem,
		    (unsigned long)m->shmem, (unsigned long)m->anon);
	for (size_t i = 0; i < ARRAY_COUNT(zeros); i++)
		text_printf(b, "%s 0\n", zeros[i]);
	return 0;
}

/* ---- limits ---- */

/* Bytes, with K, M, G or T; whole pages. */
static int parse_bytes(const char *text, u64 *out)
{
	static const char units[] = "kmgtpe";
	const char *unit;
	char *end;
	u64 shift = 0;

	if (!strcmp(text, "max")) {
		*out = CGROUP_NO_LIMIT;
		return 0;
	}
	if (*text < '0' || *text > '9')
		return -EINVAL;
	*out = strtoull(text, &end, 0);
	if (*end) {
		unit = strchr(units, *end | 0x20);
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (u64)(unit - units + 1);
	}
	*out = *out > UINT64_MAX >> shift ? CGROUP_NO_LIMIT : *out << shift;
	if (*out != CGROUP_NO_LIMIT)
		*out = PAGE_DOWN(*out);
	return 0;
}

static int store_limit(u64 *limit, const char *text)
{
	int err = parse_bytes(text, limit);

	return err ? err : cgroup_memory_watch();
}

#define LIMIT(name, field)                                                                                   \
	static int show_##name(struct cgroup *c, struct text_buf *b)                                         \
	{                                                                                                    \
		cgroup_print(b, c->memory.field);                                                            \
		return 0;                                                                                    \
	}                                                                                                    \
	static int store_##name(struct cgroup *c, char *text, const struct cred *opener)                     \
	{                                                                                                    \
		return store_limit(&c->memory.field, text);                                                  \
	}
LIMIT(min, min)
LIMIT(low, low)
LIMIT(high, high)
LIMIT(max, max)
LIMIT(swap_max, swap_max)
LIMIT(swap_high, swap_high)

static int show_oom_group(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "%d\n", c->memory.oom_group);
	return 0;
}

static int store_oom_group(struct cgroup *c, char *text, const struct cred *opener)
{
	s64 v;

	if (cgroup_parse_int(text, 0, 1, &v))
		return -EINVAL;
	c->memory.oom_group = v;
	return 0;
}

/* Nothing here can be given back on demand. */
static int store_reclaim(struct cgroup *c, char *text, const struct cred *opener)
{
	u64 bytes;
	int err = parse_bytes(text, &bytes);

	return err ? err : bytes ? -EAGAIN : 0;
}

/* ---- events ---- */

static void print_events(struct text_buf *b, const u64 *counts)
{
	static const char *const names[MEMCG_EVENTS] = {
	    [MEMCG_LOW] = "low", [MEMCG_HIGH] = "high",         [MEMCG_MAX] = "max",
	    [MEMCG_OOM] = "oom", [MEMCG_OOM_KILL] = "oom_kill", [MEMCG_OOM_GROUP_KILL] = "oom_group_kill"};

	for (u32 i = 0; i < MEMCG_EVENTS; i++)
		text_printf(b, "%s %lu\n", names[i], (unsigned long)counts[i]);
}

static int show_events(struct cgroup *c, struct text_buf *b)
{
	print_events(b, c->memory.events);
	return 0;
}

static int show_local_events(struct cgroup *c, struct text_buf *b)
{
	print_events(b, c->memory.local_events);
	return 0;
}

static int show_swap_events(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "high 0\nmax 0\nfail 0\n");
	return 0;
}

#define MEMORY CGROUP_MEMORY, CGF_NOT_ON_ROOT
const struct cgroup_file cgroup_memory_files[] = {
    {"memory.current", 0444, MEMORY, show_current, NULL, 0},
    {"memory.peak", 0444, MEMORY, show_peak, NULL, 0},
    {"memory.min", 0644, MEMORY, show_min, store_min, 0},
    {"memory.low", 0644, MEMORY, show_low, store_low, 0},
    {"memory.high", 0644, MEMORY, show_high, store_high, 0},
    {"memory.max", 0644, MEMORY, show_max, store_max, 0},
    {"memory.oom.group", 0644, CGROUP_MEMORY, CGF_NOT_ON_ROOT | CGF_DELEGATED, show_oom_group,
     store_oom_group, 0},
    {"memory.events", 0444, MEMORY, show_events, NULL, offsetof(struct cgroup, memory_events)},
    {"memory.events.local", 0444, MEMORY, show_local_events, NULL,
     offsetof(struct cgroup, memory_local_events)},
    {"memory.stat", 0444, CGROUP_MEMORY, 0, show_stat, NULL, 0},
    {"memory.reclaim", 0200, CGROUP_MEMORY, CGF_DELEGATED, NULL, store_reclaim, 0},
    {"memory.swap.current", 0444, MEMORY, show_zero, NULL, 0},
    {"memory.swap.peak", 0444, MEMORY, show_zero, NULL, 0},
    {"memory.swap.high", 0644, MEMORY, show_swap_high, store_swap_high, 0},
    {"memory.swap.max", 0644, MEMORY, show_swap_max, store_swap_max, 0},
    {"memory.swap.events", 0444, MEMORY, show_swap_events, NULL, 0},
};
const u32 cgroup_memory_file_count = ARRAY_COUNT(cgroup_memory_files);

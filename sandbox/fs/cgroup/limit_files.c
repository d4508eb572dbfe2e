/*
 * limit_files.c - cpu.* and pids.*: the controllers of CPU time and of the number of tasks.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "sandbox/fs/cgroup/cgroupfs_priv.h"

#define PERIOD_MIN_US 1000
#define PERIOD_MAX_US 1000000
#define QUOTA_MIN_US  1000
#define QUOTA_MAX_US  (UINT64_MAX >> 20)
#define PIDS_MOST     4194304

/* ---- cpu ---- */

static unsigned long us(u64 ns)
{
	return (unsigned long)(ns / 1000);
}

static int show_cpu_stat(struct cgroup *c, struct text_buf *b)
{
	const struct cgroup_cpu *cpu = &c->cpu;
	struct cgroup_times t;
	u64 throttled = cpu->throttled_ns;

	cgroup_cpu_usage(c, &t);
	text_printf(b, "usage_usec %lu\nuser_usec %lu\nsystem_usec %lu\n", us(t.user_ns + t.system_ns),
		    us(t.user_ns), us(t.system_ns));
	if (!c->parent || !(cgroup_enabled(c) & CGROUP_CPU))
		return 0;
	if (cpu->throttled)
		throttled += clock_monotonic() - cpu->throttled_since;
	text_printf(b,
		    "nice_usec 0\nnr_periods %lu\nnr_throttled %lu\nthrottled_usec %lu\nnr_bursts %lu\n"
		    "burst_usec %lu\n",
		    (unsigned long)cpu->periods, (unsigned long)cpu->throttled_periods, us(throttled),
		    (unsigned long)cpu->bursts, us(cpu->bursts_ns));
	return 0;
}

static int show_max(struct cgroup *c, struct text_buf *b)
{
	if (c->cpu.quota_ns == CGROUP_NO_LIMIT)
		text_printf(b, "max %lu\n", us(c->cpu.period_ns));
	else
		text_printf(b, "%lu %lu\n", us(c->cpu.quota_ns), us(c->cpu.period_ns));
	return 0;
}

/* "QUOTA [PERIOD]" */
static int store_max(struct cgroup *c, char *text, const struct cred *opener)
{
	u64 quota, period = c->cpu.period_ns / 1000;
	char *space = strchr(text, ' ');
	int err;

	if (space) {
		*space++ = 0;
		space += strspn(space, " ");
		if (cgroup_parse(space, PERIOD_MAX_US, &period) || period < PERIOD_MIN_US)
			return -EINVAL;
	}
	err = cgroup_parse(text, QUOTA_MAX_US, &quota);
	if (err || quota < QUOTA_MIN_US)
		return -EINVAL;
	cgroup_cpu_set_max(c, quota == CGROUP_NO_LIMIT ? quota : quota * 1000, period * 1000);
	return 0;
}

static int show_burst(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "%lu\n", us(c->cpu.burst_ns));
	return 0;
}

static int store_burst(struct cgroup *c, char *text, const struct cred *opener)
{
	u64 v;

	if (cgroup_parse(text, QUOTA_MAX_US, &v) || v == CGROUP_NO_LIMIT ||
	    (v && (c->cpu.quota_ns == CGROUP_NO_LIMIT || v * 1000 > c->cpu.quota_ns)))
		return -EINVAL;
	c->cpu.burst_ns = v * 1000;
	return 0;
}

/* The weights of the nice levels, as sched(7) has them: each level is a quarter more or less. */
static const u32 nice_weights[40] = {88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
				     9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
				     1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
				     110,   87,    70,    56,    45,    36,    29,    23,    18,    15};

static int show_weight(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "%lu\n", c->cpu.idle ? 0UL : (unsigned long)c->cpu.weight);
	return 0;
}

static int store_weight(struct cgroup *c, char *text, const struct cred *opener)
{
	s64 v;
	int err = cgroup_parse_int(text, 1, 10000, &v);

	if (!err && c->cpu.idle)
		err = -EINVAL;
	return err ? err : cgroup_weight_set(c, (u64)v, false);
}

static int show_weight_nice(struct cgroup *c, struct text_buf *b)
{
	u64 w = c->cpu.weight * 1024 / 100, best = UINT64_MAX;
	int nice = 0;

	for (int i = 0; i < 40; i++) {
		u64 distance = w > nice_weights[i] ? w - nice_weights[i] : nice_weights[i] - w;
		if (distance < best) {
			best = distance;
			nice = i - 20;
		}
	}
	text_printf(b, "%d\n", nice);
	return 0;
}

static int store_weight_nice(struct cgroup *c, char *text, const struct cred *opener)
{
	s64 v;
	int err = cgroup_parse_int(text, -20, 19, &v);

	if (!err && c->cpu.idle)
		err = -EINVAL;
	return err ? err : cgroup_weight_set(c, ((u64)nice_weights[v + 20] * 100 + 512) / 1024, false);
}

static int show_idle(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "%d\n", c->cpu.idle);
	return 0;
}

static int store_idle(struct cgroup *c, char *text, const struct cred *opener)
{
	s64 v;
	int err = cgroup_parse_int(text, 0, 1, &v);

	if (err)
		return -EINVAL;
	return cgroup_weight_set(c, v == c->cpu.idle ? c->cpu.weight : CGROUP_WEIGHT, v);
}

const struct cgroup_file cgroup_cpu_files[] = {
    {"cpu.stat", 0444, 0, 0, show_cpu_stat, NULL, 0},
    {"cpu.max", 0644, CGROUP_CPU, CGF_NOT_ON_ROOT, show_max, store_max, 0},
    {"cpu.max.burst", 0644, CGROUP_CPU, CGF_NOT_ON_ROOT, show_burst, store_burst, 0},
    {"cpu.weight", 0644, CGROUP_CPU, CGF_NOT_ON_ROOT, show_weight, store_weight, 0},
    {"cpu.weight.nice", 0644, CGROUP_CPU, CGF_NOT_ON_ROOT, show_weight_nice, store_weight_nice, 0},
    {"cpu.idle", 0644, CGROUP_CPU, CGF_NOT_ON_ROOT, show_idle, store_idle, 0},
};
const u32 cgroup_cpu_file_count = ARRAY_COUNT(cgroup_cpu_files);

/* ---- pids ---- */

static int show_pids_current(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "%lu\n", (unsigned long)c->pids.current);
	return 0;
}

static int show_pids_peak(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "%lu\n", (unsigned long)c->pids.peak);
	return 0;
}

static int show_pids_max(struct cgroup *c, struct text_buf *b)
{
	cgroup_print(b, c->pids.max);
	return 0;
}

static int store_pids_max(struct cgroup *c, char *text, const struct cred *opener)
{
	u64 v;

	if (cgroup_parse(text, PIDS_MOST, &v))
		return -EINVAL;
	c->pids.max = v;
	return 0;
}

static int show_pids_events(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "max %lu\n", (unsigned long)c->pids.events);
	return 0;
}

static int show_pids_local_events(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "max %lu\n", (unsigned long)c->pids.local_events);
	return 0;
}

const struct cgroup_file cgroup_pids_files[] = {
    {"pids.current", 0444, CGROUP_PIDS, CGF_NOT_ON_ROOT, show_pids_current, NULL, 0},
    {"pids.peak", 0444, CGROUP_PIDS, CGF_NOT_ON_ROOT, show_pids_peak, NULL, 0},
    {"pids.max", 0644, CGROUP_PIDS, CGF_NOT_ON_ROOT, show_pids_max, store_pids_max, 0},
    {"pids.events", 0444, CGROUP_PIDS, CGF_NOT_ON_ROOT, show_pids_events, NULL,
     offsetof(struct cgroup, pids_event)},
    {"pids.events.local", 0444, CGROUP_PIDS, CGF_NOT_ON_ROOT, show_pids_local_events, NULL,
     offsetof(struct cgroup, pids_local_event)},
};
const u32 cgroup_pids_file_count = ARRAY_COUNT(cgroup_pids_files);

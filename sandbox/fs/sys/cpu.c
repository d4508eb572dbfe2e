/*
 * cpu.c - /sys/devices/system/cpu: the CPUs a guest may have, their topology and caches. All CPUs look like
 * cores of one package; the caches are what CPUID says.
 */
#include <cpuid.h>
#include <stdio.h>

#include "sandbox/fs/sys/sys_priv.h"

#define CACHES_MAX 8

struct cache {
	u32 type, level, line, ways, sets;
	bool shared; /* by all */
};

static u32 caches(struct cache *c)
{
	u32 n = 0, a = 0, b, x, d, leaf = 4;

	if (!__get_cpuid_count(leaf, 0, &a, &b, &x, &d) || !(a & 31))
		leaf = 0x8000001d; /* where AMD says it */
	for (u32 i = 0; n < CACHES_MAX && __get_cpuid_count(leaf, i, &a, &b, &x, &d) && (a & 31); i++) {
		c[n].type = a & 31;
		c[n].level = a >> 5 & 7;
		c[n].line = (b & 0xfff) + 1;
		c[n].ways = (b >> 22) + 1;
		c[n].sets = x + 1;
		c[n].shared = c[n].level >= 3;
		n++;
	}
	return n;
}

static void show_all(struct text_buf *b, u32 arg)
{
	sysfs_put_list(b, 0, platform_cpu_count());
}

static void show_all_mask(struct text_buf *b, u32 arg)
{
	sysfs_put_mask(b, 0, platform_cpu_count());
}

static void show_one(struct text_buf *b, u32 cpu)
{
	sysfs_put_list(b, cpu, 1);
}

static void show_one_mask(struct text_buf *b, u32 cpu)
{
	sysfs_put_mask(b, cpu, 1);
}

static void show_none(struct text_buf *b, u32 arg)
{
	sysfs_put_list(b, 0, 0);
}

static void build_topology(struct sys_tree *t, u32 cpu)
{
	struct dentry *d = sysfs_dir(t, "devices/system/cpu/cpu%u/topology", cpu);
	static const char *const whole[] = {"core_siblings", "package_cpus", "die_cpus", "cluster_cpus"};
	static const char *const own[] = {"thread_siblings", "core_cpus"};
	char name[32], number[12];

	snprintf(number, sizeof(number), "%u", cpu);
	sysfs_text(t, d, "core_id", number);
	sysfs_text(t, d, "physical_package_id", "0");
	sysfs_text(t, d, "die_id", "0");
	sysfs_text(t, d, "cluster_id", "0");
	for (u32 i = 0; i < ARRAY_COUNT(whole); i++) {
		snprintf(name, sizeof(name), "%s_list", whole[i]);
		sysfs_file(t, d, whole[i], show_all_mask, 0);
		sysfs_file(t, d, name, show_all, 0);
	}
	for (u32 i = 0; i < ARRAY_COUNT(own); i++) {
		snprintf(name, sizeof(name), "%s_list", own[i]);
		sysfs_file(t, d, own[i], show_one_mask, cpu);
		sysfs_file(t, d, name, show_one, cpu);
	}
}

static void build_cache(struct sys_tree *t, u32 cpu, u32 index, const struct cache *c)
{
	static const char *const types[] = {"", "Data", "Instruction", "Unified"};
	struct dentry *d = sysfs_dir(t, "devices/system/cpu/cpu%u/cache/index%u", cpu, index);
	const struct {
		const char *name;
		u32 value;
	} numbers[] = {
	    {"level", c->level},         {"coherency_line_size", c->line}, {"ways_of_associativity", c->ways},
	    {"number_of_sets", c->sets}, {"physical_line_partition", 1},   {"id", c->shared ? 0 : cpu}};
	char text[24];

	for (u32 i = 0; i < ARRAY_COUNT(numbers); i++) {
		snprintf(text, sizeof(text), "%u", numbers[i].value);
		sysfs_text(t, d, numbers[i].name, text);
	}
	sysfs_text(t, d, "type", c->type < ARRAY_COUNT(types) ? types[c->type] : "");
	snprintf(text, sizeof(text), "%luK", (unsigned long)c->line * c->ways * c->sets / 1024);
	sysfs_text(t, d, "size", text);
	sysfs_file(t, d, "shared_cpu_list", c->shared ? show_all : show_one, cpu);
	sysfs_file(t, d, "shared_cpu_map", c->shared ? show_all_mask : show_one_mask, cpu);
}

void sysfs_build_cpus(struct sys_tree *t)
{
	struct dentry *d = sysfs_dir(t, "devices/system/cpu");
	struct cache c[CACHES_MAX];
	u32 n = caches(c);
	char text[24];

	sysfs_file(t, d, "online", show_all, 0);
	sysfs_file(t, d, "possible", show_all, 0);
	sysfs_file(t, d, "present", show_all, 0);
	sysfs_file(t, d, "offline", show_none, 0);
	sysfs_file(t, d, "isolated", show_none, 0);
	snprintf(text, sizeof(text), "%u", platform_cpu_count() - 1);
	sysfs_text(t, d, "kernel_max", text);
	sysfs_text(t, sysfs_dir(t, "devices/system/cpu/smt"), "active", "0");
	sysfs_text(t, sysfs_dir(t, "devices/system/cpu/smt"), "control", "notsupported");
	(void)sysfs_dir(t, "devices/system/cpu/cpufreq");
	(void)sysfs_dir(t, "devices/system/cpu/cpuidle");
	(void)sysfs_dir(t, "devices/system/cpu/vulnerabilities");
	for (u32 cpu = 0; cpu < platform_cpu_count(); cpu++) {
		build_topology(t, cpu);
		for (u32 i = 0; i < n; i++)
			build_cache(t, cpu, i, &c[i]);
		if (cpu)
			sysfs_text(t, sysfs_dir(t, "devices/system/cpu/cpu%u", cpu), "online", "1");
		sysfs_link(t, sysfs_dir(t, "devices/system/cpu/cpu%u", cpu), "node0", "../../node/node0");
	}
}

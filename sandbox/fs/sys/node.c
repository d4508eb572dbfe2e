/*
 * node.c - /sys/devices/system/node: one memory node with all CPUs and all memory.
 */
#include <stdio.h>

#include "sandbox/fs/sys/sys_priv.h"

static void show_cpus(struct text_buf *b, u32 arg)
{
	sysfs_put_list(b, 0, platform_cpu_count());
}

static void show_mask(struct text_buf *b, u32 arg)
{
	sysfs_put_mask(b, 0, platform_cpu_count());
}

static void show_meminfo(struct text_buf *b, u32 arg)
{
	unsigned long total = kernel_memory_total() / 1024,
		      used = (arena_used() + kernel()->tmpfs_bytes) / 1024;

	text_printf(b,
		    "Node 0 MemTotal:       %8lu kB\nNode 0 MemFree:        %8lu kB\nNode 0 MemUsed:        "
		    "%8lu kB\n",
		    total, total > used ? total - used : 0, used);
}

void sysfs_build_nodes(struct sys_tree *t)
{
	static const char *const sets[] = {"online", "possible", "has_cpu", "has_memory",
					   "has_normal_memory"};
	struct dentry *d = sysfs_dir(t, "devices/system/node");
	char name[16];

	for (u32 i = 0; i < ARRAY_COUNT(sets); i++)
		sysfs_text(t, d, sets[i], "0");
	d = sysfs_dir(t, "devices/system/node/node0");
	sysfs_file(t, d, "cpulist", show_cpus, 0);
	sysfs_file(t, d, "cpumap", show_mask, 0);
	sysfs_file(t, d, "meminfo", show_meminfo, 0);
	sysfs_text(t, d, "distance", "10");
	sysfs_text(t, d, "numastat",
		   "numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0");
	for (u32 cpu = 0; cpu < platform_cpu_count(); cpu++) {
		snprintf(name, sizeof(name), "cpu%u", cpu);
		sysfs_link(t, d, name, "../../cpu/%s", name);
	}
}

/*
 * kernel.c - the boot of the kernel: the root object and, in order, the parts that need state from the start.
 */
#include <errno.h>
#include <unistd.h>
#include <stdio.h>

#include "sandbox/fs/devpts/tty.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/sched_priv.h"
#include "sandbox/kernel/sysctl.h"
#include "sandbox/kernel/task.h"
#include "sandbox/vfs/mount.h"

/* parts that a build for tests may leave out */
#pragma weak vfs_init
#pragma weak futex_init
#pragma weak net_ns_loopback_up
int futex_init(void);

int kernel_init(const char *id, u64 memory_limit, u32 task_limit)
{
	struct kernel *k = knew(struct kernel);
	int err;

	if (!k)
		return -ENOMEM;
	arena_set_root(k);
	list_init(&k->tasks);
	list_init(&k->containers);
	list_init(&k->host_fds);
	list_init(&k->gofers);
	k->boot_monotonic_ns = clock_monotonic();
	k->boot_realtime_ns = clock_realtime();
	k->memory_limit = memory_limit;
	k->memory_total = (u64)sysconf(_SC_PHYS_PAGES) * PAGE_SIZE;
	k->task_limit = task_limit;
	k->next_ino = 1;
	k->next_dev = 1;
	snprintf(k->id, sizeof(k->id), "%s", id);
	err = sched_init();
	if (err)
		return err;
	k->root_user_ns = user_ns_new_root();
	if (!k->root_user_ns)
		return -ENOMEM;
	k->root_pid_ns = pid_ns_new(k->root_user_ns, NULL);
	k->root_time_ns = time_ns_new(k->root_user_ns, NULL);
	k->net_ns = net_ns_new(k->root_user_ns);
	if (!k->root_pid_ns || !k->root_time_ns || !k->net_ns)
		return -ENOMEM;
	if (net_ns_loopback_up && net_ns_loopback_up(k->net_ns))
		return -ENOMEM;
	err = cgroup_init();
	if (!err)
		err = sysctl_init();
	if (err)
		return err;
	if (vfs_init) {
		err = vfs_init();
		if (err)
			return err;
	}
	return futex_init ? futex_init() : 0;
}

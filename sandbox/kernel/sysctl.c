/*
 * sysctl.c - see sysctl.h.
 */
#include "sandbox/kernel/sysctl.h"

#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/kernel/kernel.h"

static const struct {
	u64 initial, min, max;
} limits[] = {
#define LIMIT(name, dir, file, mode, initial, min, max) {initial, min, max},
    SYSCTL_LIST(LIMIT)
#undef LIMIT
};

int sysctl_init(void)
{
	kernel()->sysctls = knew_array(u64, SYSCTL_COUNT);
	if (!kernel()->sysctls)
		return -ENOMEM;
	for (u32 i = 0; i < SYSCTL_COUNT; i++)
		kernel()->sysctls[i] = limits[i].initial;
	return 0;
}

u64 sysctl(enum sysctl_id id)
{
	return kernel()->sysctls[id];
}

int sysctl_set(enum sysctl_id id, u64 value)
{
	if (value < limits[id].min || value > limits[id].max)
		return -EINVAL;
	kernel()->sysctls[id] = value;
	return 0;
}

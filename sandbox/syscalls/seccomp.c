/*
 * syscalls/seccomp.c - seccomp(2).
 */
#include "sandbox/kernel/seccomp.h"

#include <errno.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

static s64 action_avail(u64 user)
{
	u32 action;

	if (get_user(&action, uaddr(user)))
		return -EFAULT;
	return seccomp_action_known(action);
}

static s64 notif_sizes(u64 user)
{
	const u16 sizes[3] = {sizeof(struct linux_seccomp_notif), sizeof(struct linux_seccomp_notif_resp),
			      sizeof(struct linux_seccomp_data)};

	return put_user(&sizes, uaddr(user));
}

s64 sys_seccomp(struct task *t, const u64 *a)
{
	u32 op = (u32)a[0], flags = (u32)a[1];

	switch (op) {
	case LINUX_SECCOMP_SET_MODE_STRICT:
		return flags || a[2] ? -EINVAL : seccomp_set_strict(t);
	case LINUX_SECCOMP_SET_MODE_FILTER:
		return seccomp_set_filter(t, flags, uaddr(a[2]));
	case LINUX_SECCOMP_GET_ACTION_AVAIL:
		return flags ? -EINVAL : action_avail(a[2]);
	case LINUX_SECCOMP_GET_NOTIF_SIZES:
		return flags ? -EINVAL : notif_sizes(a[2]);
	default:
		return -EINVAL;
	}
}

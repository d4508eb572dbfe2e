/*
 * misc.c - what a process asks of the system and of itself: uname, sysinfo, getrandom, limits, usage.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "sandbox/abi/sched.h"
#include "sandbox/abi/version.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/account.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/mm/usage.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

/* ---- the system ---- */

s64 sys_uname(struct task *t, const u64 *a)
{
	struct {
		char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
	} u = {"Linux", "", LINUX_RELEASE, LINUX_VERSION, "x86_64", ""};

	memcpy(u.nodename, t->ns->uts->nodename, sizeof(u.nodename));
	memcpy(u.domainname, t->ns->uts->domainname, sizeof(u.domainname));
	return put_user(&u, uaddr(a[0]));
}

static s64 set_name(struct task *t, u64 user, u64 len, char *dst)
{
	char name[65] = {0};

	if (!ns_capable(t->ns->uts->common.owner, LINUX_CAP_SYS_ADMIN))
		return -EPERM;
	if (len > 64)
		return -EINVAL;
	if (copy_in(name, uaddr(user), len))
		return -EFAULT;
	memcpy(dst, name, sizeof(name));
	return 0;
}

s64 sys_sethostname(struct task *t, const u64 *a)
{
	return set_name(t, a[0], a[1], t->ns->uts->nodename);
}

s64 sys_setdomainname(struct task *t, const u64 *a)
{
	return set_name(t, a[0], a[1], t->ns->uts->domainname);
}

s64 sys_sysinfo(struct task *t, const u64 *a)
{
	struct {
		s64 uptime;
		u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
		u16 procs, pad;
		u32 pad2;
		u64 totalhigh, freehigh;
		u32 mem_unit, pad3;
	} s = {.mem_unit = 1};
	struct memory_usage m;

	static_assert(sizeof(s) == 112, "struct sysinfo");
	memory_usage(&m);
	s.totalram = m.total;
	s.freeram = m.total - min_t(u64, m.total, m.used + m.mapped);
	s.sharedram = m.shmem;
	s.uptime = (s64)((clock_monotonic() - kernel()->boot_monotonic_ns) / NSEC_PER_SEC);
	load_averages(s.loads);
	s.procs = (u16)min_t(u32, kernel()->task_count, 65535);
	return put_user(&s, uaddr(a[0]));
}

s64 sys_getrandom(struct task *t, const u64 *a)
{
	u64 size = min_t(u64, a[1], 32UL << 20), done = 0;
	char buf[512];

	if ((u32)a[2] & ~7U || ((u32)a[2] & 6) == 6)
		return -EINVAL;
	while (done < size) {
		size_t n = min_t(u64, size - done, sizeof(buf));
		if (getrandom(buf, n, 0) != (ssize_t)n)
			return -EAGAIN;
		if (copy_out(uaddr(a[0] + done), buf, n))
			return done ? (s64)done : -EFAULT;
		done += n;
	}
	return (s64)done;
}

s64 sys_getcpu(struct task *t, const u64 *a)
{
	u32 zero = 0;

	if ((a[0] && put_user(&zero, uaddr(a[0]))) || (a[1] && put_user(&zero, uaddr(a[1]))))
		return -EFAULT;
	return 0;
}

s64 sys_syslog(struct task *t, const u64 *a)
{
	int type = arg_int(a[0]);

	if (!capable(34 /* CAP_SYSLOG */) && type != 10 && type != 3)
		return -EPERM;
	if (type < 0 || type > 10)
		return -EINVAL;
	return 0; /* the kernel's log is empty: its size and what is read are 0 */
}

/* ---- limits and usage ---- */

static s64 limit_of(struct task *t, struct task *other, u32 what, u64 set, u64 get)
{
	struct rlimit64 *l, in, old;

	if (what >= RLIM_COUNT)
		return -EINVAL;
	if (set && get_user(&in, uaddr(set)))
		return -EFAULT;
	l = &other->tg->rlimits[what];
	old = *l;
	if (set) {
		if (in.cur > in.max)
			return -EINVAL;
		if (in.max > l->max && !capable(LINUX_CAP_SYS_RESOURCE))
			return -EPERM;
		if (what == LINUX_RLIMIT_NOFILE && in.max > 1048576)
			return -EPERM;
		*l = in;
		if (what == LINUX_RLIMIT_CPU)
			cpu_limit_changed(other->tg);
	}
	return get && put_user(&old, uaddr(get)) ? -EFAULT : 0;
}

s64 sys_getrlimit(struct task *t, const u64 *a)
{
	return limit_of(t, t, (u32)a[0], 0, a[1]);
}

s64 sys_setrlimit(struct task *t, const u64 *a)
{
	return a[1] ? limit_of(t, t, (u32)a[0], a[1], 0) : -EFAULT;
}

s64 sys_prlimit64(struct task *t, const u64 *a)
{
	struct task *other = a[0] ? task_find(arg_int(a[0])) : t;
	const struct cred *c = t->cred, *d;

	if (!other || !other->tg)
		return -ESRCH;
	d = other->cred;
	if (other->tg != t->tg && !ns_capable(d->user_ns, LINUX_CAP_SYS_RESOURCE) &&
	    (c->uid != d->uid || c->uid != d->euid || c->uid != d->suid || c->gid != d->gid ||
	     c->gid != d->egid || c->gid != d->sgid))
		return -EPERM;
	return limit_of(t, other, (u32)a[1], a[2], a[3]);
}

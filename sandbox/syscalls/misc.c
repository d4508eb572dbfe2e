/*
 * misc.c - what a process asks of the system and of itself: uname, sysinfo, getrandom, limits, usage, prctl.
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
	const struct cred *c = t->cred;

	if (!other || !other->tg)
		return -ESRCH;
	if (other->tg != t->tg && !capable(LINUX_CAP_SYS_RESOURCE) &&
	    (c->uid != other->cred->uid || c->uid != other->cred->euid || c->uid != other->cred->suid))
		return -EPERM;
	return limit_of(t, other, (u32)a[1], a[2], a[3]);
}

s64 sys_personality(struct task *t, const u64 *a)
{
	u32 old = t->personality;

	if ((u32)a[0] != 0xffffffffU)
		t->personality = (u32)a[0];
	return old;
}

/* ---- prctl ---- */

static s64 set_securebits(struct task *t, u64 bits)
{
	struct cred *c;

	if (!capable(8 /* CAP_SETPCAP */) || (bits & ~0xffULL))
		return -EPERM;
	/* locked bits and their locks cannot be changed */
	if (((t->cred->securebits & 0xaa) >> 1) & (t->cred->securebits ^ (u32)bits))
		return -EPERM;
	if ((t->cred->securebits & 0xaa) & ~(u32)bits)
		return -EPERM;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->securebits = (u32)bits;
	task_set_cred(t, c);
	return 0;
}

static s64 drop_bounding(struct task *t, u64 cap)
{
	struct cred *c;

	if (cap > 40)
		return -EINVAL;
	if (!capable(8))
		return -EPERM;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->cap_bounding &= ~(1ULL << cap);
	task_set_cred(t, c);
	return 0;
}

static s64 ambient(struct task *t, const u64 *a)
{
	u64 bit = a[2] <= 40 ? 1ULL << a[2] : 0;
	struct cred *c;

	if (a[1] == 4 ? a[2] || a[3] || a[4] : !bit || a[3] || a[4] || a[1] < 1 || a[1] > 3)
		return -EINVAL;
	if (a[1] == 1)
		return !!(t->cred->cap_ambient & bit);
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	if (a[1] == 2) {
		if (!(c->cap_permitted & bit) || !(c->cap_inheritable & bit) || (c->securebits & 64)) {
			cred_put(c);
			return -EPERM;
		}
		c->cap_ambient |= bit;
	} else {
		c->cap_ambient &= a[1] == 4 ? 0 : ~bit;
	}
	task_set_cred(t, c);
	return 0;
}

static s64 keep_caps(struct task *t, u64 on)
{
	struct cred *c;

	if (on > 1)
		return -EINVAL;
	if (t->cred->securebits & 32)
		return -EPERM;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->securebits = (c->securebits & ~16U) | (on ? 16 : 0);
	task_set_cred(t, c);
	return 0;
}

static s64 no_new_privs(struct task *t, const u64 *a)
{
	struct cred *c;

	if (a[1] != 1 || a[2] || a[3] || a[4])
		return -EINVAL;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->no_new_privs = true;
	task_set_cred(t, c);
	return 0;
}

s64 sys_prctl(struct task *t, const u64 *a)
{
	char name[16] = {0};
	s64 n;
	s32 v;

	switch (arg_int(a[0])) {
	case 1: /* PR_SET_PDEATHSIG */
		if (a[1] > LINUX_NSIG)
			return -EINVAL;
		t->pdeath_signal = (int)a[1];
		return 0;
	case 2:
		return put_user(&t->pdeath_signal, uaddr(a[1]));
	case 3: /* PR_GET_DUMPABLE */
		return t->tg->dumpable;
	case 4:
		if (a[1] > 1)
			return -EINVAL;
		t->tg->dumpable = a[1];
		return 0;
	case 7: /* PR_GET_KEEPCAPS */
		return !!(t->cred->securebits & 16);
	case 8:
		return keep_caps(t, a[1]);
	case 15: /* PR_SET_NAME */
		n = copy_in_str(name, uaddr(a[1]), sizeof(name));
		if (n == -ENAMETOOLONG && copy_in(name, uaddr(a[1]), sizeof(name) - 1))
			return -EFAULT;
		if (n < 0 && n != -ENAMETOOLONG)
			return n;
		name[sizeof(name) - 1] = 0;
		memcpy(t->comm, name, sizeof(name));
		return 0;
	case 16:
		return copy_out(uaddr(a[1]), t->comm, sizeof(t->comm));
	case 21: /* PR_GET_SECCOMP */
		return t->seccomp.mode;
	case 22: /* PR_SET_SECCOMP */
		return a[1] == LINUX_SECCOMP_MODE_STRICT   ? seccomp_set_strict(t)
		       : a[1] == LINUX_SECCOMP_MODE_FILTER ? seccomp_set_filter(t, 0, uaddr(a[2]))
							   : -EINVAL;
	case 23: /* PR_CAPBSET_READ */
		return a[1] > 40 ? -EINVAL : (s64)(t->cred->cap_bounding >> a[1] & 1);
	case 24:
		return drop_bounding(t, a[1]);
	case 25: /* PR_GET_TSC */
		v = 1;
		return put_user(&v, uaddr(a[1]));
	case 27:
		return t->cred->securebits;
	case 28:
		return set_securebits(t, a[1]);
	case 29: /* PR_SET_TIMERSLACK */
		t->timer_slack_ns = (s64)a[1] > 0 ? a[1] : 50000;
		return 0;
	case 30:
		return (s64)t->timer_slack_ns;
	case 36: /* PR_SET_CHILD_SUBREAPER */
		t->tg->child_subreaper = a[1];
		return 0;
	case 37:
		v = t->tg->child_subreaper;
		return put_user(&v, uaddr(a[1]));
	case 38:
		return no_new_privs(t, a);
	case 39:
		return t->cred->no_new_privs;
	case 40: /* PR_GET_TID_ADDRESS */
		return put_user(&t->clear_child_tid.v, uaddr(a[1]));
	case 41: /* PR_SET_THP_DISABLE */
	case 42:
		return arg_int(a[0]) == 42 ? 0 : -EINVAL;
	case 47:
		return ambient(t, a);
	default:
		return -EINVAL;
	}
}

/*
 * syscalls/prctl.c - prctl(2) and personality(2).
 *
 * What belongs to another processor, or to a feature this kernel was not built with, is EINVAL, as on Linux.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/abi/seccomp.h"
#include "sandbox/kernel/seccomp.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

enum {
	SET_PDEATHSIG = 1,
	GET_PDEATHSIG,
	GET_DUMPABLE,
	SET_DUMPABLE,
	GET_KEEPCAPS = 7,
	SET_KEEPCAPS,
	GET_TIMING = 13,
	SET_TIMING,
	SET_NAME,
	GET_NAME,
	GET_SECCOMP = 21,
	SET_SECCOMP,
	CAPBSET_READ,
	CAPBSET_DROP,
	GET_TSC,
	SET_TSC,
	GET_SECUREBITS,
	SET_SECUREBITS,
	SET_TIMERSLACK,
	GET_TIMERSLACK,
	TASK_PERF_EVENTS_DISABLE,
	TASK_PERF_EVENTS_ENABLE,
	MCE_KILL,
	MCE_KILL_GET,
	SET_MM,
	SET_CHILD_SUBREAPER,
	GET_CHILD_SUBREAPER,
	SET_NO_NEW_PRIVS,
	GET_NO_NEW_PRIVS,
	GET_TID_ADDRESS,
	SET_THP_DISABLE,
	GET_THP_DISABLE,
	CAP_AMBIENT = 47,
	GET_SPECULATION = 52,
	SET_SPECULATION,
	SET_IO_FLUSHER = 57,
	GET_IO_FLUSHER,
	SET_MDWE = 65,
	GET_MDWE,
	GET_AUXV = 0x41555856
};

#define SLACK_DEFAULT_NS 50000U
#define CAP_BIT(n)       (1ULL << (n))

static bool any(const u64 *a, int from)
{
	for (int i = from; i < 5; i++)
		if (a[i])
			return true;
	return false;
}

/* ---- credentials: each changes a copy and installs it ---- */

#define BIT_NO_CAP_AMBIENT_RAISE 0x40U
#define BIT_KEEP_CAPS            0x10U
#define BIT_KEEP_CAPS_LOCKED     0x20U
#define BITS_LOCKS               0xaaaU
#define BITS_ALL                 0xfffU
#define BITS_UNPRIVILEGED        0xf00U /* SECBIT_EXEC_*: anyone may set them */

static bool may_setpcap(const struct task *t)
{
	return ns_capable(t->cred->user_ns, LINUX_CAP_SETPCAP);
}

static s64 set_securebits(struct task *t, u64 bits)
{
	u32 old = t->cred->securebits, change = old ^ (u32)bits;
	struct cred *c;

	if ((bits & ~(u64)BITS_ALL) || (((old & BITS_LOCKS) >> 1) & change) ||
	    (old & BITS_LOCKS & ~(u32)bits))
		return -EPERM;
	if ((change & ~BITS_UNPRIVILEGED || !change) && !may_setpcap(t))
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

	if (!may_setpcap(t))
		return -EPERM;
	if (cap > LINUX_CAP_LAST)
		return -EINVAL;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->cap_bounding &= ~CAP_BIT(cap);
	task_set_cred(t, c);
	return 0;
}

enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };

static s64 ambient(struct task *t, const u64 *a)
{
	u64 bit = a[2] <= LINUX_CAP_LAST ? CAP_BIT(a[2]) : 0;
	struct cred *c;

	if (a[3] || a[4] || (a[1] == AMBIENT_CLEAR_ALL ? a[2] != 0 : !bit))
		return -EINVAL;
	if (a[1] < AMBIENT_IS_SET || a[1] > AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (a[1] == AMBIENT_IS_SET)
		return !!(t->cred->cap_ambient & bit);
	if (a[1] == AMBIENT_RAISE && (!(t->cred->cap_permitted & t->cred->cap_inheritable & bit) ||
				      (t->cred->securebits & BIT_NO_CAP_AMBIENT_RAISE)))
		return -EPERM;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	if (a[1] == AMBIENT_RAISE)
		c->cap_ambient |= bit;
	else
		c->cap_ambient &= a[1] == AMBIENT_CLEAR_ALL ? 0 : ~bit;
	task_set_cred(t, c);
	return 0;
}

static s64 keep_caps(struct task *t, u64 on)
{
	struct cred *c;

	if (on > 1)
		return -EINVAL;
	if (t->cred->securebits & BIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->securebits = (c->securebits & ~BIT_KEEP_CAPS) | (on ? BIT_KEEP_CAPS : 0);
	task_set_cred(t, c);
	return 0;
}

static s64 no_new_privs(struct task *t, const u64 *a)
{
	struct cred *c;

	if (a[1] != 1 || any(a, 2))
		return -EINVAL;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->no_new_privs = true;
	task_set_cred(t, c);
	return 0;
}

/* ---- the process ---- */

static s64 set_name(struct task *t, u64 user)
{
	char name[sizeof(t->comm)] = {0};
	s64 n = copy_in_str(name, uaddr(user), sizeof(name));

	if (n == -ENAMETOOLONG && copy_in(name, uaddr(user), sizeof(name) - 1))
		return -EFAULT;
	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[sizeof(name) - 1] = 0;
	memcpy(t->comm, name, sizeof(name));
	return 0;
}

enum { MCE_CLEAR, MCE_SET };
enum { MCE_LATE, MCE_EARLY, MCE_DEFAULT };

/* When a broken page of memory kills: kept and told back, the sandbox has no such pages. */
static s64 mce_kill(struct task *t, const u64 *a)
{
	if (a[3] || a[4] || (a[1] == MCE_CLEAR && a[2]) || a[1] > MCE_SET || a[2] > MCE_DEFAULT)
		return -EINVAL;
	t->tg->mce_policy = a[1] == MCE_CLEAR || a[2] == MCE_DEFAULT ? 0 : a[2] == MCE_EARLY ? 2 : 1;
	return 0;
}

static s64 mce_kill_get(struct task *t, const u64 *a)
{
	static const s64 names[] = {MCE_DEFAULT, MCE_LATE, MCE_EARLY};

	return any(a, 1) ? -EINVAL : names[t->tg->mce_policy];
}

static s64 io_flusher(struct task *t, const u64 *a, bool set)
{
	if (!capable(LINUX_CAP_SYS_RESOURCE))
		return -EPERM;
	if (any(a, set ? 2 : 1) || (set && a[1] > 1))
		return -EINVAL;
	if (!set)
		return t->io_flusher;
	t->io_flusher = a[1];
	return 0;
}

/* Store bypass, indirect branches: speculation is on and no thread can switch it; the L1D flush is off. */
static s64 speculation(const u64 *a, bool set)
{
	if (any(a, set ? 3 : 2))
		return -EINVAL;
	if (a[1] > 2)
		return -ENODEV;
	if (set)
		return a[2] == 2 || a[2] == 4 || a[2] == 8 || a[2] == 16 ? -ENXIO : -ERANGE;
	return a[1] == 2 ? 4 /* PR_SPEC_DISABLE */ : 2 /* PR_SPEC_ENABLE */;
}

/* ---- where things are in memory, as /proc shows them ---- */

static s64 set_mm(struct task *t, const u64 *a)
{
	struct mm *mm = t->mm;
	u64 *field[] = {NULL,           &mm->start_code,  &mm->end_code,  NULL,
			NULL,           &mm->start_stack, &mm->brk_start, &mm->brk,
			&mm->arg_start, &mm->arg_end,     &mm->env_start, &mm->env_end};

	if (a[4])
		return -EINVAL;
	if (a[1] == 15 /* PR_SET_MM_MAP_SIZE */) {
		u32 size = 104;
		return put_user(&size, uaddr(a[2])) ? -EFAULT : 0;
	}
	if (!capable(LINUX_CAP_SYS_RESOURCE))
		return -EPERM;
	if (a[3] || a[1] >= ARRAY_COUNT(field) || a[2] >= PLATFORM_USER_END || a[2] < 65536)
		return -EINVAL;
	if (a[1] == 3 || a[1] == 4) /* START_DATA, END_DATA: nothing shows them */
		return vma_find(mm, a[2]) ? 0 : -EINVAL;
	if (!field[a[1]])
		return -EINVAL;
	if (a[1] != 6 && a[1] != 7 && !vma_find(mm, a[2]))
		return -EINVAL;
	if ((a[1] == 6 && a[2] > mm->brk) || (a[1] == 7 && a[2] < mm->brk_start))
		return -EINVAL;
	*field[a[1]] = a[2];
	return 0;
}

/* Once on, it stays as it is. */
static s64 set_mdwe(struct mm *mm, const u64 *a)
{
	if (any(a, 2) || (a[1] & ~(u64)(MDWE_REFUSE_EXEC_GAIN | MDWE_NO_INHERIT)) || a[1] == MDWE_NO_INHERIT)
		return -EINVAL;
	if (mm->mdwe && mm->mdwe != a[1])
		return -EPERM;
	mm->mdwe = (u32)a[1];
	return 0;
}

static s64 get_auxv(struct mm *mm, const u64 *a)
{
	u64 size = mm->auxv_count * sizeof(u64);

	if (any(a, 3))
		return -EINVAL;
	return copy_out(uaddr(a[1]), mm->auxv, min_t(u64, size, a[2])) ? -EFAULT : (s64)size;
}

/* ---- the calls ---- */

static s64 put_int(s32 v, u64 user)
{
	return put_user(&v, uaddr(user)) ? -EFAULT : 0;
}

static s64 of_credentials(struct task *t, const u64 *a)
{
	switch (arg_int(a[0])) {
	case GET_KEEPCAPS:
		return !!(t->cred->securebits & BIT_KEEP_CAPS);
	case SET_KEEPCAPS:
		return keep_caps(t, a[1]);
	case CAPBSET_READ:
		return a[1] > LINUX_CAP_LAST ? -EINVAL : (s64)(t->cred->cap_bounding >> a[1] & 1);
	case CAPBSET_DROP:
		return drop_bounding(t, a[1]);
	case GET_SECUREBITS:
		return t->cred->securebits;
	case SET_SECUREBITS:
		return set_securebits(t, a[1]);
	case SET_NO_NEW_PRIVS:
		return no_new_privs(t, a);
	case GET_NO_NEW_PRIVS:
		return any(a, 1) ? -EINVAL : t->cred->no_new_privs;
	case CAP_AMBIENT:
		return ambient(t, a);
	default:
		return -EINVAL;
	}
}

static s64 of_machine(struct task *t, const u64 *a)
{
	switch (arg_int(a[0])) {
	case GET_TIMING:
	case TASK_PERF_EVENTS_DISABLE:
	case TASK_PERF_EVENTS_ENABLE:
		return 0;
	case SET_TIMING:
		return a[1] ? -EINVAL : 0;
	case GET_TSC:
		return put_int(1, a[1]);
	case SET_TSC: /* it is always readable */
		return a[1] == 1 ? 0 : -EINVAL;
	case MCE_KILL:
		return mce_kill(t, a);
	case MCE_KILL_GET:
		return mce_kill_get(t, a);
	case SET_MM:
		return set_mm(t, a);
	case SET_THP_DISABLE:
		if (any(a, 2))
			return -EINVAL;
		t->tg->thp_disabled = a[1];
		return 0;
	case GET_THP_DISABLE:
		return any(a, 1) ? -EINVAL : t->tg->thp_disabled;
	case GET_SPECULATION:
	case SET_SPECULATION:
		return speculation(a, arg_int(a[0]) == SET_SPECULATION);
	case SET_MDWE:
		return set_mdwe(t->mm, a);
	case GET_MDWE:
		return any(a, 1) ? -EINVAL : (s64)t->mm->mdwe;
	case GET_AUXV:
		return get_auxv(t->mm, a);
	case SET_IO_FLUSHER:
	case GET_IO_FLUSHER:
		return io_flusher(t, a, arg_int(a[0]) == SET_IO_FLUSHER);
	default:
		return of_credentials(t, a);
	}
}

s64 sys_prctl(struct task *t, const u64 *a)
{
	switch (arg_int(a[0])) {
	case SET_PDEATHSIG:
		if (a[1] > LINUX_NSIG)
			return -EINVAL;
		t->pdeath_signal = (int)a[1];
		return 0;
	case GET_PDEATHSIG:
		return put_int(t->pdeath_signal, a[1]);
	case GET_DUMPABLE:
		return t->tg->dumpable;
	case SET_DUMPABLE:
		if (a[1] > 1)
			return -EINVAL;
		t->tg->dumpable = (u32)a[1];
		return 0;
	case SET_NAME:
		return set_name(t, a[1]);
	case GET_NAME:
		return copy_out(uaddr(a[1]), t->comm, sizeof(t->comm));
	case GET_SECCOMP:
		return t->seccomp.mode;
	case SET_SECCOMP:
		return a[1] == LINUX_SECCOMP_MODE_STRICT   ? seccomp_set_strict(t)
		       : a[1] == LINUX_SECCOMP_MODE_FILTER ? seccomp_set_filter(t, 0, uaddr(a[2]))
							   : -EINVAL;
	case SET_TIMERSLACK:
		t->timer_slack_ns = (s64)a[1] > 0 ? a[1] : SLACK_DEFAULT_NS;
		return 0;
	case GET_TIMERSLACK:
		return (s64)t->timer_slack_ns;
	case SET_CHILD_SUBREAPER:
		t->tg->child_subreaper = a[1];
		return 0;
	case GET_CHILD_SUBREAPER:
		return put_int(t->tg->child_subreaper, a[1]);
	case GET_TID_ADDRESS:
		return put_user(&t->local.clear_tid, uaddr(a[1])) ? -EFAULT : 0;
	default:
		return of_machine(t, a);
	}
}

s64 sys_personality(struct task *t, const u64 *a)
{
	u32 old = t->personality;

	if ((u32)a[0] != 0xffffffffU)
		t->personality = (u32)a[0];
	return old;
}

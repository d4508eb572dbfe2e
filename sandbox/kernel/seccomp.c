/*
 * seccomp.c - seccomp(2): modes, filters and what they decide. See seccomp.h.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/seccomp_priv.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/vfs/fdtable.h"

#define INSNS_PER_PATH  32768 /* of all filters a call goes through, each counted 4 longer */
#define FILTER_OVERHEAD 4

/* ---- filters ---- */

/* With it go those it was the last to hold. Thousands can hang together: no recursion. */
static void filter_release(struct object *obj)
{
	struct seccomp_filter *f = container_of(obj, struct seccomp_filter, obj), *prev;

	for (;; f = prev) {
		prev = f->prev;
		seccomp_listener_free(f);
		kfree(f);
		if (!prev || prev->obj.refs != 1)
			break;
	}
	seccomp_filter_put(prev);
}

struct seccomp_filter *seccomp_filter_get(struct seccomp_filter *f)
{
	if (f)
		object_get(&f->obj);
	return f;
}

void seccomp_filter_put(struct seccomp_filter *f)
{
	if (f)
		object_put(&f->obj);
}

static void filter_unuse(struct seccomp_filter *f)
{
	for (; f && --f->users == 0; f = f->prev)
		seccomp_listener_hangup(f);
}

static int read_filter(uaddr_t user, struct seccomp_filter **out)
{
	struct linux_sock_fprog p;
	struct seccomp_filter *f;
	int err = 0;

	if (get_user(&p, user))
		return -EFAULT;
	if (!p.len || p.len > SECCOMP_INSNS_MAX)
		return -EINVAL;
	if (!current_task()->cred->no_new_privs && !capable(LINUX_CAP_SYS_ADMIN))
		return -EACCES;
	f = kzalloc(sizeof(*f) + p.len * sizeof(f->insn[0]));
	if (!f)
		return -ENOMEM;
	object_init(&f->obj, filter_release);
	f->len = p.len;
	if (copy_in(f->insn, uaddr(p.filter), p.len * sizeof(f->insn[0])))
		err = -EFAULT;
	if (!err)
		err = seccomp_bpf_check(f->insn, f->len);
	if (err) {
		seccomp_filter_put(f);
		return err;
	}
	*out = f;
	return 0;
}

static bool path_too_long(const struct task *t, const struct seccomp_filter *f)
{
	u64 total = f->len;

	for (f = t->seccomp.filter; f; f = f->prev)
		total += f->len + FILTER_OVERHEAD;
	return total > INSNS_PER_PATH;
}

/* ---- modes ---- */

static bool may_have_mode(const struct task *t, u8 mode)
{
	return !t->seccomp.mode || t->seccomp.mode == mode;
}

int seccomp_set_strict(struct task *t)
{
	if (!may_have_mode(t, LINUX_SECCOMP_MODE_STRICT))
		return -EINVAL;
	t->seccomp.mode = LINUX_SECCOMP_MODE_STRICT;
	task_sees_changed(t);
	return 0;
}

static bool is_ancestor(const struct seccomp_filter *old, const struct seccomp_filter *f)
{
	if (!old)
		return true;
	for (; f; f = f->prev)
		if (f == old)
			return true;
	return false;
}

/* A thread of the group that has gone its own way, or NULL. */
static struct task *cannot_follow(struct task *t)
{
	struct task *other;

	list_for_each_entry (other, &t->tg->threads, group_node) {
		if (other == t || other->state != TASK_ALIVE || !other->seccomp.mode)
			continue;
		if (other->seccomp.mode != LINUX_SECCOMP_MODE_FILTER ||
		    !is_ancestor(other->seccomp.filter, t->seccomp.filter))
			return other;
	}
	return NULL;
}

static void take_filter_of(struct task *from, struct task *to)
{
	struct seccomp_filter *old = to->seccomp.filter;

	to->seccomp = from->seccomp;
	seccomp_filter_get(to->seccomp.filter);
	if (to->seccomp.filter)
		to->seccomp.filter->users++;
	filter_unuse(old);
	seccomp_filter_put(old);
	task_sees_changed(to);
}

static int follow(struct task *t, struct task *other)
{
	if (t->cred->no_new_privs && !other->cred->no_new_privs) {
		struct cred *c = cred_dup(other->cred);
		if (!c)
			return -ENOMEM;
		c->no_new_privs = true;
		task_set_cred(other, c);
	}
	take_filter_of(t, other);
	return 0;
}

/* Hangs f in as the newest filter: steals the reference. */
static void attach(struct task *t, struct seccomp_filter *f)
{
	f->prev = t->seccomp.filter; /* with the task's reference and use */
	f->users = 1;
	t->seccomp.filter = f;
	t->seccomp.filter_count++;
	t->seccomp.mode = LINUX_SECCOMP_MODE_FILTER;
	task_sees_changed(t);
}

static int check_flags(u32 flags)
{
	if (flags & ~63U)
		return -EINVAL;
	if ((flags & LINUX_SECCOMP_FLAG_TSYNC) && (flags & LINUX_SECCOMP_FLAG_NEW_LISTENER) &&
	    !(flags & LINUX_SECCOMP_FLAG_TSYNC_ESRCH))
		return -EINVAL;
	if ((flags & LINUX_SECCOMP_FLAG_WAIT_KILLABLE_RECV) && !(flags & LINUX_SECCOMP_FLAG_NEW_LISTENER))
		return -EINVAL;
	return 0;
}

/* What can still refuse it. `conflict`: the thread that TSYNC cannot take along. */
static int may_attach(struct task *t, u32 flags, const struct seccomp_filter *f, struct task **conflict)
{
	*conflict = NULL;
	if (!may_have_mode(t, LINUX_SECCOMP_MODE_FILTER))
		return -EINVAL;
	if ((flags & LINUX_SECCOMP_FLAG_NEW_LISTENER) && seccomp_has_listener(t->seccomp.filter))
		return -EBUSY;
	if (path_too_long(t, f))
		return -ENOMEM;
	if (flags & LINUX_SECCOMP_FLAG_TSYNC)
		*conflict = cannot_follow(t);
	return *conflict ? -ESRCH : 0;
}

s64 seccomp_set_filter(struct task *t, u32 flags, uaddr_t fprog)
{
	struct seccomp_filter *f;
	struct task *other, *conflict;
	struct file *listener = NULL;
	s64 ret;
	int err = check_flags(flags);

	if (!err)
		err = read_filter(fprog, &f);
	if (err)
		return err;
	f->log = flags & LINUX_SECCOMP_FLAG_LOG;
	f->wait_killable = flags & LINUX_SECCOMP_FLAG_WAIT_KILLABLE_RECV;
	err = may_attach(t, flags, f, &conflict);
	ret = err;
	if (conflict && !(flags & LINUX_SECCOMP_FLAG_TSYNC_ESRCH))
		ret = pid_vnr(conflict->pid);
	if (!err && (flags & LINUX_SECCOMP_FLAG_NEW_LISTENER)) {
		err = seccomp_listener_new(f, &listener);
		ret = err ? err : fd_install(listener, 0, true);
		if (ret < 0)
			err = (int)ret;
	}
	if (err) {
		seccomp_filter_put(f);
		return ret;
	}
	attach(t, f);
	if (flags & LINUX_SECCOMP_FLAG_TSYNC) {
		list_for_each_entry (other, &t->tg->threads, group_node)
			if (other != t && other->state == TASK_ALIVE && follow(t, other))
				klog(LOG_WARN, "seccomp: no memory to take a thread along");
	}
	return ret;
}

int seccomp_action_known(u32 action)
{
	switch (action) {
	case LINUX_SECCOMP_RET_KILL_PROCESS:
	case LINUX_SECCOMP_RET_KILL_THREAD:
	case LINUX_SECCOMP_RET_TRAP:
	case LINUX_SECCOMP_RET_ERRNO:
	case LINUX_SECCOMP_RET_USER_NOTIF:
	case LINUX_SECCOMP_RET_TRACE:
	case LINUX_SECCOMP_RET_LOG:
	case LINUX_SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

void seccomp_fork(struct task *parent, struct task *child)
{
	if (parent->seccomp.mode)
		take_filter_of(parent, child);
}

void seccomp_exit(struct task *t)
{
	struct seccomp_filter *f = t->seccomp.filter;

	t->seccomp.filter = NULL;
	filter_unuse(f);
	seccomp_filter_put(f);
}

const struct bpf_insn *seccomp_nth_filter(struct task *t, u64 index, u32 *len, bool *log)
{
	struct seccomp_filter *f = t->seccomp.filter;
	u64 count = t->seccomp.filter_count;

	if (index >= count)
		return NULL;
	for (count -= index; f && count > 1; count--)
		f = f->prev;
	if (!f)
		return NULL;
	*len = f->len;
	*log = f->log;
	return f->insn;
}

/* ---- deciding ---- */

static void describe_call(struct task *t, struct linux_seccomp_data *d)
{
	struct uregs r;

	uthread_get_regs(t->ut, &r);
	*d = (struct linux_seccomp_data){
	    .nr = (s32)t->trap.nr, .arch = LINUX_AUDIT_ARCH_X86_64, .instruction_pointer = r.rip};
	memcpy(d->args, t->trap.args, sizeof(d->args));
	if (t->trap.foreign_arch) {
		const u64 a[6] = {r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp};
		d->arch = LINUX_AUDIT_ARCH_I386;
		for (int i = 0; i < 6; i++)
			d->args[i] = (u32)a[i];
	}
}

/* All filters run, newest first; the strictest action wins, of equal ones the newest. */
static u32 decide(struct seccomp_filter *f, const struct linux_seccomp_data *d, struct seccomp_filter **match)
{
	u32 best = LINUX_SECCOMP_RET_ALLOW;

	*match = f;
	for (; f; f = f->prev) {
		u32 r = seccomp_bpf_run(f->insn, d);
		if ((s32)(r & LINUX_SECCOMP_RET_ACTION_FULL) < (s32)(best & LINUX_SECCOMP_RET_ACTION_FULL)) {
			best = r;
			*match = f;
		}
	}
	return best;
}

static void send_sigsys(struct task *t, const struct linux_seccomp_data *d, u32 data)
{
	struct linux_siginfo info = {
	    .si_signo = LINUX_SIGSYS, .si_errno = (s32)data, .si_code = LINUX_SYS_SECCOMP};

	info.sys.call_addr = d->instruction_pointer;
	info.sys.syscall = d->nr;
	info.sys.arch = d->arch;
	force_signal_info(t, &info);
}

static void kill_by(struct task *t, const struct linux_seccomp_data *d, bool whole_process)
{
	klog(LOG_INFO, "seccomp: call %d of pid %d ends it", d->nr, pid_nr(t->pid, kernel()->root_pid_ns));
	if (whole_process || t->tg->live == 1)
		task_exit_group(t, LINUX_SIGSYS | (t->tg->rlimits[LINUX_RLIMIT_CORE].cur ? 0x80 : 0));
	task_exit(t, LINUX_SIGSYS);
}

static bool trace_call(struct task *t, u32 data, bool again, s64 *ret)
{
	if (again)
		return true;
	if (!ptrace_event_enabled(t, LINUX_PTRACE_EVENT_SECCOMP)) {
		*ret = -ENOSYS;
		return false;
	}
	uthread_set_result(t->ut, -ENOSYS);
	ptrace_event(t, LINUX_PTRACE_EVENT_SECCOMP, data);
	return ptrace_reread_call(t, ret);
}

static bool run_filters(struct task *t, bool again, s64 *ret)
{
	struct linux_seccomp_data d;
	struct seccomp_filter *match;
	u32 r, data;

	describe_call(t, &d);
	r = decide(t->seccomp.filter, &d, &match);
	data = r & LINUX_SECCOMP_RET_DATA;
	switch (r & LINUX_SECCOMP_RET_ACTION_FULL) {
	case LINUX_SECCOMP_RET_ALLOW:
		return true;
	case LINUX_SECCOMP_RET_LOG:
		klog(LOG_INFO, "seccomp: call %d of pid %d", d.nr, pid_nr(t->pid, kernel()->root_pid_ns));
		return true;
	case LINUX_SECCOMP_RET_ERRNO:
		*ret = -(s64)min_t(u32, data, 4095);
		return false;
	case LINUX_SECCOMP_RET_TRAP:
		*ret = d.nr; /* rax is what it was before the call */
		send_sigsys(t, &d, data);
		return false;
	case LINUX_SECCOMP_RET_TRACE:
		if (!trace_call(t, data, again, ret))
			return false;
		return again ? true : run_filters(t, true, ret); /* it may be another call now */
	case LINUX_SECCOMP_RET_USER_NOTIF:
		return seccomp_listener_ask(t, match, &d, ret);
	case LINUX_SECCOMP_RET_KILL_THREAD:
		kill_by(t, &d, false);
		return false;
	default:
		kill_by(t, &d, true);
		return false;
	}
}

bool seccomp_enter(struct task *t, s64 *ret)
{
	static const u32 strict[] = {0 /* read */, 1 /* write */, 60 /* exit */, 15 /* rt_sigreturn */};

	if (ptrace_suspends_seccomp(t))
		return true;
	if (t->seccomp.mode == LINUX_SECCOMP_MODE_FILTER)
		return run_filters(t, false, ret);
	for (u32 i = 0; i < ARRAY_COUNT(strict); i++)
		if (t->trap.nr == strict[i] && !t->trap.foreign_arch)
			return true;
	task_exit(t, LINUX_SIGKILL);
}

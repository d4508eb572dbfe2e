/*
 * ptrace_request.c - what ptrace(2) asks of a tracee: attaching, going on, signals, memory, information.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/uaccess.h"

/* ---- attaching ---- */

/* The thread that forked us, if it still lives: it is the tracer, not the whole process. */
static struct task *creator_of(struct task *t)
{
	struct task *other;

	list_for_each_entry (other, &t->tg->parent->threads, group_node)
		if (other == t->pt.creator && other->state == TASK_ALIVE)
			return other;
	list_for_each_entry (other, &t->tg->parent->threads, group_node)
		if (other->state == TASK_ALIVE)
			return other;
	return NULL;
}

int ptrace_traceme(struct task *t)
{
	struct task *tracer;

	if (t->pt.tracer)
		return -EPERM;
	tracer = t->tg->parent ? creator_of(t) : NULL;
	if (tracer)
		ptrace_link(t, tracer);
	return 0;
}

static int check_options(u64 options)
{
	if (options & ~(u64)LINUX_PTRACE_O_MASK)
		return -EINVAL;
	if ((options & LINUX_PTRACE_O_SUSPEND_SECCOMP) &&
	    (!capable(LINUX_CAP_SYS_ADMIN) || current_task()->seccomp.mode ||
	     ptrace_suspends_seccomp(current_task())))
		return -EPERM;
	return 0;
}

int ptrace_attach(struct task *t, bool seize, u64 addr, u64 options)
{
	int err = 0;

	if (seize) {
		if (addr || (options & ~(u64)LINUX_PTRACE_O_MASK))
			return -EIO;
		err = check_options(options);
	}
	if (!err && t->tg == current_task()->tg)
		err = -EPERM;
	if (!err)
		err = ptrace_may_access(t, false);
	if (!err && (t->state != TASK_ALIVE || t->pt.tracer || !t->ut))
		err = -EPERM;
	if (err)
		return err;
	ptrace_link(t, current_task());
	t->pt.options = seize ? (u32)options : 0;
	t->pt.seized = seize;
	if (!seize && send_signal_task(t, LINUX_SIGSTOP, NULL))
		t->pt.trap_wanted = true;
	if (t->tg->stopped && t->coro)
		coro_wake(t->coro); /* from the stop of its group into one of ours */
	signal_wake(t);
	return 0;
}

/* ---- going on ---- */

static bool valid_signal(u64 sig)
{
	return sig <= LINUX_NSIG;
}

static s64 resume(struct task *t, enum ptrace_mode mode, bool step, u64 sig)
{
	if (!valid_signal(sig))
		return -EIO;
	t->pt.mode = mode;
	t->pt.step = step;
	t->pt.resume_signal = (int)sig;
	t->pt.stopped = false;
	coro_wake(t->coro);
	return 0;
}

static s64 detach(struct task *t, u64 sig)
{
	if (!valid_signal(sig))
		return -EIO;
	t->pt.resume_signal = (int)sig;
	ptrace_unlink(t);
	return 0;
}

static s64 interrupt(struct task *t)
{
	if (!t->pt.seized)
		return -EIO;
	t->pt.trap_wanted = true;
	if (!t->pt.stopped)
		signal_wake(t);
	else if (t->pt.listening) {
		t->pt.notify_wanted = true;
		coro_wake(t->coro);
	}
	return 0;
}

static s64 listen(struct task *t)
{
	if (!t->pt.seized || t->pt.code >> 8 != LINUX_PTRACE_EVENT_STOP)
		return -EIO;
	t->pt.listening = true;
	if (t->pt.notify_wanted)
		coro_wake(t->coro);
	return 0;
}

/* ---- memory ---- */

static s64 peek(struct task *t, u64 addr, u64 user)
{
	struct mm *mm = mm_get(t->mm);
	u64 word;
	s64 n = ptrace_access_mm(mm, addr, &word, sizeof(word), false);

	mm_put(mm);
	return n == sizeof(word) ? put_user(&word, uaddr(user)) : -EIO;
}

static s64 poke(struct task *t, u64 addr, u64 word)
{
	struct mm *mm = mm_get(t->mm);
	s64 n = ptrace_access_mm(mm, addr, &word, sizeof(word), true);

	mm_put(mm);
	return n == sizeof(word) ? 0 : -EIO;
}

/* ---- signals ---- */

static s64 get_siginfo(struct task *t, u64 user)
{
	return t->pt.has_info ? put_user(&t->pt.info, uaddr(user)) : -EINVAL;
}

static s64 set_siginfo(struct task *t, u64 user)
{
	struct linux_siginfo info;

	if (get_user(&info, uaddr(user)))
		return -EFAULT;
	if (!t->pt.has_info)
		return -EINVAL;
	t->pt.info = info;
	return 0;
}

static s64 peek_siginfo(struct task *t, u64 addr, u64 user)
{
	struct linux_ptrace_peeksiginfo_args a;
	struct linux_siginfo info;
	struct sigqueue *q;
	s64 given = 0;

	if (get_user(&a, uaddr(addr)))
		return -EFAULT;
	if ((a.flags & ~LINUX_PTRACE_PEEKSIGINFO_SHARED) || a.nr < 0)
		return -EINVAL;
	while (given < a.nr) {
		struct sigpending *p =
		    a.flags & LINUX_PTRACE_PEEKSIGINFO_SHARED ? &t->tg->pending : &t->pending;
		u64 at = 0;
		bool found = false;
		list_for_each_entry (q, &p->queue, node) {
			if (at++ == a.off + (u64)given) {
				info = q->info;
				found = true;
				break;
			}
		}
		if (!found)
			break;
		if (put_user(&info, uaddr_add(uaddr(user), (u64)given * sizeof(info))))
			return given ? given : -EFAULT;
		if (!t->pt.stopped)
			return given ? given : -ESRCH;
		given++;
	}
	return given;
}

static s64 signal_mask(struct task *t, bool set, u64 size, u64 user)
{
	sigset64 mask;

	if (size != sizeof(mask))
		return -EINVAL;
	mask = t->restore_mask ? t->saved_mask : t->local.sigmask;
	if (!set)
		return put_user(&mask, uaddr(user));
	if (get_user(&mask, uaddr(user)))
		return -EFAULT;
	t->restore_mask = false;
	set_blocked(t, mask);
	return 0;
}

/* ---- information ---- */

static s64 syscall_info(struct task *t, u64 size, u64 user)
{
	struct linux_ptrace_syscall_info i = {.op = t->pt.syscall_op, .arch = LINUX_AUDIT_ARCH_X86_64};
	size_t actual = offsetof(struct linux_ptrace_syscall_info, entry);
	struct uregs r;

	uthread_get_regs(t->ut, &r);
	if (t->trap.kind == TRAP_SYSCALL && t->trap.foreign_arch)
		i.arch = LINUX_AUDIT_ARCH_I386;
	i.instruction_pointer = r.rip;
	i.stack_pointer = r.rsp;
	switch (i.op) {
	case LINUX_PTRACE_SYSCALL_INFO_EXIT:
		i.exit.rval = (s64)r.rax;
		i.exit.is_error = (s64)r.rax < 0 && (s64)r.rax >= -4095;
		actual = offsetof(struct linux_ptrace_syscall_info, exit.is_error) + 1;
		break;
	case LINUX_PTRACE_SYSCALL_INFO_ENTRY:
	case LINUX_PTRACE_SYSCALL_INFO_SECCOMP: {
		const u64 args[6] = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9};
		i.entry.nr = r.orig_rax;
		memcpy(i.entry.args, args, sizeof(args));
		actual = offsetof(struct linux_ptrace_syscall_info, entry.args) + sizeof(args);
		if (i.op == LINUX_PTRACE_SYSCALL_INFO_SECCOMP) {
			i.seccomp.ret_data = (u32)t->pt.message;
			actual += 4;
		}
		break;
	}
	}
	if (copy_out(uaddr(user), &i, min_t(size_t, size, actual)))
		return -EFAULT;
	return (s64)actual;
}

static int may_see_filters(void)
{
	return capable(LINUX_CAP_SYS_ADMIN) && !current_task()->seccomp.mode ? 0 : -EACCES;
}

static s64 get_filter(struct task *t, u64 index, u64 user)
{
	const struct bpf_insn *f;
	bool log;
	u32 len;

	if (may_see_filters())
		return -EACCES;
	if (t->seccomp.mode != LINUX_SECCOMP_MODE_FILTER)
		return -EINVAL;
	f = seccomp_nth_filter(t, index, &len, &log);
	if (!f)
		return -ENOENT;
	if (user && copy_out(uaddr(user), f, len * sizeof(*f)))
		return -EFAULT;
	return len;
}

static s64 get_filter_metadata(struct task *t, u64 size, u64 user)
{
	struct {
		u64 filter_off, flags;
	} m;
	bool log;
	u32 len;

	if (may_see_filters())
		return -EACCES;
	size = min_t(u64, size, sizeof(m));
	if (size < sizeof(m.filter_off))
		return -EINVAL;
	if (get_user(&m.filter_off, uaddr(user)))
		return -EFAULT;
	if (!seccomp_nth_filter(t, m.filter_off, &len, &log))
		return -ENOENT;
	m.flags = log ? LINUX_SECCOMP_FLAG_LOG : 0;
	return copy_out(uaddr(user), &m, size) ? -EFAULT : (s64)size;
}

static s64 arch_prctl(struct task *t, u64 addr, u64 code)
{
	struct uregs r;

	uthread_get_regs(t->ut, &r);
	switch (code) {
	case 0x1001: /* ARCH_SET_GS */
	case 0x1002: /* ARCH_SET_FS */
		if (addr >= PLATFORM_USER_END)
			return -EPERM;
		*(code == 0x1001 ? &r.gs_base : &r.fs_base) = addr;
		return uthread_set_regs(t->ut, &r);
	case 0x1003: /* ARCH_GET_FS */
		return put_user(&r.fs_base, uaddr(addr));
	case 0x1004:
		return put_user(&r.gs_base, uaddr(addr));
	default:
		return -EINVAL;
	}
}

static s64 set_options(struct task *t, u64 options)
{
	int err = check_options(options);

	if (!err)
		t->pt.options = (u32)options;
	return err;
}

/* ---- the door ---- */

static s64 stopped_request(struct task *t, u64 request, u64 addr, u64 data)
{
	switch (request) {
	case LINUX_PTRACE_PEEKTEXT:
	case LINUX_PTRACE_PEEKDATA:
		return peek(t, addr, data);
	case LINUX_PTRACE_POKETEXT:
	case LINUX_PTRACE_POKEDATA:
		return poke(t, addr, data);
	case LINUX_PTRACE_PEEKUSER:
		return ptrace_peek_user(t, addr, data);
	case LINUX_PTRACE_POKEUSER:
		return ptrace_poke_user(t, addr, data);
	case LINUX_PTRACE_CONT:
		return resume(t, PTRACE_RUN, false, data);
	case LINUX_PTRACE_SYSCALL:
		return resume(t, PTRACE_RUN_SYSCALL, false, data);
	case LINUX_PTRACE_SYSEMU:
		return resume(t, PTRACE_RUN_SYSEMU, false, data);
	case LINUX_PTRACE_SINGLESTEP:
		return resume(t, PTRACE_RUN, true, data);
	case LINUX_PTRACE_SYSEMU_SINGLESTEP:
		return resume(t, PTRACE_RUN_SYSEMU, true, data);
	case LINUX_PTRACE_DETACH:
		return detach(t, data);
	case LINUX_PTRACE_LISTEN:
		return listen(t);
	case LINUX_PTRACE_GETREGS:
		return ptrace_get_regs(t, data);
	case LINUX_PTRACE_SETREGS:
		return ptrace_set_regs(t, data);
	case LINUX_PTRACE_GETFPREGS:
		return ptrace_get_fpregs(t, data);
	case LINUX_PTRACE_SETFPREGS:
		return ptrace_set_fpregs(t, data);
	case LINUX_PTRACE_GETREGSET:
		return ptrace_get_regset(t, addr, data);
	case LINUX_PTRACE_SETREGSET:
		return ptrace_set_regset(t, addr, data);
	case LINUX_PTRACE_SETOPTIONS:
		return set_options(t, data);
	case LINUX_PTRACE_GETEVENTMSG:
		return put_user(&t->pt.message, uaddr(data));
	case LINUX_PTRACE_GETSIGINFO:
		return get_siginfo(t, data);
	case LINUX_PTRACE_SETSIGINFO:
		return set_siginfo(t, data);
	case LINUX_PTRACE_PEEKSIGINFO:
		return peek_siginfo(t, addr, data);
	case LINUX_PTRACE_GETSIGMASK:
	case LINUX_PTRACE_SETSIGMASK:
		return signal_mask(t, request == LINUX_PTRACE_SETSIGMASK, addr, data);
	case LINUX_PTRACE_GET_SYSCALL_INFO:
		return syscall_info(t, addr, data);
	case LINUX_PTRACE_SECCOMP_GET_FILTER:
		return get_filter(t, addr, data);
	case LINUX_PTRACE_SECCOMP_GET_METADATA:
		return get_filter_metadata(t, addr, data);
	case LINUX_PTRACE_ARCH_PRCTL:
		return arch_prctl(t, addr, data);
	default: /* PTRACE_SINGLEBLOCK too: the CPU's branch trap is not the guest's to use */
		return -EIO;
	}
}

s64 ptrace_request(struct task *t, u64 request, u64 addr, u64 data)
{
	if (t->pt.tracer != current_task())
		return -ESRCH;
	if (request == LINUX_PTRACE_KILL) {
		int err = t->state == TASK_ALIVE ? send_signal_task(t, LINUX_SIGKILL, NULL) : 0;
		return err;
	}
	if (request == LINUX_PTRACE_INTERRUPT)
		return t->state == TASK_ALIVE ? interrupt(t) : -ESRCH;
	if (!t->pt.stopped || t->pt.listening || !t->ut || (!t->pt.exiting && fatal_signal_pending(t)))
		return -ESRCH;
	return stopped_request(t, request, addr, data);
}

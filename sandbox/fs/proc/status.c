/*
 * status.c - /proc/PID/stat, statm and status.
 */
#include <errno.h>

#include "sandbox/fs/devpts/tty.h"
#include "sandbox/fs/proc/proc_priv.h"
#include "sandbox/kernel/account.h"
#include "sandbox/mm/usage.h"

#define TICK_NS (NSEC_PER_SEC / 100)

struct sizes { /* pages */
	u64 total, code, data, stack, shared, locked;
};

static void measure(struct mm *mm, struct sizes *s)
{
	*s = (struct sizes){0};
	if (!mm)
		return;
	s->total = mm->total_pages;
	s->locked = mm_locked_bytes(mm) / PAGE_SIZE;
	for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
		u64 pages = (v->end - v->start) / PAGE_SIZE;
		if (v->flags & VMA_SHARED)
			s->shared += pages;
		if (v->name && !strcmp(v->name, "[stack]"))
			s->stack += pages;
		else if (v->prot & 4)
			s->code += pages;
		else if ((v->prot & 2) && !(v->flags & VMA_SHARED))
			s->data += pages;
	}
}

/* What it holds in memory; zero for a task without. [sleeps] */
static void usage_of(struct task *t, struct mm_usage *u)
{
	struct mm *mm = t->mm ? mm_get(t->mm) : NULL;

	*u = (struct mm_usage){0};
	if (mm)
		mm_usage(mm, u);
	mm_put(mm);
}

static u64 rss_of(const struct mm_usage *u)
{
	return u->anon + u->file + u->shmem;
}

static u32 tty_number(const struct tty *t)
{
	return t ? 136U << 8 | (t->index & 0xff) | (t->index & ~0xffU) << 12 : 0;
}

int proc_show_stat(struct task *t, struct text_buf *b)
{
	struct thread_group *tg = t->tg;
	struct pid_ns *ns = task_pid_ns(current_task() ? current_task() : t);
	sigset64 ignored = 0, caught = 0;
	u64 utime = group_utime(tg), stime = group_cpu_time(tg);
	bool may = proc_may_read(t);
	struct mm_usage mem;
	struct sizes s;

	stime -= min_t(u64, stime, utime);
	usage_of(t, &mem);
	measure(t->mm, &s);
	for (int i = 0; t->sighand && i < LINUX_NSIG; i++) {
		u64 h = t->sighand->action[i].handler;
		if (h == LINUX_SIG_IGN)
			ignored |= 1ULL << i;
		else if (h != LINUX_SIG_DFL)
			caught |= 1ULL << i;
	}
	text_printf(b, "%d (%s) %c %d %d %d %u %d %u ", pid_nr(t->pid, ns), t->comm, task_state_letter(t),
		    tg->parent ? pid_nr(tg->parent->leader->pid, ns) : 0, pid_nr(tg->pgrp, ns),
		    pid_nr(tg->session, ns), tty_number(tg->tty),
		    tg->tty && tg->tty->pgrp ? pid_nr(tg->tty->pgrp, ns) : -1, 0x400000U);
	text_printf(b, "%lu %lu %lu %lu ", (unsigned long)tg->dead_threads.minflt,
		    (unsigned long)tg->dead_children.minflt, (unsigned long)tg->dead_threads.majflt,
		    (unsigned long)tg->dead_children.majflt);
	text_printf(b, "%lu %lu %lu %lu %d %d %u 0 %lu %lu %lu %lu ", (unsigned long)(utime / TICK_NS),
		    (unsigned long)(stime / TICK_NS), (unsigned long)(tg->dead_children.utime_ns / TICK_NS),
		    (unsigned long)(tg->dead_children.stime_ns / TICK_NS), 20 + t->nice, t->nice, tg->live,
		    (unsigned long)((t->start_time_ns - kernel()->boot_monotonic_ns) / TICK_NS),
		    (unsigned long)(s.total * PAGE_SIZE), (unsigned long)(rss_of(&mem) / PAGE_SIZE),
		    (unsigned long)tg->rlimits[LINUX_RLIMIT_RSS].cur);
	text_printf(b, "%lu %lu %lu 0 0 ", may && t->mm ? (unsigned long)t->mm->start_code : 1,
		    may && t->mm ? (unsigned long)t->mm->end_code : 1,
		    may && t->mm ? (unsigned long)t->mm->start_stack : 0);
	text_printf(
	    b, "%lu %lu %lu %lu 0 0 0 %d 0 %d %d 0 0 0 ", (unsigned long)(t->pending.set & 0x7fffffff),
	    (unsigned long)(task_blocked(t) & 0x7fffffff), (unsigned long)(ignored & 0x7fffffff),
	    (unsigned long)(caught & 0x7fffffff), tg->exit_signal, t->sched.priority, t->sched.policy);
	text_printf(b, "%lu %lu %lu %lu %lu %lu %lu %d\n", 0UL, 0UL,
		    t->mm && may ? (unsigned long)t->mm->brk_start : 0,
		    t->mm && may ? (unsigned long)t->mm->arg_start : 0,
		    t->mm && may ? (unsigned long)t->mm->arg_end : 0,
		    t->mm && may ? (unsigned long)t->mm->env_start : 0,
		    t->mm && may ? (unsigned long)t->mm->env_end : 0, may ? tg->group_exit_code : 0);
	return 0;
}

int proc_show_statm(struct task *t, struct text_buf *b)
{
	struct mm_usage mem;
	struct sizes s;

	usage_of(t, &mem);
	measure(t->mm, &s);
	text_printf(b, "%lu %lu %lu %lu 0 %lu 0\n", (unsigned long)s.total,
		    (unsigned long)(rss_of(&mem) / PAGE_SIZE),
		    (unsigned long)((mem.file + mem.shmem) / PAGE_SIZE), (unsigned long)s.code,
		    (unsigned long)(s.data + s.stack));
	return 0;
}

static void show_memory(struct task *t, struct text_buf *b)
{
	struct mm_usage mem;
	struct sizes s;
	unsigned long kb = PAGE_SIZE / 1024;

	if (!t->mm)
		return;
	usage_of(t, &mem);
	measure(t->mm, &s);
	text_printf(b, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8u kB\n", s.total * kb,
		    s.total * kb, s.locked * kb, 0);
	text_printf(
	    b, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n",
	    (unsigned long)mem.peak >> 10, (unsigned long)rss_of(&mem) >> 10, (unsigned long)mem.anon >> 10,
	    (unsigned long)mem.file >> 10, (unsigned long)mem.shmem >> 10);
	text_printf(b,
		    "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8u kB\nVmPTE:\t%8lu "
		    "kB\nVmSwap:\t%8lu kB\n",
		    s.data * kb, s.stack * kb, s.code * kb, 0, (unsigned long)mem.page_tables >> 10,
		    (unsigned long)mem.swap >> 10);
}

static void show_signals(struct task *t, struct text_buf *b)
{
	sigset64 ignored = 0, caught = 0;
	struct sigqueue *q;
	u32 queued = 0;

	for (int i = 0; t->sighand && i < LINUX_NSIG; i++) {
		u64 h = t->sighand->action[i].handler;
		if (h == LINUX_SIG_IGN)
			ignored |= 1ULL << i;
		else if (h != LINUX_SIG_DFL)
			caught |= 1ULL << i;
	}
	list_for_each_entry (q, &t->pending.queue, node)
		queued++;
	list_for_each_entry (q, &t->tg->pending.queue, node)
		queued++;
	text_printf(
	    b,
	    "SigQ:\t%u/"
	    "%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
	    queued, (unsigned long)t->tg->rlimits[LINUX_RLIMIT_SIGPENDING].cur, (unsigned long)t->pending.set,
	    (unsigned long)t->tg->pending.set, (unsigned long)task_blocked(t), (unsigned long)ignored,
	    (unsigned long)caught);
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "S (sleeping)";
	}
}

/* A pid as the reader's namespace sees it, and each namespace below, down to the task's own. */
static void show_ns_numbers(struct text_buf *b, const char *what, const struct pid *p,
			    const struct pid_ns *ns, u32 level)
{
	text_printf(b, "%s:", what);
	for (u32 i = ns->level; i <= level; i++)
		text_printf(b, "\t%d", i <= p->level ? p->links[i].nr : 0);
	text_printf(b, "\n");
}

int proc_show_status(struct task *t, struct text_buf *b)
{
	struct pid_ns *ns = task_pid_ns(current_task() ? current_task() : t);
	const struct cred *c = t->cred;
	struct thread_group *tg = t->tg;
	u32 cpus = platform_cpu_count();

	text_printf(
	    b,
	    "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
	    t->comm, t->fs ? t->fs->umask : 0, state_name(task_state_letter(t)), pid_nr(tg->leader->pid, ns),
	    pid_nr(t->pid, ns), tg->parent ? pid_nr(tg->parent->leader->pid, ns) : 0,
	    t->pt.tracer ? pid_nr(t->pt.tracer->pid, ns) : 0);
	text_printf(b, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", uid_seen(c->uid),
		    uid_seen(c->euid), uid_seen(c->suid), uid_seen(c->fsuid), gid_seen(c->gid),
		    gid_seen(c->egid), gid_seen(c->sgid), gid_seen(c->fsgid),
		    t->files ? t->files->capacity : 0);
	for (u32 i = 0; i < c->group_count; i++)
		text_printf(b, "%u ", gid_seen(c->groups[i]));
	text_printf(b, "\n");
	show_ns_numbers(b, "NStgid", tg->leader->pid, ns, t->pid->level);
	show_ns_numbers(b, "NSpid", t->pid, ns, t->pid->level);
	show_ns_numbers(b, "NSpgid", tg->pgrp, ns, t->pid->level);
	show_ns_numbers(b, "NSsid", tg->session, ns, t->pid->level);
	show_memory(t, b);
	text_printf(b, "CoreDumping:\t0\nTHP_enabled:\t1\nThreads:\t%u\n", tg->live);
	show_signals(t, b);
	text_printf(
	    b, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n",
	    (unsigned long)c->cap_inheritable, (unsigned long)c->cap_permitted,
	    (unsigned long)c->cap_effective, (unsigned long)c->cap_bounding, (unsigned long)c->cap_ambient);
	text_printf(b,
		    "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\nCpus_allowed:\t%lx\nCpus_allowed_"
		    "list:\t0-%u\n",
		    c->no_new_privs, t->seccomp.mode, t->seccomp.filter_count,
		    (unsigned long)(t->cpu_mask & (cpus >= 64 ? ~0ULL : (1ULL << cpus) - 1)), cpus - 1);
	text_printf(b,
		    "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%lu\nnonvoluntary_"
		    "ctxt_switches:\t0\n",
		    (unsigned long)(t->coro ? t->coro->sleeps : 0));
	return 0;
}

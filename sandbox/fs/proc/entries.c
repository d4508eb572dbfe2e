/*
 * entries.c - the table of a process's entries, and the short ones among them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sandbox/kernel/account.h"
#include "sandbox/fs/proc/proc_priv.h"
#include "sandbox/kernel/cgroup.h"

/* A range of t's memory, as far as it can be read. */
static int put_memory(struct task *t, struct text_buf *b, u64 start, u64 end)
{
	char buf[1024];

	if (!t->mm)
		return 0;
	while (start < end) {
		s64 n = aspace_read(t->mm->as, buf, uaddr(start), min_t(u64, end - start, sizeof(buf)));
		if (n <= 0)
			break;
		text_append(b, buf, (size_t)n);
		start += (u64)n;
	}
	return 0;
}

static int show_cmdline(struct task *t, struct text_buf *b)
{
	return t->mm ? put_memory(t, b, t->mm->arg_start, t->mm->arg_end) : 0;
}

static int show_environ(struct task *t, struct text_buf *b)
{
	if (!proc_may_read(t))
		return -EACCES;
	return t->mm ? put_memory(t, b, t->mm->env_start, t->mm->env_end) : 0;
}

static int show_auxv(struct task *t, struct text_buf *b)
{
	if (!proc_may_read(t))
		return -EACCES;
	if (t->mm)
		text_append(b, t->mm->auxv, t->mm->auxv_count * sizeof(u64));
	return 0;
}

static int show_comm(struct task *t, struct text_buf *b)
{
	text_printf(b, "%s\n", t->comm);
	return 0;
}

static s64 store_comm(struct task *t, const char *data, size_t size)
{
	if (t->tg != current_task()->tg)
		return -EINVAL;
	snprintf(t->comm, sizeof(t->comm), "%.*s", (int)strcspn(data, "\n"), data);
	return (s64)size;
}

static int show_limits(struct task *t, struct text_buf *b)
{
	static const struct {
		const char *name, *unit;
	} names[RLIM_COUNT] = {
	    {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
	    {"Max data size", "bytes"},      {"Max stack size", "bytes"},
	    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
	    {"Max processes", "processes"},  {"Max open files", "files"},
	    {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
	    {"Max file locks", "locks"},     {"Max pending signals", "signals"},
	    {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
	    {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
	};

	text_printf(b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIM_COUNT; i++) {
		const u64 v[2] = {t->tg->rlimits[i].cur, t->tg->rlimits[i].max};
		text_printf(b, "%-25s ", names[i].name);
		for (int k = 0; k < 2; k++) {
			if (v[k] == UINT64_MAX)
				text_printf(b, "%-20s ", "unlimited");
			else
				text_printf(b, "%-20lu ", (unsigned long)v[k]);
		}
		text_printf(b, "%-10s\n", names[i].unit);
	}
	return 0;
}

static int show_cgroup(struct task *t, struct text_buf *b)
{
	auto_cleanup(kfreep) char *path = NULL;
	struct task *me = current_task();
	const struct cgroup *root = me ? me->ns->cgroup->root : kernel()->root_cgroup, *c;

	c = t->tg->cgroup ? t->tg->cgroup : t->tg->last_cgroup;
	path = c ? cgroup_path(c, root) : kstrdup("/");
	if (!path)
		return -ENOMEM;
	text_printf(b, "0::%s%s\n", path, c && c->dead ? " (deleted)" : "");
	return 0;
}

static int show_oom_score(struct task *t, struct text_buf *b)
{
	text_printf(b, "0\n");
	return 0;
}

static int show_oom_score_adj(struct task *t, struct text_buf *b)
{
	text_printf(b, "%d\n", (s32)t->tg->oom_score_adj);
	return 0;
}

static s64 store_oom_score_adj(struct task *t, const char *data, size_t size)
{
	char *end;
	long v = strtol(data, &end, 10);

	if (end == data || v < -1000 || v > 1000)
		return -EINVAL;
	if (v < (s32)t->tg->oom_score_adj && !capable(24 /* CAP_SYS_RESOURCE */))
		return -EACCES;
	t->tg->oom_score_adj = (u32)(s32)v;
	return (s64)size;
}

static int show_io(struct task *t, struct text_buf *b)
{
	struct io_counts sum = t->io;
	struct task *other;

	if (!proc_may_read(t))
		return -EACCES;
	if (t == t->tg->leader) { /* the process's: of all threads, and of those that were */
		sum = t->tg->dead_io;
		list_for_each_entry (other, &t->tg->threads, group_node)
			io_counts_add(&sum, &other->io);
	}
	/* what reaches a disk is the host's to know */
	text_printf(b,
		    "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: 0\nwrite_bytes: "
		    "0\ncancelled_write_bytes: 0\n",
		    (unsigned long)sum.rchar, (unsigned long)sum.wchar, (unsigned long)sum.syscr,
		    (unsigned long)sum.syscw);
	return 0;
}

static int show_wchan(struct task *t, struct text_buf *b)
{
	text_printf(b, "0");
	return 0;
}

static int show_loginuid(struct task *t, struct text_buf *b)
{
	text_printf(b, "%u", t->loginuid == NO_ID ? NO_ID : uid_seen(t->loginuid));
	return 0;
}

static int show_sessionid(struct task *t, struct text_buf *b)
{
	text_printf(b, "%u", t->sessionid);
	return 0;
}

/* Said once by who lets a user in, for itself and all that it starts; to say something else takes a right. */
static s64 store_loginuid(struct task *t, const char *data, size_t size)
{
	struct task *me = current_task();
	char *end;
	u64 v = strtoull(data, &end, 10);
	u32 kuid;

	if (t != me)
		return -EPERM;
	if (end == data || (*end && *end != '\n') || v > NO_ID)
		return -EINVAL;
	kuid = v == NO_ID ? NO_ID : kuid_of(me->cred->user_ns, (u32)v);
	if (v != NO_ID && kuid == NO_ID)
		return -EINVAL;
	if (t->loginuid != NO_ID && !capable(30 /* CAP_AUDIT_CONTROL */))
		return -EPERM;
	t->loginuid = kuid;
	t->sessionid = kuid == NO_ID ? NO_ID : ++kernel()->last_sessionid;
	return (s64)size;
}

/* The map as the reader's namespace counts the outer ids; if it is the reader's own, as the parent does. */
static void show_id_map(struct task *t, struct text_buf *b, bool gids)
{
	const struct user_ns *ns = t->cred->user_ns,
			     *outer = current_task() ? current_task()->cred->user_ns : ns;
	const struct id_map *m = gids ? &ns->gids : &ns->uids;

	if (outer == ns && ns->parent)
		outer = ns->parent;
	for (u32 i = 0; i < m->count; i++) {
		const struct id_extent *e = &m->extents[i];
		text_printf(b, "%10u %10u %10u\n", e->first,
			    gids ? gid_in(outer, e->lower) : uid_in(outer, e->lower), e->count);
	}
}

static int show_uid_map(struct task *t, struct text_buf *b)
{
	show_id_map(t, b, false);
	return 0;
}

static int show_gid_map(struct task *t, struct text_buf *b)
{
	show_id_map(t, b, true);
	return 0;
}

static s64 store_uid_map(struct task *t, const char *data, size_t size)
{
	int err = user_ns_write_map(t->cred->user_ns, false, data);

	return err ? err : (s64)size;
}

static s64 store_gid_map(struct task *t, const char *data, size_t size)
{
	int err = user_ns_write_map(t->cred->user_ns, true, data);

	return err ? err : (s64)size;
}

static int show_setgroups(struct task *t, struct text_buf *b)
{
	text_printf(b, t->cred->user_ns->setgroups_denied ? "deny\n" : "allow\n");
	return 0;
}

static s64 store_setgroups(struct task *t, const char *data, size_t size)
{
	int err = user_ns_write_setgroups(t->cred->user_ns, data);

	return err ? err : (s64)size;
}

static int show_timens_offsets(struct task *t, struct text_buf *b)
{
	const struct time_ns *ns = t->ns ? t->ns->time_for_children : NULL;

	if (!ns)
		return -ESRCH;
	text_printf(b, "monotonic  %10ld %9ld\nboottime   %10ld %9ld\n",
		    (long)(ns->monotonic_ns / (s64)NSEC_PER_SEC),
		    (long)(ns->monotonic_ns % (s64)NSEC_PER_SEC), (long)(ns->boottime_ns / (s64)NSEC_PER_SEC),
		    (long)(ns->boottime_ns % (s64)NSEC_PER_SEC));
	return 0;
}

static int show_personality(struct task *t, struct text_buf *b)
{
	text_printf(b, "%08x\n", t->personality);
	return 0;
}

static int show_schedstat(struct task *t, struct text_buf *b)
{
	text_printf(b, "%lu 0 %lu\n", (unsigned long)task_cpu_time(t), (unsigned long)t->syscall_count);
	return 0;
}

/* ---- links ---- */

static int give(const struct path *p, struct path *out)
{
	if (!p->dentry)
		return -ENOENT;
	*out = *p;
	path_get(out);
	return 0;
}

static int follow_exe(struct task *t, struct path *out)
{
	return t->mm && t->mm->exe ? give(&t->mm->exe->path, out) : -ENOENT;
}

static int follow_cwd(struct task *t, struct path *out)
{
	return t->fs ? give(&t->fs->cwd, out) : -ENOENT;
}

static int follow_root(struct task *t, struct path *out)
{
	return t->fs ? give(&t->fs->root, out) : -ENOENT;
}

#define TEXT(nm, mode_, show_)                                                                               \
	{                                                                                                    \
		.name = nm, .mode = LINUX_S_IFREG | (mode_), .show = show_                                   \
	}
#define TEXT_RW(nm, mode_, show_, store_)                                                                    \
	{                                                                                                    \
		.name = nm, .mode = LINUX_S_IFREG | (mode_), .show = show_, .store = store_                  \
	}
#define MOUNTS(nm, mode_, show_)                                                                             \
	{                                                                                                    \
		.name = nm, .mode = LINUX_S_IFREG | (mode_), .show = show_,                                  \
		.generation = proc_mounts_generation                                                         \
	}
#define LINK(nm, follow_)                                                                                    \
	{                                                                                                    \
		.name = nm, .mode = LINUX_S_IFLNK | 0777, .follow = follow_                                  \
	}
#define DIR(nm, mode_, dir_)                                                                                 \
	{                                                                                                    \
		.name = nm, .mode = LINUX_S_IFDIR | (mode_), .dir = dir_                                     \
	}

const struct proc_entry proc_entries[] = {
    TEXT("auxv", 0400, show_auxv),
    TEXT("cgroup", 0444, show_cgroup),
    TEXT("cmdline", 0444, show_cmdline),
    TEXT_RW("comm", 0644, show_comm, store_comm),
    LINK("cwd", follow_cwd),
    TEXT("environ", 0400, show_environ),
    LINK("exe", follow_exe),
    DIR("fd", 0500, &proc_fd_dir),
    DIR("fdinfo", 0500, &proc_fdinfo_dir),
    TEXT_RW("gid_map", 0644, show_gid_map, store_gid_map),
    TEXT("io", 0400, show_io),
    TEXT("limits", 0444, show_limits),
    TEXT_RW("loginuid", 0644, show_loginuid, store_loginuid),
    TEXT("maps", 0444, proc_show_maps),
    {.name = "mem", .mode = LINUX_S_IFREG | 0600, .file_ops = &proc_mem_ops},
    MOUNTS("mountinfo", 0444, proc_show_mountinfo),
    MOUNTS("mounts", 0444, proc_show_mounts),
    MOUNTS("mountstats", 0400, proc_show_mountstats),
    DIR("net", 0555, &proc_net_dir),
    DIR("ns", 0511, &proc_ns_dir),
    TEXT("oom_score", 0444, show_oom_score),
    TEXT_RW("oom_score_adj", 0644, show_oom_score_adj, store_oom_score_adj),
    {.name = "pagemap", .mode = LINUX_S_IFREG | 0400, .file_ops = &proc_pagemap_ops},
    TEXT("personality", 0400, show_personality),
    LINK("root", follow_root),
    TEXT("schedstat", 0444, show_schedstat),
    TEXT("sessionid", 0444, show_sessionid),
    TEXT_RW("setgroups", 0644, show_setgroups, store_setgroups),
    TEXT("smaps", 0444, proc_show_smaps),
    TEXT("smaps_rollup", 0444, proc_show_smaps_rollup),
    TEXT("stack", 0400, proc_show_stack),
    TEXT("stat", 0444, proc_show_stat),
    TEXT("statm", 0444, proc_show_statm),
    TEXT("status", 0444, proc_show_status),
    TEXT("syscall", 0400, proc_show_syscall),
    {.name = "task", .mode = LINUX_S_IFDIR | 0555, .dir = &proc_task_dir, .leader_only = true},
    TEXT("timens_offsets", 0444, show_timens_offsets),
    TEXT_RW("uid_map", 0644, show_uid_map, store_uid_map),
    TEXT("wchan", 0444, show_wchan),
};
const u32 proc_entry_count = ARRAY_COUNT(proc_entries);

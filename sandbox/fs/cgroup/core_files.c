/*
 * core_files.c - cgroup.*: the files that every group has.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/cgroup/cgroupfs_priv.h"

/* ---- numbers ---- */

int cgroup_parse(const char *text, u64 most, u64 *out)
{
	char *end;

	if (!strcmp(text, "max")) {
		*out = CGROUP_NO_LIMIT;
		return 0;
	}
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	return errno || *out > most ? -ERANGE : 0;
}

int cgroup_parse_int(const char *text, s64 least, s64 most, s64 *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 0);
	if (end == text || *end || (*text != '-' && *text != '+' && (*text < '0' || *text > '9')))
		return -EINVAL;
	return errno || *out < least || *out > most ? -ERANGE : 0;
}

void cgroup_print(struct text_buf *b, u64 value)
{
	if (value == CGROUP_NO_LIMIT)
		text_printf(b, "max\n");
	else
		text_printf(b, "%lu\n", (unsigned long)value);
}

/* ---- processes ---- */

static s32 seen_pid(struct pid *pid)
{
	struct task *t = current_task();

	return t ? pid_nr(pid, task_pid_ns(t)) : 0;
}

static int show_procs(struct cgroup *c, struct text_buf *b)
{
	struct thread_group *tg;

	list_for_each_entry (tg, &c->members, cgroup_node)
		text_printf(b, "%d\n", seen_pid(tg->leader->pid));
	return 0;
}

static int show_threads(struct cgroup *c, struct text_buf *b)
{
	struct thread_group *tg;
	struct task *t;

	list_for_each_entry (tg, &c->members, cgroup_node)
		list_for_each_entry (t, &tg->threads, group_node)
			if (t->state == TASK_ALIVE)
				text_printf(b, "%d\n", seen_pid(t->pid));
	return 0;
}

static int find_written(const char *text, struct task **out)
{
	s64 nr;

	if (cgroup_parse_int(text, INT32_MIN, INT32_MAX, &nr) || nr < 0)
		return -EINVAL;
	*out = nr ? task_find((s32)nr) : current_task();
	return *out && (*out)->tg ? 0 : -ESRCH;
}

static bool may_write(const struct cred *cred, struct cgroup_attr a)
{
	if (cred_capable_over(cred, a.uid, a.gid, LINUX_CAP_DAC_OVERRIDE))
		return true;
	if (cred->fsuid == a.uid)
		return a.mode & 0200;
	return cred_in_group(cred, a.gid) ? a.mode & 0020 : a.mode & 0002;
}

/* Who may open the destination's file may move a process there if also the group where both ways meet is his
 * to change, and both ends lie in his namespace. The rights are those of whoever opened the file. */
static int may_move(struct cgroup *from, struct cgroup *to, const struct cred *opener)
{
	const struct cgroup *border = current_task()->ns->cgroup->root;
	struct cgroup *common = to;

	while (!cgroup_is_below(from, common))
		common = common->parent;
	if (!cgroup_is_below(from, border) || !cgroup_is_below(to, border))
		return -ENOENT;
	return may_write(opener, cgroup_attr_of(common, "cgroup.procs")) ? 0 : -EACCES;
}

int cgroupfs_may_clone(struct cgroup *c)
{
	struct task *t = current_task();
	int err = c->dead ? -ENOENT : cgroup_check_attach(c);

	if (!c->dead && !may_write(t->cred, cgroup_attr_of(c, "cgroup.procs")))
		return -EACCES;
	return err ? err : may_move(t->tg->cgroup, c, t->cred);
}

static int store_procs(struct cgroup *c, char *text, const struct cred *opener)
{
	struct task *t;
	int err = find_written(text, &t);

	if (err)
		return err;
	if (!t->tg->cgroup)
		return -ESRCH; /* it has ended */
	err = may_move(t->tg->cgroup, c, opener);
	if (!err)
		err = cgroup_check_attach(c);
	if (!err)
		cgroup_attach(t->tg, c);
	return err;
}

/* Threads of a process are always together: only "where it is already" can be done. */
static int store_threads(struct cgroup *c, char *text, const struct cred *opener)
{
	struct task *t;
	int err = find_written(text, &t);

	if (err)
		return err;
	if (!t->tg->cgroup)
		return -ESRCH;
	err = may_move(t->tg->cgroup, c, opener);
	if (!err && t->tg->cgroup != c)
		err = -EOPNOTSUPP;
	return err;
}

/* ---- controllers ---- */

static void print_controllers(struct text_buf *b, u32 set)
{
	const char *space = "";

	for (u32 i = 0; i < CGROUP_CONTROLLERS; i++)
		if (set & 1U << i) {
			text_printf(b, "%s%s", space, cgroup_controller_names[i]);
			space = " ";
		}
	if (set)
		text_append(b, "\n", 1);
}

static int show_controllers(struct cgroup *c, struct text_buf *b)
{
	print_controllers(b, cgroup_enabled(c));
	return 0;
}

static int show_control(struct cgroup *c, struct text_buf *b)
{
	print_controllers(b, c->control);
	return 0;
}

static int store_control(struct cgroup *c, char *text, const struct cred *opener)
{
	u32 enable = 0, disable = 0;
	char *save = NULL;

	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		u32 bit = 0;
		for (u32 i = 0; i < CGROUP_CONTROLLERS; i++)
			if (!strcmp(w + 1, cgroup_controller_names[i]))
				bit = 1U << i;
		if (!bit || (*w != '+' && *w != '-'))
			return -EINVAL;
		enable = *w == '+' ? enable | bit : enable & ~bit;
		disable = *w == '-' ? disable | bit : disable & ~bit;
	}
	return cgroup_set_control(c, enable, disable);
}

/* ---- the rest ---- */

static int show_type(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "domain\n");
	return 0;
}

static int store_type(struct cgroup *c, char *text, const struct cred *opener)
{
	return strcmp(text, "threaded") ? -EINVAL : -EOPNOTSUPP;
}

static int show_events(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "populated %d\nfrozen %d\n", c->populated > 0, c->frozen);
	return 0;
}

static int show_max_descendants(struct cgroup *c, struct text_buf *b)
{
	cgroup_print(b, c->max_descendants);
	return 0;
}

static int store_max_descendants(struct cgroup *c, char *text, const struct cred *opener)
{
	return *text == '-' ? -ERANGE : cgroup_parse(text, INT32_MAX, &c->max_descendants);
}

static int show_max_depth(struct cgroup *c, struct text_buf *b)
{
	cgroup_print(b, c->max_depth);
	return 0;
}

static int store_max_depth(struct cgroup *c, char *text, const struct cred *opener)
{
	return *text == '-' ? -ERANGE : cgroup_parse(text, INT32_MAX, &c->max_depth);
}

static int show_stat(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "nr_descendants %lu\nnr_dying_descendants 0\n", (unsigned long)c->descendants);
	return 0;
}

static int show_freeze(struct cgroup *c, struct text_buf *b)
{
	text_printf(b, "%d\n", c->freeze);
	return 0;
}

static int store_freeze(struct cgroup *c, char *text, const struct cred *opener)
{
	s64 v;
	int err = cgroup_parse_int(text, 0, 1, &v);

	if (!err)
		cgroup_set_freeze(c, v);
	return err;
}

static int store_kill(struct cgroup *c, char *text, const struct cred *opener)
{
	s64 v;
	int err = cgroup_parse_int(text, 1, 1, &v);

	if (!err)
		cgroup_kill(c);
	return err;
}

const struct cgroup_file cgroup_core_files[] = {
    {"cgroup.type", 0644, 0, CGF_NOT_ON_ROOT, show_type, store_type, 0},
    {"cgroup.procs", 0644, 0, CGF_DELEGATED, show_procs, store_procs, 0},
    {"cgroup.threads", 0644, 0, CGF_DELEGATED, show_threads, store_threads, 0},
    {"cgroup.controllers", 0444, 0, 0, show_controllers, NULL, 0},
    {"cgroup.subtree_control", 0644, 0, CGF_DELEGATED, show_control, store_control, 0},
    {"cgroup.events", 0444, 0, CGF_NOT_ON_ROOT, show_events, NULL, offsetof(struct cgroup, events)},
    {"cgroup.max.descendants", 0644, 0, 0, show_max_descendants, store_max_descendants, 0},
    {"cgroup.max.depth", 0644, 0, 0, show_max_depth, store_max_depth, 0},
    {"cgroup.stat", 0444, 0, 0, show_stat, NULL, 0},
    {"cgroup.freeze", 0644, 0, CGF_NOT_ON_ROOT, show_freeze, store_freeze, 0},
    {"cgroup.kill", 0200, 0, CGF_NOT_ON_ROOT, NULL, store_kill, 0},
};
const u32 cgroup_core_file_count = ARRAY_COUNT(cgroup_core_files);

/*
 * op_process.c - exec, wait, signal, resize and list: processes on a supervisor's word.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "sandbox/control/control_priv.h"
#include "sandbox/fs/devpts/devpts.h"
#include "sandbox/vfs/namei.h"
#include "sandbox/fs/hostfd/hostfd.h"
#include "sandbox/vfs/fdtable.h"

/* What an exec request says, checked. Strings belong to the request's JSON. */
struct exec_args {
	struct container *ct;
	char **argv, **envp;
	const char *cwd, *user;
	u32 uid, gid;
	bool tty, init, hold;
	u16 cols, rows;
	int stop_signal;
};

/* ---- reading the request ---- */

/* An array of strings as a NULL-terminated array of pointers into the JSON. */
static int field_strings(struct request *r, const char *name, bool required, char ***out)
{
	json_t *list = json_object_get(r->root, name), *v;
	size_t i;

	if ((!list && required) || (list && !json_is_array(list)) || (required && !json_array_size(list)))
		return request_fail(r, -EINVAL, "field '%s' must be %s array of strings", name,
				    required ? "a non-empty" : "an");
	*out = knew_array(char *, json_array_size(list) + 1);
	if (!*out)
		return -ENOMEM;
	json_array_foreach(list, i, v)
	{
		if (!json_is_string(v))
			return request_fail(r, -EINVAL, "field '%s' must be an array of strings", name);
		/* nobody writes through it */
		(*out)[i] = (char *)(uintptr_t)json_string_value(v);
	}
	return 0;
}

static int read_user(struct request *r, struct exec_args *a)
{
	json_t *user = json_object_get(r->root, "user");
	s64 uid = 0, gid = 0;
	int err;

	if (!user || json_is_null(user))
		return 0;
	if (!json_is_object(user))
		return request_fail(r, -EINVAL, "field 'user' must be an object");
	err = fields_known(r, user, " uid gid name ");
	if (!err)
		err = field_string(r, user, "name", false, &a->user);
	if (!err)
		err = field_int(r, user, "uid", false, 0, UINT32_MAX - 1, &uid);
	if (!err)
		err = field_int(r, user, "gid", false, 0, UINT32_MAX - 1, &gid);
	a->uid = (u32)uid;
	a->gid = (u32)gid;
	return err;
}

static int read_args(struct request *r, struct exec_args *a)
{
	s64 cols = 80, rows = 24, stop_signal = LINUX_SIGTERM;
	u32 wanted;
	int err = request_container(r, &a->ct);

	if (!err)
		err = field_strings(r, "argv", true, &a->argv);
	if (!err)
		err = field_strings(r, "env", false, &a->envp);
	if (!err)
		err = field_string(r, r->root, "cwd", false, &a->cwd);
	if (!err)
		err = read_user(r, a);
	if (!err)
		err = field_bool(r, r->root, "tty", &a->tty);
	if (!err)
		err = field_bool(r, r->root, "init", &a->init);
	if (!err)
		err = field_bool(r, r->root, "hold", &a->hold);
	if (!err)
		err = field_int(r, r->root, "cols", false, 1, UINT16_MAX, &cols);
	if (!err)
		err = field_int(r, r->root, "rows", false, 1, UINT16_MAX, &rows);
	if (!err)
		err = field_int(r, r->root, "stop_signal", false, 1, LINUX_NSIG, &stop_signal);
	if (err)
		return err;
	a->cols = (u16)cols;
	a->rows = (u16)rows;
	a->stop_signal = (int)stop_signal;
	wanted = a->tty ? 1 : 3;
	if (!a->argv[0][0])
		return request_fail(r, -EINVAL, "the program's name is empty");
	if (a->cwd[0] != '/')
		return request_fail(r, -EINVAL, "field 'cwd' must be an absolute path");
	for (char **e = a->envp; *e; e++)
		if (!strchr(*e, '=') || **e == '=')
			return request_fail(r, -EINVAL, "the environment entry '%.64s' is not NAME=VALUE",
					    *e);
	if (r->fd_count != wanted)
		return request_fail(r, -EINVAL, "exec wants %u descriptors %s, %u came", wanted,
				    a->tty ? "with a terminal" : "without a terminal", r->fd_count);
	if (a->hold && !a->init)
		return request_fail(r, -EINVAL, "only a container's first process can be held");
	err = request_usable(r, a->ct);
	if (!err && a->init && (a->ct->main || (a->ct->own_pid_ns && a->ct->pid_ns->had_init)))
		err = request_fail(r, -EBUSY, "the container has a first process already");
	return err;
}

/* ---- descriptors ---- */

static int open_streams(struct request *r, struct fd_table *files, const struct cred *cred,
			const struct process *p)
{
	for (int i = 0; i < 3; i++) {
		struct file *f;
		s64 n;
		int fd, err = request_take_fd(r, i, &fd);

		if (!err)
			err = hostfd_create(fd, cred->uid, cred->gid, HOST_FD_STREAM(p->number, i), &f);
		if (err)
			return request_fail(r, err, "standard stream %d cannot be used: %s", i,
					    strerrorname_np(-err));
		n = fd_table_install_at(files, i, f);
		if (n < 0)
			return (int)n;
	}
	return 0;
}

/* A pair with a name in the container's /dev/pts; without one if nothing is mounted there. */
static int open_pair(const struct exec_args *a, struct tty **master, struct file **slave)
{
	struct path pts = {0};
	int err = path_lookup_at(&a->ct->fs->root, "/dev/pts", WALK_FOLLOW, &pts);

	if (!err) {
		err = devpts_open_pair(&pts, a->cols, a->rows, master, slave);
		path_put(&pts);
	}
	return err == -ENOENT || err == -ENODEV ? pty_open_pair(a->cols, a->rows, master, slave) : err;
}

static int open_terminal(struct request *r, struct exec_args *a, struct fd_table *files, struct tty **master,
			 int *sock)
{
	struct file *slave;
	int err = request_take_fd(r, 0, sock);

	if (err)
		return err;
	err = open_pair(a, master, &slave);
	if (err) {
		close(*sock);
		*sock = -1;
		return err;
	}
	for (int i = 0; i < 3 && err >= 0; i++)
		err = (int)fd_table_install_at(files, i, file_get(slave));
	file_put(slave);
	return err < 0 ? err : 0;
}

/* ---- exec ---- */

static int start(struct request *r, struct exec_args *a, struct process *p, struct cred *cred,
		 struct fd_table *files, struct tty *master)
{
	struct spawn_args s = {.container = a->ct,
			       .argv = a->argv,
			       .envp = a->envp,
			       .cwd = a->cwd,
			       .cred = cred,
			       .files = files,
			       .tty = master,
			       .is_init = a->init,
			       .hold = a->hold,
			       .process_name = p->name,
			       .on_exit = process_on_exit};
	struct task *t;
	int err = a->init ? 0 : container_make_init(a->ct);

	if (err) {
		cred_put(cred);
		fd_table_put(files);
		return request_fail(r, err, "the container has no first process: %s", strerrordesc_np(-err));
	}
	err = task_spawn(&s, &t);
	if (err)
		return request_fail(r, err, "cannot start %.200s: %s", a->argv[0], strerrordesc_np(-err));
	p->first = a->init;
	p->pid = pid_nr(t->pid, a->ct->pid_ns);
	p->tg = tg_get(t->tg);
	task_put(t);
	return 0;
}

static int exec_with(struct request *r, struct exec_args *a, struct process *p)
{
	struct fd_table *files = fd_table_new();
	struct tty *master = NULL;
	struct cred *cred = NULL;
	int sock = -1, err = files ? 0 : -ENOMEM;

	if (!err)
		err = user_resolve(r, a->ct, a->user, a->uid, a->gid, &cred);
	if (!err)
		err = a->tty ? open_terminal(r, a, files, &master, &sock) : open_streams(r, files, cred, p);
	if (err) {
		cred_put(cred);
		if (files)
			fd_table_put(files);
	} else {
		err = start(r, a, p, cred, files, master);
	}
	if (err) {
		if (master)
			pty_master_close(master);
		if (sock >= 0)
			close(sock);
		return err;
	}
	if (master) {
		err = process_start_pump(p, master, sock);
		if (err)
			group_kill(p->tg, LINUX_SIGKILL);
	}
	return err;
}

int op_exec(struct request *r)
{
	struct exec_args a = {.cwd = "/"};
	struct process *p = NULL;
	int err = read_args(r, &a);

	if (!err)
		err = process_new(a.ct, json_object_get(r->root, "argv"), &p);
	if (!err) {
		a.ct->users++;
		err = exec_with(r, &a, p);
		a.ct->users--;
	}
	if (!err) {
		p->stop_signal = a.stop_signal;
		r->answer = json_pack("{s:s,s:i}", "process", p->name, "pid", (int)p->pid);
		process_started(p);
	} else if (p) {
		process_free(p);
	}
	kfree(a.argv);
	kfree(a.envp);
	return err || r->answer ? err : -ENOMEM;
}

/* ---- the others ---- */

/* The end of a container's first process, whoever asks and however late. */
static int wait_container(struct request *r, struct container *ct, bool release)
{
	struct process *p = process_find_first(ct->id);

	if (p)
		return process_wait_add(p, r->client, r->id, release);
	if (!ct->main_ended)
		return request_fail(r, -ESRCH, "the container '%s' has no first process to wait for", ct->id);
	r->answer = json_pack("{s:o}", "exit", exit_report(ct->main_status));
	return r->answer ? 0 : -ENOMEM;
}

int op_wait(struct request *r)
{
	struct container *ct;
	struct process *p;
	bool release = false;
	int err = field_bool(r, r->root, "release", &release);

	if (!err && json_object_get(r->root, "process")) {
		if (json_object_get(r->root, "container"))
			return request_fail(r, -EINVAL, "one of 'process' and 'container', not both");
		err = request_process(r, &p);
		if (!err)
			err = process_wait_add(p, r->client, r->id, release);
	} else if (!err) {
		err = request_container(r, &ct);
		if (!err)
			err = wait_container(r, ct, release);
	}
	r->answers_later = !err && !r->answer;
	return err;
}

static int signal_all(struct container *ct, int sig)
{
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (t->tg && t->tg->container == ct && t == t->tg->leader && t->tg->live)
			(void)send_signal_group(t->tg, sig, NULL);
	return 0;
}

static int signal_group(struct request *r, struct process *p, int sig)
{
	struct pid *pgrp = p->tty && p->tty->pgrp ? p->tty->pgrp : p->tg->pgrp;
	int err = send_signal_pgrp(pgrp, sig, NULL);

	return err == -ESRCH ? request_fail(r, err, "the process group is empty") : err;
}

/* To a container: its first process. */
static int signal_container(struct request *r, bool all)
{
	struct container *ct;
	struct process *p;
	s64 sig = LINUX_SIGTERM;
	int err = request_container(r, &ct);

	if (err)
		return err;
	p = process_find_first(ct->id);
	if (p)
		sig = p->stop_signal;
	err = field_int(r, r->root, "signal", false, 1, LINUX_NSIG, &sig);
	if (err)
		return err;
	if (all)
		return signal_all(ct, (int)sig);
	if (!ct->main)
		return request_fail(r, -ESRCH, "the container '%s' has no first process", ct->id);
	return send_signal_group(ct->main, (int)sig, NULL);
}

int op_signal(struct request *r)
{
	bool group = false, all = false;
	struct container *ct;
	struct process *p;
	s64 sig;
	int err = field_bool(r, r->root, "group", &group);

	if (!err)
		err = field_bool(r, r->root, "all", &all);
	if (err)
		return err;
	if (!json_object_get(r->root, "process") && !group)
		return signal_container(r, all);
	if (json_object_get(r->root, "container"))
		return request_fail(r, -EINVAL, "a signal is for a 'process' or for a 'container'");
	err = request_process(r, &p);
	if (err)
		return err;
	sig = p->stop_signal;
	err = field_int(r, r->root, "signal", false, 1, LINUX_NSIG, &sig);
	if (err)
		return err;
	if (!p->tg)
		return request_fail(r, -ESRCH, "process %s has ended", p->name);
	ct = container_find(p->container);
	if (all && ct)
		return signal_all(ct, (int)sig);
	return group ? signal_group(r, p, (int)sig) : send_signal_group(p->tg, (int)sig, NULL);
}

int op_resize(struct request *r)
{
	struct process *p;
	s64 cols = 0, rows = 0;
	int err = request_process(r, &p);

	if (!err)
		err = field_int(r, r->root, "cols", true, 1, UINT16_MAX, &cols);
	if (!err)
		err = field_int(r, r->root, "rows", true, 1, UINT16_MAX, &rows);
	if (err)
		return err;
	if (!p->tty)
		return p->exited ? request_fail(r, -ESRCH, "process %s has ended", p->name)
				 : request_fail(r, -ENOTTY, "process %s has no terminal", p->name);
	pty_resize(p->tty, (u16)cols, (u16)rows);
	return 0;
}

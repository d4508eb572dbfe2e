/* fixture.c - see fixture.h. */
#include "tests/unit/vfs/fixture.h"

#include <stdlib.h>
#include <string.h>

struct mount *root_mount;
struct mount_ns *root_ns;

void boot(void)
{
	struct mount_options opt = {.source = "root"};

	ck_assert_int_eq(arena_create(0), 0);
	ck_assert_int_eq(kernel_init("test", 0, 100), 0);
	ck_assert_int_eq(mount_new("tmpfs", &opt, 0, &root_mount), 0);
	root_ns = mount_ns_new(kernel()->root_user_ns, root_mount);
	ck_assert_ptr_nonnull(root_ns);
}

struct task *start_task(void (*fn)(void *), void *arg, u32 uid)
{
	struct path top = {root_mount, root_mount->root};
	struct task *t = knew(struct task);

	object_init(&t->obj, NULL);
	t->tg = tg_new();
	list_init(&t->pending.queue);
	t->cred = knew(struct cred);
	object_init(&t->cred->obj, NULL);
	t->cred->user_ns = kernel()->root_user_ns;
	t->cred->uid = t->cred->euid = t->cred->suid = t->cred->fsuid = uid;
	t->cred->gid = t->cred->egid = t->cred->sgid = t->cred->fsgid = uid;
	t->cred->cap_effective = t->cred->cap_permitted = uid ? 0 : CAP_FULL_SET;
	t->fs = fs_context_new(&top, &top);
	t->ns = nsproxy_dup(NULL);
	t->ns->mnt = mount_ns_get(root_ns);
	t->files = fd_table_new();
	t->sighand = sighand_dup(NULL);
	ck_assert_int_eq(coro_start(fn, arg, t, &t->coro), 0);
	return t;
}

void run_all(void)
{
	while (sched_run_ready())
		;
}

static bool finished;

static void run_body(void *arg)
{
	void (*fn)(void) = *(void (**)(void))arg;

	fn();
	finished = true;
}

void in_task(void (*fn)(void))
{
	boot();
	start_task(run_body, &fn, 0);
	run_all();
	ck_assert_msg(finished, "the task did not come to its end");
}

void mkdirs(const char *path)
{
	char part[400];
	size_t len = 0;

	while (path[len]) {
		int err;
		len += strspn(path + len, "/");
		len += strcspn(path + len, "/");
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		err = vfs_mkdir(AT_FDCWD, part, 0755);
		ck_assert_msg(!err || err == -EEXIST, "mkdir %s: %s", part, strerror(-err));
	}
}

void file(const char *path)
{
	struct file *f;

	ck_assert_int_eq(vfs_open(AT_FDCWD, path, O_CREAT | O_EXCL | O_WRONLY, 0644, 0, &f), 0);
	file_put(f);
}

void symlink_to(const char *target, const char *path)
{
	ck_assert_int_eq(vfs_symlink(target, AT_FDCWD, path), 0);
}

struct mount *mount_tmpfs(const char *at)
{
	struct mount_options opt = {.source = at};
	struct mount *m;
	struct path p;

	ck_assert_int_eq(path_lookup(AT_FDCWD, at, WALK_FOLLOW, &p), 0);
	ck_assert_int_eq(mount_new("tmpfs", &opt, 0, &m), 0);
	ck_assert_int_eq(mount_attach(m, &p), 0);
	path_put(&p);
	mount_put(m); /* the namespace has it */
	return m;
}

const char *walk(const char *path, u32 flags)
{
	static char text[PATH_MAX_SIZE];
	struct path top = {root_mount, root_mount->root}, p = {0};
	int err = path_lookup(AT_FDCWD, path, flags, &p);
	char *s;

	if (err) {
		snprintf(text, sizeof(text), "%s", strerrorname_np(-err));
		return text;
	}
	s = path_to_string(&p, &top);
	snprintf(text, sizeof(text), "%s", s ? s : "no memory");
	kfree(s);
	path_put(&p);
	return text;
}

int walk_err(const char *path, u32 flags)
{
	struct path p = {0};
	int err = path_lookup(AT_FDCWD, path, flags, &p);

	if (!err)
		path_put(&p);
	return err;
}

int open_err(const char *path, u32 o_flags)
{
	struct file *f;
	int err = vfs_open(AT_FDCWD, path, o_flags, 0644, 0, &f);

	if (!err)
		file_put(f);
	return err;
}

char *repeat(const char *component, int n)
{
	size_t len = strlen(component);
	char *s = malloc((len + 1) * (size_t)n + 1), *at = s;

	for (int i = 0; i < n; i++) {
		memcpy(at, component, len);
		at += len;
		*at++ = '/';
	}
	at[-1] = 0;
	return s;
}

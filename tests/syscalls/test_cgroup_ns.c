/*
 * test_cgroup_ns.c - control groups: clone3(2) into one, cgroup namespaces, delegation (cgroups(7),
 * cgroup_namespaces(7), clone3(2)).
 */
#include "cgroup.h"

#include <linux/magic.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>

/* ---- clone3 ---- */

static pid_t clone_into(int fd)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)fd};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

CASE(clone_into_a_group)
{
	pid_t pid;
	int fd;

	cg_begin();
	cg_make("a");
	fd = open(cg_path("a"), O_RDONLY | O_DIRECTORY);
	pid = clone_into(fd);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	OK(pid);
	EXPECT_STR(cg_read("a/cgroup.procs"), number(pid));
	close(fd);
	fd = open(cg_path("a"), O_PATH);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	pid = clone_into(fd);
	if (pid == 0)
		_exit(7);
	expect_exit(pid, 7);
	cg_end();
}

CASE(clone_into_what_is_no_group)
{
	int fd;

	cg_begin();
	cg_make("a");
	EXPECT_ERRNO(clone_into(open(".", O_RDONLY)), EBADF);
	EXPECT_ERRNO(clone_into(open(cg_path("a/cgroup.procs"), O_RDONLY)), EBADF);
	EXPECT_ERRNO(clone_into(12345), EBADF);
	fd = open(cg_path("a"), O_RDONLY);
	OK(rmdir(cg_path("a")));
	EXPECT_ERRNO(clone_into(fd), ENOENT);
	cg_end();
}

/* ---- cgroup namespaces ---- */

static void in_own_namespace(void)
{
	char its[512];

	if (unshare(CLONE_NEWCGROUP))
		_exit(1);
	group_of("self", its, sizeof(its));
	_exit(strcmp(its, "/") ? 2 : 42);
}

CASE(namespace_root_is_the_own_group)
{
	cg_begin();
	cg_make("a");
	expect_exit(cg_run("a", in_own_namespace), 42);
	cg_end();
}

static void sees_others(void)
{
	char its[512];

	if (unshare(CLONE_NEWCGROUP))
		_exit(1);
	group_of(number(getppid()), its, sizeof(its));
	_exit(strncmp(its, "/..", 3) ? 2 : 42);
}

CASE(what_is_outside_begins_with_dots)
{
	cg_begin();
	cg_make("a");
	expect_exit(cg_run("a", sees_others), 42);
	cg_end();
}

static void mounts_its_root(void)
{
	char dir[] = "mnt", line[1024], root[256] = "", where[256];
	FILE *f;

	if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir(dir, 0755))
		_exit(1);
	if (mount("cgroup", dir, "cgroup2", 0, NULL))
		_exit(2);
	if (access("mnt/below", F_OK) || access("mnt/cgroup.kill", F_OK))
		_exit(3);
	f = fopen("/proc/self/mountinfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "/mnt ") && sscanf(line, "%*s %*s %*s %255s %255s", root, where) != 2)
			_exit(4);
	_exit(strcmp(root, "/") ? 5 : 42);
}

CASE(mount_shows_the_namespace)
{
	cg_begin();
	cg_make("a");
	cg_make("a/below");
	expect_exit(cg_run("a", mounts_its_root), 42);
	cg_end();
}

CASE(bad_mount_options)
{
	mkdir("m", 0755);
	EXPECT_ERRNO(mount("cgroup", "m", "cgroup2", 0, "nonsense"), EINVAL);
	EXPECT_ERRNO(mount("cgroup", "m", "cgroup2", 0, "memory"), EINVAL);
}

/* ---- delegation ---- */

static void nobody_works_here(void)
{
	char path[600];
	pid_t pid;

	if (setgid(65534) || setuid(65534))
		_exit(1);
	if (mkdir(cg_path("a/sub"), 0755) || mkdir(cg_path("a/sub2"), 0755))
		_exit(2);
	snprintf(path, sizeof(path), "%s", "a/sub/cgroup.procs");
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (cg_write(path, number(pid)))
		_exit(3);
	if (cg_write("a/sub2/cgroup.procs", number(pid)))
		_exit(4);
	/* outside of what is his nobody changes anything */
	if (mkdir(cg_path("x"), 0755) == 0 || errno != EACCES)
		_exit(5);
	if (cg_write("cgroup.procs", number(pid)) == 0 || errno != EACCES)
		_exit(6);
	if (cg_write("other/cgroup.procs", number(pid)) == 0 || errno != EACCES)
		_exit(7);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (rmdir(cg_path("a/sub")) || rmdir(cg_path("a/sub2")))
		_exit(8);
	_exit(42);
}

CASE(delegation_by_ownership)
{
	cg_begin();
	cg_make("a");
	cg_make("other");
	if (chown(cg_path("a"), 65534, 65534) && errno == EPERM)
		case_skip("not root");
	OK(chown(cg_path("a/cgroup.procs"), 65534, 65534));
	OK(chown(cg_path("a/cgroup.subtree_control"), 65534, 65534));
	expect_exit(cg_run("a", nobody_works_here), 42);
	cg_end();
}

static void nobody_moves_across(void)
{
	if (setgid(65534) || setuid(65534))
		_exit(1);
	/* both groups are his, but not the one above them */
	_exit(cg_write("b/cgroup.procs", "0") == 0 || errno != EACCES ? 2 : 42);
}

CASE(common_ancestor_must_be_writable)
{
	cg_begin();
	cg_make("a");
	cg_make("b");
	OK(chown(cg_path("a/cgroup.procs"), 65534, 65534));
	OK(chown(cg_path("b/cgroup.procs"), 65534, 65534));
	expect_exit(cg_run("a", nobody_moves_across), 42);
	OK(chown(cg_path("cgroup.procs"), 65534, 65534));
	expect_exit(cg_run("a", nobody_moves_across), 2);
	cg_end();
}

static int opened_by_root;
static void writes_for_nobody(void)
{
	if (setgid(65534) || setuid(65534))
		_exit(1);
	_exit(write(opened_by_root, "0", 1) == 1 ? 42 : 2);
}

CASE(rights_are_the_openers)
{
	cg_begin();
	cg_make("a");
	cg_make("b");
	opened_by_root = open(cg_path("b/cgroup.procs"), O_WRONLY);
	OK(opened_by_root);
	expect_exit(cg_run("a", writes_for_nobody), 42);
	cg_end();
}

CASE(owner_and_mode_are_kept)
{
	struct stat st;

	cg_begin();
	cg_make("a");
	OK(chown(cg_path("a/cgroup.procs"), 12, 34));
	OK(chmod(cg_path("a/cgroup.procs"), 0600));
	OK(stat(cg_path("a/cgroup.procs"), &st));
	EXPECT_EQ(st.st_uid, 12);
	EXPECT_EQ(st.st_gid, 34);
	EXPECT_EQ(st.st_mode, S_IFREG | 0600);
	OK(stat(cg_path("a/cgroup.threads"), &st));
	EXPECT_EQ(st.st_uid, 0);
	cg_end();
}

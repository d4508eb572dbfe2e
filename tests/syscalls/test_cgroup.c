/*
 * test_cgroup.c - control groups, version 2: the hierarchy, membership, and what controllers do to the
 * hierarchy (Documentation/admin-guide/cgroup-v2.rst, cgroups(7)). Freezer, kill and events:
 * test_cgroup_freeze.c; delegation: test_cgroup_ns.c; the controllers: test_cgroup_limits.c,
 * test_cgroup_memory.c.
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

/* ---- the hierarchy ---- */

CASE(a_group_has_the_core_files)
{
	static const char *const files[] = {"cgroup.type",
					    "cgroup.procs",
					    "cgroup.threads",
					    "cgroup.controllers",
					    "cgroup.subtree_control",
					    "cgroup.events",
					    "cgroup.max.depth",
					    "cgroup.stat",
					    "cgroup.freeze",
					    "cgroup.max.descendants",
					    "cgroup.kill",
					    "cpu.stat"};
	struct statfs st;

	cg_begin();
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!cg_has(files[i]))
			case_fail(__FILE__, __LINE__, "there is no %s", files[i]);
	OK(statfs(cg_base, &st));
	EXPECT_EQ(st.f_type, CGROUP2_SUPER_MAGIC);
	cg_end();
}

CASE(modes_of_files)
{
	struct stat st;

	cg_begin();
	OK(stat(cg_path("cgroup.procs"), &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0644);
	OK(stat(cg_path("cgroup.events"), &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0444);
	OK(stat(cg_path("cgroup.kill"), &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0200);
	OK(stat(cg_base, &st));
	EXPECT_EQ(st.st_mode, S_IFDIR | 0755);
	EXPECT_EQ(st.st_uid, geteuid());
	cg_end();
}

CASE(new_group_is_an_empty_domain)
{
	cg_begin();
	EXPECT_STR(cg_read("cgroup.type"), "domain");
	EXPECT_STR(cg_read("cgroup.procs"), "");
	EXPECT_STR(cg_read("cgroup.threads"), "");
	EXPECT_STR(cg_read("cgroup.subtree_control"), "");
	EXPECT_STR(cg_read("cgroup.events"), "populated 0\nfrozen 0");
	EXPECT_STR(cg_read("cgroup.freeze"), "0");
	EXPECT_STR(cg_read("cgroup.max.depth"), "max");
	EXPECT_STR(cg_read("cgroup.max.descendants"), "max");
	EXPECT_EQ(cg_field("cgroup.stat", "nr_descendants"), 0);
	EXPECT_EQ(cg_field("cgroup.stat", "nr_dying_descendants"), 0);
	cg_end();
}

CASE(mkdir_nested_and_listed)
{
	struct dirent *e;
	int dirs = 0, files = 0;
	DIR *d;

	cg_begin();
	cg_make("a");
	cg_make("a/b");
	cg_make("c");
	EXPECT_EQ(cg_field("cgroup.stat", "nr_descendants"), 3);
	EXPECT_EQ(cg_field("a/cgroup.stat", "nr_descendants"), 1);
	d = opendir(cg_base);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			dirs += e->d_type == DT_DIR, files += e->d_type == DT_REG;
	closedir(d);
	EXPECT_EQ(dirs, 2);
	EXPECT(files >= 12);
	cg_end();
}

CASE(mkdir_twice_is_eexist)
{
	cg_begin();
	cg_make("a");
	EXPECT_ERRNO(mkdir(cg_path("a"), 0755), EEXIST);
	EXPECT_ERRNO(mkdir(cg_path("cgroup.procs"), 0755), EEXIST);
	cg_end();
}

CASE(mkdir_with_a_newline_is_einval)
{
	cg_begin();
	EXPECT_ERRNO(mkdir(cg_path("a\nb"), 0755), EINVAL);
	cg_end();
}

CASE(other_objects_cannot_be_made)
{
	cg_begin();
	EXPECT_EQ(open(cg_path("x"), O_CREAT | O_RDWR, 0644), -1);
	EXPECT(errno == EPERM || errno == EACCES);
	EXPECT_ERRNO(symlink("a", cg_path("x")), EPERM);
	EXPECT_ERRNO(mknod(cg_path("x"), S_IFIFO | 0644, 0), EPERM);
	EXPECT_ERRNO(link(cg_path("cgroup.procs"), cg_path("x")), EPERM);
	EXPECT_ERRNO(unlink(cg_path("cgroup.procs")), EPERM);
	cg_end();
}

CASE(rename_is_eperm)
{
	cg_begin();
	cg_make("a");
	EXPECT_ERRNO(rename(cg_path("a"), cg_path("b")), EPERM);
	cg_end();
}

CASE(rmdir_with_children_is_ebusy)
{
	cg_begin();
	cg_make("a");
	cg_make("a/b");
	EXPECT_ERRNO(rmdir(cg_path("a")), EBUSY);
	OK(rmdir(cg_path("a/b")));
	OK(rmdir(cg_path("a")));
	EXPECT_ERRNO(rmdir(cg_path("a")), ENOENT);
	cg_end();
}

CASE(rmdir_with_processes_is_ebusy)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	EXPECT_ERRNO(rmdir(cg_path("a")), EBUSY);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	OK(rmdir(cg_path("a")));
	cg_end();
}

CASE(zombies_do_not_hold_a_group)
{
	siginfo_t info;
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	kill(pid, SIGKILL);
	OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	EXPECT(cg_wait_field("a/cgroup.events", "populated", 0));
	OK(rmdir(cg_path("a")));
	expect_signal(pid, SIGKILL);
	cg_end();
}

CASE(files_of_a_removed_group)
{
	char byte;
	int fd, procs, dir;

	cg_begin();
	cg_make("a");
	fd = open(cg_path("a/cgroup.events"), O_RDONLY);
	procs = open(cg_path("a/cgroup.procs"), O_WRONLY);
	dir = open(cg_path("a"), O_RDONLY | O_DIRECTORY);
	OK(fd);
	OK(rmdir(cg_path("a")));
	EXPECT_ERRNO(read(fd, &byte, 1), ENODEV);
	EXPECT_ERRNO(write(procs, "0", 1), ENODEV);
	EXPECT_ERRNO(openat(dir, "cgroup.procs", O_RDONLY), ENOENT);
	EXPECT_ERRNO(mkdirat(dir, "x", 0755), ENOENT);
	cg_end();
}

CASE(the_same_name_again_is_a_new_group)
{
	struct stat a, b;

	cg_begin();
	cg_make("a");
	OK(stat(cg_path("a"), &a));
	OK(cg_write("a/cgroup.max.depth", "3"));
	OK(rmdir(cg_path("a")));
	cg_make("a");
	OK(stat(cg_path("a"), &b));
	EXPECT(a.st_ino != b.st_ino);
	EXPECT_STR(cg_read("a/cgroup.max.depth"), "max");
	cg_end();
}

CASE(max_depth)
{
	cg_begin();
	OK(cg_write("cgroup.max.depth", "1"));
	EXPECT_STR(cg_read("cgroup.max.depth"), "1");
	cg_make("a");
	EXPECT_ERRNO(mkdir(cg_path("a/b"), 0755), EAGAIN);
	OK(cg_write("cgroup.max.depth", "max\n"));
	cg_make("a/b");
	EXPECT_ERRNO(cg_write("cgroup.max.depth", "-1"), ERANGE);
	EXPECT_ERRNO(cg_write("cgroup.max.depth", "x"), EINVAL);
	EXPECT_ERRNO(cg_write("cgroup.max.depth", "3000000000"), ERANGE);
	cg_end();
}

CASE(max_descendants)
{
	cg_begin();
	OK(cg_write("cgroup.max.descendants", "2"));
	cg_make("a");
	cg_make("a/b");
	EXPECT_ERRNO(mkdir(cg_path("c"), 0755), EAGAIN);
	EXPECT_ERRNO(mkdir(cg_path("a/c"), 0755), EAGAIN);
	OK(rmdir(cg_path("a/b")));
	cg_make("c");
	EXPECT_ERRNO(cg_write("cgroup.max.descendants", "many"), EINVAL);
	cg_end();
}

CASE(threads_are_not_moved_alone)
{
	cg_begin();
	cg_make("a");
	EXPECT_ERRNO(cg_write("a/cgroup.type", "domain"), EINVAL);
	EXPECT_ERRNO(cg_write("a/cgroup.threads", "0"), EOPNOTSUPP);
	EXPECT_ERRNO(cg_write("a/cgroup.threads", "x"), EINVAL);
	EXPECT_ERRNO(cg_write("a/cgroup.threads", "99999999"), ESRCH);
	cg_end();
}

CASE(write_to_a_read_only_file)
{
	int fd;

	cg_begin();
	fd = open(cg_path("cgroup.events"), O_RDWR);
	if (fd >= 0) /* root */
		EXPECT_ERRNO(write(fd, "1", 1), EINVAL);
	fd = open(cg_path("cgroup.kill"), O_RDWR);
	if (fd >= 0) {
		char byte;
		EXPECT_ERRNO(read(fd, &byte, 1), EINVAL);
	}
	cg_end();
}

/* ---- membership ---- */

CASE(a_process_is_moved)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	cg_make("b");
	pid = cg_child("a");
	EXPECT_STR(cg_read("a/cgroup.procs"), number(pid));
	EXPECT_STR(cg_read("a/cgroup.threads"), number(pid));
	OK(cg_write("b/cgroup.procs", number(pid)));
	EXPECT_STR(cg_read("a/cgroup.procs"), "");
	EXPECT_STR(cg_read("b/cgroup.procs"), number(pid));
	EXPECT_EQ(cg_field("a/cgroup.events", "populated"), 0);
	EXPECT_EQ(cg_field("b/cgroup.events", "populated"), 1);
	cg_end();
}

CASE(proc_shows_the_group)
{
	char mine[512], its[512], tail[64];
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	group_of("self", mine, sizeof(mine));
	group_of(number(pid), its, sizeof(its));
	snprintf(tail, sizeof(tail), "/warren-test-%d/a", getpid());
	EXPECT(strlen(its) >= strlen(tail));
	EXPECT_STR(its + strlen(its) - strlen(tail), tail);
	EXPECT(strcmp(mine, its));
	cg_end();
}

CASE(removed_group_of_a_zombie_in_proc)
{
	char its[512];
	siginfo_t info;
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	kill(pid, SIGKILL);
	OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	group_of(number(pid), its, sizeof(its));
	EXPECT(strstr(its, "/a"));
	expect_signal(pid, SIGKILL);
	cg_end();
}

static void fork_and_wait(void)
{
	if (fork() == 0)
		fork();
	for (;;)
		pause();
}

CASE(children_are_born_in_the_group)
{
	int count = 0;

	cg_begin();
	cg_make("a");
	cg_run("a", fork_and_wait);
	for (int i = 0; i < 1000 && count != 2; i++) { /* newlines between three */
		const char *t = cg_read("a/cgroup.procs");
		for (count = 0; *t; t++)
			count += *t == '\n';
		sleep_ms(5);
	}
	EXPECT_EQ(count, 2);
	cg_end();
}

static void *sleeper(void *arg)
{
	pause();
	return arg;
}

static void with_threads(void)
{
	pthread_t t;

	pthread_create(&t, NULL, sleeper, NULL);
	pthread_create(&t, NULL, sleeper, NULL);
	pause();
}

CASE(threads_move_with_their_process)
{
	int count = 0;
	pid_t pid;

	cg_begin();
	cg_make("a");
	cg_make("b");
	pid = cg_run("a", with_threads);
	for (int i = 0; i < 1000 && count != 2; i++) {
		const char *t = cg_read("a/cgroup.threads");
		for (count = 0; *t; t++)
			count += *t == '\n';
		sleep_ms(5);
	}
	EXPECT_EQ(count, 2);
	OK(cg_write("b/cgroup.procs", number(pid)));
	EXPECT_STR(cg_read("a/cgroup.threads"), "");
	EXPECT(strchr(cg_read("b/cgroup.threads"), '\n'));
	EXPECT(!strchr(cg_read("b/cgroup.procs"), '\n'));
	cg_end();
}

CASE(bad_pids)
{
	cg_begin();
	EXPECT_ERRNO(cg_write("cgroup.procs", "99999999"), ESRCH);
	EXPECT_ERRNO(cg_write("cgroup.procs", "x"), EINVAL);
	EXPECT_ERRNO(cg_write("cgroup.procs", "-1"), EINVAL);
	EXPECT_ERRNO(cg_write("cgroup.procs", "1 2"), EINVAL);
	cg_end();
}

CASE(dead_process_is_esrch)
{
	siginfo_t info;
	pid_t pid;

	cg_begin();
	pid = fork();
	if (pid == 0)
		_exit(0);
	OK(waitid(P_PID, (id_t)pid, &info, WEXITED));
	EXPECT_ERRNO(cg_write("cgroup.procs", number(pid)), ESRCH);
	cg_end();
}

CASE(populated_counts_what_is_below)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	cg_make("a/b");
	cg_make("a/b/c");
	pid = cg_child("a/b/c");
	EXPECT_EQ(cg_field("cgroup.events", "populated"), 1);
	EXPECT_EQ(cg_field("a/cgroup.events", "populated"), 1);
	EXPECT_STR(cg_read("a/cgroup.procs"), "");
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	EXPECT_EQ(cg_field("a/cgroup.events", "populated"), 0);
	EXPECT_EQ(cg_field("cgroup.events", "populated"), 0);
	cg_end();
}

/* ---- controllers, as far as they are the hierarchy's ---- */

/* The first word of cgroup.controllers of the root. */
static const char *a_controller(void)
{
	static char name[64];
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.controllers", cg_root);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%63s", name) != 1)
		case_skip("no controllers in this machine's cgroup v2");
	fclose(f);
	return name;
}

/* Goes on with a controller enabled in cg_base's children. */
static void begin_controlled(char *plus, char *minus)
{
	cg_begin();
	snprintf(plus, 80, "+%s", a_controller());
	snprintf(minus, 80, "-%s", a_controller());
	cg_end();
	cg_begin_with(plus);
}

CASE(subtree_control_gives_files)
{
	char plus[80], minus[80];

	begin_controlled(plus, minus);
	EXPECT_STR(cg_read("cgroup.subtree_control"), plus + 1);
	cg_make("a");
	EXPECT_STR(cg_read("a/cgroup.controllers"), plus + 1);
	EXPECT_STR(cg_read("a/cgroup.subtree_control"), "");
	OK(cg_write("cgroup.subtree_control", minus));
	EXPECT_STR(cg_read("a/cgroup.controllers"), "");
	cg_end();
}

CASE(subtree_control_of_what_is_not_there)
{
	char plus[80], minus[80];

	begin_controlled(plus, minus);
	cg_make("a");
	OK(cg_write("cgroup.subtree_control", minus));
	EXPECT_ERRNO(cg_write("a/cgroup.subtree_control", plus), ENOENT);
	EXPECT_ERRNO(cg_write("cgroup.subtree_control", "+nonsense"), EINVAL);
	EXPECT_ERRNO(cg_write("cgroup.subtree_control", plus + 1), EINVAL);
	OK(cg_write("cgroup.subtree_control", ""));
	cg_end();
}

CASE(subtree_control_in_use_below)
{
	char plus[80], minus[80];

	begin_controlled(plus, minus);
	cg_make("a");
	cg_make("a/b");
	OK(cg_write("a/cgroup.subtree_control", plus));
	EXPECT_ERRNO(cg_write("cgroup.subtree_control", minus), EBUSY);
	OK(cg_write("a/cgroup.subtree_control", minus));
	OK(cg_write("cgroup.subtree_control", minus));
	cg_end();
}

CASE(no_internal_processes)
{
	char plus[80], minus[80];

	begin_controlled(plus, minus);
	cg_make("a");
	cg_child("a");
	EXPECT_ERRNO(cg_write("a/cgroup.subtree_control", plus), EBUSY);
	EXPECT_ERRNO(cg_write("cgroup.procs", "0"), EBUSY);
	cg_make("b");
	OK(cg_write("b/cgroup.subtree_control", plus));
	EXPECT_ERRNO(cg_write("b/cgroup.procs", "0"), EBUSY);
	cg_end();
}

/*
 * test_cgroup.c - control groups, version 2: the hierarchy, membership, freezer, kill, events, namespaces and
 * delegation (Documentation/admin-guide/cgroup-v2.rst, cgroups(7), cgroup_namespaces(7), clone3(2)).
 * Controllers: test_cgroup_limits.c.
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

static const char *number(long n)
{
	static char text[4][32];
	static unsigned next;
	char *t = text[next++ % 4];

	snprintf(t, 32, "%ld", n);
	return t;
}

/* "/warren-test-N/a" of process pid, as this process sees it: what follows "0::". */
static void group_of(const char *pid, char *out, size_t size)
{
	char path[64], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
	f = fopen(path, "r");
	EXPECT(f);
	*out = 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "0::", 3)) {
			line[strcspn(line, "\n")] = 0;
			snprintf(out, size, "%s", line + 3);
		}
	fclose(f);
}

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

/* ---- freezer ---- */

static volatile unsigned *counter;

static void count(void)
{
	for (;;)
		++*counter;
}

static void shared_counter(void)
{
	counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(counter != MAP_FAILED);
}

CASE(freeze_stops_a_running_process)
{
	unsigned before;

	cg_begin();
	cg_make("a");
	shared_counter();
	cg_run("a", count);
	while (!*counter)
		sleep_ms(1);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	before = *counter;
	sleep_ms(100);
	EXPECT_EQ(*counter, before);
	EXPECT_STR(cg_read("a/cgroup.freeze"), "1");
	OK(cg_write("a/cgroup.freeze", "0"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 0));
	for (int i = 0; i < 2000 && *counter == before; i++)
		sleep_ms(5);
	EXPECT(*counter != before);
	cg_end();
}

CASE(freeze_values)
{
	cg_begin();
	EXPECT_ERRNO(cg_write("cgroup.freeze", "2"), ERANGE);
	EXPECT_ERRNO(cg_write("cgroup.freeze", "-1"), ERANGE);
	EXPECT_ERRNO(cg_write("cgroup.freeze", "x"), EINVAL);
	OK(cg_write("cgroup.freeze", "1"));
	EXPECT_EQ(cg_field("cgroup.events", "frozen"), 1); /* nobody is in it */
	OK(cg_write("cgroup.freeze", "1"));
	OK(cg_write("cgroup.freeze", "0"));
	EXPECT_EQ(cg_field("cgroup.events", "frozen"), 0);
	cg_end();
}

CASE(freeze_is_inherited)
{
	cg_begin();
	cg_make("a");
	cg_make("a/b");
	cg_child("a/b");
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/b/cgroup.events", "frozen", 1));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	EXPECT_STR(cg_read("a/b/cgroup.freeze"), "0");
	EXPECT_EQ(cg_field("cgroup.events", "frozen"), 0);
	OK(cg_write("a/b/cgroup.freeze", "1"));
	OK(cg_write("a/cgroup.freeze", "0"));
	EXPECT_EQ(cg_field("a/b/cgroup.events", "frozen"), 1);
	EXPECT_EQ(cg_field("a/cgroup.events", "frozen"), 0);
	cg_make("a/b/c");
	EXPECT_EQ(cg_field("a/b/c/cgroup.events", "frozen"), 1);
	cg_end();
}

static int pipe_in[2], pipe_out[2];

static void echo_bytes(void)
{
	char c;

	while (read(pipe_in[0], &c, 1) == 1)
		(void)!write(pipe_out[1], &c, 1);
}

CASE(frozen_process_does_not_finish_its_call)
{
	struct pollfd p;
	char c = 0;

	cg_begin();
	cg_make("a");
	OK(pipe(pipe_in));
	OK(pipe(pipe_out));
	cg_run("a", echo_bytes);
	p = (struct pollfd){pipe_out[0], POLLIN, 0};
	sleep_ms(50);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	EXPECT_EQ(write(pipe_in[1], "x", 1), 1);
	EXPECT_EQ(poll(&p, 1, 100), 0);
	OK(cg_write("a/cgroup.freeze", "0"));
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT_EQ(read(pipe_out[0], &c, 1), 1);
	EXPECT_EQ(c, 'x');
	cg_end();
}

CASE(frozen_process_can_be_killed)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	cg_end();
}

static volatile sig_atomic_t got;
static void on_signal(int sig)
{
	got = sig;
	++*counter;
}

static void count_signals(void)
{
	signal(SIGUSR1, on_signal);
	*counter = 1;
	for (;;)
		pause();
}

CASE(frozen_process_runs_no_handler)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	shared_counter();
	pid = cg_run("a", count_signals);
	while (*counter != 1)
		sleep_ms(1);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	kill(pid, SIGUSR1);
	sleep_ms(100);
	EXPECT_EQ(*counter, 1);
	OK(cg_write("a/cgroup.freeze", "0"));
	for (int i = 0; i < 2000 && *counter != 2; i++)
		sleep_ms(5);
	EXPECT_EQ(*counter, 2);
	cg_end();
}

CASE(moving_into_and_out_of_a_frozen_group)
{
	unsigned before;
	pid_t pid;

	cg_begin();
	cg_make("a");
	cg_make("b");
	shared_counter();
	pid = cg_run("a", count);
	OK(cg_write("b/cgroup.freeze", "1"));
	OK(cg_write("b/cgroup.procs", number(pid)));
	EXPECT(cg_wait_field("b/cgroup.events", "frozen", 1));
	before = *counter;
	sleep_ms(50);
	EXPECT_EQ(*counter, before);
	OK(cg_write("a/cgroup.procs", number(pid)));
	for (int i = 0; i < 2000 && *counter == before; i++)
		sleep_ms(5);
	EXPECT(*counter != before);
	cg_end();
}

CASE(stopped_process_in_a_frozen_group)
{
	int status;
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	kill(pid, SIGSTOP);
	EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	OK(cg_write("a/cgroup.freeze", "0"));
	kill(pid, SIGCONT);
	EXPECT_EQ(waitpid(pid, &status, WCONTINUED), pid);
	EXPECT(WIFCONTINUED(status));
	cg_end();
}

/* ---- kill ---- */

CASE(kill_ends_all_below)
{
	pid_t a, b, other;

	cg_begin();
	cg_make("a");
	cg_make("a/b");
	cg_make("c");
	a = cg_child("a");
	b = cg_child("a/b");
	other = cg_child("c");
	EXPECT_ERRNO(cg_write("a/cgroup.kill", "0"), ERANGE);
	EXPECT_ERRNO(cg_write("a/cgroup.kill", "all"), EINVAL);
	OK(cg_write("a/cgroup.kill", "1"));
	expect_signal(a, SIGKILL);
	expect_signal(b, SIGKILL);
	EXPECT_EQ(kill(other, 0), 0);
	EXPECT_EQ(cg_field("a/cgroup.events", "populated"), 0);
	cg_end();
}

CASE(kill_of_a_frozen_group)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	OK(cg_write("a/cgroup.kill", "1"));
	expect_signal(pid, SIGKILL);
	cg_end();
}

/* ---- events ---- */

CASE(poll_tells_of_events)
{
	char text[64];
	struct pollfd p;
	pid_t pid;

	cg_begin();
	cg_make("a");
	p = (struct pollfd){open(cg_path("a/cgroup.events"), O_RDONLY), POLLPRI, 0};
	OK(p.fd);
	EXPECT(read(p.fd, text, sizeof(text)) > 0);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	pid = cg_child("a");
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT(p.revents & POLLPRI);
	EXPECT(p.revents & POLLERR);
	EXPECT(pread(p.fd, text, sizeof(text), 0) > 0);
	EXPECT(strstr(text, "populated 1"));
	EXPECT_EQ(poll(&p, 1, 0), 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	expect_signal(pid, SIGKILL);
	cg_end();
}

CASE(inotify_tells_of_events)
{
	struct inotify_event ev;
	struct pollfd p;
	pid_t pid;
	int wd;

	cg_begin();
	cg_make("a");
	p = (struct pollfd){inotify_init1(0), POLLIN, 0};
	wd = inotify_add_watch(p.fd, cg_path("a/cgroup.events"), IN_MODIFY);
	OK(wd);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	pid = cg_child("a");
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT_EQ(read(p.fd, &ev, sizeof(ev)), sizeof(ev));
	EXPECT_EQ(ev.wd, wd);
	EXPECT_EQ(ev.mask, IN_MODIFY);
	kill(pid, SIGKILL);
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	expect_signal(pid, SIGKILL);
	cg_end();
}

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

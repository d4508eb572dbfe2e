/*
 * test_mount_ns.c - mounts across namespaces: propagation (mount_namespaces(7)), pivot_root(2), chroot(2),
 * and mounts whose place goes. Each case has a mount namespace of its own.
 */
#include "mounts.h"

/* ---- propagation ---- */

/* a is shared, b its peer. */
static void peers(void)
{
	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	OK(mount(NULL, "a", NULL, MS_SHARED_, NULL));
	OK(mkdir("a/m", 0755));
	OK(mount("a", "b", NULL, MS_BIND_, NULL));
}

CASE(shared_mounts_tell_each_other)
{
	char line[1024];

	peers();
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT(exists("b/m/f"));
	EXPECT(mountinfo("/t/b", line, sizeof(line)));
	EXPECT(strstr(line, " shared:"));
	OK(umount2("b/m", 0));
	EXPECT(!exists("a/m/f"));
}

CASE(private_mounts_do_not)
{
	peers();
	OK(mount(NULL, "b", NULL, MS_PRIVATE_, NULL));
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT(!exists("b/m/f"));
}

CASE(slaves_only_receive)
{
	char line[1024];

	peers();
	OK(mount(NULL, "b", NULL, MS_SLAVE_, NULL));
	EXPECT(mountinfo("/t/b", line, sizeof(line)));
	EXPECT(strstr(line, " master:") && !strstr(line, " shared:"));
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT(exists("b/m/f"));
	OK(umount2("b/m", 0));
	EXPECT(exists("a/m/f")); /* what the slave does stays with it */
	OK(umount2("a/m", 0));
	OK(mount("z", "b/m", "tmpfs", 0, NULL));
	touch("b/m/g");
	EXPECT(!exists("a/m/g"));
}

CASE(shared_slave_passes_on)
{
	peers();
	OK(mkdir("c", 0755));
	OK(mount(NULL, "b", NULL, MS_SLAVE_, NULL));
	OK(mount(NULL, "b", NULL, MS_SHARED_, NULL));
	OK(mount("b", "c", NULL, MS_BIND_, NULL));
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT(exists("b/m/f") && exists("c/m/f"));
	OK(umount2("a/m", 0));
	EXPECT(!exists("b/m/f") && !exists("c/m/f"));
}

CASE(slave_of_a_master_that_goes_has_its_peer)
{
	peers();
	OK(mkdir("c", 0755));
	OK(mount("a", "c", NULL, MS_BIND_, NULL));
	OK(mount(NULL, "c", NULL, MS_SLAVE_, NULL)); /* a, b peers; c slave */
	OK(umount2("a", 0));
	OK(mount("y", "b/m", "tmpfs", 0, NULL));
	touch("b/m/f");
	EXPECT(exists("c/m/f"));
}

CASE(new_namespace_has_peers)
{
	int p[2], q[2];
	char c;
	pid_t pid;

	peers();
	OK(pipe(p));
	OK(pipe(q));
	pid = fork();
	if (!pid) {
		OK(unshare(CLONE_NEWNS));
		EXPECT_EQ(write(p[1], "x", 1), 1);
		EXPECT_EQ(read(q[0], &c, 1), 1);
		EXPECT(exists("a/m/f"));
		OK(umount2("a/m", 0));
		_exit(0);
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT_EQ(write(q[1], "x", 1), 1);
	expect_exit(pid, 0);
	EXPECT(!exists("a/m/f"));
}

CASE(private_namespace_keeps_to_itself)
{
	pid_t pid;

	begin();
	OK(mkdir("m", 0755));
	pid = fork();
	if (!pid) {
		OK(unshare(CLONE_NEWNS));
		OK(mount("y", "m", "tmpfs", 0, NULL));
		touch("m/f");
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT(!exists("m/f"));
}

/* ---- pivot_root ---- */

CASE(pivot_root_swaps)
{
	begin();
	OK(mkdir("new", 0755));
	OK(mount("x", "new", "tmpfs", 0, NULL));
	OK(mkdir("new/old", 0755));
	touch("new/mark");
	OK(syscall(SYS_pivot_root, "new", "new/old"));
	OK(chdir("/"));
	EXPECT(exists("/mark"));
	EXPECT(exists("/old/proc"));
	OK(umount2("/old", MNT_DETACH_));
	EXPECT(!exists("/old/proc"));
	EXPECT(!exists("/../old/proc"));
}

CASE(pivot_root_dot_dot)
{
	begin();
	OK(mkdir("new", 0755));
	OK(mount("x", "new", "tmpfs", 0, NULL));
	touch("new/mark");
	OK(chdir("new"));
	OK(syscall(SYS_pivot_root, ".", "."));
	OK(umount2(".", MNT_DETACH_));
	OK(chdir("/"));
	EXPECT(exists("/mark"));
}

CASE(pivot_root_errors)
{
	begin();
	OK(mkdir("new", 0755));
	OK(mkdir("new/old", 0755));
	OK(mkdir("elsewhere", 0755));
	EXPECT_ERRNO(syscall(SYS_pivot_root, "new", "new/old"), EINVAL);
	EXPECT_ERRNO(syscall(SYS_pivot_root, "nothing", "new/old"), ENOENT);
	EXPECT_ERRNO(syscall(SYS_pivot_root, "/", "/"), EBUSY);
	OK(mount("x", "new", "tmpfs", 0, NULL));
	EXPECT_ERRNO(syscall(SYS_pivot_root, "new", "elsewhere"), EINVAL);
}

/* ---- chroot ---- */

CASE(chroot_cannot_be_left_by_dotdot)
{
	begin();
	OK(mkdir("jail", 0755));
	touch("outside");
	OK(chdir("jail"));
	OK(chroot("."));
	EXPECT(!exists("../outside"));
	EXPECT(!exists("/../../outside"));
	OK(symlink("/../outside", "l"));
	EXPECT_ERRNO(open("l", O_RDONLY), ENOENT);
}

/* ---- mounts whose place goes ---- */

static bool mounted(const char *source)
{
	char line[4096];
	FILE *f = fopen("/proc/self/mounts", "r");
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found |= !strncmp(line, source, strlen(source)) && line[strlen(source)] == ' ';
	if (f)
		fclose(f);
	return found;
}

/* What another namespace has mounted somewhere is no hindrance here, and gone with its place there. */
static void hold_a_mount(const char *at, int go, int answer)
{
	char c;

	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE_, NULL));
	OK(mount("held", at, "tmpfs", 0, NULL));
	c = (char)mounted("held");
	OK(write(answer, &c, 1));
	OK(read(go, &c, 1));
	c = (char)mounted("held");
	OK(write(answer, &c, 1));
	_exit(0);
}

static void place_goes(int (*go_away)(void))
{
	int go[2], answer[2];
	pid_t pid;
	char c;

	begin();
	OK(mkdir("d", 0755));
	OK(mkdir("other", 0755));
	OK(pipe(go));
	OK(pipe(answer));
	pid = fork();
	if (!pid)
		hold_a_mount("d", go[0], answer[1]);
	EXPECT_EQ(read(answer[0], &c, 1), 1);
	EXPECT_EQ(c, 1);
	OK(go_away());
	OK(write(go[1], "", 1));
	EXPECT_EQ(read(answer[0], &c, 1), 1);
	EXPECT_EQ(c, 0);
	OK(waitpid(pid, NULL, 0));
}

static int by_rmdir(void)
{
	return rmdir("d");
}
static int by_rename(void)
{
	return rename("other", "d");
}

CASE(rmdir_of_what_another_namespace_mounts_on)
{
	place_goes(by_rmdir);
}

CASE(rename_over_what_another_namespace_mounts_on)
{
	place_goes(by_rename);
}

CASE(mount_below_proc_ends_with_its_process)
{
	char path[64];
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	OK(mount("on-fdinfo", path, "tmpfs", 0, NULL));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/fdinfo", pid, pid);
	OK(mount("on-task", path, "tmpfs", 0, NULL));
	snprintf(path, sizeof(path), "/proc/%d", pid);
	OK(mount("on-process", path, "tmpfs", 0, NULL));
	EXPECT(mounted("on-fdinfo") && mounted("on-task") && mounted("on-process"));
	OK(kill(pid, SIGKILL));
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	EXPECT(!mounted("on-fdinfo"));
	EXPECT(!mounted("on-task"));
	EXPECT(!mounted("on-process"));
}

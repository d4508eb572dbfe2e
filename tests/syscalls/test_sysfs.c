/*
 * test_sysfs.c - what programs read below /sys and in the tables of /proc: CPUs, nodes, classes, locks,
 * numbers that root may set.
 */
#include "case.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/statfs.h>

static const char *text(const char *path)
{
	static char buf[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n, all = 0;

	OK(fd);
	while ((n = read(fd, buf + all, sizeof(buf) - 1 - (size_t)all)) > 0)
		all += n;
	EXPECT(n == 0);
	buf[all] = 0;
	close(fd);
	return buf;
}

static int count(const char *dir, const char *prefix)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	EXPECT(d);
	while ((e = readdir(d)))
		n += !strncmp(e->d_name, prefix, strlen(prefix)) && e->d_name[strlen(prefix)] >= '0' &&
		     e->d_name[strlen(prefix)] <= '9';
	closedir(d);
	return n;
}

static void need_sysfs(void)
{
	struct statfs st;

	if (statfs("/sys", &st) || st.f_type != 0x62656572)
		case_skip("no sysfs on /sys");
}

CASE(sysfs_counts_cpus)
{
	char expect[32];
	long n = sysconf(_SC_NPROCESSORS_CONF);

	need_sysfs();
	EXPECT_EQ(count("/sys/devices/system/cpu", "cpu"), n);
	snprintf(expect, sizeof(expect), n > 1 ? "0-%ld\n" : "0\n", n - 1);
	EXPECT_STR(text("/sys/devices/system/cpu/possible"), expect);
	EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN) <= n, 1);
}

CASE(sysfs_topology)
{
	need_sysfs();
	EXPECT(atoi(text("/sys/devices/system/cpu/cpu0/topology/physical_package_id")) >= 0);
	EXPECT(atoi(text("/sys/devices/system/cpu/cpu0/topology/core_id")) >= 0);
	EXPECT(strtoul(text("/sys/devices/system/cpu/cpu0/topology/thread_siblings"), NULL, 16) & 1);
}

CASE(sysfs_is_not_written)
{
	need_sysfs();
	EXPECT(open("/sys/devices/system/cpu/possible", O_WRONLY) < 0);
	EXPECT(mkdir("/sys/x", 0755) < 0);
	EXPECT(unlink("/sys/devices/system/cpu/possible") < 0);
}

CASE(sysfs_loopback)
{
	need_sysfs();
	if (access("/sys/class/net/lo", F_OK))
		case_skip("no loopback here");
	EXPECT_STR(text("/sys/class/net/lo/address"), "00:00:00:00:00:00\n");
	EXPECT_EQ(atoi(text("/sys/class/net/lo/mtu")), 65536);
	EXPECT_EQ(atoi(text("/sys/class/net/lo/type")), 772);
}

CASE(sysfs_char_devices)
{
	char target[256];
	ssize_t n;

	need_sysfs();
	n = readlink("/sys/dev/char/1:3", target, sizeof(target) - 1);
	EXPECT(n > 0);
	target[n] = 0;
	EXPECT(strstr(target, "mem/null"));
	EXPECT_STR(text("/sys/class/mem/null/dev"), "1:3\n");
}

CASE(sysfs_directories_count_their_links)
{
	struct stat st;

	need_sysfs();
	OK(stat("/sys/class", &st));
	EXPECT(S_ISDIR(st.st_mode) && st.st_nlink >= 2);
	OK(stat("/sys/devices/system/cpu/possible", &st));
	EXPECT_EQ(st.st_size, 4096);
	EXPECT_EQ(st.st_mode & 0777, 0444);
}

CASE(sysfs_fs_cgroup_is_there)
{
	struct stat st;

	need_sysfs();
	OK(stat("/sys/fs/cgroup", &st));
	EXPECT(S_ISDIR(st.st_mode));
}

CASE(proc_locks_shows_flock_and_posix)
{
	struct flock l = {.l_type = F_WRLCK, .l_start = 5, .l_len = 10};
	char want[64];
	struct stat st;
	const char *t, *line;
	int fd = make_file("f", "x");

	OK(flock(fd, LOCK_SH));
	OK(fcntl(fd, F_SETLK, &l));
	OK(fstat(fd, &st));
	t = text("/proc/locks");
	snprintf(want, sizeof(want), ":%lu 5 14", (unsigned long)st.st_ino);
	line = strstr(t, want);
	EXPECT(line);
	snprintf(want, sizeof(want), ":%lu 0 EOF", (unsigned long)st.st_ino);
	EXPECT(strstr(t, want));
	EXPECT(strstr(t, "FLOCK  ADVISORY  READ"));
	EXPECT(strstr(t, "POSIX  ADVISORY  WRITE"));
}

CASE(proc_file_nr_counts)
{
	long before = atol(text("/proc/sys/fs/file-nr"));

	EXPECT(before > 0);
	for (int i = 0; i < 200; i++)
		OK(open("/dev/null", O_RDONLY));
	EXPECT(atol(text("/proc/sys/fs/file-nr")) > before);
}

CASE(proc_interrupts_has_a_column_per_cpu)
{
	EXPECT(strstr(text("/proc/interrupts"), "CPU0"));
	EXPECT(strstr(text("/proc/softirqs"), "TIMER:"));
}

CASE(proc_filesystems_lists)
{
	EXPECT(strstr(text("/proc/filesystems"), "nodev\ttmpfs\n"));
	EXPECT(strstr(text("/proc/filesystems"), "nodev\tproc\n"));
}

static const char *const number = "/proc/sys/fs/inotify/max_user_instances";

CASE(sysctl_keeps_what_root_sets)
{
	char old[32];
	int fd = open(number, O_WRONLY);

	OK(fd);
	snprintf(old, sizeof(old), "%s", text(number));
	EXPECT_EQ(write(fd, "200\n", 4), 4);
	EXPECT_STR(text(number), "200\n");
	EXPECT_EQ(pwrite(fd, old, strlen(old), 0), strlen(old));
	EXPECT_STR(text(number), old);
}

CASE(sysctl_refuses_nonsense)
{
	int fd = open(number, O_WRONLY);

	EXPECT_ERRNO(write(fd, "abc\n", 4), EINVAL);
	EXPECT_ERRNO(write(fd, "-5\n", 3), EINVAL);
}

CASE(sysctl_is_roots)
{
	pid_t pid = fork();

	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(open(number, O_WRONLY), EACCES);
		EXPECT(atoi(text(number)) > 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

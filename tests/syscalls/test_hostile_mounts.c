/*
 * test_hostile_mounts.c - mount(2), fsconfig(2) and umount2(2) with options nobody means well with, and
 * crowds of processes and threads against their limits: an errno for each, and nothing is lost.
 */
#include "cgroup.h"

#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statfs.h>

/* In a mount namespace of the case's own, with a directory "m". */
static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS))
		case_skip("not root");
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("m", 0755));
}

static int tmpfs(const char *options)
{
	int r = mount("t", "m", "tmpfs", 0, options), err = errno;

	if (r == 0)
		umount("m");
	errno = err;
	return r;
}

CASE(tmpfs_options_that_are_none)
{
	static const char *const bad[] = {
	    "nonsense",    "size",       "size=",          "size=x",
	    "size=12q",    "size=-1x",   "mode=9",         "mode=rwx",
	    "mode=",       "uid=",       "uid=x",          "gid=x",
	    "nr_inodes=x", "size=1m=2m", "size=1m,,bad=1", "uid=99999999999999999999",
	    "gid=-2",      "nr_blocks=", "huge=maybe",     "mpol=none:",
	    "SIZE=1m",     " size=1m"};

	own_mounts();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (tmpfs(bad[i]) == 0)
			case_fail(__FILE__, __LINE__, "\"%s\" is taken", bad[i]);
		else if (errno != EINVAL)
			case_fail(__FILE__, __LINE__, "\"%s\" gave %s, not EINVAL", bad[i],
				  errno_name(errno));
}

CASE(tmpfs_options_that_are_fine)
{
	static const char *const good[] = {"",
					   "size=0",
					   "size=1m",
					   "size=1M,mode=700",
					   "size=50%",
					   ",",
					   ",,size=4k,,",
					   "nr_inodes=1k",
					   "nr_blocks=10",
					   "mode=0",
					   "uid=5,gid=6",
					   "size=1m,size=2m"};

	own_mounts();
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (tmpfs(good[i]))
			case_fail(__FILE__, __LINE__, "\"%s\" gave %s", good[i], errno_name(errno));
}

CASE(tmpfs_size_is_the_last_given)
{
	struct statfs st;

	own_mounts();
	OK(mount("t", "m", "tmpfs", 0, "size=1m,size=64k"));
	OK(statfs("m", &st));
	EXPECT_EQ(st.f_blocks * (uint64_t)st.f_bsize, 65536);
	OK(umount("m"));
}

CASE(options_without_an_end)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	own_mounts();
	memset(page, 'a', 4096);
	OK(munmap(page + 4096, 4096));
	EXPECT_ERRNO(mount("t", "m", "tmpfs", 0, page), EINVAL);
	memset(page, ',', 4096);
	EXPECT_EQ(mount("t", "m", "tmpfs", 0, page), 0);
	OK(umount("m"));
	/* nothing but the beginning can be read: it is what there is */
	strcpy(page + 4096 - 8, "size=1m");
	EXPECT_EQ(mount("t", "m", "tmpfs", 0, page + 4096 - 8), 0);
	OK(umount("m"));
}

CASE(pointers_that_lead_nowhere)
{
	char *bad = (char *)8;

	own_mounts();
	EXPECT_ERRNO(mount(bad, "m", "tmpfs", 0, NULL), EFAULT);
	EXPECT_ERRNO(mount("t", bad, "tmpfs", 0, NULL), EFAULT);
	EXPECT_ERRNO(mount("t", "m", bad, 0, NULL), EFAULT);
	EXPECT_ERRNO(mount("t", "m", "tmpfs", 0, bad), EFAULT);
	EXPECT_ERRNO(umount2(bad, 0), EFAULT);
}

CASE(types_that_are_none)
{
	char name[5000];

	own_mounts();
	EXPECT_ERRNO(mount("t", "m", "nosuchfs", 0, NULL), ENODEV);
	EXPECT_ERRNO(mount("t", "m", "", 0, NULL), ENODEV);
	EXPECT_ERRNO(mount("t", "m", "tmpfs/../tmpfs", 0, NULL), ENODEV);
	EXPECT_ERRNO(mount("t", "m", NULL, 0, NULL), EINVAL);
	memset(name, 'x', sizeof(name));
	name[4999] = 0;
	EXPECT_ERRNO(mount("t", "m", name, 0, NULL), EINVAL);
	name[4000] = 0;
	EXPECT_ERRNO(mount("t", "m", name, 0, NULL), ENODEV);
}

CASE(sources_and_targets_of_any_length)
{
	char name[5000];

	own_mounts();
	memset(name, 'x', sizeof(name));
	name[4999] = 0;
	EXPECT_ERRNO(mount(name, "m", "tmpfs", 0, NULL), EINVAL);
	EXPECT_ERRNO(mount("t", name, "tmpfs", 0, NULL), ENAMETOOLONG);
	name[4095] = 0;
	EXPECT_EQ(mount(name, "m", "tmpfs", 0, NULL), 0);
	OK(umount("m"));
	/* what would break the lines of /proc/mounts is written as octal numbers there */
	EXPECT_EQ(mount("a b\nc\td\\e # rw 0 0", "m", "tmpfs", 0, NULL), 0);
	FILE *f = fopen("/proc/self/mounts", "r");
	char line[8192];
	bool found = false;
	while (fgets(line, sizeof(line), f))
		found |= !strncmp(line, "a\\040b\\012c\\011d\\134e\\040", 24);
	fclose(f);
	EXPECT(found);
	OK(umount("m"));
}

CASE(flags_that_contradict)
{
	own_mounts();
	OK(mount("t", "m", "tmpfs", 0, NULL));
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_SLAVE | MS_UNBINDABLE, NULL), EINVAL);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_SHARED | MS_RDONLY, NULL), EINVAL);
	EXPECT_ERRNO(mount("m", "m", "tmpfs", MS_MOVE, NULL), ELOOP);
	EXPECT_ERRNO(mount("nothing", "m", NULL, MS_BIND, NULL), ENOENT);
	EXPECT_ERRNO(umount2("m", MNT_EXPIRE | MNT_DETACH), EINVAL);
	EXPECT_ERRNO(umount2("m", 0x40000000), EINVAL);
	OK(umount("m"));
	EXPECT_ERRNO(umount("m"), EINVAL);
}

CASE(flags_all_at_once)
{
	own_mounts();
	/* what is known is done, what is not is left: but nothing may break */
	(void)!mount("t", "m", "tmpfs", 0xffffffffUL, NULL);
	(void)!mount("t", "m", "tmpfs", ~0UL, NULL);
	for (int bit = 0; bit < 64; bit++)
		(void)!mount("t", "m", "tmpfs", 1UL << bit, "nonsense");
	while (umount2("m", MNT_DETACH) == 0)
		;
	OK(mount("t", "m", "tmpfs", 0, NULL));
	OK(umount("m"));
}

CASE(directories_and_files_do_not_mix)
{
	own_mounts();
	make_file("f", "x");
	EXPECT_ERRNO(mount("t", "f", "tmpfs", 0, NULL), ENOTDIR);
	EXPECT_ERRNO(mount("f", "m", NULL, MS_BIND, NULL), ENOTDIR);
	EXPECT_ERRNO(mount("m", "f", NULL, MS_BIND, NULL), ENOTDIR);
	EXPECT_ERRNO(mount("t", "nothing", "tmpfs", 0, NULL), ENOENT);
	EXPECT_ERRNO(mount("t", "f/x", "tmpfs", 0, NULL), ENOTDIR);
}

static int overlay(const char *options)
{
	int r = mount("o", "m", "overlay", 0, options), err = errno;

	if (r == 0)
		umount("m");
	errno = err;
	return r;
}

CASE(overlay_options_that_are_none)
{
	static const struct {
		const char *options;
		int err;
	} bad[] = {
	    {"", EINVAL},
	    {"lowerdir=", EINVAL},
	    {"lowerdir=nothing", ENOENT},
	    {"lowerdir=w/a:nothing", ENOENT},
	    {"upperdir=w/u,workdir=w/w", EINVAL},
	    {"lowerdir=w/a,upperdir=w/u", EINVAL},
	    {"lowerdir=w/a,upperdir=nothing,workdir=w/w", ENOENT},
	    {"lowerdir=w/a,upperdir=w/u,workdir=nothing", ENOENT},
	    {"lowerdir=w/a,upperdir=w/u,workdir=w/u", EINVAL},
	    {"lowerdir=w/a,upperdir=w/u,workdir=w/u/x", EINVAL},
	    {"lowerdir=w/f", EINVAL},
	    {"nonsense=1,lowerdir=w/a:w/b", EINVAL},
	    {"lowerdir", EINVAL},
	};

	own_mounts();
	OK(mkdir("w", 0755));
	OK(mount("t", "w", "tmpfs", 0, NULL));
	OK(mkdir("w/a", 0755));
	OK(mkdir("w/b", 0755));
	OK(mkdir("w/u", 0755));
	OK(mkdir("w/u/x", 0755));
	OK(mkdir("w/w", 0755));
	make_file("w/f", "x");
	if (overlay("lowerdir=w/a:w/b") && errno == ENODEV)
		case_skip("no overlay file system");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (overlay(bad[i].options) != -1 || errno != bad[i].err)
			case_fail(__FILE__, __LINE__, "\"%s\" gave %s, not %s", bad[i].options,
				  errno_name(errno), errno_name(bad[i].err));
	OK(overlay("lowerdir=w/a:w/b"));
	OK(overlay("lowerdir=w/a,upperdir=w/u,workdir=w/w"));
}

CASE(overlay_of_very_many)
{
	char options[4096] = "lowerdir=w/a";

	own_mounts();
	OK(mkdir("w", 0755));
	OK(mkdir("w/a", 0755));
	while (strlen(options) < 4000)
		strcat(options, ":w/a");
	/* 800 layers: more than Linux takes; the same one twice */
	EXPECT_EQ(overlay(options), -1);
	EXPECT(errno == EINVAL || errno == ELOOP);
	EXPECT_EQ(access("w/a", F_OK), 0);
}

static int fsopen_(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static int fsconfig_(int fd, unsigned cmd, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

CASE(fsconfig_that_is_none)
{
	char longer[300];
	int fd;

	own_mounts();
	EXPECT_ERRNO(fsopen_("nosuchfs", 0), ENODEV);
	EXPECT_ERRNO(fsopen_("tmpfs", 0x80), EINVAL);
	EXPECT_ERRNO(fsopen_((char *)8, 0), EFAULT);
	fd = fsopen_("tmpfs", FSOPEN_CLOEXEC);
	OK(fd);
	EXPECT_ERRNO(fsconfig_(fd, 99, "size", "1m", 0), EOPNOTSUPP);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_STRING, NULL, "1m", 0), EINVAL);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_STRING, "size", NULL, 0), EINVAL);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_STRING, "size", "1m", 5), EINVAL);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_STRING, (char *)8, "1m", 0), EFAULT);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_STRING, "size", (char *)8, 0), EFAULT);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_STRING, "nonsense", "1", 0), EINVAL);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_FLAG, "nonsense", NULL, 0), EINVAL);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_CMD_CREATE, "x", NULL, 0), EINVAL);
	memset(longer, 'k', sizeof(longer));
	longer[299] = 0;
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_STRING, longer, "1", 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_fsmount, fd, 0, 0), EINVAL);
	EXPECT_ERRNO(fsconfig_(0, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(fsconfig_(999, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBADF);
	OK(fsconfig_(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBUSY);
	EXPECT_ERRNO(fsconfig_(fd, FSCONFIG_SET_STRING, "size", "1m", 0), EBUSY);
}

static int context;

static void *create_one(void *arg)
{
	return (void *)(intptr_t)(fsconfig_(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ? errno : 0);
}

/* One context, created by several threads at once, with options that others set meanwhile. */
CASE(fsconfig_create_by_many)
{
	pthread_t t[5];

	own_mounts();
	OK(mkdir("lower", 0755));
	OK(mkdir("lower2", 0755));
	for (int round = 0; round < 20; round++) {
		int made = 0;
		context = fsopen_("overlay", 0);
		if (context < 0 && errno == ENODEV)
			case_skip("no overlay here");
		OK(context);
		OK(fsconfig_(context, FSCONFIG_SET_STRING, "lowerdir", "lower:lower2", 0));
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(pthread_create(&t[i], NULL, create_one, NULL), 0);
		for (int i = 0; i < 20; i++) {
			int r = fsconfig_(context, FSCONFIG_SET_FLAG, "ro", NULL, 0);
			EXPECT(!r || errno == EBUSY);
		}
		for (int i = 0; i < 5; i++) {
			void *err;
			pthread_join(t[i], &err);
			EXPECT((intptr_t)err == 0 || (intptr_t)err == EBUSY);
			made += !err;
		}
		EXPECT_EQ(made, 1);
		close(context);
	}
}

/* ---- crowds ---- */

static volatile int *held;
#define TRIES 30000

/* As an unknown user with a limit of `limit`: forks TRIES times; each child waits to be killed. */
static void fork_against_limit(int limit)
{
	static pid_t pids[TRIES];
	int n = 0, refused = 0, other = 0;
	struct rlimit r = {(rlim_t)limit, (rlim_t)limit};

	if (limit && (setrlimit(RLIMIT_NPROC, &r) || setgid(54321) || setuid(54321)))
		_exit(1);
	for (int i = 0; i < TRIES; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid > 0)
			pids[n++] = pid;
		else if (errno == EAGAIN)
			refused++;
		else
			other++;
	}
	held[0] = n;
	held[1] = refused;
	held[2] = other;
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < n; i++)
		held[3] += waitpid(pids[i], NULL, 0) == pids[i];
	/* and everything is there again */
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	int status = 0;
	_exit(pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7 ? 42 : 2);
}

CASE(thirty_thousand_processes_against_rlimit_nproc)
{
	pid_t pid;

	alarm(100);
	held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (geteuid())
		case_skip("not root");
	pid = fork();
	if (pid == 0)
		fork_against_limit(200);
	expect_exit(pid, 42);
	EXPECT_EQ(held[2], 0);
	EXPECT(held[0] > 0 && held[0] < 200);
	EXPECT_EQ(held[0] + held[1], TRIES);
	EXPECT_EQ(held[3], held[0]);
}

static void against_group(void)
{
	fork_against_limit(0);
}

CASE(thirty_thousand_processes_against_pids_max)
{
	alarm(100);
	cg_begin_with("+pids");
	held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cg_make("a");
	OK(cg_write("a/pids.max", "250"));
	expect_exit(cg_run("a", against_group), 42);
	EXPECT_EQ(held[2], 0);
	EXPECT_EQ(held[0], 249);
	EXPECT_EQ(held[1], TRIES - 249);
	EXPECT_EQ(held[3], 249);
	EXPECT_STR(cg_read("a/pids.current"), "0");
	EXPECT_EQ(cg_field("a/pids.events", "max"), TRIES - 249);
	cg_end();
}

static void *waits(void *arg)
{
	pause();
	return arg;
}

static void threads_against_group(void)
{
	pthread_attr_t a;
	pthread_t t;
	int n = 0;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 16384);
	for (int i = 0; i < TRIES / 10; i++)
		if (pthread_create(&t, &a, waits, NULL) == 0)
			n++;
		else
			held[1]++;
	held[0] = n;
	_exit(42);
}

CASE(three_thousand_threads_against_pids_max)
{
	alarm(100);
	cg_begin_with("+pids");
	held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cg_make("a");
	OK(cg_write("a/pids.max", "150"));
	expect_exit(cg_run("a", threads_against_group), 42);
	EXPECT_EQ(held[0], 149);
	EXPECT_EQ(held[1], TRIES / 10 - 149);
	EXPECT_STR(cg_read("a/pids.current"), "0");
	cg_end();
}

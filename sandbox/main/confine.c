/*
 * confine.c - what the sandbox's processes give up before they meet a guest: names, files, rights.
 *
 * Started by root, a sandbox runs as a user id of its own, drawn at random from a range that no account has.
 * Started by anybody else it runs as that user inside a user namespace. The user namespace is also entered as
 * root where Yama allows process_vm_readv only to descendants: the sentry then keeps CAP_SYS_PTRACE, valid
 * over its own sandbox's processes and nobody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/main/boot.h"

#define UID_BASE        0x40000000U
#define UID_RANDOM_MASK 0x1fffffffU
#define UID_NOBODY      65534U
#define INNER_ID        65534U /* what the ids are called inside the user namespace */

#define NAMESPACES      (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static int read_number(const char *path)
{
	char text[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	return n > 0 ? atoi(text) : 0;
}

static void write_file(const struct boot_options *o, const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		boot_fail(o, "cannot write %s: errno %d", path, errno);
	close(fd);
}

static void become(const struct boot_options *o)
{
	if (setgroups(0, NULL) || setresgid(o->gid, o->gid, o->gid) || setresuid(o->uid, o->uid, o->uid))
		boot_fail(o, "cannot become uid %u: errno %d", o->uid, errno);
	/* a change of uid makes a process undumpable, and its files in /proc root's */
	prctl(PR_SET_DUMPABLE, 1);
}

static void choose_uid(struct boot_options *o)
{
	u32 random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		boot_fail(o, "no random numbers: errno %d", errno);
	o->uid = UID_BASE | (random & UID_RANDOM_MASK);
	o->own_uid = true;
	/* inside another user namespace such an id may not exist */
	syscall(SYS_setfsuid, o->uid);
	if ((uid_t)syscall(SYS_setfsuid, 0) != o->uid) {
		o->uid = UID_NOBODY;
		o->own_uid = false;
	}
	o->gid = o->uid;
}

static void enter_user_namespace(struct boot_options *o)
{
	char map[64];

	if (unshare(CLONE_NEWUSER))
		boot_fail(o,
			  "cannot make a user namespace: errno %d; run as root, or allow unprivileged user "
			  "namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)",
			  errno);
	write_file(o, "/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", INNER_ID, o->uid);
	write_file(o, "/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", INNER_ID, o->gid);
	write_file(o, "/proc/self/gid_map", map);
	o->uid = o->gid = INNER_ID;
}

/* Division that rounds down, as offsets are written. */
static s64 floor_seconds(s64 ns)
{
	return ns / (s64)NSEC_PER_SEC - (ns % (s64)NSEC_PER_SEC < 0);
}

static s64 floor_rest(s64 ns)
{
	return ns - floor_seconds(ns) * (s64)NSEC_PER_SEC;
}

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static s64 clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (s64)ts.tv_sec * (s64)NSEC_PER_SEC + ts.tv_nsec;
}

/* Clocks that go on from where they stood when the image was made: a time namespace gives them to guests
 * (vDSO included) and to the sentry alike. The next fork's child is in it. */
static void set_clocks(struct boot_options *o)
{
	char text[160];
	s64 monotonic, boottime;

	if (unshare(CLONE_NEWTIME))
		boot_fail(o, "cannot make a time namespace, which an image's clocks need: errno %d", errno);
	monotonic = (s64)o->monotonic_ns - clock_ns(CLOCK_MONOTONIC);
	boottime = (s64)o->boottime_ns - clock_ns(CLOCK_BOOTTIME);
	snprintf(text, sizeof(text), "monotonic %lld %lld\nboottime %lld %lld\n",
		 (long long)floor_seconds(monotonic), (long long)floor_rest(monotonic),
		 (long long)floor_seconds(boottime), (long long)floor_rest(boottime));
	write_file(o, "/proc/self/timens_offsets", text);
}

void confine_namespaces(struct boot_options *o)
{
	bool root = geteuid() == 0;

	o->may_ptrace = read_number("/proc/sys/kernel/yama/ptrace_scope") > 0;
	if (root) {
		choose_uid(o);
		if (o->may_ptrace)
			become(o);
	} else {
		o->uid = geteuid();
		o->gid = getegid();
	}
	if (!root || o->may_ptrace)
		enter_user_namespace(o);
	if (unshare(NAMESPACES))
		boot_fail(
		    o,
		    "cannot make namespaces: errno %d; warren-sentry needs CAP_SYS_ADMIN or user namespaces",
		    errno);
	if (o->manifest_fd >= 0)
		set_clocks(o);
}

void confine_root(const struct boot_options *o)
{
	static const char *const places[] = {"/tmp", "/proc", "/sys", "/dev"};
	unsigned i;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		boot_fail(o, "cannot make mounts private: errno %d%s", errno,
			  errno == EINVAL
			      ? " (/ is not a mount: in a chroot, bind it onto itself and pivot_root into it)"
			      : "");
	for (i = 0; i < ARRAY_COUNT(places); i++)
		if (mount("warren", places[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY,
			  "size=4k,nr_inodes=2,mode=0555") == 0)
			break;
	if (i == ARRAY_COUNT(places))
		boot_fail(o, "cannot mount an empty root: errno %d", errno);
	if (chdir(places[i]) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		boot_fail(o, "cannot enter the empty root: errno %d", errno);
}

static void set_caps(const struct boot_options *o, u64 caps)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {
	    {.effective = (u32)caps, .permitted = (u32)caps},
	    {.effective = (u32)(caps >> 32), .permitted = (u32)(caps >> 32)}};

	if (syscall(SYS_capset, &head, data))
		boot_fail(o, "cannot drop capabilities: errno %d", errno);
}

void confine_rights(const struct boot_options *o, bool keep_ptrace)
{
	for (int cap = 0; cap <= 63; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* EINVAL beyond the last one */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (geteuid() != o->uid)
		become(o);
	set_caps(o, keep_ptrace ? 1ULL << CAP_SYS_PTRACE : 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		boot_fail(o, "cannot set no_new_privs: errno %d", errno);
	/* stubs run as the same user: they must find nothing to look into */
	prctl(PR_SET_DUMPABLE, 0);
}

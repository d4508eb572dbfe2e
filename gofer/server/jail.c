/*
 * What the gofer takes from itself before it reads the first request.
 *
 * As root, in two stages. First: new mount, PID, network, IPC, UTS and cgroup namespaces; a child becomes the
 * first process of the PID namespace (this process only waits for it, with nothing in its hands) and executes
 * the program again from a read-only clone of its own mount, so that /proc/self/exe, the one object outside
 * the tree that the gofer can name, cannot be changed through it. Second: a clone of the tree's mount
 * (nosuid, nodev, read-only if so wished) becomes the root directory and everything else is unmounted; proc
 * is mounted where no path leads, with subset=pid, so it shows the gofer's own processes and nothing of the
 * host. Then uid and gid 65534, no groups, no securebits way back, a bounding set and permitted set of what
 * is needed to act as root *on the tree's files*:
 *
 *   CHOWN             create files for the uid that the sentry says; chown
 *   DAC_OVERRIDE      the sentry has checked permissions already, by the guest's credentials
 *   DAC_READ_SEARCH   the same for a read-only tree, where it is the only one kept
 *   FOWNER            chmod, utimes, sticky directories, links to files of others
 *   FSETID            keep set-id bits that the sentry asks for
 *   SETFCAP           file capabilities (security.capability), which package managers set
 *
 * MKNOD is not kept: device nodes cannot be made. Then no_new_privs and the seccomp filter (filter.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gofer/server/server.h"

#define GOFER_UID      65534
#define NODES_WANTED   262144
#define NODES_RESERVED 64 /* descriptors that are not nodes */

void jail_fail(int log_fd, const char *what, int err)
{
	dprintf(log_fd, "warren-gofer: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

/* Sets the bounding and the permitted set; keeps `keep` effective. */
static int caps_set(uint64_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	    {.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
	    {.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
	};

	return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
}

static void caps_bound(int log_fd, uint64_t keep)
{
	for (unsigned cap = 0; cap < 64; cap++) {
		if (keep >> cap & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) {
			if (errno == EINVAL) /* beyond the last one of this kernel */
				break;
			jail_fail(log_fd, "cannot drop a capability", errno);
		}
	}
}

/* The outer process: waits for the inner one and ends as it does. It holds no socket and reads nothing. */
static void __attribute__((noreturn)) outer(const struct jail *jail, pid_t child)
{
	int status;

	close(jail->sock);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* KILL: the kernel sends the child its parent-death signal with this process's rights. */
	caps_set(1ull << CAP_KILL);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/*
 * Executes this program again from a read-only mount. /proc/self/exe itself lies in a mount of the old
 * namespace, which cannot be cloned: its path in the new one can, and must lead to the same file.
 */
static void reexec(const struct jail *jail, char **argv)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	struct stat running, found;
	int exe;

	if (len < 0)
		jail_fail(jail->log_fd, "/proc/self/exe", errno);
	path[len] = '\0';
	exe = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (exe < 0)
		jail_fail(jail->log_fd, "cannot clone the program's mount", errno);
	if (stat("/proc/self/exe", &running) != 0 || fstat(exe, &found) != 0)
		jail_fail(jail->log_fd, "cannot look at the program", errno);
	if (running.st_dev != found.st_dev || running.st_ino != found.st_ino)
		jail_fail(jail->log_fd, "the program's file has been replaced", ESTALE);
	if (mount_setattr(exe, "", AT_EMPTY_PATH, &attr, sizeof(attr)) != 0)
		jail_fail(jail->log_fd, "cannot make the program's mount read-only", errno);
	execveat(exe, "", argv, (char *[]){NULL}, AT_EMPTY_PATH);
	jail_fail(jail->log_fd, "cannot execute the program again", errno);
}

void jail_enter(const struct jail *jail, char **argv)
{
	pid_t child;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
		    CLONE_NEWCGROUP) != 0)
		jail_fail(jail->log_fd, "cannot make namespaces", errno);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		jail_fail(jail->log_fd,
			  errno == EINVAL ? "cannot make mounts private: / is not a mount (in a chroot, bind "
					    "it onto itself and pivot_root into it)"
					  : "cannot make mounts private",
			  errno);
	child = fork();
	if (child < 0)
		jail_fail(jail->log_fd, "cannot fork", errno);
	if (child > 0)
		outer(jail, child);
	reexec(jail, argv);
}

static int proc_mount(const struct jail *jail)
{
	int fs = fsopen("proc", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		jail_fail(jail->log_fd, "cannot open a proc file system", errno);
	if (fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid", 0) != 0)
		jail_fail(jail->log_fd, "cannot limit proc to processes", errno);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
		jail_fail(jail->log_fd, "cannot make a proc file system", errno);
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		jail_fail(jail->log_fd, "cannot mount proc", errno);
	close(fs);
	return fd;
}

void jail_pivot(const struct jail *jail, int *root_fd, int *proc_fd)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
				  .propagation = MS_PRIVATE};
	unsigned recursive = jail->submounts ? AT_RECURSIVE : 0;
	int tree;

	*proc_fd = proc_mount(jail);
	tree = open_tree(AT_FDCWD, jail->root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
	if (tree < 0)
		jail_fail(jail->log_fd, jail->root, errno);
	if (jail->ro)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if (mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &attr, sizeof(attr)) != 0)
		jail_fail(jail->log_fd, "cannot set the tree's mount attributes", errno);
	if (move_mount(tree, "", AT_FDCWD, jail->root, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) != 0)
		jail_fail(jail->log_fd, "cannot mount the tree", errno);
	if (fchdir(tree) != 0 || syscall(SYS_pivot_root, ".", ".") != 0)
		jail_fail(jail->log_fd, "cannot pivot into the tree", errno);
	if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		jail_fail(jail->log_fd, "cannot leave the old root", errno);
	*root_fd = tree;
}

void jail_unprivileged(const struct jail *jail, int *root_fd, int *proc_fd)
{
	*root_fd = open(jail->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*root_fd < 0)
		jail_fail(jail->log_fd, jail->root, errno);
	*proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*proc_fd < 0)
		jail_fail(jail->log_fd, "/proc", errno);
}

uint32_t jail_limits(void)
{
	struct rlimit none = {0, 0}, files;

	setrlimit(RLIMIT_CORE, &none);
	files.rlim_cur = files.rlim_max = NODES_WANTED + NODES_RESERVED;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0 && getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max; /* a lower hard limit that we may not raise */
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= NODES_RESERVED)
		return 0;
	return files.rlim_cur - NODES_RESERVED < NODES_WANTED ? (uint32_t)files.rlim_cur - NODES_RESERVED
							      : NODES_WANTED;
}

static void become_nobody(const struct jail *jail)
{
	uint64_t keep = 1ull << CAP_DAC_READ_SEARCH;
	unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
			     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	if (!jail->ro)
		keep |= 1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER |
			1ull << CAP_FSETID | 1ull << CAP_SETFCAP;
	caps_bound(jail->log_fd, keep);
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		jail_fail(jail->log_fd, "cannot set securebits", errno);
	if (setgroups(0, NULL) != 0 || setresgid(GOFER_UID, GOFER_UID, GOFER_UID) != 0 ||
	    setresuid(GOFER_UID, GOFER_UID, GOFER_UID) != 0)
		jail_fail(jail->log_fd, "cannot change uid and gid", errno);
	if (caps_set(keep) != 0)
		jail_fail(jail->log_fd, "cannot set capabilities", errno);
	/* A change of credentials clears it; the outer process is killed to kill the gofer. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

void jail_drop(const struct jail *jail, bool privileged)
{
	int err;

	if (privileged)
		become_nobody(jail);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		jail_fail(jail->log_fd, "cannot set no_new_privs", errno);
	err = filter_install(jail->sock, jail->log_fd);
	if (err)
		jail_fail(jail->log_fd, "cannot install the seccomp filter", err);
}

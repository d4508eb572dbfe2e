/*
 * mounts.h - what the tests of mount(2) and its kin share: flags that libc may not have, a namespace to work
 * in.
 */
#ifndef WARREN_TESTS_MOUNTS_H
#define WARREN_TESTS_MOUNTS_H

#include "case.h"

#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/statfs.h>

#ifndef MS_REC
#define MS_REC 16384
#endif
#define MS_RDONLY_      1
#define MS_NOSUID_      2
#define MS_NODEV_       4
#define MS_NOEXEC_      8
#define MS_REMOUNT_     32
#define MS_NOSYMFOLLOW_ 256
#define MS_NOATIME_     1024
#define MS_BIND_        4096
#define MS_MOVE_        8192
#define MS_UNBINDABLE_  (1 << 17)
#define MS_PRIVATE_     (1 << 18)
#define MS_SLAVE_       (1 << 19)
#define MS_SHARED_      (1 << 20)
#define MNT_DETACH_     2
#define MNT_EXPIRE_     4
#define NOFOLLOW_       8

int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
#define SYS_OPEN_TREE     428
#define SYS_MOVE_MOUNT    429
#define SYS_FSOPEN        430
#define SYS_FSCONFIG      431
#define SYS_FSMOUNT       432
#define SYS_FSPICK        433
#define SYS_MOUNT_SETATTR 442
#define SYS_STATMOUNT     457
#define SYS_LISTMOUNT     458

/* A namespace in which nothing propagates, and a tmpfs "t" to work in. */
static inline void begin(void)
{
	if (unshare(CLONE_NEWNS))
		case_skip("no mount namespaces");
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE_, NULL));
	OK(mkdir("t", 0755));
	OK(mount("work", "t", "tmpfs", 0, NULL));
	OK(chdir("t"));
}

static inline bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static inline void touch(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	OK(fd);
	close(fd);
}

/* The line of mountinfo whose mount point ends with `end`. */
static inline bool mountinfo(const char *end, char *line, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	bool found = false;
	char point[512];

	while (!found && fgets(line, (int)size, f)) {
		size_t n = strlen(end), len;
		EXPECT_EQ(sscanf(line, "%*d %*d %*s %*s %511s", point), 1);
		len = strlen(point);
		found = len >= n && !strcmp(point + len - n, end);
	}
	fclose(f);
	return found;
}

#endif

/*
 * ns.h - what the tests of namespaces share.
 */
#ifndef WARREN_TESTS_NS_H
#define WARREN_TESTS_NS_H

#include "case.h"

#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define NS_GET_USERNS_    _IO(0xb7, 1)
#define NS_GET_PARENT_    _IO(0xb7, 2)
#define NS_GET_NSTYPE_    _IO(0xb7, 3)
#define NS_GET_OWNER_UID_ _IO(0xb7, 4)

static inline void need_root(void)
{
	if (geteuid())
		case_skip("needs root");
}

static inline long clone_(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static inline ino_t ns_ino(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	OK(stat(path, &st));
	return st.st_ino;
}

static inline void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	OK(fd);
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline int put_errno(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), e;

	OK(fd);
	e = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return e;
}

static inline void get(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	OK(fd);
	n = read(fd, buf, size - 1);
	EXPECT(n >= 0);
	buf[n] = 0;
	close(fd);
}

/* Runs fn in a child; it must exit 0. */
static inline void in_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	expect_exit(pid, 0);
}

static inline void map_self_to(uid_t inside, uid_t outside)
{
	char text[64];

	put("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1", inside, outside);
	put("/proc/self/uid_map", text);
	put("/proc/self/gid_map", text);
}

#endif

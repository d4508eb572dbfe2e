/*
 * fs.h - the same steps on several file systems: the directory of the case, one on the root file system (a
 * gofer's, in the sandbox), a fresh tmpfs, and an overlay with an upper directory over a lower one.
 *
 * Each runs in a process of its own, so a failure says on which, and mounts go with their namespace.
 */
#ifndef WARREN_TESTS_FS_H
#define WARREN_TESTS_FS_H

#include "case.h"

#include <ftw.h>
#include <sched.h>
#include <sys/mount.h>

enum fs_kind { FS_HERE, FS_ROOT, FS_TMPFS, FS_OVERLAY, FS_COUNT };

/* Goes into an empty directory on that file system. */
static inline void fs_enter(enum fs_kind kind, const char *root)
{
	if (kind == FS_ROOT)
		OK(chdir(root));
	if (kind == FS_HERE) {
		OK(mkdir("here", 0777));
		OK(chdir("here"));
	}
	if (kind == FS_HERE || kind == FS_ROOT)
		return;
	if (unshare(CLONE_NEWNS))
		case_skip("may not make mounts");
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	EXPECT(!mkdir("m", 0777) || errno == EEXIST);
	OK(mount("none", "m", "tmpfs", 0, NULL));
	OK(chdir("m"));
	if (kind == FS_TMPFS)
		return;
	OK(mkdir("lower", 0777));
	OK(mkdir("upper", 0777));
	OK(mkdir("work", 0777));
	OK(mkdir("merged", 0777));
	OK(mount("none", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work"));
	OK(chdir("merged"));
}

static inline int fs_drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path) && 0;
}

static inline void on_each_fs(void (*steps)(void))
{
	static const char *const names[] = {"the case's directory", "the root file system", "tmpfs",
					    "overlay"};

	for (int kind = 0; kind < FS_COUNT; kind++) {
		char root[] = "/var/tmp/case-XXXXXX";
		int status;
		pid_t pid;
		mkdir("/var", 0755);
		mkdir("/var/tmp", 01777);
		EXPECT(mkdtemp(root));
		OK(chmod(root, 0777));
		pid = fork();
		if (!pid) {
			fs_enter((enum fs_kind)kind, root);
			steps();
			_exit(0);
		}
		OK(waitpid(pid, &status, 0));
		nftw(root, fs_drop, 16, FTW_PHYS | FTW_DEPTH);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			_exit(77);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			case_fail("fs.h", __LINE__, "on %s: wait status %#x", names[kind], status);
	}
}

/* A case whose steps run on all of them. */
#define FS_CASE(id)                                                                                          \
	static void steps_##id(void);                                                                        \
	CASE(id)                                                                                             \
	{                                                                                                    \
		on_each_fs(steps_##id);                                                                      \
	}                                                                                                    \
	static void steps_##id(void)

#endif

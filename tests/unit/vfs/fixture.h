/*
 * fixture.h - a kernel without a platform: a tmpfs as root, and tasks that are only a coroutine, credentials
 * and a root, so that the calls by name can be made as from a system call.
 */
#ifndef WARREN_TESTS_VFS_FIXTURE_H
#define WARREN_TESTS_VFS_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/kernel/sched_priv.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/vfs/vfs_priv.h"

extern struct mount *root_mount;
extern struct mount_ns *root_ns;

/* Boots; once per test (each test is a process of its own). */
void boot(void);
/* A task at the root with the given user's credentials, whose coroutine runs fn(arg). */
struct task *start_task(void (*fn)(void *), void *arg, u32 uid);
/* Runs all coroutines until none is runnable. */
void run_all(void);
/* boot(), one task of root that runs fn, run_all(), and a check that fn came to its end. */
void in_task(void (*fn)(void));

/* What a test's tree is made of; each must succeed. */
void mkdirs(const char *path); /* with its parents */
void file(const char *path);
void symlink_to(const char *target, const char *path);
struct mount *mount_tmpfs(const char *at);
/* What a path resolves to: its name as from the root, or the errno's name. The string lives until the next
 * call. */
const char *walk(const char *path, u32 flags);
/* 0 or -errno of a walk. */
int walk_err(const char *path, u32 flags);
int open_err(const char *path, u32 o_flags);
/* "a/a/a…": n components. */
char *repeat(const char *component, int n);

Suite *walk_suite(void);
Suite *mounts_suite(void);
Suite *races_suite(void);
Suite *dcache_suite(void);
Suite *deep_suite(void);

#define TEST(name)                                                                                           \
	static void body_##name(void);                                                                       \
	START_TEST(name)                                                                                     \
	{                                                                                                    \
		in_task(body_##name);                                                                        \
	}                                                                                                    \
	END_TEST                                                                                             \
	static void body_##name(void)

#endif

/*
 * cgroup.h - what the tests of control groups share: a group of the case's own, below where the machine has
 * cgroup v2 mounted, and its files.
 */
#ifndef WARREN_TESTS_CGROUP_H
#define WARREN_TESTS_CGROUP_H

#include "case.h"

#include <dirent.h>

static char cg_root[256]; /* where cgroup2 is mounted */
static char cg_base[300]; /* the case's own group */

static char *buffer(void)
{
	static char buffers[8][8192];
	static unsigned next;

	return buffers[next++ % 8];
}

/* "BASE/name" in one of some static buffers. */
static inline const char *cg_path(const char *name)
{
	char *b = buffer();

	snprintf(b, 8192, "%s/%s", cg_base, name);
	return b;
}

static int write_at(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return n < 0 ? -1 : 0;
}

static char *read_at(const char *path)
{
	char *b = buffer();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, b, 8191);
	close(fd);
	if (n < 0)
		return NULL;
	b[n] = 0;
	if (n && b[n - 1] == '\n')
		b[n - 1] = 0;
	return b;
}

/* 0 or -1 with errno. */
static inline int cg_write(const char *file, const char *text)
{
	return write_at(cg_path(file), text);
}

/* The text, without its last newline; ends the case if it cannot be read. */
static inline const char *cg_read(const char *file)
{
	char *text = read_at(cg_path(file));

	if (!text)
		case_fail(__FILE__, __LINE__, "%s cannot be read: %s", cg_path(file), errno_name(errno));
	return text;
}

static inline bool cg_has(const char *file)
{
	return access(cg_path(file), F_OK) == 0;
}

/* The number behind `key` in a file of lines "key number". */
static inline long long cg_field(const char *file, const char *key)
{
	const char *at = cg_read(file);
	size_t len = strlen(key);

	for (; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, key, len) && at[len] == ' ')
			return atoll(at + len);
	case_fail(__FILE__, __LINE__, "%s has no line '%s'", file, key);
}

/* Waits until the field has the value, at most ten seconds. */
static inline bool cg_wait_field(const char *file, const char *key, long long value)
{
	uint64_t end = now_ms() + 10000;

	while (cg_field(file, key) != value)
		if (now_ms() > end)
			return false;
		else
			sleep_ms(2);
	return true;
}

static inline void cg_make(const char *name)
{
	OK(mkdir(cg_path(name), 0755));
}

/* The root's mount point, from /proc/self/mountinfo. */
static inline bool find_root(void)
{
	char line[1024], mount[256];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %*s %255s", mount) == 1) {
			snprintf(cg_root, sizeof(cg_root), "%s", mount);
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

static inline void write_in(const char *dir, const char *file, const char *text)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, file) < 0)
		abort();
	(void)!write_at(path, text);
	free(path);
}

static inline void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char *sub;

	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.') {
			if (asprintf(&sub, "%s/%s", path, e->d_name) < 0)
				abort();
			remove_tree(sub);
			free(sub);
		}
	if (d)
		closedir(d);
	write_in(path, "cgroup.freeze", "0");
	write_in(path, "cgroup.kill", "1");
	for (int i = 0; i < 500 && rmdir(path) && errno == EBUSY; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sleep_ms(10);
	}
}

/* Makes cg_base, in which there is no process. Without cgroup v2 the case is skipped. */
static inline void cg_begin(void)
{
	if (!find_root())
		case_skip("cgroup v2 is not mounted");
	if (access(cg_root, W_OK))
		case_skip("cgroup v2 may not be changed");
	snprintf(cg_base, sizeof(cg_base), "%s/warren-test-%d", cg_root, getpid());
	if (mkdir(cg_base, 0755) && (errno == EROFS || errno == EACCES))
		case_skip("cgroup v2 may not be changed");
	EXPECT(access(cg_base, F_OK) == 0);
}

/* In a container the root is an ordinary group: its processes must go before its children get controllers. */
static inline void empty_root(void)
{
	char path[600], leaf[600], *save = NULL;

	snprintf(leaf, sizeof(leaf), "%s/leaf", cg_root);
	if (mkdir(leaf, 0755) && errno != EEXIST)
		return;
	snprintf(leaf, sizeof(leaf), "%s/leaf/cgroup.procs", cg_root);
	snprintf(path, sizeof(path), "%s/cgroup.procs", cg_root);
	for (char *pid = strtok_r(read_at(path), "\n", &save); pid; pid = strtok_r(NULL, "\n", &save))
		(void)!write_at(leaf, pid);
}

/* And with these controllers ("+cpu +pids") in its children; else skipped. */
static inline void cg_begin_with(const char *controllers)
{
	char path[600];

	cg_begin();
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cg_root);
	if (write_at(path, controllers)) {
		if (errno == EBUSY)
			empty_root();
		if (write_at(path, controllers)) {
			rmdir(cg_base);
			case_skip("the controllers are not there in cgroup v2");
		}
	}
	OK(cg_write("cgroup.subtree_control", controllers));
}

/* Kills what is left and removes it all. */
static inline void cg_end(void)
{
	remove_tree(cg_base);
	EXPECT(access(cg_base, F_OK) != 0);
}

static inline void wait_for_ever(void)
{
	for (;;)
		pause();
}

/* A child in the group that runs fn. */
static inline pid_t cg_run(const char *group, void (*fn)(void))
{
	char path[600];
	int ready[2];
	char byte;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cg_path(group));
	OK(pipe(ready));
	pid = fork();
	if (pid == 0) {
		if (write_at(path, "0"))
			_exit(111);
		(void)!write(ready[1], "x", 1);
		close(ready[0]);
		close(ready[1]);
		fn();
		_exit(0);
	}
	OK(pid);
	close(ready[1]);
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* A child in the group that waits for a signal. */
static inline pid_t cg_child(const char *group)
{
	return cg_run(group, wait_for_ever);
}

static inline const char *number(long n)
{
	static char text[4][32];
	static unsigned next;
	char *t = text[next++ % 4];

	snprintf(t, 32, "%ld", n);
	return t;
}

/* "/warren-test-N/a" of process pid, as this process sees it: what follows "0::". */
static inline void group_of(const char *pid, char *out, size_t size)
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
			snprintf(out, size, "%.*s", (int)size - 1, line + 3);
		}
	fclose(f);
}

#endif

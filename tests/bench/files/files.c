/*
 * files.c - what file metadata costs: files DIR REPOSITORY. DIR has directories d0..d99 of a hundred files
 * each. Prints "measure nanoseconds" per operation, or per run of a program; "cold" is the first time since
 * this program's start, "warm" the best of five later ones.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DIRS  100
#define FILES 100

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static const char *top;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static char *name(int d, int f)
{
	static char path[512];

	if (f < 0)
		snprintf(path, sizeof(path), "%s/d%d", top, d);
	else
		snprintf(path, sizeof(path), "%s/d%d/f%d", top, d, f);
	return path;
}

/* Each works on one directory and returns how many operations that were. */
static int do_stat(int d)
{
	struct stat st;

	for (int f = 0; f < FILES; f++)
		if (stat(name(d, f), &st))
			die("stat");
	return FILES;
}

static int do_missing(int d)
{
	struct stat st;

	for (int f = 1000; f < 1000 + FILES; f++)
		if (!stat(name(d, f), &st))
			die("it exists");
	return FILES;
}

static int do_open(int d)
{
	for (int f = 0; f < FILES; f++) {
		int fd = open(name(d, f), O_RDONLY);
		if (fd < 0)
			die("open");
		close(fd);
	}
	return FILES;
}

static int do_read(int d)
{
	char buf[4096];

	for (int f = 0; f < FILES; f++) {
		int fd = open(name(d, f), O_RDONLY);
		if (fd < 0 || read(fd, buf, sizeof(buf)) < 0)
			die("read");
		close(fd);
	}
	return FILES;
}

static int do_readdir(int d)
{
	DIR *dir = opendir(name(d, -1));
	int n = 0;

	if (!dir)
		die("opendir");
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* As ls -l: names, then the attributes of each. */
static int do_list(int d)
{
	DIR *dir = opendir(name(d, -1));
	struct dirent *e;
	struct stat st;
	int n = 0;

	if (!dir)
		die("opendir");
	while ((e = readdir(dir))) {
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			die("fstatat");
		n++;
	}
	closedir(dir);
	return n;
}

/* Each measure has directories of its own to be cold in. */
static void measure(const char *what, int (*fn)(int d), int first)
{
	double best = 1e18;

	for (int round = 0; round < 6; round++) {
		double t = now_ns();
		int n = 0;
		for (int d = first; d < first + 10; d++)
			n += fn(d);
		t = (now_ns() - t) / n;
		if (!round)
			printf("%s_cold %.0f\n", what, t);
		else if (t < best)
			best = t;
	}
	printf("%s_warm %.0f\n", what, best);
	fflush(stdout);
}

static void program(const char *what, const char *command)
{
	double best = 1e18;

	for (int round = 0; round < 4; round++) {
		double t = now_ns();
		pid_t pid = fork();
		int status;
		if (!pid) {
			execl("/bin/sh", "sh", "-c", command, NULL);
			_exit(127);
		}
		waitpid(pid, &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "%s: status %#x\n", what, status);
			return;
		}
		t = now_ns() - t;
		if (!round)
			printf("%s_cold %.0f\n", what, t);
		else if (t < best)
			best = t;
	}
	printf("%s_warm %.0f\n", what, best);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char command[600];

	if (argc != 3)
		return 2;
	top = argv[1];
	measure("stat", do_stat, 0);
	measure("stat_missing", do_missing, 10);
	measure("open_close", do_open, 20);
	measure("open_read_close", do_read, 30);
	measure("readdir", do_readdir, 40);
	measure("readdir_stat", do_list, 50);
	snprintf(command, sizeof(command), "cd '%s' && git status --porcelain >/dev/null", argv[2]);
	program("git_status", command);
	program("find_usr", "find /usr >/dev/null");
	program("tar_python", "tar cf /dev/null --ignore-failed-read -C /usr/lib python3 2>/dev/null || tar "
			      "cf - /usr/lib/python3 >/dev/null");
	return 0;
}

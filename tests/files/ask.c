/*
 * ask.c - does with files what it is told by lines on standard input, and answers each with a line: the
 * inside of tests/files/shared.py. "-ERRNO" is a call that failed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int held = -1;
static char *map;

static void answer(long ret)
{
	if (ret < 0)
		printf("-%s\n", strerrorname_np(errno));
	else
		printf("%ld\n", ret);
}

static void contents(int fd)
{
	char buf[4000];
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0) {
		answer(-1);
		return;
	}
	buf[n] = 0;
	printf("%s\n", buf);
}

static void cat(const char *name)
{
	int fd = open(name, O_RDONLY);

	contents(fd);
	if (fd >= 0)
		close(fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *name)
{
	DIR *d = opendir(name);
	struct dirent *e;
	char *names[1000];
	size_t n = 0;

	if (!d) {
		answer(-1);
		return;
	}
	while ((e = readdir(d)) && n < 1000)
		if (e->d_name[0] != '.')
			names[n++] = strdup(e->d_name);
	closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", names[i]);
	puts("");
}

static void put(const char *name, const char *text, int flags)
{
	int fd = open(name, O_WRONLY | O_CREAT | flags, 0644);
	long ret = fd < 0 ? -1 : write(fd, text, strlen(text));

	answer(ret);
	if (fd >= 0)
		close(fd);
}

static void attributes(const char *name)
{
	struct stat st;

	if (lstat(name, &st))
		answer(-1);
	else
		printf("%o %ld %lu\n", st.st_mode, (long)st.st_size, (unsigned long)st.st_nlink);
}

static void link_text(const char *name)
{
	char buf[4000];
	ssize_t n = readlink(name, buf, sizeof(buf) - 1);

	if (n < 0) {
		answer(-1);
		return;
	}
	buf[n] = 0;
	puts(buf);
}

static void hold(const char *name)
{
	if (held >= 0)
		close(held);
	held = open(name, O_RDWR);
	answer(held < 0 ? -1 : 0);
}

static void map_it(void)
{
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, held, 0);
	answer(map == MAP_FAILED ? -1 : 0);
}

static void get_x(const char *name)
{
	char buf[100];
	ssize_t n = getxattr(name, "user.x", buf, sizeof(buf) - 1);

	if (n < 0) {
		answer(-1);
		return;
	}
	buf[n] = 0;
	puts(buf);
}

static void do_line(char *line)
{
	char *what = strtok(line, " "), *one = strtok(NULL, " "), *two = strtok(NULL, "");

	if (!strcmp(what, "cat"))
		cat(one);
	else if (!strcmp(what, "list"))
		list(one);
	else if (!strcmp(what, "stat"))
		attributes(one);
	else if (!strcmp(what, "put"))
		put(one, two, O_TRUNC);
	else if (!strcmp(what, "append"))
		put(one, two, O_APPEND);
	else if (!strcmp(what, "readlink"))
		link_text(one);
	else if (!strcmp(what, "hold"))
		hold(one);
	else if (!strcmp(what, "held"))
		contents(held);
	else if (!strcmp(what, "map"))
		map_it();
	else if (!strcmp(what, "mapped"))
		printf("%.20s\n", map);
	else if (!strcmp(what, "poke"))
		puts(strcpy(map, one));
	else if (!strcmp(what, "rm"))
		answer(unlink(one));
	else if (!strcmp(what, "mkdir"))
		answer(mkdir(one, 0755));
	else if (!strcmp(what, "rmdir"))
		answer(rmdir(one));
	else if (!strcmp(what, "mv"))
		answer(rename(one, two));
	else if (!strcmp(what, "ln"))
		answer(link(one, two));
	else if (!strcmp(what, "truncate"))
		answer(truncate(one, atol(two)));
	else if (!strcmp(what, "getx"))
		get_x(one);
	else if (!strcmp(what, "setx"))
		answer(setxattr(one, "user.x", two, strlen(two), 0));
	else if (!strcmp(what, "rmx"))
		answer(removexattr(one, "user.x"));
	else if (!strcmp(what, "listx"))
		answer(listxattr(one, NULL, 0));
	else if (!strcmp(what, "label"))
		answer(getxattr(one, "security.selinux", NULL, 0));
	else
		puts("?");
}

int main(void)
{
	static char line[8000];

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		do_line(line);
	}
	return 0;
}

/*
 * case.c - runs the cases of one program; see case.h.
 *
 *   PROGRAM              all cases, each in a child; ends with "N passed, N failed, N skipped"
 *   PROGRAM --list       their names
 *   PROGRAM --case NAME  that one, here
 */
#include "case.h"

#include <dirent.h>
#include <stdarg.h>

#define EXIT_SKIP 77

static struct test_case *first, **last = &first;

void case_register(struct test_case *c)
{
	*last = c;
	last = &c->next;
}

const char *errno_name(int e)
{
	const char *n = strerrorname_np(e);

	return e == 0 ? "0" : n ? n : "?";
}

void case_fail(const char *file, int line, const char *fmt, ...)
{
	const char *slash = strrchr(file, '/');
	char text[600];
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "    %s:%d: ", slash ? slash + 1 : file, line);
	va_start(ap, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(text) - 2)
		n = (int)sizeof(text) - 2;
	text[n++] = '\n';
	if (write(1, text, (size_t)n) < 0)
		_exit(2);
	_exit(1);
}

void case_skip(const char *why)
{
	dprintf(1, "    skipped: %s\n", why);
	_exit(EXIT_SKIP);
}

int make_file(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
	EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int wait_for(pid_t pid)
{
	int status = -1;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	EXPECT_EQ(got, pid);
	return status;
}

void expect_exit(pid_t pid, int code)
{
	int status = wait_for(pid);

	if (WIFSIGNALED(status))
		case_fail("child", 0, "ended by signal %d, expected exit %d", WTERMSIG(status), code);
	EXPECT(WIFEXITED(status));
	if (WEXITSTATUS(status) != code)
		case_fail("child", 0, "exit status %d, expected %d", WEXITSTATUS(status), code);
}

void expect_signal(pid_t pid, int sig)
{
	int status = wait_for(pid);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		case_fail("child", 0, "wait status %#x, expected signal %d", status, sig);
}

void sleep_ms(unsigned ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- running ---- */

static void remove_tree(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	struct dirent *e;
	DIR *d;

	if (fd < 0) {
		unlinkat(at, name, 0);
		return;
	}
	fchmod(fd, 0700);
	d = fdopendir(fd);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			remove_tree(fd, e->d_name);
	if (d)
		closedir(d);
	unlinkat(at, name, AT_REMOVEDIR);
}

static int run_one(const struct test_case *c)
{
	char dir[] = "/tmp/case-XXXXXX";
	int status = 0;
	pid_t pid;

	if (!mkdtemp(dir) || chmod(dir, 0755)) {
		perror("mkdtemp");
		return 1;
	}
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		if (chdir(dir))
			_exit(1);
		umask(022);
		alarm(10);
		c->fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL); /* what it left behind */
	remove_tree(AT_FDCWD, dir);
	if (WIFSIGNALED(status))
		printf("    ended by signal %d%s\n", WTERMSIG(status),
		       WTERMSIG(status) == SIGALRM ? " (ten seconds)" : "");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0, skipped = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (struct test_case *c = first; c; c = c->next) {
		int r;
		if (argc == 2 && !strcmp(argv[1], "--list")) {
			puts(c->name);
			continue;
		}
		if (argc == 3 && strcmp(argv[2], c->name))
			continue;
		if (argc == 3) {
			alarm(10);
			c->fn();
			return 0;
		}
		r = run_one(c);
		printf("%s %s\n", r == 0 ? "ok" : r == EXIT_SKIP ? "SKIP" : "FAIL", c->name);
		passed += r == 0;
		skipped += r == EXIT_SKIP;
		failed += r != 0 && r != EXIT_SKIP;
	}
	if (argc == 1)
		printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed != 0;
}

/*
 * case.h - cases of system-call tests: plain C against the man pages, for a static program that runs on Linux
 * itself first and in the sandbox then.
 *
 *     CASE(read_at_end_is_zero)
 *     {
 *             int fd = make_file("f", "abc");
 *             EXPECT_EQ(lseek(fd, 0, SEEK_END), 3);
 *             EXPECT_EQ(read(fd, buf, 1), 0);
 *     }
 *
 * Each case runs in a process of its own, in an empty directory of its own, for at most ten seconds. The
 * first EXPECT that does not hold ends it. With --case NAME one case runs in the program's own process.
 */
#ifndef WARREN_TESTS_CASE_H
#define WARREN_TESTS_CASE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct test_case {
	const char *name;
	void (*fn)(void);
	struct test_case *next;
};
void case_register(struct test_case *c);
/* Says what went wrong and ends the case. */
void case_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
/* The machine cannot show it: ends the case as skipped. */
void case_skip(const char *why) __attribute__((noreturn));
const char *errno_name(int e);

#define CASE(id)                                                                                             \
	static void case_##id(void);                                                                         \
	static struct test_case entry_##id = {#id, case_##id, NULL};                                         \
	__attribute__((constructor)) static void register_##id(void)                                         \
	{                                                                                                    \
		case_register(&entry_##id);                                                                  \
	}                                                                                                    \
	static void case_##id(void)

#define EXPECT(cond)                                                                                         \
	do {                                                                                                 \
		if (!(cond))                                                                                 \
			case_fail(__FILE__, __LINE__, "%s does not hold (errno %s)", #cond,                  \
				  errno_name(errno));                                                        \
	} while (0)
#define EXPECT_EQ(actual, expected)                                                                          \
	do {                                                                                                 \
		long long a_ = (long long)(actual), e_ = (long long)(expected);                              \
		if (a_ != e_)                                                                                \
			case_fail(__FILE__, __LINE__, "%s is %lld, expected %s = %lld (errno %s)", #actual,  \
				  a_, #expected, e_, errno_name(errno));                                     \
	} while (0)
#define EXPECT_STR(actual, expected)                                                                         \
	do {                                                                                                 \
		const char *a_ = (actual), *e_ = (expected);                                                 \
		if (strcmp(a_, e_))                                                                          \
			case_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #actual, a_, e_);     \
	} while (0)
/* The call fails with exactly this errno. */
#define EXPECT_ERRNO(call, code)                                                                             \
	do {                                                                                                 \
		long long r_;                                                                                \
		errno = 0;                                                                                   \
		r_ = (long long)(call);                                                                      \
		if (r_ != -1 || errno != (code))                                                             \
			case_fail(__FILE__, __LINE__, "%s gave %lld with %s, expected -1 with %s", #call,    \
				  r_, errno_name(errno), errno_name(code));                                  \
	} while (0)
/* The call succeeds. */
#define OK(call)                                                                                             \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		if ((long long)(call) < 0)                                                                   \
			case_fail(__FILE__, __LINE__, "%s failed with %s", #call, errno_name(errno));        \
	} while (0)

/* A new file with text in it, open for reading and writing at 0. */
int make_file(const char *path, const char *text);
/* Ends with EXPECT if the child does not exit with `code`. */
void expect_exit(pid_t pid, int code);
void expect_signal(pid_t pid, int sig);
void sleep_ms(unsigned ms);
uint64_t now_ms(void);

#endif

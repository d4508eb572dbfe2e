/*
 * test_exec_args.c - execve(2)'s arrays of strings, wherever they lie in memory: all of them arrive, byte for
 * byte, and what cannot be read is EFAULT.
 */
#include "case.h"

#include <sys/mman.h>

extern char **environ;

static uint64_t digest(char **strings, int count)
{
	uint64_t h = 1469598103934665603u;

	for (int i = 0; i < count; i++)
		for (const char *c = strings[i];; c++) {
			h = (h ^ (unsigned char)*c) * 1099511628211u;
			if (!*c)
				break;
		}
	return h;
}

static int count(char **a)
{
	int n = 0;

	while (a[n])
		n++;
	return n;
}

/* As what is executed: does all that follows argv[3] have the digest argv[2], the environment argv[3]? */
__attribute__((constructor)) static void executed(int argc, char **argv, char **env)
{
	if (argc < 4 || strcmp(argv[1], "--digest"))
		return;
	if (digest(argv + 4, argc - 4) != strtoull(argv[2], NULL, 16))
		_exit(41);
	if (digest(env, count(env)) != strtoull(argv[3], NULL, 16))
		_exit(42);
	_exit(0);
}

/* Executes ourselves with argv[4...] and env as given, from the memory they lie in. */
static void expect_arrive(char **argv, char **env)
{
	char one[20], two[20];
	pid_t pid;

	snprintf(one, sizeof(one), "%lx", digest(argv + 4, count(argv + 4)));
	snprintf(two, sizeof(two), "%lx", digest(env, count(env)));
	argv[0] = "x";
	argv[1] = "--digest";
	argv[2] = one;
	argv[3] = two;
	pid = fork();
	if (!pid) {
		execve("/proc/self/exe", argv, env);
		_exit(99);
	}
	expect_exit(pid, 0);
}

/* `pages` pages of memory with nothing behind them; its end. */
static char *before_a_hole(size_t pages)
{
	char *p = mmap(NULL, (pages + 1) * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	OK(munmap(p + pages * 4096, 4096));
	return p + pages * 4096;
}

CASE(strings_behind_each_other)
{
	char *text = malloc(3000 * 12), **argv = calloc(3005, sizeof(*argv)), *env[] = {NULL};
	size_t at = 0;

	for (int i = 0; i < 3000; i++) {
		argv[4 + i] = text + at;
		at += (size_t)sprintf(text + at, "%d", i * i) + 1;
	}
	expect_arrive(argv, env);
}

CASE(strings_in_any_order)
{
	static char text[64][300];
	char *argv[4 + 500] = {0}, *env[40] = {0};

	for (int i = 0; i < 64; i++)
		memset(text[i], 'a' + i % 26, 5 + (size_t)i * 4);
	for (int i = 0; i < 495; i++)
		argv[4 + i] = text[i * 37 % 64] + i % 5;
	for (int i = 0; i < 39; i++)
		env[i] = text[63 - i];
	expect_arrive(argv, env);
}

CASE(the_same_string_many_times)
{
	char *argv[4 + 300] = {0}, *env[] = {"A=1", "A=1", "A=1", NULL};

	for (int i = 4; i < 300; i++)
		argv[i] = env[0];
	expect_arrive(argv, env);
}

CASE(empty_strings)
{
	char *argv[] = {"", "", "", "", "", "a", "", "", NULL}, *env[] = {"", "", NULL};

	expect_arrive(argv, env);
}

CASE(long_strings)
{
	static const size_t sizes[] = {2046, 2047, 2048, 2049, 4095, 4096, 4097, 65536, 131071};
	char *argv[14] = {0}, *env[] = {NULL, NULL};

	for (int i = 0; i < 9; i++) {
		argv[4 + i] = malloc(sizes[i] + 1);
		memset(argv[4 + i], 'b' + i, sizes[i]);
		argv[4 + i][sizes[i]] = 0;
	}
	env[0] = argv[12];
	expect_arrive(argv, env);
}

CASE(a_string_of_128_kib_is_too_long)
{
	char *argv[] = {"x", NULL, NULL}, *env[] = {NULL};

	argv[1] = malloc(131073);
	memset(argv[1], 'a', 131072);
	argv[1][131072] = 0;
	EXPECT_ERRNO(execve("/proc/self/exe", argv, env), E2BIG);
}

CASE(string_that_ends_where_memory_does)
{
	char *end = before_a_hole(2), *argv[7] = {0}, *env[2] = {0};

	memset(end - 6000, 'c', 5999);
	argv[4] = end - 1;
	argv[5] = end - 6000;
	env[0] = end - 3;
	expect_arrive(argv, env);
}

CASE(string_that_does_not_end_before_memory_does)
{
	char *end = before_a_hole(1), *argv[] = {"x", "fine", end - 10, NULL}, *good[] = {"x", NULL};

	memset(end - 10, 'd', 10);
	EXPECT_ERRNO(execve("/proc/self/exe", argv, good), EFAULT);
	EXPECT_ERRNO(execve("/proc/self/exe", good, argv), EFAULT);
	argv[2] = end;
	EXPECT_ERRNO(execve("/proc/self/exe", argv, good), EFAULT);
	argv[2] = (char *)8;
	EXPECT_ERRNO(execve("/proc/self/exe", argv, good), EFAULT);
}

CASE(array_that_ends_where_memory_does)
{
	char **end = (char **)(void *)before_a_hole(1), *env[] = {"E=1", NULL};

	end[-1] = NULL;
	end[-2] = "b";
	end[-3] = "a";
	expect_arrive(end - 7, env);
	expect_arrive((char *[]){0, 0, 0, 0, "z", NULL}, end - 3);
}

CASE(array_that_does_not_end_before_memory_does)
{
	char **end = (char **)(void *)before_a_hole(1), *good[] = {"x", NULL};

	for (int i = 1; i < 20; i++)
		end[-i] = "a";
	EXPECT_ERRNO(execve("/proc/self/exe", end - 19, good), EFAULT);
	EXPECT_ERRNO(execve("/proc/self/exe", good, end - 19), EFAULT);
}

CASE(array_at_an_odd_address_across_pages)
{
	char *mem = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *given[8] = {0, 0, 0, 0, "one", "two", "three", NULL}, *env[] = {NULL};
	char one[20], two[20];
	pid_t pid;

	EXPECT(mem != MAP_FAILED);
	snprintf(one, sizeof(one), "%lx", digest(given + 4, 3));
	snprintf(two, sizeof(two), "%lx", digest(env, 0));
	given[0] = "x";
	given[1] = "--digest";
	given[2] = one;
	given[3] = two;
	memcpy(mem + 4096 - 5 * 8 - 3, given, sizeof(given)); /* the sixth pointer lies across the border */
	pid = fork();
	if (!pid) {
		syscall(SYS_execve, "/proc/self/exe", mem + 4096 - 5 * 8 - 3, env);
		_exit(99);
	}
	expect_exit(pid, 0);
}

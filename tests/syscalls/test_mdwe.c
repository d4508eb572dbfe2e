/* prctl(2): PR_SET_MDWE, PR_GET_AUXV. */
#define _GNU_SOURCE
#include <elf.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "case.h"

#define SET_MDWE 65
#define GET_MDWE 66
#define GET_AUXV 0x41555856
#define PAGE     4096UL

static long map(int prot)
{
	void *p = mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : (long)(uintptr_t)p;
}

CASE(nothing_gains_execution)
{
	long rw = map(PROT_READ | PROT_WRITE), rx = map(PROT_READ | PROT_EXEC);

	EXPECT_EQ(prctl(GET_MDWE, 0, 0, 0, 0), 0);
	OK(prctl(SET_MDWE, 1, 0, 0, 0));
	EXPECT_EQ(prctl(GET_MDWE, 0, 0, 0, 0), 1);
	EXPECT_ERRNO(map(PROT_READ | PROT_WRITE | PROT_EXEC), EACCES);
	EXPECT_ERRNO(mprotect((void *)rw, PAGE, PROT_READ | PROT_EXEC), EACCES);
	EXPECT_ERRNO(mprotect((void *)rx, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), EACCES);
	OK(map(PROT_READ | PROT_EXEC));
	OK(mprotect((void *)rx, PAGE, PROT_READ));
	EXPECT_ERRNO(mprotect((void *)rx, PAGE, PROT_READ | PROT_EXEC), EACCES);
	OK(mprotect((void *)rw, PAGE, PROT_READ));
}

CASE(a_child_inherits_it)
{
	pid_t pid;

	OK(prctl(SET_MDWE, 1, 0, 0, 0));
	pid = fork();
	if (!pid)
		_exit(prctl(GET_MDWE, 0, 0, 0, 0) == 1 && map(PROT_WRITE | PROT_EXEC) < 0 ? 0 : 1);
	expect_exit(pid, 0);
}

CASE(a_child_does_not_inherit_it_if_asked)
{
	pid_t pid;

	OK(prctl(SET_MDWE, 3, 0, 0, 0));
	pid = fork();
	if (!pid)
		_exit(prctl(GET_MDWE, 0, 0, 0, 0) == 0 && map(PROT_WRITE | PROT_EXEC) > 0 ? 0 : 1);
	expect_exit(pid, 0);
}

CASE(it_cannot_be_taken_back)
{
	EXPECT_ERRNO(prctl(SET_MDWE, 2, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(SET_MDWE, 4, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(SET_MDWE, 1, 1, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(GET_MDWE, 1, 0, 0, 0), EINVAL);
	OK(prctl(SET_MDWE, 1, 0, 0, 0));
	OK(prctl(SET_MDWE, 1, 0, 0, 0));
	EXPECT_ERRNO(prctl(SET_MDWE, 0, 0, 0, 0), EPERM);
	EXPECT_ERRNO(prctl(SET_MDWE, 3, 0, 0, 0), EPERM);
}

CASE(the_auxiliary_vector)
{
	unsigned long v[100] = {0};
	long n = prctl(GET_AUXV, v, sizeof(v), 0, 0);
	bool page_size = false;

	EXPECT(n > 0 && n % 16 == 0);
	for (long i = 0; i < n / 8 && v[i]; i += 2)
		page_size |= v[i] == AT_PAGESZ && v[i + 1] == PAGE;
	EXPECT(page_size);
	EXPECT_EQ(prctl(GET_AUXV, v, 16, 0, 0), n);
	EXPECT_ERRNO(prctl(GET_AUXV, (void *)8, sizeof(v), 0, 0), EFAULT);
	EXPECT_ERRNO(prctl(GET_AUXV, v, sizeof(v), 1, 0), EINVAL);
}

/*
 * NUMA memory policies: set_mempolicy(2), get_mempolicy(2), mbind(2), migrate_pages(2), move_pages(2), on a
 * machine of one node.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "case.h"

#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif
enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY };
#define STATIC_NODES   0x8000
#define RELATIVE_NODES 0x4000
#define BALANCING      0x2000
#define F_NODE         1
#define F_ADDR         2
#define F_ALLOWED      4
#define PAGE           4096UL

static unsigned long node0[16] = {1}, node5[16] = {32}, none[16];

static void need_one_node(void)
{
	if (!access("/sys/devices/system/node/node1", F_OK))
		case_skip("a machine of several nodes");
	if (syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0) && errno == ENOSYS)
		case_skip("a kernel without NUMA");
}

static long set(int mode, unsigned long *mask)
{
	return syscall(SYS_set_mempolicy, mode, mask, 1024);
}

static int get(void *addr, int flags)
{
	int mode = -1;

	OK(syscall(SYS_get_mempolicy, &mode, NULL, 0, addr, flags));
	return mode;
}

static char *pages(unsigned n)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

CASE(a_policy_is_kept)
{
	unsigned long mask[16] = {99, 99};
	int mode;

	need_one_node();
	EXPECT_EQ(get(NULL, 0), DEFAULT);
	OK(set(BIND, node0));
	OK(syscall(SYS_get_mempolicy, &mode, mask, 1024, NULL, 0));
	EXPECT_EQ(mode, BIND);
	EXPECT_EQ(mask[0], 1);
	EXPECT_EQ(mask[1], 0);
	OK(set(INTERLEAVE | STATIC_NODES, node0));
	EXPECT_EQ(get(NULL, 0), INTERLEAVE | STATIC_NODES);
	OK(set(LOCAL, NULL));
	EXPECT_EQ(get(NULL, 0), LOCAL);
	OK(set(PREFERRED, NULL));
	EXPECT_EQ(get(NULL, 0), LOCAL);
	OK(set(PREFERRED, node0));
	EXPECT_EQ(get(NULL, 0), PREFERRED);
	OK(set(DEFAULT, none));
	EXPECT_EQ(get(NULL, 0), DEFAULT);
}

CASE(a_policy_is_inherited)
{
	pid_t pid;

	need_one_node();
	OK(set(BIND, node0));
	pid = fork();
	if (!pid)
		_exit(get(NULL, 0) == BIND ? 0 : 1);
	expect_exit(pid, 0);
}

CASE(set_errors)
{
	unsigned long far[20] = {[17] = 1};

	need_one_node();
	EXPECT_ERRNO(set(77, node0), EINVAL);
	EXPECT_ERRNO(set(BIND | STATIC_NODES | RELATIVE_NODES, node0), EINVAL);
	EXPECT_ERRNO(set(INTERLEAVE | BALANCING, node0), EINVAL);
	EXPECT_ERRNO(set(BIND, NULL), EINVAL);
	EXPECT_ERRNO(set(BIND, none), EINVAL);
	EXPECT_ERRNO(set(BIND, node5), EINVAL);
	EXPECT_ERRNO(set(DEFAULT, node0), EINVAL);
	EXPECT_ERRNO(set(LOCAL, node0), EINVAL);
	EXPECT_ERRNO(set(PREFERRED | STATIC_NODES, NULL), EINVAL);
	EXPECT_ERRNO(set(BIND, (void *)8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_set_mempolicy, BIND, far, 20 * 64 + 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_set_mempolicy, BIND, node0, 40000), EINVAL);
}

CASE(mbind_concerns_a_range)
{
	char *p;

	need_one_node();
	p = pages(3);
	OK(syscall(SYS_mbind, p + PAGE, PAGE, BIND, node0, 1024, 0));
	EXPECT_EQ(get(p, F_ADDR), DEFAULT);
	EXPECT_EQ(get(p + PAGE, F_ADDR), BIND);
	EXPECT_EQ(get(p + 2 * PAGE, F_ADDR), DEFAULT);
	OK(set(INTERLEAVE, node0));
	EXPECT_EQ(get(p, F_ADDR), DEFAULT);
	EXPECT_EQ(get(p + PAGE, F_ADDR), BIND);
	OK(syscall(SYS_mbind, p, 3 * PAGE, DEFAULT, NULL, 0, 0));
	EXPECT_EQ(get(p + PAGE, F_ADDR), DEFAULT);
}

CASE(mbind_errors)
{
	char *p;

	need_one_node();
	p = pages(3);
	EXPECT_ERRNO(syscall(SYS_mbind, p + 1, PAGE, BIND, node0, 1024, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_mbind, p, PAGE, BIND, node0, 1024, 64), EINVAL);
	EXPECT_ERRNO(syscall(SYS_mbind, p, PAGE, 99, node0, 1024, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_mbind, p, PAGE, BIND, node5, 1024, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_mbind, p, PAGE, BIND, (void *)8, 1024, 0), EFAULT);
	OK(syscall(SYS_mbind, p, 0, BIND, node0, 1024, 0));
	OK(munmap(p + PAGE, PAGE));
	EXPECT_ERRNO(syscall(SYS_mbind, p, 3 * PAGE, BIND, node0, 1024, 0), EFAULT);
	OK(setresuid(1000, 1000, 1000));
	EXPECT_ERRNO(syscall(SYS_mbind, p, PAGE, BIND, node0, 1024, 4), EPERM);
}

CASE(get_errors)
{
	unsigned long mask[16];
	char *p;
	int mode;

	need_one_node();
	p = pages(1);
	EXPECT_ERRNO(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_get_mempolicy, &mode, mask, 0, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_get_mempolicy, &mode, NULL, 0, p, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_get_mempolicy, &mode, NULL, 0, (void *)0x1000, F_ADDR), EFAULT);
	EXPECT_ERRNO(syscall(SYS_get_mempolicy, (void *)8, NULL, 0, NULL, 0), EFAULT);
	EXPECT_ERRNO(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, F_NODE), EINVAL);
	EXPECT_ERRNO(syscall(SYS_get_mempolicy, &mode, mask, 1024, NULL, F_ALLOWED | F_NODE), EINVAL);
	OK(syscall(SYS_get_mempolicy, &mode, mask, 1024, NULL, F_ALLOWED));
	EXPECT_EQ(mask[0], 1);
}

CASE(the_node_of_a_page)
{
	char *p;

	need_one_node();
	p = pages(1);
	p[0] = 1;
	EXPECT_EQ(get(p, F_ADDR | F_NODE), 0);
	OK(set(INTERLEAVE, node0));
	EXPECT_EQ(get(NULL, F_NODE), 0);
}

CASE(home_node)
{
	char *p;

	need_one_node();
	p = pages(2);
	EXPECT_ERRNO(syscall(SYS_set_mempolicy_home_node, p, PAGE, 0, 0), ENOENT);
	OK(syscall(SYS_mbind, p, PAGE, BIND, node0, 1024, 0));
	OK(syscall(SYS_set_mempolicy_home_node, p, PAGE, 0, 0));
	OK(syscall(SYS_mbind, p, PAGE, INTERLEAVE, node0, 1024, 0));
	EXPECT_ERRNO(syscall(SYS_set_mempolicy_home_node, p, PAGE, 0, 0), EOPNOTSUPP);
	EXPECT_ERRNO(syscall(SYS_set_mempolicy_home_node, p, PAGE, 0, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_set_mempolicy_home_node, p, PAGE, 3, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_set_mempolicy_home_node, p + 1, PAGE, 0, 0), EINVAL);
	OK(syscall(SYS_set_mempolicy_home_node, p, 0, 0, 0));
}

CASE(migrating)
{
	need_one_node();
	EXPECT_EQ(syscall(SYS_migrate_pages, 0, 1024, node0, node0), 0);
	EXPECT_EQ(syscall(SYS_migrate_pages, getpid(), 1024, node0, node0), 0);
	EXPECT_ERRNO(syscall(SYS_migrate_pages, 99999999, 1024, node0, node0), ESRCH);
	EXPECT_ERRNO(syscall(SYS_migrate_pages, 0, 1024, node0, (void *)8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_migrate_pages, 0, 1024, node0, none), EINVAL);
}

CASE(where_pages_are)
{
	void *p[4];
	int status[4] = {77, 77, 77, 77}, nodes[4] = {0, 0, 0, 0};
	char *m;

	need_one_node();
	m = pages(4);
	m[0] = m[PAGE] = 1;
	for (int i = 0; i < 4; i++)
		p[i] = m + (unsigned)i * PAGE;
	OK(munmap(p[3], PAGE));
	OK(syscall(SYS_move_pages, 0, 4, p, NULL, status, 0));
	EXPECT_EQ(status[0], 0);
	EXPECT_EQ(status[1], 0);
	EXPECT_EQ(status[3], -EFAULT);
	OK(syscall(SYS_move_pages, 0, 2, p, nodes, status, 2));
	EXPECT_EQ(status[0], 0);
	nodes[0] = 44;
	EXPECT_ERRNO(syscall(SYS_move_pages, 0, 2, p, nodes, status, 2), ENODEV);
	EXPECT_ERRNO(syscall(SYS_move_pages, 0, 2, p, NULL, status, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_move_pages, 99999999, 2, p, NULL, status, 0), ESRCH);
	EXPECT_ERRNO(syscall(SYS_move_pages, 0, 2, (void *)8, NULL, status, 0), EFAULT);
	OK(setresuid(1000, 1000, 1000));
	EXPECT_ERRNO(syscall(SYS_move_pages, 0, 2, p, NULL, status, 4), EPERM);
	EXPECT_ERRNO(syscall(SYS_move_pages, 1, 2, p, NULL, status, 0), EPERM);
}

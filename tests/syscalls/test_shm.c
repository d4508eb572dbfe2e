/*
 * test_shm.c - System V shared memory: shmget(2), shmat(2), shmdt(2), in an IPC namespace of the case's own.
 */
#include "shm.h"

/* ---- shmget ---- */

CASE(a_private_segment_is_always_new)
{
	int a = segment(100), b = shmget(IPC_PRIVATE, 100, 0600);

	OK(b);
	EXPECT(a != b);
}

CASE(a_key_finds_the_same_segment)
{
	int a, b;

	OK(unshare(CLONE_NEWIPC));
	a = shmget(0x1234, 100, IPC_CREAT | 0600);
	OK(a);
	b = shmget(0x1234, 50, 0);
	EXPECT_EQ(a, b);
	EXPECT_EQ(shmget(0x1234, 0, 0), a);
	EXPECT_EQ(shmget(0x1234, 100, IPC_CREAT | 0600), a);
}

CASE(get_errors)
{
	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(shmget(0x77, 100, 0600), ENOENT);
	EXPECT_ERRNO(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	OK(shmget(0x77, 100, IPC_CREAT | 0600));
	EXPECT_ERRNO(shmget(0x77, 100, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	EXPECT_ERRNO(shmget(0x77, 101, 0), EINVAL);
	EXPECT_ERRNO(shmget(0x78, 0, IPC_CREAT | 0600), EINVAL);
}

CASE(size_limits)
{
	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(shmget(IPC_PRIVATE, SIZE_MAX, 0600), EINVAL);
	set_number("/proc/sys/kernel/shmmax", "8192\n");
	EXPECT_ERRNO(shmget(IPC_PRIVATE, 8193, 0600), EINVAL);
	OK(shmget(IPC_PRIVATE, 8192, 0600));
}

CASE(all_pages_limit)
{
	OK(unshare(CLONE_NEWIPC));
	set_number("/proc/sys/kernel/shmall", "3");
	OK(shmget(IPC_PRIVATE, 2 * PAGE, 0600));
	EXPECT_ERRNO(shmget(IPC_PRIVATE, PAGE + 1, 0600), ENOSPC);
	OK(shmget(IPC_PRIVATE, PAGE, 0600));
	EXPECT_ERRNO(shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
}

CASE(count_limit)
{
	int id;

	OK(unshare(CLONE_NEWIPC));
	set_number("/proc/sys/kernel/shmmni", "2");
	id = shmget(IPC_PRIVATE, 1, 0600);
	OK(id);
	OK(shmget(IPC_PRIVATE, 1, 0600));
	EXPECT_ERRNO(shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
	OK(shmctl(id, IPC_RMID, NULL));
	OK(shmget(IPC_PRIVATE, 1, 0600));
}

CASE(huge_pages_of_no_size)
{
	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(shmget(IPC_PRIVATE, 2 << 20, SHM_HUGETLB | 13 << 26 | 0600), EINVAL);
}

CASE(huge_pages_that_nobody_has)
{
	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(shmget(IPC_PRIVATE, 1UL << 40, SHM_HUGETLB | 0600), ENOMEM);
	become_nobody();
	EXPECT_ERRNO(shmget(IPC_PRIVATE, 2 << 20, SHM_HUGETLB | 0600), EPERM);
}

CASE(noreserve_makes_a_segment)
{
	OK(unshare(CLONE_NEWIPC));
	OK(shmget(IPC_PRIVATE, 1 << 20, SHM_NORESERVE | 0600));
}

CASE(an_id_is_not_used_again_at_once)
{
	int a = segment(1), b;

	OK(shmctl(a, IPC_RMID, NULL));
	b = shmget(IPC_PRIVATE, 1, 0600);
	OK(b);
	EXPECT(a != b);
	EXPECT_ERRNO(shmctl(a, IPC_RMID, NULL), EINVAL);
}

CASE(namespaces_do_not_see_each_other)
{
	int a;

	OK(unshare(CLONE_NEWIPC));
	a = shmget(0x55, 10, IPC_CREAT | 0600);
	OK(a);
	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(shmget(0x55, 10, 0600), ENOENT);
	EXPECT_ERRNO(shmat(a, NULL, 0), EINVAL);
}

/* ---- shmat ---- */

CASE(memory_is_zero_and_shared)
{
	int id = segment(3 * PAGE);
	char *p = attach(id, 0), *q = attach(id, 0);

	EXPECT(p != q);
	EXPECT_EQ(p[0], 0);
	EXPECT_EQ(p[3 * PAGE - 1], 0);
	p[5000] = 'x';
	EXPECT_EQ(q[5000], 'x');
}

CASE(memory_outlives_its_mappings)
{
	int id = segment(100);
	char *p = attach(id, 0);

	strcpy(p, "still here");
	OK(shmdt(p));
	EXPECT_EQ(attached(id), 0);
	EXPECT_STR(attach(id, SHM_RDONLY), "still here");
}

CASE(a_child_shares_what_its_parent_attached)
{
	int id = segment(PAGE);
	char *p = attach(id, 0);
	pid_t pid = fork();

	if (!pid) {
		EXPECT_EQ(attached(id), 2);
		p[7] = 'c';
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(p[7], 'c');
	EXPECT_EQ(attached(id), 1);
}

CASE(another_process_attaches_by_key)
{
	pid_t pid;
	char *p;
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = shmget(0x4711, PAGE, IPC_CREAT | 0600);
	p = attach(id, 0);
	pid = fork();
	if (!pid) {
		char *q;
		OK(shmdt(p));
		q = attach(shmget(0x4711, 0, 0), 0);
		strcpy(q, "hello");
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_STR(p, "hello");
}

CASE(exec_detaches)
{
	int id = segment(PAGE);
	pid_t pid;

	attach(id, 0);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "x", "--case", "no_such_case", NULL);
		_exit(99);
	}
	OK(waitpid(pid, NULL, 0));
	EXPECT_EQ(attached(id), 1);
}

CASE(at_an_address)
{
	int id = segment(2 * PAGE);
	char *place = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	OK(munmap(place, 4 * PAGE));
	EXPECT(shmat(id, place, 0) == place);
	OK(shmdt(place));
	EXPECT(shmat(id, place + 100, SHM_RND) == place);
	EXPECT_ERRNO(shmat(id, place + PAGE + 100, 0), EINVAL);
}

CASE(an_address_in_use_is_refused)
{
	int id = segment(2 * PAGE);
	char *place = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_ERRNO(shmat(id, place, 0), EINVAL);
	OK(munmap(place, PAGE));
	EXPECT_ERRNO(shmat(id, place, 0), EINVAL);
}

CASE(remap_replaces)
{
	int id = segment(2 * PAGE);
	char *place = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	place[0] = 'a', place[3 * PAGE] = 'b';
	EXPECT(shmat(id, place, SHM_REMAP) == place);
	EXPECT_EQ(place[0], 0);
	EXPECT_EQ(place[3 * PAGE], 'b');
	EXPECT_EQ(attached(id), 1);
}

CASE(remap_needs_an_address)
{
	int id = segment(PAGE);

	EXPECT_ERRNO(shmat(id, NULL, SHM_REMAP), EINVAL);
	EXPECT_ERRNO(shmat(id, (void *)100, SHM_REMAP | SHM_RND), EINVAL);
}

CASE(attach_errors)
{
	int id = segment(PAGE);

	EXPECT_ERRNO(shmat(-1, NULL, 0), EINVAL);
	EXPECT_ERRNO(shmat(id + 1, NULL, 0), EINVAL);
	EXPECT_ERRNO(shmat(id + 32768, NULL, 0), EINVAL);
	EXPECT_ERRNO(shmdt((void *)0x7000), EINVAL);
	EXPECT_ERRNO(shmdt((void *)1), EINVAL);
	OK(shmctl(id, IPC_RMID, NULL));
	EXPECT_ERRNO(shmat(id, NULL, 0), EINVAL);
}

CASE(read_only_memory_cannot_be_written)
{
	int id = segment(PAGE);
	char *p = attach(id, SHM_RDONLY);
	pid_t pid = fork();

	if (!pid) {
		*(volatile char *)p = 1;
		_exit(0);
	}
	expect_signal(pid, SIGSEGV);
	EXPECT_ERRNO(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

CASE(executable_memory_runs)
{
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
	int id = shmget(IPC_PRIVATE, 1, 0700), result;
	char *p;

	OK(unshare(CLONE_NEWIPC));
	shmctl(id, IPC_RMID, NULL);
	id = shmget(IPC_PRIVATE, PAGE, 0700);
	p = attach(id, SHM_EXEC);
	memcpy(p, code, sizeof(code));
	result = ((int (*)(void))(uintptr_t)p)();
	EXPECT_EQ(result, 42);
}

CASE(permissions_of_attaching)
{
	int ro, none;

	OK(unshare(CLONE_NEWIPC));
	ro = shmget(IPC_PRIVATE, PAGE, 0604);
	none = shmget(IPC_PRIVATE, PAGE, 0600);
	become_nobody();
	EXPECT_ERRNO(shmat(ro, NULL, 0), EACCES);
	attach(ro, SHM_RDONLY);
	EXPECT_ERRNO(shmat(ro, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
	EXPECT_ERRNO(shmat(none, NULL, SHM_RDONLY), EACCES);
}

CASE(permissions_of_getting)
{
	OK(unshare(CLONE_NEWIPC));
	OK(shmget(0x10, PAGE, IPC_CREAT | 0640));
	become_nobody();
	EXPECT_ERRNO(shmget(0x10, 0, 0400), EACCES);
	OK(shmget(0x10, 0, 0));
	EXPECT_ERRNO(shmget(0x10, 2 * PAGE, 0400), EINVAL);
}

CASE(the_group_has_its_bits)
{
	int id;
	gid_t g = 65534;

	OK(unshare(CLONE_NEWIPC));
	id = shmget(IPC_PRIVATE, PAGE, 0640);
	OK(setgroups(1, &(gid_t){0}));
	OK(setresgid(g, g, g));
	OK(setresuid(65534, 65534, 65534));
	attach(id, SHM_RDONLY);
	EXPECT_ERRNO(shmat(id, NULL, 0), EACCES);
}

CASE(address_space_limit)
{
	int id = segment(64 << 20);
	struct rlimit r = {32 << 20, 32 << 20};

	OK(setrlimit(RLIMIT_AS, &r));
	EXPECT_ERRNO(shmat(id, NULL, 0), ENOMEM);
	EXPECT_EQ(attached(id), 0);
}

/* ---- shmdt and counting ---- */

CASE(detaching_needs_the_address_it_was_attached_at)
{
	int id = segment(2 * PAGE);
	char *p = attach(id, 0);

	EXPECT_ERRNO(shmdt(p + PAGE), EINVAL);
	OK(shmdt(p));
	EXPECT_ERRNO(shmdt(p), EINVAL);
}

CASE(each_attachment_is_detached_alone)
{
	int id = segment(2 * PAGE);
	char *p = attach(id, 0), *q = attach(id, 0);

	OK(shmdt(p));
	q[0] = 1;
	EXPECT_EQ(attached(id), 1);
	OK(shmdt(q));
	EXPECT_EQ(attached(id), 0);
}

CASE(an_attachment_cut_by_mprotect_counts_twice)
{
	int id = segment(2 * PAGE);
	char *p = attach(id, 0);

	OK(mprotect(p + PAGE, PAGE, PROT_READ));
	EXPECT_EQ(attached(id), 2);
	OK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(attached(id), 2);
	OK(shmdt(p));
	EXPECT_EQ(attached(id), 0);
}

CASE(a_hole_in_the_middle)
{
	int id = segment(3 * PAGE);
	char *p = attach(id, 0);

	OK(munmap(p + PAGE, PAGE));
	EXPECT_EQ(attached(id), 2);
	OK(shmdt(p));
	EXPECT_EQ(attached(id), 0);
	EXPECT_ERRNO(msync(p + 2 * PAGE, PAGE, MS_ASYNC), ENOMEM);
}

CASE(munmap_detaches)
{
	int id = segment(PAGE);
	char *p = attach(id, 0);

	OK(munmap(p, PAGE));
	EXPECT_EQ(attached(id), 0);
}

CASE(mremap_moves_an_attachment)
{
	int id = segment(2 * PAGE);
	char *p = attach(id, 0), *to = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	strcpy(p + PAGE, "moved");
	EXPECT(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	EXPECT_EQ(attached(id), 1);
	EXPECT_STR(to + PAGE, "moved");
	OK(shmdt(to));
	EXPECT_EQ(attached(id), 0);
}

CASE(beyond_the_last_page_is_sigbus_or_nothing)
{
	int id = segment(PAGE + 1);
	char *p = attach(id, 0);

	p[2 * PAGE - 1] = 'z'; /* the rest of the last page is there */
	EXPECT_EQ(p[2 * PAGE - 1], 'z');
}

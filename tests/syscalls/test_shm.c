/*
 * test_shm.c - System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2), in an IPC namespace of the
 * case's own.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>

#include "case.h"

#define PAGE 4096UL
#define AWAY ((void *)-1)

static int segment(size_t size)
{
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = shmget(IPC_PRIVATE, size, 0600);
	OK(id);
	return id;
}

static char *attach(int id, int flags)
{
	void *p = shmat(id, NULL, flags);

	if (p == AWAY)
		case_fail(__FILE__, __LINE__, "shmat failed with %s", errno_name(errno));
	return p;
}

static long attached(int id)
{
	struct shmid_ds d;

	OK(shmctl(id, IPC_STAT, &d));
	return (long)d.shm_nattch;
}

static void become_nobody(void)
{
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
}

static void set_number(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	OK(fd);
	EXPECT_EQ(write(fd, text, strlen(text)), (long)strlen(text));
	close(fd);
}

static void find_line(const char *file, const char *what, char *line, size_t size)
{
	FILE *f = fopen(file, "r");

	EXPECT(f);
	while (fgets(line, (int)size, f))
		if (strstr(line, what)) {
			fclose(f);
			return;
		}
	case_fail(__FILE__, __LINE__, "%s does not name %s", file, what);
}

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

/* ---- shmctl ---- */

CASE(stat_says_who_and_when)
{
	time_t before = time(NULL) - 1;
	int id = segment(12345);
	struct shmid_ds d;

	OK(shmctl(id, IPC_STAT, &d));
	EXPECT_EQ(d.shm_segsz, 12345);
	EXPECT_EQ(d.shm_cpid, getpid());
	EXPECT_EQ(d.shm_lpid, 0);
	EXPECT_EQ(d.shm_atime, 0);
	EXPECT_EQ(d.shm_dtime, 0);
	EXPECT(d.shm_ctime >= before);
	EXPECT_EQ(d.shm_perm.mode, 0600);
	EXPECT_EQ(d.shm_perm.__key, IPC_PRIVATE);
	EXPECT_EQ(d.shm_perm.uid, 0);
	OK(shmdt(attach(id, 0)));
	OK(shmctl(id, IPC_STAT, &d));
	EXPECT_EQ(d.shm_lpid, getpid());
	EXPECT(d.shm_atime >= before);
	EXPECT(d.shm_dtime >= before);
}

CASE(a_removed_segment_lives_while_attached)
{
	struct shmid_ds d;
	char *p, *q;
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = shmget(0x99, PAGE, IPC_CREAT | 0600);
	p = attach(id, 0);
	p[0] = 'k';
	OK(shmctl(id, IPC_RMID, NULL));
	EXPECT_ERRNO(shmget(0x99, 0, 0), ENOENT);
	OK(shmctl(id, IPC_STAT, &d));
	EXPECT_EQ(d.shm_perm.mode, SHM_DEST | 0600);
	EXPECT_EQ(d.shm_perm.__key, IPC_PRIVATE);
	q = attach(id, 0);
	EXPECT_EQ(q[0], 'k');
	OK(shmdt(p));
	OK(shmdt(q));
	EXPECT_ERRNO(shmctl(id, IPC_STAT, &d), EINVAL);
}

CASE(a_removed_segment_goes_with_the_last_process)
{
	int id = segment(PAGE);
	struct shmid_ds d;
	pid_t pid = fork();

	if (!pid) {
		attach(id, 0);
		OK(shmctl(id, IPC_RMID, NULL));
		OK(shmctl(id, IPC_STAT, &d));
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_ERRNO(shmctl(id, IPC_STAT, &d), EINVAL);
}

CASE(set_changes_owner_and_mode)
{
	int id = segment(PAGE);
	struct shmid_ds d;

	OK(shmctl(id, IPC_STAT, &d));
	d.shm_perm.uid = 65534;
	d.shm_perm.gid = 5;
	d.shm_perm.mode = 0777;
	d.shm_segsz = 1;
	OK(shmctl(id, IPC_SET, &d));
	OK(shmctl(id, IPC_STAT, &d));
	EXPECT_EQ(d.shm_perm.uid, 65534);
	EXPECT_EQ(d.shm_perm.cuid, 0);
	EXPECT_EQ(d.shm_perm.gid, 5);
	EXPECT_EQ(d.shm_perm.mode, 0777);
	EXPECT_EQ(d.shm_segsz, PAGE);
	become_nobody();
	OK(shmctl(id, IPC_SET, &d));
	OK(shmctl(id, IPC_RMID, NULL));
}

CASE(control_errors)
{
	int id = segment(PAGE);
	struct shmid_ds d;

	EXPECT_ERRNO(shmctl(id, 77, &d), EINVAL);
	EXPECT_ERRNO(shmctl(-1, IPC_STAT, &d), EINVAL);
	EXPECT_ERRNO(shmctl(id, IPC_STAT, (void *)8), EFAULT);
	EXPECT_ERRNO(shmctl(id, IPC_SET, (void *)8), EFAULT);
	OK(shmctl(id, IPC_STAT, &d));
	d.shm_perm.uid = (uid_t)-1;
	EXPECT_ERRNO(shmctl(id, IPC_SET, &d), EINVAL);
	become_nobody();
	EXPECT_ERRNO(shmctl(id, IPC_STAT, &d), EACCES);
	EXPECT_ERRNO(shmctl(id, IPC_SET, &d), EPERM);
	EXPECT_ERRNO(shmctl(id, IPC_RMID, NULL), EPERM);
	EXPECT_ERRNO(shmctl(id, SHM_LOCK, NULL), EPERM);
}

CASE(lock_is_a_bit_of_the_mode)
{
	int id = segment(PAGE);
	struct shmid_ds d;

	OK(shmctl(id, SHM_LOCK, NULL));
	OK(shmctl(id, IPC_STAT, &d));
	EXPECT_EQ(d.shm_perm.mode, SHM_LOCKED | 0600);
	OK(shmctl(id, SHM_UNLOCK, NULL));
	OK(shmctl(id, IPC_STAT, &d));
	EXPECT_EQ(d.shm_perm.mode, 0600);
}

CASE(lock_has_a_limit)
{
	struct rlimit r = {8192, 8192}, zero = {0, 0};
	int small, large;

	OK(unshare(CLONE_NEWIPC));
	OK(setrlimit(RLIMIT_MEMLOCK, &r));
	become_nobody();
	small = shmget(IPC_PRIVATE, 8192, 0600);
	large = shmget(IPC_PRIVATE, 8193, 0600);
	OK(shmctl(small, SHM_LOCK, NULL));
	EXPECT_ERRNO(shmctl(large, SHM_LOCK, NULL), ENOMEM);
	OK(setrlimit(RLIMIT_MEMLOCK, &zero));
	EXPECT_ERRNO(shmctl(large, SHM_LOCK, NULL), EPERM);
}

CASE(info_tells_limits)
{
	struct shminfo i;
	int id = segment(1);

	EXPECT_EQ(shmctl(0, IPC_INFO, (void *)&i), 0);
	EXPECT_EQ(i.shmmax, 18446744073692774399UL);
	EXPECT_EQ(i.shmmin, 1);
	EXPECT_EQ(i.shmmni, 4096);
	EXPECT_EQ(i.shmseg, 4096);
	EXPECT_EQ(i.shmall, 18446744073692774399UL);
	OK(shmget(IPC_PRIVATE, 1, 0600));
	EXPECT_EQ(shmctl(0, IPC_INFO, (void *)&i), 1);
	OK(shmctl(id, IPC_RMID, NULL));
	EXPECT_EQ(shmctl(0, IPC_INFO, (void *)&i), 1);
}

CASE(info_tells_use)
{
	struct shm_info i;
	int id = segment(3 * PAGE);

	EXPECT_EQ(shmctl(0, SHM_INFO, (void *)&i), 0);
	EXPECT_EQ(i.used_ids, 1);
	EXPECT_EQ(i.shm_tot, 3);
	EXPECT_EQ(i.shm_rss, 0);
	attach(id, 0)[PAGE] = 1;
	OK(shmctl(0, SHM_INFO, (void *)&i));
	EXPECT_EQ(i.shm_rss, 1);
}

CASE(stat_by_index)
{
	struct shmid_ds d;
	int id;

	segment(1);
	id = shmget(IPC_PRIVATE, 222, 0600);
	EXPECT_EQ(shmctl(1, SHM_STAT, &d), id);
	EXPECT_EQ(d.shm_segsz, 222);
	EXPECT_ERRNO(shmctl(2, SHM_STAT, &d), EINVAL);
	become_nobody();
	EXPECT_ERRNO(shmctl(1, SHM_STAT, &d), EACCES);
	EXPECT_EQ(shmctl(1, SHM_STAT_ANY, &d), id);
}

CASE(the_pid_is_as_the_reader_counts)
{
	int id = segment(1);
	pid_t pid;

	OK(unshare(CLONE_NEWPID));
	pid = fork();
	if (!pid) {
		struct shmid_ds d;
		OK(shmctl(id, IPC_STAT, &d));
		EXPECT_EQ(d.shm_cpid, 0);
		OK(shmdt(attach(id, 0)));
		OK(shmctl(id, IPC_STAT, &d));
		EXPECT_EQ(d.shm_lpid, 1);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* ---- /proc ---- */

CASE(maps_name_segments)
{
	char line[300], want[40];
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = shmget(0xabc, PAGE, IPC_CREAT | 0600);
	attach(id, 0);
	find_line("/proc/self/maps", "/SYSV00000abc (deleted)", line, sizeof(line));
	EXPECT(strstr(line, " rw-s 00000000 "));
	snprintf(want, sizeof(want), " %d ", id);
	EXPECT(strstr(line, want));
	find_line("/proc/self/smaps", "/SYSV00000abc (deleted)", line, sizeof(line));
}

CASE(proc_lists_segments)
{
	char line[400];
	unsigned mode, nattch, uid;
	int key, id, fid;
	unsigned long size;
	pid_t cpid, lpid;

	OK(unshare(CLONE_NEWIPC));
	id = shmget(0x7b, 5000, IPC_CREAT | 0640);
	attach(id, 0)[0] = 1;
	find_line("/proc/sysvipc/shm", "       123", line, sizeof(line));
	EXPECT_EQ(
	    sscanf(line, "%d %d %o %lu %d %d %u %u", &key, &fid, &mode, &size, &cpid, &lpid, &nattch, &uid),
	    8);
	EXPECT_EQ(key, 0x7b);
	EXPECT_EQ(fid, id);
	EXPECT_EQ(mode, 0640);
	EXPECT_EQ(size, 5000);
	EXPECT_EQ(cpid, getpid());
	EXPECT_EQ(nattch, 1);
	EXPECT_EQ(strlen(line), 170);
	find_line("/proc/sysvipc/shm", "key", line, sizeof(line));
	EXPECT_STR(line,
		   "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  "
		   "cgid      atime      dtime      ctime                   rss                  swap\n");
}

CASE(limits_are_checked)
{
	int fd;

	OK(unshare(CLONE_NEWIPC));
	fd = open("/proc/sys/kernel/shmmni", O_WRONLY);
	OK(fd);
	EXPECT_ERRNO(write(fd, "40000", 5), EINVAL);
	EXPECT_ERRNO(write(fd, "x", 1), EINVAL);
	EXPECT_EQ(write(fd, "100", 3), 3);
}

CASE(forced_removal_of_orphans)
{
	struct shmid_ds d;
	int mine = segment(1), ids[2], p[2];
	pid_t pid;

	OK(pipe(p));
	pid = fork();
	if (!pid) {
		ids[0] = shmget(IPC_PRIVATE, 1, 0600);
		write(p[1], ids, sizeof(int));
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(read(p[0], ids, sizeof(int)), (long)sizeof(int));
	OK(shmctl(ids[0], IPC_STAT, &d));
	set_number("/proc/sys/kernel/shm_rmid_forced", "1");
	EXPECT_ERRNO(shmctl(ids[0], IPC_STAT, &d), EINVAL);
	OK(shmctl(mine, IPC_STAT, &d));
	OK(shmdt(attach(mine, 0)));
	EXPECT_ERRNO(shmctl(mine, IPC_STAT, &d), EINVAL);
}

CASE(many_segments)
{
	int ids[300];

	OK(unshare(CLONE_NEWIPC));
	for (int i = 0; i < 300; i++) {
		ids[i] = shmget(1000 + i, 100, IPC_CREAT | IPC_EXCL | 0600);
		OK(ids[i]);
	}
	for (int i = 0; i < 300; i++)
		EXPECT_EQ(shmget(1000 + i, 0, 0), ids[i]);
	for (int i = 0; i < 300; i += 2)
		OK(shmctl(ids[i], IPC_RMID, NULL));
	for (int i = 0; i < 300; i++)
		EXPECT_EQ(shmget(1000 + i, 0, 0), i % 2 ? ids[i] : -1);
}

CASE(a_futex_in_a_segment_wakes_another_process)
{
	int id = segment(PAGE), *p = (int *)(void *)attach(id, 0);
	pid_t pid = fork();

	if (!pid) {
		int *q = (int *)(void *)attach(id, 0); /* at another address */
		for (;;) {
			if (syscall(SYS_futex, q + 3, 1 /* WAKE */, 1, NULL, NULL, 0) == 1)
				_exit(0);
			sleep_ms(5);
		}
	}
	OK(syscall(SYS_futex, p + 3, 0 /* WAIT */, 0, NULL, NULL, 0));
	expect_exit(pid, 0);
}

/* Sizes at the end of what a file may have; nothing is charged for a segment without reserve. */
CASE(sizes_beyond_all_files)
{
	static const size_t none[] = {1UL << 63, (1UL << 63) + 4096, ~0UL - (1UL << 24)};
	static const size_t large[] = {(1UL << 63) - 1, (1UL << 63) - 4096, 1UL << 62, 1UL << 50};

	for (int i = 0; i < 3; i++) {
		EXPECT_ERRNO(shmget(IPC_PRIVATE, none[i], 0600), EINVAL);
		EXPECT_ERRNO(shmget(IPC_PRIVATE, none[i], 0600 | 010000 /* SHM_NORESERVE */), EINVAL);
	}
	for (int i = 0; i < 4; i++) {
		int id = shmget(IPC_PRIVATE, large[i], 0600 | 010000);
		EXPECT(id >= 0 || errno == ENOMEM || errno == ENOSPC); /* others count together */
		if (id >= 0)
			OK(shmctl(id, IPC_RMID, NULL));
		EXPECT_ERRNO(shmget(IPC_PRIVATE, large[i], 0600), ENOMEM);
	}
}

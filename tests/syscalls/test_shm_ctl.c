/*
 * test_shm_ctl.c - System V shared memory: shmctl(2), /proc/sysvipc/shm and limits.
 */
#include "shm.h"

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

/*
 * test_sem.c - System V semaphores: semget(2), semop(2), semctl(2), in an IPC namespace of the case's own.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>

#include "case.h"

union arg {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int set(int count)
{
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = semget(IPC_PRIVATE, count, 0600);
	OK(id);
	return id;
}

static int op(int id, int num, int by, int flags)
{
	struct sembuf s = {(unsigned short)num, (short)by, (short)flags};

	return semop(id, &s, 1);
}

static int value(int id, int num)
{
	return semctl(id, num, GETVAL);
}

static void set_value(int id, int num, int v)
{
	OK(semctl(id, num, SETVAL, (union arg){.val = v}));
}

static void become_nobody(void)
{
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
}

/* Until somebody waits as `cmd` counts. */
static void await(int id, int num, int cmd, int count)
{
	while (semctl(id, num, cmd) < count)
		sleep_ms(2);
}

static pid_t child_op(int id, int num, int by, int flags)
{
	pid_t pid = fork();

	if (!pid)
		_exit(op(id, num, by, flags) ? errno : 0);
	return pid;
}

/* ---- semget ---- */

CASE(a_key_finds_the_set)
{
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = semget(5, 3, IPC_CREAT | 0600);
	OK(id);
	EXPECT_EQ(semget(5, 3, 0), id);
	EXPECT_EQ(semget(5, 0, 0), id);
	EXPECT_EQ(semget(5, 1, IPC_CREAT), id);
}

CASE(get_errors)
{
	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(semget(6, 1, 0), ENOENT);
	EXPECT_ERRNO(semget(6, 0, IPC_CREAT | 0600), EINVAL);
	EXPECT_ERRNO(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	EXPECT_ERRNO(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	OK(semget(6, 2, IPC_CREAT | 0600));
	EXPECT_ERRNO(semget(6, 3, 0), EINVAL);
	EXPECT_ERRNO(semget(6, 2, IPC_CREAT | IPC_EXCL), EEXIST);
	become_nobody();
	EXPECT_ERRNO(semget(6, 2, 0600), EACCES);
}

CASE(limits_of_sem)
{
	int fd, id;

	OK(unshare(CLONE_NEWIPC));
	fd = open("/proc/sys/kernel/sem", O_WRONLY);
	OK(fd);
	EXPECT_EQ(write(fd, "10 15 4 3\n", 10), 10);
	EXPECT_ERRNO(semget(IPC_PRIVATE, 11, 0600), EINVAL);
	OK(semget(IPC_PRIVATE, 10, 0600));
	EXPECT_ERRNO(semget(IPC_PRIVATE, 6, 0600), ENOSPC);
	id = semget(IPC_PRIVATE, 4, 0600);
	OK(id);
	OK(semget(IPC_PRIVATE, 1, 0600));
	EXPECT_ERRNO(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	{
		struct sembuf five[5] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}};
		EXPECT_ERRNO(semop(id, five, 5), E2BIG);
		OK(semop(id, five, 4));
	}
}

CASE(proc_shows_sem)
{
	char buf[100] = "";
	int fd = open("/proc/sys/kernel/sem", O_RDONLY);

	OK(read(fd, buf, sizeof(buf)));
	EXPECT_STR(buf, "32000\t1024000000\t500\t32000\n");
}

/* ---- semop ---- */

CASE(values_begin_at_zero_and_add_up)
{
	int id = set(2);

	EXPECT_EQ(value(id, 0), 0);
	OK(op(id, 1, 5, 0));
	OK(op(id, 1, -2, 0));
	EXPECT_EQ(value(id, 1), 3);
	EXPECT_EQ(value(id, 0), 0);
}

CASE(nowait_says_eagain)
{
	int id = set(1);

	EXPECT_ERRNO(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
	OK(op(id, 0, 0, IPC_NOWAIT));
	OK(op(id, 0, 1, IPC_NOWAIT));
	EXPECT_ERRNO(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
	EXPECT_ERRNO(op(id, 0, -2, IPC_NOWAIT), EAGAIN);
	EXPECT_EQ(value(id, 0), 1);
}

CASE(operation_errors)
{
	int id = set(2);
	struct sembuf s = {0, 1, 0};

	EXPECT_ERRNO(op(id, 2, 1, 0), EFBIG);
	EXPECT_ERRNO(semop(id, &s, 0), EINVAL);
	EXPECT_ERRNO(semop(-1, &s, 1), EINVAL);
	EXPECT_ERRNO(semop(id + 1, &s, 1), EINVAL);
	EXPECT_ERRNO(semop(id, (struct sembuf *)8, 1), EFAULT);
	EXPECT_ERRNO(semop(id, &s, 501), E2BIG);
	set_value(id, 0, 32767);
	EXPECT_ERRNO(op(id, 0, 1, 0), ERANGE);
	EXPECT_EQ(value(id, 0), 32767);
}

CASE(operations_are_all_or_none)
{
	int id = set(3);
	struct sembuf s[] = {{0, 2, 0}, {1, 3, 0}, {2, -1, IPC_NOWAIT}};

	EXPECT_ERRNO(semop(id, s, 3), EAGAIN);
	EXPECT_EQ(value(id, 0), 0);
	EXPECT_EQ(value(id, 1), 0);
	s[2].sem_op = 1;
	OK(semop(id, s, 3));
	EXPECT_EQ(value(id, 1), 3);
}

CASE(operations_of_one_call_see_each_other)
{
	int id = set(1);
	struct sembuf up_down[] = {{0, 3, 0}, {0, -3, 0}, {0, 0, IPC_NOWAIT}};
	struct sembuf down_up[] = {{0, -1, IPC_NOWAIT}, {0, 1, 0}};

	OK(semop(id, up_down, 3));
	EXPECT_ERRNO(semop(id, down_up, 2), EAGAIN);
}

CASE(a_waiter_is_woken)
{
	int id = set(1);
	pid_t pid = child_op(id, 0, -2, 0);

	await(id, 0, GETNCNT, 1);
	OK(op(id, 0, 1, 0));
	sleep_ms(20);
	EXPECT_EQ(semctl(id, 0, GETNCNT), 1);
	OK(op(id, 0, 1, 0));
	expect_exit(pid, 0);
	EXPECT_EQ(value(id, 0), 0);
	EXPECT_EQ(semctl(id, 0, GETNCNT), 0);
}

CASE(waiting_for_zero)
{
	int id = set(1);
	pid_t pid;

	set_value(id, 0, 2);
	pid = child_op(id, 0, 0, 0);
	await(id, 0, GETZCNT, 1);
	EXPECT_EQ(semctl(id, 0, GETNCNT), 0);
	OK(op(id, 0, -2, 0));
	expect_exit(pid, 0);
}

CASE(setval_wakes)
{
	int id = set(2);
	pid_t a = child_op(id, 0, -3, 0), b;

	set_value(id, 1, 1);
	b = child_op(id, 1, 0, 0);
	await(id, 0, GETNCNT, 1);
	await(id, 1, GETZCNT, 1);
	set_value(id, 0, 3);
	expect_exit(a, 0);
	set_value(id, 1, 0);
	expect_exit(b, 0);
}

CASE(setall_wakes)
{
	int id = set(2);
	unsigned short v[] = {1, 7};
	pid_t a = child_op(id, 1, -7, 0);

	await(id, 1, GETNCNT, 1);
	OK(semctl(id, 0, SETALL, (union arg){.array = v}));
	expect_exit(a, 0);
	EXPECT_EQ(value(id, 0), 1);
	EXPECT_EQ(value(id, 1), 0);
}

CASE(one_call_wakes_many)
{
	int id = set(1);
	pid_t pids[5];

	for (int i = 0; i < 5; i++)
		pids[i] = child_op(id, 0, -1, 0);
	await(id, 0, GETNCNT, 5);
	OK(op(id, 0, 5, 0));
	for (int i = 0; i < 5; i++)
		expect_exit(pids[i], 0);
}

CASE(a_waiter_wakes_the_next)
{
	int id = set(2);
	struct sembuf s[] = {{0, -1, 0}, {1, 1, 0}};
	pid_t second = child_op(id, 1, -1, 0), first;

	await(id, 1, GETNCNT, 1);
	first = fork();
	if (!first)
		_exit(semop(id, s, 2) ? 1 : 0);
	await(id, 0, GETNCNT, 1);
	OK(op(id, 0, 1, 0));
	expect_exit(first, 0);
	expect_exit(second, 0);
}

CASE(a_call_of_several_waits_for_each_in_turn)
{
	int id = set(2);
	struct sembuf s[] = {{0, -1, 0}, {1, -1, 0}};
	pid_t pid = fork();

	if (!pid)
		_exit(semop(id, s, 2) ? 1 : 0);
	await(id, 0, GETNCNT, 1);
	EXPECT_EQ(semctl(id, 1, GETNCNT), 0);
	OK(op(id, 0, 1, 0));
	await(id, 1, GETNCNT, 1);
	EXPECT_EQ(value(id, 0), 1); /* not taken before both can be */
	OK(op(id, 1, 1, 0));
	expect_exit(pid, 0);
	EXPECT_EQ(value(id, 0), 0);
}

CASE(removal_wakes_with_eidrm)
{
	int id = set(2);
	pid_t a = child_op(id, 0, -1, 0), b;

	set_value(id, 1, 1);
	b = child_op(id, 1, 0, 0);
	await(id, 0, GETNCNT, 1);
	await(id, 1, GETZCNT, 1);
	OK(semctl(id, 0, IPC_RMID));
	expect_exit(a, EIDRM);
	expect_exit(b, EIDRM);
	EXPECT_ERRNO(op(id, 0, 1, 0), EINVAL);
}

static void nothing(int sig)
{
}

CASE(a_signal_interrupts)
{
	struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART};
	int id = set(1);
	pid_t pid = fork();

	if (!pid) {
		sigaction(SIGUSR1, &sa, NULL);
		_exit(op(id, 0, -1, 0) ? errno : 0);
	}
	await(id, 0, GETNCNT, 1);
	kill(pid, SIGUSR1);
	expect_exit(pid, EINTR);
	EXPECT_EQ(semctl(id, 0, GETNCNT), 0);
}

CASE(a_killed_waiter_is_no_waiter)
{
	int id = set(1);
	pid_t pid = child_op(id, 0, -1, 0);

	await(id, 0, GETNCNT, 1);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	EXPECT_EQ(semctl(id, 0, GETNCNT), 0);
	OK(op(id, 0, 1, 0));
	EXPECT_EQ(value(id, 0), 1);
}

CASE(timed_waiting)
{
	struct timespec ts = {0, 30 * 1000000}, bad = {0, 1000000000}, negative = {-1, 0};
	struct sembuf s = {0, -1, 0};
	int id = set(1);
	uint64_t before = now_ms();

	EXPECT_ERRNO(semtimedop(id, &s, 1, &ts), EAGAIN);
	EXPECT(now_ms() - before >= 30);
	EXPECT_ERRNO(semtimedop(id, &s, 1, &bad), EINVAL);
	EXPECT_ERRNO(semtimedop(id, &s, 1, &negative), EINVAL);
	EXPECT_ERRNO(syscall(SYS_semtimedop, id, &s, 1, (void *)8), EFAULT);
	EXPECT_EQ(semctl(id, 0, GETNCNT), 0);
	OK(op(id, 0, 1, 0));
	OK(semtimedop(id, &s, 1, &ts));
}

CASE(a_timeout_that_is_not_needed)
{
	struct timespec ts = {5, 0};
	struct sembuf s = {0, -1, 0};
	int id = set(1);
	pid_t pid = fork();

	if (!pid)
		_exit(semtimedop(id, &s, 1, &ts) ? errno : 0);
	await(id, 0, GETNCNT, 1);
	OK(op(id, 0, 1, 0));
	expect_exit(pid, 0);
}

CASE(permissions_of_operations)
{
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = semget(IPC_PRIVATE, 1, 0604);
	become_nobody();
	EXPECT_ERRNO(op(id, 0, 1, 0), EACCES);
	OK(op(id, 0, 0, 0)); /* waiting for zero only reads */
	OK(value(id, 0));
	EXPECT_ERRNO(semctl(id, 0, SETVAL, (union arg){.val = 1}), EACCES);
	EXPECT_ERRNO(semctl(id, 0, IPC_RMID), EPERM);
}

/* ---- undo ---- */

CASE(undo_at_exit)
{
	int id = set(2);
	pid_t pid;

	set_value(id, 1, 5);
	pid = fork();
	if (!pid) {
		OK(op(id, 0, 3, SEM_UNDO));
		OK(op(id, 1, -2, SEM_UNDO));
		OK(op(id, 1, -1, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(value(id, 0), 0);
	EXPECT_EQ(value(id, 1), 4);
	EXPECT_EQ(semctl(id, 1, GETPID), pid);
}

CASE(undo_after_a_kill)
{
	int id = set(1);
	pid_t pid;

	set_value(id, 0, 1);
	pid = fork();
	if (!pid) {
		OK(op(id, 0, -1, SEM_UNDO));
		raise(SIGKILL);
	}
	expect_signal(pid, SIGKILL);
	EXPECT_EQ(value(id, 0), 1);
}

CASE(undo_wakes_who_waits)
{
	int id = set(1), p[2];
	pid_t holder, waiter;
	char c;

	OK(pipe(p));
	set_value(id, 0, 1);
	holder = fork();
	if (!holder) {
		OK(op(id, 0, -1, SEM_UNDO));
		read(p[0], &c, 1);
		_exit(0);
	}
	while (value(id, 0))
		sleep_ms(2);
	waiter = child_op(id, 0, -1, 0);
	await(id, 0, GETNCNT, 1);
	write(p[1], "x", 1);
	expect_exit(holder, 0);
	expect_exit(waiter, 0);
}

CASE(undo_is_not_inherited_by_a_child)
{
	int id = set(1);
	pid_t pid;

	OK(op(id, 0, 4, SEM_UNDO));
	pid = fork();
	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
	EXPECT_EQ(value(id, 0), 4);
}

CASE(undo_stays_over_exec)
{
	int id = set(1);
	pid_t pid = fork();

	if (!pid) {
		OK(op(id, 0, 4, SEM_UNDO));
		execl("/proc/self/exe", "x", "--case", "no_such_case", NULL);
		_exit(99);
	}
	OK(waitpid(pid, NULL, 0));
	EXPECT_EQ(value(id, 0), 0);
}

static void *add_and_end(void *p)
{
	return (void *)(intptr_t)op(*(int *)p, 0, 2, SEM_UNDO);
}

CASE(threads_share_their_undo)
{
	int id = set(1);
	pid_t pid = fork();

	if (!pid) {
		pthread_t t;
		void *r;
		pthread_create(&t, NULL, add_and_end, &id);
		pthread_join(t, &r);
		_exit(r || value(id, 0) != 2); /* the thread's end undid nothing */
	}
	expect_exit(pid, 0);
	EXPECT_EQ(value(id, 0), 0);
}

CASE(unshared_undo_is_done)
{
	int id = set(1);

	OK(op(id, 0, 4, SEM_UNDO));
	OK(unshare(CLONE_SYSVSEM));
	EXPECT_EQ(value(id, 0), 0);
}

CASE(setval_clears_undo)
{
	int id = set(1);
	pid_t pid = fork();

	if (!pid) {
		OK(op(id, 0, 4, SEM_UNDO));
		set_value(id, 0, 9);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(value(id, 0), 9);
}

CASE(undo_never_goes_below_zero)
{
	int id = set(1);
	pid_t pid = fork();

	if (!pid) {
		OK(op(id, 0, 4, SEM_UNDO));
		OK(op(id, 0, -3, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(value(id, 0), 0);
}

CASE(undo_has_a_range)
{
	int id = set(1);

	OK(op(id, 0, 32767, SEM_UNDO));
	OK(op(id, 0, -32767, 0));
	OK(op(id, 0, 1, SEM_UNDO));
	EXPECT_ERRNO(op(id, 0, 1, SEM_UNDO), ERANGE);
	EXPECT_EQ(value(id, 0), 1);
}

CASE(undo_of_a_removed_set_is_forgotten)
{
	int id = set(1);

	OK(op(id, 0, 4, SEM_UNDO));
	OK(semctl(id, 0, IPC_RMID));
	OK(semget(IPC_PRIVATE, 1, 0600));
}

/* ---- semctl ---- */

CASE(getpid_names_the_last_one)
{
	int id = set(2);
	pid_t pid;

	EXPECT_EQ(semctl(id, 0, GETPID), 0);
	pid = child_op(id, 0, 1, 0);
	expect_exit(pid, 0);
	EXPECT_EQ(semctl(id, 0, GETPID), pid);
	set_value(id, 0, 1);
	EXPECT_EQ(semctl(id, 0, GETPID), getpid());
	EXPECT_EQ(semctl(id, 1, GETPID), 0);
}

CASE(getall_and_setall)
{
	unsigned short in[] = {3, 0, 32767}, out[3] = {9, 9, 9}, bad[] = {1, 32768, 1};
	int id = set(3);

	OK(semctl(id, 0, SETALL, (union arg){.array = in}));
	OK(semctl(id, 0, GETALL, (union arg){.array = out}));
	EXPECT(!memcmp(in, out, sizeof(in)));
	EXPECT_ERRNO(semctl(id, 0, SETALL, (union arg){.array = bad}), ERANGE);
	EXPECT_ERRNO(semctl(id, 0, GETALL, (union arg){.array = (void *)8}), EFAULT);
	EXPECT_ERRNO(semctl(id, 0, SETALL, (union arg){.array = (void *)8}), EFAULT);
	EXPECT_EQ(value(id, 0), 3);
}

CASE(control_errors)
{
	int id = set(2);

	EXPECT_ERRNO(semctl(id, 2, GETVAL), EINVAL);
	EXPECT_ERRNO(semctl(id, -1, GETVAL), EINVAL);
	EXPECT_ERRNO(semctl(id, 2, SETVAL, (union arg){.val = 1}), EINVAL);
	EXPECT_ERRNO(semctl(id, 0, SETVAL, (union arg){.val = -1}), ERANGE);
	EXPECT_ERRNO(semctl(id, 0, SETVAL, (union arg){.val = 32768}), ERANGE);
	EXPECT_ERRNO(semctl(id, 0, 99), EINVAL);
	EXPECT_ERRNO(semctl(-1, 0, GETVAL), EINVAL);
	EXPECT_ERRNO(semctl(id + 1, 0, GETVAL), EINVAL);
	EXPECT_ERRNO(semctl(id, 0, IPC_STAT, (union arg){.buf = (void *)8}), EFAULT);
}

CASE(stat_and_set)
{
	time_t before = time(NULL) - 1;
	struct semid_ds d;
	int id = set(4);

	OK(semctl(id, 0, IPC_STAT, (union arg){.buf = &d}));
	EXPECT_EQ(d.sem_nsems, 4);
	EXPECT_EQ(d.sem_otime, 0);
	EXPECT(d.sem_ctime >= before);
	EXPECT_EQ(d.sem_perm.mode, 0600);
	OK(op(id, 0, 1, 0));
	d.sem_perm.mode = 0666;
	d.sem_perm.uid = 7;
	OK(semctl(id, 0, IPC_SET, (union arg){.buf = &d}));
	OK(semctl(id, 0, IPC_STAT, (union arg){.buf = &d}));
	EXPECT(d.sem_otime >= before);
	EXPECT_EQ(d.sem_perm.mode, 0666);
	EXPECT_EQ(d.sem_perm.uid, 7);
}

CASE(info)
{
	struct seminfo i;
	int id = set(4);

	EXPECT_EQ(semctl(0, 0, IPC_INFO, (union arg){.info = &i}), 0);
	EXPECT_EQ(i.semmap, 1024000000);
	EXPECT_EQ(i.semmni, 32000);
	EXPECT_EQ(i.semmns, 1024000000);
	EXPECT_EQ(i.semmnu, 1024000000);
	EXPECT_EQ(i.semmsl, 32000);
	EXPECT_EQ(i.semopm, 500);
	EXPECT_EQ(i.semume, 500);
	EXPECT_EQ(i.semusz, 20);
	EXPECT_EQ(i.semvmx, 32767);
	EXPECT_EQ(i.semaem, 32767);
	OK(semget(IPC_PRIVATE, 3, 0600));
	EXPECT_EQ(semctl(id, 0, SEM_INFO, (union arg){.info = &i}), 1);
	EXPECT_EQ(i.semusz, 2);
	EXPECT_EQ(i.semaem, 7);
}

CASE(stat_by_index)
{
	struct semid_ds d;
	int id = set(4);

	EXPECT_EQ(semctl(0, 0, SEM_STAT, (union arg){.buf = &d}), id);
	EXPECT_EQ(d.sem_nsems, 4);
	EXPECT_ERRNO(semctl(1, 0, SEM_STAT, (union arg){.buf = &d}), EINVAL);
	become_nobody();
	EXPECT_ERRNO(semctl(0, 0, SEM_STAT, (union arg){.buf = &d}), EACCES);
	EXPECT_EQ(semctl(0, 0, SEM_STAT_ANY, (union arg){.buf = &d}), id);
}

CASE(proc_lists_sets)
{
	char head[200], line[200], want[100];
	FILE *f;
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = semget(0x20, 6, IPC_CREAT | 0644);
	f = fopen("/proc/sysvipc/sem", "r");
	EXPECT(f && fgets(head, sizeof(head), f) && fgets(line, sizeof(line), f));
	EXPECT_STR(head,
		   "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	snprintf(want, sizeof(want), "        32 %10d   644          6     0     0     0     0          0 ",
		 id);
	EXPECT(!strncmp(line, want, strlen(want)));
	EXPECT(!fgets(line, sizeof(line), f));
}

CASE(a_mutex_between_processes_counts_right)
{
	int id = set(1),
	    *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[4];

	set_value(id, 0, 1);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			for (int k = 0; k < 300; k++) {
				OK(op(id, 0, -1, SEM_UNDO));
				++*(volatile int *)shared;
				OK(op(id, 0, 1, SEM_UNDO));
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		expect_exit(pids[i], 0);
	EXPECT_EQ(*shared, 1200);
	EXPECT_EQ(value(id, 0), 1);
}

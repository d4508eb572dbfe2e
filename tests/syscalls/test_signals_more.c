/*
 * test_signals_more.c - signals sent by number to tasks, masks and queues that are refused, and calls that
 * few programs make but that must end well and badly.
 */
#include "case.h"

#include <pthread.h>

#include <linux/aio_abi.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/utsname.h>

static volatile sig_atomic_t g_count, g_code, g_value, g_pid;

static void on_signal(int sig, siginfo_t *si, void *ctx)
{
	g_count++;
	g_code = si->si_code;
	g_value = si->si_value.sival_int;
	g_pid = si->si_pid;
}

static void watch(int sig, int flags)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};

	OK(sigaction(sig, &sa, NULL));
}

CASE(tkill_reaches_the_thread)
{
	watch(SIGUSR1, 0);
	OK(syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1));
	EXPECT_EQ(g_count, 1);
	EXPECT_EQ(g_code, SI_TKILL);
	EXPECT_EQ(g_pid, getpid());
	OK(syscall(SYS_tkill, syscall(SYS_gettid), 0));
	EXPECT_ERRNO(syscall(SYS_tkill, 0, SIGUSR1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_tkill, -1, SIGUSR1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_tkill, 0x3fffffff, SIGUSR1), ESRCH);
	EXPECT_ERRNO(syscall(SYS_tkill, syscall(SYS_gettid), 65), EINVAL);
	EXPECT_ERRNO(syscall(SYS_tgkill, getpid() + 1, syscall(SYS_gettid), SIGUSR1), ESRCH); /* not in it */
	EXPECT_ERRNO(syscall(SYS_tgkill, -1, 1, SIGUSR1), EINVAL);
}

CASE(queued_by_number_with_a_code)
{
	siginfo_t si = {.si_code = SI_QUEUE};

	watch(SIGUSR1, 0);
	si.si_value.sival_int = 77;
	si.si_pid = getpid();
	OK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &si));
	EXPECT_EQ(g_code, SI_QUEUE);
	EXPECT_EQ(g_value, 77);
	OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &si));
	EXPECT_EQ(g_count, 2);
	/* to oneself any code may be told, to others none that the kernel uses */
	si.si_code = SI_USER;
	OK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &si));
	EXPECT_ERRNO(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &si), EPERM);
	EXPECT_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), SIGUSR1, &si), EPERM);
	EXPECT_ERRNO(syscall(SYS_rt_sigqueueinfo, 0x3fffffff, SIGUSR1, &si), EPERM);
	si.si_code = SI_QUEUE;
	EXPECT_ERRNO(syscall(SYS_rt_sigqueueinfo, 0x3fffffff, SIGUSR1, &si), ESRCH);
	EXPECT_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &si), EINVAL);
	EXPECT_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_rt_tgsigqueueinfo, 0, 1, SIGUSR1, &si), EINVAL);
}

CASE(masks_by_number)
{
	uint64_t mask = 1ULL << (SIGUSR1 - 1), old = 0;

	OK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, &old, 8));
	EXPECT(!(old & mask));
	OK(syscall(SYS_rt_sigprocmask, 77, NULL, &old, 8)); /* how is looked at only with a set */
	EXPECT(old & mask);
	EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, 77, &mask, NULL, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 4), EINVAL);
	EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8), EFAULT);
	mask = ~0ULL; /* KILL and STOP are left out without a word */
	OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8));
	OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &old, 8));
	EXPECT_EQ(old, ~(1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1)));
}

CASE(pending_ones_are_told)
{
	uint64_t mask = 1ULL << (SIGUSR1 - 1) | 1ULL << (SIGUSR2 - 1), set = 0;

	OK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8));
	OK(kill(getpid(), SIGUSR1));
	OK(syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR2));
	OK(syscall(SYS_rt_sigpending, &set, 8));
	EXPECT_EQ(set, mask); /* the process's and the thread's */
	set = ~0ULL;
	OK(syscall(SYS_rt_sigpending, &set, 4)); /* less may be asked for */
	EXPECT_EQ(set >> 32, 0xffffffff);
	EXPECT_ERRNO(syscall(SYS_rt_sigpending, &set, 9), EINVAL);
	EXPECT_ERRNO(syscall(SYS_rt_sigpending, 8, 8), EFAULT);
	signal(SIGUSR1, SIG_IGN); /* ignoring it drops it */
	OK(syscall(SYS_rt_sigpending, &set, 8));
	EXPECT_EQ(set, 1ULL << (SIGUSR2 - 1));
}

CASE(pending_is_not_inherited)
{
	uint64_t mask = 1ULL << (SIGUSR1 - 1), set = 1;
	pid_t pid;

	OK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8));
	OK(kill(getpid(), SIGUSR1));
	pid = fork();
	if (!pid) {
		OK(syscall(SYS_rt_sigpending, &set, 8));
		_exit(set ? 1 : 0);
	}
	expect_exit(pid, 0);
}

CASE(siginterrupt_by_flags)
{
	int p[2], status;
	char c;
	pid_t pid;

	OK(pipe(p));
	watch(SIGUSR1, SA_RESTART);
	pid = fork();
	if (!pid) {
		sleep_ms(100);
		kill(getppid(), SIGUSR1);
		sleep_ms(100);
		write(p[1], "x", 1);
		_exit(0);
	}
	EXPECT_EQ(read(p[0], &c, 1), 1); /* begun again */
	EXPECT_EQ(g_count, 1);
	while (waitpid(pid, &status, 0) < 0)
		;
}

CASE(nodefer_lets_itself_in)
{
	struct sigaction sa = {.sa_flags = 0x40000000 /* SA_NODEFER */};

	sa.sa_handler = SIG_DFL;
	watch(SIGUSR1, SA_NODEFER);
	OK(raise(SIGUSR1));
	EXPECT_EQ(g_count, 1);
	OK(sigaction(SIGUSR1, NULL, &sa));
	EXPECT(sa.sa_flags & SA_NODEFER);
	/* flags that are not known are cleared, so that programs can ask */
	sa.sa_flags = SA_SIGINFO | 0x00000400 /* SA_UNSUPPORTED */;
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(sigaction(SIGUSR1, NULL, &sa));
	EXPECT(!(sa.sa_flags & 0x400));
}

CASE(parameters_of_the_default_policy)
{
	struct sched_param p = {0}, bad = {1};

	OK(syscall(SYS_sched_setparam, 0, &p));
	OK(syscall(SYS_sched_getparam, 0, &p));
	EXPECT_EQ(p.sched_priority, 0);
	EXPECT_ERRNO(syscall(SYS_sched_setparam, 0, &bad), EINVAL);
	EXPECT_ERRNO(syscall(SYS_sched_setparam, -1, &p), EINVAL);
	EXPECT_ERRNO(syscall(SYS_sched_setparam, 0x3fffffff, &p), ESRCH);
	EXPECT_ERRNO(syscall(SYS_sched_setparam, 0, NULL), EINVAL);
}

CASE(names_of_the_machine)
{
	struct utsname u;
	pid_t pid;

	if (unshare(CLONE_NEWUTS))
		case_skip("may not have names of its own");
	OK(setdomainname("dom.test", 8));
	OK(sethostname("host-test", 9));
	OK(uname(&u));
	EXPECT_STR(u.domainname, "dom.test");
	EXPECT_STR(u.nodename, "host-test");
	EXPECT_ERRNO(syscall(SYS_setdomainname, "x", -1L), EINVAL);
	EXPECT_ERRNO(syscall(SYS_setdomainname, "x", 65), EINVAL);
	EXPECT_ERRNO(syscall(SYS_setdomainname, 8, 5), EFAULT);
	EXPECT_ERRNO(syscall(SYS_uname, 8), EFAULT);
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(setdomainname("x", 1), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(getrandom_forms)
{
	char buf[300];

	EXPECT_EQ(syscall(SYS_getrandom, buf, 300, 0), 300);
	EXPECT_EQ(syscall(SYS_getrandom, buf, 10, 1 /* NONBLOCK */), 10);
	EXPECT_EQ(syscall(SYS_getrandom, buf, 10, 2 /* RANDOM */), 10);
	EXPECT_EQ(syscall(SYS_getrandom, buf, 10, 4 /* INSECURE */), 10);
	EXPECT_EQ(syscall(SYS_getrandom, buf, 0, 0), 0);
	EXPECT_ERRNO(syscall(SYS_getrandom, buf, 10, 6), EINVAL); /* both kinds */
	EXPECT_ERRNO(syscall(SYS_getrandom, buf, 10, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_getrandom, 8, 10, 0), EFAULT);
}

#define EXPECT_REFUSED(call) EXPECT((call) < 0 && (errno == EPERM || errno == ENOSYS))

CASE(what_only_the_machines_owner_may)
{
	pid_t pid = fork();

	if (!pid) {
		OK(setuid(65534));
		/* the first ones are not built into every kernel */
		EXPECT_REFUSED(syscall(SYS_iopl, 3));
		EXPECT_REFUSED(syscall(SYS_ioperm, 0, 1, 1));
		EXPECT_REFUSED(syscall(SYS_init_module, "", 0, ""));
		EXPECT_REFUSED(syscall(SYS_finit_module, 0, "", 0));
		EXPECT_REFUSED(syscall(SYS_delete_module, "x", 0));
		EXPECT_REFUSED(syscall(SYS_kexec_load, 0, 0, NULL, 0));
		EXPECT_REFUSED(syscall(SYS_kexec_file_load, 0, 0, 0, NULL, 0));
		EXPECT_ERRNO(syscall(SYS_reboot, 1, 2, 3, NULL), EPERM);
		EXPECT_ERRNO(syscall(SYS_swapon, "x", 0), EPERM);
		EXPECT_ERRNO(syscall(SYS_swapoff, "x"), EPERM);
		EXPECT_ERRNO(syscall(SYS_syslog, 5, NULL, 0), EPERM); /* to empty the log */
		EXPECT_ERRNO(syscall(SYS_vhangup), EPERM);
		EXPECT_REFUSED(syscall(SYS_acct, "x"));
		EXPECT_ERRNO(syscall(SYS_chroot, "/"), EPERM);
		EXPECT_ERRNO(syscall(SYS_mount, "x", "/", "tmpfs", 0, NULL), EPERM);
		EXPECT_ERRNO(syscall(SYS_umount2, "/", 0), EPERM);
		EXPECT_ERRNO(syscall(SYS_sethostname, "x", 1), EPERM);
		EXPECT_ERRNO(syscall(SYS_settimeofday, NULL, "\0\0\0\0\0\0\0"), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(semaphores_by_the_short_call)
{
	int id = (int)syscall(SYS_semget, IPC_PRIVATE, 1, 0600);
	struct sembuf up = {0, 1, 0}, down = {0, -1, IPC_NOWAIT}, beyond = {5, 1, 0};

	if (id < 0 && errno == ENOSYS)
		case_skip("no System V semaphores");
	OK(id);
	OK(syscall(SYS_semop, id, &up, 1));
	OK(syscall(SYS_semop, id, &down, 1));
	EXPECT_ERRNO(syscall(SYS_semop, id, &down, 1), EAGAIN);
	EXPECT_ERRNO(syscall(SYS_semop, id, &beyond, 1), EFBIG);
	EXPECT_ERRNO(syscall(SYS_semop, id, &up, 0), EINVAL);
	OK(syscall(SYS_semctl, id, 0, IPC_RMID, 0));
	EXPECT_ERRNO(syscall(SYS_semop, id, &up, 1), EINVAL);
}

CASE(aio_events_with_a_mask)
{
	aio_context_t ctx = 0;
	struct io_event ev[2];
	struct timespec ts = {0, 1000000};
	struct iocb cb = {.aio_lio_opcode = IOCB_CMD_PWRITE,
			  .aio_buf = (uint64_t)(uintptr_t) "abc",
			  .aio_nbytes = 3},
		    *list[1] = {&cb};

	if (syscall(SYS_io_setup, 4, &ctx))
		case_skip("no AIO");
	cb.aio_fildes = (uint32_t)make_file("f", "");
	EXPECT_EQ(syscall(SYS_io_submit, ctx, 1, list), 1);
	EXPECT_EQ(syscall(SYS_io_pgetevents, ctx, 1, 2, ev, NULL, NULL), 1);
	EXPECT_EQ(ev[0].res, 3);
	EXPECT_EQ(syscall(SYS_io_pgetevents, ctx, 0, 2, ev, &ts, NULL), 0);
	EXPECT_ERRNO(syscall(SYS_io_pgetevents, ctx, 3, 2, ev, &ts, NULL), EINVAL);
	EXPECT_ERRNO(syscall(SYS_io_pgetevents, 0, 1, 2, ev, &ts, NULL), EINVAL);
	OK(syscall(SYS_io_destroy, ctx));
}

CASE(memory_of_the_dead_is_reaped)
{
	pid_t pid = fork();
	int fd;

	if (!pid)
		for (;;)
			pause();
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	OK(fd);
	EXPECT_ERRNO(syscall(SYS_process_mrelease, fd, 0), EINVAL); /* it lives */
	EXPECT_ERRNO(syscall(SYS_process_mrelease, fd, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_process_mrelease, -1, 0), EBADF);
	OK(kill(pid, SIGKILL));
	if (syscall(SYS_process_mrelease, fd, 0))
		EXPECT_EQ(errno, ESRCH); /* gone already */
	expect_signal(pid, SIGKILL);
}

CASE(prctl_edges)
{
	char name[32];
	int v;

	EXPECT_ERRNO(prctl(0x7fff, 0, 0, 0, 0), EINVAL);
	OK(prctl(PR_SET_NAME, "a-very-long-name-indeed"));
	OK(prctl(PR_GET_NAME, name));
	EXPECT_STR(name, "a-very-long-nam");
	EXPECT_ERRNO(prctl(PR_SET_NAME, 8), EFAULT);
	EXPECT_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	OK(prctl(PR_GET_PDEATHSIG, &v));
	EXPECT_EQ(v, SIGUSR1);
	EXPECT_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	EXPECT_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_CAPBSET_READ, 1000), EINVAL);
	EXPECT_ERRNO(prctl(PR_SET_TIMING, 1), EINVAL);
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	OK(prctl(PR_GET_CHILD_SUBREAPER, &v));
	EXPECT_EQ(v, 1);
}

CASE(pdeathsig_is_cleared_by_fork_and_kept_by_exec)
{
	int v = 7;
	pid_t pid;

	OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	pid = fork();
	if (!pid) {
		OK(prctl(PR_GET_PDEATHSIG, &v));
		_exit(v);
	}
	expect_exit(pid, 0);
}

static void *spin(void *arg)
{
	for (;;)
		__asm__ volatile("pause");
	return arg;
}

/* One thread may just be stopping all when another is to die. */
CASE(a_stop_does_not_hold_off_a_kill)
{
	for (int i = 0; i < 60; i++) {
		int ready[2], status;
		pid_t pid;
		char c;
		EXPECT_EQ(pipe(ready), 0);
		pid = fork();
		if (!pid) {
			pthread_t t;
			for (int k = 0; k < 3; k++)
				pthread_create(&t, NULL, spin, NULL);
			(void)!write(ready[1], "r", 1);
			spin(NULL);
		}
		EXPECT_EQ(read(ready[0], &c, 1), 1);
		for (int k = 0; k < i % 4; k++)
			EXPECT_EQ(kill(pid, SIGSTOP), 0);
		EXPECT_EQ(i % 3 ? kill(pid, SIGKILL) : syscall(SYS_tgkill, pid, pid, SIGKILL), 0);
		kill(pid, SIGSTOP);
		kill(pid, i % 2 ? SIGTSTP : SIGSTOP);
		EXPECT_EQ(waitpid(pid, &status, 0), pid);
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		EXPECT_EQ(close(ready[0]) + close(ready[1]), 0);
	}
}

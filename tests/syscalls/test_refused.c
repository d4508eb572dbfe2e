/* Calls that only the owner of a machine may make, by one who is not; and calls that Linux no longer has. */
#include "case.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>

#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack 453
#endif
#ifndef SYS_lsm_get_self_attr
#define SYS_lsm_get_self_attr 459
#define SYS_lsm_set_self_attr 460
#define SYS_lsm_list_modules  461
#endif

static char buf[8192];

static void become_user(void)
{
	if (geteuid())
		return;
	OK(setresgid(1000, 1000, 1000));
	OK(setresuid(1000, 1000, 1000));
}

CASE(reboot_needs_privilege)
{
	become_user();
	EXPECT_ERRNO(syscall(SYS_reboot, 1, 2, 3, 0), EPERM);
}

CASE(swap_needs_privilege)
{
	become_user();
	EXPECT_ERRNO(syscall(SYS_swapon, "/nothing", 0), EPERM);
	EXPECT_ERRNO(syscall(SYS_swapoff, "/nothing"), EPERM);
}

CASE(clock_may_not_be_set)
{
	struct timeval tv = {1, 0}, bad = {1, 1000000};
	struct timespec ts = {1, 0};

	become_user();
	EXPECT_ERRNO(settimeofday(&tv, NULL), EPERM);
	EXPECT_ERRNO(settimeofday(&bad, NULL), EINVAL);
	EXPECT_ERRNO(clock_settime(CLOCK_REALTIME, &ts), EPERM);
	EXPECT_ERRNO(syscall(SYS_settimeofday, 8, 0), EFAULT);
}

CASE(clock_state_may_be_read)
{
	struct timex tx;

	memset(&tx, 0, sizeof(tx));
	become_user();
	EXPECT(adjtimex(&tx) >= 0);
	EXPECT_EQ(tx.tick, 10000);
	EXPECT_EQ(tx.precision, 1);
	EXPECT(tx.time.tv_sec > 1600000000);
	tx.modes = ADJ_OFFSET;
	EXPECT_ERRNO(adjtimex(&tx), EPERM);
	tx.modes = 0;
	EXPECT(clock_adjtime(CLOCK_REALTIME, &tx) >= 0);
	EXPECT_ERRNO(clock_adjtime(CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
	EXPECT_ERRNO(clock_adjtime(99, &tx), EINVAL);
	EXPECT_ERRNO(syscall(SYS_adjtimex, 8), EFAULT);
}

CASE(bpf_is_privileged)
{
	become_user();
	EXPECT_ERRNO(syscall(SYS_bpf, 0, buf, 5000), E2BIG);
	EXPECT_ERRNO(syscall(SYS_bpf, 0, 8, 72), EFAULT);
}

CASE(perf_is_not_for_everybody)
{
	become_user();
	memset(buf, 0, sizeof(buf));
	*(int *)(buf + 4) = 112;
	EXPECT_EQ(syscall(SYS_perf_event_open, buf, -1, 0, -1, 0), -1); /* a whole CPU */
	EXPECT_EQ(errno, EACCES);
	EXPECT_ERRNO(syscall(SYS_perf_event_open, 8, 0, -1, -1, 0), EFAULT);
}

CASE(quota_without_devices)
{
	EXPECT_EQ(syscall(SYS_quotactl, 0x800001U << 8, 0, 0, 0), 0);
	EXPECT_ERRNO(syscall(SYS_quotactl, 0x800007U << 8, 0, 0, 0), ENODEV);
	EXPECT_ERRNO(syscall(SYS_quotactl, 0x800007U << 8, "/dev/null", 0, buf), ENOTBLK);
	EXPECT_ERRNO(syscall(SYS_quotactl, 0x800007U << 8, "/no/such", 0, buf), ENOENT);
	EXPECT_ERRNO(syscall(SYS_quotactl, 0x80000707U, "/dev/null", 0, buf), EINVAL);
	EXPECT_ERRNO(syscall(SYS_quotactl_fd, -1, 0x800007U << 8, 0, buf), EBADF);
}

CASE(ustat_of_no_device)
{
	EXPECT_ERRNO(syscall(SYS_ustat, 0x12345, buf), EINVAL);
}

CASE(vhangup_needs_privilege)
{
	become_user();
	EXPECT_ERRNO(syscall(SYS_vhangup), EPERM);
}

CASE(shadow_stack_is_refused)
{
	EXPECT_EQ(syscall(SYS_map_shadow_stack, 0, 4096, 0), -1);
	EXPECT(errno == EOPNOTSUPP || errno == ENOSYS);
}

CASE(lsm_list)
{
	uint64_t ids[64];
	uint32_t size = sizeof(ids);
	long n = syscall(SYS_lsm_list_modules, ids, &size, 0);

	if (n < 0 && errno == ENOSYS)
		case_skip("a kernel before 6.8");
	EXPECT(n > 0);
	EXPECT_EQ(size, n * 8);
	EXPECT(ids[0] >= 100);
	size = 1;
	EXPECT_ERRNO(syscall(SYS_lsm_list_modules, ids, &size, 0), E2BIG);
	EXPECT(size >= 8);
	EXPECT_ERRNO(syscall(SYS_lsm_list_modules, ids, &size, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_lsm_list_modules, ids, 8, 0), EFAULT);
}

CASE(lsm_attributes)
{
	uint32_t size = sizeof(buf);

	if (syscall(SYS_lsm_get_self_attr, 101, buf, &size, 0) < 0 && errno == ENOSYS)
		case_skip("a kernel before 6.8");
	EXPECT_ERRNO(syscall(SYS_lsm_get_self_attr, 0, buf, &size, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_lsm_get_self_attr, 101, buf, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_lsm_set_self_attr, 101, buf, 8, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_lsm_set_self_attr, 101, buf, 32, 1), EINVAL);
}

CASE(process_mrelease_only_of_the_dying)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	EXPECT_ERRNO(syscall(SYS_process_mrelease, fd, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_process_mrelease, fd, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_process_mrelease, -1, 0), EBADF);
	EXPECT_ERRNO(syscall(SYS_process_mrelease, 0, 0), EBADF);
}

CASE(calls_that_linux_has_no_more)
{
	static const int gone[] = {
	    156 /* _sysctl */, 174, 177, 178, 180, 181, 182, 183, 184, 185, 205, 211, 212, 214, 215, 236};

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		EXPECT_ERRNO(syscall(gone[i], 0, 0, 0, 0, 0, 0), ENOSYS);
	EXPECT_ERRNO(syscall(999), ENOSYS);
	EXPECT_ERRNO(syscall(100000), ENOSYS);
}

/* What a kernel need not have: then it says so, whatever the arguments are. */
#define EXPECT_ABSENT_OR(call, code)                                                                         \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		EXPECT_EQ(call, -1);                                                                         \
		if (errno != ENOSYS)                                                                         \
			EXPECT_EQ(errno, code);                                                              \
	} while (0)

CASE(io_uring_works_or_is_cleanly_absent)
{
	EXPECT_ABSENT_OR(syscall(425, 0, buf), EINVAL);
	EXPECT_ABSENT_OR(syscall(426, 99, 0, 0, 0, NULL, 0), EBADF);
	EXPECT_ABSENT_OR(syscall(427, 99, 0, NULL, 0), EBADF);
}

/* landlock(7): with it, a rule set can be made and entered; without, each call says that it is switched off.
 */
CASE(landlock_works_or_is_cleanly_absent)
{
	uint64_t ruleset[2] = {1 /* LANDLOCK_ACCESS_FS_EXECUTE */, 0};
	long version = syscall(444, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
	int absent = version < 0 ? errno : 0, fd;

	EXPECT(version > 0 || absent == ENOSYS || absent == EOPNOTSUPP);
	become_user();
	EXPECT_ERRNO(syscall(444, ruleset, 8, 0x100), absent ? absent : EINVAL);
	EXPECT_ERRNO(syscall(445, 999, 1, ruleset, 0), absent ? absent : EBADF);
	EXPECT_ERRNO(syscall(446, 999, 0), absent ? absent : EPERM); /* without no_new_privs or privilege */
	if (absent)
		return;
	fd = (int)syscall(444, ruleset, 8, 0);
	OK(fd);
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	EXPECT_ERRNO(syscall(446, 999, 0), EBADF);
	OK(syscall(446, fd, 0));
	EXPECT_ERRNO(execl("/bin/sh", "sh", NULL), EACCES);
}

CASE(secret_memory_works_or_is_cleanly_absent)
{
	EXPECT_ABSENT_OR(syscall(447, ~0U), EINVAL);
}

CASE(cachestat_works_or_is_cleanly_absent)
{
	EXPECT_ABSENT_OR(syscall(451, 99, buf, buf, 0), EBADF);
}

CASE(accounting_works_or_is_cleanly_absent)
{
	become_user();
	EXPECT_ABSENT_OR(syscall(SYS_acct, NULL), EPERM);
}

CASE(local_descriptor_tables_work_or_are_cleanly_absent)
{
	long r = syscall(SYS_modify_ldt, 1, NULL, 0); /* an int, even if it is an error */

	EXPECT((int)r == -EINVAL || (r == -1 && errno == ENOSYS));
}

CASE(restartable_sequences_work_or_are_cleanly_absent)
{
	EXPECT_ABSENT_OR(syscall(334, buf, 7, 0, 0), EINVAL);
}

CASE(userfaultfd_checks_its_flags)
{
	become_user();
	EXPECT_EQ(syscall(323, 0x40000000), -1);
	EXPECT(errno == EINVAL || errno == EPERM);
}

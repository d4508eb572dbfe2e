/* capabilities(7), prctl(2): bounding, ambient and inheritable sets, securebits, set-id programs, file
 * capabilities, no_new_privs; personality(2). */
#include "case.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <grp.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/xattr.h>

struct caps {
	uint64_t eff, perm, inh;
};

static void get_caps(struct caps *c)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];

	OK(syscall(SYS_capget, &h, d));
	c->eff = d[0].effective | (uint64_t)d[1].effective << 32;
	c->perm = d[0].permitted | (uint64_t)d[1].permitted << 32;
	c->inh = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
}

static int set_caps(const struct caps *c)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {
	    {(uint32_t)c->eff, (uint32_t)c->perm, (uint32_t)c->inh},
	    {(uint32_t)(c->eff >> 32), (uint32_t)(c->perm >> 32), (uint32_t)(c->inh >> 32)}};

	return (int)syscall(SYS_capset, &h, d);
}

#define BIT(cap) (1ULL << (cap))

static void need_root(void)
{
	if (geteuid())
		case_skip("needs root");
}

/* This program itself, copied here, says what it is when called with "--case tell_OF". */
static void copy_self(const char *to, mode_t mode)
{
	char buf[65536];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	OK(in);
	OK(out);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		EXPECT_EQ(write(out, buf, (size_t)n), n);
	close(out);
	close(in);
	OK(chmod(to, mode));
}

/* The helper: exit status 0 if `want` holds. In the environment so that every exec passes it on. */
static void check_env(void)
{
	const char *eff = getenv("WANT_EFF"), *perm = getenv("WANT_PERM"), *euid = getenv("WANT_EUID"),
		   *secure = getenv("WANT_SECURE");
	struct caps c;

	get_caps(&c);
	if (eff)
		EXPECT_EQ(c.eff, strtoull(eff, NULL, 16));
	if (perm)
		EXPECT_EQ(c.perm, strtoull(perm, NULL, 16));
	if (euid)
		EXPECT_EQ(geteuid(), strtoul(euid, NULL, 10));
	if (secure)
		EXPECT_EQ(getauxval(AT_SECURE), strtoul(secure, NULL, 10));
}

CASE(helper)
{
	if (getenv("WANT"))
		check_env();
}

static void want(const char *name, uint64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), strcmp(name, "WANT_EUID") ? "%llx" : "%llu", (unsigned long long)v);
	setenv("WANT", "1", 1);
	setenv(name, text, 1);
}

static pid_t run_helper(const char *prog, uid_t uid)
{
	pid_t pid = fork();

	if (!pid) {
		if (uid) {
			OK(setgroups(0, NULL));
			OK(setresgid(uid, uid, uid));
			OK(setresuid(uid, uid, uid));
		}
		execl(prog, prog, "--case", "helper", NULL);
		_exit(90);
	}
	EXPECT(pid > 0);
	return pid;
}

/* case directories are private: others must get to the program */
static void open_up(void)
{
	OK(chmod(".", 0755));
}

static void set_file_caps(const char *path, uint32_t permitted, uint32_t inheritable, bool effective)
{
	struct vfs_cap_data v = {.magic_etc = VFS_CAP_REVISION_2 | (effective ? VFS_CAP_FLAGS_EFFECTIVE : 0)};

	v.data[0].permitted = permitted;
	v.data[0].inheritable = inheritable;
	if (setxattr(path, "security.capability", &v, sizeof(v), 0) < 0) {
		if (errno == EOPNOTSUPP || errno == EPERM)
			case_skip("the file system takes no file capabilities");
		OK(-1);
	}
}

/* ---- sets ---- */

CASE(capset_cannot_gain)
{
	struct caps c, all = {~0ULL, ~0ULL, 0}, none = {0, 0, 0};

	get_caps(&c);
	OK(set_caps(&none));
	EXPECT_ERRNO(set_caps(&all), EPERM);
	get_caps(&c);
	EXPECT_EQ(c.perm, 0);
}

CASE(capset_effective_within_permitted)
{
	struct caps c;

	need_root();
	get_caps(&c);
	c.perm = BIT(CAP_KILL);
	c.eff = BIT(CAP_KILL) | BIT(CAP_CHOWN);
	EXPECT_ERRNO(set_caps(&c), EPERM);
	c.eff = 0;
	c.inh = 0;
	OK(set_caps(&c));
	c.inh = BIT(CAP_CHOWN);
	EXPECT_ERRNO(set_caps(&c), EPERM);
}

CASE(bounding_set_drops)
{
	need_root();
	EXPECT_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 1);
	OK(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
	EXPECT_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 0);
	EXPECT_ERRNO(prctl(PR_CAPBSET_READ, 64), EINVAL);
	EXPECT_ERRNO(prctl(PR_CAPBSET_DROP, 64), EINVAL);
}

CASE(bounding_set_needs_setpcap)
{
	struct caps none = {0, 0, 0};

	OK(set_caps(&none));
	EXPECT_ERRNO(prctl(PR_CAPBSET_DROP, CAP_CHOWN), EPERM);
}

CASE(bounding_set_limits_root_at_exec)
{
	struct caps c;

	need_root();
	copy_self("prog", 0755);
	OK(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
	get_caps(&c);
	EXPECT(c.eff & BIT(CAP_CHOWN));
	want("WANT_EFF", c.perm & ~BIT(CAP_CHOWN));
	expect_exit(run_helper("./prog", 0), 0);
}

CASE(ambient_rules)
{
	struct caps c;

	need_root();
	EXPECT_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0),
		     EPERM); /* not inheritable */
	get_caps(&c);
	c.inh = BIT(CAP_KILL);
	OK(set_caps(&c));
	OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	EXPECT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 1);
	EXPECT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0), 0);
	OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
	EXPECT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 0);
	OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	EXPECT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 0);
}

CASE(ambient_bad_arguments)
{
	EXPECT_ERRNO(prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 1, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0), EINVAL);
}

CASE(ambient_falls_with_inheritable)
{
	struct caps c;

	need_root();
	get_caps(&c);
	c.inh = BIT(CAP_KILL);
	OK(set_caps(&c));
	OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	c.inh = 0;
	OK(set_caps(&c));
	EXPECT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 0);
}

CASE(ambient_survives_exec_of_a_user)
{
	struct caps c;
	pid_t pid;

	need_root();
	open_up();
	copy_self("prog", 0755);
	want("WANT_EFF", BIT(CAP_KILL));
	want("WANT_PERM", BIT(CAP_KILL));
	want("WANT_SECURE", 0);
	pid = fork();
	if (!pid) {
		OK(prctl(PR_SET_KEEPCAPS, 1));
		OK(setresgid(1000, 1000, 1000));
		OK(setresuid(1000, 1000, 1000));
		get_caps(&c);
		c.eff = c.perm = c.inh = BIT(CAP_KILL);
		OK(set_caps(&c));
		OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		execl("./prog", "./prog", "--case", "helper", NULL);
		_exit(90);
	}
	expect_exit(pid, 0);
}

CASE(setuid_drops_all)
{
	struct caps c;

	need_root();
	OK(setresuid(1000, 1000, 1000));
	get_caps(&c);
	EXPECT_EQ(c.perm, 0);
	EXPECT_EQ(c.eff, 0);
}

CASE(seteuid_drops_effective_only)
{
	struct caps before, c;

	need_root();
	get_caps(&before);
	OK(seteuid(1000));
	get_caps(&c);
	EXPECT_EQ(c.eff, 0);
	EXPECT_EQ(c.perm, before.perm);
	OK(seteuid(0));
	get_caps(&c);
	EXPECT_EQ(c.eff, before.perm);
}

CASE(keepcaps)
{
	struct caps before, c;

	need_root();
	get_caps(&before);
	EXPECT_EQ(prctl(PR_GET_KEEPCAPS), 0);
	OK(prctl(PR_SET_KEEPCAPS, 1));
	EXPECT_EQ(prctl(PR_GET_KEEPCAPS), 1);
	EXPECT_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	OK(setresuid(1000, 1000, 1000));
	get_caps(&c);
	EXPECT_EQ(c.perm, before.perm);
	EXPECT_EQ(c.eff, 0);
}

CASE(securebits_no_setuid_fixup)
{
	struct caps before, c;

	need_root();
	get_caps(&before);
	OK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
	EXPECT_EQ(prctl(PR_GET_SECUREBITS), SECBIT_NO_SETUID_FIXUP);
	OK(setresuid(1000, 1000, 1000));
	get_caps(&c);
	EXPECT_EQ(c.eff, before.eff);
}

CASE(securebits_locks)
{
	need_root();
	OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED));
	EXPECT_ERRNO(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT), EPERM);
	EXPECT_ERRNO(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT_LOCKED), EPERM);
	OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS));
	EXPECT_ERRNO(prctl(PR_SET_SECUREBITS, 1 << 20), EPERM);
}

CASE(securebits_noroot_at_exec)
{
	need_root();
	copy_self("prog", 0755);
	OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
	want("WANT_EFF", 0);
	want("WANT_PERM", 0);
	expect_exit(run_helper("./prog", 0), 0);
}

CASE(securebits_need_privilege)
{
	struct caps none = {0, 0, 0};

	OK(set_caps(&none));
	EXPECT_ERRNO(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT), EPERM);
}

/* ---- set-id programs ---- */

CASE(setuid_program)
{
	need_root();
	open_up();
	copy_self("prog", 04755);
	want("WANT_EUID", 0);
	want("WANT_SECURE", 1);
	expect_exit(run_helper("./prog", 1000), 0);
}

CASE(setuid_program_by_one_with_no_new_privs)
{
	need_root();
	open_up();
	copy_self("prog", 04755);
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	want("WANT_EUID", 1000);
	want("WANT_EFF", 0);
	want("WANT_SECURE", 0);
	expect_exit(run_helper("./prog", 1000), 0);
}

CASE(setgid_without_group_execute_is_no_setgid)
{
	pid_t pid;

	need_root();
	open_up();
	copy_self("prog", 02745);
	want("WANT_SECURE", 0);
	pid = run_helper("./prog", 1000);
	expect_exit(pid, 0);
}

CASE(root_exec_has_everything_it_is_bounded_by)
{
	struct caps c, none = {0, 0, 0};
	pid_t pid;

	need_root();
	get_caps(&c);
	copy_self("prog", 0755);
	want("WANT_EFF", c.perm);
	pid = fork();
	if (!pid) {
		OK(set_caps(&none)); /* root by id alone */
		execl("./prog", "./prog", "--case", "helper", NULL);
		_exit(90);
	}
	expect_exit(pid, 0);
}

/* ---- file capabilities ---- */

CASE(file_capability_gives)
{
	need_root();
	open_up();
	copy_self("prog", 0755);
	set_file_caps("prog", BIT(CAP_KILL) | BIT(CAP_CHOWN), 0, true);
	want("WANT_EFF", BIT(CAP_KILL) | BIT(CAP_CHOWN));
	want("WANT_PERM", BIT(CAP_KILL) | BIT(CAP_CHOWN));
	want("WANT_SECURE", 1);
	expect_exit(run_helper("./prog", 1000), 0);
}

CASE(file_capability_not_effective)
{
	need_root();
	open_up();
	copy_self("prog", 0755);
	set_file_caps("prog", BIT(CAP_KILL), 0, false);
	want("WANT_EFF", 0);
	want("WANT_PERM", BIT(CAP_KILL));
	expect_exit(run_helper("./prog", 1000), 0);
}

CASE(file_capability_beyond_the_bounding_set)
{
	need_root();
	open_up();
	copy_self("prog", 0755);
	set_file_caps("prog", BIT(CAP_KILL), 0, true);
	OK(prctl(PR_CAPBSET_DROP, CAP_KILL));
	want("WANT_EFF", 0);
	expect_exit(run_helper("./prog", 1000), 90); /* EPERM */
}

CASE(file_capability_no_new_privs)
{
	need_root();
	open_up();
	copy_self("prog", 0755);
	set_file_caps("prog", BIT(CAP_KILL), 0, true);
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	want("WANT_EFF", 0);
	want("WANT_PERM", 0);
	expect_exit(run_helper("./prog", 1000), 0);
}

CASE(file_capability_needs_setfcap)
{
	struct vfs_cap_data v = {.magic_etc = VFS_CAP_REVISION_2};

	need_root();
	open_up();
	close(open("f", O_CREAT | O_WRONLY, 0755));
	OK(chown("f", 1000, 1000));
	OK(setresuid(1000, 1000, 1000));
	EXPECT_ERRNO(setxattr("f", "security.capability", &v, sizeof(v), 0), EPERM);
}

/* ---- no_new_privs, dumpable and the rest of prctl ---- */

CASE(no_new_privs_is_for_ever)
{
	EXPECT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	EXPECT_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	EXPECT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	EXPECT_ERRNO(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
}

CASE(dumpable)
{
	EXPECT_EQ(prctl(PR_GET_DUMPABLE), 1);
	OK(prctl(PR_SET_DUMPABLE, 0));
	EXPECT_EQ(prctl(PR_GET_DUMPABLE), 0);
	EXPECT_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	OK(prctl(PR_SET_DUMPABLE, 1));
}

CASE(dumpable_falls_with_a_change_of_ids)
{
	need_root();
	OK(setresuid(1000, 1000, 1000));
	EXPECT_EQ(prctl(PR_GET_DUMPABLE), 0);
}

CASE(pdeathsig_values)
{
	int sig = -1;

	OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	OK(prctl(PR_GET_PDEATHSIG, &sig));
	EXPECT_EQ(sig, SIGUSR1);
	EXPECT_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	EXPECT_ERRNO(prctl(PR_GET_PDEATHSIG, 8), EFAULT);
}

CASE(name_is_cut)
{
	char name[20] = "";

	OK(prctl(PR_SET_NAME, "a name longer than fits"));
	OK(prctl(PR_GET_NAME, name));
	EXPECT_STR(name, "a name longer t");
	EXPECT_ERRNO(prctl(PR_SET_NAME, 8), EFAULT);
}

CASE(timer_slack)
{
	EXPECT_EQ(prctl(PR_GET_TIMERSLACK), 50000);
	OK(prctl(PR_SET_TIMERSLACK, 1234));
	EXPECT_EQ(prctl(PR_GET_TIMERSLACK), 1234);
	OK(prctl(PR_SET_TIMERSLACK, 0));
	EXPECT_EQ(prctl(PR_GET_TIMERSLACK), 50000);
}

CASE(timing_and_tsc)
{
	int v = 0;

	EXPECT_EQ(prctl(PR_GET_TIMING), 0);
	OK(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL));
	EXPECT_ERRNO(prctl(PR_SET_TIMING, 1), EINVAL);
	OK(prctl(PR_GET_TSC, &v));
	EXPECT_EQ(v, PR_TSC_ENABLE);
	OK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	EXPECT_ERRNO(prctl(PR_SET_TSC, 9), EINVAL);
}

CASE(mce_policy)
{
	EXPECT_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_DEFAULT);
	OK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
	EXPECT_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_EARLY);
	OK(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
	EXPECT_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_DEFAULT);
	EXPECT_ERRNO(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_MCE_KILL, 2, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0), EINVAL);
}

CASE(thp_disable)
{
	EXPECT_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	EXPECT_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	OK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	EXPECT_ERRNO(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 1), EINVAL);
}

CASE(speculation)
{
	EXPECT(prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0) >= 0);
	EXPECT_ERRNO(prctl(PR_GET_SPECULATION_CTRL, 99, 0, 0, 0), ENODEV);
	EXPECT_ERRNO(prctl(PR_GET_SPECULATION_CTRL, 0, 1, 0, 0), EINVAL);
	EXPECT_ERRNO(prctl(PR_SET_SPECULATION_CTRL, 99, PR_SPEC_ENABLE, 0, 0), ENODEV);
}

CASE(set_mm_needs_privilege)
{
	unsigned size = 0;

	if (!geteuid())
		OK(setresuid(1000, 1000, 1000));
	EXPECT_ERRNO(prctl(PR_SET_MM, PR_SET_MM_START_CODE, 0x400000, 0, 0), EPERM);
	OK(prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0));
	EXPECT_EQ(size, 104);
	EXPECT_ERRNO(prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, 8, 0, 0), EFAULT);
}

CASE(io_flusher_needs_privilege)
{
	if (!geteuid())
		OK(setresuid(1000, 1000, 1000));
	EXPECT_ERRNO(prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0), EPERM);
	EXPECT_ERRNO(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0), EPERM);
}

CASE(prctl_of_other_machines)
{
	static const int foreign[] = {5,  6,  9,  10, 11, 12, 19, 20, 43, 44,
				      45, 46, 50, 51, 54, 55, 56, 69, 70, 1000};

	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		EXPECT_ERRNO(prctl(foreign[i], 0, 0, 0, 0), EINVAL);
}

CASE(tid_address)
{
	int *addr = NULL, place = 0;
	int err;

	syscall(SYS_set_tid_address, &place);
	err = prctl(PR_GET_TID_ADDRESS, &addr);
	if (err < 0 && errno == EINVAL)
		case_skip("a kernel without checkpoint support");
	EXPECT(addr == &place);
}

CASE(personality_round_trip)
{
	int old = personality(0xffffffff);

	EXPECT_EQ(old, PER_LINUX);
	OK(personality(ADDR_NO_RANDOMIZE));
	EXPECT_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
}

CASE(personality_is_inherited_over_exec)
{
	pid_t pid;

	OK(personality(ADDR_NO_RANDOMIZE));
	pid = fork();
	if (!pid)
		_exit(personality(0xffffffff) != ADDR_NO_RANDOMIZE);
	expect_exit(pid, 0);
}

CASE(prlimit_of_another)
{
	struct rlimit r;
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		if (geteuid())
			_exit(0);
		OK(setresuid(1000, 1000, 1000));
		EXPECT_ERRNO(prlimit(parent, RLIMIT_NOFILE, NULL, &r), EPERM);
		OK(prlimit(getpid(), RLIMIT_NOFILE, NULL, &r));
		EXPECT_ERRNO(prlimit(4000000, RLIMIT_NOFILE, NULL, &r), ESRCH);
		EXPECT_ERRNO(prlimit(0, 77, NULL, &r), EINVAL);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(prlimit_sets_a_childs)
{
	struct rlimit r = {100, 200}, now;
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	OK(prlimit(pid, RLIMIT_NOFILE, &r, NULL));
	OK(prlimit(pid, RLIMIT_NOFILE, NULL, &now));
	EXPECT_EQ(now.rlim_cur, 100);
	EXPECT_EQ(now.rlim_max, 200);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

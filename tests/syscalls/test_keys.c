/* keyrings(7), add_key(2), request_key(2), keyctl(2). */
#include "case.h"

#include <sys/syscall.h>

#define SPEC_THREAD       (-1)
#define SPEC_PROCESS      (-2)
#define SPEC_SESSION      (-3)
#define SPEC_USER         (-4)
#define SPEC_USER_SESSION (-5)

static int add(const char *type, const char *name, const void *data, size_t size, int ring)
{
	return (int)syscall(SYS_add_key, type, name, data, size, ring);
}

static int ctl(int op, long a, long b, long c, long d)
{
	return (int)syscall(SYS_keyctl, op, a, b, c, d);
}

static int request(const char *type, const char *name, int dest)
{
	return (int)syscall(SYS_request_key, type, name, NULL, dest);
}

static void need_keys(void)
{
	if (ctl(0, SPEC_PROCESS, 1, 0, 0) < 0 && errno == ENOSYS)
		case_skip("a kernel without keys");
	OK(ctl(1, 0, 0, 0, 0)); /* a session keyring of our own */
}

CASE(add_and_read)
{
	char buf[20] = "";
	int k;

	need_keys();
	k = add("user", "colour", "blue", 4, SPEC_SESSION);
	OK(k);
	EXPECT_EQ(ctl(11, k, 0, 0, 0), 4);
	EXPECT_EQ(ctl(11, k, (long)buf, sizeof(buf), 0), 4);
	EXPECT_STR(buf, "blue");
}

CASE(add_again_updates)
{
	char buf[20] = "";
	int k;

	need_keys();
	k = add("user", "colour", "blue", 4, SPEC_SESSION);
	EXPECT_EQ(add("user", "colour", "green", 5, SPEC_SESSION), k);
	EXPECT_EQ(ctl(11, k, (long)buf, sizeof(buf), 0), 5);
	EXPECT_STR(buf, "green");
}

CASE(add_bad_arguments)
{
	need_keys();
	EXPECT_ERRNO(add("nosuchtype", "x", "y", 1, SPEC_SESSION), ENODEV);
	EXPECT_ERRNO(add(".hidden", "x", "y", 1, SPEC_SESSION), EPERM);
	EXPECT_ERRNO(add("user", "x", "y", 0, SPEC_SESSION), EINVAL);
	EXPECT_ERRNO(add("user", "x", NULL, 4, SPEC_SESSION), EFAULT);
	EXPECT_ERRNO(add("user", "x", "y", 1, 0), EINVAL);
	EXPECT_ERRNO(add("user", "x", "y", 1, 0x7ffffff0), ENOKEY);
	EXPECT_ERRNO(add("user", "x", "y", 1, -99), EINVAL);
	EXPECT_ERRNO(add("keyring", ".x", NULL, 0, SPEC_SESSION), EPERM);
	EXPECT_ERRNO(add("keyring", "x", "y", 1, SPEC_SESSION), EINVAL);
	EXPECT_ERRNO(add((char *)8, "x", "y", 1, SPEC_SESSION), EFAULT);
	EXPECT_ERRNO(add("user", (char *)8, "y", 1, SPEC_SESSION), EFAULT);
}

CASE(add_to_a_key_that_is_no_keyring)
{
	int k;

	need_keys();
	k = add("user", "a", "1", 1, SPEC_SESSION);
	EXPECT_ERRNO(add("user", "b", "1", 1, k), ENOTDIR);
}

CASE(logon_keys_cannot_be_read)
{
	char buf[8];
	int k;

	need_keys();
	EXPECT_ERRNO(add("logon", "noservice", "pw", 2, SPEC_SESSION), EINVAL);
	k = add("logon", "mail:me", "pw", 2, SPEC_SESSION);
	OK(k);
	EXPECT_EQ(ctl(11, k, (long)buf, sizeof(buf), 0), -1);
	EXPECT(errno == EOPNOTSUPP || errno == EACCES);
}

CASE(describe_key)
{
	char buf[100] = "", want[100];
	int k, n;

	need_keys();
	k = add("user", "colour", "blue", 4, SPEC_SESSION);
	n = ctl(6, k, (long)buf, sizeof(buf), 0);
	snprintf(want, sizeof(want), "user;%d;%d;3f010000;colour", getuid(), getgid());
	EXPECT_STR(buf, want);
	EXPECT_EQ(n, strlen(want) + 1);
	EXPECT_EQ(ctl(6, k, (long)buf, 0, 0), n);
}

CASE(special_keyrings)
{
	need_keys();
	EXPECT_ERRNO(ctl(0, SPEC_THREAD, 0, 0, 0), ENOKEY);
	OK(ctl(0, SPEC_THREAD, 1, 0, 0));
	EXPECT_EQ(ctl(0, SPEC_THREAD, 0, 0, 0), ctl(0, SPEC_THREAD, 1, 0, 0));
	OK(ctl(0, SPEC_USER, 0, 0, 0));
	OK(ctl(0, SPEC_USER_SESSION, 0, 0, 0));
	OK(ctl(0, SPEC_SESSION, 0, 0, 0));
	EXPECT_ERRNO(ctl(0, -6, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(ctl(0, -7, 0, 0, 0), ENOKEY);
	EXPECT_ERRNO(ctl(0, 0, 0, 0, 0), EINVAL);
}

CASE(user_session_holds_the_user_keyring)
{
	int rings[20], n, user, found = 0;

	need_keys();
	user = ctl(0, SPEC_USER, 0, 0, 0);
	n = ctl(11, SPEC_USER_SESSION, (long)rings, sizeof(rings), 0);
	EXPECT(n >= 4);
	for (int i = 0; i < n / 4 && i < 20; i++)
		found |= rings[i] == user;
	EXPECT(found);
}

CASE(session_is_inherited)
{
	int k;
	pid_t pid;

	need_keys();
	k = add("user", "legacy", "x", 1, SPEC_SESSION);
	pid = fork();
	if (!pid)
		_exit(request("user", "legacy", 0) != k);
	expect_exit(pid, 0);
}

CASE(process_keyring_is_not_inherited)
{
	pid_t pid;

	need_keys();
	OK(add("user", "mine", "x", 1, SPEC_PROCESS));
	OK(request("user", "mine", 0));
	pid = fork();
	if (!pid)
		_exit(request("user", "mine", 0) == -1 && errno == ENOKEY ? 0 : 1);
	expect_exit(pid, 0);
}

CASE(join_named_session)
{
	int a, b;

	need_keys();
	a = ctl(1, (long)"our-test-session", 0, 0, 0);
	OK(a);
	b = ctl(0, SPEC_SESSION, 0, 0, 0);
	EXPECT_EQ(a, b);
	EXPECT(ctl(1, 0, 0, 0, 0) != a);
	EXPECT_ERRNO(ctl(1, (long)".hidden", 0, 0, 0), EPERM);
}

CASE(search_in_depth)
{
	int ring, k;

	need_keys();
	ring = add("keyring", "box", NULL, 0, SPEC_SESSION);
	OK(ring);
	k = add("user", "deep", "x", 1, ring);
	OK(k);
	EXPECT_EQ(ctl(10, SPEC_SESSION, (long)"user", (long)"deep", 0), k);
	EXPECT_EQ(request("user", "deep", 0), k);
	EXPECT_ERRNO(ctl(10, SPEC_SESSION, (long)"user", (long)"other", 0), ENOKEY);
	EXPECT_ERRNO(ctl(10, k, (long)"user", (long)"deep", 0), ENOTDIR);
	EXPECT_ERRNO(request("user", "other", 0), ENOKEY);
}

CASE(search_links_what_it_found)
{
	int ring, dest, k, got = 0;

	need_keys();
	ring = add("keyring", "box", NULL, 0, SPEC_SESSION);
	dest = add("keyring", "dest", NULL, 0, SPEC_SESSION);
	k = add("user", "deep", "x", 1, ring);
	EXPECT_EQ(ctl(10, ring, (long)"user", (long)"deep", dest), k);
	EXPECT_EQ(ctl(11, dest, (long)&got, sizeof(got), 0), 4);
	EXPECT_EQ(got, k);
}

CASE(link_and_unlink)
{
	int ring, k, list[4];

	need_keys();
	ring = add("keyring", "box", NULL, 0, SPEC_SESSION);
	k = add("user", "a", "x", 1, SPEC_SESSION);
	OK(ctl(8, k, ring, 0, 0));
	EXPECT_EQ(ctl(11, ring, (long)list, sizeof(list), 0), 4);
	EXPECT_EQ(list[0], k);
	OK(ctl(9, k, ring, 0, 0));
	EXPECT_ERRNO(ctl(9, k, ring, 0, 0), ENOENT);
	EXPECT_EQ(ctl(11, ring, (long)list, sizeof(list), 0), 0);
	EXPECT_ERRNO(ctl(8, ring, k, 0, 0), ENOTDIR);
	EXPECT_ERRNO(ctl(9, ring, k, 0, 0), ENOTDIR);
}

CASE(link_makes_no_loop)
{
	int a, b;

	need_keys();
	a = add("keyring", "a", NULL, 0, SPEC_SESSION);
	b = add("keyring", "b", NULL, 0, a);
	EXPECT_ERRNO(ctl(8, a, b, 0, 0), EDEADLK);
	EXPECT_ERRNO(ctl(8, a, a, 0, 0), EDEADLK);
}

CASE(unlinked_key_is_gone)
{
	int k;

	need_keys();
	k = add("user", "a", "x", 1, SPEC_SESSION);
	OK(ctl(9, k, SPEC_SESSION, 0, 0));
	for (int i = 0; i < 400 && ctl(6, k, 0, 0, 0) >= 0; i++)
		sleep_ms(10);
	EXPECT_ERRNO(ctl(6, k, 0, 0, 0), ENOKEY);
}

CASE(clear_keyring)
{
	int list[4];

	need_keys();
	add("user", "a", "x", 1, SPEC_SESSION);
	add("user", "b", "x", 1, SPEC_SESSION);
	EXPECT_EQ(ctl(11, SPEC_SESSION, (long)list, sizeof(list), 0), 8);
	OK(ctl(7, SPEC_SESSION, 0, 0, 0));
	EXPECT_EQ(ctl(11, SPEC_SESSION, (long)list, sizeof(list), 0), 0);
	EXPECT_ERRNO(ctl(7, add("user", "a", "x", 1, SPEC_SESSION), 0, 0, 0), ENOTDIR);
}

CASE(update_key)
{
	char buf[8] = "";
	int k;

	need_keys();
	k = add("user", "a", "x", 1, SPEC_SESSION);
	OK(ctl(2, k, (long)"new", 3, 0));
	EXPECT_EQ(ctl(11, k, (long)buf, sizeof(buf), 0), 3);
	EXPECT_STR(buf, "new");
	EXPECT_ERRNO(ctl(2, SPEC_SESSION, (long)"new", 3, 0), EOPNOTSUPP);
}

CASE(revoke_key)
{
	int k;

	need_keys();
	k = add("user", "a", "x", 1, SPEC_SESSION);
	OK(ctl(3, k, 0, 0, 0));
	EXPECT_ERRNO(ctl(11, k, 0, 0, 0), EKEYREVOKED);
	EXPECT_ERRNO(ctl(3, k, 0, 0, 0), EKEYREVOKED);
}

CASE(invalidate_key)
{
	int k;

	need_keys();
	k = add("user", "a", "x", 1, SPEC_SESSION);
	OK(ctl(21, k, 0, 0, 0));
	/* until it is collected it is there, but found by no search */
	EXPECT_EQ(ctl(11, k, 0, 0, 0), -1);
	EXPECT(errno == ENOKEY || errno == EACCES);
	EXPECT_ERRNO(request("user", "a", 0), ENOKEY);
}

CASE(timeout_expires_key)
{
	int k;

	need_keys();
	k = add("user", "a", "x", 1, SPEC_SESSION);
	OK(ctl(15, k, 1, 0, 0));
	EXPECT_EQ(ctl(11, k, 0, 0, 0), 1);
	sleep_ms(2100);
	EXPECT_ERRNO(ctl(11, k, 0, 0, 0), EKEYEXPIRED);
}

CASE(permissions)
{
	int k;

	need_keys();
	k = add("user", "a", "x", 1, SPEC_SESSION);
	OK(ctl(5, k, 0x3d000000, 0, 0)); /* possessor: all but read, so search still lets it be read */
	EXPECT_EQ(ctl(11, k, 0, 0, 0), 1);
	OK(ctl(5, k, 0x35000000, 0, 0)); /* nor search */
	EXPECT_ERRNO(ctl(11, k, 0, 0, 0), EACCES);
	EXPECT_ERRNO(ctl(5, k, (long)0xc0000000, 0, 0), EINVAL);
	EXPECT_ERRNO(ctl(3, k, 0, 0, 0), EACCES); /* what is not found by a search is not possessed */
}

CASE(permissions_of_another_user)
{
	int k;
	pid_t pid;

	need_keys();
	if (geteuid())
		case_skip("needs root");
	k = add("user", "a", "x", 1, SPEC_SESSION);
	pid = fork();
	if (!pid) {
		OK(setresuid(1000, 1000, 1000));
		OK(ctl(1, 0, 0, 0, 0)); /* away from the session that has it */
		EXPECT_ERRNO(ctl(11, k, 0, 0, 0), EACCES);
		EXPECT_ERRNO(ctl(6, k, 0, 0, 0), EACCES);
		EXPECT_ERRNO(ctl(8, k, SPEC_SESSION, 0, 0), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(chown_key)
{
	int k;
	pid_t pid;

	need_keys();
	if (geteuid())
		case_skip("needs root");
	k = add("user", "a", "x", 1, SPEC_SESSION);
	OK(ctl(4, k, 1000, 1000, 0));
	pid = fork();
	if (!pid) {
		char buf[60] = "";
		OK(setresuid(1000, 1000, 1000));
		OK(ctl(1, 0, 0, 0, 0));
		EXPECT(ctl(6, k, (long)buf, sizeof(buf), 0) > 0);
		EXPECT_STR(buf, "user;1000;1000;3f010000;a");
		EXPECT_ERRNO(ctl(4, k, 0, -1, 0), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(move_key)
{
	int a, b, k, list[2];

	need_keys();
	a = add("keyring", "a", NULL, 0, SPEC_SESSION);
	b = add("keyring", "b", NULL, 0, SPEC_SESSION);
	k = add("user", "x", "x", 1, a);
	if (ctl(30, k, a, b, 0) < 0 && errno == EOPNOTSUPP)
		case_skip("a kernel before 5.3");
	EXPECT_EQ(ctl(11, a, (long)list, 8, 0), 0);
	EXPECT_EQ(ctl(11, b, (long)list, 8, 0), 4);
	EXPECT_ERRNO(ctl(30, k, a, b, 0), ENOENT);
	add("user", "x", "other", 5, a);
	EXPECT_ERRNO(ctl(30, k, b, a, 1), EEXIST);
	EXPECT_ERRNO(ctl(30, k, b, a, 2), EINVAL);
}

CASE(restrict_keyring)
{
	int a;

	need_keys();
	a = add("keyring", "a", NULL, 0, SPEC_SESSION);
	if (ctl(29, a, 0, 0, 0) < 0 && errno == EOPNOTSUPP)
		case_skip("a kernel before 4.12");
	EXPECT_ERRNO(add("user", "x", "x", 1, a), EPERM);
	EXPECT_ERRNO(ctl(29, a, 0, 0, 0), EEXIST);
}

CASE(quota)
{
	static char big[20001];
	pid_t pid = fork();

	if (!pid) {
		need_keys();
		if (!geteuid())
			OK(setresuid(1234, 1234, 1234));
		OK(ctl(1, 0, 0, 0, 0));
		EXPECT_ERRNO(add("user", "big", big, sizeof(big), SPEC_SESSION), EDQUOT);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(other_operations)
{
	need_keys();
	EXPECT_ERRNO(ctl(12, 1, 0, 0, 0), EPERM);
	EXPECT_EQ(ctl(14, -1, 0, 0, 0), 0);
	OK(ctl(14, 3, 0, 0, 0));
	EXPECT_EQ(ctl(14, 0, 0, 0, 0), 3);
	EXPECT_ERRNO(ctl(14, 99, 0, 0, 0), EINVAL);
	EXPECT_EQ(ctl(16, 0, 0, 0, 0), 0);
	EXPECT_ERRNO(ctl(99, 0, 0, 0, 0), EOPNOTSUPP);
}

CASE(security_label)
{
	char buf[60] = "x";
	int k;

	need_keys();
	k = add("user", "a", "x", 1, SPEC_SESSION);
	EXPECT(ctl(17, k, (long)buf, sizeof(buf), 0) >= 1);
}

/* The wire format without any process: round trips, and every truncation refused. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "tests/unit/gofer/fixture.h"

static const struct gofer_attr g_attr = {.ino = 5, .mode = S_IFREG | 0644, .size = 10, .nlink = 1};

/* Encodes, decodes, encodes again: the same bytes; any shorter or longer message is refused. */
static void check_request(struct gofer_request *q)
{
	static unsigned char a[GOFER_MSG_MAX], b[GOFER_MSG_MAX];
	struct gofer_request out;
	int n = gofer_request_encode(q, a, sizeof(a));

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(gofer_request_decode(a, (size_t)n, &out), 0);
	ck_assert_int_eq(gofer_request_encode(&out, b, sizeof(b)), n);
	ck_assert_int_eq(memcmp(a, b, (size_t)n), 0);
	for (uint32_t cut = 0; cut < (uint32_t)n; cut++) {
		memcpy(b, a, cut);
		if (cut >= 4)
			memcpy(b, &cut, 4); /* an honest size: the fields are what is cut */
		ck_assert_int_eq(gofer_request_decode(b, cut, &out), -EPROTO);
	}
	ck_assert_int_eq(gofer_request_encode(q, b, (size_t)n - 1), -EMSGSIZE);
}

START_TEST(requests_round_trip)
{
	uint64_t handles[3] = {1, 2, 3};
	struct gofer_str x = str("x"), none = str("");
	struct gofer_request all[] = {
	    {.op = GOFER_HELLO, .hello = {1, 2}},
	    {.op = GOFER_ATTACH},
	    {.op = GOFER_WALK, .walk = {1, 1, 2, {str("a"), str("bc")}}},
	    {.op = GOFER_CLUNK, .clunk = {3, handles}},
	    {.op = GOFER_GETATTR, .node = {7}},
	    {.op = GOFER_SETATTR, .setattr = {.handle = 1, .mask = 255, .mode = 07777, .size = 9}},
	    {.op = GOFER_OPEN, .open = {1, 7}},
	    {.op = GOFER_CREATE, .create = {1, 0, S_IFLNK | 0777, 1, 2, x, str("target")}},
	    {.op = GOFER_CREATE, .create = {1, GOFER_CREATE_TMPFILE, S_IFREG | 0600, 1, 2, none, none}},
	    {.op = GOFER_LINK, .link = {1, 2, x}},
	    {.op = GOFER_READDIR, .readdir = {1, 2, 1, 4096}},
	    {.op = GOFER_UNLINK, .unlink = {1, 1, x}},
	    {.op = GOFER_RENAME, .rename = {1, 2, 1, x, str("y")}},
	    {.op = GOFER_FSYNC, .fsync = {1, 3}},
	    {.op = GOFER_FALLOCATE, .fallocate = {1, 2, 3, 4}},
	    {.op = GOFER_GETXATTR, .getxattr = {1, 65536, str("user.a")}},
	    {.op = GOFER_LISTXATTR, .getxattr = {1, 100, none}},
	    {.op = GOFER_SETXATTR, .setxattr = {1, 2, str("user.a"), str("v")}},
	    {.op = GOFER_REMOVEXATTR, .setxattr = {1, 0, str("user.a"), none}},
	    {.op = GOFER_CLONE},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i].tag = 77;
		check_request(&all[i]);
	}
}
END_TEST

START_TEST(requests_refused)
{
	static unsigned char buf[GOFER_MSG_MAX];
	static const char *const names[] = {"", ".", "..", "a/b", "/", "../x"};
	struct gofer_request q = {.tag = 1, .op = GOFER_UNLINK}, out;
	struct gofer_str nul = gofer_str("a\0b", 3);
	char long_name[300];
	int n;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		q.unlink.name = str(names[i]);
		n = gofer_request_encode(&q, buf, sizeof(buf));
		ck_assert_int_eq(gofer_request_decode(buf, (size_t)n, &out), -EPROTO);
	}
	q.unlink.name = nul;
	n = gofer_request_encode(&q, buf, sizeof(buf));
	ck_assert_int_eq(gofer_request_decode(buf, (size_t)n, &out), -EPROTO);
	memset(long_name, 'a', sizeof(long_name));
	q.unlink.name = gofer_str(long_name, 256);
	n = gofer_request_encode(&q, buf, sizeof(buf));
	ck_assert_int_eq(gofer_request_decode(buf, (size_t)n, &out), -EPROTO);
	q.unlink.name = gofer_str(long_name, 255);
	q.tag = 0; /* only CLUNK needs no reply */
	n = gofer_request_encode(&q, buf, sizeof(buf));
	ck_assert_int_eq(gofer_request_decode(buf, (size_t)n, &out), -EPROTO);
	q = (struct gofer_request){.tag = 1, .op = GOFER_WALK, .walk = {.count = GOFER_WALK_MAX + 1}};
	ck_assert_int_eq(gofer_request_encode(&q, buf, sizeof(buf)), -EINVAL);
	q = (struct gofer_request){.tag = 1, .op = GOFER_OP_END};
	ck_assert_int_eq(gofer_request_encode(&q, buf, sizeof(buf)), -EINVAL);
}
END_TEST

START_TEST(reply_lists)
{
	static unsigned char list[GOFER_MSG_MAX], msg[GOFER_MSG_MAX], cut_msg[GOFER_MSG_MAX];
	struct gofer_reply p = {.tag = 3, .op = GOFER_READDIR}, out;
	struct gofer_dirent e = {.cookie = 9, .ino = 5, .type = 8, .has_attr = true, .attr = g_attr};
	int n;

	p.readdir.entries.data = list;
	e.name = str("one");
	ck_assert(gofer_dirent_add(&p.readdir.entries, sizeof(list), &e));
	e.name = str("two");
	e.has_attr = false;
	ck_assert(gofer_dirent_add(&p.readdir.entries, sizeof(list), &e));
	n = gofer_reply_encode(&p, msg, sizeof(msg));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(gofer_reply_decode(msg, (size_t)n, &out), 0);
	ck_assert(gofer_dirent_next(&out.readdir.entries, &e) && e.has_attr && e.attr.size == 10);
	ck_assert(gofer_dirent_next(&out.readdir.entries, &e) && !e.has_attr &&
		  !memcmp(e.name.data, "two", 3));
	ck_assert(!gofer_dirent_next(&out.readdir.entries, &e));
	for (uint32_t cut = 0; cut < (uint32_t)n; cut++) {
		memcpy(cut_msg, msg, cut);
		if (cut >= 4)
			memcpy(cut_msg, &cut, 4);
		ck_assert_int_eq(gofer_reply_decode(cut_msg, cut, &out), -EPROTO);
	}
	memset(msg + 20, 0xff, 4); /* a huge count */
	ck_assert_int_eq(gofer_reply_decode(msg, (size_t)n, &out), -EPROTO);
}
END_TEST

START_TEST(xattr_names)
{
	static const char *const pass[] = {"user.a", "user.", "security.capability",
					   "system.posix_acl_access", "system.posix_acl_default"};
	static const char *const stay[] = {"",
					   "user",
					   "users.a",
					   "trusted.overlay",
					   "security.selinux",
					   "security.capability2",
					   "system.posix_acl",
					   "system.nfs4_acl"};

	for (size_t i = 0; i < sizeof(pass) / sizeof(*pass); i++)
		ck_assert_msg(gofer_xattr_ok(pass[i]), "%s", pass[i]);
	for (size_t i = 0; i < sizeof(stay) / sizeof(*stay); i++)
		ck_assert_msg(!gofer_xattr_ok(stay[i]), "%s", stay[i]);
}
END_TEST

Suite *suite_proto(void)
{
	Suite *s = suite_create("gofer protocol");
	TCase *t = tcase_create("format");

	tcase_add_test(t, requests_round_trip);
	tcase_add_test(t, requests_refused);
	tcase_add_test(t, reply_lists);
	tcase_add_test(t, xattr_names);
	suite_add_tcase(s, t);
	return s;
}

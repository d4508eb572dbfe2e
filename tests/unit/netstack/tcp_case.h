/*
 * tcp_case.h - TT(name) { ... } TT_END: a test with a struct tt *t around it; CASE() lists a file's tests.
 */
#ifndef WARREN_TESTS_NETSTACK_TCP_CASE_H
#define WARREN_TESTS_NETSTACK_TCP_CASE_H

#include "tests/unit/netstack/tcp_fixture.h"

#define TT(name)                                                                                             \
	START_TEST(name)                                                                                     \
	{                                                                                                    \
		struct tt world_of_test, *t = &world_of_test;                                                \
		tt_init(t);
#define TT_END                                                                                               \
	tt_end(t);                                                                                           \
	}                                                                                                    \
	END_TEST

/* The same without world of its own. */
#define CASE(function, title, ...)                                                                           \
	TCase *function(void)                                                                                \
	{                                                                                                    \
		const TTest *const tests[] = {__VA_ARGS__};                                                  \
		TCase *tc = tcase_create(title);                                                             \
		tcase_set_timeout(tc, 300);                                                                  \
		for (size_t i = 0; i < ARRAY_COUNT(tests); i++)                                              \
			tcase_add_test(tc, tests[i]);                                                        \
		return tc;                                                                                   \
	}

#endif

/* tcp_main.c: runs TCP's suites. CK_RUN_CASE=NAME runs one case. */
#include <stdlib.h>

#include "tests/unit/netstack/tcp_fixture.h"

int main(void)
{
	static TCase *(*const cases[])(void) = {
	    case_tcp_open,  case_tcp_close,    case_tcp_reset, case_tcp_send,   case_tcp_loss,
	    case_tcp_undo,  case_tcp_receive,  case_tcp_early, case_tcp_listen, case_tcp_options,
	    case_tcp_scale, case_tcp_transfer, case_tcp_impair};
	Suite *s = suite_create("tcp");
	SRunner *r;
	int failed;

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		suite_add_tcase(s, cases[i]());
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* tests/unit/gofer: the protocol, the server's operations, hostile messages in both directions. */
#include <stdlib.h>
#include "tests/unit/gofer/fixture.h"

int main(void)
{
	SRunner *runner = srunner_create(suite_ops());
	int failed;

	srunner_add_suite(runner, suite_proto());
	srunner_add_suite(runner, suite_hostile());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

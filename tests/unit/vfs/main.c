/* main.c - runs the suites of the VFS. */
#include "tests/unit/vfs/fixture.h"

int main(void)
{
	SRunner *r = srunner_create(walk_suite());
	int failed;

	srunner_add_suite(r, mounts_suite());
	srunner_add_suite(r, races_suite());
	srunner_add_suite(r, dcache_suite());
	srunner_add_suite(r, deep_suite());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

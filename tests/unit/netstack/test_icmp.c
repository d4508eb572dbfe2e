/* */
#include "tests/unit/netstack/fixture.h"
TCase *case_icmp(void)
{
	return tcase_create("icmp");
}

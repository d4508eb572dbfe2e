/* */
#include "tests/unit/netstack/fixture.h"
TCase *case_ipv6(void)
{
	return tcase_create("ipv6");
}

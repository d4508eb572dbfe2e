/* */
#include "tests/unit/netstack/fixture.h"
TCase *case_ipv4(void)
{
	return tcase_create("ipv4");
}

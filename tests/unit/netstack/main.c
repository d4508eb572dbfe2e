/* main.c: runs the suites of the network and datagram layers. CK_RUN_CASE=NAME runs one case. */
#include <stdlib.h>

#include "tests/unit/netstack/fixture.h"

int main(void)
{
	Suite *s = suite_create("netstack");
	SRunner *r;
	int failed;

	suite_add_tcase(s, case_basic());
	suite_add_tcase(s, case_wire());
	suite_add_tcase(s, case_base());
	suite_add_tcase(s, case_neigh());
	suite_add_tcase(s, case_ndp());
	suite_add_tcase(s, case_ipv4());
	suite_add_tcase(s, case_ipv4_frag());
	suite_add_tcase(s, case_ipv6());
	suite_add_tcase(s, case_icmp());
	suite_add_tcase(s, case_udp());
	suite_add_tcase(s, case_udp_queue());
	suite_add_tcase(s, case_udp_send());
	suite_add_tcase(s, case_raw());
	suite_add_tcase(s, case_mcast());
	suite_add_tcase(s, case_route());
	suite_add_tcase(s, case_gro());
	suite_add_tcase(s, case_tap());
	suite_add_tcase(s, case_pcap());
	suite_add_tcase(s, case_edges());
	suite_add_tcase(s, case_nf());
	suite_add_tcase(s, case_nf_tables());
	suite_add_tcase(s, case_nf_conn());
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* fuzz_request.c: libFuzzer target: any body through parsing and the validation of every route that takes
 * one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct schema_fault fault;

	for (unsigned int i = 0; value && i < api_route_count; i++) {
		json_t *probe;

		if (!api_routes[i].body || schema_check(api_routes[i].body, value, &fault))
			continue;
		/* What is said of the fault must be fit for an answer. */
		probe = json_pack("{s:s,s:s,s:s}", "code", fault.code, "pointer", fault.pointer, "detail",
				  fault.detail);
		if (!probe)
			abort();
		json_decref(probe);
	}
	json_decref(value);
	return 0;
}

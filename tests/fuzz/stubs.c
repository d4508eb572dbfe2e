/* stubs.c: the handlers that the route table names; the fuzz targets validate and never dispatch. */
#include <stdlib.h>

#include "api/routes.h"

#define STUB(name)                                                                                           \
	void name(struct request *request)                                                                   \
	{                                                                                                    \
		abort();                                                                                     \
	}

STUB(api_page)
STUB(api_asset)
STUB(api_openapi)
STUB(api_healthz)
STUB(api_list_sandboxes)
STUB(api_create_sandbox)
STUB(api_get_sandbox)
STUB(api_delete_sandbox)
STUB(api_sandbox_stats)
STUB(api_exec)
STUB(api_terminal)

/* route.c: which operation a method and a path mean. */
#include <string.h>

#include "api/routes.h"

/* A {parameter} of a template is a whole, non-empty segment. */
static bool match(const char *template, const char *path, char *parameter, size_t size)
{
	const char *brace;

	while ((brace = strchr(template, '{'))) {
		size_t before = (size_t)(brace - template), len;
		if (strncmp(template, path, before) != 0)
			return false;
		path += before;
		template = strchr(brace, '}') + 1;
		len = strcspn(path, "/");
		if (len == 0 || len >= size)
			return false;
		memcpy(parameter, path, len);
		parameter[len] = 0;
		parameter += len + 1;
		size -= len + 1;
		path += len;
	}
	return strcmp(template, path) == 0;
}

const struct route *route_find(const char *method, const char *path, char *parameter, size_t size,
			       bool *other_method)
{
	*other_method = false;
	parameter[0] = 0;
	for (unsigned int i = 0; i < api_route_count; i++) {
		if (!match(api_routes[i].path, path, parameter, size))
			continue;
		if (strcmp(api_routes[i].method, method) == 0 ||
		    (strcmp(method, "HEAD") == 0 && strcmp(api_routes[i].method, "GET") == 0))
			return &api_routes[i];
		*other_method = true;
	}
	return NULL;
}
